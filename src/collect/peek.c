// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/PID/mem (fs/proc/base.c mem_rw) and /proc/PID/pagemap (fs/proc/task_mmu.c): 64 bits for
 * each page, bit 63: present, 62: swapped. Privilege: that of ptrace (PTRACE_MODE_ATTACH for mem).
 *
 * Strings are taken of pages that are there alone. A dump has those that were swapped out as well,
 * which the kernel reads back for it. Pages that nobody has touched are never read: reading makes
 * the kernel map them.
 */
#define _GNU_SOURCE
#include "collect/peek.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define PRESENT (UINT64_C(1) << 63)
#define SWAPPED (UINT64_C(1) << 62)
#define WINDOW 64 /* pages whose entries are read at once */
#define WINDOWS_MAX 4096
#define PAGES_SAMPLED 256
#define STRING_MIN 6
#define STRINGS_SHOWN 12
#define PAGE_MAX 65536

struct target {
	int mem, pagemap;
	size_t page; /* bytes */
	char *data;  /* room for one page */
};

static void target_done(struct target *t)
{
	cleanup_fd(&t->mem);
	cleanup_fd(&t->pagemap);
	free(t->data);
}

static int target_open(int pid, struct target *ret)
{
	struct target t = {.mem = -1, .page = (size_t)sysconf(_SC_PAGESIZE)};
	char path[32];

	if (t.page > PAGE_MAX)
		return -EOPNOTSUPP;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	t.pagemap = open(path, O_RDONLY | O_CLOEXEC);
	if (t.pagemap >= 0) {
		snprintf(path, sizeof(path), "/proc/%d/mem", pid);
		t.mem = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (t.mem < 0) {
		int err = -errno;

		cleanup_fd(&t.pagemap);
		return err;
	}
	t.data = xcalloc(1, t.page);
	*ret = t;
	return 0;
}

/* Of up to WINDOW pages from an address; returns how many are told. */
static size_t page_bits(const struct target *t, uint64_t address, uint64_t end, uint64_t *bits)
{
	size_t n = MIN((size_t)WINDOW, (size_t)((end - address) / t->page));
	ssize_t got = pread(t->pagemap, bits, n * sizeof(*bits),
			    (off_t)(address / t->page * sizeof(*bits)));

	return got < 0 ? 0 : (size_t)got / sizeof(*bits);
}

struct addresses {
	VEC(uint64_t) list;
};

/* All of a small region, windows spread over a large one. */
static void find_pages(const struct target *t, const struct mapping *m, struct addresses *ret)
{
	uint64_t windows = (m->end - m->start) / t->page / WINDOW + 1;
	uint64_t step = MAX(windows / WINDOWS_MAX, 1) * WINDOW * t->page;

	for (uint64_t at = m->start; at < m->end; at += MIN(step, m->end - at)) {
		uint64_t bits[WINDOW];
		size_t n = page_bits(t, at, m->end, bits);

		for (size_t i = 0; i < n; i++)
			if (bits[i] & PRESENT)
				*vec_push(&ret->list) = at + i * t->page;
	}
}

struct strings {
	VEC(struct found_string) list;
};

static bool is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

static void take_strings(const char *data, size_t size, struct strings *ret)
{
	for (size_t at = 0, n; at < size; at += n + 1) {
		struct found_string *s;

		for (n = 0; at + n < size && is_printable(data[at + n]); n++)
			;
		if (n < STRING_MIN)
			continue;
		s = vec_push(&ret->list);
		memcpy(s->text, data + at, MIN(n, sizeof(s->text) - 1));
		s->seen = 1;
	}
}

static int by_text(const void *one, const void *other)
{
	const struct found_string *a = one, *b = other;

	return strcmp(a->text, b->text);
}

static int by_number(const void *one, const void *other)
{
	const struct found_string *a = one, *b = other;

	if (a->seen != b->seen)
		return a->seen < b->seen ? 1 : -1;
	return strcmp(a->text, b->text);
}

static void add_up(struct strings *s)
{
	size_t kept = 0;

	if (!s->list.n)
		return;
	qsort(s->list.items, s->list.n, sizeof(*s->list.items), by_text);
	for (size_t i = 1; i < s->list.n; i++) {
		if (strcmp(s->list.items[kept].text, s->list.items[i].text) == 0)
			s->list.items[kept].seen++;
		else
			s->list.items[++kept] = s->list.items[i];
	}
	s->list.n = kept + 1;
	qsort(s->list.items, s->list.n, sizeof(*s->list.items), by_number);
}

int peek_strings(int pid, const struct mapping *m, struct leak_report *ret)
{
	struct addresses pages = {0};
	struct strings strings = {0};
	struct target t;
	uint64_t sampled = 0;
	int r = target_open(pid, &t), err = -ENODATA;

	if (r < 0)
		return r;
	find_pages(&t, m, &pages);
	for (size_t i = 0, n = MIN(pages.list.n, (size_t)PAGES_SAMPLED); i < n; i++) {
		uint64_t at = pages.list.items[i * pages.list.n / n];
		ssize_t got = pread(t.mem, t.data, t.page, (off_t)at);

		if (got < 0)
			err = -errno;
		if (got != (ssize_t)t.page)
			continue; /* given up meanwhile */
		take_strings(t.data, t.page, &strings);
		sampled++;
	}
	target_done(&t);
	vec_done(&pages.list);
	add_up(&strings);
	for (size_t i = 0; i < MIN(strings.list.n, (size_t)STRINGS_SHOWN); i++)
		*vec_push(&ret->strings) = strings.list.items[i];
	vec_done(&strings.list);
	ret->pages_sampled = sampled;
	return sampled ? 0 : err;
}

/* 1: written; 0: it could not be read, *ret_unread says why */
static int write_page(const struct target *t, uint64_t from, int to, uint64_t offset,
		      int *ret_unread)
{
	ssize_t got = pread(t->mem, t->data, t->page, (off_t)from), n;

	if (got != (ssize_t)t->page) {
		*ret_unread = got < 0 ? -errno : -ENODATA;
		return 0;
	}
	n = pwrite(to, t->data, t->page, (off_t)offset);
	if (n < 0)
		return -errno;
	return n == (ssize_t)t->page ? 1 : -ENOSPC;
}

int peek_dump(int pid, const struct mapping *m, int to, uint64_t *ret_bytes)
{
	struct target t;
	uint64_t bytes = 0, bits[WINDOW];
	int r = target_open(pid, &t), unread = 0;
	size_t n;

	if (r < 0)
		return r;
	if (ftruncate(to, (off_t)(m->end - m->start)) < 0)
		r = -errno;
	for (uint64_t at = m->start; r >= 0 && at < m->end; at += n * t.page) {
		n = page_bits(&t, at, m->end, bits);
		if (!n) {
			r = -ESRCH;
			break;
		}
		for (size_t i = 0; r >= 0 && i < n; i++) {
			if (!(bits[i] & (PRESENT | SWAPPED)))
				continue;
			r = write_page(&t, at + i * t.page, to, at + i * t.page - m->start,
				       &unread);
			bytes += r > 0 ? t.page : 0;
		}
	}
	target_done(&t);
	if (r >= 0 && !bytes)
		r = unread; /* a page may be given up meanwhile, not all of them */
	if (r < 0)
		return r;
	*ret_bytes = bytes;
	return 0;
}
