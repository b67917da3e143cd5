/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the numbers of one TCP connection say together: its phase, how its retransmission timeout
 * came about, when it will be given up. Arithmetic of net/ipv4/tcp_timer.c and tcp_input.c on
 * struct socket and the settings that hold for it; nothing is asked here.
 */
#ifndef WHYDROP_CONNECTION_H
#define WHYDROP_CONNECTION_H

#include "model/user.h"

/* include/net/tcp.h; ca_state of struct tcp_numbers, include/uapi/linux/tcp.h TCP_CA_*. */
#define SSTHRESH_INFINITE 0x7fffffffu
enum { CA_OPEN, CA_DISORDER, CA_CWR, CA_RECOVERY, CA_LOSS };
/* tcpi_options, include/uapi/linux/tcp.h */
enum {
	OPTION_TIMESTAMPS = 1,
	OPTION_SACK = 2,
	OPTION_WSCALE = 4,
	OPTION_ECN = 8,
	OPTION_ECN_SEEN = 16,
	OPTION_SYN_DATA = 32,
};

enum tcp_phase {
	PHASE_UNKNOWN, /* not a connection that sends, or congestion control of another kind */
	PHASE_SLOW_START,
	PHASE_AVOIDANCE,
	PHASE_DISORDER,
	PHASE_CWR,
	PHASE_RECOVERY,
	PHASE_LOSS,
};

enum rto_min_from { RTO_MIN_KERNEL, RTO_MIN_SYSCTL, RTO_MIN_ROUTE };

/*
 * What holds where the connection is: sysctls of its namespace and metrics of its route. -1: could
 * not be read. What a program set on its socket (TCP_USER_TIMEOUT, TCP_SYNCNT, TCP_KEEPIDLE) no
 * kernel tells.
 */
struct tcp_settings {
	int64_t retries1, retries2, orphan_retries, syn_retries, synack_retries;
	int64_t syn_linear; /* timeouts of a SYN that are not doubled; -1: a kernel before 6.5 */
	int64_t keepalive_time, keepalive_intvl, keepalive_probes, fin_timeout; /* s, but for probes */
	int64_t somaxconn;
	int64_t rmem[3], wmem[3]; /* bytes: least, first, largest */
	uint32_t rto_min_us, rto_max_us;
	enum rto_min_from rto_min_from;
	uint32_t initcwnd; /* of the route; 0: the kernel's 10 */
	bool route_known;
};
/* Nothing known but what the kernel has built in: 200 ms and 120 s. */
void tcp_settings_init(struct tcp_settings *s);

/* What sock_diag tells of one socket beyond struct socket, when asked for everything. */
struct socket_extra {
	bool bbr_known;
	uint64_t bbr_bandwidth; /* bytes per second */
	uint32_t bbr_min_rtt_us, bbr_pacing_gain, bbr_cwnd_gain; /* gains in 1/256 */
	bool rcv_wnd_known; /* since 6.2 */
	uint32_t rcv_wnd;   /* bytes that the peer was offered last */
	bool rto_known;	    /* since 6.7 */
	/* Timeouts; how often they came in a row, that of now too; the time in these. 16 bits of the
	 * first two. */
	uint32_t total_rto, total_rto_recoveries, total_rto_ms;
	bool tos_known;
	uint8_t tos;
	uint32_t mark;	       /* only with CAP_NET_ADMIN */
	uint64_t cgroup;       /* its id; 0 not told */
	uint32_t optmem;       /* bytes: filters and the like */
	uint8_t shutdown;      /* 1: no more reading, 2: no more writing */
	char ulp[16];	       /* "tls", "mptcp"; "" none */
};

/* Closed by its program, or without it, and not finished. */
bool socket_is_orphan(const struct socket *sk);
enum tcp_phase tcp_phase(const struct socket *sk);
const char *tcp_phase_name(enum tcp_phase phase); /* "slow-start"; NULL: unknown */
/* bbr has phases of its own, told by its gains: "startup", ...; NULL: not known. */
const char *bbr_phase_name(const struct socket_extra *x);

/* How an RTO comes about: srtt + max(4 * rttvar, floor), doubled at each timeout. */
struct rto_parts {
	bool measured;	  /* a round trip was: else it is the first RTO, of a SYN */
	uint32_t base_us; /* before it was doubled */
	uint32_t doubled; /* so often */
	uint32_t variance_us;  /* 4 * rttvar */
	uint32_t expected_us;  /* from the round trip as it is now */
	bool floor;	       /* the floor counts, not the variance */
	bool at_max;	       /* it can be no larger */
};
struct rto_parts tcp_rto_parts(const struct socket *sk, const struct tcp_settings *s);

/* When nothing will have been answered until then. */
struct give_up {
	bool known;
	uint32_t tries; /* still to come before it */
	uint64_t ms;	/* from now */
	uint64_t limit_ms; /* from the first retransmission; 0: tries are counted instead */
};
struct give_up tcp_give_up(const struct socket *sk, const struct tcp_settings *s);

/* Least age of the oldest data or SYN that is not acknowledged, in ms; 0: there is none. */
uint64_t tcp_oldest_ms(const struct socket *sk, const struct tcp_settings *s);

/* The smallest timeouts of a program that survive one lost segment; false: no round trip known. */
struct program_timeouts {
	uint32_t connect_ms, read_ms;
};
bool tcp_program_timeouts(const struct socket *sk, const struct tcp_settings *s,
			  struct program_timeouts *ret);

/* Bytes that may be under way: the smaller of congestion window and the peer's. */
uint64_t tcp_window_bytes(const struct socket *sk);
/* What a window carries in a second at this round trip; 0 unknown. */
uint64_t tcp_window_rate(const struct socket *sk, uint64_t window);

#endif
