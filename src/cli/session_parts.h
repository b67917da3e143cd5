/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of a session share: session.c (live), session_phases.c, session_recording.c. */
#ifndef WHYDROP_SESSION_PARTS_H
#define WHYDROP_SESSION_PARTS_H

#include "cli/session.h"
#include "collect/collect.h"

#define LOOKS_MAX 7200 /* of one run; a recording with more is not ours */
#define STAMP_MAX ((int64_t)1 << 62) /* ns since boot: what is added up of them has room */

/* One observation and one host for each namespace of the session. */
void session_add_observations(struct session *s, struct diagnosis *d);
/* Reads what belongs to a phase ("a", "look-3", "b") in every namespace. */
void session_take_phase(struct session *s, struct diagnosis *d, const char *phase);
/* Keeps when that was complete in the recording being made, if there is one. */
void session_stamp_phase(struct session *s, struct diagnosis *d, const char *phase);
/*
 * Finds that again in a replay. *since_ns is the end of the phase before, and then of this one: a
 * clock that went back, or a time that is missing, is a damaged description (-EBADMSG).
 */
int session_replay_stamps(struct session *s, struct diagnosis *d, const char *phase,
			  int64_t *since_ns);

/* The inode of the only namespace that is examined; 0: there are more. */
uint32_t session_only_netns(const struct diagnosis *d);

/* Ctrl-C has come; a second one quits. */
bool session_interrupted(void);
/* As if it had: the sampling ends with its next look, half a second later at most. Any thread. */
void session_stop(void);
/* What the second one does before it quits; async-signal-safe. NULL: nothing. */
void session_on_quit(void (*fn)(void));
void session_sleep_until(int64_t when_ns);
int64_t session_cpu_ns(void); /* that this process has used */
/* Until a loss begins (true), options->wait is over or ctrl-C comes; s->report.wait tells which. */
bool session_wait(struct session *s, const struct session_options *options);

/*
 * A live run that somebody else goes on with: the namespaces, the user's statements, ctrl-C. Errors
 * as session_run().
 */
int session_open(struct session *s, const struct session_options *options, struct diagnosis *d,
		 struct buf *message);
void session_fill_report(struct session *s, const struct session_options *options,
			 const struct diagnosis *d);

/* Writes the description and the drops of a live run into its recording. */
void session_describe(struct session *s, const struct session_options *options,
		      const struct diagnosis *d);
/* A whole run from options->from. Errors as session_run(). */
int session_replay(struct session *s, const struct session_options *options, struct diagnosis *d,
		   struct buf *message);

#endif
