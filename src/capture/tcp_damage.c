// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Damage on the way: a segment with a wrong checksum that was sent again. One that is wrong and was
 * acknowledged is an artefact of the capture.
 */
#include "capture/tcp_parts.h"

#define SUMS_MAX 64 /* since the last loss, as long as none is wrong anywhere: the losses have another cause */

bool tcp_damaged(struct flows *t, struct track *k, const struct cap_packet *p)
{
	enum checksum sum;

	if (k->sums >= SUMS_MAX && !t->checksums[CHECKSUM_WRONG])
		return false;
	sum = checksum_of(p);
	t->checksums[sum]++;
	k->sums = sum == CHECKSUM_WRONG ? 0 : k->sums + 1;
	return sum == CHECKSUM_WRONG;
}

void tcp_note_damage(struct half *h, const struct cap_packet *p, uint32_t end)
{
	if (!h->track)
		return;
	h->track->sums = 0;
	for (size_t i = 0; i < SEGMENTS_KEPT; i++) {
		struct segment *s = &h->track->sent[i];

		if (!s->damaged || !seq_before(p->seq, s->end) || !seq_before(s->seq, end))
			continue;
		s->damaged = false;
		if (!h->corrupt++)
			h->first_corrupt = p->number;
	}
}
