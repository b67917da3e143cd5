/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a socket's buffer has the size it has, how large it should be, and what makes it that large:
 * for every cause whose subject is a full buffer.
 */
#ifndef WHYDROP_SOCKBUF_H
#define WHYDROP_SOCKBUF_H

#include "causes/stages.h"

enum buffer_origin {
	BUFFER_UNKNOWN,
	BUFFER_DEFAULT, /* as the system makes new sockets */
	BUFFER_OLDER,	/* as the system made them before its default was changed */
	BUFFER_SET,	/* by the program */
	BUFFER_CLAMPED, /* by the program, and cut by the system's limit */
	BUFFER_TUNED,	/* TCP chose it, and may choose more */
	BUFFER_AT_MAX,	/* TCP chose it, and the system allows no more */
};

struct buffer {
	enum buffer_origin origin;
	bool receive, tcp;
	bool certain; /* the program was seen to have set it, or not */
	int64_t size;
	int64_t standard; /* of new sockets; TCP: as far as it may grow. -1 unknown */
	int64_t limit;	  /* rmem_max, wmem_max; -1 unknown (before 6.12 hidden from namespaces) */
};

void buffer_of(const struct exam *x, const struct socket *sk, bool receive, struct buffer *ret);
/* "212992 bytes, the default (net.core.rmem_default)" */
const char *buffer_text(const struct exam *x, const struct buffer *b, char *to, size_t size);
/* The program's own choice, and less than it would have without one. */
bool buffer_is_lowered(const struct buffer *b);
/*
 * What makes a buffer of `want` bytes out of this one. Never the default of the system for a
 * program that does not take it, and never a limit that does not limit it.
 */
void buffer_remedies(struct exam *x, struct finding *f, const struct buffer *b, int64_t want);

/* What a receive buffer should have held; `reason` says how that was found. */
int64_t rcvbuf_wanted(struct exam *x, const struct subject *s, char *reason, size_t size);

#endif
