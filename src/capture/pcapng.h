/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a capture file (pcapng, draft-ietf-opsawg-pcapng): the host's byte order, times in
 * nanoseconds. Each block is written whole or not at all: a file whose disk is full ends with its
 * last whole block, and nothing is written to it any more.
 */
#ifndef WHYDROP_PCAPNG_H
#define WHYDROP_PCAPNG_H

#include "base/buf.h"

/* https://www.tcpdump.org/linktypes.html */
#define LINKTYPE_ETHERNET 1
#define LINKTYPE_RAW	  101 /* IPv4 or IPv6, by its first half byte */

#define PCAPNG_SNAPLEN_MAX 262144

struct pcapng;

/* What stands in the head of the file; NULL leaves one out. UTF-8. */
struct pcapng_about {
	const char *hardware, *os, *program, *comment;
};

struct pcapng_packet {
	uint32_t interface; /* in the order in which they were added, from 0 */
	int64_t at_ns;	    /* CLOCK_REALTIME */
	const uint8_t *bytes;
	uint32_t captured, length; /* bytes given, and how many it had */
	const char *comment;	   /* UTF-8, or NULL */
};

/*
 * path "-" is standard output. A file that exists is emptied first, as other capture programs do;
 * what is no regular file is written to as it is.
 */
int pcapng_create(const char *path, const struct pcapng_about *about, struct pcapng **ret);
/* Texts may be NULL. */
int pcapng_interface(struct pcapng *p, uint16_t linktype, uint32_t snaplen, const char *name,
		     const char *description, uint32_t *ret_interface);
int pcapng_packet(struct pcapng *p, const struct pcapng_packet *packet);
/* How many an interface got since `since_ns`, and how many packets are not in the file. */
int pcapng_statistics(struct pcapng *p, uint32_t interface, int64_t since_ns, int64_t at_ns,
		      uint64_t received, uint64_t dropped, const char *comment);
/* Why nothing is written any more: a negative errno; 0 while all is well. */
int pcapng_failed(const struct pcapng *p);
/* The last error, also one that comes only now. */
int pcapng_close(struct pcapng *p);

#endif
