// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/host_sections.h"

#include <stdio.h>

#include "collect/host_facts.h"

const struct host_section host_sections[] = {
	{.name = "system",
	 .summary = "kernel, what it runs on, uptime, users",
	 .collect = collect_host_system,
	 .text = host_system_text,
	 .json = host_system_json},
	{.name = "cpu",
	 .summary = "sockets, cores, threads, caches",
	 .collect = collect_host_cpu,
	 .text = host_cpu_text,
	 .json = host_cpu_json},
	{.name = "numa",
	 .summary = "nodes of memory and how far they are from each other",
	 .collect = collect_host_numa,
	 .text = host_numa_text,
	 .json = host_numa_json},
};
const size_t host_sections_n = ARRAY_SIZE(host_sections);

static bool is_meant(uint64_t which, size_t row)
{
	return which & (UINT64_C(1) << row);
}

uint64_t host_sections_sources(uint64_t which)
{
	uint64_t sources = 0;

	for (size_t i = 0; i < host_sections_n; i++)
		if (is_meant(which, i))
			sources |= host_sections[i].sources;
	return sources;
}

bool host_sections_over_time(uint64_t which)
{
	for (size_t i = 0; i < host_sections_n; i++)
		if (is_meant(which, i) && host_sections[i].over_time)
			return true;
	return false;
}

void host_sections_collect(uint64_t which, bool first, struct host *h, struct host_facts *f)
{
	char phase[sizeof(h->phase)];

	memcpy(phase, h->phase, sizeof(phase));
	snprintf(h->phase, sizeof(h->phase), first ? "host-a" : "host-b");
	for (size_t i = 0; i < host_sections_n; i++)
		if (is_meant(which, i) && host_sections[i].collect &&
		    (!first || host_sections[i].over_time))
			host_sections[i].collect(h, f);
	memcpy(h->phase, phase, sizeof(phase));
}
