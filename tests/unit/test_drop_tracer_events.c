// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Dropped packets told one by one. Every event is a counted packet, and what is not told is counted
 * as that, so both together are the packets that were lost. Needs what test_drop_tracer needs.
 */
#define _GNU_SOURCE
#include "drop_scene.h"

#include <sys/prctl.h>

static const char *const rungs[] = {"tp_btf", "raw_tracepoint", "perf_tracepoint"};

/* The events of one namespace, the last of them kept. */
struct told {
	struct drop_tracer *t;
	uint32_t netns;
	uint64_t n, full, foreign; /* full: SOCKET_RCVBUFF */
	int64_t last_ns;
	bool in_order;
	bool saw_symbol; /* of the receiving path, on a stack */
	struct drop_event last;
};

static void take(const struct drop_event *event, void *arg)
{
	struct told *told = arg;

	if (event->netns != told->netns) {
		told->foreign++;
		return;
	}
	/* 6.1 frees the answers by ICMP like drops, without a reason. */
	if (strcmp(event->reason, "NOT_SPECIFIED") == 0)
		return;
	told->in_order &= event->at_ns >= told->last_ns;
	told->last_ns = event->at_ns;
	for (uint8_t i = 0; i < event->frames; i++)
		told->saw_symbol |= strncmp(drop_tracer_symbol(told->t, event->stack[i]),
					    "ip_local_deliver_finish+0x", 26) == 0;
	told->last = *event;
	told->n++;
	told->full += strcmp(event->reason, "SOCKET_RCVBUFF") == 0;
}

static struct told begin(const char *rung, struct drop_tracer_options options)
{
	struct told told = {.netns = netns_inode(), .in_order = true};

	options.rung = rung;
	options.events = true;
	assert_int_equal(drop_tracer_open_with(&options, &told.t), 0);
	drop_tracer_start(told.t);
	return told;
}

static struct drops end(struct told *told)
{
	struct drops d;

	usleep(50000);
	drop_tracer_stop(told->t);
	assert_true(drop_tracer_events(told->t, take, told) >= 0);
	assert_string_equal(drop_tracer_symbol(told->t, 1), "?");
	assert_true(told->in_order);
	assert_int_equal(drop_tracer_read(told->t, &d), 0);
	drop_tracer_close(told->t);
	return d;
}

static uint64_t missed(const struct drops *d, const char *reason)
{
	uint64_t packets = 0;

	vec_each(row, &d->events_missed)
		if (strcmp(row->reason, reason) == 0)
			packets += row->packets;
	return packets;
}

static void closed_port(const char *rung, int family)
{
	const uint16_t header = family == AF_INET ? 20 : 40;
	struct told told;
	struct drops d;
	const uint8_t *ip;
	char name[16];

	new_netns();
	told = begin(rung, (struct drop_tracer_options){.stacks = true});
	send_udp(family, PORT, 10, 100, 0);
	d = end(&told);
	assert_int_equal(told.n, 10);
	assert_string_equal(told.last.reason, "NO_SOCKET");
	assert_string_equal(told.last.symbol, family == AF_INET ? "__udp4_lib_rcv" : "__udp6_lib_rcv");
	assert_string_equal(told.last.device, "lo");
	assert_int_equal(told.last.ifindex, 1);
	assert_int_equal(told.last.ethertype, ethertypes[family]);
	assert_in_range(told.last.length, 100, 100 + 8 + header);
	assert_int_equal(told.last.segments, 1);
	assert_int_equal(told.last.family, 0);
	assert_int_equal(told.last.buffer_limit, 0);
	assert_in_range(told.last.at_ns, 1, monotonic_ns());
	prctl(PR_GET_NAME, name);
	/* On the loopback the sender itself receives, unless ksoftirqd does. */
	if (told.last.task_pid == (uint32_t)getpid())
		assert_string_equal(told.last.task_name, name);

	/* Ethernet header, IP header, ports. */
	assert_int_equal(told.last.mac_header, 14);
	assert_true(told.last.has_network);
	assert_int_equal(told.last.network_at, 14);
	assert_int_equal(told.last.captured, 14 + header + 8 + 100);
	assert_int_equal(told.last.bytes[12] << 8 | told.last.bytes[13], ethertypes[family]);
	ip = told.last.bytes + 14;
	assert_int_equal(ip[0] >> 4, family == AF_INET ? 4 : 6);
	assert_int_equal(ip[header + 2] << 8 | ip[header + 3], PORT);

	assert_in_range(told.last.frames, 4, DROP_EVENT_STACK);
	if (family == AF_INET)
		assert_true(told.saw_symbol);
	drops_done(&d);
}

static void test_closed_port(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		closed_port(rungs[i], AF_INET);
		closed_port(rungs[i], AF_INET6);
	}
}

static void full_buffer(const char *rung, int family)
{
	struct told told;
	struct drops d;
	struct stat st;
	uint64_t cookie;
	int fd;

	new_netns();
	fd = bound_socket(family, PORT, &cookie);
	assert_int_equal(fstat(fd, &st), 0);
	told = begin(rung, (struct drop_tracer_options){0});
	send_udp(family, PORT, 40, 1000, 0);
	d = end(&told);
	assert_int_equal(told.n + (uint64_t)queued(fd), 40);
	assert_string_equal(told.last.reason, "SOCKET_RCVBUFF");
	assert_int_equal(told.last.frames, 0);
	assert_int_equal(told.last.captured, DROP_EVENT_BYTES);
	if (d.receiving_socket) {
		assert_int_equal(told.last.family, family);
		assert_int_equal(told.last.protocol, IPPROTO_UDP);
		assert_int_equal(told.last.local_port, PORT);
		assert_true(told.last.cookie == cookie);
		assert_true(told.last.inode == st.st_ino);
		assert_int_equal(told.last.buffer_limit, 8192); /* the kernel doubles SO_RCVBUF */
		assert_in_range(told.last.buffer_used, 4096, 16384);
	} else {
		assert_int_equal(told.last.inode, 0);
	}
	drops_done(&d);
}

static void test_full_buffer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		full_buffer(rungs[i], AF_INET);
		full_buffer(rungs[i], AF_INET6);
	}
}

/* A packet on its way out: its sender's socket and buffer, and no link header yet. */
static void test_output(void **state)
{
	struct told told;
	struct drops d;

	(void)state;
	if (access("/usr/sbin/nft", X_OK) != 0)
		skip();
	new_netns();
	run("nft 'add table inet t; add chain inet t c { type filter hook output priority 0; };"
	    "add rule inet t c udp dport 7777 drop'");
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		told = begin(rungs[i], (struct drop_tracer_options){0});
		send_udp(AF_INET, PORT, 3, 100, 0);
		d = end(&told);
		assert_int_equal(told.n, 3);
		assert_string_equal(told.last.reason, "NETFILTER_DROP");
		assert_int_equal(told.last.family, AF_INET);
		assert_int_not_equal(told.last.local_port, 0);
		assert_int_not_equal(told.last.inode, 0);
		assert_in_range(told.last.buffer_limit, 4096, UINT32_MAX);
		assert_int_equal(told.last.mac_header, 0);
		assert_true(told.last.has_network);
		assert_int_equal(told.last.network_at, 0);
		assert_int_equal(told.last.bytes[0] >> 4, 4);
		drops_done(&d);
	}
}

/* A flood is cut, what is cut is counted, and a rare cause beside it is told all the same. */
static void test_flood(void **state)
{
	struct told told;
	const struct drop *row;
	struct drops d;
	uint64_t cookie, flood, rare;
	int fd;

	(void)state;
	new_netns();
	fd = bound_socket(AF_INET, PORT + 1, &cookie);
	told = begin("tp_btf", (struct drop_tracer_options){0});
	send_udp(AF_INET, PORT, 50000, 10, 0);
	send_udp(AF_INET, PORT + 1, 20, 1000, 0);
	rare = 20 - (uint64_t)queued(fd);
	d = end(&told);
	assert_int_equal(missed(&d, "SOCKET_RCVBUFF"), 0);
	assert_int_equal(told.full, rare);
	row = only_row(&d, told.netns, "NO_SOCKET", 0x0800);
	assert_in_range(row->packets, 10000, 50000); /* a busy machine loses some before that */
	flood = told.n - rare;
	assert_in_range(flood, 64, 5000);
	if (!told.foreign)
		assert_int_equal(missed(&d, "NO_SOCKET") + missed(&d, "?") + flood, row->packets);
	drops_done(&d);
}

static void test_scope(void **state)
{
	struct drop_tracer_options options = {.events_reason = "NO_SOCKET"};
	const struct drop_tracer_options bad = {.events = true, .events_reason = "NO_SUCH_REASON"};
	struct drop_tracer *t = NULL;
	struct told told;
	struct drops d;
	uint64_t cookie;
	int fd;

	(void)state;
	assert_int_equal(drop_tracer_open_with(&bad, &t), -EINVAL);
	new_netns();
	options.netns = netns_inode();
	fd = bound_socket(AF_INET, PORT + 1, &cookie);
	told = begin("tp_btf", options);
	send_udp(AF_INET, PORT + 1, 20, 1000, 0);
	send_udp(AF_INET, PORT, 5, 10, 0);
	close(fd);
	d = end(&told);
	assert_int_equal(told.n, 5);
	drops_done(&d);

	new_netns(); /* another one than is wanted */
	told = begin("tp_btf", options);
	send_udp(AF_INET, PORT, 5, 10, 0);
	d = end(&told);
	assert_int_equal(told.n, 0);
	assert_int_equal(missed(&d, "NO_SOCKET"), 0);
	assert_int_equal(only_row(&d, netns_inode(), "NO_SOCKET", 0x0800)->packets, 5);
	drops_done(&d);

	options = (struct drop_tracer_options){.events_ifindex = 99};
	told = begin("tp_btf", options);
	send_udp(AF_INET, PORT, 5, 10, 0);
	d = end(&told);
	assert_int_equal(told.n, 0);
	drops_done(&d);

	t = start("tp_btf", 0);
	assert_int_equal(drop_tracer_events(t, take, &told), -EINVAL); /* not asked for */
	drop_tracer_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_closed_port),
		cmocka_unit_test(test_full_buffer),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_scope),
	};

	if (!can_trace())
		return 77;
	return cmocka_run_group_tests_name("drop tracer, events", tests, NULL, NULL);
}
