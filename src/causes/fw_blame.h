/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which firewall rule or policy dropped how many packets. Counters tell exactly where rules have
 * them; what is traced beyond that is walked, flow by flow, through the rules that have none.
 */
#ifndef WHYDROP_FW_BLAME_H
#define WHYDROP_FW_BLAME_H

#include "base/buf.h"
#include "causes/stages.h"

/* A rule or a base chain's policy that ends packets. */
struct fw_point {
	const struct ruleset *set; /* of the second snapshot */
	size_t chain, rule;	   /* rule: POLICY_OF_CHAIN for the policy */
	bool reject;		   /* answers the sender */
	bool fresh; /* new, and what was there before it dropped, too: its counter is not all */
	bool counted;
	struct change counter;
	bool exact; /* packets is known: by the counter, or the kernel named the rule */
	uint64_t packets;
	uint32_t hooks, seen; /* bits: hooks it hangs on; hooks where its flows were walked */
	uint64_t lost;	      /* packets, or its part of what is traced beyond those */
	uint64_t weight;      /* packets of its flows */
	uint64_t transit;     /* of weight: on their way out, and not this host's own */
	uint64_t bridged;     /* of weight: frames that only cross a bridge, at a hook of IP */
	const char *how;
	enum confidence confidence;
};

struct fw_flow {
	const struct drop_flow *flow;
	uint64_t packets; /* of it; a rule with a counter may have had only a part */
	size_t point;	  /* FW_NOWHERE: no rule fits it */
};
#define FW_NOWHERE ((size_t)-1)

struct fw_blame {
	VEC(struct fw_point) points;
	VEC(struct fw_flow) flows;
	bool frees_in_chain; /* nf_tables' drops show at nft_do_chain (6.15 and later) */
	uint64_t traced;     /* NETFILTER_DROP of this namespace */
	uint64_t exact;	     /* of it: by the points whose packets are known */
	uint64_t conntrack;  /* of it: by connection tracking and NAT */
	uint64_t beyond;     /* the rest: by other points, or unexplained */
	bool every_flow;     /* flows has each of the traced packets, and no estimate */
	enum source unread;  /* a rule set that may have dropped, too; SOURCE_N: both are known */
};

void fw_blame(const struct exam *x, struct fw_blame *ret);
void fw_blame_done(struct fw_blame *b);
/* The same, made once for all causes of a namespace; engine.c lets go of it by fw_forget(). */
const struct fw_blame *fw_blame_of(struct exam *x);

/* Its rules of the second snapshot are known, and how they changed. */
bool fw_readable(const struct observation *o, enum source source);

/* The firewall's causes: each point belongs to one of them, by what it does and on which way. */
enum fw_kind { FW_POLICY, FW_RULE, FW_REJECT, FW_OUTPUT, FW_FORWARD, FW_INVALID, FW_BRIDGED };
enum fw_kind fw_kind_of(const struct fw_point *p);

bool fw_is_policy(const struct fw_point *p);
const struct chain *fw_chain(const struct fw_point *p);
/* NULL for a policy. */
const struct rule *fw_rule(const struct fw_point *p);
enum direction fw_direction(const struct fw_point *p);
/* It drops what conntrack calls invalid, and nothing else. */
bool fw_is_invalid_rule(const struct fw_point *p);
/* Whether the kernel freed a packet inside nf_tables; all else is at nf_hook_slow. */
bool fw_is_nft_symbol(const char *symbol);

/* Where it stands and how it was found out; without the rule's text. */
void fw_name_point(const struct fw_point *p, struct rule_ref *ref);
/* A subject that is this rule. */
struct subject *fw_subject(struct finding *f, const struct ruleset *set, const struct rule *r);

/* What the packets of a finding have in common: fw_words.c. */
struct fw_wanted {
	uint8_t protocol; /* 0: not known */
	bool by_source;	  /* the source port is what they share, not the destination's */
	uint16_t port;	  /* 0: none */
	uint64_t packets;
};
struct fw_words {
	VEC(struct fw_wanted) wanted; /* most packets first */
	uint64_t packets;	      /* of all flows */
	uint64_t chatter;	      /* to multicast and broadcast addresses */
	uint64_t sought; /* of packets: neighbours that look for an address of this host's */
};
/* Of the flows of points for which `which` is set (parallel to b->points). */
void fw_words_of(const struct fw_blame *b, const bool *which, struct fw_words *ret);
void fw_words_done(struct fw_words *w);
/* "tcp port 8443", "icmp"; "packets" if nothing is known. */
const char *fw_wanted_text(const struct fw_wanted *w, char *to, size_t size);
/* "ip filter INPUT 12", "policy of inet filter input" */
const char *fw_point_text(const struct fw_point *p, char *to, size_t size);
const char *fw_family_name(const struct fw_point *p);
const char *fw_hook_name(const struct fw_point *p);
/* What ends the packet, in the words of nft or of iptables. */
const char *fw_target_name(const struct fw_point *p);

/* One of the causes at work: the points of its kind. */
struct fw_case {
	struct exam *x;
	const struct fw_blame *blame;
	struct fw_words words;
	enum fw_kind kind;
	bool *mine; /* blamed points of this kind; parallel to blame->points */
	const struct fw_point *worst;
	size_t n;
	uint64_t lost, counted, in_nft; /* in_nft: of lost, by nf_tables */
	bool all_counted;
};

/* fw_text.c: headline, sentences, and the neighbours that it is not. */
void fw_describe(struct fw_case *c, struct finding *f, enum direction d, bool scattered);
void fw_exclude(struct fw_case *c, struct finding *f);
/* Counters that move with it, besides those of the rules. */
void fw_witnesses(struct fw_case *c, struct finding *f);
/* "drop rules", for what clears the cause. */
const char *fw_kind_text(enum fw_kind kind);
/* What a rule itself says it drops, where nothing was traced. */
struct fw_wanted fw_wanted_by_rule(const struct fw_point *p);

/*
 * fw_limits.c: the limit that what this point dropped was above; NULL: none. *ret_by: the rule before
 * it that holds the limit; NULL: it does itself.
 */
const struct rule_limit *fw_limit_of(const struct fw_blame *b, const struct fw_point *p,
				     const struct rule **ret_by);
/* "200/second", "3 connections each" */
const char *fw_limit_text(const struct rule_limit *l, char *to, size_t size);
/* " above", " up to": which side of it is dropped. */
const char *fw_limit_side(const struct rule_limit *l, const struct rule *by);
void fw_limit_sentence(const struct rule_limit *l, const struct rule *by, const struct fw_point *p,
		       struct buf *to);
/* The largest flow that ended there; NULL: none was traced. What is known of its packets. */
const struct drop_flow *fw_largest_flow(const struct fw_blame *b, const struct fw_point *p);
struct packet fw_packet_of(const struct drop_flow *flow);
/* fw_sets.c: the set or verdict map that a rule uses, and the element that ended the packets. */
void fw_set_evidence(struct exam *x, struct finding *f, const struct fw_blame *b,
		     const struct fw_point *p);
void fw_limit_of_rule(const struct fw_blame *b, const struct fw_point *p, struct rule_ref *ref);

/* fw_remedy.c: an accept rule for each of what is wanted (at most `most`), before that point. */
void fw_remedies(struct exam *x, struct finding *f, const struct fw_point *p,
		 const struct fw_words *words, size_t most);

/* The same for frames that only cross a bridge: rules for routed packets need not see them. */
void fw_remedy_bridge(struct exam *x, struct finding *f);

/* fw_points.c: every point of both rule sets, in their order, with its counter's change. */
void fw_find_points(const struct observation *o, struct fw_blame *b);
/* fw_flows.c: every traced flow to the point that fits it best. */
void fw_walk_flows(const struct exam *x, struct fw_blame *b);

#endif
