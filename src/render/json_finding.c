// SPDX-License-Identifier: GPL-2.0-or-later
/* One finding of a diagnosis: what was lost, who is meant, the proof, and what to do. */
#define _GNU_SOURCE
#include "render/json_finding.h"

#include "causes/join.h"
#include "causes/path_rows.h"
#include "render/json_set.h"
#include "render/render.h"

/* What the device is: see causes/devices.h. */
static json_t *link_json(const struct diagnosis *d, const struct observation *o,
			 const struct link *l)
{
	const struct link *master = device_master(o, l);
	json_t *j = json_object(), *end_json = json_object();
	char words[256];
	struct far_end end;

	set(j, "kind", filled_or_null(l->kind));
	set_text(j, "mode", device_mode(l));
	set_text(j, "master", master ? master->name : NULL);
	set(j, "words", filled_or_null(device_words(d, o, l, words, sizeof(words))));
	if (!device_far_end(d, o, l, &end)) {
		json_decref(end_json);
		set(j, is_kind(l, "veth") ? "other_end" : "below", json_null());
		return j;
	}
	set_text(end_json, "device", end.name);
	set(end_json, "netns", json_pack("{s:o, s:o}", "name", filled_or_null(end.netns), "inode",
					 end.inode ? number(end.inode) : json_null()));
	set(j, is_kind(l, "veth") ? "other_end" : "below", end_json);
	return j;
}

static json_t *subject_json(const struct diagnosis *d, const struct observation *o,
			    const struct subject *s)
{
	const struct link *link = s->device[0] ? snapshot_link_named(&o->b, s->device) : NULL;
	json_t *j = json_object();

	if (s->has_lost)
		set(j, "lost", number(s->lost));
	if (s->traced)
		set(j, "traced", number(s->traced));
	if (s->device[0])
		set_text(j, "device", s->device);
	if (link)
		set(j, "link", link_json(d, o, link));
	if (s->cpu >= 0)
		set(j, "cpu", json_integer(s->cpu));
	if (s->has_socket)
		set(j, "socket", socket_json(s));
	if (s->has_rule)
		set(j, "rule", rule_json(&s->rule));
	if (s->sysctl)
		set_text(j, "sysctl", s->sysctl);
	if (s->address)
		set_text(j, "address", s->address);
	if (s->has_process)
		set(j, "process", process_json(&s->process));
	return j;
}

static json_t *one_evidence_json(const struct evidence *e)
{
	json_t *j = json_object();

	set(j, "source", filled_or_null(e->source));
	set(j, "name", filled_or_null(e->name));
	set(j, "before", number_if(e->has_before, e->before));
	set(j, "after", number_if(e->has_after, e->after));
	set(j, "delta", number_if(e->has_delta, e->delta));
	if (e->text)
		set_text(j, "text", e->text);
	return j;
}

json_t *evidence_json(const struct evidence *list, size_t n)
{
	json_t *j = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(j, one_evidence_json(&list[i]));
	return j;
}

static json_t *texts_json(char *const *texts, size_t n)
{
	json_t *j = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(j, text_or_null(texts[i]));
	return j;
}
#define TEXTS_JSON(list) texts_json((list)->items, (list)->n)

static json_t *flow_json(const struct drop_flow *f)
{
	json_t *j = json_object();

	set(j, "protocol", protocol_json(f->protocol));
	set(j, "src", address_json(f->family, f->source));
	set(j, "sport", json_integer(f->source_port));
	set(j, "dst", address_json(f->family, f->destination));
	set(j, "dport", json_integer(f->destination_port));
	set(j, "packets", number(f->packets));
	return j;
}

static json_t *remedy_json(const struct remedy *r, const struct observation *where)
{
	json_t *j = json_object(), *changes = json_array();

	vec_each (c, &r->changes) {
		json_t *change = json_object();

		set_text(change, "kind", c->kind);
		set(change, "netns", render_netns_json(where));
		set_text(change, "key", c->key);
		set_text(change, "from", c->from);
		set_text(change, "to", c->to);
		json_array_append_new(changes, change);
	}
	set_text(j, "id", r->id);
	set_text(j, "kind", remedy_kind_name(r->kind));
	set_text(j, "summary", r->summary);
	set_text(j, "why", r->why);
	set_text(j, "cost", r->cost);
	set_text(j, "risk", r->risk);
	set(j, "applicable", json_boolean(r->applicable));
	set(j, "changes", changes);
	set(j, "commands", TEXTS_JSON(&r->commands));
	set(j, "undo", TEXTS_JSON(&r->undo));
	set(j, "persist", TEXTS_JSON(&r->persist));
	return j;
}

/* The step in which it grew fastest; null where that is near the average, or not known. */
static json_t *peak_json(const struct burst *b)
{
	json_t *j;

	if (!b->n)
		return json_null();
	j = json_object();
	set(j, "packets", number(b->n));
	set(j, "seconds", real(b->span_us / 1e6, 1e-6));
	set(j, "per_second", real((double)b->n * 1e6 / b->span_us, 0.001));
	set(j, "at_s", real(b->at_ms / 1e3, 0.001));
	return j;
}

static json_t *lost_json(const struct finding *f)
{
	double seconds = f->where ? f->where->seconds : 0;
	json_t *j = json_object();

	set(j, "packets", number(f->lost));
	set_text(j, "unit", f->unit ? f->unit : "packets");
	set(j, "per_second", seconds > 0 ? real((double)f->lost / seconds, 0.001) : json_null());
	set(j, "of", f->of ? number(f->of) : json_null());
	set(j, "share", f->of ? real((double)f->lost / (double)f->of, 1e-9) : json_null());
	set(j, "counted", number_if(f->counted_known, f->counted));
	set(j, "traced", number_if(f->traced_known, f->traced));
	set(j, "peak", peak_json(&f->burst));
	return j;
}

static json_t *subjects_json(const struct diagnosis *d, const struct finding *f)
{
	json_t *j = json_array();

	vec_each (s, &f->subjects)
		json_array_append_new(j, subject_json(d, f->where, s));
	return j;
}

static json_t *crowd_rank_json(const struct crowd_rank *rank)
{
	json_t *j = json_object(), *top = json_array();

	for (size_t i = 0; i < rank->top_n; i++) {
		json_t *one = json_object();

		if (rank->top[i].family)
			set(one, "address", address_json(rank->top[i].family, rank->top[i].address));
		else
			set(one, "port", json_integer(rank->top[i].port));
		set(one, "entries", number(rank->top[i].n));
		json_array_append_new(top, one);
	}
	set(j, "distinct", number(rank->distinct));
	set(j, "top", top);
	return j;
}

static json_t *crowd_json(const struct finding_crowd *c)
{
	json_t *j = json_object(), *states = json_object();

	set_text(j, "of", c->sum.what);
	set_text(j, "looks_like", crowd_guess_name(c->guess));
	set_text(j, "why", c->why);
	set(j, "read", number(c->sum.read));
	set(j, "entries", number_if(c->sum.of, c->sum.of));
	set(j, "unanswered", number(c->sum.unanswered));
	set(j, "sources", crowd_rank_json(&c->sum.sources));
	set(j, "destinations", crowd_rank_json(&c->sum.destinations));
	set(j, "ports", crowd_rank_json(&c->sum.ports));
	set(j, "aims_of_top_source", number(c->sum.aims));
	for (enum crowd_state s = 0; s < CROWD_STATES; s++)
		if (c->sum.states[s])
			set(states, crowd_state_name(s), number(c->sum.states[s]));
	set(j, "states", states);
	return j;
}

/* How a container is wired to the rest of the host. */
static json_t *way_json(const struct diagnosis *d, const struct finding *f)
{
	struct far_end end;
	const struct link *link = finding_end(d, f, &end);

	return link ? json_pack("{s:s, s:{s:s, s:o}}", "device", link->name, "other_end", "device",
				end.name, "netns", render_netns_json(end.o))
		    : json_null();
}

json_t *finding_json(const struct diagnosis *d, const struct finding *f)
{
	json_t *j = json_object(), *flows = json_array(), *remedies = json_array();

	set_text(j, "cause", f->cause->id);
	set_text(j, "via", f->via ? f->via->id : NULL);
	if (f->capture)
		set_text(j, "capture", f->capture->id);
	set_text(j, "title", f->cause->title);
	set_text(j, "headline", f->headline);
	set_text(j, "text", f->text);
	set_text(j, "stage", stage_name(finding_stage(f)));
	set_text(j, "direction", direction_name(finding_direction(f)));
	set_text(j, "state", finding_state_name(f->state));
	set_text(j, "severity", severity_name(f->severity));
	set_text(j, "confidence", confidence_name(f->confidence));
	set(j, "netns", render_netns_json(f->where));
	set(j, "way", way_json(d, f));
	set(j, "lost", lost_json(f));
	set(j, "subject", f->subjects.n ? subject_json(d, f->where, f->subjects.items)
					  : json_null());
	set(j, "subjects", subjects_json(d, f));
	set(j, "evidence", EVIDENCE_JSON(&f->evidence));
	set(j, "excluded", TEXTS_JSON(&f->excluded));
	vec_each (flow, &f->flows)
		json_array_append_new(flows, flow_json(flow));
	set(j, "flows", flows);
	set(j, "flows_sampled", json_boolean(f->flows_sampled));
	vec_each (r, &f->remedies)
		json_array_append_new(remedies, remedy_json(r, f->where));
	set(j, "remedies", remedies);
	if (f->crowd)
		set(j, "crowd", crowd_json(f->crowd));
	return j;
}

json_t *before_json(const struct diagnosis *d)
{
	json_t *list = json_array();

	vec_each (f, &d->before) {
		json_t *j = json_object(), *lost = json_object();

		set_text(j, "cause", f->cause->id);
		set_text(j, "title", f->cause->title);
		set_text(j, "headline", f->headline);
		set_text(j, "stage", stage_name(finding_stage(f)));
		set_text(j, "state", finding_state_name(f->state));
		set(j, "netns", render_netns_json(f->where));
		set(lost, "packets", number(f->lost));
		set_text(lost, "unit", f->unit ? f->unit : "packets");
		set(lost, "of", f->of ? number(f->of) : json_null());
		set(lost, "share", f->of ? real((double)f->lost / (double)f->of, 1e-9) : json_null());
		set(j, "lost", lost);
		set(j, "evidence", EVIDENCE_JSON(&f->evidence));
		json_array_append_new(list, j);
	}
	return list;
}
