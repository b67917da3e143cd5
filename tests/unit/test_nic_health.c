// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Full links, pause frames, stuck queues, wrong checksums, faults of cards, offloads and the bus:
 * what the kernel says of such cards, through the real collectors.
 */
#define _GNU_SOURCE
#include <netinet/in.h>

#include "nic_scene.h"

/* Both ends through the collectors; the rest of the scene is the caller's to add. */
static struct observation *scene(struct diagnosis *d, const struct card *after)
{
	struct card before = quiet(after);
	struct observation *o;

	*d = (struct diagnosis){0};
	o = vec_push(&d->observations);
	observe_cards(&before, after, 1, o);
	o->inode = OBSERVED_NETNS;
	return o;
}

static void add_queue(struct observation *o, const char *kind)
{
	o->a.source[SRC_QDISC].status = o->b.source[SRC_QDISC].status = SOURCE_OK;
	for (int i = 0; i < 2; i++) {
		struct qdisc *q = vec_push(i ? &o->b.qdiscs : &o->a.qdiscs);

		q->ifindex = 2;
		q->handle = 1 << 16;
		q->parent = 0xffffffff;
		snprintf(q->kind, sizeof(q->kind), "%s", kind);
		q->drops = i ? 5000 : 0;
	}
}

/* Steps of 100 ms, each with so many bytes sent. */
static void add_steps(struct observation *o, unsigned int n, uint64_t tx_bytes)
{
	for (unsigned int i = 0; i < n; i++)
		*vec_push(&o->rates) = (struct rate){.ifindex = 2,
						     .at_ms = (uint32_t)(o->rates.n + 1) * 100,
						     .span_us = 100000,
						     .tx_bytes = tx_bytes,
						     .tx_packets = tx_bytes / 1500};
}

#define FULL_STEP 12300000 /* of 12.5 MB: a gigabit's tenth of a second */

static void link_saturated(void **state)
{
	struct card c = card_of_driver("igb");
	const struct finding *f;
	struct observation *o;
	struct diagnosis d;

	(void)state;
	/* A quarter of the busy steps at the speed of the link: that is why the queue drops. */
	*field(&c, C_LINK_TX_BYTES) = 150000000;
	o = scene(&d, &c);
	add_queue(o, "pfifo_fast");
	add_steps(o, 10, FULL_STEP);
	add_steps(o, 30, 3000000);
	diagnose(&d);
	f = found(&d, "link-saturated");
	assert_non_null(f);
	assert_string_equal(f->via->id, "qdisc-drop");
	assert_int_equal(f->lost, 5000);
	assert_non_null(remedy_of(f, "faster-link"));
	diagnosis_done(&d);
	/* A shaper below that speed; a link that is far from it; more than its speed passed. */
	o = scene(&d, &c);
	add_queue(o, "tbf");
	add_steps(o, 10, FULL_STEP);
	diagnose(&d);
	assert_string_equal(found(&d, "qdisc-drop")->cause->id, "qdisc-drop");
	diagnosis_done(&d);
	o = scene(&d, &c);
	add_queue(o, "pfifo_fast");
	add_steps(o, 40, 3000000);
	diagnose(&d);
	assert_null(found(&d, "link-saturated"));
	assert_non_null(found(&d, "qdisc-drop"));
	diagnosis_done(&d);
	o = scene(&d, &c);
	add_steps(o, 10, FULL_STEP);
	add_steps(o, 1, FULL_STEP * 3);
	diagnose(&d);
	assert_null(found(&d, "link-saturated"));
	assert_true(was_cleared(&d, "link-saturated"));
	diagnosis_done(&d);
	/* Full and nothing lost: a note. */
	*field(&c, C_LINK_RX_BYTES) = 600000000;
	f = found(judge(&d, &c), "link-saturated");
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_int_equal(f->state, AT_RISK);
	assert_non_null(strstr(f->headline, "receives"));
	diagnosis_done(&d);
}

static void link_pause_frames(void **state)
{
	struct card c = card_of_driver("mlx5_core");
	const struct finding *f;
	struct diagnosis d;

	(void)state;
	/* One frame in a sum and in its priority; the standard statistics have it too. */
	stat(&c, 0, "rx_pause_ctrl_phy", 900);
	stat(&c, 1, "rx_prio0_pause", 900);
	stat(&c, 2, "rx_prio0_pause_duration", 40000);
	c.pause = true;
	c.pause_rx = c.pause_tx = 1;
	c.pause_rx_frames = 900;
	f = found(judge(&d, &c), "link-pause-frames");
	assert_non_null(f);
	assert_non_null(strstr(f->headline, "is told to wait"));
	assert_non_null(strstr(f->evidence.items[0].text, "told to wait 900 times"));
	assert_int_equal(f->severity, SEVERITY_WARNING); /* 180 a second */
	assert_string_equal(remedy_of(f, "without-pause")->commands.items[0],
			    "ethtool -A eth0 rx off");
	assert_string_equal(remedy_of(f, "without-pause")->changes.items[0].to, "off");
	assert_int_equal(f->lost, 0);
	diagnosis_done(&d);
	/* Few are a note; xon asks nobody to wait. */
	c = card_of_driver("ixgbe");
	stat(&c, 0, "tx_flow_control_xoff", 20);
	stat(&c, 1, "rx_flow_control_xon", 5000);
	f = found(judge(&d, &c), "link-pause-frames");
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_non_null(strstr(f->headline, "tells the switch to wait"));
	assert_null(remedy_of(f, "without-pause")); /* how it is set is not known */
	diagnosis_done(&d);
	c.stats[0].value = 0;
	assert_null(found(judge(&d, &c), "link-pause-frames"));
	assert_true(was_cleared(&d, "link-pause-frames"));
	diagnosis_done(&d);
}

static void add_line(struct observation *o, enum kernel_log_id id, const char *text)
{
	struct kernel_log_line *line = vec_push(&o->b.kernel_log);

	o->a.source[SRC_KERNEL_LOG].status = o->b.source[SRC_KERNEL_LOG].status = SOURCE_OK;
	line->id = id;
	line->sequence = 100;
	snprintf(line->text, sizeof(line->text), "%s", text);
}

/* net/sched/sch_generic.c dev_watchdog() of 6.1; e1000_tx_timeout() counts tx_timeout_count. */
static void nic_tx_timeout(void **state)
{
	static const char line[] = "NETDEV WATCHDOG: eth0 (e1000e): transmit queue 0 timed out";
	struct card c = card_of_driver("e1000e");
	const struct finding *f;
	struct observation *o;
	struct diagnosis d;

	(void)state;
	assert_int_equal(kernel_log_match(line, sizeof(line) - 1), KERNEL_LOG_TX_TIMEOUT);
	stat(&c, 0, "tx_timeout_count", 1);
	f = found(judge(&d, &c), "nic-tx-timeout");
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	assert_int_equal(f->state, LOSING);
	assert_int_equal(f->lost, 0); /* nobody knows */
	assert_int_equal(d.verdict, LOSING_VERDICT);
	assert_non_null(found(&d, "nic-driver-firmware"));
	assert_int_equal(found(&d, "nic-driver-firmware")->severity, SEVERITY_INFO);
	diagnosis_done(&d);
	/* The log alone; it names the card. */
	c.stats[0].value = 0;
	o = scene(&d, &c);
	add_line(o, KERNEL_LOG_TX_TIMEOUT, line);
	diagnose(&d);
	f = found(&d, "nic-tx-timeout");
	assert_string_equal(f->subjects.items[0].device, "eth0");
	diagnosis_done(&d);
	o = scene(&d, &c);
	add_line(o, KERNEL_LOG_TX_TIMEOUT, "NETDEV WATCHDOG: eth01 (x): transmit queue 0 timed out");
	diagnose(&d);
	assert_string_equal(found(&d, "nic-tx-timeout")->subjects.items[0].device, "");
	diagnosis_done(&d);
	assert_null(found(judge(&d, &c), "nic-tx-timeout"));
	assert_true(was_cleared(&d, "nic-tx-timeout"));
	diagnosis_done(&d);
}

static void nic_csum_offload_errors(void **state)
{
	static const char line[] = "eth0: hw csum failure";
	struct card c = card_of_driver("i40e");
	const struct finding *f;
	struct observation *o;
	struct diagnosis d;

	(void)state;
	/* The packets go on to the kernel: nothing lost by it. */
	stat(&c, 0, "port.rx_csum_bad", 500);
	f = found(judge(&d, &c), "nic-csum-offload-errors");
	assert_int_equal(f->lost, 0);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_null(remedy_of(f, "check-in-software"));
	assert_null(found(&d, "link-crc-errors"));
	diagnosis_done(&d);
	/* gve throws them away itself. */
	c = card_of_driver("gve");
	stat(&c, 0, "rx_drops_invalid_checksum[0]", 30);
	stat(&c, 1, "rx_drops_invalid_checksum[1]", 270);
	f = found(judge(&d, &c), "nic-csum-offload-errors");
	assert_int_equal(f->lost, 300);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	diagnosis_done(&d);
	/* net/core/dev.c netdev_rx_csum_fault() of 6.1: the card's word was wrong. */
	assert_int_equal(kernel_log_match(line, sizeof(line) - 1), KERNEL_LOG_HW_CSUM);
	c = card_of_driver("i40e");
	o = scene(&d, &c);
	add_line(o, KERNEL_LOG_HW_CSUM, line);
	diagnose(&d);
	f = found(&d, "nic-csum-offload-errors");
	assert_string_equal(remedy_of(f, "check-in-software")->undo.items[0], "ethtool -K eth0 rx on");
	assert_non_null(found(&d, "nic-driver-firmware"));
	diagnosis_done(&d);
	assert_null(found(judge(&d, &c), "nic-csum-offload-errors"));
	diagnosis_done(&d);
}

static void nic_driver_firmware(void **state)
{
	struct card c = card_of_driver("mlx5_core");
	const struct finding *f;
	struct diagnosis d;

	(void)state;
	assert_null(found(judge(&d, &c), "nic-driver-firmware"));
	assert_true(was_cleared(&d, "nic-driver-firmware"));
	diagnosis_done(&d);
	/* mlx5e_handle_rx_cqe() and mlx5e_poll_tx_cq() of 6.1. */
	stat(&c, 0, "rx_wqe_err", 4);
	stat(&c, 1, "tx_cqe_err", 1);
	f = found(judge(&d, &c), "nic-driver-firmware");
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_int_equal(f->lost, 0);
	assert_non_null(remedy_of(f, "update-driver"));
	assert_int_equal(f->remedies.n, 1);
	diagnosis_done(&d);
}

static void offload_segmentation(void **state)
{
	struct card c = card_of_driver("bnx2x");
	struct drops drops = {0};
	const struct finding *f;
	struct observation *o;
	struct diagnosis d;
	struct drop *drop;

	(void)state;
	/* net/ipv4/ip_forward.c ip_forward(): skb_warn_if_lro(), no reason of its own. */
	o = scene(&d, &c);
	o->b.nics.items[0].features_known = o->b.nics.items[0].features_on = 1U << NF_LRO;
	o->b.links.items[0].forwarding = 1;
	o->a.source[SRC_SNMP].status = o->b.source[SRC_SNMP].status = SOURCE_OK;
	count(o, C_IP_FORW_DATAGRAMS, 0, 20000);
	drop = trace(&drops, "NOT_SPECIFIED", "ip_forward", IPPROTO_TCP, 150);
	drop->ifindex = 2;
	trace(&drops, "SKB_GSO_SEG", "validate_xmit_skb", IPPROTO_TCP, 50);
	d.drops = &drops;
	diagnose(&d);
	f = found(&d, "offload-segmentation");
	assert_non_null(f);
	assert_int_equal(f->lost, 200);
	assert_int_equal(ledger_unexplained(&d.ledgers.items[0]), 0);
	assert_string_equal(remedy_of(f, "lro-off")->commands.items[0], "ethtool -K eth0 lro off");
	d.drops = NULL;
	diagnosis_done(&d);
	drops_done(&drops);
	/* LRO on a host that forwards nothing is as it should be. */
	o = scene(&d, &c);
	o->b.nics.items[0].features_known = o->b.nics.items[0].features_on = 1U << NF_LRO;
	diagnose(&d);
	assert_null(found(&d, "offload-segmentation"));
	diagnosis_done(&d);
}

static void pcie_bottleneck(void **state)
{
	struct card c = card_of_driver("mlx5_core");
	const struct finding *f;
	struct diagnosis d;

	(void)state;
	stat(&c, 0, "rx_discards_phy", 800);
	stat(&c, 1, "outbound_pci_stalled_wr", 3000);
	f = found(judge(&d, &c), "pcie-bottleneck");
	assert_non_null(f);
	assert_string_equal(f->via->id, "ring-rx-overflow");
	assert_int_equal(f->lost, 800);
	assert_non_null(remedy_of(f, "better-slot"));
	diagnosis_done(&d);
	/* The bus was in time, or it was the ring. */
	c.stats[1].value = 0;
	assert_null(found(judge(&d, &c), "pcie-bottleneck"));
	assert_non_null(found(&d, "ring-rx-overflow"));
	diagnosis_done(&d);
	c = card_of_driver("mlx5_core");
	stat(&c, 0, "rx_out_of_buffer", 800);
	stat(&c, 1, "outbound_pci_stalled_wr", 3000);
	assert_null(found(judge(&d, &c), "pcie-bottleneck"));
	diagnosis_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link_saturated),
		cmocka_unit_test(link_pause_frames),
		cmocka_unit_test(nic_tx_timeout),
		cmocka_unit_test(nic_csum_offload_errors),
		cmocka_unit_test(nic_driver_firmware),
		cmocka_unit_test(offload_segmentation),
		cmocka_unit_test(pcie_bottleneck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
