// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lost since boot, and quiet now: the loss points are asked once more, about everything that their
 * counters have seen, and what none of them loses now is kept apart. No part of the verdict.
 *
 * Drops on purpose are left out: a firewall has always dropped something.
 */
#include <errno.h>

#include "causes/stages.h"

static bool told_now(const struct diagnosis *d, const struct observation *o,
		     const struct cause_row *row)
{
	vec_each(f, &d->findings)
		if (f->where == o && (f->cause == row || f->via == row))
			return true;
	vec_each(i, &d->ignored)
		if (i->finding.cause == row || i->finding.via == row)
			return true;
	for (size_t i = 0; d->config && i < d->config->ignores.n; i++)
		if (strcmp(d->config->ignores.items[i].cause, row->id) == 0)
			return true;
	return false;
}

static bool has_past(const struct cause_row *row)
{
	return row->kind == CAUSE_LOSS_POINT && row->has_counter && row->stage != STAGE_NETFILTER;
}

/* It may borrow what was observed: nothing of that is its own. */
static void look_back(struct diagnosis *d, const struct observation *o)
{
	static const struct drops none = {.err = -ENODATA};
	struct diagnosis then = {.drops = &none, .config = d->config};
	struct observation *past = vec_push(&then.observations);
	struct exam x = {.d = &then, .o = past};

	*past = (struct observation){
		.inode = o->inode, .b = o->b, .seconds = d->uptime_s, .since_boot = true};
	memcpy(past->name, o->name, sizeof(past->name));
	x.ledger = vec_push(&then.ledgers);
	ledger_init(x.ledger, &none, o->inode);
	for (size_t i = 0; i < cause_rows_n; i++)
		if (has_past(&cause_rows[i]) && !told_now(d, o, &cause_rows[i]))
			cause_ask(&x, &cause_rows[i]);
	fw_forget(&x);
	for (size_t i = 0; i < then.findings.n; i++) {
		struct finding *f = &then.findings.items[i];

		if (f->state != LOST_BEFORE || !f->lost || f->severity < SEVERITY_WARNING)
			continue;
		f->where = o;
		f->severity = SEVERITY_INFO;
		*vec_push(&d->before) = *f;
		then.findings.items[i--] = then.findings.items[--then.findings.n];
	}
	then.observations.n = 0;
	diagnosis_done(&then);
}

void find_before(struct diagnosis *d)
{
	/* A narrow diagnosis asks about flows, and of these nothing is known any more. */
	if (d->uptime_s <= 0 || d->narrow)
		return;
	vec_each(o, &d->observations)
		if (!o->since_boot)
			look_back(d, o);
}
