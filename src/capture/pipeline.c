// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A ring with one writer and one reader. `made` and `done` only grow, and each has one thread that
 * writes it. Who has to wait looks again for some microseconds, which is shorter than to be woken, and
 * then sleeps until the other's count has come to what is wanted of it.
 */
#define _GNU_SOURCE
#include "capture/pipeline.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "capture/input.h"

#define SLOTS 16 /* of 48 KiB: they stay in the second cache of a processor */
#define SLOT_PACKETS 256
#define LOOKS 100 /* before it sleeps; 2000 took half as long again on a busy machine */

struct slot {
	size_t n; /* 0: the end */
	struct cap_packet p[SLOT_PACKETS];
};

/* How far one of the two is, and what the other sleeps for; 0: it does not. */
struct progress {
	alignas(CACHE_LINE) atomic_uint_fast64_t at, wanted;
};

struct pipeline {
	struct reader *reader;
	pipeline_filter *filter;
	void *filter_context;
	const struct analysis *a;
	struct slot *slots;
	uint64_t end_of[INPUT_BUFFERS]; /* of a turn: `made` behind its last slot. The writer's own */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct progress made, done;
};

/* ---- waiting ---- */

static void look_again(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

static void await(struct pipeline *p, struct progress *other, uint64_t at)
{
	for (int i = 0; i < LOOKS; i++) {
		if (atomic_load_explicit(&other->at, memory_order_acquire) >= at)
			return;
		look_again();
	}
	pthread_mutex_lock(&p->lock);
	/* Either this is seen by advance(), or what that stored is seen here. */
	atomic_store(&other->wanted, at);
	while (atomic_load(&other->at) < at)
		pthread_cond_wait(&p->changed, &p->lock);
	atomic_store(&other->wanted, 0);
	pthread_mutex_unlock(&p->lock);
}

static void advance(struct pipeline *p, struct progress *own, uint64_t at)
{
	uint64_t wanted;

	atomic_store(&own->at, at);
	wanted = atomic_load(&own->wanted);
	if (!wanted || wanted > at)
		return;
	pthread_mutex_lock(&p->lock);
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

/* ---- the thread that reads ---- */

static void await_turn(void *context, uint64_t turn)
{
	struct pipeline *p = context;

	await(p, &p->done, p->end_of[turn % INPUT_BUFFERS]);
}

static size_t read_some(struct pipeline *p, struct raw_packet *raw, size_t max)
{
	size_t n;

	do {
		n = reader_next(p->reader, raw, max);
		if (!n)
			return 0;
		if (p->filter)
			n = p->filter(p->filter_context, raw, n);
	} while (!n);
	return n;
}

static void *read_ahead(void *context)
{
	struct pipeline *p = context;
	struct raw_packet raw[SLOT_PACKETS];
	size_t prepared = 0;
	uint64_t made = 0;
	struct slot *s;

	do {
		/* From the full ring it waits for the half: less often. */
		if (made >= SLOTS && atomic_load(&p->done.at) + SLOTS == made)
			await(p, &p->done, made - SLOTS / 2);
		s = &p->slots[made % SLOTS];
		s->n = read_some(p, raw, SLOT_PACKETS);
		prepared = flows_prepare(&p->a->flows, prepared);
		analysis_decode(p->a, raw, s->n, s->p);
		p->end_of[reader_turn(p->reader) % INPUT_BUFFERS] = ++made;
		advance(p, &p->made, made);
	} while (s->n);
	return NULL;
}

/* ---- the other ---- */

static void take_all(struct pipeline *p, struct analysis *a)
{
	for (uint64_t done = 0;; advance(p, &p->done, done)) {
		const struct slot *s = &p->slots[done % SLOTS];

		await(p, &p->made, ++done);
		if (!s->n)
			return;
		analysis_take(a, s->p, s->n);
	}
}

static void alone(struct pipeline *p, struct analysis *a)
{
	struct raw_packet raw[ANALYSIS_BATCH];
	size_t n;

	while ((n = read_some(p, raw, ANALYSIS_BATCH)))
		analysis_packets(a, raw, n);
}

static bool has_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) > 1;
}

void pipeline_run(struct reader *r, pipeline_filter *filter, void *context, struct analysis *a)
{
	struct pipeline p = {.reader = r, .filter = filter, .filter_context = context, .a = a,
			     .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	pthread_t thread;

	if (has_processors()) {
		p.slots = xaligned(CACHE_LINE, SLOTS * sizeof(*p.slots));
		reader_keep(r, await_turn, &p);
		if (pthread_create(&thread, NULL, read_ahead, &p) == 0) {
			take_all(&p, a);
			pthread_join(thread, NULL);
			free(p.slots);
			return;
		}
		reader_keep(r, NULL, NULL);
		free(p.slots);
	}
	alone(&p, a);
}
