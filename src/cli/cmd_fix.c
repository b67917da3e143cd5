// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/config.h"
#include "cli/fix.h"
#include "cli/rule_text.h"

#define SAMPLE_SECONDS 5
#define IDS_MAX 32

static const char *const color_choices[] = {"auto", "always", "never", NULL};
#define AT(field) .offset = offsetof(struct fix_options, field)
static const struct opt rows[] = {
	{.name = "apply", .kind = OPT_FLAG, AT(apply),
	 .help = "do it; asks first on a terminal, wants --yes elsewhere"},
	{.name = "yes", .letter = 'y', .kind = OPT_FLAG, AT(yes), .help = "do not ask"},
	{.name = "for", .kind = OPT_DURATION, AT(undo_after), .argument = "DURATION", .min = 1,
	 .max = 86400, .help = "undo it after so long (10m) unless it is confirmed with --confirm"},
	{.name = "confirm", .kind = OPT_FLAG, AT(confirm), .help = "keep what --for would undo"},
	{.name = "persist", .kind = OPT_FLAG, AT(persist),
	 .help = "also keep sysctls over a boot, in " FIX_SYSCTL_FILE},
	{.name = "allow-link-reset", .kind = OPT_FLAG, AT(allow_link_reset),
	 .help = "also what stops a device for a moment"},
	{.name = "keep", .kind = OPT_FLAG, AT(keep),
	 .help = "where a change is refused, keep those made before it; else they are undone"},
	{.name = "set", .kind = OPT_STRINGS, AT(set), .argument = "KEY=VALUE",
	 .help = "a sysctl of your own choice in place of the cause's remedies"},
	{.name = "verify", .kind = OPT_FLAG, AT(verify),
	 .help = "sample again: did the loss stop that the last --apply was for?"},
	{.name = "rollback", .kind = OPT_FLAG, AT(rollback),
	 .help = "bring back the old values: of a number of --list, a cause, a remedy, or all"},
	{.name = "list", .letter = 'l', .kind = OPT_FLAG, AT(list),
	 .help = "what was changed, and what stands there now"},
	{.name = "journal", .kind = OPT_STRING, AT(journal), .argument = "FILE",
	 .complete = COMPLETE_FILE, .help = "where it is written down; else " JOURNAL_PATH},
	{.name = "time", .letter = 't', .kind = OPT_DURATION, AT(session.seconds),
	 .argument = "SECONDS", .min = OBSERVATION_MIN_SECONDS, .max = 3600,
	 .help = "how long to sample (0.2 to 3600; default 5)"},
	{.name = "netns", .letter = 'n', .kind = OPT_STRING, AT(session.netns),
	 .argument = "NAME|PID|all", .complete = COMPLETE_NETNS,
	 .help = "the network namespace of that name or process, or every one"},
	{.name = "json", .letter = 'j', .kind = OPT_FLAG, AT(json), .help = "JSON on standard output"},
	{.name = "config", .kind = OPT_STRING, AT(session.config), .argument = "FILE",
	 .complete = COMPLETE_FILE, .help = "limits, ignored findings and thresholds; else " CONFIG_PATH},
	{.name = "limit", .kind = OPT_STRINGS, AT(session.limits), .argument = "NAME=VALUE",
	 .help = "a limit of this cloud instance, as in diagnose"},
	{.name = "color", .kind = OPT_CHOICE, AT(color), .argument = "WHEN", .choices = color_choices,
	 .help = "colours and signs"},
	{.name = "ready-fd", .kind = OPT_UNSIGNED, AT(ready_fd), .argument = "N", .min = 0,
	 .max = 65535, .help = "write one byte to this descriptor once sampling has begun"},
	{.name = "expire-run", .kind = OPT_UNSIGNED, AT(expire_run), .argument = "N", .min = 1,
	 .max = UINT32_MAX, .help = "the switch of --for", .hidden = true},
};

const struct opt_table fix_options = {
	.command = "fix",
	.summary = "change what the findings call for, check that it helped, take it back",
	.usage = "[OPTION...] [ID...]",
	.examples = "  whydrop fix                            what would be changed, and nothing is\n"
		    "  whydrop fix listen-overflow --apply    for this cause (or a remedy), after a question\n"
		    "  whydrop fix --apply --yes --for 10m    undone in 10 minutes unless ...\n"
		    "  whydrop fix --confirm                  ... it is confirmed\n"
		    "  whydrop fix --verify                   did the loss stop?\n"
		    "  whydrop fix --rollback all\n",
	.footer = "Exit status: 0 nothing to fix, applied, stopped or restored; 1 something to fix,\n"
		  "refused half way, not stopped or not restored; 2 wrong usage, no journal;\n"
		  "3 nothing to apply, or not comparable.\n",
	.operands_max = IDS_MAX,
	.complete = COMPLETE_NAME,
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

int fix_sample(struct fix *f)
{
	struct buf message = {0};

	if (session_run(&f->session, &f->o->session, &f->d, &message) < 0) {
		complain("%s", message.data);
		buf_done(&message);
		return EXIT_USAGE;
	}
	diagnose(&f->d);
	add_rule_texts(&f->session, &f->d);
	return 0;
}

void fix_done(struct fix *f)
{
	plan_done(&f->plan);
	vec_done(&f->offers);
	vec_each(place, &f->places) {
		place_done(*place);
		free(*place);
	}
	vec_done(&f->places);
	diagnosis_done(&f->d);
	session_done(&f->session);
}

static const char *wrong_together(const struct fix_options *o)
{
	int ways = o->apply + o->verify + o->rollback + o->list + o->confirm;

	if (ways > 1)
		return "one of --apply, --verify, --rollback, --list and --confirm";
	if (!o->apply && (o->undo_after > 0 || o->persist || o->keep))
		return "--for, --persist and --keep go with --apply";
	if (o->json && (o->rollback || o->list || o->confirm))
		return "--json goes with a dry run, --apply and --verify";
	if (o->rollback && !o->ids_n)
		return "--rollback wants a number of --list, a cause, a remedy, or all";
	if (o->set.list.n && (o->ids_n != 1 || o->rollback || o->verify))
		return "--set goes with one cause, which it is for";
	if (o->persist && o->undo_after > 0)
		return "--persist does not go with --for: confirm it first, then persist it";
	/* Asked before the sampling, not after it. */
	if (o->apply && !o->yes && !isatty(STDIN_FILENO))
		return "--apply wants --yes where nobody can be asked";
	return NULL;
}

/* Of the findings of a sample. */
static int with_sample(const struct fix_options *o)
{
	struct fix f = {.o = o};
	int status = fix_sample(&f);

	if (status)
		return status;
	if (o->verify)
		status = fix_verify(&f);
	else if (!fix_plan(&f))
		status = EXIT_USAGE;
	else if (o->apply)
		status = fix_apply(&f);
	else if (o->json)
		fix_show_json(&f, NULL, 0), status = f.plan.list.n > 0;
	else
		fix_show(&f), status = f.plan.list.n > 0;
	fix_done(&f);
	return status;
}

int cmd_fix(int argc, char **argv)
{
	struct fix_options o = {.session = {.ready_fd = -1},
				.ready_fd = UINT32_MAX,
				.journal = JOURNAL_PATH};
	cleanup(cleanup_free) char *netns = NULL;
	struct journal early;
	int status;

	if (!opts_begin(&fix_options, argc, argv, &o, &o.ids_n, &status))
		return status;
	o.ids = argv + 1;
	if (o.expire_run)
		return fix_expire(&o);
	if (wrong_together(&o)) {
		complain("fix: %s", wrong_together(&o));
		return EXIT_USAGE;
	}
	if (o.rollback)
		return fix_rollback(&o);
	if (o.list)
		return fix_list(&o);
	if (o.confirm)
		return fix_confirm(&o);
	/* A journal that cannot be written is told before the sampling, not after it. */
	if (o.apply || o.verify) {
		if (!fix_journal(&o, o.apply, &early))
			return EXIT_USAGE;
		if (o.verify && !o.session.netns)
			o.session.netns = netns = fix_netns_to_verify(&o, &early);
		journal_done(&early);
	}
	if (o.session.seconds <= 0)
		o.session.seconds = SAMPLE_SECONDS;
	if (o.ready_fd != UINT32_MAX)
		o.session.ready_fd = (int)o.ready_fd;
	o.session.progress = !o.json && isatty(STDERR_FILENO);
	status = with_sample(&o);
	vec_done(&o.session.limits.list);
	vec_done(&o.set.list);
	return status;
}
