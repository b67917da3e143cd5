/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of an accused firewall rule, as `nft` or `iptables-legacy-save` prints them: asked for
 * after the sampling, only for rules that a finding names, by a child inside the namespace (no
 * shell, fixed path). Without these programs, or without room for a child, the handle (legacy: the
 * number in the chain), the target and the counters stand alone.
 */
#ifndef WHYDROP_RULE_TEXT_H
#define WHYDROP_RULE_TEXT_H

#include "cli/session.h"

void add_rule_texts(struct session *s, struct diagnosis *d);
/* Pure: the rule with this handle in `nft -a list chain` output, without the handle; NULL. */
char *rule_text_of(const struct buf *listing, uint64_t handle);
/*
 * Pure: the rule of that number, from 1, in the chain, as `iptables-legacy-save` prints it; NULL if
 * the chain has not that many rules (any more): it changed, and the number may mean another rule.
 */
char *legacy_rule_text_of(const struct buf *listing, const char *chain, uint64_t number,
			  size_t rules);

#endif
