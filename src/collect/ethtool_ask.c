// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Network cards by generic netlink, family "ethtool" (since 5.6, pause and the rest 5.8, statistics
 * 5.13): the questions. ethtool_nl.c reads the answers.
 *
 * Scope: the devices of one network namespace; a dump leaves those out whose driver does not know
 * the question (EOPNOTSUPP), and ends at the first that fails otherwise: all of it is unknown then,
 * and is asked by ioctl. No privilege. Asking takes rtnl_lock and may talk to the card's firmware:
 * at both ends of the interval only.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/netlink.h>

#include "collect/ethtool.h"
#include "collect/genl.h"

static void put_header(struct buf *b, uint16_t type, uint32_t flags)
{
	size_t nest = genl_nest_open(b, type);

	genl_put_u32(b, ETHTOOL_A_HEADER_FLAGS, flags);
	genl_nest_close(b, nest);
}

/* Without a device: the names are the kernel's own. */
static int ask_feature_names(struct host *h, uint16_t family, struct feature_bits *ret)
{
	cleanup(buf_done) struct buf attributes = {0};
	cleanup(buf_done) struct buf answer = {0};
	size_t sets, set;
	int r;

	/* An empty header too: 6.18 answers EINVAL without one. */
	put_header(&attributes, ETHTOOL_A_STRSET_HEADER, 0);
	sets = genl_nest_open(&attributes, ETHTOOL_A_STRSET_STRINGSETS);
	set = genl_nest_open(&attributes, ETHTOOL_A_STRINGSETS_STRINGSET);
	genl_put_u32(&attributes, ETHTOOL_A_STRINGSET_ID, ETH_SS_FEATURES);
	genl_nest_close(&attributes, set);
	genl_nest_close(&attributes, sets);
	r = genl_request(h, "ethtool-feature-names", family, ETHTOOL_MSG_STRSET_GET, 0, &attributes,
			 &answer);
	return r < 0 ? r : parse_ethtool_feature_names(&answer, ret);
}

static int ask_features(struct host *h, uint16_t family, struct snapshot *s)
{
	cleanup(buf_done) struct buf attributes = {0};
	cleanup(buf_done) struct buf answer = {0};
	struct feature_bits bits;
	int r = ask_feature_names(h, family, &bits);

	if (r < 0)
		return r;
	put_header(&attributes, ETHTOOL_A_FEATURES_HEADER, ETHTOOL_FLAG_COMPACT_BITSETS);
	r = genl_request(h, "ethtool-features", family, ETHTOOL_MSG_FEATURES_GET, NLM_F_DUMP,
			 &attributes, &answer);
	return r < 0 ? r : parse_ethtool_features(&answer, &bits, s);
}

static int ask_groups(struct host *h, uint16_t family, struct snapshot *s)
{
	const uint32_t groups = (1U << __ETHTOOL_STATS_CNT) - 1;
	cleanup(buf_done) struct buf attributes = {0};
	cleanup(buf_done) struct buf answer = {0};
	size_t set;
	int r;

	put_header(&attributes, ETHTOOL_A_STATS_HEADER, 0);
	set = genl_nest_open(&attributes, ETHTOOL_A_STATS_GROUPS);
	genl_put(&attributes, ETHTOOL_A_BITSET_NOMASK, NULL, 0);
	genl_put_u32(&attributes, ETHTOOL_A_BITSET_SIZE, __ETHTOOL_STATS_CNT);
	genl_put_u32(&attributes, ETHTOOL_A_BITSET_VALUE, groups);
	genl_nest_close(&attributes, set);
	r = genl_request(h, "ethtool-groups", family, ETHTOOL_MSG_STATS_GET, NLM_F_DUMP,
			 &attributes, &answer);
	return r < 0 ? r : parse_ethtool_groups(&answer, s);
}

static const struct question {
	const char *entry;
	uint8_t command;
	uint32_t flags;
	int (*parse)(const struct buf *answer, struct snapshot *s);
	bool counts; /* something is compared with the first end */
} questions[] = {
	{"ethtool-rings", ETHTOOL_MSG_RINGS_GET, 0, parse_ethtool_rings, false},
	{"ethtool-channels", ETHTOOL_MSG_CHANNELS_GET, 0, parse_ethtool_channels, false},
	{"ethtool-coalesce", ETHTOOL_MSG_COALESCE_GET, 0, parse_ethtool_coalesce, false},
	{"ethtool-pause", ETHTOOL_MSG_PAUSE_GET, ETHTOOL_FLAG_STATS, parse_ethtool_pause, true},
	{"ethtool-linkstate", ETHTOOL_MSG_LINKSTATE_GET, 0, parse_ethtool_linkstate, true},
	{"ethtool-linkmodes", ETHTOOL_MSG_LINKMODES_GET, ETHTOOL_FLAG_COMPACT_BITSETS,
	 parse_ethtool_linkmodes, false},
};

static int ask(struct host *h, uint16_t family, const struct question *q, struct snapshot *s)
{
	cleanup(buf_done) struct buf attributes = {0};
	cleanup(buf_done) struct buf answer = {0};
	int r;

	/* Their headers are all attribute 1. */
	put_header(&attributes, ETHTOOL_A_RINGS_HEADER, q->flags);
	r = genl_request(h, q->entry, family, q->command, NLM_F_DUMP, &attributes, &answer);
	return r < 0 ? r : q->parse(&answer, s);
}

int ethtool_netlink(struct host *h, struct snapshot *s)
{
	uint16_t family;
	int r = genl_family(h, ETHTOOL_GENL_NAME, &family);

	/* Without the family (CONFIG_ETHTOOL_NETLINK) there is the ioctl. */
	if (r < 0)
		return r == -EBADMSG ? r : 0;
	/* Counters first: close to those of the links. */
	if (ask_groups(h, family, s) == -EBADMSG)
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		if ((questions[i].counts || !host_is_first(h)) &&
		    ask(h, family, &questions[i], s) == -EBADMSG)
			return -EBADMSG;
	if (host_is_first(h))
		return 0;
	return ask_features(h, family, s) == -EBADMSG ? -EBADMSG : 0;
}
