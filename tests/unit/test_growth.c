// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that grows: /proc/PID/smaps as fs/proc/task_mmu.c writes it (6.18), what is a leak, a burst or
 * neither, and what swap in use means.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "collect/smaps.h"

#define RAM_KIB (UINT64_C(16) << 20)

static void check(const char *what, bool right)
{
	if (!right)
		fail_msg("%s", what);
}

static const char two[] =
	"55d0c000-55d2d000 rw-p 00000000 00:00 0                                  [heap]\n"
	"Size:                132 kB\nKernelPageSize:        4 kB\nRss:                 100 kB\n"
	"Pss:                 100 kB\nShared_Clean:          0 kB\nAnonymous:            96 kB\n"
	"Swap:                 12 kB\nSwapPss:              12 kB\nTHPeligible:           0\n"
	"VmFlags: rd wr mr mw me ac sd \n"
	"7f00a000-7f00c000 r--s 00000000 00:01 1034      /dev/shm/a b (deleted)\n"
	"Rss:                   8 kB\nAnonymous:             0 kB\nSwap:                  0 kB\n"
	"7f10a000-7f10c000 r--p 00002000 fe:01 77    /usr/lib/libc.so.6\n"
	"Rss:                   8 kB\nAnonymous:             0 kB\nSwap:                  0 kB\n";

static void smaps_are_read(void **state)
{
	struct memory_look l = {0};

	(void)state;
	assert_int_equal(parse_smaps(span_of(two), &l), 0);
	assert_int_equal(l.mappings.n, 3);
	assert_string_equal(l.mappings.items[0].name, "[heap]");
	assert_string_equal(l.mappings.items[0].permissions, "rw-p");
	check("addresses", l.mappings.items[0].start == 0x55d0c000 &&
				   l.mappings.items[0].end == 0x55d2d000);
	check("what the heap keeps",
	      l.mappings.items[0].own_kib == 96 && l.mappings.items[0].swap_kib == 12);
	assert_string_equal(l.mappings.items[1].name, "/dev/shm/a b (deleted)");
	check("shared memory stays, pages of files do not",
	      l.mappings.items[1].own_kib == 8 && l.mappings.items[2].own_kib == 0);
	memory_look_done(&l);
}

static void broken_smaps_are_refused(void **state)
{
	static const char *const broken[] = {
		"Rss: 4 kB\n",
		"55d0c000 rw-p 00000000 00:00 0\n",
		"55d2d000-55d0c000 rw-p 00000000 00:00 0\n",
		"5xd0c000-55d2d000 rw-p 00000000 00:00 0\n",
		"55d0c000-55d2d000 rw-p 00000000\n",
		"55d0c000-55d2d000 rw 00000000 00:00 0\n",
		"55d0c000-55d2d000 rw-p 00000000 00:00 0\nAnonymous: many kB\n",
		"55d0c000-55d2d000 rw-p 00000000 00:00 0\nSwap: 99999999999999999999 kB\n",
		"55d0c000-55d2d000 rw-p 00000000 00:00 0\n\n",
	};
	struct memory_look l = {0};
	char cut[sizeof(two)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		assert_int_equal(parse_smaps(span_of(broken[i]), &l), -EBADMSG);
	/* Cut anywhere but behind a line. */
	for (size_t n = 1; n < sizeof(two) - 1; n++) {
		memcpy(cut, two, n);
		if (cut[n - 1] != '\n')
			assert_int_equal(parse_smaps((struct span){cut, n}, &l), -EBADMSG);
	}
	assert_int_equal(l.mappings.n, 0);
}

static void statm_is_read(void **state)
{
	uint64_t kib = 0;

	(void)state;
	assert_int_equal(parse_statm(span_of("2000 300 100 1 0 400 0\n"), &kib), 0);
	check("200 pages are its own", kib >= 800 && kib % 200 == 0);
	assert_int_equal(parse_statm(span_of("2000 300 400 1 0 400 0\n"), &kib), 0);
	assert_int_equal(kib, 0);
	assert_int_equal(parse_statm(span_of("2000 300\n"), &kib), -EBADMSG);
	assert_int_equal(parse_statm(span_of("2000 300 x\n"), &kib), -EBADMSG);
}

/* ---- growth ---- */

#define LOOKS 21

/* A second apart each; `kib` tells what the region at `start` keeps at each look. */
struct history {
	struct memory_look looks[LOOKS];
};

static void keeps(struct history *h, const char *name, uint64_t start, bool end_moves,
		  uint64_t (*kib)(size_t look))
{
	for (size_t i = 0; i < LOOKS; i++) {
		struct mapping *m = vec_push(&h->looks[i].mappings);

		h->looks[i].at_ns = 1000 * NSEC_PER_SEC + (int64_t)i * NSEC_PER_SEC;
		m->own_kib = kib(i);
		m->start = end_moves ? start : start - (m->own_kib << 10);
		m->end = end_moves ? start + (m->own_kib << 10) : start;
		snprintf(m->name, sizeof(m->name), "%s", name);
	}
}

static struct growth judged(struct history *h, size_t n)
{
	struct growth g;

	growth_judge(h->looks, n, RAM_KIB, &g);
	return g;
}

static void history_done(struct history *h)
{
	for (size_t i = 0; i < LOOKS; i++)
		memory_look_done(&h->looks[i]);
}

static uint64_t steadily(size_t i) { return 4096 + 1024 * i; }
static uint64_t in_steps(size_t i) { return 4096 + 4096 * (i / 4); }
static uint64_t still(size_t i) { return 900000; }
static uint64_t once(size_t i) { return i < 5 ? 4096 : 40960; }
static uint64_t at_its_end(size_t i) { return i < 18 ? 4096 : 40960; }
static uint64_t hardly(size_t i) { return 4096 + 26 * i; }
static uint64_t up_and_down(size_t i) { return i % 7 * 4096 + 4096; }
static uint64_t less_and_less(size_t i) { return 90000 - 1024 * i; }

static void which_growth(void **state)
{
	static const struct {
		const char *what;
		uint64_t (*kib)(size_t look);
		enum growth_kind kind;
	} rows[] = {
		{"1 MiB/s", steadily, GROWTH_STEADY},
		{"an allocator that takes 4 MiB at a time", in_steps, GROWTH_STEADY},
		{"much, and no more", still, GROWTH_NONE},
		{"a burst that is over", once, GROWTH_BURST},
		{"a burst at the end", at_its_end, GROWTH_BURST},
		{"less than 1 % of the memory in an hour", hardly, GROWTH_NONE},
		{"up and down, and up at the end", up_and_down, GROWTH_BURST},
		{"shrinking", less_and_less, GROWTH_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct history h = {0};
		struct growth g;

		keeps(&h, "[heap]", 0x5000000000, true, rows[i].kib);
		g = judged(&h, LOOKS);
		check(rows[i].what, g.kind == rows[i].kind);
		check("a region for what grows", (g.regions.n == 1) == (g.kind != GROWTH_NONE));
		growth_done(&g);
		history_done(&h);
	}
}

/* Anonymous memory grows downwards, and is joined with its neighbours. */
static void the_region_that_grows(void **state)
{
	struct history h = {0};
	struct growth g;

	(void)state;
	keeps(&h, "[heap]", 0x5000000000, true, still);
	keeps(&h, "", 0x7f0000000000, false, steadily);
	keeps(&h, "/lib/x", 0x7f8000000000, true, still);
	g = judged(&h, LOOKS);
	check("steady", g.kind == GROWTH_STEADY && g.regions.n == 1);
	assert_string_equal(g.regions.items[0].mapping.name, "");
	assert_int_equal(g.regions.items[0].mapping.end, 0x7f0000000000);
	assert_int_equal(g.grown_kib, 20 * 1024);
	check("its rate", g.kib_per_s > 1023.9 && g.kib_per_s < 1024.1);
	growth_done(&g);
	g = judged(&h, GROWTH_LOOKS_MIN - 1);
	check("too few looks say nothing", g.kind == GROWTH_NONE && !g.regions.n);
	growth_done(&g);
	g = judged(&h, 0);
	check("none at all", g.kind == GROWTH_NONE && !g.kept_kib);
	history_done(&h);
}

static void time_that_is_left(void **state)
{
	struct leak_process p = {.growth = {.kind = GROWTH_STEADY, .kib_per_s = 1024}};
	struct leak_report r = {.memory_known = true, .available_kib = 1 << 20};

	(void)state;
	check("memory", leak_time_left(&r, &p) == 1024);
	r.swap = (struct swap_state){.known = true, .total_kib = 2 << 20, .used_kib = 1 << 20};
	check("and swap", leak_time_left(&r, &p) == 2048);
	p.room_known = true;
	p.room_kib = 10240;
	check("its cgroup's limit is nearer", leak_time_left(&r, &p) == 10);
	p.growth.kind = GROWTH_BURST;
	check("a burst has none", leak_time_left(&r, &p) < 0);
}

static void what_swap_means(void **state)
{
	static const struct {
		struct swap_state s;
		enum growth_kind largest;
		enum swap_use use;
	} rows[] = {
		{{0}, GROWTH_STEADY, SWAP_UNKNOWN},
		{{.known = true}, GROWTH_STEADY, SWAP_NONE},
		{{.known = true, .total_kib = 100}, GROWTH_STEADY, SWAP_UNUSED},
		{{.known = true, .total_kib = 100, .used_kib = 50}, GROWTH_NONE, SWAP_BURST},
		{{.known = true, .total_kib = 100, .used_kib = 50, .in_per_s = 0.5, .out_per_s = 2},
		 GROWTH_STEADY, SWAP_BURST},
		{{.known = true, .total_kib = 100, .used_kib = 50, .in_per_s = 500, .out_per_s = 500,
		  .pressure_known = true, .pressure = 0.2},
		 GROWTH_NONE, SWAP_WORKING_SET},
		{{.known = true, .total_kib = 100, .used_kib = 50, .in_per_s = 500,
		  .pressure_known = true, .pressure = 0.001},
		 GROWTH_NONE, SWAP_TRAFFIC},
		{{.known = true, .total_kib = 100, .used_kib = 50, .in_per_s = 500}, GROWTH_NONE,
		 SWAP_WORKING_SET},
		{{.known = true, .total_kib = 100, .used_kib = 50, .in_per_s = 500, .out_per_s = 500,
		  .pressure_known = true, .pressure = 0.2},
		 GROWTH_STEADY, SWAP_LEAK},
		{{.known = true, .total_kib = 100, .used_kib = 50, .out_per_s = 500}, GROWTH_BURST,
		 SWAP_TRAFFIC},
		{{.known = true, .total_kib = 100, .used_kib = 50, .in_per_s = 500,
		  .pressure_known = true},
		 GROWTH_NONE, SWAP_TRAFFIC},
		{{.known = true, .total_kib = 100, .used_kib = 50, .in_per_s = -1, .out_per_s = -1},
		 GROWTH_NONE, SWAP_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (swap_judge(&rows[i].s, rows[i].largest) != rows[i].use)
			fail_msg("row %zu: %s", i,
				 swap_use_names[swap_judge(&rows[i].s, rows[i].largest)]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smaps_are_read),
		cmocka_unit_test(broken_smaps_are_refused),
		cmocka_unit_test(statm_is_read),
		cmocka_unit_test(which_growth),
		cmocka_unit_test(the_region_that_grows),
		cmocka_unit_test(time_that_is_left),
		cmocka_unit_test(what_swap_means),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
