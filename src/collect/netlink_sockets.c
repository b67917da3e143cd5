// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Netlink sockets: /proc/net/netlink (net/netlink/af_netlink.c netlink_native_seq_show). sock_diag
 * has them too, but asking would load netlink_diag.
 *
 * Scope: one network namespace. Rmem and Wmem are bytes, drops 32 bits (sk_drops): messages that a
 * multicast had no room for (netlink_overrun), each of them once and however many get ENOBUFS; the
 * file has no limit of the buffer. Sockets of the kernel itself have port (Pid) 0. No privilege.
 */
#include "collect/proctext.h"

#include <errno.h>
#include <sys/socket.h>

/* "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode" */
enum { POINTER, PROTOCOL, PORT, GROUPS, RMEM, WMEM, DUMP, LOCKS, DROPS, INODE, FIELDS };

static int take_line(struct span line, struct snapshot *s)
{
	struct socket sk = {.family = AF_NETLINK, .kind = SOCKET_NETLINK};
	uint64_t protocol, port, rmem, wmem, drops, inode;
	struct span field[FIELDS];

	for (size_t i = 0; i < FIELDS; i++)
		if (!next_field(&line, &field[i]))
			return -EBADMSG;
	if (parse_u64(field[PROTOCOL], UINT8_MAX, &protocol) < 0 ||
	    parse_u64(field[PORT], UINT32_MAX, &port) < 0 ||
	    parse_u64(field[RMEM], UINT32_MAX, &rmem) < 0 ||
	    parse_u64(field[WMEM], UINT32_MAX, &wmem) < 0 ||
	    parse_u64(field[DROPS], UINT32_MAX, &drops) < 0 ||
	    parse_u64(field[INODE], UINT32_MAX, &inode) < 0)
		return -EBADMSG;
	if (!port || !inode)
		return 0;
	sk.protocol = (uint8_t)protocol;
	sk.rmem = (uint32_t)rmem;
	sk.wmem = (uint32_t)wmem;
	sk.drops = (uint32_t)drops;
	sk.inode = (uint32_t)inode;
	sk.cookie = RAW_COOKIE | inode;
	*vec_push(&s->netlink_sockets) = sk;
	return 0;
}

int parse_netlink_sockets(struct span text, struct snapshot *s)
{
	struct span line, name, last = {0};

	if (!next_line(&text, &line))
		return -EBADMSG;
	while (next_field(&line, &name))
		last = name;
	if (!span_is(last, "Inode"))
		return -EBADMSG;
	while (next_line(&text, &line)) {
		int r = take_line(line, s);

		if (r < 0)
			return r;
	}
	return 0;
}

int collect_netlink_sockets(struct host *h, struct snapshot *s)
{
	cleanup(buf_done) struct buf b = {0};
	int r = host_read(h, "net/netlink", &b);

	return r < 0 ? r : parse_netlink_sockets((struct span){b.data, b.len}, s);
}
