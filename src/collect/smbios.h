/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The structures of an SMBIOS table, one after another (DSP0134, "Structure standards"). */
#ifndef WHYDROP_SMBIOS_H
#define WHYDROP_SMBIOS_H

#include "base/buf.h"
#include "model/host_firmware.h"

#define SMBIOS_TABLE_MAX ((size_t)1 << 20) /* real ones have some kilobytes */
#define SMBIOS_END 127

enum smbios_type {
	SMBIOS_BIOS = 0,
	SMBIOS_SYSTEM = 1,
	SMBIOS_BOARD = 2,
	SMBIOS_PROCESSOR = 4,
	SMBIOS_ARRAY = 16,
	SMBIOS_MEMORY = 17,
};

/* Within the table; nothing of it is outside. */
struct smbios_structure {
	const uint8_t *data;   /* the formatted part, with its header of 4 bytes */
	uint8_t type, length;  /* length: of that part, at least 4 */
	const char *strings;   /* each with its NUL, and one NUL more at their end */
	size_t strings_n, size; /* with that NUL; size: of all */
};

/* The one at *at, which moves behind it: 1; 0 at the end of the table, -EBADMSG: cut, or none. */
int smbios_next(const uint8_t *table, size_t n, size_t *at, struct smbios_structure *ret);
/* String number `number` (from 1); "" for 0 or one that is not there. */
const char *smbios_string(const struct smbios_structure *s, uint8_t number);
/* Little endian, of 1, 2, 4 or 8 bytes; false: the structure is too short to have it. */
bool smbios_value(const struct smbios_structure *s, size_t at, size_t size, uint64_t *ret);

/* /sys/firmware/dmi/tables/smbios_entry_point: the version of 2.1 or 3. */
int parse_smbios_entry(const struct buf *data, struct host_firmware *ret);
int parse_smbios_table(const struct buf *data, struct host_firmware *ret);

#endif
