// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections that could not be entered, told apart by the kernel's counters. The texts are what
 * net/netfilter/nf_conntrack_standalone.c ct_cpu_seq_show prints on 6.12, two CPUs each; the numbers
 * are those that nf_conntrack_core.c counts for each way to fail.
 */
#include <netinet/in.h>

#include <linux/netfilter.h>

#include "observe.h"

#include "causes/stages.h"
#include "collect/proctext.h"

#define HEAD                                                                                       \
	"entries  clashres found new invalid ignore delete chainlength insert insert_failed drop " \
	"early_drop icmp_error  expect_new expect_create expect_delete search_restart\n"

struct row {
	unsigned int entries, clashres, found, chains, failed, drop, early, created, deleted;
};

static void stat_line(char *to, size_t size, const struct row *r)
{
	snprintf(to, size,
		 "%08x  %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x  %08x %08x %08x "
		 "%08x\n",
		 r->entries, r->clashres, r->found, 0, 0, 0, 0, r->chains, 0, r->failed, r->drop,
		 r->early, 0, 0, r->created, r->deleted, 0);
}

static void take_rows(struct snapshot *s, const struct row *one, const struct row *other)
{
	char lines[2][256], text[1024];

	stat_line(lines[0], sizeof(lines[0]), one);
	stat_line(lines[1], sizeof(lines[1]), other);
	snprintf(text, sizeof(text), HEAD "%s%s", lines[0], lines[1]);
	assert_int_equal(parse_conntrack((struct span){text, strlen(text)}, s), 0);
}

/* From nothing to these numbers, on two CPUs. */
static void begin(struct scene *s, struct row one, struct row other)
{
	static const struct row none;

	scene_init(s);
	take_rows(&s->o.a, &none, &none);
	take_rows(&s->o.b, &one, &other);
	s->o.b.sysctl[K_CONNTRACK_MAX] = (struct sysctl_value){.n = 1, .v = {262144}};
	s->o.b.sysctl[K_CONNTRACK_BUCKETS] = (struct sysctl_value){.n = 1, .v = {262144}};
	count(&s->o, C_IP_IN_RECEIVES, 0, 10000);
}

static void add_masquerade(struct scene *s)
{
	struct chain *c = vec_push(&s->o.b.nft.chains);
	struct rule *r;

	c->family = NFPROTO_IPV4;
	snprintf(c->table, sizeof(c->table), "nat");
	snprintf(c->name, sizeof(c->name), "post");
	r = vec_push(&s->o.b.nft.rules);
	r->handle = 4;
	r->nat = NAT_SOURCE;
}

/* 30 of 10,000 packets clashed, and looking for a port met three taken ones altogether. */
static void conntrack_insert_race(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	begin(&s, (struct row){.entries = 900, .clashres = 12, .found = 1, .failed = 10, .drop = 10},
	      (struct row){.entries = 900, .found = 2, .failed = 20, .drop = 20});
	add_masquerade(&s);
	trace(&s.drops, "NETFILTER_DROP", "nf_hook_slow", IPPROTO_UDP, 30);
	assert_int_equal(scene_ask(&s, examine_nat_ports), NOT_FOUND);
	assert_int_equal(examine_conntrack_long_chains(&s.x), NOT_FOUND);
	assert_int_equal(examine_conntrack_full(&s.x), NOT_FOUND);
	assert_int_equal(examine_conntrack_race(&s.x), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->lost, 30);
	assert_int_equal(f->traced, 30);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_non_null(remedy_of(f, "nat-fully-random"));
	/* Nobody asked for a name. */
	assert_null(remedy_of(f, "resolver-one-at-a-time"));
	assert_int_equal(ledger_unexplained(&s.ledger), 0);
	scene_done(&s);
}

/* Both kept: nothing was lost. */
static void resolved_clashes_are_no_loss(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, (struct row){.entries = 900, .clashres = 500}, (struct row){.entries = 900});
	assert_int_equal(scene_ask(&s, examine_conntrack_race), NOT_FOUND);
	scene_done(&s);
}

/* causes.md [T24]: 16 of 20 flows found none of four ports, and met 66 taken ones. */
static void nat_meets_taken_ports(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	begin(&s, (struct row){.entries = 4, .found = 66, .failed = 16, .drop = 16},
	      (struct row){.entries = 4});
	trace(&s.drops, "NETFILTER_DROP", "nf_hook_slow", IPPROTO_UDP, 16);
	/* Without a rule that writes source addresses there is no port to run out of. */
	assert_int_equal(scene_ask(&s, examine_nat_ports), NOT_FOUND);
	add_masquerade(&s);
	assert_int_equal(examine_nat_ports(&s.x), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->lost, 16);
	assert_int_equal(f->subjects.items[0].rule.handle, 4);
	assert_int_equal(ledger_unexplained(&s.ledger), 0);
	scene_done(&s);
}

/* A chain that is too long counts as insert_failed and not as drop: 5 there, 7 for a full table. */
static void long_chains_beside_a_full_table(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, (struct row){.entries = 262144, .chains = 5, .failed = 5, .drop = 7, .early = 9},
	      (struct row){.entries = 262144});
	trace(&s.drops, "NETFILTER_DROP", "nf_hook_slow", IPPROTO_UDP, 12);
	assert_int_equal(scene_ask(&s, examine_conntrack_full), FOUND);
	assert_int_equal(s.d.findings.items[0].lost, 7);
	assert_int_equal(examine_conntrack_long_chains(&s.x), FOUND);
	assert_int_equal(s.d.findings.items[1].lost, 5);
	assert_int_equal(examine_nat_ports(&s.x), NOT_FOUND);
	assert_int_equal(examine_conntrack_race(&s.x), NOT_FOUND);
	assert_int_equal(ledger_unexplained(&s.ledger), 0);
	scene_done(&s);
}

/* Three entries for each bucket cost time, and lose nothing. */
static void long_chains_are_noted(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	begin(&s, (struct row){.entries = 196608}, (struct row){.entries = 196608});
	s.o.b.sysctl[K_CONNTRACK_BUCKETS].v[0] = 65536;
	assert_int_equal(scene_ask(&s, examine_conntrack_long_chains), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->state, AT_RISK);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_string_equal(f->remedies.items[0].changes.items[0].to, "262144");
	scene_done(&s);
}

static void expectations_near_their_limit(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	/* Counted from boot on another CPU than they ended on. */
	begin(&s, (struct row){.created = 5000}, (struct row){.deleted = 1200});
	s.o.b.sysctl[K_CONNTRACK_EXPECT_MAX] = (struct sysctl_value){.n = 1, .v = {4096}};
	assert_int_equal(scene_ask(&s, examine_conntrack_expect), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->state, AT_RISK);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	s.o.b.sysctl[K_CONNTRACK_EXPECT_MAX].v[0] = 8192;
	assert_int_equal(examine_conntrack_expect(&s.x), NOT_FOUND);
	scene_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conntrack_insert_race),
		cmocka_unit_test(resolved_clashes_are_no_loss),
		cmocka_unit_test(nat_meets_taken_ports),
		cmocka_unit_test(long_chains_beside_a_full_table),
		cmocka_unit_test(long_chains_are_noted),
		cmocka_unit_test(expectations_near_their_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
