// SPDX-License-Identifier: GPL-2.0-or-later
/* Settings read, written and brought back in a namespace of the test's own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "own_netns.h"
#include "remedy/kinds.h"

static struct change_place here;

static int set_up(void **state)
{
	(void)state;
	/* No namespace, nothing to write: 77 is a skip to the test runner. */
	if (own_netns() < 0)
		exit(77);
	return place_open(-1, &here);
}

static int tear_down(void **state)
{
	(void)state;
	place_done(&here);
	return 0;
}

static void is_now(const char *key, const char *value)
{
	cleanup(buf_done) struct buf now = {0};

	assert_int_equal(sysctl_kind.read(&here, key, &now), 0);
	assert_string_equal(now.data, value);
}

static void write_and_back(const char *key, const char *to)
{
	cleanup(buf_done) struct buf before = {0};

	assert_int_equal(sysctl_kind.read(&here, key, &before), 0);
	assert_string_not_equal(before.data, to);
	assert_int_equal(sysctl_kind.write(&here, key, to), 0);
	is_now(key, to);
	assert_int_equal(sysctl_kind.write(&here, key, before.data), 0);
	is_now(key, before.data);
}

static void a_value_is_written_and_brought_back(void **state)
{
	(void)state;
	write_and_back("net.core.somaxconn", "77");
	write_and_back("net.ipv4.tcp_rmem", "4096 100000 200000");
	write_and_back("net.ipv4.conf.lo.rp_filter", "2");
}

static void what_is_refused_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(sysctl_kind.write(&here, "net.core.somaxconn", "many"), -EINVAL);
	assert_int_equal(sysctl_kind.write(&here, "net.ipv4.nothing_like_it", "1"), -ENOENT);
	assert_int_equal(sysctl_kind.write(&here, "net./../sysrq", "1"), -EINVAL);
	assert_int_equal(sysctl_kind.write(&here, "..//etc.passwd", "1"), -EINVAL);
	assert_int_equal(sysctl_kind.write(&here, "", "1"), -EINVAL);
}

static void devices_follow_where_all_leads(void **state)
{
	struct key_list keys = {0};
	bool lo = false;

	(void)state;
	assert_int_equal(sysctl_kind.along(&here, "net.ipv4.ip_forward", &keys), 0);
	vec_each(key, &keys.list)
		lo |= strcmp(*key, "net.ipv4.conf.lo.forwarding") == 0;
	assert_true(lo);
	key_list_done(&keys);
	assert_int_equal(sysctl_kind.along(&here, "net.ipv4.tcp_sack", &keys), 0);
	assert_int_equal(keys.list.n, 0);
}

static void the_kernel_rounds_what_it_hashes(void **state)
{
	(void)state;
	assert_true(change_same(&sysctl_kind, "net.netfilter.nf_conntrack_buckets", "1000", "1024"));
	assert_false(change_same(&sysctl_kind, "net.netfilter.nf_conntrack_buckets", "1000", "2048"));
	assert_false(change_same(&sysctl_kind, "net.netfilter.nf_conntrack_max", "1000", "1024"));
}

static void some_are_the_whole_hosts(void **state)
{
	(void)state;
	assert_true(sysctl_kind.host_wide("net.core.netdev_max_backlog"));
	assert_true(sysctl_kind.host_wide("vm.min_free_kbytes"));
	assert_true(sysctl_kind.host_wide("net.ipv4.neigh.default.gc_thresh3"));
	assert_false(sysctl_kind.host_wide("net.core.somaxconn"));
	assert_false(sysctl_kind.host_wide("net.ipv4.conf.eth0.rp_filter"));
}

static void a_file_comes_whole_and_goes(void **state)
{
	cleanup(buf_done) struct buf now = {0};
	char folder[] = "/tmp/whydrop-kinds.XXXXXX", path[64];
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.conf", folder);
	assert_int_equal(file_kind.read(&here, path, &now), 0);
	assert_string_equal(now.data, "");
	assert_int_equal(file_kind.write(&here, path, "one = 1\n"), 0);
	assert_int_equal(file_kind.read(&here, path, &now), 0);
	assert_string_equal(now.data, "one = 1\n");
	assert_int_equal(file_kind.write(&here, path, ""), 0);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(file_kind.write(&here, "relative", "x"), -EINVAL);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_written_and_brought_back),
		cmocka_unit_test(what_is_refused_changes_nothing),
		cmocka_unit_test(devices_follow_where_all_leads),
		cmocka_unit_test(the_kernel_rounds_what_it_hashes),
		cmocka_unit_test(some_are_the_whole_hosts),
		cmocka_unit_test(a_file_comes_whole_and_goes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
