// SPDX-License-Identifier: GPL-2.0-or-later
/* How busy the CPUs were: over the interval, while a socket lost packets, at their worst. */
#include <stdio.h>

#include "causes/stages.h"

#define PEAK_STEPS 3   /* causes.md 25: for three samples */
#define PEAK_TICKS 20  /* fewer tell no share */
#define FREE_SHARE 0.5 /* idle at least so much: room for what another CPU cannot do */

static void add_times(struct cpu_times *to, const struct cpu_times *t)
{
	to->user += t->user;
	to->nice += t->nice;
	to->system += t->system;
	to->idle += t->idle;
	to->iowait += t->iowait;
	to->irq += t->irq;
	to->softirq += t->softirq;
	to->steal += t->steal;
}

/* One CPU or (-1) all of them, from one sample to another. */
static bool times_between(const struct snapshot *a, const struct snapshot *b, int cpu,
			  struct cpu_times *ret)
{
	struct cpu_times sum = {0}, t;
	bool known = false;

	vec_each(c, &b->cpus) {
		if ((cpu >= 0 && c->id != (unsigned int)cpu) || !cpu_times_between(a, b, c->id, &t))
			continue;
		add_times(&sum, &t);
		known = true;
	}
	if (known)
		*ret = sum;
	return known && cpu_times_sum(&sum) > 0;
}

bool cpu_over(const struct observation *o, unsigned int cpu, struct cpu_times *ret)
{
	return times_between(&o->a, &o->b, (int)cpu, ret);
}

bool cpus_over(const struct observation *o, struct cpu_times *ret)
{
	return times_between(&o->a, &o->b, -1, ret);
}

double share_of(uint64_t part, const struct cpu_times *t)
{
	uint64_t all = cpu_times_sum(t);

	return all ? (double)part / (double)all : 0;
}

double busy_share(const struct cpu_times *t)
{
	return cpu_times_sum(t) ? 1 - share_of(t->idle + t->iowait, t) : 0;
}

static const struct snapshot *sample(const struct observation *o, size_t i)
{
	if (i == 0)
		return &o->a;
	return i <= o->looks.n ? &o->looks.items[i - 1] : &o->b;
}

bool cpus_while_losing(const struct observation *o, const struct socket *sk, int cpu,
		       struct cpu_times *ret)
{
	const struct socket *first = snapshot_socket(&o->a, sk->cookie);
	uint32_t drops = first ? first->drops : 0;
	struct cpu_times sum = {0}, t;

	for (size_t i = 1; i <= o->looks.n + 1; i++) {
		/* Looks leave idle sockets out: one that is not there has lost nothing since. */
		const struct socket *now = snapshot_socket(sample(o, i), sk->cookie);

		if (!now || now->drops <= drops)
			continue;
		drops = now->drops;
		if (times_between(sample(o, i - 1), sample(o, i), cpu, &t))
			add_times(&sum, &t);
	}
	if (cpu_times_sum(&sum) < PEAK_TICKS)
		return times_between(&o->a, &o->b, cpu, ret);
	*ret = sum;
	return true;
}

static double softirq_part(const struct cpu_times *t)
{
	return share_of(t->softirq, t);
}

static double peak(const struct observation *o, unsigned int cpu,
		   double (*part)(const struct cpu_times *t))
{
	struct cpu_times t;
	double most = 0;
	bool seen = false;

	for (size_t i = PEAK_STEPS; i <= o->looks.n + 1; i++) {
		if (!times_between(sample(o, i - PEAK_STEPS), sample(o, i), (int)cpu, &t) ||
		    cpu_times_sum(&t) < PEAK_TICKS)
			continue;
		most = MAX(most, part(&t));
		seen = true;
	}
	if (!seen && cpu_over(o, cpu, &t))
		most = part(&t);
	return most;
}

double softirq_peak(const struct observation *o, unsigned int cpu)
{
	return peak(o, cpu, softirq_part);
}

double busy_peak(const struct observation *o, unsigned int cpu)
{
	return peak(o, cpu, busy_share);
}

const struct cpu_task *busiest_task(const struct observation *o, int cpu,
				    bool (*fits)(const struct observation *o, const struct cpu_task *t),
				    double *ret_share)
{
	const struct cpu_task *most = NULL;
	uint64_t most_ticks = 0;

	for (size_t i = 1; i <= o->looks.n + 1; i++)
		vec_each(t, &sample(o, i)->cpu_tasks) {
			uint64_t first = t->ticks;

			if ((int)t->cpu != cpu || !fits(o, t))
				continue;
			for (size_t k = 0; k < i; k++)
				vec_each(old, &sample(o, k)->cpu_tasks)
					if (old->pid == t->pid)
						first = MIN(first, old->ticks);
			if (t->ticks - first > most_ticks) {
				most_ticks = t->ticks - first;
				most = t;
			}
		}
	*ret_share = o->seconds > 0 ? (double)most_ticks / USER_HZ / o->seconds : 0;
	return most;
}

bool cpu_has_time(const struct observation *o, unsigned int cpu, double *ret_idle)
{
	struct cpu_times t;

	if (!cpu_over(o, cpu, &t))
		return false;
	*ret_idle = 1 - busy_share(&t);
	return *ret_idle >= FREE_SHARE;
}

/* "ff,ffffffff", as bitmap_parse wants it: more than eight digits in a row are refused. */
static void write_mask(const uint32_t *words, size_t last, char *to, size_t size)
{
	size_t n = (size_t)snprintf(to, size, "%x", words[last]);

	while (last-- > 0 && n < size)
		n += (size_t)snprintf(to + n, size - n, ",%08x", words[last]);
}

void find_free_cpus(const struct observation *o, int but, struct free_cpus *ret)
{
	uint32_t words[FREE_CPUS_MAX / 32] = {0};
	size_t n = 0, last = 0;

	*ret = (struct free_cpus){0};
	vec_each(c, &o->b.cpus) {
		double idle;

		if ((int)c->id == but || !cpu_has_time(o, c->id, &idle))
			continue;
		ret->n++;
		if (c->id < FREE_CPUS_MAX) {
			words[c->id / 32] |= 1U << c->id % 32;
			last = MAX(last, c->id / 32);
		}
		if (n + 12 < sizeof(ret->list))
			n += (size_t)snprintf(ret->list + n, sizeof(ret->list) - n, "%s%u",
					      n ? "," : "", c->id);
	}
	write_mask(words, last, ret->mask, sizeof(ret->mask));
}

uint64_t interrupts_of(const struct observation *o, unsigned int number, int cpu)
{
	uint64_t sum = 0;

	vec_each(c, &o->b.cpus)
		if (cpu < 0 || c->id == (unsigned int)cpu)
			sum += delta_value(delta_interrupt(o, number, c->id));
	return sum;
}

bool cpu_in_list(const char *list, unsigned int cpu)
{
	while (*list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list)
			return false;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (cpu >= first && cpu <= last)
			return true;
		list = *end == ',' ? end + 1 : "";
	}
	return false;
}
