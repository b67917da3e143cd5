// SPDX-License-Identifier: GPL-2.0-or-later
/* Signals, pacing, answers to the script, and sockets. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gen.h"

struct totals total;
volatile sig_atomic_t stop, report;

static struct totals reported;

void die(const char *what)
{
	fprintf(stderr, "gen: %s: %s\n", what, strerror(errno));
	exit(1);
}

void usage_error(const char *what, const char *value)
{
	fprintf(stderr, "gen: %s: %s (gen --help tells more)\n", what, value);
	exit(2);
}

void on_signal(int sig)
{
	if (sig == SIGUSR1)
		report = 1;
	else
		stop = 1;
}

u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NSEC + (u64)ts.tv_nsec;
}

void sleep_until(u64 when)
{
	struct timespec ts = {.tv_sec = (time_t)(when / NSEC), .tv_nsec = (long)(when % NSEC)};

	while (!stop && !report &&
	       clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

void print_totals(int fd, struct totals t)
{
	dprintf(fd, "sent=%" PRIu64 " received=%" PRIu64 " failed=%" PRIu64 " bytes=%" PRIu64 "\n",
		t.sent, t.received, t.failed, t.bytes);
}

void tell_ready(const struct options *o)
{
	int fd;

	if (o->ready_fd >= 0)
		dprintf(o->ready_fd, "ready\n");
	if (!o->ready_file)
		return;
	fd = open(o->ready_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		die(o->ready_file);
	close(fd);
}

void answer_report(const struct options *o)
{
	struct totals since = {total.sent - reported.sent, total.received - reported.received,
			       total.failed - reported.failed, total.bytes - reported.bytes};

	report = 0;
	reported = total;
	if (o->ready_fd >= 0)
		print_totals(o->ready_fd, since);
}

void pace(const struct options *o, u64 start, u64 i)
{
	if (o->rate)
		sleep_until(start + (u64)((double)i * (double)NSEC / (double)o->rate));
	else if (o->burst && i && i % o->burst == 0)
		sleep_until(now_ns() + (u64)(o->gap * (double)NSEC));
}

struct address resolve(const char *host, u64 port, int type, int flags)
{
	struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_NUMERICHOST | flags};
	struct addrinfo *found;
	struct address a = {.len = 0};
	char service[8];
	int r;

	snprintf(service, sizeof(service), "%" PRIu64, port);
	r = getaddrinfo(host, service, &hints, &found);
	if (r)
		usage_error(gai_strerror(r), host ? host : "any address");
	memcpy(&a.sa, found->ai_addr, found->ai_addrlen);
	a.len = found->ai_addrlen;
	freeaddrinfo(found);
	return a;
}

void set_port(struct address *a, u64 port)
{
	if (a->sa.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&a->sa)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)&a->sa)->sin_port = htons((uint16_t)port);
}

void set_int(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		die("setsockopt");
}

/* As large as asked for: rmem_max would clamp it, and is only 208 KiB on most hosts. */
static void set_rcvbuf(int fd, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		set_int(fd, SOL_SOCKET, SO_RCVBUF, bytes);
}

int new_socket(const struct options *o, int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (o->rcvbuf)
		set_rcvbuf(fd, (int)o->rcvbuf);
	if (o->ask_rcvbuf)
		set_int(fd, SOL_SOCKET, SO_RCVBUF, (int)o->ask_rcvbuf);
	if (o->sndbuf)
		set_int(fd, SOL_SOCKET, SO_SNDBUF, (int)o->sndbuf);
	return fd;
}

void bind_source(const struct options *o, int fd, const struct address *to, u64 i)
{
	const char *any = to->sa.ss_family == AF_INET6 ? "::" : "0.0.0.0";
	struct address a;

	if (!o->bind && !o->sport)
		return;
	a = resolve(o->bind ? o->bind : any, o->sport ? o->sport + i : 0, SOCK_DGRAM, 0);
	if (bind(fd, (struct sockaddr *)&a.sa, a.len))
		die("bind");
}

int bound_socket(const struct options *o, int type)
{
	struct address a = resolve(o->bind ? o->bind : "::", o->port, type, AI_PASSIVE);
	int fd = new_socket(o, a.sa.ss_family, type);

	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (a.sa.ss_family == AF_INET6 && !o->bind)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if (bind(fd, (struct sockaddr *)&a.sa, a.len))
		die("bind");
	return fd;
}
