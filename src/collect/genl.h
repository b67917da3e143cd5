/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generic netlink: families found without making the kernel load one, and their dumps. */
#ifndef WHYDROP_GENL_H
#define WHYDROP_GENL_H

#include "collect/host.h"

/* The family's number in *ret; -ENOENT if this kernel has none of that name. */
int genl_family(struct host *h, const char *name, uint16_t *ret);
int parse_genl_family(const struct buf *answer, const char *name, uint16_t *ret);

/* A request with `attributes` behind its header; `flags` as NLM_F_DUMP. */
int genl_request(struct host *h, const char *entry, uint16_t family, uint8_t command,
		 uint16_t flags, const struct buf *attributes, struct buf *ret);

/* Attributes put together; nest_open() returns what nest_close() takes. */
void genl_put(struct buf *b, uint16_t type, const void *data, size_t n);
void genl_put_u32(struct buf *b, uint16_t type, uint32_t value);
size_t genl_nest_open(struct buf *b, uint16_t type);
void genl_nest_close(struct buf *b, size_t nest);

#endif
