// SPDX-License-Identifier: GPL-2.0-or-later
/* Every name here comes from outside: what is printed goes through utf8_escape(). */
#define _GNU_SOURCE
#include "render/packets.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "render/drop_sums.h"
#include "render/utf8.h"

/* ---- the packet ---- */

static void endpoint_words(const struct headers *h, const uint8_t *address, uint16_t port,
			   struct buf *b)
{
	char text[INET6_ADDRSTRLEN];

	address_text(h->family, address, text, sizeof(text));
	if (h->has_ports)
		buf_printf(b, h->family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, port);
	else
		buf_puts(b, text);
}

static void arp_words(const struct headers *h, struct buf *b)
{
	char source[INET_ADDRSTRLEN], destination[INET_ADDRSTRLEN];

	address_text(AF_INET, h->source, source, sizeof(source));
	address_text(AF_INET, h->destination, destination, sizeof(destination));
	if (h->arp_operation == 1)
		buf_printf(b, "arp who-has %s tell %s", destination, source);
	else if (h->arp_operation == 2)
		buf_printf(b, "arp %s > %s reply", source, destination);
	else
		buf_printf(b, "arp %s > %s operation %u", source, destination, h->arp_operation);
}

static void mac_words(const uint8_t *mac, struct buf *b)
{
	for (size_t i = 0; i < 6; i++)
		buf_printf(b, i ? ":%02x" : "%02x", mac[i]);
}

static void frame_words(const struct headers *h, struct buf *b)
{
	if (h->has_mac) {
		mac_words(h->mac_source, b);
		buf_puts(b, " > ");
		mac_words(h->mac_destination, b);
		buf_puts(b, " ");
	}
	if (h->ethertype)
		buf_printf(b, "ethertype 0x%04x", h->ethertype);
	else
		buf_puts(b, "no header known");
}

const char *tcp_flags_text(uint8_t flags, char *to, size_t size)
{
	static const struct {
		uint8_t flag;
		char letter;
	} letters[] = {{TCP_FIN, 'F'}, {TCP_SYN, 'S'}, {TCP_RST, 'R'}, {TCP_PSH, 'P'},
		       {TCP_ACK, '.'}, {TCP_URG, 'U'}, {TCP_ECE, 'E'}, {TCP_CWR, 'W'}};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(letters) && n + 1 < size; i++)
		if (flags & letters[i].flag)
			to[n++] = letters[i].letter;
	to[n] = '\0';
	if (!n)
		snprintf(to, size, "none");
	return to;
}

static void protocol_words(const struct headers *h, struct buf *b)
{
	const char *name = protocol_name(h->protocol);
	char flags[12];

	if (name)
		buf_printf(b, " %s", name);
	else
		buf_printf(b, " protocol %u", h->protocol);
	if (h->has_tcp)
		buf_printf(b, " [%s]", tcp_flags_text(h->tcp_flags, flags, sizeof(flags)));
	if (h->has_icmp)
		buf_printf(b, " type %u code %u", h->icmp_type, h->icmp_code);
	if (h->tunnel && (!name || strcmp(h->tunnel, name) != 0))
		buf_printf(b, " (%s)", h->tunnel);
	if (h->fragment)
		buf_printf(b, " fragment at %u", h->fragment_at);
}

void packet_flow_words(const struct packet_event *p, struct buf *b)
{
	const struct headers *h = &p->headers;

	if (h->has_arp) {
		arp_words(h, b);
		return;
	}
	if (!h->family) {
		frame_words(h, b);
		return;
	}
	endpoint_words(h, h->source, h->source_port, b);
	buf_puts(b, " > ");
	endpoint_words(h, h->destination, h->destination_port, b);
	protocol_words(h, b);
}

/* ---- what became of it ---- */

static void escaped(struct buf *b, const char *s)
{
	utf8_escape(b, s, strlen(s));
}

void packet_netns_words(const struct packet_event *p, struct buf *b)
{
	if (p->netns_known && p->netns[0])
		escaped(b, p->netns);
	else if (p->event.netns)
		buf_printf(b, "%u", p->event.netns);
	else
		buf_puts(b, "unknown");
}

static void causes_of(const struct packet_event *p, struct buf *b)
{
	for (size_t i = 0; i < p->causes_n; i++)
		buf_printf(b, "%s%s", i ? " or " : "", p->causes[i]->id);
}

/* A name of at most 15 bytes that its process chose. */
static void process_of(const char *comm, int pid, struct buf *b)
{
	utf8_escape(b, comm, strnlen(comm, 16));
	buf_printf(b, " (%d)", pid);
}

static void owner_words(const struct packet_event *p, struct buf *b)
{
	if (p->owner_pid) {
		buf_puts(b, ", owner ");
		process_of(p->owner, p->owner_pid, b);
		if (p->unit[0]) {
			buf_puts(b, " of ");
			escaped(b, p->unit);
		}
		if (p->owner_gone)
			buf_puts(b, ", which has it no more");
	} else if (p->owner_gone) {
		buf_puts(b, ", owner gone");
	}
	if (p->event.buffer_limit)
		buf_printf(b, ", buffer %u of %u bytes", p->event.buffer_used,
			   p->event.buffer_limit);
}

static void rule_words(const struct packet_event *p, struct buf *b)
{
	const struct rule_ref *r = &p->rule;

	if (!p->has_rule)
		return;
	buf_puts(b, r->handle ? ", rule " : ", policy of ");
	if (p->rule_confidence == POSSIBLE)
		buf_puts(b, "perhaps ");
	escaped(b, r->family);
	buf_puts(b, " ");
	escaped(b, r->table);
	buf_puts(b, " ");
	escaped(b, r->chain);
	if (r->handle)
		buf_printf(b, " handle %" PRIu64, r->handle);
	if (r->text) {
		buf_puts(b, ": ");
		escaped(b, r->text);
	}
	if (r->how)
		buf_printf(b, " (by: %s)", r->how);
}

/* Reason and place, then all that is known; each part after a comma. */
static void fate_words(const struct packet_event *p, struct buf *b)
{
	const struct drop_event *e = &p->event;

	escaped(b, e->reason);
	buf_puts(b, " at ");
	escaped(b, e->symbol);
	if (p->benign)
		buf_printf(b, ", expected: %s", p->benign);
	if (p->causes_n) {
		buf_puts(b, ", cause ");
		if (p->causes_n == 1 && p->confidence == POSSIBLE)
			buf_puts(b, "perhaps ");
		causes_of(p, b);
		if (p->causes_n == 1 && p->at)
			buf_printf(b, " (%s)", p->at->id);
	}
	owner_words(p, b);
	rule_words(p, b);
	/* Softirqs run on top of anybody: that it ran there does not mean it had to do with it. */
	if (e->task_pid) {
		buf_puts(b, ", context: ");
		process_of(e->task_name, (int)e->task_pid, b);
	}
}

static void time_words(int64_t at_ns, struct buf *b)
{
	time_t seconds = at_ns / NSEC_PER_SEC;
	char text[16];
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%H:%M:%S", &tm))
		return;
	buf_printf(b, "%s.%06d ", text, (int)(at_ns % NSEC_PER_SEC / 1000));
}

static uint32_t length_of(const struct packet_event *p)
{
	return p->headers.ip_length ? p->headers.ip_length : p->event.length;
}

static void stack_words(const struct packet_event *p, const struct packet_style *style,
			struct buf *b)
{
	size_t n = MIN(p->event.frames, (size_t)DROP_EVENT_STACK);

	for (size_t i = 0; i < n; i++) {
		uint64_t at = p->event.stack[i];
		const char *name = style->frame ? style->frame(at, style->frame_arg) : NULL;

		buf_puts(b, "        ");
		if (name)
			escaped(b, name);
		else
			buf_printf(b, "0x%" PRIx64, at);
		buf_puts(b, "\n");
	}
}

void render_packet(const struct packet_event *p, const struct packet_style *style, struct buf *b)
{
	struct out o = {.buf = b, .style = &style->text};
	const struct headers *h = &p->headers;
	const struct drop_event *e = &p->event;
	cleanup(buf_done) struct buf fate = {0};

	time_words(p->at_ns, b);
	packet_flow_words(p, b);
	buf_printf(b, " length %u", length_of(p));
	if (e->segments > 1)
		buf_printf(b, " (%u segments)", e->segments);
	for (size_t i = 0; i < h->vlans; i++)
		buf_printf(b, " vlan %u", h->vlan[i]);
	if (e->device[0]) {
		buf_puts(b, ", ");
		utf8_escape(b, e->device, strnlen(e->device, sizeof(e->device)));
	}
	buf_puts(b, e->device[0] ? " in " : ", in ");
	packet_netns_words(p, b);
	buf_puts(b, ": ");
	fate_words(p, &fate);
	out_tinted(&o, p->benign ? TINT_DIM : TINT_NONE, "%s", fate.data);
	buf_puts(b, "\n");
	stack_words(p, style, b);
}

/* ---- capture files ---- */

void packet_comment(const struct packet_event *p, struct buf *b)
{
	buf_puts(b, "reason ");
	fate_words(p, b);
	buf_puts(b, ", netns ");
	packet_netns_words(p, b);
}

/*
 * The whole packet may have been longer than its bytes here. Its IP header says how long; where it
 * does not, the kernel's length counts from the layer that dropped it, which is less.
 */
bool packet_bytes(const struct packet_event *p, struct pcapng_packet *ret, uint16_t *ret_linktype)
{
	const struct drop_event *e = &p->event;
	const struct headers *h = &p->headers;
	uint32_t captured = (uint32_t)MIN(e->captured, sizeof(e->bytes)), from = 0;

	if (!h->has_mac && (!h->family || h->network_at >= captured))
		return false;
	if (!h->has_mac)
		from = h->network_at;
	ret->bytes = e->bytes + from;
	ret->captured = captured - from;
	ret->length = h->ip_length ? h->network_at - from + h->ip_length : e->length;
	ret->length = MAX(ret->length, ret->captured);
	*ret_linktype = h->has_mac ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
	return true;
}
