/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One unix socket as sock_diag tells it (net/unix/diag.c sk_diag_fill), or where unix_diag is not
 * loaded as /proc/net/unix does (net/unix/af_unix.c unix_seq_show), which has no queues: mem_known
 * is false then, and rqueue and wqueue mean nothing.
 *
 * Units: a listener's rqueue and wqueue are connections (waiting, backlog); else rqueue is bytes
 * (of a datagram socket those of the first datagram alone, unix_inq_len()), wqueue bytes that the
 * other end has not read yet. What is unread is charged to its sender: receive memory is always 0.
 */
#ifndef WHYDROP_SOCKETS_UNIX_DIAG_H
#define WHYDROP_SOCKETS_UNIX_DIAG_H

#include <linux/netlink.h>

#include "base/parse.h"
#include "model/user.h"

/* -EBADMSG: cut short. The name of no file begins with '@'; "" none. */
int unix_diag_socket(const struct nlmsghdr *h, struct socket *ret, char name[UNIX_NAME]);
/*
 * One line after the header. -EBADMSG: it is none, as the rest of a name that holds a newline, which
 * the kernel writes as it is.
 */
int unix_file_socket(struct span line, struct socket *ret, char name[UNIX_NAME]);

#endif
