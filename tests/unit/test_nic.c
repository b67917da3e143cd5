// SPDX-License-Identifier: GPL-2.0-or-later
/* Network cards: what their drivers answer, and what they answer wrongly. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "nic_host.h"

#include "collect/ethtool.h"
#include "scrub/scrub.h"

/* include/uapi/linux/ethtool.h ETHTOOL_LINK_MODE_*_BIT */
#define M10_HALF (1ULL << 0)
#define M100_FULL (1ULL << 3)
#define M1000_FULL (1ULL << 5)
#define M10000_FULL (1ULL << 12)

static const struct card igb = {
	.ifindex = 2,
	.name = "eth0",
	.driver = "igb",
	.stats = {{"rx_crc_errors", 3},
		  {"   rx_queue_0_drops", 7},
		  {"0123456789012345678901234567890123", 9}},
	.speed = 1000,
	.duplex = DUPLEX_FULL,
	.autoneg = 1,
	.supported = M10_HALF | M100_FULL | M1000_FULL | M10000_FULL,
	.advertised = M100_FULL | M1000_FULL | M10000_FULL,
	.peer = M10_HALF | M100_FULL | M1000_FULL,
	.rx = 256,
	.rx_max = 4096,
	.tx = 256,
	.tx_max = 4096,
	.combined = 2,
	.combined_max = 8,
	.fcs_errors = 3,
};

static void answers_are_taken(void **state)
{
	struct recording *r = recording_new();
	struct snapshot s = {0};
	const struct nic *n;

	(void)state;
	keep_cards(r, "b", &igb, 1);
	replay_phase(r, "b", &s);
	assert_int_equal(s.source[SRC_ETHTOOL].status, SOURCE_OK);
	assert_int_equal(s.nics.n, 1);
	n = &s.nics.items[0];
	assert_string_equal(n->driver, "igb");
	assert_string_equal(n->bus, "0000:00:03.0");
	assert_int_equal(n->speed, 1000);
	assert_int_equal(n->duplex, NIC_DUPLEX_FULL);
	assert_int_equal(n->autoneg, 1);
	assert_int_equal(n->detected, -1);
	assert_int_equal(n->supported.speed, 10000);
	assert_int_equal(n->peer.speed, 1000);
	assert_int_equal(n->common.speed, 1000);
	assert_true(n->common.full);
	assert_true(n->rings.known);
	assert_int_equal(n->rings.rx_max, 4096);
	assert_int_equal(n->channels.combined_max, 8);
	assert_false(n->pause.known);
	assert_true(n->group_present[NG_FCS_ERRORS]);
	assert_int_equal(n->group[NG_FCS_ERRORS], 3);
	assert_int_equal(n->stats_err, 0);
	assert_int_equal(n->stats.n, 3);
	assert_string_equal(n->stats.items[1].name, "rx_queue_0_drops");
	assert_string_equal(n->stats.items[2].name, "01234567890123456789012345678901");
	assert_int_equal(n->stats.items[2].value, 9);
	/* The family "netdev" is not in the list. */
	assert_int_equal(s.source[SRC_QSTATS].status, SOURCE_ABSENT);
	assert_int_equal(s.source[SRC_QSTATS].err, -EOPNOTSUPP);
	snapshot_done(&s);
	recording_free(r);
}

/* The answer of an ioctl in place of the right one. */
static int stats_error(const char *what, const void *data, size_t size, int err)
{
	struct recording *r = recording_new();
	struct snapshot s = {0};
	struct buf b = {0};
	int ret;

	buf_add(&b, data, size);
	keep_card_entry(r, "b", &igb, what, err, &b);
	keep_cards(r, "b", &igb, 1);
	replay_phase(r, "b", &s);
	assert_int_equal(s.source[SRC_ETHTOOL].status, SOURCE_OK);
	assert_int_equal(s.nics.n, 1);
	assert_int_equal(s.nics.items[0].rings.rx, 256);
	ret = s.nics.items[0].stats_err;
	assert_true(ret == 0 || s.nics.items[0].stats.n == 0);
	snapshot_done(&s);
	recording_free(r);
	return ret;
}

static void nonsense_of_drivers(void **state)
{
	struct {
		struct ethtool_sset_info info;
		uint32_t count;
	} sset = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_STATS}};
	struct ethtool_gstrings names = {.cmd = ETHTOOL_GSTRINGS, .string_set = 1, .len = 4};
	struct ethtool_stats values = {.cmd = ETHTOOL_GSTATS, .n_stats = 2};

	(void)state;
	/* No counters, or none that it would tell. */
	assert_int_equal(stats_error("stat-count", &sset, sizeof(sset), 0), -EOPNOTSUPP);
	assert_int_equal(stats_error("stat-count", &sset, sizeof(sset), -EOPNOTSUPP), -EOPNOTSUPP);
	sset.count = UINT32_MAX;
	assert_int_equal(stats_error("stat-count", &sset, sizeof(sset), 0), -EMSGSIZE);
	assert_int_equal(stats_error("stat-count", &sset, 3, 0), -EBADMSG);
	assert_int_equal(stats_error("stat-count", &sset, 0, 0), -EBADMSG);
	sset.info.sset_mask = 0;
	assert_int_equal(stats_error("stat-count", &sset, sizeof(sset), 0), -EOPNOTSUPP);
	/* Other counts at the second and third call; fewer bytes than they promise. */
	assert_int_equal(stats_error("stat-names", &names, sizeof(names), 0), -EAGAIN);
	names.len = 3;
	assert_int_equal(stats_error("stat-names", &names, sizeof(names), 0), -EBADMSG);
	assert_int_equal(stats_error("stat-names", &names, 0, -EFAULT), -EFAULT);
	assert_int_equal(stats_error("stats", &values, sizeof(values), 0), -EAGAIN);
	values.n_stats = 3;
	assert_int_equal(stats_error("stats", &values, sizeof(values), 0), -EBADMSG);
	assert_int_equal(stats_error("driver", &values, sizeof(values), 0), 0);
}

/* Without the netlink family: the ioctls say the same. */
static void older_kernels_are_asked_by_ioctl(void **state)
{
	struct ethtool_ringparam ring = {.rx_pending = 256, .rx_max_pending = 4096};
	struct ethtool_channels channels = {.combined_count = 2, .max_combined = 8};
	struct ethtool_pauseparam pause = {.autoneg = 1, .rx_pause = 1};
	struct {
		struct ethtool_link_settings s;
		uint32_t modes[3][2];
	} link = {.s = {.speed = 1000,
			.duplex = DUPLEX_HALF,
			.autoneg = 1,
			.link_mode_masks_nwords = -2},
		  .modes = {{M10_HALF | M1000_FULL}, {M1000_FULL}, {M10_HALF}}};
	struct recording *r = recording_new();
	struct snapshot s = {0};
	struct buf b = {0};
	const struct nic *n;

	(void)state;
	keep_links(r, "b", &igb, 1);
	keep_driver(r, "b", &igb);
	buf_add(&b, &ring, sizeof(ring));
	keep_card_entry(r, "b", &igb, "rings", 0, &b);
	buf_add(&b, &channels, sizeof(channels));
	keep_card_entry(r, "b", &igb, "channels", 0, &b);
	buf_add(&b, &pause, sizeof(pause));
	keep_card_entry(r, "b", &igb, "pause", 0, &b);
	buf_add(&b, &link.s, sizeof(link.s));
	keep_card_entry(r, "b", &igb, "settings-size", 0, &b);
	buf_add(&b, &link, sizeof(link));
	keep_card_entry(r, "b", &igb, "settings", 0, &b);
	replay_phase(r, "b", &s);
	assert_int_equal(s.source[SRC_ETHTOOL].status, SOURCE_OK);
	n = &s.nics.items[0];
	assert_int_equal(n->rings.rx_max, 4096);
	assert_int_equal(n->channels.combined, 2);
	assert_true(n->pause.rx);
	assert_false(n->pause.tx);
	assert_int_equal(n->speed, 1000);
	assert_int_equal(n->duplex, NIC_DUPLEX_HALF);
	assert_int_equal(n->supported.speed, 1000);
	assert_int_equal(n->peer.speed, 10);
	assert_false(n->peer.full);
	assert_int_equal(n->common.speed, 0);
	assert_int_equal(n->stats_err, -ENODATA);
	snapshot_done(&s);
	recording_free(r);
}

/* Every answer cut at every length, and with every byte changed: an error or a value, no crash. */
static void damaged_answers(void **state)
{
	static const char *const entries[] = {"ethtool-linkmodes", "ethtool-rings",
					      "ethtool-channels", "ethtool-groups",
					      "genl-families"};
	struct recording *good = recording_new();

	(void)state;
	keep_cards(good, "b", &igb, 1);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		char entry[64];
		struct buf whole = {0};

		snprintf(entry, sizeof(entry), "1/b/nl/%s", entries[i]);
		assert_int_equal(recording_get(good, entry, &whole), 0);
		for (size_t at = 0; at < whole.len * 2; at++) {
			struct recording *r = recording_new();
			struct snapshot s = {0};
			struct buf b = {0};

			buf_add(&b, whole.data, at < whole.len ? at : whole.len);
			if (at >= whole.len)
				b.data[at - whole.len] ^= (char)0x81;
			recording_put(r, entry, 0, &b);
			keep_cards(r, "b", &igb, 1);
			replay_phase(r, "b", &s);
			if (at < whole.len)
				assert_int_equal(s.source[SRC_ETHTOOL].err, -EBADMSG);
			snapshot_done(&s);
			recording_free(r);
			buf_done(&b);
		}
		buf_done(&whole);
	}
	recording_free(good);
}

static void counters_that_change(void **state)
{
	struct card before = igb, after = igb;
	struct observation o;
	const struct nic *n;
	struct change c;

	(void)state;
	before.stats[0].value = UINT32_MAX - 2; /* kept in 32 bits */
	before.stats[1].value = 100;		/* reset */
	after.stats[2].name = "new";
	observe_cards(&before, &after, 1, &o);
	n = snapshot_nic(&o.b, 2);
	c = delta_nic_stat(&o, n, &n->stats.items[0]);
	assert_true(c.known);
	assert_int_equal(c.delta, 6);
	c = delta_nic_named(&o, n, "rx_queue_0_drops");
	assert_false(c.known);
	assert_true(c.reset);
	assert_false(delta_nic_named(&o, n, "new").known);
	assert_false(delta_nic_named(&o, n, "absent").known);
	assert_true(delta_nic_group(&o, n, NG_FCS_ERRORS).known);
	observation_done(&o);
	/* 3 billion and then nothing is no wrap. */
	before.stats[0].value = 3500000000;
	observe_cards(&before, &after, 1, &o);
	n = snapshot_nic(&o.b, 2);
	assert_true(delta_nic_stat(&o, n, &n->stats.items[0]).reset);
	observation_done(&o);
	/* Another driver has taken the place. */
	after.driver = "igc";
	observe_cards(&before, &after, 1, &o);
	n = snapshot_nic(&o.b, 2);
	assert_false(delta_nic_stat(&o, n, &n->stats.items[0]).known);
	observation_done(&o);
}

static void names_that_repeat(void **state)
{
	struct card before = {
		.ifindex = 3,
		.name = "ens192",
		.driver = "vmxnet3",
		.stats = {{"  pkts rx OOB", 5}, {"Tx Queue#", 0}, {"  pkts rx OOB", 50}}};
	struct card after = before;
	struct observation o;
	const struct nic *n;

	(void)state;
	after.stats[0].value = 6;
	after.stats[2].value = 52;
	observe_cards(&before, &after, 1, &o);
	n = snapshot_nic(&o.b, 3);
	assert_int_equal(delta_nic_stat(&o, n, &n->stats.items[2]).delta, 2);
	assert_int_equal(delta_nic_named(&o, n, "pkts rx OOB").delta, 3);
	observation_done(&o);
	/* A queue less before: the second of that name is new. */
	before.stats[2].name = NULL;
	observe_cards(&before, &after, 1, &o);
	n = snapshot_nic(&o.b, 3);
	assert_int_equal(delta_nic_stat(&o, n, &n->stats.items[0]).delta, 1);
	assert_false(delta_nic_stat(&o, n, &n->stats.items[2]).known);
	observation_done(&o);
}

static void names_have_meanings(void **state)
{
	static const struct {
		const char *driver, *name;
		enum nic_class class;
		const char *within;
	} cases[] = {
		{"mlx5_core", "rx_out_of_buffer", NIC_RING, "rx_missed_errors"},
		{"igb", "rx_missed_errors", NIC_RING, "rx_fifo_errors"},
		{"mlx5_core", "rx_prio3_buf_discard", NIC_PORT_BUFFER, "rx_discards_phy"},
		{"bnxt_en", "[12]: rx_discards", NIC_RING, "rx_total_ring_discards"},
		{"gve", "rx_no_buffers_posted[3]", NIC_RING, NULL},
		{"ena", "conntrack_allowance_exceeded", NIC_POLICY, NULL},
		{"igb", "rx_queue_11_drops", NIC_RING, "rx_fifo_errors"},
		{"ixgbe", "rx_no_dma_resources", NIC_RING, NULL},
		{"e1000", "rx_no_buffer_count", NIC_HARMLESS, NULL},
		{"e1000", "rx_long_length_errors", NIC_LENGTH, "rx_length_errors"},
		{"virtio_net", "rx0_drops", NIC_ALLOC, "rx_drops"},
		{"ena", "conntrack_allowance_available", NIC_HARMLESS, NULL},
		{"", "rx_missed_errors", NIC_PLAIN, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct nic_stat_row *row = nic_stat_row(cases[i].driver, cases[i].name);

		assert_int_equal(row ? row->class : NIC_PLAIN, cases[i].class);
		if (cases[i].within)
			assert_string_equal(row->within, cases[i].within);
		else
			assert_true(!row || !row->within);
	}
}

/* Each name that users are told to look at has a row, and that row its class. */
static void every_known_name_has_a_class(void **state)
{
	FILE *list = fopen(SOURCE_ROOT "/tests/fixtures/driver-counters.txt", "re");
	unsigned int names = 0;
	char line[160];

	(void)state;
	assert_non_null(list);
	while (fgets(line, sizeof(line), list)) {
		const struct nic_stat_row *row;
		char *at = line, *driver, *class, *name;

		if (line[0] == '#')
			continue;
		driver = strsep(&at, "\t");
		class = strsep(&at, "\t");
		name = strsep(&at, "\n");
		assert_non_null(name);
		row = nic_stat_row(driver, name);
		if (!row || strcmp(nic_class_name(row->class), class) != 0)
			fail_msg("%s %s is %s, not %s", driver, name,
				 row ? nic_class_name(row->class) : "in no row", class);
		names++;
	}
	fclose(list);
	assert_true(names > 250);
}

static void put_queue(struct buf *b, uint32_t ifindex, int queue, uint16_t attribute,
		      uint64_t value, size_t size)
{
	const uint16_t netdev_family = 0x16;
	size_t at = genl_open(b, netdev_family, 12);

	genl_put_u32(b, 1, ifindex);
	if (queue >= 0) {
		genl_put_u32(b, 2, 0);
		genl_put_u32(b, 3, (uint32_t)queue);
	}
	genl_put(b, attribute, &value, size);
	message_close(b, at);
}

/* net/core/netdev-genl.c netdev_nl_stats_write() of 6.12: four bytes where they are enough. */
static void queue_statistics(void **state)
{
	struct snapshot s = {0};
	struct buf b = {0};

	(void)state;
	put_queue(&b, 4, -1, 14, 1ULL << 40, 8);
	put_queue(&b, 4, 1, 14, 77, 4);
	message_end(&b);
	assert_int_equal(parse_qstats(&b, &s), 0);
	assert_int_equal(s.nic_queues.n, 2);
	assert_int_equal(s.nic_queues.items[0].queue, -1);
	assert_true(s.nic_queues.items[0].value[NQ_RX_HW_DROP_OVERRUNS] == 1ULL << 40);
	assert_int_equal(s.nic_queues.items[1].queue, 1);
	assert_false(s.nic_queues.items[1].tx);
	assert_int_equal(s.nic_queues.items[1].value[NQ_RX_HW_DROP_OVERRUNS], 77);
	assert_false(s.nic_queues.items[1].present[NQ_RX_HW_DROPS]);
	buf_done(&b);
	put_queue(&b, UINT32_MAX, -1, 14, 1, 4);
	message_end(&b);
	assert_int_equal(parse_qstats(&b, &s), -EBADMSG);
	buf_done(&b);
	snapshot_done(&s);
}

static void find_name(const char *name, struct buf *data, void *arg)
{
	bool *found = arg;

	for (size_t i = 0; i + 5 <= data->len; i++)
		*found |= memcmp(data->data + i, "acme0", 5) == 0;
	*found |= strstr(name, "acme0") != NULL;
}

static void a_scrubbed_card_is_the_same(void **state)
{
	struct recording *r = recording_new();
	struct snapshot before = {0}, after = {0};
	struct card card = igb;
	bool found = false;

	(void)state;
	card.name = "acme0";
	keep_cards(r, "b", &card, 1);
	replay_phase(r, "b", &before);
	assert_int_equal(recording_scrub(r), 0);
	replay_phase(r, "b", &after);
	recording_each(r, find_name, &found);
	assert_false(found);
	assert_int_equal(after.nics.n, 1);
	assert_string_equal(before.nics.items[0].bus, "0000:00:03.0");
	assert_string_equal(after.nics.items[0].bus, "");
	memset(before.nics.items[0].bus, 0, sizeof(before.nics.items[0].bus));
	assert_memory_equal(&before.nics.items[0], &after.nics.items[0],
			    offsetof(struct nic, stats));
	assert_int_equal(before.nics.items[0].stats.n, after.nics.items[0].stats.n);
	assert_memory_equal(before.nics.items[0].stats.items, after.nics.items[0].stats.items,
			    before.nics.items[0].stats.n * sizeof(struct nic_stat));
	snapshot_done(&before);
	snapshot_done(&after);
	recording_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_taken),
		cmocka_unit_test(nonsense_of_drivers),
		cmocka_unit_test(older_kernels_are_asked_by_ioctl),
		cmocka_unit_test(damaged_answers),
		cmocka_unit_test(counters_that_change),
		cmocka_unit_test(names_that_repeat),
		cmocka_unit_test(names_have_meanings),
		cmocka_unit_test(every_known_name_has_a_class),
		cmocka_unit_test(queue_statistics),
		cmocka_unit_test(a_scrubbed_card_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
