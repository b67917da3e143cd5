// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/config.h"
#include "cli/narrowing.h"
#include "cli/rule_text.h"
#include "cli/session.h"

#define SAMPLE_SECONDS 5

struct options {
	struct session_options session;
	struct narrowing narrowing;
	bool json, all;
	unsigned int ready_fd;
	int color;
};

static const char *const color_choices[] = {"auto", "always", "never", NULL};
#define AT(field) .offset = offsetof(struct options, field)
static const struct opt rows[] = {
	{.name = "time", .letter = 't', .kind = OPT_DURATION, AT(session.seconds),
	 .argument = "SECONDS", .min = OBSERVATION_MIN_SECONDS, .max = 3600,
	 .help = "how long to sample (0.2 to 3600; default 5)"},
	{.name = "wait", .kind = OPT_DURATION, AT(session.wait), .argument = "DURATION",
	 .min = 1, .max = 2592000,
	 .help = "sample lightly until a loss begins, at most so long (10m), then as --time says"},
	{.name = "netns", .letter = 'n', .kind = OPT_STRING, AT(session.netns),
	 .argument = "NAME|PID|all", .complete = COMPLETE_NETNS,
	 .help = "the network namespace of that name or process, or every one"},
	{.name = "pid", .letter = 'p', .kind = OPT_UNSIGNED, AT(narrowing.pid), .argument = "PID",
	 .min = 1, .max = 4194304, .help = "only what concerns the sockets of this process"},
	{.name = "port", .kind = OPT_UNSIGNED, AT(narrowing.port), .argument = "PORT", .min = 1,
	 .max = 65535, .help = "only what concerns this port, at either end"},
	{.name = "peer", .kind = OPT_STRING, AT(narrowing.peer), .argument = "ADDRESS",
	 .help = "only what concerns this address, or network (10.0.0.0/8)"},
	{.name = "device", .letter = 'd', .kind = OPT_STRING, AT(narrowing.device),
	 .argument = "DEVICE", .complete = COMPLETE_DEVICE,
	 .help = "only what concerns this network device"},
	{.name = "since-boot", .kind = OPT_FLAG, AT(session.since_boot),
	 .help = "what was lost since boot, by the counters, without sampling"},
	{.name = "all", .letter = 'a', .kind = OPT_FLAG, AT(all),
	 .help = "every cause that was examined, with the numbers that clear it"},
	{.name = "json", .letter = 'j', .kind = OPT_FLAG, AT(json), .help = "JSON on standard output"},
	{.name = "from", .kind = OPT_STRING, AT(session.from), .argument = "RECORDING",
	 .complete = COMPLETE_FILE, .help = "diagnose a recording: a folder, a tar file, or -"},
	{.name = "config", .kind = OPT_STRING, AT(session.config), .argument = "FILE",
	 .complete = COMPLETE_FILE, .help = "limits, ignored findings and thresholds; else " CONFIG_PATH},
	{.name = "limit", .kind = OPT_STRINGS, AT(session.limits), .argument = "NAME=VALUE",
	 .help = "a limit of this cloud instance: bandwidth=10Gbit, packets=1Mpps, connections=200k"},
	{.name = "max-sockets", .kind = OPT_UNSIGNED, AT(session.max_sockets), .argument = "N",
	 .min = 1, .max = UINT32_MAX,
	 .help = "read no more TCP connections than that, at each end of the interval"},
	{.name = "color", .kind = OPT_CHOICE, AT(color), .argument = "WHEN", .choices = color_choices,
	 .help = "colours and signs"},
	{.name = "ready-fd", .kind = OPT_UNSIGNED, AT(ready_fd), .argument = "N", .min = 0,
	 .max = 65535, .help = "write one byte to this descriptor once sampling has begun"},
};

const struct opt_table diagnose_options = {
	.command = "diagnose",
	.summary = "sample this host and name the causes of packet loss, worst first",
	.usage = "[OPTION...]",
	.examples = "  whydrop                      this namespace, 5 seconds\n"
		    "  whydrop -t 30 --netns all    every network namespace, 30 seconds\n"
		    "  whydrop --all                with every cause that was ruled out\n"
		    "  whydrop --json | jq .verdict\n",
	.footer = "Exit status: 0 healthy, 1 losing, at risk or loss elsewhere, 2 wrong usage,\n"
		  "3 a stage could not be examined and nothing was found.\n",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

/* Traced losses of namespaces nobody asked about. */
static void count_elsewhere(struct session *s, const struct diagnosis *d)
{
	VEC(uint32_t) seen = {0};

	if (s->drops.err)
		return;
	vec_each(drop, &s->drops.rows) {
		bool known = drop->netns == 0, examined = false;

		vec_each(o, &d->observations)
			examined |= o->inode == drop->netns;
		if (examined || drop_why_benign(drop))
			continue;
		s->report.elsewhere += drop->packets;
		vec_each(inode, &seen)
			known |= *inode == drop->netns;
		if (!known)
			*vec_push(&seen) = drop->netns;
	}
	vec_each(ledger, &d->ledgers)
		s->report.elsewhere -= MIN(s->report.elsewhere, ledger->unplaced);
	s->report.elsewhere_namespaces = (unsigned int)seen.n;
	vec_done(&seen);
}

static int print_json(const struct diagnosis *d, const struct report *r)
{
	json_t *tree = render_json(d, r);
	int failed = json_dumpf(tree, stdout, RENDER_JSON_FLAGS);

	json_decref(tree);
	putchar('\n');
	return failed;
}

static void print_text(const struct diagnosis *d, const struct report *r, const struct options *o)
{
	struct text_style style = text_style_of(STDOUT_FILENO, (enum color_mode)o->color);
	struct buf text = {0};

	style.all = o->all;
	render_text(d, r, &style, &text);
	fwrite(text.data, 1, text.len, stdout);
	buf_done(&text);
}

/* A recording holds what was sampled then: nothing of that can be chosen now. */
static const char *refused_with_from(const struct options *o)
{
	if (o->session.seconds > 0)
		return "--time";
	if (o->session.wait > 0)
		return "--wait";
	if (o->session.max_sockets)
		return "--max-sockets";
	if (o->session.netns)
		return "--netns";
	return o->session.since_boot ? "--since-boot" : NULL;
}

/* Nothing can be diagnosed: says why. */
static int refuse(struct options *o, struct buf *message)
{
	if (o->narrowing.refusal.data)
		complain("diagnose: %s", o->narrowing.refusal.data);
	else
		complain("%s", message->data);
	if (message)
		buf_done(message);
	narrowing_done(&o->narrowing);
	return EXIT_USAGE;
}

int cmd_diagnose(int argc, char **argv)
{
	struct options o = {.session = {.ready_fd = -1}, .ready_fd = UINT32_MAX};
	struct diagnosis d = {0};
	struct buf message = {0};
	struct session s;
	int status, operands;

	if (!opts_begin(&diagnose_options, argc, argv, &o, &operands, &status))
		return status;
	if (o.session.from && refused_with_from(&o)) {
		complain("diagnose: %s does not go with --from", refused_with_from(&o));
		return EXIT_USAGE;
	}
	if (o.session.wait > 0 && o.session.since_boot) {
		complain("diagnose: --wait does not go with --since-boot");
		return EXIT_USAGE;
	}
	if (o.session.seconds <= 0)
		o.session.seconds = SAMPLE_SECONDS;
	o.narrowing.live = !o.session.from;
	o.session.begun = o.narrowing.device ? narrowing_fits : NULL;
	o.session.begun_arg = &o.narrowing;
	if (!narrowing_begin(&o.narrowing))
		return refuse(&o, NULL);
	if (!o.session.netns && o.narrowing.netns[0])
		o.session.netns = o.narrowing.netns;
	if (o.ready_fd != UINT32_MAX)
		o.session.ready_fd = (int)o.ready_fd;
	o.session.progress = !o.json && isatty(STDERR_FILENO) && !o.session.from;
	if (session_run(&s, &o.session, &d, &message) < 0 || !narrowing_apply(&o.narrowing, &d))
		return refuse(&o, &message);
	diagnose(&d);
	add_rule_texts(&s, &d);
	count_elsewhere(&s, &d);
	if (o.json)
		print_json(&d, &s.report);
	else
		print_text(&d, &s.report, &o);
	status = verdict_exit_status(d.verdict);
	diagnosis_done(&d);
	session_done(&s);
	narrowing_done(&o.narrowing);
	vec_done(&o.session.limits.list);
	return status;
}
