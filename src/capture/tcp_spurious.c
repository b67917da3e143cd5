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
	if ((h->bits & HALF_UNA) && p->seq == h->una && p->has_ts) {
		h->bits |= HALF_RESENT;
		k->first = k->resent_at;
	}
	k->resent[k->resent_at] = (struct resent){p->seq, end, p->tsval, segments};
	k->resent_at = (k->resent_at + 1) % RESENT_KEPT;
}

/*
 * Of the first that is missing only: its ACK echoes the time of the segment that filled the hole. That of
 * a later hole may have been filled before.
 */
void tcp_needless_by_time(struct half *h, const struct cap_packet *p)
{
	struct track *k = h->track;
	struct resent *r;

	h->bits &= ~(uint32_t)HALF_RESENT;
	if (!k || !p->has_ts)
		return;
	r = &k->resent[k->first];
	if (!r->segments || r->seq != h->una || seq_before(p->ack, r->end) || !seq_before(p->tsecr, r->tsval))
		return;
	h->spurious += r->segments;
	r->segments = 0;
}

void tcp_needless_by_dsack(struct half *h, const struct cap_packet *p)
{
	struct track *k = h->track;

	for (size_t i = 0; k && i < RESENT_KEPT; i++) {
		struct resent *r = &k->resent[i];

		if (!r->segments || seq_before(r->seq, p->sack[0].from) || seq_before(p->sack[0].to, r->end))
			continue;
		h->spurious += r->segments;
		r->segments = 0;
		return;
	}
}
