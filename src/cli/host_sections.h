/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sections of `whydrop host`, a row each, in the order they are shown. */
#ifndef WHYDROP_HOST_SECTIONS_H
#define WHYDROP_HOST_SECTIONS_H

#include "collect/host.h"
#include "render/host.h"

struct host_section {
	const char *name, *summary;
	uint64_t sources; /* SOURCE_BIT: what it wants of the snapshots */
	/*
	 * What it wants besides; NULL: nothing. Called once, in phase "host-b". A section over time
	 * is called before that in "host-a" too, at the beginning of the sample, with the same facts.
	 */
	void (*collect)(struct host *h, struct host_facts *f);
	bool over_time;
	void (*text)(const struct host_view *v, struct out *out);
	json_t *(*json)(const struct host_view *v); /* an object; keys for not_known are added */
};

extern const struct host_section host_sections[];
extern const size_t host_sections_n;

/* Of the sections whose bit (1 << their row) is set. */
uint64_t host_sections_sources(uint64_t which);
bool host_sections_over_time(uint64_t which);
/* What the snapshot has not of the sources they asked for is told as not known. */
void host_sections_missing(uint64_t which, const struct snapshot *s, struct host_facts *f);
void host_sections_collect(uint64_t which, bool first, struct host *h, struct host_facts *f);

#endif
