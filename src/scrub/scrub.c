// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "scrub/scrub.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "scrub/map.h"
#include "model/doing.h"
#include "model/drops_json.h"
#include "model/snapshot.h"

/*
 * What becomes of one kind of entry. `name` is what stands behind INODE/PHASE/, `data` what the
 * read gave, or NULL if it failed; *to is the name anew. -EBADMSG: left out.
 */
struct kind {
	const char *prefix;
	int (*scrub)(struct scrubber *s, const char *name, struct buf *data, struct buf *to);
	bool learns;
};

/* ---- text ---- */

static bool ends_in(const char *text, const char *with)
{
	size_t n = strlen(text), m = strlen(with);

	return n >= m && strcmp(text + n - m, with) == 0;
}

bool is_one_of(const char *const *list, const char *text)
{
	for (; *list; list++)
		if (strcmp(*list, text) == 0)
			return true;
	return false;
}

static bool has_word(struct span line, const char *const *words, bool at_end)
{
	for (; *words; words++) {
		size_t n = strlen(*words);

		if (line.n >= n && memcmp(at_end ? line.p + line.n - n : line.p, *words, n) == 0)
			return true;
	}
	return false;
}

/* The lines that begin with one of these words, or end in one. */
static void keep_lines(struct buf *data, const char *const *words, bool at_end)
{
	struct span text = {data->data, data->len}, line;
	struct buf out = {0};

	while (next_line(&text, &line)) {
		if (!has_word(line, words, at_end))
			continue;
		buf_add(&out, line.p, line.n);
		buf_add(&out, "\n", 1);
	}
	buf_done(data);
	*data = out;
}

static int scrub_counters(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char *const files[] = {"net/snmp",	   "net/snmp6",	       "net/netstat",
					    "net/sockstat", "net/sockstat6", "net/xfrm_stat", "net/softnet_stat",
					    "net/stat/nf_conntrack", "net/stat/rt_cache",
					    "net/netfilter/nfnetlink_queue", "net/tls_stat", NULL};
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_:.-";

	if (!is_one_of(files, name) || (data && !is_plain_text(data, letters)))
		return -EBADMSG;
	buf_puts(to, name);
	return 0;
}

static int scrub_sockets(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const struct {
		const char *name;
		enum socket_file which;
	} files[] = {{"net/raw", SOCKET_FILE_RAW},
		     {"net/raw6", SOCKET_FILE_RAW},
		     {"net/packet", SOCKET_FILE_PACKET},
		     {"net/netlink", SOCKET_FILE_NETLINK}};

	buf_puts(to, name);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(name, files[i].name) == 0)
			return data ? scrub_socket_file(s, files[i].which, data) : 0;
	return -EBADMSG;
}

const char *const iptables_tables[] = {"filter", "nat", "mangle", "raw", "security", NULL};

static int scrub_table_names(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	struct span text = {data ? data->data : NULL, data ? data->len : 0}, line;
	char table[64];

	while (next_line(&text, &line)) {
		span_copy(line, table, sizeof(table));
		if (!is_one_of(iptables_tables, table))
			return -EBADMSG;
	}
	buf_puts(to, name);
	return ends_in(name, "_tables_names") ? 0 : -EBADMSG;
}

static int scrub_sysctl(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char *const others[] = {"sys/kernel/modules_disabled", NULL};
	bool known = is_one_of(others, name);

	for (size_t i = 0; i < SYSCTL_N; i++)
		known |= strcmp(sysctl_rows[i].path, name + strlen("sys/")) == 0;
	for (size_t i = 0; i < DOING_NUMBERS; i++)
		known |= doing_number_rows[i].file == DOING_SYS &&
			 strcmp(doing_number_rows[i].name, name + strlen("sys/")) == 0;
	if (!known || (data && !is_plain_text(data, "-")))
		return -EBADMSG;
	buf_puts(to, name);
	return 0;
}

/* The release is shown by every diagnosis, and drops mean nothing without it. */
static int scrub_release(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	buf_puts(to, name);
	return strcmp(name, "sys/kernel/osrelease") == 0 ? 0 : -EBADMSG;
}

static int scrub_cpu(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char *const words[] = {"cpu", "procs_", "ctxt ", "processes ", NULL};

	if (strcmp(name, "stat") != 0)
		return -EBADMSG;
	if (data)
		keep_lines(data, words, false);
	buf_puts(to, name);
	return 0;
}

/* The kernel's own words and numbers. */
static int scrub_machine(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char *const files[] = {"softirqs", "loadavg", "uptime", "meminfo", "vmstat",
					    "pressure/cpu", "pressure/memory", "pressure/io", NULL};
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_:.-=/()";

	if (!is_one_of(files, name) || (data && !is_plain_text(data, letters)))
		return -EBADMSG;
	buf_puts(to, name);
	return 0;
}

static int scrub_interrupts_of(struct scrubber *s, const char *name, struct buf *data,
			       struct buf *to)
{
	buf_puts(to, name);
	if (strcmp(name, "interrupts") != 0)
		return -EBADMSG;
	return data ? scrub_interrupts(s, data) : 0;
}

static int scrub_queues_of(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	buf_puts(to, name);
	if (strcmp(name, "made/queues") != 0)
		return -EBADMSG;
	return data ? scrub_queues(s, data) : 0;
}

static int scrub_tasks_of(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	buf_puts(to, name);
	if (strcmp(name, "made/cpu-tasks") != 0)
		return -EBADMSG;
	return data ? scrub_cpu_tasks(s, data) : 0;
}

static int scrub_unix_of(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	buf_puts(to, name);
	if (strcmp(name, "made/unix-queues") != 0)
		return -EBADMSG;
	return data ? scrub_unix_queues(s, data) : 0;
}

/* The kernel's own words for states and drivers, and numbers. */
static int scrub_idle_states(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-+.";

	buf_puts(to, name);
	return strcmp(name, "made/cpuidle") || (data && !is_plain_text(data, letters)) ? -EBADMSG : 0;
}

static int scrub_log(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	buf_puts(to, name);
	if (strcmp(name, "made/kernel-log") != 0)
		return -EBADMSG;
	return data ? scrub_kernel_log(s, data) : 0;
}

static int scrub_peer_links(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	buf_puts(to, name);
	return data ? scrub_netlink(s, "peer-links", data) : 0;
}

/* "NUMBER INODE NAME" */
static int scrub_peer_netns(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	struct span text = {data ? data->data : NULL, data ? data->len : 0}, line, word;
	struct buf out = {0};

	buf_puts(to, name);
	while (next_line(&text, &line)) {
		uint64_t number[2];
		bool fits = true;

		for (size_t i = 0; i < ARRAY_SIZE(number); i++)
			fits = fits && next_split(&line, ' ', &word) &&
			       parse_u64(word, INT64_MAX, &number[i]) == 0;
		if (!fits) {
			buf_done(&out);
			return -EBADMSG;
		}
		buf_printf(&out, "%llu %llu %s\n", (unsigned long long)number[0],
			   (unsigned long long)number[1],
			   line.n ? scrub_name(s, NAME_NETNS, line.p, line.n) : "");
	}
	if (data) {
		buf_done(data);
		*data = out;
	}
	return 0;
}

/* Whose machine it is can be told from its modules; these are asked for. */
static int scrub_modules(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char *const words[] = {"nf_tables ", "af_packet_diag ",
					    "nf_conntrack_netlink ", NULL};

	if (data)
		keep_lines(data, words, false);
	buf_puts(to, name);
	return strcmp(name, "modules") == 0 ? 0 : -EBADMSG;
}

/* Of /proc/PID/status where it may run, and what is swapped; it names program and user too. */
static int keep_allowed(struct buf *data)
{
	static const char *const kept[] = {"Cpus_allowed_list:", "VmSwap:", NULL};

	keep_lines(data, kept, false);
	return is_plain_text(data, "Cpus_alowedit:-,VmSkB") ? 0 : -EBADMSG;
}

/* Of /proc/PID/limits how many files it may have open. */
static int keep_open_files(struct buf *data)
{
	static const char *const kept[] = {"Max open files", NULL};

	keep_lines(data, kept, false);
	return is_plain_text(data, "Max openfilsutmd") ? 0 : -EBADMSG;
}

static int scrub_process(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	const char *file = strchr(name, '/');
	int r = 0;

	if (!file || (!isdigit((unsigned char)name[0]) && strncmp(name, "self/", 5) != 0))
		return -EBADMSG;
	file++;
	if (strcmp(file, "stat") == 0)
		r = data ? scrub_process_stat(s, data) : 0;
	else if (strcmp(file, "cgroup") == 0)
		r = data ? scrub_cgroups(s, data) : 0;
	else if (strcmp(file, "mounts") == 0)
		r = data ? scrub_mounts(s, data) : 0;
	else if (strcmp(file, "status") == 0)
		r = data ? keep_allowed(data) : 0;
	else if (strcmp(file, "limits") == 0)
		r = data ? keep_open_files(data) : 0;
	else if (strcmp(file, "schedstat") != 0 || (data && !is_plain_text(data, "")))
		r = -EBADMSG;
	buf_puts(to, name);
	return r;
}

static int scrub_exists(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char *const files[] = {"exists/sys/net/netfilter/nf_conntrack_max",
					    "exists/modules", NULL};

	buf_puts(to, name);
	return is_one_of(files, name) && !(data && data->len) ? 0 : -EBADMSG;
}

/* Files of a cgroup, whose way there is the same as in /proc/PID/cgroup. */
static int scrub_file(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char *const files[] = {"/cpu.stat", "/cpu.max", "/cpu.cfs_quota_us",
					    "/cpu.cfs_period_us", "/freezer.state",
					    "/cgroup.events", "/memory.max", "/memory.current", "/memory.stat",
					    "/memory.kmem.tcp.limit_in_bytes",
					    "/memory.kmem.tcp.usage_in_bytes", NULL};
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-";
	static const char *const built_in[] = {"/nf_tables.ko", "/af_packet_diag.ko",
					       "/nf_conntrack_netlink.ko", NULL};
	bool known = false;

	if (strncmp(name, "abs/lib/modules/", 16) == 0 && ends_in(name, "/modules.builtin")) {
		if (data)
			keep_lines(data, built_in, true);
		buf_puts(to, name);
		return 0;
	}
	for (size_t i = 0; files[i]; i++)
		known |= ends_in(name, files[i]);
	if (!known || (data && !is_plain_text(data, letters)))
		return -EBADMSG;
	buf_puts(to, "abs");
	scrub_path(s, span_of(name + 3), to);
	return 0;
}

/* Sockets, who holds them and what locks their buffers, what devices carried: by numbers. */
static int scrub_numbers(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char *const names[] = {"made/owners", "made/rates", "made/buffer-locks",
					    "made/host-time", "made/host-parts", NULL};
	bool known = is_one_of(names, name);

	if (strncmp(name, "made/fds-", 9) == 0)
		known = name[9] && !name[9 + strspn(name + 9, "0123456789")];
	buf_puts(to, name);
	return known && !(data && !is_plain_text(data, "")) ? 0 : -EBADMSG;
}

/* "made/container-ID" */
static int scrub_container_of(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	const char *id = name + strlen("made/container-");

	buf_puts(to, "made/container-");
	if (strlen(id) != 64 || strspn(id, "0123456789abcdef") != 64)
		return -EBADMSG;
	scrub_hex(s, span_of(id), to);
	return data ? scrub_container_names(s, data) : 0;
}

/* Counters of the kernel's, and numbers. */
static int scrub_bursts(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.";

	buf_puts(to, name);
	return strcmp(name, "made/bursts") || (data && !is_plain_text(data, letters)) ? -EBADMSG : 0;
}

static int scrub_crowd_of(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	buf_puts(to, name);
	if (strcmp(name, "made/tracked") != 0 && strcmp(name, "made/connections") != 0)
		return -EBADMSG;
	return data ? scrub_crowd(s, data) : 0;
}

/* Where CPUs and memory are, in numbers and the kernel's words. */
static int scrub_host_places(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char *const names[] = {"made/host-cpu", "made/host-numa", NULL};
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-,?";

	buf_puts(to, name);
	return is_one_of(names, name) && !(data && !is_plain_text(data, letters)) ? 0 : -EBADMSG;
}

/* Makers, models and versions. */
static int scrub_firmware(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char *const words[] = {"boot ", "bios_", "sys_vendor ", "product_name ",
					    "product_version ", "board_", NULL};

	if (data)
		keep_lines(data, words, false);
	buf_puts(to, name);
	return strcmp(name, "made/host-firmware") == 0 ? 0 : -EBADMSG;
}

static int scrub_tables(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char entry[] = "/smbios_entry_point";

	buf_puts(to, name);
	/* It says where in memory the table was, and how long. */
	if (ends_in(name, entry))
		return -EBADMSG;
	return strcmp(name, "abs/sys/firmware/dmi/tables/DMI") ? -EBADMSG
	       : data						? scrub_smbios(data)
								: 0;
}

/* Sizes and models; names of disks are the kernel's own. */
static int scrub_disks(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char *const words[] = {"disk ",	"controller ", "place ",    "scsi ",
					    "vendor ",	"model ",      "firmware ", "scheduler ", NULL};

	if (data)
		keep_lines(data, words, false);
	buf_puts(to, name);
	return strcmp(name, "made/host-disks") == 0 ? 0 : -EBADMSG;
}

/* Places on the bus, numbers of classes and models, and speeds. */
static int scrub_cards(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char *const words[] = {"card ", "speed ", "max-speed ", NULL};

	if (data)
		keep_lines(data, words, false);
	buf_puts(to, name);
	return strcmp(name, "made/host-cards") == 0 ? 0 : -EBADMSG;
}

static int scrub_mounts_of(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	buf_puts(to, name);
	if (strcmp(name, "made/host-mounts") != 0)
		return -EBADMSG;
	return data ? scrub_host_mounts(s, data) : 0;
}

/* Which CPU it is; the rest of it is long, and asked for by nobody. */
static int scrub_cpuinfo(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char *const words[] = {"processor", "vendor_id", "CPU implementer",
					    "model",	 "cpu family", "cpu model",
					    "stepping",	 "microcode",  NULL};

	if (data)
		keep_lines(data, words, false);
	buf_puts(to, name);
	return strcmp(name, "cpuinfo") == 0 ? 0 : -EBADMSG;
}

static int scrub_host_system_of(struct scrubber *s, const char *name, struct buf *data,
				struct buf *to)
{
	buf_puts(to, name);
	if (strcmp(name, "made/host-system") != 0)
		return -EBADMSG;
	return data ? scrub_host_system(s, data) : 0;
}

static int scrub_doing_of(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const struct {
		const char *name;
		enum doing_text which;
	} texts[] = {{"made/host-processes", DOING_TEXT_PROCESSES},
		     {"made/host-cgroups", DOING_TEXT_CGROUPS},
		     {"made/host-policies", DOING_TEXT_POLICIES},
		     {"swaps", DOING_TEXT_SWAPS}};

	buf_puts(to, name);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (strcmp(name, texts[i].name) == 0)
			return data ? scrub_doing(s, texts[i].which, data) : 0;
	return -EBADMSG;
}

/* Nodes of memory and modes of the kernel: its own words and numbers, as in slabinfo. */
static int scrub_memory_file(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const char *const files[] = {"slabinfo", "abs/sys/kernel/mm/transparent_hugepage/enabled",
					    "abs/sys/devices/system/node/online", NULL};
	static const char node[] = "abs/sys/devices/system/node/node";
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_:.,-()<>#[]@/+";
	const char *rest = strncmp(name, node, strlen(node)) ? "" : name + strlen(node);

	rest += strspn(rest, "0123456789");
	buf_puts(to, name);
	if (!is_one_of(files, name) && strcmp(rest, "/meminfo") != 0 && strcmp(rest, "/numastat") != 0)
		return -EBADMSG;
	return data && !is_plain_text(data, letters) ? -EBADMSG : 0;
}

/* The longest prefix that fits decides; a kind that is not here is left out. */
static const struct kind kinds[] = {
	{"proc/net/ip_tables_names", scrub_table_names, false},
	{"proc/net/ip6_tables_names", scrub_table_names, false},
	{"proc/net/raw", scrub_sockets, false},
	{"proc/net/packet", scrub_sockets, false},
	{"proc/net/netlink", scrub_sockets, false},
	{"proc/net/", scrub_counters, false},
	{"proc/sys/kernel/osrelease", scrub_release, false},
	{"proc/sys/", scrub_sysctl, false},
	{"proc/stat", scrub_cpu, false},
	{"proc/modules", scrub_modules, false},
	{"proc/softirqs", scrub_machine, false},
	{"proc/loadavg", scrub_machine, false},
	{"proc/cpuinfo", scrub_cpuinfo, false},
	{"proc/uptime", scrub_machine, false},
	{"proc/meminfo", scrub_machine, false},
	{"proc/vmstat", scrub_machine, false},
	{"proc/pressure/", scrub_machine, false},
	{"proc/interrupts", scrub_interrupts_of, false},
	{"proc/slabinfo", scrub_memory_file, false},
	{"proc/swaps", scrub_doing_of, false},
	{"proc/", scrub_process, false},
	{"exists/", scrub_exists, false},
	{"abs/sys/firmware/", scrub_tables, false},
	{"abs/sys/devices/system/node/", scrub_memory_file, false},
	{"abs/sys/kernel/mm/", scrub_memory_file, false},
	{"abs/", scrub_file, false},
	{"nl/nft-set-", scrub_elements, true},
	{"nl/nft-", scrub_answer, true},
	{"nl/", scrub_answer, false},
	{"opt/", scrub_option, true},
	{"ethtool/", scrub_card, false},
	{"made/nft-list-", scrub_list, false},
	{"made/iptables-save-", scrub_save, false},
	{"made/ip6tables-save-", scrub_save, false},
	{"made/owners", scrub_numbers, false},
	{"made/container-", scrub_container_of, false},
	{"made/fds-", scrub_numbers, false},
	{"made/bursts", scrub_bursts, false},
	{"made/tracked", scrub_crowd_of, false},
	{"made/connections", scrub_crowd_of, false},
	{"made/rates", scrub_numbers, false},
	{"made/queues", scrub_queues_of, false},
	{"made/cpu-tasks", scrub_tasks_of, false},
	{"made/cpuidle", scrub_idle_states, false},
	{"made/unix-queues", scrub_unix_of, false},
	{"made/kernel-log", scrub_log, false},
	{"made/peer-links", scrub_peer_links, false},
	{"made/peer-netns", scrub_peer_netns, false},
	{"made/host-disks", scrub_disks, false},
	{"made/host-cards", scrub_cards, false},
	{"made/host-mounts", scrub_mounts_of, false},
	{"made/host-firmware", scrub_firmware, false},
	{"made/host-cpu", scrub_host_places, false},
	{"made/host-numa", scrub_host_places, false},
	{"made/host-system", scrub_host_system_of, false},
	{"made/host-time", scrub_numbers, false},
	{"made/host-parts", scrub_numbers, false},
	{"made/host-processes", scrub_doing_of, false},
	{"made/host-cgroups", scrub_doing_of, false},
	{"made/host-policies", scrub_doing_of, false},
	{"late/", scrub_late, false},
	{"made/buffer-locks", scrub_numbers, false},
};

static const struct kind *kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
			return &kinds[i];
	return NULL;
}

/* ---- all of it ---- */

/* Behind "INODE/PHASE/"; NULL if it has no such beginning. */
static const char *without_phase(const char *name)
{
	const char *phase = name + strspn(name, "0123456789"), *rest;

	if (phase == name || *phase++ != '/')
		return NULL;
	rest = phase + strspn(phase, "abcdefghijklmnopqrstuvwxyz-0123456789");
	return rest > phase && *rest == '/' ? rest + 1 : NULL;
}

static int scrub_one(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	const char *rest = without_phase(name);
	const struct kind *kind = rest ? kind_of(rest) : NULL;
	bool of_proc = kind && strncmp(kind->prefix, "proc/", 5) == 0;

	if (strcmp(name, "drops.json") == 0) {
		buf_puts(to, name);
		return data && !s->learning ? scrub_drops(s, data) : 0;
	}
	if (strcmp(name, "tcp.json") == 0) {
		buf_puts(to, name);
		return data && !s->learning ? scrub_tcp_lines(s, data) : 0;
	}
	if (!kind)
		return -EBADMSG;
	if (s->learning && (!kind->learns || !data))
		return 0;
	buf_add(to, name, (size_t)(rest - name) + (of_proc ? 5 : 0));
	return kind->scrub(s, rest + (of_proc ? 5 : 0), data, to);
}

static void learn(const char *name, struct buf *data, void *arg)
{
	cleanup(buf_done) struct buf to = {0};

	scrub_one(arg, name, data, &to);
}

static bool rewrite(char **name, int err, struct buf *data, void *arg)
{
	struct buf to = {0};

	if (scrub_one(arg, *name, err ? NULL : data, &to) < 0) {
		buf_done(&to);
		return false;
	}
	free(*name);
	*name = to.data;
	return true;
}

void scrub_all(struct scrubber *s, struct recording *r)
{
	s->learning = true;
	/* Twice, since sets are understood by the rules that look things up in them. */
	recording_each(r, learn, s);
	recording_each(r, learn, s);
	scrubber_learned(s);
	recording_rewrite(r, rewrite, s);
	scrub_meta(s, recording_meta(r));
}

int recording_scrub(struct recording *r)
{
	struct siphash_key key;
	struct scrubber s;
	ssize_t n = getrandom(&key, sizeof(key), 0);

	if (n != (ssize_t)sizeof(key))
		return n < 0 ? -errno : -EIO;
	scrubber_init(&s, &key);
	scrub_all(&s, r);
	scrubber_done(&s);
	explicit_bzero(&key, sizeof(key));
	explicit_bzero(&s, sizeof(s));
	return 0;
}
