// SPDX-License-Identifier: GPL-2.0-or-later
#include "collect/sock_diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include "nl/nl.h"

uint32_t sock_diag_mem(const struct sock_diag *d, unsigned int index)
{
	size_t at = index * sizeof(uint32_t);
	uint32_t value;

	if (d->meminfo_n < at + sizeof(value))
		return 0;
	memcpy(&value, d->meminfo + at, sizeof(value));
	return value;
}

static void take_attribute(struct sock_diag *d, const struct nlattr *a)
{
	const unsigned char *data = (const unsigned char *)a + NLA_HDRLEN;
	size_t n = a->nla_len - NLA_HDRLEN;

	switch (a->nla_type & NLA_TYPE_MASK) {
	case INET_DIAG_SKMEMINFO:
		d->meminfo = data;
		d->meminfo_n = n;
		break;
	case INET_DIAG_INFO:
		memcpy(&d->tcp, data, MIN(n, sizeof(d->tcp)));
		d->tcp_n = n;
		break;
	case INET_DIAG_CONG:
		d->congestion = data;
		d->congestion_n = n;
		break;
	case INET_DIAG_SKV6ONLY: /* of listeners and of what is not connected */
		d->v6only = n && data[0];
		break;
	}
}

/* Parsed by hand: a host may have a million sockets. */
int sock_diag_read(const struct nlmsghdr *h, struct sock_diag *ret)
{
	struct sock_diag d = {.m = nl_data(h, sizeof(*d.m))};
	const unsigned char *p = (const unsigned char *)h;
	size_t at = NLMSG_LENGTH(sizeof(*d.m)), end = h->nlmsg_len;

	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 0;
	if (!d.m)
		return -EBADMSG;
	if (d.m->idiag_family != AF_INET && d.m->idiag_family != AF_INET6)
		return 0;
	while (at + NLA_HDRLEN <= end) {
		const struct nlattr *a = (const struct nlattr *)(const void *)(p + at);

		if (a->nla_len < NLA_HDRLEN || a->nla_len > end - at)
			return -EBADMSG;
		take_attribute(&d, a);
		at += NLA_ALIGN((size_t)a->nla_len);
	}
	*ret = d;
	return 1;
}

static void take_memory(const struct sock_diag *d, struct socket *sk)
{
	sk->mem_known = d->meminfo_n >= (SK_MEMINFO_DROPS + 1) * sizeof(uint32_t);
	sk->rmem = sock_diag_mem(d, SK_MEMINFO_RMEM_ALLOC);
	sk->rcvbuf = sock_diag_mem(d, SK_MEMINFO_RCVBUF);
	sk->wmem = sock_diag_mem(d, SK_MEMINFO_WMEM_ALLOC);
	sk->sndbuf = sock_diag_mem(d, SK_MEMINFO_SNDBUF);
	sk->forward = sock_diag_mem(d, SK_MEMINFO_FWD_ALLOC);
	sk->wmem_queued = sock_diag_mem(d, SK_MEMINFO_WMEM_QUEUED);
	sk->backlog = sock_diag_mem(d, SK_MEMINFO_BACKLOG);
	sk->drops = sock_diag_mem(d, SK_MEMINFO_DROPS);
}

static void take_tcp_info(const struct tcp_info *from, struct socket *sk)
{
	struct tcp_numbers *t = &sk->tcp;

	sk->tcp_known = true;
	sk->busy_us = from->tcpi_busy_time;
	sk->sndbuf_limited_us = from->tcpi_sndbuf_limited;
	sk->backoff = from->tcpi_backoff;
	sk->rto_us = from->tcpi_rto;
	sk->sacked = from->tcpi_sacked;
	sk->snd_mss = from->tcpi_snd_mss;
	sk->pmtu = from->tcpi_pmtu;
	sk->last_ack_ms = from->tcpi_last_ack_recv;
	sk->bytes_acked = from->tcpi_bytes_acked;
	sk->bytes_again = from->tcpi_bytes_retrans;
	sk->unacked = from->tcpi_unacked;
	sk->lost = from->tcpi_lost;
	sk->retrans_total = from->tcpi_total_retrans;
	*t = (struct tcp_numbers){
		.ca_state = from->tcpi_ca_state,
		.retransmits = from->tcpi_retransmits,
		.probes = from->tcpi_probes,
		.options = from->tcpi_options,
		.snd_wscale = from->tcpi_snd_wscale,
		.rcv_wscale = from->tcpi_rcv_wscale,
		.app_limited = from->tcpi_delivery_rate_app_limited,
		.ato_us = from->tcpi_ato,
		.rcv_mss = from->tcpi_rcv_mss,
		.advmss = from->tcpi_advmss,
		.retrans = from->tcpi_retrans,
		.last_sent_ms = from->tcpi_last_data_sent,
		.last_received_ms = from->tcpi_last_data_recv,
		.rcv_ssthresh = from->tcpi_rcv_ssthresh,
		.rtt_us = from->tcpi_rtt,
		.rttvar_us = from->tcpi_rttvar,
		.min_rtt_us = from->tcpi_min_rtt,
		.rcv_rtt_us = from->tcpi_rcv_rtt,
		.ssthresh = from->tcpi_snd_ssthresh,
		.cwnd = from->tcpi_snd_cwnd,
		.reordering = from->tcpi_reordering,
		.reord_seen = from->tcpi_reord_seen,
		.rcv_space = from->tcpi_rcv_space,
		.rcv_ooopack = from->tcpi_rcv_ooopack,
		.dsack_dups = from->tcpi_dsack_dups,
		.notsent_bytes = from->tcpi_notsent_bytes,
		.snd_wnd = from->tcpi_snd_wnd,
		.segs_out = from->tcpi_segs_out,
		.segs_in = from->tcpi_segs_in,
		.data_segs_out = from->tcpi_data_segs_out,
		.data_segs_in = from->tcpi_data_segs_in,
		.delivered = from->tcpi_delivered,
		.delivered_ce = from->tcpi_delivered_ce,
		.rwnd_limited_us = from->tcpi_rwnd_limited,
		.pacing_rate = from->tcpi_pacing_rate,
		.delivery_rate = from->tcpi_delivery_rate,
		.bytes_sent = from->tcpi_bytes_sent,
		.bytes_received = from->tcpi_bytes_received,
	};
}

void sock_diag_socket(const struct sock_diag *d, uint8_t protocol, struct socket *ret)
{
	const struct inet_diag_sockid *id = &d->m->id;
	size_t size = d->m->idiag_family == AF_INET ? 4 : 16;
	struct socket *sk = ret;

	*sk = (struct socket){
		.cookie = id->idiag_cookie[0] | (uint64_t)id->idiag_cookie[1] << 32,
		.inode = d->m->idiag_inode,
		.uid = d->m->idiag_uid,
		.family = d->m->idiag_family,
		.protocol = protocol,
		.state = d->m->idiag_state,
		.local_port = ntohs(id->idiag_sport),
		.remote_port = ntohs(id->idiag_dport),
		.ifindex = id->idiag_if,
		.rqueue = d->m->idiag_rqueue,
		.wqueue = d->m->idiag_wqueue,
		.timer = d->m->idiag_timer,
		.timer_tries = d->m->idiag_retrans,
		.timer_ms = d->m->idiag_expires,
		.v6only = d->v6only,
	};
	memcpy(sk->local, id->idiag_src, size);
	memcpy(sk->remote, id->idiag_dst, size);
	take_memory(d, sk);
	if (d->congestion)
		memcpy(sk->congestion, d->congestion, MIN(d->congestion_n, sizeof(sk->congestion) - 1));
	/* For a listener tcp_get_info puts the accept queue where the segments in flight stand; small
	 * sockets have none. */
	if (protocol == IPPROTO_TCP && sk->state != STATE_LISTEN && sk->state != STATE_TIME_WAIT &&
	    d->tcp_n)
		take_tcp_info(&d->tcp, sk);
}
