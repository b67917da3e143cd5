/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firewall rules as whydrop needs them, the same for nf_tables and legacy iptables: which chain
 * hangs on which hook with which policy, what each rule ends in, its counter, and its matches in
 * a neutral form so that a dropped packet can be walked through them.
 */
#ifndef WHYDROP_RULE_H
#define WHYDROP_RULE_H

#include "base/base.h"

enum rule_verdict {
	VERDICT_NONE, /* goes on to the next rule */
	VERDICT_ACCEPT,
	VERDICT_DROP,
	VERDICT_REJECT,
	VERDICT_JUMP,
	VERDICT_GOTO,
	VERDICT_RETURN,
	VERDICT_QUEUE,
	VERDICT_MAP, /* a verdict map decides: may be any of these */
};

/* What a rejecting rule answers; programs that send see it as an error of this kind. */
enum rule_answer {
	REJECT_UNKNOWN,
	REJECT_RESET,	    /* TCP reset: ECONNREFUSED */
	REJECT_PORT,	    /* ICMP port unreachable: ECONNREFUSED */
	REJECT_UNREACHABLE, /* ICMP host, network or route unreachable */
	REJECT_PROHIBITED,  /* ICMP administratively prohibited, or refused by policy */
};

/* Whose address or port a rule writes anew; every such rule also accepts. */
enum rule_nat { NAT_NONE, NAT_SOURCE, NAT_DESTINATION };

/* One match. A packet meets it, does not, or whydrop cannot tell (OP_UNKNOWN). */
enum rule_op_kind {
	OP_UNKNOWN,    /* limit, hash of something else: may be true or false */
	OP_FAMILY,     /* value[0]: AF_INET or AF_INET6 */
	OP_PROTOCOL,   /* value[0]: IPPROTO_* */
	OP_SOURCE,     /* address in value, masked by mask, length bytes */
	OP_DESTINATION,
	OP_SPORT,      /* low..high, host byte order */
	OP_DPORT,
	OP_IN_DEVICE,  /* length 0: ifindex, uint32_t in value; else that many bytes of its name */
	OP_OUT_DEVICE,
	OP_NEVER,      /* contradicts itself */
	OP_SOURCE_RANGE, /* address from value to mask, length bytes */
	OP_DESTINATION_RANGE,
	OP_CT_STATE,   /* low: RULE_CT_* of which the packet's connection has one */
	OP_ANY,	       /* the next `high` ops are alternatives (a set): one of them is met */
	OP_ALWAYS,
};

/* What conntrack makes of a packet; the rest (related, snat ...) is told apart by nobody here. */
enum { RULE_CT_INVALID = 1, RULE_CT_ESTABLISHED = 2, RULE_CT_NEW = 4, RULE_CT_OTHER = 8 };

struct rule_op {
	uint8_t kind, length;
	bool negated;
	uint16_t low, high;
	uint8_t value[16], mask[16];
};

/* One element of a verdict map: a packet that meets the key gets the verdict. */
struct verdict_entry {
	struct rule_op key;
	enum rule_verdict verdict;
	size_t jump; /* as in struct rule */
};

/* How a rule limits what it meets; a rule may hold several such matches. */
enum rule_limit_kind {
	RULE_LIMIT_RATE,	   /* amount packets (or bytes) in per_s seconds, burst at once */
	RULE_LIMIT_QUOTA,	   /* amount bytes in all */
	RULE_LIMIT_CONNECTIONS, /* amount at the same time */
	RULE_LIMIT_RECENT,	   /* sources seen amount times in the last per_s seconds; 0: ever */
	RULE_LIMIT_SHARE,	   /* amount of 1000, at random or each so-manieth */
};

struct rule_limit {
	size_t rule;   /* in ruleset.rules */
	uint8_t kind;  /* enum rule_limit_kind */
	bool over;     /* the rule is for what is above; else for what keeps within */
	bool bytes;    /* amount is bytes */
	bool each;     /* for each source, or other key, by itself */
	uint64_t amount; /* 0: not known (a named limit, say) */
	uint32_t per_s, burst;
};

struct chain {
	char table[32], name[64];
	uint8_t family; /* NFPROTO_* */
	uint64_t handle;
	uint64_t table_handle; /* another one once the table was made anew; 0 unknown */
	bool base; /* hangs on a hook */
	unsigned int hook; /* NF_INET_* or, for netdev, NF_NETDEV_* */
	int priority;
	enum rule_verdict policy; /* of a base chain */
	bool counted; /* the policy has a counter of its own */
	uint64_t packets, bytes;
	size_t rules_first, rules_n; /* its rules, in order, in ruleset.rules */
	char device[16]; /* netdev: the one it hangs on, "" if there are several */
};

#define RULE_NO_CHAIN ((size_t)-1)

struct rule {
	size_t chain; /* index in ruleset.chains */
	uint64_t handle; /* nf_tables handle; legacy: the rule's number in its chain, from 1 */
	unsigned int position; /* from 1 */
	enum rule_verdict verdict;
	uint8_t answer; /* enum rule_answer, where the verdict is to reject */
	uint8_t nat;	/* enum rule_nat */
	bool to_queue;	/* a program decides (NFQUEUE); bypass: without one the packet goes on */
	bool bypass;
	uint16_t queue, queues; /* its queues' first number; how many, 0: not known */
	/* Interned; NULL: none. */
	const char *set;    /* the named set or map that it looks something up in or adds to */
	const char *target; /* chain of a jump or goto; legacy: name of an extension target */
	bool counted;	 /* every packet that meets the rule, and no other */
	bool limits;	 /* in ruleset.limits there is more */
	uint64_t packets, bytes;
	size_t jump;	 /* chain of a jump or goto, in ruleset.chains, or RULE_NO_CHAIN */
	size_t ops_first, ops_n; /* its matches in ruleset.ops; not read at the first look */
	size_t entries_first, entries_n; /* its verdict map in ruleset.entries; none: not read */
};

/* A set of a limited size that a rule adds elements to (nf_tables), at the end only. */
struct filled_set {
	uint8_t family;	 /* NFPROTO_* */
	bool forgets;	 /* its elements go by themselves after a time */
	char table[32], name[32];
	uint32_t size, elements; /* room for so many, so many in it */
	size_t rule;	 /* the first that adds, in ruleset.rules */
};

/* An address of the namespace itself: tells the input hook from the forward hook. */
struct local_address {
	uint8_t family, address[16];
};

struct ruleset {
	bool legacy;	     /* of iptables, not of nf_tables */
	uint16_t generation; /* nf_tables: changes with every change of the rules */
	VEC(struct chain) chains;
	VEC(struct rule) rules;
	VEC(struct rule_op) ops;
	VEC(struct verdict_entry) entries;
	VEC(struct filled_set) filled;
	VEC(struct rule_limit) limits; /* in the order of the rules */
	VEC(struct local_address) locals; /* read where a rule or policy of a hook drops */
};

/* A queue of packets that a program has bound, to decide on them (nfnetlink_queue). */
struct nfqueue {
	uint16_t number;
	uint32_t port;		/* netlink port of that program */
	uint32_t waiting;	/* packets without a verdict yet */
	uint32_t full, unread;	/* dropped since it was bound: queue full; the program's socket full */
};

void ruleset_done(struct ruleset *r);

/* What a rule limits first; NULL: nothing. */
const struct rule_limit *ruleset_limit(const struct ruleset *r, size_t rule);

/* True if any rule or policy may drop. */
bool ruleset_drops(const struct ruleset *r);

/* A dropped packet, as far as its headers are known. */
struct packet {
	uint8_t family, protocol; /* AF_*, IPPROTO_* */
	uint8_t source[16], destination[16];
	uint16_t source_port, destination_port;	     /* both 0: not known */
	unsigned int in_ifindex, out_ifindex;	     /* 0: not known */
	const char *in_device, *out_device;	     /* NULL: not known; "": has none */
	bool never_invalid; /* conntrack found no packet invalid at that time */
};

enum answer { ANSWER_NO, ANSWER_MAYBE, ANSWER_YES };

/* One op, or a group that begins there. *ret_used: how many ops it took. */
enum answer rule_op_match(const struct rule_op *op, size_t n, const struct packet *p,
			  size_t *ret_used);
enum answer rule_match(const struct ruleset *set, const struct rule *r, const struct packet *p);

/* Where a walk may end in a drop or a reject. */
#define POLICY_OF_CHAIN ((size_t)-1)
struct rule_stop {
	const struct ruleset *set;
	size_t chain, rule; /* rule: POLICY_OF_CHAIN if the policy drops */
	bool definite;	    /* reached and met for sure, unless something before it ended the walk */
};

struct rule_walk {
	/*
	 * Which base chains: those of the hook that see `family` (NFPROTO_IPV4 and _IPV6 with the
	 * inet chains, NFPROTO_NETDEV, _BRIDGE), of both rule sets, by priority.
	 */
	const struct ruleset *sets[2];
	uint8_t family;
	unsigned int hook;
	/* False where a packet cannot have ended (its counter stood still); NULL: anywhere. */
	bool (*possible)(const void *arg, const struct rule_stop *at);
	const void *arg;
	unsigned int steps; /* rules that may still be looked at, this walk and the next ones */

	struct rule_stop stops[16];
	size_t n;
	bool more; /* steps or stops ran out, or a verdict map could not be read */
};

/* Adds to w->stops. True if a packet surely goes no further than this hook. */
bool rule_walk(struct rule_walk *w, const struct packet *p);

#endif
