/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `whydrop host --leak` found, as text and as JSON (schema whydrop.host/1, key "leak"). */
#ifndef WHYDROP_RENDER_HOST_LEAK_H
#define WHYDROP_RENDER_HOST_LEAK_H

#include "model/growth.h"
#include "render/host.h"

void host_leak_text(const struct leak_report *r, struct out *out);
json_t *host_leak_json(const struct leak_report *r);
/* "[heap]", "anonymous memory", the file. */
const char *mapping_name(const struct mapping *m);

#endif
