// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "remedy/apply.h"

#include <errno.h>
#include <stdio.h>

#include "base/parse.h"

static void change_done(struct plan_change *c)
{
	free(c->cause);
	free(c->remedy);
	free(c->key);
	free(c->from);
	free(c->to);
}

void plan_done(struct plan *p)
{
	vec_each(c, &p->list)
		change_done(c);
	vec_done(&p->list);
}

static bool is_larger(const char *a, const char *b)
{
	uint64_t x, y;

	return parse_u64(span_of(a), UINT64_MAX, &x) == 0 &&
	       parse_u64(span_of(b), UINT64_MAX, &y) == 0 && x > y;
}

bool plan_add(struct plan *p, const struct plan_change *c)
{
	vec_each(known, &p->list)
		if (known->kind == c->kind && known->place == c->place &&
		    strcmp(known->key, c->key) == 0) {
			if (is_larger(c->to, known->to)) {
				free(known->to);
				known->to = xstrdup(c->to);
			}
			return false;
		}
	*vec_push(&p->list) = (struct plan_change){.cause = xstrdup(c->cause),
						   .remedy = xstrdup(c->remedy),
						   .kind = c->kind,
						   .key = xstrdup(c->key),
						   .from = xstrdup(c->from),
						   .to = xstrdup(c->to),
						   .place = c->place};
	return true;
}

unsigned int plan_needs(const struct plan *p)
{
	unsigned int needs = 0;

	vec_each(c, &p->list)
		needs |= c->kind->needs ? c->kind->needs(c->key) : 0;
	return needs;
}

static int read_value(struct change_place *place, const struct change_kind *kind, const char *key,
		      struct buf *ret)
{
	int r;

	buf_clear(ret);
	r = kind->read(place, key, ret);
	if (r == 0 && !ret->data)
		buf_puts(ret, "");
	return r;
}

static uint64_t announce(struct journal *j, uint64_t run, const struct plan_change *c,
			 const char *key, const char *from, const char *other)
{
	return journal_put(j, "change", "run", journal_digits(run).s, "cause", c->cause, "remedy",
			   c->remedy, "kind", c->kind->name, "key", key, "from", from, "to", c->to,
			   "other", other, "inode", journal_digits(c->place->inode).s, "cookie",
			   journal_digits(c->place->cookie).s, "netns", c->place->name, NULL);
}

/*
 * What the kernel changes along with it, which taking the change back may not bring back: announced
 * before it, so that it is looked at after that. What stands there then is either what the change
 * began with, or where that is its old value what the change made of it (a VLAN's MTU).
 */
static int announce_along(struct journal *j, uint64_t run, const struct plan_change *c)
{
	struct key_list keys = {0};
	struct buf value = {0};
	int r = c->kind->along ? c->kind->along(c->place, c->key, &keys) : 0;

	vec_each(key, &keys.list) {
		if (r < 0)
			break;
		r = read_value(c->place, c->kind, *key, &value);
		if (r == 0)
			announce(j, run, c, *key, value.data,
				 strcmp(value.data, c->from) != 0 ? c->from : c->to);
		if (r == -ENOENT || r == -ENODEV)
			r = 0; /* a device that went meanwhile */
	}
	buf_done(&value);
	key_list_done(&keys);
	return r;
}

/* Refused, and nothing of it stands: else it stays open, for whoever takes it back. */
static void note_refusal(struct journal *j, const struct plan_change *c, uint64_t id, int err)
{
	cleanup(buf_done) struct buf now = {0};

	if (read_value(c->place, c->kind, c->key, &now) == 0 && strcmp(now.data, c->from) == 0)
		journal_put(j, "failed", "change", journal_digits(id).s, "error", errno_name(err), NULL);
}

/* Inside the place. */
static int apply_one(struct journal *j, uint64_t run, const struct plan_change *c,
		     struct apply_result *result)
{
	cleanup(buf_done) struct buf now = {0};
	int r = read_value(c->place, c->kind, c->key, &now);
	uint64_t id;

	if (r < 0)
		return r;
	if (change_same(c->kind, c->key, c->to, now.data))
		return 0; /* another change brought it along, or somebody else was faster */
	if (!change_same(c->kind, c->key, c->from, now.data)) {
		result->changed_since = true;
		snprintf(result->found, sizeof(result->found), "%s", now.data);
		return -ESTALE;
	}
	r = announce_along(j, run, c);
	if (r < 0)
		return r;
	id = announce(j, run, c, c->key, c->from, "");
	r = journal_commit(j);
	if (r < 0) {
		result->journal_failed = true;
		return r;
	}
	r = c->kind->write(c->place, c->key, c->to);
	if (r < 0) {
		note_refusal(j, c, id, r);
		return r;
	}
	r = read_value(c->place, c->kind, c->key, &now);
	if (r < 0)
		return r;
	journal_put(j, "done", "change", journal_digits(id).s, "now", now.data, NULL);
	r = journal_commit(j);
	result->journal_failed = r < 0;
	return r;
}

/* Newest first: a change made along with another is taken back after that one. */
static size_t take_back(struct journal *j, uint64_t run, const struct plan *p)
{
	struct rollback_result result;
	struct entries e;
	size_t undone = 0;

	entries_of(j, &e);
	for (size_t i = e.list.n; i-- > 0;) {
		const struct entry *entry = &e.list.items[i];

		if (entry->run != run || !entry_open(entry))
			continue;
		vec_each(c, &p->list) {
			if (c->place->inode != entry->inode)
				continue;
			rollback_entry(j, entry, c->place, &result);
			undone += result.outcome == ROLLBACK_RESTORED && !*entry->other;
			break;
		}
	}
	entries_done(&e);
	return undone;
}

void plan_apply(struct journal *j, uint64_t run, const struct plan *p, bool keep,
		struct apply_result *ret)
{
	*ret = (struct apply_result){0};
	for (size_t i = 0; i < p->list.n && ret->err == 0; i++) {
		const struct plan_change *c = &p->list.items[i];

		ret->stopped = i;
		ret->err = place_enter(c->place);
		if (ret->err < 0)
			break;
		ret->err = apply_one(j, run, c, ret);
		place_leave(c->place);
		ret->done += ret->err == 0;
	}
	if (ret->err == 0)
		return;
	journal_commit(j);
	if (!keep)
		ret->undone = take_back(j, run, p);
	ret->done -= MIN(ret->undone, ret->done);
}

static bool is_ours(const struct entry *e, const struct change_kind *kind, const char *present)
{
	if (*e->other && strcmp(present, e->other) == 0)
		return true;
	if (e->state == ENTRY_DONE && *e->now && strcmp(present, e->now) == 0)
		return true;
	return change_same(kind, e->key, e->to, present);
}

/* Inside the place. */
static void put_back(const struct entry *e, const struct change_kind *kind,
		     struct change_place *place, struct rollback_result *result)
{
	cleanup(buf_done) struct buf now = {0};
	int r = read_value(place, kind, e->key, &now);

	if (r == 0) {
		snprintf(result->found, sizeof(result->found), "%s", now.data);
		if (strcmp(now.data, e->from) == 0) {
			result->outcome = ROLLBACK_WAS_BACK;
			return;
		}
		if (!is_ours(e, kind, now.data)) {
			result->outcome = ROLLBACK_NOT_OURS;
			return;
		}
		r = kind->write(place, e->key, e->from);
		if (r == 0)
			r = read_value(place, kind, e->key, &now);
		if (r == 0 && strcmp(now.data, e->from) != 0 &&
		    !change_same(kind, e->key, e->from, now.data))
			r = -EIO;
	}
	result->err = r;
	result->outcome = r == 0 ? ROLLBACK_RESTORED
			  : r == -ENODEV || r == -ENOENT || r == -ESRCH ? ROLLBACK_GONE
									: ROLLBACK_FAILED;
}

int rollback_entry(struct journal *j, const struct entry *e, struct change_place *place,
		   struct rollback_result *ret)
{
	const struct change_kind *kind = change_kind_by_name(e->kind);
	struct rollback_result result = {.outcome = ROLLBACK_FAILED};

	result.err = kind ? place_enter(place) : -EOPNOTSUPP;
	if (result.err == 0) {
		put_back(e, kind, place, &result);
		place_leave(place);
	}
	*ret = result;
	if (result.outcome != ROLLBACK_RESTORED && result.outcome != ROLLBACK_WAS_BACK)
		return 0;
	journal_put(j, "undone", "change", journal_digits(e->id).s, NULL);
	return journal_commit(j);
}

int rollback_gone(struct journal *j, const struct entry *e)
{
	journal_put(j, "gone", "change", journal_digits(e->id).s, NULL);
	return journal_commit(j);
}
