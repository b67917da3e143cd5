// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TCP and UDP by sock_diag (collect/sock_diag.h, collect/sockets.c), every state, each message
 * taken as it comes.
 *
 * net/ipv4/inet_diag.c walks its tables without one lock over all: a socket that comes or goes
 * meanwhile may be told or not, none is told twice unless it moves within the table, and no kernel
 * so far marks such a dump as interrupted. One that does is read again.
 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include "collect/proctext.h"
#include "collect/sock_diag.h"
#include "nl/nl.h"
#include "sockets/census.h"
#include "sockets/flow.h"

#define EXTENSION(name) (1 << (INET_DIAG_##name - 1))
#define ALL_STATES 0xfffu

struct pieces {
	struct nl_sink sink; /* first, so that a sink is its pieces */
	struct census *census;
	uint8_t protocol;
	bool restarted;
};

static int take_piece(struct nl_sink *sink, const struct buf *messages)
{
	struct pieces *p = (struct pieces *)sink;

	/* Once is enough: all of the census begins again, or stays as it is. */
	if (p->restarted)
		return -ECANCELED;
	nl_each(message, messages) {
		struct sock_diag d;
		struct socket sk;
		int r = sock_diag_read(message.h, &d);

		if (r < 0)
			return r;
		if (!r)
			continue;
		sock_diag_socket(&d, p->protocol, &sk);
		if (!census_take(p->census, &sk))
			return -ECANCELED;
	}
	return 0;
}

static void begin_again(struct nl_sink *sink)
{
	struct pieces *p = (struct pieces *)sink;

	p->restarted = p->census->interrupted = true;
}

static int dump(struct census *c, struct host *h, const char *name, uint8_t family, uint8_t protocol)
{
	uint32_t states = c->options->filter.states;
	bool tcp = protocol == IPPROTO_TCP;
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 r;
	} request = {
		.h = {.nlmsg_len = sizeof(request),
		      .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.r = {.sdiag_family = family,
		      .sdiag_protocol = protocol,
		      .idiag_ext = EXTENSION(SKMEMINFO) | (tcp ? EXTENSION(INFO) | EXTENSION(CONG) : 0),
		      .idiag_states = states ? states : ALL_STATES},
	};
	struct pieces to = {
		.sink = {.piece = take_piece, .restart = begin_again}, .census = c, .protocol = protocol};
	int r;

	/* With listeners alone the table of connections is not walked. */
	if (tcp && c->options->listeners)
		request.r.idiag_states = 1u << STATE_LISTEN;
	r = host_netlink_stream(h, name, NETLINK_SOCK_DIAG, &request, sizeof(request), &to.sink);
	return r == -ECANCELED ? 0 : r;
}

/* Nothing in the namespace: the dump would walk the tables of all of them for it. */
static bool none_in_use(struct span sockstat, const char *prefix, const char *field_name)
{
	struct span line, field;
	uint64_t n;

	while (next_line(&sockstat, &line)) {
		if (!next_field(&line, &field) || !span_is(field, prefix))
			continue;
		while (next_field(&line, &field))
			if (span_is(field, field_name))
				return next_field(&line, &field) &&
				       parse_u64(field, UINT64_MAX, &n) == 0 && n == 0;
	}
	return false;
}

int census_read_inet(struct census *c, struct host *h)
{
	/* IPv6 first: its listeners take connections of IPv4, too. */
	static const struct {
		const char *name;
		uint8_t family, protocol;
		const char *prefix;
	} dumps[] = {
		{"tcp6", AF_INET6, IPPROTO_TCP, "TCP6:"},
		{"tcp4", AF_INET, IPPROTO_TCP, "TCP:"},
		{"udp6", AF_INET6, IPPROTO_UDP, "UDP6:"},
		{"udp4", AF_INET, IPPROTO_UDP, "UDP:"},
	};
	struct sockets_space *space = &c->report->spaces.items[c->space];
	cleanup(buf_done) struct buf text4 = {0};
	cleanup(buf_done) struct buf text6 = {0};
	struct span in_use[2] = {0};
	bool time_wait, settings = false;

	read_text(h, "net/sockstat", &text4, &in_use[0]);
	read_text(h, "net/sockstat6", &text6, &in_use[1]);
	/* Those are in no count of sockets in use, and of both families in one. */
	time_wait = !none_in_use(in_use[0], "TCP:", "tw");
	for (size_t i = 0; i < ARRAY_SIZE(dumps) && (c->last || !c->interrupted); i++) {
		bool tcp = dumps[i].protocol == IPPROTO_TCP;
		int r;

		if (none_in_use(in_use[dumps[i].family == AF_INET6], dumps[i].prefix, "inuse") &&
		    !(tcp && time_wait))
			continue;
		if (tcp && !settings)
			flow_sysctls(h, &c->settings);
		settings |= tcp;
		r = dump(c, h, dumps[i].name, dumps[i].family, dumps[i].protocol);
		/* Without IPv6 in the kernel there is no such dump, and no such socket. */
		if (r == -ENOENT && dumps[i].family == AF_INET6)
			continue;
		if (r < 0) {
			space->err = r;
			space->err_what = dumps[i].name;
			return r;
		}
	}
	return 0;
}
