// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sockets: sock_diag (net/ipv4/inet_diag.c inet_sk_diag_fill, tcp_diag.c, udp_diag.c), memory from
 * net/core/sock.c sk_get_meminfo, struct tcp_info from tcp_get_info.
 *
 * Scope: one network namespace. Units: bytes, except that a listener's rqueue and wqueue are
 * connections (waiting, backlog). All numbers are 32 bits; sk_drops wraps, and on TCP it also
 * counts what was no loss. No privilege for what is read here. Asking may load tcp_diag and
 * udp_diag: the one case where reading changes the host (selfcheck says so).
 *
 * A host may have 100,000 connections, so the messages are parsed by hand and most connections are
 * only counted. TIME_WAIT ones are not asked for at all: they have neither buffers nor owners.
 */
#include "collect/netlink.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include "collect/proctext.h"
#include "collect/sock_diag.h"
#include "nl/nl.h"

#define STATES_ALL 0xfffu
#define STATES_AT_ENDS (STATES_ALL & ~(1u << STATE_TIME_WAIT))
#define STATES_AT_LOOKS (1u << STATE_LISTEN)

/* Healthy connections that conntrack may have forgotten are kept while there are fewer sockets. */
#define KEPT_FOR_IDLE_MAX 4096

#define HALF_OPEN_MAX 4096 /* whose sources are kept; all are counted */

/* A healthy connection has nothing of all this; one with only old retransmissions is kept too. */
static bool connection_matters(const struct sock_diag *d)
{
	return d->m->idiag_rqueue || d->m->idiag_wqueue || sock_diag_mem(d, SK_MEMINFO_RMEM_ALLOC) ||
	       sock_diag_mem(d, SK_MEMINFO_BACKLOG) || sock_diag_mem(d, SK_MEMINFO_DROPS) ||
	       d->tcp.tcpi_total_retrans || d->tcp.tcpi_lost;
}

static bool matters_at_look(const struct sock_diag *d)
{
	return d->m->idiag_rqueue || sock_diag_mem(d, SK_MEMINFO_RMEM_ALLOC) ||
	       sock_diag_mem(d, SK_MEMINFO_WMEM_ALLOC) || sock_diag_mem(d, SK_MEMINFO_DROPS);
}

/* Nothing came for so long that connection tracking has thrown it out. */
static bool is_forgotten(const struct sock_diag *d, const struct snapshot *s)
{
	return s->tracked_ms && d->m->idiag_state == STATE_ESTABLISHED &&
	       s->sockets.n < KEPT_FOR_IDLE_MAX &&
	       d->tcp.tcpi_last_ack_recv >= s->tracked_ms;
}

static bool is_kept(const struct sock_diag *d, uint8_t protocol, bool look, const struct snapshot *s)
{
	bool listener = protocol == IPPROTO_TCP && d->m->idiag_state == STATE_LISTEN;

	if (look)
		return (listener || protocol == IPPROTO_UDP) && matters_at_look(d);
	return listener || protocol == IPPROTO_UDP || connection_matters(d) || is_forgotten(d, s);
}

/* Answered, or not yet missed: its SYN-ACK was sent but once. */
static struct crowd_entry half_open_entry(const struct inet_diag_msg *m)
{
	struct crowd_entry e = {
		.family = m->idiag_family,
		.protocol = IPPROTO_TCP,
		.state = CROWD_SYN_RECV,
		.answered = m->idiag_retrans == 0,
		.source_port = ntohs(m->id.idiag_dport),
		.port = ntohs(m->id.idiag_sport),
	};
	size_t size = m->idiag_family == AF_INET ? 4 : 16;

	memcpy(e.source, m->id.idiag_dst, size);
	memcpy(e.destination, m->id.idiag_src, size);
	return e;
}

/* There are at most as many as listening ports; a flood hits the one counted last. */
static void count_half_open(const struct sock_diag *d, struct snapshot *s)
{
	uint16_t port = ntohs(d->m->id.idiag_sport);
	struct half_open *h;

	s->synacks_again += d->m->idiag_retrans;
	if (s->half_open_from.n < HALF_OPEN_MAX)
		*vec_push(&s->half_open_from) = half_open_entry(d->m);
	for (size_t i = s->half_open.n; i-- > 0;) {
		h = &s->half_open.items[i];
		if (h->port == port && h->family == d->m->idiag_family) {
			h->n++;
			return;
		}
	}
	h = vec_push(&s->half_open);
	*h = (struct half_open){.family = d->m->idiag_family, .port = port, .n = 1};
}

int parse_sockets(const struct buf *messages, uint8_t protocol, bool look, struct snapshot *s)
{
	nl_each(message, messages) {
		struct sock_diag d;
		int r;

		if (message.h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
			continue;
		r = sock_diag_read(message.h, &d);
		if (r < 0)
			return r;
		if (d.m->idiag_family != AF_INET && d.m->idiag_family != AF_INET6)
			continue;
		s->sockets_seen++;
		s->connections_seen += protocol == IPPROTO_TCP && d.m->idiag_state != STATE_LISTEN;
		if (d.m->idiag_state == STATE_SYN_RECV)
			count_half_open(&d, s);
		if (is_kept(&d, protocol, look, s))
			sock_diag_socket(&d, protocol, vec_push(&s->sockets));
	}
	return 0;
}

/* Where the pieces of one dump go. */
struct pieces {
	struct nl_sink sink; /* first, so that a sink is its pieces */
	uint8_t protocol;
	bool look;
	size_t kept_before, seen_before, connections_before; /* to begin again */
	size_t half_open_before, from_before;
	uint64_t synacks_before;
	struct snapshot *s;
};

static int take_piece(struct nl_sink *sink, const struct buf *messages)
{
	struct pieces *p = (struct pieces *)sink;

	return parse_sockets(messages, p->protocol, p->look, p->s);
}

static void begin_again(struct nl_sink *sink)
{
	struct pieces *p = (struct pieces *)sink;

	p->s->sockets.n = p->kept_before;
	p->s->sockets_seen = p->seen_before;
	p->s->connections_seen = p->connections_before;
	p->s->half_open.n = p->half_open_before;
	p->s->half_open_from.n = p->from_before;
	p->s->synacks_again = p->synacks_before;
}

static int dump(struct host *h, const char *name, uint8_t family, uint8_t protocol, bool idle,
		struct snapshot *s)
{
	bool look = host_is_look(h), tcp = protocol == IPPROTO_TCP;
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 r;
	} request = {
		.h = {.nlmsg_len = sizeof(request),
		      .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.r = {.sdiag_family = family,
		      .sdiag_protocol = protocol,
		      .idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1),
		      /* With listeners alone the table of connections is not walked. */
		      .idiag_states = !tcp	 ? STATES_ALL
				       : look || idle ? STATES_AT_LOOKS
						      : STATES_AT_ENDS},
	};
	struct pieces to = {
		.sink = {.piece = take_piece, .restart = begin_again},
		.protocol = protocol,
		.look = look,
		.kept_before = s->sockets.n,
		.seen_before = s->sockets_seen,
		.connections_before = s->connections_seen,
		.half_open_before = s->half_open.n,
		.from_before = s->half_open_from.n,
		.synacks_before = s->synacks_again,
		.s = s,
	};

	if (tcp && !look)
		request.r.idiag_ext |= 1 << (INET_DIAG_INFO - 1);
	return host_netlink_stream(h, name, NETLINK_SOCK_DIAG, &request, sizeof(request), &to.sink);
}

/*
 * True where /proc/net/sockstat (sockstat_seq_show; counted as what is hashed is) says that the namespace has no such socket. The kernel's tables are
 * shared by all namespaces: a dump walks the whole of them, whatever is in it for this one.
 */
static bool none_in_use(struct span sockstat, const char *prefix)
{
	struct span line, field;
	uint64_t n;

	while (next_line(&sockstat, &line)) {
		if (!next_field(&line, &field) || !span_is(field, prefix))
			continue;
		return next_field(&line, &field) && span_is(field, "inuse") &&
		       next_field(&line, &field) && parse_u64(field, UINT64_MAX, &n) == 0 && n == 0;
	}
	return false;
}

static bool segments_of(const struct snapshot *s, uint64_t *ret)
{
	static const enum counter_id ids[] = {C_TCP_IN_SEGS, C_TCP_OUT_SEGS, C_TCP_RETRANS_SEGS};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		if (!s->counter_present[ids[i]])
			return false;
		ret[i] = s->counter[ids[i]];
	}
	return true;
}

struct tcp_idle tcp_idle_of(const struct snapshot *s)
{
	struct tcp_idle idle = {.connections = s->connections_seen};

	if (!source_ok(s, SRC_SOCKETS) || s->half_open.n)
		return idle;
	vec_each(sk, &s->sockets)
		if (sk->protocol == IPPROTO_TCP && sk->state != STATE_LISTEN)
			return idle;
	idle.known = segments_of(s, idle.segments);
	return idle;
}

/*
 * Whether no segment came, went or was sent again since every connection had nothing to tell; the
 * kernel walks the table of all namespaces to tell it again (256 Ki buckets, 1 ms). Nothing can
 * have happened to them then that is asked for: a connection begins and ends with a segment
 * (__tcp_transmit_skb counts SYN, FIN and RST too), its receive queue, backlog and sk_drops move by
 * those that come, retransmissions by those that go, and what a program writes goes out at once.
 * But for what it wrote to a closed window or a corked socket so far: until the timer sends a probe
 * or the rest, which counts, 0.2 s as a rule, it waits and is not lost. The segments were counted
 * before the sockets are looked at, here as then, so that none is missed between the two. A
 * recording is always whole: a replay cannot know what was left out of it.
 */
static bool tcp_is_idle(const struct host *h, const struct snapshot *s)
{
	uint64_t now[ARRAY_SIZE(h->tcp_idle.segments)];

	return h->tcp_idle.known && !h->recording && segments_of(s, now) &&
	       memcmp(now, h->tcp_idle.segments, sizeof(now)) == 0;
}

/* A setting as /proc/sys/net/netfilter has it; false: not there, or no number. */
static bool read_setting(struct host *h, const char *path, uint64_t *ret)
{
	cleanup(buf_done) struct buf text = {0};
	struct span all, field;

	return read_text(h, path, &text, &all) == 0 && next_line(&all, &field) &&
	       parse_u64(field, UINT32_MAX / 1000, ret) == 0;
}

/*
 * After so many milliseconds an idle connection is tracked no more, and where connections are not
 * taken up in their middle what comes for it then is invalid; 0: it would be taken up, or there is
 * no connection tracking.
 */
static uint32_t tracked_ms(struct host *h)
{
	uint64_t loose = 1, seconds = 0;

	if (host_is_look(h) || host_is_first(h) ||
	    !read_setting(h, "sys/net/netfilter/nf_conntrack_tcp_loose", &loose) || loose ||
	    !read_setting(h, "sys/net/netfilter/nf_conntrack_tcp_timeout_established", &seconds))
		return 0;
	return (uint32_t)seconds * 1000;
}

int collect_sockets(struct host *h, struct snapshot *s)
{
	static const struct {
		const char *name;
		uint8_t family, protocol;
		const char *prefix;
		bool v6;
	} dumps[] = {
		{"udp4", AF_INET, IPPROTO_UDP, "UDP:", false},
		{"udp6", AF_INET6, IPPROTO_UDP, "UDP6:", true},
		{"tcp4", AF_INET, IPPROTO_TCP, "TCP:", false},
		{"tcp6", AF_INET6, IPPROTO_TCP, "TCP6:", true},
	};
	cleanup(buf_done) struct buf text4 = {0};
	cleanup(buf_done) struct buf text6 = {0};
	struct span in_use[2] = {0};
	bool idle;

	/* Of connections that were forgotten nothing reaches TCP, so that they seem idle. */
	s->tracked_ms = tracked_ms(h);
	idle = !host_is_look(h) && !s->tracked_ms && tcp_is_idle(h, s);
	/* One that cannot be read, or is of an older recording, spares no dump. */
	read_text(h, "net/sockstat", &text4, &in_use[0]);
	read_text(h, "net/sockstat6", &text6, &in_use[1]);
	for (size_t i = 0; i < ARRAY_SIZE(dumps); i++) {
		int r;

		if (none_in_use(in_use[dumps[i].v6], dumps[i].prefix))
			continue;
		r = dump(h, dumps[i].name, dumps[i].family, dumps[i].protocol, idle, s);
		/* Without IPv6 in the kernel there is no such dump, and no such socket. */
		if (r == -ENOENT && dumps[i].family == AF_INET6)
			continue;
		if (r < 0)
			return r;
	}
	if (idle) {
		s->connections_seen = h->tcp_idle.connections;
		s->sockets_seen += s->connections_seen;
	}
	return 0;
}
