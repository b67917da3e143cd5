// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/privileges.h"

#include <ctype.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <unistd.h>

#include "base/parse.h"

const struct capability_row capability_rows[] = {
	{"CAP_BPF", CAP_BPF, "with CAP_PERFMON, the drop events of all rungs but net_dm",
	 "bpf,perfmon"},
	{"CAP_PERFMON", CAP_PERFMON, "with CAP_BPF, the drop events of all rungs but net_dm",
	 "bpf,perfmon"},
	{"CAP_NET_ADMIN", CAP_NET_ADMIN,
	 "nftables rules, policies and counters, tracked connections, the other ends of links; with "
	 "CAP_SYS_ADMIN, the rung net_dm",
	 "net_admin"},
	{"CAP_NET_RAW", CAP_NET_RAW,
	 "captures of this host (whydrop pcap -i); with CAP_NET_ADMIN and CAP_DAC_READ_SEARCH, the "
	 "rules of iptables-legacy",
	 "net_raw,net_admin,dac_read_search"},
	{"CAP_SYS_PTRACE", CAP_SYS_PTRACE,
	 "with CAP_DAC_READ_SEARCH, which processes own the sockets of other users",
	 "sys_ptrace,dac_read_search"},
	{"CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH,
	 "with CAP_SYS_PTRACE, which processes own the sockets of other users",
	 "sys_ptrace,dac_read_search"},
	{"CAP_SYSLOG", CAP_SYSLOG,
	 "the kernel's log, where kernel.dmesg_restrict closes it; names of kernel functions, where "
	 "BPF does not tell them",
	 "syslog"},
	{"CAP_SYS_ADMIN", CAP_SYS_ADMIN,
	 "other network namespaces (--netns); with CAP_NET_ADMIN, the rung net_dm",
	 "sys_admin,net_admin"},
};
const size_t capability_rows_n = ARRAY_SIZE(capability_rows);

/* CapEff of /proc/self/status, a hexadecimal mask; our own, so no namespace is to be entered. */
void privileges_read(struct privileges *p)
{
	int fd cleanup(cleanup_fd) = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	struct buf text = {0};
	struct span rest, line, key, value;

	if (fd < 0 || buf_read_fd(&text, fd, 65536) < 0)
		return;
	rest = (struct span){.p = text.data, .n = text.len};
	while (next_line(&rest, &line))
		if (next_field(&line, &key) && span_is(key, "CapEff:") && next_field(&line, &value))
			p->known = parse_hex64(value, UINT64_MAX, &p->effective) == 0;
	buf_done(&text);
}

/* CAP_SYS_ADMIN stands for the two that were once parts of it (bpf_capable, perfmon_capable). */
bool privileges_hold(const struct privileges *p, unsigned int bit)
{
	uint64_t enough = 1ULL << bit;

	if (bit == CAP_BPF || bit == CAP_PERFMON)
		enough |= 1ULL << CAP_SYS_ADMIN;
	return p->effective & enough;
}

/* Root without it lives in a container that took it away; there nothing can give it back. */
void privileges_unlock(const struct capability_row *row, struct buf *to)
{
	bool root = geteuid() == 0;
	struct span rest = span_of(row->words), word;

	if (root) {
		buf_puts(to, "docker run");
		while (next_split(&rest, ',', &word)) {
			buf_puts(to, " --cap-add ");
			for (size_t i = 0; i < word.n; i++)
				buf_printf(to, "%c", toupper((unsigned char)word.p[i]));
		}
		buf_puts(to, " ...");
		return;
	}
	buf_printf(to, "sudo setpriv --reuid %u --regid %u --clear-groups", geteuid(), getegid());
	for (int i = 0; i < 2; i++) {
		buf_puts(to, i ? " --ambient-caps " : " --inh-caps ");
		rest = span_of(row->words);
		for (bool first = true; next_split(&rest, ',', &word); first = false)
			buf_printf(to, "%s+%.*s", first ? "" : ",", (int)word.n, word.p);
	}
	buf_puts(to, " whydrop");
}
