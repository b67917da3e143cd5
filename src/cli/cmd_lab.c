// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lab beside the program: what it can make, one scenario as it is, and playing some. The lab is
 * bash; this only finds it and says what a cause needs that no scenario here can show.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "causes/cause.h"
#include "cli/cmd.h"

#define SCENARIO_MAX (64 * 1024) /* bytes of a file of the lab */
#define SUFFIX ".sh"

const struct opt_table lab_options = {
	.command = "lab",
	.summary = "make a fault in private namespaces and watch whydrop find it",
	.usage = "list [PATTERN] | show NAME | run [OPTION...] [NAME...]",
	.examples = "  whydrop lab list                 what can be made\n"
		    "  whydrop lab list 'udp-*'\n"
		    "  whydrop lab show listen-overflow\n"
		    "  sudo whydrop lab run listen-overflow\n"
		    "  sudo whydrop lab run --remedies qdisc-drop\n",
	.footer = "`whydrop lab run --help` tells the options of run. A scenario needs root, changes "
		  "only\nnamespaces of its own unless the list says otherwise, and removes them.\n",
	.operands_max = 1024,
	.complete = COMPLETE_LAB,
	.operands_have_dashes = true,
};

/* Beside a program in its build folder stands the tree's own lab; else the installed one. To at
 * least PATH_MAX bytes. */
static int find_lab(char *ret)
{
	char self[PATH_MAX], runner[PATH_MAX + 16] = "";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		*strrchr(self, '/') = '\0';
		snprintf(runner, sizeof(runner), "%s/../lab/run", self);
	}
	if (!realpath(runner, ret) && !realpath(WHYDROP_LAB "/run", ret))
		return -errno;
	*strrchr(ret, '/') = '\0';
	return 0;
}

static int read_text(const char *lab, const char *folder, const char *name, struct buf *ret)
{
	cleanup(cleanup_fd) int fd = -1;
	char path[PATH_MAX + 2 * NAME_MAX];

	snprintf(path, sizeof(path), "%s/%s%s", lab, folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return buf_read_fd(ret, fd, SCENARIO_MAX);
}

/* Why the kernel of a usual host cannot play it (skips.txt: KERNEL SCENARIO REASON); false: it can. */
static bool only_in_qemu(const char *skips, const char *scenario, char *ret_why, size_t size)
{
	char name[NAME_MAX + 1], why[256];

	for (const char *line = skips; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "host %255s %255[^\n]", name, why) == 2 && strcmp(name, scenario) == 0) {
			snprintf(ret_why, size, "%s", why);
			return true;
		}
	}
	return false;
}

/* The first sentence of the comment that it begins with says what it reproduces. */
static void first_sentence(const char *text, struct buf *ret)
{
	for (; strncmp(text, "# ", 2) == 0; text += strcspn(text, "\n"), text += *text == '\n') {
		const char *line = text + 2;
		size_t n = strcspn(line, "\n"), upto = 0;

		while (upto < n && !(line[upto] == '.' && (upto + 1 == n || line[upto + 1] == ' ')))
			upto++;
		buf_puts(ret, ret->len ? " " : "");
		buf_add(ret, line, upto);
		if (upto < n)
			break;
	}
	buf_puts(ret, "");
}

/* Changes or loads something of the whole host: the runner looks for the same word. */
static bool is_host_wide(const char *text)
{
	const char *at = strstr(text, "HOST=1");

	return at && (at == text || strchr(" \t\n;", at[-1]));
}

static int is_scenario(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > strlen(SUFFIX) && strcmp(entry->d_name + n - strlen(SUFFIX), SUFFIX) == 0;
}

static void list_scenario(const char *lab, const char *skips, const char *name)
{
	cleanup(buf_done) struct buf text = {0};
	cleanup(buf_done) struct buf what = {0};
	char file[NAME_MAX + 8], why[256];

	snprintf(file, sizeof(file), "%s" SUFFIX, name);
	if (read_text(lab, "scenarios/", file, &text) < 0)
		buf_puts(&text, "");
	first_sentence(text.data, &what);
	printf("%-40s %s%s\n", name, what.data, is_host_wide(text.data) ? " [changes the host, and back]" : "");
	if (only_in_qemu(skips, name, why, sizeof(why)))
		printf("%-40s   only on the kernels in QEMU (make test-kernels): %s\n", "", why);
}

static bool wanted(const char *name, char **patterns, int n)
{
	for (int i = 0; i < n; i++)
		if (fnmatch(patterns[i], name, 0) == 0)
			return true;
	return n == 0;
}

/* What shows a cause that no scenario can make on this kernel; NULL: one can. */
static const char *where_shown(const struct cause_row *row)
{
	if (strncmp(row->lab, "vm:", 3) == 0)
		return "the kernels in QEMU show it (make test-kernels)";
	if (strncmp(row->lab, "unit:", 5) == 0)
		return "tested on what the kernel prints (make test)";
	return NULL;
}

/* Causes that no scenario shows: those of hardware, and of kernels that this host does not run. */
static unsigned int list_others(char **patterns, int n)
{
	unsigned int told = 0;

	for (size_t i = 0; i < cause_rows_n; i++) {
		const struct cause_row *row = &cause_rows[i];

		if (where_shown(row) && wanted(row->id, patterns, n))
			printf("%s%-40s %s\n",
			       told++ ? "" : "\nCauses that the lab cannot make on this kernel:\n", row->id,
			       where_shown(row));
	}
	return told;
}

static int lab_list(const char *lab, char **patterns, int n)
{
	cleanup(buf_done) struct buf skips = {0};
	char folder[PATH_MAX + 16];
	struct dirent **entries;
	unsigned int told = 0;
	int count;

	snprintf(folder, sizeof(folder), "%s/scenarios", lab);
	count = scandir(folder, &entries, is_scenario, alphasort);
	if (count < 0) {
		complain("cannot read %s: %s", folder, strerror(errno));
		return EXIT_USAGE;
	}
	if (read_text(lab, "", "skips.txt", &skips) < 0)
		buf_puts(&skips, "");
	for (int i = 0; i < count; i++) {
		entries[i]->d_name[strlen(entries[i]->d_name) - strlen(SUFFIX)] = '\0';
		if (wanted(entries[i]->d_name, patterns, n)) {
			list_scenario(lab, skips.data, entries[i]->d_name);
			told++;
		}
		free(entries[i]);
	}
	free(entries);
	told += list_others(patterns, n);
	if (told)
		return 0;
	complain("no scenario and no cause is called '%s'; `whydrop lab list` tells all", patterns[0]);
	return EXIT_USAGE;
}

static int lab_show(const char *lab, const char *name)
{
	const struct cause_row *row = cause_by_id(name);
	cleanup(buf_done) struct buf text = {0}, skips = {0};
	char file[NAME_MAX + 1], why[256];
	const char *proof = name;

	if (row && !strchr(row->lab, ':'))
		proof = row->lab;
	snprintf(file, sizeof(file), "%.200s" SUFFIX, proof);
	if (strchr(name, '/') || read_text(lab, "scenarios/", file, &text) < 0) {
		if (row)
			return printf("%s: %s\n", name, where_shown(row)) < 0;
		complain("no scenario '%s'; `whydrop lab list` tells all", name);
		return EXIT_USAGE;
	}
	if (read_text(lab, "", "skips.txt", &skips) == 0 &&
	    only_in_qemu(skips.data, proof, why, sizeof(why)))
		printf("# Only on the kernels in QEMU (make test-kernels): %s\n", why);
	printf("# %s/scenarios/%s\n\n%s", lab, file, text.data);
	return 0;
}

/* The runner takes over, with this program as the one that is tried. */
static int lab_run(const char *lab, char **words, int n)
{
	char run[PATH_MAX + 8], self[PATH_MAX] = "";
	char **argv = xcalloc((size_t)n + 5, sizeof(*argv));
	int at = 0;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		snprintf(self, sizeof(self), "whydrop");
	snprintf(run, sizeof(run), "%s/run", lab);
	argv[at++] = xstrdup("bash");
	argv[at++] = run;
	argv[at++] = xstrdup("--whydrop");
	argv[at++] = self;
	for (int i = 0; i < n; i++)
		argv[at++] = words[i];
	fflush(stdout);
	execvp("bash", argv);
	complain("cannot run bash: %s", strerror(errno));
	return EXIT_USAGE;
}

int cmd_lab(int argc, char **argv)
{
	const char *action = argc > 1 ? argv[1] : "";
	int operands = 0, status, r;
	char lab[PATH_MAX];
	struct {
		char nothing;
	} no_options;

	/* What stands behind run is the runner's, --help as well. */
	if (strcmp(action, "run") != 0) {
		if (!opts_begin(&lab_options, argc, argv, &no_options, &operands, &status))
			return status;
		action = operands ? argv[1] : "list";
	}
	r = find_lab(lab);
	if (r < 0) {
		complain("no lab: neither beside this program nor in %s: %s", WHYDROP_LAB, strerror(-r));
		return EXIT_USAGE;
	}
	if (strcmp(action, "run") == 0)
		return lab_run(lab, argv + 2, argc - 2);
	if (strcmp(action, "list") == 0)
		return lab_list(lab, argv + 2, MAX(operands - 1, 0));
	if (strcmp(action, "show") == 0 && operands == 2)
		return lab_show(lab, argv[2]);
	if (strcmp(action, "show") == 0)
		complain("lab show: one name, as `whydrop lab list` tells them");
	else
		complain("lab '%s': there are list, show and run", action);
	return EXIT_USAGE;
}
