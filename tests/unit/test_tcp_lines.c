// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TCP's retransmissions, resets and connections on the running kernel: every test has a network namespace of its
 * own and compares with that one's counters, to the segment. Skipped without the privileges.
 */
#define _GNU_SOURCE
#include <netinet/tcp.h>

#include "base/parse.h"
#include "drop_scene.h"
#include "drops/tcp_lines.h"
#include "model/tcp_lines_json.h"
#include "scrub/map.h"

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

	assert_int_equal(tcp_tracer_open(rung, TCP_STATES_ALL, 0, &t), 0);
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

struct again {
	uint64_t segments, syns, synacks, all; /* all: with those that failed or were missed */
};

static void add_retransmitted(struct tcp_tracer *t, int family, struct again *to)
{
	struct tcp_lines l;

	assert_int_equal(tcp_tracer_read_on(t, &l), 0);
	vec_each(line, &l.lines) {
		if (line->netns != netns_inode() || line->kind != TCP_RETRANSMITTED)
			continue;
		assert_int_equal(line->family, family);
		assert_true(line->local_port >= PORT || line->remote_port >= PORT);
		to->segments += line->segments;
		to->syns += line->state == 2 ? line->packets : 0;
		to->synacks += line->state == 12 ? line->packets : 0;
		to->all += line->segments;
	}
	to->all += sum(&l, TCP_RETRANSMIT_FAILED, true) + l.missed;
	tcp_lines_done(&l);
}

/*
 * What is sent into the void is sent again, after 0.2, 0.6, 1.4 s: data, a SYN after 1 s, and the
 * answer to a SYN. Read in pieces, the sum is that of the kernel's counter.
 */
static void retransmitted(const char *rung, int family)
{
	static const char data[100000];
	struct address a = loopback(family, PORT);
	struct again again = {0};
	struct tcp_tracer *t;
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
		usleep(320000);
		add_retransmitted(t, family, &again);
	}
	/* Counted before it is sent, traced after that: what has begun is waited for. */
	for (int i = 0; i < 100 && again.all < tcp_counter(RETRANS_SEGS); i++) {
		usleep(20000);
		add_retransmitted(t, family, &again);
	}
	assert_true(again.syns >= 1 && again.synacks >= 1);
	assert_in_range(again.segments, again.syns + again.synacks + 2, 1000);
	assert_int_equal(again.all, tcp_counter(RETRANS_SEGS));
	close(half);
	close(late);
	close(fd);
	close(server);
	tcp_tracer_close(t);
}

/* The only line of that kind whose service is `port`. */
static const struct tcp_line *line_of(const struct tcp_lines *l, enum tcp_line_kind kind,
				      uint16_t local, uint16_t remote, uint16_t error)
{
	const struct tcp_line *found = NULL;

	vec_each(line, &l->lines) {
		if (line->netns != netns_inode() || line->kind != kind ||
		    line->local_port != local || line->remote_port != remote || line->error != error)
			continue;
		assert_null(found);
		found = line;
	}
	if (!found)
		fail_msg("no line of kind %s, ports %u and %u, error %u", tcp_line_kind_name(kind),
			 local, remote, error);
	return found;
}

/* Three connections: closed in order by the client, by the server, and one that nobody takes. */
static void began_and_ended(const char *rung, int family)
{
	struct address a = loopback(family, PORT + 1);
	struct tcp_tracer *t;
	struct tcp_lines l;
	int server, fd, other;

	new_netns();
	server = listener(family);
	t = trace(rung);
	for (int first = 0; first < 2; first++) {
		fd = connected(family);
		other = accept(server, NULL, NULL);
		close(first ? fd : other);
		usleep(20000);
		close(first ? other : fd);
	}
	fd = socket(family, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, &a.any, a.length), -1);
	close(fd);
	usleep(20000);
	assert_int_equal(tcp_tracer_read_on(t, &l), 0);
	assert_true(l.states);
	assert_int_equal(line_of(&l, TCP_ACCEPTED, PORT, 0, 0)->packets, 2);
	assert_int_equal(line_of(&l, TCP_CONNECTED, 0, PORT, 0)->packets, 2);
	assert_int_equal(line_of(&l, TCP_CLOSED_HERE, 0, PORT, 0)->packets, 1);
	assert_int_equal(line_of(&l, TCP_CLOSED_HERE, PORT, 0, 0)->packets, 1);
	assert_int_equal(line_of(&l, TCP_CLOSED_BY_PEER, 0, PORT, 0)->packets, 1);
	assert_int_equal(line_of(&l, TCP_CLOSED_BY_PEER, PORT, 0, 0)->packets, 1);
	peer_is_loopback(line_of(&l, TCP_CONNECT_FAILED, 0, PORT + 1, ECONNREFUSED), family);
	assert_int_equal(sum(&l, TCP_ENDED, false), 0);
	assert_int_equal(sum(&l, TCP_CONNECT_FAILED, false), 1);
	tcp_lines_done(&l);
	close(server);
	tcp_tracer_close(t);
}

static void write_sysctl(const char *path, const char *value)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(value, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* A connect() without an answer, one given up, and one for which there is no port. */
static void failed_to_connect(const char *rung, int family)
{
	struct address a = loopback(family, PORT);
	unsigned int timeout_ms = 300;
	struct tcp_tracer *t;
	struct tcp_lines l;
	int silent, given_up, fd;

	new_netns();
	assert_int_equal(system("nft 'add table inet t; add chain inet t c"
				" { type filter hook input priority 0; };"
				"add rule inet t c tcp dport 7777 drop'"),
			 0);
	t = trace(rung);
	silent = socket(family, SOCK_STREAM, 0);
	assert_int_equal(setsockopt(silent, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
				    sizeof(timeout_ms)),
			 0);
	assert_int_equal(connect(silent, &a.any, a.length), -1);
	assert_int_equal(errno, ETIMEDOUT);
	given_up = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(given_up, &a.any, a.length);
	close(given_up);
	write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "40000 40001");
	write_sysctl("/proc/sys/net/ipv4/ip_local_reserved_ports", "40000-40001");
	fd = socket(family, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, &a.any, a.length), -1);
	assert_int_equal(errno, EADDRNOTAVAIL);
	usleep(20000); /* who waits is woken before the state changes */
	assert_int_equal(tcp_tracer_read_on(t, &l), 0);
	assert_int_equal(line_of(&l, TCP_CONNECT_FAILED, 0, PORT, ETIMEDOUT)->packets, 1);
	assert_int_equal(line_of(&l, TCP_CONNECT_FAILED, 0, PORT, 0)->packets, 1);
	assert_int_equal(line_of(&l, TCP_CONNECT_FAILED, 0, PORT, EADDRNOTAVAIL)->packets, 1);
	tcp_lines_done(&l);
	close(fd);
	close(silent);
	tcp_tracer_close(t);
}

/* What a close throws away: 1000 bytes unread, then what a full receiver has not taken yet. */
static void thrown_away(const char *rung, int family)
{
	static const char data[300000];
	const struct linger now = {.l_onoff = 1};
	uint64_t unread = 0, unsent = 0, lossy = 0;
	int server, fd, other, small = 4096;
	const struct tcp_line *line;
	struct tcp_tracer *t;
	struct tcp_lines l;
	ssize_t sent;

	new_netns();
	server = listener(family);
	assert_int_equal(setsockopt(server, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	t = trace(rung);
	fd = connected(family);
	other = accept(server, NULL, NULL);
	assert_int_equal(send(fd, data, 1000, 0), 1000);
	usleep(20000);
	close(other);
	close(fd);
	fd = connected(family);
	other = accept(server, NULL, NULL);
	sent = send(fd, data, sizeof(data), MSG_DONTWAIT);
	assert_true(sent > 100000);
	usleep(50000);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(fd);
	usleep(20000);
	assert_int_equal(tcp_tracer_read_on(t, &l), 0);
	vec_each(reset, &l.lines) {
		if (reset->netns != netns_inode() || reset->kind != TCP_RESET_SENT)
			continue;
		assert_true(reset->unasked);
		unread += reset->unread;
		unsent += reset->unsent;
		lossy += reset->lossy;
	}
	assert_int_equal(unread, 1000);
	assert_int_equal(lossy, 2);
	assert_in_range(unsent, 1, (uint64_t)sent);
	/* Both ends tell: the one that closed, and the one that it was closed for. */
	line = line_of(&l, TCP_ENDED, PORT, 0, ECONNRESET);
	assert_int_equal(line->packets, 1);
	assert_int_equal(line_of(&l, TCP_ENDED, PORT, 0, 0)->packets, 1);
	tcp_lines_done(&l);
	close(other);
	close(server);
	tcp_tracer_close(t);
}

static bool line_is(const struct tcp_line *a, const struct tcp_line *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void test_kept(void **state)
{
	static const struct tcp_line lines[] = {
		{.kind = TCP_RESET_SENT, .netns = 4026531840, .reason = "TCP_ABORT_ON_CLOSE",
		 .unasked = true, .state = 7, .family = AF_INET, .peer_bits = 24,
		 .peer = {10, 0, 1}, .local_port = 80, .packets = 5, .segments = 5, .lossy = 4,
		 .unread = 4000, .unsent = 77},
		{.kind = TCP_RESET_RECEIVED, .netns = 7, .state = 1, .family = AF_INET6,
		 .peer_bits = 64, .peer = {0xfd, 1, 2, 3, 4, 5, 6, 7}, .remote_port = 443,
		 .packets = UINT64_MAX, .idle = 3, .idle_least_ms = 30000, .idle_most_ms = 30100},
		{.kind = TCP_CONNECT_FAILED, .error = EHOSTUNREACH, .state = 2, .packets = 1},
	};
	struct tcp_lines l = {.all_resets = true, .states = true, .missed = 9}, again;
	json_t *json;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		*vec_push(&l.lines) = lines[i];
	json = tcp_lines_to_json(&l);
	assert_non_null(json);
	assert_int_equal(tcp_lines_from_json(json, &again), 0);
	assert_true(again.all_resets && again.states);
	assert_int_equal(again.missed, 9);
	assert_int_equal(again.lines.n, ARRAY_SIZE(lines));
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_true(line_is(&again.lines.items[i], &lines[i]));
	tcp_lines_done(&again);
	tcp_lines_done(&l);
	json_decref(json);
}

/* Each change makes one thing of a good document wrong. */
static void test_damaged(void **state)
{
	static const char good[] =
		"{\"err\":0,\"all_resets\":true,\"states\":true,\"missed\":0,\"lines\":["
		"{\"kind\":\"reset-sent\",\"netns\":1,\"reason\":\"X\",\"error\":0,\"unasked\":1,"
		"\"state\":7,\"family\":2,\"local_port\":80,\"remote_port\":0,\"packets\":1,"
		"\"segments\":1,\"lossy\":0,\"unread\":0,\"unsent\":0,\"idle\":0,"
		"\"idle_least_ms\":0,\"idle_most_ms\":0,\"peer\":\"10.0.0.0/24\"}]}";
	static const struct {
		const char *what, *with;
	} changes[] = {
		{"reset-sent", "reset"},   {"\"unasked\":1", "\"unasked\":2"},
		{"\"family\":2", "\"family\":3"}, {"0.0/24", "0.0/25"},
		{"10.0.0.0", "10.0.0"},	   {"\"local_port\":80", "\"local_port\":65536"},
		{"\"lines\":[", "\"line\":["},  {"\"missed\":0", "\"missed\":-1"},
		{"\"idle\":0", "\"idle\":{}"},  {"\"family\":2", "\"family\":0"},
		{"\"err\":0", "\"err\":1"},	   {"\"states\":true", "\"states\":1"},
	};
	struct tcp_lines l;
	json_t *json = json_loads(good, 0, NULL);

	(void)state;
	assert_int_equal(tcp_lines_from_json(json, &l), 0);
	assert_int_equal(l.lines.n, 1);
	tcp_lines_done(&l);
	json_decref(json);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const char *at = strstr(good, changes[i].what);
		char text[sizeof(good) + 32];

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, changes[i].with,
			 at + strlen(changes[i].what));
		json = json_loads(text, 0, NULL);
		assert_non_null(json);
		assert_int_equal(tcp_lines_from_json(json, &l), -EBADMSG);
		json_decref(json);
	}
}

/* Networks get other names, the same everywhere; who is in none stays so. */
static void test_scrubbed(void **state)
{
	struct tcp_line line = {.kind = TCP_RESET_RECEIVED, .netns = 7, .family = AF_INET,
				.peer_bits = 24, .peer = {8, 8, 4}, .remote_port = 443, .packets = 1};
	const struct siphash_key key = {1, 2};
	struct tcp_lines l = {0}, again;
	struct buf text = {0};
	struct scrubber s;
	uint8_t other[16] = {8, 8, 4, 1};
	char *dump;
	json_t *json;

	(void)state;
	*vec_push(&l.lines) = line;
	*vec_push(&l.lines) = (struct tcp_line){.kind = TCP_RETRANSMITTED, .packets = 2};
	json = tcp_lines_to_json(&l);
	dump = json_dumps(json, 0);
	buf_puts(&text, dump);
	scrubber_init(&s, &key);
	scrubber_learned(&s);
	assert_int_equal(scrub_tcp_lines(&s, &text), 0);
	scrub_address(&s, AF_INET, other, 128);
	scrubber_done(&s);
	json_decref(json);
	json = json_loadb(text.data, text.len, 0, NULL);
	assert_int_equal(tcp_lines_from_json(json, &again), 0);
	assert_memory_not_equal(again.lines.items[0].peer, line.peer, 3);
	assert_memory_equal(again.lines.items[0].peer, other, 3);
	memcpy(again.lines.items[0].peer, line.peer, sizeof(line.peer));
	assert_true(line_is(&again.lines.items[0], &line));
	assert_true(line_is(&again.lines.items[1], &l.lines.items[1]));
	tcp_lines_done(&again);
	tcp_lines_done(&l);
	json_decref(json);
	buf_done(&text);
	free(dump);
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

static void test_began_and_ended(void **state)
{
	(void)state;
	each(began_and_ended);
}

static void test_failed_to_connect(void **state)
{
	(void)state;
	if (access("/usr/sbin/nft", X_OK) != 0)
		skip();
	each(failed_to_connect);
}

static void test_thrown_away(void **state)
{
	(void)state;
	each(thrown_away);
}

static void test_no_such_rung(void **state)
{
	struct tcp_tracer *t = NULL;

	(void)state;
	assert_int_equal(tcp_tracer_open("no such rung", TCP_STATES_ALL, 0, &t), -EINVAL);
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
		cmocka_unit_test(test_began_and_ended),
		cmocka_unit_test(test_failed_to_connect),
		cmocka_unit_test(test_thrown_away),
	};
	const struct CMUnitTest everywhere[] = {
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_scrubbed),
	};
	struct tcp_tracer *t;
	int err = cmocka_run_group_tests_name("tcp lines as JSON", everywhere, NULL, NULL);

	if (err)
		return err;
	err = tcp_tracer_open(NULL, TCP_STATES_ALL, 0, &t);
	if (err) {
		printf("skipped: TCP cannot be traced here: %s\n", errno_name(err));
		return 77;
	}
	tcp_tracer_close(t);
	return cmocka_run_group_tests_name("tcp lines", tests, NULL, NULL);
}
