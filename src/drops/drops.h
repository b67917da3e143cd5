/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel drop events: a BPF program on the kfree_skb tracepoint adds them up in the kernel. Best
 * rung first: tp_btf, raw tracepoint. Needs CAP_BPF and CAP_PERFMON.
 */
#ifndef WHYDROP_DROPS_H
#define WHYDROP_DROPS_H

#include "model/drops.h"

struct drop_tracer;

/* For tests: zeros mean the ladder, and the size that suits this machine. */
struct drop_tracer_options {
	const char *rung; /* only this one, "tp_btf" or "raw_tracepoint" */
	uint32_t entries; /* of the map of drops */
};

/*
 * Loads and attaches, counting nothing yet. -EPERM without the capabilities, -ENOENT without BTF,
 * -EOPNOTSUPP if the kernel takes none of the programs.
 */
int drop_tracer_open(struct drop_tracer **ret);
int drop_tracer_open_with(const struct drop_tracer_options *options, struct drop_tracer **ret);
/* Which rung it stands on ("tp_btf"), for selfcheck. */
const char *drop_tracer_rung(const struct drop_tracer *t);
/* From here on drops are counted, from zero also when it is started again after a read. */
void drop_tracer_start(struct drop_tracer *t);
/* From here on no more, which takes no time; reading may follow when there is some. */
void drop_tracer_stop(struct drop_tracer *t);
/* Stops if need be, and reads what was counted, names resolved. */
int drop_tracer_read(struct drop_tracer *t, struct drops *ret);
void drop_tracer_close(struct drop_tracer *t);

#endif
