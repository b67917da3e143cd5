// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts what TCP sends again and its resets, added up in the kernel: tcp_retransmit_skb and
 * tcp_retransmit_synack, tcp_send_reset, tcp_receive_reset; and, where the loader wants it, how
 * connections begin and end: inet_sock_set_state (4.16). Each program exists as tp_btf and as raw
 * tracepoint, as in drops.bpf.c.
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
#define IPPROTO_TCP 6
#define EADDRNOTAVAIL 99
#define REFDST_PTRMASK ~1UL /* _skb_refdst: the lowest bit says whether it is counted */
#define SOCK_DONE 1 /* enum sock_flags: the peer's FIN has come */
/*
 * A TLS alert is no larger: 5 bytes of header, 16 of vector, 48 of two bytes with digest and
 * padding. Who answers a close with its own close_notify loses nothing by a reset.
 */
#define TLS_ALERT_MOST 69

enum { /* enum tcp_line_kind */
	RETRANSMITTED,
	RETRANSMIT_FAILED,
	RESET_SENT,
	RESET_RECEIVED,
	ACCEPTED,
	CONNECTED,
	CONNECT_FAILED,
	ENDED,
	CLOSED_HERE,
	CLOSED_BY_PEER,
};

enum { /* include/net/tcp_states.h */
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,
};

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
	unsigned long skc_flags;
} FIELDS_USED;

struct sock {
	struct sock_common __sk_common;
	int sk_err;
	__u16 sk_protocol;
} FIELDS_USED;

struct inet_sock {
	__be16 inet_sport;
} FIELDS_USED;

struct inet_connection_sock {
	struct {
		__u32 lrcvtime;
	} FIELDS_USED icsk_ack;
} FIELDS_USED;

struct tcp_sock {
	__u32 rcv_nxt, copied_seq, write_seq, snd_una;
	__u32 rcv_tstamp;
} FIELDS_USED;

/* In skb->cb of a packet that TCP has sent or received. */
struct tcp_skb_cb {
	__u32 seq, end_seq;
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
const volatile bool failed_only; /* of states only what went wrong: enum tcp_states */
const volatile __u32 netns_in_full; /* of others no flow is kept; 0: all are in full */
const volatile __u64 tick_ns; /* how long a jiffy is */

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

/* tcp_set_state() takes the number away from a socket that is closed, but not what it sent from. */
static __always_inline __u16 local_port(struct sock *sk, __u8 state, const bool typed)
{
	__u16 port = READ(sk, __sk_common.skc_num);

	if (!port && state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV)
		port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	return port;
}

/* Small sockets (TIME_WAIT, NEW_SYN_RECV) begin with a sock_common, too. */
static __always_inline void place_socket(struct tcp_key *key, struct sock *sk, const bool typed)
{
	struct in6_addr address;
	struct net *net = READ(sk, __sk_common.skc_net.net);
	__u16 family = READ(sk, __sk_common.skc_family);

	key->netns = net ? READ(net, ns.inum) : 0;
	key->state = READ(sk, __sk_common.skc_state);
	set_ports(key, local_port(sk, key->state, typed),
		  bpf_ntohs(READ(sk, __sk_common.skc_dport)));
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

static __always_inline void leave_out_flow(struct tcp_key *key)
{
	__builtin_memset(key->peer, 0, sizeof(key->peer));
	key->family = 0;
	key->local_port = key->remote_port = 0;
}

static __always_inline struct tcp_value *line_of(struct tcp_key *key)
{
	const struct tcp_value zero = {};
	struct tcp_value *line;

	if (netns_in_full && key->netns && key->netns != netns_in_full)
		leave_out_flow(key);
	line = bpf_map_lookup_elem(&lines, key);
	if (line)
		return line;
	if (made.keys >= TCP_ENTRIES_IN_FULL)
		leave_out_flow(key);
	if (!bpf_map_update_elem(&lines, key, &zero, BPF_NOEXIST))
		__sync_fetch_and_add(&made.keys, 1);
	line = bpf_map_lookup_elem(&lines, key);
	if (!line)
		__sync_fetch_and_add(&made.missed, 1);
	return line;
}

static __always_inline struct tcp_value *add(struct tcp_key *key, __u32 segments)
{
	struct tcp_value *line = line_of(key);

	if (!line)
		return NULL;
	__sync_fetch_and_add(&line->packets, 1);
	__sync_fetch_and_add(&line->segments, segments);
	return line;
}

static __always_inline bool is_connection(__u8 state)
{
	return state && state != TCP_SYN_SENT && state != TCP_TIME_WAIT && state != TCP_LISTEN &&
	       state != TCP_NEW_SYN_RECV;
}

/*
 * What the end of a connection throws away. A FIN has a sequence number too: ours cannot be told
 * from one byte that was written.
 */
static __always_inline void add_data(struct tcp_value *line, __u32 unread, __u32 unsent)
{
	unsent = unsent > 1 ? unsent : 0;
	if (unread > TLS_ALERT_MOST || unsent)
		__sync_fetch_and_add(&line->lossy, 1);
	__sync_fetch_and_add(&line->unread, unread);
	__sync_fetch_and_add(&line->unsent, unsent);
}

static __always_inline __u32 unread_of(struct sock *sk)
{
	struct tcp_sock *tp = (void *)sk;
	__u32 n = BPF_CORE_READ(tp, rcv_nxt) - BPF_CORE_READ(tp, copied_seq);

	return n && BPF_CORE_READ(sk, __sk_common.skc_flags) >> SOCK_DONE & 1 ? n - 1 : n;
}

static __always_inline __u32 unsent_of(struct sock *sk)
{
	struct tcp_sock *tp = (void *)sk;

	return BPF_CORE_READ(tp, write_seq) - BPF_CORE_READ(tp, snd_una);
}

/* As keepalive_time_elapsed(). Two at once may miss an extreme; resets are not that many. */
static __always_inline void add_idle(struct tcp_value *line, struct sock *sk)
{
	__u32 now = (__u32)bpf_jiffies64();
	__u32 acked = now - BPF_CORE_READ((struct tcp_sock *)sk, rcv_tstamp);
	__u32 data = now - BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_ack.lrcvtime);
	__u64 ms = (acked < data ? acked : data) * tick_ns / 1000000;

	if (ms < TCP_IDLE_LEAST_MS)
		return;
	__sync_fetch_and_add(&line->idle, 1);
	if (!line->idle_least_ms || ms < line->idle_least_ms)
		line->idle_least_ms = ms;
	if (ms > line->idle_most_ms)
		line->idle_most_ms = ms;
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
	struct tcp_value *line;
	struct tcp_skb_cb *cb;
	__u32 unread = 0;

	if (!enabled)
		return 0;
	if (sk)
		place_socket(&key, sk, typed);
	else if (skb)
		place_packet(&key, skb, typed);
	if (skb && !key.family)
		place_flow(&key, skb, typed);
	if (sk && !skb && is_connection(key.state)) {
		unread = unread_of(sk);
	} else if (skb && (key.state == TCP_CLOSE || key.state == TCP_TIME_WAIT)) {
		cb = (void *)__builtin_preserve_access_index(&skb->cb);
		unread = BPF_CORE_READ(cb, end_seq) - BPF_CORE_READ(cb, seq);
	}
	if (!skb)
		key.unasked = unread ? TCP_UNASKED_UNREAD : TCP_UNASKED;
	line = add(&key, 1);
	if (line)
		add_data(line, unread, sk && !skb && is_connection(key.state) ? unsent_of(sk) : 0);
	return 0;
}

/* (struct sock *sk): the state is still the one that the reset met. */
static __always_inline int receive_reset(struct sock *sk, const bool typed)
{
	struct tcp_key key = {.kind = RESET_RECEIVED};
	struct tcp_value *line;

	if (!enabled || !sk)
		return 0;
	place_socket(&key, sk, typed);
	line = add(&key, 1);
	if (!line || !is_connection(key.state))
		return 0;
	add_data(line, 0, unsent_of(sk));
	add_idle(line, sk);
	return 0;
}

/* What a change of state is; -1: nothing that is counted. */
static __always_inline int kind_of(int old, int new)
{
	if (new == TCP_ESTABLISHED)
		return old == TCP_SYN_RECV ? ACCEPTED : old == TCP_SYN_SENT ? CONNECTED : -1;
	if (old == TCP_ESTABLISHED && new == TCP_FIN_WAIT1)
		return CLOSED_HERE;
	if (old == TCP_ESTABLISHED && new == TCP_CLOSE_WAIT)
		return CLOSED_BY_PEER;
	if (new != TCP_CLOSE)
		return -1;
	if (old == TCP_SYN_SENT)
		return CONNECT_FAILED;
	return is_connection(old) && old != TCP_SYN_RECV && old != TCP_CLOSE ? ENDED : -1;
}

/*
 * (const struct sock *sk, int oldstate, int newstate): the socket is still in the old state, and
 * has its error already. An orderly end goes through LAST_ACK, or from FIN_WAIT2 or CLOSING to
 * TIME_WAIT, which closes the socket without an error.
 */
static __always_inline int set_state(struct sock *sk, int old, int new, const bool typed)
{
	int kind = kind_of(old, new), error;
	struct tcp_key key = {.kind = kind};

	if (!enabled || kind < 0 || !sk || READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	if (failed_only && kind != CONNECT_FAILED && kind != ENDED)
		return 0;
	error = kind == CONNECT_FAILED || kind == ENDED ? READ(sk, sk_err) : 0;
	if (kind == ENDED && !error && old != TCP_ESTABLISHED && old != TCP_CLOSE_WAIT)
		return 0;
	place_socket(&key, sk, typed);
	/* connect() tells of this one by itself alone. */
	if (kind == CONNECT_FAILED && !error && !local_port(sk, old, typed))
		error = EADDRNOTAVAIL;
	key.reason = error;
	if (kind == CONNECTED || kind == CONNECT_FAILED) {
		key.remote_port = bpf_ntohs(READ(sk, __sk_common.skc_dport));
		key.local_port = 0;
	} else if (kind == ACCEPTED) {
		key.local_port = local_port(sk, old, typed);
		key.remote_port = 0;
	}
	add(&key, 0);
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
	}                                                                                          \
	SEC(section "/inet_sock_set_state")                                                        \
	int prefix##_inet_sock_set_state(__u64 *ctx)                                               \
	{                                                                                          \
		return set_state((void *)ctx[0], (int)ctx[1], (int)ctx[2], typed);                 \
	}

PROGRAMS("tp_btf", btf, true)
PROGRAMS("raw_tp", raw, false)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
