// SPDX-License-Identifier: GPL-2.0-or-later
/* What the state of a socket means for whom, what waits in it, and what its timer will do. */
#include <netinet/in.h>

#include "render/socket_words.h"

static const char *const meanings[TCP_STATES] = {
	[STATE_ESTABLISHED] = "open: data may flow both ways",
	[STATE_SYN_SENT] = "we asked for a connection, and no answer came yet: the peer, a firewall "
			   "or the way is silent, or it is just new",
	[STATE_SYN_RECV] = "the peer asked, our SYN-ACK is on its way, its ACK has not come",
	[STATE_FIN_WAIT1] = "we closed, and the peer has not acknowledged that yet",
	[STATE_FIN_WAIT2] = "we closed and the peer knows; it has not closed its side",
	[STATE_TIME_WAIT] = "over: kept so that late segments do no harm and a lost last ACK can be "
			    "repeated; it costs some 256 bytes and its port towards this peer",
	[STATE_CLOSE] = "closed",
	[STATE_CLOSE_WAIT] = "the peer closed, and the program here has not: it must call close()",
	[STATE_LAST_ACK] = "both closed; the peer has not acknowledged that we did",
	[STATE_LISTEN] = "waits for connections",
	[STATE_CLOSING] = "both closed at once; the peer has not acknowledged that we did",
};

const char *socket_state_meaning(uint8_t state)
{
	return state < TCP_STATES && meanings[state] ? meanings[state] : "?";
}

/* ---- the queues ---- */

static void listener_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;
	int64_t most = v->settings->somaxconn;

	/* sk_acceptq_is_full(): more than the backlog, so that one more than it fits. */
	socket_word(w, "accept queue",
		    "%s wait to be accepted, %s (and one more) may%s", fmt_count(sk->rqueue).s,
		    fmt_count(sk->wqueue).s,
		    sk->rqueue > sk->wqueue ? ": FULL, new connections are dropped (listen-overflow)"
					    : "");
	if (most < 0)
		return;
	if ((int64_t)sk->wqueue >= most)
		socket_word(w, "backlog",
			    "%s: capped by net.core.somaxconn (%s) when it called listen()",
			    fmt_count(sk->wqueue).s, fmt_count((uint64_t)most).s);
	else
		socket_word(w, "backlog",
			    "%s: what the program asked for in listen(), or somaxconn as it was then; "
			    "somaxconn now allows %s",
			    fmt_count(sk->wqueue).s, fmt_count((uint64_t)most).s);
}

static void queue_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;
	uint32_t unsent = sk->tcp.notsent_bytes;
	uint64_t age = tcp_oldest_ms(sk, v->settings);

	socket_word(w, "unread", "%s%s", fmt_bytes(sk->rqueue).s,
		    sk->rqueue ? " received that the program has not read" : "");
	if (!sk->tcp_known) {
		socket_word(w, "to send", "%s", fmt_bytes(sk->wqueue).s);
		return;
	}
	if (sk->state == STATE_SYN_SENT) {
		socket_word(w, "unanswered", "the SYN, for %s", fmt_ms(age).s);
		return;
	}
	if (!sk->wqueue && !sk->unacked) {
		socket_word(w, "to send", "nothing, and all that was sent is acknowledged");
		return;
	}
	socket_word(w, "to send", "%s unacknowledged (%s segments, %s of them told by SACK), "
				  "%s not sent yet",
		    fmt_bytes(sk->wqueue > unsent ? sk->wqueue - unsent : 0).s,
		    fmt_count(sk->unacked).s, fmt_count(sk->sacked).s, fmt_bytes(unsent).s);
	if (age)
		socket_word(w, "oldest", "unacknowledged for at least %s; the last ACK came %s ago",
			    fmt_ms(age).s, fmt_ms(sk->last_ack_ms).s);
}

void socket_state_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;

	if (sk->kind != SOCKET_INET || sk->protocol != IPPROTO_TCP) {
		if (sk->kind == SOCKET_INET)
			socket_word(w, "state", sk->remote_port ? "connected to one peer"
								: "takes datagrams from anybody");
		return;
	}
	if (sk->state < TCP_STATES && meanings[sk->state])
		socket_word(w, "state", "%s", meanings[sk->state]);
	if (socket_is_orphan(sk))
		socket_word(w, "orphan", "its program is gone or has closed it: the kernel ends it "
					 "alone");
	if (sk->state == STATE_LISTEN)
		listener_words(v, w);
	else if (sk->state != STATE_TIME_WAIT && sk->state != STATE_SYN_RECV)
		queue_words(v, w);
}

/* ---- the timer ---- */

static void give_up_words(const struct socket_view *v, const struct give_up *g, const char *by,
			  const char *own, struct buf *b)
{
	if (!g->known) {
		buf_printf(b, "; when it is given up is not known (%s)", by);
		return;
	}
	buf_printf(b, "; %u more %s, then it is given up, in about %s (%s", g->tries,
		   g->tries == 1 ? "try" : "tries", fmt_ms(g->ms).s, by);
	if (g->limit_ms)
		buf_printf(b, ": %.1f s after the first repeat", (double)g->limit_ms / 1000);
	buf_printf(b, "%s%s)", *own && v->sk->inode ? "; " : "", v->sk->inode ? own : "");
}

static void retransmit_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;
	struct give_up g = tcp_give_up(sk, v->settings);
	cleanup(buf_done) struct buf b = {0};

	buf_printf(&b, "retransmission, in %s: ", fmt_ms(sk->timer_ms).s);
	switch (sk->state) {
	case STATE_SYN_SENT:
		buf_printf(&b, "the SYN is sent again (it was %u times)", sk->timer_tries);
		give_up_words(v, &g, "tcp_syn_retries, tcp_syn_linear_timeouts",
			      "unless the program set TCP_SYNCNT or TCP_USER_TIMEOUT", &b);
		break;
	case STATE_SYN_RECV:
		buf_printf(&b, "the SYN-ACK is sent again (it was %u times)", sk->timer_tries);
		give_up_words(v, &g, "tcp_synack_retries", "", &b);
		break;
	default:
		buf_puts(&b, "the first unacknowledged segment is sent again");
		if (sk->timer_tries)
			buf_printf(&b, " (timeouts in a row so far: %u)", sk->timer_tries);
		else
			buf_puts(&b, ", be it after a timeout or as a tail loss probe");
		if (sk->rto_us < v->settings->rto_max_us)
			buf_printf(&b, ", and a timeout doubles the RTO to %s",
				   fmt_us(MIN((uint64_t)sk->rto_us * 2, v->settings->rto_max_us)).s);
		give_up_words(v, &g,
			      socket_is_orphan(sk) ? "tcp_orphan_retries, which as 0 counts as 8"
						   : "tcp_retries2",
			      "unless the program set TCP_USER_TIMEOUT", &b);
	}
	socket_word(w, "timer", "%s", b.data);
}

static void probe_words(const struct socket_view *v, struct socket_words *w)
{
	struct give_up g = tcp_give_up(v->sk, v->settings);
	cleanup(buf_done) struct buf b = {0};

	buf_printf(&b, "persist, in %s: the peer's window is closed or too small, it is asked again "
		       "(unanswered so far: %u; backoff %u)",
		   fmt_ms(v->sk->timer_ms).s, v->sk->timer_tries, v->sk->backoff);
	if (v->sk->timer_tries)
		give_up_words(v, &g, "tcp_retries2", "unless the program set TCP_USER_TIMEOUT", &b);
	else
		buf_puts(&b, "; while it answers this may last for ever");
	socket_word(w, "timer", "%s", b.data);
}

static void keepalive_words(const struct socket_view *v, struct socket_words *w)
{
	const struct tcp_settings *s = v->settings;
	const struct socket *sk = v->sk;

	if (socket_is_orphan(sk)) {
		socket_word(w, "timer", "in %s it is looked at whether the connection is to end "
					"(tcp_fin_timeout)",
			    fmt_ms(sk->timer_ms).s);
		return;
	}
	if (s->keepalive_probes < 0 || s->keepalive_intvl < 0) {
		socket_word(w, "timer", "keepalive, in %s; unanswered probes so far: %u",
			    fmt_ms(sk->timer_ms).s, sk->timer_tries);
		return;
	}
	socket_word(w, "timer",
		    "keepalive, in %s: if nothing came until then the peer is asked; unanswered so "
		    "far: %u, given up after %lld, %lld s apart (tcp_keepalive_probes, _intvl; what "
		    "the program set for itself goes before them and is not told)",
		    fmt_ms(sk->timer_ms).s, sk->timer_tries, (long long)s->keepalive_probes,
		    (long long)s->keepalive_intvl);
}

static void no_timer_words(const struct socket_view *v, struct socket_words *w)
{
	switch (v->sk->state) {
	case STATE_ESTABLISHED:
		socket_word(w, "timer", "none; and no keepalive, so a peer that vanished without a "
					"word is noticed only when something is sent");
		break;
	case STATE_CLOSE_WAIT:
		socket_word(w, "timer", "none: it stays until the program closes it");
		break;
	case STATE_FIN_WAIT2:
		socket_word(w, "timer", "none: it stays until the peer closes, or the program lets go "
					"of it and tcp_fin_timeout ends it");
		break;
	case STATE_LISTEN:
	case STATE_CLOSE:
		break;
	default:
		socket_word(w, "timer", "none");
	}
}

void socket_timer_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;

	switch (sk->timer) {
	case TIMER_RETRANSMIT:
		retransmit_words(v, w);
		break;
	case TIMER_PROBE:
		probe_words(v, w);
		break;
	case TIMER_KEEPALIVE:
		keepalive_words(v, w);
		break;
	case TIMER_TIME_WAIT:
		socket_word(w, "timer", "in %s it is forgotten%s", fmt_ms(sk->timer_ms).s,
			    sk->state == STATE_FIN_WAIT2
				    ? " (tcp_fin_timeout), though the peer has not closed: what it "
				      "sends after that is answered with a reset"
				    : "");
		break;
	default:
		no_timer_words(v, w);
	}
}
