/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened between captures of the same traffic, as findings. */
#ifndef WHYDROP_CAUSES_COMPARE_H
#define WHYDROP_CAUSES_COMPARE_H

#include "capture/compare.h"
#include "causes/cause.h"

/* The hops in the order of the path. diagnosis_done() gives it back. */
void compare_diagnose(const struct hop *hops, size_t n, struct diagnosis *ret);
/* "10.0.0.1:4000 to 10.0.0.2:80", in the words of the capture where it entered the hop. */
const char *hop_flow_text(const struct hop *h, uint8_t side, uint32_t flow, uint8_t from, char *to, size_t size);
/* The capture in which the packets of that way come first. */
static inline uint8_t way_begins(enum way w)
{
	return w == WAY_THERE ? 0 : 1;
}
const char *change_name(enum hop_change_kind c);

#endif
