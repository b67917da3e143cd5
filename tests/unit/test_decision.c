// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The decision table (the catalogue of causes, section 4.3): a symptom, what is there beside it and
 * what is not, and the cause that comes first. Each row is a host of its own that the whole engine
 * judges; nothing else of it may be blamed. What needs a card, a CPU's interrupts or rules is
 * decided where such hosts are built: test_nic_causes.c, test_machine_causes.c, test_firewall.c.
 */
#define _GNU_SOURCE
#include "observe.h"

#include <net/if.h>
#include <netinet/in.h>

#include "causes/stages.h"

struct host {
	struct diagnosis d;
	struct drops drops;
	struct observation *o;
};

enum { LOST = 1000, PASSED = 100000, COOKIE = 7, INODE = 70, PID = 700 };
enum { LISTENING = 10 }; /* TCP_LISTEN, include/net/tcp_states.h */

static void traced(struct host *h, const char *reason, const char *symbol, uint8_t protocol)
{
	trace(&h->drops, reason, symbol, protocol, LOST)->ifindex = 2;
}

static void counted(struct host *h, enum counter_id id)
{
	count(h->o, id, 0, LOST);
}

static void passed(struct host *h, enum counter_id id)
{
	count(h->o, id, 0, PASSED);
}

static void sysctl_is(struct host *h, enum sysctl_id id, int64_t value)
{
	h->o->a.sysctl[id] = h->o->b.sysctl[id] =
		(struct sysctl_value){.n = 3, .v = {value, value, value}};
}

/* A socket at both ends, with the process that holds it; what comes back is that of the end. */
static struct socket *socket_of(struct host *h, uint8_t protocol, char state)
{
	struct socket *sk = NULL;

	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &h->o->b : &h->o->a;
		struct process *p = vec_push(&at->processes);

		at->taken_ns = (1 + 5 * i) * NSEC_PER_SEC;
		*(struct socket_owner *)vec_push(&at->owners) =
			(struct socket_owner){.inode = INODE, .pid = PID};
		*p = (struct process){.pid = PID, .ppid = 1, .state = state, .cpu = -1,
				      .quota_us = -1, .period_us = -1};
		snprintf(p->comm, sizeof(p->comm), "server");
		sk = vec_push(&at->sockets);
		*sk = (struct socket){.cookie = COOKIE, .inode = INODE, .family = AF_INET,
				      .protocol = protocol, .local_port = 53, .mem_known = true,
				      .rcvbuf = 212992, .sndbuf = 212992};
	}
	return sk;
}

static void full_reader(struct host *h, char state)
{
	struct socket *sk = socket_of(h, IPPROTO_UDP, state);

	sk->drops = LOST;
	sk->rmem = 212992;
	h->o->a.sockets.items[0].rmem = 212992;
	passed(h, C_UDP_IN_DATAGRAMS);
	counted(h, C_UDP_IN_ERRORS);
	counted(h, C_UDP_RCVBUF_ERRORS);
	trace(&h->drops, "SOCKET_RCVBUFF", "__udp_queue_rcv_skb", IPPROTO_UDP, LOST)->cookie = COOKIE;
}

static void listener(struct host *h, uint32_t waiting)
{
	struct socket *sk = socket_of(h, IPPROTO_TCP, 'S');

	sk->state = h->o->a.sockets.items[0].state = LISTENING;
	sk->wqueue = h->o->a.sockets.items[0].wqueue = 128;
	sk->rqueue = waiting;
	sk->drops = LOST;
	sysctl_is(h, K_SOMAXCONN, 4096);
	sysctl_is(h, K_TCP_MAX_SYN_BACKLOG, 128);
	passed(h, C_TCP_PASSIVE_OPENS);
	counted(h, C_LISTEN_DROPS);
}

static void retransmits(struct host *h)
{
	count(h->o, C_TCP_OUT_SEGS, 0, 10 * LOST);
	counted(h, C_TCP_RETRANS_SEGS);
}

/* ---- the rows ---- */

static void backlog(struct host *h)
{
	for (int i = 0; i < 2; i++) {
		struct cpu *cpu = vec_push(i ? &h->o->b.cpus : &h->o->a.cpus);

		cpu->softnet_present = true;
		cpu->softnet[C_SOFTNET_PROCESSED - SOFTNET_FIRST] = i ? PASSED : 0;
		cpu->softnet[C_SOFTNET_DROPPED - SOFTNET_FIRST] = i ? LOST : 0;
	}
	count_link(h->o, 2, C_LINK_RX_DROPPED, 0, LOST);
	traced(h, "CPU_BACKLOG", "enqueue_to_backlog", 0);
}

static void ethertype(struct host *h)
{
	count_link(h->o, 2, C_LINK_RX_PACKETS, 0, PASSED);
	count_link(h->o, 2, C_LINK_RX_DROPPED, 0, LOST);
	traced(h, "UNHANDLED_PROTO", "__netif_receive_skb_core", 0);
}

static void queue_drops(struct host *h)
{
	for (int i = 0; i < 2; i++) {
		struct qdisc *q = vec_push(i ? &h->o->b.qdiscs : &h->o->a.qdiscs);

		snprintf(q->kind, sizeof(q->kind), "pfifo");
		q->ifindex = 2;
		q->parent = UINT32_MAX;
		q->drops = i ? LOST : 0;
		q->packets = i ? PASSED : 0;
	}
	traced(h, "QDISC_DROP", "__dev_queue_xmit", 0);
}

static void queue_drops_of_udp(struct host *h)
{
	queue_drops(h);
	h->drops.rows.items[0].protocol = IPPROTO_UDP;
	counted(h, C_UDP_SNDBUF_ERRORS);
	counted(h, C_IP_OUT_DISCARDS);
}

static void veth_refuses(struct host *h)
{
	for (int i = 0; i < 2; i++) {
		struct link *link = (i ? &h->o->b : &h->o->a)->links.items;

		snprintf(link->kind, sizeof(link->kind), "veth");
		link->flags = IFF_UP | IFF_RUNNING;
	}
	count_link(h->o, 2, C_LINK_TX_PACKETS, 0, PASSED);
	count_link(h->o, 2, C_LINK_TX_DROPPED, 0, LOST);
	traced(h, "NOT_SPECIFIED", "__dev_forward_skb2", 0);
}

static void neighbours_are_full(struct host *h)
{
	for (int i = 0; i < 2; i++)
		*(struct neigh_table *)vec_push(i ? &h->o->b.neigh_tables : &h->o->a.neigh_tables) =
			(struct neigh_table){.family = AF_INET, .entries = 1024, .thresh1 = 128,
					     .thresh2 = 512, .thresh3 = 1024,
					     .table_fulls = i ? LOST : 0};
	h->o->b.neighs_limited[0] = 1024;
	counted(h, C_UDP_SNDBUF_ERRORS);
	counted(h, C_IP_OUT_DISCARDS);
	traced(h, "NEIGH_CREATEFAIL", "ip_finish_output2", IPPROTO_UDP);
}

static void sender_is_full(struct host *h)
{
	socket_of(h, IPPROTO_UDP, 'R')->wmem = 212992;
	passed(h, C_UDP_OUT_DATAGRAMS);
	counted(h, C_UDP_SNDBUF_ERRORS);
}

static void stopped_reader(struct host *h) { full_reader(h, 'T'); }

static void throttled_reader(struct host *h)
{
	full_reader(h, 'S');
	for (int i = 0; i < 2; i++) {
		struct process *p = i ? h->o->b.processes.items : h->o->a.processes.items;

		p->cpu_stat_known = true;
		p->quota_us = 10000;
		p->period_us = 100000;
		p->nr_periods = i ? 50 : 0;
		p->nr_throttled = i ? 45 : 0;
		p->limits_n = 1;
		p->limits[0] = (struct cpu_limit){.quota_us = 10000, .period_us = 100000,
						  .nr_periods = p->nr_periods,
						  .nr_throttled = p->nr_throttled};
	}
}

static void burst(struct host *h)
{
	full_reader(h, 'S');
	h->o->a.sockets.items[0].rmem = h->o->b.sockets.items[0].rmem = 0;
}

static void bad_sum(struct host *h)
{
	passed(h, C_UDP_IN_DATAGRAMS);
	counted(h, C_UDP_IN_ERRORS);
	counted(h, C_UDP_IN_CSUM_ERRORS);
	traced(h, "UDP_CSUM", "__udp4_lib_rcv", IPPROTO_UDP);
}

static void bad_length(struct host *h)
{
	passed(h, C_UDP_IN_DATAGRAMS);
	counted(h, C_UDP_IN_ERRORS);
	traced(h, "PKT_TOO_SMALL", "__udp4_lib_rcv", IPPROTO_UDP);
}

static void socket_filter(struct host *h)
{
	passed(h, C_UDP_IN_DATAGRAMS);
	counted(h, C_UDP_IN_ERRORS);
	traced(h, "SOCKET_FILTER", "udp_queue_rcv_one_skb", IPPROTO_UDP);
}

/* A listener's own filter: no counter at all tells of it. */
static void filter_of_listener(struct host *h)
{
	passed(h, C_TCP_IN_SEGS);
	traced(h, "SOCKET_FILTER", "tcp_v4_rcv", IPPROTO_TCP);
}

/* From 6.13 on no counter tells of it, the socket alone does. */
static void udp_memory(struct host *h)
{
	socket_of(h, IPPROTO_UDP, 'S')->drops = LOST;
	passed(h, C_UDP_IN_DATAGRAMS);
	traced(h, "PROTO_MEM", "__udp_queue_rcv_skb", IPPROTO_UDP);
}

static void accept_queue(struct host *h)
{
	listener(h, 129);
	counted(h, C_LISTEN_OVERFLOWS);
}

static void syn_queue(struct host *h)
{
	listener(h, 0);
	counted(h, C_TCP_REQ_Q_FULL_DROP);
	count(h->o, C_LISTEN_OVERFLOWS, 0, 0);
}

static void cookies(struct host *h)
{
	listener(h, 0);
	count(h->o, C_LISTEN_DROPS, 0, 0);
	h->o->b.sockets.items[0].drops = 0;
	counted(h, C_TCP_REQ_Q_FULL_DO_COOKIES);
	counted(h, C_SYNCOOKIES_SENT);
	counted(h, C_SYNCOOKIES_RECV);
}

static void last_quarter(struct host *h)
{
	listener(h, 0);
	sysctl_is(h, K_TCP_SYNCOOKIES, 0);
	count(h->o, C_LISTEN_OVERFLOWS, 0, 0);
	count(h->o, C_TCP_REQ_Q_FULL_DROP, 0, 0);
	*(struct half_open *)vec_push(&h->o->b.half_open) =
		(struct half_open){.family = AF_INET, .port = 53, .n = 97};
}

static void old_timestamps(struct host *h)
{
	passed(h, C_TCP_IN_SEGS);
	counted(h, C_PAWS_TIMEWAIT);
	traced(h, "TCP_RFC7323_TW_PAWS", "tcp_v4_rcv", IPPROTO_TCP);
}

static void conntrack_is_full(struct host *h)
{
	h->o->a.source[SRC_CONNTRACK].status = h->o->b.source[SRC_CONNTRACK].status = SOURCE_OK;
	sysctl_is(h, K_CONNTRACK_MAX, 1000);
	count(h->o, C_CT_ENTRIES, 1000, 1000);
	counted(h, C_CT_DROP);
	traced(h, "NETFILTER_DROP", "nf_hook_slow", 0);
}

static void reverse_path(struct host *h)
{
	passed(h, C_IP_IN_RECEIVES);
	counted(h, C_IP_REVERSE_PATH_FILTER);
	traced(h, "IP_RPFILTER", "ip_rcv_finish_core", 0);
}

static void unknown_connection(struct host *h)
{
	passed(h, C_TCP_IN_SEGS);
	counted(h, C_TCP_OUT_RSTS);
	traced(h, "TCP_FLAGS", "tcp_v4_do_rcv", IPPROTO_TCP);
}

static void closed_port(struct host *h)
{
	passed(h, C_TCP_IN_SEGS);
	counted(h, C_TCP_OUT_RSTS);
	traced(h, "NO_SOCKET", "tcp_v4_rcv", IPPROTO_TCP);
}

/* Its timer runs, and the first copy has not left this host yet. */
static void own_queue(struct host *h)
{
	count(h->o, C_TCP_OUT_SEGS, 0, PASSED);
	count(h->o, C_TCP_SPURIOUS_RTX_HOST_QUEUES, 0, 3);
}

/* Full segments alone are sent again, the handshake passed, and no ICMP came. */
static void large_ones_vanish(struct host *h)
{
	struct socket *sk = socket_of(h, IPPROTO_TCP, 'S');

	count(h->o, C_TCP_OUT_SEGS, 0, 40);
	count(h->o, C_TCP_RETRANS_SEGS, 0, 5);
	count(h->o, C_TCP_TIMEOUTS, 0, 4);
	count(h->o, C_ICMP_IN_DEST_UNREACHS, 0, 0);
	sk->tcp_known = true;
	sk->state = 1;
	sk->unacked = 10;
	sk->backoff = 4;
	sk->snd_mss = 1448;
	sk->pmtu = 1500;
	sk->retrans_total = 5;
	sk->bytes_again = 5 * 1448;
	sk->bytes_acked = 1;
	sk->rto_us = 3200000;
	sk->last_ack_ms = 5000;
}

static void timeouts_elsewhere(struct host *h)
{
	retransmits(h);
	counted(h, C_TCP_TIMEOUTS);
}

static void fast_elsewhere(struct host *h)
{
	retransmits(h);
	counted(h, C_TCP_FAST_RETRANS);
}

static const struct decision {
	const char *symptom, *beside, *id;
	void (*make)(struct host *h);
} decisions[] = {
	{"rx_dropped", "softnet dropped the same", "softnet-backlog-drop", backlog},
	{"rx_dropped", "UNHANDLED_PROTO, softnet not", "ethertype-unhandled", ethertype},
	{"tc dropped", "QDISC_DROP", "qdisc-drop", queue_drops},
	{"SndbufErrors = OutDiscards", "QDISC_DROP", "qdisc-drop", queue_drops_of_udp},
	{"tx_dropped of a virtual device", "__dev_forward_skb2, tc not", "veth-mtu-or-down", veth_refuses},
	{"SndbufErrors = OutDiscards", "NEIGH_CREATEFAIL", "neigh-table-overflow", neighbours_are_full},
	{"SndbufErrors", "a full send buffer, no event", "udp-sndbuf-full", sender_is_full},
	{"InErrors = RcvbufErrors", "full, its owner stopped", "app-stopped", stopped_reader},
	{"InErrors = RcvbufErrors", "full, its owner throttled", "cgroup-cpu-throttle", throttled_reader},
	{"InErrors = RcvbufErrors", "empty in between", "udp-rcvbuf-full", burst},
	{"InErrors", "InCsumErrors, RcvbufErrors not", "udp-csum", bad_sum},
	{"InErrors", "PKT_TOO_SMALL, neither of both", "udp-length", bad_length},
	{"InErrors", "SOCKET_FILTER, neither of both", "socket-filter-drop", socket_filter},
	{"d of a socket", "PROTO_MEM, no counter of UDP", "udp-mem-limit", udp_memory},
	{"SYNs again", "ListenOverflows", "listen-overflow", accept_queue},
	{"SYNs again", "TCPReqQFullDrop, ListenOverflows not", "synq-full-drop", syn_queue},
	{"SYNs again", "TCPReqQFullDoCookies", "synq-cookies", cookies},
	{"SYNs again", "ListenDrops alone, 3/4 half open", "synbacklog-quarter", last_quarter},
	{"SYNs again", "PAWSTimewait", "paws-timewait", old_timestamps},
	{"SYNs again", "NETFILTER_DROP, conntrack drop", "conntrack-table-full", conntrack_is_full},
	{"SYNs again", "IP_RPFILTER, ListenDrops not", "rp-filter", reverse_path},
	{"SYNs again", "SOCKET_FILTER, no counter", "socket-filter-drop", filter_of_listener},
	{"OutRsts", "TCP_FLAGS at a listener", "rst-unknown-connection", unknown_connection},
	{"OutRsts", "NO_SOCKET", "rst-closed-port", closed_port},
	{"TCPSpuriousRtxHostQueues", "nothing lost", "host-queue-stuck", own_queue},
	{"RetransSegs", "full segments only, no ICMP", "pmtu-blackhole", large_ones_vanish},
	{"RetransSegs", "Timeouts, all here clean", "tcp-rto", timeouts_elsewhere},
	{"RetransSegs", "FastRetrans, all here clean", "tcp-fast-retransmit", fast_elsewhere},
};

static void decide(const struct decision *row)
{
	struct host h = {0};

	h.o = observe(&h.d);
	h.d.drops = &h.drops;
	device(h.o, 2, "eth0");
	row->make(&h);
	diagnose(&h.d);
	vec_each(f, &h.d.findings)
		if (strcmp(f->cause->id, row->id) != 0 || f != h.d.findings.items)
			print_message("%s; %s: %s, not %s alone\n", row->symptom, row->beside,
				      f->cause->id, row->id);
	if (!h.d.findings.n)
		print_message("%s; %s: nothing, not %s\n", row->symptom, row->beside, row->id);
	assert_int_equal(h.d.findings.n, 1);
	assert_string_equal(h.d.findings.items[0].cause->id, row->id);
	h.d.drops = NULL;
	diagnosis_done(&h.d);
	drops_done(&h.drops);
}

static void each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(decisions); i++)
		decide(&decisions[i]);
}

/* The same host without the loss: nothing is blamed. */
static void nothing_lost(void **state)
{
	struct host h = {0};

	(void)state;
	h.o = observe(&h.d);
	h.d.drops = &h.drops;
	device(h.o, 2, "eth0");
	socket_of(&h, IPPROTO_UDP, 'S');
	passed(&h, C_UDP_IN_DATAGRAMS);
	passed(&h, C_TCP_OUT_SEGS);
	diagnose(&h.d);
	assert_int_equal(h.d.findings.n, 0);
	assert_int_equal(h.d.verdict, HEALTHY);
	h.d.drops = NULL;
	diagnosis_done(&h.d);
	drops_done(&h.drops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(nothing_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
