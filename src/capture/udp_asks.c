// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/udp_asks.h"

#define ASKS_MAX 8192 /* a power of two */
#define PLACES 4      /* for those of one hash */
#define UDP_HEADER 8
#define STUN_PORT 3478
#define TWICE_NS (100 * NSEC_PER_MSEC) /* a client that asks again waits longer */
#define ANEW_NS (10 * NSEC_PER_SEC)    /* no client waits that long: its numbers begin again */

/* Where the number stands in the payload of a request, and of an answer. */
static const struct service {
	uint16_t port;
	uint8_t at, at_back, size;
} services[] = {
	{53, 0, 0, 2}, {67, 4, 4, 4}, {123, 40, 24, 8}, {1812, 1, 1, 1}, {1813, 1, 1, 1}, {STUN_PORT, 12, 12, 8},
};

static const struct service *service_of(uint16_t port)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (services[i].port == port)
			return &services[i];
	return NULL;
}

bool udp_has_numbers(uint16_t port)
{
	return service_of(port) != NULL;
}

/* RFC 8489, 5: indications get no answer, and channel data (RFC 8656, 12.4) are no messages at all. */
static bool is_stun(const uint8_t *b, bool back)
{
	static const uint8_t cookie[] = {0x21, 0x12, 0xa4, 0x42};
	bool answer = b[0] & 1, request = !answer && !(b[1] & 0x10);

	return !(b[0] & 0xc0) && memcmp(b + 4, cookie, sizeof(cookie)) == 0 && (back ? answer : request);
}

static bool number_of(const struct service *s, const struct cap_packet *p, bool back, uint64_t *ret)
{
	size_t at = back ? s->at_back : s->at;
	uint64_t n = 0;

	if (p->payload < at + s->size || p->transport_captured < UDP_HEADER + at + s->size)
		return false;
	if (s->port == STUN_PORT && !is_stun(p->transport + UDP_HEADER, back))
		return false;
	memcpy(&n, p->transport + UDP_HEADER + at, s->size);
	*ret = n;
	return true;
}

static struct udp_ask *places_of(const struct udp_asks *asks, const struct flow *f, uint64_t number)
{
	uint64_t hash = f->hash ^ flow_fold(number + 1, 0x9fb21c651e98df25ULL);

	return &asks->ask[(hash & (ASKS_MAX / PLACES - 1)) * PLACES];
}

static bool is_of(const struct udp_ask *a, const struct flow *f)
{
	return a->flow == f && a->flow_number == f->number;
}

/* The newest of that number. */
static struct udp_ask *find(const struct udp_asks *asks, const struct flow *f, uint64_t number)
{
	struct udp_ask *a = places_of(asks, f, number), *newest = NULL;

	for (size_t i = 0; i < PLACES; i++)
		if (is_of(&a[i], f) && a[i].number == number && (!newest || a[i].at_ns > newest->at_ns))
			newest = &a[i];
	return newest;
}

static bool waits(const struct udp_ask *a)
{
	return a->flow && is_of(a, a->flow) && !a->answered;
}

/*
 * The oldest makes room, and those that wait no longer before all others. One that could still be answered
 * was never asked, as far as is known; one that waited for so long is left unanswered.
 */
static void note(const struct udp_asks *asks, struct flow *f, uint64_t number, const struct cap_packet *p)
{
	struct udp_ask *a = places_of(asks, f, number), *oldest = a;

	for (size_t i = 1; i < PLACES; i++)
		if (waits(&a[i]) != waits(oldest) ? waits(oldest) : a[i].at_ns < oldest->at_ns)
			oldest = &a[i];
	if (waits(oldest) && p->at_ns - oldest->at_ns < ANSWER_NS)
		oldest->flow->half[oldest->from].udp.asked--;
	*oldest = (struct udp_ask){.number = number, .flow = f, .flow_number = f->number, .from = p->from,
				   .at_ns = p->at_ns};
	f->half[p->from].udp.asked++;
}

void udp_asks_take(struct udp_asks *asks, struct flow *f, const struct cap_packet *p)
{
	const struct service *s = service_of(p->key.port[!p->from]);
	bool back = !s;
	struct udp_ask *a;
	struct udp_sum *sum;
	uint64_t number;
	int64_t ago;

	if (back)
		s = service_of(p->key.port[p->from]);
	/* Servers that ask each other have the same port: no side is the one that answers. */
	if (!s || p->key.port[0] == p->key.port[1] || !number_of(s, p, back, &number))
		return;
	if (!asks->ask)
		asks->ask = xcalloc(ASKS_MAX, sizeof(*asks->ask));
	a = find(asks, f, number);
	if (!back) {
		ago = a ? p->at_ns - a->at_ns : 0;
		/* A mirror port, or a capture of several devices, has each packet twice. */
		if (a && ago <= TWICE_NS)
			return;
		if (!a || a->answered || ago > ANEW_NS)
			note(asks, f, number, p);
		else
			a->again = true;
		return;
	}
	if (!a || a->answered)
		return;
	a->answered = true;
	sum = &f->half[a->from].udp;
	sum->answered++;
	if (!a->again)
		return;
	if (!sum->late++)
		sum->first_late = p->number;
}

uint32_t udp_asks_open(const struct udp_asks *asks, const struct flow *f, int64_t since_ns)
{
	uint32_t n = 0;

	for (size_t i = 0; asks->ask && i < ASKS_MAX; i++)
		n += is_of(&asks->ask[i], f) && !asks->ask[i].answered && asks->ask[i].at_ns > since_ns;
	return n;
}
