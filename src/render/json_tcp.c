// SPDX-License-Identifier: GPL-2.0-or-later
/* TCP's own events of the interval, of the namespaces that were examined. */
#include <errno.h>

#include "render/json_set.h"
#include "render/render.h"

#define LINES_SHOWN 16 /* of troubles, and as many of how connections begin and end in order */

static bool is_trouble(enum tcp_line_kind kind)
{
	return kind != TCP_ACCEPTED && kind != TCP_CONNECTED && kind != TCP_CLOSED_HERE &&
	       kind != TCP_CLOSED_BY_PEER;
}

static const struct observation *examined(const struct diagnosis *d, uint32_t netns)
{
	vec_each(o, &d->observations)
		if (o->inode == netns)
			return o;
	return NULL;
}

static json_t *port_json(uint16_t port)
{
	return port ? json_integer(port) : json_null();
}

static json_t *line_json(const struct observation *o, const struct tcp_line *l)
{
	bool reset = l->kind == TCP_RESET_SENT || l->kind == TCP_RESET_RECEIVED;
	bool failed = l->kind == TCP_CONNECT_FAILED || l->kind == TCP_ENDED;
	char peer[TCP_PEER_TEXT];
	json_t *j = json_object();

	set_text(j, "kind", tcp_line_kind_name(l->kind));
	set(j, "netns", render_netns_json(o));
	set(j, "reason", filled_or_null(l->reason));
	set(j, "error", failed && l->error ? text_or_null(errno_name(-l->error)) : json_null());
	set(j, "unasked", l->kind == TCP_RESET_SENT ? json_boolean(l->unasked) : json_null());
	set(j, "state", l->state ? text_or_null(tcp_state_name(l->state)) : json_null());
	set(j, "peer", filled_or_null(tcp_line_peer(l, peer, sizeof(peer))));
	set(j, "local_port", port_json(l->local_port));
	set(j, "remote_port", port_json(l->remote_port));
	set(j, "packets", number(l->packets));
	set(j, "per_second", real(per_second(o, l->packets), 0.001));
	set(j, "segments", number_if(l->segments > 0, l->segments));
	set(j, "lossy", number_if(reset, l->lossy));
	set(j, "unread_bytes", number_if(reset, l->unread));
	set(j, "unsent_bytes", number_if(reset, l->unsent));
	set(j, "idle", number_if(l->kind == TCP_RESET_RECEIVED, l->idle));
	set(j, "idle_least_ms", number_if(l->idle > 0, l->idle_least_ms));
	set(j, "idle_most_ms", number_if(l->idle > 0, l->idle_most_ms));
	return j;
}

/* How many of each kind there were; those that are not among the lines shown, too. */
static json_t *sums_json(const struct diagnosis *d)
{
	uint64_t sums[TCP_LINE_KINDS] = {0};
	json_t *j = json_object();

	vec_each(l, &d->tcp->lines)
		if (examined(d, l->netns))
			sums[l->kind] += l->packets;
	for (int kind = 0; kind < TCP_LINE_KINDS; kind++)
		set(j, tcp_line_kind_name((enum tcp_line_kind)kind), number(sums[kind]));
	return j;
}

json_t *render_tcp_json(const struct diagnosis *d)
{
	json_t *j = json_object(), *lines = json_array();
	unsigned int shown[2] = {0};
	bool traced = d->tcp && !d->tcp->err;

	set(j, "errno", traced ? json_null() : text_or_null(errno_name(d->tcp ? d->tcp->err : -ENODATA)));
	set(j, "missed", number_if(traced, traced ? d->tcp->missed : 0));
	set(j, "sums", traced ? sums_json(d) : json_null());
	for (size_t i = 0; traced && i < d->tcp->lines.n; i++) {
		const struct tcp_line *l = &d->tcp->lines.items[i];
		const struct observation *o = examined(d, l->netns);

		if (o && shown[is_trouble(l->kind)]++ < LINES_SHOWN)
			json_array_append_new(lines, line_json(o, l));
	}
	set(j, "lines", lines);
	return j;
}
