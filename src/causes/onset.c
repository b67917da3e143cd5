// SPDX-License-Identifier: GPL-2.0-or-later
#include "causes/onset.h"

#include <stdio.h>

static void take(struct onset *most, const char *counter, const char *device, struct change c)
{
	/* Of two that rose alike the later says more: InErrors, then RcvbufErrors. */
	if (!delta_value(c) || c.delta < most->delta)
		return;
	most->counter = counter;
	most->delta = c.delta;
	snprintf(most->device, sizeof(most->device), "%s", device);
}

static void take_devices(const struct observation *step, struct onset *most)
{
	vec_each(link, &step->b.links)
		for (size_t i = 0; i < LINK_STATS; i++) {
			enum counter_id id = (enum counter_id)(LINK_FIRST + i);

			if (counter_rows[id].loss == MEANS_LOSS)
				take(most, counter_rows[id].name, link->name,
				     delta_link(step, link, id));
		}
	vec_each(q, &step->b.qdiscs) {
		const struct link *link = snapshot_link(&step->b, q->ifindex);

		take(most, counter_rows[C_QDISC_DROPS].name, link ? link->name : "",
		     delta_qdisc_drops(step, q));
	}
}

/* Less those that had arrived; and of all segments so many as the causes take for a loss. */
static bool retransmits(const struct config *config, const struct observation *step,
			struct onset *ret)
{
	uint64_t again = delta_value(delta_counter(step, C_TCP_RETRANS_SEGS));
	uint64_t twice = delta_value(delta_counter(step, C_TCP_DSACK_RECV_SEGS));
	uint64_t all = delta_value(delta_counter(step, C_TCP_OUT_SEGS)) + again;
	uint64_t real = again - MIN(again, twice);

	if (real < config_threshold(config, THRESHOLD_LOSS_PACKETS) ||
	    (double)real * 1e6 <
		    (double)all * (double)config_threshold(config, THRESHOLD_RETRANSMIT_WARNING))
		return false;
	*ret = (struct onset){.counter = counter_rows[C_TCP_RETRANS_SEGS].name, .delta = again};
	return true;
}

/* The counter that means a loss and rose most; delta 0: none did. */
static struct onset most_of(const struct observation *step)
{
	struct onset most = {0};

	for (size_t i = 0; i < COUNTER_N; i++)
		if (counter_rows[i].loss == MEANS_LOSS && counter_rows[i].scope == SCOPE_NETNS)
			take(&most, counter_rows[i].name, "",
			     delta_counter(step, (enum counter_id)i));
	take(&most, counter_rows[C_SOFTNET_DROPPED].name, "",
	     delta_softnet(step, C_SOFTNET_DROPPED));
	take_devices(step, &most);
	return most;
}

bool loss_counted(const struct observation *step)
{
	return most_of(step).delta > 0;
}

bool onset_of(const struct config *config, const struct observation *step, struct onset *ret)
{
	struct onset most = most_of(step);

	if (most.delta && most.delta >= config_threshold(config, THRESHOLD_LOSS_PACKETS)) {
		*ret = most;
		return true;
	}
	return retransmits(config, step, ret);
}
