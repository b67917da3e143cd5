// SPDX-License-Identifier: GPL-2.0-or-later
/* A comparison of what a register holds, said in neutral terms. */
#include <linux/if_ether.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_tables.h>

#include "collect/nft.h"

/* NF_CT_STATE_INVALID_BIT, NF_CT_STATE_BIT() of nf_conntrack_common.h */
#define CT_STATE_INVALID (1u << 0)
#define CT_STATE_ESTABLISHED (1u << 1)
#define CT_STATE_NEW (1u << 3)

static uint16_t port_of(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static bool address_op(const struct nft_slot *slot, const uint8_t *low, const uint8_t *high,
		       size_t size, struct rule_op *op)
{
	bool source = slot->field == NFT_FIELD_SADDR, one = memcmp(low, high, size) == 0;
	size_t whole = slot->family == AF_INET6 ? 16 : 4;

	/* A prefix of whole bytes is compared by loading only those. */
	if (size > whole || size != slot->length || (slot->masked && !one))
		return false;
	op->length = (uint8_t)whole;
	memcpy(op->value, low, size);
	if (one) {
		op->kind = source ? OP_SOURCE : OP_DESTINATION;
		memset(op->mask, 0xff, size);
		if (slot->masked)
			memcpy(op->mask, slot->mask, size);
		return true;
	}
	op->kind = source ? OP_SOURCE_RANGE : OP_DESTINATION_RANGE;
	memset(op->mask, 0xff, whole);
	memcpy(op->mask, high, size);
	return true;
}

static bool port_op(const struct nft_slot *slot, const uint8_t *low, const uint8_t *high,
		    size_t size, struct rule_op *op)
{
	if (size != 2 || slot->masked)
		return false;
	op->kind = slot->field == NFT_FIELD_SPORT ? OP_SPORT : OP_DPORT;
	op->low = port_of(low);
	op->high = port_of(high);
	return true;
}

static bool family_op(const struct nft_slot *slot, const uint8_t *value, size_t size,
		      struct rule_op *op)
{
	op->kind = OP_FAMILY;
	if (slot->field == NFT_FIELD_NFPROTO && size >= 1) {
		op->value[0] = value[0]; /* NFPROTO_IPV4 and _IPV6 are AF_INET and AF_INET6 */
		return true;
	}
	if (slot->field != NFT_FIELD_ETHERTYPE || size != 2)
		return false;
	switch (port_of(value)) {
	case ETH_P_IP:
		op->value[0] = AF_INET;
		return true;
	case ETH_P_IPV6:
		op->value[0] = AF_INET6;
		return true;
	case ETH_P_8021Q:
	case ETH_P_8021AD:
		return false; /* IP may be behind the tag */
	default:
		op->kind = OP_NEVER; /* only IP packets are walked */
		return true;
	}
}

static bool device_op(const struct nft_slot *slot, const uint8_t *value, size_t size,
		      struct rule_op *op)
{
	bool in = slot->field == NFT_FIELD_IIF || slot->field == NFT_FIELD_IIFNAME;

	op->kind = in ? OP_IN_DEVICE : OP_OUT_DEVICE;
	if (slot->field == NFT_FIELD_IIF || slot->field == NFT_FIELD_OIF) {
		if (size != 4)
			return false;
	} else {
		op->length = (uint8_t)size;
	}
	memcpy(op->value, value, size);
	return size > 0;
}

/* Bits in the host's byte order (NF_CT_STATE_BIT). */
static uint16_t ct_bits(const uint8_t *value)
{
	uint16_t bits = 0;
	uint32_t mask;

	memcpy(&mask, value, sizeof(mask));
	bits |= mask & CT_STATE_INVALID ? RULE_CT_INVALID : 0;
	bits |= mask & CT_STATE_ESTABLISHED ? RULE_CT_ESTABLISHED : 0;
	bits |= mask & CT_STATE_NEW ? RULE_CT_NEW : 0;
	bits |= mask & ~(CT_STATE_INVALID | CT_STATE_ESTABLISHED | CT_STATE_NEW) ? RULE_CT_OTHER
										 : 0;
	return bits;
}

bool nft_range_op(const struct nft_slot *slot, const uint8_t *low, const uint8_t *high, size_t size,
		  struct rule_op *ret)
{
	struct rule_op op = {0};
	bool done = false;

	if (size == 0 || size > sizeof(op.value))
		return false;
	if (slot->field == NFT_FIELD_SADDR || slot->field == NFT_FIELD_DADDR)
		done = address_op(slot, low, high, size, &op);
	else if (slot->field == NFT_FIELD_SPORT || slot->field == NFT_FIELD_DPORT)
		done = port_op(slot, low, high, size, &op);
	if (done) {
		*ret = op;
		return true;
	}
	if (slot->masked || memcmp(low, high, size) != 0)
		return false;
	switch (slot->field) {
	case NFT_FIELD_L4PROTO:
		op.kind = OP_PROTOCOL;
		op.value[0] = low[0];
		done = size == 1;
		break;
	case NFT_FIELD_NFPROTO:
	case NFT_FIELD_ETHERTYPE:
		done = family_op(slot, low, size, &op);
		break;
	case NFT_FIELD_IIF:
	case NFT_FIELD_OIF:
	case NFT_FIELD_IIFNAME:
	case NFT_FIELD_OIFNAME:
		done = device_op(slot, low, size, &op);
		break;
	case NFT_FIELD_CT_STATE:
		op.kind = OP_CT_STATE;
		op.low = size == 4 ? ct_bits(low) : 0;
		done = op.low != 0;
		break;
	default:
		break;
	}
	if (done)
		*ret = op;
	return done;
}

/* `ct state invalid,new` is (state & mask) != 0. */
static bool masked_state(const struct nft_slot *slot, uint32_t op, const uint8_t *value,
			 size_t size, struct rule_op *ret)
{
	if (slot->field != NFT_FIELD_CT_STATE || !slot->masked || size != 4 ||
	    memcmp(value, "\0\0\0", 4) != 0)
		return false;
	ret->kind = OP_CT_STATE;
	ret->low = ct_bits(slot->mask);
	ret->negated = op == NFT_CMP_EQ;
	return op == NFT_CMP_EQ || op == NFT_CMP_NEQ;
}

bool nft_cmp_op(const struct nft_slot *slot, uint32_t how, const uint8_t *value, size_t size,
		struct rule_op *ret)
{
	uint8_t ends[16];
	bool done;

	if (size > sizeof(ends))
		return false;
	if (masked_state(slot, how, value, size, ret))
		return true;
	switch (how) {
	case NFT_CMP_EQ:
	case NFT_CMP_NEQ:
		done = nft_range_op(slot, value, value, size, ret);
		ret->negated = how == NFT_CMP_NEQ;
		return done;
	case NFT_CMP_GTE:
	case NFT_CMP_LT: /* the opposite */
		memset(ends, 0xff, sizeof(ends));
		done = !slot->masked && nft_range_op(slot, value, ends, size, ret);
		ret->negated = how == NFT_CMP_LT;
		return done;
	case NFT_CMP_LTE:
	case NFT_CMP_GT:
		memset(ends, 0, sizeof(ends));
		done = !slot->masked && nft_range_op(slot, ends, value, size, ret);
		ret->negated = how == NFT_CMP_GT;
		return done;
	default:
		return false;
	}
}
