// SPDX-License-Identifier: GPL-2.0-or-later
/* What stands below the findings: unexplained drops, other namespaces, what could not be seen. */
#include <errno.h>

#include "render/drop_sums.h"
#include "render/fmt.h"
#include "render/text.h"

#define DROPS_SHOWN 3
#define SOURCES_SHOWN 3

static const struct observation *observation_of(const struct diagnosis *d, const struct ledger *l)
{
	size_t i = (size_t)(l - d->ledgers.items);

	return i < d->observations.n ? &d->observations.items[i] : NULL;
}

static void drop_line(struct text *t, const struct drop_sum *row, const char *why)
{
	const char *protocol = protocol_name(row->protocol);
	struct buf line = {0};

	buf_printf(&line, "%s at %s", row->reason, row->symbol);
	if (protocol)
		buf_printf(&line, ", %s", protocol);
	if (row->device)
		buf_printf(&line, ", %s", row->device);
	if (why)
		buf_printf(&line, ": %s", why);
	out_printf(&t->out, "  %9s  ", fmt_count(row->packets).s);
	out_wrap(&t->out, 13, 13, line.data);
	buf_done(&line);
}

static void unexplained(struct text *t, const struct ledger *l)
{
	const struct observation *o = observation_of(t->d, l);
	uint64_t total = ledger_unexplained(l), rest = total;
	struct drop_sums sums;
	struct buf name = {0};
	size_t shown = 0;

	if (!total)
		return;
	drop_sums(l, o, false, &sums);
	if (o && t->d->observations.n > 1) {
		buf_puts(&name, " in ");
		netns_words(o, &name);
	}
	out_printf(&t->out, "\nTraced drops that no cause explains%s: %s\n",
		   name.data ? name.data : "", fmt_count(total).s);
	vec_each (row, &sums.rows) {
		const struct reason_row *reason = reason_row(row->reason);

		if (shown == DROPS_SHOWN && !t->out.style->all)
			break;
		drop_line(t, row, reason ? reason->meaning : NULL);
		rest -= MIN(rest, row->packets);
		shown++;
	}
	if (sums.rows.n > shown)
		out_printf(&t->out, "  %9s  of %zu other kinds: whydrop --all\n", fmt_count(rest).s,
			   sums.rows.n - shown);
	drop_sums_done(&sums);
	buf_done(&name);
}

static void elsewhere(struct text *t)
{
	const struct report *r = t->r;
	struct buf line = {0};

	if (!r->elsewhere)
		return;
	buf_printf(&line, "In other namespaces: %s drop%s traced", fmt_count(r->elsewhere).s,
		   r->elsewhere == 1 ? "" : "s");
	if (r->elsewhere_namespaces)
		buf_printf(&line, " in %u of them", r->elsewhere_namespaces);
	buf_puts(&line, r->all_netns ? " that could not be entered" : "; whydrop --netns all");
	buf_puts(t->out.buf, "\n");
	out_wrap(&t->out, 0, 2, line.data);
	buf_done(&line);
}

void text_drops(struct text *t)
{
	vec_each (l, &t->d->ledgers)
		unexplained(t, l);
	elsewhere(t);
	if (t->d->drops && t->d->drops->missed)
		out_printf(&t->out,
			   "\n%s drop events could not be held: traced numbers are too low\n",
			   fmt_count(t->d->drops->missed).s);
}

/* Shown as ignored, never hidden. */
void text_ignored(struct text *t)
{
	struct buf line = {0};

	if (!t->d->ignored.n)
		return;
	vec_each (i, &t->d->ignored) {
		const struct finding *f = &i->finding;
		char by[80];

		buf_printf(&line, "%s%s", line.len ? ", " : "Ignored: ", f->cause->id);
		if (f->lost)
			buf_printf(&line, " %s %s", fmt_count(f->lost).s, f->unit);
		buf_printf(&line, " (ignore = %s)", ignore_name(i->by, by, sizeof(by)));
	}
	buf_puts(t->out.buf, "\n");
	out_wrap(&t->out, 0, 2, line.data);
	buf_done(&line);
}

/* What a narrow diagnosis does not mean, in one line. */
void text_others(struct text *t)
{
	struct buf line = {0};
	size_t n = t->d->others.n;

	if (!t->d->narrow)
		return;
	buf_puts(&line, "Only ");
	narrow_words(t->d->narrow, &line);
	if (!n)
		buf_puts(&line, ": no finding was left out");
	else
		buf_printf(&line, ": %zu finding%s of others left out", n, n == 1 ? "" : "s");
	vec_each (f, &t->d->others) {
		buf_printf(&line, "%s%s", f == t->d->others.items ? ": " : ", ", f->cause->id);
		if (f->lost)
			buf_printf(&line, " %s %s", fmt_count(f->lost).s, f->unit ? f->unit : "packets");
	}
	buf_puts(t->out.buf, "\n");
	out_wrap(&t->out, 0, 2, line.data);
	buf_done(&line);
}

static bool same_want(const struct not_examined *one, const struct not_examined *other)
{
	return one->source == other->source && one->err == other->err &&
	       (one->source < SOURCE_N || strcmp(one->why, other->why) == 0);
}

/* Causes that one thing keeps from being examined; namespaces count once. */
static size_t causes_without(const struct diagnosis *d, const struct not_examined *what)
{
	size_t n = 0;

	for (size_t i = 0; i < d->not_examined.n; i++) {
		const struct not_examined *one = &d->not_examined.items[i];
		bool known = false;

		if (!same_want(one, what))
			continue;
		for (size_t j = 0; j < i; j++) {
			const struct not_examined *other = &d->not_examined.items[j];

			known |= same_want(other, what) && other->cause == one->cause;
		}
		n += !known;
	}
	return n;
}

static bool told_before(const struct diagnosis *d, size_t i)
{
	const struct not_examined *one = &d->not_examined.items[i];

	for (size_t j = 0; j < i; j++)
		if (same_want(&d->not_examined.items[j], one))
			return true;
	return false;
}

static void source_line(struct text *t, const struct not_examined *n, struct buf *line)
{
	size_t causes = causes_without(t->d, n);
	const char *unlock = n->unlock;

	buf_clear(line);
	buf_printf(line, "Not examined: %zu cause%s", causes, causes == 1 ? "" : "s");
	if (n->source < SOURCE_N) {
		buf_printf(line, " without %s (%s)", source_rows[n->source].name,
			   n->err ? errno_name(n->err) : "not read");
		unlock = n->err == -EINTR ? read_error_text(n->err)
					  : source_rows[n->source].unlock;
	} else {
		buf_printf(line, ", %s", n->why);
	}
	if (unlock && *unlock)
		buf_printf(line, ": %s", unlock);
	out_wrap(&t->out, 0, 2, line->data);
}

/* Sources that no cause misses outright, yet without which less is seen. */
static void untraced(struct text *t, bool told, struct buf *line)
{
	const struct drops *drops = t->d->drops;

	/* Of the time since boot that is no news. */
	if (told || (drops && !drops->err) ||
	    (t->d->observations.n && t->d->observations.items[0].since_boot))
		return;
	buf_clear(line);
	buf_printf(line, "Not traced: %s (%s)", source_rows[SRC_DROPS].loses,
		   drops && drops->err ? errno_name(drops->err) : "not asked for");
	if (drops && drops->err && *source_rows[SRC_DROPS].unlock)
		buf_printf(line, ": %s", source_rows[SRC_DROPS].unlock);
	out_wrap(&t->out, 0, 2, line->data);
}

void text_not_examined(struct text *t)
{
	const struct diagnosis *d = t->d;
	size_t shown = 0, more = 0;
	bool drops_told = false;
	struct buf line = {0};

	buf_puts(t->out.buf, "\n");
	for (size_t i = 0; i < d->not_examined.n; i++) {
		if (told_before(d, i))
			continue;
		drops_told |= d->not_examined.items[i].source == SRC_DROPS;
		if (shown == SOURCES_SHOWN && !t->out.style->all) {
			more++;
			continue;
		}
		source_line(t, &d->not_examined.items[i], &line);
		shown++;
	}
	if (more)
		out_printf(&t->out, "%zu more source%s: whydrop selfcheck\n", more,
			   more == 1 ? "" : "s");
	untraced(t, drops_told, &line);
	/* Nothing to say: no blank line at the end either. */
	if (t->out.buf->len >= 2 && t->out.buf->data[t->out.buf->len - 2] == '\n')
		t->out.buf->data[--t->out.buf->len] = '\0';
	buf_done(&line);
}
