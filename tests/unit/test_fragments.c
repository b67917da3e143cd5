// SPDX-License-Identifier: GPL-2.0-or-later
/* Which of three reasons a lost fragment has, and when more memory is proposed. */
#define _GNU_SOURCE
#include "observe.h"

#include "causes/stages.h"

#define LIMIT 4194304

/* IPv4: fragments received, all failures, and timeouts among them; `memory` at the end. */
static void fragments(struct scene *s, uint64_t reqds, uint64_t fails, uint64_t timeouts,
		      uint64_t overlaps, uint64_t memory)
{
	scene_init(s);
	count(&s->o, C_IP_REASM_REQDS, 0, reqds);
	count(&s->o, C_IP_REASM_FAILS, 0, fails);
	count(&s->o, C_IP_REASM_TIMEOUT, 0, timeouts);
	count(&s->o, C_IPEXT_REASM_OVERLAPS, 0, overlaps);
	count(&s->o, C_SOCKSTAT_FRAG_MEMORY, 0, memory);
	s->o.b.sysctl[K_IPFRAG_HIGH_THRESH] = (struct sysctl_value){.n = 1, .v = {LIMIT}};
	s->o.b.sysctl[K_IPFRAG_TIME] = (struct sysctl_value){.n = 1, .v = {30}};
}

/* What is asked, and what it must say was lost; 0: nothing. */
static void assert_lost(struct scene *s, enum outcome (*examine)(struct exam *x), uint64_t lost)
{
	size_t before = s->d.findings.n;

	assert_int_equal(examine(&s->x), lost ? FOUND : NOT_FOUND);
	assert_int_equal(s->d.findings.n, before + (lost != 0));
	if (lost)
		assert_int_equal(s->d.findings.items[before].lost, lost);
}

static void a_fragment_is_missing(void **state)
{
	struct scene s;

	(void)state;
	fragments(&s, 1000, 30, 30, 0, LIMIT / 2);
	scene_exam(&s);
	assert_lost(&s, examine_frag_dup_overlap, 0);
	assert_lost(&s, examine_frag_mem_limit, 0);
	assert_lost(&s, examine_frag_reasm_timeout, 30);
	assert_int_equal(s.d.findings.items[0].severity, SEVERITY_WARNING);
	scene_done(&s);
	/* One in a hundred fragments, and no more. */
	fragments(&s, 3000, 30, 30, 0, 0);
	scene_exam(&s);
	assert_lost(&s, examine_frag_reasm_timeout, 30);
	assert_int_equal(s.d.findings.items[0].severity, SEVERITY_INFO);
	scene_done(&s);
}

/* The rest of each overlapping datagram times out: it is not lost twice. */
static void overlaps_are_counted_once(void **state)
{
	struct scene s;

	(void)state;
	fragments(&s, 1000, 250, 130, 120, 0);
	scene_exam(&s);
	assert_lost(&s, examine_frag_dup_overlap, 120);
	assert_lost(&s, examine_frag_mem_limit, 0);
	assert_lost(&s, examine_frag_reasm_timeout, 10);
	scene_done(&s);
}

/* Failures without a timeout, an overlap or a full memory: nothing is known of them. */
static void nobody_is_blamed_for_the_rest(void **state)
{
	struct scene s;

	(void)state;
	fragments(&s, 1000, 50, 0, 0, LIMIT / 2);
	scene_exam(&s);
	assert_lost(&s, examine_frag_dup_overlap, 0);
	assert_lost(&s, examine_frag_mem_limit, 0);
	assert_lost(&s, examine_frag_reasm_timeout, 0);
	scene_done(&s);
}

/* 1,000 a second for 30 s at 2,304 bytes are 69 MB, of which 64 MiB are proposed. */
static void more_memory_where_most_complete(void **state)
{
	const struct remedy *r;
	struct scene s;

	(void)state;
	fragments(&s, 5000, 400, 0, 0, LIMIT);
	scene_exam(&s);
	assert_lost(&s, examine_frag_mem_limit, 400);
	r = remedy_of(only_finding(&s), "raise-ipfrag-memory");
	assert_non_null(r);
	assert_true(r->applicable);
	assert_string_equal(r->changes.items[0].to, "67108864");
	scene_done(&s);
	/* An attack fills any memory. */
	fragments(&s, 5000, 4000, 0, 0, LIMIT);
	scene_exam(&s);
	assert_lost(&s, examine_frag_mem_limit, 4000);
	assert_null(remedy_of(only_finding(&s), "raise-ipfrag-memory"));
	scene_done(&s);
	/* What would be enough is there already. */
	fragments(&s, 100, 20, 0, 0, LIMIT);
	scene_exam(&s);
	assert_lost(&s, examine_frag_mem_limit, 20);
	assert_null(remedy_of(only_finding(&s), "raise-ipfrag-memory"));
	scene_done(&s);
}

/* The memory was full between the ends only. */
static void the_looks_see_the_memory(void **state)
{
	struct snapshot *look;
	struct scene s;

	(void)state;
	fragments(&s, 1000, 50, 0, 0, 0);
	look = vec_push(&s.o.looks);
	look->source[SRC_SOCKSTAT].status = SOURCE_OK;
	look->counter[C_SOCKSTAT_FRAG_MEMORY] = LIMIT;
	look->counter_present[C_SOCKSTAT_FRAG_MEMORY] = true;
	scene_exam(&s);
	assert_lost(&s, examine_frag_mem_limit, 50);
	scene_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fragment_is_missing),
		cmocka_unit_test(overlaps_are_counted_once),
		cmocka_unit_test(nobody_is_blamed_for_the_rest),
		cmocka_unit_test(more_memory_where_most_complete),
		cmocka_unit_test(the_looks_see_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
