/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a device is: its kind, what it is a part of, what is below it, and where its other end is. */
#ifndef WHYDROP_DEVICES_H
#define WHYDROP_DEVICES_H

#include "causes/cause.h"

/* The device that a link names: the other end of a veth pair, or the one below it. */
struct far_end {
	const struct observation *o; /* its namespace, if that was examined; then link is set too */
	const struct link *link;
	char name[16];
	unsigned int mtu, flags;
	bool here;	   /* in the same namespace */
	uint32_t inode;	   /* of its namespace; 0: which one it is is not known */
	char netns[64];	   /* that namespace's name; "" none */
};

/* False: it has none, or it is in a namespace that does not let itself be asked. */
bool device_far_end(const struct diagnosis *d, const struct observation *o, const struct link *l,
		    struct far_end *ret);
/* "eth0 in namespace web" */
const char *far_end_text(const struct far_end *end, char *to, size_t size);

bool is_kind(const struct link *l, const char *kind);
/* The bridge it is a port of, or the bond or team it belongs to; NULL: none. */
const struct link *device_master(const struct observation *o, const struct link *l);
/* A bond's or team's counters are the sums of its members'. */
bool counts_again(const struct link *l);
/* A mode by its name: "private" of a macvlan, "active-backup" of a bond; NULL: has none. */
const char *device_mode(const struct link *l);
/*
 * "veth, a port of br0, its other end is eth0 in namespace web"; "" for a network card that is
 * part of nothing.
 */
const char *device_words(const struct diagnosis *d, const struct observation *o,
			 const struct link *l, char *to, size_t size);

#endif
