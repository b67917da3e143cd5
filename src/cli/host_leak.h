/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `whydrop host --leak`: one process, or all, followed for some seconds. */
#ifndef WHYDROP_HOST_LEAK_H
#define WHYDROP_HOST_LEAK_H

#include "render/render.h"

#define LEAK_SECONDS 10

struct host_leak {
	const char *who;  /* a pid, or "any" */
	const char *dump; /* file to be made; NULL none */
	bool peek, yes, json;
	double seconds;
	int color; /* enum color_mode */
};

/* Prints what it found; the exit status. */
int host_leak(const struct host_leak *asked);

#endif
