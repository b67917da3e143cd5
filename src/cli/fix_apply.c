// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/fix.h"

static bool is_allowed(const struct fix *f)
{
	unsigned int needs = plan_needs(&f->plan);

	if ((needs & CHANGE_RESETS_LINK) && !f->o->allow_link_reset)
		complain("fix: this stops a device for a moment: it wants --allow-link-reset");
	else if ((needs & CHANGE_NEEDS_FOR) && f->o->undo_after <= 0)
		complain("fix: this may cut you off: it wants --for DURATION, and --confirm afterwards");
	else
		return true;
	return false;
}

/*
 * --persist: one file of our own, with a line for each change; lines of other keys that it has
 * already stay. Only what the host itself is set up with at boot: of other namespaces nobody knows.
 */
static int plan_file(struct fix *f)
{
	struct change_place *host = fix_place(f, NULL);
	struct buf now = {0}, text = {0};
	int r = host ? file_kind.read(host, FIX_SYSCTL_FILE, &now) : -ENOENT;

	if (r == 0 && now.len)
		buf_puts(&text, now.data);
	else if (r == 0)
		buf_puts(&text, "# Written by whydrop fix --persist; taken back by its --rollback.\n");
	for (size_t i = 0; r == 0 && i < f->asked; i++) {
		const struct plan_change *c = &f->plan.list.items[i];

		if (!c->kind->sysctl_line || strcmp(c->place->name, "host") != 0) {
			complain("fix: --persist cannot keep %s of %s", c->key,
				 *c->place->name ? c->place->name : "a namespace without a name");
			r = -EOPNOTSUPP;
			break;
		}
		c->kind->sysctl_line(c->key, c->to, &text);
	}
	if (r == 0) {
		struct plan_change *first = f->plan.list.items;
		struct plan_change file = {.cause = first->cause,
					   .remedy = first->remedy,
					   .kind = &file_kind,
					   .key = (char[]){FIX_SYSCTL_FILE},
					   .from = now.data,
					   .to = text.data,
					   .place = host};

		plan_add(&f->plan, &file);
	} else if (r != -EOPNOTSUPP) {
		complain("fix: %s cannot be read (%s)", FIX_SYSCTL_FILE, errno_name(r));
	}
	buf_done(&now);
	buf_done(&text);
	return r;
}

static bool is_agreed(const struct fix *f)
{
	char answer[16] = "";

	if (f->o->yes)
		return true;
	fflush(stdout);
	fprintf(stderr, "Apply %zu %s? [y/N] ", f->plan.list.n,
		f->plan.list.n == 1 ? "change" : "changes");
	fflush(stderr);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static uint64_t begin_run(struct fix *f, struct journal *j)
{
	struct measure before = {0};
	char boot[64];
	uint64_t now = (uint64_t)time(NULL), run;
	/* One more, as `now` is cut to whole seconds. */
	uint64_t until = f->o->undo_after > 0 ? now + 1 + (uint64_t)(f->o->undo_after + 0.999) : 0;

	run = journal_put(j, "run", "time", journal_digits(now).s, "boot",
			  boot_id(boot, sizeof(boot)), "until", journal_digits(until).s, "netns",
			  f->o->session.netns ? f->o->session.netns : "", NULL);
	fix_measure(f, &before);
	measure_put(&before, j, run);
	measure_done(&before);
	return run;
}

static void tell_stop(const struct fix *f, const struct apply_result *r)
{
	const struct plan_change *c = &f->plan.list.items[r->stopped];
	const char *why = c->kind->refusal ? c->kind->refusal(c->key, r->err) : NULL;

	if (r->journal_failed)
		complain("fix: the journal cannot be written (%s): stopped at %s", errno_name(r->err),
			 c->key);
	else if (r->changed_since)
		complain("fix: %s is %s by now, and not %s: somebody else changed it", c->key,
			 r->found, c->from);
	else
		complain("fix: %s = %s was refused: %s%s%s%s", c->key, c->to, errno_name(r->err),
			 why ? " (" : "", why ? why : "", why ? ")" : "");
	if (r->undone || r->done)
		complain("fix: of what was done before it %zu %s, %zu %s", r->undone,
			 "taken back", r->done, "kept");
	if (f->plan.list.n > r->stopped + 1)
		complain("fix: %zu more not tried", f->plan.list.n - r->stopped - 1);
}

static void tell_end(const struct fix *f, uint64_t run, const struct apply_result *r)
{
	if (r->done)
		printf("\n%zu of %zu applied (run %llu, journal %s).\n", r->done, f->plan.list.n,
		       (unsigned long long)run, f->o->journal);
	if (r->done && f->o->undo_after > 0)
		printf("Undone in %.0f s unless you type: whydrop fix --confirm\n",
		       f->o->undo_after);
	if (r->done)
		puts("Did it help? whydrop fix --verify\nTake it back: whydrop fix --rollback all");
}

static int apply_plan(struct fix *f, struct journal *j)
{
	uint64_t run = begin_run(f, j);
	struct apply_result result;
	int r = journal_commit(j);

	/* The switch stands before the first change: it must not be what was cut off. */
	if (r == 0 && f->o->undo_after > 0)
		r = fix_start_timer(f->o->journal, run);
	if (r < 0) {
		complain("fix: nothing was changed: %s (%s)",
			 f->o->undo_after > 0 ? "the journal or the switch of --for failed"
					      : "the journal cannot be written",
			 errno_name(r));
		return EXIT_USAGE;
	}
	plan_apply(j, run, &f->plan, f->o->keep, &result);
	if (result.err)
		tell_stop(f, &result);
	if (f->o->json)
		fix_show_json(f, &result, run);
	else
		tell_end(f, run, &result);
	return result.err ? FIX_PARTLY : FIX_DONE;
}

int fix_apply(struct fix *f)
{
	struct journal j;
	int status;

	if (!f->o->json)
		fix_show(f);
	if (!f->plan.list.n) {
		if (f->o->json)
			fix_show_json(f, NULL, 0);
		else
			puts("Nothing that can be applied.");
		return FIX_NOTHING;
	}
	if (!is_allowed(f) || (f->o->persist && plan_file(f) < 0))
		return EXIT_USAGE;
	if (!is_agreed(f)) {
		puts("Nothing was changed.");
		return FIX_NOTHING;
	}
	if (!fix_journal(f->o, true, &j))
		return EXIT_USAGE;
	status = apply_plan(f, &j);
	journal_done(&j);
	return status;
}
