// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One accept rule in a chain of iptables, with the comment "whydrop". Its tables are given to the
 * kernel as a whole in a format of its own, and where iptables stands on nf_tables it refuses tables
 * with rules of another's making: so the program itself is run, by a fixed path, without a shell,
 * in the thread's namespace.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/parse.h"
#include "remedy/kinds.h"

#define DEADLINE_MS 10000
#define WORD_MAX 64

struct rule_place {
	const char *program, *name; /* the program behind all names, and which it is called by */
	char table[WORD_MAX], chain[WORD_MAX];
	char position[16]; /* "": at the end */
	char protocol[8], port[8];
	bool by_source;
};

static const struct {
	const char *name, *program;
} programs[] = {
	{"iptables-legacy", "xtables-legacy-multi"},
	{"ip6tables-legacy", "xtables-legacy-multi"},
	{"iptables-nft", "xtables-nft-multi"},
	{"ip6tables-nft", "xtables-nft-multi"},
};

static int take_word(struct span *rest, char *to, size_t size)
{
	struct span word;

	/* None may be taken for an option. */
	if (!next_field(rest, &word) || word.n >= size || word.p[0] == '-')
		return -EINVAL;
	span_copy(word, to, size);
	return 0;
}

static int take_number(struct span *rest, uint64_t max, char *to, size_t size)
{
	uint64_t number;

	if (take_word(rest, to, size) < 0 || parse_u64(span_of(to), max, &number) < 0 || !number)
		return -EINVAL;
	return 0;
}

/* "tcp dport 443", or "protocol 47". */
static int take_match(struct span *rest, struct rule_place *ret)
{
	char word[WORD_MAX];

	if (take_word(rest, word, sizeof(word)) < 0)
		return -EINVAL;
	if (strcmp(word, "protocol") == 0)
		return take_number(rest, UINT8_MAX, ret->protocol, sizeof(ret->protocol));
	if (strcmp(word, "tcp") != 0 && strcmp(word, "udp") != 0 && strcmp(word, "sctp") != 0)
		return -EINVAL;
	snprintf(ret->protocol, sizeof(ret->protocol), "%.7s", word);
	if (take_word(rest, word, sizeof(word)) < 0)
		return -EINVAL;
	ret->by_source = strcmp(word, "sport") == 0;
	if (!ret->by_source && strcmp(word, "dport") != 0)
		return -EINVAL;
	return take_number(rest, UINT16_MAX, ret->port, sizeof(ret->port));
}

static int take_key(const char *key, struct rule_place *ret)
{
	struct span rest = span_of(key);
	char name[WORD_MAX], where[WORD_MAX];
	uint64_t position;

	*ret = (struct rule_place){0};
	if (take_word(&rest, name, sizeof(name)) < 0 ||
	    take_word(&rest, ret->table, sizeof(ret->table)) < 0 ||
	    take_word(&rest, ret->chain, sizeof(ret->chain)) < 0 ||
	    take_word(&rest, where, sizeof(where)) < 0 || take_match(&rest, ret) < 0 || rest.n)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (strcmp(programs[i].name, name) == 0) {
			ret->program = programs[i].program;
			ret->name = programs[i].name;
		}
	}
	if (!ret->program)
		return -EINVAL;
	if (strcmp(where, "end") == 0)
		return 0;
	if (parse_u64(span_of(where), UINT32_MAX, &position) < 0 || !position)
		return -EINVAL;
	snprintf(ret->position, sizeof(ret->position), "%u", (uint32_t)position);
	return 0;
}

/* Its exit status, or a negative errno. */
static int finish(pid_t child)
{
	cleanup(cleanup_fd) int fd = pidfd_open(child, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	bool late = fd < 0 || poll(&p, 1, DEADLINE_MS) <= 0;
	int status;

	if (late)
		kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (late)
		return -ETIMEDOUT;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

static int run(const struct rule_place *p, const char *const *argv)
{
	static const char *const folders[] = {"/usr/sbin", "/sbin", "/usr/bin"};
	char *const environment[] = {NULL};
	posix_spawn_file_actions_t actions;
	char path[64];
	pid_t child;
	int r = ENOENT;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	for (size_t i = 0; i < ARRAY_SIZE(folders) && r == ENOENT; i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], p->program);
		r = posix_spawn(&child, path, &actions, NULL, (char *const *)(uintptr_t)argv,
				environment);
	}
	posix_spawn_file_actions_destroy(&actions);
	return r ? -r : finish(child);
}

/* "-C" looks for the rule, "-D" takes it away, "-I" and "-A" put it in. */
static int command(const struct rule_place *p, const char *verb)
{
	const char *argv[24];
	size_t n = 0;

	argv[n++] = p->name;
	argv[n++] = "-w";
	argv[n++] = "5";
	argv[n++] = "-t";
	argv[n++] = p->table;
	argv[n++] = verb;
	argv[n++] = p->chain;
	if (strcmp(verb, "-I") == 0)
		argv[n++] = p->position;
	argv[n++] = "-p";
	argv[n++] = p->protocol;
	if (p->port[0]) {
		argv[n++] = p->by_source ? "--sport" : "--dport";
		argv[n++] = p->port;
	}
	argv[n++] = "-m";
	argv[n++] = "comment";
	argv[n++] = "--comment";
	argv[n++] = "whydrop";
	argv[n++] = "-j";
	argv[n++] = "ACCEPT";
	argv[n] = NULL;
	return run(p, argv);
}

/* enum xtables_exittype: 1 no such rule or chain, 2 usage, 3 versions differ, 4 lock or rights. */
static int exit_error(int status)
{
	static const int errors[] = {0, -ENOENT, -EINVAL, -EOPNOTSUPP, -EBUSY};

	return status < 0 ? status : status < (int)ARRAY_SIZE(errors) ? errors[status] : -EIO;
}

static int iptables_read(const struct change_place *place, const char *key, struct buf *ret)
{
	struct rule_place p;
	int r = take_key(key, &p);
	bool there;

	(void)place;
	if (r < 0)
		return r;
	r = command(&p, "-C");
	there = r == 0;
	if (r > 1 || r < 0)
		return exit_error(r);
	buf_clear(ret);
	buf_puts(ret, there ? "accept" : "");
	return 0;
}

static int iptables_write(const struct change_place *place, const char *key, const char *value)
{
	bool wanted = strcmp(value, "accept") == 0;
	struct rule_place p;
	int r = take_key(key, &p);

	(void)place;
	if (r < 0 || (!wanted && *value))
		return -EINVAL;
	r = command(&p, "-C");
	if (r < 0 || r > 1)
		return exit_error(r);
	if ((r == 0) == wanted)
		return 0;
	return exit_error(command(&p, !wanted ? "-D" : p.position[0] ? "-I" : "-A"));
}

static unsigned int iptables_needs(const char *key)
{
	(void)key;
	return CHANGE_NEEDS_FOR;
}

static const char *iptables_refusal(const char *key, int err)
{
	(void)key;
	switch (err) {
	case -ENOENT:
		return "the program, the chain, the position or the match \"comment\" is not there";
	case -EBUSY:
		return "another program holds the tables, or it wants CAP_NET_ADMIN here";
	case -EOPNOTSUPP:
		return "the program does not fit the kernel";
	}
	return NULL;
}

const struct change_kind iptables_kind = {
	.name = "iptables",
	.read = iptables_read,
	.write = iptables_write,
	.needs = iptables_needs,
	.refusal = iptables_refusal,
};
