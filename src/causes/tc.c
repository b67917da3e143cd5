// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage tc: queueing disciplines on the way out. */
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define TC_ROOT 0xffffffffU
#define FRAME_HEADER 14 /* a queue counts the Ethernet header, the MTU does not */

static const char *const qdisc_reasons[] = {
	"QDISC_DROP",	 "QDISC_OVERLIMIT",  "QDISC_CONGESTED", "FQ_FLOW_LIMIT",
	"FQ_BAND_LIMIT", "FQ_HORIZON_LIMIT", "CAKE_FLOOD",	NULL};
static const struct drop_filter qdisc_filter = {.reasons = qdisc_reasons};

/* Filters at clsact and ingress drop for other reasons; they are no queue. */
bool is_queue(const struct qdisc *q)
{
	return strcmp(q->kind, "ingress") != 0 && strcmp(q->kind, "clsact") != 0;
}

/* What one device's queues dropped. */
struct device_loss {
	const struct link *link; /* NULL if it has no name any more */
	uint64_t counted, traced, lost;
	bool changed; /* queues came or went: their counters are not all there is */
	const struct qdisc *worst;
	uint64_t worst_lost;
};

static bool same_queue(const struct qdisc *one, const struct qdisc *other)
{
	return one->ifindex == other->ifindex && one->handle == other->handle &&
	       one->parent == other->parent && strcmp(one->kind, other->kind) == 0;
}

static bool has_queue(const struct snapshot *s, const struct qdisc *q)
{
	vec_each (other, &s->qdiscs)
		if (same_queue(other, q))
			return true;
	return false;
}

/* A queue that is new, or whose counters began again, counts from zero: that was all meanwhile. */
static uint64_t drops_of(const struct observation *o, const struct qdisc *q, bool *ret_changed)
{
	struct change c = delta_qdisc_drops(o, q);

	if (c.known || !observed(o, SRC_QDISC))
		return delta_value(c);
	*ret_changed = true;
	return q->drops;
}

/* In the tree of one device; handle 0 names no queue, but mq's own leaves hang on such a root. */
static bool is_child(const struct qdisc *q, const struct qdisc *of)
{
	if (q == of || q->ifindex != of->ifindex || q->parent == TC_ROOT || !is_queue(q))
		return false;
	return q->parent >> 16 == of->handle >> 16 && (of->handle || of->parent == TC_ROOT);
}

/*
 * What a queue dropped itself: a child's drop also counts at its parents, up to the root (both
 * enqueue and qdisc_tree_reduce_backlog do so; mq adds its leaves up).
 */
static uint64_t own_drops(const struct observation *o, const struct qdisc *q, bool *ret_changed)
{
	uint64_t all = drops_of(o, q, ret_changed), below = 0;

	vec_each (other, &o->b.qdiscs)
		if (is_child(other, q))
			below += drops_of(o, other, ret_changed);
	return all - MIN(all, below);
}

static struct device_loss loss_of(struct exam *x, const struct link *link)
{
	struct drop_filter of_device = qdisc_filter;
	struct device_loss loss = {.link = link};

	vec_each (q, &x->o->b.qdiscs) {
		uint64_t own;

		if (q->ifindex != link->ifindex || !is_queue(q))
			continue;
		own = own_drops(x->o, q, &loss.changed);
		loss.counted += own;
		if (own > loss.worst_lost) {
			loss.worst_lost = own;
			loss.worst = q;
		}
	}
	if (observed(x->o, SRC_QDISC) && !x->o->since_boot)
		vec_each (q, &x->o->a.qdiscs)
			loss.changed |= q->ifindex == link->ifindex && is_queue(q) &&
					!has_queue(&x->o->b, q);
	of_device.ifindex = link->ifindex;
	loss.traced = ledger_unclaimed(x->ledger, &of_device);
	/* What a queue that is gone by now dropped, only the trace has seen. */
	loss.lost = MAX(loss.counted, loss.traced);
	return loss;
}

const struct qdisc *losing_queue(struct exam *x, const struct link *link)
{
	return loss_of(x, link).worst;
}

/* ---- remedies ---- */

/* "root", or "parent 1:2"; where tc finds the queue. */
const char *queue_place(const struct qdisc *q, char *to, size_t size)
{
	if (q->parent == TC_ROOT)
		snprintf(to, size, "root");
	else
		snprintf(to, size, "parent %x:%x", q->parent >> 16, q->parent & 0xffff);
	return to;
}

const char *queue_key(const struct qdisc *q, char *to, size_t size)
{
	char place[32];

	queue_place(q, place, sizeof(place));
	snprintf(to, size, "%s", q->parent == TC_ROOT ? place : place + strlen("parent "));
	return to;
}

static bool is_fifo(const struct qdisc *q)
{
	return strcmp(q->kind, "pfifo") == 0 || strcmp(q->kind, "bfifo") == 0 ||
	       strcmp(q->kind, "pfifo_head_drop") == 0;
}

static bool burst_too_small(const struct qdisc *q, const struct link *link)
{
	return q->burst && link && q->burst < link->mtu + FRAME_HEADER;
}

static void raise_burst(struct exam *x, struct finding *f, const struct qdisc *q,
			const struct link *link)
{
	uint64_t full = link->mtu + FRAME_HEADER, to = MAX(full, q->rate_bps / 8 / 250);
	char enter[96], place[32];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	queue_place(q, place, sizeof(place));
	r = finding_remedy(f, "raise-burst", REMEDY_TC,
			   "a burst of at least one full packet on %s: %llu -> %llu bytes",
			   link->name, (unsigned long long)q->burst, (unsigned long long)to);
	remedy_why(r,
		   "a token bucket never lets a packet pass that is larger than its burst; a full "
		   "one has %llu bytes",
		   (unsigned long long)full);
	if (!q->handle || !q->limit)
		return;
	remedy_command(
		r, "%stc qdisc change dev %s %s handle %x: tbf rate %llubit burst %llu limit %llu",
		enter, link->name, place, q->handle >> 16, (unsigned long long)q->rate_bps,
		(unsigned long long)to, (unsigned long long)q->limit);
	remedy_undo(r,
		    "%stc qdisc change dev %s %s handle %x: tbf rate %llubit burst %llu limit %llu",
		    enter, link->name, place, q->handle >> 16, (unsigned long long)q->rate_bps,
		    (unsigned long long)q->burst, (unsigned long long)q->limit);
}

static void raise_shaper(struct exam *x, struct finding *f, const struct qdisc *q,
			 const char *device)
{
	char enter[96];
	struct remedy *r;

	r = finding_remedy(f, "raise-shaper", REMEDY_TC,
			   "raise the rate or the limit of the shaper %s %x: on %s, or send less",
			   q->kind, q->handle >> 16, device);
	if (q->rate_bps)
		remedy_why(r, "it lets out %llu kbit/s; more than that was offered",
			   (unsigned long long)(q->rate_bps / 1000));
	else
		remedy_why(r, "more was offered than its classes let out");
	remedy_command(r, "%stc -s -d qdisc show dev %s", entering(x, enter, sizeof(enter)),
		       device);
	if (!q->rate_bps)
		remedy_command(r, "%stc -s -d class show dev %s", enter, device);
	remedy_cost(r, "a longer limit adds delay; a higher rate may overrun the next hop");
}

/* In the same place of the tree: a shaper above must go on shaping. */
static void fair_queue(struct exam *x, struct finding *f, const struct qdisc *q, const char *device)
{
	char enter[96], place[32], limit[32] = "", handle[24] = "";
	struct remedy *r = finding_remedy(f, "fair-queue", REMEDY_TC,
					  "a fair queue on %s instead of %s", device, q->kind);

	entering(x, enter, sizeof(enter));
	queue_place(q, place, sizeof(place));
	if (is_fifo(q) && q->limit)
		snprintf(limit, sizeof(limit), " limit %llu", (unsigned long long)q->limit);
	if (q->handle)
		snprintf(handle, sizeof(handle), " handle %x:", q->handle >> 16);
	remedy_why(
		r,
		"one flood then no longer pushes out the others; it drops from the fattest flow");
	remedy_command(r, "%stc qdisc replace dev %s %s fq_codel", enter, device, place);
	remedy_undo(r, "%stc qdisc replace dev %s %s%s %s%s", enter, device, place, handle, q->kind,
		    limit);
	if (q->parent == TC_ROOT && !*enter)
		remedy_persist(r, "echo 'net.core.default_qdisc = fq_codel' > "
				  "/etc/sysctl.d/90-whydrop-qdisc.conf");
	remedy_risk(r, "what is queued at that moment is lost");
}

/* A fifo keeps the limit it was made with; only pfifo_fast follows txqueuelen. */
static void longer_queue(struct exam *x, struct finding *f, const struct qdisc *q,
			 const struct link *link)
{
	bool by_device = strcmp(q->kind, "pfifo_fast") == 0;
	uint64_t now = by_device ? link->txqlen : q->limit;
	uint64_t to = q->limit_in_bytes ? MAX(now * 2, 10000) : MAX(now * 2, 100);
	const char *unit = !by_device && q->limit_in_bytes ? "bytes" : "packets";
	char enter[96], place[32], key[16];
	struct remedy *r;

	if (!now || (!by_device && (!is_fifo(q) || !q->handle)))
		return;
	entering(x, enter, sizeof(enter));
	queue_place(q, place, sizeof(place));
	r = finding_remedy(f, by_device ? "raise-txqueuelen" : "raise-limit", REMEDY_TC,
			   "a longer queue on %s: %llu -> %llu %s", link->name,
			   (unsigned long long)now, (unsigned long long)to, unit);
	if (by_device)
		remedy_change_number(r, "link", now, to, "%s:txqueuelen", link->name);
	else
		remedy_change_number(r, "qdisc", now, to, "%s:%s %s limit", link->name,
				     queue_key(q, key, sizeof(key)), q->kind);
	remedy_why(r, "it rides out bursts; where more is sent than gets out all the time, it only "
		      "adds delay");
	if (by_device) {
		remedy_command(r, "%sip link set %s txqueuelen %llu", enter, link->name,
			       (unsigned long long)to);
		remedy_undo(r, "%sip link set %s txqueuelen %llu", enter, link->name,
			    (unsigned long long)now);
	} else {
		remedy_command(r, "%stc qdisc change dev %s %s handle %x: %s limit %llu", enter,
			       link->name, place, q->handle >> 16, q->kind, (unsigned long long)to);
		remedy_undo(r, "%stc qdisc change dev %s %s handle %x: %s limit %llu", enter,
			    link->name, place, q->handle >> 16, q->kind, (unsigned long long)now);
	}
	remedy_cost(r, "more delay while the queue is long");
}

static const struct qdisc *parent_of(const struct observation *o, const struct qdisc *q)
{
	vec_each (other, &o->b.qdiscs)
		if (is_child(q, other))
			return other;
	return NULL;
}

bool is_shaper(const struct qdisc *q)
{
	return strcmp(q->kind, "tbf") == 0 || strcmp(q->kind, "htb") == 0 ||
	       strcmp(q->kind, "hfsc") == 0 || q->rate_bps;
}

static void qdisc_remedies(struct exam *x, struct finding *f, const struct qdisc *q,
			   const struct link *link)
{
	const struct qdisc *shaper = q;
	struct remedy *r;
	char enter[96];

	if (burst_too_small(q, link)) {
		raise_burst(x, f, q, link);
		return;
	}
	if (strcmp(q->kind, "netem") == 0) {
		r = finding_remedy(
			f, "remove-netem", REMEDY_TC,
			"netem on %s loses packets to imitate a bad network: take it away",
			link->name);
		remedy_command(r, "%stc -s qdisc show dev %s", entering(x, enter, sizeof(enter)),
			       link->name);
		return;
	}
	for (int depth = 0; shaper && !is_shaper(shaper) && depth < 8; depth++)
		shaper = parent_of(x->o, shaper);
	if (shaper && is_shaper(shaper))
		raise_shaper(x, f, shaper, link->name);
	if (is_shaper(q))
		return;
	if (is_fifo(q) || strncmp(q->kind, "pfifo_fast", 10) == 0) {
		fair_queue(x, f, q, link->name);
		longer_queue(x, f, q, link);
		return;
	}
	r = finding_remedy(
		f, "send-less", REMEDY_CAPACITY,
		"send less by %s, or more slowly: %s drops what does not get out in time",
		link->name, q->kind);
	remedy_command(r, "%stc -s -d qdisc show dev %s", entering(x, enter, sizeof(enter)),
		       link->name);
}

/* ---- the finding ---- */

static void add_device(struct exam *x, struct finding *f, const struct device_loss *loss)
{
	struct subject *s = finding_subject(f);
	char name[80];

	memcpy(s->device, loss->link->name, sizeof(s->device));
	s->has_lost = true;
	s->lost = loss->lost;
	s->traced = loss->traced;
	vec_each (q, &x->o->b.qdiscs) {
		bool changed = false;

		if (q->ifindex != loss->link->ifindex || !is_queue(q) ||
		    !own_drops(x->o, q, &changed))
			continue;
		snprintf(name, sizeof(name), "%s %s %x: drops", s->device, q->kind,
			 q->handle >> 16);
		if (delta_qdisc_drops(x->o, q).known)
			evidence_change(f, x, "tc", name, delta_qdisc_drops(x->o, q));
		else
			evidence_value(f, x, "tc", name, q->drops);
	}
	if (loss->changed)
		evidence_text(f, x,
			      "the queues of %s were changed meanwhile: counters of those that "
			      "went are lost",
			      s->device);
	if (loss->worst)
		qdisc_remedies(x, f, loss->worst, loss->link);
}

static int compare_losses(const void *one, const void *other)
{
	const struct device_loss *a = one, *b = other;

	return a->lost == b->lost ? 0 : a->lost > b->lost ? -1 : 1;
}

static void describe(struct finding *f, const struct device_loss *worst)
{
	const char *device = worst ? worst->link->name : "a device";

	if (worst && worst->worst && burst_too_small(worst->worst, worst->link)) {
		finding_headline(f, "the shaper on %s lets no packet above %llu bytes pass", device,
				 (unsigned long long)worst->worst->burst);
		finding_text(
			f, "The burst of its token bucket is smaller than a full packet: larger "
			   "ones are dropped, however little is sent. The program sees no error.");
		return;
	}
	finding_headline(f, "the queue of %s is full or held back by a shaper", device);
	finding_text(f, "More was sent than the queueing discipline lets out. The program sees no "
			"error, unless it asked for one (IP_RECVERR).");
}

enum outcome examine_qdisc_drop(struct exam *x)
{
	uint64_t traced = ledger_unclaimed(x->ledger, &qdisc_filter), counted = 0, passed = 0,
		 lost = 0;
	VEC(struct device_loss) losses = {0};
	bool complete = observed(x->o, SRC_QDISC);
	struct finding *f;

	vec_each (link, &x->o->b.links) {
		struct device_loss loss = loss_of(x, link);

		passed += delta_value(delta_link(x->o, link, C_LINK_TX_PACKETS));
		if (!loss.lost)
			continue;
		*vec_push(&losses) = loss;
		counted += loss.counted;
		lost += loss.lost;
		/* Some that is not counted at all, or went with its queue. */
		complete &= loss.counted && !loss.changed;
	}
	lost = MAX(lost, traced); /* a device may be gone */
	if (!lost) {
		evidence_text(NULL, x, "qdiscs of %zu devices: drops +0", x->o->b.links.n);
		evidence_traced(NULL, x, "QDISC_DROP", traced);
		vec_done(&losses);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &qdisc_filter, traced);
	finding_lost(f, complete && counted ? &counted : NULL, tracing(x) ? &traced : NULL,
		     passed + lost);
	f->lost = lost;
	f->severity = severity_of_share(x, f->lost, f->of);
	if (losses.n)
		qsort(losses.items, losses.n, sizeof(*losses.items), compare_losses);
	describe(f, losses.n ? losses.items : NULL);
	vec_each (loss, &losses)
		add_device(x, f, loss);
	vec_done(&losses);
	evidence_traced(f, x, "QDISC_DROP", traced);
	finding_exclude(f, "a full send buffer (udp-sndbuf-full): its counters move too, these are "
			   "the same packets");
	finding_flows(x, f, &qdisc_filter);
	return FOUND;
}
