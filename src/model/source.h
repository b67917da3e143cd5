/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where numbers come from and what there is of them: sources, counters and sysctls, a row each. */
#ifndef WHYDROP_SOURCE_H
#define WHYDROP_SOURCE_H

#include "base/parse.h"
#include "model/path.h"

enum source {
#define S(id, ...) SRC_##id,
#include "model/sources.def"
#undef S
	SOURCE_N
};
#define SOURCE_BIT(source) (UINT64_C(1) << (source)) /* sets of sources are such masks */

enum source_status {
	SOURCE_ABSENT, /* not collected: err says why (0: nobody asked) */
	SOURCE_OK,
	SOURCE_UNUSED, /* the kernel or this namespace does not have the thing: nothing is lost there */
};

struct source_state {
	enum source_status status;
	int err; /* negative errno */
};

enum scope { SCOPE_HOST, SCOPE_NETNS, SCOPE_DEVICE, SCOPE_QUEUE, SCOPE_CPU, SCOPE_SOCKET, SCOPE_RULE };
enum counter_kind { KIND_COUNTER, KIND_GAUGE, KIND_LIMIT };

/* What a counter that grows says of loss; the words are told in counters.def. */
enum counter_loss { MEANS_, MEANS_LOSS, MEANS_PART, MEANS_SIGN, MEANS_BENIGN };

enum counter_id {
#define C(id, ...) C_##id,
#include "model/counters.def"
#undef C
	COUNTER_N
};
#define LINK_FIRST C_LINK_RX_PACKETS
#define LINK_STATS (C_LINK_RX_OTHERHOST_DROPPED - LINK_FIRST + 1)
#define SOFTNET_FIRST C_SOFTNET_PROCESSED
#define SOFTNET_STATS (C_SOFTNET_BACKLOG_LEN - SOFTNET_FIRST + 1)
#define SOFTIRQ_FIRST C_SOFTIRQ_HI
#define SOFTIRQ_STATS (C_SOFTIRQ_RCU - SOFTIRQ_FIRST + 1)

struct counter_row {
	const char *id, *name, *unit, *meaning;
	enum source source;
	enum stage stage;
	enum scope scope;
	enum counter_kind kind;
	unsigned int width;
	enum counter_loss loss;
};
extern const struct counter_row counter_rows[COUNTER_N];
/* By the name in a source; COUNTER_N: none. With a prefix, "Udp" and "NoPorts" are Udp.NoPorts. */
enum counter_id counter_named(enum source source, struct span prefix, struct span name);

struct source_row {
	const char *id, *name, *loses, *unlock;
	enum scope scope;
};
extern const struct source_row source_rows[SOURCE_N];

enum sysctl_id {
#define K(id, ...) K_##id,
#include "model/sysctls.def"
#undef K
	SYSCTL_N
};
struct sysctl_row {
	const char *id, *path, *meaning;
	enum scope scope;
};
extern const struct sysctl_row sysctl_rows[SYSCTL_N];

struct sysctl_value {
	unsigned int n; /* numbers in it; 0: absent */
	int64_t v[3];
};

#endif
