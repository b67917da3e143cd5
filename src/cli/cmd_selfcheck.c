// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What this kernel and these privileges let whydrop see, by trying: every source is read once, the
 * drop tracer is loaded on each rung. What stays invisible is told with what would unlock it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/privileges.h"
#include "cli/rungs.h"
#include "collect/collect.h"
#include "collect/netns.h"
#include "drops/tcp_lines.h"
#include "render/out.h"
#include "render/render.h"

struct options {
	bool json;
	const char *netns;
	int color;
};

static const char *const color_choices[] = {"auto", "always", "never", NULL};

#define AT(field) .offset = offsetof(struct options, field)
static const struct opt rows[] = {
	{.name = "netns",
	 .letter = 'n',
	 .kind = OPT_STRING,
	 AT(netns),
	 .argument = "NAME|PID",
	 .complete = COMPLETE_NETNS,
	 .help = "look from this network namespace"},
	{.name = "json",
	 .letter = 'j',
	 .kind = OPT_FLAG,
	 AT(json),
	 .help = "JSON on standard output"},
	{.name = "color",
	 .kind = OPT_CHOICE,
	 AT(color),
	 .argument = "WHEN",
	 .choices = color_choices,
	 .help = "colours and signs"},
};

const struct opt_table selfcheck_options = {
	.command = "selfcheck",
	.summary = "what can be seen here, what stays invisible, and what unlocks it",
	.examples = "  whydrop selfcheck\n  sudo whydrop selfcheck --netns web\n",
	.footer = "Exit status: 0 every cause can be examined, 3 some cannot, 2 wrong usage.\n",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

/* What no privilege unlocks; each was tried (see the head comments of the collectors). */
static const char *const blind_spots[] = {
	"accept and SYN queue drops make no drop event: their counters are the only witness",
	("packets lost inside the network card or its rings never become packets of the kernel: "
	 "their counters are the only witness; native XDP is not examined yet"),
	("what a capture loses that reads from a ring (libpcap) is counted where only it can read: "
	 "it says so itself at its end"),
	"nftables rules without a counter are told by what they match, not by a number",
	"a cloud provider's limits, unless its card counts what is over them or whydrop.conf states "
	"them",
};

struct check {
	struct netns ns;
	struct host host;
	struct snapshot snapshot;
	struct utsname kernel;
	struct privileges privileges;
	struct rungs rungs;
	const struct rung_row *rung; /* of diagnose */
	int drops_err;		     /* why that one is without events; 0: it has them */
	int tcp_err;		     /* likewise, of TCP's own */
};

static int run(struct check *c, const struct options *o)
{
	struct tcp_tracer *tcp = NULL;
	int r = netns_open(o->netns, &c->ns);

	if (r < 0) {
		complain("cannot open network namespace '%s': %s", o->netns ? o->netns : "self",
			 strerror(-r));
		return r;
	}
	c->host = (struct host){.ns = &c->ns, .phase = "b"};
	uname(&c->kernel);
	privileges_read(&c->privileges);
	rungs_try(&c->rungs, &c->privileges);
	c->rung = rungs_of_diagnose(&c->rungs);
	c->drops_err = c->rung == &rung_rows[rung_rows_n - 1] ? c->rungs.err[0] : 0;
	c->tcp_err = tcp_tracer_open(NULL, TCP_STATES_ALL, 0, &tcp);
	tcp_tracer_close(tcp);
	collect_snapshot(&c->host, SOURCE_BIT(SOURCE_N) - 1, &c->snapshot);
	return 0;
}

static struct source_state state_of(const struct check *c, enum source source)
{
	int err = source == SRC_DROPS ? c->drops_err : c->tcp_err;

	if (source != SRC_DROPS && source != SRC_TCP_EVENTS)
		return c->snapshot.source[source];
	return (struct source_state){.status = err ? SOURCE_ABSENT : SOURCE_OK, .err = err};
}

/*
 * /proc can be read by all, but whose socket it is stands in /proc/PID/fd, which is open to the
 * same user and to these two capabilities only.
 */
static bool only_own_processes(const struct check *c)
{
	return c->privileges.known && !(privileges_hold(&c->privileges, CAP_SYS_PTRACE) &&
					privileges_hold(&c->privileges, CAP_DAC_READ_SEARCH));
}

static bool there(const struct check *c, enum source source)
{
	return state_of(c, source).status != SOURCE_ABSENT;
}

/* The source that keeps a cause from being examined; SOURCE_N if it can be. */
static enum source missing(const struct check *c, const struct cause_row *row)
{
	enum source any = SOURCE_N;

	for (int s = 0; s < SOURCE_N; s++)
		if (row->needs_all & SOURCE_BIT(s) && !there(c, (enum source)s))
			return (enum source)s;
	for (int s = 0; s < SOURCE_N; s++) {
		if (!(row->needs_any & SOURCE_BIT(s)))
			continue;
		if (there(c, (enum source)s))
			return SOURCE_N;
		any = any == SOURCE_N ? (enum source)s : any;
	}
	return any;
}

static size_t blocked_causes(const struct check *c)
{
	size_t n = 0;

	for (size_t i = 0; i < cause_rows_n; i++)
		n += missing(c, &cause_rows[i]) != SOURCE_N;
	return n;
}

/* ---- text ---- */

#define SOURCE_INDENT 36
#define RUNG_INDENT 25

static void source_text(const struct check *c, struct out *out, enum source source)
{
	static const char *const words[] = {
		[SOURCE_ABSENT] = "no", [SOURCE_OK] = "yes", [SOURCE_UNUSED] = "-"};
	static const enum tint tints[] = {
		[SOURCE_ABSENT] = TINT_RED, [SOURCE_OK] = TINT_GREEN, [SOURCE_UNUSED] = TINT_DIM};
	const struct source_row *row = &source_rows[source];
	struct source_state state = state_of(c, source);
	bool part = source == SRC_PROCESS && state.status == SOURCE_OK && only_own_processes(c);
	struct buf line = {0};

	out_tinted(out, part ? TINT_YELLOW : tints[state.status], "  %-5s",
		   part ? "part" : words[state.status]);
	out_printf(out, "%-28s ", row->name);
	buf_puts(&line, row->loses);
	if (part)
		buf_puts(&line, ": only this user's own");
	if (state.status == SOURCE_UNUSED)
		buf_puts(&line, "; not in use here, so nothing is lost there");
	if (state.status == SOURCE_OK && source == SRC_DROPS)
		buf_printf(&line, ", by %s", c->rung->name);
	if (state.status == SOURCE_ABSENT)
		buf_printf(&line, ": %s", state.err ? read_error_text(state.err) : "not read");
	out_wrap(out, SOURCE_INDENT, SOURCE_INDENT, line.data);
	if ((part || state.status == SOURCE_ABSENT) && *row->unlock)
		out_labelled(out, SOURCE_INDENT, 8, "unlock:", row->unlock);
	buf_done(&line);
}

static void causes_text(const struct check *c, struct out *out)
{
	size_t blocked = blocked_causes(c);

	out_printf(out, "\nCauses: %zu of %zu can be examined\n", cause_rows_n - blocked,
		   cause_rows_n);
	for (size_t i = 0; i < cause_rows_n; i++) {
		enum source source = missing(c, &cause_rows[i]);

		if (source != SOURCE_N)
			out_printf(out, "  not %-21s without %s\n", cause_rows[i].id,
				   source_rows[source].name);
	}
}

static bool lacks(const struct check *c, const struct capability_row *row)
{
	return c->privileges.known && !privileges_hold(&c->privileges, row->bit);
}

static void privileges_words(const struct check *c, struct buf *line)
{
	bool first = true;

	buf_puts(line, geteuid() == 0 ? ", as root" : ", not as root");
	for (size_t i = 0; i < capability_rows_n; i++) {
		if (!lacks(c, &capability_rows[i]))
			continue;
		buf_printf(line, "%s%s", first ? "; without " : ", ", capability_rows[i].name);
		first = false;
	}
}

static void rungs_text(const struct check *c, struct out *out)
{
	buf_puts(out->buf, "\nDrop events: the ladder of whydrop watch, best first\n");
	for (size_t i = 0; i < rung_rows_n; i++) {
		const struct rung_row *row = &rung_rows[i];
		int err = c->rungs.err[i];
		struct buf line = {0};

		out_tinted(out, err ? TINT_RED : TINT_GREEN, "  %-5s", err ? "no" : "yes");
		out_printf(out, "%-17s ", row->name);
		buf_printf(&line, "%s%s", row->how,
			   row == rungs_best(&c->rungs) ? ": the one in use" : "");
		out_wrap(out, RUNG_INDENT, RUNG_INDENT, line.data);
		buf_clear(&line);
		if (err) {
			rung_why_not(row, err, &line);
			out_labelled(out, RUNG_INDENT, 8, "not:", line.data);
		} else {
			out_labelled(out, RUNG_INDENT, 8, "hides:", *row->hides ? row->hides : "nothing");
		}
		buf_done(&line);
	}
	if (rungs_best(&c->rungs) != c->rung)
		out_wrap(out, 0, 0,
			 "whydrop diagnose does without net_dm, which is turned on for the whole host.");
}

/* One command for those that are of no use alone. */
static void missing_text(const struct check *c, struct out *out)
{
	bool any = false;

	for (size_t i = 0; i < capability_rows_n; i++) {
		const struct capability_row *row = &capability_rows[i];
		struct buf command = {0};

		if (!lacks(c, row))
			continue;
		if (!any)
			buf_puts(out->buf, "\nMissing privileges, and what each costs\n");
		any = true;
		out_printf(out, "  %-21s ", row->name);
		out_wrap(out, 24, 24, row->costs);
		if (i + 1 < capability_rows_n && lacks(c, row + 1) &&
		    strcmp(row->words, row[1].words) == 0)
			continue;
		privileges_unlock(row, &command);
		out_verbatim(out, 6, command.data);
		buf_done(&command);
	}
}

static void print_text(const struct check *c, const struct text_style *style)
{
	struct buf text = {0}, line = {0};
	struct out out = {.buf = &text, .style = style};

	buf_printf(&line, "Linux %s", c->kernel.release);
	privileges_words(c, &line);
	out_wrap(&out, 0, 2, line.data);
	buf_puts(&text, "\nSources\n");
	for (int s = 0; s < SOURCE_N; s++)
		source_text(c, &out, (enum source)s);
	rungs_text(c, &out);
	missing_text(c, &out);
	causes_text(c, &out);
	buf_puts(&text, "\nInvisible whatever the privileges\n");
	for (size_t i = 0; i < ARRAY_SIZE(blind_spots); i++) {
		buf_puts(&text, "  ");
		out_wrap(&out, 2, 4, blind_spots[i]);
	}
	buf_puts(&text, "\nReading sockets may make the kernel load tcp_diag and udp_diag; nothing "
			"else is\nloaded or changed.\n");
	fwrite(text.data, 1, text.len, stdout);
	buf_done(&text);
	buf_done(&line);
}

/* ---- JSON, schema whydrop.selfcheck/1 ---- */

static json_t *sources_json(const struct check *c)
{
	static const char *const words[] = {
		[SOURCE_ABSENT] = "absent", [SOURCE_OK] = "ok", [SOURCE_UNUSED] = "unused"};
	json_t *list = json_array();

	for (int s = 0; s < SOURCE_N; s++) {
		const struct source_row *row = &source_rows[s];
		struct source_state state = state_of(c, (enum source)s);
		bool absent = state.status == SOURCE_ABSENT;
		bool part = s == SRC_PROCESS && !absent && only_own_processes(c);

		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "source", row->name, "status",
				  part ? "part" : words[state.status], "shows", row->loses, "errno",
				  absent && state.err ? errno_name(state.err) : NULL, "unlock",
				  (absent || part) && *row->unlock ? row->unlock : NULL));
	}
	return list;
}

static json_t *causes_json(const struct check *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < cause_rows_n; i++) {
		enum source source = missing(c, &cause_rows[i]);
		bool can = source == SOURCE_N;

		json_array_append_new(list, json_pack("{s:s, s:b, s:s?}", "cause", cause_rows[i].id,
						      "examined", can, "missing",
						      can ? NULL : source_rows[source].name));
	}
	return list;
}

static json_t *rungs_json(const struct check *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rung_rows_n; i++) {
		const struct rung_row *row = &rung_rows[i];
		int err = c->rungs.err[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:b, s:s?, s:s, s:s, s:s}", "rung", row->name,
						"available", err == 0, "errno",
						err ? errno_name(err) : NULL, "how", row->how,
						"needs", row->needs, "hides", row->hides));
	}
	return list;
}

static json_t *missing_json(const struct check *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < capability_rows_n; i++) {
		struct buf command = {0};

		if (!lacks(c, &capability_rows[i]))
			continue;
		privileges_unlock(&capability_rows[i], &command);
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "capability",
						      capability_rows[i].name, "costs",
						      capability_rows[i].costs, "unlock",
						      command.data));
		buf_done(&command);
	}
	return list;
}

static void print_json(const struct check *c)
{
	json_t *tree, *held = json_array(), *blind = json_array();

	for (size_t i = 0; c->privileges.known && i < capability_rows_n; i++)
		if (privileges_hold(&c->privileges, capability_rows[i].bit))
			json_array_append_new(held, json_string(capability_rows[i].name));
	for (size_t i = 0; i < ARRAY_SIZE(blind_spots); i++)
		json_array_append_new(blind, json_string(blind_spots[i]));
	tree = json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:s?, s:s, s:o, s:o, s:o, s:o}", "schema",
			 "whydrop.selfcheck/1", "version", WHYDROP_VERSION, "kernel",
			 c->kernel.release, "root", geteuid() == 0, "capabilities", held,
			 "missing_capabilities", missing_json(c), "tracing",
			 c->drops_err ? NULL : c->rung->name, "watching",
			 rungs_best(&c->rungs)->name, "rungs", rungs_json(c), "sources",
			 sources_json(c), "causes", causes_json(c), "invisible", blind);
	json_dumpf(tree, stdout, RENDER_JSON_FLAGS);
	putchar('\n');
	json_decref(tree);
}

int cmd_selfcheck(int argc, char **argv)
{
	struct options o = {0};
	struct check c = {.ns = {.fd = -1}};
	struct text_style style;
	int status, operands;

	if (!opts_begin(&selfcheck_options, argc, argv, &o, &operands, &status))
		return status;
	if (run(&c, &o) < 0)
		return EXIT_USAGE;
	style = text_style_of(STDOUT_FILENO, (enum color_mode)o.color);
	if (o.json)
		print_json(&c);
	else
		print_text(&c, &style);
	status = blocked_causes(&c) ? 3 : 0;
	snapshot_done(&c.snapshot);
	cleanup_fd(&c.ns.fd);
	return status;
}
