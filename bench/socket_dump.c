// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What it costs at least to read every TCP socket of IPv4: the dump of sock_diag with all that
 * `whydrop sockets` asks for, each attribute looked at and nothing done with it. Prints how many.
 */
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define ROOM (1 << 20)
#define EXTENSION(name) (1 << (INET_DIAG_##name - 1))

static unsigned long sockets, bytes;

/* False: that was the end. */
static int take(char *data, unsigned int n)
{
	struct nlmsghdr *h = (void *)data;

	for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
		const char *at = (const char *)h + NLMSG_LENGTH(sizeof(struct inet_diag_msg));
		const char *end = (const char *)h + h->nlmsg_len;

		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			exit(1);
		sockets++;
		while (at + NLA_HDRLEN <= end) {
			const struct nlattr *a = (const void *)at;

			if (a->nla_len < NLA_HDRLEN)
				exit(1);
			bytes += a->nla_len;
			at += NLA_ALIGN(a->nla_len);
		}
	}
	return 1;
}

int main(void)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 r;
	} request = {
		.h = {.nlmsg_len = sizeof(request),
		      .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.r = {.sdiag_family = AF_INET,
		      .sdiag_protocol = IPPROTO_TCP,
		      .idiag_ext = EXTENSION(INFO) | EXTENSION(SKMEMINFO) | EXTENSION(CONG),
		      .idiag_states = -1U},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	char *room = malloc(ROOM);
	ssize_t n;

	if (fd < 0 || !room || send(fd, &request, sizeof(request), 0) != sizeof(request))
		return 1;
	do {
		n = recv(fd, room, ROOM, 0);
		if (n <= 0)
			return 1;
	} while (take(room, (unsigned int)n));
	printf("%lu sockets, %lu bytes of attributes\n", sockets, bytes);
	return 0;
}
