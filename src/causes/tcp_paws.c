// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: segments refused by their timestamp (PAWS, RFC 7323), inside a connection, at one in
 * TIME_WAIT, and by the timestamp of another connection of the same host (before 4.12).
 */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

static const char *const estab_reasons[] = {"TCP_RFC7323_PAWS", NULL};
static const char *const timewait_reasons[] = {"TCP_RFC7323_TW_PAWS", NULL};
static const struct drop_filter estab_drops = {.reasons = estab_reasons, .protocol = IPPROTO_TCP};
static const struct drop_filter timewait_drops = {.reasons = timewait_reasons,
						  .protocol = IPPROTO_TCP};

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

/*
 * A kernel without PAWSTimewait (6.12 and before) counts what it refuses in TIME_WAIT in PAWSEstab
 * as well. The drop reason tells the two apart there: only the one inside a connection has its own.
 * Before 6.11 the kernel often does not say whose drop it was: what has no namespace may be ours.
 * Without drop events the answers that were not sent to connections in TIME_WAIT must do.
 */
struct paws {
	uint64_t estab, timewait;
	bool exact;
};

static uint64_t traced_or_unknown(const struct exam *x)
{
	uint64_t sum = ledger_traced(x->ledger, &estab_drops);

	vec_each(d, &x->d->drops->rows)
		if (!d->netns && drop_matches(d, &estab_drops))
			sum += d->packets;
	return sum;
}

static struct paws refused(const struct exam *x)
{
	uint64_t all = value(x, C_PAWS_ESTAB), traced;

	if (delta_counter(x->o, C_PAWS_TIMEWAIT).known)
		return (struct paws){all, value(x, C_PAWS_TIMEWAIT), true};
	if (tracing(x) && !x->d->drops->missed) {
		traced = MIN(traced_or_unknown(x), all);
		return (struct paws){traced, all - traced, true};
	}
	if (value(x, C_TCP_ACK_SKIPPED_TIMEWAIT) * 2 >= all)
		return (struct paws){0, all, false};
	return (struct paws){all, 0, false};
}

/* Data that had come before is refused, too, and nobody misses it: each such is in DelayedACKLost. */
static bool mostly_duplicates(const struct exam *x, uint64_t lost)
{
	return value(x, C_DELAYED_ACK_LOST) * 2 >= lost;
}

/*
 * Before PAWSOldAck an ACK without data that another overtook on its way (the peer's two CPUs are
 * enough) counts in PAWSEstab as well. Where ACKs are most of what comes in, they are what was
 * refused, and nothing is missing.
 */
static bool mostly_overtaken_acks(const struct exam *x)
{
	uint64_t acks = value(x, C_TCP_PURE_ACKS) + value(x, C_TCPHP_ACKS);

	return !delta_counter(x->o, C_PAWS_OLD_ACK).known && acks &&
	       acks * 2 >= value(x, C_TCP_IN_SEGS);
}

static const char *no_loss_words(bool duplicates, bool acks)
{
	if (duplicates)
		return " Most held data that had come before: nothing is missing.";
	return acks ? " This kernel counts overtaken ACKs without data here, too, and most of what "
		      "came were ACKs: likely nothing is missing."
		    : "";
}

static void estab_words(struct exam *x, struct finding *f, const char *no_loss)
{
	struct remedy *r;
	char where[80], from[64] = "PEER";

	if (f->flows.n)
		address_text(f->flows.items[0].family, f->flows.items[0].source, from, sizeof(from));
	if (f->flows.n && f->subjects.n)
		finding_headline(f, "segments from %s to %s carry old timestamps", from,
				 socket_text(&f->subjects.items[0].socket, where, sizeof(where)));
	else
		finding_headline(f, "segments of established connections carry old timestamps");
	finding_text(f,
		     "The timestamp of these segments is older than one already received on the "
		     "same connection, so TCP takes them for strays and drops them.%s",
		     no_loss);
	r = finding_remedy(f, "capture-timestamps", REMEDY_CAPACITY,
			   "capture where the segments come in and look whose timestamps go back");
	remedy_why(r, "a proxy, tunnel or firewall that rewrites timestamps, or two hosts that send "
		      "into one connection; no setting of this host mends that, and tcp_timestamps "
		      "must stay on");
	remedy_command(r, "tcpdump -ni any -v 'tcp and host %s'", from);
}

enum outcome examine_paws_estab(struct exam *x)
{
	struct paws paws = refused(x);
	uint64_t traced = ledger_traced(x->ledger, &estab_drops);
	struct finding *f;
	bool duplicates, acks;

	if (!paws.estab) {
		evidence_counter(NULL, x, C_PAWS_ESTAB);
		evidence_counter(NULL, x, C_PAWS_ACTIVE);
		evidence_traced(NULL, x, "TCP_RFC7323_PAWS", traced);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &estab_drops, traced);
	finding_lost(f, &paws.estab, tracing(x) && traced ? &traced : NULL, value(x, C_TCP_IN_SEGS));
	f->unit = "segments";
	f->confidence = paws.exact ? CERTAIN : LIKELY;
	duplicates = mostly_duplicates(x, paws.estab);
	acks = mostly_overtaken_acks(x);
	f->severity =
		duplicates || acks ? SEVERITY_INFO : severity_of_share(x, f->lost, f->of);
	subject_connections(x, f, &estab_drops);
	finding_flows(x, f, &estab_drops);
	estab_words(x, f, no_loss_words(duplicates, acks));
	evidence_counter(f, x, C_PAWS_ESTAB);
	evidence_counter(f, x, C_PAWS_OLD_ACK);
	evidence_counter(f, x, C_PAWS_ACTIVE);
	evidence_counter(f, x, C_DELAYED_ACK_LOST);
	evidence_counter(f, x, C_TCP_ACK_SKIPPED_PAWS);
	evidence_traced(f, x, "TCP_RFC7323_PAWS", traced);
	finding_exclude(f, "SYNs that meet a connection in TIME_WAIT (+%llu)",
			(unsigned long long)paws.timewait);
	return FOUND;
}

/*
 * The kernel answers a refused SYN with an ACK of the old connection, its client that with a reset,
 * which ends TIME_WAIT: the next try is served. Whoever is refused again has lost one of the two on
 * the way, and stays refused.
 */
static bool all_refused_once(const struct exam *x)
{
	bool any = false;

	if (!tracing(x) || x->d->drops->flows_sampled || x->d->drops->missed)
		return false;
	ledger_each_flow(flow, x->ledger) {
		if (strcmp(flow->reason, timewait_reasons[0]) != 0)
			continue;
		if (flow->packets > 1)
			return false;
		any = true;
	}
	return any;
}

static void timewait_remedies(struct finding *f)
{
	struct remedy *r;

	r = finding_remedy(f, "clients-close-first", REMEDY_APPLICATION,
			   "let the clients close first: keep-alive, or a server that waits for "
			   "their FIN");
	remedy_why(r, "who closes first keeps TIME_WAIT; on the client's side it cannot meet "
		      "another client's SYN here");
	r = finding_remedy(f, "larger-nat-pool", REMEDY_CAPACITY,
			   "on the NAT box: more addresses or ports, and ports taken at random");
	remedy_why(r, "a port that is used again only after a minute meets no TIME_WAIT; here there "
		      "is nothing to set: the 60 s are the kernel's, and tcp_timestamps must stay on");
}

static void timewait_words(struct finding *f, bool once)
{
	char from[64] = "", where[80] = "this host";

	if (f->flows.n)
		address_text(f->flows.items[0].family, f->flows.items[0].source, from, sizeof(from));
	if (f->subjects.n)
		socket_text(&f->subjects.items[0].socket, where, sizeof(where));
	finding_headline(f, "SYNs%s%s to %s meet connections in TIME_WAIT and look older",
			 *from ? " from " : "", from, where);
	finding_text(f,
		     "A client reuses address and port of a connection that this host closed less "
		     "than a minute ago, with an older timestamp: another client behind the same "
		     "NAT address, as a rule. Its SYN gets no SYN-ACK. %s",
		     once ? "Each was refused once only: its reset ended TIME_WAIT, and the next "
			    "try is served."
			  : "Clients whose timestamp is ahead are served: some get in and others "
			    "do not, where the exchange that clears the way (ACK, reset) is "
			    "swallowed by a firewall or the NAT box.");
}

enum outcome examine_paws_timewait(struct exam *x)
{
	struct paws paws = refused(x);
	uint64_t traced = ledger_traced(x->ledger, &timewait_drops);
	bool has_event = tracing(x) && delta_counter(x->o, C_PAWS_TIMEWAIT).known;
	bool once = all_refused_once(x);
	int64_t recycle = 0;
	struct finding *f;

	if (!paws.timewait) {
		evidence_counter(NULL, x, C_PAWS_TIMEWAIT);
		evidence_counter(NULL, x, C_TCP_ACK_SKIPPED_TIMEWAIT);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &timewait_drops, traced);
	finding_lost(f, &paws.timewait, has_event ? &traced : NULL,
		     paws.timewait + value(x, C_TCP_PASSIVE_OPENS));
	f->unit = "segments";
	f->confidence = paws.exact ? CERTAIN : LIKELY;
	f->severity = once ? SEVERITY_INFO : severity_of_share(x, f->lost, f->of);
	finding_flows(x, f, &timewait_drops);
	subject_connections(x, f, &timewait_drops);
	timewait_words(f, once);
	evidence_counter(f, x, C_PAWS_TIMEWAIT);
	if (!delta_counter(x->o, C_PAWS_TIMEWAIT).known)
		evidence_counter(f, x, C_PAWS_ESTAB);
	evidence_counter(f, x, C_TCP_ACK_SKIPPED_TIMEWAIT);
	evidence_counter(f, x, C_SOCKSTAT_TCP_TW);
	if (has_event)
		evidence_traced(f, x, "TCP_RFC7323_TW_PAWS", traced);
	if (sysctl_get(&x->o->b, K_TCP_TW_RECYCLE, &recycle))
		finding_exclude(f, "tcp_tw_recycle (%lld)", (long long)recycle);
	else
		finding_exclude(f, "tcp_tw_recycle: this kernel has none (gone since 4.12)");
	timewait_remedies(f);
	return FOUND;
}

/*
 * With tcp_tw_recycle a kernel before 4.12 remembers the last timestamp of each address and refuses
 * a SYN with an older one, whatever its port: all clients behind a NAT address share one memory.
 */
enum outcome examine_tw_recycle(struct exam *x)
{
	uint64_t lost = value(x, C_PAWS_PASSIVE);
	int64_t recycle = 0;
	struct finding *f;
	struct remedy *r;

	if (!lost) {
		evidence_counter(NULL, x, C_PAWS_PASSIVE);
		if (sysctl_get(&x->o->b, K_TCP_TW_RECYCLE, &recycle))
			evidence_value(NULL, x, "/proc/sys/net", "net.ipv4.tcp_tw_recycle",
				       (uint64_t)recycle);
		else
			evidence_text(NULL, x, "no tcp_tw_recycle in this kernel (gone since 4.12)");
		return NOT_FOUND;
	}
	sysctl_get(&x->o->b, K_TCP_TW_RECYCLE, &recycle);
	f = finding_new(x);
	finding_lost(f, &lost, NULL, lost + value(x, C_TCP_PASSIVE_OPENS));
	f->unit = "segments";
	f->severity = severity_of_share(x, f->lost, f->of);
	finding_headline(f, "tcp_tw_recycle refuses SYNs of clients behind NAT");
	finding_text(f, "The kernel keeps one timestamp for each address and takes a SYN with an "
			"older one for a stray. Clients that share an address have clocks of their "
			"own: those that are behind get no answer, though a ping works.");
	evidence_counter(f, x, C_PAWS_PASSIVE);
	evidence_value(f, x, "/proc/sys/net", "net.ipv4.tcp_tw_recycle", (uint64_t)recycle);
	if (recycle <= 0)
		return FOUND;
	r = finding_remedy(f, "tw-recycle-off", REMEDY_SYSCTL, "turn tcp_tw_recycle off");
	remedy_why(r, "it breaks every client behind NAT or a load balancer, and newer kernels no "
		      "longer have it");
	remedy_cost(r, "TIME_WAIT lasts its 60 s again; net.ipv4.tcp_tw_reuse is the safe way for "
		       "connections that begin here");
	remedy_sysctl_here(x, r, "net.ipv4.tcp_tw_recycle", recycle, 0);
	return FOUND;
}
