// SPDX-License-Identifier: GPL-2.0-or-later
/* Network devices in the picture of a host. */
#include <net/if.h>
#include <stdio.h>

#include "render/fmt.h"
#include "render/host_network.h"

#define SOFTWARE_SHOWN 16

const struct host_offload host_offloads[] = {
	{"TSO", NF_TSO}, {"GSO", NF_GSO}, {"USO", NF_USO}, {"GRO", NF_GRO}, {"LRO", NF_LRO}, {NULL, 0}};

const struct host_card *host_card_of(const struct host_view *v, const struct nic *nic)
{
	vec_each(c, &v->facts->network.cards)
		if (nic && nic->bus[0] && strcmp(c->place, nic->bus) == 0)
			return c;
	return NULL;
}

static const char *duplex_word(uint8_t duplex)
{
	return duplex == NIC_DUPLEX_FULL ? " full duplex" : duplex == NIC_DUPLEX_HALF ? " HALF duplex" : "";
}

/* 1000 Mbit/s are 1 Gbit/s. */
static struct fmt speed_words(uint32_t mbit)
{
	struct fmt ret;

	if (mbit >= 1000)
		snprintf(ret.s, sizeof(ret.s), "%g Gbit/s", mbit / 1000.0);
	else
		snprintf(ret.s, sizeof(ret.s), "%u Mbit/s", mbit);
	return ret;
}

static void link_text(const struct link *l, const struct nic *n, bool software, struct out *out)
{
	cleanup(buf_done) struct buf line = {0};

	buf_printf(&line, "%s, MTU %u",
		   !(l->flags & IFF_UP)		? "down"
		   : (l->flags & IFF_RUNNING) ? "up"
						: "up, no carrier",
		   l->mtu);
	if (n && n->speed)
		buf_printf(&line, ", %s%s", speed_words(n->speed).s, duplex_word(n->duplex));
	else if (n && !software && (l->flags & IFF_RUNNING))
		buf_puts(&line, ", the driver tells no speed");
	if (n && n->autoneg == 1 && n->common.speed)
		buf_printf(&line, "; the best both ends offer: %s%s",
			   speed_words(n->common.speed).s, n->common.full ? "" : " half duplex");
	else if (n && n->speed && n->supported.speed)
		buf_printf(&line, "; the port can do %s", speed_words(n->supported.speed).s);
	host_row(out, 2, "link", "%s", line.data);
}

static void place_text(const struct host_view *v, const char *name, const struct nic *n,
		       const struct netdev_queues *q, struct out *out)
{
	const struct host_card *c = host_card_of(v, n);
	cleanup(buf_done) struct buf line = {0};
	int node = q && q->numa_node >= 0 ? q->numa_node : c ? c->node : -1;

	buf_printf(&line, "%s", n && n->driver[0] ? n->driver : "unknown driver");
	if (n && n->firmware[0])
		buf_printf(&line, ", firmware %s", n->firmware);
	if (n && n->bus[0])
		buf_printf(&line, ", at %s", n->bus);
	if (c)
		buf_printf(&line, " (%04x:%04x)", c->vendor, c->device);
	if (node >= 0)
		buf_printf(&line, ", node %d", node);
	if (q && q->local_cpus[0])
		buf_printf(&line, ", near CPUs %s", q->local_cpus);
	host_row(out, 1, name, "%s", line.data);
	if (c && c->width)
		host_row(out, 2, "PCIe", "%s x%u; the card can do %s x%u", c->speed, c->width,
			 c->max_speed, c->max_width);
}

static void rings_text(const struct host_view *v, const struct nic *n, struct out *out)
{
	const struct nic_rings *r = &n->rings;
	const struct nic_channels *c = &n->channels;

	if (r->known && r->rx_max)
		host_row(out, 2, "rings", "rx %u of %u, tx %u of %u", r->rx, r->rx_max, r->tx,
			 r->tx_max);
	if (!c->known)
		return;
	if (c->combined_max)
		host_row(out, 2, "channels", "%u of %u for %u CPU%s", c->combined, c->combined_max,
			 v->r->cpus, v->r->cpus == 1 ? "" : "s");
	else if (c->rx_max)
		host_row(out, 2, "channels", "rx %u of %u, tx %u of %u for %u CPU%s", c->rx,
			 c->rx_max, c->tx, c->tx_max, v->r->cpus, v->r->cpus == 1 ? "" : "s");
}

/* "TSO GSO GRO on, USO LRO off (fixed)": of those the driver knows */
static void offloads_text(const struct nic *n, struct out *out)
{
	cleanup(buf_done) struct buf line = {0};

	for (size_t i = 0; i < 2; i++) {
		size_t begin = line.len;
		bool on = i == 0;

		for (const struct host_offload *o = host_offloads; o->name; o++) {
			uint32_t bit = 1u << o->feature;

			if (!(n->features_known & bit) || !(n->features_on & bit) == on)
				continue;
			buf_printf(&line, "%s%s%s", line.len > begin ? " " : begin ? ", " : "",
				   o->name, !on && (n->features_fixed & bit) ? " (cannot)" : "");
		}
		if (line.len > begin)
			buf_printf(&line, " %s", on ? "on" : "off");
	}
	if (line.len)
		host_row(out, 2, "offloads", "%s", line.data);
}

static void interrupts_text(const struct snapshot *s, const struct link *l, struct out *out)
{
	struct host_irq_share share = host_irq_share(s, l->ifindex);
	struct host_spread q = host_spread(s, l->ifindex);
	cleanup(buf_done) struct buf line = {0};
	int64_t flows = 0;

	if (share.count)
		host_row(out, 2, "interrupts", "%u, taken by %u CPU%s since boot, by CPU %u %s of them",
			 share.interrupts, share.cpus, share.cpus == 1 ? "" : "s", share.busiest,
			 fmt_share(share.busiest_count, share.count).s);
	if (q.rps >= 0)
		buf_printf(&line, "RPS on %d of %u receive queues", q.rps, q.rx);
	if (q.rps >= 0 && sysctl_get(s, K_RPS_SOCK_FLOW_ENTRIES, &flows))
		buf_printf(&line, ", RFS %s", flows && q.rfs > 0 ? "on" : "off");
	if (q.xps >= 0)
		buf_printf(&line, "%sXPS on %d of %u transmit queues", line.len ? ", " : "", q.xps,
			   q.tx);
	if (line.len)
		host_row(out, 2, "spread", "%s", line.data);
}

static bool is_software(const struct snapshot *s, const struct link *l)
{
	const struct netdev_queues *q = snapshot_queues(s, l->ifindex);
	const struct nic *n = snapshot_nic(s, l->ifindex);

	return l->kind[0] || (q && !q->parent[0] && !(n && n->bus[0]));
}

static void device_text(const struct host_view *v, const struct link *l, struct out *out)
{
	const struct snapshot *s = &v->o->b;
	const struct nic *n = snapshot_nic(s, l->ifindex);

	if (is_software(s, l))
		host_row(out, 1, l->name, "%s", l->kind[0] ? l->kind : "software");
	else
		place_text(v, l->name, n, snapshot_queues(s, l->ifindex), out);
	link_text(l, n, is_software(s, l), out);
	if (n) {
		rings_text(v, n, out);
		offloads_text(n, out);
	}
	interrupts_text(s, l, out);
}

void host_network_text(const struct host_view *v, struct out *out)
{
	const struct snapshot *s = &v->o->b;
	unsigned int software = 0, all = 0;

	vec_each(l, &s->links)
		all += !(l->flags & IFF_LOOPBACK);
	if (!all && source_ok(s, SRC_LINK))
		host_row(out, 1, "devices", "none but loopback");
	vec_each(l, &s->links)
		if (!(l->flags & IFF_LOOPBACK) && !is_software(s, l))
			device_text(v, l, out);
	vec_each(l, &s->links)
		if (!(l->flags & IFF_LOOPBACK) && is_software(s, l) && software++ < SOFTWARE_SHOWN)
			device_text(v, l, out);
	if (software > SOFTWARE_SHOWN)
		host_row(out, 1, "", "and %u more made by software: --json has all",
			 software - SOFTWARE_SHOWN);
}
