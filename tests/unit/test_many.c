// SPDX-License-Identifier: GPL-2.0-or-later
/* What a host with a thousand namespaces shares between them, and what it need not ask twice. */
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/intern.h"
#include "collect/collect.h"
#include "model/ledger.h"

#define TCP_ESTABLISHED 1
#define TCP_LISTEN 10

static void test_intern(void **state)
{
	const char *one = intern("Udp.NoPorts", 11);
	char other[] = "Udp.NoPorts and more";

	assert_ptr_equal(intern(other, 11), one);
	assert_string_equal(one, "Udp.NoPorts");
	assert_ptr_not_equal(intern(other, 12), one);
	/* A text ends at its NUL, whatever room there is. */
	assert_ptr_equal(intern("Udp.NoPorts", 64), one);
	assert_string_equal(intern("", 0), "");
	/* More than the table begins with. */
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 3000; i++) {
			char text[24];

			snprintf(text, sizeof(text), "name %d", i);
			assert_string_equal(intern(text, sizeof(text)), text);
		}
	assert_ptr_equal(intern("Udp.NoPorts", 11), one);
}

static void test_counter_named(void **state)
{
	/* Every row is found by its own name, but for those that share it: the first stands. */
	for (enum counter_id id = 0; id < COUNTER_N; id++) {
		const struct counter_row *row = &counter_rows[id];
		enum counter_id found =
			counter_named(row->source, (struct span){0}, span_of(row->name));

		assert_true(found <= id);
		assert_string_equal(counter_rows[found].name, row->name);
		assert_int_equal(counter_rows[found].source, row->source);
	}
	assert_int_equal(counter_named(SRC_SNMP, span_of("Udp"), span_of("NoPorts")),
			 C_UDP_NO_PORTS);
	assert_int_equal(counter_named(SRC_NETSTAT, span_of("Udp"), span_of("NoPorts")), COUNTER_N);
	assert_int_equal(counter_named(SRC_SNMP, span_of("Udp"), span_of("NoPort")), COUNTER_N);
	assert_int_equal(counter_named(SRC_SNMP, span_of("Ud"), span_of("p.NoPorts")), COUNTER_N);
	/* The kernel's text is not ours: it may hold anything. */
	assert_int_equal(
		counter_named(SRC_SNMP, span_of("Udp"), (struct span){"NoPorts\0NoPorts", 15}),
		COUNTER_N);
}

static void add_flow(struct drops *d, uint32_t netns, uint64_t packets)
{
	struct drop_flow *f = vec_push(&d->flows);
	struct drop *row = vec_push(&d->rows);

	f->netns = row->netns = netns;
	f->packets = row->packets = packets;
	snprintf(row->reason, sizeof(row->reason), "NO_SOCKET");
}

static void test_flows_of_namespace(void **state)
{
	struct drops d = {0};
	struct ledger one, other;
	uint64_t seen = 0, last = UINT64_MAX;

	add_flow(&d, 7, 100);
	add_flow(&d, 8, 50);
	add_flow(&d, 7, 10);
	ledger_init_of(&one, &d, drops_lost(&d), 7);
	ledger_init(&other, &d, 9);
	ledger_each_flow(flow, &one) {
		assert_int_equal(flow->netns, 7);
		assert_true(flow->packets < last);
		last = flow->packets;
		seen += flow->packets;
	}
	assert_int_equal(seen, 110);
	assert_int_equal(one.traced, 110);
	assert_int_equal(one.elsewhere, 50);
	ledger_each_flow(flow, &other)
		assert_null(flow);
	assert_int_equal(other.traced, 0);
	assert_int_equal(other.elsewhere, 160);
	ledger_done(&one);
	ledger_done(&other);
	drops_done(&d);
}

/* A namespace with a listener and so many connections, none of which has anything to tell. */
static void fill(struct snapshot *s)
{
	struct socket *sk = vec_push(&s->sockets);

	sk->protocol = IPPROTO_TCP;
	sk->state = TCP_LISTEN;
	sk = vec_push(&s->sockets);
	sk->protocol = IPPROTO_UDP;
	s->source[SRC_SOCKETS].status = SOURCE_OK;
	s->connections_seen = 80;
	s->counter[C_TCP_IN_SEGS] = 1000;
	s->counter[C_TCP_OUT_SEGS] = 900;
	s->counter[C_TCP_RETRANS_SEGS] = 3;
	s->counter_present[C_TCP_IN_SEGS] = true;
	s->counter_present[C_TCP_OUT_SEGS] = true;
	s->counter_present[C_TCP_RETRANS_SEGS] = true;
}

static void test_idle(void **state)
{
	struct snapshot s = {0};
	struct tcp_idle idle;
	struct socket *sk;

	fill(&s);
	idle = tcp_idle_of(&s);
	assert_true(idle.known);
	assert_int_equal(idle.connections, 80);
	assert_int_equal(idle.segments[0], 1000);
	assert_int_equal(idle.segments[1], 900);
	assert_int_equal(idle.segments[2], 3);
	/* A handshake may be given up without a segment. */
	*vec_push(&s.half_open) = (struct half_open){.family = AF_INET, .port = 80, .n = 1};
	assert_false(tcp_idle_of(&s).known);
	s.half_open.n = 0;
	assert_true(tcp_idle_of(&s).known);
	/* Its reader may come, or not: no segment tells. */
	sk = vec_push(&s.sockets);
	sk->protocol = IPPROTO_TCP;
	sk->state = TCP_ESTABLISHED;
	sk->rqueue = 1;
	assert_false(tcp_idle_of(&s).known);
	s.sockets.n--;
	s.counter_present[C_TCP_RETRANS_SEGS] = false;
	assert_false(tcp_idle_of(&s).known);
	s.counter_present[C_TCP_RETRANS_SEGS] = true;
	s.source[SRC_SOCKETS] = (struct source_state){.err = -EPERM};
	assert_false(tcp_idle_of(&s).known);
	snapshot_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intern),
		cmocka_unit_test(test_counter_named),
		cmocka_unit_test(test_flows_of_namespace),
		cmocka_unit_test(test_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
