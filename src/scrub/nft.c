// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The expressions of nf_tables rules. What a comparison's bytes mean depends on what was loaded
 * into the register before: the same registers are followed as where rules are read (nft_expr.c),
 * and what is not understood there is blank here.
 */
#include "scrub/map.h"

#include <errno.h>
#include <netinet/in.h>
#include <netlink/attr.h>

#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#define REGISTERS 16

struct slot {
	uint8_t what, length, family;
	bool masked;
	int bits; /* of the mask */
};

struct rules {
	struct scrubber *s;
	struct buf *out;
	uint8_t family, l3;
	const char *table;
	struct slot slots[REGISTERS];
	uint8_t high[16]; /* end of a range whose beginning was compared just before */
	bool range;
};

static uint32_t number(const struct nlattr *a, uint32_t otherwise)
{
	uint32_t value;

	if (!a || nla_len(a) < (int)sizeof(value))
		return otherwise;
	memcpy(&value, nla_data(a), sizeof(value));
	return ntohl(value);
}

static struct slot *slot_at(struct rules *d, const struct nlattr *a)
{
	uint32_t reg = number(a, 0);

	if (reg >= NFT_REG_1 && reg <= NFT_REG_4)
		return &d->slots[(reg - NFT_REG_1) * 4];
	if (reg >= NFT_REG32_00 && reg < NFT_REG32_00 + REGISTERS)
		return &d->slots[reg - NFT_REG32_00];
	return NULL;
}

static void keep(struct rules *d, struct nlattr **tb, int type)
{
	if (tb[type])
		attr_put(d->out, type, nla_data(tb[type]), (size_t)nla_len(tb[type]));
}

/* The bytes within NFTA_DATA_VALUE. */
static const uint8_t *value_of(struct nlattr *a, size_t *ret_n)
{
	struct nlattr *tb[NFTA_DATA_MAX + 1];

	if (!a || nla_parse_nested(tb, NFTA_DATA_MAX, a, NULL) < 0 || !tb[NFTA_DATA_VALUE])
		return NULL;
	*ret_n = (size_t)nla_len(tb[NFTA_DATA_VALUE]);
	return nla_data(tb[NFTA_DATA_VALUE]);
}


static void put_blank(struct buf *out, int type, size_t n, uint8_t with)
{
	uint8_t blank[256];

	memset(blank, with, sizeof(blank));
	attr_put_value(out, type, blank, MIN(n, sizeof(blank)));
}

/* ---- loads ---- */

static uint8_t network_field(struct rules *d, uint32_t offset, uint32_t length)
{
	bool v6 = d->l3 == AF_INET6;

	if (!d->l3)
		return UNKNOWN;
	if ((offset == (v6 ? 8 : 12) || offset == (v6 ? 24 : 16)) && length <= (v6 ? 16 : 4))
		return SAME_ADDRESS;
	if (!v6 && offset == 12 && length == 8)
		return BOTH_ADDRESSES;
	return !v6 && offset == 9 && length == 1 ? PLAIN : UNKNOWN;
}

static int load_payload(struct rules *d, struct nlattr **tb)
{
	struct slot *slot = slot_at(d, tb[NFTA_PAYLOAD_DREG]);
	uint32_t base = number(tb[NFTA_PAYLOAD_BASE], UINT32_MAX);
	uint32_t offset = number(tb[NFTA_PAYLOAD_OFFSET], UINT32_MAX);
	uint32_t length = number(tb[NFTA_PAYLOAD_LEN], 0);

	keep(d, tb, NFTA_PAYLOAD_DREG);
	keep(d, tb, NFTA_PAYLOAD_BASE);
	keep(d, tb, NFTA_PAYLOAD_OFFSET);
	keep(d, tb, NFTA_PAYLOAD_LEN);
	if (!slot)
		return 0;
	*slot = (struct slot){.length = (uint8_t)MIN(length, 255u), .family = d->l3};
	if (base == NFT_PAYLOAD_NETWORK_HEADER)
		slot->what = network_field(d, offset, length);
	else if (base == NFT_PAYLOAD_LL_HEADER && offset == 12 && length == 2)
		slot->what = ETHERTYPE;
	else if (base == NFT_PAYLOAD_TRANSPORT_HEADER && offset < 4 && length <= 4 - offset)
		slot->what = PLAIN;
	return 0;
}

static int load_meta(struct rules *d, struct nlattr **tb)
{
	struct slot *slot = slot_at(d, tb[NFTA_META_DREG]);

	keep(d, tb, NFTA_META_DREG);
	keep(d, tb, NFTA_META_KEY);
	if (!slot)
		return 0;
	*slot = (struct slot){.length = 4};
	switch (number(tb[NFTA_META_KEY], UINT32_MAX)) {
	case NFT_META_L4PROTO:
	case NFT_META_IIF:
	case NFT_META_OIF:
		slot->what = PLAIN;
		break;
	case NFT_META_NFPROTO:
		slot->what = NFPROTO;
		break;
	case NFT_META_PROTOCOL:
		slot->what = ETHERTYPE;
		break;
	case NFT_META_IIFNAME:
	case NFT_META_OIFNAME:
		slot->what = DEVICE_NAME;
		slot->length = 16;
		break;
	default:
		break;
	}
	return 0;
}

static int load_ct(struct rules *d, struct nlattr **tb)
{
	struct slot *slot = slot_at(d, tb[NFTA_CT_DREG]);

	keep(d, tb, NFTA_CT_DREG);
	keep(d, tb, NFTA_CT_KEY);
	if (slot)
		*slot = (struct slot){
			.length = 4,
			.what = number(tb[NFTA_CT_KEY], UINT32_MAX) == NFT_CT_STATE ? PLAIN
										     : UNKNOWN};
	return 0;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	while (n && !p[n - 1])
		n--;
	return n == 0;
}

/* A mask that is no prefix cannot be kept: what it makes is said to be unknown. */
static int load_bitwise(struct rules *d, struct nlattr **tb)
{
	struct slot *from = slot_at(d, tb[NFTA_BITWISE_SREG]);
	struct slot *to = slot_at(d, tb[NFTA_BITWISE_DREG]), made = {0};
	size_t mask_n = 0, flip_n = 0;
	const uint8_t *mask = value_of(tb[NFTA_BITWISE_MASK], &mask_n);
	const uint8_t *flip = value_of(tb[NFTA_BITWISE_XOR], &flip_n);
	bool plain = from && from->what == PLAIN, followed;

	followed = from && !from->masked && mask && mask_n <= 16 && flip &&
		   all_zero(flip, flip_n) && number(tb[NFTA_BITWISE_OP], 0) == 0;
	if (followed)
		made = *from;
	made.masked = true;
	if (followed && from->what == SAME_ADDRESS)
		made.bits = mask_bits(mask, mask_n);
	if (made.bits < 0 || (made.what != PLAIN && made.what != SAME_ADDRESS))
		made.what = UNKNOWN;
	keep(d, tb, NFTA_BITWISE_SREG);
	keep(d, tb, NFTA_BITWISE_DREG);
	keep(d, tb, NFTA_BITWISE_LEN);
	keep(d, tb, NFTA_BITWISE_OP);
	if (mask && (plain || made.what != UNKNOWN))
		attr_put_value(d->out, NFTA_BITWISE_MASK, mask, mask_n);
	else if (mask)
		put_blank(d->out, NFTA_BITWISE_MASK, mask_n, 0);
	if (flip)
		put_blank(d->out, NFTA_BITWISE_XOR, flip_n,
			  all_zero(flip, flip_n) && made.bits >= 0 ? 0 : 0xff);
	if (to)
		*to = made;
	return 0;
}

/* ---- values ---- */

/* Exact with its NUL, or the stem of a wildcard. */
static void put_device(struct rules *d, int type, const uint8_t *value, size_t n)
{
	const char *text = (const char *)value, *to;
	size_t length = strnlen(text, n);
	uint8_t padded[16] = {0};

	if (n > sizeof(padded) || (length == n && n == sizeof(padded))) {
		put_blank(d->out, type, n, 0);
		return;
	}
	to = scrub_device(d->s, text, length, length == n);
	memcpy(padded, to, strlen(to));
	attr_put_value(d->out, type, padded, n == sizeof(padded) ? n : strlen(to) + (length < n));
}

/* False, and nothing written: not to be told. */
static bool put_equal(struct rules *d, const struct slot *slot, int type, const uint8_t *value,
		      size_t n)
{
	uint8_t copy[16];

	if (slot->what == PLAIN || slot->what == NFPROTO || slot->what == ETHERTYPE) {
		if (n > 4)
			return false;
		attr_put_value(d->out, type, value, n);
		return true;
	}
	if (slot->what == DEVICE_NAME && !slot->masked) {
		put_device(d, type, value, n);
		return true;
	}
	if (n > sizeof(copy))
		return false;
	memcpy(copy, value, n);
	if (slot->what == BOTH_ADDRESSES && !slot->masked && n == 8) {
		scrub_address(d->s, AF_INET, copy, 32);
		scrub_address(d->s, AF_INET, copy + 4, 32);
	} else if (slot->what == SAME_ADDRESS && n <= (slot->family == AF_INET6 ? 16 : 4)) {
		unsigned int bits = slot->masked ? (unsigned int)slot->bits : (unsigned int)n * 8;

		scrub_address(d->s, slot->family, copy, MIN(bits, n * 8));
		for (size_t bit = bits; bit < n * 8; bit++)
			copy[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	} else {
		return false;
	}
	attr_put_value(d->out, type, copy, n);
	return true;
}

/* Part of an address: the ends stand for all that begin like them. */
static bool range_of(struct rules *d, const struct slot *slot, const uint8_t *low,
		     const uint8_t *high, size_t n, uint8_t *ret_low, uint8_t *ret_high)
{
	size_t whole = slot->family == AF_INET6 ? 16 : 4;

	if (slot->what != SAME_ADDRESS || slot->masked || n > whole)
		return false;
	memset(ret_low, 0, 16);
	memset(ret_high, 0xff, 16);
	memcpy(ret_low, low, n);
	memcpy(ret_high, high, n);
	scrub_range(d->s, slot->family, ret_low, ret_high);
	return true;
}

/* ---- comparisons ---- */

static int parse_expression(struct nlattr *a, struct nlattr **tb, int max, const char **ret_name)
{
	struct nlattr *expr[NFTA_EXPR_MAX + 1];
	const char *name;

	memset(tb, 0, sizeof(*tb) * ((size_t)max + 1));
	if (nla_parse_nested(expr, NFTA_EXPR_MAX, a, NULL) < 0 || !expr[NFTA_EXPR_NAME])
		return -EBADMSG;
	name = nla_data(expr[NFTA_EXPR_NAME]);
	if (strnlen(name, (size_t)nla_len(expr[NFTA_EXPR_NAME])) ==
	    (size_t)nla_len(expr[NFTA_EXPR_NAME]))
		return -EBADMSG;
	if (expr[NFTA_EXPR_DATA] && nla_parse_nested(tb, max, expr[NFTA_EXPR_DATA], NULL) < 0)
		return -EBADMSG;
	*ret_name = name;
	return 0;
}

#define ATTRS_MAX 15

/* `10.0.0.5-10.0.0.9` is also written as two comparisons: at least, then at most. */
static bool begins_range(struct rules *d, struct nlattr *next, const struct nlattr *reg,
			 const uint8_t *low, size_t n, uint8_t *ret_low)
{
	struct nlattr *tb[ATTRS_MAX + 1];
	const struct slot *slot = slot_at(d, reg);
	const uint8_t *high;
	const char *name;
	size_t high_n = 0;

	if (!next || parse_expression(next, tb, ATTRS_MAX, &name) < 0 || strcmp(name, "cmp") != 0 ||
	    number(tb[NFTA_CMP_SREG], 0) != number(reg, 1) ||
	    number(tb[NFTA_CMP_OP], UINT32_MAX) != NFT_CMP_LTE)
		return false;
	high = value_of(tb[NFTA_CMP_DATA], &high_n);
	if (!high || high_n != n || !slot || !range_of(d, slot, low, high, n, ret_low, d->high))
		return false;
	d->range = true;
	return true;
}

static int match_cmp(struct rules *d, struct nlattr **tb, struct nlattr *next)
{
	const struct slot *slot = slot_at(d, tb[NFTA_CMP_SREG]);
	uint32_t how = number(tb[NFTA_CMP_OP], UINT32_MAX);
	bool equal = how == NFT_CMP_EQ || how == NFT_CMP_NEQ, good = false, ends = d->range;
	size_t n = 0, at = d->out->len;
	const uint8_t *value = value_of(tb[NFTA_CMP_DATA], &n);
	uint8_t low[16];

	d->range = false;
	keep(d, tb, NFTA_CMP_SREG);
	keep(d, tb, NFTA_CMP_OP);
	if (slot && value && (equal || slot->what == PLAIN)) {
		good = put_equal(d, slot, NFTA_CMP_DATA, value, n);
	} else if (slot && value && how == NFT_CMP_LTE && ends) {
		attr_put_value(d->out, NFTA_CMP_DATA, d->high, MIN(n, sizeof(d->high)));
		good = true;
	} else if (slot && value && how == NFT_CMP_GTE &&
		   begins_range(d, next, tb[NFTA_CMP_SREG], value, n, low)) {
		attr_put_value(d->out, NFTA_CMP_DATA, low, n);
		good = true;
	}
	if (good && slot->what == NFPROTO && how == NFT_CMP_EQ && n >= 1)
		d->l3 = value[0];
	if (good && slot->what == ETHERTYPE && how == NFT_CMP_EQ && n == 2) {
		if ((value[0] << 8 | value[1]) == ETH_P_IP)
			d->l3 = AF_INET;
		else if ((value[0] << 8 | value[1]) == ETH_P_IPV6)
			d->l3 = AF_INET6;
	}
	if (good)
		return 0;
	/* Without the operator it is a match that may be met or not. */
	d->out->len = at;
	keep(d, tb, NFTA_CMP_SREG);
	if (value)
		put_blank(d->out, NFTA_CMP_DATA, n, 0);
	return 0;
}

static int match_range(struct rules *d, struct nlattr **tb)
{
	const struct slot *slot = slot_at(d, tb[NFTA_RANGE_SREG]);
	size_t n = 0, to_n = 0;
	const uint8_t *from = value_of(tb[NFTA_RANGE_FROM_DATA], &n);
	const uint8_t *to = value_of(tb[NFTA_RANGE_TO_DATA], &to_n);
	uint8_t low[16], high[16];

	keep(d, tb, NFTA_RANGE_SREG);
	keep(d, tb, NFTA_RANGE_OP);
	if (!slot || !from || !to || n != to_n)
		return 0;
	if (slot->what == PLAIN && n <= 4) {
		attr_put_value(d->out, NFTA_RANGE_FROM_DATA, from, n);
		attr_put_value(d->out, NFTA_RANGE_TO_DATA, to, n);
	} else if (range_of(d, slot, from, to, n, low, high)) {
		attr_put_value(d->out, NFTA_RANGE_FROM_DATA, low, n);
		attr_put_value(d->out, NFTA_RANGE_TO_DATA, high, n);
	}
	return 0;
}

static bool is_concatenation(const struct rules *d, const struct slot *slot)
{
	size_t next = (size_t)(slot - d->slots) + (slot->length + 3u) / 4;

	return next < REGISTERS && d->slots[next].length != 0;
}

/* Nobody else says what a set's keys are. */
static void learn_set(struct rules *d, const struct slot *slot, const char *name)
{
	struct set_type *set;

	if (!d->s->learning || slot->what == UNKNOWN || slot->masked ||
	    slot->what == BOTH_ADDRESSES || is_concatenation(d, slot) ||
	    scrub_find_set(d->s, d->family, d->table, name))
		return;
	set = vec_push(&d->s->sets);
	set->family = d->family;
	set->what = slot->what;
	set->address_family = slot->family;
	set->table = xstrdup(d->table);
	set->name = xstrdup(name);
}

static int match_lookup(struct rules *d, struct nlattr **tb)
{
	struct slot *slot = slot_at(d, tb[NFTA_LOOKUP_SREG]), *to;
	struct nlattr *set = tb[NFTA_LOOKUP_SET];
	bool named = set && nla_len(set) && ((char *)nla_data(set))[nla_len(set) - 1] == '\0';

	if (slot && named)
		learn_set(d, slot, nla_data(set));
	if (named)
		attr_put_name(d->s, d->out, set);
	keep(d, tb, NFTA_LOOKUP_SREG);
	keep(d, tb, NFTA_LOOKUP_DREG);
	keep(d, tb, NFTA_LOOKUP_FLAGS);
	to = slot_at(d, tb[NFTA_LOOKUP_DREG]);
	if (to)
		*to = (struct slot){0};
	return 0;
}

/* ---- statements ---- */

int scrub_verdict(struct scrubber *s, int type, struct nlattr *data, struct buf *out)
{
	struct nlattr *outer[NFTA_DATA_MAX + 1], *tb[NFTA_VERDICT_MAX + 1];
	size_t at, inner;

	if (!data || nla_parse_nested(outer, NFTA_DATA_MAX, data, NULL) < 0 ||
	    !outer[NFTA_DATA_VERDICT] ||
	    nla_parse_nested(tb, NFTA_VERDICT_MAX, outer[NFTA_DATA_VERDICT], NULL) < 0)
		return 0;
	at = attr_open(out, type | NLA_F_NESTED);
	inner = attr_open(out, NFTA_DATA_VERDICT | NLA_F_NESTED);
	if (tb[NFTA_VERDICT_CODE])
		attr_put(out, NFTA_VERDICT_CODE, nla_data(tb[NFTA_VERDICT_CODE]),
			 (size_t)nla_len(tb[NFTA_VERDICT_CODE]));
	if (tb[NFTA_VERDICT_CHAIN])
		attr_put_name(s, out, tb[NFTA_VERDICT_CHAIN]);
	attr_close(out, inner);
	return attr_close(out, at);
}

static int put_immediate(struct rules *d, struct nlattr **tb)
{
	struct slot *slot = slot_at(d, tb[NFTA_IMMEDIATE_DREG]);

	keep(d, tb, NFTA_IMMEDIATE_DREG);
	if (slot)
		*slot = (struct slot){0};
	return scrub_verdict(d->s, NFTA_IMMEDIATE_DATA, tb[NFTA_IMMEDIATE_DATA], d->out);
}

static int put_target(struct rules *d, struct nlattr **tb)
{
	struct nlattr *name = tb[NFTA_TARGET_NAME], *info = tb[NFTA_TARGET_INFO];
	static const char reject[] = "REJECT", queue[] = "NFQUEUE";
	uint32_t with;

	keep(d, tb, NFTA_TARGET_NAME);
	/* Numbers of queues and flags. */
	if (name && (size_t)nla_len(name) == sizeof(queue) &&
	    memcmp(nla_data(name), queue, sizeof(queue)) == 0) {
		keep(d, tb, NFTA_TARGET_REV);
		keep(d, tb, NFTA_TARGET_INFO);
	}
	/* What a rejecting rule answers is one number; other targets may hold names. */
	if (name && info && (size_t)nla_len(name) == sizeof(reject) &&
	    memcmp(nla_data(name), reject, sizeof(reject)) == 0 &&
	    (size_t)nla_len(info) >= sizeof(with)) {
		memcpy(&with, nla_data(info), sizeof(with));
		attr_put(d->out, NFTA_TARGET_INFO, &with, sizeof(with));
	}
	return 0;
}

/* An expression within a statement: only what it is. */
static void put_expression_name(struct rules *d, struct nlattr *expression)
{
	struct nlattr *tb[ATTRS_MAX + 1];
	const char *name;
	size_t at;

	if (parse_expression(expression, tb, ATTRS_MAX, &name) < 0)
		return;
	at = attr_open(d->out, expression->nla_type);
	attr_put_text(d->out, NFTA_EXPR_NAME, name);
	attr_close(d->out, at);
}

static int put_dynset(struct rules *d, struct nlattr **tb)
{
	struct nlattr *set = tb[NFTA_DYNSET_SET_NAME], *list = tb[NFTA_DYNSET_EXPRESSIONS], *a;
	size_t at;
	int left;

	if (set && nla_len(set) && ((char *)nla_data(set))[nla_len(set) - 1] == '\0')
		attr_put_name(d->s, d->out, set);
	keep(d, tb, NFTA_DYNSET_OP);
	if (tb[NFTA_DYNSET_EXPR])
		put_expression_name(d, tb[NFTA_DYNSET_EXPR]);
	if (!list)
		return 0;
	at = attr_open(d->out, list->nla_type);
	nla_for_each_nested(a, list, left)
		put_expression_name(d, a);
	return attr_close(d->out, at);
}

static int put_match(struct rules *d, struct nlattr **tb)
{
	struct nlattr *name = tb[NFTA_MATCH_NAME], *info = tb[NFTA_MATCH_INFO];
	uint8_t *copy;

	keep(d, tb, NFTA_MATCH_NAME);
	keep(d, tb, NFTA_MATCH_REV);
	if (!name || !info || !nla_len(name) ||
	    ((char *)nla_data(name))[nla_len(name) - 1] != '\0')
		return 0;
	copy = xcalloc((size_t)nla_len(info) + 1, 1);
	memcpy(copy, nla_data(info), (size_t)nla_len(info));
	scrub_match(d->s, d->family == NFPROTO_IPV6, nla_data(name), copy, (size_t)nla_len(info));
	attr_put(d->out, NFTA_MATCH_INFO, copy, (size_t)nla_len(info));
	free(copy);
	return 0;
}

/* Expressions of which only the register that they load is kept. */
static const struct {
	const char *name;
	int dreg;
} loads[] = {
	{"byteorder", NFTA_BYTEORDER_DREG}, {"hash", NFTA_HASH_DREG},
	{"numgen", NFTA_NG_DREG},	    {"rt", NFTA_RT_DREG},
	{"fib", NFTA_FIB_DREG},		    {"exthdr", NFTA_EXTHDR_DREG},
};

static int put_load(struct rules *d, const char *name, struct nlattr **tb)
{
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		struct slot *slot;

		if (strcmp(name, loads[i].name) != 0)
			continue;
		slot = slot_at(d, tb[loads[i].dreg]);
		keep(d, tb, loads[i].dreg);
		if (slot)
			*slot = (struct slot){0};
	}
	return 0;
}

static const struct {
	const char *name;
	int (*put)(struct rules *d, struct nlattr **tb);
} expressions[] = {
	{"payload", load_payload},   {"meta", load_meta},	{"ct", load_ct},
	{"bitwise", load_bitwise},   {"range", match_range},	{"lookup", match_lookup},
	{"dynset", put_dynset},	     {"match", put_match},	{"target", put_target},
	{"immediate", put_immediate},
};

/* Statements that are numbers, and those of them that are kept. */
static const struct {
	const char *name;
	int attributes[5];
} statements[] = {
	{"counter", {NFTA_COUNTER_BYTES, NFTA_COUNTER_PACKETS}},
	{"limit",
	 {NFTA_LIMIT_RATE, NFTA_LIMIT_UNIT, NFTA_LIMIT_BURST, NFTA_LIMIT_TYPE, NFTA_LIMIT_FLAGS}},
	{"quota", {NFTA_QUOTA_BYTES, NFTA_QUOTA_FLAGS}},
	{"connlimit", {NFTA_CONNLIMIT_COUNT, NFTA_CONNLIMIT_FLAGS}},
	{"reject", {NFTA_REJECT_TYPE, NFTA_REJECT_ICMP_CODE}},
	{"queue", {NFTA_QUEUE_NUM, NFTA_QUEUE_TOTAL, NFTA_QUEUE_FLAGS}},
	{"nat", {NFTA_NAT_TYPE}},
	{"objref", {NFTA_OBJREF_IMM_TYPE}},
};

static bool put_statement(struct rules *d, const char *name, struct nlattr **tb)
{
	for (size_t i = 0; i < ARRAY_SIZE(statements); i++) {
		if (strcmp(name, statements[i].name) != 0)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(statements[i].attributes) && statements[i].attributes[k]; k++)
			keep(d, tb, statements[i].attributes[k]);
		return true;
	}
	return false;
}

static int put_data(struct rules *d, const char *name, struct nlattr **tb, struct nlattr *next)
{
	if (strcmp(name, "cmp") == 0)
		return match_cmp(d, tb, next);
	d->range = false;
	for (size_t i = 0; i < ARRAY_SIZE(expressions); i++)
		if (strcmp(name, expressions[i].name) == 0)
			return expressions[i].put(d, tb);
	return put_statement(d, name, tb) ? 0 : put_load(d, name, tb);
}

int scrub_expressions(struct scrubber *s, uint8_t family, const char *table,
		      const struct nlattr *list, struct buf *out)
{
	struct rules d = {.s = s, .out = out, .family = family, .table = table};
	struct nlattr *open = (struct nlattr *)(uintptr_t)list, *a;
	int left, r = 0;

	d.l3 = family == NFPROTO_IPV4 || family == NFPROTO_IPV6 ? family : 0;
	nla_for_each_nested(a, open, left) {
		struct nlattr *tb[ATTRS_MAX + 1], *next;
		int after = left;
		const char *name;
		size_t whole, data;

		r = parse_expression(a, tb, ATTRS_MAX, &name);
		if (r < 0)
			return r;
		next = nla_next(a, &after);
		whole = attr_open(out, a->nla_type);
		attr_put_text(out, NFTA_EXPR_NAME, name);
		data = attr_open(out, NFTA_EXPR_DATA | NLA_F_NESTED);
		r = put_data(&d, name, tb, nla_ok(next, after) ? next : NULL);
		if (r == 0)
			r = attr_close(out, data);
		if (r == 0)
			r = attr_close(out, whole);
		if (r < 0)
			return r;
	}
	return left > 0 ? -EBADMSG : 0;
}
