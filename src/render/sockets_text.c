// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "model/tcp_lines.h"
#include "render/fmt.h"
#include "render/out.h"
#include "render/sockets.h"
#include "render/utf8.h"

static void endpoint(char *to, size_t size, const struct socket *sk, bool remote)
{
	const uint8_t *address = remote ? sk->remote : sk->local;
	uint16_t port = remote ? sk->remote_port : sk->local_port;
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(sk->family, address, text, sizeof(text));
	snprintf(to, size, sk->family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, port);
}

static void safe(struct out *o, const char *s, size_t size)
{
	utf8_escape(o->buf, s, strnlen(s, size));
}

static const char *lack_words(enum holder_lack lack)
{
	static const char *const words[] = {
		[HOLDER_KERNEL] = "the kernel alone",
		[HOLDER_ACCEPT_QUEUE] = "not accepted yet",
		[HOLDER_HIDDEN] = "a process that may not be seen",
		[HOLDER_NONE] = "no process here",
	};

	return lack == HOLDER_KNOWN ? "" : words[lack];
}

static void holder(struct out *o, const struct sockets_row *row)
{
	if (!row->holders_n) {
		out_printf(o, "%s", lack_words(row->lack));
		return;
	}
	safe(o, row->holders[0].comm, sizeof(row->holders[0].comm));
	out_printf(o, " (%d)", row->holders[0].pid);
	if (row->holders_all > 1)
		out_printf(o, " and %zu more", row->holders_all - 1);
	if (row->process && row->process->unit[0]) {
		out_printf(o, ", ");
		safe(o, row->process->unit, sizeof(row->process->unit));
	}
}

static void amount(struct out *o, const struct socket_verdict *v)
{
	const struct socket_trouble *t = socket_worst(v);

	if (!t)
		return;
	if (strcmp(t->unit, "ms") == 0)
		out_printf(o, ", for %s", fmt_seconds((double)v->score / 1000).s);
	else
		out_printf(o, ", %s %s", fmt_count(v->score).s, t->unit);
}

static void row_text(struct out *o, const struct sockets_report *r, const struct sockets_row *row)
{
	const struct socket *sk = &row->socket;
	const struct socket_trouble *t = socket_worst(&row->verdict);
	char local[64], remote[64] = "";
	bool tcp = sk->protocol == IPPROTO_TCP;

	endpoint(local, sizeof(local), sk, false);
	if (sk->remote_port)
		endpoint(remote, sizeof(remote), sk, true);
	out_printf(o, "%-11s %7u %7u  %s%s%s  ", tcp ? tcp_state_name(sk->state) : "udp", sk->rqueue,
		   sk->wqueue, local, *remote ? " > " : "", remote);
	holder(o, row);
	if (r->spaces.n > 1 && row->space < r->spaces.n) {
		out_printf(o, "  in ");
		safe(o, r->spaces.items[row->space].name, sizeof(r->spaces.items[0].name));
	}
	out_printf(o, "\n");
	if (!t)
		return;
	out_tinted(o, t->class >= SOCKET_STUCK ? TINT_RED : TINT_YELLOW, "    %s",
		   socket_class_name(t->class));
	out_printf(o, ": %s", t->words);
	amount(o, &row->verdict);
	out_printf(o, " (%s)\n", t->cause);
}

static void heads(struct out *o)
{
	out_tinted(o, TINT_BOLD, "%-11s %7s %7s  %s\n", "state", "recv-q", "send-q",
		   "local > peer, and who holds it");
}

void render_sockets_row_text(const struct sockets_report *r, const struct sockets_row *row,
			     const struct text_style *style, bool first, struct buf *ret)
{
	struct out o = {.buf = ret, .style = style};

	if (first)
		heads(&o);
	row_text(&o, r, row);
}

static void header(struct out *o, const struct sockets_view *v)
{
	const struct sockets_report *r = v->r;

	out_printf(o, "%s sockets", fmt_count(r->seen).s);
	if (r->spaces.n > 1)
		out_printf(o, " in %zu namespaces", r->spaces.n);
	if (v->filtered)
		out_printf(o, ", %s of them meant", fmt_count(r->matched).s);
	out_printf(o, "; %s in trouble; read in %.2f s\n", fmt_count(r->troubled).s, r->seconds);
	out_printf(o, "tcp");
	for (uint8_t i = 1; i < TCP_STATES; i++)
		if (r->tcp[i])
			out_printf(o, "  %s %s", tcp_state_name(i), fmt_count(r->tcp[i]).s);
	out_printf(o, "\nudp  %s\n", fmt_count(r->udp).s);
}

static void sum_text(struct out *o, const struct sockets_view *v, const struct sockets_sum *sum)
{
	char text[INET6_ADDRSTRLEN] = "?";

	out_printf(o, "%9s %9s  ", fmt_count(sum->sockets).s, fmt_count(sum->troubled).s);
	if (v->by == BY_PROCESS && !sum->key.id) {
		out_printf(o, "no process that can be seen");
	} else if (v->by == BY_PROCESS) {
		safe(o, sum->comm, sizeof(sum->comm));
		out_printf(o, " (%u)", sum->key.id);
	} else if (v->by == BY_LISTENER) {
		out_printf(o, "%s %u", sum->key.protocol == IPPROTO_TCP ? "tcp" : "udp",
			   sum->key.port);
		if (sum->key.protocol == IPPROTO_TCP)
			out_printf(o, "  %u of %u wait to be accepted", sum->waiting,
				   sum->backlog);
	} else {
		inet_ntop(sum->key.family, sum->key.address, text, sizeof(text));
		out_printf(o, "%s", text);
	}
	out_printf(o, "\n");
}

static void sums_text(struct out *o, const struct sockets_view *v)
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
		out_printf(o, "%9s %9s  others\n", fmt_count(others).s, "");
}

static void owners_text(struct out *o, const struct sockets_view *v)
{
	const struct sockets_report *r = v->r;
	const struct sockets_owners *how = &r->owners;
	struct buf text = {0};

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
	buf_done(&text);
}

static void notes(struct out *o, const struct sockets_view *v)
{
	const struct sockets_report *r = v->r;

	owners_text(o, v);
	if (r->lacks[HOLDER_ACCEPT_QUEUE])
		out_printf(o, "Not accepted by their program yet: %s\n",
			   fmt_count(r->lacks[HOLDER_ACCEPT_QUEUE]).s);
	if (r->cut)
		out_printf(o, "Not all: --max-sockets was reached after %s\n", fmt_count(r->seen).s);
	if (r->changing)
		out_printf(o, "The sockets changed while they were read, %u times: the numbers are "
			      "not of one moment\n", r->repeated + 1);
	for (size_t i = 0; i < r->spaces.n; i++) {
		const struct sockets_space *space = &r->spaces.items[i];

		if (!space->err)
			continue;
		out_printf(o, "Not read: ");
		safe(o, space->name[0] ? space->name : "the namespace", sizeof(space->name));
		out_printf(o, "%s%s: %s\n", space->err_what ? ", " : "",
			   space->err_what ? space->err_what : "", read_error_text(space->err));
	}
}

void render_sockets_text(const struct sockets_view *v, const struct text_style *style,
			 struct buf *ret)
{
	struct out o = {.buf = ret, .style = style};
	const struct sockets_report *r = v->r;

	header(&o, v);
	out_printf(&o, "\n");
	if (v->by_asked) {
		sums_text(&o, v);
	} else if (!v->all && !v->by_state && r->rows.n) {
		heads(&o);
		for (size_t i = 0; i < r->rows.n; i++)
			row_text(&o, r, &r->rows.items[i]);
		if (r->rows_left)
			out_printf(&o, "and %s more (-n N shows more of them)\n",
				   fmt_count(r->rows_left).s);
	} else if (!v->all && !v->by_state) {
		out_printf(&o, "%s\n", v->listeners ? "Nobody listens." : "None is in trouble.");
	}
	notes(&o, v);
}
