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

#include "drops/record.h"
#include "drops/rules.h"
#include "drops/symbols.h"
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
	struct symbols symbols;
};

static void reading_done(struct reading *r)
{
	vec_done(&r->drops);
	vec_done(&r->flows);
	symbols_done(&r->symbols);
}

struct walk {
	const struct bpf_map *map;
	void *key, *value;
	size_t value_size;
	bool started;
	uint32_t steps;
};

/* 1 with the next element in key and value, 0 at the end. */
static int walk_next(struct walk *w)
{
	size_t key_size = bpf_map__key_size(w->map);
	int err;

	/*
	 * A program that was just running may still evict a flow, and the walk begins again where
	 * its key is gone: it must end all the same.
	 */
	while (w->steps++ < 2 * bpf_map__max_entries(w->map)) {
		err = bpf_map__get_next_key(w->map, w->started ? w->key : NULL, w->key, key_size);
		if (err)
			return err == -ENOENT ? 0 : err;
		w->started = true;
		err = bpf_map__lookup_elem(w->map, w->key, key_size, w->value, w->value_size, 0);
		if (err != -ENOENT)
			return err ? err : 1;
	}
	return 0;
}

static int read_drops(const struct drop_tracer *t, struct reading *r)
{
	size_t size = sizeof(struct drop_value) * (size_t)t->cpus;
	cleanup(cleanup_free) struct drop_value *of_cpu = xcalloc(1, size);
	struct drop_key key;
	struct walk w = {t->skel->maps.drops, &key, of_cpu, size, false, 0};
	int more;

	while ((more = walk_next(&w)) > 0) {
		struct counted_drop *drop = vec_push(&r->drops);

		drop->key = key;
		for (int cpu = 0; cpu < t->cpus; cpu++) {
			drop->value.packets += of_cpu[cpu].packets;
			drop->value.bytes += of_cpu[cpu].bytes;
			drop->value.segments += of_cpu[cpu].segments;
		}
		symbols_add(&r->symbols, key.location);
	}
	return more;
}

static int read_flows(const struct drop_tracer *t, struct reading *r)
{
	struct flow_key key;
	uint64_t packets;
	struct walk w = {t->skel->maps.flows, &key, &packets, sizeof(packets), false, 0};
	int more;

	while ((more = walk_next(&w)) > 0) {
		struct counted_flow *flow = vec_push(&r->flows);

		flow->key = key;
		flow->packets = packets;
		symbols_add(&r->symbols, key.location);
	}
	return more;
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
			 symbols_name(&r->symbols, key->location));
		row->netns = key->netns;
		row->ifindex = key->ifindex;
		row->ethertype = key->ethertype;
		row->protocol = key->protocol;
		row->family = key->family;
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
			 symbols_name(&r->symbols, key->location));
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

static int give_xdp(const struct drop_tracer *t, struct drops *d)
{
	struct xdp_error e;
	struct walk w = {t->skel->maps.xdp_errors, &e.key, &e.packets, sizeof(e.packets), false, 0};
	size_t kept = 0;
	int more;

	while ((more = walk_next(&w)) > 0)
		give_xdp_error(&e, d);
	vec_each(row, &d->rows)
		if (row->packets)
			d->rows.items[kept++] = *row;
	d->rows.n = kept;
	if (kept)
		qsort(d->rows.items, kept, sizeof(*d->rows.items), most_drops);
	return more;
}

/* ---- sends that were refused ---- */

/* Told as drops of this host, with a word of our own for a reason: nothing else counts them. */
static int give_sends(const struct drop_tracer *t, struct drops *d)
{
	struct drop_key key;
	uint64_t sends;
	struct walk w = {t->skel->maps.sends_too_big, &key, &sends, sizeof(sends), false, 0};
	int more;

	while ((more = walk_next(&w)) > 0) {
		struct drop *row = vec_push(&d->rows);

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
	d->sends_traced = t->send_link != NULL;
	return more;
}

void drop_tracer_stop(struct drop_tracer *t)
{
	__atomic_store_n(&t->skel->bss->enabled, false, __ATOMIC_SEQ_CST);
}

int drop_tracer_read(struct drop_tracer *t, struct drops *ret)
{
	const struct drops_bpf__bss *bss = t->skel->bss;
	cleanup(reading_done) struct reading r = {0};
	struct drops d = {0};
	int err;

	drop_tracer_stop(t);
	err = read_drops(t, &r);
	if (!err)
		err = read_flows(t, &r);
	if (err)
		return err;
	symbols_name_all(&r.symbols);

	snprintf(d.rung, sizeof(d.rung), "%s", t->rung);
	d.receiving_socket = t->arguments >= 4;
	give_drops(t, &r, &d);
	give_flows(t, &r, &d);
	err = give_xdp(t, &d);
	if (!err)
		err = give_sends(t, &d);
	if (err) {
		drops_done(&d);
		return err;
	}
	/* More made than found: some were pushed out to make room. */
	d.flows_sampled = bss->flows_sampled || bss->made.flows > r.flows.n;
	d.missed = bss->made.missed + bpf_recursion_misses(t->program) - t->misses_before;
	if (t->rules)
		rule_tracer_read(t->rules, &d); /* an extra: without it rules_traced stays false */
	*ret = d;
	return 0;
}

int drop_tracer_read_on(struct drop_tracer *t, struct drops *ret)
{
	int err = drop_tracer_read(t, ret);

	drop_tracer_start(t);
	return err;
}
