// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which CPUs work for a queue (net/core/net-sysfs.c: rps_cpus, rps_flow_cnt, xps_cpus, xps_rxqs) and
 * for an interrupt (kernel/irq/proc.c).
 */
#include <errno.h>
#include <stdio.h>

#include "remedy/ask.h"
#include "remedy/kinds.h"

/* ---- queues of a device: "eth0:rx-0:rps_cpus" ---- */

static int queue_path(const char *key, char *to, size_t size)
{
	static const char *const settings[] = {"rx rps_cpus", "rx rps_flow_cnt", "tx xps_cpus",
					       "tx xps_rxqs"};
	struct span rest, queue;
	const char *name, *number;
	char device[16], setting[32];
	uint64_t index;
	int r = key_device(key, device, &name);

	if (r < 0)
		return r;
	rest = span_of(name);
	if (!next_split(&rest, ':', &queue) || queue.n < 4 || queue.p[2] != '-' || rest.n > 16)
		return -EINVAL;
	number = queue.p + 3;
	if (parse_u64((struct span){number, queue.n - 3}, UINT16_MAX, &index) < 0)
		return -EINVAL;
	snprintf(setting, sizeof(setting), "%.2s %.*s", queue.p, (int)rest.n, rest.p);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (strcmp(settings[i], setting) == 0) {
			snprintf(to, size, "class/net/%s/queues/%.2s-%llu/%s", device, queue.p,
				 (unsigned long long)index, setting + 3);
			return 0;
		}
	}
	return -EINVAL;
}

static int queue_read(const struct change_place *p, const char *key, struct buf *ret)
{
	char path[128];
	int r = queue_path(key, path, sizeof(path));

	if (r == 0)
		r = p->sys < 0 ? -EACCES : text_file_read(p->sys, path, ret);
	return r;
}

static int queue_write(const struct change_place *p, const char *key, const char *value)
{
	char path[128];
	int r = queue_path(key, path, sizeof(path));

	if (r == 0)
		r = p->sys < 0 ? -EACCES : text_file_write(p->sys, path, value);
	return r;
}

/* Masks stand in words of 32 bits between commas, with as many zeros before as there are CPUs for. */
static bool same_mask(const char *a, const char *b)
{
	a += strspn(a, "0,");
	b += strspn(b, "0,");
	for (; *a && *b; a++, b++) {
		a += *a == ',';
		b += *b == ',';
		if (*a != *b)
			return false;
	}
	return !*a && !*b;
}

static bool queue_same(const char *key, const char *wanted, const char *present)
{
	(void)key;
	return same_mask(wanted, present);
}

static const char *queue_refusal(const char *key, int err)
{
	(void)key;
	switch (err) {
	case -ENOENT:
		return "the device or queue is gone, or this kernel has no such setting for it";
	case -EACCES:
	case -EPERM:
		return "it wants CAP_NET_ADMIN and a /sys of this namespace that can be written";
	case -EINVAL:
	case -EOVERFLOW:
		return "the kernel does not take this mask: a CPU that is not there, or isolated";
	}
	return NULL;
}

const struct change_kind queue_kind = {
	.name = "queue",
	.read = queue_read,
	.write = queue_write,
	.same = queue_same,
	.refusal = queue_refusal,
};

/* ---- interrupts: "24:smp_affinity_list" ---- */

static int irq_path(const char *key, char *to, size_t size)
{
	struct span rest = span_of(key), number;
	uint64_t irq;

	if (!next_split(&rest, ':', &number) || parse_u64(number, INT32_MAX, &irq) < 0 ||
	    (!span_is(rest, "smp_affinity_list") && !span_is(rest, "smp_affinity")))
		return -EINVAL;
	snprintf(to, size, "irq/%llu/%.*s", (unsigned long long)irq, (int)rest.n, rest.p);
	return 0;
}

static int irq_read(const struct change_place *p, const char *key, struct buf *ret)
{
	char path[64];
	int r = irq_path(key, path, sizeof(path));

	return r < 0 ? r : text_file_read(p->proc, path, ret);
}

static int irq_write(const struct change_place *p, const char *key, const char *value)
{
	char path[64];
	int r = irq_path(key, path, sizeof(path));

	return r < 0 ? r : text_file_write(p->proc, path, value);
}

static bool irq_same(const char *key, const char *wanted, const char *present)
{
	return strcmp(wanted, present) == 0 || (!strstr(key, "_list") && same_mask(wanted, present));
}

static bool irq_host_wide(const char *key)
{
	(void)key;
	return true;
}

static const char *irq_refusal(const char *key, int err)
{
	(void)key;
	switch (err) {
	case -EIO:
		return "the kernel spreads the interrupts of this driver itself, or the hardware cannot move it";
	case -EINVAL:
		return "none of these CPUs is online";
	case -ENOENT:
		return "the interrupt is gone";
	}
	return NULL;
}

const struct change_kind irq_kind = {
	.name = "irq",
	.read = irq_read,
	.write = irq_write,
	.same = irq_same,
	.host_wide = irq_host_wide,
	.refusal = irq_refusal,
};
