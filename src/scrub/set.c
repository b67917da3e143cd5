// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The elements of nf_tables sets. Intervals come as where they begin and where they no longer are,
 * in order of their keys; an order that substitutes do not have. So they are closed first,
 * and written as elements with both ends.
 */
#include "scrub/map.h"

#include <errno.h>
#include <netinet/in.h>
#include <netlink/attr.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "collect/nft_element.h"
#include "nl/nl.h"

#define PER_MESSAGE 64

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

/* Keys that are not understood are blank. */
static void scrub_key(struct scrubber *s, const struct set_type *type, struct nft_element *e)
{
	size_t size = type && type->address_family == AF_INET6 ? 16 : 4;
	bool one = memcmp(e->low, e->high, e->size) == 0;
	const char *name;

	if (type && type->what == SAME_ADDRESS && e->size == size) {
		scrub_range(s, type->address_family, e->low, e->high);
	} else if (type && type->what == DEVICE_NAME && e->size == NFT_KEY_MAX && one &&
		   memchr(e->low, 0, NFT_KEY_MAX)) {
		name = scrub_device(s, (const char *)e->low, strlen((const char *)e->low), false);
		memset(e->low, 0, NFT_KEY_MAX);
		memcpy(e->low, name, strlen(name));
		memcpy(e->high, e->low, NFT_KEY_MAX);
	} else if (!type || e->size > 4 || type->what == SAME_ADDRESS || type->what == DEVICE_NAME) {
		memset(e->low, 0, sizeof(e->low));
		memset(e->high, one ? 0 : 0xff, sizeof(e->high));
	}
}

static int put_element(struct scrubber *s, const struct set_type *type, const struct nft_element *from,
		       struct buf *out)
{
	struct nft_element e = *from;
	uint32_t flags = htonl(NFT_SET_ELEM_CATCHALL);
	size_t at = attr_open(out, NFTA_LIST_ELEM | NLA_F_NESTED);
	int r;

	if (e.all) {
		attr_put(out, NFTA_SET_ELEM_FLAGS, &flags, sizeof(flags));
	} else {
		scrub_key(s, type, &e);
		attr_put_value(out, NFTA_SET_ELEM_KEY, e.low, e.size);
		if (e.closed)
			attr_put_value(out, NFTA_SET_ELEM_KEY_END, e.high, e.size);
	}
	r = scrub_verdict(s, NFTA_SET_ELEM_DATA, e.data, out);
	return r < 0 ? r : attr_close(out, at);
}

/* The first message's header and names serve for all. */
static int put_elements(struct scrubber *s, const struct nlmsghdr *h, struct nlattr **tb,
			const struct set_type *type, const struct nft_element_list *l, struct buf *out)
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

static int gather(const struct buf *data, struct nft_element_list *to, const struct nlmsghdr **ret_first)
{
	nl_each(m, data) {
		struct nlattr *tb[NFTA_SET_ELEM_LIST_MAX + 1], *element;
		int left;

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
			if (nft_read_element(element, to) < 0)
				return -EBADMSG;
		}
	}
	return 0;
}

static int rewrite(struct scrubber *s, const struct nlmsghdr *first, struct nft_element_list *elements,
		   struct buf *out)
{
	const struct nfgenmsg *g = nl_data(first, sizeof(*g));
	struct nlattr *tb[NFTA_SET_ELEM_LIST_MAX + 1];
	const struct set_type *type;

	if (nl_parse(first, sizeof(*g), tb, NFTA_SET_ELEM_LIST_MAX, NULL) < 0)
		return -EBADMSG;
	if (elements->intervals)
		nft_close_intervals(elements);
	type = scrub_find_set(s, g->nfgen_family, nla_data(tb[NFTA_SET_ELEM_LIST_TABLE]),
			      nla_data(tb[NFTA_SET_ELEM_LIST_SET]));
	return put_elements(s, first, tb, type, elements, out);
}

int scrub_set(struct scrubber *s, struct buf *data)
{
	struct nft_element_list elements = {0};
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
