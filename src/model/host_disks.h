/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks and what drives them, and the file systems that can be seen from here. */
#ifndef WHYDROP_HOST_DISKS_H
#define WHYDROP_HOST_DISKS_H

#include "base/base.h"

struct host_disk {
	char name[33];
	uint64_t bytes;
	bool rotational, removable, read_only; /* rotational: by the driver's word; virtual ones may lie */
	char controller[33]; /* the driver of the PCI function it hangs on, "nvme"; "" none */
	char place[33];	     /* of that function, "0000:00:02.0" */
	char scsi_driver[33]; /* of its SCSI host, "megaraid_sas"; "" not SCSI */
	char vendor[33], model[65], firmware[33], scheduler[33];
	bool is_virtual;     /* made by software: dm, md, loop, zram */
};

struct host_filesystem {
	char type[33], source[257], mount[257]; /* as the kernel escapes them: \040 is a blank */
	int err;	   /* why the rest is not known, negative errno; -ETIMEDOUT: it hangs */
	bool read_only;
	uint64_t bytes, free, available; /* available: to users without privileges */
	uint64_t files, files_free;	 /* 0: it does not count them */
};

struct host_disks {
	VEC(struct host_disk) disks;
	VEC(struct host_filesystem) filesystems;
};

/* What kind of controller a driver is for, in words; NULL unknown. */
const char *host_controller_kind(const struct host_disk *d);
/* The blanks back in a name as mountinfo has it; *to has room for as much. */
void host_mount_text(const char *escaped, char *to, size_t size);

#endif
