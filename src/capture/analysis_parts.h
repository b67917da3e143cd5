/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What analysis.c (packets) and analysis_judge.c (connections that are over) share. */
#ifndef WHYDROP_ANALYSIS_PARTS_H
#define WHYDROP_ANALYSIS_PARTS_H

#include "capture/analysis.h"

void analysis_flow_over(void *context, struct flow *f);
void analysis_syn_over(void *context, const struct lone_syn *h);
/* One of that kind more; `key` and `client` tell of whom. */
struct trouble *analysis_trouble(struct analysis *a, enum trouble_kind kind,
				 const struct flow_key *key, uint8_t client, bool at_client);
struct server *analysis_server(struct analysis *a, const struct flow_key *key, uint8_t end);

#endif
