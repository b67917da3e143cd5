// SPDX-License-Identifier: GPL-2.0-or-later
#include "sockets/unix_diag.h"

#include <errno.h>
#include <linux/net.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netlink/attr.h>
#include <sys/socket.h>

#include "nl/nl.h"

static const struct nla_policy unix_policy[UNIX_DIAG_MAX + 1] = {
	[UNIX_DIAG_RQLEN] = {.minlen = sizeof(struct unix_diag_rqlen)},
	[UNIX_DIAG_MEMINFO] = {.minlen = (SK_MEMINFO_BACKLOG + 1) * sizeof(uint32_t)},
	[UNIX_DIAG_UID] = {.type = NLA_U32},
};

/* Names of no file begin with a NUL, told as '@'; NULs within are told as '@', too. */
static void take_name(const struct nlattr *a, char *to, size_t size)
{
	const char *name = nla_data(a);
	size_t n = MIN((size_t)nla_len(a), size - 1);

	/* That of a file ends with a NUL. */
	while (n > 1 && !name[n - 1])
		n--;
	for (size_t i = 0; i < n; i++)
		to[i] = name[i] ? name[i] : '@';
	to[n] = '\0';
}

static void take_unix_memory(const struct nlattr *a, struct socket *sk)
{
	uint32_t mem[SK_MEMINFO_VARS] = {0};

	memcpy(mem, nla_data(a), MIN((size_t)nla_len(a), sizeof(mem)));
	sk->mem_known = true;
	sk->rcvbuf = mem[SK_MEMINFO_RCVBUF];
	sk->wmem = mem[SK_MEMINFO_WMEM_ALLOC];
	sk->sndbuf = mem[SK_MEMINFO_SNDBUF];
}

int unix_diag_socket(const struct nlmsghdr *h, struct socket *ret, char name[UNIX_NAME])
{
	struct nlattr *table[UNIX_DIAG_MAX + 1];
	const struct unix_diag_msg *m = nl_data(h, sizeof(*m));
	struct socket sk = {.family = AF_UNIX, .kind = SOCKET_UNIX};
	struct unix_diag_rqlen queue;

	if (!m || nl_parse(h, sizeof(*m), table, UNIX_DIAG_MAX, unix_policy) < 0)
		return -EBADMSG;
	sk.protocol = m->udiag_type;
	sk.state = m->udiag_state;
	sk.inode = m->udiag_ino;
	sk.cookie = m->udiag_cookie[0] | (uint64_t)m->udiag_cookie[1] << 32;
	if (table[UNIX_DIAG_RQLEN]) {
		memcpy(&queue, nla_data(table[UNIX_DIAG_RQLEN]), sizeof(queue));
		sk.rqueue = queue.udiag_rqueue;
		sk.wqueue = queue.udiag_wqueue;
	}
	if (table[UNIX_DIAG_UID])
		sk.uid = nla_get_u32(table[UNIX_DIAG_UID]);
	if (table[UNIX_DIAG_MEMINFO])
		take_unix_memory(table[UNIX_DIAG_MEMINFO], &sk);
	*ret = sk;
	name[0] = '\0';
	if (table[UNIX_DIAG_NAME])
		take_name(table[UNIX_DIAG_NAME], name, UNIX_NAME);
	return 0;
}

/* "Num: RefCount Protocol Flags Type St Inode Path"; without a name the line ends after the inode. */
int unix_file_socket(struct span line, struct socket *ret, char name[UNIX_NAME])
{
	enum { NUM, REFS, PROTOCOL, FLAGS, TYPE, STATE, INODE, FIELDS };
	struct socket sk = {.family = AF_UNIX, .kind = SOCKET_UNIX, .state = STATE_CLOSE};
	uint64_t flags, type, state, inode;
	struct span field[FIELDS];

	for (size_t i = 0; i < FIELDS; i++)
		if (!next_field(&line, &field[i]))
			return -EBADMSG;
	if (field[NUM].p[field[NUM].n - 1] != ':' ||
	    parse_hex64(field[FLAGS], UINT32_MAX, &flags) < 0 ||
	    parse_hex64(field[TYPE], UINT8_MAX, &type) < 0 ||
	    parse_hex64(field[STATE], UINT8_MAX, &state) < 0 ||
	    parse_u64(field[INODE], UINT32_MAX, &inode) < 0)
		return -EBADMSG;
	if (flags & __SO_ACCEPTCON)
		sk.state = STATE_LISTEN;
	else if (state == SS_CONNECTED || state == SS_CONNECTING) /* CONNECTING: not accepted yet */
		sk.state = STATE_ESTABLISHED;
	sk.protocol = (uint8_t)type;
	sk.inode = (uint32_t)inode;
	sk.cookie = RAW_COOKIE | inode;
	*ret = sk;
	name[0] = '\0';
	if (line.n > 1)
		span_copy((struct span){line.p + 1, line.n - 1}, name, UNIX_NAME);
	return 0;
}
