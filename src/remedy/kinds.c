// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "remedy/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nl/nl.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* since 5.14 */
#endif

const struct change_kind *const change_kinds[] = {
	&sysctl_kind,
	&file_kind,
	&link_kind,
	&ethtool_kind,
	&qdisc_kind,
	&queue_kind,
	&irq_kind,
	&nft_kind,
	&iptables_kind,
	&route_kind,
	&socket_kind,
};
const size_t change_kinds_n = ARRAY_SIZE(change_kinds);

const struct change_kind *change_kind_by_name(const char *name)
{
	for (size_t i = 0; i < change_kinds_n; i++)
		if (strcmp(change_kinds[i]->name, name) == 0)
			return change_kinds[i];
	return NULL;
}

bool change_same(const struct change_kind *kind, const char *key, const char *wanted,
		 const char *present)
{
	return kind->same ? kind->same(key, wanted, present) : strcmp(wanted, present) == 0;
}

void key_list_done(struct key_list *l)
{
	vec_each(key, &l->list)
		free(*key);
	vec_done(&l->list);
}

/*
 * A sysfs shows the devices of the namespace in which it was mounted: a mount of our own, that no
 * folder leads to. Whoever may not mount has the one at /sys, which is right for our own namespace.
 */
static int open_sys(bool own)
{
	cleanup(cleanup_fd) int context = fsopen("sysfs", FSOPEN_CLOEXEC);
	int root = -1;

	if (context >= 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		root = fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (root < 0 && own)
		root = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root;
}

static uint64_t cookie_here(void)
{
	cleanup(cleanup_fd) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
		return 0;
	return cookie;
}

static int look_around(struct change_place *p)
{
	int r = place_enter(p);

	if (r < 0)
		return r;
	p->sys = open_sys(p->ns < 0);
	p->cookie = cookie_here();
	place_leave(p);
	return 0;
}

int place_open(int ns, struct change_place *ret)
{
	struct change_place p = {.ns = ns, .home = -1, .sys = -1};
	struct stat st;
	int r;

	p.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	p.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = p.proc < 0 || p.root < 0 ? -errno : 0;
	if (r == 0 && (ns >= 0 ? fstat(ns, &st) : stat("/proc/thread-self/ns/net", &st)) < 0)
		r = -errno;
	if (r == 0)
		r = look_around(&p);
	if (r < 0) {
		place_done(&p);
		return r;
	}
	p.inode = (uint32_t)st.st_ino;
	*ret = p;
	return 0;
}

void place_done(struct change_place *p)
{
	cleanup_fd(&p->proc);
	cleanup_fd(&p->sys);
	cleanup_fd(&p->root);
	p->proc = p->sys = p->root = -1;
}

int place_enter(struct change_place *p)
{
	int r;

	if (p->ns < 0)
		return 0;
	nl_forget();
	p->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (p->home < 0)
		return -errno;
	if (setns(p->ns, CLONE_NEWNET) == 0)
		return 0;
	r = -errno;
	close(p->home);
	p->home = -1;
	return r;
}

void place_leave(struct change_place *p)
{
	if (p->home < 0)
		return;
	nl_forget();
	if (setns(p->home, CLONE_NEWNET) < 0)
		abort(); /* from where we were a moment ago nobody can shut us out */
	close(p->home);
	p->home = -1;
}
