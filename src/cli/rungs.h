/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which rungs of the ladder this kernel and these privileges bear, by trying. */
#ifndef WHYDROP_RUNGS_H
#define WHYDROP_RUNGS_H

#include "base/buf.h"
#include "model/drops.h"

struct privileges;

#define RUNGS_MAX 8

struct rungs {
	int err[RUNGS_MAX]; /* by the place in rung_rows: 0, or why it is not to be had */
};

/* net_dm is looked for and not turned on: it is one for the whole host. */
void rungs_try(struct rungs *r, const struct privileges *p);
/* The best one; the best that diagnose takes, which never turns anything on: maybe the last. */
const struct rung_row *rungs_best(const struct rungs *r);
const struct rung_row *rungs_of_diagnose(const struct rungs *r);
/* What keeps a rung from being used, in words. */
void rung_why_not(const struct rung_row *row, int err, struct buf *to);

#endif
