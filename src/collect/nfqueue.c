// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Queues of packets that a program decides on: /proc/net/netfilter/nfnetlink_queue
 * (net/netfilter/nfnetlink_queue.c seq_show, 6.12), a line for each queue that a program has bound:
 * number, netlink port, packets waiting, copy mode, copy range, dropped because the queue was full,
 * dropped because the program's socket was full, id of the last packet, 1.
 *
 * Scope: one network namespace. Both counts are 32 bits, of skbs, and begin when the queue is bound.
 * Root, or CAP_DAC_READ_SEARCH. A queue that nobody has bound has no line and counts nothing.
 */
#include <errno.h>

#include "base/parse.h"
#include "collect/collect.h"
#include "collect/proctext.h"

#define QUEUES_MAX 65536

int parse_nfqueue(struct span text, struct snapshot *s)
{
	struct span line, field;

	while (next_line(&text, &line)) {
		uint64_t v[7];
		struct nfqueue *q;

		for (size_t i = 0; i < ARRAY_SIZE(v); i++)
			if (!next_field(&line, &field) || parse_u64(field, UINT32_MAX, &v[i]) < 0)
				return -EBADMSG;
		if (v[0] > UINT16_MAX || s->nfqueues.n == QUEUES_MAX)
			return -EBADMSG;
		q = vec_push(&s->nfqueues);
		q->number = (uint16_t)v[0];
		q->port = (uint32_t)v[1];
		q->waiting = (uint32_t)v[2];
		q->full = (uint32_t)v[5];
		q->unread = (uint32_t)v[6];
	}
	return 0;
}

int collect_nfqueue(struct host *h, struct snapshot *s)
{
	int r = collect_text(h, "net/netfilter/nfnetlink_queue", parse_nfqueue, s);

	return r == -ENOENT ? COLLECT_UNUSED : r;
}
