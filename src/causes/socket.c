// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage socket: buffers that a program made small, or that the system cut, and the sockets that
 * get copies (raw, packet).
 */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/sockbuf.h"

#define SUBJECTS_SHOWN 16
#define RAW_LEAST 10 /* SEV-L of the catalogue: fewer are no rate */

/* ---- why a buffer is small ---- */

/* The loss points that are full buffers, and which of the two. */
static bool full_buffer(const struct finding *f, bool *ret_receive)
{
	static const struct {
		const char *id;
		bool receive;
	} points[] = {{"udp-rcvbuf-full", true}, {"udp-sndbuf-full", false}};

	for (size_t i = 0; i < ARRAY_SIZE(points); i++)
		if (strcmp(f->cause->id, points[i].id) == 0 ||
		    (f->via && strcmp(f->via->id, points[i].id) == 0)) {
			*ret_receive = points[i].receive;
			return true;
		}
	return false;
}

/* Three quarters, of a socket with buffers. */
static bool is_full(const struct socket *sk, bool *ret_receive)
{
	uint64_t queued = MAX(sk->wmem, sk->wmem_queued);

	if (!sk->mem_known || (sk->protocol == IPPROTO_TCP && sk->state == STATE_LISTEN))
		return false;
	if (sk->rcvbuf && sk->rmem >= (uint64_t)sk->rcvbuf * 3 / 4)
		*ret_receive = true;
	else if (sk->sndbuf && queued >= (uint64_t)sk->sndbuf * 3 / 4)
		*ret_receive = false;
	else
		return false;
	return true;
}

/*
 * A send buffer found full at two looks in a row is fed faster than the queue below drains: more of
 * it would only fill later. A burst is gone by the next look.
 */
static bool drains_too_slowly(const struct exam *x, const struct socket *sk)
{
	unsigned int run = 0, longest = 0;

	vec_each (look, &x->o->looks) {
		const struct socket *now = snapshot_socket(look, sk->cookie);

		run = now && now->wmem >= now->sndbuf / 2 ? run + 1 : 0;
		longest = MAX(longest, run);
	}
	return longest > 1;
}

static bool buffer_behind(const struct exam *x, const struct finding *f, const struct subject *s,
			  struct buffer *ret)
{
	bool receive;

	if (!full_buffer(f, &receive) || !s->has_socket || !s->lost)
		return false;
	buffer_of(x, &s->socket, receive, ret);
	return ret->certain && (receive || !drains_too_slowly(x, &s->socket));
}

bool explains_sockbuf_clamped(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct buffer b;

	return buffer_behind(x, f, s, &b) && b.origin == BUFFER_CLAMPED;
}

bool explains_sock_lock(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct buffer b;

	return buffer_behind(x, f, s, &b) && buffer_is_lowered(&b);
}

static int64_t wanted(struct exam *x, const struct finding *f, const struct buffer *b, char *reason,
		      size_t size)
{
	if (b->receive && !b->tcp)
		return rcvbuf_wanted(x, &f->subjects.items[0], reason, size);
	snprintf(reason, size, "twice as much as now");
	return b->size * 2;
}

/* Said already, where the loss point became this finding as a whole. */
static bool is_said(const struct finding *f)
{
	vec_each (e, &f->evidence)
		if (e->text && strstr(e->text, "enough would be"))
			return true;
	return false;
}

/* What both say: how full it was, whose choice the size is, and what is enough. */
static void describe_buffer(struct exam *x, struct finding *f, const struct buffer *b)
{
	const struct subject *s = &f->subjects.items[0];
	char origin[256], reason[160];
	struct socket_watch w;
	int64_t want = wanted(x, f, b, reason, sizeof(reason));

	watch_socket(x->o, &s->socket, &w);
	if (!is_said(f)) {
		evidence_text(f, x, "%s buffer: %s", b->receive ? "receive" : "send",
			      buffer_text(x, b, origin, sizeof(origin)));
		evidence_text(f, x, "found with %u bytes used at most",
			      b->receive ? w.peak_rmem : MAX(w.peak_wmem, s->socket.wmem));
	}
	if (f->lost && !is_said(f))
		evidence_text(f, x, "enough would be %lld bytes: %s", (long long)want, reason);
	if (f->lost && b->receive)
		finding_exclude(f, "a slow reader (the buffer was found less than half full amid the "
				   "loss, or the loss was short)");
	buffer_remedies(x, f, b, want);
}

/* By the loss it explains; alone, by what is full. */
static bool is_about_receiving(const struct finding *f)
{
	bool receive = true;

	if (!full_buffer(f, &receive))
		is_full(&f->subjects.items[0].socket, &receive);
	return receive;
}

void describe_sockbuf_clamped(struct exam *x, struct finding *f)
{
	const struct subject *s = &f->subjects.items[0];
	char who[64], where[80];
	struct buffer b;

	buffer_of(x, &s->socket, is_about_receiving(f), &b);
	finding_headline(f, "%s cuts the buffer that %s asked for on %s",
			 b.receive ? "net.core.rmem_max" : "net.core.wmem_max",
			 owner_text(s, who, sizeof(who)),
			 socket_text(&s->socket, where, sizeof(where)));
	finding_text(f,
		     "The program asked for a buffer (%s) as large as the limit of the system or "
		     "larger, was given the limit without a word, and that is not enough.",
		     b.receive ? "SO_RCVBUF" : "SO_SNDBUF");
	describe_buffer(x, f, &b);
}

void describe_sock_lock(struct exam *x, struct finding *f)
{
	const struct subject *s = &f->subjects.items[0];
	char who[64], where[80];
	struct buffer b;

	buffer_of(x, &s->socket, is_about_receiving(f), &b);
	finding_headline(f, "%s made the %s buffer of %s small itself",
			 owner_text(s, who, sizeof(who)), b.receive ? "receive" : "send",
			 socket_text(&s->socket, where, sizeof(where)));
	finding_text(f,
		     "The program sets %s to less than the system would give, so no sysctl reaches "
		     "this buffer, and it is full.",
		     b.receive ? "SO_RCVBUF" : "SO_SNDBUF");
	describe_buffer(x, f, &b);
}

/* Full buffers that lost nothing, or whose loss has another reason. */
static void list_full(struct exam *x, struct finding **f, bool (*is_it)(const struct buffer *b))
{
	for (size_t i = 0; i <= x->o->looks.n; i++) {
		const struct snapshot *at = i < x->o->looks.n ? &x->o->looks.items[i] : &x->o->b;

		vec_each (sk, &at->sockets) {
			struct buffer b;
			bool known = false, receive;

			if (!sk->locks_known || !is_full(sk, &receive))
				continue;
			buffer_of(x, sk, receive, &b);
			if (!is_it(&b))
				continue;
			*f = *f ? *f : finding_new(x);
			vec_each (s, &(*f)->subjects)
				known |= s->socket.cookie == sk->cookie;
			if (!known && (*f)->subjects.n < SUBJECTS_SHOWN)
				subject_socket(x, finding_subject(*f), sk);
		}
	}
}

static enum outcome condition(struct exam *x, bool (*is_it)(const struct buffer *b),
			      void (*describe)(struct exam *x, struct finding *f))
{
	struct finding *f = NULL;

	list_full(x, &f, is_it);
	if (!f) {
		evidence_text(NULL, x, "no buffer at least three quarters full is one of these%s",
			      x->o->b.buffer_locks_err ? ", as far as could be asked" : "");
		return NOT_FOUND;
	}
	/* A full buffer alone is no loss: TCP makes its peer wait, a UDP reader may just be late. */
	f->state = AT_RISK;
	describe(x, f);
	return FOUND;
}

static bool is_clamped(const struct buffer *b)
{
	return b->origin == BUFFER_CLAMPED && b->certain;
}

enum outcome examine_sockbuf_clamped(struct exam *x)
{
	return condition(x, is_clamped, describe_sockbuf_clamped);
}

enum outcome examine_sock_lock(struct exam *x)
{
	return condition(x, buffer_is_lowered, describe_sock_lock);
}

/* ---- raw sockets and captures ---- */

/* What sockets of one kind lost, those that lost added to the finding (if there is one). */
static uint64_t kind_lost(struct exam *x, struct finding *f, const struct socket *sockets, size_t n)
{
	uint64_t sum = 0;

	for (const struct socket *sk = sockets; sk < sockets + n; sk++) {
		uint64_t lost = delta_value(delta_socket_drops(x->o, sk));
		const struct link *link = snapshot_link(&x->o->b, sk->ifindex);
		struct subject *s;

		sum += lost;
		if (!f || !lost || f->subjects.n == SUBJECTS_SHOWN)
			continue;
		s = finding_subject(f);
		subject_socket(x, s, sk);
		s->has_lost = true;
		s->lost = lost;
		if (link)
			memcpy(s->device, link->name, sizeof(s->device));
	}
	return sum;
}

/*
 * A packet that finds the only raw socket of its protocol full was delivered to nobody, so the
 * kernel goes on as if nothing handled the protocol: InUnknownProtos, reason IP_NOPROTO, and for
 * IPv4 an ICMP "protocol unreachable" to the sender (net/ipv4/raw.c raw_v4_input).
 */
static uint64_t claim_unknown_protocols(struct exam *x)
{
	static const char *const reasons[] = {"IP_NOPROTO", NULL};
	uint64_t claimed = 0;

	vec_each (sk, &x->o->b.raw_sockets) {
		struct drop_filter f = {.reasons = reasons, .protocol = sk->protocol};

		claimed += ledger_claim(x->ledger, &f, delta_value(delta_socket_drops(x->o, sk)));
	}
	return claimed;
}

enum outcome examine_raw_socket_drop(struct exam *x)
{
	const struct snapshot *b = &x->o->b;
	uint64_t lost = kind_lost(x, NULL, b->raw_sockets.items, b->raw_sockets.n), claimed;
	struct finding *f;
	struct remedy *r;
	char who[64];

	if (!lost) {
		evidence_value(NULL, x, "/proc/net/raw", "raw sockets", b->raw_sockets.n);
		evidence_text(NULL, x, "none of them lost a packet");
		return NOT_FOUND;
	}
	f = finding_new(x);
	finding_lost(f, &lost, NULL, 0);
	f->severity = lost >= RAW_LEAST ? SEVERITY_WARNING : SEVERITY_INFO;
	kind_lost(x, f, b->raw_sockets.items, b->raw_sockets.n);
	claimed = claim_unknown_protocols(x);
	finding_headline(f, "the raw socket of %s is full", owner_text(&f->subjects.items[0], who, sizeof(who)));
	finding_text(f, "A program that speaks an IP protocol itself (ping, OSPF, VRRP) does not take "
			"its packets out in time.%s",
		     claimed ? " Nobody else takes them, so the senders are told that the protocol is "
			       "unknown here: it is not."
			     : "");
	evidence_change(f, x, "/proc/net/raw", "drops of the first socket named",
			delta_socket_drops(x->o, &f->subjects.items[0].socket));
	evidence_counter(f, x, C_IP_IN_UNKNOWN_PROTOS);
	evidence_counter(f, x, C_IP6_IN_UNKNOWN_PROTOS);
	evidence_traced(f, x, "IP_NOPROTO of the protocols of these sockets", claimed);
	finding_exclude(f, "a protocol that nobody handles (a socket has it, and counted these)");
	r = finding_remedy(f, "read-raw-faster", REMEDY_APPLICATION,
			   "let the program read faster, or take fewer (ICMP_FILTER, SO_ATTACH_FILTER)");
	remedy_why(r, "a raw socket gets a copy of every packet of its protocol");
	r = finding_remedy(f, "raise-so-rcvbuf", REMEDY_SOCKET, "a larger SO_RCVBUF in the program");
	remedy_why(r, "for bursts; the kernel does not tell how large the buffer of a raw socket is");
	return FOUND;
}

/*
 * 6.18 has an event for a copy that finds no room, but only where nobody else holds the packet:
 * the sockets' own counters are the whole number.
 */
enum outcome examine_capture_loss(struct exam *x)
{
	static const char *const reasons[] = {"PACKET_SOCK_ERROR", "NOT_SPECIFIED", NULL};
	static const char *const places[] = {"packet_rcv", "tpacket_rcv", NULL};
	static const struct drop_filter drops = {.reasons = reasons, .symbols = places};
	const struct snapshot *b = &x->o->b;
	uint64_t counted = kind_lost(x, NULL, b->packet_sockets.items, b->packet_sockets.n);
	uint64_t traced = ledger_traced(x->ledger, &drops);
	struct finding *f;
	struct remedy *r;
	char who[64];

	if (!counted && !traced) {
		evidence_value(NULL, x, "packet sockets", "number", b->packet_sockets.n);
		evidence_text(NULL, x, "none of them is known to have lost a copy");
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &drops, UINT64_MAX);
	finding_lost(f, counted ? &counted : NULL, counted ? NULL : &traced, 0);
	kind_lost(x, f, b->packet_sockets.items, b->packet_sockets.n);
	finding_headline(f, "%s misses packets in its capture",
			 f->subjects.n ? owner_text(&f->subjects.items[0], who, sizeof(who))
				       : "a program");
	finding_text(f, "A packet socket gets copies, and these found no room. The packets themselves "
			"went on their way: only the capture has holes.");
	if (f->subjects.n)
		evidence_change(f, x, "packet sockets", "drops of the first socket named",
				delta_socket_drops(x->o, &f->subjects.items[0].socket));
	evidence_traced(f, x, "at packet_rcv and tpacket_rcv (not every copy makes an event)", traced);
	r = finding_remedy(f, "capture-less", REMEDY_APPLICATION,
			   "a capture filter, a snapshot length (-s 128), a larger buffer (-B 65536 KiB)");
	remedy_why(r, "each copied packet costs time in softirq and memory until it is read");
	return FOUND;
}
