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
};
struct flow_time flow_time(const struct exam *x, const struct socket *sk);

/* The same connection at the beginning; NULL: it was not there, or had nothing to tell. */
const struct socket *socket_before(const struct exam *x, const struct socket *sk);
/* Thousands of connections are looked up at the beginning: they are sorted once for a cause. */
struct flow_index {
	struct exam *x;
	VEC(const struct socket *) sorted; /* by cookie */
};
void flow_index_init(struct exam *x, struct flow_index *ret);
void flow_index_done(struct flow_index *index);

/* The reader of a closed window's connection, see tcp_window.c. */
bool nobody_reads(const struct finding *f, const struct subject *s);
void describe_not_reading(struct exam *x, struct finding *f);
/* How long and how much, for whoever explains a closed window. */
void window_evidence(struct exam *x, struct finding *f);

#endif
