/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `whydrop watch`: what was dropped, as lines over time. Each interval's diagnosis is added to
 * them. A traced packet is in exactly one line, so their totals are what was traced; a loss that
 * leaves no event is a line of its own, and says that it was counted.
 *
 * The counters of an interval and its trace do not end at the same moment: a few packets that were
 * traced now are explained by the next interval's counters, or by the one's before.
 */
#ifndef WHYDROP_WATCH_H
#define WHYDROP_WATCH_H

#include "causes/cause.h"

enum watch_how { WATCH_TRACED, WATCH_COUNTED };

struct watch_line {
	/* What a line is about. Its loss point: NULL: no cause explains it. */
	enum watch_how how;
	const struct cause_row *at;
	uint32_t netns; /* inode; 0 unknown */
	char reason[48], symbol[64]; /* "" of counted lines */
	char device[16]; /* "" none is known, or several */
	uint16_t ethertype; /* of the packet; 0 unknown, or several */
	uint8_t protocol;   /* likewise */
	bool not_meant;	    /* the packet filter does not match */
	bool has_socket, has_rule, has_cpu;
	int cpu;
	struct socket socket; /* the receiver; with cookie 0 all that is known is its port */
	struct rule_ref rule; /* its text is the line's own */

	/* What is known of it besides. */
	const struct cause_row *cause; /* the deepest explanation, as last told; NULL none */
	unsigned int explained; /* the interval that told one deeper than the loss point; 0 none */
	const struct process *process; /* the socket's owner, owned; NULL: not known */
	bool gone;		       /* the socket was closed meanwhile */
	bool exited;		       /* the process has ended */
	const char *benign;	       /* why it is no loss, or NULL */
	const char *unit;	       /* "packets", "segments" */
	char netns_name[64];

	uint64_t packets, bytes; /* of the last interval */
	uint64_t total, total_bytes;
	int64_t first_ns, last_ns; /* CLOCK_MONOTONIC: intervals it had packets in */
	unsigned int last_interval;

	uint64_t unsettled; /* of total: not yet put to a rule or socket that may explain it */
};

/* What traced drops of a kind were last explained by. */
struct watch_like {
	uint32_t netns;
	char reason[48], symbol[64];
	uint8_t protocol;
	uint16_t ethertype;
	const struct cause_row *at, *cause;
	unsigned int last_interval;
};

/* Packets that a finding puts to a rule or socket, and that no line has got yet. */
struct watch_credit {
	const struct cause_row *at;
	uint32_t netns;
	bool has_socket, has_rule;
	struct rule_ref rule; /* text owned */
	struct socket socket;
	struct process *process; /* owned */
	uint64_t packets;
	unsigned int last_interval;
};

/* A loss that was counted and should make events, but has none so far. */
struct watch_pending {
	const struct cause_row *at, *cause;
	uint32_t netns;
	char netns_name[64];
	uint64_t packets;
	unsigned int interval;
};

struct watch_sum {
	uint64_t packets, total;
};

/* What is meant; unset fields mean everything. */
struct watch_filter {
	const char *packets; /* pcap-filter expression: the tracer told those that are not meant apart */
	const char *device, *reason, *cause;
	int pid;
	VEC(uint32_t) inodes; /* sockets that the process holds, or held */
};

enum watch_answer { WATCH_MEANT, WATCH_NOT_MEANT, WATCH_CANNOT_TELL, WATCH_ANSWERS };

struct watch {
	const struct watch_filter *filter;
	unsigned int interval; /* number of the last one, from 1 */
	double seconds;	       /* its length, and of all together */
	double total_seconds;
	int64_t now_ns;	       /* its end */
	VEC(struct watch_line) lines; /* most packets of the interval first, losses before the rest */
	VEC(struct watch_like) likes;
	VEC(struct watch_credit) credits;
	VEC(struct watch_pending) pending;
	/* Lines that were folded to keep memory bounded: losses and not, by what the filter says. */
	struct watch_sum others[2][WATCH_ANSWERS];
	uint64_t others_lines;
	struct watch_sum elsewhere; /* traced losses of namespaces nobody asked for */
	VEC(uint32_t) elsewhere_netns;
	struct watch_sum missed;    /* drop events that could not be held */
	bool sends_traced;	    /* sends refused as too large */
	double rested, total_rested; /* seconds in which they were not: of the interval, of all */
	VEC(struct drop_missed) events_missed; /* packets that were not told one by one, all intervals */
};

#define WATCH_LINES_MAX 1024

void watch_init(struct watch *w, const struct watch_filter *filter);
void watch_done(struct watch *w);
/*
 * One interval: d->drops, and what was made of it. Without ledgers there was nothing to be
 * diagnosed. `seconds` is how long it was, now_ns its end.
 */
void watch_take(struct watch *w, const struct diagnosis *d, double seconds, int64_t now_ns);
/* Processes that have ended; `exists` tells whether one is still there. */
void watch_see_exits(struct watch *w, bool (*exists)(int pid));
/* No interval follows: what was held back until the next one is told. */
void watch_end(struct watch *w);
/* Whether the filter means a line. */
enum watch_answer watch_means(const struct watch *w, const struct watch_line *l);
/* Of all lines that are losses (or all that are not) and get this answer, with those folded. */
struct watch_sum watch_sum(const struct watch *w, bool benign, enum watch_answer answer);
/*
 * The line that a traced packet like this is in, the one with most packets if there are several;
 * NULL: in none that is still told apart.
 */
const struct watch_line *watch_line_of(const struct watch *w, uint32_t netns, const char *reason,
				       const char *symbol, uint8_t protocol, const char *device,
				       uint64_t cookie);
/* Lends a finding's rules the texts that are known already, so that nobody asks for them again. */
void watch_give_rule_texts(const struct watch *w, struct diagnosis *d);

#endif
