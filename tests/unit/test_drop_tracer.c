// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The drop tracer on the running kernel: every test makes a network namespace of its own, loses a
 * known number of packets in it and looks for exactly these. Other namespaces may lose what they
 * like meanwhile. Skipped without the privileges.
 */
#define _GNU_SOURCE
#include "collect/netns_device.h"
#include "drop_scene.h"

#include <signal.h>
#include <sys/wait.h>

/* Every test runs on each rung that this kernel has; net_dm is the last. */
static const char *rungs[] = {"tp_btf", "raw_tracepoint", "perf_tracepoint", "net_dm"};
static size_t rungs_n = ARRAY_SIZE(rungs);

static bool is_net_dm(const char *rung)
{
	return strcmp(rung, "net_dm") == 0;
}

static void closed_port(const char *rung, int family)
{
	const size_t header = family == AF_INET ? 28 : 48;
	struct drop_tracer *t;
	const struct drop *row;
	struct drops d;
	size_t flows;

	new_netns();
	t = start(rung, 0);
	send_udp(family, PORT, 20, 100, 0);
	d = stop(t);
	row = only_row(&d, netns_inode(), "NO_SOCKET", ethertypes[family]);
	assert_string_equal(row->symbol, family == AF_INET ? "__udp4_lib_rcv" : "__udp6_lib_rcv");
	assert_int_equal(row->packets, 20);
	assert_int_equal(row->segments, 20);
	/* The UDP header may be pulled already. */
	assert_in_range(row->bytes, 20 * 100, 20 * (100 + header));
	assert_int_equal(row->protocol, IPPROTO_UDP);
	assert_int_equal(row->ifindex, 1);
	assert_int_equal(row->family, 0);
	assert_int_equal(row->cookie, 0);
	assert_int_equal(flow_packets(&d, netns_inode(), PORT, &flows), 20);
	assert_int_equal(flows, 1);
	assert_false(d.flows_sampled);
	vec_each(flow, &d.flows) {
		if (flow->netns != netns_inode() || flow->destination_port != PORT)
			continue;
		assert_int_equal(flow->family, family);
		assert_int_equal(flow->protocol, IPPROTO_UDP);
		assert_int_not_equal(flow->source_port, 0);
		assert_int_equal(flow->source[family == AF_INET ? 0 : 15],
				 family == AF_INET ? 127 : 1);
		assert_memory_equal(flow->source, flow->destination, 16);
	}
	drops_done(&d);
}

static void test_closed_port(void **state)
{
	(void)state;
	for (size_t i = 0; i < rungs_n; i++) {
		closed_port(rungs[i], AF_INET);
		closed_port(rungs[i], AF_INET6);
	}
}

static void full_buffer(const char *rung, int family)
{
	struct drop_tracer *t;
	const struct drop *row;
	struct drops d;
	uint64_t cookie;
	int fd, kept;

	new_netns();
	fd = bound_socket(family, PORT, &cookie);
	t = start(rung, 0);
	send_udp(family, PORT, 100, 1000, 0);
	d = stop(t);
	row = only_row(&d, netns_inode(), "SOCKET_RCVBUFF", ethertypes[family]);
	kept = queued(fd);
	if (row->packets + (uint64_t)kept != 100)
		fail_msg("%s: %" PRIu64 " lost, %d received, of 100", rung, row->packets, kept);
	assert_int_equal(row->protocol, IPPROTO_UDP);
	if (d.receiving_socket) {
		assert_int_equal(row->family, family);
		assert_int_equal(row->local_port, PORT);
		assert_true(row->cookie == cookie);
	} else {
		assert_int_equal(row->cookie, 0);
	}
	drops_done(&d);
}

static void test_full_buffer(void **state)
{
	(void)state;
	for (size_t i = 0; i < rungs_n; i++) {
		full_buffer(rungs[i], AF_INET);
		full_buffer(rungs[i], AF_INET6);
	}
}

/* A packet dropped on its way out has its sender's socket, also where no receiver is named. */
static void firewall(const char *rung, int family, const char *hook)
{
	struct drop_tracer *t;
	const struct drop *row;
	struct drops d;
	char rule[256];

	new_netns();
	snprintf(rule, sizeof(rule),
		 "nft 'add table inet t; add chain inet t c { type filter hook %s priority 0; };"
		 "add rule inet t c udp dport %d drop'",
		 hook, PORT);
	run(rule);
	t = start(rung, 0);
	send_udp(family, PORT, 20, 100, 0);
	d = stop(t);
	if (is_net_dm(rung) && strcmp(hook, "output") == 0) {
		/* It has no link header yet: the monitor says nothing of it. */
		vec_each(other, &d.rows)
			assert_string_not_equal(other->reason, "NETFILTER_DROP");
		drops_done(&d);
		return;
	}
	row = only_row(&d, netns_inode(), "NETFILTER_DROP", ethertypes[family]);
	assert_int_equal(row->packets, 20);
	assert_int_equal(row->protocol, IPPROTO_UDP);
	assert_int_equal(row->family, strcmp(hook, "output") == 0 ? family : 0);
	drops_done(&d);
}

static void test_firewall(void **state)
{
	(void)state;
	if (access("/usr/sbin/nft", X_OK) != 0)
		skip();
	for (size_t i = 0; i < rungs_n; i++) {
		firewall(rungs[i], AF_INET, "input");
		firewall(rungs[i], AF_INET6, "input");
		firewall(rungs[i], AF_INET, "output");
		firewall(rungs[i], AF_INET6, "output");
	}
}

static uint64_t rule_packets(const struct drops *d, uint32_t netns, const char *table,
			     const char *chain)
{
	uint64_t packets = 0;

	vec_each(rule, &d->rules)
		if (rule->netns == netns && strcmp(rule->table, table) == 0 &&
		    strcmp(rule->chain, chain) == 0 && rule->handle)
			packets += rule->packets;
	return packets;
}

/* Rules and a verdict map that drop, among some that do not; what a policy drops has no rule. */
static void test_rules(void **state)
{
	struct drop_tracer *t;
	struct drops d;
	uint32_t netns;

	(void)state;
	if (access("/usr/sbin/nft", X_OK) != 0)
		skip();
	new_netns();
	netns = netns_inode();
	run("nft 'add table inet t; add chain inet t sub; add chain inet t after;"
	    "add chain inet t c { type filter hook input priority 0; policy drop; };"
	    "add rule inet t sub udp dport 1; add rule inet t sub udp dport 7002 drop;"
	    "add rule inet t c udp dport 1 accept; add rule inet t c udp dport 7001 counter drop;"
	    "add rule inet t c udp dport 7002 jump sub;"
	    "add rule inet t c udp dport vmap { 7003 : drop, 7004 : jump after };"
	    "add rule inet t after counter; add rule inet t after drop'");
	t = start("tp_btf", 0);
	send_udp(AF_INET, 7001, 20, 1, 0);
	send_udp(AF_INET6, 7002, 10, 1, 0);
	send_udp(AF_INET, 7003, 5, 1, 0);
	send_udp(AF_INET, 7004, 4, 1, 0);
	send_udp(AF_INET, 7005, 3, 1, 0);
	/* The ruleset made anew while it is watched: other addresses, the same names. */
	run("nft 'flush chain inet t sub; add rule inet t sub udp dport 7002 counter drop'");
	send_udp(AF_INET6, 7002, 10, 1, 0);
	d = stop(t);
	if (!d.rules_traced) {
		drops_done(&d);
		skip();
	}
	assert_int_equal(rule_packets(&d, netns, "t", "c"), 20 + 5);
	assert_int_equal(rule_packets(&d, netns, "t", "sub"), 20);
	assert_int_equal(rule_packets(&d, netns, "t", "after"), 4);
	assert_int_equal(d.rules_missed, 0);
	assert_int_equal(only_row(&d, netns, "NETFILTER_DROP", 0x0800)->packets, 32);
	drops_done(&d);
}

static int open_netns(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/*
 * Leaves this thread in the sending namespace, which has veth0; the other end drops all UDP.
 * Returns what keeps that other namespace alive.
 */
static int veth_to_dropping_netns(uint32_t *ret_inode)
{
	int receiver, sender;
	char command[256];

	new_netns();
	*ret_inode = netns_inode();
	receiver = open_netns();
	new_netns();
	sender = open_netns();
	snprintf(command, sizeof(command),
		 "ip link add veth0 type veth peer name veth1 address 02:00:00:00:00:02 &&"
		 "ip link set veth1 netns /proc/%d/fd/%d",
		 getpid(), receiver);
	run(command);

	assert_int_equal(setns(receiver, CLONE_NEWNET), 0);
	run("ip address add 192.0.2.2/24 dev veth1 && ip link set veth1 up");
	run("nft 'add table netdev t; add chain netdev t c"
	    " { type filter hook ingress device veth1 priority 0; };"
	    "add rule netdev t c ip protocol udp drop'");

	assert_int_equal(setns(sender, CLONE_NEWNET), 0);
	run("ip address add 192.0.2.1/24 dev veth0 && ip link set veth0 up &&"
	    "ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev veth0");
	close(sender);
	return receiver;
}

/*
 * Dropped by the receiving namespace before its IP layer: the packet still has the socket of its
 * sender, which lives in another namespace.
 */
static void across_veth(const char *rung)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	uint32_t receiver;
	int keep = veth_to_dropping_netns(&receiver), fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct drop_tracer *t = start(rung, 0);
	const struct drop *row;
	struct drops d;

	inet_pton(AF_INET, "192.0.2.2", &to.sin_addr);
	for (int i = 0; i < 20; i++)
		if (sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) != 1)
			fail_msg("sendto: %s", strerror(errno));
	close(fd);
	d = stop(t);
	close(keep);
	row = only_row(&d, receiver, NULL, 0x0800);
	assert_int_equal(row->packets, 20);
	assert_int_equal(row->protocol, IPPROTO_UDP);
	assert_int_equal(row->family, 0);
	assert_int_equal(row->cookie, 0);
	assert_int_not_equal(row->ifindex, 0);
	drops_done(&d);
}

static void test_across_veth(void **state)
{
	(void)state;
	if (access("/usr/sbin/nft", X_OK) != 0)
		skip();
	for (size_t i = 0; i < rungs_n; i++)
		if (!is_net_dm(rungs[i])) /* it tells no namespaces */
			across_veth(rungs[i]);
}

/* One buffer of ten datagrams is one skb, dropped at once, and ten packets on the wire. */
static void test_segments(void **state)
{
	struct drop_tracer *t;
	const struct drop *row;
	struct drops d;

	(void)state;
	new_netns();
	for (size_t i = 0; i < rungs_n; i++) {
		if (is_net_dm(rungs[i])) /* it tells no segments */
			continue;
		t = start(rungs[i], 0);
		send_udp(AF_INET, PORT, 3, 10000, 1000);
		d = stop(t);
		row = only_row(&d, netns_inode(), "NO_SOCKET", 0x0800);
		assert_int_equal(row->segments, 30);
		assert_true(row->packets == 3 || row->packets == 30);
		drops_done(&d);
	}
}

/* Rows stay exact in a storm, flows are estimated, and the second start begins at zero. */
static void test_storm_and_restart(void **state)
{
	struct drop_tracer *t;
	struct drops d;
	size_t flows;

	(void)state;
	new_netns();
	t = start("tp_btf", 0);
	send_udp(AF_INET, PORT, 20000, 10, 0);
	usleep(50000);
	assert_int_equal(drop_tracer_read(t, &d), 0);
	assert_int_equal(only_row(&d, netns_inode(), "NO_SOCKET", 0x0800)->packets, 20000);
	assert_true(d.flows_sampled);
	assert_in_range(flow_packets(&d, netns_inode(), PORT, &flows), 20000 - 16 * 64, 20000);
	assert_int_equal(flows, 1);
	drops_done(&d);

	send_udp(AF_INET, PORT, 10, 10, 0); /* not counted: it stands still */
	drop_tracer_start(t);
	send_udp(AF_INET, PORT, 30, 10, 0);
	d = stop(t);
	assert_int_equal(only_row(&d, netns_inode(), "NO_SOCKET", 0x0800)->packets, 30);
	assert_int_equal(flow_packets(&d, netns_inode(), PORT, &flows), 30);
	drops_done(&d);
}

/* Packets of 40 protocols that nobody knows: each is a kind of drop of its own. */
static void send_unknown_protocols(void)
{
	struct sockaddr_in to = loopback(AF_INET, 0).v4;
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	assert_true(fd >= 0);
	for (int protocol = 150; protocol < 190; protocol++) {
		uint8_t packet[28] = {0x45, [8] = 64, [9] = (uint8_t)protocol};

		memcpy(packet + 16, &to.sin_addr, 4);
		assert_int_equal(
			sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)),
			sizeof(packet));
	}
	close(fd);
}

/* What does not fit into the map is missed, and nothing else. */
static void missed(uint32_t entries)
{
	struct drop_tracer *t;
	uint64_t packets = 0;
	struct drops d;

	new_netns();
	t = start("tp_btf", entries);
	send_unknown_protocols();
	d = stop(t);
	vec_each(row, &d.rows)
		if (row->netns == netns_inode() && row->protocol >= 150)
			packets += row->packets;
	if (entries) {
		assert_in_range(d.rows.n, 1, entries);
		assert_in_range(d.missed, 40 - packets, 100000);
	} else {
		assert_int_equal(packets, 40);
		assert_int_equal(d.missed, 0);
	}
	drops_done(&d);
}

static void test_missed(void **state)
{
	(void)state;
	missed(8);
	missed(0);
}

/* Many sockets in a small map: they are no longer told apart, but all their drops are counted. */
static void test_many_sockets(void **state)
{
	uint64_t cookie, packets = 0, named = 0, received = 0;
	struct drop_tracer *t;
	int fds[80];
	struct drops d;

	(void)state;
	new_netns();
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = bound_socket(AF_INET, (uint16_t)(PORT + i), &cookie);
	t = start("tp_btf", 64);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		send_udp(AF_INET, (uint16_t)(PORT + i), 20, 1000, 0);
	d = stop(t);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		received += (uint64_t)queued(fds[i]);
	vec_each(row, &d.rows) {
		if (row->netns != netns_inode() || strcmp(row->reason, "SOCKET_RCVBUFF") != 0)
			continue;
		packets += row->packets;
		named += row->cookie != 0;
	}
	assert_int_equal(packets + received, 80 * 20);
	if (d.receiving_socket)
		assert_in_range(named, 1, 48);
	drops_done(&d);
}

static void test_options(void **state)
{
	const struct drop_tracer_options bad = {"no such rung", 0};
	struct drop_tracer *t = NULL;

	(void)state;
	assert_int_equal(drop_tracer_open_with(&bad, &t), -EINVAL);
	assert_null(t);
	drop_tracer_close(NULL);
}

/* The monitor is the host's only one: who comes second is told so. Off again, it can be had. */
static void test_net_dm_is_one(void **state)
{
	const struct drop_tracer_options options = {.rung = "net_dm"};
	struct drop_tracer *first, *second = NULL;

	(void)state;
	if (!is_net_dm(rungs[rungs_n - 1]))
		skip();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(drop_tracer_open_with(&options, &first), 0);
		assert_int_equal(drop_tracer_open_with(&options, &second), -EBUSY);
		assert_null(second);
		drop_tracer_close(first);
	}
}

/* Who turned it on was killed: it stays on, and is taken over. */
static void test_net_dm_left_on(void **state)
{
	pid_t child;
	int status;

	(void)state;
	if (!is_net_dm(rungs[rungs_n - 1]))
		skip();
	child = fork();
	if (child == 0) {
		const struct drop_tracer_options options = {.rung = "net_dm"};
		struct drop_tracer *t;

		if (drop_tracer_open_with(&options, &t) != 0)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	closed_port("net_dm", AF_INET);
}

/* What the monitor had no room for is missed, not forgotten: rows and missed are all there was. */
static void test_net_dm_storm(void **state)
{
	struct drop_tracer *t;
	uint64_t packets = 0;
	struct drops d;

	(void)state;
	if (!is_net_dm(rungs[rungs_n - 1]))
		skip();
	new_netns();
	t = start("net_dm", 0);
	send_udp(AF_INET, PORT, 40000, 10, 0);
	d = stop(t);
	/* A slow machine loses some of them before they find that the port is closed. */
	vec_each(row, &d.rows) {
		if (row->ethertype != 0x0800 || row->protocol != IPPROTO_UDP)
			continue;
		packets += row->packets;
		printf("net_dm: %" PRIu64 " %s at %s\n", row->packets, row->reason, row->symbol);
	}
	printf("net_dm: %" PRIu64 " missed\n", d.missed);
	assert_in_range(packets + d.missed, 40000, 40000 + 50);
	drops_done(&d);
}

#define ODD_NUMBER 770077 /* of a device: nobody else's */

/* A process in a namespace of its own that has a device of that number; ended through the pipe. */
static pid_t live_with_device(int *ret_stop, uint32_t *ret_netns)
{
	int ready[2], stop[2];
	char command[128];
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(stop), 0);
	child = fork();
	if (child == 0) {
		uint32_t inode;
		char byte;

		close(stop[1]);
		new_netns();
		inode = netns_inode();
		snprintf(command, sizeof(command),
			 "ip link add odd index %d type veth peer name other", ODD_NUMBER);
		run(command);
		if (write(ready[1], &inode, sizeof(inode)) != sizeof(inode) ||
		    read(stop[0], &byte, 1) != 0)
			_exit(1);
		_exit(0);
	}
	close(stop[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], ret_netns, sizeof(*ret_netns)), sizeof(*ret_netns));
	close(ready[0]);
	*ret_stop = stop[1];
	return child;
}

/* Known where one namespace has a device of that number, not where several have. */
static void test_netns_of_device(void **state)
{
	struct netns_devices first = {0}, second = {0};
	int stop_a, stop_b, status;
	uint32_t a, b;
	pid_t child_a, child_b;
	int fd = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);

	(void)state;
	if (fd < 0) {
		/* Namespaces that may not be looked into: nothing is known. */
		assert_int_equal(netns_of_device(ODD_NUMBER, &first), 0);
		netns_devices_done(&first);
		skip();
	}
	close(fd);
	child_a = live_with_device(&stop_a, &a);
	assert_int_equal(netns_of_device(ODD_NUMBER, &first), a);
	assert_int_equal(netns_of_device(ODD_NUMBER, &first), a);
	assert_int_equal(netns_of_device(ODD_NUMBER + 1000, &first), 0);
	assert_int_equal(netns_of_device(1, &first), 0);
	assert_int_equal(netns_of_device(0, &first), 0);
	child_b = live_with_device(&stop_b, &b);
	assert_int_not_equal(a, b);
	assert_int_equal(netns_of_device(ODD_NUMBER, &second), 0);
	close(stop_b);
	close(stop_a);
	assert_int_equal(waitpid(child_a, &status, 0), child_a);
	assert_int_equal(waitpid(child_b, &status, 0), child_b);
	netns_devices_done(&first);
	netns_devices_done(&second);
}

/* Where the family is not there it cannot be told from a kernel without it. */
static void look_for_net_dm(void)
{
	const struct drop_tracer_options options = {.rung = "net_dm"};
	struct drop_tracer *t;
	int err = drop_tracer_open_with(&options, &t);

	if (err) {
		printf("without net_dm: %s\n", errno_name(err));
		rungs_n--;
		return;
	}
	drop_tracer_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_net_dm_is_one),
		cmocka_unit_test(test_net_dm_left_on),
		cmocka_unit_test(test_net_dm_storm),
		cmocka_unit_test(test_netns_of_device),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_closed_port),
		cmocka_unit_test(test_full_buffer),
		cmocka_unit_test(test_firewall),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_across_veth),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_storm_and_restart),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_many_sockets),
	};

	if (!can_trace())
		return 77;
	look_for_net_dm();
	return cmocka_run_group_tests_name("drop tracer", tests, NULL, NULL);
}
