/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong in a capture, as findings: the same struct that a host's diagnosis has. */
#ifndef WHYDROP_CAUSES_CAPTURE_H
#define WHYDROP_CAUSES_CAPTURE_H

#include "capture/analysis.h"
#include "causes/cause.h"

extern const struct cause_row capture_causes[];
extern const size_t capture_causes_n;
const struct cause_row *capture_cause(const char *id); /* NULL: none has that id */

/*
 * Fills `ret`, worst first; its one observation has the capture's length and nothing else.
 * diagnosis_done() gives it back. `host`: the diagnosis of the host that captured, of the same time;
 * its findings that explain the capture's become these, and leave it. They refer to its observations.
 * NULL: none.
 */
void capture_diagnose(const struct analysis *a, struct diagnosis *host, struct diagnosis *ret);
/* Sorts the findings, and makes the verdict of them. */
void capture_worst_first(struct diagnosis *d);
/* "10.0.0.1:80", "[::1]:80" */
const char *endpoint_text(const struct endpoint *e, char *to, size_t size);

#endif
