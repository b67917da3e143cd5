/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every file uses: sizes, cleanup attributes, growable arrays.
 *
 * Convention of the whole program: a function that can fail returns 0 or a negative errno; its
 * outputs are called ret_* and are untouched on failure. Library code never prints: the command
 * at the top says what failed.
 */
#ifndef WHYDROP_BASE_H
#define WHYDROP_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define NSEC_PER_SEC 1000000000LL
#define NSEC_PER_MSEC 1000000LL

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define cleanup(fn) __attribute__((cleanup(fn)))

void cleanup_fd(int *fd);
void cleanup_free(void *pointer_to_pointer);

/* Out of memory is not survivable here: these end the program with a message and status 2. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
/* Not zeroed; free() takes it. */
void *xaligned(size_t alignment, size_t size);
char *xstrdup(const char *s);

/*
 * Growable array: VEC(struct link) links; vec_push(&links) returns the address of a new, zeroed
 * element. Addresses are valid until the next push.
 */
#define VEC(type)                                                                                  \
	struct {                                                                                   \
		type *items;                                                                       \
		size_t n, capacity;                                                                \
	}

void *vec_grow(void **items, size_t *n, size_t *capacity, size_t size);

#define vec_push(v)                                                                                \
	((__typeof__((v)->items))vec_grow((void **)&(v)->items, &(v)->n, &(v)->capacity,           \
					  sizeof(*(v)->items)))
/* Items without capacity are lent (vec_lend) and stay their owner's: not to be pushed to. */
#define vec_done(v)                                                                                \
	(free((v)->capacity ? (v)->items : NULL), (v)->items = NULL, (v)->n = (v)->capacity = 0)
/* Gives back the room that was kept for more. */
void vec_shrink(void **items, size_t n, size_t *capacity, size_t size);
#define vec_trim(v)                                                                                \
	vec_shrink((void **)&(v)->items, (v)->n, &(v)->capacity, sizeof(*(v)->items))
#define vec_lend(to, from) ((to)->items = (from)->items, (to)->n = (from)->n, (to)->capacity = 0)
#define vec_each(item, v)                                                                          \
	for (__typeof__((v)->items + 0) item = (v)->items; item && item < (v)->items + (v)->n; item++)

/* The name of an errno, "EPERM"; takes it positive or negative; "0" for none, "E?" if unknown. */
const char *errno_name(int err);
/*
 * Why a source could not be read, in words. EINTR is no signal there: what was read changed meanwhile,
 * time and again (nl/nl.h).
 */
const char *read_error_text(int err);
/* The errno (positive) of such a name, or 0. */
int errno_from_name(const char *name);

int64_t monotonic_ns(void);

#endif
