// SPDX-License-Identifier: GPL-2.0-or-later
/* The description that a recording carries beside the raw reads, and a run made from one. */
#include <errno.h>
#include <stdio.h>

#include "cli/config.h"
#include "cli/session_parts.h"
#include "collect/rates.h"
#include "model/drops_json.h"
#include "model/tcp_lines_json.h"
#include "render/utf8.h"

#define CPUS_MAX (1 << 20)
#define SECONDS_MAX ((int64_t)1 << 33) /* of uptime, or of the calendar; in ns it has room */

/* A name as JSON can hold it. */
static json_t *name_json(const char *name)
{
	cleanup(buf_done) struct buf clean = {0};

	utf8_clean(&clean, name, strlen(name));
	return json_stringn(clean.data ? clean.data : "", clean.len);
}

static void put_json(struct session *s, const char *name, json_t *tree)
{
	char *dump = json_dumps(tree, JSON_INDENT(1));
	struct buf text = {0};

	buf_puts(&text, dump ? dump : "");
	recording_put(s->recording, name, 0, &text);
	buf_done(&text);
	free(dump);
	json_decref(tree);
}

void session_describe(struct session *s, const struct session_options *options,
		       const struct diagnosis *d)
{
	json_t *meta = recording_meta(s->recording), *namespaces = json_array();
	json_t *tree;

	vec_each(o, &d->observations)
		json_array_append_new(namespaces,
				      json_pack("{s:o, s:I, s:I, s:f}", "name", name_json(o->name), "inode",
						(json_int_t)o->inode, "looks",
						(json_int_t)o->looks.n, "seconds", o->seconds));
	json_object_set_new(meta, "namespaces", namespaces);
	json_object_set_new(meta, "host", name_json(s->host_name));
	json_object_set_new(meta, "kernel", json_string(s->kernel));
	json_object_set_new(meta, "cpus", json_integer(s->report.cpus));
	json_object_set_new(meta, "started_at", json_integer(s->report.started_at.tv_sec));
	json_object_set_new(meta, "started_at_ns", json_integer(s->report.started_at.tv_nsec));
	json_object_set_new(meta, "uptime", json_real(d->uptime_s));
	json_object_set_new(meta, "since_boot", json_boolean(options->since_boot));
	json_object_set_new(meta, "note", json_string(s->note));
	json_object_set_new(meta, "whydrop", json_string(WHYDROP_VERSION));
	tree = config_to_json(&s->config);
	if (tree)
		json_object_set_new(meta, "config", tree);
	put_json(s, "drops.json", drops_to_json(&s->drops));
	put_json(s, "tcp.json", tcp_lines_to_json(&s->tcp));
}

static int bad_recording(struct buf *message, const char *path, const char *what)
{
	buf_printf(message, "recording '%s': %s", path, what);
	return -EBADMSG;
}

static void copy_text(const json_t *meta, const char *key, char *to, size_t size)
{
	const char *text = json_string_value(json_object_get(meta, key));

	snprintf(to, size, "%s", text ? text : "");
}

static int get_json(struct session *s, const char *name, json_t **ret)
{
	struct buf text = {0};
	int r = recording_get(s->recording, name, &text);

	if (r < 0)
		return r;
	*ret = json_loadb(text.data ? text.data : "", text.len, 0, NULL);
	buf_done(&text);
	return *ret ? 0 : -EBADMSG;
}

static int replay_events(struct session *s)
{
	json_t *tree = NULL;
	int r = get_json(s, "drops.json", &tree);

	if (r == 0)
		r = drops_from_json(tree, &s->drops);
	json_decref(tree);
	if (r < 0)
		return r;
	tree = NULL;
	r = get_json(s, "tcp.json", &tree);
	/* Recordings of before TCP's events were kept have none. */
	if (r == -ENODATA) {
		s->tcp.err = r;
		return 0;
	}
	if (r == 0)
		r = tcp_lines_from_json(tree, &s->tcp);
	json_decref(tree);
	return r;
}

/* The namespaces of a recording; their looks are counted in *ret_looks, each the same. */
static int replay_namespaces(struct session *s, const json_t *meta, int *ret_looks)
{
	const json_t *list = json_object_get(meta, "namespaces"), *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		struct netns *ns = vec_push(&s->namespaces.list);
		json_int_t inode = json_integer_value(json_object_get(entry, "inode"));

		ns->fd = -1;
		ns->inode = (uint32_t)inode;
		copy_text(entry, "name", ns->name, sizeof(ns->name));
		*ret_looks = (int)json_integer_value(json_object_get(entry, "looks"));
		if (inode <= 0 || inode > UINT32_MAX || *ret_looks < 0 || *ret_looks > LOOKS_MAX)
			return -EBADMSG;
	}
	return s->namespaces.list.n && s->namespaces.list.n <= NETNS_MAX ? 0 : -EBADMSG;
}

/* A number of the description that no recording of ours has outside 0..max. */
static int meta_number(const json_t *meta, const char *key, double max, double *ret)
{
	const json_t *value = json_object_get(meta, key);
	double number = json_number_value(value);

	if (!json_is_number(value) || !(number >= 0 && number <= max))
		return -EBADMSG;
	*ret = number;
	return 0;
}

static int replay_meta(struct session *s, const json_t *meta)
{
	double cpus, at, at_ns;

	if (meta_number(meta, "cpus", CPUS_MAX, &cpus) < 0 ||
	    meta_number(meta, "started_at", SECONDS_MAX, &at) < 0 ||
	    meta_number(meta, "started_at_ns", NSEC_PER_SEC, &at_ns) < 0)
		return -EBADMSG;
	s->report.cpus = (unsigned int)cpus;
	s->report.started_at = (struct timespec){(time_t)at, (long)at_ns};
	copy_text(meta, "host", s->host_name, sizeof(s->host_name));
	copy_text(meta, "kernel", s->kernel, sizeof(s->kernel));
	copy_text(meta, "note", s->note, sizeof(s->note));
	return config_from_json(json_object_get(meta, "config"), &s->config);
}

static int replay_phases(struct session *s, struct diagnosis *d, int looks, bool since_boot)
{
	int64_t since_ns = 0;
	char phase[32];

	for (int n = since_boot ? looks + 1 : 0; n <= looks + 1; n++) {
		snprintf(phase, sizeof(phase), "look-%d", n);
		if (n == 0 || n == looks + 1)
			snprintf(phase, sizeof(phase), n ? "b" : "a");
		session_take_phase(s, d, phase);
		if (session_replay_stamps(s, d, phase, &since_ns) < 0)
			return -EBADMSG;
	}
	return 0;
}

/* How long each namespace was observed, and what its devices carried meanwhile. */
static int replay_intervals(struct session *s, struct diagnosis *d, const json_t *meta,
			    bool since_boot)
{
	for (size_t i = 0; i < d->observations.n; i++) {
		const json_t *entry = json_array_get(json_object_get(meta, "namespaces"), i);
		struct observation *o = &d->observations.items[i];

		if (meta_number(entry, "seconds", SECONDS_MAX, &o->seconds) < 0)
			return -EBADMSG;
		if (!since_boot)
			rates_collect(&s->hosts[i], NULL, i, o);
		o->since_boot = since_boot;
	}
	/* Recordings of before it was kept have none. */
	return json_object_get(meta, "uptime") ? meta_number(meta, "uptime", SECONDS_MAX, &d->uptime_s)
					       : 0;
}

int session_replay(struct session *s, const struct session_options *options, struct diagnosis *d,
		  struct buf *message)
{
	int r = recording_load(options->from, &s->recording), looks = 0;
	json_t *meta;
	bool since_boot;

	if (r == -ENODATA)
		return bad_recording(message, options->from, "empty or cut short");
	if (r == -EBADMSG)
		return bad_recording(message, options->from, "not a recording of whydrop, or damaged");
	if (r < 0) {
		buf_printf(message, "recording '%s': %s", options->from, strerror(-r));
		return r;
	}
	meta = recording_meta(s->recording);
	since_boot = json_is_true(json_object_get(meta, "since_boot"));
	if (replay_namespaces(s, meta, &looks) < 0 || replay_events(s) < 0 ||
	    replay_meta(s, meta) < 0)
		return bad_recording(message, options->from, "its description is damaged");
	session_add_observations(s, d);
	for (size_t i = 0; i < s->namespaces.list.n; i++)
		s->hosts[i].replay = true;
	if (replay_phases(s, d, looks, since_boot) < 0 ||
	    replay_intervals(s, d, meta, since_boot) < 0)
		return bad_recording(message, options->from, "its description is damaged");
	return 0;
}
