/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections of a capture. Memory is bounded: an unanswered SYN takes a small place in a ring,
 * a connection becomes a flow with its second packet, and when there is no room for more the closed
 * and the longest idle ones are judged and given up. What was given up is counted.
 */
#ifndef WHYDROP_FLOW_H
#define WHYDROP_FLOW_H

#include "capture/checksum.h"
#include "capture/ipid.h"
#include "capture/packet.h"
#include "capture/rtp.h"

#define HALF_OPEN_MAX 131072
#define SEGMENTS_KEPT 16
#define HOLES_KEPT 8

#define RESENT_KEPT 16

struct segment {
	uint32_t seq, end, tsval;
	uint16_t id;
	bool damaged; /* its checksum is wrong */
	int64_t at_ns;
};

/* One that was sent again, until it is known whether it had to be. */
struct resent {
	uint32_t seq, end, tsval;
	uint32_t segments; /* 0: it is known */
};

/* Bytes that were sent before others that are here, and are not. */
struct hole {
	uint32_t from, to;
	uint32_t tsval; /* and the rest: of the packet behind it */
	uint16_t id;
	bool has_id, has_ts;
	bool merged; /* of several, more than are kept: with what was seen between them */
	int64_t at_ns;
};

/* Of a direction that sends data; given back when the connection ends. */
struct track {
	union {
		struct segment sent[SEGMENTS_KEPT];
		struct rtp rtp; /* UDP */
	};
	struct hole hole[HOLES_KEPT];
	struct resent resent[RESENT_KEPT];
	uint32_t resent_at, first; /* first: of `resent`, that of the first byte that is missing (HALF_RESENT) */
	uint32_t sums; /* checksums looked at since one was wrong, or something was sent again */
	uint32_t sacked_from, sacked_to; /* the block that an ACK of its data named first, the last time */
	int64_t stuck_ns, stuck_gap_ns;	 /* when its first byte was sent again, and how long after the time before */
	struct track *next_free;
};

enum half_bits {
	HALF_SEEN = 1 << 0,
	HALF_SYN = 1 << 1,
	HALF_TS = 1 << 2,
	HALF_SACK = 1 << 3,
	HALF_FIN = 1 << 4,
	HALF_FIN_ACKED = 1 << 5,
	HALF_ZERO = 1 << 6,	    /* its window is closed */
	HALF_SACKED = 1 << 7,	    /* something of it is SACKed above `una` */
	HALF_RTO = 1 << 8,	    /* until `recover` is ACKed it recovers from a timeout */
	HALF_TLP = 1 << 9,	    /* a probe was sent for this `una` */
	HALF_UNA = 1 << 10,	    /* `una` is known */
	HALF_TIMING = 1 << 11,	    /* a round trip is being timed */
	HALF_SCALED = 1 << 12,	    /* its window is scaled by `scale` */
	HALF_SHORT = 1 << 13,	    /* its last segment was less than an MSS */
	HALF_SHRUNK = 1 << 14,	    /* what was stuck came through once it was smaller */
	HALF_ASKED = 1 << 15,	    /* its last packet was a keepalive or a probe */
	HALF_STALLED = 1 << 16,	    /* it has sent nothing since the other's window closed */
	HALF_IDS = 1 << 17,	    /* `id` is known */
	HALF_IDS_WILD = 1 << 18,    /* its identifications are no series */
	HALF_STEADY = 1 << 19,	    /* what is stuck was not sent again with growing pauses */
	HALF_STUCK_HEARD = 1 << 20, /* the other side sent something while it was stuck */
	HALF_RESENT = 1 << 21,	    /* the first that is missing was sent again */
};

/* Why a segment was sent again. */
enum again { AGAIN_SYN, AGAIN_FAST, AGAIN_TLP, AGAIN_RTO, AGAIN_RTO_RECOVERY, AGAIN_LOST, AGAIN_UNKNOWN,
	     AGAIN_N };

enum held_by { HELD_APP, HELD_WINDOW, HELD_NETWORK, HELD_N };

#define CACHE_LINE 64

/*
 * One direction. What every packet needs comes first, in three cache lines, and then what only
 * losses, closed windows and the end touch.
 */
struct half {
	uint32_t nxt, una;
	uint32_t last_ack; /* what it acknowledged last */
	uint32_t bits;
	uint16_t window, mss, id; /* id: that which its next packet should have */
	uint16_t window_top;	  /* the largest, not scaled */
	uint8_t ttl, scale;
	uint8_t sent_at, holes; /* of `track` */
	uint8_t fins;		/* times its FIN was sent; 255: or more */
	uint32_t dup_run;
	int64_t last_ns, sent_ns, acked_ns;
	uint32_t last_size, stuck_n;

	struct track *track;
	int64_t timing_ns;
	uint32_t timing_end, acked_size;
	int64_t srtt_ns, rtt_min_ns;
	uint64_t packets, segments, bytes;

	union {
		int64_t limited_ns[HELD_N]; /* TCP */
		struct id_count ids;	    /* UDP */
	};
	uint32_t silent_keepalives;
	uint32_t isn;

	uint32_t recover, fin_seq;
	uint32_t stuck_seq, stuck_size; /* of an MTU black hole */
	uint32_t dup_acks, dup_run_max, dup_triples; /* dup ACKs for its data */

	uint32_t again[AGAIN_N], again_sum, spurious, duplicates, reordered, late, gaps, dsacks;
	uint32_t zeros, probes, keepalives;
	int64_t zero_ns, zero_sum_ns, zero_max_ns;
	uint64_t first_again, first_zero, first_gap, first_reordered, first_duplicate;

	union {
		struct {
			uint32_t id_missing, id_jumps; /* packets, and steps of the identification that were not one */
			uint32_t corrupt; /* whose checksum is wrong, and which were sent again */
			uint64_t first_corrupt, first_id_jump;
			int64_t stall_ns; /* the longest time without data for a closed window */
		};
		struct udp_sum udp;
	};
} __attribute__((aligned(CACHE_LINE)));

enum flow_bits {
	FLOW_MIDSTREAM = 1 << 0, /* its beginning is not in the capture */
	FLOW_ESTABLISHED = 1 << 1,
	FLOW_DATA = 1 << 2,
	FLOW_RESET = 1 << 3,
	FLOW_CROSSED = 1 << 4, /* both FINs were under way at once */
	FLOW_REUSED = 1 << 6, /* its ports had a connection before */
	FLOW_GONE_ON = 1 << 7, /* packets came after its reset */
	FLOW_CHALLENGED = 1 << 8, /* a SYN was answered by an ACK of another connection */
	FLOW_HALF_CLOSED = 1 << 9, /* one side sent on after it had acknowledged the other's FIN */
	FLOW_RESET_TWICE = 1 << 10, /* with another number, and nothing came in between */
	FLOW_FORWARDED = 1 << 17, /* packets are there again one hop further on */
	FLOW_ANSWER_UNSEEN = 1 << 18, /* the client goes on after its SYN: only the capture has no SYN-ACK */
	/* While its SYN was sent again: somebody else was answered, nobody was, its own address was. */
	FLOW_SYN_OTHERS = 1 << 12,
	FLOW_SYN_NOBODY = 1 << 13,
	FLOW_SYN_SOURCE = 1 << 14,
	FLOW_SYN_PAWS = 1 << 15, /* its time stamp was behind those that were answered */
	FLOW_SYN_OTHER_HOST = 1 << 16, /* and it looked otherwise than theirs */
	FLOW_RESET_LIVES = 1 << 11, /* data came after it, from the side that was said to reset */
};

/* Ordered as a half is: two cache lines for every packet, the two directions, and the rest. */
struct flow {
	struct flow_key key;
	uint32_t number; /* from 1, in order of appearance; 0: free */
	uint32_t bits;
	uint32_t hash;
	uint8_t client;	 /* which end of the key began it */
	uint8_t closer;	 /* who sent the first FIN; 2: nobody */
	uint8_t icmp_type, icmp_code;
	int64_t last_ns;

	int64_t wake_ns;     /* that before the packet which nothing has answered yet; 0: none */
	uint64_t last_packet;
	int64_t opened_ns, data_ns, synack_ns; /* 0: not seen */
	uint32_t syns, synacks, late_synacks; /* late: after the ACK that answers it */
	uint32_t wake_again; /* how often the packet after the silence was sent again */
	uint8_t wake_by;
	struct half half[2];

	uint32_t icmp_mtu;
	uint64_t first_packet, icmp_packet, wake_packet;
	int64_t first_ns;
	int64_t syn_ns, last_syn_ns; /* 0: not seen */
	uint64_t synack_packet, open_packet, fin_packet;
	int64_t idle_max_ns; /* the longest silence that it survived */
	int64_t fin_ns;	     /* of the first FIN */
	/* Of the side that asked first whether the other lives; `keepalive_gap_ms`: the last pause between two. */
	int64_t keepalive_ns;
	uint32_t keepalive_first_ms, keepalive_gap_ms;
	uint32_t syn_tsval; /* of the first SYN */
	uint8_t keepalive_by;

	/* Of the first reset. */
	struct flow_reset {
		uint64_t packet;
		int64_t idle_ns, silent_ns; /* since anything; since its sender's last packet */
		uint32_t unacked[2];
		uint32_t seq, payload;
		uint16_t window;
		uint8_t by, ttl, usual_ttl;
		bool ack, has_ts, id_zero, by_fin, early, after_again;
		bool late_data;	    /* the other side had sent after the FIN of this one */
		bool of_keepalive;  /* it answers one */
	} reset;
};

/* A SYN that nothing has followed yet: what is needed to make a flow of it. */
struct lone_syn {
	struct flow_key key;
	int64_t at_ns;
	uint64_t packet;
	uint32_t number, hash, seq, tsval;
	uint16_t mss, window, id, ip_length;
	uint8_t from, ttl, scale, flags;
	bool has_ts, has_scale, sack_permitted, has_id;
};

struct flow_slot {
	uint32_t hash, ref; /* 0: free */
};

struct flows {
	uint64_t seed;
	struct flow_slot *slots;
	size_t slots_n, used;
	struct flow *flow; /* `flows_max` of them, of which the kernel has given what was `made` */
	size_t flows_max, made, hand;
	uint32_t free_first; /* a reference; a free flow's `hash` is the next; 0: none */
	struct track *free_tracks;
	struct lone_syn *ring;
	size_t ring_max, ring_at;
	uint32_t numbers;
	uint64_t evicted;
	uint64_t checksums[CHECKSUM_N]; /* of the segments whose checksum was looked at */
	/* Called once for each that ends, is given up, or is left at the end. */
	void (*flow_over)(void *context, struct flow *f);
	void (*syn_over)(void *context, const struct lone_syn *h);
	void *context;
};

/* With all that may come it takes no more than `memory` bytes, but one flow and one SYN at least. */
void flows_init(struct flows *t, uint64_t memory);
void flows_done(struct flows *t);
/* Tells all that are left; none is afterwards. */
void flows_end(struct flows *t);
/*
 * The kernel clears a page when it is touched first, which takes it a millisecond for a large one: it
 * may do so in another thread, before the table comes there. `prepared`: what it returned last, 0 at
 * first.
 */
size_t flows_prepare(const struct flows *t, size_t prepared);
/*
 * Ahead of flows_find(), some packets early: first the slot, then what it refers to, which is returned:
 * the flow of that hash, if there is one still.
 */
struct flow *flows_fetch(const struct flows *t, uint32_t hash);
struct flow *flows_find(struct flows *t, const struct flow_key *key, uint32_t hash,
		       struct lone_syn **ret_syn);
struct flow *flow_new(struct flows *t, const struct flow_key *key, uint32_t hash, uint32_t number,
		      const struct cap_packet *p);
/* Notes a SYN, the first packet of its ports. */
void flow_note_syn(struct flows *t, const struct cap_packet *p, uint32_t hash);
/* Takes a SYN out of the ring, whose flow is to be made. */
void flow_forget_syn(struct flows *t, struct lone_syn *h);
void flow_forget(struct flows *t, struct flow *f);
struct track *flow_track(struct flows *t, struct half *h);
void flow_untrack(struct flows *t, struct half *h);

/* Pairs of words are multiplied to 128 bits and folded, side by side: none waits for another. */
static inline uint64_t flow_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint32_t flow_hash(const struct flows *t, const struct flow_key *key)
{
	uint64_t w[sizeof(*key) / 8], h;

	memcpy(w, key, sizeof(w));
	h = flow_fold(w[0] ^ t->seed, w[2] ^ 0x9fb21c651e98df25ULL) +
	    flow_fold(w[1] ^ t->seed, w[3] ^ 0xc2b2ae3d27d4eb4fULL);
	h = flow_fold(h ^ w[4], t->seed | 1);
	return (uint32_t)(h ^ h >> 32);
}

static inline bool same_key(const struct flow_key *a, const struct flow_key *b)
{
	uint64_t x[sizeof(*a) / 8], y[sizeof(*b) / 8], differ = 0;

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	for (size_t i = 0; i < ARRAY_SIZE(x); i++)
		differ |= x[i] ^ y[i];
	return !differ;
}

static inline void flows_fetch_slot(const struct flows *t, uint32_t hash)
{
	__builtin_prefetch(&t->slots[hash & (t->slots_n - 1)]);
}

/* The place where a segment that is sent next will be remembered: it takes 28 bytes. */
static inline void flow_fetch_track(const struct half *h)
{
	if (h->track)
		__builtin_prefetch(&h->track->sent[h->sent_at], 1);
}

static inline bool seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

#endif
