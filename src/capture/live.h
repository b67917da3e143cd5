/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets as they pass a device: AF_PACKET by libpcap, in the network namespace of the thread that
 * opens it. The device is not made promiscuous. Times are the kernel's, in nanoseconds.
 */
#ifndef WHYDROP_CAPTURE_LIVE_H
#define WHYDROP_CAPTURE_LIVE_H

#include "capture/reader.h"

#define LIVE_WAIT_MS 50 /* the kernel hands packets over after twice that, be they ever so few */

struct live;

/*
 * device "any": all there are, with cooked headers (SLL2). filter: pcap-filter(7), NULL none; it must
 * be known to compile. *ret_denied: what is missing is a privilege (CAP_NET_RAW), and *message is
 * left to the caller.
 */
int live_open(const char *device, const char *filter, uint32_t snaplen, struct live **ret,
	      bool *ret_denied, struct buf *message);
uint16_t live_linktype(const struct live *l);
/*
 * 1: a packet, whose bytes are valid until the next call; `number` is its place among all. 0: none
 * within LIVE_WAIT_MS. -ENODEV: the device is gone, or went down: live_error() says which.
 */
int live_next(struct live *l, struct raw_packet *ret);
const char *live_error(struct live *l);
/* Packets that passed the filter and found no room in the ring. False: the kernel does not tell. */
bool live_missed(struct live *l, uint64_t *ret);
void live_close(struct live *l);

#endif
