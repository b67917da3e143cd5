/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP's lines as a recording keeps them. What is written reads back the same. */
#ifndef WHYDROP_MODEL_TCP_LINES_JSON_H
#define WHYDROP_MODEL_TCP_LINES_JSON_H

#include <jansson.h>

#include "model/tcp_lines.h"

/* NULL when out of memory, or when a text is no UTF-8. */
json_t *tcp_lines_to_json(const struct tcp_lines *l);
/* -EBADMSG if something is missing or malformed; unknown keys are skipped. */
int tcp_lines_from_json(const json_t *json, struct tcp_lines *ret);

#endif
