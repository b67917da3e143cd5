/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one TCP connection's own numbers (tcp_info) say of an interval. */
#ifndef WHYDROP_TCP_FLOW_H
#define WHYDROP_TCP_FLOW_H

#include "causes/cause.h"

/* A TCP socket with a peer, of which tcp_info is known. */
bool is_connection(const struct socket *sk);

/* The time in which it had data to send, and what held it back meanwhile (tcp_chrono_start). */
struct flow_time {
	uint64_t busy_us, rwnd_us, sndbuf_us;
	uint64_t acked;		/* bytes */
	uint64_t again;		/* segments sent again */
	uint64_t delivered, ce; /* segments; of these marked by ECN */
	bool known_before;	/* false: since its birth, or since it last was idle */
};
struct flow_time flow_time(const struct observation *o, const struct socket *sk);

/* The reader of a closed window's connection, see tcp_window.c. */
bool nobody_reads(const struct finding *f, const struct subject *s);
void describe_not_reading(struct exam *x, struct finding *f);
/* How long and how much, for whoever explains a closed window. */
void window_evidence(struct exam *x, struct finding *f);

#endif
