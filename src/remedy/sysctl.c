// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Settings below /proc/sys. Those of net/ are the namespace's that the thread is in, where it has
 * some of its own; the others, and what only the first namespace may set, are the whole host's
 * (fs/proc/proc_sysctl.c). The kernel takes a value in one write() and refuses it with EINVAL.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/parse.h"
#include "model/snapshot.h"
#include "remedy/kinds.h"

#define VALUE_MAX 4096

/*
 * Dots stand for slashes and slashes for dots, as sysctl(8) has it; the name of a device in
 * conf.DEVICE.NAME and neigh.DEVICE.NAME may have dots of its own either way.
 */
static int sysctl_path(const char *key, char *to, size_t size)
{
	static const char *const of_devices[] = {"net.ipv4.conf.", "net.ipv6.conf.",
						 "net.ipv4.neigh.", "net.ipv6.neigh.", "net.mpls.conf."};
	const char *device = NULL, *leaf = strrchr(key, '.');
	size_t n = strlen("sys/");

	if (strlen(key) + n >= size)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < ARRAY_SIZE(of_devices); i++)
		if (strncmp(key, of_devices[i], strlen(of_devices[i])) == 0)
			device = key + strlen(of_devices[i]);
	memcpy(to, "sys/", n);
	for (const char *p = key; *p; p++) {
		bool in_device = device && p >= device && p < leaf;

		if (*p == '.')
			to[n++] = in_device ? '.' : '/';
		else
			to[n++] = *p == '/' ? '.' : *p;
	}
	to[n] = '\0';
	/* Never out of the tree. */
	if (strstr(to, "//") || strstr(to, "/../") || strstr(to, "/./") || to[n - 1] == '/')
		return -EINVAL;
	return n > 3 && strcmp(to + n - 3, "/..") == 0 ? -EINVAL : 0;
}

/* Numbers stand between tabs or blanks, and a line ends it: one blank between fields is the same. */
static void plain_value(const char *text, size_t n, struct buf *ret)
{
	struct span left = {text, n}, field;

	while (left.n && (left.p[left.n - 1] == '\n' || left.p[left.n - 1] == ' '))
		left.n--;
	while (next_field(&left, &field)) {
		if (ret->len)
			buf_puts(ret, " ");
		buf_add(ret, field.p, field.n);
	}
	if (!ret->data)
		buf_puts(ret, "");
}

static int sysctl_read(const struct change_place *p, const char *key, struct buf *ret)
{
	char path[256], value[VALUE_MAX];
	int r = sysctl_path(key, path, sizeof(path));
	ssize_t n;

	if (r < 0)
		return r;
	cleanup(cleanup_fd) int fd = openat(p->proc, path, O_RDONLY | O_CLOEXEC);

	n = fd < 0 ? -1 : read(fd, value, sizeof(value));
	if (n < 0)
		return -errno;
	if (n == (ssize_t)sizeof(value))
		return -EFBIG;
	buf_clear(ret);
	plain_value(value, (size_t)n, ret);
	return 0;
}

static int sysctl_write(const struct change_place *p, const char *key, const char *value)
{
	char path[256], line[VALUE_MAX];
	int r = sysctl_path(key, path, sizeof(path));
	int n = snprintf(line, sizeof(line), "%s\n", value);
	ssize_t written;

	if (r < 0)
		return r;
	if (n >= (int)sizeof(line))
		return -E2BIG;
	cleanup(cleanup_fd) int fd = openat(p->proc, path, O_WRONLY | O_CLOEXEC);

	written = fd < 0 ? -1 : write(fd, line, (size_t)n);
	if (written < 0)
		return -errno;
	/* The kernel takes all of a value or none; less is what it did not understand. */
	return written == n ? 0 : -EINVAL;
}

/* nf_ct_alloc_hashtable() fills whole pages: 512 chains of 8 bytes, 1,024 where pointers have 4. */
static bool sysctl_same(const char *key, const char *wanted, const char *present)
{
	uint64_t a, b, whole = 4096 / sizeof(void *);

	if (strcmp(wanted, present) == 0)
		return true;
	return strcmp(key, "net.netfilter.nf_conntrack_buckets") == 0 &&
	       parse_u64(span_of(wanted), UINT32_MAX, &a) == 0 &&
	       parse_u64(span_of(present), UINT32_MAX, &b) == 0 &&
	       (a + whole - 1) / whole * whole == b;
}

/*
 * inet_forward_change(), addrconf_fixup_forwarding() and addrconf_disable_ipv6() write the value
 * of all to the default and to each device; the first also turns redirects on where it turns
 * forwarding off, and the other way round.
 */
static const struct {
	const char *key, *folder, *leaf, *besides;
} spreading[] = {
	{"net.ipv4.ip_forward", "net.ipv4.conf.", "forwarding",
	 "net.ipv4.conf.all.accept_redirects"},
	{"net.ipv4.conf.all.forwarding", "net.ipv4.conf.", "forwarding",
	 "net.ipv4.conf.all.accept_redirects"},
	{"net.ipv6.conf.all.forwarding", "net.ipv6.conf.", "forwarding", NULL},
	{"net.ipv6.conf.all.disable_ipv6", "net.ipv6.conf.", "disable_ipv6", NULL},
};

static int each_device(const struct change_place *p, const char *folder, const char *leaf,
		       struct key_list *ret)
{
	char path[256], key[512];
	const struct dirent *e;
	DIR *dir;
	int fd, r;

	snprintf(key, sizeof(key), "%sall", folder);
	r = sysctl_path(key, path, sizeof(path));
	if (r < 0)
		return r;
	*strrchr(path, '/') = '\0';
	fd = openat(p->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.' || strcmp(e->d_name, "all") == 0)
			continue;
		snprintf(key, sizeof(key), "%s%s.%s", folder, e->d_name, leaf);
		*vec_push(&ret->list) = xstrdup(key);
	}
	closedir(dir);
	return 0;
}

static int sysctl_along(const struct change_place *p, const char *key, struct key_list *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(spreading); i++) {
		if (strcmp(key, spreading[i].key) != 0)
			continue;
		if (spreading[i].besides)
			*vec_push(&ret->list) = xstrdup(spreading[i].besides);
		return each_device(p, spreading[i].folder, spreading[i].leaf, ret);
	}
	return 0;
}

/* The table tells of those that causes name; what it does not know below net/ is a namespace's. */
static bool sysctl_host_wide(const char *key)
{
	char path[256];

	if (strncmp(key, "net.", strlen("net.")) != 0 || strcmp(key, "net.nf_conntrack_max") == 0)
		return true;
	if (strstr(key, ".neigh.default.gc_"))
		return true; /* one table for all namespaces (net/core/neighbour.c) */
	if (sysctl_path(key, path, sizeof(path)) < 0)
		return false;
	for (size_t i = 0; i < SYSCTL_N; i++)
		if (strcmp(sysctl_rows[i].path, path + strlen("sys/")) == 0)
			return sysctl_rows[i].scope == SCOPE_HOST;
	return false;
}

static const char *sysctl_refusal(const char *key, int err)
{
	(void)key;
	switch (err) {
	case -EROFS:
		return "/proc/sys is mounted read-only here, as in a container";
	case -ENOENT:
		return "this kernel or namespace has no such setting";
	case -EINVAL:
	case -ERANGE:
		return "the kernel does not take this value";
	case -EACCES:
	case -EPERM:
		return "it wants root, and host-wide settings the host's own namespace";
	}
	return NULL;
}

static void sysctl_line(const char *key, const char *value, struct buf *ret)
{
	buf_printf(ret, "%s = %s\n", key, value);
}

const struct change_kind sysctl_kind = {
	.name = "sysctl",
	.read = sysctl_read,
	.write = sysctl_write,
	.same = sysctl_same,
	.along = sysctl_along,
	.host_wide = sysctl_host_wide,
	.refusal = sysctl_refusal,
	.sysctl_line = sysctl_line,
};
