// SPDX-License-Identifier: GPL-2.0-or-later
/* How long the kernel goes on trying: net/ipv4/tcp_timer.c. */
#include "causes/stages.h"

#define INITIAL_RTO_MS 1000 /* TCP_TIMEOUT_INIT */
#define RTO_MIN_MS 200	    /* TCP_RTO_MIN */
#define RTO_MAX_MS 120000   /* TCP_RTO_MAX */

/* Each wait is twice the last, up to the largest (tcp_model_timeout). */
static uint64_t doubled_ms(int64_t retries, uint64_t first)
{
	uint64_t sum = 0, wait = first;

	for (int64_t i = 0; i <= MIN(retries, (int64_t)255); i++) {
		sum += wait;
		wait = MIN(wait * 2, (uint64_t)RTO_MAX_MS);
	}
	return sum;
}

/* The linear ones come on top: the wait is not doubled meanwhile (tcp_retransmit_timer). */
uint64_t tcp_connect_gives_up_ms(const struct snapshot *s, int64_t retries)
{
	int64_t linear = 0;

	sysctl_get(s, K_TCP_SYN_LINEAR, &linear);
	return (uint64_t)MAX(linear, (int64_t)0) * INITIAL_RTO_MS + doubled_ms(retries, INITIAL_RTO_MS);
}

uint64_t tcp_retries_ms(int64_t retries)
{
	return doubled_ms(retries, RTO_MIN_MS);
}

bool tcp_all_read(const struct exam *x)
{
	return !x->o->a.tcp.cut_at && !x->o->b.tcp.cut_at;
}

enum outcome tcp_partly_read(struct exam *x)
{
	return not_examined_why(x, "only a part of the TCP connections was read (--max-sockets)",
				"a larger --max-sockets, or none");
}
