// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/doing.h"

const struct doing_number_row doing_number_rows[DOING_NUMBERS] = {
#define N(id_, file_, name_, group_, key_, unit_) \
	[D_##id_] = {DOING_##file_, name_, DOING_##group_, key_, unit_},
#include "model/doing_numbers.def"
#undef N
};

const char *const process_field_keys[PROCESS_FIELDS] = {
#define F(id_, key_) [PROC_##id_] = key_,
#include "model/doing_fields.def"
#undef F
};

const char *const numa_event_names[NUMA_EVENTS] = {
	[NUMA_HIT] = "numa_hit",	 [NUMA_MISS] = "numa_miss",
	[NUMA_FOREIGN] = "numa_foreign", [NUMA_INTERLEAVE] = "interleave_hit",
	[NUMA_LOCAL] = "local_node",	 [NUMA_OTHER] = "other_node",
};

void doing_done(struct doing *d)
{
	snapshot_done(&d->machine);
	vec_done(&d->processes);
	vec_done(&d->cgroups);
	vec_done(&d->slabs);
	vec_done(&d->parts);
	vec_done(&d->swaps);
	vec_done(&d->nodes);
	vec_done(&d->policies);
}

bool doing_known(const struct doing *d, enum doing_number id)
{
	return d && d->known[id];
}

uint64_t doing_or_0(const struct doing *d, enum doing_number id)
{
	return d->known[id] ? d->number[id] : 0;
}

const struct doing_process *doing_process(const struct doing *d, int64_t pid)
{
	size_t low = 0, high = d->processes.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct doing_process *p = &d->processes.items[middle];

		if (p->v[PROC_PID] == pid)
			return p;
		if (p->v[PROC_PID] < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct memory_part *doing_part(const struct doing *d, int64_t pid)
{
	vec_each (part, &d->parts)
		if (part->pid == pid)
			return part;
	return NULL;
}

/*
 * kthreadd is process 2, and the parent of all others of the kernel. In a PID namespace process 2 is
 * anybody: threads of the kernel have no address space.
 */
bool is_kernel_thread(const struct doing_process *p)
{
	if (p->v[PROC_VIRTUAL] > 0)
		return false;
	return p->v[PROC_PPID] == 2 || (p->v[PROC_PID] == 2 && p->v[PROC_PPID] == 0);
}

bool is_realtime(const struct doing_process *p)
{
	return p->v[PROC_RT_PRIORITY] > 0;
}

bool doing_grew(const struct doing_sample *s, enum doing_number id, uint64_t *ret)
{
	if (!doing_known(s->a, id) || !doing_known(s->b, id) || s->b->number[id] < s->a->number[id])
		return false;
	*ret = s->b->number[id] - s->a->number[id];
	return true;
}

double process_cpus(const struct doing_sample *s, const struct doing_process *p)
{
	const struct doing_process *before = s->a ? doing_process(s->a, p->v[PROC_PID]) : NULL;
	int64_t ticks = p->v[PROC_USER] + p->v[PROC_SYSTEM];

	if (!s->a || s->a->err[DOING_OF_PROCESSES] || s->seconds <= 0)
		return -1;
	/* One that came meanwhile, perhaps with the number of another, used all of its time now. */
	if (before && before->v[PROC_START] == p->v[PROC_START])
		ticks -= before->v[PROC_USER] + before->v[PROC_SYSTEM];
	return ticks < 0 ? -1 : (double)ticks / DOING_TICKS / s->seconds;
}

int64_t process_shared(const struct doing_process *p)
{
	if (p->v[PROC_FILE] == DOING_UNKNOWN || p->v[PROC_SHARED_MEMORY] == DOING_UNKNOWN)
		return DOING_UNKNOWN;
	return p->v[PROC_FILE] + p->v[PROC_SHARED_MEMORY];
}

static const struct cpu *cpu_at(const struct doing *d, unsigned int id)
{
	vec_each (c, &d->machine.cpus)
		if (c->id == id && c->times_present)
			return c;
	return NULL;
}

/* idle and iowait may go back (show_stat): then nothing passed. */
#define GREW(field) (b->times.field - MIN(a->times.field, b->times.field))

bool doing_times(const struct doing_sample *s, int cpu, struct cpu_times *ret)
{
	struct cpu_times sum = {0};
	bool any = false;

	if (!s->a)
		return false;
	vec_each (b, &s->b->machine.cpus) {
		const struct cpu *a = cpu_at(s->a, b->id);

		if (!a || !b->times_present || (cpu >= 0 && b->id != (unsigned int)cpu))
			continue;
		sum.user += GREW(user);
		sum.nice += GREW(nice);
		sum.system += GREW(system);
		sum.idle += GREW(idle);
		sum.iowait += GREW(iowait);
		sum.irq += GREW(irq);
		sum.softirq += GREW(softirq);
		sum.steal += GREW(steal);
		any = true;
	}
	if (any)
		*ret = sum;
	return any;
}

bool doing_throttled(const struct doing_sample *s, const struct doing_cgroup *g,
		     struct doing_cgroup *ret)
{
	if (!s->a)
		return false;
	vec_each (a, &s->a->cgroups) {
		if (a->v2 != g->v2 || strcmp(a->path, g->path) != 0 || a->periods > g->periods ||
		    a->throttled > g->throttled || a->throttled_ns > g->throttled_ns)
			continue;
		*ret = *g;
		ret->periods -= a->periods;
		ret->throttled -= a->throttled;
		ret->throttled_ns -= a->throttled_ns;
		return true;
	}
	return false;
}

/* ---- processes in order ---- */

struct sorted {
	const struct doing_process *p;
	double by;
};

static int compare_sorted(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;

	if (x->by != y->by)
		return x->by < y->by ? 1 : -1;
	return x->p->v[PROC_PID] < y->p->v[PROC_PID] ? -1 : x->p->v[PROC_PID] > y->p->v[PROC_PID];
}

static double sort_key(const struct doing_sample *s, const struct doing_process *p,
		       enum process_order order)
{
	double lifetime = (double)(p->v[PROC_USER] + p->v[PROC_SYSTEM]);

	if (order == BY_MEMORY)
		return (double)p->v[PROC_RESIDENT];
	if (order == BY_SWAP)
		return (double)p->v[PROC_SWAP];
	/* With one end it is what they used so far. */
	return process_cpus(s, p) >= 0 ? process_cpus(s, p) : lifetime;
}

const struct doing_process **processes_sorted(const struct doing_sample *s,
					      enum process_order order, size_t *ret_n)
{
	size_t n = s->b->processes.n;
	cleanup(cleanup_free) struct sorted *list = xcalloc(n + 1, sizeof(*list));
	const struct doing_process **sorted = xcalloc(n + 1, sizeof(*sorted));

	for (size_t i = 0; i < n; i++) {
		list[i].p = &s->b->processes.items[i];
		list[i].by = sort_key(s, list[i].p, order);
	}
	qsort(list, n, sizeof(*list), compare_sorted);
	for (size_t i = 0; i < n; i++)
		sorted[i] = list[i].p;
	*ret_n = n;
	return sorted;
}

void load_parts(const struct doing *d, struct load_parts *ret)
{
	struct load_parts parts = {0};

	vec_each (p, &d->processes) {
		if (p->v[PROC_SELF] == 1)
			continue;
		parts.not_seen += (uint64_t)MAX(p->v[PROC_THREADS] - p->v[PROC_THREADS_SEEN], 0);
		parts.runnable += (uint64_t)p->v[PROC_THREADS_RUNNABLE];
		parts.blocked += (uint64_t)p->v[PROC_THREADS_BLOCKED];
	}
	*ret = parts;
}

/* ---- where the memory is ---- */

struct account {
	struct memory_row *rows;
	size_t n;
	uint64_t left;
};

static void account_add(struct account *a, const char *key, const char *name, uint64_t kib)
{
	if (a->n == MEMORY_ROWS - 1)
		return;
	a->rows[a->n++] = (struct memory_row){key, name, kib};
	a->left -= MIN(a->left, kib);
}

/*
 * Of the swap cache what nobody has mapped: the rest is in AnonPages. What the lists of pages have
 * beyond AnonPages and Shmem can be nothing else.
 */
static uint64_t swap_cached(const struct doing *d)
{
	uint64_t lists = doing_or_0(d, D_ACTIVE_ANON) + doing_or_0(d, D_INACTIVE_ANON);
	uint64_t told = doing_or_0(d, D_ANON_PAGES) + doing_or_0(d, D_SHMEM);

	return MIN(doing_or_0(d, D_SWAP_CACHED), lists - MIN(lists, told));
}

/*
 * The kernel's own sums, so that nothing depends on how many processes could be looked into: what
 * all processes have of their own is AnonPages, exactly the sum of their PSS without files. Pages
 * of files stand in the cache, mapped or not. With CONFIG_VMAP_STACK (each 64-bit kernel of a
 * distribution) VmallocUsed has the kernel stacks in it.
 */
size_t memory_account(const struct doing *d, struct memory_row rows[static MEMORY_ROWS])
{
	struct account a = {.rows = rows, .left = doing_or_0(d, D_MEM_TOTAL)};
	uint64_t cache =
		doing_or_0(d, D_CACHED) + doing_or_0(d, D_BUFFERS) + swap_cached(d);
	uint64_t stacks = doing_or_0(d, D_KERNEL_STACK), vmalloc = doing_or_0(d, D_VMALLOC_USED);
	uint64_t mapped = MIN(doing_or_0(d, D_MAPPED), cache);

	if (!d->known[D_MEM_TOTAL] || !d->known[D_MEM_FREE] || !d->known[D_ANON_PAGES])
		return 0;
	account_add(&a, "processes", "processes, their own", d->number[D_ANON_PAGES]);
	account_add(&a, "mapped_files", "files that processes map", mapped);
	account_add(&a, "cache", "cache of files, not mapped", cache - mapped);
	account_add(&a, "slab_reclaimable", "slab, reclaimable", doing_or_0(d, D_SLAB_RECLAIMABLE));
	account_add(&a, "slab_unreclaimable", "slab, not reclaimable",
		    doing_or_0(d, D_SLAB_UNRECLAIMABLE));
	account_add(&a, "page_tables", "page tables",
		    doing_or_0(d, D_PAGE_TABLES) + doing_or_0(d, D_SEC_PAGE_TABLES));
	account_add(&a, "kernel_stacks", "kernel stacks", stacks);
	account_add(&a, "vmalloc", "modules, BPF and other vmalloc",
		    vmalloc - MIN(stacks, vmalloc));
	account_add(&a, "per_cpu", "per-CPU", doing_or_0(d, D_PER_CPU));
	account_add(&a, "huge_pages", "huge pages set aside", doing_or_0(d, D_HUGE_ALL));
	account_add(&a, "compressed", "compressed pages (zswap, zram)",
		    doing_or_0(d, D_ZSMALLOC) * d->page_kib);
	account_add(&a, "free", "free", d->number[D_MEM_FREE]);
	account_add(&a, "rest", "nobody's: pages of drivers and sockets", a.left);
	return a.n;
}
