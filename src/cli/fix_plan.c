// SPDX-License-Identifier: GPL-2.0-or-later
/* Which remedies of a diagnosis there are, which of them would be applied, and where. */
#include <errno.h>
#include <stdio.h>

#include "cli/cmd.h"
#include "cli/fix.h"

/* A place lasts as long as the run: the plan points to it. */
static struct change_place *new_place(struct fix *f, int ns, const char *name)
{
	struct change_place *place = xcalloc(1, sizeof(*place));
	int r = place_open(ns, place);

	if (r < 0) {
		complain("fix: the namespace '%s' cannot be entered (%s)", name, errno_name(r));
		free(place);
		return NULL;
	}
	snprintf(place->name, sizeof(place->name), "%s", name);
	*vec_push(&f->places) = place;
	return place;
}

struct change_place *fix_place(struct fix *f, const struct observation *o)
{
	struct netns own;

	if (!o) {
		/* Host-wide: as our own namespace has it. */
		vec_each(place, &f->places)
			if ((*place)->ns < 0)
				return *place;
		if (netns_open(NULL, &own) < 0)
			snprintf(own.name, sizeof(own.name), "host");
		return new_place(f, -1, own.name);
	}
	vec_each(place, &f->places)
		if ((*place)->inode == o->inode)
			return *place;
	vec_each(ns, &f->session.namespaces.list)
		if (ns->inode == o->inode)
			return new_place(f, ns->fd, ns->name);
	return NULL;
}

static bool is_possible(const struct remedy *r)
{
	if (!r->applicable || !r->changes.n)
		return false;
	vec_each(c, &r->changes)
		if (!change_kind_by_name(c->kind) || strcmp(c->from, c->to) == 0)
			return false;
	return true;
}

static bool is_cause_of(const struct finding *f, const char *id)
{
	return strcmp(f->cause->id, id) == 0 || (f->via && strcmp(f->via->id, id) == 0);
}

/* Without IDs the first remedy of each finding that can be applied; a cause means that of it. */
static bool is_asked_for(const struct fix *f, const struct offer *offer, bool first)
{
	if (!f->o->ids_n)
		return first;
	for (int i = 0; i < f->o->ids_n; i++)
		if (strcmp(offer->remedy->id, f->o->ids[i]) == 0 ||
		    (first && is_cause_of(offer->finding, f->o->ids[i])))
			return true;
	return false;
}

static bool id_is_known(const struct fix *f, const char *id)
{
	vec_each(finding, &f->d.findings)
		if (is_cause_of(finding, id))
			return true;
	vec_each(offer, &f->offers)
		if (strcmp(offer->remedy->id, id) == 0)
			return true;
	return false;
}

static bool add_to_plan(struct fix *f, const struct finding *finding, const char *remedy,
			const struct change_kind *kind, const char *key, const char *from,
			const char *to)
{
	bool wide = kind->host_wide && kind->host_wide(key);
	struct plan_change c = {.kind = kind};

	c.place = fix_place(f, wide ? NULL : finding->where);
	if (!c.place)
		return false;
	/* Copied by plan_add(). */
	cleanup(cleanup_free) char *cause_ = xstrdup(finding->cause->id), *remedy_ = xstrdup(remedy),
				   *key_ = xstrdup(key), *from_ = xstrdup(from), *to_ = xstrdup(to);

	c.cause = cause_, c.remedy = remedy_, c.key = key_, c.from = from_, c.to = to_;
	plan_add(&f->plan, &c);
	return true;
}

/* --set KEY=VALUE for the cause named: a value of the user's own in place of its remedies. */
static bool plan_set(struct fix *f, const char *setting)
{
	const char *equals = strchr(setting, '=');
	const struct finding *finding = f->o->ids_n ? NULL : f->d.findings.items;
	cleanup(buf_done) struct buf now = {0};
	struct change_place *place;
	char key[256];
	int r;

	vec_each(some, &f->d.findings)
		if (f->o->ids_n && is_cause_of(some, f->o->ids[0])) {
			finding = some;
			break;
		}
	if (!equals || snprintf(key, sizeof(key), "%.*s", (int)(equals - setting), setting) >=
			       (int)sizeof(key)) {
		complain("fix: --set '%s': KEY=VALUE is wanted, as net.core.somaxconn=4096", setting);
		return false;
	}
	if (!finding) {
		complain("fix: --set goes with a cause that is found, and '%s' is none", f->o->ids[0]);
		return false;
	}
	place = fix_place(f, sysctl_kind.host_wide(key) ? NULL : finding->where);
	if (!place)
		return false;
	r = place_enter(place);
	if (r == 0) {
		r = sysctl_kind.read(place, key, &now);
		place_leave(place);
	}
	if (r < 0) {
		complain("fix: --set %s cannot be read (%s)", key, errno_name(r));
		return false;
	}
	return add_to_plan(f, finding, "set", &sysctl_kind, key, now.data, equals + 1);
}

static bool add_offers(struct fix *f)
{
	vec_each(finding, &f->d.findings) {
		bool first = true;

		vec_each(remedy, &finding->remedies) {
			struct offer *offer = vec_push(&f->offers);

			*offer = (struct offer){.finding = finding, .remedy = remedy};
			offer->possible = is_possible(remedy);
			offer->chosen = offer->possible && is_asked_for(f, offer, first);
			first &= !offer->possible;
		}
	}
	for (int i = 0; i < f->o->ids_n; i++) {
		if (id_is_known(f, f->o->ids[i]))
			continue;
		if (cause_by_id(f->o->ids[i]))
			complain("fix: %s was not found in this sample", f->o->ids[i]);
		else
			complain("fix: '%s' is no cause, and no remedy of what was found",
				 f->o->ids[i]);
		return false;
	}
	return true;
}

bool fix_plan(struct fix *f)
{
	if (!add_offers(f))
		return false;
	if (f->o->set.list.n && !f->d.findings.n)
		return true;
	vec_each(setting, &f->o->set.list)
		if (!plan_set(f, *setting))
			return false;
	vec_each(offer, &f->offers) {
		if (f->o->set.list.n)
			offer->chosen = false;
		if (!offer->chosen)
			continue;
		vec_each(c, &offer->remedy->changes)
			if (!add_to_plan(f, offer->finding, offer->remedy->id,
					 change_kind_by_name(c->kind), c->key, c->from, c->to))
				return false;
	}
	f->asked = f->plan.list.n;
	return true;
}
