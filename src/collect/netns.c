// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "collect/netns.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/parse.h"

#define NETNS_FOLDER "/run/netns"
#define MOUNTS_MAX ((size_t)16 << 20)

static uint32_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : (uint32_t)st.st_ino;
}

/* The name of a namespace by inode: "host", its name in /run/netns, or "". */
static void netns_name(uint32_t inode, char *to, size_t size)
{
	const struct dirent *e;
	char path[512];
	DIR *dir;

	to[0] = '\0';
	if (inode_of("/proc/1/ns/net") == inode) {
		snprintf(to, size, "host");
		return;
	}
	dir = opendir(NETNS_FOLDER);
	while (dir && !to[0] && (e = readdir(dir))) {
		snprintf(path, sizeof(path), NETNS_FOLDER "/%s", e->d_name);
		if (e->d_name[0] != '.' && inode_of(path) == inode)
			snprintf(to, size, "%.*s", (int)size - 1, e->d_name);
	}
	if (dir)
		closedir(dir);
}

/* Opening an nsfs file asks for no privilege; entering it does: there and back again. */
static int may_enter(int fd)
{
	cleanup(cleanup_fd) int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0 || setns(fd, CLONE_NEWNET) < 0 || setns(home, CLONE_NEWNET) < 0)
		return -errno;
	return 0;
}

static int open_path(const char *path, const char *name, struct netns *ret)
{
	struct netns ns = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
	struct statfs fs;
	struct stat st;
	bool own;
	int r;

	if (ns.fd < 0)
		return -errno;
	/* A plain file in /run/netns is a leftover: its namespace is gone. */
	if (fstatfs(ns.fd, &fs) < 0 || fs.f_type != NSFS_MAGIC || fstat(ns.fd, &st) < 0) {
		close(ns.fd);
		return -ENOENT;
	}
	ns.inode = (uint32_t)st.st_ino;
	/* setns to where one already is wants CAP_SYS_ADMIN too: our own is never entered. */
	own = ns.inode == inode_of("/proc/self/ns/net");
	r = own ? 0 : may_enter(ns.fd);
	if (own || r < 0) {
		close(ns.fd);
		ns.fd = -1;
	}
	if (r < 0)
		return r;
	if (name && inode_of("/proc/1/ns/net") != ns.inode)
		snprintf(ns.name, sizeof(ns.name), "%s", name);
	else
		netns_name(ns.inode, ns.name, sizeof(ns.name));
	*ret = ns;
	return 0;
}

int netns_open(const char *which, struct netns *ret)
{
	char path[512];
	uint64_t pid;

	if (!which)
		return open_path("/proc/self/ns/net", NULL, ret);
	if (strchr(which, '/') || which[0] == '.' || !which[0])
		return -ENOENT;
	snprintf(path, sizeof(path), NETNS_FOLDER "/%s", which);
	if (access(path, F_OK) == 0)
		return open_path(path, NULL, ret);
	if (strcmp(which, "host") == 0)
		return open_path("/proc/1/ns/net", NULL, ret);
	if (parse_u64(span_of(which), INT32_MAX, &pid) < 0)
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/%llu/ns/net", (unsigned long long)pid);
	return open_path(path, NULL, ret);
}

const char *netns_path_name(const char *path)
{
	size_t n = strlen(NETNS_FOLDER "/");

	if (strcmp(path, "/proc/1/ns/net") == 0)
		return "host";
	return strncmp(path, NETNS_FOLDER "/", n) == 0 ? path + n : NULL;
}

static bool add_once(void *arg, const char *path)
{
	struct netns_list *l = arg;
	uint32_t inode = inode_of(path);
	struct netns ns;

	if (l->list.n >= NETNS_MAX)
		return true;
	vec_each(known, &l->list)
		if (known->inode == inode)
			return false;
	if (inode && open_path(path, netns_path_name(path), &ns) == 0)
		*vec_push(&l->list) = ns;
	return false;
}

/* fs/proc_namespace.c mangle(): blanks, newlines and backslashes stand there as \ooo. */
static void unmangle(struct span from, char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < from.n && n < size - 1; i++) {
		const char *p = from.p + i;

		if (*p == '\\' && from.n - i > 3) {
			to[n++] = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			i += 3;
		} else {
			to[n++] = *p;
		}
	}
	to[n] = '\0';
}

/*
 * Each namespace with links to others looks for them here: of a thousand, all in one second. What
 * has gone since is found gone when it is opened.
 */
static void read_mounts(struct buf *ret)
{
	static struct {
		pthread_mutex_t lock;
		struct buf text;
		int64_t read_ns;
	} last = {.lock = PTHREAD_MUTEX_INITIALIZER};
	int64_t now = monotonic_ns();

	pthread_mutex_lock(&last.lock);
	if (!last.read_ns || now - last.read_ns > NSEC_PER_SEC) {
		cleanup(cleanup_fd) int fd = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);

		buf_clear(&last.text);
		if (fd < 0 || buf_read_fd(&last.text, fd, MOUNTS_MAX) < 0)
			buf_clear(&last.text);
		last.read_ns = now;
	}
	buf_add(ret, last.text.data, last.text.len);
	pthread_mutex_unlock(&last.lock);
}

/*
 * Bind mounts of namespaces, those of container engines included: "... nsfs net:[123] ...". Those
 * of /run/netns are all named by their files.
 */
static bool walk_mounts(bool (*visit)(void *arg, const char *path), void *arg)
{
	cleanup(buf_done) struct buf mounts = {0};
	struct span text, line, device, where;
	char path[512];

	read_mounts(&mounts);
	text = (struct span){mounts.data, mounts.len};
	while (next_line(&text, &line)) {
		if (!next_field(&line, &device) || !span_is(device, "nsfs") ||
		    !next_field(&line, &where))
			continue;
		unmangle(where, path, sizeof(path));
		if (visit(arg, path))
			return true;
	}
	return false;
}

void netns_walk(bool (*visit)(void *arg, const char *path), void *arg)
{
	bool enough = walk_mounts(visit, arg);
	DIR *proc = enough ? NULL : opendir("/proc");
	const struct dirent *e;
	char path[300];

	while (proc && !enough && (e = readdir(proc))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", e->d_name);
		enough = visit(arg, path);
	}
	if (proc)
		closedir(proc);
}

int netns_open_all(struct netns_list *ret)
{
	struct netns_list l = {0};
	struct netns own;
	int r = netns_open(NULL, &own);

	if (r < 0)
		return r;
	*vec_push(&l.list) = own;
	netns_walk(add_once, &l);
	*ret = l;
	return 0;
}

void netns_list_done(struct netns_list *l)
{
	vec_each(ns, &l->list)
		if (ns->fd >= 0)
			close(ns->fd);
	vec_done(&l->list);
}
