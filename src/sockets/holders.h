/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who holds which socket: every descriptor of every process, read once, in a table by inode whose
 * cost of an answer does not depend on how many there are. 12 bytes an entry, at most half full.
 */
#ifndef WHYDROP_SOCKETS_HOLDERS_H
#define WHYDROP_SOCKETS_HOLDERS_H

#include "sockets/sockets.h"

struct holding {
	uint32_t inode;	 /* 0: free */
	uint32_t first;	 /* index of a process */
	uint32_t others; /* index + 1 of what is known of its other holders; 0: none */
};

/* A socket that a process and its children hold, as a rule. */
struct holding_others {
	uint32_t n; /* other holders, each process once */
	uint32_t last; /* of them: the descriptors of one process come together */
	uint32_t processes[SOCKETS_HOLDERS - 1];
};

struct holders {
	VEC(struct socket_holder) processes;
	struct holding *slots;
	size_t slots_n, used;
	VEC(struct holding_others) others;
	struct sockets_owners how;
};

/*
 * By the iterator, or if that is refused (or not wanted) by /proc. `netns`: the inode of the only
 * namespace that matters; 0: all. What failed is in h->how.
 */
void holders_read(struct holders *h, uint32_t netns, bool by_proc);
void holders_done(struct holders *h);

/* While reading: a process, and then its sockets. */
void holders_add_process(struct holders *h, int pid, const char *comm);
void holders_add_socket(struct holders *h, uint32_t inode);

/* It will be asked for: memory is slower than all the rest of an answer. */
void holders_expect(const struct holders *h, uint32_t inode);
/* NULL: nobody who can be seen holds it. */
const struct holding *holders_find(const struct holders *h, uint32_t inode);
/* How many there are; the first *ret_n of them, at most SOCKETS_HOLDERS, as indices. */
size_t holders_of(const struct holders *h, const struct holding *holding,
		  uint32_t ret[SOCKETS_HOLDERS], size_t *ret_n);

#endif
