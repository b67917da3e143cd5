// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. No length of a file is believed: what is
 * not plausible is damage, and the next place where two records fit together is looked for.
 */
#include "capture/reader.h"

#include <byteswap.h>
#include <errno.h>
#include <stdio.h>

#include "capture/input.h"
#include "capture/reader_parts.h"

#define PCAP_HEADER 24
#define FAR_SECONDS (366 * 86400LL) /* between neighbours: their times are not times */
#define MAGIC_US 0xa1b2c3d4
#define MAGIC_NS 0xa1b23c4d
#define MAGIC_KUZNETZOV 0xa1b2cd34

void reader_problem(struct reader *r, uint64_t offset, const char *what)
{
	if (r->sum.problems < PROBLEMS_TOLD)
		r->sum.problem[r->sum.problems] = (struct reader_problem){offset, what};
	r->sum.problems++;
}

void reader_ends(struct reader *r, const char *within)
{
	const char *what = within;

	if (r->in.err == -EBADMSG)
		what = "the compressed data is damaged or ends early";
	else if (r->in.err)
		what = "reading failed";
	if (what && (r->in.err || r->in.at < r->in.end))
		reader_problem(r, input_offset(&r->in), what);
	r->in.at = r->in.end;
	r->in.ended = true;
}

/* ---- pcap ---- */

/* Does a record that may follow another begin here? */
static bool pcap_plausible(const struct reader *r, const uint8_t *p)
{
	uint32_t fraction = reader_u32(r, p + 4), captured = reader_u32(r, p + 8);
	uint32_t length = reader_u32(r, p + 12);
	int64_t apart = (int64_t)reader_u32(r, p) - r->last_seconds;

	return captured <= CAPTURED_MAX && fraction < r->fractions &&
	       length >= captured && length <= (128U << 20) &&
	       (!r->last_seconds || (apart > -FAR_SECONDS && apart < FAR_SECONDS));
}

/* Two records in a row, or one and the end. */
static bool pcap_resumes(struct reader *r)
{
	const uint8_t *p = input_need(&r->in, r->record_header);
	size_t size;

	if (!p || !pcap_plausible(r, p))
		return false;
	size = r->record_header + reader_u32(r, p + 8);
	if (size == r->record_header) /* zeros look like a packet of no bytes */
		return false;
	p = input_need(&r->in, size + r->record_header);
	if (p)
		return pcap_plausible(r, p + size);
	p = input_need(&r->in, size);
	return p && p + size == r->in.end;
}

static bool pcap_resync(struct reader *r, const char *what)
{
	reader_problem(r, input_offset(&r->in), what);
	do
		if (!input_skip(&r->in, 1))
			return false;
	while (!pcap_resumes(r) && r->in.at < r->in.end);
	return r->in.at < r->in.end;
}

/*
 * Where the next record begins is known only when this one's header has come from memory. Most have one
 * of two lengths, full segments and acknowledgements: the places where that puts the third from here.
 */
static inline void fetch_ahead(const uint8_t *next, uint32_t size, uint32_t other)
{
	for (uint32_t n = 0; n <= 3; n++) {
		const uint8_t *p = next + n * size + (3 - n) * other;

		__builtin_prefetch(p);
		__builtin_prefetch(p + 64);
	}
}

/* Those that lie whole in what was read, and need no second look. */
static size_t pcap_here(struct reader *r, struct raw_packet *ret, size_t max)
{
	const bool swapped = r->swapped; /* and the rest: no store to `ret` changes them */
	const uint8_t *p = r->in.at, *end = r->in.end;
	uint32_t header = r->record_header, fractions = r->fractions, unit = r->fraction_ns, size;
	uint32_t last = r->sizes[0], other = r->sizes[1];
	uint16_t linktype = r->linktype;
	size_t n;

	for (n = 0; n < max && (size_t)(end - p) >= header; n++, p += size) {
		uint32_t captured = turned_u32(p + 8, swapped), fraction = turned_u32(p + 4, swapped);

		size = header + captured;
		if (captured > CAPTURED_MAX || (size_t)(end - p) < size || fraction >= fractions)
			break;
		if (size != last) {
			other = last;
			last = size;
		}
		fetch_ahead(p + size, last, other);
		ret[n].at_ns = turned_u32(p, swapped) * NSEC_PER_SEC + fraction * (int64_t)unit;
		ret[n].captured = captured;
		ret[n].length = MAX(turned_u32(p + 12, swapped), captured);
		ret[n].bytes = p + header;
		ret[n].linktype = linktype;
		ret[n].interface = 0;
	}
	if (n)
		r->last_seconds = ret[n - 1].at_ns / NSEC_PER_SEC;
	r->sizes[0] = last;
	r->sizes[1] = other;
	r->in.at = p;
	return n;
}

static bool pcap_next(struct reader *r, struct raw_packet *ret)
{
	const uint8_t *p;
	uint32_t captured;

	for (;;) {
		p = input_need(&r->in, r->record_header);
		if (!p) {
			reader_ends(r, "the file ends within the header of a packet");
			return false;
		}
		captured = reader_u32(r, p + 8);
		if (captured > CAPTURED_MAX) {
			if (!pcap_resync(r, "a packet longer than any capture holds"))
				return false;
			continue;
		}
		p = input_need(&r->in, r->record_header + captured);
		if (!p) {
			reader_ends(r, "the file ends within a packet");
			return false;
		}
		/* Between two good ones a time that cannot be is damage, too. */
		if (reader_u32(r, p + 4) >= r->fractions) {
			if (!pcap_resync(r, "a packet with an impossible time"))
				return false;
			continue;
		}
		break;
	}
	r->last_seconds = reader_u32(r, p);
	ret->at_ns = r->last_seconds * NSEC_PER_SEC + reader_u32(r, p + 4) * (int64_t)r->fraction_ns;
	ret->captured = captured;
	ret->length = MAX(reader_u32(r, p + 12), captured);
	ret->bytes = p + r->record_header;
	ret->linktype = r->linktype;
	ret->interface = 0;
	return input_skip(&r->in, r->record_header + captured);
}

static bool pcap_begin(struct reader *r, const uint8_t *p)
{
	uint32_t magic;

	memcpy(&magic, p, 4);
	for (int turn = 0; turn < 2; turn++, magic = bswap_32(magic)) {
		if (magic != MAGIC_US && magic != MAGIC_NS && magic != MAGIC_KUZNETZOV)
			continue;
		r->swapped = turn == 1;
		r->fraction_ns = magic == MAGIC_NS ? 1 : 1000;
		r->fractions = (uint32_t)(NSEC_PER_SEC / r->fraction_ns);
		r->record_header = magic == MAGIC_KUZNETZOV ? 24 : 16;
		/* The upper half tells of a frame check sequence behind each packet. */
		r->linktype = (uint16_t)reader_u32(r, p + 20);
		r->sum.format = "pcap";
		r->sum.interfaces = 1;
		r->next = pcap_next;
		r->here = pcap_here;
		input_skip(&r->in, PCAP_HEADER);
		return true;
	}
	return false;
}

/* ---- either ---- */

static int recognise(struct reader *r, const char *path, struct buf *message)
{
	const uint8_t *p = input_need(&r->in, 4);

	r->sum.packed = r->in.packed;
	if (!p && !r->in.err && r->in.at == r->in.end) {
		buf_printf(message, "%s is empty: no capture", path);
		return -ENODATA;
	}
	if (r->in.err) {
		buf_printf(message, "%s: the %s data is damaged", path,
			   r->in.packed ? r->in.packed : "file's");
		return r->in.err;
	}
	if (p && pcapng_begin(r, p))
		return 0;
	p = input_need(&r->in, PCAP_HEADER);
	if (p && pcap_begin(r, p))
		return 0;
	buf_printf(message, "%s is no capture: it is neither pcap nor pcapng, nor one of these "
			    "compressed by gzip or zstd (it begins with", path);
	for (const uint8_t *b = r->in.at; b < r->in.end && b < r->in.at + 8; b++)
		buf_printf(message, " %02x", *b);
	buf_puts(message, ")");
	return -EBADMSG;
}

int reader_open(const char *path, struct reader **ret, struct buf *message)
{
	struct reader *r = xcalloc(1, sizeof(*r));
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	int err = input_open(path, &r->in);

	if (err == -EBADMSG)
		buf_printf(message, "%s: the compressed data is damaged", name);
	else if (err)
		buf_printf(message, "cannot read %s: %s", name, strerror(-err));
	else
		err = recognise(r, name, message);
	if (err) {
		reader_close(r);
		return err;
	}
	*ret = r;
	return 0;
}

size_t reader_next(struct reader *r, struct raw_packet *ret, size_t max)
{
	size_t n;

	if (!r->next(r, ret))
		return 0;
	n = 1 + r->here(r, ret + 1, max - 1);
	for (size_t i = 0; i < n; i++) {
		ret[i].number = ++r->sum.packets;
		r->sum.bytes += ret[i].length;
	}
	return n;
}

void reader_keep(struct reader *r, void (*await)(void *context, uint64_t turn), void *context)
{
	input_keep(&r->in, await, context);
}

uint64_t reader_turn(const struct reader *r)
{
	return r->in.turn;
}

const struct reader_sum *reader_sum(const struct reader *r)
{
	return &r->sum;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	input_done(&r->in);
	vec_done(&r->interfaces);
	free(r);
}
