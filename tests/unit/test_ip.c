// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Causes of the stages l2, conntrack, ip and neigh that the lab cannot show on this kernel: older
 * kernels' reasons, missing sources, bonds, tables nearly full.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "causes/stages.h"

struct scene {
	struct observation *o;
	struct drops drops;
	struct diagnosis d;
	struct ledger ledger;
	struct exam x;
	struct cleared cleared;
	struct cause_row row;
};

static void scene_init(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->o = vec_push(&s->d.observations);
	s->o->inode = 7;
	s->o->seconds = 5;
	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &s->o->b : &s->o->a;
		struct link *link = vec_push(&at->links);

		for (enum source source = 0; source < SOURCE_N; source++)
			at->source[source].status = SOURCE_OK;
		link->ifindex = 2;
		link->stats_n = LINK_STATS;
		snprintf(link->name, sizeof(link->name), "eth0");
	}
}

static void counter(struct scene *s, enum counter_id id, uint64_t before, uint64_t after)
{
	s->o->a.counter[id] = before;
	s->o->b.counter[id] = after;
	s->o->a.counter_present[id] = s->o->b.counter_present[id] = true;
}

static void link_counter(struct scene *s, enum counter_id id, uint64_t after)
{
	s->o->b.links.items[0].stats[id - LINK_FIRST] = after;
}

static struct drop_flow *traced(struct scene *s, const char *reason, const char *symbol,
				const uint8_t *from, const uint8_t *to, uint64_t packets)
{
	struct drop *d = vec_push(&s->drops.rows);
	struct drop_flow *f = vec_push(&s->drops.flows);

	snprintf(d->reason, sizeof(d->reason), "%s", reason);
	snprintf(d->symbol, sizeof(d->symbol), "%s", symbol);
	d->netns = f->netns = 7;
	d->ifindex = f->ifindex = 2;
	d->packets = f->packets = packets;
	memcpy(f->reason, d->reason, sizeof(f->reason));
	memcpy(f->symbol, d->symbol, sizeof(f->symbol));
	f->family = AF_INET;
	memcpy(f->source, from, 4);
	memcpy(f->destination, to, 4);
	return f;
}

static enum outcome ask(struct scene *s, enum outcome (*examine)(struct exam *x))
{
	s->d.drops = &s->drops;
	if (!s->ledger.drops)
		ledger_init(&s->ledger, &s->drops, 7);
	s->row = (struct cause_row){.id = "test"};
	s->x = (struct exam){.d = &s->d,
			     .o = s->o,
			     .ledger = &s->ledger,
			     .row = &s->row,
			     .cleared = &s->cleared};
	return examine(&s->x);
}

static void evidence_forget(struct scene *s)
{
	vec_each(e, &s->cleared.evidence) {
		free(e->text);
	}
	vec_done(&s->cleared.evidence);
}

static void scene_done(struct scene *s)
{
	ledger_done(&s->ledger);
	drops_done(&s->drops);
	evidence_forget(s);
	s->d.drops = NULL;
	diagnosis_done(&s->d);
}

static const struct finding *found(const struct scene *s)
{
	assert_int_equal(s->d.findings.n, 1);
	return &s->d.findings.items[0];
}

static const uint8_t loopback[] = {127, 0, 0, 9}, own[] = {192, 0, 2, 2}, peer[] = {192, 0, 2, 1},
		     group[] = {224, 0, 0, 251};

/* Before 6.14 a martian has no reason of its own, and a group nobody joined has the same. */
static void martians_of_older_kernels(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	counter(&s, C_IP_IN_RECEIVES, 0, 1000);
	traced(&s, "NOT_SPECIFIED", "ip_rcv_finish_core", loopback, own, 300);
	traced(&s, "NOT_SPECIFIED", "ip_rcv_finish_core", peer, group, 200);
	assert_int_equal(ask(&s, examine_martian), FOUND);
	assert_int_equal(found(&s)->lost, 300);
	assert_int_equal(ledger_unexplained(&s.ledger), 200);
	scene_done(&s);
}

/* rt_cache is the host's: if it stands still there are none, if it moves nobody knows where. */
static void martians_without_trace(void **state)
{
	struct scene s;

	(void)state;
	for (int moved = 0; moved < 2; moved++) {
		scene_init(&s);
		s.drops.err = -EPERM;
		counter(&s, C_RT_CACHE_IN_MARTIAN_SRC, 10, moved ? 20 : 10);
		counter(&s, C_RT_CACHE_IN_MARTIAN_DST, 0, 0);
		assert_int_equal(ask(&s, examine_martian), moved ? NOT_EXAMINED : NOT_FOUND);
		assert_int_equal(s.d.not_examined.n, moved);
		scene_done(&s);
	}
}

static void own_multicast_that_returns_is_a_note(void **state)
{
	struct scene s;

	(void)state;
	for (int unicast = 0; unicast < 2; unicast++) {
		scene_init(&s);
		counter(&s, C_IP_IN_RECEIVES, 0, 1000);
		traced(&s, "IP_LOCAL_SOURCE", "ip_rcv_finish_core", own, unicast ? peer : group, 300);
		assert_int_equal(ask(&s, examine_martian), FOUND);
		assert_int_equal(found(&s)->severity,
				 unicast ? SEVERITY_CRITICAL : SEVERITY_INFO);
		scene_done(&s);
	}
}

static void who_listens_to_all_hears_others(void **state)
{
	struct scene s;

	(void)state;
	/* Not promiscuous; by a capture, which the flags do not tell; by `ip link`. */
	for (int how = 0; how < 3; how++) {
		scene_init(&s);
		link_counter(&s, C_LINK_RX_PACKETS, 2000);
		link_counter(&s, C_LINK_RX_OTHERHOST_DROPPED, 500);
		s.o->b.links.items[0].promiscuity = how == 1;
		s.o->b.links.items[0].flags = how == 2 ? IFF_PROMISC : 0;
		s.drops.err = -EPERM;
		assert_int_equal(ask(&s, examine_otherhost_mac), FOUND);
		assert_int_equal(found(&s)->lost, 500);
		assert_int_equal(found(&s)->severity, how ? SEVERITY_INFO : SEVERITY_WARNING);
		assert_string_equal(found(&s)->remedies.items[0].id,
				    how ? "end-promiscuous" : "fix-sender");
		scene_done(&s);
	}
}

static void broadcasts_for_others_had_a_tag(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	link_counter(&s, C_LINK_RX_PACKETS, 2000);
	link_counter(&s, C_LINK_RX_OTHERHOST_DROPPED, 500);
	traced(&s, "OTHERHOST", "ip_rcv_core", peer, group, 300);
	traced(&s, "OTHERHOST", "ip_rcv_core", peer, own, 200);
	assert_int_equal(ask(&s, examine_otherhost_mac), FOUND);
	assert_int_equal(found(&s)->lost, 200);
	/* They may be of that VLAN as well. */
	assert_int_equal(found(&s)->severity, SEVERITY_INFO);
	assert_int_equal(ask(&s, examine_vlan_unknown), FOUND);
	assert_int_equal(s.d.findings.items[1].lost, 300);
	assert_int_equal(ledger_unexplained(&s.ledger), 0);
	scene_done(&s);
}

/* net/core/dev.c: a bond's inactive member drops for the same reason, and counts rx_nohandler. */
static void what_inactive_members_hear_is_a_note(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	link_counter(&s, C_LINK_RX_PACKETS, 5000);
	link_counter(&s, C_LINK_RX_NOHANDLER, 5000);
	traced(&s, "UNHANDLED_PROTO", "__netif_receive_skb_core", peer, group, 5000);
	assert_int_equal(ask(&s, examine_rx_nohandler), FOUND);
	assert_int_equal(found(&s)->lost, 5000);
	assert_int_equal(found(&s)->severity, SEVERITY_INFO);
	/* Nothing is left for an unknown protocol to be blamed for. */
	assert_int_equal(ask(&s, examine_ethertype_unhandled), NOT_FOUND);
	scene_done(&s);
}

/* The bond's counters are the sums of its members': told once. */
static void a_bond_does_not_count_again(void **state)
{
	struct scene s;
	struct link *bond;

	(void)state;
	scene_init(&s);
	link_counter(&s, C_LINK_RX_NOHANDLER, 70);
	for (int end = 0; end < 2; end++) {
		struct snapshot *at = end ? &s.o->b : &s.o->a;

		bond = vec_push(&at->links);
		*bond = at->links.items[0];
		bond->ifindex = 77;
		snprintf(bond->name, sizeof(bond->name), "bond0");
		snprintf(bond->kind, sizeof(bond->kind), "bond");
	}
	assert_int_equal(ask(&s, examine_rx_nohandler), FOUND);
	assert_int_equal(found(&s)->lost, 70);
	scene_done(&s);
}

static void few_strange_frames_are_a_note(void **state)
{
	struct scene s;

	(void)state;
	for (int many = 0; many < 2; many++) {
		scene_init(&s);
		link_counter(&s, C_LINK_RX_PACKETS, 1000);
		traced(&s, "UNHANDLED_PROTO", "__netif_receive_skb_core", peer, group,
		       many ? 100 : 40);
		assert_int_equal(ask(&s, examine_ethertype_unhandled), FOUND);
		assert_int_equal(found(&s)->severity, many ? SEVERITY_WARNING : SEVERITY_INFO);
		scene_done(&s);
	}
}

static void time_until_the_table_is_full(void **state)
{
	static const struct {
		uint64_t before, after;
		enum outcome outcome;
		enum severity severity;
		const char *words;
	} rows[] = {
		{700, 740, NOT_FOUND, SEVERITY_INFO, ""},
		{900, 910, FOUND, SEVERITY_WARNING, "less than a minute"}, /* 2 a second: 45 s */
		{909, 910, FOUND, SEVERITY_WARNING, "about 8 minutes"},	   /* 0.2 a second: 450 s */
		{970, 960, FOUND, SEVERITY_CRITICAL, "970 of 1000"},	   /* it was fuller */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene s;

		scene_init(&s);
		counter(&s, C_CT_ENTRIES, rows[i].before, rows[i].after);
		s.o->b.sysctl[K_CONNTRACK_MAX] = (struct sysctl_value){.n = 1, .v = {1000}};
		assert_int_equal(ask(&s, examine_conntrack_near_full), rows[i].outcome);
		if (rows[i].outcome == FOUND) {
			assert_int_equal(found(&s)->severity, rows[i].severity);
			assert_int_equal(found(&s)->state, AT_RISK);
			assert_non_null(strstr(found(&s)->headline, rows[i].words));
		}
		scene_done(&s);
	}
}

static void neigh_table(struct snapshot *at, uint32_t entries, uint64_t fulls)
{
	struct neigh_table *t = vec_push(&at->neigh_tables);

	t->family = AF_INET;
	t->entries = entries;
	t->thresh1 = 128;
	t->thresh2 = 512;
	t->thresh3 = 1024;
	t->table_fulls = fulls;
}

/* A router with thousands of externally learned entries is not near its limit. */
static void exempt_neighbours_fill_no_table(void **state)
{
	struct scene s;

	(void)state;
	for (int exempt = 0; exempt < 2; exempt++) {
		scene_init(&s);
		neigh_table(&s.o->a, 950, 0);
		neigh_table(&s.o->b, 950, 0);
		s.o->b.neighs_limited[0] = exempt ? 20 : 940;
		assert_int_equal(ask(&s, examine_neigh_overflow), FOUND);
		assert_int_equal(found(&s)->state, AT_RISK);
		assert_int_equal(found(&s)->severity, exempt ? SEVERITY_INFO : SEVERITY_WARNING);
		assert_int_equal(found(&s)->confidence, exempt ? POSSIBLE : CERTAIN);
		scene_done(&s);
	}
}

/* An entry is also refused on a device that is going away; no table is full then. */
static void an_entry_refused_is_no_full_table(void **state)
{
	struct scene s;

	(void)state;
	for (int full = 0; full < 2; full++) {
		scene_init(&s);
		neigh_table(&s.o->a, 100, 5);
		neigh_table(&s.o->b, full ? 1024 : 100, full ? 55 : 5);
		traced(&s, "NEIGH_CREATEFAIL", "ip_finish_output2", own, peer, 50);
		assert_int_equal(ask(&s, examine_neigh_overflow), full ? FOUND : NOT_FOUND);
		if (full) {
			assert_int_equal(found(&s)->lost, 50);
			assert_int_equal(found(&s)->remedies.items[0].changes.n, 3);
			assert_string_equal(found(&s)->remedies.items[0].changes.items[0].to, "4096");
		}
		assert_int_equal(ledger_unexplained(&s.ledger), full ? 0 : 50);
		scene_done(&s);
	}
}

static enum outcome ask_row(struct scene *s, const char *id)
{
	s->d.drops = &s->drops;
	if (!s->ledger.drops)
		ledger_init(&s->ledger, &s->drops, 7);
	s->x = (struct exam){.d = &s->d,
			     .o = s->o,
			     .ledger = &s->ledger,
			     .row = cause_by_id(id),
			     .cleared = &s->cleared};
	return s->x.row->examine(&s->x);
}

/* InAddrErrors means one thing, InHdrErrors two: without a trace only the first tells a loss. */
static void ip_counters_without_trace(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	s.drops.err = -EPERM;
	counter(&s, C_IP_IN_RECEIVES, 0, 1000);
	counter(&s, C_IP_IN_ADDR_ERRORS, 5, 205);
	counter(&s, C_IP_IN_HDR_ERRORS, 0, 0);
	assert_int_equal(ask_row(&s, "not-local-forward-off"), FOUND);
	assert_int_equal(found(&s)->lost, 200);
	assert_int_equal(found(&s)->severity, SEVERITY_CRITICAL);
	assert_int_equal(ask_row(&s, "ttl-exceeded"), NOT_FOUND);
	counter(&s, C_IP_IN_HDR_ERRORS, 0, 50);
	assert_int_equal(ask_row(&s, "ttl-exceeded"), NOT_EXAMINED);
	assert_int_equal(ask_row(&s, "ip-header-error"), NOT_EXAMINED);
	scene_done(&s);
}

/* IPv6 without a route: whether it was to be forwarded, only the setting tells. */
static void no_route_or_no_router(void **state)
{
	struct scene s;

	(void)state;
	for (int forwarding = 0; forwarding < 2; forwarding++) {
		scene_init(&s);
		s.o->b.sysctl[K_IP6_FORWARDING] = (struct sysctl_value){.n = 1, .v = {forwarding}};
		traced(&s, "IP_INNOROUTES", "ip6_pkt_discard", peer, own, 100);
		assert_int_equal(ask_row(&s, "in-no-route"), forwarding ? FOUND : NOT_FOUND);
		assert_int_equal(ask_row(&s, "not-local-forward-off"),
				 forwarding ? NOT_FOUND : FOUND);
		assert_int_equal(found(&s)->lost, 100);
		scene_done(&s);
	}
}

/* raw_local_deliver(): what a full raw socket does not take is then nobody's protocol. */
static void full_raw_sockets_are_no_unknown_protocol(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	counter(&s, C_IP_IN_UNKNOWN_PROTOS, 0, 43);
	traced(&s, "IP_NOPROTO", "ip_local_deliver_finish", peer, own, 43);
	for (int i = 0; i < 2; i++) {
		struct socket *sk = vec_push(i ? &s.o->b.raw_sockets : &s.o->a.raw_sockets);

		sk->inode = 99;
		sk->drops = i ? 50 : 7;
	}
	assert_int_equal(ask_row(&s, "ip-unknown-proto"), NOT_FOUND);
	s.o->b.raw_sockets.items[0].drops = 7;
	assert_int_equal(ask_row(&s, "ip-unknown-proto"), FOUND);
	assert_int_equal(found(&s)->lost, 43);
	scene_done(&s);
}

/* Two ends in two namespaces that were both examined: the remedy names the smaller MTU. */
static void both_ends_of_a_pair(void **state)
{
	struct scene s;

	(void)state;
	for (int down = 0; down < 2; down++) {
		struct observation *other;
		struct link *here, *there;

		scene_init(&s);
		other = vec_push(&s.d.observations);
		s.o = s.d.observations.items; /* the list may have moved */
		other->inode = 8;
		there = vec_push(&other->b.links);
		*there = (struct link){.ifindex = 9, .peer_ifindex = 2, .mtu = 1300,
				       .name = "eth7", .kind = "veth"};
		here = &s.o->b.links.items[0];
		snprintf(here->kind, sizeof(here->kind), "veth");
		here->peer_ifindex = 9;
		here->peer_known_netns = true;
		here->mtu = 1500;
		here->flags = s.o->a.links.items[0].flags = down ? IFF_UP : IFF_UP | IFF_RUNNING;
		traced(&s, down ? "QDISC_DROP" : "NOT_SPECIFIED",
		       down ? "__dev_xmit_skb" : "__dev_forward_skb2", own, peer, 70);
		assert_int_equal(ask(&s, examine_veth), FOUND);
		assert_int_equal(found(&s)->lost, 70);
		assert_string_equal(found(&s)->remedies.items[0].id, down ? "peer-up" : "equal-mtu");
		if (!down)
			assert_string_equal(found(&s)->remedies.items[0].commands.items[1],
					    "ip link set dev eth0 mtu 1300");
		/* Nothing is left for a queue to be blamed for. */
		assert_int_equal(ask(&s, examine_qdisc_drop), NOT_FOUND);
		scene_done(&s);
	}
}

/* One clsact counts both ways: its number is the ingress's only if nothing went wrong at egress. */
static void one_counter_for_two_ways(void **state)
{
	struct scene s;

	(void)state;
	for (int both = 0; both < 2; both++) {
		scene_init(&s);
		for (int i = 0; i < 2; i++) {
			struct qdisc *q = vec_push(i ? &s.o->b.qdiscs : &s.o->a.qdiscs);

			snprintf(q->kind, sizeof(q->kind), "clsact");
			q->ifindex = 2;
			q->drops = i ? (both ? 150 : 100) : 0;
		}
		traced(&s, "TC_INGRESS", "__netif_receive_skb_core", peer, own, 100);
		if (both)
			traced(&s, "TC_EGRESS", "__dev_queue_xmit", own, peer, 50);
		assert_int_equal(ask_row(&s, "tc-ingress-drop"), FOUND);
		assert_int_equal(found(&s)->lost, 100);
		assert_int_equal(found(&s)->counted_known, !both);
		assert_int_equal(ask_row(&s, "tc-egress-drop"), both ? FOUND : NOT_FOUND);
		assert_int_equal(ledger_unexplained(&s.ledger), 0);
		scene_done(&s);
	}
}

/* Without a trace a program on a device may drop, and none cannot. */
static void xdp_without_trace(void **state)
{
	struct scene s;

	(void)state;
	for (int attached = 0; attached < 2; attached++) {
		scene_init(&s);
		s.drops.err = -EPERM;
		s.o->b.links.items[0].xdp_id = attached ? 12 : 0;
		assert_int_equal(ask_row(&s, "xdp-drop"), attached ? NOT_EXAMINED : NOT_FOUND);
		scene_done(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(martians_of_older_kernels),
		cmocka_unit_test(martians_without_trace),
		cmocka_unit_test(own_multicast_that_returns_is_a_note),
		cmocka_unit_test(who_listens_to_all_hears_others),
		cmocka_unit_test(broadcasts_for_others_had_a_tag),
		cmocka_unit_test(what_inactive_members_hear_is_a_note),
		cmocka_unit_test(a_bond_does_not_count_again),
		cmocka_unit_test(few_strange_frames_are_a_note),
		cmocka_unit_test(time_until_the_table_is_full),
		cmocka_unit_test(exempt_neighbours_fill_no_table),
		cmocka_unit_test(an_entry_refused_is_no_full_table),
		cmocka_unit_test(ip_counters_without_trace),
		cmocka_unit_test(no_route_or_no_router),
		cmocka_unit_test(full_raw_sockets_are_no_unknown_protocol),
		cmocka_unit_test(both_ends_of_a_pair),
		cmocka_unit_test(one_counter_for_two_ways),
		cmocka_unit_test(xdp_without_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
