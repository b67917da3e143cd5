// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits of a cloud instance. The names of ENA's counters are those that ena_get_strings() of
 * drivers/net/ethernet/amazon/ena/ena_ethtool.c (6.12: ena_stats_eni_strings) gives to
 * `ethtool -S`; text of /proc/net/dev as dev_seq_printf_stats() of net/core/net-procfs.c (6.18)
 * prints it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "causes/stages.h"
#include "collect/rates.h"
#include "collect/recording.h"

#define CARD 2

struct scene {
	struct diagnosis d;
	struct drops drops;
	struct config config;
	struct observation *o;
};

/* One card that carried 100,000 packets and 100 MB each way in 5 seconds. */
static void scene_init(struct scene *s, const char *driver)
{
	memset(s, 0, sizeof(*s));
	s->drops.err = -EPERM;
	s->d.drops = &s->drops;
	s->o = vec_push(&s->d.observations);
	s->o->seconds = 5;
	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &s->o->b : &s->o->a;
		struct link *l = vec_push(&at->links);
		struct nic *nic = vec_push(&at->nics);

		at->source[SRC_LINK].status = at->source[SRC_ETHTOOL].status = SOURCE_OK;
		at->source[SRC_SNMP].status = at->source[SRC_NETSTAT].status = SOURCE_OK;
		l->ifindex = nic->ifindex = CARD;
		l->mtu = 1500;
		l->stats_n = LINK_STATS;
		snprintf(l->name, sizeof(l->name), "eth0");
		snprintf(nic->driver, sizeof(nic->driver), "%s", driver);
		for (size_t k = 0; i && k < 2; k++) {
			l->stats[k] = 100000;
			l->stats[C_LINK_RX_BYTES - LINK_FIRST + k] = 100000000;
		}
	}
	assert_int_equal(C_LINK_TX_PACKETS - C_LINK_RX_PACKETS, 1);
	assert_int_equal(C_LINK_TX_BYTES - C_LINK_RX_BYTES, 1);
}

static void stat_of_card(struct scene *s, const char *name, uint64_t before, uint64_t after)
{
	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &s->o->b : &s->o->a;
		struct nic_stat *stat = vec_push(&at->nics.items[0].stats);

		snprintf(stat->name, sizeof(stat->name), "%s", name);
		stat->value = i ? after : before;
	}
}

static void counter(struct scene *s, enum counter_id id, uint64_t before, uint64_t after)
{
	s->o->a.counter_present[id] = s->o->b.counter_present[id] = true;
	s->o->a.counter[id] = before;
	s->o->b.counter[id] = after;
}

static void state_limit(struct scene *s, enum limit_kind kind, enum limit_side side,
			const char *device, uint64_t value)
{
	struct limit *l = vec_push(&s->config.limits);

	l->kind = kind;
	l->side = side;
	l->value = value;
	snprintf(l->device, sizeof(l->device), "%s", device);
	s->d.config = &s->config;
}

/* So many steps of 100 ms, each with so many bytes and packets sent. */
static void steps(struct scene *s, unsigned int n, uint64_t bytes, uint64_t packets)
{
	uint32_t at = s->o->rates.n ? s->o->rates.items[s->o->rates.n - 1].at_ms : 0;

	while (n--)
		*vec_push(&s->o->rates) = (struct rate){.ifindex = CARD,
							.at_ms = at += 100,
							.span_us = 100000,
							.tx_bytes = bytes,
							.tx_packets = packets};
}

/* TCP sent 10,000 segments and had to send 500 of them again. */
static void retransmissions(struct scene *s)
{
	counter(s, C_TCP_OUT_SEGS, 0, 10000);
	counter(s, C_TCP_RETRANS_SEGS, 0, 500);
	counter(s, C_TCP_FAST_RETRANS, 0, 500);
}

static const struct finding *found(struct scene *s, const char *cause)
{
	diagnose(&s->d);
	vec_each(f, &s->d.findings)
		if (strcmp(f->cause->id, cause) == 0)
			return f;
	return NULL;
}

static bool cleared(const struct scene *s, const char *cause)
{
	vec_each(c, &s->d.cleared)
		if (strcmp(c->cause->id, cause) == 0)
			return true;
	return false;
}

static const struct not_examined *unseen(const struct scene *s, const char *cause)
{
	vec_each(n, &s->d.not_examined)
		if (strcmp(n->cause->id, cause) == 0)
			return n;
	return NULL;
}

static void scene_done(struct scene *s)
{
	diagnosis_done(&s->d);
	drops_done(&s->drops);
	config_done(&s->config);
}

/* ---- the provider's own counters ---- */

static void cloud_bw_allowance_by_ena(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s, "ena");
	stat_of_card(&s, "bw_in_allowance_exceeded", 7, 7);
	stat_of_card(&s, "bw_out_allowance_exceeded", 100, 350);
	f = found(&s, "cloud-bw-allowance");
	assert_non_null(f);
	assert_int_equal(f->lost, 250);
	assert_int_equal(f->of, 100000);
	assert_int_equal(f->direction, DIR_TX);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	assert_int_equal(f->confidence, LIKELY);
	assert_string_equal(f->subjects.items[0].device, "eth0");
	assert_int_equal(f->subjects.items[0].lost, 250);
	assert_string_equal(f->evidence.items[1].name, "eth0 bw_out_allowance_exceeded");
	assert_int_equal(s.d.verdict, LOSS_ELSEWHERE);
	scene_done(&s);
}

/* Below 1 in 10,000 it is a warning; a card that counts nothing clears, also what was stated. */
static void cloud_pps_allowance_by_ena(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s, "ena");
	stat_of_card(&s, "pps_allowance_exceeded", 0, 3);
	stat_of_card(&s, "bw_in_allowance_exceeded", 9, 9);
	stat_of_card(&s, "bw_out_allowance_exceeded", 9, 9);
	state_limit(&s, LIMIT_BANDWIDTH, LIMIT_TX, "", 160000000);
	steps(&s, 50, 2000000, 2000);
	retransmissions(&s);
	f = found(&s, "cloud-pps-allowance");
	assert_non_null(f);
	assert_int_equal(f->lost, 3);
	assert_int_equal(f->of, 200000);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_true(cleared(&s, "cloud-bw-allowance"));
	scene_done(&s);
}

static void cloud_conntrack_allowance_by_ena(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s, "ena");
	stat_of_card(&s, "conntrack_allowance_exceeded", 0, 40);
	f = found(&s, "cloud-conntrack-allowance");
	assert_non_null(f);
	assert_int_equal(f->lost, 40);
	assert_int_equal(f->confidence, CERTAIN);
	scene_done(&s);

	/* What is left tells the limit: 950 in use, 50 to be had. */
	scene_init(&s, "ena");
	stat_of_card(&s, "conntrack_allowance_exceeded", 3, 3);
	stat_of_card(&s, "conntrack_allowance_available", 60, 50);
	counter(&s, C_CT_ENTRIES, 900, 950);
	f = found(&s, "cloud-conntrack-allowance");
	assert_non_null(f);
	assert_int_equal(f->state, AT_RISK);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	assert_int_equal(s.d.verdict, AT_RISK_VERDICT);
	scene_done(&s);

	scene_init(&s, "ena");
	stat_of_card(&s, "conntrack_allowance_exceeded", 3, 3);
	stat_of_card(&s, "conntrack_allowance_available", 60000, 50000);
	counter(&s, C_CT_ENTRIES, 900, 950);
	assert_null(found(&s, "cloud-conntrack-allowance"));
	assert_true(cleared(&s, "cloud-conntrack-allowance"));
	scene_done(&s);
}

static void cloud_linklocal_dns_limit_by_ena(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s, "ena");
	stat_of_card(&s, "linklocal_allowance_exceeded", 5, 25);
	f = found(&s, "cloud-linklocal-dns-limit");
	assert_non_null(f);
	assert_int_equal(f->lost, 20);
	assert_string_equal(f->remedies.items[0].id, "local-dns-cache");
	scene_done(&s);

	/* The same name of another driver's is not the provider's. */
	scene_init(&s, "mlx5_core");
	stat_of_card(&s, "linklocal_allowance_exceeded", 5, 25);
	assert_null(found(&s, "cloud-linklocal-dns-limit"));
	assert_int_equal(unseen(&s, "cloud-linklocal-dns-limit")->source, SOURCE_N);
	scene_done(&s);
}

/* virtio_net tells the host's limiter through netdev-genl: of the device, or of each queue. */
static void rate_limits_of_virtio(void **state)
{
	for (int whole = 0; whole < 2; whole++) {
		const struct finding *f;
		struct scene s;

		scene_init(&s, "virtio_net");
		for (int i = 0; i < 4; i++) {
			struct snapshot *at = i % 2 ? &s.o->b : &s.o->a;
			struct nic_queue *q = vec_push(&at->nic_queues);

			at->source[SRC_QSTATS].status = SOURCE_OK;
			q->ifindex = CARD;
			q->tx = true;
			q->queue = whole ? -1 : i / 2;
			q->present[NQ_TX_HW_DROP_RATELIMITS] = true;
			q->value[NQ_TX_HW_DROP_RATELIMITS] = i % 2 ? 30 : 10;
			if (whole && i == 1)
				break;
		}
		f = found(&s, "cloud-bw-allowance");
		assert_non_null(f);
		assert_int_equal(f->lost, whole ? 20 : 40);
		assert_int_equal(f->direction, DIR_TX);
		scene_done(&s);
	}
}

/* ---- stated limits ---- */

static void nothing_known_is_not_examined(void **state)
{
	const struct not_examined *n;
	struct scene s;

	(void)state;
	scene_init(&s, "virtio_net");
	retransmissions(&s);
	assert_null(found(&s, "cloud-bw-allowance"));
	n = unseen(&s, "cloud-bw-allowance");
	assert_non_null(n);
	assert_int_equal(n->source, SOURCE_N);
	assert_non_null(strstr(n->why, "no limit is stated"));
	assert_non_null(unseen(&s, "cloud-pps-allowance"));
	assert_non_null(unseen(&s, "cloud-conntrack-allowance"));
	/* A limit of a device that is not here. */
	scene_done(&s);
	scene_init(&s, "virtio_net");
	state_limit(&s, LIMIT_BANDWIDTH, LIMIT_TX, "eth9", 160000000);
	assert_null(found(&s, "cloud-bw-allowance"));
	assert_non_null(unseen(&s, "cloud-bw-allowance"));
	scene_done(&s);
}

/* 160 Mbit/s of 160 Mbit/s in every step, and segments sent again: the provider, no one else. */
static void at_the_limit_and_losing(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s, "virtio_net");
	state_limit(&s, LIMIT_BANDWIDTH, LIMIT_EACH, "", 160000000);
	steps(&s, 50, 2000000, 2000);
	retransmissions(&s);
	f = found(&s, "cloud-bw-allowance");
	assert_non_null(f);
	assert_int_equal(f->lost, 500);
	assert_string_equal(f->unit, "segments");
	assert_int_equal(f->confidence, LIKELY);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_int_equal(f->state, LOSING);
	assert_true(cleared(&s, "tcp-fast-retransmit"));
	assert_int_equal(s.d.findings.n, 1);
	scene_done(&s);
}

/* The same rate and no loss; a burst in a quiet interval; a rate that no limit would let pass. */
static void near_misses(void **state)
{
	static const struct {
		unsigned int at, below, above;
		bool losing, note;
	} rows[] = {{50, 0, 0, false, true},
		    {2, 40, 0, true, false},
		    {0, 50, 0, true, false},
		    {10, 0, 40, true, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct finding *f;
		struct scene s;

		scene_init(&s, "virtio_net");
		state_limit(&s, LIMIT_BANDWIDTH, LIMIT_TX, "eth0", 160000000);
		steps(&s, rows[i].at, 2000000, 2000);
		steps(&s, rows[i].below, 1000000, 1000);
		steps(&s, rows[i].above, 9000000, 9000);
		if (rows[i].losing)
			retransmissions(&s);
		f = found(&s, "cloud-bw-allowance");
		assert_int_equal(f != NULL, rows[i].note);
		if (f) {
			assert_int_equal(f->severity, SEVERITY_INFO);
			/* Only that the rest of this scene is not examined. */
			assert_int_equal(s.d.verdict, NOT_EXAMINED_VERDICT);
		} else {
			assert_true(cleared(&s, "cloud-bw-allowance"));
		}
		scene_done(&s);
	}
}

/* A burst of 0.3 s reaches the limit; the average of the 5 seconds is 7 % of it. */
static void bursts_count_by_steps(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s, "virtio_net");
	state_limit(&s, LIMIT_BANDWIDTH, LIMIT_TX, "eth0", 2400000000);
	steps(&s, 3, 30000000, 20000);
	steps(&s, 47, 1000, 10);
	retransmissions(&s);
	f = found(&s, "cloud-bw-allowance");
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	scene_done(&s);
}

/* Two cards share a limit of the instance: neither reaches it alone. The numbers name both. */
static void the_whole_instance(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s, "virtio_net");
	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &s.o->b : &s.o->a;
		struct link *l = vec_push(&at->links);

		*l = at->links.items[0];
		l->ifindex = CARD + 1;
		snprintf(l->name, sizeof(l->name), "eth1");
	}
	state_limit(&s, LIMIT_BANDWIDTH, LIMIT_TX, "", 320000000);
	for (uint32_t at = 100; at <= 5000; at += 100)
		for (unsigned int card = CARD; card <= CARD + 1; card++)
			*vec_push(&s.o->rates) = (struct rate){.ifindex = card,
							       .at_ms = at,
							       .span_us = 100000,
							       .tx_bytes = 2000000};
	retransmissions(&s);
	f = found(&s, "cloud-bw-allowance");
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	vec_each(r, &f->remedies) {
		if (strcmp(r->id, "more-from-provider") != 0)
			continue;
		assert_non_null(strstr(r->why, "eth0: received 160 Mbit/s on average"));
		assert_non_null(strstr(r->why, "eth1: "));
	}
	assert_int_equal(f->remedies.n, 1);
	scene_done(&s);
}

/* A container sends again; the cards that stand at the limit are in the host's namespace. */
static void cards_of_another_namespace(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s, "virtio_net");
	steps(&s, 50, 2000000, 2000);
	vec_push(&s.d.observations);
	s.o = &s.d.observations.items[1];
	s.o->seconds = 5;
	s.o->inode = 8;
	for (int i = 0; i < 2; i++) {
		struct snapshot *at = i ? &s.o->b : &s.o->a;
		struct link *l = vec_push(&at->links);

		l->ifindex = 7;
		snprintf(l->name, sizeof(l->name), "eth0");
		snprintf(l->kind, sizeof(l->kind), "veth");
		at->source[SRC_LINK].status = SOURCE_OK;
		at->source[SRC_SNMP].status = at->source[SRC_NETSTAT].status = SOURCE_OK;
	}
	state_limit(&s, LIMIT_BANDWIDTH, LIMIT_TX, "", 160000000);
	retransmissions(&s);
	diagnose(&s.d);
	f = s.d.findings.items;
	assert_true(s.d.findings.n >= 1);
	assert_string_equal(f->cause->id, "cloud-bw-allowance");
	assert_ptr_equal(f->where, &s.d.observations.items[1]);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_int_equal(f->lost, 500);
	scene_done(&s);
}

static void sessions_by_sockets_are_a_lower_bound(void **state)
{
	const struct finding *f;
	struct scene s;

	(void)state;
	scene_init(&s, "virtio_net");
	state_limit(&s, LIMIT_CONNECTIONS, LIMIT_EACH, "", 1000);
	counter(&s, C_TCP_CURR_ESTAB, 500, 600);
	counter(&s, C_SOCKSTAT_TCP_TW, 300, 320);
	f = found(&s, "cloud-conntrack-allowance");
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_int_equal(f->state, AT_RISK);
	assert_int_equal(f->confidence, POSSIBLE);
	assert_non_null(strstr(f->headline, "at least 920 of 1000"));
	scene_done(&s);

	/* More than there may be, and nobody refused: the limit is another. */
	scene_init(&s, "virtio_net");
	state_limit(&s, LIMIT_CONNECTIONS, LIMIT_EACH, "", 500);
	counter(&s, C_TCP_CURR_ESTAB, 900, 900);
	assert_int_equal(found(&s, "cloud-conntrack-allowance")->severity, SEVERITY_INFO);
	scene_done(&s);
}

/* ---- /proc/net/dev, and what is kept of it ---- */

static const char net_dev[] =
	"Inter-|   Receive                                                |  Transmit\n"
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
	"drop fifo colls carrier compressed\n"
	"    lo:     200       2    0    0    0     0          0         0      200       2    0    0 "
	"   0     0       0          0\n"
	"  eth0: 1234567    1000    1    2    3     4          5         6 18446744073709551615    2000"
	"    0    0    0     0       0          0\n";

static void text_of_net_dev(void **state)
{
	struct buf text = {0};
	struct carried_list list = {0};

	(void)state;
	buf_puts(&text, net_dev);
	assert_int_equal(parse_net_dev(&text, &list), 0);
	assert_int_equal(list.list.n, 2);
	assert_string_equal(list.list.items[1].name, "eth0");
	assert_int_equal(list.list.items[1].rx_bytes, 1234567);
	assert_int_equal(list.list.items[1].rx_packets, 1000);
	assert_true(list.list.items[1].tx_bytes == UINT64_MAX);
	assert_int_equal(list.list.items[1].tx_packets, 2000);
	buf_done(&text);
	/* Cut within a line, a name that is too long, letters for numbers: no list, not a part. */
	for (int i = 0; i < 3; i++) {
		static const char *const wrong[] = {"  eth0: 1 2 3",
						    "x2345678901234567: 1 2 3 4 5 6 7 8 9 10 11 12\n",
						    "  eth0: a b c d e f g h i j k l m n o p\n"};

		buf_puts(&text, "a\nb\n");
		buf_puts(&text, wrong[i]);
		assert_int_equal(parse_net_dev(&text, &list), -EBADMSG);
		assert_int_equal(list.list.n, 2);
		buf_done(&text);
	}
	vec_done(&list.list);
}

static void rates_of_a_recording(void **state)
{
	static const struct {
		const char *text;
		int r;
		size_t n;
	} rows[] = {{"2 100 100020 1 2 3 4\n2 200 99000 5 6 7 8\n", 0, 2},
		    {"", 0, 0},
		    {"2 100 0 1 2 3 4\n", -EBADMSG, 0},
		    {"2 100 100020 1 2 3\n", -EBADMSG, 0},
		    {"2 100 5000000000 1 2 3 4\n", -EBADMSG, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct netns ns = {.inode = 7, .fd = -1};
		struct host h = {.ns = &ns, .phase = "b", .replay = true};
		struct observation o = {0};
		struct buf text = {0};

		h.recording = recording_new();
		buf_puts(&text, rows[i].text);
		recording_put(h.recording, "7/b/made/rates", 0, &text);
		assert_int_equal(rates_collect(&h, NULL, 0, &o), rows[i].r);
		assert_int_equal(o.rates.n, rows[i].n);
		if (o.rates.n == 2) {
			assert_int_equal(o.rates.items[1].at_ms, 200);
			assert_int_equal(o.rates.items[1].span_us, 99000);
			assert_int_equal(o.rates.items[1].tx_packets, 8);
		}
		buf_done(&text);
		observation_done(&o);
		recording_free(h.recording);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cloud_bw_allowance_by_ena),
		cmocka_unit_test(cloud_pps_allowance_by_ena),
		cmocka_unit_test(cloud_conntrack_allowance_by_ena),
		cmocka_unit_test(cloud_linklocal_dns_limit_by_ena),
		cmocka_unit_test(rate_limits_of_virtio),
		cmocka_unit_test(nothing_known_is_not_examined),
		cmocka_unit_test(at_the_limit_and_losing),
		cmocka_unit_test(near_misses),
		cmocka_unit_test(bursts_count_by_steps),
		cmocka_unit_test(the_whole_instance),
		cmocka_unit_test(cards_of_another_namespace),
		cmocka_unit_test(sessions_by_sockets_are_a_lower_bound),
		cmocka_unit_test(text_of_net_dev),
		cmocka_unit_test(rates_of_a_recording),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
