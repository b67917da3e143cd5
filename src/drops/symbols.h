/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of kernel functions by an address inside them. */
#ifndef WHYDROP_DROPS_SYMBOLS_H
#define WHYDROP_DROPS_SYMBOLS_H

#include "base/base.h"
#include "base/parse.h"

struct symbol {
	uint64_t address, start; /* start: used while reading kallsyms */
	char name[64];
};

struct symbols {
	VEC(struct symbol) items; /* sorted by address once named */
	size_t named;		  /* the first of them; those added after come behind */
	bool offsets; /* "ip_rcv+0x5a", "br_handle_frame+0x1c [bridge]": as the compiler names them */
};

void symbols_done(struct symbols *s);
/* Takes each address once; call before naming. */
void symbols_add(struct symbols *s, uint64_t address);
/* Names what was added since this was last called: asks the kernel, else reads /proc/kallsyms, else "0x...". */
void symbols_name_all(struct symbols *s);
/* "?" for an address that was never added. */
const char *symbols_name(const struct symbols *s, uint64_t address);

/* The two halves, for tests. One line of /proc/kallsyms; -EBADMSG if it is none. */
int symbols_take_kallsyms_line(struct symbols *s, struct span line);
/* "nf_hook_slow.isra.0 [module]" becomes "nf_hook_slow". */
void symbol_strip(char *name);
/* "ip_rcv+0x5a/0x420 [bridge]" becomes "ip_rcv+0x5a [bridge]". */
void symbol_strip_size(char *name);

#endif
