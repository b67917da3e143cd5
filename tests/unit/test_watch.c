// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines over time, from diagnoses made by hand: where packets go, and that none is lost or twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>

#include "render/watch.h"
#include "watch/watch.h"

#define HERE 4026531840U
#define THERE 4026531999U

/* A watch, and the diagnosis of the interval that is being made. */
struct play {
	struct watch_filter filter;
	struct watch w;
	struct drops drops;
	struct diagnosis d;
	int64_t now_ns;
};

static void play_init(struct play *p)
{
	struct observation *o;

	*p = (struct play){.now_ns = NSEC_PER_SEC};
	watch_init(&p->w, &p->filter);
	p->d.drops = &p->drops;
	o = vec_push(&p->d.observations);
	snprintf(o->name, sizeof(o->name), "host");
	o->inode = HERE;
	o->a.source[SRC_SOCKETS].status = o->b.source[SRC_SOCKETS].status = SOURCE_OK;
	snprintf(vec_push(&o->b.links)->name, 16, "eth0");
	o->b.links.items[0].ifindex = 2;
	snprintf(vec_push(&o->b.links)->name, 16, "eth1");
	o->b.links.items[1].ifindex = 3;
}

static void play_done(struct play *p)
{
	watch_done(&p->w);
	diagnosis_done(&p->d);
	drops_done(&p->drops);
	vec_done(&p->filter.inodes);
}

static struct drop *traced_at(struct play *p, uint32_t netns, const char *reason,
			      const char *symbol, uint64_t packets)
{
	struct drop *d = vec_push(&p->drops.rows);

	snprintf(d->reason, sizeof(d->reason), "%s", reason);
	snprintf(d->symbol, sizeof(d->symbol), "%s", symbol);
	d->netns = netns;
	d->protocol = IPPROTO_UDP;
	d->ifindex = 2;
	d->packets = d->segments = packets;
	d->bytes = packets * 100;
	return d;
}

static struct drop *traced(struct play *p, const char *reason, uint64_t packets)
{
	return traced_at(p, HERE, reason, "some_function", packets);
}

/* A cause explains so many of them: call when all rows are there. */
static void claimed(struct play *p, const char *cause, uint64_t packets)
{
	static const struct drop_filter all;

	if (!p->d.ledgers.n)
		ledger_init(vec_push(&p->d.ledgers), &p->drops, HERE);
	p->d.ledgers.items[0].claimant = cause;
	assert_int_equal(ledger_claim(&p->d.ledgers.items[0], &all, packets), packets);
}

static struct finding *found(struct play *p, const char *cause, uint64_t lost)
{
	struct finding *f = vec_push(&p->d.findings);

	f->cause = cause_by_id(cause);
	assert_non_null(f->cause);
	f->where = &p->d.observations.items[0];
	f->lost = lost;
	f->unit = "packets";
	return f;
}

static void by_rule(struct finding *f, uint64_t handle, uint64_t lost)
{
	struct subject *s = vec_push(&f->subjects);

	s->has_rule = s->has_lost = true;
	s->cpu = -1;
	s->lost = lost;
	s->rule = (struct rule_ref){.family = "inet", .table = "t", .chain = "c", .handle = handle};
}

static void interval_ends(struct play *p)
{
	p->now_ns += NSEC_PER_SEC;
	watch_take(&p->w, &p->d, 1, p->now_ns);
	diagnosis_forget(&p->d);
	drops_done(&p->drops);
}

/* The total of lines with that cause ("": none) and rule (0: none); -1: there is no such line. */
static int64_t total_of(const struct play *p, const char *cause, uint64_t handle)
{
	int64_t sum = -1;

	vec_each(l, &p->w.lines)
		if (strcmp(l->cause ? l->cause->id : "", cause) == 0 &&
		    (l->has_rule ? l->rule.handle : 0) == handle && !l->benign)
			sum = MAX(sum, 0) + (int64_t)l->total;
	return sum;
}

static uint64_t lost(const struct play *p)
{
	uint64_t sum = 0;

	for (int answer = 0; answer < WATCH_ANSWERS; answer++)
		sum += watch_sum(&p->w, false, (enum watch_answer)answer).total;
	return sum;
}

static void test_one_line(void **state)
{
	struct play p;

	(void)state;
	play_init(&p);
	for (int i = 0; i < 3; i++) {
		traced(&p, "NO_SOCKET", 100);
		claimed(&p, "udp-noport", 100);
		found(&p, "udp-noport", 100);
		interval_ends(&p);
	}
	assert_int_equal(p.w.lines.n, 1);
	assert_int_equal(p.w.lines.items[0].packets, 100);
	assert_int_equal(p.w.lines.items[0].bytes, 10000);
	assert_int_equal(p.w.lines.items[0].total, 300);
	assert_string_equal(p.w.lines.items[0].device, "eth0");
	interval_ends(&p);
	assert_int_equal(p.w.lines.items[0].packets, 0);
	assert_int_equal(p.w.lines.items[0].total, 300);
	play_done(&p);
}

/* The counters' interval ended before the trace's, and then the other way round. */
static void test_boundaries(void **state)
{
	struct play p;

	(void)state;
	play_init(&p);
	traced(&p, "NO_SOCKET", 100);
	claimed(&p, "udp-noport", 98);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "udp-noport", 0), 100);
	traced(&p, "NO_SOCKET", 5);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "udp-noport", 0), 105);
	assert_int_equal(p.w.lines.n, 1);
	/* Long after: nobody knows. */
	for (int i = 0; i < 5; i++)
		interval_ends(&p);
	traced(&p, "NO_SOCKET", 7);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "udp-noport", 0), 105);
	assert_int_equal(total_of(&p, "", 0), 7);
	/* Another namespace, reason, function or protocol is another kind. */
	traced(&p, "NO_SOCKET", 1)->protocol = IPPROTO_TCP;
	claimed(&p, "udp-noport", 1);
	interval_ends(&p);
	traced(&p, "IP_NOPROTO", 3);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "", 0), 10);
	assert_int_equal(lost(&p), 116);
	play_done(&p);
}

/* Traced now, counted in the next interval: the cause is told then, of all of them. */
static void test_explained_later(void **state)
{
	struct play p;

	(void)state;
	play_init(&p);
	traced(&p, "NO_SOCKET", 10);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "", 0), 10);
	traced(&p, "NO_SOCKET", 10);
	claimed(&p, "udp-noport", 10);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "", 0), -1);
	assert_int_equal(total_of(&p, "udp-noport", 0), 20);
	assert_int_equal(p.w.lines.n, 1);
	play_done(&p);
}

/* The rule's counter ran on while it was read, and was read before the last packets. */
static void full_buffer(struct play *p, const char *deepest)
{
	struct finding *f;

	traced(p, "SOCKET_RCVBUFF", 100);
	claimed(p, "udp-rcvbuf-full", 100);
	f = found(p, deepest, 100);
	f->via = strcmp(deepest, "udp-rcvbuf-full") ? cause_by_id("udp-rcvbuf-full") : NULL;
	interval_ends(p);
}

/* A cut interval does not tell why the buffer is full; one that goes on so is something else. */
static void test_deepest_sticks(void **state)
{
	struct play p;

	(void)state;
	play_init(&p);
	full_buffer(&p, "app-slow-reader");
	full_buffer(&p, "udp-rcvbuf-full");
	assert_int_equal(total_of(&p, "app-slow-reader", 0), 200);
	full_buffer(&p, "app-stopped");
	assert_int_equal(total_of(&p, "app-stopped", 0), 300);
	for (int i = 0; i < 3; i++)
		full_buffer(&p, "udp-rcvbuf-full");
	assert_int_equal(total_of(&p, "udp-rcvbuf-full", 0), 600);
	play_done(&p);
}

static void test_rule_carried_over(void **state)
{
	struct play p;

	(void)state;
	play_init(&p);
	traced(&p, "NETFILTER_DROP", 1000);
	claimed(&p, "fw-rule-drop", 1000);
	by_rule(found(&p, "fw-rule-drop", 1010), 4, 1010);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "fw-rule-drop", 4), 1000);
	traced(&p, "NETFILTER_DROP", 10);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "fw-rule-drop", 4), 1010);
	assert_int_equal(total_of(&p, "fw-rule-drop", 0), -1);

	traced(&p, "NETFILTER_DROP", 500);
	claimed(&p, "fw-rule-drop", 490);
	by_rule(found(&p, "fw-rule-drop", 490), 4, 490);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "fw-rule-drop", 4), 1500);
	assert_int_equal(total_of(&p, "fw-rule-drop", 0), 10);
	by_rule(found(&p, "fw-rule-drop", 10), 4, 10);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "fw-rule-drop", 4), 1510);
	assert_int_equal(total_of(&p, "fw-rule-drop", 0), -1);
	assert_int_equal(lost(&p), 1510);
	play_done(&p);
}

/* A counter that moved for something else is not believed for ever. */
static void test_rule_credit_ends(void **state)
{
	struct play p;

	(void)state;
	play_init(&p);
	by_rule(found(&p, "fw-rule-drop", 50), 4, 50);
	for (int i = 0; i < 5; i++)
		interval_ends(&p);
	traced(&p, "NETFILTER_DROP", 50);
	claimed(&p, "fw-rule-drop", 50);
	interval_ends(&p);
	/* What was counted then was told as such. */
	assert_int_equal(total_of(&p, "fw-rule-drop", 4), -1);
	assert_int_equal(total_of(&p, "fw-rule-drop", 0), 100);
	play_done(&p);
}

static void test_two_rules(void **state)
{
	struct play p;
	struct finding *f;

	(void)state;
	play_init(&p);
	/* Numbers tell which is which, and so the device of each. */
	traced(&p, "NETFILTER_DROP", 600);
	traced(&p, "NETFILTER_DROP", 100)->ifindex = 3;
	claimed(&p, "fw-rule-drop", 700);
	f = found(&p, "fw-rule-drop", 701);
	by_rule(f, 4, 101);
	by_rule(f, 7, 600);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "fw-rule-drop", 4), 100);
	assert_int_equal(total_of(&p, "fw-rule-drop", 7), 600);
	vec_each(l, &p.w.lines)
		assert_string_equal(l->device, l->rule.handle == 4 ? "eth1" : "eth0");
	/* They do not: the sums are right, and no device is told. */
	traced(&p, "NETFILTER_DROP", 500);
	traced(&p, "NETFILTER_DROP", 200)->ifindex = 3;
	claimed(&p, "fw-rule-drop", 700);
	f = found(&p, "fw-rule-drop", 700);
	by_rule(f, 4, 350);
	by_rule(f, 7, 350);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "fw-rule-drop", 4) + total_of(&p, "fw-rule-drop", 7), 1400);
	vec_each(l, &p.w.lines)
		if (l->packets)
			assert_string_equal(l->device, "");
	play_done(&p);
}

/* Packets that a filter means, and others, by two rules: accused only where the numbers tell. */
static void test_two_rules_and_a_filter(void **state)
{
	struct play p;
	struct finding *f;

	(void)state;
	play_init(&p);
	p.filter.packets = "udp port 53";
	traced(&p, "NETFILTER_DROP", 60);
	traced(&p, "NETFILTER_DROP", 400)->not_meant = true;
	claimed(&p, "fw-rule-drop", 460);
	f = found(&p, "fw-rule-drop", 460);
	by_rule(f, 4, 400);
	by_rule(f, 7, 60);
	interval_ends(&p);
	vec_each(l, &p.w.lines)
		assert_int_equal(watch_means(&p.w, l), l->rule.handle == 7 ? WATCH_MEANT : WATCH_NOT_MEANT);
	assert_int_equal(total_of(&p, "fw-rule-drop", 7), 60);
	traced(&p, "NETFILTER_DROP", 60);
	traced(&p, "NETFILTER_DROP", 400)->not_meant = true;
	claimed(&p, "fw-rule-drop", 460);
	f = found(&p, "fw-rule-drop", 460);
	by_rule(f, 4, 230);
	by_rule(f, 7, 230);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "fw-rule-drop", 0), 460);
	assert_int_equal(total_of(&p, "fw-rule-drop", 7), 60);
	assert_int_equal(watch_sum(&p.w, false, WATCH_MEANT).total, 120);
	assert_int_equal(watch_sum(&p.w, false, WATCH_NOT_MEANT).total, 800);
	play_done(&p);
}

static void test_rule_of_the_family(void **state)
{
	struct play p;
	struct finding *f;

	(void)state;
	play_init(&p);
	traced(&p, "NETFILTER_DROP", 100)->ethertype = 0x0800;
	claimed(&p, "fw-rule-drop", 100);
	f = found(&p, "fw-rule-drop", 100);
	by_rule(f, 4, 100);
	strcpy(f->subjects.items[0].rule.family, "ip6");
	interval_ends(&p);
	assert_int_equal(total_of(&p, "fw-rule-drop", 4), -1);
	assert_int_equal(total_of(&p, "fw-rule-drop", 0), 100);
	play_done(&p);
}

/* Where the kernel does not name the receiver the socket's own counter does. */
static void test_socket_without_name(void **state)
{
	struct play p;
	struct finding *f;
	struct subject *s;

	(void)state;
	play_init(&p);
	traced(&p, "SOCKET_RCVBUFF", 30);
	claimed(&p, "udp-rcvbuf-full", 30);
	f = found(&p, "udp-rcvbuf-full", 30);
	s = vec_push(&f->subjects);
	s->has_lost = s->has_socket = s->has_process = true;
	s->cpu = -1;
	s->lost = 30;
	s->socket = (struct socket){.cookie = 9, .inode = 77, .protocol = IPPROTO_UDP};
	s->process.pid = 812;
	interval_ends(&p);
	assert_int_equal(p.w.lines.n, 1);
	assert_true(p.w.lines.items[0].has_socket);
	assert_int_equal(p.w.lines.items[0].process->pid, 812);
	play_done(&p);
}

static void test_owner(void **state)
{
	struct play p;
	struct observation *o;
	struct drop *d;

	(void)state;
	play_init(&p);
	o = &p.d.observations.items[0];
	*vec_push(&o->b.sockets) = (struct socket){.cookie = 9, .inode = 77, .family = AF_INET,
						   .protocol = IPPROTO_UDP, .local_port = 53};
	*vec_push(&o->b.owners) = (struct socket_owner){.inode = 77, .pid = 812};
	*vec_push(&o->b.processes) = (struct process){.pid = 812, .comm = "dnsdist"};
	d = traced(&p, "SOCKET_RCVBUFF", 10);
	d->family = AF_INET;
	d->cookie = 9;
	claimed(&p, "udp-rcvbuf-full", 10);
	interval_ends(&p);
	/* A row from before the socket had its cookie has the port alone: there is only one such. */
	d = traced(&p, "SOCKET_RCVBUFF", 10);
	d->family = AF_INET;
	d->local_port = 53;
	claimed(&p, "udp-rcvbuf-full", 10);
	interval_ends(&p);
	assert_int_equal(p.w.lines.n, 1);
	assert_int_equal(p.w.lines.items[0].total, 20);
	assert_int_equal(p.w.lines.items[0].process->pid, 812);
	assert_false(p.w.lines.items[0].gone);
	/* It was closed: what was known of it stays, and that is told. */
	snapshot_done(&o->a);
	o->a = o->b;
	o->b = (struct snapshot){0};
	o->b.source[SRC_SOCKETS].status = SOURCE_OK;
	*vec_push(&o->b.links) = (struct link){.name = "eth0", .ifindex = 2};
	d = traced(&p, "SOCKET_RCVBUFF", 1);
	d->family = AF_INET;
	d->cookie = 9;
	claimed(&p, "udp-rcvbuf-full", 1);
	interval_ends(&p);
	assert_int_equal(p.w.lines.n, 1);
	assert_int_equal(p.w.lines.items[0].process->pid, 812);
	assert_true(p.w.lines.items[0].gone);
	play_done(&p);
}

static void test_expected_frees(void **state)
{
	struct play p;

	(void)state;
	play_init(&p);
	traced(&p, "QUEUE_PURGE", 40);
	traced(&p, "QUEUE_PURGE", 2)->ifindex = 3;
	traced(&p, "NO_SOCKET", 1);
	interval_ends(&p);
	assert_int_equal(watch_sum(&p.w, true, WATCH_MEANT).total, 42);
	assert_int_equal(watch_sum(&p.w, false, WATCH_MEANT).total, 1);
	assert_int_equal(p.w.lines.n, 2);
	assert_null(p.w.lines.items[0].benign);
	assert_non_null(p.w.lines.items[1].benign);
	play_done(&p);
}

static void test_counted_alone(void **state)
{
	struct play p;

	(void)state;
	play_init(&p);
	found(&p, "listen-overflow", 24);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "listen-overflow", 0), 24);
	assert_int_equal(p.w.lines.items[0].how, WATCH_COUNTED);
	/* At risk, or long ago, is no loss now. */
	found(&p, "listen-overflow", 5)->state = AT_RISK;
	found(&p, "listen-overflow", 5)->state = LOST_BEFORE;
	found(&p, "udp-mem-limit", 0);
	interval_ends(&p);
	assert_int_equal(lost(&p), 24);
	play_done(&p);
}

/* Counted now, traced a moment later: once, as traced. */
static void test_counted_before_traced(void **state)
{
	struct play p;

	(void)state;
	play_init(&p);
	found(&p, "udp-noport", 5);
	interval_ends(&p);
	assert_int_equal(lost(&p), 0);
	traced(&p, "NO_SOCKET", 5);
	interval_ends(&p);
	assert_int_equal(lost(&p), 5);
	/* Counted, and never traced. */
	interval_ends(&p);
	found(&p, "udp-noport", 6);
	interval_ends(&p);
	assert_int_equal(lost(&p), 5);
	interval_ends(&p);
	assert_int_equal(lost(&p), 11);
	/* Nothing comes after the last interval. */
	found(&p, "udp-noport", 3);
	interval_ends(&p);
	watch_end(&p.w);
	assert_int_equal(lost(&p), 14);
	play_done(&p);
}

/* Nothing is traced: all that is known is what was counted. */
static void test_without_trace(void **state)
{
	struct play p;

	(void)state;
	play_init(&p);
	p.drops.err = -EPERM;
	by_rule(found(&p, "fw-rule-drop", 12), 4, 10);
	interval_ends(&p);
	assert_int_equal(total_of(&p, "fw-rule-drop", 4), 10);
	assert_int_equal(total_of(&p, "fw-rule-drop", 0), 2);
	play_done(&p);
}

static void test_other_namespaces(void **state)
{
	struct play p;

	(void)state;
	play_init(&p);
	traced_at(&p, THERE, "NO_SOCKET", "f", 8);
	traced_at(&p, THERE + 1, "NO_SOCKET", "f", 1);
	traced_at(&p, THERE, "QUEUE_PURGE", "f", 100);
	traced_at(&p, 0, "UDP_CSUM", "f", 2);
	interval_ends(&p);
	assert_int_equal(p.w.elsewhere.total, 9);
	assert_int_equal(p.w.elsewhere_netns.n, 2);
	assert_int_equal(p.w.lines.n, 1);
	assert_int_equal(p.w.lines.items[0].netns, 0);
	play_done(&p);
}

/* However many kinds there are: memory is bounded, and the sum is right. */
static void test_bounded(void **state)
{
	struct play p;
	char name[32];

	(void)state;
	play_init(&p);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "function_%d", i);
		traced_at(&p, HERE, "NO_SOCKET", name, 2);
		if (i % 1000 == 999)
			interval_ends(&p);
	}
	assert_true(p.w.lines.n <= WATCH_LINES_MAX);
	assert_int_equal(lost(&p), 6000);
	assert_int_equal(p.w.others_lines + p.w.lines.n, 3000);
	/* Those of the last interval were not folded. */
	assert_non_null(watch_line_of(&p.w, HERE, "NO_SOCKET", "function_2999", IPPROTO_UDP, "eth0", 0));
	play_done(&p);
}

static void test_filters(void **state)
{
	struct play p;
	struct drop *d;

	(void)state;
	play_init(&p);
	traced(&p, "NO_SOCKET", 1);
	traced(&p, "IP_NOPROTO", 10)->ifindex = 3;
	d = traced(&p, "SOCKET_RCVBUFF", 100);
	d->family = AF_INET;
	d->local_port = 53;
	claimed(&p, "udp-noport", 1);
	found(&p, "listen-overflow", 1000);
	interval_ends(&p);
	assert_int_equal(watch_sum(&p.w, false, WATCH_MEANT).total, 1111);

	p.filter.device = "eth1";
	assert_int_equal(watch_sum(&p.w, false, WATCH_MEANT).total, 10);
	assert_int_equal(watch_sum(&p.w, false, WATCH_CANNOT_TELL).total, 1000);
	p.filter.device = NULL;
	p.filter.reason = "NO_SOCKET";
	assert_int_equal(watch_sum(&p.w, false, WATCH_MEANT).total, 1);
	assert_int_equal(watch_sum(&p.w, false, WATCH_NOT_MEANT).total, 110);
	p.filter.reason = NULL;
	p.filter.cause = "listen-overflow";
	assert_int_equal(watch_sum(&p.w, false, WATCH_MEANT).total, 1000);
	p.filter.cause = NULL;
	p.filter.packets = "udp";
	assert_int_equal(watch_sum(&p.w, false, WATCH_MEANT).total, 111);
	assert_int_equal(watch_sum(&p.w, false, WATCH_CANNOT_TELL).total, 1000);
	p.filter.packets = NULL;
	p.filter.pid = 812;
	assert_int_equal(watch_sum(&p.w, false, WATCH_MEANT).total, 0);
	assert_int_equal(watch_sum(&p.w, false, WATCH_NOT_MEANT).total, 100);
	vec_each(l, &p.w.lines)
		if (l->has_socket)
			l->socket.inode = 77;
	*vec_push(&p.filter.inodes) = 77;
	assert_int_equal(watch_sum(&p.w, false, WATCH_MEANT).total, 100);
	play_done(&p);
}

static void test_missed(void **state)
{
	struct play p;

	(void)state;
	play_init(&p);
	for (int i = 0; i < 2; i++) {
		p.drops.missed = 3;
		*vec_push(&p.drops.events_missed) =
			(struct drop_missed){.reason = "NO_SOCKET", .symbol = "f", .packets = 40};
		interval_ends(&p);
	}
	assert_int_equal(p.w.missed.total, 6);
	assert_int_equal(p.w.events_missed.n, 1);
	assert_int_equal(p.w.events_missed.items[0].packets, 80);
	play_done(&p);
}

/* ---- how it looks ---- */

static void drawn(struct play *p, size_t columns, struct buf *ret)
{
	static const struct text_style plain;
	struct report report = {0};
	struct watch_view v = {.w = &p->w, .d = &p->d, .r = &report, .rung = "tp_btf",
			       .asked_seconds = 1, .end = true};
	struct grid g;

	buf_clear(ret);
	grid_init(&g, columns);
	render_watch(&v, &g);
	grid_text(&g, &plain, ret);
	grid_done(&g);
}

static size_t longest(const struct buf *text)
{
	size_t most = 0;

	for (const char *at = text->data; *at; at += strcspn(at, "\n"), at += *at == '\n')
		most = MAX(most, strcspn(at, "\n"));
	return most;
}

static void test_text(void **state)
{
	struct play p;
	struct finding *f;
	struct buf text = {0};

	(void)state;
	play_init(&p);
	traced(&p, "NETFILTER_DROP", 12406);
	claimed(&p, "fw-rule-drop", 12406);
	f = found(&p, "fw-rule-drop", 12406);
	by_rule(f, 4, 12406);
	f->subjects.items[0].rule.text =
		xstrdup("udp dport 53 counter packets 12 bytes 34 drop comment \"\033[2J\"");
	traced_at(&p, THERE, "NO_SOCKET", "f", 8);
	interval_ends(&p);
	for (size_t columns = 12; columns < 200; columns += 4) {
		drawn(&p, columns, &text);
		assert_true(longest(&text) <= columns);
		assert_null(strchr(text.data, '\033'));
	}
	drawn(&p, 160, &text);
	assert_non_null(strstr(text.data, "12,406  netfilter  fw-rule-drop"));
	assert_non_null(strstr(text.data, "eth0, inet t c handle 4: udp dport 53 counter drop comment \"\\x1b[2J\""));
	assert_non_null(strstr(text.data, "In other namespaces: 8 dropped, 1 of them; --netns all"));
	drawn(&p, 20, &text);
	assert_non_null(strstr(text.data, "12,406\n netfilter\n fw-rule-drop\n NETFILTER_DROP at\n"));
	buf_done(&text);
	play_done(&p);
}

static void test_json(void **state)
{
	struct play p;
	struct report report = {0};
	struct watch_view v = {.w = &p.w, .d = &p.d, .r = &report, .rung = "tp_btf"};
	json_t *j, *line;

	(void)state;
	play_init(&p);
	traced(&p, "NO_SOCKET", 7);
	claimed(&p, "udp-noport", 7);
	found(&p, "listen-overflow", 24);
	interval_ends(&p);
	j = render_watch_json(&v);
	assert_string_equal(json_string_value(json_object_get(j, "schema")), "whydrop.watch/1");
	line = json_array_get(json_object_get(json_object_get(j, "interval"), "lines"), 1);
	assert_string_equal(json_string_value(json_object_get(line, "cause")), "udp-noport");
	assert_string_equal(json_string_value(json_object_get(line, "how")), "traced");
	assert_int_equal(json_integer_value(json_object_get(line, "packets")), 7);
	assert_int_equal(json_integer_value(json_object_get(line, "bytes")), 700);
	line = json_array_get(json_object_get(json_object_get(j, "interval"), "lines"), 0);
	assert_string_equal(json_string_value(json_object_get(line, "how")), "counted");
	assert_true(json_is_null(json_object_get(line, "reason")));
	json_decref(j);
	interval_ends(&p);
	j = render_watch_json(&v);
	assert_int_equal(json_array_size(json_object_get(json_object_get(j, "interval"), "lines")), 0);
	json_decref(j);
	v.end = true;
	j = render_watch_json(&v);
	assert_int_equal(json_array_size(json_object_get(json_object_get(j, "summary"), "lines")), 2);
	json_decref(j);
	play_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_explained_later),
		cmocka_unit_test(test_deepest_sticks),
		cmocka_unit_test(test_rule_carried_over),
		cmocka_unit_test(test_rule_credit_ends),
		cmocka_unit_test(test_two_rules),
		cmocka_unit_test(test_two_rules_and_a_filter),
		cmocka_unit_test(test_rule_of_the_family),
		cmocka_unit_test(test_socket_without_name),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_expected_frees),
		cmocka_unit_test(test_counted_alone),
		cmocka_unit_test(test_counted_before_traced),
		cmocka_unit_test(test_without_trace),
		cmocka_unit_test(test_other_namespaces),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
