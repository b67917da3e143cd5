/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading must not change the host: what may be asked without making the kernel load a module. */
#ifndef WHYDROP_MODULES_H
#define WHYDROP_MODULES_H

#include "collect/host.h"

/*
 * True if a question to this module cannot load it: it is loaded, it is built in, or the kernel
 * loads none (any more). Through `host`, so that a replay answers as the live host did.
 */
bool module_is_present(struct host *h, const char *name);

#endif
