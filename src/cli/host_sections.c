// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/host_sections.h"

#include <errno.h>
#include <stdio.h>

#include "collect/host_facts.h"
#include "render/host_network.h"

const struct host_section host_sections[] = {
	{.name = "system",
	 .summary = "kernel, what it runs on, uptime, users",
	 .collect = collect_host_system,
	 .text = host_system_text,
	 .json = host_system_json},
	{.name = "firmware",
	 .summary = "machine, board, firmware, sockets and slots",
	 .sources = SOURCE_BIT(SRC_MEMORY),
	 .collect = collect_host_firmware,
	 .text = host_firmware_text,
	 .json = host_firmware_json},
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
	{.name = "network",
	 .summary = "devices: card, link, rings, channels, offloads, interrupts",
	 .sources = HOST_NETWORK_SOURCES,
	 .collect = collect_host_network,
	 .text = host_network_text,
	 .json = host_network_json},
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

void host_sections_missing(uint64_t which, const struct snapshot *s, struct host_facts *f)
{
	for (size_t i = 0; i < host_sections_n; i++)
		for (size_t source = 0; source < SOURCE_N; source++)
			if (is_meant(which, i) && (host_sections[i].sources & SOURCE_BIT(source)) &&
			    s->source[source].status == SOURCE_ABSENT)
				host_absent(f, host_sections[i].name, source_rows[source].name,
					    s->source[source].err ? s->source[source].err : -ENODATA);
}
