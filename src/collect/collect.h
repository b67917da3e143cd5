/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Collectors: one const row per kernel source. Each reads through `host` and fills its own part of
 * a snapshot. Returns 0, a negative errno (the source is absent), or COLLECT_UNUSED when the
 * kernel or this namespace does not have the thing at all, so that nothing can be lost there.
 */
#ifndef WHYDROP_COLLECT_H
#define WHYDROP_COLLECT_H

#include "collect/host.h"
#include "model/snapshot.h"

#define COLLECT_UNUSED 1

/* When a source is read: at both ends of the interval, or also at the looks between them. */
enum collect_when { AT_ENDS = 1, AT_LOOKS = 2, AT_ALL = 3 };

struct collector {
	enum source source;
	enum collect_when when;
	int (*collect)(struct host *h, struct snapshot *s);
};

extern const struct collector collectors[];
extern const size_t collectors_n;

/* True while host->phase is not one of the two ends: collectors then take the short way. */
bool host_is_look(const struct host *h);
/* The first end: settings, which nobody compares, are read at the other alone. */
bool host_is_first(const struct host *h);

int collect_snmp(struct host *h, struct snapshot *s);
int collect_snmp6(struct host *h, struct snapshot *s);
int collect_netstat(struct host *h, struct snapshot *s);
int collect_sockstat(struct host *h, struct snapshot *s);
int collect_xfrm(struct host *h, struct snapshot *s);
int collect_softnet(struct host *h, struct snapshot *s);
int collect_cpu(struct host *h, struct snapshot *s);
int collect_softirqs(struct host *h, struct snapshot *s);
int collect_cpuidle(struct host *h, struct snapshot *s); /* of s->links, as above */
int collect_interrupts(struct host *h, struct snapshot *s);
int collect_cpu_tasks(struct host *h, struct snapshot *s);
/* Of the devices in s->links, which stay the caller's. */
int collect_queues(struct host *h, struct snapshot *s);
int collect_pressure(struct host *h, struct snapshot *s);
int collect_memory(struct host *h, struct snapshot *s);
int collect_load(struct host *h, struct snapshot *s);
int collect_kernel_log(struct host *h, struct snapshot *s);
int collect_link(struct host *h, struct snapshot *s);
/* Of the devices in s->links, which stay the caller's. */
int collect_peers(struct host *h, struct snapshot *s);
int collect_qdisc(struct host *h, struct snapshot *s);
/* Of the devices in s->links, which stay the caller's. */
int collect_ethtool(struct host *h, struct snapshot *s);
int collect_qstats(struct host *h, struct snapshot *s);
int collect_neigh(struct host *h, struct snapshot *s);
int collect_addresses(struct host *h, struct snapshot *s);
int collect_neigh_table(struct host *h, struct snapshot *s);
int collect_conntrack(struct host *h, struct snapshot *s);
int collect_nft(struct host *h, struct snapshot *s);
int collect_iptables(struct host *h, struct snapshot *s);
/* Both need what is there of the sysctls, and of conntrack or of the sockets. */
int collect_tracked(struct host *h, struct snapshot *s);
int collect_connections(struct host *h, struct snapshot *s);
int collect_nfqueue(struct host *h, struct snapshot *s);
/*
 * Knows of the segments that s->counter has counted, and by h->tcp_idle how many there were when
 * nothing was the matter with any connection: where there were none since, connections are not
 * asked for again.
 */
int collect_sockets(struct host *h, struct snapshot *s);
/* What the end may know of the beginning. */
struct tcp_idle tcp_idle_of(const struct snapshot *s);
int collect_raw_sockets(struct host *h, struct snapshot *s);
int collect_packet_sockets(struct host *h, struct snapshot *s);
int collect_netlink_sockets(struct host *h, struct snapshot *s);
int collect_unix(struct host *h, struct snapshot *s);
int collect_rt_cache(struct host *h, struct snapshot *s);
int collect_sysctl(struct host *h, struct snapshot *s);
int collect_process(struct host *h, struct snapshot *s);

/*
 * Takes a snapshot of one namespace: runs the collectors meant for this phase in a worker thread
 * that has entered it. One that does not come back within its deadline is absent (ETIMEDOUT) and
 * the others go on in a new thread; where no thread may be made (pids.max) they run in the calling
 * one. `sources` is a mask of SOURCE_BIT. The snapshot must be zeroed.
 */
int collect_snapshot(struct host *h, uint64_t sources, struct snapshot *ret);
/*
 * The sources that were given up and still do not answer, as SOURCE_BIT. A look leaves them out, and
 * whoever reads again and again has to: each time would cost a thread more. Once they have answered
 * they are asked as before: on a host that is busy enough a thread may get no CPU for longer than a
 * look waits.
 */
uint64_t collect_given_up(void);

#endif
