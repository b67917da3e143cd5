/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all TCP connections of a namespace come to, counted while they are read: few of them are
 * kept. By state, by how long they have been silent, and by whom they are with.
 */
#ifndef WHYDROP_TCP_TALLY_H
#define WHYDROP_TCP_TALLY_H

#include "model/user.h"

/* Connections of one listening port, or those begun here to one address and port. */
struct tcp_group {
	bool begun_here;
	uint8_t family, address[16]; /* the peer's, of those begun here; of its sockets: may be mapped */
	uint16_t port;
	uint32_t n[TCP_STATES];
	uint32_t unwatched; /* established, everything acknowledged, and no keepalive */
	uint32_t silent_s;  /* how long the one of these has heard nothing that has longest */
};
#define TCP_GROUPS_MAX 4096

/* Ages go into steps, each holds those from its own age on up to the next. */
#define AGE_STEPS 22
struct tcp_ages {
	uint64_t n[AGE_STEPS];
};
extern const uint32_t age_steps_s[AGE_STEPS];
/* How many are that old: those of whole steps, rather too few than too many. */
uint64_t tcp_ages_from(const struct tcp_ages *a, uint64_t seconds);

struct tcp_tally {
	uint64_t n[TCP_STATES];	      /* all but listeners, and TIME_WAIT only where that was read */
	uint64_t orphans[TCP_STATES]; /* of them, those that no program holds any more */
	uint64_t segments_again;      /* sent again since they began */
	/* Established, all acknowledged, no keepalive timer: since when nothing was heard. */
	struct tcp_ages unwatched;
	/* Established with keepalive: the least that its idle time (TCP_KEEPIDLE) can be. */
	struct tcp_ages keepalive;
	/* In CLOSE_WAIT: since when nothing was heard, which was the peer's end. */
	struct tcp_ages close_wait;
	uint64_t ungrouped;	/* of no group: there were too many */
	uint64_t counted_only;	/* worth keeping, but that many are not kept */
	uint64_t cut_at;	/* no more than so many were read; 0: all were */
	bool as_before;		/* nothing moved since the beginning: that is where they were read */
};

/* Which group a key stands in, while they are filled. */
struct tcp_index {
	uint16_t slot[TCP_GROUPS_MAX * 2]; /* place in the vector + 1 */
	uint8_t listening[65536 / 8];	   /* ports of listeners seen so far */
};

struct snapshot;
void tcp_tally_listener(struct tcp_index *index, const struct socket *sk);
/* A connection; its numbers (struct tcp_numbers) may be missing. */
void tcp_tally_add(struct snapshot *s, struct tcp_index *index, const struct socket *sk);
/* Nothing came for so long, in ms: neither data nor an acknowledgement. */
uint32_t tcp_silent_ms(const struct socket *sk);

#endif
