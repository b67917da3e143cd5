// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/session.h"
#include "render/counters.h"

#define SAMPLE_SECONDS 1

/* Numbers of kernel and hardware: nothing of single sockets and processes. */
#define NOT_COUNTERS                                                                               \
	(SOURCE_BIT(SRC_SOCKETS) | SOURCE_BIT(SRC_RAW_SOCKETS) | SOURCE_BIT(SRC_PACKET_SOCKETS) |  \
	 SOURCE_BIT(SRC_NETLINK_SOCKETS) | SOURCE_BIT(SRC_PROCESS) | SOURCE_BIT(SRC_NEIGH) | SOURCE_BIT(SRC_SYSCTL) |                \
	 SOURCE_BIT(SRC_KERNEL_LOG) | SOURCE_BIT(SRC_QUEUES) | SOURCE_BIT(SRC_TCP_EVENTS) |         \
	 SOURCE_BIT(SRC_DROPS))

struct options {
	struct session_options session;
	const char *pattern, *device;
	unsigned int cpu, count, ready_fd;
	bool nonzero, json;
	int color;
	struct buf refusal; /* why there is nothing to show */
};

#define NO_CPU UINT32_MAX

static const char *const color_choices[] = {"auto", "always", "never", NULL};
#define AT(field) .offset = offsetof(struct options, field)
static const struct opt rows[] = {
	{.name = "interval", .letter = 'i', .kind = OPT_DURATION, AT(session.seconds),
	 .argument = "SECONDS", .min = OBSERVATION_MIN_SECONDS, .max = 3600,
	 .help = "how long to count (0.2 to 3600; default 1)"},
	{.name = "count", .letter = 'c', .kind = OPT_UNSIGNED, AT(count), .argument = "N", .min = 0,
	 .max = 1000000, .help = "so many intervals, one after another; 0: until ctrl-C (default 1)"},
	{.name = "nonzero", .letter = 'z', .kind = OPT_FLAG, AT(nonzero),
	 .help = "only what moved: counters that grew, gauges that are not 0"},
	{.name = "device", .letter = 'd', .kind = OPT_STRING, AT(device), .argument = "DEVICE",
	 .complete = COMPLETE_DEVICE, .help = "only this network device, its queues and interrupts"},
	{.name = "cpu", .kind = OPT_UNSIGNED, AT(cpu), .argument = "N", .min = 0, .max = 65535,
	 .help = "only this CPU"},
	{.name = "netns", .letter = 'n', .kind = OPT_STRING, AT(session.netns),
	 .argument = "NAME|PID|all", .complete = COMPLETE_NETNS,
	 .help = "the network namespace of that name or process, or every one"},
	{.name = "since-boot", .kind = OPT_FLAG, AT(session.since_boot),
	 .help = "the values alone, without waiting"},
	{.name = "json", .letter = 'j', .kind = OPT_FLAG, AT(json),
	 .help = "JSON on standard output; with --count one line for each interval"},
	{.name = "from", .kind = OPT_STRING, AT(session.from), .argument = "RECORDING",
	 .complete = COMPLETE_FILE, .help = "the counters of a recording: a folder, a tar file, or -"},
	{.name = "color", .kind = OPT_CHOICE, AT(color), .argument = "WHEN", .choices = color_choices,
	 .help = "colours and signs"},
	{.name = "ready-fd", .kind = OPT_UNSIGNED, AT(ready_fd), .argument = "N", .min = 0,
	 .max = 65535, .help = "write one byte to this descriptor once counting has begun"},
};

const struct opt_table counters_options = {
	.command = "counters",
	.summary = "every counter by stage: before, after, rate, and whether it means loss",
	.usage = "[OPTION...] [PATTERN]",
	.examples = "  whydrop counters --nonzero            what moved in one second\n"
		    "  whydrop counters TCPBacklogDrop -i 5  one counter, 5 seconds\n"
		    "  whydrop counters 'rx_*' --device eth0 -c 0\n"
		    "  whydrop counters 'times the listen queue of a socket overflowed'\n",
	.footer = "PATTERN is a name as the kernel, nstat, ethtool -S or netstat -s print it, part of\n"
		  "one, or a shell pattern. Counters of single sockets are not listed.\n"
		  "Loss: each one is a packet lost here; part: some are; sign: points at a loss;\n"
		  "benign: looks like a loss and is none.\n"
		  "Exit status: 0, or 2 where nothing can be shown.\n",
	.operands_max = 1,
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

static bool is_asked_for(const struct options *o, const struct reading *r)
{
	bool device = o->device && strcmp(r->device, o->device) == 0;
	bool cpu = o->cpu != NO_CPU && r->cpu == (int)o->cpu;

	return device || cpu || (!o->device && o->cpu == NO_CPU);
}

static void keep_asked_for(const struct options *o, struct readings *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->list.n; i++)
		if (is_asked_for(o, &r->list.items[i]))
			r->list.items[kept++] = r->list.items[i];
	r->list.n = kept;
}

static void keep_moved(struct readings *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->list.n; i++)
		if (reading_moved(&r->list.items[i]))
			r->list.items[kept++] = r->list.items[i];
	r->list.n = kept;
}

/* ---- is there anything of that device, CPU or name? ---- */

static bool has_device(const struct diagnosis *d, const char *name)
{
	vec_each(o, &d->observations)
		vec_each(link, &o->b.links)
			if (strcmp(link->name, name) == 0)
				return true;
	return false;
}

static bool has_cpu(const struct diagnosis *d, unsigned int id)
{
	vec_each(o, &d->observations)
		vec_each(cpu, &o->b.cpus)
			if (cpu->id == id)
				return true;
	return false;
}

static void refuse_device(struct options *o, const struct diagnosis *d)
{
	const char *between = "there are ";

	buf_printf(&o->refusal, "no device '%s' here", o->device);
	vec_each(observation, &d->observations)
		vec_each(link, &observation->b.links) {
			buf_printf(&o->refusal, "%s%s", *between == 't' ? "; there are " : between,
				   link->name);
			between = ", ";
		}
}

/* What can be shown of the ends `b` of a diagnosis; o->refusal says why it is nothing. */
static bool can_show(struct options *o, const struct diagnosis *d)
{
	struct buf near = {0};
	bool found = !o->pattern;

	if (o->device && !has_device(d, o->device)) {
		refuse_device(o, d);
		return false;
	}
	if (o->cpu != NO_CPU && !has_cpu(d, o->cpu)) {
		buf_printf(&o->refusal, "no CPU %u is online here", o->cpu);
		return false;
	}
	vec_each(observation, &d->observations) {
		struct readings list = {0};

		if (found)
			break;
		buf_clear(&near);
		readings_collect(observation, &list);
		keep_asked_for(o, &list);
		found = readings_select(&list, o->pattern, &near);
		readings_done(&list);
	}
	if (!found)
		buf_printf(&o->refusal, "no counter is called '%s'%s%s", o->pattern,
			   near.len ? "; " : "", near.len ? near.data : "");
	buf_done(&near);
	return found;
}

/* Asked at the beginning, so that nobody waits for a slip of the pen. */
static bool begun(const struct diagnosis *d, void *arg)
{
	struct diagnosis first = {0};
	bool ok;

	/* The same snapshots, seen as ends; nothing of them is owned here. */
	vec_each(o, &d->observations) {
		struct observation *copy = vec_push(&first.observations);

		*copy = *o;
		copy->b = o->a;
		copy->since_boot = true;
	}
	ok = can_show(arg, &first);
	vec_done(&first.observations);
	return ok;
}

/* ---- output ---- */

static void print_json(const struct counters_view *v, const struct options *o)
{
	size_t flags = o->count == 1 ? RENDER_JSON_FLAGS
				     : (JSON_COMPACT | JSON_REAL_PRECISION(12));
	json_t *tree = render_counters_json(v);

	json_dumpf(tree, stdout, flags);
	json_decref(tree);
	putchar('\n');
}

static void print_text(const struct counters_view *v, const struct options *o)
{
	struct text_style style = text_style_of(STDOUT_FILENO, (enum color_mode)o->color);
	struct buf text = {0};

	render_counters_text(v, &style, &text);
	fwrite(text.data, 1, text.len, stdout);
	buf_done(&text);
}

static void show(const struct options *o, const struct session *s, const struct diagnosis *d)
{
	struct readings *lists = xcalloc(d->observations.n, sizeof(*lists));
	struct counters_view v = {.d = d,
				  .r = &s->report,
				  .readings = lists,
				  .devices = !o->pattern && (o->device || o->cpu == NO_CPU),
				  .device = o->device,
				  .sources = s->sources};
	struct buf near = {0};

	for (size_t i = 0; i < d->observations.n; i++) {
		readings_collect(&d->observations.items[i], &lists[i]);
		keep_asked_for(o, &lists[i]);
		if (o->pattern && !readings_select(&lists[i], o->pattern, &near))
			lists[i].list.n = 0;
		if (o->nonzero)
			keep_moved(&lists[i]);
	}
	if (o->json)
		print_json(&v, o);
	else
		print_text(&v, o);
	for (size_t i = 0; i < d->observations.n; i++)
		readings_done(&lists[i]);
	free(lists);
	buf_done(&near);
}

static int run(struct options *o)
{
	struct diagnosis d = {0};
	struct buf message = {0};
	struct session s;
	int r = session_run(&s, &o->session, &d, &message);

	/* A recording, and values since boot, are whole at once. */
	if (r == 0 && (o->session.from || o->session.since_boot) && !can_show(o, &d))
		r = -ECANCELED;
	if (r < 0) {
		complain("%s%s", r == -ECANCELED ? "counters: " : "",
			 r == -ECANCELED ? o->refusal.data : message.data);
		buf_done(&message);
		return EXIT_USAGE;
	}
	show(o, &s, &d);
	for (unsigned int n = 1; n != o->count && !o->session.from && !o->session.since_boot; n++) {
		if (fflush(stdout) != 0 || !session_again(&s, &o->session, &d))
			break;
		if (!o->json)
			putchar('\n');
		show(o, &s, &d);
	}
	diagnosis_done(&d);
	session_done(&s);
	return 0;
}

/* What a recording or values since boot leave no choice of. */
static const char *refused(const struct options *o)
{
	bool whole = o->session.from || o->session.since_boot;

	if (whole && o->session.seconds > 0)
		return "--interval";
	if (whole && o->count != 1)
		return "--count";
	if (o->session.from && o->session.netns)
		return "--netns";
	return o->session.from && o->session.since_boot ? "--since-boot" : NULL;
}

int cmd_counters(int argc, char **argv)
{
	struct options o = {.session = {.ready_fd = -1,
					.only_sources = (SOURCE_BIT(SOURCE_N) - 1) & ~NOT_COUNTERS,
					.begun = begun},
			    .cpu = NO_CPU,
			    .count = 1,
			    .ready_fd = UINT32_MAX};
	int status, operands;

	if (!opts_begin(&counters_options, argc, argv, &o, &operands, &status))
		return status;
	if (refused(&o)) {
		complain("counters: %s does not go with --%s", refused(&o),
			 o.session.from ? "from" : "since-boot");
		return EXIT_USAGE;
	}
	o.pattern = operands ? argv[1] : NULL;
	if (o.pattern && !*o.pattern) {
		complain("counters: the pattern is empty");
		return EXIT_USAGE;
	}
	if (o.session.seconds <= 0)
		o.session.seconds = SAMPLE_SECONDS;
	if (o.ready_fd != UINT32_MAX)
		o.session.ready_fd = (int)o.ready_fd;
	o.session.begun_arg = &o;
	status = run(&o);
	buf_done(&o.refusal);
	return status;
}
