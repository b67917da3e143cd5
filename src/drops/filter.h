/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A capture filter (classic BPF, as libpcap compiles it) becomes a function of the BPF programs
 * that count and tell drops, so that the kernel runs it on each of them.
 */
#ifndef WHYDROP_DROPS_FILTER_H
#define WHYDROP_DROPS_FILTER_H

#include "base/base.h"

struct bpf_insn;
struct bpf_object_skeleton;
struct sock_filter;

/*
 * Writes the body of a function: a struct filter_packet in, what the filter returns out, 0 if the
 * packet does not match. A filter that looks behind the captured bytes does not match, as in
 * bpf_filter(3PCAP). -EINVAL: no valid filter, or one that loops; -EOPNOTSUPP: asks for what is no
 * part of a packet (Linux' extensions); -E2BIG.
 */
int filter_translate(const struct sock_filter *filter, size_t n, struct bpf_insn *to, size_t room,
		     size_t *ret_n);
/* Whether it can be, and fits into the programs. */
int filter_check(const struct sock_filter *filter, size_t n);

/*
 * Opens an object with its filter_matches() (skb.bpf.h) replaced by the filter; n 0: as it is. The
 * placeholder is found in the file by what it is full of, before libbpf sees it. The copy must stay
 * until the object is loaded, and is given even if this fails: to free().
 */
int filter_open(struct bpf_object_skeleton *skeleton, const struct sock_filter *filter, size_t n,
		void **ret_copy);

#endif
