/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two ways to ask a driver, as pure functions: what the kernel answered in, a device out. */
#ifndef WHYDROP_ETHTOOL_H
#define WHYDROP_ETHTOOL_H

#include "collect/collect.h"

/* Asks everything that netlink tells about the devices of s->nics; parts that a kernel does not
 * have stay unknown. -EBADMSG for an answer that is malformed. */
int ethtool_netlink(struct host *h, struct snapshot *s);

/* Each takes one answer: message by message into the device of s->nics it names. */
int parse_ethtool_linkmodes(const struct buf *answer, struct snapshot *s);
int parse_ethtool_linkstate(const struct buf *answer, struct snapshot *s);
int parse_ethtool_rings(const struct buf *answer, struct snapshot *s);
int parse_ethtool_channels(const struct buf *answer, struct snapshot *s);
int parse_ethtool_pause(const struct buf *answer, struct snapshot *s);
int parse_ethtool_coalesce(const struct buf *answer, struct snapshot *s);
int parse_ethtool_groups(const struct buf *answer, struct snapshot *s);

/* Which bit of a feature set is which feature: the kernel's numbers change. 0xff: it has it not. */
struct feature_bits {
	uint8_t bit[NIC_FEATURE_N];
};
int parse_ethtool_feature_names(const struct buf *answer, struct feature_bits *ret);
int parse_ethtool_features(const struct buf *answer, const struct feature_bits *bits,
			   struct snapshot *s);

/* Adds link mode number `bit` of a set to the best known so far. */
void nic_mode_add(struct nic_mode *best, unsigned int bit);

int parse_qstats(const struct buf *answer, struct snapshot *s);

#endif
