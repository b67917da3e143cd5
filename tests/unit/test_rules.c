// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Firewall rules: real answers of nf_tables and iptables decoded (tests/fixtures/nft), the same cut
 * and corrupted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>

#include "cli/rule_text.h"
#include "collect/collect.h"
#include "collect/iptables.h"
#include "collect/locals.h"
#include "collect/nft.h"
#include "collect/recording.h"
#include "nl/nl.h"

#ifndef SOURCE_ROOT
#define SOURCE_ROOT "."
#endif
#define FIXTURES SOURCE_ROOT "/tests/fixtures/nft/"

static struct buf load(const char *name)
{
	struct buf b = {0};
	char path[512];
	int fd;

	snprintf(path, sizeof(path), FIXTURES "%s.bin", name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(buf_read_fd(&b, fd, 1 << 20), 0);
	close(fd);
	return b;
}

/* ---- decoding ---- */

struct sets {
	unsigned int asked;
	struct buf answer;
};

static int fixture_elements(struct nft_reader *nr, const char *set, bool map,
			    const struct buf **ret)
{
	struct sets *s = nr->arg;
	char name[32];

	if ((!map && strncmp(set, "__set", 5) != 0) || s->asked > 4)
		return -ENODATA;
	snprintf(name, sizeof(name), "nft-set-%u", s->asked++);
	buf_done(&s->answer);
	s->answer = load(name);
	*ret = &s->answer;
	return 0;
}

static int read_nft(const struct buf *tables, const struct buf *chains, const struct buf *rules,
		    bool ops, struct ruleset *set)
{
	struct sets sets = {0};
	struct nft_reader nr = {.set = set, .ops = ops, .elements = fixture_elements, .arg = &sets};
	size_t n = 0;
	int r = nft_read_tables(&nr, tables, &n);

	if (r == 0)
		r = nft_read_chains(&nr, chains);
	if (r == 0)
		r = nl_check(rules);
	if (r == 0)
		r = nft_read_rules(&nr, rules);
	nft_reader_done(&nr);
	buf_done(&sets.answer);
	return r;
}

static struct ruleset load_nft(bool ops)
{
	struct buf tables = load("nft-tables"), chains = load("nft-chains"),
		   rules = load("nft-rules");
	struct ruleset set = {0};

	assert_int_equal(read_nft(&tables, &chains, &rules, ops, &set), 0);
	buf_done(&tables);
	buf_done(&chains);
	buf_done(&rules);
	return set;
}

static const struct chain *chain_named(const struct ruleset *set, uint8_t family, const char *table,
				       const char *name)
{
	vec_each(c, &set->chains)
		if (c->family == family && strcmp(c->table, table) == 0 &&
		    strcmp(c->name, name) == 0)
			return c;
	fail_msg("no chain %s %s", table, name);
	return NULL;
}

static const struct rule *rule_of(const struct ruleset *set, uint8_t family, const char *table,
				  const char *chain, unsigned int position)
{
	const struct chain *c = chain_named(set, family, table, chain);

	assert_true(position >= 1 && position <= c->rules_n);
	return &set->rules.items[c->rules_first + position - 1];
}

/* The ops of a rule in short words, to compare with. */
static const char *ops_text(const struct ruleset *set, const struct rule *r)
{
	static const char *const kinds[] = {
		[OP_UNKNOWN] = "?",   [OP_FAMILY] = "family",	  [OP_PROTOCOL] = "proto",
		[OP_SOURCE] = "src",  [OP_DESTINATION] = "dst",	  [OP_SPORT] = "sport",
		[OP_DPORT] = "dport", [OP_IN_DEVICE] = "iif",	  [OP_OUT_DEVICE] = "oif",
		[OP_NEVER] = "never", [OP_SOURCE_RANGE] = "srcs", [OP_DESTINATION_RANGE] = "dsts",
		[OP_CT_STATE] = "ct", [OP_ANY] = "any",		  [OP_ALWAYS] = "always"};
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < r->ops_n; i++) {
		const struct rule_op *op = &set->ops.items[r->ops_first + i];
		char value[INET6_ADDRSTRLEN], mask[INET6_ADDRSTRLEN];

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s", i ? " " : "",
				      op->negated ? "!" : "", kinds[op->kind]);
		switch (op->kind) {
		case OP_FAMILY:
		case OP_PROTOCOL:
			n += (size_t)snprintf(text + n, sizeof(text) - n, "=%u", op->value[0]);
			break;
		case OP_SOURCE:
		case OP_DESTINATION:
		case OP_SOURCE_RANGE:
		case OP_DESTINATION_RANGE:
			inet_ntop(op->length == 4 ? AF_INET : AF_INET6, op->value, value,
				  sizeof(value));
			inet_ntop(op->length == 4 ? AF_INET : AF_INET6, op->mask, mask,
				  sizeof(mask));
			n += (size_t)snprintf(text + n, sizeof(text) - n, "=%s/%s", value, mask);
			break;
		case OP_SPORT:
		case OP_DPORT:
			n += (size_t)snprintf(text + n, sizeof(text) - n, "=%u-%u", op->low,
					      op->high);
			break;
		case OP_IN_DEVICE:
		case OP_OUT_DEVICE:
			n += (size_t)snprintf(text + n, sizeof(text) - n, "=%.*s", op->length,
					      (const char *)op->value);
			break;
		case OP_CT_STATE:
			n += (size_t)snprintf(text + n, sizeof(text) - n, "=%u", op->low);
			break;
		case OP_ANY:
			n += (size_t)snprintf(text + n, sizeof(text) - n, "[%u]", op->high);
			break;
		default:
			break;
		}
	}
	return text;
}

static void decodes_chains(void **state)
{
	struct ruleset set = load_nft(true);
	const struct chain *c = chain_named(&set, NFPROTO_INET, "filter", "input");

	(void)state;
	assert_true(c->base);
	assert_int_equal(c->hook, NF_INET_LOCAL_IN);
	assert_int_equal(c->policy, VERDICT_DROP);
	assert_false(c->counted);
	assert_int_equal(c->rules_n, 21);
	assert_false(chain_named(&set, NFPROTO_INET, "filter", "web")->base);
	assert_string_equal(chain_named(&set, NFPROTO_NETDEV, "x", "ing")->device, "lo");
	assert_true(chain_named(&set, NFPROTO_IPV4, "filter", "INPUT")->counted);
	assert_int_equal(set.generation, 11);
	assert_true(ruleset_drops(&set));
	ruleset_done(&set);
}

static void decodes_rules(void **state)
{
	static const struct {
		uint8_t family;
		const char *table, *chain;
		unsigned int position;
		enum rule_verdict verdict;
		bool counted, limits;
		const char *ops;
	} expected[] = {
		{1, "filter", "tail", 1, VERDICT_DROP, false, false,
		 "proto=17 dport=1000-65535 dport=0-2000"},
		{1, "filter", "tail", 2, VERDICT_DROP, true, false,
		 "family=10 src=2001:db8::/ffff:ffff::"},
		{1, "filter", "web", 1, VERDICT_DROP, false, false,
		 "family=2 src=192.0.2.0/255.255.255.0 proto=6 dport=80-80"},
		{1, "filter", "web", 2, VERDICT_ACCEPT, true, false, "proto=6 ?"},
		{1, "filter", "web", 3, VERDICT_DROP, true, false,
		 "proto=6 any[3] dport=23-23 dport=1000-1010 dport=60000-65535"},
		{1, "filter", "web", 4, VERDICT_GOTO, false, false, ""},
		{1, "filter", "input", 2, VERDICT_JUMP, false, false, "iif=eth"},
		{1, "filter", "input", 4, VERDICT_MAP, false, false, ""},
		{1, "filter", "input", 5, VERDICT_DROP, false, false, "ct=1"},
		{1, "filter", "input", 6, VERDICT_DROP, false, false, "family=2 ?"},
		{1, "filter", "input", 7, VERDICT_MAP, false, false, "proto=6"},
		{1, "filter", "input", 8, VERDICT_DROP, false, true, "?"},
		{1, "filter", "input", 9, VERDICT_ACCEPT, false, false, "proto=1"},
		{1, "filter", "input", 10, VERDICT_DROP, false, false,
		 "proto=6 sport=1-1 dport=2-2"},
		{1, "filter", "input", 11, VERDICT_DROP, false, false,
		 "family=2 src=1.2.3.4/255.255.255.255 dst=5.6.7.8/255.255.255.255"},
		{1, "filter", "input", 12, VERDICT_REJECT, false, false,
		 "family=2 srcs=1.2.3.4/255.255.255.255 srcs=0.0.0.0/1.2.3.9"},
		{1, "filter", "input", 13, VERDICT_DROP, false, false,
		 "family=2 any[2] srcs=1.0.0.0/1.255.255.255 src=2.2.2.2/255.255.255.255"},
		{1, "filter", "input", 14, VERDICT_DROP, false, false,
		 "family=2 src=10.1.0.0/255.255.240.0"},
		{1, "filter", "input", 16, VERDICT_DROP, true, false, "proto=6 !dport=99-99"},
		/* The counter stands before the match. */
		{1, "filter", "input", 17, VERDICT_DROP, false, false, "proto=6 dport=9-9"},
		{1, "filter", "input", 18, VERDICT_DROP, false, false, "family=2 proto=6 ?"},
		{5, "x", "ing", 1, VERDICT_DROP, false, false, "family=2 proto=17 dport=5-5"},
		{5, "x", "ing", 2, VERDICT_DROP, false, false, "family=10 dst=ff00::/ff00::"},
		{5, "x", "ing", 3, VERDICT_DROP, false, false, "? ? ?"},
		{7, "b", "f", 1, VERDICT_DROP, false, false,
		 "family=2 src=1.1.1.1/255.255.255.255 proto=17 dport=3-3"},
		{2, "filter", "INPUT", 1, VERDICT_DROP, true, false,
		 "proto=6 any[2] dport=1-1 dport=2-5"},
		{2, "filter", "INPUT", 2, VERDICT_REJECT, true, false,
		 "iif=eth0 proto=17 src=1.0.0.0/255.0.0.0 dport=53-53 ct=1"},
		{2, "filter", "INPUT", 3, VERDICT_NONE, true, true, "proto=6 ? ?"},
		{2, "filter", "INPUT", 4, VERDICT_DROP, true, false, "srcs=1.1.1.1/1.1.1.9"},
		{2, "filter", "INPUT", 5, VERDICT_JUMP, true, false, "iif=eth"},
		{2, "filter", "CH", 1, VERDICT_RETURN, true, false, ""},
		{10, "filter", "INPUT", 1, VERDICT_DROP, true, false, "proto=6 dport=99-99 ct=5"},
	};
	struct ruleset set = load_nft(true);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct rule *r = rule_of(&set, expected[i].family, expected[i].table,
					       expected[i].chain, expected[i].position);

		assert_string_equal(ops_text(&set, r), expected[i].ops);
		assert_int_equal(r->verdict, expected[i].verdict);
		assert_int_equal(r->counted, expected[i].counted);
		assert_int_equal(r->limits, expected[i].limits);
		/* "reject" without "with": port unreachable. */
		assert_int_equal(r->answer, r->verdict == VERDICT_REJECT ? REJECT_PORT
									 : REJECT_UNKNOWN);
	}
	assert_ptr_equal(&set.chains.items[rule_of(&set, 1, "filter", "web", 4)->jump],
			 chain_named(&set, 1, "filter", "tail"));
	ruleset_done(&set);
}

static void decodes_verdict_maps(void **state)
{
	struct ruleset set = load_nft(true);
	const struct rule *r = rule_of(&set, 1, "filter", "input", 7);
	const struct verdict_entry *e = &set.entries.items[r->entries_first];

	(void)state;
	assert_int_equal(r->entries_n, 2);
	assert_int_equal(e[0].verdict, VERDICT_JUMP);
	assert_ptr_equal(&set.chains.items[e[0].jump], chain_named(&set, 1, "filter", "web"));
	assert_int_equal(e[1].verdict, VERDICT_DROP);
	assert_int_equal(e[1].key.kind, OP_DPORT);
	assert_int_equal(e[1].key.low, 80);
	assert_int_equal(e[1].key.high, 90);
	r = rule_of(&set, 1, "filter", "input", 15);
	e = &set.entries.items[r->entries_first];
	assert_int_equal(r->entries_n, 3);
	for (size_t i = 0; i < 3; i++) {
		if (e[i].key.kind == OP_ALWAYS)
			assert_int_equal(e[i].verdict, VERDICT_DROP);
		else
			assert_int_equal(e[i].key.kind, OP_IN_DEVICE);
	}
	ruleset_done(&set);
}

static void first_look_has_no_matches(void **state)
{
	struct ruleset whole = load_nft(true), light = load_nft(false);

	(void)state;
	assert_int_equal(light.ops.n, 0);
	assert_int_equal(light.rules.n, whole.rules.n);
	for (size_t i = 0; i < whole.rules.n; i++) {
		assert_int_equal(light.rules.items[i].handle, whole.rules.items[i].handle);
		assert_int_equal(light.rules.items[i].verdict, whole.rules.items[i].verdict);
		assert_int_equal(light.rules.items[i].counted, whole.rules.items[i].counted);
	}
	ruleset_done(&whole);
	ruleset_done(&light);
}

static void nft_cut_and_corrupt(void **state)
{
	struct buf tables = load("nft-tables"), chains = load("nft-chains"),
		   rules = load("nft-rules");
	size_t whole = rules.len;

	(void)state;
	for (size_t n = 0; n < whole; n += 7) {
		struct ruleset set = {0};

		rules.len = n;
		assert_int_equal(read_nft(&tables, &chains, &rules, true, &set), -EBADMSG);
		ruleset_done(&set);
	}
	rules.len = whole;
	for (size_t n = 0; n < whole; n += 3) {
		struct ruleset set = {0};
		char was = rules.data[n];

		rules.data[n] = (char)(was ^ 0x55);
		read_nft(&tables, &chains, &rules, true, &set);
		rules.data[n] = was;
		ruleset_done(&set);
	}
	buf_done(&tables);
	buf_done(&chains);
	buf_done(&rules);
}

/* ---- rules that change between one dump and the next ---- */

static void set_generation(struct buf *answer, uint16_t generation)
{
	uint16_t big = htons(generation);

	nl_each(m, answer)
		memcpy(answer->data + ((const char *)m.h - answer->data) + NLMSG_HDRLEN +
			       offsetof(struct nfgenmsg, res_id),
		       &big, sizeof(big));
}

/* One try of a look, as a recording holds it: "nft-tables", then "nft-tables-1" ... */
static void keep_try(struct recording *r, unsigned int try, uint16_t tables, uint16_t chains,
		     uint16_t rules)
{
	const struct {
		const char *name;
		uint16_t generation;
	} answers[] = {{"nft-tables", tables}, {"nft-chains", chains}, {"nft-rules", rules}};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct buf answer = load(answers[i].name);
		char name[64];

		set_generation(&answer, answers[i].generation);
		snprintf(name, sizeof(name), try ? "1/a/nl/%s-%u" : "1/a/nl/%s", answers[i].name,
			 try);
		recording_put(r, name, 0, &answer);
		buf_done(&answer);
	}
}

static int collect_from(struct recording *r, struct snapshot *s)
{
	struct netns ns = {.inode = 1, .fd = -1};
	struct host h = {.ns = &ns, .phase = "a", .recording = r, .replay = true};

	return collect_nft(&h, s);
}

static void rules_change_while_read(void **state)
{
	struct recording *r = recording_new();
	struct snapshot s = {0};

	(void)state;
	/* Chains of another generation, then rules of another, then all of one. */
	keep_try(r, 0, 11, 12, 12);
	keep_try(r, 1, 12, 12, 13);
	keep_try(r, 2, 13, 13, 13);
	assert_int_equal(collect_from(r, &s), 0);
	assert_int_equal(s.nft.generation, 13);
	assert_true(s.nft.rules.n > 0);
	ruleset_done(&s.nft);
	recording_free(r);

	/* Never of one: not the rules of the last try, but none. */
	r = recording_new();
	for (unsigned int try = 0; try < 4; try++)
		keep_try(r, try, (uint16_t)try, (uint16_t)try, (uint16_t)(try + 1));
	assert_int_equal(collect_from(r, &s), -EINTR);
	assert_int_equal(s.nft.rules.n, 0);
	assert_int_equal(s.nft.chains.n, 0);
	recording_free(r);
}

static void texts_of_rules(void **state)
{
	/* iptables-legacy-save 1.8.9; nft 1.0.6 -a list chain */
	char saved[] = "*filter\n:INPUT ACCEPT [0:0]\n:services - [0:0]\n"
		       "-A INPUT -j services\n"
		       "-A services -p udp -m udp --dport 5301 -j DROP\n"
		       "-A services2 -j DROP\n"
		       "-A services -j RETURN\nCOMMIT\n";
	char listed[] = "table inet t {\n\tchain c { # handle 1\n\t\tudp dport 1 drop # handle 12\n"
			"\t\tudp dport 2 drop # handle 2\n\t}\n}\n";
	struct buf save = {.data = saved, .len = strlen(saved)};
	struct buf list = {.data = listed, .len = strlen(listed)};
	char *text;

	(void)state;
	text = legacy_rule_text_of(&save, "services", 1, 2);
	assert_string_equal(text, "-A services -p udp -m udp --dport 5301 -j DROP");
	free(text);
	text = legacy_rule_text_of(&save, "services", 2, 2);
	assert_string_equal(text, "-A services -j RETURN");
	free(text);
	/* The chain is longer or shorter than when the rules were counted. */
	assert_null(legacy_rule_text_of(&save, "services", 1, 1));
	assert_null(legacy_rule_text_of(&save, "services", 3, 3));
	assert_null(legacy_rule_text_of(&save, "none", 1, 1));
	text = rule_text_of(&list, 2);
	assert_string_equal(text, "udp dport 2 drop");
	free(text);
	assert_null(rule_text_of(&list, 3));
}

static void decodes_legacy(void **state)
{
	struct buf info = load("ip-filter-info-0"), entries = load("ip-filter-entries-0");
	struct buf info6 = load("ip6-filter-info-0"), entries6 = load("ip6-filter-entries-0");
	struct ruleset set = {0};
	const struct rule *r;

	(void)state;
	assert_int_equal(parse_iptables(NFPROTO_IPV4, "filter", &info, &entries, true, &set), 0);
	assert_int_equal(parse_iptables(NFPROTO_IPV6, "filter", &info6, &entries6, true, &set), 0);
	assert_true(set.legacy);
	assert_int_equal(set.chains.n, 7);
	assert_int_equal(chain_named(&set, 2, "filter", "INPUT")->rules_n, 3);
	assert_int_equal(chain_named(&set, 2, "filter", "FORWARD")->policy, VERDICT_DROP);
	assert_true(chain_named(&set, 2, "filter", "FORWARD")->counted);
	assert_string_equal(ops_text(&set, rule_of(&set, 2, "filter", "INPUT", 1)),
			    "proto=6 dport=9-9");
	r = rule_of(&set, 2, "filter", "INPUT", 2);
	assert_string_equal(ops_text(&set, r), "!iif=lo");
	assert_int_equal(r->verdict, VERDICT_JUMP);
	assert_string_equal(r->target, "uc");
	assert_ptr_equal(&set.chains.items[r->jump], chain_named(&set, 2, "filter", "uc"));
	assert_int_equal(rule_of(&set, 2, "filter", "INPUT", 3)->verdict, VERDICT_NONE);
	r = rule_of(&set, 2, "filter", "uc", 1);
	assert_string_equal(ops_text(&set, r), "proto=17 any[2] sport=1-7 sport=9-9");
	assert_int_equal(r->verdict, VERDICT_DROP);
	r = rule_of(&set, 2, "filter", "uc", 2);
	assert_string_equal(ops_text(&set, r), "!src=1.0.0.0/255.0.0.0 ?");
	assert_int_equal(r->verdict, VERDICT_REJECT);
	assert_int_equal(r->answer, REJECT_PORT);
	assert_true(r->limits);
	assert_string_equal(ops_text(&set, rule_of(&set, 10, "filter", "INPUT", 1)),
			    "src=2001:db8::/ffff:ffff:: proto=6 dport=4-5");
	ruleset_done(&set);
	buf_done(&info);
	buf_done(&info6);
	buf_done(&entries6);
	for (size_t n = 0; n < entries.len; n++) {
		struct buf fresh = load("ip-filter-info-0");
		struct ruleset one = {0};
		char was = entries.data[n];

		entries.data[n] = (char)(was ^ 0x55);
		parse_iptables(NFPROTO_IPV4, "filter", &fresh, &entries, true, &one);
		entries.data[n] = was;
		ruleset_done(&one);
		if (n % 5 == 0) {
			struct buf cut = {.data = entries.data, .len = n};
			struct ruleset two = {0};

			assert_int_equal(
				parse_iptables(NFPROTO_IPV4, "filter", &fresh, &cut, true, &two),
				-EBADMSG);
			ruleset_done(&two);
		}
		buf_done(&fresh);
	}
	buf_done(&entries);
}

static void decodes_locals(void **state)
{
	struct buf answer = load("addresses");
	struct ruleset set = {0};

	(void)state;
	assert_int_equal(parse_locals(&answer, &set), 0);
	assert_int_equal(set.locals.n, 2);
	assert_int_equal(set.locals.items[0].address[0], 127);
	answer.len -= 4;
	assert_int_equal(parse_locals(&answer, &set), -EBADMSG);
	ruleset_done(&set);
	buf_done(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_chains),	cmocka_unit_test(decodes_rules),
		cmocka_unit_test(decodes_verdict_maps), cmocka_unit_test(first_look_has_no_matches),
		cmocka_unit_test(nft_cut_and_corrupt),	cmocka_unit_test(decodes_legacy),
		cmocka_unit_test(texts_of_rules),
		cmocka_unit_test(decodes_locals),	cmocka_unit_test(rules_change_while_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
