// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "capture/input.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE (2U * INPUT_NEED_MAX)
#define RAW_SIZE (256U << 10)
#define READ_SIZE (256U << 10)

/* ---- compressed ---- */

static la_ssize_t feed(struct archive *a, void *context, const void **ret)
{
	struct input *in = context;
	ssize_t n;

	if (in->first_n) {
		n = (ssize_t)in->first_n;
		*ret = in->first;
		in->first_n = 0;
		return n;
	}
	do
		n = read(in->fd, in->raw, RAW_SIZE);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		archive_set_error(a, errno, "read");
	*ret = in->raw;
	return n;
}

static int open_packed(struct input *in, const char *packed)
{
	struct archive_entry *entry;

	in->packed = packed;
	in->first = in->at;
	in->first_n = (size_t)(in->end - in->at);
	in->raw = xrealloc(NULL, RAW_SIZE + in->first_n);
	memcpy(in->raw + RAW_SIZE, in->first, in->first_n);
	in->first = in->raw + RAW_SIZE;
	in->at = in->end = in->buffer;
	in->offset = 0;
	in->ended = false;
	in->archive = archive_read_new();
	if (!in->archive)
		return -ENOMEM;
	archive_read_support_filter_gzip(in->archive);
	archive_read_support_filter_zstd(in->archive);
	archive_read_support_format_raw(in->archive);
	archive_read_support_format_empty(in->archive);
	if (archive_read_open(in->archive, in, NULL, feed, NULL) != ARCHIVE_OK ||
	    archive_read_next_header(in->archive, &entry) == ARCHIVE_FATAL)
		return -EBADMSG;
	return 0;
}

/* ---- bytes ---- */

static ssize_t more(struct input *in, uint8_t *to, size_t room)
{
	ssize_t n;

	if (in->archive) {
		n = archive_read_data(in->archive, to, room);
		if (n < 0)
			in->err = -EBADMSG;
		return n;
	}
	do
		n = read(in->fd, to, MIN(room, (size_t)READ_SIZE));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		in->err = -errno;
	return n;
}

static void next_buffer(struct input *in, size_t left)
{
	uint8_t **next = &in->buffers[++in->turn % INPUT_BUFFERS];

	if (!*next)
		*next = xrealloc(NULL, BUFFER_SIZE);
	if (in->turn >= INPUT_BUFFERS)
		in->await(in->context, in->turn - INPUT_BUFFERS);
	memcpy(*next, in->at, left);
	in->buffer = *next;
	in->at = in->buffer;
	in->end = in->at + left;
}

void input_keep(struct input *in, void (*await)(void *context, uint64_t turn), void *context)
{
	in->await = await;
	in->context = context;
}

const uint8_t *input_fill(struct input *in, size_t n)
{
	size_t left = (size_t)(in->end - in->at);

	if (!in->buffer || n > INPUT_NEED_MAX)
		return NULL;
	if (in->await) {
		next_buffer(in, left);
	} else if (in->at != in->buffer) {
		memmove(in->buffer, in->at, left);
		in->at = in->buffer;
		in->end = in->at + left;
	}
	while (left < n && !in->ended) {
		ssize_t got = more(in, in->buffer + left, BUFFER_SIZE - left);

		if (got <= 0) {
			in->ended = true;
			break;
		}
		left += (size_t)got;
		in->end = in->buffer + left;
		in->offset += (uint64_t)got;
	}
	return left >= n ? in->at : NULL;
}

bool input_skip(struct input *in, uint64_t n)
{
	while (n) {
		uint64_t here = MIN(n, (uint64_t)(in->end - in->at));

		in->at += here;
		n -= here;
		if (n && !input_fill(in, 1))
			return false;
	}
	return true;
}

static const char *packed_with(const uint8_t *p)
{
	static const uint8_t gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};

	if (memcmp(p, gzip, sizeof(gzip)) == 0)
		return "gzip";
	return memcmp(p, zstd, sizeof(zstd)) == 0 ? "zstd" : NULL;
}

static int begin(struct input *in)
{
	const char *packed;
	struct stat st;

	if (fstat(in->fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	in->buffer = in->buffers[0] = xrealloc(NULL, BUFFER_SIZE);
	in->at = in->end = in->buffer;
	packed = input_need(in, 4) ? packed_with(in->at) : NULL;
	return packed ? open_packed(in, packed) : in->err;
}

int input_open(const char *path, struct input *ret)
{
	struct input in = {.fd = STDIN_FILENO};
	int err;

	if (strcmp(path, "-") != 0)
		in.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (in.fd < 0)
		return -errno;
	/* Compressed bytes are fed from the struct: it must stand where it will stay. */
	*ret = in;
	err = begin(ret);
	if (err)
		input_done(ret);
	return err;
}

void input_done(struct input *in)
{
	if (in->archive)
		archive_read_free(in->archive);
	for (size_t i = 0; i < INPUT_BUFFERS; i++)
		free(in->buffers[i]);
	free(in->raw);
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	*in = (struct input){.fd = -1};
}
