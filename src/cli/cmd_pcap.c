// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "render/capture.h"

#define LINKTYPES_MAX 8 /* that one filter is translated for */

struct options {
	const char *filter;
	unsigned int flow;
	bool verbose, json;
	int color;
};

static const char *const color_choices[] = {"auto", "always", "never", NULL};

#define AT(field) .offset = offsetof(struct options, field)
static const struct opt rows[] = {
	{.name = "flow", .kind = OPT_UNSIGNED, AT(flow), .argument = "N", .min = 1, .max = UINT32_MAX,
	 .help = "one connection packet by packet; its number is told by the findings"},
	{.name = "filter", .kind = OPT_STRING, AT(filter), .argument = "FILTER",
	 .help = "only these packets, in the language of pcap-filter(7)"},
	{.name = "verbose", .letter = 'v', .kind = OPT_FLAG, AT(verbose),
	 .help = "with --flow: what each packet means"},
	{.name = "json", .letter = 'j', .kind = OPT_FLAG, AT(json), .help = "JSON on standard output"},
	{.name = "color", .kind = OPT_CHOICE, AT(color), .argument = "WHEN", .choices = color_choices,
	 .help = "colours and signs"},
};

const struct opt_table pcap_options = {
	.command = "pcap",
	.summary = "what went wrong in each connection of a capture",
	.usage = "[OPTION...] FILE|-",
	.examples = "  whydrop pcap web.pcap                 the whole capture, worst first\n"
		    "  whydrop pcap web.pcap --flow 3 -v     one connection, packet by packet\n"
		    "  whydrop pcap big.pcapng.zst --filter 'host 10.0.0.7 and port 443'\n"
		    "  tcpdump -i eth0 -w - | whydrop pcap -\n",
	.footer = "FILE is pcap or pcapng, as it is or compressed by gzip or zstd.\n"
		  "Exit status: 0 healthy, 1 something is wrong, 2 wrong usage or no capture.\n",
	.operands_max = 1,
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
	int dlt = linktype == LINKTYPE_RAW ? DLT_RAW : linktype;
	pcap_t *raw = pcap_open_dead(dlt, CAPTURED_MAX);
	bool ok = raw && pcap_compile(raw, ret, text, 1, PCAP_NETMASK_UNKNOWN) == 0;

	if (!ok)
		buf_printf(message, "--filter '%s': %s", text, raw ? pcap_geterr(raw) : "no memory");
	if (raw)
		pcap_close(raw);
	return ok;
}

static bool passes(struct filter *f, const struct raw_packet *p)
{
	struct pcap_pkthdr header = {.caplen = p->captured, .len = p->length};
	struct buf ignored = {0};
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->by[i].linktype == p->linktype)
			break;
	if (i == LINKTYPES_MAX)
		return false;
	if (i == f->n) {
		f->by[i].linktype = p->linktype;
		f->by[i].ok = translate(f->text, p->linktype, &f->by[i].program, &ignored);
		f->n++;
		buf_done(&ignored);
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

static void read_all(struct reader *r, struct filter *filter, struct analysis *a)
{
	struct raw_packet p[ANALYSIS_BATCH];
	size_t n, kept;

	while ((n = reader_next(r, p, ANALYSIS_BATCH))) {
		kept = filter->text ? 0 : n;
		for (size_t i = 0; filter->text && i < n; i++)
			if (passes(filter, &p[i]))
				p[kept++] = p[i];
		filter->out += n - kept;
		analysis_packets(a, p, kept);
	}
	analysis_end(a);
}

static void print(const struct capture_view *v, const struct options *o)
{
	struct text_style style = text_style_of(STDOUT_FILENO, (enum color_mode)o->color);
	struct buf text = {0};

	if (o->json) {
		json_t *tree = render_capture_json(v);

		json_dumpf(tree, stdout, RENDER_JSON_FLAGS);
		putchar('\n');
		json_decref(tree);
		return;
	}
	if (o->flow)
		render_capture_flow(&v->a->watched_flow, &style, &text);
	else
		render_capture_text(v, &style, &text);
	fwrite(text.data, 1, text.len, stdout);
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

static int explain(struct reader *r, const char *path, const struct options *o)
{
	struct filter filter = {.text = o->filter};
	struct analysis a;
	struct diagnosis d;
	int status;

	analysis_init(&a);
	if (o->flow && !o->json) {
		a.watched = o->flow;
		a.tell = tell;
		a.context = (void *)(uintptr_t)o;
	}
	read_all(r, &filter, &a);
	capture_diagnose(&a, &d);
	{
		const struct capture_view v = {
			.name = strcmp(path, "-") == 0 ? "standard input" : path,
			.file = reader_sum(r), .a = &a, .d = &d, .version = WHYDROP_VERSION,
			.filter = o->filter, .filtered = filter.out,
		};

		status = d.verdict == HEALTHY ? 0 : 1;
		if (nothing_read(&v)) {
			status = EXIT_USAGE;
		} else if (a.watched && !a.watched_flow.number) {
			complain("pcap: no flow %u: there are %u", o->flow, a.flows.numbers);
			status = EXIT_USAGE;
		} else {
			print(&v, o);
		}
	}
	diagnosis_done(&d);
	analysis_done(&a);
	filter_done(&filter);
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
		complain("pcap: %s", message.data);
	buf_done(&message);
	return ok;
}

int cmd_pcap(int argc, char **argv)
{
	struct options o = {0};
	struct buf message = {0};
	struct reader *reader;
	int status, operands;

	if (!opts_begin(&pcap_options, argc, argv, &o, &operands, &status))
		return status;
	if (operands != 1) {
		complain("pcap: which capture? Give a file, or - for standard input");
		return EXIT_USAGE;
	}
	if (o.verbose && !o.flow) {
		complain("pcap: --verbose explains the packets of one connection: give --flow N as well");
		return EXIT_USAGE;
	}
	if (o.flow && o.json) {
		complain("pcap: --flow is told in text only");
		return EXIT_USAGE;
	}
	if (o.filter && !filter_is_good(o.filter))
		return EXIT_USAGE;
	if (reader_open(argv[1], &reader, &message) < 0) {
		complain("pcap: %s", message.data);
		buf_done(&message);
		return EXIT_USAGE;
	}
	status = explain(reader, argv[1], &o);
	reader_close(reader);
	return status;
}
