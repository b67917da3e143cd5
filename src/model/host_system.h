/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel and distribution, what the host runs on, how long, and who is logged in. */
#ifndef WHYDROP_HOST_SYSTEM_H
#define WHYDROP_HOST_SYSTEM_H

#include "base/base.h"

struct host_user {
	char name[33], line[33], from[65]; /* from: "" at the machine itself */
	int64_t since;			   /* seconds, CLOCK_REALTIME; 0 unknown */
};

struct host_system {
	char name[65], release[65], version[128], machine[33]; /* as uname(2); "" unknown */
	char distribution[96];				       /* PRETTY_NAME of os-release */
	/* "KVM", "VMware"; "" none, or not known to be one. How that is known: "CPUID" ... */
	char hypervisor[32], hypervisor_by[32];
	bool is_guest;	     /* something is below it, named or not */
	char container[32];  /* "docker": the picture is of the host seen from within; "" none */
	char cloud[32];	     /* "Amazon EC2"; "" none, or not known to be one */
	char instance[65];   /* its type where the firmware tells, "m5.large" */
	bool uptime_known, users_known;
	double uptime_s;     /* with the time spent suspended */
	VEC(struct host_user) users;
};

#endif
