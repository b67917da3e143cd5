/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What decoding one nf_tables rule is made of: nft_expr.c runs it, nft_statement.c knows verdicts. */
#ifndef WHYDROP_NFT_DECODE_H
#define WHYDROP_NFT_DECODE_H

#include <netlink/attr.h>

#include "collect/nft.h"

#define NFT_REGISTERS 16 /* of 32 bits */
#define NFT_LOOKUPS_MAX 8

/* A rule being decoded: the register file, and the sets it was looked up in. */
struct nft_decode {
	struct nft_reader *nr;
	struct ruleset *set;
	struct rule *r;
	uint8_t l3; /* AF_* that network header offsets mean; 0: not settled yet */
	struct nft_slot slots[NFT_REGISTERS];
	struct nft_lookup lookups[NFT_LOOKUPS_MAX], map;
	size_t lookups_n;
};

/* An attribute in host byte order. */
uint32_t nft_u32(struct nlattr *attr, uint32_t otherwise);
/* Loads of what is not followed here (hash, fib, numgen ...): DREG is attribute `reg` of each. */
int nft_forget(struct nft_decode *d, struct nlattr *reg);

/* Statements; tb holds the attributes of the expression. -EBADMSG if they are not that. */
int nft_decode_counter(struct nft_decode *d, struct nlattr **tb);
int nft_decode_immediate(struct nft_decode *d, struct nlattr **tb);
int nft_decode_target(struct nft_decode *d, struct nlattr **tb);
int nft_decode_reject(struct nft_decode *d, struct nlattr **tb);
int nft_decode_nat(struct nft_decode *d, struct nlattr **tb);
int nft_decode_masquerade(struct nft_decode *d, struct nlattr **tb);
int nft_decode_redirect(struct nft_decode *d, struct nlattr **tb);
int nft_decode_queue(struct nft_decode *d, struct nlattr **tb);
int nft_decode_forward(struct nft_decode *d, struct nlattr **tb);

#endif
