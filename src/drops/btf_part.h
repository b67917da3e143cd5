/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small BTF out of a large one: the types that are wanted, and those they are made of. The
 * kernel's has 5 MB, which libbpf reads, copies and searches again for each object it loads.
 */
#ifndef WHYDROP_DROPS_BTF_PART_H
#define WHYDROP_DROPS_BTF_PART_H

#include <stdint.h>

#include "base/base.h"

struct btf;

struct btf_part {
	struct btf *btf;
	VEC(uint32_t) ids; /* of each type, by its id in btf: its id in the large one; 0 is void */
};

/*
 * Whether a type is; kind is BTF_KIND_*. Asked of named structs, unions, enums, typedefs and
 * functions alone.
 */
typedef bool btf_wanted_fn(uint32_t kind, const char *name);

/*
 * Pointers lose what they point to, but for functions; prototypes keep the number of their
 * arguments, and enums their names if they are wanted. -EBADMSG: no BTF in this machine's byte order,
 * or one with kinds of types that are not known.
 */
int btf_part_of(const void *data, size_t size, btf_wanted_fn *wanted, struct btf_part *ret);
void btf_part_done(struct btf_part *part);

#endif
