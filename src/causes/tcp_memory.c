// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage tcp: no room for a segment that came in: a socket's backlog, its buffer, all of TCP. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include "causes/enter.h"
#include "causes/sockbuf.h"

#define PAGE_KIB 4	      /* where pages are larger, tcp_mem allows more than is said here */
#define MEMORY_SHARE 4	      /* of the host's memory TCP may have one part of so many */
#define RMEM_MOST ((int64_t)64 << 20) /* of one connection */
#define HOARDERS_SHOWN 5
#define TCP_MEM_PRESSURE 1    /* the second and third number of tcp_mem */
#define TCP_MEM_MAX 2

static const char *const backlog_reasons[] = {"SOCKET_BACKLOG", NULL};
static const char *const memory_reasons[] = {"PROTO_MEM", NULL};
static const char *const prune_reasons[] = {"TCP_OFO_QUEUE_PRUNE", NULL};
static const struct drop_filter backlog_drops = {.reasons = backlog_reasons,
						 .protocol = IPPROTO_TCP};
static const struct drop_filter memory_drops = {.reasons = memory_reasons,
						.protocol = IPPROTO_TCP};
/* 6.15 told "partly" from "wholly" beyond the window; before, both were TCP_INVALID_SEQUENCE. */
static const char *const beyond_reasons[] = {"TCP_INVALID_END_SEQUENCE", "TCP_INVALID_SEQUENCE",
					     NULL};
static const struct drop_filter beyond_drops = {.reasons = beyond_reasons, .protocol = IPPROTO_TCP};
static const struct drop_filter prune_drops = {.reasons = prune_reasons, .protocol = IPPROTO_TCP};

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

static int64_t sysctl_at(const struct exam *x, enum sysctl_id id, unsigned int at)
{
	const struct sysctl_value *v = &x->o->b.sysctl[id];

	return source_ok(&x->o->b, SRC_SYSCTL) && v->n > at ? v->v[at] : 0;
}

/* "nginx (12) on 10.0.0.1:80", as far as it is known. */
static const char *who_text(const struct finding *f, char *to, size_t size)
{
	const struct drop_flow *flow = f->flows.n ? f->flows.items : NULL;
	char who[64], where[80];

	if (f->subjects.n)
		snprintf(to, size, "%s on %s",
			 owner_text(&f->subjects.items[0], who, sizeof(who)),
			 socket_text(&f->subjects.items[0].socket, where, sizeof(where)));
	else if (flow)
		snprintf(to, size, "a connection of %s port %u to port %u",
			 address_text(flow->family, flow->source, where, sizeof(where)),
			 flow->source_port, flow->destination_port);
	else
		snprintf(to, size, "a connection that is gone or unknown");
	return to;
}

/*
 * The limit is that of tcp_add_to_backlog(). A socket that is held right now cannot be looked at:
 * tcp_get_info() waits for it, and sock_diag with it.
 */
static void backlog_evidence(struct exam *x, struct finding *f)
{
	const struct socket *sk = f->subjects.n ? &f->subjects.items[0].socket : NULL;

	if (sk && sk->mem_known && !is_listener(sk))
		evidence_text(f, x, "the backlog holds about %llu bytes (twice the receive buffer of "
				    "%u, half the send buffer of %u, 64 KiB)",
			      (unsigned long long)sk->rcvbuf * 2 + sk->sndbuf / 2 + (64 << 10),
			      sk->rcvbuf, sk->sndbuf);
	if (x->o->b.source[SRC_SOCKETS].err == -ETIMEDOUT)
		evidence_text(f, x, "sock_diag did not answer: some socket is being held now");
}

/* A change of three numbers, which remedy_sysctl() does not know. */
static void change_three(const struct exam *x, struct remedy *r, const char *key, const char *was,
			 const char *now, bool of_namespace)
{
	struct remedy_change *c = vec_push(&r->changes);
	char enter[96] = "";

	if (of_namespace)
		entering(x, enter, sizeof(enter));
	*c = (struct remedy_change){xstrdup("sysctl"), xstrdup(key), xstrdup(was), xstrdup(now)};
	r->applicable = true;
	remedy_command(r, "%ssysctl -w %s='%s'", enter, key, now);
	remedy_undo(r, "%ssysctl -w %s='%s'", enter, key, was);
	/* What sets up a namespace is not known, so nothing can be said of the next boot. */
	if (!*enter)
		remedy_persist(r, "echo '%s = %s' > /etc/sysctl.d/90-whydrop-%s.conf", key, now,
			       strrchr(key, '.') + 1);
}

static void raise_rmem(struct exam *x, struct finding *f, const struct buffer *b)
{
	int64_t least = sysctl_at(x, K_TCP_RMEM, 0), first = sysctl_at(x, K_TCP_RMEM, 1);
	int64_t to = b->standard * 2;
	char was[80], now[80];
	struct remedy *r;

	if (b->standard <= 0 || to > RMEM_MOST)
		return;
	snprintf(was, sizeof(was), "%lld %lld %lld", (long long)least, (long long)first,
		 (long long)b->standard);
	snprintf(now, sizeof(now), "%lld %lld %lld", (long long)least, (long long)first,
		 (long long)to);
	r = finding_remedy(f, "raise-tcp-rmem", REMEDY_SYSCTL,
			   "raise the third number of net.ipv4.tcp_rmem %lld -> %lld",
			   (long long)b->standard, (long long)to);
	remedy_why(r, "TCP has made the buffer as large as that allows");
	remedy_cost(r, "every connection may use as much memory, within tcp_mem");
	change_three(x, r, "net.ipv4.tcp_rmem", was, now, true);
}

/* Why the connection's buffer has its size, and what makes it larger. */
static void buffer_advice(struct exam *x, struct finding *f)
{
	const struct socket *sk = f->subjects.n ? &f->subjects.items[0].socket : NULL;
	struct remedy *r;
	struct buffer b;
	char text[256];

	if (!sk || !sk->mem_known || is_listener(sk))
		return;
	buffer_of(x, sk, true, &b);
	evidence_text(f, x, "receive buffer: %s", buffer_text(x, &b, text, sizeof(text)));
	buffer_remedies(x, f, &b, b.size * 2);
	if (b.origin == BUFFER_AT_MAX)
		raise_rmem(x, f, &b);
	if (b.origin != BUFFER_UNKNOWN || b.size >= b.standard)
		return;
	r = finding_remedy(f, "drop-so-rcvbuf", REMEDY_SOCKET, "no SO_RCVBUF in the program");
	remedy_why(r, "TCP may make a buffer that the program does not set as large as %lld "
		      "(tcp_rmem)",
		   (long long)b.standard);
}

static void backlog_remedies(struct exam *x, struct finding *f)
{
	struct remedy *r = finding_remedy(
		f, "let-go-of-the-socket", REMEDY_APPLICATION,
		"shorter calls: smaller reads and writes, buffers that are in memory");

	remedy_why(r, "a thread held the socket all the time: it was copying much, or waited for a "
		      "page (swap, a mapped file), or for a CPU, in the middle of a call");
	buffer_advice(x, f);
}

enum outcome examine_tcp_backlog(struct exam *x)
{
	uint64_t lost = value(x, C_TCP_BACKLOG_DROP);
	uint64_t traced = ledger_traced(x->ledger, &backlog_drops);
	struct finding *f;
	char who[160];

	if (!lost && !traced) {
		evidence_counter(NULL, x, C_TCP_BACKLOG_DROP);
		evidence_traced(NULL, x, "SOCKET_BACKLOG", traced);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &backlog_drops, traced);
	finding_lost(f, &lost, tracing(x) && traced ? &traced : NULL, value(x, C_TCP_IN_SEGS));
	f->unit = "segments";
	f->severity = SEVERITY_WARNING;
	subject_connections(x, f, &backlog_drops);
	finding_flows(x, f, &backlog_drops);
	finding_headline(f, "full backlog of %s", who_text(f, who, sizeof(who)));
	finding_text(f, "While a thread is inside a call on a connection, segments for it wait in the "
			"socket's backlog. A thread stayed so long that the backlog was full; what "
			"came then was dropped, and the peer has to send it again.");
	evidence_counter(f, x, C_TCP_BACKLOG_DROP);
	evidence_traced(f, x, "SOCKET_BACKLOG", traced);
	backlog_evidence(x, f);
	finding_exclude(f, "a full receive buffer (TCPRcvQDrop +%llu, PruneCalled +%llu)",
			(unsigned long long)value(x, C_TCP_RCVQ_DROP),
			(unsigned long long)value(x, C_PRUNE_CALLED));
	finding_exclude(f, "a full accept queue (ListenOverflows +%llu)",
			(unsigned long long)value(x, C_LISTEN_OVERFLOWS));
	backlog_remedies(x, f);
	return FOUND;
}

/* What tcp_data_queue() had no memory for; it does not say whether the socket's or all of TCP's. */
static uint64_t refused(const struct exam *x)
{
	return value(x, C_TCP_RCVQ_DROP) + value(x, C_TCP_OFO_DROP);
}

/* All TCP memory, in pages: the larger of both ends. The sysctl is not shown in every namespace. */
static uint64_t pages_used(const struct exam *x)
{
	struct change c = delta_counter(x->o, C_SOCKSTAT_TCP_MEM);

	return MAX(c.before, c.after);
}

/*
 * Over the second number of tcp_mem a socket gets no more than its share. The counter tells it of
 * the namespace whose socket was first to go over.
 */
static bool under_pressure(const struct exam *x)
{
	int64_t mark = sysctl_at(x, K_TCP_MEM, TCP_MEM_PRESSURE);

	return value(x, C_TCP_MEMORY_PRESSURES) ||
	       (mark && pages_used(x) >= (uint64_t)mark);
}

static uint64_t held_by(const struct socket *sk)
{
	return (uint64_t)sk->rmem + sk->wmem_queued + sk->forward;
}

static int by_memory(const void *one, const void *other)
{
	uint64_t a = held_by(*(const struct socket *const *)one);
	uint64_t b = held_by(*(const struct socket *const *)other);

	return a < b ? 1 : a > b ? -1 : 0;
}

/* Who has most of it, as far as this namespace shows. */
static void add_hoarders(struct exam *x, struct finding *f)
{
	VEC(const struct socket *) all = {0};

	vec_each(sk, &x->o->b.sockets)
		if (sk->protocol == IPPROTO_TCP && !is_listener(sk) && held_by(sk))
			*vec_push(&all) = sk;
	if (all.n)
		qsort(all.items, all.n, sizeof(*all.items), by_memory);
	for (size_t i = 0; i < MIN(all.n, (size_t)HOARDERS_SHOWN); i++)
		subject_socket(x, finding_subject(f), all.items[i]);
	vec_done(&all);
}

static void tcp_mem_remedy(struct exam *x, struct finding *f)
{
	const struct sysctl_value *mem = &x->o->b.sysctl[K_TCP_MEM];
	uint64_t total = x->o->b.counter_present[C_MEM_TOTAL] ? x->o->b.counter[C_MEM_TOTAL] : 0;
	int64_t most = (int64_t)(total / MEMORY_SHARE / PAGE_KIB), to;
	struct remedy *r;
	char was[80], now[80];

	if (!source_ok(&x->o->b, SRC_SYSCTL) || mem->n < 3 || !total)
		return;
	to = MIN(mem->v[TCP_MEM_MAX] * 2, most);
	if (to <= mem->v[TCP_MEM_MAX])
		return;
	snprintf(was, sizeof(was), "%lld %lld %lld", (long long)mem->v[0], (long long)mem->v[1],
		 (long long)mem->v[2]);
	snprintf(now, sizeof(now), "%lld %lld %lld", (long long)to / 2, (long long)to * 3 / 4,
		 (long long)to);
	r = finding_remedy(f, "raise-tcp-mem", REMEDY_SYSCTL, "raise net.ipv4.tcp_mem to '%s' pages",
			   now);
	remedy_why(r, "now '%s'; the third is what all TCP sockets of the host may have, at most a "
		      "quarter of its memory should be given (%lld pages)",
		   was, (long long)most);
	remedy_cost(r, "up to %lld MiB of kernel memory that nothing can swap out",
		    (long long)to * PAGE_KIB / 1024);
	change_three(x, r, "net.ipv4.tcp_mem", was, now, false);
}

static void pressure_words(struct exam *x, struct finding *f, uint64_t pages, int64_t most)
{
	struct remedy *r;
	char who[160];

	add_hoarders(x, f);
	if (most)
		finding_headline(f, "TCP uses %llu of %lld pages (tcp_mem), %llu %%",
				 (unsigned long long)pages, (long long)most,
				 (unsigned long long)(pages * 100 / (uint64_t)most));
	else
		finding_headline(f, "TCP memory went over the mark of tcp_mem, %llu pages in use",
				 (unsigned long long)pages);
	finding_text(f, "All TCP sockets of the host share tcp_mem. Over its second number sockets "
			"get no larger buffers and windows shrink; over the third, segments that "
			"come in are dropped and closed connections are cut off.");
	evidence_counter(f, x, C_SOCKSTAT_TCP_MEM);
	if (most)
		evidence_text(f, x, "net.ipv4.tcp_mem: %lld %lld %lld pages",
			      (long long)sysctl_at(x, K_TCP_MEM, 0),
			      (long long)sysctl_at(x, K_TCP_MEM, 1), (long long)most);
	evidence_counter(f, x, C_TCP_MEMORY_PRESSURES);
	evidence_counter(f, x, C_TCP_MEMORY_PRESSURES_CHRONO);
	evidence_counter(f, x, C_TCP_RCVQ_DROP);
	evidence_counter(f, x, C_TCP_OFO_DROP);
	evidence_counter(f, x, C_TCP_ABORT_ON_MEMORY);
	r = finding_remedy(f, "find-hoarders", REMEDY_APPLICATION,
			   "read faster where most of it waits: %s",
			   f->subjects.n ? who_text(f, who, sizeof(who)) : "`ss -tm` shows it");
	remedy_why(r, "unread and unacknowledged data is what the memory holds");
	tcp_mem_remedy(x, f);
}

enum outcome examine_tcp_mem(struct exam *x)
{
	uint64_t traced = ledger_traced(x->ledger, &memory_drops), lost = refused(x);
	uint64_t pages = pages_used(x), aborted = value(x, C_TCP_ABORT_ON_MEMORY);
	int64_t most = sysctl_at(x, K_TCP_MEM, TCP_MEM_MAX);
	bool first = x->o == x->d->observations.items, pressure = under_pressure(x);
	enum severity fill = SEVERITY_INFO;
	bool near = first && most && severity_of_fill(x, pages, (uint64_t)most, &fill);
	struct finding *f;

	/* That it was short of memory some day is no news by itself. */
	if (!near && (!pressure || (x->o->since_boot && !lost && !aborted))) {
		evidence_counter(NULL, x, C_SOCKSTAT_TCP_MEM);
		if (most)
			evidence_text(NULL, x, "net.ipv4.tcp_mem: at most %lld pages",
				      (long long)most);
		evidence_counter(NULL, x, C_TCP_MEMORY_PRESSURES);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->unit = "segments";
	f->severity = fill;
	f->state = AT_RISK;
	if (pressure && (lost || aborted)) {
		f->state = x->o->since_boot ? LOST_BEFORE : LOSING;
		/* Since boot, one and the other may have been at different times. */
		f->confidence = x->o->since_boot ? POSSIBLE : CERTAIN;
		ledger_claim(x->ledger, &memory_drops, traced);
		finding_lost(f, &lost, tracing(x) && traced ? &traced : NULL, value(x, C_TCP_IN_SEGS));
		f->severity = MAX(SEVERITY_WARNING, severity_of_share(x, lost, f->of));
	}
	pressure_words(x, f, pages, most);
	return FOUND;
}

static void prune_remedies(struct exam *x, struct finding *f)
{
	struct remedy *r;

	r = finding_remedy(f, "read-faster", REMEDY_APPLICATION, "let the program read faster");
	remedy_why(r, "what it has not read keeps the buffer full");
	r = finding_remedy(f, "fewer-small-segments", REMEDY_APPLICATION,
			   "let the sender write in larger pieces (no TCP_NODELAY with tiny writes)");
	remedy_why(r, "each segment costs its overhead beside its data: tiny ones fill a buffer "
		      "long before the window does");
	buffer_advice(x, f);
}

/* A flow of segments beyond the window, of a connection that had found no memory. */
static bool window_was_closed(const struct exam *x, const struct drop_flow *flow)
{
	if (flow->netns != x->o->inode || !flow_matches(flow, &beyond_drops))
		return false;
	vec_each(other, &x->d->drops->flows)
		if (other->netns == flow->netns && other->family == flow->family &&
		    flow_matches(other, &memory_drops) &&
		    other->source_port == flow->source_port &&
		    other->destination_port == flow->destination_port &&
		    memcmp(other->source, flow->source, sizeof(flow->source)) == 0 &&
		    memcmp(other->destination, flow->destination, sizeof(flow->destination)) == 0)
			return true;
	return false;
}

/*
 * A connection that found no memory closes its window at once (ICSK_ACK_NOMEM), below what it had
 * promised: what was under way is beyond it then, and is dropped too. Of those connections alone,
 * since a segment beyond the window may also be somebody's guess.
 */
static uint64_t beyond_closed_window(const struct exam *x)
{
	uint64_t sum = 0;

	if (!tracing(x))
		return 0;
	vec_each(flow, &x->d->drops->flows)
		sum += window_was_closed(x, flow) ? flow->packets : 0;
	return MIN(sum, ledger_unclaimed(x->ledger, &beyond_drops));
}

static void add_beyond(const struct exam *x, struct finding *f)
{
	vec_each(flow, &x->d->drops->flows) {
		if (!window_was_closed(x, flow))
			continue;
		vec_each(s, &f->subjects) {
			if (!s->has_socket || !flow_of_connection(flow, &s->socket))
				continue;
			s->lost += flow->packets;
			s->traced += flow->packets;
			break;
		}
	}
}

enum outcome examine_tcp_rcvq(struct exam *x)
{
	uint64_t counted = refused(x), events = value(x, C_OFO_PRUNED);
	uint64_t pruned = ledger_traced(x->ledger, &prune_drops);
	uint64_t traced = ledger_traced(x->ledger, &memory_drops) + pruned, beyond = 0;
	struct finding *f;
	char who[160];

	/* OfoPruned counts how often, the trace how many: more than one segment each time. */
	counted += MAX(pruned, events);
	if (!counted || (under_pressure(x) && !pruned && !events)) {
		evidence_counter(NULL, x, C_TCP_RCVQ_DROP);
		evidence_counter(NULL, x, C_TCP_OFO_DROP);
		evidence_counter(NULL, x, C_OFO_PRUNED);
		return NOT_FOUND;
	}
	if (under_pressure(x)) {
		counted = MAX(pruned, events);
		traced = pruned;
	} else {
		ledger_claim(x->ledger, &memory_drops, UINT64_MAX);
		beyond = ledger_claim(x->ledger, &beyond_drops, beyond_closed_window(x));
		counted += beyond;
		traced += beyond;
	}
	ledger_claim(x->ledger, &prune_drops, pruned);
	f = finding_new(x);
	finding_lost(f, &counted, tracing(x) && traced ? &traced : NULL, value(x, C_TCP_IN_SEGS));
	f->unit = "segments";
	f->severity = SEVERITY_WARNING;
	subject_connections(x, f, &memory_drops);
	if (beyond)
		add_beyond(x, f);
	subject_connections(x, f, &prune_drops);
	finding_flows(x, f, &memory_drops);
	finding_headline(f, "no room in the receive buffer of %s", who_text(f, who, sizeof(who)));
	finding_text(f, "Segments within the window came in and did not fit into the buffer, even "
			"after the kernel had packed what lay there closer. They were dropped, and "
			"the peer has to send them again.");
	evidence_counter(f, x, C_TCP_RCVQ_DROP);
	evidence_counter(f, x, C_TCP_OFO_DROP);
	evidence_counter(f, x, C_RCV_PRUNED);
	evidence_counter(f, x, C_OFO_PRUNED);
	evidence_counter(f, x, C_PRUNE_CALLED);
	evidence_traced(f, x, "PROTO_MEM, TCP_OFO_QUEUE_PRUNE", traced - beyond);
	if (beyond)
		evidence_traced(f, x, "of the same connections, beyond the window that they closed then",
				beyond);
	finding_exclude(f, "the memory of all TCP (%llu pages, TCPMemoryPressures +%llu)",
			(unsigned long long)pages_used(x),
			(unsigned long long)value(x, C_TCP_MEMORY_PRESSURES));
	finding_exclude(f, "packing alone (TCPRcvCollapsed +%llu): that costs CPU and loses nothing",
			(unsigned long long)value(x, C_TCP_RCV_COLLAPSED));
	prune_remedies(x, f);
	return FOUND;
}
