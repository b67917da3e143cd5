/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drops as a recording keeps them. What is written reads back the same. */
#ifndef WHYDROP_MODEL_DROPS_JSON_H
#define WHYDROP_MODEL_DROPS_JSON_H

#include <jansson.h>

#include "model/drops.h"

/* NULL when out of memory, or when a text is no UTF-8. */
json_t *drops_to_json(const struct drops *d);
/* -EBADMSG if something is missing or malformed; unknown keys are skipped. */
int drops_from_json(const json_t *json, struct drops *ret);

#endif
