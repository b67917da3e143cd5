// SPDX-License-Identifier: GPL-2.0-or-later
/* One finding for each hop, way and kind; its subjects are the connections. */
#include "causes/compare.h"

#include <stdio.h>
#include <netinet/in.h>

#include "causes/capture.h"

#define SUBJECTS_MAX 10
#define NUMBERS_TOLD 8
#define LOSS_SHARE 0.01 /* as for a host's own: 1 % and at least 10 */
#define LOSS_LEAST 10
#define N(n) ((unsigned long long)(n))
#define S(n) ((n) == 1 ? "" : "s")

const char *hop_flow_text(const struct hop *h, uint8_t side, uint32_t flow, uint8_t from, char *to, size_t size)
{
	const struct flow_key *key = &h->side[side].flows.items[flow].key;
	struct endpoint e[2];
	char text[2][96];

	for (int i = 0; i < 2; i++) {
		e[i] = (struct endpoint){.family = key->family, .port = key->port[i ? !from : from]};
		memcpy(e[i].address, key->address[i ? !from : from], 16);
		endpoint_text(&e[i], text[i], sizeof(text[i]));
	}
	snprintf(to, size, "%s %s to %s",
		 key->protocol == IPPROTO_TCP ? "tcp" : key->protocol == IPPROTO_UDP ? "udp" : "ip",
		 text[0], text[1]);
	return to;
}

const char *change_name(enum hop_change_kind c)
{
	static const char *const names[CHANGE_N] = {
		[CHANGE_PAYLOAD] = "payload", [CHANGE_MSS] = "mss", [CHANGE_OPTIONS] = "options",
		[CHANGE_ECN] = "ecn", [CHANGE_DSCP] = "dscp", [CHANGE_WINDOW] = "window",
		[CHANGE_ID] = "identification",
	};

	return names[c];
}

/* ---- connections that have it ---- */

struct part {
	uint8_t side, from;
	uint32_t flow;
	uint64_t n;
};

static int by_n(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return (x->n < y->n) - (x->n > y->n);
}

static void numbers(const struct hop *h, const struct part *p, enum fate fate, struct buf *line)
{
	const struct hop_dir *d = hop_dir_of(h, p->side, p->flow, p->from);
	unsigned int told = 0;

	vec_each (s, &h->left) {
		if (s->fate != fate || hop_dir_of(h, s->side, s->flow, s->from) != d)
			continue;
		if (told++ == NUMBERS_TOLD) {
			buf_puts(line, " ...");
			return;
		}
		buf_printf(line, "%s%llu", told == 1 ? "packet " : ", ", N(s->number));
	}
}

static void subjects(const struct hop *h, enum way way, enum fate fate, struct finding *f)
{
	struct part *parts = xcalloc(2 * (h->side[0].flows.n + h->side[1].flows.n) + 1, sizeof(*parts));
	size_t n = 0;
	char text[256];

	for (uint8_t side = 0; side < 2; side++)
		for (uint32_t i = 0; i < h->side[side].flows.n; i++)
			for (uint8_t from = 0; from < 2; from++) {
				const struct hop_flow *flow = &h->side[side].flows.items[i];
				const struct hop_dir *d = &flow->dir[from];

				if ((side && flow->peer) || d->way != way || !d->fate[fate])
					continue;
				parts[n++] = (struct part){side, from, i, d->fate[fate]};
			}
	qsort(parts, n, sizeof(*parts), by_n);
	for (size_t i = 0; i < MIN(n, (size_t)SUBJECTS_MAX); i++) {
		struct buf line = {0};

		buf_printf(&line, "%s (%llu; ", hop_flow_text(h, parts[i].side, parts[i].flow, parts[i].from, text,
							      sizeof(text)), N(parts[i].n));
		numbers(h, &parts[i], fate, &line);
		buf_puts(&line, ")");
		finding_subject(f)->address = line.data;
	}
	free(parts);
}

/* ---- findings ---- */

static struct finding *begin(struct diagnosis *d, const char *id)
{
	struct exam x = {.d = d, .o = d->observations.items, .row = capture_cause(id)};

	return finding_new(&x);
}

static void words_of(const struct hop *h, enum way way, const char *ret[2])
{
	ret[0] = h->side[way_begins(way)].name;
	ret[1] = h->side[!way_begins(way)].name;
}

static void lost(const struct hop *h, enum way way, struct diagnosis *d)
{
	const struct hop_way *w = &h->way[way];
	uint64_t n = w->fate[FATE_LOST];
	const char *name[2];
	struct finding *f;

	if (!n)
		return;
	words_of(h, way, name);
	f = begin(d, "cap-hop-loss");
	finding_headline(f, "%llu packet%s lost between %s and %s", N(n), S(n), name[0], name[1]);
	finding_text(f, "Of %llu packets that %s shows on their way to %s, %llu never came there. The numbers below "
			"are those of %s.", N(w->upstream), name[0], name[1], N(n), name[0]);
	f->lost = n;
	f->of = w->upstream;
	f->unit = "packets";
	f->severity = n >= LOSS_LEAST && (double)n >= LOSS_SHARE * (double)w->upstream ? SEVERITY_WARNING
										       : SEVERITY_INFO;
	subjects(h, way, FATE_LOST, f);
	if (w->fate[FATE_MISSED])
		finding_exclude(f, "packets that one capture missed (%llu)", N(w->fate[FATE_MISSED]));
	if (w->fate[FATE_EDGE])
		finding_exclude(f, "packets before the begin or after the end of the other capture (%llu)",
				N(w->fate[FATE_EDGE]));
}

static void missed(const struct hop *h, enum way way, struct diagnosis *d)
{
	uint64_t n = h->way[way].fate[FATE_MISSED], by[2] = {0, 0};
	struct finding *f;

	if (!n)
		return;
	vec_each (s, &h->left)
		by[!s->side] += s->fate == FATE_MISSED && hop_dir_of(h, s->side, s->flow, s->from)->way == way;
	f = begin(d, "cap-gap");
	finding_headline(f, "the captures themselves missed %llu packets", N(n));
	finding_text(f, "%llu packets that passed %s are not in it, and %llu that passed %s: they were seen on both "
			"sides of it, or the receiver acknowledged them although nobody sent them again. They are "
			"not counted as lost.",
		     N(by[0]), h->side[0].name, N(by[1]), h->side[1].name);
	subjects(h, way, FATE_MISSED, f);
}

static void disorder(const struct hop *h, enum way way, struct diagnosis *d)
{
	const struct hop_way *w = &h->way[way];
	const char *name[2];
	struct finding *f;

	if (!w->fate[FATE_TWICE] && !w->reordered)
		return;
	words_of(h, way, name);
	f = begin(d, "cap-dup-reorder");
	finding_headline(f, "between %s and %s %llu packets were doubled, %llu overtaken", name[0], name[1],
			 N(w->fate[FATE_TWICE]), N(w->reordered));
	finding_text(f, "Of %llu packets from %s to %s, %llu came more than once (the numbers below are those of "
			"%s), and %llu came behind one that had been sent later.",
		     N(w->matched), name[0], name[1], N(w->fate[FATE_TWICE]), name[1], N(w->reordered));
	subjects(h, way, FATE_TWICE, f);
}

static void resets(const struct hop *h, enum way way, struct diagnosis *d)
{
	uint64_t n = h->way[way].fate[FATE_RESET];
	const char *name[2];
	struct finding *f;

	if (!n)
		return;
	words_of(h, way, name);
	f = begin(d, "cap-hop-altered");
	f->via = cause_by_id("rst-middlebox");
	finding_headline(f, "%llu reset%s made between %s and %s", N(n), S(n), name[0], name[1]);
	finding_text(f, "%s shows %llu reset%s that %s does not: a box between them made %s (the numbers below are "
			"those of %s).", name[1], N(n), S(n), name[0], n == 1 ? "it" : "them", name[1]);
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
	subjects(h, way, FATE_RESET, f);
}

/* ---- what was changed ---- */

static void change_words(enum hop_change_kind c, const struct hop_change *ch, struct buf *to)
{
	static const struct {
		enum hop_option bit;
		const char *name;
	} options[] = {{HOP_TS, "time stamps"}, {HOP_SACK, "SACK"}, {HOP_SCALE, "window scale"}, {HOP_MSS, "MSS"}};
	unsigned int n = 0;

	switch (c) {
	case CHANGE_PAYLOAD:
		buf_puts(to, "The bytes of the payload are others: damage, or a gateway that rewrites them.");
		return;
	case CHANGE_MSS:
		buf_printf(to, "The MSS of SYNs was %u and is %u: clamped to a smaller way.", ch->from, ch->to);
		return;
	case CHANGE_OPTIONS:
		buf_puts(to, "TCP options are not the same on both sides:");
		for (size_t i = 0; i < ARRAY_SIZE(options); i++)
			if ((ch->from ^ ch->to) & options[i].bit)
				buf_printf(to, "%s %s %s", n++ ? "," : "", options[i].name,
					   ch->to & options[i].bit ? "added" : "taken out");
		buf_puts(to, ".");
		return;
	case CHANGE_ECN:
		buf_printf(to, "The ECN bits were %u and are %u%s.", ch->from, ch->to,
			   ch->to == 3 || ch->from == 3 ? ": a queue between them marks what it would have dropped"
							: ": a box clears or sets them");
		return;
	case CHANGE_DSCP:
		buf_printf(to, "The DSCP was %u and is %u.", ch->from, ch->to);
		return;
	case CHANGE_WINDOW:
		buf_printf(to, "The window was %u and is %u (unscaled): a box shapes the flow.", ch->from, ch->to);
		return;
	case CHANGE_ID:
		buf_printf(to, "IPv4 identifications were rewritten (%u became %u): these were paired by sequence "
			       "and bytes.", ch->from, ch->to);
		return;
	case CHANGE_N:
		return;
	}
}

static void altered(const struct hop *h, enum hop_change_kind c, struct diagnosis *d)
{
	struct hop_change sum = {0};
	struct buf words = {0}, line = {0};
	uint32_t first = 0;
	uint8_t first_from = 0;
	struct finding *f;
	char text[256];

	for (uint32_t i = 0; i < h->side[0].flows.n; i++)
		for (uint8_t from = 0; from < 2; from++) {
			const struct hop_change *ch = &h->side[0].flows.items[i].dir[from].change[c];

			if (!ch->packets)
				continue;
			if (!sum.packets || ch->first < sum.first) {
				sum.first = ch->first;
				sum.from = ch->from;
				sum.to = ch->to;
				first = i;
				first_from = from;
			}
			sum.packets += ch->packets;
		}
	if (!sum.packets)
		return;
	change_words(c, &sum, &words);
	f = begin(d, "cap-hop-altered");
	finding_headline(f, "%llu packet%s changed between %s and %s: %s", N(sum.packets), S(sum.packets),
			 h->side[0].name, h->side[1].name, change_name(c));
	finding_text(f, "%s", words.data);
	f->severity = c == CHANGE_PAYLOAD || c == CHANGE_OPTIONS ? SEVERITY_WARNING : SEVERITY_INFO;
	buf_printf(&line, "%s (packet %llu of %s is the first)",
		   hop_flow_text(h, 0, first, first_from, text, sizeof(text)), N(sum.first), h->side[0].name);
	finding_subject(f)->address = line.data;
	buf_done(&words);
}

void compare_diagnose(const struct hop *hops, size_t n, struct diagnosis *ret)
{
	struct observation *o;

	*ret = (struct diagnosis){0};
	o = vec_push(&ret->observations);
	o->seconds = (double)(hops->side[0].last_ns - hops->side[0].first_ns) / 1e9;
	for (size_t i = 0; i < n; i++) {
		const struct hop *h = &hops[i];

		for (enum way w = WAY_THERE; w <= WAY_BACK; w++) {
			lost(h, w, ret);
			resets(h, w, ret);
			missed(h, w, ret);
			disorder(h, w, ret);
		}
		for (enum hop_change_kind c = 0; c < CHANGE_N; c++)
			altered(h, c, ret);
	}
	capture_worst_first(ret);
}
