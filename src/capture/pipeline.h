/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole capture through its analysis, with two processors if there are two: one thread reads and
 * decodes, the calling one follows the connections. It gets the packets one after the other in the
 * capture's order, so that what comes out is the same as with one.
 *
 * Measured on 2 cores with 2.5 million packets of 128 bytes: reading and decoding are two fifths of
 * the work. To share the connections by their hash would need two tables, whose findings, numbers and
 * memory would depend on how they were shared.
 */
#ifndef WHYDROP_PIPELINE_H
#define WHYDROP_PIPELINE_H

#include "capture/analysis.h"

/* Leaves in place those that are wanted, in their order; returns how many. Called in either thread. */
typedef size_t pipeline_filter(void *context, struct raw_packet *p, size_t n);

/* `filter` NULL: all. */
void pipeline_run(struct reader *r, pipeline_filter *filter, void *context, struct analysis *a);

#endif
