// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of `whydrop watch`, on a grid: the same for a terminal and for a file. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "render/drop_sums.h"
#include "render/fmt.h"
#include "render/watch_parts.h"

#define RATE 9	 /* "99,999/s" */
#define TOTAL 14 /* "9,999,999,999" */
#define STAGE (RATE + TOTAL + 2)
#define CAUSE (STAGE + 11)
#define WHERE (CAUSE + 22)
#define ONE_ROW 120  /* columns from which a line has one row */
#define TWO_ROWS 56  /* below that a line is a paragraph */
#define IPV6 0x86dd  /* ETH_P_IPV6 */
#define MISSED_SHOWN 5

/* ---- words ---- */

static void socket_words(const struct watch_line *l, struct buf *b)
{
	const struct socket *sk = &l->socket;
	const char *protocol = protocol_name(sk->protocol);
	char local[96];

	if (protocol)
		buf_printf(b, "%s ", protocol);
	if (sk->inode || sk->kind != SOCKET_INET)
		buf_puts(b, socket_text(sk, local, sizeof(local)));
	else
		buf_printf(b, "port %u", sk->local_port);
	if (l->gone)
		buf_puts(b, " (closed meanwhile)");
}

void watch_line_who(const struct watch_line *l, struct buf *ret)
{
	const struct process *p = l->process;
	const struct rule_ref *r = &l->rule;

	if (l->has_rule) {
		buf_printf(ret, "%s %s %s", r->family, r->table, r->chain);
		if (r->handle)
			buf_printf(ret, " handle %llu", (unsigned long long)r->handle);
		if (r->text)
			buf_printf(ret, ": %s", r->text);
		if (r->how)
			buf_printf(ret, " (told by: %s)", r->how);
	}
	if (!l->has_socket)
		return;
	if (l->has_rule)
		buf_puts(ret, "; for ");
	if (p)
		buf_printf(ret, "%.*s (%d%s) on ", (int)sizeof(p->comm), p->comm, p->pid,
			   l->exited ? ", exited" : "");
	socket_words(l, ret);
	if (p && p->container.name[0])
		buf_printf(ret, ", container %s", p->container.name);
	else if (p && p->unit[0])
		buf_printf(ret, ", %s", p->unit);
}

static void separate(struct buf *b)
{
	if (b->len)
		buf_puts(b, ", ");
}

static void netns_name(const struct watch_view *v, const struct watch_line *l, struct buf *b)
{
	if (l->netns && v->d->observations.n <= 1)
		return;
	separate(b);
	if (!l->netns)
		buf_puts(b, "namespace unknown");
	else if (l->netns_name[0])
		buf_printf(b, "namespace %s", l->netns_name);
	else
		buf_printf(b, "namespace %u", l->netns);
}

/* Everything behind the cause. */
static void where_words(const struct watch_view *v, const struct watch_line *l, struct buf *b)
{
	const char *protocol = protocol_name(l->protocol);
	const struct reason_row *reason = l->how == WATCH_TRACED ? reason_row(l->reason) : NULL;

	if (l->how == WATCH_TRACED)
		buf_printf(b, "%s at %s", l->reason, l->symbol);
	else
		buf_printf(b, "counted, not traced%s", strcmp(l->unit, "packets") ? ", in " : "");
	if (l->how == WATCH_COUNTED && strcmp(l->unit, "packets") != 0)
		buf_puts(b, l->unit);
	if (protocol && !l->has_socket)
		buf_printf(b, ", %s%s", protocol, l->ethertype == IPV6 ? " over IPv6" : "");
	netns_name(v, l, b);
	if (l->device[0]) {
		separate(b);
		buf_puts(b, l->device);
	}
	if (l->has_cpu) {
		separate(b);
		buf_printf(b, "CPU %d", l->cpu);
	}
	if (l->has_rule || l->has_socket) {
		separate(b);
		watch_line_who(l, b);
	}
	if (l->benign)
		buf_printf(b, ": %s", l->benign);
	else if (!l->at && reason)
		buf_printf(b, ": %s", reason->meaning);
}

/* ---- lines ---- */

static double rate_of(const struct watch_view *v, uint64_t packets, uint64_t total)
{
	double seconds = v->end ? v->w->total_seconds : v->w->seconds;

	return seconds > 0 ? (double)(v->end ? total : packets) / seconds : 0;
}

static enum stage stage_of(const struct watch_line *l, bool *ret_known)
{
	const struct reason_row *reason = l->at ? NULL : reason_row(l->reason);

	*ret_known = l->at || reason;
	return l->at ? l->at->stage : reason ? reason->stage : STAGE_HOST;
}

void watch_rows(struct grid *g, const char *rate, const char *total, const char *stage,
		const char *cause, const char *where, enum tint tint)
{
	struct buf narrow = {0};

	grid_row(g);
	if (g->columns >= TWO_ROWS) {
		grid_right(g, RATE, tint, rate);
		grid_right(g, TOTAL, tint, total);
		grid_to(g, STAGE);
		grid_put(g, tint, "%s", stage);
		grid_to(g, CAUSE);
		grid_put(g, tint, "%s", cause);
		if (g->columns < ONE_ROW) {
			grid_row(g);
			grid_to(g, STAGE);
		} else {
			grid_to(g, MAX(WHERE, g->at + 2));
		}
		grid_wrap(g, g->columns < ONE_ROW ? STAGE : WHERE, TINT_NONE, where);
		return;
	}
	buf_printf(&narrow, "%s %s", rate, total);
	grid_wrap(g, 0, tint, narrow.data);
	buf_clear(&narrow);
	buf_printf(&narrow, "%s %s", stage, cause);
	grid_row(g);
	grid_to(g, 1);
	grid_wrap(g, 1, tint, narrow.data);
	grid_row(g);
	grid_to(g, 1);
	grid_wrap(g, 1, TINT_NONE, where);
	buf_done(&narrow);
}

static void one_line(struct grid *g, const struct watch_view *v, const struct watch_line *l)
{
	bool stage_known;
	enum stage stage = stage_of(l, &stage_known);
	enum tint tint = l->benign ? TINT_DIM : l->packets || v->end ? TINT_RED : TINT_NONE;
	const char *cause = l->cause ? l->cause->id : l->benign ? "no loss" : "-";
	struct buf where = {0};

	where_words(v, l, &where);
	watch_rows(g, fmt_rate(rate_of(v, l->packets, l->total)).s, fmt_count(l->total).s,
		   stage_known ? stage_name(stage) : "-", cause, where.data, tint);
	buf_done(&where);
}

static bool is_shown(const struct watch_view *v, const struct watch_line *l)
{
	if (watch_means(v->w, l) != WATCH_MEANT)
		return false;
	return (l->packets || v->end || v->live) && (!l->benign || v->all);
}

static void lines(struct grid *g, const struct watch_view *v)
{
	const struct watch *w = v->w;
	const struct watch_sum *others = &w->others[0][WATCH_MEANT];
	bool any = false;

	vec_each(l, &w->lines)
		any |= is_shown(v, l);
	if (any && g->columns >= TWO_ROWS)
		watch_rows(g, "rate", "total", "stage", "cause", "reason and whose", TINT_DIM);
	vec_each(l, &w->lines)
		if (is_shown(v, l))
			one_line(g, v, l);
	if (others->total && (others->packets || v->end || v->live))
		watch_rows(g, fmt_rate(rate_of(v, others->packets, others->total)).s,
			   fmt_count(others->total).s, "", "others",
			   "lines that rested longest, added up", TINT_NONE);
}

/* ---- what stands above and below ---- */

void watch_sentence(struct grid *g, enum tint tint, const char *text)
{
	grid_row(g);
	grid_wrap(g, 2, tint, text);
}

static void header(struct grid *g, const struct watch_view *v)
{
	struct watch_sum lost = watch_sum(v->w, false, WATCH_MEANT);
	struct buf b = {0};
	struct tm tm;
	char at[16] = "";

	if (localtime_r(&v->r->started_at.tv_sec, &tm))
		strftime(at, sizeof(at), "%H:%M:%S", &tm);
	if (v->end)
		buf_printf(&b, "In all, %s: ", fmt_seconds(v->w->total_seconds).s);
	else
		buf_printf(&b, "%s, %s: ", at, fmt_seconds(v->w->seconds).s);
	if (v->end && lost.total)
		buf_printf(&b, "%s dropped", fmt_count(lost.total).s);
	else if (!v->end && lost.packets)
		buf_printf(&b, "%s dropped", fmt_count(lost.packets).s);
	else
		buf_puts(&b, "nothing dropped");
	if (!v->end && v->live)
		buf_printf(&b, ", %s in all", fmt_count(lost.total).s);
	if (!v->end && v->w->seconds > v->asked_seconds * 1.5)
		buf_printf(&b, "; the interval is longer than %s, or looking would take more than a "
			   "twentieth of a CPU", fmt_seconds(v->asked_seconds).s);
	grid_row(g);
	grid_wrap(g, 2, TINT_BOLD, b.data);
	buf_done(&b);
}

static void expected(struct grid *g, const struct watch_view *v)
{
	struct watch_sum sum = watch_sum(v->w, true, WATCH_MEANT);
	struct buf b = {0};

	if (v->all || !sum.total || (!sum.packets && !v->end && !v->live))
		return;
	buf_printf(&b, "Expected frees, no loss: %s", fmt_count(v->end ? sum.total : sum.packets).s);
	if (v->live && !v->end)
		buf_printf(&b, ", %s in all", fmt_count(sum.total).s);
	buf_puts(&b, v->live ? " (a: show them)" : " (--all shows them)");
	watch_sentence(g, TINT_DIM, b.data);
	buf_done(&b);
}

static void elsewhere(struct grid *g, const struct watch_view *v)
{
	const struct watch *w = v->w;
	struct buf b = {0};

	if (!w->elsewhere.total || (!w->elsewhere.packets && !v->end && !v->live))
		return;
	buf_printf(&b, "In other namespaces: %s dropped",
		   fmt_count(v->end ? w->elsewhere.total : w->elsewhere.packets).s);
	if (v->live && !v->end)
		buf_printf(&b, ", %s in all", fmt_count(w->elsewhere.total).s);
	buf_printf(&b, ", %zu of them%s", w->elsewhere_netns.n,
		   v->r->all_netns ? " that came later or could not be entered" : "; --netns all");
	watch_sentence(g, TINT_NONE, b.data);
	buf_done(&b);
}

/* What a filter leaves out, and what it cannot be applied to. */
static void left_out(struct grid *g, const struct watch_view *v)
{
	const struct watch *w = v->w;
	struct watch_sum out = watch_sum(w, false, WATCH_NOT_MEANT);
	struct watch_sum unknown = watch_sum(w, false, WATCH_CANNOT_TELL);
	const char *before = ": ";
	struct buf b = {0};

	if (out.total && (out.packets || v->end || v->live)) {
		buf_printf(&b, "Left out by the filter: %s dropped",
			   fmt_count(v->end ? out.total : out.packets).s);
		watch_sentence(g, TINT_NONE, b.data);
	}
	buf_clear(&b);
	if (unknown.total && (unknown.packets || v->end || v->live)) {
		buf_puts(&b, "Not shown, because the filter cannot tell");
		vec_each(l, &w->lines) {
			if (l->benign || watch_means(w, l) != WATCH_CANNOT_TELL)
				continue;
			buf_printf(&b, "%s%s %s%s", before, l->cause ? l->cause->id : l->reason,
				   fmt_count(v->end ? l->total : l->packets).s,
				   l->how == WATCH_COUNTED ? " (counted)" : "");
			before = ", ";
		}
		watch_sentence(g, TINT_NONE, b.data);
	}
	buf_done(&b);
}

static void missed(struct grid *g, const struct watch_view *v)
{
	const struct watch *w = v->w;
	struct buf b = {0};
	size_t shown = 0;

	if (v->end ? w->missed.total : w->missed.packets) {
		buf_printf(&b, "%s drop events could not be held: numbers are too low",
			   fmt_count(v->end ? w->missed.total : w->missed.packets).s);
		watch_sentence(g, TINT_YELLOW, b.data);
	}
	buf_clear(&b);
	vec_each(m, &w->events_missed) {
		if (!v->end || shown == MISSED_SHOWN)
			break;
		buf_printf(&b, "%s%s at %s %s", shown++ ? ", " : "Counted, but not told one by one: ",
			   m->reason, m->symbol, fmt_count(m->packets).s);
	}
	if (b.len && w->events_missed.n > shown)
		buf_printf(&b, " and %zu more kinds", w->events_missed.n - shown);
	if (b.len)
		watch_sentence(g, TINT_NONE, b.data);
	buf_done(&b);
}

/* Sends are not looked at all the time where there are very many. */
static void rested(struct grid *g, const struct watch_view *v)
{
	const struct watch *w = v->w;
	double rested = v->end ? w->total_rested : w->rested;
	double seconds = v->end ? w->total_seconds : w->seconds;
	struct buf b = {0};

	if (rested <= 0 || !(v->end || v->live))
		return;
	buf_printf(&b, "Programs send so often that sends refused as too large were not looked for in "
		       "%.1f of %.1f s", rested, MAX(seconds, rested));
	watch_sentence(g, TINT_NONE, b.data);
	buf_done(&b);
}

/* What this rung of the ladder does not show. */
static void hidden(struct grid *g, const struct watch_view *v)
{
	const struct rung_row *rung = v->rung ? rung_row(v->rung) : &rung_rows[rung_rows_n - 1];
	struct buf b = {0};

	if (!(v->end || v->live) || (rung && !*rung->hides))
		return;
	if (v->rung)
		buf_printf(&b, "Told by %s", v->rung);
	else
		buf_puts(&b, "Drops are not traced");
	if (!v->rung && v->untraced != -ENODATA)
		buf_printf(&b, " (%s): %s", errno_name(v->untraced), source_rows[SRC_DROPS].unlock);
	if (!v->rung)
		buf_puts(&b, "; what is told is counted");
	if (rung)
		buf_printf(&b, ". Hidden: %s", rung->hides);
	watch_sentence(g, TINT_YELLOW, b.data);
	buf_done(&b);
}

void render_watch(const struct watch_view *v, struct grid *g)
{
	header(g, v);
	lines(g, v);
	render_watch_tcp(v, g);
	expected(g, v);
	left_out(g, v);
	elsewhere(g, v);
	missed(g, v);
	rested(g, v);
	hidden(g, v);
	if (v->note)
		watch_sentence(g, TINT_DIM, v->note);
}
