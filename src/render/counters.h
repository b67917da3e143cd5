/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `whydrop counters`: devices with their rates, then every number by stage. */
#ifndef WHYDROP_RENDER_COUNTERS_H
#define WHYDROP_RENDER_COUNTERS_H

#include "model/reading.h"
#include "render/render.h"

struct counters_view {
	const struct diagnosis *d; /* its observations alone */
	const struct report *r;
	const struct readings *readings; /* one for each observation: what is to be shown of it */
	bool devices;			 /* the table of devices goes before */
	const char *device;		 /* only this one; NULL: all */
	uint64_t sources;		 /* what was asked for, as SOURCE_BIT */
};

/* How much a device carries. */
struct device_load {
	const struct link *link;
	const struct nic *nic; /* NULL unknown */
	bool known;	       /* both ends have it */
	double rx_packets, rx_bytes, tx_packets, tx_bytes; /* a second */
	double share; /* of the link's speed, the busier direction; below 0: no speed known */
};
struct device_load device_load(const struct observation *o, const struct link *link);

/* Of one thing since boot: its value over the time the host is up. */
double since_boot_rate(const struct observation *o, const struct reading *r);

void render_counters_text(const struct counters_view *v, const struct text_style *style,
			  struct buf *ret);
/* Schema whydrop.counters/1. */
json_t *render_counters_json(const struct counters_view *v);

#endif
