// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of the generator. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "gen.h"

/* clang-format off */
static const char help[] =
"Usage: gen VERB ... : bounded traffic for the lab's scenarios\n"
"\n"
"  gen udp-send HOST PORT     -n COUNT, --size, --rate PER_S, --burst N --gap S, --nonblock,\n"
"                             --sndbuf, --sockets N (as many source ports), --ports N\n"
"                             (destination ports in turn), --hold S (keep the sockets open),\n"
"                             --segment N (the kernel makes datagrams of N from each --size),\n"
	"                             --mtu-discover N (not to be cut: 2 within the known MTU, 3 whatever\n"
	"                             routers say; IP_MTU_DISCOVER)\n"
"  gen udp-recv PORT          --rcvbuf, --no-read, --slow BYTES_PER_S, -n COUNT,\n"
"                             --ask-rcvbuf N (no more than rmem_max allows),\n"
"                             --every S (read what came once in so long, not at once)\n"
"  gen tcp-listen PORT        --backlog N, --no-accept, --no-read, --slow BYTES_PER_S, --rcvbuf\n"
"  gen tcp-connect HOST PORT  -n COUNT, --bytes N (each), --hold S, --rate PER_S (connections),\n"
"                             --parallel N (open at once), --ports N, --sndbuf,\n"
"                             --farewell S (at the end, see the peers close too, at most so long)\n"
"  gen tcp-idle ADDR PORT     -n COUNT connections that do nothing, in --processes N (as many as\n"
"                             the limit of files asks for), a listener for each from PORT on;\n"
"                             --troubled N sockets in trouble besides; tells all that it made\n"
"  gen raw DEVICE [HEX...]    frames in hex, in turn; -n COUNT, --rate; or built:\n"
"                             --udp | --tcp FLAGS (of FSRPAU), --from ADDR --to ADDR, --dmac MAC,\n"
"                             --smac MAC, --from-port, --to-port, --size, --sources N,\n"
"                             --source-ports N (ports first, then addresses, in turn),\n"
"                             --bad-checksum, --udp-length N (as the header has it)\n"
"\n"
"  --bind ADDR --sport PORT   own address and port (a receiver takes all addresses, v4 and v6)\n"
"  --time S                   give up after so long (default 30)\n"
"  --ready-fd N               write \"ready\" there; SIGUSR1: what was counted since the last one\n"
"  --ready-file FILE          create FILE when ready\n"
"\n"
"HOST and ADDR are numeric, IPv4 or IPv6. Ends with: sent= received= failed= bytes=\n";
/* clang-format on */

static u64 parse_u64(const char *text, u64 max)
{
	char *end;
	u64 v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || v > max)
		usage_error("not a number in range", text);
	return v;
}

static double parse_seconds(const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= 0 && v <= 3600))
		usage_error("not a time in seconds", text);
	return v;
}

enum kind { NUMBER, TEXT, TIME, FLAG, FD };

/* clang-format off */
static const struct row {
	const char *name;
	enum kind kind;
	size_t where;
	u64 max;
} rows[] = {
#define ROW(name, kind, field, max) { name, kind, offsetof(struct options, field), max }
	ROW("ask-rcvbuf", NUMBER, ask_rcvbuf, 1 << 30),
	ROW("backlog", NUMBER, backlog, 65535),
	ROW("bad-checksum", FLAG, bad_checksum, 0),
	ROW("bind", TEXT, bind, 0),
	ROW("burst", NUMBER, burst, 1000000),
	ROW("bytes", NUMBER, bytes, 1ULL << 40),
	ROW("connections-per-second", NUMBER, rate, 10000000),
	ROW("count", NUMBER, count, 100000000),
	ROW("dmac", TEXT, dmac, 0),
	ROW("every", TIME, every, 0),
	ROW("farewell", TIME, farewell, 0),
	ROW("from", TEXT, from, 0),
	ROW("from-port", NUMBER, from_port, 65535),
	ROW("gap", TIME, gap, 0),
	ROW("hold", TIME, hold, 0),
	ROW("no-accept", FLAG, no_accept, 0),
	ROW("no-read", FLAG, no_read, 0),
	ROW("nonblock", FLAG, nonblock, 0),
	ROW("parallel", NUMBER, parallel, MAX_SOCKETS),
	ROW("ports", NUMBER, ports, 65535),
	ROW("processes", NUMBER, processes, 1000),
	ROW("rate", NUMBER, rate, 10000000),
	ROW("rcvbuf", NUMBER, rcvbuf, 1 << 30),
	ROW("ready-fd", FD, ready_fd, 65535),
	ROW("ready-file", TEXT, ready_file, 0),
	ROW("segment", NUMBER, segment, 65507),
	ROW("mtu-discover", NUMBER, mtu_discover, 5),
	ROW("size", NUMBER, size, 65507),
	ROW("slow", NUMBER, slow, 1ULL << 40),
	ROW("smac", TEXT, smac, 0),
	ROW("sndbuf", NUMBER, sndbuf, 1 << 30),
	ROW("sockets", NUMBER, sockets, MAX_SOCKETS),
	ROW("source-ports", NUMBER, source_ports, 65535),
	ROW("sources", NUMBER, sources, 1 << 24),
	ROW("sport", NUMBER, sport, 65535),
	ROW("tcp", TEXT, tcp_flags, 0),
	ROW("time", TIME, time, 0),
	ROW("to", TEXT, to, 0),
	ROW("to-port", NUMBER, to_port, 65535),
	ROW("troubled", NUMBER, troubled, 1000),
	ROW("udp", FLAG, udp, 0),
	ROW("udp-length", NUMBER, udp_length, 65535),
#undef ROW
};
/* clang-format on */
#define N_ROWS (sizeof(rows) / sizeof(*rows))

static void set_option(struct options *o, const struct row *row, const char *text)
{
	void *field = (char *)o + row->where;

	switch (row->kind) {
	case NUMBER:
		*(u64 *)field = parse_u64(text, row->max);
		break;
	case FD:
		*(int *)field = (int)parse_u64(text, row->max);
		break;
	case TIME:
		*(double *)field = parse_seconds(text);
		break;
	case TEXT:
		*(const char **)field = text;
		break;
	case FLAG:
		*(bool *)field = true;
		break;
	}
}

static void parse_options(struct options *o, int argc, char **argv)
{
	struct option longs[N_ROWS + 2] = {{"help", no_argument, NULL, 'h'}};
	size_t i;
	int c, which;

	for (i = 0; i < N_ROWS; i++)
		longs[i + 1] = (struct option){rows[i].name, rows[i].kind != FLAG, NULL, 0};
	while ((c = getopt_long(argc, argv, "n:h", longs, &which)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			exit(0);
		}
		if (c == '?')
			exit(2);
		if (c == 'n')
			o->count = parse_u64(optarg, 100000000);
		else
			set_option(o, &rows[which - 1], optarg);
	}
	if (!o->sockets || !o->ports || !o->parallel || !o->sources || !o->source_ports)
		usage_error("must not be 0", "--sockets, --ports, --parallel, --sources");
	if (o->size > MAX_FRAME - 100 && o->device)
		usage_error("--size", "too large for a frame");
}

static const struct verb {
	const char *name;
	void (*run)(const struct options *o);
	bool host, port, device;
	u64 count;
} verbs[] = {
	{"udp-send", udp_send, true, true, false, 1},
	{"udp-recv", udp_recv, false, true, false, 0},
	{"tcp-listen", tcp_listen, false, true, false, 0},
	{"tcp-connect", tcp_connect, true, true, false, 1},
	{"tcp-idle", tcp_idle, true, true, false, 1},
	{"raw", raw, false, false, true, 1},
};

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	usage_error("no such verb", name);
	return NULL;
}

/* The time limit repeats, so that a signal that just missed a system call is followed by another.
 */
static void arm_signals(double limit)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct itimerval t = {.it_interval.tv_usec = 50000};
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGUSR1};
	struct rlimit files = {MAX_SOCKETS + 100, MAX_SOCKETS + 100};
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &sa, NULL);
	t.it_value.tv_sec = (time_t)limit;
	t.it_value.tv_usec = (suseconds_t)((limit - (double)t.it_value.tv_sec) * 1e6) + 1;
	setitimer(ITIMER_REAL, &t, NULL);
	setrlimit(RLIMIT_NOFILE, &files); /* as root; else what there is must do */
	prctl(PR_SET_TIMERSLACK, 1);
}

int main(int argc, char **argv)
{
	struct options o = {.time = 30,
			    .ready_fd = -1,
			    .size = 100,
			    .sockets = 1,
			    .ports = 1,
			    .parallel = MAX_SOCKETS,
			    .backlog = 4096,
			    .gap = 0.1,
			    .from_port = 40000,
			    .to_port = 9,
			    .sources = 1,
			    .source_ports = 1};
	const struct verb *verb;
	char **word;

	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		fputs(help, argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	verb = find_verb(argv[1]);
	o.count = verb->count;
	parse_options(&o, argc - 1, argv + 1);
	word = argv + 1 + optind;
	if (verb->host && *word)
		o.host = *word++;
	if (verb->port && *word)
		o.port = parse_u64(*word++, 65535);
	if (verb->device && *word)
		o.device = *word++;
	if ((verb->host && !o.host) || (verb->port && !o.port) || (verb->device && !o.device))
		usage_error("needs what its line in --help names first", verb->name);
	if (*word && !verb->device)
		usage_error("what is this", *word);
	o.frames = word;
	arm_signals(o.time);
	verb->run(&o);
	print_totals(STDOUT_FILENO, total);
	return 0;
}
