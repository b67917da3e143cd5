/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure halves of collect_nft: netlink answers in, rules out; -EBADMSG if they are not that. */
#ifndef WHYDROP_NFT_H
#define WHYDROP_NFT_H

#include <netlink/attr.h>

#include "base/buf.h"
#include "model/rule.h"

struct nfgenmsg;
struct nft_reader;

/*
 * The elements of a set or verdict map of the table being read (NFT_MSG_GETSETELEM), or a negative
 * errno. Valid until the next call.
 */
typedef int nft_elements(struct nft_reader *nr, const char *set, bool map, const struct buf **ret);

struct nft_table {
	uint64_t key, handle; /* hash of family and name */
	bool dormant;	      /* its chains hang nowhere */
};

/* A rule that adds elements to a set. */
struct nft_filling {
	uint64_t key; /* hash of the set's family, table and name */
	size_t rule;
};

struct nft_reader {
	struct ruleset *set;
	bool ops;		/* decode the matches too */
	bool stale;		/* a set was not of the rules' generation */
	nft_elements *elements; /* NULL: sets stay unknown */
	void *arg;
	/* Chains by the hash of family, table and name in full (chain.name may be cut). */
	VEC(uint64_t) chain_keys; /* parallel to set->chains */
	size_t *slots, slots_n;	  /* open addressing: index + 1 */
	VEC(struct nft_table) tables;
	VEC(struct nft_filling) fillings; /* only where matches are decoded */
	uint8_t family;		  /* of the rule being read */
	const char *table;
};

void nft_reader_done(struct nft_reader *nr);
/*
 * In this order; *ret_n: how many tables there are. -ESTALE if a message is of another generation of
 * the rules than the first one was.
 */
int nft_read_tables(struct nft_reader *nr, const struct buf *answer, size_t *ret_n);
int nft_read_chains(struct nft_reader *nr, const struct buf *answer);
/* All messages or a run of them: whether the end was seen is the caller's to check. */
int nft_read_rules(struct nft_reader *nr, const struct buf *messages);

/* 0 if the message is of the rules' generation, else -ESTALE. */
int nft_same_generation(const struct nft_reader *nr, const struct nfgenmsg *g);
uint64_t nft_name_key(uint8_t family, const char *table, const char *name);

/* A set as NFT_MSG_GETSET tells it. */
struct nft_set {
	struct filled_set is;
	const char *table, *name; /* in full, within the answer */
	bool counted;		  /* the kernel tells how many elements there are (6.16) */
};
/*
 * The sets of a limited size that the rules read before fill, at most `most`; *ret_n of them.
 * The names last as long as the answer.
 */
int nft_read_sets(const struct nft_reader *nr, const struct buf *answer, struct nft_set *ret,
		  size_t most, size_t *ret_n);
/* How many elements there are in an answer of NFT_MSG_GETSETELEM. */
int nft_count_elements(const struct buf *answer, uint32_t *ret);

/* The chain of that name in the table being read, or RULE_NO_CHAIN. */
size_t nft_find_chain(const struct nft_reader *nr, const char *name);
/* The expressions of one rule (NFTA_RULE_EXPRESSIONS): verdict, counter, matches. */
int nft_decode_rule(struct nft_reader *nr, struct rule *r, const struct nlattr *expressions);

/* What a register holds. */
enum nft_field {
	NFT_FIELD_UNKNOWN,
	NFT_FIELD_L4PROTO,
	NFT_FIELD_NFPROTO,
	NFT_FIELD_ETHERTYPE,
	NFT_FIELD_SADDR,
	NFT_FIELD_DADDR,
	NFT_FIELD_ADDRESSES, /* IPv4, both at once */
	NFT_FIELD_SPORT,
	NFT_FIELD_DPORT,
	NFT_FIELD_PORTS, /* both at once */
	NFT_FIELD_IIF,
	NFT_FIELD_OIF,
	NFT_FIELD_IIFNAME,
	NFT_FIELD_OIFNAME,
	NFT_FIELD_CT_STATE,
};
struct nft_slot {
	enum nft_field field;
	uint8_t length, family; /* bytes loaded; of an address */
	bool masked;
	uint8_t mask[16];
};
/* The field is between low and high, `size` bytes each; false if that cannot be said. */
bool nft_range_op(const struct nft_slot *slot, const uint8_t *low, const uint8_t *high, size_t size,
		  struct rule_op *ret);
/* The field compared with a value, NFT_CMP_*. */
bool nft_cmp_op(const struct nft_slot *slot, uint32_t how, const uint8_t *value, size_t size,
		struct rule_op *ret);
/* Verdict, and for a jump its chain and the name of that; VERDICT_NONE for "continue". */
enum rule_verdict nft_verdict(const struct nft_reader *nr, struct nlattr *data, size_t *ret_jump,
			      const char **ret_chain);

/* What a rule looks up in a set, or in a verdict map. */
struct nft_lookup {
	size_t op; /* where its OP_UNKNOWN stands */
	const char *name;
	struct nft_slot slot;
	bool negated;
};
/* The last rule's lookups as groups of alternatives, where the sets are to be had. */
void nft_expand_lookups(struct nft_reader *nr, const struct rule *r,
			const struct nft_lookup *lookups, size_t n);
void nft_add_map(struct nft_reader *nr, struct rule *r, const struct nft_lookup *map);

#endif
