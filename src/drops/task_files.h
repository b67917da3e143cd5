/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which process holds which socket, told by the kernel as a stream: five to eight times cheaper
 * than the links in /proc/PID/fd. Needs CAP_BPF and CAP_PERFMON, and then sees the processes of all
 * users, whatever /proc hides; scope: the pid namespace of the caller.
 */
#ifndef WHYDROP_TASK_FILES_H
#define WHYDROP_TASK_FILES_H

#include "model/socket_walk.h"

/* -EPERM, or what else the kernel refuses it with. */
int task_files_each(uint32_t netns, struct socket_walk *to);

#endif
