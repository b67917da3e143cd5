/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One socket, as people name it, found among all, and everything that the kernel tells of it:
 * `whydrop sockets --detail FLOW`.
 */
#ifndef WHYDROP_SOCKETS_FLOW_H
#define WHYDROP_SOCKETS_FLOW_H

#include <linux/netlink.h>

#include "collect/host.h"
#include "model/connection.h"

/* What was typed. Addresses of IPv4 in their first 4 bytes, v4-mapped ones too. */
struct flow_end {
	uint8_t family; /* 0: any address */
	uint8_t address[16];
	uint16_t port; /* 0: any */
};
struct flow_name {
	bool pair;	   /* both ends are given, in either order */
	struct flow_end a, b;
	uint64_t number;   /* an inode or a cookie instead; 0: none */
	bool only_cookie, only_inode; /* said so */
};
/*
 * "10.0.0.1:443-[2001:db8::1]:51234", "10.0.0.1:443", "*:443", ":443", an inode, "ino:1234", or a
 * cookie as ss tells it, "sk:1a2b". -EINVAL: none of these.
 */
int flow_parse(const char *text, struct flow_name *ret);
bool flow_is(const struct flow_name *f, const struct socket *sk);
bool flow_is_straight(const struct flow_name *f, const struct socket *sk);

#define FLOW_MATCHES 32
struct flow_found {
	struct socket matches[FLOW_MATCHES];
	size_t n, all; /* kept; there are */
	/* Those whose local end is the one named first: of a connection within this host both ends
	 * match. */
	size_t straight;
	struct socket straight_one; /* the last of them */
};
/* Adds those of TCP and UDP. Reads identities alone. */
int flow_find(struct host *h, const struct flow_name *f, struct flow_found *ret);

/* One that was found, whole: -ENOENT if it is gone meanwhile. */
int flow_read(struct host *h, const struct socket *which, struct socket *ret,
	      struct socket_extra *ret_extra);
/* One message of sock_diag with everything asked for; for tests as well. */
int flow_extra(const struct nlmsghdr *h, struct socket_extra *ret);
/* What holds for every connection of the namespace; parts that cannot be read stay unknown. */
void flow_sysctls(struct host *h, struct tcp_settings *ret);
/* What holds for it there; parts that cannot be read stay unknown. */
void flow_settings(struct host *h, const struct socket *sk, struct tcp_settings *ret);

#endif
