// SPDX-License-Identifier: GPL-2.0-or-later
/* Who is hit: sockets, their owners and devices, and what they did during the interval. */
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>

#include "causes/stages.h"

bool tracing(const struct exam *x)
{
	return x->d->drops && !x->d->drops->err;
}

uint64_t traced_elsewhere(const struct exam *x, const struct drop_filter *f)
{
	uint64_t sum = 0;

	if (!tracing(x))
		return 0;
	vec_each(d, &x->d->drops->rows)
		if (d->netns != x->o->inode && drop_matches(d, f))
			sum += d->packets;
	return sum;
}

void subject_socket(const struct exam *x, struct subject *s, const struct socket *sk)
{
	const struct process *owner = snapshot_owner(&x->o->b, sk->inode);

	s->has_socket = true;
	s->socket = *sk;
	for (size_t i = x->o->looks.n; !owner && i-- > 0;)
		owner = snapshot_owner(&x->o->looks.items[i], sk->inode);
	if (owner) {
		s->has_process = true;
		s->process = *owner;
	}
}

const char *owner_text(const struct subject *s, char *to, size_t size)
{
	if (s->has_process)
		snprintf(to, size, "%s (%d)", s->process.comm, s->process.pid);
	else
		snprintf(to, size, "an unknown process");
	return to;
}

static struct subject *device_subject(struct finding *f, const char *name)
{
	struct subject *s;

	vec_each(known, &f->subjects)
		if (strcmp(known->device, name) == 0)
			return known;
	s = finding_subject(f);
	memcpy(s->device, name, sizeof(s->device));
	return s;
}

void subject_devices(struct exam *x, struct finding *f, const struct drop_filter *filter)
{
	vec_each(line, &x->ledger->lines) {
		const struct link *link = snapshot_link(&x->o->b, line->drop->ifindex);
		struct subject *s;

		if (!link || line->benign || !drop_matches(line->drop, filter))
			continue;
		s = device_subject(f, link->name);
		s->has_lost = true;
		s->lost += line->drop->packets;
		s->traced += line->drop->packets;
	}
}

uint64_t next_power_of_two(uint64_t n)
{
	uint64_t p = 1;

	while (p < n && p < (uint64_t)1 << 62)
		p <<= 1;
	return p;
}

/* The socket in one sample. Looks leave idle sockets out: absent there means empty. */
static struct socket socket_at(const struct snapshot *s, const struct socket *sk)
{
	const struct socket *known = snapshot_socket(s, sk->cookie);
	struct socket idle = *sk;

	if (known)
		return *known;
	idle.rmem = idle.wmem = idle.rqueue = idle.drops = 0;
	return idle;
}

static bool half_full(const struct socket *sk)
{
	return sk->rcvbuf && sk->rmem >= sk->rcvbuf / 2;
}

/*
 * A buffer that overflows in bursts is empty between them; one whose reader is too slow is found
 * full at every look from which loss goes on. Samples before the first loss say nothing (traffic
 * may not have begun), nor does the one after the last (traffic may have ended long before).
 */
void watch_socket(const struct observation *o, const struct socket *sk, struct socket_watch *ret)
{
	struct socket before = socket_at(&o->a, sk);
	struct socket_watch w = {0};
	bool lost_before = false;

	for (size_t i = 0; i <= o->looks.n; i++) {
		const struct snapshot *s = i < o->looks.n ? &o->looks.items[i] : &o->b;
		struct socket now;
		bool lost;

		if (!source_ok(s, SRC_SOCKETS))
			continue;
		now = socket_at(s, sk);
		lost = now.drops > before.drops;
		w.losing_steps += lost;
		/* Lost before the sample `before` and after it: that one was taken amid the loss. */
		if (lost && lost_before) {
			w.amid++;
			w.amid_full += half_full(&before);
		}
		if (lost)
			w.full_at_last = half_full(&now);
		else if (lost_before)
			w.full_after = half_full(&now);
		lost_before = lost;
		w.at_limit += now.rqueue > now.wqueue;
		w.peak_rmem = MAX(w.peak_rmem, now.rmem);
		w.peak_wmem = MAX(w.peak_wmem, now.wmem);
		w.peak_rqueue = MAX(w.peak_rqueue, now.rqueue);
		before = now;
	}
	*ret = w;
}

bool never_empty(const struct socket_watch *w)
{
	if (w->amid)
		return w->amid_full == w->amid;
	/* One short loss: only a buffer that stays full after it tells of its reader. */
	return w->losing_steps == 1 && w->full_at_last && w->full_after;
}

void watch_process(const struct observation *o, int pid, struct process_watch *ret)
{
	struct process_watch w = {0};

	for (size_t i = 0; i <= o->looks.n; i++) {
		const struct snapshot *s = i < o->looks.n ? &o->looks.items[i] : &o->b;
		const struct process *p = snapshot_process(s, pid);

		if (!p)
			continue;
		w.seen++;
		w.stopped += p->state == 'T' || p->state == 't';
		w.frozen += p->frozen;
		w.first = w.first ? w.first : p;
		w.last = p;
	}
	*ret = w;
}
