// SPDX-License-Identifier: GPL-2.0-or-later
/* A dropped packet in the JSON of `whydrop watch`. Keys may be added, none removed or renamed. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "render/json_parts.h"
#include "render/packets.h"

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

/* RFC 3339 with microseconds, which order packets. */
static json_t *time_json(int64_t at_ns)
{
	time_t seconds = at_ns / NSEC_PER_SEC;
	char date[32];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm))
		return json_null();
	return json_sprintf("%s.%06dZ", date, (int)(at_ns % NSEC_PER_SEC / 1000));
}

static json_t *netns_json(const struct packet_event *p)
{
	json_t *j = json_object();

	set(j, "name", filled_or_null(p->netns_known ? p->netns : NULL));
	set(j, "inode", p->event.netns ? number(p->event.netns) : json_null());
	return j;
}

static json_t *flow_json(const struct headers *h)
{
	uint8_t family = h->has_arp ? AF_INET : h->family;
	json_t *j;

	if (!family)
		return json_null();
	j = json_object();
	set(j, "protocol", h->has_arp ? json_string("arp") : protocol_json(h->protocol));
	set(j, "src", address_json(family, h->source));
	set(j, "sport", h->has_ports ? number(h->source_port) : json_null());
	set(j, "dst", address_json(family, h->destination));
	set(j, "dport", h->has_ports ? number(h->destination_port) : json_null());
	return j;
}

static json_t *tcp_json(const struct headers *h)
{
	char flags[12];
	json_t *j;

	if (!h->has_tcp)
		return json_null();
	j = json_object();
	set(j, "flags", json_string(tcp_flags_text(h->tcp_flags, flags, sizeof(flags))));
	set(j, "sequence", number(h->sequence));
	set(j, "acknowledgement", number(h->acknowledgement));
	set(j, "window", number(h->window));
	set(j, "payload", h->has_payload ? number(h->payload) : json_null());
	return j;
}

static json_t *icmp_json(const struct headers *h)
{
	return h->has_icmp ? json_pack("{si,si}", "type", h->icmp_type, "code", h->icmp_code)
			   : json_null();
}

static json_t *causes_json(const struct packet_event *p)
{
	json_t *j = json_array();

	for (size_t i = 0; i < p->causes_n; i++)
		json_array_append_new(j, json_string(p->causes[i]->id));
	return j;
}

static json_t *packet_socket_json(const struct packet_event *p)
{
	const struct drop_event *e = &p->event;
	json_t *j;

	if (!e->family)
		return json_null();
	j = json_object();
	set(j, "protocol", protocol_json(e->protocol));
	set(j, "port", e->local_port ? number(e->local_port) : json_null());
	set(j, "inode", e->inode ? number(e->inode) : json_null());
	set(j, "buffer_used", e->buffer_limit ? number(e->buffer_used) : json_null());
	set(j, "buffer_limit", e->buffer_limit ? number(e->buffer_limit) : json_null());
	return j;
}

static json_t *owner_json(const struct packet_event *p)
{
	json_t *j;

	if (!p->owner_pid && !p->owner_gone)
		return json_null();
	j = json_object();
	set(j, "pid", p->owner_pid ? json_integer(p->owner_pid) : json_null());
	set(j, "command", char_array_json(p->owner, sizeof(p->owner)));
	set(j, "unit", filled_or_null(p->unit));
	set(j, "gone", json_boolean(p->owner_gone));
	return j;
}

static json_t *packet_rule_json(const struct packet_event *p)
{
	json_t *j;

	if (!p->has_rule)
		return json_null();
	j = rule_json(&p->rule);
	set(j, "confidence", json_string(confidence_name(p->rule_confidence)));
	return j;
}

static json_t *context_json(const struct drop_event *e)
{
	json_t *j;

	if (!e->task_pid)
		return json_null();
	j = json_object();
	set(j, "pid", number(e->task_pid));
	set(j, "command", char_array_json(e->task_name, sizeof(e->task_name)));
	return j;
}

static json_t *stack_json(const struct drop_event *e, const struct packet_style *style)
{
	json_t *j = json_array();

	for (size_t i = 0; i < MIN(e->frames, (size_t)DROP_EVENT_STACK); i++) {
		const char *name =
			style->frame ? style->frame(e->stack[i], style->frame_arg) : NULL;

		json_array_append_new(j, name ? text_or_null(name)
					      : json_sprintf("0x%" PRIx64, e->stack[i]));
	}
	return j;
}

static json_t *vlans_json(const struct headers *h)
{
	json_t *j = json_array();

	for (size_t i = 0; i < h->vlans; i++)
		json_array_append_new(j, json_integer(h->vlan[i]));
	return j;
}

/* The packet itself. */
static void set_headers(const struct packet_event *p, json_t *j)
{
	const struct headers *h = &p->headers;

	set(j, "ethertype", h->ethertype ? number(h->ethertype) : json_null());
	set(j, "vlans", vlans_json(h));
	set(j, "flow", flow_json(h));
	set(j, "fragment_at", h->fragment ? number(h->fragment_at) : json_null());
	set(j, "tcp", tcp_json(h));
	set(j, "icmp", icmp_json(h));
	set(j, "tunnel", text_or_null(h->tunnel));
	set(j, "length", number(h->ip_length ? h->ip_length : p->event.length));
	set(j, "segments", number(p->event.segments));
}

json_t *render_packet_json(const struct packet_event *p, const struct packet_style *style)
{
	const struct drop_event *e = &p->event;
	bool one = p->causes_n == 1;
	json_t *j = json_object(), *line = json_object();

	set(j, "at", time_json(p->at_ns));
	set(j, "netns", netns_json(p));
	set(j, "device", char_array_json(e->device, sizeof(e->device)));
	set_headers(p, j);
	set(j, "reason", text_or_null(e->reason));
	set(j, "symbol", text_or_null(e->symbol));
	set(j, "expected", text_or_null(p->benign));
	/* Where it may be one of several, none of them is the cause. */
	set(j, "cause", one ? json_string(p->causes[0]->id) : json_null());
	set(j, "via", one && p->at ? json_string(p->at->id) : json_null());
	set(j, "causes", causes_json(p));
	set(j, "confidence", p->causes_n ? json_string(confidence_name(p->confidence))
					 : json_null());
	set(j, "socket", packet_socket_json(p));
	set(j, "owner", owner_json(p));
	set(j, "rule", packet_rule_json(p));
	set(j, "context", context_json(e));
	set(j, "stack", e->frames ? stack_json(e, style) : json_null());
	set(line, "schema", json_string("whydrop.watch/1"));
	set(line, "packet", j);
	return line;
}
