// SPDX-License-Identifier: GPL-2.0-or-later
/* A remedy that cannot help is not proposed, and each that is says how to undo it. */
#include <arpa/inet.h>
#include <net/if.h>

#include "causes/stages.h"
#include "observe.h"

static void set_sysctl(struct observation *o, enum sysctl_id id, int64_t value)
{
	o->a.sysctl[id] = o->b.sysctl[id] = (struct sysctl_value){.n = 1, .v = {value}};
}

static void refused_flow(struct scene *s, const char *source, uint64_t packets)
{
	struct drop_flow *flow = vec_push(&s->drops.flows);

	snprintf(flow->reason, sizeof(flow->reason), "IP_RPFILTER");
	flow->netns = OBSERVED_NETNS;
	flow->ifindex = 2;
	flow->family = AF_INET;
	flow->protocol = IPPROTO_UDP;
	inet_pton(AF_INET, source, flow->source);
	inet_pton(AF_INET, "192.0.2.2", flow->destination);
	flow->packets = packets;
}

static void refused_by_strict_mode(struct scene *s, bool other_device)
{
	scene_init(s);
	set_sysctl(&s->o, K_RP_FILTER_ALL, 1);
	device(&s->o, 1, "lo")->flags = IFF_UP | IFF_LOOPBACK;
	device(&s->o, 2, "eth0")->flags = IFF_UP;
	if (other_device)
		device(&s->o, 3, "eth1")->flags = IFF_UP;
	count(&s->o, C_IP_REVERSE_PATH_FILTER, 0, 100);
	trace(&s->drops, "IP_RPFILTER", "ip_rcv_finish_core", IPPROTO_UDP, 100)->ifindex = 2;
}

/* Strict mode takes what is reached by the only device there is: loose mode would refuse it too. */
static void loose_mode_needs_another_device(void **state)
{
	struct scene s;

	(void)state;
	refused_by_strict_mode(&s, false);
	refused_flow(&s, "10.55.0.1", 100);
	assert_int_equal(scene_ask(&s, examine_rp_filter), FOUND);
	assert_null(remedy_of(only_finding(&s), "loose-rp-filter"));
	assert_non_null(remedy_of(only_finding(&s), "route-back"));
	scene_done(&s);

	refused_by_strict_mode(&s, true);
	refused_flow(&s, "10.55.0.1", 100);
	assert_int_equal(scene_ask(&s, examine_rp_filter), FOUND);
	assert_non_null(remedy_of(only_finding(&s), "loose-rp-filter"));
	assert_true(remedy_of(only_finding(&s), "loose-rp-filter")->applicable);
	scene_done(&s);
}

static void route_is(const char *one, const char *other, const char *network)
{
	struct scene s;
	const struct remedy *r;

	refused_by_strict_mode(&s, false);
	refused_flow(&s, one, 60);
	refused_flow(&s, other, 40);
	assert_int_equal(scene_ask(&s, examine_rp_filter), FOUND);
	r = remedy_of(only_finding(&s), "route-back");
	assert_non_null(r);
	if (!strstr(r->commands.items[1], network) || !strstr(r->undo.items[0], network))
		fail_msg("%s is not in: %s", network, r->commands.items[1]);
	scene_done(&s);
}

static void the_route_back_holds_every_source(void **state)
{
	(void)state;
	route_is("10.55.0.1", "10.55.0.20", " 10.55.0.0/27 ");
	route_is("10.55.0.1", "10.55.0.1", " 10.55.0.1/32 ");
	/* Sources from everywhere are forged, or a default route is missing: no network. */
	route_is("10.55.0.1", "203.0.113.9", " 10.55.0.1/32 ");
}

static void full_table(struct scene *s, int64_t buckets)
{
	scene_init(s);
	set_sysctl(&s->o, K_CONNTRACK_MAX, 200);
	set_sysctl(&s->o, K_CONNTRACK_BUCKETS, buckets);
	count(&s->o, C_CT_ENTRIES, 200, 200);
	count(&s->o, C_CT_DROP, 0, 800);
}

static bool commands_mention(const struct remedy *r, const char *word)
{
	vec_each(command, &r->commands)
		if (strstr(*command, word))
			return true;
	return false;
}

/* The table's size follows what wanted in, and its buckets are never made fewer. */
static void a_larger_table_keeps_its_buckets(void **state)
{
	const struct remedy *r;
	struct scene s;

	(void)state;
	full_table(&s, 262144);
	assert_int_equal(scene_ask(&s, examine_conntrack_full), FOUND);
	r = remedy_of(only_finding(&s), "raise-nf-conntrack-max");
	assert_string_equal(r->changes.items[0].to, "2048");
	assert_false(commands_mention(r, "buckets"));
	assert_int_equal(r->undo.n, 1);
	scene_done(&s);

	full_table(&s, 128);
	assert_int_equal(scene_ask(&s, examine_conntrack_full), FOUND);
	r = remedy_of(only_finding(&s), "raise-nf-conntrack-max");
	assert_true(commands_mention(r, "buckets=2048"));
	assert_string_equal(r->undo.items[1], "sysctl -w net.netfilter.nf_conntrack_buckets=128");
	scene_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loose_mode_needs_another_device),
		cmocka_unit_test(the_route_back_holds_every_source),
		cmocka_unit_test(a_larger_table_keeps_its_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
