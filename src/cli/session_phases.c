// SPDX-License-Identifier: GPL-2.0-or-later
/* What is read at each phase of a run, live or replayed, and when each was complete. */
#include <errno.h>
#include <stdio.h>

#include "cli/session_parts.h"

static uint64_t sources_of_scope(enum scope scope)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < SOURCE_N; i++)
		if (source_rows[i].scope == scope)
			mask |= SOURCE_BIT(i);
	return mask;
}

static bool is_look(const char *phase)
{
	return strncmp(phase, "look", 4) == 0;
}

/* The snapshot of a phase that was begun; of the looks it is the last. */
static struct snapshot *snapshot_of(struct observation *o, const char *phase)
{
	if (is_look(phase))
		return &o->looks.items[o->looks.n - 1];
	return strcmp(phase, "a") == 0 ? &o->a : &o->b;
}

static void share(struct snapshot *into, const struct snapshot *first)
{
	uint64_t own = sources_of_scope(SCOPE_NETNS);

	for (size_t source = 0; source < SOURCE_N; source++)
		if (!(own & SOURCE_BIT(source)))
			snapshot_share(into, first, (enum source)source);
	if (source_ok(into, SRC_SYSCTL))
		snapshot_share_settings(into, first);
}

/* Whose connections were reset by this host itself, as far as a port tells. */
static void ask_for_listeners(const struct session *s, uint32_t netns, struct host *h)
{
	h->listeners_asked_n = 0;
	vec_each(l, &s->tcp.lines) {
		bool asked = !l->local_port || l->netns != netns || l->kind != TCP_RESET_SENT ||
			     !l->state || l->state == STATE_LISTEN;

		for (unsigned int i = 0; i < h->listeners_asked_n; i++)
			asked |= h->listeners_asked[i] == l->local_port;
		if (!asked && h->listeners_asked_n < LISTENERS_ASKED_MAX)
			h->listeners_asked[h->listeners_asked_n++] = l->local_port;
	}
}

/* Host-wide sources are read once, with the first namespace, and shared with the others. */
void session_take_phase(struct session *s, struct diagnosis *d, const char *phase)
{
	uint64_t own = sources_of_scope(SCOPE_NETNS);

	for (size_t i = 0; i < d->observations.n; i++) {
		struct observation *o = &d->observations.items[i];
		struct snapshot *into = is_look(phase) ? vec_push(&o->looks) : snapshot_of(o, phase);

		snprintf(s->hosts[i].phase, sizeof(s->hosts[i].phase), "%s", phase);
		if (strcmp(phase, "b") == 0)
			ask_for_listeners(s, o->inode, &s->hosts[i]);
		/* Before the first look is the birth of the namespace, when there was no segment. */
		s->hosts[i].tcp_idle = source_ok(&o->a, SRC_SOCKETS)
					       ? tcp_idle_of(&o->a)
					       : (struct tcp_idle){.known = true};
		collect_snapshot(&s->hosts[i], i == 0 ? s->sources : s->sources & own, into);
		if (i > 0)
			share(into, snapshot_of(&d->observations.items[0], phase));
	}
}

/* When a phase of a namespace was complete is kept in a recording under this name. */
static const char *stamp_name(const struct observation *o, const char *phase, char *to, size_t size)
{
	snprintf(to, size, "%u/%s", o->inode, phase);
	return to;
}

void session_stamp_phase(struct session *s, struct diagnosis *d, const char *phase)
{
	json_t *meta = s->recording ? recording_meta(s->recording) : NULL;
	json_t *times = meta ? json_object_get(meta, "times") : NULL;
	char name[64];

	if (!meta)
		return;
	if (!times) {
		times = json_object();
		json_object_set_new(meta, "times", times);
	}
	vec_each(o, &d->observations)
		json_object_set_new(times, stamp_name(o, phase, name, sizeof(name)),
				    json_integer(snapshot_of(o, phase)->taken_ns));
}

int session_replay_stamps(struct session *s, struct diagnosis *d, const char *phase,
			  int64_t *since_ns)
{
	const json_t *times = json_object_get(recording_meta(s->recording), "times");
	int64_t last = *since_ns;
	char name[64];

	vec_each(o, &d->observations) {
		const json_t *at = json_object_get(times, stamp_name(o, phase, name, sizeof(name)));
		int64_t taken = json_integer_value(at);

		if (!json_is_integer(at) || taken < *since_ns || taken > STAMP_MAX)
			return -EBADMSG;
		snapshot_of(o, phase)->taken_ns = taken;
		last = MAX(last, taken);
	}
	*since_ns = last;
	return 0;
}

void session_add_observations(struct session *s, struct diagnosis *d)
{
	s->hosts = xcalloc(s->namespaces.list.n, sizeof(*s->hosts));
	for (size_t i = 0; i < s->namespaces.list.n; i++) {
		struct netns *ns = &s->namespaces.list.items[i];
		struct observation *o = vec_push(&d->observations);

		memcpy(o->name, ns->name, sizeof(o->name));
		o->inode = ns->inode;
		s->hosts[i] = (struct host){
			.ns = ns, .recording = s->recording, .wide_known = i > 0};
	}
}
