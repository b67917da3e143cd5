// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts packets by the nf_tables rule that dropped them, without touching the ruleset. A rule
 * that ends in "drop" runs an immediate expression with that verdict; nothing can save the packet
 * after it. iptables-nft's DROP is the same. A verdict map is a lookup that leaves that verdict
 * behind. Not seen: reject, chain policies.
 *
 * The kernel knows no way back from an expression to its rule. Rules of a chain lie one after the
 * other in a blob, each behind a header with its handle, and since 6.4 the blob's end points to
 * the chain: the first drop by an expression walks to the end and then from the start. After that
 * a hash knows it. The blob is replaced with every change of the ruleset, and its memory used for
 * another; so the header of the rule is compared each time. A rule's place in the arrays is given
 * out again once it was idle for long: the loader puts it into `freed`.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "record.h"

#define FIELDS_USED __attribute__((preserve_access_index))

#define NF_DROP 0
#define NFT_REG_VERDICT 0

struct ns_common {
	unsigned int inum;
} FIELDS_USED;

struct net {
	struct ns_common ns;
} FIELDS_USED;

struct nf_hook_state {
	struct net *net;
} FIELDS_USED;

struct nft_pktinfo {
	const struct nf_hook_state *state;
} FIELDS_USED;

struct nft_expr_ops {
	unsigned int size;
} FIELDS_USED;

struct nft_expr {
	const struct nft_expr_ops *ops;
	unsigned char data[];
} FIELDS_USED;

struct nft_verdict {
	__u32 code;
} FIELDS_USED;

struct nft_data {
	struct nft_verdict verdict;
} FIELDS_USED;

struct nft_regs {
	struct nft_verdict verdict;
} FIELDS_USED;

struct nft_immediate_expr {
	struct nft_data data;
	__u8 dreg;
} FIELDS_USED;

/*
 * struct nft_rule_dp: a word, then the expressions. clang (14) cannot relocate bit fields of 64
 * bits, so the kernel's declaration is repeated: u64 is_last:1, dlen:12, handle:42.
 */
union rule_header {
	__u64 word;
	struct {
		__u64 is_last : 1, dlen : 12, handle : 42;
	};
};

struct nft_table {
	__u16 family : 6;
	char *name;
} FIELDS_USED;

struct nft_rule_blob {
	unsigned long size;
	unsigned char data[];
} FIELDS_USED;

struct nft_chain {
	struct nft_rule_blob *blob_gen_0, *blob_gen_1;
	struct nft_table *table;
	char *name;
} FIELDS_USED;

struct nft_rule_dp_last {
	const struct nft_chain *chain;
} FIELDS_USED;

/* No chain that people write is longer; the walk is once for each rule that drops. */
#define RULES_WALKED 32768

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RULE_ENTRIES);
	__type(key, struct expr_key);
	__type(value, struct expr_value);
} exprs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RULE_ENTRIES);
	__type(key, __u32);
	__type(value, struct rule_name);
} names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RULE_ENTRIES);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, RULE_ENTRIES);
	__type(value, __u32);
} freed SEC(".maps");

bool enabled;

struct {
	__u64 rules; /* indices given out for the first time, also those there was no room for */
	__u64 missed;
} made __attribute__((aligned(64)));

/* Walks from header to header until it meets the end, or the rule that has the expression. */
struct walk {
	__u64 header;
	__u64 expr; /* 0: to the end */
	bool found;
};

static long walk_step(__u32 index, struct walk *w)
{
	union rule_header rule;
	__u64 next;

	(void)index;
	if (bpf_probe_read_kernel(&rule, sizeof(rule), (void *)w->header))
		return 1;
	next = w->header + sizeof(rule) + rule.dlen;
	if (rule.is_last) {
		w->found = !w->expr;
		return 1;
	}
	if (w->expr && w->expr < next) {
		w->found = w->expr > w->header;
		return 1;
	}
	w->header = next;
	return 0;
}

static __always_inline bool holds(const struct nft_rule_blob *blob, __u64 expr, struct walk *w)
{
	w->header = (__u64)__builtin_preserve_access_index(&blob->data);
	w->expr = expr;
	w->found = false;
	if (expr < w->header || expr >= w->header + BPF_CORE_READ(blob, size))
		return false;
	bpf_loop(RULES_WALKED, walk_step, w, 0);
	return w->found;
}

/* A drop verdict is the last thing in its rule: the next header follows it. */
static __always_inline const struct nft_chain *find_rule(__u64 at, struct walk *w)
{
	const struct nft_expr *expr = (void *)at;
	struct nft_rule_dp_last *last;
	const struct nft_chain *chain;

	w->header = at + BPF_CORE_READ(expr, ops, size);
	w->expr = 0;
	w->found = false;
	bpf_loop(RULES_WALKED, walk_step, w, 0);
	if (!w->found)
		return NULL;
	last = (void *)w->header;
	chain = BPF_CORE_READ(last, chain);
	if (holds(BPF_CORE_READ(chain, blob_gen_0), at, w) ||
	    holds(BPF_CORE_READ(chain, blob_gen_1), at, w))
		return chain;
	return NULL;
}

static __always_inline bool learn(const struct expr_key *key, struct expr_value *value)
{
	const struct nft_chain *chain;
	struct nft_table *table;
	struct rule_name *name;
	union rule_header rule;
	struct walk w;

	chain = find_rule(key->expr, &w);
	if (!chain)
		return false;
	if (bpf_probe_read_kernel(&rule, sizeof(rule), (void *)w.header))
		return false;
	value->header = w.header;
	value->word = rule.word;
	if (bpf_map_pop_elem(&freed, &value->rule))
		value->rule = __sync_fetch_and_add(&made.rules, 1);
	name = bpf_map_lookup_elem(&names, &value->rule);
	if (!name)
		return false;
	table = BPF_CORE_READ(chain, table);
	name->handle = rule.handle;
	name->netns = key->netns;
	name->family = BPF_CORE_READ_BITFIELD_PROBED(table, family);
	bpf_probe_read_kernel_str(name->table, sizeof(name->table), BPF_CORE_READ(table, name));
	bpf_probe_read_kernel_str(name->chain, sizeof(name->chain), BPF_CORE_READ(chain, name));
	bpf_map_update_elem(&exprs, key, value, BPF_ANY);
	return true;
}

/* The rule of an expression is known and is still the same. */
static __always_inline bool known(const struct expr_key *key, struct expr_value *value)
{
	struct expr_value *found = bpf_map_lookup_elem(&exprs, key);
	__u64 word;

	if (!found)
		return false;
	*value = *found;
	return !bpf_probe_read_kernel(&word, sizeof(word), (void *)value->header) &&
	       word == value->word;
}

static __always_inline void count(__u64 expr, const struct nft_pktinfo *pkt)
{
	struct expr_key key = {.expr = expr};
	struct expr_value value = {};
	__u64 *packet_count;

	key.netns = BPF_CORE_READ(pkt, state, net, ns.inum);
	if (known(&key, &value) || learn(&key, &value)) {
		packet_count = bpf_map_lookup_elem(&packets, &value.rule);
		if (packet_count) {
			++*packet_count;
			return;
		}
	}
	__sync_fetch_and_add(&made.missed, 1);
}

/*
 * Both functions are (const struct nft_expr *expr, struct nft_regs *regs, const struct nft_pktinfo
 * *pkt). Arguments are taken as plain numbers: the verifier would follow a typed pointer step by
 * step through a walk.
 */
SEC("fentry/nft_immediate_eval")
int immediate_eval(__u64 *ctx)
{
	struct nft_immediate_expr *immediate;
	__u64 expr, pkt;

	if (!enabled)
		return 0;
	if (bpf_get_func_arg(ctx, 0, &expr) || bpf_get_func_arg(ctx, 2, &pkt))
		return 0;
	immediate = (void *)__builtin_preserve_access_index(&((struct nft_expr *)expr)->data);
	if (BPF_CORE_READ(immediate, data.verdict.code) == NF_DROP &&
	    BPF_CORE_READ(immediate, dreg) == NFT_REG_VERDICT)
		count(expr, (void *)pkt);
	return 0;
}

/* A rule is left with the first verdict, so there was none before: this is the map's. */
SEC("fexit/nft_lookup_eval")
int lookup_eval(__u64 *ctx)
{
	__u64 expr, regs, pkt;

	if (!enabled)
		return 0;
	if (bpf_get_func_arg(ctx, 0, &expr) || bpf_get_func_arg(ctx, 1, &regs) ||
	    bpf_get_func_arg(ctx, 2, &pkt))
		return 0;
	if (BPF_CORE_READ((struct nft_regs *)regs, verdict.code) == NF_DROP)
		count(expr, (void *)pkt);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
