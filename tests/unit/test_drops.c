// SPDX-License-Identifier: GPL-2.0-or-later
/* The parts of the drop tracer that need no kernel: names, and drops in a recording. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/btf.h>
#include <cmocka.h>
#include <errno.h>

#include "drops/reasons.h"
#include "drops/symbols.h"
#include "model/drops_json.h"

static void assert_stripped(const char *from, const char *to)
{
	char name[64];

	strcpy(name, from);
	symbol_strip(name);
	assert_string_equal(name, to);
}

static void test_symbol_strip(void **state)
{
	(void)state;
	assert_stripped("nf_hook_slow", "nf_hook_slow");
	assert_stripped("ovs_dp_process_packet [openvswitch]", "ovs_dp_process_packet");
	assert_stripped("ip_rcv_finish_core.constprop.0", "ip_rcv_finish_core");
	assert_stripped("tcp_v4_rcv.isra.0 [x]", "tcp_v4_rcv");
	assert_stripped("foo.llvm.12345", "foo");
	assert_stripped(".ppc_entry", ".ppc_entry");
	assert_stripped("", "");
	assert_stripped(" ", "");
}

static void test_symbol_size(void **state)
{
	char name[] = "br_handle_frame+0x1c/0x420 [bridge]", plain[] = "ip_rcv+0x5a/0x420";
	char bare[] = "0xffffffff81000000";

	(void)state;
	symbol_strip_size(name);
	assert_string_equal(name, "br_handle_frame+0x1c [bridge]");
	symbol_strip_size(plain);
	assert_string_equal(plain, "ip_rcv+0x5a");
	symbol_strip_size(bare);
	assert_string_equal(bare, "0xffffffff81000000");
}

static int take(struct symbols *s, const char *line)
{
	return symbols_take_kallsyms_line(s, span_of(line));
}

static void test_kallsyms(void **state)
{
	struct symbols s = {0};

	(void)state;
	symbols_add(&s, 0xffffffff81000125);
	symbols_add(&s, 0xffffffffc0000010);
	symbols_add(&s, 0xffffffff81000125);
	assert_int_equal(s.items.n, 2);
	assert_int_equal(take(&s, "ffffffff81000000 T first"), 0);
	assert_int_equal(take(&s, "ffffffff81000100 t second"), 0);
	assert_int_equal(take(&s, "ffffffff81000100 t alias"), 0);
	assert_int_equal(take(&s, "ffffffff81000120 d data"), 0);
	assert_int_equal(take(&s, "ffffffff81000200 T third"), 0);
	assert_int_equal(take(&s, "ffffffffc0000000 t in_module\t[module]"), 0);
	assert_int_equal(take(&s, "0000000000000000 T hidden"), 0);
	assert_string_equal(s.items.items[0].name, "second");
	assert_string_equal(s.items.items[1].name, "in_module");

	assert_int_equal(take(&s, ""), -EBADMSG);
	assert_int_equal(take(&s, "ffffffff81000000"), -EBADMSG);
	assert_int_equal(take(&s, "ffffffff81000000 T"), -EBADMSG);
	assert_int_equal(take(&s, "ffffffff81000000 TT name"), -EBADMSG);
	assert_int_equal(take(&s, "nothing T name"), -EBADMSG);
	assert_int_equal(take(&s, "1ffffffff81000000 T name"), -EBADMSG);
	symbols_done(&s);
}

static void test_symbol_without_name(void **state)
{
	struct symbols s = {0};

	(void)state;
	symbols_add(&s, 0x10);
	symbols_name_all(&s);
	assert_string_equal(symbols_name(&s, 0x10), "0x10");
	assert_string_equal(symbols_name(&s, 0x11), "?");
	symbols_done(&s);
}

/* A kernel with the core, one subsystem in vmlinux and one in a module that is not there. */
static struct btf *make_btf(unsigned int arguments)
{
	struct btf *btf = btf__new_empty();
	int proto;

	btf__add_enum(btf, "skb_drop_reason", 4);
	btf__add_enum_value(btf, "SKB_NOT_DROPPED_YET", 0);
	btf__add_enum_value(btf, "SKB_CONSUMED", 1);
	btf__add_enum_value(btf, "SKB_DROP_REASON_NOT_SPECIFIED", 2);
	btf__add_enum_value(btf, "SKB_DROP_REASON_NO_SOCKET", 3);
	btf__add_enum_value(btf, "SKB_DROP_REASON_MAX", 4);
	btf__add_enum_value(btf, "SKB_DROP_REASON_SUBSYS_MASK", 0xffff0000);
	btf__add_enum(btf, "skb_drop_reason_subsys", 4);
	btf__add_enum_value(btf, "SKB_DROP_REASON_SUBSYS_CORE", 0);
	btf__add_enum_value(btf, "SKB_DROP_REASON_SUBSYS_MAC80211_UNUSABLE", 1);
	btf__add_enum_value(btf, "SKB_DROP_REASON_SUBSYS_QDISC", 3);
	btf__add_enum_value(btf, "SKB_DROP_REASON_SUBSYS_NUM", 4);
	btf__add_enum(btf, "qdisc_drop_reason", 4);
	btf__add_enum_value(btf, "QDISC_DROP_UNSPEC", 0);
	btf__add_enum_value(btf, "__QDISC_DROP_REASON", 0x30000);
	btf__add_enum_value(btf, "QDISC_DROP_GENERIC", 0x30001);
	btf__add_enum_value(btf, "QDISC_DROP_OVERLIMIT", 0x30002);
	btf__add_enum_value(btf, "QDISC_DROP_MAX", 0x30003);
	btf__add_enum64(btf, "wide_drop_reason", 8, false);
	btf__add_enum64_value(btf, "WIDE_DROP", 0x50001);
	btf__add_enum64_value(btf, "WIDE_TOO_WIDE", 0x500000001);
	btf__add_enum(btf, "unrelated", 4);
	btf__add_enum_value(btf, "UNRELATED", 0x30005);

	proto = btf__add_func_proto(btf, 0);
	for (unsigned int i = 0; i <= arguments; i++)
		btf__add_func_param(btf, "", 0);
	btf__add_typedef(btf, "btf_trace_kfree_skb", btf__add_ptr(btf, proto));
	return btf;
}

static void assert_reason(struct reasons *r, uint32_t value, const char *name)
{
	char text[48];

	reasons_name(r, value, text, sizeof(text));
	assert_string_equal(text, name);
}

static void test_reasons(void **state)
{
	struct reasons r = {0};
	struct btf *btf = make_btf(4);

	(void)state;
	reasons_add_btf(&r, btf, 1);
	assert_reason(&r, 0, "NOT_DROPPED_YET");
	assert_reason(&r, 1, "CONSUMED");
	assert_reason(&r, 2, "NOT_SPECIFIED");
	assert_reason(&r, 3, "NO_SOCKET");
	assert_reason(&r, 4, "4");
	assert_reason(&r, 0x10001, "65537");
	assert_reason(&r, 0x10001, "65537");
	assert_reason(&r, 0x30001, "QDISC_DROP");
	assert_reason(&r, 0x30002, "QDISC_OVERLIMIT");
	assert_reason(&r, 0x30003, "196611");
	assert_reason(&r, 0x30005, "196613");
	assert_reason(&r, 0x50001, "WIDE_DROP");
	assert_reason(&r, 0xffff0000, "4294901760");
	assert_string_equal(r.subsystems.items[0].module, "mac80211");
	assert_int_equal(r.subsystems.n, 2);

	r.none = true;
	assert_reason(&r, 0, "NOT_SPECIFIED");
	reasons_done(&r);
	btf__free(btf);
}

static void test_arguments(void **state)
{
	(void)state;
	for (unsigned int n = 0; n <= 6; n++) {
		struct btf *btf = make_btf(n);

		assert_int_equal(kfree_skb_arguments(btf), n < 2 ? -ENOENT : MIN((int)n, 4));
		btf__free(btf);
	}
}

static const struct drop sample_drop = {
	.reason = "SOCKET_RCVBUFF",
	.symbol = "udp_queue_rcv_one_skb",
	.netns = 4026531840,
	.ifindex = 3,
	.ethertype = 0x86dd,
	.protocol = 17,
	.family = 10,
	.local_port = 65535,
	.cookie = UINT64_MAX,
	.packets = 1ULL << 63,
	.bytes = INT64_MAX,
	.segments = 7,
};

static struct drops sample(void)
{
	struct drops d = {.err = -EPERM, .rung = "tp_btf", .receiving_socket = true, .missed = 5};
	struct drop_flow *flow;

	*vec_push(&d.rows) = sample_drop;
	vec_push(&d.rows);
	flow = vec_push(&d.flows);
	*flow = (struct drop_flow){
		.reason = "NO_SOCKET",
		.symbol = "0xffffffff81000000",
		.netns = 1,
		.family = 2,
		.protocol = 17,
		.source = {10, 0, 0, 1},
		.destination = {10, 0, 0, 2},
		.source_port = 1,
		.destination_port = 53,
		.packets = 9,
	};
	flow = vec_push(&d.flows);
	*flow = (struct drop_flow){.family = 10, .source = {0xfe, 0x80, [15] = 1}};
	d.rules_traced = true;
	d.rules_missed = 3;
	*vec_push(&d.rules) = (struct drop_rule){4026531840, 1, "filter", "INPUT", 42, 99};
	return d;
}

static void assert_round_trip(const struct drops *d)
{
	struct drops back;
	json_t *json = drops_to_json(d);

	assert_non_null(json);
	assert_int_equal(drops_from_json(json, &back), 0);
	assert_int_equal(back.err, d->err);
	assert_string_equal(back.rung, d->rung);
	assert_int_equal(back.receiving_socket, d->receiving_socket);
	assert_int_equal(back.flows_sampled, d->flows_sampled);
	assert_int_equal(back.sends_traced, d->sends_traced);
	assert_true(back.missed == d->missed);
	assert_int_equal(back.rows.n, d->rows.n);
	assert_int_equal(back.flows.n, d->flows.n);
	assert_int_equal(back.rules_traced, d->rules_traced);
	assert_true(back.rules_missed == d->rules_missed);
	assert_int_equal(back.rules.n, d->rules.n);
	if (d->rules.n)
		assert_memory_equal(back.rules.items, d->rules.items,
				    d->rules.n * sizeof(struct drop_rule));
	if (d->rows.n)
		assert_memory_equal(back.rows.items, d->rows.items,
				    d->rows.n * sizeof(struct drop));
	if (d->flows.n)
		assert_memory_equal(back.flows.items, d->flows.items,
				    d->flows.n * sizeof(struct drop_flow));
	drops_done(&back);
	json_decref(json);
}

static void test_json(void **state)
{
	struct drops d = sample(), told = {0};
	json_t *json;

	(void)state;
	assert_round_trip(&d);
	d.err = -524; /* ENOTSUPP of the kernel has no name outside */
	d.flows_sampled = d.sends_traced = true;
	d.missed = UINT64_MAX;
	assert_round_trip(&d);
	drops_done(&d);
	assert_round_trip(&d);

	*vec_push(&d.rows) = sample_drop;
	d.rows.items[0].reason[0] = (char)0xff;
	json = drops_to_json(&d);
	assert_non_null(json);
	assert_int_equal(drops_from_json(json, &told), 0);
	assert_int_equal(told.rows.items[0].reason[0], '?');
	assert_string_equal(told.rows.items[0].reason + 1, sample_drop.reason + 1);
	json_decref(json);
	drops_done(&told);
	drops_done(&d);
}

/* Every value of a good recording replaced, in turn, by something that does not belong there. */
static void assert_bad(json_t *json, json_t *object, const char *key, json_t *value)
{
	json_t *old = json_incref(json_object_get(object, key));
	struct drops untouched = {.missed = 42};

	if (value)
		json_object_set_new(object, key, value);
	else
		json_object_del(object, key);
	assert_int_equal(drops_from_json(json, &untouched), -EBADMSG);
	assert_int_equal(untouched.missed, 42);
	json_object_set_new(object, key, old);
}

static void assert_all_bad(json_t *json, json_t *object)
{
	json_t *copy = json_copy(object), *value;
	const char *key;

	json_object_foreach (copy, key, value) {
		assert_bad(json, object, key, NULL);
		assert_bad(json, object, key, json_null());
		assert_bad(json, object, key, json_real(1));
		assert_bad(json, object, key, json_pack("[i]", 1));
		assert_bad(json, object, key,
			   json_string("no such thing, and long enough to be "
				       "too much for any field of a drop"));
		if (json_is_integer(value))
			assert_bad(json, object, key, json_string("-1"));
		if (json_is_integer(value) && strcmp(key, "err") != 0)
			assert_bad(json, object, key, json_integer(-1));
	}
	json_decref(copy);
}

static void test_bad_json(void **state)
{
	struct drops d = sample(), back;
	json_t *json = drops_to_json(&d), *row, *flow;

	(void)state;
	row = json_array_get(json_object_get(json, "rows"), 0);
	flow = json_array_get(json_object_get(json, "flows"), 0);
	assert_all_bad(json, json);
	assert_all_bad(json, row);
	assert_all_bad(json, flow);
	assert_all_bad(json, json_array_get(json_object_get(json, "rules"), 0));
	assert_bad(json, json, "err", json_integer(5));
	assert_bad(json, json, "err", json_integer(-5000000));
	assert_bad(json, row, "protocol", json_integer(256));
	assert_bad(json, row, "local_port", json_integer(65536));
	assert_bad(json, row, "netns", json_integer(1LL << 32));
	assert_bad(json, row, "packets", json_string("18446744073709551616"));
	assert_bad(json, flow, "family", json_integer(3));
	assert_bad(json, flow, "family", json_integer(10));
	assert_bad(json, flow, "source", json_string("10.0.0.1.2"));

	assert_bad(json, json, "sends_traced", json_integer(1));
	json_object_del(json, "sends_traced");
	json_object_set_new(row, "later", json_true());
	assert_int_equal(drops_from_json(json, &back), 0);
	drops_done(&back);
	assert_int_equal(drops_from_json(NULL, &back), -EBADMSG);
	assert_int_equal(drops_from_json(row, &back), -EBADMSG);
	json_decref(json);
	drops_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbol_strip),
		cmocka_unit_test(test_symbol_size),
		cmocka_unit_test(test_kallsyms),
		cmocka_unit_test(test_symbol_without_name),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_bad_json),
	};

	return cmocka_run_group_tests_name("drops", tests, NULL, NULL);
}
