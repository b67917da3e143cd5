/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the drop tracer share: namespaces of their own, packets that get lost in them,
 * and the rows that tell of it.
 */
#ifndef WHYDROP_TESTS_DROP_SCENE_H
#define WHYDROP_TESTS_DROP_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drops/drops.h"
#include "own_netns.h"

#define PORT 7777

static inline void new_netns(void)
{
	assert_int_equal(own_netns(), 0);
}

static inline uint32_t netns_inode(void)
{
	struct stat st;

	assert_int_equal(stat("/proc/thread-self/ns/net", &st), 0);
	return (uint32_t)st.st_ino;
}

static inline void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

/* To net_dm nobody tells whose packets they are: all are taken for ours. */
static inline uint32_t our_netns(uint32_t ifindex, void *arg)
{
	(void)ifindex;
	(void)arg;
	return netns_inode();
}

static inline struct drop_tracer *start(const char *rung, uint32_t entries)
{
	const struct drop_tracer_options options = {
		.rung = rung, .entries = entries, .netns_of = our_netns};
	struct drop_tracer *t;

	assert_int_equal(drop_tracer_open_with(&options, &t), 0);
	assert_string_equal(drop_tracer_rung(t), rung);
	drop_tracer_start(t);
	return t;
}

static inline struct drops stop(struct drop_tracer *t)
{
	struct drops d;

	usleep(50000);
	assert_int_equal(drop_tracer_read(t, &d), 0);
	drop_tracer_close(t);
	return d;
}

/* NULL matches any. Fails unless all that match are one row. */
static inline const struct drop *only_row(const struct drops *d, uint32_t netns, const char *reason,
				   uint16_t ethertype)
{
	const struct drop *found = NULL;

	vec_each(row, &d->rows) {
		if (row->netns != netns || row->ethertype != ethertype ||
		    (reason && strcmp(row->reason, reason) != 0))
			continue;
		if (found)
			fail_msg("two rows: %s at %s and at %s", row->reason, found->symbol,
				 row->symbol);
		found = row;
	}
	if (!found)
		fail_msg("no row with %s, ethertype %x, among %zu", reason ? reason : "any reason",
			 ethertype, d->rows.n);
	return found;
}

static inline uint64_t flow_packets(const struct drops *d, uint32_t netns, uint16_t port, size_t *ret_n)
{
	uint64_t packets = 0;

	*ret_n = 0;
	vec_each(flow, &d->flows) {
		if (flow->netns != netns || flow->destination_port != port)
			continue;
		packets += flow->packets;
		++*ret_n;
	}
	return packets;
}

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t length;
};

static inline struct address loopback(int family, uint16_t port)
{
	struct address a = {0};

	if (family == AF_INET) {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(port);
		a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		a.length = sizeof(a.v4);
	} else {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons(port);
		a.v6.sin6_addr = in6addr_loopback;
		a.length = sizeof(a.v6);
	}
	return a;
}

/* A busy machine leaves packets to ksoftirqd: they are not received when sendto() returns. */
static inline void let_softirq_run(void)
{
	usleep(2000);
}

/* Refused ones are counted as sent: the answer to the one before was an ICMP error. */
static inline void send_udp(int family, uint16_t port, int n, size_t size, int segment)
{
	static const char payload[16384];
	struct address to = loopback(family, port);
	int fd = socket(family, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	if (segment)
		assert_int_equal(
			setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)), 0);
	for (int i = 1; i <= n; i++) {
		sendto(fd, payload, size, 0, &to.any, to.length);
		if (i % 256 == 0)
			let_softirq_run();
	}
	close(fd);
}

static const uint16_t ethertypes[] = {[AF_INET] = 0x0800, [AF_INET6] = 0x86dd};

/* A UDP socket nobody reads; its cookie is given before anything is lost. */
static inline int bound_socket(int family, uint16_t port, uint64_t *ret_cookie)
{
	struct address a = loopback(family, port);
	int fd = socket(family, SOCK_DGRAM, 0), size = 4096;
	socklen_t n = sizeof(*ret_cookie);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	assert_int_equal(bind(fd, &a.any, a.length), 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, ret_cookie, &n), 0);
	return fd;
}

static inline int queued(int fd)
{
	char byte;
	int n = 0;

	while (recv(fd, &byte, 1, MSG_DONTWAIT) > 0)
		n++;
	close(fd);
	return n;
}

/* Whether the tracer can be had here at all; false: said why, the test is skipped. */
static inline bool can_trace(void)
{
	struct drop_tracer *t;
	int err = drop_tracer_open_with(&(struct drop_tracer_options){0}, &t);

	if (err) {
		printf("skipped: the drop tracer cannot be opened here: %s\n", errno_name(err));
		return false;
	}
	drop_tracer_close(t);
	return true;
}

#endif
