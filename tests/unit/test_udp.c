// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage udp beside full buffers: errors told apart, memory with and without a trace, fragments. */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>

#include "observe.h"

#include "causes/stages.h"

static struct socket *udp_socket(struct snapshot *at, uint64_t cookie, uint32_t rmem, uint32_t drops)
{
	struct socket *sk = vec_push(&at->sockets);

	sk->cookie = cookie;
	sk->protocol = IPPROTO_UDP;
	sk->family = AF_INET;
	sk->rmem = rmem;
	sk->rcvbuf = 1 << 20;
	sk->drops = drops;
	sk->mem_known = true;
	return sk;
}

static void limit_is(struct scene *s, int64_t max)
{
	s->o.b.sysctl[K_UDP_MEM] = (struct sysctl_value){.n = 3, .v = {max / 2, max / 4 * 3, max}};
}

/* A long datagram is checked when it is read: the event names no namespace, the counter does. */
static void udp_csum_at_the_read(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s);
	count(&s.o, C_UDP_IN_CSUM_ERRORS, 0, 30);
	count(&s.o, C_UDP_IN_DATAGRAMS, 0, 70);
	trace(&s.drops, "UDP_CSUM", "__udp4_lib_rcv", IPPROTO_UDP, 10);
	/* 25 without a namespace, of which no more than 20 can be ours */
	trace(&s.drops, "UDP_CSUM", "udp_recvmsg", IPPROTO_UDP, 25)->netns = 0;
	assert_int_equal(scene_ask(&s, examine_udp_csum), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->counted, 30);
	assert_int_equal(f->traced, 30);
	assert_int_equal(f->of, 100);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_int_equal(s.ledger.unplaced, 20);
	assert_int_equal(s.ledger.elsewhere, 5);
	assert_int_equal(ledger_unexplained(&s.ledger), 0);
	scene_done(&s);
}

static void udp_length_is_told_from_other_errors(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s);
	count(&s.o, C_UDP_IN_ERRORS, 0, 100);
	count(&s.o, C_UDP_RCVBUF_ERRORS, 0, 50);
	count(&s.o, C_UDP_IN_CSUM_ERRORS, 0, 34);
	trace(&s.drops, "PKT_TOO_SMALL", "__udp4_lib_rcv", IPPROTO_UDP, 10);
	trace(&s.drops, "PKT_TOO_SMALL", "__udp6_lib_rcv", IPPROTO_UDP, 6);
	/* The same reason, a layer below. */
	trace(&s.drops, "PKT_TOO_SMALL", "ip_rcv_core", IPPROTO_UDP, 7);
	assert_int_equal(scene_ask(&s, examine_udp_length), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->lost, 16);
	assert_true(f->counted_known);
	assert_int_equal(f->counted, 16);
	assert_int_equal(ledger_unexplained(&s.ledger), 7);
	scene_done(&s);

	/* A socket's filter counts there as well: only the trace can tell. */
	scene_init(&s);
	count(&s.o, C_UDP_IN_ERRORS, 0, 30);
	trace(&s.drops, "PKT_TOO_SMALL", "__udp4_lib_rcv", IPPROTO_UDP, 10);
	trace(&s.drops, "SOCKET_FILTER", "udp_queue_rcv_one_skb", IPPROTO_UDP, 20);
	assert_int_equal(scene_ask(&s, examine_udp_length), FOUND);
	f = only_finding(&s);
	assert_false(f->counted_known);
	assert_int_equal(f->lost, 10);
	scene_done(&s);

	/* Other errors alone are nobody's wrong length. */
	scene_init(&s);
	count(&s.o, C_UDP_IN_ERRORS, 0, 30);
	assert_int_equal(scene_ask(&s, examine_udp_length), NOT_FOUND);
	scene_done(&s);
}

/* 6.18 counts nothing (net/ipv4/udp.c __udp_enqueue_schedule_skb), 6.1 and 6.12 count MemErrors. */
static void udp_mem_limit_with_a_trace(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s);
	limit_is(&s, 4);
	count(&s.o, C_UDP_MEM_ERRORS, 0, 0);
	count(&s.o, C_SOCKSTAT_UDP_MEM, 0, 255);
	count(&s.o, C_MEM_TOTAL, 4 << 20, 4 << 20);
	udp_socket(&s.o.b, 1, 900000, 0);
	udp_socket(&s.o.b, 2, 1000, 3545);
	trace(&s.drops, "PROTO_MEM", "__udp_enqueue_schedule_skb", IPPROTO_UDP, 3545);
	trace(&s.drops, "PROTO_MEM", "tcp_data_queue", IPPROTO_TCP, 5);
	assert_int_equal(scene_ask(&s, examine_udp_mem), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->lost, 3545);
	assert_false(f->counted_known);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	/* Who holds the memory comes first, whoever is refused for it. */
	assert_int_equal(f->subjects.items[0].socket.cookie, 1);
	assert_string_equal(remedy_of(f, "raise-udp-mem")->commands.items[0],
			    /* 255 pages, and room for what was refused. */
			    "sysctl -w net.ipv4.udp_mem='4096 6144 8192'");
	assert_int_equal(ledger_unexplained(&s.ledger), 5);
	scene_done(&s);

	scene_init(&s);
	count(&s.o, C_UDP_MEM_ERRORS, 10, 110);
	/* skb->dev is none there, and before 6.11 no socket is named. */
	trace(&s.drops, "PROTO_MEM", "udp_queue_rcv_one_skb", IPPROTO_UDP, 130)->netns = 0;
	assert_int_equal(scene_ask(&s, examine_udp_mem), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->counted, 100);
	assert_int_equal(f->traced, 100);
	/* The limit is hidden: no number is made up. */
	assert_string_equal(remedy_of(f, "raise-udp-mem")->summary, "on the host: raise udp_mem");
	assert_false(remedy_of(f, "raise-udp-mem")->applicable);
	scene_done(&s);
}

static void udp_mem_limit_without_a_trace(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	for (int full = 0; full < 2; full++) {
		scene_init(&s);
		s.drops.err = -EPERM;
		limit_is(&s, 100000);
		count(&s.o, C_UDP_IN_ERRORS, 0, 40);
		count(&s.o, C_SOCKSTAT_UDP_MEM, 0, full ? 100000 : 50000);
		udp_socket(&s.o.a, 1, 0, 10);
		udp_socket(&s.o.b, 1, 1000, 150);
		if (!full) {
			/* Sockets lose for other reasons, too (a filter, checksums). */
			assert_int_equal(scene_ask(&s, examine_udp_mem), NOT_FOUND);
		} else {
			assert_int_equal(scene_ask(&s, examine_udp_mem), FOUND);
			f = only_finding(&s);
			assert_int_equal(f->lost, 100); /* 140 less the errors UDP counted */
			assert_int_equal(f->confidence, LIKELY);
			assert_false(f->traced_known);
		}
		scene_done(&s);
	}
}

static void udp_mem_limit_comes_near(void **state)
{
	static const struct {
		uint64_t pages;
		int64_t limit;
		enum outcome outcome;
		enum severity severity;
	} cases[] = {
		{74999, 100000, NOT_FOUND, SEVERITY_INFO}, {75000, 100000, FOUND, SEVERITY_INFO},
		{90000, 100000, FOUND, SEVERITY_WARNING},  {95000, 100000, FOUND, SEVERITY_CRITICAL},
		{255, 4, NOT_FOUND, SEVERITY_INFO}, /* CPUs run ahead of an account so small */
	};
	struct scene s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scene_init(&s);
		limit_is(&s, cases[i].limit);
		count(&s.o, C_SOCKSTAT_UDP_MEM, 0, cases[i].pages);
		assert_int_equal(scene_ask(&s, examine_udp_mem), cases[i].outcome);
		if (cases[i].outcome == FOUND) {
			assert_int_equal(only_finding(&s)->severity, cases[i].severity);
			assert_int_equal(only_finding(&s)->state, AT_RISK);
			assert_int_equal(only_finding(&s)->lost, 0);
		}
		scene_done(&s);
	}
}

static void udp_large_datagram_is_a_note(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s);
	device(&s.o, 2, "eth0")->flags = IFF_UP;
	count(&s.o, C_UDP_OUT_DATAGRAMS, 0, 50);
	count(&s.o, C_IP_FRAG_O_KS, 0, 20);
	count(&s.o, C_IP_FRAG_CREATES, 0, 60);
	assert_int_equal(scene_ask(&s, examine_udp_large), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_int_equal(f->direction, DIR_TX);
	assert_non_null(strstr(f->text, "about 3 packets"));
	assert_non_null(strstr(remedy_of(f, "smaller-datagrams")->why, "1472 bytes over IPv4, 1452"));
	scene_done(&s);

	/* Large pings: fragments, and not a datagram. */
	scene_init(&s);
	count(&s.o, C_UDP_OUT_DATAGRAMS, 0, 5);
	count(&s.o, C_IP_FRAG_O_KS, 0, 20);
	count(&s.o, C_IP_REASM_REQDS, 0, 60);
	count(&s.o, C_IP_REASM_O_KS, 0, 20);
	assert_int_equal(scene_ask(&s, examine_udp_large), NOT_FOUND);
	scene_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_csum_at_the_read),
		cmocka_unit_test(udp_length_is_told_from_other_errors),
		cmocka_unit_test(udp_mem_limit_with_a_trace),
		cmocka_unit_test(udp_mem_limit_without_a_trace),
		cmocka_unit_test(udp_mem_limit_comes_near),
		cmocka_unit_test(udp_large_datagram_is_a_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
