/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traced drops that no cause explains, or that are no loss, added up as they are shown. */
#ifndef WHYDROP_DROP_SUMS_H
#define WHYDROP_DROP_SUMS_H

#include "causes/cause.h"

struct drop_sum {
	const char *reason, *symbol;
	const char *device; /* NULL: none, or not known any more */
	uint8_t protocol;   /* IPPROTO_*, 0 unknown */
	const char *why;    /* benign: why it is no loss */
	uint64_t packets;
};

struct drop_sums {
	VEC(struct drop_sum) rows; /* most packets first; texts belong to the diagnosis */
};

void drop_sums(const struct ledger *l, const struct observation *o, bool benign,
	       struct drop_sums *ret);
void drop_sums_done(struct drop_sums *s);

/* "tcp", "icmpv6"; NULL for protocols without a common name. */
const char *protocol_name(uint8_t protocol);

#endif
