// SPDX-License-Identifier: GPL-2.0-or-later
/* Accept rules and policies: put in and taken away, as nft and iptables list them. */
#define _GNU_SOURCE
#include <errno.h>

#include "remedy_place.h"

#define LIST "nft -a list ruleset"

static int set_up(void **state)
{
	(void)state;
	if (system("command -v nft > /dev/null") != 0)
		exit(77);
	return place_set_up(
		"nft 'add table inet f; add chain inet f in { type filter hook input priority 0; policy drop; };"
		" add rule inet f in tcp dport 22 accept comment \"whydrop\";"
		" add rule inet f in counter drop; add rule inet f in accept;"
		" add chain inet f side; add rule inet f side drop;"
		" add table ip6 g; add chain ip6 g out { type filter hook output priority 0; };"
		" add rule ip6 g out udp dport 53 counter drop'");
}

static uint64_t handle_of(const char *rule)
{
	cleanup(buf_done) struct buf list = {0};
	const char *line, *handle;

	said_by(LIST, &list);
	line = strstr(list.data, rule);
	assert_non_null(line);
	handle = strstr(line, "# handle ");
	assert_non_null(handle);
	return strtoull(handle + strlen("# handle "), NULL, 10);
}

static void a_rule_before_the_one_that_drops(void **state)
{
	char key[96];

	(void)state;
	snprintf(key, sizeof(key), "inet f in handle %llu tcp dport 8443",
		 (unsigned long long)handle_of("counter packets"));
	there_and_back(&nft_kind, key, "accept", LIST,
		       "tcp dport 8443 accept comment \"whydrop\"");
	write_it(&nft_kind, key, "accept");
	/* Once, however often it is asked for, and in front of the drop. */
	write_it(&nft_kind, key, "accept");
	assert_int_equal(system("test $(" LIST " | grep -c 'dport 8443') = 1 &&" LIST
				" | grep -A 1 'dport 8443' | grep -q 'counter.* drop'"), 0);
	write_it(&nft_kind, key, "");
	assert_int_equal(nft_kind.needs(key), CHANGE_NEEDS_FOR);
}

static void other_places_and_matches(void **state)
{
	(void)state;
	there_and_back(&nft_kind, "inet f side end udp sport 53", "accept", LIST,
		       "udp sport 53 accept comment \"whydrop\"");
	there_and_back(&nft_kind, "inet f side end meta l4proto 47", "accept", LIST,
		       "meta l4proto gre accept comment \"whydrop\"");
	there_and_back(&nft_kind, "ip6 g out end meta l4proto ipv6-icmp", "accept", LIST,
		       "meta l4proto ipv6-icmp accept");
}

static void the_policy(void **state)
{
	(void)state;
	there_and_back(&nft_kind, "inet f in policy", "accept", LIST, "policy accept");
}

/* What another put there, or changed since, is not ours. */
static void only_what_is_ours(void **state)
{
	char command[160];

	(void)state;
	is_now(&nft_kind, "inet f in end tcp dport 23", "");
	assert_int_equal(system("nft add rule inet f side tcp dport 23 accept"), 0);
	is_now(&nft_kind, "inet f side end tcp dport 23", "");
	write_it(&nft_kind, "inet f side end tcp dport 24", "accept");
	is_now(&nft_kind, "inet f side end tcp dport 24", "accept");
	snprintf(command, sizeof(command),
		 "nft replace rule inet f side handle %llu tcp dport 24 counter accept comment '\"whydrop\"'",
		 (unsigned long long)handle_of("tcp dport 24"));
	assert_int_equal(system(command), 0);
	is_now(&nft_kind, "inet f side end tcp dport 24", "");
	assert_int_equal(system("nft flush chain inet f side"), 0);
}

static void what_is_refused(void **state)
{
	cleanup(buf_done) struct buf value = {0};
	static const char *const keys[] = {
		"", "inet", "inet f in", "inet f in end", "inet f in end tcp dport", "what f in policy",
		"inet f in end tcp dport 0", "inet f in end tcp dport 65536", "inet f in end tcp port 1",
		"inet f in handle 0 tcp dport 1", "inet f in handle x tcp dport 1",
		"inet f in end tcp dport 1 drop", "inet f in policy now", "inet f in end meta l4proto 256"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (nft_kind.read(&here, keys[i], &value) != -EINVAL)
			fail_msg("taken: %s", keys[i]);
	assert_int_equal(nft_kind.write(&here, "inet f in handle 999 tcp dport 1", "accept"), -ENOENT);
	assert_int_equal(nft_kind.write(&here, "inet f gone end tcp dport 1", "accept"), -ENOENT);
	assert_int_equal(nft_kind.write(&here, "inet gone in end tcp dport 1", "accept"), -ENOENT);
	assert_int_equal(nft_kind.write(&here, "inet f gone policy", "accept"), -ENOENT);
	assert_int_equal(nft_kind.read(&here, "inet f side policy", &value), -EOPNOTSUPP);
	assert_int_equal(nft_kind.write(&here, "inet f in end tcp dport 1", "drop"), -EINVAL);
	assert_int_equal(nft_kind.write(&here, "inet f in policy", ""), -EINVAL);
	assert_int_equal(nft_kind.write(&here, "inet f in end tcp dport 1", ""), 0);
	assert_non_null(nft_kind.refusal("", -ENOENT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_before_the_one_that_drops),
		cmocka_unit_test(other_places_and_matches),
		cmocka_unit_test(the_policy),
		cmocka_unit_test(only_what_is_ours),
		cmocka_unit_test(what_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, place_tear_down);
}
