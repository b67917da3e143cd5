// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How the host is doing, of the files that are one each:
 *
 *   /proc/meminfo, vmstat, stat, loadavg, pressure/   as in machine.c
 *   /proc/slabinfo     mm/slab_common.c slabinfo_show; root alone (mode 0400)
 *   /proc/swaps        mm/swapfile.c swap_show; KiB
 *   /proc/net/sockstat net/ipv4/proc.c: "mem", pages of the whole host in each namespace
 *   /sys/devices/system/node/nodeN/{meminfo,numastat}   drivers/base/node.c; KiB, pages
 *   /sys/kernel/mm/transparent_hugepage/enabled         mm/huge_memory.c
 *
 * Settings, caches and swap areas are read at the second end alone: nothing of them is compared.
 */
#include "collect/doing.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "collect/proctext.h"

#define NODES_MAX 1024 /* MAX_NUMNODES of the largest configurations */
#define SLABS_MAX 4096
#define SWAPS_MAX 64

enum step {
	STEP_TIME = 1,
	STEP_STAT = 2,
	STEP_MEMINFO = 4,
	STEP_VMSTAT = 8,
	STEP_SETTINGS = 16,
	STEP_LOAD = 32,
	STEP_PRESSURE = 64,
	STEP_PROCESSES = 128,
	STEP_CGROUPS = 256,
	STEP_SLABS = 512,
	STEP_PARTS = 1024,
	STEP_SWAPS = 2048,
	STEP_NODES = 4096,
	STEP_POLICIES = 8192,
	STEP_SOCKSTAT = 16384,
	STEP_HUGE = 32768,
};

bool doing_is_first(const struct host *h)
{
	return strcmp(h->phase, "host-a") == 0;
}

/* ---- the pure halves ---- */

static enum doing_number number_named(enum doing_file file, struct span name)
{
	for (enum doing_number id = 0; id < DOING_NUMBERS; id++)
		if (doing_number_rows[id].file == file && span_is(name, doing_number_rows[id].name))
			return id;
	return DOING_NUMBERS;
}

static void set_number(struct doing *d, enum doing_number id, uint64_t value)
{
	d->number[id] = value;
	d->known[id] = true;
}

/* "TCP: inuse 5 orphan 0 tw 2 alloc 9 mem 1" */
static int take_pages(struct span line, enum doing_number id, struct doing *d)
{
	struct span name, value;
	uint64_t n;

	while (next_field(&line, &name) && next_field(&line, &value)) {
		if (!span_is(name, "mem"))
			continue;
		if (parse_u64(value, UINT64_MAX, &n) < 0)
			return -EBADMSG;
		set_number(d, id, n);
	}
	return 0;
}

/* "MemTotal:  24684032 kB", "pswpin 12", "ctxt 123"; lines of other names are passed over. */
int parse_doing_numbers(struct span text, enum doing_file file, struct doing *d)
{
	struct span line, name, value;
	bool any = false;

	while (next_line(&text, &line)) {
		enum doing_number id;
		uint64_t n;

		if (!next_field(&line, &name))
			continue;
		name.n -= name.p[name.n - 1] == ':';
		id = number_named(file, name);
		if (id == DOING_NUMBERS)
			continue;
		any = true;
		if (file == DOING_SOCKSTAT) {
			if (take_pages(line, id, d) < 0)
				return -EBADMSG;
			continue;
		}
		if (!next_field(&line, &value) || parse_u64(value, UINT64_MAX, &n) < 0)
			return -EBADMSG;
		set_number(d, id, n);
	}
	return any ? 0 : -EBADMSG;
}

int parse_doing_setting(struct span text, enum doing_number id, struct doing *d)
{
	struct span line, value;
	uint64_t n;

	if (!next_line(&text, &line) || !next_field(&line, &value) ||
	    parse_u64(value, UINT64_MAX, &n) < 0)
		return -EBADMSG;
	set_number(d, id, n);
	return 0;
}

/* "0.85 1.93 1.46 1/94 29189": of 94 tasks (threads) one is runnable */
int parse_tasks(struct span loadavg, struct doing *d)
{
	struct span line, field = {0}, running;
	uint64_t tasks;

	if (!next_line(&loadavg, &line))
		return -EBADMSG;
	for (int i = 0; i < 4; i++)
		if (!next_field(&line, &field))
			return -EBADMSG;
	if (!next_split(&field, '/', &running) || !field.p ||
	    parse_u64(field, UINT32_MAX, &tasks) < 0)
		return -EBADMSG;
	d->tasks = tasks;
	return 0;
}

static int take_slab(struct span line, uint64_t page_kib, struct doing *d)
{
	struct span name, field;
	struct slab_cache c = {0};
	uint64_t n[5], slabs = 0;

	if (!next_field(&line, &name))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(n); i++)
		if (!next_field(&line, &field) || parse_u64(field, UINT32_MAX, &n[i]) < 0)
			return -EBADMSG;
	/* ": tunables 0 0 0 : slabdata <active_slabs> <num_slabs> <sharedavail>" */
	while (next_field(&line, &field))
		if (span_is(field, "slabdata"))
			break;
	if (!next_field(&line, &field) || !next_field(&line, &field) ||
	    parse_u64(field, UINT32_MAX, &slabs) < 0)
		return -EBADMSG;
	span_copy(name, c.name, sizeof(c.name));
	c.active = n[0];
	c.objects = n[1];
	c.object_size = n[2];
	c.kib = slabs * n[4] * page_kib;
	if (d->slabs.n == SLABS_MAX)
		return -EFBIG;
	*vec_push(&d->slabs) = c;
	return 0;
}

static int compare_slabs(const void *a, const void *b)
{
	const struct slab_cache *x = a, *y = b;

	return x->kib != y->kib ? (x->kib < y->kib ? 1 : -1) : strcmp(x->name, y->name);
}

/* Two lines of headings, then a cache each. Of caches that were merged one name stands for all. */
int parse_slabs(struct span text, uint64_t page_kib, struct doing *d)
{
	struct span line;
	bool headed = false;

	while (next_line(&text, &line)) {
		int r = 0;

		if (line.n >= 8 && memcmp(line.p, "slabinfo", 8) == 0)
			headed = true;
		else if (line.n && line.p[0] != '#')
			r = take_slab(line, page_kib, d);
		if (r < 0 || !headed)
			return r < 0 ? r : -EBADMSG;
	}
	if (d->slabs.n)
		qsort(d->slabs.items, d->slabs.n, sizeof(*d->slabs.items), compare_slabs);
	return headed ? 0 : -EBADMSG;
}

/* "/dev/sda2  partition  1048572  0  -2": a name's blanks are \040 */
int parse_swaps(struct span text, struct doing *d)
{
	struct span line, name, kind, field;

	if (!next_line(&text, &line) || !next_field(&line, &name) || !span_is(name, "Filename"))
		return -EBADMSG;
	while (next_line(&text, &line)) {
		struct swap_area a = {0};

		if (!next_field(&line, &name))
			continue;
		/* The file of an area that was removed: its name is followed by "\040(deleted)". */
		if (!next_field(&line, &kind) || !next_field(&line, &field) ||
		    parse_u64(field, UINT64_MAX, &a.kib) < 0 || !next_field(&line, &field) ||
		    parse_u64(field, UINT64_MAX, &a.used_kib) < 0 || !next_field(&line, &field) ||
		    parse_i64(field, &a.priority) < 0 || d->swaps.n == SWAPS_MAX)
			return -EBADMSG;
		span_copy(name, a.name, sizeof(a.name));
		span_copy(kind, a.kind, sizeof(a.kind));
		*vec_push(&d->swaps) = a;
	}
	return 0;
}

/* "Node 0 MemTotal:       24684096 kB" */
int parse_node_memory(struct span text, struct numa_node *ret)
{
	struct span line, word, name, value;
	bool total = false, idle = false;

	while (next_line(&text, &line)) {
		if (!next_field(&line, &word) || !next_field(&line, &word) ||
		    !next_field(&line, &name) || !next_field(&line, &value))
			continue;
		if (span_is(name, "MemTotal:"))
			total = parse_u64(value, UINT64_MAX, &ret->total) == 0;
		else if (span_is(name, "MemFree:"))
			idle = parse_u64(value, UINT64_MAX, &ret->free) == 0;
	}
	return total && idle ? 0 : -EBADMSG;
}

int parse_node_events(struct span text, struct numa_node *ret)
{
	struct span line, name, value;
	size_t found = 0;

	while (next_line(&text, &line)) {
		if (!next_field(&line, &name) || !next_field(&line, &value))
			return -EBADMSG;
		for (size_t i = 0; i < NUMA_EVENTS; i++) {
			if (!span_is(name, numa_event_names[i]))
				continue;
			if (parse_u64(value, UINT64_MAX, &ret->events[i]) < 0)
				return -EBADMSG;
			found++;
		}
	}
	return found == NUMA_EVENTS ? 0 : -EBADMSG;
}

int parse_node_list(struct span text, unsigned int *ret, size_t max, size_t *ret_n)
{
	struct span line, range, from;
	size_t n = 0;

	if (!next_line(&text, &line))
		return -EBADMSG;
	while (next_split(&line, ',', &range)) {
		uint64_t low, high;

		if (!next_split(&range, '-', &from) || parse_u64(from, UINT16_MAX, &low) < 0)
			return -EBADMSG;
		high = low;
		if (range.p && parse_u64(range, UINT16_MAX, &high) < 0)
			return -EBADMSG;
		for (; low <= high; low++) {
			if (n == max)
				return -EFBIG;
			ret[n++] = (unsigned int)low;
		}
	}
	*ret_n = n;
	return 0;
}

/* "always [madvise] never": what stands in brackets holds */
int parse_huge(struct span text, char *to, size_t size)
{
	const char *open = text.n ? memchr(text.p, '[', text.n) : NULL;
	const char *close = open ? memchr(open, ']', text.n - (size_t)(open - text.p)) : NULL;

	if (!close)
		return -EBADMSG;
	span_copy((struct span){open + 1, (size_t)(close - open) - 1}, to, size);
	return 0;
}

/* ---- the files ---- */

static int read_numbers(struct host *h, const char *path, enum doing_file file, struct doing *d)
{
	cleanup(buf_done) struct buf b = {0};
	struct span text;
	int r = read_text(h, path, &b, &text);

	if (r == 0)
		r = parse_doing_numbers(text, file, d);
	return r < 0 || file != DOING_STAT ? r : parse_cpu_times(text, &d->machine);
}

/* When this end was: only a live host has a clock. */
static int read_time(struct host *h, struct doing *d)
{
	cleanup(buf_done) struct buf b = {0};
	struct span text, line;
	uint64_t ns, page;
	int r;

	if (!h->replay)
		buf_printf(&b, "%lld %ld\n", (long long)monotonic_ns(),
			   sysconf(_SC_PAGESIZE) / 1024);
	r = host_keep(h, "host-time", 0, &b);
	text = (struct span){b.data, b.len};
	if (r == 0 &&
	    (!next_line(&text, &line) || !next_split(&line, ' ', &text) ||
	     parse_u64(text, INT64_MAX, &ns) < 0 || parse_u64(line, 1024, &page) < 0 || !page))
		r = -EBADMSG;
	if (r < 0)
		return r;
	d->taken_ns = (int64_t)ns;
	d->page_kib = page;
	return 0;
}

/* One that this kernel does not have stays unknown by itself. */
static int read_settings(struct host *h, struct doing *d)
{
	cleanup(buf_done) struct buf b = {0};

	for (enum doing_number id = 0; id < DOING_NUMBERS; id++) {
		char path[96];

		if (doing_number_rows[id].file != DOING_SYS)
			continue;
		snprintf(path, sizeof(path), "sys/%s", doing_number_rows[id].name);
		buf_clear(&b);
		if (host_read(h, path, &b) == 0 && text_is_whole(&b))
			parse_doing_setting((struct span){b.data, b.len}, id, d);
	}
	return 0;
}

static int read_load(struct host *h, struct doing *d)
{
	cleanup(buf_done) struct buf b = {0};
	struct span text;
	int r = read_text(h, "loadavg", &b, &text);

	if (r == 0)
		r = parse_loadavg(text, &d->machine);
	return r == 0 ? parse_tasks(text, d) : r;
}

static int read_pressure(struct host *h, struct doing *d)
{
	return collect_pressure(h, &d->machine);
}

static int read_stat(struct host *h, struct doing *d)
{
	return read_numbers(h, "stat", DOING_STAT, d);
}

static int read_meminfo(struct host *h, struct doing *d)
{
	return read_numbers(h, "meminfo", DOING_MEMINFO, d);
}

static int read_vmstat(struct host *h, struct doing *d)
{
	return read_numbers(h, "vmstat", DOING_VMSTAT, d);
}

static int read_sockstat(struct host *h, struct doing *d)
{
	return read_numbers(h, "net/sockstat", DOING_SOCKSTAT, d);
}

static int read_slabs(struct host *h, struct doing *d)
{
	cleanup(buf_done) struct buf b = {0};
	struct span text;
	int r = read_text(h, "slabinfo", &b, &text);

	return r < 0 ? r : parse_slabs(text, d->page_kib, d);
}

/* A kernel without swap has no such file, and no swap. */
static int read_swaps(struct host *h, struct doing *d)
{
	cleanup(buf_done) struct buf b = {0};
	struct span text;
	int r = read_text(h, "swaps", &b, &text);

	return r < 0 ? (r == -ENOENT ? 0 : r) : parse_swaps(text, d);
}

static int read_huge(struct host *h, struct doing *d)
{
	cleanup(buf_done) struct buf b = {0};
	int r = host_read_abs(h, "/sys/kernel/mm/transparent_hugepage/enabled", &b);

	return r < 0 ? r : parse_huge((struct span){b.data, b.len}, d->huge, sizeof(d->huge));
}

static int read_node(struct host *h, struct numa_node *ret)
{
	cleanup(buf_done) struct buf b = {0};
	char path[96];
	int r;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/meminfo", ret->id);
	r = host_read_abs(h, path, &b);
	if (r == 0)
		r = parse_node_memory((struct span){b.data, b.len}, ret);
	if (r < 0)
		return r;
	buf_clear(&b);
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/numastat", ret->id);
	r = host_read_abs(h, path, &b);
	return r < 0 ? r : parse_node_events((struct span){b.data, b.len}, ret);
}

static int read_nodes(struct host *h, struct doing *d)
{
	cleanup(cleanup_free) unsigned int *ids = xcalloc(NODES_MAX, sizeof(*ids));
	cleanup(buf_done) struct buf b = {0};
	size_t n = 0;
	int r = host_read_abs(h, "/sys/devices/system/node/online", &b);

	if (r == 0)
		r = parse_node_list((struct span){b.data, b.len}, ids, NODES_MAX, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct numa_node node = {.id = ids[i]};

		r = read_node(h, &node);
		if (r == 0)
			*vec_push(&d->nodes) = node;
	}
	return r;
}

/* ---- the sections ---- */

static const struct {
	enum step step;
	bool at_end_only;
	int part; /* enum doing_part; -1 none */
	const char *what;
	int (*read)(struct host *h, struct doing *d);
} steps[] = {
	{STEP_TIME, false, -1, "the clock", read_time},
	{STEP_STAT, false, -1, "/proc/stat", read_stat},
	{STEP_LOAD, false, -1, "/proc/loadavg", read_load},
	{STEP_PRESSURE, false, -1, "/proc/pressure", read_pressure},
	{STEP_PROCESSES, false, DOING_OF_PROCESSES, "/proc/PID", doing_processes},
	{STEP_VMSTAT, false, -1, "/proc/vmstat", read_vmstat},
	{STEP_CGROUPS, false, DOING_OF_CGROUPS, "cgroups", doing_cgroups},
	{STEP_NODES, false, DOING_OF_NODES, "/sys/devices/system/node", read_nodes},
	{STEP_MEMINFO, false, -1, "/proc/meminfo", read_meminfo},
	{STEP_SOCKSTAT, true, -1, "/proc/net/sockstat", read_sockstat},
	{STEP_SETTINGS, true, -1, "/proc/sys", read_settings},
	{STEP_HUGE, true, -1, "/sys/kernel/mm/transparent_hugepage", read_huge},
	{STEP_SLABS, true, DOING_OF_SLABS, "/proc/slabinfo", read_slabs},
	{STEP_SWAPS, true, DOING_OF_SWAPS, "/proc/swaps", read_swaps},
	{STEP_PARTS, true, DOING_OF_PSS, "/proc/PID/smaps_rollup", doing_parts},
	{STEP_POLICIES, true, DOING_OF_POLICIES, "/proc/PID/numa_maps", doing_policies},
};
_Static_assert(ARRAY_SIZE(steps) == DOING_STEPS, "an errno for each");

/* In the order of the table: what is compared first, so that the two ends are that far apart. */
static void read_steps(struct host *h, struct host_facts *f, const char *section, unsigned int want)
{
	bool first = doing_is_first(h);
	struct doing *d = &f->doing[!first];

	want |= STEP_TIME;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (!(want & steps[i].step) || (first && steps[i].at_end_only))
			continue;
		if (!(d->read & steps[i].step)) {
			d->read |= steps[i].step;
			d->step_err[i] = steps[i].read(h, d);
			if (steps[i].part >= 0)
				d->err[steps[i].part] = d->step_err[i];
		}
		if (d->step_err[i] < 0 && !first)
			host_absent(f, section, steps[i].what, d->step_err[i]);
	}
}

void collect_host_load(struct host *h, struct host_facts *f)
{
	read_steps(h, f, "load", STEP_STAT | STEP_LOAD | STEP_PRESSURE | STEP_PROCESSES);
}

void collect_host_time(struct host *h, struct host_facts *f)
{
	read_steps(h, f, "time", STEP_STAT | STEP_CGROUPS);
}

void collect_host_processes(struct host *h, struct host_facts *f)
{
	read_steps(h, f, "processes", STEP_LOAD | STEP_SETTINGS | STEP_PROCESSES);
}

void collect_host_memory(struct host *h, struct host_facts *f)
{
	read_steps(h, f, "memory",
		   STEP_MEMINFO | STEP_VMSTAT | STEP_SETTINGS | STEP_PROCESSES | STEP_SLABS |
			   STEP_PARTS | STEP_HUGE | STEP_SOCKSTAT);
}

void collect_host_swap(struct host *h, struct host_facts *f)
{
	read_steps(h, f, "swap",
		   STEP_MEMINFO | STEP_VMSTAT | STEP_SETTINGS | STEP_SWAPS | STEP_PROCESSES);
}

void collect_host_placement(struct host *h, struct host_facts *f)
{
	read_steps(h, f, "placement",
		   STEP_NODES | STEP_VMSTAT | STEP_SETTINGS | STEP_PROCESSES | STEP_POLICIES);
}

void collect_host_files(struct host *h, struct host_facts *f)
{
	read_steps(h, f, "files", STEP_SETTINGS | STEP_PROCESSES);
}
