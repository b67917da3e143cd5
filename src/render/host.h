/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `whydrop host`: the sections of the picture, each as text and as JSON (schema whydrop.host/1).
 * What a section could not know is added to both by whoever puts the sections together.
 */
#ifndef WHYDROP_RENDER_HOST_H
#define WHYDROP_RENDER_HOST_H

#include "model/host_facts.h"
#include "render/out.h"

#define HOST_INDENT 2
#define HOST_LABEL 13 /* columns of the labels */

struct host_view {
	const struct host_facts *facts;
	/* The sources that the sections asked for; of sections over time both ends. */
	const struct observation *o;
	const struct report *r;
};

/* "  label        text", folded; depth 1 is within the section, each further one within that. */
void host_row(struct out *out, unsigned int depth, const char *label, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* The heading of a section, and at its end what is not known of it. */
void host_section_begin(struct out *out, const char *name, const char *summary);
void host_section_end(const struct host_view *v, const char *name, struct out *out);
/* The same for its object: "not_known". */
void host_section_json(const struct host_view *v, const char *name, json_t *section);
/* Why something is not known, in words. */
const char *host_why(int err);
/* 1536 MiB as "1.5 GiB"; bytes in. */
struct fmt host_bytes(uint64_t bytes);

void host_head_text(const struct host_view *v, struct out *out);
/* The document without its sections. */
json_t *host_head_json(const struct host_view *v);

void host_system_text(const struct host_view *v, struct out *out);
json_t *host_system_json(const struct host_view *v);
void host_firmware_text(const struct host_view *v, struct out *out);
json_t *host_firmware_json(const struct host_view *v);
void host_cpu_text(const struct host_view *v, struct out *out);
json_t *host_cpu_json(const struct host_view *v);
void host_numa_text(const struct host_view *v, struct out *out);
json_t *host_numa_json(const struct host_view *v);
void host_disks_text(const struct host_view *v, struct out *out);
json_t *host_disks_json(const struct host_view *v);
void host_mounts_text(const struct host_view *v, struct out *out);
json_t *host_mounts_json(const struct host_view *v);
void host_network_text(const struct host_view *v, struct out *out);
json_t *host_network_json(const struct host_view *v);

#endif
