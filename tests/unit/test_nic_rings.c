// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rings without memory, full transmit rings, few queues: what the kernel says of such cards, through
 * the real collectors.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>

#include "nic_scene.h"

static void ring_rx_alloc_fail(void **state)
{
	struct card c = card_of_driver("bnxt_en");
	const struct finding *f;
	struct diagnosis d;

	(void)state;
	/* bnxt_get_ring_err_stats() of 6.12: packets thrown away, also in rx_dropped. */
	stat(&c, 0, "rx_total_oom_discards", 40);
	*field(&c, C_LINK_RX_DROPPED) = 40;
	f = found(judge(&d, &c), "ring-rx-alloc-fail");
	assert_non_null(f);
	assert_int_equal(f->lost, 40);
	assert_int_equal(f->state, LOSING);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_non_null(remedy_of(f, "more-memory"));
	/* The reserve and the memory were not read: no number without them. */
	assert_null(remedy_of(f, "keep-more-free"));
	assert_null(found(&d, "ring-rx-overflow"));
	diagnosis_done(&d);
	/* igb_alloc_mapped_page() of 6.1 and 6.12: the driver asks again. A note, but beside an
	 * overflow of the same ring. */
	c = card_of_driver("igb");
	stat(&c, 0, "rx_queue_0_alloc_failed", 300);
	f = found(judge(&d, &c), "ring-rx-alloc-fail");
	assert_int_equal(f->lost, 0);
	assert_int_equal(f->state, AT_RISK);
	assert_int_equal(f->severity, SEVERITY_INFO);
	diagnosis_done(&d);
	*field(&c, C_LINK_RX_MISSED_ERRORS) = 50;
	f = found(judge(&d, &c), "ring-rx-alloc-fail");
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_int_equal(f->lost, 0);
	assert_int_equal(found(&d, "ring-rx-overflow")->lost, 50);
	diagnosis_done(&d);
	c = card_of_driver("igb");
	assert_null(found(judge(&d, &c), "ring-rx-alloc-fail"));
	assert_true(was_cleared(&d, "ring-rx-alloc-fail"));
	diagnosis_done(&d);
}

/* net/core/filter.c sk_filter_trim_cap(): counted in TcpExt.PFMemallocDrop, reason PFMEMALLOC. */
static void ring_rx_alloc_fail_of_the_reserve(void **state)
{
	struct diagnosis d = {0};
	struct observation *o = observe(&d);
	struct drops drops = {0};
	const struct finding *f;
	const struct remedy *r;

	(void)state;
	count(o, C_PF_MEMALLOC_DROP, 5, 105);
	trace(&drops, "PFMEMALLOC", "sk_filter_trim_cap", IPPROTO_TCP, 100);
	o->b.counter[C_MEM_TOTAL] = 16000000;
	o->b.counter_present[C_MEM_TOTAL] = true;
	o->b.sysctl[K_MIN_FREE_KBYTES] = (struct sysctl_value){1, {67584}};
	d.drops = &drops;
	diagnose(&d);
	f = found(&d, "ring-rx-alloc-fail");
	assert_int_equal(f->lost, 100);
	assert_int_equal(ledger_unexplained(&d.ledgers.items[0]), 0);
	r = remedy_of(f, "keep-more-free");
	assert_string_equal(r->commands.items[0], "sysctl -w vm.min_free_kbytes=160000");
	assert_string_equal(r->undo.items[0], "sysctl -w vm.min_free_kbytes=67584");
	drops_done(&drops);
	d.drops = NULL;
	diagnosis_done(&d);
}

static struct qdisc *queue_of(struct snapshot *s, const char *kind, uint32_t drops,
			      uint32_t requeues)
{
	struct qdisc *q = vec_push(&s->qdiscs);

	q->ifindex = 2;
	q->handle = 1 << 16;
	q->parent = 0xffffffff;
	snprintf(q->kind, sizeof(q->kind), "%s", kind);
	q->drops = drops;
	q->requeues = requeues;
	return q;
}

static void judge_queue(struct diagnosis *d, const struct card *c, const char *kind,
			uint32_t requeues)
{
	struct card before = quiet(c);
	struct observation *o;

	*d = (struct diagnosis){0};
	o = vec_push(&d->observations);
	observe_cards(&before, c, 1, o);
	o->a.source[SRC_QDISC].status = o->b.source[SRC_QDISC].status = SOURCE_OK;
	queue_of(&o->a, kind, 0, 0);
	queue_of(&o->b, kind, 5000, requeues);
	diagnose(d);
}

/* The queue drops because the ring is full: only where the driver stopped it, and no shaper did. */
static void ring_tx_full(void **state)
{
	struct card c = card_of_driver("i40e");
	const struct finding *f;
	struct diagnosis d;

	(void)state;
	stat(&c, 0, "tx_stopped", 700);
	judge_queue(&d, &c, "pfifo_fast", 900);
	f = found(&d, "ring-tx-full");
	assert_non_null(f);
	assert_string_equal(f->via->id, "qdisc-drop");
	assert_int_equal(f->lost, 5000);
	assert_string_equal(remedy_of(f, "raise-tx-ring")->commands.items[0],
			    "ethtool -G eth0 tx 512");
	assert_string_equal(remedy_of(f, "raise-tx-ring")->changes.items[0].key, "eth0:ring.tx");
	assert_true(remedy_of(f, "raise-tx-ring")->applicable);
	assert_null(found(&d, "qdisc-drop"));
	diagnosis_done(&d);
	judge_queue(&d, &c, "pfifo_fast", 0);
	assert_null(found(&d, "ring-tx-full"));
	assert_non_null(found(&d, "qdisc-drop"));
	diagnosis_done(&d);
	judge_queue(&d, &c, "tbf", 900);
	assert_null(found(&d, "ring-tx-full"));
	diagnosis_done(&d);
	/* At its maximum there is no longer one. */
	c.tx = c.tx_max;
	judge_queue(&d, &c, "pfifo_fast", 900);
	assert_null(remedy_of(found(&d, "ring-tx-full"), "raise-tx-ring"));
	diagnosis_done(&d);
	/* Stopped and woken, and nothing lost: backpressure. */
	assert_null(found(judge(&d, &c), "ring-tx-full"));
	diagnosis_done(&d);
}

/* mlx5e_xmit() has tx_queue_dropped in tx_dropped too; tx0_dropped is the queue's share. */
static void dropped_by_the_driver(void **state)
{
	struct card c = card_of_driver("mlx5_core");
	const struct finding *f;
	struct diagnosis d;

	(void)state;
	stat(&c, 0, "tx_queue_dropped", 60);
	stat(&c, 1, "tx0_dropped", 20);
	stat(&c, 2, "tx1_dropped", 40);
	*field(&c, C_LINK_TX_DROPPED) = 60;
	f = found(judge(&d, &c), "ring-tx-full");
	assert_int_equal(f->lost, 60);
	assert_int_equal(f->confidence, POSSIBLE);
	assert_int_equal(f->remedies.n, 0);
	diagnosis_done(&d);
	/* What the port discards is no collision on a link of full duplex. */
	c = card_of_driver("mlx5_core");
	stat(&c, 0, "tx_discards_phy", 30);
	*field(&c, C_LINK_TX_ABORTED_ERRORS) = 30;
	f = found(judge(&d, &c), "ring-tx-full");
	assert_int_equal(f->lost, 30);
	assert_null(found(&d, "link-duplex-speed"));
	diagnosis_done(&d);
}

static void ring_queues_below_cpus(void **state)
{
	struct card c = card_of_driver("ixgbe"), before;
	const struct finding *f;
	struct diagnosis d = {0};
	struct observation *o;
	const struct remedy *r;

	(void)state;
	c.combined = 1;
	c.combined_max = 8;
	/* No loss, no word. */
	assert_null(found(judge(&d, &c), "ring-queues-below-cpus"));
	assert_true(was_cleared(&d, "ring-queues-below-cpus"));
	diagnosis_done(&d);
	*field(&c, C_LINK_RX_MISSED_ERRORS) = 500;
	before = quiet(&c);
	d = (struct diagnosis){0};
	o = vec_push(&d.observations);
	observe_cards(&before, &c, 1, o);
	o->a.source[SRC_CPU].status = o->b.source[SRC_CPU].status = SOURCE_OK;
	o->a.source[SRC_INTERRUPTS].status = o->b.source[SRC_INTERRUPTS].status = SOURCE_OK;
	for (unsigned int i = 0; i < 4; i++) {
		struct cpu *cpu = vec_push(&o->a.cpus), *later = vec_push(&o->b.cpus);

		cpu->id = later->id = i;
		cpu->times_present = later->times_present = true;
		later->times.softirq = i ? 0 : 480;
		later->times.idle = i ? 490 : 10;
	}
	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &o->b : &o->a;
		struct netdev_queues *q = vec_push(&at->netdev_queues);
		struct interrupt *irq = vec_push(&at->interrupts);

		q->ifindex = 2;
		snprintf(q->name, sizeof(q->name), "eth0");
		snprintf(q->parent, sizeof(q->parent), "0000:00:03.0");
		snprintf(q->local_cpus, sizeof(q->local_cpus), "0-2");
		irq->number = 30;
		snprintf(irq->name, sizeof(irq->name), "eth0-TxRx-0");
		*vec_push(&at->interrupt_counts) =
			(struct interrupt_count){.number = 30, .cpu = 0, .count = i ? 9000 : 0};
	}
	diagnose(&d);
	f = found(&d, "ring-queues-below-cpus");
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_INFO);
	r = remedy_of(f, "more-queues");
	/* As many as there are CPUs near the card. */
	assert_string_equal(r->commands.items[0], "ethtool -L eth0 combined 3");
	assert_string_equal(r->undo.items[0], "ethtool -L eth0 combined 1");
	diagnosis_done(&d);
}

/* Drivers that leave the fields of the ring at 0, and say nothing elsewhere. */
static void silent_drivers(void **state)
{
	struct card c = card_of_driver("virtio_net");
	struct diagnosis d;
	const struct nic *nic;

	(void)state;
	stat(&c, 0, "rx0_drops", 0);
	stat(&c, 1, "tx0_tx_timeouts", 0);
	judge(&d, &c);
	nic = snapshot_nic(&d.observations.items[0].b, 2);
	assert_non_null(nic_silent(&d.observations.items[0].b, nic));
	assert_true(was_not_examined(&d, "ring-rx-overflow"));
	/* That does not leave the whole stage in the dark. */
	assert_true(was_cleared(&d, "ring-rx-alloc-fail"));
	diagnosis_done(&d);
	/* A hypervisor that counts (VIRTIO_NET_F_DEVICE_STATS). */
	stat(&c, 2, "rx0_hw_drop_overruns", 0);
	judge(&d, &c);
	assert_true(was_cleared(&d, "ring-rx-overflow"));
	diagnosis_done(&d);
	/* gve_get_ethtool_stats(): the card's own are 0 until its report came. */
	c = card_of_driver("gve");
	stat(&c, 0, "rx_no_buffers_posted[0]", 0);
	stat(&c, 1, "stats_report_trigger_cnt", 0);
	assert_true(was_not_examined(judge(&d, &c), "ring-rx-overflow"));
	diagnosis_done(&d);
	c.stats[1].value = 3;
	assert_true(was_cleared(judge(&d, &c), "ring-rx-overflow"));
	diagnosis_done(&d);
	c = card_of_driver("vmxnet3");
	stat(&c, 0, "  pkts rx OOB", 0);
	assert_true(was_cleared(judge(&d, &c), "ring-rx-overflow"));
	diagnosis_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_rx_alloc_fail),
		cmocka_unit_test(ring_rx_alloc_fail_of_the_reserve),
		cmocka_unit_test(ring_tx_full),
		cmocka_unit_test(dropped_by_the_driver),
		cmocka_unit_test(ring_queues_below_cpus),
		cmocka_unit_test(silent_drivers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
