// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules that leave the decision to a set or a verdict map: its name, where it has one of its own,
 * and the element of a verdict map that ended the packets. Elements of named sets, which may be a
 * million, are not read.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "causes/fw_blame.h"

static unsigned int prefix_of(const struct rule_op *op)
{
	unsigned int bits = 0;

	while (bits < op->length * 8u && op->mask[bits / 8] & (0x80 >> bits % 8))
		bits++;
	return bits;
}

static void address_words(const struct rule_op *op, char *to, size_t size)
{
	int family = op->length == 16 ? AF_INET6 : AF_INET;
	char low[INET6_ADDRSTRLEN], high[INET6_ADDRSTRLEN];

	inet_ntop(family, op->value, low, sizeof(low));
	inet_ntop(family, op->mask, high, sizeof(high));
	if (op->kind == OP_SOURCE_RANGE || op->kind == OP_DESTINATION_RANGE)
		snprintf(to, size, "%s-%s", low, high);
	else if (prefix_of(op) < op->length * 8u)
		snprintf(to, size, "%s/%u", low, prefix_of(op));
	else
		snprintf(to, size, "%s", low);
}

/* As nft writes it; false: a key that is not followed here. */
static bool key_words(const struct rule_op *op, char *to, size_t size)
{
	switch ((enum rule_op_kind)op->kind) {
	case OP_SOURCE:
	case OP_DESTINATION:
	case OP_SOURCE_RANGE:
	case OP_DESTINATION_RANGE:
		address_words(op, to, size);
		return true;
	case OP_SPORT:
	case OP_DPORT:
		snprintf(to, size, op->low == op->high ? "%u" : "%u-%u", op->low, op->high);
		return true;
	case OP_IN_DEVICE:
	case OP_OUT_DEVICE:
		snprintf(to, size, "\"%.*s\"", op->length, (const char *)op->value);
		return op->length > 0;
	case OP_ALWAYS:
		snprintf(to, size, "*");
		return true;
	default:
		return false;
	}
}

/* The first element that the packet meets for sure; it must be one that ends it. */
static bool element_of(const struct fw_point *p, const struct packet *packet, char *to, size_t size)
{
	const struct rule *r = fw_rule(p);

	if (r->entries_first > p->set->entries.n ||
	    r->entries_n > p->set->entries.n - r->entries_first)
		return false;
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct verdict_entry *e = &p->set->entries.items[r->entries_first + i];
		size_t used;

		if (rule_op_match(&e->key, 1, packet, &used) == ANSWER_YES)
			return e->verdict == VERDICT_DROP && key_words(&e->key, to, size);
	}
	return false;
}

void fw_set_evidence(struct exam *x, struct finding *f, const struct fw_blame *b,
		     const struct fw_point *p)
{
	const struct drop_flow *flow = fw_largest_flow(b, p);
	const struct rule *r = fw_rule(p);
	char where[160], element[128];
	struct packet packet;

	if (!r || (!r->set && r->verdict != VERDICT_MAP))
		return;
	fw_point_text(p, where, sizeof(where));
	if (r->verdict == VERDICT_MAP && flow) {
		packet = fw_packet_of(flow);
		if (element_of(p, &packet, element, sizeof(element)))
			evidence_text(f, x, "%s: element %s of its verdict map%s%s drops these",
				      where, element, r->set ? " " : "", r->set ? r->set : "");
		else if (r->set)
			evidence_text(f, x, "%s uses the verdict map %s", where, r->set);
	} else if (r->set) {
		evidence_text(f, x, "%s uses the set %s", where, r->set);
	}
}
