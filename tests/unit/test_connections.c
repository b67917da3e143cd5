// SPDX-License-Identifier: GPL-2.0-or-later
/* What is kept of many TCP connections, and what all of them come to: net/ipv4/inet_diag.c as bytes. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <setjmp.h>

#include <cmocka.h>

#include "collect/netlink.h"

struct connection {
	uint8_t state, timer, tries;
	uint16_t local, remote;
	uint32_t peer, inode, expires_ms, silent_ms, wqueue, rqueue, retrans;
};

static void add(struct buf *b, const struct connection *c, uint32_t cookie)
{
	struct __attribute__((packed)) {
		struct nlmsghdr h;
		struct inet_diag_msg m;
		struct nlattr a;
		struct tcp_info info;
	} one = {
		.h = {.nlmsg_len = sizeof(one), .nlmsg_type = SOCK_DIAG_BY_FAMILY},
		.m = {.idiag_family = AF_INET,
		      .idiag_state = c->state,
		      .idiag_timer = c->timer,
		      .idiag_retrans = c->tries,
		      .idiag_expires = c->expires_ms,
		      .idiag_inode = c->inode,
		      .idiag_wqueue = c->wqueue,
		      .idiag_rqueue = c->rqueue,
		      .id = {.idiag_sport = htons(c->local),
			     .idiag_dport = htons(c->remote),
			     .idiag_dst = {htonl(c->peer)},
			     .idiag_cookie = {cookie}}},
		.a = {.nla_len = NLA_HDRLEN + sizeof(struct tcp_info), .nla_type = INET_DIAG_INFO},
		.info = {.tcpi_last_data_recv = c->silent_ms,
			 .tcpi_last_ack_recv = c->silent_ms + 10,
			 .tcpi_total_retrans = c->retrans},
	};

	buf_add(b, &one, sizeof(one));
}

static const struct tcp_group *group(const struct snapshot *s, bool begun_here, uint16_t port)
{
	const struct tcp_group *found = NULL;

	vec_each(g, &s->tcp_groups) {
		if (g->begun_here != begun_here || g->port != port)
			continue;
		assert_null(found);
		found = g;
	}
	return found;
}

static void all_are_counted(void **state)
{
	static const struct connection all[] = {
		{.state = STATE_LISTEN, .local = 80, .inode = 1},
		{.state = STATE_ESTABLISHED, .local = 80, .remote = 40000, .peer = 1, .inode = 2,
		 .silent_ms = 61000},
		{.state = STATE_ESTABLISHED, .local = 80, .remote = 40001, .peer = 2, .inode = 3,
		 .silent_ms = 8000000},
		{.state = STATE_ESTABLISHED, .local = 33000, .remote = 5432, .peer = 9, .inode = 4,
		 .timer = TIMER_KEEPALIVE, .expires_ms = 7100000, .silent_ms = 100000},
		{.state = STATE_CLOSE_WAIT, .local = 80, .remote = 40002, .peer = 3, .inode = 5,
		 .rqueue = 1},
		{.state = STATE_FIN_WAIT2, .local = 33001, .remote = 5432, .peer = 9, .timer = 3},
		{.state = STATE_SYN_SENT, .local = 33002, .remote = 5432, .peer = 9, .inode = 6,
		 .wqueue = 1, .retrans = 2, .tries = 2, .timer = TIMER_RETRANSMIT},
	};
	cleanup(snapshot_done) struct snapshot s = {0};
	cleanup(buf_done) struct buf b = {0};
	const struct tcp_group *g;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		add(&b, &all[i], (uint32_t)i + 1);
	assert_int_equal(parse_sockets(&b, IPPROTO_TCP, false, &s), 0);
	assert_int_equal(s.sockets_seen, 7);
	assert_int_equal(s.connections_seen, 6);
	assert_int_equal(s.sockets.n, 4); /* the listener, and those of the last three */
	assert_int_equal(s.tcp.n[STATE_ESTABLISHED], 3);
	assert_int_equal(s.tcp.n[STATE_LISTEN], 0);
	assert_int_equal(s.tcp.orphans[STATE_FIN_WAIT2], 1);
	assert_int_equal(s.tcp.orphans[STATE_CLOSE_WAIT], 0);
	assert_int_equal(s.tcp.segments_again, 2);
	assert_int_equal(tcp_ages_from(&s.tcp.unwatched, 60), 2);
	assert_int_equal(tcp_ages_from(&s.tcp.unwatched, 61), 1);
	assert_int_equal(tcp_ages_from(&s.tcp.unwatched, 7200), 1);
	assert_int_equal(tcp_ages_from(&s.tcp.unwatched, 500000), 0);
	/* 7,100 s are left of a time that began 100 s ago or later. */
	assert_int_equal(tcp_ages_from(&s.tcp.keepalive, 7200), 1);
	g = group(&s, false, 80);
	assert_non_null(g);
	assert_int_equal(g->n[STATE_ESTABLISHED], 2);
	assert_int_equal(g->n[STATE_CLOSE_WAIT], 1);
	assert_int_equal(g->unwatched, 2);
	assert_int_equal(g->silent_s, 8000);
	g = group(&s, true, 5432);
	assert_non_null(g);
	assert_int_equal(g->address[3], 9);
	assert_int_equal(g->n[STATE_SYN_SENT], 1);
	assert_int_equal(g->unwatched, 0);
	assert_int_equal(s.tcp_groups.n, 2);
}

/* The worst stay, whenever they come; the others are counted. */
static void the_worst_are_kept(void **state)
{
	enum { MANY = 20000, WORST = 20 };
	cleanup(snapshot_done) struct snapshot s = {0};
	cleanup(buf_done) struct buf b = {0};
	size_t worst = 0;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		bool is_worst = i % (MANY / WORST) == 7;

		add(&b,
		    &(struct connection){.state = STATE_ESTABLISHED,
					 .local = 80,
					 .remote = (uint16_t)i,
					 .inode = i + 1,
					 .wqueue = 100 + i,
					 .timer = TIMER_RETRANSMIT,
					 .tries = is_worst ? 4 : 0},
		    i + 1);
	}
	assert_int_equal(parse_sockets(&b, IPPROTO_TCP, false, &s), 0);
	assert_int_equal(s.connections_seen, MANY);
	assert_int_equal(s.sockets.n, 16384);
	assert_int_equal(s.tcp.counted_only, MANY - 16384);
	assert_int_equal(s.tcp.n[STATE_ESTABLISHED], MANY);
	vec_each(sk, &s.sockets) {
		worst += sk->timer_tries == 4;
		/* Of the others those with least in their queues went. */
		assert_true(sk->timer_tries == 4 || sk->wqueue >= 100 + 16 * ((MANY - 16384 - 40) / 16));
	}
	assert_int_equal(worst, WORST);
}

static void closed_ones_are_sampled(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};
	cleanup(buf_done) struct buf b = {0};

	(void)state;
	for (uint32_t i = 0; i < 5000; i++)
		add(&b,
		    &(struct connection){.state = i % 2 ? STATE_CLOSE_WAIT : STATE_FIN_WAIT2,
					 .local = 80,
					 .remote = (uint16_t)i,
					 .inode = i + 1,
					 .rqueue = i % 2},
		    i + 1);
	assert_int_equal(parse_sockets(&b, IPPROTO_TCP, false, &s), 0);
	assert_int_equal(s.sockets.n, 2048);
	assert_int_equal(s.tcp.n[STATE_CLOSE_WAIT], 2500);
	assert_int_equal(s.tcp.n[STATE_FIN_WAIT2], 2500);
	assert_int_equal(s.tcp.counted_only, 2952);
}

/* A program that turned to more places than are told apart. */
static void groups_are_bounded(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};
	cleanup(buf_done) struct buf b = {0};

	(void)state;
	for (uint32_t i = 0; i < 5000; i++)
		add(&b, &(struct connection){.state = STATE_ESTABLISHED, .local = 33000, .remote = 443,
					     .peer = i, .inode = 1},
		    i + 1);
	assert_int_equal(parse_sockets(&b, IPPROTO_TCP, false, &s), 0);
	assert_int_equal(s.tcp_groups.n, TCP_GROUPS_MAX);
	assert_int_equal(s.tcp.ungrouped, 5000 - TCP_GROUPS_MAX);
	assert_int_equal(s.tcp.n[STATE_ESTABLISHED], 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_counted),
		cmocka_unit_test(the_worst_are_kept),
		cmocka_unit_test(closed_ones_are_sampled),
		cmocka_unit_test(groups_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
