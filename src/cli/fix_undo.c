// SPDX-License-Identifier: GPL-2.0-or-later
/* What needs the journal and no sample: rollback, list, confirm, and the end of --for. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"
#include "cli/cmd.h"
#include "cli/fix.h"

static const char *open_error(int r)
{
	switch (r) {
	case -EWOULDBLOCK:
		return "another `whydrop fix` is at work";
	case -EBADMSG:
		return "this is no journal of whydrop";
	case -EPERM:
		return "it is another user's, or others may write it";
	case -EFBIG:
		return "it is larger than 16 MiB";
	}
	return errno_name(r);
}

static void tell_damage(const char *path, const struct journal_damage *d)
{
	unsigned long long line = d->line;

	if (d->kind == JOURNAL_CUT)
		complain("fix: %s:%llu: the last record is cut short; what it announced was not begun",
			 path, line);
	else if (d->kind == JOURNAL_BROKEN)
		complain("fix: %s:%llu: this record is damaged or was edited, and is left out", path,
			 line);
	else
		complain("fix: %s:%llu: the records %llu to %llu before it are missing", path, line,
			 (unsigned long long)d->first, (unsigned long long)d->last);
}

bool fix_journal(const struct fix_options *o, bool write, struct journal *ret)
{
	int r = journal_open(o->journal, write, ret);

	if (r < 0) {
		complain("fix: journal %s: %s", o->journal, open_error(r));
		return false;
	}
	vec_each(d, &ret->damage)
		tell_damage(o->journal, d);
	return true;
}

bool fix_means(const struct entry *e, const char *id)
{
	return strcmp(id, "all") == 0 || strcmp(id, journal_digits(e->id).s) == 0 ||
	       strcmp(id, e->cause) == 0 || strcmp(id, e->remedy) == 0;
}

const char *fix_place_text(const char *netns, char *to, size_t size)
{
	if (!*netns || strcmp(netns, "host") == 0)
		snprintf(to, size, "%s", *netns ? "this host" : "a namespace without a name");
	else
		snprintf(to, size, "namespace %s", netns);
	return to;
}

/* --- where a change was made --- */

static bool is_place_of(const struct entry *e, const struct change_place *p)
{
	char boot[64];

	/* The record of its run is damaged: the cookie alone proves it, or that there is one such place. */
	if (!*e->boot && e->cookie && p->inode == e->inode && p->cookie == e->cookie)
		return true;
	/* After a boot namespaces have other numbers; only the first one is made again by itself. */
	if (strcmp(e->boot, boot_id(boot, sizeof(boot))) != 0)
		return strcmp(e->netns, "host") == 0 && strcmp(p->name, "host") == 0;
	return p->inode == e->inode && (!e->cookie || !p->cookie || p->cookie == e->cookie);
}

static bool try_place(const struct entry *e, const struct netns *ns, struct change_place *ret)
{
	if (place_open(ns->fd, ret) < 0)
		return false;
	snprintf(ret->name, sizeof(ret->name), "%s", ns->name);
	if (is_place_of(e, ret))
		return true;
	place_done(ret);
	return false;
}

/*
 * *ret_spaces holds what the place stands on. -ENOENT: there is no such namespace any more; other
 * errors: it could not be looked for everywhere.
 */
static int find_place(const struct entry *e, struct netns_list *ret_spaces,
		       struct change_place *ret)
{
	struct netns ns;
	int own = netns_open(NULL, &ns), r;

	if (own == 0) {
		*vec_push(&ret_spaces->list) = ns;
		if (try_place(e, &ns, ret))
			return 0;
	}
	if (*e->netns && netns_open(e->netns, &ns) == 0) {
		*vec_push(&ret_spaces->list) = ns;
		if (try_place(e, &ns, ret))
			return 0;
	}
	netns_list_done(ret_spaces);
	r = netns_open_all(ret_spaces);
	if (r < 0)
		return r;
	vec_each(some, &ret_spaces->list)
		if (some->inode == e->inode && try_place(e, some, ret))
			return 0;
	return own < 0 ? own : -ENOENT;
}

/* --- rollback --- */

static void tell_rollback(const struct entry *e, const struct rollback_result *r)
{
	const struct change_kind *kind = change_kind_by_name(e->kind);
	const char *why = kind && kind->refusal ? kind->refusal(e->key, r->err) : NULL;

	printf("%4llu  %s: ", (unsigned long long)e->id, e->key);
	switch (r->outcome) {
	case ROLLBACK_RESTORED:
		printf("%s again\n", *e->from ? e->from : "removed");
		break;
	case ROLLBACK_WAS_BACK:
		printf("%s already\n", *e->from ? e->from : "removed");
		break;
	case ROLLBACK_NOT_OURS:
		printf("left alone: it is %s, and not the %s set by this change\n", r->found, e->to);
		break;
	case ROLLBACK_GONE:
		puts("it is gone, with its device or namespace");
		break;
	case ROLLBACK_FAILED:
		printf("not brought back to %s: %s%s%s%s\n", e->from, errno_name(r->err),
		       why ? " (" : "", why ? why : "", why ? ")" : "");
		break;
	}
}

/* True: the old value stands there, or nothing is left of it. */
static bool undo_one(struct journal *j, const struct entry *e, bool quiet)
{
	struct netns_list spaces = {0};
	struct rollback_result result = {.outcome = ROLLBACK_GONE};
	struct change_place place;
	bool whole;
	int r;

	r = find_place(e, &spaces, &place);
	if (r == 0) {
		r = rollback_entry(j, e, &place, &result);
		place_done(&place);
	} else if (r == -ENOENT) {
		r = rollback_gone(j, e);
	} else {
		result = (struct rollback_result){.outcome = ROLLBACK_FAILED, .err = r};
	}
	netns_list_done(&spaces);
	if (!quiet)
		tell_rollback(e, &result);
	whole = result.outcome != ROLLBACK_NOT_OURS && result.outcome != ROLLBACK_FAILED;
	if (r < 0)
		complain("fix: the journal cannot be written (%s)", errno_name(r));
	return whole && r == 0;
}

static bool is_meant(const struct fix_options *o, const struct entry *e)
{
	for (int i = 0; i < o->ids_n; i++)
		if (fix_means(e, o->ids[i]))
			return true;
	return false;
}

/* What was changed along with a change is taken back with it: it stands right before it. */
static void undo_all(struct journal *j, const struct fix_options *o, uint64_t run, size_t *ret_left,
		     size_t *ret_n)
{
	struct entries e;
	bool with_last = false;

	entries_of(j, &e);
	for (size_t i = e.list.n; i-- > 0;) {
		const struct entry *entry = &e.list.items[i];

		with_last = *entry->other ? with_last
					  : run ? entry->run == run : is_meant(o, entry);
		if (!with_last || !entry_open(entry))
			continue;
		*ret_left += !undo_one(j, entry, run != 0);
		++*ret_n;
	}
	entries_done(&e);
}

int fix_rollback(const struct fix_options *o)
{
	size_t left = 0, n = 0;
	struct journal j;

	if (!fix_journal(o, true, &j))
		return EXIT_USAGE;
	undo_all(&j, o, 0, &left, &n);
	if (!n)
		puts("Nothing of that stands.");
	journal_done(&j);
	return left ? FIX_PARTLY : FIX_DONE;
}

/* --- list and confirm --- */

static void list_one(const struct entry *e)
{
	static const char *const states[] = {
		[ENTRY_MEANT] = "begun, its end is unknown", [ENTRY_DONE] = "applied",
		[ENTRY_FAILED] = "refused",		     [ENTRY_UNDONE] = "taken back",
		[ENTRY_GONE] = "gone with its namespace",
	};
	const struct change_kind *kind = change_kind_by_name(e->kind);
	struct netns_list spaces = {0};
	struct buf now = {0};
	struct change_place place;
	char where[96], when[32];
	time_t time = e->time;

	strftime(when, sizeof(when), "%F %R", localtime(&time));
	printf("%4llu  %s  %s %s -> %s  %s\n", (unsigned long long)e->id, when, e->key,
	       *e->from ? e->from : "none", strcmp(e->kind, "file") ? e->to : "a file",
	       states[e->state]);
	printf("      for %s (%s), %s", e->cause, e->remedy,
	       fix_place_text(e->netns, where, sizeof(where)));
	if (entry_open(e) && kind && find_place(e, &spaces, &place) == 0) {
		if (place_enter(&place) == 0) {
			if (kind->read(&place, e->key, &now) == 0 && now.data &&
			    strcmp(now.data, e->to) != 0 && strcmp(now.data, e->now) != 0)
				printf("; now it is %s", now.data);
			place_leave(&place);
		}
		place_done(&place);
	}
	putchar('\n');
	buf_done(&now);
	netns_list_done(&spaces);
}

int fix_list(const struct fix_options *o)
{
	struct entries e;
	struct journal j;

	if (!fix_journal(o, false, &j))
		return EXIT_USAGE;
	entries_of(&j, &e);
	vec_each(entry, &e.list)
		if (!o->ids_n || is_meant(o, entry))
			list_one(entry);
	if (!e.list.n)
		puts("Nothing was changed by whydrop.");
	vec_each(run, &e.runs)
		if (run->until && !run->confirmed && (int64_t)run->until > time(NULL))
			printf("Run %llu is undone in %lld s unless confirmed: whydrop fix --confirm\n",
			       (unsigned long long)run->id, (long long)run->until - time(NULL));
	entries_done(&e);
	journal_done(&j);
	return FIX_DONE;
}

int fix_confirm(const struct fix_options *o)
{
	size_t n = 0;
	struct entries e;
	struct journal j;
	int r;

	if (!fix_journal(o, true, &j))
		return EXIT_USAGE;
	entries_of(&j, &e);
	vec_each(run, &e.runs) {
		if (!run->until || run->confirmed || (int64_t)run->until <= time(NULL))
			continue;
		journal_put(&j, "confirm", "run", journal_digits(run->id).s, NULL);
		n++;
	}
	r = journal_commit(&j);
	if (r < 0)
		complain("fix: the journal cannot be written (%s)", errno_name(r));
	else if (n)
		printf("Confirmed: it stays.\n");
	else
		puts("Nothing waits to be confirmed.");
	entries_done(&e);
	journal_done(&j);
	return r < 0 ? EXIT_USAGE : n ? FIX_DONE : FIX_NOTHING;
}

/* --- the end of --for --- */

/* The time of day, as the journal has it: a host that slept undoes it when it wakes. */
static void sleep_until(uint64_t when)
{
	struct timespec at = {.tv_sec = (time_t)when};

	while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

/* Confirmed, or no run of this journal. */
static bool is_settled(const struct journal *j, const struct fix_options *o, uint64_t *ret_until)
{
	const struct run *run;
	struct entries e;
	bool settled;

	entries_of(j, &e);
	run = run_by_id(&e, o->expire_run);
	settled = !run || run->confirmed || !run->until;
	if (!settled)
		*ret_until = run->until;
	entries_done(&e);
	return settled;
}

int fix_expire(const struct fix_options *o)
{
	size_t left = 0, n = 0;
	uint64_t until = 0;
	struct journal j;
	bool settled;
	int r;

	if (journal_open(o->journal, false, &j) < 0)
		return FIX_PARTLY;
	settled = is_settled(&j, o, &until);
	journal_done(&j);
	if (settled)
		return FIX_DONE;
	sleep_until(until);
	/* Another one may be at work, for as long as it takes to write. */
	while ((r = journal_open(o->journal, true, &j)) == -EWOULDBLOCK)
		usleep(100000);
	/* On a disk that takes no more the change is undone all the same, and not noted. */
	if (r < 0 && journal_open(o->journal, false, &j) < 0)
		return FIX_PARTLY;
	if (!is_settled(&j, o, &until))
		undo_all(&j, o, o->expire_run, &left, &n);
	journal_done(&j);
	return left ? FIX_PARTLY : FIX_DONE;
}
