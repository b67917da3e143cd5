// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/modules (kernel/module/procfs.c m_show, readable by anybody), and what Kbuild wrote of the
 * modules that are built in. A kernel without CONFIG_MODULES has no /proc/modules.
 */
#include "collect/modules.h"

#include <stdio.h>

#include "base/parse.h"

static bool has_line(struct span text, const char *name, bool path)
{
	struct span line, field;

	while (next_line(&text, &line)) {
		if (!path && next_field(&line, &field) && span_is(field, name))
			return true;
		if (path && line.n > strlen(name) &&
		    memcmp(line.p + line.n - strlen(name), name, strlen(name)) == 0)
			return true;
	}
	return false;
}

static struct span text_of(const struct buf *b)
{
	return (struct span){.p = b->data, .n = b->len};
}

static bool is_built_in(struct host *h, const char *name)
{
	cleanup(buf_done) struct buf text = {0};
	struct span release;
	char path[128], file[80];

	if (host_read(h, "sys/kernel/osrelease", &text) < 0)
		return false;
	release = text_of(&text);
	if (!next_field(&release, &release) || release.n > 64 || memchr(release.p, '/', release.n))
		return false;
	snprintf(path, sizeof(path), "/lib/modules/%.*s/modules.builtin", (int)release.n, release.p);
	snprintf(file, sizeof(file), "/%s.ko", name);
	buf_clear(&text);
	return host_read_abs(h, path, &text) == 0 && has_line(text_of(&text), file, true);
}

bool module_is_present(struct host *h, const char *name)
{
	cleanup(buf_done) struct buf text = {0};

	if (!host_exists(h, "modules"))
		return true;
	if (host_read(h, "modules", &text) < 0)
		return false;
	if (has_line(text_of(&text), name, false))
		return true;
	buf_clear(&text);
	if (host_read(h, "sys/kernel/modules_disabled", &text) == 0 && text.len &&
	    text.data[0] == '1')
		return true;
	return is_built_in(h, name);
}
