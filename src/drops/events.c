// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "drops/events.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>

#include "drops/filter.h"
#include "drops/net_dm.h"
#include "drops/record.h"
#include "drops/tracer.h"
#include "events.skel.h"

/* What a bucket had missed when it was told last. */
struct told_bucket {
	struct bucket_key key;
	uint64_t missed;
};

struct event_tracer {
	struct events_bpf *skel;
	struct bpf_program *program; /* the one that is loaded */
	struct bpf_link *link;
	struct ring_buffer *ring;
	int cpus;
	VEC(struct told_bucket) told;
	uint64_t unplaced_told; /* missed of unknown reason */
	VEC(struct event_record) records; /* of the reading that goes on */
	char log[VERIFIER_LOG];
	void *filtered; /* the object with the filter in it; NULL */
};

/* A record is as long as its packet; what is missing of it stays zero. */
static int keep_record(void *arg, void *data, size_t size)
{
	struct event_tracer *e = arg;

	if (size < offsetof(struct event_record, bytes))
		return 0;
	memcpy(vec_push(&e->records), data, MIN(size, sizeof(struct event_record)));
	return 0;
}

static int open_object(struct event_tracer *e, const struct drop_tracer_options *options)
{
	int err;

	e->skel = xcalloc(1, sizeof(*e->skel));
	err = events_bpf__create_skeleton(e->skel);
	if (!err)
		err = filter_open(e->skel->skeleton, options->filter, options->filter_n,
				  &e->filtered);
	if (err)
		return err;
	e->skel->rodata->filtered = options->filter_n > 0;
	e->skel->rodata->filter_link = options->filter_link;
	return 0;
}

static int scope(struct event_tracer *e, const struct drop_tracer *t,
		 const struct drop_tracer_options *options)
{
	uint32_t reason = 0;

	e->skel->rodata->with_stack = options->stacks;
	e->skel->rodata->netns_wanted = options->netns;
	e->skel->rodata->ifindex_wanted = options->events_ifindex;
	if (!options->events_reason)
		return 0;
	/* A kernel without reasons gives 0 for all. */
	if (t->reasons.none ? strcmp(options->events_reason, "NOT_SPECIFIED") != 0
			    : !reasons_number(&t->reasons, options->events_reason, &reason))
		return -EINVAL;
	e->skel->rodata->one_reason = true;
	e->skel->rodata->reason_wanted = reason;
	return 0;
}

static int attach(struct event_tracer *e, const char *name)
{
	struct bpf_program *program;
	int err;

	bpf_object__for_each_program(program, e->skel->obj)
		bpf_program__set_autoload(program, false);
	e->program = bpf_object__find_program_by_name(e->skel->obj, name);
	if (!e->program)
		return -EOPNOTSUPP;
	bpf_program__set_autoload(e->program, true);
	bpf_program__set_log_buf(e->program, e->log, sizeof(e->log));
	err = events_bpf__load(e->skel);
	if (err)
		return err;
	e->link = bpf_program__attach(e->program);
	if (!e->link)
		return -errno;
	e->ring = ring_buffer__new(bpf_map__fd(e->skel->maps.ring), keep_record, e, NULL);
	return e->ring ? 0 : -errno;
}

int event_tracer_open(const struct drop_tracer *t, const struct drop_tracer_options *options,
		      struct event_tracer **ret)
{
	struct event_tracer *e = xcalloc(1, sizeof(*e));
	int err;

	e->cpus = t->cpus;
	err = open_object(e, options);
	if (!err)
		err = scope(e, t, options);
	if (!err)
		err = attach(e, bpf_program__name(t->program));
	if (err) {
		event_tracer_close(e);
		return err;
	}
	*ret = e;
	return 0;
}

void event_tracer_enable(struct event_tracer *e, bool on)
{
	__atomic_store_n(&e->skel->bss->enabled, on, __ATOMIC_SEQ_CST);
}

static struct told_bucket *told_of(struct event_tracer *e, const struct bucket_key *key)
{
	struct told_bucket *new;

	vec_each(told, &e->told)
		if (memcmp(&told->key, key, sizeof(*key)) == 0)
			return told;
	new = vec_push(&e->told);
	new->key = *key;
	return new;
}

static void add_missed(struct drops *d, const struct drop_missed *missed)
{
	vec_each(known, &d->events_missed) {
		if (strcmp(known->reason, missed->reason) == 0 &&
		    strcmp(known->symbol, missed->symbol) == 0) {
			known->packets += missed->packets;
			return;
		}
	}
	*vec_push(&d->events_missed) = *missed;
}

/* Buckets are never removed: there are as many as reasons and places that give them. */
void event_tracer_missed(struct event_tracer *e, struct drop_tracer *t, struct drops *d)
{
	cleanup(cleanup_free) struct bucket *of_cpu = xcalloc((size_t)e->cpus, sizeof(*of_cpu));
	struct drop_missed missed = {.reason = "?", .symbol = "?"};
	int fd = bpf_map__fd(e->skel->maps.buckets);
	struct bucket_key key, *last = NULL;

	missed.packets = e->skel->bss->unbucketed + bpf_recursion_misses(e->program) -
			 e->unplaced_told;
	e->unplaced_told += missed.packets;
	if (missed.packets)
		add_missed(d, &missed);
	for (; bpf_map_get_next_key(fd, last, &key) == 0; last = &key) {
		struct told_bucket *told = told_of(e, &key);
		uint64_t packets = 0;

		if (bpf_map_lookup_elem(fd, &key, of_cpu))
			continue;
		for (int cpu = 0; cpu < e->cpus; cpu++)
			packets += of_cpu[cpu].missed;
		if (packets == told->missed)
			continue;
		symbols_add(&t->symbols, key.location);
		symbols_name_all(&t->symbols);
		missed = (struct drop_missed){.packets = packets - told->missed};
		reasons_name(&t->reasons, key.reason, missed.reason, sizeof(missed.reason));
		snprintf(missed.symbol, sizeof(missed.symbol), "%s",
			 symbols_name(&t->symbols, key.location));
		add_missed(d, &missed);
		told->missed = packets;
	}
}

/* The stack begins with the tracing itself: what dropped the packet follows. */
static void give_stack(const struct event_record *r, struct drop_event *event)
{
	uint16_t first = 0, n = MIN(r->frames, EVENT_FRAMES);

	while (first < n && r->stack[first] != r->location)
		first++;
	if (first == n)
		first = 0;
	event->frames = (uint8_t)MIN(n - first, DROP_EVENT_STACK);
	memcpy(event->stack, r->stack + first, event->frames * sizeof(*event->stack));
}

static void give_event(struct drop_tracer *t, const struct event_record *r,
		       struct drop_event *event)
{
	*event = (struct drop_event){
		.at_ns = (int64_t)r->at_ns,
		.netns = r->netns,
		.ifindex = r->ifindex,
		.ethertype = r->ethertype,
		.length = r->length,
		.segments = r->segments,
		.family = r->family,
		.protocol = r->protocol,
		.local_port = r->local_port,
		.cookie = r->cookie,
		.inode = r->inode,
		.buffer_used = r->buffer_used,
		.buffer_limit = r->buffer_limit,
		.task_pid = r->task_pid,
		.captured = MIN(r->captured, DROP_EVENT_BYTES),
		.mac_header = r->mac_header,
		.network_at = r->network_at,
		.has_network = r->has_network,
	};
	_Static_assert(DROP_EVENT_BYTES == EVENT_BYTES, "bytes of a packet");
	reasons_name(&t->reasons, r->reason, event->reason, sizeof(event->reason));
	snprintf(event->symbol, sizeof(event->symbol), "%s",
		 symbols_name(&t->symbols, r->location));
	snprintf(event->device, sizeof(event->device), "%.15s", r->device);
	snprintf(event->task_name, sizeof(event->task_name), "%.15s", r->task_name);
	memcpy(event->bytes, r->bytes, event->captured);
	give_stack(r, event);
}

/* CPUs write to the ring in the order they come, but each reads the clock before that. */
static int by_time(const void *a, const void *b)
{
	const struct event_record *x = a, *y = b;

	return x->at_ns < y->at_ns ? -1 : x->at_ns > y->at_ns;
}

int drop_tracer_events(struct drop_tracer *t, drop_event_fn *fn, void *arg)
{
	struct event_tracer *e = t->events;
	struct drop_event event;
	int n;

	if (t->net_dm)
		return net_dm_events(t->net_dm, fn, arg);
	if (!e)
		return -EINVAL;
	n = ring_buffer__consume(e->ring);
	if (n < 0)
		return n;
	vec_each(record, &e->records) {
		struct drop_event of_stack = {0};

		symbols_add(&t->symbols, record->location);
		give_stack(record, &of_stack);
		for (uint8_t i = 0; i < of_stack.frames; i++)
			symbols_add(&t->frames, of_stack.stack[i]);
	}
	symbols_name_all(&t->symbols);
	t->frames.offsets = true;
	symbols_name_all(&t->frames);
	if (e->records.n)
		qsort(e->records.items, e->records.n, sizeof(*e->records.items), by_time);
	vec_each(record, &e->records) {
		give_event(t, record, &event);
		fn(&event, arg);
	}
	e->records.n = 0;
	return n;
}

const char *drop_tracer_symbol(const struct drop_tracer *t, uint64_t address)
{
	return symbols_name(&t->frames, address);
}

void event_tracer_close(struct event_tracer *e)
{
	if (!e)
		return;
	ring_buffer__free(e->ring);
	bpf_link__destroy(e->link);
	events_bpf__destroy(e->skel);
	vec_done(&e->told);
	vec_done(&e->records);
	free(e->filtered);
	free(e);
}
