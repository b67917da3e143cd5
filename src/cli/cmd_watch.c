// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/config.h"
#include "cli/rule_text.h"
#include "cli/rungs.h"
#include "cli/screen.h"
#include "cli/session_parts.h"
#include "cli/session_watch.h"
#include "cli/watch_asked.h"
#include "cli/watch_packets.h"
#include "collect/netns_device.h"
#include "render/watch.h"

#define INTERVAL_SECONDS 1
#define DRAIN_NS (100 * NSEC_PER_MSEC) /* packets told one by one wait in the kernel so long */

struct options {
	struct session_options session;
	struct watch_asked asked;
	struct packets_asked packets;
	double duration; /* 0: until ctrl-C */
	bool json, all;
	unsigned int ready_fd;
	int color, rung;
};

static const char *const color_choices[] = {"auto", "always", "never", NULL};
static const char *const rung_choices[] = {"best",
#define R(name_, ...) #name_,
#include "model/rungs.def"
#undef R
					   NULL};
enum {
	RUNG_BEST,
#define R(name_, ...) RUNG_##name_,
#include "model/rungs.def"
#undef R
};

#define AT(field) .offset = offsetof(struct options, field)
static const struct opt rows[] = {
	{.name = "interval", .letter = 'i', .kind = OPT_DURATION, AT(session.seconds),
	 .argument = "SECONDS", .min = OBSERVATION_MIN_SECONDS, .max = 3600,
	 .help = "how often to tell (0.2 to 3600; default 1)"},
	{.name = "time", .letter = 't', .kind = OPT_DURATION, AT(duration), .argument = "DURATION",
	 .min = OBSERVATION_MIN_SECONDS, .max = 31536000,
	 .help = "for so long (30s, 10m); without it until ctrl-C"},
	{.name = "netns", .letter = 'n', .kind = OPT_STRING, AT(session.netns),
	 .argument = "NAME|PID|all", .complete = COMPLETE_NETNS,
	 .help = "the network namespace of that name or process, or every one there is now"},
	{.name = "device", .letter = 'd', .kind = OPT_STRING, AT(asked.device),
	 .argument = "DEVICE", .complete = COMPLETE_DEVICE, .help = "only what was lost at this network device"},
	{.name = "reason", .kind = OPT_STRING, AT(asked.reason), .argument = "REASON",
	 .help = "only drops with this reason of the kernel's (NO_SOCKET)"},
	{.name = "cause", .kind = OPT_STRING, AT(asked.cause), .argument = "CAUSE",
	 .help = "only losses with this cause (udp-rcvbuf-full)"},
	{.name = "pid", .letter = 'p', .kind = OPT_UNSIGNED, AT(asked.pid), .argument = "PID",
	 .min = 1, .max = 4194304, .help = "only what the sockets of this process lose"},
	{.name = "events", .letter = 'e', .kind = OPT_FLAG, AT(packets.events),
	 .help = "a line for each packet in place of the table, as many as the kernel tells of"},
	{.name = "stack", .kind = OPT_FLAG, AT(packets.stack),
	 .help = "with --events: the kernel's functions on the way to the drop"},
	{.name = "count", .letter = 'c', .kind = OPT_UNSIGNED, AT(packets.count), .argument = "N",
	 .min = 1, .max = UINT32_MAX, .help = "with --events or --write: end after so many packets"},
	{.name = "write", .letter = 'w', .kind = OPT_STRING, AT(packets.path), .argument = "FILE",
	 .complete = COMPLETE_FILE, .help = "the packets to a pcapng file, - for standard output"},
	{.name = "all", .letter = 'a', .kind = OPT_FLAG, AT(all),
	 .help = "also what the kernel freed and was no loss, line by line"},
	{.name = "json", .letter = 'j', .kind = OPT_FLAG, AT(json),
	 .help = "JSON on standard output, one line for each interval"},
	{.name = "rung", .kind = OPT_CHOICE, AT(rung), .argument = "HOW", .choices = rung_choices,
	 .help = "how to trace drops; the best that this kernel allows if not given"},
	{.name = "config", .kind = OPT_STRING, AT(session.config), .argument = "FILE",
	 .complete = COMPLETE_FILE, .help = "limits, ignored findings and thresholds; else " CONFIG_PATH},
	{.name = "color", .kind = OPT_CHOICE, AT(color), .argument = "WHEN", .choices = color_choices,
	 .help = "colours and signs"},
	{.name = "ready-fd", .kind = OPT_UNSIGNED, AT(ready_fd), .argument = "N", .min = 0,
	 .max = 65535, .hidden = true, .help = "write one byte to this descriptor once drops are counted"},
};

const struct opt_table watch_options = {
	.command = "watch",
	.summary = "drops as they happen, each with its cause, and whose packets they are",
	.usage = "[OPTION...] [FILTER]",
	.examples = "  whydrop watch                    this namespace, until ctrl-C\n"
		    "  whydrop watch 'udp port 53'      a filter as tcpdump knows them\n"
		    "  whydrop watch --events -c 10     ten packets, a line each\n"
		    "  whydrop watch -w drops.pcapng    the packets for Wireshark, why in their comments\n"
		    "  whydrop watch -n all -t 10m --json | jq .interval.lost\n",
	.footer = "FILTER is in the language of pcap-filter(7), and sees packets from the IP header on.\n"
		  "Exit status: 0 ended as asked (ctrl-C too), 2 wrong usage, 3 nothing can be watched.\n",
	.operands_max = 1,
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

struct run {
	struct options *o;
	struct session s;
	struct session_watch session;
	struct diagnosis d;
	struct watch watch;
	struct watch_packets packets;
	struct netns_devices devices; /* for a rung that does not tell namespaces */
	struct watch_tcp tcp;
	int64_t end_ns; /* CLOCK_MONOTONIC; 0: none */

	bool live;     /* a table redrawn in place */
	bool paused;   /* it rests; counting goes on */
	size_t scroll; /* its first row */
};

static struct watch_view view_of(const struct run *r)
{
	return (struct watch_view){
		.w = &r->watch,
		.tcp = &r->tcp,
		.d = &r->d,
		.r = &r->s.report,
		.rung = r->session.tracer ? drop_tracer_rung(r->session.tracer) : NULL,
		.untraced = r->session.opened,
		.asked_seconds = r->o->session.seconds,
		.all = r->o->all,
	};
}

/* ---- output ---- */

static void print_json(json_t *tree)
{
	json_dumpf(tree, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
	json_decref(tree);
	putchar('\n');
}

static void print_text(const struct run *r, const struct watch_view *v)
{
	struct text_style style = text_style_of(STDOUT_FILENO, (enum color_mode)r->o->color);
	struct buf text = {0};
	struct grid grid;

	grid_init(&grid, OUT_COLUMNS);
	render_watch(v, &grid);
	grid_text(&grid, &style, &text);
	fwrite(text.data, 1, text.len, stdout);
	buf_done(&text);
	grid_done(&grid);
}

/* Once it is printed drops are counted: whoever waits for this line misses none. */
static void tell_ready(struct run *r)
{
	struct watch_view v = view_of(r);
	bool why_not = !v.rung && r->o->rung == RUNG_BEST;

	if (r->o->json && !packets_take_stdout(&r->o->packets))
		print_json(render_watch_ready_json(&v));
	else
		fprintf(stderr, "watching %s (%s%s%s)\n",
			r->s.report.all_netns ? "every namespace" : "one namespace",
			v.rung ? v.rung : "counters only", why_not ? ", no drop events: " : "",
			why_not ? errno_name(v.untraced) : "");
	fflush(stdout);
	if (r->o->ready_fd != UINT32_MAX && write((int)r->o->ready_fd, "r", 1) != 1)
		close((int)r->o->ready_fd);
}

static void draw(struct run *r)
{
	struct watch_view v = view_of(r);
	struct buf status = {0};
	struct grid grid;

	v.live = true;
	grid_init(&grid, screen_columns());
	render_watch(&v, &grid);
	r->scroll = MIN(r->scroll, grid.rows > screen_rows() ? grid.rows - screen_rows() : 0);
	buf_printf(&status, "q:quit a:%s space:%s", r->o->all ? "losses" : "all",
		   r->paused ? "go-on (paused)" : "pause");
	if (grid.rows > screen_rows())
		buf_printf(&status, " up/down:%zu rows more", grid.rows - screen_rows());
	if (r->packets.file.err)
		buf_printf(&status, " -w:%s", errno_name(r->packets.file.err));
	screen_draw(&grid, r->scroll, status.data);
	buf_done(&status);
	grid_done(&grid);
}

static void print_summary_json(const struct run *r, const struct watch_view *v)
{
	json_t *tree = render_watch_json(v);

	if (packets_wanted(&r->o->packets))
		json_object_set_new(json_object_get(tree, "summary"), "packets",
				    watch_packets_json(&r->packets));
	print_json(tree);
}

/* What TCP tells is counted by the kernel, not told segment by segment: once in an interval. */
static void print_tcp_events(const struct run *r, const struct watch_view *v)
{
	struct buf text = {0};
	json_t *tree;

	if (r->o->json) {
		tree = render_watch_tcp_events_json(v);
		if (tree)
			print_json(tree);
		return;
	}
	render_watch_tcp_events(v, &text);
	fwrite(text.data, 1, text.len, stdout);
	buf_done(&text);
}

/* Packets stand in place of the intervals' tables. */
static bool show(struct run *r, bool end)
{
	struct watch_view v = view_of(r);

	v.end = end;
	if (packets_take_stdout(&r->o->packets))
		return true;
	if (r->o->packets.events && !end) {
		print_tcp_events(r, &v);
		return fflush(stdout) == 0;
	}
	if (r->live && !end) {
		if (!r->paused)
			draw(r);
		return true;
	}
	if (r->o->json && end)
		print_summary_json(r, &v);
	else if (r->o->json)
		print_json(render_watch_json(&v));
	else
		print_text(r, &v);
	return fflush(stdout) == 0;
}

/* ---- the loop ---- */

static bool exists(int pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}

/* False: as many packets as asked for were told. */
static bool interval(struct run *r, bool last)
{
	bool packets = packets_wanted(&r->o->packets);

	watch_asked_refresh(&r->o->asked);
	if (packets)
		watch_packets_drain(&r->packets);
	if (last)
		session_watch_last(&r->session);
	session_watch_next(&r->session);
	if (packets)
		watch_packets_drain(&r->packets);
	watch_give_rule_texts(&r->watch, &r->d);
	add_rule_texts(&r->s, &r->d);
	if (packets)
		watch_events_missed(&r->packets.events, &r->s.drops);
	watch_take(&r->watch, &r->d, r->session.last_seconds, r->session.at_ns);
	watch_see_exits(&r->watch, exists);
	watch_tcp_take(&r->tcp, &r->session.tcp_lines, &r->d, &r->o->asked.filter);
	return !packets || watch_packets_tell(&r->packets, &r->d, &r->watch, last);
}

/* False: that was enough. */
static bool obey(struct run *r, int key)
{
	switch (key) {
	case 'q':
		return false;
	case 'a':
		r->o->all = !r->o->all;
		break;
	case ' ':
		r->paused = !r->paused;
		break;
	case KEY_ROW_DOWN:
		r->scroll++;
		break;
	case KEY_ROW_UP:
		r->scroll -= r->scroll > 0;
		break;
	case KEY_SIZE:
		break;
	default:
		return true;
	}
	draw(r);
	return true;
}

/* Until then, or until somebody wants to stop (false). */
static bool wait_until(struct run *r, int64_t until)
{
	bool packets = packets_wanted(&r->o->packets);

	while (!session_interrupted()) {
		int64_t now = monotonic_ns();
		int64_t left = MAX(MIN(until, session_watch_due(&r->session)) - now, 0);

		if (now >= until)
			break;
		if (packets)
			left = MIN(left, DRAIN_NS);
		if (!r->live)
			session_sleep_until(monotonic_ns() + left);
		else if (!obey(r, screen_key((int)MIN(left / NSEC_PER_MSEC + 1, 60000))))
			return false;
		if (packets)
			watch_packets_drain(&r->packets);
		session_watch_between(&r->session);
	}
	return !session_interrupted();
}

static void loop(struct run *r)
{
	struct text_style style = text_style_of(STDOUT_FILENO, (enum color_mode)r->o->color);
	bool going = true;

	r->live = !r->o->json && !r->o->packets.events && !packets_take_stdout(&r->o->packets) &&
		  screen_open(style.color);
	r->packets.live = r->live;
	if (r->live)
		draw(r);
	while (going) {
		int64_t until = r->session.due_ns;

		if (r->end_ns)
			until = MIN(until, r->end_ns);
		going = wait_until(r, until) && !(r->end_ns && monotonic_ns() >= r->end_ns);
		going = interval(r, !going) && going;
		going = show(r, false) && going;
	}
	if (r->live)
		screen_close();
	watch_end(&r->watch);
	show(r, true);
}

/* No tracer, and not one counter either. */
static bool is_blind(const struct run *r)
{
	const struct snapshot *b = &r->d.observations.items[0].b;

	return !r->session.tracer && !source_ok(b, SRC_SNMP) && !source_ok(b, SRC_LINK);
}

static int begin(struct run *r)
{
	struct options *o = r->o;
	struct drop_tracer_options tracer = {
		.rung = o->rung == RUNG_BEST ? NULL : rung_choices[o->rung],
		.filter = o->asked.program,
		.filter_n = o->asked.program_n,
		.events = packets_wanted(&o->packets),
		.stacks = o->packets.stack,
		.events_reason = o->asked.filter.reason,
		.may_switch_on = true,
		.netns_of = netns_of_device,
		.netns_arg = &r->devices,
	};
	struct buf message = {0};
	int status = session_watch_begin(&r->session, &r->s, &o->session,
					 o->rung == RUNG_counters ? NULL : &tracer, &r->d,
					 &message);

	if (status == -ECANCELED)
		complain("watch: %s", o->asked.refusal.data);
	else if (status < 0)
		complain("%s", message.data);
	buf_done(&message);
	if (status < 0)
		return EXIT_USAGE;
	if (!r->session.tracer && o->rung != RUNG_BEST && o->rung != RUNG_counters) {
		rung_why_not(&rung_rows[o->rung - 1], r->session.opened, &message);
		complain("watch: --rung %s: %s", rung_choices[o->rung], message.data);
		buf_done(&message);
		return EXIT_USAGE;
	}
	if (is_blind(r)) {
		complain("watch: nothing can be watched here: no drop events (%s) and no counters",
			 errno_name(r->session.opened));
		return verdict_exit_status(NOT_EXAMINED_VERDICT);
	}
	return 0;
}

static int begin_packets(struct run *r)
{
	const struct packets_asked *asked = &r->o->packets;
	int err;

	if (!packets_wanted(asked))
		return 0;
	if (!r->session.tracer) {
		complain("watch: packets cannot be told one by one: no drop events (%s)",
			 errno_name(r->session.opened));
		return verdict_exit_status(NOT_EXAMINED_VERDICT);
	}
	r->packets.tracer = r->session.tracer;
	r->packets.json = r->o->json;
	r->packets.text = text_style_of(STDOUT_FILENO, (enum color_mode)r->o->color);
	err = watch_packets_begin(&r->packets, asked, &r->o->asked.filter, r->o->all,
				  &r->s.report);
	if (err)
		complain("watch: %s: %s", asked->path, strerror(-err));
	return err ? EXIT_USAGE : 0;
}

static int run(struct options *o)
{
	struct run r = {.o = o};
	int status;

	watch_init(&r.watch, &o->asked.filter);
	watch_tcp_init(&r.tcp, &o->asked.filter);
	status = begin(&r);
	if (status == 0)
		status = begin_packets(&r);
	if (status == 0) {
		r.end_ns = o->duration > 0 ? r.session.at_ns + (int64_t)(o->duration * NSEC_PER_SEC)
					   : 0;
		tell_ready(&r);
		loop(&r);
		watch_packets_end(&r.packets, &r.watch);
	}
	session_watch_end(&r.session);
	watch_done(&r.watch);
	netns_devices_done(&r.devices);
	watch_tcp_done(&r.tcp);
	diagnosis_done(&r.d);
	session_done(&r.s);
	return status;
}

int cmd_watch(int argc, char **argv)
{
	struct options o = {.session = {.ready_fd = -1}, .ready_fd = UINT32_MAX};
	int status, operands;

	if (!opts_begin(&watch_options, argc, argv, &o, &operands, &status))
		return status;
	o.asked.expression = operands ? argv[1] : NULL;
	if (o.session.seconds <= 0)
		o.session.seconds = INTERVAL_SECONDS;
	if ((o.packets.stack || o.packets.count) && !packets_wanted(&o.packets)) {
		complain("watch: %s goes with --events or --write",
			 o.packets.stack ? "--stack" : "--count");
		return EXIT_USAGE;
	}
	if (packets_take_stdout(&o.packets) && isatty(STDOUT_FILENO)) {
		complain("watch: -w -: standard output is a terminal");
		return EXIT_USAGE;
	}
	o.session.begun = o.asked.device ? watch_asked_fits : NULL;
	o.session.begun_arg = &o.asked;
	if (!watch_asked_begin(&o.asked)) {
		complain("watch: %s", o.asked.refusal.data);
		status = EXIT_USAGE;
	} else {
		if (!o.session.netns && o.asked.netns[0])
			o.session.netns = o.asked.netns;
		status = run(&o);
	}
	watch_asked_done(&o.asked);
	return status;
}
