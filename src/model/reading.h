/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every number of an observation as one flat list, by stage, in the kernel's own names: what
 * `whydrop counters` shows. Sockets and processes are not in it.
 */
#ifndef WHYDROP_READING_H
#define WHYDROP_READING_H

#include "model/observation.h"

struct reading {
	enum stage stage;
	char name[64];	     /* "TcpExt.TCPBacklogDrop", "rx_missed_errors", "qdisc.drops" */
	char device[16];     /* "" none */
	char where[64];	     /* which of several: "rx 3", "pfifo 10:", "virtio0-input.0"; "" the only one */
	int cpu;	     /* -1 none */
	enum source source;
	const char *unit;    /* NULL unknown */
	const char *meaning; /* NULL: no meaning known */
	const char *unfilled; /* why its 0 says nothing; NULL: it is counted */
	const char *within;  /* the counter that holds the same loss as well; NULL */
	enum counter_loss loss;
	enum counter_kind kind;
	bool negative;	     /* before and after are minus that */
	struct change change; /* `after` holds also where the change is not known; of a gauge no delta */
};

struct readings {
	VEC(struct reading) list;
};

/* In the order of the stages. Strings belong to the tables or to the observation. */
void readings_collect(const struct observation *o, struct readings *ret);
void readings_done(struct readings *r);

/* It moved: a counter that grew or was reset, a gauge that is not 0. */
bool reading_moved(const struct reading *r);
/* "loss", "part", "sign", "benign", "plain"; "unknown" where no meaning is known. */
const char *reading_loss_name(const struct reading *r);

/*
 * Keeps the readings a pattern means: the kernel's name in any case, with or without the dot or
 * what stands before it; a shell pattern; the sentence `netstat -s` prints, with or without its
 * number; else part of a name, of such a sentence or of a meaning. False if there is none: *near
 * then gets names that are alike, comma separated, or what this kernel does not count.
 */
bool readings_select(struct readings *r, const char *pattern, struct buf *near);

/* What `netstat -s` prints for a counter, # where its number stands; NULL: it has no sentence. */
const char *counter_sentence(const char *name);
/* Is the text that sentence, with or without its number? */
bool counter_is_sentence(const char *name, const char *text);

#endif
