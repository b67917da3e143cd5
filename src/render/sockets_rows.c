// SPDX-License-Identifier: GPL-2.0-or-later
/* One socket of `whydrop sockets` in a line or a few. */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "model/tcp_lines.h"
#include "render/drop_sums.h"
#include "render/fmt.h"
#include "render/socket_words.h"
#include "render/sockets_parts.h"

#define CLASS_COLUMNS 13
#define LISTENER_COLUMNS 40

static bool is_tcp(const struct socket *sk)
{
	return sk->kind == SOCKET_INET && sk->protocol == IPPROTO_TCP;
}

static bool listens(const struct socket *sk)
{
	return sk->state == STATE_LISTEN &&
	       (is_tcp(sk) || sk->kind == SOCKET_UNIX || sk->kind == SOCKET_MPTCP);
}

/* ---- what it is ---- */

static const char *unix_type(uint8_t type)
{
	return type == SOCK_STREAM ? "stream" : type == SOCK_DGRAM ? "datagram" : "seqpacket";
}

static void other_place(const struct sockets_row *row, struct buf *to)
{
	const struct socket *sk = &row->socket;
	const char *protocol = protocol_name(sk->protocol);

	switch (sk->kind) {
	case SOCKET_UNIX:
		buf_printf(to, "%s %s", unix_type(sk->protocol), row->name[0] ? row->name : "without a name");
		break;
	case SOCKET_PACKET:
		buf_printf(to, "ethertype 0x%04x", sk->local_port);
		if (sk->ifindex)
			buf_printf(to, ", device %u", sk->ifindex);
		break;
	case SOCKET_NETLINK:
		buf_printf(to, "netlink protocol %u", sk->protocol);
		break;
	default:
		socket_endpoint_words(sk, false, to);
		if (protocol)
			buf_printf(to, " %s", protocol);
		else
			buf_printf(to, " protocol %u", sk->protocol);
	}
}

void sockets_place(const struct sockets_row *row, struct buf *to)
{
	const struct socket *sk = &row->socket;

	if (sk->kind != SOCKET_INET && sk->kind != SOCKET_MPTCP) {
		other_place(row, to);
		return;
	}
	socket_endpoint_words(sk, false, to);
	if (sk->remote_port) {
		buf_puts(to, " > ");
		socket_endpoint_words(sk, true, to);
	}
	if (socket_is_v4_mapped(sk))
		buf_puts(to, " (an IPv6 socket)");
	else if (socket_is_dual_stack(sk))
		buf_puts(to, " and IPv4");
}

/* "ESTABLISHED", "udp", "unix LISTEN" */
static void kind_words(const struct socket *sk, struct buf *to)
{
	if (is_tcp(sk))
		buf_puts(to, tcp_state_name(sk->state));
	else if (sk->kind == SOCKET_MPTCP || listens(sk))
		buf_printf(to, "%s %s", socket_kind_name(sk), tcp_state_name(sk->state));
	else
		buf_puts(to, socket_kind_name(sk));
}

/* ---- whose it is ---- */

void sockets_who(const struct sockets_report *r, const struct sockets_row *row, struct buf *to)
{
	static const char *const lacks[] = {
		[HOLDER_KNOWN] = "nobody is known",
		[HOLDER_KERNEL] = "the kernel alone",
		[HOLDER_ACCEPT_QUEUE] = "not accepted yet",
		[HOLDER_HIDDEN] = "a process that may not be seen",
		[HOLDER_NONE] = "no process here",
	};
	const struct socket_holder *h = row->holders;

	if (!row->holders_n) {
		buf_puts(to, lacks[row->lack]);
	} else {
		buf_printf(to, "%.*s (%d)", (int)strnlen(h->comm, sizeof(h->comm)), h->comm, h->pid);
		if (row->holders_all > 1)
			buf_printf(to, " and %zu more", row->holders_all - 1);
		if (row->process && row->process->unit[0])
			buf_printf(to, ", %s", row->process->unit);
		else if (row->process && row->process->container.name[0])
			buf_printf(to, ", container %s", row->process->container.name);
	}
	if (r->spaces.n > 1 && row->space < r->spaces.n) {
		const struct sockets_space *space = &r->spaces.items[row->space];

		if (space->name[0])
			buf_printf(to, ", namespace %s", space->name);
		else
			buf_printf(to, ", namespace %u", space->inode);
	}
}

/* ---- why ---- */

static void timer_figures(const struct socket *sk, struct buf *to)
{
	static const char *const next[] = {[TIMER_RETRANSMIT] = "next try", [TIMER_PROBE] = "next probe",
					   [TIMER_KEEPALIVE] = "keepalive", [TIMER_TIME_WAIT] = "over"};

	if (sk->tcp_known && sk->backoff && sk->timer == TIMER_RETRANSMIT)
		buf_printf(to, "%sRTO %s after %u timeout%s", to->len ? ", " : "",
			   fmt_us(sk->rto_us).s, sk->backoff, sk->backoff == 1 ? "" : "s");
	if (sk->timer && sk->timer < ARRAY_SIZE(next))
		buf_printf(to, "%s%s in %s", to->len ? ", " : "", next[sk->timer],
			   fmt_ms(sk->timer_ms).s);
}

static void connection_figures(const struct socket *sk, struct buf *to)
{
	uint32_t unsent = MIN(sk->tcp.notsent_bytes, sk->wqueue);

	if (sk->rqueue)
		buf_printf(to, "%s unread", fmt_bytes(sk->rqueue).s);
	if (sk->wqueue > unsent && sk->state != STATE_SYN_SENT)
		buf_printf(to, "%s%s unacknowledged", to->len ? ", " : "",
			   fmt_bytes(sk->wqueue - unsent).s);
	if (unsent)
		buf_printf(to, "%s%s not sent yet", to->len ? ", " : "", fmt_bytes(unsent).s);
	timer_figures(sk, to);
	if (sk->retrans_total)
		buf_printf(to, "%s%s of %s segments sent again", to->len ? ", " : "",
			   fmt_count(sk->retrans_total).s,
			   fmt_count(MAX(sk->tcp.data_segs_out, sk->retrans_total)).s);
}

static void buffer_figures(const struct socket *sk, struct buf *to)
{
	if (sk->mem_known && sk->kind != SOCKET_UNIX)
		buf_printf(to, "%s of the %s of its receive buffer used", fmt_count(sk->rmem).s,
			   fmt_bytes(sk->rcvbuf).s);
	else if (sk->rqueue || sk->rmem)
		buf_printf(to, "%s unread", fmt_bytes(MAX(sk->rqueue, sk->rmem)).s);
	if (sk->wmem)
		buf_printf(to, "%s%s of the %s of its send buffer used", to->len ? ", " : "",
			   fmt_count(sk->wmem).s, fmt_bytes(sk->sndbuf).s);
	if (sk->drops)
		buf_printf(to, "%s%s dropped", to->len ? ", " : "", fmt_count(sk->drops).s);
}

void sockets_figures(const struct sockets_row *row, struct buf *to)
{
	const struct socket *sk = &row->socket;

	if (listens(sk)) {
		buf_printf(to, "%s wait, %s and one more may", fmt_count(sk->rqueue).s,
			   fmt_count(sk->wqueue).s);
		if (sk->drops)
			buf_printf(to, ", %s dropped", fmt_count(sk->drops).s);
	} else if (is_tcp(sk)) {
		connection_figures(sk, to);
	} else {
		buffer_figures(sk, to);
	}
}

static void why(const struct sockets_row *row, struct buf *to)
{
	const struct socket_trouble *worst = socket_worst(&row->verdict);
	cleanup(buf_done) struct buf figures = {0};

	buf_puts(to, worst->words);
	/* The other units are those of the figures. */
	if (strcmp(worst->unit, "ms") == 0)
		buf_printf(to, ", for %s", fmt_ms(row->verdict.score).s);
	sockets_figures(row, &figures);
	if (figures.len)
		buf_printf(to, "; %s", figures.data);
	for (size_t i = 0; i < socket_troubles_n; i++)
		if (row->verdict.troubles >> i & 1 && &socket_troubles[i] != worst)
			buf_printf(to, "; also %s", socket_troubles[i].id);
}

static enum tint class_tint(enum socket_class class)
{
	return class >= SOCKET_STUCK ? TINT_RED : class >= SOCKET_LOST ? TINT_YELLOW : TINT_DIM;
}

void sockets_trouble_text(struct out *o, const struct sockets_report *r,
			  const struct sockets_row *row)
{
	const struct socket_trouble *worst = socket_worst(&row->verdict);
	cleanup(buf_done) struct buf what = {0}, text = {0}, who = {0};
	const char *class = socket_class_name(worst ? worst->class : SOCKET_HEALTHY);

	out_tinted(o, class_tint(worst ? worst->class : SOCKET_HEALTHY), "%s", class);
	out_printf(o, "%*s", (int)(CLASS_COLUMNS - strlen(class)), "");
	kind_words(&row->socket, &what);
	buf_puts(&what, "  ");
	sockets_place(row, &what);
	out_wrap(o, CLASS_COLUMNS, 4, what.data);
	if (worst) {
		why(row, &text);
		out_printf(o, "    ");
		out_wrap(o, 4, 4, text.data);
	}
	sockets_who(r, row, &who);
	if (worst)
		buf_printf(&who, "; whydrop explain %s", worst->cause);
	out_printf(o, "    ");
	out_wrap(o, 4, 4, who.data);
}

/* ---- listeners ---- */

/* What the queue's limit comes from, as far as it can be told. */
static const char *capped_by(const struct sockets_report *r, const struct sockets_row *row)
{
	int64_t most = row->space < r->spaces.n ? r->spaces.items[row->space].somaxconn : -1;

	if (!listens(&row->socket) || most < 0)
		return "-";
	return row->socket.wqueue == most ? "somaxconn" : "program";
}

static void listener_line(struct out *o, const struct sockets_report *r,
			  const struct sockets_row *row)
{
	const struct socket *sk = &row->socket;
	bool queue = listens(sk), known = sockets_queues_known(sk);
	uint32_t used = queue ? sk->rqueue : sk->rmem, limit = queue ? sk->wqueue : sk->rcvbuf;
	const struct socket_trouble *worst = socket_worst(&row->verdict);
	cleanup(buf_done) struct buf text = {0};

	out_tinted(o, worst ? class_tint(worst->class) : TINT_NONE, "%9s %9s",
		   known ? fmt_count(used).s : "-", known ? fmt_count(limit).s : "-");
	out_printf(o, "  %-9s ", !known ? "-" : queue ? capped_by(r, row) : "bytes");
	out_tinted(o, sk->drops ? TINT_YELLOW : TINT_NONE, "%7s", fmt_count(sk->drops).s);
	out_printf(o, "  ");
	buf_printf(&text, "%s ", socket_kind_name(sk));
	sockets_place(row, &text);
	buf_puts(&text, "  ");
	sockets_who(r, row, &text);
	if (worst)
		buf_printf(&text, "; %s: explain %s", socket_class_name(worst->class), worst->cause);
	out_wrap(o, LISTENER_COLUMNS, LISTENER_COLUMNS, text.data);
}

void sockets_listeners_text(struct out *o, const struct sockets_report *r)
{
	out_tinted(o, TINT_BOLD, "%9s %9s  %-9s %7s  %s\n", "waiting", "limit", "set by", "drops",
		   "listener, and whose");
	vec_each(row, &r->rows)
		listener_line(o, r, row);
}

/* ---- all of them, one by one ---- */

void render_sockets_row_text(const struct sockets_report *r, const struct sockets_row *row,
			     const struct text_style *style, bool first, struct buf *ret)
{
	const struct socket *sk = &row->socket;
	const struct socket_trouble *worst = socket_worst(&row->verdict);
	cleanup(buf_done) struct buf kind = {0}, text = {0};
	struct out o = {.buf = ret, .style = style};

	if (first)
		out_tinted(&o, TINT_BOLD, "%-12s %9s %9s  %s\n", "state", "recv-q", "send-q",
			   "local > peer, and whose");
	kind_words(sk, &kind);
	if (sockets_queues_known(sk))
		out_printf(&o, "%-12s %9u %9u  ", kind.data, sk->rqueue, sk->wqueue);
	else
		out_printf(&o, "%-12s %9s %9s  ", kind.data, "-", "-");
	sockets_place(row, &text);
	buf_puts(&text, "  ");
	sockets_who(r, row, &text);
	if (worst)
		buf_printf(&text, "  %s: %s", socket_class_name(worst->class), worst->id);
	out_verbatim(&o, 0, text.data);
}
