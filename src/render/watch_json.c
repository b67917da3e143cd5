// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The JSON of `whydrop watch`, schema whydrop.watch/1, one object a line: first {"ready"}, then
 * {"interval"} for each, at the end {"summary"}. Keys may be added, none removed or renamed.
 */
#include <errno.h>
#include <math.h>

#include "render/json_parts.h"
#include "render/watch_parts.h"

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *real(double n)
{
	return json_real(round(n * 1000) / 1000);
}

static json_t *document(const char *name, json_t *body)
{
	json_t *j = json_object();

	set(j, "schema", json_string("whydrop.watch/1"));
	set(j, name, body);
	return j;
}

/* When an interval began that ended at r->started_at. */
static json_t *ago_json(const struct watch_view *v, int64_t ago_ns)
{
	const struct timespec *end = &v->r->started_at;
	int64_t ns = end->tv_sec * NSEC_PER_SEC + end->tv_nsec - ago_ns;
	struct timespec at = {ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};

	return render_time_json(&at);
}

static json_t *line_netns_json(const struct watch_line *l)
{
	json_t *j = json_object();

	set(j, "name", filled_or_null(l->netns_name));
	set(j, "inode", l->netns ? number(l->netns) : json_null());
	return j;
}

static json_t *owner_json(const struct watch_line *l)
{
	struct subject s = {.has_socket = true, .socket = l->socket};
	json_t *j;

	if (!l->has_socket)
		return json_null();
	if (l->process) {
		s.has_process = true;
		s.process = *l->process;
	}
	/* Nothing but the port is known of it. */
	j = socket_json(&s);
	if (!l->socket.inode && l->socket.kind == SOCKET_INET)
		set(j, "local", json_null());
	set(j, "port", l->socket.local_port ? number(l->socket.local_port) : json_null());
	set(j, "cookie", l->socket.cookie ? number(l->socket.cookie) : json_null());
	set(j, "buffer_used", l->socket.mem_known ? number(l->socket.rmem) : json_null());
	set(j, "buffer_limit", l->socket.mem_known ? number(l->socket.rcvbuf) : json_null());
	set(j, "closed", json_boolean(l->gone));
	set(j, "exited", json_boolean(l->exited));
	return j;
}

static json_t *line_json(const struct watch_view *v, const struct watch_line *l)
{
	const struct reason_row *reason = reason_row(l->reason);
	double seconds = v->end ? v->w->total_seconds : v->w->seconds;
	uint64_t packets = v->end ? l->total : l->packets;
	bool traced = l->how == WATCH_TRACED;
	json_t *j = json_object();

	set(j, "how", json_string(traced ? "traced" : "counted"));
	set(j, "stage", l->at ? json_string(stage_name(l->at->stage))
			      : reason ? json_string(stage_name(reason->stage)) : json_null());
	set(j, "direction", l->at ? json_string(direction_name(l->at->direction)) : json_null());
	set(j, "cause", l->cause ? json_string(l->cause->id) : json_null());
	set(j, "via", l->at && l->at != l->cause ? json_string(l->at->id) : json_null());
	set(j, "title", l->cause ? json_string(l->cause->title) : json_null());
	set(j, "expected", l->benign ? json_string(l->benign) : json_null());
	set(j, "reason", filled_or_null(l->reason));
	set(j, "symbol", filled_or_null(l->symbol));
	set(j, "meaning", reason ? json_string(reason->meaning) : json_null());
	set(j, "protocol", protocol_json(l->protocol));
	set(j, "ethertype", l->ethertype ? number(l->ethertype) : json_null());
	set(j, "netns", line_netns_json(l));
	set(j, "device", filled_or_null(l->device));
	set(j, "cpu", l->has_cpu ? json_integer(l->cpu) : json_null());
	set(j, "owner", owner_json(l));
	set(j, "rule", l->has_rule ? rule_json(&l->rule) : json_null());
	set(j, "unit", json_string(l->unit));
	set(j, "packets", number(packets));
	set(j, "bytes", traced ? number(v->end ? l->total_bytes : l->bytes) : json_null());
	set(j, "per_second", real(seconds > 0 ? (double)packets / seconds : 0));
	set(j, "total", number(l->total));
	set(j, "first_at", ago_json(v, v->w->now_ns - l->first_ns));
	set(j, "last_at", ago_json(v, v->w->now_ns - l->last_ns));
	return j;
}

static json_t *sum_json(const struct watch_sum *s, bool end)
{
	json_t *j = json_object();

	set(j, "packets", number(end ? s->total : s->packets));
	set(j, "total", number(s->total));
	return j;
}

static json_t *answer_json(const struct watch_view *v, bool benign, enum watch_answer answer)
{
	struct watch_sum sum = watch_sum(v->w, benign, answer);

	return sum_json(&sum, v->end);
}

static json_t *missed_json(const struct watch_view *v)
{
	const struct watch *w = v->w;
	json_t *j = sum_json(&w->missed, v->end), *kinds = json_array();

	vec_each(m, &w->events_missed) {
		json_t *kind = json_object();

		set(kind, "reason", filled_or_null(m->reason));
		set(kind, "symbol", filled_or_null(m->symbol));
		set(kind, "packets", number(m->packets));
		json_array_append_new(kinds, kind);
	}
	if (v->end)
		set(j, "events", kinds);
	else
		json_decref(kinds);
	return j;
}

/* How long it was that nobody looked at sends; null: nobody does on this rung or kernel. */
static json_t *rested_json(const struct watch_view *v)
{
	return v->w->sends_traced ? real(v->end ? v->w->total_rested : v->w->rested) : json_null();
}

static json_t *rung_json(const struct watch_view *v)
{
	return v->rung ? json_string(v->rung) : json_string("counters");
}

json_t *render_watch_json(const struct watch_view *v)
{
	const struct watch *w = v->w;
	json_t *j = json_object(), *lines = json_array(), *elsewhere;

	set(j, "at", render_time_json(&v->r->started_at));
	set(j, "seconds", real(v->end ? w->total_seconds : w->seconds));
	set(j, "rung", rung_json(v));
	set(j, "lost", answer_json(v, false, WATCH_MEANT));
	set(j, "expected", answer_json(v, true, WATCH_MEANT));
	set(j, "left_out", answer_json(v, false, WATCH_NOT_MEANT));
	set(j, "cannot_tell", answer_json(v, false, WATCH_CANNOT_TELL));
	elsewhere = sum_json(&w->elsewhere, v->end);
	set(elsewhere, "namespaces", number(w->elsewhere_netns.n));
	set(j, "elsewhere", elsewhere);
	set(j, "others", sum_json(&w->others[0][WATCH_MEANT], v->end));
	set(j, "missed", missed_json(v));
	set(j, "sends_unseen_s", rested_json(v));
	vec_each(l, &w->lines) {
		enum watch_answer answer = watch_means(w, l);

		if ((l->packets || v->end) && (!l->benign || v->all) && answer == WATCH_MEANT)
			json_array_append_new(lines, line_json(v, l));
	}
	set(j, "lines", lines);
	set(j, "tcp", render_watch_tcp_json(v));
	return document(v->end ? "summary" : "interval", j);
}

json_t *render_watch_tcp_events_json(const struct watch_view *v)
{
	json_t *j = render_watch_tcp_json(v);

	if (!json_array_size(json_object_get(j, "lines"))) {
		json_decref(j);
		return NULL;
	}
	set(j, "at", render_time_json(&v->r->started_at));
	return document("tcp", j);
}

json_t *render_watch_ready_json(const struct watch_view *v)
{
	json_t *j = json_object(), *namespaces = json_array();
	const struct rung_row *rung;
	const struct watch_filter *f = v->w->filter;

	set(j, "version", filled_or_null(v->r->version));
	set(j, "host", render_host_json(v->r));
	set(j, "at", render_time_json(&v->r->started_at));
	set(j, "rung", rung_json(v));
	rung = rung_row(v->rung ? v->rung : rung_rows[rung_rows_n - 1].name);
	set(j, "hides", filled_or_null(rung ? rung->hides : ""));
	set(j, "untraced_errno", v->rung || v->untraced == -ENODATA
					 ? json_null()
					 : json_string(errno_name(v->untraced)));
	set(j, "interval_s", real(v->asked_seconds));
	set(j, "filter", filled_or_null(f->packets));
	set(j, "device", filled_or_null(f->device));
	set(j, "reason", filled_or_null(f->reason));
	set(j, "cause", filled_or_null(f->cause));
	set(j, "pid", f->pid ? json_integer(f->pid) : json_null());
	vec_each(o, &v->d->observations)
		json_array_append_new(namespaces, render_netns_json(o));
	set(j, "namespaces", namespaces);
	return document("ready", j);
}
