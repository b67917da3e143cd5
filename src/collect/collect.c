// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "collect/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

/*
 * How long one source may take. A read under rtnl_lock or of a stuck process cannot be
 * interrupted: past this it is given up, and its thread with it.
 */
#define DEADLINE_AT_ENDS_NS (4 * NSEC_PER_SEC) /* sock_diag may load its modules first */
#define DEADLINE_AT_LOOKS_NS (NSEC_PER_SEC / 2)
#define WORKER_STACK ((size_t)512 << 10)

/* In the order they run: losses first, so that the two ends of the interval are close together;
 * processes after the sockets that ask for them. */
const struct collector collectors[] = {
	{SRC_SNMP, AT_ENDS, collect_snmp},
	{SRC_SNMP6, AT_ENDS, collect_snmp6},
	{SRC_NETSTAT, AT_ENDS, collect_netstat},
	{SRC_XFRM, AT_ENDS, collect_xfrm},
	{SRC_SOFTNET, AT_ENDS, collect_softnet},
	{SRC_CONNTRACK, AT_ALL, collect_conntrack},
	{SRC_NFT, AT_ENDS, collect_nft},
	{SRC_IPTABLES, AT_ENDS, collect_iptables},
	{SRC_LINK, AT_ENDS, collect_link},
	{SRC_ETHTOOL, AT_ENDS, collect_ethtool},
	{SRC_QSTATS, AT_ENDS, collect_qstats},
	{SRC_QDISC, AT_ENDS, collect_qdisc},
	{SRC_SOCKETS, AT_ALL, collect_sockets},
	{SRC_RAW_SOCKETS, AT_ENDS, collect_raw_sockets},
	{SRC_PACKET_SOCKETS, AT_ENDS, collect_packet_sockets},
	{SRC_NETLINK_SOCKETS, AT_ENDS, collect_netlink_sockets},
	{SRC_UNIX, AT_ENDS, collect_unix},
	{SRC_RT_CACHE, AT_ENDS, collect_rt_cache},
	{SRC_NEIGH, AT_ALL, collect_neigh},
	{SRC_ADDRESSES, AT_ENDS, collect_addresses},
	{SRC_NEIGH_TABLE, AT_ENDS, collect_neigh_table},
	{SRC_NFQUEUE, AT_ENDS, collect_nfqueue},
	{SRC_SOCKSTAT, AT_ALL, collect_sockstat},
	{SRC_CPU, AT_ALL, collect_cpu},
	{SRC_CPU_TASKS, AT_ALL, collect_cpu_tasks},
	{SRC_CPUIDLE, AT_ENDS, collect_cpuidle},
	{SRC_SOFTIRQS, AT_ENDS, collect_softirqs},
	{SRC_INTERRUPTS, AT_ENDS, collect_interrupts},
	{SRC_PRESSURE, AT_ENDS, collect_pressure},
	{SRC_MEMORY, AT_ENDS, collect_memory},
	{SRC_LOAD, AT_ENDS, collect_load},
	{SRC_QUEUES, AT_ENDS, collect_queues},
	{SRC_KERNEL_LOG, AT_ENDS, collect_kernel_log},
	{SRC_PEERS, AT_ENDS, collect_peers},
	{SRC_SYSCTL, AT_ENDS, collect_sysctl},
	{SRC_TRACKED, AT_ENDS, collect_tracked},
	{SRC_CONNECTIONS, AT_ENDS, collect_connections},
	{SRC_PROCESS, AT_ALL, collect_process},
};
const size_t collectors_n = ARRAY_SIZE(collectors);

bool host_is_look(const struct host *h)
{
	return strncmp(h->phase, "look", 4) == 0;
}

bool host_is_first(const struct host *h)
{
	return strcmp(h->phase, "a") == 0;
}

/*
 * One thread at work. It is freed by whichever lets go of it last: the thread, or the caller that
 * waits for it. After `abandoned` it touches nothing of the caller's.
 */
struct worker {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct host host;
	uint64_t sources;
	struct snapshot *result; /* the caller's; written under the lock */
	size_t at;		 /* collector being run */
	size_t stuck;		 /* the one it was abandoned in */
	int64_t since_ns;	 /* CLOCK_MONOTONIC when it began */
	bool done, abandoned;
};

/* How many abandoned threads have not come back, by the source they were to read. */
static atomic_int given_up[SOURCE_N];

static bool wanted(const struct host *h, uint64_t sources, const struct collector *c)
{
	enum collect_when when = host_is_look(h) ? AT_LOOKS : AT_ENDS;

	return (c->when & when) && (sources & SOURCE_BIT(c->source));
}

/* The next one from there on; collectors_n if there is none. */
static size_t next_wanted(const struct host *h, uint64_t sources, size_t from)
{
	while (from < collectors_n && !wanted(h, sources, &collectors[from]))
		from++;
	return from;
}

static struct source_state state_of(int result)
{
	if (result == COLLECT_UNUSED)
		return (struct source_state){.status = SOURCE_UNUSED};
	if (result < 0)
		return (struct source_state){.status = SOURCE_ABSENT, .err = result};
	return (struct source_state){.status = SOURCE_OK};
}

/*
 * What a collector is told of those before it: the devices for network cards, the sockets in
 * question for the processes that own them, how full tables are for who fills them, segments for
 * the sockets. Copies, because a thread that was given up may still read them when the snapshot
 * they came from is gone.
 */
static void tell_collector(const struct host *h, enum source source, const struct snapshot *from,
			   struct snapshot *to)
{
#define COPY(vector, condition)                                                                    \
	vec_each (item, &from->vector)                                                             \
		if (condition)                                                                     \
			*vec_push(&to->vector) = *item
	if (source == SRC_ETHTOOL || source == SRC_PEERS || source == SRC_QUEUES ||
	    source == SRC_CPUIDLE) {
		COPY(links, true);
	} else if (source == SRC_PROCESS) {
		COPY(sockets, socket_owner_wanted(from, item) || host_asks_for(h, item));
		to->tcp = from->tcp;
		COPY(raw_sockets, socket_in_question(item));
		COPY(packet_sockets,
		     socket_in_question(item) || (from->cpus_flooded && is_capture(item)));
		COPY(netlink_sockets, socket_in_question(item));
		COPY(unix_full, true);
		to->cpus_flooded = from->cpus_flooded;
	} else if (source == SRC_SOCKETS) {
		memcpy(to->counter, from->counter, sizeof(to->counter));
		memcpy(to->counter_present, from->counter_present, sizeof(to->counter_present));
	} else if (source == SRC_TRACKED || source == SRC_CONNECTIONS) {
		memcpy(to->counter, from->counter, sizeof(to->counter));
		memcpy(to->sysctl, from->sysctl, sizeof(to->sysctl));
		to->sockets_seen = from->sockets_seen;
	}
#undef COPY
}

/* Runs one collector into a snapshot of its own and hands that over if it is still wanted. */
static bool run_one(struct worker *w, const struct collector *c)
{
	struct snapshot part = {0};
	bool abandoned;
	int r;

	pthread_mutex_lock(&w->lock);
	abandoned = w->abandoned;
	if (!abandoned)
		tell_collector(&w->host, c->source, w->result, &part);
	pthread_mutex_unlock(&w->lock);
	if (abandoned)
		return false;
	/* What came too late when it was recorded is as absent now, whatever was read of it. */
	r = host_was_late(&w->host, source_rows[c->source].id) ? -ETIMEDOUT
							       : c->collect(&w->host, &part);
	part.source[c->source] = state_of(r);

	pthread_mutex_lock(&w->lock);
	abandoned = w->abandoned;
	if (!abandoned && r == 0)
		snapshot_take(w->result, &part, c->source);
	else if (!abandoned)
		w->result->source[c->source] = part.source[c->source];
	pthread_mutex_unlock(&w->lock);
	snapshot_done(&part);
	return !abandoned;
}

static void worker_free(struct worker *w)
{
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->changed);
	free(w);
}

static void run_all(struct worker *w)
{
	for (size_t i = w->at; (i = next_wanted(&w->host, w->sources, i)) < collectors_n; i++) {
		pthread_mutex_lock(&w->lock);
		w->at = i;
		w->since_ns = monotonic_ns();
		pthread_mutex_unlock(&w->lock);
		if (!run_one(w, &collectors[i]))
			return;
	}
}

/* The namespace cannot be entered: no source of it is to be had. */
static void fail_all(struct worker *w, int err)
{
	pthread_mutex_lock(&w->lock);
	for (size_t i = w->at; i < collectors_n && !w->abandoned; i++)
		if (wanted(&w->host, w->sources, &collectors[i]))
			w->result->source[collectors[i].source] = state_of(err);
	pthread_mutex_unlock(&w->lock);
}

/* The namespace this thread is in before it enters another. */
static int open_home(void)
{
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	cleanup(cleanup_fd) int home = open_home();
	bool abandoned;
	int r;

	w->host.home = home;
	r = host_enter(&w->host);
	if (r < 0)
		fail_all(w, r);
	else
		run_all(w);
	host_leave(&w->host);
	pthread_mutex_lock(&w->lock);
	w->done = true;
	abandoned = w->abandoned;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	if (abandoned) {
		atomic_fetch_sub(&given_up[collectors[w->stuck].source], 1);
		worker_free(w);
	}
	return NULL;
}

static struct worker *worker_new(struct host *h, uint64_t sources, size_t from,
				 struct snapshot *result)
{
	struct worker *w = xcalloc(1, sizeof(*w));
	pthread_condattr_t monotonic;

	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	w->host = *h;
	w->sources = sources;
	w->at = from;
	w->since_ns = monotonic_ns();
	w->result = result;
	return w;
}

/*
 * Until the worker is done (true) or its current collector is over the deadline (false): then
 * *ret_stuck is that collector and the worker is no longer ours to look at.
 */
static bool worker_wait(struct worker *w, int64_t deadline_ns, size_t *ret_stuck)
{
	bool done;

	pthread_mutex_lock(&w->lock);
	while (!w->done && monotonic_ns() < w->since_ns + deadline_ns) {
		int64_t until = w->since_ns + deadline_ns;
		struct timespec ts = {until / NSEC_PER_SEC, until % NSEC_PER_SEC};

		pthread_cond_timedwait(&w->changed, &w->lock, &ts);
	}
	done = w->done;
	w->abandoned = !done;
	*ret_stuck = w->stuck = w->at;
	if (!done)
		atomic_fetch_add(&given_up[collectors[w->stuck].source], 1);
	pthread_mutex_unlock(&w->lock);
	return done;
}

static int start(struct worker *w)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKER_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attr, worker_main, w);
	pthread_attr_destroy(&attr);
	return -r;
}

/* Without a thread (pids.max): in this one, which then returns to where it came from. */
static int run_here(struct worker *w)
{
	cleanup(cleanup_fd) int home = open_home();
	int r = home < 0 ? -errno : host_enter(&w->host);

	w->host.home = home;

	if (r < 0) {
		fail_all(w, r);
		return r;
	}
	run_all(w);
	host_leave(&w->host);
	return setns(home, CLONE_NEWNET) < 0 && !w->host.replay && w->host.ns->fd >= 0 ? -errno : 0;
}

uint64_t collect_given_up(void)
{
	uint64_t sources = 0;

	for (size_t i = 0; i < SOURCE_N; i++)
		if (atomic_load(&given_up[i]))
			sources |= SOURCE_BIT(i);
	return sources;
}

static void be_late(struct host *h, enum source source, struct snapshot *ret)
{
	host_note_late(h, source_rows[source].id);
	ret->source[source] = (struct source_state){.status = SOURCE_ABSENT, .err = -ETIMEDOUT};
}

static uint64_t without_given_up(struct host *h, uint64_t sources, struct snapshot *ret)
{
	uint64_t late = collect_given_up();

	for (size_t i = 0; (i = next_wanted(h, sources & late, i)) < collectors_n; i++)
		be_late(h, collectors[i].source, ret);
	return sources & ~late;
}

int collect_snapshot(struct host *h, uint64_t sources, struct snapshot *ret)
{
	int64_t deadline = host_is_look(h) ? DEADLINE_AT_LOOKS_NS : DEADLINE_AT_ENDS_NS;
	size_t from = 0, stuck = 0;

	ret->taken_ns = monotonic_ns();
	if (host_is_look(h))
		sources = without_given_up(h, sources, ret);
	/* A thread may be late because it never got a CPU: only those it was to run are. */
	while ((from = next_wanted(h, sources, from)) < collectors_n) {
		struct worker *w = worker_new(h, sources, from, ret);
		bool alone = h->replay || start(w) < 0;
		int r = alone ? run_here(w) : 0;

		if (alone || worker_wait(w, deadline, &stuck)) {
			worker_free(w);
			return r;
		}
		be_late(h, collectors[stuck].source, ret);
		from = stuck + 1;
	}
	return 0;
}
