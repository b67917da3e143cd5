// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who holds a socket, of live processes: where there are many sockets the kernel is asked (here one
 * that is made up, so that it shows who answered), and the links where it refuses; holders that
 * closed their socket, opened another one in its place, or ended.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/parse.h"
#include "collect/process.h"

#define MANY 16500 /* more than the links are read of (LINKS_MAX) */
#define MADE_UP 4242
/* Answers are remembered for half a second, or four times as long as a walk took. */
#define WAIT_US 100000
#define WAITS 200

static uint32_t inode_of(int pid, int fd)
{
	char path[64], link[64];
	uint64_t inode = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	n = readlink(path, link, sizeof(link));
	assert_true(n > 9);
	assert_int_equal(parse_u64((struct span){link + 8, (size_t)n - 9}, UINT32_MAX, &inode), 0);
	return (uint32_t)inode;
}

static void is_held_by(uint32_t inode, int pid)
{
	struct inodes wanted = {.list = {.items = &inode, .n = 1}};
	cleanup(buf_done) struct buf text = {0};
	char expected[64] = "";

	if (pid)
		snprintf(expected, sizeof(expected), "%u %d\n", inode, pid);
	for (unsigned int i = 0; i < WAITS; i++) {
		buf_clear(&text);
		assert_int_equal(owners_find(&wanted, true, &text), 0);
		if (text.len == strlen(expected) && memcmp(text.data, expected, text.len) == 0)
			return;
		usleep(WAIT_US);
	}
	buf_add(&text, "", 1);
	assert_string_equal(text.data, expected);
}

static uint32_t kernel_inode;
static unsigned int kernel_asked;

static int kernel_tells(uint32_t netns, struct socket_walk *w)
{
	assert_int_equal(netns, 0);
	kernel_asked++;
	w->holder(w, MADE_UP, "made up");
	w->socket(w, kernel_inode, 7);
	return 0;
}

static int kernel_refuses(uint32_t netns, struct socket_walk *w)
{
	(void)netns;
	kernel_asked++;
	w->holder(w, MADE_UP, "made up"); /* what it told until then is not believed */
	w->socket(w, kernel_inode, 7);
	return -EPERM;
}

static void many_sockets_are_asked_of_the_kernel(void **state)
{
	struct rlimit most, before;
	static int fds[MANY];
	size_t n = 0;
	uint32_t inode;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	most = (struct rlimit){.rlim_cur = MANY + 100, .rlim_max = before.rlim_max};
	if (setrlimit(RLIMIT_NOFILE, &most) < 0)
		skip();
	owners_use(kernel_tells);
	fds[n++] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	inode = kernel_inode = inode_of(getpid(), fds[0]);
	while (n < MANY - 1 && socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds + n) == 0)
		n += 2;
	assert_true(n >= MANY - 1);
	is_held_by(inode, MADE_UP);
	assert_true(kernel_asked >= 1);
	kernel_asked = 0;
	owners_use(kernel_refuses);
	is_held_by(inode, getpid());
	assert_true(kernel_asked >= 1);
	while (n)
		close(fds[--n]);
	owners_use(NULL);
	setrlimit(RLIMIT_NOFILE, &before);
}

/* Holds a socket, and on a byte from us another one in its place. */
static int start_holder(int commands, int answers)
{
	int pid = fork(), one;
	char byte = 0;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive a test that failed */
	one = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (one < 0 || dup2(one, 100) < 0 || close(one) < 0 || write(answers, &byte, 1) != 1 ||
	    read(commands, &byte, 1) != 1)
		_exit(1);
	one = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (one < 0 || dup2(one, 100) < 0 || write(answers, &byte, 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

static void holders_of_old_are_not_believed(void **state)
{
	int commands[2], answers[2], pid;
	uint32_t first, second;
	char byte = 0;

	(void)state;
	assert_true(pipe(commands) == 0 && pipe(answers) == 0);
	pid = start_holder(commands[0], answers[1]);
	close(commands[0]); /* so that its end is seen, should it fail */
	close(answers[1]);
	assert_int_equal(read(answers[0], &byte, 1), 1);
	first = inode_of(pid, 100);
	is_held_by(first, pid);
	/* The same descriptor of the same process, but another socket. */
	assert_int_equal(write(commands[1], &byte, 1), 1);
	assert_int_equal(read(answers[0], &byte, 1), 1);
	second = inode_of(pid, 100);
	assert_int_not_equal(first, second);
	is_held_by(first, 0);
	is_held_by(second, pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	is_held_by(second, 0);
	close(commands[1]);
	close(answers[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_sockets_are_asked_of_the_kernel),
		cmocka_unit_test(holders_of_old_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
