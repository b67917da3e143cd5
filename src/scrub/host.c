// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What `whydrop host` reads of the machine. Models, sizes and places are kept: thousands of hosts
 * have the same. Names of the host and its users, and serial numbers, are not.
 */
#include <errno.h>

#include "collect/smbios.h"
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

/* Where a structure names one machine of its kind: serial numbers, asset tags and the UUID. */
static const struct {
	uint8_t type, from, n;
	bool text; /* the number of a string, else bytes */
} private_fields[] = {{SMBIOS_SYSTEM, 0x07, 1, true},	 {SMBIOS_SYSTEM, 0x08, 16, false},
		      {SMBIOS_SYSTEM, 0x19, 1, true},	 {SMBIOS_BOARD, 0x07, 2, true},
		      {SMBIOS_BOARD, 0x0a, 1, true},	 {SMBIOS_PROCESSOR, 0x20, 2, true},
		      {SMBIOS_MEMORY, 0x18, 2, true}};

static bool is_known_type(uint8_t type)
{
	static const uint8_t types[] = {SMBIOS_BIOS,  SMBIOS_SYSTEM, SMBIOS_BOARD, SMBIOS_PROCESSOR,
					SMBIOS_ARRAY, SMBIOS_MEMORY, SMBIOS_END};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i] == type)
			return true;
	return false;
}

/* A copy in `out`; one of an unknown kind keeps its header alone. */
static void blank(const struct smbios_structure *s, struct buf *out)
{
	size_t at = out->len;

	if (!is_known_type(s->type)) {
		const char header[] = {(char)s->type, 4, (char)s->data[2], (char)s->data[3], 0, 0};

		buf_add(out, header, sizeof(header));
		return;
	}
	buf_add(out, s->data, s->size);
	for (size_t i = 0; i < ARRAY_SIZE(private_fields); i++) {
		size_t from = private_fields[i].from;

		if (private_fields[i].type != s->type)
			continue;
		/* A short one of an old version has some of them. */
		for (size_t k = 0; k < private_fields[i].n && from + k < s->length; k++) {
			const char *text = smbios_string(s, s->data[from + k]);
			size_t offset = (size_t)(text - (const char *)s->data);

			if (!private_fields[i].text)
				out->data[at + from + k] = 0;
			else if (*text)
				memset(out->data + at + offset, 'x', strlen(text));
		}
	}
}

int scrub_smbios(struct buf *data)
{
	const uint8_t *table = (const uint8_t *)data->data;
	struct smbios_structure s;
	struct buf out = {0};
	size_t at = 0;
	int r = 0;

	while (data->len <= SMBIOS_TABLE_MAX && (r = smbios_next(table, data->len, &at, &s)) > 0) {
		blank(&s, &out);
		/* What stands behind the last one may be anything. */
		if (s.type == SMBIOS_END)
			break;
	}
	if (r < 0 || data->len > SMBIOS_TABLE_MAX) {
		buf_done(&out);
		return -EBADMSG;
	}
	replace(data, &out);
	return 0;
}

/* Lines "fs TYPE SIX_NUMBERS ERROR SOURCE MOUNT": both names become others, part by part. */
int scrub_host_mounts(struct scrubber *s, struct buf *data)
{
	struct span text = {data->data, data->len}, line, word;
	struct buf out = {0};

	while (next_line(&text, &line)) {
		for (unsigned int i = 0; i < 9 && next_field(&line, &word); i++) {
			put(&out, word);
			buf_puts(&out, " ");
		}
		for (unsigned int i = 0; i < 2 && next_field(&line, &word); i++) {
			scrub_path(s, word, &out);
			buf_puts(&out, i ? "\n" : " ");
		}
	}
	replace(data, &out);
	return 0;
}
