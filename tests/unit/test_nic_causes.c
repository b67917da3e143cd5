// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Causes of the stages link and ring on what the kernel says of cards: nic_host.h plays it, the real
 * collectors read it, the engine judges it.
 */
#define _GNU_SOURCE
#include <errno.h>

#include "nic_scene.h"

#include "causes/cards.h"

/* The only finding of these stages. */
static const struct finding *only(const struct diagnosis *d, const char *id)
{
	static const char *const ids[] = {"link-crc-errors", "link-frame-length-errors",
					  "link-duplex-speed", "link-flap", "ring-rx-overflow"};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (strcmp(ids[i], id) != 0 && found(d, ids[i]))
			fail_msg("%s is named", ids[i]);
	assert_non_null(found(d, id));
	return found(d, id);
}

static void healthy_cards(void **state)
{
	static const char *const ids[] = {"link-crc-errors", "link-frame-length-errors",
					  "link-duplex-speed", "ring-rx-overflow", "ring-below-max"};
	struct card c = card_of_driver("igb");
	struct diagnosis d;

	(void)state;
	/* Counters that only look like loss. */
	stat(&c, 0, "rx_no_buffer_count", 500);
	stat(&c, 1, "rx_flow_control_xoff", 500);
	*field(&c, C_LINK_RX_DROPPED) = 700;
	*field(&c, C_LINK_COLLISIONS) = 3;
	*field(&c, C_LINK_MULTICAST) = 3000;
	judge(&d, &c);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_null(found(&d, ids[i]));
		assert_true(was_cleared(&d, ids[i]));
	}
	diagnosis_done(&d);
}

/* drivers/net/ethernet/intel/igb: -S repeats the field; the group has it a third time. */
static void link_crc_errors(void **state)
{
	struct card c = card_of_driver("igb");
	const struct finding *f;
	struct diagnosis d;

	(void)state;
	*field(&c, C_LINK_RX_CRC_ERRORS) = 500;
	*field(&c, C_LINK_RX_ERRORS) = 500;
	stat(&c, 0, "rx_crc_errors", 500);
	c.fcs_errors = 501;
	f = only(judge(&d, &c), "link-crc-errors");
	assert_int_equal(f->lost, 500);
	assert_int_equal(f->of, 1000500);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	assert_string_equal(f->subjects.items[0].device, "eth0");
	assert_non_null(remedy_of(f, "replace-cable"));
	assert_int_equal(d.verdict, LOSING_VERDICT);
	diagnosis_done(&d);
	/* One of a million frames. */
	*field(&c, C_LINK_RX_CRC_ERRORS) = c.stats[0].value = 1;
	c.fcs_errors = 2;
	f = only(judge(&d, &c), "link-crc-errors");
	assert_int_equal(f->lost, 1);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	diagnosis_done(&d);
	/* mlx5 tells it in its own name too; a switch port behind a bond shows it again. */
	c = card_of_driver("mlx5_core");
	stat(&c, 0, "rx_crc_errors_phy", 77);
	f = only(judge(&d, &c), "link-crc-errors");
	assert_int_equal(f->lost, 77);
	assert_int_equal(f->confidence, LIKELY); /* the port may be another's too */
	diagnosis_done(&d);
	*field(&c, C_LINK_RX_CRC_ERRORS) = 77;
	f = only(judge(&d, &c), "link-crc-errors");
	assert_int_equal(f->lost, 77);
	assert_int_equal(f->confidence, CERTAIN);
	diagnosis_done(&d);
	c.kind = "bond";
	*field(&c, C_LINK_RX_CRC_ERRORS) = 77;
	assert_null(found(judge(&d, &c), "link-crc-errors"));
	diagnosis_done(&d);
}

static void link_frame_length_errors(void **state)
{
	struct card c = card_of_driver("e1000e");
	const struct finding *f;
	struct diagnosis d;

	(void)state;
	/* Larger frames than ours: rx_length_errors = roc + ruc (e1000e_update_stats). */
	*field(&c, C_LINK_RX_LENGTH_ERRORS) = 40;
	stat(&c, 0, "rx_length_errors", 40);
	stat(&c, 1, "rx_long_length_errors", 40);
	stat(&c, 2, "rx_short_length_errors", 0);
	f = only(judge(&d, &c), "link-frame-length-errors");
	assert_int_equal(f->lost, 40);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_non_null(strstr(f->headline, "longer"));
	assert_int_equal(f->remedies.n, 1);
	assert_non_null(remedy_of(f, "same-mtu"));
	diagnosis_done(&d);
	/* Misaligned ones, of another kind each. */
	c = card_of_driver("e1000e");
	*field(&c, C_LINK_RX_FRAME_ERRORS) = 5;
	*field(&c, C_LINK_RX_LENGTH_ERRORS) = 7;
	stat(&c, 0, "rx_align_errors", 5);
	stat(&c, 1, "rx_short_length_errors", 7);
	f = only(judge(&d, &c), "link-frame-length-errors");
	assert_int_equal(f->lost, 12);
	assert_null(strstr(f->headline, "longer"));
	assert_non_null(remedy_of(f, "replace-cable"));
	diagnosis_done(&d);
	/* An overrun that is a frame too long, as some drivers count it: no ring is blamed. */
	c = card_of_driver("e1000e");
	*field(&c, C_LINK_RX_LENGTH_ERRORS) = *field(&c, C_LINK_RX_OVER_ERRORS) = 9;
	f = only(judge(&d, &c), "link-frame-length-errors");
	assert_int_equal(f->lost, 9);
	diagnosis_done(&d);
}

static void link_duplex_speed(void **state)
{
	struct card c = card_of_driver("tg3");
	const struct finding *f;
	struct diagnosis d;

	(void)state;
	/* Half duplex, and the other end does not know: late collisions. */
	c.speed = 100;
	c.duplex = DUPLEX_HALF;
	c.peer = 0;
	*field(&c, C_LINK_COLLISIONS) = 4000;
	*field(&c, C_LINK_TX_WINDOW_ERRORS) = 300;
	*field(&c, C_LINK_TX_ABORTED_ERRORS) = 20;
	*field(&c, C_LINK_TX_HEARTBEAT_ERRORS) = 5;
	f = only(judge(&d, &c), "link-duplex-speed");
	assert_int_equal(f->lost, 320);
	assert_int_equal(f->state, LOSING);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_int_equal(f->direction, DIR_TX);
	assert_non_null(remedy_of(f, "mend-other-end"));
	diagnosis_done(&d);
	/* Without negotiation here: that first. Nothing lost: a note. */
	c = card_of_driver("tg3");
	c.speed = 100;
	c.duplex = DUPLEX_HALF;
	c.autoneg = 0;
	f = only(judge(&d, &c), "link-duplex-speed");
	assert_int_equal(f->lost, 0);
	assert_int_equal(f->state, AT_RISK);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_string_equal(remedy_of(f, "negotiate")->undo.items[0],
			    "ethtool -s eth0 speed 100 duplex half autoneg off");
	diagnosis_done(&d);
	/* Below what both ends offer. */
	c = card_of_driver("tg3");
	c.speed = 100;
	f = only(judge(&d, &c), "link-duplex-speed");
	assert_non_null(strstr(f->headline, "both ends can do 1000"));
	assert_int_equal(f->severity, SEVERITY_INFO);
	diagnosis_done(&d);
	/* The other end can do no more; a virtual card says what it likes; no carrier. */
	c.peer = M100_FULL;
	assert_null(found(judge(&d, &c), "link-duplex-speed"));
	diagnosis_done(&d);
	c = card_of_driver("virtio_net");
	c.duplex = DUPLEX_HALF;
	assert_null(found(judge(&d, &c), "link-duplex-speed"));
	diagnosis_done(&d);
	/* The carrier was lost altogether, or not. */
	c = card_of_driver("tg3");
	*field(&c, C_LINK_TX_CARRIER_ERRORS) = 15;
	f = only(judge(&d, &c), "link-duplex-speed");
	assert_int_equal(f->lost, 15);
	assert_int_equal(f->confidence, LIKELY);
	diagnosis_done(&d);
	c.carrier_changes = 3;
	assert_null(found(judge(&d, &c), "link-duplex-speed"));
	diagnosis_done(&d);
	/* A tunnel counts missing routes as lost carrier, and loops as collisions. */
	c = card_of_driver("ipip");
	c.kind = "ipip";
	*field(&c, C_LINK_TX_CARRIER_ERRORS) = *field(&c, C_LINK_COLLISIONS) = 100;
	assert_null(found(judge(&d, &c), "link-duplex-speed"));
	diagnosis_done(&d);
}

/* A mismatch as the end in full duplex sees it: pieces of frames, which the link explains. */
static void duplex_with_damage(void **state)
{
	struct card c = card_of_driver("tg3");
	const struct finding *f;
	struct diagnosis d;

	(void)state;
	c.speed = 100;
	c.duplex = DUPLEX_HALF;
	*field(&c, C_LINK_RX_CRC_ERRORS) = 50;
	judge(&d, &c);
	f = found(&d, "link-duplex-speed");
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_int_equal(f->state, AT_RISK);
	assert_int_equal(found(&d, "link-crc-errors")->lost, 50);
	diagnosis_done(&d);
}

/* net/core/rtnetlink.c rtnl_fill_ifinfo() of 6.12: IFLA_CARRIER_DOWN_COUNT */
static void link_flap(void **state)
{
	struct card c = card_of_driver("i40e");
	const struct finding *f;
	struct diagnosis d;

	(void)state;
	c.carrier_changes = 3;
	c.carrier_downs = 1;
	f = only(judge(&d, &c), "link-flap");
	assert_int_equal(f->lost, 0);
	assert_int_equal(f->state, AT_RISK);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_non_null(remedy_of(f, "replace-cable"));
	diagnosis_done(&d);
	/* What the card had to send then: both its own and the netdev's counter. */
	c.carrier_downs = 3;
	stat(&c, 0, "port.tx_dropped_link_down", 40);
	*field(&c, C_LINK_TX_CARRIER_ERRORS) = 2;
	f = only(judge(&d, &c), "link-flap");
	assert_int_equal(f->lost, 42);
	assert_int_equal(f->state, LOSING);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	diagnosis_done(&d);
	/* It came up for the first time; it is down by its administrator; a bridge. */
	c = card_of_driver("i40e");
	c.carrier_changes = 2;
	assert_null(found(judge(&d, &c), "link-flap"));
	assert_true(was_cleared(&d, "link-flap"));
	diagnosis_done(&d);
	c.carrier_downs = 1;
	c.flags = IFF_BROADCAST;
	assert_null(found(judge(&d, &c), "link-flap"));
	diagnosis_done(&d);
	c.flags = 0;
	c.kind = "bridge";
	assert_null(found(judge(&d, &c), "link-flap"));
	diagnosis_done(&d);
}

/* ---- ring-rx-overflow: every driver's counters hold one loss, and no less ---- */

static void ring_rx_overflow(void **state)
{
	static const struct {
		const char *driver;
		uint64_t missed, fifo, over;
		struct {
			const char *name;
			uint64_t value;
		} stats[4];
		uint64_t lost;
	} cases[] = {
		{"e1000", 40, 0, 0, {{"rx_missed_errors", 40}, {"rx_no_buffer_count", 900}}, 40},
		{"igb", 0, 30, 0, {{"rx_fifo_errors", 30}, {"rx_queue_0_drops", 10}, {"rx_queue_1_drops", 20}}, 30},
		/* The statistics of the queues were read later. */
		{"igb", 0, 28, 0, {{"rx_queue_0_drops", 10}, {"rx_queue_1_drops", 20}}, 30},
		{"ixgbe", 5, 0, 0, {{"rx_missed_errors", 5}, {"rx_no_dma_resources", 60}, {"hw_rx_no_dma_resources", 60}}, 65},
		{"i40e", 12, 0, 0, {{"rx_missed_errors", 12}, {"port.rx_dropped", 12}}, 12},
		{"i40e", 0, 0, 0, {{"port.rx_dropped", 12}}, 12},
		{"mlx5_core", 9, 0, 0, {{"rx_out_of_buffer", 9}}, 9},
		{"bnxt_en", 0, 0, 0, {{"[0]: rx_discards", 3}, {"[1]: rx_discards", 4}, {"rx_total_ring_discards", 7}}, 7},
		{"gve", 0, 0, 0, {{"rx_no_buffers_posted[0]", 3}, {"rx_no_buffers_posted[1]", 4}}, 7},
		{"vmxnet3", 0, 0, 0, {{"  pkts rx OOB", 3}, {"  pkts rx OOB", 4}}, 7},
		{"ena", 0, 0, 11, {{"bw_in_allowance_exceeded", 500}}, 11},
		/* igb_update_stats() of 6.1 and 6.12: what the port missed is in both fields. */
		{"igb", 7, 37, 0, {{"rx_missed_errors", 7}, {"rx_fifo_errors", 37}, {"rx_queue_0_drops", 30}}, 37},
		{"igc", 7, 7, 0, {{"rx_missed_errors", 7}}, 7},
		/* The function's own and the port's, each again in a field. */
		{"ice", 12, 0, 0, {{"rx_dropped", 9}, {"rx_dropped.nic", 12}}, 12},
		{"bnxt_en", 7, 0, 0, {{"[0]: rx_discards", 3}, {"[1]: rx_discards", 4}, {"rx_total_ring_discards", 7}}, 7},
		{"mlx5_core", 0, 0, 0, {{"rx_discards_phy", 8}, {"rx_prio0_buf_discard", 5}, {"rx_prio1_buf_discard", 3}}, 8},
		/* bnx2x_net_stats_update(): the ring is fifo, the chip's buffer is over. */
		{"bnx2x", 0, 7, 5, {{"rx_discards", 7}, {"[0]: rx_discards", 7}, {"rx_brb_discard", 5}}, 12},
		/* be_parse_stats(): one field, three counters. */
		{"be2net", 0, 9, 0, {{"rx_drops_no_pbuf", 4}, {"rx_input_fifo_overflow_drop", 5}}, 9},
		{"sfc", 0, 5, 0, {{"port_rx_nodesc_drops", 4}, {"port_rx_overflow", 5}}, 9},
		{"qede", 0, 6, 0, {{"no_buff_discards", 6}}, 6},
		/* Names padded with blanks, as cxgb4 has them. */
		{"cxgb4", 0, 0, 0, {{"rx_bg0_frames_dropped  ", 3}, {"rx_bg1_frames_dropped  ", 4}}, 7},
		{"ionic", 0, 0, 8, {{"hw_rx_over_errors", 8}}, 8},
		{"st_gmac", 6, 0, 2, {{"rx_missed_cntr", 6}, {"rx_overflow_cntr", 2}}, 8},
		{"tg3", 9, 0, 0, {{"rx_discards", 9}, {"rxbds_empty", 8}}, 9},
		{"virtio_net", 0, 0, 0, {{"rx0_hw_drop_overruns", 3}, {"rx0_hw_drops", 5}}, 3},
		/* Two names of the kernel's for one thing, whoever the driver is. */
		{"gem", 0, 6, 6, {{NULL, 0}}, 6},
		{"gem", 5, 0, 8, {{NULL, 0}}, 8},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct card c = card_of_driver(cases[i].driver);
		const struct finding *f;
		struct diagnosis d;

		*field(&c, C_LINK_RX_MISSED_ERRORS) = cases[i].missed;
		*field(&c, C_LINK_RX_FIFO_ERRORS) = cases[i].fifo;
		*field(&c, C_LINK_RX_OVER_ERRORS) = cases[i].over;
		for (size_t k = 0; k < ARRAY_SIZE(cases[i].stats); k++)
			stat(&c, k, cases[i].stats[k].name, cases[i].stats[k].value);
		f = only(judge(&d, &c), "ring-rx-overflow");
		if (f->lost != cases[i].lost)
			fail_msg("%s (%zu): %lu lost, not %lu", cases[i].driver, i,
				 (unsigned long)f->lost, (unsigned long)cases[i].lost);
		assert_int_equal(f->severity, SEVERITY_WARNING);
		assert_string_equal(f->subjects.items[0].device, "eth0");
		diagnosis_done(&d);
	}
}

/* Interrupts and CPUs beside the cards, as the collectors of those leave them. */
static void add_cpu(struct observation *o, unsigned int id, uint64_t idle, uint64_t softirq,
		    uint64_t steal)
{
	for (int i = 0; i < 2; i++) {
		struct cpu *cpu = vec_push(i ? &o->b.cpus : &o->a.cpus);

		cpu->id = id;
		cpu->times_present = true;
		if (!i)
			continue;
		cpu->times.idle = idle;
		cpu->times.softirq = softirq;
		cpu->times.steal = steal;
		cpu->times.user = 500 - idle - softirq - steal;
	}
}

static void add_vector(struct observation *o, unsigned int number, const char *name,
		       unsigned int cpu, uint64_t count)
{
	for (int i = 0; i < 2; i++) {
		struct snapshot *s = i ? &o->b : &o->a;
		struct interrupt *vector = vec_push(&s->interrupts);
		struct interrupt_count *c = vec_push(&s->interrupt_counts);
		struct netdev_interrupt *n = vec_push(&s->netdev_interrupts);

		vector->number = n->number = c->number = number;
		snprintf(vector->name, sizeof(vector->name), "%s", name);
		c->cpu = cpu;
		c->count = i ? count : 0;
		n->ifindex = 2;
		snprintf(n->allowed, sizeof(n->allowed), "0-3");
	}
}

static struct observation *overflowing(struct diagnosis *d, const struct card *after)
{
	static const enum source sources[] = {SRC_CPU, SRC_INTERRUPTS, SRC_QUEUES, SRC_SOFTNET};
	struct card before = quiet(after);
	struct observation *o;

	*d = (struct diagnosis){0};
	o = vec_push(&d->observations);
	observe_cards(&before, after, 1, o);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		o->a.source[sources[i]].status = o->b.source[sources[i]].status = SOURCE_OK;
	for (int i = 0; i < 2; i++) {
		struct netdev_queues *q = vec_push(i ? &o->b.netdev_queues : &o->a.netdev_queues);

		q->ifindex = 2;
		snprintf(q->name, sizeof(q->name), "eth0");
		snprintf(q->local_cpus, sizeof(q->local_cpus), "0-3");
	}
	return o;
}

static struct card full_ring(const char *driver)
{
	struct card c = card_of_driver(driver);

	*field(&c, C_LINK_RX_MISSED_ERRORS) = 50000;
	c.combined = c.combined_max = 1;
	return c;
}

static void expect_remedies(const struct diagnosis *d, const char *one, const char *two)
{
	const struct finding *f = found(d, "ring-rx-overflow");
	const char *wanted[] = {one, two};
	size_t n = two ? 2 : one ? 1 : 0;

	assert_non_null(f);
	for (size_t i = 0; i < n && i < f->remedies.n; i++)
		assert_string_equal(f->remedies.items[i].id, wanted[i]);
	assert_int_equal(f->remedies.n, n);
}

static void remedies_fit(void **state)
{
	struct card c = full_ring("igb");
	const struct finding *f;
	struct observation *o;
	struct diagnosis d;

	(void)state;
	/* The CPU of the only queue is busy with other work, and another has time. */
	o = overflowing(&d, &c);
	add_cpu(o, 0, 20, 100, 0);
	add_cpu(o, 1, 480, 0, 0);
	add_vector(o, 30, "eth0", 0, 5000);
	diagnose(&d);
	expect_remedies(&d, "move-interrupt", "raise-rx-ring");
	f = found(&d, "ring-rx-overflow");
	assert_int_equal(f->subjects.items[0].cpu, 0);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	assert_string_equal(f->remedies.items[0].commands.items[0],
			    "echo 1 > /proc/irq/30/smp_affinity_list");
	assert_string_equal(f->remedies.items[0].undo.items[0],
			    "echo 0-3 > /proc/irq/30/smp_affinity_list");
	assert_string_equal(f->remedies.items[1].commands.items[0], "ethtool -G eth0 rx 512");
	assert_non_null(found(&d, "ring-below-max"));
	assert_int_equal(found(&d, "ring-below-max")->severity, SEVERITY_INFO);
	diagnosis_done(&d);

	/* It is full of packets: the others must take a share. */
	o = overflowing(&d, &c);
	add_cpu(o, 0, 0, 490, 0);
	add_cpu(o, 1, 480, 0, 0);
	add_cpu(o, 2, 480, 0, 0);
	add_vector(o, 30, "eth0-TxRx-0", 0, 5000);
	diagnose(&d);
	expect_remedies(&d, "turn-on-rps", "raise-rx-ring");
	assert_string_equal(found(&d, "ring-rx-overflow")->remedies.items[0].commands.items[0],
			    "sh -c 'echo 6 > /sys/class/net/eth0/queues/rx-0/rps_cpus'");
	diagnosis_done(&d);

	/* Nobody has time. */
	o = overflowing(&d, &c);
	add_cpu(o, 0, 0, 490, 0);
	add_cpu(o, 1, 0, 0, 0);
	add_vector(o, 30, "eth0", 0, 5000);
	diagnose(&d);
	expect_remedies(&d, "more-cpu", "raise-rx-ring");
	diagnosis_done(&d);

	/* It had time: a burst. */
	o = overflowing(&d, &c);
	add_cpu(o, 0, 400, 50, 0);
	add_cpu(o, 1, 480, 0, 0);
	add_vector(o, 30, "eth0", 0, 5000);
	diagnose(&d);
	expect_remedies(&d, "raise-rx-ring", NULL);
	diagnosis_done(&d);

	/* At its maximum: nothing that does not help. */
	c.rx = 4096;
	o = overflowing(&d, &c);
	add_cpu(o, 0, 400, 50, 0);
	add_vector(o, 30, "eth0", 0, 5000);
	diagnose(&d);
	expect_remedies(&d, NULL, NULL);
	assert_null(found(&d, "ring-below-max"));
	diagnosis_done(&d);
}

/* The CPU had time on the whole, and none for a while: that is when a ring runs over. */
static void a_short_while_without_time(void **state)
{
	struct card c = full_ring("igb");
	struct observation *o;
	struct diagnosis d;

	(void)state;
	o = overflowing(&d, &c);
	add_cpu(o, 0, 350, 0, 0);
	add_cpu(o, 1, 480, 0, 0);
	add_vector(o, 30, "eth0", 0, 5000);
	for (uint64_t i = 1; i < 10; i++) {
		struct snapshot *look = vec_push(&o->looks);
		struct cpu *cpu = vec_push(&look->cpus);

		look->source[SRC_CPU].status = SOURCE_OK;
		cpu->times_present = true;
		cpu->times.user = i <= 3 ? 0 : MIN(i - 3, 3) * 50;
		cpu->times.idle = i * 50 - cpu->times.user;
	}
	diagnose(&d);
	expect_remedies(&d, "move-interrupt", "raise-rx-ring");
	diagnosis_done(&d);
}

static void remedies_of_queues(void **state)
{
	struct card c = full_ring("ixgbe");
	struct observation *o;
	struct diagnosis d;

	(void)state;
	c.combined = c.combined_max = 4;
	c.rx = 4096;
	/* Four queues, all of them on one CPU; the one for transmission does not count. */
	o = overflowing(&d, &c);
	for (unsigned int i = 0; i < 4; i++) {
		char name[24];

		snprintf(name, sizeof(name), "eth0-TxRx-%u", i);
		add_cpu(o, i, i ? 480 : 0, i ? 0 : 490, 0);
		add_vector(o, 30 + i, name, 0, 5000);
	}
	add_vector(o, 34, "eth0-tx-0", 1, 50000);
	diagnose(&d);
	expect_remedies(&d, "spread-interrupts", NULL);
	assert_int_equal(found(&d, "ring-rx-overflow")->remedies.items[0].commands.n, 4);
	assert_string_equal(found(&d, "ring-rx-overflow")->remedies.items[0].commands.items[3],
			    "echo 0 > /proc/irq/33/smp_affinity_list");
	diagnosis_done(&d);

	/* One queue of four in use. */
	c.combined = 1;
	o = overflowing(&d, &c);
	for (unsigned int i = 0; i < 8; i++)
		add_cpu(o, i, i ? 480 : 0, i ? 0 : 490, 0);
	add_vector(o, 30, "eth0-TxRx-0", 0, 5000);
	diagnose(&d);
	expect_remedies(&d, "more-queues", NULL);
	assert_string_equal(found(&d, "ring-rx-overflow")->remedies.items[0].commands.items[0],
			    "ethtool -L eth0 combined 4");
	diagnosis_done(&d);
}

static void remedies_of_hypervisors(void **state)
{
	struct card c = full_ring("virtio_net");
	struct observation *o;
	struct diagnosis d;

	(void)state;
	c.rx = c.rx_max = 256;
	o = overflowing(&d, &c);
	add_cpu(o, 0, 400, 20, 75);
	add_cpu(o, 1, 480, 0, 0);
	add_vector(o, 30, "eth0", 0, 5000);
	diagnose(&d);
	assert_null(found(&d, "ring-rx-overflow"));
	assert_non_null(found(&d, "cpu-steal-rx"));
	diagnosis_done(&d);

	/* The card's own buffer: neither ring nor CPU. */
	c = card_of_driver("mlx5_core");
	stat(&c, 0, "rx_discards_phy", 800);
	o = overflowing(&d, &c);
	add_cpu(o, 0, 0, 490, 0);
	add_cpu(o, 1, 480, 0, 0);
	add_vector(o, 30, "eth0", 0, 5000);
	diagnose(&d);
	expect_remedies(&d, "relieve-card", NULL);
	diagnosis_done(&d);
}

/* What collect/cpuidle.c keeps of a host with intel_idle, at 10 Gbit/s: read back and judged. */
static void sleep_at(struct observation *o, bool end, const char *text)
{
	struct recording *r = recording_new();
	struct netns ns = {.inode = 1, .fd = -1};
	struct host h = {.ns = &ns, .phase = "b", .recording = r, .replay = true};
	struct buf data = {.data = (char *)(uintptr_t)text, .len = strlen(text)};
	struct snapshot *s = end ? &o->b : &o->a, part = {0};

	vec_each(l, &o->b.links)
		*vec_push(&part.links) = *l;
	recording_put(r, "1/b/made/cpuidle", 0, &data);
	assert_int_equal(collect_cpuidle(&h, &part), 0);
	snapshot_take(s, &part, SRC_CPUIDLE);
	s->source[SRC_CPUIDLE].status = SOURCE_OK;
	snapshot_done(&part);
	recording_free(r);
}

static void judge_sleep(struct diagnosis *d, uint32_t speed, uint64_t idle, const char *after)
{
	static const char before[] = "governor acpi-cpufreq powersave\n"
				     "state 0 1 2 0 500 90000 C1\nstate 0 3 133 0 100 700000 C6\n";
	struct card c = full_ring("ixgbe");
	struct observation *o;

	c.speed = speed;
	o = overflowing(d, &c);
	add_cpu(o, 0, idle, 50, 0);
	add_cpu(o, 1, 480, 0, 0);
	add_vector(o, 30, "eth0-TxRx-0", 0, 5000);
	sleep_at(o, false, before);
	sleep_at(o, true, after);
	diagnose(d);
}

static void cpu_cstate_wakeup(void **state)
{
	static const char deep[] = "governor acpi-cpufreq powersave\n"
				   "state 0 1 2 0 900 99000 C1\nstate 0 3 133 0 300 3700000 C6\n";
	static const char shallow[] = "governor intel_pstate powersave\n"
				      "state 0 1 2 0 9000 990000 C1\nstate 0 3 133 0 100 700000 C6\n";
	const struct finding *f;
	struct diagnosis d;

	(void)state;
	judge_sleep(&d, 10000, 450, deep);
	f = found(&d, "cpu-cstate-wakeup");
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_int_equal(f->confidence, POSSIBLE);
	assert_non_null(remedy_of(f, "no-deep-sleep"));
	assert_non_null(remedy_of(f, "performance-governor"));
	assert_non_null(found(&d, "ring-rx-overflow"));
	diagnosis_done(&d);
	/* In 133 us 197 frames come at 1 Gbit/s: the ring of 256 holds them. */
	judge_sleep(&d, 1000, 450, deep);
	assert_true(was_cleared(&d, "cpu-cstate-wakeup"));
	diagnosis_done(&d);
	/* It was not in that state; then: it had work to do. */
	judge_sleep(&d, 10000, 450, shallow);
	assert_true(was_cleared(&d, "cpu-cstate-wakeup"));
	diagnosis_done(&d);
	judge_sleep(&d, 10000, 20, deep);
	assert_true(was_cleared(&d, "cpu-cstate-wakeup"));
	diagnosis_done(&d);
}

/* What a driver keeps to itself cannot be cleared without asking it. */
static void without_ethtool(void **state)
{
	struct card c = card_of_driver("vmxnet3");
	struct observation *o;
	struct diagnosis d;
	bool told = false;

	(void)state;
	o = overflowing(&d, &c);
	o->b.source[SRC_ETHTOOL] = (struct source_state){.status = SOURCE_ABSENT, .err = -ETIMEDOUT};
	diagnose(&d);
	assert_false(was_cleared(&d, "ring-rx-overflow"));
	vec_each(n, &d.not_examined)
		told |= strcmp(n->cause->id, "ring-rx-overflow") == 0 && n->source == SRC_ETHTOOL &&
			n->err == -ETIMEDOUT;
	assert_true(told);
	assert_true(was_cleared(&d, "link-crc-errors"));
	diagnosis_done(&d);
}

/* 15 % of the CPU that serves the card; then 4 %. */
static void cpu_steal_rx(void **state)
{
	struct card c = full_ring("virtio_net");
	const struct finding *f;
	struct observation *o;
	struct diagnosis d;

	(void)state;
	o = overflowing(&d, &c);
	add_cpu(o, 0, 400, 20, 75);
	add_cpu(o, 1, 480, 0, 0);
	add_vector(o, 30, "eth0", 0, 5000);
	diagnose(&d);
	f = found(&d, "cpu-steal-rx");
	assert_non_null(f);
	assert_string_equal(f->via->id, "ring-rx-overflow");
	assert_int_equal(f->lost, 50000);
	assert_non_null(remedy_of(f, "less-steal"));
	assert_null(remedy_of(f, "raise-rx-ring"));
	diagnosis_done(&d);

	o = overflowing(&d, &c);
	add_cpu(o, 0, 450, 20, 20);
	add_cpu(o, 1, 480, 0, 75);
	add_vector(o, 30, "eth0", 0, 5000);
	diagnose(&d);
	assert_null(found(&d, "cpu-steal-rx"));
	assert_non_null(found(&d, "ring-rx-overflow"));
	diagnosis_done(&d);
}

/* In 1 ms at 400,000 a second come 400 packets, and the ring has 256 places. */
static void irq_coalescing(void **state)
{
	const struct rate busiest = {.ifindex = 2, .at_ms = 100, .span_us = 100000, .rx_bytes = 4000000,
				     .rx_packets = 40000};
	struct card c = full_ring("igb");
	const struct finding *f;
	struct observation *o;
	struct diagnosis d;

	(void)state;
	c.rx_usecs = 1000;
	for (int i = 0; i < 5; i++) {
		struct card with = c;

		with.adaptive = i == 1;
		with.rx_usecs = i == 2 ? 100 : 1000;
		if (i == 3)
			*field(&with, C_LINK_RX_MISSED_ERRORS) = 0;
		o = overflowing(&d, &with);
		*vec_push(&o->rates) = busiest;
		add_cpu(o, 0, i == 4 ? 20 : 400, 20, 0);
		add_vector(o, 30, "eth0", 0, 5000);
		diagnose(&d);
		f = found(&d, "irq-coalescing");
		/* Adaptive, short enough, or a CPU that had no time: not that. */
		assert_int_equal(f && f->via, i == 0);
		if (i == 0)
			assert_string_equal(remedy_of(f, "interrupt-sooner")->commands.items[0],
					    "ethtool -C eth0 rx-usecs 320");
		/* Nothing lost: a note. */
		if (i == 3) {
			assert_non_null(f);
			assert_int_equal(f->severity, SEVERITY_INFO);
		}
		diagnosis_done(&d);
	}
}

static void ring_below_max(void **state)
{
	struct card c = card_of_driver("igb");
	struct diagnosis d;

	(void)state;
	/* 256 of 4096, and nothing lost: no word. */
	assert_null(found(judge(&d, &c), "ring-below-max"));
	assert_true(was_cleared(&d, "ring-below-max"));
	diagnosis_done(&d);
	*field(&c, C_LINK_RX_MISSED_ERRORS) = 10;
	judge(&d, &c);
	assert_int_equal(found(&d, "ring-below-max")->severity, SEVERITY_INFO);
	assert_int_equal(found(&d, "ring-below-max")->state, AT_RISK);
	diagnosis_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(healthy_cards),
		cmocka_unit_test(link_crc_errors),
		cmocka_unit_test(link_frame_length_errors),
		cmocka_unit_test(link_duplex_speed),
		cmocka_unit_test(duplex_with_damage),
		cmocka_unit_test(link_flap),
		cmocka_unit_test(ring_rx_overflow),
		cmocka_unit_test(remedies_fit),
		cmocka_unit_test(a_short_while_without_time),
		cmocka_unit_test(remedies_of_queues),
		cmocka_unit_test(remedies_of_hypervisors),
		cmocka_unit_test(without_ethtool),
		cmocka_unit_test(cpu_steal_rx),
		cmocka_unit_test(irq_coalescing),
		cmocka_unit_test(ring_below_max),
		cmocka_unit_test(cpu_cstate_wakeup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
