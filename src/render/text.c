// SPDX-License-Identifier: GPL-2.0-or-later
/* The first screen: where and how long, the verdict, one line per finding, the path, the findings.
 */
#include "render/text.h"

#include "causes/path_rows.h"
#include "render/fmt.h"
#include "render/utf8.h"

#define ID_COLUMNS 19
#define RATE_COLUMNS 9

void netns_words(const struct observation *o, struct buf *ret)
{
	if (!o->name[0]) {
		buf_puts(ret, "this namespace");
		return;
	}
	if (!strcmp(o->name, "host")) {
		buf_puts(ret, "host namespace");
		return;
	}
	buf_puts(ret, "namespace ");
	utf8_escape(ret, o->name, strlen(o->name));
}

static void wait_line(struct text *t, struct buf *line)
{
	const struct wait_report *w = &t->r->wait;

	if (w->asked_s <= 0)
		return;
	buf_clear(line);
	if (w->began)
		buf_printf(line, "Note: waited %s, until %s%s%s rose by %s in %s",
			   fmt_seconds(w->waited_s).s, w->device, *w->device ? " " : "", w->counter,
			   fmt_count(w->delta).s, fmt_seconds(w->over_s).s);
	else
		buf_printf(line, "Note: waited %s of %s, no loss began; what follows is of that time, "
				 "by counters alone",
			   fmt_seconds(w->waited_s).s, fmt_seconds(w->asked_s).s);
	if (w->began && *w->netns && t->d->observations.n > 1) {
		buf_puts(line, " in namespace ");
		utf8_escape(line, w->netns, strlen(w->netns));
	}
	out_wrap(&t->out, 0, 2, line->data);
}

void text_header(struct text *t)
{
	const struct report *r = t->r;
	const struct observation *first = t->d->observations.n ? t->d->observations.items : NULL;
	struct buf line = {0};

	buf_puts(&line, r->host_name ? r->host_name : "this host");
	if (r->kernel)
		buf_printf(&line, ", Linux %.*s", (int)strcspn(r->kernel, "-+"), r->kernel);
	if (r->cpus)
		buf_printf(&line, ", %u CPU%s", r->cpus, r->cpus == 1 ? "" : "s");
	if (r->devices && *r->devices)
		buf_printf(&line, ", %s", r->devices);
	if (first) {
		buf_printf(&line, "; %s%s, ", first->since_boot ? "since boot, " : "",
			   fmt_seconds(first->seconds).s);
		if (t->d->observations.n > 1)
			buf_printf(&line, "%zu namespaces", t->d->observations.n);
		else
			netns_words(first, &line);
	}
	if (r->replay)
		buf_puts(&line, ", from a recording");
	out_wrap(&t->out, 0, 2, line.data);
	if (r->interval_note && *r->interval_note) {
		buf_clear(&line);
		buf_printf(&line, "Note: %s", r->interval_note);
		out_wrap(&t->out, 0, 2, line.data);
	}
	wait_line(t, &line);
	buf_done(&line);
}

struct tally {
	unsigned int now, soon, quiet, elsewhere, notes;
};

static struct tally tally(const struct diagnosis *d)
{
	struct tally n = {0};

	vec_each (f, &d->findings) {
		if (!finding_matters(f))
			n.notes++;
		else if (f->cause->kind == CAUSE_ELSEWHERE && f->state != AT_RISK)
			n.elsewhere++;
		else if (f->state == LOSING)
			n.now++;
		else if (f->state == AT_RISK)
			n.soon++;
		else
			n.quiet++;
	}
	n.quiet += (unsigned int)d->before.n;
	return n;
}

static void count_words(struct buf *line, unsigned int n, const char *what)
{
	if (!n)
		return;
	buf_printf(line, "%s%u %s", line->len ? ", " : "", n, what);
}

static void count_line(const struct tally *n, struct buf *line)
{
	bool one = n->now == 1;

	count_words(line, n->now, one ? "cause now" : "causes now");
	count_words(line, n->soon,
		    line->len	   ? "soon"
		    : n->soon == 1 ? "cause soon"
				   : "causes soon");
	count_words(line, n->quiet, "quiet since boot");
	count_words(line, n->elsewhere, "beyond this host");
	count_words(line, n->notes, n->notes == 1 ? "note" : "notes");
}

static const struct path_row *find_row(const struct path_rows *p, enum stage stage,
				       enum direction direction)
{
	vec_each (row, &p->rows)
		if (row->stage == stage && row->direction == direction)
			return row;
	return NULL;
}

/* "918,322 packets received and 455,004 sent in 5.0 s" of the namespace asked for. */
static void traffic_words(const struct text *t, struct buf *line)
{
	const struct observation *o = t->d->observations.items;
	const struct path_row *rx, *tx;
	struct path_rows p;

	path_rows(t->d, o, &p);
	rx = find_row(&p, STAGE_LINK, DIR_RX);
	tx = find_row(&p, STAGE_LINK, DIR_TX);
	if (rx && rx->known && tx && tx->known)
		buf_printf(line, "%s packets received and %s sent in %s", fmt_count(rx->passed).s,
			   fmt_count(tx->passed).s, fmt_seconds(o->seconds).s);
	else
		buf_printf(line, "%s watched", fmt_seconds(o->seconds).s);
	path_rows_done(&p);
}

static uint64_t unexplained(const struct diagnosis *d)
{
	uint64_t n = 0;

	vec_each (l, &d->ledgers)
		n += ledger_unexplained(l);
	return n;
}

/* What a verdict of "healthy" rests on, and no more than that. */
static void healthy_words(const struct text *t, const struct tally *n, struct buf *line)
{
	uint64_t strange = unexplained(t->d);

	if (!t->d->observations.n)
		return;
	traffic_words(t, line);
	if (t->d->narrow) {
		buf_puts(line, "; nothing lost is known to concern ");
		narrow_words(t->d->narrow, line);
	} else if (!t->d->drops || t->d->drops->err) {
		buf_printf(line, ", no loss %sin any counter (drop events were not traced)",
			   n->notes ? "that matters " : "");
		count_words(line, n->notes, n->notes == 1 ? "note" : "notes");
	} else if (strange)
		buf_printf(line, "; %s traced drop%s that no cause explains", fmt_count(strange).s,
			   strange == 1 ? "" : "s");
	else if (n->notes)
		buf_printf(line, ", nothing lost that matters, %u note%s", n->notes,
			   n->notes == 1 ? "" : "s");
	else
		buf_puts(line, ", none lost");
	if (n->quiet && !t->d->narrow)
		buf_printf(line, "; %u cause%s lost some since boot, none now", n->quiet,
			   n->quiet == 1 ? "" : "s");
}

static void elsewhere_words(const struct text *t, const struct tally *n, struct buf *line)
{
	buf_puts(line, "nothing was lost on this host's own path; ");
	vec_each (f, &t->d->findings) {
		if (f->cause->kind != CAUSE_ELSEWHERE || !finding_matters(f))
			continue;
		buf_printf(line, "the network or the peers lost %s", fmt_count(f->lost).s);
		if (f->of)
			buf_printf(line, " of %s %s, %s", fmt_count(f->of).s, f->unit,
				   fmt_share(f->lost, f->of).s);
		break;
	}
	if (n->notes)
		buf_printf(line, "; %u note%s", n->notes, n->notes == 1 ? "" : "s");
}

static void verdict_line(struct text *t)
{
	static const struct {
		const char *words;
		enum tint tint;
	} heads[] = {
		[HEALTHY] = {"NO LOSS", TINT_GREEN},
		[LOSS_ELSEWHERE] = {"LOSS ELSEWHERE", TINT_YELLOW},
		[AT_RISK_VERDICT] = {"AT RISK", TINT_YELLOW},
		[LOSING_VERDICT] = {"LOSING PACKETS", TINT_RED},
		[NOT_EXAMINED_VERDICT] = {"NOT EXAMINED", TINT_YELLOW},
	};
	struct tally n = tally(t->d);
	const char *head = heads[t->d->verdict].words;
	struct buf line = {0};

	/* What was lost before this interval is not being lost. */
	if (t->d->verdict == LOSING_VERDICT && !n.now)
		head = "LOST PACKETS";
	if (t->d->verdict == HEALTHY && (unexplained(t->d) || t->d->others.n))
		head = "NO KNOWN LOSS";
	if (t->d->verdict == HEALTHY)
		healthy_words(t, &n, &line);
	else if (t->d->verdict == LOSS_ELSEWHERE)
		elsewhere_words(t, &n, &line);
	else if (t->d->verdict == NOT_EXAMINED_VERDICT)
		buf_puts(&line, "no loss was found, but part of the path could not be examined");
	else
		count_line(&n, &line);
	buf_puts(t->out.buf, "\n");
	out_tinted(&t->out, heads[t->d->verdict].tint, "%s", head);
	out_printf(&t->out, "   ");
	out_wrap(&t->out, strlen(head) + 3, 3, line.data ? line.data : "");
	buf_done(&line);
}

/* A sign where the terminal has it, else blanks of the same width. */
static const char *finding_sign(const struct text *t, const struct finding *f)
{
	if (!t->out.style->signs)
		return " ";
	if (!finding_matters(f) || f->state == LOST_BEFORE)
		return "\u00b7";
	return f->state == LOSING && f->cause->kind != CAUSE_ELSEWHERE ? "\u2717" : "!";
}

static enum tint finding_tint(const struct finding *f)
{
	if (!finding_matters(f) || f->state == LOST_BEFORE)
		return TINT_DIM;
	return f->severity == SEVERITY_CRITICAL && f->state == LOSING ? TINT_RED : TINT_YELLOW;
}

static void list_line(struct text *t, const struct finding *f)
{
	struct fmt rate = {"soon"};
	size_t indent = 3 + ID_COLUMNS + 1 + RATE_COLUMNS + 2;
	struct buf words = {0};

	if (f->state == LOSING)
		rate = fmt_rate(per_second(f->where, f->lost));
	else if (f->state == LOST_BEFORE && f->lost)
		rate = fmt_short((double)f->lost);
	else if (f->severity == SEVERITY_INFO)
		rate = (struct fmt){"note"};
	out_printf(&t->out, " ");
	out_tinted(&t->out, finding_tint(f), "%s %-*s", finding_sign(t, f), ID_COLUMNS,
		   f->cause->id);
	out_printf(&t->out, " %*s  ", RATE_COLUMNS, rate.s);
	buf_puts(&words, f->headline ? f->headline : f->cause->title);
	if (f->state == LOST_BEFORE)
		buf_puts(&words, ", since boot");
	if (t->d->observations.n > 1) {
		buf_puts(&words, " in ");
		netns_words(f->where, &words);
	}
	out_wrap(&t->out, MAX(indent, 3 + strlen(f->cause->id) + 1 + RATE_COLUMNS + 2), indent,
		 words.data);
	buf_done(&words);
}

/* Lost at some time since boot, and nothing of it now. */
static void before_line(struct text *t, const struct finding *f)
{
	size_t indent = 3 + ID_COLUMNS + 1 + RATE_COLUMNS + 2;
	struct buf words = {0};

	out_printf(&t->out, " ");
	out_tinted(&t->out, TINT_DIM, "%s %-*s", t->out.style->signs ? "\u00b7" : " ", ID_COLUMNS,
		   f->cause->id);
	out_printf(&t->out, " %*s  ", RATE_COLUMNS, "quiet");
	buf_printf(&words, "%s lost since boot", fmt_count(f->lost).s);
	if (f->of)
		buf_printf(&words, ", %s", fmt_share(f->lost, f->of).s);
	buf_puts(&words, ", none now");
	if (t->d->observations.n > 1) {
		buf_puts(&words, " in ");
		netns_words(f->where, &words);
	}
	out_wrap(&t->out, MAX(indent, 3 + strlen(f->cause->id) + 1 + RATE_COLUMNS + 2), indent,
		 words.data);
	buf_done(&words);
}

static void list(struct text *t)
{
	if (!t->d->findings.n && !t->d->before.n)
		return;
	buf_puts(t->out.buf, "\n");
	vec_each (f, &t->d->findings)
		list_line(t, f);
	vec_each (f, &t->d->before)
		before_line(t, f);
}

/* The namespace asked for, and every other one that has a finding. */
static void pictures(struct text *t)
{
	const struct observation *first = t->d->observations.items;

	vec_each (o, &t->d->observations) {
		bool hit = o == first;
		struct buf name = {0};

		vec_each (f, &t->d->findings)
			hit |= f->where == o;
		if (!hit)
			continue;
		buf_puts(t->out.buf, "\n");
		if (t->d->observations.n > 1) {
			netns_words(o, &name);
			out_printf(&t->out, " %s\n", name.data);
			buf_done(&name);
		}
		text_picture(t, o);
	}
}

static void ruled_out(struct text *t)
{
	size_t n = t->d->cleared.n;

	if (!n || t->out.style->all)
		return;
	out_printf(&t->out,
		   "\nRuled out: %zu cause%s (whydrop --all shows each with its numbers)\n", n,
		   n == 1 ? "" : "s");
}

void render_text(const struct diagnosis *d, const struct report *r, const struct text_style *style,
		 struct buf *ret)
{
	struct text t = {.out = {.buf = ret, .style = style}, .d = d, .r = r};
	unsigned int number = 0;

	text_header(&t);
	verdict_line(&t);
	list(&t);
	pictures(&t);
	vec_each (f, &d->findings)
		if (finding_matters(f) || style->all)
			text_finding(&t, ++number, f);
	if (style->all)
		text_all(&t);
	ruled_out(&t);
	text_others(&t);
	text_ignored(&t);
	text_drops(&t);
	text_not_examined(&t);
}
