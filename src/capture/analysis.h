/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole capture: packets in, what is wrong with the connections out. Each flow is judged once, when
 * it is over; what is wrong is added up by kind and server, so that the answer has the same size
 * whatever the capture's.
 */
#ifndef WHYDROP_ANALYSIS_H
#define WHYDROP_ANALYSIS_H

#include "capture/syns.h"
#include "capture/tcp.h"
#include "capture/udp_asks.h"

#define SERVERS_MAX 4096
#define TROUBLES_MAX 4096
#define TOP_FLOWS 10
#define ODD_LINKTYPES 8
#define ANALYSIS_BATCH 32
#define ANALYSIS_MEMORY (256ULL << 20) /* bytes; where nobody says more or less */

enum trouble_kind {
	TROUBLE_SYN_FLOOD,
	TROUBLE_SYN_PAWS,      /* its time stamp is behind those that are answered */
	TROUBLE_SYN_TIMEWAIT,  /* an older connection of the port was in the way */
	TROUBLE_SYN_SELECTIVE, /* no answer, while others were answered */
	TROUBLE_SYN_QUEUE,     /* nobody was answered then, but before or after */
	TROUBLE_SYN_SILENT,    /* a SYN sent again, and no answer */
	TROUBLE_SYN_LONE,   /* one SYN, no answer */
	TROUBLE_SYN_REFUSED,
	TROUBLE_SYN_ICMP,
	TROUBLE_SYNACK_SILENT,
	TROUBLE_SYN_LATE, /* an older connection of the port had to be reset first */
	TROUBLE_SYN_BARE, /* answered without the options that others get */
	TROUBLE_ACCEPT_FULL, /* a SYN-ACK again although its ACK was seen */
	TROUBLE_MTU,
	TROUBLE_DIED, /* sent again and again, never acknowledged */
	TROUBLE_LOSS,
	TROUBLE_ZERO_WINDOW,
	TROUBLE_RESET_IDLE,
	TROUBLE_SILENT_IDLE,
	TROUBLE_RESET_FORGED,
	TROUBLE_RESET_KEEPALIVE,
	TROUBLE_RESET_ABORT,
	TROUBLE_UDP_SILENT,
	TROUBLE_UDP_REFUSED,
	TROUBLE_UDP_LOSS, /* as the identifications tell */
	TROUBLE_ICMP,
	TROUBLE_FLAGS,
	TROUBLE_SPURIOUS,
	TROUBLE_REORDERED,
	TROUBLE_DUPLICATED,
	TROUBLE_GAP,
	TROUBLE_ONE_WAY,
	TROUBLE_RESET_INJECTED, /* by a machine that sees the connection and is no end of it */
	TROUBLE_RESET_UNKNOWN,	/* a keepalive was answered by a reset */
	TROUBLE_RESET_CLOSED,	/* data came for a program that had closed */
	TROUBLE_CLOSE_WAIT,
	TROUBLE_FIN_SILENT,
	TROUBLE_DIRECTION, /* the data of one side no longer arrives, that of the other does */
	TROUBLE_TWO_WAYS,  /* the answers go to another machine than the SYNs come from */
	TROUBLE_ID_LOSS, /* of TCP, beyond what sequence numbers show */
	TROUBLE_WINDOW,	 /* the receiver's was too small for the way */
	TROUBLE_CORRUPT,
	TROUBLE_RTP_LOSS,
	TROUBLE_UDP_LATE,   /* answered after the client asked again */
	TROUBLE_UDP_PARTLY, /* a server that answers others */
	TROUBLE_FRAGMENTS,  /* whose rest is not here */
	TROUBLE_N
};

/* Bits of detail[3] of TROUBLE_MTU: smaller ones came through; the other side was heard meanwhile. */
#define MTU_SHRUNK 1
#define MTU_HEARD 2

/* One kind of trouble with one server. */
struct trouble {
	enum trouble_kind kind;
	struct endpoint server;	 /* family 0: of all that were too many to tell apart */
	struct endpoint client;	 /* of the first; `at_client` tells whose doing it is */
	bool at_client;
	uint64_t flows;		 /* connections that have it */
	uint64_t amount, of;	 /* segments, probes ... of so many; 0 none */
	int64_t ns_min, ns_max, ns_sum, ns_survived; /* of the silence, the closed window */
	uint64_t packet, packet_2; /* where to look; 0 none */
	uint32_t flow;		 /* of the first */
	int64_t first_ns, last_ns;
	uint64_t detail[4];	 /* AGAIN_* groups, ICMP type, TTLs: see analysis_judge.c */
};

struct server {
	struct endpoint at;
	uint8_t protocol;
	uint64_t flows, opened, silent, refused, resets;
	uint64_t segments, again, bytes;
	uint64_t sent[2]; /* segments of the clients, and its own */
	int64_t rtt_sum_ns;
	uint64_t rtt_n;
	/* Of the handshakes in which nothing was sent again: which of the two ends is nearer. */
	int64_t to_server_ns, to_client_ns;
	uint64_t ways_n;
	/* UDP: flows that were answered, and the first that was not; `asked`: requests, of those that answer each */
	uint64_t udp_answered, udp_silent, silent_packets, silent_packet, asked;
	struct flow_key silent_key;
	uint32_t silent_flow;
	uint8_t silent_client;
};

#define FRAGMENTS_MAX 1024

/* A packet in pieces, as far as they have come. */
struct fragmented {
	uint8_t address[32];
	uint32_t id, family;
	struct flow_key key; /* of the first piece, which has the ports */
	uint8_t from;
	bool has_first, odd; /* odd: pieces so small that they cannot be told apart */
	uint32_t size, have; /* size: 0 until the last has come */
	uint64_t seen;	     /* a bit for each KiB at which a piece begins */
	uint64_t packet;
	int64_t at_ns; /* 0: a free place */
};

struct capture_sum {
	uint64_t packets, tcp, udp, icmp_errors, other_ip, not_ip, cut, fragments, tunnelled;
	uint64_t backwards; /* packets before the one in front of them in the file */
	uint64_t unknown_link;
	uint64_t missed; /* by the capture itself, as far as that is known */
	struct {
		uint16_t linktype;
		uint64_t packets;
	} odd_link[ODD_LINKTYPES];
	int64_t first_ns, last_ns;
	uint64_t tcp_flows, udp_flows, lone_syns, opened, midstream, closed, evicted, untracked;
	uint64_t time_wait[2]; /* of client and server: who closed first */
	uint64_t segments, again[AGAIN_N], again_sum, spurious, duplicates, reordered, late, gaps;
	uint64_t dup_acks, zeros;
	uint64_t again_of[2][AGAIN_N]; /* `again`, of clients and of servers */
};

struct analysis {
	struct flows flows;
	struct syns syns;
	struct capture_sum sum;
	struct trouble *troubles;
	size_t troubles_n;
	struct server *servers;
	size_t servers_n;
	uint16_t *trouble_slots, *server_slots;
	struct flow top[TOP_FLOWS]; /* the most troubled, then the largest */
	uint64_t top_score[TOP_FLOWS];
	size_t top_n;
	struct udp_asks asks;
	struct {
		struct fragmented *list; /* NULL until the first */
		uint64_t later;		 /* pieces that were not the first of their packet */
	} fragments;
	bool ending;
	uint32_t watched; /* the number of the flow whose packets are told one by one; 0 none */
	struct flow watched_flow;
	void (*tell)(void *context, const struct flow *f, const struct cap_packet *p, uint32_t notes);
	void *context;
};

/* Of the connections it keeps what fits into so many bytes. */
void analysis_init(struct analysis *a, uint64_t memory);
void analysis_done(struct analysis *a);
/*
 * Takes them in their order. Several at once are faster: what the table has of their connections is
 * fetched from memory for all of them before the first is looked at.
 */
void analysis_packets(struct analysis *a, const struct raw_packet *raw, size_t n);
/*
 * The two halves of it. The first changes nothing of the analysis: it may run ahead in another thread.
 */
void analysis_decode(const struct analysis *a, const struct raw_packet *raw, size_t n,
		     struct cap_packet *ret);
void analysis_take(struct analysis *a, const struct cap_packet *p, size_t n);
/* Judges what is left. Nothing comes after it. */
void analysis_end(struct analysis *a);
const char *trouble_name(enum trouble_kind k);
/* Is this end of a connection the one that waits for late packets of it (TIME_WAIT, 60 s on Linux)? */
bool end_holds_time_wait(const struct flow *f, uint8_t end);

#endif
