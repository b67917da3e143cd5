/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's own drop events said during the interval, already added up, of all network
 * namespaces. The unit is the skb; segments says how many wire packets they stood for (GSO).
 */
#ifndef WHYDROP_MODEL_DROPS_H
#define WHYDROP_MODEL_DROPS_H

#include "base/base.h"

struct drop {
	/* Without SKB_DROP_REASON_; "NOT_SPECIFIED"; a bare number if unknown. The kernel has none for
	 * XDP programs that fail, but a tracepoint: XDP_ABORTED, XDP_TX_FAILED, XDP_REDIRECT_FAILED. */
	char reason[48];
	char symbol[64]; /* kernel function that freed it, without offset; "0x..." if it has no name */
	uint32_t netns;	 /* inode; 0 unknown */
	uint32_t ifindex; /* 0 none */
	uint16_t ethertype; /* ETH_P_*, 0 unknown */
	uint8_t protocol; /* IPPROTO_*, 0 unknown */
	uint8_t family;	  /* of the receiving socket, 0 if there is none */
	bool not_meant;	  /* a filter was given, and it does not match */
	uint16_t local_port; /* of the receiving socket */
	uint64_t cookie;  /* of the receiving socket; 0 none or never given one */
	uint64_t packets, bytes, segments;
};

struct drop_flow {
	char reason[48], symbol[64];
	uint32_t netns, ifindex;
	uint8_t family, protocol; /* AF_INET or AF_INET6 */
	uint8_t source[16], destination[16]; /* network byte order */
	uint16_t source_port, destination_port;
	uint64_t packets;
};

/* Packets that one nf_tables rule dropped, by "drop" or a verdict map; names cut as in struct chain. */
struct drop_rule {
	uint32_t netns;
	uint8_t family; /* NFPROTO_* of the table */
	char table[32], chain[64];
	uint64_t handle;
	uint64_t packets;
};

/* Packets that have no struct drop_event: the ring was full, or their kind had too many. */
struct drop_missed {
	char reason[48], symbol[64];
	uint64_t packets;
};

struct drops {
	int err; /* negative errno: nothing was traced */
	char rung[32]; /* how: "tp_btf", "raw_tracepoint", ... */
	bool receiving_socket; /* the kernel names it (6.11 and later) */
	/* Sends refused as too large are among the rows (SEND_TOO_BIG). */
	bool sends_traced;
	int64_t sends_rested_ns; /* for so long of the interval they were not looked at */
	VEC(struct drop) rows;
	VEC(struct drop_flow) flows; /* most packets first */
	bool flows_sampled; /* flow numbers are estimates */
	uint64_t missed; /* events that could not be held */
	uint64_t no_link_header; /* not meant because the filter asks for one and they had none any more */
	VEC(struct drop_missed) events_missed; /* packets counted here, but not told one by one */
	bool rules_traced; /* rules is complete but for reject and policies */
	VEC(struct drop_rule) rules; /* most packets first */
	uint64_t rules_missed; /* dropped by rules that could not be named */
};

void drops_done(struct drops *d);

/* One row of rungs.def: a way to learn of drops. */
struct rung_row {
	const char *name, *how;
	const char *needs, *hides; /* "": nothing */
};
extern const struct rung_row rung_rows[]; /* best first; the last one needs nothing */
extern const size_t rung_rows_n;
const struct rung_row *rung_row(const char *name); /* NULL: there is none of that name */

/* Where packets end that an XDP program does not let pass, and the kernel's words for it. */
extern const char *const xdp_symbols[], *const xdp_reasons[]; /* NULL ends */
bool is_xdp_drop(const struct drop *d);

#endif
