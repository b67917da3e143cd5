// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "cli/cmd.h"
#include "render/render.h"

struct options {
	bool list;
};

static const struct opt rows[] = {
	{.name = "list",
	 .letter = 'l',
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct options, list),
	 .help = "every name that can be explained, one a line"},
};

const struct opt_table explain_options = {
	.command = "explain",
	.summary = "a cause, counter, drop reason, sysctl, source or stage in plain words",
	.usage = "[OPTION...] [NAME...]",
	.examples =
		"  whydrop explain                       the causes\n"
		"  whydrop explain listen-overflow       a cause: what, how to see it, what to do\n"
		"  whydrop explain RcvbufErrors          a counter, in any of its spellings\n"
		"  whydrop explain SOCKET_RCVBUFF        a drop reason of the kernel\n"
		"  whydrop explain net.core.somaxconn    a sysctl\n",
	.operands_max = 64,
	.complete = COMPLETE_NAME,
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

static void list_causes(void)
{
	int last = -1;

	for (int stage = 0; stage < STAGE_N; stage++) {
		for (size_t i = 0; i < cause_rows_n; i++) {
			if ((int)cause_rows[i].stage != stage)
				continue;
			printf("%-10s %-21s %s\n",
			       stage == last ? "" : stage_name((enum stage)stage), cause_rows[i].id,
			       cause_rows[i].title);
			last = stage;
		}
	}
	printf("\nAlso counters, drop reasons, sysctls, sources and stages: whydrop explain "
	       "--list\n");
}

static int explain_one(const char *name, bool first)
{
	struct buf text = {0};
	int r = explain(name, &text);

	if (r < 0)
		complain("nothing known under '%s'%s%s", name, text.len ? "; near it: " : "",
			 text.len ? text.data : " (all names: whydrop explain --list)");
	else
		printf("%s%s", first ? "" : "\n", text.data);
	buf_done(&text);
	return r < 0 ? EXIT_USAGE : 0;
}

int cmd_explain(int argc, char **argv)
{
	struct options o = {0};
	struct buf names = {0};
	int status = 0, operands;

	if (!opts_begin(&explain_options, argc, argv, &o, &operands, &status))
		return status;
	if (o.list) {
		explain_list(&names);
		fputs(names.data, stdout);
		buf_done(&names);
		return 0;
	}
	if (!operands)
		list_causes();
	for (int i = 1; i <= operands; i++)
		if (explain_one(argv[i], i == 1) != 0)
			status = EXIT_USAGE;
	return status;
}
