/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host with network cards, played: what rtnetlink, the ethtool netlink family and SIOCETHTOOL
 * say of them is put together as the kernel does (6.12: net/core/rtnetlink.c rtnl_fill_ifinfo,
 * the files of net/ethtool) and read by the real collectors.
 */
#ifndef WHYDROP_TEST_NIC_HOST_H
#define WHYDROP_TEST_NIC_HOST_H

#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>

#include "collect/collect.h"
#include "collect/genl.h"
#include "collect/recording.h"
#include "model/observation.h"

#define CARD_STATS 16
#define CARD_FAMILY 0x15 /* what GENL gave the family "ethtool" */

struct card {
	unsigned int ifindex;
	const char *name, *driver, *kind; /* kind NULL: hardware */
	unsigned int flags, carrier_changes, carrier_downs;
	uint64_t link[LINK_STATS];
	struct {
		const char *name;
		uint64_t value;
	} stats[CARD_STATS];
	/* Link: speed 0: the driver does not answer. Modes are the first 64 bits. */
	uint32_t speed;
	uint8_t duplex, autoneg;
	uint64_t supported, advertised, peer;
	uint32_t rx, rx_max, tx, tx_max; /* rx_max 0: not answered */
	uint32_t combined, combined_max;
	uint32_t rx_usecs; /* 0: not answered */
	uint8_t adaptive;
	/* Pause: how it is set, and the standard statistics; false: not answered. */
	bool pause;
	uint8_t pause_rx, pause_tx;
	uint64_t pause_rx_frames, pause_tx_frames;
	uint64_t fcs_errors; /* eth-mac group; 0: not counted */
};

/* ---- messages ---- */

static inline size_t message_open(struct buf *b, uint16_t type, const void *header, size_t n)
{
	struct nlmsghdr h = {.nlmsg_type = type, .nlmsg_flags = NLM_F_MULTI};
	size_t at = b->len;

	buf_add(b, &h, sizeof(h));
	buf_add(b, header, n);
	while (b->len % NLMSG_ALIGNTO)
		buf_add(b, "", 1);
	return at;
}

static inline void message_close(struct buf *b, size_t at)
{
	uint32_t length = (uint32_t)(b->len - at);

	memcpy(b->data + at, &length, sizeof(length));
}

static inline void message_end(struct buf *b)
{
	int32_t zero = 0;
	size_t at = message_open(b, NLMSG_DONE, &zero, sizeof(zero));

	message_close(b, at);
}

static inline size_t genl_open(struct buf *b, uint16_t family, uint8_t command)
{
	struct genlmsghdr g = {.cmd = command, .version = 1};

	return message_open(b, family, &g, sizeof(g));
}

/* An answer of the ethtool family about one card, header put in. */
static inline size_t card_open(struct buf *b, const struct card *c, uint8_t reply, uint16_t header)
{
	size_t at = genl_open(b, CARD_FAMILY, reply), nest = genl_nest_open(b, header);

	genl_put_u32(b, ETHTOOL_A_HEADER_DEV_INDEX, c->ifindex);
	genl_put(b, ETHTOOL_A_HEADER_DEV_NAME, c->name, strlen(c->name) + 1);
	genl_nest_close(b, nest);
	return at;
}

static inline void put_bits(struct buf *b, uint16_t type, uint64_t value, const uint64_t *mask)
{
	size_t nest = genl_nest_open(b, type);

	if (!mask)
		genl_put(b, ETHTOOL_A_BITSET_NOMASK, NULL, 0);
	genl_put_u32(b, ETHTOOL_A_BITSET_SIZE, 64);
	genl_put(b, ETHTOOL_A_BITSET_VALUE, &value, sizeof(value));
	if (mask)
		genl_put(b, ETHTOOL_A_BITSET_MASK, mask, sizeof(*mask));
	genl_nest_close(b, nest);
}

static inline void put_u8(struct buf *b, uint16_t type, uint8_t value)
{
	genl_put(b, type, &value, sizeof(value));
}

/* ---- entries ---- */

static inline void keep_entry(struct recording *r, const char *phase, const char *kind,
			      const char *name, int err, struct buf *data)
{
	char entry[128];

	snprintf(entry, sizeof(entry), "1/%s/%s%s", phase, kind, name);
	recording_put(r, entry, err, err ? NULL : data);
	buf_done(data);
}

static inline void keep_families(struct recording *r, const char *phase)
{
	const uint16_t id = CARD_FAMILY;
	struct buf b = {0};
	size_t at = genl_open(&b, GENL_ID_CTRL, CTRL_CMD_NEWFAMILY);

	genl_put(&b, CTRL_ATTR_FAMILY_NAME, "ethtool", sizeof("ethtool"));
	genl_put(&b, CTRL_ATTR_FAMILY_ID, &id, sizeof(id));
	message_close(&b, at);
	message_end(&b);
	keep_entry(r, phase, "nl/", "genl-families", 0, &b);
}

static inline void keep_links(struct recording *r, const char *phase, const struct card *cards,
			      size_t n)
{
	struct buf b = {0};

	for (size_t i = 0; i < n; i++) {
		struct ifinfomsg m = {.ifi_index = (int)cards[i].ifindex,
				      .ifi_flags = cards[i].flags ? cards[i].flags : IFF_UP};
		size_t at = message_open(&b, RTM_NEWLINK, &m, sizeof(m)), nest;

		genl_put(&b, IFLA_IFNAME, cards[i].name, strlen(cards[i].name) + 1);
		genl_put_u32(&b, IFLA_MTU, 1500);
		genl_put_u32(&b, IFLA_TXQLEN, 1000);
		genl_put_u32(&b, IFLA_CARRIER_CHANGES, cards[i].carrier_changes);
		genl_put_u32(&b, IFLA_CARRIER_DOWN_COUNT, cards[i].carrier_downs);
		genl_put(&b, IFLA_STATS64, cards[i].link, sizeof(cards[i].link));
		if (cards[i].kind) {
			nest = genl_nest_open(&b, IFLA_LINKINFO);
			genl_put(&b, IFLA_INFO_KIND, cards[i].kind, strlen(cards[i].kind) + 1);
			genl_nest_close(&b, nest);
		}
		message_close(&b, at);
	}
	message_end(&b);
	keep_entry(r, phase, "nl/", "links", 0, &b);
}

static inline void keep_linkmodes(struct recording *r, const char *phase, const struct card *cards,
				  size_t n)
{
	struct buf b = {0};

	for (size_t i = 0; i < n; i++) {
		size_t at;

		if (!cards[i].speed)
			continue;
		at = card_open(&b, &cards[i], ETHTOOL_MSG_LINKMODES_GET_REPLY,
			       ETHTOOL_A_LINKMODES_HEADER);
		put_u8(&b, ETHTOOL_A_LINKMODES_AUTONEG, cards[i].autoneg);
		put_bits(&b, ETHTOOL_A_LINKMODES_OURS, cards[i].advertised, &cards[i].supported);
		if (cards[i].peer)
			put_bits(&b, ETHTOOL_A_LINKMODES_PEER, cards[i].peer, NULL);
		genl_put_u32(&b, ETHTOOL_A_LINKMODES_SPEED, cards[i].speed);
		put_u8(&b, ETHTOOL_A_LINKMODES_DUPLEX, cards[i].duplex);
		message_close(&b, at);
	}
	message_end(&b);
	keep_entry(r, phase, "nl/", "ethtool-linkmodes", 0, &b);
}

static inline void keep_rings(struct recording *r, const char *phase, const struct card *cards,
			      size_t n)
{
	struct buf b = {0};

	for (size_t i = 0; i < n; i++) {
		size_t at;

		if (!cards[i].rx_max)
			continue;
		at = card_open(&b, &cards[i], ETHTOOL_MSG_RINGS_GET_REPLY, ETHTOOL_A_RINGS_HEADER);
		genl_put_u32(&b, ETHTOOL_A_RINGS_RX_MAX, cards[i].rx_max);
		genl_put_u32(&b, ETHTOOL_A_RINGS_TX_MAX, cards[i].tx_max);
		genl_put_u32(&b, ETHTOOL_A_RINGS_RX, cards[i].rx);
		genl_put_u32(&b, ETHTOOL_A_RINGS_TX, cards[i].tx);
		message_close(&b, at);
	}
	message_end(&b);
	keep_entry(r, phase, "nl/", "ethtool-rings", 0, &b);
}

static inline void keep_channels(struct recording *r, const char *phase, const struct card *cards,
				 size_t n)
{
	struct buf b = {0};

	for (size_t i = 0; i < n; i++) {
		size_t at;

		if (!cards[i].combined_max)
			continue;
		at = card_open(&b, &cards[i], ETHTOOL_MSG_CHANNELS_GET_REPLY,
			       ETHTOOL_A_CHANNELS_HEADER);
		genl_put_u32(&b, ETHTOOL_A_CHANNELS_COMBINED_MAX, cards[i].combined_max);
		genl_put_u32(&b, ETHTOOL_A_CHANNELS_COMBINED_COUNT, cards[i].combined);
		message_close(&b, at);
	}
	message_end(&b);
	keep_entry(r, phase, "nl/", "ethtool-channels", 0, &b);
}

static inline void keep_pause(struct recording *r, const char *phase, const struct card *cards,
			      size_t n)
{
	struct buf b = {0};

	for (size_t i = 0; i < n; i++) {
		size_t at, nest;

		if (!cards[i].pause)
			continue;
		at = card_open(&b, &cards[i], ETHTOOL_MSG_PAUSE_GET_REPLY, ETHTOOL_A_PAUSE_HEADER);
		put_u8(&b, ETHTOOL_A_PAUSE_AUTONEG, 1);
		put_u8(&b, ETHTOOL_A_PAUSE_RX, cards[i].pause_rx);
		put_u8(&b, ETHTOOL_A_PAUSE_TX, cards[i].pause_tx);
		nest = genl_nest_open(&b, ETHTOOL_A_PAUSE_STATS);
		genl_put(&b, ETHTOOL_A_PAUSE_STAT_RX_FRAMES, &cards[i].pause_rx_frames, 8);
		genl_put(&b, ETHTOOL_A_PAUSE_STAT_TX_FRAMES, &cards[i].pause_tx_frames, 8);
		genl_nest_close(&b, nest);
		message_close(&b, at);
	}
	message_end(&b);
	keep_entry(r, phase, "nl/", "ethtool-pause", 0, &b);
}

static inline void keep_coalesce(struct recording *r, const char *phase, const struct card *cards,
				 size_t n)
{
	struct buf b = {0};

	for (size_t i = 0; i < n; i++) {
		size_t at;

		if (!cards[i].rx_usecs)
			continue;
		at = card_open(&b, &cards[i], ETHTOOL_MSG_COALESCE_GET_REPLY,
			       ETHTOOL_A_COALESCE_HEADER);
		genl_put_u32(&b, ETHTOOL_A_COALESCE_RX_USECS, cards[i].rx_usecs);
		put_u8(&b, ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, cards[i].adaptive);
		message_close(&b, at);
	}
	message_end(&b);
	keep_entry(r, phase, "nl/", "ethtool-coalesce", 0, &b);
}

static inline void keep_groups(struct recording *r, const char *phase, const struct card *cards,
			       size_t n)
{
	struct buf b = {0};

	for (size_t i = 0; i < n; i++) {
		size_t at, group, stat;

		if (!cards[i].fcs_errors)
			continue;
		at = card_open(&b, &cards[i], ETHTOOL_MSG_STATS_GET_REPLY, ETHTOOL_A_STATS_HEADER);
		group = genl_nest_open(&b, ETHTOOL_A_STATS_GRP);
		genl_put_u32(&b, ETHTOOL_A_STATS_GRP_ID, ETHTOOL_STATS_ETH_MAC);
		stat = genl_nest_open(&b, ETHTOOL_A_STATS_GRP_STAT);
		genl_put(&b, ETHTOOL_A_STATS_ETH_MAC_6_FCS_ERR, &cards[i].fcs_errors, 8);
		genl_nest_close(&b, stat);
		genl_nest_close(&b, group);
		message_close(&b, at);
	}
	message_end(&b);
	keep_entry(r, phase, "nl/", "ethtool-groups", 0, &b);
}

static inline void keep_card_entry(struct recording *r, const char *phase, const struct card *c,
				   const char *what, int err, struct buf *data)
{
	char name[32];

	snprintf(name, sizeof(name), "%u-%s", c->ifindex, what);
	keep_entry(r, phase, "ethtool/", name, err, data);
}

static inline void keep_driver(struct recording *r, const char *phase, const struct card *c)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct buf b = {0};

	snprintf(info.driver, sizeof(info.driver), "%s", c->driver);
	snprintf(info.bus_info, sizeof(info.bus_info), "0000:00:03.0");
	buf_add(&b, &info, sizeof(info));
	keep_card_entry(r, phase, c, "driver", 0, &b);
}

static inline void keep_stats(struct recording *r, const char *phase, const struct card *c)
{
	struct {
		struct ethtool_sset_info info;
		uint32_t count;
	} sset = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_STATS}};
	struct ethtool_gstrings strings = {.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_STATS};
	struct ethtool_stats stats = {.cmd = ETHTOOL_GSTATS};
	struct buf count = {0}, names = {0}, values = {0};
	uint32_t n = 0;

	while (n < CARD_STATS && c->stats[n].name)
		n++;
	sset.count = strings.len = stats.n_stats = n;
	buf_add(&count, &sset, sizeof(sset));
	buf_add(&names, &strings, sizeof(strings));
	buf_add(&values, &stats, sizeof(stats));
	for (uint32_t i = 0; i < n; i++) {
		char name[ETH_GSTRING_LEN] = {0};

		/* A name of the full length has no NUL. */
		memcpy(name, c->stats[i].name, strnlen(c->stats[i].name, sizeof(name)));
		buf_add(&names, name, sizeof(name));
		buf_add(&values, &c->stats[i].value, sizeof(c->stats[i].value));
	}
	keep_card_entry(r, phase, c, "stat-count", 0, &count);
	keep_card_entry(r, phase, c, "stat-names", 0, &names);
	keep_card_entry(r, phase, c, "stats", 0, &values);
}

/* Everything a kernel says of these cards at one phase; what is kept already stays. */
static inline void keep_cards(struct recording *r, const char *phase, const struct card *cards,
			      size_t n)
{
	keep_families(r, phase);
	keep_links(r, phase, cards, n);
	keep_linkmodes(r, phase, cards, n);
	keep_rings(r, phase, cards, n);
	keep_channels(r, phase, cards, n);
	keep_pause(r, phase, cards, n);
	keep_coalesce(r, phase, cards, n);
	keep_groups(r, phase, cards, n);
	for (size_t i = 0; i < n; i++) {
		keep_driver(r, phase, &cards[i]);
		keep_stats(r, phase, &cards[i]);
	}
}

static inline void replay_phase(struct recording *r, const char *phase, struct snapshot *ret)
{
	struct netns ns = {.inode = 1, .fd = -1};
	struct host h = {.ns = &ns, .recording = r, .replay = true};

	snprintf(h.phase, sizeof(h.phase), "%s", phase);
	collect_snapshot(&h,
			 SOURCE_BIT(SRC_LINK) | SOURCE_BIT(SRC_ETHTOOL) | SOURCE_BIT(SRC_QSTATS),
			 ret);
}

/* Both ends of an observation of 5 s, through the collectors. */
static inline void observe_cards(const struct card *before, const struct card *after, size_t n,
				 struct observation *ret)
{
	struct recording *r = recording_new();

	*ret = (struct observation){.inode = 1, .seconds = 5};
	keep_cards(r, "a", before, n);
	keep_cards(r, "b", after, n);
	replay_phase(r, "a", &ret->a);
	replay_phase(r, "b", &ret->b);
	recording_free(r);
}

#endif
