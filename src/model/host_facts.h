/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a host is, for `whydrop host`: a struct for each section of the picture. Unlike the snapshot
 * nothing here is compared with an earlier time, and no cause reads it.
 *
 * What could not be read is a row of `absent` and never a zero: a section tells what it knows, and
 * then what it does not.
 */
#ifndef WHYDROP_HOST_FACTS_H
#define WHYDROP_HOST_FACTS_H

#include "base/base.h"
#include "model/host_cpu.h"
#include "model/host_disks.h"
#include "model/host_firmware.h"
#include "model/host_network.h"
#include "model/doing.h"
#include "model/host_system.h"

struct host_absence {
	const char *section; /* its name in the table of sections */
	char what[64];	     /* "/sys/firmware/dmi/tables" */
	int err;	     /* negative errno */
};

struct host_facts {
	VEC(struct host_absence) absent;
	struct host_system system;
	struct host_firmware firmware;
	struct host_cpu cpu;
	struct host_numa numa;
	struct host_disks disks;
	struct host_network network;
	/* At the beginning and the end of the sample, and how processes are shown. */
	struct doing doing[2];
	enum process_order order;
	unsigned int top;
};

void host_facts_done(struct host_facts *f);
/* That something of a section is not known; `what` is cut to its room. */
void host_absent(struct host_facts *f, const char *section, const char *what, int err);

#endif
