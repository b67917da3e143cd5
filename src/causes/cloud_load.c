// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rates of network cards over the interval and in its steps of a tenth of a second: an average far
 * below a limit says nothing of bursts.
 */
#include "causes/cloud.h"

#include <net/if.h>
#include <stdio.h>
#include <time.h>

#define BUSY_SHARE 0.1
/* A limit lets a burst pass; one that is so much lower than what passes is none. */
#define PASSED_SHARE 1.5
#define AT_SHARE_OF_BUSY 4
#define BITS_PER_BYTE 8

static bool is_hardware(const struct link *l)
{
	return !l->kind[0] && !(l->flags & IFF_LOOPBACK);
}

static bool has_hardware(const struct observation *o)
{
	vec_each(l, &o->b.links)
		if (is_hardware(l))
			return true;
	return false;
}

/* The namespace that has the cards: that of the exam, or where all are examined another one. */
static const struct observation *cloud_cards(const struct exam *x)
{
	if (has_hardware(x->o))
		return x->o;
	vec_each(o, &x->d->observations)
		if (has_hardware(o))
			return o;
	return x->o;
}

/* hv_netvsc carries what its virtual function (IFF_SLAVE) carries: counted once. */
static bool counted_by_netvsc(const struct observation *o, const struct link *link)
{
	vec_each(nic, &o->b.nics)
		if (strcmp(nic->driver, "hv_netvsc") == 0)
			return link->flags & IFF_SLAVE;
	return false;
}

bool cloud_device(const struct observation *o, const char *limit_device, const struct link *link)
{
	if (limit_device[0])
		return strcmp(link->name, limit_device) == 0;
	if (has_hardware(o))
		return is_hardware(link) && !counted_by_netvsc(o, link);
	/* A container's way out is the end of a veth, or a device above the host's card. */
	return strcmp(link->kind, "veth") == 0 || strcmp(link->kind, "ipvlan") == 0 ||
	       strcmp(link->kind, "macvlan") == 0;
}

struct amounts {
	uint64_t rx_bytes, rx_packets, tx_bytes, tx_packets;
};

static uint64_t chosen(const struct amounts *a, enum limit_kind kind, enum limit_side side)
{
	bool packets = kind == LIMIT_PACKETS;
	uint64_t rx = packets ? a->rx_packets : a->rx_bytes * BITS_PER_BYTE;
	uint64_t tx = packets ? a->tx_packets : a->tx_bytes * BITS_PER_BYTE;

	return side == LIMIT_RX ? rx : side == LIMIT_TX ? tx : rx + tx;
}

static bool add_link(const struct observation *o, const struct link *l, struct amounts *to)
{
	const enum counter_id ids[] = {C_LINK_RX_BYTES, C_LINK_RX_PACKETS, C_LINK_TX_BYTES,
				       C_LINK_TX_PACKETS};
	uint64_t *places[] = {&to->rx_bytes, &to->rx_packets, &to->tx_bytes, &to->tx_packets};
	bool known = true;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct change c = delta_link(o, l, ids[i]);

		known &= c.known;
		*places[i] += delta_value(c);
	}
	return known;
}

static bool over_the_interval(const struct observation *o, const char *device,
			      struct amounts *ret)
{
	bool known = false;

	*ret = (struct amounts){0};
	vec_each(l, &o->b.links)
		if (cloud_device(o, device, l))
			known |= add_link(o, l, ret);
	return known && o->seconds > 0;
}

/* The next step: what the devices of a limit carried in it; false at the end. */
static bool next_step(const struct observation *o, const char *device, size_t *at,
		      struct amounts *ret, const struct rate **ret_step)
{
	const struct rate *first = *at < o->rates.n ? &o->rates.items[*at] : NULL;

	*ret = (struct amounts){0};
	for (; first && *at < o->rates.n && o->rates.items[*at].at_ms == first->at_ms; (*at)++) {
		const struct rate *r = &o->rates.items[*at];
		const struct link *l = snapshot_link(&o->b, r->ifindex);

		if (!l || !cloud_device(o, device, l))
			continue;
		ret->rx_bytes += r->rx_bytes;
		ret->rx_packets += r->rx_packets;
		ret->tx_bytes += r->tx_bytes;
		ret->tx_packets += r->tx_packets;
	}
	*ret_step = first;
	return first;
}

static uint64_t step_rate(uint64_t amount, const struct rate *step)
{
	return (uint64_t)((double)amount * 1e6 / step->span_us);
}

static void count_step(const struct exam *x, uint64_t rate, struct cloud_load *l)
{
	double share = (double)rate / (double)l->limit->value;

	l->at += share >= threshold_share(x, THRESHOLD_AT_LIMIT);
	if (share < BUSY_SHARE)
		return;
	l->passed = (l->passed * l->busy + rate) / (l->busy + 1);
	l->busy++;
}

/* Before a policer, which drops at once, a sender's rate is its limit and all that is lost there. */
static double not_sent_again(const struct exam *x, enum limit_side side)
{
	double sent = (double)delta_value(delta_counter(x->o, C_TCP_OUT_SEGS));
	double again = (double)delta_value(delta_counter(x->o, C_TCP_RETRANS_SEGS));

	return side == LIMIT_RX || !again ? 1 : sent / (sent + again);
}

bool cloud_load(const struct exam *x, const struct limit *limit, enum limit_side side,
		struct cloud_load *ret)
{
	struct cloud_load l = {.limit = limit, .side = side, .peak_at_ms = -1};
	const struct observation *o = limit->device[0] ? x->o : cloud_cards(x);
	const struct rate *step;
	struct amounts a;
	size_t at = 0;

	if (!over_the_interval(o, limit->device, &a))
		return false;
	l.average = (uint64_t)per_second(o, chosen(&a, limit->kind, side));
	while (next_step(o, limit->device, &at, &a, &step)) {
		uint64_t rate = step_rate(chosen(&a, limit->kind, side), step);

		count_step(x, rate, &l);
		if (l.peak_at_ms >= 0 && rate <= l.peak)
			continue;
		l.peak = rate;
		l.peak_at_ms = step->at_ms;
	}
	if (!o->rates.n) {
		l.peak = l.average;
		count_step(x, l.average, &l);
	}
	l.passed = (uint64_t)((double)l.passed * not_sent_again(x, side));
	*ret = l;
	return true;
}

bool cloud_load_is_at_limit(const struct cloud_load *l)
{
	return l->at && l->at * AT_SHARE_OF_BUSY >= l->busy &&
	       (double)l->passed <= PASSED_SHARE * (double)l->limit->value;
}

/* ---- words ---- */

const char *cloud_amount(enum limit_kind kind, uint64_t value, char *to, size_t size)
{
	static const char *const units[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"};
	double v = (double)value;
	size_t unit = 0;

	while (v >= 1000 && unit + 1 < ARRAY_SIZE(units)) {
		v /= 1000;
		unit++;
	}
	if (kind == LIMIT_BANDWIDTH)
		snprintf(to, size, "%.*f %s", v < 100 && unit ? 1 : 0, v, units[unit]);
	else
		snprintf(to, size, "%llu%s", (unsigned long long)value,
			 kind == LIMIT_PACKETS ? " packets/s" : " connections");
	return to;
}

const char *cloud_device_name(const struct limit *l)
{
	return l->device[0] ? l->device : "all devices";
}

static unsigned int percent(uint64_t part, uint64_t whole)
{
	return (unsigned int)((double)part * 100 / (double)whole + 0.5);
}

void cloud_load_text(const struct exam *x, const struct cloud_load *l, struct buf *to)
{
	static const char *const sides[] = {[LIMIT_RX] = "received", [LIMIT_TX] = "sent",
					    [LIMIT_SUM] = "received and sent"};
	char average[32], peak[32], limit[32];

	buf_printf(to, "%s on %s: %s on average", sides[l->side], cloud_device_name(l->limit),
		   cloud_amount(l->limit->kind, l->average, average, sizeof(average)));
	if (l->peak_at_ms >= 0)
		buf_printf(to, ", %s at most (in %d ms)",
			   cloud_amount(l->limit->kind, l->peak, peak, sizeof(peak)), RATE_STEP_MS);
	buf_printf(to, "; %u %% and %u %% of the %s stated", percent(l->average, l->limit->value),
		   percent(l->peak, l->limit->value),
		   cloud_amount(l->limit->kind, l->limit->value, limit, sizeof(limit)));
	if (l->peak_at_ms >= 0)
		buf_printf(to, "; at it in %u of %u busy steps", l->at, l->busy);
}

/* "05:12:03.4 UTC" of the day it began, or seconds since then where that is not known. */
static void time_text(const struct exam *x, uint32_t at_ms, struct buf *to)
{
	int64_t ms = x->d->started_at_ns / NSEC_PER_MSEC + at_ms;
	time_t seconds = (time_t)(ms / 1000);
	char text[32];
	struct tm tm;

	if (x->d->started_at_ns && gmtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		buf_printf(to, " at %s.%d UTC", text, (int)(ms % 1000 / 100));
	else
		buf_printf(to, " after %u.%u s", at_ms / 1000, at_ms % 1000 / 100);
}

static void one_figure(const struct exam *x, const struct observation *o, const struct link *l,
		       enum limit_kind kind, bool rx, struct buf *to)
{
	bool packets = kind == LIMIT_PACKETS;
	enum counter_id id = packets ? rx ? C_LINK_RX_PACKETS : C_LINK_TX_PACKETS
			   : rx	     ? C_LINK_RX_BYTES
				     : C_LINK_TX_BYTES;
	double average = per_second(o, delta_value(delta_link(o, l, id)));
	unsigned int unit = packets ? 1 : BITS_PER_BYTE;
	struct rate_peak in, out;
	char text[32];

	buf_printf(to, "%s %s on average", rx ? "received" : "sent",
		   cloud_amount(kind, (uint64_t)(average * unit), text, sizeof(text)));
	if (!rate_peaks(o, l->ifindex, &in, &out))
		return;
	if (!rx)
		in = out;
	cloud_amount(kind, packets ? in.packets : in.bytes * unit, text, sizeof(text));
	buf_printf(to, " (peak %s", text);
	time_text(x, packets ? in.packets_at_ms : in.bytes_at_ms, to);
	buf_puts(to, ")");
}

void cloud_figures(const struct exam *x, const char *limit_device, struct buf *to)
{
	const struct observation *o = limit_device[0] ? x->o : cloud_cards(x);

	vec_each(l, &o->b.links) {
		if (!cloud_device(o, limit_device, l))
			continue;
		buf_printf(to, "%s%s: ", to->len ? "; " : "", l->name);
		for (unsigned int i = 0; i < 4; i++) {
			buf_puts(to, i ? ", " : "");
			one_figure(x, o, l, i < 2 ? LIMIT_BANDWIDTH : LIMIT_PACKETS, i % 2 == 0, to);
		}
	}
}
