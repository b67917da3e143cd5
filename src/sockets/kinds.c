// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The other sockets of a namespace: MPTCP and unix by sock_diag (net/mptcp/mptcp_diag.c,
 * net/unix/diag.c), raw, packet and netlink as diagnose reads them.
 *
 * No module is loaded for it: where mptcp_diag is not there already, those are asked of no one, and
 * where unix_diag is not, /proc/net/unix is read; it is said. A kernel without MPTCP has no net/mptcp
 * folder in /proc/sys.
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "collect/collect.h"
#include "collect/modules.h"
#include "collect/proctext.h"
#include "collect/sock_diag.h"
#include "nl/nl.h"
#include "sockets/census.h"
#include "sockets/unix_diag.h"

#define STATES_ALL 0xfffu

struct pieces {
	struct nl_sink sink; /* first, so that a sink is its pieces */
	struct census *census;
	int (*take)(struct census *c, const struct nlmsghdr *h);
	bool restarted;
};

static int take_piece(struct nl_sink *sink, const struct buf *messages)
{
	struct pieces *p = (struct pieces *)sink;

	if (p->restarted)
		return -ECANCELED;
	nl_each(message, messages) {
		int r;

		if (message.h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
			continue;
		r = p->take(p->census, message.h);
		if (r < 0)
			return r;
	}
	return 0;
}

static void begin_again(struct nl_sink *sink)
{
	struct pieces *p = (struct pieces *)sink;

	p->restarted = p->census->interrupted = true;
}

static int dump(struct census *c, struct host *h, const char *name, const void *request, size_t size,
		int (*take)(struct census *c, const struct nlmsghdr *h))
{
	struct pieces to = {.sink = {.piece = take_piece, .restart = begin_again},
			    .census = c,
			    .take = take};
	int r = host_netlink_stream(h, name, NETLINK_SOCK_DIAG, request, size, &to.sink);

	return r == -ECANCELED ? 0 : r;
}

static int offer(struct census *c, const struct socket *sk)
{
	return census_take(c, sk) ? 0 : -ECANCELED;
}

/* ---- MPTCP: connections; each of their subflows is a TCP connection of its own ---- */

static int take_mptcp(struct census *c, const struct nlmsghdr *h)
{
	struct sock_diag d;
	struct socket sk;
	int r = sock_diag_read(h, &d);

	if (r <= 0)
		return r;
	sock_diag_socket(&d, 0, &sk);
	sk.kind = SOCKET_MPTCP;
	return offer(c, &sk);
}

static int read_mptcp(struct census *c, struct host *h)
{
	static const uint8_t families[] = {AF_INET6, AF_INET};

	if (!host_exists(h, "sys/net/mptcp"))
		return KIND_NOT_IN_KERNEL;
	if (!module_is_present(h, "mptcp_diag"))
		return KIND_NOT_LOADED;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct {
			struct nlmsghdr h;
			struct inet_diag_req_v2 r;
			struct nlattr a;
			uint32_t protocol; /* 262 does not fit into the request's own byte */
		} q = {
			.h = {.nlmsg_len = sizeof(q),
			      .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
			.r = {.sdiag_family = families[i],
			      .sdiag_protocol = IPPROTO_MPTCP & UINT8_MAX,
			      .idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1),
			      .idiag_states = STATES_ALL},
			.a = {.nla_len = NLA_HDRLEN + 4, .nla_type = INET_DIAG_REQ_PROTOCOL},
			.protocol = IPPROTO_MPTCP,
		};
		int r = dump(c, h, families[i] == AF_INET ? "mptcp4" : "mptcp6", &q, sizeof(q),
			     take_mptcp);

		if (r == -ENOENT) /* MPTCP without IPv6, or without mptcp_diag */
			continue;
		if (r < 0)
			return r;
	}
	return KIND_READ;
}

/* ---- unix ---- */

static int take_unix(struct census *c, const struct nlmsghdr *h)
{
	struct socket sk;
	int r = unix_diag_socket(h, &sk, c->name);

	if (r < 0)
		return r;
	r = offer(c, &sk);
	c->name[0] = '\0';
	return r;
}

static int read_unix_file(struct census *c, struct host *h)
{
	cleanup(buf_done) struct buf text = {0};
	struct span all, line;
	int r = read_text(h, "net/unix", &text, &all);

	if (r < 0)
		return r;
	if (!next_line(&all, &line) || line.n < 3 || memcmp(line.p, "Num", 3) != 0)
		return -EBADMSG;
	while (next_line(&all, &line)) {
		struct socket sk;

		if (unix_file_socket(line, &sk, c->name) < 0)
			continue;
		r = offer(c, &sk);
		c->name[0] = '\0';
		if (r < 0)
			break;
	}
	return KIND_READ_FILE;
}

static int read_unix(struct census *c, struct host *h)
{
	struct {
		struct nlmsghdr h;
		struct unix_diag_req r;
	} q = {
		.h = {.nlmsg_len = sizeof(q),
		      .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.r = {.sdiag_family = AF_UNIX,
		      .udiag_states = STATES_ALL,
		      .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN | UDIAG_SHOW_MEMINFO |
				    UDIAG_SHOW_UID},
	};
	int r;

	/* CONFIG_UNIX=n, which no distribution has. */
	if (!host_exists(h, "net/unix"))
		return KIND_NOT_IN_KERNEL;
	if (!module_is_present(h, "unix_diag"))
		return read_unix_file(c, h);
	r = dump(c, h, "unix", &q, sizeof(q), take_unix);
	return r == -ENOENT ? read_unix_file(c, h) : r < 0 ? r : KIND_READ;
}

/* ---- those that diagnose reads, too ---- */

static int offer_all(struct census *c, const struct socket *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (offer(c, &list[i]) < 0)
			break;
	return KIND_READ;
}

static int read_collected(struct census *c, struct host *h, enum socket_kind kind)
{
	struct snapshot *s = xcalloc(1, sizeof(*s));
	int r = kind == SOCKET_RAW	? collect_raw_sockets(h, s)
		: kind == SOCKET_PACKET ? collect_packet_sockets(h, s)
					: collect_netlink_sockets(h, s);

	if (r == 0)
		r = kind == SOCKET_RAW ? offer_all(c, s->raw_sockets.items, s->raw_sockets.n)
		    : kind == SOCKET_PACKET
			    ? offer_all(c, s->packet_sockets.items, s->packet_sockets.n)
			    : offer_all(c, s->netlink_sockets.items, s->netlink_sockets.n);
	else if (r == COLLECT_UNUSED || r == -ENOENT)
		r = KIND_NOT_IN_KERNEL;
	snapshot_done(s);
	free(s);
	return r;
}

/* Ports, prefixes and TCP's own states are of no use to most of them. */
static bool is_wanted(const struct sockets_options *o, enum socket_kind kind)
{
	const struct sockets_filter *f = &o->filter;

	if (f->kinds && !(f->kinds & 1u << kind))
		return false;
	if (kind == SOCKET_MPTCP)
		return true;
	if (f->port || f->peer.family || f->address.family)
		return false;
	return kind == SOCKET_UNIX || !(o->listeners || f->states);
}

void census_read_kinds(struct census *c, struct host *h)
{
	/* Netlink first: the others are asked through a netlink socket of our own. */
	static const enum socket_kind kinds[] = {SOCKET_NETLINK, SOCKET_MPTCP, SOCKET_UNIX,
						 SOCKET_RAW, SOCKET_PACKET};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		enum socket_kind kind = kinds[i];
		int r;

		if ((!c->last && c->interrupted) || !is_wanted(c->options, kind))
			continue;
		r = kind == SOCKET_MPTCP  ? read_mptcp(c, h)
		    : kind == SOCKET_UNIX ? read_unix(c, h)
					  : read_collected(c, h, kind);
		/* Of several namespaces the one that could not be read counts. */
		if (r < 0)
			c->report->kinds[kind].err = r;
		else if (!c->report->kinds[kind].status || r > KIND_READ)
			c->report->kinds[kind].status = (enum kind_status)r;
	}
}
