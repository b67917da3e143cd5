/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the iterator over descriptors writes: a holder, then its sockets, then the next one. */
#ifndef WHYDROP_TASK_FILES_RECORD_H
#define WHYDROP_TASK_FILES_RECORD_H

#include <linux/types.h>

struct task_files_socket {
	__u32 inode; /* never 0 */
	__u32 fd;
};

struct task_files_holder {
	__u32 zero; /* where a socket has its inode */
	__u32 pid;  /* as the reader's pid namespace has it */
	char comm[16];
};

#endif
