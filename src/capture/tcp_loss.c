// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sequence numbers: what was sent again and why, what came out of order or twice, what the capture
 * itself missed. Linux counts in TcpRetransSegs what begins below the highest byte sent. It steps
 * the IPv4 identification with each segment of a connection, which tells a segment sent again from
 * one that was overtaken; times do not.
 */
#include "capture/tcp_parts.h"

#define TIMER_MIN_NS (2 * NSEC_PER_MSEC)
#define STUCK_PAUSE_MAX_NS (60 * NSEC_PER_SEC)

uint32_t tcp_segments(const struct half *h, const struct half *peer, uint32_t payload)
{
	uint32_t mss = h->mss && peer->mss ? MIN(h->mss, peer->mss) : 0;

	if (payload <= 1460 || (mss && payload <= mss))
		return 1;
	if (!mss)
		mss = 1460;
	/* Time stamps take 12 bytes of each. */
	if ((h->bits & HALF_TS) && mss > 100)
		mss -= 12;
	return (payload + mss - 1) / mss;
}

/* RFC 6298, 2 */
void tcp_round_trip(struct half *h, int64_t ns)
{
	if (ns < 0)
		return;
	h->srtt_ns = h->srtt_ns ? (7 * h->srtt_ns + ns) / 8 : MAX(ns, 1);
	if (!h->rtt_min_ns || ns < h->rtt_min_ns)
		h->rtt_min_ns = MAX(ns, 1);
}

/* ---- holes ---- */

static void hole_remove(struct half *h, size_t i)
{
	struct hole *hole = h->track->hole;

	h->holes--;
	memmove(&hole[i], &hole[i + 1], (h->holes - i) * sizeof(*hole));
}

static void hole_add(struct half *h, struct hole hole)
{
	struct track *k = h->track;

	if (h->holes == HOLES_KEPT) {
		/* The two oldest become one, with what was seen between them. */
		k->hole[1].merged = true;
		k->hole[1].from = k->hole[0].from;
		hole_remove(h, 0);
	}
	k->hole[h->holes++] = hole;
}

/* The first hole that these bytes fill, wholly or in part. */
static struct hole *hole_of(const struct half *h, uint32_t seq, uint32_t end)
{
	for (size_t i = 0; i < h->holes; i++) {
		struct hole *hole = &h->track->hole[i];

		if (seq_before(seq, hole->to) && seq_before(hole->from, end))
			return hole;
	}
	return NULL;
}

static void fill(struct half *h, struct hole *hole, uint32_t seq, uint32_t end)
{
	struct hole rest = *hole;

	rest.from = end;
	if (seq_before(hole->from, seq)) {
		hole->to = seq;
		if (seq_before(end, rest.to))
			hole_add(h, rest);
	} else if (seq_before(end, hole->to)) {
		hole->from = end;
	} else {
		hole_remove(h, (size_t)(hole - h->track->hole));
	}
}

/* Was it overtaken by the packet behind the hole, or sent later than that one? */
static bool overtaken(const struct half *h, const struct hole *hole, const struct cap_packet *p)
{
	if (hole->has_id && p->has_id && hole->id && p->id && hole->id != p->id)
		return (int16_t)(p->id - hole->id) < 0;
	if (hole->has_ts && p->has_ts && p->tsval != hole->tsval)
		return seq_before(p->tsval, hole->tsval);
	return p->at_ns - hole->at_ns <= h->rtt_min_ns * 3 / 4;
}

/* ---- sent again ---- */

static const struct segment *remembered(const struct half *h, uint32_t seq, uint32_t end)
{
	for (size_t i = 0; h->track && i < SEGMENTS_KEPT; i++) {
		const struct segment *s = &h->track->sent[(h->sent_at - 1U - i) % SEGMENTS_KEPT];

		if (s->at_ns && s->seq == seq && s->end == end)
			return s;
	}
	return NULL;
}

/* The network, a mirror port or the capture itself showed one packet twice. */
static bool is_duplicate(const struct half *h, const struct cap_packet *p, uint32_t end)
{
	const struct segment *s = remembered(h, p->seq, end);

	if (!s || (p->has_ts && s->tsval != p->tsval))
		return false;
	if (p->has_id && (p->id || s->id))
		return s->id == p->id;
	/* A SYN-ACK has identification 0 each time. Otherwise no sender is that fast. */
	return !(p->flags & TCP_SYN) && h->rtt_min_ns > NSEC_PER_MSEC &&
	       p->at_ns - s->at_ns < h->rtt_min_ns / 2;
}

static enum again kind_of(struct half *h, const struct cap_packet *p, uint32_t end)
{
	int64_t idle = p->at_ns - MAX(h->sent_ns, h->acked_ns);
	bool timer = idle >= MAX(TIMER_MIN_NS, h->srtt_ns * 8 / 5);

	if (p->flags & TCP_SYN)
		return AGAIN_SYN;
	if (!timer && (h->bits & HALF_RTO) && seq_before(p->seq, h->recover))
		return AGAIN_RTO_RECOVERY;
	if (!timer)
		return AGAIN_FAST;
	if (end == h->nxt && !(h->bits & (HALF_SACKED | HALF_TLP))) {
		h->bits |= HALF_TLP;
		return AGAIN_TLP;
	}
	if (p->seq == h->una || !(h->bits & HALF_UNA)) {
		h->bits |= HALF_RTO;
		h->recover = h->nxt;
		return AGAIN_RTO;
	}
	return h->bits & HALF_SACKED ? AGAIN_LOST : AGAIN_UNKNOWN;
}

/* The pause before a timeout doubles (RFC 6298, 5.5), up to two minutes. */
static void pause_grows(struct half *h, int64_t now)
{
	struct track *k = h->track;
	int64_t gap;

	if (!k)
		return;
	gap = k->stuck_ns ? now - k->stuck_ns : 0;
	if (gap < k->stuck_gap_ns * 3 / 2 && gap < STUCK_PAUSE_MAX_NS)
		h->bits |= HALF_STEADY;
	k->stuck_gap_ns = gap;
	k->stuck_ns = now;
}

/* A way that swallows large packets shows the same first byte sent again and again. */
static void stuck(struct half *h, const struct cap_packet *p)
{
	if (p->seq != h->una || !p->payload)
		return;
	if (h->stuck_n && h->stuck_seq == p->seq) {
		h->stuck_n++;
		h->last_size = p->ip_length;
		pause_grows(h, p->at_ns);
		return;
	}
	h->stuck_seq = p->seq;
	h->stuck_size = h->last_size = p->ip_length;
	h->stuck_n = 1;
	h->bits &= ~(uint32_t)(HALF_STEADY | HALF_STUCK_HEARD);
	if (h->track) {
		h->track->stuck_gap_ns = 0;
		h->track->stuck_ns = p->at_ns;
	}
}

static uint32_t seen_before(struct half *h, const struct half *peer, const struct cap_packet *p,
			    uint32_t end)
{
	enum again kind;
	uint32_t n;

	if (is_duplicate(h, p, end)) {
		if (!h->duplicates++)
			h->first_duplicate = p->number;
		return NOTE_DUPLICATE;
	}
	tcp_note_damage(h, p, end);
	kind = kind_of(h, p, end);
	n = tcp_segments(h, peer, p->payload);
	h->again[kind] += n;
	if (!h->again_sum)
		h->first_again = p->number;
	h->again_sum += n;
	h->bits &= ~(uint32_t)HALF_TIMING;
	if (kind == AGAIN_RTO || kind == AGAIN_TLP)
		stuck(h, p);
	if (p->flags & TCP_SYN)
		return NOTE_SYN_AGAIN << kind;
	if ((h->bits & HALF_UNA) && !seq_before(h->una, end)) {
		h->spurious += n;
		return NOTE_SYN_AGAIN << kind | NOTE_SPURIOUS;
	}
	tcp_note_resent(h, p, end, n);
	return NOTE_SYN_AGAIN << kind;
}

/* ---- the sender's side ---- */

static void remember(struct flows *t, struct half *h, const struct cap_packet *p, uint32_t end)
{
	struct track *k = flow_track(t, h);

	k->sent[h->sent_at] = (struct segment){p->seq, end, p->tsval, p->id, false, p->at_ns};
	if (p->payload && (t->checksums[CHECKSUM_WRONG] || (h->again_sum | h->late)))
		k->sent[h->sent_at].damaged = tcp_damaged(t, k, p);
	h->sent_at = (uint8_t)((h->sent_at + 1) % SEGMENTS_KEPT);
	h->sent_ns = p->at_ns;
}

static uint32_t in_front(struct flows *t, struct half *h, const struct cap_packet *p, uint32_t end)
{
	uint32_t notes = 0;

	if (p->seq != h->nxt) {
		flow_track(t, h);
		hole_add(h, (struct hole){.from = h->nxt, .to = p->seq, .tsval = p->tsval,
					  .id = p->id, .has_id = p->has_id, .has_ts = p->has_ts,
					  .at_ns = p->at_ns});
		notes |= NOTE_HOLE;
	} else if (!(h->bits & HALF_TIMING) && end != p->seq) {
		h->bits |= HALF_TIMING;
		h->timing_end = end;
		h->timing_ns = p->at_ns;
	}
	h->nxt = end;
	return notes;
}

static uint32_t below(struct half *h, const struct half *peer, const struct cap_packet *p, uint32_t end)
{
	struct hole *hole = hole_of(h, p->seq, end);
	uint32_t notes;

	if (!hole) {
		notes = seen_before(h, peer, p, end);
	} else if (overtaken(h, hole, p)) {
		if (!h->reordered++)
			h->first_reordered = p->number;
		notes = NOTE_REORDERED;
		fill(h, hole, p->seq, end);
	} else {
		h->late += tcp_segments(h, peer, p->payload);
		if (!h->first_again)
			h->first_again = p->number;
		notes = NOTE_LATE;
		fill(h, hole, p->seq, end);
	}
	if (seq_before(h->nxt, end))
		h->nxt = end;
	return notes;
}

uint32_t tcp_sequence(struct flows *t, struct flow *f, const struct cap_packet *p)
{
	struct half *h = &f->half[p->from];
	const struct half *peer = &f->half[!p->from];
	uint32_t length = tcp_length(p), end = p->seq + length, notes;

	if (!(h->bits & HALF_SEEN)) {
		h->bits |= HALF_SEEN;
		h->isn = p->seq;
		h->nxt = p->seq;
	}
	if (!seq_before(p->seq, h->nxt))
		notes = in_front(t, h, p, end);
	else if (!length)
		return 0;
	else
		notes = below(h, peer, p, end);
	if (!length)
		return notes;
	h->segments += p->payload ? tcp_segments(h, peer, p->payload) : 0;
	h->bytes += p->payload;
	if (notes & NOTE_DUPLICATE)
		return notes;
	if (p->payload && !(notes & ~(uint32_t)NOTE_HOLE)) {
		h->last_size = p->ip_length;
		h->bits = p->payload < MIN(h->mss, peer->mss) - 20U && (p->flags & TCP_PSH)
				  ? h->bits | HALF_SHORT : h->bits & ~(uint32_t)HALF_SHORT;
	}
	if (h->bits & HALF_STALLED) {
		h->bits &= ~(uint32_t)HALF_STALLED;
		h->stall_ns = MAX(h->stall_ns, p->at_ns - h->sent_ns);
	}
	remember(t, h, p, end);
	return notes;
}

/* ---- the receiver's side ---- */

/*
 * What is ACKed was received: what of it was never seen, the capture missed. Of holes that became
 * one nobody knows what of it was seen: no gap is claimed.
 */
static uint32_t acknowledged_unseen(struct half *h, const struct half *from, const struct cap_packet *p)
{
	uint32_t gaps = 0;

	for (size_t i = 0; i < h->holes;)
		if (!seq_before(p->ack, h->track->hole[i].to)) {
			const struct hole *hole = &h->track->hole[i];

			gaps += hole->merged ? 0 : tcp_segments(h, from, hole->to - hole->from);
			hole_remove(h, i);
		} else {
			i++;
		}
	if (seq_before(h->nxt, p->ack)) {
		gaps += tcp_segments(h, from, p->ack - h->nxt);
		h->nxt = p->ack;
	}
	if (!gaps)
		return 0;
	if (!h->gaps)
		h->first_gap = p->number;
	h->gaps += gaps;
	return NOTE_GAP;
}

static void ack_moves(struct half *h, const struct cap_packet *p)
{
	if ((h->bits & HALF_TIMING) && !seq_before(p->ack, h->timing_end)) {
		tcp_round_trip(h, p->at_ns - h->timing_ns);
		h->bits &= ~(uint32_t)HALF_TIMING;
	}
	if (h->stuck_n && seq_before(h->stuck_seq, p->ack)) {
		if (h->stuck_n >= 3 && h->last_size < h->stuck_size)
			h->bits |= HALF_SHRUNK;
		else if (!(h->bits & HALF_SHRUNK))
			h->stuck_n = 0;
	}
	if (p->ack == h->nxt && !(h->bits & HALF_SHRUNK) && h->segments)
		h->acked_size = MAX(h->acked_size, h->last_size);
	h->una = p->ack;
	h->bits = (h->bits & ~(uint32_t)HALF_TLP) | HALF_UNA;
	if ((h->bits & HALF_RTO) && !seq_before(p->ack, h->recover))
		h->bits &= ~(uint32_t)HALF_RTO;
	if ((h->bits & HALF_FIN) && !seq_before(p->ack, h->fin_seq + 1))
		h->bits |= HALF_FIN_ACKED;
	h->acked_ns = p->at_ns;
	h->dup_run = 0;
}

/* RFC 2883: below the ACK, or within the second block. */
static bool is_dsack(const struct cap_packet *p)
{
	if (!p->sacks)
		return false;
	if (!seq_before(p->ack, p->sack[0].to))
		return true;
	return p->sacks > 1 && !seq_before(p->sack[0].from, p->sack[1].from) &&
	       !seq_before(p->sack[1].to, p->sack[0].to);
}

/* Does it SACK what the ACK before it did not? */
static bool sacks_more(struct half *h, const struct cap_packet *p)
{
	struct track *k = h->track;
	bool more = p->sacks && (!k || k->sacked_from != p->sack[0].from || k->sacked_to != p->sack[0].to);

	if (more && k) {
		k->sacked_from = p->sack[0].from;
		k->sacked_to = p->sack[0].to;
	}
	return more;
}

/* RFC 5681, 2, and 6675, 2. The answer to a keepalive or a probe says nothing of losses. */
static uint32_t ack_again(struct half *h, const struct half *from, const struct cap_packet *p)
{
	bool more = sacks_more(h, p);

	if (p->payload || (p->flags & (TCP_SYN | TCP_FIN | TCP_RST)) || p->ack != h->una ||
	    !seq_before(p->ack, h->nxt) || (p->window != from->window && !more) || (h->bits & HALF_ASKED))
		return 0;
	h->acked_ns = p->at_ns;
	h->dup_acks++;
	if (++h->dup_run == 3)
		h->dup_triples++;
	h->dup_run_max = MAX(h->dup_run_max, h->dup_run);
	return NOTE_DUP_ACK;
}

uint32_t tcp_acknowledge(struct flow *f, const struct cap_packet *p)
{
	struct half *h = &f->half[!p->from], *from = &f->half[p->from];
	uint32_t notes = 0;
	bool above = false;

	if (h->stuck_n && h->stuck_seq == h->una)
		h->bits |= HALF_STUCK_HEARD;
	/* A side that the capture does not show at all has no gaps, it is one. */
	if (!(h->bits & HALF_SEEN)) {
		from->last_ack = p->ack;
		return 0;
	}
	if (!(h->bits & HALF_UNA) || seq_before(h->una, p->ack)) {
		notes |= acknowledged_unseen(h, from, p);
		if (h->bits & HALF_RESENT)
			tcp_needless_by_time(h, p);
		ack_moves(h, p);
	} else {
		notes |= ack_again(h, from, p);
	}
	if (is_dsack(p)) {
		h->dsacks++;
		tcp_needless_by_dsack(h, p);
		notes |= NOTE_DSACK;
	}
	for (size_t i = notes & NOTE_DSACK ? 1 : 0; i < p->sacks; i++)
		above |= seq_before(h->una, p->sack[i].to);
	h->bits = above ? h->bits | HALF_SACKED : h->bits & ~(uint32_t)HALF_SACKED;
	from->last_ack = p->ack;
	return notes;
}
