// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's log: /dev/kmsg (kernel/printk/printk.c devkmsg_read), one read for each line:
 * "priority,sequence,microseconds,flags[,...];text", then lines that begin with a blank (the device
 * it is about). Bytes that are not printable come as \xHH. Host-wide. Root, or anybody where
 * kernel.dmesg_restrict is 0 and the device may be opened; containers mostly have no such device.
 *
 * There is no reading it from the end, so all of it is gone through (a thousand lines take a
 * millisecond) and only what matters is kept. Programs may write to it too; such lines have another
 * facility than the kernel's own and are passed over. Numbers of lines tell what is new between two
 * reads; their times follow the scheduler's clock, which drifts against every other.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "collect/proctext.h"

#define LINES_KEPT (KERNEL_LOG_KEPT * KERNEL_LOG_ROWS)
#define LINES_READ_MAX 400000 /* more than the largest log buffer in use holds */
#define LINE_MAX_BYTES 8192   /* CONSOLE_EXT_LOG_MAX; shorter buffers make a read fail */

static bool parse_line(struct span line, struct kernel_log_line *ret)
{
	struct span head, priority, sequence, us;
	uint64_t level;

	/* Behind the first ';' everything is text. */
	if (!next_split(&line, ';', &head) || !line.p || !next_split(&head, ',', &priority) ||
	    !next_split(&head, ',', &sequence) || !next_split(&head, ',', &us) ||
	    parse_u64(priority, UINT32_MAX, &level) < 0 ||
	    parse_u64(sequence, UINT64_MAX, &ret->sequence) < 0 ||
	    parse_u64(us, UINT64_MAX, &ret->us) < 0)
		return false;
	/* The lower three bits are the level, the others the facility: 0 is the kernel. */
	ret->id = level >> 3 ? KERNEL_LOG_ROWS : kernel_log_match(line.p, line.n);
	span_copy(line, ret->text, sizeof(ret->text));
	return true;
}

int parse_kernel_log(struct span text, struct snapshot *s)
{
	struct span line;

	while (next_line(&text, &line)) {
		struct kernel_log_line parsed = {0};

		if (!parse_line(line, &parsed) || s->kernel_log.n >= LINES_KEPT)
			return -EBADMSG;
		if (parsed.id < KERNEL_LOG_ROWS)
			*vec_push(&s->kernel_log) = parsed;
	}
	return 0;
}

/* Where a line that matters stands in what was read. */
struct place {
	enum kernel_log_id id;
	size_t at, n;
};
struct places {
	VEC(struct place) list;
};

static void cleanup_places(struct places *p)
{
	vec_done(&p->list);
}

/* Of each kind the last ones: a storm of one does not hide the others. */
static void keep_last(const struct buf *all, const struct places *places, struct buf *ret)
{
	size_t later[KERNEL_LOG_ROWS] = {0};

	vec_each(p, &places->list)
		later[p->id]++;
	vec_each(p, &places->list)
		if (later[p->id]-- <= KERNEL_LOG_KEPT)
			buf_add(ret, all->data + p->at, p->n);
}

static int read_log(struct buf *ret)
{
	cleanup(cleanup_fd) int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	cleanup(cleanup_places) struct places places = {0};
	cleanup(buf_done) struct buf all = {0};
	char record[LINE_MAX_BYTES];

	if (fd < 0)
		return -errno;
	for (unsigned int i = 0; i < LINES_READ_MAX; i++) {
		struct kernel_log_line parsed = {0};
		struct span text, line;
		ssize_t n = read(fd, record, sizeof(record));

		if (n < 0 && errno == EAGAIN) /* the end */
			break;
		if (n < 0 && errno != EINTR && errno != EPIPE) /* EPIPE: lines were overwritten */
			return -errno;
		text = (struct span){record, n > 0 ? (size_t)n : 0};
		if (n <= 0 || !next_line(&text, &line) || !parse_line(line, &parsed) ||
		    parsed.id == KERNEL_LOG_ROWS)
			continue;
		*vec_push(&places.list) = (struct place){parsed.id, all.len, line.n + 1};
		buf_add(&all, line.p, line.n);
		buf_add(&all, "\n", 1);
	}
	keep_last(&all, &places, ret);
	return 0;
}

int collect_kernel_log(struct host *h, struct snapshot *s)
{
	cleanup(buf_done) struct buf text = {0};
	int r = h->replay ? 0 : read_log(&text);

	r = host_keep(h, "kernel-log", r, &text);
	return r < 0 ? r : parse_kernel_log((struct span){text.data, text.len}, s);
}
