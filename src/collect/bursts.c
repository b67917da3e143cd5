// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/net/snmp, netstat and snmp6 (net/ipv4/proc.c, net/ipv6/proc.c) in short steps: an average of
 * seconds hides how short a burst was. Read under RCU alone, no privilege; the files keep the
 * namespace they were opened in. Where the numbers stand is looked up once; of each counter of losses
 * only the step in which it grew fastest is kept.
 */
#define _GNU_SOURCE
#include "collect/bursts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_MAX ((size_t)1 << 20)
#define COLUMNS_MAX 4096

static const struct {
	enum source source;
	const char *path;
	bool paired;
} sources[BURST_FILES] = {
	{SRC_SNMP, "/proc/thread-self/net/snmp", true},
	{SRC_NETSTAT, "/proc/thread-self/net/netstat", true},
	{SRC_SNMP6, "/proc/thread-self/net/snmp6", false},
};

static bool counts_losses(const struct counter_row *row)
{
	return row->kind == KIND_COUNTER && row->loss != MEANS_ && row->loss != MEANS_BENIGN;
}

static enum counter_id wanted(enum source source, struct span prefix, struct span name)
{
	enum counter_id id = counter_named(source, prefix, name);

	return id != COUNTER_N && counts_losses(&counter_rows[id]) ? id : COUNTER_N;
}

static void take_number(struct burst_file *f, size_t at, struct span text, struct burst step,
			struct burst *worst)
{
	enum counter_id id = f->columns.items[at];
	uint64_t now, *before = &f->before.items[at];

	if (id == COUNTER_N || parse_u64(text, UINT64_MAX, &now) < 0)
		return;
	step.n = step.span_us && now > *before ? now - *before : 0;
	*before = now;
	step.id = id;
	/* Of two steps the one at a higher rate: n / span, without a division. */
	if (step.n && (double)step.n * worst[id].span_us >= (double)worst[id].n * step.span_us)
		worst[id] = step;
}

static void learn(struct burst_file *f, enum source source, struct span prefix, struct span name)
{
	*vec_push(&f->columns) = wanted(source, prefix, name);
	*vec_push(&f->before) = 0;
}

/* "Udp: InDatagrams NoPorts" and then "Udp: 12 0". */
static size_t take_pair(struct burst_file *f, enum source source, struct span names,
			struct span values, size_t at, struct burst step, struct burst *worst)
{
	struct span prefix, name, value;

	if (!next_field(&names, &prefix) || !next_field(&values, &value) || prefix.n < 2)
		return at;
	prefix.n--;
	while (at < COLUMNS_MAX && next_field(&values, &value)) {
		if (!f->known && next_field(&names, &name))
			learn(f, source, prefix, name);
		if (at >= f->columns.n)
			break;
		take_number(f, at++, value, step, worst);
	}
	return at;
}

void burst_take(struct burst_file *f, enum source source, bool paired, struct span text,
		struct burst step, struct burst *worst)
{
	struct span line, second, name;
	size_t at = 0;

	while (at < COLUMNS_MAX && next_line(&text, &line)) {
		if (paired) {
			if (!next_line(&text, &second))
				break;
			at = take_pair(f, source, line, second, at, step, worst);
			continue;
		}
		if (!next_field(&line, &name))
			continue;
		if (!f->known)
			learn(f, source, (struct span){0}, name);
		if (at >= f->columns.n || !next_field(&line, &second))
			break;
		take_number(f, at++, second, step, worst);
	}
	f->known = true;
}

void burst_watch_open(struct burst_watch *w)
{
	for (size_t i = 0; i < BURST_FILES; i++)
		w->files[i].fd = open(sources[i].path, O_RDONLY | O_CLOEXEC);
}

void burst_watch_look(struct burst_watch *w, int64_t begin_ns)
{
	int64_t now_ns = monotonic_ns();
	struct burst step = {.at_ms = (uint32_t)((now_ns - begin_ns) / NSEC_PER_MSEC)};

	if (w->before_ns)
		step.span_us = (uint32_t)MIN((now_ns - w->before_ns) / 1000, (int64_t)UINT32_MAX);
	for (size_t i = 0; i < BURST_FILES; i++) {
		cleanup(buf_done) struct buf text = {0};

		if (w->files[i].fd < 0 || lseek(w->files[i].fd, 0, SEEK_SET) < 0 ||
		    buf_read_fd(&text, w->files[i].fd, FILE_MAX) < 0)
			continue;
		burst_take(&w->files[i], sources[i].source, sources[i].paired,
			   (struct span){text.data, text.len}, step, w->worst);
	}
	w->before_ns = now_ns;
}

void burst_watch_done(struct burst_watch *w)
{
	for (size_t i = 0; i < BURST_FILES; i++) {
		if (w->files[i].fd >= 0)
			close(w->files[i].fd);
		vec_done(&w->files[i].columns);
		vec_done(&w->files[i].before);
	}
}

void write_bursts(const struct burst_watch *w, struct buf *to)
{
	for (size_t i = 0; i < COUNTER_N; i++)
		if (w->worst[i].n)
			buf_printf(to, "%s %u %u %llu\n", counter_rows[i].name, w->worst[i].at_ms,
				   w->worst[i].span_us, (unsigned long long)w->worst[i].n);
}

int read_bursts(const struct buf *text, struct observation *o)
{
	struct span rest = {text->data, text->len}, line, name, field;

	while (next_line(&rest, &line)) {
		struct burst b = {.id = COUNTER_N};
		uint64_t v[3];

		if (!next_field(&line, &name) || o->bursts.n >= COUNTER_N)
			return -EBADMSG;
		for (size_t i = 0; i < ARRAY_SIZE(v); i++)
			if (!next_field(&line, &field) ||
			    parse_u64(field, i < 2 ? UINT32_MAX : UINT64_MAX, &v[i]) < 0)
				return -EBADMSG;
		for (enum counter_id id = 0; id < COUNTER_N; id++)
			if (span_is(name, counter_rows[id].name))
				b.id = id;
		/* Of a whydrop that knows more counters. */
		if (b.id == COUNTER_N || !v[1])
			continue;
		b.at_ms = (uint32_t)v[0];
		b.span_us = (uint32_t)v[1];
		b.n = v[2];
		*vec_push(&o->bursts) = b;
	}
	return 0;
}
