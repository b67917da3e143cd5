// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits of firewall rules: read from what the kernel gives, and told from plain drops. */
#define _GNU_SOURCE
#include <limits.h>

#include "observe.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/xt_connlimit.h>
#include <linux/netfilter/xt_hashlimit.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter/xt_quota.h>
#include <linux/netfilter/xt_recent.h>
#include <linux/netfilter/xt_statistic.h>

#include "causes/fw_blame.h"
#include "collect/limits.h"

/* ---- matches of x_tables, as their kernel structures hold them (6.12) ---- */

static const char *xt(const char *name, unsigned int revision, const void *info, size_t size)
{
	static char text[128];
	struct ruleset set = {0};

	if (!xt_add_limit(&set, name, revision, info, size))
		return "no limit";
	assert_int_equal(set.limits.n, 1);
	fw_limit_text(&set.limits.items[0], text, sizeof(text) - 16);
	strcat(text, fw_limit_side(&set.limits.items[0], NULL));
	ruleset_done(&set);
	return text;
}

static void reads_x_tables(void **state)
{
	struct xt_rateinfo rate = {.avg = 10000 / 200, .burst = 5};
	struct xt_hashlimit_mtinfo1 hash1 = {.cfg = {.mode = XT_HASHLIMIT_HASH_SIP, .avg = 200000}};
	struct xt_hashlimit_mtinfo3 hash3 = {.cfg = {.mode = XT_HASHLIMIT_INVERT, .avg = 100}};
	struct xt_connlimit_info connections = {.limit = 1};
	struct xt_quota_info quota = {.quota = 1000};
	struct xt_recent_mtinfo recent = {.seconds = 60, .hit_count = 4, .check_set = XT_RECENT_UPDATE};
	struct xt_statistic_info share = {.mode = XT_STATISTIC_MODE_RANDOM};
	struct xt_statistic_info nth = {.mode = XT_STATISTIC_MODE_NTH, .u.nth.every = 3};

	(void)state;
	memset(&connections.mask, 0xff, 4);
	assert_string_equal(xt("limit", 0, &rate, sizeof(rate)), "200/second up to");
	rate.avg = 200000; /* 3 a minute */
	assert_string_equal(xt("limit", 0, &rate, sizeof(rate)), "3/minute up to");
	assert_string_equal(xt("limit", 0, &rate, 4), "its limit up to");
	assert_string_equal(xt("hashlimit", 1, &hash1, sizeof(hash1)), "3/minute each up to");
	assert_string_equal(xt("hashlimit", 3, &hash3, sizeof(hash3)), "10000/second above");
	hash3.cfg.mode |= XT_HASHLIMIT_BYTES | XT_HASHLIMIT_HASH_DPT;
	assert_string_equal(xt("hashlimit", 3, &hash3, sizeof(hash3)), "its limit each above");
	assert_string_equal(xt("hashlimit", 9, &hash3, sizeof(hash3)), "its limit up to");
	assert_string_equal(xt("connlimit", 1, &connections, sizeof(connections)),
			    "1 connection each above");
	connections.flags = XT_CONNLIMIT_INVERT;
	memset(&connections.mask, 0, sizeof(connections.mask));
	connections.limit = 2;
	assert_string_equal(xt("connlimit", 1, &connections, sizeof(connections)),
			    "2 connections up to");
	assert_string_equal(xt("quota", 0, &quota, sizeof(quota)), "a quota of 1000 bytes up to");
	quota.flags = XT_QUOTA_INVERT;
	assert_string_equal(xt("quota", 0, &quota, sizeof(quota)), "a quota of 1000 bytes above");
	assert_string_equal(xt("recent", 0, &recent, sizeof(recent)),
			    "4 packets in 60 s from one address above");
	recent.hit_count = 0;
	assert_string_equal(xt("recent", 0, &recent, sizeof(recent)), "addresses seen before of");
	recent.check_set = XT_RECENT_SET;
	assert_string_equal(xt("recent", 0, &recent, sizeof(recent)), "no limit");
	share.u.random.probability = 0x80000000u / 2;
	assert_string_equal(xt("statistic", 0, &share, sizeof(share)), "50.0 % of them at random:");
	assert_string_equal(xt("statistic", 0, &nth, sizeof(nth)), "25.0 % of them at random:");
	assert_string_equal(xt("tcp", 0, &rate, sizeof(rate)), "no limit");
}

/* ---- told from plain drops ---- */

static size_t add_chain(struct ruleset *set, bool base)
{
	struct chain *c = vec_push(&set->chains);

	c->family = NFPROTO_IPV4;
	c->base = base;
	c->hook = NF_INET_LOCAL_IN;
	c->policy = VERDICT_ACCEPT;
	c->rules_first = set->rules.n;
	snprintf(c->table, sizeof(c->table), "t");
	snprintf(c->name, sizeof(c->name), "c%zu", set->chains.n);
	return set->chains.n - 1;
}

static struct rule *add_rule(struct ruleset *set, enum rule_verdict verdict, uint16_t port, size_t jump)
{
	struct chain *c = &set->chains.items[set->chains.n - 1];
	struct rule *r = vec_push(&set->rules);
	struct rule_op *op = vec_push(&set->ops);

	r->chain = set->chains.n - 1;
	r->position = (unsigned int)++c->rules_n;
	r->handle = 100 + set->rules.n;
	r->verdict = verdict;
	r->jump = jump;
	r->ops_first = set->ops.n - 1;
	r->ops_n = 1;
	op->kind = OP_DPORT;
	op->low = op->high = port;
	return r;
}

static void limit(struct ruleset *set, struct rule *r, bool over)
{
	struct rule_limit *l = vec_push(&set->limits);

	/* Whether it is met nobody can tell afterwards. */
	((struct rule_op *)vec_push(&set->ops))->kind = OP_UNKNOWN;
	r->ops_n++;
	r->limits = true;
	*l = (struct rule_limit){.rule = (size_t)(r - set->rules.items),
				 .kind = RULE_LIMIT_RATE,
				 .over = over,
				 .amount = 10,
				 .per_s = 1,
				 .burst = 5};
}

static void begin(struct scene *s, uint16_t port)
{
	struct drop_flow *f;

	scene_init(s);
	lack(&s->o, SRC_IPTABLES, 0);
	trace(&s->drops, "NETFILTER_DROP", "nft_do_chain", 0, 1000);
	f = vec_push(&s->drops.flows);
	*f = (struct drop_flow){.reason = "NETFILTER_DROP",
				.symbol = "nft_do_chain",
				.netns = OBSERVED_NETNS,
				.ifindex = 2,
				.family = AF_INET,
				.protocol = IPPROTO_UDP,
				.source = {192, 0, 2, 1},
				.destination = {192, 0, 2, 2},
				.source_port = 40000,
				.destination_port = port,
				.packets = 1000};
}

static const struct finding *ask(struct scene *s)
{
	assert_int_equal(examine_fw_rule_drop(scene_exam(s)), FOUND);
	return only_finding(s);
}

static void end(struct scene *s)
{
	fw_forget(&s->x);
	scene_done(s);
}

static void own_limit(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	begin(&s, 7);
	add_chain(&s.o.b.nft, true);
	limit(&s.o.b.nft, add_rule(&s.o.b.nft, VERDICT_DROP, 7, RULE_NO_CHAIN), true);
	f = ask(&s);
	assert_non_null(strstr(f->headline, "above 10/second"));
	assert_non_null(strstr(f->text, "10/second (burst 5): it drops what is above"));
	assert_true(f->subjects.items[0].rule.has_limit);
	/* 1000 in 5 s came besides the 10 a second. */
	assert_non_null(strstr(remedy_of(f, "raise-limit")->summary, "252 in place of 10"));
	assert_null(remedy_of(f, "accept-rule"));
	end(&s);

	/* It drops what keeps within, and the rest goes on. */
	begin(&s, 7);
	add_chain(&s.o.b.nft, true);
	limit(&s.o.b.nft, add_rule(&s.o.b.nft, VERDICT_DROP, 7, RULE_NO_CHAIN), false);
	f = ask(&s);
	assert_non_null(strstr(f->headline, "up to 10/second"));
	assert_non_null(strstr(f->text, "the other way round"));
	assert_null(remedy_of(f, "raise-limit"));
	assert_non_null(remedy_of(f, "turn-limit"));
	end(&s);
}

/* "limit accept" for the first port, then a chain that drops the second. */
static const struct finding *limited_before(struct scene *s, enum rule_verdict verdict, uint16_t first,
					    uint16_t second, int64_t met)
{
	struct ruleset *set = &s->o.b.nft;
	struct rule *r;

	begin(s, second);
	add_chain(set, true);
	r = add_rule(set, verdict, first, RULE_NO_CHAIN);
	r->counted = met >= 0;
	r->packets = met > 0 ? (uint64_t)met : 0;
	limit(set, r, false);
	add_rule(set, VERDICT_JUMP, second, 1);
	add_chain(set, false);
	add_rule(set, VERDICT_DROP, second, RULE_NO_CHAIN);
	return ask(s);
}

static void limit_of_a_rule_before(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	f = limited_before(&s, VERDICT_ACCEPT, 7, 7, 50);
	assert_non_null(strstr(f->headline, "above 10/second"));
	assert_non_null(strstr(f->text, "t c1 101, before it, lets by 10/second (burst 5)"));
	assert_int_equal(f->subjects.items[0].rule.limited_by, 101);
	assert_non_null(remedy_of(f, "raise-limit"));
	end(&s);
	f = limited_before(&s, VERDICT_RETURN, 7, 7, -1);
	assert_non_null(strstr(f->headline, "above 10/second"));
	end(&s);
}

static void plain_drops_beside_limits(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	/* For another port; of a rule that ends nothing; of one that never met a packet. */
	f = limited_before(&s, VERDICT_ACCEPT, 8, 7, 50);
	assert_false(f->subjects.items[0].rule.has_limit);
	assert_null(strstr(f->headline, "above"));
	assert_non_null(remedy_of(f, "accept-rule"));
	end(&s);
	f = limited_before(&s, VERDICT_NONE, 7, 7, 50);
	assert_false(f->subjects.items[0].rule.has_limit);
	end(&s);
	f = limited_before(&s, VERDICT_ACCEPT, 7, 7, 0);
	assert_false(f->subjects.items[0].rule.has_limit);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_x_tables),
		cmocka_unit_test(own_limit),
		cmocka_unit_test(limit_of_a_rule_before),
		cmocka_unit_test(plain_drops_beside_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
