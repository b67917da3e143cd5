// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/tcp_parts.h"

#define STEPS_LEAST 40	 /* fewer are no series */
#define GAP_MAX 64	 /* packets lost in a row, and how late one may come */
#define ONES_SHARE 95	 /* per cent of the steps: else others count with it */

/* `whole`: it may not be fragmented, and is not: others have identifications of another series. */
void ipid_take(struct id_count *c, uint16_t id, bool whole, uint64_t number)
{
	int16_t step = (int16_t)(id - c->last);

	/* 0 is the one after 65535 only. */
	if (!whole || (!id && !(c->seen && c->last == UINT16_MAX))) {
		c->wild = true;
		return;
	}
	if (!c->seen) {
		c->seen = true;
		c->last = id;
		return;
	}
	c->steps++;
	if (step < 0 && step > -GAP_MAX && c->missing) {
		/* It was overtaken, and is not missing after all. */
		c->missing--;
		c->steps--;
		return;
	}
	c->ones += step == 1;
	c->wild |= step <= 0 || step > GAP_MAX;
	if (step > 1 && step <= GAP_MAX) {
		if (!c->missing)
			c->first_gap = (uint32_t)number;
		c->missing += (uint32_t)step - 1;
	}
	c->last = id;
}

uint32_t ipid_lost(const struct id_count *c)
{
	if (c->wild || c->steps < STEPS_LEAST || (uint64_t)c->ones * 100 <= (uint64_t)c->steps * ONES_SHARE)
		return 0;
	return c->missing;
}

/*
 * TCP: SYN-ACKs and resets of no socket have 0. One that was overtaken is not missing after all; the same
 * packet twice says nothing.
 */
void tcp_odd_identification(struct half *h, const struct cap_packet *p, uint32_t notes)
{
	int16_t step = (int16_t)(p->id - h->id);

	if (!(h->bits & HALF_IDS)) {
		h->bits |= HALF_IDS;
		h->id = p->id;
		return;
	}
	if (notes & NOTE_DUPLICATE)
		return;
	if (!(p->ip[6] & 0x40) || p->fragment || step > GAP_MAX || step <= -GAP_MAX || (!p->id && step)) {
		h->bits |= HALF_IDS_WILD;
	} else if (step < 0) {
		h->id_missing -= h->id_missing > 0;
	} else {
		h->id_jumps++;
		if (!h->id_missing)
			h->first_id_jump = p->number;
		h->id_missing += (uint32_t)step;
	}
}

uint32_t tcp_ids_lost(const struct half *h)
{
	if ((h->bits & HALF_IDS_WILD) || h->packets < STEPS_LEAST ||
	    (uint64_t)h->id_jumps * 100 >= h->packets * (100 - ONES_SHARE))
		return 0;
	return h->id_missing;
}
