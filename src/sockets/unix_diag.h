/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One unix socket as sock_diag tells it: net/unix/diag.c sk_diag_fill.
 *
 * Units: a listener's rqueue and wqueue are connections (waiting, backlog); else rqueue is bytes
 * (of a datagram socket those of the first datagram alone, unix_inq_len()), wqueue bytes that the
 * other end has not read yet. What is unread is charged to its sender: receive memory is always 0.
 */
#ifndef WHYDROP_SOCKETS_UNIX_DIAG_H
#define WHYDROP_SOCKETS_UNIX_DIAG_H

#include <linux/netlink.h>

#include "model/user.h"

/* -EBADMSG: cut short. The name of no file begins with '@'; "" none. */
int unix_diag_socket(const struct nlmsghdr *h, struct socket *ret, char name[UNIX_NAME]);

#endif
