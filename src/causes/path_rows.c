// SPDX-License-Identifier: GPL-2.0-or-later
#include <net/if.h>

#include "causes/path_rows.h"

enum stage finding_stage(const struct finding *f)
{
	return f->via ? f->via->stage : f->cause->stage;
}

enum direction finding_direction(const struct finding *f)
{
	if (f->has_direction)
		return f->direction;
	return f->via ? f->via->direction : f->cause->direction;
}

/* Only transmitted packets have a place on the way out. */
static enum direction side(enum direction d)
{
	return d == DIR_TX ? DIR_TX : DIR_RX;
}

/*
 * Devices that carry what others carry too (a bond's members, a bridge's ports, a tunnel above a
 * NIC) are counted once each: the sum is what the links did, not how many packets there were.
 */
static void links_passed(const struct observation *o, enum counter_id id, struct path_row *row)
{
	if (!observed(o, SRC_LINK))
		return;
	vec_each (link, &o->b.links) {
		struct change c;

		if (link->flags & IFF_LOOPBACK)
			continue;
		c = delta_link(o, link, id);
		if (!c.known)
			continue;
		row->known = true;
		row->passed += c.delta;
	}
}

static void counters_passed(const struct observation *o, enum counter_id one, enum counter_id other,
			    struct path_row *row)
{
	struct change c = delta_sum(o, one, other);

	row->known = c.known;
	row->passed = delta_value(c);
}

static void counter_passed(const struct observation *o, enum counter_id id, struct path_row *row)
{
	struct change c = delta_counter(o, id);

	row->known = c.known;
	row->passed = delta_value(c);
}

static void passed(const struct observation *o, struct path_row *row)
{
	bool rx = row->direction == DIR_RX;

	switch (row->stage) {
	case STAGE_LINK:
		links_passed(o, rx ? C_LINK_RX_PACKETS : C_LINK_TX_PACKETS, row);
		break;
	case STAGE_IP:
		counters_passed(o, rx ? C_IP_IN_RECEIVES : C_IP_OUT_REQUESTS,
				rx ? C_IP6_IN_RECEIVES : C_IP6_OUT_REQUESTS, row);
		break;
	case STAGE_TCP:
		counter_passed(o, rx ? C_TCP_IN_SEGS : C_TCP_OUT_SEGS, row);
		break;
	case STAGE_UDP:
		counters_passed(o, rx ? C_UDP_IN_DATAGRAMS : C_UDP_OUT_DATAGRAMS,
				rx ? C_UDP6_IN_DATAGRAMS : C_UDP6_OUT_DATAGRAMS, row);
		break;
	default:
		break; /* no counter of its own */
	}
}

static bool here(const struct path_row *row, const struct cause_row *cause)
{
	if (cause->stage != row->stage || cause->kind == CAUSE_ELSEWHERE)
		return false;
	/* The firewall's hooks and the connection table stand on both ways, and are read together.
	 */
	if (row->stage == STAGE_NETFILTER || row->stage == STAGE_CONNTRACK)
		return true;
	return cause->direction == DIR_BOTH || side(cause->direction) == row->direction;
}

/* What was lost elsewhere, or before this interval, was not lost on this path now. */
static bool counts(const struct finding *f, const struct observation *o)
{
	if (f->where != o || f->cause->kind == CAUSE_ELSEWHERE)
		return false;
	return f->state == LOSING || (f->state == LOST_BEFORE && o->since_boot);
}

static void add_lost(struct path_row *row, const struct finding *f, const struct observation *o)
{
	if (counts(f, o) && finding_stage(f) == row->stage &&
	    side(finding_direction(f)) == row->direction)
		row->lost += f->lost;
}

static void examined(struct path_rows *p, const struct cause_row *cause)
{
	vec_each (row, &p->rows)
		row->examined |= here(row, cause);
}

static void judge_finding(struct path_rows *p, const struct finding *f, const struct observation *o)
{
	examined(p, f->via ? f->via : f->cause);
	vec_each (row, &p->rows)
		add_lost(row, f, o);
}

/* Of many namespaces each has a hundred causes that were cleared: they are gone through once. */
static void judge(const struct diagnosis *d, const struct observation *o, struct path_rows *p)
{
	vec_each (f, &d->findings)
		if (f->where == o)
			judge_finding(p, f, o);
	/* The path is that of the namespace, whatever the findings are narrowed to. */
	vec_each (f, &d->others)
		if (f->where == o)
			judge_finding(p, f, o);
	vec_each (i, &d->ignored)
		if (i->finding.where == o)
			examined(p, i->finding.via ? i->finding.via : i->finding.cause);
	vec_each (c, &d->cleared)
		if (c->where == o)
			examined(p, c->cause);
}

void path_rows(const struct diagnosis *d, const struct observation *o, struct path_rows *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (int side_n = 0; side_n < 2; side_n++) {
		for (const enum stage *s = side_n ? tx_path : rx_path; *s != STAGE_N; s++) {
			struct path_row *row = vec_push(&ret->rows);

			row->stage = *s;
			row->direction = side_n ? DIR_TX : DIR_RX;
			passed(o, row);
		}
	}
	judge(d, o, ret);
}

void path_rows_done(struct path_rows *p)
{
	vec_done(&p->rows);
}
