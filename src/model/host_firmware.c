// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/host_firmware.h"

/* DSP0134, "Memory Device: Type" */
const char *smbios_memory_type_name(uint8_t type)
{
	static const char *const names[] = {
		[0x01] = "Other",  [0x03] = "DRAM",    [0x0f] = "SDRAM",  [0x12] = "DDR",
		[0x13] = "DDR2",   [0x14] = "DDR2 FB-DIMM", [0x18] = "DDR3", [0x19] = "FBD2",
		[0x1a] = "DDR4",   [0x1b] = "LPDDR",   [0x1c] = "LPDDR2", [0x1d] = "LPDDR3",
		[0x1e] = "LPDDR4", [0x1f] = "Logical non-volatile device", [0x20] = "HBM",
		[0x21] = "HBM2",   [0x22] = "DDR5",    [0x23] = "LPDDR5", [0x24] = "HBM3"};

	return type < ARRAY_SIZE(names) ? names[type] : NULL;
}

/* "Physical Memory Array: Error Correction Types" */
const char *smbios_ecc_name(uint8_t type)
{
	static const char *const names[] = {[0x03] = "none",	   [0x04] = "parity",
					    [0x05] = "single-bit ECC", [0x06] = "multi-bit ECC",
					    [0x07] = "CRC"};

	return type < ARRAY_SIZE(names) ? names[type] : NULL;
}

uint64_t host_firmware_memory(const struct host_firmware *f)
{
	uint64_t sum = 0;

	vec_each(m, &f->memory)
		sum += m->bytes;
	return sum;
}

void host_firmware_done(struct host_firmware *f)
{
	vec_done(&f->processors);
	vec_done(&f->arrays);
	vec_done(&f->memory);
}
