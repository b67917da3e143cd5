/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The capture file that `whydrop watch -w` writes: an interface for each device of each namespace. */
#ifndef WHYDROP_DROP_FILE_H
#define WHYDROP_DROP_FILE_H

#include "render/packets.h"

struct drop_file_interface {
	uint32_t netns, id;
	uint16_t linktype;
	char device[16];
};

struct drop_file {
	struct pcapng *file; /* NULL: none is written */
	const char *path;
	VEC(struct drop_file_interface) interfaces;
	int64_t began_ns; /* CLOCK_REALTIME */
	uint64_t written, unreadable; /* packets; without any header that one could read them by */
	int err; /* why it ends early: a negative errno */
};

int drop_file_open(struct drop_file *f, const char *path, const struct report *r);
/* A negative errno with the packet that could not be written, once; nothing is done after that. */
int drop_file_add(struct drop_file *f, const struct packet_event *p);
/* Notes what is not in it, and closes. */
int drop_file_close(struct drop_file *f, const struct watch *w);

#endif
