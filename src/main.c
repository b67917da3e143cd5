// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of subcommands, and nothing else. */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cmd.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const struct opt_table *options;
} commands[] = {
	{"diagnose", cmd_diagnose, &diagnose_options},
	{"watch", cmd_watch, &watch_options},
	{"fix", cmd_fix, &fix_options},
	{"sockets", cmd_sockets, &sockets_options},
	{"pcap", cmd_pcap, &pcap_options},
	{"host", cmd_host, &host_options},
	{"counters", cmd_counters, &counters_options},
	{"record", cmd_record, &record_options},
	{"explain", cmd_explain, &explain_options},
	{"lab", cmd_lab, &lab_options},
	{"selfcheck", cmd_selfcheck, &selfcheck_options},
};

static int help(void)
{
	puts("Usage: whydrop [COMMAND] [OPTION...]\n"
	     "Says why this host loses packets, who is hit, and what to do about it.\n\n"
	     "  whydrop                  sample this host for 5 seconds and name the causes\n"
	     "  whydrop --netns web -t 10    the namespace 'web', for 10 seconds\n"
	     "  whydrop explain listen-overflow\n\n"
	     "Commands:");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-12s %s\n", commands[i].name, commands[i].options->summary);
	puts("\nWithout a command: diagnose. `whydrop COMMAND --help` tells its options.\n"
	     "Exit status: 0 healthy, 1 losing, at risk or loss elsewhere, 2 wrong usage,\n"
	     "3 not examined.");
	return 0;
}

static int completion(const char *shell)
{
	const struct opt_table *tables[ARRAY_SIZE(commands)];
	struct buf text = {0};

	if (strcmp(shell, "bash") != 0) {
		complain("--completion '%s': there is bash", shell);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		tables[i] = commands[i].options;
	opts_completion(tables, ARRAY_SIZE(tables), &text);
	fputs(text.data ? text.data : "", stdout);
	buf_done(&text);
	return 0;
}

static int dispatch(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "";

	if (strcmp(first, "--version") == 0)
		return puts("whydrop " WHYDROP_VERSION) < 0;
	if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0)
		return help();
	if (strcmp(first, "--completion") == 0)
		return completion(argc > 2 ? argv[2] : "bash");
	if (first[0] == '\0' || first[0] == '-')
		return cmd_diagnose(argc, argv);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(first, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	complain("no command '%s'; `whydrop --help` lists them", first);
	return EXIT_USAGE;
}

/*
 * A closed standard descriptor would be given to the next thing that is opened, and what is printed
 * be written into it. /dev/null the wrong way round takes its place: using it fails as before.
 */
static void keep_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			_exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	int status;

	keep_standard_descriptors();
	setlocale(LC_CTYPE, "");
	status = dispatch(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("cannot write to standard output");
		status = EXIT_USAGE;
	}
	/* A collector that was given up may still hang in the kernel: do not wait for its thread. */
	_exit(status);
}
