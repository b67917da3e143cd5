// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The elements of nf_tables sets. Intervals come as where they begin and where they no longer are,
 * in order of their keys; an order that substitutes do not have. So they are closed first, as
 * where sets are read (nft_set.c), and written as elements with both ends.
 */
#include "scrub/map.h"

#include <errno.h>
#include <netinet/in.h>
#include <netlink/attr.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nl/nl.h"

#define KEY_MAX 16
#define ELEMENTS_MAX 4096 /* as many as are read from a set; a longer one is left out */
#define PER_MESSAGE 64

struct element {
	uint8_t low[KEY_MAX], high[KEY_MAX];
	size_t n;
	bool all, end, closed;
	struct nlattr *data;
};

struct elements {
	VEC(struct element) list;
	bool intervals;
};

void attr_put_value(struct buf *out, int type, const uint8_t *value, size_t n)
{
	size_t at = attr_open(out, type | NLA_F_NESTED);

	attr_put(out, NFTA_DATA_VALUE, value, n);
	attr_close(out, at);
}

const struct set_type *scrub_find_set(const struct scrubber *s, uint8_t family, const char *table,
				      const char *name)
{
	vec_each(set, &s->sets)
		if (set->family == family && strcmp(set->table, table) == 0 &&
		    strcmp(set->name, name) == 0)
			return set;
	return NULL;
}

static int read_key(struct nlattr *a, uint8_t *to, size_t *ret_n)
{
	struct nlattr *tb[NFTA_DATA_MAX + 1];

	if (nla_parse_nested(tb, NFTA_DATA_MAX, a, NULL) < 0 || !tb[NFTA_DATA_VALUE] ||
	    nla_len(tb[NFTA_DATA_VALUE]) > KEY_MAX)
		return -EBADMSG;
	*ret_n = (size_t)nla_len(tb[NFTA_DATA_VALUE]);
	memcpy(to, nla_data(tb[NFTA_DATA_VALUE]), *ret_n);
	return 0;
}

static int read_element(struct nlattr *a, struct elements *to)
{
	struct nlattr *tb[NFTA_SET_ELEM_MAX + 1];
	struct element *e;
	uint32_t flags = 0;
	size_t n;
	int r;

	if (to->list.n == ELEMENTS_MAX || nla_parse_nested(tb, NFTA_SET_ELEM_MAX, a, NULL) < 0)
		return -EBADMSG;
	e = vec_push(&to->list);
	if (tb[NFTA_SET_ELEM_FLAGS] && nla_len(tb[NFTA_SET_ELEM_FLAGS]) >= (int)sizeof(flags))
		flags = ntohl(nla_get_u32(tb[NFTA_SET_ELEM_FLAGS]));
	e->all = flags & NFT_SET_ELEM_CATCHALL;
	e->end = flags & NFT_SET_ELEM_INTERVAL_END;
	e->closed = tb[NFTA_SET_ELEM_KEY_END] != NULL;
	e->data = tb[NFTA_SET_ELEM_DATA];
	to->intervals |= e->end;
	if (e->all)
		return 0;
	if (!tb[NFTA_SET_ELEM_KEY])
		return -EBADMSG;
	r = read_key(tb[NFTA_SET_ELEM_KEY], e->low, &e->n);
	memcpy(e->high, e->low, sizeof(e->high));
	if (r == 0 && e->closed) {
		r = read_key(tb[NFTA_SET_ELEM_KEY_END], e->high, &n);
		if (r == 0 && n != e->n)
			r = -EBADMSG;
	}
	return r;
}

static int compare(const void *one, const void *other)
{
	const struct element *a = one, *b = other;
	int order;

	if (a->all != b->all)
		return a->all ? 1 : -1;
	order = memcmp(a->low, b->low, sizeof(a->low));
	return order ? order : (int)b->end - (int)a->end;
}

static void decrement(uint8_t *key, size_t n)
{
	while (n-- > 0)
		if (key[n]-- != 0)
			break;
}

static void close_intervals(struct elements *l)
{
	struct element *items = l->list.items;
	size_t n = 0;

	qsort(items, l->list.n, sizeof(*items), compare);
	for (size_t i = 0; i < l->list.n; i++) {
		struct element e = items[i];

		if (e.end)
			continue;
		if (!e.all && !e.closed) {
			memset(e.high, 0xff, e.n);
			if (i + 1 < l->list.n && !items[i + 1].all) {
				memcpy(e.high, items[i + 1].low, e.n);
				decrement(e.high, e.n);
			}
			e.closed = true;
		}
		items[n++] = e;
	}
	l->list.n = n;
}

/* Keys that are not understood are blank. */
static void scrub_key(struct scrubber *s, const struct set_type *type, struct element *e)
{
	size_t size = type && type->address_family == AF_INET6 ? 16 : 4;
	bool one = memcmp(e->low, e->high, e->n) == 0;
	const char *name;

	if (type && type->what == SAME_ADDRESS && e->n == size) {
		scrub_range(s, type->address_family, e->low, e->high);
	} else if (type && type->what == DEVICE_NAME && e->n == KEY_MAX && one &&
		   memchr(e->low, 0, KEY_MAX)) {
		name = scrub_device(s, (const char *)e->low, strlen((const char *)e->low), false);
		memset(e->low, 0, KEY_MAX);
		memcpy(e->low, name, strlen(name));
		memcpy(e->high, e->low, KEY_MAX);
	} else if (!type || e->n > 4 || type->what == SAME_ADDRESS || type->what == DEVICE_NAME) {
		memset(e->low, 0, sizeof(e->low));
		memset(e->high, one ? 0 : 0xff, sizeof(e->high));
	}
}

static int put_element(struct scrubber *s, const struct set_type *type, const struct element *from,
		       struct buf *out)
{
	struct element e = *from;
	uint32_t flags = htonl(NFT_SET_ELEM_CATCHALL);
	size_t at = attr_open(out, NFTA_LIST_ELEM | NLA_F_NESTED);
	int r;

	if (e.all) {
		attr_put(out, NFTA_SET_ELEM_FLAGS, &flags, sizeof(flags));
	} else {
		scrub_key(s, type, &e);
		attr_put_value(out, NFTA_SET_ELEM_KEY, e.low, e.n);
		if (e.closed)
			attr_put_value(out, NFTA_SET_ELEM_KEY_END, e.high, e.n);
	}
	r = scrub_verdict(s, NFTA_SET_ELEM_DATA, e.data, out);
	return r < 0 ? r : attr_close(out, at);
}

/* The first message's header and names serve for all. */
static int put_elements(struct scrubber *s, const struct nlmsghdr *h, struct nlattr **tb,
			const struct set_type *type, const struct elements *l, struct buf *out)
{
	for (size_t i = 0; i < l->list.n;) {
		size_t at = out->len, list, end = MIN(i + PER_MESSAGE, l->list.n);
		uint32_t length;
		int r = 0;

		buf_add(out, h, NLMSG_LENGTH(sizeof(struct nfgenmsg)));
		attr_put_name(s, out, tb[NFTA_SET_ELEM_LIST_TABLE]);
		attr_put_name(s, out, tb[NFTA_SET_ELEM_LIST_SET]);
		list = attr_open(out, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
		for (; r == 0 && i < end; i++)
			r = put_element(s, type, &l->list.items[i], out);
		if (r == 0)
			r = attr_close(out, list);
		if (r < 0)
			return r;
		length = (uint32_t)(out->len - at);
		memcpy(out->data + at + offsetof(struct nlmsghdr, nlmsg_len), &length,
		       sizeof(length));
	}
	return 0;
}

static bool is_text(const struct nlattr *a)
{
	return a && nla_len(a) > 0 && memchr(nla_data(a), 0, (size_t)nla_len(a));
}

/* The end of the dump as it was. */
static void put_end(const struct buf *data, struct buf *out)
{
	struct {
		struct nlmsghdr h;
		int32_t error;
	} done = {0};

	for (size_t at = 0; at < data->len;) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)(data->data + at);

		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
			done.h = *h;
			done.h.nlmsg_len = sizeof(done);
			if (nl_data(h, sizeof(done.error)))
				memcpy(&done.error, nl_data(h, sizeof(done.error)),
				       sizeof(done.error));
			buf_add(out, &done, sizeof(done));
		}
		at += NLMSG_ALIGN((size_t)h->nlmsg_len);
	}
}

static int gather(const struct buf *data, struct elements *to, const struct nlmsghdr **ret_first)
{
	nl_each(m, data) {
		struct nlattr *tb[NFTA_SET_ELEM_LIST_MAX + 1], *element;
		int left, r;

		if ((m.h->nlmsg_type & 0xff) != NFT_MSG_NEWSETELEM)
			continue;
		if (nl_parse(m.h, sizeof(struct nfgenmsg), tb, NFTA_SET_ELEM_LIST_MAX, NULL) < 0 ||
		    !is_text(tb[NFTA_SET_ELEM_LIST_TABLE]) || !is_text(tb[NFTA_SET_ELEM_LIST_SET]))
			return -EBADMSG;
		if (!*ret_first)
			*ret_first = m.h;
		if (!tb[NFTA_SET_ELEM_LIST_ELEMENTS])
			continue;
		nla_for_each_nested(element, tb[NFTA_SET_ELEM_LIST_ELEMENTS], left) {
			r = read_element(element, to);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int rewrite(struct scrubber *s, const struct nlmsghdr *first, struct elements *elements,
		   struct buf *out)
{
	const struct nfgenmsg *g = nl_data(first, sizeof(*g));
	struct nlattr *tb[NFTA_SET_ELEM_LIST_MAX + 1];
	const struct set_type *type;

	if (nl_parse(first, sizeof(*g), tb, NFTA_SET_ELEM_LIST_MAX, NULL) < 0)
		return -EBADMSG;
	if (elements->intervals)
		close_intervals(elements);
	type = scrub_find_set(s, g->nfgen_family, nla_data(tb[NFTA_SET_ELEM_LIST_TABLE]),
			      nla_data(tb[NFTA_SET_ELEM_LIST_SET]));
	return put_elements(s, first, tb, type, elements, out);
}

int scrub_set(struct scrubber *s, struct buf *data)
{
	struct elements elements = {0};
	const struct nlmsghdr *first = NULL;
	struct buf out = {0};
	int r = nl_check(data);

	if (r == 0)
		r = gather(data, &elements, &first);
	if (r == 0 && first)
		r = rewrite(s, first, &elements, &out);
	vec_done(&elements.list);
	if (r < 0 || s->learning) {
		buf_done(&out);
		return r;
	}
	put_end(data, &out);
	buf_done(data);
	*data = out;
	return 0;
}
