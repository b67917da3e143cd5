// SPDX-License-Identifier: GPL-2.0-or-later
/* --all: every cause in the order of the path, with its verdict and the numbers behind it. */
#include "render/drop_sums.h"
#include "render/fmt.h"
#include "render/text.h"

#define INDENT 4
#define STAGE_COLUMNS 11
#define NUMBERS (INDENT + STAGE_COLUMNS)

static void numbers(struct text *t, const struct cleared *c)
{
	struct buf line = {0};

	vec_each (e, &c->evidence) {
		if (line.len)
			buf_puts(&line, "; ");
		evidence_words(e, &line);
	}
	if (line.len) {
		out_printf(&t->out, "%*s", NUMBERS, "");
		out_wrap(&t->out, NUMBERS, NUMBERS, line.data);
	}
	buf_done(&line);
}

static void verdict(struct text *t, const struct cause_row *cause, const char *words,
		    enum tint tint)
{
	out_printf(&t->out, "%*s%-*s%-21s ", INDENT, "", STAGE_COLUMNS, stage_name(cause->stage),
		   cause->id);
	out_tinted(&t->out, tint, "%s\n", words);
}

static bool one_found(struct text *t, const struct cause_row *cause, const struct observation *o)
{
	vec_each (f, &t->d->findings) {
		if (f->where != o || (f->cause != cause && f->via != cause))
			continue;
		if (f->cause == cause)
			verdict(t, cause, finding_matters(f) ? "found" : "found, a note", TINT_RED);
		else
			verdict(t, cause, "found, see what explains it", TINT_RED);
		return true;
	}
	return false;
}

static void one_cause(struct text *t, const struct cause_row *cause, const struct observation *o)
{
	if (one_found(t, cause, o))
		return;
	vec_each (c, &t->d->cleared) {
		if (c->where != o || c->cause != cause)
			continue;
		verdict(t, cause, "ruled out", TINT_GREEN);
		numbers(t, c);
		return;
	}
	vec_each (n, &t->d->not_examined) {
		if (n->where != o || n->cause != cause)
			continue;
		verdict(t, cause, "not examined", TINT_YELLOW);
		if (n->source == SOURCE_N)
			out_printf(&t->out, "%*s%s\n", NUMBERS, "", n->why);
		else
			out_printf(&t->out, "%*sno %s (%s)\n", NUMBERS, "",
				   source_rows[n->source].name,
				   n->err ? errno_name(n->err) : "not read");
		return;
	}
	/* Explanations are only asked about what was lost. */
	verdict(t, cause, cause->kind == CAUSE_EXPLANATION ? "explains nothing here" : "not asked",
		TINT_DIM);
}

static void benign(struct text *t)
{
	vec_each (l, &t->d->ledgers) {
		size_t i = (size_t)(l - t->d->ledgers.items);
		struct drop_sums sums;

		if (!l->benign)
			continue;
		drop_sums(l, i < t->d->observations.n ? &t->d->observations.items[i] : NULL, true,
			  &sums);
		out_printf(&t->out, "\nTraced, but no loss: %s\n", fmt_count(l->benign).s);
		vec_each (row, &sums.rows) {
			struct buf line = {0};

			buf_printf(&line, "%s at %s: %s", row->reason, row->symbol, row->why);
			out_printf(&t->out, "  %9s  ", fmt_count(row->packets).s);
			out_wrap(&t->out, 13, 13, line.data);
			buf_done(&line);
		}
		drop_sums_done(&sums);
	}
}

void text_all(struct text *t)
{
	vec_each (o, &t->d->observations) {
		struct buf name = {0};

		netns_words(o, &name);
		out_printf(&t->out, "\nEvery cause, %s\n", name.data);
		buf_done(&name);
		for (int stage = 0; stage < STAGE_N; stage++)
			for (size_t i = 0; i < cause_rows_n; i++)
				if ((int)cause_rows[i].stage == stage)
					one_cause(t, &cause_rows[i], o);
	}
	benign(t);
}
