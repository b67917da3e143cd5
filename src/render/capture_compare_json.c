// SPDX-License-Identifier: GPL-2.0-or-later
/* Schema whydrop.pcap-compare/1. */
#include "render/capture_compare.h"

#include <netinet/in.h>

#include "render/json_finding.h"
#include "render/json_set.h"

#define FLOWS_SHOWN 1000

static const char *const fates[FATE_N] = {"lost", "missed_by_capture", "outside_common_time", "doubled", "resets_made",
					  "elsewhere", "cut_differently"};

static json_t *milliseconds(int64_t ns)
{
	return real((double)ns / 1e6, 1e-6);
}

static json_t *side_json(const struct hop_side *s)
{
	json_t *j = json_object();

	set_text(j, "name", s->name);
	set(j, "packets", number(s->packets));
	set(j, "compared", number(s->compared));
	set(j, "segments", number(s->segments));
	set(j, "fragments", number(s->fragments));
	set(j, "untracked", number(s->untracked));
	set(j, "damaged_n", number(s->file.problems));
	set(j, "seconds", real((double)(s->last_ns - s->first_ns) / 1e9, 1e-6));
	return j;
}

static json_t *clock_json(const struct hop_clock *c)
{
	json_t *j = json_object();

	set(j, "known", json_boolean(c->known));
	set(j, "offset_ms", c->known ? milliseconds(c->offset_ns) : json_null());
	set(j, "error_ms", c->known ? milliseconds(c->error_ns) : json_null());
	return j;
}

/* Numbers in the capture where the packet is: of lost ones where they entered the hop. */
static json_t *numbers_json(const struct hop *h, enum fate fate, const struct hop_dir *d, enum way way)
{
	json_t *list = json_array();
	uint64_t last = 0;

	vec_each (s, &h->left) {
		const struct hop_dir *of = hop_dir_of(h, s->side, s->flow, s->from);

		if (s->fate != fate || (d ? of != d : of->way != way) || s->number == last)
			continue;
		json_array_append_new(list, number(s->number));
		last = s->number;
	}
	return list;
}

static json_t *way_json(const struct hop *h, enum way way)
{
	const struct hop_way *w = &h->way[way];
	json_t *j = json_object(), *delay = json_object();

	set_text(j, "from", h->side[way_begins(way)].name);
	set_text(j, "to", h->side[!way_begins(way)].name);
	set(j, "packets", number(w->upstream));
	set(j, "matched", number(w->matched));
	set(j, "reordered", number(w->reordered));
	for (int i = 0; i < FATE_N; i++)
		set(j, fates[i], number(w->fate[i]));
	set(j, "lost_packets", numbers_json(h, FATE_LOST, NULL, way));
	set(j, "missed_packets", numbers_json(h, FATE_MISSED, NULL, way));
	set(j, "doubled_packets", numbers_json(h, FATE_TWICE, NULL, way));
	set(j, "reset_packets", numbers_json(h, FATE_RESET, NULL, way));
	if (w->matched) {
		set(delay, "least_ms", milliseconds(w->least_ns));
		set(delay, "median_ms", milliseconds(hop_delay(w, 500)));
		set(delay, "p95_ms", milliseconds(hop_delay(w, 950)));
		set(delay, "longest_ms", milliseconds(w->most_ns));
		set(delay, "jitter_ms", milliseconds(w->jitter_ns));
	}
	set(j, "delay", delay);
	return j;
}

static json_t *changes_json(const struct hop_dir *d)
{
	json_t *j = json_object();

	for (enum hop_change_kind c = 0; c < CHANGE_N; c++) {
		json_t *one;

		if (!d->change[c].packets)
			continue;
		one = json_object();
		set(one, "packets", number(d->change[c].packets));
		set(one, "first_packet", number(d->change[c].first));
		set(one, "was", number(d->change[c].from));
		set(one, "is", number(d->change[c].to));
		set(j, change_name(c), one);
	}
	return j;
}

/* A direction of a connection; its ends as the capture has them where it enters the hop. */
static json_t *flow_json(const struct hop *h, uint8_t side, uint32_t flow, uint8_t from)
{
	const struct hop_flow *f = &h->side[side].flows.items[flow];
	const struct hop_dir *d = &f->dir[from];
	json_t *j = json_object();

	set_text(j, "protocol", f->key.protocol == IPPROTO_TCP ? "tcp" : f->key.protocol == IPPROTO_UDP ? "udp" : "ip");
	set(j, "source", endpoint_json(f->key.family, f->key.address[from], f->key.port[from]));
	set(j, "destination", endpoint_json(f->key.family, f->key.address[!from], f->key.port[!from]));
	set_text(j, "from", h->side[way_begins(d->way)].name);
	set(j, "matched", number(d->matched));
	set(j, "reordered", number(d->reordered[d->way]));
	for (int i = 0; i < FATE_N; i++)
		set(j, fates[i], number(d->fate[i]));
	if (d->fate[FATE_LOST])
		set(j, "lost_packets", numbers_json(h, FATE_LOST, d, d->way));
	if (f->translated && f->peer) {
		const struct hop_flow *g = &h->side[1].flows.items[f->peer - 1];
		uint8_t end = from ^ f->flip;

		set(j, "source_there", endpoint_json(g->key.family, g->key.address[end], g->key.port[end]));
		set(j, "destination_there", endpoint_json(g->key.family, g->key.address[!end], g->key.port[!end]));
	}
	if (d->matched) {
		bool there = d->way == WAY_THERE;

		set(j, "least_ms", milliseconds(there ? d->diff_min - h->clock.offset_ns
						       : h->clock.offset_ns - d->diff_max));
		set(j, "longest_ms", milliseconds(there ? d->diff_max - h->clock.offset_ns
							 : h->clock.offset_ns - d->diff_min));
		set(j, "jitter_ms", milliseconds(d->jitter_ns));
		set(j, "routers", json_integer(there ? d->ttl[0] - d->ttl[1] : d->ttl[1] - d->ttl[0]));
	}
	set(j, "changed", changes_json(d));
	return j;
}

static bool worth_telling(const struct hop_dir *d)
{
	return d->matched || d->fate[FATE_LOST] || d->fate[FATE_MISSED] || d->fate[FATE_RESET];
}

static json_t *hop_json(const struct hop *h)
{
	json_t *j = json_object(), *list = json_array(), *ways = json_array();
	size_t n = 0;

	set(j, "first", side_json(&h->side[0]));
	set(j, "second", side_json(&h->side[1]));
	set(j, "clock", clock_json(&h->clock));
	for (enum way w = WAY_THERE; w <= WAY_BACK; w++)
		json_array_append_new(ways, way_json(h, w));
	set(j, "ways", ways);
	set(j, "judged_early", number(h->hurried));
	set(j, "not_judged", number(h->left_out));
	for (uint8_t side = 0; side < 2; side++)
		for (uint32_t i = 0; i < h->side[side].flows.n; i++)
			for (uint8_t from = 0; from < 2 && n < FLOWS_SHOWN; from++) {
				const struct hop_flow *f = &h->side[side].flows.items[i];

				if ((side && f->peer) || !worth_telling(&f->dir[from]))
					continue;
				json_array_append_new(list, flow_json(h, side, i, from));
				n++;
			}
	set(j, "flows", list);
	return j;
}

json_t *render_compare_json(const struct compare_view *v)
{
	json_t *j = json_object(), *findings = json_array(), *hops = json_array();

	set_text(j, "schema", "whydrop.pcap-compare/1");
	set_text(j, "version", v->version);
	set_text(j, "verdict", v->d->verdict == HEALTHY ? "healthy" : "wrong");
	vec_each (f, &v->d->findings)
		json_array_append_new(findings, finding_json(v->d, f));
	set(j, "findings", findings);
	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(hops, hop_json(&v->hops[i]));
	set(j, "hops", hops);
	return j;
}
