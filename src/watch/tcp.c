// SPDX-License-Identifier: GPL-2.0-or-later
#include "watch/tcp.h"

#include <errno.h>
#include <netinet/in.h>

void watch_tcp_init(struct watch_tcp *t, const struct watch_filter *filter)
{
	*t = (struct watch_tcp){
		.err = -ENODATA,
		.untold_by = filter->packets	? "the packet filter"
			     : filter->device	? "--device"
			     : filter->reason	? "--reason"
			     : filter->cause	? "--cause"
						: NULL,
	};
}

void watch_tcp_done(struct watch_tcp *t)
{
	vec_done(&t->lines);
}

static const struct observation *watched(const struct diagnosis *d, uint32_t netns)
{
	vec_each(o, &d->observations)
		if (o->inode == netns)
			return o;
	return NULL;
}

/* A peer's address may be one of IPv4 behind an IPv6 socket: then it begins with ten zeros and ffff. */
static bool in_network(const struct socket *sk, const struct tcp_line *l)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *remote = sk->remote;

	if (sk->family == AF_INET6 && memcmp(remote, mapped, sizeof(mapped)) == 0)
		remote += sizeof(mapped);
	else if (sk->family != l->family)
		return false;
	return memcmp(remote, l->peer, l->peer_bits / 8) == 0;
}

/* Lines are of many connections: one such that the process holds or held is enough. */
static bool is_of_process(const struct observation *o, const struct watch_filter *f,
			  const struct tcp_line *l)
{
	const struct snapshot *ends[] = {&o->b, &o->a};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		vec_each(sk, &ends[i]->sockets) {
			bool held = false;

			vec_each(inode, &f->inodes)
				held |= sk->inode && sk->inode == *inode;
			if (held && sk->protocol == IPPROTO_TCP &&
			    (l->local_port ? sk->local_port == l->local_port
					   : sk->remote_port == l->remote_port && in_network(sk, l)))
				return true;
		}
	return false;
}

/* Everything before `packets`; lines are zeroed before they are filled. */
static bool same(const struct tcp_line *a, const struct tcp_line *b)
{
	return memcmp(a, b, offsetof(struct tcp_line, packets)) == 0;
}

static void add(struct watch_tcp *t, const struct tcp_line *l)
{
	struct watch_tcp_line *to = NULL;

	vec_each(known, &t->lines)
		if (same(&known->line, l)) {
			to = known;
			break;
		}
	if (!to) {
		to = vec_push(&t->lines);
		memcpy(&to->line, l, offsetof(struct tcp_line, packets));
	}
	/* A line may come twice: as it was, and what was added before it went out of the map. */
	to->line.packets += l->packets;
	to->line.segments += l->segments;
	to->total += l->packets;
	to->total_segments += l->segments;
	to->last_interval = t->interval;
}

/* Connections that a reset ended have the reset's line, and those that were aborted here, too. */
static bool is_told(const struct tcp_line *l)
{
	return l->kind != TCP_ENDED ||
	       (l->error && l->error != ECONNRESET && l->error != EPIPE);
}

static void sum_add(struct watch_sum *s, uint64_t packets)
{
	s->packets += packets;
	s->total += packets;
}

static int compare(const void *one, const void *other)
{
	const struct watch_tcp_line *a = one, *b = other;

	if (a->line.packets != b->line.packets)
		return a->line.packets < b->line.packets ? 1 : -1;
	if (a->last_interval != b->last_interval)
		return a->last_interval > b->last_interval ? -1 : 1;
	if (a->total != b->total)
		return a->total < b->total ? 1 : -1;
	return memcmp(&a->line, &b->line, offsetof(struct tcp_line, packets));
}

void watch_tcp_take(struct watch_tcp *t, const struct tcp_lines *lines, const struct diagnosis *d,
		    const struct watch_filter *filter)
{
	t->interval++;
	t->err = lines->err;
	t->all_resets = lines->all_resets;
	t->others.packets = t->elsewhere.packets = t->left_out.packets = t->missed.packets = 0;
	vec_each(known, &t->lines)
		known->line.packets = known->line.segments = 0;
	sum_add(&t->missed, lines->missed);
	vec_each(l, &lines->lines) {
		const struct observation *o = watched(d, l->netns);

		if (!is_told(l))
			continue;
		if (!o && l->netns)
			sum_add(&t->elsewhere, l->packets);
		else if (filter->pid && !(o && is_of_process(o, filter, l)))
			sum_add(&t->left_out, l->packets);
		else
			add(t, l);
	}
	if (t->lines.n)
		qsort(t->lines.items, t->lines.n, sizeof(*t->lines.items), compare);
	while (t->lines.n > WATCH_TCP_LINES_MAX) {
		const struct watch_tcp_line *last = &t->lines.items[--t->lines.n];

		t->others.packets += last->line.packets;
		t->others.total += last->total;
	}
}
