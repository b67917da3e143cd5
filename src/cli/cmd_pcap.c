// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <unistd.h>

#include "capture/pipeline.h"
#include "cli/cmd.h"
#include "cli/packet_filter.h"
#include "cli/pcap_host.h"
#include "cli/pcap_compare.h"
#include "render/capture.h"

#define LINKTYPES_MAX 8 /* that one filter is translated for */

struct options {
	const char *filter;
	struct pcap_asked host;
	unsigned int flow, memory, ready_fd;
	bool verbose, json, compare;
	int color;
};

static const char *const color_choices[] = {"auto", "always", "never", NULL};

#define AT(field) .offset = offsetof(struct options, field)
static const struct opt rows[] = {
	{.name = "interface", .letter = 'i', .kind = OPT_STRING, AT(host.device), .argument = "DEVICE",
	 .complete = COMPLETE_DEVICE,
	 .help = "capture there (any: on every device), and examine the host meanwhile"},
	{.name = "netns", .letter = 'n', .kind = OPT_STRING, AT(host.netns), .argument = "NAME|PID",
	 .complete = COMPLETE_NETNS, .help = "with -i: in the network namespace of that name or process"},
	{.name = "time", .letter = 't', .kind = OPT_DURATION, AT(host.seconds), .argument = "SECONDS",
	 .min = OBSERVATION_MIN_SECONDS, .max = 3600,
	 .help = "with -i: for so long (0.2 to 3600); without it until ctrl-C, an hour at most"},
	{.name = "count", .letter = 'c', .kind = OPT_UNSIGNED, AT(host.count), .argument = "N", .min = 1,
	 .max = UINT32_MAX, .help = "with -i: end after so many packets"},
	{.name = "write", .letter = 'w', .kind = OPT_STRING, AT(host.write), .argument = "FILE",
	 .complete = COMPLETE_FILE, .help = "with -i: the packets to a pcapng file, too"},
	{.name = "recording", .kind = OPT_STRING, AT(host.recording), .argument = "RECORDING",
	 .complete = COMPLETE_FILE,
	 .help = "what whydrop record saw of the host at the time of the capture"},
	{.name = "flow", .kind = OPT_UNSIGNED, AT(flow), .argument = "N", .min = 1, .max = UINT32_MAX,
	 .help = "one connection packet by packet; its number is told by the findings"},
	{.name = "filter", .kind = OPT_STRING, AT(filter), .argument = "FILTER",
	 .help = "only these packets, in the language of pcap-filter(7)"},
	{.name = "memory", .kind = OPT_UNSIGNED, AT(memory), .argument = "MIB", .min = 1, .max = 1 << 20,
	 .help = "for connections, 256; what does not fit is given up and counted"},
	{.name = "verbose", .letter = 'v', .kind = OPT_FLAG, AT(verbose),
	 .help = "with --flow: what each packet means"},
	{.name = "compare", .kind = OPT_FLAG, AT(compare),
	 .help = "captures of the same traffic in the order of its path: what each hop lost"},
	{.name = "json", .letter = 'j', .kind = OPT_FLAG, AT(json), .help = "JSON on standard output"},
	{.name = "color", .kind = OPT_CHOICE, AT(color), .argument = "WHEN", .choices = color_choices,
	 .help = "colours and signs"},
	{.name = "ready-fd", .kind = OPT_UNSIGNED, AT(ready_fd), .argument = "N", .min = 0,
	 .max = 65535, .hidden = true, .help = "write one byte to this descriptor once it captures"},
};

const struct opt_table pcap_options = {
	.command = "pcap",
	.summary = "what went wrong in each connection of a capture",
	.usage = "[OPTION...] FILE|- | -i DEVICE [FILTER] | --compare FILE FILE...",
	.examples = "  whydrop pcap web.pcap                 the whole capture, worst first\n"
		    "  whydrop pcap web.pcap --flow 3 -v     one connection, packet by packet\n"
		    "  whydrop pcap big.pcapng.zst --filter 'host 10.0.0.7 and port 443'\n"
		    "  tcpdump -i eth0 -w - | whydrop pcap -\n"
		    "  whydrop pcap -i eth0 -t 10 'port 443' -w web.pcapng\n"
		    "  whydrop pcap web.pcap --recording rec  with what the host knew\n"
		    "  whydrop pcap --compare client.pcap router.pcap server.pcap\n",
	.footer = "FILE is pcap or pcapng, as it is or compressed by gzip or zstd.\n"
		  "Exit status: 0 healthy, 1 something is wrong, 2 wrong usage or no capture.\n",
	.operands_max = COMPARED_MAX,
	.complete = COMPLETE_FILE,
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

/* ---- filters: one program for each link type ---- */

struct filter {
	const char *text;
	size_t n;
	struct {
		uint16_t linktype;
		bool ok;
		struct bpf_program program;
	} by[LINKTYPES_MAX];
	uint64_t out;
};

static bool translate(const char *text, uint16_t linktype, struct bpf_program *ret, struct buf *message)
{
	/* Of the numbers in files only this one differs from those of libpcap on Linux. */
	return packet_filter_compile(text, linktype == LINKTYPE_RAW ? DLT_RAW : linktype, ret, message);
}

static bool passes(struct filter *f, const struct raw_packet *p)
{
	struct pcap_pkthdr header = {.caplen = p->captured, .len = p->length};
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->by[i].linktype == p->linktype)
			break;
	if (i == LINKTYPES_MAX)
		return false;
	if (i == f->n) {
		f->by[i].linktype = p->linktype;
		f->by[i].ok = translate(f->text, p->linktype, &f->by[i].program, NULL);
		f->n++;
	}
	return f->by[i].ok && pcap_offline_filter(&f->by[i].program, &header, p->bytes) != 0;
}

static void filter_done(struct filter *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->by[i].ok)
			pcap_freecode(&f->by[i].program);
}

/* ---- the run ---- */

static void tell(void *context, const struct flow *f, const struct cap_packet *p, uint32_t notes)
{
	const struct options *o = context;
	struct buf line = {0};

	render_capture_packet(f, p, notes, o->verbose, &line);
	fwrite(line.data, 1, line.len, stdout);
	buf_done(&line);
}

static size_t keep_those(void *context, struct raw_packet *p, size_t n)
{
	struct filter *filter = context;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (passes(filter, &p[i]))
			p[kept++] = p[i];
	filter->out += n - kept;
	return kept;
}

static void print(const struct capture_view *v, const struct options *o)
{
	/* Where the packets go to standard output the report does not. */
	FILE *to = o->host.write && strcmp(o->host.write, "-") == 0 ? stderr : stdout;
	struct text_style style = text_style_of(fileno(to), (enum color_mode)o->color);
	struct buf text = {0};

	if (o->json) {
		json_t *tree = render_capture_json(v);

		json_dumpf(tree, to, RENDER_JSON_FLAGS);
		putc('\n', to);
		json_decref(tree);
		return;
	}
	if (o->flow)
		render_capture_flow(&v->a->watched_flow, &style, &text);
	else
		render_capture_text(v, &style, &text);
	fwrite(text.data, 1, text.len, to);
	buf_done(&text);
}

/* All of it is of a kind that nobody reads: that is no health. */
static bool nothing_read(const struct capture_view *v)
{
	const struct capture_sum *s = &v->a->sum;
	char name[32];

	if (!s->packets || s->unknown_link < s->packets)
		return false;
	complain("pcap: %s: link type %u (%s) is not read: Ethernet, cooked (SLL), raw IP and loopback are",
		 v->name, s->odd_link[0].linktype,
		 capture_link_name(s->odd_link[0].linktype, name, sizeof(name)));
	return true;
}

struct run {
	const struct options *o;
	const char *path; /* NULL: live */
	struct reader *reader;
	struct filter filter;
	struct pcap_host host;
	struct analysis a;
	struct diagnosis d;
};

static struct capture_view view_of(const struct run *r)
{
	bool live = !r->path;

	return (struct capture_view){
		.name = live ? r->host.name : strcmp(r->path, "-") == 0 ? "standard input" : r->path,
		.file = live ? &r->host.captured : reader_sum(r->reader),
		.a = &r->a,
		.d = &r->d,
		.version = WHYDROP_VERSION,
		.filter = r->o->filter,
		.filtered = r->filter.out,
		.host = r->host.d.observations.n ? &r->host.d : NULL,
		.host_what = live ? "This host meanwhile" : "The recorded host",
		.note = r->host.note,
	};
}

static int explain(struct run *r)
{
	struct capture_view v;

	analysis_end(&r->a);
	pcap_host_check(&r->host, &r->a);
	v = view_of(r);
	r->a.sum.missed = v.file->drops_known ? v.file->drops : 0;
	capture_diagnose(&r->a, r->host.d.observations.n && !r->host.apart ? &r->host.d : NULL, &r->d);
	if (nothing_read(&v))
		return EXIT_USAGE;
	if (r->a.watched && !r->a.watched_flow.number) {
		complain("pcap: no flow %u: there are %u", r->o->flow, r->a.flows.numbers);
		return EXIT_USAGE;
	}
	print(&v, r->o);
	return r->d.verdict == HEALTHY ? 0 : 1;
}

static int fill(struct run *r, struct buf *message)
{
	const struct options *o = r->o;
	int err = 0;

	if (!r->path)
		return pcap_host_capture(&r->host, &o->host, &r->a, message);
	err = reader_open(r->path, &r->reader, message);
	if (err == 0 && o->host.recording)
		err = pcap_host_replay(&r->host, &o->host, message);
	if (err < 0)
		return err;
	if (o->flow) {
		r->a.watched = o->flow;
		r->a.tell = tell;
		r->a.context = (void *)(uintptr_t)o;
	}
	pipeline_run(r->reader, o->filter ? keep_those : NULL, &r->filter, &r->a);
	return 0;
}

static int run(const struct options *o, const char *path)
{
	struct run r = {.o = o, .path = path, .filter = {.text = o->filter}};
	cleanup(buf_done) struct buf message = {0};
	int status = EXIT_USAGE;

	analysis_init(&r.a, (uint64_t)o->memory << 20);
	if (fill(&r, &message) < 0)
		complain("pcap: %s", message.data ? message.data : "failed");
	else
		status = explain(&r);
	diagnosis_done(&r.d);
	pcap_host_done(&r.host);
	analysis_done(&r.a);
	reader_close(r.reader);
	filter_done(&r.filter);
	return status;
}

static bool filter_is_good(const char *text)
{
	struct buf message = {0};
	struct bpf_program program;
	/* What no link type takes is no filter; Ethernet takes the most. */
	bool ok = translate(text, LINKTYPE_ETHERNET, &program, &message);

	if (ok)
		pcap_freecode(&program);
	else
		complain("pcap: %s (see pcap-filter(7))", message.data);
	buf_done(&message);
	return ok;
}

/* What does not go together; NULL: all is well. */
static const char *wrong(const struct options *o, int operands)
{
	const struct pcap_asked *h = &o->host;

	if (!h->device && operands != 1)
		return "which capture? Give a file, - for standard input, or a device with -i";
	if (!h->device && (h->netns || h->seconds > 0 || h->count || h->write))
		return "--netns, --time, --count and --write are of a live capture: give a device with -i";
	if (h->device && o->flow)
		return "--flow needs a file: write one with -w, then look at its connections";
	if (h->device && h->recording)
		return "--recording is for a file; with -i this host is examined itself";
	if (h->device && h->netns && strcmp(h->netns, "all") == 0)
		return "-i captures in one network namespace: --netns all is none";
	if (h->device && operands > 1)
		return "the filter is one argument: quote it";
	if (h->device && o->filter && operands)
		return "two filters: give one";
	if (o->verbose && !o->flow)
		return "--verbose explains the packets of one connection: give --flow N as well";
	if (o->flow && o->json)
		return "--flow is told in text only";
	return NULL;
}

static int compare(char *const *paths, int n, const struct options *o)
{
	const struct pcap_asked *h = &o->host;

	if (n < 2) {
		complain("pcap: --compare needs two captures or more, in the order of the path");
		return EXIT_USAGE;
	}
	if (o->flow || o->filter || h->device || h->recording || h->write || h->netns || h->seconds > 0 ||
	    h->count || o->verbose || o->memory != ANALYSIS_MEMORY >> 20) {
		complain("pcap: --compare takes captures whole; beside it only --json and --color");
		return EXIT_USAGE;
	}
	for (int i = 0; i < n; i++)
		if (strcmp(paths[i], "-") == 0) {
			complain("pcap: --compare reads each capture twice: give files, not standard input");
			return EXIT_USAGE;
		}
	return pcap_compare(paths, (size_t)n, o->json, (enum color_mode)o->color);
}

int cmd_pcap(int argc, char **argv)
{
	struct options o = {.memory = ANALYSIS_MEMORY >> 20, .ready_fd = UINT32_MAX};
	const char *what;
	int status, operands;

	if (!opts_begin(&pcap_options, argc, argv, &o, &operands, &status))
		return status;
	if (o.compare)
		return compare(argv + 1, operands, &o);
	what = wrong(&o, operands);
	if (what) {
		complain("pcap: %s", what);
		return EXIT_USAGE;
	}
	if (o.host.device && operands)
		o.filter = argv[1];
	if (o.filter && !filter_is_good(o.filter))
		return EXIT_USAGE;
	o.host.filter = o.filter;
	o.host.ready_fd = o.ready_fd == UINT32_MAX ? -1 : (int)o.ready_fd;
	return run(&o, o.host.device ? NULL : argv[1]);
}
