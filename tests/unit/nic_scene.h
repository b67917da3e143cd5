/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One card, before and after: what the kernel says of it is played by nic_host.h, the real
 * collectors read it, the engine judges it.
 */
#ifndef WHYDROP_TEST_NIC_SCENE_H
#define WHYDROP_TEST_NIC_SCENE_H

#include "observe.h"

#include "nic_host.h"

#define M100_FULL (1ULL << 3)
#define M1000_FULL (1ULL << 5)
#define AT(id) [C_LINK_##id - LINK_FIRST]

/* A healthy card with work to do. */
static inline struct card card_of_driver(const char *driver)
{
	return (struct card){.ifindex = 2,
			     .name = "eth0",
			     .driver = driver,
			     .carrier_changes = 1,
			     .link = {AT(RX_PACKETS) = 1000000, AT(TX_PACKETS) = 1000000},
			     .speed = 1000,
			     .duplex = DUPLEX_FULL,
			     .autoneg = 1,
			     .supported = M100_FULL | M1000_FULL,
			     .advertised = M100_FULL | M1000_FULL,
			     .peer = M100_FULL | M1000_FULL,
			     .rx = 256,
			     .rx_max = 4096,
			     .tx = 256,
			     .tx_max = 4096};
}

static inline uint64_t *field(struct card *c, enum counter_id id)
{
	return &c->link[id - LINK_FIRST];
}

static inline void stat(struct card *c, size_t i, const char *name, uint64_t value)
{
	c->stats[i].name = name;
	c->stats[i].value = value;
}

/* Before: the same card with all its counters at 0, but for packets. */
static inline struct card quiet(const struct card *after)
{
	struct card c = *after;

	for (size_t i = 0; i < CARD_STATS; i++)
		c.stats[i].value = 0;
	memset(c.link, 0, sizeof(c.link));
	c.carrier_changes = 1;
	c.carrier_downs = 0;
	c.pause_rx_frames = c.pause_tx_frames = 0;
	c.fcs_errors = after->fcs_errors ? 1 : 0;
	return c;
}

/* `after` with 1 change of the carrier has seen none. */
static inline struct diagnosis *judge(struct diagnosis *d, const struct card *after)
{
	struct card before = quiet(after);
	struct observation *o;

	*d = (struct diagnosis){0};
	o = vec_push(&d->observations);
	observe_cards(&before, after, 1, o);
	o->inode = OBSERVED_NETNS;
	diagnose(d);
	return d;
}

static inline const struct finding *found(const struct diagnosis *d, const char *id)
{
	vec_each(f, &d->findings)
		if (strcmp(f->cause->id, id) == 0)
			return f;
	return NULL;
}

static inline bool was_cleared(const struct diagnosis *d, const char *id)
{
	vec_each(c, &d->cleared)
		if (strcmp(c->cause->id, id) == 0)
			return true;
	return false;
}

static inline bool was_not_examined(const struct diagnosis *d, const char *id)
{
	vec_each(n, &d->not_examined)
		if (strcmp(n->cause->id, id) == 0)
			return true;
	return false;
}

#endif
