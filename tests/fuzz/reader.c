// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a file: from its beginning in batches, and from within it one by one, say the same. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/reader.h"

#define BATCH 32
#define FNV 0x100000001b3ULL

struct said {
	uint64_t packets, bytes, problems, drops, interfaces, sum;
	int64_t err; /* as wide as the rest: structs are compared */
};

static void add(struct said *s, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->sum = (s->sum ^ ((const uint8_t *)bytes)[i]) * FNV;
}

static struct said read_all(const char *path, size_t max)
{
	struct said s = {0};
	struct raw_packet p[BATCH];
	struct buf message = {0};
	struct reader *r;
	size_t n;

	s.err = reader_open(path, &r, &message);
	if (s.err) {
		MUST(message.len);
		buf_done(&message);
		return s;
	}
	while ((n = reader_next(r, p, max))) {
		MUST(n <= max);
		for (size_t i = 0; i < n; i++) {
			MUST(p[i].captured <= p[i].length && p[i].number == s.packets + i + 1);
			add(&s, p[i].bytes, p[i].captured);
			add(&s, &p[i].at_ns, sizeof(p[i].at_ns));
			add(&s, &p[i].length, sizeof(p[i].length));
		}
		s.packets += n;
	}
	MUST(reader_sum(r)->packets == s.packets);
	s.bytes = reader_sum(r)->bytes;
	s.problems = reader_sum(r)->problems;
	s.drops = reader_sum(r)->drops;
	s.interfaces = reader_sum(r)->interfaces;
	reader_close(r);
	buf_done(&message);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct said batches, single;
	char path[64];

	MUST(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	batches = read_all(path, BATCH);
	/* As standard input that somebody has read the first byte of. */
	MUST(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	MUST(write(fd, "x", 1) == 1 && write(fd, data, n) == (ssize_t)n);
	MUST(dup2(fd, STDIN_FILENO) == STDIN_FILENO && lseek(fd, 1, SEEK_SET) == 1);
	single = read_all("-", 1);
	close(fd);
	MUST(memcmp(&batches, &single, sizeof(batches)) == 0);
	return 0;
}
