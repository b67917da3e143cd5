/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of `whydrop fix` share. */
#ifndef WHYDROP_FIX_H
#define WHYDROP_FIX_H

#include "cli/session.h"
#include "remedy/apply.h"
#include "remedy/verify.h"

#define FIX_SYSCTL_FILE "/etc/sysctl.d/90-whydrop.conf"

enum fix_status { FIX_DONE = 0, FIX_PARTLY = 1, FIX_NOTHING = 3 };

struct fix_options {
	struct session_options session;
	bool json, apply, yes, persist, allow_link_reset, keep, verify, rollback, list, confirm;
	double undo_after; /* --for; 0 none */
	const char *journal;
	struct opt_strings set;
	unsigned int ready_fd;
	unsigned int expire_run; /* the dead man's switch itself */
	int color;
	char **ids;
	int ids_n;
};

/* A remedy of a finding, and whether this run would apply it. */
struct offer {
	const struct finding *finding;
	const struct remedy *remedy;
	bool possible; /* every change of it is of a known kind */
	bool chosen;
};

struct fix {
	const struct fix_options *o;
	struct session session;
	struct diagnosis d;
	VEC(struct change_place *) places;
	VEC(struct offer) offers;
	struct plan plan;
	size_t asked; /* changes of the plan that remedies ask for; behind them: files */
};

/* A sample and its diagnosis; 0, or an exit status after a message. */
int fix_sample(struct fix *f);
void fix_done(struct fix *f);

/* fix_plan.c: offers and plan of the diagnosis. False after a message: an ID that means nothing. */
bool fix_plan(struct fix *f);
/* The place of an observation, or of the whole host (NULL); NULL after a message. */
struct change_place *fix_place(struct fix *f, const struct observation *o);

/* fix_show.c */
void fix_show(struct fix *f);
/* NULL: nothing applied. */
void fix_show_json(struct fix *f, const struct apply_result *result, uint64_t run);

/* fix_verify.c: what the sample says of losses; the caller's to measure_done(). */
void fix_measure(const struct fix *f, struct measure *ret);

/* fix_apply.c, fix_undo.c, fix_verify.c: exit statuses. */
int fix_apply(struct fix *f);
int fix_rollback(const struct fix_options *o);
int fix_list(const struct fix_options *o);
int fix_confirm(const struct fix_options *o);
int fix_verify(struct fix *f);
/* --netns of the run that --verify is about, the caller's to free; NULL: it had none. */
char *fix_netns_to_verify(const struct fix_options *o, const struct journal *j);
/* Waits until the run's time is over, and takes it back if nobody confirmed it. */
int fix_expire(const struct fix_options *o);

/* Opens the journal; false after a message. Damage in it is told on standard error. */
bool fix_journal(const struct fix_options *o, bool write, struct journal *ret);
/* Does an ID name this change: its number, cause or remedy? */
bool fix_means(const struct entry *e, const char *id);
/* "this host", "namespace web" */
const char *fix_place_text(const char *netns, char *to, size_t size);

/* fix_timer.c: a process of its own that undoes the run; -errno. */
int fix_start_timer(const char *journal, uint64_t run);

#endif
