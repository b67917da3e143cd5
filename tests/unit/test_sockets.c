// SPDX-License-Identifier: GPL-2.0-or-later
/* The census of sockets: judgement, heap, sums, holders and filters, on sockets made up here. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "causes/cause.h"
#include "collect/recording.h"
#include "sockets/census.h"
#include "sockets/sums.h"

static struct socket tcp(uint8_t state, uint16_t local_port, const char *peer, uint16_t port)
{
	static uint64_t cookie;
	struct socket sk = {
		.kind = SOCKET_INET,
		.cookie = cookie + 1,
		.inode = (uint32_t)cookie + 1001,
		.family = AF_INET,
		.protocol = IPPROTO_TCP,
		.state = state,
		.local_port = local_port,
		.remote_port = port,
		.rcvbuf = 131072,
		.sndbuf = 87040,
		.mem_known = true,
		.tcp_known = state != STATE_LISTEN && state != STATE_TIME_WAIT,
		.rto_us = 200000,
	};

	cookie++;
	if (peer && strchr(peer, ':'))
		sk.family = AF_INET6;
	if (peer)
		assert_int_equal(inet_pton(sk.family, peer, sk.remote), 1);
	return sk;
}

static const struct tcp_settings *defaults(void)
{
	static struct tcp_settings s;

	tcp_settings_init(&s);
	s.syn_linear = 4;
	return &s;
}

static const char *judged(const struct socket *sk)
{
	struct socket_verdict v;

	socket_judge(sk, defaults(), &v);
	return socket_worst(&v) ? socket_worst(&v)->id : "none";
}

/* ---- troubles ---- */

static void test_healthy_has_none(void **state)
{
	struct socket idle = tcp(STATE_ESTABLISHED, 443, "192.0.2.1", 50000);
	struct socket busy = idle, listener = tcp(STATE_LISTEN, 443, NULL, 0);
	struct socket closing = tcp(STATE_TIME_WAIT, 443, "192.0.2.1", 50001);

	idle.tcp.last_sent_ms = idle.tcp.last_received_ms = idle.last_ack_ms = 3600000;
	assert_string_equal(judged(&idle), "none");
	/* In the midst of a transfer: queues, a full window, a segment just sent again. */
	busy.rqueue = 60000;
	busy.rmem = 120000;
	busy.wqueue = 90000;
	busy.unacked = 10;
	busy.timer = TIMER_RETRANSMIT;
	busy.timer_ms = 150;
	busy.retrans_total = 50;
	busy.tcp.data_segs_out = 100000;
	assert_string_equal(judged(&busy), "none");
	listener.rqueue = 1;
	listener.wqueue = 128;
	assert_string_equal(judged(&listener), "none");
	assert_string_equal(judged(&closing), "none");
}

static void test_each_trouble_is_seen(void **state)
{
	struct socket sk = tcp(STATE_LISTEN, 80, NULL, 0);

	sk.rqueue = 129;
	sk.wqueue = 128;
	assert_string_equal(judged(&sk), "accept-queue-full");
	sk.rqueue = 128; /* one more fits */
	assert_string_equal(judged(&sk), "accept-queue-near");
	sk.rqueue = 0;
	sk.drops = 7;
	assert_string_equal(judged(&sk), "listener-dropped");

	sk = tcp(STATE_ESTABLISHED, 80, "192.0.2.1", 50000);
	sk.timer = TIMER_RETRANSMIT;
	sk.timer_tries = 2;
	assert_string_equal(judged(&sk), "timeouts");
	sk.state = STATE_SYN_SENT;
	assert_string_equal(judged(&sk), "connect-unanswered");
	sk.state = STATE_FIN_WAIT1;
	assert_string_equal(judged(&sk), "close-unanswered");

	sk = tcp(STATE_ESTABLISHED, 80, "192.0.2.1", 50000);
	sk.timer = TIMER_PROBE;
	sk.wqueue = 10000;
	sk.tcp.last_sent_ms = 900;
	assert_string_equal(judged(&sk), "peer-window-closed");
	sk.tcp.snd_wnd = 20000; /* what waits would fit: it waits for something else */
	assert_string_equal(judged(&sk), "none");

	sk = tcp(STATE_ESTABLISHED, 80, "192.0.2.1", 50000);
	sk.rqueue = 1000;
	sk.tcp.last_received_ms = 5000;
	assert_string_equal(judged(&sk), "unread");
	sk.rmem = 130000;
	assert_string_equal(judged(&sk), "own-window-closed");
	sk.tcp.last_received_ms = 10; /* and goes on */
	assert_string_equal(judged(&sk), "none");

	sk = tcp(STATE_SYN_RECV, 80, "192.0.2.1", 50000);
	sk.tcp_known = false;
	sk.timer_tries = 1;
	assert_string_equal(judged(&sk), "synack-unanswered");
}

static void test_leaks_are_old(void **state)
{
	struct socket sk = tcp(STATE_CLOSE_WAIT, 80, "192.0.2.1", 50000);

	sk.rqueue = 1; /* the FIN */
	sk.tcp.last_sent_ms = sk.tcp.last_received_ms = sk.last_ack_ms = 59000;
	assert_string_equal(judged(&sk), "none");
	sk.tcp.last_sent_ms = sk.tcp.last_received_ms = sk.last_ack_ms = 61000;
	assert_string_equal(judged(&sk), "close-wait");
	sk.last_ack_ms = 100; /* it still sends: a half-closed connection in use */
	assert_string_equal(judged(&sk), "none");
	sk.state = STATE_FIN_WAIT2;
	sk.rqueue = 0;
	sk.last_ack_ms = 61000;
	assert_string_equal(judged(&sk), "fin-wait2");
	sk.inode = 0; /* the kernel ends it */
	assert_string_equal(judged(&sk), "none");
	sk = tcp(STATE_ESTABLISHED, 80, "192.0.2.1", 50000);
	sk.tcp.last_sent_ms = sk.tcp.last_received_ms = sk.last_ack_ms = 7300000;
	assert_string_equal(judged(&sk), "no-keepalive");
	sk.timer = TIMER_KEEPALIVE;
	assert_string_equal(judged(&sk), "none");
}

static void test_datagram_buffers(void **state)
{
	struct socket sk = tcp(STATE_CLOSE, 53, NULL, 0);

	sk.protocol = IPPROTO_UDP;
	sk.tcp_known = false;
	assert_string_equal(judged(&sk), "none");
	sk.drops = 5;
	assert_string_equal(judged(&sk), "udp-dropped");
	sk.rmem = 131072;
	assert_string_equal(judged(&sk), "udp-buffer-full");
	sk.drops = 0;
	assert_string_equal(judged(&sk), "udp-buffer-near");
	sk.rmem = 0;
	sk.wmem = 87040;
	assert_string_equal(judged(&sk), "udp-send-full");
}

/*
 * Two timeouts of 0.2 and 0.4 s are over, and 0.3 s of the third, of 0.8 s; of a SYN, whose first
 * timeouts are not doubled (tcp_syn_linear_timeouts), three of a second and 0.3 s of the fourth.
 */
static void test_age_of_unacknowledged_data(void **state)
{
	struct socket sk = tcp(STATE_ESTABLISHED, 80, "192.0.2.1", 50000);
	struct socket_verdict v;

	sk.timer = TIMER_RETRANSMIT;
	sk.timer_tries = sk.tcp.retransmits = 2;
	sk.backoff = 2;
	sk.unacked = 1;
	sk.rto_us = 800000;
	sk.timer_ms = 500;
	socket_judge(&sk, defaults(), &v);
	assert_string_equal(socket_worst(&v)->id, "timeouts");
	assert_int_equal(v.score, 900);
	assert_int_equal(v.unacked_ms, 900);
	sk.unacked = 0;
	sk.timer = TIMER_NONE;
	socket_judge(&sk, defaults(), &v);
	assert_int_equal(v.unacked_ms, 0);
	sk = tcp(STATE_SYN_SENT, 50000, "192.0.2.1", 80);
	sk.timer = TIMER_RETRANSMIT;
	sk.timer_tries = sk.tcp.retransmits = 3;
	sk.rto_us = 1000000;
	sk.timer_ms = 700;
	socket_judge(&sk, defaults(), &v);
	assert_string_equal(socket_worst(&v)->id, "connect-unanswered");
	assert_int_equal(v.score, 3300);
}

/* `whydrop explain` is named with each. */
static void test_causes_of_troubles(void **state)
{
	for (size_t i = 0; i < socket_troubles_n; i++)
		if (!cause_by_id(socket_troubles[i].cause))
			fail_msg("%s: no cause %s", socket_troubles[i].id, socket_troubles[i].cause);
}

static void test_order_of_troubles(void **state)
{
	for (size_t i = 0; i < socket_troubles_n; i++) {
		const struct socket_trouble *t = &socket_troubles[i];

		assert_true(t->class > SOCKET_HEALTHY && t->class < SOCKET_CLASSES);
		assert_true(i == 0 || t->class <= socket_troubles[i - 1].class);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(t->id, socket_troubles[j].id);
	}
}

/* ---- heap ---- */

static void test_heap_keeps_the_worst(void **state)
{
	struct top top = {.max = 20};

	for (size_t i = 0; i < 5000; i++) {
		struct sockets_row row = {.socket = tcp(STATE_ESTABLISHED, 1, "192.0.2.1", 2)};

		/* Every number from 0 to 4999 once, in no order. */
		row.verdict.rank = i * 2503 % 5000;
		top_offer(&top, &row);
	}
	top_sort(&top);
	assert_int_equal(top.heap.n, 20);
	assert_int_equal(top.left, 4980);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(top.heap.items[i].verdict.rank, 4999 - i);
	vec_done(&top.heap);
}

/* ---- sums and holders ---- */

static void test_sums_are_bounded(void **state)
{
	struct sockets_sums sums = {0};
	struct sockets_key key = {0};

	for (uint32_t i = 0; i < SUMS_MAX + 10; i++) {
		struct sockets_sum *sum;

		key.id = i;
		sum = sums_get(&sums, &key);
		assert_true((sum != NULL) == (i < SUMS_MAX));
		if (sum)
			sum->sockets = i;
	}
	for (uint32_t i = 0; i < SUMS_MAX; i += 99) {
		key.id = i;
		assert_int_equal(sums_get(&sums, &key)->sockets, i);
	}
	key.port = 1;
	assert_null(sums_find(&sums, &key));
	sums_done(&sums);
}

static void test_holders(void **state)
{
	struct holders h = {0};
	uint32_t processes[SOCKETS_HOLDERS];
	size_t n;

	/* Inodes in a row, and some that share all lower bits. */
	holders_add_process(&h, 10, "parent");
	for (uint32_t i = 1; i <= 50000; i++)
		holders_add_socket(&h, i);
	for (uint32_t i = 1; i < 100; i++)
		holders_add_socket(&h, i << 20);
	for (int pid = 11; pid < 31; pid++) {
		holders_add_process(&h, pid, "child");
		holders_add_socket(&h, 7);
		holders_add_socket(&h, 7); /* twice, as by dup() */
	}
	assert_int_equal(h.used, 50000 + 99);
	assert_true(h.slots_n < 4 * h.used);
	assert_null(holders_find(&h, 0));
	assert_null(holders_find(&h, 60000));
	assert_int_equal(holders_of(&h, holders_find(&h, 50000), processes, &n), 1);
	assert_int_equal(h.processes.items[processes[0]].pid, 10);
	assert_int_equal(holders_of(&h, holders_find(&h, 99u << 20), processes, &n), 1);
	assert_int_equal(holders_of(&h, holders_find(&h, 7), processes, &n), 21);
	assert_int_equal(n, SOCKETS_HOLDERS);
	assert_int_equal(h.processes.items[processes[1]].pid, 11);
	holders_done(&h);
}

/* ---- filters ---- */

static void test_filters(void **state)
{
	struct socket v4 = tcp(STATE_ESTABLISHED, 443, "192.0.2.17", 50000);
	struct socket mapped = tcp(STATE_CLOSE_WAIT, 443, "::ffff:192.0.2.17", 50000);
	struct socket v6 = tcp(STATE_ESTABLISHED, 8080, "2001:db8::1", 443);
	struct socket listener = tcp(STATE_LISTEN, 443, NULL, 0);
	struct sockets_filter f = {0};

	assert_true(sockets_filter_means(&f, &v4));
	assert_int_equal(sockets_prefix("192.0.2.16/28", &f.peer), 0);
	assert_true(sockets_filter_means(&f, &v4) && sockets_filter_means(&f, &mapped));
	assert_false(sockets_filter_means(&f, &v6) || sockets_filter_means(&f, &listener));
	assert_int_equal(sockets_prefix("192.0.2.16", &f.peer), 0);
	assert_false(sockets_filter_means(&f, &v4));
	assert_int_equal(sockets_prefix("0.0.0.0/0", &f.peer), 0);
	assert_true(sockets_filter_means(&f, &v4));
	assert_false(sockets_filter_means(&f, &listener));
	assert_int_equal(sockets_prefix("2001:db8::/33", &f.peer), 0);
	assert_true(sockets_filter_means(&f, &v6));
	assert_false(sockets_filter_means(&f, &v4));
	f = (struct sockets_filter){0};
	assert_int_equal(sockets_prefix("192.0.2.17", &f.address), 0);
	assert_true(sockets_filter_means(&f, &v4) && sockets_filter_means(&f, &mapped));
	assert_false(sockets_filter_means(&f, &listener) || sockets_filter_means(&f, &v6));
	assert_int_equal(inet_pton(AF_INET, "192.0.2.17", listener.local), 1);
	assert_true(sockets_filter_means(&f, &listener));
	for (const char *const *bad = (const char *const[]){"", "192.0.2.1/33", "192.0.2.1/", "::/129",
							     "host", "1.2.3", NULL}; *bad; bad++)
		assert_int_equal(sockets_prefix(*bad, &f.peer), -EINVAL);

	f = (struct sockets_filter){.port = 443};
	assert_true(sockets_filter_means(&f, &v4) && sockets_filter_means(&f, &v6));
	assert_true(sockets_filter_state("CLOSE_WAIT", &f));
	assert_false(sockets_filter_means(&f, &v4));
	assert_true(sockets_filter_means(&f, &mapped));
	assert_true(sockets_filter_state("established", &f));
	assert_true(sockets_filter_means(&f, &v4));
	assert_false(sockets_filter_state("closewait", &f) || sockets_filter_state("", &f));
	assert_true(sockets_filter_cause("app-slow-reader", &f));
	assert_false(sockets_filter_cause("ring-rx-overflow", &f));
}

/* ---- the census ---- */

static void test_census_adds_up(void **state)
{
	struct sockets_options o = {.rows_max = 2};
	struct sockets_report r = {0};
	struct census *c = xcalloc(1, sizeof(*c));
	struct netns ns = {.fd = -1};
	struct host h = {.ns = &ns, .phase = "b", .replay = true, .recording = recording_new()};
	struct socket listener = tcp(STATE_LISTEN, 443, NULL, 0);

	census_init(c, &o, &r);
	vec_push(&r.spaces);
	holders_add_process(&c->holders, 2000000, "web");
	holders_add_socket(&c->holders, listener.inode);
	listener.rqueue = 3;
	listener.wqueue = 10;
	assert_true(census_take(c, &listener));
	for (uint16_t i = 0; i < 100; i++) {
		struct socket sk = tcp(STATE_ESTABLISHED, 443, i % 2 ? "192.0.2.1" : "192.0.2.2",
				       (uint16_t)(50000 + i));

		holders_add_socket(&c->holders, i < 90 ? sk.inode : 0);
		if (i >= 95)
			sk.inode = 0; /* not accepted */
		sk.rqueue = i < 5 ? 100u + i : 0;
		sk.tcp.last_received_ms = 2000u + i;
		assert_true(census_take(c, &sk));
	}
	census_finish(c, &h);
	assert_int_equal(r.seen, 101);
	assert_int_equal(r.matched, 101);
	assert_int_equal(r.troubled, 5);
	assert_int_equal(r.tcp[STATE_ESTABLISHED], 100);
	assert_int_equal(r.lacks[HOLDER_KNOWN], 91);
	assert_int_equal(r.lacks[HOLDER_NONE], 5);
	assert_int_equal(r.lacks[HOLDER_ACCEPT_QUEUE], 5);
	assert_int_equal(r.rows.n, 2);
	assert_int_equal(r.rows_left, 3);
	assert_int_equal(r.rows.items[0].verdict.score, 2004);
	assert_string_equal(r.rows.items[0].holders[0].comm, "web");
	assert_int_equal(r.by[BY_LISTENER].list.n, 1);
	assert_int_equal(r.by[BY_LISTENER].list.items[0].sockets, 101);
	assert_int_equal(r.by[BY_LISTENER].list.items[0].waiting, 3);
	assert_int_equal(r.by[BY_LISTENER].list.items[0].rqueue, 100 + 101 + 102 + 103 + 104);
	assert_int_equal(r.by[BY_PEER].list.n, 2);
	assert_int_equal(r.by[BY_PROCESS].list.n, 2);
	vec_each(sum, &r.by[BY_PROCESS].list)
		assert_int_equal(sum->sockets, sum->key.id ? 91 : 10);
	census_done(c);
	free(c);
	sockets_report_done(&r);
	recording_free(h.recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy_has_none),
		cmocka_unit_test(test_each_trouble_is_seen),
		cmocka_unit_test(test_leaks_are_old),
		cmocka_unit_test(test_datagram_buffers),
		cmocka_unit_test(test_age_of_unacknowledged_data),
		cmocka_unit_test(test_causes_of_troubles),
		cmocka_unit_test(test_order_of_troubles),
		cmocka_unit_test(test_heap_keeps_the_worst),
		cmocka_unit_test(test_sums_are_bounded),
		cmocka_unit_test(test_holders),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_census_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
