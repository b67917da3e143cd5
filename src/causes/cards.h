/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a network card lost, each packet once. The same loss may stand in a field of IFLA_STATS64,
 * in several counters of `ethtool -S` (for each queue, then for all), in the standard groups and in
 * the queue statistics: nic_stats.def says what holds what.
 */
#ifndef WHYDROP_CARDS_H
#define WHYDROP_CARDS_H

#include "causes/cause.h"

/* A device with a wire or a hypervisor at its other end. Devices made of others (bond, vlan,
 * bridge) show the errors of those again, and tunnels count missing routes as lost carrier. */
bool is_card(const struct link *link);
/* NULL: its driver is not known. */
const struct nic *card_of(const struct observation *o, const struct link *link);
bool is_paravirtual(const struct nic *nic);

/* A counter that moved; its evidence. */
struct card_part {
	const char *source;
	char name[64]; /* "eth0 rx_missed_errors" */
	struct change change;
};

struct card_sum {
	uint64_t lost;
	bool reset; /* a counter began anew: lost may be more */
	bool of_port; /* only counters of the whole port moved: it may be another's loss */
	VEC(struct card_part) parts;
};
/* `classes`: 1 << enum nic_class; those of IFLA_STATS64 and of the queues are of one class each. */
void card_sum(const struct observation *o, const struct link *link, unsigned int classes,
	      struct card_sum *ret);
void card_sum_done(struct card_sum *s);
/* The parts that moved most, to a finding. */
void card_evidence(struct exam *x, struct finding *f, const struct card_sum *s);

/* Is the device a subject of a finding? `f` may be NULL. */
bool names_device(const struct finding *f, const char *device);
/* Does a queueing discipline of the device hold packets back? ring_tx.c */
bool has_shaper(const struct observation *o, const struct link *link);

/* How the CPU that serves a card spent the interval, as shares. */
struct cpu_use {
	bool known;
	double busy, softirq; /* at its worst, for as long as three samples; busy: not idle */
	double steal;	      /* all the time */
};

/* Who takes packets out of a device's receive rings. */
struct card_service {
	unsigned int vectors;	/* interrupts of its receive queues */
	unsigned int vector;	/* the one that came most; 0 none */
	unsigned int cpus;	/* CPUs that took a tenth of them or more */
	int cpu;		/* that took most; -1 unknown */
	struct cpu_use use;	/* of that CPU */
	int idle_cpu;		/* the most idle other one, near the card if it can be; -1 none */
	unsigned int idle_cpus; /* others that are idle for half of the time */
};
void card_service(const struct observation *o, const struct link *link, struct card_service *ret);
/* Is it an interrupt of a device's receive side? */
bool is_rx_vector(const struct snapshot *s, const struct interrupt *i, unsigned int ifindex);

#endif
