/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tcp.c (the connection) and tcp_loss.c (sequence numbers) share. */
#ifndef WHYDROP_TCP_PARTS_H
#define WHYDROP_TCP_PARTS_H

#include "capture/tcp.h"

/* The bytes of a packet in its sender's sequence space. */
uint32_t tcp_sequence(struct flows *t, struct flow *f, const struct cap_packet *p);
/* What an acknowledgement says of the data of the other side. */
uint32_t tcp_acknowledge(struct flow *f, const struct cap_packet *p);
void tcp_round_trip(struct half *h, int64_t ns);

/* tcp_spurious.c: was it sent again for nothing? RFC 2883, 3522 */
void tcp_note_resent(struct half *h, const struct cap_packet *p, uint32_t end, uint32_t segments);
/* By an ACK that moves on, before `una` does. */
void tcp_needless_by_time(struct half *h, const struct cap_packet *p);
void tcp_needless_by_dsack(struct half *h, const struct cap_packet *p);

/*
 * tcp_damage.c. Is its checksum wrong? All payloads would have to be read for that: it is looked at where
 * something was lost already, and everywhere once one is wrong.
 */
bool tcp_damaged(struct flows *t, struct track *k, const struct cap_packet *p);
/* What is sent again: was it damaged the first time? */
void tcp_note_damage(struct half *h, const struct cap_packet *p, uint32_t end);

void tcp_odd_identification(struct half *h, const struct cap_packet *p, uint32_t notes);

/* The sender counts them on by one for each segment; whatever else they do is looked at apart. */
static inline void tcp_identification(struct half *h, const struct cap_packet *p, uint32_t segments,
				      uint32_t notes)
{
	if (!p->has_id || (p->flags & (TCP_SYN | TCP_RST)))
		return;
	if (p->id != h->id || !(h->bits & HALF_IDS))
		tcp_odd_identification(h, p, notes);
	if (!(notes & NOTE_DUPLICATE) && (int16_t)(p->id + segments - h->id) > 0)
		h->id = (uint16_t)(p->id + segments);
}

static inline uint32_t tcp_length(const struct cap_packet *p)
{
	return p->payload + !!(p->flags & TCP_SYN) + !!(p->flags & TCP_FIN);
}

#endif
