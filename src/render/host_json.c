// SPDX-License-Identifier: GPL-2.0-or-later
/* The picture of a host for programs, schema whydrop.host/1. */
#include "render/host.h"
#include "render/json_set.h"

void host_section_json(const struct host_view *v, const char *name, json_t *section)
{
	json_t *list = json_array();

	vec_each(a, &v->facts->absent) {
		json_t *one;

		if (strcmp(a->section, name) != 0)
			continue;
		one = json_object();
		set_text(one, "what", a->what);
		set_text(one, "errno", errno_name(a->err));
		set_text(one, "why", host_why(a->err));
		json_array_append_new(list, one);
	}
	set(section, "not_known", list);
}

json_t *host_head_json(const struct host_view *v)
{
	json_t *j = json_object();

	set_text(j, "schema", "whydrop.host/1");
	set_text(j, "version", v->r->version);
	set(j, "host", render_host_json(v->r));
	set(j, "started_at", render_time_json(&v->r->started_at));
	set(j, "interval_s", v->o && !v->o->since_boot ? real(v->o->seconds, 1e-6) : json_null());
	set(j, "replay", json_boolean(v->r->replay));
	return j;
}

json_t *host_system_json(const struct host_view *v)
{
	const struct host_system *s = &v->facts->system;
	json_t *j = json_object(), *users = json_array();

	set(j, "name", filled_or_null(s->name));
	set(j, "release", filled_or_null(s->release));
	set(j, "version", filled_or_null(s->version));
	set(j, "machine", filled_or_null(s->machine));
	set(j, "distribution", filled_or_null(s->distribution));
	set(j, "guest", s->release[0] ? json_boolean(s->is_guest) : json_null());
	set(j, "hypervisor", filled_or_null(s->hypervisor));
	set(j, "hypervisor_by", filled_or_null(s->hypervisor_by));
	set(j, "container", filled_or_null(s->container));
	set(j, "cloud", filled_or_null(s->cloud));
	set(j, "instance", filled_or_null(s->instance));
	set(j, "uptime_s", s->uptime_known ? real(s->uptime_s, 0.01) : json_null());
	vec_each(u, &s->users) {
		json_t *user = json_object();

		set_text(user, "name", u->name);
		set(user, "line", filled_or_null(u->line));
		set(user, "from", filled_or_null(u->from));
		set(user, "since", u->since ? json_integer(u->since) : json_null());
		json_array_append_new(users, user);
	}
	set(j, "users", s->users_known ? users : json_null());
	if (!s->users_known)
		json_decref(users);
	return j;
}
