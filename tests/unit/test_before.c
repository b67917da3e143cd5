// SPDX-License-Identifier: GPL-2.0-or-later
/* Losing now, lost since boot and quiet, at risk: kept apart. */
#include "observe.h"

#include <netinet/in.h>

#include "causes/stages.h"

#define UPTIME 10000.0

/* SYNs that a full queue dropped: so many before the interval, so many in it. */
static struct observation *drops_of(struct diagnosis *d, struct drops *drops, uint64_t before,
				    uint64_t now)
{
	struct observation *o = observe(d);

	d->drops = drops;
	d->uptime_s = UPTIME;
	count(o, C_TCP_REQ_Q_FULL_DROP, before, before + now);
	count(o, C_TCP_PASSIVE_OPENS, 1000, 1000);
	return o;
}

static size_t found(const struct diagnosis *d, const char *id)
{
	size_t n = 0;

	vec_each(f, &d->findings)
		n += strcmp(f->cause->id, id) == 0;
	return n;
}

static void what_is_over_is_told_apart(void **state)
{
	struct diagnosis d = {0};
	struct drops drops = {0};
	struct observation *o = drops_of(&d, &drops, 100000, 0);

	(void)state;
	diagnose(&d);
	assert_int_equal(found(&d, "synq-full-drop"), 0);
	assert_int_equal(d.before.n, 1);
	assert_string_equal(d.before.items[0].cause->id, "synq-full-drop");
	assert_int_equal(d.before.items[0].lost, 100000);
	assert_int_equal(d.before.items[0].state, LOST_BEFORE);
	assert_ptr_equal(d.before.items[0].where, o);
	assert_int_not_equal(d.verdict, LOSING_VERDICT);
	diagnosis_done(&d);
}

static void what_goes_on_is_not_over(void **state)
{
	struct diagnosis d = {0};
	struct drops drops = {0};

	(void)state;
	drops_of(&d, &drops, 100000, 500);
	diagnose(&d);
	assert_int_equal(found(&d, "synq-full-drop"), 1);
	assert_int_equal(d.findings.items[0].lost, 500);
	assert_int_equal(d.before.n, 0);
	assert_int_equal(d.verdict, LOSING_VERDICT);
	diagnosis_done(&d);
}

/* Less than one a second: the catalogue's note. Nothing of a narrow or an ignored one. */
static void little_and_unwanted_are_left_out(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct diagnosis d = {0};
		struct drops drops = {0};
		struct config config = {0};
		struct observation *o = drops_of(&d, &drops, i == 0 ? (uint64_t)UPTIME - 1 : 100000, 0);

		if (i == 1)
			snprintf(((struct ignore *)vec_push(&config.ignores))->cause, 40,
				 "synq-full-drop");
		if (i == 2)
			d.uptime_s = 0;
		if (i == 3)
			o->since_boot = true;
		d.config = &config;
		diagnose(&d);
		assert_int_equal(d.before.n, 0);
		diagnosis_done(&d);
		config_done(&config);
	}
}

/* ---- an accept queue near its backlog ---- */

static void wait_at(struct snapshot *s, uint32_t waiting)
{
	struct socket *sk = vec_push(&s->sockets);

	*sk = (struct socket){.cookie = 7,
			      .inode = 70,
			      .family = AF_INET,
			      .protocol = IPPROTO_TCP,
			      .state = 10,
			      .local_port = 80,
			      .rqueue = waiting,
			      .wqueue = 100};
	s->source[SRC_SOCKETS].status = SOURCE_OK;
}

static enum outcome ask_queue(struct scene *s, const uint32_t *waiting, size_t looks, uint32_t end)
{
	for (size_t i = 0; i < looks; i++)
		wait_at(vec_push(&s->o.looks), waiting[i]);
	wait_at(&s->o.b, end);
	count(&s->o, C_LISTEN_OVERFLOWS, 3, 3);
	return scene_ask(s, examine_listen_overflow);
}

static void queues_near_their_backlog(void **state)
{
	static const struct {
		uint32_t waiting[4], end;
		enum outcome outcome;
		enum severity severity;
	} rows[] = {
		{{0, 0, 0, 0}, 79, NOT_FOUND, SEVERITY_INFO},
		{{0, 0, 0, 0}, 80, FOUND, SEVERITY_INFO},
		{{0, 99, 0, 0}, 0, FOUND, SEVERITY_INFO},	  /* a burst that was accepted */
		{{0, 0, 99, 99}, 89, FOUND, SEVERITY_INFO},	  /* it goes down */
		{{0, 0, 92, 92}, 92, FOUND, SEVERITY_WARNING},	  /* and here it does not */
		{{90, 95, 96, 97}, 98, FOUND, SEVERITY_CRITICAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene s;

		scene_init(&s);
		assert_int_equal(ask_queue(&s, rows[i].waiting, 4, rows[i].end), rows[i].outcome);
		if (rows[i].outcome == FOUND) {
			assert_int_equal(only_finding(&s)->state, AT_RISK);
			assert_int_equal(only_finding(&s)->lost, 0);
			assert_int_equal(only_finding(&s)->severity, rows[i].severity);
		}
		scene_done(&s);
	}
}

/* Two looks are not enough to say that it stays. */
static void a_short_sample_warns_of_no_queue(void **state)
{
	static const uint32_t waiting[] = {99};
	struct scene s;

	(void)state;
	scene_init(&s);
	assert_int_equal(ask_queue(&s, waiting, 1, 99), FOUND);
	assert_int_equal(only_finding(&s)->severity, SEVERITY_INFO);
	scene_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_over_is_told_apart),
		cmocka_unit_test(what_goes_on_is_not_over),
		cmocka_unit_test(little_and_unwanted_are_left_out),
		cmocka_unit_test(queues_near_their_backlog),
		cmocka_unit_test(a_short_sample_warns_of_no_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
