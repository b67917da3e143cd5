/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observations made by hand, for tests of causes. Two ways:
 *
 *   struct scene s;                          one cause function, asked alone
 *   scene_init(&s);
 *   count(&s.o, C_UDP_NO_PORTS, 0, 100);
 *   trace(&s.drops, "NO_SOCKET", "__udp4_lib_rcv", IPPROTO_UDP, 100);
 *   assert_int_equal(scene_ask(&s, examine_udp_noport), FOUND);
 *   f = only_finding(&s);
 *   scene_done(&s);
 *
 *   struct diagnosis d = {0};                the whole engine
 *   struct observation *o = observe(&d);
 *   d.drops = &drops; diagnose(&d); diagnosis_done(&d);
 */
#ifndef WHYDROP_TESTS_OBSERVE_H
#define WHYDROP_TESTS_OBSERVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "causes/cause.h"

#define OBSERVED_NETNS 4026531840U

/* One namespace of that number, 5 s, with every source there at both ends, and nothing in them. */
static inline void observation_fill(struct observation *o)
{
	snprintf(o->name, sizeof(o->name), "host");
	o->inode = OBSERVED_NETNS;
	o->seconds = 5;
	for (size_t i = 0; i < SOURCE_N; i++)
		o->a.source[i].status = o->b.source[i].status = SOURCE_OK;
}

static inline struct observation *observe(struct diagnosis *d)
{
	struct observation *o = vec_push(&d->observations);

	observation_fill(o);
	o->a.source[SRC_CONNTRACK].status = o->b.source[SRC_CONNTRACK].status = SOURCE_UNUSED;
	return o;
}

static inline void count(struct observation *o, enum counter_id id, uint64_t before, uint64_t after)
{
	o->a.counter[id] = before;
	o->b.counter[id] = after;
	o->a.counter_present[id] = o->b.counter_present[id] = true;
}

/* A source that is missing (at the end) with this errno, or not in use (0). */
static inline void lack(struct observation *o, enum source source, int err)
{
	o->a.source[source] = o->b.source[source] = (struct source_state){
		.status = err ? SOURCE_ABSENT : SOURCE_UNUSED, .err = err};
}

static inline struct drop *trace(struct drops *drops, const char *reason, const char *symbol,
				 uint8_t protocol, uint64_t packets)
{
	struct drop *d = vec_push(&drops->rows);

	snprintf(d->reason, sizeof(d->reason), "%s", reason);
	snprintf(d->symbol, sizeof(d->symbol), "%s", symbol);
	d->netns = OBSERVED_NETNS;
	d->protocol = protocol;
	d->packets = packets;
	return d;
}

/* A device at both ends, as a new one is: MTU 1500, txqueuelen 1000; what comes back is that of the end. */
static inline struct link *device(struct observation *o, unsigned int ifindex, const char *name)
{
	struct link *link = NULL;

	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &o->b : &o->a;

		link = vec_push(&at->links);
		link->ifindex = ifindex;
		link->mtu = 1500;
		link->txqlen = 1000;
		link->stats_n = LINK_STATS;
		snprintf(link->name, sizeof(link->name), "%s", name);
	}
	return link;
}

/* A counter of a device made so. */
static inline void count_link(struct observation *o, unsigned int ifindex, enum counter_id id,
			      uint64_t before, uint64_t after)
{
	vec_each(link, &o->a.links)
		if (link->ifindex == ifindex)
			link->stats[id - LINK_FIRST] = before;
	vec_each(link, &o->b.links)
		if (link->ifindex == ifindex)
			link->stats[id - LINK_FIRST] = after;
}

/* ---- one cause function ---- */

struct scene {
	struct observation o;
	struct drops drops;
	struct diagnosis d;
	struct ledger ledger;
	struct exam x;
	struct cleared cleared;
	struct cause_row row;
};

static inline void scene_init(struct scene *s)
{
	*s = (struct scene){.row = {.id = "test", .direction = DIR_RX}};
	observation_fill(&s->o);
}

/* What a cause function works on; after everything was counted and traced. */
static inline struct exam *scene_exam(struct scene *s)
{
	s->d.drops = &s->drops;
	ledger_init(&s->ledger, &s->drops, OBSERVED_NETNS);
	s->x = (struct exam){.d = &s->d,
			     .o = &s->o,
			     .ledger = &s->ledger,
			     .row = &s->row,
			     .cleared = &s->cleared};
	return &s->x;
}

static inline enum outcome scene_ask(struct scene *s, enum outcome (*examine)(struct exam *x))
{
	return examine(scene_exam(s));
}

static inline void scene_done(struct scene *s)
{
	ledger_done(&s->ledger);
	drops_done(&s->drops);
	observation_done(&s->o);
	/* What a cleared cause and the findings own is the engine's to free. */
	vec_each(e, &s->cleared.evidence) {
		free(e->text);
	}
	vec_done(&s->cleared.evidence);
	s->d.drops = NULL;
	diagnosis_done(&s->d);
}

static inline const struct finding *only_finding(const struct scene *s)
{
	assert_int_equal(s->d.findings.n, 1);
	return &s->d.findings.items[0];
}

/* NULL if the finding does not propose it. */
static inline const struct remedy *remedy_of(const struct finding *f, const char *id)
{
	vec_each(r, &f->remedies)
		if (strcmp(r->id, id) == 0)
			return r;
	return NULL;
}

#endif
