/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the SYNs of several connections tell together: whom a server answers while it ignores others,
 * whose time stamps it refuses, and floods. Looked at for SYNs and what opens a connection only.
 */
#ifndef WHYDROP_SYNS_H
#define WHYDROP_SYNS_H

#include "capture/flow.h"

#define SYN_PORTS_MAX 4096
#define SYN_PAIRS_MAX 8192
#define SYN_SECONDS 16
#define SYN_SOURCES 32768 /* bits */

struct endpoint {
	uint8_t family;
	uint16_t port;
	uint8_t address[16];
};

/* Of one host's SYNs all look alike; so do those of one program that forges them. */
struct syn_form {
	uint16_t window, mss;
	uint8_t ttl, scale;
	bool has_ts, sack_permitted;
};

/* A port of a server. Seconds are those of the capture's clock. */
struct syn_port {
	struct endpoint at;
	int64_t second;
	uint32_t syns, concluded; /* in it: begun, opened or refused */
	uint32_t earlier[SYN_SECONDS]; /* SYNs of the seconds before it that were no flood */
	uint8_t earlier_n, earlier_at;
	/* Seconds one after the other in which hardly anything was concluded; `alarm`: and too much begun. */
	struct {
		uint64_t syns;
		int64_t first_ns;
		bool alarm;
	} run;
	struct {
		uint64_t syns, again; /* again: by clients that mean it */
		uint64_t packet;      /* the first that was too much */
		int64_t first_ns, last_ns;
		uint32_t peak, flow;
		uint64_t formed, other_forms;
		struct syn_form form;
	} flood;
	uint64_t *sources;     /* SYN_SOURCES bits; NULL: there never were so many SYNs in a second */
	int64_t answered_ns;   /* the last SYN-ACK; 0: none */
	uint64_t answered;
	uint64_t whole, bare;  /* SYN-ACKs with some option of those that the SYN had, and with none */
	uint64_t bare_packet;
	/* Ethernet: of the last SYN, and whose it was. */
	uint8_t mac_to[6], mac_from[6];
	struct endpoint mac_client; /* family 0: it had none */
	/* Its answers, by whether they went back to its sender, or to (came from) another machine. */
	uint64_t one_way, other_ways, other_to, other_from;
	uint64_t two_ways_packet;
	uint32_t two_ways_flow;
	uint32_t bare_flow;
};

/* A client's address and a port of a server: the last connection that was answered. */
struct syn_pair {
	struct endpoint at;
	uint8_t client[16];
	int64_t answered_ns; /* 0: none */
	int64_t ts_ns;	     /* of the SYN with the largest time stamp that was answered in the last minute */
	int64_t against_ns;  /* when one behind it was answered, or one not behind it ignored; 0: never */
	uint32_t tsval;
	uint32_t steady;     /* so many of those that were answered went on by one clock */
	struct syn_form form;
};

struct syns {
	struct syn_port *port;
	struct syn_pair *pair;
	uint16_t *port_slots, *pair_slots;
	size_t ports_n, pairs_n;
};

void syns_init(struct syns *s);
void syns_done(struct syns *s);

#endif
