/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SipHash-2-4 (Aumasson, Bernstein 2012): 64 bits that say nothing of the data without the key. */
#ifndef WHYDROP_SIPHASH_H
#define WHYDROP_SIPHASH_H

#include "base/base.h"

struct siphash_key {
	uint64_t k0, k1;
};

uint64_t siphash(const struct siphash_key *key, const void *data, size_t n);

#endif
