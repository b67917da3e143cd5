// SPDX-License-Identifier: GPL-2.0-or-later
/* Drops of queueing disciplines: which queue of a tree, and queues that come and go. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "causes/stages.h"

#define ROOT 0xffffffffU

struct scene {
	struct observation o;
	struct drops drops;
	struct diagnosis d;
	struct ledger ledger;
	struct exam x;
	struct cleared cleared;
	struct cause_row row;
};

static void scene_init(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->o.inode = 7;
	s->o.seconds = 5;
	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &s->o.b : &s->o.a;
		struct link *link = vec_push(&at->links);

		at->source[SRC_QDISC].status = at->source[SRC_LINK].status = SOURCE_OK;
		link->ifindex = 2;
		link->mtu = 1500;
		snprintf(link->name, sizeof(link->name), "eth0");
	}
}

static struct qdisc *queue(struct snapshot *at, const char *kind, uint32_t handle, uint32_t parent,
			   uint32_t drops)
{
	struct qdisc *q = vec_push(&at->qdiscs);

	snprintf(q->kind, sizeof(q->kind), "%s", kind);
	q->ifindex = 2;
	q->handle = handle << 16;
	q->parent = parent;
	q->drops = drops;
	return q;
}

static void traced(struct scene *s, uint64_t packets)
{
	struct drop *d = vec_push(&s->drops.rows);

	snprintf(d->reason, sizeof(d->reason), "QDISC_DROP");
	d->netns = 7;
	d->ifindex = 2;
	d->packets = packets;
}

static const struct finding *look(struct scene *s)
{
	s->d.drops = &s->drops;
	ledger_init(&s->ledger, &s->drops, 7);
	s->row = (struct cause_row){.id = "test", .direction = DIR_TX};
	s->x = (struct exam){&s->d, &s->o, &s->ledger, &s->row, &s->cleared};
	assert_int_equal(examine_qdisc_drop(&s->x), FOUND);
	assert_int_equal(s->d.findings.n, 1);
	return &s->d.findings.items[0];
}

static void scene_done(struct scene *s)
{
	ledger_done(&s->ledger);
	drops_done(&s->drops);
	observation_done(&s->o);
	s->d.drops = NULL;
	diagnosis_done(&s->d);
}

static const struct remedy *remedy(const struct finding *f, const char *id)
{
	vec_each (r, &f->remedies)
		if (strcmp(r->id, id) == 0)
			return r;
	return NULL;
}

/* htb counts what both its leaves dropped; the leaves are named, and the shaper above is kept. */
static void leaves_of_a_tree(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s);
	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &s.o.b : &s.o.a;

		queue(at, "htb", 1, ROOT, i ? 1000 : 0);
		queue(at, "pfifo", 0x10, 0x10001, i ? 600 : 0)->limit = 5;
		queue(at, "pfifo", 0x20, 0x10002, i ? 400 : 0)->limit = 5;
	}
	traced(&s, 1000);
	f = look(&s);
	assert_int_equal(f->lost, 1000);
	assert_true(f->counted_known);
	assert_int_equal(f->counted, 1000);
	assert_string_equal(f->evidence.items[0].name, "eth0 pfifo 10: drops");
	assert_string_equal(f->evidence.items[1].name, "eth0 pfifo 20: drops");
	assert_non_null(remedy(f, "raise-shaper"));
	assert_string_equal(remedy(f, "fair-queue")->commands.items[0],
			    "tc qdisc replace dev eth0 parent 1:1 fq_codel");
	assert_string_equal(remedy(f, "raise-limit")->undo.items[0],
			    "tc qdisc change dev eth0 parent 1:1 handle 10: pfifo limit 5");
	scene_done(&s);
}

static void leaves_of_mq(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s);
	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &s.o.b : &s.o.a;

		/* As the kernel sets it up: no handles. */
		queue(at, "mq", 0, ROOT, i ? 50 : 0);
		queue(at, "pfifo_fast", 0, 1, i ? 50 : 0);
		queue(at, "pfifo_fast", 0, 2, 0);
	}
	traced(&s, 50);
	f = look(&s);
	assert_int_equal(f->lost, 50);
	assert_int_equal(f->counted, 50);
	assert_null(remedy(f, "raise-limit"));
	scene_done(&s);
}

static void queues_come_and_go(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s);
	queue(&s.o.a, "tbf", 1, ROOT, 70);
	queue(&s.o.b, "pfifo", 2, ROOT, 30);
	traced(&s, 500);
	f = look(&s);
	assert_int_equal(f->lost, 500);
	assert_false(f->counted_known);
	assert_int_equal(f->subjects.items[0].lost, 500);
	scene_done(&s);
}

static void burst_below_a_packet(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s);
	for (int i = 0; i < 2; i++) {
		struct qdisc *q = queue(i ? &s.o.b : &s.o.a, "tbf", 1, ROOT, i ? 100 : 0);

		q->rate_bps = 1000000;
		q->limit = 9000;
		q->burst = 1000;
	}
	traced(&s, 100);
	f = look(&s);
	assert_int_equal(f->remedies.n, 1);
	assert_string_equal(
		f->remedies.items[0].commands.items[0],
		"tc qdisc change dev eth0 root handle 1: tbf rate 1000000bit burst 1514 "
		"limit 9000");
	scene_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_of_a_tree),
		cmocka_unit_test(leaves_of_mq),
		cmocka_unit_test(queues_come_and_go),
		cmocka_unit_test(burst_below_a_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
