/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings as JSON. */
#ifndef WHYDROP_JSON_FINDING_H
#define WHYDROP_JSON_FINDING_H

#include <jansson.h>

#include "causes/cause.h"

json_t *finding_json(const struct diagnosis *d, const struct finding *f);
/* Of what is over: how much, where, and how long it is that this was counted. */
json_t *before_json(const struct diagnosis *d);
json_t *evidence_json(const struct evidence *list, size_t n);
#define EVIDENCE_JSON(list) evidence_json((list)->items, (list)->n)

#endif
