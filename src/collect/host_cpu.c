// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPUs and nodes of memory.
 *
 *   /proc/cpuinfo   arch/x86/kernel/cpu/proc.c show_cpuinfo and its like of other architectures: a
 *                   paragraph for each CPU online, of which the first is read
 *   /sys/devices/system/cpu   drivers/base/cpu.c, topology.c, cacheinfo.c, drivers/cpufreq: lists of
 *                   CPUs; cpuN/topology, cpuN/cache/indexM (sizes in KiB, "48K"), frequencies in kHz
 *   /sys/devices/system/node  drivers/base/node.c: cpulist, meminfo (KiB), distance (ACPI's SLIT, 10
 *                   is local). Not there without CONFIG_NUMA
 *
 * Scope: the host. No privilege. A cache is read of the first CPU that uses it alone: a host of
 * hundreds has thousands of these files.
 *
 * A recording keeps what was found as lines of words, "-" for what is not known:
 *   possible LIST, present LIST, online LIST, smt WORD, frequency DRIVER GOVERNOR MIN MAX
 *   cpu N PACKAGE DIE CORE
 *   cache LEVEL TYPE KIB LIST
 *   node N LIST TOTAL_KIB FREE_KIB DISTANCE...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "collect/host_facts.h"

#define CPUS_MAX 8192	/* NR_CPUS of the largest configurations */
#define CACHES_MAX 10	/* of one CPU */
#define LINES_MAX (CPUS_MAX * (CACHES_MAX + 1) + 16)
#define PLACE_MAX INT16_MAX

/* ---- live ---- */

static void cleanup_bits(uint8_t **bits)
{
	free(*bits);
}

/* fn for each number of a list "0-3,8". */
static void each_of_list(const char *list, unsigned int max,
			 void (*fn)(unsigned int n, void *arg), void *arg)
{
	struct span text = span_of(list), part, first;
	uint64_t from, to;

	while (text.n && next_split(&text, ',', &part)) {
		if (!next_split(&part, '-', &first) || parse_u64(first, max - 1, &from) < 0)
			return;
		to = from;
		if (part.p && parse_u64(part, max - 1, &to) < 0)
			return;
		for (uint64_t n = from; n <= to; n++)
			fn((unsigned int)n, arg);
	}
}

struct cpu_reader {
	int dir;
	struct buf *to;
	uint8_t *seen; /* CACHES_MAX bits of each CPU: the cache of that index is told already */
	unsigned int index;
};

static void word_file(int dir, const char *path, struct buf *to)
{
	char text[HOST_CPU_LIST + 1];
	bool known = host_facts_short(dir, path, text, sizeof(text)) == 0 && !strchr(text, ' ');

	buf_printf(to, " %s", known ? text : "-");
}

/* As word_file(), but "-" is an empty list alone, and "?" one that could not be read. */
static void list_file(int dir, const char *path, struct buf *to)
{
	char text[HOST_CPU_LIST + 1];
	int r = host_facts_short(dir, path, text, sizeof(text));

	buf_printf(to, " %s", r == 0 ? text : r == -ENODATA ? "-" : "?");
}

static void mark_seen(unsigned int cpu, void *arg)
{
	struct cpu_reader *r = arg;

	r->seen[(size_t)cpu * CACHES_MAX + r->index] = 1;
}

/* False: there is no such index, nor one behind it. */
static bool put_cache(struct cpu_reader *r, unsigned int cpu)
{
	char folder[64], path[96], level[16], type[16], size[32] = "";
	char cpus[HOST_CPU_LIST + 1];

	snprintf(folder, sizeof(folder), "cpu%u/cache/index%u", cpu, r->index);
	snprintf(path, sizeof(path), "%s/shared_cpu_list", folder);
	if (host_facts_short(r->dir, path, cpus, sizeof(cpus)) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/level", folder);
	if (host_facts_short(r->dir, path, level, sizeof(level)) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/type", folder);
	if (host_facts_short(r->dir, path, type, sizeof(type)) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/size", folder);
	if (host_facts_short(r->dir, path, size, sizeof(size)) == 0 && size[strlen(size) - 1] == 'K')
		size[strlen(size) - 1] = '\0';
	buf_printf(r->to, "cache %s %s %s %s\n", level, type, size[0] ? size : "-", cpus);
	each_of_list(cpus, CPUS_MAX, mark_seen, r);
	return true;
}

static void put_cpu(unsigned int cpu, void *arg)
{
	static const char *const files[] = {"physical_package_id", "die_id", "core_id"};
	struct cpu_reader *r = arg;
	char path[64];

	buf_printf(r->to, "cpu %u", cpu);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "cpu%u/topology/%s", cpu, files[i]);
		word_file(r->dir, path, r->to);
	}
	buf_puts(r->to, "\n");
	for (r->index = 0; r->index < CACHES_MAX; r->index++)
		if (!r->seen[(size_t)cpu * CACHES_MAX + r->index] && !put_cache(r, cpu))
			break;
}

static int read_cpus(struct buf *to)
{
	static const char *const lists[] = {"possible", "present", "online"};
	static const char *const frequency[] = {"scaling_driver", "scaling_governor",
						"cpuinfo_min_freq", "cpuinfo_max_freq"};
	cleanup(cleanup_fd) int dir = open("/sys/devices/system/cpu", O_PATH | O_CLOEXEC);
	cleanup(cleanup_bits) uint8_t *seen = xcalloc(CPUS_MAX, CACHES_MAX);
	struct cpu_reader r = {.dir = dir, .to = to, .seen = seen};
	char online[HOST_CPU_LIST + 1], path[64];

	if (dir < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		buf_puts(to, lists[i]);
		word_file(dir, lists[i], to);
		buf_puts(to, "\n");
	}
	buf_puts(to, "smt");
	word_file(dir, "smt/control", to);
	buf_puts(to, "\nfrequency");
	for (size_t i = 0; i < ARRAY_SIZE(frequency); i++) {
		snprintf(path, sizeof(path), "cpu0/cpufreq/%s", frequency[i]);
		word_file(dir, path, to);
	}
	buf_puts(to, "\n");
	if (host_facts_short(dir, "online", online, sizeof(online)) == 0)
		each_of_list(online, CPUS_MAX, put_cpu, &r);
	return 0;
}

struct node_reader {
	int dir;
	struct buf *to;
};

/* "Node 0 MemTotal:       24684032 kB" */
static bool node_memory(struct span text, const char *name, uint64_t *ret)
{
	struct span line, field;

	while (next_line(&text, &line)) {
		for (unsigned int i = 0; i < 3; i++)
			if (!next_field(&line, &field))
				return false;
		if (span_is(field, name))
			return next_field(&line, &field) &&
			       parse_u64(field, UINT64_MAX >> 10, ret) == 0;
	}
	return false;
}

static void put_node(unsigned int node, void *arg)
{
	const struct node_reader *r = arg;
	cleanup(buf_done) struct buf text = {0};
	char path[64], distances[8 * HOST_NODES_MAX];
	uint64_t total = 0, free = 0;
	int fd;

	snprintf(path, sizeof(path), "node%u/meminfo", node);
	fd = openat(r->dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (buf_read_fd(&text, fd, 1 << 16) < 0)
		buf_clear(&text);
	close(fd);
	if (!node_memory((struct span){text.data, text.len}, "MemTotal:", &total) ||
	    !node_memory((struct span){text.data, text.len}, "MemFree:", &free))
		return;
	buf_printf(r->to, "node %u", node);
	snprintf(path, sizeof(path), "node%u/cpulist", node);
	list_file(r->dir, path, r->to);
	snprintf(path, sizeof(path), "node%u/distance", node);
	if (host_facts_short(r->dir, path, distances, sizeof(distances)) < 0)
		distances[0] = '\0';
	buf_printf(r->to, " %llu %llu %s\n", (unsigned long long)total, (unsigned long long)free,
		   distances);
}

static int read_nodes(struct buf *to)
{
	cleanup(cleanup_fd) int dir = open("/sys/devices/system/node", O_PATH | O_CLOEXEC);
	struct node_reader r = {.dir = dir, .to = to};
	char online[HOST_CPU_LIST + 1];
	int err;

	if (dir < 0)
		return -errno;
	err = host_facts_short(dir, "online", online, sizeof(online));
	if (err == 0)
		each_of_list(online, HOST_NODES_MAX, put_node, &r);
	return err < 0 ? err : to->len ? 0 : -ENODATA;
}

/* ---- what was read ---- */

static bool take_list(struct span line, char *to, size_t size)
{
	struct span word;

	if (!next_field(&line, &word))
		return false;
	span_copy(span_is(word, "-") ? (struct span){0} : word, to, size);
	return true;
}

static bool take_number(struct span *line, uint64_t max, uint64_t *ret)
{
	struct span word;

	*ret = 0;
	return next_field(line, &word) && (span_is(word, "-") || parse_u64(word, max, ret) == 0);
}

/* Packages are -1 where the firmware does not number them. */
static bool take_place(struct span line, struct host_cpu *c)
{
	struct host_cpu_place *p = vec_push(&c->places);
	int *const to[] = {&p->package, &p->die, &p->core};
	struct span word;
	uint64_t cpu;

	if (!take_number(&line, CPUS_MAX - 1, &cpu))
		return false;
	p->cpu = (unsigned int)cpu;
	for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
		int64_t n = -1;

		if (!next_field(&line, &word) || (!span_is(word, "-") && parse_i64(word, &n) < 0) ||
		    n < -1 || n > INT32_MAX)
			return false;
		*to[i] = (int)n;
	}
	/* Their numbers stand beside each other in a key: host_cpu_count(). */
	return p->package <= PLACE_MAX && p->die <= PLACE_MAX;
}

static bool take_cache(struct span line, struct host_cpu *c)
{
	struct host_cache *cache = vec_push(&c->caches);
	struct span type, cpus;
	uint64_t level;

	if (!take_number(&line, CACHES_MAX, &level) || !next_field(&line, &type))
		return false;
	cache->level = (unsigned int)level;
	span_copy(type, cache->type, sizeof(cache->type));
	return take_number(&line, UINT32_MAX, &cache->kib) && next_field(&line, &cpus);
}

static bool take_frequency(struct span line, struct host_cpu *c)
{
	struct span driver, governor;

	if (!next_field(&line, &driver) || !next_field(&line, &governor))
		return false;
	if (!span_is(driver, "-"))
		span_copy(driver, c->driver, sizeof(c->driver));
	if (!span_is(governor, "-"))
		span_copy(governor, c->governor, sizeof(c->governor));
	return take_number(&line, UINT32_MAX, &c->min_khz) &&
	       take_number(&line, UINT32_MAX, &c->max_khz);
}

int parse_host_cpus(struct span text, struct host_cpu *ret)
{
	struct span line, rest;
	size_t lines = 0;

	while (next_line(&text, &line)) {
		bool ok;

		if (++lines > LINES_MAX)
			return -EFBIG;
		if (host_facts_line(line, "cpu", &rest))
			ok = take_place(rest, ret);
		else if (host_facts_line(line, "cache", &rest))
			ok = take_cache(rest, ret);
		else if (host_facts_line(line, "frequency", &rest))
			ok = take_frequency(rest, ret);
		else if (host_facts_line(line, "possible", &rest))
			ok = take_list(rest, ret->possible, sizeof(ret->possible));
		else if (host_facts_line(line, "present", &rest))
			ok = take_list(rest, ret->present, sizeof(ret->present));
		else if (host_facts_line(line, "online", &rest))
			ok = take_list(rest, ret->online, sizeof(ret->online));
		else
			ok = host_facts_line(line, "smt", &rest) &&
			     take_list(rest, ret->smt, sizeof(ret->smt));
		if (!ok)
			return -EBADMSG;
	}
	return ret->places.n ? 0 : -EBADMSG;
}

int parse_host_nodes(struct span text, struct host_numa *ret)
{
	struct span line, rest, word;
	uint64_t number;

	while (next_line(&text, &line)) {
		struct host_node *n;

		if (ret->nodes.n == HOST_NODES_MAX || !host_facts_line(line, "node", &rest))
			return -EBADMSG;
		n = vec_push(&ret->nodes);
		if (!take_number(&rest, HOST_NODES_MAX - 1, &number) || !next_field(&rest, &word) ||
		    !take_number(&rest, UINT64_MAX >> 10, &n->total_kib) ||
		    !take_number(&rest, UINT64_MAX >> 10, &n->free_kib))
			return -EBADMSG;
		n->node = (unsigned int)number;
		n->cpus_known = !span_is(word, "?");
		if (n->cpus_known && !span_is(word, "-"))
			span_copy(word, n->cpus, sizeof(n->cpus));
		while (next_field(&rest, &word)) {
			if (parse_u64(word, UINT16_MAX, &number) < 0 ||
			    n->distances.n == HOST_NODES_MAX)
				return -EBADMSG;
			*vec_push(&n->distances) = (unsigned int)number;
		}
	}
	return ret->nodes.n ? 0 : -EBADMSG;
}

static struct span trimmed(struct span s)
{
	while (s.n && strchr(" \t", s.p[0]))
		s.p++, s.n--;
	while (s.n && strchr(" \t", s.p[s.n - 1]))
		s.n--;
	return s;
}

static void take_info(struct host_cpu *c, struct span key, struct span value)
{
	const struct {
		const char *key;
		char *text;
		size_t size;
		int *number;
	} rows[] = {{"vendor_id", c->vendor, sizeof(c->vendor), NULL},
		    {"CPU implementer", c->vendor, sizeof(c->vendor), NULL},
		    {"model name", c->model, sizeof(c->model), NULL},
		    {"cpu model", c->model, sizeof(c->model), NULL},
		    {"microcode", c->microcode, sizeof(c->microcode), NULL},
		    {"cpu family", NULL, 0, &c->family},
		    {"model", NULL, 0, &c->model_number},
		    {"stepping", NULL, 0, &c->stepping}};
	uint64_t number;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!span_is(key, rows[i].key))
			continue;
		if (rows[i].text)
			span_copy(value, rows[i].text, rows[i].size);
		else if (parse_u64(value, INT32_MAX, &number) == 0)
			*rows[i].number = (int)number;
	}
}

/* The first paragraph: the CPUs of a host are alike, and where they are not this tells one. */
int parse_cpuinfo(struct span text, struct host_cpu *ret)
{
	struct span line, key;
	bool any = false;

	ret->family = ret->model_number = ret->stepping = -1;
	while (next_line(&text, &line) && (line.n || !any)) {
		if (!next_split(&line, ':', &key) || !line.p)
			continue;
		any = true;
		take_info(ret, trimmed(key), trimmed(line));
	}
	return any ? 0 : -EBADMSG;
}

void collect_host_cpu(struct host *h, struct host_facts *f)
{
	cleanup(buf_done) struct buf info = {0};
	cleanup(buf_done) struct buf text = {0};
	int r = host_read(h, "cpuinfo", &info);

	if (r == 0)
		r = parse_cpuinfo((struct span){info.data, info.len}, &f->cpu);
	if (r < 0)
		host_absent(f, "cpu", "/proc/cpuinfo", r);
	r = host_facts_made(h, "host-cpu", read_cpus, &text);
	if (r == 0)
		r = parse_host_cpus((struct span){text.data, text.len}, &f->cpu);
	if (r < 0)
		host_absent(f, "cpu", "/sys/devices/system/cpu", r);
}

void collect_host_numa(struct host *h, struct host_facts *f)
{
	cleanup(buf_done) struct buf text = {0};
	int r = host_facts_made(h, "host-numa", read_nodes, &text);

	if (r == 0)
		r = parse_host_nodes((struct span){text.data, text.len}, &f->numa);
	if (r < 0)
		host_absent(f, "numa", "/sys/devices/system/node", r);
}
