// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The list of numbers: where each comes from, what it is called, and how it is shown. With
 * WHYDROP_GOLDEN_UPDATE set the golden file is written instead of compared.
 */
#define _GNU_SOURCE
#include "observe.h"

#include <errno.h>
#include <net/if.h>
#include <unistd.h>

#include "base/parse.h"
#include "collect/proctext.h"
#include "render/counters.h"

/* As Linux 6.18 prints them (net/ipv4/proc.c), with a counter that nobody knows. */
static const char netstat_before[] = "TcpExt: SyncookiesSent ListenOverflows TCPFutureThing\n"
				     "TcpExt: 1 10 7\n";
static const char netstat_after[] = "TcpExt: SyncookiesSent ListenOverflows TCPFutureThing\n"
				    "TcpExt: 1 1244 7\n";
static const char snmp_text[] = "Tcp: RtoMin MaxConn InSegs\nTcp: 200 -1 500\n";

static void parse(struct snapshot *at, const char *netstat)
{
	assert_int_equal(parse_paired_lines(span_of(netstat), SRC_NETSTAT, at), 0);
	assert_int_equal(parse_paired_lines(span_of(snmp_text), SRC_SNMP, at), 0);
}

static void add_cpu(struct snapshot *at, uint32_t dropped, uint64_t steal)
{
	struct cpu *cpu = vec_push(&at->cpus);

	cpu->id = 3;
	cpu->softnet_present = cpu->times_present = true;
	cpu->softnet[C_SOFTNET_DROPPED - SOFTNET_FIRST] = dropped;
	cpu->times.steal = steal;
}

static void add_qdisc(struct snapshot *at, uint32_t drops)
{
	struct qdisc *q = vec_push(&at->qdiscs);

	snprintf(q->kind, sizeof(q->kind), "pfifo");
	q->ifindex = 2;
	q->handle = 0x100000;
	q->parent = 0xffffffff;
	q->drops = drops;
}

/* A 100 Mbit/s e1000 that missed some. */
static void add_card(struct snapshot *at, uint64_t missed)
{
	struct nic *nic = vec_push(&at->nics);
	struct nic_stat *stat = vec_push(&nic->stats);

	nic->ifindex = 2;
	snprintf(nic->driver, sizeof(nic->driver), "e1000");
	nic->speed = 100;
	nic->duplex = NIC_DUPLEX_FULL;
	snprintf(stat->name, sizeof(stat->name), "rx_missed_errors");
	stat->value = missed;
}

static void fill(struct observation *o)
{
	observation_fill(o);
	o->b.taken_ns = 1000 * NSEC_PER_SEC;
	device(o, 2, "eth0")->flags = IFF_UP;
	count_link(o, 2, C_LINK_RX_PACKETS, 1000, 6000);
	count_link(o, 2, C_LINK_RX_BYTES, 0, 5000000);
	count_link(o, 2, C_LINK_RX_DROPPED, 5000, 4);
	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &o->b : &o->a;

		parse(at, i ? netstat_after : netstat_before);
		add_cpu(at, i ? 30 : 0xfffffff0, 5);
		add_qdisc(at, i ? 77 : 7);
		add_card(at, i ? 9 : 2);
	}
	lack(o, SRC_NFT, -EPERM);
}

static const struct reading *find(const struct readings *r, const char *name, const char *where)
{
	vec_each(reading, &r->list)
		if (strcmp(reading->name, name) == 0 && strcmp(reading->where, where) == 0)
			return reading;
	return NULL;
}

static void every_kind_of_number(void **state)
{
	struct observation o = {0};
	struct readings r = {0};
	const struct reading *one;
	enum stage last = 0;

	(void)state;
	fill(&o);
	readings_collect(&o, &r);
	one = find(&r, "TcpExt.ListenOverflows", "");
	assert_int_equal(one->change.delta, 1234);
	assert_int_equal(one->loss, MEANS_LOSS);
	assert_int_equal(one->stage, STAGE_TCP);
	one = find(&r, "TcpExt.TCPFutureThing", "");
	assert_null(one->meaning);
	assert_string_equal(reading_loss_name(one), "unknown");
	assert_false(reading_moved(one));
	one = find(&r, "Tcp.MaxConn", "");
	assert_true(one->negative);
	assert_int_equal(one->change.after, 1);
	one = find(&r, "softnet.dropped", ""); /* over the edge of 32 bits */
	assert_int_equal(one->cpu, 3);
	assert_int_equal(one->change.delta, 46);
	one = find(&r, "cpu.steal", "");
	assert_int_equal(one->cpu, 3);
	assert_false(reading_moved(one));
	one = find(&r, "qdisc.drops", "pfifo 10:");
	assert_string_equal(one->device, "eth0");
	assert_int_equal(one->change.delta, 70);
	one = find(&r, "rx_missed_errors", "ethtool -S");
	assert_string_equal(one->within, "rx_missed_errors");
	assert_int_equal(one->change.delta, 7);
	assert_int_equal(one->loss, MEANS_LOSS);
	one = find(&r, "rx_dropped", "");
	assert_true(one->change.reset);
	assert_true(reading_moved(one));
	vec_each(reading, &r.list) {
		assert_true(reading->stage >= last);
		last = reading->stage;
	}
	readings_done(&r);
	observation_done(&o);
}

/* A device that came meanwhile has a value, and no change. */
static void what_is_new_has_no_change(void **state)
{
	struct observation o = {0};
	struct readings r = {0};
	const struct reading *one;

	(void)state;
	fill(&o);
	vec_done(&o.a.links);
	vec_done(&o.a.qdiscs);
	readings_collect(&o, &r);
	one = find(&r, "rx_packets", "");
	assert_false(one->change.known);
	assert_int_equal(one->change.after, 6000);
	one = find(&r, "qdisc.drops", "pfifo 10:");
	assert_false(one->change.known);
	assert_int_equal(one->change.after, 77);
	assert_false(device_load(&o, &o.b.links.items[0]).known);
	readings_done(&r);
	observation_done(&o);
}

/* How many a pattern finds; *near as readings_select() gives it. */
static size_t select_of(const char *pattern, struct buf *near)
{
	struct observation o = {0};
	struct readings r = {0};
	size_t n;

	fill(&o);
	readings_collect(&o, &r);
	n = readings_select(&r, pattern, near) ? r.list.n : 0;
	readings_done(&r);
	observation_done(&o);
	return n;
}

static void found_by_any_name(void **state)
{
	static const struct {
		const char *pattern;
		size_t n;
	} patterns[] = {
		{"TcpExt.ListenOverflows", 1},
		{"TcpExtListenOverflows", 1},
		{"listenoverflows", 1},
		{"ListenOverflows: 1244", 1},
		{"times the listen queue of a socket overflowed", 1},
		{"12 times the listen  queue of a socket overflowed", 1},
		{"of a socket over", 1},
		{"rx_missed_errors", 2}, /* the device's and the driver's */
		{"rx_missed_e", 2},
		{"tcpext.*", 3},
		{"*future*", 1},
		{"accept queue", 1}, /* a meaning */
		{"SYN cookies sent", 1},
	};
	struct buf near = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (select_of(patterns[i].pattern, &near) != patterns[i].n)
			fail_msg("'%s' finds %zu, not %zu", patterns[i].pattern,
				 select_of(patterns[i].pattern, &near), patterns[i].n);
	assert_null(near.data);
	assert_int_equal(select_of("ListenOverflow5", &near), 0);
	assert_string_equal(near.data, "did you mean TcpExt.ListenOverflows?");
	buf_clear(&near);
	assert_int_equal(select_of("PAWSPassive", &near), 0);
	assert_non_null(strstr(near.data, "TcpExt.PAWSPassive is not counted"));
	buf_clear(&near);
	assert_int_equal(select_of("xyzzyplugh", &near), 0);
	assert_int_equal(near.len, 0);
	buf_done(&near);
}

/* One name stands for one counter of a source, whoever adds a row. */
static void names_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNTER_N; i++)
		for (size_t j = 0; j < i; j++)
			if (counter_rows[i].source == counter_rows[j].source &&
			    strcmp(counter_rows[i].name, counter_rows[j].name) == 0)
				fail_msg("%s has two rows", counter_rows[i].name);
}

static void looks_as_it_should(void **state)
{
	const char *golden = SOURCE_ROOT "/tests/golden/counters.txt";
	struct report report = {.host_name = "web-3", .kernel = "6.18.0", .cpus = 4};
	struct text_style style = {0};
	struct diagnosis d = {0};
	struct readings list = {0};
	struct counters_view v = {.d = &d, .r = &report, .readings = &list, .devices = true,
				  .sources = SOURCE_BIT(SRC_NETSTAT) | SOURCE_BIT(SRC_NFT)};
	struct buf text = {0}, expected = {0};
	size_t kept = 0;
	FILE *file;

	(void)state;
	fill(vec_push(&d.observations));
	readings_collect(&d.observations.items[0], &list);
	vec_each(r, &list.list)
		if (reading_moved(r))
			list.list.items[kept++] = *r;
	list.list.n = kept;
	render_counters_text(&v, &style, &text);
	file = fopen(golden, getenv("WHYDROP_GOLDEN_UPDATE") ? "w+" : "r");
	assert_non_null(file);
	if (getenv("WHYDROP_GOLDEN_UPDATE"))
		fwrite(text.data, 1, text.len, file);
	rewind(file);
	assert_int_equal(buf_read_fd(&expected, fileno(file), 1 << 20), 0);
	fclose(file);
	assert_string_equal(text.data, expected.data);
	buf_done(&text);
	buf_done(&expected);
	readings_done(&list);
	diagnosis_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_number),
		cmocka_unit_test(what_is_new_has_no_change),
		cmocka_unit_test(found_by_any_name),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(looks_as_it_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
