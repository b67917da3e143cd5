/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What capture.c (findings of a capture) and capture_host.c (what the host says of them) share. */
#ifndef WHYDROP_CAUSES_CAPTURE_HOST_H
#define WHYDROP_CAUSES_CAPTURE_HOST_H

#include "causes/capture.h"

/*
 * Findings of the host that explain troubles of the capture move into `ret`, one for all that it
 * explains; explained[i] then is true of a->troubles[i]. What explains nothing stays where it was.
 */
void capture_join(const struct analysis *a, struct diagnosis *host, struct diagnosis *ret,
		  bool *explained);
/* Says in the finding whether the host is the client or the server, if it is either. */
void capture_side(const struct diagnosis *host, const struct trouble *t, struct finding *f);
/* A finding of these troubles, all of one kind, that is in no diagnosis yet. */
void capture_describe(const struct analysis *a, const struct trouble **list, size_t n,
		      struct finding *ret);

#endif
