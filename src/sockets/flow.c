// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sock_diag asked twice: for the identities of all sockets, and then for all about one of them.
 * The second is a dump too, narrowed in the kernel by the ports (inet_diag_bc_sk()): the direct
 * look-up finds among listeners of one port whichever SO_REUSEPORT chooses.
 *
 * Kernel: net/ipv4/inet_diag.c; of struct tcp_info what came after 6.1 is taken by its place.
 */
#define _GNU_SOURCE
#include "sockets/flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/parse.h"
#include "collect/sock_diag.h"
#include "nl/nl.h"

#define STATES_ALL 0xfffu
/* Places in struct tcp_info: tcpi_rcv_wnd (6.2), tcpi_total_rto and its neighbours (6.7). */
#define RCV_WND_AT 232
#define TOTAL_RTO_AT 240

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

/* ---- names ---- */

static int parse_port(const char *text, uint16_t *ret)
{
	uint64_t port;

	if (strcmp(text, "*") == 0) {
		*ret = 0;
		return 0;
	}
	if (parse_u64((struct span){text, strlen(text)}, UINT16_MAX, &port) < 0)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

/* Of "[fe80::1%eth0]" only the address. */
static int parse_address(char *text, struct flow_end *e)
{
	size_t n = strlen(text);

	if (!n || strcmp(text, "*") == 0)
		return 0;
	if (text[0] == '[' && text[n - 1] == ']') {
		text[n - 1] = '\0';
		text++;
	}
	text[strcspn(text, "%")] = '\0';
	if (inet_pton(AF_INET, text, e->address) == 1) {
		e->family = AF_INET;
		return 0;
	}
	if (inet_pton(AF_INET6, text, e->address) != 1)
		return -EINVAL;
	e->family = AF_INET6;
	if (memcmp(e->address, v4_mapped, sizeof(v4_mapped)) == 0) {
		memmove(e->address, e->address + 12, 4);
		memset(e->address + 4, 0, 12);
		e->family = AF_INET;
	}
	return 0;
}

static int parse_end(char *text, struct flow_end *ret)
{
	char *colon = strrchr(text, ':');
	struct flow_end e = {0};

	if (!colon || parse_port(colon + 1, &e.port) < 0)
		return -EINVAL;
	*colon = '\0';
	if (parse_address(text, &e) < 0 || (!e.family && !e.port))
		return -EINVAL;
	*ret = e;
	return 0;
}

static int parse_number(const char *text, struct flow_name *f)
{
	struct span number;

	f->only_cookie = strncmp(text, "sk:", 3) == 0;
	f->only_inode = strncmp(text, "ino:", 4) == 0;
	text += f->only_cookie ? 3 : f->only_inode ? 4 : 0;
	number = (struct span){text, strlen(text)};
	if ((f->only_cookie ? parse_hex64(number, UINT64_MAX, &f->number)
			    : parse_u64(number, UINT64_MAX, &f->number)) < 0 ||
	    !f->number)
		return -EINVAL;
	return 0;
}

int flow_parse(const char *text, struct flow_name *ret)
{
	struct flow_name f = {0};
	char copy[128], *dash;
	size_t n = strlen(text);

	if (!n || n >= sizeof(copy))
		return -EINVAL;
	if (parse_number(text, &f) < 0) {
		f = (struct flow_name){0};
		memcpy(copy, text, n + 1);
		dash = strchr(copy, '-');
		f.pair = dash != NULL;
		if (dash)
			*dash = '\0';
		if (parse_end(copy, &f.a) < 0 || (dash && parse_end(dash + 1, &f.b) < 0))
			return -EINVAL;
	}
	*ret = f;
	return 0;
}

static bool is_end(const struct flow_end *e, const struct socket *sk, bool remote)
{
	const uint8_t *address = remote ? sk->remote : sk->local;
	uint16_t port = remote ? sk->remote_port : sk->local_port;
	bool mapped = sk->family == AF_INET6 && memcmp(address, v4_mapped, sizeof(v4_mapped)) == 0;
	uint8_t family = mapped ? AF_INET : sk->family;

	if ((e->port && e->port != port) || (remote && !sk->remote_port))
		return false;
	return !e->family || (e->family == family &&
			      memcmp(e->address, mapped ? address + 12 : address,
				     family == AF_INET ? 4 : 16) == 0);
}

bool flow_is(const struct flow_name *f, const struct socket *sk)
{
	if (f->number)
		return (!f->only_cookie && sk->inode && f->number == sk->inode) ||
		       (!f->only_inode && f->number == sk->cookie);
	if (f->pair)
		return (is_end(&f->a, sk, false) && is_end(&f->b, sk, true)) ||
		       (is_end(&f->b, sk, false) && is_end(&f->a, sk, true));
	return is_end(&f->a, sk, false) || is_end(&f->a, sk, true);
}

bool flow_is_straight(const struct flow_name *f, const struct socket *sk)
{
	return !f->number && is_end(&f->a, sk, false) && (!f->pair || is_end(&f->b, sk, true));
}

/* ---- who matches ---- */

struct request {
	struct nlmsghdr h;
	struct inet_diag_req_v2 r;
};

static void make_request(struct request *q, size_t size, uint8_t family, uint8_t protocol)
{
	memset(q, 0, size);
	q->h = (struct nlmsghdr){.nlmsg_len = (uint32_t)size,
				 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
				 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP};
	q->r = (struct inet_diag_req_v2){.sdiag_family = family,
					 .sdiag_protocol = protocol,
					 .idiag_states = STATES_ALL};
}

struct search {
	struct nl_sink sink; /* first, so that a sink is its search */
	const struct flow_name *flow;
	uint8_t protocol;
	struct flow_found *found;
	size_t n_before, all_before, straight_before; /* to begin again */
};

static int search_piece(struct nl_sink *sink, const struct buf *messages)
{
	struct search *s = (struct search *)sink;

	nl_each(message, messages) {
		struct sock_diag d;
		struct socket sk;
		int r = sock_diag_read(message.h, &d);

		if (r < 0)
			return r;
		if (!r)
			continue;
		sock_diag_socket(&d, s->protocol, &sk);
		if (!flow_is(s->flow, &sk))
			continue;
		s->found->all++;
		if (flow_is_straight(s->flow, &sk)) {
			s->found->straight++;
			s->found->straight_one = sk;
		}
		if (s->found->n < FLOW_MATCHES)
			s->found->matches[s->found->n++] = sk;
	}
	return 0;
}

static void search_again(struct nl_sink *sink)
{
	struct search *s = (struct search *)sink;

	s->found->n = s->n_before;
	s->found->all = s->all_before;
	s->found->straight = s->straight_before;
}

int flow_find(struct host *h, const struct flow_name *f, struct flow_found *ret)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
	static const uint8_t families[] = {AF_INET, AF_INET6};
	for (size_t i = 0; i < ARRAY_SIZE(protocols) * ARRAY_SIZE(families); i++) {
		uint8_t family = families[i % ARRAY_SIZE(families)];
		struct search s = {
			.sink = {.piece = search_piece, .restart = search_again},
			.flow = f,
			.protocol = protocols[i / ARRAY_SIZE(families)],
			.found = ret,
			.n_before = ret->n,
			.all_before = ret->all,
			.straight_before = ret->straight,
		};
		struct request q;
		char name[32];
		int r;

		make_request(&q, sizeof(q), family, s.protocol);
		snprintf(name, sizeof(name), "flow-%s%s", s.protocol == IPPROTO_TCP ? "tcp" : "udp",
			 family == AF_INET6 ? "6" : "4");
		r = host_netlink_stream(h, name, NETLINK_SOCK_DIAG, &q, sizeof(q), &s.sink);
		/* A kernel without IPv6 has no sockets of it. */
		if (r < 0 && !(r == -ENOENT && family == AF_INET6))
			return r;
	}
	return 0;
}

/* ---- all about one ---- */

static uint32_t u32_at(const unsigned char *data, size_t at)
{
	uint32_t n;

	memcpy(&n, data + at, sizeof(n));
	return n;
}

static void take_info(const unsigned char *data, size_t n, struct socket_extra *x)
{
	if (n >= RCV_WND_AT + 4) {
		x->rcv_wnd_known = true;
		x->rcv_wnd = u32_at(data, RCV_WND_AT);
	}
	if (n >= TOTAL_RTO_AT + 8) {
		uint16_t counts[2];

		memcpy(counts, data + TOTAL_RTO_AT, sizeof(counts));
		x->rto_known = true;
		x->total_rto = counts[0];
		x->total_rto_recoveries = counts[1];
		x->total_rto_ms = u32_at(data, TOTAL_RTO_AT + 4);
	}
}

static void take_bbr(const unsigned char *data, size_t n, struct socket_extra *x)
{
	struct tcp_bbr_info bbr;

	if (n < sizeof(bbr))
		return;
	memcpy(&bbr, data, sizeof(bbr));
	x->bbr_known = true;
	x->bbr_bandwidth = bbr.bbr_bw_lo | (uint64_t)bbr.bbr_bw_hi << 32;
	x->bbr_min_rtt_us = bbr.bbr_min_rtt;
	x->bbr_pacing_gain = bbr.bbr_pacing_gain;
	x->bbr_cwnd_gain = bbr.bbr_cwnd_gain;
}

/* INET_DIAG_ULP_INFO holds attributes of its own, the name first. */
static void take_upper(const unsigned char *data, size_t n, struct socket_extra *x)
{
	struct nlattr a;
	size_t size;

	if (n < NLA_HDRLEN)
		return;
	memcpy(&a, data, sizeof(a));
	if ((a.nla_type & NLA_TYPE_MASK) != INET_ULP_INFO_NAME || a.nla_len < NLA_HDRLEN ||
	    a.nla_len > n)
		return;
	size = MIN((size_t)a.nla_len - NLA_HDRLEN, sizeof(x->ulp) - 1);
	memcpy(x->ulp, data + NLA_HDRLEN, size);
	x->ulp[size] = '\0';
}

static void take_attribute(uint16_t type, const unsigned char *data, size_t n,
			   struct socket_extra *x)
{
	switch (type) {
	case INET_DIAG_INFO:
		take_info(data, n, x);
		break;
	case INET_DIAG_BBRINFO:
		take_bbr(data, n, x);
		break;
	case INET_DIAG_ULP_INFO:
		take_upper(data, n, x);
		break;
	case INET_DIAG_TOS:
	case INET_DIAG_TCLASS:
		/* The class of IPv6 comes after the TOS, and is the one that is sent. */
		if (n >= 1) {
			x->tos_known = true;
			x->tos = data[0];
		}
		break;
	case INET_DIAG_SHUTDOWN:
		if (n >= 1)
			x->shutdown = data[0];
		break;
	case INET_DIAG_MARK:
		if (n >= 4)
			x->mark = u32_at(data, 0);
		break;
	case INET_DIAG_CGROUP_ID:
		if (n >= 8)
			memcpy(&x->cgroup, data, sizeof(x->cgroup));
		break;
	case INET_DIAG_SKMEMINFO:
		if (n >= (SK_MEMINFO_OPTMEM + 1) * 4)
			x->optmem = u32_at(data, SK_MEMINFO_OPTMEM * 4);
		break;
	}
}

int flow_extra(const struct nlmsghdr *h, struct socket_extra *ret)
{
	const unsigned char *p = (const unsigned char *)h;
	size_t at = NLMSG_LENGTH(sizeof(struct inet_diag_msg)), end = h->nlmsg_len;
	struct socket_extra x = {0};

	while (at + NLA_HDRLEN <= end) {
		struct nlattr a;

		memcpy(&a, p + at, sizeof(a));
		if (a.nla_len < NLA_HDRLEN || a.nla_len > end - at)
			return -EBADMSG;
		take_attribute(a.nla_type & NLA_TYPE_MASK, p + at + NLA_HDRLEN,
			       a.nla_len - (size_t)NLA_HDRLEN, &x);
		at += NLA_ALIGN((size_t)a.nla_len);
	}
	*ret = x;
	return 0;
}

struct one {
	struct nl_sink sink; /* first, so that a sink is its one */
	const struct socket *which;
	bool found;
	struct socket *sk;
	struct socket_extra *extra;
};

static int one_piece(struct nl_sink *sink, const struct buf *messages)
{
	struct one *o = (struct one *)sink;

	nl_each(message, messages) {
		struct sock_diag d;
		struct socket sk;
		int r = sock_diag_read(message.h, &d);

		if (r < 0)
			return r;
		if (!r)
			continue;
		sock_diag_socket(&d, o->which->protocol, &sk);
		if (sk.cookie != o->which->cookie)
			continue;
		r = flow_extra(message.h, o->extra);
		if (r < 0)
			return r;
		*o->sk = sk;
		o->found = true;
	}
	return 0;
}

static void one_again(struct nl_sink *sink)
{
	((struct one *)sink)->found = false;
}

int flow_read(struct host *h, const struct socket *which, struct socket *ret,
	      struct socket_extra *ret_extra)
{
	struct {
		struct request q;
		struct nlattr filter;
		/* "source port is, else refuse; destination port is, else refuse" */
		struct inet_diag_bc_op ops[4];
	} r;
	struct socket sk;
	struct socket_extra extra;
	struct one one = {.sink = {.piece = one_piece, .restart = one_again},
			  .which = which,
			  .sk = &sk,
			  .extra = &extra};
	int e;

	make_request(&r.q, sizeof(r), which->family, which->protocol);
	r.q.r.idiag_ext = 0xff;
	r.filter = (struct nlattr){.nla_len = sizeof(r.filter) + sizeof(r.ops),
				   .nla_type = INET_DIAG_REQ_BYTECODE};
	/* Past the end by 4 means no. */
	r.ops[0] = (struct inet_diag_bc_op){INET_DIAG_BC_S_EQ, 8, 20};
	r.ops[1] = (struct inet_diag_bc_op){.no = which->local_port};
	r.ops[2] = (struct inet_diag_bc_op){INET_DIAG_BC_D_EQ, 8, 12};
	r.ops[3] = (struct inet_diag_bc_op){.no = which->remote_port};
	e = host_netlink_stream(h, "flow", NETLINK_SOCK_DIAG, &r, sizeof(r), &one.sink);
	if (e < 0)
		return e;
	if (!one.found)
		return -ENOENT;
	*ret = sk;
	*ret_extra = extra;
	return 0;
}
