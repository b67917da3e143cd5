/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of sums by key, bounded, with a cost that does not depend on how full they are. */
#ifndef WHYDROP_SOCKETS_SUMS_H
#define WHYDROP_SOCKETS_SUMS_H

#include "sockets/sockets.h"

/* NULL where there is no room for another key: the caller counts it to the others. */
struct sockets_sum *sums_get(struct sockets_sums *s, const struct sockets_key *key);
/* The one that is there; NULL if none is. */
struct sockets_sum *sums_find(const struct sockets_sums *s, const struct sockets_key *key);
void sums_done(struct sockets_sums *s);
/* The class of their worst first, then most sockets. The table must not be asked any more. */
void sums_sort(struct sockets_sums *s);

/* Of any bytes; the seed is of this run, so that no peer can choose addresses that collide. */
uint64_t sockets_hash(const void *data, size_t n);

#endif
