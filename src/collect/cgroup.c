// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which control groups a process stands in and what holds it back there: /proc/PID/cgroup, and of
 * those groups cpu.stat (kernel/sched/core.c cpu_cfs_stat_show, cpu_stat_show), the quota, and the
 * freezer's state.
 *
 * Units: us for quota and period, ns for the time throttled (v2 tells us: multiplied). Scope: the
 * groups that our cgroup namespace and mounts show. Privilege: none.
 *
 * cgroup v1 keeps the CPU controller in a hierarchy of its own, v2 in the only one; a host may
 * have both mounted, and then the controller sits in v1 if /proc/PID/cgroup says "cpu" there.
 */
#include "collect/cgroup.h"

#include <errno.h>
#include <stdio.h>

#include "collect/container.h"

static struct span text_of(const struct buf *b)
{
	return (struct span){.p = b->data, .n = b->len};
}

/* A path in /proc/self/mounts has blanks and the like as \040. False if it does not fit. */
static bool unescape(struct span from, char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < from.n; i++) {
		uint64_t code = (unsigned char)from.p[i];

		if (from.p[i] == '\\' && from.n - i > 3) {
			const char *o = from.p + i + 1;

			code = (uint64_t)(o[0] - '0') * 64 + (uint64_t)(o[1] - '0') * 8 +
			       (uint64_t)(o[2] - '0');
			i += 3;
		}
		if (!code || code > 255 || n + 1 >= size)
			return false;
		to[n++] = (char)code;
	}
	to[n] = '\0';
	return n > 0;
}

static bool has_option(struct span options, const char *name)
{
	struct span option;

	while (next_split(&options, ',', &option))
		if (span_is(option, name))
			return true;
	return false;
}

/* The first mount of a hierarchy is it; bind mounts come later. */
static void take_mount(char *to, size_t size, const char *root, struct span where)
{
	char path[128];

	if (to[0] || !unescape(where, path, sizeof(path)))
		return;
	if (snprintf(to, size, "%s%s", root, path) >= (int)size)
		to[0] = '\0';
}

void parse_mounts(struct span text, const char *root, struct cgroup_mounts *ret)
{
	struct span line, device, where, type, options;

	*ret = (struct cgroup_mounts){0};
	while (next_line(&text, &line)) {
		if (!next_field(&line, &device) || !next_field(&line, &where) ||
		    !next_field(&line, &type) || !next_field(&line, &options))
			continue;
		if (span_is(type, "cgroup2"))
			take_mount(ret->unified, sizeof(ret->unified), root, where);
		if (span_is(type, "cgroup") && has_option(options, "cpu"))
			take_mount(ret->cpu, sizeof(ret->cpu), root, where);
		if (span_is(type, "cgroup") && has_option(options, "memory"))
			take_mount(ret->memory, sizeof(ret->memory), root, where);
		if (span_is(type, "cgroup") && has_option(options, "freezer"))
			take_mount(ret->freezer, sizeof(ret->freezer), root, where);
	}
}

static bool ends_in(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.n > n && memcmp(s.p + s.n - n, with, n) == 0;
}

/* The innermost service or scope of the path. */
static void take_unit(struct span path, char *to, size_t size)
{
	struct span part;

	while (next_split(&path, '/', &part))
		if (ends_in(part, ".service") || ends_in(part, ".scope"))
			span_copy(part, to, size);
}

void parse_cgroup(struct span text, struct cgroup_paths *ret)
{
	struct span line, id, controllers;

	*ret = (struct cgroup_paths){0};
	while (next_line(&text, &line)) {
		/* What remains of the line is the path, which may hold colons. */
		if (!next_split(&line, ':', &id) || !next_split(&line, ':', &controllers) ||
		    !line.p)
			continue;
		/* Of all hierarchies: an engine need not use those that are looked into. */
		if (!ret->container.engine[0])
			container_of_path(line, &ret->container);
		if (has_option(controllers, "cpu"))
			span_copy(line, ret->cpu, sizeof(ret->cpu));
		if (has_option(controllers, "memory"))
			span_copy(line, ret->memory, sizeof(ret->memory));
		if (has_option(controllers, "freezer"))
			span_copy(line, ret->freezer, sizeof(ret->freezer));
		if (span_is(id, "0") && controllers.n == 0)
			span_copy(line, ret->unified, sizeof(ret->unified));
		/* systemd keeps its tree in these; other hierarchies may be a container's. */
		if (controllers.n == 0 || span_is(controllers, "name=systemd"))
			take_unit(line, ret->unit, sizeof(ret->unit));
	}
	if (!ret->unit[0])
		take_unit(span_of(ret->cpu), ret->unit, sizeof(ret->unit));
}

bool parse_key(struct span text, const char *key, uint64_t *ret)
{
	struct span line, name, value;

	while (next_line(&text, &line))
		if (next_field(&line, &name) && span_is(name, key) && next_field(&line, &value))
			return parse_u64(value, UINT64_MAX, ret) == 0;
	return false;
}

int parse_cpu_max(struct span text, int64_t *ret_quota, int64_t *ret_period)
{
	struct span line, quota, period;
	uint64_t q = 0, p;

	if (!next_line(&text, &line) || !next_field(&line, &quota) || !next_field(&line, &period) ||
	    (!span_is(quota, "max") && parse_u64(quota, INT64_MAX, &q) < 0) ||
	    parse_u64(period, INT64_MAX, &p) < 0)
		return -EBADMSG;
	*ret_quota = span_is(quota, "max") ? -1 : (int64_t)q;
	*ret_period = (int64_t)p;
	return 0;
}

/* A file of one cgroup. False if it is not there or the path leads nowhere from here. */
bool read_cgroup(struct host *h, const char *mount, const char *path, const char *file,
			struct buf *text)
{
	char name[512];

	buf_clear(text);
	/* "/../x": outside our cgroup namespace. */
	if (!mount[0] || path[0] != '/' || strstr(path, "/.."))
		return false;
	if (snprintf(name, sizeof(name), "%s%s/%s", mount, strcmp(path, "/") == 0 ? "" : path,
		     file) >= (int)sizeof(name))
		return false;
	return host_read_abs(h, name, text) == 0;
}

bool read_cgroup_number(struct host *h, const char *mount, const char *path, const char *file,
			int64_t *ret)
{
	cleanup(buf_done) struct buf text = {0};
	struct span all, line = {0};

	if (!read_cgroup(h, mount, path, file, &text))
		return false;
	all = text_of(&text);
	return next_line(&all, &line) && parse_i64(line, ret) == 0;
}

/* How much CPU time a cgroup may have; false if it has no limit of its own. */
static bool read_limit(struct host *h, const char *mount, bool v2, const char *path,
		       struct cpu_limit *ret)
{
	cleanup(buf_done) struct buf text = {0};
	int64_t quota, period;

	if (v2) {
		if (!read_cgroup(h, mount, path, "cpu.max", &text) ||
		    parse_cpu_max(text_of(&text), &quota, &period) < 0)
			return false;
	} else if (!read_cgroup_number(h, mount, path, "cpu.cfs_quota_us", &quota) ||
		   !read_cgroup_number(h, mount, path, "cpu.cfs_period_us", &period)) {
		return false;
	}
	if (quota < 0)
		return false;
	ret->quota_us = quota;
	ret->period_us = period;
	return true;
}

static bool read_cpu_stat(struct host *h, const char *mount, bool v2, const char *path,
			  struct cpu_limit *ret)
{
	cleanup(buf_done) struct buf text = {0};
	uint64_t throttled;

	if (!read_cgroup(h, mount, path, "cpu.stat", &text))
		return false;
	/* Without the controller (v2, the root) cpu.stat has only the usage. */
	if (!parse_key(text_of(&text), "nr_periods", &ret->nr_periods) ||
	    !parse_key(text_of(&text), "nr_throttled", &ret->nr_throttled) ||
	    !parse_key(text_of(&text), v2 ? "throttled_usec" : "throttled_time", &throttled))
		return false;
	ret->throttled_ns = v2 ? throttled * 1000 : throttled;
	return true;
}

/*
 * A limit anywhere above stops the process as well, and what siblings use counts there too: any
 * of them may be the one that bites.
 */
static void read_throttling(struct host *h, const char *mount, bool v2, struct process *p)
{
	struct cpu_limit first = {.quota_us = -1, .period_us = -1};
	char path[sizeof(p->cgroup)];

	memcpy(path, p->cgroup, sizeof(path));
	while (path[0] == '/' && path[1] && p->limits_n < CPU_LIMITS_MAX) {
		struct cpu_limit limit = {.path_n = strlen(path)};
		char *slash = strrchr(path, '/');

		if (read_limit(h, mount, v2, path, &limit) &&
		    read_cpu_stat(h, mount, v2, path, &limit))
			p->limits[p->limits_n++] = limit;
		slash[slash == path] = '\0';
	}
	/* No limit: its own numbers still say that nothing was throttled. */
	p->cpu_stat_known = p->limits_n || read_cpu_stat(h, mount, v2, p->cgroup, &first);
	if (p->limits_n)
		first = p->limits[0];
	p->nr_periods = first.nr_periods;
	p->nr_throttled = first.nr_throttled;
	p->throttled_ns = first.throttled_ns;
	p->quota_us = first.quota_us;
	p->period_us = first.period_us;
}

static void read_frozen(struct host *h, const struct cgroup_mounts *mounts,
			const struct cgroup_paths *paths, struct process *p)
{
	cleanup(buf_done) struct buf text = {0};
	uint64_t frozen;

	/* The root of either hierarchy has no such file: it cannot be frozen. */
	if (strcmp(paths->freezer, "/") != 0 &&
	    read_cgroup(h, mounts->freezer, paths->freezer, "freezer.state", &text) &&
	    text.len >= 6 && memcmp(text.data, "FROZEN", 6) == 0) {
		p->frozen = true;
		memcpy(p->freezer, paths->freezer, sizeof(p->freezer));
		return;
	}
	p->frozen = strcmp(paths->unified, "/") != 0 &&
		    read_cgroup(h, mounts->unified, paths->unified, "cgroup.events", &text) &&
		    parse_key(text_of(&text), "frozen", &frozen) && frozen;
	if (!p->frozen)
		return;
	p->freezer_v2 = true;
	memcpy(p->freezer, paths->unified, sizeof(p->freezer));
}

/* Many processes of one service stand in one cgroup: it is read once. */
static bool copy_throttling(const struct snapshot *s, struct process *p)
{
	vec_each(known, &s->processes) {
		if (strcmp(known->cgroup, p->cgroup) != 0)
			continue;
		p->cpu_stat_known = known->cpu_stat_known;
		p->nr_periods = known->nr_periods;
		p->nr_throttled = known->nr_throttled;
		p->throttled_ns = known->throttled_ns;
		p->quota_us = known->quota_us;
		p->period_us = known->period_us;
		p->limits_n = known->limits_n;
		memcpy(p->limits, known->limits, sizeof(p->limits));
		return true;
	}
	return false;
}

void read_groups(struct host *h, const struct cgroup_mounts *mounts, const struct snapshot *s,
		 struct span text, struct process *p)
{
	struct cgroup_paths paths;
	bool v2;

	parse_cgroup(text, &paths);
	p->container = paths.container;
	if (p->container.engine[0])
		container_names(h, s, &p->container);
	v2 = !paths.cpu[0];
	memcpy(p->cgroup, v2 ? paths.unified : paths.cpu, sizeof(p->cgroup));
	memcpy(p->unit, paths.unit, sizeof(p->unit));
	if (p->cgroup[0] && !copy_throttling(s, p))
		read_throttling(h, v2 ? mounts->unified : mounts->cpu, v2, p);
	p->cgroup_v2 = v2;
	read_frozen(h, mounts, &paths, p);
	if (!host_is_look(h))
		read_memory_limit(h, mounts, &paths, &p->memory);
}
