// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes: how many of each kind, those worth a word, and the largest in the order asked for. */
#include <stdio.h>

#include "render/host_doing.h"
#include "render/json_set.h"

#define SHOWN 8 /* of zombies and real-time processes, as text */

static const char *const order_names[] = {
	[BY_CPU] = "cpu", [BY_MEMORY] = "memory", [BY_SWAP] = "swap"};

/* fs/proc/array.c task_state_array; K, W and P are of old kernels */
static const struct {
	char letter;
	const char *key;
} states[] = {
	{'R', "running"}, {'S', "sleeping"}, {'D', "uninterruptible"},
	{'T', "stopped"}, {'t', "traced"},   {'Z', "zombie"},
	{'X', "dead"},	  {'I', "idle"},
};

static uint64_t count_state(const struct doing *d, char state)
{
	uint64_t n = 0;

	vec_each (p, &d->processes)
		n += p->state == state;
	return n;
}

struct counts {
	uint64_t threads, kernel, niced, realtime;
};

static void count(const struct doing *d, struct counts *ret)
{
	struct counts c = {0};

	vec_each (p, &d->processes) {
		c.threads += (uint64_t)p->v[PROC_THREADS];
		c.kernel += is_kernel_thread(p);
		c.niced += p->v[PROC_NICE] > 0 && !is_kernel_thread(p);
		c.realtime += is_realtime(p) && !is_kernel_thread(p);
	}
	*ret = c;
}

static json_t *zombies_json(const struct doing *d)
{
	json_t *list = json_array();

	vec_each (p, &d->processes) {
		const struct doing_process *parent = doing_process(d, p->v[PROC_PPID]);
		json_t *j;

		if (p->state != 'Z')
			continue;
		j = json_object();
		set(j, "pid", json_integer(p->v[PROC_PID]));
		set_text(j, "command", p->comm);
		set(j, "parent", json_integer(p->v[PROC_PPID]));
		set(j, "parent_command", parent ? text_or_null(parent->comm) : json_null());
		json_array_append_new(list, j);
	}
	return list;
}

json_t *host_processes_json(const struct host_view *v)
{
	json_t *j = json_object(), *by_state = json_object(), *realtime = json_array();
	json_t *list = json_array();
	struct doing_sample s;
	struct counts c;
	size_t n;
	const struct doing_process **sorted;

	host_sample(v, &s);
	count(s.b, &c);
	sorted = processes_sorted(&s, s.order, &n);
	set(j, "processes", number_if(n, n));
	set(j, "threads", number_if(n, c.threads));
	set(j, "tasks", number_if(s.b->tasks, s.b->tasks));
	set(j, "kernel_threads", number_if(n, c.kernel));
	set(j, "niced", number_if(n, c.niced));
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		set(by_state, states[i].key, number_if(n, count_state(s.b, states[i].letter)));
	set(j, "by_state", by_state);
	host_numbers_json(s.b, DOING_PROCESSES, j);
	set(j, "zombies", zombies_json(s.b));
	for (size_t i = 0; i < n; i++)
		if (is_realtime(sorted[i]) && !is_kernel_thread(sorted[i]))
			json_array_append_new(realtime, host_process_json(&s, sorted[i]));
	set(j, "realtime", realtime);
	set_text(j, "order", order_names[s.order]);
	for (size_t i = 0; i < n && i < s.top; i++)
		json_array_append_new(list, host_process_json(&s, sorted[i]));
	set(j, "list", list);
	set(j, "left_out", number_if(n, n - MIN(n, (size_t)s.top)));
	free(sorted);
	return j;
}

static void counts_text(const struct doing_sample *s, struct out *out)
{
	cleanup(buf_done) struct buf text = {0};
	const struct doing *d = s->b;
	struct counts c;

	count(d, &c);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		uint64_t n = count_state(d, states[i].letter);

		if (n)
			buf_printf(&text, ", %s %s", fmt_count(n).s, states[i].key);
	}
	host_row(out, 1, "count", "%s processes, %s of the kernel%s", fmt_count(d->processes.n).s,
		 fmt_count(c.kernel).s, text.len ? text.data : "");
	if (doing_known(d, D_PID_MAX) && doing_known(d, D_THREADS_MAX) && d->tasks) {
		uint64_t most = MIN(d->number[D_PID_MAX], d->number[D_THREADS_MAX]);

		host_row(out, 1, "tasks", "%s of %s that may be (pid_max %s, threads-max %s): %s",
			 fmt_count(d->tasks).s, fmt_count(most).s,
			 fmt_count(d->number[D_PID_MAX]).s, fmt_count(d->number[D_THREADS_MAX]).s,
			 fmt_share(d->tasks, most).s);
	}
	if (c.niced)
		host_row(out, 1, "niced", "%s give way to others (nice above 0)",
			 fmt_count(c.niced).s);
}

static void zombies_text(const struct doing *d, struct out *out)
{
	size_t n = 0;

	vec_each (p, &d->processes) {
		const struct doing_process *parent = doing_process(d, p->v[PROC_PPID]);

		if (p->state != 'Z' || n++ >= SHOWN)
			continue;
		host_row(out, 1, n == 1 ? "zombies" : "", "%s (%lld), not waited for by %s (%lld)",
			 host_name(p->comm).s, (long long)p->v[PROC_PID],
			 parent ? host_name(parent->comm).s : "?", (long long)p->v[PROC_PPID]);
	}
	if (n > SHOWN)
		host_row(out, 1, "", "and %zu more", n - SHOWN);
}

static void realtime_text(const struct doing_sample *s, struct out *out)
{
	size_t n = 0;

	vec_each (p, &s->b->processes) {
		double cpus = process_cpus(s, p);
		char used[32] = "";

		if (!is_realtime(p) || is_kernel_thread(p) || n++ >= SHOWN)
			continue;
		if (cpus >= 0)
			snprintf(used, sizeof(used), ", %.0f %% of a CPU", MIN(cpus * 100, 1e6));
		host_row(out, 1, n == 1 ? "real-time" : "", "%s (%lld), %s priority %lld%s",
			 host_name(p->comm).s, (long long)p->v[PROC_PID],
			 p->v[PROC_POLICY] == 2 ? "round robin" : "FIFO",
			 (long long)p->v[PROC_RT_PRIORITY], used);
	}
	if (n > SHOWN)
		host_row(out, 1, "", "and %zu more", n - SHOWN);
}

void host_processes_text(const struct host_view *v, struct out *out)
{
	struct doing_sample s;
	const struct doing_process **sorted;
	size_t n;

	host_sample(v, &s);
	if (!s.b->processes.n)
		return;
	counts_text(&s, out);
	zombies_text(s.b, out);
	realtime_text(&s, out);
	sorted = processes_sorted(&s, s.order, &n);
	host_row(out, 1, "largest", "by %s%s", order_names[s.order],
		 s.order == BY_CPU && !s.a ? ", since they began" : "");
	host_process_head(out);
	for (size_t i = 0; i < n && i < s.top; i++)
		host_process_line(&s, sorted[i], out);
	free(sorted);
}
