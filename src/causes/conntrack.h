/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the causes of connection tracking share. */
#ifndef WHYDROP_CONNTRACK_H
#define WHYDROP_CONNTRACK_H

#include "causes/stages.h"

/* Conntrack's own drops, and those of everything else that is not nf_tables. */
extern const struct drop_filter conntrack_drops;

/* False, and cleared, where connection tracking is not loaded. */
bool conntrack_in_use(struct exam *x);
/* The most entries that were seen. */
uint64_t conntrack_peak(const struct observation *o);
/* Packets that came by: those lost were counted by IP before they were to be tracked. */
uint64_t conntrack_passed(const struct observation *o);

/*
 * What became of packets that began a connection (net/netfilter/nf_conntrack_core.c, 6.12). `drop`
 * counts those for which no entry could be made, and with `insert_failed` those whose entry met
 * another one of the same addresses and ports; a chain that is too long counts as `chaintoolong`
 * (`chainlength` in the file) and `insert_failed`, and not as `drop`.
 */
struct conntrack_lost {
	uint64_t refused; /* no entry could be made: the table is full */
	uint64_t clashed; /* the same tuple was there already */
	uint64_t chains;
};
struct conntrack_lost conntrack_lost(const struct observation *o);

#endif
