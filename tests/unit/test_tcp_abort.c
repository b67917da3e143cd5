// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections that end by a reset, told by TCP's own events: what harms whom, and how the ways are
 * told apart; with the events of kernels that have no reasons.
 */
#include "observe.h"

#include <errno.h>
#include <netinet/in.h>

#include "causes/stages.h"

struct aborts {
	struct scene s;
	struct tcp_lines tcp;
};

static void aborts_init(struct aborts *a)
{
	*a = (struct aborts){.tcp = {.states = true, .all_resets = true}};
	scene_init(&a->s);
	a->s.d.tcp = &a->tcp;
}

static void aborts_done(struct aborts *a)
{
	scene_done(&a->s);
	tcp_lines_done(&a->tcp);
}

/* With peers in 10.0.1.0/24; `port` above 0 is a listener's here, below 0 one of theirs. */
static struct tcp_line *line(struct aborts *a, enum tcp_line_kind kind, int port, uint64_t packets)
{
	struct tcp_line *l = vec_push(&a->tcp.lines);

	*l = (struct tcp_line){.kind = kind, .netns = OBSERVED_NETNS, .family = AF_INET,
			       .peer_bits = 24, .peer = {10, 0, 1}, .packets = packets,
			       .local_port = (uint16_t)(port > 0 ? port : 0),
			       .remote_port = (uint16_t)(port < 0 ? -port : 0)};
	return l;
}

static struct tcp_line *reset(struct aborts *a, const char *reason, int port, uint64_t packets,
			      uint64_t lossy)
{
	struct tcp_line *l = line(a, TCP_RESET_SENT, port, packets);

	snprintf(l->reason, sizeof(l->reason), "%s", reason);
	l->state = STATE_CLOSE;
	l->unasked = strcmp(reason, "TCP_ABORT_ON_DATA") != 0;
	l->lossy = lossy;
	return l;
}

static void listener(struct aborts *a, uint16_t port)
{
	struct socket *sk = vec_push(&a->s.o.b.sockets);

	*sk = (struct socket){.cookie = port, .inode = port, .family = AF_INET,
			      .protocol = IPPROTO_TCP, .state = STATE_LISTEN, .local_port = port};
}

/* Who is harmed by closes with unread data: `port` as above, of `ended` connections. */
static void unread_is(int port, uint64_t packets, uint64_t lossy, uint64_t ended,
		      enum severity severity)
{
	const struct finding *f;
	struct aborts a;

	aborts_init(&a);
	count(&a.s.o, C_TCP_ABORT_ON_CLOSE, 5, 5 + packets);
	listener(&a, 80);
	reset(&a, "TCP_ABORT_ON_CLOSE", port, packets, lossy);
	line(&a, TCP_CLOSED_HERE, port, ended - packets);
	line(&a, TCP_ENDED, port, packets);
	assert_int_equal(scene_ask(&a.s, examine_rst_unread_close), FOUND);
	f = only_finding(&a.s);
	assert_int_equal(f->lost, packets);
	assert_int_equal(f->severity, severity);
	assert_int_equal(f->subjects.n, 1);
	assert_int_equal(f->subjects.items[0].has_socket, port > 0);
	if (port < 0)
		assert_string_equal(f->subjects.items[0].address, "10.0.1.0/24 port 443");
	aborts_done(&a);
}

static void unread_close(void **state)
{
	(void)state;
	unread_is(80, 10, 10, 1000, SEVERITY_WARNING);
	unread_is(80, 10, 9, 1000, SEVERITY_INFO);    /* fewer than SEV-L asks for */
	unread_is(80, 10, 10, 1001, SEVERITY_INFO);   /* below 1 % */
	unread_is(80, 1000, 0, 1000, SEVERITY_INFO);  /* nothing but close_notify was unread */
	unread_is(-443, 500, 500, 500, SEVERITY_INFO); /* downloads that were given up here */
}

/* By the counter alone: no event, no severity that rests on one. */
static void unread_close_uncounted(void **state)
{
	struct aborts a;
	const struct finding *f;

	(void)state;
	aborts_init(&a);
	a.tcp = (struct tcp_lines){.err = -EPERM};
	count(&a.s.o, C_TCP_ABORT_ON_CLOSE, 0, 70);
	assert_int_equal(scene_ask(&a.s, examine_rst_unread_close), FOUND);
	f = only_finding(&a.s);
	assert_int_equal(f->lost, 70);
	assert_false(f->traced_known);
	assert_int_equal(f->severity, SEVERITY_INFO);
	aborts_done(&a);
}

/* TCPAbortOnData is both; what answers a segment is not SO_LINGER, what is in TIME_WAIT in neither. */
static void told_apart(void **state)
{
	struct aborts a;
	const struct finding *f;
	struct tcp_line *l;

	(void)state;
	aborts_init(&a);
	count(&a.s.o, C_TCP_ABORT_ON_DATA, 0, 50);
	listener(&a, 80);
	trace(&a.s.drops, "TCP_ABORT_ON_DATA", "tcp_v4_do_rcv", IPPROTO_TCP, 30);
	reset(&a, "TCP_ABORT_ON_DATA", 80, 30, 30);
	l = reset(&a, "TCP_TIMEWAIT_SOCKET", 80, 9, 4);
	l->state = STATE_TIME_WAIT;
	l->unasked = false;
	reset(&a, "TCP_STATE", -443, 26, 0); /* six were killed by somebody */
	line(&a, TCP_CLOSED_HERE, 80, 100);
	assert_int_equal(scene_ask(&a.s, examine_rst_linger0), FOUND);
	f = only_finding(&a.s);
	assert_int_equal(f->lost, 20);
	assert_int_equal(f->severity, SEVERITY_INFO);
	ledger_done(&a.s.ledger);
	assert_int_equal(scene_ask(&a.s, examine_rst_late_data), FOUND);
	f = &a.s.d.findings.items[1];
	assert_int_equal(f->lost, 34);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_int_equal(ledger_unexplained(&a.s.ledger), 0);
	aborts_done(&a);
}

/* A late close_notify makes a reset each time: nobody is harmed. FINs to a TIME_WAIT are nothing. */
static void late_alerts(void **state)
{
	struct aborts a;

	(void)state;
	aborts_init(&a);
	count(&a.s.o, C_TCP_ABORT_ON_DATA, 0, 200);
	listener(&a, 443);
	reset(&a, "TCP_ABORT_ON_DATA", 443, 200, 0);
	reset(&a, "TCP_TIMEWAIT_SOCKET", 443, 100, 0)->state = STATE_TIME_WAIT;
	line(&a, TCP_CLOSED_HERE, 443, 200);
	assert_int_equal(scene_ask(&a.s, examine_rst_late_data), FOUND);
	assert_int_equal(only_finding(&a.s)->lost, 200);
	assert_int_equal(only_finding(&a.s)->severity, SEVERITY_INFO);
	ledger_done(&a.s.ledger);
	assert_int_equal(scene_ask(&a.s, examine_rst_linger0), NOT_FOUND);
	aborts_done(&a);
}

/* What a program threw away that its peer had not acknowledged. */
static void linger_loses(void **state)
{
	struct aborts a;

	(void)state;
	aborts_init(&a);
	count(&a.s.o, C_TCP_ABORT_ON_DATA, 0, 12);
	reset(&a, "TCP_STATE", -443, 12, 10)->unsent = 90000;
	line(&a, TCP_ENDED, -443, 12);
	assert_int_equal(scene_ask(&a.s, examine_rst_linger0), FOUND);
	assert_int_equal(only_finding(&a.s)->severity, SEVERITY_WARNING);
	aborts_done(&a);
}

/* Listeners closed with connections nobody took reset so, too, and do not count. */
static void listener_closes(void **state)
{
	struct aborts a;

	(void)state;
	aborts_init(&a);
	count(&a.s.o, C_TCP_ABORT_ON_DATA, 3, 3);
	reset(&a, "TCP_STATE", 80, 40, 40);
	assert_int_equal(scene_ask(&a.s, examine_rst_linger0), NOT_FOUND);
	ledger_done(&a.s.ledger);
	assert_int_equal(scene_ask(&a.s, examine_rst_late_data), NOT_FOUND);
	aborts_done(&a);
}

static void silence_is(uint64_t n, uint64_t lossy, uint64_t least_ms, uint64_t most_ms,
		       enum severity severity, enum confidence confidence)
{
	struct tcp_line *l;
	struct aborts a;

	aborts_init(&a);
	l = line(&a, TCP_RESET_RECEIVED, -5432, n + 7);
	l->state = STATE_ESTABLISHED;
	l->lossy = lossy;
	l->idle = n;
	l->idle_least_ms = least_ms;
	l->idle_most_ms = most_ms;
	/* A server that throws its connections away is another matter, and so is a refusal. */
	line(&a, TCP_RESET_RECEIVED, -80, 500)->state = STATE_ESTABLISHED;
	line(&a, TCP_RESET_RECEIVED, -81, 500)->state = STATE_SYN_SENT;
	assert_int_equal(scene_ask(&a.s, examine_rst_middlebox), n ? FOUND : NOT_FOUND);
	if (n) {
		assert_int_equal(only_finding(&a.s)->lost, n);
		assert_int_equal(only_finding(&a.s)->severity, severity);
		assert_int_equal(only_finding(&a.s)->confidence, confidence);
		assert_string_equal(only_finding(&a.s)->subjects.items[0].address,
				    "10.0.1.0/24 port 5432");
	}
	aborts_done(&a);
}

static void after_silence(void **state)
{
	(void)state;
	silence_is(0, 0, 0, 0, SEVERITY_INFO, POSSIBLE);
	silence_is(10, 10, 360000, 4000000, SEVERITY_WARNING, POSSIBLE);
	silence_is(9, 9, 360000, 4000000, SEVERITY_INFO, POSSIBLE);
	/* One limit for all, with nothing under way. */
	silence_is(20, 0, 350000, 351000, SEVERITY_INFO, LIKELY);
	silence_is(2, 0, 350000, 350000, SEVERITY_INFO, POSSIBLE);
	silence_is(20, 0, 10000, 40000, SEVERITY_INFO, POSSIBLE);
}

/* More flows than are kept: which ports refused is told by the resets. */
static void refused_of_sampled_flows(void **state)
{
	const struct finding *f;
	struct aborts a;

	(void)state;
	aborts_init(&a);
	trace(&a.s.drops, "NO_SOCKET", "tcp_v4_rcv", IPPROTO_TCP, 150);
	a.s.drops.flows_sampled = true;
	listener(&a, 80);
	reset(&a, "NO_SOCKET", 80, 100, 0);
	reset(&a, "NO_SOCKET", 81, 50, 0); /* nobody's, before or after */
	assert_int_equal(scene_ask(&a.s, examine_rst_closed_port), FOUND);
	f = only_finding(&a.s);
	assert_int_equal(f->lost, 150);
	assert_int_equal(f->subjects.n, 1);
	assert_int_equal(f->subjects.items[0].socket.local_port, 80);
	assert_int_equal(f->subjects.items[0].lost, 100);
	aborts_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unread_close),	  cmocka_unit_test(unread_close_uncounted),
		cmocka_unit_test(told_apart),	  cmocka_unit_test(late_alerts),
		cmocka_unit_test(linger_loses),	  cmocka_unit_test(listener_closes),
		cmocka_unit_test(after_silence),  cmocka_unit_test(refused_of_sampled_flows),
	};

	return cmocka_run_group_tests_name("tcp aborts", tests, NULL, NULL);
}
