/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tcp.c (the connection) and tcp_loss.c (sequence numbers) share. */
#ifndef WHYDROP_TCP_PARTS_H
#define WHYDROP_TCP_PARTS_H

#include "capture/tcp.h"

/* The bytes of a packet in its sender's sequence space. */
uint32_t tcp_sequence(struct flows *t, struct flow *f, const struct cap_packet *p);
/* What an acknowledgement says of the data of the other side. */
uint32_t tcp_acknowledge(struct flow *f, const struct cap_packet *p);
void tcp_round_trip(struct half *h, int64_t ns);

static inline uint32_t tcp_length(const struct cap_packet *p)
{
	return p->payload + !!(p->flags & TCP_SYN) + !!(p->flags & TCP_FIN);
}

#endif
