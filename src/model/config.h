/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user states: limits of the cloud instance that no kernel knows, findings to be ignored,
 * thresholds other than ours. From whydrop.conf and --limit, or out of a recording.
 */
#ifndef WHYDROP_CONFIG_H
#define WHYDROP_CONFIG_H

#include "base/base.h"

enum threshold_id {
#define T(id, ...) THRESHOLD_##id,
#include "model/thresholds.def"
#undef T
	THRESHOLD_N
};

enum threshold_unit { THRESHOLD_COUNT, THRESHOLD_SHARE };

struct threshold_row {
	const char *name, *meaning;
	enum threshold_unit unit;
	uint64_t value; /* SHARE: millionths */
};
extern const struct threshold_row threshold_rows[THRESHOLD_N];

enum limit_kind { LIMIT_BANDWIDTH, LIMIT_PACKETS, LIMIT_CONNECTIONS, LIMIT_KIND_N };
/* EACH: the same for what is received and for what is sent. SUM: for both together. */
enum limit_side { LIMIT_EACH, LIMIT_RX, LIMIT_TX, LIMIT_SUM, LIMIT_SIDE_N };

struct limit {
	enum limit_kind kind;
	enum limit_side side;
	char device[16]; /* "" the whole instance: all its devices together */
	uint64_t value;	 /* bits per second, packets per second, connections */
};

struct ignore {
	char cause[40];
	char device[16]; /* "" any */
	uint16_t port;	 /* 0 any */
};

struct config {
	VEC(struct limit) limits;
	VEC(struct ignore) ignores;
	bool threshold_set[THRESHOLD_N];
	uint64_t threshold[THRESHOLD_N];
};

void config_done(struct config *c);
/* The one in force; `c` may be NULL. */
uint64_t config_threshold(const struct config *c, enum threshold_id id);
/* "bandwidth-rx@eth0", as whydrop.conf and --limit name it. */
const char *limit_name(const struct limit *l, char *to, size_t size);
/* "udp-noport@53" */
const char *ignore_name(const struct ignore *i, char *to, size_t size);
const char *limit_kind_name(enum limit_kind kind);
const char *limit_side_name(enum limit_side side);

#endif
