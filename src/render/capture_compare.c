// SPDX-License-Identifier: GPL-2.0-or-later
/* Each hop in a few lines, then the findings, in less than a hundred lines. */
#include "render/capture_compare.h"

#include "render/fmt.h"
#include "render/text.h"

#define FINDINGS_SHOWN 5
#define FINDINGS_LISTED 12
#define TRANSLATED_SHOWN 3
#define DAMAGE_SHOWN 2
#define N(n) ((unsigned long long)(n))
#define S(n) ((n) == 1 ? "" : "s")

struct painter {
	const struct compare_view *v;
	struct out out;
};

struct words {
	char s[32];
};

static struct words ms(int64_t ns)
{
	struct words w;

	snprintf(w.s, sizeof(w.s), "%.3f ms", (double)ns / 1e6);
	return w;
}

static void paragraph(struct painter *p, struct buf *line)
{
	out_wrap(&p->out, 0, 2, line->data ? line->data : "");
	buf_clear(line);
}

static void clock_line(struct painter *p, const struct hop *h)
{
	const struct hop_clock *c = &h->clock;
	struct buf line = {0};

	if (!c->pairs)
		buf_puts(&line, "  Clocks: no packet of a sample is in both: the same traffic?");
	else if (c->known)
		buf_printf(&line, "  Clocks: that of %s is %s %s, give or take %s (the smallest delays of both ways "
				  "taken as equal).",
			   h->side[1].name, ms(llabs(c->offset_ns)).s, c->offset_ns < 0 ? "behind" : "ahead",
			   ms(c->error_ns).s);
	else
		buf_puts(&line, "  Clocks: their offset is not known, as packets pass one way only; delays are told "
				"above the smallest.");
	paragraph(p, &line);
	buf_done(&line);
}

static void way_line(struct painter *p, const struct hop *h, enum way way)
{
	const struct hop_way *w = &h->way[way];
	struct buf line = {0};

	if (!w->upstream && !w->fate[FATE_MISSED] && !w->fate[FATE_EDGE])
		return;
	buf_printf(&line, "  %s to %s: %s packets, %s lost", h->side[way_begins(way)].name,
		   h->side[!way_begins(way)].name, fmt_count(w->upstream).s, fmt_count(w->fate[FATE_LOST]).s);
	if (w->fate[FATE_LOST])
		buf_printf(&line, " (%s)", fmt_share(w->fate[FATE_LOST], w->upstream).s);
	buf_printf(&line, ", %s doubled, %s overtaken, %s missed by a capture", fmt_count(w->fate[FATE_TWICE]).s,
		   fmt_count(w->reordered).s, fmt_count(w->fate[FATE_MISSED]).s);
	if (w->fate[FATE_EDGE])
		buf_printf(&line, ", %s outside of the common time", fmt_count(w->fate[FATE_EDGE]).s);
	if (w->matched)
		buf_printf(&line, "; delay %s %s, median %s, 95 %% below %s, longest %s, jitter %s",
			   h->clock.known ? "at least" : "above the smallest", ms(w->least_ns).s,
			   ms(hop_delay(w, 500)).s, ms(hop_delay(w, 950)).s, ms(w->most_ns).s, ms(w->jitter_ns).s);
	buf_puts(&line, ".");
	paragraph(p, &line);
	buf_done(&line);
}

static void translations(struct painter *p, const struct hop *h)
{
	struct buf line = {0};
	char a[256], b[256];
	size_t n = 0;

	for (uint32_t i = 0; i < h->side[0].flows.n; i++) {
		const struct hop_flow *f = &h->side[0].flows.items[i];

		if (!f->translated || n++ >= TRANSLATED_SHOWN)
			continue;
		buf_printf(&line, "%s %s is %s there", n == 1 ? "  Addresses or ports are translated:" : ";",
			   hop_flow_text(h, 0, i, 0, a, sizeof(a)),
			   hop_flow_text(h, 1, f->peer - 1, f->flip, b, sizeof(b)));
	}
	if (n > TRANSLATED_SHOWN)
		buf_printf(&line, "; and %zu more flows", n - TRANSLATED_SHOWN);
	if (n) {
		buf_puts(&line, ".");
		paragraph(p, &line);
	}
	buf_done(&line);
}

static void caveats(struct painter *p, const struct hop *h)
{
	uint64_t elsewhere = h->way[0].fate[FATE_ELSEWHERE] + h->way[1].fate[FATE_ELSEWHERE];
	uint64_t merged = h->way[0].fate[FATE_MERGED] + h->way[1].fate[FATE_MERGED];
	struct buf line = {0};

	for (int i = 0; i < 2; i++) {
		const struct hop_side *s = &h->side[i];

		for (size_t j = 0; j < MIN(s->file.problems, (uint64_t)DAMAGE_SHOWN); j++)
			buf_printf(&line, "%s is damaged at byte %llu: %s. ", s->name, N(s->file.problem[j].offset),
				   s->file.problem[j].what);
		if (s->segments)
			buf_printf(&line, "In %s large packets were taken apart into %s segments (GSO, GRO). ", s->name,
				   fmt_count(s->segments).s);
		if (s->fragments)
			buf_printf(&line, "%s fragments of %s are not compared. ", fmt_count(s->fragments).s, s->name);
		if (s->untracked)
			buf_printf(&line, "%s packets of %s are of flows beyond the first %u, and not compared. ",
				   fmt_count(s->untracked).s, s->name, HOP_FLOWS_MAX);
	}
	if (elsewhere)
		buf_printf(&line, "%s packets are of traffic that passes only one of the two. ",
			   fmt_count(elsewhere).s);
	if (merged)
		buf_printf(&line, "%s packets are cut or joined differently, and were compared byte by byte. ",
			   fmt_count(merged).s);
	if (h->hurried)
		buf_printf(&line, "Too many packets under way at once: %s were judged before %d s were over. ",
			   fmt_count(h->hurried).s, (int)(HOP_WINDOW_NS / NSEC_PER_SEC));
	if (h->left_out)
		buf_printf(&line, "%s packets more without a partner were not judged. ", fmt_count(h->left_out).s);
	if (line.len) {
		out_printf(&p->out, "  ");
		out_wrap(&p->out, 2, 2, line.data);
	}
	buf_done(&line);
}

static void hop(struct painter *p, const struct hop *h, size_t number)
{
	struct buf line = {0};

	buf_printf(&line, "Hop %zu: %s (%s packets, %s) to %s (%s packets, %s)", number, h->side[0].name,
		   fmt_count(h->side[0].packets).s,
		   fmt_seconds((double)(h->side[0].last_ns - h->side[0].first_ns) / 1e9).s, h->side[1].name,
		   fmt_count(h->side[1].packets).s,
		   fmt_seconds((double)(h->side[1].last_ns - h->side[1].first_ns) / 1e9).s);
	paragraph(p, &line);
	clock_line(p, h);
	way_line(p, h, WAY_THERE);
	way_line(p, h, WAY_BACK);
	translations(p, h);
	caveats(p, h);
	buf_done(&line);
}

static void findings(struct painter *p)
{
	const struct report none = {0};
	struct text t = {.out = p->out, .d = p->v->d, .r = &none};
	bool signs = p->out.style->signs;
	unsigned int n = 0, told = 0;

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
	vec_each (f, &p->v->d->findings)
		if (told < FINDINGS_SHOWN)
			text_finding(&t, ++told, f);
}

void render_compare_text(const struct compare_view *v, const struct text_style *style, struct buf *ret)
{
	struct painter p = {.v = v, .out = {ret, style}};
	size_t wrong = 0;

	vec_each (f, &v->d->findings)
		wrong += finding_matters(f);
	for (size_t i = 0; i < v->n; i++)
		hop(&p, &v->hops[i], i + 1);
	buf_puts(ret, "\n");
	if (wrong)
		out_tinted(&p.out, TINT_RED, "SOMETHING IS WRONG");
	else
		out_tinted(&p.out, TINT_GREEN, "HEALTHY");
	out_printf(&p.out, "   %zu finding%s, %zu note%s\n\n", wrong, S(wrong), v->d->findings.n - wrong,
		   S(v->d->findings.n - wrong));
	findings(&p);
}
