/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One answer of sock_diag as a socket: net/ipv4/inet_diag.c inet_sk_diag_fill and
 * inet_twsk_diag_fill, net/core/sock.c sk_get_meminfo, net/ipv4/tcp.c tcp_get_info. For a dump of
 * any size: nothing is kept here, and nothing is allocated.
 *
 * Units: bytes, except that a listener's rqueue and wqueue are connections (waiting, backlog);
 * tcp_info as the kernel has it (us, ms, segments). Ports in host byte order, addresses in network
 * byte order.
 */
#ifndef WHYDROP_COLLECT_SOCK_DIAG_H
#define WHYDROP_COLLECT_SOCK_DIAG_H

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/tcp.h>

#include "model/user.h"

/* What is used of one message. */
struct sock_diag {
	const struct inet_diag_msg *m; /* in the message */
	const unsigned char *meminfo;
	size_t meminfo_n;
	/* struct tcp_info grows with the kernel: what this one does not have is 0. tcp_n 0: none */
	struct tcp_info tcp;
	size_t tcp_n; /* bytes that the kernel gave, perhaps more than are known here */
	const unsigned char *congestion; /* its name, "cubic"; NULL: not asked for */
	size_t congestion_n;
	bool v6only;
};

/* 1: a socket of IPv4 or IPv6; 0: something else; -EBADMSG: cut short, or lengths that do not fit. */
int sock_diag_read(const struct nlmsghdr *h, struct sock_diag *ret);
/* A number of SK_MEMINFO_*; 0 if it is not there. */
uint32_t sock_diag_mem(const struct sock_diag *d, unsigned int index);
void sock_diag_socket(const struct sock_diag *d, uint8_t protocol, struct socket *ret);

#endif
