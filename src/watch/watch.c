// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines over time: what an interval adds to them, and how they stay few. */
#include "watch/parts.h"

#include <netinet/in.h>
#include <stdio.h>

#define LIKES_MAX 1024
#define MISSED_MAX 256 /* kinds */
/* The counters and the trace of an interval end so close together that one more is enough. */
#define CAUSE_STICKS 3 /* intervals */

void watch_init(struct watch *w, const struct watch_filter *filter)
{
	*w = (struct watch){.filter = filter};
}

static void line_done(struct watch_line *l)
{
	free(l->rule.text);
	free((void *)(uintptr_t)l->process);
}

void watch_done(struct watch *w)
{
	vec_each(l, &w->lines)
		line_done(l);
	vec_each(c, &w->credits)
		credit_done(c);
	vec_done(&w->lines);
	vec_done(&w->likes);
	vec_done(&w->credits);
	vec_done(&w->pending);
	vec_done(&w->elsewhere_netns);
	vec_done(&w->events_missed);
}

/* ---- lines ---- */

bool same_rule(const struct rule_ref *a, const struct rule_ref *b)
{
	return a->handle == b->handle && strcmp(a->family, b->family) == 0 &&
	       strcmp(a->table, b->table) == 0 && strcmp(a->chain, b->chain) == 0;
}

/* Without a cookie a port is all that is known of it. */
bool same_socket(const struct socket *a, const struct socket *b)
{
	return a->cookie == b->cookie &&
	       (a->cookie || (a->family == b->family && a->local_port == b->local_port &&
			      a->protocol == b->protocol));
}

static bool same_line(const struct watch_line *a, const struct watch_line *b)
{
	return a->how == b->how && a->at == b->at && a->netns == b->netns &&
	       a->ethertype == b->ethertype && a->protocol == b->protocol &&
	       a->not_meant == b->not_meant && a->has_socket == b->has_socket &&
	       a->has_rule == b->has_rule && a->has_cpu == b->has_cpu && a->cpu == b->cpu &&
	       (!a->has_socket || same_socket(&a->socket, &b->socket)) &&
	       (!a->has_rule || same_rule(&a->rule, &b->rule)) &&
	       strcmp(a->device, b->device) == 0 && strcmp(a->reason, b->reason) == 0 &&
	       strcmp(a->symbol, b->symbol) == 0 && !a->benign == !b->benign;
}

char *rule_without_numbers(const char *rule)
{
	static const char packets[] = "counter packets ", bytes[] = " bytes ";
	const char *at = strstr(rule, packets), *end = at;
	char *ret = xstrdup(rule);

	if (!at)
		return ret;
	end += sizeof(packets) - 1;
	end += strspn(end, "0123456789");
	if (strncmp(end, bytes, sizeof(bytes) - 1) != 0)
		return ret;
	end += sizeof(bytes) - 1;
	end += strspn(end, "0123456789");
	memmove(ret + (at - rule) + strlen("counter"), end, strlen(end) + 1);
	return ret;
}

/* The line that is about the same as this one; made if there is none yet. */
struct watch_line *line_like(struct watch *w, const struct watch_line *like)
{
	struct watch_line *l = NULL;

	vec_each(known, &w->lines)
		if (same_line(known, like))
			return known;
	l = vec_push(&w->lines);
	*l = *like;
	l->rule.text = like->rule.text ? rule_without_numbers(like->rule.text) : NULL;
	l->process = NULL;
	l->packets = l->bytes = l->total = l->total_bytes = l->unsettled = 0;
	l->first_ns = l->last_ns = 0;
	line_learn(l, like->process, &like->rule);
	return l;
}

/*
 * The deepest explanation: an interval that was cut short, or with no look amid it, does not tell it
 * again.
 */
void line_explain(const struct watch *w, struct watch_line *l, const struct cause_row *cause)
{
	bool deep = cause && cause != l->at;

	if (!deep && l->explained && l->explained + CAUSE_STICKS > w->interval)
		return;
	l->cause = cause;
	l->explained = deep ? w->interval : 0;
}

void line_learn(struct watch_line *l, const struct process *owner, const struct rule_ref *rule)
{
	if (owner && (!l->process || l->process->pid != owner->pid ||
		      memcmp(l->process->comm, owner->comm, sizeof(owner->comm)) != 0)) {
		struct process *copy = xcalloc(1, sizeof(*copy));

		free((void *)(uintptr_t)l->process);
		*copy = *owner;
		l->process = copy;
	}
	if (rule && rule->text && !l->rule.text)
		l->rule.text = rule_without_numbers(rule->text);
	if (rule && l->has_rule)
		l->rule.text_err = l->rule.text ? 0 : rule->text_err;
}

void line_add(struct watch *w, struct watch_line *l, uint64_t packets, uint64_t bytes)
{
	l->packets += packets;
	l->bytes += bytes;
	l->total += packets;
	l->total_bytes += bytes;
	l->last_ns = w->now_ns;
	l->last_interval = w->interval;
	if (!l->first_ns)
		l->first_ns = w->now_ns;
}

/* ---- what traced drops of a kind were explained by ---- */

static struct watch_like *like_of(struct watch *w, const struct drop *d)
{
	vec_each(like, &w->likes)
		if (like->netns == d->netns && like->protocol == d->protocol &&
		    like->ethertype == d->ethertype && strcmp(like->reason, d->reason) == 0 &&
		    strcmp(like->symbol, d->symbol) == 0)
			return like;
	return NULL;
}

/*
 * The counters of an interval end later than its trace: what a rule counted in between is traced in
 * the next one, in which the rule need not be a finding, and may be of another protocol.
 */
static struct watch_like *like_with_credit(struct watch *w, const struct drop *d)
{
	vec_each(like, &w->likes)
		if (like->netns == d->netns && strcmp(like->reason, d->reason) == 0 &&
		    strcmp(like->symbol, d->symbol) == 0 && credit_left(w, like->at, d))
			return like;
	return NULL;
}

static void like_learn(struct watch *w, const struct drop *d, const struct told *t)
{
	struct watch_like *like = like_of(w, d);

	if (!like && w->likes.n >= LIKES_MAX) {
		like = w->likes.items;
		vec_each(other, &w->likes)
			like = other->last_interval < like->last_interval ? other : like;
		*like = (struct watch_like){0};
	}
	if (!like)
		like = vec_push(&w->likes);
	like->netns = d->netns;
	memcpy(like->reason, d->reason, sizeof(like->reason));
	memcpy(like->symbol, d->symbol, sizeof(like->symbol));
	like->protocol = d->protocol;
	like->ethertype = d->ethertype;
	like->at = t->at;
	like->cause = t->cause;
	like->last_interval = w->interval;
}

/* ---- the rows of the trace ---- */

static const char *device_name(const struct observation *o, uint32_t ifindex)
{
	const struct link *link = o && ifindex ? snapshot_link(&o->b, ifindex) : NULL;

	if (!link && o && ifindex)
		link = snapshot_link(&o->a, ifindex);
	return link ? link->name : "";
}

/* The only socket of that protocol and port; NULL if there is none, or several. */
static const struct socket *socket_of_port(const struct snapshot *s, const struct drop *d)
{
	const struct socket *found = NULL;

	vec_each(sk, &s->sockets) {
		if (sk->local_port != d->local_port || sk->protocol != d->protocol ||
		    sk->family != d->family || sk->remote_port)
			continue;
		if (found)
			return NULL;
		found = sk;
	}
	return found;
}

/*
 * Made and closed between two looks. A socket has no cookie until somebody asks for it; and of TCP
 * there are small sockets that no dump tells.
 */
static bool is_gone(const struct observation *o, const struct drop *d)
{
	/* Of a raw socket (raw_rcv, rawv6_rcv) the port is its protocol. */
	if (d->protocol != IPPROTO_UDP || !source_ok(&o->b, SRC_SOCKETS) ||
	    (!d->cookie && !d->local_port) || strncmp(d->symbol, "raw", 3) == 0)
		return false;
	vec_each(sk, &o->b.sockets)
		if (d->cookie ? sk->cookie == d->cookie
			      : sk->protocol == d->protocol && sk->local_port == d->local_port)
			return false;
	return true;
}

static void give_owner(struct watch *w, const struct observation *o, const struct drop *d,
		       struct watch_line *l)
{
	const struct socket *sk = NULL;
	const struct process *owner = NULL;

	if (!d->family)
		return;
	l->has_socket = true;
	if (o && d->cookie)
		sk = snapshot_socket(&o->b, d->cookie);
	else if (o && d->local_port)
		sk = socket_of_port(&o->b, d);
	if (sk && sk->inode)
		owner = snapshot_owner(&o->b, sk->inode);
	if (!sk && o && d->cookie) {
		sk = snapshot_socket(&o->a, d->cookie);
		owner = sk && sk->inode ? snapshot_owner(&o->a, sk->inode) : NULL;
		l->gone = sk && source_ok(&o->b, SRC_SOCKETS);
	}
	if (!sk && o)
		l->gone = is_gone(o, d);
	if (sk)
		l->socket = *sk;
	else
		l->socket = (struct socket){.cookie = d->cookie,
					    .family = d->family,
					    .protocol = d->protocol,
					    .local_port = d->local_port};
	l->process = owner;
}

/* What a row's packets are about, before anybody says why they were dropped. */
static struct watch_line line_of_row(struct watch *w, const struct observation *o,
				     const struct drop *d)
{
	struct watch_line l = {.how = WATCH_TRACED, .netns = d->netns, .unit = "packets",
			       .ethertype = d->ethertype, .protocol = d->protocol,
			       .not_meant = d->not_meant};

	memcpy(l.reason, d->reason, sizeof(l.reason));
	memcpy(l.symbol, d->symbol, sizeof(l.symbol));
	snprintf(l.device, sizeof(l.device), "%s", device_name(o, d->ifindex));
	if (o)
		memcpy(l.netns_name, o->name, sizeof(l.netns_name));
	return l;
}

/* Expected frees: whose they were does not matter. */
static void add_benign(struct watch *w, const struct observation *o, const struct drop *d,
		       const char *why)
{
	struct watch_line like = line_of_row(w, o, d);

	like.device[0] = '\0';
	like.ethertype = 0;
	like.benign = why;
	line_add(w, line_like(w, &like), d->packets, d->bytes);
}

/* The packets of a line that nobody explained until now are of the same cause. */
static void explain_earlier(struct watch *w, const struct watch_line *like, struct watch_line *now)
{
	struct watch_line without = *like;

	without.at = without.cause = NULL;
	vec_each(l, &w->lines) {
		if (l == now || !same_line(l, &without) || !l->total ||
		    l->last_interval + CAUSE_STICKS <= w->interval)
			continue;
		now->total += l->total;
		now->total_bytes += l->total_bytes;
		now->unsettled += l->total;
		now->first_ns = MIN(now->first_ns, l->first_ns);
		l->total = l->total_bytes = l->packets = l->bytes = 0;
	}
}

static void add_traced(struct watch *w, const struct observation *o, const struct drop *d,
		       const struct told *t, uint64_t packets)
{
	struct watch_line like = line_of_row(w, o, d), *l;
	bool first = t && !like_of(w, d);

	give_owner(w, o, d, &like);
	like.at = t ? t->at : NULL;
	like.cause = t ? t->cause : NULL;
	l = line_like(w, &like);
	line_learn(l, like.process, NULL);
	line_explain(w, l, like.cause);
	l->gone = like.gone;
	if (like.socket.inode)
		l->socket = like.socket;
	line_add(w, l, packets, d->packets ? (uint64_t)((double)d->bytes / (double)d->packets *
							 (double)packets + 0.5) : 0);
	l->unsettled += t ? packets : 0;
	if (first)
		explain_earlier(w, &like, l);
}

static void add_row(struct watch *w, const struct diagnosis *d, const struct observation *o,
		    const struct ledger_line *line, const struct drop *drop)
{
	const char *benign = drop_why_benign(drop);
	uint64_t rest = drop->packets;
	const struct watch_like *like;
	struct told t;

	if (benign) {
		add_benign(w, o, drop, benign);
		return;
	}
	for (size_t i = 0; line && i < line->shares.n; i++) {
		const struct ledger_share *share = &line->shares.items[i];

		if (!told_by(d, o, share->cause, drop, &t))
			continue;
		add_traced(w, o, drop, &t, share->packets);
		like_learn(w, drop, &t);
		rest -= MIN(rest, share->packets);
	}
	if (!rest)
		return;
	like = like_of(w, drop);
	if (!like)
		like = like_with_credit(w, drop);
	if (!like || like->last_interval + CAUSE_STICKS <= w->interval) {
		add_traced(w, o, drop, NULL, rest);
		return;
	}
	t = (struct told){.at = like->at, .cause = like->cause};
	add_traced(w, o, drop, &t, rest);
}

static void add_elsewhere(struct watch *w, const struct drop *d)
{
	if (drop_why_benign(d) || d->not_meant)
		return;
	w->elsewhere.packets += d->packets;
	w->elsewhere.total += d->packets;
	vec_each(inode, &w->elsewhere_netns)
		if (*inode == d->netns)
			return;
	*vec_push(&w->elsewhere_netns) = d->netns;
}

/* Ledgers have the rows of their namespace in the order of the rows. */
static void add_rows(struct watch *w, const struct diagnosis *d)
{
	size_t *at = xcalloc(d->observations.n + 1, sizeof(*at));

	vec_each(drop, &d->drops->rows) {
		const struct observation *o = NULL;
		const struct ledger_line *line = NULL;
		size_t i = 0;

		while (i < d->observations.n && d->observations.items[i].inode != drop->netns)
			i++;
		if (i < d->observations.n) {
			const struct ledger *ledger = i < d->ledgers.n ? &d->ledgers.items[i] : NULL;

			o = &d->observations.items[i];
			if (ledger && at[i] < ledger->lines.n &&
			    ledger->lines.items[at[i]].drop == drop)
				line = &ledger->lines.items[at[i]++];
		}
		if (o || !drop->netns)
			add_row(w, d, o, line, drop);
		else
			add_elsewhere(w, drop);
	}
	free(at);
}

/* ---- what was not traced one by one, or not at all ---- */

static void add_missed(struct watch *w, const struct drops *d)
{
	w->sends_traced = d->sends_traced;
	w->rested = (double)d->sends_rested_ns / NSEC_PER_SEC;
	w->total_rested += w->rested;
	w->missed.packets = d->missed;
	w->missed.total += d->missed;
	vec_each(m, &d->events_missed) {
		struct drop_missed *to = NULL;

		vec_each(known, &w->events_missed)
			if (strcmp(known->reason, m->reason) == 0 &&
			    strcmp(known->symbol, m->symbol) == 0)
				to = known;
		if (!to && w->events_missed.n < MISSED_MAX) {
			to = vec_push(&w->events_missed);
			*to = *m;
			to->packets = 0;
		}
		/* The last row stands for all kinds beyond. */
		if (!to) {
			to = &w->events_missed.items[MISSED_MAX - 1];
			*to = (struct drop_missed){.reason = "others", .packets = to->packets};
		}
		to->packets += m->packets;
	}
}

/* ---- few lines ---- */

static int compare_lines(const void *one, const void *other)
{
	const struct watch_line *a = one, *b = other;

	if (!a->benign != !b->benign)
		return a->benign ? 1 : -1;
	if (a->packets != b->packets)
		return a->packets < b->packets ? 1 : -1;
	if (a->total != b->total)
		return a->total < b->total ? 1 : -1;
	return a->first_ns < b->first_ns ? -1 : a->first_ns > b->first_ns;
}

static int compare_idle(const void *one, const void *other)
{
	const struct watch_line *a = one, *b = other;

	if (a->last_interval != b->last_interval)
		return a->last_interval > b->last_interval ? -1 : 1;
	return a->total < b->total ? 1 : a->total > b->total ? -1 : 0;
}

/* Lines that lost all their packets to others go; beyond the maximum the longest idle are folded. */
static void fold_lines(struct watch *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->lines.n; i++) {
		if (w->lines.items[i].total)
			w->lines.items[kept++] = w->lines.items[i];
		else
			line_done(&w->lines.items[i]);
	}
	w->lines.n = kept;
	if (kept > WATCH_LINES_MAX)
		qsort(w->lines.items, kept, sizeof(*w->lines.items), compare_idle);
	while (w->lines.n > WATCH_LINES_MAX) {
		struct watch_line *l = &w->lines.items[--w->lines.n];
		struct watch_sum *to = &w->others[l->benign != NULL][watch_means(w, l)];

		to->packets += l->packets;
		to->total += l->total;
		w->others_lines++;
		line_done(l);
	}
	if (w->lines.n)
		qsort(w->lines.items, w->lines.n, sizeof(*w->lines.items), compare_lines);
}

static void begin_interval(struct watch *w, double seconds, int64_t now_ns)
{
	w->interval++;
	w->seconds = seconds;
	w->total_seconds += seconds;
	w->now_ns = now_ns;
	w->elsewhere.packets = 0;
	for (size_t benign = 0; benign < 2; benign++)
		for (size_t i = 0; i < WATCH_ANSWERS; i++)
			w->others[benign][i].packets = 0;
	vec_each(l, &w->lines)
		l->packets = l->bytes = 0;
}

/* Sockets that were closed since they lost something. */
static void see_closed(struct watch *w, const struct diagnosis *d)
{
	vec_each(l, &w->lines) {
		if (!l->has_socket || !l->socket.inode || l->gone)
			continue;
		vec_each(o, &d->observations)
			if (o->inode == l->netns && l->socket.kind == SOCKET_INET &&
			    source_ok(&o->b, SRC_SOCKETS))
				l->gone = !snapshot_socket(&o->b, l->socket.cookie);
	}
}

void watch_see_exits(struct watch *w, bool (*exists)(int pid))
{
	vec_each(l, &w->lines)
		if (l->process)
			l->exited = !exists(l->process->pid);
}

void watch_take(struct watch *w, const struct diagnosis *d, double seconds, int64_t now_ns)
{
	begin_interval(w, seconds, now_ns);
	if (!d->drops->err)
		add_rows(w, d);
	add_missed(w, d->drops);
	add_credits(w, d);
	settle(w);
	add_counted(w, d);
	if (d->ledgers.n)
		see_closed(w, d);
	fold_lines(w);
}

/* ---- what is meant ---- */

static bool is_of_process(const struct watch_filter *f, const struct watch_line *l)
{
	if (l->process && l->process->pid == f->pid)
		return true;
	vec_each(inode, &f->inodes)
		if (l->socket.inode && *inode == l->socket.inode)
			return true;
	return false;
}

enum watch_answer watch_means(const struct watch *w, const struct watch_line *l)
{
	const struct watch_filter *f = w->filter;
	bool told = l->how == WATCH_TRACED;
	bool unknown = (f->packets && !told) || (f->reason && !told) || (f->device && !l->device[0]) ||
		       (f->pid && !l->has_socket);

	if (l->not_meant || (f->reason && told && strcmp(f->reason, l->reason) != 0) ||
	    (f->device && l->device[0] && strcmp(f->device, l->device) != 0) ||
	    (f->cause && !(l->at && strcmp(f->cause, l->at->id) == 0) &&
	     !(l->cause && strcmp(f->cause, l->cause->id) == 0)) ||
	    (f->pid && l->has_socket && !is_of_process(f, l)))
		return WATCH_NOT_MEANT;
	return unknown ? WATCH_CANNOT_TELL : WATCH_MEANT;
}

struct watch_sum watch_sum(const struct watch *w, bool benign, enum watch_answer answer)
{
	struct watch_sum sum = w->others[benign][answer];

	vec_each(l, &w->lines) {
		if (!!l->benign != benign || watch_means(w, l) != answer)
			continue;
		sum.packets += l->packets;
		sum.total += l->total;
	}
	return sum;
}

const struct watch_line *watch_line_of(const struct watch *w, uint32_t netns, const char *reason,
				       const char *symbol, uint8_t protocol, const char *device,
				       uint64_t cookie)
{
	const struct watch_line *best = NULL;

	vec_each(l, &w->lines) {
		if (l->how != WATCH_TRACED || l->netns != netns || strcmp(l->reason, reason) != 0 ||
		    strcmp(l->symbol, symbol) != 0 || (l->protocol && l->protocol != protocol) ||
		    (l->device[0] && strcmp(l->device, device) != 0) ||
		    (cookie && l->has_socket && l->socket.cookie && l->socket.cookie != cookie))
			continue;
		/* One that names more is better; then the busier one. */
		if (!best || (l->at && !best->at) || (!l->at == !best->at && l->packets > best->packets))
			best = l;
	}
	return best;
}

void watch_give_rule_texts(const struct watch *w, struct diagnosis *d)
{
	vec_each(f, &d->findings)
		vec_each(s, &f->subjects) {
			if (!s->has_rule || s->rule.text)
				continue;
			vec_each(l, &w->lines)
				if (l->has_rule && l->rule.text && l->netns == f->where->inode &&
				    same_rule(&l->rule, &s->rule) && !s->rule.text)
					s->rule.text = xstrdup(l->rule.text);
		}
}
