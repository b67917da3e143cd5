// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Causes that a connection's own numbers show, on numbers that the lab does not bring about: advice
 * beside losses, marks of ECN, and the healthy neighbours of each cause.
 */
#include "observe.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "causes/stages.h"
#include "causes/tcp_flow.h"
#include "collect/proctext.h"

#define SPAN(text) ((struct span){text, sizeof(text) - 1})
#define LOST_ELSEWHERE "tcp-rto"

/* An established connection as a LAN has it; `again` segments were sent again in the sample. */
static struct socket *connection(struct observation *o, uint64_t cookie, uint32_t again)
{
	struct socket *before = vec_push(&o->a.sockets), *now = vec_push(&o->b.sockets);

	*before = (struct socket){
		.cookie = cookie,
		.inode = (uint32_t)cookie,
		.family = AF_INET,
		.protocol = IPPROTO_TCP,
		.state = STATE_ESTABLISHED,
		.local_port = 40000,
		.remote_port = 5432,
		.local = {10, 0, 0, 1},
		.remote = {10, 0, 0, 2},
		.rto_us = 204000,
		.snd_mss = 1448,
		.bytes_acked = 1000,
		.rcvbuf = 131072,
		.sndbuf = 87040,
		.mem_known = true,
		.tcp_known = true,
		.tcp = {.rtt_us = 150, .options = 7, .cwnd = 10, .snd_wnd = 65536, .rcv_mss = 1448},
	};
	*now = *before;
	now->retrans_total = again;
	now->bytes_acked = 500000;
	return now;
}

/* What another cause found, as the engine has it when conditions are asked. */
static void pretend(struct scene *s, const char *id)
{
	struct finding *f = vec_push(&s->d.findings);

	f->cause = cause_by_id(id);
	assert_non_null(f->cause);
	f->where = &s->o;
	f->severity = SEVERITY_WARNING;
}

static const struct finding *last(const struct scene *s)
{
	return &s->d.findings.items[s->d.findings.n - 1];
}

static void rto_min_tuning(void **state)
{
	struct scene s;
	const struct remedy *r;

	(void)state;
	scene_init(&s);
	connection(&s.o, 1, 12);
	count(&s.o, C_TCP_TIMEOUTS, 100, 130);
	s.o.b.sysctl[K_TCP_RTO_MIN_US] = (struct sysctl_value){1, {200000}};
	assert_int_equal(scene_ask(&s, examine_rto_min), FOUND);
	assert_int_equal(last(&s)->severity, SEVERITY_INFO);
	assert_non_null(strstr(last(&s)->headline, "30 timeouts"));
	r = remedy_of(last(&s), "rto-min-of-route");
	assert_non_null(r);
	assert_string_equal(r->commands.items[0], "ip route get 10.0.0.2");
	assert_false(r->applicable);
	r = remedy_of(last(&s), "rto-min-of-all");
	assert_non_null(r);
	assert_string_equal(r->commands.items[0], "sysctl -w net.ipv4.tcp_rto_min_us=50000");
	assert_false(r->applicable);
	scene_done(&s);
}

/* A far peer needs the floor, a dead one gains nothing by another, SYNs have their own timeout. */
static void rto_min_tuning_is_of_no_use(void **state)
{
	struct scene s;
	struct socket *sk;

	(void)state;
	scene_init(&s);
	sk = connection(&s.o, 1, 12);
	count(&s.o, C_TCP_TIMEOUTS, 100, 130);
	sk->tcp.rtt_us = 30000;
	assert_int_equal(scene_ask(&s, examine_rto_min), NOT_FOUND);
	sk->tcp.rtt_us = 150;
	sk->backoff = 3;
	assert_int_equal(scene_ask(&s, examine_rto_min), NOT_FOUND);
	sk->backoff = 0;
	count(&s.o, C_TCP_SYN_RETRANS, 0, 25);
	assert_int_equal(scene_ask(&s, examine_rto_min), NOT_FOUND);
	assert_int_equal(s.d.findings.n, 0);
	scene_done(&s);
}

static void app_timeouts_advice(void **state)
{
	struct scene s;
	struct socket *sk;

	(void)state;
	scene_init(&s);
	sk = connection(&s.o, 1, 3);
	sk->rto_us = 1680000; /* 420 ms, doubled twice */
	sk->backoff = 2;
	sk->tcp.rtt_us = 80000;
	assert_int_equal(scene_ask(&s, examine_app_timeouts), NOT_FOUND);
	pretend(&s, LOST_ELSEWHERE);
	assert_int_equal(scene_ask(&s, examine_app_timeouts), FOUND);
	assert_int_equal(last(&s)->severity, SEVERITY_INFO);
	assert_int_equal(last(&s)->subjects.n, 1);
	assert_string_equal(last(&s)->evidence.items[0].text,
			    "10.0.0.2 port 5432: round trip 80.0 ms, timeout 420 ms: read timeout 920 ms "
			    "or more");
	scene_done(&s);
}

static void cwnd_limited(void **state)
{
	struct scene s;
	struct socket *sk;

	(void)state;
	scene_init(&s);
	sk = connection(&s.o, 1, 40);
	sk->wqueue = 100000;
	sk->busy_us = 5000000;
	snprintf(sk->congestion, sizeof(sk->congestion), "cubic");
	assert_int_equal(scene_ask(&s, examine_cwnd_limited), NOT_FOUND);
	pretend(&s, LOST_ELSEWHERE);
	assert_int_equal(scene_ask(&s, examine_cwnd_limited), FOUND);
	assert_int_equal(last(&s)->severity, SEVERITY_INFO);
	assert_non_null(strstr(last(&s)->text, "each loss makes"));
	/* Half of the time its buffer held it back: not the network alone. */
	sk->sndbuf_limited_us = 2600000;
	assert_int_equal(scene_ask(&s, examine_cwnd_limited), NOT_FOUND);
	scene_done(&s);
}

/* Routers mark in place of dropping: told without any loss. */
static void cwnd_limited_by_marks(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	count(&s.o, C_TCP_DELIVERED, 0, 100000);
	count(&s.o, C_TCP_DELIVERED_CE, 0, 999);
	assert_int_equal(scene_ask(&s, examine_cwnd_limited), NOT_FOUND);
	count(&s.o, C_TCP_DELIVERED_CE, 0, 1000);
	assert_int_equal(scene_ask(&s, examine_cwnd_limited), FOUND);
	assert_non_null(strstr(last(&s)->headline, "ECN"));
	scene_done(&s);
}

/* iperf3 at 52 Gbit/s over veth (measured): all of it spurious, and nothing to tell of. */
static void spurious_retransmissions_of_a_healthy_host(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	count(&s.o, C_TCP_OUT_SEGS, 0, 18200000);
	count(&s.o, C_TCP_RETRANS_SEGS, 0, 7900);
	count(&s.o, C_TCP_DSACK_RECV_SEGS, 0, 7653);
	count(&s.o, C_TCP_DSACK_RECV, 0, 196);
	assert_int_equal(scene_ask(&s, examine_spurious_retrans), NOT_FOUND);
	/* Ten times as many would be a note, thirty times a warning. */
	count(&s.o, C_TCP_OUT_SEGS, 0, 1820000);
	assert_int_equal(scene_ask(&s, examine_spurious_retrans), FOUND);
	assert_int_equal(last(&s)->severity, SEVERITY_INFO);
	count(&s.o, C_TCP_OUT_SEGS, 0, 600000);
	assert_int_equal(scene_ask(&s, examine_spurious_retrans), FOUND);
	assert_int_equal(last(&s)->severity, SEVERITY_WARNING);
	/* Most of it was lost: not this cause. */
	count(&s.o, C_TCP_DSACK_RECV_SEGS, 0, 3900);
	assert_int_equal(scene_ask(&s, examine_spurious_retrans), NOT_FOUND);
	scene_done(&s);
}

/* One of five hundred connections that nobody reads, and the same reader taking out a little. */
static void zero_window_of_few(void **state)
{
	size_t evidence, excluded;
	struct scene s;
	struct socket *sk;

	(void)state;
	scene_init(&s);
	sk = connection(&s.o, 1, 0);
	sk->rmem = 128768;
	sk->rqueue = 127104;
	sk->drops = 4;
	sk->tcp.bytes_received = 127104;
	sk->tcp.last_received_ms = 1656;
	s.o.a.sockets.items[0].rqueue = 5000;
	s.o.a.sockets.items[0].tcp.bytes_received = 5000;
	s.o.b.connections_seen = 500;
	assert_int_equal(scene_ask(&s, examine_zero_window_rx), FOUND);
	assert_int_equal(last(&s)->severity, SEVERITY_INFO);
	s.o.b.connections_seen = 100;
	assert_int_equal(scene_ask(&s, examine_zero_window_rx), FOUND);
	assert_int_equal(last(&s)->severity, SEVERITY_WARNING);
	/* Its explanation says the same of it, and that once. */
	evidence = last(&s)->evidence.n;
	excluded = last(&s)->excluded.n;
	assert_true(evidence >= 2 && excluded >= 2);
	window_evidence(scene_exam(&s), &s.d.findings.items[s.d.findings.n - 1]);
	assert_int_equal(last(&s)->evidence.n, evidence);
	assert_int_equal(last(&s)->excluded.n, excluded);
	sk->rqueue--;
	assert_int_equal(scene_ask(&s, examine_zero_window_rx), NOT_FOUND);
	sk->rqueue++;
	sk->drops = 0; /* the peer has sent all it had */
	assert_int_equal(scene_ask(&s, examine_zero_window_rx), NOT_FOUND);
	scene_done(&s);
}

/*
 * A sender that waits for its peer's window: told, unless the peer is a connection of this namespace
 * that does not read, which its own cause tells; also where that is a socket of IPv6.
 */
static void zero_window_of_a_peer_here(void **state)
{
	struct socket *sender, *reader;
	struct scene s;

	(void)state;
	scene_init(&s);
	for (uint64_t i = 0; i < 9; i++) {
		struct socket *other = connection(&s.o, 10 + i, 0);

		other->local_port = (uint16_t)(5428 + i);
		other->remote_port = 40000;
		other->rmem = 128768;
		other->rqueue = 127104;
		other->drops = 4;
		other->tcp.bytes_received = 127104;
		other->tcp.last_received_ms = 1656;
		memset(other->local, 0, sizeof(other->local));
		s.o.a.sockets.items[i].rqueue = 5000;
		s.o.a.sockets.items[i].tcp.bytes_received = 5000;
	}
	sender = connection(&s.o, 1, 0);
	sender->timer = TIMER_PROBE;
	sender->wqueue = 50000;
	sender->tcp.snd_wnd = 0;
	sender->tcp.last_sent_ms = 2000;
	s.o.a.sockets.items[9].bytes_acked = sender->bytes_acked;
	assert_int_equal(scene_ask(&s, examine_zero_window_tx), FOUND);
	reader = &s.o.b.sockets.items[4]; /* at port 5432, by the other address */
	memcpy(reader->local, (uint8_t[4]){10, 0, 0, 2}, 4);
	memcpy(reader->remote, (uint8_t[4]){10, 0, 0, 1}, 4);
	assert_int_equal(scene_ask(&s, examine_zero_window_tx), NOT_FOUND);
	reader->family = AF_INET6;
	assert_int_equal(scene_ask(&s, examine_zero_window_tx), FOUND);
	memcpy(reader->local, (uint8_t[16]){[10] = 0xff, 0xff, 10, 0, 0, 2}, 16);
	memcpy(reader->remote, (uint8_t[16]){[10] = 0xff, 0xff, 10, 0, 0, 1}, 16);
	assert_int_equal(scene_ask(&s, examine_zero_window_tx), NOT_FOUND);
	reader->rqueue = reader->rmem = 0; /* it reads */
	assert_int_equal(scene_ask(&s, examine_zero_window_tx), FOUND);
	scene_done(&s);
}

/* net/tls/tls_proc.c of 6.12 as it prints, and MPTcpExt of 6.18, both cut short. */
static void mptcp_tls_psp(void **state)
{
	static const char tls[] = "TlsCurrTxSw                     \t1\n"
				  "TlsDecryptError                 \t3\n";
	static const char mptcp[] = "MPTcpExt: MPCapableSYNRX MPJoinAckHMacFailure\n"
				    "MPTcpExt: 70 4\n";
	struct scene s;

	(void)state;
	scene_init(&s);
	assert_int_equal(parse_paired_lines(SPAN(mptcp), SRC_NETSTAT, &s.o.b), -EBADMSG);
	assert_int_equal(parse_tls_lines(SPAN(tls), &s.o.b), 0);
	s.o.a.unknown_counters = (typeof(s.o.a.unknown_counters)){0};
	parse_tls_lines(SPAN(tls), &s.o.a);
	s.o.a.unknown_counters.items[1].value = 1;
	assert_int_equal(scene_ask(&s, examine_tcp_layers), FOUND);
	assert_int_equal(last(&s)->severity, SEVERITY_INFO);
	assert_int_equal(last(&s)->evidence.n, 2);
	assert_string_equal(last(&s)->evidence.items[0].name, "MPTcpExt.MPJoinAckHMacFailure");
	assert_int_equal(last(&s)->evidence.items[0].delta, 4);
	assert_string_equal(last(&s)->evidence.items[1].name, "TlsExt.TlsDecryptError");
	assert_int_equal(last(&s)->evidence.items[1].delta, 2);
	scene_done(&s);
}

static void broken_tls_lines(void **state)
{
	static const char *const broken[] = {"TlsDecryptError\n", "TlsDecryptError x\n",
					     "TlsDecryptError 18446744073709551616\n", "\n"};
	struct snapshot s = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		assert_int_equal(parse_tls_lines((struct span){broken[i], strlen(broken[i])}, &s),
				 -EBADMSG);
	snapshot_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rto_min_tuning),
		cmocka_unit_test(rto_min_tuning_is_of_no_use),
		cmocka_unit_test(app_timeouts_advice),
		cmocka_unit_test(cwnd_limited),
		cmocka_unit_test(cwnd_limited_by_marks),
		cmocka_unit_test(spurious_retransmissions_of_a_healthy_host),
		cmocka_unit_test(zero_window_of_few),
		cmocka_unit_test(zero_window_of_a_peer_here),
		cmocka_unit_test(mptcp_tls_psp),
		cmocka_unit_test(broken_tls_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
