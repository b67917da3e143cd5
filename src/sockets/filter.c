// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "base/parse.h"
#include "sockets/census.h"

#define MAPPED_BITS 96 /* of ::ffff:192.0.2.1 */

static bool is_mapped(const uint8_t *address)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address, prefix, sizeof(prefix)) == 0;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int whole = bits / 8, rest = bits % 8;

	return memcmp(a, b, whole) == 0 && (!rest || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

static bool is_within(const struct sockets_prefix *p, const struct socket *sk, const uint8_t *address)
{
	if (p->family == sk->family)
		return same_prefix(p->address, address, p->bits);
	/* A socket of IPv6 that talks to a peer of IPv4. */
	return p->family == AF_INET && sk->family == AF_INET6 && is_mapped(address) &&
	       same_prefix(p->address, address + MAPPED_BITS / 8, p->bits);
}

bool sockets_filter_means(const struct sockets_filter *f, const struct socket *sk)
{
	if (f->kinds && !(f->kinds & 1u << sk->kind))
		return false;
	if (f->protocol && sk->kind == SOCKET_INET && f->protocol != sk->protocol)
		return false;
	if (f->states && !(f->states & (1u << sk->state)))
		return false;
	if (f->port && f->port != sk->local_port && f->port != sk->remote_port)
		return false;
	/* Without a peer there is none in the prefix, not even in 0.0.0.0/0. */
	if (f->peer.family && !(sk->remote_port && is_within(&f->peer, sk, sk->remote)))
		return false;
	return !f->address.family || is_within(&f->address, sk, sk->local) ||
	       (sk->remote_port && is_within(&f->address, sk, sk->remote));
}

int sockets_prefix(const char *text, struct sockets_prefix *ret)
{
	struct sockets_prefix with = {0};
	size_t n = strcspn(text, "/");
	char address[INET6_ADDRSTRLEN];
	uint64_t bits, most;

	if (n >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, n);
	address[n] = '\0';
	if (inet_pton(AF_INET, address, with.address) == 1)
		with.family = AF_INET;
	else if (inet_pton(AF_INET6, address, with.address) == 1)
		with.family = AF_INET6;
	else
		return -EINVAL;
	bits = most = with.family == AF_INET ? 32 : 128;
	if (text[n] && parse_u64(span_of(text + n + 1), most, &bits) < 0)
		return -EINVAL;
	with.bits = (unsigned int)bits;
	*ret = with;
	return 0;
}

bool sockets_filter_state(const char *name, struct sockets_filter *f)
{
	static const struct {
		const char *name;
		uint32_t states;
	} names[] = {
		{"established", 1u << STATE_ESTABLISHED}, {"estab", 1u << STATE_ESTABLISHED},
		{"syn-sent", 1u << STATE_SYN_SENT},	  {"syn-recv", 1u << STATE_SYN_RECV},
		{"fin-wait-1", 1u << STATE_FIN_WAIT1},	  {"fin-wait-2", 1u << STATE_FIN_WAIT2},
		{"time-wait", 1u << STATE_TIME_WAIT},	  {"closed", 1u << STATE_CLOSE},
		{"unconn", 1u << STATE_CLOSE},		  {"close-wait", 1u << STATE_CLOSE_WAIT},
		{"last-ack", 1u << STATE_LAST_ACK},	  {"listen", 1u << STATE_LISTEN},
		{"listening", 1u << STATE_LISTEN},	  {"closing", 1u << STATE_CLOSING},
	};
	char plain[16];
	size_t n = 0;

	/* TIME_WAIT, Time-Wait and time-wait are the same. */
	for (; name[n] && n < sizeof(plain) - 1; n++)
		plain[n] = name[n] == '_' ? '-' : (char)(name[n] | 0x20);
	plain[n] = '\0';
	if (name[n])
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i].name, plain) == 0) {
			f->states |= names[i].states;
			return true;
		}
	return false;
}

/* Given twice, it may be either; of TCP and UDP together both. */
bool sockets_filter_kind(const char *name, struct sockets_filter *f)
{
	static const struct {
		const char *name;
		enum socket_kind kind;
		uint8_t protocol;
	} names[] = {
		{"tcp", SOCKET_INET, IPPROTO_TCP}, {"udp", SOCKET_INET, IPPROTO_UDP},
		{"raw", SOCKET_RAW, 0},		   {"packet", SOCKET_PACKET, 0},
		{"netlink", SOCKET_NETLINK, 0},	   {"unix", SOCKET_UNIX, 0},
		{"mptcp", SOCKET_MPTCP, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		bool both = names[i].protocol && f->kinds & 1u << SOCKET_INET;

		if (strcmp(names[i].name, name) != 0)
			continue;
		f->kinds |= 1u << names[i].kind;
		if (names[i].protocol)
			f->protocol = both && f->protocol != names[i].protocol ? 0 : names[i].protocol;
		return true;
	}
	return false;
}

bool sockets_filter_cause(const char *id, struct sockets_filter *f)
{
	uint32_t troubles = 0;

	for (size_t i = 0; i < socket_troubles_n; i++)
		if (strcmp(socket_troubles[i].id, id) == 0 ||
		    strcmp(socket_troubles[i].cause, id) == 0)
			troubles |= 1u << i;
	f->troubles |= troubles;
	return troubles != 0;
}
