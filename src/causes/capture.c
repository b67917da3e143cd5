// SPDX-License-Identifier: GPL-2.0-or-later
/* Troubles of one kind become one finding; its subjects are the servers. */
#include "causes/capture_tell.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

#define SUBJECTS_MAX 20

#define CAPTURE(id_, title_, guide_)                                                               \
	{.id = id_, .title = title_, .kind = CAUSE_LOSS_POINT, .stage = STAGE_TCP,                 \
	 .direction = DIR_BOTH, .guide = guide_, .companions = "", .lab = "cli:pcap"},
const struct cause_row capture_causes[] = {
#include "causes/capture.def"
};
const size_t capture_causes_n = ARRAY_SIZE(capture_causes);
#undef CAPTURE

const struct cause_row *capture_cause(const char *id)
{
	for (size_t i = 0; i < capture_causes_n; i++)
		if (strcmp(capture_causes[i].id, id) == 0)
			return &capture_causes[i];
	return NULL;
}

struct kind_row {
	const char *id;	  /* of capture.def */
	const char *host; /* the cause that a host has of it; NULL */
	void (*describe)(const struct group *g, struct finding *f);
	bool sides; /* it is told of clients and of servers apart */
};

const char *endpoint_text(const struct endpoint *e, char *to, size_t size)
{
	char address[INET6_ADDRSTRLEN];

	if (!e->family)
		snprintf(to, size, "others");
	else
		snprintf(to, size, e->family == AF_INET6 ? "[%s]:%u" : "%s:%u",
			 address_text(e->family, e->address, address, sizeof(address)), e->port);
	return to;
}

/* ---- words ---- */

struct words where(const struct group *g)
{
	struct words w;
	size_t n;

	endpoint_text(&g->worst->server, w.s, sizeof(w.s));
	n = strlen(w.s);
	if (g->servers > 1)
		snprintf(w.s + n, sizeof(w.s) - n, " and %s%llu more", g->others ? "at least " : "",
			 (unsigned long long)g->servers - 1);
	return w;
}

struct words seconds(int64_t ns)
{
	struct words w;

	if (ns < NSEC_PER_SEC)
		snprintf(w.s, sizeof(w.s), "%.0f ms", (double)ns / 1e6);
	else
		snprintf(w.s, sizeof(w.s), "%.1f s", (double)ns / 1e9);
	return w;
}

const char *side(const struct group *g)
{
	return g->worst->at_client ? "client" : "server";
}

static const struct kind_row kinds[TROUBLE_N] = {
	[TROUBLE_SYN_FLOOD] = {"cap-syn-flood", "syn-flood", tell_syn_flood},
	[TROUBLE_SYN_PAWS] = {"cap-syn-paws", "tw-recycle-legacy", tell_syn_paws},
	[TROUBLE_SYN_TIMEWAIT] = {"cap-syn-paws", "paws-timewait", tell_syn_timewait},
	[TROUBLE_SYN_SELECTIVE] = {"cap-handshake", "syn-timeout", tell_syn_selective},
	[TROUBLE_SYN_QUEUE] = {"cap-handshake", "listen-overflow", tell_syn_queue},
	[TROUBLE_SYN_LATE] = {"cap-syn-paws", "paws-timewait", tell_syn_late},
	[TROUBLE_SYN_BARE] = {"cap-handshake", "synq-cookies", tell_syn_bare},
	[TROUBLE_SYN_SILENT] = {"cap-handshake", "syn-timeout", tell_syn_silent},
	[TROUBLE_SYN_LONE] = {"cap-handshake", NULL, tell_syn_lone},
	[TROUBLE_SYN_REFUSED] = {"cap-handshake", "rst-closed-port", tell_syn_refused},
	[TROUBLE_SYN_ICMP] = {"cap-icmp", NULL, tell_icmp},
	[TROUBLE_SYNACK_SILENT] = {"cap-handshake", "synack-retrans", tell_synack_silent},
	[TROUBLE_ACCEPT_FULL] = {"cap-handshake", "listen-overflow", tell_accept_full},
	[TROUBLE_MTU] = {"cap-retrans", "pmtu-blackhole", tell_mtu, true},
	[TROUBLE_DIED] = {"cap-retrans", "estab-timeout", tell_died, true},
	[TROUBLE_LOSS] = {"cap-retrans", NULL, tell_loss, true},
	[TROUBLE_ZERO_WINDOW] = {"cap-zero-window", "tcp-zero-window-rx", tell_zero_window, true},
	[TROUBLE_RESET_IDLE] = {"cap-rst-origin", "keepalive-vs-lb-idle", tell_reset_idle, true},
	[TROUBLE_SILENT_IDLE] = {"cap-rst-origin", "keepalive-vs-lb-idle", tell_silent_idle, true},
	[TROUBLE_RESET_FORGED] = {"cap-rst-origin", "rst-middlebox", tell_reset_forged, true},
	[TROUBLE_RESET_KEEPALIVE] = {"cap-keepalive", "keepalive-dead-peer", tell_reset_keepalive, true},
	[TROUBLE_RESET_ABORT] = {"cap-rst-origin", NULL, tell_reset_abort, true},
	[TROUBLE_UDP_SILENT] = {"cap-udp-silent", NULL, tell_udp_silent},
	[TROUBLE_UDP_REFUSED] = {"cap-icmp", "udp-noport", tell_udp_refused},
	[TROUBLE_UDP_LOSS] = {"cap-udp-loss", NULL, tell_udp_loss, true},
	[TROUBLE_ICMP] = {"cap-icmp", NULL, tell_icmp},
	[TROUBLE_FLAGS] = {"cap-flags", NULL, tell_flags},
	[TROUBLE_SPURIOUS] = {"cap-retrans", "tcp-spurious-retrans", tell_spurious, true},
	[TROUBLE_REORDERED] = {"cap-dup-reorder", "tcp-reordering", tell_reordered, true},
	[TROUBLE_DUPLICATED] = {"cap-dup-reorder", NULL, tell_duplicated, true},
	[TROUBLE_GAP] = {"cap-gap", NULL, tell_gap, true},
	[TROUBLE_ID_LOSS] = {"cap-id-loss", NULL, tell_id_loss, true},
	[TROUBLE_WINDOW] = {"cap-mss-window", "buffer-limited-throughput", tell_window, true},
	[TROUBLE_CORRUPT] = {"cap-corrupt", "tcp-csum-error", tell_corrupt, true},
	[TROUBLE_RTP_LOSS] = {"cap-rtp-loss", NULL, tell_rtp_loss, true},
	[TROUBLE_UDP_LATE] = {"cap-udp-silent", NULL, tell_udp_late},
	[TROUBLE_UDP_PARTLY] = {"cap-udp-silent", NULL, tell_udp_partly},
	[TROUBLE_FRAGMENTS] = {"cap-fragments", NULL, tell_fragments, true},
	[TROUBLE_ONE_WAY] = {"cap-gap", NULL, tell_one_way, true},
	[TROUBLE_RESET_INJECTED] = {"cap-rst-origin", "rst-middlebox", tell_reset_injected, true},
	[TROUBLE_RESET_UNKNOWN] = {"cap-keepalive", "rst-unknown-connection", tell_reset_unknown, true},
	[TROUBLE_RESET_CLOSED] = {"cap-teardown", "rst-data-after-close", tell_reset_closed, true},
	[TROUBLE_CLOSE_WAIT] = {"cap-teardown", "close-wait-leak", tell_close_wait, true},
	[TROUBLE_FIN_SILENT] = {"cap-teardown", NULL, tell_fin_silent, true},
	[TROUBLE_DIRECTION] = {"cap-two-ways", NULL, tell_direction, true},
	[TROUBLE_TWO_WAYS] = {"cap-two-ways", NULL, tell_two_ways},
};

/* ---- findings ---- */

static bool same_server(const struct trouble *a, const struct trouble *b)
{
	return a->server.family == b->server.family && a->server.port == b->server.port &&
	       memcmp(a->server.address, b->server.address, sizeof(a->server.address)) == 0;
}

/* A server has one trouble for its own side, and one for that of its clients. */
static uint64_t distinct(const struct trouble **list, size_t n)
{
	uint64_t servers = n;

	for (size_t i = 1; i < MIN(n, (size_t)SUBJECTS_MAX); i++)
		for (size_t j = 0; j < i; j++)
			if (same_server(list[i], list[j])) {
				servers--;
				break;
			}
	return servers;
}

static bool is_worse(const struct trouble *t, const struct trouble *than)
{
	if (!t->server.family != !than->server.family)
		return t->server.family;
	return t->flows > than->flows || (t->flows == than->flows && t->amount > than->amount);
}

static void add_up(struct group *g, const struct trouble *t)
{
	if (!g->worst || is_worse(t, g->worst))
		g->worst = t;
	g->others |= !t->server.family;
	g->flows += t->flows;
	g->amount += t->amount;
	g->of += t->of;
	for (size_t i = 0; i < ARRAY_SIZE(g->detail); i++)
		g->detail[i] += t->detail[i];
	if (t->ns_min)
		g->ns_min = g->ns_min ? MIN(g->ns_min, t->ns_min) : t->ns_min;
	g->ns_max = MAX(g->ns_max, t->ns_max);
	g->ns_sum += t->ns_sum;
	g->ns_survived = MAX(g->ns_survived, t->ns_survived);
}

static int by_flows(const void *a, const void *b)
{
	const struct trouble *const *x = a, *const *y = b;

	if ((*x)->flows != (*y)->flows)
		return (*x)->flows < (*y)->flows ? 1 : -1;
	return ((*x)->packet > (*y)->packet) - ((*x)->packet < (*y)->packet);
}

static void subject(struct finding *f, const struct trouble *t, bool sides)
{
	struct subject *s = finding_subject(f);
	struct buf line = {0};
	char server[96];

	buf_printf(&line, "%s%s (%llu flow%s; flow %u", !sides ? "" : t->at_client ? "clients of " : "server ",
		   endpoint_text(&t->server, server, sizeof(server)), N(t->flows), S(t->flows), t->flow);
	if (t->packet)
		buf_printf(&line, ", packet %llu", N(t->packet));
	if (t->packet_2 && t->packet_2 != t->packet)
		buf_printf(&line, " and %llu", N(t->packet_2));
	buf_puts(&line, ")");
	s->address = line.data;
}

static struct group group_of(const struct analysis *a, const struct trouble **list, size_t n)
{
	struct group g = {.a = a};

	for (size_t i = 0; i < n; i++)
		add_up(&g, list[i]);
	qsort(list, n, sizeof(struct trouble *), by_flows);
	g.servers = distinct(list, n);
	return g;
}

void capture_describe(const struct analysis *a, const struct trouble **list, size_t n,
		      struct finding *ret)
{
	enum trouble_kind kind = list[0]->kind;
	struct group g = group_of(a, list, n);

	*ret = (struct finding){.cause = capture_cause(kinds[kind].id), .unit = "packets"};
	kinds[kind].describe(&g, ret);
}

static void one_kind(const struct analysis *a, const struct diagnosis *host, struct diagnosis *d,
		     enum trouble_kind kind, const struct trouble **list, size_t n)
{
	struct exam x = {.d = d, .o = d->observations.items, .row = capture_cause(kinds[kind].id)};
	struct group g = group_of(a, list, n);
	struct finding *f = finding_new(&x);

	f->via = kinds[kind].host ? cause_by_id(kinds[kind].host) : NULL;
	kinds[kind].describe(&g, f);
	for (size_t i = 0; i < MIN(n, (size_t)SUBJECTS_MAX); i++)
		subject(f, list[i], kinds[kind].sides);
	evidence_text(f, &x, "flow %u: packet %llu%s", g.worst->flow, N(g.worst->packet),
		      kind == TROUBLE_LOSS ? " is the first that was sent again" : "");
	if (host)
		capture_side(host, g.worst, f);
}

static int by_weight(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	return (int)y->severity - (int)x->severity;
}

/* Severity decides; among equals the order of the kinds, which is that of a connection's life. */
void capture_worst_first(struct diagnosis *d)
{
	for (size_t i = 1; i < d->findings.n; i++)
		for (size_t j = i; j && by_weight(&d->findings.items[j - 1], &d->findings.items[j]) > 0; j--) {
			struct finding f = d->findings.items[j];

			d->findings.items[j] = d->findings.items[j - 1];
			d->findings.items[j - 1] = f;
		}
	d->verdict = HEALTHY;
	vec_each (f, &d->findings)
		if (f->severity >= SEVERITY_WARNING)
			d->verdict = LOSING_VERDICT;
}

void capture_diagnose(const struct analysis *a, struct diagnosis *host, struct diagnosis *ret)
{
	const struct trouble **list = xcalloc(MAX(a->troubles_n, 1), sizeof(*list));
	bool *explained = xcalloc(MAX(a->troubles_n, 1), sizeof(*explained));
	struct observation *o;

	*ret = (struct diagnosis){0};
	o = vec_push(&ret->observations);
	o->seconds = (double)(a->sum.last_ns - a->sum.first_ns) / 1e9;
	if (host)
		capture_join(a, host, ret, explained);
	for (enum trouble_kind kind = 0; kind < TROUBLE_N; kind++) {
		size_t n = 0;

		for (size_t i = 0; i < a->troubles_n; i++)
			if (a->troubles[i].kind == kind && !explained[i])
				list[n++] = &a->troubles[i];
		if (n)
			one_kind(a, host, ret, kind, list, n);
	}
	capture_worst_first(ret);
	free(explained);
	free(list);
}
