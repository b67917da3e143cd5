// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts what TCP sends again and its resets, added up in the kernel: tcp_retransmit_skb and
 * tcp_retransmit_synack, tcp_send_reset, tcp_receive_reset. Each program exists as tp_btf and as
 * raw tracepoint, as in drops.bpf.c.
 *
 * tcp_retransmit_skb has had the error of a send that failed as its third argument since 6.16;
 * before that it is not told of those. tcp_send_reset has had a reason since 6.10; before that it
 * is told of full sockets only, since then of every reset.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tcp_record.h"

#define FIELDS_USED __attribute__((preserve_access_index))

#define AF_INET 2
#define AF_INET6 10
#define TCP_LISTEN 10
#define REFDST_PTRMASK ~1UL /* _skb_refdst: the lowest bit says whether it is counted */

enum { RETRANSMITTED, RETRANSMIT_FAILED, RESET_SENT, RESET_RECEIVED }; /* enum tcp_line_kind */

struct ns_common {
	unsigned int inum;
} FIELDS_USED;

struct net_device;

struct net {
	struct ns_common ns;
	struct net_device *loopback_dev;
} FIELDS_USED;

typedef struct {
	struct net *net;
} FIELDS_USED possible_net_t;

struct net_device {
	possible_net_t nd_net;
} FIELDS_USED;

struct dst_entry {
	struct net_device *dev;
} FIELDS_USED;

struct in6_addr {
	__u8 bytes[16];
};

struct sock_common {
	__be32 skc_daddr;
	__be16 skc_dport;
	__u16 skc_num; /* host byte order */
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
} FIELDS_USED;

struct sock {
	struct sock_common __sk_common;
} FIELDS_USED;

/* In skb->cb of a packet that TCP has sent. */
struct tcp_skb_cb {
	__u16 tcp_gso_segs;
} FIELDS_USED;

struct sk_buff {
	struct net_device *dev;
	unsigned long _skb_refdst;
	char cb[48];
	__u16 transport_header, network_header;
	unsigned char *head;
} FIELDS_USED;

#define READ(p, field) (typed ? (p)->field : BPF_CORE_READ(p, field))

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TCP_ENTRIES);
	__type(key, struct tcp_key);
	__type(value, struct tcp_value);
} lines SEC(".maps");

const volatile bool retransmit_has_error, reset_has_reason;

bool enabled;

struct {
	__u64 keys; /* the loader takes off what it takes out */
	__u64 missed;
} made __attribute__((aligned(64)));

/*
 * Of both ports one is the service's and the other one of thousands: mostly the lower one is what
 * others connect to, as ip_local_port_range lies above it.
 */
static __always_inline void set_ports(struct tcp_key *key, __u16 local, __u16 remote)
{
	if (local && (local <= remote || !remote))
		key->local_port = local;
	else
		key->remote_port = remote;
}

static __always_inline void set_v4(struct tcp_key *key, __be32 address)
{
	key->family = AF_INET;
	__builtin_memcpy(key->peer, &address, 3);
}

static __always_inline void set_v6(struct tcp_key *key, const struct in6_addr *address)
{
	const __u32 *words = (const void *)address;

	/* ::ffff:192.0.2.1: a connection of IPv4 by a socket of both. */
	if (!words[0] && !words[1] && words[2] == bpf_htonl(0xffff)) {
		set_v4(key, words[3]);
		return;
	}
	key->family = AF_INET6;
	__builtin_memcpy(key->peer, address, 8);
}

/* Small sockets (TIME_WAIT, NEW_SYN_RECV) begin with a sock_common, too. */
static __always_inline void place_socket(struct tcp_key *key, struct sock *sk, const bool typed)
{
	struct in6_addr address;
	struct net *net = READ(sk, __sk_common.skc_net.net);
	__u16 family = READ(sk, __sk_common.skc_family);

	key->netns = net ? READ(net, ns.inum) : 0;
	key->state = READ(sk, __sk_common.skc_state);
	set_ports(key, READ(sk, __sk_common.skc_num), bpf_ntohs(READ(sk, __sk_common.skc_dport)));
	if (key->state == TCP_LISTEN)
		return;
	if (family == AF_INET6) {
		BPF_CORE_READ_INTO(&address, sk, __sk_common.skc_v6_daddr);
		set_v6(key, &address);
	} else {
		set_v4(key, READ(sk, __sk_common.skc_daddr));
	}
}

/* The peer and the ports of a packet that came in. */
static __always_inline void place_flow(struct tcp_key *key, struct sk_buff *skb, const bool typed)
{
	__u64 head = (__u64)READ(skb, head);
	__u8 ip[24]; /* up to the end of an IPv6 source address */
	__be16 ports[2];

	if (bpf_probe_read_kernel(ip, sizeof(ip), (void *)(head + READ(skb, network_header))) ||
	    bpf_probe_read_kernel(ports, sizeof(ports),
				  (void *)(head + READ(skb, transport_header))))
		return;
	if (ip[0] >> 4 == 4) {
		__be32 source;

		__builtin_memcpy(&source, ip + 12, sizeof(source));
		set_v4(key, source);
	} else if (ip[0] >> 4 == 6) {
		struct in6_addr source;

		__builtin_memcpy(&source, ip + 8, sizeof(source));
		set_v6(key, &source);
	} else {
		return;
	}
	key->local_port = key->remote_port = 0;
	set_ports(key, bpf_ntohs(ports[1]), bpf_ntohs(ports[0]));
}

/* skb->dev shares its place with other things; a namespace's loopback device leads back to it. */
static __always_inline struct net *net_of(struct net_device *dev)
{
	struct net *net = dev ? BPF_CORE_READ(dev, nd_net.net) : NULL;

	return net && BPF_CORE_READ(net, loopback_dev, nd_net.net) == net ? net : NULL;
}

/* As tcp_v4_send_reset() finds it where there is no socket. */
static __always_inline void place_packet(struct tcp_key *key, struct sk_buff *skb, const bool typed)
{
	struct dst_entry *dst = (void *)(READ(skb, _skb_refdst) & REFDST_PTRMASK);
	struct net *net = net_of(READ(skb, dev));

	if (!net && dst)
		net = net_of(BPF_CORE_READ(dst, dev));
	key->netns = net ? BPF_CORE_READ(net, ns.inum) : 0;
}

static __always_inline struct tcp_value *line_of(struct tcp_key *key)
{
	const struct tcp_value zero = {};
	struct tcp_value *line;

	line = bpf_map_lookup_elem(&lines, key);
	if (line)
		return line;
	if (made.keys >= TCP_ENTRIES_IN_FULL) {
		__builtin_memset(key->peer, 0, sizeof(key->peer));
		key->family = 0;
		key->local_port = key->remote_port = 0;
	}
	if (!bpf_map_update_elem(&lines, key, &zero, BPF_NOEXIST))
		__sync_fetch_and_add(&made.keys, 1);
	line = bpf_map_lookup_elem(&lines, key);
	if (!line)
		__sync_fetch_and_add(&made.missed, 1);
	return line;
}

static __always_inline void add(struct tcp_key *key, __u32 segments)
{
	struct tcp_value *line = line_of(key);

	if (!line)
		return;
	__sync_fetch_and_add(&line->packets, 1);
	__sync_fetch_and_add(&line->segments, segments);
}

/* (const struct sock *sk, const struct sk_buff *skb, int err) */
static __always_inline int retransmit(struct sock *sk, struct sk_buff *skb, int err,
				      const bool typed)
{
	struct tcp_key key = {.kind = err ? RETRANSMIT_FAILED : RETRANSMITTED};
	struct tcp_skb_cb *cb;
	__u16 segments;

	if (!enabled || !sk || !skb)
		return 0;
	place_socket(&key, sk, typed);
	cb = (void *)__builtin_preserve_access_index(&skb->cb);
	segments = BPF_CORE_READ(cb, tcp_gso_segs);
	add(&key, segments ? segments : 1);
	return 0;
}

/*
 * (const struct sock *sk, const struct request_sock *req): of a connection that is not made yet. A
 * request_sock begins with the same struct sock_common as a socket.
 */
static __always_inline int synack(struct sock *req)
{
	struct tcp_key key = {.kind = RETRANSMITTED};

	if (!enabled || !req)
		return 0;
	place_socket(&key, req, false);
	add(&key, 1);
	return 0;
}

/*
 * (const struct sock *sk, const struct sk_buff *skb, enum sk_rst_reason reason): skb is what made
 * TCP send it; NULL where that was the program or a timer. sk is NULL where there is none.
 */
static __always_inline int send_reset(struct sock *sk, struct sk_buff *skb, __u32 reason,
				      const bool typed)
{
	struct tcp_key key = {.kind = RESET_SENT, .reason = reason};

	if (!enabled)
		return 0;
	if (sk)
		place_socket(&key, sk, typed);
	else if (skb)
		place_packet(&key, skb, typed);
	if (skb && !key.family)
		place_flow(&key, skb, typed);
	add(&key, 1);
	return 0;
}

/* (struct sock *sk): the state is still the one that the reset met. */
static __always_inline int receive_reset(struct sock *sk, const bool typed)
{
	struct tcp_key key = {.kind = RESET_RECEIVED};

	if (!enabled || !sk)
		return 0;
	place_socket(&key, sk, typed);
	add(&key, 1);
	return 0;
}

/* An argument that this kernel does not have may not be looked at: the branch is cut off then. */
#define PROGRAMS(section, prefix, typed)                                                           \
	SEC(section "/tcp_retransmit_skb")                                                         \
	int prefix##_tcp_retransmit_skb(__u64 *ctx)                                                \
	{                                                                                          \
		return retransmit((void *)ctx[0], (void *)ctx[1],                                  \
				  retransmit_has_error ? (int)ctx[2] : 0, typed);                  \
	}                                                                                          \
	SEC(section "/tcp_retransmit_synack")                                                      \
	int prefix##_tcp_retransmit_synack(__u64 *ctx)                                             \
	{                                                                                          \
		return synack((void *)ctx[1]);                                                     \
	}                                                                                          \
	SEC(section "/tcp_send_reset")                                                             \
	int prefix##_tcp_send_reset(__u64 *ctx)                                                    \
	{                                                                                          \
		return send_reset((void *)ctx[0], (void *)ctx[1],                                  \
				  reset_has_reason ? (__u32)ctx[2] : 0, typed);                    \
	}                                                                                          \
	SEC(section "/tcp_receive_reset")                                                          \
	int prefix##_tcp_receive_reset(__u64 *ctx)                                                 \
	{                                                                                          \
		return receive_reset((void *)ctx[0], typed);                                       \
	}

PROGRAMS("tp_btf", btf, true)
PROGRAMS("raw_tp", raw, false)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
