/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network cards on their bus, and what is told of a device out of a snapshot. */
#ifndef WHYDROP_HOST_NETWORK_H
#define WHYDROP_HOST_NETWORK_H

#include "model/snapshot.h"

/* A PCI function of class 2, network controller. */
struct host_card {
	char place[33];		       /* "0000:00:03.0" */
	uint16_t vendor, device;       /* as lspci -n tells them */
	uint32_t class;		       /* 0x020000: Ethernet */
	char speed[33], max_speed[33]; /* of its PCIe link, "8.0 GT/s PCIe"; "" not PCIe */
	unsigned int width, max_width; /* lanes; 0 unknown */
	int node;		       /* -1 none */
};

struct host_network {
	VEC(struct host_card) cards;
};

/* How the interrupts of one device fell on CPUs since boot. */
struct host_irq_share {
	unsigned int interrupts;     /* the device has so many */
	unsigned int cpus;	     /* that took any of them */
	unsigned int busiest;	     /* the CPU that took most */
	uint64_t count, busiest_count;
};
struct host_irq_share host_irq_share(const struct snapshot *s, unsigned int ifindex);

/* Queues of a device, and those of them whose packets are spread (RPS, XPS); -1 unknown. */
struct host_spread {
	unsigned int rx, tx;
	int rps, rfs, xps; /* queues with a mask, with flows of their own */
};
struct host_spread host_spread(const struct snapshot *s, unsigned int ifindex);

#endif
