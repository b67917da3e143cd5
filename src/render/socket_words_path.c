// SPDX-License-Identifier: GPL-2.0-or-later
/* A connection's phase, windows, round trip, timeout, losses and rates in words. */
#include "render/socket_words.h"

static void bbr_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket_extra *x = v->extra;
	const char *phase = bbr_phase_name(x);

	if (!phase) {
		socket_word(w, "phase", "%s has phases of its own; slow start and ssthresh say nothing "
					"of it",
			    v->sk->congestion);
		return;
	}
	socket_word(w, "phase",
		    "bbr, %s%s: it sends by what it measured, %s at %s, paced by %.2f of that, cwnd "
		    "%.2f of what that fills; slow start and ssthresh are of no concern",
		    phase,
		    x->bbr_pacing_gain > 512	 ? " (looks for the bandwidth, as slow start would)"
		    : x->bbr_pacing_gain < 128 ? " (empties the queue that it built)"
		    : x->bbr_cwnd_gain == 256	 ? " (nearly stops, to measure the round trip)"
						 : " (tries now and then whether there is more)",
		    fmt_bits((double)x->bbr_bandwidth).s, fmt_us(x->bbr_min_rtt_us).s,
		    x->bbr_pacing_gain / 256.0, x->bbr_cwnd_gain / 256.0);
}

static void phase_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;

	switch (tcp_phase(sk)) {
	case PHASE_UNKNOWN:
		if (sk->congestion[0] == 'b' && sk->tcp.cwnd)
			bbr_words(v, w);
		break;
	case PHASE_SLOW_START:
		socket_word(w, "phase", "slow start: cwnd doubles each round trip, %s",
			    sk->tcp.ssthresh >= SSTHRESH_INFINITE
				    ? "until the first loss (there was none yet)"
				    : "up to ssthresh or the next loss");
		break;
	case PHASE_AVOIDANCE:
		socket_word(w, "phase", "congestion avoidance: cwnd is past ssthresh and grows slowly");
		break;
	case PHASE_DISORDER:
		socket_word(w, "phase", "disorder: duplicate ACKs or SACK came; whether it is a loss "
					"or only reordering is not decided");
		break;
	case PHASE_CWR:
		socket_word(w, "phase", "cwr: cwnd is being reduced without a loss, by an ECN mark or "
					"since this host's own queue was full");
		break;
	case PHASE_RECOVERY:
		socket_word(w, "phase", "recovery: loss told by duplicate ACKs or SACK, what is "
					"missing is sent again (fast retransmit)");
		break;
	case PHASE_LOSS:
		socket_word(w, "phase", "loss: a retransmission timeout ran out; cwnd begins at one "
					"segment again");
		break;
	}
}

static void window_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;
	const struct tcp_numbers *t = &sk->tcp;
	uint64_t congestion = (uint64_t)t->cwnd * sk->snd_mss;
	uint64_t rate = tcp_window_rate(sk, congestion), peers = tcp_window_rate(sk, t->snd_wnd);

	socket_word(w, "cwnd", "%s segment%s of %s bytes: %s under way at most%s%s",
		    fmt_count(t->cwnd).s, t->cwnd == 1 ? "" : "s", fmt_count(sk->snd_mss).s, fmt_bytes(congestion).s,
		    rate ? ", which at this round trip is " : "",
		    rate ? fmt_bits((double)rate).s : "");
	if (t->ssthresh >= SSTHRESH_INFINITE)
		socket_word(w, "ssthresh", "not set: nothing made it slow down yet");
	else
		socket_word(w, "ssthresh", "%s segments%s", fmt_count(t->ssthresh).s,
			    t->ssthresh < 10 ? ": losses brought it down" : "");
	if (!t->snd_wnd)
		socket_word(w, "peer's window",
			    "%s", sk->timer == TIMER_PROBE ? "0: closed, the peer takes nothing"
							    : "0, or not told by this kernel");
	else
		socket_word(w, "peer's window", "%s offered%s%s%s%s", fmt_bytes(t->snd_wnd).s,
			    peers ? ", which at this round trip is " : "",
			    peers ? fmt_bits((double)peers).s : "", peers ? " at most" : "",
			    t->snd_wnd < congestion ? "; it is smaller than cwnd and holds" : "");
}

static void own_window_words(const struct socket_view *v, struct socket_words *w)
{
	const struct tcp_numbers *t = &v->sk->tcp;
	const struct socket_extra *x = v->extra;
	cleanup(buf_done) struct buf b = {0};

	if (x && x->rcv_wnd_known)
		buf_printf(&b, "%s offered to the peer now%s; ", fmt_bytes(x->rcv_wnd).s,
			   x->rcv_wnd ? "" : " (CLOSED)");
	buf_printf(&b, "%s at most for now (rcv_ssthresh), tuned for %s a round trip (rcv_space)",
		   fmt_bytes(t->rcv_ssthresh).s, fmt_bytes(t->rcv_space).s);
	if (t->rcv_rtt_us)
		buf_printf(&b, " of %s", fmt_us(t->rcv_rtt_us).s);
	socket_word(w, "our window", "%s", b.data);
}

/* ---- round trip and timeout ---- */

static void rtt_words(const struct socket_view *v, struct socket_words *w)
{
	const struct tcp_numbers *t = &v->sk->tcp;

	if (!t->rtt_us) {
		socket_word(w, "rtt", "not measured yet");
		return;
	}
	socket_word(w, "rtt", "%s smoothed, %s mean deviation%s%s", fmt_us(t->rtt_us).s,
		    fmt_us(t->rttvar_us).s,
		    t->min_rtt_us && t->min_rtt_us != UINT32_MAX ? ", least seen lately " : "",
		    t->min_rtt_us && t->min_rtt_us != UINT32_MAX ? fmt_us(t->min_rtt_us).s : "");
}

static const char *floor_words(enum rto_min_from from)
{
	return from == RTO_MIN_ROUTE	? "rto_min of its route"
	       : from == RTO_MIN_SYSCTL ? "tcp_rto_min_us"
					: "built in";
}

static void base_words(const struct socket_view *v, const struct rto_parts *p, struct buf *b)
{
	const struct socket *sk = v->sk;
	const struct tcp_settings *s = v->settings;

	if (p->floor)
		buf_printf(b, "%s round trip + %s, the floor (%s), since 4 x %s deviation is less",
			   fmt_us(sk->tcp.rtt_us).s, fmt_us(s->rto_min_us).s,
			   floor_words(s->rto_min_from), fmt_us(sk->tcp.rttvar_us).s);
	else
		buf_printf(b, "%s round trip + 4 x %s deviation", fmt_us(sk->tcp.rtt_us).s,
			   fmt_us(sk->tcp.rttvar_us).s);
	/* Rounded to jiffies, at most 10 ms each. */
	if (p->base_us > p->expected_us + 20000)
		buf_puts(b, ", and more: it varied more a moment ago, which the kernel remembers");
	else if (p->base_us + 20000 < p->expected_us)
		buf_puts(b, ", and less than that: a smaller floor holds for this connection, or the "
			    "round trip has just changed");
}

static void rto_words(const struct socket_view *v, struct socket_words *w)
{
	struct rto_parts p = tcp_rto_parts(v->sk, v->settings);
	cleanup(buf_done) struct buf b = {0};

	buf_printf(&b, "%s", fmt_us(v->sk->rto_us).s);
	if (p.doubled)
		buf_printf(&b, ": %s%s doubled %u times since nothing is acknowledged",
			   p.at_max ? "the most there is, " : "", fmt_us(p.base_us).s, p.doubled);
	if (!p.measured) {
		buf_puts(&b, p.doubled ? "; the first is" : ":");
		buf_puts(&b, " the initial one, since no round trip was measured yet");
	} else {
		buf_puts(&b, p.doubled ? "; which is " : ": ");
		base_words(v, &p, &b);
	}
	socket_word(w, "rto", "%s", b.data);
	if (v->sk->tcp.ato_us)
		socket_word(w, "delayed ACK", "up to %s before an ACK is sent without data",
			    fmt_us(v->sk->tcp.ato_us).s);
}

static void size_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;

	socket_word(w, "mss", "%s bytes of data a segment to the peer (path MTU %s), %s from it; we "
			      "told it %s",
		    fmt_count(sk->snd_mss).s, fmt_count(sk->pmtu).s, fmt_count(sk->tcp.rcv_mss).s,
		    fmt_count(sk->tcp.advmss).s);
}

/* ---- losses ---- */

static void loss_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;
	const struct tcp_numbers *t = &sk->tcp;
	const struct socket_extra *x = v->extra;
	cleanup(buf_done) struct buf b = {0};

	if (!sk->retrans_total) {
		socket_word(w, "retransmits", "none");
	} else {
		buf_printf(&b, "%s segments", fmt_count(sk->retrans_total).s);
		/* Of data where there was some; in the handshake all segments. */
		if (t->data_segs_out >= sk->retrans_total)
			buf_printf(&b, " of %s with data (%s)", fmt_count(t->data_segs_out).s,
				   fmt_share(sk->retrans_total, t->data_segs_out).s);
		if (sk->bytes_again)
			buf_printf(&b, ", %s", fmt_bytes(sk->bytes_again).s);
		if (t->retrans || sk->lost)
			buf_printf(&b, "; now %s under way again, %s believed lost",
				   fmt_count(t->retrans).s, fmt_count(sk->lost).s);
		if (t->dsack_dups)
			buf_printf(&b, "; %s of them needless, the peer had them already (D-SACK)",
				   fmt_count(t->dsack_dups).s);
		socket_word(w, "retransmits", "%s", b.data);
	}
	if (sk->backoff && sk->timer != TIMER_PROBE)
		socket_word(w, "backoff", "%u timeouts in a row: nothing gets through, or nothing comes "
					  "back",
			    sk->backoff);
	if (x && x->rto_known && x->total_rto)
		socket_word(w, "timeouts so far",
			    "%u, in %u row%s; %s were spent in them", x->total_rto,
			    x->total_rto_recoveries, x->total_rto_recoveries == 1 ? "" : "s",
			    fmt_ms(x->total_rto_ms).s);
}

/* ---- who holds it back ---- */

static void limit_words(const struct socket_view *v, struct socket_words *w)
{
	const struct socket *sk = v->sk;
	const struct tcp_numbers *t = &sk->tcp;
	uint64_t held = t->rwnd_limited_us + sk->sndbuf_limited_us;

	if (!sk->busy_us) {
		socket_word(w, "limited by", "nothing: what it sent so far was acknowledged at once");
		return;
	}
	socket_word(w, "limited by",
		    "of %s with data to send: the peer's window %s, our send buffer %s, the rest %s "
		    "(congestion window, path, or the program gave no more)%s",
		    fmt_us(sk->busy_us).s, fmt_share(t->rwnd_limited_us, sk->busy_us).s,
		    fmt_share(sk->sndbuf_limited_us, sk->busy_us).s,
		    fmt_share(sk->busy_us > held ? sk->busy_us - held : 0, sk->busy_us).s,
		    t->app_limited ? "; just now the program sends less than could go" : "");
}

static void rate_words(const struct socket_view *v, struct socket_words *w)
{
	const struct tcp_numbers *t = &v->sk->tcp;
	bool paced = t->pacing_rate && t->pacing_rate != UINT64_MAX;

	if (t->delivery_rate)
		socket_word(w, "delivery", "%s at last measured%s", fmt_bits((double)t->delivery_rate).s,
			    t->app_limited ? ", while the program sent too little to show what goes"
					   : "");
	if (paced)
		socket_word(w, "pacing", "%s at most, segment by segment",
			    fmt_bits((double)t->pacing_rate).s);
}

void socket_path_words(const struct socket_view *v, struct socket_words *w)
{
	if (v->sk->state != STATE_SYN_SENT) {
		phase_words(v, w);
		window_words(v, w);
	}
	rtt_words(v, w);
	rto_words(v, w);
	loss_words(v, w);
	if (v->sk->state == STATE_SYN_SENT)
		return;
	size_words(v, w);
	own_window_words(v, w);
	limit_words(v, w);
	rate_words(v, w);
	if (v->sk->congestion[0])
		socket_word(w, "congestion", "controlled by %s", v->sk->congestion);
}
