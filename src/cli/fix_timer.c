// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The dead man's switch: this program begun anew, away from its terminal and with nothing of this
 * one open (a namespace held open would outlive its last process), asleep until the run's time is
 * over. It stands before the first change is made.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/fix.h"

static void become_timer(const char *journal, uint64_t run)
{
	struct journal_digits id = journal_digits(run);
	char *const argv[] = {(char[]){"whydrop"},    (char[]){"fix"}, (char[]){"--expire-run"},
			      id.s,		      (char[]){"--journal"}, xstrdup(journal), NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	execv("/proc/self/exe", argv);
	_exit(127);
}

int fix_start_timer(const char *journal, uint64_t run)
{
	char *path = realpath(journal, NULL);
	int status;
	pid_t pid;

	if (!path)
		return -errno;
	pid = fork();
	if (pid == 0) {
		/* A child of nobody: init waits for it. */
		if (setsid() < 0)
			_exit(1);
		pid = fork();
		if (pid != 0)
			_exit(pid < 0);
		if (chdir("/") < 0)
			_exit(1);
		become_timer(path, run);
	}
	free(path);
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EAGAIN;
}
