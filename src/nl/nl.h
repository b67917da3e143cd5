/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netlink: a request sent and its raw answer gathered, and the messages of such an answer walked.
 * Attributes are parsed with libnl's nla_parse and its policies; these only move bytes.
 */
#ifndef WHYDROP_NL_H
#define WHYDROP_NL_H

#include <linux/netlink.h>

#include "base/buf.h"

struct nla_policy;

/*
 * In the calling thread's network namespace. `request` is a whole message with its header; the
 * sequence number is set here. Gathers up to NLMSG_DONE, NLMSG_ERROR or the one answer of a request
 * without NLM_F_DUMP; with NLM_F_ACK up to the acknowledgement. The end marker is kept, so that a
 * cut answer can be told from a whole one. -EINTR when a dump stayed inconsistent after four
 * tries, -EMSGSIZE past 256 MiB, -ETIMEDOUT after 5 s of silence, -EBADMSG for what is no netlink,
 * else the kernel's errno.
 */
int nl_request(int protocol, const void *request, size_t length, struct buf *ret);

/* The same, given away in pieces and kept nowhere; a piece holds whole messages. */
struct nl_sink {
	/* 0 to go on; a negative errno ends the dump and is returned. */
	int (*piece)(struct nl_sink *sink, const struct buf *messages);
	/* The dump begins again: forget what was given. */
	void (*restart)(struct nl_sink *sink);
};
int nl_stream(int protocol, const void *request, size_t length, struct nl_sink *sink);
/*
 * Several whole messages at once, as nfnetlink wants a transaction. One of them asks for an
 * acknowledgement; the answer is that, or the first of them that the kernel refused: its errno.
 */
int nl_batch(int protocol, const void *messages, size_t length);
/* Closes the sockets kept by this thread: before it enters another namespace, and at its end. */
void nl_forget(void);

/* 0, or -EBADMSG if the answer (of a recording, say) is cut short or malformed. */
int nl_check(const struct buf *answer);

/*
 * The next message of an answer, without the kernel's control messages (done, error, no-op); false
 * at the end or where the rest is cut short. Its length was checked against the answer's.
 */
bool nl_next(const struct buf *answer, size_t *offset, const struct nlmsghdr **ret);
#define nl_each(message, answer)                                                                   \
	for (struct { size_t at; const struct nlmsghdr *h; } message = {0, NULL};                  \
	     nl_next((answer), &message.at, &message.h);)

/* What follows the netlink header: `size` bytes, or NULL if the message is shorter. */
const void *nl_data(const struct nlmsghdr *h, size_t size);
/*
 * The attributes behind a family header of `header` bytes, by libnl's nla_parse; table has
 * max + 1 places. -EBADMSG if the message is too short or breaks the policy.
 */
int nl_parse(const struct nlmsghdr *h, size_t header, struct nlattr **table, int max,
	     const struct nla_policy *policy);

#endif
