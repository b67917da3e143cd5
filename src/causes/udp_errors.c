// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage udp: what InErrors counts beside full buffers (bad checksums, wrong lengths), the memory
 * of all UDP sockets together, and datagrams that travel in fragments.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>

#include "causes/sockbuf.h"

#define SUBJECTS_SHOWN 16
#define FRAGMENTED_LEAST 10 /* datagrams: below it is a ping or a path that was just probed */
#define UDP_MEM_SHARE_MAX 15 /* percent of memory, causes.md 1.11 */
#define LOST_PAGES_MAX 16384 /* 64 MiB */
/* The kernel lets each CPU run ahead of the account by so much (net.core.mem_pcpu_rsv). */
#define PAGES_AHEAD 256

static const char *const csum_reasons[] = {"UDP_CSUM", NULL};
static const struct drop_filter csum_drops = {.reasons = csum_reasons};
static const char *const length_reasons[] = {"PKT_TOO_SMALL", NULL};
/* The same reason at the IP layer means the packet, and is counted there. */
static const char *const length_places[] = {"__udp4_lib_rcv", "__udp6_lib_rcv", "udp_rcv",
					    "udpv6_rcv", NULL};
static const struct drop_filter length_drops = {.reasons = length_reasons, .symbols = length_places};
static const char *const mem_reasons[] = {"PROTO_MEM", NULL};
static const struct drop_filter mem_drops = {.reasons = mem_reasons, .protocol = IPPROTO_UDP};

static uint64_t sum_of(const struct exam *x, enum counter_id one, enum counter_id other)
{
	return delta_value(delta_sum(x->o, one, other));
}

static uint64_t received(const struct exam *x)
{
	return sum_of(x, C_UDP_IN_DATAGRAMS, C_UDP6_IN_DATAGRAMS);
}

/* The one address that all flows come from; NULL if there are several or none. */
static const char *one_sender(const struct finding *f, char *to, size_t size)
{
	const struct drop_flow *first = f->flows.n ? &f->flows.items[0] : NULL;

	vec_each (flow, &f->flows)
		if (memcmp(flow->source, first->source, sizeof(flow->source)) != 0)
			return NULL;
	return first ? address_text(first->family, first->source, to, size) : NULL;
}

/* "what arrive from 192.0.2.1" */
static void headline_with_sender(struct finding *f, const char *what)
{
	char address[64];
	const char *from = one_sender(f, address, sizeof(address));

	finding_headline(f, "%s arrive%s%s", what, from ? " from " : f->flows.n ? " from several senders" : "",
			 from ? from : "");
}

/* ---- checksums ---- */

/* Of those the flows name no namespace either. */
static void flows_of_nowhere(struct exam *x, struct finding *f)
{
	if (!tracing(x) || f->flows.n)
		return;
	vec_each (flow, &x->d->drops->flows)
		if (!flow->netns && strcmp(flow->reason, "UDP_CSUM") == 0 &&
		    finding_flow_meant(x, f, flow, flow->packets) && f->flows.n < SUBJECTS_SHOWN)
			*vec_push(&f->flows) = *flow;
}

/*
 * IPv4 takes a checksum of zero for none. Over IPv6 there must be one (RFC 8200), and
 * __udp6_lib_rcv() refuses zero as it refuses a wrong one, unless UDP_NO_CHECK6_RX is set; where
 * checksums are verified later it cannot have been that.
 */
static bool may_be_zero(struct exam *x)
{
	static const char *const places[] = {"__udp6_lib_rcv", "udpv6_rcv", NULL};
	struct drop_filter refused = {.reasons = csum_reasons, .symbols = places};

	return delta_value(delta_counter(x->o, C_UDP6_IN_CSUM_ERRORS)) &&
	       (!tracing(x) || ledger_traced(x->ledger, &refused));
}

static void zero_checksum_remedy(struct finding *f)
{
	struct remedy *r = finding_remedy(
		f, "send-a-checksum", REMEDY_APPLICATION,
		"if the checksum is zero: let the sender compute it over IPv6");

	remedy_why(r, "a receiver takes zero only where its program sets UDP_NO_CHECK6_RX, as the "
		      "kernel's own tunnels do with udp6zerocsumrx");
	remedy_command(r, "tcpdump -nvvi any ip6 proto 17 | grep 'cksum 0x0000'");
}

static void csum_remedies(struct finding *f)
{
	const struct drop_flow *flow = f->flows.n ? &f->flows.items[0] : NULL;
	struct remedy *r = finding_remedy(f, "find-corrupter", REMEDY_APPLICATION,
					  "find what changes the data: capture at the sender and here");

	remedy_why(r, "right at the sender and wrong here: a device between (NAT, tunnel, a broken "
		      "NIC or memory); wrong at the sender: its program or its checksum offload");
	if (flow)
		remedy_command(r, "tcpdump -nvvi any udp port %u | grep 'bad udp cksum'",
			       flow->destination_port);
	remedy_risk(r, "a capture on the sender itself shows wrong checksums wherever its NIC is to fill "
		       "them in: that is no fault");
}

enum outcome examine_udp_csum(struct exam *x)
{
	struct change counted = delta_sum(x->o, C_UDP_IN_CSUM_ERRORS, C_UDP6_IN_CSUM_ERRORS);
	uint64_t traced = ledger_traced(x->ledger, &csum_drops);
	bool zero = may_be_zero(x); /* before they are claimed */
	struct finding *f;

	if (!delta_value(counted) && !traced) {
		evidence_counter(NULL, x, C_UDP_IN_CSUM_ERRORS);
		evidence_counter(NULL, x, C_UDP6_IN_CSUM_ERRORS);
		evidence_traced(NULL, x, "UDP_CSUM", traced);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &csum_drops, UINT64_MAX);
	if (counted.known && counted.delta > traced)
		traced += traced_nowhere(x, &csum_drops, counted.delta - traced);
	/* Where none of them could be placed the trace says nothing of them, and not that there
	 * were none. */
	finding_lost(f, counted.known ? &counted.delta : NULL, traced ? &traced : NULL,
		     received(x) + MAX(delta_value(counted), traced));
	/* SEV-Z of the catalogue: a healthy path makes none. */
	f->severity = SEVERITY_WARNING;
	finding_flows(x, f, &csum_drops);
	flows_of_nowhere(x, f);
	headline_with_sender(f, "datagrams with a wrong checksum");
	finding_text(f, "What arrived is not what was sent, or was sent wrongly. No socket option and "
			"no sysctl accepts wrong checksums (SO_NO_CHECK only stops sending them); "
			"long ones fill the receive buffer until the program reads past them.%s",
		     zero ? " Over IPv6 a checksum of zero (none) counts as wrong, too: some tunnels send "
			    "such, and programs with UDP_NO_CHECK6_TX."
			  : "");
	evidence_counter(f, x, C_UDP_IN_CSUM_ERRORS);
	evidence_counter(f, x, C_UDP6_IN_CSUM_ERRORS);
	evidence_traced(f, x, "UDP_CSUM", traced);
	finding_exclude(f, "a full receive buffer (RcvbufErrors +%llu)",
			(unsigned long long)sum_of(x, C_UDP_RCVBUF_ERRORS, C_UDP6_RCVBUF_ERRORS));
	csum_remedies(f);
	if (zero)
		zero_checksum_remedy(f);
	return FOUND;
}

/* ---- lengths ---- */

/* InErrors that have no counter of their own. */
static struct change other_errors(const struct exam *x)
{
	struct change c = delta_sum(x->o, C_UDP_IN_ERRORS, C_UDP6_IN_ERRORS);
	uint64_t named = sum_of(x, C_UDP_RCVBUF_ERRORS, C_UDP6_RCVBUF_ERRORS) +
			 sum_of(x, C_UDP_IN_CSUM_ERRORS, C_UDP6_IN_CSUM_ERRORS) +
			 sum_of(x, C_UDP_MEM_ERRORS, C_UDP6_MEM_ERRORS);

	c.delta -= MIN(c.delta, named);
	return c;
}

enum outcome examine_udp_length(struct exam *x)
{
	static const char *const filter_reasons[] = {"SOCKET_FILTER", "XFRM_POLICY", NULL};
	struct drop_filter filtered = {.reasons = filter_reasons, .protocol = IPPROTO_UDP};
	uint64_t traced = ledger_traced(x->ledger, &length_drops);
	uint64_t refused = ledger_traced(x->ledger, &filtered);
	struct change counted = other_errors(x);
	const char *from;
	struct finding *f;
	struct remedy *r;
	char address[64];

	if (!traced) {
		evidence_counter(NULL, x, C_UDP_IN_ERRORS);
		evidence_counter(NULL, x, C_UDP6_IN_ERRORS);
		evidence_traced(NULL, x, "PKT_TOO_SMALL of UDP", traced);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &length_drops, UINT64_MAX);
	/* Where a socket's filter refuses some, too, the counter cannot be told apart. */
	finding_lost(f, counted.known && !refused ? &counted.delta : NULL, &traced,
		     received(x) + traced);
	f->severity = SEVERITY_WARNING;
	finding_flows(x, f, &length_drops);
	headline_with_sender(f, "datagrams with a wrong length field");
	finding_text(f, "Their UDP header says more than the packet holds, or less than a header. They "
			"were cut on the way, or their sender makes them wrong.");
	evidence_counter(f, x, C_UDP_IN_ERRORS);
	evidence_counter(f, x, C_UDP6_IN_ERRORS);
	evidence_traced(f, x, "PKT_TOO_SMALL of UDP", traced);
	finding_exclude(f, "bad checksums (InCsumErrors +%llu)",
			(unsigned long long)sum_of(x, C_UDP_IN_CSUM_ERRORS, C_UDP6_IN_CSUM_ERRORS));
	finding_exclude(f, "a full receive buffer (RcvbufErrors +%llu)",
			(unsigned long long)sum_of(x, C_UDP_RCVBUF_ERRORS, C_UDP6_RCVBUF_ERRORS));
	finding_exclude(f, "a socket's filter (SOCKET_FILTER, %llu traced)", (unsigned long long)refused);
	r = finding_remedy(f, "find-who-cuts", REMEDY_APPLICATION,
			   "look at the sender, and at what rewrites or cuts packets between");
	from = one_sender(f, address, sizeof(address));
	if (from)
		remedy_command(r, "tcpdump -nvi any udp and src host %s", from);
	return FOUND;
}

/* ---- memory of all sockets ---- */

struct udp_memory {
	uint64_t pages, peak; /* at the end; the most at one of the ends */
	int64_t limit[3];
	bool pages_known, known; /* known: and the limit */
};

static struct udp_memory memory_of(const struct exam *x)
{
	const struct sysctl_value *limit = &x->o->b.sysctl[K_UDP_MEM];
	struct udp_memory m = {0};

	if (!x->o->b.counter_present[C_SOCKSTAT_UDP_MEM])
		return m;
	m.pages_known = true;
	m.pages = x->o->b.counter[C_SOCKSTAT_UDP_MEM];
	m.peak = MAX(m.pages, x->o->a.counter[C_SOCKSTAT_UDP_MEM]);
	/* A namespace of its own does not see the limit that it is held to. */
	if (!source_ok(&x->o->b, SRC_SYSCTL) || limit->n < 3)
		return m;
	m.known = true;
	memcpy(m.limit, limit->v, sizeof(m.limit));
	return m;
}

/*
 * 6.18 counts these losses nowhere but in the sockets. Without a trace they are what sockets lost
 * beyond all that UDP counted, if its memory is used up.
 */
static uint64_t lost_in_sockets(const struct exam *x, const struct udp_memory *m)
{
	struct change errors = delta_sum(x->o, C_UDP_IN_ERRORS, C_UDP6_IN_ERRORS);
	uint64_t sum = 0;

	if (!m->known || m->limit[2] <= 0 || m->pages < (uint64_t)m->limit[2] || !errors.known)
		return 0;
	vec_each (sk, &x->o->b.sockets)
		if (sk->protocol == IPPROTO_UDP)
			sum += delta_value(delta_socket_drops(x->o, sk));
	return sum - MIN(sum, errors.delta);
}

static int by_memory(const void *one, const void *other)
{
	const struct subject *a = one, *b = other;

	return a->socket.rmem < b->socket.rmem ? 1 : a->socket.rmem > b->socket.rmem ? -1 : 0;
}

/* Those that hold the memory, whoever is refused because of them. */
static void add_holders(struct exam *x, struct finding *f)
{
	vec_each (sk, &x->o->b.sockets) {
		struct subject *s;
		uint64_t lost;

		if (sk->protocol != IPPROTO_UDP || (!sk->rmem && !sk->drops))
			continue;
		lost = delta_value(delta_socket_drops(x->o, sk));
		if (!sk->rmem && !lost)
			continue;
		s = finding_subject(f);
		subject_socket(x, s, sk);
		s->has_lost = lost > 0;
		s->lost = lost;
	}
	if (f->subjects.n)
		qsort(f->subjects.items, f->subjects.n, sizeof(*f->subjects.items), by_memory);
	f->subjects.n = MIN(f->subjects.n, SUBJECTS_SHOWN);
}

static void mem_remedies(struct exam *x, struct finding *f, const struct udp_memory *m)
{
	uint64_t kib = x->o->b.counter_present[C_MEM_TOTAL] ? x->o->b.counter[C_MEM_TOTAL] : 0;
	/* What was dropped wanted in as well; a datagram holds a page at most, but for large ones. */
	uint64_t wanted = MAX(m->peak, (uint64_t)MAX(m->limit[2], 1)) + MIN(f->lost, LOST_PAGES_MAX);
	int64_t to = (int64_t)next_power_of_two(wanted * 2);
	int64_t most = (int64_t)(kib / 4 * UDP_MEM_SHARE_MAX / 100);
	char from_text[64], to_text[64];
	struct remedy *r;

	r = finding_remedy(f, "free-udp-memory", REMEDY_APPLICATION,
			   "let the program with the fullest buffers read faster, or have smaller ones");
	remedy_why(r, "what one socket holds is missing to all others of the host");
	if (f->subjects.n)
		remedy_command(r, "ss -uanmp");
	if (!m->known) {
		r = finding_remedy(f, "raise-udp-mem", REMEDY_SYSCTL, "on the host: raise udp_mem");
		remedy_why(r, "%llu pages are in use; the limit is not shown in this namespace",
			   (unsigned long long)m->peak);
		remedy_command(r, "sysctl net.ipv4.udp_mem");
		return;
	}
	if (most && to > most && (to = most) <= m->limit[2])
		return;
	snprintf(from_text, sizeof(from_text), "%lld %lld %lld", (long long)m->limit[0],
		 (long long)m->limit[1], (long long)m->limit[2]);
	snprintf(to_text, sizeof(to_text), "%lld %lld %lld", (long long)to / 2, (long long)to / 4 * 3,
		 (long long)to);
	r = finding_remedy(f, "raise-udp-mem", REMEDY_SYSCTL, "%sraise udp_mem: %s -> %s pages",
			   strcmp(x->o->name, "host") == 0 ? "" : "on the host: ", from_text, to_text);
	remedy_why(r, "%llu pages are in use and %lld allowed", (unsigned long long)m->peak,
		   (long long)m->limit[2]);
	remedy_cost(r, "UDP may use up to %lld MiB of memory%s", (long long)(to / 256),
		    kib ? "" : "; no more than 15 % of it is wise");
	remedy_risk(r, "buffers that no reader empties then hold more old data");
	remedy_sysctl_text(r, "net.ipv4.udp_mem", from_text, to_text);
}

static void mem_evidence(struct exam *x, struct finding *f, const struct udp_memory *m,
			 uint64_t traced)
{
	if (m->pages_known)
		evidence_value(f, x, "/proc/net/sockstat", "UDP.mem (pages, whole host)", m->pages);
	if (m->known)
		evidence_value(f, x, "/proc/sys/net", "net.ipv4.udp_mem, the last", (uint64_t)m->limit[2]);
	evidence_counter(f, x, C_UDP_MEM_ERRORS);
	evidence_counter(f, x, C_UDP6_MEM_ERRORS);
	evidence_traced(f, x, "PROTO_MEM of UDP", traced);
}

/* SEV-U, where the limit is larger than what CPUs may run ahead of it. */
static bool is_near(const struct exam *x, const struct udp_memory *m, enum severity *ret)
{
	int64_t ahead = PAGES_AHEAD * (int64_t)MAX(x->o->b.cpus.n, (size_t)1);

	if (!m->known || m->limit[2] <= 4 * ahead || (int64_t)m->pages * 4 < m->limit[2] * 3)
		return false;
	*ret = (int64_t)m->pages * 20 >= m->limit[2] * 19  ? SEVERITY_CRITICAL
	       : (int64_t)m->pages * 10 >= m->limit[2] * 9 ? SEVERITY_WARNING
							   : SEVERITY_INFO;
	return true;
}

enum outcome examine_udp_mem(struct exam *x)
{
	struct change counted = delta_sum(x->o, C_UDP_MEM_ERRORS, C_UDP6_MEM_ERRORS);
	uint64_t traced = ledger_traced(x->ledger, &mem_drops), lost;
	struct udp_memory m = memory_of(x);
	enum severity near = SEVERITY_INFO;
	struct finding *f;

	if (delta_value(counted) > traced)
		traced += traced_nowhere(x, &mem_drops, counted.delta - traced);
	lost = MAX(delta_value(counted), traced);
	if (!lost && !tracing(x))
		lost = lost_in_sockets(x, &m);
	if (!lost && !is_near(x, &m, &near)) {
		mem_evidence(x, NULL, &m, traced);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &mem_drops, UINT64_MAX);
	if (!delta_value(counted) && !traced && lost) {
		f->confidence = LIKELY;
		finding_lost(f, &lost, NULL, received(x) + lost);
	} else {
		/* A counter that stands still while drops are traced is one that is not kept. */
		finding_lost(f, delta_value(counted) ? &counted.delta : NULL,
			     tracing(x) ? &traced : NULL, received(x) + lost);
	}
	f->severity = lost ? severity_of_share(x, f->lost, f->of) : near;
	f->state = lost ? f->state : AT_RISK;
	finding_headline(f, "the memory of all UDP sockets (udp_mem) is %s",
			 lost ? "used up" : "nearly used up");
	finding_text(f, "All UDP sockets of the host share one account of memory, over all namespaces. "
			"Once it is used up a datagram is dropped although its own socket has room.");
	add_holders(x, f);
	mem_evidence(x, f, &m, traced);
	finding_exclude(f, "a full socket buffer (RcvbufErrors +%llu)",
			(unsigned long long)sum_of(x, C_UDP_RCVBUF_ERRORS, C_UDP6_RCVBUF_ERRORS));
	finding_flows(x, f, &mem_drops);
	mem_remedies(x, f, &m);
	return FOUND;
}

/* ---- datagrams in fragments ---- */

/* What fits into one packet on every device that is up; 0 unknown. */
static unsigned int smallest_mtu(const struct exam *x)
{
	unsigned int least = 0;

	vec_each (link, &x->o->b.links)
		if ((link->flags & IFF_UP) && !(link->flags & IFF_LOOPBACK) && link->mtu &&
		    (!least || link->mtu < least))
			least = link->mtu;
	return least;
}

static void large_remedies(struct exam *x, struct finding *f)
{
	unsigned int mtu = smallest_mtu(x);
	struct remedy *r = finding_remedy(f, "smaller-datagrams", REMEDY_APPLICATION,
					  "let the programs send datagrams that fit into one packet");

	if (mtu > 1280)
		remedy_why(r, "the smallest MTU here is %u: %u bytes over IPv4, %u over IPv6; paths "
			      "beyond may carry less (DNS takes 1232)",
			   mtu, mtu - 28, mtu - 48);
	else
		remedy_why(r, "every IPv6 path carries 1232 bytes of UDP, nearly every IPv4 path 1472");
	remedy_cost(r, "more datagrams, which the program must number and join itself");
}

static void fragment_evidence(struct exam *x, struct finding *f)
{
	static const enum counter_id ids[] = {
		C_IP_FRAG_O_KS,	   C_IP_FRAG_CREATES,	C_IP_REASM_REQDS,  C_IP_REASM_O_KS,
		C_IP_REASM_FAILS,  C_IP6_FRAG_O_KS,	C_IP6_FRAG_CREATES, C_IP6_REASM_REQDS,
		C_IP6_REASM_O_KS,  C_IP6_REASM_FAILS,
	};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (!f || delta_value(delta_counter(x->o, ids[i])))
			evidence_counter(f, x, ids[i]);
}

/*
 * TCP fits its segments to the path, so what travels in fragments is UDP, but for a large ping. It
 * is no loss; but a datagram is lost with any one of its fragments, and fragments have no ports:
 * firewalls and load balancers drop them.
 */
enum outcome examine_udp_large(struct exam *x)
{
	uint64_t sent = sum_of(x, C_IP_FRAG_O_KS, C_IP6_FRAG_O_KS);
	uint64_t made = sum_of(x, C_IP_FRAG_CREATES, C_IP6_FRAG_CREATES);
	uint64_t joined = sum_of(x, C_IP_REASM_O_KS, C_IP6_REASM_O_KS);
	uint64_t arrived = sum_of(x, C_IP_REASM_REQDS, C_IP6_REASM_REQDS);
	bool tx = sent >= FRAGMENTED_LEAST &&
		  sent <= sum_of(x, C_UDP_OUT_DATAGRAMS, C_UDP6_OUT_DATAGRAMS);
	bool rx = arrived >= 2 * FRAGMENTED_LEAST && joined <= received(x);
	uint64_t whole = tx ? sent : joined, pieces = tx ? made : arrived;
	struct finding *f;

	if (!tx && !rx) {
		fragment_evidence(x, NULL);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->confidence = LIKELY;
	f->has_direction = tx != rx;
	f->direction = tx ? DIR_TX : DIR_RX;
	finding_headline(f, "datagrams larger than the MTU are %s in fragments",
			 tx && rx ? "sent and received" : tx ? "sent" : "received");
	if (whole)
		finding_text(f, "One of these datagrams is about %llu packets, and the loss of any one "
				"of them loses it whole.",
			     (unsigned long long)((pieces + whole - 1) / whole));
	else
		finding_text(f, "Not one datagram was put together: some of the fragments of each do "
				"not arrive.");
	fragment_evidence(x, f);
	large_remedies(x, f);
	return FOUND;
}
