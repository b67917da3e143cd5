// SPDX-License-Identifier: GPL-2.0-or-later
/* Findings, evidence and remedies put together: what cause functions call. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/intern.h"
#include "causes/cause.h"

#define FLOWS_SHOWN 10

__attribute__((format(printf, 1, 0))) static char *text_of(const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0)
		text = xstrdup("");
	return text;
}

#define TEXT_INTO(place, fmt)                                                                      \
	do {                                                                                       \
		va_list args;                                                                      \
		va_start(args, fmt);                                                               \
		free(place);                                                                       \
		(place) = text_of(fmt, args);                                                      \
		va_end(args);                                                                      \
	} while (0)

struct finding *finding_new(struct exam *x)
{
	struct finding *f = vec_push(&x->d->findings);

	f->cause = x->row;
	f->state = x->o->since_boot ? LOST_BEFORE : LOSING;
	f->severity = SEVERITY_INFO;
	f->confidence = CERTAIN;
	f->where = x->o;
	f->unit = "packets";
	return f;
}

const struct finding *finding_here(const struct exam *x, const char *id)
{
	vec_each(f, &x->d->findings)
		if (f->where == x->o && strcmp(f->cause->id, id) == 0)
			return f;
	return NULL;
}

struct finding finding_alike(const struct finding *f)
{
	return (struct finding){.cause = f->cause,
				.via = f->via,
				.state = f->state,
				.severity = f->severity,
				.confidence = f->confidence,
				.has_direction = f->has_direction,
				.direction = f->direction,
				.where = f->where,
				.unit = f->unit,
				.stalled = f->stalled,
				.of = f->of};
}

struct finding finding_take(struct diagnosis *d, struct finding *f, uint64_t lost)
{
	struct exam x = {.d = d};
	struct finding part = finding_alike(f);

	part.lost = lost;
	f->lost -= lost;
	f->counted -= MIN(lost, f->counted);
	f->traced -= MIN(lost, f->traced);
	f->severity = MIN(f->severity, severity_of_share(&x, f->lost, f->of));
	return part;
}

void finding_headline(struct finding *f, const char *fmt, ...)
{
	TEXT_INTO(f->headline, fmt);
}

void finding_text(struct finding *f, const char *fmt, ...)
{
	TEXT_INTO(f->text, fmt);
}

void finding_exclude(struct finding *f, const char *fmt, ...)
{
	char **place = vec_push(&f->excluded);

	TEXT_INTO(*place, fmt);
	/* What explains a finding says some of what was said of its loss already. */
	for (size_t i = 0; i + 1 < f->excluded.n; i++)
		if (strcmp(f->excluded.items[i], *place) == 0) {
			free(*place);
			f->excluded.n--;
			return;
		}
}

void finding_lost(struct finding *f, const uint64_t *counted, const uint64_t *traced, uint64_t of)
{
	f->counted_known = counted != NULL;
	f->traced_known = traced != NULL;
	f->counted = counted ? *counted : 0;
	f->traced = traced ? *traced : 0;
	f->lost = counted ? f->counted : f->traced;
	f->of = of;
}

uint64_t threshold_count(const struct exam *x, enum threshold_id id)
{
	return config_threshold(x->d->config, id);
}

double threshold_share(const struct exam *x, enum threshold_id id)
{
	return (double)threshold_count(x, id) / 1e6;
}

enum severity severity_of_share(const struct exam *x, uint64_t lost, uint64_t of)
{
	double share = of ? (double)lost / (double)of : 1;

	if (lost < threshold_count(x, THRESHOLD_LOSS_PACKETS) ||
	    share < threshold_share(x, THRESHOLD_LOSS_WARNING))
		return SEVERITY_INFO;
	return share >= threshold_share(x, THRESHOLD_LOSS_CRITICAL) ? SEVERITY_CRITICAL
								    : SEVERITY_WARNING;
}

bool severity_of_fill(const struct exam *x, uint64_t used, uint64_t limit, enum severity *ret)
{
	double fill = limit ? (double)used / (double)limit : 0;

	if (fill < threshold_share(x, THRESHOLD_FILL_NOTE))
		return false;
	*ret = fill >= threshold_share(x, THRESHOLD_FILL_CRITICAL)  ? SEVERITY_CRITICAL
	       : fill >= threshold_share(x, THRESHOLD_FILL_WARNING) ? SEVERITY_WARNING
								    : SEVERITY_INFO;
	return true;
}

struct subject *finding_subject(struct finding *f)
{
	struct subject *s = vec_push(&f->subjects);

	s->cpu = -1;
	return s;
}

/* One flow may have been dropped at two places, and is one to whoever reads it. */
static bool add_to_flow(struct finding *f, const struct drop_flow *flow)
{
	vec_each(known, &f->flows)
		if (known->family == flow->family && known->protocol == flow->protocol &&
		    known->source_port == flow->source_port &&
		    known->destination_port == flow->destination_port &&
		    memcmp(known->source, flow->source, sizeof(flow->source)) == 0 &&
		    memcmp(known->destination, flow->destination, sizeof(flow->destination)) == 0) {
			known->packets += flow->packets;
			return true;
		}
	return false;
}

bool finding_flow_meant(struct exam *x, struct finding *f, const struct drop_flow *flow,
			uint64_t packets)
{
	enum answer is = x->d->narrow ? narrow_flow(x->d->narrow, x->o, flow) : ANSWER_YES;

	f->flows_sum.meant += is == ANSWER_YES ? packets : 0;
	f->flows_sum.others += is == ANSWER_NO ? packets : 0;
	return is == ANSWER_YES;
}

void finding_flows(struct exam *x, struct finding *f, const struct drop_filter *which)
{
	if (!x->d->drops || x->d->drops->err)
		return;
	ledger_each_flow(flow, x->ledger) {
		struct drop as_drop = {.protocol = flow->protocol, .ifindex = flow->ifindex};

		memcpy(as_drop.reason, flow->reason, sizeof(as_drop.reason));
		memcpy(as_drop.symbol, flow->symbol, sizeof(as_drop.symbol));
		if (!drop_matches(&as_drop, which))
			continue;
		if (finding_flow_meant(x, f, flow, flow->packets) && !add_to_flow(f, flow) &&
		    f->flows.n < FLOWS_SHOWN)
			*vec_push(&f->flows) = *flow;
	}
	f->flows_sampled = x->d->drops->flows_sampled;
}

static struct evidence *evidence_new(struct finding *f, struct exam *x)
{
	return f ? vec_push(&f->evidence) : vec_push(&x->cleared->evidence);
}

static bool same_evidence(const struct evidence *a, const struct evidence *b)
{
	return a->source == b->source && a->name == b->name && a->has_before == b->has_before &&
	       a->has_after == b->has_after && a->has_delta == b->has_delta &&
	       a->before == b->before && a->after == b->after && a->delta == b->delta &&
	       strcmp(a->text ? a->text : "", b->text ? b->text : "") == 0;
}

/* The last one is taken back if it was said before, by the loss that this one explains. */
static void evidence_once(struct finding *f)
{
	struct evidence *last = f ? &f->evidence.items[f->evidence.n - 1] : NULL;

	for (size_t i = 0; last && i + 1 < f->evidence.n; i++)
		if (same_evidence(&f->evidence.items[i], last)) {
			free(last->text);
			f->evidence.n--;
			return;
		}
}

/* What clears a hundred causes in each of a thousand namespaces is named by the same few texts. */
static void evidence_name(struct evidence *e, const char *source, const char *name)
{
	e->source = intern(source, strlen(source));
	e->name = intern(name, strlen(name));
}

void evidence_change(struct finding *f, struct exam *x, const char *source, const char *name,
		     struct change c)
{
	struct evidence *e = evidence_new(f, x);

	evidence_name(e, source, name);
	e->has_before = e->has_after = c.known || c.reset;
	e->has_delta = c.known;
	e->before = c.before;
	e->after = c.after;
	e->delta = c.delta;
	if (c.reset)
		e->text = xstrdup("the counter was reset during the interval");
	else if (!c.known)
		e->text = xstrdup("not known");
	evidence_once(f);
}

void evidence_counter(struct finding *f, struct exam *x, enum counter_id id)
{
	struct change c = delta_counter(x->o, id);

	/* A counter this kernel does not have proves and clears nothing. */
	if (c.known || c.reset)
		evidence_change(f, x, source_rows[counter_rows[id].source].name,
				counter_rows[id].name, c);
}

void evidence_value(struct finding *f, struct exam *x, const char *source, const char *name,
		    uint64_t value)
{
	struct evidence *e = evidence_new(f, x);

	evidence_name(e, source, name);
	e->has_after = true;
	e->after = value;
	evidence_once(f);
}

void evidence_traced(struct finding *f, struct exam *x, const char *what, uint64_t packets)
{
	struct evidence *e;

	if (!x->d->drops || x->d->drops->err)
		return;
	e = evidence_new(f, x);
	evidence_name(e, "kfree_skb", what);
	e->has_delta = true;
	e->delta = packets;
}

void evidence_log(struct finding *f, struct exam *x, enum kernel_log_id id)
{
	uint64_t since = kernel_log_end(&x->o->a);
	unsigned int n = kernel_log_count(&x->o->b, id, since);

	/* Since boot the log holds only its last lines, and of a flood the kernel prints few. */
	if (n && observed(x->o, SRC_KERNEL_LOG))
		evidence_text(f, x, "the kernel's log said %s%u times: %s",
			      n == KERNEL_LOG_KEPT ? "at least " : "", n,
			      kernel_log_last(&x->o->b, id, since)->text);
}

void evidence_text(struct finding *f, struct exam *x, const char *fmt, ...)
{
	struct evidence *e = evidence_new(f, x);

	evidence_name(e, "", "");
	TEXT_INTO(e->text, fmt);
	evidence_once(f);
}

struct remedy *finding_remedy(struct finding *f, const char *id, enum remedy_kind kind,
			      const char *fmt, ...)
{
	struct remedy *r = vec_push(&f->remedies);

	r->id = id;
	r->kind = kind;
	TEXT_INTO(r->summary, fmt);
	return r;
}

void remedy_why(struct remedy *r, const char *fmt, ...)
{
	TEXT_INTO(r->why, fmt);
}

void remedy_cost(struct remedy *r, const char *fmt, ...)
{
	TEXT_INTO(r->cost, fmt);
}

void remedy_risk(struct remedy *r, const char *fmt, ...)
{
	TEXT_INTO(r->risk, fmt);
}

void remedy_command(struct remedy *r, const char *fmt, ...)
{
	char **place = vec_push(&r->commands);

	TEXT_INTO(*place, fmt);
}

void remedy_undo(struct remedy *r, const char *fmt, ...)
{
	char **place = vec_push(&r->undo);

	TEXT_INTO(*place, fmt);
}

void remedy_persist(struct remedy *r, const char *fmt, ...)
{
	char **place = vec_push(&r->persist);

	TEXT_INTO(*place, fmt);
}

void remedy_change(struct remedy *r, const char *kind, const char *from, const char *to,
		   const char *key, ...)
{
	struct remedy_change *c = vec_push(&r->changes);

	c->kind = xstrdup(kind);
	c->from = xstrdup(from);
	c->to = xstrdup(to);
	TEXT_INTO(c->key, key);
	r->applicable = true;
}

void remedy_change_number(struct remedy *r, const char *kind, uint64_t from, uint64_t to,
			  const char *key, ...)
{
	struct remedy_change *c = vec_push(&r->changes);
	char number[24];

	c->kind = xstrdup(kind);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)from);
	c->from = xstrdup(number);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)to);
	c->to = xstrdup(number);
	TEXT_INTO(c->key, key);
	r->applicable = true;
}

void remedy_sysctl_text(struct remedy *r, const char *key, const char *from, const char *to)
{
	const char *quote = strchr(from, ' ') || strchr(to, ' ') ? "'" : "";

	remedy_change(r, "sysctl", from, to, "%s", key);
	remedy_command(r, "sysctl -w %s=%s%s%s", key, quote, to, quote);
	remedy_undo(r, "sysctl -w %s=%s%s%s", key, quote, from, quote);
	remedy_persist(r, "echo '%s = %s' > /etc/sysctl.d/90-whydrop-%s.conf", key, to,
		       strrchr(key, '.') ? strrchr(key, '.') + 1 : key);
}

void remedy_sysctl(struct remedy *r, const char *key, int64_t from, int64_t to)
{
	char before[24], after[24];

	snprintf(before, sizeof(before), "%lld", (long long)from);
	snprintf(after, sizeof(after), "%lld", (long long)to);
	remedy_sysctl_text(r, key, before, after);
}

const char *address_text(uint8_t family, const uint8_t *address, char *to, size_t size)
{
	if (!inet_ntop(family, address, to, (socklen_t)size))
		snprintf(to, size, "?");
	return to;
}

/* include/uapi/linux/netlink.h NETLINK_*, those that programs listen to */
static void netlink_text(uint8_t protocol, char *to, size_t size)
{
	static const char *const names[] = {
		[0] = "route",	   [4] = "sock_diag",	   [6] = "xfrm",    [7] = "selinux",
		[9] = "audit",	   [10] = "fib_lookup",	   [11] = "connector", [12] = "netfilter",
		[15] = "kobject_uevent", [16] = "generic", [21] = "smc"};

	if (protocol < ARRAY_SIZE(names) && names[protocol])
		snprintf(to, size, "netlink %s", names[protocol]);
	else
		snprintf(to, size, "netlink protocol %u", protocol);
}

const char *socket_text(const struct socket *sk, char *to, size_t size)
{
	char address[INET6_ADDRSTRLEN];

	if (sk->kind == SOCKET_NETLINK) {
		netlink_text(sk->protocol, to, size);
		return to;
	}
	if (sk->kind == SOCKET_PACKET) {
		snprintf(to, size, "packet socket");
		return to;
	}
	address_text(sk->family, sk->local, address, sizeof(address));
	if (sk->kind == SOCKET_RAW) {
		snprintf(to, size, "%s (raw)", address);
		return to;
	}
	snprintf(to, size, sk->family == AF_INET6 ? "[%s]:%u" : "%s:%u", address, sk->local_port);
	return to;
}
