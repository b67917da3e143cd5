// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory: as free(1) has it, the account of all of it, whose it is, and the kernel's caches. */
#include <stdio.h>

#include "render/host_doing.h"
#include "render/json_set.h"

#define SLABS_SHOWN 5
#define SLABS_JSON 20
#define PARTS_SHOWN 8

/* Documentation/mm/overcommit-accounting */
static const char *overcommit_name(const struct doing *d)
{
	static const char *const names[] = {"heuristic", "always", "never"};

	if (!d->known[D_OVERCOMMIT] || d->number[D_OVERCOMMIT] >= ARRAY_SIZE(names))
		return NULL;
	return names[d->number[D_OVERCOMMIT]];
}

static uint64_t socket_kib(const struct doing *d)
{
	return (doing_or_0(d, D_TCP_PAGES) + doing_or_0(d, D_UDP_PAGES)) * d->page_kib;
}

/* Processes that have memory and were not looked into: what they have resident, what of it alone.
 */
static void left_out(const struct doing *d, uint64_t *ret_n, uint64_t *ret_kib,
		     uint64_t *ret_own_kib)
{
	uint64_t n = 0, kib = 0, own = 0;

	vec_each (p, &d->processes) {
		if (p->v[PROC_RESIDENT] <= 0 || doing_part(d, p->v[PROC_PID]))
			continue;
		n++;
		kib += (uint64_t)p->v[PROC_RESIDENT];
		own += (uint64_t)MAX(p->v[PROC_ANONYMOUS], 0);
	}
	*ret_n = n;
	*ret_kib = kib;
	*ret_own_kib = own;
}

static int compare_parts(const void *a, const void *b)
{
	const struct memory_part *const *x = a, *const *y = b;

	return (*x)->pss != (*y)->pss ? ((*x)->pss < (*y)->pss ? 1 : -1) : (*x)->pid - (*y)->pid;
}

/* By PSS, the caller frees. */
static const struct memory_part **parts_sorted(const struct doing *d)
{
	const struct memory_part **list = xcalloc(d->parts.n + 1, sizeof(*list));

	for (size_t i = 0; i < d->parts.n; i++)
		list[i] = &d->parts.items[i];
	qsort(list, d->parts.n, sizeof(*list), compare_parts);
	return list;
}

static json_t *account_json(const struct doing *d)
{
	struct memory_row rows[MEMORY_ROWS];
	size_t n = memory_account(d, rows);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *j = json_object();

		set_text(j, "id", rows[i].key);
		set_text(j, "what", rows[i].name);
		set(j, "kib", number(rows[i].kib));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *parts_json(const struct doing *d)
{
	cleanup(cleanup_free) const struct memory_part **sorted = parts_sorted(d);
	json_t *list = json_array();

	for (size_t i = 0; i < d->parts.n; i++) {
		const struct doing_process *p = doing_process(d, sorted[i]->pid);
		json_t *j = json_object();

		set(j, "pid", json_integer(sorted[i]->pid));
		set(j, "command", p ? text_or_null(p->comm) : json_null());
		set(j, "pss_kib", number(sorted[i]->pss));
		set(j, "anonymous_kib", number(sorted[i]->anonymous));
		set(j, "file_kib", number(sorted[i]->file));
		set(j, "shmem_kib", number(sorted[i]->shmem));
		set(j, "swap_kib", number(sorted[i]->swap));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *slabs_json(const struct doing *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->slabs.n && i < SLABS_JSON; i++) {
		const struct slab_cache *c = &d->slabs.items[i];
		json_t *j = json_object();

		set_text(j, "name", c->name);
		set(j, "kib", number(c->kib));
		set(j, "objects", number(c->objects));
		set(j, "active", number(c->active));
		set(j, "object_size", number(c->object_size));
		json_array_append_new(list, j);
	}
	return list;
}

json_t *host_memory_json(const struct host_view *v)
{
	json_t *j = json_object(), *left = json_object();
	struct doing_sample s;
	uint64_t n, kib, own, killed;
	bool known;

	host_sample(v, &s);
	known = s.b->known[D_MEM_TOTAL] && s.b->known[D_MEM_AVAILABLE];
	host_numbers_json(s.b, DOING_MEMORY, j);
	set(j, "used",
	    number_if(known, doing_or_0(s.b, D_MEM_TOTAL) - MIN(doing_or_0(s.b, D_MEM_AVAILABLE),
								doing_or_0(s.b, D_MEM_TOTAL))));
	set(j, "overcommit", text_or_null(overcommit_name(s.b)));
	set(j, "transparent_huge_pages_mode", filled_or_null(s.b->huge));
	known = doing_grew(&s, D_OOM_KILLS, &killed);
	set(j, "oom_kills_in_sample", number_if(known, known ? killed : 0));
	set(j, "account", account_json(s.b));
	set(j, "sockets", number_if(s.b->known[D_TCP_PAGES], socket_kib(s.b)));
	set(j, "by_process", parts_json(s.b));
	left_out(s.b, &n, &kib, &own);
	known = s.b->processes.n;
	set(left, "processes", number_if(known, n));
	set(left, "resident_kib", number_if(known, kib));
	set(left, "anonymous_kib", number_if(known, own));
	set(j, "by_process_left_out", left);
	set(j, "slab_caches", slabs_json(s.b));
	return j;
}

static void free_text(const struct doing *d, struct out *out)
{
	host_row(out, 1, "total", "%s, %s available without swapping, %s free",
		 host_number_kib(d, D_MEM_TOTAL).s, host_number_kib(d, D_MEM_AVAILABLE).s,
		 host_number_kib(d, D_MEM_FREE).s);
	host_row(out, 1, "cache",
		 "%s page cache (of it %s shared memory), %s buffers, %s dirty, "
		 "%s being written",
		 host_number_kib(d, D_CACHED).s, host_number_kib(d, D_SHMEM).s,
		 host_number_kib(d, D_BUFFERS).s, host_number_kib(d, D_DIRTY).s,
		 host_number_kib(d, D_WRITEBACK).s);
	host_row(out, 1, "active", "%s anonymous, %s file; inactive %s and %s; %s unevictable",
		 host_number_kib(d, D_ACTIVE_ANON).s, host_number_kib(d, D_ACTIVE_FILE).s,
		 host_number_kib(d, D_INACTIVE_ANON).s, host_number_kib(d, D_INACTIVE_FILE).s,
		 host_number_kib(d, D_UNEVICTABLE).s);
	if (overcommit_name(d))
		host_row(out, 1, "promised", "%s; the limit is %s, overcommit %llu (%s%s)",
			 host_number_kib(d, D_COMMITTED).s, host_number_kib(d, D_COMMIT_LIMIT).s,
			 (unsigned long long)d->number[D_OVERCOMMIT], overcommit_name(d),
			 d->number[D_OVERCOMMIT] == 2 ? "" : ": the limit does not hold");
	host_row(out, 1, "huge pages", "%s of %s free, %s each; transparent ones %s, %s in use",
		 fmt_count(doing_or_0(d, D_HUGE_FREE)).s, fmt_count(doing_or_0(d, D_HUGE_TOTAL)).s,
		 host_number_kib(d, D_HUGE_SIZE).s, d->huge[0] ? d->huge : "not known",
		 host_number_kib(d, D_ANON_HUGE).s);
}

static void account_text(const struct doing *d, struct out *out)
{
	struct memory_row rows[MEMORY_ROWS];
	size_t n = memory_account(d, rows);

	if (n)
		host_row(out, 1, "where it is", "all of it, by the kernel's own sums:");
	for (size_t i = 0; i < n; i++)
		if (rows[i].kib)
			out_printf(out, "    %10s  %s\n", host_kib((int64_t)rows[i].kib).s,
				   rows[i].name);
	if (n && d->known[D_TCP_PAGES])
		out_printf(out, "    %10s  of these in buffers of sockets (slab or nobody's)\n",
			   host_kib((int64_t)socket_kib(d)).s);
}

static void parts_text(const struct doing *d, struct out *out)
{
	cleanup(cleanup_free) const struct memory_part **sorted = parts_sorted(d);
	cleanup(buf_done) struct buf text = {0};
	uint64_t n, kib, own;

	for (size_t i = 0; i < d->parts.n && i < PARTS_SHOWN; i++) {
		const struct doing_process *p = doing_process(d, sorted[i]->pid);

		buf_printf(&text, "%s%s (%d) %s", i ? ", " : "", p ? host_name(p->comm).s : "?",
			   sorted[i]->pid, host_kib((int64_t)sorted[i]->pss).s);
	}
	if (text.len)
		host_row(out, 1, "processes", "%s", text.data);
	left_out(d, &n, &kib, &own);
	if (n && text.len)
		host_row(out, 1, "",
			 "%s more were not looked into: %s of their own, and %s of files and "
			 "shared memory, counted in each of them",
			 fmt_count(n).s, host_kib((int64_t)own).s,
			 host_kib((int64_t)(kib - MIN(own, kib))).s);
}

static void slabs_text(const struct doing *d, struct out *out)
{
	cleanup(buf_done) struct buf text = {0};

	if (d->known[D_SLAB])
		host_row(out, 1, "slab", "%s, of it %s reclaimable", host_number_kib(d, D_SLAB).s,
			 host_number_kib(d, D_SLAB_RECLAIMABLE).s);
	for (size_t i = 0; i < d->slabs.n && i < SLABS_SHOWN; i++)
		buf_printf(&text, "%s%s %s", i ? ", " : "", d->slabs.items[i].name,
			   host_kib((int64_t)d->slabs.items[i].kib).s);
	if (text.len)
		host_row(out, 2, "largest", "%s", text.data);
}

void host_memory_text(const struct host_view *v, struct out *out)
{
	struct doing_sample s;
	uint64_t killed;

	host_sample(v, &s);
	if (!s.b->known[D_MEM_TOTAL])
		return;
	free_text(s.b, out);
	account_text(s.b, out);
	parts_text(s.b, out);
	slabs_text(s.b, out);
	if (doing_known(s.b, D_OOM_KILLS) && s.b->number[D_OOM_KILLS])
		host_row(out, 1, "OOM kills", "%s since boot%s",
			 fmt_count(s.b->number[D_OOM_KILLS]).s,
			 doing_grew(&s, D_OOM_KILLS, &killed) && killed ? ", some in this sample"
									: "");
}
