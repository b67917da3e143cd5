/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network namespace of the test's own, so that its packets are counted nowhere else. */
#ifndef WHYDROP_OWN_NETNS_H
#define WHYDROP_OWN_NETNS_H

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* With lo up. 0, or a negative errno where the kernel does not let this user have one. */
static inline int own_netns(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd, r;

	/* Whoever is not root becomes it in a user namespace first. */
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		return -errno;
	r = ioctl(fd, SIOCSIFFLAGS, &lo) < 0 ? -errno : 0;
	close(fd);
	return r;
}

#endif
