// SPDX-License-Identifier: GPL-2.0-or-later
/* The JSON of a diagnosis, schema whydrop.diagnose/1: keys may be added, none removed or renamed.
 */
#define _GNU_SOURCE
#include "render/render.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "causes/path_rows.h"
#include "render/drop_sums.h"
#include "render/json_finding.h"
#include "render/json_set.h"

static void add_path(json_t *path, const struct diagnosis *d, const struct observation *o)
{
	struct path_rows p;

	path_rows(d, o, &p);
	vec_each (row, &p.rows) {
		json_t *j = json_object();

		set_text(j, "stage", stage_name(row->stage));
		set_text(j, "direction", direction_name(row->direction));
		set(j, "passed", number_if(row->known, row->passed));
		set(j, "lost", number(row->lost));
		set(j, "examined", json_boolean(row->examined));
		set(j, "netns", render_netns_json(o));
		json_array_append_new(path, j);
	}
	path_rows_done(&p);
}

static void add_drops(json_t *list, const struct ledger *l, const struct observation *o,
		      bool benign)
{
	struct drop_sums sums;

	drop_sums(l, o, benign, &sums);
	vec_each (row, &sums.rows) {
		json_t *j = json_object();

		set_text(j, "reason", row->reason);
		set_text(j, "symbol", row->symbol);
		if (row->device)
			set_text(j, "device", row->device);
		set(j, "protocol", protocol_json(row->protocol));
		set(j, "packets", number(row->packets));
		set(j, "netns", render_netns_json(o));
		if (row->why)
			set_text(j, "why", row->why);
		json_array_append_new(list, j);
	}
	drop_sums_done(&sums);
}

static const struct observation *observation_at(const struct diagnosis *d, size_t i)
{
	return i < d->observations.n ? &d->observations.items[i] : NULL;
}

/* Counted against traced, by the cause that found the loss point and its stage. */
static json_t *ledger_causes_json(const struct diagnosis *d)
{
	json_t *list = json_array();

	vec_each(f, &d->findings) {
		const struct cause_row *point = f->via ? f->via : f->cause;
		bool both = f->counted_known && f->traced_known;
		json_t *j = json_object();

		set(j, "cause", text_or_null(point->id));
		set(j, "stage", text_or_null(stage_name(point->stage)));
		set(j, "counted", number_if(f->counted_known, f->counted));
		set(j, "traced", number_if(f->traced_known, f->traced));
		/* Positive: the counter saw more than the events. */
		set(j, "difference",
		    both ? json_integer((json_int_t)f->counted - (json_int_t)f->traced)
			 : json_null());
		json_array_append_new(list, j);
	}
	return list;
}

/* The totals are null without tracing: an untraced drop is not an absent one. */
static json_t *ledger_json(const struct diagnosis *d)
{
	bool traced = d->drops && !d->drops->err;
	uint64_t counted_n = 0, traced_n = 0, benign_n = 0, unexplained_n = 0;
	json_t *j = json_object(), *unexplained = json_array(), *benign = json_array();

	for (size_t i = 0; i < d->ledgers.n; i++) {
		const struct ledger *l = &d->ledgers.items[i];

		counted_n += l->counted;
		traced_n += l->traced;
		benign_n += l->benign;
		unexplained_n += ledger_unexplained(l);
		add_drops(unexplained, l, observation_at(d, i), false);
		add_drops(benign, l, observation_at(d, i), true);
	}
	set(j, "counted", number(counted_n));
	set(j, "traced", number_if(traced, traced_n));
	set(j, "benign", number_if(traced, benign_n));
	set(j, "unexplained", number_if(traced, unexplained_n));
	set(j, "missed_events", number_if(traced, traced ? d->drops->missed : 0));
	set(j, "tracing",
	    traced ? char_array_json(d->drops->rung, sizeof(d->drops->rung)) : json_null());
	set(j, "tracing_errno",
	    d->drops && d->drops->err ? text_or_null(errno_name(d->drops->err)) : json_null());
	set(j, "by_cause", ledger_causes_json(d));
	set(j, "unexplained_drops", unexplained);
	set(j, "benign_drops", benign);
	return j;
}

static json_t *cleared_json(const struct diagnosis *d)
{
	json_t *list = json_array();

	vec_each (c, &d->cleared) {
		json_t *j = json_object();

		set_text(j, "cause", c->cause->id);
		set(j, "netns", render_netns_json(c->where));
		set(j, "evidence", EVIDENCE_JSON(&c->evidence));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *ignored_json(const struct diagnosis *d)
{
	json_t *list = json_array();

	vec_each (i, &d->ignored) {
		json_t *j = finding_json(d, &i->finding);
		char by[80];

		set_text(j, "by", ignore_name(i->by, by, sizeof(by)));
		json_array_append_new(list, j);
	}
	return list;
}

/* What the findings and the verdict were narrowed to, and what that leaves out. */
static json_t *narrowed_json(const struct diagnosis *d)
{
	const struct narrow *n = d->narrow;
	json_t *j = json_object(), *list = json_array();
	char peer[INET6_ADDRSTRLEN] = "";

	if (n->family)
		inet_ntop(n->family, n->peer, peer, sizeof(peer));
	vec_each (f, &d->others)
		json_array_append_new(list, finding_json(d, f));
	set(j, "pid", n->pid ? json_integer(n->pid) : json_null());
	set(j, "port", n->port ? json_integer(n->port) : json_null());
	set(j, "peer", n->family ? json_sprintf("%s/%u", peer, n->prefix) : json_null());
	set(j, "device", filled_or_null(n->device));
	set(j, "left_out", list);
	return j;
}

static json_t *not_examined_json(const struct diagnosis *d)
{
	json_t *list = json_array();

	vec_each (n, &d->not_examined) {
		static const struct source_row no_source;
		const struct source_row *row =
			n->source < SOURCE_N ? &source_rows[n->source] : &no_source;
		json_t *j = json_object();

		set_text(j, "cause", n->cause->id);
		set(j, "netns", render_netns_json(n->where));
		set_text(j, "source", row->name);
		set(j, "errno", n->err ? text_or_null(errno_name(n->err)) : json_null());
		set(j, "why",
		    n->source == SOURCE_N ? text_or_null(n->why)
		    : n->err ? json_sprintf("%s: %s", row->loses, read_error_text(n->err))
			     : json_sprintf("%s: not read", row->loses));
		set(j, "unlock",
		    filled_or_null(n->source == SOURCE_N ? n->unlock : row->unlock));
		json_array_append_new(list, j);
	}
	return list;
}

json_t *render_host_json(const struct report *r)
{
	json_t *j = json_object();

	set(j, "name", filled_or_null(r->host_name));
	set(j, "kernel", filled_or_null(r->kernel));
	set(j, "cpus", r->cpus ? json_integer(r->cpus) : json_null());
	set(j, "devices", filled_or_null(r->devices));
	return j;
}

static json_t *direction_json(const struct observation *o, const struct link *l, bool rx,
			      const struct rate_peak *peak)
{
	struct change bytes = delta_link(o, l, rx ? C_LINK_RX_BYTES : C_LINK_TX_BYTES);
	struct change packets = delta_link(o, l, rx ? C_LINK_RX_PACKETS : C_LINK_TX_PACKETS);
	json_t *j = json_object();

	set(j, "bytes_per_second",
	    bytes.known ? real(per_second(o, bytes.delta), 0.001) : json_null());
	set(j, "packets_per_second",
	    packets.known ? real(per_second(o, packets.delta), 0.001) : json_null());
	set(j, "peak_bytes_per_second", number(peak->bytes));
	set(j, "peak_bytes_at_ms", json_integer(peak->bytes_at_ms));
	set(j, "peak_packets_per_second", number(peak->packets));
	set(j, "peak_packets_at_ms", json_integer(peak->packets_at_ms));
	return j;
}

/* What each device carried, on average and in its busiest step; idle devices are left out. */
static void add_rates(json_t *list, const struct observation *o)
{
	vec_each (l, &o->b.links) {
		struct rate_peak rx, tx;
		json_t *j;

		if (!rate_peaks(o, l->ifindex, &rx, &tx))
			continue;
		j = json_object();
		set_text(j, "device", l->name);
		set(j, "netns", render_netns_json(o));
		set(j, "rx", direction_json(o, l, true, &rx));
		set(j, "tx", direction_json(o, l, false, &tx));
		json_array_append_new(list, j);
	}
}

static json_t *wait_json(const struct wait_report *w)
{
	json_t *j, *began;

	if (w->asked_s <= 0)
		return json_null();
	j = json_object();
	set(j, "asked_s", real(w->asked_s, 1e-6));
	set(j, "waited_s", real(w->waited_s, 1e-6));
	began = w->began ? json_object() : json_null();
	if (w->began) {
		set_text(began, "counter", w->counter);
		set(began, "device", filled_or_null(w->device));
		set(began, "netns", filled_or_null(w->netns));
		set(began, "delta", number(w->delta));
		set(began, "over_s", real(w->over_s, 1e-6));
	}
	set(j, "began", began);
	return j;
}

json_t *render_json(const struct diagnosis *d, const struct report *r)
{
	const struct observation *first = observation_at(d, 0);
	json_t *j = json_object(), *findings = json_array(), *path = json_array(),
	       *rates = json_array(),
	       *elsewhere = json_object();

	vec_each (f, &d->findings)
		json_array_append_new(findings, finding_json(d, f));
	vec_each (o, &d->observations)
		add_path(path, d, o);
	vec_each (o, &d->observations)
		add_rates(rates, o);
	set(elsewhere, "packets", number(r->elsewhere));
	set(elsewhere, "namespaces", json_integer(r->elsewhere_namespaces));

	set_text(j, "schema", "whydrop.diagnose/1");
	set(j, "version", filled_or_null(r->version));
	set(j, "host", render_host_json(r));
	set(j, "started_at", render_time_json(&r->started_at));
	set(j, "interval_s", first ? real(first->seconds, 1e-6) : json_null());
	set(j, "interval_note", filled_or_null(r->interval_note));
	set(j, "wait", wait_json(&r->wait));
	set(j, "since_boot", json_boolean(first && first->since_boot));
	set(j, "replay", json_boolean(r->replay));
	set(j, "netns", first ? render_netns_json(first) : json_null());
	set_text(j, "verdict", verdict_name(d->verdict));
	set(j, "findings", findings);
	set(j, "path", path);
	set(j, "rates", rates);
	set(j, "ledger", ledger_json(d));
	set(j, "elsewhere", elsewhere);
	set(j, "tcp_events", render_tcp_json(d));
	set(j, "cleared", cleared_json(d));
	set(j, "ignored", ignored_json(d));
	set(j, "before", before_json(d));
	set(j, "narrowed", d->narrow ? narrowed_json(d) : json_null());
	set(j, "not_examined", not_examined_json(d));
	return j;
}
