// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets in pieces (RFC 791, 3.2; RFC 8200, 4.5): those of which the first came and the rest did not. The
 * receiver throws away what it has after its time, 30 s with Linux (net.ipv4.ipfrag_time).
 */
#include "capture/analysis_parts.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "capture/bytes.h"

#define REST_NS NSEC_PER_SEC /* what has not come by then, does not */
#define ID_AGAIN_NS (30 * NSEC_PER_SEC)

struct piece {
	uint8_t address[32];
	uint32_t id, family, at, size;
	bool more;
};

/* False: another header stands in front of that of the fragment, or not all of it is here. */
static bool piece_of(const struct cap_packet *p, struct piece *ret)
{
	const uint8_t *b = p->ip;
	uint32_t head;

	*ret = (struct piece){0};
	if (!b || p->ip_captured < 20)
		return false;
	if (b[0] >> 4 == 4) {
		head = (b[0] & 15) * 4U;
		memcpy(ret->address, b + 12, 8);
		ret->family = AF_INET;
		ret->id = be16(b + 4) << 8 | b[9];
		ret->at = (be16(b + 6) & 0x1fff) * 8;
		ret->more = b[6] & 0x20;
	} else {
		head = 48;
		if (p->ip_captured < head || b[6] != IPPROTO_FRAGMENT)
			return false;
		memcpy(ret->address, b + 8, 32);
		ret->family = AF_INET6;
		ret->id = be32(b + 44);
		ret->at = be16(b + 42) & 0xfff8;
		ret->more = b[43] & 1;
	}
	if (p->ip_length <= head)
		return false;
	ret->size = p->ip_length - head;
	return true;
}

static bool complete(const struct fragmented *f)
{
	return f->size && f->have >= f->size;
}

static void judge(struct analysis *a, const struct fragmented *f)
{
	struct trouble *t;

	if (!f->has_first || f->odd || complete(f))
		return;
	t = analysis_trouble(a, TROUBLE_FRAGMENTS, &f->key, f->from, true);
	if (!t->packet) {
		t->packet = f->packet;
		t->first_ns = f->at_ns;
	}
	/* It is of one flow, as far as is known. */
	if (t->amount++)
		t->flows--;
	t->last_ns = MAX(t->last_ns, f->at_ns);
}

/* The place of that packet, or of one that is over; NULL: all are still under way. */
static struct fragmented *place(struct analysis *a, const struct piece *s, int64_t now)
{
	struct fragmented *list = a->fragments.list, *oldest = list;

	for (size_t i = 0; i < FRAGMENTS_MAX; i++) {
		struct fragmented *f = &list[i];

		if (f->at_ns && f->id == s->id && f->family == s->family &&
		    memcmp(f->address, s->address, sizeof(f->address)) == 0) {
			/* The identification comes again, with another packet. */
			oldest = f;
			if (now - f->at_ns < ID_AGAIN_NS && !complete(f))
				return f;
			break;
		}
		if (f->at_ns < oldest->at_ns)
			oldest = f;
	}
	if (oldest->at_ns && now - oldest->at_ns < REST_NS && !complete(oldest))
		return NULL;
	if (oldest->at_ns)
		judge(a, oldest);
	*oldest = (struct fragmented){.id = s->id, .family = s->family, .at_ns = MAX(now, 1)};
	memcpy(oldest->address, s->address, sizeof(oldest->address));
	return oldest;
}

void fragments_take(struct analysis *a, const struct cap_packet *p)
{
	struct fragmented *f;
	struct piece s;
	uint64_t bit;

	if (!piece_of(p, &s))
		return;
	if (!a->fragments.list)
		a->fragments.list = xcalloc(FRAGMENTS_MAX, sizeof(*a->fragments.list));
	a->fragments.later += s.at > 0;
	f = place(a, &s, p->at_ns);
	if (!f)
		return;
	bit = 1ULL << (s.at >> 10 & 63);
	if (f->seen & bit)
		f->odd = true;
	f->seen |= bit;
	f->have += s.size;
	if (!s.more)
		f->size = s.at + s.size;
	if (!s.at && (p->kind == PACKET_UDP || p->kind == PACKET_TCP)) {
		f->has_first = true;
		f->packet = p->number;
		f->key = p->key;
		f->from = p->from;
	}
}

void fragments_end(struct analysis *a)
{
	for (size_t i = 0; a->fragments.list && i < FRAGMENTS_MAX; i++)
		if (a->fragments.list[i].at_ns && a->sum.last_ns - a->fragments.list[i].at_ns >= REST_NS)
			judge(a, &a->fragments.list[i]);
}
