// SPDX-License-Identifier: GPL-2.0-or-later
#include "render/host_doing.h"

#include <ctype.h>
#include <stdio.h>

#include "render/json_set.h"

void host_sample(const struct host_view *v, struct doing_sample *ret)
{
	const struct doing *a = &v->facts->doing[0], *b = &v->facts->doing[1];
	bool two = a->taken_ns && b->taken_ns > a->taken_ns;

	*ret = (struct doing_sample){
		.a = two ? a : NULL,
		.b = b,
		.seconds = two ? (double)(b->taken_ns - a->taken_ns) / NSEC_PER_SEC : 0,
		.order = v->facts->order,
		.top = v->facts->top,
	};
}

void host_numbers_json(const struct doing *d, enum doing_group group, json_t *to)
{
	for (enum doing_number id = 0; id < DOING_NUMBERS; id++) {
		const struct doing_number_row *row = &doing_number_rows[id];

		if (row->group == group)
			set(to, row->key, number_if(d->known[id], d->number[id]));
	}
}

double host_rate(const struct doing_sample *s, enum doing_number id)
{
	uint64_t n;

	return s->seconds > 0 && doing_grew(s, id, &n) ? (double)n / s->seconds : -1;
}

void host_rate_json(const struct doing_sample *s, enum doing_number id, const char *key, json_t *to)
{
	double rate = host_rate(s, id);

	set(to, key, rate < 0 ? json_null() : real(rate, 0.001));
}

struct fmt host_kib(int64_t kib)
{
	return kib < 0 ? (struct fmt){"?"} : host_bytes((uint64_t)kib * 1024);
}

struct fmt host_number_kib(const struct doing *d, enum doing_number id)
{
	return host_kib(d->known[id] ? (int64_t)MIN(d->number[id], (uint64_t)INT64_MAX / 1024)
				     : -1);
}

struct fmt host_name(const char *comm)
{
	struct fmt ret;

	snprintf(ret.s, sizeof(ret.s), "%s", comm);
	for (char *c = ret.s; *c; c++)
		if (iscntrl((unsigned char)*c) || !isascii((unsigned char)*c))
			*c = '?';
	return ret;
}

/* include/uapi/linux/sched.h */
static const char *policy_name(int64_t policy)
{
	static const char *const names[] = {"other", "fifo", "rr",	 "batch",
					    "iso",   "idle", "deadline", "ext"};

	return policy >= 0 && policy < (int64_t)ARRAY_SIZE(names) ? names[policy] : "unknown";
}

json_t *host_process_json(const struct doing_sample *s, const struct doing_process *p)
{
	const struct memory_part *part = doing_part(s->b, p->v[PROC_PID]);
	char state[2] = {p->state, '\0'};
	double cpus = process_cpus(s, p);
	int64_t shared = process_shared(p);
	json_t *j = json_object();

	for (size_t i = 0; i < PROCESS_FIELDS; i++)
		if (i != PROC_SELF)
			set(j, process_field_keys[i],
			    p->v[i] == DOING_UNKNOWN ? json_null() : json_integer(p->v[i]));
	set_text(j, "command", p->comm);
	set_text(j, "state", state);
	set_text(j, "scheduling", policy_name(p->v[PROC_POLICY]));
	set(j, "wchan", filled_or_null(p->wchan));
	set(j, "cpus", cpus < 0 ? json_null() : real(cpus, 0.001));
	set(j, "shared_kib", shared == DOING_UNKNOWN ? json_null() : json_integer(shared));
	set(j, "pss_kib", number_if(part, part ? part->pss : 0));
	set(j, "kernel", json_boolean(is_kernel_thread(p)));
	return j;
}

void host_process_head(struct out *out)
{
	out_tinted(out, TINT_DIM, "    %7s S %4s %3s %6s %9s %9s %9s %8s  %s\n", "pid", "prio",
		   "ni", "cpu %", "virtual", "resident", "shared", "swap", "program");
}

void host_process_line(const struct doing_sample *s, const struct doing_process *p, struct out *out)
{
	double cpus = process_cpus(s, p);
	char prio[8], cpu[16];

	if (is_realtime(p))
		snprintf(prio, sizeof(prio), "rt%u", (unsigned int)p->v[PROC_RT_PRIORITY] % 100);
	else
		snprintf(prio, sizeof(prio), "%d", (int)p->v[PROC_PRIORITY]);
	if (cpus < 0)
		snprintf(cpu, sizeof(cpu), "?");
	else
		snprintf(cpu, sizeof(cpu), "%.1f", cpus * 100);
	out_printf(out, "    %7lld %c %4s %3d %6s %9s %9s %9s %8s  %s\n", (long long)p->v[PROC_PID],
		   p->state, prio, (int)p->v[PROC_NICE], cpu,
		   is_kernel_thread(p) ? "-" : host_kib(p->v[PROC_VIRTUAL]).s,
		   is_kernel_thread(p) ? "-" : host_kib(p->v[PROC_RESIDENT]).s,
		   is_kernel_thread(p) ? "-" : host_kib(process_shared(p)).s,
		   is_kernel_thread(p) ? "-" : host_kib(p->v[PROC_SWAP]).s, host_name(p->comm).s);
}
