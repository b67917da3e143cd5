// SPDX-License-Identifier: GPL-2.0-or-later
#include "causes/tcp_flow.h"

#include <netinet/in.h>

bool is_connection(const struct socket *sk)
{
	return sk->protocol == IPPROTO_TCP && sk->tcp_known && sk->state != STATE_LISTEN &&
	       sk->state != STATE_SYN_SENT && sk->state != STATE_SYN_RECV;
}

static uint64_t grown(uint64_t before, uint64_t now)
{
	return now - MIN(before, now);
}

struct flow_time flow_time(const struct observation *o, const struct socket *sk)
{
	static const struct socket none;
	const struct socket *before = snapshot_socket(&o->a, sk->cookie);
	bool known = before && before->tcp_known;
	const struct socket *was = known ? before : &none;

	return (struct flow_time){
		.busy_us = grown(was->busy_us, sk->busy_us),
		.rwnd_us = grown(was->tcp.rwnd_limited_us, sk->tcp.rwnd_limited_us),
		.sndbuf_us = grown(was->sndbuf_limited_us, sk->sndbuf_limited_us),
		.acked = grown(was->bytes_acked, sk->bytes_acked),
		.again = grown(was->retrans_total, sk->retrans_total),
		.delivered = grown(was->tcp.delivered, sk->tcp.delivered),
		.ce = grown(was->tcp.delivered_ce, sk->tcp.delivered_ce),
		.known_before = known,
	};
}
