// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits of a cloud instance, stage link: by the provider's own counters where its card has them
 * (ENA's allowances, the rate limits of netdev-genl that virtio_net fills), else by the limits that
 * the user stated. Without either nothing can be said, and that is the answer then.
 */
#include "causes/cloud.h"

#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

/* From here on a loss counted by the provider is critical (causes.md 7). */
#define CRITICAL_SHARE 1e-4
#define SHAPE_PERCENT 95
#define JUMBO_FROM 1500
/* Eight connections overflow 50 ms of queue before they slow down, and stay within this. */
#define SHAPER_LATENCY "400ms"

/* ENA since driver 2.2.10: drivers/net/ethernet/amazon/ena/ena_ethtool.c ena_stats_eni_strings. */
struct provider_stat {
	const char *driver, *name;
	enum direction direction;
};

struct cloud_what {
	enum limit_kind kind; /* that may be stated; LIMIT_KIND_N: none */
	const struct provider_stat *stats;
	size_t stats_n;
	bool ratelimits; /* netdev-genl's rx- and tx-hw-drop-ratelimits tell of it too */
	bool dropped;	 /* the provider says dropped, not "queued or dropped" */
	const char *what, *text;
};

static const struct provider_stat bandwidth_stats[] = {
	{"ena", "bw_in_allowance_exceeded", DIR_RX}, {"ena", "bw_out_allowance_exceeded", DIR_TX}};
static const struct provider_stat packets_stats[] = {{"ena", "pps_allowance_exceeded", DIR_BOTH}};
static const struct provider_stat sessions_stats[] = {
	{"ena", "conntrack_allowance_exceeded", DIR_BOTH}};
static const struct provider_stat linklocal_stats[] = {
	{"ena", "linklocal_allowance_exceeded", DIR_BOTH}};

static const struct cloud_what bandwidth = {
	.kind = LIMIT_BANDWIDTH,
	.stats = bandwidth_stats,
	.stats_n = ARRAY_SIZE(bandwidth_stats),
	.ratelimits = true,
	.what = "the instance's bandwidth",
	.text = "The provider lets this instance have no more bandwidth: what goes beyond waits in "
		"its shaper and is dropped when that is full. Nothing on this host counts it.",
};
static const struct cloud_what packets = {
	.kind = LIMIT_PACKETS,
	.stats = packets_stats,
	.stats_n = ARRAY_SIZE(packets_stats),
	.what = "the instance's packets a second",
	.text = "The provider lets this instance have no more packets a second, however small they "
		"are. Nothing on this host counts it.",
};
static const struct cloud_what sessions = {
	.kind = LIMIT_CONNECTIONS,
	.stats = sessions_stats,
	.stats_n = ARRAY_SIZE(sessions_stats),
	.dropped = true,
	.what = "the sessions that the provider tracks",
	.text = "The provider's own table of this instance's TCP, UDP and ICMP sessions is full. "
		"Connections it knows go on, new ones get no answer.",
};
static const struct cloud_what linklocal = {
	.kind = LIMIT_KIND_N,
	.stats = linklocal_stats,
	.stats_n = ARRAY_SIZE(linklocal_stats),
	.dropped = true,
	.what = "packets to the provider's DNS, metadata and time services",
	.text = "The provider limits packets to its own services (DNS resolver, metadata, NTP) for "
		"each card. A resolver that gets no answer asks again after 5 seconds.",
};

/* ---- the provider's counters ---- */

struct provider_word {
	bool seen; /* some card has the counter */
	uint64_t lost, of;
	enum direction direction; /* of what was lost */
};

static uint64_t packets_of(const struct exam *x, const struct link *l, enum direction d)
{
	uint64_t rx = delta_value(delta_link(x->o, l, C_LINK_RX_PACKETS));
	uint64_t tx = delta_value(delta_link(x->o, l, C_LINK_TX_PACKETS));

	return d == DIR_RX ? rx : d == DIR_TX ? tx : rx + tx;
}

/* Into the word, and as evidence of the finding or of what clears it. */
static void take_word(struct exam *x, struct finding *f, const struct link *l, const char *source,
		      const char *name, enum direction d, struct change c, struct provider_word *w)
{
	char text[80];

	snprintf(text, sizeof(text), "%s %s", l->name, name);
	evidence_change(f, x, source, text, c);
	w->seen = true;
	if (!delta_value(c))
		return;
	w->direction = w->lost && w->direction != d ? DIR_BOTH : d;
	w->lost += c.delta;
	w->of += packets_of(x, l, d);
	if (f) {
		struct subject *s = finding_subject(f);

		memcpy(s->device, l->name, sizeof(s->device));
		s->has_lost = true;
		s->lost = c.delta;
	}
}

/* Of a whole device, or where only its queues are told, their sum. */
static struct change ratelimit(const struct observation *o, unsigned int ifindex,
			       enum nic_qstat_id id)
{
	struct change sum = {0};

	vec_each(q, &o->b.nic_queues) {
		struct change c;

		if (q->ifindex != ifindex || !q->present[id])
			continue;
		c = delta_nic_queue(o, q, id);
		if (q->queue < 0)
			return c;
		sum.known |= c.known;
		sum.before += c.before;
		sum.after += c.after;
		sum.delta += delta_value(c);
	}
	return sum;
}

/* Asked twice: without a finding for the numbers, and again to put them into one. */
static struct provider_word provider_word(struct exam *x, const struct cloud_what *what,
					  struct finding *f)
{
	static const struct {
		enum nic_qstat_id id;
		enum direction direction;
		const char *name;
	} limits[] = {{NQ_RX_HW_DROP_RATELIMITS, DIR_RX, "rx-hw-drop-ratelimits"},
		      {NQ_TX_HW_DROP_RATELIMITS, DIR_TX, "tx-hw-drop-ratelimits"}};
	struct provider_word w = {.direction = DIR_BOTH};

	vec_each(nic, &x->o->b.nics) {
		const struct link *l = snapshot_link(&x->o->b, nic->ifindex);

		for (size_t i = 0; l && i < what->stats_n; i++) {
			const struct provider_stat *s = &what->stats[i];
			struct change c = delta_nic_named(x->o, nic, s->name);

			if (strcmp(s->driver, nic->driver) == 0 && (c.known || c.reset))
				take_word(x, f, l, "ethtool -S", s->name, s->direction, c, &w);
		}
	}
	vec_each(l, &x->o->b.links) {
		for (size_t i = 0; what->ratelimits && i < ARRAY_SIZE(limits); i++) {
			struct change c = ratelimit(x->o, l->ifindex, limits[i].id);

			if (c.known || c.reset)
				take_word(x, f, l, "netdev-genl", limits[i].name,
					  limits[i].direction, c, &w);
		}
	}
	return w;
}

/* ---- remedies ---- */

static void ask_provider(struct exam *x, struct finding *f, const struct cloud_what *what,
			 const char *device)
{
	cleanup(buf_done) struct buf figures = {0};
	struct remedy *r = finding_remedy(f, "more-from-provider", REMEDY_CAPACITY,
					  "a larger instance, a higher limit, or the load on more "
					  "instances: the provider wants these numbers");

	cloud_figures(x, device, &figures);
	remedy_why(r, "no setting of this host moves %s. %s", what->what,
		   figures.data ? figures.data : "The rates are not known.");
}

/* The queue that the kernel puts there by itself is back once ours is deleted. */
static bool has_default_qdisc(const struct exam *x, unsigned int ifindex)
{
	if (!source_ok(&x->o->b, SRC_QDISC))
		return false;
	vec_each(q, &x->o->b.qdiscs)
		if (q->ifindex == ifindex && q->parent == UINT32_MAX && q->handle)
			return false;
	return true;
}

/*
 * A queue of this host's own, just below the limit: TCP waits in it instead of losing. For one
 * device: a limit of all together cannot be kept by each.
 */
static void shape_below(struct exam *x, struct finding *f, const struct cloud_load *load)
{
	const struct link *only = NULL;
	uint64_t kbit = load->limit->value / 1000 * SHAPE_PERCENT / 100;
	char enter[96];
	struct remedy *r;

	vec_each(l, &x->o->b.links) {
		if (!cloud_device(x->o, load->limit->device, l))
			continue;
		if (only)
			return;
		only = l;
	}
	if (!only || load->side != LIMIT_TX || !kbit || !has_default_qdisc(x, only->ifindex))
		return;
	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "shape-below-limit", REMEDY_TC,
			   "shape %s to %d %% of the limit: what is too much waits here", only->name,
			   SHAPE_PERCENT);
	remedy_why(r, "TCP slows down for a queue of its own host without losing anything");
	remedy_cost(r, "one queue for all CPUs: too slow for some 10 Gbit/s and more; no more passes "
		       "than before");
	remedy_risk(r, "what is sent waits up to 0.4 s, and UDP that is more than that is dropped "
		       "here, where it is counted");
	/* Ten milliseconds of the rate: a smaller bucket does not fill between two timer ticks. */
	remedy_command(r, "%stc qdisc replace dev %s root tbf rate %llukbit burst %llu latency "
			  SHAPER_LATENCY,
		       enter, only->name, (unsigned long long)kbit,
		       (unsigned long long)MAX(kbit * 1000 / 8 / 100, 2 * (uint64_t)only->mtu));
	remedy_undo(r, "%stc qdisc del dev %s root", enter, only->name);
}

static void fewer_packets(struct exam *x, struct finding *f)
{
	struct remedy *r = finding_remedy(
		f, "fewer-larger-packets", REMEDY_APPLICATION,
		"fewer and larger packets: batches of messages in one write, UDP_SEGMENT, no "
		"TCP_NODELAY for small writes");

	remedy_why(r, "the limit counts packets, not bytes");
	vec_each(l, &x->o->b.links) {
		if (!cloud_device(x->o, "", l) || l->mtu > JUMBO_FROM)
			continue;
		remedy_why(r, "the limit counts packets, not bytes; %s has an MTU of %u, and most "
			      "providers carry 8,500 and more between their own instances",
			   l->name, l->mtu);
		break;
	}
}

static void fewer_sessions(struct finding *f)
{
	struct remedy *r = finding_remedy(
		f, "fewer-sessions", REMEDY_APPLICATION,
		"fewer short connections: keep them open, pool them, close those that idle");

	remedy_why(r, "each session stays in the provider's table for minutes after its last packet");
	r = finding_remedy(f, "untracked-rules", REMEDY_NETFILTER,
			   "security group rules that need no tracking: all of a port open, both ways");
	remedy_why(r, "what a rule lets pass in both directions from anywhere is not tracked by some "
		      "providers (AWS: untracked connections)");
	remedy_risk(r, "such a rule no longer tells answers from requests");
}

static void local_cache(struct finding *f)
{
	struct remedy *r = finding_remedy(
		f, "local-dns-cache", REMEDY_APPLICATION,
		"a DNS cache on this host: systemd-resolved, dnsmasq, NodeLocal DNSCache");

	remedy_why(r, "most packets to these services are DNS, and most of that asks the same again");
	r = finding_remedy(f, "fewer-lookups", REMEDY_APPLICATION,
			   "names with a dot at the end, or `options ndots:1` in /etc/resolv.conf");
	remedy_why(r, "each name of the search list is asked for A and AAAA first");
}

static void remedies(struct exam *x, struct finding *f, const struct cloud_what *what,
		     const struct cloud_load *load)
{
	if (what == &bandwidth && load)
		shape_below(x, f, load);
	if (what == &packets)
		fewer_packets(x, f);
	if (what == &sessions)
		fewer_sessions(f);
	if (what == &linklocal)
		local_cache(f);
	else
		ask_provider(x, f, what, load ? load->limit->device : "");
}

static enum outcome found_by_provider(struct exam *x, const struct cloud_what *what)
{
	struct finding *f = finding_new(x);
	struct provider_word w = provider_word(x, what, f);

	finding_lost(f, &w.lost, NULL, w.of);
	f->has_direction = true;
	f->direction = w.direction;
	f->severity = !w.of || (double)w.lost >= CRITICAL_SHARE * (double)w.of ? SEVERITY_CRITICAL
									      : SEVERITY_WARNING;
	f->confidence = what->dropped ? CERTAIN : LIKELY;
	finding_headline(f, "%llu packets %s by the provider: more than %s",
			 (unsigned long long)w.lost, what->dropped ? "dropped" : "queued or dropped",
			 what->what);
	finding_text(f, "%s%s", what->text,
		     what->dropped ? "" : " The provider counts what waited together with what was "
					  "dropped, so fewer may be lost.");
	finding_exclude(f, "a queue, ring or table of this host: the provider counts this behind "
			   "the card");
	remedies(x, f, what, NULL);
	return FOUND;
}

/* ---- stated limits ---- */

/* The first that is at its limit; else the one nearest to it. False: no limit applies here. */
static bool worst_load(const struct exam *x, enum limit_kind kind, struct cloud_load *ret)
{
	double most = -1;

	if (!x->d->config)
		return false;
	vec_each(l, &x->d->config->limits) {
		enum limit_side first = l->side == LIMIT_EACH ? LIMIT_RX : l->side;
		enum limit_side last = l->side == LIMIT_EACH ? LIMIT_TX : l->side;

		for (enum limit_side side = first; l->kind == kind && side <= last; side++) {
			struct cloud_load load;
			double share;

			if (!cloud_load(x, l, side, &load))
				continue;
			share = (double)load.peak / (double)l->value;
			/* Only what is sent can be seen to be lost from here. */
			if (cloud_load_is_at_limit(&load))
				share = 1000 + (side == LIMIT_RX ? 0 : share);
			if (share <= most)
				continue;
			most = share;
			*ret = load;
		}
	}
	return most >= 0;
}

static void add_load(struct exam *x, struct finding *f, const struct cloud_load *load)
{
	cleanup(buf_done) struct buf text = {0};

	cloud_load_text(x, load, &text);
	evidence_text(f, x, "%s", text.data);
}

static void load_headline(struct finding *f, const struct cloud_load *load, const char *words)
{
	char limit[32];

	cloud_amount(load->limit->kind, load->limit->value, limit, sizeof(limit));
	finding_headline(f, "%s %s at the limit of %s%s", cloud_device_name(load->limit),
			 load->side == LIMIT_RX ? "receives" : "sends", limit, words);
}

static void load_subject(struct finding *f, const struct cloud_load *load)
{
	if (load->limit->device[0])
		memcpy(finding_subject(f)->device, load->limit->device,
		       sizeof(load->limit->device));
}

static void at_limit_and_losing(struct exam *x, const struct cloud_what *what,
				const struct cloud_load *load, uint64_t lost, uint64_t of)
{
	struct finding *f = finding_new(x);

	load_subject(f, load);
	finding_lost(f, &lost, NULL, of);
	f->unit = "segments";
	f->has_direction = true;
	f->direction = DIR_TX;
	f->confidence = LIKELY;
	f->severity = (double)lost >= threshold_share(x, THRESHOLD_RETRANSMIT_CRITICAL) * (double)of
			      ? SEVERITY_CRITICAL
			      : SEVERITY_WARNING;
	load_headline(f, load, ", and segments are lost beyond this host");
	finding_text(f, "%s The rate stands at the limit that was stated, TCP has to send segments "
			"again, and nothing on this host's own path lost them.",
		     what->text);
	add_load(x, f, load);
	evidence_counter(f, x, C_TCP_RETRANS_SEGS);
	evidence_counter(f, x, C_TCP_OUT_SEGS);
	evidence_counter(f, x, C_TCP_DSACK_RECV_SEGS);
	finding_exclude(f, "this host: no drop of TCP on its own path%s",
			tracing(x) ? "" : " in its counters (drop events could not be seen)");
	remedies(x, f, what, load);
}

/* Nothing is seen to be lost: at the limit is where a busy host may be. */
static void at_limit(struct exam *x, const struct cloud_what *what, const struct cloud_load *load)
{
	struct finding *f = finding_new(x);

	load_subject(f, load);
	f->state = AT_RISK;
	f->confidence = POSSIBLE;
	load_headline(f, load, "");
	finding_text(f, "%s That TCP loses anything there is not seen%s.", what->text,
		     load->side == LIMIT_RX ? "; what is lost before it gets here only its senders see"
					    : "; UDP that is lost beyond this host nobody here sees");
	add_load(x, f, load);
	remedies(x, f, what, load);
}

static enum outcome examine_rate(struct exam *x, const struct cloud_what *what)
{
	struct cloud_load load;
	uint64_t lost, of;

	if (!worst_load(x, what->kind, &load))
		return NOT_EXAMINED;
	if (!cloud_load_is_at_limit(&load)) {
		add_load(x, NULL, &load);
		return NOT_FOUND;
	}
	if (load.side != LIMIT_RX && tcp_lost_elsewhere(x, &lost, &of))
		at_limit_and_losing(x, what, &load, lost, of);
	else
		at_limit(x, what, &load);
	return FOUND;
}

/* ---- sessions ---- */

struct session_count {
	uint64_t now;
	bool tracked; /* by this host's own conntrack; else its sockets, a lower bound */
};

static uint64_t tracked_sessions(const struct observation *o)
{
	uint64_t most = MAX(o->a.counter[C_CT_ENTRIES], o->b.counter[C_CT_ENTRIES]);

	vec_each(look, &o->looks)
		most = MAX(most, look->counter[C_CT_ENTRIES]);
	return most;
}

/* Whichever sees more: tracking may be off for a part of the traffic. */
static bool count_sessions(const struct exam *x, struct session_count *ret)
{
	static const enum counter_id ids[] = {C_TCP_CURR_ESTAB, C_SOCKSTAT_TCP_TW};
	const struct observation *o = x->o;
	uint64_t tracked = tracked_sessions(o), sockets = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		sockets += MAX(o->a.counter[ids[i]], o->b.counter[ids[i]]);
	ret->tracked = tracked >= sockets && tracked;
	ret->now = MAX(tracked, sockets);
	return ret->tracked || source_ok(&o->b, SRC_SNMP);
}

/* What the user stated, or the card tells: sessions in use and those still to be had. */
static uint64_t sessions_limit(const struct exam *x, uint64_t now, bool *ret_stated)
{
	*ret_stated = false;
	vec_each(nic, &x->o->b.nics)
		vec_each(stat, &nic->stats)
			if (strcmp(nic->driver, "ena") == 0 &&
			    strcmp(stat->name, "conntrack_allowance_available") == 0)
				return now + stat->value;
	if (!x->d->config)
		return 0;
	vec_each(l, &x->d->config->limits) {
		if (l->kind != LIMIT_CONNECTIONS)
			continue;
		*ret_stated = true;
		return l->value;
	}
	return 0;
}

static void sessions_evidence(struct exam *x, struct finding *f, const struct session_count *s,
			      uint64_t limit, bool stated)
{
	evidence_text(f, x, "%s%llu sessions by %s, of %llu %s", s->tracked ? "" : "at least ",
		      (unsigned long long)s->now,
		      s->tracked ? "this host's own connection tracking"
				 : "its TCP connections (a lower bound, unless it talks to itself: "
				   "UDP, and what it forwards or has closed, is not among them)",
		      (unsigned long long)limit,
		      stated ? "that were stated" : "by the card's conntrack_allowance_available");
}

/* Those who are refused ask again, and nothing else is lost. */
static bool new_ones_unanswered(struct exam *x, uint64_t *ret_lost, uint64_t *ret_of)
{
	uint64_t syns = delta_value(delta_counter(x->o, C_TCP_SYN_RETRANS)), lost, of;

	if (!tcp_lost_elsewhere(x, &lost, &of) || syns * 5 < lost * 4)
		return false;
	*ret_lost = lost;
	*ret_of = of;
	return true;
}

static enum outcome examine_sessions(struct exam *x)
{
	struct session_count s = {0};
	enum severity severity;
	uint64_t limit, lost = 0, of = 0;
	bool stated;
	struct finding *f;

	if (!count_sessions(x, &s))
		return NOT_EXAMINED;
	limit = sessions_limit(x, s.now, &stated);
	if (!limit)
		return NOT_EXAMINED;
	if (!severity_of_fill(x, s.now, limit, &severity)) {
		sessions_evidence(x, NULL, &s, limit, stated);
		return NOT_FOUND;
	}
	if (severity == SEVERITY_CRITICAL)
		new_ones_unanswered(x, &lost, &of);
	/* More than there can be, and none refused: the limit that was stated is not the one. */
	if (!lost && s.now > limit)
		severity = SEVERITY_INFO;
	f = finding_new(x);
	f->severity = severity;
	f->confidence = lost ? LIKELY : stated && !s.tracked ? POSSIBLE : LIKELY;
	finding_headline(f, "%s%llu of %llu sessions%s", s.tracked ? "" : "at least ",
			 (unsigned long long)s.now, (unsigned long long)limit,
			 lost ? ", and new connections get no answer" : "");
	if (lost) {
		finding_lost(f, &lost, NULL, of);
		f->unit = "segments";
		finding_text(f, "%s The table is as full as was stated, and SYNs are sent again while "
				"nothing else is lost.",
			     sessions.text);
		evidence_counter(f, x, C_TCP_SYN_RETRANS);
		evidence_counter(f, x, C_TCP_ACTIVE_OPENS);
	} else {
		f->state = AT_RISK;
		finding_text(f, "The provider tracks this instance's sessions in a table of its own. "
				"Once it is full, new connections get no answer.");
	}
	sessions_evidence(x, f, &s, limit, stated);
	remedies(x, f, &sessions, NULL);
	return FOUND;
}

/* ---- the causes ---- */

static enum outcome examine(struct exam *x, const struct cloud_what *what)
{
	/* Its numbers stand among those that clear the cause, if it is cleared. */
	struct provider_word w = provider_word(x, what, NULL);
	enum outcome outcome = NOT_EXAMINED;

	if (w.lost)
		return found_by_provider(x, what);
	if (what->kind == LIMIT_CONNECTIONS)
		outcome = examine_sessions(x);
	else if (what->kind != LIMIT_KIND_N && !w.seen)
		outcome = examine_rate(x, what);
	if (outcome == NOT_EXAMINED && w.seen)
		return NOT_FOUND;
	if (outcome != NOT_EXAMINED)
		return outcome;
	return not_examined_why(x, "no card here counts for a cloud provider and no limit is stated",
				what->kind == LIMIT_KIND_N ? ""
							   : "in whydrop.conf or with --limit");
}

enum outcome examine_cloud_bandwidth(struct exam *x)
{
	return examine(x, &bandwidth);
}

enum outcome examine_cloud_packets(struct exam *x)
{
	return examine(x, &packets);
}

enum outcome examine_cloud_sessions(struct exam *x)
{
	return examine(x, &sessions);
}

enum outcome examine_cloud_linklocal(struct exam *x)
{
	return examine(x, &linklocal);
}
