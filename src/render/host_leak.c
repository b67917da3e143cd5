// SPDX-License-Identifier: GPL-2.0-or-later
#include "render/host_leak.h"

#include <errno.h>
#include <stdio.h>

#include "render/fmt.h"
#include "render/json_set.h"

#define REGIONS_SHOWN 4

const char *mapping_name(const struct mapping *m)
{
	return m->name[0] ? m->name : "anonymous memory";
}

static struct fmt rate_text(double kib_per_s)
{
	struct fmt bytes = host_bytes((uint64_t)(MAX(kib_per_s, 0) * 1024)), ret;

	snprintf(ret.s, sizeof(ret.s), "%.28s/s", bytes.s);
	return ret;
}

static const char *why(int err)
{
	return err == -ENOENT || err == -ESRCH ? "it has ended"
	       : err == -ENODATA	       ? "it has no memory of its own, or has ended"
					       : host_why(err);
}

static void headline(const struct leak_report *r, const struct leak_process *p, struct out *out)
{
	const struct growth *g = &p->growth;
	char text[256], who[48];

	snprintf(who, sizeof(who), "%s, pid %d,", p->comm[0] ? p->comm : "a process", p->pid);
	if (p->err < 0)
		snprintf(text, sizeof(text), "%s could not be followed: %s", who, why(p->err));
	else if (g->looks < GROWTH_LOOKS_MIN)
		snprintf(text, sizeof(text), "%s was seen %zu times only: too few to tell", who,
			 g->looks);
	else if (g->kind == GROWTH_STEADY)
		snprintf(text, sizeof(text), "%s grows all the time: %s, by %s in %s", who,
			 rate_text(g->kib_per_s).s, host_bytes(g->grown_kib * 1024).s,
			 fmt_seconds(g->seconds).s);
	else if (g->kind == GROWTH_BURST)
		snprintf(text, sizeof(text), "%s grew by %s in %s, but not all the time", who,
			 host_bytes(g->grown_kib * 1024).s, fmt_seconds(g->seconds).s);
	else
		snprintf(text, sizeof(text), "%s does not grow (in %s)", who,
			 fmt_seconds(g->seconds > 0 ? g->seconds : r->seconds).s);
	out_wrap(out, 0, HOST_INDENT, text);
}

static void left_text(const struct leak_report *r, const struct leak_process *p, struct out *out)
{
	double left = leak_time_left(r, p);
	uint64_t free_kib = r->available_kib +
			    (r->swap.known ? r->swap.total_kib - r->swap.used_kib : 0);

	if (left < 0)
		return;
	if (p->room_known && (!r->memory_known || p->room_kib < free_kib))
		host_row(out, 1, "time left",
			 "about %s until its cgroup's limit is reached (%s left; cache that can be "
			 "given up is counted as used)",
			 fmt_seconds(left).s, host_bytes(p->room_kib * 1024).s);
	else
		host_row(out, 1, "time left", "about %s until memory is used up (%s available%s%s)",
			 fmt_seconds(left).s, host_bytes(r->available_kib * 1024).s,
			 r->swap.known && r->swap.total_kib ? ", free swap " : "",
			 r->swap.known && r->swap.total_kib
				 ? host_bytes((r->swap.total_kib - r->swap.used_kib) * 1024).s
				 : "");
}

static void advice(const struct leak_process *p, struct out *out)
{
	if (p->growth.kind != GROWTH_STEADY)
		return;
	host_row(out, 1, "not", "a cache being filled, or a program between two garbage "
				"collections, if a longer look (-t 10m) says the same");
	host_row(out, 1, "fix", "the program: see what fills the region (--peek), keep it for its "
				"author (--dump FILE, or gcore %d), heaptrack -p %d",
		 p->pid, p->pid);
	host_row(out, 1, "stop-gap", "restart it in good time, or a limit for it alone "
				     "(systemd: MemoryMax=)");
}

static void process_text(const struct leak_report *r, const struct leak_process *p, struct out *out)
{
	const struct growth *g = &p->growth;
	size_t shown = 0;

	headline(r, p, out);
	if (p->err < 0 || !g->looks || (r->any && g->kind != GROWTH_STEADY))
		return;
	host_row(out, 1, "kept", "%s%s%s", host_bytes(g->kept_kib * 1024).s,
		 g->swap_kib ? ", of it swapped out " : "",
		 g->swap_kib ? host_bytes(g->swap_kib * 1024).s : "");
	vec_each(region, &g->regions) {
		const struct mapping *m = &region->mapping;

		if (shown++ == REGIONS_SHOWN)
			break;
		host_row(out, 1, shown == 1 ? "grows" : "", "%s %llx-%llx %s: %s, by %s%s",
			 mapping_name(m), (unsigned long long)m->start, (unsigned long long)m->end,
			 m->permissions, rate_text(region->kib_per_s).s,
			 host_bytes(region->grown_kib * 1024).s,
			 region->kind == GROWTH_BURST ? ", not all the time" : "");
	}
	left_text(r, p, out);
	advice(p, out);
}

static enum growth_kind largest_growth(const struct leak_report *r)
{
	return r->processes.n ? r->processes.items[0].growth.kind : GROWTH_NONE;
}

static void swap_text(const struct leak_report *r, struct out *out)
{
	static const char *const words[SWAP_USES] = {
		[SWAP_BURST] = "a burst that is over: nobody wants those pages back now",
		[SWAP_TRAFFIC] = "pages come and go, and nobody is known to wait for them",
		[SWAP_WORKING_SET] = "what is in use does not fit: more memory, or less that uses it",
		[SWAP_LEAK] = "a process that grows drives the others out: mend it; more memory only "
			      "lasts longer",
	};
	enum swap_use use = swap_judge(&r->swap, largest_growth(r));

	if (!words[use])
		return;
	out_printf(out, "\n");
	host_row(out, 0, "swap", "%s of %s in use: %s", host_bytes(r->swap.used_kib * 1024).s,
		 host_bytes(r->swap.total_kib * 1024).s, words[use]);
}

static void contents_text(const struct leak_report *r, struct out *out)
{
	if (r->peeked && r->peek_err < 0)
		host_row(out, 1, "strings", "none: %s", host_why(r->peek_err));
	else if (r->peeked)
		host_row(out, 1, "strings", "in %llu pages of the region that grows most:",
			 (unsigned long long)r->pages_sampled);
	vec_each(s, &r->strings) {
		char times[40];

		snprintf(times, sizeof(times), "%s times", fmt_count(s->seen).s);
		host_row(out, 2, times, "%s", s->text);
	}
	if (r->dumped && r->dump_err < 0)
		host_row(out, 1, "dump", "%s: %s", r->dumped, host_why(r->dump_err));
	else if (r->dumped)
		host_row(out, 1, "dump", "%s: %s of the region that grows most", r->dumped,
			 host_bytes(r->dumped_bytes).s);
}

/* Of all processes those that grow; one that has ended needs nobody's care. */
static bool is_told(const struct leak_report *r, const struct leak_process *p)
{
	return !r->any || (p->err == 0 && p->growth.kind != GROWTH_NONE);
}

void host_leak_text(const struct leak_report *r, struct out *out)
{
	size_t grow = 0;

	vec_each(p, &r->processes)
		grow += is_told(r, p);
	if (r->any && !grow)
		out_printf(out, "None of %zu processes grows (in %s)\n", r->processes_seen,
			   fmt_seconds(r->seconds).s);
	vec_each(p, &r->processes) {
		if (!is_told(r, p))
			continue;
		process_text(r, p, out);
		if (p == r->processes.items)
			contents_text(r, out);
	}
	swap_text(r, out);
}

/* ---- JSON ---- */

static json_t *hex_json(uint64_t address)
{
	return json_sprintf("0x%llx", (unsigned long long)address);
}

static json_t *region_json(const struct growing_region *region)
{
	json_t *j = json_object();

	set(j, "start", hex_json(region->mapping.start));
	set(j, "end", hex_json(region->mapping.end));
	set_text(j, "permissions", region->mapping.permissions);
	set(j, "name", filled_or_null(region->mapping.name));
	set_text(j, "growth", growth_names[region->kind]);
	set(j, "grown_bytes", number(region->grown_kib * 1024));
	set(j, "bytes_per_second", real(region->kib_per_s * 1024, 1));
	set(j, "kept_bytes", number((region->mapping.own_kib + region->mapping.swap_kib) * 1024));
	return j;
}

static json_t *process_growth_json(const struct leak_report *r, const struct leak_process *p)
{
	const struct growth *g = &p->growth;
	json_t *j = json_object(), *regions = json_array();
	bool judged = p->err >= 0 && g->looks >= GROWTH_LOOKS_MIN;
	double left = leak_time_left(r, p);

	set(j, "pid", json_integer(p->pid));
	set(j, "command", filled_or_null(p->comm));
	set_text(j, "errno", p->err < 0 ? errno_name(p->err) : NULL);
	set_text(j, "growth", judged ? growth_names[g->kind] : NULL);
	set(j, "seconds", real(g->seconds, 0.001));
	set(j, "looks", number(g->looks));
	set(j, "kept_bytes", number_if(g->looks > 0, g->kept_kib * 1024));
	set(j, "swapped_bytes", number_if(g->looks > 0, g->swap_kib * 1024));
	set(j, "grown_bytes", number_if(judged, g->grown_kib * 1024));
	set(j, "bytes_per_second", judged ? real(g->kib_per_s * 1024, 1) : json_null());
	set(j, "time_left_s", left < 0 ? json_null() : real(left, 0.1));
	vec_each(region, &g->regions)
		json_array_append_new(regions, region_json(region));
	set(j, "regions", regions);
	return j;
}

static json_t *contents_json(const struct leak_report *r)
{
	json_t *j = json_object(), *strings = json_array();

	set_text(j, "errno", r->peek_err < 0 ? errno_name(r->peek_err) : NULL);
	set(j, "pages", number(r->pages_sampled));
	vec_each(s, &r->strings) {
		json_t *one = json_object();

		set_text(one, "text", s->text);
		set(one, "seen", number(s->seen));
		json_array_append_new(strings, one);
	}
	set(j, "strings", strings);
	return j;
}

static json_t *dump_json(const struct leak_report *r)
{
	json_t *j = json_object();

	set_text(j, "file", r->dumped);
	set_text(j, "errno", r->dump_err < 0 ? errno_name(r->dump_err) : NULL);
	set(j, "bytes", number_if(r->dump_err >= 0, r->dumped_bytes));
	return j;
}

json_t *host_leak_json(const struct leak_report *r)
{
	json_t *j = json_object(), *processes = json_array(), *swap = json_object();

	set(j, "seconds", real(r->seconds, 0.001));
	set(j, "processes_seen", number_if(r->any, r->processes_seen));
	vec_each(p, &r->processes)
		json_array_append_new(processes, process_growth_json(r, p));
	set(j, "processes", processes);
	set(j, "available_bytes", number_if(r->memory_known, r->available_kib * 1024));
	set_text(swap, "use", swap_use_names[swap_judge(&r->swap, largest_growth(r))]);
	set(swap, "used_bytes", number_if(r->swap.known, r->swap.used_kib * 1024));
	set(swap, "total_bytes", number_if(r->swap.known, r->swap.total_kib * 1024));
	set(swap, "in_pages_per_second",
	    r->swap.in_per_s < 0 ? json_null() : real(r->swap.in_per_s, 0.1));
	set(swap, "out_pages_per_second",
	    r->swap.out_per_s < 0 ? json_null() : real(r->swap.out_per_s, 0.1));
	set(j, "swap", swap);
	set(j, "contents", r->peeked ? contents_json(r) : json_null());
	set(j, "dump", r->dumped ? dump_json(r) : json_null());
	return j;
}
