/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The heart: what one network namespace looked like at one moment. Every collector fills a part
 * of it, every cause reads it (through observation.h), nothing else is shared between the two. Its
 * parts are described beside it: what sources there are, devices, the machine, sockets and
 * processes, firewall rules.
 *
 * A source that failed is absent with its errno; it is never a zero. Integers only; addresses in
 * network byte order, ports and protocol numbers in host byte order.
 */
#ifndef WHYDROP_SNAPSHOT_H
#define WHYDROP_SNAPSHOT_H

#include "base/base.h"
#include "base/buf.h"
#include "model/crowd.h"
#include "model/device.h"
#include "model/machine.h"
#include "model/nic.h"
#include "model/rule.h"
#include "model/source.h"
#include "model/tcp_tally.h"
#include "model/user.h"

#define UNKNOWN_NAME 48
/* A number of the counter files without a row in counters.def: kept as the file names it. */
struct unknown_counter {
	enum source source;
	const char *name; /* interned, cut to UNKNOWN_NAME */
	uint64_t value;
	bool negative; /* value is minus that: Tcp.MaxConn -1, which is no limit */
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
	VEC(struct peer) peers;	       /* at the end only, see collect/peers.c */
	VEC(struct netns_id) netns_ids; /* those of them that could be told */
	VEC(struct qdisc) qdiscs;
	VEC(struct nic) nics;	       /* loopback left out */
	VEC(struct nic_queue) nic_queues; /* only of drivers that fill them */
	/* Unresolved ones only (NUD_INCOMPLETE, NUD_FAILED), at most 4,096. */
	VEC(struct neigh) neighs;
	VEC(struct neigh_mac) neigh_macs; /* at most 4,096 */
	VEC(struct address) addresses;
	size_t neighs_seen; /* with those left out, but for permanent and NOARP ones */
	/* IPv4, IPv6: entries that gc_thresh3 limits: all but permanent and externally learned ones. */
	size_t neighs_limited[2];
	VEC(struct neigh_table) neigh_tables;
	struct ruleset nft, iptables;
	VEC(struct nfqueue) nfqueues;
	/* All UDP sockets and listeners; TCP connections with a queue, drops or retransmissions, and
	 * those that one end has closed; of each kind no more than so many (collect/sockets.c). */
	VEC(struct socket) sockets;
	struct tcp_tally tcp;		   /* all connections, at the ends only */
	VEC(struct tcp_group) tcp_groups; /* at most TCP_GROUPS_MAX */
	size_t sockets_seen; /* with those left out */
	size_t connections_seen; /* of them, TCP sockets that do not listen */
	uint32_t tracked_ms; /* while sockets are read: idle connections of this age are kept too */
	VEC(struct socket) raw_sockets, packet_sockets, netlink_sockets;
	VEC(struct unix_queue) unix_full; /* at the ends only */
	uint32_t unix_asked; /* sockets that might have been among them */
	VEC(struct half_open) half_open; /* at the ends only */
	VEC(struct crowd_entry) half_open_from; /* at most 4,096 of them */
	/* At the end, where a table or the ports are three quarters used up; at most so many. */
	VEC(struct crowd_entry) tracked, connections;
	uint64_t synacks_again; /* sent again to those who left their SYN-ACK unanswered so far */
	VEC(struct process) processes;
	VEC(struct socket_owner) owners;
	VEC(struct buffer_lock) buffer_locks; /* also in the sockets themselves */
	int buffer_locks_err; /* negative errno: why none is known */

	/* The machine, see machine.h. All but the queues are the same in each namespace. */
	VEC(struct idle_state) idle_states; /* only where a card lost packets in its ring */
	char cpufreq_driver[32], cpufreq_governor[32]; /* with them; "" unknown */
	VEC(struct interrupt) interrupts;
	VEC(struct interrupt_count) interrupt_counts;
	VEC(struct netdev_queues) netdev_queues;
	VEC(struct netdev_queue) queues;
	VEC(struct netdev_interrupt) netdev_interrupts;
	VEC(struct softirq_thread) softirq_threads;
	VEC(struct cpu_task) cpu_tasks; /* only of CPUs in question */
	bool cpus_flooded; /* a CPU spent half of its time in softirqs, some time up to now */
	struct pressure pressure[PRESSURE_N];
	VEC(struct kernel_log_line) kernel_log; /* oldest first */
};

void snapshot_done(struct snapshot *s);
/* Moves what one source filled in `from` to `to`, with its state; `from` keeps nothing of it. */
void snapshot_take(struct snapshot *to, struct snapshot *from, enum source source);
/*
 * Gives a host-wide source to a namespace's snapshot too. What it has many of is lent: a thousand
 * namespaces share one kernel log. `from` must last as long as anybody looks at `to`.
 */
void snapshot_share(struct snapshot *to, const struct snapshot *from, enum source source);
/* The same for those settings that are the whole host's. */
void snapshot_share_settings(struct snapshot *to, const struct snapshot *from);

bool source_ok(const struct snapshot *s, enum source source);
const struct link *snapshot_link(const struct snapshot *s, unsigned int ifindex);
const struct link *snapshot_link_named(const struct snapshot *s, const char *name);
/* INFO_UNKNOWN: it is not of that kind, or the kernel does not tell. */
uint32_t link_info(const struct link *l, enum link_info id);
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
 * accept queue near its limit. Finding owners costs a walk over /proc/PID/fd, so a healthy host is
 * never walked.
 */
bool socket_in_question(const struct socket *sk);
/* The same with what only many of them say: connections that a program does not close. */
bool socket_owner_wanted(const struct snapshot *s, const struct socket *sk);
/* A capture takes a copy of every packet: of interest where a CPU is full of packets. */
bool is_capture(const struct socket *sk);

#endif
