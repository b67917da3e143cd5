// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage link: a link that carries what it can, and one whose ends tell each other to wait. Neither
 * loses anything by itself: the queue before it does (qdisc-drop), or the switch.
 */
#include <stdio.h>

#include "causes/cards.h"
#include "causes/enter.h"
#include "causes/stages.h"

/* ---- link-saturated ---- */

#define FRAME_EXTRA 24 /* bytes of a frame that no counter has: preamble, FCS, gap */
#define BUSY_SHARE 0.1
#define AT_SHARE_OF_BUSY 4
#define NO_LIMIT_SHARE 1.1 /* more than that passed: the speed told is no limit */

/* How full one direction of a link was. */
struct fullness {
	double average, peak;	 /* shares of its speed */
	unsigned int busy, full; /* steps of a tenth of a second */
};

static double share_of_speed(uint64_t bytes, uint64_t packets, double seconds, uint32_t speed)
{
	return seconds > 0 ? (double)(bytes + packets * FRAME_EXTRA) * 8 / seconds / (speed * 1e6)
			   : 0;
}

static bool fullness_of(const struct exam *x, const struct link *link, bool tx,
			struct fullness *ret)
{
	const struct nic *nic = card_of(x->o, link);
	struct fullness f = {0};
	struct change bytes = delta_link(x->o, link, tx ? C_LINK_TX_BYTES : C_LINK_RX_BYTES);
	struct change packets = delta_link(x->o, link, tx ? C_LINK_TX_PACKETS : C_LINK_RX_PACKETS);

	if (!nic || !nic->speed || !is_card(link) || !bytes.known || !packets.known)
		return false;
	f.average = share_of_speed(bytes.delta, packets.delta, x->o->seconds, nic->speed);
	vec_each (r, &x->o->rates) {
		double share;

		if (r->ifindex != link->ifindex)
			continue;
		share = share_of_speed(tx ? r->tx_bytes : r->rx_bytes,
				       tx ? r->tx_packets : r->rx_packets, r->span_us / 1e6,
				       nic->speed);
		f.peak = MAX(f.peak, share);
		f.busy += share >= BUSY_SHARE;
		f.full += share >= threshold_share(x, THRESHOLD_AT_LIMIT);
	}
	*ret = f;
	return true;
}

static bool is_full(const struct exam *x, const struct fullness *f)
{
	if (f->average > NO_LIMIT_SHARE || f->peak > NO_LIMIT_SHARE)
		return false;
	return f->average >= threshold_share(x, THRESHOLD_AT_LIMIT) ||
	       (f->full && f->full * AT_SHARE_OF_BUSY >= f->busy);
}

bool explains_link_saturated(struct exam *x, const struct finding *f, const struct subject *s)
{
	const struct link *link = snapshot_link_named(&x->o->b, s->device);
	struct fullness full;

	return strcmp(f->cause->id, "qdisc-drop") == 0 && link && !has_shaper(x->o, link) &&
	       fullness_of(x, link, true, &full) && is_full(x, &full);
}

static void say_full(struct exam *x, struct finding *f, const struct link *link, bool tx,
		     const struct fullness *full)
{
	const struct nic *nic = card_of(x->o, link);

	evidence_text(f, x, "%s %s: %.0f %% of %u Mbit/s on average, %.0f %% at most in 100 ms",
		      link->name, tx ? "sent" : "received", full->average * 100, nic->speed,
		      MAX(full->peak, full->average) * 100);
	if (full->busy)
		evidence_text(f, x, "full in %u of %u busy steps of 100 ms", full->full, full->busy);
}

static void full_remedies(struct exam *x, struct finding *f, const struct link *link, bool tx)
{
	char enter[96];
	struct remedy *r;

	r = finding_remedy(f, "faster-link", REMEDY_CAPACITY,
			   "a faster link, a second one (bond), or less traffic on %s", link->name);
	remedy_why(r, "no setting of this host makes a wire carry more");
	if (!tx)
		return;
	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "fair-queue", REMEDY_TC, "a fair queue on %s, so that no flow starves",
			   link->name);
	remedy_why(r, "it drops from the fattest flow and keeps the others' delay short");
	remedy_command(r, "%stc qdisc replace dev %s root fq_codel", enter, link->name);
	remedy_undo(r, "%stc qdisc del dev %s root", enter, link->name);
	remedy_risk(r, "what is queued at that moment is lost; undo gives the kernel's default queue");
}

void describe_link_saturated(struct exam *x, struct finding *f)
{
	const struct link *link = snapshot_link_named(&x->o->b, first_of(f)->device);
	struct fullness full;

	finding_headline(f, "%s sends as much as its link carries", first_of(f)->device);
	finding_text(f, "The link was full, and the queue before it dropped what came on top. The "
			"program sees no error.");
	f->confidence = LIKELY;
	if (!link || !fullness_of(x, link, true, &full))
		return;
	say_full(x, f, link, true, &full);
	finding_exclude(f, "a shaper on %s (it has none)", link->name);
	full_remedies(x, f, link, true);
}

/* Full and nothing lost here: bulk transfers do that. Beyond the host it may be lost in a switch. */
enum outcome examine_link_saturated(struct exam *x)
{
	struct finding *f = NULL;

	vec_each (link, &x->o->b.links) {
		for (int tx = 0; tx < 2; tx++) {
			struct fullness full;

			if (x->o->since_boot || !fullness_of(x, link, tx, &full))
				continue;
			if (!is_full(x, &full)) {
				if (!f)
					say_full(x, NULL, link, tx, &full);
				continue;
			}
			if (!f) {
				f = finding_new(x);
				f->state = AT_RISK;
				finding_headline(f, "%s %s as much as its link carries", link->name,
						 tx ? "sends" : "receives");
				finding_text(f,
					     "Bulk transfers fill a link, and that is no fault. What "
					     "comes on top %s.",
					     tx ? "waits in the queue, which drops it once it is full"
						: "is lost in the switch, where no counter of this "
						  "host tells it");
				full_remedies(x, f, link, tx);
			}
			memcpy(finding_subject(f)->device, link->name, sizeof(link->name));
			say_full(x, f, link, tx, &full);
		}
	}
	return f ? FOUND : NOT_FOUND;
}

/* ---- link-pause-frames ---- */

#define MANY_PAUSES 100.0 /* causes.md 5: a second */

/* Frames that asked this host to wait (rx), and frames by which it asked others. */
struct pauses {
	uint64_t rx, tx;
};

/* Names that count time, resumptions or the like, and no frames. */
static bool counts_frames(const char *name)
{
	static const char *const others[] = {"xon", "duration", "transition", "storm", "constant",
					     "continuous", "entered", "1us", "2_xoff"};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strstr(name, others[i]))
			return false;
	return true;
}

/* The same frames stand in the standard statistics, in a sum and in priorities: the most of each. */
static struct pauses pauses_of(const struct observation *o, const struct nic *nic)
{
	const struct nic *was = snapshot_nic(&o->a, nic->ifindex);
	uint64_t of_priorities[2] = {0}, most[2] = {0};

	vec_each (stat, &nic->stats) {
		struct change c = delta_nic_stat(o, nic, stat);
		const struct nic_stat_row *row =
			c.delta ? nic_stat_row(nic->driver, stat->name) : NULL;
		bool tx = row && strstr(stat->name, "tx");

		if (!row || row->class != NIC_PAUSE || !counts_frames(stat->name))
			continue;
		if (strstr(stat->name, "prio") || strstr(stat->name, "_pb_"))
			of_priorities[tx] += c.delta;
		else
			most[tx] = MAX(most[tx], c.delta);
	}
	if (was && was->pause.frames_known && nic->pause.frames_known) {
		most[0] = MAX(most[0], change_of(was->pause.rx_frames, nic->pause.rx_frames, 64).delta);
		most[1] = MAX(most[1], change_of(was->pause.tx_frames, nic->pause.tx_frames, 64).delta);
	}
	return (struct pauses){MAX(most[0], of_priorities[0]), MAX(most[1], of_priorities[1])};
}

static void pause_remedies(struct exam *x, struct finding *f, const struct link *link,
			   const struct pauses *p)
{
	const struct nic *nic = card_of(x->o, link);
	bool stopped = p->rx >= p->tx;
	struct remedy *r;

	r = finding_remedy(f, "relieve-receiver", REMEDY_CAPACITY, "%s",
			   stopped ? "find which receiver behind the switch is slow"
				   : "make this host take packets faster");
	remedy_why(r, "%s",
		   stopped ? "a pause frame stops all that this host sends, for whoever it is meant"
			   : "its card asks the switch to wait because the rings are nearly full "
			     "(see ring-rx-overflow for what to do first)");
	if (!nic || !nic->pause.known || !(stopped ? nic->pause.rx : nic->pause.tx))
		return;
	r = finding_remedy(f, "without-pause", REMEDY_ETHTOOL, "no flow control on %s: %s off",
			   link->name, stopped ? "rx" : "tx");
	remedy_why(r, "one slow receiver then no longer stops the others");
	remedy_card(x, r, link->name, stopped ? CARD_PAUSE_RX : CARD_PAUSE_TX, true, false);
	remedy_risk(r, "what waited before is dropped instead; the link may be negotiated again");
}

/* Flow control that works loses nothing. Many such frames mean that somebody cannot follow. */
enum outcome examine_link_pause(struct exam *x)
{
	struct finding *f = NULL;
	uint64_t most = 0;

	vec_each (nic, &x->o->b.nics) {
		const struct link *link = snapshot_link(&x->o->b, nic->ifindex);
		struct pauses p;

		if (!link || !is_card(link) || x->o->since_boot)
			continue;
		p = pauses_of(x->o, nic);
		if (!f && (p.rx || p.tx)) {
			f = finding_new(x);
			f->state = AT_RISK;
		}
		evidence_text(f, x, "%s: told to wait %llu times, told others %llu times",
			      link->name, (unsigned long long)p.rx, (unsigned long long)p.tx);
		if (!p.rx && !p.tx)
			continue;
		memcpy(finding_subject(f)->device, link->name, sizeof(link->name));
		if (MAX(p.rx, p.tx) <= most)
			continue;
		most = MAX(p.rx, p.tx);
		finding_headline(f, p.rx >= p.tx ? "%s is told to wait (pause frames)"
						 : "%s tells the switch to wait (pause frames)",
				 link->name);
		finding_text(f, "%s",
			     p.rx >= p.tx
				     ? "The switch cannot pass on what this host sends, or one "
				       "receiver cannot follow: everything sent waits meanwhile. "
				       "Nothing is lost by that; queues before it may fill."
				     : "This host cannot take in what comes, and its card stops the "
				       "switch. Nothing is lost here; the switch drops instead, and "
				       "others behind the same port wait too.");
		if (!f->remedies.n)
			pause_remedies(x, f, link, &p);
	}
	if (!f)
		return NOT_FOUND;
	f->severity = per_second(x->o, most) > MANY_PAUSES ? SEVERITY_WARNING : SEVERITY_INFO;
	return FOUND;
}
