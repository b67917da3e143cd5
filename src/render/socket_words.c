// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "render/socket_words.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>

#include "model/tcp_lines.h"
#include "render/drop_sums.h"
#include "render/out.h"
#include "sockets/sockets.h"

/* net/core/sock.c and net/ipv4/tcp_input.c: three duplicate ACKs, unless the path reorders. */
#define REORDERING_DEFAULT 3

#define TOPIC_WIDTH 13

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

/* ---- numbers and names ---- */

struct fmt fmt_us(uint64_t us)
{
	struct fmt ret;

	if (us >= 10000000)
		return fmt_seconds((double)us / 1e6);
	if (us >= 100000)
		snprintf(ret.s, sizeof(ret.s), "%.24s ms", fmt_count((us + 500) / 1000).s);
	else
		snprintf(ret.s, sizeof(ret.s), us >= 1000 ? "%.1f ms" : "%.3f ms",
			 (double)us / 1000);
	return ret;
}

struct fmt fmt_ms(uint64_t ms)
{
	struct fmt ret;

	if (ms >= 10000)
		return fmt_seconds((double)ms / 1e3);
	snprintf(ret.s, sizeof(ret.s), "%.24s ms", fmt_count(ms).s);
	return ret;
}

struct fmt fmt_bytes(uint64_t bytes)
{
	struct fmt ret;

	if (bytes < 10 << 20)
		snprintf(ret.s, sizeof(ret.s), "%.20s byte%s", fmt_count(bytes).s,
			 bytes == 1 ? "" : "s");
	else
		snprintf(ret.s, sizeof(ret.s), "%.1f %s",
			 (double)bytes / (bytes < UINT64_C(10) << 30 ? 1 << 20 : 1 << 30),
			 bytes < UINT64_C(10) << 30 ? "MiB" : "GiB");
	return ret;
}

struct fmt fmt_bits(double bytes_per_second)
{
	struct fmt n = fmt_short(bytes_per_second * 8), ret;

	snprintf(ret.s, sizeof(ret.s), "%.*s %cbit/s", (int)strcspn(n.s, " kMGT"), n.s,
		 strpbrk(n.s, "kMGT") ? *strpbrk(n.s, "kMGT") : ' ');
	if (!strpbrk(n.s, "kMGT"))
		snprintf(ret.s, sizeof(ret.s), "%.20s bit/s", n.s);
	return ret;
}

bool socket_is_v4_mapped(const struct socket *sk)
{
	return sk->family == AF_INET6 &&
	       (memcmp(sk->remote, v4_mapped, sizeof(v4_mapped)) == 0 ||
		memcmp(sk->local, v4_mapped, sizeof(v4_mapped)) == 0);
}

bool socket_is_dual_stack(const struct socket *sk)
{
	static const uint8_t any[16];
	bool waits = sk->state == STATE_LISTEN || (sk->protocol == IPPROTO_UDP && !sk->remote_port);

	return sk->kind == SOCKET_INET && sk->family == AF_INET6 && waits && !sk->v6only &&
	       memcmp(sk->local, any, sizeof(any)) == 0;
}

void socket_endpoint_words(const struct socket *sk, bool remote, struct buf *to)
{
	const uint8_t *address = remote ? sk->remote : sk->local;
	uint16_t port = remote ? sk->remote_port : sk->local_port;
	bool mapped = sk->family == AF_INET6 && memcmp(address, v4_mapped, sizeof(v4_mapped)) == 0;
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(mapped ? AF_INET : sk->family, mapped ? address + 12 : address, text,
		       sizeof(text))) {
		buf_puts(to, "-");
		return;
	}
	buf_printf(to, sk->family == AF_INET6 && !mapped ? "[%s]:" : "%s:", text);
	if (port)
		buf_printf(to, "%u", port);
	else
		buf_puts(to, "*");
}

const char *socket_kind_name(const struct socket *sk)
{
	const char *name = protocol_name(sk->protocol);

	switch (sk->kind) {
	case SOCKET_RAW:
		return "raw";
	case SOCKET_PACKET:
		return "packet";
	case SOCKET_NETLINK:
		return "netlink";
	case SOCKET_UNIX:
		return "unix";
	case SOCKET_MPTCP:
		return "mptcp";
	case SOCKET_INET:
	case SOCKET_KINDS:
		break;
	}
	return name ? name : "inet";
}

const char *socket_state_name(const struct socket *sk)
{
	if (sk->kind == SOCKET_UNIX || sk->kind == SOCKET_MPTCP)
		return tcp_state_name(sk->state);
	if (sk->kind != SOCKET_INET)
		return "-";
	if (sk->protocol == IPPROTO_UDP)
		return sk->state == STATE_ESTABLISHED ? "connected" : "-";
	return tcp_state_name(sk->state);
}

void socket_word(struct socket_words *w, const char *topic, const char *fmt, ...)
{
	struct socket_word *word = vec_push(&w->list);
	va_list args;

	va_start(args, fmt);
	word->topic = topic;
	if (vasprintf(&word->text, fmt, args) < 0)
		word->text = xstrdup("");
	va_end(args);
}

void socket_words_done(struct socket_words *w)
{
	vec_each(word, &w->list)
		free(word->text);
	vec_done(&w->list);
}

/* ---- whose it is ---- */

static void owner_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;
	const struct process *p = v->owner;
	cleanup(buf_done) struct buf b = {0};

	if (!p) {
		socket_word(w, "owner", "%s; uid %u",
			    !sk->inode ? "no process: the kernel alone holds it"
			    : v->owner_note && *v->owner_note ? v->owner_note
								 : "not asked for",
			    sk->uid);
		return;
	}
	buf_printf(&b, "%.*s, pid %d", (int)strnlen(p->comm, sizeof(p->comm)), p->comm, p->pid);
	if (p->unit[0])
		buf_printf(&b, ", %s", p->unit);
	if (p->container.engine[0])
		buf_printf(&b, ", container %s",
			   p->container.name[0] ? p->container.name : p->container.id);
	if (v->owners > 1)
		buf_printf(&b, ", and %u more that hold it", v->owners - 1);
	socket_word(w, "owner", "%s; uid %u", b.data, sk->uid);
}

static void identity_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;
	const struct socket_extra *x = v->extra;
	cleanup(buf_done) struct buf b = {0};

	if (sk->inode)
		buf_printf(&b, "inode %u, ", sk->inode);
	buf_printf(&b, "cookie %" PRIx64, sk->cookie & ~RAW_COOKIE);
	if (v->device && *v->device)
		buf_printf(&b, ", bound to device %s", v->device);
	if (v->netns && *v->netns)
		buf_printf(&b, ", namespace %s", v->netns);
	if (x && x->cgroup)
		buf_printf(&b, ", cgroup id %" PRIu64, x->cgroup);
	if (x && x->mark)
		buf_printf(&b, ", mark 0x%x", x->mark);
	if (x && x->tos_known && x->tos)
		buf_printf(&b, ", %s 0x%02x", sk->family == AF_INET6 ? "traffic class" : "TOS",
			   x->tos);
	if (x && x->ulp[0])
		buf_printf(&b, ", upper protocol %s", x->ulp);
	socket_word(w, "identity", "%s", b.data);
	if (socket_is_v4_mapped(sk))
		socket_word(w, "family", "an IPv6 socket that speaks IPv4 (a v4-mapped address): "
					 "rules, routes and counters of IPv4 hold for it");
	else if (socket_is_dual_stack(sk))
		socket_word(w, "family", "dual-stack: takes IPv6, and IPv4 as v4-mapped addresses");
	else if (sk->v6only && sk->state == STATE_LISTEN)
		socket_word(w, "family", "IPv6 alone (IPV6_V6ONLY)");
}

/* ---- buffers ---- */

static const char *set_by(const struct socket *sk, bool locked)
{
	return !sk->locks_known ? "" : locked ? ", set by the program" : ", not set by the program";
}

static void tcp_buffer_limits(const struct socket_view *v, struct buf *b, bool receive)
{
	const int64_t *limits = receive ? v->settings->rmem : v->settings->wmem;

	if (v->sk->tcp_known && limits[2] >= 0)
		buf_printf(b, "; grows by itself up to %s (tcp_%cmem), unless the program set it",
			   fmt_bytes((uint64_t)limits[2]).s, receive ? 'r' : 'w');
}

static void buffer_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;
	cleanup(buf_done) struct buf in = {0}, out = {0};
	uint32_t sent = sk->protocol == IPPROTO_TCP ? sk->wmem_queued : sk->wmem;

	if (!sk->mem_known) {
		if (sk->kind != SOCKET_INET)
			socket_word(w, "buffers",
				    "%s wait to be read, %s to be sent; the kernel tells no limits here",
				    fmt_bytes(sk->rmem).s, fmt_bytes(sk->wmem).s);
		return;
	}
	buf_printf(&in, "%s of %s used (%s)%s", fmt_bytes(sk->rmem).s, fmt_bytes(sk->rcvbuf).s,
		   fmt_share(sk->rmem, sk->rcvbuf).s, set_by(sk, sk->rcvbuf_locked));
	tcp_buffer_limits(v, &in, true);
	if (sk->backlog)
		buf_printf(&in, "; %s more in the backlog, since a thread is in a call on it",
			   fmt_bytes(sk->backlog).s);
	socket_word(w, "receive buffer", "%s", in.data);
	buf_printf(&out, "%s of %s used (%s)%s", fmt_bytes(sent).s, fmt_bytes(sk->sndbuf).s,
		   fmt_share(sent, sk->sndbuf).s, set_by(sk, sk->sndbuf_locked));
	tcp_buffer_limits(v, &out, false);
	if (sk->protocol == IPPROTO_TCP && sk->wmem)
		buf_printf(&out, "; %s of it below TCP, on the way to the card", fmt_bytes(sk->wmem).s);
	socket_word(w, "send buffer", "%s", out.data);
	if (v->extra && v->extra->optmem)
		socket_word(w, "options memory", "%s: filters, memberships and the like",
			    fmt_bytes(v->extra->optmem).s);
}

static void drop_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;

	if (sk->ring)
		socket_word(w, "drops", "not told: its reader maps a ring, and losses there belong "
					"to the reader (tp_drops)");
	else if (sk->protocol == IPPROTO_TCP && sk->kind == SOCKET_INET && sk->state != STATE_LISTEN)
		socket_word(w, "drops",
			    sk->drops ? "%s segments, since it exists; of TCP duplicates and what is "
					"outside the window count too, which is no loss"
				      : "%s",
			    sk->drops ? fmt_count(sk->drops).s : "none");
	else if (sk->mem_known || sk->drops)
		socket_word(w, "drops", "%s%s", sk->drops ? fmt_count(sk->drops).s : "none",
			    sk->drops ? ", since it exists" : "");
}

/* ---- traffic ---- */

static struct fmt ago(uint64_t ms)
{
	struct fmt ret;

	snprintf(ret.s, sizeof(ret.s), "%.26s ago", fmt_ms(ms).s);
	return ret;
}

static void traffic_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;
	const struct tcp_numbers *t = &sk->tcp;
	/* The SYN counts as one byte. */
	uint64_t acked = sk->bytes_acked ? sk->bytes_acked - 1 : 0;
	cleanup(buf_done) struct buf idle = {0};

	socket_word(w, "sent", "%s in %s segments, %s of these with data; %s acknowledged",
		    fmt_bytes(t->bytes_sent).s, fmt_count(t->segs_out).s,
		    fmt_count(t->data_segs_out).s, fmt_bytes(acked).s);
	socket_word(w, "received", "%s in %s segments, %s of these with data",
		    fmt_bytes(t->bytes_received).s, fmt_count(t->segs_in).s,
		    fmt_count(t->data_segs_in).s);
	buf_printf(&idle, "%s%s, ", t->data_segs_out ? "data sent " : "no data sent",
		   t->data_segs_out ? ago(t->last_sent_ms).s : "");
	buf_printf(&idle, "%s%s, an ACK received %s", t->bytes_received ? "data received " : "none received",
		   t->bytes_received ? ago(t->last_received_ms).s : "", ago(sk->last_ack_ms).s);
	socket_word(w, "idle", "%s", idle.data);
}

static void option_words(const struct socket_view *v, struct socket_words *w)
{
	const struct tcp_numbers *t = &v->sk->tcp;
	cleanup(buf_done) struct buf b = {0};

	buf_printf(&b, "SACK %s, timestamps %s, window scaling ",
		   t->options & OPTION_SACK ? "on" : "OFF (tcp_sack of either end, or a box between)",
		   t->options & OPTION_TIMESTAMPS ? "on" : "off");
	if (t->options & OPTION_WSCALE)
		buf_printf(&b, "on (the peer's window times %u, ours times %u)",
			   1u << t->snd_wscale, 1u << t->rcv_wscale);
	else
		buf_puts(&b, "OFF (no window beyond 65,535 bytes)");
	buf_printf(&b, ", ECN %s",
		   !(t->options & OPTION_ECN)	   ? "off"
		   : t->options & OPTION_ECN_SEEN ? "on and used by the path"
						   : "on, not seen on the path");
	if (t->delivered_ce)
		buf_printf(&b, ": %s segments were marked for congestion",
			   fmt_count(t->delivered_ce).s);
	if (t->options & OPTION_SYN_DATA)
		buf_puts(&b, ", data came in the SYN (Fast Open)");
	socket_word(w, "options", "%s", b.data);
	if (t->reordering != REORDERING_DEFAULT || t->reord_seen || t->rcv_ooopack)
		socket_word(w, "reordering",
			    "%u segments are taken for reordered before one is taken for lost "
			    "(%u at first); overtaking was seen %s times on the way out, %s segments "
			    "came out of order",
			    t->reordering, REORDERING_DEFAULT, fmt_count(t->reord_seen).s,
			    fmt_count(t->rcv_ooopack).s);
	else
		socket_word(w, "reordering", "none seen");
}

/* The smallest timeouts for programs that talk to this peer. */
static void timeout_words(const struct socket_view *v, struct socket_words *w)
{
	struct program_timeouts t;

	if (!tcp_program_timeouts(v->sk, v->settings, &t))
		return;
	socket_word(w, "timeouts",
		    "with this peer a program's connect timeout survives one lost SYN from %s on "
		    "(1 s and a round trip; 3 s bear a lost SYN and a lost SYN-ACK); its read "
		    "timeout survives one lost segment from %s on (twice the RTO), beside the time "
		    "the peer needs to answer",
		    fmt_ms(t.connect_ms).s, fmt_ms(t.read_ms).s);
}

static void trouble_words(const struct socket_view *v, struct socket_words *w)
{
	struct socket_verdict verdict;

	socket_judge(v->sk, v->settings, &verdict);
	for (size_t i = 0; i < socket_troubles_n; i++)
		if (verdict.troubles >> i & 1)
			socket_word(w, "trouble", "%s: %s; whydrop explain %s",
				    socket_class_name(socket_troubles[i].class),
				    socket_troubles[i].words, socket_troubles[i].cause);
}

void socket_words(const struct socket_view *v, struct socket_words *ret)
{
	trouble_words(v, ret);
	owner_words(v, ret);
	identity_words(v, ret);
	socket_state_words(v, ret);
	if (v->sk->kind == SOCKET_INET && v->sk->protocol == IPPROTO_TCP)
		socket_timer_words(v, ret);
	if (v->sk->tcp_known)
		socket_path_words(v, ret);
	buffer_words(v, ret);
	drop_words(v, ret);
	if (v->sk->tcp_known && v->sk->state != STATE_SYN_SENT) {
		option_words(v, ret);
		traffic_words(v, ret);
		timeout_words(v, ret);
	}
}

/* ---- text ---- */

void render_socket_text(const struct socket_view *v, const struct text_style *style,
			struct buf *ret)
{
	cleanup(buf_done) struct buf local = {0}, remote = {0};
	struct out o = {.buf = ret, .style = style};
	struct socket_words words = {0};

	socket_endpoint_words(v->sk, false, &local);
	socket_endpoint_words(v->sk, true, &remote);
	out_tinted(&o, TINT_BOLD, "%s %s", socket_kind_name(v->sk), local.data);
	if (v->sk->remote_port)
		out_tinted(&o, TINT_BOLD, " - %s", remote.data);
	out_printf(&o, "  %s\n\n", socket_state_name(v->sk));
	socket_words(v, &words);
	vec_each(word, &words.list)
		out_labelled(&o, 2, TOPIC_WIDTH + 3, word->topic, word->text);
	socket_words_done(&words);
}
