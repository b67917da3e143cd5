/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WHYDROP_LOCALS_H
#define WHYDROP_LOCALS_H

#include "collect/host.h"
#include "model/rule.h"

/*
 * The namespace's own addresses, where a rule or policy drops: they tell which hooks a dropped
 * packet met. Without them (they could not be read) it is walked through all.
 */
void read_locals(struct host *h, struct ruleset *set);
/* The pure half: an RTM_GETADDR dump. */
int parse_locals(const struct buf *answer, struct ruleset *set);

#endif
