// SPDX-License-Identifier: GPL-2.0-or-later
/* Numbers and fields out of kernel text; the /proc collectors' parsers on good and bad text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/parse.h"
#include "collect/proctext.h"

static void numbers_are_whole_or_refused(void **state)
{
	uint64_t n = 7;
	int64_t i;
	double d;

	assert_int_equal(parse_u64(span_of("18446744073709551615"), UINT64_MAX, &n), 0);
	assert_int_equal(n, UINT64_MAX);
	assert_int_equal(parse_u64(span_of("18446744073709551616"), UINT64_MAX, &n), -ERANGE);
	assert_int_equal(parse_u64(span_of("12abc"), UINT64_MAX, &n), -EINVAL);
	assert_int_equal(parse_u64(span_of(""), UINT64_MAX, &n), -EINVAL);
	assert_int_equal(parse_u64(span_of("-1"), UINT64_MAX, &n), -EINVAL);
	assert_int_equal(parse_u64(span_of("6"), 5, &n), -ERANGE);
	assert_int_equal(n, UINT64_MAX); /* untouched on failure */
	assert_int_equal(parse_i64(span_of("-42"), &i), 0);
	assert_int_equal(i, -42);
	assert_int_equal(parse_hex64(span_of("ffffFFFF"), UINT32_MAX, &n), 0);
	assert_int_equal(n, UINT32_MAX);
	assert_int_equal(parse_decimal("0.2", 0.2, 3600, &d), 0);
	assert_int_equal(parse_decimal("0.1", 0.2, 3600, &d), -ERANGE);
	assert_int_equal(parse_decimal("1e9", 0.2, 3600, &d), -EINVAL);
	assert_int_equal(parse_decimal("5.", 0.2, 3600, &d), -EINVAL);
}

static void fields_and_lines(void **state)
{
	struct span text = span_of("  a\tbc \n\nlast"), line, field;

	assert_true(next_line(&text, &line));
	assert_true(next_field(&line, &field));
	assert_true(span_is(field, "a"));
	assert_true(next_field(&line, &field));
	assert_true(span_is(field, "bc"));
	assert_false(next_field(&line, &field));
	assert_true(next_line(&text, &line));
	assert_int_equal(line.n, 0);
	assert_true(next_line(&text, &line));
	assert_true(span_is(line, "last"));
	assert_false(next_line(&text, &line));
}

/* Columns are found by name: a kernel that inserts one in the middle changes nothing. */
static void snmp_is_read_by_name(void **state)
{
	struct snapshot s = {0};
	const char *text = "Udp: InDatagrams Newcomer NoPorts InErrors\nUdp: 5 99 6 7\n";

	assert_int_equal(parse_paired_lines(span_of(text), SRC_SNMP, &s), 0);
	assert_true(s.counter_present[C_UDP_NO_PORTS]);
	assert_int_equal(s.counter[C_UDP_NO_PORTS], 6);
	assert_false(s.counter_present[C_UDP_RCVBUF_ERRORS]);
	assert_int_equal(parse_paired_lines(span_of("Udp: A B\nUdp: 1\n"), SRC_SNMP, &s), -EBADMSG);
	assert_int_equal(parse_paired_lines(span_of("Udp: A\nTcp: 1\n"), SRC_SNMP, &s), -EBADMSG);
	assert_int_equal(parse_paired_lines(span_of("Udp: NoPorts\nUdp: x\n"), SRC_SNMP, &s), -EBADMSG);
	assert_int_equal(parse_paired_lines(span_of(""), SRC_SNMP, &s), -EBADMSG);
	snapshot_done(&s);
}

static void softnet_of_three_kernels(void **state)
{
	struct snapshot s = {0};

	/* Before 5.10 the CPU's number is not told; since then it is column 13. */
	assert_int_equal(parse_softnet(span_of("00000010 00000002 00000003\n"), &s), 0);
	assert_int_equal(s.cpus.items[0].softnet[C_SOFTNET_DROPPED - SOFTNET_FIRST], 2);
	snapshot_done(&s);
	assert_int_equal(parse_softnet(span_of("1 2 3 0 0 0 0 0 0 4 5 6 0000000b 0 0\n"), &s), 0);
	assert_int_equal(s.cpus.items[0].id, 11);
	assert_int_equal(s.cpus.items[0].softnet[C_SOFTNET_BACKLOG_LEN - SOFTNET_FIRST], 6);
	snapshot_done(&s);
	assert_int_equal(parse_softnet(span_of("1 2\n"), &s), -EBADMSG);
	assert_int_equal(parse_softnet(span_of("1 2 zz\n"), &s), -EBADMSG);
	snapshot_done(&s);
}

static void conntrack_is_summed_but_its_fill_is_not(void **state)
{
	struct snapshot s = {0};
	const char *text = "entries  found invalid  drop early_drop\n"
			   "00000014 1 2 0000000a 0\n00000014 1 2 00000005 0\n";

	assert_int_equal(parse_conntrack(span_of(text), &s), 0);
	assert_int_equal(s.counter[C_CT_ENTRIES], 20);
	assert_int_equal(s.counter[C_CT_DROP], 15);
	assert_int_equal(parse_conntrack(span_of("entries\n"), &s), -EBADMSG);
	assert_int_equal(parse_conntrack(span_of("entries drop\n14\n"), &s), -EBADMSG);
}

static void sysctls_hold_up_to_three_numbers(void **state)
{
	struct sysctl_value v;

	assert_int_equal(parse_sysctl(span_of("4096\t87380\t6291456\n"), &v), 0);
	assert_int_equal(v.n, 3);
	assert_int_equal(v.v[2], 6291456);
	assert_int_equal(parse_sysctl(span_of("\n"), &v), -EBADMSG);
	assert_int_equal(parse_sysctl(span_of("cubic\n"), &v), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_whole_or_refused),
		cmocka_unit_test(fields_and_lines),
		cmocka_unit_test(snmp_is_read_by_name),
		cmocka_unit_test(softnet_of_three_kernels),
		cmocka_unit_test(conntrack_is_summed_but_its_fill_is_not),
		cmocka_unit_test(sysctls_hold_up_to_three_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
