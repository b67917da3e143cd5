/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dropped packets one by one: a line each for people, an object each, and a capture file. */
#ifndef WHYDROP_RENDER_PACKETS_H
#define WHYDROP_RENDER_PACKETS_H

#include "capture/pcapng.h"
#include "render/out.h"
#include "watch/events.h"

/* "kfree_skb_reason+0x4f" for an address of the kernel; NULL: it has no name. */
typedef const char *frame_name_fn(uint64_t address, void *arg);

struct packet_style {
	struct text_style text;
	frame_name_fn *frame; /* NULL: bare addresses */
	void *frame_arg;
};

/* Ends with a newline; the frames of a stack follow, one in a line. */
void render_packet(const struct packet_event *p, const struct packet_style *style,
		   struct buf *ret);
/* Schema whydrop.watch/1: the line of a packet. */
json_t *render_packet_json(const struct packet_event *p, const struct packet_style *style);

/* "192.0.2.1:4000 > 192.0.2.2:53 udp" */
void packet_flow_words(const struct packet_event *p, struct buf *ret);
/* Its namespace's name, else its number. */
void packet_netns_words(const struct packet_event *p, struct buf *ret);
/* "S.", "none" */
const char *tcp_flags_text(uint8_t flags, char *to, size_t size);
/* What a capture file says of it: "reason NO_SOCKET at __udp4_lib_rcv, cause udp-noport, ..." */
void packet_comment(const struct packet_event *p, struct buf *ret);
/* What a capture file holds of it; false: no header is left that one could read it by. */
bool packet_bytes(const struct packet_event *p, struct pcapng_packet *ret, uint16_t *ret_linktype);

#endif
