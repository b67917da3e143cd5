// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage link: frames that the wire damaged, and links that do not run as they could.
 *
 * What /proc/net/dev and ifconfig show is put together (net/core/net-procfs.c
 * dev_seq_printf_stats): its "frame" holds length, over, crc and frame errors, its "drop" holds
 * rx_missed_errors too, its "carrier" holds aborted, window and heartbeat errors. The single fields
 * are read here instead, so that nothing counts twice and each goes to its own cause.
 */
#include <net/if.h>
#include <stdio.h>

#include "causes/cards.h"
#include "causes/enter.h"
#include "causes/stages.h"

#define DAMAGED_CRITICAL 1e-4 /* causes.md 1: one frame of 10,000 */

static uint64_t received(const struct observation *o, const struct link *link)
{
	return delta_value(delta_link(o, link, C_LINK_RX_PACKETS));
}

/* What the cards of a namespace lost of one class, as a finding; its text is the caller's. */
struct losses {
	uint64_t lost, of;
	const struct link *worst;
	uint64_t worst_lost;
};

static struct finding *find_losses(struct exam *x, unsigned int classes, enum counter_id field,
				   struct losses *ret)
{
	struct finding *f = NULL;

	*ret = (struct losses){0};
	vec_each (link, &x->o->b.links) {
		struct card_sum sum;
		struct subject *s;
		char name[48];

		if (!is_card(link))
			continue;
		card_sum(x->o, link, classes, &sum);
		if (sum.lost) {
			f = f ? f : finding_new(x);
			s = finding_subject(f);
			memcpy(s->device, link->name, sizeof(s->device));
			s->has_lost = true;
			s->lost = sum.lost;
			card_evidence(x, f, &sum);
			if (sum.of_port)
				f->confidence = LIKELY;
			ret->lost += sum.lost;
			ret->of += received(x->o, link) + sum.lost;
			if (sum.lost > ret->worst_lost) {
				ret->worst = link;
				ret->worst_lost = sum.lost;
			}
		}
		card_sum_done(&sum);
		snprintf(name, sizeof(name), "%s %s", link->name, counter_rows[field].name);
		if (!f)
			evidence_change(NULL, x, source_rows[SRC_LINK].name, name,
					delta_link(x->o, link, field));
	}
	return f;
}

static uint64_t card_lost(const struct observation *o, const struct link *link,
			  unsigned int classes)
{
	struct card_sum sum;
	uint64_t lost;

	card_sum(o, link, classes, &sum);
	lost = sum.lost;
	card_sum_done(&sum);
	return lost;
}

/* "1000 Mbit/s, full duplex, as negotiated"; "" if the driver does not tell. */
static const char *link_text(const struct nic *nic, char *to, size_t size)
{
	*to = '\0';
	if (nic && nic->speed)
		snprintf(to, size, "%u Mbit/s, %s duplex%s", nic->speed,
			 nic->duplex == NIC_DUPLEX_HALF	  ? "half"
			 : nic->duplex == NIC_DUPLEX_FULL ? "full"
							  : "unknown",
			 nic->autoneg == 1   ? ", as negotiated"
			 : nic->autoneg == 0 ? ", without negotiation"
					     : "");
	return to;
}

static void say_link(struct exam *x, struct finding *f, const struct link *link)
{
	char text[80];

	if (*link_text(card_of(x->o, link), text, sizeof(text)))
		evidence_text(f, x, "%s runs at %s", link->name, text);
}

/* ---- link-crc-errors ---- */

static void crc_remedies(struct exam *x, struct finding *f, const struct link *link)
{
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "replace-cable", REMEDY_CAPACITY,
			   "clean, reseat or replace the cable and optics of %s, or use another "
			   "switch port",
			   link->name);
	remedy_why(r, "a bad checksum is made on the wire; no setting of this host changes it");
	remedy_command(r, "%sethtool -m %s    (power received by the optic)", enter, link->name);
	remedy_command(r, "%sethtool --show-fec %s", enter, link->name);
	remedy_cost(r, "the link is down meanwhile");
	remedy_risk(r,
		    "a switch that forwards before it has the whole frame passes on the damage of "
		    "another link: look at the errors of its other ports first");
}

enum outcome examine_link_crc_errors(struct exam *x)
{
	struct losses losses;
	struct finding *f = find_losses(x, 1U << NIC_WIRE, C_LINK_RX_CRC_ERRORS, &losses);
	uint64_t odd;

	if (!f)
		return NOT_FOUND;
	finding_lost(f, &losses.lost, NULL, losses.of);
	f->severity = (double)losses.lost >= DAMAGED_CRITICAL * (double)losses.of &&
				      losses.lost >= threshold_count(x, THRESHOLD_LOSS_PACKETS)
			      ? SEVERITY_CRITICAL
			      : SEVERITY_WARNING;
	finding_headline(f, "frames arrive damaged on %s%s", losses.worst->name,
			 f->subjects.n > 1 ? " and others" : "");
	odd = card_lost(x->o, losses.worst, 1U << NIC_LENGTH);
	finding_text(f, "Their checksum (FCS) is wrong, and the card threw them away. %s",
		     odd ? "Misaligned or short frames come with them: that speaks for a duplex "
			   "mismatch or a very bad cable."
			 : "Cable, optic, a dirty fibre, the port at the other end.");
	say_link(x, f, losses.worst);
	finding_exclude(f, "a full receive ring (%llu)",
			(unsigned long long)card_lost(x->o, losses.worst,
						      1U << NIC_RING | 1U << NIC_PORT_BUFFER));
	finding_exclude(f, "misaligned frames or a wrong length (%llu)", (unsigned long long)odd);
	crc_remedies(x, f, losses.worst);
	return FOUND;
}

/* ---- link-frame-length-errors ---- */

/* Does a name of the driver's that moved tell of frames that are too long, and none of short ones?
 */
static bool only_too_long(const struct observation *o, const struct link *link)
{
	static const char *const longer[] = {"long", "over", "jabber", "jbr", "mtu", "mru"};
	const struct nic *nic = card_of(o, link);
	bool found = false;

	if (!nic || delta_value(delta_link(o, link, C_LINK_RX_FRAME_ERRORS)))
		return false;
	vec_each (stat, &nic->stats) {
		struct change c = delta_nic_stat(o, nic, stat);
		const struct nic_stat_row *row =
			c.delta ? nic_stat_row(nic->driver, stat->name) : NULL;
		bool is_longer = false;

		if (!row || row->class != NIC_LENGTH ||
		    (row->within && strcmp(row->within, stat->name) == 0))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(longer); i++)
			is_longer |= strstr(stat->name, longer[i]) != NULL;
		if (!is_longer)
			return false;
		found = true;
	}
	return found;
}

static void length_remedies(struct exam *x, struct finding *f, const struct link *link,
			    bool too_long)
{
	const struct nic *nic = card_of(x->o, link);
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	if (nic && nic->duplex == NIC_DUPLEX_HALF) {
		r = finding_remedy(f, "mend-duplex", REMEDY_ETHTOOL,
				   "let both ends of %s negotiate (or set both to the same)",
				   link->name);
		remedy_why(r, "the link runs in half duplex: pieces of collided frames arrive");
		remedy_command(r, "%sethtool -s %s autoneg on", enter, link->name);
		return;
	}
	r = finding_remedy(f, "same-mtu", REMEDY_ROUTE,
			   "the same MTU on all hosts of the segment of %s", link->name);
	remedy_why(r, "this host takes frames of an MTU of %u bytes%s", link->mtu,
		   too_long ? ", and longer ones came" : "");
	remedy_command(r, "%sip link set %s mtu MTU_OF_THE_SENDER", enter, link->name);
	remedy_undo(r, "%sip link set %s mtu %u", enter, link->name, link->mtu);
	remedy_risk(r, "hosts and switches between must take such frames as well");
	if (too_long)
		return;
	r = finding_remedy(
		f, "replace-cable", REMEDY_CAPACITY,
		"if frames are short or misaligned: the duplex setting of the other end, "
		"then the cable");
	remedy_why(r, "collisions and a bad cable make pieces of frames");
	remedy_command(r, "%sethtool %s", enter, link->name);
}

enum outcome examine_link_frame_length_errors(struct exam *x)
{
	struct losses losses;
	struct finding *f = find_losses(x, 1U << NIC_LENGTH, C_LINK_RX_LENGTH_ERRORS, &losses);
	bool too_long;

	if (!f)
		return NOT_FOUND;
	finding_lost(f, &losses.lost, NULL, losses.of);
	f->severity = SEVERITY_WARNING;
	too_long = only_too_long(x->o, losses.worst);
	finding_headline(f,
			 too_long ? "frames longer than %s takes arrive%s"
				  : "misaligned frames, or of a wrong length, arrive on %s%s",
			 losses.worst->name, f->subjects.n > 1 ? ", on others too" : "");
	finding_text(f,
		     too_long ? "A host of this segment sends larger frames than this one takes: "
				"its MTU is larger. The card threw them away."
			      : "Too short, too long, or not of whole bytes: the card threw them "
				"away. Long ones come of an MTU that differs, short and misaligned "
				"ones of collisions or the cable.");
	say_link(x, f, losses.worst);
	finding_exclude(f, "bad checksums (%llu)",
			(unsigned long long)card_lost(x->o, losses.worst, 1U << NIC_WIRE));
	length_remedies(x, f, losses.worst, too_long);
	return FOUND;
}

/* ---- link-duplex-speed ---- */

/* What a link of half duplex, or without its peer's agreement, costs the sender. */
struct duplex {
	const struct link *link;
	const struct nic *nic;
	uint64_t late, aborted, carrier, collisions;
	bool half, slow;
};

static uint64_t tx_lost(const struct duplex *d)
{
	return d->late + d->aborted + d->carrier;
}

/* The carrier came and went: what was being sent then is lost to that, and not to the duplex. */
static bool carrier_changed(const struct observation *o, const struct link *link)
{
	const struct link *before = snapshot_link(&o->a, link->ifindex);

	return (before ? before->carrier_changes : 0) != link->carrier_changes;
}

static struct duplex look_at_link(const struct observation *o, const struct link *link)
{
	struct duplex d = {.link = link, .nic = card_of(o, link)};
	const struct nic *n = d.nic;

	d.late = delta_value(delta_link(o, link, C_LINK_TX_WINDOW_ERRORS));
	d.aborted = delta_value(delta_link(o, link, C_LINK_TX_ABORTED_ERRORS));
	d.carrier = delta_value(delta_link(o, link, C_LINK_TX_CARRIER_ERRORS));
	d.collisions = delta_value(delta_link(o, link, C_LINK_COLLISIONS));
	if (carrier_changed(o, link))
		d.carrier = 0;
	if (!n)
		return d;
	/* The standard groups hold the same again. */
	d.late = MAX(d.late, delta_value(delta_nic_group(o, n, NG_LATE_COLLISIONS)));
	d.aborted = MAX(d.aborted, delta_value(delta_nic_group(o, n, NG_EXCESSIVE_COLLISIONS)));
	if (!carrier_changed(o, link))
		d.carrier = MAX(d.carrier,
				delta_value(delta_nic_group(o, n, NG_CARRIER_SENSE_ERRORS)));
	/* Paravirtual cards say what they like, or nothing. Without carrier nothing holds. */
	if (is_paravirtual(n) || !n->speed || n->detected == 0)
		return d;
	/* Without collisions a frame is given up for another reason (mlx5: tx_discards_phy). */
	if (n->duplex == NIC_DUPLEX_FULL)
		d.aborted = 0;
	d.half = n->duplex == NIC_DUPLEX_HALF;
	d.slow = n->autoneg == 1 && n->common.speed > n->speed;
	return d;
}

static void duplex_evidence(struct exam *x, struct finding *f, const struct duplex *d)
{
	static const enum counter_id counters[] = {C_LINK_TX_WINDOW_ERRORS,
						   C_LINK_TX_ABORTED_ERRORS,
						   C_LINK_TX_CARRIER_ERRORS, C_LINK_COLLISIONS};
	char name[48];

	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		struct change c = delta_link(x->o, d->link, counters[i]);

		snprintf(name, sizeof(name), "%s %s", d->link->name,
			 counter_rows[counters[i]].name);
		if (c.delta || !f)
			evidence_change(f, x, source_rows[SRC_LINK].name, name, c);
	}
	if (!f)
		return;
	say_link(x, f, d->link);
	if (d->nic && d->nic->common.speed)
		evidence_text(f, x, "both ends offer %u Mbit/s, %s duplex", d->nic->common.speed,
			      d->nic->common.full ? "full" : "half");
	else if (d->nic && d->nic->supported.speed)
		evidence_text(f, x, "the port can do %u Mbit/s, %s duplex", d->nic->supported.speed,
			      d->nic->supported.full ? "full" : "half");
}

static void duplex_remedies(struct exam *x, struct finding *f, const struct duplex *d)
{
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	if (d->nic && d->nic->autoneg == 0) {
		r = finding_remedy(f, "negotiate", REMEDY_ETHTOOL,
				   "let %s negotiate, and its other end too", d->link->name);
		remedy_why(r,
			   "an end that negotiates falls back to half duplex when the other does "
			   "not answer");
		remedy_command(r, "%sethtool -s %s autoneg on", enter, d->link->name);
		remedy_undo(r, "%sethtool -s %s speed %u duplex %s autoneg off", enter,
			    d->link->name, d->nic->speed, d->half ? "half" : "full");
		remedy_risk(r, "the link goes down for some seconds");
		remedy_persist(r,
			       "AutoNegotiation=yes in the [Link] section of a systemd .link file");
		return;
	}
	r = finding_remedy(
		f, "mend-other-end", REMEDY_CAPACITY,
		d->half || !d->slow
			? "turn negotiation on at the other end of %s; then its cable"
			: "replace the cable of %s: all four pairs are needed for its speed",
		d->link->name);
	if (d->nic && d->nic->autoneg == 1)
		remedy_why(r, "this end negotiates already; what came out is %u Mbit/s, %s duplex",
			   d->nic->speed, d->half ? "half" : "full");
	else
		remedy_why(r, "this end does not say how it runs");
	remedy_command(r, "%sethtool %s", enter, d->link->name);
}

static void say_duplex(struct finding *f, const struct duplex *d)
{
	const char *name = d->link->name;

	if (d->half)
		finding_headline(f, "%s runs in half duplex at %u Mbit/s", name, d->nic->speed);
	else if (d->slow)
		finding_headline(f, "%s runs at %u Mbit/s, and both ends can do %u", name,
				 d->nic->speed, d->nic->common.speed);
	else
		finding_headline(f, "frames are lost while %s sends them", name);
	finding_text(
		f, "%s%s%s",
		d->half ? "In half duplex the ends take turns and collide; that is right only on a "
			  "hub. Mostly one end negotiates and the other does not. "
			: "",
		d->late ? "Late collisions are lost frames: the other end believes in full "
			  "duplex. "
			: "",
		tx_lost(d) ? "The card gave up frames it was sending."
			   : "Nothing that was sent was lost by it meanwhile.");
}

/* A link below what it can do is no loss by itself: a warning only where frames are lost. */
enum outcome examine_link_duplex_speed(struct exam *x)
{
	struct duplex worst = {0};
	struct finding *f = NULL;
	uint64_t lost = 0, of = 0;
	bool damaged = false, cards = false;

	vec_each (link, &x->o->b.links) {
		struct duplex d;
		struct subject *s;

		if (!is_card(link))
			continue;
		cards = true;
		d = look_at_link(x->o, link);
		if (!tx_lost(&d) && !d.half && !d.slow) {
			duplex_evidence(x, NULL, &d);
			continue;
		}
		f = f ? f : finding_new(x);
		s = finding_subject(f);
		memcpy(s->device, link->name, sizeof(s->device));
		s->has_lost = true;
		s->lost = tx_lost(&d);
		duplex_evidence(x, f, &d);
		lost += s->lost;
		of += delta_value(delta_link(x->o, link, C_LINK_TX_PACKETS)) + s->lost;
		damaged |= card_lost(x->o, link, 1U << NIC_WIRE | 1U << NIC_LENGTH) > 0;
		if (!worst.link || tx_lost(&d) > tx_lost(&worst))
			worst = d;
	}
	if (!f && cards && !observed(x->o, SRC_ETHTOOL))
		return not_examined_source(x, SRC_ETHTOOL);
	if (!f)
		return NOT_FOUND;
	finding_lost(f, &lost, NULL, of);
	if (!lost)
		f->state = AT_RISK;
	f->has_direction = lost > 0;
	f->direction = DIR_TX;
	f->severity = lost	? MAX(severity_of_share(x, lost, of), SEVERITY_WARNING)
		      : damaged ? SEVERITY_WARNING
				: SEVERITY_INFO;
	f->confidence = worst.half || worst.late ? CERTAIN : LIKELY;
	say_duplex(f, &worst);
	duplex_remedies(x, f, &worst);
	return FOUND;
}
