// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "cli/rule_text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/parse.h"
#include "collect/collect.h"

#define LISTING_MAX ((size_t)8 << 20)
#define CHILD_DEADLINE_NS (2 * NSEC_PER_SEC)

static const char *nft_path(void)
{
	static const char *const paths[] = {"/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

static void run_nft(const struct host *h, const char *path, const struct rule_ref *rule, int out)
{
	char *const environment[] = {NULL};
	int null = open("/dev/null", O_RDWR);

	/* The child stays in its own thread's namespace, which it enters before it becomes nft. */
	if (host_enter(h) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(127);
	execle(path, "nft", "-a", "list", "chain", rule->family, rule->table, rule->chain,
	       (char *)NULL, environment);
	_exit(127);
}

/* Reads until the child closes, or the deadline: a stuck nft is killed. */
static int gather(int fd, struct buf *listing)
{
	int64_t until = monotonic_ns() + CHILD_DEADLINE_NS;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = (until - monotonic_ns()) / NSEC_PER_MSEC;
		ssize_t n;

		if (left <= 0 || listing->len > LISTING_MAX)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd, buf_room(listing, 65536), 65536);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		buf_added(listing, (size_t)n);
	}
}

static int list_chain(const struct host *h, const struct rule_ref *rule, struct buf *listing)
{
	const char *path = nft_path();
	int ends[2], status, r;
	pid_t child;

	if (!path)
		return -ENOENT;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child < 0) {
		r = -errno;
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	if (child == 0)
		run_nft(h, path, rule, ends[1]);
	close(ends[1]);
	r = gather(ends[0], listing);
	close(ends[0]);
	if (r < 0)
		kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (r == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		r = -EIO;
	return r;
}

char *rule_text_of(const struct buf *listing, uint64_t handle)
{
	struct span text = {.p = listing->data, .n = listing->len}, line;
	char mark[40];

	snprintf(mark, sizeof(mark), " # handle %llu", (unsigned long long)handle);
	while (next_line(&text, &line)) {
		size_t n = strlen(mark);
		char *rule;

		if (line.n <= n || memcmp(line.p + line.n - n, mark, n) != 0)
			continue;
		line.n -= n;
		while (line.n && (*line.p == '\t' || *line.p == ' '))
			line.p++, line.n--;
		rule = xcalloc(line.n + 1, 1);
		memcpy(rule, line.p, line.n);
		return rule;
	}
	return NULL;
}

static struct host *host_of(struct session *s, const struct diagnosis *d,
			    const struct observation *o)
{
	return &s->hosts[o - d->observations.items];
}

void add_rule_texts(struct session *s, struct diagnosis *d)
{
	vec_each(f, &d->findings) {
		vec_each(subject, &f->subjects) {
			struct host *h = host_of(s, d, f->where);
			struct rule_ref *rule = &subject->rule;
			struct buf listing = {0};
			char name[160];
			int r = 0;

			/* A policy has no handle; legacy rules have only a number. */
			if (!subject->has_rule || rule->text || !rule->handle ||
			    strncmp(rule->family, "legacy", 6) == 0)
				continue;
			snprintf(name, sizeof(name), "nft-list-%s-%s-%s", rule->family, rule->table,
				 rule->chain);
			if (!h->replay)
				r = list_chain(h, rule, &listing);
			r = host_keep(h, name, r, &listing);
			if (r == 0)
				rule->text = rule_text_of(&listing, rule->handle);
			if (!rule->text)
				rule->text_err = r ? r : -ENOENT;
			buf_done(&listing);
		}
	}
}
