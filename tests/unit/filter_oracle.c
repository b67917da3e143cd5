// SPDX-License-Identifier: GPL-2.0-or-later
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ORACLE_MAX 4096

struct sock_filter;
size_t oracle_compile(const char *expression, bool link, bool optimize, struct sock_filter *to);
uint32_t oracle_run(const struct sock_filter *filter, const uint8_t *packet, uint32_t length,
		    uint32_t captured);

size_t oracle_compile(const char *expression, bool link, bool optimize, struct sock_filter *to)
{
	pcap_t *pcap = pcap_open_dead(link ? DLT_EN10MB : DLT_RAW, 65535);
	struct bpf_program program;
	size_t n = 0;

	if (pcap_compile(pcap, &program, expression, optimize, PCAP_NETMASK_UNKNOWN) == 0) {
		if (program.bf_len <= ORACLE_MAX) {
			n = program.bf_len;
			memcpy(to, program.bf_insns, n * sizeof(*program.bf_insns));
		}
		pcap_freecode(&program);
	}
	pcap_close(pcap);
	return n;
}

uint32_t oracle_run(const struct sock_filter *filter, const uint8_t *packet, uint32_t length,
		    uint32_t captured)
{
	return bpf_filter((const struct bpf_insn *)filter, packet, length, captured);
}
