// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The least that a tracer of drops can cost: a program on kfree_skb that does nothing. Says "ready"
 * and stays until its standard input ends.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K}, /* r0 = 0 */
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_RAW_TP);
	struct btf *btf = btf__load_vmlinux_btf();
	int id, program, link;
	char byte;

	id = btf ? btf__find_by_name_kind(btf, "btf_trace_kfree_skb", BTF_KIND_TYPEDEF) : -1;
	if (id < 0) {
		fprintf(stderr, "empty: no kfree_skb in the kernel's BTF\n");
		return 1;
	}
	opts.attach_btf_id = (unsigned int)id;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "Dual BSD/GPL", nothing, 2, &opts);
	link = program < 0 ? program : bpf_raw_tracepoint_open(NULL, program);
	if (link < 0) {
		fprintf(stderr, "empty: the kernel refuses it\n");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	btf__free(btf);
	close(link);
	close(program);
	return 0;
}
