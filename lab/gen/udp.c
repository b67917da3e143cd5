// SPDX-License-Identifier: GPL-2.0-or-later
/* Datagrams: a sender and a receiver. */
#include <poll.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "gen.h"

static void discover_mtu(int fd, int family, int how)
{
	if (family == AF_INET6)
		set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, how);
	else
		set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, how);
}

void udp_send(const struct options *o)
{
	struct address to = resolve(o->host, o->port, SOCK_DGRAM, 0);
	static char payload[65536];
	u64 i, start;
	int *fds = calloc(o->sockets, sizeof(*fds));

	if (!fds)
		die("calloc");
	for (i = 0; i < o->sockets; i++) {
		fds[i] = new_socket(o, to.sa.ss_family, SOCK_DGRAM);
		bind_source(o, fds[i], &to, i);
		if (o->segment)
			set_int(fds[i], IPPROTO_UDP, UDP_SEGMENT, (int)o->segment);
		if (o->mtu_discover)
			discover_mtu(fds[i], to.sa.ss_family, (int)o->mtu_discover);
	}
	tell_ready(o);
	start = now_ns();
	for (i = 0; i < o->count && !stop; i++) {
		pace(o, start, i);
		set_port(&to, o->port + i % o->ports);
		if (sendto(fds[i % o->sockets], payload, o->size, o->nonblock ? MSG_DONTWAIT : 0,
			   (struct sockaddr *)&to.sa, to.len) < 0) {
			total.failed++;
			continue;
		}
		total.sent += o->segment ? (o->size + o->segment - 1) / o->segment : 1;
		total.bytes += o->size;
	}
	sleep_until(now_ns() + (u64)(o->hold * (double)NSEC));
	free(fds);
}

/* Read what is there, up to a batch; a slow reader that is asked for a report hurries up. */
static void udp_take(const struct options *o, int fd)
{
	static char buf[65536];
	u64 n = 0;
	ssize_t len;

	while (n < 256 && !stop && (len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) >= 0) {
		n++;
		total.received++;
		total.bytes += (u64)len;
		if (o->slow)
			sleep_until(now_ns() + (u64)len * NSEC / o->slow);
	}
}

void udp_recv(const struct options *o)
{
	struct pollfd p = {.fd = bound_socket(o, SOCK_DGRAM), .events = POLLIN};
	int r;

	tell_ready(o);
	while (!stop && (!o->count || total.received < o->count)) {
		r = poll(&p, o->no_read ? 0 : 1, QUIET_MS);
		if (r > 0) {
			sleep_until(now_ns() + (u64)(o->every * (double)NSEC));
			udp_take(o, p.fd);
		}
		else if (report && (r == 0 || o->no_read))
			answer_report(o);
	}
}
