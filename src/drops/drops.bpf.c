// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts what passes the kfree_skb tracepoint, added up in the kernel, and beside it what passes
 * xdp_exception: packets that an XDP program could not deal with. And what never became a packet:
 * sends that were refused as too large, which sock_send_length tells.
 */
#include "skb.bpf.h"

#define EMSGSIZE 90 /* include/uapi/asm-generic/errno.h; other numbers on alpha, mips, parisc, sparc */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024); /* the loader chooses */
	__type(key, struct drop_key);
	__type(value, struct drop_value);
} drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2); /* of each turn */
	__type(key, __u32);
	__type(value, struct recent_drop);
} recent SEC(".maps");

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

/* How many sends of programs this CPU has looked at. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sends_seen SEC(".maps");

/* Every drop reads these: they share their cache line with nothing that changes often. */
bool enabled;
__u8 turn; /* see record.h; read once for each packet */

/* 0: the flows of all namespaces are kept. Others' floods would make those of this one a sample. */
const volatile __u32 flows_netns;

/* Past this many keys new ones lose their socket, so that thousands of sockets cannot fill the map.
 */
const volatile __u32 keys_with_socket;

/* In each turn. */
struct {
	__u64 keys, flows, missed, no_link_header;
	bool flows_sampled;
} made[2] __attribute__((aligned(64)));

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

static __always_inline bool same_key(const struct drop_key *a, const struct drop_key *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	_Static_assert(sizeof(*a) == 40, "five words");
	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3] && x[4] == y[4];
}

static __always_inline void add(struct drop_value *to, const struct drop_value *value)
{
	to->packets += value->packets;
	to->bytes += value->bytes;
	to->segments += value->segments;
}

/* Another kind takes the place: what was counted goes where it belongs. */
static __always_inline void settle(struct recent_drop *last)
{
	struct drop_value *row = bpf_map_lookup_elem(&drops, &last->key);

	if (row)
		add(row, &last->value);
	else
		__sync_fetch_and_add(&made[last->key.turn & 1].missed, last->value.packets);
	__builtin_memset(&last->value, 0, sizeof(last->value));
}

/* Adds a packet; returns how many of its kind this CPU has had, 0 if there is no room for it. */
static __always_inline __u64 count_kind(struct recent_drop *last, struct drop_key *key,
					const struct drop_value *one)
{
	struct drop_value *row;

	if (last && same_key(&last->key, key)) {
		add(&last->value, one);
		return last->before + last->value.packets;
	}
	row = row_of(key);
	if (!row)
		return 0;
	add(row, one);
	if (last) {
		if (last->value.packets)
			settle(last);
		last->key = *key;
		last->before = row->packets;
	}
	return row->packets;
}

/*
 * What the protocol will be, seen with as little as will do. A socket of the IP families takes
 * packets of one protocol alone, so that nothing of them need be read.
 */
static __always_inline __u8 likely_protocol(const struct drop_key *key, struct sk_buff *skb,
					    struct sock *rx_sk, const bool typed)
{
	if (rx_sk && (key->family == AF_INET || key->family == AF_INET6))
		return READ(rx_sk, sk_protocol);
	return plain_protocol(skb, key->ethertype, typed);
}

/* For how many packets of its kind this one stands in the flows: the n-th of a storm for none. */
static __always_inline __u32 flow_weight(const struct drop_key *key, __u64 n)
{
	if (!n || key->not_meant || (flows_netns && key->netns && key->netns != flows_netns))
		return 0;
	if (n <= FLOW_EXACT)
		return 1;
	if (n % (n <= FLOW_MANY ? FLOW_WEIGHT : FLOW_WEIGHT_MANY))
		return 0;
	if (!made[key->turn & 1].flows_sampled)
		made[key->turn & 1].flows_sampled = true;
	return n <= FLOW_MANY ? FLOW_WEIGHT : FLOW_WEIGHT_MANY;
}

/* Counts a packet whose header was read; how many of its kind this CPU has had. */
static __always_inline __u64 count_read(struct recent_drop *last, struct drop_key *key,
					const struct drop_value *one, struct sk_buff *skb,
					const struct ip_part *ip, const bool typed)
{
	key->protocol = ip->protocol;
	if (filtered) {
		enum meant meant = is_meant(skb, ip, typed);

		key->not_meant = meant != MEANT;
		if (meant == NO_LINK_HEADER)
			__sync_fetch_and_add(&made[key->turn & 1].no_link_header, 1);
	}
	return count_kind(last, key, one);
}

/* The header of a packet that is like the last one is read only where its flow is wanted. */
static __always_inline int count(struct sk_buff *skb, __u64 location, __u32 reason,
				 struct sock *rx_sk, const bool typed)
{
	struct drop_key key = {.location = location, .reason = reason, .turn = turn};
	const __u32 index = key.turn & 1;
	struct drop_value one = {.packets = 1};
	struct recent_drop *last;
	struct ip_part ip;
	__u32 weight = 0;
	bool again;

	if (!enabled)
		return 0;
	key.ethertype = bpf_ntohs(READ(skb, protocol));
	place(&key, skb, rx_sk, typed);
	key.protocol = likely_protocol(&key, skb, rx_sk, typed);
	one.bytes = READ(skb, len);
	one.segments = segments_of(skb, one.bytes, typed);
	last = bpf_map_lookup_elem(&recent, &index);
	again = !filtered && last && same_key(&last->key, &key);
	if (again) {
		add(&last->value, &one);
		weight = flow_weight(&key, last->before + last->value.packets);
		if (!weight)
			return 0;
	}
	read_ip(&ip, skb, key.ethertype, typed);
	if (!again)
		weight = flow_weight(&key, count_read(last, &key, &one, skb, &ip, typed));
	if (weight && ip.family)
		count_flow(&key, &ip, weight);
	return 0;
}

/* trace_xdp_exception(dev, prog, act), since 4.11: the packet may not have an skb yet. */
static __always_inline int count_xdp(struct net_device *dev, __u32 act)
{
	const __u64 one = 1;
	struct xdp_key key = {.act = act, .turn = turn};
	struct net *net;
	__u64 *packets;

	if (!enabled || !dev)
		return 0;
	net = BPF_CORE_READ(dev, nd_net.net);
	key.netns = net ? BPF_CORE_READ(net, ns.inum) : 0;
	key.ifindex = BPF_CORE_READ(dev, ifindex);
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

SEC("raw_tp/xdp_exception")
int raw_xdp(__u64 *ctx)
{
	return count_xdp((void *)ctx[0], ctx[2]);
}

/*
 * trace_sock_send_length(sk, ret, flags), since 6.3: after every send of a program, so all but the
 * ones meant leave at once.
 */
static __always_inline int count_send(struct sock *sk, int ret)
{
	const __u64 one = 1;
	const __u32 zero = 0;
	struct drop_key key = {.turn = turn};
	struct net *net;
	__u64 *sends = bpf_map_lookup_elem(&sends_seen, &zero);

	if (sends)
		++*sends;
	if (ret != -EMSGSIZE || !enabled || !sk)
		return 0;
	key.family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (key.family != AF_INET && key.family != AF_INET6)
		return 0;
	net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	key.netns = net ? BPF_CORE_READ(net, ns.inum) : 0;
	key.protocol = BPF_CORE_READ(sk, sk_protocol);
	place_socket(&key, sk, false);
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

SEC("raw_tp/sock_send_length")
int raw_send(__u64 *ctx)
{
	return count_send((void *)ctx[0], ctx[1]);
}

ON_KFREE_SKB(count)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
