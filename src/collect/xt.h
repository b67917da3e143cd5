/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extension matches and targets of x_tables, as legacy iptables and iptables-nft both carry them. */
#ifndef WHYDROP_XT_H
#define WHYDROP_XT_H

#include "model/rule.h"

/* Adds what a match asks to set->ops; a match that is not known here becomes OP_UNKNOWN. */
void xt_match(struct ruleset *set, struct rule *r, const char *name, unsigned int revision,
	      const void *info, size_t size);
/* What a target of that name ends in. Unknown ones go on to the next rule, as most do. */
enum rule_verdict xt_target(const char *name);
/* Whose address a target of that name writes anew. */
enum rule_nat xt_nat(const char *name);
/* The queues of an NFQUEUE target with this data. */
void xt_queue(struct rule *r, unsigned int revision, const void *info, size_t size);
/* enum rule_answer of a REJECT target with this data. */
uint8_t xt_answer(bool v6, const void *info, size_t size);

#endif
