// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "cli/session.h"

#include <errno.h>
#include <math.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "collect/collect.h"
#include "drops/drops.h"
#include "model/drops_json.h"

#define LOOK_STEP_MAX_NS (NSEC_PER_SEC / 2)
#define LOOK_STEP_MIN_NS (50 * NSEC_PER_MSEC)
#define LOOKS_PER_INTERVAL 10
#define LOOKS_MAX 7200
#define ALL_SOURCES ((1u << SOURCE_N) - 1)
#define PROGRESS_WIDTH 20

/* --- ctrl-C: the first ends the sampling, the second the program --- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
	if (interrupted)
		_exit(128 + signal_number);
	interrupted = 1;
}

static void catch_interrupts(void)
{
	/* No SA_RESTART: the sleep must end. A second one quits even within a slow system call. */
	struct sigaction action = {.sa_handler = on_interrupt};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* --- what is read where --- */

static uint32_t sources_of_scope(enum scope scope)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < SOURCE_N; i++)
		if (source_rows[i].scope == scope)
			mask |= 1u << i;
	return mask;
}

/* Host-wide sources are read once, with the first namespace, and shared with the others. */
static void take_phase(struct session *s, struct diagnosis *d, const char *phase)
{
	uint32_t own = sources_of_scope(SCOPE_NETNS);

	for (size_t i = 0; i < d->observations.n; i++) {
		struct observation *o = &d->observations.items[i];
		struct snapshot *into = strcmp(phase, "a") == 0	  ? &o->a
					: strcmp(phase, "b") == 0 ? &o->b
								  : vec_push(&o->looks);

		s->hosts[i].phase = phase;
		collect_snapshot(&s->hosts[i], i == 0 ? ALL_SOURCES : own, into);
		for (size_t source = 0; i > 0 && source < SOURCE_N; source++) {
			const struct observation *first = &d->observations.items[0];

			if (strncmp(phase, "look", 4) != 0 && !(own & (1u << source)))
				snapshot_share(into, into == &o->a ? &first->a : &first->b,
					       (enum source)source);
		}
	}
}

/* Keeps, or finds again, when a phase of a namespace was complete. */
static void stamp_phase(struct session *s, struct diagnosis *d, const char *phase, bool replay)
{
	json_t *meta = s->recording ? recording_meta(s->recording) : NULL;
	json_t *times = meta ? json_object_get(meta, "times") : NULL;

	if (!meta)
		return;
	if (!times) {
		times = json_object();
		json_object_set_new(meta, "times", times);
	}
	for (size_t i = 0; i < d->observations.n; i++) {
		struct observation *o = &d->observations.items[i];
		struct snapshot *at = strcmp(phase, "a") == 0 ? &o->a
				      : strcmp(phase, "b") == 0
					      ? &o->b
					      : &o->looks.items[o->looks.n - 1];
		char name[64];

		snprintf(name, sizeof(name), "%u/%s", o->inode, phase);
		if (replay)
			at->taken_ns = json_integer_value(json_object_get(times, name));
		else
			json_object_set_new(times, name, json_integer(at->taken_ns));
	}
}

static void add_observations(struct session *s, struct diagnosis *d)
{
	s->hosts = xcalloc(s->namespaces.list.n, sizeof(*s->hosts));
	for (size_t i = 0; i < s->namespaces.list.n; i++) {
		struct netns *ns = &s->namespaces.list.items[i];
		struct observation *o = vec_push(&d->observations);

		memcpy(o->name, ns->name, sizeof(o->name));
		o->inode = ns->inode;
		s->hosts[i] = (struct host){.ns = ns, .recording = s->recording};
	}
}

/* --- live --- */

static void progress(const struct session_options *options, int64_t done_ns, int64_t all_ns)
{
	int filled = (int)(done_ns * PROGRESS_WIDTH / (all_ns ? all_ns : 1));

	if (!options->progress)
		return;
	fprintf(stderr, "\rsampling %.*s%.*s %.1f of %.1f s, ctrl-C to stop early ",
		MIN(filled, PROGRESS_WIDTH), "####################", PROGRESS_WIDTH - filled,
		"....................", (double)done_ns / NSEC_PER_SEC, (double)all_ns / NSEC_PER_SEC);
	fflush(stderr);
}

static void sleep_until(int64_t when_ns)
{
	struct timespec ts = {when_ns / NSEC_PER_SEC, when_ns % NSEC_PER_SEC};

	while (!interrupted && monotonic_ns() < when_ns)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void look_around(struct session *s, const struct session_options *options,
			struct diagnosis *d, int64_t begin_ns)
{
	int64_t all = (int64_t)(options->seconds * NSEC_PER_SEC), end = begin_ns + all;
	int64_t step = MAX(MIN(all / LOOKS_PER_INTERVAL, LOOK_STEP_MAX_NS), LOOK_STEP_MIN_NS);
	char phase[32];

	step = MAX(step, all / LOOKS_MAX);
	for (int n = 1;; n++) {
		int64_t next = begin_ns + n * step;

		progress(options, MIN(monotonic_ns() - begin_ns, all), all);
		if (next + step / 2 > end)
			break;
		sleep_until(next);
		if (interrupted)
			break;
		snprintf(phase, sizeof(phase), "look-%d", n);
		take_phase(s, d, phase);
		stamp_phase(s, d, phase, false);
	}
	sleep_until(end);
	if (options->progress)
		fprintf(stderr, "\r%*s\r", 78, "");
}

static void tell_ready(int fd)
{
	if (fd >= 0 && write(fd, "r", 1) != 1)
		close(fd);
}

static void sample(struct session *s, const struct session_options *options, struct diagnosis *d)
{
	struct drop_tracer *tracer = NULL;
	int64_t begin;

	s->drops.err = options->since_boot ? -ENODATA : drop_tracer_open(&tracer);
	clock_gettime(CLOCK_REALTIME, &s->report.started_at);
	if (options->since_boot) {
		take_phase(s, d, "b");
		stamp_phase(s, d, "b", false);
		return;
	}
	/* The trace and the counters begin and end in the same order, a moment apart. */
	if (tracer)
		drop_tracer_start(tracer);
	take_phase(s, d, "a");
	stamp_phase(s, d, "a", false);
	tell_ready(options->ready_fd);
	begin = monotonic_ns();
	look_around(s, options, d, begin);
	if (tracer)
		drop_tracer_stop(tracer);
	take_phase(s, d, "b");
	stamp_phase(s, d, "b", false);
	if (tracer) {
		s->drops.err = drop_tracer_read(tracer, &s->drops);
		drop_tracer_close(tracer);
	}
	if (interrupted)
		snprintf(s->note, sizeof(s->note), "stopped early, %.1f s were asked for",
			 options->seconds);
}

static int open_live(struct session *s, const struct session_options *options,
		     struct buf *message)
{
	struct netns ns;
	int r;

	if (options->netns && strcmp(options->netns, "all") == 0) {
		r = netns_open_all(&s->namespaces);
		if (r < 0)
			buf_printf(message, "cannot list network namespaces: %s", strerror(-r));
		return r;
	}
	r = netns_open(options->netns, &ns);
	if (r < 0) {
		if (r == -ENOENT)
			buf_printf(message, "no network namespace or process '%s'", options->netns);
		else
			buf_printf(message, "cannot open network namespace '%s': %s%s",
				   options->netns ? options->netns : "self", strerror(-r),
				   r == -EACCES || r == -EPERM ? " (run as root)" : "");
		return r;
	}
	*vec_push(&s->namespaces.list) = ns;
	return 0;
}

static double uptime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / NSEC_PER_SEC;
}

static void describe_host(struct session *s)
{
	struct utsname u;

	if (uname(&u) == 0) {
		snprintf(s->host_name, sizeof(s->host_name), "%s", u.nodename);
		snprintf(s->kernel, sizeof(s->kernel), "%s", u.release);
	}
	s->report.cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
}

/* --- the description in a recording --- */

static void write_meta(struct session *s, const struct session_options *options,
		       const struct diagnosis *d)
{
	json_t *meta = recording_meta(s->recording), *namespaces = json_array();
	char *drops;
	struct buf text = {0};
	json_t *tree;

	vec_each(o, &d->observations)
		json_array_append_new(namespaces,
				      json_pack("{s:s, s:I, s:I, s:f}", "name", o->name, "inode",
						(json_int_t)o->inode, "looks",
						(json_int_t)o->looks.n, "seconds", o->seconds));
	json_object_set_new(meta, "namespaces", namespaces);
	json_object_set_new(meta, "host", json_string(s->host_name));
	json_object_set_new(meta, "kernel", json_string(s->kernel));
	json_object_set_new(meta, "cpus", json_integer(s->report.cpus));
	json_object_set_new(meta, "started_at", json_integer(s->report.started_at.tv_sec));
	json_object_set_new(meta, "started_at_ns", json_integer(s->report.started_at.tv_nsec));
	json_object_set_new(meta, "since_boot", json_boolean(options->since_boot));
	json_object_set_new(meta, "note", json_string(s->note));
	json_object_set_new(meta, "whydrop", json_string(WHYDROP_VERSION));
	tree = drops_to_json(&s->drops);
	drops = json_dumps(tree, JSON_INDENT(1));
	buf_puts(&text, drops ? drops : "");
	recording_put(s->recording, "drops.json", 0, &text);
	buf_done(&text);
	free(drops);
	json_decref(tree);
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

static int replay_drops(struct session *s)
{
	struct buf text = {0};
	json_t *tree;
	int r = recording_get(s->recording, "drops.json", &text);

	if (r < 0)
		return r;
	tree = json_loadb(text.data ? text.data : "", text.len, 0, NULL);
	buf_done(&text);
	r = tree ? drops_from_json(tree, &s->drops) : -EBADMSG;
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
	return s->namespaces.list.n ? 0 : -EBADMSG;
}

static int replay(struct session *s, const struct session_options *options, struct diagnosis *d,
		  struct buf *message)
{
	int r = recording_load(options->from, &s->recording), looks = 0;
	json_t *meta;
	bool since_boot;
	char phase[32];

	if (r == -ENODATA)
		return bad_recording(message, options->from, "empty or cut short");
	if (r == -EBADMSG)
		return bad_recording(message, options->from, "not a recording of whydrop, or damaged");
	if (r < 0) {
		buf_printf(message, "recording '%s': %s", options->from, strerror(-r));
		return r;
	}
	meta = recording_meta(s->recording);
	if (replay_namespaces(s, meta, &looks) < 0 || replay_drops(s) < 0)
		return bad_recording(message, options->from, "its description is damaged");
	copy_text(meta, "host", s->host_name, sizeof(s->host_name));
	copy_text(meta, "kernel", s->kernel, sizeof(s->kernel));
	copy_text(meta, "note", s->note, sizeof(s->note));
	s->report.cpus = (unsigned int)json_integer_value(json_object_get(meta, "cpus"));
	s->report.started_at.tv_sec = json_integer_value(json_object_get(meta, "started_at"));
	s->report.started_at.tv_nsec = json_integer_value(json_object_get(meta, "started_at_ns"));
	since_boot = json_is_true(json_object_get(meta, "since_boot"));
	add_observations(s, d);
	for (size_t i = 0; i < s->namespaces.list.n; i++)
		s->hosts[i].replay = true;
	for (int n = 0; n <= looks + 1; n++) {
		snprintf(phase, sizeof(phase), "look-%d", n);
		if (n == 0 || n == looks + 1)
			snprintf(phase, sizeof(phase), n ? "b" : "a");
		if (n <= looks && since_boot)
			continue;
		take_phase(s, d, phase);
		stamp_phase(s, d, phase, true);
	}
	for (size_t i = 0; i < d->observations.n; i++) {
		const json_t *entry = json_array_get(json_object_get(meta, "namespaces"), i);

		d->observations.items[i].since_boot = since_boot;
		d->observations.items[i].seconds =
			json_number_value(json_object_get(entry, "seconds"));
	}
	return 0;
}

/* --- for the header line --- */

/* The devices that carry most, loopback left out: "eth0, eth1 and 3 more". */
static void main_devices(struct session *s, const struct diagnosis *d)
{
	const struct snapshot *b = &d->observations.items[0].b;
	const struct link *best = NULL;
	size_t others = 0;

	vec_each(link, &b->links) {
		uint64_t bytes = link->stats[C_LINK_RX_BYTES - LINK_FIRST] +
				 link->stats[C_LINK_TX_BYTES - LINK_FIRST];
		uint64_t most = best ? best->stats[C_LINK_RX_BYTES - LINK_FIRST] +
					       best->stats[C_LINK_TX_BYTES - LINK_FIRST]
				     : 0;

		if ((link->flags & IFF_LOOPBACK) || !(link->flags & IFF_UP))
			continue;
		others++;
		if (!best || bytes > most)
			best = link;
	}
	if (!best)
		return;
	snprintf(s->devices, sizeof(s->devices), "%s%s%s", best->name, best->kind[0] ? " " : "",
		 best->kind);
	if (others > 1) {
		size_t at = strlen(s->devices);

		snprintf(s->devices + at, sizeof(s->devices) - at, " and %zu more", others - 1);
	}
}

static void fill_report(struct session *s, const struct session_options *options,
			const struct diagnosis *d)
{
	struct report *r = &s->report;

	main_devices(s, d);
	r->version = WHYDROP_VERSION;
	r->host_name = s->host_name;
	r->kernel = s->kernel;
	r->devices = s->devices[0] ? s->devices : NULL;
	r->replay = options->from != NULL;
	r->all_netns = options->netns && strcmp(options->netns, "all") == 0;
	r->interval_note = s->note[0] ? s->note : NULL;
}

int session_run(struct session *s, const struct session_options *options, struct diagnosis *d,
		struct buf *message)
{
	int r;

	*s = (struct session){0};
	if (options->from) {
		r = replay(s, options, d, message);
		if (r < 0)
			return r;
	} else {
		r = open_live(s, options, message);
		if (r < 0)
			return r;
		if (options->keep)
			s->recording = recording_new();
		add_observations(s, d);
		describe_host(s);
		catch_interrupts();
		sample(s, options, d);
		vec_each(o, &d->observations) {
			o->since_boot = options->since_boot;
			o->seconds = options->since_boot
					     ? uptime()
					     : (double)(o->b.taken_ns - o->a.taken_ns) / NSEC_PER_SEC;
		}
		if (s->recording)
			write_meta(s, options, d);
	}
	d->drops = &s->drops;
	fill_report(s, options, d);
	return 0;
}

void session_done(struct session *s)
{
	drops_done(&s->drops);
	netns_list_done(&s->namespaces);
	recording_free(s->recording);
	free(s->hosts);
}
