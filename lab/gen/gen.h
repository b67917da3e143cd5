/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lab's traffic generator. Each verb does one simple thing a bounded number of times, for a
 * bounded time, and ends with one line that a script can read:
 *
 *	sent=20000 received=0 failed=0 bytes=10000000
 *
 * udp-send	sent: datagrams handed to the kernel; failed: sends refused (EAGAIN, EPERM, ...)
 * udp-recv	received: datagrams read
 * tcp-listen	received: connections accepted
 * tcp-connect	sent: connections tried; received: established; failed: the others
 * raw		sent: frames put on the device
 * tcp-idle	sent: connections; received: sockets, listeners and those in trouble included
 *
 * A verb that waits for traffic says "ready" on --ready-fd, so that no script needs to sleep, and
 * answers SIGUSR1 there with what it counted since the last answer, once its queue is empty and
 * stays so. SIGTERM ends every verb; the totals are printed all the same.
 */
#ifndef LAB_GEN_H
#define LAB_GEN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define NSEC 1000000000ULL
#define MAX_SOCKETS 60000
#define MAX_FRAME 9000
#define QUIET_MS 100 /* a queue empty for this long stays empty: nothing is left in ksoftirqd */

typedef uint64_t u64;

struct options {
	const char *host, *bind, *device, *from, *to, *dmac, *smac, *tcp_flags, *ready_file;
	char **frames;
	u64 port, count, rate, size, bytes, sport, sockets, ports, parallel, burst;
	u64 ask_rcvbuf, udp_length, rcvbuf, sndbuf, segment, mtu_discover, backlog, slow, from_port, to_port, sources, source_ports;
	u64 processes, troubled;
	double time, hold, gap, every, farewell;
	int ready_fd;
	bool nonblock, no_read, no_accept, udp, bad_checksum;
};

struct totals {
	u64 sent, received, failed, bytes;
};

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};

extern struct totals total;
extern volatile sig_atomic_t stop;   /* end now: SIGTERM, SIGINT, or the time limit */
extern volatile sig_atomic_t report; /* SIGUSR1 came and was not answered yet */

void on_signal(int sig);
void __attribute__((noreturn)) die(const char *what);
void __attribute__((noreturn)) usage_error(const char *what, const char *value);
u64 now_ns(void);
void sleep_until(u64 when);
void print_totals(int fd, struct totals t);
void tell_ready(const struct options *o);
void answer_report(const struct options *o);
/* Wait until it is time for number i: by the rate, or by bursts with a gap between them. */
void pace(const struct options *o, u64 start, u64 i);

struct address resolve(const char *host, u64 port, int type, int flags);
void set_port(struct address *a, u64 port);
void set_int(int fd, int level, int name, int value);
int new_socket(const struct options *o, int family, int type);
/* The sender's own address and port: number i of several sockets takes the i-th port. */
void bind_source(const struct options *o, int fd, const struct address *to, u64 i);
/* The listening side: the given address, or every address of both families. */
int bound_socket(const struct options *o, int type);

void udp_send(const struct options *o);
void udp_recv(const struct options *o);
void tcp_listen(const struct options *o);
void tcp_connect(const struct options *o);
void raw(const struct options *o);
void tcp_idle(const struct options *o);

#endif
