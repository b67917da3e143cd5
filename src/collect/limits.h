/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matches that limit: nf_tables' expressions and x_tables' matches, said in the same terms. */
#ifndef WHYDROP_LIMITS_H
#define WHYDROP_LIMITS_H

#include <netlink/attr.h>

#include "model/rule.h"

/* Each adds to set->limits, for the rule that is being read. */

/* "limit", "quota" or "connlimit" with its attributes; of a named one there are none (NULL). */
void nft_add_limit(struct ruleset *set, const char *name, struct nlattr **tb);
/* The same of a whole expression; false: it is none of them. */
bool nft_add_limit_of(struct ruleset *set, struct nlattr *expression);
/* A match; false: it limits nothing, as it is used there. */
bool xt_add_limit(struct ruleset *set, const char *name, unsigned int revision, const void *info,
		  size_t size);

/* The attributes of these three; as long as the policies of nft_expr.c. */
#define NFT_LIMIT_ATTRS 15
extern const struct nla_policy nft_rate_policy[NFT_LIMIT_ATTRS + 1];
extern const struct nla_policy nft_quota_policy[NFT_LIMIT_ATTRS + 1];
extern const struct nla_policy nft_connlimit_policy[NFT_LIMIT_ATTRS + 1];

#endif
