/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure half of collect_iptables. */
#ifndef WHYDROP_IPTABLES_H
#define WHYDROP_IPTABLES_H

#include "base/buf.h"
#include "model/rule.h"

/*
 * One table as IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES (or their IPv6 twins) answer. Adds its chains
 * and rules, with their matches if `ops`; -EBADMSG if the bytes are not that.
 */
int parse_iptables(uint8_t family, const char *table, const struct buf *info,
		   const struct buf *entries, bool ops, struct ruleset *set);

#endif
