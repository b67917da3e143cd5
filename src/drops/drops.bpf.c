// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts what passes the kfree_skb tracepoint, added up in the kernel, and beside it what passes
 * xdp_exception: packets that an XDP program could not deal with. And what never became a packet:
 * sends that were refused as too large, which sock_send_length tells.
 *
 * There are six programs for one job: the tracepoint got `reason` in 5.17 and `rx_sk` in 6.11, and
 * each form exists as tp_btf (the verifier knows the pointers, fields are plain loads) and as raw
 * tracepoint (fields are copied by a helper) for kernels that refuse the former. The loader loads
 * the one that fits. Memory that is not what we take it for reads as zero in both.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "record.h"

#define FIELDS_USED __attribute__((preserve_access_index))

#define AF_INET 2
#define AF_INET6 10
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define TCP_TIME_WAIT 6
#define TCP_NEW_SYN_RECV 12

#define EMSGSIZE 90 /* include/uapi/asm-generic/errno.h; other numbers on alpha, mips, parisc, sparc */

#define IPPROTO_HOPOPTS 0
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_ROUTING 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_DSTOPTS 60
#define IPPROTO_SCTP 132
#define IPPROTO_UDPLITE 136

/* A packet up to this size is taken for one segment without looking further. */
#define ONE_SEGMENT 1514

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
	int ifindex;
	possible_net_t nd_net;
} FIELDS_USED;

typedef struct {
	__s64 counter;
} FIELDS_USED atomic64_t;

struct sock_common {
	__u16 skc_num; /* host byte order */
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	atomic64_t skc_cookie;
} FIELDS_USED;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
} FIELDS_USED;

struct skb_shared_info {
	unsigned short gso_size, gso_segs;
} FIELDS_USED;

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned int len;
	__be16 protocol;
	__u16 network_header;
	unsigned int tail, end; /* offsets from head wherever pointers have 64 bits */
	unsigned char *head, *data;
} FIELDS_USED;

/* The two ways to read a field; `typed` is a constant wherever this is expanded. */
#define READ(p, field) (typed ? (p)->field : BPF_CORE_READ(p, field))

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024); /* the loader chooses */
	__type(key, struct drop_key);
	__type(value, struct drop_value);
} drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOW_ENTRIES);
	__type(key, struct flow_key);
	__type(value, __u64);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDP_ENTRIES);
	__type(key, struct xdp_key);
	__type(value, __u64);
} xdp_errors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SEND_ENTRIES);
	__type(key, struct drop_key);
	__type(value, __u64);
} sends_too_big SEC(".maps");

/* Every drop reads these: they share their cache line with nothing that changes often. */
bool enabled;
__u8 turn; /* see record.h; read once for each packet */

/* Past this many keys new ones lose their socket, so that thousands of sockets cannot fill the map.
 */
const volatile __u32 keys_with_socket;

/* In each turn. */
struct {
	__u64 keys, flows, missed;
	bool flows_sampled;
} made[2] __attribute__((aligned(64)));

/* A packet's IP header, as far as it lies in the linear part. */
struct ip_part {
	__u64 at;	 /* address of the header; 0 none */
	__u32 linear;	 /* bytes from there to the end of the linear part */
	__u32 transport; /* offset of the next protocol's header */
	__u8 family, protocol;
	bool later_fragment; /* has no transport header */
	__u8 bytes[48]
		__attribute__((aligned(8))); /* an IPv6 header and ports; beyond linear: noise */
};

/*
 * skb->dev shares its place with dev_scratch and rb_left, so it may be a number or another packet,
 * and before 6.13 skb->sk shares its with ip_defrag_offset. A namespace has a loopback device, and
 * that is in the same namespace: no other memory leads back to itself like this.
 */
static __always_inline bool is_net(struct net *net, const bool typed)
{
	struct net_device *loopback;

	if (!net)
		return false;
	loopback = READ(net, loopback_dev);
	return loopback && READ(loopback, nd_net.net) == net;
}

/* The small sockets of TIME_WAIT and NEW_SYN_RECV are not what a socket dump lists. */
static __always_inline void place_socket(struct drop_key *key, struct sock *sk, const bool typed)
{
	__u8 state = READ(sk, __sk_common.skc_state);

	if (state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV)
		return;
	key->family = READ(sk, __sk_common.skc_family);
	key->local_port = READ(sk, __sk_common.skc_num);
	key->cookie = READ(sk, __sk_common.skc_cookie.counter);
}

/*
 * The namespace is that of the receiving socket, else of the device, else of the packet's own
 * socket, in this order: a packet that crossed a veth pair carries its sender's socket, of another
 * namespace, until the IP layer takes it off. Such a socket is not the one that is hit.
 */
static __always_inline void place(struct drop_key *key, struct sk_buff *skb, struct sock *rx_sk,
				  const bool typed)
{
	struct net_device *dev = READ(skb, dev);
	struct net *net = NULL, *sk_net;
	struct sock *sk;

	if (dev) {
		net = READ(dev, nd_net.net);
		if (is_net(net, typed)) {
			key->netns = READ(net, ns.inum);
			key->ifindex = READ(dev, ifindex);
		} else {
			net = NULL;
		}
	}
	if (rx_sk) {
		sk_net = READ(rx_sk, __sk_common.skc_net.net);
		if (sk_net != net) {
			key->netns = READ(sk_net, ns.inum);
			key->ifindex = 0;
		}
		place_socket(key, rx_sk, typed);
		return;
	}
	sk = READ(skb, sk);
	if (!sk)
		return;
	sk_net = READ(sk, __sk_common.skc_net.net);
	if (net ? sk_net != net : !is_net(sk_net, typed))
		return;
	if (!net)
		key->netns = READ(sk_net, ns.inum);
	place_socket(key, sk, typed);
}

/* Steps over IPv6 extension headers; four are more than any sane packet has. */
static __always_inline void skip_extensions(struct ip_part *ip)
{
	for (int i = 0; i < 4; i++) {
		__u8 header[4];

		if (ip->protocol != IPPROTO_HOPOPTS && ip->protocol != IPPROTO_ROUTING &&
		    ip->protocol != IPPROTO_DSTOPTS && ip->protocol != IPPROTO_FRAGMENT)
			return;
		if (ip->transport + sizeof(header) > ip->linear ||
		    bpf_probe_read_kernel(header, sizeof(header), (void *)(ip->at + ip->transport)))
			return;
		if (ip->protocol == IPPROTO_FRAGMENT) {
			ip->transport += 8;
			/* The low three bits are no part of the offset. */
			if (header[2] || header[3] & 0xf8)
				ip->later_fragment = true;
		} else {
			ip->transport += (header[1] + 1) * 8;
		}
		ip->protocol = header[0];
		if (ip->later_fragment)
			return;
	}
}

/*
 * The network header is not set yet where a driver's packet is dropped before GRO (the backlog is
 * full): data points to it then. Either may be wrong, so the version must fit the ethertype.
 */
static __always_inline void read_ip(struct ip_part *ip, struct sk_buff *skb, __u16 ethertype,
				    const bool typed)
{
	__u64 head = (__u64)READ(skb, head);
	__u32 offset = READ(skb, network_header), tail = READ(skb, tail);

	if (ethertype != ETH_P_IP && ethertype != ETH_P_IPV6)
		return;
	if (!offset)
		offset = (__u64)READ(skb, data) - head;
	if (offset >= tail)
		return;
	ip->at = head + offset;
	ip->linear = tail - offset;
	if (bpf_probe_read_kernel(ip->bytes, sizeof(ip->bytes), (void *)ip->at))
		return;
	if (ethertype == ETH_P_IP && ip->linear >= 20 && ip->bytes[0] >> 4 == 4) {
		ip->family = AF_INET;
		ip->protocol = ip->bytes[9];
		ip->transport = (ip->bytes[0] & 15) * 4;
		ip->later_fragment = ip->bytes[6] & 0x1f || ip->bytes[7];
	} else if (ethertype == ETH_P_IPV6 && ip->linear >= 40 && ip->bytes[0] >> 4 == 6) {
		ip->family = AF_INET6;
		ip->protocol = ip->bytes[6];
		ip->transport = 40;
		skip_extensions(ip);
	}
}

static __always_inline void read_ports(struct flow_key *flow, const struct ip_part *ip)
{
	__be16 ports[2];

	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP &&
	    ip->protocol != IPPROTO_SCTP && ip->protocol != IPPROTO_UDPLITE)
		return;
	if (ip->later_fragment || ip->transport + sizeof(ports) > ip->linear)
		return;
	if (bpf_probe_read_kernel(ports, sizeof(ports), (void *)(ip->at + ip->transport)))
		return;
	flow->source_port = bpf_ntohs(ports[0]);
	flow->destination_port = bpf_ntohs(ports[1]);
}

static __always_inline void count_flow(const struct drop_key *key, const struct ip_part *ip,
				       __u64 weight)
{
	struct flow_key flow = {
		.location = key->location,
		.reason = key->reason,
		.netns = key->netns,
		.ifindex = key->ifindex,
		.family = ip->family,
		.protocol = ip->protocol,
		.turn = key->turn,
	};
	__u64 *packets;

	if (ip->family == AF_INET) {
		__builtin_memcpy(flow.source, ip->bytes + 12, 4);
		__builtin_memcpy(flow.destination, ip->bytes + 16, 4);
	} else {
		__builtin_memcpy(flow.source, ip->bytes + 8, 16);
		__builtin_memcpy(flow.destination, ip->bytes + 24, 16);
	}
	read_ports(&flow, ip);

	packets = bpf_map_lookup_elem(&flows, &flow);
	if (!packets) {
		if (!bpf_map_update_elem(&flows, &flow, &weight, BPF_NOEXIST)) {
			__sync_fetch_and_add(&made[key->turn & 1].flows, 1);
			return;
		}
		packets = bpf_map_lookup_elem(&flows, &flow); /* another CPU was faster */
	}
	if (packets)
		__sync_fetch_and_add(packets, weight);
	else
		made[key->turn & 1].flows_sampled = true;
}

static __always_inline struct drop_value *row_of(struct drop_key *key)
{
	const struct drop_value zero = {};
	struct drop_value *row;

	row = bpf_map_lookup_elem(&drops, key);
	if (row)
		return row;
	if (key->family && made[0].keys + made[1].keys >= keys_with_socket) {
		key->cookie = 0;
		key->local_port = 0;
		key->family = 0;
		row = bpf_map_lookup_elem(&drops, key);
		if (row)
			return row;
	}
	if (!bpf_map_update_elem(&drops, key, &zero, BPF_NOEXIST))
		__sync_fetch_and_add(&made[key->turn & 1].keys, 1);
	row = bpf_map_lookup_elem(&drops, key);
	if (!row)
		__sync_fetch_and_add(&made[key->turn & 1].missed, 1);
	return row;
}

/* gso_segs is 0 in packets from a guest that nobody has checked yet. */
static __always_inline __u32 segments_of(struct sk_buff *skb, __u32 len, const bool typed)
{
	struct skb_shared_info *shared;
	__u16 size, segments;

	if (len <= ONE_SEGMENT)
		return 1;
	shared = (void *)(READ(skb, head) + READ(skb, end));
	size = BPF_CORE_READ(shared, gso_size);
	if (!size)
		return 1;
	segments = BPF_CORE_READ(shared, gso_segs);
	return segments ? segments : (len + size - 1) / size;
}

static __always_inline int count(struct sk_buff *skb, __u64 location, __u32 reason,
				 struct sock *rx_sk, const bool typed)
{
	struct drop_key key = {.location = location, .reason = reason, .turn = turn};
	struct ip_part ip = {};
	struct drop_value *row;
	__u32 len, weight = 1;

	if (!enabled)
		return 0;
	key.ethertype = bpf_ntohs(READ(skb, protocol));
	place(&key, skb, rx_sk, typed);
	read_ip(&ip, skb, key.ethertype, typed);
	key.protocol = ip.protocol;

	row = row_of(&key);
	if (!row)
		return 0;
	len = READ(skb, len);
	row->packets++;
	row->bytes += len;
	row->segments += segments_of(skb, len, typed);

	if (row->packets > FLOW_EXACT) {
		if (row->packets % FLOW_WEIGHT)
			return 0;
		weight = FLOW_WEIGHT;
		if (!made[key.turn & 1].flows_sampled)
			made[key.turn & 1].flows_sampled = true;
	}
	if (ip.family)
		count_flow(&key, &ip, weight);
	return 0;
}

/* trace_xdp_exception(dev, prog, act), since 4.11: the packet may not have an skb yet. */
static __always_inline int count_xdp(struct net_device *dev, __u32 act, const bool typed)
{
	const __u64 one = 1;
	struct xdp_key key = {.act = act, .turn = turn};
	__u64 *packets;

	if (!enabled || !dev)
		return 0;
	key.netns = READ(dev, nd_net.net) ? BPF_CORE_READ(dev, nd_net.net, ns.inum) : 0;
	key.ifindex = READ(dev, ifindex);
	packets = bpf_map_lookup_elem(&xdp_errors, &key);
	if (!packets && !bpf_map_update_elem(&xdp_errors, &key, &one, BPF_NOEXIST))
		return 0;
	if (!packets)
		packets = bpf_map_lookup_elem(&xdp_errors, &key); /* another CPU was faster */
	if (packets)
		__sync_fetch_and_add(packets, 1);
	else
		__sync_fetch_and_add(&made[key.turn & 1].missed, 1);
	return 0;
}

SEC("tp_btf/xdp_exception")
int btf_xdp(__u64 *ctx)
{
	return count_xdp((void *)ctx[0], ctx[2], true);
}

SEC("raw_tp/xdp_exception")
int raw_xdp(__u64 *ctx)
{
	return count_xdp((void *)ctx[0], ctx[2], false);
}

/*
 * trace_sock_send_length(sk, ret, flags), since 6.3: after every send of a program, so all but the
 * ones meant leave at once.
 */
static __always_inline int count_send(struct sock *sk, int ret, const bool typed)
{
	const __u64 one = 1;
	struct drop_key key = {.turn = turn};
	struct net *net;
	__u64 *sends;

	if (ret != -EMSGSIZE || !enabled || !sk)
		return 0;
	key.family = READ(sk, __sk_common.skc_family);
	if (key.family != AF_INET && key.family != AF_INET6)
		return 0;
	net = READ(sk, __sk_common.skc_net.net);
	key.netns = net ? READ(net, ns.inum) : 0;
	key.protocol = READ(sk, sk_protocol);
	place_socket(&key, sk, typed);
	sends = bpf_map_lookup_elem(&sends_too_big, &key);
	if (!sends && !bpf_map_update_elem(&sends_too_big, &key, &one, BPF_NOEXIST))
		return 0;
	if (!sends)
		sends = bpf_map_lookup_elem(&sends_too_big, &key); /* another CPU was faster */
	if (sends)
		__sync_fetch_and_add(sends, 1);
	else
		__sync_fetch_and_add(&made[key.turn & 1].missed, 1);
	return 0;
}

SEC("tp_btf/sock_send_length")
int btf_send(__u64 *ctx)
{
	return count_send((void *)ctx[0], ctx[1], true);
}

SEC("raw_tp/sock_send_length")
int raw_send(__u64 *ctx)
{
	return count_send((void *)ctx[0], ctx[1], false);
}

/* The arguments of the tracepoint: skb, location, reason (5.17), rx_sk (6.11). */
SEC("tp_btf/kfree_skb")
int btf_4(__u64 *ctx)
{
	return count((void *)ctx[0], ctx[1], ctx[2], (void *)ctx[3], true);
}

SEC("tp_btf/kfree_skb")
int btf_3(__u64 *ctx)
{
	return count((void *)ctx[0], ctx[1], ctx[2], NULL, true);
}

SEC("tp_btf/kfree_skb")
int btf_2(__u64 *ctx)
{
	return count((void *)ctx[0], ctx[1], 0, NULL, true);
}

SEC("raw_tp/kfree_skb")
int raw_4(__u64 *ctx)
{
	return count((void *)ctx[0], ctx[1], ctx[2], (void *)ctx[3], false);
}

SEC("raw_tp/kfree_skb")
int raw_3(__u64 *ctx)
{
	return count((void *)ctx[0], ctx[1], ctx[2], NULL, false);
}

SEC("raw_tp/kfree_skb")
int raw_2(__u64 *ctx)
{
	return count((void *)ctx[0], ctx[1], 0, NULL, false);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
