// SPDX-License-Identifier: GPL-2.0-or-later
/* Connections: a listener that accepts and reads, or does not, and a connector. */
#define _GNU_SOURCE /* accept4 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gen.h"

static void epoll_add(int ep, int fd, uint32_t events, u64 data)
{
	struct epoll_event ev = {.events = events, .data.u64 = data};

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		die("epoll_ctl");
}

static bool accept_all(const struct options *o, int ep, int listener)
{
	bool any = false;
	int fd;

	while (!stop && (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		any = true;
		total.received++;
		if (!o->no_read)
			epoll_add(ep, fd, EPOLLIN, (u64)fd);
	}
	return any;
}

/* One read of a connection; the end of the stream closes our side too. */
static void tcp_take(const struct options *o, int fd)
{
	static char buf[262144];
	size_t want = o->slow && o->slow < sizeof(buf) * 10 ? o->slow / 10 + 1 : sizeof(buf);
	ssize_t len = recv(fd, buf, want, MSG_DONTWAIT);

	if (len > 0)
		total.bytes += (u64)len;
	else if (len == 0 || (errno != EAGAIN && errno != EINTR))
		close(fd);
	if (o->slow && len > 0)
		sleep_until(now_ns() + (u64)len * NSEC / o->slow);
}

void tcp_listen(const struct options *o)
{
	int listener = bound_socket(o, SOCK_STREAM), ep = epoll_create1(EPOLL_CLOEXEC), i, n;
	struct epoll_event ev[64];
	bool busy;

	if (ep < 0)
		die("epoll_create1");
	if (listen(listener, (int)o->backlog))
		die("listen");
	fcntl(listener, F_SETFL, O_NONBLOCK);
	if (!o->no_accept)
		epoll_add(ep, listener, EPOLLIN, (u64)listener);
	tell_ready(o);
	while (!stop) {
		n = epoll_wait(ep, ev, 64, QUIET_MS);
		for (i = 0, busy = false; i < n && !stop; i++) {
			if (ev[i].data.u64 == (u64)listener)
				busy |= accept_all(o, ep, listener);
			else
				tcp_take(o, (int)ev[i].data.u64);
		}
		if (report && (n == 0 || o->no_accept))
			answer_report(o);
	}
}

struct connection {
	int fd;
	bool established;
	u64 left; /* bytes still to send */
};

struct connector {
	const struct options *o;
	struct address to;
	struct connection *conn;
	u64 open, tried;
	int ep;
};

static void connection_end(struct connector *c, u64 i)
{
	close(c->conn[i].fd);
	c->conn[i].fd = -1;
	c->open--;
}

static void connection_start(struct connector *c, u64 i)
{
	const struct options *o = c->o;
	int fd = new_socket(o, c->to.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK);

	bind_source(o, fd, &c->to, i);
	set_port(&c->to, o->port + i % o->ports);
	c->tried++;
	total.sent++;
	if (connect(fd, (struct sockaddr *)&c->to.sa, c->to.len) && errno != EINPROGRESS) {
		close(fd);
		c->conn[i].fd = -1;
		return;
	}
	c->conn[i] = (struct connection){.fd = fd, .left = o->bytes};
	c->open++;
	epoll_add(c->ep, fd, EPOLLOUT | EPOLLIN, i);
}

/* Nothing more to say: tell the peer, and wait for its end unless the connection is held. */
static void connection_sent(struct connector *c, u64 i)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = i};

	if (c->o->bytes)
		shutdown(c->conn[i].fd, SHUT_WR);
	if (c->o->bytes || c->o->hold > 0)
		epoll_ctl(c->ep, EPOLL_CTL_MOD, c->conn[i].fd, &ev);
	else
		connection_end(c, i);
}

static void connection_send(struct connector *c, u64 i)
{
	static char buf[262144];
	struct connection *conn = &c->conn[i];
	size_t want = conn->left < sizeof(buf) ? conn->left : sizeof(buf);
	ssize_t len = want ? send(conn->fd, buf, want, MSG_NOSIGNAL) : 0;

	if (len < 0) {
		if (errno != EAGAIN && errno != EINTR)
			connection_end(c, i);
		return;
	}
	conn->left -= (u64)len;
	total.bytes += (u64)len;
	if (!conn->left)
		connection_sent(c, i);
}

static void connection_event(struct connector *c, u64 i, uint32_t events)
{
	struct connection *conn = &c->conn[i];
	socklen_t size = sizeof(int);
	char buf[4096];
	int error = 0;

	if (conn->fd < 0)
		return;
	if (!conn->established) {
		getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error || (events & EPOLLERR)) {
			connection_end(c, i);
			return;
		}
		conn->established = true;
		total.received++;
	}
	if ((events & EPOLLIN) && recv(conn->fd, buf, sizeof(buf), MSG_DONTWAIT) == 0)
		connection_end(c, i);
	else if (events & EPOLLOUT)
		connection_send(c, i);
	else if (events & (EPOLLERR | EPOLLHUP))
		connection_end(c, i);
}

/* How long epoll may sleep before the next connection is due. */
static int connector_wait(const struct connector *c, u64 start)
{
	const struct options *o = c->o;
	u64 due, t = now_ns();

	if (c->tried == o->count || c->open >= o->parallel)
		return QUIET_MS;
	if (!o->rate)
		return 0;
	due = start + c->tried * NSEC / o->rate;
	return due > t ? (int)((due - t) / 1000000) + 1 : 0;
}

/* Closes our side of each connection, and waits for the peers': all are in TIME_WAIT then. */
static void say_farewell(struct connector *c)
{
	u64 end = now_ns() + (u64)(c->o->farewell * (double)NSEC), i;
	struct epoll_event ev[64];
	int n;

	for (i = 0; i < c->tried; i++) {
		if (c->conn[i].fd >= 0 && c->conn[i].established)
			shutdown(c->conn[i].fd, SHUT_WR);
		else if (c->conn[i].fd >= 0)
			connection_end(c, i);
	}
	while (c->open && now_ns() < end) {
		n = epoll_wait(c->ep, ev, 64, QUIET_MS);
		for (i = 0; (int)i < n; i++)
			connection_event(c, ev[i].data.u64, ev[i].events);
	}
}

void tcp_connect(const struct options *o)
{
	struct connector c = {.o = o, .ep = epoll_create1(EPOLL_CLOEXEC)};
	struct epoll_event ev[64];
	bool told = false;
	u64 start = now_ns(), hold_end = 0;
	int i, n;

	c.to = resolve(o->host, o->port, SOCK_STREAM, 0);
	c.conn = calloc(o->count, sizeof(*c.conn));
	if (c.ep < 0 || !c.conn)
		die("tcp-connect");
	while (!stop && (c.tried < o->count || c.open)) {
		while (c.tried < o->count && c.open < o->parallel &&
		       (!o->rate || now_ns() >= start + c.tried * NSEC / o->rate))
			connection_start(&c, c.tried);
		n = epoll_wait(c.ep, ev, 64, connector_wait(&c, start));
		for (i = 0; i < n; i++)
			connection_event(&c, ev[i].data.u64, ev[i].events);
		if (report)
			answer_report(o);
		if (c.tried < o->count || total.received < c.open)
			continue;
		if (!told)
			tell_ready(o);
		told = true;
		if (o->hold > 0 && !hold_end)
			hold_end = now_ns() + (u64)(o->hold * (double)NSEC);
		if (hold_end && now_ns() >= hold_end)
			break;
	}
	if (o->farewell > 0)
		say_farewell(&c);
	total.failed = total.sent - total.received;
	free(c.conn);
}
