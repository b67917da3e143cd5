// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any number of connections that do nothing, both ends in one process, in as many processes as the
 * limit of open files asks for; and some that are in trouble among them. What was made is told, so
 * that a script can compare:
 *
 *	listener PORT PID
 *	process PID SOCKETS
 *	troubled KIND LOCAL-PORT REMOTE-PORT
 */
#define _GNU_SOURCE /* pipe2 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gen.h"

#define FILES_SPARE 100 /* of a process, for what is no connection */
#define UNREAD_BYTES 1000

/* What the processes have in common. */
struct idle {
	const struct options *o;
	int tell; /* each line is one write: a pipe keeps it whole */
	u64 sockets;
};

static u64 files_allowed(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		die("getrlimit");
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	return files.rlim_cur;
}

static u64 processes_for(const struct options *o)
{
	u64 each = (files_allowed() - FILES_SPARE) / 2;

	/* A destination has so many source ports. */
	if (each > 20000)
		each = 20000;
	if (o->processes)
		return o->processes;
	return (o->count + each - 1) / each;
}

/* Nothing is left of a connection when its process ends: no TIME_WAIT, no FIN. */
static void end_by_reset(int fd)
{
	struct linger now = {.l_onoff = 1};

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)))
		die("SO_LINGER");
}

static u64 port_of(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len))
		die("getsockname");
	return ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
					      : ((struct sockaddr_in *)&sa)->sin_port);
}

static int listener(struct idle *i, u64 port, int backlog, struct address *ret)
{
	struct address a = resolve(i->o->host, port, SOCK_STREAM, 0);
	int fd = new_socket(i->o, a.sa.ss_family, SOCK_STREAM);

	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, (struct sockaddr *)&a.sa, a.len))
		die("bind");
	if (listen(fd, backlog))
		die("listen");
	i->sockets++;
	dprintf(i->tell, "listener %" PRIu64 " %d\n", port, (int)getpid());
	*ret = a;
	return fd;
}

static int client(struct idle *i, const struct address *to)
{
	int fd = new_socket(i->o, to->sa.ss_family, SOCK_STREAM);

	if (connect(fd, (const struct sockaddr *)&to->sa, to->len))
		die("connect");
	end_by_reset(fd);
	i->sockets++;
	return fd;
}

/* Both ends; they stay open until the process ends. */
static void pair(struct idle *i, int from, const struct address *to, int *ret_client, int *ret_server)
{
	*ret_client = client(i, to);
	*ret_server = accept(from, NULL, NULL);
	if (*ret_server < 0)
		die("accept");
	i->sockets++;
}

static void troubled(const struct idle *i, const char *kind, u64 local, u64 remote)
{
	dprintf(i->tell, "troubled %s %" PRIu64 " %" PRIu64 "\n", kind, local, remote);
}

/* A connection that nobody accepts fills a queue for one. */
static void plant_full_queue(struct idle *i, u64 port)
{
	struct address to;

	listener(i, port, 0, &to);
	client(i, &to);
	troubled(i, "accept-queue-full", port, 0);
}

/* Sends until nothing more is taken, and nobody reads: the window closes, at both ends. */
static void plant_closed_window(struct idle *i, int from, const struct address *to, u64 port)
{
	static const char data[65536];
	int near, far;

	pair(i, from, to, &near, &far);
	fcntl(near, F_SETFL, O_NONBLOCK);
	while (send(near, data, sizeof(data), MSG_NOSIGNAL) > 0)
		;
	troubled(i, "peer-window-closed", port_of(near), port);
	troubled(i, "own-window-closed", port, port_of(near));
}

static void plant_unread(struct idle *i, int from, const struct address *to, u64 port)
{
	static const char data[UNREAD_BYTES];
	int near, far;

	pair(i, from, to, &near, &far);
	if (send(near, data, sizeof(data), MSG_NOSIGNAL) != sizeof(data))
		die("send");
	troubled(i, "unread", port, port_of(near));
}

/* Of twenty: two full queues, seven closed windows with two ends each, four with unread data. */
static void plant(struct idle *i, u64 port)
{
	u64 n = i->o->troubled, queues = n / 10, windows = n * 7 / 20, at;
	struct address to;
	int from = listener(i, port, 128, &to);

	for (at = 0; at < queues; at++)
		plant_full_queue(i, port + 1 + at);
	for (at = 0; at < windows; at++)
		plant_closed_window(i, from, &to, port);
	for (at = queues + 2 * windows; at < n; at++)
		plant_unread(i, from, &to, port);
}

static void make(struct idle *i, u64 port, u64 connections)
{
	struct address to;
	int from, near, far;

	if (connections) {
		from = listener(i, port, 128, &to);
		while (connections-- && !stop)
			pair(i, from, &to, &near, &far);
	} else {
		plant(i, port);
	}
	dprintf(i->tell, "process %d %" PRIu64 "\n", (int)getpid(), i->sockets);
}

static pid_t inhabit(const struct options *o, int tell, int hear, u64 port, u64 connections)
{
	struct idle i = {.o = o, .tell = tell};
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(hear);
	make(&i, port, connections);
	close(tell);
	while (!stop)
		pause();
	_exit(0);
}

/* Lines from all of them, until the last has closed its end; false: one could not do its part. */
static bool hear_all(int fd, u64 processes)
{
	FILE *f = fdopen(fd, "r");
	char line[128];
	u64 done = 0, sockets;

	if (!f)
		die("fdopen");
	while (fgets(line, sizeof(line), f)) {
		fputs(line, stdout);
		if (sscanf(line, "process %*d %" SCNu64, &sockets) == 1) {
			done++;
			total.received += sockets;
		}
	}
	fclose(f);
	fflush(stdout);
	return done == processes;
}

void tcp_idle(const struct options *o)
{
	u64 n = processes_for(o), children = n + (o->troubled != 0), at;
	pid_t *pids = calloc(children, sizeof(*pids));
	bool all;
	int pipes[2];

	if (!pids || pipe2(pipes, O_CLOEXEC))
		die("tcp-idle");
	for (at = 0; at < n; at++)
		pids[at] = inhabit(o, pipes[1], pipes[0], o->port + at,
				   o->count / n + (at < o->count % n));
	if (o->troubled)
		pids[n] = inhabit(o, pipes[1], pipes[0], o->port + n, 0);
	close(pipes[1]);
	total.sent = o->count;
	all = hear_all(pipes[0], children);
	if (all)
		tell_ready(o);
	while (all && !stop)
		pause();
	for (at = 0; at < children; at++)
		kill(pids[at], SIGKILL);
	for (at = 0; at < children; at++)
		waitpid(pids[at], NULL, 0);
	free(pids);
	if (!all)
		exit(1);
}
