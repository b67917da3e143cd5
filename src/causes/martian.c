// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage ip: addresses that no packet from outside may carry.
 *
 * IPv4: ip_route_input_slow() and fib_validate_source(); a drop reason of each kind since 6.14,
 * before that NOT_SPECIFIED at ip_rcv_finish_core(). They count in rt_cache in_martian_src and
 * in_martian_dst, which are one set of numbers for the whole host, and hold what the reverse path
 * filter refuses, too. IPv6: ip6_rcv_core(), with the reason of any bad header. So what the kernel
 * gives no reason of its own is known by the addresses of the traced packets.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "causes/enter.h"
#include "causes/stages.h"

enum martian_kind { LOOPBACK, OWN_SOURCE, NO_SOURCE, KIND_N };

struct martian_row {
	const char *const reasons[3]; /* the kernel's own word for it; NULL ends */
	const char *what, *text;
};

static const struct martian_row rows[KIND_N] = {
	[LOOPBACK] = {{"IP_LOCALNET"},
		      "a loopback address from outside",
		      "Addresses of 127.0.0.0/8 and ::1 are each host's own; no packet from a network "
		      "may carry one, as its source or its destination."},
	[OWN_SOURCE] = {{"IP_LOCAL_SOURCE"},
			"this host's own address as the source",
			"Another host uses the same address, or this host's own packets come back to "
			"it: a loop between two of its devices, or a switch that mirrors them."},
	[NO_SOURCE] = {{"IP_INVALID_SOURCE", "IP_INVALID_DEST"},
		       "an address that no host can have",
		       "Multicast, broadcast and zero addresses name no single host, so nobody can "
		       "have sent these packets from there, or be meant by them."},
};

/* Where packets of any kind end without a reason of their own. */
static const char *const unnamed_reasons[] = {"NOT_SPECIFIED", "IP_INHDR", NULL};
static const char *const unnamed_symbols[] = {"ip_rcv_finish_core", "ip6_rcv_core", NULL};
static const struct drop_filter unnamed_drops = {.reasons = unnamed_reasons,
						 .symbols = unnamed_symbols};

struct martians {
	uint64_t lost[KIND_N], all, unnamed; /* unnamed: of all, told by their addresses */
	uint64_t chatter; /* of OWN_SOURCE: multicast and broadcast that came back */
	enum martian_kind worst;
	const struct drop_flow *example;
};

static bool is_loopback(uint8_t family, const uint8_t *a)
{
	static const uint8_t one[16] = {[15] = 1};

	return family == AF_INET6 ? memcmp(a, one, sizeof(one)) == 0 : a[0] == 127;
}

static bool is_group(uint8_t family, const uint8_t *a)
{
	static const uint8_t all[4] = {255, 255, 255, 255};

	if (family == AF_INET6)
		return a[0] == 0xff;
	return (a[0] >= 224 && a[0] < 240) || memcmp(a, all, sizeof(all)) == 0;
}

/* KIND_N: nothing is wrong with its addresses, as far as can be told without knowing this host's. */
static enum martian_kind kind_by_addresses(const struct drop_flow *flow)
{
	if (is_loopback(flow->family, flow->source) ||
	    is_loopback(flow->family, flow->destination))
		return LOOPBACK;
	return is_group(flow->family, flow->source) ? NO_SOURCE : KIND_N;
}

static bool is_in(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n && list[i]; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

static enum martian_kind kind_by_reason(const char *reason)
{
	for (enum martian_kind k = 0; k < KIND_N; k++)
		if (is_in(rows[k].reasons, ARRAY_SIZE(rows[k].reasons), reason))
			return k;
	return KIND_N;
}

static bool is_unnamed(const struct drop_flow *flow)
{
	return is_in(unnamed_reasons, ARRAY_SIZE(unnamed_reasons), flow->reason) &&
	       is_in(unnamed_symbols, ARRAY_SIZE(unnamed_symbols), flow->symbol);
}

static void gather(const struct exam *x, struct martians *m)
{
	uint64_t most = 0;

	vec_each(line, &x->ledger->lines) {
		enum martian_kind k = kind_by_reason(line->drop->reason);

		if (k != KIND_N)
			m->lost[k] += line->drop->packets;
	}
	ledger_each_flow(flow, x->ledger) {
		enum martian_kind k = kind_by_reason(flow->reason);

		if (k == KIND_N && is_unnamed(flow)) {
			k = kind_by_addresses(flow);
			if (k != KIND_N) {
				m->lost[k] += flow->packets;
				m->unnamed += flow->packets;
			}
		}
		if (k == KIND_N)
			continue;
		if (k == OWN_SOURCE && is_group(flow->family, flow->destination))
			m->chatter += flow->packets;
		if (flow->packets > most) {
			most = flow->packets;
			m->example = flow;
		}
	}
	for (enum martian_kind k = 0; k < KIND_N; k++) {
		m->all += m->lost[k];
		if (m->lost[k] > m->lost[m->worst])
			m->worst = k;
	}
}

static uint64_t claim(struct exam *x, const struct martians *m)
{
	uint64_t claimed = ledger_claim(x->ledger, &unnamed_drops, m->unnamed);

	for (enum martian_kind k = 0; k < KIND_N; k++) {
		const char *const reasons[] = {rows[k].reasons[0], rows[k].reasons[1], NULL};
		const struct drop_filter f = {.reasons = reasons};

		claimed += ledger_claim(x->ledger, &f, UINT64_MAX);
	}
	return claimed;
}

/* ---- remedies ---- */

/* Slashes where the device's name holds dots, which sysctl takes for slashes. */
static const char *key_of(const char *device, const char *name, char *to, size_t size)
{
	snprintf(to, size,
		 strchr(device, '.') ? "net/ipv4/conf/%s/%s" : "net.ipv4.conf.%s.%s", device, name);
	return to;
}

static void find_sender(struct exam *x, struct finding *f, const struct martians *m,
			const char *device)
{
	char enter[96], source[64] = "SOURCE", key[96];
	struct remedy *r = finding_remedy(f, "find-sender", REMEDY_ROUTE,
					  "find who sends these, by the hardware address");

	entering(x, enter, sizeof(enter));
	if (m->example)
		address_text(m->example->family, m->example->source, source, sizeof(source));
	remedy_why(r, "the source address is no help: it is impossible, or this host's own");
	remedy_command(r, "%stcpdump -c 20 -eni %s src host %s", enter, device, source);
	if (m->example && m->example->family == AF_INET6)
		return;
	remedy_command(r, "%ssysctl -w %s=1", enter,
		       key_of(device, "log_martians", key, sizeof(key)));
	remedy_undo(r, "%ssysctl -w %s=0", enter, key);
	remedy_cost(r, "log_martians: lines in the kernel log, with the frame's header, as long as "
		       "it is set");
}

/* One setting, only for those who mean it: nobody can tell from here. */
static void allow(struct exam *x, struct finding *f, const char *device, const char *name,
		  const char *when, const char *risk)
{
	char enter[96], key[96];
	struct remedy *r = finding_remedy(f, name, REMEDY_SYSCTL, "%s", when);

	entering(x, enter, sizeof(enter));
	key_of(device, name, key, sizeof(key));
	remedy_command(r, "%ssysctl -w %s=1", enter, key);
	remedy_undo(r, "%ssysctl -w %s=0", enter, key);
	if (!*enter)
		remedy_persist(r, "echo '%s = 1' > /etc/sysctl.d/90-whydrop-martian.conf", key);
	remedy_risk(r, "%s", risk);
}

static void martian_remedies(struct exam *x, struct finding *f, const struct martians *m)
{
	const struct drop_flow *flow = m->example;
	const char *device = f->subjects.n ? f->subjects.items[0].device : "DEVICE";

	find_sender(x, f, m, device);
	if (!flow || flow->family != AF_INET)
		return;
	if (m->worst == OWN_SOURCE && m->chatter < m->lost[OWN_SOURCE])
		allow(x, f, device, "accept_local",
		      "accept own addresses as sources, if two devices of this host are wired to "
		      "each other on purpose",
		      "two hosts with the same address are no longer noticed");
	if (m->worst == LOOPBACK && is_loopback(flow->family, flow->destination))
		allow(x, f, device, "route_localnet",
		      "accept 127.0.0.0/8 from this device, if packets are sent to services on "
		      "127.0.0.1 on purpose (address translation)",
		      "services that listen on 127.0.0.1 only can be reached from that network");
}

/* ---- the finding ---- */

static void add_evidence(struct exam *x, struct finding *f, const struct martians *m)
{
	uint64_t filtered = delta_value(delta_counter(x->o, C_IP_REVERSE_PATH_FILTER));

	for (enum martian_kind k = 0; k < KIND_N; k++)
		if (m->lost[k])
			evidence_traced(f, x, rows[k].what, m->lost[k]);
	evidence_counter(f, x, C_RT_CACHE_IN_MARTIAN_SRC);
	evidence_counter(f, x, C_RT_CACHE_IN_MARTIAN_DST);
	if (observed(x->o, SRC_RT_CACHE))
		evidence_text(f, x, "rt_cache counts IPv4 of all namespaces, and what rp_filter "
				    "refuses (here %llu)",
			      (unsigned long long)filtered);
	finding_exclude(f, "the reverse path filter: IPReversePathFilter +%llu, reason IP_RPFILTER",
			(unsigned long long)filtered);
}

static void martian_flows(struct exam *x, struct finding *f)
{
	for (enum martian_kind k = 0; k < KIND_N; k++) {
		const char *const reasons[] = {rows[k].reasons[0], rows[k].reasons[1], NULL};
		const struct drop_filter filter = {.reasons = reasons};

		subject_devices(x, f, &filter);
		finding_flows(x, f, &filter);
	}
	if (!f->subjects.n)
		subject_devices(x, f, &unnamed_drops);
	if (!f->flows.n)
		finding_flows(x, f, &unnamed_drops);
}

/* Without the trace nothing tells the namespace; but if no namespace of the host has any, none has. */
static enum outcome by_counters(struct exam *x)
{
	struct change source = delta_counter(x->o, C_RT_CACHE_IN_MARTIAN_SRC);
	struct change destination = delta_counter(x->o, C_RT_CACHE_IN_MARTIAN_DST);

	if (!source.known || !destination.known || source.delta || destination.delta)
		return not_examined_source(x, SRC_DROPS);
	evidence_counter(NULL, x, C_RT_CACHE_IN_MARTIAN_SRC);
	evidence_counter(NULL, x, C_RT_CACHE_IN_MARTIAN_DST);
	return NOT_FOUND;
}

enum outcome examine_martian(struct exam *x)
{
	struct martians m = {0};
	char source[64] = "a source", destination[64] = "this host";
	struct finding *f;

	if (!tracing(x))
		return by_counters(x);
	gather(x, &m);
	if (!m.all) {
		evidence_traced(NULL, x, "IP_LOCALNET, IP_LOCAL_SOURCE, IP_INVALID_SOURCE", 0);
		evidence_counter(NULL, x, C_RT_CACHE_IN_MARTIAN_SRC);
		return NOT_FOUND;
	}
	f = finding_new(x);
	m.all = claim(x, &m);
	finding_lost(f, NULL, &m.all,
		     delta_value(delta_sum(x->o, C_IP_IN_RECEIVES, C_IP6_IN_RECEIVES)));
	f->severity = severity_of_share(x, f->lost, f->of);
	/* Its own multicast, brought back by a switch, is no loss. */
	if (m.chatter && m.chatter + threshold_count(x, THRESHOLD_LOSS_PACKETS) > m.all)
		f->severity = SEVERITY_INFO;
	martian_flows(x, f);
	if (m.example) {
		address_text(m.example->family, m.example->source, source, sizeof(source));
		address_text(m.example->family, m.example->destination, destination,
			     sizeof(destination));
	}
	finding_headline(f, "packets from %s to %s come in on %s", source, destination,
			 f->subjects.n ? f->subjects.items[0].device : "a device");
	finding_text(f, "They carry %s. %s", rows[m.worst].what, rows[m.worst].text);
	add_evidence(x, f, &m);
	martian_remedies(x, f, &m);
	return FOUND;
}
