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

	return captured <= CAPTURED_MAX && fraction < NSEC_PER_SEC / r->fraction_ns &&
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
		if (reader_u32(r, p + 4) >= NSEC_PER_SEC / r->fraction_ns) {
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
		r->record_header = magic == MAGIC_KUZNETZOV ? 24 : 16;
		/* The upper half tells of a frame check sequence behind each packet. */
		r->linktype = (uint16_t)reader_u32(r, p + 20);
		r->sum.format = "pcap";
		r->sum.interfaces = 1;
		r->next = pcap_next;
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

bool reader_next(struct reader *r, struct raw_packet *ret)
{
	if (!r->next(r, ret))
		return false;
	ret->number = ++r->sum.packets;
	r->sum.bytes += ret->length;
	return true;
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
