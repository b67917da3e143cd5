// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/host_disks.h"

const char *host_controller_kind(const struct host_disk *d)
{
	static const struct {
		const char *driver, *kind;
	} rows[] = {
		{"nvme", "NVMe"},
		{"ahci", "SATA (AHCI)"},
		{"ata_piix", "IDE or SATA"},
		{"megaraid_sas", "RAID, MegaRAID"},
		{"mpt3sas", "SAS"},
		{"mpt2sas", "SAS"},
		{"hpsa", "RAID, Smart Array"},
		{"cciss", "RAID, Smart Array"},
		{"smartpqi", "RAID, Smart Array"},
		{"arcmsr", "RAID, Areca"},
		{"aacraid", "RAID, Adaptec"},
		{"3w-9xxx", "RAID, 3ware"},
		{"3w-sas", "RAID, 3ware"},
		{"virtio_scsi", "virtio SCSI"},
		{"virtio-pci", "virtio"},
		{"vmw_pvscsi", "VMware paravirtual SCSI"},
		{"hv_storvsc", "Hyper-V storage"},
		{"storvsc_host_t", "Hyper-V storage"},
		{"xen-blkfront", "Xen block device"},
		{"usb-storage", "USB"},
		{"uas", "USB"},
		{"iscsi_tcp", "iSCSI, over the network"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].driver, d->scsi_driver) == 0)
			return rows[i].kind;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].driver, d->controller) == 0)
			return rows[i].kind;
	return NULL;
}

static bool is_octal(const char *p)
{
	return p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' && p[2] <= '7';
}

void host_mount_text(const char *escaped, char *to, size_t size)
{
	size_t n = 0;

	for (const char *p = escaped; *p && n + 1 < size; n++) {
		if (p[0] == '\\' && is_octal(p + 1)) {
			to[n] = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 4;
		} else {
			to[n] = *p++;
		}
	}
	to[n] = '\0';
}
