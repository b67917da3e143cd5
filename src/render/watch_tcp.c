// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TCP's retransmissions, resets and failed connections in the table of `whydrop watch`, between
 * the lines of --events, and in JSON.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "render/fmt.h"
#include "render/json_parts.h"
#include "render/watch_parts.h"

#define LINES_SHOWN 8
#define KINDS "retransmissions, resets and failed connections"

static bool shown(const struct watch_view *v, const struct watch_tcp_line *l)
{
	return l->line.packets || v->end || v->live;
}

static const char *netns_name(const struct watch_view *v, uint32_t inode)
{
	vec_each(o, &v->d->observations)
		if (o->inode == inode && o->name[0])
			return o->name;
	return NULL;
}

/* ---- for people ---- */

/* How it failed; else what state the socket was in. */
static void what(const struct tcp_line *line, struct buf *b)
{
	if (line->kind == TCP_CONNECT_FAILED)
		buf_puts(b, line->error ? strerror(line->error) : "given up by the program");
	else if (line->kind == TCP_ENDED)
		buf_printf(b, "%s in %s", strerror(line->error), tcp_state_name(line->state));
	else
		buf_puts(b, tcp_state_name(line->state));
}

static void where(const struct watch_view *v, const struct watch_tcp_line *l, struct buf *b)
{
	const struct tcp_line *line = &l->line;
	uint64_t packets = v->end ? l->total : line->packets;
	uint64_t segments = v->end ? l->total_segments : line->segments;
	const char *name = netns_name(v, line->netns), *peer;
	char network[TCP_PEER_TEXT];

	if (line->reason[0])
		buf_printf(b, "%s, ", line->reason);
	what(line, b);
	if (line->local_port)
		buf_printf(b, ", port %u here", line->local_port);
	peer = tcp_line_peer(line, network, sizeof(network));
	if (peer)
		buf_printf(b, ", peer in %s", peer);
	if (line->remote_port)
		buf_printf(b, "%s port %u", peer ? "" : ", peer's", line->remote_port);
	if (segments > packets)
		buf_printf(b, ", %s segments", fmt_count(segments).s);
	if (v->d->observations.n > 1 && name)
		buf_printf(b, ", namespace %s", name);
}

static void one_line(struct grid *g, const struct watch_view *v, const struct watch_tcp_line *l)
{
	double seconds = v->end ? v->w->total_seconds : v->w->seconds;
	uint64_t packets = v->end ? l->total : l->line.packets;
	struct buf text = {0};

	where(v, l, &text);
	watch_rows(g, fmt_rate(seconds > 0 ? (double)packets / seconds : 0).s, fmt_count(l->total).s,
		   "tcp", tcp_line_kind_name(l->line.kind), text.data, TINT_NONE);
	buf_done(&text);
}

/* What could not be told, and of whom. */
static void rest(struct grid *g, const struct watch_view *v, size_t more)
{
	const struct watch_tcp *t = v->tcp;
	struct buf b = {0};

	if (more)
		buf_printf(&b, "%zu more lines of TCP's " KINDS " (--json has all)", more);
	if (b.len)
		watch_sentence(g, TINT_DIM, b.data);
	buf_clear(&b);
	if (t->left_out.total && v->end)
		buf_printf(&b, "Of other processes, or of connections that are gone: %s " KINDS,
			   fmt_count(t->left_out.total).s);
	if (b.len)
		watch_sentence(g, TINT_NONE, b.data);
	buf_done(&b);
}

void render_watch_tcp(const struct watch_view *v, struct grid *g)
{
	const struct watch_tcp *t = v->tcp;
	struct buf b = {0};
	size_t n = 0;

	if (!t)
		return;
	if (t->untold_by && v->end) {
		buf_printf(&b, "TCP's " KINDS " are not told: %s does not apply to them",
			   t->untold_by);
		watch_sentence(g, TINT_DIM, b.data);
	}
	buf_done(&b);
	if (t->untold_by || t->err)
		return;
	vec_each(l, &t->lines)
		if (shown(v, l) && n++ < LINES_SHOWN)
			one_line(g, v, l);
	rest(g, v, n - MIN(n, LINES_SHOWN));
}

void render_watch_tcp_events(const struct watch_view *v, struct buf *ret)
{
	const struct watch_tcp *t = v->tcp;
	char at[16] = "";
	struct tm tm;

	if (!t || t->untold_by || t->err)
		return;
	if (localtime_r(&v->r->started_at.tv_sec, &tm))
		strftime(at, sizeof(at), "%H:%M:%S ", &tm);
	vec_each(l, &t->lines) {
		if (!l->line.packets)
			continue;
		buf_printf(ret, "%stcp %s: ", at, tcp_line_kind_name(l->line.kind));
		where(v, l, ret);
		buf_printf(ret, "; %s in the last %.1f s\n", fmt_count(l->line.packets).s,
			   v->w->seconds);
	}
}

/* ---- for programs ---- */

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *port_json(uint16_t port)
{
	return port ? json_integer(port) : json_null();
}

static json_t *line_json(const struct watch_view *v, const struct watch_tcp_line *l)
{
	double seconds = v->end ? v->w->total_seconds : v->w->seconds;
	uint64_t packets = v->end ? l->total : l->line.packets;
	json_t *j = json_object(), *netns = json_object();
	char network[TCP_PEER_TEXT];

	set(netns, "name", filled_or_null(netns_name(v, l->line.netns)));
	set(netns, "inode", l->line.netns ? number(l->line.netns) : json_null());
	set(j, "kind", json_string(tcp_line_kind_name(l->line.kind)));
	set(j, "netns", netns);
	set(j, "reason", filled_or_null(l->line.reason));
	set(j, "error", l->line.error ? json_string(errno_name(-l->line.error)) : json_null());
	set(j, "state", l->line.state ? json_string(tcp_state_name(l->line.state)) : json_null());
	set(j, "peer", filled_or_null(tcp_line_peer(&l->line, network, sizeof(network))));
	set(j, "local_port", port_json(l->line.local_port));
	set(j, "remote_port", port_json(l->line.remote_port));
	set(j, "packets", number(packets));
	set(j, "segments", number(v->end ? l->total_segments : l->line.segments));
	set(j, "per_second",
	    json_real(seconds > 0 ? round((double)packets / seconds * 1000) / 1000 : 0));
	set(j, "total", number(l->total));
	return j;
}

static json_t *sum_json(const struct watch_sum *s, bool end)
{
	json_t *j = json_object();

	set(j, "packets", number(end ? s->total : s->packets));
	set(j, "total", number(s->total));
	return j;
}

json_t *render_watch_tcp_json(const struct watch_view *v)
{
	const struct watch_tcp *t = v->tcp;
	json_t *j, *lines;

	if (!t || t->untold_by)
		return json_null();
	j = json_object();
	lines = json_array();
	set(j, "errno", t->err ? json_string(errno_name(t->err)) : json_null());
	set(j, "all_resets", json_boolean(t->all_resets));
	set(j, "elsewhere", sum_json(&t->elsewhere, v->end));
	set(j, "left_out", sum_json(&t->left_out, v->end));
	set(j, "others", sum_json(&t->others, v->end));
	set(j, "missed", sum_json(&t->missed, v->end));
	vec_each(l, &t->lines)
		if (l->line.packets || v->end)
			json_array_append_new(lines, line_json(v, l));
	set(j, "lines", lines);
	return j;
}
