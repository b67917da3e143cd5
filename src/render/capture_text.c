// SPDX-License-Identifier: GPL-2.0-or-later
/* The whole of a capture in less than a hundred lines, whatever its size. */
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <stdio.h>

#include "render/capture.h"
#include "render/fmt.h"
#include "render/text.h"

#define FINDINGS_SHOWN 5
#define FINDINGS_LISTED 12
#define FLOWS_SHOWN 8
#define SERVERS_SHOWN 5
#define N(n) ((unsigned long long)(n))
#define S(n) ((n) == 1 ? "" : "s")

struct painter {
	const struct capture_view *v;
	struct out out;
};

static void paragraph(struct painter *p, struct buf *line)
{
	out_wrap(&p->out, 0, 2, line->data ? line->data : "");
	buf_clear(line);
}

static void header(struct painter *p)
{
	const struct capture_sum *s = &p->v->a->sum;
	const struct reader_sum *f = p->v->file;
	struct buf line = {0};

	buf_printf(&line, "%s: %s%s%s, %s packets, %s, %s TCP connections", p->v->name, f->format,
		   f->packed ? " in " : "", f->packed ? f->packed : "", fmt_count(f->packets).s,
		   fmt_seconds((double)(s->last_ns - s->first_ns) / 1e9).s,
		   fmt_count(s->tcp_flows + s->lone_syns).s);
	if (s->udp_flows)
		buf_printf(&line, ", %s UDP flows", fmt_count(s->udp_flows).s);
	if (p->v->filter)
		buf_printf(&line, "; the filter left out %s packets", fmt_count(p->v->filtered).s);
	paragraph(p, &line);
	buf_done(&line);
}

static void verdict(struct painter *p)
{
	size_t wrong = 0, notes = 0;

	vec_each (f, &p->v->d->findings)
		*(finding_matters(f) ? &wrong : &notes) += 1;
	buf_puts(p->out.buf, "\n");
	if (wrong)
		out_tinted(&p->out, TINT_RED, "SOMETHING IS WRONG");
	else
		out_tinted(&p->out, TINT_GREEN, "HEALTHY");
	out_printf(&p->out, "   %zu finding%s, %zu note%s\n\n", wrong, S(wrong), notes, S(notes));
}

static void list(struct painter *p)
{
	bool signs = p->out.style->signs;
	size_t n = 0;

	vec_each (f, &p->v->d->findings) {
		if (n++ == FINDINGS_LISTED)
			break;
		if (finding_matters(f))
			out_tinted(&p->out, TINT_RED, " %s", signs ? "\xe2\x9c\x97" : "x");
		else
			out_printf(&p->out, " %s", signs ? "\xc2\xb7" : ".");
		out_printf(&p->out, " %-16s ", f->cause->id);
		out_wrap(&p->out, 20, 20, f->headline ? f->headline : "");
	}
}

static void findings(struct painter *p)
{
	const struct report none = {0};
	struct text t = {.out = p->out, .d = p->v->d, .r = &none};
	unsigned int n = 0;

	vec_each (f, &p->v->d->findings)
		if (finding_matters(f) && n < FINDINGS_SHOWN)
			text_finding(&t, ++n, f);
	buf_puts(p->out.buf, "\n");
}

/* What the host has besides, and no packet of the capture shows. */
static void host(struct painter *p)
{
	const struct diagnosis *d = p->v->host;
	size_t n = 0;

	if (!d)
		return;
	vec_each (f, &d->findings) {
		if (!finding_matters(f))
			continue;
		if (!n++)
			out_printf(&p->out, "%s, not seen in the capture\n", p->v->host_what);
		out_printf(&p->out, "   %-17s ", f->cause->id);
		out_wrap(&p->out, 21, 21, f->headline ? f->headline : f->cause->title);
	}
	if (!n)
		out_printf(&p->out, "%s: nothing else is wrong\n", p->v->host_what);
	buf_puts(p->out.buf, "\n");
}

/* ---- numbers ---- */

static void tcp_sums(struct painter *p)
{
	const struct capture_sum *s = &p->v->a->sum;
	const uint64_t *sums = p->v->a->flows.checksums;
	struct buf line = {0};

	if (!s->tcp)
		return;
	buf_printf(&line, "TCP: %s opened here, %s already under way, %s closed by FIN (TIME_WAIT at the client "
			  "%s, at the server %s); %s segments of data, %s sent again",
		   fmt_count(s->opened).s, fmt_count(s->midstream).s, fmt_count(s->closed).s,
		   fmt_count(s->time_wait[0]).s, fmt_count(s->time_wait[1]).s, fmt_count(s->segments).s,
		   fmt_count(s->again_sum).s);
	if (s->again_sum)
		buf_printf(&line, " (SYN %s, fast %s, tail loss probe %s, timeout %s, after a timeout %s, other %s; "
				  "%s of all needlessly)",
			   fmt_count(s->again[AGAIN_SYN]).s, fmt_count(s->again[AGAIN_FAST]).s,
			   fmt_count(s->again[AGAIN_TLP]).s, fmt_count(s->again[AGAIN_RTO]).s,
			   fmt_count(s->again[AGAIN_RTO_RECOVERY]).s,
			   fmt_count((uint64_t)s->again[AGAIN_LOST] + s->again[AGAIN_UNKNOWN]).s,
			   fmt_count(s->spurious).s);
	buf_printf(&line, "; lost before the capture %s, overtaken %s, twice %s, duplicate ACKs %s",
		   fmt_count(s->late).s, fmt_count(s->reordered).s, fmt_count(s->duplicates).s,
		   fmt_count(s->dup_acks).s);
	paragraph(p, &line);
	if (sums[CHECKSUM_LEFT_OUT])
		buf_printf(&line, "Checksums: of %s that were looked at, %s are left to the sending device (offload); "
				  "that is no damage",
			   fmt_count(sums[CHECKSUM_LEFT_OUT] + sums[CHECKSUM_RIGHT] + sums[CHECKSUM_WRONG]).s,
			   fmt_count(sums[CHECKSUM_LEFT_OUT]).s);
	if (sums[CHECKSUM_LEFT_OUT])
		paragraph(p, &line);
	buf_done(&line);
}

static void flow_line(struct painter *p, const struct flow *f)
{
	struct endpoint ends[2];
	uint64_t bytes = f->half[0].bytes + f->half[1].bytes, again = 0;
	char from[96], to[96];

	for (uint8_t i = 0; i < 2; i++) {
		uint8_t end = i ? !f->client : f->client;

		ends[i] = (struct endpoint){.family = f->key.family, .port = f->key.port[end]};
		memcpy(ends[i].address, f->key.address[end], 16);
		again += (uint64_t)f->half[end].again_sum + f->half[end].late;
	}
	out_printf(&p->out, "%8u  %s %s to %s, %s bytes in %s", f->number,
		   f->key.protocol == IPPROTO_UDP ? "udp" : "tcp",
		   endpoint_text(&ends[0], from, sizeof(from)), endpoint_text(&ends[1], to, sizeof(to)),
		   fmt_short((double)bytes).s, fmt_seconds((double)(f->last_ns - f->first_ns) / 1e9).s);
	if (again)
		out_printf(&p->out, ", %s again", fmt_count(again).s);
	if (f->bits & FLOW_RESET)
		out_printf(&p->out, ", reset");
	buf_puts(p->out.buf, "\n");
}

static void flows(struct painter *p)
{
	const struct analysis *a = p->v->a;

	if (!a->top_n)
		return;
	out_printf(&p->out, "\nFlows, the most troubled and the largest (--flow N shows one packet by packet)\n");
	for (size_t i = 0; i < MIN(a->top_n, (size_t)FLOWS_SHOWN); i++)
		flow_line(p, &a->top[i]);
}

static void servers(struct painter *p)
{
	const struct analysis *a = p->v->a;
	bool shown[SERVERS_MAX] = {false};

	if (a->servers_n < 2)
		return;
	out_printf(&p->out, "\nServers, the busiest\n");
	for (int n = 0; n < SERVERS_SHOWN; n++) {
		const struct server *best = NULL;
		char at[96];

		for (size_t i = 0; i < a->servers_n; i++)
			if (!shown[i] && (!best || a->servers[i].flows > best->flows))
				best = &a->servers[i];
		if (!best)
			break;
		shown[best - a->servers] = true;
		out_printf(&p->out, "  %s %s: %s flows, %s bytes", best->protocol == IPPROTO_UDP ? "udp" : "tcp",
			   best->at.family ? endpoint_text(&best->at, at, sizeof(at)) : "all others",
			   fmt_count(best->flows).s, fmt_short((double)best->bytes).s);
		if (best->rtt_n)
			out_printf(&p->out, ", RTT %.2f ms", (double)best->rtt_sum_ns / (double)best->rtt_n / 1e6);
		if (best->silent + best->refused)
			out_printf(&p->out, ", %s unanswered, %s refused", fmt_count(best->silent).s,
				   fmt_count(best->refused).s);
		buf_puts(p->out.buf, "\n");
	}
}

/* ---- what the numbers leave out ---- */

/* Its numbers for users have no names in libpcap. */
const char *capture_link_name(uint16_t linktype, char *to, size_t size)
{
	const char *name = pcap_datalink_val_to_name(linktype);

	if (linktype >= DLT_USER0 && linktype <= DLT_USER15)
		snprintf(to, size, "USER%u", linktype - DLT_USER0);
	else
		snprintf(to, size, "%s", name ? name : "unknown to libpcap");
	return to;
}

static void odd_links(const struct capture_sum *s, struct buf *line)
{
	char name[32];

	if (!s->unknown_link)
		return;
	buf_printf(line, "%s packets of link types that are not read:", fmt_count(s->unknown_link).s);
	for (size_t i = 0; i < ODD_LINKTYPES && s->odd_link[i].packets; i++) {
		buf_printf(line, "%s %u (%s)", i ? "," : "", s->odd_link[i].linktype,
			   capture_link_name(s->odd_link[i].linktype, name, sizeof(name)));
	}
	buf_puts(line, ". ");
}

static void damage(struct painter *p, struct buf *line)
{
	const struct reader_sum *f = p->v->file;

	for (size_t i = 0; i < MIN(f->problems, (uint64_t)PROBLEMS_TOLD); i++) {
		buf_printf(line, "Damaged at byte %llu: %s.", N(f->problem[i].offset), f->problem[i].what);
		paragraph(p, line);
	}
	if (f->problems > PROBLEMS_TOLD) {
		buf_printf(line, "And %llu more damaged places.", N(f->problems - PROBLEMS_TOLD));
		paragraph(p, line);
	}
}

static void caveats(struct painter *p)
{
	const struct capture_sum *s = &p->v->a->sum;
	struct buf line = {0};

	buf_puts(p->out.buf, "\n");
	damage(p, &line);
	odd_links(s, &line);
	if (p->v->note)
		buf_printf(&line, "%s. ", p->v->note);
	if (p->v->file->drops_known && p->v->file->drops)
		buf_printf(&line, "The capture itself missed %s packets, as %s says: they were on the wire. ",
			   fmt_count(p->v->file->drops).s,
			   strcmp(p->v->file->format, "live") == 0 ? "the kernel" : "the file");
	if (s->not_ip + s->other_ip)
		buf_printf(&line, "%s packets are not IP, %s neither TCP nor UDP. ", fmt_count(s->not_ip).s,
			   fmt_count(s->other_ip).s);
	if (s->cut)
		buf_printf(&line, "%s packets are cut within their headers. ", fmt_count(s->cut).s);
	if (s->fragments)
		buf_printf(&line, "%s are fragments: of each datagram only the first is told of. ",
			   fmt_count(s->fragments).s);
	if (s->backwards)
		buf_printf(&line, "The clock goes back at %s packets. ", fmt_count(s->backwards).s);
	if (s->evicted + s->untracked)
		buf_printf(&line, "Too many at once: %s connections were given up before their end, %s SYNs before an "
				  "answer could come. ",
			   fmt_count(s->evicted).s, fmt_count(s->untracked).s);
	if (line.len)
		paragraph(p, &line);
	buf_done(&line);
}

void render_capture_text(const struct capture_view *v, const struct text_style *style, struct buf *ret)
{
	struct painter p = {.v = v, .out = {ret, style}};

	header(&p);
	verdict(&p);
	list(&p);
	findings(&p);
	host(&p);
	tcp_sums(&p);
	flows(&p);
	servers(&p);
	caveats(&p);
}
