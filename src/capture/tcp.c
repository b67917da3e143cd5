// SPDX-License-Identifier: GPL-2.0-or-later
/* The life of a connection: handshake, windows, keepalives, the end. RFC 9293, 7323. */
#include "capture/tcp_parts.h"

#include <netinet/in.h>

#define WAKE_NS (10 * NSEC_PER_SEC) /* a silence that a middlebox may have ended the connection in */

bool tcp_is_new(const struct flow *f, const struct cap_packet *p)
{
	const struct half *h = &f->half[p->from];

	if ((p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return false;
	if ((h->bits & HALF_SYN) && h->isn == p->seq)
		return false;
	/* Both began at once, or what is seen of it began in its middle. */
	if (!(h->bits & HALF_SEEN) && !(f->bits & FLOW_ESTABLISHED))
		return false;
	return true;
}

void tcp_syn_of(const struct lone_syn *h, struct cap_packet *ret)
{
	*ret = (struct cap_packet){
		.number = h->packet, .at_ns = h->at_ns, .kind = PACKET_TCP, .key = h->key,
		.from = h->from, .ttl = h->ttl, .has_id = h->has_id, .id = h->id,
		.ip_length = h->ip_length, .flags = h->flags, .window = h->window, .seq = h->seq,
		.mss = h->mss, .has_ts = h->has_ts, .tsval = h->tsval, .has_scale = h->has_scale,
		.scale = h->scale, .sack_permitted = h->sack_permitted,
	};
}

/* ---- beginning ---- */

static void syn_options(struct half *h, const struct cap_packet *p)
{
	h->bits |= HALF_SYN | (p->has_ts ? HALF_TS : 0) | (p->sack_permitted ? HALF_SACK : 0);
	h->mss = p->mss;
	h->scale = p->has_scale ? p->scale : 0xff;
}

/* Windows are scaled if both SYNs said so. */
static void agree_on_scales(struct flow *f)
{
	for (int i = 0; i < 2; i++)
		if ((f->half[0].bits & f->half[1].bits & HALF_SYN) && f->half[0].scale != 0xff &&
		    f->half[1].scale != 0xff)
			f->half[i].bits |= HALF_SCALED;
}

static void take_syn(struct flow *f, const struct cap_packet *p)
{
	struct half *h = &f->half[p->from], *peer = &f->half[!p->from];

	if (!(p->flags & TCP_ACK)) {
		f->client = p->from;
		f->syns++;
		f->last_syn_ns = p->at_ns;
		if (!f->syn_ns) {
			f->syn_ns = p->at_ns;
			f->syn_tsval = p->tsval;
		}
	} else {
		f->client = !p->from;
		f->synacks++;
		if (f->opened_ns)
			f->late_synacks++;
		if (!f->synack_ns) {
			f->synack_ns = p->at_ns;
			f->synack_packet = p->number;
			if (f->syns == 1)
				tcp_round_trip(peer, p->at_ns - f->syn_ns);
		}
	}
	if (!(h->bits & HALF_SYN))
		syn_options(h, p);
	agree_on_scales(f);
}

static uint32_t open_if(struct flow *f, const struct cap_packet *p)
{
	const struct half *server = &f->half[!f->client];

	if ((f->bits & FLOW_ESTABLISHED) || p->from != f->client)
		return 0;
	/* A capture of one direction: nobody acknowledges what did not come. */
	if (f->syns && !f->synacks && !(p->flags & TCP_SYN) && !(f->bits & FLOW_ANSWER_UNSEEN)) {
		f->bits |= FLOW_ANSWER_UNSEEN;
		return NOTE_OPEN;
	}
	if (!f->synack_ns || p->ack != server->isn + 1)
		return 0;
	f->bits |= FLOW_ESTABLISHED;
	f->opened_ns = p->at_ns;
	f->open_packet = p->number;
	if (f->synacks == 1)
		tcp_round_trip(&f->half[!f->client], p->at_ns - f->synack_ns);
	return NOTE_OPEN;
}

/*
 * A SYN that is answered by an ACK of something else: the port was that of an older connection, which
 * the server still has (in TIME_WAIT or half open). The client resets it and tries again.
 */
static bool is_challenge(struct flow *f, const struct cap_packet *p)
{
	const struct half *client = &f->half[!p->from];

	return f->syns && !f->synacks && p->from != f->client &&
	       (p->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_ACK && p->ack != client->isn + 1;
}

/* ---- windows and probes ---- */

static uint32_t window_moves(struct half *h, struct half *peer, const struct cap_packet *p)
{
	h->window = p->window;
	if (p->flags & (TCP_SYN | TCP_RST))
		return 0;
	h->window_top = MAX(h->window_top, p->window);
	if (!p->window && !(h->bits & HALF_ZERO)) {
		h->bits |= HALF_ZERO;
		h->zero_ns = p->at_ns;
		if (!h->zeros++)
			h->first_zero = p->number;
		peer->bits |= HALF_STALLED;
		return NOTE_ZERO_WINDOW;
	}
	if (p->window && (h->bits & HALF_ZERO)) {
		int64_t ns = p->at_ns - h->zero_ns;

		h->bits &= ~(uint32_t)HALF_ZERO;
		h->zero_sum_ns += ns;
		h->zero_max_ns = MAX(h->zero_max_ns, ns);
		return NOTE_WINDOW_OPENS;
	}
	return 0;
}

static uint32_t to_ms(int64_t ns)
{
	return (uint32_t)MAX(MIN(ns / NSEC_PER_MSEC, (int64_t)UINT32_MAX), 1);
}

/* Linux sends both with no byte, others with one, just below what is acknowledged. */
static uint32_t probe(struct flow *f, const struct cap_packet *p)
{
	struct half *h = &f->half[p->from];

	/* Where the beginning was not seen, a byte below the first may be data that was overtaken. */
	if (p->payload > !!(h->bits & HALF_UNA) || (p->flags & (TCP_SYN | TCP_FIN | TCP_RST)) ||
	    !(h->bits & HALF_SEEN) ||
	    p->seq != h->nxt - 1 || ((h->bits & HALF_UNA) && p->seq != h->una - 1))
		return 0;
	if (f->half[!p->from].bits & HALF_ZERO) {
		h->probes++;
		return NOTE_PROBE;
	}
	if (!h->keepalives++ && !f->keepalive_first_ms) {
		f->keepalive_by = p->from;
		f->keepalive_first_ms = to_ms(p->at_ns - f->last_ns);
	} else if (f->keepalive_by == p->from) {
		f->keepalive_gap_ms = to_ms(p->at_ns - f->keepalive_ns);
	}
	if (f->keepalive_by == p->from)
		f->keepalive_ns = p->at_ns;
	h->silent_keepalives++;
	return NOTE_KEEPALIVE;
}

/*
 * What holds a sender up until `now`. Behind the sender its next data takes a round trip to come after
 * the ACK that asks for it: only a silence that is longer is its program's. Without both SYNs nobody
 * knows how large a window is that is not closed.
 */
static inline enum held_by limit_of(const struct half *h, const struct half *peer, int64_t now)
{
	uint32_t flight = h->nxt - h->una, mss = MAX(MIN(h->mss, peer->mss), 536);
	uint64_t window = (uint64_t)peer->window << (peer->bits & HALF_SCALED ? peer->scale : 0);

	if (peer->bits & HALF_ZERO)
		return HELD_WINDOW;
	if (!flight)
		return now - h->sent_ns > h->rtt_min_ns + peer->rtt_min_ns ? HELD_APP : HELD_NETWORK;
	if (flight + (uint64_t)mss > window && (h->bits & peer->bits & HALF_SYN))
		return HELD_WINDOW;
	return h->bits & HALF_SHORT ? HELD_APP : HELD_NETWORK;
}

static inline void limits(struct half *h, const struct half *peer, int64_t now, int64_t ns)
{
	if (h->segments && (h->bits & HALF_UNA))
		h->limited_ns[limit_of(h, peer, now)] += ns;
}

/* ---- silences and the end ---- */

static void silence(struct flow *f, const struct cap_packet *p)
{
	int64_t idle = p->at_ns - f->last_ns;

	if (f->wake_ns && p->from != f->wake_by && !(p->flags & TCP_RST)) {
		f->idle_max_ns = MAX(f->idle_max_ns, f->wake_ns);
		f->wake_ns = 0;
	} else if (f->wake_ns && p->from == f->wake_by) {
		f->wake_again++;
	}
	if (idle >= WAKE_NS && !(p->flags & TCP_RST) && !f->wake_ns) {
		f->wake_ns = idle;
		f->wake_by = p->from;
		f->wake_packet = p->number;
		f->wake_again = 0;
	}
}

static uint32_t take_reset(struct flows *t, struct flow *f, const struct cap_packet *p)
{
	struct half *h = &f->half[p->from];
	bool answers = f->wake_ns && f->wake_by != p->from;

	if (f->bits & FLOW_RESET) {
		/*
		 * A host without a socket resets each segment by that one's own numbers, which what it had sent
		 * reached; guesses at the window lie ahead of that.
		 */
		if (p->from == f->reset.by && p->seq != f->reset.seq && seq_before(h->nxt, p->seq) &&
		    f->last_packet == f->reset.packet)
			f->bits |= FLOW_RESET_TWICE;
		return NOTE_RESET;
	}
	/* It is the older connection that is reset here; this one begins again. */
	if ((f->bits & FLOW_CHALLENGED) && !f->synacks && p->from == f->client)
		return NOTE_CHALLENGE;
	f->bits |= FLOW_RESET;
	f->reset = (struct flow_reset){
		.packet = p->number, .by = p->from, .ttl = p->ttl, .usual_ttl = h->ttl,
		.window = p->window, .ack = p->flags & TCP_ACK, .has_ts = p->has_ts,
		.id_zero = p->has_id && !p->id, .by_fin = f->closer != 2,
		.early = !(f->bits & (FLOW_ESTABLISHED | FLOW_MIDSTREAM)),
		.idle_ns = answers ? f->wake_ns : p->at_ns - f->last_ns,
		.silent_ns = h->last_ns ? p->at_ns - h->last_ns : 0,
		.after_again = f->half[0].again_sum + f->half[1].again_sum > 0,
		.seq = p->seq, .payload = p->payload,
		.late_data = f->closer == p->from && f->half[!p->from].sent_ns > f->fin_ns,
		.of_keepalive = f->half[!p->from].silent_keepalives > 0,
	};
	for (int i = 0; i < 2; i++)
		if (f->half[i].bits & HALF_UNA)
			f->reset.unacked[i] = f->half[i].nxt - f->half[i].una;
	flow_untrack(t, &f->half[0]);
	flow_untrack(t, &f->half[1]);
	return NOTE_RESET;
}

static void take_fin(struct flow *f, const struct cap_packet *p)
{
	struct half *h = &f->half[p->from], *peer = &f->half[!p->from];

	h->fins += h->fins < UINT8_MAX;
	if (h->bits & HALF_FIN)
		return;
	h->bits |= HALF_FIN;
	h->fin_seq = p->seq + p->payload;
	if (f->closer == 2) {
		f->closer = p->from;
		f->fin_packet = p->number;
		f->fin_ns = p->at_ns;
	} else if (f->closer != p->from && !((p->flags & TCP_ACK) &&
					     !seq_before(p->ack, peer->fin_seq + 1))) {
		f->bits |= FLOW_CROSSED;
	}
}

static void note_time(struct flow *f, const struct cap_packet *p)
{
	struct half *h = &f->half[p->from];

	h->packets++;
	h->last_ns = f->last_ns = p->at_ns;
	f->last_packet = p->number;
	f->half[!p->from].silent_keepalives = 0;
}

uint32_t tcp_packet(struct flows *t, struct flow *f, const struct cap_packet *p)
{
	struct half *h = &f->half[p->from], *peer = &f->half[!p->from];
	uint32_t notes = 0, probing;

	silence(f, p);
	if (p->at_ns > f->last_ns) {
		limits(h, peer, p->at_ns, p->at_ns - f->last_ns);
		limits(peer, h, p->at_ns, p->at_ns - f->last_ns);
	}
	if (p->flags & TCP_RST) {
		notes = take_reset(t, f, p);
		note_time(f, p);
		return notes;
	}
	if (is_challenge(f, p)) {
		f->bits |= FLOW_CHALLENGED;
		note_time(f, p);
		return NOTE_CHALLENGE;
	}
	if (p->flags & TCP_SYN)
		take_syn(f, p);
	else if (!f->syns && !f->synacks)
		f->bits |= FLOW_MIDSTREAM;
	if (f->bits & FLOW_RESET) {
		f->bits |= FLOW_GONE_ON;
		/* What was overtaken by the reset ends below its number. */
		if (p->payload && p->from == f->reset.by && seq_before(f->reset.seq, p->seq + p->payload))
			f->bits |= FLOW_RESET_LIVES;
		notes |= NOTE_AFTER_RESET;
	}
	if (p->flags & TCP_ACK) {
		notes |= open_if(f, p);
		notes |= tcp_acknowledge(f, p);
	}
	probing = probe(f, p);
	notes |= window_moves(h, peer, p) | probing;
	if (!probing)
		notes |= tcp_sequence(t, f, p);
	if ((notes & NOTE_DUPLICATE) && p->ttl + 1 == h->ttl)
		f->bits |= FLOW_FORWARDED;
	h->bits = probing ? h->bits | HALF_ASKED : h->bits & ~(uint32_t)HALF_ASKED;
	if (p->payload && !probing) {
		if (!f->data_ns)
			f->data_ns = p->at_ns;
		if (peer->bits & HALF_FIN_ACKED)
			f->bits |= FLOW_HALF_CLOSED;
	}
	if (p->flags & TCP_FIN)
		take_fin(f, p);
	if (!(p->flags & TCP_SYN) || !h->ttl)
		h->ttl = p->ttl;
	tcp_identification(h, p, tcp_segments(h, peer, p->payload), notes);
	note_time(f, p);
	if ((f->half[0].bits & f->half[1].bits & HALF_FIN_ACKED)) {
		flow_untrack(t, &f->half[0]);
		flow_untrack(t, &f->half[1]);
	}
	return notes;
}
