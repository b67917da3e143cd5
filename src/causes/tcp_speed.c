// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: what holds a connection back while it has data to send. The kernel keeps the time
 * (tcp_chrono_start): the peer's window, its own send buffer, else the network.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/sockbuf.h"
#include "causes/tcp_flow.h"

/* Of the time it had data; one that paces itself (BBR) takes what a window allows for its own rate. */
#define LIMITED_SHARE 0.25
#define BUSY_SHARE 0.25	    /* of the sample: for less it is no bulk */
#define FULL_WINDOW_SHARE 0.75 /* a window that is used up each round trip, and not by a slow reader */
#define LONG_RTT_US 1000    /* below, the buffers of the default hold what any link carries */
#define CE_SHARE 0.01	    /* of the delivered segments: marked by a router in place of a drop */
#define LEAST 10
#define BUFFER_MOST ((uint64_t)64 << 20)
#define SUBJECTS_SHOWN 5

struct limited {
	const struct socket *sk;
	bool rwnd; /* by the peer's window, else by the send buffer */
	double share, rate; /* bytes per second */
};

/* The busiest connection that a buffer holds back; sk NULL: none. */
static bool is_limited(const struct exam *x, const struct socket *sk, struct limited *ret)
{
	struct flow_time t = flow_time(x, sk);
	struct limited l = {.sk = sk, .rwnd = t.rwnd_us > t.sndbuf_us};
	double rtt = (double)sk->tcp.rtt_us / 1e6, seconds = MAX(x->o->seconds, 0.001);

	if (!is_connection(sk) || sk->tcp.rtt_us < LONG_RTT_US || x->o->since_boot ||
	    (double)t.busy_us < BUSY_SHARE * seconds * 1e6)
		return false;
	l.share = (double)MAX(t.rwnd_us, t.sndbuf_us) / (double)t.busy_us;
	l.rate = (double)t.acked * 1e6 / (double)t.busy_us;
	/* A peer that reads slowly has its window used up by far less than one each round trip. */
	if (l.share < LIMITED_SHARE ||
	    (l.rwnd && (sk->tcp.snd_wnd < 2 * sk->snd_mss ||
			l.rate * rtt < FULL_WINDOW_SHARE * (double)sk->tcp.snd_wnd)))
		return false;
	*ret = l;
	return true;
}

/* Mbit/s of the fastest card; 0: none tells. Which of several a peer is behind is not known. */
static uint64_t link_speed(const struct exam *x)
{
	uint64_t most = 0;

	vec_each(nic, &x->o->b.nics)
		most = MAX(most, nic->speed);
	return most;
}

/* Twice the bandwidth-delay product: at the speed of the link, or of twice what it has now. */
static uint64_t buffer_needed(const struct exam *x, const struct limited *l, char *why, size_t size)
{
	uint64_t mbit = link_speed(x);
	double rate = mbit ? (double)mbit * 1e6 / 8 : l->rate * 2;
	double bdp = rate * (double)l->sk->tcp.rtt_us / 1e6;

	snprintf(why, size, "%.0f Mbit/s%s over %.1f ms are %.0f bytes under way; twice that", rate * 8 / 1e6,
		 mbit ? " (the fastest card)" : ", twice as fast as now,",
		 (double)l->sk->tcp.rtt_us / 1000, bdp);
	return MIN(next_power_of_two((uint64_t)(2 * bdp)), BUFFER_MOST);
}

static void sndbuf_remedy(struct exam *x, struct finding *f, const struct limited *l)
{
	const struct sysctl_value *wmem = &x->o->b.sysctl[K_TCP_WMEM];
	char why[160], from[80], to[80];
	uint64_t need = buffer_needed(x, l, why, sizeof(why));
	struct remedy *r;

	if (first_of(f)->socket.sndbuf_locked ||
	    (wmem->n == 3 && l->sk->sndbuf < (uint64_t)wmem->v[2] / 2)) {
		r = finding_remedy(f, "drop-so-sndbuf", REMEDY_SOCKET,
				   first_of(f)->socket.sndbuf_locked
					   ? "no SO_SNDBUF in the program: TCP then sizes the buffer itself"
					   : "see whether the program sets SO_SNDBUF; without it TCP sizes "
					     "the buffer itself");
		if (wmem->n == 3)
			remedy_why(r, "the buffer is %u bytes, tcp_wmem allows %lld", l->sk->sndbuf,
				   (long long)wmem->v[2]);
		remedy_cost(r, "memory, within tcp_mem");
		return;
	}
	if (wmem->n != 3 || need <= (uint64_t)wmem->v[2])
		return;
	snprintf(from, sizeof(from), "%lld %lld %lld", (long long)wmem->v[0], (long long)wmem->v[1],
		 (long long)wmem->v[2]);
	snprintf(to, sizeof(to), "%lld %lld %llu", (long long)wmem->v[0], (long long)wmem->v[1],
		 (unsigned long long)need);
	r = finding_remedy(f, "raise-tcp-wmem", REMEDY_SYSCTL,
			   "raise the third number of net.ipv4.tcp_wmem %lld -> %llu",
			   (long long)wmem->v[2], (unsigned long long)need);
	remedy_why(r, "%s", why);
	remedy_cost(r, "every connection may use as much memory, within tcp_mem");
	remedy_sysctl_text(r, "net.ipv4.tcp_wmem", from, to);
}

static void window_remedy(struct exam *x, struct finding *f, const struct limited *l)
{
	char why[160], peer[64];
	uint64_t need = buffer_needed(x, l, why, sizeof(why));
	struct remedy *r;

	address_text(l->sk->family, l->sk->remote, peer, sizeof(peer));
	r = finding_remedy(f, "larger-window-of-peer", REMEDY_SOCKET,
			   l->sk->tcp.snd_wscale
				   ? "on %s: no SO_RCVBUF in the program that reads, and as third number of "
				     "net.ipv4.tcp_rmem %llu or more"
				   : "on %s: net.ipv4.tcp_window_scaling=1; without it no window is larger "
				     "than 65535 bytes (%llu are wanted)",
			   peer, (unsigned long long)need);
	remedy_why(r, "%s", why);
	remedy_cost(r, "memory there, within tcp_mem");
}

static struct limited first_limited(struct exam *x, struct finding **f)
{
	struct limited first = {0};

	vec_each(sk, &x->o->b.sockets) {
		struct limited l;

		if (!is_limited(x, sk, &l))
			continue;
		first = first.sk ? first : l;
		*f = *f ? *f : finding_new(x);
		if ((*f)->subjects.n < SUBJECTS_SHOWN)
			subject_socket(x, finding_subject(*f), sk);
	}
	return first;
}

enum outcome examine_buffer_limited(struct exam *x)
{
	cleanup(flow_index_done) struct flow_index index = {0};
	struct finding *f = NULL;
	char who[64], peer[64];
	struct limited l;

	flow_index_init(x, &index);
	l = first_limited(x, &f);
	if (!f) {
		evidence_text(NULL, x, "no connection with a round trip of %d ms or more was held back by a "
				       "buffer for %.0f %% of the time it had data",
			      LONG_RTT_US / 1000, LIMITED_SHARE * 100);
		return NOT_FOUND;
	}
	f->state = AT_RISK;
	f->severity = SEVERITY_INFO;
	address_text(l.sk->family, l.sk->remote, peer, sizeof(peer));
	finding_headline(f, "%s holds %s back on the way to %s: %.1f Mbit/s",
			 l.rwnd ? "the peer's receive window" : "the send buffer",
			 owner_text(first_of(f), who, sizeof(who)), peer, l.rate * 8 / 1e6);
	finding_text(f, "A connection carries no more than one %s in a round trip, however fast the "
			"link is. Nothing is lost.",
		     l.rwnd ? "window" : "buffer");
	evidence_text(f, x, "%.0f %% of the time it had data to send it waited for %s", l.share * 100,
		      l.rwnd ? "the peer's window" : "room in its own buffer");
	if (l.rwnd)
		evidence_text(f, x, "window %u bytes in %.1f ms are %.1f Mbit/s at most", l.sk->tcp.snd_wnd,
			      (double)l.sk->tcp.rtt_us / 1000,
			      (double)l.sk->tcp.snd_wnd * 8 / (double)l.sk->tcp.rtt_us);
	else
		evidence_text(f, x, "send buffer %u bytes (memory; about half of it is data), round trip "
				    "%.1f ms%s",
			      l.sk->sndbuf, (double)l.sk->tcp.rtt_us / 1000,
			      first_of(f)->socket.sndbuf_locked ? ", set by the program (SO_SNDBUF)" : "");
	finding_exclude(f, "a window that is closed, or a peer that reads slowly (%.0f %% of a window "
			   "goes out each round trip)",
			l.sk->tcp.snd_wnd ? l.rate * (double)l.sk->tcp.rtt_us / 1e4 /
						    (double)l.sk->tcp.snd_wnd
					  : 0);
	if (l.rwnd)
		window_remedy(x, f, &l);
	else
		sndbuf_remedy(x, f, &l);
	return FOUND;
}

/* ---- the network ---- */

static bool by_network(const struct exam *x, const struct socket *sk)
{
	struct flow_time t = flow_time(x, sk);

	return is_connection(sk) && sk->wqueue && (t.again || t.ce) &&
	       (double)t.busy_us >= BUSY_SHARE * MAX(x->o->seconds, 0.001) * 1e6 &&
	       (double)(t.rwnd_us + t.sndbuf_us) < 0.5 * (double)t.busy_us;
}

/* Routers say "congested" by a mark where both ends and the path know ECN, in place of a drop. */
static bool is_marked(const struct exam *x)
{
	uint64_t ce = delta_value(delta_counter(x->o, C_TCP_DELIVERED_CE));

	return ce >= LEAST &&
	       (double)ce >= CE_SHARE * (double)delta_value(delta_counter(x->o, C_TCP_DELIVERED));
}

static void cwnd_words(struct exam *x, struct finding *f, bool marked)
{
	const struct socket *sk = f->subjects.n ? &first_of(f)->socket : NULL;
	struct remedy *r;
	char who[80];

	if (sk)
		finding_headline(f, "the network holds back %s: congestion window %u segments, %.1f ms",
				 socket_text(sk, who, sizeof(who)), sk->tcp.cwnd,
				 (double)sk->tcp.rtt_us / 1000);
	else
		finding_headline(f, "the network says that it is congested (ECN)");
	finding_text(f, "TCP sends what the path has shown to carry: %s makes that less. This is "
			"congestion control at work.",
		     marked ? "each mark of a congested router (ECN), where nothing need be lost," : "each loss");
	evidence_counter(f, x, C_TCP_DELIVERED);
	evidence_counter(f, x, C_TCP_DELIVERED_CE);
	evidence_counter(f, x, C_TCP_RETRANS_SEGS);
	if (sk)
		evidence_text(f, x, "%s, ssthresh %u, %u of %u segments delivered were marked, %u sent again",
			      sk->congestion[0] ? sk->congestion : "congestion control not told",
			      sk->tcp.ssthresh, sk->tcp.delivered_ce, sk->tcp.delivered,
			      sk->retrans_total);
	if (sk)
		finding_exclude(f, "a buffer or the peer's window (they held it back for less than half of "
				   "the time)");
	r = finding_remedy(f, "mend-the-loss", REMEDY_CAPACITY,
			   marked ? "more capacity where the marks come from"
				  : "find the loss: no window grows past it");
	remedy_why(r, "another congestion control, a larger initial window or "
		      "tcp_slow_start_after_idle=0 change how soon it is reached, not what the path "
		      "carries");
}

/* Advice alone: told beside a loss of TCP's, or where routers mark. */
enum outcome examine_cwnd_limited(struct exam *x)
{
	cleanup(flow_index_done) struct flow_index index = {0};
	bool marked = is_marked(x), lossy;
	struct finding *f = NULL;

	flow_index_init(x, &index);
	lossy = finding_here(x, "tcp-rto") || finding_here(x, "tcp-fast-retransmit");
	vec_each(sk, &x->o->b.sockets) {
		if ((!lossy && !marked) || !by_network(x, sk))
			continue;
		f = f ? f : finding_new(x);
		if (f->subjects.n < SUBJECTS_SHOWN)
			subject_socket(x, finding_subject(f), sk);
	}
	if (!f && !marked) {
		evidence_counter(NULL, x, C_TCP_DELIVERED_CE);
		evidence_text(NULL, x, "no connection that had data all the time met losses or marks");
		return NOT_FOUND;
	}
	f = f ? f : finding_new(x);
	f->state = AT_RISK;
	f->severity = SEVERITY_INFO;
	cwnd_words(x, f, marked);
	return FOUND;
}
