/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Namespaces that were examined together: what one calls lost elsewhere, and how they are wired. */
#ifndef WHYDROP_JOIN_H
#define WHYDROP_JOIN_H

#include "causes/devices.h"

void join_namespaces(struct diagnosis *d);
/*
 * The one way out of a finding's namespace, as a container has it: a veth whose other end is in
 * another namespace that was examined. NULL: none, several, or the finding names it already.
 */
const struct link *finding_end(const struct diagnosis *d, const struct finding *f,
			       struct far_end *ret);

#endif
