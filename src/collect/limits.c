// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a rule limits, and how far: net/netfilter/nft_limit.c, nft_quota.c, nft_connlimit.c and
 * xt_limit.c, xt_hashlimit.c, xt_connlimit.c, xt_quota.c, xt_recent.c, xt_statistic.c. x_tables
 * keeps a rate as the time between two packets, in 1/10,000 s (xt_hashlimit from revision 2 on: in
 * 1/1,000,000 s).
 */
#include "collect/limits.h"

#include <endian.h>
#include <netinet/in.h>
#include <stddef.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_connlimit.h>
#include <linux/netfilter/xt_hashlimit.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter/xt_quota.h>
#include <linux/netfilter/xt_recent.h>
#include <linux/netfilter/xt_statistic.h>

#define XT_LIMIT_SCALE 10000 /* xt_limit.c */
#define DAY_S 86400

#define U32(attr) [attr] = {.type = NLA_U32}
#define U64(attr) [attr] = {.type = NLA_U64}
const struct nla_policy nft_rate_policy[NFT_LIMIT_ATTRS + 1] = {
	U64(NFTA_LIMIT_RATE), U64(NFTA_LIMIT_UNIT), U32(NFTA_LIMIT_BURST), U32(NFTA_LIMIT_TYPE),
	U32(NFTA_LIMIT_FLAGS)};
const struct nla_policy nft_quota_policy[NFT_LIMIT_ATTRS + 1] = {U64(NFTA_QUOTA_BYTES),
								 U32(NFTA_QUOTA_FLAGS)};
const struct nla_policy nft_connlimit_policy[NFT_LIMIT_ATTRS + 1] = {U32(NFTA_CONNLIMIT_COUNT),
								     U32(NFTA_CONNLIMIT_FLAGS)};

static struct rule_limit *add(struct ruleset *set, enum rule_limit_kind kind)
{
	struct rule_limit *l = vec_push(&set->limits);

	l->rule = set->rules.n;
	l->kind = (uint8_t)kind;
	return l;
}

/* ---- nf_tables ---- */

static uint32_t u32(struct nlattr *a)
{
	return a ? ntohl(nla_get_u32(a)) : 0;
}

static uint64_t u64(struct nlattr *a)
{
	return a ? be64toh(nla_get_u64(a)) : 0;
}

void nft_add_limit(struct ruleset *set, const char *name, struct nlattr **tb)
{
	static struct nlattr *const none[NFT_LIMIT_ATTRS + 1];
	struct nlattr *const *a = tb ? tb : none;
	struct rule_limit *l;

	if (strcmp(name, "quota") == 0) {
		l = add(set, RULE_LIMIT_QUOTA);
		l->bytes = true;
		l->amount = u64(a[NFTA_QUOTA_BYTES]);
		l->over = u32(a[NFTA_QUOTA_FLAGS]) & NFT_QUOTA_F_INV;
	} else if (strcmp(name, "connlimit") == 0) {
		l = add(set, RULE_LIMIT_CONNECTIONS);
		l->amount = u32(a[NFTA_CONNLIMIT_COUNT]);
		l->over = u32(a[NFTA_CONNLIMIT_FLAGS]) & NFT_CONNLIMIT_F_INV;
	} else {
		l = add(set, RULE_LIMIT_RATE);
		l->bytes = u32(a[NFTA_LIMIT_TYPE]) == NFT_LIMIT_PKT_BYTES;
		l->amount = u64(a[NFTA_LIMIT_RATE]);
		l->per_s = (uint32_t)MIN(u64(a[NFTA_LIMIT_UNIT]), (uint64_t)UINT32_MAX);
		l->burst = u32(a[NFTA_LIMIT_BURST]);
		l->over = u32(a[NFTA_LIMIT_FLAGS]) & NFT_LIMIT_F_INV;
	}
}

bool nft_add_limit_of(struct ruleset *set, struct nlattr *expression)
{
	static const struct {
		const char *name;
		const struct nla_policy *policy;
	} kinds[] = {{"limit", nft_rate_policy},
		     {"quota", nft_quota_policy},
		     {"connlimit", nft_connlimit_policy}};
	static const struct nla_policy policy[NFTA_EXPR_MAX + 1] = {
		[NFTA_EXPR_NAME] = {.type = NLA_STRING}};
	struct nlattr *expr[NFTA_EXPR_MAX + 1], *tb[NFT_LIMIT_ATTRS + 1] = {0};

	if (nla_parse_nested(expr, NFTA_EXPR_MAX, expression, policy) < 0 || !expr[NFTA_EXPR_NAME])
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(nla_get_string(expr[NFTA_EXPR_NAME]), kinds[i].name) != 0)
			continue;
		if (expr[NFTA_EXPR_DATA] &&
		    nla_parse_nested(tb, NFT_LIMIT_ATTRS, expr[NFTA_EXPR_DATA], kinds[i].policy) <
			    0)
			return false;
		nft_add_limit(set, kinds[i].name, tb);
		set->limits.items[set->limits.n - 1].each = true;
		return true;
	}
	return false;
}

/* ---- x_tables ---- */

/* A time between packets as so many in the shortest of iptables's units that holds one. */
static void set_rate(struct rule_limit *l, uint64_t between, uint64_t scale)
{
	static const uint32_t units[] = {1, 60, 3600, DAY_S};

	for (size_t i = 0; between && !l->amount && i < ARRAY_SIZE(units); i++) {
		l->per_s = units[i];
		l->amount = (scale * units[i] + between / 2) / between;
	}
}

static bool add_rate(struct ruleset *set, const void *info, size_t size)
{
	struct rule_limit *l = add(set, RULE_LIMIT_RATE);
	uint32_t words[2]; /* avg, burst of struct xt_rateinfo */

	if (size < sizeof(words))
		return true;
	memcpy(words, info, sizeof(words));
	set_rate(l, words[0], XT_LIMIT_SCALE);
	l->burst = words[1];
	return true;
}

static bool add_hash_rate(struct ruleset *set, unsigned int revision, const void *info, size_t size)
{
	struct rule_limit *l = add(set, RULE_LIMIT_RATE);
	uint64_t between, burst, scale = XT_HASHLIMIT_SCALE_v2;
	uint32_t mode;

	if (revision == 1 && size >= sizeof(struct xt_hashlimit_mtinfo1)) {
		struct hashlimit_cfg1 cfg;

		memcpy(&cfg, (const char *)info + offsetof(struct xt_hashlimit_mtinfo1, cfg),
		       sizeof(cfg));
		between = cfg.avg, burst = cfg.burst, mode = cfg.mode, scale = XT_HASHLIMIT_SCALE;
	} else if ((revision == 2 || revision == 3) &&
		   size >= sizeof(struct xt_hashlimit_mtinfo2)) {
		struct hashlimit_cfg2 cfg; /* that of revision 3 begins alike */

		memcpy(&cfg, (const char *)info + offsetof(struct xt_hashlimit_mtinfo2, cfg),
		       sizeof(cfg));
		between = cfg.avg, burst = cfg.burst, mode = cfg.mode;
	} else {
		return true;
	}
	l->over = mode & XT_HASHLIMIT_INVERT;
	l->each = mode & (XT_HASHLIMIT_HASH_SIP | XT_HASHLIMIT_HASH_DIP | XT_HASHLIMIT_HASH_SPT |
			  XT_HASHLIMIT_HASH_DPT);
	/* Of bytes it counts in blocks of 16, of a rate match in units of its own: no number then.
	 */
	l->bytes = mode & XT_HASHLIMIT_BYTES;
	if (mode & (XT_HASHLIMIT_BYTES | XT_HASHLIMIT_RATE_MATCH))
		return true;
	set_rate(l, between, scale);
	l->burst = (uint32_t)MIN(burst, (uint64_t)UINT32_MAX);
	return true;
}

/* Without the flag it matches what is above: connlimit_mt(). */
static bool add_connections(struct ruleset *set, const void *info, size_t size)
{
	struct rule_limit *l = add(set, RULE_LIMIT_CONNECTIONS);
	struct xt_connlimit_info m;
	static const uint8_t none[16];

	if (size < offsetof(struct xt_connlimit_info, data))
		return true;
	memcpy(&m, info, offsetof(struct xt_connlimit_info, data));
	l->amount = m.limit;
	l->over = !(m.flags & XT_CONNLIMIT_INVERT);
	l->each = memcmp(&m.mask, none, sizeof(none)) != 0;
	return true;
}

static bool add_quota(struct ruleset *set, const void *info, size_t size)
{
	struct rule_limit *l = add(set, RULE_LIMIT_QUOTA);
	struct xt_quota_info m;

	l->bytes = true;
	if (size < offsetof(struct xt_quota_info, master))
		return true;
	memcpy(&m, info, offsetof(struct xt_quota_info, master));
	l->amount = m.quota;
	l->over = m.flags & XT_QUOTA_INVERT;
	return true;
}

/* Only to ask for what was seen before limits; to note a source does not. */
static bool add_recent(struct ruleset *set, const void *info, size_t size)
{
	struct xt_recent_mtinfo m;
	struct rule_limit *l;

	if (size < sizeof(m))
		return false;
	memcpy(&m, info, sizeof(m));
	if (!(m.check_set & (XT_RECENT_CHECK | XT_RECENT_UPDATE)))
		return false;
	l = add(set, RULE_LIMIT_RECENT);
	l->amount = m.hit_count;
	l->per_s = m.seconds;
	l->over = !m.invert;
	l->each = true;
	return true;
}

static bool add_share(struct ruleset *set, const void *info, size_t size)
{
	struct rule_limit *l = add(set, RULE_LIMIT_SHARE);
	struct xt_statistic_info m;

	if (size < offsetof(struct xt_statistic_info, master))
		return true;
	memcpy(&m, info, offsetof(struct xt_statistic_info, master));
	/* Of 2^31; or each so-manieth, where the number is one less than was typed. */
	if (m.mode == XT_STATISTIC_MODE_RANDOM)
		l->amount = (m.u.random.probability * UINT64_C(1000) + (1u << 30)) >> 31;
	else
		l->amount =
			(1000 + (m.u.nth.every + UINT64_C(1)) / 2) / (m.u.nth.every + UINT64_C(1));
	if (m.flags & XT_STATISTIC_INVERT)
		l->amount = 1000 - MIN(l->amount, UINT64_C(1000));
	return true;
}

bool xt_add_limit(struct ruleset *set, const char *name, unsigned int revision, const void *info,
		  size_t size)
{
	if (strcmp(name, "limit") == 0)
		return add_rate(set, info, size);
	if (strcmp(name, "hashlimit") == 0)
		return add_hash_rate(set, revision, info, size);
	if (strcmp(name, "connlimit") == 0)
		return add_connections(set, info, size);
	if (strcmp(name, "quota") == 0)
		return add_quota(set, info, size);
	if (strcmp(name, "recent") == 0)
		return add_recent(set, info, size);
	if (strcmp(name, "statistic") == 0)
		return add_share(set, info, size);
	return false;
}
