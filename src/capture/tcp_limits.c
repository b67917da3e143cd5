// SPDX-License-Identifier: GPL-2.0-or-later
/* What held a direction up: sums of tcp.c's limit_of(), told as shares and as the rate a window allows. */
#include "capture/tcp.h"

/* Rounded so that they add up: what is left over goes to those that were cut by most. */
bool tcp_limited_percent(const struct half *h, unsigned int ret[HELD_N])
{
	unsigned int percent[HELD_N], sum = 0;
	int64_t all = 0, rest[HELD_N];

	for (int i = 0; i < HELD_N; i++)
		all += h->limited_ns[i];
	if (all <= 0)
		return false;
	for (int i = 0; i < HELD_N; i++) {
		double share = (double)h->limited_ns[i] * 100 / (double)all;

		percent[i] = (unsigned int)share;
		rest[i] = (int64_t)((share - percent[i]) * 1e9);
		sum += percent[i];
	}
	for (; sum < 100; sum++) {
		int most = 0;

		for (int i = 1; i < HELD_N; i++)
			most = rest[i] > rest[most] ? i : most;
		percent[most]++;
		rest[most] = -1;
	}
	memcpy(ret, percent, sizeof(percent));
	return true;
}

int64_t tcp_whole_rtt_ns(const struct half *h, const struct half *peer)
{
	return h->srtt_ns + peer->rtt_min_ns;
}

uint64_t tcp_window_top(const struct half *h, const struct half *peer)
{
	if (!(h->bits & peer->bits & HALF_SYN))
		return 0;
	return (uint64_t)h->window_top << (h->bits & HALF_SCALED ? h->scale : 0);
}

double tcp_ceiling_mbit(const struct half *h, const struct half *peer)
{
	int64_t rtt = tcp_whole_rtt_ns(h, peer);
	uint64_t window = tcp_window_top(peer, h);

	return rtt && window ? (double)window * 8e3 / (double)rtt : 0;
}

bool tcp_near_sender(const struct half *h, const struct half *peer)
{
	return h->rtt_min_ns >= peer->rtt_min_ns;
}
