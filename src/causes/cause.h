/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Causes and findings. A cause is one row of causes.def and one pure function: the observation and
 * the ledger of a namespace in, findings out. Its answer is found, not found (with the numbers
 * that clear it), or not examined because a source is missing: never a guess.
 */
#ifndef WHYDROP_CAUSE_H
#define WHYDROP_CAUSE_H

#include "causes/narrow.h"
#include "model/config.h"
#include "model/ledger.h"
#include "model/observation.h"
#include "model/tcp_lines.h"

enum outcome { NOT_FOUND, FOUND, NOT_EXAMINED };
enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_CRITICAL };
enum confidence { POSSIBLE, LIKELY, CERTAIN };
enum finding_state { LOSING, LOST_BEFORE, AT_RISK };
enum verdict { HEALTHY, LOSS_ELSEWHERE, AT_RISK_VERDICT, LOSING_VERDICT, NOT_EXAMINED_VERDICT };
enum remedy_kind {
	REMEDY_SYSCTL,
	REMEDY_ETHTOOL,
	REMEDY_TC,
	REMEDY_NETFILTER,
	REMEDY_ROUTE,
	REMEDY_SOCKET,
	REMEDY_APPLICATION,
	REMEDY_CAPACITY,
};

struct exam;
struct flow_index;
struct finding;
struct subject;

/*
 * What a cause is to the others: a loss point has packets of its own; an explanation takes over
 * a loss point's subjects (a stopped reader behind a full buffer); a condition loses nothing by
 * itself: a limit that is near, a CPU that is busy, a setting below what the device can do. It is
 * asked when the losses are known and explained, so that it may say which of them it makes worse.
 * Elsewhere is a loss that happened outside this host.
 */
enum cause_kind { CAUSE_LOSS_POINT, CAUSE_EXPLANATION, CAUSE_CONDITION, CAUSE_ELSEWHERE };

struct cause_row {
	const char *id, *title;
	enum cause_kind kind;
	enum stage stage;
	enum direction direction;
	uint64_t needs_all, needs_any; /* masks of SOURCE_BIT; needs_any 0: nothing more */
	bool has_counter, has_event;
	const char *companions; /* ids that may be named beside it, blank separated */
	const char *lab, *guide; /* scenario; where the guides speak of it */
	/* NULL for an explanation that is nothing by itself. One that has it is asked like a
	 * condition, unless it already explains a loss. */
	enum outcome (*examine)(struct exam *x);
	/* Explanations: is it why this subject of that loss point lost? And then, once a finding of
	 * such subjects is its own: the words, evidence and remedies for it. A loss point may have
	 * `describe` for the subjects that no explanation took. */
	bool (*explains)(struct exam *x, const struct finding *f, const struct subject *s);
	void (*describe)(struct exam *x, struct finding *f);
};
extern const struct cause_row cause_rows[];
extern const size_t cause_rows_n;
const struct cause_row *cause_by_id(const char *id);

/* Numbers that prove or clear a cause. Texts are owned. */
struct evidence {
	const char *source, *name; /* interned; "/proc/net/snmp", "Udp.RcvbufErrors" */
	bool has_before, has_after, has_delta;
	uint64_t before, after, delta;
	char *text; /* or a sentence instead of numbers; NULL */
};

struct rule_ref {
	char family[8], table[32], chain[64], hook[16];
	uint64_t handle; /* legacy: the number in its chain */
	char target[32]; /* "drop", "REJECT", "verdict map" */
	char *text;	 /* as nft or iptables-legacy prints it; NULL if not asked, or text_err */
	int text_err;	 /* why they did not tell it */
	char set[32]; /* the named set or map that it uses; "" none */
	bool has_limit;	 /* what it drops is above (or within) a limit */
	struct rule_limit limit;
	uint64_t limited_by; /* handle of the rule before it that holds the limit; 0: itself */
	const char *how; /* "counter", "elimination", "headers matched" ... */
};

struct subject {
	bool has_lost;
	uint64_t lost, traced; /* packets; traced: of them, with an event of its own */
	char device[16]; /* "" none */
	int cpu;	 /* -1 none */
	bool has_socket, has_rule, has_process;
	struct socket socket;
	struct process process; /* the socket's owner */
	struct rule_ref rule;
	char *sysctl;  /* path with dots, or NULL */
	char *address; /* a neighbour or peer, or NULL */
};

struct remedy_change {
	char *kind, *key, *from, *to; /* "sysctl", "net.core.netdev_max_backlog", "1000", "2000" */
};

struct remedy {
	const char *id;
	enum remedy_kind kind;
	char *summary, *why, *cost, *risk;
	bool applicable; /* fix may apply `changes` */
	VEC(struct remedy_change) changes;
	VEC(char *) commands;
	VEC(char *) undo;
	VEC(char *) persist;
};

/* What it looks like that fills a table, and the figures that rests on. */
enum crowd_guess { CROWD_UNCLEAR, CROWD_LOAD, CROWD_SCAN, CROWD_ATTACK };
struct finding_crowd {
	struct crowd sum;
	enum crowd_guess guess;
	char *why;
};

struct finding {
	const struct cause_row *cause, *via; /* via NULL: it is its own loss point */
	const struct cause_row *capture; /* what a capture shows of it (capture.def); NULL: none does */
	char *headline; /* one line: who and where, "dnsdist (812) cannot keep up on 0.0.0.0:53" */
	char *text;	/* what happened, a few sentences */
	enum finding_state state;
	enum severity severity;
	enum confidence confidence;
	bool has_direction; /* `direction` and not that of the cause's row */
	enum direction direction;
	const struct observation *where; /* its namespace */
	const char *unit;		 /* "packets", "skbs", "segments" */
	struct burst burst; /* the worst moment of it, where that is far from the average; n 0 */
	bool stalled; /* nothing is lost, and nothing moves: explanations are asked all the same */
	uint64_t lost, counted, traced, of; /* of: what passed or was lost there; 0 unknown */
	bool counted_known, traced_known;
	VEC(struct subject) subjects;
	VEC(struct evidence) evidence;
	VEC(char *) excluded; /* the neighbours it is not, each with its number */
	VEC(struct drop_flow) flows;
	bool flows_sampled;
	/* Packets of all its flows, shown or not: those that a narrow diagnosis means, and the rest. */
	struct finding_flows_sum {
		uint64_t meant, others;
	} flows_sum;
	VEC(struct remedy) remedies;
	struct finding_crowd *crowd; /* NULL: of no table, or it could not be read */
};

struct cleared {
	const struct cause_row *cause;
	const struct observation *where;
	VEC(struct evidence) evidence;
};

struct not_examined {
	const struct cause_row *cause;
	const struct observation *where;
	enum source source; /* SOURCE_N: no source is missing, `why` says what is */
	int err; /* negative errno */
	const char *why, *unlock; /* where source is SOURCE_N: "no limit is stated", how to state it */
};

/* A finding, or the part of one, that the user does not want to hear of. */
struct ignored {
	struct finding finding;
	const struct ignore *by; /* of the diagnosis's config */
};

struct diagnosis {
	enum verdict verdict;
	const struct drops *drops;
	const struct tcp_lines *tcp; /* NULL: not traced, as with an err */
	const struct config *config; /* NULL: nothing stated */
	int64_t started_at_ns;	     /* CLOCK_REALTIME when the interval began; 0 unknown */
	VEC(struct observation) observations; /* the first is the one asked for */
	VEC(struct ledger) ledgers;	      /* one each */
	VEC(struct finding) findings;	      /* worst first */
	VEC(struct ignored) ignored;	      /* no part of the verdict */
	const struct narrow *narrow;	      /* what alone is meant; NULL: everything */
	VEC(struct finding) others;	      /* what is not, or such parts; no part of the verdict */
	double uptime_s;		      /* of the host; 0 unknown */
	VEC(struct finding) before; /* lost since boot, none of it now; no part of the verdict */
	VEC(struct cleared) cleared;
	VEC(struct not_examined) not_examined;
};

/* What a cause function works on. */
struct exam {
	struct diagnosis *d;
	const struct observation *o;
	struct ledger *ledger;
	const struct cause_row *row;
	struct cleared *cleared; /* where the numbers go that clear it */
	const struct flow_index *flows; /* of connections at the beginning, see tcp_flow.h; NULL: none */
	struct fw_blame *firewall; /* what the firewall's causes share; NULL until one asks */
};

/* The engine: fills everything below observations; observations and drops are the caller's. */
void diagnose(struct diagnosis *d);
void diagnosis_done(struct diagnosis *d);
/* Only what was made of the observations: they may be diagnosed again. */
void diagnosis_forget(struct diagnosis *d);
/* 0 healthy, 1 a loss or a risk, 3 not examined. */
int verdict_exit_status(enum verdict v);
const char *verdict_name(enum verdict v);
const char *severity_name(enum severity s);
const char *confidence_name(enum confidence c);
const char *finding_state_name(enum finding_state s);
const char *remedy_kind_name(enum remedy_kind k);
const char *crowd_guess_name(enum crowd_guess g);

/* For a cause function to return: it could not look, for want of a source or of something else. */
enum outcome not_examined_source(struct exam *x, enum source source);
enum outcome not_examined_why(struct exam *x, const char *why, const char *unlock);

/* For cause functions (causes/finding.c). The texts take printf formats and are copied. */
struct finding *finding_new(struct exam *x);
/* What was found in this namespace so far under that name; NULL if nothing was. */
const struct finding *finding_here(const struct exam *x, const char *id);
/* Gives back what it holds. */
void finding_done(struct finding *f);
void finding_headline(struct finding *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A finding of the same loss, without what was lost and what is said of it. */
struct finding finding_alike(const struct finding *f);
/* So much of a loss leaves the finding for one of its own; subjects are the caller's to move. */
struct finding finding_take(struct diagnosis *d, struct finding *f, uint64_t lost);
/* When subjects were taken out of a finding: words, evidence and remedies of those that are left. */
void finding_describe_again(struct diagnosis *d, struct finding *f);
void finding_text(struct finding *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
void finding_exclude(struct finding *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Losses by counter, by trace, or both; `lost` becomes counted where that is exact, else traced. */
void finding_lost(struct finding *f, const uint64_t *counted, const uint64_t *traced, uint64_t of);
/* SEV-L of the catalogue: share of loss below 1e-4 info, 1e-2 and more critical, else warning. */
enum severity severity_of_share(const struct exam *x, uint64_t lost, uint64_t of);
/* SEV-U: used of a limit: 75 % info, 90 % warning, 95 % critical; false below. */
bool severity_of_fill(const struct exam *x, uint64_t used, uint64_t limit, enum severity *ret);
/* A threshold as a share, or as a count. */
double threshold_share(const struct exam *x, enum threshold_id id);
uint64_t threshold_count(const struct exam *x, enum threshold_id id);
struct subject *finding_subject(struct finding *f);
void finding_flows(struct exam *x, struct finding *f, const struct drop_filter *which);
/* Counts a flow of the finding's packets; false: a narrow diagnosis does not mean it. */
bool finding_flow_meant(struct exam *x, struct finding *f, const struct drop_flow *flow,
			uint64_t packets);
/* Evidence, for a finding or for x->cleared. */
void evidence_change(struct finding *f, struct exam *x, const char *source, const char *name,
		     struct change c);
void evidence_counter(struct finding *f, struct exam *x, enum counter_id id);
void evidence_value(struct finding *f, struct exam *x, const char *source, const char *name,
		    uint64_t value);
void evidence_traced(struct finding *f, struct exam *x, const char *what, uint64_t packets);
/* What the kernel's log said of it in the sample; nothing if it said nothing. */
void evidence_log(struct finding *f, struct exam *x, enum kernel_log_id id);
void evidence_text(struct finding *f, struct exam *x, const char *fmt, ...) PRINTF_LIKE(3, 4);

struct remedy *finding_remedy(struct finding *f, const char *id, enum remedy_kind kind,
			      const char *fmt, ...) PRINTF_LIKE(4, 5);
void remedy_why(struct remedy *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
void remedy_cost(struct remedy *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
void remedy_risk(struct remedy *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
void remedy_command(struct remedy *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
void remedy_undo(struct remedy *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
void remedy_persist(struct remedy *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What fix may write by itself, of a kind of remedy/kinds.h: the remedy is applicable then. */
void remedy_change(struct remedy *r, const char *kind, const char *from, const char *to,
		   const char *key, ...) PRINTF_LIKE(5, 6);
void remedy_change_number(struct remedy *r, const char *kind, uint64_t from, uint64_t to,
			  const char *key, ...) PRINTF_LIKE(5, 6);
/* A sysctl write with its command, undo and sysctl.d line; applicable. `key` has dots. */
void remedy_sysctl(struct remedy *r, const char *key, int64_t from, int64_t to);
/* The same for values that are several numbers. */
void remedy_sysctl_text(struct remedy *r, const char *key, const char *from, const char *to);

/* "10.0.0.1:53", "[::]:53" or "*" forms, for texts. */
const char *address_text(uint8_t family, const uint8_t *address, char *to, size_t size);
const char *socket_text(const struct socket *sk, char *to, size_t size);

#endif
