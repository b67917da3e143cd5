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
 * A host may have 400,000 connections, so the messages are parsed by hand and most connections are
 * only counted (model/tcp_tally.h). TIME_WAIT ones are not asked for at all: they have neither
 * buffers nor owners. Those that closed here first and wait for the peer's FIN come as FIN_WAIT2,
 * also when the kernel keeps no more of them than of one in TIME_WAIT (tcp_time_wait).
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

/*
 * Of how many connections more than the sums is kept: 480 bytes each. Of those in trouble the worst;
 * of those that one end has closed the first that come, which is a sample by chance (they come in
 * the order of a hash).
 */
#define TROUBLED_KEPT_MAX 16384
#define CLOSED_KEPT_MAX 1024

enum keep { KEEP_NOT, KEEP_ALWAYS, KEEP_IDLE, KEEP_TROUBLED, KEEP_CLOSE_WAIT, KEEP_FIN_WAIT2, KEEPS };

static const size_t kept_max[KEEPS] = {
	[KEEP_ALWAYS] = SIZE_MAX,
	[KEEP_IDLE] = SIZE_MAX, /* see KEPT_FOR_IDLE_MAX */
	[KEEP_TROUBLED] = TROUBLED_KEPT_MAX,
	[KEEP_CLOSE_WAIT] = CLOSED_KEPT_MAX,
	[KEEP_FIN_WAIT2] = CLOSED_KEPT_MAX,
};

/* A healthy connection has nothing of all this; one with only old retransmissions is kept too. */
static bool is_troubled(const struct sock_diag *d)
{
	return d->m->idiag_rqueue || d->m->idiag_wqueue || sock_diag_mem(d, SK_MEMINFO_RMEM_ALLOC) ||
	       sock_diag_mem(d, SK_MEMINFO_BACKLOG) || sock_diag_mem(d, SK_MEMINFO_DROPS) ||
	       d->tcp.tcpi_total_retrans || d->tcp.tcpi_lost ||
	       (d->m->idiag_timer == TIMER_KEEPALIVE && d->m->idiag_retrans);
}

/* What was never acknowledged for longest first, then by what was sent again and what waits. */
static uint64_t trouble_of(const struct socket *sk)
{
	uint64_t stalled = MAX(sk->timer_tries, MIN(sk->backoff, 255u));
	uint64_t waiting = ((uint64_t)sk->rqueue + sk->wqueue) >> 4;

	return stalled << 56 | MIN((uint64_t)sk->retrans_total, 0xffffff) << 32 |
	       MIN(waiting, UINT32_MAX);
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

/* The end of data counts as one byte until the program has read it (tcp_diag_get_info). */
static enum keep keep_closed(const struct inet_diag_msg *m)
{
	if (m->idiag_state == STATE_FIN_WAIT2 && !m->idiag_rqueue)
		return KEEP_FIN_WAIT2;
	if (m->idiag_state == STATE_CLOSE_WAIT && m->idiag_rqueue <= 1 && !m->idiag_wqueue)
		return KEEP_CLOSE_WAIT;
	return KEEP_NOT;
}

static enum keep keep_of(const struct sock_diag *d, uint8_t protocol, bool look,
			 const struct snapshot *s)
{
	bool listener = protocol == IPPROTO_TCP && d->m->idiag_state == STATE_LISTEN;
	enum keep closed = protocol == IPPROTO_TCP ? keep_closed(d->m) : KEEP_NOT;

	if (look)
		return (listener || protocol == IPPROTO_UDP) && matters_at_look(d) ? KEEP_ALWAYS
										    : KEEP_NOT;
	if (listener || protocol == IPPROTO_UDP)
		return KEEP_ALWAYS;
	if (closed)
		return closed;
	if (is_troubled(d))
		return KEEP_TROUBLED;
	return is_forgotten(d, s) ? KEEP_IDLE : KEEP_NOT;
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

/* A troubled connection that is kept, and where; a heap of them has the least troubled on top. */
struct kept {
	uint64_t trouble;
	uint32_t at; /* in s->sockets */
};

/* While one dump is read. */
struct reader {
	struct nl_sink sink; /* first, so that a sink is its reader */
	uint8_t protocol;
	bool look;
	uint64_t most; /* connections to be read */
	struct snapshot *s;
	struct tcp_index index;
	size_t kept[KEEPS];
	VEC(struct kept) heap;
	/* To begin again. */
	size_t kept_before, seen_before, connections_before, groups_before;
	size_t half_open_before, from_before;
	uint64_t synacks_before;
	struct tcp_tally tally_before;
};

static void reader_free(struct reader **r)
{
	vec_done(&(*r)->heap);
	free(*r);
}

static struct reader *reader_new(uint8_t protocol, bool look, uint64_t most, struct snapshot *s)
{
	struct reader *r = xcalloc(1, sizeof(*r));

	r->protocol = protocol;
	r->look = look;
	r->most = most;
	r->s = s;
	r->kept_before = s->sockets.n;
	r->seen_before = s->sockets_seen;
	r->connections_before = s->connections_seen;
	r->groups_before = s->tcp_groups.n;
	r->half_open_before = s->half_open.n;
	r->from_before = s->half_open_from.n;
	r->synacks_before = s->synacks_again;
	r->tally_before = s->tcp;
	return r;
}

static void begin_again(struct nl_sink *sink)
{
	struct reader *r = (struct reader *)sink;

	r->s->sockets.n = r->kept_before;
	r->s->sockets_seen = r->seen_before;
	r->s->connections_seen = r->connections_before;
	r->s->tcp_groups.n = r->groups_before;
	r->s->half_open.n = r->half_open_before;
	r->s->half_open_from.n = r->from_before;
	r->s->synacks_again = r->synacks_before;
	r->s->tcp = r->tally_before;
	r->index = (struct tcp_index){0};
	memset(r->kept, 0, sizeof(r->kept));
	r->heap.n = 0;
}

static void sink_down(struct kept *heap, size_t n, size_t i)
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		struct kept up = heap[i];

		if (child + 1 < n && heap[child + 1].trouble < heap[child].trouble)
			child++;
		if (up.trouble <= heap[child].trouble)
			return;
		heap[i] = heap[child];
		heap[child] = up;
	}
}

/* Full: in the place of the least troubled one, if this one is worse. */
static void keep_if_worse(struct reader *r, const struct socket *sk)
{
	struct kept *heap = r->heap.items;

	if (trouble_of(sk) <= heap[0].trouble)
		return;
	heap[0].trouble = trouble_of(sk);
	r->s->sockets.items[heap[0].at] = *sk;
	sink_down(heap, r->heap.n, 0);
}

static void keep_socket(struct reader *r, enum keep how, const struct socket *sk)
{
	if (r->kept[how] == kept_max[how]) {
		r->s->tcp.counted_only++;
		if (how == KEEP_TROUBLED)
			keep_if_worse(r, sk);
		return;
	}
	r->kept[how]++;
	*vec_push(&r->s->sockets) = *sk;
	if (how != KEEP_TROUBLED)
		return;
	*vec_push(&r->heap) = (struct kept){trouble_of(sk), (uint32_t)(r->s->sockets.n - 1)};
	if (r->heap.n == kept_max[how])
		for (size_t i = r->heap.n / 2; i-- > 0;)
			sink_down(r->heap.items, r->heap.n, i);
}

static void take_socket(struct reader *r, const struct sock_diag *d)
{
	struct snapshot *s = r->s;
	enum keep how = keep_of(d, r->protocol, r->look, s);
	struct socket sk;

	s->sockets_seen++;
	if (d->m->idiag_state == STATE_SYN_RECV)
		count_half_open(d, s);
	if (r->look && !how)
		return;
	sock_diag_socket(d, r->protocol, &sk);
	if (r->protocol == IPPROTO_TCP && sk.state == STATE_LISTEN) {
		tcp_tally_listener(&r->index, &sk);
	} else if (r->protocol == IPPROTO_TCP) {
		s->connections_seen++;
		tcp_tally_add(s, &r->index, &sk);
	}
	if (how)
		keep_socket(r, how, &sk);
}

/* -E2BIG: no more are to be read. Listeners come before all connections of their family. */
static int read_messages(struct reader *r, const struct buf *messages)
{
	nl_each(message, messages) {
		struct sock_diag d;
		int err = sock_diag_read(message.h, &d);

		if (err < 0)
			return err;
		if (!err)
			continue;
		if (d.m->idiag_state != STATE_LISTEN && r->s->connections_seen >= r->most)
			return -E2BIG;
		take_socket(r, &d);
	}
	return 0;
}

static int take_piece(struct nl_sink *sink, const struct buf *messages)
{
	return read_messages((struct reader *)sink, messages);
}

int parse_sockets(const struct buf *messages, uint8_t protocol, bool look, struct snapshot *s)
{
	cleanup(reader_free) struct reader *r = reader_new(protocol, look, UINT64_MAX, s);

	return read_messages(r, messages);
}

static int dump(struct host *h, const char *name, uint8_t family, uint8_t protocol, bool listeners,
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
				       : look || listeners ? STATES_AT_LOOKS
							   : STATES_AT_ENDS},
	};
	cleanup(reader_free) struct reader *to =
		reader_new(protocol, look, tcp && h->max_sockets ? h->max_sockets : UINT64_MAX, s);

	to->sink = (struct nl_sink){.piece = take_piece, .restart = begin_again};
	if (tcp && !look)
		request.r.idiag_ext |= 1 << (INET_DIAG_INFO - 1);
	return host_netlink_stream(h, name, NETLINK_SOCK_DIAG, &request, sizeof(request), &to->sink);
}

/* What /proc/net/sockstat (sockstat_seq_show; counted as what is hashed is) says after a name. */
static bool sockstat_number(struct span sockstat, const char *prefix, const char *name, uint64_t *ret)
{
	struct span line, field;

	while (next_line(&sockstat, &line)) {
		if (!next_field(&line, &field) || !span_is(field, prefix))
			continue;
		while (next_field(&line, &field))
			if (span_is(field, name))
				return next_field(&line, &field) &&
				       parse_u64(field, UINT64_MAX, ret) == 0;
	}
	return false;
}

/*
 * True where the namespace has no such socket. The kernel's tables are shared by all namespaces: a
 * dump walks the whole of them, whatever is in it for this one. What closed here first is not in use
 * any more while it waits for the peer's end, but of both families among those in TIME_WAIT.
 */
static bool none_in_use(const struct span sockstat[2], bool v6, const char *prefix, bool tcp)
{
	uint64_t n, waiting = 0;

	if (!sockstat_number(sockstat[v6], prefix, "inuse", &n) || n)
		return false;
	return !tcp || (sockstat_number(sockstat[0], "TCP:", "tw", &waiting) && !waiting);
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

	if (!source_ok(s, SRC_SOCKETS) || s->half_open.n || s->tcp.cut_at || s->tcp.as_before)
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
 * or the rest, which counts, 0.2 s as a rule, it waits and is not lost. They only grow older; those
 * that may end without a segment (FIN_WAIT2) are kept, so there are none. The segments were counted
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

		if (none_in_use(in_use, dumps[i].v6, dumps[i].prefix,
				dumps[i].protocol == IPPROTO_TCP))
			continue;
		r = dump(h, dumps[i].name, dumps[i].family, dumps[i].protocol, idle || s->tcp.cut_at,
			 s);
		/* Without IPv6 in the kernel there is no such dump, and no such socket. */
		if (r == -ENOENT && dumps[i].family == AF_INET6)
			continue;
		if (r == -E2BIG) {
			s->tcp.cut_at = h->max_sockets;
			r = 0;
		}
		if (r < 0)
			return r;
	}
	if (idle) {
		s->tcp.as_before = h->tcp_idle.connections > 0;
		s->connections_seen = h->tcp_idle.connections;
		s->sockets_seen += s->connections_seen;
	}
	return 0;
}
