// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "base/base.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

void cleanup_free(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}

static void *or_die(void *p)
{
	static const char message[] = "whydrop: out of memory\n";

	if (!p) {
		if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
			_exit(2);
		_exit(2);
	}
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	return or_die(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t size)
{
	return or_die(realloc(p, size ? size : 1));
}

void *xaligned(size_t alignment, size_t size)
{
	return or_die(aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment));
}

char *xstrdup(const char *s)
{
	return or_die(strdup(s));
}

void *vec_grow(void **items, size_t *n, size_t *capacity, size_t size)
{
	void *item;

	if (*n && !*capacity)
		abort(); /* lent */
	if (*n == *capacity) {
		*capacity = *capacity ? *capacity * 2 : 8;
		*items = or_die(reallocarray(*items, *capacity, size));
	}
	item = (char *)*items + size * (*n)++;
	return memset(item, 0, size);
}

void vec_shrink(void **items, size_t n, size_t *capacity, size_t size)
{
	if (*capacity == n)
		return;
	if (n) {
		*items = or_die(reallocarray(*items, n, size));
	} else {
		free(*items);
		*items = NULL;
	}
	*capacity = n;
}

const char *errno_name(int err)
{
	const char *name;

	if (err == 0)
		return "0";
	name = strerrorname_np(err < 0 ? -err : err);
	return name ? name : "E?";
}

const char *read_error_text(int err)
{
	err = err < 0 ? -err : err;
	return err == EINTR ? "it changed while it was read" : strerror(err);
}

int errno_from_name(const char *name)
{
	for (int e = 1; e < 200; e++) {
		const char *known = strerrorname_np(e);

		if (known && strcmp(known, name) == 0)
			return e;
	}
	return 0;
}

int64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}
