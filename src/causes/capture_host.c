// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A capture shows what happened to a connection, its host knows why. They are joined where the host
 * dropped packets of that very server, or where the socket that the host accuses is the one of the
 * capture. A cause at another address or port takes nothing.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "causes/capture_host.h"

#define SERVERS_TOLD 5

/* How a finding of the host and a trouble of the capture are known to be of the same thing. */
enum match {
	MATCH_DROPPED,	  /* it lost packets to or from that server, at least half of those in trouble */
	MATCH_LISTENER,	  /* one of its sockets listens, or takes datagrams, there */
	MATCH_PORT,	  /* likewise, where it is known by its port and not by its address */
	MATCH_CONNECTION, /* one of its sockets is the end that the capture blames */
	MATCH_PEER,	  /* one of its sockets is the other end */
};

#define K(kind) (1ULL << TROUBLE_##kind)
_Static_assert(TROUBLE_N <= 64, "a set of kinds is one word");
#define SILENT (K(SYN_SILENT) | K(SYN_TIMEWAIT) | K(SYN_PAWS) | K(SYN_SELECTIVE) | K(SYN_QUEUE))
#define OPENING (SILENT | K(SYN_FLOOD) | K(SYN_LONE) | K(SYNACK_SILENT) | K(ACCEPT_FULL))

/*
 * Which cause of a host explains what of a capture: the first row that fits. `cause` is that of the
 * finding or the loss point behind it; NULL: any that lost packets, and did not answer by a reset.
 */
static const struct join_row {
	uint64_t kinds;
	const char *cause;
	enum match match;
} rows[] = {
	{K(SYN_FLOOD), "syn-flood", MATCH_LISTENER},
	{OPENING, "listen-overflow", MATCH_LISTENER},
	{OPENING, "synq-full-drop", MATCH_LISTENER},
	{OPENING, "synbacklog-quarter", MATCH_LISTENER},
	{OPENING, "tcp-defer-accept", MATCH_LISTENER},
	{OPENING, NULL, MATCH_DROPPED},
	{K(SYN_REFUSED), "rst-closed-port", MATCH_DROPPED},
	{K(SYN_REFUSED) | K(SYN_ICMP) | K(ICMP), "fw-reject", MATCH_DROPPED},
	{K(SYN_ICMP) | K(ICMP), NULL, MATCH_DROPPED},
	{K(UDP_REFUSED), "udp-noport", MATCH_DROPPED},
	{K(UDP_SILENT), "udp-rcvbuf-full", MATCH_LISTENER},
	{K(UDP_SILENT), NULL, MATCH_DROPPED},
	{K(ZERO_WINDOW), "tcp-zero-window-rx", MATCH_CONNECTION},
	{K(ZERO_WINDOW), "tcp-zero-window-tx", MATCH_PEER},
	{K(RESET_ABORT), "rst-app-unread-close", MATCH_CONNECTION},
	{K(RESET_ABORT), "rst-linger0", MATCH_CONNECTION},
	{K(RESET_ABORT), "rst-data-after-close", MATCH_CONNECTION},
	{K(RESET_ABORT), "rst-app-unread-close", MATCH_PORT},
	{K(RESET_ABORT), "rst-linger0", MATCH_PORT},
	{K(RESET_ABORT), "rst-data-after-close", MATCH_PORT},
	{K(RESET_ABORT), "rst-unknown-connection", MATCH_DROPPED},
	{K(RESET_KEEPALIVE), "keepalive-dead-peer", MATCH_CONNECTION},
	{K(RESET_CLOSED), "rst-data-after-close", MATCH_CONNECTION},
	{K(RESET_CLOSED), "rst-data-after-close", MATCH_PORT},
	{K(CLOSE_WAIT), "close-wait-leak", MATCH_CONNECTION},
	{K(LOSS) | K(DIED) | K(DIRECTION) | K(MTU) | K(SILENT_IDLE), NULL, MATCH_DROPPED},
};

/* What a capture shows of each, as evidence. */
static const char *const seen[TROUBLE_N] = {
	[TROUBLE_SYN_SILENT] = "SYNs sent again and never answered",
	[TROUBLE_SYN_FLOOD] = "a flood of SYNs",
	[TROUBLE_SYN_PAWS] = "SYNs with older time stamps never answered",
	[TROUBLE_SYN_TIMEWAIT] = "SYNs answered by an older connection",
	[TROUBLE_SYN_SELECTIVE] = "SYNs ignored while others were answered",
	[TROUBLE_SYN_QUEUE] = "SYNs ignored for a time",
	[TROUBLE_SYN_LONE] = "SYNs never answered",
	[TROUBLE_SYN_REFUSED] = "SYNs answered by a reset",
	[TROUBLE_SYN_ICMP] = "SYNs answered by ICMP",
	[TROUBLE_SYNACK_SILENT] = "SYN-ACKs that no ACK followed",
	[TROUBLE_ACCEPT_FULL] = "SYN-ACKs sent again after the ACK had come",
	[TROUBLE_MTU] = "large packets sent again and again",
	[TROUBLE_DIED] = "data sent again and never acknowledged",
	[TROUBLE_LOSS] = "segments lost and sent again",
	[TROUBLE_ZERO_WINDOW] = "windows closed",
	[TROUBLE_SILENT_IDLE] = "no answer any more after a silence",
	[TROUBLE_RESET_KEEPALIVE] = "keepalives without an answer",
	[TROUBLE_RESET_ABORT] = "open connections reset",
	[TROUBLE_DIRECTION] = "data of one side never acknowledged, while the other's came",
	[TROUBLE_RESET_CLOSED] = "data that came after close()",
	[TROUBLE_CLOSE_WAIT] = "a FIN that no FIN followed",
	[TROUBLE_UDP_SILENT] = "requests without an answer",
	[TROUBLE_UDP_LOSS] = "datagrams lost before the capture",
	[TROUBLE_UDP_REFUSED] = "requests answered by ICMP \"port unreachable\"",
	[TROUBLE_ICMP] = "packets answered by ICMP",
};

/* ---- the same thing? ---- */

static size_t address_size(uint8_t family)
{
	return family == AF_INET6 ? 16 : 4;
}

static bool is_any(uint8_t family, const uint8_t *address)
{
	static const uint8_t any[16];

	return memcmp(address, any, address_size(family)) == 0;
}

/* An IPv4 address as an IPv6 socket has it: ::ffff:192.0.2.1. */
static bool is_mapped(const uint8_t *address, const uint8_t *v4)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address, prefix, sizeof(prefix)) == 0 && memcmp(address + 12, v4, 4) == 0;
}

static bool same_address(uint8_t family, const uint8_t *address, const struct endpoint *e)
{
	if (family == e->family)
		return memcmp(address, e->address, address_size(family)) == 0;
	return family == AF_INET6 && e->family == AF_INET && is_mapped(address, e->address);
}

static bool is_of_host(const struct observation *o, const struct endpoint *e)
{
	if (!o || !source_ok(&o->b, SRC_ADDRESSES))
		return false;
	vec_each(a, &o->b.addresses)
		if (same_address(a->family, a->address, e))
			return true;
	/* All of 127.0.0.0/8 is the host itself. */
	return e->family == AF_INET && e->address[0] == 127;
}

static bool listens_there(const struct observation *o, const struct socket *sk,
			  const struct endpoint *e)
{
	if (sk->local_port != e->port || !is_of_host(o, e))
		return false;
	if (!is_any(sk->family, sk->local))
		return same_address(sk->family, sk->local, e);
	return sk->family == e->family || (sk->family == AF_INET6 && !sk->v6only);
}

/* The socket's own end is that of the client, or of the server. */
static bool is_connection(const struct socket *sk, const struct trouble *t, bool client)
{
	if (client)
		return sk->remote_port == t->server.port &&
		       same_address(sk->family, sk->remote, &t->server);
	return sk->local_port == t->server.port && same_address(sk->family, sk->local, &t->server);
}

static uint8_t protocol_of(enum trouble_kind kind)
{
	if (kind == TROUBLE_ICMP)
		return 0;
	return kind == TROUBLE_UDP_SILENT || kind == TROUBLE_UDP_REFUSED ||
	       kind == TROUBLE_UDP_LOSS ? IPPROTO_UDP : IPPROTO_TCP;
}

static bool flow_meets(const struct drop_flow *flow, const struct trouble *t)
{
	uint8_t protocol = protocol_of(t->kind);
	bool to = flow->destination_port == t->server.port &&
		  same_address(flow->family, flow->destination, &t->server);
	bool from = flow->source_port == t->server.port &&
		    same_address(flow->family, flow->source, &t->server);

	if (protocol && flow->protocol != protocol)
		return false;
	/* Whose data it was that had to be sent again is known. */
	if (t->kind == TROUBLE_LOSS || t->kind == TROUBLE_DIED || t->kind == TROUBLE_DIRECTION || t->kind == TROUBLE_MTU)
		return t->at_client ? to : from;
	return to || from;
}

static bool same_place(const struct drop_flow *a, const struct drop_flow *b)
{
	return a->netns == b->netns && strcmp(a->reason, b->reason) == 0 &&
	       strcmp(a->symbol, b->symbol) == 0;
}

/*
 * A finding lists its largest flows only; the others were dropped at the same place. Where rules drop,
 * that is the place of all of them: there one of the flows must be listed.
 */
static uint64_t dropped(const struct diagnosis *host, const struct finding *f,
			const struct trouble *t)
{
	uint64_t listed = 0, all = 0;

	vec_each(flow, &f->flows)
		if (flow_meets(flow, t))
			listed += flow->packets;
	if (!host->drops || !f->flows.n ||
	    (!listed && strcmp(f->flows.items[0].reason, "NETFILTER_DROP") == 0))
		return listed;
	vec_each(flow, &host->drops->flows)
		if (flow_meets(flow, t) && same_place(flow, &f->flows.items[0]))
			all += flow->packets;
	return MAX(listed, all);
}

/* A host that lost a tenth of what is missing does not explain the rest. */
static bool dropped_enough(const struct diagnosis *host, const struct finding *f,
			   const struct trouble *t)
{
	uint64_t n = dropped(host, f, t);

	return n && n * 2 >= t->amount;
}

static bool socket_meets(const struct observation *o, const struct socket *sk,
			 const struct trouble *t, enum match match)
{
	switch (match) {
	case MATCH_LISTENER:
		return listens_there(o, sk, &t->server);
	case MATCH_PORT:
		return sk->state == STATE_LISTEN && sk->local_port == t->server.port &&
		       is_of_host(o, &t->server);
	case MATCH_CONNECTION:
		return is_connection(sk, t, t->at_client);
	case MATCH_PEER:
		return is_connection(sk, t, !t->at_client);
	case MATCH_DROPPED:
		break;
	}
	return false;
}

static bool meets(const struct diagnosis *host, const struct finding *f, const struct trouble *t,
		  enum match match)
{
	if (match == MATCH_DROPPED)
		return dropped_enough(host, f, t);
	vec_each(s, &f->subjects)
		if (s->has_socket && socket_meets(f->where, &s->socket, t, match))
			return true;
	return false;
}

static bool is_cause(const struct finding *f, const char *cause)
{
	if (!cause)
		return f->lost && strncmp(f->cause->id, "rst-", 4) != 0;
	return strcmp(f->cause->id, cause) == 0 || (f->via && strcmp(f->via->id, cause) == 0);
}

static bool explains(const struct diagnosis *host, const struct finding *f,
		     const struct trouble *t)
{
	if (f->state == LOST_BEFORE || f->cause->kind == CAUSE_ELSEWHERE || !t->server.family)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if ((rows[i].kinds & (1ULL << t->kind)) && is_cause(f, rows[i].cause) &&
		    meets(host, f, t, rows[i].match))
			return true;
	return false;
}

/* ---- one finding of both ---- */

static void tell_trouble(struct finding *f, const struct trouble *t)
{
	struct exam x = {0};
	char server[96];

	endpoint_text(&t->server, server, sizeof(server));
	evidence_text(f, &x, "the capture: %s: %s, %llu connection%s; flow %u, packet %llu", server,
		      seen[t->kind], (unsigned long long)t->flows, t->flows == 1 ? "" : "s", t->flow,
		      (unsigned long long)t->packet);
}

/* The troubles that the finding explains, in the order of a connection's life. */
static size_t explained_by(const struct analysis *a, const struct diagnosis *host,
			   const struct finding *f, const bool *taken, const struct trouble **list)
{
	size_t n = 0;

	for (size_t i = 0; i < a->troubles_n; i++)
		if (!taken[i] && explains(host, f, &a->troubles[i]))
			list[n++] = &a->troubles[i];
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j && list[j]->kind < list[j - 1]->kind; j--) {
			const struct trouble *t = list[j];

			list[j] = list[j - 1];
			list[j - 1] = t;
		}
	return n;
}

static struct finding join(const struct analysis *a, const struct finding *of_host,
			   const struct trouble **list, size_t n)
{
	struct finding f = *of_host, shown = {0};
	char *headline = f.headline;
	size_t first = 0;

	while (first < n && list[first]->kind == list[0]->kind)
		first++;
	capture_describe(a, list, first, &shown);
	f.capture = shown.cause;
	f.severity = MAX(f.severity, shown.severity);
	f.headline = NULL;
	finding_headline(&f, "%s: %s", shown.headline, headline ? headline : f.cause->title);
	free(headline);
	for (size_t i = 0; i < MIN(n, (size_t)SERVERS_TOLD); i++)
		tell_trouble(&f, list[i]);
	finding_done(&shown);
	return f;
}

void capture_side(const struct diagnosis *host, const struct trouble *t, struct finding *f)
{
	struct exam x = {0};

	vec_each(o, &host->observations)
		if (is_of_host(o, &t->server)) {
			evidence_text(f, &x, "captured at the server: this host has its address");
			return;
		}
	vec_each(o, &host->observations)
		if (is_of_host(o, &t->client)) {
			evidence_text(f, &x, "captured at the client: this host has its address");
			return;
		}
}

void capture_join(const struct analysis *a, struct diagnosis *host, struct diagnosis *ret,
		  bool *explained)
{
	const struct trouble **list = xcalloc(MAX(a->troubles_n, 1), sizeof(*list));
	size_t kept = 0;

	vec_each(f, &host->findings) {
		size_t n = explained_by(a, host, f, explained, list);

		if (!n) {
			host->findings.items[kept++] = *f;
			continue;
		}
		*vec_push(&ret->findings) = join(a, f, list, n);
		for (size_t i = 0; i < n; i++)
			explained[list[i] - a->troubles] = true;
	}
	host->findings.n = kept;
	free(list);
}
