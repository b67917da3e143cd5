// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/snapshot.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#define SNDBUF_LIMITED_PART 10 /* a tenth of the time it had data to send */

const struct counter_row counter_rows[COUNTER_N] = {
#define C(id_, source_, name_, unit_, stage_, scope_, kind_, width_, meaning_, ...)                \
	[C_##id_] = {.id = #id_,                                                                   \
		     .name = name_,                                                                \
		     .unit = unit_,                                                                \
		     .meaning = meaning_,                                                          \
		     .source = SRC_##source_,                                                      \
		     .stage = STAGE_##stage_,                                                      \
		     .scope = SCOPE_##scope_,                                                      \
		     .kind = KIND_##kind_,                                                         \
		     .width = width_,                                                              \
		     .loss = MEANS_##__VA_ARGS__},
#include "model/counters.def"
#undef C
};

const struct source_row source_rows[SOURCE_N] = {
#define S(id_, name_, scope_, loses_, unlock_)                                                     \
	[SRC_##id_] = {.id = #id_,                                                                 \
		       .name = name_,                                                              \
		       .loses = loses_,                                                            \
		       .unlock = unlock_,                                                          \
		       .scope = SCOPE_##scope_},
#include "model/sources.def"
#undef S
};

const struct sysctl_row sysctl_rows[SYSCTL_N] = {
#define K(id_, path_, scope_, meaning_)                                                            \
	[K_##id_] = {.id = #id_, .path = path_, .meaning = meaning_, .scope = SCOPE_##scope_},
#include "model/sysctls.def"
#undef K
};

static const struct {
	const char *kind;
	bool of_port;
} info_rows[LINK_INFO_N] = {
#define OWN false
#define PORT true
#define I(id, where_, kind_, attribute_) [INFO_##id] = {kind_, where_},
#include "model/link_info.def"
#undef I
#undef OWN
#undef PORT
};

uint32_t link_info(const struct link *l, enum link_info id)
{
	const char *kind = info_rows[id].of_port ? l->port_kind : l->kind;

	return strcmp(kind, info_rows[id].kind) == 0 ? l->info[id] : INFO_UNKNOWN;
}

/* Which vectors a source fills; every other source fills counters or sysctls. */
#define SOURCE_VECTORS(V)                                                                          \
	V(SRC_LINK, links)                                                                         \
	V(SRC_PEERS, peers)                                                                        \
	V(SRC_PEERS, netns_ids)                                                                    \
	V(SRC_ETHTOOL, nics)                                                                       \
	V(SRC_QSTATS, nic_queues)                                                                  \
	V(SRC_QDISC, qdiscs)                                                                       \
	V(SRC_NEIGH, neighs)                                                                       \
	V(SRC_NEIGH, neigh_macs)                                                                   \
	V(SRC_ADDRESSES, addresses)                                                                \
	V(SRC_CPU_TASKS, softirq_threads)                                                          \
	V(SRC_CPU_TASKS, cpu_tasks)                                                                \
	V(SRC_NEIGH_TABLE, neigh_tables)                                                           \
	V(SRC_PROCESS, processes)                                                                  \
	V(SRC_PROCESS, buffer_locks)                                                               \
	V(SRC_PROCESS, owners)                                                                     \
	V(SRC_SOCKETS, sockets)                                                                    \
	V(SRC_RAW_SOCKETS, raw_sockets)                                                            \
	V(SRC_PACKET_SOCKETS, packet_sockets)                                                      \
	V(SRC_NETLINK_SOCKETS, netlink_sockets)                                                    \
	V(SRC_UNIX, unix_full)                                                                     \
	V(SRC_SOCKETS, tcp_groups)                                                                 \
	V(SRC_SOCKETS, half_open)                                                                  \
	V(SRC_SOCKETS, half_open_from)                                                             \
	V(SRC_TRACKED, tracked)                                                                    \
	V(SRC_CONNECTIONS, connections)                                                            \
	V(SRC_CPUIDLE, idle_states)                                                                \
	V(SRC_INTERRUPTS, interrupts)                                                              \
	V(SRC_INTERRUPTS, interrupt_counts)                                                        \
	V(SRC_QUEUES, netdev_queues)                                                               \
	V(SRC_QUEUES, queues)                                                                      \
	V(SRC_QUEUES, netdev_interrupts)                                                           \
	V(SRC_NFQUEUE, nfqueues)                                                                   \
	V(SRC_KERNEL_LOG, kernel_log)

/* What the devices hold themselves. */
static void nics_done(struct snapshot *s)
{
	vec_each(nic, &s->nics)
		nic_done(nic);
}

void snapshot_done(struct snapshot *s)
{
	nics_done(s);
#define V(source, vector) vec_done(&s->vector);
	SOURCE_VECTORS(V)
#undef V
	vec_done(&s->cpus);
	vec_done(&s->unknown_counters);
	ruleset_done(&s->nft);
	ruleset_done(&s->iptables);
	*s = (struct snapshot){0};
}

static void take_numbers(struct snapshot *to, const struct snapshot *from, enum source source)
{
	for (size_t i = 0; i < COUNTER_N; i++) {
		if (counter_rows[i].source != source)
			continue;
		to->counter[i] = from->counter[i];
		to->counter_present[i] = from->counter_present[i];
	}
	vec_each(unknown, &from->unknown_counters)
		if (unknown->source == source)
			*vec_push(&to->unknown_counters) = *unknown;
	if (source == SRC_SYSCTL)
		memcpy(to->sysctl, from->sysctl, sizeof(to->sysctl));
	if (source == SRC_SOCKETS) {
		to->sockets_seen = from->sockets_seen;
		to->connections_seen = from->connections_seen;
		to->synacks_again = from->synacks_again;
		to->tcp = from->tcp;
	}
	if (source == SRC_CPUIDLE) {
		memcpy(to->cpufreq_driver, from->cpufreq_driver, sizeof(to->cpufreq_driver));
		memcpy(to->cpufreq_governor, from->cpufreq_governor, sizeof(to->cpufreq_governor));
	}
	if (source == SRC_UNIX)
		to->unix_asked = from->unix_asked;
	if (source == SRC_NEIGH) {
		to->neighs_seen = from->neighs_seen;
		memcpy(to->neighs_limited, from->neighs_limited, sizeof(to->neighs_limited));
	}
	if (source == SRC_CPU_TASKS)
		to->cpus_flooded = from->cpus_flooded;
	if (source == SRC_PRESSURE)
		memcpy(to->pressure, from->pressure, sizeof(to->pressure));
	to->source[source] = from->source[source];
}

/* The rows of /proc/stat, softnet_stat and softirqs meet in one vector, by CPU. */
static void share_cpus(struct snapshot *to, const struct snapshot *from, enum source source)
{
	vec_each(in, &from->cpus) {
		struct cpu *out = NULL, kept;

		vec_each(known, &to->cpus)
			if (known->id == in->id)
				out = known;
		if (!out) {
			out = vec_push(&to->cpus);
			out->id = in->id;
		}
		kept = *out;
		*out = *in;
		if (source != SRC_SOFTNET) {
			out->softnet_present = kept.softnet_present;
			memcpy(out->softnet, kept.softnet, sizeof(out->softnet));
		}
		if (source != SRC_SOFTIRQS) {
			out->softirqs_present = kept.softirqs_present;
			memcpy(out->softirqs, kept.softirqs, sizeof(out->softirqs));
		}
		if (source != SRC_CPU) {
			out->times_present = kept.times_present;
			memcpy(&out->times, &kept.times, sizeof(out->times));
		}
	}
}

static bool fills_cpus(enum source source)
{
	return source == SRC_SOFTNET || source == SRC_SOFTIRQS || source == SRC_CPU;
}

static void lock_sockets(struct snapshot *s)
{
	vec_each(lock, &s->buffer_locks)
		vec_each(sk, &s->sockets)
			if (sk->inode == lock->inode) {
				sk->locks_known = true;
				sk->rcvbuf_locked = lock->rcvbuf;
				sk->sndbuf_locked = lock->sndbuf;
			}
}

void snapshot_take(struct snapshot *to, struct snapshot *from, enum source source)
{
	take_numbers(to, from, source);
	if (source == SRC_ETHTOOL)
		nics_done(to);
#define V(source_, vector)                                                                         \
	if (source == (source_)) {                                                                 \
		vec_done(&to->vector);                                                             \
		to->vector.items = from->vector.items;                                             \
		to->vector.n = from->vector.n;                                                     \
		to->vector.capacity = from->vector.capacity;                                       \
		memset(&from->vector, 0, sizeof(from->vector));                                    \
		vec_trim(&to->vector);                                                             \
	}
	SOURCE_VECTORS(V)
#undef V
	if (source == SRC_PROCESS) {
		to->buffer_locks_err = from->buffer_locks_err;
		lock_sockets(to);
	}
	if (source == SRC_NFT || source == SRC_IPTABLES) {
		struct ruleset *in = source == SRC_NFT ? &from->nft : &from->iptables;
		struct ruleset *out = source == SRC_NFT ? &to->nft : &to->iptables;

		ruleset_done(out);
		*out = *in;
		memset(in, 0, sizeof(*in));
		vec_trim(&out->chains);
		vec_trim(&out->rules);
		vec_trim(&out->ops);
		vec_trim(&out->entries);
	}
	if (fills_cpus(source)) {
		share_cpus(to, from, source);
		vec_done(&from->cpus);
	}
}

void snapshot_share(struct snapshot *to, const struct snapshot *from, enum source source)
{
	take_numbers(to, from, source);
#define V(source_, vector)                                                                         \
	if (source == (source_))                                                                   \
		vec_lend(&to->vector, &from->vector);
	SOURCE_VECTORS(V)
#undef V
	if (fills_cpus(source))
		share_cpus(to, from, source);
}

void snapshot_share_settings(struct snapshot *to, const struct snapshot *from)
{
	for (size_t i = 0; i < SYSCTL_N; i++)
		if (sysctl_rows[i].scope == SCOPE_HOST)
			to->sysctl[i] = from->sysctl[i];
}

bool source_ok(const struct snapshot *s, enum source source)
{
	return s->source[source].status == SOURCE_OK;
}

const struct link *snapshot_link(const struct snapshot *s, unsigned int ifindex)
{
	vec_each(link, &s->links)
		if (link->ifindex == ifindex)
			return link;
	return NULL;
}

const struct link *snapshot_link_named(const struct snapshot *s, const char *name)
{
	vec_each(link, &s->links)
		if (strcmp(link->name, name) == 0)
			return link;
	return NULL;
}

const struct nic *snapshot_nic(const struct snapshot *s, unsigned int ifindex)
{
	vec_each(nic, &s->nics)
		if (nic->ifindex == ifindex)
			return nic;
	return NULL;
}

const struct socket *snapshot_socket(const struct snapshot *s, uint64_t cookie)
{
	vec_each(sk, &s->sockets)
		if (sk->cookie == cookie)
			return sk;
	vec_each(sk, &s->raw_sockets)
		if (sk->cookie == cookie)
			return sk;
	vec_each(sk, &s->packet_sockets)
		if (sk->cookie == cookie)
			return sk;
	vec_each(sk, &s->netlink_sockets)
		if (sk->cookie == cookie)
			return sk;
	return NULL;
}

uint32_t snapshot_half_open(const struct snapshot *s, uint16_t port)
{
	uint32_t sum = 0;

	vec_each(h, &s->half_open)
		if (h->port == port)
			sum += h->n;
	return sum;
}

const struct process *snapshot_process(const struct snapshot *s, int pid)
{
	vec_each(p, &s->processes)
		if (p->pid == pid)
			return p;
	return NULL;
}

const struct process *snapshot_owner(const struct snapshot *s, uint32_t inode)
{
	vec_each(owner, &s->owners) {
		const struct process *p = owner->inode == inode && inode
						  ? snapshot_process(s, owner->pid)
						  : NULL;

		if (p)
			return p;
	}
	return NULL;
}

const struct sysctl_row *sysctl_row(enum sysctl_id id)
{
	return &sysctl_rows[id];
}

bool sysctl_get(const struct snapshot *s, enum sysctl_id id, int64_t *ret)
{
	if (!source_ok(s, SRC_SYSCTL) || s->sysctl[id].n == 0)
		return false;
	*ret = s->sysctl[id].v[0];
	return true;
}

bool is_capture(const struct socket *sk)
{
	return sk->kind == SOCKET_PACKET && sk->local_port == ETH_P_ALL;
}

bool socket_in_question(const struct socket *sk)
{
	if (sk->protocol == IPPROTO_TCP && sk->state == STATE_LISTEN)
		return sk->drops > 0 || (sk->rqueue > 0 && sk->rqueue >= sk->wqueue / 5 * 4);
	if ((sk->protocol == IPPROTO_UDP || sk->kind != SOCKET_INET) && sk->drops > 0)
		return true;
	/* TCP also counts duplicates there: of interest where its reader has not come for what is here. */
	if (sk->protocol == IPPROTO_TCP && sk->drops > 0 && sk->rmem > 0)
		return true;
	/* Waits for its peer's window. */
	if (sk->protocol == IPPROTO_TCP && sk->timer == TIMER_PROBE && sk->wqueue)
		return true;
	/* A bulk sender's buffer is mostly full; of interest where that held it up. */
	if (sk->sndbuf && sk->wmem_queued > sk->sndbuf / 2 &&
	    sk->sndbuf_limited_us > sk->busy_us / SNDBUF_LIMITED_PART)
		return true;
	return (sk->rcvbuf && sk->rmem > sk->rcvbuf / 2) ||
	       (sk->sndbuf && sk->wmem > sk->sndbuf / 2);
}

/* Closed by one end alone: a few are in each host at any time (causes.md 143). */
#define CLOSED_MANY 100
#define UNANSWERED_TRIES 2

bool socket_owner_wanted(const struct snapshot *s, const struct socket *sk)
{
	if (socket_in_question(sk))
		return true;
	if (sk->kind != SOCKET_INET || sk->protocol != IPPROTO_TCP || !sk->inode)
		return false;
	if (sk->state == STATE_CLOSE_WAIT || sk->state == STATE_FIN_WAIT2)
		return s->tcp.n[sk->state] > CLOSED_MANY;
	return sk->timer_tries >= UNANSWERED_TRIES &&
	       (sk->timer == TIMER_KEEPALIVE || sk->timer == TIMER_RETRANSMIT);
}
