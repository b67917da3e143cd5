// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/session.h"
#include "cli/socket_detail.h"
#include "render/sockets.h"
#include "sockets/census.h"

#define EXIT_NOTHING_READ 3
#define ROWS_MAX 10000 /* what is kept of them: 8 MB */
#define ROWS_LISTENERS 4096

enum by_choice { BY_NOTHING, BY_CHOICE_PROCESS, BY_CHOICE_LISTENER, BY_CHOICE_PEER, BY_CHOICE_STATE };

struct options {
	const char *netns, *peer, *address, *cause, *detail;
	struct opt_strings states, kinds;
	unsigned int port, pid, count, max;
	bool all, listen, json;
	int by, owners, color;
};

static const char *const color_choices[] = {"auto", "always", "never", NULL};
static const char *const by_choices[] = {"nothing", "process", "listener", "peer", "state", NULL};
static const char *const owners_choices[] = {"best", "proc", NULL};
#define AT(field) .offset = offsetof(struct options, field)
static const struct opt rows[] = {
	{.name = "all", .letter = 'a', .kind = OPT_FLAG, AT(all),
	 .help = "every socket that is meant, as the kernel tells of them, not the troubled alone"},
	{.name = "listen", .letter = 'l', .kind = OPT_FLAG, AT(listen),
	 .help = "those that wait for others: TCP listeners, UDP sockets without a peer"},
	{.name = "by", .letter = 'b', .kind = OPT_CHOICE, AT(by), .argument = "WHAT",
	 .choices = by_choices, .help = "sums in place of sockets"},
	{.name = "state", .letter = 's', .kind = OPT_STRINGS, AT(states), .argument = "STATE",
	 .help = "only these, as ss calls them (established, close-wait); may be given again"},
	{.name = "kind", .letter = 'k', .kind = OPT_STRINGS, AT(kinds), .argument = "KIND",
	 .help = "only tcp, udp, mptcp, unix, raw, packet or netlink; may be given again"},
	{.name = "port", .letter = 'p', .kind = OPT_UNSIGNED, AT(port), .argument = "PORT", .min = 1,
	 .max = 65535, .help = "only this port, at either end"},
	{.name = "peer", .kind = OPT_STRING, AT(peer), .argument = "ADDRESS[/BITS]",
	 .help = "only those connected to this address or network"},
	{.name = "address", .kind = OPT_STRING, AT(address), .argument = "ADDRESS[/BITS]",
	 .help = "only those with this address, or one of this network, at either end"},
	{.name = "pid", .kind = OPT_UNSIGNED, AT(pid), .argument = "PID", .min = 1, .max = 4194304,
	 .help = "only those this process holds"},
	{.name = "cause", .kind = OPT_STRING, AT(cause), .argument = "CAUSE",
	 .help = "only those in this trouble, by its own name (unread) or its cause (app-slow-reader)"},
	{.name = "detail", .letter = 'd', .kind = OPT_STRING, AT(detail), .argument = "FLOW",
	 .help = "all that is known of one: ADDRESS:PORT-ADDRESS:PORT, ADDRESS:PORT, an inode, a cookie"},
	{.name = "count", .letter = 'c', .kind = OPT_UNSIGNED, AT(count), .argument = "N", .min = 1,
	 .max = ROWS_MAX, .help = "so many rows at most (default 20; listeners 4096)"},
	{.name = "max-sockets", .kind = OPT_UNSIGNED, AT(max), .argument = "N", .min = 1,
	 .max = 1000000000,
	 .help = "read so many of each kind at most, and say so where there are more"},
	{.name = "netns", .letter = 'n', .kind = OPT_STRING, AT(netns), .argument = "NAME|PID|all",
	 .complete = COMPLETE_NETNS,
	 .help = "the network namespace of that name or process, or every one"},
	{.name = "owners", .kind = OPT_CHOICE, AT(owners), .argument = "HOW",
	 .choices = owners_choices, .hidden = true, .help = "how to find out who holds them"},
	{.name = "json", .letter = 'j', .kind = OPT_FLAG, AT(json), .help = "JSON on standard output"},
	{.name = "color", .kind = OPT_CHOICE, AT(color), .argument = "WHEN", .choices = color_choices,
	 .help = "colours and signs"},
};

const struct opt_table sockets_options = {
	.command = "sockets",
	.summary = "the sockets in trouble, the worst first, and whose they are",
	.examples = "  whydrop sockets                        the 20 in most trouble\n"
		    "  whydrop sockets --listen               listeners, and how full their queues are\n"
		    "  whydrop sockets --by process           how many each process has\n"
		    "  whydrop sockets --detail 10.0.0.1:443-10.0.0.2:51234\n"
		    "  whydrop sockets --all --port 443 --state close-wait --json\n",
	.footer = "Whose they are is asked of the kernel (CAP_BPF with CAP_PERFMON), else of /proc; those\n"
		  "of other users are seen with privileges only, and it is said how many are not.\n"
		  "Exit status: 0, 2 wrong usage, 3 nothing could be read.\n",
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

/* Where the rows of --all go. */
struct stream {
	const struct options *o;
	struct text_style style;
	struct buf text;
	uint64_t told;
};

static void tell_row(void *arg, const struct sockets_report *r, const struct sockets_row *row)
{
	struct stream *s = arg;

	if (s->o->json) {
		json_t *tree = render_sockets_row_json(r, row);

		fputs(s->told ? ",\n" : "\n", stdout);
		json_dumpf(tree, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
		json_decref(tree);
	} else {
		buf_clear(&s->text);
		render_sockets_row_text(r, row, &s->style, s->told == 0, &s->text);
		fwrite(s->text.data, 1, s->text.len, stdout);
	}
	s->told++;
}

static void print(const struct sockets_view *v, const struct stream *s)
{
	struct buf text = {0};
	json_t *tree;

	if (!s->o->json) {
		if (s->told)
			putchar('\n');
		render_sockets_text(v, &s->style, &text);
		fwrite(text.data, 1, text.len, stdout);
		buf_done(&text);
		return;
	}
	tree = render_sockets_json(v);
	if (s->o->all) {
		/* The rows have opened the object. */
		fputs("\n],\n", stdout);
		json_dumpf(tree, stdout, RENDER_JSON_FLAGS | JSON_EMBED);
		fputs("\n}", stdout);
	} else {
		json_dumpf(tree, stdout, RENDER_JSON_FLAGS);
	}
	putchar('\n');
	json_decref(tree);
}

static const struct sockets_filter everything;

static int wrong(const char *option, const char *value, const char *why)
{
	complain("sockets: --%s %s: %s", option, value, why);
	return -EINVAL;
}

static int make_filter(const struct options *o, struct sockets_filter *f)
{
	vec_each(state, &o->states.list)
		if (!sockets_filter_state(*state, f))
			return wrong("state", *state, "is no state (established, listen, time-wait ...)");
	vec_each(kind, &o->kinds.list)
		if (!sockets_filter_kind(*kind, f))
			return wrong("kind", *kind, "is none of tcp, udp, mptcp, unix, raw, packet, netlink");
	if (o->peer && sockets_prefix(o->peer, &f->peer) < 0)
		return wrong("peer", o->peer, "is no address and no network (192.0.2.0/24)");
	if (o->address && sockets_prefix(o->address, &f->address) < 0)
		return wrong("address", o->address, "is no address and no network (192.0.2.0/24)");
	if (o->cause && !sockets_filter_cause(o->cause, f))
		return wrong("cause", o->cause, "is no trouble a socket can be in");
	f->port = (uint16_t)o->port;
	f->pid = (int)o->pid;
	if (o->detail && (memcmp(f, &everything, sizeof(*f)) != 0 || o->all || o->listen ||
			  o->by != BY_NOTHING || o->max)) {
		complain("sockets: --detail goes with --netns, --json and --color alone");
		return -EINVAL;
	}
	if (o->all && (o->listen || o->by != BY_NOTHING)) {
		complain("sockets: --all does not go with --%s", o->listen ? "listen" : "by");
		return -EINVAL;
	}
	return 0;
}

static void fill_run(struct report *r, struct utsname *u)
{
	clock_gettime(CLOCK_REALTIME, &r->started_at);
	r->version = WHYDROP_VERSION;
	r->cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	if (uname(u) == 0) {
		r->host_name = u->nodename;
		r->kernel = u->release;
	}
}

static int show_one(const struct options *o, struct netns_list *spaces)
{
	struct report run = {0};
	struct utsname u;
	const struct socket_detail d = {.flow = o->detail,
					.json = o->json,
					.by_proc = o->owners == 1,
					.color = (enum color_mode)o->color,
					.run = &run};

	fill_run(&run, &u);
	return socket_detail(&d, spaces);
}

static bool nothing_read(const struct sockets_report *r)
{
	vec_each(space, &r->spaces)
		if (!space->err || space->sockets)
			return false;
	return true;
}

static int show(const struct options *o, const struct sockets_filter *filter,
		struct netns_list *spaces)
{
	static const enum sockets_by by[] = {[BY_CHOICE_PROCESS] = BY_PROCESS,
					     [BY_CHOICE_LISTENER] = BY_LISTENER,
					     [BY_CHOICE_PEER] = BY_PEER};
	struct stream s = {.o = o, .style = text_style_of(STDOUT_FILENO, (enum color_mode)o->color)};
	struct sockets_options asked = {
		.filter = *filter,
		.listeners = o->listen,
		.rows_max = o->count,
		.max = o->max,
		.by_proc = o->owners == 1,
		.each = o->all ? tell_row : NULL,
		.arg = &s,
	};
	struct sockets_report r;
	struct report run = {0};
	struct utsname u;
	struct sockets_view v = {.r = &r,
				 .run = &run,
				 .by_asked = o->by != BY_NOTHING && o->by != BY_CHOICE_STATE,
				 .by_state = o->by == BY_CHOICE_STATE,
				 .sums_max = o->count,
				 .listeners = o->listen,
				 .all = o->all,
				 .filtered = memcmp(filter, &everything, sizeof(everything)) != 0};
	int status = 0;

	fill_run(&run, &u);
	if (v.by_asked)
		v.by = by[o->by];
	if (o->all && o->json)
		fputs("{\"sockets\": [", stdout);
	sockets_read(&asked, spaces->list.items, spaces->list.n, &r);
	if (nothing_read(&r))
		status = EXIT_NOTHING_READ;
	print(&v, &s);
	buf_done(&s.text);
	sockets_report_done(&r);
	return status;
}

int cmd_sockets(int argc, char **argv)
{
	struct options o = {0};
	struct sockets_filter filter = {0};
	struct netns_list spaces = {0};
	struct buf message = {0};
	int status, operands;

	if (!opts_begin(&sockets_options, argc, argv, &o, &operands, &status))
		return status;
	if (!o.count)
		o.count = o.listen ? ROWS_LISTENERS : 20;
	status = EXIT_USAGE;
	if (make_filter(&o, &filter) == 0) {
		if (session_namespaces(o.netns, &spaces, &message) < 0)
			complain("sockets: %s", message.data);
		else
			status = o.detail ? show_one(&o, &spaces) : show(&o, &filter, &spaces);
	}
	netns_list_done(&spaces);
	vec_done(&o.states.list);
	vec_done(&o.kinds.list);
	buf_done(&message);
	return status;
}
