// SPDX-License-Identifier: GPL-2.0-or-later
/* pcapng (draft-ietf-opsawg-pcapng), block by block. */
#include "capture/reader_parts.h"

#define MAGIC 0x1a2b3c4d
#define INTERFACES_MAX 65536
/* Blocks without a packet may be longer than those with one, as keys or names are. */
#define BLOCK_MAX (128U << 20)
#define PACKET_BLOCK_MAX (CAPTURED_MAX + 65536)

enum block {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete, still written by some */
	BLOCK_SIMPLE = 3,
	BLOCK_NAMES = 4,
	BLOCK_STATISTICS = 5,
	BLOCK_ENHANCED = 6,
	BLOCK_SECRETS = 10,
	BLOCK_SECTION = 0x0a0d0d0a,
};

enum { IF_TSRESOL = 9, IF_TSOFFSET = 14, ISB_IFDROP = 5, ISB_OSDROP = 7, EPB_DROPCOUNT = 4 };

/* ---- options ---- */

/* The value of the option, at least `size` bytes of it; NULL: it has none. */
static const uint8_t *option(const struct reader *r, const uint8_t *p, size_t n, uint16_t code,
			     size_t size)
{
	while (n >= 4) {
		uint16_t this = reader_u16(r, p), length = reader_u16(r, p + 2);
		size_t padded = ((size_t)length + 3) & ~3UL;

		if (!this || n - 4 < padded)
			return NULL;
		if (this == code)
			return length >= size ? p + 4 : NULL;
		p += 4 + padded;
		n -= 4 + padded;
	}
	return NULL;
}

static uint64_t u64_of(const struct reader *r, const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return r->swapped ? bswap_64(v) : v;
}

/* ---- blocks ---- */

static void section(struct reader *r)
{
	r->interfaces.n = 0;
}

/* 1,000,000 where it is not told; units that no 64-bit number holds are no clock. */
static uint64_t units_of(const uint8_t *resolution)
{
	uint64_t units = 1;

	if (!resolution)
		return 1000000;
	if (*resolution & 0x80)
		return 1ULL << MIN(*resolution & 0x7f, 63);
	for (int i = 0; i < MIN(*resolution, 19); i++)
		units *= 10;
	return units;
}

static void interface(struct reader *r, const uint8_t *body, size_t n)
{
	struct reader_interface *i;
	const uint8_t *offset;

	if (n < 8 || r->interfaces.n == INTERFACES_MAX) {
		reader_problem(r, input_offset(&r->in), "an interface too short or too many");
		return;
	}
	i = vec_push(&r->interfaces);
	i->linktype = reader_u16(r, body);
	i->snaplen = reader_u32(r, body + 4);
	i->units = units_of(option(r, body + 8, n - 8, IF_TSRESOL, 1));
	offset = option(r, body + 8, n - 8, IF_TSOFFSET, 8);
	i->offset_s = offset ? (int64_t)u64_of(r, offset) : 0;
	if (i->offset_s > INT32_MAX || i->offset_s < INT32_MIN)
		i->offset_s = 0;
	r->sum.interfaces++;
}

static void drops(struct reader *r, struct reader_interface *i, uint64_t n)
{
	r->sum.drops_known = true;
	r->sum.drops += n;
	i->drops += n;
}

static void statistics(struct reader *r, const uint8_t *body, size_t n)
{
	const uint8_t *p;
	uint64_t dropped;

	if (n < 12 || reader_u32(r, body) >= r->interfaces.n)
		return;
	p = option(r, body + 12, n - 12, ISB_IFDROP, 8);
	dropped = p ? u64_of(r, p) : 0;
	if (!p)
		p = option(r, body + 12, n - 12, ISB_OSDROP, 8);
	if (p) {
		struct reader_interface *i = &r->interfaces.items[reader_u32(r, body)];

		/* Counted from the beginning of the capture: a later block replaces an earlier. */
		dropped = MAX(dropped, u64_of(r, p));
		if (!i->drops_told) {
			r->sum.drops -= i->drops;
			i->drops = 0;
		}
		i->drops_told = true;
		drops(r, i, dropped > i->drops ? dropped - i->drops : 0);
	}
}

static int64_t time_of(const struct reader_interface *i, uint32_t high, uint32_t low)
{
	uint64_t stamp = (uint64_t)high << 32 | low;
	__int128 ns;

	if (i->units == 1000000)
		ns = (__int128)stamp * 1000;
	else if (i->units == NSEC_PER_SEC)
		ns = stamp;
	else
		ns = (__int128)stamp * NSEC_PER_SEC / i->units;
	ns += (__int128)i->offset_s * NSEC_PER_SEC;
	return ns > INT64_MAX || ns < 0 ? 0 : (int64_t)ns;
}

/* What a block of one of the three kinds holds; NULL: its lengths contradict each other. */
static const char *packet(struct reader *r, enum block type, const uint8_t *body, size_t n,
			  struct raw_packet *ret)
{
	size_t head = type == BLOCK_SIMPLE ? 4 : 20;
	const struct reader_interface *i;
	const uint8_t *p;

	if (n < head)
		return "a packet block too short for its header";
	ret->interface = type == BLOCK_SIMPLE ? 0
			 : type == BLOCK_PACKET ? reader_u16(r, body) : reader_u32(r, body);
	if (ret->interface >= r->interfaces.n)
		return "a packet of an interface that the file does not describe";
	i = &r->interfaces.items[ret->interface];
	ret->linktype = i->linktype;
	ret->bytes = body + head;
	if (type == BLOCK_SIMPLE) {
		ret->length = reader_u32(r, body);
		ret->captured = MIN(ret->length, (uint32_t)(n - head));
		if (i->snaplen)
			ret->captured = MIN(ret->captured, i->snaplen);
		ret->at_ns = r->last_ns;
		return NULL;
	}
	ret->captured = reader_u32(r, body + 12);
	if (ret->captured > n - head)
		return "a packet longer than its block";
	ret->length = MAX(reader_u32(r, body + 16), ret->captured);
	ret->at_ns = r->last_ns = time_of(i, reader_u32(r, body + 4), reader_u32(r, body + 8));
	head += ((size_t)ret->captured + 3) & ~3UL;
	p = type == BLOCK_ENHANCED && n > head
		    ? option(r, body + head, n - head, EPB_DROPCOUNT, 8) : NULL;
	if (p && !i->drops_told)
		drops(r, &r->interfaces.items[ret->interface], u64_of(r, p));
	return NULL;
}

static bool has_packet(uint32_t type)
{
	return type == BLOCK_ENHANCED || type == BLOCK_SIMPLE || type == BLOCK_PACKET;
}

/* ---- the file ---- */

/* The length of the block that begins here, by its section's byte order; 0: none does. */
static uint32_t block_here(struct reader *r, const uint8_t *p)
{
	uint32_t length;

	if (reader_u32(r, p) == BLOCK_SECTION) {
		uint32_t magic;

		memcpy(&magic, p + 8, 4);
		if (magic != MAGIC && magic != bswap_32(MAGIC))
			return 0;
		r->swapped = magic != MAGIC;
	}
	length = reader_u32(r, p + 4);
	return length < 12 || length % 4 || length > BLOCK_MAX ||
			       (has_packet(reader_u32(r, p)) && length > PACKET_BLOCK_MAX)
		       ? 0 : length;
}

static bool known(uint32_t type)
{
	return type == BLOCK_SECTION || type == BLOCK_SECRETS ||
	       (type >= BLOCK_INTERFACE && type <= BLOCK_ENHANCED);
}

/* A block of a known kind whose length stands at its end again. */
static bool resumes(struct reader *r)
{
	bool swapped = r->swapped;
	const uint8_t *p = input_need(&r->in, 12);
	uint32_t length = p && known(reader_u32(r, p)) ? block_here(r, p) : 0;

	p = length && length <= INPUT_NEED_MAX ? input_need(&r->in, length) : NULL;
	if (p && reader_u32(r, p + length - 4) == length)
		return true;
	r->swapped = swapped;
	return false;
}

/* Blocks begin at multiples of four, unless the damage took or brought bytes. */
static bool resync(struct reader *r, const char *what)
{
	reader_problem(r, input_offset(&r->in), what);
	do
		if (!input_skip(&r->in, 1) || !input_need(&r->in, 12)) {
			r->in.at = r->in.end;
			return false;
		}
	while (!resumes(r));
	return true;
}

/* Blocks that are longer than what is read at once have no packet, and are passed over. */
static bool pass_long(struct reader *r, uint32_t length)
{
	uint64_t at = input_offset(&r->in);
	const uint8_t *p;

	if (!input_skip(&r->in, length - 4) || !(p = input_need(&r->in, 4))) {
		reader_problem(r, at, "the file ends within a block");
		return false;
	}
	if (reader_u32(r, p) != length)
		return resync(r, "a block whose lengths at both ends differ");
	return input_skip(&r->in, 4);
}

static void take_other(struct reader *r, uint32_t type, const uint8_t *body, size_t n)
{
	switch (type) {
	case BLOCK_SECTION:
		section(r);
		break;
	case BLOCK_INTERFACE:
		interface(r, body, n);
		break;
	case BLOCK_STATISTICS:
		statistics(r, body, n);
		break;
	}
}

static bool ng_next(struct reader *r, struct raw_packet *ret)
{
	const uint8_t *p;

	while ((p = input_need(&r->in, 12))) {
		uint32_t length = block_here(r, p), type;
		const char *wrong;

		if (!length) {
			if (!resync(r, "a block with an impossible length"))
				return false;
			continue;
		}
		if (length > INPUT_NEED_MAX) {
			if (!pass_long(r, length))
				return false;
			continue;
		}
		p = input_need(&r->in, length);
		if (!p)
			break;
		if (reader_u32(r, p + length - 4) != length) {
			if (!resync(r, "a block whose lengths at both ends differ"))
				return false;
			continue;
		}
		type = reader_u32(r, p);
		if (!has_packet(type)) {
			take_other(r, type, p + 8, length - 12);
			input_skip(&r->in, length);
			continue;
		}
		wrong = packet(r, (enum block)type, p + 8, length - 12, ret);
		if (wrong)
			reader_problem(r, input_offset(&r->in), wrong);
		input_skip(&r->in, length);
		if (!wrong)
			return true;
	}
	reader_ends(r, "the file ends within a block");
	return false;
}

static size_t ng_here(struct reader *r, struct raw_packet *ret, size_t max)
{
	size_t n;

	for (n = 0; n < max; n++) {
		const uint8_t *p = r->in.at;
		size_t left = (size_t)(r->in.end - p);
		uint32_t length;

		if (left < 12 || reader_u32(r, p) != BLOCK_ENHANCED)
			break;
		length = block_here(r, p);
		if (!length || left < length || reader_u32(r, p + length - 4) != length ||
		    packet(r, BLOCK_ENHANCED, p + 8, length - 12, &ret[n]))
			break;
		r->in.at += length;
	}
	return n;
}

bool pcapng_begin(struct reader *r, const uint8_t *p)
{
	if (reader_u32(r, p) != BLOCK_SECTION || !(p = input_need(&r->in, 12)) ||
	    !block_here(r, p))
		return false;
	r->sum.format = "pcapng";
	r->next = ng_next;
	r->here = ng_here;
	return true;
}
