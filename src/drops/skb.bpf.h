/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs on kfree_skb share: the fields they read of a packet, whose it was, and its IP
 * header. Included by BPF programs alone.
 *
 * A program has nine forms: the tracepoint got `reason` in 5.17 and `rx_sk` in 6.11, and each
 * exists as tp_btf (the verifier knows the pointers, fields are plain loads), as raw tracepoint
 * (fields are copied by a helper) for kernels that refuse the former, and as a program on the
 * tracepoint's record, which perf would get. The loader loads the one that fits. Memory that is not
 * what we take it for reads as zero in all of them.
 */
#ifndef WHYDROP_DROPS_SKB_BPF_H
#define WHYDROP_DROPS_SKB_BPF_H

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
static __always_inline bool place_socket(struct drop_key *key, struct sock *sk, const bool typed)
{
	__u8 state = READ(sk, __sk_common.skc_state);

	if (state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV)
		return false;
	key->family = READ(sk, __sk_common.skc_family);
	key->local_port = READ(sk, __sk_common.skc_num);
	key->cookie = READ(sk, __sk_common.skc_cookie.counter);
	return true;
}

/*
 * The namespace is that of the receiving socket, else of the device, else of the packet's own
 * socket, in this order: a packet that crossed a veth pair carries its sender's socket, of another
 * namespace, until the IP layer takes it off. Such a socket is not the one that is hit.
 * Returns the socket that is, NULL if there is none.
 *
 * Where a typed pointer is followed to another one the verifier looks for the struct's name with four
 * endings among all of the kernel's types (btf_nested_type_is_trusted()), which takes 1 ms, each time
 * that it comes along. So it is done before the first branch, or not by the type.
 */
static __always_inline struct sock *place(struct drop_key *key, struct sk_buff *skb, struct sock *rx_sk,
					  const bool typed)
{
	struct net_device *dev = READ(skb, dev);
	struct sock *sk = READ(skb, sk);
	struct net *net = dev ? READ(dev, nd_net.net) : NULL;
	struct net *sk_net = rx_sk ? READ(rx_sk, __sk_common.skc_net.net) : NULL;

	barrier_var(sk);
	barrier_var(net);
	barrier_var(sk_net);
	if (rx_sk) {
		key->netns = READ(sk_net, ns.inum);
		if (net == sk_net) /* so it is a device: other memory does not lead there */
			key->ifindex = READ(dev, ifindex);
		return place_socket(key, rx_sk, typed) ? rx_sk : NULL;
	}
	if (is_net(net, typed)) {
		key->netns = READ(net, ns.inum);
		key->ifindex = READ(dev, ifindex);
	} else {
		net = NULL;
	}
	if (!sk)
		return NULL;
	sk_net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	if (net ? sk_net != net : !is_net(sk_net, false))
		return NULL;
	if (!net)
		key->netns = BPF_CORE_READ(sk_net, ns.inum);
	return place_socket(key, sk, typed) ? sk : NULL;
}

static __always_inline bool is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_FRAGMENT;
}

/* Steps over IPv6 extension headers; four are more than any sane packet has. */
static __always_inline void skip_extensions(struct ip_part *ip)
{
	for (int i = 0; i < 4; i++) {
		__u8 header[4];

		if (!is_extension(ip->protocol))
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
 * Where the IP header should be. The network header is not set yet where a driver's packet is
 * dropped before GRO (the backlog is full): data points to it then. Either may be wrong, so the
 * version must fit the ethertype.
 */
static __always_inline bool find_ip(struct sk_buff *skb, __u16 ethertype, __u64 *at, __u32 *linear,
				    const bool typed)
{
	__u64 head = (__u64)READ(skb, head);
	__u32 offset = READ(skb, network_header), tail = READ(skb, tail);

	if (ethertype != ETH_P_IP && ethertype != ETH_P_IPV6)
		return false;
	if (!offset)
		offset = (__u64)READ(skb, data) - head;
	*at = head + offset;
	*linear = tail - offset;
	return offset < tail;
}

/*
 * What read_ip() would find, where the fixed header tells it; PROTOCOL_UNSEEN, a reserved number,
 * where more must be read.
 */
#define PROTOCOL_UNSEEN 255
static __always_inline __u8 plain_protocol(struct sk_buff *skb, __u16 ethertype, const bool typed)
{
	__u8 bytes[10];
	__u32 linear;
	__u64 at;

	if (ethertype != ETH_P_IP && ethertype != ETH_P_IPV6)
		return 0;
	if (!find_ip(skb, ethertype, &at, &linear, typed) ||
	    linear < (ethertype == ETH_P_IP ? 20 : 40) ||
	    bpf_probe_read_kernel(bytes, sizeof(bytes), (void *)at))
		return PROTOCOL_UNSEEN;
	if (ethertype == ETH_P_IP)
		return bytes[0] >> 4 == 4 ? bytes[9] : PROTOCOL_UNSEEN;
	return bytes[0] >> 4 == 6 && !is_extension(bytes[6]) ? bytes[6] : PROTOCOL_UNSEEN;
}

static __always_inline void read_ip(struct ip_part *ip, struct sk_buff *skb, __u16 ethertype,
				    const bool typed)
{
	__builtin_memset(ip, 0, sizeof(*ip));
	if (!find_ip(skb, ethertype, &ip->at, &ip->linear, typed))
		return;
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

#define MAC_HEADER_UNSET 0xffff
#define MAC_HEADER_MIN 14 /* Ethernet; a device without a link header has 0 */
#define MAC_HEADER_MAX 64
#define VLAN_TAG 4

struct sk_buff___link {
	__u16 mac_header;
	__be16 vlan_proto;
	__u16 vlan_tci;
	__u32 vlan_all;		/* both, since 6.2: not 0 if there is a tag */
	__u8 vlan_present : 1; /* that, before */
} FIELDS_USED;

/*
 * Where the link header begins that ends at `from`, as an offset from head; `from` itself if there
 * is none. The layers above leave it behind, and the bytes stay. A packet on its way out has none
 * before its neighbour is known.
 */
static __always_inline __u32 link_header(struct sk_buff *skb, __u32 from)
{
	struct sk_buff___link *link = (void *)skb;
	__u32 mac = BPF_CORE_READ(link, mac_header);

	if (mac != MAC_HEADER_UNSET && mac + MAC_HEADER_MIN <= from && mac + MAC_HEADER_MAX >= from)
		return mac;
	return from;
}

/* ---- the filter ---- */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct filter_packet);
} filter_packets SEC(".maps");

const volatile bool filtered;	 /* filter_matches() is a filter */
const volatile bool filter_link; /* that begins with the link header */

#define TEXT(x) #x
#define TEXT_OF(x) TEXT(x)

/*
 * What filter.c replaces, with the exit behind it; called only if it did. Not a naked function:
 * clang leaves those the names of their parameters out of BTF, and the kernel then refuses all of
 * it (btf_func_check). libbpf tries again, with 16 MiB for the kernel's words, and goes on without.
 */
static __attribute__((noinline)) __u64 filter_matches(struct filter_packet *packet)
{
	register __u64 r0 asm("r0");
	register struct filter_packet *r1 asm("r1") = packet;

	asm volatile(".rept " TEXT_OF(FILTER_ROOM) "\n"
		     "r0 = " TEXT_OF(FILTER_MARK) "\n"
		     ".endr\n"
		     : "=r"(r0)
		     : "r"(r1));
	return r0;
}

/* A tag that the card took off, or that it is to put in, goes where it was or will be. */
static __always_inline void put_tag(struct filter_packet *packet, struct sk_buff *skb, __u64 at,
				    __u32 n)
{
	struct sk_buff___link *link = (void *)skb;
	__be16 tag[2];

	if (bpf_core_field_exists(link->vlan_all) ? !BPF_CORE_READ(link, vlan_all)
						  : !BPF_CORE_READ_BITFIELD_PROBED(link, vlan_present))
		return;
	if (n < 12 || n > FILTER_BYTES)
		return;
	tag[0] = BPF_CORE_READ(link, vlan_proto);
	tag[1] = bpf_htons(BPF_CORE_READ(link, vlan_tci));
	__builtin_memcpy(packet->bytes + 12, tag, sizeof(tag));
	n -= 12;
	if (n > FILTER_BYTES - 12 - VLAN_TAG)
		n = FILTER_BYTES - 12 - VLAN_TAG;
	if (bpf_probe_read_kernel(packet->bytes + 12 + VLAN_TAG, n, (void *)(at + 12)))
		return;
	packet->captured = 12 + VLAN_TAG + n;
	packet->length += VLAN_TAG;
}

enum meant { MEANT, NOT_MEANT, NO_LINK_HEADER };

/* A packet without an IP header can only be meant by a filter on the link header. */
static __always_inline enum meant is_meant(struct sk_buff *skb, const struct ip_part *ip,
					   const bool typed)
{
	const __u32 zero = 0;
	struct filter_packet *packet = bpf_map_lookup_elem(&filter_packets, &zero);
	__u64 head = (__u64)READ(skb, head), data = (__u64)READ(skb, data);
	__u32 tail = READ(skb, tail), from, n;

	if (!packet || (!filter_link && !ip->family))
		return NOT_MEANT;
	from = (ip->family ? ip->at : data) - head;
	if (filter_link) {
		__u32 link = link_header(skb, from);

		if (link == from)
			return NO_LINK_HEADER;
		from = link;
	}
	if (from >= tail)
		return NOT_MEANT;
	n = tail - from;
	if (n > FILTER_BYTES)
		n = FILTER_BYTES;
	if (bpf_probe_read_kernel(packet->bytes, n, (void *)(head + from)))
		return NOT_MEANT;
	packet->captured = n;
	packet->length = READ(skb, len) + (__u32)(data - head) - from;
	if (filter_link)
		put_tag(packet, skb, head + from, n);
	return filter_matches(packet) ? MEANT : NOT_MEANT;
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

enum skb_drop_reason { SKB_DROP_REASON_ANY };

/* include/trace/events/skb.h */
struct trace_event_raw_kfree_skb {
	void *skbaddr, *location, *rx_sk;
	enum skb_drop_reason reason;
} FIELDS_USED;

/* The arguments of the tracepoint: skb, location, reason (5.17), rx_sk (6.11). */
#define ON_KFREE_SKB(handle)                                                                       \
	SEC("tp_btf/kfree_skb")                                                                    \
	int btf_4(__u64 *ctx)                                                                      \
	{                                                                                          \
		return handle((void *)ctx[0], ctx[1], ctx[2], (void *)ctx[3], true);               \
	}                                                                                          \
	SEC("tp_btf/kfree_skb")                                                                    \
	int btf_3(__u64 *ctx)                                                                      \
	{                                                                                          \
		return handle((void *)ctx[0], ctx[1], ctx[2], NULL, true);                         \
	}                                                                                          \
	SEC("tp_btf/kfree_skb")                                                                    \
	int btf_2(__u64 *ctx)                                                                      \
	{                                                                                          \
		return handle((void *)ctx[0], ctx[1], 0, NULL, true);                              \
	}                                                                                          \
	SEC("raw_tp/kfree_skb")                                                                    \
	int raw_4(__u64 *ctx)                                                                      \
	{                                                                                          \
		return handle((void *)ctx[0], ctx[1], ctx[2], (void *)ctx[3], false);              \
	}                                                                                          \
	SEC("raw_tp/kfree_skb")                                                                    \
	int raw_3(__u64 *ctx)                                                                      \
	{                                                                                          \
		return handle((void *)ctx[0], ctx[1], ctx[2], NULL, false);                        \
	}                                                                                          \
	SEC("raw_tp/kfree_skb")                                                                    \
	int raw_2(__u64 *ctx)                                                                      \
	{                                                                                          \
		return handle((void *)ctx[0], ctx[1], 0, NULL, false);                             \
	}                                                                                          \
	SEC("tp/skb/kfree_skb")                                                                    \
	int perf_4(struct trace_event_raw_kfree_skb *ctx)                                          \
	{                                                                                          \
		return handle(ctx->skbaddr, (__u64)ctx->location, ctx->reason, ctx->rx_sk, false); \
	}                                                                                          \
	SEC("tp/skb/kfree_skb")                                                                    \
	int perf_3(struct trace_event_raw_kfree_skb *ctx)                                          \
	{                                                                                          \
		return handle(ctx->skbaddr, (__u64)ctx->location, ctx->reason, NULL, false);       \
	}                                                                                          \
	SEC("tp/skb/kfree_skb")                                                                    \
	int perf_2(struct trace_event_raw_kfree_skb *ctx)                                          \
	{                                                                                          \
		return handle(ctx->skbaddr, (__u64)ctx->location, 0, NULL, false);                 \
	}

#endif
