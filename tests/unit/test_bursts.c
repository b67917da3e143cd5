// SPDX-License-Identifier: GPL-2.0-or-later
/* Loss counters in short steps: net/ipv4/proc.c netstat_seq_show, net/ipv6/proc.c of 6.12 as text. */
#include "observe.h"

#include <errno.h>

#include "causes/stages.h"
#include "collect/bursts.h"

static struct burst step_to(uint32_t at_ms, uint32_t span_us)
{
	return (struct burst){.at_ms = at_ms, .span_us = span_us};
}

static void netstat_of(struct burst_file *f, unsigned int overflows, unsigned int active,
		       struct burst step, struct burst *worst)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "TcpExt: SyncookiesSent ListenOverflows Unheard ListenDrops\n"
		 "TcpExt: 7 %u 5 %u\nIpExt: InNoRoutes\nIpExt: %u\n",
		 overflows, overflows, active);
	burst_take(f, SRC_NETSTAT, true, span_of(text), step, worst);
}

static void burst_file_done(struct burst_file *f)
{
	vec_done(&f->columns);
	vec_done(&f->before);
}

/* Of all steps the one at the highest rate, and what was there before the first is none. */
static void the_fastest_step_is_kept(void **state)
{
	cleanup(burst_file_done) struct burst_file f = {0};
	struct burst worst[COUNTER_N] = {0};

	(void)state;
	netstat_of(&f, 1000, 5, step_to(0, 0), worst);
	assert_int_equal(worst[C_LISTEN_OVERFLOWS].n, 0);
	netstat_of(&f, 1010, 5, step_to(100, 100000), worst);
	netstat_of(&f, 1500, 6, step_to(200, 100000), worst);
	netstat_of(&f, 2100, 6, step_to(400, 200000), worst); /* more of them, and slower */
	netstat_of(&f, 3, 6, step_to(500, 100000), worst);    /* it went back */
	assert_int_equal(worst[C_LISTEN_OVERFLOWS].n, 490);
	assert_int_equal(worst[C_LISTEN_OVERFLOWS].at_ms, 200);
	assert_int_equal(worst[C_LISTEN_OVERFLOWS].id, C_LISTEN_OVERFLOWS);
	assert_int_equal(worst[C_LISTEN_DROPS].n, 490);
}

static void names_beside_numbers(void **state)
{
	cleanup(burst_file_done) struct burst_file f = {0};
	struct burst worst[COUNTER_N] = {0};

	(void)state;
	burst_take(&f, SRC_SNMP6, false, span_of("Ip6InReceives 5\nUdp6RcvbufErrors\t10\n"),
		   step_to(0, 0), worst);
	burst_take(&f, SRC_SNMP6, false, span_of("Ip6InReceives 500\nUdp6RcvbufErrors\t30\n"),
		   step_to(100, 50000), worst);
	assert_int_equal(worst[C_UDP6_RCVBUF_ERRORS].n, 20);
	/* What is no loss is not kept. */
	assert_int_equal(worst[C_IP6_IN_RECEIVES].n, 0);
}

static void text_that_is_none_does_no_harm(void **state)
{
	static const char *const bad[] = {"", "\n\n\n", "TcpExt:\nTcpExt:\n", "TcpExt: A B\n",
					  "TcpExt: ListenOverflows\nTcpExt: x\n",
					  "TcpExt: ListenOverflows\nTcpExt: 1 2 3 4 5\n",
					  "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		for (size_t k = 0; k < ARRAY_SIZE(bad); k++) {
			cleanup(burst_file_done) struct burst_file f = {0};
			struct burst worst[COUNTER_N] = {0};

			burst_take(&f, SRC_NETSTAT, true, span_of(bad[i]), step_to(0, 0), worst);
			burst_take(&f, SRC_NETSTAT, true, span_of(bad[k]), step_to(100, 100000), worst);
			for (size_t id = 0; id < COUNTER_N; id++)
				assert_true(worst[id].n <= 1);
		}
}

static void bursts_are_kept(void **state)
{
	static const char *const bad[] = {"TcpExt.ListenOverflows\n", "TcpExt.ListenOverflows 1 x 2\n",
					  "TcpExt.ListenOverflows 1 99999999999 2\n"};
	struct burst_watch *w = xcalloc(1, sizeof(*w));
	cleanup(buf_done) struct buf text = {0};
	cleanup(observation_done) struct observation o = {0};

	(void)state;
	w->worst[C_LISTEN_OVERFLOWS] = (struct burst){C_LISTEN_OVERFLOWS, 1200, 100123, 55};
	write_bursts(w, &text);
	free(w);
	assert_string_equal(text.data, "TcpExt.ListenOverflows 1200 100123 55\n");
	buf_puts(&text, "TcpExt.OfAnotherTime 1 2 3\n");
	assert_int_equal(read_bursts(&text, &o), 0);
	assert_int_equal(o.bursts.n, 1);
	assert_int_equal(o.bursts.items[0].id, C_LISTEN_OVERFLOWS);
	assert_int_equal(o.bursts.items[0].n, 55);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct buf b = {.data = (char *)(uintptr_t)bad[i], .len = strlen(bad[i])};

		assert_int_equal(read_bursts(&b, &o), -EBADMSG);
	}
}

/* 1,000 in 5 s are 200/s: 59 in a tenth of a second are near that, 60 are a burst. */
static void a_burst_is_told_beside_the_average(void **state)
{
	static const struct {
		uint64_t n, counted;
		bool told;
	} rows[] = {{59, 1000, false}, {60, 1000, true}, {900, 1000, true}, {900, 1100, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t lost = 1000;
		struct finding *f;
		struct scene s;

		scene_init(&s);
		count(&s.o, C_LISTEN_OVERFLOWS, 0, rows[i].counted);
		*vec_push(&s.o.bursts) = (struct burst){C_LISTEN_OVERFLOWS, 1200, 100000, rows[i].n};
		f = finding_new(scene_exam(&s));
		finding_lost(f, &lost, NULL, 0);
		evidence_counter(f, &s.x, C_LISTEN_OVERFLOWS);
		find_bursts(&s.d);
		assert_int_equal(f->burst.n, rows[i].told ? rows[i].n : 0);
		scene_done(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fastest_step_is_kept),
		cmocka_unit_test(names_beside_numbers),
		cmocka_unit_test(text_that_is_none_does_no_harm),
		cmocka_unit_test(bursts_are_kept),
		cmocka_unit_test(a_burst_is_told_beside_the_average),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
