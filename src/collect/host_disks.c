// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disks: /sys/block/NAME (block/genhd.c, block/blk-sysfs.c): size in sectors of 512 bytes whatever the
 * disk's own, removable, ro, queue/{rotational,scheduler}, device/{vendor,model,rev,firmware_rev}. The
 * link's target leads through the bus: the last PCI function in it is the controller, hostN its SCSI
 * host, whose proc_name is its driver.
 *
 * Scope: the host. No privilege. Loop devices and the like of size 0 are not in use and left out.
 *
 * A recording keeps lines, each "disk" followed by what is known of it:
 *   disk NAME SECTORS ROTATIONAL REMOVABLE READ_ONLY VIRTUAL
 *   controller DRIVER, place PCI, scsi DRIVER, vendor TEXT, model TEXT, firmware TEXT, scheduler WORD
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "collect/host_facts.h"

#define DISKS_MAX 4096
#define SECTOR 512

static void cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* ---- live ---- */

static uint64_t number_of(int dir, const char *path)
{
	char text[32];
	uint64_t n = 0;

	if (host_facts_short(dir, path, text, sizeof(text)) < 0 ||
	    parse_u64(span_of(text), UINT64_MAX, &n) < 0)
		return 0;
	return n;
}

static void put_text(int dir, const char *path, const char *key, struct buf *to)
{
	char text[96];

	if (host_facts_short(dir, path, text, sizeof(text)) == 0)
		buf_printf(to, "%s %s\n", key, text);
}

/* "mq-deadline kyber [none]": the one in brackets is in use. */
static void put_scheduler(int dir, struct buf *to)
{
	char text[256], *from, *end;

	if (host_facts_short(dir, "queue/scheduler", text, sizeof(text)) < 0)
		return;
	from = strchr(text, '[');
	end = from ? strchr(from, ']') : NULL;
	if (end)
		buf_printf(to, "scheduler %.*s\n", (int)(end - from - 1), from + 1);
	else
		buf_printf(to, "scheduler %s\n", text);
}

/* "0000:00:02.0" */
static bool is_pci(struct span s)
{
	static const char shape[] = "hhhh:hh:hh.h";

	if (s.n != strlen(shape))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (shape[i] == 'h' ? !isxdigit((unsigned char)s.p[i]) : s.p[i] != shape[i])
			return false;
	return true;
}

static bool is_scsi_host(struct span s)
{
	if (s.n < 5 || s.n > 15 || memcmp(s.p, "host", 4) != 0)
		return false;
	for (size_t i = 4; i < s.n; i++)
		if (!isdigit((unsigned char)s.p[i]))
			return false;
	return true;
}

static void put_driver_of(struct span place, struct buf *to)
{
	char path[64], link[256];
	ssize_t n;

	buf_printf(to, "place %.*s\n", (int)place.n, place.p);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.*s/driver", (int)place.n, place.p);
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return;
	link[n] = '\0';
	if (strrchr(link, '/'))
		buf_printf(to, "controller %s\n", strrchr(link, '/') + 1);
}

static void put_way(const char *target, struct buf *to)
{
	struct span text = span_of(target), part, place = {0}, scsi = {0};

	while (text.p && next_split(&text, '/', &part)) {
		if (is_pci(part))
			place = part;
		else if (is_scsi_host(part))
			scsi = part;
	}
	if (place.n)
		put_driver_of(place, to);
	if (scsi.n) {
		char path[64];

		snprintf(path, sizeof(path), "/sys/class/scsi_host/%.*s/proc_name", (int)scsi.n,
			 scsi.p);
		put_text(AT_FDCWD, path, "scsi", to);
	}
}

static void put_disk(int block, const char *name, struct buf *to)
{
	cleanup(cleanup_fd) int dir = openat(block, name, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	char target[512], vendor[64];
	ssize_t n = readlinkat(block, name, target, sizeof(target) - 1);
	uint64_t sectors = dir < 0 ? 0 : number_of(dir, "size");
	bool made;

	if (!sectors || n <= 0 || strpbrk(name, " \n"))
		return;
	target[n] = '\0';
	made = strstr(target, "/virtual/");
	buf_printf(to, "disk %s %llu %llu %llu %llu %d\n", name, (unsigned long long)sectors,
		   (unsigned long long)number_of(dir, "queue/rotational"),
		   (unsigned long long)number_of(dir, "removable"),
		   (unsigned long long)number_of(dir, "ro"), made);
	put_way(target, to);
	/* Of a virtio device this is a number of its bus, and names nobody. */
	if (host_facts_short(dir, "device/vendor", vendor, sizeof(vendor)) == 0 &&
	    strncmp(vendor, "0x", 2) != 0)
		buf_printf(to, "vendor %s\n", vendor);
	put_text(dir, "device/model", "model", to);
	put_text(dir, "device/firmware_rev", "firmware", to);
	put_text(dir, "device/rev", "firmware", to);
	put_scheduler(dir, to);
}

static int read_disks(struct buf *to)
{
	cleanup(cleanup_dir) DIR *dir = opendir("/sys/block");
	unsigned int seen = 0;

	if (!dir)
		return -errno;
	for (const struct dirent *e; seen < DISKS_MAX && (e = readdir(dir)); seen++)
		if (e->d_name[0] != '.')
			put_disk(dirfd(dir), e->d_name, to);
	return 0;
}

/* ---- what was read ---- */

static bool take_disk(struct span line, struct host_disks *d)
{
	struct host_disk *disk = vec_push(&d->disks);
	bool *const flags[] = {&disk->rotational, &disk->removable, &disk->read_only,
			       &disk->is_virtual};
	struct span name, word;
	uint64_t n;

	if (d->disks.n > DISKS_MAX || !next_field(&line, &name) || !next_field(&line, &word) ||
	    parse_u64(word, UINT64_MAX / SECTOR, &n) < 0)
		return false;
	span_copy(name, disk->name, sizeof(disk->name));
	disk->bytes = n * SECTOR;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!next_field(&line, &word) || parse_u64(word, UINT64_MAX, &n) < 0)
			return false;
		*flags[i] = n;
	}
	return true;
}

static bool take_detail(struct span line, struct host_disk *d)
{
	const struct {
		const char *key;
		char *to;
		size_t size;
	} rows[] = {{"controller", d->controller, sizeof(d->controller)},
		    {"place", d->place, sizeof(d->place)},
		    {"scsi", d->scsi_driver, sizeof(d->scsi_driver)},
		    {"vendor", d->vendor, sizeof(d->vendor)},
		    {"model", d->model, sizeof(d->model)},
		    {"firmware", d->firmware, sizeof(d->firmware)},
		    {"scheduler", d->scheduler, sizeof(d->scheduler)}};
	struct span rest;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!host_facts_line(line, rows[i].key, &rest))
			continue;
		span_copy(rest, rows[i].to, rows[i].size);
		return true;
	}
	return false;
}

int parse_host_disks(struct span text, struct host_disks *ret)
{
	struct span line, rest;

	while (next_line(&text, &line)) {
		if (host_facts_line(line, "disk", &rest) ? !take_disk(rest, ret)
							 : !ret->disks.n ||
				!take_detail(line, &ret->disks.items[ret->disks.n - 1]))
			return -EBADMSG;
	}
	return 0;
}

void collect_host_disks(struct host *h, struct host_facts *f)
{
	cleanup(buf_done) struct buf text = {0};
	int r = host_facts_made(h, "host-disks", read_disks, &text);

	if (r == 0)
		r = parse_host_disks((struct span){text.data, text.len}, &f->disks);
	if (r < 0)
		host_absent(f, "disks", "/sys/block", r);
}
