// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kernel, distribution, what the host runs on, uptime and users.
 *
 *   uname(2), os-release(5)
 *   CPUID leaf 0x40000000, on x86: the hypervisor's name for itself, where leaf 1 says that there is
 *     one (the flag "hypervisor" of /proc/cpuinfo)
 *   /sys/hypervisor/type              drivers/xen/sys-hypervisor.c; "xen", also on its first domain
 *   /sys/class/dmi/id/sys_vendor ...  drivers/firmware/dmi-id.c, readable by all but for serials
 *   /proc/device-tree/hypervisor/compatible  on arm64 and others without DMI
 *   /run/systemd/container, /run/.containerenv, /.dockerenv  who runs the container we are in
 *   /proc/uptime                      fs/proc/uptime.c; seconds, with those suspended
 *   /run/utmp                         utmp(5); distributions of 64-bit time no longer keep one
 *
 * Scope: the host, or what a container was given for one. No privilege.
 *
 * A recording keeps all but the last two as lines "key text". An asset tag is kept only where a
 * cloud provider has set it: others are somebody's inventory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <utmp.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "collect/host_facts.h"

#define SECTION "system"
#define USERS_MAX 4096
#define CPUID_HYPERVISOR 0x40000000
#define CPUID_1_ECX_HYPERVISOR (1u << 31)

/* ---- names ---- */

struct known {
	const char *key, *begins, *name;
};

/* As their own documents have it; the order is that of certainty. */
static const struct known clouds[] = {
	{"sys_vendor", "Amazon EC2", "Amazon EC2"},
	{"bios_vendor", "Amazon EC2", "Amazon EC2"},
	{"product_name", "Google Compute Engine", "Google Compute Engine"},
	{"chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77", "Microsoft Azure"},
	{"chassis_asset_tag", "OracleCloud.com", "Oracle Cloud"},
	{"chassis_asset_tag", "OpenTelekomCloud", "Open Telekom Cloud"},
	{"product_name", "Alibaba Cloud ECS", "Alibaba Cloud"},
	{"sys_vendor", "DigitalOcean", "DigitalOcean"},
	{"sys_vendor", "Hetzner", "Hetzner Cloud"},
	{"sys_vendor", "Scaleway", "Scaleway"},
	{"sys_vendor", "Vultr", "Vultr"},
	{"sys_vendor", "Linode", "Linode"},
	{"sys_vendor", "Akamai", "Linode"},
	{"sys_vendor", "UpCloud", "UpCloud"},
	{"sys_vendor", "Exoscale", "Exoscale"},
	{"sys_vendor", "Tencent Cloud", "Tencent Cloud"},
	{"chassis_vendor", "IBM:Cloud Compute Server", "IBM Cloud"},
	{"sys_vendor", "OpenStack Foundation", "OpenStack"},
	{"product_name", "OpenStack Nova", "OpenStack"},
	{"product_name", "OpenStack Compute", "OpenStack"},
};

static const struct known hypervisors[] = {
	{"cpuid", "KVMKVMKVM", "KVM"},
	{"cpuid", "Linux KVM Hv", "KVM"},
	{"cpuid", "TCGTCGTCGTCG", "QEMU, without KVM"},
	{"cpuid", "VMwareVMware", "VMware"},
	{"cpuid", "Microsoft Hv", "Hyper-V"},
	{"cpuid", "XenVMMXenVMM", "Xen"},
	{"cpuid", "bhyve bhyve ", "bhyve"},
	{"cpuid", "QNXQVMBSQG", "QNX"},
	{"cpuid", "ACRNACRNACRN", "ACRN"},
	{"cpuid", " lrpepyh vr", "Parallels"},
	{"xen", "xen", "Xen"},
	{"device-tree", "linux,kvm", "KVM"},
	{"device-tree", "xen", "Xen"},
	{"product_name", "KVM", "KVM"},
	{"sys_vendor", "KVM", "KVM"},
	{"sys_vendor", "VMware", "VMware"},
	{"sys_vendor", "innotek GmbH", "VirtualBox"},
	{"sys_vendor", "Xen", "Xen"},
	{"sys_vendor", "Parallels", "Parallels"},
	{"sys_vendor", "Bochs", "Bochs"},
	{"sys_vendor", "Apple Virtualization", "Apple Virtualization"},
	{"bios_vendor", "BHYVE", "bhyve"},
	{"sys_vendor", "QEMU", "QEMU"},
	{"product_name", "Virtual Machine", "Hyper-V"},
};

static bool begins(struct span text, const char *with)
{
	return text.n >= strlen(with) && memcmp(text.p, with, strlen(with)) == 0;
}

static const struct known *known_as(const struct known *rows, size_t n, const char *key,
				    struct span text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].key, key) == 0 && begins(text, rows[i].begins))
			return &rows[i];
	return NULL;
}

/* ---- live ---- */

static const char *const dmi_files[] = {"sys_vendor",  "product_name",	    "bios_vendor",
					"chassis_vendor", "chassis_asset_tag"};

static void put_dmi(struct buf *to)
{
	cleanup(cleanup_fd) int dir = open("/sys/class/dmi/id", O_PATH | O_CLOEXEC | O_DIRECTORY);
	char text[96];

	for (size_t i = 0; dir >= 0 && i < ARRAY_SIZE(dmi_files); i++) {
		if (host_facts_short(dir, dmi_files[i], text, sizeof(text)) < 0)
			continue;
		if (strcmp(dmi_files[i], "chassis_asset_tag") == 0 &&
		    !known_as(clouds, ARRAY_SIZE(clouds), dmi_files[i], span_of(text)))
			continue;
		buf_printf(to, "%s %s\n", dmi_files[i], text);
	}
}

static void put_cpuid(struct buf *to)
{
#if defined(__x86_64__) || defined(__i386__)
	unsigned int a, b, c, d;
	char name[13] = "";

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & CPUID_1_ECX_HYPERVISOR))
		return;
	__cpuid(CPUID_HYPERVISOR, a, b, c, d);
	memcpy(name, &b, 4);
	memcpy(name + 4, &c, 4);
	memcpy(name + 8, &d, 4);
	for (size_t i = 0; name[i]; i++)
		if (name[i] < ' ' || name[i] > '~')
			name[i] = '?';
	buf_printf(to, "cpuid %s\n", name);
#endif
}

static void put_distribution(struct buf *to)
{
	static const char *const files[] = {"/etc/os-release", "/usr/lib/os-release"};
	static const char key[] = "PRETTY_NAME=";
	char text[4096];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		cleanup(cleanup_fd) int fd = open(files[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
		struct span all = {text, n > 0 ? (size_t)n : 0}, line;

		while (next_line(&all, &line)) {
			if (!begins(line, key))
				continue;
			line.p += strlen(key);
			line.n -= strlen(key);
			if (line.n >= 2 && strchr("\"'", line.p[0]) && line.p[line.n - 1] == line.p[0])
				line = (struct span){line.p + 1, line.n - 2};
			buf_printf(to, "distribution %.*s\n", (int)line.n, line.p);
			return;
		}
	}
}

static void put_container(struct buf *to)
{
	char text[32];

	if (host_facts_short(AT_FDCWD, "/run/systemd/container", text, sizeof(text)) == 0)
		buf_printf(to, "container %s\n", text);
	else if (access("/run/.containerenv", F_OK) == 0)
		buf_puts(to, "container podman\n");
	else if (access("/.dockerenv", F_OK) == 0)
		buf_puts(to, "container docker\n");
}

static int read_system(struct buf *to)
{
	struct utsname u;
	char text[96];

	if (uname(&u) < 0)
		return -errno;
	buf_printf(to, "name %s\nrelease %s\nversion %s\nmachine %s\n", u.nodename, u.release,
		   u.version, u.machine);
	put_distribution(to);
	put_container(to);
	put_cpuid(to);
	if (host_facts_short(AT_FDCWD, "/sys/hypervisor/type", text, sizeof(text)) == 0)
		buf_printf(to, "xen %s\n", text);
	if (host_facts_short(AT_FDCWD, "/proc/device-tree/hypervisor/compatible", text,
			     sizeof(text)) == 0)
		buf_printf(to, "device-tree %s\n", text);
	put_dmi(to);
	return 0;
}

/* ---- what was read ---- */

/* The first witness of a hypervisor counts: firmware can be made to say anything. */
static void take_witness(struct host_system *s, const char *key, struct span text)
{
	const struct known *k = known_as(hypervisors, ARRAY_SIZE(hypervisors), key, text);
	bool cpu = strcmp(key, "cpuid") == 0;

	if (cpu)
		s->is_guest = true;
	if (k && !s->hypervisor[0]) {
		s->is_guest = true;
		snprintf(s->hypervisor, sizeof(s->hypervisor), "%s", k->name);
		snprintf(s->hypervisor_by, sizeof(s->hypervisor_by), "%s",
			 cpu ? "CPUID" : strcmp(key, "xen") == 0 ? "/sys/hypervisor" : key);
	}
	k = known_as(clouds, ARRAY_SIZE(clouds), key, text);
	if (k && !s->cloud[0])
		snprintf(s->cloud, sizeof(s->cloud), "%s", k->name);
	/* Amazon's firmware has the instance type there, others their product. */
	if (strcmp(key, "product_name") == 0 && strcmp(s->cloud, "Amazon EC2") == 0)
		span_copy(text, s->instance, sizeof(s->instance));
}

static bool take_text(struct host_system *s, const char *key, struct span text)
{
	const struct {
		const char *key;
		char *to;
		size_t size;
	} rows[] = {{"name", s->name, sizeof(s->name)},
		    {"release", s->release, sizeof(s->release)},
		    {"version", s->version, sizeof(s->version)},
		    {"machine", s->machine, sizeof(s->machine)},
		    {"distribution", s->distribution, sizeof(s->distribution)},
		    {"container", s->container, sizeof(s->container)}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].key, key) != 0)
			continue;
		span_copy(text, rows[i].to, rows[i].size);
		return true;
	}
	return false;
}

int parse_host_system(struct span text, struct host_system *ret)
{
	struct span line, word;
	char key[32];

	while (next_line(&text, &line)) {
		if (!next_split(&line, ' ', &word) || !line.p || word.n >= sizeof(key))
			return -EBADMSG;
		span_copy(word, key, sizeof(key));
		if (!take_text(ret, key, line))
			take_witness(ret, key, line);
	}
	return ret->release[0] ? 0 : -EBADMSG;
}

/* "26302.83 41233.36": since boot, and idle */
int parse_uptime(struct span text, struct host_system *ret)
{
	struct span line, field;
	char number[32];

	if (!next_line(&text, &line) || !next_field(&line, &field) || field.n >= sizeof(number))
		return -EBADMSG;
	span_copy(field, number, sizeof(number));
	if (parse_decimal(number, 0, 1e11, &ret->uptime_s) < 0)
		return -EBADMSG;
	ret->uptime_known = true;
	return 0;
}

int parse_utmp(const struct buf *data, struct host_system *ret)
{
	struct utmp u;

	if (data->len % sizeof(u))
		return -EBADMSG;
	for (size_t at = 0; at < data->len && ret->users.n < USERS_MAX; at += sizeof(u)) {
		struct host_user *user;

		memcpy(&u, data->data + at, sizeof(u));
		if (u.ut_type != USER_PROCESS || !u.ut_user[0])
			continue;
		user = vec_push(&ret->users);
		/* Filled to their ends these are not terminated. */
		snprintf(user->name, sizeof(user->name), "%.*s", (int)sizeof(u.ut_user), u.ut_user);
		snprintf(user->line, sizeof(user->line), "%.*s", (int)sizeof(u.ut_line), u.ut_line);
		snprintf(user->from, sizeof(user->from), "%.*s", (int)sizeof(user->from) - 1,
			 u.ut_host);
		user->since = u.ut_tv.tv_sec;
	}
	ret->users_known = true;
	return 0;
}

void collect_host_system(struct host *h, struct host_facts *f)
{
	cleanup(buf_done) struct buf text = {0};
	cleanup(buf_done) struct buf uptime = {0};
	cleanup(buf_done) struct buf users = {0};
	int r = host_facts_made(h, "host-system", read_system, &text);

	if (r == 0)
		r = parse_host_system((struct span){text.data, text.len}, &f->system);
	if (r < 0)
		host_absent(f, SECTION, "uname", r);
	r = host_read(h, "uptime", &uptime);
	if (r == 0)
		r = parse_uptime((struct span){uptime.data, uptime.len}, &f->system);
	if (r < 0)
		host_absent(f, SECTION, "/proc/uptime", r);
	r = host_read_abs(h, "/run/utmp", &users);
	if (r == 0)
		r = parse_utmp(&users, &f->system);
	if (r < 0)
		host_absent(f, SECTION, "/run/utmp", r);
}
