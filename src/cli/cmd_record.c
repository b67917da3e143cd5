// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/rule_text.h"
#include "cli/session.h"

struct options {
	struct session_options session;
};

#define AT(field) .offset = offsetof(struct options, field)
static const struct opt rows[] = {
	{.name = "time", .letter = 't', .kind = OPT_DURATION, AT(session.seconds),
	 .argument = "SECONDS", .min = 0.2, .max = 3600,
	 .help = "how long to sample (0.2 to 3600; default 5)"},
	{.name = "netns", .letter = 'n', .kind = OPT_STRING, AT(session.netns),
	 .argument = "NAME|PID|all", .complete = COMPLETE_NETNS,
	 .help = "the network namespace of that name or process, or every one"},
	{.name = "ready-fd", .kind = OPT_UNSIGNED, AT(session.ready_fd), .argument = "N", .min = 0,
	 .max = 65535, .help = "write one byte to this descriptor once sampling has begun"},
};

const struct opt_table record_options = {
	.command = "record",
	.summary = "keep what a diagnosis reads, to be diagnosed elsewhere with --from",
	.usage = "[OPTION...] DIR|-",
	.examples = "  whydrop record /tmp/sick         a new folder\n"
		    "  whydrop record - > sick.tar      a tar file\n"
		    "  whydrop diagnose --from sick.tar\n",
	.operands_max = 1,
	.complete = COMPLETE_FILE,
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

int cmd_record(int argc, char **argv)
{
	struct options o = {.session = {.seconds = 5, .ready_fd = -1, .keep = true}};
	struct diagnosis d = {0};
	struct buf message = {0};
	struct session s;
	int status, operands, r;

	if (!opts_begin(&record_options, argc, argv, &o, &operands, &status))
		return status;
	if (operands != 1) {
		complain("record: where to? Give a new folder, or - for standard output");
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "-") == 0 && isatty(STDOUT_FILENO)) {
		complain("record: a recording is not for a terminal; redirect it to a file");
		return EXIT_USAGE;
	}
	o.session.progress = isatty(STDERR_FILENO);
	if (session_run(&s, &o.session, &d, &message) < 0) {
		complain("%s", message.data);
		buf_done(&message);
		return EXIT_USAGE;
	}
	diagnose(&d);
	add_rule_texts(&s, &d);
	r = recording_save(s.recording, argv[1]);
	if (r == -EEXIST)
		complain("record: '%s' is not empty; give a new folder", argv[1]);
	else if (r < 0)
		complain("record: cannot write '%s': %s", argv[1], strerror(-r));
	else if (strcmp(argv[1], "-") != 0)
		fprintf(stderr, "recorded %.1f s in %s; whydrop diagnose --from %s\n",
			d.observations.items[0].seconds, argv[1], argv[1]);
	diagnosis_done(&d);
	session_done(&s);
	return r < 0 ? EXIT_USAGE : 0;
}
