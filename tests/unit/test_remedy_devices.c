// SPDX-License-Identifier: GPL-2.0-or-later
/* Settings of devices: changed and brought back, as ip, tc, ethtool and sysfs tell them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <sys/stat.h>

#include "remedy_place.h"

#include "remedy/ethtool.h"

static int set_up(void **state)
{
	(void)state;
	return place_set_up("ip link add v0 txqueuelen 500 numrxqueues 2 numtxqueues 2 type veth peer name v1 &&"
			    "ip link set v0 up && ip link set v1 up &&"
			    "tc qdisc replace dev v0 root handle 1: pfifo limit 7 &&"
			    "tc qdisc replace dev v1 root handle 2: tbf rate 8mbit burst 20k limit 30k");
}

static void link_numbers(void **state)
{
	(void)state;
	there_and_back(&link_kind, "v0:txqueuelen", "2000", "ip link show dev v0", "qlen 2000");
	there_and_back(&link_kind, "v0:mtu", "1400",
		       "ip link; cat /proc/sys/net/ipv6/conf/v0/mtu", " mtu 1400 ");
	assert_true(link_kind.needs("v0:mtu") & CHANGE_NEEDS_FOR);
	assert_int_equal(link_kind.needs("v0:txqueuelen"), 0);
}

/* IPv6's own MTU follows that of the device, and is put back by itself where it was another. */
static void the_mtu_of_ipv6_comes_along(void **state)
{
	struct key_list along = {0};

	(void)state;
	write_it(&link_kind, "v0:mtu6", "1300");
	assert_int_equal(link_kind.along(&here, "v0:mtu", &along), 0);
	assert_true(along.list.n >= 1);
	assert_string_equal(along.list.items[0], "v0:mtu6");
	key_list_done(&along);
	write_it(&link_kind, "v0:mtu", "1400");
	is_now(&link_kind, "v0:mtu6", "1400");
	write_it(&link_kind, "v0:mtu", "1500");
	write_it(&link_kind, "v0:mtu6", "1300");
	is_now(&link_kind, "v0:mtu6", "1300");
}

static void what_the_link_refuses(void **state)
{
	cleanup(buf_done) struct buf value = {0};

	(void)state;
	assert_int_equal(link_kind.write(&here, "v0:mtu", "1279"), -ERANGE);
	assert_int_equal(link_kind.write(&here, "v0:mtu", "70000"), -EINVAL);
	assert_int_equal(link_kind.write(&here, "v0:mtu", "1400x"), -EINVAL);
	assert_int_equal(link_kind.write(&here, "v0:mtu", ""), -EINVAL);
	assert_int_equal(link_kind.write(&here, "gone:mtu", "1400"), -ENODEV);
	assert_int_equal(link_kind.read(&here, "gone:mtu", &value), -ENODEV);
	assert_int_equal(link_kind.read(&here, "v0:address", &value), -EINVAL);
	assert_int_equal(link_kind.read(&here, "../x:mtu6", &value), -EINVAL);
	assert_int_equal(link_kind.read(&here, "v0", &value), -EINVAL);
	is_now(&link_kind, "v0:mtu", "1500");
	assert_non_null(link_kind.refusal("v0:mtu", -ERANGE));
}

static void queue_limits(void **state)
{
	(void)state;
	there_and_back(&qdisc_kind, "v0:root pfifo limit", "100", "tc qdisc show dev v0", "limit 100p");
	/* The rate, the burst and the statistics of the shaper stay as they were. */
	there_and_back(&qdisc_kind, "v1:root tbf limit", "60000", "tc -s -d qdisc show dev v1",
		       "rate 8Mbit burst 20Kb");
}

static void what_the_qdisc_refuses(void **state)
{
	cleanup(buf_done) struct buf value = {0};

	(void)state;
	assert_int_equal(qdisc_kind.read(&here, "v0:root bfifo limit", &value), -ENOENT);
	assert_int_equal(qdisc_kind.read(&here, "v0:8:1 pfifo limit", &value), -ENOENT);
	assert_int_equal(qdisc_kind.read(&here, "v0:root pfifo length", &value), -EINVAL);
	assert_int_equal(qdisc_kind.read(&here, "v0:root pfifo", &value), -EINVAL);
	assert_int_equal(qdisc_kind.write(&here, "gone:root pfifo limit", "1"), -ENODEV);
	assert_int_equal(qdisc_kind.write(&here, "v0:root pfifo limit", "4294967296"), -EINVAL);
	assert_int_equal(qdisc_kind.write(&here, "v0:root pfifo limit", "-1"), -EINVAL);
	is_now(&qdisc_kind, "v0:root pfifo limit", "7");
}

static void a_leaf_below_a_class(void **state)
{
	(void)state;
	assert_int_equal(system("tc qdisc replace dev v0 root handle 5: htb default 10 &&"
				"tc class add dev v0 parent 5: classid 5:10 htb rate 9mbit &&"
				"tc qdisc add dev v0 parent 5:10 handle 50: pfifo limit 9"), 0);
	there_and_back(&qdisc_kind, "v0:5:10 pfifo limit", "90", "tc qdisc show dev v0", "limit 90p");
	assert_int_equal(system("tc qdisc replace dev v0 root handle 1: pfifo limit 7"), 0);
}

static void channels_and_features(void **state)
{
	(void)state;
	there_and_back(&ethtool_kind, "v0:channels.rx", "1", "ethtool -l v0", "RX:\t\t1");
	there_and_back(&ethtool_kind, "v0:feature.tx-tcp-segmentation", "off", "ethtool -k v0",
		       "tx-tcp-segmentation: off");
	/* What hangs on a feature goes with it and comes again. */
	there_and_back(&ethtool_kind, "v0:feature.tx-checksum-ip-generic", "off", "ethtool -k v0",
		       "tx-tcp-segmentation: off [requested on]");
	assert_int_equal(ethtool_kind.needs("v0:channels.rx"), CHANGE_RESETS_LINK);
	assert_int_equal(ethtool_kind.needs("v0:feature.tx-tcp-segmentation"), 0);
}

static void coalescing(void **state)
{
	(void)state;
	if (system("ip tuntap add t0 mode tap 2> /dev/null") != 0)
		skip();
	there_and_back(&ethtool_kind, "t0:coalesce.rx-frames", "10", "ethtool -c t0", "rx-frames: 10");
}

static void what_the_card_refuses(void **state)
{
	cleanup(buf_done) struct buf value = {0};

	(void)state;
	assert_int_equal(ethtool_kind.read(&here, "v0:ring.rx", &value), -EOPNOTSUPP);
	assert_int_equal(ethtool_kind.write(&here, "v0:ring.rx", "256"), -EOPNOTSUPP);
	assert_int_equal(ethtool_kind.write(&here, "v0:pause.rx", "on"), -EOPNOTSUPP);
	assert_int_equal(ethtool_kind.write(&here, "v0:pause.rx", "1"), -EINVAL);
	assert_int_equal(ethtool_kind.write(&here, "v0:channels.rx", "3"), -EINVAL);
	assert_int_equal(ethtool_kind.read(&here, "v0:feature.no-such-thing", &value), -EOPNOTSUPP);
	assert_int_equal(ethtool_kind.write(&here, "v0:feature.no-such-thing", "on"), -EOPNOTSUPP);
	/* Fixed: the kernel passes over it without a word. */
	assert_int_equal(ethtool_kind.write(&here, "lo:feature.tx-checksum-ip-generic", "off"),
			 -EOPNOTSUPP);
	assert_int_equal(ethtool_kind.read(&here, "gone:channels.rx", &value), -ENODEV);
	assert_int_equal(ethtool_kind.write(&here, "gone:channels.rx", "1"), -ENODEV);
	assert_int_equal(ethtool_kind.read(&here, "v0:channels", &value), -EINVAL);
	is_now(&ethtool_kind, "v0:channels.rx", "2");
}

/* SIOCETHTOOL, for kernels without the netlink family. */
static void the_older_way(void **state)
{
	static const struct card_number rx = {
		"channels.rx", ETHTOOL_MSG_CHANNELS_GET, ETHTOOL_MSG_CHANNELS_SET,
		ETHTOOL_A_CHANNELS_RX_COUNT, false, ETHTOOL_GCHANNELS, ETHTOOL_SCHANNELS,
		sizeof(struct ethtool_channels), offsetof(struct ethtool_channels, rx_count)};
	static const char tso[] = "tx-tcp-segmentation";
	uint32_t old = 0, now = 0;
	bool on = false;

	(void)state;
	assert_int_equal(card_number_ioctl_ask("v0", &rx, &old), 0);
	assert_int_equal(old, 2);
	assert_int_equal(card_number_ioctl_set("v0", &rx, 1), 0);
	assert_int_equal(card_number_ask("v0", &rx, &now), 0);
	assert_int_equal(now, 1);
	assert_int_equal(card_number_ioctl_set("v0", &rx, 3), -EINVAL);
	assert_int_equal(card_number_ioctl_set("v0", &rx, old), 0);
	assert_int_equal(card_number_ioctl_ask("gone", &rx, &old), -ENODEV);

	assert_int_equal(card_feature_ioctl_ask("v0", tso, &on), 0);
	assert_true(on);
	assert_int_equal(card_feature_ioctl_set("v0", tso, false), 0);
	assert_int_equal(card_feature_ask("v0", tso, &on), 0);
	assert_false(on);
	assert_int_equal(card_feature_ioctl_set("v0", tso, true), 0);
	is_now(&ethtool_kind, "v0:feature.tx-tcp-segmentation", "on");
	assert_int_equal(card_feature_ioctl_ask("v0", "no-such-thing", &on), -EOPNOTSUPP);
	assert_int_equal(card_feature_ioctl_set("lo", "tx-checksum-ip-generic", false), -EOPNOTSUPP);
}

static void cpus_of_queues(void **state)
{
	cleanup(buf_done) struct buf value = {0};

	(void)state;
	if (here.sys < 0 || faccessat(here.sys, "class/net/v0/queues/rx-0/rps_cpus", W_OK, 0) < 0)
		skip();
	is_now(&queue_kind, "v0:rx-0:rps_cpus", "0");
	write_it(&queue_kind, "v0:rx-0:rps_cpus", "1");
	is_now(&queue_kind, "v0:rx-0:rps_cpus", "1");
	write_it(&queue_kind, "v0:rx-0:rps_cpus", "0");
	write_it(&queue_kind, "v0:rx-0:rps_flow_cnt", "64");
	is_now(&queue_kind, "v0:rx-0:rps_flow_cnt", "64");
	write_it(&queue_kind, "v0:rx-0:rps_flow_cnt", "0");
	assert_int_equal(queue_kind.write(&here, "v0:rx-0:rps_cpus", "x"), -EINVAL);
	assert_int_equal(queue_kind.read(&here, "v0:rx-9:rps_cpus", &value), -ENOENT);
	assert_int_equal(queue_kind.read(&here, "v0:tx-0:rps_cpus", &value), -EINVAL);
	assert_int_equal(queue_kind.read(&here, "v0:rx-0:../../mtu", &value), -EINVAL);
	assert_int_equal(queue_kind.read(&here, "gone:rx-0:rps_cpus", &value), -ENOENT);
	assert_true(queue_kind.same("", "3", "00000000,00000003"));
	assert_true(queue_kind.same("", "1,00000000", "100000000"));
	assert_false(queue_kind.same("", "30", "3"));
	assert_true(queue_kind.same("", "0", "00,00000000"));
}

/* In a tree that looks like /proc: the interrupts of this machine are not the test's. */
static void cpus_of_an_interrupt(void **state)
{
	char folder[] = "/tmp/whydrop-irq-XXXXXX", command[128];
	struct change_place fake = {.ns = -1, .home = -1, .sys = -1};
	cleanup(buf_done) struct buf value = {0};

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(command, sizeof(command), "mkdir -p %s/irq/24 && echo 0-1 > %s/irq/24/smp_affinity_list",
		 folder, folder);
	assert_int_equal(system(command), 0);
	fake.proc = open(folder, O_PATH | O_DIRECTORY);
	assert_int_equal(irq_kind.read(&fake, "24:smp_affinity_list", &value), 0);
	assert_string_equal(value.data, "0-1");
	assert_int_equal(irq_kind.write(&fake, "24:smp_affinity_list", "1\n"), 0);
	assert_int_equal(irq_kind.read(&fake, "25:smp_affinity_list", &value), -ENOENT);
	assert_int_equal(irq_kind.read(&fake, "24:../24/smp_affinity_list", &value), -EINVAL);
	assert_int_equal(irq_kind.read(&fake, "x:smp_affinity_list", &value), -EINVAL);
	assert_true(irq_kind.host_wide("24:smp_affinity_list"));
	close(fake.proc);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link_numbers),
		cmocka_unit_test(the_mtu_of_ipv6_comes_along),
		cmocka_unit_test(what_the_link_refuses),
		cmocka_unit_test(queue_limits),
		cmocka_unit_test(what_the_qdisc_refuses),
		cmocka_unit_test(a_leaf_below_a_class),
		cmocka_unit_test(channels_and_features),
		cmocka_unit_test(coalescing),
		cmocka_unit_test(what_the_card_refuses),
		cmocka_unit_test(the_older_way),
		cmocka_unit_test(cpus_of_queues),
		cmocka_unit_test(cpus_of_an_interrupt),
	};

	return cmocka_run_group_tests(tests, set_up, place_tear_down);
}
