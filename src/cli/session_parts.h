/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of a session share: session.c (live), session_phases.c, session_recording.c. */
#ifndef WHYDROP_SESSION_PARTS_H
#define WHYDROP_SESSION_PARTS_H

#include "cli/session.h"
#include "collect/collect.h"

#define LOOKS_MAX 7200 /* of one run; a recording with more is not ours */

/* One observation and one host for each namespace of the session. */
void session_add_observations(struct session *s, struct diagnosis *d);
/* Reads what belongs to a phase ("a", "look-3", "b") in every namespace. */
void session_take_phase(struct session *s, struct diagnosis *d, const char *phase);
/* Keeps when that was complete in the recording being made; a replay finds it again there. */
void session_stamp_phase(struct session *s, struct diagnosis *d, const char *phase, bool replay);

/* Ctrl-C has come; a second one quits. */
bool session_interrupted(void);
void session_sleep_until(int64_t when_ns);
/* Until a loss begins (true), options->wait is over or ctrl-C comes; s->report.wait tells which. */
bool session_wait(struct session *s, const struct session_options *options);

/* Writes the description and the drops of a live run into its recording. */
void session_describe(struct session *s, const struct session_options *options,
		      const struct diagnosis *d);
/* A whole run from options->from. Errors as session_run(). */
int session_replay(struct session *s, const struct session_options *options, struct diagnosis *d,
		   struct buf *message);

#endif
