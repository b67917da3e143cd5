// SPDX-License-Identifier: GPL-2.0-or-later
/* What a packet is known again by. */
#include <netinet/in.h>
#include <sys/socket.h>

#include "capture/compare.h"

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)(a ^ 0x9fb21c651e98df25ULL) * (b ^ 0xc2b2ae3d27d4eb4fULL);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Never 0: that stands for unknown. */
static uint64_t hash_bytes(const uint8_t *b, size_t n)
{
	uint64_t h = n, w;

	for (; n >= 8; b += 8, n -= 8) {
		memcpy(&w, b, 8);
		h = fold(h, w);
	}
	w = 0;
	memcpy(&w, b, n);
	return fold(h, w) | 1;
}

static uint64_t key_of(const struct sight *s)
{
	uint64_t id = s->has_id ? s->id : 0;
	uint64_t what = (uint64_t)s->protocol << 56 | id << 32 | s->length;

	if (s->protocol == IPPROTO_TCP)
		return fold(what | (uint64_t)(s->flags & (TCP_SYN | TCP_FIN | TCP_RST)) << 48,
			    (uint64_t)s->seq << 32 | s->ack);
	/* Without an identification the bytes must tell. */
	return fold(what, id ? 0 : s->head);
}

/* Some boxes write identifications of their own, so what can do without does. */
uint64_t sight_lasting(const struct sight *s)
{
	if (s->protocol != IPPROTO_TCP || !(s->length || (s->flags & TCP_SYN)))
		return fold(s->key, s->head ^ s->tsval);
	return fold((uint64_t)s->flags << 32 | s->length, fold((uint64_t)s->seq << 32 | s->ack, s->tsval));
}

static const uint8_t *payload_of(const struct cap_packet *p, uint32_t *ret_n)
{
	uint32_t header = p->kind == PACKET_TCP ? (uint32_t)(p->transport[12] >> 4) * 4
			  : p->kind == PACKET_UDP ? 8 : 0;

	*ret_n = p->transport_captured > header ? p->transport_captured - header : 0;
	return p->transport + header;
}

/* Part of the payload, from `at` on. */
static void hash_payload(struct sight *s, const struct cap_packet *p, uint32_t at, uint32_t size)
{
	uint32_t n;
	const uint8_t *b = payload_of(p, &n);

	n = n > at ? MIN(n - at, size) : 0;
	s->head = n >= MIN(size, (uint32_t)HOP_HEAD) ? hash_bytes(b + at, MIN(n, (uint32_t)HOP_HEAD)) : 0;
	s->body = n >= size ? hash_bytes(b + at, size) : 0;
}

/* Neighbour discovery ends at the next router, as all that is sent to many does. */
static bool stays_on_link(const struct cap_packet *p, const uint8_t *to, uint8_t protocol)
{
	if (p->ip[0] >> 4 == 4)
		return to[0] >= 224;
	return to[0] == 0xff || (protocol == IPPROTO_ICMPV6 && p->transport && p->transport_captured &&
				 p->transport[0] >= 133 && p->transport[0] <= 137);
}

/* ICMP and the rest: addresses, protocol, and the bytes behind the IP header. */
static void other_key(const struct cap_packet *p, struct flow_key *key, uint8_t *from)
{
	bool v4 = p->ip[0] >> 4 == 4;
	const uint8_t *source = p->ip + (v4 ? 12 : 8), *to = p->ip + (v4 ? 16 : 24);
	size_t size = v4 ? 4 : 16;

	*key = (struct flow_key){.family = v4 ? AF_INET : AF_INET6, .protocol = v4 ? p->ip[9] : p->ip[6]};
	*from = memcmp(source, to, size) > 0;
	memcpy(key->address[*from], source, size);
	memcpy(key->address[!*from], to, size);
}

bool sight_key(const struct cap_packet *p, struct flow_key *ret, uint8_t *ret_from)
{
	if (p->kind == PACKET_TCP || p->kind == PACKET_UDP) {
		*ret = p->key;
		*ret_from = p->from;
	} else {
		other_key(p, ret, ret_from);
	}
	return !stays_on_link(p, ret->address[!*ret_from], ret->protocol);
}

bool sight_of(const struct cap_packet *p, struct sight *ret)
{
	*ret = (struct sight){.number = p->number, .at_ns = p->at_ns, .from = p->from, .ttl = p->ttl,
			      .has_id = p->has_id, .id = p->id, .length = p->payload};
	if (!p->ip || p->cut || p->fragment || p->ip_captured < (p->ip[0] >> 4 == 4 ? 20U : 40U))
		return false;
	ret->tos = p->ip[0] >> 4 == 4 ? p->ip[1] : (uint8_t)(p->ip[0] << 4 | p->ip[1] >> 4);
	if (p->kind == PACKET_TCP) {
		ret->protocol = IPPROTO_TCP;
		ret->seq = p->seq;
		ret->ack = p->flags & TCP_ACK ? p->ack : 0;
		ret->flags = p->flags;
		ret->window = p->window;
		ret->mss = p->mss;
		ret->has_ts = p->has_ts;
		ret->tsval = p->tsval;
		ret->tsecr = p->tsecr;
		ret->options = (uint8_t)((p->has_ts ? HOP_TS : 0) | (p->sack_permitted ? HOP_SACK : 0) |
					 (p->has_scale ? HOP_SCALE : 0) | (p->mss ? HOP_MSS : 0));
	} else if (p->kind == PACKET_UDP) {
		ret->protocol = IPPROTO_UDP;
	} else {
		if (!p->transport)
			return false;
		ret->protocol = p->ip[0] >> 4 == 4 ? p->ip[9] : p->ip[6];
		ret->length = p->transport_length;
	}
	hash_payload(ret, p, 0, ret->length);
	/* Acknowledgements of one byte differ by what they SACK. */
	if (p->kind == PACKET_TCP && !p->payload)
		ret->head = hash_bytes((const uint8_t *)p->sack, p->sacks * sizeof(p->sack[0]));
	ret->key = key_of(ret);
	return true;
}

struct sight sight_segment(const struct sight *whole, const struct cap_packet *p, uint32_t at, uint32_t size)
{
	struct sight s = *whole;
	bool last = at + size >= whole->length;

	/* GSO counts the identification on, and leaves FIN and PSH to the last one. */
	s.id = whole->has_id && whole->id ? (uint16_t)(whole->id + at / MAX(size, 1U)) : 0;
	s.seq += at;
	s.length = last ? whole->length - at : size;
	if (!last)
		s.flags &= (uint8_t)~(TCP_FIN | TCP_PSH);
	hash_payload(&s, p, at, s.length);
	s.key = key_of(&s);
	return s;
}

size_t delay_bucket(int64_t ns)
{
	uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;
	unsigned int high;

	if (us < 16)
		return us;
	high = 63U - (unsigned int)__builtin_clzll(us);
	return MIN((size_t)(high - 3) * 16 + (us >> (high - 4) & 15), (size_t)HOP_BUCKETS - 1);
}

int64_t delay_of(size_t bucket)
{
	size_t high = bucket / 16;

	if (high == 0)
		return (int64_t)bucket * 1000;
	return (int64_t)((16 + bucket % 16) << (high - 1)) * 1000;
}

int64_t hop_delay(const struct hop_way *w, unsigned int permille)
{
	uint64_t n = 0, seen = 0;

	for (size_t i = 0; i < HOP_BUCKETS; i++)
		n += w->delay[i];
	for (size_t i = 0; i < HOP_BUCKETS; i++) {
		seen += w->delay[i];
		if (seen * 1000 >= n * permille)
			return MIN(MAX((delay_of(i) + delay_of(i + 1)) / 2, w->least_ns), w->most_ns);
	}
	return w->most_ns;
}
