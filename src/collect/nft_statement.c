// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a rule does with a packet, and how often: nf_tables' statements and those of iptables'
 * targets (net/netfilter/nft_immediate.c, nft_reject.c, nft_nat.c, nft_queue.c, nft_compat.c ...).
 */
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#include "base/intern.h"
#include "collect/nft_decode.h"
#include "collect/xt.h"

int nft_decode_counter(struct nft_decode *d, struct nlattr **tb)
{
	if (!tb[NFTA_COUNTER_PACKETS] || !tb[NFTA_COUNTER_BYTES])
		return -EBADMSG;
	d->r->counted = true;
	d->r->packets = be64toh(nla_get_u64(tb[NFTA_COUNTER_PACKETS]));
	d->r->bytes = be64toh(nla_get_u64(tb[NFTA_COUNTER_BYTES]));
	return 0;
}

int nft_decode_immediate(struct nft_decode *d, struct nlattr **tb)
{
	const char *chain = NULL;

	if (nft_u32(tb[NFTA_IMMEDIATE_DREG], 1) != NFT_REG_VERDICT)
		return nft_forget(d, tb[NFTA_IMMEDIATE_DREG]);
	d->r->verdict = nft_verdict(d->nr, tb[NFTA_IMMEDIATE_DATA], &d->r->jump, &chain);
	if (chain)
		d->r->target = intern(chain, strlen(chain));
	return 0;
}

int nft_decode_target(struct nft_decode *d, struct nlattr **tb)
{
	const char *name = tb[NFTA_TARGET_NAME] ? nla_get_string(tb[NFTA_TARGET_NAME]) : "";

	d->r->verdict = xt_target(name);
	d->r->nat = (uint8_t)xt_nat(name);
	if (d->r->verdict == VERDICT_QUEUE && tb[NFTA_TARGET_INFO])
		xt_queue(d->r, nft_u32(tb[NFTA_TARGET_REV], 0), nla_data(tb[NFTA_TARGET_INFO]),
			 (size_t)nla_len(tb[NFTA_TARGET_INFO]));
	if (d->r->verdict == VERDICT_REJECT && tb[NFTA_TARGET_INFO])
		d->r->answer = xt_answer(d->nr->family == NFPROTO_IPV6,
					 nla_data(tb[NFTA_TARGET_INFO]),
					 (size_t)nla_len(tb[NFTA_TARGET_INFO]));
	d->r->target = intern(name, strlen(name));
	return 0;
}

/* Codes of "destination unreachable", ICMP's type 3 and ICMPv6's type 1. */
static enum rule_answer icmp_answer(bool v6, uint8_t code)
{
	if (code == (v6 ? 4 : 3))
		return REJECT_PORT;
	if (v6 ? code == 1 || code == 5 || code == 6 : code == 9 || code == 10 || code == 13)
		return REJECT_PROHIBITED;
	return REJECT_UNREACHABLE;
}

/* net/netfilter/nft_reject.c: the code is ICMP's, ICMPv6's, or for both one of NFT_REJECT_ICMPX_*. */
int nft_decode_reject(struct nft_decode *d, struct nlattr **tb)
{
	static const uint8_t icmpx[] = {[NFT_REJECT_ICMPX_NO_ROUTE] = REJECT_UNREACHABLE,
					[NFT_REJECT_ICMPX_PORT_UNREACH] = REJECT_PORT,
					[NFT_REJECT_ICMPX_HOST_UNREACH] = REJECT_UNREACHABLE,
					[NFT_REJECT_ICMPX_ADMIN_PROHIBITED] = REJECT_PROHIBITED};
	uint32_t type = nft_u32(tb[NFTA_REJECT_TYPE], UINT32_MAX);
	uint8_t code = tb[NFTA_REJECT_ICMP_CODE] ? nla_get_u8(tb[NFTA_REJECT_ICMP_CODE]) : 0;

	d->r->verdict = VERDICT_REJECT;
	if (type == NFT_REJECT_TCP_RST)
		d->r->answer = REJECT_RESET;
	else if (type == NFT_REJECT_ICMP_UNREACH)
		d->r->answer = (uint8_t)icmp_answer(d->l3 == AF_INET6, code);
	else if (type == NFT_REJECT_ICMPX_UNREACH && code < ARRAY_SIZE(icmpx))
		d->r->answer = icmpx[code];
	return 0;
}

int nft_decode_nat(struct nft_decode *d, struct nlattr **tb)
{
	d->r->verdict = VERDICT_ACCEPT;
	d->r->nat = nft_u32(tb[NFTA_NAT_TYPE], NFT_NAT_SNAT) == NFT_NAT_SNAT ? NAT_SOURCE
									     : NAT_DESTINATION;
	return 0;
}

int nft_decode_masquerade(struct nft_decode *d, struct nlattr **tb)
{
	(void)tb;
	d->r->verdict = VERDICT_ACCEPT;
	d->r->nat = NAT_SOURCE;
	return 0;
}

int nft_decode_redirect(struct nft_decode *d, struct nlattr **tb)
{
	(void)tb;
	d->r->verdict = VERDICT_ACCEPT;
	d->r->nat = NAT_DESTINATION;
	return 0;
}

/* net/netfilter/nft_queue.c; without a number it stands in a register. */
int nft_decode_queue(struct nft_decode *d, struct nlattr **tb)
{
	struct rule *r = d->r;

	r->verdict = VERDICT_QUEUE;
	r->to_queue = true;
	if (!tb[NFTA_QUEUE_NUM])
		return 0;
	r->queue = ntohs(nla_get_u16(tb[NFTA_QUEUE_NUM]));
	r->queues = tb[NFTA_QUEUE_TOTAL] ? ntohs(nla_get_u16(tb[NFTA_QUEUE_TOTAL])) : 1;
	if (tb[NFTA_QUEUE_FLAGS])
		r->bypass = ntohs(nla_get_u16(tb[NFTA_QUEUE_FLAGS])) & NFT_QUEUE_FLAG_BYPASS;
	return 0;
}

int nft_decode_forward(struct nft_decode *d, struct nlattr **tb)
{
	(void)tb;
	d->r->verdict = VERDICT_QUEUE;
	return 0;
}
