// SPDX-License-Identifier: GPL-2.0-or-later
/* Dropped packets one by one: what a diagnosis says of each, and how that is printed. */
#define _GNU_SOURCE
#include "observe.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include "render/packets.h"

#define SECOND NSEC_PER_SEC

struct stage_set {
	struct diagnosis d;
	struct drops drops;
	struct watch w;
	struct watch_filter filter;
	struct watch_events e;
	struct buf text; /* what was told, a line each */
	unsigned int told, most; /* most: told returns false then; 0: never */
};

static void begin(struct stage_set *s)
{
	*s = (struct stage_set){0};
	observe(&s->d);
	s->d.drops = &s->drops;
	watch_init(&s->w, &s->filter);
	watch_events_init(&s->e, &s->filter, false);
	setenv("TZ", "UTC", 1);
	tzset();
}

static void end(struct stage_set *s)
{
	diagnosis_done(&s->d);
	drops_done(&s->drops);
	watch_done(&s->w);
	watch_events_done(&s->e);
	buf_done(&s->text);
}

static bool tell(const struct packet_event *p, void *arg)
{
	const struct packet_style style = {0};
	struct stage_set *s = arg;

	render_packet(p, &style, &s->text);
	return ++s->told != s->most;
}

/* The interval is over. */
static const char *told(struct stage_set *s)
{
	diagnose(&s->d);
	watch_take(&s->w, &s->d, 1, SECOND);
	watch_events_judge(&s->e, &s->d, &s->w);
	buf_clear(&s->text);
	s->told = 0;
	watch_events_tell(&s->e, false, tell, s);
	return s->text.data ? s->text.data : "";
}

/* An IPv4 packet of UDP from 192.0.2.1:40000 to 192.0.2.2. */
static struct drop_event event(const char *reason, const char *symbol, uint16_t port)
{
	static const uint8_t packet[28] = {0x45, 0, 0, 60, 0, 0, 0, 0, 64, IPPROTO_UDP, 0, 0,
					   192, 0, 2, 1, 192, 0, 2, 2, 0x9c, 0x40, 0, 0, 0, 40};
	struct drop_event e = {.at_ns = SECOND / 2, .netns = OBSERVED_NETNS, .ifindex = 2,
			       .device = "eth0", .ethertype = ETH_P_IP, .length = 60,
			       .segments = 1, .has_network = true, .captured = sizeof(packet)};

	snprintf(e.reason, sizeof(e.reason), "%s", reason);
	snprintf(e.symbol, sizeof(e.symbol), "%s", symbol);
	memcpy(e.bytes, packet, sizeof(packet));
	e.bytes[22] = (uint8_t)(port >> 8);
	e.bytes[23] = (uint8_t)port;
	return e;
}

static void drop(struct stage_set *s, struct drop_event e)
{
	watch_events_add(&s->e, &e, 12 * 3600 * SECOND);
}

static void a_closed_port(struct stage_set *s, uint64_t packets)
{
	trace(&s->drops, "NO_SOCKET", "__udp4_lib_rcv", IPPROTO_UDP, packets)->ifindex = 2;
	count(s->d.observations.items, C_UDP_NO_PORTS, 0, packets);
	count(s->d.observations.items, C_UDP_IN_DATAGRAMS, 0, 1000);
}

static void a_packet_has_the_cause_of_its_row(void **state)
{
	struct stage_set s;

	(void)state;
	begin(&s);
	a_closed_port(&s, 2);
	drop(&s, event("NO_SOCKET", "__udp4_lib_rcv", 9));
	drop(&s, event("NO_SOCKET", "__udp4_lib_rcv", 10));
	assert_string_equal(told(&s),
			    "12:00:00.500000 192.0.2.1:40000 > 192.0.2.2:9 udp length 60, eth0 in "
			    "host: NO_SOCKET at __udp4_lib_rcv, cause udp-noport\n"
			    "12:00:00.500000 192.0.2.1:40000 > 192.0.2.2:10 udp length 60, eth0 in "
			    "host: NO_SOCKET at __udp4_lib_rcv, cause udp-noport\n");
	assert_int_equal(s.e.told, 2);
	assert_int_equal(s.e.held.n, 0);
	end(&s);
}

static void a_row_that_nobody_explains(void **state)
{
	struct stage_set s;

	(void)state;
	begin(&s);
	trace(&s.drops, "VERY_NEW", "some_function", IPPROTO_UDP, 1);
	drop(&s, event("VERY_NEW", "some_function", 9));
	assert_non_null(strstr(told(&s), "host: VERY_NEW at some_function\n"));
	end(&s);
}

/* The counters of the interval before had them already: what such drops were told by stays. */
static void a_packet_that_was_counted_before(void **state)
{
	struct stage_set s;

	(void)state;
	begin(&s);
	a_closed_port(&s, 10);
	told(&s);
	diagnosis_forget(&s.d);
	count(s.d.observations.items, C_UDP_NO_PORTS, 10, 10);
	s.drops.rows.items[0].packets = 1;
	drop(&s, event("NO_SOCKET", "__udp4_lib_rcv", 9));
	assert_non_null(strstr(told(&s), ", cause udp-noport\n"));
	end(&s);
}

static void expected_frees_are_asked_for(void **state)
{
	struct stage_set s;

	(void)state;
	begin(&s);
	trace(&s.drops, "QUEUE_PURGE", "skb_queue_purge_reason", IPPROTO_UDP, 1);
	drop(&s, event("QUEUE_PURGE", "skb_queue_purge_reason", 9));
	assert_string_equal(told(&s), "");
	assert_int_equal(s.e.expected, 1);
	s.e.all = true;
	diagnosis_forget(&s.d);
	drop(&s, event("QUEUE_PURGE", "skb_queue_purge_reason", 9));
	assert_non_null(strstr(told(&s), ", expected: "));
	end(&s);
}

/* It came when the trace was read and the counters were not: the next interval knows. */
static void what_is_not_known_yet_waits(void **state)
{
	struct drop_event late = event("NO_SOCKET", "__udp4_lib_rcv", 9);
	struct stage_set s;

	(void)state;
	begin(&s);
	late.at_ns = SECOND + 1;
	drop(&s, late);
	late = event("QUEUE_PURGE", "skb_queue_purge_reason", 10);
	drop(&s, late);
	s.e.all = true;
	assert_string_equal(told(&s), "");
	assert_int_equal(s.e.held.n, 2);
	diagnosis_forget(&s.d);
	a_closed_port(&s, 1);
	assert_non_null(strstr(told(&s), "2:9 udp length 60, eth0 in host: NO_SOCKET at "
					 "__udp4_lib_rcv, cause udp-noport\n"));
	assert_int_equal(s.told, 2);
	/* Nothing comes after the last. */
	late = event("VERY_NEW", "some_function", 9);
	late.at_ns = SECOND + 1;
	drop(&s, late);
	diagnosis_forget(&s.d);
	assert_string_equal(told(&s), "");
	watch_events_tell(&s.e, true, tell, &s);
	assert_int_equal(s.told, 1);
	end(&s);
}

/* ---- rules ---- */

static void add_port_rule(struct ruleset *set, uint64_t handle, uint16_t port, uint64_t packets)
{
	struct rule *r = vec_push(&set->rules);
	struct rule_op *op = vec_push(&set->ops);

	*r = (struct rule){.handle = handle, .position = (unsigned int)set->rules.n,
			   .verdict = VERDICT_DROP, .counted = true, .packets = packets,
			   .jump = RULE_NO_CHAIN, .ops_first = set->ops.n - 1, .ops_n = 1};
	*op = (struct rule_op){.kind = OP_DPORT, .low = port, .high = port};
	set->chains.items[0].rules_n++;
}

static void add_rules(struct snapshot *at, uint64_t first, uint64_t second)
{
	struct chain *c = vec_push(&at->nft.chains);

	*c = (struct chain){.table = "t", .name = "pre", .family = NFPROTO_INET, .base = true,
			    .hook = NF_INET_PRE_ROUTING, .policy = VERDICT_ACCEPT};
	add_port_rule(&at->nft, 4, 9, first);
	add_port_rule(&at->nft, 7, 10, second);
}

static void each_packet_has_its_rule(void **state)
{
	struct observation *o;
	struct stage_set s;
	const char *text;

	(void)state;
	begin(&s);
	o = s.d.observations.items;
	add_rules(&o->a, 0, 0);
	add_rules(&o->b, 1, 1);
	trace(&s.drops, "NETFILTER_DROP", "nft_do_chain", IPPROTO_UDP, 2)->ifindex = 2;
	drop(&s, event("NETFILTER_DROP", "nft_do_chain", 9));
	drop(&s, event("NETFILTER_DROP", "nft_do_chain", 10));
	text = told(&s);
	assert_non_null(strstr(text, "192.0.2.2:9 udp length 60, eth0 in host: NETFILTER_DROP at "
				     "nft_do_chain, cause fw-rule-drop, rule inet t pre handle 4 "
				     "(by: headers matched)\n"));
	assert_non_null(strstr(text, "192.0.2.2:10 udp length 60, eth0 in host: NETFILTER_DROP at "
				     "nft_do_chain, cause fw-rule-drop, rule inet t pre handle 7 "
				     "(by: headers matched)\n"));
	end(&s);
	/* Only one of them dropped anything. */
	begin(&s);
	o = s.d.observations.items;
	add_rules(&o->a, 0, 0);
	add_rules(&o->b, 1, 0);
	trace(&s.drops, "NETFILTER_DROP", "nft_do_chain", IPPROTO_UDP, 1)->ifindex = 2;
	drop(&s, event("NETFILTER_DROP", "nft_do_chain", 9));
	assert_non_null(strstr(told(&s), ", rule inet t pre handle 4 (by: counter)\n"));
	end(&s);
	/* Most of the row is nobody's, and no rule is for port 11: it has that cause perhaps. */
	begin(&s);
	o = s.d.observations.items;
	add_rules(&o->a, 0, 0);
	add_rules(&o->b, 1, 0);
	trace(&s.drops, "NETFILTER_DROP", "nft_do_chain", IPPROTO_UDP, 10)->ifindex = 2;
	drop(&s, event("NETFILTER_DROP", "nft_do_chain", 11));
	assert_non_null(strstr(told(&s), ", cause perhaps fw-rule-drop\n"));
	end(&s);
}

/* ---- owners ---- */

static struct drop_event with_socket(uint64_t inode)
{
	struct drop_event e = event("SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", 53);

	e.family = AF_INET;
	e.protocol = IPPROTO_UDP;
	e.inode = inode;
	e.cookie = 77;
	e.buffer_used = 212736;
	e.buffer_limit = 212992;
	e.task_pid = 15;
	memcpy(e.task_name, "ksoftirqd/0", 12);
	return e;
}

static void the_owner_is_not_who_ran(void **state)
{
	struct watch_inodes inodes = {0};
	struct stage_set s;
	const char *text;

	(void)state;
	begin(&s);
	drop(&s, with_socket(500));
	drop(&s, with_socket(500));
	drop(&s, with_socket(400));
	drop(&s, with_socket(300));
	watch_events_unowned(&s.e, &s.d, &inodes);
	assert_int_equal(inodes.list.n, 3);
	assert_int_equal(inodes.list.items[0], 300);
	vec_done(&inodes.list);
	watch_events_holder(&s.e, 500, 812, "dns\033[31mdist");
	watch_events_holder(&s.e, 400, 0, NULL);
	text = told(&s);
	assert_non_null(strstr(text, ", owner dns\\x1b[31mdist (812), buffer 212736 of 212992 bytes, "
				     "context: ksoftirqd/0 (15)\n"));
	assert_non_null(strstr(text, "one_skb, owner gone, buffer"));
	assert_non_null(strstr(text, "one_skb, buffer")); /* not known is not gone */
	/* It was known, and has ended since. */
	watch_events_holder(&s.e, 500, 0, NULL);
	diagnosis_forget(&s.d);
	drop(&s, with_socket(500));
	assert_non_null(strstr(told(&s), "dist (812), which has it no more, buffer"));
	end(&s);
}

static void the_snapshot_knows_owners(void **state)
{
	struct observation *o;
	struct stage_set s;
	struct socket_owner *owner;
	struct process *p;
	struct watch_inodes inodes = {0};

	(void)state;
	begin(&s);
	o = s.d.observations.items;
	owner = vec_push(&o->b.owners);
	*owner = (struct socket_owner){500, 812};
	p = vec_push(&o->b.processes);
	p->pid = 812;
	memcpy(p->comm, "dnsdist", 8);
	memcpy(p->unit, "dnsdist.service", 16);
	drop(&s, with_socket(500));
	watch_events_unowned(&s.e, &s.d, &inodes);
	assert_int_equal(inodes.list.n, 0);
	assert_non_null(strstr(told(&s), ", owner dnsdist (812) of dnsdist.service, buffer"));
	end(&s);
}

/* 6.1 does not name the socket that was full: it is the only one of its port, or not known. */
static void a_receiver_that_the_kernel_does_not_name(void **state)
{
	struct observation *o;
	struct stage_set s;
	struct socket *sk;

	(void)state;
	begin(&s);
	o = s.d.observations.items;
	*vec_push(&o->b.owners) = (struct socket_owner){500, 812};
	*vec_push(&o->b.processes) = (struct process){.pid = 812, .comm = "dnsdist"};
	sk = vec_push(&o->b.sockets);
	*sk = (struct socket){.kind = SOCKET_INET, .cookie = 7, .inode = 500, .family = AF_INET6,
			      .protocol = IPPROTO_UDP, .local_port = 53};
	drop(&s, event("SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", 53));
	assert_non_null(strstr(told(&s), "udp_queue_rcv_one_skb, owner dnsdist (812)\n"));
	drop(&s, event("SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", 54));
	assert_null(strstr(told(&s), "owner"));
	/* A kernel that could have named it did not. */
	s.drops.receiving_socket = true;
	drop(&s, event("SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", 53));
	assert_null(strstr(told(&s), "owner"));
	s.drops.receiving_socket = false;
	sk = vec_push(&o->b.sockets);
	*sk = o->b.sockets.items[0];
	drop(&s, event("SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", 53));
	assert_null(strstr(told(&s), "owner"));
	o->b.sockets.items[1].v6only = true;
	drop(&s, event("SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", 53));
	assert_non_null(strstr(told(&s), "owner dnsdist (812)"));
	end(&s);
}

/* ---- what is meant ---- */

static void filters_hold_for_packets(void **state)
{
	struct drop_event other;
	struct stage_set s;

	(void)state;
	begin(&s);
	a_closed_port(&s, 2);
	s.filter.device = "eth1";
	drop(&s, event("NO_SOCKET", "__udp4_lib_rcv", 9));
	assert_string_equal(told(&s), "");
	assert_int_equal(s.e.others, 1);
	s.filter = (struct watch_filter){.reason = "NO_SOCKET", .device = "eth0",
					 .cause = "udp-noport"};
	diagnosis_forget(&s.d);
	drop(&s, event("NO_SOCKET", "__udp4_lib_rcv", 9));
	drop(&s, event("UDP_CSUM", "__udp4_lib_rcv", 9));
	assert_non_null(strstr(told(&s), "NO_SOCKET"));
	assert_int_equal(s.told, 1);
	s.filter.cause = "udp-csum";
	diagnosis_forget(&s.d);
	drop(&s, event("NO_SOCKET", "__udp4_lib_rcv", 9));
	assert_string_equal(told(&s), "");
	/* Another namespace, and none that is known. */
	s.filter = (struct watch_filter){0};
	other = event("NO_SOCKET", "__udp4_lib_rcv", 9);
	other.netns = OBSERVED_NETNS + 1;
	diagnosis_forget(&s.d);
	drop(&s, other);
	assert_string_equal(told(&s), "");
	other.netns = 0;
	diagnosis_forget(&s.d);
	drop(&s, other);
	assert_non_null(strstr(told(&s), "eth0 in unknown: "));
	/* The sockets of a process: its own, and none. */
	s.filter.pid = 812;
	*vec_push(&s.filter.inodes) = 500;
	diagnosis_forget(&s.d);
	drop(&s, with_socket(500));
	drop(&s, with_socket(501));
	drop(&s, event("NO_SOCKET", "__udp4_lib_rcv", 9));
	told(&s);
	assert_int_equal(s.told, 1);
	vec_done(&s.filter.inodes);
	end(&s);
}

static void no_more_than_asked_for(void **state)
{
	struct stage_set s;

	(void)state;
	begin(&s);
	s.most = 2;
	for (unsigned int i = 0; i < 5; i++)
		drop(&s, event("NO_SOCKET", "__udp4_lib_rcv", 9));
	told(&s);
	assert_int_equal(s.told, 2);
	assert_int_equal(s.e.held.n, 0);
	end(&s);
}

static void what_finds_no_room_is_missed(void **state)
{
	struct stage_set s;

	(void)state;
	begin(&s);
	for (unsigned int i = 0; i < EVENTS_HELD_MAX; i++)
		drop(&s, event("NO_SOCKET", "__udp4_lib_rcv", 9));
	drop(&s, event("NO_SOCKET", "__udp4_lib_rcv", 9));
	drop(&s, event("UDP_CSUM", "__udp4_lib_rcv", 9));
	drop(&s, event("NO_SOCKET", "__udp4_lib_rcv", 9));
	watch_events_missed(&s.e, &s.drops);
	assert_int_equal(s.drops.events_missed.n, 2);
	assert_int_equal(s.drops.events_missed.items[0].packets, 2);
	assert_string_equal(s.drops.events_missed.items[1].reason, "UDP_CSUM");
	told(&s);
	assert_int_equal(s.told, EVENTS_HELD_MAX);
	watch_events_missed(&s.e, &s.drops);
	assert_int_equal(s.drops.events_missed.n, 2);
	end(&s);
}

/* ---- how it is printed ---- */

static const char *frame_name(uint64_t address, void *arg)
{
	(void)arg;
	return address == 0x1000 ? "kfree_skb_reason+0x4f" : NULL;
}

static void a_stack_follows(void **state)
{
	const struct packet_style style = {.frame = frame_name};
	struct packet_event p = {.event = event("NO_SOCKET", "__udp4_lib_rcv", 9)};
	struct buf b = {0};
	json_t *line, *stack;

	(void)state;
	p.event.frames = 2;
	p.event.stack[0] = 0x1000;
	p.event.stack[1] = 0xffffffff81000000;
	render_packet(&p, &style, &b);
	assert_non_null(strstr(b.data, "\n        kfree_skb_reason+0x4f\n"
				       "        0xffffffff81000000\n"));
	line = render_packet_json(&p, &style);
	stack = json_object_get(json_object_get(line, "packet"), "stack");
	assert_string_equal(json_string_value(json_array_get(stack, 0)), "kfree_skb_reason+0x4f");
	json_decref(line);
	buf_done(&b);
}

static void flows(const struct drop_event *e, const char *expected)
{
	struct packet_event p = {.event = *e};
	struct buf b = {0};

	decode_event(e, &p.headers);
	packet_flow_words(&p, &b);
	assert_string_equal(b.data, expected);
	buf_done(&b);
}

static void each_kind_of_packet(void **state)
{
	static const uint8_t lldp[] = {1, 0x80, 0xc2, 0, 0, 14, 2, 0, 0, 0, 0, 1, 0x88, 0xcc, 0};
	static const uint8_t icmp6[48] = {0x60, 0, 0, 0, 0, 8, 58, 255, 0xfe, 0x80, [23] = 1,
					  [24] = 0xff, [25] = 2, [39] = 1, [40] = 135};
	struct drop_event e = event("X", "y", 9);

	(void)state;
	e.bytes[9] = IPPROTO_TCP;
	flows(&e, "192.0.2.1:40000 > 192.0.2.2:9 tcp"); /* its flags are not in 28 bytes */
	e.captured = 40;
	e.bytes[32] = 0x50;
	e.bytes[33] = TCP_SYN | TCP_ACK;
	flows(&e, "192.0.2.1:40000 > 192.0.2.2:9 tcp [S.]");
	e.bytes[33] = 0;
	flows(&e, "192.0.2.1:40000 > 192.0.2.2:9 tcp [none]");
	e.bytes[33] = 0xff;
	flows(&e, "192.0.2.1:40000 > 192.0.2.2:9 tcp [FSRP.UEW]");
	e.bytes[9] = 99;
	flows(&e, "192.0.2.1 > 192.0.2.2 protocol 99");
	e.bytes[9] = IPPROTO_GRE;
	flows(&e, "192.0.2.1 > 192.0.2.2 gre");
	e.bytes[9] = IPPROTO_UDP;
	e.bytes[6] = 0x20;
	e.bytes[7] = 1;
	flows(&e, "192.0.2.1 > 192.0.2.2 udp fragment at 8");
	e.captured = sizeof(icmp6);
	e.ethertype = ETH_P_IPV6;
	memcpy(e.bytes, icmp6, sizeof(icmp6));
	flows(&e, "fe80::1 > ff02::1 icmpv6 type 135 code 0");
	e = (struct drop_event){.captured = sizeof(lldp), .mac_header = 14, .ethertype = 0x88cc};
	memcpy(e.bytes, lldp, sizeof(lldp));
	flows(&e, "02:00:00:00:00:01 > 01:80:c2:00:00:0e ethertype 0x88cc");
	e = (struct drop_event){0};
	flows(&e, "no header known");
}

static void json_of_a_packet(void **state)
{
	const struct packet_style style = {0};
	struct packet_event p = {.event = with_socket(500), .netns_known = true, .netns = "web",
				 .at_ns = 1700000000123456789, .owner_pid = 812,
				 .owner = "fifteen\377letters"};
	const char *reason, *at, *sport;
	json_t *j;
	int port, used, owner, context;

	(void)state;
	decode_event(&p.event, &p.headers);
	j = render_packet_json(&p, &style);
	assert_int_equal(json_unpack(j, "{s:{s:s,s:s,s:{s:i},s:{s:i},s:{s:i},s:{s:i},s:{s:s}}}",
				     "packet", "reason", &reason, "at", &at, "flow", "dport", &port,
				     "socket", "buffer_used", &used, "owner", "pid", &owner,
				     "context", "pid", &context, "netns", "name", &sport),
			 0);
	assert_string_equal(reason, "SOCKET_RCVBUFF");
	assert_string_equal(at, "2023-11-14T22:13:20.123456Z");
	assert_int_equal(port, 53);
	assert_int_equal(used, 212736);
	assert_int_equal(owner, 812);
	assert_int_equal(context, 15);
	assert_string_equal(sport, "web");
	json_decref(j);
}

static void what_a_capture_file_gets(void **state)
{
	struct packet_event p = {.event = event("NO_SOCKET", "__udp4_lib_rcv", 9),
				 .netns_known = true, .netns = "web"};
	struct pcapng_packet out = {0};
	struct buf b = {0};
	uint16_t link;

	(void)state;
	decode_event(&p.event, &p.headers);
	assert_true(packet_bytes(&p, &out, &link));
	assert_int_equal(link, LINKTYPE_RAW);
	assert_int_equal(out.captured, 28);
	assert_int_equal(out.length, 60);
	packet_comment(&p, &b);
	assert_string_equal(b.data, "reason NO_SOCKET at __udp4_lib_rcv, netns web");
	buf_done(&b);
	/* With the frame's header, the whole frame. */
	memmove(p.event.bytes + 14, p.event.bytes, 28);
	memcpy(p.event.bytes, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0", 14);
	p.event.mac_header = p.event.network_at = 14;
	p.event.captured = 42;
	decode_event(&p.event, &p.headers);
	assert_true(packet_bytes(&p, &out, &link));
	assert_int_equal(link, LINKTYPE_ETHERNET);
	assert_int_equal(out.captured, 42);
	assert_int_equal(out.length, 74);
	assert_ptr_equal(out.bytes, p.event.bytes);
	/* Bytes of a header that is no Ethernet are left out. */
	p.event.bytes[12] = 0x42;
	decode_event(&p.event, &p.headers);
	assert_true(packet_bytes(&p, &out, &link));
	assert_int_equal(link, LINKTYPE_RAW);
	assert_ptr_equal(out.bytes, p.event.bytes + 14);
	assert_int_equal(out.captured, 28);
	/* Nothing to read it by. */
	p.event.has_network = false;
	decode_event(&p.event, &p.headers);
	assert_false(packet_bytes(&p, &out, &link));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_has_the_cause_of_its_row),
		cmocka_unit_test(a_row_that_nobody_explains),
		cmocka_unit_test(a_packet_that_was_counted_before),
		cmocka_unit_test(expected_frees_are_asked_for),
		cmocka_unit_test(what_is_not_known_yet_waits),
		cmocka_unit_test(each_packet_has_its_rule),
		cmocka_unit_test(the_owner_is_not_who_ran),
		cmocka_unit_test(the_snapshot_knows_owners),
		cmocka_unit_test(a_receiver_that_the_kernel_does_not_name),
		cmocka_unit_test(filters_hold_for_packets),
		cmocka_unit_test(no_more_than_asked_for),
		cmocka_unit_test(what_finds_no_room_is_missed),
		cmocka_unit_test(a_stack_follows),
		cmocka_unit_test(each_kind_of_packet),
		cmocka_unit_test(json_of_a_packet),
		cmocka_unit_test(what_a_capture_file_gets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
