/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checksum of a TCP segment (RFC 1071), where all of its bytes were captured. On the host that sends,
 * the device fills it in behind the capture: there the field has the sum of the pseudo-header alone, not
 * complemented (CHECKSUM_PARTIAL, include/linux/skbuff.h), or nothing.
 */
#ifndef WHYDROP_CHECKSUM_H
#define WHYDROP_CHECKSUM_H

#include "capture/packet.h"

/* Unknown: some bytes are not here. */
enum checksum { CHECKSUM_UNKNOWN, CHECKSUM_RIGHT, CHECKSUM_LEFT_OUT, CHECKSUM_WRONG, CHECKSUM_N };

enum checksum checksum_of(const struct cap_packet *p);

#endif
