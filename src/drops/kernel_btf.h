/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the running kernel's BTF says of the types and tracepoints that the BPF programs use: read
 * once in the life of a process, as it costs 5 MB to look at. Modules' types are not in it.
 */
#ifndef WHYDROP_DROPS_KERNEL_BTF_H
#define WHYDROP_DROPS_KERNEL_BTF_H

#include <stdbool.h>
#include <stdint.h>

struct bpf_object_open_opts;
struct btf;

/* -ENOENT: this kernel has none, or none that can be read. Stays the same from then on. */
int kernel_btf_read(void);

/* The types of kernel_btf.c's table alone. NULL where it could not be read. Lent. */
const struct btf *kernel_btf(void);
/* The id of one of them to the kernel itself; kind is BTF_KIND_*. 0: there is none. */
uint32_t kernel_btf_id(const char *name, uint32_t kind);

/*
 * How objects are opened: their relocations are made from this, and their tp_btf programs find
 * their tracepoint in it; libbpf would read all of the kernel's types again for each object.
 */
const struct bpf_object_open_opts *kernel_btf_opts(void);

#endif
