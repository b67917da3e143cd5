// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attack, scan or load: what it looks like that fills a table. A guess from the entries themselves,
 * made only where they are clear, and always told with the figures it rests on.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define ENOUGH 20	  /* fewer entries look like nothing */
#define ANSWERED_SHARE 0.5 /* so many are whole connections: somebody wants them */
/* A flood: hardly anything is answered, nearly each entry has a source of its own, and most go to
 * one port. A scan: one source, and each entry goes elsewhere. */
#define FLOOD_UNANSWERED 0.9
#define FLOOD_SOURCES 0.5
#define FLOOD_PORT 0.5
#define SCAN_SOURCE 0.5
#define SCAN_AIMS 0.5

static double share_of_read(const struct crowd *c, uint64_t part)
{
	return c->read ? (double)part / (double)c->read : 0;
}

enum crowd_guess crowd_guess(const struct crowd *c)
{
	double unanswered = share_of_read(c, c->unanswered);
	const struct crowd_top *source = &c->sources.top[0], *port = &c->ports.top[0];

	if (c->read < ENOUGH)
		return CROWD_UNCLEAR;
	if (unanswered <= ANSWERED_SHARE)
		return CROWD_LOAD;
	if (share_of_read(c, source->n) >= SCAN_SOURCE && c->aims >= ENOUGH &&
	    c->aims >= SCAN_AIMS * source->n)
		return CROWD_SCAN;
	if (unanswered >= FLOOD_UNANSWERED && c->sources.distinct >= ENOUGH &&
	    share_of_read(c, c->sources.distinct) >= FLOOD_SOURCES &&
	    share_of_read(c, port->n) >= FLOOD_PORT)
		return CROWD_ATTACK;
	return CROWD_UNCLEAR;
}

static double percent(const struct crowd *c, uint64_t part)
{
	return 100 * share_of_read(c, part);
}

static char *why_of(const struct crowd *c, enum crowd_guess guess)
{
	const struct crowd_top *source = &c->sources.top[0];
	struct buf b = {0};
	char from[64] = "";

	if (c->sources.top_n)
		address_text(source->family, source->address, from, sizeof(from));
	if (c->of > c->read)
		buf_printf(&b, "of %llu of %llu %s", (unsigned long long)c->read,
			   (unsigned long long)c->of, c->what);
	else
		buf_printf(&b, "of %llu %s", (unsigned long long)c->read, c->what);
	buf_printf(&b, " %.0f %% are unanswered", percent(c, c->unanswered));
	if (guess == CROWD_SCAN)
		buf_printf(&b, "; %s has %.0f %% of them and turned to %u addresses and ports", from,
			   percent(c, source->n), c->aims);
	else
		buf_printf(&b, "; they come from %u source%s, the busiest has %.0f %%",
			   c->sources.distinct, c->sources.distinct == 1 ? "" : "s",
			   percent(c, source->n));
	if (guess == CROWD_ATTACK)
		buf_printf(&b, ", and %.0f %% go to port %u: whoever sends waits for no answer, or "
			       "the sources are forged",
			   percent(c, c->ports.top[0].n), c->ports.top[0].port);
	return b.data;
}

void crowd_forget(struct finding *f)
{
	if (f->crowd)
		free(f->crowd->why);
	free(f->crowd);
	f->crowd = NULL;
}

void crowd_tell(struct finding *f, const char *what, uint64_t of, const struct crowd_entry *entries,
		size_t n)
{
	crowd_forget(f);
	if (!n)
		return;
	f->crowd = xcalloc(1, sizeof(*f->crowd));
	f->crowd->sum = (struct crowd){.what = what, .of = of};
	crowd_sum(entries, n, &f->crowd->sum);
	f->crowd->guess = crowd_guess(&f->crowd->sum);
	f->crowd->why = why_of(&f->crowd->sum, f->crowd->guess);
}

/* Before any larger table: a flood fills that as well. */
void crowd_remedies(struct exam *x, struct finding *f)
{
	const struct crowd *c = f->crowd ? &f->crowd->sum : NULL;
	char from[64], enter[96];
	struct remedy *r;

	if (!c || f->crowd->guess < CROWD_SCAN)
		return;
	if (f->crowd->guess == CROWD_ATTACK) {
		r = finding_remedy(f, "limit-before-tracking", REMEDY_NETFILTER,
				   "limit new connections to port %u before they are tracked: "
				   "SYNPROXY, or a rate limit in a chain of priority raw; upstream "
				   "where the line itself fills",
				   c->ports.top[0].port);
		remedy_why(r, "each of %u sources has hardly more than one entry: no list of "
			      "addresses would stop them",
			   c->sources.distinct);
		remedy_risk(r, "a rate limit meets those who are welcome as well");
		return;
	}
	address_text(c->sources.top[0].family, c->sources.top[0].address, from, sizeof(from));
	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "drop-scanner", REMEDY_NETFILTER, "drop what %s sends before it is tracked",
			   from);
	remedy_why(r, "%u of %llu entries are of that one source", c->sources.top[0].n,
		   (unsigned long long)c->read);
	remedy_risk(r, "whoever shares that address (NAT) is cut off too; a monitoring host that "
		       "asks many ports looks the same");
	remedy_command(r, "%snft add table inet scanners", enter);
	remedy_command(r, "%snft add chain inet scanners pre '{ type filter hook prerouting priority raw; }'",
		       enter);
	remedy_command(r, "%snft add rule inet scanners pre %s saddr %s counter drop", enter,
		       c->sources.top[0].family == AF_INET ? "ip" : "ip6", from);
	remedy_undo(r, "%snft delete table inet scanners", enter);
}

void crowd_tell_tracked(struct exam *x, struct finding *f)
{
	const struct source_state *state = &x->o->b.source[SRC_TRACKED];

	if (state->status == SOURCE_OK)
		crowd_tell(f, "tracked connections", x->o->b.counter[C_CT_ENTRIES],
			   x->o->b.tracked.items, x->o->b.tracked.n);
	else if (state->status == SOURCE_ABSENT && state->err == -EOPNOTSUPP)
		evidence_text(f, x, "whose they are is not known: nf_conntrack_netlink is not loaded");
	else if (state->status == SOURCE_ABSENT && state->err)
		evidence_text(f, x, "whose they are is not known: ctnetlink says %s",
			      errno_name(state->err));
}

const char *crowd_guess_name(enum crowd_guess g)
{
	static const char *const names[] = {
		[CROWD_UNCLEAR] = "unclear",
		[CROWD_LOAD] = "load",
		[CROWD_SCAN] = "scan",
		[CROWD_ATTACK] = "attack",
	};

	return names[g];
}
