// SPDX-License-Identifier: GPL-2.0-or-later
#include "collect/nft_element.h"

#include <errno.h>
#include <netinet/in.h>
#include <netlink/attr.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#define ELEMENTS_MAX 4096

static int read_key(struct nlattr *attr, uint8_t *to, size_t *ret_size)
{
	static const struct nla_policy policy[NFTA_DATA_MAX + 1] = {
		[NFTA_DATA_VALUE] = {.type = NLA_UNSPEC, .minlen = 1}};
	struct nlattr *tb[NFTA_DATA_MAX + 1];
	size_t size;

	if (nla_parse_nested(tb, NFTA_DATA_MAX, attr, policy) < 0 || !tb[NFTA_DATA_VALUE])
		return -EBADMSG;
	size = (size_t)nla_len(tb[NFTA_DATA_VALUE]);
	if (size > NFT_KEY_MAX)
		return -E2BIG; /* a concatenation */
	memcpy(to, nla_data(tb[NFTA_DATA_VALUE]), size);
	*ret_size = size;
	return 0;
}

int nft_read_element(struct nlattr *attr, struct nft_element_list *to)
{
	static const struct nla_policy policy[NFTA_SET_ELEM_MAX + 1] = {
		[NFTA_SET_ELEM_FLAGS] = {.type = NLA_U32}};
	struct nlattr *tb[NFTA_SET_ELEM_MAX + 1];
	struct nft_element *e;
	uint32_t flags;
	size_t size;
	int r;

	if (nla_parse_nested(tb, NFTA_SET_ELEM_MAX, attr, policy) < 0)
		return -EBADMSG;
	if (to->list.n == ELEMENTS_MAX)
		return -E2BIG;
	e = vec_push(&to->list);
	flags = tb[NFTA_SET_ELEM_FLAGS] ? ntohl(nla_get_u32(tb[NFTA_SET_ELEM_FLAGS])) : 0;
	e->all = flags & NFT_SET_ELEM_CATCHALL;
	e->end = flags & NFT_SET_ELEM_INTERVAL_END;
	e->closed = tb[NFTA_SET_ELEM_KEY_END] != NULL;
	e->data = tb[NFTA_SET_ELEM_DATA];
	to->intervals |= e->end;
	if (e->all)
		return 0;
	if (!tb[NFTA_SET_ELEM_KEY])
		return -EBADMSG;
	r = read_key(tb[NFTA_SET_ELEM_KEY], e->low, &e->size);
	memcpy(e->high, e->low, sizeof(e->high));
	if (r < 0 || !e->closed)
		return r;
	r = read_key(tb[NFTA_SET_ELEM_KEY_END], e->high, &size);
	return r == 0 && size != e->size ? -EBADMSG : r;
}

/* By key; the end of one interval before the start of the next one, the catch-all last. */
static int compare_elements(const void *one, const void *other)
{
	const struct nft_element *a = one, *b = other;
	int order;

	if (a->all != b->all)
		return a->all ? 1 : -1;
	order = memcmp(a->low, b->low, sizeof(a->low));
	return order ? order : (int)b->end - (int)a->end;
}

static void decrement(uint8_t *key, size_t size)
{
	while (size-- > 0)
		if (key[size]-- != 0)
			break;
}

void nft_close_intervals(struct nft_element_list *l)
{
	struct nft_element *items = l->list.items;
	size_t n = 0;

	qsort(items, l->list.n, sizeof(*items), compare_elements);
	for (size_t i = 0; i < l->list.n; i++) {
		struct nft_element e = items[i];

		if (e.end)
			continue;
		if (!e.all && !e.closed) {
			if (i + 1 < l->list.n && !items[i + 1].all) {
				memcpy(e.high, items[i + 1].low, sizeof(e.high));
				decrement(e.high, e.size);
			} else {
				memset(e.high, 0xff, e.size);
			}
		}
		e.closed = true;
		items[n++] = e;
	}
	l->list.n = n;
}
