// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Names kernel addresses. Run by hand, not attached to anything: printing "%ps" in the kernel
 * needs no CAP_SYSLOG, without which /proc/kallsyms shows zeros, and spares reading that file.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "record.h"

__u32 wanted;
_Bool offsets; /* also how far behind its beginning an address is, and the module */
__u64 addresses[SYMBOL_BATCH];
char names[SYMBOL_BATCH][SYMBOL_SIZE];

/* bpf_snprintf takes them from read-only memory only */
/* %pB: a call that never returns may be the last of its function. */
static const char format[] = "%ps", format_offset[] = "%pB";

SEC("syscall")
int name_addresses(const void *ctx)
{
	(void)ctx;
	for (__u32 i = 0; i < SYMBOL_BATCH; i++) {
		if (i >= wanted)
			break;
		if (offsets)
			bpf_snprintf(names[i], sizeof(names[i]), format_offset, &addresses[i],
				     sizeof(addresses[i]));
		else
			bpf_snprintf(names[i], sizeof(names[i]), format, &addresses[i],
				     sizeof(addresses[i]));
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
