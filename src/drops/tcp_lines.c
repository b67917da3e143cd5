// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The map only grows in numbers: what is told is the difference to the last look. Lines that stood
 * still for IDLE_NS are taken out, so that a long watch has room for new ones.
 */
#define _GNU_SOURCE
#include "drops/tcp_lines.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "drops/kernel_btf.h"
#include "drops/tcp_record.h"
#include "drops/tracer.h"
#include "tcp.skel.h"

#define IDLE_NS (30 * NSEC_PER_SEC)

/*
 * Best first; the names of its programs begin with the prefix. For each pointer that a tp_btf program
 * follows the verifier searches all names of the kernel's types (btf_nested_type_is_trusted): 15 ms
 * of CPU to load it, and these events are too few to earn that back.
 */
static const struct rung {
	const char *name, *prefix;
} rungs[] = {
	{"raw_tracepoint", "raw_"},
	{"tp_btf", "btf_"},
};

struct told {
	struct tcp_key key;
	struct tcp_value value; /* as it was at the last look */
	int64_t since_ns;	/* when it moved last */
};

struct tcp_tracer {
	struct tcp_bpf *skel;
	VEC(struct told) told; /* sorted by key */
	uint64_t missed_told;
	bool retransmit_has_error, reset_has_reason;
	enum tcp_states states;
	uint32_t netns; /* whose flows are told apart; 0: of all */
	VEC(struct reset_reason {
		uint32_t value;
		char name[48];
	}) reasons;
	char log[VERIFIER_LOG];
};

/* Arguments of a tracepoint's prototype; the first one there is the probe's own. 0: none such. */
static int arguments_of(const struct btf *btf, const char *tracepoint)
{
	const struct btf_type *t;
	char name[64];
	int id;

	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
	for (int i = 0; i < 2 && t; i++) /* typedef, pointer */
		t = btf__type_by_id(btf, t->type);
	return t && btf_is_func_proto(t) && btf_vlen(t) ? btf_vlen(t) - 1 : 0;
}

static void read_reasons(struct tcp_tracer *t, const struct btf *btf)
{
	static const char prefix[] = "SK_RST_REASON_";
	int id = btf__find_by_name_kind(btf, "sk_rst_reason", BTF_KIND_ENUM);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	for (unsigned int i = 0; type && i < btf_vlen(type); i++) {
		const char *name = btf__name_by_offset(btf, btf_enum(type)[i].name_off);
		struct reset_reason *reason;

		if (!name || strncmp(name, prefix, sizeof(prefix) - 1) != 0)
			continue;
		reason = vec_push(&t->reasons);
		reason->value = (uint32_t)btf_enum(type)[i].val;
		snprintf(reason->name, sizeof(reason->name), "%s", name + sizeof(prefix) - 1);
	}
}

static int read_kernel_btf(struct tcp_tracer *t)
{
	const struct btf *btf = kernel_btf();
	bool all;

	if (!btf)
		return -ENOENT;
	all = arguments_of(btf, "tcp_retransmit_skb") && arguments_of(btf, "tcp_send_reset") &&
	      (!t->states || arguments_of(btf, "inet_sock_set_state") == 3);
	t->retransmit_has_error = arguments_of(btf, "tcp_retransmit_skb") > 2;
	t->reset_has_reason = arguments_of(btf, "tcp_send_reset") > 2;
	if (t->reset_has_reason)
		read_reasons(t, btf);
	return all ? 0 : -EOPNOTSUPP;
}

static bool is_wanted(const struct tcp_tracer *t, const struct rung *rung, const char *program)
{
	size_t n = strlen(rung->prefix);

	return strncmp(program, rung->prefix, n) == 0 &&
	       (t->states || strcmp(program + n, "inet_sock_set_state") != 0);
}

/* The coarse clock moves with each jiffy. */
static uint64_t tick_ns(void)
{
	struct timespec tick;

	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return (uint64_t)(tick.tv_sec * NSEC_PER_SEC + tick.tv_nsec);
}

static int open_rung(struct tcp_tracer *t, const struct rung *rung)
{
	struct bpf_program *program;
	int err;

	t->skel = tcp_bpf__open_opts(kernel_btf_opts());
	if (!t->skel)
		return -errno;
	bpf_object__for_each_program(program, t->skel->obj) {
		bpf_program__set_autoload(program,
					  is_wanted(t, rung, bpf_program__name(program)));
		bpf_program__set_log_buf(program, t->log, sizeof(t->log));
	}
	t->skel->rodata->retransmit_has_error = t->retransmit_has_error;
	t->skel->rodata->reset_has_reason = t->reset_has_reason;
	t->skel->rodata->failed_only = t->states == TCP_STATES_FAILED;
	t->skel->rodata->netns_in_full = t->netns;
	t->skel->rodata->tick_ns = tick_ns();
	err = tcp_bpf__load(t->skel);
	if (!err)
		err = tcp_bpf__attach(t->skel);
	if (err) {
		tcp_bpf__destroy(t->skel);
		t->skel = NULL;
	}
	return err;
}

static int climb(struct tcp_tracer *t, const char *only)
{
	int err = -EINVAL;

	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		if (only && strcmp(only, rungs[i].name) != 0)
			continue;
		err = open_rung(t, &rungs[i]);
		if (!err)
			return 0;
		/* The verifier and the attach refuse with many numbers, which all mean this. */
		if (err != -EPERM && err != -ENOMEM)
			err = -EOPNOTSUPP;
	}
	return err;
}

int tcp_tracer_open(const char *rung, enum tcp_states states, uint32_t netns,
		    struct tcp_tracer **ret)
{
	struct tcp_tracer *t = xcalloc(1, sizeof(*t));
	int err;

	t->states = states;
	t->netns = netns;
	libbpf_set_print(NULL);
	err = read_kernel_btf(t);
	if (!err)
		err = climb(t, rung);
	if (err) {
		tcp_tracer_close(t);
		return err;
	}
	__atomic_store_n(&t->skel->bss->enabled, true, __ATOMIC_SEQ_CST);
	*ret = t;
	return 0;
}

static int compare_told(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct tcp_key));
}

/* Elements that come while we walk may be met or not; those that were there are met once. */
static int read_map(struct tcp_tracer *t, struct told **ret, size_t *ret_n)
{
	const struct bpf_map *map = t->skel->maps.lines;
	VEC(struct told) now = {0};
	struct told one = {.since_ns = monotonic_ns()};
	int err = bpf_map__get_next_key(map, NULL, &one.key, sizeof(one.key));

	while (!err && now.n < 2 * TCP_ENTRIES) {
		err = bpf_map__lookup_elem(map, &one.key, sizeof(one.key), &one.value,
					   sizeof(one.value), 0);
		if (err)
			break;
		*vec_push(&now) = one;
		err = bpf_map__get_next_key(map, &one.key, &one.key, sizeof(one.key));
	}
	if (err && err != -ENOENT) {
		vec_done(&now);
		return err;
	}
	if (now.n)
		qsort(now.items, now.n, sizeof(*now.items), compare_told);
	*ret = now.items;
	*ret_n = now.n;
	return 0;
}

static void name_reason(const struct tcp_tracer *t, uint32_t value, char *to, size_t size)
{
	vec_each(reason, &t->reasons)
		if (reason->value == value) {
			snprintf(to, size, "%s", reason->name);
			return;
		}
	snprintf(to, size, "%u", value);
}

#define TCP_CLOSED 7 /* include/net/tcp_states.h TCP_CLOSE */

/*
 * tcp_close() and tcp_disconnect() close the socket before they reset, and so does
 * tcp_rcv_state_process() for data that comes after a close.
 */
static void name_reset(const struct tcp_tracer *t, const struct tcp_key *key, char *to, size_t size)
{
	const char *reason = key->unasked == TCP_UNASKED_UNREAD ? "TCP_ABORT_ON_CLOSE"
			     : key->unasked			? "TCP_STATE"
								: "TCP_ABORT_ON_DATA";

	if (t->reset_has_reason)
		name_reason(t, key->reason, to, size);
	if (key->state == TCP_CLOSED && (!to[0] || strcmp(to, "NOT_SPECIFIED") == 0))
		snprintf(to, size, "%s", reason);
}

/* What was added to the numbers that only grow; the extremes stay those of the line's life. */
static struct tcp_value added(const struct tcp_value *before, const struct tcp_value *now)
{
	return (struct tcp_value){
		.packets = now->packets - before->packets,
		.segments = now->segments - before->segments,
		.lossy = now->lossy - before->lossy,
		.unread = now->unread - before->unread,
		.unsent = now->unsent - before->unsent,
		.idle = now->idle - before->idle,
		.idle_least_ms = now->idle_least_ms,
		.idle_most_ms = now->idle_most_ms,
	};
}

static void give_place(const struct tcp_key *key, struct tcp_line *line)
{
	line->kind = (enum tcp_line_kind)key->kind;
	line->netns = key->netns;
	line->state = key->state;
	line->unasked = line->kind == TCP_RESET_SENT && key->unasked != TCP_ASKED;
	line->family = key->family;
	line->peer_bits = key->family == AF_INET6 ? 64 : key->family == AF_INET ? 24 : 0;
	memcpy(line->peer, key->peer, sizeof(key->peer));
	line->local_port = key->local_port;
	line->remote_port = key->remote_port;
}

static void give(const struct tcp_tracer *t, const struct tcp_key *key,
		 const struct tcp_value *value, struct tcp_lines *to)
{
	struct tcp_line *line;

	if (!value->packets && !value->segments)
		return;
	line = vec_push(&to->lines);
	give_place(key, line);
	if (line->kind == TCP_RESET_SENT)
		name_reset(t, key, line->reason, sizeof(line->reason));
	if (line->kind == TCP_CONNECT_FAILED || line->kind == TCP_ENDED)
		line->error = (uint16_t)key->reason;
	line->packets = value->packets;
	line->segments = value->segments;
	line->lossy = value->lossy;
	line->unread = value->unread;
	line->unsent = value->unsent;
	line->idle = value->idle;
	line->idle_least_ms = value->idle ? value->idle_least_ms : 0;
	line->idle_most_ms = value->idle ? value->idle_most_ms : 0;
}

/* What was added since the last look, before it goes. True if it is gone. */
static bool take_out(struct tcp_tracer *t, struct told *line, struct tcp_lines *to)
{
	struct tcp_value last;

	if (bpf_map__lookup_and_delete_elem(t->skel->maps.lines, &line->key, sizeof(line->key),
					    &last, sizeof(last), 0) != 0)
		return false;
	__atomic_fetch_sub(&t->skel->bss->made.keys, 1, __ATOMIC_SEQ_CST);
	last = added(&line->value, &last);
	give(t, &line->key, &last, to);
	return true;
}

/* Both are sorted; every line told before is still there, as only we take any out. */
static void compare(struct tcp_tracer *t, struct told *now, size_t n, struct tcp_lines *to)
{
	size_t before = 0;

	for (size_t i = 0; i < n; i++) {
		struct tcp_value zero = {0}, more;
		const struct told *old = NULL;

		while (before < t->told.n && compare_told(&t->told.items[before], &now[i]) < 0)
			before++;
		if (before < t->told.n && compare_told(&t->told.items[before], &now[i]) == 0)
			old = &t->told.items[before];
		if (old && memcmp(&old->value, &now[i].value, sizeof(zero)) == 0)
			now[i].since_ns = old->since_ns;
		more = added(old ? &old->value : &zero, &now[i].value);
		give(t, &now[i].key, &more, to);
	}
}

static void keep(struct tcp_tracer *t, struct told *now, size_t n, struct tcp_lines *to)
{
	int64_t oldest = monotonic_ns() - IDLE_NS;

	t->told.n = 0;
	for (size_t i = 0; i < n; i++)
		if (now[i].since_ns > oldest || !take_out(t, &now[i], to))
			*vec_push(&t->told) = now[i];
}

static int most_packets(const void *a, const void *b)
{
	const struct tcp_line *x = a, *y = b;

	return x->packets < y->packets ? 1 : -(x->packets > y->packets);
}

static uint64_t missed(struct tcp_tracer *t)
{
	struct bpf_program *program;
	uint64_t sum = t->skel->bss->made.missed;

	bpf_object__for_each_program(program, t->skel->obj)
		if (bpf_program__autoload(program))
			sum += bpf_recursion_misses(program);
	return sum;
}

int tcp_tracer_read_on(struct tcp_tracer *t, struct tcp_lines *ret)
{
	struct tcp_lines lines = {.all_resets = t->reset_has_reason,
				  .states = t->states == TCP_STATES_ALL};
	uint64_t missed_now = missed(t);
	struct told *now;
	size_t n;
	int err = read_map(t, &now, &n);

	if (err)
		return err;
	compare(t, now, n, &lines);
	keep(t, now, n, &lines);
	free(now);
	if (lines.lines.n)
		qsort(lines.lines.items, lines.lines.n, sizeof(*lines.lines.items), most_packets);
	lines.missed = missed_now - t->missed_told;
	t->missed_told = missed_now;
	*ret = lines;
	return 0;
}

void tcp_tracer_close(struct tcp_tracer *t)
{
	if (!t)
		return;
	tcp_bpf__destroy(t->skel);
	vec_done(&t->told);
	vec_done(&t->reasons);
	free(t);
}
