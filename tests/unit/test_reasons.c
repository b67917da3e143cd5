// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drop reasons and the tracepoint's prototype on kernels that this machine does not run. The enums
 * of tests/fixtures/btf were printed by `bpftool btf dump format raw` on these kernels (Debian's
 * 6.1 and 6.12, and 6.18; "-MODULE": of that module's own BTF), and are made into BTF again here.
 * Older layouts are built by hand: 5.10 and 5.15 know no reason, 5.17 few.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/parse.h"
#include "drops/reasons.h"
#include "drops.skel.h"

#ifndef SOURCE_ROOT
#define SOURCE_ROOT "."
#endif

static void add_prototype(struct btf *btf, unsigned int arguments)
{
	int proto = btf__add_func_proto(btf, 0);

	for (unsigned int i = 0; i <= arguments; i++)
		btf__add_func_param(btf, "", 0);
	btf__add_typedef(btf, "btf_trace_kfree_skb", btf__add_ptr(btf, proto));
}

/* "'NAME'" */
static void unquote(struct span s, char *to, size_t size)
{
	assert_true(s.n > 2 && s.p[0] == '\'' && s.p[s.n - 1] == '\'');
	span_copy((struct span){s.p + 1, s.n - 2}, to, size);
}

static void read_fixture(const char *name, struct buf *to)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), SOURCE_ROOT "/tests/fixtures/btf/%s.txt", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(buf_read_fd(to, fd, 1 << 20) >= 0);
	close(fd);
}

/* The lines "[1] ENUM 'type' ..." and "\t'NAME' val=1". */
static void add_recorded(struct btf *btf, const char *fixture)
{
	cleanup(buf_done) struct buf text = {0};
	struct span rest, line, field;
	char name[128];

	read_fixture(fixture, &text);
	rest = (struct span){text.data, text.len};
	while (next_line(&rest, &line)) {
		uint64_t value;
		bool type = line.n && line.p[0] == '[';

		if (!next_field(&line, &field))
			continue;
		if (type)
			assert_true(next_field(&line, &field) && next_field(&line, &field));
		unquote(field, name, sizeof(name));
		if (type) {
			assert_true(btf__add_enum(btf, name, 4) > 0);
			continue;
		}
		assert_true(next_field(&line, &field) && field.n > 4);
		field = (struct span){field.p + 4, field.n - 4};
		assert_int_equal(parse_u64(field, UINT32_MAX, &value), 0);
		assert_int_equal(btf__add_enum_value(btf, name, (int64_t)value), 0);
	}
}

static struct btf *recorded(const char *kernel, unsigned int arguments)
{
	struct btf *btf = btf__new_empty();

	assert_non_null(btf);
	add_recorded(btf, kernel);
	add_prototype(btf, arguments);
	return btf;
}

static void assert_named(struct reasons *r, uint32_t value, const char *name)
{
	char text[48];

	reasons_name(r, value, text, sizeof(text));
	assert_string_equal(text, name);
}

struct known {
	uint32_t value;
	const char *name;
};

/* The same names have other numbers in each; those that are no reasons have no names. */
static void check(const char *kernel, unsigned int arguments, const struct known *known)
{
	struct btf *btf = recorded(kernel, arguments);
	struct reasons r = {0};

	assert_int_equal(kfree_skb_arguments(btf), arguments);
	reasons_add_btf(&r, btf, 1);
	for (; known->name; known++)
		assert_named(&r, known->value, known->name);
	vec_each(name, &r.names) {
		assert_null(strstr(name->name, "SKB_DROP_REASON"));
		assert_null(strstr(name->name, "_MAX"));
	}
	reasons_done(&r);
	btf__free(btf);
}

static void test_recorded(void **state)
{
	(void)state;
	check("6.1", 3, (const struct known[]){{1, "NOT_SPECIFIED"}, {2, "NO_SOCKET"},
					       {7, "NETFILTER_DROP"}, {15, "SOCKET_RCVBUFF"},
					       {45, "QDISC_DROP"}, {46, "CPU_BACKLOG"},
					       {66, "66"}, {0x10001, "65537"}, {0, NULL}});
	check("6.12", 4, (const struct known[]){{2, "NOT_SPECIFIED"}, {3, "NO_SOCKET"},
						{6, "SOCKET_RCVBUFF"}, {11, "NETFILTER_DROP"},
						{57, "QDISC_DROP"}, {61, "CPU_BACKLOG"},
						{104, "104"}, {0xffff0000, "4294901760"}, {0, NULL}});
	check("6.18", 4, (const struct known[]){{2, "NOT_SPECIFIED"}, {6, "SOCKET_RCVBUFF"},
						{12, "NETFILTER_DROP"}, {64, "QDISC_DROP"},
						{65, "QDISC_OVERLIMIT"}, {71, "CPU_BACKLOG"},
						{128, "128"}, {0, NULL}});
}

/*
 * A module's BTF builds on the kernel's. mac80211 has a second enum of its reasons, for sparse, with
 * names that begin with "___", and return values among them that are no reasons.
 */
static void test_modules(void **state)
{
	struct btf *base = recorded("6.12", 4);
	struct btf *wifi = btf__new_empty_split(base), *ovs = btf__new_empty_split(base);
	struct reasons r = {0};

	(void)state;
	assert_true(wifi && ovs);
	add_recorded(wifi, "6.12-mac80211");
	add_recorded(ovs, "6.12-openvswitch");
	reasons_add_btf(&r, base, 1);
	assert_int_equal(r.subsystems.n, 3);
	assert_string_equal(r.subsystems.items[0].module, "mac80211");
	assert_string_equal(r.subsystems.items[1].module, "mac80211");
	assert_string_equal(r.subsystems.items[2].module, "openvswitch");
	assert_int_equal(r.subsystems.items[2].number, 3);
	vec_each(subsystem, &r.subsystems)
		subsystem->tried = true; /* not those of the kernel that runs */
	assert_named(&r, 0x30003, "196611");
	reasons_add_btf(&r, wifi, btf__type_cnt(base));
	reasons_add_btf(&r, ovs, btf__type_cnt(base));
	assert_named(&r, 0x30003, "OVS_DROP_EXPLICIT");
	assert_named(&r, 0x30000, "196608");
	assert_named(&r, 0x3000c, "196620");
	assert_named(&r, 0x10001, "RX_DROP_U_MIC_FAIL");
	assert_named(&r, 0x20001, "RX_DROP_M_UNEXPECTED_4ADDR_FRAME");
	assert_named(&r, 1, "CONSUMED");
	assert_named(&r, 3, "NO_SOCKET");
	reasons_done(&r);
	btf__free(wifi);
	btf__free(ovs);
	btf__free(base);
}

/* Without reasons every drop is NOT_SPECIFIED, whatever stands where the reason would be. */
static void test_no_reason(void **state)
{
	struct btf *btf = btf__new_empty();
	struct reasons r = {0};

	(void)state;
	add_prototype(btf, 2);
	assert_int_equal(kfree_skb_arguments(btf), 2);
	reasons_add_btf(&r, btf, 1);
	assert_int_equal(r.names.n, 0);
	r.none = true;
	assert_named(&r, 0, "NOT_SPECIFIED");
	assert_named(&r, 0xdead, "NOT_SPECIFIED");
	reasons_done(&r);
	btf__free(btf);
}

/* A distribution took the reason into its 5.15 and numbered NOT_SPECIFIED 0. */
static void test_backport(void **state)
{
	struct btf *btf = btf__new_empty();
	struct reasons r = {0};

	(void)state;
	btf__add_enum(btf, "skb_drop_reason", 4);
	btf__add_enum_value(btf, "SKB_DROP_REASON_NOT_SPECIFIED", 0);
	btf__add_enum_value(btf, "SKB_DROP_REASON_NO_SOCKET", 1);
	btf__add_enum_value(btf, "SKB_DROP_REASON_MAX", 2);
	add_prototype(btf, 3);
	assert_int_equal(kfree_skb_arguments(btf), 3);
	reasons_add_btf(&r, btf, 1);
	assert_named(&r, 0, "NOT_SPECIFIED");
	assert_named(&r, 1, "NO_SOCKET");
	assert_named(&r, 2, "2");
	reasons_done(&r);
	btf__free(btf);
}

/* A typedef of that name that is no function's: not taken for one. */
static void test_odd_prototypes(void **state)
{
	struct btf *btf = btf__new_empty();

	(void)state;
	assert_int_equal(kfree_skb_arguments(btf), -ENOENT);
	btf__add_typedef(btf, "btf_trace_kfree_skb", 0);
	assert_int_equal(kfree_skb_arguments(btf), -ENOENT);
	btf__free(btf);
	btf = btf__new_empty();
	add_prototype(btf, 7);
	assert_int_equal(kfree_skb_arguments(btf), 4);
	btf__free(btf);
}

/* Each number of arguments has its program, on each rung, and it is of the rung's kind. */
static void test_programs(void **state)
{
	static const struct {
		const char *prefix, *section;
	} rungs[] = {{"btf", "tp_btf/kfree_skb"}, {"raw", "raw_tp/kfree_skb"}};
	struct drops_bpf *skel;

	(void)state;
	libbpf_set_print(NULL);
	skel = drops_bpf__open();
	assert_non_null(skel);
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		for (int arguments = 2; arguments <= 4; arguments++) {
			const struct bpf_program *program;
			char name[24];

			snprintf(name, sizeof(name), "%s_%d", rungs[i].prefix, arguments);
			program = bpf_object__find_program_by_name(skel->obj, name);
			assert_non_null(program);
			assert_string_equal(bpf_program__section_name(program), rungs[i].section);
		}
	}
	drops_bpf__destroy(skel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded),       cmocka_unit_test(test_modules),
		cmocka_unit_test(test_no_reason),      cmocka_unit_test(test_backport),
		cmocka_unit_test(test_odd_prototypes), cmocka_unit_test(test_programs),
	};

	return cmocka_run_group_tests_name("reasons", tests, NULL, NULL);
}
