// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: connections that end by a reset although both ends know them. The program here closes
 * with unread data, throws the connection away (SO_LINGER 0), or has closed before the
 * peer's data came; or a reset comes after a silence.
 *
 * TCPAbortOnClose counts the first exactly. TCPAbortOnData counts the second (tcp_close()) and the
 * third (tcp_rcv_state_process()), which the reset's reason tells apart.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/stages.h"

#define SUBJECTS_SHOWN 16
#define LINES_SHOWN 4
#define WHERE_SIZE 192
/* [NX] errors/packets > 0.01; below, it is the odd client that goes away. */
#define HARMED_SHARE 0.01
/* A limit of a device is the same for all connections, but looked at now and then. */
#define SAME_IDLE_SHARE 0.10
#define SAME_IDLE_MS 1000
#define SAME_IDLE_LEAST 3

static const char on_close[] = "TCP_ABORT_ON_CLOSE", on_data[] = "TCP_ABORT_ON_DATA",
		  on_disconnect[] = "TCP_STATE";

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

/* ---- lines ---- */

typedef bool fits_fn(const struct tcp_line *l);

static bool is_reset(const struct tcp_line *l, const char *reason)
{
	return l->kind == TCP_RESET_SENT && strcmp(l->reason, reason) == 0;
}

static bool is_unread_close(const struct tcp_line *l)
{
	return is_reset(l, on_close);
}

static bool is_disconnect(const struct tcp_line *l)
{
	return is_reset(l, on_disconnect) && l->unasked;
}

/* Its reason has a name (TCP_TIMEWAIT_SOCKET) in newer kernels only; a FIN may be the cause, too. */
static bool is_of_time_wait(const struct tcp_line *l)
{
	return l->kind == TCP_RESET_SENT && l->state == STATE_TIME_WAIT;
}

static bool is_late_data(const struct tcp_line *l)
{
	return is_reset(l, on_data) || (is_of_time_wait(l) && l->lossy);
}

static bool is_after_silence(const struct tcp_line *l)
{
	return l->kind == TCP_RESET_RECEIVED && l->state == STATE_ESTABLISHED && l->idle;
}

static uint64_t connections_of(const struct tcp_line *l)
{
	if (l->kind == TCP_RESET_RECEIVED)
		return l->idle;
	return is_of_time_wait(l) ? l->lossy : l->packets;
}

struct resets {
	uint64_t all;	   /* connections */
	uint64_t lossy;	   /* of them threw data away */
	uint64_t of_lossy; /* connections of such services that ended at all */
	uint64_t unread, unsent;
	uint64_t idle_least_ms, idle_most_ms;
};

static const struct tcp_lines *lines_of(const struct exam *x)
{
	static const struct tcp_lines none;

	return x->d->tcp && !x->d->tcp->err ? x->d->tcp : &none;
}

/* Of a service, by whichever port is its. */
static uint64_t ends_of(const struct exam *x, const struct tcp_line *service)
{
	uint64_t n = 0;

	vec_each(l, &lines_of(x)->lines)
		if (l->netns == x->o->inode && l->local_port == service->local_port &&
		    l->remote_port == service->remote_port &&
		    (l->kind == TCP_ENDED || l->kind == TCP_CLOSED_HERE ||
		     l->kind == TCP_CLOSED_BY_PEER))
			n += l->packets;
	return n;
}

static bool same_service(const struct tcp_line *a, const struct tcp_line *b)
{
	return a->local_port == b->local_port && a->remote_port == b->remote_port;
}

static struct resets resets_of(const struct exam *x, fits_fn *fits, bool only_local)
{
	const struct tcp_lines *lines = lines_of(x);
	struct resets r = {0};

	vec_each(l, &lines->lines) {
		bool known = false;

		if (l->netns != x->o->inode || !fits(l) || (only_local && !l->local_port))
			continue;
		for (const struct tcp_line *k = lines->lines.items; k < l && !known; k++)
			known = k->netns == l->netns && fits(k) && same_service(k, l);
		r.of_lossy += known ? 0 : ends_of(x, l);
		r.all += connections_of(l);
		r.lossy += l->lossy;
		r.unread += l->unread;
		r.unsent += l->unsent;
		if (l->idle && (!r.idle_least_ms || l->idle_least_ms < r.idle_least_ms))
			r.idle_least_ms = l->idle_least_ms;
		r.idle_most_ms = MAX(r.idle_most_ms, l->idle_most_ms);
	}
	return r;
}

uint64_t resets_of_connections(const struct exam *x)
{
	uint64_t n = 0;

	vec_each(l, &lines_of(x)->lines)
		if (l->netns == x->o->inode && l->kind == TCP_RESET_SENT && l->state &&
		    l->state != STATE_LISTEN)
			n += l->packets;
	return n;
}

/* Enough connections lost data, and they are not the odd ones among many. */
static enum severity severity_of_harm(const struct exam *x, const struct resets *r)
{
	return r->lossy >= threshold_count(x, THRESHOLD_LOSS_PACKETS) &&
			       (double)r->lossy >= HARMED_SHARE * (double)r->of_lossy
		       ? SEVERITY_WARNING
		       : SEVERITY_INFO;
}

/* ---- who ---- */

static const struct socket *listener_on(const struct exam *x, uint16_t port)
{
	const struct snapshot *ends[] = {&x->o->b, &x->o->a};

	for (size_t i = 0; port && i < ARRAY_SIZE(ends); i++)
		vec_each(sk, &ends[i]->sockets)
			if (is_listener(sk) && sk->local_port == port)
				return sk;
	return NULL;
}

/* A listener of this host, or else the network that the peers are in. */
static struct subject *subject_of(struct exam *x, struct finding *f, const struct tcp_line *l)
{
	const struct socket *sk = listener_on(x, l->local_port);
	char peer[TCP_PEER_TEXT], text[sizeof(peer) + 16] = "";
	struct subject *s;

	if (!sk && tcp_line_peer(l, peer, sizeof(peer)))
		snprintf(text, sizeof(text), l->remote_port ? "%s port %u" : "%s", peer,
			 l->remote_port);
	if (!sk && !text[0])
		return NULL;
	vec_each(known, &f->subjects)
		if (sk ? known->has_socket && known->socket.local_port == sk->local_port
		       : known->address && strcmp(known->address, text) == 0)
			return known;
	if (f->subjects.n == SUBJECTS_SHOWN)
		return NULL;
	s = finding_subject(f);
	if (sk)
		subject_socket(x, s, sk);
	else
		s->address = xstrdup(text);
	return s;
}

static void line_words(struct exam *x, struct finding *f, const struct tcp_line *l)
{
	uint16_t port = l->local_port ? l->local_port : l->remote_port;
	char peer[TCP_PEER_TEXT] = "any network", idle[64] = "";

	tcp_line_peer(l, peer, sizeof(peer));
	if (l->idle)
		snprintf(idle, sizeof(idle), ", after %.1f to %.1f s",
			 (double)l->idle_least_ms / 1000, (double)l->idle_most_ms / 1000);
	evidence_text(f, x, "%s, %s%s%s: %llu with peers in %s, port %u %s%s",
		      tcp_line_kind_name(l->kind), tcp_state_name(l->state), l->reason[0] ? ", " : "",
		      l->reason, (unsigned long long)connections_of(l), peer, port,
		      l->local_port ? "here" : "of theirs", idle);
}

static int most_lost(const void *a, const void *b)
{
	const struct subject *x = a, *y = b;

	return x->lost < y->lost ? 1 : -(x->lost > y->lost);
}

static void add_subjects(struct exam *x, struct finding *f, fits_fn *fits)
{
	vec_each(l, &lines_of(x)->lines) {
		struct subject *s = NULL;

		if (l->netns == x->o->inode && fits(l))
			s = subject_of(x, f, l);
		if (!s)
			continue;
		s->has_lost = true;
		s->lost += connections_of(l);
		s->traced += connections_of(l);
	}
	if (f->subjects.n)
		qsort(f->subjects.items, f->subjects.n, sizeof(*f->subjects.items), most_lost);
}

/* The worst lines, and what was thrown away. */
static struct resets evidence_lines(struct exam *x, struct finding *f, fits_fn *fits)
{
	struct resets r = resets_of(x, fits, false);
	unsigned int shown = 0;

	vec_each(l, &lines_of(x)->lines)
		if (l->netns == x->o->inode && fits(l) && shown++ < LINES_SHOWN)
			line_words(x, f, l);
	if (r.all)
		evidence_text(f, x, "of %llu such resets %llu threw data away: %llu bytes that had come "
				    "and were not read, %llu that were written and not acknowledged",
			      (unsigned long long)r.all, (unsigned long long)r.lossy,
			      (unsigned long long)r.unread, (unsigned long long)r.unsent);
	return r;
}

/* "connections of nginx (812) on 0.0.0.0:80", "connections with 10.0.0.0/24 port 443" */
static const char *where(const struct finding *f, char *to, size_t size)
{
	const struct subject *s = f->subjects.n ? first_of(f) : NULL;
	char socket[80], who[64];

	if (!s || (f->subjects.n > 1 && s->lost * 2 <= f->lost))
		snprintf(to, size, "connections");
	else if (!s->has_socket)
		snprintf(to, size, "connections with %s", s->address);
	else if (s->has_process)
		snprintf(to, size, "connections of %s on %s", owner_text(s, who, sizeof(who)),
			 place(f, socket, sizeof(socket)));
	else
		snprintf(to, size, "connections of %s", place(f, socket, sizeof(socket)));
	return to;
}

/* ---- closed with unread data ---- */

static void unread_remedies(struct finding *f)
{
	struct remedy *r = finding_remedy(f, "read-to-the-end", REMEDY_APPLICATION,
					  "read until the peer's end before close(): shutdown(SHUT_WR), "
					  "read until 0, then close");

	remedy_why(r, "a reset overtakes what the program wrote last: the peer may lose the answer, "
		      "too");
	remedy_risk(r, "a peer that never ends keeps the connection: give that a time limit");
	r = finding_remedy(f, "take-the-body", REMEDY_APPLICATION,
			   "in an HTTP server: read (and throw away) the body of a request that is "
			   "refused, or use lingering close (nginx: lingering_close, lingering_timeout)");
	remedy_why(r, "an early answer (401, 413, 500) with the body still coming is the usual case");
}

enum outcome examine_rst_unread_close(struct exam *x)
{
	uint64_t lost = value(x, C_TCP_ABORT_ON_CLOSE), traced;
	struct finding *f;

	if (!lost) {
		evidence_counter(NULL, x, C_TCP_ABORT_ON_CLOSE);
		return NOT_FOUND;
	}
	traced = resets_of(x, is_unread_close, false).all;
	f = finding_new(x);
	finding_lost(f, &lost, lines_of(x)->states ? &traced : NULL, 0);
	f->unit = "connections";
	add_subjects(x, f, is_unread_close);
	describe_rst_unread_close(x, f);
	return FOUND;
}

void describe_rst_unread_close(struct exam *x, struct finding *f)
{
	struct resets here = resets_of(x, is_unread_close, true);
	char text[WHERE_SIZE];

	/* A client that has seen enough of an answer harms nobody but itself. */
	f->severity = severity_of_harm(x, &here);
	finding_headline(f, "%s are closed with unread data, and reset by that",
			 where(f, text, sizeof(text)));
	finding_text(f, "A program closed a connection while data from the peer was waiting to be read. "
			"TCP tells the peer by a reset that its data was thrown away; what the program "
			"had written last may be lost with it, and the peer sees ECONNRESET.");
	evidence_counter(f, x, C_TCP_ABORT_ON_CLOSE);
	evidence_lines(x, f, is_unread_close);
	if (!here.of_lossy)
		evidence_counter(f, x, C_TCP_ESTAB_RESETS);
	else if (here.lossy)
		evidence_text(f, x, "%llu of the %llu connections of these listeners that ended lost "
				    "more than a TLS alert so",
			      (unsigned long long)here.lossy, (unsigned long long)here.of_lossy);
	finding_exclude(f, "SO_LINGER 0, and data after a close (TCPAbortOnData +%llu)",
			(unsigned long long)value(x, C_TCP_ABORT_ON_DATA));
	unread_remedies(f);
}

/* ---- thrown away: SO_LINGER 0 ---- */

static void linger_remedies(struct finding *f, const struct resets *r)
{
	struct remedy *remedy;

	remedy = finding_remedy(f, "close-in-order", REMEDY_APPLICATION,
				"leave SO_LINGER alone, or switch it on with a time of some seconds");
	remedy_why(remedy, r->lossy ? "with l_linger 0 close() throws away what was written and not "
				      "acknowledged"
				    : "nothing was lost by it in this sample: it is a matter of taste, as "
				      "health checks and some proxies avoid TIME_WAIT so");
	remedy_cost(remedy, "a TIME_WAIT of 60 s for each connection that this end closes first");
}

enum outcome examine_rst_linger0(struct exam *x)
{
	uint64_t late = resets_of(x, is_late_data, false).all, lost, traced;
	struct finding *f;

	vec_each(l, &lines_of(x)->lines)
		if (l->netns == x->o->inode && is_of_time_wait(l))
			late -= MIN(late, connections_of(l)); /* these are in no counter */
	lost = value(x, C_TCP_ABORT_ON_DATA);
	lost -= MIN(lost, late);
	/* Closed listeners and killed sockets reset with the same reason, and do not count. */
	traced = MIN(resets_of(x, is_disconnect, false).all, lost);
	if (!lost || !traced) {
		evidence_counter(NULL, x, C_TCP_ABORT_ON_DATA);
		evidence_traced(NULL, x, "resets by tcp_disconnect()", traced);
		return NOT_FOUND;
	}
	f = finding_new(x);
	finding_lost(f, &lost, &traced, 0);
	f->unit = "connections";
	add_subjects(x, f, is_disconnect);
	describe_rst_linger0(x, f);
	return FOUND;
}

void describe_rst_linger0(struct exam *x, struct finding *f)
{
	struct resets r = resets_of(x, is_disconnect, false);
	char text[WHERE_SIZE];

	f->severity = severity_of_harm(x, &r);
	finding_headline(f, "%s are thrown away by their program (SO_LINGER 0)",
			 where(f, text, sizeof(text)));
	finding_text(f, "The program closes with SO_LINGER switched on and a time of 0: TCP sends a reset "
			"instead of a FIN and forgets everything. What the peer had not acknowledged "
			"is lost, and the peer sees ECONNRESET%s.",
		     r.lossy ? "" : "; here all had been acknowledged");
	evidence_counter(f, x, C_TCP_ABORT_ON_DATA);
	evidence_lines(x, f, is_disconnect);
	finding_exclude(f, "unread data (TCPAbortOnClose +%llu)",
			(unsigned long long)value(x, C_TCP_ABORT_ON_CLOSE));
	finding_exclude(f, "data that came after a close (%llu)",
			(unsigned long long)resets_of(x, is_late_data, false).all);
	linger_remedies(f, &r);
}

/* ---- data for a program that has closed ---- */

static const char *const late_reasons[] = {on_data, NULL};
static const char *const unnamed_reasons[] = {"NOT_SPECIFIED", NULL};
static const char *const late_symbols[] = {"tcp_v4_do_rcv", "tcp_v6_do_rcv", NULL};
static const struct drop_filter late_drops = {.reasons = late_reasons, .protocol = IPPROTO_TCP};
/* The same before the reason was there, in 6.1. */
static const struct drop_filter unnamed_drops = {
	.reasons = unnamed_reasons, .symbols = late_symbols, .protocol = IPPROTO_TCP};

static void late_remedies(struct finding *f)
{
	struct remedy *r;

	r = finding_remedy(f, "client-gives-up-first", REMEDY_APPLICATION,
			   "make the clients' idle time shorter than the server's (pool: max idle time; "
			   "server: keepalive_timeout), by a few seconds");
	remedy_why(r, "a request that leaves as the server closes an idle connection is lost; if the "
		      "client closes first, none can be under way");
	remedy_risk(r, "a longer time at the server keeps more idle connections open there");
	r = finding_remedy(f, "repeat-requests", REMEDY_APPLICATION,
			   "let clients repeat a request on a new connection, if it is the first one "
			   "after an idle time and may be done twice");
	remedy_why(r, "the race cannot be closed wholly from one side");
}

enum outcome examine_rst_late_data(struct exam *x)
{
	uint64_t lost = resets_of(x, is_late_data, false).all, drops;
	struct finding *f;

	if (!lost) {
		evidence_traced(NULL, x, "resets for data after close()", lost);
		return NOT_FOUND;
	}
	f = finding_new(x);
	drops = ledger_claim(x->ledger, &late_drops, lost);
	/* Before 6.11 the event does not name its socket, so that its namespace is not known. */
	if (!drops)
		drops = ledger_claim(x->ledger, &unnamed_drops, lost);
	if (!drops)
		traced_nowhere(x, &unnamed_drops, lost);
	finding_lost(f, NULL, &lost, 0);
	f->unit = "connections";
	add_subjects(x, f, is_late_data);
	describe_rst_late_data(x, f);
	return FOUND;
}

void describe_rst_late_data(struct exam *x, struct finding *f)
{
	struct resets here = resets_of(x, is_late_data, true);
	char text[WHERE_SIZE];

	/* A client that is not interested any more is no loss: a download that was given up. */
	f->severity = severity_of_harm(x, &here);
	finding_headline(f, "data comes for %s that the program has closed",
			 where(f, text, sizeof(text)));
	finding_text(f, "The program here had closed the connection, and the peer sent more: TCP answers "
			"with a reset, and the peer's data is lost. With keepalive of HTTP and pools it is "
			"a race: the server closes an idle connection in the moment in which the client "
			"uses it again.");
	evidence_lines(x, f, is_late_data);
	evidence_counter(f, x, C_TCP_ABORT_ON_DATA);
	evidence_traced(f, x, "TCP_ABORT_ON_DATA", ledger_traced(x->ledger, &late_drops));
	finding_exclude(f, "unread data at the close (TCPAbortOnClose +%llu)",
			(unsigned long long)value(x, C_TCP_ABORT_ON_CLOSE));
	late_remedies(f);
}

/* ---- a reset after a silence ---- */

/* One device's limit ends all connections after the same time. */
static bool same_idle(const struct resets *r)
{
	return r->all >= SAME_IDLE_LEAST && !r->lossy &&
	       (double)(r->idle_most_ms - r->idle_least_ms) <=
		       SAME_IDLE_SHARE * (double)r->idle_least_ms + SAME_IDLE_MS;
}

static void silence_remedies(struct finding *f, const struct resets *r)
{
	struct remedy *remedy;

	remedy = finding_remedy(f, "keep-alive", REMEDY_SOCKET,
				"keep such connections alive: SO_KEEPALIVE with TCP_KEEPIDLE below %.0f s, "
				"or close them in the pool before",
				(double)r->idle_least_ms / 1000);
	remedy_why(remedy, "%.1f s is the shortest silence that was answered so; without TCP_KEEPIDLE "
			   "probes begin after net.ipv4.tcp_keepalive_time, without SO_KEEPALIVE never",
		   (double)r->idle_least_ms / 1000);
	remedy_command(remedy, "ss -tno state established | grep -v keepalive");
	remedy_command(remedy, "sysctl net.ipv4.tcp_keepalive_time");
	remedy_cost(remedy, "a probe and its answer for each idle connection and interval");
	remedy = finding_remedy(f, "find-who-resets", REMEDY_CAPACITY,
				"capture the resets: another TTL than the peer's other segments have is "
				"another sender");
	remedy_command(remedy, "tcpdump -ni any -v 'tcp[13] & 4 != 0'");
}

enum outcome examine_rst_middlebox(struct exam *x)
{
	struct resets r = resets_of(x, is_after_silence, false);
	struct finding *f;
	char text[WHERE_SIZE];

	if (!r.all) {
		evidence_traced(NULL, x, "resets received after a silence of 3 s", r.all);
		return NOT_FOUND;
	}
	f = finding_new(x);
	finding_lost(f, NULL, &r.all, 0);
	f->unit = "connections";
	add_subjects(x, f, is_after_silence);
	f->severity = r.lossy >= threshold_count(x, THRESHOLD_LOSS_PACKETS) ? SEVERITY_WARNING
									     : SEVERITY_INFO;
	f->confidence = same_idle(&r) ? LIKELY : POSSIBLE;
	finding_headline(f, "%s are reset after %.1f s of silence%s", where(f, text, sizeof(text)),
			 (double)r.idle_least_ms / 1000, same_idle(&r) ? "" : " and more");
	finding_text(f, "%s", r.lossy
		? "What was sent on them after the silence was answered with a reset, although the peer "
		  "had not closed: a load balancer, NAT box or firewall between has forgotten them, or "
		  "handed them to another server, or the peer's machine was started again."
		: "They were reset out of a silence, with nothing under way: a load balancer or firewall "
		  "between has an idle limit, or the peer's program throws idle connections away.");
	evidence_lines(x, f, is_after_silence);
	evidence_counter(f, x, C_TCP_ESTAB_RESETS);
	finding_exclude(f, "an orderly close by the peer: they were established");
	finding_exclude(f, "this host's own resets (Tcp.OutRsts +%llu)",
			(unsigned long long)value(x, C_TCP_OUT_RSTS));
	silence_remedies(f, &r);
	return FOUND;
}
