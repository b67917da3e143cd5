// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The queues of network devices and who serves them (net/core/net-sysfs.c): below /sys/class/net
 * queues/rx-N/{rps_cpus,rps_flow_cnt}, queues/tx-N/xps_cpus, device/numa_node,
 * device/local_cpulist and the numbers of the device's interrupts (device/msi_irqs, of a virtio
 * device those of its parent), with /proc/irq/N/{smp,effective}_affinity_list (kernel/irq/proc.c).
 *
 * Scope: the devices of one network namespace. /sys shows those of the namespace it was mounted in,
 * so a sysfs of our own is made (since 5.2; needs CAP_SYS_ADMIN) that hangs nowhere and goes with
 * its descriptor. Where that is refused, /sys serves if the devices in it are those we have here.
 *
 * A recording keeps what was found as lines of words:
 *   device IFINDEX NAME PARENT RX TX NUMA LOCAL      "-" for what is not known
 *   rx IFINDEX N CPUS FLOWS, tx IFINDEX N CPUS       FLOWS 0 where CPUS are none; tx of cards only
 *   irq IFINDEX NUMBER ALLOWED EFFECTIVE
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "collect/proctext.h"

#define QUEUE_FILES_MAX 8192 /* a virtual device may have a queue for each possible CPU */
#define DEVICES_MAX 16384
#define LINES_MAX (DEVICES_MAX + 3 * QUEUE_FILES_MAX)

static void cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* ---- what is kept ---- */

static bool take_word(struct span *line, char *to, size_t size)
{
	struct span word;

	if (!next_field(line, &word) || word.n >= size)
		return false;
	span_copy(span_is(word, "-") ? (struct span){0} : word, to, size);
	return true;
}

static bool take_uint(struct span *line, unsigned int *to)
{
	struct span word;
	uint64_t number;

	if (!next_field(line, &word) || parse_u64(word, UINT32_MAX, &number) < 0)
		return false;
	*to = (unsigned int)number;
	return true;
}

static bool take_device(struct span line, struct snapshot *s)
{
	struct netdev_queues *d = vec_push(&s->netdev_queues);
	struct span numa;
	int64_t node;

	if (!take_uint(&line, &d->ifindex) || !take_word(&line, d->name, sizeof(d->name)) ||
	    !take_word(&line, d->parent, sizeof(d->parent)) || !take_uint(&line, &d->rx) ||
	    !take_uint(&line, &d->tx) || !next_field(&line, &numa) || parse_i64(numa, &node) < 0 ||
	    node < -1 || node > INT16_MAX)
		return false;
	d->numa_node = (int)node;
	return take_word(&line, d->local_cpus, sizeof(d->local_cpus));
}

static bool take_queue(struct span line, bool tx, struct snapshot *s)
{
	struct netdev_queue *q = vec_push(&s->queues);

	q->tx = tx;
	if (!take_uint(&line, &q->ifindex) || !take_uint(&line, &q->index) ||
	    !take_word(&line, q->cpus, sizeof(q->cpus)))
		return false;
	q->known = q->cpus[0] != '\0';
	return tx || take_uint(&line, &q->flows);
}

static bool take_irq(struct span line, struct snapshot *s)
{
	struct netdev_interrupt *i = vec_push(&s->netdev_interrupts);

	return take_uint(&line, &i->ifindex) && take_uint(&line, &i->number) &&
	       take_word(&line, i->allowed, sizeof(i->allowed)) &&
	       take_word(&line, i->effective, sizeof(i->effective));
}

int parse_queues(struct span text, struct snapshot *s)
{
	struct span line, kind;
	size_t lines = 0;

	while (next_line(&text, &line)) {
		bool ok = false;

		if (!next_field(&line, &kind) || ++lines > LINES_MAX)
			return -EBADMSG;
		if (span_is(kind, "device"))
			ok = take_device(line, s);
		else if (span_is(kind, "rx") || span_is(kind, "tx"))
			ok = take_queue(line, span_is(kind, "tx"), s);
		else if (span_is(kind, "irq"))
			ok = take_irq(line, s);
		if (!ok)
			return -EBADMSG;
	}
	return 0;
}

/* ---- live ---- */

/* /sys/class/net of the namespace this thread is in; `own`: for sure. */
struct class_net {
	int fd;
	bool own;
};

/* A short file; without its newline. False if it cannot be read: xps_cpus of a single queue. */
static bool read_short(int at, const char *path, char *to, size_t size)
{
	cleanup(cleanup_fd) int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, to, size - 1);

	if (n <= 0)
		return false;
	while (n && isspace((unsigned char)to[n - 1]))
		n--;
	to[n] = '\0';
	return n > 0 && (size_t)n < size - 1 && !strpbrk(to, " \t\n");
}

static const char *word_of(bool known, const char *text, size_t most)
{
	return known && strlen(text) < most ? text : "-";
}

/* "00000000,00000003" is "3": the groups of the CPUs that are not there say nothing. */
static const char *short_mask(const char *mask)
{
	const char *p = mask + strspn(mask, "0,");

	return *p ? p : "0";
}

/* numa_node is -1 where there is none; a software device has no such file. */
static void put_card(struct buf *out, int dir, unsigned int ifindex, const char *name,
		     const unsigned int *queues, const char *link)
{
	const char *parent = strrchr(link, '/');
	char numa[16], cpus[256];
	int64_t node;
	bool known;

	/* Of a virtio device both stand with the PCI device it sits on. */
	known = read_short(dir, "device/numa_node", numa, sizeof(numa)) ||
		read_short(dir, "device/../numa_node", numa, sizeof(numa));
	if (!known || parse_i64(span_of(numa), &node) < 0 || node < -1)
		node = -1;
	known = read_short(dir, "device/local_cpulist", cpus, sizeof(cpus)) ||
		read_short(dir, "device/../local_cpulist", cpus, sizeof(cpus));
	buf_printf(out, "device %u %s %s %u %u %d %s\n", ifindex, name,
		   word_of(parent, parent ? parent + 1 : "", 32), queues[0], queues[1], (int)node,
		   word_of(known, cpus, 64));
}

/* It is on no bus, and nothing interrupts a CPU for it. */
static void put_software_device(struct buf *out, unsigned int ifindex, const char *name,
				const unsigned int *queues)
{
	buf_printf(out, "device %u %s - %u %u -1 -\n", ifindex, name, queues[0], queues[1]);
}

static void put_queue(struct buf *out, int dir, unsigned int ifindex, bool tx, unsigned int index)
{
	char path[64], mask[2304], flows[32]; /* 9 bytes for each 32 of 8,192 CPUs */
	uint64_t count = 0;
	bool known;

	snprintf(path, sizeof(path), "queues/%s-%u/%s", tx ? "tx" : "rx", index,
		 tx ? "xps_cpus" : "rps_cpus");
	known = read_short(dir, path, mask, sizeof(mask));
	buf_printf(out, "%s %u %u %s", tx ? "tx" : "rx", ifindex, index,
		   word_of(known, short_mask(mask), 64));
	/* A queue without RPS hands packets on to nobody: how many flows it would know is no matter. */
	if (!tx && known && strcmp(short_mask(mask), "0") != 0) {
		snprintf(path, sizeof(path), "queues/rx-%u/rps_flow_cnt", index);
		if (!read_short(dir, path, flows, sizeof(flows)) ||
		    parse_u64(span_of(flows), UINT32_MAX, &count) < 0)
			count = 0;
	}
	if (!tx)
		buf_printf(out, " %u", (unsigned int)count);
	buf_puts(out, "\n");
}

/* The kernel makes the folder of each queue there is, numbered without gaps. */
static bool has_queue(int dir, bool tx, unsigned int index)
{
	char path[32];

	snprintf(path, sizeof(path), "queues/%s-%u", tx ? "tx" : "rx", index);
	return faccessat(dir, path, F_OK, 0) == 0;
}

static void count_queues(int dir, unsigned int *ret)
{
	for (unsigned int tx = 0; tx < 2; tx++)
		for (ret[tx] = 0; ret[tx] < QUEUE_FILES_MAX && has_queue(dir, tx, ret[tx]);)
			ret[tx]++;
}

static void put_irq(struct buf *out, unsigned int ifindex, const char *number)
{
	static const char *const files[] = {"smp_affinity_list", "effective_affinity_list"};
	char list[2][256];
	bool known[2];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/irq/%.10s/%s", number, files[i]);
		known[i] = read_short(AT_FDCWD, path, list[i], sizeof(list[i]));
	}
	buf_printf(out, "irq %u %s %s %s\n", ifindex, number, word_of(known[0], list[0], 64),
		   word_of(known[1], list[1], 64));
}

static void put_irqs(struct buf *out, int dir, unsigned int ifindex, size_t *left)
{
	int fd = openat(dir, "device/msi_irqs", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	cleanup(cleanup_dir) DIR *d = NULL;

	if (fd < 0)
		fd = openat(dir, "device/../msi_irqs", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d && fd >= 0)
		close(fd);
	for (struct dirent *e; d && *left && (e = readdir(d));) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		put_irq(out, ifindex, e->d_name);
		(*left)--;
	}
}

static bool has_ifindex(int dir, unsigned int ifindex)
{
	char text[32];
	uint64_t number;

	return read_short(dir, "ifindex", text, sizeof(text)) &&
	       parse_u64(span_of(text), INT32_MAX, &number) == 0 && number == ifindex;
}

static bool put_netdev(struct buf *out, const struct class_net *class, const struct link *l,
		       size_t *left)
{
	cleanup(cleanup_fd) int dir = openat(class->fd, l->name, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	unsigned int queues[2];
	char link[512];
	ssize_t link_n;

	if (dir < 0 || (!class->own && !has_ifindex(dir, l->ifindex)))
		return false;
	count_queues(dir, queues);
	link_n = readlinkat(dir, "device", link, sizeof(link) - 1);
	if (link_n > 0) {
		link[link_n] = '\0';
		put_card(out, dir, l->ifindex, l->name, queues, link);
	} else {
		put_software_device(out, l->ifindex, l->name, queues);
	}
	/* Transmit queues of a software device wait for nothing that XPS could spread. */
	for (unsigned int tx = 0; tx < (link_n > 0 ? 2 : 1); tx++)
		for (unsigned int i = 0; i < queues[tx] && *left; i++, (*left)--)
			put_queue(out, dir, l->ifindex, tx, i);
	if (link_n > 0)
		put_irqs(out, dir, l->ifindex, left);
	return true;
}

static int open_class(struct class_net *ret)
{
	cleanup(cleanup_fd) int context = fsopen("sysfs", FSOPEN_CLOEXEC);
	cleanup(cleanup_fd) int root = -1;

	if (context >= 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		root = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
	if (root >= 0)
		ret->fd = openat(root, "class/net", O_PATH | O_CLOEXEC | O_DIRECTORY);
	ret->own = ret->fd >= 0;
	if (!ret->own)
		ret->fd = open("/sys/class/net", O_PATH | O_CLOEXEC | O_DIRECTORY);
	return ret->fd < 0 ? -errno : 0;
}

/*
 * By the names that netlink told: class/net holds the devices of all namespaces, and listing it
 * passes each of them (kernfs_fop_readdir).
 */
static int read_queues(const struct snapshot *s, struct buf *out)
{
	struct class_net class = {.fd = -1};
	size_t left = QUEUE_FILES_MAX, devices = 0, strangers = 0;
	int r = open_class(&class);

	if (r < 0)
		return r;
	vec_each(link, &s->links) {
		if (devices == DEVICES_MAX)
			break;
		if (strpbrk(link->name, " \t\n"))
			continue;
		if (put_netdev(out, &class, link, &left))
			devices++;
		else
			strangers++;
	}
	close(class.fd);
	/* Even a bare namespace has lo: none at all are those of another one. */
	return devices || !strangers ? 0 : -EPERM;
}

int collect_queues(struct host *h, struct snapshot *s)
{
	cleanup(buf_done) struct buf text = {0};
	int r;

	if (host_is_first(h))
		return 0;
	r = h->replay ? 0 : read_queues(s, &text);
	r = host_keep(h, "queues", r, &text);
	return r < 0 ? r : parse_queues((struct span){text.data, text.len}, s);
}
