/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contents of another process's memory: asked for by name, shown to who asked, and never kept
 * in a recording.
 */
#ifndef WHYDROP_PEEK_H
#define WHYDROP_PEEK_H

#include "model/growth.h"

/*
 * Strings in pages sampled evenly from a region: fills strings, pages_sampled. -EACCES, -EPERM
 * without the right to trace the process; -ENODATA: none of it is resident.
 */
int peek_strings(int pid, const struct mapping *m, struct leak_report *ret);
/* Writes the region to a file; what nobody touched stays a hole. */
int peek_dump(int pid, const struct mapping *m, int to, uint64_t *ret_bytes);

#endif
