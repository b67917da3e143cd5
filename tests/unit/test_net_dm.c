// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rung net_dm without the kernel: its messages, built here as net/core/drop_monitor.c of 6.12
 * builds them (net_dm_packet_report_fill, net_dm_hw_packet_report_fill, net_dm_config_fill,
 * net_dm_stats_put), and cut and corrupted; what is added up from them. On the kernel itself
 * test_drop_tracer runs it, where the family is there.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/filter.h>
#include <linux/net_dropmon.h>
#include <linux/netlink.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "drops/net_dm.h"
#include "drops/net_dm_control.h"
#include "drops/net_dm_packet.h"
#include "drops/net_dm_sums.h"

/* ---- messages ---- */

static void put(struct buf *b, uint16_t type, const void *data, size_t n)
{
	struct nlattr a = {.nla_len = (uint16_t)(NLA_HDRLEN + n), .nla_type = type};

	buf_add(b, &a, sizeof(a));
	buf_add(b, data, n);
	while (b->len % NLA_ALIGNTO)
		buf_add(b, "", 1);
}

static void put_string(struct buf *b, uint16_t type, const char *s)
{
	put(b, type, s, strlen(s) + 1);
}

static void put_nested(struct buf *b, uint16_t type, struct buf *inner)
{
	put(b, type | NLA_F_NESTED, inner->data, inner->len);
	buf_done(inner);
}

static void begin(struct buf *b, uint8_t command)
{
	const struct {
		struct nlmsghdr h;
		struct genlmsghdr g;
	} header = {.h = {.nlmsg_type = 0x20}, .g = {.cmd = command, .version = 2}};

	buf_add(b, &header, sizeof(header));
}

static const struct nlmsghdr *end(struct buf *b)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)b->data;

	h->nlmsg_len = (uint32_t)b->len;
	return h;
}

struct told {
	const char *symbol, *reason, *trap; /* NULL: not in the message */
	uint32_t ifindex, length;
	uint16_t proto;
	const uint8_t *payload;
	size_t n;
};

static void alert(struct buf *b, const struct told *t)
{
	const uint16_t origin = t->trap ? NET_DM_ORIGIN_HW : NET_DM_ORIGIN_SW;
	const uint64_t at = 1700000000000000123ULL, pc = 0xffffffff81a2b3c4;
	struct buf port = {0};

	begin(b, NET_DM_CMD_PACKET_ALERT);
	put(b, NET_DM_ATTR_ORIGIN, &origin, sizeof(origin));
	if (t->symbol) {
		put(b, NET_DM_ATTR_PC, &pc, sizeof(pc));
		put_string(b, NET_DM_ATTR_SYMBOL, t->symbol);
	}
	if (t->reason)
		put_string(b, NET_DM_ATTR_REASON, t->reason);
	if (t->trap) {
		put_string(b, NET_DM_ATTR_HW_TRAP_GROUP_NAME, "l2_drops");
		put_string(b, NET_DM_ATTR_HW_TRAP_NAME, t->trap);
	}
	if (t->ifindex)
		put(&port, NET_DM_ATTR_PORT_NETDEV_IFINDEX, &t->ifindex, sizeof(t->ifindex));
	put_nested(b, NET_DM_ATTR_IN_PORT, &port);
	put(b, NET_DM_ATTR_TIMESTAMP, &at, sizeof(at));
	put(b, NET_DM_ATTR_PROTO, &t->proto, sizeof(t->proto));
	put(b, NET_DM_ATTR_ORIG_LEN, &t->length, sizeof(t->length));
	if (t->n)
		put(b, NET_DM_ATTR_PAYLOAD, t->payload, t->n);
}

/* ---- packets ---- */

#define ETHERNET 0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1
#define IPV4_UDP                                                                                   \
	0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0x9c, 0x40, 0, 53, 0, \
		9, 0, 0, 'x'

static const uint8_t ethernet_udp[] = {ETHERNET, 0x08, 0x00, IPV4_UDP};
static const uint8_t vlan_udp[] = {ETHERNET, 0x81, 0x00, 0, 7, 0x08, 0x00, IPV4_UDP};
static const uint8_t tunnel_udp[] = {IPV4_UDP};
/* A hop-by-hop header before TCP to port 443. */
static const uint8_t ipv6_tcp[] = {
	ETHERNET, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 28, 0,	  64, [14 + 8] = 0x20, 0x01, [14 + 23] = 1,
	[14 + 24] = 0x20, 0x01, [14 + 39] = 2, [14 + 40] = 6, 0, [14 + 48] = 0xc0, 0, 0x01, 0xbb,
	[14 + 67] = 0};

static struct net_dm_packet parsed(const struct told *t)
{
	static struct buf b; /* what is lent lives on in it */
	struct net_dm_packet p;

	buf_clear(&b);
	alert(&b, t);
	assert_int_equal(net_dm_packet_parse(end(&b), &p), 0);
	return p;
}

static void test_ipv4(void **state)
{
	struct net_dm_packet p = parsed(&(struct told){
		"__udp4_lib_rcv+0x54b/0xc40", "NO_SOCKET", NULL, 3, sizeof(ethernet_udp), 0x0800,
		ethernet_udp, sizeof(ethernet_udp)});

	(void)state;
	assert_false(p.hardware);
	assert_string_equal(p.reason, "NO_SOCKET");
	assert_string_equal(p.symbol, "__udp4_lib_rcv");
	assert_int_equal(p.ifindex, 3);
	assert_true(p.at_ns == 1700000000000000123LL);
	assert_int_equal(p.ethertype, 0x0800);
	assert_int_equal(p.length, sizeof(ethernet_udp));
	assert_int_equal(p.network_at, 14);
	assert_int_equal(p.family, AF_INET);
	assert_int_equal(p.protocol, IPPROTO_UDP);
	assert_int_equal(p.source[3], 1);
	assert_int_equal(p.destination[3], 2);
	assert_int_equal(p.source_port, 40000);
	assert_int_equal(p.destination_port, 53);
}

static void test_ipv6_extension(void **state)
{
	struct net_dm_packet p =
		parsed(&(struct told){"tcp_v6_rcv+0x1/0x2 [ipv6]", "TCP_CSUM", NULL, 1,
				      sizeof(ipv6_tcp), 0x86dd, ipv6_tcp, sizeof(ipv6_tcp)});

	(void)state;
	assert_string_equal(p.symbol, "tcp_v6_rcv");
	assert_int_equal(p.family, AF_INET6);
	assert_int_equal(p.protocol, IPPROTO_TCP);
	assert_int_equal(p.source[15], 1);
	assert_int_equal(p.destination[15], 2);
	assert_int_equal(p.destination_port, 443);
}

/* A tag before IP; no link header; a later fragment; headers that are cut; no IP at all. */
static void test_link_headers(void **state)
{
	uint8_t fragment[sizeof(ethernet_udp)];
	struct net_dm_packet p;
	struct told t = {"x+0x0/0x1", "IP_CSUM", NULL, 1, sizeof(vlan_udp), 0x8100, vlan_udp,
			 sizeof(vlan_udp)};

	(void)state;
	p = parsed(&t);
	assert_int_equal(p.network_at, 18);
	assert_int_equal(p.ethertype, 0x0800);
	assert_int_equal(p.destination_port, 53);

	t = (struct told){"x", "IP_CSUM", NULL, 1, 29, 0x0800, tunnel_udp, sizeof(tunnel_udp)};
	p = parsed(&t);
	assert_int_equal(p.network_at, 0);
	assert_int_equal(p.family, AF_INET);
	assert_int_equal(p.destination_port, 53);

	memcpy(fragment, ethernet_udp, sizeof(fragment));
	fragment[14 + 7] = 10;
	t.payload = fragment;
	t.n = sizeof(fragment);
	p = parsed(&t);
	assert_int_equal(p.protocol, IPPROTO_UDP);
	assert_int_equal(p.destination_port, 0);

	t.payload = ethernet_udp;
	t.n = 14 + 20 + 3;
	assert_int_equal(parsed(&t).family, AF_INET);
	assert_int_equal(parsed(&t).destination_port, 0);
	for (t.n = 0; t.n < 14 + 20; t.n++)
		assert_int_equal(parsed(&t).family, 0);

	t.proto = 0x0806;
	t.payload = ethernet_udp;
	t.n = 12;
	p = parsed(&t);
	assert_int_equal(p.family, 0);
	assert_int_equal(p.ethertype, 0x0806);
}

/* 5.4 to 5.16 give no reason; 6.13 and later name those of queues differently. */
static void test_reasons(void **state)
{
	struct told t = {"nf_hook_slow+0xac/0xe0", NULL, NULL, 1, 43, 0x0800, ethernet_udp,
			 sizeof(ethernet_udp)};

	(void)state;
	assert_string_equal(parsed(&t).reason, "NOT_SPECIFIED");
	t.reason = "QDISC_DROP_OVERLIMIT";
	assert_string_equal(parsed(&t).reason, "QDISC_OVERLIMIT");
	t.reason = "a reason whose name is longer than any that the kernel has ever had until now";
	assert_int_equal(strlen(parsed(&t).reason), sizeof(((struct drop *)0)->reason) - 1);
	t.symbol = "0xffffffffc0a01234";
	assert_string_equal(parsed(&t).symbol, "0xffffffffc0a01234");
}

static void test_hardware(void **state)
{
	struct net_dm_packet p =
		parsed(&(struct told){NULL, NULL, "ingress_vlan_filter", 9, 43, 0x0800,
				      ethernet_udp, sizeof(ethernet_udp)});

	(void)state;
	assert_true(p.hardware);
	assert_string_equal(p.reason, "HARDWARE_DROP");
	assert_string_equal(p.symbol, "ingress_vlan_filter");
}

static void test_malformed(void **state)
{
	const struct told t = {"x+0x0/0x1", "IP_CSUM", NULL, 1, 43, 0x0800, ethernet_udp,
			       sizeof(ethernet_udp)};
	struct buf b = {0}, summary = {0}, wrong = {0};
	struct net_dm_packet p;

	(void)state;
	alert(&b, &t);
	for (uint32_t n = NLMSG_HDRLEN; n < b.len; n++) {
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)b.data;

		h->nlmsg_len = n;
		/* Whole attributes less are a shorter message; never anything else. */
		if (net_dm_packet_parse(h, &p) == 0)
			assert_true(p.captured <= sizeof(ethernet_udp));
	}
	begin(&summary, NET_DM_CMD_ALERT);
	assert_int_equal(net_dm_packet_parse(end(&summary), &p), -ENOMSG);
	begin(&wrong, NET_DM_CMD_PACKET_ALERT);
	put(&wrong, NET_DM_ATTR_TIMESTAMP, "abc", 3);
	assert_int_equal(net_dm_packet_parse(end(&wrong), &p), -EBADMSG);
	buf_done(&b);
	buf_done(&summary);
	buf_done(&wrong);
}

/* ---- control ---- */

static void add_family(struct buf *b, uint16_t id, const char *name, const char *group)
{
	const uint32_t number = 1;
	struct buf one = {0}, inner = {0}, groups = {0};

	begin(&one, CTRL_CMD_NEWFAMILY);
	((struct nlmsghdr *)(void *)one.data)->nlmsg_flags = NLM_F_MULTI;
	put(&one, CTRL_ATTR_FAMILY_ID, &id, sizeof(id));
	put_string(&one, CTRL_ATTR_FAMILY_NAME, name);
	if (group) {
		put(&inner, CTRL_ATTR_MCAST_GRP_ID, &number, sizeof(number));
		put_string(&inner, CTRL_ATTR_MCAST_GRP_NAME, group);
		put_nested(&groups, 1, &inner);
		put_nested(&one, CTRL_ATTR_MCAST_GROUPS, &groups);
	}
	end(&one);
	buf_add(b, one.data, one.len);
	buf_done(&one);
}

static void add_done(struct buf *b)
{
	const struct {
		struct nlmsghdr h;
		int status;
	} done = {{.nlmsg_len = sizeof(done), .nlmsg_type = NLMSG_DONE, .nlmsg_flags = NLM_F_MULTI},
		  0};

	buf_add(b, &done, sizeof(done));
}

static void test_family(void **state)
{
	struct net_dm_control c = {0};
	struct buf b = {0};

	(void)state;
	add_family(&b, 0x10, "nlctrl", "notify");
	add_family(&b, 0x15, "ethtool", "monitor");
	assert_int_equal(parse_net_dm_family(&b, &c), -EBADMSG); /* cut short */
	add_done(&b);
	assert_int_equal(parse_net_dm_family(&b, &c), -EPROTONOSUPPORT);
	assert_int_equal(c.family, 0);

	buf_clear(&b);
	add_family(&b, 0x10, "nlctrl", "notify");
	add_family(&b, 0x1f, "NET_DM", "events");
	add_done(&b);
	assert_int_equal(parse_net_dm_family(&b, &c), 0);
	assert_int_equal(c.family, 0x1f);
	assert_int_equal(c.group, 1);

	buf_clear(&b);
	add_family(&b, 0x1f, "NET_DM", NULL);
	add_done(&b);
	assert_int_equal(parse_net_dm_family(&b, &c), -EPROTONOSUPPORT);
	buf_done(&b);
}

static void test_config(void **state)
{
	const uint8_t mode = NET_DM_ALERT_MODE_PACKET;
	const uint32_t truncate = 100, queue = 1000;
	struct net_dm_config config = {0};
	struct buf b = {0};

	(void)state;
	begin(&b, NET_DM_CMD_CONFIG_NEW);
	put(&b, NET_DM_ATTR_ALERT_MODE, &mode, sizeof(mode));
	put(&b, NET_DM_ATTR_TRUNC_LEN, &truncate, sizeof(truncate));
	end(&b);
	assert_int_equal(parse_net_dm_config(&b, &config), -EBADMSG);
	put(&b, NET_DM_ATTR_QUEUE_LEN, &queue, sizeof(queue));
	end(&b);
	assert_int_equal(parse_net_dm_config(&b, &config), 0);
	assert_int_equal(config.mode, mode);
	assert_int_equal(config.truncate, 100);
	assert_int_equal(config.queue, 1000);
	buf_done(&b);
}

/* What cards' queues dropped stands apart, where the kernel has it. */
static void test_stats(void **state)
{
	const uint64_t software = 40, hardware = 2;
	struct buf b = {0}, inner = {0};
	uint64_t dropped = 0;

	(void)state;
	begin(&b, NET_DM_CMD_STATS_NEW);
	put(&inner, NET_DM_ATTR_STATS_DROPPED, &software, sizeof(software));
	put_nested(&b, NET_DM_ATTR_STATS, &inner);
	end(&b);
	assert_int_equal(parse_net_dm_stats(&b, &dropped), 0);
	assert_int_equal(dropped, 40);
	put(&inner, NET_DM_ATTR_STATS_DROPPED, &hardware, sizeof(hardware));
	put_nested(&b, NET_DM_ATTR_HW_STATS, &inner);
	end(&b);
	assert_int_equal(parse_net_dm_stats(&b, &dropped), 0);
	assert_int_equal(dropped, 42);
	buf_done(&b);
}

/* As 6.18 writes /proc/net/netlink. */
static void test_listener(void **state)
{
	static const char text[] =
		"sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"
		"0000000000000000 0   1056       00000111 0        0        0     2        0        14218   \n"
		"0000000000000000 15  1          00000001 0        0        0     2        0        1055    \n"
		"0000000000000000 16  0          00000000 0        0        0     2        0        12      \n"
		"0000000000000000 16  0          0000000a 0        0        0     2        0        13      \n";
	static const char more[] = "0000000000000000 16  4242       00000001 0        0        0\n";
	char both[sizeof(text) + sizeof(more)];

	(void)state;
	assert_false(net_dm_has_listener(text, sizeof(text) - 1, 1));
	assert_true(net_dm_has_listener(text, sizeof(text) - 1, 2));
	snprintf(both, sizeof(both), "%s%s", text, more);
	assert_true(net_dm_has_listener(both, strlen(both), 1));
	/* Groups past the mask cannot be told. */
	assert_true(net_dm_has_listener(text, sizeof(text) - 1, 33));
}

/* ---- adding up ---- */

static struct net_dm_packet packet(const char *reason, uint16_t port)
{
	static uint8_t bytes[sizeof(ethernet_udp)];
	struct net_dm_packet p;

	memcpy(bytes, ethernet_udp, sizeof(bytes));
	bytes[14 + 20 + 2] = (uint8_t)(port >> 8);
	bytes[14 + 20 + 3] = (uint8_t)port;
	p = parsed(&(struct told){"f+0x1/0x2", reason, NULL, 2, sizeof(bytes), 0x0800, bytes,
				  sizeof(bytes)});
	p.at_ns = 0; /* the tests' own clock */
	return p;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void take(struct net_dm *d, const char *reason, uint16_t port, int n)
{
	struct net_dm_packet p = packet(reason, port);

	p.at_ns = now_ns();
	for (int i = 0; i < n; i++)
		net_dm_take(d, &p);
}

static uint32_t netns_of(uint32_t ifindex, void *arg)
{
	return ifindex == 2 ? *(uint32_t *)arg : 0;
}

/* Only what was dropped between start and stop, whenever it is told; each packet once. */
static void test_counting(void **state)
{
	uint32_t netns = 4711;
	const struct drop_tracer_options options = {.netns_of = netns_of, .netns_arg = &netns};
	struct net_dm *d = net_dm_new(&options);
	struct net_dm_packet early = packet("NO_SOCKET", 53), late = early;
	struct drops drops;

	(void)state;
	early.at_ns = now_ns();
	take(d, "NO_SOCKET", 53, 7);
	net_dm_start(d);
	net_dm_take(d, &early);
	take(d, "NO_SOCKET", 53, 20);
	take(d, "NO_SOCKET", 54, 5);
	assert_int_equal(net_dm_read_on(d, &drops), 0);
	assert_string_equal(drops.rung, "net_dm");
	assert_int_equal(drops.rows.n, 1);
	assert_int_equal(drops.rows.items[0].packets, 25);
	assert_int_equal(drops.rows.items[0].segments, 25);
	assert_int_equal(drops.rows.items[0].bytes, 25 * 29);
	assert_int_equal(drops.rows.items[0].netns, 4711);
	assert_int_equal(drops.rows.items[0].ifindex, 2);
	assert_int_equal(drops.rows.items[0].protocol, IPPROTO_UDP);
	assert_int_equal(drops.flows.n, 2);
	assert_int_equal(drops.flows.items[0].packets, 20);
	assert_int_equal(drops.flows.items[0].destination_port, 53);
	assert_int_equal(drops.flows.items[1].packets, 5);
	assert_int_equal(drops.missed, 0);
	drops_done(&drops);

	take(d, "IP_CSUM", 53, 3);
	take(d, "NO_SOCKET", 53, 1);
	net_dm_stop(d);
	late.at_ns = now_ns() + NSEC_PER_SEC;
	net_dm_take(d, &late);
	assert_int_equal(net_dm_read(d, &drops), 0);
	assert_int_equal(drops.rows.n, 2);
	assert_string_equal(drops.rows.items[0].reason, "IP_CSUM");
	assert_int_equal(drops.rows.items[0].packets, 3);
	assert_int_equal(drops.rows.items[1].packets, 1);
	assert_int_equal(drops.flows.n, 2);
	drops_done(&drops);
	take(d, "IP_CSUM", 53, 3); /* it stands still */
	assert_int_equal(net_dm_read(d, &drops), 0);
	assert_int_equal(drops.rows.n, 0);
	net_dm_close(d);
}

struct seen {
	int n, rare;
	struct drop_event last;
};

static void see(const struct drop_event *event, void *arg)
{
	struct seen *seen = arg;

	seen->n++;
	seen->rare += strcmp(event->reason, "IP_CSUM") == 0;
	seen->last = *event;
}

/* Packets that the filter does not match are counted apart and make no events. */
static void test_filter(void **state)
{
	pcap_t *pcap = pcap_open_dead(DLT_RAW, 65535);
	struct bpf_program program;
	struct drop_tracer_options options = {.events = true};
	struct seen seen = {0};
	struct drops drops;
	struct net_dm *d;
	int n = 0;

	(void)state;
	assert_int_equal(pcap_compile(pcap, &program, "udp dst port 53", 1, PCAP_NETMASK_UNKNOWN),
			 0);
	options.filter = (const struct sock_filter *)program.bf_insns;
	options.filter_n = program.bf_len;
	d = net_dm_new(&options);
	net_dm_start(d);
	take(d, "NO_SOCKET", 53, 4);
	take(d, "NO_SOCKET", 54, 9);
	assert_int_equal(net_dm_read_on(d, &drops), 0);
	assert_int_equal(drops.rows.n, 2);
	vec_each(row, &drops.rows) {
		assert_int_equal(row->packets, row->not_meant ? 9 : 4);
		n += row->not_meant;
	}
	assert_int_equal(n, 1);
	drops_done(&drops);
	assert_int_equal(net_dm_events(d, see, &seen), 4);
	net_dm_close(d);
	pcap_freecode(&program);
	pcap_close(pcap);
}

/* A flood of one kind leaves room for a rare one; what is not told is counted. */
static void test_events(void **state)
{
	const struct drop_tracer_options options = {.events = true};
	struct net_dm *d = net_dm_new(&options);
	struct seen seen = {0};
	struct drops drops;
	int n;

	(void)state;
	net_dm_start(d);
	take(d, "NO_SOCKET", 53, 5000);
	take(d, "IP_CSUM", 53, 1);
	assert_int_equal(net_dm_read_on(d, &drops), 0);
	assert_int_equal(drops.rows.items[0].packets, 5000);
	n = net_dm_events(d, see, &seen);
	assert_int_equal(n, seen.n);
	assert_int_equal(seen.rare, 1);
	assert_in_range(seen.n, 2, 1000);
	assert_int_equal(drops.events_missed.n, 1);
	assert_string_equal(drops.events_missed.items[0].reason, "NO_SOCKET");
	assert_int_equal(drops.events_missed.items[0].packets + (uint64_t)seen.n - 1, 5000);
	assert_int_equal(seen.last.captured, sizeof(ethernet_udp));
	assert_int_equal(seen.last.network_at, 14);
	assert_int_equal(seen.last.mac_header, 14);
	assert_int_equal(seen.last.length, 29);
	assert_true(seen.last.has_network);
	assert_int_equal(seen.last.bytes[14], 0x45);
	assert_string_equal(seen.last.symbol, "f");
	drops_done(&drops);
	assert_int_equal(net_dm_events(d, see, &seen), 0);
	net_dm_close(d);
}

static void test_event_selection(void **state)
{
	uint32_t netns = 4711;
	struct drop_tracer_options options = {.events = true, .events_reason = "IP_CSUM"};
	struct seen seen = {0};
	struct net_dm *d;

	(void)state;
	d = net_dm_new(&options);
	net_dm_start(d);
	take(d, "NO_SOCKET", 53, 2);
	take(d, "IP_CSUM", 53, 3);
	assert_int_equal(net_dm_events(d, see, &seen), 3);
	net_dm_close(d);

	/* Of another namespace; of one that nobody knows. */
	options = (struct drop_tracer_options){
		.events = true, .netns = 1, .netns_of = netns_of, .netns_arg = &netns};
	d = net_dm_new(&options);
	net_dm_start(d);
	take(d, "IP_CSUM", 53, 3);
	assert_int_equal(net_dm_events(d, see, &seen), 0);
	netns = 0;
	take(d, "IP_CSUM", 53, 3);
	assert_int_equal(net_dm_events(d, see, &seen), 3);
	net_dm_close(d);
}

/* More flows than are kept: the rows stay exact, the flows say that they are not all. */
static void test_many_flows(void **state)
{
	struct net_dm *d = net_dm_new(&(struct drop_tracer_options){0});
	struct drops drops;

	(void)state;
	net_dm_start(d);
	for (int port = 1; port <= SUM_FLOWS + 100; port++)
		take(d, "NO_SOCKET", (uint16_t)port, 1);
	assert_int_equal(net_dm_read_on(d, &drops), 0);
	assert_int_equal(drops.rows.items[0].packets, SUM_FLOWS + 100);
	assert_int_equal(drops.flows.n, SUM_FLOWS);
	assert_true(drops.flows_sampled);
	drops_done(&drops);
	net_dm_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),	      cmocka_unit_test(test_ipv6_extension),
		cmocka_unit_test(test_link_headers),  cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_hardware),      cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_family),	      cmocka_unit_test(test_config),
		cmocka_unit_test(test_stats),	      cmocka_unit_test(test_listener),
		cmocka_unit_test(test_counting),      cmocka_unit_test(test_filter),
		cmocka_unit_test(test_events),	      cmocka_unit_test(test_event_selection),
		cmocka_unit_test(test_many_flows),
	};

	return cmocka_run_group_tests_name("net_dm", tests, NULL, NULL);
}
