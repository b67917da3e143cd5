// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The small BTF of the running kernel leads to the same programs as all of it: each object is
 * relocated by both, and its instructions are compared. Needs root, as libbpf relocates what it loads.
 */
#include <errno.h>
#include <linux/btf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "base/base.h"
#include "drops.skel.h"
#include "drops/kernel_btf.h"
#include "drops/reasons.h"
#include "events.skel.h"
#include "task_files.skel.h"
#include "tcp.skel.h"

/* Programs for another kernel's tracepoint are refused, and the object with them. */
static void choose(struct bpf_object *object, int arguments)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object) {
		const char *name = bpf_program__name(program), *digit = strpbrk(name, "234");
		bool of_kernel = !digit || digit[1] || *digit - '0' == arguments;

		bpf_program__set_autoload(program, of_kernel);
	}
}

/* Where an instruction names a map, or a function of the kernel, it does so by a number of this load. */
static bool same(const struct bpf_insn *a, const struct bpf_insn *b)
{
	return a->code == b->code && a->dst_reg == b->dst_reg && a->src_reg == b->src_reg &&
	       a->off == b->off &&
	       (a->imm == b->imm || (a->code == (BPF_LD | BPF_IMM | BPF_DW) && a->src_reg));
}

static size_t compare(const struct bpf_object *by_part, const struct bpf_object *by_all)
{
	struct bpf_program *a, *b;
	size_t compared = 0;

	bpf_object__for_each_program(a, by_part) {
		if (!bpf_program__autoload(a))
			continue;
		b = bpf_object__find_program_by_name(by_all, bpf_program__name(a));
		assert_non_null(b);
		assert_int_equal(bpf_program__insn_cnt(a), bpf_program__insn_cnt(b));
		for (size_t i = 0; i < bpf_program__insn_cnt(a); i++)
			if (!same(&bpf_program__insns(a)[i], &bpf_program__insns(b)[i]))
				fail_msg("%s: instruction %zu differs", bpf_program__name(a), i);
		compared++;
	}
	return compared;
}

#define COMPARE(object, least)                                                                     \
	do {                                                                                       \
		int arguments = kfree_skb_arguments(kernel_btf());                                 \
		struct object##_bpf *by_all = object##_bpf__open();                                \
		struct object##_bpf *by_part = object##_bpf__open_opts(kernel_btf_opts());         \
                                                                                                   \
		assert_true(by_all && by_part);                                                    \
		choose(by_all->obj, arguments);                                                    \
		choose(by_part->obj, arguments);                                                   \
		assert_int_equal(object##_bpf__load(by_all), 0);                                   \
		assert_int_equal(object##_bpf__load(by_part), 0);                                  \
		assert_true(compare(by_part->obj, by_all->obj) >= (least));                        \
		object##_bpf__destroy(by_all);                                                     \
		object##_bpf__destroy(by_part);                                                    \
	} while (0)

static void test_drops(void **state)
{
	(void)state;
	COMPARE(drops, 5);
}

static void test_events(void **state)
{
	(void)state;
	COMPARE(events, 3);
}

static void test_tcp(void **state)
{
	(void)state;
	COMPARE(tcp, 10);
}

static void test_task_files(void **state)
{
	(void)state;
	COMPARE(task_files, 1);
}

static void assert_same_id(const struct btf *all, const char *name, uint32_t kind)
{
	int id = btf__find_by_name_kind(all, name, kind);

	assert_int_equal(kernel_btf_id(name, kind), MAX(id, 0));
}

/* What the kernel itself is asked by its number is that of the kernel's own types. */
static void test_ids(void **state)
{
	struct btf *all = btf__load_vmlinux_btf();

	(void)state;
	assert_non_null(all);
	assert_int_equal(kfree_skb_arguments(kernel_btf()), kfree_skb_arguments(all));
	assert_same_id(all, "btf_trace_kfree_skb", BTF_KIND_TYPEDEF);
	assert_same_id(all, "btf_trace_tcp_send_reset", BTF_KIND_TYPEDEF);
	assert_same_id(all, "ip_rcv", BTF_KIND_FUNC);
	assert_same_id(all, "skb_drop_reason", BTF_KIND_ENUM);
	assert_true(kernel_btf_id("ip_rcv", BTF_KIND_FUNC) > 0);
	assert_int_equal(kernel_btf_id("no such function", BTF_KIND_FUNC), 0);
	btf__free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drops),	   cmocka_unit_test(test_events),
		cmocka_unit_test(test_tcp),	   cmocka_unit_test(test_task_files),
		cmocka_unit_test(test_ids),
	};

	libbpf_set_print(NULL);
	if (geteuid() != 0 || kernel_btf_read() != 0)
		return 77;
	return cmocka_run_group_tests_name("kernel_btf", tests, NULL, NULL);
}
