// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * File systems: /proc/self/mountinfo (fs/proc_namespace.c show_mountinfo, proc(5)) and statvfs(3) of
 * each, once for a device however often it is mounted, by the shortest of its names. Those without
 * blocks (proc, cgroup ...) hold nothing, and an automounter's point would be mounted by being looked at.
 *
 * Scope: the mount namespace of the caller. No privilege. statvfs() of a network file system whose
 * server is gone does not come back: each is asked in a thread of its own, given up after a second,
 * and after three of them no more are asked.
 *
 * A recording keeps lines: fs TYPE BYTES FREE AVAILABLE FILES FILES_FREE READ_ONLY ERROR SOURCE MOUNT,
 * names escaped as the kernel has them, ERROR "-" or the name of an errno.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

#include "collect/host_facts.h"

#define MOUNTS_MAX 1024
#define MOUNTINFO_MAX ((size_t)16 << 20)
#define PATIENCE_NS NSEC_PER_SEC
#define HANGING_MAX 3
#define STACK ((size_t)64 << 10)

/* ---- one question, that may hang ---- */

struct question {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char path[257];
	struct statvfs answer;
	int err;
	bool done, abandoned;
};

static void question_free(struct question *q)
{
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->changed);
	free(q);
}

static void *ask(void *arg)
{
	struct question *q = arg;
	struct statvfs answer = {0};
	int err = statvfs(q->path, &answer) < 0 ? -errno : 0;
	bool abandoned;

	pthread_mutex_lock(&q->lock);
	q->answer = answer;
	q->err = err;
	q->done = true;
	abandoned = q->abandoned;
	pthread_cond_signal(&q->changed);
	pthread_mutex_unlock(&q->lock);
	if (abandoned)
		question_free(q);
	return NULL;
}

static int start(struct question *q)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attr, ask, q);
	pthread_attr_destroy(&attr);
	return -r;
}

static int statvfs_patiently(const char *path, struct statvfs *ret)
{
	struct question *q = xcalloc(1, sizeof(*q));
	int64_t until = monotonic_ns() + PATIENCE_NS;
	struct timespec ts = {until / NSEC_PER_SEC, until % NSEC_PER_SEC};
	pthread_condattr_t monotonic;
	bool done;
	int r;

	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&q->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	snprintf(q->path, sizeof(q->path), "%s", path);
	r = start(q);
	if (r < 0) {
		question_free(q);
		return r;
	}
	pthread_mutex_lock(&q->lock);
	while (!q->done && r == 0)
		r = -pthread_cond_timedwait(&q->changed, &q->lock, &ts);
	done = q->done;
	q->abandoned = !done;
	if (done) {
		*ret = q->answer;
		r = q->err;
	}
	pthread_mutex_unlock(&q->lock);
	if (done)
		question_free(q);
	return r;
}

/* ---- live ---- */

struct mount {
	struct span device, point, type, source;
	bool hidden; /* something is mounted over it */
};

struct mounts {
	VEC(struct mount) list;
};

static bool holds_nothing(struct span type)
{
	static const char *const types[] = {
		"proc",	      "sysfs",	     "cgroup",	 "cgroup2",    "devpts",	"mqueue",
		"debugfs",    "tracefs",     "bpf",	 "securityfs", "pstore",	"configfs",
		"fusectl",    "binfmt_misc", "autofs",	 "nsfs",       "efivarfs",	"hugetlbfs",
		"rpc_pipefs", "nfsd",	     "selinuxfs"};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (span_is(type, types[i]))
			return true;
	return false;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw" */
static bool take_mountinfo(struct span line, struct mount *m)
{
	struct span word;

	for (unsigned int i = 0; i < 5; i++) {
		if (!next_field(&line, &word))
			return false;
		if (i == 2)
			m->device = word;
		m->point = word;
	}
	while (next_field(&line, &word))
		if (span_is(word, "-"))
			return next_field(&line, &m->type) && next_field(&line, &m->source);
	return false;
}

static bool same(struct span a, struct span b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static void add_mount(struct mounts *all, const struct mount *m)
{
	vec_each(other, &all->list)
		if (same(other->point, m->point))
			other->hidden = true;
	if (holds_nothing(m->type) || m->point.n >= sizeof(((struct question *)0)->path))
		return;
	vec_each(other, &all->list)
		if (!other->hidden && same(other->device, m->device)) {
			if (m->point.n < other->point.n)
				*other = *m;
			return;
		}
	if (all->list.n < MOUNTS_MAX)
		*vec_push(&all->list) = *m;
}

static void put_mount(const struct mount *m, unsigned int *hanging, struct buf *to)
{
	char escaped[257], path[257];
	struct statvfs v = {0};
	uint64_t unit;
	int r = -ECANCELED; /* not asked: too many do not answer */

	span_copy(m->point, escaped, sizeof(escaped));
	host_mount_text(escaped, path, sizeof(path));
	if (*hanging < HANGING_MAX)
		r = statvfs_patiently(path, &v);
	*hanging += r == -ETIMEDOUT;
	if (r == 0 && !v.f_blocks)
		return;
	unit = v.f_frsize ? v.f_frsize : v.f_bsize;
	buf_printf(to, "fs %.*s %llu %llu %llu %llu %llu %d %s %.*s %s\n", (int)m->type.n, m->type.p,
		   (unsigned long long)(v.f_blocks * unit), (unsigned long long)(v.f_bfree * unit),
		   (unsigned long long)(v.f_bavail * unit), (unsigned long long)v.f_files,
		   (unsigned long long)v.f_ffree, !!(v.f_flag & ST_RDONLY), r ? errno_name(r) : "-",
		   (int)m->source.n, m->source.p, escaped);
}

static int read_mounts(struct buf *to)
{
	cleanup(cleanup_fd) int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	cleanup(buf_done) struct buf info = {0};
	struct mounts all = {0};
	unsigned int hanging = 0;
	struct span text, line;
	int r = fd < 0 ? -errno : buf_read_fd(&info, fd, MOUNTINFO_MAX);

	if (r < 0)
		return r;
	text = (struct span){info.data, info.len};
	while (next_line(&text, &line)) {
		struct mount m = {0};

		if (take_mountinfo(line, &m))
			add_mount(&all, &m);
	}
	vec_each(m, &all.list)
		if (!m->hidden)
			put_mount(m, &hanging, to);
	vec_done(&all.list);
	return 0;
}

/* ---- what was read ---- */

static bool take_filesystem(struct span line, struct host_disks *d)
{
	struct host_filesystem *f = vec_push(&d->filesystems);
	uint64_t *const to[] = {&f->bytes, &f->free, &f->available, &f->files, &f->files_free};
	struct span type, word, source, mount;
	char name[16];
	uint64_t n;

	if (d->filesystems.n > MOUNTS_MAX || !next_field(&line, &type))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(to); i++)
		if (!next_field(&line, &word) || parse_u64(word, UINT64_MAX, to[i]) < 0)
			return false;
	if (!next_field(&line, &word) || parse_u64(word, 1, &n) < 0)
		return false;
	f->read_only = n;
	if (!next_field(&line, &word) || !next_field(&line, &source) || !next_field(&line, &mount))
		return false;
	span_copy(word, name, sizeof(name));
	f->err = span_is(word, "-") ? 0 : -errno_from_name(name);
	span_copy(type, f->type, sizeof(f->type));
	span_copy(source, f->source, sizeof(f->source));
	span_copy(mount, f->mount, sizeof(f->mount));
	return span_is(word, "-") || f->err;
}

int parse_host_mounts(struct span text, struct host_disks *ret)
{
	struct span line, rest;

	while (next_line(&text, &line))
		if (!host_facts_line(line, "fs", &rest) || !take_filesystem(rest, ret))
			return -EBADMSG;
	return 0;
}

void collect_host_mounts(struct host *h, struct host_facts *f)
{
	cleanup(buf_done) struct buf text = {0};
	int r = host_facts_made(h, "host-mounts", read_mounts, &text);

	if (r == 0)
		r = parse_host_mounts((struct span){text.data, text.len}, &f->disks);
	if (r < 0)
		host_absent(f, "filesystems", "/proc/self/mountinfo", r);
}
