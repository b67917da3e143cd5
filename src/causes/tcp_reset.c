// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: segments that find no connection here and are answered with a reset, and why it is
 * gone: no listener, a program that ended or was started again, TIME_WAIT cut short, or a
 * connection that was never this host's.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define SUBJECTS_SHOWN 16
#define TIME_WAIT_SECONDS 60 /* include/net/tcp.h TCP_TIMEWAIT_LEN */
#define TIME_WAIT_BYTES 256  /* struct tcp_timewait_sock, rounded up */
#define TW_BUCKETS_MOST (1 << 21)

static const char *const closed_reasons[] = {"NO_SOCKET", NULL};
static const char *const closed_symbols[] = {"tcp_v4_rcv", "tcp_v6_rcv", NULL};
static const struct drop_filter closed_drops = {
	.reasons = closed_reasons, .symbols = closed_symbols, .protocol = IPPROTO_TCP};

/* tcp_rcv_state_process() in state LISTEN; it has a reason for an ACK since 6.2. */
static const char *const flags_reasons[] = {"TCP_FLAGS", NULL};
static const char *const unnamed_reasons[] = {"NOT_SPECIFIED", NULL};
static const char *const unknown_symbols[] = {"tcp_v4_do_rcv", "tcp_v6_do_rcv", NULL};
static const struct drop_filter flags_drops = {
	.reasons = flags_reasons, .symbols = unknown_symbols, .protocol = IPPROTO_TCP};
static const struct drop_filter unnamed_drops = {
	.reasons = unnamed_reasons, .symbols = unknown_symbols, .protocol = IPPROTO_TCP};

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

static enum severity severity_of_count(const struct exam *x, uint64_t lost)
{
	return lost >= threshold_count(x, THRESHOLD_LOSS_PACKETS) ? SEVERITY_WARNING
								  : SEVERITY_INFO;
}

/* ---- TIME_WAIT ---- */

static void tw_remedies(struct exam *x, struct finding *f)
{
	int64_t most = 0, to;
	struct remedy *r;

	r = finding_remedy(f, "let-clients-close", REMEDY_APPLICATION,
			   "keep connections open and use them again (keepalive, pools), or let the "
			   "other end close first");
	remedy_why(r, "whoever closes first holds the TIME_WAIT");
	if (!sysctl_get(&x->o->b, K_TCP_MAX_TW_BUCKETS, &most) || most <= 0)
		return;
	to = (int64_t)next_power_of_two((uint64_t)most +
					(uint64_t)(per_second(x->o, f->lost) * TIME_WAIT_SECONDS));
	to = MIN(to, TW_BUCKETS_MOST);
	if (to <= most)
		return;
	r = finding_remedy(f, "raise-tw-buckets", REMEDY_SYSCTL,
			   "raise net.ipv4.tcp_max_tw_buckets %lld -> %lld", (long long)most,
			   (long long)to);
	remedy_why(r, "room for what did not fit (%.0f/s) over the %d s that a TIME_WAIT lasts",
		   per_second(x->o, f->lost), TIME_WAIT_SECONDS);
	remedy_cost(r, "up to %lld KiB of kernel memory more",
		    (long long)(to - most) * TIME_WAIT_BYTES / 1024);
	remedy_sysctl_here(x, r, "net.ipv4.tcp_max_tw_buckets", most, to);
}

enum outcome examine_tw_overflow(struct exam *x)
{
	uint64_t lost = value(x, C_TCP_TIME_WAIT_OVERFLOW), resets;
	int64_t most = 0;
	struct finding *f;

	sysctl_get(&x->o->b, K_TCP_MAX_TW_BUCKETS, &most);
	if (!lost) {
		evidence_counter(NULL, x, C_TCP_TIME_WAIT_OVERFLOW);
		evidence_counter(NULL, x, C_SOCKSTAT_TCP_TW);
		return NOT_FOUND;
	}
	f = finding_new(x);
	/* What the other end sends afterwards, its FIN at least, meets no connection. */
	resets = ledger_claim(x->ledger, &closed_drops, lost);
	finding_lost(f, &lost, NULL, 0);
	f->unit = "connections";
	f->severity = severity_of_count(x, lost);
	finding_subject(f)->sysctl = xstrdup("net.ipv4.tcp_max_tw_buckets");
	finding_headline(f, "no room for more TIME_WAIT (tcp_max_tw_buckets %lld)", (long long)most);
	finding_text(f, "The limit of connections in TIME_WAIT is reached, so connections that end here "
			"are forgotten at once. What the other end still sends is answered with a "
			"reset, and an old segment may reach a new connection of the same ports.");
	evidence_counter(f, x, C_TCP_TIME_WAIT_OVERFLOW);
	evidence_counter(f, x, C_SOCKSTAT_TCP_TW);
	evidence_value(f, x, "/proc/sys/net", "net.ipv4.tcp_max_tw_buckets", (uint64_t)most);
	evidence_counter(f, x, C_TCP_OUT_RSTS);
	evidence_traced(f, x, "NO_SOCKET at tcp_v4_rcv, tcp_v6_rcv", resets);
	tw_remedies(x, f);
	return FOUND;
}

/* ---- listeners that were and that are ---- */

static const struct socket *listener_on(const struct snapshot *s, uint16_t port)
{
	vec_each(sk, &s->sockets)
		if (is_listener(sk) && sk->local_port == port)
			return sk;
	return NULL;
}

/* Some listener of the port was there all the time. */
static bool listener_stayed(const struct exam *x, uint16_t port)
{
	vec_each(sk, &x->o->a.sockets)
		if (is_listener(sk) && sk->local_port == port &&
		    snapshot_socket(&x->o->b, sk->cookie))
			return true;
	return false;
}

static struct subject *listener_subject(struct exam *x, struct finding *f, const struct socket *sk)
{
	struct subject *s;

	vec_each(known, &f->subjects)
		if (known->has_socket && known->socket.local_port == sk->local_port)
			return known;
	if (f->subjects.n == SUBJECTS_SHOWN)
		return NULL;
	s = finding_subject(f);
	subject_socket(x, s, sk);
	return s;
}

/* By port: one look-up for each of thousands of flows. The caller frees the array. */
static const struct socket **listeners_by_port(const struct exam *x)
{
	const struct snapshot *ends[] = {&x->o->a, &x->o->b};
	const struct socket **ports = xcalloc(UINT16_MAX + 1, sizeof(*ports));

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		vec_each(sk, &ends[i]->sockets)
			if (is_listener(sk))
				ports[sk->local_port] = sk;
	return ports;
}

/* What flows of these drops were for: the listener of their port, in one sample or the other. */
static uint64_t add_listeners(struct exam *x, struct finding *f, const struct drop_filter *filter)
{
	const struct socket **ports;
	uint64_t sum = 0;

	if (!tracing(x) || x->d->drops->flows_sampled)
		return 0;
	ports = listeners_by_port(x);
	ledger_each_flow(flow, x->ledger) {
		const struct socket *sk = ports[flow->destination_port];
		struct subject *s;

		if (!sk || !flow_matches(flow, filter))
			continue;
		sum += flow->packets;
		s = f ? listener_subject(x, f, sk) : NULL;
		if (!s)
			continue;
		s->has_lost = true;
		s->lost += flow->packets;
		s->traced += flow->packets;
	}
	free(ports);
	return sum;
}

/* Sampled flows are no account of a port; the resets that answered (6.10) are. */
static void add_listeners_by_resets(struct exam *x, struct finding *f)
{
	const struct socket **ports;

	if (!x->d->tcp || x->d->tcp->err)
		return;
	ports = listeners_by_port(x);
	vec_each(l, &x->d->tcp->lines) {
		bool refused = l->kind == TCP_RESET_SENT && l->netns == x->o->inode &&
			       strcmp(l->reason, "NO_SOCKET") == 0;
		const struct socket *sk = refused ? ports[l->local_port] : NULL;
		struct subject *s = sk ? listener_subject(x, f, sk) : NULL;

		if (!s)
			continue;
		s->has_lost = true;
		s->lost += l->packets;
		s->traced += l->packets;
	}
	free(ports);
}

/* ---- no listener ---- */

static bool is_own_port(const struct exam *x, uint16_t port)
{
	const struct sysctl_value *range = &x->o->b.sysctl[K_PORT_RANGE];

	return range->n >= 2 && port >= range->v[0] && port <= range->v[1];
}

static void closed_words(struct exam *x, struct finding *f)
{
	struct ports_meant meant = ports_meant(x, &closed_drops);
	bool many = meant.others > 1 && meant.packets * 2 <= meant.all;
	struct remedy *r;

	finding_text(f, "Nobody listens there, so the sender was told at once by a reset (connection "
			"refused): the service is down, or a client has an old address, or somebody "
			"scans.");
	if (!meant.most) {
		finding_headline(f, "segments for ports nobody listens on");
	} else if (many) {
		finding_headline(f, "segments for %u ports nobody listens on", meant.others + 1);
		finding_text(f, "So many ports look like a scan, or like the rest of connections that "
				"were closed here.");
	} else if (is_own_port(x, meant.most->destination_port) &&
		   meant.most->source_port < meant.most->destination_port) {
		finding_headline(f, "segments for connections that were closed here");
		finding_text(f, "The port is one that connections from here use, so the other end did "
				"not know yet that its connection was closed. It was told by a reset.");
	} else {
		finding_headline(f, "nobody listens on TCP port %u", meant.most->destination_port);
		r = finding_remedy(f, "start-service", REMEDY_APPLICATION,
				   "start the service on that port, or take the client's target away");
		remedy_command(r, "ss -tlnp 'sport = :%u'", meant.most->destination_port);
	}
}

/* An answer, not a loss to be mended here: a note, unless a program that was there has gone. */
enum outcome examine_rst_closed_port(struct exam *x)
{
	uint64_t lost = ledger_unclaimed(x->ledger, &closed_drops);
	struct finding *f;

	if (!lost) {
		evidence_traced(NULL, x, "NO_SOCKET at tcp_v4_rcv, tcp_v6_rcv", lost);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &closed_drops, UINT64_MAX);
	finding_lost(f, NULL, &lost, value(x, C_TCP_IN_SEGS));
	f->unit = "segments";
	if (!add_listeners(x, f, &closed_drops))
		add_listeners_by_resets(x, f);
	describe_rst_closed_port(x, f);
	return FOUND;
}

void describe_rst_closed_port(struct exam *x, struct finding *f)
{
	closed_words(x, f);
	vec_each(s, &f->subjects)
		if (!listener_on(&x->o->a, s->socket.local_port))
			evidence_text(f, x, "a program began to listen on port %u during the sample",
				      s->socket.local_port);
	evidence_traced(f, x, "NO_SOCKET at tcp_v4_rcv, tcp_v6_rcv",
			ledger_traced(x->ledger, &closed_drops));
	evidence_counter(f, x, C_TCP_OUT_RSTS);
	finding_exclude(f, "a full accept queue: that is silence, not a reset (ListenOverflows +%llu)",
			(unsigned long long)value(x, C_LISTEN_OVERFLOWS));
	finding_flows(x, f, &closed_drops);
}

/* ---- a listener, but not their connection ---- */

/*
 * A listener's segments have lost their device by then, and before 6.11 the event does not name the
 * listener: it has no namespace. Those are ours that the resets sent from here can have answered.
 */
static uint64_t unplaced_unknown(struct exam *x)
{
	uint64_t answered = ledger_traced(x->ledger, &closed_drops) +
			    MAX(value(x, C_TCP_ESTAB_RESETS), resets_of_connections(x)),
		 resets = value(x, C_TCP_OUT_RSTS);

	if (!tracing(x) || x->d->drops->receiving_socket)
		return 0;
	resets -= MIN(resets, answered);
	return traced_nowhere(x, &unnamed_drops, resets);
}

enum outcome examine_rst_unknown(struct exam *x)
{
	uint64_t unnamed = add_listeners(x, NULL, &unnamed_drops), lost;
	struct finding *f;

	lost = ledger_traced(x->ledger, &flags_drops) +
	       ledger_claim(x->ledger, &unnamed_drops, unnamed) + unplaced_unknown(x);
	if (!lost) {
		evidence_traced(NULL, x, "TCP_FLAGS at tcp_v4_do_rcv, tcp_v6_do_rcv", lost);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &flags_drops, UINT64_MAX);
	finding_lost(f, NULL, &lost, value(x, C_TCP_IN_SEGS));
	f->unit = "segments";
	add_listeners(x, f, &flags_drops);
	add_listeners(x, f, &unnamed_drops);
	describe_rst_unknown(x, f);
	return FOUND;
}

void describe_rst_unknown(struct exam *x, struct finding *f)
{
	uint64_t closed = ledger_traced(x->ledger, &closed_drops);
	struct remedy *r;
	char where[80];

	/*
	 * Who sends as much to ports where nobody listens, scans; and each connection that was made
	 * or reset here may leave a late segment behind.
	 */
	f->severity = SEVERITY_INFO;
	if (f->lost > closed + value(x, C_TCP_PASSIVE_OPENS) + value(x, C_TCP_ESTAB_RESETS))
		f->severity = severity_of_count(x, f->lost);
	if (f->subjects.n)
		finding_headline(f, "segments of connections that %s does not know",
				 place(f, where, sizeof(where)));
	else
		finding_headline(f, "segments of connections that no listener here knows");
	finding_text(f, "They are from the middle of a connection (no SYN), reached a port on which a "
			"program listens, and belong to no connection of this host: a load balancer "
			"or NAT box moved or forgot the connection, an address failed over to here, "
			"or somebody scans. Their sender got a reset.");
	evidence_traced(f, x, "TCP_FLAGS (or no reason) at tcp_v4_do_rcv, tcp_v6_do_rcv", f->traced);
	evidence_counter(f, x, C_TCP_OUT_RSTS);
	evidence_counter(f, x, C_SYNCOOKIES_FAILED);
	evidence_counter(f, x, C_TCP_PASSIVE_OPENS);
	evidence_counter(f, x, C_TCP_ESTAB_RESETS);
	finding_exclude(f, "a closed port (%llu segments for such)", (unsigned long long)closed);
	finding_exclude(f, "a full accept queue with tcp_abort_on_overflow (EmbryonicRsts +%llu)",
			(unsigned long long)value(x, C_EMBRYONIC_RSTS));
	finding_flows(x, f, &flags_drops);
	r = finding_remedy(f, "match-idle-times", REMEDY_CAPACITY,
			   "keep connections alive more often than the balancer, NAT box or firewall "
			   "before this host forgets them, and let it stick to one server");
	remedy_why(r, "it sent here what belongs to another server, or what it should have ended");
	remedy_command(r, "sysctl net.ipv4.tcp_keepalive_time");
}

/* ---- the program ended, or was started again ---- */

/* Its port lost the listener that was there, or has a new one. */
bool explains_app_restart(struct exam *x, const struct finding *f, const struct subject *s)
{
	static const char *const by[] = {"rst-closed-port", "rst-unknown-connection",
					 "rst-app-unread-close"};
	bool may = false;

	for (size_t i = 0; i < ARRAY_SIZE(by); i++)
		may |= strcmp(f->cause->id, by[i]) == 0;
	if (!may || !s->has_socket || x->o->since_boot || !observed(x->o, SRC_SOCKETS))
		return false;
	return listener_on(&x->o->a, s->socket.local_port) &&
	       !listener_stayed(x, s->socket.local_port);
}

static void evidence_listener(struct exam *x, struct finding *f)
{
	uint16_t port = first_of(f)->socket.local_port;

	evidence_text(f, x, "sock_diag: the listener of port %u at the beginning is gone, %s", port,
		      listener_on(&x->o->b, port) ? "another one has its place"
						  : "and nobody took its place");
	evidence_counter(f, x, C_TCP_ESTAB_RESETS);
	evidence_counter(f, x, C_TCP_ABORT_ON_CLOSE);
}

void describe_app_restart(struct exam *x, struct finding *f)
{
	const struct socket *now = listener_on(&x->o->b, first_of(f)->socket.local_port);
	char where[80], who[64];
	struct remedy *r;

	f->severity = severity_of_count(x, f->lost);
	if (now && first_of(f)->has_process)
		finding_headline(f, "the program on %s was started again, now %s",
				 place(f, where, sizeof(where)),
				 owner_text(first_of(f), who, sizeof(who)));
	else
		finding_headline(f, "the program on %s %s", place(f, where, sizeof(where)),
				 now ? "was started again" : "has ended");
	finding_text(f, "While nobody listened, clients were refused; segments of the connections that "
			"ended with the program were answered with a reset.");
	evidence_listener(x, f);
	evidence_log(f, x, KERNEL_LOG_OOM);
	finding_exclude(f, "a kill for want of memory (oom_kill +%llu)",
			(unsigned long long)value(x, C_VM_OOM_KILL));
	r = finding_remedy(f, "hand-over", REMEDY_APPLICATION,
			   "restart without a gap: let the new program listen before the old one "
			   "stops (SO_REUSEPORT, socket activation), and let the old one finish its "
			   "connections");
	remedy_why(r, "a planned restart need not reset anybody; a crash needs its cause found");
	remedy_command(r, "journalctl -b --since '-5 min' | grep -iE 'segfault|killed|exited|stopp'");
}

bool explains_oom_kill(struct exam *x, const struct finding *f, const struct subject *s)
{
	return value(x, C_VM_OOM_KILL) > 0 && explains_app_restart(x, f, s);
}

static void oom_remedies(struct finding *f)
{
	struct remedy *r = finding_remedy(f, "more-memory", REMEDY_CAPACITY,
					  "more memory for it: the machine's, or its control group's "
					  "limit");

	remedy_why(r, "the kernel killed because nothing else was left to free");
	remedy_command(r, "dmesg | grep -iA 40 'invoked oom-killer' | tail -n 60");
}

void describe_oom_kill(struct exam *x, struct finding *f)
{
	char where[80];

	f->severity = severity_of_count(x, f->lost);
	/* Nothing says that it was this program. */
	f->confidence = LIKELY;
	finding_headline(f, "the program on %s is gone as the kernel killed for want of memory",
			 place(f, where, sizeof(where)));
	finding_text(f, "The OOM killer ended a process, and the listener vanished: clients are "
			"refused, and connections that ended with it are reset.");
	evidence_counter(f, x, C_VM_OOM_KILL);
	evidence_log(f, x, KERNEL_LOG_OOM);
	evidence_listener(x, f);
	oom_remedies(f);
}

enum outcome examine_oom_kill(struct exam *x)
{
	uint64_t killed = value(x, C_VM_OOM_KILL);
	struct finding *f;

	if (!killed || x->o->since_boot) {
		evidence_counter(NULL, x, C_VM_OOM_KILL);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	finding_headline(f, "the kernel killed %llu process%s for want of memory",
			 (unsigned long long)killed, killed == 1 ? "" : "es");
	finding_text(f, "Connections of a killed program are reset, and its port is closed. Of this "
			"namespace no such loss was seen.");
	evidence_counter(f, x, C_VM_OOM_KILL);
	evidence_log(f, x, KERNEL_LOG_OOM);
	oom_remedies(f);
	return FOUND;
}
