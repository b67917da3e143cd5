// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sets that rules fill: answers made as nf_tables_fill_set() and nf_tables_dump_set() of 6.12 write
 * them (without a count of the elements, which came with 6.16) and as 6.18 does.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "collect/nft.h"
#include "scrub/map.h"

#define COUNT 20 /* NFTA_SET_COUNT */

static struct nl_msg *message(unsigned int type)
{
	struct nfgenmsg g = {.nfgen_family = NFPROTO_INET};
	struct nl_msg *m = nlmsg_alloc_simple(NFNL_SUBSYS_NFTABLES << 8 | (int)type, 0);

	assert_int_equal(nlmsg_append(m, &g, sizeof(g), NLMSG_ALIGNTO), 0);
	return m;
}

static void add(struct nl_msg *m, struct buf *to)
{
	struct nlmsghdr *h = nlmsg_hdr(m);

	buf_add(to, h, NLMSG_ALIGN(h->nlmsg_len));
	nlmsg_free(m);
}

/* size 0: it has none; count < 0: not told. */
static void add_set(struct buf *to, const char *name, uint32_t size, int count)
{
	struct nl_msg *m = message(NFT_MSG_NEWSET);
	struct nlattr *desc;

	nla_put_string(m, NFTA_SET_TABLE, "filter");
	nla_put_string(m, NFTA_SET_NAME, name);
	nla_put_u32(m, NFTA_SET_FLAGS, htonl(NFT_SET_EVAL | NFT_SET_TIMEOUT));
	desc = nla_nest_start(m, NFTA_SET_DESC);
	if (size)
		nla_put_u32(m, NFTA_SET_DESC_SIZE, htonl(size));
	nla_nest_end_keep_empty(m, desc);
	if (count >= 0)
		nla_put_u32(m, COUNT, htonl((uint32_t)count));
	add(m, to);
}

static void add_elements(struct buf *to, unsigned int n)
{
	struct nl_msg *m = message(NFT_MSG_NEWSETELEM);
	struct nlattr *list, *element, *key;

	nla_put_string(m, NFTA_SET_ELEM_LIST_TABLE, "filter");
	nla_put_string(m, NFTA_SET_ELEM_LIST_SET, "seen");
	list = nla_nest_start(m, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (unsigned int i = 0; i < n; i++) {
		element = nla_nest_start(m, NFTA_LIST_ELEM);
		key = nla_nest_start(m, NFTA_SET_ELEM_KEY);
		nla_put_u32(m, NFTA_DATA_VALUE, htonl(0x0a000000 + i));
		nla_nest_end(m, key);
		nla_nest_end(m, element);
	}
	nla_nest_end(m, list);
	add(m, to);
}

static void fill(struct nft_reader *nr, const char *set)
{
	struct nft_filling f = {.key = nft_name_key(NFPROTO_INET, "filter", set),
				.rule = nr->fillings.n};

	*vec_push(&nr->fillings) = f;
}

static void only_those_that_rules_fill(void **state)
{
	cleanup(buf_done) struct buf answer = {0};
	struct ruleset rules = {0};
	struct nft_reader nr = {.set = &rules};
	struct nft_set found[4];
	size_t n = 0;

	fill(&nr, "seen");
	fill(&nr, "endless");
	fill(&nr, "old");
	add_set(&answer, "other", 2, 2);
	add_set(&answer, "endless", 0, 7);
	add_set(&answer, "seen", 64, 63);
	add_set(&answer, "old", 128, -1);
	assert_int_equal(nft_read_sets(&nr, &answer, found, 4, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(found[0].is.name, "seen");
	assert_int_equal(found[0].is.size, 64);
	assert_int_equal(found[0].is.elements, 63);
	assert_int_equal(found[0].is.rule, 0);
	assert_true(found[0].counted && found[0].is.forgets);
	assert_string_equal(found[1].name, "old");
	assert_int_equal(found[1].is.rule, 2);
	assert_false(found[1].counted);
	assert_int_equal(nft_read_sets(&nr, &answer, found, 1, &n), 0);
	assert_int_equal(n, 1);
	nft_reader_done(&nr);
}

static void elements_are_counted(void **state)
{
	cleanup(buf_done) struct buf answer = {0};
	uint32_t n = 0;

	add_elements(&answer, 60);
	add_elements(&answer, 4);
	assert_int_equal(nft_count_elements(&answer, &n), 0);
	assert_int_equal(n, 64);
}

/* Cut short and with lengths that are not so: refused, or fewer of them. */
static void damage_is_borne(void **state)
{
	cleanup(buf_done) struct buf whole = {0};
	struct ruleset rules = {0};
	struct nft_reader nr = {.set = &rules};
	struct nft_set found[4];

	fill(&nr, "seen");
	add_set(&whole, "seen", 64, 63);
	add_elements(&whole, 3);
	for (size_t i = 0; i < whole.len; i++) {
		cleanup(buf_done) struct buf bad = {0}, cut = {0};
		uint32_t elements;
		size_t n;

		buf_add(&bad, whole.data, whole.len);
		bad.data[i] ^= 0x41;
		nft_read_sets(&nr, &bad, found, 4, &n);
		nft_count_elements(&bad, &elements);
		buf_add(&cut, whole.data, i);
		nft_read_sets(&nr, &cut, found, 4, &n);
		nft_count_elements(&cut, &elements);
	}
	nft_reader_done(&nr);
}

static void scrubbed_they_say_the_same(void **state)
{
	static const struct siphash_key key = {1, 2};
	cleanup(buf_done) struct buf sets = {0}, elements = {0};
	struct ruleset rules = {0};
	struct nft_reader nr = {.set = &rules};
	struct nft_set found[4];
	struct scrubber s;
	uint32_t count = 0;
	char table[32];
	size_t n = 0;

	add_set(&sets, "seen", 64, 63);
	add_elements(&elements, 5);
	scrubber_init(&s, &key);
	s.learning = true;
	assert_int_equal(scrub_netlink(&s, "nft-sets", &sets), 0);
	scrubber_learned(&s);
	assert_int_equal(scrub_netlink(&s, "nft-sets", &sets), 0);
	assert_int_equal(scrub_netlink(&s, "nft-filled-0", &elements), 0);
	assert_int_equal(nft_count_elements(&elements, &count), 0);
	assert_int_equal(count, 5);
	assert_null(memmem(elements.data, elements.len, "\x0a\0\0\1", 4));
	snprintf(table, sizeof(table), "%s", scrub_name(&s, NAME_FIREWALL, "filter", 6));
	*vec_push(&nr.fillings) = (struct nft_filling){
		.key = nft_name_key(NFPROTO_INET, table, scrub_name(&s, NAME_FIREWALL, "seen", 4))};
	assert_int_equal(nft_read_sets(&nr, &sets, found, 4, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(found[0].is.elements, 63);
	assert_null(memmem(sets.data, sets.len, "seen", 4));
	nft_reader_done(&nr);
	scrubber_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_those_that_rules_fill),
		cmocka_unit_test(elements_are_counted),
		cmocka_unit_test(damage_is_borne),
		cmocka_unit_test(scrubbed_they_say_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
