/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads captures: pcap (micro- and nanoseconds, both byte orders, Kuznetzov's longer records) and
 * pcapng (several sections and interfaces, each with its own link type, clock and byte order).
 * A damaged record or block is passed over and remembered with its place in the file.
 */
#ifndef WHYDROP_READER_H
#define WHYDROP_READER_H

#include "base/buf.h"
#include "capture/pcapng.h" /* LINKTYPE_ETHERNET, LINKTYPE_RAW */

#define LINKTYPE_NULL	    0
#define LINKTYPE_RAW_BSD    12 /* DLT_RAW, as some programs write it into files */
#define LINKTYPE_RAW_BSD_14 14
#define LINKTYPE_LOOP	    108
#define LINKTYPE_LINUX_SLL  113
#define LINKTYPE_IPV4	    228
#define LINKTYPE_IPV6	    229
#define LINKTYPE_LINUX_SLL2 276

#define CAPTURED_MAX (256U << 10) /* bytes of a packet; MAXIMUM_SNAPLEN of libpcap */
#define PROBLEMS_TOLD 8

struct raw_packet {
	uint64_t number; /* from 1, as Wireshark counts */
	int64_t at_ns;	 /* since 1970 */
	const uint8_t *bytes;
	uint32_t captured, length; /* bytes that are here, and that it had */
	uint16_t linktype;
	uint32_t interface;
};

struct reader_problem {
	uint64_t offset;
	const char *what;
};

struct reader_sum {
	const char *format; /* "pcap", "pcapng" */
	const char *packed; /* "gzip", "zstd"; NULL */
	uint64_t packets, bytes;
	uint64_t interfaces;
	bool drops_known; /* the file says how many packets the capture missed */
	uint64_t drops;
	uint64_t problems; /* of these the first are told */
	struct reader_problem problem[PROBLEMS_TOLD];
};

struct reader;

/* path "-" is standard input. The message says what is wrong with it. */
int reader_open(const char *path, struct reader **ret, struct buf *message);
/*
 * Up to `max` packets, whose bytes are valid until the next call; 0: the end. Those that have come
 * already are not kept waiting for more.
 */
size_t reader_next(struct reader *r, struct raw_packet *ret, size_t max);
/* Lets them be valid longer: input_keep(). The turn is that of what reader_next() returned last. */
void reader_keep(struct reader *r, void (*await)(void *context, uint64_t turn), void *context);
uint64_t reader_turn(const struct reader *r);
const struct reader_sum *reader_sum(const struct reader *r);
void reader_close(struct reader *r);

#endif
