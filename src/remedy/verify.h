/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was lost before a remedy and is lost after it, on the same counters. */
#ifndef WHYDROP_VERIFY_H
#define WHYDROP_VERIFY_H

#include "remedy/journal.h"

/* A counter that the finding rested on. */
struct measured_count {
	char *name;
	uint64_t delta;
	bool known; /* of the second sample: it could be read again */
};

struct measured_loss {
	char *cause, *via; /* via "": itself */
	uint32_t inode;	   /* of its namespace */
	uint64_t lost;
	bool losing; /* packets were lost; else only a risk was told */
	bool grave;  /* warning or worse */
	bool tx;     /* on the way out: held against the packets sent */
	VEC(struct measured_count) counts;
};

struct measured_space {
	uint32_t inode;
	uint64_t rx, tx; /* packets of all its devices */
};

struct measure {
	double seconds;
	VEC(struct measured_space) spaces;
	VEC(struct measured_loss) losses;
};

void measure_done(struct measure *m);
struct measured_loss *measure_add_loss(struct measure *m, const char *cause, const char *via);
void measure_add_count(struct measured_loss *loss, const char *name, uint64_t delta);
/* Into the journal, without journal_commit(), and back; false: the run has none. */
void measure_put(const struct measure *m, struct journal *j, uint64_t run);
bool measure_get(const struct journal *j, uint64_t run, struct measure *ret);

enum verify_answer {
	VERIFY_STOPPED,
	VERIFY_FELL,
	VERIFY_SAME,
	VERIFY_GREW,
	VERIFY_NOT_COMPARABLE,
};

struct verify_result {
	enum verify_answer answer;
	double lost_before, lost_now;	    /* per second */
	double packets_before, packets_now; /* per second */
	const struct measured_loss *before;
	const char *counter; /* that still moves though nothing is told of it any more; NULL */
};

/*
 * One loss of `before`. Losses of a fifth less or more, and traffic within a fifth, count as the
 * same. A loss that stopped under more traffic has stopped all the same, and one that did not stop
 * under less has not; in all other cases other traffic says nothing.
 */
void verify_loss(const struct measure *before, const struct measure *now,
		 const struct measured_loss *loss, struct verify_result *ret);
/* It is a warning or worse, and by a fifth more than before: per second, and of the packets. */
bool verify_is_worse(const struct measure *before, const struct measure *now,
		     const struct measured_loss *loss_now, double *ret_before, double *ret_now);
const char *verify_answer_name(enum verify_answer a);

#endif
