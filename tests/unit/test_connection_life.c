// SPDX-License-Identifier: GPL-2.0-or-later
/* How connections begin, stay and end: what the lab cannot make, or not within a few seconds. */
#include <errno.h>
#include <netinet/in.h>

#include "causes/stages.h"
#include "observe.h"

/* The same at both ends, or new since the beginning. */
static struct socket *connection(struct snapshot *s, uint64_t cookie, enum tcp_state state)
{
	struct socket *sk = vec_push(&s->sockets);

	sk->cookie = cookie;
	sk->inode = (uint32_t)cookie;
	sk->family = AF_INET;
	sk->protocol = IPPROTO_TCP;
	sk->state = state;
	sk->local_port = (uint16_t)(40000 + cookie);
	sk->remote_port = 443;
	sk->remote[0] = 10;
	sk->tcp_known = true;
	return sk;
}

static void listener(struct scene *s, uint16_t port)
{
	struct socket *sk = connection(&s->o.b, 10000, STATE_LISTEN);

	sk->local_port = port;
	sk->remote_port = 0;
}

static const struct finding *found(const struct scene *s)
{
	assert_int_equal(s->d.findings.n, 1);
	return &s->d.findings.items[0];
}

static struct tcp_line *line(struct tcp_lines *l, enum tcp_line_kind kind, uint64_t packets)
{
	struct tcp_line *new = vec_push(&l->lines);

	new->kind = kind;
	new->netns = OBSERVED_NETNS;
	new->packets = packets;
	return new;
}

static void times(void **state)
{
	struct snapshot s = {.source[SRC_SYSCTL].status = SOURCE_OK};

	(void)state;
	/* causes.md 132, 134; tcp_model_timeout(). */
	assert_int_equal(tcp_connect_gives_up_ms(&s, 6), 127000);
	s.sysctl[K_TCP_SYN_LINEAR] = (struct sysctl_value){1, {4}};
	assert_int_equal(tcp_connect_gives_up_ms(&s, 6), 131000);
	assert_int_equal(tcp_retries_ms(15), 924600);
	assert_int_equal(tcp_retries_ms(8), 102200);
}

/* So many connects wait, each with so many SYNs more than at the beginning. */
static void connects(struct scene *s, unsigned int n, uint8_t tries)
{
	for (unsigned int i = 1; i <= n; i++) {
		struct socket *sk = connection(&s->o.b, i, STATE_SYN_SENT);

		sk->timer = TIMER_RETRANSMIT;
		sk->timer_tries = tries;
		sk->retrans_total = tries;
	}
	count(&s->o, C_TCP_SYN_RETRANS, 0, (uint64_t)n * tries);
	count(&s->o, C_TCP_RETRANS_SEGS, 0, (uint64_t)n * tries);
	count(&s->o, C_TCP_ACTIVE_OPENS, 0, n);
}

static void syns_without_answer(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	connects(&s, 4, 3);
	assert_int_equal(scene_ask(&s, examine_syn_timeout), FOUND);
	assert_int_equal(found(&s)->severity, SEVERITY_WARNING);
	assert_int_equal(found(&s)->lost, 12);
	scene_done(&s);

	/* One that hangs is worth a note. */
	scene_init(&s);
	connects(&s, 1, 3);
	assert_int_equal(scene_ask(&s, examine_syn_timeout), FOUND);
	assert_int_equal(found(&s)->severity, SEVERITY_INFO);
	scene_done(&s);

	/* One SYN lost of each, among thousands: at random. */
	scene_init(&s);
	connects(&s, 20, 1);
	count(&s.o, C_TCP_ACTIVE_OPENS, 0, 10000);
	count(&s.o, C_TCP_RETRANS_SEGS, 0, 500);
	assert_int_equal(scene_ask(&s, examine_syn_timeout), NOT_FOUND);
	scene_done(&s);

	/* They never left this host. */
	scene_init(&s);
	connects(&s, 4, 3);
	count(&s.o, C_TCP_SPURIOUS_RTX_HOST_QUEUES, 0, 12);
	assert_int_equal(scene_ask(&s, examine_syn_timeout), NOT_FOUND);
	scene_done(&s);

	/* A rule of this host dropped them, of one connection at least. */
	scene_init(&s);
	connects(&s, 4, 3);
	trace(&s.drops, "NETFILTER_DROP", "nf_hook_slow", IPPROTO_TCP, 16);
	*vec_push(&s.drops.flows) = (struct drop_flow){.netns = OBSERVED_NETNS,
						       .reason = "NETFILTER_DROP",
						       .family = AF_INET,
						       .protocol = IPPROTO_TCP,
						       .source_port = 40001,
						       .destination = {10},
						       .destination_port = 443,
						       .packets = 16};
	assert_int_equal(scene_ask(&s, examine_syn_timeout), NOT_FOUND);
	scene_done(&s);
}

static void half_open(struct scene *s, uint32_t n, uint64_t again)
{
	*vec_push(&s->o.b.half_open) = (struct half_open){.family = AF_INET, .port = 80, .n = n};
	for (uint32_t i = 0; i < n; i++) {
		struct crowd_entry *e = vec_push(&s->o.b.half_open_from);

		e->family = AF_INET;
		e->port = 80;
		e->source[3] = (uint8_t)i;
	}
	s->o.b.synacks_again = again;
	count(&s->o, C_TCP_SYN_RETRANS, 0, again);
	count(&s->o, C_TCP_RETRANS_SEGS, 0, again);
	count(&s->o, C_TCP_ACTIVE_OPENS, 0, 0);
	count(&s->o, C_TCP_PASSIVE_OPENS, 0, 0);
}

static void handshakes_without_end(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	half_open(&s, 6, 30);
	assert_int_equal(scene_ask(&s, examine_synack_retrans), FOUND);
	assert_int_equal(found(&s)->severity, SEVERITY_WARNING);
	scene_done(&s);

	/* No more than the timer sends: whoever sent these SYNs does not ask again. */
	scene_init(&s);
	half_open(&s, 20, 40);
	assert_int_equal(scene_ask(&s, examine_synack_retrans), NOT_FOUND);
	scene_done(&s);

	/* Others come through. */
	scene_init(&s);
	half_open(&s, 6, 30);
	count(&s.o, C_TCP_PASSIVE_OPENS, 0, 1000);
	assert_int_equal(scene_ask(&s, examine_synack_retrans), FOUND);
	assert_int_equal(found(&s)->severity, SEVERITY_INFO);
	scene_done(&s);

	scene_init(&s);
	half_open(&s, 6, 30);
	count(&s.o, C_SYNCOOKIES_SENT, 0, 1);
	assert_int_equal(scene_ask(&s, examine_synack_retrans), NOT_FOUND);
	scene_done(&s);
}

static void given_up(void **state)
{
	struct tcp_lines lines = {.states = true};
	struct tcp_line *l;
	struct scene s;

	(void)state;
	/* Without a trace: all that were given up, less what never began. */
	scene_init(&s);
	count(&s.o, C_TCP_ABORT_ON_TIMEOUT, 0, 30);
	count(&s.o, C_TCP_ATTEMPT_FAILS, 0, 18);
	assert_int_equal(scene_ask(&s, examine_estab_timeout), FOUND);
	assert_int_equal(found(&s)->lost, 12);
	scene_done(&s);

	/* The trace knows: all but three were connects. */
	scene_init(&s);
	s.d.tcp = &lines;
	count(&s.o, C_TCP_ABORT_ON_TIMEOUT, 0, 30);
	line(&lines, TCP_CONNECT_FAILED, 27)->error = ETIMEDOUT;
	l = line(&lines, TCP_ENDED, 3);
	l->error = ETIMEDOUT;
	l->state = STATE_ESTABLISHED;
	line(&lines, TCP_ENDED, 500)->error = ECONNRESET;
	assert_int_equal(scene_ask(&s, examine_estab_timeout), FOUND);
	assert_int_equal(found(&s)->lost, 3);
	assert_int_equal(found(&s)->severity, SEVERITY_INFO);
	scene_done(&s);

	/* Of them two ended by keepalive: no data was lost with these. */
	scene_init(&s);
	s.d.tcp = &lines;
	count(&s.o, C_TCP_ABORT_ON_TIMEOUT, 0, 30);
	snprintf(line(&lines, TCP_RESET_SENT, 2)->reason, sizeof(l->reason), "TCP_KEEPALIVE_TIMEOUT");
	assert_int_equal(scene_ask(&s, examine_estab_timeout), FOUND);
	assert_int_equal(found(&s)->lost, 1);
	scene_done(&s);
	tcp_lines_done(&lines);
}

static void close_wait(struct scene *s, uint64_t before, uint64_t now, size_t step)
{
	s->o.a.tcp.n[STATE_CLOSE_WAIT] = before;
	s->o.b.tcp.n[STATE_CLOSE_WAIT] = now;
	s->o.b.tcp.close_wait.n[step] = now;
	for (unsigned int i = 1; i <= 5; i++)
		connection(&s->o.b, i, STATE_CLOSE_WAIT);
}

static void never_closed(void **state)
{
	enum { A_SECOND = 1, A_MINUTE = 7 }; /* age_steps_s */
	struct scene s;

	(void)state;
	scene_init(&s);
	close_wait(&s, 150, 180, A_MINUTE);
	assert_int_equal(scene_ask(&s, examine_close_wait), FOUND);
	assert_int_equal(found(&s)->severity, SEVERITY_WARNING);
	scene_done(&s);

	/* As many as before: a leak that rests. */
	scene_init(&s);
	close_wait(&s, 150, 150, A_MINUTE);
	assert_int_equal(scene_ask(&s, examine_close_wait), FOUND);
	assert_int_equal(found(&s)->severity, SEVERITY_INFO);
	scene_done(&s);

	/* They come and go. */
	scene_init(&s);
	close_wait(&s, 900, 1000, A_SECOND);
	assert_int_equal(scene_ask(&s, examine_close_wait), NOT_FOUND);
	scene_done(&s);

	/* Not all were read: nobody knows. */
	scene_init(&s);
	close_wait(&s, 150, 180, A_MINUTE);
	s.o.b.tcp.cut_at = 200;
	assert_int_equal(scene_ask(&s, examine_close_wait), NOT_EXAMINED);
	assert_int_equal(s.d.not_examined.n, 1);
	assert_non_null(strstr(s.d.not_examined.items[0].why, "--max-sockets"));
	scene_done(&s);
}

static void probed(struct scene *s, bool of_listener)
{
	if (of_listener)
		listener(s, 80);
	for (unsigned int i = 1; i <= 12; i++) {
		struct socket *sk = connection(&s->o.b, i, STATE_ESTABLISHED);

		sk->timer = TIMER_KEEPALIVE;
		sk->timer_tries = 3;
		sk->local_port = of_listener ? 80 : sk->local_port;
	}
}

static void probes_without_answer(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	probed(&s, false);
	assert_int_equal(scene_ask(&s, examine_keepalive_dead), FOUND);
	assert_int_equal(found(&s)->severity, SEVERITY_WARNING);
	scene_done(&s);

	/* Clients vanish every day. */
	scene_init(&s);
	probed(&s, true);
	assert_int_equal(scene_ask(&s, examine_keepalive_dead), FOUND);
	assert_int_equal(found(&s)->severity, SEVERITY_INFO);
	scene_done(&s);

	/* Nothing moved since the beginning, where they were counted. */
	scene_init(&s);
	s.o.a.tcp.unwatched.n[AGE_STEPS - 1] = 7;
	s.o.b.tcp.as_before = true;
	assert_int_equal(scene_ask(&s, examine_keepalive_dead), FOUND);
	assert_int_equal(found(&s)->severity, SEVERITY_INFO);
	scene_done(&s);

	scene_init(&s);
	s.o.b.tcp.unwatched.n[1] = 5000;
	assert_int_equal(scene_ask(&s, examine_keepalive_dead), NOT_FOUND);
	scene_done(&s);
}

static void idle_limits(void **state)
{
	struct tcp_lines lines = {0};
	struct tcp_line *l;
	struct scene s;

	(void)state;
	/* No limit is known. */
	scene_init(&s);
	s.o.b.tcp.keepalive.n[AGE_STEPS - 1] = 50;
	assert_int_equal(scene_ask(&s, examine_keepalive_lb), NOT_FOUND);
	scene_done(&s);

	/* This host's own connection tracking, that forgets for good. */
	scene_init(&s);
	s.o.b.tcp.keepalive.n[AGE_STEPS - 1] = 50;
	s.o.b.sysctl[K_CONNTRACK_TCP_LOOSE] = (struct sysctl_value){1, {0}};
	s.o.b.sysctl[K_CONNTRACK_TCP_ESTABLISHED] = (struct sysctl_value){1, {600}};
	count(&s.o, C_CT_ENTRIES, 50, 50);
	assert_int_equal(scene_ask(&s, examine_keepalive_lb), FOUND);
	assert_int_equal(found(&s)->severity, SEVERITY_WARNING);
	s.o.b.sysctl[K_CONNTRACK_TCP_LOOSE].v[0] = 1;
	assert_int_equal(examine_keepalive_lb(&s.x), NOT_FOUND);
	scene_done(&s);

	/* Resets after one and the same silence; or after any. */
	scene_init(&s);
	s.d.tcp = &lines;
	s.o.b.tcp.unwatched.n[AGE_STEPS - 1] = 50;
	l = line(&lines, TCP_RESET_RECEIVED, 4);
	l->idle = 4;
	l->idle_least_ms = 350100;
	l->idle_most_ms = 352000;
	assert_int_equal(scene_ask(&s, examine_keepalive_lb), FOUND);
	assert_int_equal(found(&s)->severity, SEVERITY_INFO);
	assert_non_null(strstr(found(&s)->headline, "350 s"));
	l->idle_most_ms = 900000;
	assert_int_equal(examine_keepalive_lb(&s.x), NOT_FOUND);
	scene_done(&s);
	tcp_lines_done(&lines);
}

/* Begun here, with one address of a network. */
static void group(struct snapshot *s, uint8_t network, uint8_t host, uint32_t established)
{
	struct tcp_group *g = vec_push(&s->tcp_groups);

	g->begun_here = true;
	g->family = AF_INET;
	g->port = 443;
	g->address[0] = 10;
	g->address[2] = network;
	g->address[3] = host;
	g->n[STATE_ESTABLISHED] = established;
}

static void one_backend_is_favoured(void **state)
{
	struct tcp_lines lines = {.states = true};
	struct scene s;

	(void)state;
	scene_init(&s);
	s.d.tcp = &lines;
	group(&s.o.b, 1, 1, 40);
	for (uint8_t i = 2; i <= 5; i++)
		group(&s.o.b, 1, i, 2);
	assert_int_equal(scene_ask(&s, examine_pool), FOUND);
	scene_done(&s);

	/* Spread as it should be. */
	scene_init(&s);
	s.d.tcp = &lines;
	for (uint8_t i = 1; i <= 5; i++)
		group(&s.o.b, 1, i, i == 1 ? 40 : 20);
	assert_int_equal(scene_ask(&s, examine_pool), NOT_FOUND);
	scene_done(&s);

	/* Places that have nothing to do with one another: a browser, a proxy. */
	scene_init(&s);
	s.d.tcp = &lines;
	group(&s.o.b, 1, 1, 40);
	for (uint8_t i = 2; i <= 50; i++)
		group(&s.o.b, i, 1, 1);
	assert_int_equal(scene_ask(&s, examine_pool), NOT_FOUND);
	scene_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),
		cmocka_unit_test(syns_without_answer),
		cmocka_unit_test(handshakes_without_end),
		cmocka_unit_test(given_up),
		cmocka_unit_test(never_closed),
		cmocka_unit_test(probes_without_answer),
		cmocka_unit_test(idle_limits),
		cmocka_unit_test(one_backend_is_favoured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
