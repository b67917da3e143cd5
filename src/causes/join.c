// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several namespaces of one host are one path. What TCP at one end calls lost elsewhere may have been
 * dropped in another namespace that was examined too: a drop event there has the same addresses and
 * ports, or is of TCP in a namespace that veth pairs lead to. Then it is that finding's loss, and this
 * one says where.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/devices.h"
#include "causes/join.h"
#include "causes/stages.h"

/* An skb that is dropped may stand for so many segments (64 KiB of 1,448 bytes). */
#define SEGMENTS_IN_ONE 45

static struct observation *observation_of(const struct diagnosis *d, uint32_t inode)
{
	vec_each(o, &d->observations)
		if (o->inode == inode)
			return o;
	return NULL;
}

static bool of_subjects(const struct drop_flow *flow, const struct finding *f)
{
	vec_each(s, &f->subjects)
		if (s->has_socket && flow_of_connection(flow, &s->socket))
			return true;
	return false;
}

/* Marks the namespaces that veth pairs lead to, from one to the next. */
static void mark_wired(const struct diagnosis *d, const struct observation *from, bool *wired)
{
	const struct observation **next = xcalloc(d->observations.n, sizeof(const void *));
	size_t n = 0;

	next[n++] = from;
	wired[from - d->observations.items] = true;
	for (size_t i = 0; i < n; i++)
		vec_each(link, &next[i]->b.links) {
			struct far_end end;

			if (!is_kind(link, "veth") || !device_far_end(d, next[i], link, &end) ||
			    !end.o || wired[end.o - d->observations.items])
				continue;
			wired[end.o - d->observations.items] = true;
			next[n++] = end.o;
		}
	free(next);
}

/*
 * What of a finding's connections was dropped in another namespace; *ret_where: in which most. Where
 * they have ended meanwhile it may be any TCP of a namespace that this one is wired to.
 */
static uint64_t dropped_beyond(const struct diagnosis *d, const struct finding *f,
			       const struct observation **ret_where)
{
	bool *wired = xcalloc(d->observations.n, sizeof(*wired));
	uint64_t sum = 0, most = 0;

	mark_wired(d, f->where, wired);
	vec_each(flow, &d->drops->flows) {
		const struct observation *o;

		if (flow->protocol != IPPROTO_TCP || flow->netns == f->where->inode)
			continue;
		o = observation_of(d, flow->netns);
		if (!o || !(f->subjects.n ? of_subjects(flow, f)
					  : wired[o - d->observations.items]))
			continue;
		sum += flow->packets;
		if (flow->packets > most) {
			most = flow->packets;
			*ret_where = o;
		}
	}
	free(wired);
	return sum;
}

/* The finding there that lost most. */
static struct finding *loss_in(const struct diagnosis *d, const struct observation *where)
{
	struct finding *worst = NULL;

	vec_each(f, &d->findings)
		if (f->where == where && f->state == LOSING && f->lost &&
		    f->cause->kind != CAUSE_ELSEWHERE && (!worst || f->lost > worst->lost))
			worst = f;
	return worst;
}

static const char *space_text(const struct observation *o, char *to, size_t size)
{
	if (o->name[0])
		snprintf(to, size, "namespace %s", o->name);
	else
		snprintf(to, size, "namespace %u", o->inode);
	return to;
}

static void join_one(struct diagnosis *d, struct finding *f)
{
	const struct observation *where = NULL;
	uint64_t dropped = dropped_beyond(d, f, &where);
	struct exam x = {.d = d, .o = f->where};
	struct finding *loss = where ? loss_in(d, where) : NULL;
	char there[96], here[96];

	if (!loss || dropped * SEGMENTS_IN_ONE * 2 < f->lost)
		return;
	space_text(where, there, sizeof(there));
	space_text(f->where, here, sizeof(here));
	evidence_text(loss, &x, "the other end of it: TCP in %s sent %llu segments again", here,
		      (unsigned long long)f->lost);
	finding_headline(f, "%llu TCP segments sent again: lost in %s, %s", (unsigned long long)f->lost,
			 there, loss->cause->id);
	finding_text(f, "These segments were lost on this host, in another of its namespaces: %s in "
			"%s. Nothing beyond the host need be at fault.", loss->cause->id, there);
	evidence_text(f, &x, "%llu packets %s were dropped in %s", (unsigned long long)dropped,
		      f->subjects.n ? "of these connections" : "of TCP", there);
	/* A packet that is lost belongs to one finding. */
	f->severity = SEVERITY_INFO;
	f->lost = f->counted = 0;
	vec_each(s, &f->subjects)
		s->lost = 0;
}

void join_namespaces(struct diagnosis *d)
{
	if (d->observations.n < 2 || !d->drops || d->drops->err)
		return;
	vec_each(f, &d->findings)
		if (f->cause->kind == CAUSE_ELSEWHERE && f->cause->stage == STAGE_TCP && f->lost)
			join_one(d, f);
}

const struct link *finding_end(const struct diagnosis *d, const struct finding *f,
			       struct far_end *ret)
{
	const struct link *only = NULL;

	if (d->observations.n < 2 || !f->where)
		return NULL;
	vec_each(link, &f->where->b.links) {
		struct far_end end;

		if (!is_kind(link, "veth") || !device_far_end(d, f->where, link, &end) || end.here ||
		    !end.o)
			continue;
		if (only)
			return NULL;
		only = link;
		*ret = end;
	}
	vec_each(s, &f->subjects)
		if (only && strcmp(s->device, only->name) == 0)
			return NULL;
	return only;
}
