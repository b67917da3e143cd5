/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of a capture, front to back: of a file, a pipe, a terminal or a compressed file (gzip,
 * zstd), through a buffer of fixed size. What was read just now is in the processor's cache, as the
 * pages of a mapped file are not: that was slower, with small packets and with full ones.
 */
#ifndef WHYDROP_INPUT_H
#define WHYDROP_INPUT_H

#include "base/base.h"

/* So many bytes can be asked for at once. */
#define INPUT_NEED_MAX (1U << 20)

#define INPUT_BUFFERS 4

struct archive;

struct input {
	const uint8_t *at, *end; /* what can be read without more ado */
	uint64_t offset;	 /* of `end` in what was unpacked */
	const char *packed;	 /* "gzip", "zstd"; NULL */
	int err;		 /* why it ended before its end: negative errno */

	int fd;
	uint8_t *buffer; /* the one of these that is filled just now */
	uint8_t *buffers[INPUT_BUFFERS];
	uint64_t turn; /* how often one was changed for the next */
	void (*await)(void *context, uint64_t turn);
	void *context;
	struct archive *archive;
	uint8_t *raw; /* compressed bytes on their way to it */
	const uint8_t *first; /* those read before it was known what they are */
	size_t first_n;
	bool ended;
};

/* path "-" is standard input. */
int input_open(const char *path, struct input *ret);
void input_done(struct input *in);

/*
 * From now on what was read stays where it is while the next buffers are filled. Before one is filled
 * again `await` is called: it returns when nobody looks any more at what was handed out in that turn.
 */
void input_keep(struct input *in, void (*await)(void *context, uint64_t turn), void *context);

/* The slow way of input_need(). */
const uint8_t *input_fill(struct input *in, size_t n);
/* Goes on by n bytes, or to the end: false. */
bool input_skip(struct input *in, uint64_t n);

/* The next n bytes, side by side; NULL: there are not so many. Valid until the next call, or as input_keep() says. */
static inline const uint8_t *input_need(struct input *in, size_t n)
{
	return (size_t)(in->end - in->at) >= n ? in->at : input_fill(in, n);
}

static inline uint64_t input_offset(const struct input *in)
{
	return in->offset - (uint64_t)(in->end - in->at);
}

#endif
