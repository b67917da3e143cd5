// SPDX-License-Identifier: GPL-2.0-or-later
/* Accept rules of iptables, put in and taken away by its own program, as it lists them. */
#define _GNU_SOURCE
#include <errno.h>

#include "remedy_place.h"

static int set_up(void **state)
{
	(void)state;
	return place_set_up("true");
}

/* `program` fills its table; a kernel or machine without it has nothing to test. */
static void there_and_back_by(const char *program)
{
	char command[256], key[96], list[64];

	snprintf(command, sizeof(command),
		 "(%s -A INPUT -p udp --dport 53 -j ACCEPT && %s -A INPUT -p tcp -j DROP &&"
		 " %s -A INPUT -m comment --comment x -j ACCEPT) 2> /dev/null",
		 program, program, program);
	if (system(command) != 0)
		skip();
	snprintf(list, sizeof(list), "%s -S", program);
	snprintf(key, sizeof(key), "%s filter INPUT 2 tcp dport 8443", program);
	there_and_back(&iptables_kind, key, "accept", list,
		       "--dport 8443 -m comment --comment whydrop -j ACCEPT\n-A INPUT -p tcp -j DROP");
	snprintf(key, sizeof(key), "%s filter OUTPUT end protocol 47", program);
	there_and_back(&iptables_kind, key, "accept", list, "-A OUTPUT -p gre");
	snprintf(key, sizeof(key), "%s filter INPUT 9 udp sport 53", program);
	assert_int_equal(iptables_kind.write(&here, key, "accept"), -ENOENT);
	snprintf(key, sizeof(key), "%s filter GONE end udp sport 53", program);
	assert_int_equal(iptables_kind.write(&here, key, "accept"), -ENOENT);
	snprintf(command, sizeof(command), "%s -F", program);
	assert_int_equal(system(command), 0);
}

static void legacy(void **state)
{
	(void)state;
	there_and_back_by("iptables-legacy");
}

static void legacy_6(void **state)
{
	(void)state;
	there_and_back_by("ip6tables-legacy");
}

static void upon_nf_tables(void **state)
{
	(void)state;
	there_and_back_by("iptables-nft");
}

static void what_is_refused(void **state)
{
	static const char *const keys[] = {
		"", "iptables filter INPUT 1 tcp dport 1", "iptables-legacy filter INPUT tcp dport 1",
		"iptables-legacy filter INPUT 0 tcp dport 1", "iptables-legacy filter -F end tcp dport 1",
		"iptables-legacy -h INPUT end tcp dport 1", "iptables-legacy filter INPUT end tcp dport 65536",
		"iptables-legacy filter INPUT end icmp dport 1", "iptables-legacy filter INPUT end tcp dport",
		"iptables-legacy filter INPUT end protocol 256",
		"iptables-legacy filter INPUT end tcp dport 1 -j DROP"};
	cleanup(buf_done) struct buf value = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (iptables_kind.read(&here, keys[i], &value) != -EINVAL)
			fail_msg("taken: %s", keys[i]);
	assert_int_equal(iptables_kind.write(&here, "iptables-legacy filter INPUT end tcp dport 1", "drop"),
			 -EINVAL);
	assert_int_equal(iptables_kind.needs(""), CHANGE_NEEDS_FOR);
	assert_non_null(iptables_kind.refusal("", -ENOENT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legacy),
		cmocka_unit_test(legacy_6),
		cmocka_unit_test(upon_nf_tables),
		cmocka_unit_test(what_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, place_tear_down);
}
