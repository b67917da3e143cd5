// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether a loss begins, by two light snapshots a second apart. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "causes/onset.h"

static void counter(struct observation *o, enum counter_id id, uint64_t before, uint64_t after)
{
	o->a.counter_present[id] = o->b.counter_present[id] = true;
	o->a.counter[id] = before;
	o->b.counter[id] = after;
}

static void one_counter_says_most(void **state)
{
	struct observation o = {.seconds = 1};
	struct onset onset;

	(void)state;
	assert_false(onset_of(NULL, &o, &onset));
	counter(&o, C_UDP_IN_DATAGRAMS, 0, 1000000);
	counter(&o, C_LISTEN_DROPS, 100, 109);
	assert_false(onset_of(NULL, &o, &onset));
	counter(&o, C_UDP_IN_ERRORS, 5, 25);
	counter(&o, C_UDP_RCVBUF_ERRORS, 0, 20);
	assert_true(onset_of(NULL, &o, &onset));
	assert_string_equal(onset.counter, "Udp.RcvbufErrors");
	assert_int_equal(onset.delta, 20);
	assert_string_equal(onset.device, "");
}

/* What the user takes for too little to be told begins nothing; a reset counter does not either. */
static void thresholds_and_resets(void **state)
{
	struct config config = {0};
	struct observation o = {.seconds = 1};
	struct onset onset;

	(void)state;
	counter(&o, C_UDP_RCVBUF_ERRORS, 0, 50);
	config.threshold_set[THRESHOLD_LOSS_PACKETS] = true;
	config.threshold[THRESHOLD_LOSS_PACKETS] = 51;
	assert_false(onset_of(&config, &o, &onset));
	config.threshold[THRESHOLD_LOSS_PACKETS] = 50;
	assert_true(onset_of(&config, &o, &onset));
	counter(&o, C_UDP_RCVBUF_ERRORS, 5000, 50);
	assert_false(onset_of(NULL, &o, &onset));
}

static void devices_queues_and_backlogs(void **state)
{
	struct observation o = {.seconds = 1};
	struct onset onset;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &o.b : &o.a;
		struct link *l = vec_push(&at->links);
		struct qdisc *q = vec_push(&at->qdiscs);
		struct cpu *cpu = vec_push(&at->cpus);

		at->source[SRC_LINK].status = at->source[SRC_QDISC].status = SOURCE_OK;
		at->source[SRC_SOFTNET].status = SOURCE_OK;
		l->ifindex = q->ifindex = 2;
		l->stats_n = LINK_STATS;
		snprintf(l->name, sizeof(l->name), "eth7");
		l->stats[C_LINK_RX_MISSED_ERRORS - LINK_FIRST] = i ? 30 : 0;
		l->stats[C_LINK_RX_PACKETS - LINK_FIRST] = i ? 1000000 : 0;
		q->drops = i ? 20 : 0;
		cpu->softnet_present = true;
		cpu->softnet[C_SOFTNET_DROPPED - SOFTNET_FIRST] = i ? 10 : 0;
	}
	assert_true(onset_of(NULL, &o, &onset));
	assert_string_equal(onset.counter, counter_rows[C_LINK_RX_MISSED_ERRORS].name);
	assert_string_equal(onset.device, "eth7");
	o.a.links.items[0].stats[C_LINK_RX_MISSED_ERRORS - LINK_FIRST] = 30;
	assert_true(onset_of(NULL, &o, &onset));
	assert_string_equal(onset.counter, counter_rows[C_QDISC_DROPS].name);
	assert_int_equal(onset.delta, 20);
	o.a.qdiscs.items[0].drops = 20;
	assert_true(onset_of(NULL, &o, &onset));
	assert_string_equal(onset.counter, counter_rows[C_SOFTNET_DROPPED].name);
	o.a.cpus.items[0].softnet[C_SOFTNET_DROPPED - SOFTNET_FIRST] = 10;
	assert_false(onset_of(NULL, &o, &onset));
	observation_done(&o);
}

/* Segments sent again, less those that had arrived; a busy host has some. */
static void retransmissions(void **state)
{
	static const struct {
		uint64_t sent, again, twice;
		bool begins;
	} rows[] = {{1000, 20, 0, true},   {1000, 9, 0, false}, {10000, 50, 0, false},
		    {1000, 500, 495, false}, {0, 10, 0, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct observation o = {.seconds = 1};
		struct onset onset;

		counter(&o, C_TCP_OUT_SEGS, 0, rows[i].sent);
		counter(&o, C_TCP_RETRANS_SEGS, 0, rows[i].again);
		counter(&o, C_TCP_DSACK_RECV_SEGS, 0, rows[i].twice);
		assert_int_equal(onset_of(NULL, &o, &onset), rows[i].begins);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_counter_says_most),
		cmocka_unit_test(thresholds_and_resets),
		cmocka_unit_test(devices_queues_and_backlogs),
		cmocka_unit_test(retransmissions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
