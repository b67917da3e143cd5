// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every socket that every process holds, as a stream: an iterator over task_file
 * (kernel/bpf/task_iter.c, 5.8), which visits the descriptors of each process of the reader's pid
 * namespace once, and of a thread only where it has a table of its own.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "task_files_record.h"

#define FIELDS_USED __attribute__((preserve_access_index))

struct ns_common {
	unsigned int inum;
} FIELDS_USED;

struct net {
	struct ns_common ns;
} FIELDS_USED;

typedef struct {
	struct net *net;
} FIELDS_USED possible_net_t;

struct sock_common {
	possible_net_t skc_net;
} FIELDS_USED;

struct sock {
	struct sock_common __sk_common;
} FIELDS_USED;

struct socket {
	struct sock *sk;
} FIELDS_USED;

struct inode {
	unsigned long i_ino;
} FIELDS_USED;

struct file {
	struct inode *f_inode;
} FIELDS_USED;

struct upid {
	int nr;
	void *ns;
} FIELDS_USED;

struct pid {
	unsigned int level;
	struct upid numbers[1];
} FIELDS_USED;

struct task_struct {
	int tgid;
	char comm[16];
	struct pid *thread_pid;
	struct task_struct *group_leader;
} FIELDS_USED;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} FIELDS_USED;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
} FIELDS_USED;

__u32 netns; /* sockets of this namespace alone; 0: of all */
int last_tgid;

/* The kernel's number of a process is the one of the first pid namespace; ours may be below it. */
static __always_inline __u32 pid_here(struct task_struct *leader)
{
	struct task_struct *reader = (void *)bpf_get_current_task();
	__u32 level = BPF_CORE_READ(reader, thread_pid, level);
	/* No typed pointer: to such a one 6.1's verifier adds no number that it does not know. */
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	int nr = leader->tgid;

	if (level && pid)
		bpf_probe_read_kernel(&nr, sizeof(nr),
				      (void *)__builtin_preserve_access_index(&pid->numbers[0]) +
					      level * bpf_core_type_size(struct upid) +
					      bpf_core_field_offset(struct upid, nr));
	return nr;
}

SEC("iter/task_file")
int each_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task, *leader;
	struct file *file = ctx->file;
	struct task_files_holder holder = {};
	struct task_files_socket held;
	struct socket *socket;
	long full = 0;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket || !socket->sk)
		return 0;
	if (netns && socket->sk->__sk_common.skc_net.net->ns.inum != netns)
		return 0;
	if (task->tgid != last_tgid) {
		leader = task->group_leader;
		holder.pid = pid_here(leader);
		bpf_probe_read_kernel_str(holder.comm, sizeof(holder.comm), leader->comm);
		full = bpf_seq_write(ctx->meta->seq, &holder, sizeof(holder));
	}
	held.inode = (__u32)file->f_inode->i_ino;
	held.fd = ctx->fd;
	full |= bpf_seq_write(ctx->meta->seq, &held, sizeof(held));
	/* Where there is no room, what was written is taken back, and this descriptor comes again. */
	if (!full)
		last_tgid = task->tgid;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
