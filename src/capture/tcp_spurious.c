// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What was sent again for nothing, because the first copy had arrived. Where the capture is behind
 * most of the way the ACK was seen before (tcp_loss.c). At the sender two signs tell: a D-SACK names the
 * bytes (RFC 2883), or the ACK that covers them echoes a time before they were sent again (Eifel,
 * RFC 3522). A D-SACK of bytes that were not sent again is of a packet that the network doubled.
 */
#include "capture/tcp_parts.h"

void tcp_note_resent(struct half *h, const struct cap_packet *p, uint32_t end, uint32_t segments)
{
	struct track *k = h->track;

	if (!k)
		return;
	k->resent[k->resent_at++ % RESENT_KEPT] = (struct resent){
		.seq = p->seq, .end = end, .tsval = p->tsval, .has_ts = p->has_ts,
		.segments = (uint16_t)MIN(segments, (uint32_t)UINT16_MAX),
		.first = (h->bits & HALF_UNA) && p->seq == h->una,
	};
}

/*
 * Of the first that is missing only: its ACK echoes the time of the segment that filled the hole. That of
 * a later hole may have been filled before.
 */
void tcp_needless_by_time(struct half *h, const struct cap_packet *p)
{
	struct track *k = h->track;

	for (size_t i = 0; k && k->resent_at && p->has_ts && i < RESENT_KEPT; i++) {
		struct resent *r = &k->resent[i];

		if (!r->segments || !r->first || !r->has_ts || r->seq != h->una || seq_before(p->ack, r->end) ||
		    !seq_before(p->tsecr, r->tsval))
			continue;
		h->spurious += r->segments;
		r->segments = 0;
	}
}

void tcp_needless_by_dsack(struct half *h, const struct cap_packet *p)
{
	struct track *k = h->track;

	for (size_t i = 0; k && k->resent_at && i < RESENT_KEPT; i++) {
		struct resent *r = &k->resent[i];

		if (!r->segments || seq_before(r->seq, p->sack[0].from) || seq_before(p->sack[0].to, r->end))
			continue;
		h->spurious += r->segments;
		r->segments = 0;
		return;
	}
}
