// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/host_sections.h"

#include <errno.h>
#include <stdio.h>

#include "collect/doing.h"
#include "collect/host_facts.h"
#include "render/host_doing.h"
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
	{.name = "disks",
	 .summary = "disks and what drives them",
	 .collect = collect_host_disks,
	 .text = host_disks_text,
	 .json = host_disks_json},
	{.name = "filesystems",
	 .summary = "how full they are",
	 .collect = collect_host_mounts,
	 .text = host_mounts_text,
	 .json = host_mounts_json},
	{.name = "network",
	 .summary = "devices: card, link, rings, channels, offloads, interrupts",
	 .sources = HOST_NETWORK_SOURCES,
	 .collect = collect_host_network,
	 .text = host_network_text,
	 .json = host_network_json},
	{.name = "load",
	 .summary = "who makes it: runnable and blocked, and what waits",
	 .collect = collect_host_load,
	 .over_time = true,
	 .text = host_load_text,
	 .json = host_load_json},
	{.name = "time",
	 .summary = "of CPUs, by kind and by CPU, throttled cgroups",
	 .collect = collect_host_time,
	 .over_time = true,
	 .text = host_time_text,
	 .json = host_time_json},
	{.name = "processes",
	 .summary = "by state, priority, CPU time and memory",
	 .collect = collect_host_processes,
	 .over_time = true,
	 .text = host_processes_text,
	 .json = host_processes_json},
	{.name = "memory",
	 .summary = "free, cache, and where all of it is",
	 .collect = collect_host_memory,
	 .over_time = true,
	 .text = host_memory_text,
	 .json = host_memory_json},
	{.name = "swap",
	 .summary = "how much, whose, and how fast",
	 .collect = collect_host_swap,
	 .over_time = true,
	 .text = host_swap_text,
	 .json = host_swap_json},
	{.name = "placement",
	 .summary = "memory by node: misses, imbalance, policies",
	 .collect = collect_host_placement,
	 .over_time = true,
	 .text = host_placement_text,
	 .json = host_placement_json},
	{.name = "files",
	 .summary = "open files and descriptors against their limits",
	 .collect = collect_host_files,
	 .over_time = true,
	 .text = host_files_text,
	 .json = host_files_json},
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
