// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/checksum.h"

#include <sys/socket.h>

#define FIELD_AT 16 /* of the TCP header */

/* Of words as they lie in memory: the sum is the same in any byte order, once it is folded. */
static uint64_t add_up(const uint8_t *p, size_t n, uint64_t sum)
{
	uint64_t w, low = 0, high = 0;
	uint8_t rest[8] = {0};

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		low += (uint32_t)w;
		high += w >> 32;
	}
	memcpy(rest, p, n);
	memcpy(&w, rest, 8);
	return sum + low + high + (uint32_t)w + (w >> 32);
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint64_t pseudo_header(const struct cap_packet *p)
{
	uint8_t rest[8] = {0, 0, (uint8_t)(p->transport_length >> 8), (uint8_t)p->transport_length,
			   0, 0, 0, p->key.protocol};
	size_t size = p->key.family == AF_INET ? 4 : 16;
	uint64_t sum;

	rest[0] = (uint8_t)(p->transport_length >> 24);
	rest[1] = (uint8_t)(p->transport_length >> 16);
	sum = add_up(rest, sizeof(rest), 0);
	sum = add_up(p->key.address[0], size, sum);
	return add_up(p->key.address[1], size, sum);
}

enum checksum checksum_of(const struct cap_packet *p)
{
	uint64_t pseudo;
	uint16_t field;

	if (p->fragment || p->transport_captured < FIELD_AT + 2 ||
	    p->transport_captured != p->transport_length)
		return CHECKSUM_UNKNOWN;
	memcpy(&field, p->transport + FIELD_AT, 2);
	pseudo = pseudo_header(p);
	if (!field || field == fold(pseudo))
		return CHECKSUM_LEFT_OUT;
	return fold(add_up(p->transport, p->transport_length, pseudo)) == 0xffff ? CHECKSUM_RIGHT
										  : CHECKSUM_WRONG;
}
