// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/growth.h"

#define THIRDS 3
#define THIRD_SHARE 0.15 /* of all the growth, in each third of the time; even growth: 0.33 */
/* A page now and then is read back on any host that once swapped. */
#define SWAP_PAGES_PER_S 10.0
#define SWAP_PRESSURE 0.01

const char *const growth_names[GROWTH_KINDS] = {
	[GROWTH_NONE] = "none",
	[GROWTH_BURST] = "burst",
	[GROWTH_STEADY] = "steady",
};

const char *const swap_use_names[SWAP_USES] = {
	[SWAP_UNKNOWN] = "unknown",
	[SWAP_NONE] = "none",
	[SWAP_UNUSED] = "unused",
	[SWAP_BURST] = "burst",
	[SWAP_TRAFFIC] = "traffic",
	[SWAP_WORKING_SET] = "working-set",
	[SWAP_LEAK] = "leak",
};

void memory_look_done(struct memory_look *l)
{
	vec_done(&l->mappings);
}

void growth_done(struct growth *g)
{
	vec_done(&g->regions);
}

static uint64_t kept(const struct mapping *m)
{
	return m->own_kib + m->swap_kib;
}

/*
 * What lies within a mapping as it is now: an area that grows joins its neighbours, at either end,
 * and what it was before lies within it.
 */
static uint64_t kept_within(const struct memory_look *l, const struct mapping *now)
{
	uint64_t sum = 0;

	vec_each(m, &l->mappings)
		if (m->start < now->end && now->start < m->end && strcmp(m->name, now->name) == 0)
			sum += kept(m);
	return sum;
}

static uint64_t kept_in_all(const struct memory_look *l)
{
	uint64_t sum = 0;

	vec_each(m, &l->mappings)
		sum += kept(m);
	return sum;
}

struct series {
	const struct memory_look *looks;
	uint64_t *kib;
	size_t n;
};

/* Least squares. */
static double slope(const struct series *s)
{
	double mean_t = 0, mean_k = 0, above = 0, below = 0;

	for (size_t i = 0; i < s->n; i++) {
		mean_t += (double)(s->looks[i].at_ns - s->looks[0].at_ns) / NSEC_PER_SEC;
		mean_k += (double)s->kib[i];
	}
	mean_t /= (double)s->n;
	mean_k /= (double)s->n;
	for (size_t i = 0; i < s->n; i++) {
		double t = (double)(s->looks[i].at_ns - s->looks[0].at_ns) / NSEC_PER_SEC - mean_t;

		above += t * ((double)s->kib[i] - mean_k);
		below += t * t;
	}
	return below > 0 ? above / below : 0;
}

static bool grew_all_the_time(const struct series *s, uint64_t grown)
{
	for (size_t third = 0; third < THIRDS; third++) {
		uint64_t from = s->kib[third * (s->n - 1) / THIRDS];
		uint64_t to = s->kib[(third + 1) * (s->n - 1) / THIRDS];

		if (to < from || (double)(to - from) < (double)grown * THIRD_SHARE)
			return false;
	}
	return true;
}

static enum growth_kind judge(const struct series *s, uint64_t ram_kib, uint64_t *ret_grown,
			      double *ret_rate)
{
	uint64_t first = s->kib[0], last = s->kib[s->n - 1];

	*ret_grown = last > first ? last - first : 0;
	*ret_rate = slope(s);
	if (*ret_grown < GROWTH_KIB_MIN ||
	    *ret_rate < (double)ram_kib * GROWTH_SHARE_PER_HOUR / 3600)
		return GROWTH_NONE;
	return grew_all_the_time(s, *ret_grown) ? GROWTH_STEADY : GROWTH_BURST;
}

static int most_first(const void *one, const void *other)
{
	const struct growing_region *a = one, *b = other;

	return a->grown_kib < b->grown_kib ? 1 : -(a->grown_kib > b->grown_kib);
}

static void judge_regions(struct series *s, uint64_t ram_kib, struct growth *g)
{
	vec_each(m, &s->looks[s->n - 1].mappings) {
		struct growing_region r = {.mapping = *m};

		/* It cannot have grown by more than it has. */
		if (kept(m) < GROWTH_KIB_MIN)
			continue;
		for (size_t i = 0; i < s->n; i++)
			s->kib[i] = kept_within(&s->looks[i], m);
		r.kind = judge(s, ram_kib, &r.grown_kib, &r.kib_per_s);
		if (r.kind != GROWTH_NONE)
			*vec_push(&g->regions) = r;
	}
	if (g->regions.n)
		qsort(g->regions.items, g->regions.n, sizeof(*g->regions.items), most_first);
}

void growth_judge(const struct memory_look *looks, size_t n, uint64_t ram_kib, struct growth *ret)
{
	struct growth g = {.looks = n};
	struct series s = {.looks = looks, .n = n};

	if (n) {
		g.seconds = (double)(looks[n - 1].at_ns - looks[0].at_ns) / NSEC_PER_SEC;
		g.kept_kib = kept_in_all(&looks[n - 1]);
		vec_each(m, &looks[n - 1].mappings)
			g.swap_kib += m->swap_kib;
	}
	if (n >= GROWTH_LOOKS_MIN) {
		s.kib = xcalloc(n, sizeof(*s.kib));
		for (size_t i = 0; i < n; i++)
			s.kib[i] = kept_in_all(&looks[i]);
		g.kind = judge(&s, ram_kib, &g.grown_kib, &g.kib_per_s);
		judge_regions(&s, ram_kib, &g);
		free(s.kib);
	}
	*ret = g;
}

enum swap_use swap_judge(const struct swap_state *s, enum growth_kind largest)
{
	if (!s->known)
		return SWAP_UNKNOWN;
	if (!s->total_kib)
		return SWAP_NONE;
	if (!s->used_kib)
		return SWAP_UNUSED;
	/* It drives out what others use, which comes back: the same traffic, another reason. */
	if (largest == GROWTH_STEADY && s->out_per_s >= SWAP_PAGES_PER_S)
		return SWAP_LEAK;
	if (s->in_per_s >= SWAP_PAGES_PER_S &&
	    (!s->pressure_known || s->pressure >= SWAP_PRESSURE))
		return SWAP_WORKING_SET;
	if (s->in_per_s >= SWAP_PAGES_PER_S || s->out_per_s >= SWAP_PAGES_PER_S)
		return SWAP_TRAFFIC;
	return s->in_per_s < 0 || s->out_per_s < 0 ? SWAP_UNKNOWN : SWAP_BURST;
}

void leak_report_done(struct leak_report *r)
{
	vec_each(p, &r->processes)
		growth_done(&p->growth);
	vec_done(&r->processes);
	vec_done(&r->strings);
}

double leak_time_left(const struct leak_report *r, const struct leak_process *p)
{
	double left = -1;

	if (p->growth.kind != GROWTH_STEADY || p->growth.kib_per_s <= 0)
		return -1;
	if (r->memory_known) {
		uint64_t swap = r->swap.known ? r->swap.total_kib - r->swap.used_kib : 0;

		left = (double)(r->available_kib + swap) / p->growth.kib_per_s;
	}
	if (p->room_known && (left < 0 || (double)p->room_kib / p->growth.kib_per_s < left))
		left = (double)p->room_kib / p->growth.kib_per_s;
	return left;
}
