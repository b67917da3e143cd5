// SPDX-License-Identifier: GPL-2.0-or-later
#include "render/counters.h"

#include <net/if.h>
#include <stdio.h>

#include "render/fmt.h"
#include "render/text.h"
#include "render/utf8.h"

#define NAME_COLUMNS 25
#define MEANING_INDENT 6

/* ---- loads of devices ---- */

static double rate_of(const struct observation *o, const struct link *link, enum counter_id id)
{
	return per_second(o, delta_value(delta_link(o, link, id)));
}

static bool half_duplex(const struct nic *nic)
{
	return nic->duplex == NIC_DUPLEX_HALF;
}

struct device_load device_load(const struct observation *o, const struct link *link)
{
	struct device_load l = {.link = link, .nic = snapshot_nic(&o->b, link->ifindex)};
	double speed = l.nic ? l.nic->speed * 1e6 / 8 : 0;

	l.known = delta_link(o, link, C_LINK_RX_PACKETS).known;
	l.rx_packets = rate_of(o, link, C_LINK_RX_PACKETS);
	l.rx_bytes = rate_of(o, link, C_LINK_RX_BYTES);
	l.tx_packets = rate_of(o, link, C_LINK_TX_PACKETS);
	l.tx_bytes = rate_of(o, link, C_LINK_TX_BYTES);
	l.share = !speed || !l.known ? -1
		  : half_duplex(l.nic) ? (l.rx_bytes + l.tx_bytes) / speed
				       : MAX(l.rx_bytes, l.tx_bytes) / speed;
	return l;
}

double since_boot_rate(const struct observation *o, const struct reading *r)
{
	double up = o->since_boot ? o->seconds : (double)o->b.taken_ns / NSEC_PER_SEC;

	return up > 0 ? (double)r->change.after / up : 0;
}

static void device_line(struct out *out, const struct device_load *l)
{
	char speed[32] = "-", share[16] = "-";
	struct buf name = {0};

	utf8_escape(&name, l->link->name, strnlen(l->link->name, sizeof(l->link->name)));
	if (l->nic && l->nic->speed)
		snprintf(speed, sizeof(speed), l->nic->speed % 1000 ? "%u M" : "%u G",
			 l->nic->speed % 1000 ? l->nic->speed : l->nic->speed / 1000);
	if (l->share >= 0)
		snprintf(share, sizeof(share), "%.1f %%", l->share * 100);
	out_printf(out, "  %-14s", name.data);
	buf_done(&name);
	if (!l->known) {
		out_printf(out, " came or went in the interval\n");
		return;
	}
	out_printf(out, " %11s %11s %11s %11s %7s %7s\n",
		   fmt_count((uint64_t)(l->rx_packets + 0.5)).s,
		   fmt_count((uint64_t)(l->rx_bytes / 1000 + 0.5)).s,
		   fmt_count((uint64_t)(l->tx_packets + 0.5)).s,
		   fmt_count((uint64_t)(l->tx_bytes / 1000 + 0.5)).s, speed, share);
}

static void devices_text(const struct counters_view *v, struct out *out, const struct observation *o)
{
	bool any = false;

	vec_each(link, &o->b.links) {
		struct device_load l = device_load(o, link);

		if (v->device ? strcmp(v->device, link->name) != 0 : !(link->flags & IFF_UP))
			continue;
		if (!any)
			out_tinted(out, TINT_DIM, "\n  %-14s %11s %11s %11s %11s %7s %7s\n",
				   "device", "rx pkt/s", "rx kB/s", "tx pkt/s", "tx kB/s", "bit/s",
				   "used");
		any = true;
		device_line(out, &l);
	}
}

/* ---- the numbers ---- */

/* The driver's own counters often have the same names as the device's. */
static bool from_ethtool(const struct reading *r)
{
	return strcmp(r->where, "ethtool -S") == 0;
}

static void name_words(const struct reading *r, struct buf *to)
{
	if (r->device[0]) {
		utf8_escape(to, r->device, strnlen(r->device, sizeof(r->device)));
		buf_puts(to, " ");
	}
	if (r->cpu >= 0)
		buf_printf(to, "cpu %d ", r->cpu);
	utf8_escape(to, r->name, strlen(r->name));
	if (r->where[0] && !from_ethtool(r)) {
		buf_puts(to, " ");
		utf8_escape(to, r->where, strlen(r->where));
	}
}

static void value_words(const struct reading *r, uint64_t value, char *to, size_t size)
{
	snprintf(to, size, "%s%s", r->negative ? "-" : "", fmt_count(value).s);
}

static enum tint tint_of(const struct reading *r)
{
	bool grew = r->kind == KIND_COUNTER && r->change.known && r->change.delta;

	if (!grew)
		return reading_moved(r) ? TINT_NONE : TINT_DIM;
	return r->loss == MEANS_LOSS			       ? TINT_RED
	       : r->loss == MEANS_PART || r->loss == MEANS_SIGN ? TINT_YELLOW
								: TINT_NONE;
}

static void numbers_line(struct out *out, const struct observation *o, const struct reading *r)
{
	char before[40] = "-", after[40], delta[40] = "-", rate[40] = "-";
	struct buf name = {0};
	size_t columns;

	name_words(r, &name);
	columns = utf8_columns(name.data, name.len);
	if (r->change.known || r->change.reset)
		value_words(r, r->change.before, before, sizeof(before));
	value_words(r, r->change.after, after, sizeof(after));
	if (r->change.reset)
		snprintf(delta, sizeof(delta), "reset");
	if (r->kind == KIND_COUNTER && r->change.known) {
		snprintf(delta, sizeof(delta), "+%s", fmt_count(r->change.delta).s);
		snprintf(rate, sizeof(rate), "%s", fmt_rate(per_second(o, r->change.delta)).s);
	}
	/* A long name has a line of its own, or the columns would not stand below each other. */
	out_tinted(out, tint_of(r), "  %s%s%*s%14s %14s %12s %9s\n", name.data,
		   columns > NAME_COLUMNS ? "\n" : "",
		   (int)(columns > NAME_COLUMNS ? NAME_COLUMNS + 3 : NAME_COLUMNS + 1 - columns), "",
		   before, after, delta, rate);
	buf_done(&name);
}

/* Packets, events and the like are in the meaning already. */
static bool is_measure(const char *unit)
{
	static const char *const units[] = {"bytes", "KiB", "pages", "ticks", "us", "ms"};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strcmp(unit, units[i]) == 0)
			return true;
	return false;
}

static void meaning_line(struct out *out, const struct observation *o, const struct reading *r)
{
	struct buf line = {0};

	if (r->meaning && r->loss)
		buf_printf(&line, "[%s] ", reading_loss_name(r));
	if (from_ethtool(r))
		buf_puts(&line, "(ethtool -S) ");
	buf_puts(&line, r->meaning ? r->meaning : "no meaning known");
	if (r->unit && is_measure(r->unit))
		buf_printf(&line, " (%s)", r->unit);
	if (r->within)
		buf_printf(&line, "; also counted in %s", r->within);
	if (r->unfilled)
		buf_printf(&line, "; not filled here: %s", r->unfilled);
	if (r->kind == KIND_COUNTER && r->change.after && !o->since_boot)
		buf_printf(&line, "; since boot %s", fmt_rate(since_boot_rate(o, r)).s);
	out_printf(out, "%*s", MEANING_INDENT, "");
	out_wrap(out, MEANING_INDENT, MEANING_INDENT, line.data);
	buf_done(&line);
}

static void readings_text(struct out *out, const struct observation *o, const struct readings *list)
{
	enum stage stage = STAGE_N;

	vec_each(r, &list->list) {
		if (r->stage != stage) {
			stage = r->stage;
			out_tinted(out, TINT_BOLD, "\n%-28s", stage_name(stage));
			out_tinted(out, TINT_DIM, "%14s %14s %12s %9s\n", "before", "after",
				   "change", "rate");
		}
		numbers_line(out, o, r);
		meaning_line(out, o, r);
	}
	if (!list->list.n)
		out_printf(out, "\nnone of these moved\n");
}

static void not_read_text(const struct counters_view *v, struct out *out,
			  const struct observation *o)
{
	struct buf line = {0};

	for (size_t i = 0; i < SOURCE_N; i++) {
		const struct source_state *s = &o->b.source[i];

		if (!(v->sources & SOURCE_BIT(i)) || s->status != SOURCE_ABSENT)
			continue;
		buf_printf(&line, "%s%s (%s)", line.len ? ", " : "Not read: ", source_rows[i].name,
			   s->err ? errno_name(s->err) : "ENODATA");
	}
	if (line.len) {
		out_printf(out, "\n");
		out_wrap(out, 0, 2, line.data);
	}
	buf_done(&line);
}

void render_counters_text(const struct counters_view *v, const struct text_style *style,
			  struct buf *ret)
{
	struct text t = {.out = {.buf = ret, .style = style}, .d = v->d, .r = v->r};

	text_header(&t);
	for (size_t i = 0; i < v->d->observations.n; i++) {
		const struct observation *o = &v->d->observations.items[i];

		if (v->d->observations.n > 1) {
			struct buf name = {0};

			netns_words(o, &name);
			out_tinted(&t.out, TINT_BOLD, "\n== %s\n", name.data);
			buf_done(&name);
		}
		if (v->devices)
			devices_text(v, &t.out, o);
		readings_text(&t.out, o, &v->readings[i]);
		not_read_text(v, &t.out, o);
	}
}
