// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What findings say of lines: the cause of traced packets, the rule or socket that dropped them
 * (which a row of the trace does not tell), and losses that leave no event at all.
 */
#include <stdio.h>

#include "watch/parts.h"

#define CREDIT_STAYS 3 /* intervals */
#define CREDITS_MAX 4096

static const struct cause_row *loss_point(const struct finding *f)
{
	return f->via ? f->via : f->cause;
}

static bool has_subject(const struct finding *f, uint64_t cookie)
{
	vec_each(s, &f->subjects)
		if (s->has_socket && s->socket.cookie == cookie)
			return true;
	return false;
}

/* Of two findings of one loss point (a stopped reader and a slow one) the one that names the socket. */
static void take_better(const struct finding **best, const struct finding *f,
			const struct observation *o, const char *claimant, const struct drop *drop)
{
	if (f->where != o || strcmp(loss_point(f)->id, claimant) != 0)
		return;
	if (!*best || (drop->cookie && has_subject(f, drop->cookie)))
		*best = f;
}

bool told_by(const struct diagnosis *d, const struct observation *o, const char *claimant,
	     const struct drop *drop, struct told *ret)
{
	const struct finding *best = NULL;

	vec_each(f, &d->findings)
		take_better(&best, f, o, claimant, drop);
	vec_each(i, &d->ignored)
		take_better(&best, &i->finding, o, claimant, drop);
	vec_each(f, &d->others)
		take_better(&best, f, o, claimant, drop);
	ret->at = best ? loss_point(best) : cause_by_id(claimant);
	ret->cause = best ? best->cause : ret->at;
	return ret->at;
}

/* ---- rules, and sockets that the kernel does not name ---- */

void credit_done(struct watch_credit *c)
{
	free(c->rule.text);
	free(c->process);
}

static struct watch_credit *credit_for(struct watch *w, const struct cause_row *at, uint32_t netns,
				       const struct subject *s)
{
	struct watch_credit *c;

	vec_each(known, &w->credits)
		if (known->at == at && known->netns == netns && known->has_rule == s->has_rule &&
		    (s->has_rule ? same_rule(&known->rule, &s->rule)
				 : same_socket(&known->socket, &s->socket)))
			return known;
	if (w->credits.n >= CREDITS_MAX)
		return NULL;
	c = vec_push(&w->credits);
	c->at = at;
	c->netns = netns;
	c->has_rule = s->has_rule;
	c->has_socket = !s->has_rule;
	c->rule = s->rule;
	c->rule.text = NULL;
	c->socket = s->socket;
	return c;
}

static void add_credit(struct watch *w, const struct finding *f, const struct subject *s)
{
	struct watch_credit *c = credit_for(w, loss_point(f), f->where->inode, s);

	if (!c)
		return;
	c->packets += s->lost;
	c->last_interval = w->interval;
	c->rule.text_err = s->rule.text_err;
	if (s->rule.text && !c->rule.text)
		c->rule.text = xstrdup(s->rule.text);
	if (s->has_process && !c->process) {
		c->process = xcalloc(1, sizeof(*c->process));
		*c->process = s->process;
	}
}

static void add_credits_of(struct watch *w, const struct finding *f)
{
	if (f->state != LOSING)
		return;
	vec_each(s, &f->subjects)
		if (s->has_lost && s->lost && (s->has_rule || s->has_socket))
			add_credit(w, f, s);
}

void add_credits(struct watch *w, const struct diagnosis *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->credits.n; i++) {
		struct watch_credit *c = &w->credits.items[i];

		if (c->packets && c->last_interval + CREDIT_STAYS > w->interval)
			w->credits.items[kept++] = *c;
		else
			credit_done(c);
	}
	w->credits.n = kept;
	vec_each(f, &d->findings)
		add_credits_of(w, f);
	vec_each(i, &d->ignored)
		add_credits_of(w, &i->finding);
	vec_each(f, &d->others)
		add_credits_of(w, f);
}

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd

static bool family_fits(uint16_t ethertype, const char *family)
{
	size_t n = strlen(family);

	/* "ip", "ip6", "inet", "bridge", and with a word before them those of legacy iptables. */
	if (ethertype == ETHERTYPE_IPV6)
		return !(n >= 2 && strcmp(family + n - 2, "ip") == 0);
	if (ethertype == ETHERTYPE_IPV4)
		return !(n >= 3 && strcmp(family + n - 3, "ip6") == 0);
	return true;
}

bool credit_left(const struct watch *w, const struct cause_row *at, const struct drop *d)
{
	vec_each(c, &w->credits)
		if (c->packets && c->has_rule && c->at == at && c->netns == d->netns &&
		    family_fits(d->ethertype, c->rule.family))
			return true;
	return false;
}

static bool may_be(const struct watch_line *l, const struct watch_credit *c)
{
	if (!l->unsettled || !c->packets || l->at != c->at || l->netns != c->netns || l->has_rule)
		return false;
	if (c->has_rule)
		return family_fits(l->ethertype, c->rule.family);
	/* Where the kernel names the receiver nothing is to be guessed. */
	return !l->has_socket && (!l->protocol || l->protocol == c->socket.protocol);
}

/*
 * Moves packets of line number `from` to the line of that rule or socket. What was traced in this
 * interval moves with the interval's numbers, what was waiting only with the total.
 */
static void move(struct watch *w, size_t from, struct watch_credit *c, uint64_t n, bool blur)
{
	struct watch_line like = w->lines.items[from], *to, *l;
	uint64_t bytes, now;

	like.has_rule = c->has_rule;
	like.has_socket = like.has_socket || c->has_socket;
	like.rule = c->has_rule ? c->rule : (struct rule_ref){0};
	if (c->has_socket)
		like.socket = c->socket;
	like.process = c->has_socket ? c->process : like.process;
	like.ethertype = 0;
	like.protocol = 0;
	if (blur)
		like.device[0] = '\0';
	to = line_like(w, &like);
	l = &w->lines.items[from];
	line_learn(to, c->process, &c->rule);
	bytes = (uint64_t)((double)l->total_bytes / (double)l->total * (double)n + 0.5);
	bytes = n == l->total ? l->total_bytes : MIN(bytes, l->total_bytes);
	now = MIN(n, l->packets);
	to->cause = l->cause;
	to->explained = l->explained;
	to->packets += now;
	l->packets -= now;
	to->bytes += MIN(bytes, l->bytes);
	l->bytes -= MIN(bytes, l->bytes);
	to->total += n;
	to->total_bytes += bytes;
	l->total -= n;
	l->total_bytes -= bytes;
	l->unsettled -= n;
	c->packets -= n;
	to->first_ns = to->first_ns ? MIN(to->first_ns, l->first_ns) : l->first_ns;
	to->last_ns = MAX(to->last_ns, l->last_ns);
	to->last_interval = MAX(to->last_interval, l->last_interval);
}

/* What a credit shares with others: which lines it may be of. */
struct choice {
	bool several;	       /* credits, and lines for them */
	bool meant, not_meant; /* lines of both kinds */
	bool devices;	       /* several */
};

static struct choice choices(const struct watch *w, const struct watch_credit *of)
{
	const struct watch_line *first = NULL;
	size_t lines = 0, credits = 0;
	struct choice c = {0};

	vec_each(l, &w->lines) {
		if (!l->unsettled || l->at != of->at || l->netns != of->netns || l->has_rule)
			continue;
		lines++;
		c.meant |= !l->not_meant;
		c.not_meant |= l->not_meant;
		c.devices |= first && strcmp(first->device, l->device) != 0;
		first = l;
	}
	vec_each(other, &w->credits)
		credits += other->packets && other->at == of->at && other->netns == of->netns;
	c.several = lines > 1 && credits > 1;
	return c;
}

/* As near as counters and trace of one interval come to each other. */
static bool about_equal(uint64_t a, uint64_t b)
{
	uint64_t most = MAX(a, b);

	return most - MIN(a, b) <= MAX(2, most / 50);
}

/* The line that has about the same number, where no other line or credit has. */
static bool settle_equal(struct watch *w, struct watch_credit *c)
{
	size_t found = SIZE_MAX, fitting = 0;

	for (size_t i = 0; i < w->lines.n; i++)
		if (may_be(&w->lines.items[i], c) &&
		    about_equal(w->lines.items[i].unsettled, c->packets)) {
			found = i;
			fitting++;
		}
	vec_each(other, &w->credits)
		if (other != c && other->at == c->at && other->netns == c->netns &&
		    about_equal(other->packets, c->packets))
			return false;
	if (fitting != 1)
		return false;
	move(w, found, c, MIN(w->lines.items[found].unsettled, c->packets), false);
	return true;
}

/*
 * One rule: the packets are its. Several rules and several kinds of packets: first those whose
 * numbers agree; of the rest only the sums are known, so the device is not told, and where a filter
 * means some of the packets nothing is.
 */
void settle(struct watch *w)
{
	struct choice *choice = xcalloc(w->credits.n + 1, sizeof(*choice));
	bool *settled = xcalloc(w->credits.n + 1, sizeof(*settled));

	/* What is asked of all must not depend on whose turn came before. */
	for (size_t k = 0; k < w->credits.n; k++)
		choice[k] = choices(w, &w->credits.items[k]);
	for (size_t k = 0; k < w->credits.n; k++)
		settled[k] = choice[k].several && settle_equal(w, &w->credits.items[k]);
	for (size_t k = 0; k < w->credits.n; k++)
		choice[k] = choices(w, &w->credits.items[k]);
	for (size_t k = 0; k < w->credits.n; k++) {
		struct watch_credit *c = &w->credits.items[k];
		const struct choice *of = &choice[k];

		/* What is left of a number that agreed belongs to the next interval. */
		if (settled[k] || (of->several && of->meant && of->not_meant))
			continue;
		for (size_t i = 0, n = w->lines.n; i < n; i++)
			if (may_be(&w->lines.items[i], c))
				move(w, i, c, MIN(w->lines.items[i].unsettled, c->packets),
				     of->several && of->devices);
	}
	free(settled);
	free(choice);
}

/* ---- losses that leave no event ---- */

static uint64_t traced_share(const struct diagnosis *d, const struct finding *f)
{
	size_t i = (size_t)(f->where - d->observations.items);
	uint64_t sum = 0;

	if (i >= d->ledgers.n)
		return 0;
	vec_each(line, &d->ledgers.items[i].lines)
		vec_each(share, &line->shares)
			if (strcmp(share->cause, loss_point(f)->id) == 0)
				sum += share->packets;
	return sum;
}

static struct watch_line counted_line(const struct finding *f)
{
	struct watch_line l = {.how = WATCH_COUNTED,
			       .at = loss_point(f),
			       .cause = f->cause,
			       .netns = f->where->inode,
			       .unit = f->unit ? f->unit : "packets"};

	memcpy(l.netns_name, f->where->name, sizeof(l.netns_name));
	return l;
}

static void count(struct watch *w, const struct watch_line *like, const struct process *owner,
		  const struct rule_ref *rule, uint64_t n)
{
	struct watch_line *l;

	if (!n)
		return;
	l = line_like(w, like);
	line_explain(w, l, like->cause);
	line_learn(l, owner, rule);
	line_add(w, l, n, 0);
}

/* Each subject that has a number of its own, then the rest. */
static void count_finding(struct watch *w, const struct finding *f, uint64_t lost)
{
	struct watch_line like = counted_line(f);

	vec_each(s, &f->subjects) {
		struct watch_line own = counted_line(f);
		uint64_t n = MIN(s->lost, lost);

		if (!s->has_lost || !n)
			continue;
		memcpy(own.device, s->device, sizeof(own.device));
		own.has_cpu = s->cpu >= 0;
		own.cpu = MAX(s->cpu, 0);
		own.has_socket = s->has_socket;
		own.socket = s->socket;
		own.has_rule = s->has_rule;
		own.rule = s->rule;
		count(w, &own, s->has_process ? &s->process : NULL, s->has_rule ? &s->rule : NULL,
		      n);
		lost -= n;
	}
	/* Most often there is one subject that has no number because all of it is its. */
	if (f->subjects.n == 1 && !f->subjects.items[0].has_lost)
		memcpy(like.device, f->subjects.items[0].device, sizeof(like.device));
	count(w, &like, NULL, NULL, lost);
}

static bool takes_part(const struct finding *f)
{
	return f->state == LOSING && f->lost && loss_point(f)->kind == CAUSE_LOSS_POINT;
}

/*
 * A cause that makes events and has none in this interval: they may come with the next one. Then
 * the drops that nobody explains now, or that are the cause's own, are these packets.
 */
static void hold(struct watch *w, const struct finding *f)
{
	struct watch_pending *p = vec_push(&w->pending);

	p->at = loss_point(f);
	p->cause = f->cause;
	p->netns = f->where->inode;
	memcpy(p->netns_name, f->where->name, sizeof(p->netns_name));
	p->packets = f->lost;
	p->interval = w->interval;
}

static bool traced_lately(const struct watch *w, const struct watch_pending *p)
{
	vec_each(l, &w->lines)
		if (l->how == WATCH_TRACED && l->netns == p->netns && !l->benign && l->packets &&
		    (!l->at || l->at == p->at))
			return true;
	return false;
}

/* Those of the intervals before this one. */
static void count_held(struct watch *w, unsigned int before)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->pending.n; i++) {
		struct watch_pending p = w->pending.items[i];
		struct watch_line like = {.how = WATCH_COUNTED, .at = p.at, .cause = p.cause,
					  .netns = p.netns, .unit = "packets"};

		if (p.interval >= before) {
			w->pending.items[kept++] = p;
			continue;
		}
		memcpy(like.netns_name, p.netns_name, sizeof(like.netns_name));
		if (!traced_lately(w, &p))
			count(w, &like, NULL, NULL, p.packets);
	}
	w->pending.n = kept;
}

void watch_end(struct watch *w)
{
	count_held(w, w->interval + 1);
}

static void count_one(struct watch *w, const struct diagnosis *d, const struct finding *f)
{
	uint64_t traced;

	if (!takes_part(f))
		return;
	traced = traced_share(d, f);
	if (!d->drops->err && loss_point(f)->has_event) {
		if (!traced)
			hold(w, f);
		return;
	}
	count_finding(w, f, f->lost - MIN(f->lost, traced));
}

void add_counted(struct watch *w, const struct diagnosis *d)
{
	vec_each(f, &d->findings)
		count_one(w, d, f);
	vec_each(i, &d->ignored)
		count_one(w, d, &i->finding);
	vec_each(f, &d->others)
		count_one(w, d, f);
	count_held(w, w->interval);
}
