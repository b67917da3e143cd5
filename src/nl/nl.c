// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A socket is kept for the next request of its thread once the kernel has said that the answer is
 * complete; one that failed in another way is closed, and what belongs to an earlier request
 * (nlmsg_seq) is passed over, so that answers never mix. A dump is one consistent walk only as long as nobody changes the table meanwhile; the
 * kernel then says NLM_F_DUMP_INTR (nl_dump_check_consistent) and it is asked again.
 */
#include "nl/nl.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define TRIES 4
#define SILENCE_SECONDS 5
#define REQUEST_MAX ((size_t)1 << 20)
#define ANSWER_MAX ((size_t)256 << 20)
/*
 * Room for one datagram. The kernel makes dump skbs of up to 32 KiB when the reader's buffer has
 * that much room (netlink_dump, max_recvmsg_len), and larger ones where a single device needs it.
 */
#define DATAGRAM_MAX ((size_t)256 << 10)

/* One exchange. */
struct talk {
	int fd;
	uint32_t port, sequence;
	bool dump, acknowledged; /* what the request asked for */
	bool batch;		 /* several messages, each with its own length */
	bool interrupted, complete;
};

/*
 * A thousand namespaces are asked a dozen questions each, and half of what a short one costs is
 * its socket. A socket stays in the namespace it was made in.
 */
static __thread struct {
	bool open;
	int fd;
	uint32_t port, sequence;
} kept[MAX_LINKS];

static bool take_kept(int protocol, struct talk *ret)
{
	if (protocol < 0 || protocol >= MAX_LINKS || !kept[protocol].open)
		return false;
	kept[protocol].open = false;
	ret->fd = kept[protocol].fd;
	ret->port = kept[protocol].port;
	ret->sequence = kept[protocol].sequence;
	return true;
}

/* Or closes it. */
static void keep(int protocol, const struct talk *t)
{
	if (!t->complete || protocol < 0 || protocol >= MAX_LINKS || kept[protocol].open) {
		close(t->fd);
		return;
	}
	kept[protocol].open = true;
	kept[protocol].fd = t->fd;
	kept[protocol].port = t->port;
	kept[protocol].sequence = t->sequence;
}

void nl_forget(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (kept[i].open)
			close(kept[i].fd);
		kept[i].open = false;
	}
}

static int open_socket(int protocol, struct talk *ret)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK};
	struct timeval silence = {.tv_sec = SILENCE_SECONDS};
	socklen_t length = sizeof(own);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	int err;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof(silence)) < 0 ||
	    bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &length) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	ret->fd = fd;
	ret->port = own.nl_pid;
	return 0;
}

/* All of them have one sequence number: whichever is answered first is the answer. */
static int stamp_batch(const struct talk *t, struct buf *messages)
{
	size_t at = 0;

	while (at < messages->len) {
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)(messages->data + at);

		if (messages->len - at < NLMSG_HDRLEN || h->nlmsg_len < NLMSG_HDRLEN ||
		    h->nlmsg_len > messages->len - at)
			return -EINVAL;
		h->nlmsg_seq = t->sequence;
		h->nlmsg_pid = t->port;
		at += NLMSG_ALIGN((size_t)h->nlmsg_len);
	}
	return 0;
}

static void stamp(struct talk *t, struct buf *message)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)message->data;

	h->nlmsg_len = (uint32_t)message->len;
	/* Without it the kernel drops the message and says nothing. */
	h->nlmsg_flags |= NLM_F_REQUEST;
	h->nlmsg_seq = t->sequence;
	h->nlmsg_pid = t->port;
	t->dump = (h->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	t->acknowledged = h->nlmsg_flags & NLM_F_ACK;
}

static int send_request(struct talk *t, const void *request, size_t length)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	cleanup(buf_done) struct buf copy = {0};

	if (length < NLMSG_HDRLEN || length > REQUEST_MAX)
		return -EINVAL;
	buf_add(&copy, request, length);
	if (!t->batch)
		stamp(t, &copy);
	else if (stamp_batch(t, &copy) < 0)
		return -EINVAL;
	while (sendto(t->fd, copy.data, length, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		if (errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return 0;
}

/* Adds one datagram of the kernel's to *to. */
static int receive(const struct talk *t, struct buf *to)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		struct iovec room = {.iov_base = buf_room(to, DATAGRAM_MAX),
				     .iov_len = DATAGRAM_MAX};
		struct msghdr m = {.msg_name = &from,
				   .msg_namelen = sizeof(from),
				   .msg_iov = &room,
				   .msg_iovlen = 1};
		ssize_t n = recvmsg(t->fd, &m, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		/* Anybody may send to our port; only the kernel is port 0. */
		if (m.msg_namelen != sizeof(from) || from.nl_pid != 0)
			continue;
		if (m.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		if (n == 0)
			return -EBADMSG;
		buf_added(to, (size_t)n);
		return 0;
	}
}

static const struct nlmsghdr *message_at(const struct buf *b, size_t at)
{
	const struct nlmsghdr *h;

	if (at > b->len || b->len - at < NLMSG_HDRLEN || at % NLMSG_ALIGNTO)
		return NULL;
	h = (const struct nlmsghdr *)(const void *)(b->data + at);
	if (h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > b->len - at)
		return NULL;
	return h;
}

static size_t message_end(const struct buf *b, size_t at, const struct nlmsghdr *h)
{
	return MIN(at + NLMSG_ALIGN((size_t)h->nlmsg_len), b->len);
}

/* The errno in NLMSG_ERROR (0: acknowledged) or NLMSG_DONE (a dump that failed on its way). */
static int status_of(const struct nlmsghdr *h)
{
	int status;

	if (h->nlmsg_len < NLMSG_HDRLEN + sizeof(status))
		return h->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
	memcpy(&status, (const char *)h + NLMSG_HDRLEN, sizeof(status));
	if (status > 0)
		return h->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
	return status;
}

/* What came with one datagram, from `at` on. 1: the answer is complete; 0: more is to come. */
static int look_through(struct talk *t, struct buf *answer, size_t at)
{
	size_t first = at;
	int complete = 0;

	while (at < answer->len) {
		const struct nlmsghdr *h = message_at(answer, at);

		if (!h)
			return -EBADMSG;
		if (h->nlmsg_seq != t->sequence || h->nlmsg_pid != t->port) {
			/* Not the answer to our question: forget the datagram. */
			answer->len = first;
			return complete;
		}
		if (h->nlmsg_flags & NLM_F_DUMP_INTR)
			t->interrupted = true;
		if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
			int err = status_of(h);

			t->complete = true;
			if (err < 0)
				return err;
			complete = 1;
		} else if (h->nlmsg_type >= NLMSG_MIN_TYPE && !t->dump && !t->acknowledged &&
			   !(h->nlmsg_flags & NLM_F_MULTI)) {
			t->complete = true;
			complete = 1;
		}
		at = message_end(answer, at, h);
	}
	/* What follows must stand on a boundary again. */
	while (answer->len % NLMSG_ALIGNTO)
		buf_add(answer, "", 1);
	return complete;
}

/* One try. The datagrams gather in *answer; a sink takes them out again one by one. */
static int gather(struct talk *t, const void *request, size_t length, struct buf *answer,
		  struct nl_sink *sink)
{
	int r = send_request(t, request, length);

	while (r == 0) {
		size_t at = answer->len;

		r = receive(t, answer);
		if (r == 0)
			r = look_through(t, answer, at);
		if (r >= 0 && answer->len > ANSWER_MAX)
			return -EMSGSIZE;
		if (r >= 0 && sink) {
			int err = sink->piece(sink, answer);

			if (err < 0)
				return err;
			buf_clear(answer);
		}
	}
	return r < 0 ? r : 0;
}

static int converse(int protocol, const void *request, size_t length, struct buf *answer,
		    struct nl_sink *sink)
{
	struct talk t = {0};
	int r = take_kept(protocol, &t) ? 0 : open_socket(protocol, &t);

	if (r < 0)
		return r;
	for (unsigned int try = 1;; try++) {
		t.sequence++;
		t.interrupted = t.complete = false;
		r = gather(&t, request, length, answer, sink);
		if (r < 0 || !t.interrupted)
			break;
		buf_clear(answer);
		r = -EINTR;
		if (try == TRIES)
			break;
		if (sink)
			sink->restart(sink);
	}
	keep(protocol, &t);
	return r;
}

int nl_request(int protocol, const void *request, size_t length, struct buf *ret)
{
	struct buf answer = {0};
	int r = converse(protocol, request, length, &answer, NULL);

	if (r < 0) {
		buf_done(&answer);
		return r;
	}
	buf_done(ret);
	*ret = answer;
	return 0;
}

int nl_stream(int protocol, const void *request, size_t length, struct nl_sink *sink)
{
	cleanup(buf_done) struct buf piece = {0};

	return converse(protocol, request, length, &piece, sink);
}

int nl_batch(int protocol, const void *messages, size_t length)
{
	cleanup(buf_done) struct buf answer = {0};
	struct talk t = {0};
	int r = take_kept(protocol, &t) ? 0 : open_socket(protocol, &t);

	if (r < 0)
		return r;
	t.sequence++;
	t.batch = t.acknowledged = true;
	r = gather(&t, messages, length, &answer, NULL);
	keep(protocol, &t);
	return r;
}

int nl_check(const struct buf *answer)
{
	bool multi = false, ended = false;
	size_t at = 0;

	if (!answer->len)
		return -EBADMSG;
	while (at < answer->len) {
		const struct nlmsghdr *h = message_at(answer, at);

		if (!h || ended)
			return -EBADMSG;
		multi |= (h->nlmsg_flags & NLM_F_MULTI) != 0;
		ended = h->nlmsg_type == NLMSG_DONE;
		at = message_end(answer, at, h);
	}
	return multi && !ended ? -EBADMSG : 0;
}

bool nl_next(const struct buf *answer, size_t *offset, const struct nlmsghdr **ret)
{
	for (;;) {
		const struct nlmsghdr *h = message_at(answer, *offset);

		if (!h)
			return false;
		*offset = message_end(answer, *offset, h);
		if (h->nlmsg_type < NLMSG_MIN_TYPE)
			continue;
		*ret = h;
		return true;
	}
}

const void *nl_data(const struct nlmsghdr *h, size_t size)
{
	return h->nlmsg_len - NLMSG_HDRLEN < size ? NULL : (const char *)h + NLMSG_HDRLEN;
}

int nl_parse(const struct nlmsghdr *h, size_t header, struct nlattr **table, int max,
	     const struct nla_policy *policy)
{
	/* libnl reads only, but its prototypes do not say so. */
	struct nlmsghdr *open = (struct nlmsghdr *)(uintptr_t)h;

	if (!nl_data(h, header))
		return -EBADMSG;
	return nlmsg_parse(open, (int)header, table, max, policy) < 0 ? -EBADMSG : 0;
}
