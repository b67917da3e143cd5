// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sets that rules add elements to (`add @set { ip saddr }`), how many those may be and are:
 * NFT_MSG_GETSET (net/netfilter/nf_tables_api.c nf_tables_fill_set; NFTA_SET_COUNT since 6.16).
 *
 * A full set takes no element (nft_dynset_new: set->nelems against set->size), and the rule ends
 * there as if its match was not met: no drop, no counter and no line in the log tells of it.
 * Scope: one network namespace. Elements that are over but not yet collected take their place.
 * Needs CAP_NET_ADMIN over the namespace.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netlink/attr.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/parse.h"
#include "collect/nft.h"
#include "nl/nl.h"

#define NFT_SET_COUNT 20 /* NFTA_SET_COUNT: younger than the headers we build with */

static uint32_t number(struct nlattr *a)
{
	return a ? ntohl(nla_get_u32(a)) : 0;
}

static const struct nft_filling *filling_of(const struct nft_reader *nr, uint64_t key)
{
	vec_each(f, &nr->fillings)
		if (f->key == key)
			return f;
	return NULL;
}

static uint32_t size_of(struct nlattr *description)
{
	static const struct nla_policy policy[NFTA_SET_DESC_MAX + 1] = {
		[NFTA_SET_DESC_SIZE] = {.type = NLA_U32}};
	struct nlattr *tb[NFTA_SET_DESC_MAX + 1];

	if (!description || nla_parse_nested(tb, NFTA_SET_DESC_MAX, description, policy) < 0)
		return 0;
	return number(tb[NFTA_SET_DESC_SIZE]);
}

/* False: it is none of those asked for. */
static int read_set(const struct nft_reader *nr, const struct nlmsghdr *h, struct nft_set *ret,
		    bool *ret_fits)
{
	static const struct nla_policy policy[NFT_SET_COUNT + 1] = {
		[NFTA_SET_TABLE] = {.type = NLA_STRING},
		[NFTA_SET_NAME] = {.type = NLA_STRING},
		[NFTA_SET_FLAGS] = {.type = NLA_U32},
		[NFT_SET_COUNT] = {.type = NLA_U32}};
	const struct nfgenmsg *g = nl_data(h, sizeof(*g));
	struct nlattr *tb[NFT_SET_COUNT + 1];
	const struct nft_filling *by;
	int r;

	if (!g || nl_parse(h, sizeof(*g), tb, NFT_SET_COUNT, policy) < 0 || !tb[NFTA_SET_TABLE] ||
	    !tb[NFTA_SET_NAME])
		return -EBADMSG;
	r = nft_same_generation(nr, g);
	if (r < 0)
		return r;
	*ret = (struct nft_set){.table = nla_get_string(tb[NFTA_SET_TABLE]),
				.name = nla_get_string(tb[NFTA_SET_NAME]),
				.counted = tb[NFT_SET_COUNT] != NULL};
	by = filling_of(nr, nft_name_key(g->nfgen_family, ret->table, ret->name));
	ret->is.size = size_of(tb[NFTA_SET_DESC]);
	*ret_fits = by && ret->is.size;
	if (!*ret_fits)
		return 0;
	ret->is.family = g->nfgen_family;
	ret->is.rule = by->rule;
	ret->is.elements = number(tb[NFT_SET_COUNT]);
	ret->is.forgets = number(tb[NFTA_SET_FLAGS]) & NFT_SET_TIMEOUT;
	span_copy(span_of(ret->table), ret->is.table, sizeof(ret->is.table));
	span_copy(span_of(ret->name), ret->is.name, sizeof(ret->is.name));
	return 0;
}

int nft_read_sets(const struct nft_reader *nr, const struct buf *answer, struct nft_set *ret,
		  size_t most, size_t *ret_n)
{
	int r = nl_check(answer);
	size_t n = 0;

	if (r < 0)
		return r;
	nl_each(m, answer) {
		bool fits = false;

		if ((m.h->nlmsg_type & 0xff) != NFT_MSG_NEWSET || n == most)
			continue;
		r = read_set(nr, m.h, &ret[n], &fits);
		if (r < 0)
			return r;
		n += fits;
	}
	*ret_n = n;
	return 0;
}

int nft_count_elements(const struct buf *answer, uint32_t *ret)
{
	int r = nl_check(answer);
	uint32_t n = 0;

	if (r < 0)
		return r;
	nl_each(m, answer) {
		struct nlattr *tb[NFTA_SET_ELEM_LIST_MAX + 1], *element;
		int left;

		if ((m.h->nlmsg_type & 0xff) != NFT_MSG_NEWSETELEM)
			continue;
		if (nl_parse(m.h, sizeof(struct nfgenmsg), tb, NFTA_SET_ELEM_LIST_MAX, NULL) < 0)
			return -EBADMSG;
		if (!tb[NFTA_SET_ELEM_LIST_ELEMENTS])
			continue;
		nla_for_each_nested(element, tb[NFTA_SET_ELEM_LIST_ELEMENTS], left)
			n++;
	}
	*ret = n;
	return 0;
}
