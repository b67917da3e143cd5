// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as connections: each 12 of them are a segment, whose numbers lie near those that its
 * connection has reached, as random ones would seldom mean anything. Then it is judged and told.
 */
#include "fuzz.h"

#include <string.h>

#include "causes/capture.h"
#include "render/capture.h"

#define RECORD 12
#define FRAME_MAX 128
#define CONNECTIONS 4
#define BEFORE 5000000000ULL /* packets: their numbers need more than 32 bits */
#define MEMORY 8000 /* of fewer flows than that: some are given up */

struct side {
	uint32_t next, acked;
	uint16_t id;
};

struct script {
	struct side side[CONNECTIONS][2];
	int64_t now;
	uint64_t number;
	uint8_t frame[FRAME_MAX];
};

static uint8_t *put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v & 0xffff);
}

/* Near steps are small ones, far ones any. */
static uint32_t step(uint8_t how, uint8_t by)
{
	uint32_t n = (uint32_t)by << (how & 7) * 3;

	return how & 8 ? 0U - n : n;
}

static uint8_t *options(uint8_t *p, uint8_t which, uint32_t stamp, uint32_t acked)
{
	if (which & 1)
		p = put32(put32(put32(p, 0x0101080a), stamp), stamp - 1);
	if (which & 2)
		p = put32(put32(put32(p, 0x0101050a), acked + (which >> 4) * 100U), acked + 2000);
	if (which & 4)
		p = put32(p, 0x020405b4);
	if (which & 8)
		p = put32(p, 0x01030300U | which >> 4);
	return p;
}

static struct raw_packet packet(struct script *s, const uint8_t *b)
{
	int of = b[0] >> 1 & 3, from = b[0] & 1;
	struct side *side = &s->side[of][from];
	const struct side *other = &s->side[of][!from];
	uint32_t seq = side->next + step(b[2] & 15, b[3]), ack = other->next - step(b[2] >> 4, b[4]);
	uint32_t payload = (uint32_t)b[5] * (b[0] & 8 ? 256U : 8U), header;
	uint8_t *p = s->frame, *tcp, *end;

	p = put32(p, 0x45000000); /* the length comes below */
	p = put16(p, (uint32_t)(side->id + (int8_t)b[6]));
	p = put16(p, 0x4000);
	p = put16(put16(p, (b[0] & 16 ? 64 : 63) << 8 | 6), 0);
	p = put32(put32(p, 0x0a000001U + (uint32_t)from), 0x0a000002U - (uint32_t)from);
	tcp = p;
	p = put16(put16(p, from ? 80 : 1000U + (uint32_t)of), from ? 1000U + (uint32_t)of : 80);
	p = put32(put32(p, seq), ack);
	p = put16(put16(p, 0), b[8] & 1 ? 0 : b[8] * 100U);
	p = put32(p, 0);
	end = options(p, b[7], (uint32_t)(s->now / 1000000), ack);
	header = (uint32_t)(end - tcp);
	put16(tcp + 12, header / 4 << 12 | b[1]);
	put16(s->frame + 2, 20 + header + payload);
	s->now += (int64_t)b[9] << (b[10] & 31);
	s->now -= (int64_t)(b[11] & 1) << (b[11] >> 1 & 31);
	if ((int32_t)(seq + payload - side->next) > 0)
		side->next = seq + payload + !!(b[1] & 3);
	side->id++;
	return (struct raw_packet){.number = ++s->number, .at_ns = s->now, .bytes = s->frame,
				   .captured = (uint32_t)(end - s->frame),
				   .length = 20 + header + payload, .linktype = LINKTYPE_RAW};
}

static void check(const struct analysis *a, const struct script *s)
{
	uint64_t again = 0;

	for (int i = 0; i < AGAIN_N; i++)
		again += a->sum.again[i];
	MUST(again == a->sum.again_sum && a->sum.spurious <= a->sum.again_sum);
	MUST(a->sum.packets == s->number - BEFORE && a->sum.tcp == a->sum.packets);
	MUST(a->sum.first_ns <= a->sum.last_ns && a->flows.used == 0);
	for (size_t i = 0; i < a->troubles_n; i++)
		MUST(!a->troubles[i].packet || a->troubles[i].packet > BEFORE);
	for (size_t i = 0; i < a->top_n; i++)
		for (int end = 0; end < 2; end++) {
			const struct half *h = &a->top[i].half[end];

			MUST(!h->track || h->holes <= HOLES_KEPT);
			MUST(h->zero_max_ns <= h->zero_sum_ns || a->sum.backwards);
		}
}

static void tell(const struct analysis *a)
{
	const struct text_style style = {0};
	struct reader_sum file = {.format = "pcap"};
	struct diagnosis d;
	struct capture_view v = {.name = "x", .file = &file, .a = a, .d = &d, .version = "0"};
	struct buf text = {0};

	capture_diagnose(a, NULL, &d);
	render_capture_text(&v, &style, &text);
	MUST(text.len);
	buf_done(&text);
	json_decref(render_capture_json(&v));
	diagnosis_done(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct script s = {.number = BEFORE, .now = 1700000000 * NSEC_PER_SEC};
	struct raw_packet raw;
	struct analysis a;

	analysis_init(&a, MEMORY);
	for (size_t i = 0; i + RECORD <= n && i < 4096; i += RECORD) {
		raw = packet(&s, data + i);
		analysis_packets(&a, &raw, 1);
	}
	analysis_end(&a);
	check(&a, &s);
	if (n % RECORD == 0) /* it takes most of the time */
		tell(&a);
	analysis_done(&a);
	return 0;
}
