/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets added up in this program, as the BPF programs do it in the kernel. */
#ifndef WHYDROP_DROPS_NET_DM_SUMS_H
#define WHYDROP_DROPS_NET_DM_SUMS_H

#include "base/siphash.h"
#include "model/drop_event.h"
#include "model/drops.h"

#define SUM_FLOWS 4096
#define SUM_EVENTS 4096 /* that wait to be fetched */

/* The events of one reason and place: so many at once, and so many in a second. */
struct sum_kind {
	char reason[48], symbol[64];
	uint64_t missed;
	int64_t filled_ns;
	unsigned int tokens;
};

struct sums {
	VEC(struct drop) rows;
	VEC(struct drop_flow) flows;
	VEC(struct sum_kind) kinds;
	VEC(struct drop_event) events;
	uint16_t slots[2 * SUM_FLOWS]; /* place of a flow by its hash, 1 the first; 0 empty */
	struct siphash_key key;
	uint64_t missed; /* that had no room among the rows */
	bool flows_sampled;
};

struct sums *sums_new(void);
void sums_free(struct sums *s);
/* What was counted; events stay. */
void sums_clear(struct sums *s);
/* One packet; in *drop and *flow (NULL: none is known) the numbers are what it adds. */
void sums_add(struct sums *s, const struct drop *drop, const struct drop_flow *flow);
/* Room for its event, zeroed, if there is a token left; else it is missed: NULL. */
struct drop_event *sums_event(struct sums *s, const char *reason, const char *symbol,
			      int64_t now_ns);
/* Gives away what was counted since the last time, most packets first. */
void sums_give(struct sums *s, struct drops *to);

#endif
