// SPDX-License-Identifier: GPL-2.0-or-later
/* How a connection ended: by whom, after what silence, and what never ended it. */
#include "capture/analysis_parts.h"

#define IDLE_NS (10 * NSEC_PER_SEC)
#define KEEPALIVES_LOST 2
#define ONE_WAY_PACKETS 20
#define CLOSE_WAIT_NS (60 * NSEC_PER_SEC) /* as long as Linux keeps the other end in FIN_WAIT2 */

/* ---- resets ---- */

/* Somebody who watches guesses numbers, and does not stop the side in whose name it speaks. */
static bool injected(const struct flow *f)
{
	return (f->bits & (FLOW_RESET_TWICE | FLOW_RESET_LIVES)) || f->reset.payload;
}

/* A capture of both sides of a router has each packet with two TTLs. */
static bool one_hop_apart(const struct flow *f)
{
	return (f->bits & FLOW_FORWARDED) &&
	       (f->reset.ttl + 1 == f->reset.usual_ttl || f->reset.ttl == f->reset.usual_ttl + 1);
}

static enum trouble_kind kind_of_reset(const struct flow *f)
{
	const struct flow_reset *r = &f->reset;

	if (r->usual_ttl && r->ttl != r->usual_ttl && !one_hop_apart(f))
		return TROUBLE_RESET_FORGED;
	if (injected(f))
		return TROUBLE_RESET_INJECTED;
	if (r->by_fin)
		return TROUBLE_RESET_CLOSED;
	if (f->half[r->by].silent_keepalives >= KEEPALIVES_LOST)
		return TROUBLE_RESET_KEEPALIVE;
	/* A limit that an equal silence before did not reach is none. */
	if (r->of_keepalive && (r->idle_ns < IDLE_NS || f->idle_max_ns >= r->idle_ns / 100 * 97))
		return TROUBLE_RESET_UNKNOWN;
	return r->idle_ns >= IDLE_NS ? TROUBLE_RESET_IDLE : TROUBLE_RESET_ABORT;
}

static void reset_details(struct trouble *t, const struct flow *f)
{
	const struct flow_reset *r = &f->reset;

	switch (t->kind) {
	case TROUBLE_RESET_INJECTED:
		t->detail[0] += !!(f->bits & FLOW_RESET_LIVES);
		t->detail[1] += !!(f->bits & FLOW_RESET_TWICE);
		t->detail[2] += !!r->payload;
		break;
	case TROUBLE_RESET_IDLE:
	case TROUBLE_RESET_UNKNOWN:
		/* The shortest pause that was too long. */
		if (r->of_keepalive)
			t->detail[0] = MIN(t->detail[0] ? t->detail[0] : UINT64_MAX,
					   (uint64_t)f->keepalive_first_ms);
		break;
	case TROUBLE_RESET_CLOSED:
		t->amount += r->unacked[!r->by];
		break;
	default:
		t->detail[0] = r->ttl;
		t->detail[1] = r->usual_ttl;
		t->detail[2] += !r->ack;
		t->detail[3] += r->ack && r->window && (r->has_ts || !(f->half[r->by].bits & HALF_TS));
	}
}

static void reset(struct analysis *a, const struct flow *f)
{
	const struct flow_reset *r = &f->reset;
	enum trouble_kind kind;
	struct trouble *t;

	if (!(f->bits & FLOW_RESET) || r->early)
		return;
	kind = kind_of_reset(f);
	/* After a FIN the connection was to end: with nothing unread it is lost to nobody. */
	if (kind == TROUBLE_RESET_CLOSED && !r->late_data)
		return;
	t = trouble_of(a, f, kind, r->by == f->client, r->packet);
	trouble_silence(t, r->idle_ns);
	t->ns_survived = MAX(t->ns_survived, f->idle_max_ns);
	t->amount += f->half[r->by].silent_keepalives;
	if (f->wake_ns && f->wake_by != r->by)
		t->packet_2 = f->wake_packet;
	reset_details(t, f);
}

bool end_asleep(struct analysis *a, const struct flow *f)
{
	struct trouble *t;

	if (!f->wake_ns || f->wake_again < STUCK_TIMES || (f->bits & FLOW_RESET))
		return false;
	t = trouble_of(a, f, TROUBLE_SILENT_IDLE, f->wake_by == f->client, f->wake_packet);
	trouble_silence(t, f->wake_ns);
	t->ns_survived = MAX(t->ns_survived, f->idle_max_ns);
	t->amount += f->wake_again;
	t->packet_2 = f->last_packet;
	return true;
}

/* ---- FIN ---- */

bool end_holds_time_wait(const struct flow *f, uint8_t end)
{
	if ((f->bits & FLOW_RESET) || !(f->half[0].bits & f->half[1].bits & HALF_FIN_ACKED))
		return false;
	return f->closer == end || (f->bits & FLOW_CROSSED);
}

/*
 * The FIN was acknowledged, and no FIN came back: the program has not called close(). Data that still
 * comes is a half close, which is allowed; so is a FIN that only the capture missed.
 */
static void close_wait(struct analysis *a, const struct flow *f)
{
	int64_t end_ns = f->bits & FLOW_RESET ? f->last_ns : a->sum.last_ns, ns;
	const struct half *open;
	struct trouble *t;

	if (f->closer > 1)
		return;
	open = &f->half[!f->closer];
	ns = end_ns - MAX(f->fin_ns, open->sent_ns);
	if (!(f->half[f->closer].bits & HALF_FIN_ACKED) || (open->bits & HALF_FIN) || open->gaps ||
	    ns <= CLOSE_WAIT_NS)
		return;
	t = trouble_of(a, f, TROUBLE_CLOSE_WAIT, f->closer != f->client, f->fin_packet);
	trouble_silence(t, ns);
	t->packet_2 = f->last_packet;
}

/* All data was acknowledged, and the FIN behind it never. */
static void fin_silent(struct analysis *a, const struct flow *f)
{
	for (uint8_t end = 0; end < 2; end++) {
		const struct half *h = &f->half[end];
		struct trouble *t;

		if (h->fins <= STUCK_TIMES || !(h->bits & HALF_UNA) || h->una != h->fin_seq ||
		    (f->bits & FLOW_RESET))
			continue;
		t = trouble_of(a, f, TROUBLE_FIN_SILENT, end == f->client, f->fin_packet);
		t->amount += h->fins;
		t->packet_2 = f->last_packet;
		trouble_silence(t, f->last_ns - f->half[!end].last_ns);
	}
}

static void one_way(struct analysis *a, const struct flow *f)
{
	for (uint8_t end = 0; end < 2; end++)
		if (!f->half[end].packets && f->half[!end].packets >= ONE_WAY_PACKETS)
			trouble_of(a, f, TROUBLE_ONE_WAY, end == f->client, f->first_packet)->amount +=
				f->half[!end].packets;
}

void end_judge(struct analysis *a, const struct flow *f)
{
	reset(a, f);
	close_wait(a, f);
	fin_silent(a, f);
	one_way(a, f);
}
