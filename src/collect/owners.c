// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who holds a socket: the links in /proc/PID/fd (fs/proc/fd.c proc_fd_link), "socket:[INODE]". The
 * kernel has no way from a socket to its holders, so all descriptors of all processes are read.
 *
 * Scope: the processes that our /proc shows. Privilege: CAP_SYS_PTRACE for those of others. A
 * descriptor table of a thread of its own (unshare(CLONE_FILES)) is not seen.
 *
 * One walk remembers every socket it meets, INDEX_MAX of them at most, for all network namespaces
 * and for the looks to come; a remembered holder is believed only if its link still says so.
 */
#include "collect/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define INDEX_MAX ((size_t)1 << 18) /* 3 MiB; beyond it only sockets asked for are added */
#define LINKS_MAX ((size_t)16384)   /* some 20 ms; where there are more the kernel is asked */
#define RANKED_MAX 256		    /* holders of one socket that are compared */
/* At an end of the interval a walk this old still counts: another namespace asked for it. */
#define FRESH_NS (NSEC_PER_SEC / 2)
/* A socket without owner does not make every look walk; one that is new makes one walk. */
#define PATIENCE_NS NSEC_PER_SEC
#define UNHELD_MAX 4096

struct holder {
	uint32_t inode;
	int pid, fd;
};

struct holders {
	VEC(struct holder) list; /* sorted by inode, then pid */
	VEC(uint32_t) unheld;	 /* asked for, and no process had them; sorted */
	int64_t walked_ns;	 /* CLOCK_MONOTONIC; 0: never */
	int64_t took_ns;	 /* how long that was */
	bool denied;		 /* some process could not be looked into */
	bool full;		 /* holds no more than was asked for then */
};

static socket_walker *kernel_walker; /* NULL: there is none */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct holders index_of_sockets; /* under the lock */

void owners_use(socket_walker *kernel)
{
	kernel_walker = kernel;
}

static int compare_u32(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool inodes_have(const struct inodes *set, uint32_t inode)
{
	return set->list.n &&
	       bsearch(&inode, set->list.items, set->list.n, sizeof(inode), compare_u32);
}

static int compare_holders(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static bool is_number(const char *name)
{
	return isdigit((unsigned char)name[0]);
}

/* The inode behind a descriptor that is a socket. */
static bool socket_inode(int folder, const char *name, uint32_t *ret)
{
	static const char prefix[] = "socket:[";
	char link[64];
	ssize_t n = readlinkat(folder, name, link, sizeof(link));
	uint64_t inode;

	if (n <= (ssize_t)sizeof(prefix) || n == (ssize_t)sizeof(link) ||
	    memcmp(link, prefix, sizeof(prefix) - 1) != 0 || link[n - 1] != ']' ||
	    parse_u64((struct span){link + sizeof(prefix) - 1, (size_t)n - sizeof(prefix)},
		      UINT32_MAX, &inode) < 0)
		return false;
	*ret = (uint32_t)inode;
	return true;
}

static void add_holder(struct holders *to, const struct inodes *wanted, struct holder holder)
{
	to->full |= to->list.n >= INDEX_MAX;
	if (!to->full || inodes_have(wanted, holder.inode))
		*vec_push(&to->list) = holder;
}

static void walk_process(struct holders *to, const char *pid, const struct inodes *wanted)
{
	char path[300];
	const struct dirent *e;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	folder = opendir(path);
	if (!folder) {
		to->denied |= errno == EACCES || errno == EPERM;
		return;
	}
	while ((e = readdir(folder))) {
		uint64_t p, fd;
		uint32_t inode;

		if (!is_number(e->d_name) || !socket_inode(dirfd(folder), e->d_name, &inode) ||
		    parse_u64(span_of(pid), INT32_MAX, &p) < 0 ||
		    parse_u64(span_of(e->d_name), INT32_MAX, &fd) < 0)
			continue;
		add_holder(to, wanted,
			   (struct holder){.inode = inode, .pid = (int)p, .fd = (int)fd});
	}
	closedir(folder);
}

static void name_of(int pid, char *to, size_t size)
{
	cleanup(buf_done) struct buf text = {0};
	cleanup(cleanup_fd) int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	to[0] = '\0';
	if (fd >= 0 && buf_read_fd(&text, fd, 4096) == 0 && text.len)
		span_copy((struct span){text.data, text.len - (text.data[text.len - 1] == '\n')}, to,
			  size);
}

static void tell_process(struct socket_walk *w, const char *name)
{
	char path[300], comm[16];
	const struct dirent *e;
	bool told = false;
	uint64_t pid, fd;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%s/fd", name);
	folder = opendir(path);
	if (!folder) {
		w->denied += errno == EACCES || errno == EPERM;
		return;
	}
	while ((e = readdir(folder))) {
		uint32_t inode;

		if (!is_number(e->d_name) || !socket_inode(dirfd(folder), e->d_name, &inode) ||
		    parse_u64(span_of(name), INT32_MAX, &pid) < 0 ||
		    parse_u64(span_of(e->d_name), INT32_MAX, &fd) < 0)
			continue;
		if (!told) {
			name_of((int)pid, comm, sizeof(comm));
			w->holder(w, (int)pid, comm);
			told = true;
		}
		w->socket(w, inode, (int)fd);
	}
	closedir(folder);
}

int owners_each(struct socket_walk *w)
{
	DIR *proc = opendir("/proc");
	const struct dirent *e;

	if (!proc)
		return -errno;
	while ((e = readdir(proc)))
		if (is_number(e->d_name))
			tell_process(w, e->d_name);
	closedir(proc);
	return 0;
}

static void forget(struct holders *to)
{
	to->list.n = 0;
	to->denied = to->full = false;
}

/* -E2BIG: there are more than `most`, and it was given up. */
static int walk_links(struct holders *to, const struct inodes *wanted, size_t most)
{
	DIR *proc = opendir("/proc");
	const struct dirent *e;

	if (!proc)
		return -errno;
	forget(to);
	while (to->list.n <= most && (e = readdir(proc)))
		if (is_number(e->d_name))
			walk_process(to, e->d_name, wanted);
	closedir(proc);
	return to->list.n <= most ? 0 : -E2BIG;
}

struct gathering {
	struct socket_walk walk; /* first, so that it is the walk */
	struct holders *to;
	const struct inodes *wanted;
	int pid;
};

static void gather_holder(struct socket_walk *w, int pid, const char *comm)
{
	(void)comm;
	((struct gathering *)w)->pid = pid;
}

static void gather_socket(struct socket_walk *w, uint32_t inode, int fd)
{
	const struct gathering *g = (const struct gathering *)w;

	add_holder(g->to, g->wanted, (struct holder){.inode = inode, .pid = g->pid, .fd = fd});
}

static int walk_by_kernel(struct holders *to, const struct inodes *wanted)
{
	struct gathering g = {.walk = {.holder = gather_holder, .socket = gather_socket},
			      .to = to,
			      .wanted = wanted};

	forget(to);
	return kernel_walker(0, &g.walk);
}

static int walk(struct holders *to, const struct inodes *wanted)
{
	int64_t began = monotonic_ns();
	int r = walk_links(to, wanted, kernel_walker ? LINKS_MAX : SIZE_MAX);

	if (r == -E2BIG && walk_by_kernel(to, wanted) < 0)
		r = walk_links(to, wanted, SIZE_MAX);
	if (r < 0 && r != -E2BIG)
		return r;
	if (to->list.n)
		qsort(to->list.items, to->list.n, sizeof(*to->list.items), compare_holders);
	to->walked_ns = monotonic_ns();
	to->took_ns = to->walked_ns - began;
	return 0;
}

/* The first holder of the inode; NULL if nobody is known. */
static const struct holder *first_holder(const struct holders *in, uint32_t inode)
{
	size_t low = 0, high = in->list.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (in->list.items[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low < in->list.n && in->list.items[low].inode == inode ? &in->list.items[low] : NULL;
}

static size_t holders_of(const struct holders *in, const struct holder *first)
{
	const struct holder *h = first, *end = in->list.items + in->list.n;

	while (h < end && h->inode == first->inode)
		h++;
	return (size_t)(h - first);
}

static bool still_holds(const struct holder *h)
{
	char path[64];
	uint32_t inode;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", h->pid, h->fd);
	return socket_inode(AT_FDCWD, path, &inode) && inode == h->inode;
}

/* Every wanted socket has holders, and they (some of them, where there are many) hold it still. */
static bool is_answered(const struct holders *in, const struct inodes *wanted)
{
	vec_each(inode, &wanted->list) {
		const struct holder *h = first_holder(in, *inode);
		size_t n = h ? MIN(holders_of(in, h), (size_t)OWNERS_PER_SOCKET) : 0;

		if (!h)
			return false;
		for (size_t i = 0; i < n; i++)
			if (!still_holds(&h[i]))
				return false;
	}
	return true;
}

int process_sockets(int pid, struct inodes *ret)
{
	struct holders held = {0};
	struct inodes none = {0};
	char name[16];

	snprintf(name, sizeof(name), "%d", pid);
	walk_process(&held, name, &none);
	vec_each(h, &held.list)
		*vec_push(&ret->list) = h->inode;
	vec_done(&held.list);
	return held.denied ? -EACCES : 0;
}

static int parent_of(int pid)
{
	cleanup(buf_done) struct buf text = {0};
	cleanup(cleanup_fd) int fd = -1;
	struct process_stat stat;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || buf_read_fd(&text, fd, 4096) < 0 ||
	    parse_process_stat((struct span){text.data, text.len}, &stat) < 0)
		return 0;
	return stat.ppid;
}

static bool is_among(int pid, const int *pids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/*
 * The holders of one socket, once each. Process 1 keeps those it activates services with, and a
 * master process those its workers read from: these come last.
 */
static void write_owners(const struct holder *first, size_t n, struct buf *text)
{
	int pids[RANKED_MAX], parents[RANKED_MAX];
	size_t found = 0, written = 0;

	for (size_t i = 0; i < n && found < RANKED_MAX; i++)
		if (!found || pids[found - 1] != first[i].pid)
			pids[found++] = first[i].pid;
	for (size_t i = 0; i < found; i++)
		parents[i] = found > 1 ? parent_of(pids[i]) : 0;
	for (int later = 0; later <= 1; later++)
		for (size_t i = 0; i < found && written < OWNERS_PER_SOCKET; i++) {
			bool behind = pids[i] == 1 || is_among(pids[i], parents, found);

			if (behind != (later == 1))
				continue;
			buf_printf(text, "%u %d\n", first->inode, pids[i]);
			written++;
		}
}

static bool is_unheld(const struct holders *in, uint32_t inode)
{
	return in->unheld.n && bsearch(&inode, in->unheld.items, in->unheld.n,
				       sizeof(inode), compare_u32);
}

/* A socket that was opened since the last walk, most likely. */
static bool any_new(const struct holders *in, const struct inodes *wanted)
{
	vec_each(inode, &wanted->list)
		if (!first_holder(in, *inode) && !is_unheld(in, *inode))
			return true;
	return false;
}

static void note_unheld(struct holders *in, const struct inodes *wanted)
{
	size_t before = in->unheld.n;

	if (before + wanted->list.n > UNHELD_MAX)
		in->unheld.n = before = 0;
	vec_each(inode, &wanted->list)
		if (!first_holder(in, *inode) &&
		    !(before && bsearch(inode, in->unheld.items, before, sizeof(*inode), compare_u32)))
			*vec_push(&in->unheld) = *inode;
	if (in->unheld.n)
		qsort(in->unheld.items, in->unheld.n, sizeof(*in->unheld.items), compare_u32);
}

static bool must_walk(const struct holders *in, const struct inodes *wanted, bool fresh)
{
	int64_t age = monotonic_ns() - in->walked_ns;

	/* A walk too long for its collector's deadline serves the next one that asks. */
	if (!in->walked_ns || (fresh && age > MAX(FRESH_NS, 4 * in->took_ns)))
		return true;
	if (age > 4 * in->took_ns && any_new(in, wanted))
		return true;
	return (age > PATIENCE_NS || (fresh && in->full)) && !is_answered(in, wanted);
}

static int find(struct holders *in, const struct inodes *wanted, bool fresh, struct buf *text)
{
	size_t before = text->len;
	bool walks = must_walk(in, wanted, fresh);
	int r = walks ? walk(in, wanted) : 0;

	if (r < 0)
		return r;
	if (walks)
		note_unheld(in, wanted);
	vec_each(inode, &wanted->list) {
		const struct holder *h = first_holder(in, *inode);

		if (h)
			write_owners(h, holders_of(in, h), text);
	}
	return text->len == before && in->denied ? -EACCES : 0;
}

int owners_find(const struct inodes *wanted, bool fresh, struct buf *text)
{
	int r;

	pthread_mutex_lock(&lock);
	r = find(&index_of_sockets, wanted, fresh, text);
	pthread_mutex_unlock(&lock);
	return r;
}

bool owners_descriptor(uint32_t inode, struct descriptor *ret)
{
	const struct holder *h;

	pthread_mutex_lock(&lock);
	h = first_holder(&index_of_sockets, inode);
	if (h)
		*ret = (struct descriptor){.pid = h->pid, .fd = h->fd};
	pthread_mutex_unlock(&lock);
	return h != NULL;
}
