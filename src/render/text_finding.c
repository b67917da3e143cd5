// SPDX-License-Identifier: GPL-2.0-or-later
/* One finding in full: what happened, who, what proves it, what it is not, what to do. */
#include <arpa/inet.h>
#include <stdio.h>

#include "causes/join.h"
#include "render/drop_sums.h"
#include "render/fmt.h"
#include "render/text.h"
#include "render/utf8.h"

#define INDENT 7
#define LABEL 8
#define SUBJECTS_SHOWN 3
#define FLOWS_SHOWN 3
#define RANKS_SHOWN 3

static void lost_words(const struct finding *f, struct buf *ret)
{
	const char *unit = f->unit && strcmp(f->unit, "packets") ? f->unit : "";

	/* Some losses nobody counts: what a ring held that was reset. */
	if (!f->lost && (f->state != LOSING || !f->of))
		return;
	buf_puts(ret, fmt_count(f->lost).s);
	if (f->of)
		buf_printf(ret, " of %s", fmt_count(f->of).s);
	buf_printf(ret, "%s%s %s", *unit ? " " : "", unit,
		   f->cause->kind == CAUSE_ELSEWHERE ? "lost elsewhere"
		   : f->state == LOST_BEFORE	     ? "lost since boot"
						     : "lost");
	if (f->of)
		buf_printf(ret, ", %s", fmt_share(f->lost, f->of).s);
}

static void heading(struct text *t, unsigned int number, const struct finding *f)
{
	struct buf left = {0}, right = {0};
	size_t used;

	buf_printf(&left, "%s, %s", severity_name(f->severity), confidence_name(f->confidence));
	if (t->d->observations.n > 1) {
		buf_puts(&left, ", ");
		netns_words(f->where, &left);
	}
	lost_words(f, &right);
	used = 7 + strlen(f->cause->id) + 3 + utf8_columns(left.data, left.len);
	out_printf(&t->out, "\n%5u  ", number);
	out_tinted(&t->out, TINT_BOLD, "%s", f->cause->id);
	out_printf(&t->out, "   %s", left.data);
	if (right.data && used + 2 + right.len > OUT_COLUMNS)
		out_printf(&t->out, "\n%*s%s", INDENT, "", right.data);
	else if (right.data)
		out_printf(&t->out, "%*s", (int)(OUT_COLUMNS - used), right.data);
	buf_puts(t->out.buf, "\n");
	buf_done(&left);
	buf_done(&right);
}

static void also(struct buf *b, const char *separator)
{
	if (b->len)
		buf_puts(b, separator);
}

/* As the engines' own tools abbreviate an id. */
#define ID_SHOWN 12

static void container_words(const struct container *c, struct buf *b)
{
	bool known = strcmp(c->engine, "unknown") != 0;

	buf_printf(b, ", %s%s", known ? c->engine : "", known ? " container" : "container");
	if (c->name[0])
		buf_printf(b, " %s", c->name);
	if (c->id[0] && strcmp(c->id, c->name) != 0)
		buf_printf(b, c->name[0] ? " (%.*s)" : " %.*s", ID_SHOWN, c->id);
	if (c->pod_name[0])
		buf_printf(b, " of pod %s%s%s", c->pod_namespace, c->pod_namespace[0] ? "/" : "",
			   c->pod_name);
	else if (c->pod[0])
		buf_printf(b, " of pod %s", c->pod);
}

static void process_words(const struct process *p, struct buf *b)
{
	also(b, ", ");
	buf_printf(b, "%.*s, pid %d", (int)sizeof(p->comm), p->comm, p->pid);
	if (p->container.engine[0])
		container_words(&p->container, b);
	/* A scope that is named after the container says nothing more. */
	if (p->unit[0] && !(p->container.id[0] && strstr(p->unit, p->container.id)))
		buf_printf(b, ", %s", p->unit);
}

static void socket_words(const struct socket *sk, struct buf *b)
{
	const char *protocol = protocol_name(sk->protocol);
	char local[96], peer[INET6_ADDRSTRLEN];

	also(b, ", ");
	buf_printf(b, "%s%s%s", protocol ? protocol : "", protocol ? " " : "",
		   socket_text(sk, local, sizeof(local)));
	if (sk->remote_port)
		buf_printf(b, sk->family == AF_INET6 ? " to [%s]:%u" : " to %s:%u",
			   address_text(sk->family, sk->remote, peer, sizeof(peer)),
			   sk->remote_port);
}

static void rule_words(const struct rule_ref *r, struct buf *b)
{
	bool legacy = strncmp(r->family, "legacy", 6) == 0;

	also(b, ", ");
	buf_printf(b, "%s %s %s", r->family, r->table, r->chain);
	if (r->handle)
		buf_printf(b, " %s %llu", legacy ? "rule" : "handle",
			   (unsigned long long)r->handle);
	if (r->text)
		buf_printf(b, ": %s", r->text);
	else if (r->text_err)
		buf_printf(b, ", %s (no text from %s: %s)", r->target,
			   legacy ? "iptables-legacy-save" : "nft", errno_name(r->text_err));
	if (r->how)
		buf_printf(b, " (told by: %s)", r->how);
}

static void device_words_of(struct text *t, const struct finding *f, const char *name,
			    struct buf *b)
{
	const struct link *link = snapshot_link_named(&f->where->b, name);
	char words[256];

	buf_puts(b, name);
	if (link && *device_words(t->d, f->where, link, words, sizeof(words)))
		buf_printf(b, " (%s)", words);
}

static void subject_words(struct text *t, const struct finding *f, const struct subject *s,
			  struct buf *b)
{
	if (s->has_process)
		process_words(&s->process, b);
	if (s->has_socket)
		socket_words(&s->socket, b);
	if (s->has_rule)
		rule_words(&s->rule, b);
	if (s->address) {
		also(b, ", ");
		buf_puts(b, s->address);
	}
	if (s->device[0]) {
		also(b, s->address ? " on " : ", ");
		device_words_of(t, f, s->device, b);
	}
	if (s->cpu >= 0) {
		also(b, ", ");
		buf_printf(b, "CPU %d", s->cpu);
	}
	if (s->sysctl) {
		also(b, ", ");
		buf_puts(b, s->sysctl);
	}
	if (s->has_lost && f->subjects.n > 1)
		buf_printf(b, "; %s %s", fmt_count(s->lost).s,
			   f->cause->kind == CAUSE_ELSEWHERE ? "lost elsewhere" : "lost");
}

static void who(struct text *t, const struct finding *f)
{
	size_t most = t->out.style->all ? f->subjects.n : SUBJECTS_SHOWN, n = 0;
	struct buf line = {0};

	vec_each (s, &f->subjects) {
		if (n == most)
			break;
		buf_clear(&line);
		subject_words(t, f, s, &line);
		if (line.len)
			out_labelled(&t->out, INDENT, LABEL, n++ ? "" : "who", line.data);
		else
			most = MIN(most + 1, f->subjects.n);
	}
	if (n && f->subjects.n > n) {
		buf_clear(&line);
		buf_printf(&line, "and %zu more: whydrop --all", f->subjects.n - n);
		out_labelled(&t->out, INDENT, LABEL, "", line.data);
	}
	buf_done(&line);
}

/* How a container is wired to the rest of the host. */
static void way(struct text *t, const struct finding *f)
{
	struct far_end end;
	const struct link *link = finding_end(t->d, f, &end);
	struct buf line = {0};
	char other[128];

	if (!link)
		return;
	buf_printf(&line, "%s here is %s", link->name, far_end_text(&end, other, sizeof(other)));
	out_labelled(&t->out, INDENT, LABEL, "way", line.data);
	buf_done(&line);
}

void evidence_words(const struct evidence *e, struct buf *ret)
{
	bool traced = e->source && !strcmp(e->source, "kfree_skb");
	bool named = e->name && *e->name;

	if (named)
		buf_printf(ret, "%s ", e->name);
	if (e->has_delta)
		buf_printf(ret, traced ? "traced %s" : "+%s", fmt_count(e->delta).s);
	else if (e->has_after)
		buf_puts(ret, fmt_count(e->after).s);
	if (e->text)
		buf_printf(ret, "%s%s", e->has_delta || (e->has_after && named) ? ", " : "",
			   e->text);
}

/* A counter that did not move is proof of nothing, only of what it is not. */
static bool tells(const struct evidence *e)
{
	return !e->has_delta || e->delta || e->text;
}

static void proof(struct text *t, const struct finding *f)
{
	struct buf numbers = {0}, line = {0};
	bool labelled = false;

	vec_each (e, &f->evidence) {
		bool sentence = e->text && !(e->name && *e->name);

		if (!tells(e) || sentence)
			continue;
		also(&numbers, "; ");
		evidence_words(e, &numbers);
	}
	if (numbers.len) {
		out_labelled(&t->out, INDENT, LABEL, "proof", numbers.data);
		labelled = true;
	}
	vec_each (e, &f->evidence) {
		if (!e->text || (e->name && *e->name))
			continue;
		buf_clear(&line);
		evidence_words(e, &line);
		out_labelled(&t->out, INDENT, LABEL, labelled ? "" : "proof", line.data);
		labelled = true;
	}
	buf_done(&numbers);
	buf_done(&line);
}

/* How much of it came at once, beside the average of the heading. */
static void burst(struct text *t, const struct finding *f)
{
	double seconds = f->burst.span_us / 1e6;
	struct buf line = {0};

	if (!f->burst.n)
		return;
	buf_printf(&line, "%s of them within %.2f s, %.1f s after the beginning: a burst (on average %s)",
		   fmt_count(f->burst.n).s, seconds, f->burst.at_ms / 1e3,
		   fmt_rate((double)f->lost / f->where->seconds).s);
	out_labelled(&t->out, INDENT, LABEL, "peak", line.data);
	buf_done(&line);
}

static void joined(struct text *t, const char *label, char *const *items, size_t n)
{
	struct buf line = {0};

	for (size_t i = 0; i < n; i++) {
		also(&line, "; ");
		buf_puts(&line, items[i]);
	}
	if (line.len)
		out_labelled(&t->out, INDENT, LABEL, label, line.data);
	buf_done(&line);
}

static void flow_words(const struct drop_flow *flow, bool sampled, struct buf *b)
{
	const char *protocol = protocol_name(flow->protocol);
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	bool six = flow->family == AF_INET6, ports = flow->source_port || flow->destination_port;

	address_text(flow->family, flow->source, from, sizeof(from));
	address_text(flow->family, flow->destination, to, sizeof(to));
	buf_printf(b, "%s%s", protocol ? protocol : "", protocol ? " " : "");
	if (ports)
		buf_printf(b, six ? "[%s]:%u to [%s]:%u" : "%s:%u to %s:%u", from,
			   flow->source_port, to, flow->destination_port);
	else
		buf_printf(b, "%s to %s", from, to);
	buf_printf(b, ", %s%s", sampled ? "about " : "", fmt_count(flow->packets).s);
}

static void flows(struct text *t, const struct finding *f)
{
	size_t n = 0;
	struct buf line = {0};

	vec_each (flow, &f->flows) {
		if (n == FLOWS_SHOWN && !t->out.style->all)
			break;
		buf_clear(&line);
		flow_words(flow, f->flows_sampled, &line);
		out_labelled(&t->out, INDENT, LABEL, n++ ? "" : "flows", line.data);
	}
	buf_done(&line);
}

static void rank_words(const struct crowd *c, const struct crowd_rank *rank, const char *noun,
		       struct buf *b)
{
	char address[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < MIN(rank->top_n, (size_t)RANKS_SHOWN); i++) {
		const struct crowd_top *top = &rank->top[i];

		if (top->family)
			address_text(top->family, top->address, address, sizeof(address));
		else
			snprintf(address, sizeof(address), "%u", top->port);
		buf_printf(b, "%s%s %s", i ? ", " : "", address, fmt_share(top->n, c->read).s);
	}
	if (rank->distinct > RANKS_SHOWN)
		buf_printf(b, " (%s %s)", fmt_count(rank->distinct).s, noun);
}

/* Who fills the table, and what it looks like. */
static void crowd(struct text *t, const struct finding *f)
{
	const struct finding_crowd *c = f->crowd;
	struct buf line = {0};

	if (!c)
		return;
	buf_printf(&line, "%s%s: %s", c->guess == CROWD_UNCLEAR ? "" : "like ",
		   crowd_guess_name(c->guess), c->why);
	out_labelled(&t->out, INDENT, LABEL, "looks", line.data);
	buf_clear(&line);
	rank_words(&c->sum, &c->sum.sources, "sources", &line);
	out_labelled(&t->out, INDENT, LABEL, "from", line.data);
	buf_clear(&line);
	rank_words(&c->sum, &c->sum.destinations, "addresses", &line);
	buf_puts(&line, "; port ");
	rank_words(&c->sum, &c->sum.ports, "ports", &line);
	for (enum crowd_state s = 0; s < CROWD_STATES; s++)
		if (c->sum.states[s])
			buf_printf(&line, "; %s %s", crowd_state_name(s),
				   fmt_share(c->sum.states[s], c->sum.read).s);
	out_labelled(&t->out, INDENT, LABEL, "to", line.data);
	buf_done(&line);
}

/* It has a name by which it is entered. */
static bool is_elsewhere(const struct finding *f)
{
	return f->where->name[0] && strcmp(f->where->name, "host") != 0;
}

static void fix(struct text *t, const struct finding *f)
{
	struct buf line = {0};
	bool first = true, applicable = false;

	vec_each (r, &f->remedies) {
		buf_clear(&line);
		buf_puts(&line, r->summary ? r->summary : r->id);
		if (r->why)
			buf_printf(&line, "; %s", r->why);
		out_labelled(&t->out, INDENT, LABEL, first ? "fix" : "", line.data);
		first = false;
		vec_each (c, &r->commands)
			out_verbatim(&t->out, INDENT + LABEL + 2, *c);
		buf_clear(&line);
		if (r->cost)
			buf_printf(&line, "cost: %s", r->cost);
		if (r->risk)
			buf_printf(&line, "%srisk: %s", line.len ? "; " : "", r->risk);
		if (line.len)
			out_labelled(&t->out, INDENT, LABEL + 2, "", line.data);
		applicable |= r->applicable;
	}
	if (applicable && t->r->can_fix)
		out_printf(&t->out, "%*swhydrop fix %s%s%s --apply    (dry run without --apply)\n",
			   INDENT + LABEL + 2, "", f->cause->id, is_elsewhere(f) ? " -n " : "",
			   is_elsewhere(f) ? f->where->name : "");
	buf_done(&line);
}

void text_finding(struct text *t, unsigned int number, const struct finding *f)
{
	struct buf more = {0};

	heading(t, number, f);
	if (f->text) {
		out_printf(&t->out, "%*s", INDENT, "");
		out_wrap(&t->out, INDENT, INDENT, f->text);
	}
	who(t, f);
	way(t, f);
	proof(t, f);
	burst(t, f);
	joined(t, "not", f->excluded.items, f->excluded.n);
	flows(t, f);
	crowd(t, f);
	fix(t, f);
	buf_printf(&more, "whydrop explain %s", f->cause->id);
	if (f->via)
		buf_printf(&more, "; whydrop explain %s", f->via->id);
	out_labelled(&t->out, INDENT, LABEL, "more", more.data);
	buf_done(&more);
}
