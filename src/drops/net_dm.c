// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The monitor tells a packet some milliseconds after it was dropped: a work item of the CPU that
 * dropped it sends the messages (net_dm_packet_work). So what belongs between start and stop is
 * known by the packets' own time stamps, and a reading at the end waits until nothing comes any
 * more. Two places lose packets, and both count them: a CPU's queue (NET_DM_CMD_STATS_GET) and our
 * socket (SO_MEMINFO). A third does not: packets that the kernel had no memory to clone.
 */
#define _GNU_SOURCE
#include "drops/net_dm.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/net_dropmon.h>
#include <linux/sock_diag.h>
#include <pcap/bpf.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "drops/net_dm_control.h"
#include "drops/net_dm_packet.h"
#include "drops/net_dm_sums.h"
#include "nl/nl.h"

/* Of a packet, with its link header; headers alone where no event and no filter wants more. */
#define TRUNCATE DROP_EVENT_BYTES
#define TRUNCATE_HEADERS 128U
#define BATCH 64
/* One message: a packet, two names and some numbers. */
#define MESSAGE_MAX 2048

/* Nothing came for so many naps: the kernel has told all; or it does not end. */
#define SETTLE_NAPS 5
#define SETTLE_NS (20 * NSEC_PER_MSEC)
#define SETTLE_MAX_NS (2 * NSEC_PER_SEC)

struct net_dm {
	struct net_dm_control control;
	int fd, wake; /* the packets; ends the thread */
	pthread_t thread;
	bool running;
	VEC(struct bpf_insn) filter;
	char events_reason[48];
	bool events;
	uint32_t netns, events_ifindex;
	uint32_t (*netns_of)(uint32_t ifindex, void *arg);
	void *netns_arg;

	pthread_mutex_t lock; /* of what follows */
	struct sums *sums;
	bool enabled;
	int64_t from_ns, until_ns; /* CLOCK_REALTIME, what is counted */
	int64_t monotonic_offset; /* added to CLOCK_REALTIME it gives CLOCK_MONOTONIC */
	uint64_t told;		  /* messages that came */
	uint64_t garbled;	  /* messages that were cut or malformed */
	uint64_t queue_before, socket_before; /* lost in the two places before `from` */
};

static int64_t realtime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* ---- one packet ---- */

static bool is_meant(const struct net_dm *d, const struct net_dm_packet *p)
{
	if (!d->filter.n)
		return true;
	return p->family && bpf_filter(d->filter.items, p->bytes + p->network_at,
				       p->length - (uint32_t)MIN(p->length, p->network_at),
				       (u_int)(p->captured - p->network_at)) != 0;
}

static void fill_event(const struct net_dm *d, struct drop_event *e, const struct net_dm_packet *p)
{
	size_t header = p->family ? p->network_at : 0;

	e->at_ns = p->at_ns + d->monotonic_offset;
	memcpy(e->reason, p->reason, sizeof(e->reason));
	memcpy(e->symbol, p->symbol, sizeof(e->symbol));
	e->ifindex = p->ifindex;
	e->ethertype = p->ethertype;
	e->length = p->length - (uint32_t)MIN(p->length, header);
	e->segments = 1;
	e->captured = (uint16_t)MIN(p->captured, DROP_EVENT_BYTES);
	if (e->captured)
		memcpy(e->bytes, p->bytes, e->captured);
	e->mac_header = e->network_at = (uint16_t)header;
	e->has_network = p->family != 0;
}

static bool wants_event(const struct net_dm *d, const struct net_dm_packet *p)
{
	return d->events && (!d->events_ifindex || d->events_ifindex == p->ifindex) &&
	       (!d->events_reason[0] || strcmp(d->events_reason, p->reason) == 0);
}

static void count(struct net_dm *d, const struct net_dm_packet *p)
{
	struct drop drop = {
		.ifindex = p->ifindex,
		.ethertype = p->ethertype,
		.protocol = p->protocol,
		.not_meant = !is_meant(d, p),
		.packets = 1,
		.segments = 1,
		.bytes = p->length - MIN(p->length, p->network_at),
	};
	struct drop_flow flow = {
		.ifindex = p->ifindex,
		.family = p->family,
		.protocol = p->protocol,
		.source_port = p->source_port,
		.destination_port = p->destination_port,
		.packets = 1,
	};
	struct drop_event *e = NULL;

	/* Compared byte by byte: nothing may stand behind the end of a name. */
	snprintf(drop.reason, sizeof(drop.reason), "%s", p->reason);
	snprintf(drop.symbol, sizeof(drop.symbol), "%s", p->symbol);
	memcpy(flow.reason, drop.reason, sizeof(flow.reason));
	memcpy(flow.symbol, drop.symbol, sizeof(flow.symbol));
	memcpy(flow.source, p->source, sizeof(flow.source));
	memcpy(flow.destination, p->destination, sizeof(flow.destination));
	sums_add(d->sums, &drop, p->family ? &flow : NULL);
	if (!drop.not_meant && wants_event(d, p))
		e = sums_event(d->sums, p->reason, p->symbol, p->at_ns);
	if (e)
		fill_event(d, e, p);
}

void net_dm_take(struct net_dm *d, const struct net_dm_packet *p)
{
	pthread_mutex_lock(&d->lock);
	d->told++;
	if (d->enabled && p->at_ns >= d->from_ns && p->at_ns <= d->until_ns)
		count(d, p);
	pthread_mutex_unlock(&d->lock);
}

/* ---- the thread ---- */

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec room[BATCH];
	struct sockaddr_nl from[BATCH];
	char bytes[BATCH][MESSAGE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static void take_datagram(struct net_dm *d, char *bytes, size_t n)
{
	const struct buf answer = {bytes, n, n};

	nl_each (m, &answer) {
		struct net_dm_packet p;
		int err = m.h->nlmsg_type == d->control.family ? net_dm_packet_parse(m.h, &p)
							       : -ENOMSG;

		if (!err)
			net_dm_take(d, &p);
		else if (err == -EBADMSG)
			__atomic_add_fetch(&d->garbled, 1, __ATOMIC_RELAXED);
	}
}

static void receive(struct net_dm *d, struct batch *b)
{
	int n;

	for (size_t i = 0; i < BATCH; i++) {
		b->room[i] = (struct iovec){b->bytes[i], MESSAGE_MAX};
		b->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &b->from[i], .msg_namelen = sizeof(b->from[i]),
			.msg_iov = &b->room[i], .msg_iovlen = 1};
	}
	n = recvmmsg(d->fd, b->messages, BATCH, MSG_DONTWAIT, NULL);
	pthread_mutex_lock(&d->lock);
	d->monotonic_offset = monotonic_ns() - realtime_ns();
	pthread_mutex_unlock(&d->lock);
	for (int i = 0; i < n; i++) {
		/* Only the kernel is port 0. */
		if (b->from[i].nl_pid != 0)
			continue;
		if (b->messages[i].msg_hdr.msg_flags & MSG_TRUNC)
			__atomic_add_fetch(&d->garbled, 1, __ATOMIC_RELAXED);
		else
			take_datagram(d, b->bytes[i], b->messages[i].msg_len);
	}
}

static void *listen_on(void *arg)
{
	struct net_dm *d = arg;
	struct batch *b = xcalloc(1, sizeof(*b));
	struct pollfd fds[] = {{.fd = d->fd, .events = POLLIN}, {.fd = d->wake, .events = POLLIN}};

	while (poll(fds, ARRAY_SIZE(fds), -1) >= 0 || errno == EINTR) {
		if (fds[1].revents)
			break;
		if (fds[0].revents)
			receive(d, b);
	}
	free(b);
	return NULL;
}

static int start_thread(struct net_dm *d)
{
	sigset_t all, before;
	int err;

	d->wake = eventfd(0, EFD_CLOEXEC);
	if (d->wake < 0)
		return -errno;
	/* Signals are the main thread's: its sleep has to end. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&d->thread, NULL, listen_on, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	d->running = !err;
	return -err;
}

/* ---- open and close ---- */

struct net_dm *net_dm_new(const struct drop_tracer_options *options)
{
	struct net_dm *d = xcalloc(1, sizeof(*d));

	_Static_assert(sizeof(struct sock_filter) == sizeof(struct bpf_insn), "the same program");
	d->fd = d->wake = -1;
	pthread_mutex_init(&d->lock, NULL);
	d->sums = sums_new();
	for (size_t i = 0; i < options->filter_n; i++)
		memcpy(vec_push(&d->filter), &options->filter[i], sizeof(struct bpf_insn));
	d->events = options->events;
	d->netns = options->netns;
	d->events_ifindex = options->events_ifindex;
	if (options->events_reason)
		snprintf(d->events_reason, sizeof(d->events_reason), "%s", options->events_reason);
	d->netns_of = options->netns_of;
	d->netns_arg = options->netns_arg;
	return d;
}

int net_dm_open(const struct drop_tracer_options *options, struct net_dm **ret)
{
	struct net_dm *d = net_dm_new(options);
	uint32_t truncate = options->events || options->filter_n ? TRUNCATE : TRUNCATE_HEADERS;
	int err = net_dm_find(&d->control);

	/* Turned on first: our own socket is not to be taken for somebody's who listens. */
	if (!err)
		err = net_dm_on(&d->control, truncate);
	if (!err)
		err = net_dm_listen(&d->control, &d->fd);
	if (!err)
		err = start_thread(d);
	if (err) {
		net_dm_close(d);
		return err;
	}
	*ret = d;
	return 0;
}

void net_dm_close(struct net_dm *d)
{
	const uint64_t one = 1;

	if (!d)
		return;
	net_dm_off(&d->control);
	if (d->running && write(d->wake, &one, sizeof(one)) == sizeof(one))
		pthread_join(d->thread, NULL);
	cleanup_fd(&d->fd);
	cleanup_fd(&d->wake);
	pthread_mutex_destroy(&d->lock);
	sums_free(d->sums);
	vec_done(&d->filter);
	free(d);
}

/* ---- counting and reading ---- */

/* Messages that the socket had no room for: net/core/sock.c sk_get_meminfo, since 4.12. */
static uint64_t socket_drops(const struct net_dm *d)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t n = sizeof(info);

	if (d->fd < 0 || getsockopt(d->fd, SOL_SOCKET, SO_MEMINFO, info, &n) < 0)
		return 0;
	return info[SK_MEMINFO_DROPS];
}

static uint64_t queue_drops(const struct net_dm *d)
{
	uint64_t drops = 0;

	if (d->fd >= 0)
		net_dm_queue_drops(&d->control, &drops);
	return drops;
}

void net_dm_start(struct net_dm *d)
{
	uint64_t queue = queue_drops(d), socket = socket_drops(d);

	pthread_mutex_lock(&d->lock);
	sums_clear(d->sums);
	d->sums->events.n = 0;
	d->queue_before = queue;
	d->socket_before = socket;
	__atomic_store_n(&d->garbled, 0, __ATOMIC_RELAXED);
	d->from_ns = realtime_ns();
	d->until_ns = INT64_MAX;
	d->enabled = true;
	pthread_mutex_unlock(&d->lock);
}

void net_dm_stop(struct net_dm *d)
{
	pthread_mutex_lock(&d->lock);
	d->until_ns = MIN(d->until_ns, realtime_ns());
	pthread_mutex_unlock(&d->lock);
}

static uint64_t told_so_far(struct net_dm *d)
{
	uint64_t told;

	pthread_mutex_lock(&d->lock);
	told = d->told;
	pthread_mutex_unlock(&d->lock);
	return told;
}

/* A nap that lasts much longer is a machine too busy to tell anything meanwhile. */
static void settle(struct net_dm *d)
{
	const struct timespec nap = {.tv_nsec = SETTLE_NS};
	int64_t now = monotonic_ns(), end = now + SETTLE_MAX_NS;
	uint64_t told = told_so_far(d);

	for (int silent = 0; silent < SETTLE_NAPS && now < end;) {
		uint64_t before = told;
		int64_t since = now;

		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
		now = monotonic_ns();
		told = told_so_far(d);
		silent = told == before && now - since < 2 * SETTLE_NS ? silent + 1 : 0;
	}
}

/* Both numbers only grow; the socket's has 32 bits. */
static uint64_t lost_on_the_way(struct net_dm *d)
{
	uint64_t queue = queue_drops(d), socket = socket_drops(d), lost;

	lost = queue - MIN(queue, d->queue_before) + (uint32_t)(socket - d->socket_before) +
	       __atomic_exchange_n(&d->garbled, 0, __ATOMIC_RELAXED);
	d->queue_before = queue;
	d->socket_before = socket;
	/* How many passed while somebody else had turned it off, nobody knows: not none. */
	if (d->fd >= 0 && net_dm_still_on(&d->control) != 0)
		lost++;
	return lost;
}

static uint32_t netns_of(const struct net_dm *d, uint32_t ifindex)
{
	return d->netns_of ? d->netns_of(ifindex, d->netns_arg) : 0;
}

int net_dm_read_on(struct net_dm *d, struct drops *ret)
{
	struct drops given = {.missed = lost_on_the_way(d)};

	snprintf(given.rung, sizeof(given.rung), "net_dm");
	pthread_mutex_lock(&d->lock);
	sums_give(d->sums, &given);
	pthread_mutex_unlock(&d->lock);
	vec_each(row, &given.rows)
		row->netns = netns_of(d, row->ifindex);
	vec_each(flow, &given.flows)
		flow->netns = netns_of(d, flow->ifindex);
	*ret = given;
	return 0;
}

int net_dm_read(struct net_dm *d, struct drops *ret)
{
	net_dm_stop(d);
	if (d->running)
		settle(d);
	pthread_mutex_lock(&d->lock);
	d->enabled = false;
	pthread_mutex_unlock(&d->lock);
	return net_dm_read_on(d, ret);
}

static int oldest_first(const void *a, const void *b)
{
	const struct drop_event *x = a, *y = b;

	return x->at_ns < y->at_ns ? -1 : x->at_ns > y->at_ns;
}

/* Where the namespace is not known the event may be one of those that are meant. */
int net_dm_events(struct net_dm *d, drop_event_fn *fn, void *arg)
{
	VEC(struct drop_event) events = {0};
	int n = 0;

	pthread_mutex_lock(&d->lock);
	vec_each(event, &d->sums->events)
		*vec_push(&events) = *event;
	d->sums->events.n = 0;
	pthread_mutex_unlock(&d->lock);
	if (events.n)
		qsort(events.items, events.n, sizeof(*events.items), oldest_first);
	vec_each(event, &events) {
		event->netns = netns_of(d, event->ifindex);
		if (d->netns && event->netns && event->netns != d->netns)
			continue;
		fn(event, arg);
		n++;
	}
	vec_done(&events);
	return n;
}
