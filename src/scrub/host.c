// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What `whydrop host` reads of the machine. Models, sizes and places are kept: thousands of hosts
 * have the same. Names of the host and its users, and serial numbers, are not.
 */
#include <errno.h>

#include "scrub/map.h"

static void put(struct buf *out, struct span text)
{
	buf_add(out, text.p, text.n);
}

static void replace(struct buf *data, struct buf *by)
{
	buf_done(data);
	*data = *by;
}

/* Lines "key text". */
int scrub_host_system(struct scrubber *s, struct buf *data)
{
	static const char *const kept[] = {
		"release", "version", "machine", "distribution", "container", "cpuid", "xen",
		"device-tree", "sys_vendor", "product_name", "bios_vendor", "chassis_vendor",
		"chassis_asset_tag", NULL};
	struct span text = {data->data, data->len}, line, rest, key;
	struct buf out = {0};
	char word[32];

	while (next_line(&text, &line)) {
		rest = line;
		if (!next_split(&rest, ' ', &key) || !rest.p)
			continue;
		span_copy(key, word, sizeof(word));
		if (span_is(key, "name"))
			buf_printf(&out, "name %s", scrub_name(s, NAME_HOST, rest.p, rest.n));
		else if (is_one_of(kept, word))
			put(&out, line);
		else
			continue;
		buf_puts(&out, "\n");
	}
	replace(data, &out);
	return 0;
}
