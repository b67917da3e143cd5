// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/host_leak.h"
#include "cli/host_sections.h"
#include "cli/session.h"

#define SAMPLE_SECONDS 1

struct options {
	struct session_options session;
	uint64_t which; /* sections */
	struct host_leak leak;
	bool json;
	int color, order;
	unsigned int top;
};

/* What the first end of a sample is kept in. */
struct run {
	const struct options *o;
	struct session session;
	struct host_facts facts;
};

static const char *const color_choices[] = {"auto", "always", "never", NULL};
/* As enum process_order. */
static const char *const order_choices[] = {"cpu", "memory", "swap", NULL};
#define AT(field) .offset = offsetof(struct options, field)
static const struct opt rows[] = {
	{.name = "time", .letter = 't', .kind = OPT_DURATION, AT(session.seconds),
	 .argument = "SECONDS", .min = OBSERVATION_MIN_SECONDS, .max = 3600,
	 .help = "how long to sample where a section tells of rates (0.2 to 3600; default 1)"},
	{.name = "sort", .kind = OPT_CHOICE, AT(order), .argument = "ORDER", .choices = order_choices,
	 .help = "the largest processes by cpu (as it is), memory or swap"},
	{.name = "top", .kind = OPT_UNSIGNED, AT(top), .argument = "N", .min = 0, .max = 65536,
	 .help = "so many of them (default 10)"},
	{.name = "netns", .letter = 'n', .kind = OPT_STRING, AT(session.netns),
	 .argument = "NAME|PID", .complete = COMPLETE_NETNS,
	 .help = "the network devices of that namespace"},
	{.name = "leak", .kind = OPT_STRING, AT(leak.who), .argument = "PID|any",
	 .help = "follow the memory of a process: whether it grows, where, and how fast (for 10 s)"},
	{.name = "peek", .kind = OPT_FLAG, AT(leak.peek),
	 .help = "with --leak: strings out of the region that grows"},
	{.name = "dump", .kind = OPT_STRING, AT(leak.dump), .argument = "FILE",
	 .complete = COMPLETE_FILE, .help = "with --leak: a copy of that region in a new file"},
	{.name = "yes", .letter = 'y', .kind = OPT_FLAG, AT(leak.yes),
	 .help = "do not ask before --peek and --dump"},
	{.name = "json", .letter = 'j', .kind = OPT_FLAG, AT(json), .help = "JSON on standard output"},
	{.name = "from", .kind = OPT_STRING, AT(session.from), .argument = "RECORDING",
	 .complete = COMPLETE_FILE, .help = "the host of a recording: a folder, a tar file, or -"},
	{.name = "color", .kind = OPT_CHOICE, AT(color), .argument = "WHEN", .choices = color_choices,
	 .help = "colours and signs"},
};

const struct opt_table host_options = {
	.command = "host",
	.summary = "what this machine is, and how it is doing",
	.usage = "[OPTION...] [SECTION...]",
	.examples = "  whydrop host                 all of it\n"
		    "  whydrop host system          one section\n"
		    "  whydrop host --json\n"
		    "  whydrop host --leak any      does a process eat the memory?\n",
	.footer = "Exit status: 0, or 2 where nothing can be shown.\n",
	.operands_max = 16,
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

/* Before the sample begins, in the thread that goes on to wait for its end. */
static bool begun(const struct diagnosis *d, void *arg)
{
	struct run *run = arg;

	host_sections_collect(run->o->which, true, &run->session.hosts[0], &run->facts);
	return true;
}

static void print_json(const struct host_view *v, uint64_t which)
{
	json_t *tree = host_head_json(v);

	for (size_t i = 0; i < host_sections_n; i++) {
		json_t *section;

		if (!(which & (UINT64_C(1) << i)))
			continue;
		section = host_sections[i].json(v);
		host_section_json(v, host_sections[i].name, section);
		json_object_set_new(tree, host_sections[i].name, section);
	}
	json_dumpf(tree, stdout, RENDER_JSON_FLAGS);
	putchar('\n');
	json_decref(tree);
}

static void print_text(const struct host_view *v, uint64_t which, const struct text_style *style)
{
	struct buf text = {0};
	struct out out = {.buf = &text, .style = style};

	host_head_text(v, &out);
	for (size_t i = 0; i < host_sections_n; i++) {
		if (!(which & (UINT64_C(1) << i)))
			continue;
		host_section_begin(&out, host_sections[i].name, host_sections[i].summary);
		host_sections[i].text(v, &out);
		host_section_end(v, host_sections[i].name, &out);
	}
	fwrite(text.data, 1, text.len, stdout);
	buf_done(&text);
}

static int show(struct options *o)
{
	struct run run = {.o = o};
	struct diagnosis d = {0};
	struct buf message = {0};
	struct text_style style = text_style_of(STDOUT_FILENO, (enum color_mode)o->color);
	struct host_view v = {.facts = &run.facts, .r = &run.session.report};
	int r;

	run.facts.order = (enum process_order)o->order;
	run.facts.top = o->top;
	o->session.begun = begun;
	o->session.begun_arg = &run;
	r = session_run(&run.session, &o->session, &d, &message);
	if (r < 0) {
		complain("host: %s", message.data);
		buf_done(&message);
		return EXIT_USAGE;
	}
	if (o->session.from && host_sections_over_time(o->which))
		host_sections_collect(o->which, true, &run.session.hosts[0], &run.facts);
	host_sections_collect(o->which, false, &run.session.hosts[0], &run.facts);
	v.o = &d.observations.items[0];
	host_sections_missing(o->which, &v.o->b, &run.facts);
	if (o->json)
		print_json(&v, o->which);
	else
		print_text(&v, o->which, &style);
	host_facts_done(&run.facts);
	diagnosis_done(&d);
	session_done(&run.session);
	return 0;
}

static bool choose(struct options *o, const char *name)
{
	struct buf names = {0};

	for (size_t i = 0; i < host_sections_n; i++) {
		if (strcmp(host_sections[i].name, name) == 0) {
			o->which |= UINT64_C(1) << i;
			buf_done(&names);
			return true;
		}
		buf_printf(&names, "%s%s", i ? ", " : "", host_sections[i].name);
	}
	complain("host: no section '%s'; there are %s", name, names.data);
	buf_done(&names);
	return false;
}

static int leak(struct options *o, int operands)
{
	if (!o->leak.who) {
		complain("host: --peek, --dump and --yes go with --leak");
		return EXIT_USAGE;
	}
	if (operands || o->session.netns || o->session.from) {
		complain("host: --leak is for itself: no sections, --netns or --from");
		return EXIT_USAGE;
	}
	o->leak.json = o->json;
	o->leak.color = o->color;
	o->leak.seconds = o->session.seconds > 0 ? o->session.seconds : LEAK_SECONDS;
	return host_leak(&o->leak);
}

int cmd_host(int argc, char **argv)
{
	struct options o = {.session = {.ready_fd = -1}, .order = BY_CPU, .top = 10};
	int status, operands;

	if (!opts_begin(&host_options, argc, argv, &o, &operands, &status))
		return status;
	if (o.leak.who || o.leak.peek || o.leak.dump || o.leak.yes)
		return leak(&o, operands);
	for (int i = 1; i <= operands; i++)
		if (!choose(&o, argv[i]))
			return EXIT_USAGE;
	if (!operands)
		o.which = (UINT64_C(1) << host_sections_n) - 1;
	if (o.session.netns && strcmp(o.session.netns, "all") == 0) {
		complain("host: --netns takes one namespace");
		return EXIT_USAGE;
	}
	if (o.session.from && (o.session.netns || o.session.seconds > 0)) {
		complain("host: --%s does not go with --from", o.session.netns ? "netns" : "time");
		return EXIT_USAGE;
	}
	/* The devices are for the first line. */
	o.session.only_sources = SOURCE_BIT(SRC_LINK) | host_sections_sources(o.which);
	o.session.since_boot = !host_sections_over_time(o.which);
	if (o.session.seconds <= 0)
		o.session.seconds = SAMPLE_SECONDS;
	return show(&o);
}
