// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One nf_tables rule decoded: its expressions are run over a register file that remembers what was
 * loaded (net/netfilter/nft_payload.c, nft_meta.c, nft_cmp.c ...), so that a comparison can be
 * said in neutral terms. What is not understood becomes OP_UNKNOWN, never a guess.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#include "base/intern.h"
#include "collect/limits.h"
#include "collect/nft_decode.h"
#include "collect/xt.h"

static struct rule_op *add_op(struct nft_decode *d, enum rule_op_kind kind)
{
	struct rule_op *op = vec_push(&d->set->ops);

	op->kind = (uint8_t)kind;
	return op;
}

/* NFT_REG_1 to _4 are 128 bits, NFT_REG32_00 and up are 32 bits of the same file. */
static struct nft_slot *slot_at(struct nft_decode *d, struct nlattr *attr)
{
	uint32_t reg = attr ? ntohl(nla_get_u32(attr)) : 0;

	if (reg >= NFT_REG_1 && reg <= NFT_REG_4)
		return &d->slots[(reg - NFT_REG_1) * 4];
	if (reg >= NFT_REG32_00 && reg < NFT_REG32_00 + NFT_REGISTERS)
		return &d->slots[reg - NFT_REG32_00];
	return NULL;
}

uint32_t nft_u32(struct nlattr *attr, uint32_t otherwise)
{
	return attr ? ntohl(nla_get_u32(attr)) : otherwise;
}

/* The bytes of NFTA_DATA_VALUE; NULL if there are none. */
static const uint8_t *data_value(struct nlattr *attr, size_t *ret_size)
{
	struct nlattr *tb[NFTA_DATA_MAX + 1];

	if (!attr || nla_parse_nested(tb, NFTA_DATA_MAX, attr, NULL) < 0 || !tb[NFTA_DATA_VALUE])
		return NULL;
	*ret_size = (size_t)nla_len(tb[NFTA_DATA_VALUE]);
	return nla_data(tb[NFTA_DATA_VALUE]);
}

/* ---- loads ---- */

static void network_field(struct nft_decode *d, struct nft_slot *slot, uint32_t offset, uint32_t length)
{
	bool v6 = d->l3 == AF_INET6;

	slot->family = d->l3;
	if (!d->l3)
		return;
	if (offset == (v6 ? 8 : 12) && length <= (v6 ? 16 : 4))
		slot->field = NFT_FIELD_SADDR;
	else if (offset == (v6 ? 24 : 16) && length <= (v6 ? 16 : 4))
		slot->field = NFT_FIELD_DADDR;
	else if (!v6 && offset == 12 && length == 8)
		slot->field = NFT_FIELD_ADDRESSES;
	else if (!v6 && offset == 9 && length == 1)
		slot->field = NFT_FIELD_L4PROTO;
}

static int decode_payload(struct nft_decode *d, struct nlattr **tb)
{
	struct nft_slot *slot = slot_at(d, tb[NFTA_PAYLOAD_DREG]);
	uint32_t base = nft_u32(tb[NFTA_PAYLOAD_BASE], UINT32_MAX);
	uint32_t offset = nft_u32(tb[NFTA_PAYLOAD_OFFSET], UINT32_MAX);
	uint32_t length = nft_u32(tb[NFTA_PAYLOAD_LEN], 0);

	if (!slot)
		return 0; /* it writes to the packet */
	*slot = (struct nft_slot){.length = (uint8_t)MIN(length, 255u)};
	if (base == NFT_PAYLOAD_NETWORK_HEADER)
		network_field(d, slot, offset, length);
	else if (base == NFT_PAYLOAD_LL_HEADER && offset == 12 && length == 2)
		slot->field = NFT_FIELD_ETHERTYPE;
	else if (base == NFT_PAYLOAD_TRANSPORT_HEADER && offset == 0 && length == 2)
		slot->field = NFT_FIELD_SPORT;
	else if (base == NFT_PAYLOAD_TRANSPORT_HEADER && offset == 2 && length == 2)
		slot->field = NFT_FIELD_DPORT;
	else if (base == NFT_PAYLOAD_TRANSPORT_HEADER && offset == 0 && length == 4)
		slot->field = NFT_FIELD_PORTS;
	return 0;
}

static int decode_meta(struct nft_decode *d, struct nlattr **tb)
{
	static const struct {
		uint32_t key;
		enum nft_field field;
		uint8_t length;
	} known[] = {
		{NFT_META_L4PROTO, NFT_FIELD_L4PROTO, 1}, {NFT_META_NFPROTO, NFT_FIELD_NFPROTO, 1},
		{NFT_META_PROTOCOL, NFT_FIELD_ETHERTYPE, 2}, {NFT_META_IIF, NFT_FIELD_IIF, 4},
		{NFT_META_OIF, NFT_FIELD_OIF, 4}, {NFT_META_IIFNAME, NFT_FIELD_IIFNAME, 16},
		{NFT_META_OIFNAME, NFT_FIELD_OIFNAME, 16},
	};
	struct nft_slot *slot = slot_at(d, tb[NFTA_META_DREG]);
	uint32_t key = nft_u32(tb[NFTA_META_KEY], UINT32_MAX);

	if (!slot)
		return 0;
	*slot = (struct nft_slot){.length = 4};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].key == key) {
			slot->field = known[i].field;
			slot->length = known[i].length;
		}
	}
	return 0;
}

static int decode_ct(struct nft_decode *d, struct nlattr **tb)
{
	struct nft_slot *slot = slot_at(d, tb[NFTA_CT_DREG]);

	if (!slot)
		return 0;
	*slot = (struct nft_slot){.length = 4};
	if (nft_u32(tb[NFTA_CT_KEY], UINT32_MAX) == NFT_CT_STATE)
		slot->field = NFT_FIELD_CT_STATE;
	return 0;
}

static bool all_zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

static int decode_bitwise(struct nft_decode *d, struct nlattr **tb)
{
	struct nft_slot *from = slot_at(d, tb[NFTA_BITWISE_SREG]);
	struct nft_slot *to = slot_at(d, tb[NFTA_BITWISE_DREG]), result = {0};
	size_t mask_size = 0, xor_size = 0;
	const uint8_t *mask = data_value(tb[NFTA_BITWISE_MASK], &mask_size);
	const uint8_t *flip = data_value(tb[NFTA_BITWISE_XOR], &xor_size);

	if (!to)
		return 0;
	if (from && !from->masked && mask && mask_size <= sizeof(result.mask) && flip &&
	    all_zero(flip, xor_size) && nft_u32(tb[NFTA_BITWISE_OP], 0) == 0) {
		result = *from;
		result.masked = true;
		memcpy(result.mask, mask, mask_size);
	}
	*to = result;
	return 0;
}

int nft_forget(struct nft_decode *d, struct nlattr *reg)
{
	struct nft_slot *slot = slot_at(d, reg);

	if (slot)
		*slot = (struct nft_slot){0};
	return 0;
}

/* ---- matches ---- */

static void add_pair(struct nft_decode *d, const struct nft_slot *slot, const uint8_t *value)
{
	bool ports = slot->field == NFT_FIELD_PORTS;
	struct nft_slot half = {.length = ports ? 2 : 4, .family = slot->family};

	half.field = ports ? NFT_FIELD_SPORT : NFT_FIELD_SADDR;
	nft_range_op(&half, value, value, half.length, add_op(d, OP_UNKNOWN));
	half.field = ports ? NFT_FIELD_DPORT : NFT_FIELD_DADDR;
	value += half.length;
	nft_range_op(&half, value, value, half.length, add_op(d, OP_UNKNOWN));
}

static int decode_cmp(struct nft_decode *d, struct nlattr **tb)
{
	struct nft_slot *slot = slot_at(d, tb[NFTA_CMP_SREG]);
	uint32_t how = nft_u32(tb[NFTA_CMP_OP], UINT32_MAX);
	struct rule_op op = {.kind = OP_UNKNOWN};
	size_t size = 0;
	const uint8_t *value = data_value(tb[NFTA_CMP_DATA], &size);

	if (slot && value && how == NFT_CMP_EQ && size == slot->length && !slot->masked &&
	    (slot->field == NFT_FIELD_PORTS || slot->field == NFT_FIELD_ADDRESSES)) {
		add_pair(d, slot, value);
		return 0;
	}
	if (!slot || !value || !nft_cmp_op(slot, how, value, size, &op))
		op = (struct rule_op){.kind = OP_UNKNOWN};
	if (op.kind == OP_FAMILY && !op.negated)
		d->l3 = op.value[0];
	*add_op(d, OP_UNKNOWN) = op;
	return 0;
}

static int decode_range(struct nft_decode *d, struct nlattr **tb)
{
	struct nft_slot *slot = slot_at(d, tb[NFTA_RANGE_SREG]);
	struct rule_op op = {.kind = OP_UNKNOWN};
	size_t size = 0, to_size = 0;
	const uint8_t *from = data_value(tb[NFTA_RANGE_FROM_DATA], &size);
	const uint8_t *to = data_value(tb[NFTA_RANGE_TO_DATA], &to_size);

	if (!slot || !from || !to || size != to_size || slot->masked ||
	    !nft_range_op(slot, from, to, size, &op))
		op = (struct rule_op){.kind = OP_UNKNOWN};
	else
		op.negated = nft_u32(tb[NFTA_RANGE_OP], 0) == NFT_RANGE_NEQ;
	*add_op(d, OP_UNKNOWN) = op;
	return 0;
}

/* A key over several registers (ip saddr . tcp dport) has more behind its first. */
static bool is_concatenation(const struct nft_decode *d, const struct nft_slot *slot)
{
	size_t next = (size_t)(slot - d->slots) + (slot->length + 3u) / 4;

	return next < NFT_REGISTERS && d->slots[next].length != 0;
}

/* Sets that were written into the rule have names of the kernel's making. */
static void name_set(struct rule *r, struct nlattr *name)
{
	const char *text = name ? nla_get_string(name) : "__";

	if (strncmp(text, "__", 2) != 0)
		r->set = intern(text, strlen(text));
}

static int decode_lookup(struct nft_decode *d, struct nlattr **tb)
{
	struct nft_slot *slot = slot_at(d, tb[NFTA_LOOKUP_SREG]);
	struct nft_lookup l = {.op = d->set->ops.n};

	if (tb[NFTA_LOOKUP_SET] && slot && !is_concatenation(d, slot)) {
		l.name = nla_get_string(tb[NFTA_LOOKUP_SET]);
		l.slot = *slot;
		l.negated = nft_u32(tb[NFTA_LOOKUP_FLAGS], 0) & NFT_LOOKUP_F_INV;
	}
	name_set(d->r, tb[NFTA_LOOKUP_SET]);
	if (tb[NFTA_LOOKUP_DREG] && nft_u32(tb[NFTA_LOOKUP_DREG], 1) == NFT_REG_VERDICT) {
		d->r->verdict = VERDICT_MAP;
		d->map = l;
		return 0;
	}
	if (tb[NFTA_LOOKUP_DREG])
		nft_forget(d, tb[NFTA_LOOKUP_DREG]);
	if (!d->nr->ops)
		return 0;
	add_op(d, OP_UNKNOWN);
	if (l.name && d->lookups_n < NFT_LOOKUPS_MAX)
		d->lookups[d->lookups_n++] = l;
	return 0;
}

static int decode_match(struct nft_decode *d, struct nlattr **tb)
{
	if (!tb[NFTA_MATCH_NAME] || !tb[NFTA_MATCH_INFO]) {
		add_op(d, OP_UNKNOWN);
		return 0;
	}
	xt_match(d->set, d->r, nla_get_string(tb[NFTA_MATCH_NAME]), nft_u32(tb[NFTA_MATCH_REV], 0),
		 nla_data(tb[NFTA_MATCH_INFO]), (size_t)nla_len(tb[NFTA_MATCH_INFO]));
	return 0;
}

static int add_limit(struct nft_decode *d, const char *name, struct nlattr **tb)
{
	d->r->limits = true;
	nft_add_limit(d->set, name, tb);
	add_op(d, OP_UNKNOWN);
	return 0;
}

static int decode_rate(struct nft_decode *d, struct nlattr **tb)
{
	return add_limit(d, "limit", tb);
}

static int decode_quota(struct nft_decode *d, struct nlattr **tb)
{
	return add_limit(d, "quota", tb);
}

static int decode_connlimit(struct nft_decode *d, struct nlattr **tb)
{
	return add_limit(d, "connlimit", tb);
}

/* What a full set takes no more of. */
static void note_filling(struct nft_decode *d, struct nlattr **tb)
{
	struct nft_reader *nr = d->nr;
	struct nft_filling *f;

	if (!tb[NFTA_DYNSET_SET_NAME] || nft_u32(tb[NFTA_DYNSET_OP], 0) == NFT_DYNSET_OP_DELETE)
		return;
	f = vec_push(&nr->fillings);
	f->key = nft_name_key(nr->family, nr->table, nla_get_string(tb[NFTA_DYNSET_SET_NAME]));
	f->rule = nr->set->rules.n;
}

/* "update @set { ip saddr limit rate over ... }": the limit of each element. */
static int decode_dynset(struct nft_decode *d, struct nlattr **tb)
{
	struct nlattr *expression;
	int left;

	add_op(d, OP_UNKNOWN);
	name_set(d->r, tb[NFTA_DYNSET_SET_NAME]);
	note_filling(d, tb);
	if (tb[NFTA_DYNSET_EXPR])
		d->r->limits |= nft_add_limit_of(d->set, tb[NFTA_DYNSET_EXPR]);
	if (tb[NFTA_DYNSET_EXPRESSIONS])
		nla_for_each_nested(expression, tb[NFTA_DYNSET_EXPRESSIONS], left)
			d->r->limits |= nft_add_limit_of(d->set, expression);
	return 0;
}

/* A named object: a counter lets everything by, a limit does not. */
static int decode_objref(struct nft_decode *d, struct nlattr **tb)
{
	static const struct {
		uint32_t type;
		const char *name;
	} limits[] = {{NFT_OBJECT_QUOTA, "quota"},
		      {NFT_OBJECT_LIMIT, "limit"},
		      {NFT_OBJECT_CONNLIMIT, "connlimit"}};
	uint32_t type = nft_u32(tb[NFTA_OBJREF_IMM_TYPE], NFT_OBJECT_UNSPEC);

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		if (limits[i].type != type)
			continue;
		d->r->counted = false;
		return d->nr->ops ? add_limit(d, limits[i].name, NULL) : 0;
	}
	return 0; /* or one of a map, which may be of any kind */
}

static int decode_other_match(struct nft_decode *d, struct nlattr **tb)
{
	(void)tb;
	add_op(d, OP_UNKNOWN);
	return 0;
}

/* ---- the table ---- */

enum expr_kind { STATEMENT, LOAD, MATCH };

struct expr_row {
	const char *name;
	enum expr_kind kind;
	bool always; /* also where matches are not wanted */
	int (*decode)(struct nft_decode *d, struct nlattr **tb);
	const struct nla_policy *policy;
	int dreg; /* of a load that is only forgotten */
};

#define U32(attr) [attr] = {.type = NLA_U32}
#define TEXT(attr) [attr] = {.type = NLA_STRING}
#define ATTRS_MAX 15
#define POLICY static const struct nla_policy
POLICY payload_policy[ATTRS_MAX + 1] = {U32(NFTA_PAYLOAD_DREG), U32(NFTA_PAYLOAD_BASE),
					U32(NFTA_PAYLOAD_OFFSET), U32(NFTA_PAYLOAD_LEN)};
POLICY meta_policy[ATTRS_MAX + 1] = {U32(NFTA_META_DREG), U32(NFTA_META_KEY)};
POLICY ct_policy[ATTRS_MAX + 1] = {U32(NFTA_CT_DREG), U32(NFTA_CT_KEY)};
POLICY bitwise_policy[ATTRS_MAX + 1] = {U32(NFTA_BITWISE_SREG), U32(NFTA_BITWISE_DREG),
					U32(NFTA_BITWISE_OP)};
POLICY cmp_policy[ATTRS_MAX + 1] = {U32(NFTA_CMP_SREG), U32(NFTA_CMP_OP)};
POLICY range_policy[ATTRS_MAX + 1] = {U32(NFTA_RANGE_SREG), U32(NFTA_RANGE_OP)};
POLICY lookup_policy[ATTRS_MAX + 1] = {TEXT(NFTA_LOOKUP_SET), U32(NFTA_LOOKUP_SREG),
				       U32(NFTA_LOOKUP_DREG), U32(NFTA_LOOKUP_FLAGS)};
POLICY match_policy[ATTRS_MAX + 1] = {TEXT(NFTA_MATCH_NAME), U32(NFTA_MATCH_REV)};
POLICY target_policy[ATTRS_MAX + 1] = {TEXT(NFTA_TARGET_NAME), U32(NFTA_TARGET_REV)};
POLICY nat_policy[ATTRS_MAX + 1] = {U32(NFTA_NAT_TYPE)};
POLICY queue_policy[ATTRS_MAX + 1] = {[NFTA_QUEUE_NUM] = {.type = NLA_U16},
				      [NFTA_QUEUE_TOTAL] = {.type = NLA_U16},
				      [NFTA_QUEUE_FLAGS] = {.type = NLA_U16}};
POLICY immediate_policy[ATTRS_MAX + 1] = {U32(NFTA_IMMEDIATE_DREG)};
POLICY counter_policy[ATTRS_MAX + 1] = {[NFTA_COUNTER_BYTES] = {.type = NLA_U64},
					[NFTA_COUNTER_PACKETS] = {.type = NLA_U64}};
POLICY reject_policy[ATTRS_MAX + 1] = {U32(NFTA_REJECT_TYPE),
				       [NFTA_REJECT_ICMP_CODE] = {.type = NLA_U8}};
POLICY objref_policy[ATTRS_MAX + 1] = {U32(NFTA_OBJREF_IMM_TYPE)};
POLICY dynset_policy[ATTRS_MAX + 1] = {TEXT(NFTA_DYNSET_SET_NAME), U32(NFTA_DYNSET_OP),
				       [NFTA_DYNSET_EXPR] = {.type = NLA_NESTED},
				       [NFTA_DYNSET_EXPRESSIONS] = {.type = NLA_NESTED}};
/* Of expressions that only load: the register, or a source and then the register. */
POLICY first_policy[ATTRS_MAX + 1] = {U32(1)};
POLICY second_policy[ATTRS_MAX + 1] = {U32(1), U32(2)};

static const struct expr_row expr_rows[] = {
	{"counter", STATEMENT, true, nft_decode_counter, counter_policy, 0},
	{"immediate", STATEMENT, true, nft_decode_immediate, immediate_policy, 0},
	{"payload", LOAD, false, decode_payload, payload_policy, 0},
	{"cmp", MATCH, false, decode_cmp, cmp_policy, 0},
	{"meta", LOAD, false, decode_meta, meta_policy, 0},
	{"match", MATCH, false, decode_match, match_policy, 0},
	{"bitwise", LOAD, false, decode_bitwise, bitwise_policy, 0},
	{"lookup", MATCH, true, decode_lookup, lookup_policy, 0},
	{"ct", LOAD, false, decode_ct, ct_policy, 0},
	{"range", MATCH, false, decode_range, range_policy, 0},
	{"target", STATEMENT, true, nft_decode_target, target_policy, 0},
	{"reject", STATEMENT, true, nft_decode_reject, reject_policy, 0},
	{"limit", MATCH, false, decode_rate, nft_rate_policy, 0},
	{"quota", MATCH, false, decode_quota, nft_quota_policy, 0},
	{"connlimit", MATCH, false, decode_connlimit, nft_connlimit_policy, 0},
	{"nat", STATEMENT, true, nft_decode_nat, nat_policy, 0},
	{"masq", STATEMENT, true, nft_decode_masquerade, NULL, 0},
	{"redir", STATEMENT, true, nft_decode_redirect, NULL, 0},
	{"queue", STATEMENT, true, nft_decode_queue, queue_policy, 0},
	{"fwd", STATEMENT, true, nft_decode_forward, NULL, 0},
	{"log", STATEMENT, true, NULL, NULL, 0},
	{"last", STATEMENT, true, NULL, NULL, 0},
	{"notrack", STATEMENT, true, NULL, NULL, 0},
	{"dup", STATEMENT, true, NULL, NULL, 0},
	{"objref", STATEMENT, true, decode_objref, objref_policy, 0},
	{"byteorder", LOAD, false, NULL, second_policy, NFTA_BYTEORDER_DREG},
	{"hash", LOAD, false, NULL, second_policy, NFTA_HASH_DREG},
	{"numgen", LOAD, false, NULL, first_policy, NFTA_NG_DREG},
	{"rt", LOAD, false, NULL, first_policy, NFTA_RT_DREG},
	{"fib", LOAD, false, NULL, first_policy, NFTA_FIB_DREG},
	{"exthdr", LOAD, false, NULL, first_policy, NFTA_EXTHDR_DREG},
	{"dynset", MATCH, false, decode_dynset, dynset_policy, 0},
	/* The rest (socket, osf, xfrm, tunnel, synproxy ...) may match or not. */
	{"", MATCH, false, decode_other_match, NULL, 0},
};

static const struct expr_row *row_of(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(expr_rows) - 1 && strcmp(expr_rows[i].name, name) != 0)
		i++;
	return &expr_rows[i];
}

static int decode_expression(struct nft_decode *d, struct nlattr *expression)
{
	static const struct nla_policy policy[NFTA_EXPR_MAX + 1] = {TEXT(NFTA_EXPR_NAME)};
	struct nlattr *expr[NFTA_EXPR_MAX + 1], *tb[ATTRS_MAX + 1] = {0};
	const struct expr_row *row;

	if (nla_parse_nested(expr, NFTA_EXPR_MAX, expression, policy) < 0 || !expr[NFTA_EXPR_NAME])
		return -EBADMSG;
	row = row_of(nla_get_string(expr[NFTA_EXPR_NAME]));
	/* A counter in front of a match counts what that match lets go by, too. */
	if (row->kind == MATCH)
		d->r->counted = false;
	if (!d->nr->ops && !row->always)
		return 0;
	if (row->policy && expr[NFTA_EXPR_DATA] &&
	    nla_parse_nested(tb, ATTRS_MAX, expr[NFTA_EXPR_DATA], row->policy) < 0)
		return -EBADMSG;
	if (row->decode)
		return row->decode(d, tb);
	return row->dreg ? nft_forget(d, tb[row->dreg]) : 0;
}

/* An accepted packet is not looked for, so only these rules' sets are worth a question. */
static bool wants_sets(const struct rule *r)
{
	return r->verdict != VERDICT_NONE && r->verdict != VERDICT_ACCEPT &&
	       r->verdict != VERDICT_QUEUE;
}

int nft_decode_rule(struct nft_reader *nr, struct rule *r, const struct nlattr *expressions)
{
	struct nft_decode d = {.nr = nr, .set = nr->set, .r = r};
	struct nlattr *list = (struct nlattr *)(uintptr_t)expressions, *expression;
	int left, err;

	d.l3 = nr->family == NFPROTO_IPV4 || nr->family == NFPROTO_IPV6 ? nr->family : 0;
	r->ops_first = nr->set->ops.n;
	r->jump = RULE_NO_CHAIN;
	if (!list)
		return 0;
	nla_for_each_nested(expression, list, left) {
		err = decode_expression(&d, expression);
		if (err < 0)
			return err;
	}
	if (left > 0)
		return -EBADMSG;
	if (!nr->ops)
		return 0;
	if (d.lookups_n && wants_sets(r))
		nft_expand_lookups(nr, r, d.lookups, d.lookups_n);
	if (r->verdict == VERDICT_MAP)
		nft_add_map(nr, r, &d.map);
	r->ops_n = nr->set->ops.n - r->ops_first;
	return 0;
}
