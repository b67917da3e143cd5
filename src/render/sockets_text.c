// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <stdio.h>

#include "model/tcp_lines.h"
#include "render/fmt.h"
#include "render/socket_words.h"
#include "render/sockets_parts.h"
#include "render/utf8.h"

static const struct {
	enum socket_kind kind;
	const char *name;
} other_kinds[] = {{SOCKET_MPTCP, "mptcp"},
		   {SOCKET_UNIX, "unix"},
		   {SOCKET_RAW, "raw"},
		   {SOCKET_PACKET, "packet"},
		   {SOCKET_NETLINK, "netlink"}};

/* ---- sums first ---- */

static void count_kinds(const struct sockets_report *r, struct buf *b)
{
	if (r->udp)
		buf_printf(b, "udp %s", fmt_count(r->udp).s);
	for (size_t i = 0; i < ARRAY_SIZE(other_kinds); i++)
		if (r->kinds[other_kinds[i].kind].matched)
			buf_printf(b, "%s%s %s", b->len ? ", " : "", other_kinds[i].name,
				   fmt_count(r->kinds[other_kinds[i].kind].matched).s);
}

static void count_classes(const struct sockets_report *r, struct buf *b)
{
	for (size_t i = 0; i < socket_troubles_n; i++)
		if (r->by_trouble[i])
			buf_printf(b, "%s%s %s", b->len ? ", " : "", socket_troubles[i].id,
				   fmt_count(r->by_trouble[i]).s);
}

static void header(struct out *o, const struct sockets_view *v)
{
	static const enum tcp_state order[] = {
		STATE_LISTEN,	 STATE_ESTABLISHED, STATE_SYN_SENT,  STATE_SYN_RECV,
		STATE_CLOSE_WAIT, STATE_FIN_WAIT1,   STATE_FIN_WAIT2, STATE_TIME_WAIT,
		STATE_LAST_ACK,	 STATE_CLOSING,	    STATE_CLOSE};
	const struct sockets_report *r = v->r;
	cleanup(buf_done) struct buf first = {0}, tcp = {0}, other = {0}, troubles = {0};

	buf_printf(&first, "%s socket%s", fmt_count(r->seen).s, r->seen == 1 ? "" : "s");
	if (r->spaces.n > 1)
		buf_printf(&first, " in %zu namespaces", r->spaces.n);
	if (v->filtered)
		buf_printf(&first, ", %s of them meant", fmt_count(r->matched).s);
	buf_printf(&first, "; %s in trouble; read in %.2f s",
		   r->troubled ? fmt_count(r->troubled).s : "none", r->seconds);
	out_tinted(o, r->troubled ? TINT_BOLD : TINT_GREEN, "%s\n", first.data);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (r->tcp[order[i]])
			buf_printf(&tcp, "%s%s %s", tcp.len ? ", " : "", tcp_state_name(order[i]),
				   fmt_count(r->tcp[order[i]]).s);
	count_kinds(r, &other);
	count_classes(r, &troubles);
	if (tcp.len)
		out_labelled(o, 2, 9, "tcp", tcp.data);
	if (other.len)
		out_labelled(o, 2, 9, "other", other.data);
	if (troubles.len)
		out_labelled(o, 2, 9, "trouble", troubles.data);
}

/* ---- sums by something ---- */

static void states_words(const uint32_t *states, struct buf *b)
{
	for (uint8_t i = 1; i < TCP_STATES; i++)
		if (states[i])
			buf_printf(b, "%s%s %s", b->len ? ", " : "", tcp_state_name(i),
				   fmt_count(states[i]).s);
}

static void sum_name(const struct sockets_view *v, const struct sockets_sum *sum, struct buf *b)
{
	char text[INET6_ADDRSTRLEN] = "?";

	switch (v->by) {
	case BY_PROCESS:
		if (sum->key.id)
			buf_printf(b, "%.*s (%u)", (int)strnlen(sum->comm, sizeof(sum->comm)),
				   sum->comm, sum->key.id);
		else
			buf_puts(b, "no process that can be seen");
		break;
	case BY_LISTENER:
		buf_printf(b, "%s port %u", sum->key.protocol == IPPROTO_TCP ? "tcp" : "udp",
			   sum->key.port);
		if (sum->key.protocol == IPPROTO_TCP)
			buf_printf(b, ", %s wait to be accepted (backlog %s)", fmt_count(sum->waiting).s,
				   fmt_count(sum->backlog).s);
		if (v->r->spaces.n > 1 && sum->key.id < v->r->spaces.n)
			buf_printf(b, ", namespace %s", v->r->spaces.items[sum->key.id].name);
		break;
	default:
		inet_ntop(sum->key.family, sum->key.address, text, sizeof(text));
		buf_puts(b, text);
		if (sum->rtt_us_max)
			buf_printf(b, ", rtt up to %s", fmt_us(sum->rtt_us_max).s);
		if (sum->rto_us_max)
			buf_printf(b, ", RTO up to %s", fmt_us(sum->rto_us_max).s);
		/* One lost SYN is sent again after 1 s, one lost segment after an RTO. */
		if (sum->rto_base_us_max)
			buf_printf(b, ", timeouts of programs from %s (connect) and %s (read) on",
				   fmt_ms(1000 + (sum->rtt_us_max + 999) / 1000).s,
				   fmt_ms((sum->rto_base_us_max + 999) / 1000 * 2).s);
	}
}

static void sum_text(struct out *o, const struct sockets_view *v, const struct sockets_sum *sum)
{
	cleanup(buf_done) struct buf text = {0}, states = {0};

	out_printf(o, "%9s ", fmt_count(sum->sockets).s);
	out_tinted(o, sum->troubled ? TINT_YELLOW : TINT_NONE, "%9s", fmt_count(sum->troubled).s);
	out_printf(o, "  ");
	sum_name(v, sum, &text);
	states_words(sum->states, &states);
	if (states.len)
		buf_printf(&text, ": %s", states.data);
	if (sum->rqueue)
		buf_printf(&text, "; %s unread", fmt_bytes(sum->rqueue).s);
	if (sum->wqueue)
		buf_printf(&text, "; %s to send", fmt_bytes(sum->wqueue).s);
	out_wrap(o, 21, 23, text.data);
}

void sockets_sums_text(struct out *o, const struct sockets_view *v)
{
	static const char *const names[] = {
		[BY_PROCESS] = "process", [BY_LISTENER] = "listener", [BY_PEER] = "peer"};
	const struct sockets_sums *table = &v->r->by[v->by];
	uint64_t others = table->others;

	out_tinted(o, TINT_BOLD, "%9s %9s  %s\n", "sockets", "troubled", names[v->by]);
	for (size_t i = 0; i < table->list.n; i++) {
		if (i < v->sums_max)
			sum_text(o, v, &table->list.items[i]);
		else
			others += table->list.items[i].sockets;
	}
	if (others)
		out_printf(o, "%9s %9s  of others (--count N shows more)\n", fmt_count(others).s, "");
}

void sockets_states_text(struct out *o, const struct sockets_report *r)
{
	out_tinted(o, TINT_BOLD, "%9s  %s\n", "sockets", "state of TCP, and what it means");
	for (uint8_t i = 1; i < TCP_STATES; i++) {
		cleanup(buf_done) struct buf text = {0};

		if (!r->tcp[i])
			continue;
		out_printf(o, "%9s  ", fmt_count(r->tcp[i]).s);
		buf_printf(&text, "%s: %s", tcp_state_name(i), socket_state_meaning(i));
		out_wrap(o, 11, 13, text.data);
	}
}

/* ---- what was not seen ---- */

static void owners_text(struct out *o, const struct sockets_view *v)
{
	const struct sockets_report *r = v->r;
	const struct sockets_owners *how = &r->owners;
	cleanup(buf_done) struct buf text = {0};

	if (!r->lacks[HOLDER_HIDDEN])
		return;
	buf_printf(&text, "Not seen: who holds %s of the sockets. ",
		   fmt_count(r->lacks[HOLDER_HIDDEN]).s);
	if (how->err)
		buf_printf(&text, "/proc cannot be read (%s). ", errno_name(how->err));
	if (how->denied)
		buf_printf(&text, "%u processes of other users may not be looked into. ", how->denied);
	if (how->hidepid)
		buf_puts(&text, "/proc is mounted with hidepid: processes of others are not listed. ");
	if (how->nested_pids)
		buf_puts(&text, "Processes outside this pid namespace cannot be seen from it. ");
	if (!how->by_bpf && (how->denied || how->hidepid))
		buf_puts(&text, "CAP_BPF with CAP_PERFMON, or CAP_SYS_PTRACE with "
				"CAP_DAC_READ_SEARCH, shows them.");
	out_wrap(o, 0, 2, text.data);
}

static void kinds_text(struct out *o, const struct sockets_report *r)
{
	cleanup(buf_done) struct buf text = {0};

	for (size_t i = 0; i < ARRAY_SIZE(other_kinds); i++) {
		const struct sockets_kind *k = &r->kinds[other_kinds[i].kind];
		const char *why = k->err			   ? read_error_text(k->err)
				  : k->status == KIND_NOT_IN_KERNEL ? "not in this kernel"
				  : k->status == KIND_NOT_LOADED
					  ? "asking would load a module"
					  : NULL;

		if (why)
			buf_printf(&text, "%s%s (%s)", text.len ? ", " : "Not read: ",
				   other_kinds[i].name, why);
	}
	if (text.len)
		out_wrap(o, 0, 2, text.data);
	if (r->kinds[SOCKET_UNIX].status == KIND_READ_FILE)
		out_printf(o, "Unix sockets: from /proc/net/unix, without their queues (unix_diag is not "
			      "loaded)\n");
}

static void cut_text(struct out *o, const struct sockets_report *r)
{
	cleanup(buf_done) struct buf text = {0};

	if (!r->cut)
		return;
	for (size_t i = 0; i < SOCKETS_TABLES; i++)
		if (r->cut >> i & 1)
			buf_printf(&text, "%s%s", text.len ? ", " : "Not all: --max-sockets was reached for ",
				   sockets_table_name(i));
	buf_printf(&text, " (%s read in all)", fmt_count(r->seen).s);
	out_wrap(o, 0, 2, text.data);
}

static void notes(struct out *o, const struct sockets_view *v)
{
	const struct sockets_report *r = v->r;
	size_t before = o->buf->len;

	out_printf(o, "\n");
	owners_text(o, v);
	kinds_text(o, r);
	if (r->lacks[HOLDER_ACCEPT_QUEUE])
		out_printf(o, "Not accepted by their program yet: %s\n",
			   fmt_count(r->lacks[HOLDER_ACCEPT_QUEUE]).s);
	cut_text(o, r);
	if (r->changing)
		out_printf(o, "The sockets changed while they were read, %u times: the numbers are "
			      "not of one moment\n", r->repeated + 1);
	vec_each(space, &r->spaces) {
		if (!space->err)
			continue;
		out_printf(o, "Not read: ");
		utf8_escape(o->buf, space->name[0] ? space->name : "the namespace",
			    space->name[0] ? strnlen(space->name, sizeof(space->name)) : 13);
		out_printf(o, "%s%s: %s\n", space->err_what ? ", " : "",
			   space->err_what ? space->err_what : "", read_error_text(space->err));
	}
	/* Nothing was said: no empty line for it. */
	if (o->buf->len == before + 1) {
		o->buf->len = before;
		o->buf->data[before] = '\0';
	}
}

void render_sockets_text(const struct sockets_view *v, const struct text_style *style,
			 struct buf *ret)
{
	struct out o = {.buf = ret, .style = style};
	const struct sockets_report *r = v->r;

	header(&o, v);
	if (v->by_asked || v->by_state || !v->all)
		out_printf(&o, "\n");
	if (v->by_asked) {
		sockets_sums_text(&o, v);
	} else if (v->by_state) {
		sockets_states_text(&o, r);
	} else if (!v->all && r->rows.n) {
		if (v->listeners)
			sockets_listeners_text(&o, r);
		else
			vec_each(row, &r->rows)
				sockets_trouble_text(&o, r, row);
		if (r->rows_left)
			out_printf(&o, "and %s more (--count N shows more of them)\n",
				   fmt_count(r->rows_left).s);
	} else if (!v->all) {
		out_printf(&o, "%s\n", v->listeners ? "Nobody listens." : "None is in trouble.");
	}
	notes(&o, v);
}
