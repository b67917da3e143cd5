// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is the matter with a socket, by its own numbers at one moment. A number that is normal for
 * a moment (a full queue, a closed window) counts only where something tells that it has lasted.
 *
 * Times are since the last of something: tcp_info has no others, and the kernel does not tell how
 * long a socket has been in its state.
 */
#include <netinet/in.h>

#include "sockets/sockets.h"

#define STALLED_MS 200	  /* the shortest RTO: what goes on goes on within it */
#define UNREAD_MS 1000	  /* a program that reads does so sooner */
#define LEAK_MS 60000	  /* tcp_fin_timeout: what waits longer waits for its program */
#define SILENT_MS 7200000 /* tcp_keepalive_time, after which probes would ask for the peer */
#define RETRANS_MIN 10	  /* segments, and one in a hundred: fewer are every network's */

static bool is_tcp(const struct socket *sk)
{
	return sk->kind == SOCKET_INET && sk->protocol == IPPROTO_TCP;
}

static bool is_udp(const struct socket *sk)
{
	return sk->kind == SOCKET_INET && sk->protocol != IPPROTO_TCP;
}

static bool is_connection(const struct socket *sk)
{
	return is_tcp(sk) && sk->tcp_known;
}

static bool in_state(const struct socket *sk, unsigned int states)
{
	return is_tcp(sk) && (1u << sk->state) & states;
}
#define STATE(name) (1u << STATE_##name)
#define CLOSING_STATES (STATE(FIN_WAIT1) | STATE(CLOSING) | STATE(LAST_ACK))

static uint32_t quiet_ms(const struct socket *sk)
{
	return MIN(MIN(sk->last_ack_ms, sk->tcp.last_received_ms), sk->tcp.last_sent_ms);
}

static uint32_t timeouts(const struct socket *sk)
{
	return sk->timer == TIMER_RETRANSMIT ? MAX((uint32_t)sk->timer_tries, sk->backoff) : 0;
}

bool sockets_queues_known(const struct socket *sk)
{
	return sk->kind != SOCKET_UNIX || sk->mem_known;
}

/* sk_acceptq_is_full(): one more than the backlog fits in. */
static bool accept_queue_full(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->rqueue;
	return in_state(sk, STATE(LISTEN)) && sk->rqueue > sk->wqueue;
}

static bool accept_queue_near(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->rqueue;
	return in_state(sk, STATE(LISTEN)) && sk->rqueue > 1 && sk->rqueue <= sk->wqueue &&
	       sk->rqueue * UINT64_C(4) >= sk->wqueue * UINT64_C(3);
}

static bool listener_dropped(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->drops;
	return in_state(sk, STATE(LISTEN)) && sk->drops;
}

static bool timing_out(const struct socket *sk, uint64_t *ret)
{
	*ret = 0;
	return is_connection(sk) && timeouts(sk) &&
	       !in_state(sk, STATE(SYN_SENT) | STATE(SYN_RECV) | CLOSING_STATES);
}

static bool connecting(const struct socket *sk, uint64_t *ret)
{
	*ret = 0;
	return in_state(sk, STATE(SYN_SENT)) && timeouts(sk);
}

/* A request has no tcp_info: how often its SYN-ACK was sent again stands where a timer's tries do. */
static bool synack_again(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->timer_tries;
	return in_state(sk, STATE(SYN_RECV)) && sk->timer_tries;
}

static bool closing_unanswered(const struct socket *sk, uint64_t *ret)
{
	*ret = 0;
	return in_state(sk, CLOSING_STATES) && timeouts(sk);
}

/* Probes carry no data: the last data was sent before the window closed. */
static bool peer_window_closed(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->tcp.last_sent_ms;
	return is_connection(sk) && sk->timer == TIMER_PROBE && sk->wqueue &&
	       sk->tcp.snd_wnd < sk->wqueue && sk->tcp.last_sent_ms >= STALLED_MS;
}

/*
 * __tcp_select_window() offers nothing where less than a sixteenth of the buffer is free, or less
 * than a segment while more than half is used. A connection nobody accepted is its listener's.
 */
static bool own_window_closed(const struct socket *sk, uint64_t *ret)
{
	uint64_t used = (uint64_t)sk->rmem + sk->backlog;
	uint64_t free_bytes = sk->rcvbuf > used ? sk->rcvbuf - used : 0;

	*ret = sk->tcp.last_received_ms;
	return is_connection(sk) && sk->mem_known && sk->rqueue &&
	       sk->tcp.last_received_ms >= STALLED_MS && free_bytes < sk->rcvbuf / 2 &&
	       (free_bytes < sk->rcvbuf / 16 || free_bytes < sk->tcp.rcv_mss);
}

/* The FIN of the peer counts as one byte that was not read. */
static bool unread(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->tcp.last_received_ms;
	return is_connection(sk) && sk->rqueue > (sk->state == STATE_CLOSE_WAIT) &&
	       sk->tcp.last_received_ms >= UNREAD_MS;
}

/* TCP_CA_Recovery, TCP_CA_Loss */
static bool repairing(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->lost;
	return is_connection(sk) && sk->tcp.ca_state >= 3 && sk->lost && !timeouts(sk);
}

static bool close_wait_old(const struct socket *sk, uint64_t *ret)
{
	*ret = quiet_ms(sk);
	return in_state(sk, STATE(CLOSE_WAIT)) && is_connection(sk) && quiet_ms(sk) >= LEAK_MS;
}

/* Without an inode the kernel ends it after tcp_fin_timeout. */
static bool fin_wait2_old(const struct socket *sk, uint64_t *ret)
{
	*ret = quiet_ms(sk);
	return in_state(sk, STATE(FIN_WAIT2)) && is_connection(sk) && sk->inode &&
	       quiet_ms(sk) >= LEAK_MS;
}

static bool retransmitted(const struct socket *sk, uint64_t *ret)
{
	uint64_t again = sk->retrans_total > sk->tcp.dsack_dups
				 ? sk->retrans_total - sk->tcp.dsack_dups
				 : 0;

	*ret = again;
	return is_connection(sk) && again >= RETRANS_MIN && again * 100 >= sk->tcp.data_segs_out;
}

static bool no_keepalive(const struct socket *sk, uint64_t *ret)
{
	*ret = quiet_ms(sk);
	return in_state(sk, STATE(ESTABLISHED)) && is_connection(sk) && sk->inode &&
	       sk->timer == TIMER_NONE && quiet_ms(sk) >= SILENT_MS;
}

static bool receive_full(const struct socket *sk)
{
	return is_udp(sk) && sk->mem_known && sk->rcvbuf &&
	       sk->rmem * UINT64_C(16) >= sk->rcvbuf * UINT64_C(15);
}

static bool udp_full(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->drops;
	return receive_full(sk) && sk->drops;
}

static bool udp_near(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->rmem;
	return is_udp(sk) && sk->mem_known && sk->rcvbuf && sk->rmem >= sk->rcvbuf / 4 * 3 &&
	       !(receive_full(sk) && sk->drops);
}

static bool udp_dropped(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->drops;
	return is_udp(sk) && sk->drops && !receive_full(sk);
}

static bool udp_send_full(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->wmem;
	return is_udp(sk) && sk->mem_known && sk->sndbuf &&
	       sk->wmem * UINT64_C(16) >= sk->sndbuf * UINT64_C(15);
}

/* unix_recvq_full(): one more than the backlog fits in, as in TCP's. */
static bool unix_queue_full(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->rqueue;
	return sk->kind == SOCKET_UNIX && sk->state == STATE_LISTEN && sk->rqueue > sk->wqueue;
}

/* What the other end has not read is charged to the one that sent it. */
static bool unix_send_full(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->wmem;
	return sk->kind == SOCKET_UNIX && sk->mem_known && sk->sndbuf &&
	       sk->wmem * UINT64_C(16) >= sk->sndbuf * UINT64_C(15);
}

static bool raw_dropped(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->drops;
	return sk->kind == SOCKET_RAW && sk->drops;
}

static bool packet_dropped(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->drops;
	return sk->kind == SOCKET_PACKET && sk->drops;
}

static bool netlink_dropped(const struct socket *sk, uint64_t *ret)
{
	*ret = sk->drops;
	return sk->kind == SOCKET_NETLINK && sk->drops;
}

/* Worst first. */
const struct socket_trouble socket_troubles[] = {
	{"accept-queue-full", "listen-overflow", SOCKET_LOSING,
	 "its accept queue is full: further connections are dropped", "connections",
	 accept_queue_full},
	{"udp-buffer-full", "udp-rcvbuf-full", SOCKET_LOSING,
	 "its receive buffer is full, and datagrams were dropped", "packets", udp_full},
	{"timeouts", "tcp-rto", SOCKET_LOSING,
	 "what it sent is not acknowledged, and is sent again after timeouts", "ms", timing_out, true},
	{"connect-unanswered", "syn-timeout", SOCKET_STUCK, "nobody answers its SYN", "ms",
	 connecting, true},
	{"peer-window-closed", "tcp-zero-window-tx", SOCKET_STUCK,
	 "the peer does not read: its window is closed", "ms", peer_window_closed},
	{"own-window-closed", "tcp-zero-window-rx", SOCKET_STUCK,
	 "the program does not read: the receive buffer is full", "ms", own_window_closed},
	{"udp-send-full", "udp-sndbuf-full", SOCKET_STUCK,
	 "its send buffer is full: the device does not take what is sent", "bytes", udp_send_full},
	{"unix-queue-full", "app-accept-slow", SOCKET_STUCK,
	 "its accept queue is full: who connects has to wait", "connections", unix_queue_full},
	{"unix-send-full", "app-slow-reader", SOCKET_STUCK,
	 "the other end does not read what it sent: its send buffer is full", "bytes",
	 unix_send_full},
	{"unread", "app-slow-reader", SOCKET_WAITING, "data has come that the program does not read",
	 "ms", unread},
	{"accept-queue-near", "listen-overflow", SOCKET_WAITING, "its accept queue is nearly full",
	 "connections", accept_queue_near},
	{"synack-unanswered", "synack-retrans", SOCKET_WAITING,
	 "the client does not answer the SYN-ACK", "packets", synack_again},
	{"close-unanswered", "tcp-rto", SOCKET_WAITING, "the peer does not answer the FIN", "ms",
	 closing_unanswered, true},
	{"udp-buffer-near", "udp-rcvbuf-full", SOCKET_WAITING, "its receive buffer is nearly full",
	 "bytes", udp_near},
	{"repairing", "tcp-fast-retransmit", SOCKET_WAITING, "lost segments are being sent again",
	 "packets", repairing},
	{"close-wait", "close-wait-leak", SOCKET_LEAK,
	 "the peer has closed, and the program does not close its side", "ms", close_wait_old},
	{"fin-wait2", "fin-wait2", SOCKET_LEAK, "closed here, and the peer does not close its side",
	 "ms", fin_wait2_old},
	{"listener-dropped", "listen-overflow", SOCKET_LOST,
	 "dropped connections since it was opened", "packets", listener_dropped},
	{"udp-dropped", "udp-rcvbuf-full", SOCKET_LOST, "dropped datagrams since it was opened",
	 "packets", udp_dropped},
	{"raw-dropped", "raw-socket-drop", SOCKET_LOST, "dropped packets since it was opened",
	 "packets", raw_dropped},
	{"packet-dropped", "capture-cost-or-loss", SOCKET_LOST,
	 "missed packets since it was opened: they are not in the capture", "packets",
	 packet_dropped},
	{"netlink-dropped", "netlink-overrun", SOCKET_LOST,
	 "missed messages of the kernel since it was opened", "packets", netlink_dropped},
	{"retransmitted", "tcp-fast-retransmit", SOCKET_LOST,
	 "sent more than one segment in a hundred again", "packets", retransmitted},
	{"no-keepalive", "keepalive-dead-peer", SOCKET_ADVICE,
	 "silent for long, and without keepalive nobody would notice that the peer is gone", "ms",
	 no_keepalive},
};
const size_t socket_troubles_n = ARRAY_SIZE(socket_troubles);
_Static_assert(ARRAY_SIZE(socket_troubles) <= 32, "troubles are bits");

void socket_judge(const struct socket *sk, const struct tcp_settings *s, struct socket_verdict *ret)
{
	struct socket_verdict v = {.unacked_ms = is_connection(sk) ? tcp_oldest_ms(sk, s) : 0};

	for (size_t i = 0; i < ARRAY_SIZE(socket_troubles); i++) {
		uint64_t score;

		if (!socket_troubles[i].seen(sk, &score))
			continue;
		if (socket_troubles[i].unacked)
			score = v.unacked_ms;
		if (!v.troubles) {
			v.score = score;
			v.rank = (uint64_t)socket_troubles[i].class << RANK_CLASS |
				 (uint64_t)(ARRAY_SIZE(socket_troubles) - i) << RANK_ROW |
				 MIN(score, (UINT64_C(1) << RANK_ROW) - 1);
		}
		v.troubles |= 1u << i;
	}
	*ret = v;
}

const struct socket_trouble *socket_worst(const struct socket_verdict *v)
{
	return v->troubles ? &socket_troubles[__builtin_ctz(v->troubles)] : NULL;
}

const char *socket_class_name(enum socket_class class)
{
	static const char *const names[] = {
		[SOCKET_HEALTHY] = "healthy", [SOCKET_ADVICE] = "advice", [SOCKET_LOST] = "lost-before",
		[SOCKET_LEAK] = "leak",	      [SOCKET_WAITING] = "waiting",
		[SOCKET_STUCK] = "stuck",     [SOCKET_LOSING] = "losing"};

	return names[class];
}
