// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/net/dev (net/core/net-procfs.c dev_seq_printf_stats) read again and again: bytes and
 * packets of each device of a network namespace, 64 bits (32 underneath for some drivers). No
 * privilege.
 *
 * It is read under RCU alone, where RTM_GETSTATS takes rtnl_lock: a busy `tc` or `ip` does not
 * hold it up. The file keeps the namespace it was opened in, so its thread enters each once.
 * Virtual devices count packets as they pass, 64 KiB ones of GSO too; cards count frames.
 */
#define _GNU_SOURCE
#include "collect/rates.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"
#include "collect/bursts.h"

#define STEP_NS (100 * NSEC_PER_MSEC)
/* A longer run has longer steps: so many at most. */
#define STEPS_MAX 3000
/* Of each step those that carried most. */
#define DEVICES_MAX 16
/* A namespace with a thousand devices is read less often: the reading may take 1/200 of a CPU. */
#define CPU_SHARE 200
#define NET_DEV_MAX ((size_t)4 << 20)
#define STACK ((size_t)128 << 10)
/* A busy machine is slow to let it end; only a read that hangs is left to itself. */
#define PATIENCE_NS (3 * NSEC_PER_SEC)

struct seen {
	char name[16];
	struct rate rate; /* its ifindex is looked up at the end */
};

struct space {
	int fd;
	int64_t before_ns;
	struct carried_list before;
	VEC(struct seen) seen;
	struct burst_watch bursts;
};

struct rate_sampler {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stop;
	struct host *hosts;
	struct space *spaces;
	size_t n;
	int64_t begin_ns, step_ns;
};

/* ---- the text ---- */

static int take_device(struct span line, struct carried *ret)
{
	struct span name, field;
	uint64_t value[10];

	if (!next_split(&line, ':', &name) || !line.p)
		return -EBADMSG;
	while (name.n && *name.p == ' ')
		name.p++, name.n--;
	if (!name.n || name.n >= sizeof(ret->name))
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(value); i++)
		if (!next_field(&line, &field) || parse_u64(field, UINT64_MAX, &value[i]) < 0)
			return -EBADMSG;
	span_copy(name, ret->name, sizeof(ret->name));
	ret->rx_bytes = value[0];
	ret->rx_packets = value[1];
	ret->tx_bytes = value[8];
	ret->tx_packets = value[9];
	return 0;
}

int parse_net_dev(const struct buf *text, struct carried_list *ret)
{
	struct span rest = {text->data, text->len}, line;
	struct carried_list all = {0};

	for (unsigned int n = 0; next_line(&rest, &line); n++) {
		struct carried one;

		if (n < 2)
			continue; /* the heads of the columns */
		if (take_device(line, &one) < 0) {
			vec_done(&all.list);
			return -EBADMSG;
		}
		*vec_push(&all.list) = one;
	}
	vec_done(&ret->list);
	*ret = all;
	return 0;
}

/* ---- one step ---- */

/* The devices come in the same order each time, but for new ones. */
static const struct carried *carried_before(const struct space *s, const struct carried *now,
					    size_t *hint)
{
	for (size_t i = 0; i < s->before.list.n; i++) {
		size_t at = (*hint + i) % s->before.list.n;

		if (strcmp(s->before.list.items[at].name, now->name) == 0) {
			*hint = at + 1;
			return &s->before.list.items[at];
		}
	}
	return NULL;
}

/* A counter that went back tells nothing: a driver was loaded again, or the name was. */
static uint64_t rise(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

static uint64_t weight(const struct rate *r)
{
	return r->rx_bytes + r->tx_bytes;
}

/* Among those of this step, from `first` on; the lightest gives way. */
static void keep(struct space *s, size_t first, const struct seen *one)
{
	struct seen *least = NULL;

	if (s->seen.n - first < DEVICES_MAX) {
		*vec_push(&s->seen) = *one;
		return;
	}
	for (size_t i = first; i < s->seen.n; i++)
		if (!least || weight(&s->seen.items[i].rate) < weight(&least->rate))
			least = &s->seen.items[i];
	if (weight(&one->rate) > weight(&least->rate))
		*least = *one;
}

static void compare(struct rate_sampler *r, struct space *s, const struct carried_list *now,
		    int64_t now_ns)
{
	size_t hint = 0, first = s->seen.n;

	vec_each(c, &now->list) {
		const struct carried *was = carried_before(s, c, &hint);
		struct seen one = {
			.rate = {.at_ms = (uint32_t)((now_ns - r->begin_ns) / NSEC_PER_MSEC),
				 .span_us = (uint32_t)((now_ns - s->before_ns) / 1000)}};

		if (!was || strcmp(c->name, "lo") == 0)
			continue;
		one.rate.rx_bytes = rise(was->rx_bytes, c->rx_bytes);
		one.rate.rx_packets = rise(was->rx_packets, c->rx_packets);
		one.rate.tx_bytes = rise(was->tx_bytes, c->tx_bytes);
		one.rate.tx_packets = rise(was->tx_packets, c->tx_packets);
		memcpy(one.name, c->name, sizeof(one.name));
		if (weight(&one.rate))
			keep(s, first, &one);
	}
}

static void look(struct rate_sampler *r, struct space *s)
{
	cleanup(buf_done) struct buf text = {0};
	struct carried_list now = {0};
	int64_t now_ns;

	if (s->fd < 0 || lseek(s->fd, 0, SEEK_SET) < 0 ||
	    buf_read_fd(&text, s->fd, NET_DEV_MAX) < 0)
		return;
	now_ns = monotonic_ns();
	if (parse_net_dev(&text, &now) < 0)
		return;
	if (s->before_ns)
		compare(r, s, &now, now_ns);
	vec_done(&s->before.list);
	s->before = now;
	s->before_ns = now_ns;
}

/* ---- the thread ---- */

static int64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* False: it is to end. */
static bool wait_until(struct rate_sampler *r, int64_t when_ns)
{
	struct timespec ts = {when_ns / NSEC_PER_SEC, when_ns % NSEC_PER_SEC};
	bool stop;

	pthread_mutex_lock(&r->lock);
	while (!r->stop && monotonic_ns() < when_ns)
		pthread_cond_timedwait(&r->changed, &r->lock, &ts);
	stop = r->stop;
	pthread_mutex_unlock(&r->lock);
	return !stop;
}

/* Our own namespace first: after the others are entered there is no way back. */
static void open_files(struct rate_sampler *r)
{
	for (int others = 0; others < 2; others++)
		for (size_t i = 0; i < r->n; i++)
			if ((r->hosts[i].ns->fd >= 0) == others && host_enter(&r->hosts[i]) == 0) {
				r->spaces[i].fd = open("/proc/thread-self/net/dev",
						       O_RDONLY | O_CLOEXEC);
				burst_watch_open(&r->spaces[i].bursts);
			}
}

static void *sampler_main(void *arg)
{
	struct rate_sampler *r = arg;
	int64_t next;

	open_files(r);
	next = monotonic_ns();
	do {
		int64_t cpu = thread_cpu_ns();

		for (size_t i = 0; i < r->n; i++) {
			look(r, &r->spaces[i]);
			burst_watch_look(&r->spaces[i].bursts, r->begin_ns);
		}
		cpu = thread_cpu_ns() - cpu;
		next = MAX(next + r->step_ns, monotonic_ns() + r->step_ns / 2);
		next = MAX(next, monotonic_ns() + cpu * CPU_SHARE);
	} while (wait_until(r, next));
	return NULL;
}

struct rate_sampler *rate_sampler_start(const struct host *hosts, size_t n, double seconds,
					int64_t began_ns)
{
	struct rate_sampler *r = xcalloc(1, sizeof(*r));
	pthread_condattr_t monotonic;
	pthread_attr_t attr;
	int err;

	r->n = n;
	r->hosts = xcalloc(n, sizeof(*r->hosts));
	memcpy(r->hosts, hosts, n * sizeof(*hosts));
	r->spaces = xcalloc(n, sizeof(*r->spaces));
	for (size_t i = 0; i < n; i++) {
		r->spaces[i].fd = -1;
		for (size_t k = 0; k < BURST_FILES; k++)
			r->spaces[i].bursts.files[k].fd = -1;
	}
	r->begin_ns = began_ns;
	r->step_ns = MAX(STEP_NS, (int64_t)(seconds * NSEC_PER_SEC) / STEPS_MAX);
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&r->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	err = pthread_create(&r->thread, &attr, sampler_main, r);
	pthread_attr_destroy(&attr);
	if (!err)
		return r;
	rate_sampler_free(r);
	return NULL;
}

bool rate_sampler_stop(struct rate_sampler *r)
{
	int64_t until = monotonic_ns() + PATIENCE_NS;
	struct timespec ts = {until / NSEC_PER_SEC, until % NSEC_PER_SEC};

	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
	return pthread_clockjoin_np(r->thread, NULL, CLOCK_MONOTONIC, &ts) == 0;
}

void rate_sampler_free(struct rate_sampler *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		if (r->spaces[i].fd >= 0)
			close(r->spaces[i].fd);
		vec_done(&r->spaces[i].before.list);
		vec_done(&r->spaces[i].seen);
		burst_watch_done(&r->spaces[i].bursts);
	}
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->changed);
	free(r->spaces);
	free(r->hosts);
	free(r);
}

/* ---- kept as text: one line of numbers for each device and step ---- */

static unsigned int index_of(const struct snapshot *s, const char *name)
{
	vec_each(link, &s->links)
		if (strcmp(link->name, name) == 0)
			return link->ifindex;
	return 0;
}

static void write_rates(const struct space *s, const struct observation *o, struct buf *to)
{
	vec_each(seen, &s->seen) {
		const struct rate *r = &seen->rate;
		unsigned int ifindex = index_of(&o->b, seen->name);

		if (!ifindex)
			ifindex = index_of(&o->a, seen->name);
		if (ifindex)
			buf_printf(to, "%u %u %u %llu %llu %llu %llu\n", ifindex, r->at_ms,
				   r->span_us, (unsigned long long)r->rx_bytes,
				   (unsigned long long)r->rx_packets,
				   (unsigned long long)r->tx_bytes,
				   (unsigned long long)r->tx_packets);
	}
}

static int read_rates(const struct buf *text, struct observation *o)
{
	struct span rest = {text->data, text->len}, line, field;

	while (next_line(&rest, &line)) {
		uint64_t v[7];

		for (size_t i = 0; i < ARRAY_SIZE(v); i++)
			if (!next_field(&line, &field) ||
			    parse_u64(field, i < 3 ? UINT32_MAX : UINT64_MAX, &v[i]) < 0)
				return -EBADMSG;
		if (!v[2] || o->rates.n >= (size_t)STEPS_MAX * 2 * DEVICES_MAX)
			return -EBADMSG;
		*vec_push(&o->rates) = (struct rate){.ifindex = (unsigned int)v[0],
						     .at_ms = (uint32_t)v[1],
						     .span_us = (uint32_t)v[2],
						     .rx_bytes = v[3],
						     .rx_packets = v[4],
						     .tx_bytes = v[5],
						     .tx_packets = v[6]};
	}
	return 0;
}

static void collect_bursts(struct host *h, const struct burst_watch *w, struct observation *o)
{
	cleanup(buf_done) struct buf text = {0};

	if (w)
		write_bursts(w, &text);
	if (host_keep(h, "bursts", w || h->replay ? 0 : -ENODATA, &text) == 0 &&
	    read_bursts(&text, o) < 0)
		vec_done(&o->bursts);
}

int rates_collect(struct host *h, const struct rate_sampler *s, size_t i, struct observation *o)
{
	cleanup(buf_done) struct buf text = {0};
	int r;

	if (s)
		write_rates(&s->spaces[i], o, &text);
	r = host_keep(h, "rates", s || h->replay ? 0 : -ENODATA, &text);
	if (r == 0)
		r = read_rates(&text, o);
	if (r < 0)
		vec_done(&o->rates);
	collect_bursts(h, s ? &s->spaces[i].bursts : NULL, o);
	return r;
}
