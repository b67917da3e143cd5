// SPDX-License-Identifier: GPL-2.0-or-later
/* Drops of queueing disciplines: which queue of a tree, and queues that come and go. */
#define _GNU_SOURCE
#include "observe.h"

#include "causes/stages.h"
#include "collect/proctext.h"

#define ROOT 0xffffffffU

/* eth0, with its queues still to come. */
static void begin(struct scene *s)
{
	scene_init(s);
	s->row.direction = DIR_TX;
	device(&s->o, 2, "eth0");
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

static const struct finding *look(struct scene *s, uint64_t packets)
{
	trace(&s->drops, "QDISC_DROP", "", 0, packets)->ifindex = 2;
	assert_int_equal(scene_ask(s, examine_qdisc_drop), FOUND);
	return only_finding(s);
}

/* htb counts what both its leaves dropped; the leaves are named, and the shaper above is kept. */
static void leaves_of_a_tree(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	begin(&s);
	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &s.o.b : &s.o.a;

		queue(at, "htb", 1, ROOT, i ? 1000 : 0);
		queue(at, "pfifo", 0x10, 0x10001, i ? 600 : 0)->limit = 5;
		queue(at, "pfifo", 0x20, 0x10002, i ? 400 : 0)->limit = 5;
	}
	f = look(&s, 1000);
	assert_int_equal(f->lost, 1000);
	assert_true(f->counted_known);
	assert_int_equal(f->counted, 1000);
	assert_string_equal(f->evidence.items[0].name, "eth0 pfifo 10: drops");
	assert_string_equal(f->evidence.items[1].name, "eth0 pfifo 20: drops");
	assert_non_null(remedy_of(f, "raise-shaper"));
	assert_string_equal(remedy_of(f, "fair-queue")->commands.items[0],
			    "tc qdisc replace dev eth0 parent 1:1 fq_codel");
	assert_string_equal(remedy_of(f, "raise-limit")->undo.items[0],
			    "tc qdisc change dev eth0 parent 1:1 handle 10: pfifo limit 5");
	scene_done(&s);
}

static void leaves_of_mq(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	begin(&s);
	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &s.o.b : &s.o.a;

		/* As the kernel sets it up: no handles. */
		queue(at, "mq", 0, ROOT, i ? 50 : 0);
		queue(at, "pfifo_fast", 0, 1, i ? 50 : 0);
		queue(at, "pfifo_fast", 0, 2, 0);
	}
	f = look(&s, 50);
	assert_int_equal(f->lost, 50);
	assert_int_equal(f->counted, 50);
	assert_null(remedy_of(f, "raise-limit"));
	scene_done(&s);
}

static void queues_come_and_go(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	begin(&s);
	queue(&s.o.a, "tbf", 1, ROOT, 70);
	queue(&s.o.b, "pfifo", 2, ROOT, 30);
	f = look(&s, 500);
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
	begin(&s);
	for (int i = 0; i < 2; i++) {
		struct qdisc *q = queue(i ? &s.o.b : &s.o.a, "tbf", 1, ROOT, i ? 100 : 0);

		q->rate_bps = 1000000;
		q->limit = 9000;
		q->burst = 1000;
	}
	f = look(&s, 100);
	assert_int_equal(f->remedies.n, 1);
	assert_string_equal(
		f->remedies.items[0].commands.items[0],
		"tc qdisc change dev eth0 root handle 1: tbf rate 1000000bit burst 1514 "
		"limit 9000");
	scene_done(&s);
}

/* Two transmit queues without CPUs: told where the device drops, and there alone. */
static void xps_off(void **state)
{
	static const char off[] = "device 2 eth0 0000:00:05.0 2 2 0 0-1\ntx 2 0 0\ntx 2 1 0\n";
	static const char on[] = "device 2 eth0 0000:00:05.0 2 2 0 0-1\ntx 2 0 1\ntx 2 1 2\n";

	(void)state;
	for (int i = 0; i < 3; i++) {
		const struct finding *found = NULL;
		struct diagnosis d = {0};
		struct observation *o = observe(&d);

		device(o, 2, "eth0");
		assert_int_equal(parse_queues(span_of(i == 2 ? on : off), &o->b), 0);
		*vec_push(&o->b.cpus) = (struct cpu){.id = 0};
		*vec_push(&o->b.cpus) = (struct cpu){.id = 1};
		queue(&o->a, "fq_codel", 1, ROOT, 0);
		queue(&o->b, "fq_codel", 1, ROOT, i == 1 ? 0 : 5000);
		diagnose(&d);
		vec_each(f, &d.findings)
			if (strcmp(f->cause->id, "xps-off") == 0)
				found = f;
		assert_int_equal(found != NULL, i == 0);
		if (found) {
			assert_int_equal(found->severity, SEVERITY_INFO);
			assert_string_equal(remedy_of(found, "xps")->commands.items[1],
					    "sh -c 'echo 2 > /sys/class/net/eth0/queues/tx-1/xps_cpus'");
		}
		diagnosis_done(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_of_a_tree),
		cmocka_unit_test(leaves_of_mq),
		cmocka_unit_test(queues_come_and_go),
		cmocka_unit_test(burst_below_a_packet),
		cmocka_unit_test(xps_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
