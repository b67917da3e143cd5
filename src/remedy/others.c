// SPDX-License-Identifier: GPL-2.0-or-later
/* sysctl.d(5), systemd.link(5), tuned-profiles(7); processes by /proc/PID/comm. */
#define _GNU_SOURCE
#include "remedy/others.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/parse.h"

#define FILE_MAX ((size_t)256 << 10)
#define FILES_MAX 512

/* Dots and slashes are one, and "-" before a key ignores its failure. */
static void plain_key(struct span s, char *to, size_t size)
{
	while (s.n && isspace((unsigned char)s.p[s.n - 1]))
		s.n--;
	while (s.n && (isspace((unsigned char)*s.p) || *s.p == '-')) {
		s.p++;
		s.n--;
	}
	span_copy(s, to, size);
	for (char *p = to; *p; p++)
		if (*p == '/')
			*p = '.';
}

bool others_sysctl_value(const char *text, size_t length, const char *key, char *to, size_t size)
{
	struct span left = {text, length}, line;
	char named[256], wanted[256];
	bool found = false;

	plain_key(span_of(key), wanted, sizeof(wanted));
	while (next_line(&left, &line)) {
		const char *equals = memchr(line.p, '=', line.n);

		if (!equals || *line.p == '#' || *line.p == ';')
			continue;
		plain_key((struct span){line.p, (size_t)(equals - line.p)}, named, sizeof(named));
		if (!*named || fnmatch(named, wanted, 0) != 0)
			continue;
		/* Blanks of a value stay, but not around it. */
		struct span value = {equals + 1, line.n - (size_t)(equals + 1 - line.p)};

		while (value.n && isspace((unsigned char)*value.p))
			value.p++, value.n--;
		while (value.n && isspace((unsigned char)value.p[value.n - 1]))
			value.n--;
		span_copy(value, to, size);
		found = true; /* the last line wins */
	}
	return found;
}

static bool read_below(int folder, const char *name, struct buf *ret)
{
	cleanup(cleanup_fd) int fd =
		openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	buf_clear(ret);
	return fd >= 0 && buf_read_fd(ret, fd, FILE_MAX) == 0 && ret->len;
}

static void say(struct key_list *ret, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct key_list *ret, const char *fmt, ...)
{
	char **place = vec_push(&ret->list);
	va_list args;

	va_start(args, fmt);
	if (vasprintf(place, fmt, args) < 0)
		*place = xstrdup("");
	va_end(args);
}

struct asked {
	const struct change_place *p;
	const char *key;
	struct key_list *ret;
};

static void look_into_sysctl(const struct asked *a, const char *path)
{
	cleanup(buf_done) struct buf text = {0};
	char value[128];

	if (read_below(a->p->root, path, &text) &&
	    others_sysctl_value(text.data, text.len, a->key, value, sizeof(value)))
		say(a->ret, "/%s sets it to %s", path, value);
}

/* Any mention of the key in a file of another form. */
static void look_for_mention(const struct asked *a, const char *path)
{
	cleanup(buf_done) struct buf text = {0};

	if (read_below(a->p->root, path, &text) && strstr(text.data, a->key))
		say(a->ret, "/%s names it", path);
}

/* A .link file sets what its [Link] section names; which device it matches is not looked at. */
static void look_into_link(const struct asked *a, const char *path)
{
	static const struct {
		const char *part, *option;
	} options[] = {{"ring", "BufferSize="}, {"channels", "Channels="}, {"pause", "FlowControl="},
		       {"coalesce", "Coalesce"}, {"mtu", "MTUBytes="}, {"txqueuelen", "TransmitQueueLength="},
		       {"feature", "Offload="}};
	cleanup(buf_done) struct buf text = {0};

	if (!read_below(a->p->root, path, &text))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strstr(a->key, options[i].part) && strstr(text.data, options[i].option))
			say(a->ret, "/%s has %s", path, options[i].option);
}

static void each_file(const struct asked *a, const char *folder, const char *ending,
		      void (*look)(const struct asked *a, const char *path))
{
	int fd = openat(a->p->root, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	unsigned int n = 0;
	char path[512];

	if (!dir)
		return;
	while ((e = readdir(dir)) && n++ < FILES_MAX) {
		size_t length = strlen(e->d_name), end = strlen(ending);

		if (e->d_name[0] == '.' || length < end ||
		    strcmp(e->d_name + length - end, ending) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		look(a, path);
	}
	closedir(dir);
}

/* The profile in use, where tuned keeps profiles: its own and the distribution's. */
static void look_into_tuned(const struct asked *a)
{
	static const char *const folders[] = {"etc/tuned", "etc/tuned/profiles", "usr/lib/tuned",
					      "usr/lib/tuned/profiles"};
	cleanup(buf_done) struct buf profile = {0};
	char path[256];

	if (!read_below(a->p->root, "etc/tuned/active_profile", &profile))
		return;
	profile.data[strcspn(profile.data, " \n")] = '\0';
	if (!*profile.data || strchr(profile.data, '/'))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s/tuned.conf", folders[i], profile.data);
		look_for_mention(a, path);
	}
}

static const struct {
	const char *comm, *kinds, *keys, *says;
} programs[] = {
	{"bpftune", "sysctl", "net.", "bpftune runs, which sets buffers and table sizes by itself"},
	{"irqbalance", "irq", "", "irqbalance runs, which moves interrupts by itself"},
	{"tuned", "sysctl ethtool", "", "tuned runs, which sets its profile again when it starts"},
	{"NetworkManager", "ethtool mtu route qdisc txqueuelen link", "",
	 "NetworkManager runs, which sets a device up again with its connection"},
	{"systemd-network", "ethtool mtu route qdisc txqueuelen link", "",
	 "systemd-networkd runs, which sets a device up again as its files say"},
};

static void look_at_programs(const struct asked *a, const char *kind)
{
	int fd = openat(a->p->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	cleanup(buf_done) struct buf comm = {0};
	bool said[ARRAY_SIZE(programs)] = {0};
	const struct dirent *e;
	char path[64];

	while (dir && (e = readdir(dir))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%.16s/comm", e->d_name);
		if (!read_below(a->p->proc, path, &comm))
			continue;
		comm.data[strcspn(comm.data, "\n")] = '\0';
		for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
			if (!said[i] && strcmp(comm.data, programs[i].comm) == 0 &&
			    strstr(programs[i].kinds, kind) &&
			    strncmp(a->key, programs[i].keys, strlen(programs[i].keys)) == 0) {
				say(a->ret, "%s", programs[i].says);
				said[i] = true;
			}
	}
	if (dir)
		closedir(dir);
}

void others_of(const struct change_place *p, const char *kind, const char *key, bool host,
	       struct key_list *ret)
{
	static const char *const sysctl_d[] = {"usr/lib/sysctl.d", "usr/local/lib/sysctl.d",
					       "run/sysctl.d", "etc/sysctl.d"};
	struct asked a = {p, key, ret};

	/* What is set up at boot is the first namespace. */
	if (!host)
		return;
	if (strcmp(kind, "sysctl") == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(sysctl_d); i++)
			each_file(&a, sysctl_d[i], ".conf", look_into_sysctl);
		look_into_sysctl(&a, "etc/sysctl.conf");
		look_into_tuned(&a);
		each_file(&a, "etc/cloud/cloud.cfg.d", ".cfg", look_for_mention);
	} else {
		each_file(&a, "etc/systemd/network", ".link", look_into_link);
		each_file(&a, "usr/lib/systemd/network", ".link", look_into_link);
	}
	look_at_programs(&a, kind);
}
