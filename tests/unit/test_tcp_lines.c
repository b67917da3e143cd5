// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TCP's retransmissions and resets on the running kernel: every test has a network namespace of its
 * own and compares with that one's counters, to the segment. Skipped without the privileges.
 */
#define _GNU_SOURCE
#include <netinet/tcp.h>

#include "base/parse.h"
#include "drop_scene.h"
#include "drops/tcp_lines.h"

static const char *const rungs[] = {"tp_btf", "raw_tracepoint"};

/* Column `n` of the second Tcp: line of this namespace's snmp, from 1. */
static uint64_t tcp_counter(unsigned int n)
{
	FILE *f = fopen("/proc/thread-self/net/snmp", "re");
	uint64_t value = 0;
	char line[1024];
	int lines = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char *word = strtok(line, " \n");

		if (strcmp(word, "Tcp:") != 0 || ++lines != 2)
			continue;
		for (unsigned int i = 0; i < n; i++)
			word = strtok(NULL, " \n");
		assert_int_equal(parse_u64(span_of(word), UINT64_MAX, &value), 0);
	}
	fclose(f);
	return value;
}
#define RETRANS_SEGS 12
#define OUT_RSTS 14

static int listener(int family)
{
	struct address a = loopback(family, PORT);
	int fd = socket(family, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &a.any, a.length), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static int connected(int family)
{
	struct address a = loopback(family, PORT);
	int fd = socket(family, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, &a.any, a.length), 0);
	return fd;
}

static struct tcp_tracer *trace(const char *rung)
{
	struct tcp_tracer *t;

	assert_int_equal(tcp_tracer_open(rung, &t), 0);
	return t;
}

static uint64_t sum(const struct tcp_lines *l, enum tcp_line_kind kind, bool segments)
{
	uint32_t netns = netns_inode();
	uint64_t n = 0;

	vec_each(line, &l->lines)
		if (line->netns == netns && line->kind == kind)
			n += segments ? line->segments : line->packets;
	return n;
}

static const struct tcp_line *only_line(const struct tcp_lines *l, enum tcp_line_kind kind,
					uint8_t state)
{
	const struct tcp_line *found = NULL;
	uint32_t netns = netns_inode();

	vec_each(line, &l->lines) {
		if (line->netns != netns || line->kind != kind || line->state != state)
			continue;
		assert_null(found);
		found = line;
	}
	if (!found)
		fail_msg("no line of kind %d and state %d", kind, state);
	return found;
}

static void peer_is_loopback(const struct tcp_line *line, int family)
{
	static const uint8_t v4[16] = {127}, v6[16] = {0};

	assert_int_equal(line->family, family);
	assert_int_equal(line->peer_bits, family == AF_INET ? 24 : 64);
	assert_memory_equal(line->peer, family == AF_INET ? v4 : v6, 16);
}

/* Nobody listens: the answer is a reset of no socket, and meets a SYN_SENT. */
static void refused(const char *rung, int family)
{
	struct address a = loopback(family, PORT);
	struct tcp_tracer *t;
	const struct tcp_line *line;
	struct tcp_lines l;

	new_netns();
	t = trace(rung);
	for (int i = 0; i < 5; i++) {
		int fd = socket(family, SOCK_STREAM, 0);

		assert_int_equal(connect(fd, &a.any, a.length), -1);
		assert_int_equal(errno, ECONNREFUSED);
		close(fd);
	}
	assert_int_equal(tcp_tracer_read_on(t, &l), 0);
	line = only_line(&l, TCP_RESET_RECEIVED, 2);
	assert_int_equal(line->packets, 5);
	assert_int_equal(line->remote_port, PORT);
	assert_int_equal(line->local_port, 0);
	assert_string_equal(line->reason, "");
	peer_is_loopback(line, family);
	if (l.all_resets) {
		line = only_line(&l, TCP_RESET_SENT, 0);
		assert_int_equal(line->packets, 5);
		assert_int_equal(line->local_port, PORT);
		assert_string_equal(line->reason, "NO_SOCKET");
		peer_is_loopback(line, family);
		assert_int_equal(sum(&l, TCP_RESET_SENT, false), tcp_counter(OUT_RSTS));
	}
	assert_int_equal(l.missed, 0);
	tcp_lines_done(&l);
	assert_int_equal(tcp_tracer_read_on(t, &l), 0);
	assert_int_equal(sum(&l, TCP_RESET_RECEIVED, false), 0);
	tcp_lines_done(&l);
	tcp_tracer_close(t);
}

/* A program throws a connection away: it sends the reset, the other end gets it. */
static void aborted(const char *rung, int family)
{
	const struct linger now = {.l_onoff = 1};
	const struct tcp_line *line;
	struct tcp_tracer *t;
	struct tcp_lines l;
	int server, fd, other;

	new_netns();
	server = listener(family);
	t = trace(rung);
	fd = connected(family);
	other = accept(server, NULL, NULL);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(fd);
	usleep(20000);
	assert_int_equal(tcp_tracer_read_on(t, &l), 0);
	line = only_line(&l, TCP_RESET_RECEIVED, 1);
	assert_int_equal(line->packets, 1);
	assert_int_equal(line->local_port, PORT);
	peer_is_loopback(line, family);
	assert_int_equal(sum(&l, TCP_RESET_SENT, false), 1);
	assert_int_equal(tcp_counter(OUT_RSTS), 1);
	if (l.all_resets)
		vec_each(sent, &l.lines)
			if (sent->netns == netns_inode() && sent->kind == TCP_RESET_SENT)
				assert_true(sent->reason[0]); /* other words since 6.13 */
	tcp_lines_done(&l);
	close(other);
	close(server);
	tcp_tracer_close(t);
}

/*
 * What is sent into the void is sent again, after 0.2, 0.6, 1.4 s: data, a SYN after 1 s, and the
 * answer to a SYN. Read in pieces, the sum is that of the kernel's counter.
 */
static void retransmitted(const char *rung, int family)
{
	static const char data[100000];
	uint64_t segments = 0, failed = 0, synacks = 0, syns = 0;
	struct address a = loopback(family, PORT);
	struct tcp_tracer *t;
	struct tcp_lines l;
	int server, fd, late, half;

	new_netns();
	server = listener(family);
	fd = connected(family);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	t = trace(rung);
	assert_int_equal(system("nft 'add table inet t; add chain inet t c"
				" { type filter hook input priority 0; };"
				"add rule inet t c tcp sport 7777 tcp flags syn,ack / syn,ack drop;"
				"add rule inet t c tcp dport 7777 tcp flags syn accept;"
				"add rule inet t c drop'"),
			 0);
	assert_true(send(fd, data, sizeof(data), 0) > 0);
	half = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(half, &a.any, a.length);
	a = loopback(family, PORT + 1);
	late = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(late, &a.any, a.length);
	for (int i = 0; i < 5; i++) {
		usleep(300000);
		assert_int_equal(tcp_tracer_read_on(t, &l), 0);
		vec_each(line, &l.lines) {
			if (line->netns != netns_inode() || line->kind != TCP_RETRANSMITTED)
				continue;
			assert_int_equal(line->family, family);
			syns += line->state == 2 ? line->packets : 0;
			synacks += line->state == 12 ? line->packets : 0;
			assert_true(line->local_port >= PORT || line->remote_port >= PORT);
		}
		segments += sum(&l, TCP_RETRANSMITTED, true);
		failed += sum(&l, TCP_RETRANSMIT_FAILED, true);
		tcp_lines_done(&l);
	}
	assert_true(syns >= 1 && synacks >= 1);
	assert_in_range(segments, syns + synacks + 2, 1000);
	assert_int_equal(segments + failed, tcp_counter(RETRANS_SEGS));
	close(half);
	close(late);
	close(fd);
	close(server);
	tcp_tracer_close(t);
}

static void each(void (*test)(const char *rung, int family))
{
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		test(rungs[i], AF_INET);
		test(rungs[i], AF_INET6);
	}
}

static void test_refused(void **state)
{
	(void)state;
	each(refused);
}

static void test_aborted(void **state)
{
	(void)state;
	each(aborted);
}

static void test_retransmitted(void **state)
{
	(void)state;
	if (access("/usr/sbin/nft", X_OK) != 0)
		skip();
	each(retransmitted);
}

static void test_no_such_rung(void **state)
{
	struct tcp_tracer *t = NULL;

	(void)state;
	assert_int_equal(tcp_tracer_open("no such rung", &t), -EINVAL);
	assert_null(t);
	tcp_tracer_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_such_rung),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_aborted),
		cmocka_unit_test(test_retransmitted),
	};
	struct tcp_tracer *t;
	int err = tcp_tracer_open(NULL, &t);

	if (err) {
		printf("skipped: TCP cannot be traced here: %s\n", errno_name(err));
		return 77;
	}
	tcp_tracer_close(t);
	return cmocka_run_group_tests_name("tcp lines", tests, NULL, NULL);
}
