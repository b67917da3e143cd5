// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "drops/rules.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "drops/record.h"
#include "drops/tracer.h"
#include "rules.skel.h"

struct rule_tracer {
	struct rules_bpf *skel;
	int cpus;
	uint64_t misses_before;
	char log[VERIFIER_LOG];
	uint32_t used; /* array elements that are not zero any more */
	uint64_t told[RULE_ENTRIES], missed_told; /* by reads that let it go on */
};

/* A program that does nothing, for a function that every kernel has. */
static bool takes_fentry(const struct btf *vmlinux)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int function = btf__find_by_name_kind(vmlinux, "ip_rcv", BTF_KIND_FUNC), fd;
	LIBBPF_OPTS(bpf_prog_load_opts, opts);

	if (function < 0)
		return false;
	opts.attach_btf_id = (uint32_t)function;
	opts.expected_attach_type = BPF_TRACE_FENTRY;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "Dual BSD/GPL", nothing,
			   ARRAY_SIZE(nothing), &opts);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* The way from a rule to its chain, since 6.4. */
static bool rules_know_chain(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "nft_rule_dp_last", BTF_KIND_STRUCT);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	for (unsigned int i = 0; t && i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(btf, btf_members(t)[i].name_off);

		if (name && strcmp(name, "chain") == 0)
			return true;
	}
	return false;
}

bool rule_tracer_possible(struct btf *vmlinux)
{
	struct btf *module;
	bool possible;

	if (!takes_fentry(vmlinux))
		return false;
	if (access("/sys/kernel/btf/nf_tables", R_OK) != 0)
		return rules_know_chain(vmlinux);
	module = btf__load_module_btf("nf_tables", vmlinux);
	if (!module)
		return false;
	possible = rules_know_chain(module);
	btf__free(module);
	return possible;
}

int rule_tracer_open(struct rule_tracer **ret)
{
	struct rule_tracer *t = xcalloc(1, sizeof(*t));
	int err;

	t->cpus = libbpf_num_possible_cpus();
	t->skel = rules_bpf__open();
	err = t->cpus < 0 ? t->cpus : t->skel ? 0 : -errno;
	if (!err) {
		bpf_program__set_log_buf(t->skel->progs.immediate_eval, t->log, sizeof(t->log));
		err = rules_bpf__load(t->skel);
	}
	if (!err)
		err = rules_bpf__attach(t->skel);
	if (err) {
		rule_tracer_close(t);
		return err;
	}
	*ret = t;
	return 0;
}

void rule_tracer_start(struct rule_tracer *t)
{
	cleanup(cleanup_free) uint64_t *zero = xcalloc((size_t)t->cpus, sizeof(*zero));
	struct expr_key key;

	__atomic_store_n(&t->skel->bss->enabled, false, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < t->used; i++)
		bpf_map__update_elem(t->skel->maps.packets, &i, sizeof(i), zero,
				     sizeof(*zero) * (size_t)t->cpus, BPF_ANY);
	while (bpf_map__get_next_key(t->skel->maps.exprs, NULL, &key, sizeof(key)) == 0)
		if (bpf_map__delete_elem(t->skel->maps.exprs, &key, sizeof(key), 0))
			break;
	memset(&t->skel->bss->made, 0, sizeof(t->skel->bss->made));
	memset(t->told, 0, sizeof(t->told));
	t->missed_told = 0;
	t->misses_before = bpf_recursion_misses(t->skel->progs.immediate_eval);
	__atomic_store_n(&t->skel->bss->enabled, true, __ATOMIC_SEQ_CST);
}

/* The same rule may have several indices: of several expressions, or when two CPUs met it first. */
static struct drop_rule *row_of(struct drops *d, const struct rule_name *name)
{
	struct drop_rule *row;

	vec_each(known, &d->rules)
		if (known->handle == name->handle && known->netns == name->netns &&
		    known->family == name->family && strcmp(known->table, name->table) == 0 &&
		    strcmp(known->chain, name->chain) == 0)
			return known;
	row = vec_push(&d->rules);
	row->handle = name->handle;
	row->netns = name->netns;
	row->family = (uint8_t)name->family;
	snprintf(row->table, sizeof(row->table), "%s", name->table);
	snprintf(row->chain, sizeof(row->chain), "%s", name->chain);
	return row;
}

static int most_packets(const void *a, const void *b)
{
	const struct drop_rule *x = a, *y = b;

	return x->packets < y->packets ? 1 : -(x->packets > y->packets);
}

/* What one index counted since it was told last. */
static int read_rule(struct rule_tracer *t, uint32_t i, uint64_t *of_cpu, struct drops *d)
{
	size_t size = sizeof(uint64_t) * (size_t)t->cpus;
	struct rule_name name;
	uint64_t packets = 0;
	int err;

	err = bpf_map__lookup_elem(t->skel->maps.packets, &i, sizeof(i), of_cpu, size, 0);
	for (int cpu = 0; cpu < t->cpus && !err; cpu++)
		packets += of_cpu[cpu];
	if (err || packets == t->told[i])
		return err;
	/* Not before: an index is given out first, then named, and then counted. */
	err = bpf_map__lookup_elem(t->skel->maps.names, &i, sizeof(i), &name, sizeof(name), 0);
	if (err)
		return err;
	row_of(d, &name)->packets += packets - t->told[i];
	t->told[i] = packets;
	return 0;
}

int rule_tracer_read_on(struct rule_tracer *t, struct drops *to)
{
	cleanup(cleanup_free) uint64_t *of_cpu = xcalloc((size_t)t->cpus, sizeof(*of_cpu));
	struct drops d = {0};
	uint64_t missed;
	int err = 0;

	t->used = (uint32_t)MIN(t->skel->bss->made.rules, RULE_ENTRIES);
	for (uint32_t i = 0; i < t->used && !err; i++)
		err = read_rule(t, i, of_cpu, &d);
	if (err) {
		drops_done(&d);
		return err;
	}
	if (d.rules.n)
		qsort(d.rules.items, d.rules.n, sizeof(*d.rules.items), most_packets);
	missed = t->skel->bss->made.missed +
		 bpf_recursion_misses(t->skel->progs.immediate_eval) - t->misses_before;
	vec_done(&to->rules);
	to->rules = d.rules;
	to->rules_traced = true;
	to->rules_missed = missed - t->missed_told;
	t->missed_told = missed;
	/* Each change of a ruleset takes new indices: it begins anew before there are none. */
	if (t->used > RULE_ENTRIES / 4 * 3 && t->skel->bss->enabled)
		rule_tracer_start(t);
	return 0;
}

int rule_tracer_read(struct rule_tracer *t, struct drops *to)
{
	__atomic_store_n(&t->skel->bss->enabled, false, __ATOMIC_SEQ_CST);
	return rule_tracer_read_on(t, to);
}

void rule_tracer_close(struct rule_tracer *t)
{
	if (!t)
		return;
	rules_bpf__destroy(t->skel);
	free(t);
}
