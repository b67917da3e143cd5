// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/tcp_lines_json.h"

#include <arpa/inet.h>
#include <errno.h>

#include "model/fields_json.h"

/* Without the kind, which has a name, and the peer, which depends on the family. */
static const struct field line_fields[] = {
	FIELD(tcp_line, NUMBER, netns),		FIELD(tcp_line, TEXT, reason),
	FIELD(tcp_line, NUMBER, error),		FIELD(tcp_line, NUMBER, unasked),
	FIELD(tcp_line, NUMBER, state),		FIELD(tcp_line, NUMBER, family),
	FIELD(tcp_line, NUMBER, local_port),	FIELD(tcp_line, NUMBER, remote_port),
	FIELD(tcp_line, NUMBER, packets),	FIELD(tcp_line, NUMBER, segments),
	FIELD(tcp_line, NUMBER, lossy),		FIELD(tcp_line, NUMBER, unread),
	FIELD(tcp_line, NUMBER, unsent),	FIELD(tcp_line, NUMBER, idle),
	FIELD(tcp_line, NUMBER, idle_least_ms), FIELD(tcp_line, NUMBER, idle_most_ms),
};

static int line_to_json(const struct tcp_line *line, json_t *to)
{
	char peer[TCP_PEER_TEXT];
	int err = json_object_set_new(to, "kind", json_string(tcp_line_kind_name(line->kind)));

	err |= fields_to_json(line_fields, ARRAY_SIZE(line_fields), (const char *)line, to);
	if (tcp_line_peer(line, peer, sizeof(peer)))
		err |= json_object_set_new(to, "peer", json_string(peer));
	return err;
}

static int kind_from_json(const json_t *json, enum tcp_line_kind *ret)
{
	const char *name = json_string_value(json);

	for (int kind = 0; name && kind < TCP_LINE_KINDS; kind++)
		if (strcmp(tcp_line_kind_name((enum tcp_line_kind)kind), name) == 0) {
			*ret = (enum tcp_line_kind)kind;
			return 0;
		}
	return -EBADMSG;
}

/* "10.0.0.0/24"; the length belongs to the family. */
static int peer_from_json(const json_t *json, struct tcp_line *line)
{
	const char *text = json_string_value(json), *slash = text ? strchr(text, '/') : NULL;
	char address[INET6_ADDRSTRLEN];

	if (!line->family)
		return json ? -EBADMSG : 0;
	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return -EBADMSG;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	line->peer_bits = line->family == AF_INET6 ? 64 : 24;
	if (strcmp(slash, line->family == AF_INET6 ? "/64" : "/24") != 0)
		return -EBADMSG;
	return inet_pton(line->family, address, line->peer) == 1 ? 0 : -EBADMSG;
}

static int line_from_json(const json_t *json, struct tcp_line *line)
{
	/* A byte that is neither is no bool: read as a number first. */
	struct tcp_line read = {0};
	const json_t *unasked = json_object_get(json, "unasked");
	int err = kind_from_json(json_object_get(json, "kind"), &read.kind);

	if (!json_is_integer(unasked) || json_integer_value(unasked) < 0 ||
	    json_integer_value(unasked) > 1)
		return -EBADMSG;
	if (!err)
		err = fields_from_json(line_fields, ARRAY_SIZE(line_fields), json, (char *)&read);
	if (!err && read.family && read.family != AF_INET && read.family != AF_INET6)
		err = -EBADMSG;
	if (!err)
		err = peer_from_json(json_object_get(json, "peer"), &read);
	if (!err)
		*line = read;
	return err;
}

json_t *tcp_lines_to_json(const struct tcp_lines *l)
{
	json_t *json = json_object(), *lines = json_array();
	int err = 0;

	vec_each(line, &l->lines) {
		json_t *item = json_object();

		err |= line_to_json(line, item);
		err |= json_array_append_new(lines, item);
	}
	err |= json_object_set_new(json, "err", err_to_json(l->err));
	err |= json_object_set_new(json, "all_resets", json_boolean(l->all_resets));
	err |= json_object_set_new(json, "states", json_boolean(l->states));
	err |= json_object_set_new(json, "missed", number_to_json(l->missed));
	err |= json_object_set_new(json, "lines", lines);
	if (err) {
		json_decref(json);
		return NULL;
	}
	return json;
}

int tcp_lines_from_json(const json_t *json, struct tcp_lines *ret)
{
	const json_t *lines = json_object_get(json, "lines");
	struct tcp_lines l = {0};

	if (err_from_json(json_object_get(json, "err"), &l.err) ||
	    bool_from_json(json_object_get(json, "all_resets"), &l.all_resets) ||
	    bool_from_json(json_object_get(json, "states"), &l.states) ||
	    number_from_json(json_object_get(json, "missed"), &l.missed) || !is_json_rows(lines))
		return -EBADMSG;
	for (size_t i = 0; i < json_array_size(lines); i++)
		if (line_from_json(json_array_get(lines, i), vec_push(&l.lines))) {
			tcp_lines_done(&l);
			return -EBADMSG;
		}
	*ret = l;
	return 0;
}
