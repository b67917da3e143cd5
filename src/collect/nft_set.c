// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets and verdict maps that rules look things up in: their elements as operations of the rule. */
#include <errno.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "collect/nft.h"
#include "collect/nft_element.h"
#include "nl/nl.h"

#define OPS_MAX ((size_t)1 << 18) /* of a whole rule set */

static int read_elements(struct nft_reader *nr, const struct buf *answer, struct nft_element_list *to)
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
		nr->stale |= nft_same_generation(nr, nl_data(m.h, sizeof(struct nfgenmsg))) < 0;
		if (!tb[NFTA_SET_ELEM_LIST_ELEMENTS])
			continue;
		nla_for_each_nested(element, tb[NFTA_SET_ELEM_LIST_ELEMENTS], left) {
			r = nft_read_element(element, to);
			if (r < 0)
				return r;
		}
	}
	if (to->intervals)
		nft_close_intervals(to);
	return 0;
}

static int elements_of(struct nft_reader *nr, const struct nft_lookup *l, bool map,
		       struct nft_element_list *to)
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
	struct nft_element_list elements = {0};
	size_t at = set->ops.n;
	bool good = elements_of(nr, l, false, &elements) == 0;

	if (good) {
		struct rule_op *any = vec_push(&set->ops);

		any->kind = OP_ANY;
		any->negated = l->negated;
		any->high = (uint16_t)elements.list.n;
	}
	for (size_t i = 0; good && i < elements.list.n; i++) {
		const struct nft_element *e = &elements.list.items[i];
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
	struct nft_element_list elements = {0};

	r->entries_first = nr->set->entries.n;
	if (r->entries_first < OPS_MAX && elements_of(nr, map, true, &elements) == 0) {
		vec_each(e, &elements.list) {
			struct verdict_entry *entry = vec_push(&nr->set->entries);
			const char *chain;

			entry->jump = RULE_NO_CHAIN;
			if (e->data)
				entry->verdict = nft_verdict(nr, e->data, &entry->jump, &chain);
			entry->key.kind = e->all ? OP_ALWAYS : OP_UNKNOWN;
			if (!e->all)
				nft_range_op(&map->slot, e->low, e->high, e->size, &entry->key);
		}
	}
	r->entries_n = nr->set->entries.n - r->entries_first;
	vec_done(&elements.list);
}
