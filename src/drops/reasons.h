/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of drop reasons. Their numbers change with nearly every kernel, so the names come from the
 * BTF of the one that runs.
 */
#ifndef WHYDROP_DROPS_REASONS_H
#define WHYDROP_DROPS_REASONS_H

#include "base/base.h"

struct btf;

struct reason_name {
	uint32_t value; /* with the subsystem in the upper half */
	char name[48];
};

struct reason_subsystem {
	uint32_t number;
	bool tried; /* its module's BTF was looked at */
	char module[32];
};

struct reasons {
	bool none; /* this kernel gives no reasons: all are NOT_SPECIFIED */
	VEC(struct reason_name) names;
	VEC(struct reason_subsystem) subsystems;
};

void reasons_done(struct reasons *r);
/* Adds what the BTF knows; types from `first` on. */
void reasons_add_btf(struct reasons *r, const struct btf *btf, unsigned int first);
/* Writes the name, or the number where there is none. Looks into modules if it must. */
void reasons_name(struct reasons *r, uint32_t value, char *to, size_t size);
/* The number of a name; false: this kernel has none such. */
bool reasons_number(const struct reasons *r, const char *name, uint32_t *ret);

/* The name of an enumerator, or of the kernel's own list, as all of whydrop writes it. */
void reason_strip(const char *name, char *to, size_t size);

/* Whether the kernel that runs has a reason of that name in itself (not in a module). */
bool reasons_kernel_has(const char *name);

/* How many arguments the kfree_skb tracepoint has in this BTF: 2, 3 or 4; -ENOENT unknown. */
int kfree_skb_arguments(const struct btf *btf);

#endif
