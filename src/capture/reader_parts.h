/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two formats of the reader share (reader.c, reader_ng.c). */
#ifndef WHYDROP_READER_PARTS_H
#define WHYDROP_READER_PARTS_H

#include <byteswap.h>

#include "capture/input.h"
#include "capture/reader.h"

struct reader_interface {
	uint16_t linktype;
	uint32_t snaplen; /* 0: none */
	uint64_t units;	  /* of its clock in a second */
	int64_t offset_s;
	uint64_t drops; /* as its statistics say, or the packets' own counts */
	bool drops_told;
};

struct reader {
	struct input in;
	struct reader_sum sum;
	/* The next packet, whatever has to be read or passed over for it. */
	bool (*next)(struct reader *r, struct raw_packet *ret);
	/* More that lie whole in what was read, and need no second look. */
	size_t (*here)(struct reader *r, struct raw_packet *ret, size_t max);
	bool swapped; /* written by a machine of the other byte order */

	/* pcap */
	uint32_t fraction_ns, fractions; /* of a second: their length and number */
	uint32_t record_header;
	uint32_t sizes[2]; /* of records, the last two that differed */
	uint16_t linktype;
	int64_t last_seconds;

	/* pcapng: those of this section */
	VEC(struct reader_interface) interfaces;
	int64_t last_ns;
};

static inline uint32_t turned_u32(const uint8_t *p, bool swapped)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return swapped ? bswap_32(v) : v;
}

static inline uint32_t reader_u32(const struct reader *r, const uint8_t *p)
{
	return turned_u32(p, r->swapped);
}

static inline uint16_t reader_u16(const struct reader *r, const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return r->swapped ? bswap_16(v) : v;
}

void reader_problem(struct reader *r, uint64_t offset, const char *what);
/* No more bytes; `within`: what they should have been the rest of. */
void reader_ends(struct reader *r, const char *within);
/* Is it pcapng? Then `next` reads it. */
bool pcapng_begin(struct reader *r, const uint8_t *p);

#endif
