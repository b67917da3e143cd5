/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes made, each announced in the journal first, and taken back. */
#ifndef WHYDROP_APPLY_H
#define WHYDROP_APPLY_H

#include "remedy/entries.h"
#include "remedy/kinds.h"

/* One change that is asked for. Texts are owned; the place is the caller's. */
struct plan_change {
	char *cause, *remedy; /* why */
	const struct change_kind *kind;
	char *key, *from, *to;
	struct change_place *place;
};

struct plan {
	VEC(struct plan_change) list;
};

void plan_done(struct plan *p);
/*
 * Adds a change (texts are copied). What is there already is not asked for twice: of two numbers
 * for one key the larger one stays, else the first. Returns false where nothing was added.
 */
bool plan_add(struct plan *p, const struct plan_change *c);
/* enum change_needs of all. */
unsigned int plan_needs(const struct plan *p);

struct apply_result {
	size_t done;	/* changes that stand, those made along with others left out */
	size_t undone;	/* taken back because of a later refusal */
	int err;	/* 0, or what stopped it */
	size_t stopped; /* index of the change that it stopped at */
	bool changed_since; /* the value was no longer what the sample saw: `found` */
	bool journal_failed; /* it was the journal that could not be written */
	char found[256];
};

/*
 * In order; stops at the first that is refused, and unless `keep` takes back what this run did.
 * The journal must hold the run's record and be open for writing.
 */
void plan_apply(struct journal *j, uint64_t run, const struct plan *p, bool keep,
		struct apply_result *ret);

enum rollback_outcome {
	ROLLBACK_RESTORED,
	ROLLBACK_WAS_BACK, /* the old value stood there already */
	ROLLBACK_NOT_OURS, /* somebody set another value since: left alone */
	ROLLBACK_GONE,	   /* the device or namespace is gone */
	ROLLBACK_FAILED,
};

struct rollback_result {
	enum rollback_outcome outcome;
	int err;
	char found[256]; /* the value that was there */
};

/* Newest first is the caller's order. -errno: the journal could not be written. */
int rollback_entry(struct journal *j, const struct entry *e, struct change_place *place,
		   struct rollback_result *ret);
/* Its namespace is gone, or was in another life of this host: nothing is left to take back. */
int rollback_gone(struct journal *j, const struct entry *e);

#endif
