// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/ledger.h"

const struct reason_row reason_rows[] = {
#define R(name_, stage_, meaning_) {.name = #name_, .meaning = meaning_, .stage = STAGE_##stage_},
#include "model/reasons.def"
#undef R
};
const size_t reason_rows_n = ARRAY_SIZE(reason_rows);

const struct benign_row benign_rows[] = {
#define B(reason_, symbol_, protocol_, why_)                                                       \
	{.reason = reason_, .symbol = symbol_, .protocol = protocol_, .why = why_},
#include "model/benign.def"
#undef B
};
const size_t benign_rows_n = ARRAY_SIZE(benign_rows);

const struct reason_row *reason_row(const char *name)
{
	for (size_t i = 0; i < reason_rows_n; i++)
		if (strcmp(reason_rows[i].name, name) == 0)
			return &reason_rows[i];
	return NULL;
}

const char *drop_why_benign(const struct drop *d)
{
	for (size_t i = 0; i < benign_rows_n; i++) {
		const struct benign_row *row = &benign_rows[i];

		if ((!row->reason || strcmp(row->reason, d->reason) == 0) &&
		    (!row->symbol || strcmp(row->symbol, d->symbol) == 0) &&
		    (!row->protocol || row->protocol == d->protocol))
			return row->why;
	}
	return NULL;
}

uint64_t drops_lost(const struct drops *drops)
{
	uint64_t lost = 0;

	vec_each(d, &drops->rows)
		lost += drop_why_benign(d) ? 0 : d->packets;
	return lost;
}

void ledger_init_of(struct ledger *l, const struct drops *drops, uint64_t lost, uint32_t netns)
{
	*l = (struct ledger){.drops = drops, .netns = netns, .elsewhere = lost};
	vec_each(d, &drops->rows) {
		struct ledger_line *line;

		if (d->netns != netns)
			continue;
		line = vec_push(&l->lines);
		line->drop = d;
		line->benign = drop_why_benign(d);
		l->traced += d->packets;
		l->benign += line->benign ? d->packets : 0;
		l->elsewhere -= line->benign ? 0 : d->packets;
	}
	vec_each(flow, &drops->flows)
		if (flow->netns == netns)
			*vec_push(&l->flows) = flow;
}

void ledger_init(struct ledger *l, const struct drops *drops, uint32_t netns)
{
	ledger_init_of(l, drops, drops_lost(drops), netns);
}

void ledger_done(struct ledger *l)
{
	vec_each(line, &l->lines)
		vec_done(&line->shares);
	vec_done(&l->lines);
	vec_done(&l->flows);
}

static bool in_list(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

bool drop_matches(const struct drop *d, const struct drop_filter *f)
{
	return (!f->reasons || in_list(f->reasons, d->reason)) &&
	       (!f->symbols || in_list(f->symbols, d->symbol)) &&
	       (!f->protocol || f->protocol == d->protocol) &&
	       (!f->ethertype || f->ethertype == d->ethertype) &&
	       (!f->ifindex || f->ifindex == d->ifindex) && (!f->cookie || f->cookie == d->cookie);
}

uint64_t ledger_traced(const struct ledger *l, const struct drop_filter *f)
{
	uint64_t sum = 0;

	vec_each(line, &l->lines)
		if (!line->benign && drop_matches(line->drop, f))
			sum += line->drop->packets;
	return sum;
}

uint64_t ledger_unclaimed(const struct ledger *l, const struct drop_filter *f)
{
	uint64_t sum = 0;

	vec_each(line, &l->lines)
		if (!line->benign && drop_matches(line->drop, f))
			sum += line->drop->packets - line->claimed;
	return sum;
}

static void share_of(struct ledger_line *line, const char *cause, uint64_t packets)
{
	struct ledger_share *share = NULL;

	vec_each(known, &line->shares)
		if (known->cause == cause)
			share = known;
	if (!share)
		share = vec_push(&line->shares);
	share->cause = cause;
	share->packets += packets;
}

uint64_t ledger_claim(struct ledger *l, const struct drop_filter *f, uint64_t most)
{
	uint64_t taken = 0;

	vec_each(line, &l->lines) {
		uint64_t n;

		if (line->benign || !drop_matches(line->drop, f))
			continue;
		n = MIN(line->drop->packets - line->claimed, most - taken);
		if (!n)
			continue;
		line->claimed += n;
		share_of(line, l->claimant, n);
		taken += n;
	}
	return taken;
}

uint64_t ledger_unexplained(const struct ledger *l)
{
	uint64_t sum = 0;

	vec_each(line, &l->lines)
		if (!line->benign)
			sum += line->drop->packets - line->claimed;
	return sum;
}
