// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: a receive window that stays closed. TCP loses nothing by it: the sender waits and asks
 * (persist) until the reader comes. A busy receiver closes its window for moments all the time
 * (iperf3 over veth: 63 times a second), so the counters alone say nothing. What says it is the
 * connection: how much was read of it, and for how long nothing came or went.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "causes/stages.h"
#include "causes/tcp_flow.h"

#define STUCK_MS 1000 /* shorter, and it may be a reader's pause or a slow one's pace */
#define SUBJECTS_SHOWN 16
/* Fewer of many connections are noted: a proxy holds back what its own client does not take. */
#define STUCK_MANY 10
#define STUCK_SHARE_RX 0.01
#define STUCK_SHARE_TX 0.10

struct stuck {
	VEC(const struct socket *) list;
	uint64_t bytes, oldest_ms;
};

static void stuck_done(struct stuck *all)
{
	vec_done(&all->list);
}

/* What the program has taken out: tcp_rcv_nxt_update() counts what came in order. */
static uint64_t taken_out(const struct socket *sk)
{
	return sk->tcp.bytes_received - MIN(sk->tcp.bytes_received, sk->rqueue);
}

/*
 * __tcp_select_window() offers nothing once less than a segment or a sixteenth of the buffer is free;
 * what a segment takes there is more than its data.
 */
static bool no_room(const struct socket *sk)
{
	uint32_t room = MIN(MAX(4 * sk->tcp.rcv_mss, sk->rcvbuf / 8), sk->rcvbuf / 2);

	return sk->rmem + room >= sk->rcvbuf;
}

/* Segments out of order fill a buffer too: of what takes its memory there is data to be read. */
static bool is_unread(const struct socket *sk)
{
	return sk->rqueue && sk->rqueue >= sk->rmem / 8;
}

static bool may_get_more(const struct socket *sk)
{
	return sk->state == STATE_ESTABLISHED || sk->state == STATE_FIN_WAIT1 ||
	       sk->state == STATE_FIN_WAIT2;
}

/*
 * Nobody reads, and the peer has more: each of its probes is out of the window and counted as a drop
 * of the socket (tcp_validate_incoming). A connection that was idle at the beginning is not known from
 * then: of it nothing may have been read at all, or its reader may be one that is merely slow.
 */
static bool is_stuck_rx(const struct exam *x, const struct socket *sk)
{
	const struct socket *before = socket_before(x, sk);

	if (!is_connection(sk) || !sk->mem_known || !may_get_more(sk) || !sk->drops ||
	    sk->tcp.last_received_ms < STUCK_MS || !is_unread(sk) || !no_room(sk))
		return false;
	return taken_out(sk) == (before ? taken_out(before) : 0);
}

/* An address of IPv4 is the same one in a socket of IPv6 (::ffff:192.0.2.1). */
static bool same_address(const struct socket *a, const uint8_t *of_a, const struct socket *b,
			 const uint8_t *of_b)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (a->family == b->family)
		return memcmp(of_a, of_b, sizeof(a->local)) == 0;
	if (a->family == AF_INET6)
		return memcmp(of_a, mapped, sizeof(mapped)) == 0 && memcmp(of_a + 12, of_b, 4) == 0;
	return memcmp(of_b, mapped, sizeof(mapped)) == 0 && memcmp(of_b + 12, of_a, 4) == 0;
}

static uint32_t ports_of(uint16_t local, uint16_t remote)
{
	return (uint32_t)local << 16 | remote;
}

static int by_ports(const void *one, const void *other)
{
	const struct socket *a = *(const struct socket *const *)one;
	const struct socket *b = *(const struct socket *const *)other;
	uint32_t of_a = ports_of(a->local_port, a->remote_port);
	uint32_t of_b = ports_of(b->local_port, b->remote_port);

	return of_a < of_b ? -1 : of_a > of_b;
}

/* The other end is a connection of this namespace: its reader is told by its own cause. */
static bool peer_is_here(const struct stuck *readers, const struct socket *sk)
{
	uint32_t ports = ports_of(sk->remote_port, sk->local_port);
	size_t low = 0, high = readers->list.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct socket *at = readers->list.items[middle];

		if (ports_of(at->local_port, at->remote_port) < ports)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < readers->list.n; low++) {
		const struct socket *other = readers->list.items[low];

		if (ports_of(other->local_port, other->remote_port) != ports)
			return false;
		if (same_address(other, other->local, sk, sk->remote) &&
		    same_address(other, other->remote, sk, sk->local))
			return true;
	}
	return false;
}

/*
 * The persist timer runs (icsk_pending PROBE0) also where this host itself could not send, so the
 * window must be seen to be closed; before 5.4 tcp_info has none, and it is 0. Whoever waited at the
 * beginning too, and got something through since, has a peer that is slow but reads; what is left of
 * a window that closes goes out last, so that two segments are no progress. Of what no program holds
 * any more nobody waits for the end.
 */
static bool is_stuck_tx(const struct exam *x, const struct stuck *readers, const struct socket *sk)
{
	const struct socket *before = socket_before(x, sk);

	if (!is_connection(sk) || sk->timer != TIMER_PROBE || !sk->inode || !sk->wqueue ||
	    sk->tcp.snd_wnd >= sk->snd_mss || sk->tcp.last_sent_ms < STUCK_MS ||
	    peer_is_here(readers, sk))
		return false;
	return !before || before->timer != TIMER_PROBE ||
	       sk->bytes_acked < before->bytes_acked + 2 * (uint64_t)sk->snd_mss;
}

static int by_waiting(const void *one, const void *other)
{
	const struct socket *a = *(const struct socket *const *)one;
	const struct socket *b = *(const struct socket *const *)other;
	uint64_t of_a = (uint64_t)a->rqueue + a->wqueue, of_b = (uint64_t)b->rqueue + b->wqueue;

	if (of_a != of_b)
		return of_a > of_b ? -1 : 1;
	return a->cookie < b->cookie ? -1 : a->cookie > b->cookie;
}

/* `readers`: those of this namespace that do not read, by their ports; NULL: they are meant. */
static void find_stuck(const struct exam *x, const struct stuck *readers, struct stuck *ret)
{
	bool rx = !readers;

	vec_each(sk, &x->o->b.sockets) {
		if (!(rx ? is_stuck_rx(x, sk) : is_stuck_tx(x, readers, sk)))
			continue;
		*vec_push(&ret->list) = sk;
		ret->bytes += rx ? sk->rqueue : sk->wqueue;
		ret->oldest_ms = MAX(ret->oldest_ms, rx ? sk->tcp.last_received_ms
							: sk->tcp.last_sent_ms);
	}
	if (ret->list.n)
		qsort(ret->list.items, ret->list.n, sizeof(*ret->list.items), by_waiting);
}

static struct finding *stuck_finding(struct exam *x, const struct stuck *all, double share)
{
	struct finding *f = finding_new(x);
	double of = (double)MAX(x->o->b.connections_seen, all->list.n);

	f->state = AT_RISK;
	f->unit = "connections";
	f->severity = (double)all->list.n >= share * of ? SEVERITY_WARNING : SEVERITY_INFO;
	for (size_t i = 0; i < MIN(all->list.n, (size_t)SUBJECTS_SHOWN); i++)
		subject_socket(x, finding_subject(f), all->list.items[i]);
	return f;
}

/* ---- our receiver ---- */

/* Numbers of the subjects that are the finding's now. */
static uint64_t unread(const struct finding *f, uint64_t *ret_oldest_ms)
{
	uint64_t bytes = 0;

	*ret_oldest_ms = 0;
	vec_each(s, &f->subjects) {
		bytes += s->socket.rqueue;
		*ret_oldest_ms = MAX(*ret_oldest_ms, s->socket.tcp.last_received_ms);
	}
	return bytes;
}

void window_evidence(struct exam *x, struct finding *f)
{
	const struct socket *sk = &first_of(f)->socket;
	uint64_t oldest_ms, bytes = unread(f, &oldest_ms);

	evidence_text(f, x, "%zu connection%s: %llu bytes wait to be read, nothing could come in for "
			    "%.1f s",
		      f->subjects.n, f->subjects.n == 1 ? "" : "s", (unsigned long long)bytes,
		      (double)oldest_ms / 1000);
	evidence_text(f, x, "the first: buffer %u of %u bytes used; the program took out %llu of %llu "
			    "bytes received, none in the sample",
		      sk->rmem, sk->rcvbuf, (unsigned long long)taken_out(sk),
		      (unsigned long long)sk->tcp.bytes_received);
	evidence_counter(f, x, C_TCP_TO_ZERO_WINDOW_ADV);
	evidence_counter(f, x, C_TCP_FROM_ZERO_WINDOW_ADV);
	evidence_counter(f, x, C_TCP_WANT_ZERO_WINDOW_ADV);
	evidence_counter(f, x, C_TCP_ZERO_WINDOW_DROP);
	finding_exclude(f, "a slow reader (it took out nothing at all)");
	finding_exclude(f, "an idle connection (the peer asks whether there is room again: %u segments "
			   "beyond the window)",
			sk->drops);
}

static const char *from_whom(const struct finding *f, char *to, size_t size)
{
	char peer[64];

	address_text(first_of(f)->socket.family, first_of(f)->socket.remote, peer, sizeof(peer));
	snprintf(to, size, f->subjects.n > 1 ? "%s and %zu more" : "%s", peer, f->subjects.n - 1);
	return to;
}

/* Nobody is known who should read. */
void describe_zero_window_rx(struct exam *x, struct finding *f)
{
	bool accepted = first_of(f)->socket.inode != 0;
	char where[80], peer[96];
	struct remedy *r;

	finding_headline(f, accepted ? "nobody reads %s, its window to %s is closed"
				     : "nobody accepts what waits at %s, its window to %s is closed",
			 place(f, where, sizeof(where)), from_whom(f, peer, sizeof(peer)));
	finding_text(f, "The receive buffer is full, so TCP offers no window and the peer waits. Nothing "
			"is lost; nothing moves either until the program reads.");
	window_evidence(x, f);
	r = finding_remedy(f, "let-it-read", REMEDY_APPLICATION,
			   accepted ? "find the program that holds the socket, and why it does not read"
				    : "find why the program does not accept its connections");
	remedy_why(r, "a larger buffer only takes longer to fill");
	remedy_command(r, "ss -tnop sport = :%u", first_of(f)->socket.local_port);
}

/* Known who should read; it runs, and does not. */
void describe_not_reading(struct exam *x, struct finding *f)
{
	const struct process *p = &first_of(f)->process;
	char who[64], where[80], peer[96];
	struct remedy *r;

	finding_headline(f, "%s does not read %s, its window to %s is closed",
			 owner_text(first_of(f), who, sizeof(who)), place(f, where, sizeof(where)),
			 from_whom(f, peer, sizeof(peer)));
	finding_text(f, "The receive buffer is full because the program takes nothing out, so TCP offers "
			"no window and the peer waits. Nothing is lost; nothing moves either.");
	window_evidence(x, f);
	finding_exclude(f, "a stopped process (state %c)", p->state);
	r = finding_remedy(f, "let-it-read", REMEDY_APPLICATION, "find what keeps %s from reading",
			   owner_text(first_of(f), who, sizeof(who)));
	remedy_why(r, "a lock, a disk, a full queue of its own or of whom it passes the data on to; a "
		      "larger buffer only takes longer to fill");
	remedy_command(r, "head /proc/%d/task/*/stack /proc/%d/task/*/wchan", p->pid, p->pid);
	remedy_cost(r, "a program may hold a peer back on purpose: then this is its flow control");
}

bool nobody_reads(const struct finding *f, const struct subject *s)
{
	return s->has_process && strcmp(f->cause->id, "tcp-zero-window-rx") == 0;
}

enum outcome examine_zero_window_rx(struct exam *x)
{
	cleanup(flow_index_done) struct flow_index index = {0};
	cleanup(stuck_done) struct stuck all = {0};
	struct finding *f;

	flow_index_init(x, &index);
	find_stuck(x, NULL, &all);
	if (!all.list.n) {
		evidence_counter(NULL, x, C_TCP_TO_ZERO_WINDOW_ADV);
		evidence_counter(NULL, x, C_TCP_FROM_ZERO_WINDOW_ADV);
		evidence_text(NULL, x, "no connection with a full receive buffer stayed unread for "
				       "%d s or more",
			      STUCK_MS / 1000);
		return NOT_FOUND;
	}
	f = stuck_finding(x, &all, STUCK_SHARE_RX);
	if (all.list.n >= STUCK_MANY)
		f->severity = SEVERITY_WARNING;
	f->stalled = true;
	describe_zero_window_rx(x, f);
	return FOUND;
}

/* ---- the peer's receiver ---- */

/* Share of the sample in which it had data and the peer's window let none of it go. */
static double waited_for_window(const struct exam *x, const struct socket *sk)
{
	struct flow_time t = flow_time(x, sk);

	return t.busy_us ? (double)t.rwnd_us / (double)t.busy_us : 0;
}

static void tx_remedies(struct finding *f)
{
	const struct socket *sk = &first_of(f)->socket;
	char peer[64];
	struct remedy *r;

	address_text(sk->family, sk->remote, peer, sizeof(peer));
	r = finding_remedy(f, "wake-the-peer", REMEDY_APPLICATION,
			   "look at the program on %s that should read: it is stopped, hangs, or waits "
			   "for another",
			   peer);
	remedy_why(r, "its host answers the probes, so the network is not it");
	remedy_command(r, "ssh %s ss -tnop sport = :%u", peer, sk->remote_port);
	r = finding_remedy(f, "limit-the-wait", REMEDY_SOCKET,
			   "set TCP_USER_TIMEOUT in the program, so that it need not wait for ever");
	remedy_why(r, "a peer that answers probes is kept waiting for without an end");
	remedy_risk(r, "it also ends connections whose network is away for so long");
}

enum outcome examine_zero_window_tx(struct exam *x)
{
	cleanup(flow_index_done) struct flow_index index = {0};
	cleanup(stuck_done) struct stuck all = {0}, readers = {0};
	char where[80], who[64], peer[96];
	const struct socket *sk;
	struct finding *f;

	flow_index_init(x, &index);
	find_stuck(x, NULL, &readers);
	if (readers.list.n)
		qsort(readers.list.items, readers.list.n, sizeof(*readers.list.items), by_ports);
	find_stuck(x, &readers, &all);
	if (!all.list.n) {
		evidence_counter(NULL, x, C_TCP_WIN_PROBE);
		evidence_text(NULL, x, "no connection has waited %d s or more for its peer's window",
			      STUCK_MS / 1000);
		return NOT_FOUND;
	}
	f = stuck_finding(x, &all, STUCK_SHARE_TX);
	sk = &first_of(f)->socket;
	finding_headline(f, "%s does not read what %s sends, its window is closed",
			 from_whom(f, peer, sizeof(peer)), owner_text(first_of(f), who, sizeof(who)));
	finding_text(f, "The peer's receive buffer is full because its program takes nothing out. TCP "
			"asks from time to time (persist) and waits. Nothing is lost.");
	evidence_text(f, x, "%zu connection%s: %llu bytes wait, none could be sent for %.1f s",
		      all.list.n, all.list.n == 1 ? "" : "s", (unsigned long long)all.bytes,
		      (double)all.oldest_ms / 1000);
	evidence_text(f, x, "the first, %s: the peer's window is %u bytes, %u probes so far; it waited for "
			    "the window %.0f %% of the time it had data",
		      socket_text(sk, where, sizeof(where)), sk->tcp.snd_wnd,
		      MAX(sk->backoff, sk->tcp.probes), waited_for_window(x, sk) * 100);
	evidence_counter(f, x, C_TCP_WIN_PROBE);
	evidence_counter(f, x, C_TCP_RETRANS_SEGS);
	finding_exclude(f, "a loss (the peer acknowledged all that was sent, %u ms ago)",
			sk->last_ack_ms);
	finding_exclude(f, "a send buffer or a congestion window that is too small");
	tx_remedies(f);
	return FOUND;
}
