// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "drops/rules.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "drops/kernel_btf.h"
#include "drops/record.h"
#include "drops/tracer.h"
#include "rules.skel.h"

/*
 * A place in the arrays belongs to one rule until that dropped nothing for IDLE_NS. Then it is
 * forgotten, and rests for REST_NS, in which a program that still runs may add its last packet.
 */
#define IDLE_NS (2 * NSEC_PER_SEC)
#define REST_NS (NSEC_PER_SEC / 2)

struct slot {
	enum { SLOT_FREE, SLOT_USED, SLOT_RESTING } state;
	uint64_t told;	  /* packets, of all its rules */
	int64_t since_ns; /* last packet seen, or when the rest began */
};

struct rule_tracer {
	struct rules_bpf *skel;
	int cpus;
	uint64_t missed_told;
	char log[2][VERIFIER_LOG];
	struct slot slots[RULE_ENTRIES];
};

/* A program that does nothing, for a function that every kernel has. */
static bool takes_fentry(void)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	uint32_t function = kernel_btf_id("ip_rcv", BTF_KIND_FUNC);
	int fd;
	LIBBPF_OPTS(bpf_prog_load_opts, opts);

	if (!function)
		return false;
	opts.attach_btf_id = function;
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

bool rule_tracer_possible(void)
{
	struct btf *vmlinux, *module;
	bool possible;

	if (!takes_fentry())
		return false;
	if (access("/sys/kernel/btf/nf_tables", R_OK) != 0)
		return rules_know_chain(kernel_btf());
	vmlinux = btf__load_vmlinux_btf();
	module = vmlinux ? btf__load_module_btf("nf_tables", vmlinux) : NULL;
	possible = module && rules_know_chain(module);
	btf__free(module);
	btf__free(vmlinux);
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
		bpf_program__set_log_buf(t->skel->progs.immediate_eval, t->log[0],
					 sizeof(t->log[0]));
		bpf_program__set_log_buf(t->skel->progs.lookup_eval, t->log[1], sizeof(t->log[1]));
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
	struct drops before = {0};

	/* What came while nobody listened is not told. */
	rule_tracer_read_on(t, &before);
	drops_done(&before);
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

static void forget(struct rule_tracer *t, uint32_t index)
{
	const struct bpf_map *map = t->skel->maps.exprs;
	struct expr_key key, next;
	struct expr_value value;
	bool more = bpf_map__get_next_key(map, NULL, &key, sizeof(key)) == 0;

	for (size_t steps = 0; more && steps < 2 * RULE_ENTRIES; steps++) {
		more = bpf_map__get_next_key(map, &key, &next, sizeof(next)) == 0;
		if (bpf_map__lookup_elem(map, &key, sizeof(key), &value, sizeof(value), 0) == 0 &&
		    value.rule == index)
			bpf_map__delete_elem(map, &key, sizeof(key), 0);
		key = next;
	}
}

/* What is seen for the first time here, and what becomes of the place. */
static void settle(struct rule_tracer *t, uint32_t index, bool moved)
{
	struct slot *slot = &t->slots[index];
	int64_t now = monotonic_ns();

	if (moved) {
		slot->since_ns = now;
		if (slot->state == SLOT_FREE)
			slot->state = SLOT_USED;
	} else if (slot->state == SLOT_USED && now - slot->since_ns > IDLE_NS) {
		forget(t, index);
		slot->since_ns = now;
		slot->state = SLOT_RESTING;
	} else if (slot->state == SLOT_RESTING && now - slot->since_ns > REST_NS) {
		if (bpf_map__update_elem(t->skel->maps.freed, NULL, 0, &index, sizeof(index),
					 BPF_ANY) == 0)
			slot->state = SLOT_FREE;
	}
}

static int read_slot(struct rule_tracer *t, uint32_t index, uint64_t *of_cpu, struct drops *d)
{
	struct slot *slot = &t->slots[index];
	struct rule_name name;
	uint64_t packets = 0;
	int err = bpf_map__lookup_elem(t->skel->maps.packets, &index, sizeof(index), of_cpu,
				       sizeof(*of_cpu) * (size_t)t->cpus, 0);

	if (err)
		return err;
	for (int cpu = 0; cpu < t->cpus; cpu++)
		packets += of_cpu[cpu];
	if (packets != slot->told) {
		err = bpf_map__lookup_elem(t->skel->maps.names, &index, sizeof(index), &name,
					   sizeof(name), 0);
		if (err)
			return err;
		row_of(d, &name)->packets += packets - slot->told;
	}
	settle(t, index, packets != slot->told);
	slot->told = packets;
	return 0;
}

static uint64_t missed(const struct rule_tracer *t)
{
	return t->skel->bss->made.missed + bpf_recursion_misses(t->skel->progs.immediate_eval) +
	       bpf_recursion_misses(t->skel->progs.lookup_eval);
}

int rule_tracer_read_on(struct rule_tracer *t, struct drops *to)
{
	cleanup(cleanup_free) uint64_t *of_cpu = xcalloc((size_t)t->cpus, sizeof(*of_cpu));
	uint32_t used = (uint32_t)MIN(t->skel->bss->made.rules, RULE_ENTRIES);
	uint64_t missed_now = missed(t);
	struct drops d = {0};
	int err = 0;

	for (uint32_t i = 0; i < used && !err; i++)
		err = read_slot(t, i, of_cpu, &d);
	if (err) {
		drops_done(&d);
		return err;
	}
	if (d.rules.n)
		qsort(d.rules.items, d.rules.n, sizeof(*d.rules.items), most_packets);
	vec_done(&to->rules);
	to->rules = d.rules;
	to->rules_traced = true;
	to->rules_missed = missed_now - t->missed_told;
	t->missed_told = missed_now;
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
