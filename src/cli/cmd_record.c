// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/config.h"
#include "cli/host_sections.h"
#include "cli/rule_text.h"
#include "cli/session.h"
#include "scrub/scrub.h"

#define SAMPLE_SECONDS 5

struct options {
	struct session_options session;
	bool scrub;
};

#define AT(field) .offset = offsetof(struct options, field)
static const struct opt rows[] = {
	{.name = "time", .letter = 't', .kind = OPT_DURATION, AT(session.seconds),
	 .argument = "SECONDS", .min = 0.2, .max = 3600,
	 .help = "how long to sample (0.2 to 3600; default 5)"},
	{.name = "netns", .letter = 'n', .kind = OPT_STRING, AT(session.netns),
	 .argument = "NAME|PID|all", .complete = COMPLETE_NETNS,
	 .help = "the network namespace of that name or process, or every one"},
	{.name = "scrub", .kind = OPT_FLAG, AT(scrub),
	 .help = "replace addresses and names by others; the findings stay the same"},
	{.name = "from", .kind = OPT_STRING, AT(session.from), .argument = "RECORDING",
	 .complete = COMPLETE_FILE,
	 .help = "copy a recording that was made before instead of sampling"},
	{.name = "config", .kind = OPT_STRING, AT(session.config), .argument = "FILE",
	 .complete = COMPLETE_FILE, .help = "limits, ignored findings and thresholds; else " CONFIG_PATH},
	{.name = "limit", .kind = OPT_STRINGS, AT(session.limits), .argument = "NAME=VALUE",
	 .help = "a limit of this cloud instance: bandwidth=10Gbit, packets=1Mpps, connections=200k"},
	{.name = "ready-fd", .kind = OPT_UNSIGNED, AT(session.ready_fd), .argument = "N", .min = 0,
	 .max = 65535, .help = "write one byte to this descriptor once sampling has begun"},
};

const struct opt_table record_options = {
	.command = "record",
	.summary = "keep what a diagnosis reads, to be diagnosed elsewhere with --from",
	.usage = "[OPTION...] DIR|-",
	.examples = "  whydrop record /tmp/sick         a new folder\n"
		    "  whydrop record - > sick.tar      a tar file\n"
		    "  whydrop diagnose --from sick.tar\n"
		    "  whydrop record --scrub - > clean.tar                  to be shown to others\n"
		    "  whydrop record --from sick.tar --scrub - > clean.tar  the same, afterwards\n",
	.operands_max = 1,
	.complete = COMPLETE_FILE,
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

/* Makes the folder before the sampling: a wrong one is not told after an hour. */
static int make_folder(const char *path, bool *ret_made)
{
	const struct dirent *e;
	bool empty = true;
	DIR *dir;

	if (mkdir(path, 0700) == 0) {
		*ret_made = true;
		return 0;
	}
	if (errno != EEXIST)
		return -errno;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			empty = false;
	closedir(dir);
	if (!empty)
		return -EEXIST;
	return access(path, W_OK) < 0 ? -errno : 0;
}

static void cannot_write(const char *path, int err)
{
	if (err == -EEXIST)
		complain("record: '%s' is not empty; give a new folder", path);
	else
		complain("record: cannot write '%s': %s", path, strerror(-err));
}

static int save(const struct session *s, const struct options *o, const char *path)
{
	int r;

	recording_seal(s->recording);
	r = o->scrub ? recording_scrub(s->recording) : 0;
	if (r < 0) {
		complain("record: no random numbers to scrub with: %s", strerror(-r));
		return r;
	}
	r = recording_save(s->recording, path);
	if (r < 0)
		cannot_write(path, r);
	return r;
}

/* What `whydrop host` would read, too: a recording shows the machine as well. */
struct picture {
	struct session *session;
	struct host_facts facts;
};

static bool begin_picture(const struct diagnosis *d, void *arg)
{
	struct picture *p = arg;

	host_sections_collect(UINT64_MAX, true, &p->session->hosts[0], &p->facts);
	return true;
}

static void end_picture(struct picture *p)
{
	host_sections_collect(UINT64_MAX, false, &p->session->hosts[0], &p->facts);
	host_facts_done(&p->facts);
}

static const char *refused_with_from(const struct session_options *o)
{
	if (o->seconds > 0)
		return "--time";
	if (o->netns)
		return "--netns";
	if (o->config)
		return "--config";
	return o->limits.list.n ? "--limit" : NULL;
}

int cmd_record(int argc, char **argv)
{
	struct options o = {.session = {.ready_fd = -1, .keep = true}};
	struct diagnosis d = {0};
	struct buf message = {0};
	struct session s;
	struct picture picture = {.session = &s};
	bool to_stdout, made = false;
	int status, operands, r;

	if (!opts_begin(&record_options, argc, argv, &o, &operands, &status))
		return status;
	if (operands != 1) {
		complain("record: where to? Give a new folder, or - for standard output");
		return EXIT_USAGE;
	}
	/* What was sampled then cannot be chosen now. */
	if (o.session.from && refused_with_from(&o.session)) {
		complain("record: %s does not go with --from", refused_with_from(&o.session));
		return EXIT_USAGE;
	}
	if (o.session.seconds <= 0)
		o.session.seconds = SAMPLE_SECONDS;
	to_stdout = strcmp(argv[1], "-") == 0;
	if (to_stdout && isatty(STDOUT_FILENO)) {
		complain("record: a recording is not for a terminal; redirect it to a file");
		return EXIT_USAGE;
	}
	r = to_stdout ? 0 : make_folder(argv[1], &made);
	if (r < 0) {
		cannot_write(argv[1], r);
		return EXIT_USAGE;
	}
	o.session.begun = begin_picture;
	o.session.begun_arg = &picture;
	o.session.progress = isatty(STDERR_FILENO) && !o.session.from;
	if (session_run(&s, &o.session, &d, &message) < 0) {
		complain("%s", message.data);
		buf_done(&message);
		if (made)
			rmdir(argv[1]);
		return EXIT_USAGE;
	}
	if (!o.session.from) {
		diagnose(&d);
		add_rule_texts(&s, &d);
		end_picture(&picture);
	}
	r = save(&s, &o, argv[1]);
	if (r == 0 && !to_stdout)
		fprintf(stderr, "recorded %.1f s in %s; whydrop diagnose --from %s\n",
			d.observations.items[0].seconds, argv[1], argv[1]);
	diagnosis_done(&d);
	session_done(&s);
	vec_done(&o.session.limits.list);
	return r < 0 ? EXIT_USAGE : 0;
}
