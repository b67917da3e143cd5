// SPDX-License-Identifier: GPL-2.0-or-later
/* Disks and file systems, of the picture of a host. */
#include <errno.h>
#include <stdio.h>

#include "render/fmt.h"
#include "render/host.h"
#include "render/json_set.h"

#define NEARLY_FULL 90 /* percent: worth a colour, no verdict */

/* Then it is told as not known. */
static bool unreadable(const struct host_view *v)
{
	vec_each(a, &v->facts->absent)
		if (strcmp(a->section, "disks") == 0)
			return true;
	return false;
}

void host_disks_text(const struct host_view *v, struct out *out)
{
	vec_each(d, &v->facts->disks.disks) {
		const char *kind = host_controller_kind(d);
		cleanup(buf_done) struct buf line = {0};

		buf_puts(&line, host_bytes(d->bytes).s);
		if (d->is_virtual)
			buf_puts(&line, ", made by software");
		else
			buf_printf(&line, ", %s",
				   kind			? kind
				   : d->controller[0]	? d->controller
							: "unknown controller");
		if (d->scsi_driver[0] || d->place[0])
			buf_printf(&line, " (%s%s%s)", d->scsi_driver,
				   d->scsi_driver[0] && d->place[0] ? " at " : "", d->place);
		if (d->vendor[0] || d->model[0])
			buf_printf(&line, ", %s%s%s", d->vendor,
				   d->vendor[0] && d->model[0] ? " " : "", d->model);
		if (d->firmware[0])
			buf_printf(&line, ", firmware %s", d->firmware);
		if (!d->is_virtual)
			buf_puts(&line, d->rotational ? ", rotating by its driver's word"
						      : ", no rotating parts");
		if (d->removable)
			buf_puts(&line, ", removable");
		if (d->read_only)
			buf_puts(&line, ", read-only");
		if (d->scheduler[0] && !d->is_virtual)
			buf_printf(&line, ", scheduler %s", d->scheduler);
		host_row(out, 1, d->name, "%s", line.data);
	}
	if (!v->facts->disks.disks.n && !unreadable(v))
		host_row(out, 1, "disks", "none that can be seen");
}

json_t *host_disks_json(const struct host_view *v)
{
	json_t *j = json_object(), *list = json_array();

	vec_each(d, &v->facts->disks.disks) {
		json_t *one = json_object();

		set_text(one, "name", d->name);
		set(one, "bytes", number(d->bytes));
		set_text(one, "controller_kind", host_controller_kind(d));
		set(one, "controller", filled_or_null(d->controller));
		set(one, "place", filled_or_null(d->place));
		set(one, "scsi_driver", filled_or_null(d->scsi_driver));
		set(one, "vendor", filled_or_null(d->vendor));
		set(one, "model", filled_or_null(d->model));
		set(one, "firmware", filled_or_null(d->firmware));
		set(one, "scheduler", filled_or_null(d->scheduler));
		set(one, "rotational", json_boolean(d->rotational));
		set(one, "removable", json_boolean(d->removable));
		set(one, "read_only", json_boolean(d->read_only));
		set(one, "virtual", json_boolean(d->is_virtual));
		json_array_append_new(list, one);
	}
	set(j, "disks", list);
	return j;
}

/* As df(1) has it: of what users can fill, what root has for itself left out. */
static unsigned int percent_used(const struct host_filesystem *f)
{
	uint64_t used = f->bytes - MIN(f->free, f->bytes), whole = used + f->available;

	return whole ? (unsigned int)((100.0 * (double)used + (double)whole - 1) / (double)whole) : 0;
}

static void filesystem_text(const struct host_filesystem *f, struct out *out)
{
	char mount[257], source[257];
	uint64_t files = f->files - MIN(f->files_free, f->files);
	cleanup(buf_done) struct buf line = {0};

	host_mount_text(f->mount, mount, sizeof(mount));
	host_mount_text(f->source, source, sizeof(source));
	if (f->err) {
		host_row(out, 1, mount, "%s on %s: %s", f->type, source,
			 f->err == -ETIMEDOUT   ? "does not answer"
			 : f->err == -ECANCELED ? "not asked: three others do not answer"
						: host_why(f->err));
		return;
	}
	buf_printf(&line, "%s of %s used, %u %%", host_bytes(f->bytes - MIN(f->free, f->bytes)).s,
		   host_bytes(f->bytes).s, percent_used(f));
	if (percent_used(f) >= NEARLY_FULL && !f->read_only)
		buf_puts(&line, ": NEARLY FULL");
	if (files * 100.0 >= (double)f->files * NEARLY_FULL && files)
		buf_printf(&line, ", of the files it can have %s", fmt_share(files, f->files).s);
	buf_printf(&line, "; %s on %s%s", f->type, source, f->read_only ? ", read-only" : "");
	host_row(out, 1, mount, "%s", line.data);
}

void host_mounts_text(const struct host_view *v, struct out *out)
{
	vec_each(f, &v->facts->disks.filesystems)
		filesystem_text(f, out);
}

json_t *host_mounts_json(const struct host_view *v)
{
	json_t *j = json_object(), *list = json_array();

	vec_each(f, &v->facts->disks.filesystems) {
		char mount[257], source[257];
		json_t *one = json_object();
		bool known = !f->err;

		host_mount_text(f->mount, mount, sizeof(mount));
		host_mount_text(f->source, source, sizeof(source));
		set_text(one, "mount", mount);
		set_text(one, "source", source);
		set_text(one, "type", f->type);
		set_text(one, "errno", known ? NULL : errno_name(f->err));
		set(one, "bytes", number_if(known, f->bytes));
		set(one, "used_bytes", number_if(known, f->bytes - MIN(f->free, f->bytes)));
		set(one, "available_bytes", number_if(known, f->available));
		set(one, "used_percent", number_if(known, percent_used(f)));
		set(one, "files", number_if(known && f->files, f->files));
		set(one, "files_free", number_if(known && f->files, f->files_free));
		set(one, "read_only", known ? json_boolean(f->read_only) : json_null());
		json_array_append_new(list, one);
	}
	set(j, "filesystems", list);
	return j;
}
