/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which process holds which socket, told by the kernel as a stream: five to eight times cheaper
 * than the links in /proc/PID/fd. Needs CAP_BPF and CAP_PERFMON, and then sees the processes of all
 * users, whatever /proc hides; scope: the pid namespace of the caller.
 */
#ifndef WHYDROP_TASK_FILES_H
#define WHYDROP_TASK_FILES_H

#include "base/base.h"

struct task_files {
	/* A process with its name; its sockets follow. */
	void (*holder)(struct task_files *t, int pid, const char *comm);
	void (*socket)(struct task_files *t, uint32_t inode);
};

/*
 * `netns`: the inode of the namespace whose sockets are meant; 0: all. -EPERM, or what else the
 * kernel refuses it with; what was told until then is not all.
 */
int task_files_each(uint32_t netns, struct task_files *to);

#endif
