// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Raw sockets: /proc/net/raw (net/ipv4/raw.c raw_sock_seq_show) and /proc/net/raw6
 * (net/ipv6/datagram.c __ip6_dgram_sock_seq_show). sock_diag has them too, but only in kernels
 * with CONFIG_INET_RAW_DIAG, and asking would load that module.
 *
 * Scope: one network namespace. Queues are bytes in hexadecimal, drops 32 bits (sk_drops). What
 * stands where other protocols have a port is the IP protocol. The limit of the buffer is not
 * told. No privilege.
 */
#include "collect/proctext.h"

#include <errno.h>
#include <sys/socket.h>

/* "sl local remote st tx:rx tr:when retrnsmt uid timeout inode ref pointer drops" */
enum { SL, LOCAL, REMOTE, STATE, QUEUES, TIMER, RETRANS, UID, TIMEOUT, INODE, REF, POINTER, DROPS,
       FIELDS };

/* "0100007F:0001": the words of an address in network byte order, each printed as a number. */
static int parse_endpoint(struct span text, uint8_t family, uint8_t *address, uint64_t *ret_number)
{
	size_t words = family == AF_INET ? 1 : 4;
	uint64_t number;

	if (text.n != words * 8 + 5 || text.p[words * 8] != ':')
		return -EBADMSG;
	for (size_t i = 0; i < words; i++) {
		uint32_t word;

		if (parse_hex64((struct span){text.p + i * 8, 8}, UINT32_MAX, &number) < 0)
			return -EBADMSG;
		word = (uint32_t)number;
		memcpy(address + i * 4, &word, sizeof(word));
	}
	return parse_hex64((struct span){text.p + words * 8 + 1, 4}, UINT16_MAX, ret_number) < 0
		       ? -EBADMSG
		       : 0;
}

static int take_line(struct span line, uint8_t family, struct snapshot *s)
{
	struct socket sk = {.family = family, .kind = SOCKET_RAW};
	uint64_t protocol, other, tx, rx, uid, inode, drops;
	struct span field[FIELDS];

	for (size_t i = 0; i < FIELDS; i++)
		if (!next_field(&line, &field[i]))
			return -EBADMSG;
	if (parse_endpoint(field[LOCAL], family, sk.local, &protocol) < 0 || protocol > UINT8_MAX ||
	    parse_endpoint(field[REMOTE], family, sk.remote, &other) < 0 || field[QUEUES].n != 17 ||
	    parse_hex64((struct span){field[QUEUES].p, 8}, UINT32_MAX, &tx) < 0 ||
	    parse_hex64((struct span){field[QUEUES].p + 9, 8}, UINT32_MAX, &rx) < 0 ||
	    parse_u64(field[UID], UINT32_MAX, &uid) < 0 ||
	    parse_u64(field[INODE], UINT32_MAX, &inode) < 0 ||
	    parse_u64(field[DROPS], UINT32_MAX, &drops) < 0)
		return -EBADMSG;
	sk.protocol = (uint8_t)protocol;
	sk.wmem = (uint32_t)tx;
	sk.rmem = (uint32_t)rx;
	sk.uid = (uint32_t)uid;
	sk.inode = (uint32_t)inode;
	sk.drops = (uint32_t)drops;
	sk.cookie = RAW_COOKIE | inode;
	if (inode) /* else closed, and still held by a packet of its own */
		*vec_push(&s->raw_sockets) = sk;
	return 0;
}

int parse_raw_sockets(struct span text, uint8_t family, struct snapshot *s)
{
	struct span line, name, last = {0};

	if (!next_line(&text, &line))
		return -EBADMSG;
	while (next_field(&line, &name))
		last = name;
	if (!span_is(last, "drops"))
		return -EBADMSG;
	while (next_line(&text, &line)) {
		int r = take_line(line, family, s);

		if (r < 0)
			return r;
	}
	return 0;
}

int collect_raw_sockets(struct host *h, struct snapshot *s)
{
	static const struct {
		const char *file;
		uint8_t family;
	} files[] = {{"net/raw", AF_INET}, {"net/raw6", AF_INET6}};
	cleanup(buf_done) struct buf b = {0};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int r;

		buf_clear(&b);
		r = host_read(h, files[i].file, &b);
		if (r == -ENOENT && files[i].family == AF_INET6) /* IPv6 is not in this kernel */
			continue;
		if (r == 0)
			r = !text_is_whole(&b) ? -EBADMSG : parse_raw_sockets((struct span){b.data, b.len}, files[i].family, s);
		if (r < 0)
			return r;
	}
	return 0;
}
