/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A diagnosis of one process, port, peer or device: what has nothing to do with it is left out of
 * the findings and of the verdict, and named. What cannot be told apart stays, and says so.
 */
#ifndef WHYDROP_NARROW_H
#define WHYDROP_NARROW_H

#include "model/drops.h"
#include "model/observation.h"
#include "model/rule.h"

/* All that is given must fit. */
struct narrow {
	int pid;	  /* 0: any */
	uint16_t port;	  /* at either end; 0: any */
	uint8_t family;	  /* of the peer; 0: any */
	uint8_t prefix;	  /* leading bits that count */
	uint8_t peer[16];
	char device[16];  /* "": any */
	/* Sockets that the process is known to hold, and if that is all of them. */
	VEC(uint32_t) inodes;
	bool inodes_complete;
};

void narrow_done(struct narrow *n);
/* "10.0.0.0/8", "2001:db8::1": -EINVAL if it is none. */
int narrow_parse_peer(struct narrow *n, const char *text);
/* "port 53 and device eth0" */
void narrow_words(const struct narrow *n, struct buf *ret);
/* A dropped packet's flow in a namespace; MAYBE where it does not tell. */
enum answer narrow_flow(const struct narrow *n, const struct observation *o,
			const struct drop_flow *flow);

struct diagnosis;
/* Between finding and verdict: moves what is not meant from d->findings to d->others. */
void narrow_findings(struct diagnosis *d);

#endif
