// SPDX-License-Identifier: GPL-2.0-or-later
/* Explanations as text and as JSON, and the names there are. */
#define _GNU_SOURCE
#include <stdio.h>

#include "base/words.h"
#include "causes/capture.h"
#include "render/explain_parts.h"
#include "render/out.h"
#include "render/utf8.h"
#include "render/words.h"

#define NEAREST 5
#define LABEL_WIDTH 11

static const struct text_style plain_style;

static void paragraph(struct buf *ret, const char *text)
{
	struct out o = {.buf = ret, .style = &plain_style};

	buf_puts(ret, "  ");
	out_wrap(&o, 2, 2, text);
}

void explanation_text(const struct explanation *e, struct buf *ret)
{
	struct out o = {.buf = ret, .style = &plain_style};

	/* Each thing after the first is set off by an empty line. */
	vec_each(t, &e->things) {
		size_t used = strlen(t->name) + 2;
		bool wide = used > OUT_COLUMNS / 2;

		buf_printf(ret, "%s%s:%s", ret->len ? "\n" : "", t->name, wide ? "\n  " : " ");
		out_wrap(&o, wide ? 2 : used, 2, t->meaning);
		vec_each(text, &t->notes)
			paragraph(ret, *text);
		vec_each(d, &t->details)
			out_labelled(&o, 2, LABEL_WIDTH, d->label, d->value);
		if (t->page)
			buf_printf(ret, "\n%s", t->page);
	}
}

json_t *explanation_json(const char *name, const struct explanation *e)
{
	cleanup(buf_done) struct buf asked = {0};
	json_t *things = json_array();

	utf8_clean(&asked, name, strlen(name));
	vec_each(t, &e->things) {
		json_t *notes = json_array(), *details = json_object();

		vec_each(text, &t->notes)
			json_array_append_new(notes, json_string(*text));
		vec_each(d, &t->details)
			json_object_set_new(details, d->label, json_string(d->value));
		json_array_append_new(
			things, json_pack("{s:s, s:s, s:s, s:o, s:o, s:s?}", "kind", t->kind, "name",
					  t->name, "meaning", t->meaning, "notes", notes, "details",
					  details, "text", t->page));
	}
	return json_pack("{s:s, s:b, s:o}", "name", asked.data ? asked.data : "", "found", e->things.n > 0, "things",
			 things);
}

/* ---- names ---- */

static void each_sysctl(void (*use)(void *context, const char *name), void *context)
{
	char form[128];

	for (size_t i = 0; i < SYSCTL_N; i++) {
		sysctl_form(sysctl_rows[i].path, form, sizeof(form));
		use(context, form);
	}
	for (size_t i = 0; i < sysctl_facts_n; i++) {
		bool told = !sysctl_facts[i].meaning;
		char *star;

		sysctl_form(sysctl_facts[i].path, form, sizeof(form));
		star = strchr(form, '*');
		if (star) {
			memmove(star + 3, star + 1, strlen(star + 1) + 1);
			memcpy(star, "all", 3);
		}
		for (size_t j = 0; j < SYSCTL_N && !told; j++)
			told = same_name(sysctl_rows[j].path, form);
		if (!told)
			use(context, form);
	}
}

static void each_word(enum word_kind kind, void (*use)(void *context, const char *name),
		      void *context)
{
	for (size_t i = 0; i < word_rows_n; i++)
		if (word_rows[i].kind == kind)
			use(context, word_rows[i].name);
}

static void each_stage(void (*use)(void *context, const char *name), void *context)
{
	for (int stage = 0; stage < STAGE_N; stage++)
		use(context, stage_name((enum stage)stage));
}

static void each_name(void (*use)(void *context, const char *name), void *context)
{
	for (size_t i = 0; i < cause_rows_n; i++)
		use(context, cause_rows[i].id);
	for (size_t i = 0; i < capture_causes_n; i++)
		use(context, capture_causes[i].id);
	for (size_t i = 0; i < COUNTER_N; i++)
		use(context, counter_rows[i].name);
	for (size_t i = 0; i < reason_rows_n; i++)
		use(context, reason_rows[i].name);
	each_sysctl(use, context);
	for (size_t i = 0; i < SOURCE_N; i++)
		use(context, source_rows[i].id);
	each_stage(use, context);
	for (int kind = 0; kind < WORD_KINDS; kind++)
		each_word((enum word_kind)kind, use, context);
}

static void add_line(void *context, const char *name)
{
	buf_printf(context, "%s\n", name);
}

void explain_list(struct buf *ret)
{
	each_name(add_line, ret);
}

/* ---- by kind ---- */

static void add_comma(void *context, const char *name)
{
	struct buf *line = context;

	buf_printf(line, "%s%s", line->len ? ", " : "", name);
}

static void heading(struct buf *ret, const char *what, struct buf *names)
{
	buf_printf(ret, "\n%s\n", what);
	paragraph(ret, names->data);
	buf_clear(names);
}

static void causes_by_stage(struct buf *ret)
{
	struct out o = {.buf = ret, .style = &plain_style};
	int last = -1;

	for (int stage = 0; stage < STAGE_N; stage++) {
		for (size_t i = 0; i < cause_rows_n; i++) {
			if ((int)cause_rows[i].stage != stage)
				continue;
			buf_printf(ret, "%-10s %-25s ",
				   stage == last ? "" : stage_name((enum stage)stage),
				   cause_rows[i].id);
			out_wrap(&o, 37, 37, cause_rows[i].title);
			last = stage;
		}
	}
	for (size_t i = 0; i < capture_causes_n; i++) {
		buf_printf(ret, "%-10s %-25s ", i ? "" : "in pcap", capture_causes[i].id);
		out_wrap(&o, 37, 37, capture_causes[i].title);
	}
}

void explain_overview(struct buf *ret)
{
	cleanup(buf_done) struct buf names = {0};

	causes_by_stage(ret);
	each_stage(add_comma, &names);
	heading(ret, "Stages of the path", &names);
	for (size_t i = 0; i < COUNTER_N; i++)
		add_comma(&names, counter_rows[i].name);
	heading(ret, "Counters", &names);
	for (size_t i = 0; i < reason_rows_n; i++)
		add_comma(&names, reason_rows[i].name);
	heading(ret, "Drop reasons of the kernel", &names);
	each_sysctl(add_comma, &names);
	heading(ret, "Sysctls", &names);
	for (size_t i = 0; i < SOURCE_N; i++)
		add_comma(&names, source_rows[i].id);
	heading(ret, "Sources", &names);
	for (int kind = 0; kind < WORD_KINDS; kind++) {
		each_word((enum word_kind)kind, add_comma, &names);
		heading(ret, word_kind_heading((enum word_kind)kind), &names);
	}
}

/* ---- what was meant? ---- */

struct nearest {
	const char *wanted;
	struct {
		char name[64];
		unsigned int distance;
	} best[NEAREST];
	size_t n;
};

static void consider(void *context, const char *name)
{
	struct nearest *near = context;
	const char *tail = name_last_part(name, '.');
	unsigned int distance = MIN(word_distance(near->wanted, name),
				    word_distance(near->wanted, tail));
	size_t at;

	if (strlen(near->wanted) >= 3 && strcasestr(name, near->wanted))
		distance = MIN(distance, 2u);
	else if (!word_near(near->wanted, name) && !word_near(near->wanted, tail))
		return;
	for (at = near->n; at > 0 && near->best[at - 1].distance > distance; at--)
		if (at < NEAREST)
			near->best[at] = near->best[at - 1];
	if (at >= NEAREST)
		return;
	snprintf(near->best[at].name, sizeof(near->best[at].name), "%s", name);
	near->best[at].distance = distance;
	near->n = MIN(near->n + 1, (size_t)NEAREST);
}

void explain_near(const char *name, struct buf *ret)
{
	struct nearest near = {.wanted = name};

	each_name(consider, &near);
	for (size_t i = 0; i < near.n; i++)
		buf_printf(ret, "%s%s", i ? ", " : "", near.best[i].name);
}
