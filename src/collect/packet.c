// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packet sockets (captures, DHCP, LLDP): sock_diag of AF_PACKET (net/packet/diag.c sk_diag_fill),
 * memory from net/core/sock.c sk_get_meminfo.
 *
 * Scope: one network namespace. Bytes and drops are 32 bits. Asking may load af_packet_diag, so it
 * is asked only where that is there already; else /proc/net/packet (net/packet/af_packet.c
 * packet_seq_show) tells of sockets and their queues, and nothing of what they lost. No privilege.
 *
 * skmem `d` counts what did not fit into a socket's queue. A capture that reads from a ring
 * (PACKET_RX_RING: libpcap) counts its losses in tp_drops alone, and reading those
 * (PACKET_STATISTICS) sets them to zero: they belong to the program, and are left to it.
 */
#include "collect/netlink.h"

#include <errno.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <netlink/attr.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "collect/modules.h"
#include "collect/proctext.h"
#include "nl/nl.h"

static const struct nla_policy packet_policy[PACKET_DIAG_MAX + 1] = {
	[PACKET_DIAG_INFO] = {.minlen = sizeof(struct packet_diag_info)},
	[PACKET_DIAG_UID] = {.type = NLA_U32},
	[PACKET_DIAG_MEMINFO] = {.minlen = (SK_MEMINFO_BACKLOG + 1) * sizeof(uint32_t)},
};

static void take_memory(const struct nlattr *a, struct socket *sk)
{
	uint32_t mem[SK_MEMINFO_VARS] = {0};

	memcpy(mem, nla_data(a), MIN((size_t)nla_len(a), sizeof(mem)));
	/* sk_drops came last, with 4.7. */
	sk->mem_known = (size_t)nla_len(a) >= (SK_MEMINFO_DROPS + 1) * sizeof(uint32_t);
	sk->rmem = mem[SK_MEMINFO_RMEM_ALLOC];
	sk->rcvbuf = mem[SK_MEMINFO_RCVBUF];
	sk->wmem = mem[SK_MEMINFO_WMEM_ALLOC];
	sk->sndbuf = mem[SK_MEMINFO_SNDBUF];
	sk->drops = mem[SK_MEMINFO_DROPS];
}

static int take_packet_socket(const struct nlmsghdr *h, struct snapshot *s)
{
	struct nlattr *table[PACKET_DIAG_MAX + 1];
	const struct packet_diag_msg *m = nl_data(h, sizeof(*m));
	struct socket sk = {.family = AF_PACKET, .kind = SOCKET_PACKET};
	struct packet_diag_info info;

	if (!m || nl_parse(h, sizeof(*m), table, PACKET_DIAG_MAX, packet_policy) < 0)
		return -EBADMSG;
	sk.cookie = m->pdiag_cookie[0] | (uint64_t)m->pdiag_cookie[1] << 32;
	sk.inode = m->pdiag_ino;
	sk.local_port = m->pdiag_num; /* the ethertype */
	if (table[PACKET_DIAG_INFO]) {
		memcpy(&info, nla_data(table[PACKET_DIAG_INFO]), sizeof(info));
		sk.ifindex = info.pdi_index;
	}
	if (table[PACKET_DIAG_UID])
		sk.uid = nla_get_u32(table[PACKET_DIAG_UID]);
	if (table[PACKET_DIAG_MEMINFO])
		take_memory(table[PACKET_DIAG_MEMINFO], &sk);
	sk.ring = table[PACKET_DIAG_RX_RING] != NULL;
	*vec_push(&s->packet_sockets) = sk;
	return 0;
}

int parse_packet_sockets(const struct buf *answer, struct snapshot *s)
{
	int r = nl_check(answer);

	if (r < 0)
		return r;
	nl_each(message, answer) {
		if (message.h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
			continue;
		r = take_packet_socket(message.h, s);
		if (r < 0)
			return r;
	}
	return 0;
}

/* "sk RefCnt Type Proto Iface R Rmem User Inode" */
int parse_packet_file(struct span text, struct snapshot *s)
{
	struct span line, field[9];

	if (!next_line(&text, &line))
		return -EBADMSG;
	while (next_line(&text, &line)) {
		struct socket sk = {.family = AF_PACKET, .kind = SOCKET_PACKET};
		uint64_t ethertype, ifindex, rmem, uid, inode;

		for (size_t i = 0; i < ARRAY_SIZE(field); i++)
			if (!next_field(&line, &field[i]))
				return -EBADMSG;
		if (parse_hex64(field[3], UINT16_MAX, &ethertype) < 0 ||
		    parse_u64(field[4], INT32_MAX, &ifindex) < 0 ||
		    parse_u64(field[6], UINT32_MAX, &rmem) < 0 ||
		    parse_u64(field[7], UINT32_MAX, &uid) < 0 ||
		    parse_u64(field[8], UINT32_MAX, &inode) < 0)
			return -EBADMSG;
		sk.local_port = (uint16_t)ethertype;
		sk.ifindex = (unsigned int)ifindex;
		sk.rmem = (uint32_t)rmem;
		sk.uid = (uint32_t)uid;
		sk.inode = (uint32_t)inode;
		sk.cookie = RAW_COOKIE | inode;
		*vec_push(&s->packet_sockets) = sk;
	}
	return 0;
}

int collect_packet_sockets(struct host *h, struct snapshot *s)
{
	struct {
		struct nlmsghdr h;
		struct packet_diag_req r;
	} request = {
		.h = {.nlmsg_len = sizeof(request),
		      .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.r = {.sdiag_family = AF_PACKET,
		      .pdiag_show = PACKET_SHOW_INFO | PACKET_SHOW_MEMINFO |
				    PACKET_SHOW_RING_CFG},
	};
	cleanup(buf_done) struct buf file = {0}, answer = {0};
	int r = host_read(h, "net/packet", &file);

	/* Without AF_PACKET in the kernel there is no file, and no such socket. */
	if (r < 0)
		return r == -ENOENT ? COLLECT_UNUSED : r;
	if (!module_is_present(h, "af_packet_diag"))
		return parse_packet_file((struct span){file.data, file.len}, s);
	r = host_netlink(h, "packet", NETLINK_SOCK_DIAG, &request, sizeof(request), &answer);
	if (r == -ENOENT) /* neither built in nor a module */
		return parse_packet_file((struct span){file.data, file.len}, s);
	return r < 0 ? r : parse_packet_sockets(&answer, s);
}
