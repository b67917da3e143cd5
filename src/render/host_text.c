// SPDX-License-Identifier: GPL-2.0-or-later
/* The picture of a host for people: what its sections share, and the first of them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "render/fmt.h"
#include "render/host.h"
#include "render/utf8.h"

void host_row(struct out *out, unsigned int depth, const char *label, const char *fmt, ...)
{
	cleanup(buf_done) struct buf clean = {0};
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* Names of users, slots and mount points are anybody's. */
	utf8_escape(&clean, label, strlen(label));
	label = clean.data ? clean.data : "";
	/* One that is too long for its column has a line of its own. */
	if (clean.len >= HOST_LABEL) {
		out_printf(out, "%*s%s\n", (int)(depth * HOST_INDENT), "", label);
		label = "";
	}
	out_labelled(out, (size_t)depth * HOST_INDENT, HOST_LABEL, label, text);
}

const char *host_why(int err)
{
	switch (err < 0 ? -err : err) {
	case ENOENT:
		return "not there";
	case ENODATA:
		return "not in this recording";
	case EACCES:
	case EPERM:
		return "not for this user";
	case EBADMSG:
		return "not understood";
	default:
		return read_error_text(err);
	}
}

struct fmt host_bytes(uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double n = (double)bytes;
	size_t unit = 0;
	struct fmt ret;

	while (n >= 1023.5 && unit + 1 < ARRAY_SIZE(units)) {
		n /= 1024;
		unit++;
	}
	snprintf(ret.s, sizeof(ret.s), unit && n < 99.95 ? "%.1f %s" : "%.0f %s", n, units[unit]);
	return ret;
}

void host_section_begin(struct out *out, const char *name, const char *summary)
{
	out_printf(out, "\n");
	out_tinted(out, TINT_BOLD, "%s", name);
	out_tinted(out, TINT_DIM, "  %s\n", summary);
}

void host_section_end(const struct host_view *v, const char *name, struct out *out)
{
	vec_each(a, &v->facts->absent)
		if (strcmp(a->section, name) == 0)
			host_row(out, 1, "not known", "%s: %s", a->what, host_why(a->err));
}

void host_head_text(const struct host_view *v, struct out *out)
{
	const struct host_system *s = &v->facts->system;
	const struct report *r = v->r;

	out_printf(out, "%s, Linux %s, %u CPU%s", r->host_name ? r->host_name : "this host",
		   r->kernel ? r->kernel : "unknown", r->cpus, r->cpus == 1 ? "" : "s");
	if (s->uptime_known)
		out_printf(out, ", up %s", fmt_seconds(s->uptime_s).s);
	out_printf(out, "%s\n", r->replay ? ", of a recording" : "");
}

static void runs_on_text(const struct host_system *s, struct out *out)
{
	if (s->hypervisor[0])
		host_row(out, 1, "runs on", "%s, by %s", s->hypervisor, s->hypervisor_by);
	else if (s->is_guest)
		host_row(out, 1, "runs on", "a hypervisor that does not give its name");
	else
		host_row(out, 1, "runs on", "no hypervisor that can be seen");
	if (s->container[0])
		host_row(out, 1, "within", "a container of %s: what is told of the host may not be all",
			 s->container);
	if (s->cloud[0])
		host_row(out, 1, "cloud", "%s%s%s", s->cloud, s->instance[0] ? ", " : "",
			 s->instance);
}

void host_system_text(const struct host_view *v, struct out *out)
{
	const struct host_system *s = &v->facts->system;

	if (s->release[0]) {
		host_row(out, 1, "kernel", "Linux %s %s %s", s->release, s->machine, s->version);
		if (s->distribution[0])
			host_row(out, 1, "distribution", "%s", s->distribution);
		runs_on_text(s, out);
	}
	if (s->uptime_known)
		host_row(out, 1, "up", "%s", fmt_seconds(s->uptime_s).s);
	if (s->users_known)
		host_row(out, 1, "logged in", "%zu", s->users.n);
	vec_each(u, &s->users)
		host_row(out, 2, u->name, "%s%s%s", u->line, u->from[0] ? " from " : "", u->from);
}
