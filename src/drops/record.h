/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the BPF programs and their loader share: keys and values of the maps. Keys are compared
 * byte by byte, so padding is spelled out and always zero. Ports and the ethertype are in host
 * byte order, addresses as on the wire.
 *
 * The last byte of each key is the turn, 0 or 1: the loader changes it, waits until no program runs
 * that saw the old one, and then reads and removes what was counted in that turn while the next one
 * goes on.
 */
#ifndef WHYDROP_DROPS_RECORD_H
#define WHYDROP_DROPS_RECORD_H

#include <linux/types.h>

/* One kind of drop, with the socket it hit. */
struct drop_key {
	__u64 location; /* return address into the function that freed the packet */
	__u64 cookie;
	__u32 reason; /* subsystem in the upper half: never narrower than 32 bits */
	__u32 netns, ifindex;
	__u16 ethertype, local_port;
	__u8 protocol, family;
	__u8 not_meant; /* by the filter */
	__u8 zero[4], turn;
};

/* Of one CPU. */
struct drop_value {
	__u64 packets, bytes, segments;
};

/* The kind met last on a CPU: a storm counts here, without looking its row up. */
struct recent_drop {
	struct drop_key key;
	struct drop_value value; /* not in the row yet */
	__u64 before;		 /* packets that were in it when this became the recent kind */
};

struct flow_key {
	__u64 location;
	__u32 reason, netns, ifindex;
	__u16 source_port, destination_port;
	__u8 source[16], destination[16];
	__u8 family, protocol; /* AF_INET or AF_INET6 */
	__u8 zero[5], turn;
};

/* What a filter sees: the packet from its IP header, or from its link header. */
#define FILTER_BYTES 256

struct filter_packet {
	__u32 captured, length;
	__u8 bytes[FILTER_BYTES];
};

/* filter_matches() of skb.bpf.h, until a filter takes its place: so many times r0 = MARK. */
#define FILTER_ROOM 2048
#define FILTER_MARK 0x66696c74

/*
 * One packet. What follows `captured` bytes is not sent, unless a stack is: then all of it is.
 */
#define EVENT_BYTES 256
#define EVENT_FRAMES 32 /* the first are of the tracing itself */

struct event_record {
	__u64 at_ns, location, cookie, inode;
	__u32 reason, netns, ifindex;
	__u32 length, segments;
	__u32 buffer_used, buffer_limit;
	__u32 task_pid;
	char device[16], task_name[16];
	__u16 ethertype, local_port;
	__u16 captured, mac_header, network_at, frames;
	__u8 family, protocol, has_network, zero[5];
	__u8 bytes[EVENT_BYTES];
	__u64 stack[EVENT_FRAMES];
};

struct bucket_key {
	__u64 location;
	__u32 reason, zero;
};

/* Of one CPU. */
struct bucket {
	__u64 due_ns; /* when it is full again */
	__u64 missed; /* packets that found it empty, or no room in the ring */
};

/*
 * For each reason, location and CPU: a second of a flood is 100 lines, which is more than anybody
 * reads, and a first burst of 64 shows all of what is rare.
 */
#define EVENT_PERIOD_NS 10000000ULL
#define EVENT_BURST 64
#define BUCKET_ENTRIES 1024
#define EVENT_RING (1U << 20) /* bytes: about 2,000 packets */

/* What an XDP program left undone; act is enum xdp_action, or any other number it returned. */
struct xdp_key {
	__u32 netns, ifindex, act;
	__u8 zero[3], turn;
};

#define XDP_ENTRIES 256
#define SEND_ENTRIES 1024 /* sockets whose sends were too large, told by a drop_key */

#define FLOW_ENTRIES 4096

/*
 * A storm must stay cheap: each key's first packets (on each CPU) are all written to the flows,
 * after that only every FLOW_WEIGHT-th, which then stands for that many, and of very many every
 * FLOW_WEIGHT_MANY-th: to look a flow up costs as much as all else that is done for 20 packets.
 */
#define FLOW_EXACT 4096
#define FLOW_WEIGHT 16
#define FLOW_MANY 65536
#define FLOW_WEIGHT_MANY 128

/* An nf_tables rule. Names as long as in struct chain of model/rule.h. */
struct rule_name {
	__u64 handle;
	__u32 netns;
	__u32 family; /* NFPROTO_* */
	char table[32], chain[64];
};

/* An expression of a rule, by its address; the namespace guards against memory used again. */
struct expr_key {
	__u64 expr;
	__u32 netns, zero;
};

struct expr_value {
	__u64 header; /* address of the rule's struct nft_rule_dp, and what is in it */
	__u64 word;
	__u32 rule; /* place in the arrays of names and packets */
	__u32 zero;
};

#define RULE_ENTRIES 1024

#define SYMBOL_BATCH 64
#define SYMBOL_SIZE 64

#endif
