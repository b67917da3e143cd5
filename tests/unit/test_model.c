// SPDX-License-Identifier: GPL-2.0-or-later
/* Deltas, the ledger, and the engine on observations made by hand. */
#include "observe.h"

#include <errno.h>
#include <netinet/in.h>

static void counters_wrap_or_reset(void **state)
{
	struct change c = change_of(10, 1244, 64);

	assert_true(c.known);
	assert_int_equal(c.delta, 1234);
	c = change_of(0xfffffff0U, 0x10, 32); /* over the edge of 32 bits */
	assert_true(c.known);
	assert_int_equal(c.delta, 0x20);
	c = change_of(1000, 3, 32); /* went back from low down: a reset, not four billion packets */
	assert_false(c.known);
	assert_true(c.reset);
	c = change_of(1000, 3, 64);
	assert_false(c.known);
	assert_true(c.reset);
}

static void a_reset_is_no_rate(void **state)
{
	struct diagnosis d = {0};
	struct drops drops = {0};
	struct observation *o = observe(&d);

	count(o, C_UDP_RCVBUF_ERRORS, 5000, 3);
	d.drops = &drops;
	diagnose(&d);
	assert_int_equal(d.findings.n, 0);
	assert_int_equal(d.verdict, HEALTHY);
	diagnosis_done(&d);
}

static void a_missing_source_is_not_a_zero(void **state)
{
	struct diagnosis d = {0};
	struct drops drops = {.err = -EPERM};
	struct observation *o = observe(&d);
	bool said = false;

	o->b.source[SRC_NETSTAT] = o->b.source[SRC_SNMP] =
		(struct source_state){.status = SOURCE_ABSENT, .err = -EACCES};
	d.drops = &drops;
	diagnose(&d);
	vec_each(n, &d.not_examined)
		said |= strcmp(n->cause->id, "listen-overflow") == 0 && n->err == -EACCES;
	assert_true(said);
	/* Every cause of stage ip asks for one of the two: nothing can be said of it. */
	assert_int_equal(d.verdict, NOT_EXAMINED_VERDICT);
	assert_int_equal(verdict_exit_status(d.verdict), 3);
	diagnosis_done(&d);
}

static void a_loss_counted_and_traced_agrees(void **state)
{
	struct diagnosis d = {0};
	struct drops drops = {.receiving_socket = true};
	struct observation *o = observe(&d);
	const struct finding *f;

	count(o, C_UDP_RCVBUF_ERRORS, 10, 1244);
	count(o, C_UDP_IN_DATAGRAMS, 0, 4936);
	trace(&drops, "SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", IPPROTO_UDP, 1234);
	trace(&drops, "QUEUE_PURGE", "sk_stream_kill_queues", IPPROTO_TCP, 50);
	d.drops = &drops;
	diagnose(&d);
	assert_int_equal(d.findings.n, 1);
	f = &d.findings.items[0];
	assert_string_equal(f->cause->id, "udp-rcvbuf-full");
	assert_int_equal(f->counted, 1234);
	assert_int_equal(f->traced, 1234);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	assert_int_equal(d.verdict, LOSING_VERDICT);
	assert_int_equal(d.ledgers.items[0].benign, 50);
	assert_int_equal(ledger_unexplained(&d.ledgers.items[0]), 0);
	vec_done(&drops.rows);
	diagnosis_done(&d);
}

static void what_no_cause_explains_is_shown(void **state)
{
	struct diagnosis d = {0};
	struct drops drops = {0};

	observe(&d);
	trace(&drops, "FROM_THE_FUTURE", "new_function", 0, 7);
	d.drops = &drops;
	diagnose(&d);
	assert_int_equal(d.findings.n, 0);
	assert_int_equal(ledger_unexplained(&d.ledgers.items[0]), 7);
	vec_done(&drops.rows);
	diagnosis_done(&d);
}

/* A queue below drops: SndbufErrors moves by the same number and is not another loss. */
static void one_loss_in_two_counters_is_counted_once(void **state)
{
	struct diagnosis d = {0};
	struct drops drops = {0};
	struct observation *o = observe(&d);
	struct qdisc q = {.ifindex = 2, .handle = 0x80010000, .parent = 0xffffffffU, .kind = "tbf"};

	*vec_push(&o->a.qdiscs) = q;
	q.drops = 594;
	*vec_push(&o->b.qdiscs) = q;
	vec_push(&o->b.links)->ifindex = 2;
	count(o, C_UDP_SNDBUF_ERRORS, 0, 594);
	count(o, C_IP_OUT_DISCARDS, 0, 594);
	trace(&drops, "QDISC_DROP", "__dev_queue_xmit", IPPROTO_UDP, 594);
	d.drops = &drops;
	diagnose(&d);
	assert_int_equal(d.findings.n, 1);
	assert_string_equal(d.findings.items[0].cause->id, "qdisc-drop");
	assert_int_equal(d.findings.items[0].counted, 594);
	vec_done(&drops.rows);
	diagnosis_done(&d);
}

static void retransmissions(struct diagnosis *d, uint64_t sent, uint64_t again, uint64_t spurious,
			    uint64_t timeouts)
{
	struct observation *o = observe(d);

	count(o, C_TCP_OUT_SEGS, 0, sent);
	count(o, C_TCP_RETRANS_SEGS, 0, again);
	count(o, C_TCP_DSACK_RECV_SEGS, 0, spurious);
	count(o, C_TCP_TIMEOUTS, 0, timeouts);
}

static void loss_elsewhere_needs_real_loss(void **state)
{
	static const struct drops none;
	struct diagnosis busy = {.drops = &none}, path = {.drops = &none};

	/* iperf at full speed over veth, as measured: all but a few of them spurious. */
	retransmissions(&busy, 18200000, 7900, 7653, 0);
	diagnose(&busy);
	assert_int_equal(busy.verdict, HEALTHY);
	diagnosis_done(&busy);

	retransmissions(&path, 1000, 50, 1, 2);
	diagnose(&path);
	assert_int_equal(path.verdict, LOSS_ELSEWHERE);
	assert_string_equal(path.findings.items[0].cause->id, "tcp-fast-retransmit");
	diagnosis_done(&path);
}

static void stopped_and_slow_readers_are_told_apart(void **state)
{
	struct diagnosis d = {0};
	struct drops drops = {.receiving_socket = true};
	struct observation *o = observe(&d);
	uint64_t lost = 0;

	/* Two sockets, two owners: 11 is stopped, 22 runs and never empties its buffer. */
	for (int look = 0; look < 6; look++) {
		struct snapshot *s = look < 5 ? vec_push(&o->looks) : &o->b;

		s->source[SRC_SOCKETS].status = s->source[SRC_PROCESS].status = SOURCE_OK;
		for (uint32_t who = 1; who <= 2; who++) {
			struct socket *sk = vec_push(&s->sockets);
			struct process *p = vec_push(&s->processes);

			*sk = (struct socket){.cookie = who, .inode = who, .family = AF_INET,
					      .protocol = IPPROTO_UDP, .rcvbuf = 1000, .rmem = 990,
					      .drops = (uint32_t)(look + 1) * 100 * who};
			*p = (struct process){.pid = (int)who * 11, .state = who == 1 ? 'T' : 'S',
					      .comm = "reader"};
			*vec_push(&s->owners) = (struct socket_owner){.inode = who, .pid = p->pid};
		}
	}
	for (uint32_t who = 1; who <= 2; who++) {
		struct drop *row = trace(&drops, "SOCKET_RCVBUFF", "udp_queue_rcv_one_skb",
					  IPPROTO_UDP, 600 * who);

		row->cookie = who;
		lost += row->packets;
	}
	count(o, C_UDP_RCVBUF_ERRORS, 0, lost);
	d.drops = &drops;
	diagnose(&d);
	assert_int_equal(d.findings.n, 2);
	assert_string_equal(d.findings.items[0].cause->id, "app-slow-reader");
	assert_string_equal(d.findings.items[0].via->id, "udp-rcvbuf-full");
	assert_int_equal(d.findings.items[0].lost, 1200);
	assert_string_equal(d.findings.items[1].cause->id, "app-stopped");
	assert_int_equal(d.findings.items[1].lost, 600);
	vec_done(&drops.rows);
	diagnosis_done(&d);
}

/* A look (the last one is b) at one socket, with its owner. */
static void look_at(struct observation *o, bool last, struct socket sk, struct process p)
{
	struct snapshot *s = last ? &o->b : vec_push(&o->looks);

	s->source[SRC_SOCKETS].status = s->source[SRC_PROCESS].status = SOURCE_OK;
	sk.family = AF_INET;
	sk.protocol = IPPROTO_UDP;
	sk.rcvbuf = 1000;
	sk.inode = (uint32_t)sk.cookie;
	*vec_push(&s->sockets) = sk;
	*vec_push(&s->processes) = p;
	*vec_push(&s->owners) = (struct socket_owner){.inode = sk.inode, .pid = p.pid};
}

/* Losses (drops after each look), states of the reader, its buffer's fill; what is named first. */
static void judge_fill(const uint32_t *drops_at, const char *states, const uint32_t *rmem,
		       const char *cause)
{
	struct diagnosis d = {0};
	struct drops drops = {.receiving_socket = true};
	struct observation *o = observe(&d);
	size_t n = strlen(states);
	struct drop *row;

	for (size_t i = 0; i < n; i++)
		look_at(o, i + 1 == n,
			(struct socket){.cookie = 7, .drops = drops_at[i], .rmem = rmem[i]},
			(struct process){.pid = 70, .state = states[i], .comm = "reader"});
	row = trace(&drops, "SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", IPPROTO_UDP,
		     drops_at[n - 1]);
	row->cookie = 7;
	count(o, C_UDP_RCVBUF_ERRORS, 0, drops_at[n - 1]);
	d.drops = &drops;
	diagnose(&d);
	assert_int_equal(d.findings.n, 1);
	assert_string_equal(d.findings.items[0].cause->id, cause);
	assert_int_equal(d.findings.items[0].lost, drops_at[n - 1]);
	vec_done(&drops.rows);
	diagnosis_done(&d);
}

/* The same with one fill all the time. */
static void judge(const uint32_t *drops_at, const char *states, uint32_t rmem, const char *cause)
{
	uint32_t fill[16];

	assert_true(strlen(states) <= ARRAY_SIZE(fill));
	for (size_t i = 0; i < ARRAY_SIZE(fill); i++)
		fill[i] = rmem;
	judge_fill(drops_at, states, fill, cause);
}

static void readers_are_judged_by_the_time_of_the_loss(void **state)
{
	static const uint32_t amid[] = {100, 200, 300, 300, 300, 300, 300, 300};
	static const uint32_t early[] = {100, 200, 300, 300, 300, 300, 300, 300};

	judge(amid, "TTSSSSSS", 900, "app-stopped");
	judge(early, "SSSTTTTT", 0, "udp-rcvbuf-full");
	judge(early, "SSSTTTTT", 900, "app-slow-reader");
}

/* Bursts, and a reader that empties its buffer after each: one look may find it full all the same. */
static void one_look_that_finds_it_full_is_chance(void **state)
{
	static const uint32_t drops_at[] = {0, 500, 1000, 1000, 1000};
	static const uint32_t burst[] = {0, 900, 0, 0, 0}, slow[] = {0, 900, 900, 0, 0};

	judge_fill(drops_at, "SSSSS", burst, "udp-rcvbuf-full");
	judge_fill(drops_at, "SSSSS", slow, "app-slow-reader");
}

/* Two processes hold the socket: one that runs is enough not to call its readers stopped. */
static void one_running_reader_is_not_stopped(void **state)
{
	struct diagnosis d = {0};
	struct drops drops = {.receiving_socket = true};
	struct observation *o = observe(&d);

	for (uint32_t i = 1; i <= 4; i++) {
		struct snapshot *s;

		look_at(o, i == 4, (struct socket){.cookie = 7, .drops = i * 100, .rmem = 900},
			(struct process){.pid = 70, .state = 'T', .comm = "stopped"});
		s = i == 4 ? &o->b : &o->looks.items[i - 1];
		*vec_push(&s->processes) = (struct process){.pid = 71, .state = 'S', .comm = "running"};
		*vec_push(&s->owners) = (struct socket_owner){.inode = 7, .pid = 71};
	}
	trace(&drops, "SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", IPPROTO_UDP, 400)->cookie = 7;
	count(o, C_UDP_RCVBUF_ERRORS, 0, 400);
	d.drops = &drops;
	diagnose(&d);
	assert_int_equal(d.findings.n, 1);
	assert_string_equal(d.findings.items[0].cause->id, "app-slow-reader");
	assert_string_equal(d.findings.items[0].subjects.items[0].process.comm, "running");
	vec_done(&drops.rows);
	diagnosis_done(&d);
}

/*
 * Of forty sockets one overflows in bursts, before it had a cookie; the others' reader is stopped.
 * All are counted, and what is left over is told of the one that is left.
 */
static void what_explanations_leave_has_its_own_words(void **state)
{
	struct diagnosis d = {0};
	struct drops drops = {.receiving_socket = true};
	struct observation *o = observe(&d);
	struct drop *row;

	for (uint32_t i = 1; i <= 4; i++)
		for (uint32_t who = 1; who <= 40; who++) {
			struct process p = {.pid = who == 40 ? 400 : 100,
					    .state = who == 40 ? 'S' : 'T'};
			struct snapshot *s;

			snprintf(p.comm, sizeof(p.comm), who == 40 ? "bursts" : "stopped");
			if (i < 4 && who > 1) {
				s = &o->looks.items[i - 1];
				*vec_push(&s->sockets) = (struct socket){
					.cookie = who, .inode = who, .family = AF_INET,
					.protocol = IPPROTO_UDP, .rcvbuf = 1000,
					.local_port = (uint16_t)(5000 + who), .drops = i * 100,
					.rmem = who == 40 ? 0 : 900};
				*vec_push(&s->processes) = p;
				*vec_push(&s->owners) =
					(struct socket_owner){.inode = who, .pid = p.pid};
				continue;
			}
			look_at(o, i == 4,
				(struct socket){.cookie = who,
						.local_port = (uint16_t)(5000 + who),
						.drops = i * 100, .rmem = who == 40 ? 0 : 900},
				p);
		}
	for (uint32_t who = 1; who <= 40; who++) {
		row = trace(&drops, "SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", IPPROTO_UDP, 400);
		row->cookie = who == 40 ? 0 : who;
		row->family = AF_INET;
		row->local_port = (uint16_t)(5000 + who);
	}
	count(o, C_UDP_RCVBUF_ERRORS, 0, 16000);
	d.drops = &drops;
	diagnose(&d);
	assert_int_equal(d.findings.n, 2);
	assert_string_equal(d.findings.items[0].cause->id, "app-stopped");
	assert_int_equal(d.findings.items[0].lost, 39 * 400);
	assert_string_equal(d.findings.items[1].cause->id, "udp-rcvbuf-full");
	assert_int_equal(d.findings.items[1].lost, 400);
	assert_non_null(strstr(d.findings.items[1].headline, "bursts (400)"));
	vec_done(&drops.rows);
	diagnosis_done(&d);
}

/* SYN-ACKs that strangers leave unanswered are no loss, also where own connections are begun. */
static void a_flood_is_no_loss_elsewhere(void **state)
{
	static const struct drops none;
	struct diagnosis d = {.drops = &none};
	struct observation *o;

	retransmissions(&d, 4180, 130, 0, 130);
	o = &d.observations.items[0];
	count(o, C_TCP_ACTIVE_OPENS, 0, 10);
	count(o, C_TCP_SYN_RETRANS, 0, 130);
	o->b.synacks_again = 128;
	diagnose(&d);
	assert_int_equal(d.verdict, HEALTHY);
	diagnosis_done(&d);
}

/* A closed port that was asked for does not hide what the network lost. */
static void refused_segments_hide_nothing(void **state)
{
	struct diagnosis d = {0};
	struct drops drops = {0};

	retransmissions(&d, 1000, 50, 1, 2);
	trace(&drops, "NO_SOCKET", "tcp_v4_rcv", IPPROTO_TCP, 1500);
	d.drops = &drops;
	diagnose(&d);
	assert_int_equal(d.verdict, LOSS_ELSEWHERE);
	vec_done(&drops.rows);
	diagnosis_done(&d);
}

/* The table of causes is whole: every row can be asked, and ids are told once. */
static void every_cause_is_complete(void **state)
{
	for (size_t i = 0; i < cause_rows_n; i++) {
		const struct cause_row *row = &cause_rows[i];

		assert_true(row->kind == CAUSE_EXPLANATION ? row->explains && row->describe
							   : row->examine != NULL);
		assert_ptr_equal(cause_by_id(row->id), row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_wrap_or_reset),
		cmocka_unit_test(a_reset_is_no_rate),
		cmocka_unit_test(a_missing_source_is_not_a_zero),
		cmocka_unit_test(a_loss_counted_and_traced_agrees),
		cmocka_unit_test(what_no_cause_explains_is_shown),
		cmocka_unit_test(one_loss_in_two_counters_is_counted_once),
		cmocka_unit_test(loss_elsewhere_needs_real_loss),
		cmocka_unit_test(stopped_and_slow_readers_are_told_apart),
		cmocka_unit_test(readers_are_judged_by_the_time_of_the_loss),
		cmocka_unit_test(one_look_that_finds_it_full_is_chance),
		cmocka_unit_test(one_running_reader_is_not_stopped),
		cmocka_unit_test(what_explanations_leave_has_its_own_words),
		cmocka_unit_test(a_flood_is_no_loss_elsewhere),
		cmocka_unit_test(refused_segments_hide_nothing),
		cmocka_unit_test(every_cause_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
