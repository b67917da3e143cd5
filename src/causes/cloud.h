/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the network cards carried, held against limits that the user stated. */
#ifndef WHYDROP_CLOUD_H
#define WHYDROP_CLOUD_H

#include "causes/cause.h"

/* One direction (or both together) of one limit. Bits or packets a second, as the limit. */
struct cloud_load {
	const struct limit *limit;
	enum limit_side side; /* LIMIT_RX, LIMIT_TX or LIMIT_SUM */
	uint64_t average, peak;
	int64_t peak_at_ms; /* since the interval began; -1: no steps known, peak is the average */
	/* Steps: with a tenth of the limit at least; at the limit. */
	unsigned int busy, at;
	uint64_t passed; /* in the busy steps, on average: less what TCP had to send again */
};

/* False: no device of this limit is here, or its counters are not known. */
bool cloud_load(const struct exam *x, const struct limit *l, enum limit_side side,
		struct cloud_load *ret);
/* A quarter of the busy steps were at the limit, and no more passed than a limit lets pass. */
bool cloud_load_is_at_limit(const struct cloud_load *l);

/* Is it one of the devices that a limit is for? "" is the whole instance. */
bool cloud_device(const struct observation *o, const char *limit_device, const struct link *link);

/* "38.2 Mbit/s", "3301 packets/s" */
const char *cloud_amount(enum limit_kind kind, uint64_t value, char *to, size_t size);
/* "eth0", "all devices" */
const char *cloud_device_name(const struct limit *l);
/* "sent on eth0: 38.2 Mbit/s on average, ..." */
void cloud_load_text(const struct exam *x, const struct cloud_load *l, struct buf *to);
/* What a provider asks for: each device's averages and peaks with the time of these. */
void cloud_figures(const struct exam *x, const char *limit_device, struct buf *to);

#endif
