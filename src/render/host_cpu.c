// SPDX-License-Identifier: GPL-2.0-or-later
/* CPUs, caches and nodes of memory, of the picture of a host. */
#include <stdio.h>

#include "render/fmt.h"
#include "render/host.h"
#include "render/json_set.h"

static const char *plural(unsigned int n)
{
	return n == 1 ? "" : "s";
}

/* "L1d", "L1i", "L3" */
static struct fmt cache_name(unsigned int level, const char *type)
{
	struct fmt ret;

	snprintf(ret.s, sizeof(ret.s), "L%u%s", level,
		 strcmp(type, "Data") == 0	    ? "d"
		 : strcmp(type, "Instruction") == 0 ? "i"
						    : "");
	return ret;
}

static void caches_text(const struct host_cpu *c, struct out *out)
{
	struct host_cache_sum sums[HOST_CACHE_SUMS];
	size_t n = host_cache_sums(c, sums);

	for (size_t i = 0; i < n; i++) {
		const struct host_cache_sum *s = &sums[i];

		if (s->kib)
			host_row(out, 2, cache_name(s->level, s->type).s, "%s in %u",
				 host_bytes(s->kib << 10).s, s->instances);
		else
			host_row(out, 2, cache_name(s->level, s->type).s, "%u, of unknown size",
				 s->instances);
	}
}

void host_cpu_text(const struct host_view *v, struct out *out)
{
	const struct host_cpu *c = &v->facts->cpu;
	struct host_cpu_counts n = host_cpu_count(c);

	if (c->model[0] || c->vendor[0])
		host_row(out, 1, "model", "%s%s%s", c->model[0] ? c->model : c->vendor,
			 c->microcode[0] ? ", microcode " : "", c->microcode);
	if (n.sockets)
		host_row(out, 1, "CPUs", "%u: %u socket%s, %u core%s, %u thread%s a core", n.threads,
			 n.sockets, plural(n.sockets), n.cores, plural(n.cores), n.threads / n.cores,
			 plural(n.threads / n.cores));
	else if (n.threads)
		host_row(out, 1, "CPUs", "%u; the kernel does not tell where they are", n.threads);
	if (c->online[0] && strcmp(c->online, c->present) != 0)
		host_row(out, 1, "online", "%s of %s", c->online, c->present);
	if (c->driver[0])
		host_row(out, 1, "frequency", "%s, governor %s, %.1f to %.1f GHz", c->driver,
			 c->governor, (double)c->min_khz / 1e6, (double)c->max_khz / 1e6);
	if (c->caches.n) {
		host_row(out, 1, "caches", "of all CPUs together");
		caches_text(c, out);
	}
}

static json_t *number_or_null(int n)
{
	return n < 0 ? json_null() : json_integer(n);
}

json_t *host_cpu_json(const struct host_view *v)
{
	const struct host_cpu *c = &v->facts->cpu;
	struct host_cpu_counts n = host_cpu_count(c);
	struct host_cache_sum sums[HOST_CACHE_SUMS];
	size_t kinds = host_cache_sums(c, sums);
	json_t *j = json_object(), *caches = json_array();

	set(j, "vendor", filled_or_null(c->vendor));
	set(j, "model", filled_or_null(c->model));
	set(j, "family", c->vendor[0] ? number_or_null(c->family) : json_null());
	set(j, "model_number", c->vendor[0] ? number_or_null(c->model_number) : json_null());
	set(j, "stepping", c->vendor[0] ? number_or_null(c->stepping) : json_null());
	set(j, "microcode", filled_or_null(c->microcode));
	set(j, "possible", filled_or_null(c->possible));
	set(j, "present", filled_or_null(c->present));
	set(j, "online", filled_or_null(c->online));
	set(j, "sockets", number_if(n.sockets, n.sockets));
	set(j, "cores", number_if(n.cores, n.cores));
	set(j, "threads", number_if(n.threads, n.threads));
	set(j, "smt", filled_or_null(c->smt));
	set(j, "frequency_driver", filled_or_null(c->driver));
	set(j, "governor", filled_or_null(c->governor));
	set(j, "min_khz", number_if(c->min_khz, c->min_khz));
	set(j, "max_khz", number_if(c->max_khz, c->max_khz));
	for (size_t i = 0; i < kinds; i++)
		json_array_append_new(
			caches, json_pack("{s:s, s:i, s:s, s:i, s:o}", "name",
					  cache_name(sums[i].level, sums[i].type).s, "level",
					  (int)sums[i].level, "type", sums[i].type, "instances",
					  (int)sums[i].instances, "bytes",
					  number_if(sums[i].kib, sums[i].kib << 10)));
	set(j, "caches", caches);
	return j;
}

void host_numa_text(const struct host_view *v, struct out *out)
{
	vec_each(n, &v->facts->numa.nodes) {
		cleanup(buf_done) struct buf line = {0};
		char label[32];

		buf_printf(&line, "%s, %s free; ", host_bytes(n->total_kib << 10).s,
			   host_bytes(n->free_kib << 10).s);
		if (n->cpus[0])
			buf_printf(&line, "CPUs %s", n->cpus);
		else
			buf_puts(&line, n->cpus_known ? "no CPUs" : "CPUs not known");
		if (v->facts->numa.nodes.n > 1 && n->distances.n) {
			buf_puts(&line, "; distances");
			vec_each(d, &n->distances)
				buf_printf(&line, " %u", *d);
		}
		snprintf(label, sizeof(label), "node %u", n->node);
		host_row(out, 1, label, "%s", line.data);
	}
}

json_t *host_numa_json(const struct host_view *v)
{
	json_t *j = json_object(), *nodes = json_array();

	vec_each(n, &v->facts->numa.nodes) {
		json_t *node = json_object(), *distances = json_array();

		vec_each(d, &n->distances)
			json_array_append_new(distances, json_integer(*d));
		set(node, "node", json_integer(n->node));
		set(node, "cpus", n->cpus_known ? json_string(n->cpus) : json_null());
		set(node, "total_bytes", number(n->total_kib << 10));
		set(node, "free_bytes", number(n->free_kib << 10));
		set(node, "distances", distances);
		json_array_append_new(nodes, node);
	}
	set(j, "nodes", nodes);
	return j;
}
