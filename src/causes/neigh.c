// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage neigh: next hops that do not answer. */
#include <linux/neighbour.h>
#include <stdio.h>
#include <sys/socket.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define SUBJECTS_SHOWN 16
#define SCATTERED_MAX 50 /* packets a second, as for the firewall's */
#define QUEUE_DEFAULT 212992 /* unres_qlen_bytes: net/ipv4/arp.c, net/ipv6/ndisc.c SK_WMEM_DEFAULT */

static const char *const failed_reasons[] = {"NEIGH_FAILED", NULL};
/* IPv6 gives its queue no reason: ndisc_error_report, often part of its caller's tail, frees it. */
static const char *const no_reasons[] = {"NOT_SPECIFIED", NULL};
static const char *const ndisc_symbols[] = {"neigh_invalidate", "ndisc_error_report", NULL};
static const char *const queue_reasons[] = {"NEIGH_QUEUEFULL", NULL};
static const struct drop_filter failed_drops = {.reasons = failed_reasons};
static const struct drop_filter ndisc_drops = {.reasons = no_reasons, .symbols = ndisc_symbols};
static const struct drop_filter queue_drops = {.reasons = queue_reasons};

static void add_neighbour(struct exam *x, struct finding *f, const struct neigh *n)
{
	const struct link *link = snapshot_link(&x->o->b, n->ifindex);
	char text[64];
	struct subject *s;

	address_text(n->family, n->address, text, sizeof(text));
	vec_each(known, &f->subjects)
		if (known->address && strcmp(known->address, text) == 0)
			return;
	if (f->subjects.n >= SUBJECTS_SHOWN)
		return;
	s = finding_subject(f);
	s->address = xstrdup(text);
	if (link)
		memcpy(s->device, link->name, sizeof(s->device));
	evidence_text(f, x, "neighbour %s on %s: %s", text, s->device,
		      n->state & NUD_FAILED ? "FAILED" : "INCOMPLETE");
}

static bool failed_before(const struct observation *o, const struct neigh *n)
{
	vec_each(old, &o->a.neighs)
		if (old->ifindex == n->ifindex && old->family == n->family &&
		    memcmp(old->address, n->address, sizeof(n->address)) == 0)
			return old->state & NUD_FAILED;
	return false;
}

/* A failed entry stays for a while: what had failed before is a subject only if it is tried again. */
static void add_neighbours(struct exam *x, struct finding *f)
{
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i <= x->o->looks.n; i++) {
			const struct snapshot *s =
				i < x->o->looks.n ? &x->o->looks.items[i] : &x->o->b;

			vec_each(n, &s->neighs)
				if (pass ? n->state & NUD_FAILED && !failed_before(x->o, n)
					 : n->state & NUD_INCOMPLETE)
					add_neighbour(x, f, n);
		}
}

/* INCOMPLETE means that something is being sent there now; FAILED may be left from long ago. */
static bool any_incomplete(const struct observation *o)
{
	for (size_t i = 0; i <= o->looks.n; i++) {
		const struct snapshot *s = i < o->looks.n ? &o->looks.items[i] : &o->b;

		vec_each(n, &s->neighs)
			if (n->state & NUD_INCOMPLETE)
				return true;
	}
	return false;
}

/* Packets of the flows lost for want of a neighbour: to the one that most went to, and by gateways. */
struct unanswered {
	uint64_t all, most, by_gateway;
};

static bool waited_in_vain(const struct exam *x, const struct drop_flow *flow)
{
	struct drop as_drop = {.protocol = flow->protocol};

	memcpy(as_drop.reason, flow->reason, sizeof(as_drop.reason));
	memcpy(as_drop.symbol, flow->symbol, sizeof(as_drop.symbol));
	return flow->netns == x->o->inode &&
	       (drop_matches(&as_drop, &failed_drops) || drop_matches(&as_drop, &ndisc_drops) ||
		drop_matches(&as_drop, &queue_drops));
}

/* A destination that is no neighbour looked for is behind one. */
static void sum_up(const struct exam *x, struct unanswered *to)
{
	const struct snapshot *b = &x->o->b;
	uint64_t *each = xcalloc(b->neighs.n + 1, sizeof(*each));

	ledger_each_flow(flow, x->ledger) {
		size_t i = 0;

		if (!waited_in_vain(x, flow))
			continue;
		while (i < b->neighs.n &&
		       (b->neighs.items[i].family != flow->family ||
			memcmp(b->neighs.items[i].address, flow->destination,
			       flow->family == AF_INET6 ? 16 : 4) != 0))
			i++;
		each[i] += flow->packets;
		to->all += flow->packets;
	}
	for (size_t i = 0; i < b->neighs.n; i++)
		to->most = MAX(to->most, each[i]);
	to->by_gateway = each[b->neighs.n];
	free(each);
}

/*
 * A scan comes to a router's network, or a program here looks who is there: some packets to each of
 * ever other addresses, most of which nobody has. That is no loss anybody minds, but many a second
 * are worth a look. Somebody who really wants a host sends to it again, as for the firewall: at
 * least 10 packets and one a second.
 */
static bool is_scan(const struct exam *x, uint64_t lost)
{
	struct unanswered u = {0};
	double scale, enough = MAX(10.0, x->o->seconds);

	sum_up(x, &u);
	scale = u.all ? MAX(1.0, (double)lost / (double)u.all) : 1;
	return u.all && (double)MAX(u.most, u.by_gateway) * scale + 0.5 < enough;
}

static enum severity severity_of_unresolved(const struct exam *x, const struct finding *f, bool scan)
{
	enum severity s = severity_of_share(x, f->lost, f->of);

	if (!tracing(x))
		return x->o->since_boot ? SEVERITY_INFO : SEVERITY_WARNING;
	if (!scan)
		return s;
	return MIN(s, per_second(x->o, f->lost) < SCATTERED_MAX ? SEVERITY_INFO : SEVERITY_WARNING);
}

/* What needs a neighbour to go to: sent by this host, or forwarded. */
static uint64_t sent_by(const struct exam *x)
{
	return delta_value(delta_sum(x->o, C_IP_OUT_REQUESTS, C_IP6_OUT_REQUESTS)) +
	       delta_value(delta_sum(x->o, C_IP_FORW_DATAGRAMS, C_IP6_OUT_FORW_DATAGRAMS));
}

static void neigh_remedies(struct exam *x, struct finding *f)
{
	char enter[96];
	const char *who = f->subjects.n && f->subjects.items[0].address ? f->subjects.items[0].address
									: "NEXT-HOP";
	const char *device = f->subjects.n && f->subjects.items[0].device[0]
				     ? f->subjects.items[0].device
				     : "DEVICE";
	struct remedy *r = finding_remedy(f, "check-next-hop", REMEDY_ROUTE,
					  "find why %s does not answer on %s", who, device);

	remedy_why(r, "down, on another VLAN, a wrong prefix length here, or ARP filtered between");
	entering(x, enter, sizeof(enter));
	remedy_command(r, "%sip neigh show dev %s", enter, device);
	remedy_command(r, "%sip route get %s", enter, who);
	r = finding_remedy(f, "stop-sending", REMEDY_APPLICATION,
			   "if the host is gone for good, take it out of the sender's configuration");
	remedy_why(r, "each packet to it waits up to three seconds and is lost");
}

/*
 * While an address is being resolved packets wait in a queue; when it fails they are all dropped
 * (neigh_invalidate), and what did not fit the queue was dropped before (NEIGH_QUEUEFULL). No
 * counter of a namespace moves: res_failed is host-wide and counts resolutions, not packets. So
 * without the trace all that can be told is that something waits for an answer.
 */
enum outcome examine_neigh_unresolved(struct exam *x)
{
	uint64_t traced = ledger_traced(x->ledger, &failed_drops) +
			  ledger_traced(x->ledger, &ndisc_drops);
	struct finding *f;
	bool scan;

	if (tracing(x) ? !traced : !any_incomplete(x->o)) {
		evidence_traced(NULL, x, "NEIGH_FAILED", traced);
		evidence_text(NULL, x, "%zu unresolved neighbours", x->o->b.neighs.n);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &failed_drops, UINT64_MAX);
	ledger_claim(x->ledger, &ndisc_drops, UINT64_MAX);
	traced += ledger_claim(x->ledger, &queue_drops, UINT64_MAX);
	finding_lost(f, NULL, tracing(x) ? &traced : NULL, sent_by(x));
	f->confidence = tracing(x) ? CERTAIN : LIKELY;
	scan = tracing(x) && is_scan(x, f->lost);
	f->severity = severity_of_unresolved(x, f, scan);
	add_neighbours(x, f);
	if (!f->subjects.n)
		subject_devices(x, f, &failed_drops);
	finding_flows(x, f, &failed_drops);
	finding_flows(x, f, &ndisc_drops);
	finding_flows(x, f, &queue_drops);
	finding_headline(f, "%s%s not answer on %s",
			 f->subjects.n && f->subjects.items[0].address ? f->subjects.items[0].address
								       : "the next hop",
			 scan ? " and others do" : " does",
			 f->subjects.n && f->subjects.items[0].device[0] ? f->subjects.items[0].device
									 : "its device");
	finding_text(f, "Packets wait for the hardware address of their next hop and are dropped "
			"when nobody answers.%s",
		     scan ? " No address got enough of them to look wanted: a scan, most likely." : "");
	evidence_traced(f, x, "NEIGH_FAILED and NEIGH_QUEUEFULL", traced);
	vec_each(table, &x->o->b.neigh_tables)
		if (table->thresh3)
			finding_exclude(f, "a full %s table (%u of %u entries)",
					table->family == AF_INET6 ? "IPv6 neighbour" : "ARP",
					table->entries, table->thresh3);
	/* Nobody waits for these. */
	if (!scan)
		neigh_remedies(x, f);
	return FOUND;
}

/* ---- neigh-table-overflow ---- */

static const char *const create_reasons[] = {"NEIGH_CREATEFAIL", NULL};
static const struct drop_filter create_drops = {.reasons = create_reasons};

/* The ARP table or that of IPv6: one for the whole host, all its namespaces together. */
struct fill {
	const struct neigh_table *table;
	struct change refused; /* entries, for want of room */
	uint64_t limited;      /* entries of the namespaces seen that its limit is for */
};

static const char *table_text(const struct neigh_table *t)
{
	return t->family == AF_INET6 ? "IPv6 neighbour table" : "ARP table";
}

static struct fill fill_of(const struct exam *x, const struct neigh_table *table)
{
	struct fill fill = {.table = table};

	if (x->o->since_boot)
		fill.refused = change_of(0, table->table_fulls, 64);
	vec_each(before, &x->o->a.neigh_tables)
		if (before->family == table->family)
			fill.refused = change_of(before->table_fulls, table->table_fulls, 64);
	vec_each(o, &x->d->observations)
		fill.limited += o->b.neighs_limited[table->family == AF_INET6];
	return fill;
}

/* Three limits: below the first nothing is thrown out, at the third no new entry is made. */
static void raise_thresholds(struct finding *f, const struct neigh_table *t)
{
	const char *family = t->family == AF_INET6 ? "ipv6" : "ipv4";
	int64_t hosts = (int64_t)next_power_of_two(MAX(t->entries, t->thresh3));
	const int64_t from[] = {t->thresh1, t->thresh2, t->thresh3};
	struct remedy *r;
	char key[64];

	r = finding_remedy(f, "raise-gc-thresh", REMEDY_SYSCTL,
			   "a larger %s: gc_thresh3 %u -> %lld", table_text(t), t->thresh3,
			   (long long)hosts * 4);
	remedy_why(r, "gc_thresh1, 2 and 3 as one, two and four times the neighbours there are now "
		      "(%u entries), rounded up",
		   t->entries);
	remedy_cost(r, "up to %lld KiB of kernel memory; host-wide: to be set in the host's own "
		       "namespace, for all of them",
		    (long long)(hosts * 4 / 2));
	remedy_risk(r, "if this is a scan of addresses that nobody has, a larger table fills as well");
	for (int i = 3; i > 0; i--) {
		snprintf(key, sizeof(key), "net.%s.neigh.default.gc_thresh%d", family, i);
		remedy_sysctl(r, key, from[i - 1], hosts << (i - 1));
	}
}

static void overflow_remedies(struct exam *x, struct finding *f, const struct fill *fill)
{
	bool scan = x->o->b.neighs.n * 2 > x->o->b.neighs_seen;
	char enter[96];
	struct remedy *r;

	if (scan) {
		r = finding_remedy(f, "stop-scan", REMEDY_APPLICATION,
				   "find what sends to addresses that nobody has");
		remedy_why(r, "%zu of %zu neighbours of this namespace do not answer",
			   x->o->b.neighs.n, x->o->b.neighs_seen);
		remedy_command(r, "%sip neigh show nud failed nud incomplete",
			       entering(x, enter, sizeof(enter)));
	}
	raise_thresholds(f, fill->table);
	r = finding_remedy(f, "smaller-subnet", REMEDY_ROUTE,
			   "where one link holds so many hosts for good: route between smaller ones");
	remedy_why(r, "each host of the link is one entry; behind a router all of them are one");
}

static void describe_fill(struct exam *x, struct finding *f, const struct fill *fill)
{
	const struct neigh_table *t = fill->table;
	char name[64];

	snprintf(name, sizeof(name), "net.%s.neigh.default.gc_thresh3",
		 t->family == AF_INET6 ? "ipv6" : "ipv4");
	finding_subject(f)->sysctl = xstrdup(name);
	snprintf(name, sizeof(name), "%s table_fulls",
		 t->family == AF_INET6 ? "ndisc_cache" : "arp_cache");
	evidence_change(f, x, "rtnetlink neighbour tables", name, fill->refused);
	evidence_value(f, x, "rtnetlink neighbour tables", "entries (host-wide)", t->entries);
	evidence_value(f, x, "rtnetlink neighbour tables", "gc_thresh3", t->thresh3);
	evidence_text(f, x, "%llu entries of the namespaces examined are held against it",
		      (unsigned long long)fill->limited);
	overflow_remedies(x, f, fill);
}

/*
 * Nothing is refused yet. Entries that are permanent or externally learned are among those the
 * table counts, but not among those the limit is for: only what was seen of these is sure.
 */
static enum outcome near_overflow(struct exam *x, const struct fill *fill)
{
	const struct neigh_table *t = fill->table;
	enum severity sure, severity;
	struct finding *f;

	if (!severity_of_fill(x, t->entries, t->thresh3, &severity))
		return NOT_FOUND;
	f = finding_new(x);
	f->state = AT_RISK;
	f->severity = severity_of_fill(x, fill->limited, t->thresh3, &sure) ? sure : SEVERITY_INFO;
	f->confidence = fill->limited * 10 >= (uint64_t)t->entries * 9 ? CERTAIN : POSSIBLE;
	finding_headline(f, "the %s holds %u entries, gc_thresh3 is %u", table_text(t), t->entries,
			 t->thresh3);
	finding_text(f, "At gc_thresh3 no new neighbour can be reached: packets to it are dropped. "
			"Permanent and externally learned entries do not "
			"count towards it.");
	describe_fill(x, f, fill);
	return FOUND;
}

static void overflow_found(struct exam *x, const struct fill *fill, uint64_t traced)
{
	struct finding *f = finding_new(x);

	ledger_claim(x->ledger, &create_drops, traced);
	finding_lost(f, NULL, tracing(x) ? &traced : NULL, sent_by(x));
	f->severity = MAX(SEVERITY_WARNING, severity_of_share(x, f->lost, f->of));
	f->confidence = tracing(x) ? CERTAIN : LIKELY;
	if (!tracing(x) && x->o->since_boot)
		f->severity = SEVERITY_INFO; /* at some time, in some namespace */
	finding_headline(f, "the %s is full: %u entries, gc_thresh3 is %u", table_text(fill->table),
			 fill->table->entries, fill->table->thresh3);
	finding_text(f, "New neighbours cannot be entered, and what is sent to them is dropped. Those "
			"already known are reached as before. %s",
		     fill->table->family == AF_INET6 ? "A program that sends datagrams gets EINVAL."
						     : "Programs see no error.");
	describe_fill(x, f, fill);
	evidence_traced(f, x, "NEIGH_CREATEFAIL", traced);
	evidence_counter(f, x, C_IP_OUT_DISCARDS);
	evidence_counter(f, x, C_IP6_OUT_NO_ROUTES);
	finding_exclude(f, "a neighbour that does not answer (reason NEIGH_FAILED)");
	finding_flows(x, f, &create_drops);
}

/*
 * __neigh_create() fails for want of room (and then counts table_fulls, for the whole host), or
 * because the device is going away. ip_finish_output2() drops the packet and counts OutDiscards,
 * ip6_finish_output2() Ip6OutNoRoutes.
 */
enum outcome examine_neigh_overflow(struct exam *x)
{
	uint64_t traced = ledger_traced(x->ledger, &create_drops);
	struct fill worst = {0};
	uint64_t refused_here = traced;

	if (!tracing(x))
		refused_here = delta_value(delta_counter(x->o, C_IP_OUT_DISCARDS)) +
			       delta_value(delta_counter(x->o, C_IP6_OUT_NO_ROUTES));
	vec_each(table, &x->o->b.neigh_tables) {
		struct fill fill = fill_of(x, table);

		if (!worst.table ||
		    delta_value(fill.refused) > delta_value(worst.refused) ||
		    (delta_value(fill.refused) == delta_value(worst.refused) &&
		     (double)table->entries * worst.table->thresh3 >
			     (double)worst.table->entries * table->thresh3))
			worst = fill;
	}
	if (worst.table && delta_value(worst.refused) && refused_here) {
		overflow_found(x, &worst, traced);
		return FOUND;
	}
	if (!worst.table && traced)
		return not_examined_source(x, SRC_NEIGH_TABLE);
	/* The tables are the host's: told once. */
	if (worst.table && x->o == x->d->observations.items && near_overflow(x, &worst) == FOUND)
		return FOUND;
	vec_each(table, &x->o->b.neigh_tables)
		evidence_text(NULL, x, "%s: %u entries of %u", table_text(table), table->entries,
			      table->thresh3);
	evidence_traced(NULL, x, "NEIGH_CREATEFAIL", traced);
	return NOT_FOUND;
}

/* ---- neigh-queue-full ---- */

static uint64_t bytes_refused(const struct exam *x)
{
	uint64_t bytes = 0;

	vec_each(line, &x->ledger->lines)
		if (drop_matches(line->drop, &queue_drops))
			bytes += line->drop->bytes;
	return bytes;
}

/*
 * The queue is accounted in truesize, up to twice the bytes of a full packet and more of small. What
 * the device's limit is now, only its own sysctl tells; QUEUE_DEFAULT is the kernel's.
 */
static void longer_neigh_queue(struct exam *x, struct finding *f, const char *device)
{
	const char *family = f->flows.n && f->flows.items[0].family == AF_INET6 ? "ipv6" : "ipv4";
	uint64_t to = next_power_of_two(QUEUE_DEFAULT + 2 * bytes_refused(x));
	char key[96], enter[96];
	struct remedy *r;

	snprintf(key, sizeof(key),
		 strchr(device, '.') ? "net/%s/neigh/%s/unres_qlen_bytes"
				     : "net.%s.neigh.%s.unres_qlen_bytes",
		 family, device);
	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "longer-neigh-queue", REMEDY_SYSCTL,
			   "a longer queue on %s for packets to neighbours that are not known yet",
			   device);
	remedy_why(r, "%llu bytes did not fit; it only matters for the first burst to a neighbour",
		   (unsigned long long)bytes_refused(x));
	remedy_cost(r, "so many bytes for each neighbour that is being looked for");
	remedy_command(r, "%ssysctl %s", enter, key);
	remedy_command(r, "%ssysctl -w %s=%llu", enter, key,
		       (unsigned long long)MIN(to, (uint64_t)16 << 20));
	remedy_undo(r, "%ssysctl -w %s=%d", enter, key, QUEUE_DEFAULT);
}

/*
 * While the neighbour's hardware address is asked for, packets to it wait, up to unres_qlen_bytes;
 * then the oldest is dropped for each new one (__neigh_event_send). The neighbour answered, or the
 * drops would be another cause's.
 */
enum outcome examine_neigh_queue_full(struct exam *x)
{
	uint64_t traced = ledger_unclaimed(x->ledger, &queue_drops);
	const char *device;
	struct finding *f;
	char to[64] = "a neighbour";

	if (!traced) {
		evidence_traced(NULL, x, "NEIGH_QUEUEFULL", 0);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &queue_drops, traced);
	finding_lost(f, NULL, &traced, sent_by(x));
	f->severity = MIN(SEVERITY_WARNING, severity_of_share(x, f->lost, MAX(f->of, f->lost)));
	subject_devices(x, f, &queue_drops);
	finding_flows(x, f, &queue_drops);
	device = f->subjects.n ? f->subjects.items[0].device : "default";
	if (f->flows.n)
		address_text(f->flows.items[0].family, f->flows.items[0].destination, to, sizeof(to));
	finding_headline(f, "packets to %s came faster than its hardware address was known", to);
	finding_text(f, "The first packets to a neighbour wait until it has answered; what does not fit "
			"their queue is dropped, the oldest first. The program sees no error.");
	evidence_traced(f, x, "NEIGH_QUEUEFULL", traced);
	finding_exclude(f, "a neighbour that does not answer (reason NEIGH_FAILED)");
	longer_neigh_queue(x, f, device);
	return FOUND;
}
