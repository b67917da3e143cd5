// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The drop tracer read while it goes on: what each reading tells adds up to what was lost, to the
 * packet. Needs what test_drop_tracer needs.
 */
#define _GNU_SOURCE
#include "drop_scene.h"

#include <sys/wait.h>

#define STORM 150000

/* Of one namespace, over all readings. */
struct sum {
	uint64_t packets, segments, missed;
	size_t rows, readings;
	bool sampled;
};

static void read_on(struct drop_tracer *t, uint32_t netns, struct sum *sum)
{
	struct drops d;

	assert_int_equal(drop_tracer_read_on(t, &d), 0);
	sum->rows = 0;
	vec_each(row, &d.rows) {
		assert_int_not_equal(row->packets, 0);
		if (row->netns != netns || row->protocol != IPPROTO_UDP) /* 6.1 frees answers like drops */
			continue;
		sum->packets += row->packets;
		sum->segments += row->segments;
		sum->rows++;
	}
	sum->missed += d.missed;
	sum->sampled |= d.flows_sampled;
	sum->readings++;
	drops_done(&d);
}

/* Two processes on all CPUs send while this one reads as often as it can. */
static void test_storm(void **state)
{
	struct drop_tracer *t;
	struct sum sum = {0};
	pid_t senders[2];
	uint32_t netns;
	int status, left = 2;

	(void)state;
	new_netns();
	netns = netns_inode();
	t = start("tp_btf", 0);
	for (size_t i = 0; i < ARRAY_SIZE(senders); i++) {
		senders[i] = fork();
		assert_true(senders[i] >= 0);
		if (!senders[i]) {
			send_udp(i ? AF_INET6 : AF_INET, PORT, STORM, 10, 0);
			_exit(0);
		}
	}
	while (left) {
		read_on(t, netns, &sum);
		if (waitpid(-1, &status, WNOHANG) > 0)
			left--;
	}
	usleep(50000);
	read_on(t, netns, &sum);
	assert_true(sum.packets == 2 * STORM);
	assert_true(sum.segments == 2 * STORM);
	assert_int_equal(sum.missed, 0);
	assert_in_range(sum.readings, 5, SIZE_MAX);

	/* What is told once is not told again, also not by the last reading of all. */
	read_on(t, netns, &sum);
	assert_int_equal(sum.rows, 0);
	send_udp(AF_INET, PORT, 7, 10, 0);
	{
		struct drops d = stop(t);

		assert_int_equal(only_row(&d, netns, "NO_SOCKET", 0x0800)->packets, 7);
		drops_done(&d);
	}
}

/* Flows are exact again in each interval. */
static void test_flows(void **state)
{
	struct drop_tracer *t;
	struct drops d;
	size_t flows;

	(void)state;
	new_netns();
	t = start("tp_btf", 0);
	for (int i = 1; i <= 3; i++) {
		send_udp(AF_INET, PORT, 3000, 10, 0);
		usleep(50000);
		assert_int_equal(drop_tracer_read_on(t, &d), 0);
		assert_int_equal(flow_packets(&d, netns_inode(), PORT, &flows), 3000);
		assert_int_equal(flows, 1);
		drops_done(&d);
	}
	drop_tracer_close(t);
}

/*
 * New sockets in each interval, far more than the map has room for: those of the intervals before
 * are forgotten, so all are told apart. In an interval of too many the rest has no name, and its
 * packets are counted.
 */
static void test_sockets_come_and_go(void **state)
{
	uint64_t cookie, received = 0, packets = 0;
	size_t named = 0, unnamed = 0;
	struct drop_tracer *t;
	struct drops d;
	int fds[80];
	bool receivers = true;

	(void)state;
	new_netns();
	t = start("tp_btf", 64);
	for (int round = 0; round < 6; round++) {
		size_t n = round < 5 ? 20 : 80;

		named = unnamed = 0;
		for (size_t i = 0; i < n; i++)
			fds[i] = bound_socket(AF_INET, (uint16_t)(PORT + i), &cookie);
		for (size_t i = 0; i < n; i++)
			send_udp(AF_INET, (uint16_t)(PORT + i), 20, 1000, 0);
		usleep(50000);
		assert_int_equal(drop_tracer_read_on(t, &d), 0);
		for (size_t i = 0; i < n; i++)
			received += (uint64_t)queued(fds[i]);
		receivers = d.receiving_socket;
		vec_each(row, &d.rows) {
			if (row->netns != netns_inode() || strcmp(row->reason, "SOCKET_RCVBUFF"))
				continue;
			packets += row->packets;
			if (row->cookie)
				named++;
			else
				unnamed++;
		}
		assert_int_equal(d.missed, 0);
		drops_done(&d);
		if (receivers)
			assert_in_range(named, round < 5 ? 20 : 1, round < 5 ? 20 : 48);
	}
	if (receivers)
		assert_int_equal(unnamed, 1);
	assert_int_equal(packets + received, (5 * 20 + 80) * 20);
	drop_tracer_close(t);
}

static void send_raw(int family, int protocol)
{
	struct address to = loopback(family, 0);
	int fd = socket(family, SOCK_RAW, protocol);

	assert_true(fd >= 0);
	assert_int_equal(sendto(fd, "12345678", 8, 0, &to.any, to.length), 8);
	close(fd);
}

static uint64_t packets_of(const struct drops *d, uint16_t ethertype, uint8_t protocol)
{
	uint64_t packets = 0;

	vec_each(row, &d->rows)
		if (row->netns == netns_inode() && row->ethertype == ethertype &&
		    row->protocol == protocol && strcmp(row->reason, "NETFILTER_DROP") == 0)
			packets += row->packets;
	return packets;
}

/* One place drops all of them, each unlike the one before; then many that are alike, and one not. */
static void test_alike_but_for_one_thing(void **state)
{
	enum { ROUNDS = 50, OTHER = 253 }; /* for experiments: RFC 3692 */
	struct drop_tracer *t;
	struct drops d;

	(void)state;
	if (access("/usr/sbin/nft", X_OK) != 0)
		skip();
	new_netns();
	run("nft 'add table inet t;"
	    " add chain inet t c { type filter hook prerouting priority 0; policy drop; }'");
	t = start("tp_btf", 0);
	for (int i = 0; i < ROUNDS; i++) {
		send_udp(AF_INET, PORT, 1, 10, 0);
		send_raw(AF_INET, OTHER);
		send_udp(AF_INET6, PORT, 1, 10, 0);
		send_raw(AF_INET6, OTHER);
	}
	send_udp(AF_INET, PORT, 100, 10, 0);
	send_raw(AF_INET, OTHER);
	send_udp(AF_INET, PORT, 100, 10, 0);
	usleep(50000);
	d = stop(t);
	assert_int_equal(packets_of(&d, 0x0800, IPPROTO_UDP), ROUNDS + 200);
	assert_int_equal(packets_of(&d, 0x0800, OTHER), ROUNDS + 1);
	assert_int_equal(packets_of(&d, 0x86dd, IPPROTO_UDP), ROUNDS);
	assert_int_equal(packets_of(&d, 0x86dd, OTHER), ROUNDS);
	drops_done(&d);
}

/* Two sockets that are full refuse packets in turn. */
static void test_two_sockets_in_turn(void **state)
{
	enum { ROUNDS = 200, EVEN = 199, ODD = 200 }; /* packets of even and of odd rounds */
	uint64_t cookies[2], read[2], lost[2] = {0}, all = 0;
	int fds[2];
	struct drop_tracer *t;
	struct drops d;

	(void)state;
	new_netns();
	for (uint16_t i = 0; i < 2; i++)
		fds[i] = bound_socket(AF_INET, (uint16_t)(PORT + i), &cookies[i]);
	t = start("tp_btf", 0);
	for (int i = 0; i < ROUNDS; i++)
		send_udp(AF_INET, (uint16_t)(PORT + i % 2), 1 + i % 3, 1000, 0);
	usleep(50000);
	d = stop(t);
	vec_each(row, &d.rows) {
		if (row->netns != netns_inode() || strcmp(row->reason, "SOCKET_RCVBUFF") != 0)
			continue;
		all += row->packets;
		for (int i = 0; i < 2; i++)
			lost[i] += row->cookie == cookies[i] ? row->packets : 0;
	}
	for (int i = 0; i < 2; i++)
		read[i] = (uint64_t)queued(fds[i]);
	assert_int_equal(all + read[0] + read[1], EVEN + ODD);
	if (d.receiving_socket) {
		assert_int_equal(lost[0] + read[0], EVEN);
		assert_int_equal(lost[1] + read[1], ODD);
	}
	drops_done(&d);
}

static uint64_t too_big(const struct drops *d)
{
	uint64_t sends = 0;

	vec_each(row, &d->rows)
		sends += row->netns == netns_inode() && strcmp(row->reason, "SEND_TOO_BIG") == 0
				 ? row->packets : 0;
	return sends;
}

static uint64_t refused_and_read(struct drop_tracer *t, int64_t *ret_rested_ns)
{
	static const char large[70000];
	struct address to = loopback(AF_INET, PORT);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct drops d;
	uint64_t sends;

	assert_true(fd >= 0);
	assert_int_equal(sendto(fd, large, sizeof(large), 0, &to.any, to.length), -1);
	close(fd);
	assert_int_equal(drop_tracer_read_on(t, &d), 0);
	sends = too_big(&d);
	*ret_rested_ns = d.sends_rested_ns;
	drops_done(&d);
	return sends;
}

/* By a clock of the test's own: 30,000 sends in a tenth of a second are too many to look at. */
static void test_many_sends_are_spared(void **state)
{
	const int64_t s = NSEC_PER_SEC, tenth = NSEC_PER_SEC / 10;
	struct drop_tracer *t;
	int64_t rested;

	(void)state;
	new_netns();
	t = start("tp_btf", 0);
	if (drop_tracer_spare_sends(t, s) == INT64_MAX) {
		drop_tracer_close(t);
		skip(); /* nothing tells of sends before 6.3 */
	}
	assert_int_equal(refused_and_read(t, &rested), 1);
	assert_int_equal(rested, 0);
	assert_int_equal(drop_tracer_spare_sends(t, s + tenth), s + 2 * tenth);
	send_udp(AF_INET, PORT, 30000, 10, 0);
	assert_int_equal(drop_tracer_spare_sends(t, s + 2 * tenth), 11 * s + 2 * tenth);
	assert_int_equal(drop_tracer_spare_sends(t, 5 * s + 2 * tenth), 11 * s + 2 * tenth);
	assert_int_equal(refused_and_read(t, &rested), 0);
	assert_int_equal(rested, 4 * s);
	assert_int_equal(drop_tracer_spare_sends(t, 11 * s + 2 * tenth), 11 * s + 3 * tenth);
	assert_int_equal(refused_and_read(t, &rested), 1);
	assert_int_equal(rested, 6 * s);
	drop_tracer_close(t);
}

/* A ruleset that is replaced all the time: more rules than there are places, one after the other. */
static void test_rules_replaced(void **state)
{
	enum { TIMES = 50, RULES = 30 };
	uint64_t packets = 0;
	struct drop_tracer *t;
	char command[4096];
	uint32_t netns;

	(void)state;
	if (access("/usr/sbin/nft", X_OK) != 0)
		skip();
	new_netns();
	netns = netns_inode();
	run("nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }'");
	t = start("tp_btf", 0);
	for (int i = 0; i < TIMES; i++) {
		int n = snprintf(command, sizeof(command), "nft 'flush chain inet t c;");
		struct drops d;

		for (int k = 0; k < RULES; k++)
			n += snprintf(command + n, sizeof(command) - (size_t)n,
				      "add rule inet t c udp dport %d drop;", PORT + k);
		snprintf(command + n, sizeof(command) - (size_t)n, "'");
		run(command);
		for (int k = 0; k < RULES; k++)
			send_udp(AF_INET, (uint16_t)(PORT + k), 1, 1, 0);
		usleep(100000);
		assert_int_equal(drop_tracer_read_on(t, &d), 0);
		if (!d.rules_traced) {
			drops_done(&d);
			drop_tracer_close(t);
			skip();
		}
		assert_int_equal(d.rules_missed, 0);
		vec_each(rule, &d.rules)
			packets += rule->netns == netns ? rule->packets : 0;
		drops_done(&d);
	}
	drop_tracer_close(t);
	assert_int_equal(packets, TIMES * RULES);
}

/* A flood in another namespace: counted, and the flows of the one that is examined stay exact. */
static void test_flows_of_one_netns(void **state)
{
	enum { FLOOD = 5000 }; /* FLOW_EXACT is less */
	struct drop_tracer_options options = {0};
	struct drop_tracer *t;
	struct drops d;
	uint64_t others = 0;
	size_t flows;
	uint32_t flooded;
	int home;

	(void)state;
	new_netns();
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(home >= 0);
	options.netns = netns_inode();
	assert_int_equal(drop_tracer_open_with(&options, &t), 0);
	drop_tracer_start(t);
	send_udp(AF_INET, PORT, 20, 100, 0);
	new_netns();
	flooded = netns_inode();
	send_udp(AF_INET, PORT, FLOOD, 100, 0);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	close(home);
	usleep(50000);
	assert_int_equal(drop_tracer_read(t, &d), 0);
	drop_tracer_close(t);
	vec_each(row, &d.rows)
		others += row->netns == flooded ? row->packets : 0;
	assert_int_equal(others, FLOOD);
	assert_int_equal(flow_packets(&d, flooded, PORT, &flows), 0);
	assert_int_equal(flow_packets(&d, netns_inode(), PORT, &flows), 20);
	assert_false(d.flows_sampled);
	drops_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_flows),
		cmocka_unit_test(test_flows_of_one_netns),
		cmocka_unit_test(test_sockets_come_and_go),
		cmocka_unit_test(test_alike_but_for_one_thing),
		cmocka_unit_test(test_two_sockets_in_turn),
		cmocka_unit_test(test_many_sends_are_spared),
		cmocka_unit_test(test_rules_replaced),
	};

	if (!can_trace())
		return 77;
	return cmocka_run_group_tests_name("drop tracer, read on", tests, NULL, NULL);
}
