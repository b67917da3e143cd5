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
	vec_each(place, &d->places)
		cleanup_fd(&place->fd);
	vec_done(&d->places);
	vec_done(&d->known);
	if (d->home > 0)
		close(d->home);
	*d = (struct netns_devices){0};
}

static uint32_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : (uint32_t)st.st_ino;
}

/* Setns to where one already is wants CAP_SYS_ADMIN too: our own is never entered. */
static int enter(const struct netns_place *place)
{
	return place->fd < 0 || setns(place->fd, CLONE_NEWNET) == 0 ? 0 : -errno;
}

static void come_home(const struct netns_devices *d, const struct netns_place *place)
{
	if (place->fd >= 0 && setns(d->home, CLONE_NEWNET) < 0)
		abort(); /* from where we were a moment ago nobody can shut us out */
}

/* One that can be seen and not entered could have any device: nothing is known then. */
static bool add_place(void *arg, const char *path)
{
	struct netns_devices *d = arg;
	struct netns_place place = {.fd = open(path, O_RDONLY | O_CLOEXEC)};

	/* Gone meanwhile, or of another kind, bound by somebody for purposes of his own. */
	if (place.fd < 0 ? errno == ENOENT || errno == ESRCH
			 : ioctl(place.fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		cleanup_fd(&place.fd);
		return false;
	}
	place.netns = inode_of(place.fd);
	vec_each(known, &d->places)
		if (known->netns == place.netns) {
			cleanup_fd(&place.fd);
			return false;
		}
	if (place.fd < 0 || d->places.n >= NETNS_MAX || enter(&place) < 0) {
		cleanup_fd(&place.fd);
		d->closed = true;
		return true;
	}
	come_home(d, &place);
	*vec_push(&d->places) = place;
	return false;
}

static void list_places(struct netns_devices *d)
{
	netns_devices_done(d);
	d->listed_ns = monotonic_ns();
	d->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	d->closed = d->home < 0;
	if (d->closed)
		return;
	*vec_push(&d->places) = (struct netns_place){.netns = inode_of(d->home), .fd = -1};
	netns_walk(add_place, d);
}

static bool has_device(const struct netns_devices *d, const struct netns_place *place,
		       uint32_t ifindex)
{
	struct ifreq request = {.ifr_ifindex = (int)ifindex};
	cleanup(cleanup_fd) int fd = -1;
	bool has;

	if (enter(place) < 0)
		return true; /* as far as we know */
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	has = fd < 0 || ioctl(fd, SIOCGIFNAME, &request) == 0;
	come_home(d, place);
	return has;
}

static uint32_t look_for(const struct netns_devices *d, uint32_t ifindex)
{
	uint32_t found = 0;

	vec_each(place, &d->places) {
		if (!has_device(d, place, ifindex))
			continue;
		if (found)
			return 0;
		found = place->netns;
	}
	return found;
}

uint32_t netns_of_device(uint32_t ifindex, void *arg)
{
	struct netns_devices *d = arg;
	struct netns_device *new;

	if (!d->listed_ns || monotonic_ns() - d->listed_ns > LIST_AGE_NS)
		list_places(d);
	if (d->closed)
		return 0;
	if (d->places.n == 1)
		return d->places.items[0].netns;
	vec_each(known, &d->known)
		if (known->ifindex == ifindex)
			return known->netns;
	new = vec_push(&d->known);
	new->ifindex = ifindex;
	new->netns = look_for(d, ifindex);
	return new->netns;
}
