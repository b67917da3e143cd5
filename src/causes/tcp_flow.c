// SPDX-License-Identifier: GPL-2.0-or-later
#include "causes/tcp_flow.h"

#include <netinet/in.h>
#include <stdlib.h>

bool is_connection(const struct socket *sk)
{
	return sk->protocol == IPPROTO_TCP && sk->tcp_known && sk->state != STATE_LISTEN &&
	       sk->state != STATE_SYN_SENT && sk->state != STATE_SYN_RECV;
}

static uint64_t grown(uint64_t before, uint64_t now)
{
	return now - MIN(before, now);
}

static int by_cookie(const void *one, const void *other)
{
	const struct socket *a = *(const struct socket *const *)one;
	const struct socket *b = *(const struct socket *const *)other;

	return a->cookie < b->cookie ? -1 : a->cookie > b->cookie;
}

void flow_index_init(struct exam *x, struct flow_index *ret)
{
	*ret = (struct flow_index){.x = x};
	vec_each(sk, &x->o->a.sockets)
		if (is_connection(sk))
			*vec_push(&ret->sorted) = sk;
	if (ret->sorted.n)
		qsort(ret->sorted.items, ret->sorted.n, sizeof(*ret->sorted.items), by_cookie);
	x->flows = ret;
}

void flow_index_done(struct flow_index *index)
{
	if (index->x)
		index->x->flows = NULL;
	vec_done(&index->sorted);
}

const struct socket *socket_before(const struct exam *x, const struct socket *sk)
{
	const struct socket *const *found;

	if (!x->flows || !x->flows->sorted.n)
		return NULL;
	found = bsearch(&sk, x->flows->sorted.items, x->flows->sorted.n, sizeof(sk), by_cookie);
	return found ? *found : NULL;
}

struct flow_time flow_time(const struct exam *x, const struct socket *sk)
{
	static const struct socket none;
	const struct socket *before = socket_before(x, sk), *was = before ? before : &none;

	return (struct flow_time){
		.busy_us = grown(was->busy_us, sk->busy_us),
		.rwnd_us = grown(was->tcp.rwnd_limited_us, sk->tcp.rwnd_limited_us),
		.sndbuf_us = grown(was->sndbuf_limited_us, sk->sndbuf_limited_us),
		.acked = grown(was->bytes_acked, sk->bytes_acked),
		.again = grown(was->retrans_total, sk->retrans_total),
		.delivered = grown(was->tcp.delivered, sk->tcp.delivered),
		.ce = grown(was->tcp.delivered_ce, sk->tcp.delivered_ce),
	};
}
