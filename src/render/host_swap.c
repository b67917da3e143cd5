// SPDX-License-Identifier: GPL-2.0-or-later
/* Swap, NUMA, and files against their limits. */
#include <stdio.h>

#include "render/host_doing.h"
#include "render/json_set.h"

#define SHOWN 8 /* processes, as text */

/* ---- swap ---- */

static json_t *swapped_json(const struct doing_sample *s)
{
	json_t *list = json_array();
	size_t n;
	cleanup(cleanup_free) const struct doing_process **sorted =
		processes_sorted(s, BY_SWAP, &n);

	for (size_t i = 0; i < n && i < s->top && sorted[i]->v[PROC_SWAP] > 0; i++)
		json_array_append_new(list, host_process_json(s, sorted[i]));
	return list;
}

json_t *host_swap_json(const struct host_view *v)
{
	json_t *j = json_object(), *areas = json_array();
	struct doing_sample s;

	host_sample(v, &s);
	host_numbers_json(s.b, DOING_SWAP, j);
	host_rate_json(&s, D_SWAP_IN, "pages_in_per_second", j);
	host_rate_json(&s, D_SWAP_OUT, "pages_out_per_second", j);
	host_rate_json(&s, D_MAJOR_FAULTS, "major_faults_per_second", j);
	vec_each (a, &s.b->swaps) {
		json_t *area = json_object();

		set_text(area, "name", a->name);
		set_text(area, "kind", a->kind);
		set(area, "kib", number(a->kib));
		set(area, "used_kib", number(a->used_kib));
		set(area, "priority", json_integer(a->priority));
		json_array_append_new(areas, area);
	}
	set(j, "areas", areas);
	set(j, "processes", swapped_json(&s));
	return j;
}

static void swapped_text(const struct doing_sample *s, struct out *out)
{
	cleanup(buf_done) struct buf text = {0};
	size_t n;
	cleanup(cleanup_free) const struct doing_process **sorted =
		processes_sorted(s, BY_SWAP, &n);

	for (size_t i = 0; i < n && i < SHOWN && sorted[i]->v[PROC_SWAP] > 0; i++)
		buf_printf(&text, "%s%s (%lld) %s", i ? ", " : "", host_name(sorted[i]->comm).s,
			   (long long)sorted[i]->v[PROC_PID], host_kib(sorted[i]->v[PROC_SWAP]).s);
	if (text.len)
		host_row(out, 1, "processes", "%s", text.data);
}

void host_swap_text(const struct host_view *v, struct out *out)
{
	struct doing_sample s;
	const struct doing *d;

	host_sample(v, &s);
	d = s.b;
	if (d->known[D_SWAP_TOTAL] && !d->number[D_SWAP_TOTAL])
		host_row(out, 1, "areas", "none: what does not fit is not swapped but killed");
	else if (d->known[D_SWAP_TOTAL] && d->known[D_SWAP_FREE])
		host_row(out, 1, "used", "%s of %s, %s of it also in memory",
			 host_kib((int64_t)(d->number[D_SWAP_TOTAL] -
					    MIN(d->number[D_SWAP_FREE], d->number[D_SWAP_TOTAL])))
				 .s,
			 host_number_kib(d, D_SWAP_TOTAL).s, host_number_kib(d, D_SWAP_CACHED).s);
	vec_each (a, &d->swaps)
		host_row(out, 2, a->kind, "%s: %s of %s, priority %lld", a->name,
			 host_kib((int64_t)a->used_kib).s, host_kib((int64_t)a->kib).s,
			 (long long)a->priority);
	if (host_rate(&s, D_SWAP_IN) >= 0 && host_rate(&s, D_SWAP_OUT) >= 0 &&
	    host_rate(&s, D_MAJOR_FAULTS) >= 0)
		host_row(out, 1, "rate", "%s pages in, %s out; %s page faults waited for a disk",
			 fmt_rate(host_rate(&s, D_SWAP_IN)).s,
			 fmt_rate(host_rate(&s, D_SWAP_OUT)).s,
			 fmt_rate(host_rate(&s, D_MAJOR_FAULTS)).s);
	swapped_text(&s, out);
	if (d->known[D_SWAPPINESS] && d->known[D_CACHE_PRESSURE])
		host_row(out, 1, "settings", "vm.swappiness %llu, vm.vfs_cache_pressure %llu",
			 (unsigned long long)d->number[D_SWAPPINESS],
			 (unsigned long long)d->number[D_CACHE_PRESSURE]);
}

/* ---- NUMA ---- */

static const struct numa_node *node_before(const struct doing_sample *s, unsigned int id)
{
	if (!s->a)
		return NULL;
	vec_each (node, &s->a->nodes)
		if (node->id == id)
			return node;
	return NULL;
}

static uint64_t event_grew(const struct numa_node *a, const struct numa_node *b, size_t event)
{
	return b->events[event] - MIN(a->events[event], b->events[event]);
}

/* The share in use of the fullest node less that of the emptiest, 0 to 1. */
static double imbalance(const struct doing *d)
{
	double most = 0, least = 1;
	bool any = false;

	vec_each (node, &d->nodes) {
		double used;

		if (!node->total) /* of CPUs alone */
			continue;
		used = 1 - (double)MIN(node->free, node->total) / (double)node->total;
		most = MAX(most, used);
		least = MIN(least, used);
		any = true;
	}
	return any ? most - least : 0;
}

static json_t *node_json(const struct doing_sample *s, const struct numa_node *node)
{
	const struct numa_node *a = node_before(s, node->id);
	json_t *j = json_object(), *over = json_object();

	set(j, "node", number(node->id));
	set(j, "total_kib", number(node->total));
	set(j, "free_kib", number(node->free));
	for (size_t i = 0; i < NUMA_EVENTS; i++) {
		set(j, numa_event_names[i], number(node->events[i]));
		set(over, numa_event_names[i], number_if(a, a ? event_grew(a, node, i) : 0));
	}
	set(j, "in_sample", over);
	return j;
}

json_t *host_placement_json(const struct host_view *v)
{
	json_t *j = json_object(), *nodes = json_array(), *policies = json_array();
	struct doing_sample s;

	host_sample(v, &s);
	vec_each (node, &s.b->nodes)
		json_array_append_new(nodes, node_json(&s, node));
	set(j, "nodes", nodes);
	host_numbers_json(s.b, DOING_NUMA, j);
	set(j, "imbalance", s.b->nodes.n ? real(imbalance(s.b), 1e-4) : json_null());
	vec_each (p, &s.b->policies) {
		const struct doing_process *process = doing_process(s.b, p->pid);
		json_t *policy = json_object();

		set(policy, "pid", json_integer(p->pid));
		set(policy, "command", process ? text_or_null(process->comm) : json_null());
		set_text(policy, "policy", p->policy);
		set(policy, "mappings", number(p->mappings));
		json_array_append_new(policies, policy);
	}
	set(j, "policies", policies);
	return j;
}

static void policies_text(const struct doing *d, struct out *out)
{
	size_t shown = 0;

	vec_each (p, &d->policies) {
		const struct doing_process *process = doing_process(d, p->pid);

		if (strcmp(p->policy, "default") == 0 || shown == SHOWN)
			continue;
		host_row(out, 1, shown++ ? "" : "policy", "%s (%d): %s in %u mappings",
			 process ? host_name(process->comm).s : "?", p->pid, p->policy,
			 p->mappings);
	}
	if (!shown && d->policies.n)
		host_row(out, 1, "policy", "the default one in the %zu largest processes",
			 d->policies.n);
}

void host_placement_text(const struct host_view *v, struct out *out)
{
	struct doing_sample s;

	host_sample(v, &s);
	vec_each (node, &s.b->nodes) {
		const struct numa_node *a = node_before(&s, node->id);
		char label[24];

		snprintf(label, sizeof(label), "node %u", node->id);
		host_row(out, 1, label,
			 "%s, %s free; %s pages since boot were to come from elsewhere",
			 host_kib((int64_t)node->total).s, host_kib((int64_t)node->free).s,
			 fmt_count(node->events[NUMA_MISS]).s);
		if (a && event_grew(a, node, NUMA_MISS))
			host_row(out, 1, "", "%s of them in this sample",
				 fmt_count(event_grew(a, node, NUMA_MISS)).s);
	}
	if (s.b->nodes.n > 1) {
		host_row(out, 1, "imbalance", "%.0f %% more of one node in use than of another",
			 imbalance(s.b) * 100);
		policies_text(s.b, out);
	}
	if (s.b->known[D_ZONE_RECLAIM])
		host_row(out, 1, "settings", "vm.zone_reclaim_mode %llu, kernel.numa_balancing %s",
			 (unsigned long long)s.b->number[D_ZONE_RECLAIM],
			 !s.b->known[D_NUMA_BALANCING]	 ? "not in this kernel"
			 : s.b->number[D_NUMA_BALANCING] ? "on"
							 : "off");
}

/* ---- files ---- */

struct opener {
	const struct doing_process *p;
	double share;
};

static int compare_openers(const void *a, const void *b)
{
	const struct opener *x = a, *y = b;

	if (x->share != y->share)
		return x->share < y->share ? 1 : -1;
	return x->p->v[PROC_PID] < y->p->v[PROC_PID] ? -1 : 1;
}

/* Nearest to their limit first; the caller frees. */
static struct opener *openers(const struct doing *d, size_t *ret_n)
{
	struct opener *list = xcalloc(d->processes.n + 1, sizeof(*list));
	size_t n = 0;

	vec_each (p, &d->processes)
		if (p->v[PROC_DESCRIPTORS] != DOING_UNKNOWN && p->v[PROC_DESCRIPTORS_MAX] > 0)
			list[n++] = (struct opener){p, (double)p->v[PROC_DESCRIPTORS] /
							       (double)p->v[PROC_DESCRIPTORS_MAX]};
	qsort(list, n, sizeof(*list), compare_openers);
	*ret_n = n;
	return list;
}

json_t *host_files_json(const struct host_view *v)
{
	json_t *j = json_object(), *list = json_array();
	struct doing_sample s;
	size_t n;
	struct opener *sorted;

	host_sample(v, &s);
	sorted = openers(s.b, &n);
	host_numbers_json(s.b, DOING_FILES, j);
	for (size_t i = 0; i < n && i < s.top; i++) {
		json_t *one = json_object();

		set(one, "pid", json_integer(sorted[i].p->v[PROC_PID]));
		set_text(one, "command", sorted[i].p->comm);
		set(one, "descriptors", json_integer(sorted[i].p->v[PROC_DESCRIPTORS]));
		set(one, "descriptors_max", json_integer(sorted[i].p->v[PROC_DESCRIPTORS_MAX]));
		json_array_append_new(list, one);
	}
	set(j, "processes", list);
	set(j, "processes_known", number(n));
	free(sorted);
	return j;
}

void host_files_text(const struct host_view *v, struct out *out)
{
	struct doing_sample s;
	struct opener *sorted;
	size_t n;

	host_sample(v, &s);
	if (s.b->known[D_FILES_OPEN] && s.b->known[D_FILE_MAX])
		host_row(out, 1, "open", "%s of %s files; a process may have %s at most (nr_open)",
			 fmt_count(s.b->number[D_FILES_OPEN]).s,
			 s.b->number[D_FILE_MAX] > INT64_MAX / 2
				 ? "any number of"
				 : fmt_count(s.b->number[D_FILE_MAX]).s,
			 fmt_count(doing_or_0(s.b, D_NR_OPEN)).s);
	sorted = openers(s.b, &n);
	for (size_t i = 0; i < n && i < 3; i++)
		host_row(out, 1, i ? "" : "processes", "%s (%lld): %s of %s descriptors",
			 host_name(sorted[i].p->comm).s, (long long)sorted[i].p->v[PROC_PID],
			 fmt_count((uint64_t)sorted[i].p->v[PROC_DESCRIPTORS]).s,
			 fmt_count((uint64_t)sorted[i].p->v[PROC_DESCRIPTORS_MAX]).s);
	free(sorted);
}
