/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the host is doing: the sections of `whydrop host` that need a sample, as text and JSON. */
#ifndef WHYDROP_RENDER_HOST_DOING_H
#define WHYDROP_RENDER_HOST_DOING_H

#include "render/fmt.h"
#include "render/host.h"

void host_load_text(const struct host_view *v, struct out *out);
json_t *host_load_json(const struct host_view *v);
void host_time_text(const struct host_view *v, struct out *out);
json_t *host_time_json(const struct host_view *v);
void host_processes_text(const struct host_view *v, struct out *out);
json_t *host_processes_json(const struct host_view *v);
void host_memory_text(const struct host_view *v, struct out *out);
json_t *host_memory_json(const struct host_view *v);
void host_swap_text(const struct host_view *v, struct out *out);
json_t *host_swap_json(const struct host_view *v);
void host_placement_text(const struct host_view *v, struct out *out);
json_t *host_placement_json(const struct host_view *v);
void host_files_text(const struct host_view *v, struct out *out);
json_t *host_files_json(const struct host_view *v);

/* ---- what they share ---- */

void host_sample(const struct host_view *v, struct doing_sample *ret);
/* Sets the numbers of one group under their keys; unknown ones are null. */
void host_numbers_json(const struct doing *d, enum doing_group group, json_t *to);
/* "KEY_per_second": how fast a number grew, null where that is not known. */
void host_rate_json(const struct doing_sample *s, enum doing_number id, const char *key,
		    json_t *to);
/* Grew by so many a second; negative: not known. */
double host_rate(const struct doing_sample *s, enum doing_number id);
json_t *host_process_json(const struct doing_sample *s, const struct doing_process *p);
/* Headings, then a line for a process. */
void host_process_head(struct out *out);
void host_process_line(const struct doing_sample *s, const struct doing_process *p,
		       struct out *out);
/* "12.3 GiB", "?" */
struct fmt host_kib(int64_t kib);
struct fmt host_number_kib(const struct doing *d, enum doing_number id);
/* A name as it may be shown: control characters escaped, cut to its room. */
struct fmt host_name(const char *comm);

#endif
