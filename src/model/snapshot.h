/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The heart: what one network namespace looked like at one moment. Every collector fills a part
 * of it, every cause reads it (through delta.h), nothing else is shared between the two.
 *
 * A source that failed is absent with its errno; it is never a zero. Integers only; addresses in
 * network byte order, ports and protocol numbers in host byte order.
 */
#ifndef WHYDROP_SNAPSHOT_H
#define WHYDROP_SNAPSHOT_H

#include "base/base.h"
#include "base/buf.h"
#include "model/nic.h"
#include "model/machine.h"
#include "model/path.h"
#include "model/rule.h"

enum source {
#define S(id, ...) SRC_##id,
#include "model/sources.def"
#undef S
	SOURCE_N
};
#define SOURCE_BIT(source) (UINT64_C(1) << (source)) /* sets of sources are such masks */

enum source_status {
	SOURCE_ABSENT, /* not collected: err says why (0: nobody asked) */
	SOURCE_OK,
	SOURCE_UNUSED, /* the kernel or this namespace does not have the thing: nothing is lost there */
};

struct source_state {
	enum source_status status;
	int err; /* negative errno */
};

enum scope { SCOPE_HOST, SCOPE_NETNS, SCOPE_DEVICE, SCOPE_QUEUE, SCOPE_CPU, SCOPE_SOCKET, SCOPE_RULE };
enum counter_kind { KIND_COUNTER, KIND_GAUGE, KIND_LIMIT };

/* What a counter that grows says of loss; the words are told in counters.def. */
enum counter_loss { MEANS_, MEANS_LOSS, MEANS_PART, MEANS_SIGN, MEANS_BENIGN };

enum counter_id {
#define C(id, ...) C_##id,
#include "model/counters.def"
#undef C
	COUNTER_N
};
#define LINK_FIRST C_LINK_RX_PACKETS
#define LINK_STATS (C_LINK_RX_OTHERHOST_DROPPED - LINK_FIRST + 1)
#define SOFTNET_FIRST C_SOFTNET_PROCESSED
#define SOFTNET_STATS (C_SOFTNET_BACKLOG_LEN - SOFTNET_FIRST + 1)
#define SOFTIRQ_FIRST C_SOFTIRQ_HI
#define SOFTIRQ_STATS (C_SOFTIRQ_RCU - SOFTIRQ_FIRST + 1)

struct counter_row {
	const char *id, *name, *unit, *meaning;
	enum source source;
	enum stage stage;
	enum scope scope;
	enum counter_kind kind;
	unsigned int width;
	enum counter_loss loss;
};
extern const struct counter_row counter_rows[COUNTER_N];

struct source_row {
	const char *id, *name, *loses, *unlock;
	enum scope scope;
};
extern const struct source_row source_rows[SOURCE_N];

enum sysctl_id {
#define K(id, ...) K_##id,
#include "model/sysctls.def"
#undef K
	SYSCTL_N
};
struct sysctl_row {
	const char *id, *path, *meaning;
	enum scope scope;
};
extern const struct sysctl_row sysctl_rows[SYSCTL_N];

struct sysctl_value {
	unsigned int n; /* numbers in it; 0: absent */
	int64_t v[3];
};

/* /proc/stat, clock ticks (USER_HZ). Guests' time is within user. iowait is idle time. */
struct cpu_times {
	uint64_t user, nice, system, idle, iowait, irq, softirq, steal;
};

struct cpu {
	unsigned int id;
	bool softnet_present;
	uint32_t softnet[SOFTNET_STATS]; /* index: counter id - SOFTNET_FIRST */
	bool times_present;
	struct cpu_times times;
	bool softirqs_present;
	uint32_t softirqs[SOFTIRQ_STATS]; /* index: counter id - SOFTIRQ_FIRST */
};

struct link {
	unsigned int ifindex, peer_ifindex; /* peer: IFLA_LINK, 0 if none */
	bool peer_known_netns;		    /* the peer's namespace is given by link_netnsid */
	int link_netnsid;		    /* -1: the same namespace */
	char name[16], kind[16];	    /* kind: IFLA_INFO_KIND, "" for hardware */
	unsigned int flags, mtu, txqlen, carrier_changes;
	unsigned int xdp_id; /* XDP program on it; 0 none */
	unsigned int promiscuity; /* how many ask it to listen to everything; flags tell one only */
	uint8_t operstate;
	int rp_filter, forwarding; /* RTM_GETNETCONF; -1 unknown */
	unsigned int stats_n;	   /* how many of stats the kernel gave */
	uint64_t stats[LINK_STATS]; /* index: counter id - LINK_FIRST */
};

struct qdisc {
	unsigned int ifindex;
	uint32_t handle, parent; /* as in tc: major << 16 | minor; parent 0xffffffff is the root */
	char kind[16];
	uint64_t bytes, packets;
	uint32_t drops, overlimits, requeues, qlen, backlog;
	uint64_t rate_bps, limit; /* where the options tell (tbf, fifo); 0 unknown. limit: packets or bytes */
	uint64_t burst; /* tbf: bytes, also the largest packet that passes; 0 unknown */
	bool limit_in_bytes;
};

struct neigh {
	unsigned int ifindex;
	uint8_t family;
	uint16_t state; /* NUD_* */
	uint8_t address[16];
};

struct neigh_table {
	uint8_t family;
	uint32_t entries, thresh1, thresh2, thresh3;
	uint64_t res_failed, table_fulls; /* host-wide */
};

enum socket_kind { SOCKET_INET, SOCKET_RAW, SOCKET_PACKET };
/* The kernel tells no cookie of these: their inode and this bit. */
#define RAW_COOKIE (UINT64_C(1) << 63)

/*
 * A raw socket has its IP protocol in `protocol` and no ports; a packet socket has its ethertype in
 * local_port and no addresses.
 */
struct socket {
	enum socket_kind kind;
	uint64_t cookie; /* identity; never 0 in a dump */
	uint32_t inode, uid; /* inode 0: no longer owned by a process */
	uint8_t family, protocol, state;
	uint16_t local_port, remote_port;
	uint8_t local[16], remote[16];
	unsigned int ifindex;
	uint32_t rqueue, wqueue; /* bytes; listener: connections waiting, backlog */
	uint32_t rmem, rcvbuf, wmem, sndbuf, forward, wmem_queued, backlog, drops;
	uint32_t retrans_total, lost, unacked; /* tcp_info */
	uint64_t busy_us, sndbuf_limited_us; /* tcp_info: had data to send; and no room for more */
	bool mem_known, tcp_known;
	bool locks_known, rcvbuf_locked, sndbuf_locked; /* of sockets in question: sk_userlocks */
	bool ring; /* of a packet socket: its reader maps a ring, whose losses the kernel does not tell */
};

/* Connections to a listening port whose handshake is not complete (SYN_RECV). */
struct half_open {
	uint8_t family; /* of the dump: a listener of IPv6 may have some in both */
	uint16_t port;
	uint32_t n;
};

/* A CPU quota that holds for a process: of its own cgroup or of one above. */
#define CPU_LIMITS_MAX 4
struct cpu_limit {
	size_t path_n; /* the cgroup: so much of the process's path */
	int64_t quota_us, period_us;
	uint64_t nr_periods, nr_throttled, throttled_ns;
};

struct process {
	int pid, ppid;
	unsigned int threads; /* 0 unknown */
	char comm[16], state; /* state letter of /proc/PID/stat */
	uint64_t utime, stime; /* clock ticks, all threads */
	uint64_t run_delay_ns; /* waited for a CPU: /proc/PID/schedstat */
	uint64_t major_faults; /* pages that had to be read from a disk first, all threads */
	int cpu;	       /* where its first thread ran last; -1 unknown */
	int nice;	       /* of its first thread: -20 comes first, 19 last */
	char cpus_allowed[64]; /* of its first thread, "0-3,8"; "" unknown */
	char cgroup[256], unit[128]; /* path in the cpu (v1) or the unified hierarchy; systemd unit or "" */
	bool cpu_stat_known, frozen;
	uint64_t nr_periods, nr_throttled, throttled_ns; /* of that cgroup or its nearest limited parent */
	int64_t quota_us, period_us; /* -1: unlimited or unknown */
	struct cpu_limit limits[CPU_LIMITS_MAX]; /* nearest first */
	size_t limits_n;
	bool cgroup_v2;		   /* the hierarchy of `cgroup` */
	char freezer[256];	   /* if frozen: the cgroup, in the hierarchy that freezes it */
	bool freezer_v2;
};

/* A number of the counter files without a row in counters.def: kept as the file names it. */
struct unknown_counter {
	enum source source;
	char name[48];
	uint64_t value;
	bool negative; /* value is minus that: Tcp.MaxConn -1, which is no limit */
};

/* Of one socket: which of its buffers a program set (SO_RCVBUF, SO_SNDBUF). */
struct buffer_lock {
	uint32_t inode;
	bool rcvbuf, sndbuf;
};

struct socket_owner {
	uint32_t inode;
	int pid;
};

struct snapshot {
	/* CLOCK_MONOTONIC when reading began: the counters come first, a source may hang after them. */
	int64_t taken_ns;
	struct source_state source[SOURCE_N];

	uint64_t counter[COUNTER_N]; /* scopes NETNS and HOST; valid where counter_present */
	bool counter_present[COUNTER_N];
	VEC(struct unknown_counter) unknown_counters;
	struct sysctl_value sysctl[SYSCTL_N];

	VEC(struct cpu) cpus;
	VEC(struct link) links;
	VEC(struct qdisc) qdiscs;
	VEC(struct nic) nics;	       /* loopback left out */
	VEC(struct nic_queue) nic_queues; /* only of drivers that fill them */
	/* Unresolved ones only (NUD_INCOMPLETE, NUD_FAILED), at most 4,096. */
	VEC(struct neigh) neighs;
	size_t neighs_seen; /* with those left out, but for permanent and NOARP ones */
	/* IPv4, IPv6: entries that gc_thresh3 limits: all but permanent and externally learned ones. */
	size_t neighs_limited[2];
	VEC(struct neigh_table) neigh_tables;
	struct ruleset nft, iptables;
	/* All UDP sockets and listeners; TCP connections with a queue, drops or retransmissions. */
	VEC(struct socket) sockets;
	size_t sockets_seen; /* with those left out */
	VEC(struct socket) raw_sockets, packet_sockets;
	VEC(struct half_open) half_open; /* at the ends only */
	uint64_t synacks_again; /* sent again to those who left their SYN-ACK unanswered so far */
	VEC(struct process) processes;
	VEC(struct socket_owner) owners;
	VEC(struct buffer_lock) buffer_locks; /* also in the sockets themselves */
	int buffer_locks_err; /* negative errno: why none is known */

	/* The machine, see machine.h. All but the queues are the same in each namespace. */
	VEC(struct interrupt) interrupts;
	VEC(struct interrupt_count) interrupt_counts;
	VEC(struct netdev_queues) netdev_queues;
	VEC(struct netdev_queue) queues;
	VEC(struct netdev_interrupt) netdev_interrupts;
	struct pressure pressure[PRESSURE_N];
	VEC(struct kernel_log_line) kernel_log; /* oldest first */
};

void snapshot_done(struct snapshot *s);
/* Moves what one source filled in `from` to `to`, with its state; `from` keeps nothing of it. */
void snapshot_take(struct snapshot *to, struct snapshot *from, enum source source);
/* Copies a host-wide source into a namespace's snapshot. */
void snapshot_share(struct snapshot *to, const struct snapshot *from, enum source source);

bool source_ok(const struct snapshot *s, enum source source);
const struct link *snapshot_link(const struct snapshot *s, unsigned int ifindex);
const struct link *snapshot_link_named(const struct snapshot *s, const char *name);
const struct nic *snapshot_nic(const struct snapshot *s, unsigned int ifindex);
/* Of any kind. */
const struct socket *snapshot_socket(const struct snapshot *s, uint64_t cookie);
/* SYN_RECV entries of a port, both families. */
uint32_t snapshot_half_open(const struct snapshot *s, uint16_t port);
const struct process *snapshot_process(const struct snapshot *s, int pid);
/* The first process that holds the socket; NULL if none is known. */
const struct process *snapshot_owner(const struct snapshot *s, uint32_t inode);
const struct sysctl_row *sysctl_row(enum sysctl_id id);
/* First number of a sysctl; false if it could not be read. */
bool sysctl_get(const struct snapshot *s, enum sysctl_id id, int64_t *ret);

/*
 * A socket whose owner is worth looking up: a buffer more than half full, packets dropped, or an
 * accept queue at its limit. Finding owners costs a walk over /proc/PID/fd, so a healthy host is
 * never walked.
 */
bool socket_in_question(const struct socket *sk);

#endif
