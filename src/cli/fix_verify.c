// SPDX-License-Identifier: GPL-2.0-or-later
/* What a sample says of losses, kept when a remedy is applied and held against a later one. */
#include <stdio.h>
#include <unistd.h>

#include "base/parse.h"
#include "cli/cmd.h"
#include "cli/fix.h"
#include "render/fmt.h"
#include "render/render.h"

static void add_space(struct measure *m, const struct observation *o)
{
	struct measured_space space = {.inode = o->inode};

	vec_each(link, &o->b.links) {
		space.rx += delta_value(delta_link(o, link, C_LINK_RX_PACKETS));
		space.tx += delta_value(delta_link(o, link, C_LINK_TX_PACKETS));
	}
	*vec_push(&m->spaces) = space;
	m->seconds = MAX(m->seconds, o->seconds);
}

static void add_finding(struct measure *m, const struct finding *f)
{
	enum direction direction = f->has_direction ? f->direction : f->cause->direction;
	struct measured_loss *loss =
		measure_add_loss(m, f->cause->id, f->via ? f->via->id : "");

	loss->inode = f->where->inode;
	loss->lost = f->lost;
	loss->losing = f->state == LOSING && f->lost > 0;
	loss->grave = f->severity >= SEVERITY_WARNING;
	loss->tx = direction == DIR_TX;
	vec_each(e, &f->evidence)
		if (e->has_delta && e->name && *e->name)
			measure_add_count(loss, e->name, e->delta);
}

void fix_measure(const struct fix *f, struct measure *ret)
{
	*ret = (struct measure){0};
	vec_each(o, &f->d.observations)
		add_space(ret, o);
	vec_each(finding, &f->d.findings)
		add_finding(ret, finding);
}

/* The counters of a loss that is told of no more are read again by their names. */
static void add_counters(struct measure *m, const struct fix *f, const struct measured_loss *before)
{
	vec_each(o, &f->d.observations) {
		struct measured_loss *again;

		if (o->inode != before->inode)
			continue;
		again = measure_add_loss(m, "", "");
		again->inode = o->inode;
		vec_each(count, &before->counts)
			for (enum counter_id id = 0; id < COUNTER_N; id++) {
				enum scope scope = counter_rows[id].scope;
				struct change c;

				if ((scope != SCOPE_NETNS && scope != SCOPE_HOST) ||
				    strcmp(counter_rows[id].name, count->name) != 0)
					continue;
				c = delta_counter(o, id);
				if (c.known)
					measure_add_count(again, count->name, c.delta);
			}
	}
}

static bool is_not_examined(const struct fix *f, const char *cause)
{
	vec_each(n, &f->d.not_examined)
		if (strcmp(n->cause->id, cause) == 0)
			return true;
	return false;
}

static bool is_remedied(const struct entries *e, uint64_t run, const char *cause)
{
	vec_each(entry, &e->list)
		if (entry->run == run && strcmp(entry->cause, cause) == 0)
			return true;
	return false;
}

/* The last one of which something stands, or the one with the number named. */
static uint64_t run_to_verify(const struct fix_options *o, const struct entries *e)
{
	uint64_t run = 0, asked;

	vec_each(entry, &e->list)
		if (entry_open(entry))
			run = MAX(run, entry->run);
	if (o->ids_n && parse_u64(span_of(o->ids[0]), UINT64_MAX, &asked) == 0)
		run = asked;
	return run;
}

static void tell_answer(const struct fix *f, uint64_t run, const struct verify_result *v)
{
	static const char *const words[] = {
		[VERIFY_STOPPED] = "stopped",
		[VERIFY_FELL] = "fell, and goes on",
		[VERIFY_SAME] = "goes on as before: the remedy did nothing",
		[VERIFY_GREW] = "grew",
		[VERIFY_NOT_COMPARABLE] = "cannot be told: not the same traffic",
	};

	printf("%-24s %s\n", v->before->cause, words[v->answer]);
	if (v->before->losing)
		printf("     lost     %s before, %s now%s%s\n", fmt_rate(v->lost_before).s,
		       fmt_rate(v->lost_now).s, v->counter ? ", by " : "",
		       v->counter ? v->counter : "");
	else
		printf("     a risk before%s\n", v->answer == VERIFY_STOPPED ? ", none now" : "");
	printf("     packets  %s before, %s now\n", fmt_rate(v->packets_before).s,
	       fmt_rate(v->packets_now).s);
	if (is_not_examined(f, v->before->cause))
		puts("     this cause could not be examined now");
	if (v->answer == VERIFY_SAME || v->answer == VERIFY_GREW)
		printf("     take it back: whydrop fix --rollback %s (run %llu)\n", v->before->cause,
		       (unsigned long long)run);
}

static json_t *answer_json(const struct verify_result *v)
{
	return json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:b}", "cause", v->before->cause, "verdict",
			 verify_answer_name(v->answer), "lost_per_second_before", v->lost_before,
			 "lost_per_second_now", v->lost_now, "packets_per_second_before",
			 v->packets_before, "packets_per_second_now", v->packets_now,
			 "rollback_offered", v->answer == VERIFY_SAME || v->answer == VERIFY_GREW);
}

/* How many; each is told, or put into the list. */
static size_t look_for_worse(const struct fix *f, const struct measure *before,
			     const struct measure *now, const struct entries *e, uint64_t run,
			     json_t *list)
{
	double was, is;
	size_t n = 0;

	vec_each(loss, &now->losses) {
		if (!*loss->cause || is_remedied(e, run, loss->cause) ||
		    !verify_is_worse(before, now, loss, &was, &is))
			continue;
		n++;
		json_array_append_new(list, json_pack("{s:s, s:f, s:f}", "cause", loss->cause,
						      "lost_per_second_before", was,
						      "lost_per_second_now", is));
		if (!f->o->json)
			printf("%-24s got worse: %s before, %s now\n", loss->cause, fmt_rate(was).s,
			       fmt_rate(is).s);
	}
	return n;
}

/* On a terminal a useless remedy may be taken back at once. */
static void offer_rollback(const struct fix *f, const char *cause)
{
	struct fix_options o = *f->o;
	char answer[16] = "", *id = xstrdup(cause);

	if (f->o->json || !isatty(STDIN_FILENO)) {
		free(id);
		return;
	}
	fflush(stdout);
	fprintf(stderr, "Take back what was done for %s? [y/N] ", cause);
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y')) {
		o.ids = &id;
		o.ids_n = 1;
		fix_rollback(&o);
	}
	free(id);
}

static int judge(struct fix *f, const struct entries *e, const struct measure *before, uint64_t run)
{
	json_t *answers = json_array(), *worse = json_array();
	bool failed = false, unknown = false, any = false;
	struct verify_result v;
	struct measure now;

	fix_measure(f, &now);
	vec_each(loss, &before->losses)
		if (is_remedied(e, run, loss->cause))
			add_counters(&now, f, loss);
	vec_each(loss, &before->losses) {
		if (!is_remedied(e, run, loss->cause))
			continue;
		verify_loss(before, &now, loss, &v);
		if (is_not_examined(f, loss->cause) && v.answer == VERIFY_STOPPED)
			v.answer = VERIFY_NOT_COMPARABLE;
		any = true;
		unknown |= v.answer == VERIFY_NOT_COMPARABLE;
		failed |= v.answer != VERIFY_NOT_COMPARABLE && v.answer != VERIFY_STOPPED;
		json_array_append_new(answers, answer_json(&v));
		if (!f->o->json) {
			tell_answer(f, run, &v);
			if (v.answer == VERIFY_SAME || v.answer == VERIFY_GREW)
				offer_rollback(f, loss->cause);
		}
	}
	failed |= look_for_worse(f, before, &now, e, run, worse) > 0;
	measure_done(&now);
	if (f->o->json) {
		json_t *j = json_pack("{s:s, s:I, s:O, s:O}", "schema", "whydrop.fix-verify/1", "run",
				      (json_int_t)run, "results", answers, "worse", worse);

		json_dumpf(j, stdout, RENDER_JSON_FLAGS);
		json_decref(j);
		putchar('\n');
	}
	json_decref(answers);
	json_decref(worse);
	return failed ? FIX_PARTLY : unknown || !any ? FIX_NOTHING : FIX_DONE;
}

char *fix_netns_to_verify(const struct fix_options *o, const struct journal *j)
{
	struct entries e;
	char *netns = NULL;
	uint64_t run;

	entries_of(j, &e);
	run = run_to_verify(o, &e);
	entries_done(&e);
	vec_each(r, &j->records)
		if (run && r->number == run && *journal_text(r, "netns"))
			netns = xstrdup(journal_text(r, "netns"));
	return netns;
}

int fix_verify(struct fix *f)
{
	struct measure before;
	struct entries e;
	struct journal j;
	uint64_t run;
	int status = EXIT_USAGE;

	if (!fix_journal(f->o, false, &j))
		return EXIT_USAGE;
	entries_of(&j, &e);
	run = run_to_verify(f->o, &e);
	if (!run) {
		complain("fix: nothing applied stands that could be verified");
		status = FIX_NOTHING;
	} else if (!measure_get(&j, run, &before)) {
		complain("fix: the journal has no sample of run %llu", (unsigned long long)run);
	} else {
		status = judge(f, &e, &before, run);
		measure_done(&before);
	}
	entries_done(&e);
	journal_done(&j);
	return status;
}
