// SPDX-License-Identifier: GPL-2.0-or-later
/* net/ethtool/{netlink,rings,channels,coalesce,pause,features,bitset}.c */
#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "nl/nl.h"
#include "remedy/ask.h"
#include "remedy/ethtool.h"

#define ATTRS_MAX 32 /* more than any of these answers has */

/*
 * All families are asked for: for one that it does not know by name the kernel would look for a
 * module (net/netlink/genetlink.c ctrl_getfamily).
 */
static int family(uint16_t *ret)
{
	struct genlmsghdr control = {.cmd = CTRL_CMD_GETFAMILY, .version = 1};
	cleanup(buf_done) struct buf answer = {0};
	ask_message *m = ask_new(GENL_ID_CTRL, NLM_F_DUMP, &control, sizeof(control));
	int r = ask(NETLINK_GENERIC, m, &answer);

	if (r < 0)
		return r;
	nl_each (told, &answer) {
		struct nlattr *t[CTRL_ATTR_MAX + 1];

		if (nl_parse(told.h, sizeof(control), t, CTRL_ATTR_MAX, NULL) < 0)
			return -EBADMSG;
		if (!t[CTRL_ATTR_FAMILY_ID] || !t[CTRL_ATTR_FAMILY_NAME] ||
		    nla_strcmp(t[CTRL_ATTR_FAMILY_NAME], ETHTOOL_GENL_NAME) != 0)
			continue;
		*ret = nla_get_u16(t[CTRL_ATTR_FAMILY_ID]);
		return *ret < NLMSG_MIN_TYPE ? -EBADMSG : 0;
	}
	return -ENOENT;
}

/* The header is attribute 1 of each of these requests. */
static int begin(const char *device, uint8_t command, struct nl_msg **ret)
{
	struct genlmsghdr g = {.cmd = command, .version = ETHTOOL_GENL_VERSION};
	struct nlattr *header;
	uint16_t id;
	int r = if_nametoindex(device) ? family(&id) : -ENODEV;

	if (r < 0)
		return r;
	*ret = ask_new(id, 0, &g, sizeof(g));
	header = nla_nest_start(*ret, NLA_F_NESTED | ETHTOOL_A_FEATURES_HEADER);
	nla_put_string(*ret, ETHTOOL_A_HEADER_DEV_NAME, device);
	/* The acknowledgement is enough. */
	nla_put_u32(*ret, ETHTOOL_A_HEADER_FLAGS, ETHTOOL_FLAG_OMIT_REPLY);
	nla_nest_end(*ret, header);
	return 0;
}

/* One answer; its attributes stay in *answer. */
static int get(const char *device, uint8_t command, struct buf *answer, struct nlattr **table)
{
	ask_message *m = NULL;
	int r = begin(device, command, &m);

	if (r == 0)
		r = ask(NETLINK_GENERIC, m, answer);
	if (r < 0)
		return r;
	nl_each (told, answer)
		return nl_parse(told.h, sizeof(struct genlmsghdr), table, ATTRS_MAX, NULL);
	return -EBADMSG;
}

int card_number_ask(const char *device, const struct card_number *c, uint32_t *ret)
{
	cleanup(buf_done) struct buf answer = {0};
	struct nlattr *table[ATTRS_MAX + 1], *a;
	int r = get(device, c->get, &answer, table);

	if (r < 0)
		return r;
	a = table[c->attribute];
	if (!a)
		return -EOPNOTSUPP;
	if (nla_len(a) < (c->is_switch ? 1 : 4))
		return -EBADMSG;
	*ret = c->is_switch ? nla_get_u8(a) : nla_get_u32(a);
	return 0;
}

int card_number_set(const char *device, const struct card_number *c, uint32_t value)
{
	ask_message *m = NULL;
	int r = begin(device, c->set, &m);

	if (r < 0)
		return r;
	if (c->is_switch)
		nla_put_u8(m, c->attribute, value != 0);
	else
		nla_put_u32(m, c->attribute, value);
	return ask(NETLINK_GENERIC, m, NULL);
}

/* ---- features: sets of bits by name ---- */

/* Whether the bit is listed there at all, and set. */
static int find_bit(struct nlattr *set, const char *name, bool *ret_listed, bool *ret_set)
{
	struct nlattr *table[ETHTOOL_A_BITSET_MAX + 1], *bit;
	int left;

	*ret_listed = *ret_set = false;
	if (!set || nla_parse_nested(table, ETHTOOL_A_BITSET_MAX, set, NULL) < 0)
		return -EBADMSG;
	if (!table[ETHTOOL_A_BITSET_BITS])
		return 0;
	nla_for_each_nested(bit, table[ETHTOOL_A_BITSET_BITS], left) {
		struct nlattr *b[ETHTOOL_A_BITSET_BIT_MAX + 1];

		if (nla_parse_nested(b, ETHTOOL_A_BITSET_BIT_MAX, bit, NULL) < 0)
			return -EBADMSG;
		if (!b[ETHTOOL_A_BITSET_BIT_NAME] || nla_strcmp(b[ETHTOOL_A_BITSET_BIT_NAME], name) != 0)
			continue;
		*ret_listed = true;
		/* A list without a mask names only what is set. */
		*ret_set = b[ETHTOOL_A_BITSET_BIT_VALUE] || table[ETHTOOL_A_BITSET_NOMASK];
		return 0;
	}
	return 0;
}

int card_feature_ask(const char *device, const char *name, bool *ret)
{
	cleanup(buf_done) struct buf answer = {0};
	struct nlattr *table[ATTRS_MAX + 1];
	bool known, changeable, on, listed;
	int r = get(device, ETHTOOL_MSG_FEATURES_GET, &answer, table);

	if (r == 0)
		r = find_bit(table[ETHTOOL_A_FEATURES_HW], name, &known, &changeable);
	if (r == 0)
		r = find_bit(table[ETHTOOL_A_FEATURES_ACTIVE], name, &listed, &on);
	if (r < 0)
		return r;
	if (!known)
		return -EOPNOTSUPP;
	*ret = on;
	return 0;
}

int card_feature_set(const char *device, const char *name, bool on)
{
	struct nlattr *wanted, *bits, *bit;
	ask_message *m = NULL;
	bool now;
	int r = begin(device, ETHTOOL_MSG_FEATURES_SET, &m);

	if (r < 0)
		return r;
	wanted = nla_nest_start(m, NLA_F_NESTED | ETHTOOL_A_FEATURES_WANTED);
	bits = nla_nest_start(m, NLA_F_NESTED | ETHTOOL_A_BITSET_BITS);
	bit = nla_nest_start(m, NLA_F_NESTED | ETHTOOL_A_BITSET_BITS_BIT);
	nla_put_string(m, ETHTOOL_A_BITSET_BIT_NAME, name);
	if (on)
		nla_put_flag(m, ETHTOOL_A_BITSET_BIT_VALUE);
	nla_nest_end(m, bit);
	nla_nest_end(m, bits);
	nla_nest_end(m, wanted);
	r = ask(NETLINK_GENERIC, m, NULL);
	/* What is fixed, or needs another feature, the kernel passes over and says nothing. */
	if (r == 0)
		r = card_feature_ask(device, name, &now);
	return r < 0 ? r : now == on ? 0 : -EOPNOTSUPP;
}
