// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How a host is doing, from kernel text: two NUMA nodes, swap, both cgroup versions, real-time and
 * zombie processes, and the same damaged.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "collect/doing.h"
#include "collect/process.h"
#include "collect/proctext.h"
#include "render/host_doing.h"
#include "scrub/map.h"

static struct span text(const char *s)
{
	return (struct span){s, strlen(s)};
}

/* PROC_PID to PROC_SELF: 31 is the parent of a zombie, 40 real-time, 50 large and swapped. */
static const char processes_a[] =
	"S - 31 1 0 0 20 0 1 1 0 0 0 10 0 0 100 4096 - - - - - - - - 0 httpd main\n"
	"R - 40 1 1 50 -51 0 3 3 2 0 1 1000 500 0 100 4096 - - - - - - - - 0 rt\n"
	"S - 50 1 0 0 39 19 1 1 0 0 0 0 0 0 100 4096 - - - - - - - - 0 big\n"
	"S - 60 1 0 0 20 0 1 1 0 0 0 700 0 0 100 4096 - - - - - - - - 0 old\n";
static const char processes_b[] =
	"S - 31 1 0 0 20 0 1 1 0 0 0 20 0 0 100 4096 3000 1000 1900 100 0 0 12 1024 0 httpd main\n"
	"Z - 32 31 0 0 20 0 1 1 0 0 0 0 0 0 150 0 - - - - - 33 - - 0 worker\n"
	"R - 40 1 1 50 -51 0 300 200 2 0 1 1100 550 0 100 4096 2000 500 1500 0 0 0 5 64 0 rt\n"
	"D folio_wait_bit 50 1 0 0 39 19 1 1 0 1 0 0 0 0 100 9000000 40000 100 200 39700 512 0 60 64 0 big\n"
	"S - 60 1 0 0 20 0 1 1 0 0 0 5 0 0 999 4096 9 9 0 0 0 0 3 - 0 new\n";

static void take(struct doing *a, struct doing *b, struct doing_sample *s)
{
	assert_int_equal(parse_doing_processes(text(processes_a), a), 0);
	assert_int_equal(parse_doing_processes(text(processes_b), b), 0);
	*s = (struct doing_sample){.a = a, .b = b, .seconds = 2, .top = 10};
}

static void processes_are_compared(void **state)
{
	struct doing a = {0}, b = {0};
	struct doing_sample s;
	struct load_parts parts;
	const struct doing_process **sorted;
	size_t n;

	(void)state;
	take(&a, &b, &s);
	assert_string_equal(doing_process(&b, 31)->comm, "httpd main");
	assert_true(process_cpus(&s, doing_process(&b, 31)) > 0.049);
	assert_true(process_cpus(&s, doing_process(&b, 31)) < 0.051);
	assert_true(process_cpus(&s, doing_process(&b, 40)) == 0.75);
	/* The number of one that is gone: all of its time is new. */
	assert_true(process_cpus(&s, doing_process(&b, 60)) == 0.025);
	assert_int_equal(process_shared(doing_process(&b, 50)), 39900);
	assert_int_equal(process_shared(doing_process(&b, 32)), DOING_UNKNOWN);
	assert_null(doing_process(&b, 33));
	load_parts(&b, &parts);
	assert_int_equal(parts.runnable, 2);
	assert_int_equal(parts.blocked, 1);
	assert_int_equal(parts.not_seen, 100);
	sorted = processes_sorted(&s, BY_CPU, &n);
	assert_int_equal(n, 5);
	assert_int_equal(sorted[0]->v[PROC_PID], 40);
	free(sorted);
	sorted = processes_sorted(&s, BY_MEMORY, &n);
	assert_int_equal(sorted[0]->v[PROC_PID], 50);
	assert_int_equal(sorted[4]->v[PROC_PID], 32); /* unknown comes last */
	free(sorted);
	sorted = processes_sorted(&s, BY_SWAP, &n);
	assert_int_equal(sorted[0]->v[PROC_PID], 50);
	free(sorted);
	doing_done(&a);
	doing_done(&b);
}

static void damaged_processes_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "\n", "S\n", "S -\n", "SS - 31 1 0\n",
		/* out of order, a field short, a pid unknown, negative ticks */
		("S - 31 1 0 0 20 0 1 1 0 0 0 1 0 0 1 4 - - - - - - - - 0 a\n"
		 "S - 31 1 0 0 20 0 1 1 0 0 0 1 0 0 1 4 - - - - - - - - 0 b\n"),
		"S - 31 1 0 0 20 0 1 1 0 0 0 1 0 0 1 4 - - - - - - - -\n",
		"S - - 1 0 0 20 0 1 1 0 0 0 1 0 0 1 4 - - - - - - - - 0 a\n",
		"S - 31 1 0 0 20 0 1 1 0 0 0 -1 0 0 1 4 - - - - - - - - 0 a\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct doing d = {0};

		assert_int_equal(parse_doing_processes(text(bad[i]), &d), -EBADMSG);
		doing_done(&d);
	}
}

static void stat_has_priority_start_and_size(void **state)
{
	static const char line[] =
		"40 (a) b) R 1 40 40 0 -1 4194368 5 0 7 0 100 50 0 0 -51 0 3 0 7900 9216000 500 "
		"18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 50 1 0 0 0\n";
	struct process_stat st;

	(void)state;
	assert_int_equal(parse_process_stat(text(line), &st), 0);
	assert_string_equal(st.comm, "a) b");
	assert_int_equal(st.priority, -51);
	assert_int_equal(st.start, 7900);
	assert_int_equal(st.vsize, 9216000);
	assert_int_equal(st.rt_priority, 50);
	assert_int_equal(st.policy, 1);
}

/* ---- memory ---- */

static const char meminfo[] =
	"MemTotal:        1000000 kB\nMemFree:          200000 kB\nMemAvailable:     500000 kB\n"
	"Buffers:           10000 kB\nCached:           300000 kB\nSwapCached:         1000 kB\n"
	"Active(anon):     200000 kB\nInactive(anon):    70600 kB\n"
	"AnonPages:        250000 kB\nMapped:            50000 kB\nShmem:             20000 kB\n"
	"SReclaimable:      40000 kB\nSUnreclaim:        30000 kB\nKernelStack:        2000 kB\n"
	"PageTables:         3000 kB\nSecPageTables:         0 kB\nVmallocUsed:        7000 kB\n"
	"Percpu:             1000 kB\nHugePages_Total:      10\nHugepagesize:       2048 kB\n"
	"Hugetlb:           20480 kB\nSomethingNew:          1 kB\n";

static void the_account_of_memory_adds_up(void **state)
{
	struct memory_row rows[MEMORY_ROWS];
	struct doing d = {.page_kib = 4};
	uint64_t sum = 0;
	size_t n;

	(void)state;
	assert_int_equal(parse_doing_numbers(text(meminfo), DOING_MEMINFO, &d), 0);
	assert_int_equal(parse_doing_numbers(text("nr_zspages 100\noom_kill 3\n"), DOING_VMSTAT, &d), 0);
	assert_int_equal(d.number[D_HUGE_TOTAL], 10);
	assert_false(d.known[D_DIRTY]);
	n = memory_account(&d, rows);
	for (size_t i = 0; i < n; i++)
		sum += rows[i].kib;
	assert_int_equal(sum, 1000000);
	assert_string_equal(rows[n - 1].key, "rest");
	/* Of the swap cache 600 are not mapped. 250000 + 310600 + 40000 + 30000 + 3000 + 2000 + 5000 + 1000 + 20480 + 400 + 200000 */
	assert_int_equal(rows[n - 1].kib, 1000000 - 862480);
	assert_string_equal(rows[2].key, "cache");
	assert_int_equal(rows[2].kib, 260600);
	d.known[D_ANON_PAGES] = false;
	assert_int_equal(memory_account(&d, rows), 0);
	assert_int_equal(parse_doing_numbers(text("MemTotal: x kB\n"), DOING_MEMINFO, &d), -EBADMSG);
	assert_int_equal(parse_doing_numbers(text("MemTotal:\n"), DOING_MEMINFO, &d), -EBADMSG);
	assert_int_equal(parse_doing_numbers(text("Nothing: 1\n"), DOING_MEMINFO, &d), -EBADMSG);
}

static void buffers_of_sockets_are_pages(void **state)
{
	struct doing d = {0};

	(void)state;
	assert_int_equal(parse_doing_numbers(text("sockets: used 9\nTCP: inuse 5 orphan 0 tw 2 alloc "
						  "9 mem 77\nUDP: inuse 1 mem 3\n"),
					     DOING_SOCKSTAT, &d),
			 0);
	assert_int_equal(d.number[D_TCP_PAGES], 77);
	assert_int_equal(d.number[D_UDP_PAGES], 3);
}

static void slabs_are_sorted(void **state)
{
	static const char slabs[] =
		"slabinfo - version: 2.1\n"
		"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : "
		"tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> "
		"<sharedavail>\n"
		"small 10 12 32 128 1 : tunables 0 0 0 : slabdata 1 1 0\n"
		"dentry 2000 2100 192 21 1 : tunables 0 0 0 : slabdata 100 100 0\n"
		"large 8 8 8192 4 8 : tunables 0 0 0 : slabdata 2 2 0\n";
	struct doing d = {0};

	(void)state;
	assert_int_equal(parse_slabs(text(slabs), 4, &d), 0);
	assert_int_equal(d.slabs.n, 3);
	assert_string_equal(d.slabs.items[0].name, "dentry");
	assert_int_equal(d.slabs.items[0].kib, 400);
	assert_int_equal(d.slabs.items[0].active, 2000);
	assert_int_equal(d.slabs.items[1].kib, 64);
	assert_int_equal(parse_slabs(text("dentry 1 2 3\n"), 4, &d), -EBADMSG);
	assert_int_equal(parse_slabs(text("slabinfo - version: 2.1\ndentry 1 2 3\n"), 4, &d), -EBADMSG);
	doing_done(&d);
}

static void rollups_are_read(void **state)
{
	static const char rollup[] = "55c9-7ffe ---p 00000000 00:00 0      [rollup]\n"
				     "Rss:                1688 kB\nPss:                 333 kB\n"
				     "Pss_Dirty:           112 kB\nPss_Anon:            112 kB\n"
				     "Pss_File:            221 kB\nPss_Shmem:             0 kB\n"
				     "SwapPss:              17 kB\n";
	struct memory_part part = {.pid = 9};
	struct doing d = {0};

	(void)state;
	assert_int_equal(parse_rollup(text(rollup), &part), 0);
	assert_int_equal(part.pid, 9);
	assert_int_equal(part.pss, 333);
	assert_int_equal(part.file, 221);
	assert_int_equal(part.swap, 17);
	assert_int_equal(parse_rollup(text("Rss: 1 kB\n"), &part), -EBADMSG);
	assert_int_equal(parse_rollup(text("Pss: -1 kB\n"), &part), -EBADMSG);
	assert_int_equal(parse_doing_parts(text("9 333 112 221 0 17\n"), &d), 0);
	assert_int_equal(doing_part(&d, 9)->shmem, 0);
	assert_null(doing_part(&d, 10));
	assert_int_equal(parse_doing_parts(text("9 333 112 221 0\n"), &d), -EBADMSG);
	doing_done(&d);
}

/* ---- swap and NUMA ---- */

static void swap_areas_are_read(void **state)
{
	struct doing d = {0};

	(void)state;
	assert_int_equal(parse_swaps(text("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
					  "/dev/vda2   partition\t1048572\t\t2048\t\t-2\n"
					  "/swap\\040file\\040(deleted) file 4092 0 5\n"),
				     &d),
			 0);
	assert_int_equal(d.swaps.n, 2);
	assert_int_equal(d.swaps.items[0].used_kib, 2048);
	assert_int_equal(d.swaps.items[0].priority, -2);
	assert_int_equal(d.swaps.items[1].kib, 4092);
	doing_done(&d);
	d = (struct doing){0};
	assert_int_equal(parse_swaps(text("/dev/vda2 partition 1 1 1\n"), &d), -EBADMSG);
	assert_int_equal(parse_swaps(text("Filename\n/dev/vda2 partition 1\n"), &d), -EBADMSG);
	doing_done(&d);
}

static void nodes_are_read(void **state)
{
	struct numa_node node = {.id = 1};
	unsigned int ids[8];
	size_t n;

	(void)state;
	assert_int_equal(parse_node_list(text("0-1,3\n"), ids, 8, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(ids[2], 3);
	assert_int_equal(parse_node_list(text("0-65535\n"), ids, 8, &n), -EFBIG);
	assert_int_equal(parse_node_list(text("0-x\n"), ids, 8, &n), -EBADMSG);
	assert_int_equal(parse_node_memory(text("Node 1 MemTotal:       1000 kB\n"
						"Node 1 MemFree:         400 kB\n"),
					   &node),
			 0);
	assert_int_equal(node.total, 1000);
	assert_int_equal(node.free, 400);
	assert_int_equal(parse_node_memory(text("Node 1 MemTotal: 1000 kB\n"), &node), -EBADMSG);
	assert_int_equal(parse_node_events(text("numa_hit 9\nnuma_miss 8\nnuma_foreign 7\n"
						"interleave_hit 6\nlocal_node 5\nother_node 4\n"),
					   &node),
			 0);
	assert_int_equal(node.events[NUMA_MISS], 8);
	assert_int_equal(node.events[NUMA_OTHER], 4);
	assert_int_equal(parse_node_events(text("numa_hit 9\n"), &node), -EBADMSG);
}

static void the_policy_of_a_process_is_the_one_that_was_chosen(void **state)
{
	struct numa_policy p = {.pid = 7};

	(void)state;
	assert_int_equal(parse_numa_maps(text("5000 default file=/bin/x mapped=2 N0=2\n"
					      "6000 bind:1 anon=5 N1=5\n6100 bind:1 anon=5 N1=5\n"
					      "7000 default stack anon=3\n"),
					 &p),
			 0);
	assert_string_equal(p.policy, "bind:1");
	assert_int_equal(p.mappings, 2);
	assert_int_equal(parse_numa_maps(text("5000 default\n6000 default\n"), &p), 0);
	assert_string_equal(p.policy, "default");
	assert_int_equal(p.mappings, 2);
	assert_int_equal(parse_numa_maps(text(""), &p), -EBADMSG);
	assert_int_equal(parse_numa_maps(text("5000 b\"d\n"), &p), -EBADMSG);
}

/* ---- cgroups ---- */

static void throttling_is_of_the_sample(void **state)
{
	struct doing a = {0}, b = {0};
	struct doing_sample s = {.a = &a, .b = &b, .seconds = 1};
	struct doing_cgroup over;

	(void)state;
	assert_int_equal(parse_doing_cgroups(text("v1 20000 100000 10 5 1000000 /web server\n"
						  "v2 - 100000 7 7 7 /system.slice\n"),
					     &a),
			 0);
	assert_int_equal(parse_doing_cgroups(text("v1 20000 100000 20 14 901000000 /web server\n"
						  "v2 - 100000 7 7 7 /system.slice\n"
						  "v2 5000 100000 1 1 1 /new\nleft-out 12\n"),
					     &b),
			 0);
	assert_int_equal(b.cgroups.n, 3);
	assert_int_equal(b.cgroups_left_out, 12);
	assert_int_equal(b.cgroups.items[1].quota_us, -1);
	assert_true(doing_throttled(&s, &b.cgroups.items[0], &over));
	assert_string_equal(over.path, "/web server");
	assert_int_equal(over.periods, 10);
	assert_int_equal(over.throttled, 9);
	assert_int_equal(over.throttled_ns, 900000000);
	assert_true(doing_throttled(&s, &b.cgroups.items[1], &over));
	assert_int_equal(over.throttled, 0);
	assert_false(doing_throttled(&s, &b.cgroups.items[2], &over));
	assert_int_equal(parse_doing_cgroups(text("v3 1 1 1 1 1 /x\n"), &a), -EBADMSG);
	assert_int_equal(parse_doing_cgroups(text("v1 1 1 1 1 /x\n"), &a), -EBADMSG);
	doing_done(&a);
	doing_done(&b);
}

/* ---- what is shown ---- */

static void fill_facts(struct host_facts *f)
{
	struct doing_sample s;

	take(&f->doing[0], &f->doing[1], &s);
	f->doing[0].taken_ns = NSEC_PER_SEC;
	f->doing[1].taken_ns = 3 * NSEC_PER_SEC;
	f->doing[1].page_kib = 4;
	f->doing[1].tasks = 320;
	f->top = 3;
	for (int i = 0; i < 2; i++)
		assert_int_equal(parse_doing_numbers(text(i ? "pswpin 100\npswpout 0\npgmajfault 8\n"
							    : "pswpin 0\npswpout 0\npgmajfault 0\n"),
						     DOING_VMSTAT, &f->doing[i]),
				 0);
	assert_int_equal(parse_doing_setting(text("320\n"), D_PID_MAX, &f->doing[1]), 0);
	assert_int_equal(parse_doing_setting(text("9999\n"), D_THREADS_MAX, &f->doing[1]), 0);
}

static void sections_tell_it(void **state)
{
	static void (*const texts[])(const struct host_view *, struct out *) = {
		host_load_text, host_time_text,	host_processes_text, host_memory_text,
		host_swap_text, host_placement_text, host_files_text};
	static const char *const said[] = {
		"2, then 2 runnable; 0, then 1 blocked", "big (50) in folio_wait_bit", "100 threads",
		"worker (32), not waited for by httpd main (31)", "rt (40), FIFO priority 50, 75 %",
		"320 of 320 that may be", "1 give way", "50/s pages in", "big (50): 60 of 64",
	};
	struct host_facts f = {0};
	struct report r = {0};
	struct host_view v = {.facts = &f, .r = &r};
	struct text_style style = {0};
	struct buf all = {0};
	struct out out = {.buf = &all, .style = &style};

	(void)state;
	fill_facts(&f);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		texts[i](&v, &out);
	for (size_t i = 0; i < ARRAY_SIZE(said); i++)
		if (!strstr(all.data, said[i]))
			fail_msg("not said: %s\n%s", said[i], all.data);
	buf_done(&all);
	host_facts_done(&f);
}

static void what_is_not_known_is_null(void **state)
{
	static json_t *(*const jsons[])(const struct host_view *) = {
		host_load_json, host_time_json,	host_processes_json, host_memory_json,
		host_swap_json, host_placement_json, host_files_json};
	struct host_facts f = {.top = 3};
	struct report r = {0};
	struct host_view v = {.facts = &f, .r = &r};
	json_t *j;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(jsons); i++) {
		j = jsons[i](&v);
		assert_true(json_is_object(j));
		json_decref(j);
	}
	j = host_memory_json(&v);
	assert_true(json_is_null(json_object_get(j, "total")));
	assert_true(json_is_null(json_object_get(j, "used")));
	assert_true(json_is_null(json_object_get(j, "oom_kills_in_sample")));
	assert_int_equal(json_array_size(json_object_get(j, "account")), 0);
	json_decref(j);
	j = host_processes_json(&v);
	assert_true(json_is_null(json_object_get(j, "processes")));
	json_decref(j);
}

/* ---- scrubbed ---- */

static void names_are_replaced_and_numbers_stay(void **state)
{
	const struct siphash_key key = {3, 4};
	struct buf data = {0};
	struct doing d = {0};
	struct scrubber s;

	(void)state;
	scrubber_init(&s, &key);
	scrubber_learned(&s);
	buf_puts(&data, processes_b);
	assert_int_equal(scrub_doing(&s, DOING_TEXT_PROCESSES, &data), 0);
	assert_null(strstr(data.data, "httpd"));
	assert_null(strstr(data.data, "worker"));
	assert_int_equal(parse_doing_processes((struct span){data.data, data.len}, &d), 0);
	assert_int_equal(doing_process(&d, 50)->v[PROC_RESIDENT], 40000);
	assert_string_equal(doing_process(&d, 50)->wchan, "folio_wait_bit");
	buf_clear(&data);
	buf_puts(&data, "v1 20000 100000 20 14 901000000 /secret/web.service\nleft-out 3\n");
	assert_int_equal(scrub_doing(&s, DOING_TEXT_CGROUPS, &data), 0);
	assert_null(strstr(data.data, "secret"));
	assert_int_equal(parse_doing_cgroups((struct span){data.data, data.len}, &d), 0);
	assert_int_equal(d.cgroups.items[0].throttled, 14);
	buf_clear(&data);
	buf_puts(&data, "S - 31 secret words\n");
	assert_int_equal(scrub_doing(&s, DOING_TEXT_PROCESSES, &data), -EBADMSG);
	buf_done(&data);
	doing_done(&d);
	scrubber_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_are_compared),
		cmocka_unit_test(damaged_processes_are_refused),
		cmocka_unit_test(stat_has_priority_start_and_size),
		cmocka_unit_test(the_account_of_memory_adds_up),
		cmocka_unit_test(buffers_of_sockets_are_pages),
		cmocka_unit_test(slabs_are_sorted),
		cmocka_unit_test(rollups_are_read),
		cmocka_unit_test(swap_areas_are_read),
		cmocka_unit_test(nodes_are_read),
		cmocka_unit_test(the_policy_of_a_process_is_the_one_that_was_chosen),
		cmocka_unit_test(throttling_is_of_the_sample),
		cmocka_unit_test(sections_tell_it),
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(names_are_replaced_and_numbers_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
