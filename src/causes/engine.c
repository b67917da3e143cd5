// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The engine: asks every cause about every namespace, lets explanations take over the loss points
 * they explain, puts the findings in order and draws the verdict.
 */
#include <errno.h>

#include "causes/join.h"
#include "causes/stages.h"

const struct cause_row cause_rows[] = {
#define LOSS(id_, title_, stage_, dir_, all_, any_, counter_, event_, companions_, lab_, guide_,   \
	     fn_, describe_)                                                                       \
	{.id = id_,                                                                                \
	 .title = title_,                                                                          \
	 .kind = CAUSE_LOSS_POINT,                                                                 \
	 .stage = STAGE_##stage_,                                                                  \
	 .direction = DIR_##dir_,                                                                  \
	 .needs_all = all_,                                                                        \
	 .needs_any = any_,                                                                        \
	 .has_counter = counter_,                                                                  \
	 .has_event = event_,                                                                      \
	 .companions = companions_,                                                                \
	 .lab = lab_,                                                                              \
	 .guide = guide_,                                                                          \
	 .examine = fn_,                                                                           \
	 .describe = describe_},
#define EXPLAINS(id_, title_, stage_, dir_, all_, companions_, lab_, guide_, alone_, fn_,          \
		 describe_)                                                                        \
	{.id = id_,                                                                                \
	 .title = title_,                                                                          \
	 .kind = CAUSE_EXPLANATION,                                                                \
	 .stage = STAGE_##stage_,                                                                  \
	 .direction = DIR_##dir_,                                                                  \
	 .needs_all = all_,                                                                        \
	 .companions = companions_,                                                                \
	 .lab = lab_,                                                                              \
	 .guide = guide_,                                                                          \
	 .examine = alone_,                                                                        \
	 .explains = fn_,                                                                          \
	 .describe = describe_},
#define CONDITION(id_, title_, stage_, dir_, all_, any_, companions_, lab_, guide_, fn_)           \
	{.id = id_,                                                                                \
	 .title = title_,                                                                          \
	 .kind = CAUSE_CONDITION,                                                                  \
	 .stage = STAGE_##stage_,                                                                  \
	 .direction = DIR_##dir_,                                                                  \
	 .needs_all = all_,                                                                        \
	 .needs_any = any_,                                                                        \
	 .companions = companions_,                                                                \
	 .lab = lab_,                                                                              \
	 .guide = guide_,                                                                          \
	 .examine = fn_},
#define ELSEWHERE(id_, title_, stage_, dir_, all_, companions_, lab_, guide_, fn_)                 \
	{.id = id_,                                                                                \
	 .title = title_,                                                                          \
	 .kind = CAUSE_ELSEWHERE,                                                                  \
	 .stage = STAGE_##stage_,                                                                  \
	 .direction = DIR_##dir_,                                                                  \
	 .needs_all = all_,                                                                        \
	 .has_counter = true,                                                                      \
	 .companions = companions_,                                                                \
	 .lab = lab_,                                                                              \
	 .guide = guide_,                                                                          \
	 .examine = fn_},
#define NEEDS(source) SOURCE_BIT(SRC_##source)
#include "causes/causes.def"
#undef LOSS
#undef EXPLAINS
#undef CONDITION
#undef ELSEWHERE
};
const size_t cause_rows_n = ARRAY_SIZE(cause_rows);

const struct cause_row *cause_by_id(const char *id)
{
	for (size_t i = 0; i < cause_rows_n; i++)
		if (strcmp(cause_rows[i].id, id) == 0)
			return &cause_rows[i];
	return NULL;
}

/* A source counts as there when both ends hold it, or when there is nothing to hold. */
static bool available(const struct exam *x, enum source source)
{
	if (source == SRC_DROPS)
		return x->d->drops && !x->d->drops->err;
	if (source == SRC_TCP_EVENTS)
		return x->d->tcp && !x->d->tcp->err;
	if (source == SRC_PROCESS)
		return source_ok(&x->o->b, source);
	return x->o->b.source[source].status == SOURCE_UNUSED || observed(x->o, source);
}

static int source_error(const struct exam *x, enum source source)
{
	int err;

	if (source == SRC_DROPS)
		return x->d->drops && x->d->drops->err ? x->d->drops->err : -ENODATA;
	if (source == SRC_TCP_EVENTS)
		return x->d->tcp && x->d->tcp->err ? x->d->tcp->err : -ENODATA;
	err = x->o->b.source[source].err;
	if (!err)
		err = x->o->a.source[source].err;
	return err ? err : -ENODATA;
}

/* The first source a cause misses; SOURCE_N if it has what it needs. */
static enum source missing_source(const struct exam *x)
{
	enum source any = SOURCE_N;

	for (enum source s = 0; s < SOURCE_N; s++)
		if (x->row->needs_all & SOURCE_BIT(s) && !available(x, s))
			return s;
	for (enum source s = 0; s < SOURCE_N; s++) {
		if (!(x->row->needs_any & SOURCE_BIT(s)))
			continue;
		if (available(x, s))
			return SOURCE_N;
		if (any == SOURCE_N)
			any = s;
	}
	return any;
}

enum outcome not_examined_why(struct exam *x, const char *why, const char *unlock)
{
	struct not_examined *n = vec_push(&x->d->not_examined);

	n->cause = x->row;
	n->where = x->o;
	n->source = SOURCE_N;
	n->why = why;
	n->unlock = unlock;
	return NOT_EXAMINED;
}

enum outcome not_examined_source(struct exam *x, enum source source)
{
	struct not_examined *n;

	/* No privilege brings them back. */
	if ((source == SRC_DROPS || source == SRC_TCP_EVENTS) && x->o->since_boot)
		return not_examined_why(x, "events of the time since boot were not kept",
					"sample, without --since-boot");
	n = vec_push(&x->d->not_examined);
	n->cause = x->row;
	n->where = x->o;
	n->source = source;
	n->err = source_error(x, source);
	return NOT_EXAMINED;
}

/* Told once: an explanation may be asked for, and missed, at each socket. */
static void note_unasked(struct exam *x, enum source source)
{
	vec_each(n, &x->d->not_examined)
		if (n->cause == x->row && n->where == x->o)
			return;
	not_examined_source(x, source);
}

static void cleared_done(struct cleared *c);

static void ask(struct exam *x)
{
	struct cleared cleared = {.cause = x->row, .where = x->o};
	enum source missing = missing_source(x);
	enum outcome outcome;

	if (missing != SOURCE_N) {
		note_unasked(x, missing);
		return;
	}
	x->cleared = &cleared;
	x->ledger->claimant = x->row->id;
	outcome = x->row->examine(x);
	if (outcome == NOT_FOUND) {
		vec_trim(&cleared.evidence);
		*vec_push(&x->d->cleared) = cleared;
	} else {
		cleared_done(&cleared);
	}
}

void cause_ask(struct exam *x, const struct cause_row *row)
{
	x->row = row;
	ask(x);
}

static void remedy_done(struct remedy *r);

/* Which explanation takes this subject of a finding; the deepest first, as in causes.def. */
static const struct cause_row *explanation_of(struct exam *x, const struct finding *f,
					      const struct subject *s)
{
	for (size_t i = 0; i < cause_rows_n; i++) {
		enum source missing;

		x->row = &cause_rows[i];
		if (x->row->kind != CAUSE_EXPLANATION)
			continue;
		missing = missing_source(x);
		if (missing != SOURCE_N && s->has_socket)
			note_unasked(x, missing);
		else if (missing == SOURCE_N && x->row->explains(x, f, s))
			return x->row;
	}
	return NULL;
}

/* Before 6.11 no event names its receiving socket: which of them were whose nobody can say. */
static bool events_are_told_apart(const struct exam *x, const struct finding *f)
{
	return !f->subjects.items[0].has_socket || (x->d->drops && x->d->drops->receiving_socket);
}

/* A finding of its own for the subjects that one explanation takes; nothing else is copied. */
static struct finding *split_off(struct exam *x, const struct finding *f,
				 const struct cause_row *const *rows, const struct cause_row *row)
{
	struct finding part = finding_alike(f);

	part.cause = row;
	part.via = f->cause;
	part.counted_known = f->counted_known;
	part.traced_known = f->traced_known && events_are_told_apart(x, f);
	for (size_t i = 0; i < f->subjects.n; i++) {
		if (rows[i] != row)
			continue;
		*vec_push(&part.subjects) = f->subjects.items[i];
		part.lost += f->subjects.items[i].lost;
		part.traced += f->subjects.items[i].traced;
	}
	part.counted = part.lost;
	*vec_push(&x->d->findings) = part;
	return &x->d->findings.items[x->d->findings.n - 1];
}

/* Keeps the subjects that no explanation took; what the others lost is no longer this finding's. */
static void keep_rest(struct exam *x, struct finding *f, const struct cause_row *const *rows)
{
	size_t kept = 0;

	f->traced_known = f->traced_known && events_are_told_apart(x, f);

	for (size_t i = 0; i < f->subjects.n; i++) {
		const struct subject *s = &f->subjects.items[i];

		if (!rows[i]) {
			f->subjects.items[kept++] = *s;
			continue;
		}
		f->lost -= MIN(f->lost, s->lost);
		f->counted -= MIN(f->counted, s->lost);
		f->traced -= MIN(f->traced, s->traced);
	}
	f->subjects.n = kept;
}

static void evidence_done(struct evidence *e);
static void texts_done(char **items, size_t n);

/* What was said of all sockets is not true of those that are left. */
static void describe_again(struct exam *x, struct finding *f)
{
	if (!f->cause->describe || (!f->lost && !(f->stalled && f->subjects.n)))
		return;
	vec_each(e, &f->evidence)
		evidence_done(e);
	vec_done(&f->evidence);
	texts_done(f->excluded.items, f->excluded.n);
	f->excluded = (typeof(f->excluded)){0};
	vec_done(&f->flows);
	f->flows_sum = (struct finding_flows_sum){0};
	vec_each(r, &f->remedies)
		remedy_done(r);
	vec_done(&f->remedies);
	x->row = f->cause;
	f->cause->describe(x, f);
}

void finding_describe_again(struct diagnosis *d, struct finding *f)
{
	struct exam x = {.d = d, .o = f->where,
			 .ledger = &d->ledgers.items[f->where - d->observations.items]};

	describe_again(&x, f);
}

/*
 * The deepest explanation names the finding, and the loss point becomes its `via`. One that takes
 * all that was lost takes the finding whole; where two sockets have two reasons (one reader
 * stopped, another slow) each reason gets a finding of its own.
 */
static void deepen(struct exam *x, size_t at)
{
	struct finding *f = &x->d->findings.items[at];
	const struct cause_row **rows = xcalloc(f->subjects.n, sizeof(*rows));
	const struct cause_row *first = NULL;
	bool several = false, all = true;
	uint64_t explained = 0;

	for (size_t i = 0; i < f->subjects.n; i++) {
		rows[i] = explanation_of(x, f, &f->subjects.items[i]);
		several |= rows[i] && first && rows[i] != first;
		first = first ? first : rows[i];
		explained += rows[i] ? f->subjects.items[i].lost : 0;
		all &= rows[i] != NULL;
	}
	if (first && !several && (f->lost ? explained * 50 >= f->lost * 49 : all)) {
		f->via = f->cause;
		f->cause = x->row = first;
		/* A larger buffer does not help a reader that is stopped, throttled or too slow. */
		vec_each(r, &f->remedies)
			remedy_done(r);
		vec_done(&f->remedies);
		first->describe(x, f);
	} else if (first) {
		for (size_t i = 0; i < cause_rows_n; i++) {
			bool taken = false;

			for (size_t k = 0; k < f->subjects.n; k++)
				taken |= rows[k] == &cause_rows[i];
			if (!taken)
				continue;
			x->row = &cause_rows[i];
			x->row->describe(x, split_off(x, f, rows, x->row));
			f = &x->d->findings.items[at];
		}
		keep_rest(x, f, rows);
		describe_again(x, f);
	}
	free(rows);
}

static int compare_findings(const void *one, const void *other)
{
	const struct finding *a = one, *b = other;

	if (a->state != b->state && (a->state == LOST_BEFORE || b->state == LOST_BEFORE))
		return a->state == LOST_BEFORE ? 1 : -1;
	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	/* What is lost here comes before what is lost elsewhere. */
	if (a->cause->kind != b->cause->kind &&
	    (a->cause->kind == CAUSE_ELSEWHERE || b->cause->kind == CAUSE_ELSEWHERE))
		return a->cause->kind == CAUSE_ELSEWHERE ? 1 : -1;
	if (a->lost != b->lost)
		return a->lost > b->lost ? -1 : 1;
	/* A machine that is busy is the background, unless something was lost by it. */
	if ((a->cause->stage == STAGE_HOST) != (b->cause->stage == STAGE_HOST))
		return a->cause->stage == STAGE_HOST ? 1 : -1;
	/* The order of causes.def; with several namespaces one cause may be found more than once. */
	return a->cause < b->cause ? -1 : a->cause > b->cause;
}

static enum verdict verdict_of(const struct finding *f)
{
	if (f->severity < SEVERITY_WARNING)
		return HEALTHY;
	if (f->state == AT_RISK)
		return AT_RISK_VERDICT;
	return f->cause->kind == CAUSE_ELSEWHERE ? LOSS_ELSEWHERE : LOSING_VERDICT;
}

/* Was every cause of some stage not examined in the namespace asked for? */
static bool stage_unseen(const struct diagnosis *d)
{
	unsigned int causes[STAGE_N] = {0}, unseen[STAGE_N] = {0};

	for (size_t i = 0; i < cause_rows_n; i++)
		causes[cause_rows[i].stage] += cause_rows[i].kind == CAUSE_LOSS_POINT;
	vec_each(n, &d->not_examined)
		if (n->where == d->observations.items && n->cause->kind == CAUSE_LOSS_POINT)
			unseen[n->cause->stage]++;
	for (size_t stage = 0; stage < STAGE_N; stage++)
		if (causes[stage] && causes[stage] == unseen[stage])
			return true;
	return false;
}

/* Ended by ctrl-C before anything could happen. */
static bool cut_short(const struct diagnosis *d)
{
	return d->observations.n && d->observations.items[0].seconds < OBSERVATION_MIN_SECONDS;
}

static void draw_verdict(struct diagnosis *d)
{
	d->verdict = HEALTHY;
	vec_each(f, &d->findings)
		d->verdict = MAX(d->verdict, verdict_of(f));
	if (d->verdict == HEALTHY && (stage_unseen(d) || cut_short(d)))
		d->verdict = NOT_EXAMINED_VERDICT;
}


/* A loss point all of whose packets were taken over is no finding of its own. */
static void drop_empty(struct diagnosis *d, size_t first)
{
	size_t kept = first;

	for (size_t i = first; i < d->findings.n; i++) {
		struct finding *f = &d->findings.items[i];

		if (f->lost == 0 && f->subjects.n == 0 && f->headline &&
		    (f->state != AT_RISK || f->stalled))
			finding_done(f);
		else
			d->findings.items[kept++] = *f;
	}
	d->findings.n = kept;
}

static bool already_found(const struct exam *x, size_t first)
{
	for (size_t i = first; i < x->d->findings.n; i++)
		if (x->d->findings.items[i].cause == x->row)
			return true;
	return false;
}

/*
 * Conditions, and explanations that are something by themselves and explained no loss. Those of
 * the machine are the same in each namespace: they are told once.
 */
static void ask_conditions(struct exam *x, size_t first)
{
	for (size_t i = 0; i < cause_rows_n; i++) {
		x->row = &cause_rows[i];
		if (x->row->kind != CAUSE_CONDITION && x->row->kind != CAUSE_EXPLANATION)
			continue;
		if (!x->row->examine || already_found(x, first) ||
		    (x->row->stage == STAGE_HOST && x->o != x->d->observations.items))
			continue;
		ask(x);
	}
}

static void diagnose_one(struct diagnosis *d, const struct observation *o, struct ledger *ledger)
{
	struct exam x = {.d = d, .o = o, .ledger = ledger};
	size_t first = d->findings.n, found;

	/* What happened elsewhere is asked last: it is the answer only if nothing was lost here. */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < cause_rows_n; i++) {
			x.row = &cause_rows[i];
			if (x.row->kind == (pass ? CAUSE_ELSEWHERE : CAUSE_LOSS_POINT))
				ask(&x);
		}
	}
	found = d->findings.n; /* what follows adds its own behind */
	for (size_t i = first; i < found; i++) {
		struct finding *f = &d->findings.items[i];

		ledger->counted += f->counted_known && f->cause->kind == CAUSE_LOSS_POINT
					   ? f->counted
					   : 0;
		/* What is only near its limit lost nothing that could be explained. */
		if (f->cause->kind == CAUSE_LOSS_POINT &&
		    (f->lost || f->state != AT_RISK || f->stalled))
			deepen(&x, i);
	}
	drop_empty(d, first);
	ask_conditions(&x, first);
	fw_forget(&x);
	/* What was lost at some time since boot may be long over: never critical. */
	for (size_t i = first; o->since_boot && i < d->findings.n; i++)
		d->findings.items[i].severity =
			MIN(d->findings.items[i].severity, SEVERITY_WARNING);
}

void diagnose(struct diagnosis *d)
{
	static const struct drops none = {.err = -ENODATA};
	const struct drops *drops = d->drops ? d->drops : &none;
	uint64_t lost = drops_lost(drops);

	vec_each(o, &d->observations)
		ledger_init_of(vec_push(&d->ledgers), drops, lost, o->inode);
	for (size_t i = 0; i < d->observations.n; i++)
		diagnose_one(d, &d->observations.items[i], &d->ledgers.items[i]);
	join_namespaces(d);
	ignore_stated(d);
	narrow_findings(d);
	find_before(d);
	find_bursts(d);
	if (d->findings.n)
		qsort(d->findings.items, d->findings.n, sizeof(*d->findings.items),
		      compare_findings);
	draw_verdict(d);
}

int verdict_exit_status(enum verdict v)
{
	if (v == HEALTHY)
		return 0;
	return v == NOT_EXAMINED_VERDICT ? 3 : 1;
}

static void texts_done(char **items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(items[i]);
	free(items);
}

static void evidence_done(struct evidence *e)
{
	free(e->text);
}

static void cleared_done(struct cleared *c)
{
	vec_each(e, &c->evidence)
		evidence_done(e);
	vec_done(&c->evidence);
}

static void remedy_done(struct remedy *r)
{
	free(r->summary);
	free(r->why);
	free(r->cost);
	free(r->risk);
	vec_each(c, &r->changes) {
		free(c->kind);
		free(c->key);
		free(c->from);
		free(c->to);
	}
	vec_done(&r->changes);
	texts_done(r->commands.items, r->commands.n);
	texts_done(r->undo.items, r->undo.n);
	texts_done(r->persist.items, r->persist.n);
}

void finding_done(struct finding *f)
{
	free(f->headline);
	free(f->text);
	vec_each(s, &f->subjects) {
		free(s->rule.text);
		free(s->sysctl);
		free(s->address);
	}
	vec_done(&f->subjects);
	vec_each(e, &f->evidence)
		evidence_done(e);
	vec_done(&f->evidence);
	texts_done(f->excluded.items, f->excluded.n);
	vec_done(&f->flows);
	vec_each(r, &f->remedies)
		remedy_done(r);
	vec_done(&f->remedies);
	crowd_forget(f);
}

void diagnosis_forget(struct diagnosis *d)
{
	vec_each(f, &d->findings)
		finding_done(f);
	vec_done(&d->findings);
	vec_each(i, &d->ignored)
		finding_done(&i->finding);
	vec_done(&d->ignored);
	vec_each(f, &d->others)
		finding_done(f);
	vec_done(&d->others);
	vec_each(f, &d->before)
		finding_done(f);
	vec_done(&d->before);
	vec_each(c, &d->cleared)
		cleared_done(c);
	vec_done(&d->cleared);
	vec_done(&d->not_examined);
	vec_each(l, &d->ledgers)
		ledger_done(l);
	vec_done(&d->ledgers);
}

void diagnosis_done(struct diagnosis *d)
{
	diagnosis_forget(d);
	vec_each(o, &d->observations)
		observation_done(o);
	vec_done(&d->observations);
}

#define NAMED(fn, type, ...)                                                                       \
	const char *fn(type value)                                                                 \
	{                                                                                          \
		static const char *const names[] = {__VA_ARGS__};                                  \
		return names[value];                                                               \
	}
NAMED(verdict_name, enum verdict, "healthy", "loss-elsewhere", "at-risk", "losing", "not-examined")
NAMED(severity_name, enum severity, "info", "warning", "critical")
NAMED(confidence_name, enum confidence, "possible", "likely", "certain")
NAMED(finding_state_name, enum finding_state, "losing", "lost-before", "at-risk")
NAMED(remedy_kind_name, enum remedy_kind, "sysctl", "ethtool", "tc", "netfilter", "route", "socket",
      "application", "capacity")
