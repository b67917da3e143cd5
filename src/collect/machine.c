// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine below the packets, all of it host-wide and readable by anybody:
 *
 *   /proc/interrupts   kernel/irq/proc.c show_interrupts: a column for each online CPU, 32 bits
 *   /proc/softirqs     fs/proc/softirqs.c show_softirqs: a column for each possible CPU, 32 bits
 *   /proc/pressure/..  kernel/sched/psi.c psi_show, since 4.20; percent, microseconds since boot.
 *                      Not there without CONFIG_PSI; EOPNOTSUPP where the kernel was not asked to
 *                      (psi=1). The line "full" of the CPU came with 5.13 and is 0 for the host.
 *   /proc/meminfo      fs/proc/meminfo.c; KiB, although the file says kB
 *   /proc/vmstat       mm/vmstat.c vmstat_show; events since boot, unsigned long
 *   /proc/loadavg      fs/proc/loadavg.c
 *
 * A container may see other numbers where lxcfs stands in front of /proc.
 */
#include <errno.h>
#include <stdio.h>

#include "collect/proctext.h"

#define CPUS_MAX 8192 /* NR_CPUS of the largest configurations */
#define INTERRUPTS_MAX 65536

/* "CPU0 CPU1 CPU3": the columns of the lines below. */
static int take_header(struct span line, unsigned int *cpus, size_t *ret_n)
{
	struct span field;
	size_t n = 0;

	while (next_field(&line, &field)) {
		uint64_t id;

		if (n == CPUS_MAX || field.n < 4 || memcmp(field.p, "CPU", 3) != 0 ||
		    parse_u64((struct span){field.p + 3, field.n - 3}, CPUS_MAX - 1, &id) < 0)
			return -EBADMSG;
		if (n && cpus[n - 1] >= id)
			return -EBADMSG;
		cpus[n++] = (unsigned int)id;
	}
	*ret_n = n;
	return n ? 0 : -EBADMSG;
}

/* "NET_RX:  12  3": a CPU that is possible but was never there has a zero. */
static int take_softirq(struct snapshot *s, struct span name, struct span line,
			const unsigned int *cpus, size_t cpus_n)
{
	char full[48];
	enum counter_id id;
	struct span field;

	snprintf(full, sizeof(full), "softirq.%.*s", (int)MIN(name.n - 1, (size_t)32), name.p);
	for (id = SOFTIRQ_FIRST; id < SOFTIRQ_FIRST + SOFTIRQ_STATS; id++)
		if (strcmp(counter_rows[id].name, full) == 0)
			break;
	if (id == SOFTIRQ_FIRST + SOFTIRQ_STATS)
		return 0;
	for (size_t i = 0; i < cpus_n; i++) {
		struct cpu *cpu = cpu_of(s, cpus[i]);
		uint64_t count;

		if (!next_field(&line, &field) || parse_u64(field, UINT32_MAX, &count) < 0)
			return -EBADMSG;
		cpu->softirqs_present = true;
		cpu->softirqs[id - SOFTIRQ_FIRST] = (uint32_t)count;
	}
	return 0;
}

int parse_softirqs(struct span text, struct snapshot *s)
{
	cleanup(cleanup_free) unsigned int *cpus = xcalloc(CPUS_MAX, sizeof(*cpus));
	struct span line, name;
	size_t n;
	int r;

	if (!next_line(&text, &line) || take_header(line, cpus, &n) < 0)
		return -EBADMSG;
	while (next_line(&text, &line)) {
		if (!next_field(&line, &name) || name.p[name.n - 1] != ':')
			return -EBADMSG;
		r = take_softirq(s, name, line, cpus, n);
		if (r < 0)
			return r;
	}
	return s->cpus.n ? 0 : -EBADMSG;
}

/*
 * Behind the counts: the controller, its own number and trigger ("PCI-MSIX-0000:00:01.0  0-edge"),
 * in words that differ from one controller to the next, and then who handles it. These names are
 * the last word, with those before it that end in a comma.
 */
static void take_handlers(struct span rest, struct interrupt *i)
{
	size_t end = rest.n, from;

	while (end && strchr(" \t", rest.p[end - 1]))
		end--;
	from = end;
	for (;;) {
		size_t gap;

		while (from && !strchr(" \t", rest.p[from - 1]))
			from--;
		for (gap = from; gap && strchr(" \t", rest.p[gap - 1]);)
			gap--;
		if (!gap || rest.p[gap - 1] != ',')
			break;
		from = gap;
	}
	span_copy((struct span){rest.p + from, end - from}, i->name, sizeof(i->name));
}

/* " 41:  5906  0  PCI-MSIX-0000:00:04.0   1-edge   virtio3-rx" */
static int take_interrupt(struct snapshot *s, uint64_t number, struct span line,
			  const unsigned int *cpus, size_t cpus_n)
{
	struct interrupt *i;
	struct span field;

	if (s->interrupts.n == INTERRUPTS_MAX)
		return -EFBIG;
	if (s->interrupts.n && s->interrupts.items[s->interrupts.n - 1].number >= number)
		return -EBADMSG;
	i = vec_push(&s->interrupts);
	i->number = (unsigned int)number;
	for (size_t k = 0; k < cpus_n; k++) {
		uint64_t count;

		if (!next_field(&line, &field) || parse_u64(field, UINT32_MAX, &count) < 0)
			return -EBADMSG;
		if (count)
			*vec_push(&s->interrupt_counts) = (struct interrupt_count){
				.number = i->number, .cpu = cpus[k], .count = count};
	}
	take_handlers(line, i);
	return 0;
}

int parse_interrupts(struct span text, struct snapshot *s)
{
	cleanup(cleanup_free) unsigned int *cpus = xcalloc(CPUS_MAX, sizeof(*cpus));
	struct span line, name;
	size_t n;
	int r;

	if (!next_line(&text, &line) || take_header(line, cpus, &n) < 0)
		return -EBADMSG;
	while (next_line(&text, &line)) {
		uint64_t number;

		if (!next_field(&line, &name) || name.p[name.n - 1] != ':')
			return -EBADMSG;
		/* "NMI:", "LOC:", "ERR:": of the CPUs, not of devices. */
		if (parse_u64((struct span){name.p, name.n - 1}, INT32_MAX, &number) < 0)
			continue;
		r = take_interrupt(s, number, line, cpus, n);
		if (r < 0)
			return r;
	}
	return 0;
}

/* "12.34" as 1234 */
static int parse_hundredths(struct span s, uint64_t *ret)
{
	uint64_t whole, part = 0;
	struct span first;

	if (!next_split(&s, '.', &first) || parse_u64(first, UINT32_MAX, &whole) < 0 || !s.p ||
	    s.n != 2 || parse_u64(s, 99, &part) < 0)
		return -EBADMSG;
	*ret = whole * 100 + part;
	return 0;
}

static bool take_value(struct span *line, const char *name, struct span *ret)
{
	struct span field, key;

	return next_field(line, &field) && next_split(&field, '=', &key) && span_is(key, name) &&
	       field.p && (*ret = field, true);
}

/* "some avg10=0.01 avg60=10.62 avg300=25.03 total=3228420027", and the same with full */
int parse_pressure(struct span text, struct pressure *ret)
{
	struct pressure p = {0};
	struct span line, kind, avg10, avg60, avg300, total;

	while (next_line(&text, &line)) {
		uint64_t average, us;

		if (!next_field(&line, &kind) || !take_value(&line, "avg10", &avg10) ||
		    !take_value(&line, "avg60", &avg60) || !take_value(&line, "avg300", &avg300) ||
		    !take_value(&line, "total", &total) ||
		    parse_hundredths(avg10, &average) < 0 || average > 10000 ||
		    parse_u64(total, UINT64_MAX, &us) < 0)
			return -EBADMSG;
		if (span_is(kind, "some")) {
			p.some_avg10 = (uint32_t)average;
			p.some_us = us;
			p.known = true;
		} else if (span_is(kind, "full")) {
			p.full_avg10 = (uint32_t)average;
			p.full_us = us;
		}
	}
	if (!p.known)
		return -EBADMSG;
	*ret = p;
	return 0;
}

/* "MemTotal:       24684032 kB"; a few lines ("HugePages_Total:") have no unit and are not ours. */
int parse_meminfo(struct span text, struct snapshot *s)
{
	struct span line, name;
	bool any = false;

	while (next_line(&text, &line)) {
		int r;

		if (!next_field(&line, &name) || name.p[name.n - 1] != ':')
			return -EBADMSG;
		name.n--;
		r = take_counter(s, SRC_MEMORY, name, line);
		if (r < 0)
			return r;
		any |= r > 0;
	}
	return any ? 0 : -EBADMSG;
}

/* "0.85 1.93 1.46 1/94 29189" */
int parse_loadavg(struct span text, struct snapshot *s)
{
	struct span line, field;

	if (!next_line(&text, &line))
		return -EBADMSG;
	for (enum counter_id id = C_LOAD_1; id <= C_LOAD_15; id++) {
		uint64_t load;

		if (!next_field(&line, &field) || parse_hundredths(field, &load) < 0)
			return -EBADMSG;
		set_counter(s, id, load);
	}
	return 0;
}

int collect_interrupts(struct host *h, struct snapshot *s)
{
	return collect_text(h, "interrupts", parse_interrupts, s);
}

int collect_softirqs(struct host *h, struct snapshot *s)
{
	return collect_text(h, "softirqs", parse_softirqs, s);
}

int collect_pressure(struct host *h, struct snapshot *s)
{
	static const char *const files[PRESSURE_N] = {
		[PRESSURE_CPU] = "pressure/cpu",
		[PRESSURE_MEMORY] = "pressure/memory",
		[PRESSURE_IO] = "pressure/io",
	};
	int err = 0;

	for (size_t i = 0; i < PRESSURE_N; i++) {
		cleanup(buf_done) struct buf b = {0};
		struct span text;
		int r = read_text(h, files[i], &b, &text);

		if (r == 0)
			r = parse_pressure(text, &s->pressure[i]);
		if (r < 0)
			err = r;
	}
	return err;
}

int collect_memory(struct host *h, struct snapshot *s)
{
	int r = collect_text(h, "meminfo", parse_meminfo, s);

	return r < 0 ? r : collect_lines(h, "vmstat", parse_named_lines, SRC_MEMORY, s);
}

int collect_load(struct host *h, struct snapshot *s)
{
	return collect_text(h, "loadavg", parse_loadavg, s);
}
