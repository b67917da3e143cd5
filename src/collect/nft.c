// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nf_tables rules, chains and policies of a namespace, iptables-nft's included: NFT_MSG_GETTABLE,
 * GETCHAIN, GETRULE and GETSETELEM dumps (net/netfilter/nf_tables_api.c). Counters are 64 bits,
 * packets are skbs. Needs CAP_NET_ADMIN over the namespace.
 *
 * Opening NETLINK_NETFILTER loads nfnetlink, and the first request nf_tables; so it is asked only
 * where nf_tables is there already or nothing can be loaded.
 *
 * A dump that the rules change under is begun again (NLM_F_DUMP_INTR). Nothing holds one dump to the
 * next one, so the generation in each message (nfgenmsg.res_id, net/netfilter/nf_tables_api.c,
 * nft_base_seq_be16) must be that of the first; else all are asked for anew, and -EINTR in the end:
 * rules that never stood together would blame the wrong one.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/parse.h"
#include "collect/collect.h"
#include "collect/locals.h"
#include "collect/modules.h"
#include "collect/nft.h"
#include "nl/nl.h"

#define SETS_MAX 64 /* asked for in one look */
#define TRIES 4
#define FILLED_MAX 32
/* Of sets that rules fill, where the kernel does not tell how many elements there are. */
#define COUNTED_MAX 4
#define COUNTED_SIZE_MAX 65536
#define CHAINS_MAX ((size_t)1 << 20)
#define RULES_MAX ((size_t)1 << 22)

#define U32(attr) [attr] = {.type = NLA_U32}
#define U64(attr) [attr] = {.type = NLA_U64}
#define TEXT(attr) [attr] = {.type = NLA_STRING}

void nft_reader_done(struct nft_reader *nr)
{
	vec_done(&nr->chain_keys);
	vec_done(&nr->tables);
	vec_done(&nr->fillings);
	free(nr->slots);
	nr->slots = NULL;
}

/* FNV-1a; names cannot hold a NUL, so it keeps them apart. */
static uint64_t hash_text(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211ULL;
	return h * 1099511628211ULL;
}

static uint64_t table_key(uint8_t family, const char *table)
{
	return hash_text((14695981039346656037ULL ^ family) * 1099511628211ULL, table);
}

uint64_t nft_name_key(uint8_t family, const char *table, const char *name)
{
	return hash_text(table_key(family, table), name);
}

static bool is_message(const struct nlmsghdr *h, unsigned int type)
{
	return h->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type);
}

/* Cut names cannot be told apart, but are only shown; see chain_keys. */
static void copy_name(char *to, size_t size, struct nlattr *attr)
{
	span_copy(span_of(nla_get_string(attr)), to, size);
}

int nft_same_generation(const struct nft_reader *nr, const struct nfgenmsg *g)
{
	return g && ntohs(g->res_id) == nr->set->generation ? 0 : -ESTALE;
}

int nft_read_tables(struct nft_reader *nr, const struct buf *answer, size_t *ret_n)
{
	static const struct nla_policy policy[NFTA_TABLE_MAX + 1] = {
		TEXT(NFTA_TABLE_NAME), U32(NFTA_TABLE_FLAGS), U64(NFTA_TABLE_HANDLE)};
	int r = nl_check(answer);
	size_t n = 0;

	if (r < 0)
		return r;
	nl_each(m, answer) {
		const struct nfgenmsg *g = nl_data(m.h, sizeof(*g));
		struct nlattr *tb[NFTA_TABLE_MAX + 1];
		struct nft_table *t;

		if (!is_message(m.h, NFT_MSG_NEWTABLE))
			continue;
		if (nl_parse(m.h, sizeof(*g), tb, NFTA_TABLE_MAX, policy) < 0 ||
		    !tb[NFTA_TABLE_NAME])
			return -EBADMSG;
		if (n++ == 0)
			nr->set->generation = ntohs(g->res_id);
		if (nft_same_generation(nr, g) < 0)
			return -ESTALE;
		t = vec_push(&nr->tables);
		t->key = table_key(g->nfgen_family, nla_get_string(tb[NFTA_TABLE_NAME]));
		t->dormant = tb[NFTA_TABLE_FLAGS] &&
			     ntohl(nla_get_u32(tb[NFTA_TABLE_FLAGS])) & NFT_TABLE_F_DORMANT;
		if (tb[NFTA_TABLE_HANDLE])
			t->handle = be64toh(nla_get_u64(tb[NFTA_TABLE_HANDLE]));
	}
	*ret_n = n;
	return 0;
}

/* ---- chains ---- */

static int read_hook(struct chain *c, struct nlattr *attr)
{
	static const struct nla_policy policy[NFTA_HOOK_MAX + 1] = {
		U32(NFTA_HOOK_HOOKNUM), U32(NFTA_HOOK_PRIORITY), TEXT(NFTA_HOOK_DEV)};
	struct nlattr *tb[NFTA_HOOK_MAX + 1];

	if (nla_parse_nested(tb, NFTA_HOOK_MAX, attr, policy) < 0 || !tb[NFTA_HOOK_HOOKNUM] ||
	    !tb[NFTA_HOOK_PRIORITY])
		return -EBADMSG;
	c->base = true;
	c->hook = ntohl(nla_get_u32(tb[NFTA_HOOK_HOOKNUM]));
	c->priority = (int)ntohl(nla_get_u32(tb[NFTA_HOOK_PRIORITY]));
	if (tb[NFTA_HOOK_DEV])
		copy_name(c->device, sizeof(c->device), tb[NFTA_HOOK_DEV]);
	return 0;
}

static int read_policy_counter(struct chain *c, struct nlattr *attr)
{
	static const struct nla_policy policy[NFTA_COUNTER_MAX + 1] = {U64(NFTA_COUNTER_BYTES),
								       U64(NFTA_COUNTER_PACKETS)};
	struct nlattr *tb[NFTA_COUNTER_MAX + 1];

	if (nla_parse_nested(tb, NFTA_COUNTER_MAX, attr, policy) < 0 || !tb[NFTA_COUNTER_BYTES] ||
	    !tb[NFTA_COUNTER_PACKETS])
		return -EBADMSG;
	c->counted = true;
	c->packets = be64toh(nla_get_u64(tb[NFTA_COUNTER_PACKETS]));
	c->bytes = be64toh(nla_get_u64(tb[NFTA_COUNTER_BYTES]));
	return 0;
}

static const struct nft_table *find_table(const struct nft_reader *nr, uint64_t key)
{
	vec_each(t, &nr->tables)
		if (t->key == key)
			return t;
	return NULL;
}

static int read_chain(struct nft_reader *nr, const struct nlmsghdr *h)
{
	static const struct nla_policy policy[NFTA_CHAIN_MAX + 1] = {
		TEXT(NFTA_CHAIN_TABLE), TEXT(NFTA_CHAIN_NAME), U64(NFTA_CHAIN_HANDLE),
		U32(NFTA_CHAIN_POLICY)};
	const struct nfgenmsg *g = nl_data(h, sizeof(*g));
	struct nlattr *tb[NFTA_CHAIN_MAX + 1];
	const struct nft_table *in;
	const char *table;
	struct chain *c;
	int r = 0;

	if (nl_parse(h, sizeof(*g), tb, NFTA_CHAIN_MAX, policy) < 0 || !tb[NFTA_CHAIN_TABLE] ||
	    !tb[NFTA_CHAIN_NAME] || !tb[NFTA_CHAIN_HANDLE])
		return -EBADMSG;
	if (nft_same_generation(nr, g) < 0)
		return -ESTALE;
	if (nr->set->chains.n == CHAINS_MAX)
		return -E2BIG;
	table = nla_get_string(tb[NFTA_CHAIN_TABLE]);
	c = vec_push(&nr->set->chains);
	c->family = g->nfgen_family;
	c->handle = be64toh(nla_get_u64(tb[NFTA_CHAIN_HANDLE]));
	c->policy = VERDICT_ACCEPT;
	copy_name(c->table, sizeof(c->table), tb[NFTA_CHAIN_TABLE]);
	copy_name(c->name, sizeof(c->name), tb[NFTA_CHAIN_NAME]);
	if (tb[NFTA_CHAIN_POLICY] && ntohl(nla_get_u32(tb[NFTA_CHAIN_POLICY])) == NF_DROP)
		c->policy = VERDICT_DROP;
	*vec_push(&nr->chain_keys) =
		nft_name_key(c->family, table, nla_get_string(tb[NFTA_CHAIN_NAME]));
	in = find_table(nr, table_key(c->family, table));
	if (in)
		c->table_handle = in->handle;
	if (tb[NFTA_CHAIN_HOOK] && !(in && in->dormant))
		r = read_hook(c, tb[NFTA_CHAIN_HOOK]);
	if (r == 0 && tb[NFTA_CHAIN_COUNTERS])
		r = read_policy_counter(c, tb[NFTA_CHAIN_COUNTERS]);
	return r;
}

static void index_chains(struct nft_reader *nr)
{
	nr->slots_n = 16;
	while (nr->slots_n < nr->chain_keys.n * 2)
		nr->slots_n *= 2;
	free(nr->slots);
	nr->slots = xcalloc(nr->slots_n, sizeof(*nr->slots));
	for (size_t i = 0; i < nr->chain_keys.n; i++) {
		size_t at = nr->chain_keys.items[i] & (nr->slots_n - 1);

		while (nr->slots[at])
			at = (at + 1) & (nr->slots_n - 1);
		nr->slots[at] = i + 1;
	}
}

int nft_read_chains(struct nft_reader *nr, const struct buf *answer)
{
	int r = nl_check(answer);

	if (r < 0)
		return r;
	nl_each(m, answer) {
		if (!is_message(m.h, NFT_MSG_NEWCHAIN))
			continue;
		r = read_chain(nr, m.h);
		if (r < 0)
			return r;
	}
	index_chains(nr);
	return 0;
}

static size_t find_chain(const struct nft_reader *nr, uint64_t key)
{
	size_t at;

	if (!nr->slots)
		return RULE_NO_CHAIN;
	for (at = key & (nr->slots_n - 1); nr->slots[at]; at = (at + 1) & (nr->slots_n - 1))
		if (nr->chain_keys.items[nr->slots[at] - 1] == key)
			return nr->slots[at] - 1;
	return RULE_NO_CHAIN;
}

size_t nft_find_chain(const struct nft_reader *nr, const char *name)
{
	return find_chain(nr, nft_name_key(nr->family, nr->table, name));
}

/* ---- rules ---- */

enum rule_verdict nft_verdict(const struct nft_reader *nr, struct nlattr *data, size_t *ret_jump,
			      const char **ret_chain)
{
	static const struct nla_policy policy[NFTA_VERDICT_MAX + 1] = {U32(NFTA_VERDICT_CODE),
								       TEXT(NFTA_VERDICT_CHAIN)};
	struct nlattr *tb[NFTA_VERDICT_MAX + 1], *outer[NFTA_DATA_MAX + 1];
	int32_t code;

	if (!data || nla_parse_nested(outer, NFTA_DATA_MAX, data, NULL) < 0 ||
	    !outer[NFTA_DATA_VERDICT] ||
	    nla_parse_nested(tb, NFTA_VERDICT_MAX, outer[NFTA_DATA_VERDICT], policy) < 0 ||
	    !tb[NFTA_VERDICT_CODE])
		return VERDICT_NONE;
	code = (int32_t)ntohl(nla_get_u32(tb[NFTA_VERDICT_CODE]));
	if (tb[NFTA_VERDICT_CHAIN] && (code == NFT_JUMP || code == NFT_GOTO)) {
		*ret_chain = nla_get_string(tb[NFTA_VERDICT_CHAIN]);
		*ret_jump = nft_find_chain(nr, *ret_chain);
	}
	switch (code) {
	case NFT_JUMP:
		return VERDICT_JUMP;
	case NFT_GOTO:
		return VERDICT_GOTO;
	case NFT_RETURN:
		return VERDICT_RETURN;
	case NFT_CONTINUE:
	case NFT_BREAK:
		return VERDICT_NONE;
	default:
		break;
	}
	/* The rest of a kernel verdict is an errno or a queue number. */
	switch (code & NF_VERDICT_MASK) {
	case NF_DROP:
		return VERDICT_DROP;
	case NF_ACCEPT:
		return VERDICT_ACCEPT;
	default:
		return VERDICT_QUEUE;
	}
}

static int read_rule(struct nft_reader *nr, const struct nlmsghdr *h)
{
	static const struct nla_policy policy[NFTA_RULE_MAX + 1] = {
		TEXT(NFTA_RULE_TABLE), TEXT(NFTA_RULE_CHAIN), U64(NFTA_RULE_HANDLE)};
	const struct nfgenmsg *g = nl_data(h, sizeof(*g));
	struct nlattr *tb[NFTA_RULE_MAX + 1];
	struct ruleset *set = nr->set;
	struct rule rule = {0};
	struct chain *c;
	int r;

	if (nl_parse(h, sizeof(*g), tb, NFTA_RULE_MAX, policy) < 0 || !tb[NFTA_RULE_TABLE] ||
	    !tb[NFTA_RULE_CHAIN] || !tb[NFTA_RULE_HANDLE])
		return -EBADMSG;
	if (nft_same_generation(nr, g) < 0)
		return -ESTALE;
	nr->family = g->nfgen_family;
	nr->table = nla_get_string(tb[NFTA_RULE_TABLE]);
	rule.chain = nft_find_chain(nr, nla_get_string(tb[NFTA_RULE_CHAIN]));
	if (rule.chain == RULE_NO_CHAIN)
		return -EBADMSG;
	if (set->rules.n == RULES_MAX)
		return -E2BIG;
	/* A dump gives the rules of a chain in one piece. */
	c = &set->chains.items[rule.chain];
	if (c->rules_n && c->rules_first + c->rules_n != set->rules.n)
		return -EBADMSG;
	if (!c->rules_n)
		c->rules_first = set->rules.n;
	rule.handle = be64toh(nla_get_u64(tb[NFTA_RULE_HANDLE]));
	rule.position = (unsigned int)++c->rules_n;
	r = nft_decode_rule(nr, &rule, tb[NFTA_RULE_EXPRESSIONS]);
	*vec_push(&set->rules) = rule;
	return r;
}

int nft_read_rules(struct nft_reader *nr, const struct buf *messages)
{
	nl_each(m, messages) {
		int r = is_message(m.h, NFT_MSG_NEWRULE) ? read_rule(nr, m.h) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* As before the first of them. */
static void forget_rules(struct nft_reader *nr)
{
	nr->set->rules.n = nr->set->ops.n = nr->set->entries.n = nr->set->limits.n = 0;
	nr->fillings.n = 0;
	vec_each(c, &nr->set->chains)
		c->rules_first = c->rules_n = 0;
}

/* ---- the collector ---- */

struct fetch {
	struct host *h;
	unsigned int try, asked, sets; /* which try; sets asked for in all and in this one */
	struct buf answer;
};

struct nft_request {
	struct nlmsghdr h;
	struct nfgenmsg g;
};

static struct nft_request dump_of(unsigned int type)
{
	return (struct nft_request){
		.h = {.nlmsg_len = sizeof(struct nft_request),
		      .nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type),
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
}

/* A recording keeps each try, so that a replay goes the same way. */
static const char *name_try(const struct fetch *f, const char *name, char *to, size_t size)
{
	snprintf(to, size, f->try ? "%s-%u" : "%s", name, f->try);
	return to;
}

static int ask(struct fetch *f, const char *name, unsigned int type)
{
	struct nft_request request = dump_of(type);
	char again[32];

	buf_clear(&f->answer);
	return host_netlink(f->h, name_try(f, name, again, sizeof(again)), NETLINK_NETFILTER,
			    &request, sizeof(request), &f->answer);
}

/* Rules as they come. Sets are asked for while they are read, on a socket of their own. */
struct rules_sink {
	struct nl_sink sink; /* first, so that a sink is its rules */
	struct nft_reader *nr;
	struct fetch *f;
};

static int take_rules(struct nl_sink *sink, const struct buf *messages)
{
	return nft_read_rules(((struct rules_sink *)sink)->nr, messages);
}

static void rules_again(struct nl_sink *sink)
{
	struct rules_sink *to = (struct rules_sink *)sink;

	forget_rules(to->nr);
	to->f->sets = 0;
}

static int collect_each_rule(struct nft_reader *nr, struct fetch *f)
{
	struct nft_request request = dump_of(NFT_MSG_GETRULE);
	struct rules_sink to = {
		.sink = {.piece = take_rules, .restart = rules_again}, .nr = nr, .f = f};
	char again[32];

	return host_netlink_stream(f->h, name_try(f, "nft-rules", again, sizeof(again)),
				   NETLINK_NETFILTER, &request, sizeof(request), &to.sink);
}

/* The elements of one set, to f->answer. */
static int ask_for_set(struct fetch *f, const char *name, uint8_t family, const char *table,
		       const char *set)
{
	struct nfgenmsg g = {.nfgen_family = family};
	struct nl_msg *msg = nlmsg_alloc_simple(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM,
						NLM_F_REQUEST | NLM_F_DUMP);
	int r;

	if (!msg)
		return -ENOMEM;
	if (nlmsg_append(msg, &g, sizeof(g), NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(msg, NFTA_SET_ELEM_LIST_TABLE, table) < 0 ||
	    nla_put_string(msg, NFTA_SET_ELEM_LIST_SET, set) < 0) {
		nlmsg_free(msg);
		return -E2BIG;
	}
	buf_clear(&f->answer);
	r = host_netlink(f->h, name, NETLINK_NETFILTER, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len,
			 &f->answer);
	nlmsg_free(msg);
	return r;
}

/*
 * Only sets that have no name of the user's are asked for, since those are as long as somebody
 * typed; a named set may hold a million addresses. Named verdict maps are short in practice.
 */
static int ask_elements(struct nft_reader *nr, const char *set, bool map, const struct buf **ret)
{
	struct fetch *f = nr->arg;
	char name[32];
	int r;

	if ((!map && strncmp(set, "__set", 5) != 0) || f->sets++ >= SETS_MAX)
		return -ENODATA;
	/* In the order of the rules, so that a replay asks for the same ones by the same names. */
	snprintf(name, sizeof(name), "nft-set-%u", f->asked++);
	r = ask_for_set(f, name, nr->family, nr->table, set);
	/* It was there when the rule was: somebody took both away. */
	if (r == -ENOENT)
		nr->stale = true;
	*ret = &f->answer;
	return r;
}

/*
 * How full the sets are that rules fill. Up to 6.15 the kernel does not tell, and a dump of the
 * elements does: of few sets, and not of large ones.
 */
static int collect_filled(struct nft_reader *nr, struct fetch *f)
{
	cleanup(buf_done) struct buf sets = {0};
	struct nft_set found[FILLED_MAX];
	unsigned int counted = 0;
	size_t n = 0;
	int r;

	if (!nr->fillings.n)
		return 0;
	r = ask(f, "nft-sets", NFT_MSG_GETSET);
	if (r < 0)
		return r;
	sets = f->answer;
	f->answer = (struct buf){0};
	r = nft_read_sets(nr, &sets, found, FILLED_MAX, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct nft_set *set = &found[i];
		char name[32];

		if (!set->counted) {
			if (set->is.size > COUNTED_SIZE_MAX || counted == COUNTED_MAX)
				continue;
			snprintf(name, sizeof(name), "nft-filled-%u", counted++);
			/* It may be gone by now. */
			if (ask_for_set(f, name, set->is.family, set->table, set->name) < 0)
				continue;
			r = nft_count_elements(&f->answer, &set->is.elements);
		}
		*vec_push(&nr->set->filled) = set->is;
	}
	return r;
}

static int collect_rules(struct nft_reader *nr, struct fetch *f)
{
	size_t tables;
	int r;

	r = ask(f, "nft-tables", NFT_MSG_GETTABLE);
	/* No such protocol; and -EINVAL: nfnetlink knows no such subsystem. */
	if (r == -EPROTONOSUPPORT || r == -EAFNOSUPPORT || r == -EINVAL || r == -EOPNOTSUPP)
		return COLLECT_UNUSED;
	if (r < 0)
		return r;
	r = nft_read_tables(nr, &f->answer, &tables);
	if (r < 0 || tables == 0)
		return r;
	r = ask(f, "nft-chains", NFT_MSG_GETCHAIN);
	if (r == 0)
		r = nft_read_chains(nr, &f->answer);
	if (r == 0)
		r = collect_each_rule(nr, f);
	if (r == 0 && nr->stale)
		r = -ESTALE;
	return r < 0 ? r : collect_filled(nr, f);
}

int collect_nft(struct host *h, struct snapshot *s)
{
	struct fetch f = {.h = h};
	/* The first look needs only counters to compare with: what rules match stays unread. */
	struct nft_reader nr = {.set = &s->nft,
				.ops = !host_is_first(h),
				.elements = ask_elements,
				.arg = &f};
	int r = -ESTALE;

	if (!module_is_present(h, "nf_tables"))
		return COLLECT_UNUSED;
	for (; r == -ESTALE && f.try < TRIES; f.try++) {
		nr.stale = false;
		f.sets = 0;
		ruleset_done(&s->nft);
		r = collect_rules(&nr, &f);
		nft_reader_done(&nr);
	}
	if (r == -ESTALE) {
		ruleset_done(&s->nft);
		r = -EINTR;
	}
	buf_done(&f.answer);
	if (r == 0 && nr.ops)
		read_locals(h, &s->nft);
	return r;
}
