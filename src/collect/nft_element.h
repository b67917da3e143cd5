/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One element of a set or verdict map of nf_tables, as NFT_MSG_GETSETELEM gives it
 * (net/netfilter/nf_tables_api.c nf_tables_fill_setelem). Intervals come as two elements, the
 * second flagged NFT_SET_ELEM_INTERVAL_END and one past the last, in any order; or, from newer
 * kinds of sets, as one element with a closing key.
 */
#ifndef WHYDROP_NFT_ELEMENT_H
#define WHYDROP_NFT_ELEMENT_H

#include "base/buf.h"

#define NFT_KEY_MAX 16

struct nlattr;

struct nft_element {
	uint8_t low[NFT_KEY_MAX], high[NFT_KEY_MAX];
	size_t size; /* bytes of each */
	bool all;    /* the catch-all "*" */
	bool end;    /* the first key that is no longer of the interval before it */
	bool closed; /* high is given */
	struct nlattr *data; /* of a map: NFTA_SET_ELEM_DATA, within the answer; NULL none */
};

struct nft_element_list {
	VEC(struct nft_element) list;
	bool intervals; /* nft_close_intervals is needed */
};

/* NFTA_LIST_ELEM. -E2BIG past 4,096 elements, or for a key of several fields. */
int nft_read_element(struct nlattr *attr, struct nft_element_list *to);
/* Gives every interval its last key and forgets the ends. */
void nft_close_intervals(struct nft_element_list *l);

#endif
