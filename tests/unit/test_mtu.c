// SPDX-License-Identifier: GPL-2.0-or-later
/* When connections that send large segments in vain are taken for victims of a path's MTU. */
#define _GNU_SOURCE
#include "observe.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "causes/stages.h"

/* As 6.18 told of a connection whose segments of 1,448 bytes a router swallowed for 3.5 s. */
static struct socket *hanging(struct scene *s, uint8_t peer)
{
	struct socket *sk = vec_push(&s->o.b.sockets);

	*sk = (struct socket){
		.cookie = s->o.b.sockets.n,
		.family = AF_INET,
		.protocol = IPPROTO_TCP,
		.state = 1,
		.local_port = (uint16_t)(40000 + s->o.b.sockets.n),
		.remote_port = 443,
		.remote = {198, 51, 100, peer},
		.tcp_known = true,
		.retrans_total = 4,
		.unacked = 11,
		.backoff = 4,
		.rto_us = 3264000,
		.snd_mss = 1448,
		.pmtu = 1500,
		.last_ack_ms = 3504,
		.bytes_acked = 1,
		.bytes_again = 5792,
	};
	return sk;
}

static void the_handshake_passed_and_nothing_since(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	hanging(&s, 2);
	hanging(&s, 2);
	assert_int_equal(scene_ask(&s, examine_pmtu_blackhole), FOUND);
	assert_int_equal(only_finding(&s)->lost, 30);
	assert_int_equal(only_finding(&s)->severity, SEVERITY_CRITICAL);
	scene_done(&s);
}

static void the_peer_acknowledges_what_is_small(void **state)
{
	struct scene s;
	struct socket *sk;

	(void)state;
	scene_init(&s);
	sk = hanging(&s, 2);
	sk->bytes_acked = 100000;
	sk->last_ack_ms = 900;
	assert_int_equal(scene_ask(&s, examine_pmtu_blackhole), FOUND);
	assert_non_null(remedy_of(only_finding(&s), "find-mtu"));
	scene_done(&s);
}

enum innocent {
	PEER_GONE_AMID,
	LISTENER_FULL,
	SMALL_SEGMENTS,
	MTU_EVERYBODY_CARRIES,
	NOT_SO_LONG,
	ZERO_WINDOW,
	SYN_UNANSWERED,
	SMALL_ONES_LOST_TOO,
	DROPPED_HERE,
	INNOCENT_N,
};

static void make_innocent(struct scene *s, enum innocent why, struct socket *sk)
{
	struct socket *other;
	struct drop_flow *flow;

	switch (why) {
	case PEER_GONE_AMID:
		sk->bytes_acked = 100000;
		break;
	case LISTENER_FULL:
		count(&s->o, C_TCPSYN_CHALLENGE, 0, 2);
		break;
	case SMALL_SEGMENTS:
		sk->bytes_again = 4 * 600;
		break;
	case MTU_EVERYBODY_CARRIES:
		sk->pmtu = 576;
		sk->snd_mss = 524;
		sk->bytes_again = 4 * 524;
		break;
	case NOT_SO_LONG:
		sk->backoff = 2;
		break;
	case ZERO_WINDOW:
		sk->unacked = 0;
		break;
	case SYN_UNANSWERED:
		other = hanging(s, 2);
		other->state = 2;
		other->bytes_again = 0;
		break;
	case SMALL_ONES_LOST_TOO:
		other = hanging(s, 2);
		other->bytes_again = 4 * 100;
		break;
	case DROPPED_HERE:
		flow = vec_push(&s->drops.flows);
		flow->netns = OBSERVED_NETNS;
		flow->family = AF_INET;
		flow->protocol = IPPROTO_TCP;
		memcpy(flow->destination, sk->remote, 4);
		flow->source_port = sk->local_port;
		flow->destination_port = sk->remote_port;
		flow->packets = 5;
		break;
	case INNOCENT_N:
		break;
	}
}

static void what_is_no_matter_of_size(void **state)
{
	(void)state;
	for (enum innocent why = 0; why < INNOCENT_N; why++) {
		struct scene s;

		scene_init(&s);
		s.o.b.sockets = (typeof(s.o.b.sockets)){0};
		make_innocent(&s, why, hanging(&s, 2));
		if (scene_ask(&s, examine_pmtu_blackhole) != NOT_FOUND)
			fail_msg("innocent %d is accused", (int)why);
		scene_done(&s);
	}
}

/* Without drop events FragFails alone tells, where this host forwards. */
static void a_router_without_events(void **state)
{
	(void)state;
	for (int forwards = 0; forwards < 2; forwards++) {
		struct scene s;

		scene_init(&s);
		s.drops.err = -1;
		count(&s.o, C_IP_FRAG_FAILS, 10, 40);
		count(&s.o, C_IP_FORW_DATAGRAMS, 0, 1000);
		s.o.b.sysctl[K_IP_FORWARD] = (struct sysctl_value){.n = 1, .v = {forwards}};
		assert_int_equal(scene_ask(&s, examine_frag_needed), forwards ? FOUND : NOT_FOUND);
		if (forwards)
			assert_int_equal(only_finding(&s)->lost, 30);
		scene_done(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_handshake_passed_and_nothing_since),
		cmocka_unit_test(the_peer_acknowledges_what_is_small),
		cmocka_unit_test(what_is_no_matter_of_size),
		cmocka_unit_test(a_router_without_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
