/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who else sets the same thing: files that are read at boot, and programs that run now. What they
 * set wins over a change at the next boot, or a moment later.
 */
#ifndef WHYDROP_OTHERS_H
#define WHYDROP_OTHERS_H

#include "remedy/kinds.h"

/* Sentences, "/etc/sysctl.d/50-net.conf sets it to 128". Host-wide files only where `host`. */
void others_of(const struct change_place *p, const char *kind, const char *key, bool host,
	       struct key_list *ret);
/* Pure: the value that a sysctl.d file gives the key; false: it does not name it. */
bool others_sysctl_value(const char *text, size_t length, const char *key, char *to, size_t size);

#endif
