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

#include <linux/netfilter.h>

#include "base/parse.h"
#include "collect/collect.h"

#define LISTING_MAX ((size_t)8 << 20)
#define CHILD_DEADLINE_NS (2 * NSEC_PER_SEC)

/* What lists rules: a fixed path, and the words of the command. */
struct lister {
	const char *path;
	const char *argv[8];
};

/* The last listing: rules that are accused together often stand in one chain. */
struct listing {
	const struct host *of;
	char name[160];
	int err;
	struct buf text;
};

static const char *program(const char *const *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

static bool is_legacy(const struct rule_ref *rule)
{
	return strncmp(rule->family, "legacy", 6) == 0;
}

static struct lister nft_lister(const struct rule_ref *rule)
{
	static const char *const paths[] = {"/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"};

	return (struct lister){
		program(paths, ARRAY_SIZE(paths)),
		{"nft", "-a", "list", "chain", rule->family, rule->table, rule->chain}};
}

/*
 * The program behind every name of legacy iptables, so that iptables-nft is never run in its place:
 * that one would make the kernel load nf_tables. The table was read a moment ago, so asking for it
 * loads nothing; and -M names a program that does nothing, where iptables would call modprobe.
 */
static struct lister legacy_lister(const struct rule_ref *rule)
{
	static const char *const paths[] = {"/usr/sbin/xtables-legacy-multi",
					    "/sbin/xtables-legacy-multi",
					    "/usr/bin/xtables-legacy-multi"};

	return (struct lister){
		program(paths, ARRAY_SIZE(paths)),
		{strcmp(rule->family, "legacy6") == 0 ? "ip6tables-save" : "iptables-save", "-M",
		 "/bin/true", "-t", rule->table}};
}

static void run_lister(const struct host *h, const struct lister *l, int out)
{
	char *const environment[] = {NULL};
	int null = open("/dev/null", O_RDWR);

	/* The child stays in its own thread's namespace, which it enters before it lists. */
	if (host_enter(h) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(127);
	execve(l->path, (char *const *)(uintptr_t)l->argv, environment);
	_exit(127);
}

/* Reads until the child closes, or the deadline: one that is stuck is killed. */
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

static int list(const struct host *h, const struct lister *l, struct buf *listing)
{
	int ends[2], status, r;
	pid_t child;

	if (!l->path)
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
		run_lister(h, l, ends[1]);
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

static char *text_copy(struct span line)
{
	char *text;

	while (line.n && (*line.p == '\t' || *line.p == ' '))
		line.p++, line.n--;
	text = xcalloc(line.n + 1, 1);
	memcpy(text, line.p, line.n);
	return text;
}

char *rule_text_of(const struct buf *listing, uint64_t handle)
{
	struct span text = {.p = listing->data, .n = listing->len}, line;
	char mark[40];

	snprintf(mark, sizeof(mark), " # handle %llu", (unsigned long long)handle);
	while (next_line(&text, &line)) {
		size_t n = strlen(mark);

		if (line.n <= n || memcmp(line.p + line.n - n, mark, n) != 0)
			continue;
		line.n -= n;
		return text_copy(line);
	}
	return NULL;
}

char *legacy_rule_text_of(const struct buf *listing, const char *chain, uint64_t number,
			  size_t rules)
{
	struct span text = {.p = listing->data, .n = listing->len}, line, found = {0};
	char mark[80];
	size_t n = 0;

	snprintf(mark, sizeof(mark), "-A %s ", chain);
	while (next_line(&text, &line)) {
		if (line.n < strlen(mark) || memcmp(line.p, mark, strlen(mark)) != 0)
			continue;
		if (++n == number)
			found = line;
	}
	return found.p && n == rules ? text_copy(found) : NULL;
}

static struct host *host_of(struct session *s, const struct diagnosis *d,
			    const struct observation *o)
{
	return &s->hosts[o - d->observations.items];
}

/*
 * How many rules the chain had when they were counted. A user's chain ends in a RETURN of libiptc's
 * own, which iptables does not show.
 */
static size_t rules_of(const struct observation *o, const struct rule_ref *rule)
{
	uint8_t family = strcmp(rule->family, "legacy6") == 0 ? NFPROTO_IPV6 : NFPROTO_IPV4;

	vec_each (c, &o->b.iptables.chains)
		if (c->family == family && strcmp(c->table, rule->table) == 0 &&
		    strcmp(c->name, rule->chain) == 0)
			return c->rules_n - (!c->base && c->rules_n);
	return 0;
}

static void list_rules(struct host *h, const struct rule_ref *rule, struct listing *to)
{
	char name[sizeof(to->name)];

	if (is_legacy(rule))
		snprintf(name, sizeof(name), "%s-save-%s",
			 strcmp(rule->family, "legacy6") == 0 ? "ip6tables" : "iptables",
			 rule->table);
	else
		snprintf(name, sizeof(name), "nft-list-%s-%s-%s", rule->family, rule->table,
			 rule->chain);
	if (to->of == h && strcmp(to->name, name) == 0)
		return;
	to->of = h;
	memcpy(to->name, name, sizeof(name));
	to->err = 0;
	buf_clear(&to->text);
	if (!h->replay) {
		struct lister l = is_legacy(rule) ? legacy_lister(rule) : nft_lister(rule);

		to->err = list(h, &l, &to->text);
	}
	to->err = host_keep(h, name, to->err, &to->text);
}

static void add_text(struct host *h, const struct observation *o, struct rule_ref *rule,
		     struct listing *listing)
{
	list_rules(h, rule, listing);
	if (listing->err == 0 && is_legacy(rule))
		rule->text = legacy_rule_text_of(&listing->text, rule->chain, rule->handle,
						 rules_of(o, rule));
	else if (listing->err == 0)
		rule->text = rule_text_of(&listing->text, rule->handle);
	if (!rule->text)
		rule->text_err = listing->err ? listing->err : -ENOENT;
}

void add_rule_texts(struct session *s, struct diagnosis *d)
{
	struct listing listing = {0};

	vec_each (f, &d->findings)
		vec_each (subject, &f->subjects)
			/* A policy has no handle. */
			if (subject->has_rule && !subject->rule.text && subject->rule.handle)
				add_text(host_of(s, d, f->where), f->where, &subject->rule,
					 &listing);
	buf_done(&listing.text);
}
