// SPDX-License-Identifier: GPL-2.0-or-later
/* What a direction of a connection suffered beside losses that its sequence numbers show. */
#include "capture/analysis_parts.h"

#define HELD_LEAST_NS NSEC_PER_SEC
#define HELD_LEAST_SEGMENTS 100
#define HELD_PERCENT 50

/* Bare ACKs, mostly: what was sent again is told already, and what the capture missed is no loss. */
static void lost_by_id(struct analysis *a, const struct flow *f, uint8_t end)
{
	const struct half *h = &f->half[end];
	uint64_t n = tcp_ids_lost(h), known = (uint64_t)h->late + h->gaps;
	struct trouble *t;

	if (n <= known)
		return;
	t = trouble_of(a, f, TROUBLE_ID_LOSS, end == f->client, h->first_id_jump);
	t->amount += n - known;
	t->of += h->packets + n;
}

/* A window that was closed is a trouble of its own. */
static void window_too_small(struct analysis *a, const struct flow *f, uint8_t end)
{
	const struct half *h = &f->half[end], *peer = &f->half[!end];
	double ceiling = tcp_ceiling_mbit(h, peer);
	unsigned int percent[HELD_N];
	struct trouble *t;

	if (peer->zeros || h->segments < HELD_LEAST_SEGMENTS || ceiling <= 0 ||
	    h->limited_ns[HELD_WINDOW] < HELD_LEAST_NS || !tcp_limited_percent(h, percent) ||
	    percent[HELD_WINDOW] < HELD_PERCENT)
		return;
	t = trouble_of(a, f, TROUBLE_WINDOW, end == f->client, f->first_packet);
	if (t->detail[0] && (double)t->detail[3] <= ceiling * 1000)
		return;
	t->detail[0] = percent[HELD_WINDOW];
	t->detail[1] = tcp_window_top(peer, h);
	t->detail[2] = (uint64_t)tcp_whole_rtt_ns(h, peer);
	t->detail[3] = (uint64_t)(ceiling * 1000);
}

void analysis_windows(struct analysis *a, const struct flow *f, uint8_t end)
{
	const struct half *h = &f->half[end];
	struct trouble *t;

	lost_by_id(a, f, end);
	window_too_small(a, f, end);
	if (!h->corrupt)
		return;
	t = trouble_of(a, f, TROUBLE_CORRUPT, end == f->client, h->first_corrupt);
	t->amount += h->corrupt;
	t->of += h->segments;
}
