// SPDX-License-Identifier: GPL-2.0-or-later
/* Network devices, for programs. */
#include <net/if.h>

#include "render/host_network.h"
#include "render/json_set.h"

static json_t *mode_json(const struct nic_mode *m)
{
	return m->speed ? json_pack("{s:I, s:s}", "mbit", (json_int_t)m->speed, "duplex",
				    m->full ? "full" : "half")
			: json_null();
}

static json_t *pair(uint32_t now, uint32_t most)
{
	return most ? json_pack("{s:I, s:I}", "now", (json_int_t)now, "max", (json_int_t)most)
		    : json_null();
}

static void set_link(json_t *j, const struct nic *n)
{
	set(j, "speed_mbit", number_if(n->speed, n->speed));
	set_text(j, "duplex",
		 n->duplex == NIC_DUPLEX_FULL ? "full" : n->duplex == NIC_DUPLEX_HALF ? "half" : NULL);
	set(j, "autonegotiation", n->autoneg < 0 ? json_null() : json_boolean(n->autoneg));
	set(j, "supported", mode_json(&n->supported));
	set(j, "advertised", mode_json(&n->advertised));
	set(j, "peer", mode_json(&n->peer));
	set(j, "common", mode_json(&n->common));
}

static json_t *offloads_json(const struct nic *n)
{
	json_t *j = json_object();

	for (const struct host_offload *o = host_offloads; o->name; o++) {
		uint32_t bit = 1u << o->feature;

		set(j, o->name,
		    n->features_known & bit
			    ? json_pack("{s:b, s:b}", "on", !!(n->features_on & bit), "fixed",
					!!(n->features_fixed & bit))
			    : json_null());
	}
	return j;
}

static void set_nic(json_t *j, const struct nic *n)
{
	const struct nic_rings *r = &n->rings;
	const struct nic_channels *c = &n->channels;
	json_t *rings = json_object(), *channels = json_object();

	set(j, "driver", filled_or_null(n->driver));
	set(j, "firmware", filled_or_null(n->firmware));
	set(j, "bus", filled_or_null(n->bus));
	set_link(j, n);
	set(rings, "rx", r->known ? pair(r->rx, r->rx_max) : json_null());
	set(rings, "tx", r->known ? pair(r->tx, r->tx_max) : json_null());
	set(j, "rings", rings);
	set(channels, "rx", c->known ? pair(c->rx, c->rx_max) : json_null());
	set(channels, "tx", c->known ? pair(c->tx, c->tx_max) : json_null());
	set(channels, "combined", c->known ? pair(c->combined, c->combined_max) : json_null());
	set(j, "channels", channels);
	set(j, "offloads", offloads_json(n));
}

static json_t *card_json(const struct host_card *c)
{
	json_t *j;

	if (!c)
		return json_null();
	j = json_object();
	set_text(j, "place", c->place);
	set(j, "class", json_integer(c->class));
	set(j, "vendor", json_integer(c->vendor));
	set(j, "device", json_integer(c->device));
	set(j, "numa_node", c->node < 0 ? json_null() : json_integer(c->node));
	set(j, "link_speed", filled_or_null(c->speed));
	set(j, "link_width", number_if(c->width, c->width));
	set(j, "max_link_speed", filled_or_null(c->max_speed));
	set(j, "max_link_width", number_if(c->max_width, c->max_width));
	return j;
}

static json_t *count_or_null(int n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static void set_spread(json_t *j, const struct snapshot *s, const struct link *l)
{
	struct host_irq_share share = host_irq_share(s, l->ifindex);
	struct host_spread q = host_spread(s, l->ifindex);
	const struct netdev_queues *d = snapshot_queues(s, l->ifindex);

	set(j, "numa_node", d && d->numa_node >= 0 ? json_integer(d->numa_node) : json_null());
	set(j, "local_cpus", filled_or_null(d ? d->local_cpus : NULL));
	set(j, "rx_queues", number_if(d, q.rx));
	set(j, "tx_queues", number_if(d, q.tx));
	set(j, "rps_queues", count_or_null(q.rps));
	set(j, "rfs_queues", count_or_null(q.rfs));
	set(j, "xps_queues", count_or_null(q.xps));
	set(j, "interrupts", share.interrupts
				     ? json_pack("{s:I, s:I, s:I, s:o, s:o}", "lines",
						 (json_int_t)share.interrupts, "cpus",
						 (json_int_t)share.cpus, "busiest_cpu",
						 (json_int_t)share.busiest, "count",
						 number(share.count), "busiest_count",
						 number(share.busiest_count))
				     : json_null());
}

json_t *host_network_json(const struct host_view *v)
{
	const struct snapshot *s = &v->o->b;
	json_t *j = json_object(), *devices = json_array(), *cards = json_array();
	int64_t flows = 0;
	bool known = sysctl_get(s, K_RPS_SOCK_FLOW_ENTRIES, &flows);

	vec_each(l, &s->links) {
		const struct nic *n = snapshot_nic(s, l->ifindex);
		json_t *one;

		if (l->flags & IFF_LOOPBACK)
			continue;
		one = json_object();
		set_text(one, "device", l->name);
		set(one, "ifindex", json_integer(l->ifindex));
		set(one, "kind", filled_or_null(l->kind));
		set(one, "up", json_boolean(l->flags & IFF_UP));
		set(one, "carrier", json_boolean(l->flags & IFF_RUNNING));
		set(one, "mtu", json_integer(l->mtu));
		set(one, "txqueuelen", json_integer(l->txqlen));
		if (n)
			set_nic(one, n);
		set(one, "card", card_json(host_card_of(v, n)));
		set_spread(one, s, l);
		json_array_append_new(devices, one);
	}
	set(j, "devices", devices);
	vec_each(c, &v->facts->network.cards)
		json_array_append_new(cards, card_json(c));
	set(j, "cards", cards);
	set(j, "rfs_entries", known ? json_integer(flows) : json_null());
	return j;
}
