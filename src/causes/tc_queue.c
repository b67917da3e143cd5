// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tc: why a queue dropped, where its own settings say so: a fair queue's limit for one flow, a
 * transmit queue of a few packets; and shapers that drop nothing but hold packets back for long.
 */
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define TC_ROOT 0xffffffffU
#define SHORT 10	   /* causes.md 36: packets */
#define TXQUEUELEN 1000	   /* what the kernel gives a new device */
#define MOSTLY 0.5
#define NOTED_MS 10	   /* a queue that is worth a word */

/* The queue behind a subject of qdisc-drop. */
static const struct qdisc *queue_of(struct exam *x, const struct finding *f, const struct subject *s,
				    const struct link **ret_link)
{
	const struct link *link = s->device[0] ? snapshot_link_named(&x->o->b, s->device) : NULL;

	if (!link || strcmp((f->via ? f->via : f->cause)->id, "qdisc-drop") != 0)
		return NULL;
	*ret_link = link;
	return losing_queue(x, link);
}

/* ---- fq-limits ---- */

/* What a fq dropped by its two limits for single packets and flows, in the sample. */
static bool fq_drops(const struct exam *x, const struct qdisc *q, uint64_t *ret_flow,
		     uint64_t *ret_horizon)
{
	const struct qdisc *old = qdisc_before(x->o, q);

	if (!q->fq_known || (old && !old->fq_known))
		return false;
	*ret_flow = q->fq_flow_drops - (old ? MIN(old->fq_flow_drops, q->fq_flow_drops) : 0);
	*ret_horizon = q->fq_horizon_drops - (old ? MIN(old->fq_horizon_drops, q->fq_horizon_drops) : 0);
	return true;
}

bool explains_fq_limits(struct exam *x, const struct finding *f, const struct subject *s)
{
	const struct link *link;
	const struct qdisc *q = queue_of(x, f, s, &link);
	uint64_t flow, horizon;

	return q && fq_drops(x, q, &flow, &horizon) &&
	       (double)(flow + horizon) >= MOSTLY * (double)s->lost;
}

static void raise_flow_limit(struct exam *x, struct finding *f, const struct qdisc *q,
			     const struct link *link)
{
	uint64_t to = MIN(MAX(q->fq_flow_limit * 2, 100), MAX(q->limit, 100));
	char enter[96], place[32];
	struct remedy *r;

	r = finding_remedy(f, "raise-flow-limit", REMEDY_TC,
			   "let one flow have more packets in the queue of %s: %llu -> %llu", link->name,
			   (unsigned long long)q->fq_flow_limit, (unsigned long long)to);
	remedy_why(r, "a flow that sends in bursts, or faster than its pacing rate, had more than %llu "
		      "waiting",
		   (unsigned long long)q->fq_flow_limit);
	if (!q->handle || !q->fq_flow_limit || to <= q->fq_flow_limit)
		return;
	remedy_change_number(r, "qdisc", q->fq_flow_limit, to, "%s:%s fq flow_limit", link->name,
			     queue_key(q, place, sizeof(place)));
	entering(x, enter, sizeof(enter));
	queue_place(q, place, sizeof(place));
	remedy_command(r, "%stc qdisc change dev %s %s handle %x: fq flow_limit %llu", enter, link->name,
		       place, q->handle >> 16, (unsigned long long)to);
	remedy_undo(r, "%stc qdisc change dev %s %s handle %x: fq flow_limit %llu", enter, link->name,
		    place, q->handle >> 16, (unsigned long long)q->fq_flow_limit);
	remedy_cost(r, "more delay for that flow while its queue is long");
}

void describe_fq_limits(struct exam *x, struct finding *f)
{
	const struct link *link = NULL;
	const struct qdisc *q = queue_of(x, f, first_of(f), &link);
	uint64_t flow = 0, horizon = 0;
	struct remedy *r;

	if (!q || !fq_drops(x, q, &flow, &horizon))
		return;
	f->confidence = CERTAIN;
	evidence_value(f, x, "tc -s", "flows_plimit (in the sample)", flow);
	evidence_value(f, x, "tc -s", "horizon_drops (in the sample)", horizon);
	if (flow >= horizon) {
		finding_headline(f, "single flows have too many packets waiting in the fq of %s",
				 link->name);
		finding_text(f, "fq lets one flow have so many packets in the queue (flow_limit) and drops "
				"what comes beyond it, however empty the queue is. TCP does not get there; "
				"programs that send datagrams in bursts do.");
		raise_flow_limit(x, f, q, link);
		return;
	}
	finding_headline(f, "packets are to be sent too far in the future for the fq of %s", link->name);
	finding_text(f, "A program told the kernel when each packet is to be sent (SO_TXTIME, pacing), and "
			"that was beyond the horizon of fq, 10 seconds by default.");
	r = finding_remedy(f, "sane-times", REMEDY_APPLICATION,
			   "have the program give times of the clock that fq uses (CLOCK_MONOTONIC)");
	remedy_why(r, "times of another clock, or after a jump of it, lie years away");
}

/* ---- txqueuelen-small ---- */

/* These make leaves of their own, with a limit of txqueuelen: they are not shown. */
static bool has_hidden_leaves(const struct qdisc *q)
{
	static const char *const kinds[] = {"htb", "hfsc", "prio", "drr"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(q->kind, kinds[i]) == 0)
			return true;
	return false;
}

static bool follows_txqueuelen(const struct qdisc *q, const struct link *link)
{
	if (link->txqlen > SHORT)
		return false;
	if (strncmp(q->kind, "pfifo_fast", 10) == 0 || has_hidden_leaves(q))
		return true;
	return (strcmp(q->kind, "pfifo") == 0 || strcmp(q->kind, "pfifo_head_drop") == 0) &&
	       q->limit <= MAX(link->txqlen, 1);
}

bool explains_txqueuelen(struct exam *x, const struct finding *f, const struct subject *s)
{
	const struct link *link;
	const struct qdisc *q = queue_of(x, f, s, &link);

	return q && follows_txqueuelen(q, link);
}

static void raise_txqueuelen(struct exam *x, struct finding *f, const struct qdisc *q,
			     const struct link *link)
{
	bool at_once = strncmp(q->kind, "pfifo_fast", 10) == 0;
	struct remedy *r;
	char enter[96];

	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "raise-txqueuelen", REMEDY_TC, "a longer transmit queue on %s: %u -> %u",
			   link->name, link->txqlen, TXQUEUELEN);
	remedy_why(r, "%u packets do not hold the burst of a single connection; where more is sent than "
		      "gets out all the time, a longer queue only adds delay",
		   MAX(link->txqlen, 1));
	remedy_command(r, "%sip link set %s txqueuelen %u", enter, link->name, TXQUEUELEN);
	remedy_undo(r, "%sip link set %s txqueuelen %u", enter, link->name, link->txqlen);
	if (at_once)
		remedy_change_number(r, "link", link->txqlen, TXQUEUELEN, "%s:txqueuelen", link->name);
	else {
		remedy_command(r, "%stc class show dev %s    (queues keep the limit they were made with)",
			       enter, link->name);
		remedy_command(r, "%stc qdisc add dev %s parent CLASS pfifo limit %u", enter, link->name,
			       TXQUEUELEN);
		remedy_undo(r, "%stc qdisc del dev %s parent CLASS", enter, link->name);
	}
	remedy_cost(r, "more delay while the queue is long");
	remedy_persist(r, "TransmitQueueLength=%u in the [Link] section of a systemd .link file",
		       TXQUEUELEN);
}

static void say_txqueuelen(struct exam *x, struct finding *f, const struct qdisc *q,
			   const struct link *link)
{
	char name[48];

	finding_headline(f, "the transmit queue of %s holds %u packet%s", link->name,
			 MAX(link->txqlen, 1), link->txqlen > 1 ? "s" : "");
	finding_text(f, "txqueuelen is the limit of the simple queues that the kernel makes by itself%s. "
			"Virtual devices and some scripts set it to next to nothing.",
		     has_hidden_leaves(q) ? ", also below a shaper's classes" : "");
	snprintf(name, sizeof(name), "%s txqueuelen", link->name);
	evidence_value(f, x, source_rows[SRC_LINK].name, name, link->txqlen);
	raise_txqueuelen(x, f, q, link);
}

void describe_txqueuelen(struct exam *x, struct finding *f)
{
	const struct link *link = NULL;
	const struct qdisc *q = queue_of(x, f, first_of(f), &link);

	if (q)
		say_txqueuelen(x, f, q, link);
}

/* Nothing lost: worth a word where the device sends through such a queue. */
enum outcome examine_txqueuelen(struct exam *x)
{
	vec_each(q, &x->o->b.qdiscs) {
		const struct link *link = snapshot_link(&x->o->b, q->ifindex);
		const struct qdisc *old = qdisc_before(x->o, q);
		struct finding *f;

		if (!link || !old || q->packets <= old->packets || has_hidden_leaves(q) ||
		    !follows_txqueuelen(q, link))
			continue;
		f = finding_new(x);
		f->state = AT_RISK;
		memcpy(finding_subject(f)->device, link->name, sizeof(link->name));
		say_txqueuelen(x, f, q, link);
		return FOUND;
	}
	evidence_text(NULL, x, "no device sends through a queue of %u packets or less", SHORT);
	return NOT_FOUND;
}

/* ---- shaper-delay ---- */

/* A shaper that had packets waiting at both ends of the sample, and dropped none. */
struct waiting {
	const struct qdisc *q;
	const struct link *link;
	uint64_t rate_bps, backlog; /* bytes, the lesser of both ends */
	uint64_t ms;
};

static bool is_waiting(const struct exam *x, const struct qdisc *q, struct waiting *ret)
{
	const struct qdisc *old = qdisc_before(x->o, q);
	struct waiting w = {.q = q, .link = snapshot_link(&x->o->b, q->ifindex)};
	struct change drops = delta_qdisc_drops(x->o, q);

	if (!w.link || !old || !is_queue(q) || !is_shaper(q) || !drops.known || drops.delta ||
	    q->overlimits == old->overlimits)
		return false;
	w.backlog = MIN(q->backlog, old->backlog);
	/* What it let out is its rate, as packets waited all the time. */
	w.rate_bps = q->rate_bps ? q->rate_bps
				 : (uint64_t)(per_second(x->o, q->bytes - MIN(q->bytes, old->bytes)) * 8);
	if (!w.backlog || !w.rate_bps)
		return false;
	w.ms = w.backlog * 8000 / w.rate_bps;
	*ret = w;
	return w.ms >= NOTED_MS;
}

enum outcome examine_shaper_delay(struct exam *x)
{
	struct waiting worst = {0}, w;
	char place[32], enter[96];
	struct finding *f;
	struct remedy *r;

	vec_each(q, &x->o->b.qdiscs)
		if (is_waiting(x, q, &w) && w.ms > worst.ms)
			worst = w;
	if (!worst.q) {
		evidence_text(NULL, x, "%zu queues: no shaper held packets back for %u ms all the time",
			      x->o->b.qdiscs.n, NOTED_MS);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->confidence = LIKELY;
	memcpy(finding_subject(f)->device, worst.link->name, sizeof(worst.link->name));
	finding_headline(f, "packets wait %llu ms in the shaper on %s", (unsigned long long)worst.ms,
			 worst.link->name);
	finding_text(f, "More is sent than the shaper lets out, and its queue is long enough to hold it: "
			"nothing is lost, but all that goes through it comes late. A queue that never "
			"empties is no buffer.");
	queue_place(worst.q, place, sizeof(place));
	evidence_text(f, x, "%s %s on %s: %u bytes at the beginning, %u at the end, %llu kbit/s",
		      worst.q->kind, place, worst.link->name, qdisc_before(x->o, worst.q)->backlog,
		      worst.q->backlog, (unsigned long long)(worst.rate_bps / 1000));
	evidence_change(f, x, "tc", "drops", delta_qdisc_drops(x->o, worst.q));
	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "shorter-queue", REMEDY_TC,
			   "a fair queue with a short delay below the shaper of %s, or a lower limit",
			   worst.link->name);
	remedy_why(r, "%llu bytes take %llu ms at its rate; TCP slows down only when something is dropped "
		      "or marked",
		   (unsigned long long)worst.backlog, (unsigned long long)worst.ms);
	remedy_command(r, "%stc -s -d qdisc show dev %s", enter, worst.link->name);
	if (strcmp(worst.q->kind, "tbf") == 0 && worst.q->handle) {
		remedy_command(r, "%stc qdisc add dev %s parent %x:1 fq_codel", enter, worst.link->name,
			       worst.q->handle >> 16);
		remedy_undo(r, "%stc qdisc del dev %s parent %x:1", enter, worst.link->name,
			    worst.q->handle >> 16);
	}
	remedy_risk(r, "what waits at that moment is lost, and more is dropped afterwards, as it must be");
	return FOUND;
}
