/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What devices carry in each tenth of a second, while the rest of a diagnosis goes its slower way:
 * a burst that hits a limit is long over in an average of seconds.
 */
#ifndef WHYDROP_RATES_H
#define WHYDROP_RATES_H

#include "collect/host.h"
#include "model/observation.h"

struct rate_sampler;

/*
 * A thread of its own for the namespaces of these hosts, for about so many seconds. NULL where no
 * thread may be made: then there are averages only. Times count from `began_ns` of CLOCK_MONOTONIC.
 */
struct rate_sampler *rate_sampler_start(const struct host *hosts, size_t n, double seconds,
					int64_t began_ns);
/* False if its thread hangs in a read: it is left to itself then, and nothing is known. */
bool rate_sampler_stop(struct rate_sampler *s);
void rate_sampler_free(struct rate_sampler *s);

/*
 * Into o->rates (and o->bursts) what was seen of the i-th of these namespaces, devices known by o->b's names; `s`
 * NULL: what a recording kept. Call it in the phase "b", when all is read.
 */
int rates_collect(struct host *h, const struct rate_sampler *s, size_t i, struct observation *o);

/* The text of /proc/net/dev, for tests: each device's name and four counters. */
struct carried {
	char name[16];
	uint64_t rx_bytes, rx_packets, tx_bytes, tx_packets;
};
struct carried_list {
	VEC(struct carried) list;
};
int parse_net_dev(const struct buf *text, struct carried_list *ret);

#endif
