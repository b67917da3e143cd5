/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger of one namespace: every traced drop belongs to one cause, or is known not to be a
 * loss (benign.def), or stays unexplained and is shown as that. What the counters said stands
 * beside it, so that the two can be compared.
 */
#ifndef WHYDROP_LEDGER_H
#define WHYDROP_LEDGER_H

#include "model/drops.h"
#include "model/path.h"

/* So many packets of a line are explained by a cause, told by its id. */
struct ledger_share {
	const char *cause;
	uint64_t packets;
};

struct ledger_line {
	const struct drop *drop;
	uint64_t claimed;   /* packets of it that a cause explains: the sum of the shares */
	VEC(struct ledger_share) shares;
	const char *benign; /* why it is no loss, or NULL */
};

struct ledger {
	const struct drops *drops;
	uint32_t netns; /* only its drops are in lines */
	const char *claimant; /* id of the cause that is being asked: whose the next claims are */
	VEC(struct ledger_line) lines;
	VEC(const struct drop_flow *) flows; /* likewise; in the order of drops->flows */
	uint64_t counted, traced, benign; /* packets: by counters of causes; all lines; no loss */
	uint64_t unplaced; /* traced without a namespace, and explained by a cause of this one */
	uint64_t elsewhere;		  /* traced in other namespaces, benign left out */
};

/* One row of reasons.def: what a drop reason means and where on the path it happens. */
struct reason_row {
	const char *name, *meaning;
	enum stage stage;
};
extern const struct reason_row reason_rows[];
extern const size_t reason_rows_n;
const struct reason_row *reason_row(const char *name);

/*
 * One row of benign.def. A NULL field or protocol 0 matches anything; the first row that matches
 * decides, and one without `why` says that it is a loss after all.
 */
struct benign_row {
	const char *reason, *symbol;
	uint8_t protocol;
	const char *why;
};
extern const struct benign_row benign_rows[];
extern const size_t benign_rows_n;

/* Which traced drops a cause means. Unset fields match anything; lists end with NULL. */
struct drop_filter {
	const char *const *reasons, *const *symbols;
	uint8_t protocol;
	uint16_t ethertype;
	uint32_t ifindex;
	uint64_t cookie;
};

/* Why a traced drop is no loss; NULL if it may be one. */
const char *drop_why_benign(const struct drop *d);
/* Packets traced in all namespaces, but for those that are no loss. */
uint64_t drops_lost(const struct drops *drops);

void ledger_init(struct ledger *l, const struct drops *drops, uint32_t netns);
/* The same, where `lost` (drops_lost) was added up once for many namespaces. */
void ledger_init_of(struct ledger *l, const struct drops *drops, uint64_t lost, uint32_t netns);
void ledger_done(struct ledger *l);

/* Each flow of this namespace. There are thousands of others where a host has many. */
#define ledger_each_flow(flow, l)                                                                  \
	for (const struct drop_flow *const *flow##_at = (l)->flows.items, *flow;                   \
	     flow##_at && flow##_at < (l)->flows.items + (l)->flows.n &&                           \
	     (flow = *flow##_at, true);                                                            \
	     flow##_at++)

bool drop_matches(const struct drop *d, const struct drop_filter *f);
/* Packets traced that match, claimed or not. */
uint64_t ledger_traced(const struct ledger *l, const struct drop_filter *f);
/* Packets traced that match and are nobody's yet. */
uint64_t ledger_unclaimed(const struct ledger *l, const struct drop_filter *f);
/* Gives up to `most` of the matching, not yet claimed packets to a cause; returns how many. */
uint64_t ledger_claim(struct ledger *l, const struct drop_filter *f, uint64_t most);
uint64_t ledger_unexplained(const struct ledger *l);

#endif
