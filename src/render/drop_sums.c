// SPDX-License-Identifier: GPL-2.0-or-later
#include <netinet/in.h>

#include "render/drop_sums.h"

#ifndef IPPROTO_ICMPV6
#define IPPROTO_ICMPV6 58
#endif

const char *protocol_name(uint8_t protocol)
{
	static const struct {
		uint8_t protocol;
		const char *name;
	} names[] = {
		{IPPROTO_ICMP, "icmp"}, {IPPROTO_IGMP, "igmp"},	      {IPPROTO_IPIP, "ipip"},
		{IPPROTO_TCP, "tcp"},	{IPPROTO_UDP, "udp"},	      {IPPROTO_GRE, "gre"},
		{IPPROTO_ESP, "esp"},	{IPPROTO_AH, "ah"},	      {IPPROTO_ICMPV6, "icmpv6"},
		{IPPROTO_SCTP, "sctp"}, {IPPROTO_UDPLITE, "udplite"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].protocol == protocol)
			return names[i].name;
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_key(const struct drop_sum *a, const struct drop_sum *b)
{
	return a->protocol == b->protocol && !strcmp(a->reason, b->reason) &&
	       !strcmp(a->symbol, b->symbol) && same_text(a->device, b->device);
}

static int by_packets(const void *a, const void *b)
{
	const struct drop_sum *x = a, *y = b;

	if (x->packets != y->packets)
		return x->packets < y->packets ? 1 : -1;
	if (strcmp(x->reason, y->reason))
		return strcmp(x->reason, y->reason);
	return strcmp(x->symbol, y->symbol);
}

static void add(struct drop_sums *s, const struct drop_sum *one)
{
	/* Few distinct keys on any host, so a linear search is enough. */
	vec_each (row, &s->rows) {
		if (same_key(row, one)) {
			row->packets += one->packets;
			return;
		}
	}
	*vec_push(&s->rows) = *one;
}

void drop_sums(const struct ledger *l, const struct observation *o, bool benign,
	       struct drop_sums *ret)
{
	memset(ret, 0, sizeof(*ret));
	vec_each (line, &l->lines) {
		const struct drop *drop = line->drop;
		const struct link *link = NULL;
		struct drop_sum one = {.reason = drop->reason,
				       .symbol = drop->symbol,
				       .protocol = drop->protocol,
				       .why = line->benign,
				       .packets = drop->packets};

		if (benign != !!line->benign)
			continue;
		if (!benign)
			one.packets -= MIN(line->claimed, drop->packets);
		if (!one.packets)
			continue;
		if (o && drop->ifindex)
			link = snapshot_link(&o->b, drop->ifindex);
		if (link)
			one.device = link->name;
		add(ret, &one);
	}
	if (ret->rows.n)
		qsort(ret->rows.items, ret->rows.n, sizeof(*ret->rows.items), by_packets);
}

void drop_sums_done(struct drop_sums *s)
{
	vec_done(&s->rows);
}
