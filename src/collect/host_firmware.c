// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Firmware and board: the SMBIOS tables (see smbios.c) where they may be read, which root may; else
 * what /sys/class/dmi/id shows to everybody (drivers/firmware/dmi-id.c). A host without ACPI or
 * device trees of arm64 has neither.
 *
 * A recording keeps the tables as they are, and the rest as lines "key text".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "collect/host_facts.h"
#include "collect/smbios.h"

#define SECTION "firmware"
#define TABLES "/sys/firmware/dmi/tables"

static const char *const files[] = {"bios_vendor",  "bios_version", "bios_date",
				    "sys_vendor",   "product_name", "product_version",
				    "board_vendor", "board_name",   "board_version"};

static int read_shown(struct buf *to)
{
	cleanup(cleanup_fd) int dir = open("/sys/class/dmi/id", O_PATH | O_CLOEXEC | O_DIRECTORY);
	bool uefi = access("/sys/firmware/efi", F_OK) == 0;
	char text[256];

	/*
	 * Of machines that know neither BIOS nor UEFI nothing is to be said, nor where /sys/firmware
	 * is hidden, as containers have it: /sys/class/dmi/id may be seen there.
	 */
	if (uefi || (dir >= 0 && access("/sys/firmware/dmi", F_OK) == 0))
		buf_printf(to, "boot %s\n", uefi ? "uefi" : "bios");
	for (size_t i = 0; dir >= 0 && i < ARRAY_SIZE(files); i++)
		if (host_facts_short(dir, files[i], text, sizeof(text)) == 0)
			buf_printf(to, "%s %s\n", files[i], text);
	return to->len ? 0 : -ENOENT;
}

int parse_host_firmware(struct span text, struct host_firmware *ret)
{
	char *const to[ARRAY_SIZE(files)] = {
		ret->vendor,	      ret->version,	ret->date,
		ret->system_maker,    ret->product,	ret->product_version,
		ret->board_maker,     ret->board,	ret->board_version};
	struct span line, rest;

	while (next_line(&text, &line)) {
		if (!memchr(line.p, ' ', line.n))
			return -EBADMSG;
		if (host_facts_line(line, "boot", &rest)) {
			ret->uefi_known = true;
			ret->uefi = span_is(rest, "uefi");
		}
		for (size_t i = 0; i < ARRAY_SIZE(files); i++)
			if (host_facts_line(line, files[i], &rest))
				span_copy(rest, to[i], SMBIOS_TEXT);
	}
	return 0;
}

static int read_tables(struct host *h, struct host_firmware *ret)
{
	cleanup(buf_done) struct buf entry = {0};
	cleanup(buf_done) struct buf table = {0};
	struct host_firmware f = {0};
	int r = host_read_abs(h, TABLES "/DMI", &table);

	if (r < 0)
		return r;
	r = parse_smbios_table(&table, &f);
	if (r < 0) {
		host_firmware_done(&f);
		return r;
	}
	/* Without it the version alone is not known. */
	if (host_read_abs(h, TABLES "/smbios_entry_point", &entry) == 0)
		parse_smbios_entry(&entry, &f);
	f.uefi_known = ret->uefi_known;
	f.uefi = ret->uefi;
	*ret = f;
	return 0;
}

void collect_host_firmware(struct host *h, struct host_facts *f)
{
	cleanup(buf_done) struct buf text = {0};
	int shown = host_facts_made(h, "host-firmware", read_shown, &text), r;

	if (shown == 0)
		shown = parse_host_firmware((struct span){text.data, text.len}, &f->firmware);
	r = read_tables(h, &f->firmware);
	if (r < 0)
		host_absent(f, SECTION, TABLES, r);
	if (r < 0 && shown < 0)
		host_absent(f, SECTION, "/sys/class/dmi/id", shown);
}
