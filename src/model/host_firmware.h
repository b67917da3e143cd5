/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the firmware tells of the machine: SMBIOS (DMTF DSP0134). It is as good as whoever filled it
 * in: texts like "To be filled by O.E.M." are passed on.
 */
#ifndef WHYDROP_HOST_FIRMWARE_H
#define WHYDROP_HOST_FIRMWARE_H

#include "base/base.h"

#define SMBIOS_TEXT 65 /* longer ones are cut */

/* Type 4, of central processors. */
struct smbios_processor {
	char socket[SMBIOS_TEXT], maker[SMBIOS_TEXT], version[SMBIOS_TEXT];
	bool populated;
	unsigned int max_mhz, mhz, cores, cores_enabled, threads; /* 0 unknown */
};

/* Type 16, of system memory. */
struct smbios_array {
	uint16_t handle;
	unsigned int slots;
	uint64_t max_bytes; /* 0 unknown */
	uint8_t ecc;	    /* smbios_ecc_name() */
};

/* Type 17: a slot, filled or not. */
struct smbios_memory {
	uint16_t array; /* handle of it */
	char locator[SMBIOS_TEXT], bank[SMBIOS_TEXT], maker[SMBIOS_TEXT], part[SMBIOS_TEXT];
	bool size_known;
	uint64_t bytes;	     /* 0: nothing in it */
	uint8_t type;	     /* smbios_memory_type_name() */
	unsigned int mts;    /* megatransfers/s it can do; 0 unknown */
	unsigned int mts_now; /* and is set to */
	unsigned int ranks;  /* 0 unknown */
};

struct host_firmware {
	bool tables; /* from the tables themselves; else by what the kernel shows to everybody */
	unsigned int major, minor; /* of SMBIOS */
	char vendor[SMBIOS_TEXT], version[SMBIOS_TEXT], date[SMBIOS_TEXT];
	char system_maker[SMBIOS_TEXT], product[SMBIOS_TEXT], product_version[SMBIOS_TEXT];
	char serial[SMBIOS_TEXT];
	char board_maker[SMBIOS_TEXT], board[SMBIOS_TEXT], board_version[SMBIOS_TEXT];
	bool uefi_known, uefi;
	VEC(struct smbios_processor) processors;
	VEC(struct smbios_array) arrays;
	VEC(struct smbios_memory) memory;
};

void host_firmware_done(struct host_firmware *f);
/* "DDR4"; "type 99" has no name: NULL. */
const char *smbios_memory_type_name(uint8_t type);
const char *smbios_ecc_name(uint8_t type);
/* All slots together; unknown sizes are left out. */
uint64_t host_firmware_memory(const struct host_firmware *f);

#endif
