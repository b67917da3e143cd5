// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets walked through rule sets made by hand, and drops blamed on their rules and policies. */
#define _GNU_SOURCE
#include "observe.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter.h>

#include "causes/fw_blame.h"
#include "collect/proctext.h"

/* ---- rule sets made by hand ---- */

static size_t add_chain(struct ruleset *set, const char *name, bool base, unsigned int hook,
			int priority, enum rule_verdict policy)
{
	struct chain *c = vec_push(&set->chains);

	snprintf(c->table, sizeof(c->table), "t");
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->family = set->legacy ? NFPROTO_IPV4 : NFPROTO_INET;
	c->handle = set->chains.n;
	c->base = base;
	c->hook = hook;
	c->priority = priority;
	c->policy = policy;
	c->rules_first = set->rules.n;
	return set->chains.n - 1;
}

static struct rule *add_rule(struct ruleset *set, enum rule_verdict verdict, size_t jump)
{
	struct chain *c = &set->chains.items[set->chains.n - 1];
	struct rule *r = vec_push(&set->rules);

	r->chain = set->chains.n - 1;
	r->position = (unsigned int)++c->rules_n;
	r->handle = 100 + set->rules.n;
	r->verdict = verdict;
	r->jump = jump;
	r->ops_first = set->ops.n;
	return r;
}

static void add_op(struct ruleset *set, enum rule_op_kind kind, uint16_t low)
{
	struct rule_op *op = vec_push(&set->ops);

	op->kind = (uint8_t)kind;
	op->low = op->high = low;
	op->value[0] = (uint8_t)low;
	set->rules.items[set->rules.n - 1].ops_n++;
}

static struct rule *port_rule(struct ruleset *set, enum rule_verdict verdict, uint16_t port)
{
	add_rule(set, verdict, RULE_NO_CHAIN);
	add_op(set, OP_DPORT, port);
	return &set->rules.items[set->rules.n - 1];
}

static struct rule *maybe_rule(struct ruleset *set, enum rule_verdict verdict, size_t jump)
{
	add_rule(set, verdict, jump);
	add_op(set, OP_UNKNOWN, 0);
	return &set->rules.items[set->rules.n - 1];
}

static struct packet udp_to(uint16_t port)
{
	return (struct packet){.family = AF_INET,
			       .protocol = IPPROTO_UDP,
			       .source = {192, 0, 2, 1},
			       .destination = {192, 0, 2, 2},
			       .source_port = 40000,
			       .destination_port = port,
			       .in_ifindex = 2,
			       .in_device = "eth0",
			       .out_device = ""};
}

static struct rule_walk walk(const struct ruleset *nft, const struct ruleset *legacy, uint16_t port)
{
	struct rule_walk w = {.sets = {nft, legacy},
			      .family = NFPROTO_IPV4,
			      .hook = NF_INET_LOCAL_IN,
			      .steps = 1000};
	struct packet p = udp_to(port);

	rule_walk(&w, &p);
	return w;
}

static void walks_jumps(void **state)
{
	struct ruleset set = {0};
	struct rule_walk w;

	(void)state;
	add_chain(&set, "sub", false, 0, 0, VERDICT_ACCEPT);
	port_rule(&set, VERDICT_RETURN, 1);
	port_rule(&set, VERDICT_DROP, 2);
	port_rule(&set, VERDICT_ACCEPT, 3);
	add_chain(&set, "input", true, NF_INET_LOCAL_IN, 0, VERDICT_DROP);
	add_rule(&set, VERDICT_JUMP, 0);
	port_rule(&set, VERDICT_DROP, 1);
	port_rule(&set, VERDICT_ACCEPT, 4);

	w = walk(&set, NULL, 1); /* returns, then the rule behind the jump */
	assert_int_equal(w.n, 1);
	assert_int_equal(w.stops[0].rule, 4);
	assert_true(w.stops[0].definite);
	w = walk(&set, NULL, 2);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.stops[0].rule, 1);
	assert_int_equal(walk(&set, NULL, 3).n, 0);
	assert_int_equal(walk(&set, NULL, 4).n, 0);
	w = walk(&set, NULL, 5);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.stops[0].rule, POLICY_OF_CHAIN);
	assert_true(w.stops[0].definite);
	ruleset_done(&set);
}

static void walks_goto(void **state)
{
	struct ruleset set = {0};
	struct rule_walk w;

	(void)state;
	add_chain(&set, "sub", false, 0, 0, VERDICT_ACCEPT);
	port_rule(&set, VERDICT_DROP, 2);
	add_chain(&set, "input", true, NF_INET_LOCAL_IN, 0, VERDICT_ACCEPT);
	add_rule(&set, VERDICT_GOTO, 0);
	add_rule(&set, VERDICT_DROP, RULE_NO_CHAIN); /* never reached */
	assert_int_equal(walk(&set, NULL, 1).n, 0);
	w = walk(&set, NULL, 2);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.stops[0].rule, 0);
	ruleset_done(&set);
}

static void walks_what_may_be(void **state)
{
	struct ruleset set = {0};
	struct rule_walk w;

	(void)state;
	add_chain(&set, "sub", false, 0, 0, VERDICT_ACCEPT);
	add_rule(&set, VERDICT_DROP, RULE_NO_CHAIN);
	add_chain(&set, "input", true, NF_INET_LOCAL_IN, 0, VERDICT_DROP);
	maybe_rule(&set, VERDICT_ACCEPT, RULE_NO_CHAIN); /* it was dropped, so it was not this */
	maybe_rule(&set, VERDICT_DROP, RULE_NO_CHAIN);
	maybe_rule(&set, VERDICT_JUMP, 0);
	w = walk(&set, NULL, 1);
	assert_int_equal(w.n, 3);
	assert_int_equal(w.stops[0].rule, 2);
	assert_false(w.stops[0].definite);
	assert_int_equal(w.stops[1].rule, 0);
	assert_false(w.stops[1].definite);
	assert_int_equal(w.stops[2].rule, POLICY_OF_CHAIN);
	assert_true(w.stops[2].definite);
	ruleset_done(&set);
}

static void walks_by_priority(void **state)
{
	struct ruleset nft = {0}, legacy = {.legacy = true};
	struct rule_walk w;

	(void)state;
	add_chain(&nft, "late", true, NF_INET_LOCAL_IN, 10, VERDICT_DROP);
	add_chain(&nft, "other-hook", true, NF_INET_FORWARD, -5, VERDICT_DROP);
	add_chain(&legacy, "INPUT", true, NF_INET_LOCAL_IN, 0, VERDICT_ACCEPT);
	port_rule(&legacy, VERDICT_ACCEPT, 1); /* accepted there, dropped by the next chain */
	port_rule(&legacy, VERDICT_DROP, 2);
	w = walk(&nft, &legacy, 1);
	assert_int_equal(w.n, 1);
	assert_ptr_equal(w.stops[0].set, &nft);
	w = walk(&nft, &legacy, 2);
	assert_int_equal(w.n, 1);
	assert_ptr_equal(w.stops[0].set, &legacy);
	ruleset_done(&nft);
	ruleset_done(&legacy);
}

static void walks_end(void **state)
{
	struct ruleset set = {0};
	struct rule_walk w;

	(void)state;
	/* A loop, which no kernel accepts but a recording may hold. */
	add_chain(&set, "loop", false, 0, 0, VERDICT_ACCEPT);
	add_rule(&set, VERDICT_JUMP, 0);
	add_rule(&set, VERDICT_JUMP, 0);
	add_chain(&set, "input", true, NF_INET_LOCAL_IN, 0, VERDICT_DROP);
	add_rule(&set, VERDICT_JUMP, 0);
	w = walk(&set, NULL, 1);
	assert_true(w.more);
	assert_int_equal(w.steps, 0);
	ruleset_done(&set);
}

static void matches_groups_and_devices(void **state)
{
	struct rule_op any[3] = {{.kind = OP_ANY, .high = 2},
				 {.kind = OP_DPORT, .low = 10, .high = 20},
				 {.kind = OP_DPORT, .low = 30, .high = 30}};
	struct rule_op dev = {.kind = OP_IN_DEVICE, .length = 3, .value = "eth"};
	struct packet p = udp_to(30);
	size_t used;

	(void)state;
	assert_int_equal(rule_op_match(any, 3, &p, &used), ANSWER_YES);
	assert_int_equal(used, 3);
	any[0].negated = true;
	assert_int_equal(rule_op_match(any, 3, &p, &used), ANSWER_NO);
	any[0].negated = false;
	p.destination_port = 21;
	assert_int_equal(rule_op_match(any, 3, &p, &used), ANSWER_NO);
	any[0].high = 100; /* more than there are */
	assert_int_equal(rule_op_match(any, 3, &p, &used), ANSWER_NO);
	assert_int_equal(used, 3);
	assert_int_equal(rule_op_match(&dev, 1, &p, &used), ANSWER_YES);
	p.in_device = "wlan0";
	assert_int_equal(rule_op_match(&dev, 1, &p, &used), ANSWER_NO);
	p.in_device = NULL;
	assert_int_equal(rule_op_match(&dev, 1, &p, &used), ANSWER_MAYBE);
	p.in_device = "";
	assert_int_equal(rule_op_match(&dev, 1, &p, &used), ANSWER_NO);
	p.protocol = IPPROTO_ICMP;
	assert_int_equal(rule_op_match(any, 3, &p, &used), ANSWER_MAYBE);
}

/* ---- blame ---- */

static void begin(struct scene *s)
{
	scene_init(s);
	lack(&s->o, SRC_IPTABLES, 0);
}

static void traced(struct scene *s, const char *symbol, uint16_t port, uint64_t packets)
{
	struct packet p = udp_to(port);
	struct drop *d = trace(&s->drops, "NETFILTER_DROP", symbol, p.protocol, packets);
	struct drop_flow *f = vec_push(&s->drops.flows);

	memcpy(f->reason, d->reason, sizeof(f->reason));
	memcpy(f->symbol, d->symbol, sizeof(f->symbol));
	d->ifindex = 2;
	d->ethertype = p.family == AF_INET6 ? 0x86dd : 0x0800;
	f->netns = d->netns;
	f->ifindex = 2;
	f->family = p.family;
	f->protocol = p.protocol;
	memcpy(f->source, p.source, sizeof(f->source));
	memcpy(f->destination, p.destination, sizeof(f->destination));
	f->source_port = p.source_port;
	f->destination_port = port;
	f->packets = packets;
}

static void end(struct scene *s)
{
	fw_forget(&s->x);
	scene_done(s);
}

/* An input chain with a counted drop of port 1, a plain drop of port 2, and policy drop. */
static void make_chain(struct ruleset *set, uint64_t packets)
{
	struct rule *r;

	add_chain(set, "input", true, NF_INET_LOCAL_IN, 0, VERDICT_DROP);
	r = port_rule(set, VERDICT_DROP, 1);
	r->counted = true;
	r->packets = packets;
	port_rule(set, VERDICT_DROP, 2);
	port_rule(set, VERDICT_ACCEPT, 3);
}

static void blames_by_counter_and_flow(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	begin(&s);
	make_chain(&s.o.a.nft, 50);
	make_chain(&s.o.b.nft, 1050);
	traced(&s, "nft_do_chain", 1, 1000);
	traced(&s, "nft_do_chain", 2, 200);
	traced(&s, "nft_do_chain", 9, 300);
	assert_int_equal(examine_fw_rule_drop(scene_exam(&s)), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->lost, 1200);
	assert_false(f->counted_known);
	assert_int_equal(f->traced, 1200);
	assert_int_equal(f->subjects.n, 2);
	assert_int_equal(f->subjects.items[0].lost, 1000);
	assert_string_equal(f->subjects.items[0].rule.how, "counter");
	assert_int_equal(f->subjects.items[1].lost, 200);
	assert_int_equal(f->subjects.items[1].rule.handle, 102);
	assert_string_equal(f->subjects.items[0].rule.hook, "input");
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	assert_int_equal(ledger_unexplained(&s.ledger), 300);
	assert_int_equal(examine_fw_policy_drop(&s.x), FOUND);
	assert_int_equal(s.d.findings.items[1].lost, 300);
	assert_int_equal(ledger_unexplained(&s.ledger), 0);
	end(&s);
}

static void conntrack_is_not_blamed_on_rules(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	/* An older kernel: everything at nf_hook_slow, and conntrack dropped all of it. */
	make_chain(&s.o.a.nft, 0);
	make_chain(&s.o.b.nft, 0);
	s.o.a.counter_present[C_CT_DROP] = s.o.b.counter_present[C_CT_DROP] = true;
	s.o.b.counter[C_CT_DROP] = 500;
	traced(&s, "nf_hook_slow", 2, 500);
	assert_int_equal(examine_fw_rule_drop(scene_exam(&s)), NOT_FOUND);
	assert_int_equal(examine_fw_policy_drop(&s.x), NOT_FOUND);
	assert_int_equal(ledger_unexplained(&s.ledger), 500);
	end(&s);
}

static void eliminates(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	begin(&s);
	add_chain(&s.o.a.nft, "input", true, NF_INET_LOCAL_IN, 0, VERDICT_DROP);
	add_chain(&s.o.b.nft, "input", true, NF_INET_LOCAL_IN, 0, VERDICT_DROP);
	traced(&s, "nft_do_chain", 2, 500);
	s.drops.flows.n = 0; /* not IP */
	assert_int_equal(examine_fw_policy_drop(scene_exam(&s)), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->lost, 500);
	assert_string_equal(f->subjects.items[0].rule.how, "by elimination");
	end(&s);
}

static void reject_takes_its_own(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	begin(&s);
	for (int i = 0; i < 2; i++) {
		struct ruleset *set = i ? &s.o.b.nft : &s.o.a.nft;

		add_chain(set, "input", true, NF_INET_LOCAL_IN, 0, VERDICT_ACCEPT);
		port_rule(set, VERDICT_REJECT, 1);
		port_rule(set, VERDICT_DROP, 2);
	}
	s.o.b.nft.rules.items[0].answer = REJECT_PROHIBITED;
	traced(&s, "nft_do_chain", 1, 500);
	assert_int_equal(examine_fw_rule_drop(scene_exam(&s)), NOT_FOUND);
	assert_int_equal(ledger_unexplained(&s.ledger), 500);
	assert_int_equal(examine_fw_reject(&s.x), FOUND);
	assert_int_equal(ledger_unexplained(&s.ledger), 0);
	f = only_finding(&s);
	assert_int_equal(f->lost, 500);
	/* It is all of the traffic there was; but nobody waits for an answer. */
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_non_null(strstr(f->text, "administratively prohibited"));
	end(&s);
}

/* The same rule on three hooks is three causes: one packet belongs to one of them. */
static void hooks_are_told_apart(void **state)
{
	static const struct {
		unsigned int hook;
		enum outcome (*examine)(struct exam *x);
		enum direction direction;
	} rows[] = {
		{NF_INET_LOCAL_IN, examine_fw_rule_drop, DIR_RX},
		{NF_INET_LOCAL_OUT, examine_fw_output_drop, DIR_TX},
		{NF_INET_FORWARD, examine_fw_forward_drop, DIR_FORWARD},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene s;

		begin(&s);
		for (int end = 0; end < 2; end++) {
			struct ruleset *set = end ? &s.o.b.nft : &s.o.a.nft;
			struct rule *r;

			add_chain(set, "c", true, rows[i].hook, 0, VERDICT_DROP);
			r = port_rule(set, VERDICT_DROP, 1);
			r->counted = true;
			r->packets = end ? 500 : 0;
			add_rule(set, VERDICT_ACCEPT, RULE_NO_CHAIN);
		}
		s.drops.err = -EPERM;
		scene_exam(&s);
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
			assert_int_equal(rows[k].examine(&s.x), k == i ? FOUND : NOT_FOUND);
		assert_int_equal(only_finding(&s)->direction, rows[i].direction);
		assert_int_equal(only_finding(&s)->lost, 500);
		end(&s);
	}
}

/* At postrouting both the host's own packets leave and those it forwards: their source tells. */
static void what_leaves_was_sent_or_forwarded(void **state)
{
	(void)state;
	for (int own = 0; own < 2; own++) {
		struct local_address *local;
		struct ruleset *set;
		struct scene s;

		begin(&s);
		set = &s.o.b.nft;
		add_chain(&s.o.a.nft, "c", true, NF_INET_POST_ROUTING, 0, VERDICT_ACCEPT);
		port_rule(&s.o.a.nft, VERDICT_DROP, 1);
		add_chain(set, "c", true, NF_INET_POST_ROUTING, 0, VERDICT_ACCEPT);
		port_rule(set, VERDICT_DROP, 1);
		local = vec_push(&set->locals);
		local->family = AF_INET;
		memcpy(local->address, own ? "\300\0\2\1" : "\300\0\2\7", 4);
		traced(&s, "nft_do_chain", 1, 500);
		scene_exam(&s);
		assert_int_equal(examine_fw_output_drop(&s.x), own ? FOUND : NOT_FOUND);
		assert_int_equal(examine_fw_forward_drop(&s.x), own ? NOT_FOUND : FOUND);
		assert_int_equal(only_finding(&s)->lost, 500);
		end(&s);
	}
}

/* With one of the two rule sets unread, what the other shows is told, and no more. */
static void one_rule_set_unread(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	s.o.a.source[SRC_IPTABLES] = s.o.b.source[SRC_IPTABLES] =
		(struct source_state){SOURCE_ABSENT, -EPERM};
	make_chain(&s.o.a.nft, 0);
	make_chain(&s.o.b.nft, 1000);
	/* An older kernel: whose drop the other 300 were, nobody can tell. */
	traced(&s, "nf_hook_slow", 1, 1000);
	traced(&s, "nf_hook_slow", 9, 300);
	assert_int_equal(examine_fw_rule_drop(scene_exam(&s)), FOUND);
	assert_int_equal(only_finding(&s)->lost, 1000);
	assert_int_equal(examine_fw_policy_drop(&s.x), NOT_EXAMINED);
	assert_int_equal(s.d.not_examined.n, 1);
	assert_int_equal(s.d.not_examined.items[0].source, SRC_IPTABLES);
	assert_int_equal(s.d.not_examined.items[0].err, -EPERM);
	assert_int_equal(ledger_unexplained(&s.ledger), 300);
	end(&s);
}

static void counters_reset_or_new(void **state)
{
	struct fw_blame b;
	struct scene s;

	(void)state;
	begin(&s);
	make_chain(&s.o.a.nft, 900);
	make_chain(&s.o.b.nft, 10); /* went back: not known */
	s.drops.err = -EPERM;
	fw_blame(scene_exam(&s), &b);
	assert_int_equal(b.points.n, 3);
	assert_false(b.points.items[0].exact);
	assert_true(b.points.items[0].counter.reset);
	fw_blame_done(&b);
	ledger_done(&s.ledger);
	/* A rule with a handle that was not there before counts from zero. */
	s.o.b.nft.rules.items[0].handle = 500;
	fw_blame(scene_exam(&s), &b);
	assert_true(b.points.items[0].exact);
	assert_int_equal(b.points.items[0].packets, 10);
	fw_blame_done(&b);
	end(&s);
}

static void scans_are_no_loss(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	begin(&s);
	make_chain(&s.o.a.nft, 0);
	make_chain(&s.o.b.nft, 0);
	for (uint16_t port = 1000; port < 1040; port++)
		traced(&s, "nft_do_chain", port, 1);
	assert_int_equal(examine_fw_policy_drop(scene_exam(&s)), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->lost, 40);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_int_equal(f->remedies.n, 0);
	end(&s);
}

static void nothing_seen_is_not_examined(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	make_chain(&s.o.a.nft, 0);
	make_chain(&s.o.b.nft, 0);
	s.drops.err = -EPERM;
	assert_int_equal(examine_fw_policy_drop(scene_exam(&s)), NOT_EXAMINED);
	assert_int_equal(s.d.not_examined.n, 1);
	assert_int_equal(s.d.not_examined.items[0].source, SRC_DROPS);
	end(&s);

	begin(&s);
	s.o.b.source[SRC_NFT] = (struct source_state){.status = SOURCE_ABSENT, .err = -EPERM};
	traced(&s, "nft_do_chain", 2, 500);
	assert_int_equal(examine_fw_rule_drop(scene_exam(&s)), NOT_EXAMINED);
	assert_int_equal(s.d.not_examined.items[0].source, SRC_NFT);
	assert_int_equal(s.d.not_examined.items[0].err, -EPERM);
	assert_int_equal(ledger_unexplained(&s.ledger), 500);
	end(&s);
}

static void kernel_names_the_rule(void **state)
{
	const struct finding *f;
	struct drop_rule *named;
	struct scene s;

	(void)state;
	begin(&s);
	make_chain(&s.o.a.nft, 0);
	make_chain(&s.o.b.nft, 0);
	traced(&s, "nf_hook_slow", 2, 200);
	traced(&s, "nf_hook_slow", 9, 300);
	s.drops.rules_traced = true;
	named = vec_push(&s.drops.rules);
	*named = (struct drop_rule){
		.netns = OBSERVED_NETNS, .family = NFPROTO_INET, .table = "t", .handle = 102,
		.packets = 200};
	assert_int_equal(examine_fw_rule_drop(scene_exam(&s)), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->lost, 200);
	assert_string_equal(f->subjects.items[0].rule.how, "traced");
	assert_int_equal(f->confidence, CERTAIN);
	assert_int_equal(examine_fw_policy_drop(&s.x), FOUND);
	assert_int_equal(s.d.findings.items[1].lost, 300);
	end(&s);
}

/* The counted rule drops every second packet of a flow, the plain one behind it the others. */
static void a_flow_ends_in_two_rules(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	begin(&s);
	for (int i = 0; i < 2; i++) {
		struct ruleset *set = i ? &s.o.b.nft : &s.o.a.nft;
		struct rule *r;

		add_chain(set, "input", true, NF_INET_LOCAL_IN, 0, VERDICT_ACCEPT);
		r = maybe_rule(set, VERDICT_DROP, RULE_NO_CHAIN);
		r->counted = true;
		r->packets = i ? 526 : 0;
		port_rule(set, VERDICT_DROP, 2);
	}
	traced(&s, "nft_do_chain", 2, 1000);
	assert_int_equal(examine_fw_rule_drop(scene_exam(&s)), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->lost, 1000);
	assert_int_equal(f->subjects.items[0].lost, 526);
	assert_int_equal(f->subjects.items[1].lost, 474);
	assert_int_equal(f->flows.n, 1);
	assert_int_equal(f->flows.items[0].packets, 1000);
	assert_int_equal(ledger_unexplained(&s.ledger), 0);
	end(&s);
}

/* The same rules loaded again, with the same handles, in a table that is another one now. */
static void a_table_is_loaded_again(void **state)
{
	const struct finding *f;
	struct fw_blame b;
	struct scene s;

	(void)state;
	begin(&s);
	make_chain(&s.o.a.nft, 300);
	make_chain(&s.o.b.nft, 400);
	s.o.a.nft.chains.items[0].table_handle = 1;
	s.o.b.nft.chains.items[0].table_handle = 2;
	s.o.b.nft.generation = 1;
	traced(&s, "nft_do_chain", 1, 1000);
	assert_int_equal(examine_fw_rule_drop(scene_exam(&s)), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->lost, 1000);
	assert_false(f->counted_known);
	assert_int_equal(f->confidence, LIKELY);
	assert_int_equal(ledger_unexplained(&s.ledger), 0);
	/* Nothing traced: what is counted since then is the least it was. */
	s.drops.err = -EPERM;
	fw_blame(&s.x, &b);
	assert_int_equal(b.points.items[0].lost, 400);
	fw_blame_done(&b);
	end(&s);
}

static void nobody_answers_neighbours(void **state)
{
	static const uint8_t own[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};
	static const uint8_t group[16] = {0xff, 2, [11] = 1, [12] = 0xff, [15] = 2};
	const struct finding *f;
	struct local_address *local;
	struct scene s;

	(void)state;
	for (int is_own = 0; is_own < 2; is_own++) {
		begin(&s);
		make_chain(&s.o.a.nft, 0);
		make_chain(&s.o.b.nft, 0);
		local = vec_push(&s.o.b.nft.locals);
		local->family = AF_INET6;
		memcpy(local->address, own, sizeof(own));
		local->address[15] = is_own ? 2 : 3;
		traced(&s, "nft_do_chain", 0, 3);
		s.drops.flows.items[0].family = AF_INET6;
		s.drops.flows.items[0].protocol = IPPROTO_ICMPV6;
		s.drops.flows.items[0].source_port = 0;
		memcpy(s.drops.flows.items[0].destination, group, sizeof(group));
		assert_int_equal(examine_fw_policy_drop(scene_exam(&s)), FOUND);
		f = only_finding(&s);
		assert_int_equal(f->lost, 3);
		assert_int_equal(f->severity, is_own ? SEVERITY_WARNING : SEVERITY_INFO);
		assert_int_equal(f->remedies.n, is_own);
		end(&s);
	}
}

/* net/core/filter.c sk_filter_trim_cap(), 6.12: the reason is all there is. */
static void security_hook(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	begin(&s);
	device(&s.o, 2, "eth0");
	count(&s.o, C_IP_IN_RECEIVES, 0, 1000);
	assert_int_equal(scene_ask(&s, examine_security_hook), NOT_FOUND);
	ledger_done(&s.ledger);
	trace(&s.drops, "SECURITY_HOOK", "__udp4_lib_rcv", IPPROTO_UDP, 40)->ifindex = 2;
	assert_int_equal(scene_ask(&s, examine_security_hook), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->lost, 40);
	assert_string_equal(f->subjects.items[0].device, "eth0");
	assert_int_equal(ledger_unexplained(&s.ledger), 0);
	end(&s);
}

/* net/netfilter/nfnetlink_queue.c seq_show, 6.12. */
static void queues_that_are_full(void **state)
{
	static const char before[] = "    7   4711     0 2 65531     3     0        9  1\n";
	static const char after[] = "    7   4711  1024 2 65531   203    10     1243  1\n";
	const struct finding *f;
	struct scene s;

	(void)state;
	begin(&s);
	assert_int_equal(parse_nfqueue((struct span){before, strlen(before)}, &s.o.a), 0);
	assert_int_equal(parse_nfqueue((struct span){after, strlen(after)}, &s.o.b), 0);
	add_chain(&s.o.b.nft, "input", true, NF_INET_LOCAL_IN, 0, VERDICT_ACCEPT);
	add_rule(&s.o.b.nft, VERDICT_QUEUE, RULE_NO_CHAIN)->to_queue = true;
	s.o.b.nft.rules.items[0].queue = 7;
	s.o.b.nft.rules.items[0].queues = 1;
	trace(&s.drops, "NOT_SPECIFIED", "nf_queue", IPPROTO_UDP, 210);
	assert_int_equal(scene_ask(&s, examine_nfqueue), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->lost, 210);
	assert_int_equal(f->counted, 210);
	assert_non_null(remedy_of(f, "longer-queue"));
	assert_null(remedy_of(f, "start-queue-program"));
	assert_int_equal(parse_nfqueue((struct span){"7 1 x\n", 6}, &s.o.b), -EBADMSG);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(security_hook),
		cmocka_unit_test(queues_that_are_full),
		cmocka_unit_test(walks_jumps),
		cmocka_unit_test(walks_goto),
		cmocka_unit_test(walks_what_may_be),
		cmocka_unit_test(walks_by_priority),
		cmocka_unit_test(walks_end),
		cmocka_unit_test(matches_groups_and_devices),
		cmocka_unit_test(blames_by_counter_and_flow),
		cmocka_unit_test(conntrack_is_not_blamed_on_rules),
		cmocka_unit_test(eliminates),
		cmocka_unit_test(reject_takes_its_own),
		cmocka_unit_test(hooks_are_told_apart),
		cmocka_unit_test(what_leaves_was_sent_or_forwarded),
		cmocka_unit_test(one_rule_set_unread),
		cmocka_unit_test(counters_reset_or_new),
		cmocka_unit_test(scans_are_no_loss),
		cmocka_unit_test(nothing_seen_is_not_examined),
		cmocka_unit_test(kernel_names_the_rule),
		cmocka_unit_test(a_flow_ends_in_two_rules),
		cmocka_unit_test(a_table_is_loaded_again),
		cmocka_unit_test(nobody_answers_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
