// SPDX-License-Identifier: GPL-2.0-or-later
/* Attributes of routes: changed and brought back, as ip route lists them. */
#define _GNU_SOURCE
#include <errno.h>

#include "remedy_place.h"

#define LIST "ip -d route show table all; ip -6 -d route show table all"

static int set_up(void **state)
{
	(void)state;
	return place_set_up("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up &&"
			    "echo 0 > /proc/sys/net/ipv6/conf/v0/accept_dad &&"
			    "ip addr add 10.1.0.1/24 dev v0 && ip -6 addr add fd00:1::1/64 dev v0 nodad &&"
			    "ip route add 10.9.0.0/16 via 10.1.0.2 dev v0 src 10.1.0.1 proto static metric 7 "
			    "mtu lock 1300 initcwnd 20 features ecn congctl cubic &&"
			    "ip route add 10.9.0.0/16 dev v0 metric 8 &&"
			    "ip route add default via 10.1.0.9 onlink dev v0 table 77 &&"
			    "ip route add 10.7.0.0/16 nexthop via 10.1.0.3 weight 3 nexthop via 10.1.0.4 dev v0 &&"
			    "ip -6 route add fd00:9::/64 via fd00:1::2 dev v0 pref high advmss 1200 &&"
			    "ip nexthop add id 5 via 10.1.0.6 dev v0 && ip route add 10.8.0.0/16 nhid 5");
}

static void one_attribute_changes(void **state)
{
	(void)state;
	there_and_back(&route_kind, "10.9.0.0/16 metric 7 rto_min", "lock 50ms", LIST, "rto_min lock 50ms");
	there_and_back(&route_kind, "10.9.0.0/16 metric 7 mtu", "1400", LIST, "mtu 1400");
	there_and_back(&route_kind, "10.9.0.0/16 metric 7 initcwnd", "", LIST, "mtu lock 1300");
	there_and_back(&route_kind, "10.9.0.0/16 metric 8 advmss", "1000", LIST, "advmss 1000");
	there_and_back(&route_kind, "10.1.0.0/24 rto_min", "lock 20ms", LIST, "proto kernel scope link src");
	there_and_back(&route_kind, "0.0.0.0/0 table 77 initrwnd", "30", LIST, "onlink");
}

static void several_next_hops(void **state)
{
	(void)state;
	there_and_back(&route_kind, "10.7.0.0/16 quickack", "1", LIST, "weight 3");
	there_and_back(&route_kind, "10.8.0.0/16 window", "60000", LIST, "nhid 5");
}

static void version_6(void **state)
{
	(void)state;
	there_and_back(&route_kind, "fd00:9::/64 mtu", "1300", LIST, "pref high");
	there_and_back(&route_kind, "fd00:9::/64 advmss", "", LIST, "fd00:9::/64");
}

static void what_is_refused(void **state)
{
	cleanup(buf_done) struct buf value = {0};
	static const char *const keys[] = {
		"", "10.9.0.0/16", "10.9.0.0 mtu", "10.9.0.0/33 mtu", "10.9.0.0/16 metric mtu",
		"10.9.0.0/16 via 10.1.0.2 mtu", "10.9.0.0/16 metric 7 hoplimits", "x/8 mtu"};
	static const char *const values[] = {"lock", "0", "x", "1300 1400", "4294967296", "lock lock 1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (route_kind.read(&here, keys[i], &value) != -EINVAL)
			fail_msg("taken: %s", keys[i]);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (route_kind.write(&here, "10.9.0.0/16 metric 7 mtu", values[i]) != -EINVAL)
			fail_msg("taken: %s", values[i]);
	assert_int_equal(route_kind.write(&here, "10.9.0.0/16 metric 7 rto_min", "50"), -EINVAL);
	assert_int_equal(route_kind.read(&here, "10.9.0.0/16 mtu", &value), -ENOTUNIQ);
	assert_int_equal(route_kind.read(&here, "10.99.0.0/16 mtu", &value), -ENOENT);
	assert_int_equal(route_kind.write(&here, "10.9.0.0/16 metric 9 mtu", "1300"), -ENOENT);
	is_now(&route_kind, "10.9.0.0/16 metric 7 mtu", "lock 1300");
	assert_int_equal(system("ip -6 route add fd00:e::/64 via fd00:1::2 dev v0 expires 600"), 0);
	assert_int_equal(route_kind.write(&here, "fd00:e::/64 mtu", "1300"), -EOPNOTSUPP);
	assert_non_null(route_kind.refusal("", -EOPNOTSUPP));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_attribute_changes),
		cmocka_unit_test(several_next_hops),
		cmocka_unit_test(version_6),
		cmocka_unit_test(what_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, place_tear_down);
}
