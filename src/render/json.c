// SPDX-License-Identifier: GPL-2.0-or-later
/* The JSON of a diagnosis, schema whydrop.diagnose/1: keys may be added, none removed or renamed.
 */
#define _GNU_SOURCE
#include "render/render.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "causes/join.h"
#include "causes/path_rows.h"
#include "render/drop_sums.h"
#include "render/json_parts.h"
#include "render/utf8.h"

json_t *text_or_null(const char *s)
{
	struct buf clean = {0};
	json_t *ret;

	if (!s)
		return json_null();
	ret = json_string(s);
	if (ret)
		return ret;
	utf8_clean(&clean, s, strlen(s));
	ret = json_string(clean.data ? clean.data : "");
	buf_done(&clean);
	return ret ? ret : json_null();
}

json_t *filled_or_null(const char *s)
{
	return s && *s ? text_or_null(s) : json_null();
}

json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *number_if(bool known, uint64_t n)
{
	return known ? number(n) : json_null();
}

static json_t *real(double v, double unit)
{
	return isfinite(v) ? json_real(round(v / unit) * unit) : json_null();
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void set_text(json_t *object, const char *key, const char *s)
{
	set(object, key, text_or_null(s));
}

json_t *render_time_json(const struct timespec *t)
{
	char date[32], text[48];
	struct tm tm;

	if (!gmtime_r(&t->tv_sec, &tm) || !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm))
		return json_null();
	snprintf(text, sizeof(text), "%s.%03dZ", date, (int)(t->tv_nsec / NSEC_PER_MSEC));
	return json_string(text);
}

json_t *render_netns_json(const struct observation *o)
{
	json_t *j = json_object();

	set(j, "name", filled_or_null(o ? o->name : NULL));
	set(j, "inode", o && o->inode ? number(o->inode) : json_null());
	return j;
}

json_t *address_json(uint8_t family, const uint8_t *address)
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(family, address, text, sizeof(text)))
		return json_null();
	return json_string(text);
}

json_t *endpoint_json(uint8_t family, const uint8_t *address, uint16_t port)
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(family, address, text, sizeof(text)))
		return json_null();
	return json_sprintf(family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, port);
}

json_t *protocol_json(uint8_t protocol)
{
	const char *name = protocol_name(protocol);

	if (!protocol)
		return json_null();
	return name ? json_string(name) : json_sprintf("%u", protocol);
}

json_t *char_array_json(const char *s, size_t size)
{
	char copy[64];
	size_t n = MIN(strnlen(s, size), sizeof(copy) - 1);

	memcpy(copy, s, n);
	copy[n] = '\0';
	return filled_or_null(copy);
}

static json_t *container_json(const struct container *c)
{
	json_t *j, *pod;

	if (!c->engine[0])
		return json_null();
	j = json_object();
	set_text(j, "engine", c->engine);
	set(j, "id", filled_or_null(c->id));
	set(j, "name", filled_or_null(c->name));
	pod = c->pod[0] || c->pod_name[0] ? json_object() : json_null();
	if (json_is_object(pod)) {
		set(pod, "uid", filled_or_null(c->pod));
		set(pod, "name", filled_or_null(c->pod_name));
		set(pod, "namespace", filled_or_null(c->pod_namespace));
	}
	set(j, "pod", pod);
	return j;
}

json_t *socket_json(const struct subject *s)
{
	static const char *const types[] = {[SOCKET_RAW] = "raw",
					    [SOCKET_PACKET] = "packet",
					    [SOCKET_NETLINK] = "netlink"};
	const struct socket *sk = &s->socket;
	const struct process *p = s->has_process ? &s->process : NULL;
	json_t *j = json_object();

	/* Netlink has numbers of its own there. */
	set(j, "protocol",
	    sk->kind == SOCKET_NETLINK ? json_null() : protocol_json(sk->protocol));
	if (sk->kind != SOCKET_INET)
		set(j, "type", json_string(types[sk->kind]));
	set(j, "local", endpoint_json(sk->family, sk->local, sk->local_port));
	set(j, "remote",
	    sk->remote_port ? endpoint_json(sk->family, sk->remote, sk->remote_port) : json_null());
	set(j, "inode", sk->inode ? number(sk->inode) : json_null());
	set(j, "pid", p ? json_integer(p->pid) : json_null());
	set(j, "command", p ? char_array_json(p->comm, sizeof(p->comm)) : json_null());
	set(j, "cgroup", filled_or_null(p ? p->cgroup : NULL));
	set(j, "unit", filled_or_null(p ? p->unit : NULL));
	set(j, "container", p ? container_json(&p->container) : json_null());
	return j;
}

static json_t *process_json(const struct process *p)
{
	const char state[2] = {p->state, '\0'};
	json_t *j = json_object();

	set(j, "pid", json_integer(p->pid));
	set(j, "command", char_array_json(p->comm, sizeof(p->comm)));
	set(j, "state", filled_or_null(state));
	set(j, "cgroup", filled_or_null(p->cgroup));
	set(j, "unit", filled_or_null(p->unit));
	set(j, "container", container_json(&p->container));
	return j;
}

static json_t *limit_json(const struct rule_ref *r)
{
	static const char *const kinds[] = {[RULE_LIMIT_RATE] = "rate",
					    [RULE_LIMIT_QUOTA] = "quota",
					    [RULE_LIMIT_CONNECTIONS] = "connections",
					    [RULE_LIMIT_RECENT] = "recent",
					    [RULE_LIMIT_SHARE] = "share"};
	const struct rule_limit *l = &r->limit;
	json_t *j;

	if (!r->has_limit)
		return json_null();
	j = json_object();
	set_text(j, "kind", kinds[l->kind]);
	set(j, "amount", l->amount ? number(l->amount) : json_null());
	set_text(j, "unit",
		 l->kind == RULE_LIMIT_CONNECTIONS ? "connections"
		 : l->kind == RULE_LIMIT_SHARE	   ? "per mille"
		 : l->bytes			   ? "bytes"
						   : "packets");
	set(j, "per_s", l->per_s ? number(l->per_s) : json_null());
	set(j, "burst", l->burst ? number(l->burst) : json_null());
	set(j, "each", json_boolean(l->each));
	set_text(j, "dropped", l->over || r->limited_by ? "above" : "within");
	set(j, "held_by", r->limited_by ? number(r->limited_by) : json_null());
	return j;
}

json_t *rule_json(const struct rule_ref *r)
{
	json_t *j = json_object();

	set_text(j, "family", r->family);
	set_text(j, "table", r->table);
	set_text(j, "chain", r->chain);
	set(j, "hook", filled_or_null(r->hook));
	set(j, "handle", r->handle ? number(r->handle) : json_null());
	set(j, "target", filled_or_null(r->target));
	set(j, "set", filled_or_null(r->set));
	set(j, "limit", limit_json(r));
	set_text(j, "text", r->text);
	set_text(j, "text_errno", r->text_err ? errno_name(r->text_err) : NULL);
	set_text(j, "how", r->how);
	return j;
}

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

#define EVIDENCE_JSON(list)                                                           \
	({                                                                            \
		json_t *evidence_json_ = json_array();                                \
		vec_each (e_, list)                                                   \
			json_array_append_new(evidence_json_, one_evidence_json(e_)); \
		evidence_json_;                                                       \
	})

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

static json_t *finding_json(const struct diagnosis *d, const struct finding *f)
{
	json_t *j = json_object(), *flows = json_array(), *remedies = json_array();

	set_text(j, "cause", f->cause->id);
	set_text(j, "via", f->via ? f->via->id : NULL);
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

/* Of what is over: how much, where, and how long it is that this was counted. */
static json_t *before_json(const struct diagnosis *d)
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
	set(j, "cleared", cleared_json(d));
	set(j, "ignored", ignored_json(d));
	set(j, "before", before_json(d));
	set(j, "narrowed", d->narrow ? narrowed_json(d) : json_null());
	set(j, "not_examined", not_examined_json(d));
	return j;
}
