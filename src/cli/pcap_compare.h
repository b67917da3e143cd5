/* SPDX-License-Identifier: GPL-2.0-or-later */
/* whydrop pcap --compare */
#ifndef WHYDROP_PCAP_COMPARE_H
#define WHYDROP_PCAP_COMPARE_H

#include "render/render.h"

#define COMPARED_MAX 8

/* Captures in the order of the path. Returns the exit status. */
int pcap_compare(char *const *paths, size_t n, bool json, enum color_mode color);

#endif
