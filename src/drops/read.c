// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads what the programs counted. A function that frees packets at several places has one name:
 * its rows become one.
 */
#define _GNU_SOURCE
#include "drops/tracer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>

#include "drops/events.h"
#include "drops/net_dm.h"
#include "drops/record.h"
#include "drops/rules.h"
#include "drops.skel.h"

struct counted_drop {
	struct drop_key key;
	struct drop_value value;
};

struct counted_flow {
	struct flow_key key;
	uint64_t packets;
};

struct reading {
	VEC(struct counted_drop) drops;
	VEC(struct counted_flow) flows;
};

static void reading_done(struct reading *r)
{
	vec_done(&r->drops);
	vec_done(&r->flows);
}

/* ---- the maps ---- */

#define BATCH 256U

/* What a map holds: of a turn, or (TURN_ANY) all of it. Values of per-CPU maps have a part for each. */
#define TURN_ANY 2

struct elements {
	const struct bpf_map *map;
	uint8_t turn;
	size_t key_size, value_size;
	uint32_t n;
	char *keys, *values;
};

struct content {
	struct elements drops, flows, xdp_errors, sends;
};

static void elements_done(struct elements *e)
{
	free(e->keys);
	free(e->values);
}

/* Packs the batch read last, behind e->n. */
static void keep_turn(struct elements *e, uint32_t read)
{
	const char *keys = e->keys + e->n * e->key_size, *values = e->values + e->n * e->value_size;

	for (uint32_t i = 0; i < read; i++, keys += e->key_size, values += e->value_size) {
		if (e->turn != TURN_ANY && (uint8_t)keys[e->key_size - 1] != e->turn)
			continue;
		memmove(e->keys + e->n * e->key_size, keys, e->key_size);
		memmove(e->values + e->n * e->value_size, values, e->value_size);
		e->n++;
	}
}

/*
 * By buckets, and not from key to key: such a walk begins again where its key is gone, as flows may
 * be at any time.
 */
static int elements_read(struct elements *e)
{
	uint32_t in, out, n;
	bool more = true;

	e->key_size = bpf_map__key_size(e->map);
	for (bool first = true; more; first = false, in = out) {
		e->keys = xrealloc(e->keys, (e->n + BATCH) * e->key_size);
		e->values = xrealloc(e->values, (e->n + BATCH) * e->value_size);
		n = BATCH;
		if (bpf_map_lookup_batch(bpf_map__fd(e->map), first ? NULL : &in, &out,
					 e->keys + e->n * e->key_size,
					 e->values + e->n * e->value_size, &n, NULL)) {
			if (errno != ENOENT)
				return -errno;
			more = false;
		}
		keep_turn(e, n);
	}
	return 0;
}

/* Removes what was read. A flow may have been pushed out meanwhile. */
static int elements_remove(const struct elements *e)
{
	for (uint32_t i = 0; i < e->n; i++)
		if (bpf_map_delete_elem(bpf_map__fd(e->map), e->keys + i * e->key_size) &&
		    errno != ENOENT)
			return -errno;
	return 0;
}

static int read_drops(struct drop_tracer *t, struct elements *e, struct reading *r)
{
	int err = elements_read(e);

	for (uint32_t i = 0; i < e->n && !err; i++) {
		const struct drop_value *of_cpu = (void *)(e->values + i * e->value_size);
		struct counted_drop *drop = vec_push(&r->drops);

		memcpy(&drop->key, e->keys + i * e->key_size, sizeof(drop->key));
		for (int cpu = 0; cpu < t->cpus; cpu++) {
			drop->value.packets += of_cpu[cpu].packets;
			drop->value.bytes += of_cpu[cpu].bytes;
			drop->value.segments += of_cpu[cpu].segments;
		}
		symbols_add(&t->symbols, drop->key.location);
	}
	return err;
}

/* What stands beside the rows: one kind for each CPU. */
static int read_recent(struct drop_tracer *t, uint8_t turn, struct reading *r)
{
	cleanup(cleanup_free) struct recent_drop *of_cpu =
		xcalloc((size_t)t->cpus, sizeof(*of_cpu));

	for (uint32_t i = 0; i < 2; i++) {
		if (turn != TURN_ANY && turn != i)
			continue;
		if (bpf_map_lookup_elem(bpf_map__fd(t->skel->maps.recent), &i, of_cpu))
			return -errno;
		for (int cpu = 0; cpu < t->cpus; cpu++)
			if (of_cpu[cpu].value.packets)
				*vec_push(&r->drops) =
					(struct counted_drop){of_cpu[cpu].key, of_cpu[cpu].value};
	}
	return 0;
}

int empty_recent(const struct drop_tracer *t, uint32_t turn)
{
	cleanup(cleanup_free) struct recent_drop *zero = xcalloc((size_t)t->cpus, sizeof(*zero));

	if (bpf_map_update_elem(bpf_map__fd(t->skel->maps.recent), &turn, zero, BPF_ANY))
		return -errno;
	return 0;
}

static int read_flows(struct drop_tracer *t, struct elements *e, struct reading *r)
{
	int err = elements_read(e);

	for (uint32_t i = 0; i < e->n && !err; i++) {
		struct counted_flow *flow = vec_push(&r->flows);

		memcpy(&flow->key, e->keys + i * e->key_size, sizeof(flow->key));
		memcpy(&flow->packets, e->values + i * e->value_size, sizeof(flow->packets));
		symbols_add(&t->symbols, flow->key.location);
	}
	return err;
}

/* Everything before `packets` is what a row is about; rows are zeroed before they are filled. */
static int same_drop(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct drop, packets));
}

static int same_flow(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct drop_flow, packets));
}

static int most_drops(const void *a, const void *b)
{
	const struct drop *x = a, *y = b;

	return x->packets != y->packets ? (x->packets < y->packets ? 1 : -1) : same_drop(a, b);
}

static int most_flows(const void *a, const void *b)
{
	const struct drop_flow *x = a, *y = b;

	return x->packets != y->packets ? (x->packets < y->packets ? 1 : -1) : same_flow(a, b);
}

static void give_drops(struct drop_tracer *t, const struct reading *r, struct drops *d)
{
	struct drop *last = NULL;
	size_t n = 0;

	vec_each(counted, &r->drops) {
		const struct drop_key *key = &counted->key;
		struct drop *row;

		if (!counted->value.packets)
			continue;
		row = vec_push(&d->rows);
		reasons_name(&t->reasons, key->reason, row->reason, sizeof(row->reason));
		snprintf(row->symbol, sizeof(row->symbol), "%s",
			 symbols_name(&t->symbols, key->location));
		row->netns = key->netns;
		row->ifindex = key->ifindex;
		row->ethertype = key->ethertype;
		row->protocol = key->protocol;
		row->family = key->family;
		row->not_meant = key->not_meant;
		row->local_port = key->local_port;
		row->cookie = key->cookie;
		row->packets = counted->value.packets;
		row->bytes = counted->value.bytes;
		row->segments = counted->value.segments;
	}
	if (!d->rows.n)
		return;
	qsort(d->rows.items, d->rows.n, sizeof(*d->rows.items), same_drop);
	vec_each(row, &d->rows) {
		if (last && same_drop(last, row) == 0) {
			last->packets += row->packets;
			last->bytes += row->bytes;
			last->segments += row->segments;
		} else {
			last = &d->rows.items[n++];
			*last = *row;
		}
	}
	d->rows.n = n;
	qsort(d->rows.items, n, sizeof(*d->rows.items), most_drops);
}

static void give_flows(struct drop_tracer *t, const struct reading *r, struct drops *d)
{
	struct drop_flow *last = NULL;
	size_t n = 0;

	vec_each(counted, &r->flows) {
		const struct flow_key *key = &counted->key;
		struct drop_flow *row = vec_push(&d->flows);

		reasons_name(&t->reasons, key->reason, row->reason, sizeof(row->reason));
		snprintf(row->symbol, sizeof(row->symbol), "%s",
			 symbols_name(&t->symbols, key->location));
		row->netns = key->netns;
		row->ifindex = key->ifindex;
		row->family = key->family;
		row->protocol = key->protocol;
		memcpy(row->source, key->source, sizeof(row->source));
		memcpy(row->destination, key->destination, sizeof(row->destination));
		row->source_port = key->source_port;
		row->destination_port = key->destination_port;
		row->packets = counted->packets;
	}
	if (!d->flows.n)
		return;
	qsort(d->flows.items, d->flows.n, sizeof(*d->flows.items), same_flow);
	vec_each(row, &d->flows) {
		if (last && same_flow(last, row) == 0) {
			last->packets += row->packets;
		} else {
			last = &d->flows.items[n++];
			*last = *row;
		}
	}
	d->flows.n = n;
	qsort(d->flows.items, n, sizeof(*d->flows.items), most_flows);
}

/* ---- XDP programs that failed ---- */

struct xdp_error {
	struct xdp_key key;
	uint64_t packets;
};

/* What the kernel's own log would call it; it has no drop reason for them. */
static const char *xdp_reason(uint32_t act)
{
	switch (act) {
	case XDP_TX:
		return "XDP_TX_FAILED";
	case XDP_REDIRECT:
		return "XDP_REDIRECT_FAILED";
	default: /* the program's own error, or a number that is no action: dropped like it */
		return "XDP_ABORTED";
	}
}

/*
 * A virtual device and generic XDP then free the skb with the same words as for XDP_DROP: these
 * packets change their reason. Those of a card's driver never were an skb, and those that could not
 * be sent on are not freed as one: they are added.
 */
static void give_xdp_error(const struct xdp_error *e, struct drops *d)
{
	const char *reason = xdp_reason(e->key.act);
	bool aborted = strcmp(reason, "XDP_ABORTED") == 0;
	struct drop row = {.netns = e->key.netns, .ifindex = e->key.ifindex};

	vec_each(known, &d->rows) {
		uint64_t n = MIN(known->packets, e->packets - row.packets);

		if (!aborted || known->netns != row.netns || known->ifindex != row.ifindex || !n ||
		    !is_xdp_drop(known))
			continue;
		memcpy(row.symbol, known->symbol, sizeof(row.symbol));
		row.ethertype = known->ethertype;
		row.protocol = known->protocol;
		row.bytes += known->bytes / known->packets * n;
		known->bytes -= known->bytes / known->packets * n;
		known->segments -= MIN(known->segments, n);
		known->packets -= n;
		row.packets += n;
	}
	if (!row.symbol[0])
		snprintf(row.symbol, sizeof(row.symbol), "xdp_exception");
	snprintf(row.reason, sizeof(row.reason), "%s", reason);
	row.packets = row.segments = e->packets;
	*vec_push(&d->rows) = row;
}

static void give_xdp(const struct elements *e, struct drops *d)
{
	struct xdp_error error;
	size_t kept = 0;

	for (uint32_t i = 0; i < e->n; i++) {
		memcpy(&error.key, e->keys + i * e->key_size, sizeof(error.key));
		memcpy(&error.packets, e->values + i * e->value_size, sizeof(error.packets));
		give_xdp_error(&error, d);
	}
	vec_each(row, &d->rows)
		if (row->packets)
			d->rows.items[kept++] = *row;
	d->rows.n = kept;
	if (kept)
		qsort(d->rows.items, kept, sizeof(*d->rows.items), most_drops);
}

/* ---- sends that were refused ---- */

/* Told as drops of this host, with a word of our own for a reason: nothing else counts them. */
static void give_sends(const struct elements *e, struct drops *d)
{
	struct drop_key key;
	uint64_t sends;

	for (uint32_t i = 0; i < e->n; i++) {
		struct drop *row = vec_push(&d->rows);

		memcpy(&key, e->keys + i * e->key_size, sizeof(key));
		memcpy(&sends, e->values + i * e->value_size, sizeof(sends));
		snprintf(row->reason, sizeof(row->reason), "SEND_TOO_BIG");
		snprintf(row->symbol, sizeof(row->symbol), "sock_send_length");
		row->netns = key.netns;
		row->protocol = key.protocol;
		row->family = key.family;
		row->local_port = key.local_port;
		row->cookie = key.cookie;
		row->packets = row->segments = sends;
	}
	if (d->rows.n)
		qsort(d->rows.items, d->rows.n, sizeof(*d->rows.items), most_drops);
}

/* ---- all of it ---- */

void drop_tracer_stop(struct drop_tracer *t)
{
	if (t->net_dm)
		net_dm_stop(t->net_dm);
	else
		__atomic_store_n(&t->skel->bss->enabled, false, __ATOMIC_SEQ_CST);
	if (t->events)
		event_tracer_enable(t->events, false);
}

static void content_done(struct content *c)
{
	elements_done(&c->drops);
	elements_done(&c->flows);
	elements_done(&c->xdp_errors);
	elements_done(&c->sends);
}

static int content_read(struct drop_tracer *t, uint8_t turn, struct content *c,
			struct reading *r)
{
	size_t counter = sizeof(uint64_t);
	int err;

	c->drops = (struct elements){.map = t->skel->maps.drops, .turn = turn};
	c->flows = (struct elements){.map = t->skel->maps.flows, .turn = turn};
	c->xdp_errors = (struct elements){.map = t->skel->maps.xdp_errors, .turn = turn};
	c->sends = (struct elements){.map = t->skel->maps.sends_too_big, .turn = turn};
	c->drops.value_size = sizeof(struct drop_value) * (size_t)t->cpus;
	c->flows.value_size = c->xdp_errors.value_size = c->sends.value_size = counter;
	err = read_drops(t, &c->drops, r);
	if (!err)
		err = read_recent(t, turn, r);
	if (!err)
		err = read_flows(t, &c->flows, r);
	if (!err)
		err = elements_read(&c->xdp_errors);
	if (!err)
		err = elements_read(&c->sends);
	return err;
}

static int content_remove(const struct content *c)
{
	int err = elements_remove(&c->drops);

	if (!err)
		err = elements_remove(&c->flows);
	if (!err)
		err = elements_remove(&c->xdp_errors);
	if (!err)
		err = elements_remove(&c->sends);
	return err;
}

static void give(struct drop_tracer *t, const struct content *c, const struct reading *r, struct drops *d)
{
	symbols_name_all(&t->symbols);
	snprintf(d->rung, sizeof(d->rung), "%s", t->rung);
	d->receiving_socket = t->arguments >= 4;
	d->sends_traced = t->send_link || t->sends.due_ns;
	d->sends_rested_ns = t->sends.rested_ns;
	t->sends.rested_ns = 0;
	give_drops(t, r, d);
	give_flows(t, r, d);
	give_xdp(&c->xdp_errors, d);
	give_sends(&c->sends, d);
}

/* What could not be held in these turns, and what was missed since this was asked last. */
static void give_missed(struct drop_tracer *t, uint8_t from, uint8_t to, struct drops *d)
{
	uint64_t misses = bpf_recursion_misses(t->program), flows = 0;

	for (uint8_t turn = from; turn <= to; turn++) {
		d->missed += t->skel->bss->made[turn].missed;
		d->no_link_header += t->skel->bss->made[turn].no_link_header;
		d->flows_sampled |= t->skel->bss->made[turn].flows_sampled;
		flows += t->skel->bss->made[turn].flows;
	}
	/* More made than found: some were pushed out to make room. */
	d->flows_sampled |= flows > d->flows.n;
	d->missed += misses - t->misses_before;
	t->misses_before = misses;
}

int drop_tracer_read(struct drop_tracer *t, struct drops *ret)
{
	cleanup(reading_done) struct reading r = {0};
	cleanup(content_done) struct content c = {0};
	struct drops d = {0};
	int err;

	if (t->net_dm)
		return net_dm_read(t->net_dm, ret);
	drop_tracer_stop(t);
	err = content_read(t, TURN_ANY, &c, &r);
	if (err)
		return err;
	give(t, &c, &r, &d);
	give_missed(t, 0, 1, &d);
	if (t->events)
		event_tracer_missed(t->events, t, &d);
	if (t->rules)
		rule_tracer_read(t->rules, &d); /* an extra: without it rules_traced stays false */
	*ret = d;
	return 0;
}

/*
 * The update of a map of maps comes back when all programs have ended that were running then
 * (maybe_wait_bpf_programs(), kernel/bpf/syscall.c, since 4.20).
 */
static int wait_for_programs(struct drop_tracer *t)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	uint32_t zero = 0;
	int inner, err = 0;

	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "whydrop_inner", 4, 4, 1, NULL);
	if (inner < 0)
		return inner;
	opts.inner_map_fd = (uint32_t)inner;
	if (t->barrier < 0)
		t->barrier = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "whydrop_barrier", 4, 4, 1,
					    &opts);
	if (t->barrier < 0)
		err = t->barrier;
	else if (bpf_map_update_elem(t->barrier, &zero, &inner, BPF_ANY))
		err = -errno;
	cleanup_fd(&inner);
	return err;
}

int drop_tracer_read_on(struct drop_tracer *t, struct drops *ret)
{
	cleanup(reading_done) struct reading r = {0};
	cleanup(content_done) struct content c = {0};
	struct drops d = {0};
	uint8_t turn;
	int err;

	if (t->net_dm)
		return net_dm_read_on(t->net_dm, ret);
	turn = t->skel->bss->turn;
	__atomic_store_n(&t->skel->bss->turn, !turn, __ATOMIC_SEQ_CST);
	err = wait_for_programs(t);
	if (!err)
		err = content_read(t, turn, &c, &r);
	if (!err)
		err = content_remove(&c);
	if (!err)
		err = empty_recent(t, turn);
	if (err)
		return err;
	give(t, &c, &r, &d);
	give_missed(t, turn, turn, &d);
	memset(&t->skel->bss->made[turn], 0, sizeof(t->skel->bss->made[turn]));
	if (t->events)
		event_tracer_missed(t->events, t, &d);
	if (t->rules)
		rule_tracer_read_on(t->rules, &d);
	*ret = d;
	return 0;
}
