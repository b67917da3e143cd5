// SPDX-License-Identifier: GPL-2.0-or-later
/* What fix would do, for people and for programs. */
#include <stdio.h>
#include <unistd.h>

#include "cli/fix.h"
#include "remedy/others.h"
#include "render/out.h"

#define LABEL 8
#define INDENT 5

static bool is_host(const struct change_place *p)
{
	return strcmp(p->name, "host") == 0;
}

static bool is_wide(const struct plan_change *c)
{
	return c->kind->host_wide && c->kind->host_wide(c->key);
}

static void show_change(struct out *out, const struct plan_change *c)
{
	unsigned int needs = c->kind->needs ? c->kind->needs(c->key) : 0;
	struct key_list others = {0};
	char where[96];

	out_printf(out, "%*s%s   %s -> %s\n", INDENT, "", c->key, *c->from ? c->from : "none", c->to);
	out_labelled(out, INDENT, LABEL, "scope",
		     is_wide(c) ? "the whole host" : fix_place_text(c->place->name, where, sizeof(where)));
	if (needs & CHANGE_RESETS_LINK)
		out_labelled(out, INDENT, LABEL, "needs", "--allow-link-reset: the device stops for a moment");
	if (needs & CHANGE_NEEDS_FOR)
		out_labelled(out, INDENT, LABEL, "needs",
			     "--for DURATION: it may cut you off, and undoes itself then");
	others_of(c->place, c->kind->name, c->key, is_host(c->place), &others);
	for (size_t i = 0; i < others.list.n; i++)
		out_labelled(out, INDENT, LABEL, i ? "" : "also", others.list.items[i]);
	key_list_done(&others);
	out_labelled(out, INDENT, LABEL, "lasts",
		     !c->kind->sysctl_line ? "until the next boot, or until the device is made anew"
		     : is_host(c->place)
			     ? "until the next boot; --persist writes it to " FIX_SYSCTL_FILE
			     : "as long as the namespace: what sets it up must set this as well");
}

static void show_offer(struct out *out, struct fix *f, const struct offer *offer, unsigned int n)
{
	const struct remedy *r = offer->remedy;

	out_tinted(out, TINT_BOLD, "%2u   %s", n, r->id);
	out_printf(out, "   for %s\n", offer->finding->cause->id);
	out_labelled(out, INDENT, LABEL, "what", r->summary ? r->summary : r->id);
	if (r->why)
		out_labelled(out, INDENT, LABEL, "why", r->why);
	if (r->cost)
		out_labelled(out, INDENT, LABEL, "cost", r->cost);
	if (r->risk)
		out_labelled(out, INDENT, LABEL, "risk", r->risk);
	vec_each(c, &f->plan.list)
		if (strcmp(c->remedy, r->id) == 0 && strcmp(c->cause, offer->finding->cause->id) == 0)
			show_change(out, c);
}

/* What is there for a person to do: in plain words, with the numbers to show to whom is asked. */
static void show_by_hand(struct out *out, const struct offer *offer)
{
	const struct remedy *r = offer->remedy;
	static const char *const whom[] = {
		[REMEDY_SYSCTL] = "by hand",	  [REMEDY_ETHTOOL] = "by hand",
		[REMEDY_TC] = "by hand",	  [REMEDY_NETFILTER] = "by hand",
		[REMEDY_ROUTE] = "by hand",	  [REMEDY_SOCKET] = "no setting mends it: for whoever writes or configures the program",
		[REMEDY_APPLICATION] = "no setting mends it: for whoever writes or configures the program",
		[REMEDY_CAPACITY] = "no setting mends it: for whoever provides the machine or the network",
	};

	out_printf(out, " -   ");
	out_tinted(out, TINT_BOLD, "%s", r->id);
	out_printf(out, "   for %s, %s\n", offer->finding->cause->id, whom[r->kind]);
	out_labelled(out, INDENT, LABEL, "what", r->summary ? r->summary : r->id);
	if (r->why)
		out_labelled(out, INDENT, LABEL, "why", r->why);
	vec_each(command, &r->commands)
		out_verbatim(out, INDENT + LABEL + 2, *command);
}

/* The numbers that a person who is asked wants to see. */
static void show_numbers(struct out *out, const struct finding *finding)
{
	struct buf line = {0};

	vec_each(e, &finding->evidence) {
		if (line.len > 160)
			break;
		if (e->text)
			buf_printf(&line, "%s%s", line.len ? "; " : "", e->text);
		else if (e->has_delta)
			buf_printf(&line, "%s%s +%llu", line.len ? "; " : "", e->name,
				   (unsigned long long)e->delta);
		else if (e->has_after)
			buf_printf(&line, "%s%s %llu", line.len ? "; " : "", e->name,
				   (unsigned long long)e->after);
	}
	if (line.len)
		out_labelled(out, INDENT, LABEL, "show", line.data);
	buf_done(&line);
}

void fix_show(struct fix *f)
{
	struct text_style style = text_style_of(STDOUT_FILENO, (enum color_mode)f->o->color);
	struct buf text = {0};
	struct out out = {.buf = &text, .style = &style};
	const struct finding *last = NULL;
	unsigned int n = 0;

	if (!f->d.findings.n)
		out_printf(&out, "Nothing is lost and nothing calls for a change.\n");
	vec_each(offer, &f->offers)
		if (offer->chosen)
			show_offer(&out, f, offer, ++n);
	vec_each(c, &f->plan.list)
		if (strcmp(c->remedy, "set") == 0)
			show_change(&out, c);
	if (f->plan.list.n && !f->o->apply)
		out_printf(&out, "\nNothing was changed: --apply does it, --rollback takes it back.\n");
	vec_each(offer, &f->offers) {
		if (offer->possible || f->o->apply)
			continue;
		out_printf(&out, "\n");
		show_by_hand(&out, offer);
		if (offer->finding != last)
			show_numbers(&out, offer->finding);
		last = offer->finding;
	}
	fwrite(text.data ? text.data : "", 1, text.len, stdout);
	buf_done(&text);
}

static json_t *change_json(const struct plan_change *c)
{
	unsigned int needs = c->kind->needs ? c->kind->needs(c->key) : 0;
	json_t *others = json_array(), *j;
	struct key_list list = {0};

	others_of(c->place, c->kind->name, c->key, is_host(c->place), &list);
	vec_each(other, &list.list)
		json_array_append_new(others, json_string(*other));
	key_list_done(&list);
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o}", "cause", c->cause,
		      "remedy", c->remedy, "kind", c->kind->name, "key", c->key, "from", c->from,
		      "to", c->to, "netns", c->place->name, "host_wide", is_wide(c),
		      "needs_link_reset", (needs & CHANGE_RESETS_LINK) != 0, "needs_for",
		      (needs & CHANGE_NEEDS_FOR) != 0, "also_set_by", others);
	return j;
}

static json_t *by_hand_json(const struct fix *f)
{
	json_t *list = json_array();

	vec_each(offer, &f->offers)
		if (!offer->possible)
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:s, s:s}", "cause",
						offer->finding->cause->id, "remedy",
						offer->remedy->id, "kind",
						remedy_kind_name(offer->remedy->kind), "summary",
						offer->remedy->summary ? offer->remedy->summary : ""));
	return list;
}

void fix_show_json(struct fix *f, const struct apply_result *result, uint64_t run)
{
	json_t *changes = json_array(), *j;

	vec_each(c, &f->plan.list)
		json_array_append_new(changes, change_json(c));
	j = json_pack("{s:s, s:o, s:o}", "schema", "whydrop.fix/1", "changes", changes, "by_hand",
		      by_hand_json(f));
	if (result)
		json_object_set_new(j, "applied",
				    json_pack("{s:I, s:I, s:I, s:s}", "run", (json_int_t)run, "done",
					      (json_int_t)result->done, "undone",
					      (json_int_t)result->undone, "error",
					      result->err ? errno_name(result->err) : ""));
	json_dumpf(j, stdout, RENDER_JSON_FLAGS);
	json_decref(j);
	putchar('\n');
}
