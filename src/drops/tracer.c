// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads and attaches the drop tracer. The kernel's limits on locked memory (before 5.11) are
 * raised by libbpf itself, and only where they still apply to BPF.
 */
#define _GNU_SOURCE
#include "drops/tracer.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>

#include "drops/events.h"
#include "drops/filter.h"
#include "drops/kernel_btf.h"
#include "drops/net_dm.h"
#include "drops/record.h"
#include "drops/rules.h"
#include "drops.skel.h"

/*
 * Best first. The program of a rung is called PREFIX_ARGUMENTS, those beside it raw_xdp and raw_send:
 * what they count is too little to earn back what the verifier takes for typed pointers. The last
 * rung has none, as those tracepoints' records lack what is wanted of them.
 */
static const struct rung {
	const char *name, *prefix;
	bool beside;
} rungs[] = {
	{"tp_btf", "btf", true},
	{"raw_tracepoint", "raw", true},
	{"perf_tracepoint", "perf", false},
};

#define MAPS_SIZE (8U << 20) /* kernel memory for all maps together, about */
#define ENTRIES_MIN 1024U
#define ENTRIES_MAX 8192U /* every entry costs an allocation of per-CPU memory, 0.2 us */

/* What an element costs besides its key and value: struct htab_elem, and a pointer to the value. */
#define ELEMENT_SIZE 48U

static uint32_t entries_for(int cpus)
{
	const uint32_t flows = FLOW_ENTRIES * (ELEMENT_SIZE + sizeof(struct flow_key) + 8);
	uint32_t each = ELEMENT_SIZE + sizeof(struct drop_key) + 8 +
			(uint32_t)cpus * (uint32_t)sizeof(struct drop_value);

	return MAX(ENTRIES_MIN, MIN((MAPS_SIZE - flows) / each, ENTRIES_MAX));
}

/* The cheapest way to ask for CAP_BPF and CAP_PERFMON, a bpf() behind seccomp, or none at all. */
static int check_privilege(void)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K}, /* r0 = 0 */
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL, "Dual BSD/GPL", nothing,
			       ARRAY_SIZE(nothing), NULL);

	if (fd < 0)
		return fd;
	cleanup_fd(&fd);
	return 0;
}

static int read_kernel_btf(struct drop_tracer *t, bool *ret_rules)
{
	const struct btf *btf = kernel_btf();

	if (!btf)
		return -ENOENT;
	t->arguments = kfree_skb_arguments(btf);
	if (t->arguments >= 0) {
		reasons_add_btf(&t->reasons, btf, 1);
		t->reasons.none = t->arguments < 3;
		t->has_xdp = btf__find_by_name_kind(btf, "btf_trace_xdp_exception",
						    BTF_KIND_TYPEDEF) > 0;
		t->has_send = btf__find_by_name_kind(btf, "btf_trace_sock_send_length",
						     BTF_KIND_TYPEDEF) > 0;
		*ret_rules = rule_tracer_possible();
	}
	return MIN(t->arguments, 0);
}

/* The program that counts drops on a rung. */
static struct bpf_program *find(struct drop_tracer *t, const struct rung *rung)
{
	char name[24];

	snprintf(name, sizeof(name), "%s_%d", rung->prefix, t->arguments);
	return bpf_object__find_program_by_name(t->skel->obj, name);
}

static void choose(struct drop_tracer *t, const struct rung *rung)
{
	struct bpf_program *program;

	t->program = find(t, rung);
	t->xdp = t->has_xdp && rung->beside ? t->skel->progs.raw_xdp : NULL;
	t->send = t->has_send && rung->beside ? t->skel->progs.raw_send : NULL;
	bpf_object__for_each_program(program, t->skel->obj)
		bpf_program__set_autoload(program, program == t->program || program == t->xdp ||
							   program == t->send);
	bpf_program__set_log_buf(t->program, t->log, sizeof(t->log));
}

static int open_object(struct drop_tracer *t, const struct drop_tracer_options *options)
{
	int err;

	t->skel = xcalloc(1, sizeof(*t->skel));
	err = drops_bpf__create_skeleton(t->skel);
	if (!err)
		err = filter_open(t->skel->skeleton, options->filter, options->filter_n,
				  &t->filtered);
	if (err)
		return err;
	t->skel->rodata->filtered = options->filter_n > 0;
	t->skel->rodata->filter_link = options->filter_link;
	t->skel->rodata->flows_netns = options->netns;
	t->skel->rodata->keys_with_socket = t->entries / 4 * 3;
	return bpf_map__set_max_entries(t->skel->maps.drops, t->entries);
}

static int open_rung(struct drop_tracer *t, const struct rung *rung,
		     const struct drop_tracer_options *options)
{
	int err = open_object(t, options);

	if (err)
		return err;
	choose(t, rung);
	err = drops_bpf__load(t->skel);
	if (err)
		return err;
	t->link = bpf_program__attach(t->program);
	if (!t->link)
		return -errno;
	/* Without it an XDP program that fails looks like one that drops. */
	t->xdp_link = t->xdp ? bpf_program__attach(t->xdp) : NULL;
	t->send_link = t->send ? bpf_program__attach(t->send) : NULL;
	t->rung = rung->name;
	return 0;
}

static void close_rung(struct drop_tracer *t)
{
	bpf_link__destroy(t->link);
	bpf_link__destroy(t->xdp_link);
	bpf_link__destroy(t->send_link);
	drops_bpf__destroy(t->skel);
	t->link = t->xdp_link = t->send_link = NULL;
	t->skel = NULL;
	free(t->filtered);
	t->filtered = NULL;
	t->program = t->xdp = t->send = NULL;
}

static int climb(struct drop_tracer *t, const struct drop_tracer_options *options)
{
	const char *only = options->rung;
	int err = -EINVAL;

	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		if (only && strcmp(only, rungs[i].name) != 0)
			continue;
		err = open_rung(t, &rungs[i], options);
		if (!err)
			return 0;
		close_rung(t);
		/* The verifier and the attach refuse with many numbers, which all mean this. */
		if (err != -EPERM && err != -ENOMEM)
			err = -EOPNOTSUPP;
	}
	return err;
}

/* The last rung, without BPF. */
static int open_net_dm(const struct drop_tracer_options *options, struct drop_tracer **ret)
{
	struct net_dm *net_dm;
	int err = net_dm_open(options, &net_dm);

	if (err)
		return err;
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->barrier = -1;
	(*ret)->net_dm = net_dm;
	(*ret)->rung = "net_dm";
	(*ret)->barrier = -1;
	return 0;
}

static int open_bpf(const struct drop_tracer_options *options, struct drop_tracer **ret)
{
	struct drop_tracer *t;
	bool rules = false;
	int err;

	libbpf_set_print(NULL);
	err = check_privilege();
	if (err)
		return err;
	t = xcalloc(1, sizeof(*t));
	t->barrier = -1;
	err = read_kernel_btf(t, &rules);
	if (!err) {
		t->cpus = libbpf_num_possible_cpus();
		err = MIN(t->cpus, 0);
	}
	if (!err && options->filter_n)
		err = filter_check(options->filter, options->filter_n);
	if (!err) {
		t->entries = options->entries ? options->entries : entries_for(t->cpus);
		err = climb(t, options);
	}
	if (!err && options->events)
		err = event_tracer_open(t, options, &t->events);
	if (err) {
		drop_tracer_close(t);
		return err;
	}
	if (rules && rule_tracer_open(&t->rules) != 0)
		t->rules = NULL;
	*ret = t;
	return 0;
}

int drop_tracer_open_with(const struct drop_tracer_options *options, struct drop_tracer **ret)
{
	int err;

	if (options->rung && strcmp(options->rung, "net_dm") == 0)
		return open_net_dm(options, ret);
	err = open_bpf(options, ret);
	if (err && options->may_switch_on && !options->rung && open_net_dm(options, ret) == 0)
		return 0;
	return err;
}

const char *drop_tracer_rung(const struct drop_tracer *t)
{
	return t->rung;
}

uint64_t bpf_recursion_misses(const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		return 0;
	return info.recursion_misses;
}

static void empty_map(const struct bpf_map *map)
{
	char key[sizeof(struct flow_key)];

	_Static_assert(sizeof(struct flow_key) >= sizeof(struct drop_key), "key buffer");
	while (bpf_map__get_next_key(map, NULL, key, bpf_map__key_size(map)) == 0)
		if (bpf_map__delete_elem(map, key, bpf_map__key_size(map), 0))
			break;
}

void drop_tracer_start(struct drop_tracer *t)
{
	if (t->net_dm) {
		net_dm_start(t->net_dm);
		return;
	}
	if (t->counted) {
		__atomic_store_n(&t->skel->bss->enabled, false, __ATOMIC_SEQ_CST);
		empty_map(t->skel->maps.drops);
		empty_recent(t, 0);
		empty_recent(t, 1);
		empty_map(t->skel->maps.flows);
		empty_map(t->skel->maps.xdp_errors);
		empty_map(t->skel->maps.sends_too_big);
	}
	memset(t->skel->bss->made, 0, sizeof(t->skel->bss->made));
	t->misses_before = bpf_recursion_misses(t->program);
	t->counted = true;
	if (t->rules)
		rule_tracer_start(t->rules);
	__atomic_store_n(&t->skel->bss->enabled, true, __ATOMIC_SEQ_CST);
	if (t->events)
		event_tracer_enable(t->events, true);
}

void drop_tracer_close(struct drop_tracer *t)
{
	if (!t)
		return;
	net_dm_close(t->net_dm);
	rule_tracer_close(t->rules);
	event_tracer_close(t->events);
	close_rung(t);
	cleanup_fd(&t->barrier);
	reasons_done(&t->reasons);
	symbols_done(&t->symbols);
	symbols_done(&t->frames);
	free(t);
}
