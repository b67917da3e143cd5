// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/connection.h"

#include <netinet/in.h>

/* include/net/tcp.h: TCP_TIMEOUT_INIT, TCP_RTO_MIN, TCP_RTO_MAX of all kernels so far. */
#define FIRST_RTO_MS 1000
#define RTO_MIN_US 200000
#define RTO_MAX_US 120000000

void tcp_settings_init(struct tcp_settings *s)
{
	*s = (struct tcp_settings){
		.retries1 = -1,
		.retries2 = -1,
		.orphan_retries = -1,
		.syn_retries = -1,
		.synack_retries = -1,
		.syn_linear = -1,
		.keepalive_time = -1,
		.keepalive_intvl = -1,
		.keepalive_probes = -1,
		.fin_timeout = -1,
		.somaxconn = -1,
		.rmem = {-1, -1, -1},
		.wmem = {-1, -1, -1},
		.rto_min_us = RTO_MIN_US,
		.rto_max_us = RTO_MAX_US,
	};
}

bool socket_is_orphan(const struct socket *sk)
{
	/* One that is open and has none waits to be accepted. */
	return !sk->inode && sk->kind == SOCKET_INET && sk->protocol == IPPROTO_TCP &&
	       (sk->state == STATE_FIN_WAIT1 || sk->state == STATE_FIN_WAIT2 ||
		sk->state == STATE_LAST_ACK || sk->state == STATE_CLOSING);
}

static bool has_congestion_control(const struct socket *sk)
{
	return sk->tcp_known && sk->state != STATE_SYN_SENT && sk->state != STATE_SYN_RECV &&
	       sk->tcp.cwnd > 0;
}

enum tcp_phase tcp_phase(const struct socket *sk)
{
	static const enum tcp_phase phases[] = {[CA_DISORDER] = PHASE_DISORDER,
						[CA_CWR] = PHASE_CWR,
						[CA_RECOVERY] = PHASE_RECOVERY,
						[CA_LOSS] = PHASE_LOSS};
	uint8_t ca = sk->tcp.ca_state;

	if (!has_congestion_control(sk) || ca >= ARRAY_SIZE(phases))
		return PHASE_UNKNOWN;
	if (ca != CA_OPEN)
		return phases[ca];
	/* It sets cwnd by bandwidth and delay; ssthresh is but a place where it keeps an old cwnd. */
	if (strncmp(sk->congestion, "bbr", 3) == 0)
		return PHASE_UNKNOWN;
	return sk->tcp.cwnd < sk->tcp.ssthresh ? PHASE_SLOW_START : PHASE_AVOIDANCE;
}

const char *tcp_phase_name(enum tcp_phase phase)
{
	static const char *const names[] = {
		[PHASE_SLOW_START] = "slow-start", [PHASE_AVOIDANCE] = "congestion-avoidance",
		[PHASE_DISORDER] = "disorder",	   [PHASE_CWR] = "cwr",
		[PHASE_RECOVERY] = "recovery",	   [PHASE_LOSS] = "loss",
	};

	return phase < ARRAY_SIZE(names) ? names[phase] : NULL;
}

/* net/ipv4/tcp_bbr.c: bbr_high_gain 739, bbr_drain_gain 88, bbr_cwnd_gain 512, in 1/256. */
const char *bbr_phase_name(const struct socket_extra *x)
{
	if (!x || !x->bbr_known)
		return NULL;
	if (x->bbr_pacing_gain > 2 * 256)
		return "startup";
	if (x->bbr_pacing_gain < 256 / 2)
		return "drain";
	return x->bbr_cwnd_gain == 256 ? "probe-rtt" : "probe-bw";
}

struct rto_parts tcp_rto_parts(const struct socket *sk, const struct tcp_settings *s)
{
	struct rto_parts p = {.measured = sk->tcp.rtt_us > 0,
			      .variance_us = sk->tcp.rttvar_us * 4,
			      .at_max = sk->rto_us >= s->rto_max_us};

	p.floor = p.variance_us < s->rto_min_us;
	p.expected_us = sk->tcp.rtt_us + MAX(p.variance_us, s->rto_min_us);
	if (!p.measured)
		p.expected_us = FIRST_RTO_MS * 1000;
	/* Probes of a closed window count in backoff as well, and leave the RTO as it is. What was
	 * doubled up to the limit cannot be halved back. */
	p.doubled = sk->timer == TIMER_PROBE ? 0 : sk->backoff;
	p.base_us = p.at_max && p.doubled ? p.expected_us : sk->rto_us >> MIN(p.doubled, 31u);
	return p;
}

/* tcp_model_timeout(): from 200 ms, doubled, whatever this connection's own RTO is. */
static uint64_t model_timeout_ms(uint64_t tries, const struct tcp_settings *s)
{
	uint64_t sum = 0, rto = RTO_MIN_US / 1000, most = s->rto_max_us / 1000;

	for (uint64_t i = 0; i <= tries; i++) {
		sum += rto;
		rto = MIN(rto * 2, most);
	}
	return sum;
}

/* From the first retransmission up to now; the RTO was doubled at each since. */
static uint64_t since_first_ms(const struct socket *sk, const struct tcp_settings *s)
{
	uint64_t rto = tcp_rto_parts(sk, s).base_us / 1000, sum = 0;

	for (unsigned int i = 0; i < sk->tcp.retransmits; i++) {
		rto = MIN(rto * 2, s->rto_max_us / 1000);
		sum += rto;
	}
	return sum > sk->timer_ms ? sum - sk->timer_ms : 0;
}

/* -1 unknown. What no program holds any more is given up sooner (tcp_orphan_retries()). */
static int64_t retries_of(const struct socket *sk, const struct tcp_settings *s)
{
	bool alive = sk->rto_us < s->rto_max_us;
	int64_t retries = !socket_is_orphan(sk)		      ? s->retries2
			  : s->orphan_retries == 0 && alive ? 8
							      : s->orphan_retries;

	return retries > UINT8_MAX ? -1 : retries;
}

/* tcp_write_timeout() of a connection that was open: by time since the first retransmission. */
static struct give_up give_up_data(const struct socket *sk, const struct tcp_settings *s)
{
	int64_t retries = retries_of(sk, s);
	struct give_up g = {.known = true, .ms = sk->timer_ms};
	uint64_t rto = sk->rto_us / 1000, since;

	if (retries < 0)
		return (struct give_up){0};
	g.limit_ms = model_timeout_ms((uint64_t)retries, s);
	if (!sk->tcp.retransmits) { /* the timer now sends the first */
		g.tries = 1;
		rto = MIN(rto * 2, s->rto_max_us / 1000);
		g.ms += rto;
		since = rto;
	} else {
		since = since_first_ms(sk, s) + sk->timer_ms;
	}
	while (since < g.limit_ms) {
		rto = MIN(MAX(rto, 1u) * 2, s->rto_max_us / 1000);
		since += rto;
		g.ms += rto;
		g.tries++;
	}
	return g;
}

/* tcp_write_timeout() of SYN_SENT counts tries, those that are not doubled beside (6.5). */
static struct give_up give_up_syn(const struct socket *sk, const struct tcp_settings *s)
{
	uint64_t linear = s->syn_linear > 0 ? (uint64_t)s->syn_linear : 0;
	uint64_t rto = sk->rto_us / 1000;
	struct give_up g = {.known = s->syn_retries >= 0, .ms = sk->timer_ms};

	if (!g.known || s->syn_retries > 255)
		return (struct give_up){0};
	for (uint64_t done = sk->tcp.retransmits; done < (uint64_t)s->syn_retries + linear; done++) {
		if (done >= linear)
			rto = MIN(rto * 2, s->rto_max_us / 1000);
		g.ms += rto;
		g.tries++;
	}
	return g;
}

/* reqsk_timer_handler(): 1, 2, 4, ... s. */
static struct give_up give_up_synack(const struct socket *sk, const struct tcp_settings *s)
{
	struct give_up g = {.known = s->synack_retries >= 0, .ms = sk->timer_ms};

	if (!g.known || s->synack_retries > 255)
		return (struct give_up){0};
	for (uint64_t done = sk->timer_tries; done < (uint64_t)s->synack_retries; done++) {
		uint64_t rto = (uint64_t)FIRST_RTO_MS << MIN(done + 1, 20u);

		g.ms += MIN(rto, s->rto_max_us / 1000);
		g.tries++;
	}
	return g;
}

/* tcp_probe_timer(): the same number, of probes that nothing answers; each answer begins anew. */
static struct give_up give_up_probes(const struct socket *sk, const struct tcp_settings *s)
{
	uint64_t rto = sk->rto_us / 1000, most = s->rto_max_us / 1000, backoff = sk->backoff;
	int64_t retries = retries_of(sk, s);
	struct give_up g = {.known = retries >= 0, .ms = sk->timer_ms};

	for (int64_t done = sk->timer_tries; done < retries; done++) {
		g.ms += MIN(rto << MIN(++backoff, (uint64_t)20), most);
		g.tries++;
	}
	return g;
}

struct give_up tcp_give_up(const struct socket *sk, const struct tcp_settings *s)
{
	if (sk->timer == TIMER_RETRANSMIT && sk->state == STATE_SYN_RECV)
		return give_up_synack(sk, s);
	if (!sk->tcp_known)
		return (struct give_up){0};
	if (sk->timer == TIMER_RETRANSMIT)
		return sk->state == STATE_SYN_SENT ? give_up_syn(sk, s) : give_up_data(sk, s);
	return sk->timer == TIMER_PROBE ? give_up_probes(sk, s) : (struct give_up){0};
}

uint64_t tcp_oldest_ms(const struct socket *sk, const struct tcp_settings *s)
{
	uint64_t linear = s->syn_linear > 0 ? (uint64_t)s->syn_linear : 0, rto, sum = 0;

	if (sk->state == STATE_SYN_SENT && sk->timer == TIMER_RETRANSMIT && sk->tcp_known) {
		rto = FIRST_RTO_MS;
		for (uint64_t i = 0; i <= sk->tcp.retransmits; i++) {
			sum += rto;
			if (i >= linear)
				rto = MIN(rto * 2, s->rto_max_us / 1000);
		}
		return sum > sk->timer_ms ? sum - sk->timer_ms : 0;
	}
	if (!sk->tcp_known || !sk->unacked)
		return 0;
	if (!sk->tcp.retransmits || sk->timer != TIMER_RETRANSMIT)
		return sk->tcp.last_sent_ms;
	return since_first_ms(sk, s) + tcp_rto_parts(sk, s).base_us / 1000;
}

bool tcp_program_timeouts(const struct socket *sk, const struct tcp_settings *s,
			  struct program_timeouts *ret)
{
	uint32_t rtt_ms = (sk->tcp.rtt_us + 999) / 1000;

	if (!sk->tcp_known || !sk->tcp.rtt_us || !sk->rto_us)
		return false;
	*ret = (struct program_timeouts){
		.connect_ms = FIRST_RTO_MS + rtt_ms,
		.read_ms = (tcp_rto_parts(sk, s).base_us + 999) / 1000 * 2,
	};
	return true;
}

uint64_t tcp_window_bytes(const struct socket *sk)
{
	uint64_t congestion = (uint64_t)sk->tcp.cwnd * sk->snd_mss;

	return sk->tcp.snd_wnd ? MIN(congestion, (uint64_t)sk->tcp.snd_wnd) : congestion;
}

uint64_t tcp_window_rate(const struct socket *sk, uint64_t window)
{
	return sk->tcp.rtt_us ? window * 1000000 / sk->tcp.rtt_us : 0;
}
