/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two captures of the same traffic, `[0]` nearer its one end than `[1]`: what happened on the hop
 * between them. Packets are known again by what routers leave alone: TTL, checksums, QoS bits and
 * (told where it is so) addresses and ports are not looked at. Of TCP these are sequence and
 * acknowledgement, length and flags, of all the IPv4 identification; large packets of GSO and GRO
 * are taken apart by the MSS of their connection first.
 *
 * Each file is read twice: for the offset of its clock (compare_clock.c), then packet by packet in
 * the order of time (compare.c). What finds no partner within HOP_WINDOW_NS is judged in the end
 * (compare_judge.c). Memory is bounded; what was not compared is counted.
 */
#ifndef WHYDROP_COMPARE_H
#define WHYDROP_COMPARE_H

#include "capture/packet.h"

#define HOP_FLOWS_MAX 65536	     /* of each capture */
#define HOP_PENDING_MAX (1U << 18)   /* packets that may still find their partner */
#define HOP_LEFT_MAX (1U << 18)	     /* packets without one whose numbers are kept */
#define HOP_WINDOW_NS (10 * NSEC_PER_SEC)
#define HOP_HEAD 16		     /* bytes of the payload that tell UDP packets apart */
#define HOP_BUCKETS 512		     /* of delays */

/* Of one packet, or of one segment of a packet of several. */
struct sight {
	uint64_t key; /* what of it survives the way */
	uint64_t number, twin; /* twin: of the other capture, the partner of another one like it */
	int64_t at_ns;
	/* Hashes of the first HOP_HEAD bytes (of bare ACKs: of what they SACK), of the payload; 0 unknown */
	uint64_t head, body;
	uint64_t next;	     /* one more than the place in the ring of the one before in its bucket */
	uint32_t flow, seq, ack, length, tsval, tsecr;
	uint16_t id, window, mss;
	uint8_t side, from, flags, ttl, tos, options, protocol, fate;
	/* Of TCP: its bytes were sent before; they were acknowledged by the time that was allowed for a partner */
	bool again, acked;
	bool matched;
	bool has_id, has_ts;
};

enum hop_option { HOP_TS = 1, HOP_SACK = 2, HOP_SCALE = 4, HOP_MSS = 8 }; /* of SYNs */

enum fate {
	FATE_LOST,     /* on the hop */
	FATE_MISSED,   /* the other capture missed it; it passed there */
	FATE_EDGE,     /* the other capture had not begun yet, or was over */
	FATE_TWICE,    /* one more of a packet that passed: doubled on the hop */
	FATE_RESET,    /* a reset that somebody on the hop made */
	FATE_ELSEWHERE, /* of traffic that does not pass the other capture at all */
	FATE_MERGED,   /* its bytes are there, in packets of other sizes */
	FATE_N
};

/* The way of a packet over the hop: from capture 0 to capture 1, or back. */
enum way { WAY_THERE, WAY_BACK };

/* What was changed on the hop, counted in packets, with the first of them (in capture 0). */
enum hop_change_kind { CHANGE_PAYLOAD, CHANGE_MSS, CHANGE_OPTIONS, CHANGE_ECN, CHANGE_DSCP, CHANGE_WINDOW, CHANGE_ID,
	      CHANGE_N };

struct hop_change {
	uint64_t packets, first;
	uint32_t from, to; /* of the first, before the hop and behind it; until judged in capture 0 and in 1 */
};

/* One direction of a connection. */
struct hop_dir {
	uint64_t packets, matched;
	uint64_t fate[FATE_N]; /* of those of this capture that have no partner */
	/* The rest stands in the flow of capture 0 only. */
	enum way way;
	bool way_known;
	uint8_t ttl[2];
	uint64_t last[2], reordered[2], first_reordered[2]; /* by the order of either capture */
	int64_t diff_min, diff_max, diff_last; /* time in capture 1 less that in 0 */
	double diff_sum;		       /* of these, each less the offset of the clocks */
	int64_t jitter_ns;				 /* RFC 3550, 6.4.1 */
	struct hop_change change[CHANGE_N];
	/* TCP: in each capture on its own. */
	uint32_t nxt, acked;
	uint16_t mss;
	bool nxt_known, acked_known;
};

struct hop_flow {
	struct flow_key key;
	uint32_t hash;
	uint32_t peer; /* index of it in the other capture, and one; 0: it is not there */
	bool flip;     /* the lower end of this key is the upper one there: an address was changed */
	bool translated;
	uint64_t first;
	struct hop_dir dir[2];
};

struct hop_side {
	const char *name;
	struct reader_sum file;
	uint64_t packets, compared, segments; /* segments: of packets taken apart */
	uint64_t untracked, not_ip, fragments;
	int64_t first_ns, last_ns;
	VEC(struct hop_flow) flows;
	uint32_t *slots; /* index and one */
};

struct hop_clock {
	bool known; /* the same traffic goes both ways: the smallest delays are taken as equal */
	int64_t offset_ns, error_ns; /* capture 1's clock less that of capture 0; the most it can be off */
	int64_t least_ns[2]; /* smallest delay of each way, offset and all; where one way is seen only */
	bool seen[2];
	uint64_t pairs;
};

struct hop_way {
	uint64_t matched, reordered, fate[FATE_N];
	uint64_t upstream; /* packets that entered the hop within the common span */
	int64_t least_ns, most_ns;
	uint64_t delay[HOP_BUCKETS];
	int64_t jitter_ns; /* mean of the flows', by packets */
};

struct hop_range {
	uint32_t flow;
	uint8_t from;
	int64_t seq, end; /* of the 32 bits; the end may lie behind them */
};

struct hop {
	struct hop_side side[2];
	struct hop_clock clock;
	struct hop_way way[2];
	struct sight *ring;
	uint64_t *buckets;
	uint64_t head, tail; /* places ever used; those from tail to head are alive */
	uint64_t hurried;    /* judged before HOP_WINDOW_NS were over, for want of room */
	VEC(struct sight) left;
	uint64_t left_out; /* without a partner, and not kept */
	VEC(struct hop_range) resent; /* bytes that were sent again, and passed */
	uint64_t seed;
};

/* The message says which of the files cannot be read. */
int hop_compare(const char *first, const char *second, struct hop *ret, struct buf *message);
void hop_done(struct hop *h);

/* ---- the parts ---- */

/* The ends of it, and which sent it. False: it does not go past the next router. */
bool sight_key(const struct cap_packet *p, struct flow_key *ret, uint8_t *ret_from);
/* False: nothing that can be compared. */
bool sight_of(const struct cap_packet *p, struct sight *ret);
/* What tells it apart even where identifications are rewritten; of a sample only. */
uint64_t sight_lasting(const struct sight *s);
/* The segment from byte `at` on of a packet of several, and its key. */
struct sight sight_segment(const struct sight *whole, const struct cap_packet *p, uint32_t at, uint32_t size);
int hop_clocks(const char *const path[2], struct hop *h, struct buf *message);
void hop_judge(struct hop *h);
/* The same packet, in capture 0 and in capture 1. */
void hop_pair(struct hop *h, const struct sight *a, const struct sight *b);
/* A delay's bucket is 1/16 of its size wide, from 1 us on. */
size_t delay_bucket(int64_t ns);
int64_t delay_of(size_t bucket);
/* So many of 1000 delays are not larger. */
int64_t hop_delay(const struct hop_way *w, unsigned int permille);

/* 32 bits: of a packet and an acknowledgement that are less than 2 GiB apart. */
static inline bool hop_acked(const struct hop_dir *d, const struct sight *s)
{
	return d->acked_known && (int32_t)(d->acked - (s->seq + s->length)) >= 0;
}

/* Of the differences, above the offset of the clocks. */
static inline double hop_mean(const struct hop_dir *d)
{
	return d->diff_sum / (double)MAX(d->matched, 1);
}

static inline struct hop_flow *hop_flow(const struct hop *h, const struct sight *s)
{
	return &h->side[s->side].flows.items[s->flow];
}

/* The flow of capture 0 that keeps the numbers of both, and the direction in it; its own where unpaired. */
struct hop_dir *hop_dir_of(const struct hop *h, uint8_t side, uint32_t flow, uint8_t from);

#endif
