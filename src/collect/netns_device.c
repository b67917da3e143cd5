// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SIOCGIFNAME (net/core/dev_ioctl.c) in each namespace; no privilege but that to enter it. A
 * namespace that nothing leads to (netns.h) is not seen, and one that came since they were listed
 * is not either: that is why the list does not grow old.
 */
#define _GNU_SOURCE
#include "collect/netns_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_AGE_NS (2 * NSEC_PER_SEC)

void netns_devices_done(struct netns_devices *d)
{
	netns_list_done(&d->namespaces);
	vec_done(&d->known);
	d->listed_ns = 0;
}

static bool has_device(const struct netns *ns, int home, uint32_t ifindex)
{
	struct ifreq request = {.ifr_ifindex = (int)ifindex};
	cleanup(cleanup_fd) int fd = -1;
	bool has;

	if (ns->fd >= 0 && setns(ns->fd, CLONE_NEWNET) < 0)
		return true; /* as far as we know */
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	has = fd < 0 || ioctl(fd, SIOCGIFNAME, &request) == 0;
	if (ns->fd >= 0 && setns(home, CLONE_NEWNET) < 0)
		abort(); /* from where we were a moment ago nobody can shut us out */
	return has;
}

static uint32_t look_for(const struct netns_devices *d, uint32_t ifindex)
{
	cleanup(cleanup_fd) int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	uint32_t found = 0;

	if (home < 0)
		return 0;
	vec_each(ns, &d->namespaces.list) {
		if (!has_device(ns, home, ifindex))
			continue;
		if (found)
			return 0;
		found = ns->inode;
	}
	return found;
}

/* One that can be seen and not entered could have any device. */
static bool is_closed(void *arg, const char *path)
{
	struct netns_devices *d = arg;
	cleanup(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	/* Gone meanwhile, or of another kind, bound by somebody for purposes of his own. */
	if (fd < 0 ? errno == ENOENT || errno == ESRCH
		   : fstat(fd, &st) < 0 || ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return false;
	d->closed = true;
	vec_each(ns, &d->namespaces.list)
		if (fd >= 0 && ns->inode == (uint32_t)st.st_ino)
			d->closed = false;
	return d->closed;
}

uint32_t netns_of_device(uint32_t ifindex, void *arg)
{
	struct netns_devices *d = arg;
	int64_t now = monotonic_ns();
	struct netns_device *new;

	if (!d->listed_ns || now - d->listed_ns > LIST_AGE_NS) {
		netns_devices_done(d);
		d->listed_ns = now;
		d->closed = netns_open_all(&d->namespaces) < 0;
		if (!d->closed)
			netns_walk(is_closed, d);
	}
	if (d->closed)
		return 0;
	if (d->namespaces.list.n == 1)
		return d->namespaces.list.items[0].inode;
	vec_each(known, &d->known)
		if (known->ifindex == ifindex)
			return known->netns;
	new = vec_push(&d->known);
	new->ifindex = ifindex;
	new->netns = look_for(d, ifindex);
	return new->netns;
}
