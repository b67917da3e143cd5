/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filters in the language of pcap-filter(7), and where one that does not compile goes wrong. */
#ifndef WHYDROP_PACKET_FILTER_H
#define WHYDROP_PACKET_FILTER_H

#include "base/buf.h"

struct bpf_program;

/* `dlt`: DLT_* of the packets; `message`, where not NULL, says what is wrong, and where. */
bool packet_filter_compile(const char *expression, int dlt, struct bpf_program *ret,
			   struct buf *message);

#endif
