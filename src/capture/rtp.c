// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/rtp.h"

#include "capture/bytes.h"

#define HEADER 12
#define UDP_HEADER 8
#define IN_ORDER_LEAST 20 /* before it is believed to be a stream */
#define STRANGE_SHARE 20  /* one packet in so many may be something else */
#define DROPOUT_MAX 3000  /* A.1 */
#define LEAP_NS NSEC_PER_SEC
#define MISORDER_MAX 63	  /* A.1 has 100; `seen` has 64 bits */

bool rtp_looks(const struct cap_packet *p)
{
	const uint8_t *b = p->transport + UDP_HEADER;

	/* With the marker 72 to 76 are RTCP's types (RFC 5761, 4). */
	return p->payload >= HEADER && p->transport_captured >= UDP_HEADER + HEADER && b[0] >> 6 == 2 &&
	       ((b[1] & 0x7f) < 72 || (b[1] & 0x7f) > 79) && p->key.port[0] >= 1024 && p->key.port[1] >= 1024;
}

/* Of the static types (RFC 3551, 6); those of dynamic ones were agreed upon elsewhere. */
static uint32_t rate_of_type(uint8_t type)
{
	if (type == 16)
		return 11025;
	if (type == 17)
		return 22050;
	if (type == 10 || type == 11)
		return 44100;
	if (type == 6)
		return 16000;
	if (type == 14 || (type >= 25 && type <= 34))
		return 90000;
	return type < 24 ? 8000 : 0;
}

/* The usual one that its stamps went on by, as far as a twentieth of a second in a second. */
static uint32_t rate_measured(uint32_t stamps, int64_t ns)
{
	static const uint32_t usual[] = {8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 90000};
	double measured = ns > 0 ? (double)stamps * 1e9 / (double)ns : 0;

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (measured > usual[i] * 0.95 && measured < usual[i] * 1.05)
			return usual[i];
	return 0;
}

/* A.8. Stamps that leap have begun anew. */
static void jitter(struct rtp *r, const struct cap_packet *p, uint32_t stamp)
{
	int64_t by;

	if (!r->rate && r->in_order == IN_ORDER_LEAST)
		r->rate = rate_measured(stamp - r->first_stamp, p->at_ns - r->first_ns);
	if (r->rate) {
		by = p->at_ns - r->last_ns - (int32_t)(stamp - r->last_stamp) * NSEC_PER_SEC / r->rate;
		by = by < 0 ? -by : by;
		if (by < LEAP_NS)
			r->jitter_ns += ((double)by - r->jitter_ns) / 16;
	}
	r->last_ns = p->at_ns;
	r->last_stamp = stamp;
}

static void begin(struct rtp *r, const struct cap_packet *p, const uint8_t *b, uint16_t seq)
{
	*r = (struct rtp){.begun = true, .ssrc = be32(b + 8), .base = seq, .top = seq, .received = 1, .seen = 1,
			  .type = b[1] & 0x7f, .first_ns = p->at_ns, .first_stamp = be32(b + 4),
			  .last_ns = p->at_ns, .last_stamp = be32(b + 4), .rate = rate_of_type(b[1] & 0x7f)};
}

static void late(struct rtp *r, uint32_t behind)
{
	r->received += !(r->seen >> behind & 1);
	r->seen |= 1ULL << behind;
}

void rtp_take(struct rtp *r, const struct cap_packet *p, struct udp_sum *sum)
{
	const uint8_t *b = p->transport + UDP_HEADER;
	uint16_t seq = (uint16_t)(b[2] << 8 | b[3]);
	int32_t step;

	if (!r->begun || (be32(b + 8) != r->ssrc && r->in_order < IN_ORDER_LEAST)) {
		begin(r, p, b, seq);
		sum->first_lost = 0;
		return;
	}
	step = (int16_t)(seq - (uint16_t)r->top);
	if (be32(b + 8) != r->ssrc || step >= DROPOUT_MAX || step < -MISORDER_MAX) {
		r->strange++;
		return;
	}
	if (step <= 0) {
		late(r, (uint32_t)-step);
	} else {
		r->in_order += step == 1;
		if (step > 1 && !sum->first_lost)
			sum->first_lost = p->number;
		r->seen = step < 64 ? r->seen << step | 1 : 1;
		r->top += (uint32_t)step;
		r->received++;
		jitter(r, p, be32(b + 4));
	}
	if (r->in_order < IN_ORDER_LEAST || r->strange > r->received / STRANGE_SHARE)
		return;
	sum->rtp_of = r->top - r->base + 1;
	sum->rtp_lost = sum->rtp_of - MIN(r->received, sum->rtp_of);
	sum->jitter_ns = (int64_t)r->jitter_ns;
	sum->ssrc = r->ssrc;
	sum->type = r->type;
}
