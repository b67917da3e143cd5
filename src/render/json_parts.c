// SPDX-License-Identifier: GPL-2.0-or-later
/* Values that several of the JSON documents have. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "render/drop_sums.h"
#include "render/json_set.h"
#include "render/render.h"
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
					    [SOCKET_NETLINK] = "netlink",
					    [SOCKET_UNIX] = "unix",
					    [SOCKET_MPTCP] = "mptcp"};
	const struct socket *sk = &s->socket;
	const struct process *p = s->has_process ? &s->process : NULL;
	json_t *j = json_object();

	/* Netlink has numbers of its own there. */
	set(j, "protocol",
	    sk->kind == SOCKET_NETLINK || sk->kind == SOCKET_UNIX ? json_null()
								  : protocol_json(sk->protocol));
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

json_t *process_json(const struct process *p)
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
