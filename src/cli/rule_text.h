/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of an accused firewall rule, as `nft` prints them: asked for after the sampling, only
 * for rules that a finding names, by a child inside the namespace (no shell, fixed path). Without
 * nft, or without room for a child, the handle and counters stand alone.
 */
#ifndef WHYDROP_RULE_TEXT_H
#define WHYDROP_RULE_TEXT_H

#include "cli/session.h"

void add_rule_texts(struct session *s, struct diagnosis *d);
/* Pure: the rule with this handle in `nft -a list chain` output, without the handle; NULL. */
char *rule_text_of(const struct buf *listing, uint64_t handle);

#endif
