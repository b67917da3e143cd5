// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sets and verdict maps that rules look things up in, from NFT_MSG_GETSETELEM
 * (net/netfilter/nf_tables_api.c nf_tables_fill_setelem). Intervals come as two elements, the
 * second flagged NFT_SET_ELEM_INTERVAL_END and one past the last, in any order; or, from newer
 * kinds of sets, as one element with a closing key.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "collect/nft.h"
#include "nl/nl.h"

#define ELEMENTS_MAX 4096
#define OPS_MAX ((size_t)1 << 18) /* of a whole rule set */

struct element {
	uint8_t low[16], high[16];
	size_t size;
	bool all;    /* the catch-all "*" */
	bool end;    /* the first key that is no longer of the interval before it */
	bool closed; /* high is given */
	enum rule_verdict verdict;
	size_t jump;
};

struct element_list {
	VEC(struct element) list;
	bool intervals;
};

static int read_key(struct nlattr *attr, uint8_t *to, size_t *ret_size)
{
	static const struct nla_policy policy[NFTA_DATA_MAX + 1] = {
		[NFTA_DATA_VALUE] = {.type = NLA_UNSPEC, .minlen = 1}};
	struct nlattr *tb[NFTA_DATA_MAX + 1];
	size_t size;

	if (nla_parse_nested(tb, NFTA_DATA_MAX, attr, policy) < 0 || !tb[NFTA_DATA_VALUE])
		return -EBADMSG;
	size = (size_t)nla_len(tb[NFTA_DATA_VALUE]);
	if (size > 16)
		return -E2BIG; /* a concatenation */
	memcpy(to, nla_data(tb[NFTA_DATA_VALUE]), size);
	*ret_size = size;
	return 0;
}

static int read_element(const struct nft_reader *nr, struct nlattr *attr, struct element_list *to)
{
	static const struct nla_policy policy[NFTA_SET_ELEM_MAX + 1] = {
		[NFTA_SET_ELEM_FLAGS] = {.type = NLA_U32}};
	struct nlattr *tb[NFTA_SET_ELEM_MAX + 1];
	struct element *e;
	const char *chain;
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
	to->intervals |= e->end;
	e->jump = RULE_NO_CHAIN;
	if (tb[NFTA_SET_ELEM_DATA])
		e->verdict = nft_verdict(nr, tb[NFTA_SET_ELEM_DATA], &e->jump, &chain);
	if (e->all)
		return 0;
	if (!tb[NFTA_SET_ELEM_KEY])
		return -EBADMSG;
	r = read_key(tb[NFTA_SET_ELEM_KEY], e->low, &e->size);
	if (r < 0)
		return r;
	memcpy(e->high, e->low, sizeof(e->high));
	return e->closed ? read_key(tb[NFTA_SET_ELEM_KEY_END], e->high, &size) : 0;
}

/* By key; the end of one interval before the start of the next one, the catch-all last. */
static int compare_elements(const void *one, const void *other)
{
	const struct element *a = one, *b = other;
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

/* Gives every interval its last key and forgets the ends. */
static void close_intervals(struct element_list *l)
{
	struct element *items = l->list.items;
	size_t n = 0;

	qsort(items, l->list.n, sizeof(*items), compare_elements);
	for (size_t i = 0; i < l->list.n; i++) {
		struct element e = items[i];

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
		items[n++] = e;
	}
	l->list.n = n;
}

static int read_elements(const struct nft_reader *nr, const struct buf *answer,
			 struct element_list *to)
{
	int r = nl_check(answer);

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
		nla_for_each_nested(element, tb[NFTA_SET_ELEM_LIST_ELEMENTS], left) {
			r = read_element(nr, element, to);
			if (r < 0)
				return r;
		}
	}
	if (to->intervals)
		close_intervals(to);
	return 0;
}

static int elements_of(struct nft_reader *nr, const struct nft_lookup *l, bool map,
		       struct element_list *to)
{
	const struct buf *answer;
	int r;

	if (!l->name || !nr->elements || l->slot.field == NFT_FIELD_UNKNOWN || l->slot.masked)
		return -ENODATA;
	r = nr->elements(nr, l->name, map, &answer);
	return r < 0 ? r : read_elements(nr, answer, to);
}

/* False, and nothing added, if the set is not to be had or its keys are not understood. */
static bool add_alternatives(struct nft_reader *nr, const struct nft_lookup *l)
{
	struct ruleset *set = nr->set;
	struct element_list elements = {0};
	size_t at = set->ops.n;
	bool good = elements_of(nr, l, false, &elements) == 0;

	if (good) {
		struct rule_op *any = vec_push(&set->ops);

		any->kind = OP_ANY;
		any->negated = l->negated;
		any->high = (uint16_t)elements.list.n;
	}
	for (size_t i = 0; good && i < elements.list.n; i++) {
		const struct element *e = &elements.list.items[i];
		struct rule_op op = {.kind = OP_ALWAYS};

		good = e->all || nft_range_op(&l->slot, e->low, e->high, e->size, &op);
		*vec_push(&set->ops) = op;
	}
	if (!good)
		set->ops.n = at;
	vec_done(&elements.list);
	return good;
}

void nft_expand_lookups(struct nft_reader *nr, const struct rule *r,
			const struct nft_lookup *lookups, size_t n_lookups)
{
	struct ruleset *set = nr->set;
	size_t first = r->ops_first, n = set->ops.n - first, next = 0;
	struct rule_op *old;

	if (set->ops.n > OPS_MAX)
		return;
	old = xcalloc(n, sizeof(*old));
	memcpy(old, set->ops.items + first, n * sizeof(*old));
	set->ops.n = first;
	for (size_t i = 0; i < n; i++) {
		bool lookup = next < n_lookups && lookups[next].op == first + i;

		if (!lookup || !add_alternatives(nr, &lookups[next]))
			*vec_push(&set->ops) = old[i];
		next += lookup;
	}
	free(old);
}

void nft_add_map(struct nft_reader *nr, struct rule *r, const struct nft_lookup *map)
{
	struct element_list elements = {0};

	r->entries_first = nr->set->entries.n;
	if (r->entries_first < OPS_MAX && elements_of(nr, map, true, &elements) == 0) {
		vec_each(e, &elements.list) {
			struct verdict_entry *entry = vec_push(&nr->set->entries);

			entry->verdict = e->verdict;
			entry->jump = e->jump;
			entry->key.kind = e->all ? OP_ALWAYS : OP_UNKNOWN;
			if (!e->all)
				nft_range_op(&map->slot, e->low, e->high, e->size, &entry->key);
		}
	}
	r->entries_n = nr->set->entries.n - r->entries_first;
	vec_done(&elements.list);
}
