/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was seen of one network namespace: a snapshot before, one after, short looks between, and
 * how everything changed. Deltas and rates are computed here, once.
 */
#ifndef WHYDROP_OBSERVATION_H
#define WHYDROP_OBSERVATION_H

#include "model/snapshot.h"

/* A shorter look at a host says nothing of its health; also the least that may be asked for. */
#define OBSERVATION_MIN_SECONDS 0.2

/* What a device carried in one short step of the interval; steps without traffic are left out. */
#define RATE_STEP_MS 100
struct rate {
	unsigned int ifindex;
	uint32_t at_ms, span_us; /* end of the step, since the interval began; length, 0 never */
	uint64_t rx_bytes, rx_packets, tx_bytes, tx_packets;
};

/* The busiest step of a device: a second's bytes and packets at that rate, and when it ended. */
struct rate_peak {
	uint64_t bytes, packets;
	uint32_t bytes_at_ms, packets_at_ms;
};

/* The step in which a counter of losses grew fastest, ending at_ms after the interval began. */
struct burst {
	enum counter_id id;
	uint32_t at_ms, span_us;
	uint64_t n;
};

struct observation {
	char name[64]; /* of the namespace, as struct netns */
	uint32_t inode;
	struct snapshot a, b;
	VEC(struct snapshot) looks; /* sources read AT_LOOKS only; times rise */
	VEC(struct rate) rates;	    /* in order of time; none if they could not be read */
	VEC(struct burst) bursts;   /* at most one of each counter */
	double seconds;		    /* between a and b, CLOCK_MONOTONIC */
	bool since_boot;	    /* a is all zero: b's own values are the change */
};

/*
 * A counter between a and b. Not known: one of the two is missing. reset: it went back further
 * than its width explains, so no difference can be told (known is false then too).
 */
struct change {
	bool known, reset;
	uint64_t before, after, delta;
};

void observation_done(struct observation *o);

/* Both ends hold the source (the same as before and after, whatever is in it). */
bool observed(const struct observation *o, enum source source);

/* A counter that wraps at `width` bits: a small step over the edge is a wrap, all else a reset. */
struct change change_of(uint64_t before, uint64_t after, unsigned int width);

struct change delta_counter(const struct observation *o, enum counter_id id);
/* Sum of two counters (IPv4 and IPv6); known if either is, and none was reset. */
struct change delta_sum(const struct observation *o, enum counter_id one, enum counter_id other);
/* delta of such a sum, 0 when unknown: for places where absence was dealt with before. */
uint64_t delta_value(struct change c);

/* A device is the same by index and still the same when renamed; a new one has no change. */
struct change delta_link(const struct observation *o, const struct link *after, enum counter_id id);
struct change delta_cpu(const struct observation *o, const struct cpu *after, enum counter_id id);
/* All CPUs. */
struct change delta_softnet(const struct observation *o, enum counter_id id);
/* How often a CPU ran a softirq (C_SOFTIRQ_*). */
struct change delta_softirq(const struct observation *o, const struct cpu *after, enum counter_id id);
/* What a CPU did from one snapshot to another; false if one of the two does not tell. */
bool cpu_times_between(const struct snapshot *a, const struct snapshot *b, unsigned int cpu,
		       struct cpu_times *ret);
uint64_t cpu_times_sum(const struct cpu_times *t);
/* How often an interrupt came on a CPU. */
struct change delta_interrupt(const struct observation *o, unsigned int number, unsigned int cpu);
/* The same queue at the beginning; NULL: it was made meanwhile, or the source was not there. */
const struct qdisc *qdisc_before(const struct observation *o, const struct qdisc *after);
struct change delta_qdisc_drops(const struct observation *o, const struct qdisc *after);
/*
 * Of a network card. Nothing is known of a device that has another driver than before. Some drivers
 * count in 32 bits and do not say so: a short step over that edge is a wrap too. A name may stand
 * there several times (vmxnet3 repeats it for each queue): `after` is the one meant.
 */
struct change delta_nic_stat(const struct observation *o, const struct nic *nic,
			     const struct nic_stat *after);
/* All that have this name, added up. */
struct change delta_nic_named(const struct observation *o, const struct nic *nic, const char *name);
struct change delta_nic_group(const struct observation *o, const struct nic *nic,
			      enum nic_group_id id);
struct change delta_nic_queue(const struct observation *o, const struct nic_queue *after,
			      enum nic_qstat_id id);
/* A connection that is not among those of the beginning was made since; false: it may be old. */
bool connection_is_new(const struct observation *o, const struct socket *after);
/* The snapshot with the tally of all connections: the end, or the beginning if nothing moved since. */
const struct snapshot *connections_read(const struct observation *o);
/* A socket made during the interval counts from zero. */
struct change delta_socket_drops(const struct observation *o, const struct socket *after);

/* False: nothing is known of its steps. */
bool rate_peaks(const struct observation *o, unsigned int ifindex, struct rate_peak *ret_rx,
		struct rate_peak *ret_tx);
double per_second(const struct observation *o, uint64_t count);

#endif
