// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Netlink answers are built anew from what is known: the header of each message and the attributes
 * of these tables. What a table does not name (aliases, comments and user data
 * of rules, attributes of kernels to come) does not get through.
 */
#include "scrub/map.h"

#include <ctype.h>
#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/gen_stats.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/packet_diag.h>
#include <linux/netconf.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netlink/attr.h>
#include <sys/socket.h>

#include "nl/nl.h"

enum how {
	END, KEEP, ADDRESS, MAC, DEVICE, FIREWALL, NEST, QDISC_OPTIONS, LINK_INFO, EXPRESSIONS
};

struct attr_row {
	int type;
	enum how how;
	const struct attr_row *nested;
};

#define ROWS static const struct attr_row
ROWS xdp_rows[] = {{IFLA_XDP_ATTACHED, KEEP, NULL}, {IFLA_XDP_PROG_ID, KEEP, NULL}, {0}};
/* Numbers alone: the settings of IPv4. */
ROWS ipv4_settings_rows[] = {{IFLA_INET_CONF, KEEP, NULL}, {0}};
ROWS family_settings_rows[] = {{AF_INET, NEST, ipv4_settings_rows}, {0}};
ROWS link_rows[] = {
	{IFLA_IFNAME, DEVICE, NULL},	{IFLA_MTU, KEEP, NULL},
	{IFLA_TXQLEN, KEEP, NULL},	{IFLA_OPERSTATE, KEEP, NULL},
	{IFLA_CARRIER_CHANGES, KEEP, NULL}, {IFLA_LINK, KEEP, NULL}, {IFLA_MASTER, KEEP, NULL},
	{IFLA_CARRIER_DOWN_COUNT, KEEP, NULL},
	{IFLA_PROMISCUITY, KEEP, NULL}, {IFLA_XDP, NEST, xdp_rows},
	{IFLA_LINK_NETNSID, KEEP, NULL}, {IFLA_STATS64, KEEP, NULL},
	{IFLA_TARGET_NETNSID, KEEP, NULL},
	{IFLA_LINKINFO, LINK_INFO, NULL}, {IFLA_ADDRESS, MAC, NULL},
	{IFLA_AF_SPEC, NEST, family_settings_rows}, {0}};
ROWS netconf_rows[] = {{NETCONFA_IFINDEX, KEEP, NULL}, {NETCONFA_RP_FILTER, KEEP, NULL},
		       {NETCONFA_FORWARDING, KEEP, NULL}, {0}};
ROWS stats_rows[] = {{TCA_STATS_BASIC, KEEP, NULL}, {TCA_STATS_QUEUE, KEEP, NULL},
		     {TCA_STATS_APP, KEEP, NULL}, {TCA_STATS_PKT64, KEEP, NULL}, {0}};
ROWS qdisc_rows[] = {{TCA_KIND, KEEP, NULL}, {TCA_OPTIONS, QDISC_OPTIONS, NULL},
		     {TCA_STATS2, NEST, stats_rows}, {TCA_STATS, KEEP, NULL}, {0}};
ROWS neigh_rows[] = {{NDA_DST, ADDRESS, NULL}, {NDA_LLADDR, MAC, NULL}, {0}};
ROWS neigh_table_rows[] = {{NDTA_NAME, KEEP, NULL}, {NDTA_THRESH1, KEEP, NULL},
			   {NDTA_THRESH2, KEEP, NULL}, {NDTA_THRESH3, KEEP, NULL},
			   {NDTA_CONFIG, KEEP, NULL}, {NDTA_STATS, KEEP, NULL}, {0}};
ROWS address_rows[] = {{IFA_LOCAL, ADDRESS, NULL}, {IFA_ADDRESS, ADDRESS, NULL},
		       {IFA_BROADCAST, ADDRESS, NULL}, {IFA_FLAGS, KEEP, NULL}, {0}};
ROWS socket_rows[] = {{INET_DIAG_SKMEMINFO, KEEP, NULL}, {INET_DIAG_INFO, KEEP, NULL}, {0}};
ROWS packet_rows[] = {{PACKET_DIAG_INFO, KEEP, NULL}, {PACKET_DIAG_UID, KEEP, NULL},
		      {PACKET_DIAG_MEMINFO, KEEP, NULL}, {PACKET_DIAG_RX_RING, KEEP, NULL}, {0}};
ROWS table_rows[] = {{NFTA_TABLE_NAME, FIREWALL, NULL}, {NFTA_TABLE_FLAGS, KEEP, NULL}, {0}};
ROWS hook_rows[] = {{NFTA_HOOK_HOOKNUM, KEEP, NULL}, {NFTA_HOOK_PRIORITY, KEEP, NULL},
		    {NFTA_HOOK_DEV, DEVICE, NULL}, {0}};
ROWS counter_rows_[] = {{NFTA_COUNTER_BYTES, KEEP, NULL}, {NFTA_COUNTER_PACKETS, KEEP, NULL}, {0}};
ROWS chain_rows[] = {{NFTA_CHAIN_TABLE, FIREWALL, NULL}, {NFTA_CHAIN_NAME, FIREWALL, NULL},
		     {NFTA_CHAIN_HANDLE, KEEP, NULL}, {NFTA_CHAIN_POLICY, KEEP, NULL},
		     {NFTA_CHAIN_HOOK, NEST, hook_rows}, {NFTA_CHAIN_COUNTERS, NEST, counter_rows_},
		     {0}};
ROWS rule_rows[] = {{NFTA_RULE_TABLE, FIREWALL, NULL}, {NFTA_RULE_CHAIN, FIREWALL, NULL},
		    {NFTA_RULE_HANDLE, KEEP, NULL}, {NFTA_RULE_EXPRESSIONS, EXPRESSIONS, NULL},
		    {0}};
ROWS set_size_rows[] = {{NFTA_SET_DESC_SIZE, KEEP, NULL}, {0}};
ROWS set_rows[] = {{NFTA_SET_TABLE, FIREWALL, NULL}, {NFTA_SET_NAME, FIREWALL, NULL},
		   {NFTA_SET_FLAGS, KEEP, NULL}, {NFTA_SET_DESC, NEST, set_size_rows},
		   {20 /* NFTA_SET_COUNT */, KEEP, NULL}, {0}};
/* Only how many there are. */
ROWS no_rows[] = {{0}};
ROWS element_rows[] = {{NFTA_LIST_ELEM, NEST, no_rows}, {0}};
ROWS elements_rows[] = {{NFTA_SET_ELEM_LIST_ELEMENTS, NEST, element_rows}, {0}};

ROWS family_rows[] = {{CTRL_ATTR_FAMILY_ID, KEEP, NULL}, {CTRL_ATTR_FAMILY_NAME, KEEP, NULL}, {0}};
ROWS card_rows[] = {{ETHTOOL_A_HEADER_DEV_INDEX, KEEP, NULL},
		    {ETHTOOL_A_HEADER_DEV_NAME, DEVICE, NULL}, {0}};
/* Sets of bits and numbers. */
ROWS linkmodes_rows[] = {{ETHTOOL_A_LINKMODES_HEADER, NEST, card_rows},
			 {ETHTOOL_A_LINKMODES_AUTONEG, KEEP, NULL},
			 {ETHTOOL_A_LINKMODES_OURS, KEEP, NULL},
			 {ETHTOOL_A_LINKMODES_PEER, KEEP, NULL},
			 {ETHTOOL_A_LINKMODES_SPEED, KEEP, NULL},
			 {ETHTOOL_A_LINKMODES_DUPLEX, KEEP, NULL}, {0}};
ROWS linkstate_rows[] = {{ETHTOOL_A_LINKSTATE_HEADER, NEST, card_rows},
			 {ETHTOOL_A_LINKSTATE_LINK, KEEP, NULL},
			 {7 /* ETHTOOL_A_LINKSTATE_EXT_DOWN_CNT */, KEEP, NULL}, {0}};
ROWS rings_rows[] = {{ETHTOOL_A_RINGS_HEADER, NEST, card_rows},
		     {ETHTOOL_A_RINGS_RX_MAX, KEEP, NULL}, {ETHTOOL_A_RINGS_RX_MINI_MAX, KEEP, NULL},
		     {ETHTOOL_A_RINGS_RX_JUMBO_MAX, KEEP, NULL}, {ETHTOOL_A_RINGS_TX_MAX, KEEP, NULL},
		     {ETHTOOL_A_RINGS_RX, KEEP, NULL}, {ETHTOOL_A_RINGS_RX_MINI, KEEP, NULL},
		     {ETHTOOL_A_RINGS_RX_JUMBO, KEEP, NULL}, {ETHTOOL_A_RINGS_TX, KEEP, NULL}, {0}};
ROWS channels_rows[] = {{ETHTOOL_A_CHANNELS_HEADER, NEST, card_rows},
			{ETHTOOL_A_CHANNELS_RX_MAX, KEEP, NULL},
			{ETHTOOL_A_CHANNELS_TX_MAX, KEEP, NULL},
			{ETHTOOL_A_CHANNELS_OTHER_MAX, KEEP, NULL},
			{ETHTOOL_A_CHANNELS_COMBINED_MAX, KEEP, NULL},
			{ETHTOOL_A_CHANNELS_RX_COUNT, KEEP, NULL},
			{ETHTOOL_A_CHANNELS_TX_COUNT, KEEP, NULL},
			{ETHTOOL_A_CHANNELS_OTHER_COUNT, KEEP, NULL},
			{ETHTOOL_A_CHANNELS_COMBINED_COUNT, KEEP, NULL}, {0}};
ROWS coalesce_rows[] = {{ETHTOOL_A_COALESCE_HEADER, NEST, card_rows},
			{ETHTOOL_A_COALESCE_RX_USECS, KEEP, NULL},
			{ETHTOOL_A_COALESCE_RX_MAX_FRAMES, KEEP, NULL},
			{ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, KEEP, NULL}, {0}};
ROWS pause_rows[] = {{ETHTOOL_A_PAUSE_HEADER, NEST, card_rows}, {ETHTOOL_A_PAUSE_AUTONEG, KEEP, NULL},
		     {ETHTOOL_A_PAUSE_RX, KEEP, NULL}, {ETHTOOL_A_PAUSE_TX, KEEP, NULL},
		     {ETHTOOL_A_PAUSE_STATS, KEEP, NULL}, {0}};
ROWS groups_rows[] = {{ETHTOOL_A_STATS_HEADER, NEST, card_rows}, {ETHTOOL_A_STATS_GRP, KEEP, NULL},
		      {0}};
ROWS feature_name_rows[] = {{ETHTOOL_A_STRSET_STRINGSETS, KEEP, NULL}, {0}};
ROWS features_rows[] = {{ETHTOOL_A_FEATURES_HEADER, NEST, card_rows},
			{ETHTOOL_A_FEATURES_HW, KEEP, NULL},
			{ETHTOOL_A_FEATURES_ACTIVE, KEEP, NULL},
			{ETHTOOL_A_FEATURES_NOCHANGE, KEEP, NULL}, {0}};
#define QSTAT(n) {n, KEEP, NULL}
ROWS qstats_rows[] = {QSTAT(1), QSTAT(2), QSTAT(3),
#define Q(id_, attribute_, name_, class_) QSTAT(attribute_),
#include "model/nic_qstats.def"
#undef Q
		      {0}};

/* Generic netlink families have numbers that the kernel gives at boot. */
#define ANY_TYPE 0

/* Each answer's messages: entry, type, bytes of the family header, attributes. */
#define NFT(type) (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_##type)
static const struct answer_row {
	const char *name;
	int type;
	size_t header;
	const struct attr_row *rows;
} answer_rows[] = {
	{"links", RTM_NEWLINK, sizeof(struct ifinfomsg), link_rows},
	{"peer-links", RTM_NEWLINK, sizeof(struct ifinfomsg), link_rows},
	{"netconf4", RTM_NEWNETCONF, sizeof(struct netconfmsg), netconf_rows},
	{"qdiscs", RTM_NEWQDISC, sizeof(struct tcmsg), qdisc_rows},
	{"neighs4", RTM_NEWNEIGH, sizeof(struct ndmsg), neigh_rows},
	{"neighs6", RTM_NEWNEIGH, sizeof(struct ndmsg), neigh_rows},
	{"neigh-tables", RTM_NEWNEIGHTBL, sizeof(struct ndtmsg), neigh_table_rows},
	{"addresses", RTM_NEWADDR, sizeof(struct ifaddrmsg), address_rows},
	{"udp4", SOCK_DIAG_BY_FAMILY, sizeof(struct inet_diag_msg), socket_rows},
	{"udp6", SOCK_DIAG_BY_FAMILY, sizeof(struct inet_diag_msg), socket_rows},
	{"tcp4", SOCK_DIAG_BY_FAMILY, sizeof(struct inet_diag_msg), socket_rows},
	{"tcp6", SOCK_DIAG_BY_FAMILY, sizeof(struct inet_diag_msg), socket_rows},
	{"packet", SOCK_DIAG_BY_FAMILY, sizeof(struct packet_diag_msg), packet_rows},
	{"genl-families", GENL_ID_CTRL, sizeof(struct genlmsghdr), family_rows},
	{"ethtool-linkmodes", ANY_TYPE, sizeof(struct genlmsghdr), linkmodes_rows},
	{"ethtool-linkstate", ANY_TYPE, sizeof(struct genlmsghdr), linkstate_rows},
	{"ethtool-rings", ANY_TYPE, sizeof(struct genlmsghdr), rings_rows},
	{"ethtool-channels", ANY_TYPE, sizeof(struct genlmsghdr), channels_rows},
	{"ethtool-coalesce", ANY_TYPE, sizeof(struct genlmsghdr), coalesce_rows},
	{"ethtool-pause", ANY_TYPE, sizeof(struct genlmsghdr), pause_rows},
	{"ethtool-groups", ANY_TYPE, sizeof(struct genlmsghdr), groups_rows},
	{"ethtool-feature-names", ANY_TYPE, sizeof(struct genlmsghdr), feature_name_rows},
	{"ethtool-features", ANY_TYPE, sizeof(struct genlmsghdr), features_rows},
	{"qstats", ANY_TYPE, sizeof(struct genlmsghdr), qstats_rows},
	{"qstats-queues", ANY_TYPE, sizeof(struct genlmsghdr), qstats_rows},
	{"nft-tables", NFT(NEWTABLE), sizeof(struct nfgenmsg), table_rows},
	{"nft-chains", NFT(NEWCHAIN), sizeof(struct nfgenmsg), chain_rows},
	{"nft-rules", NFT(NEWRULE), sizeof(struct nfgenmsg), rule_rows},
	{"nft-sets", NFT(NEWSET), sizeof(struct nfgenmsg), set_rows},
	{"nft-filled", NFT(NEWSETELEM), sizeof(struct nfgenmsg), elements_rows},
};

/* ---- writing ---- */

static void pad(struct buf *out)
{
	while (out->len % NLA_ALIGNTO)
		buf_add(out, "", 1);
}

size_t attr_open(struct buf *out, int type)
{
	struct nlattr a = {.nla_type = (uint16_t)type};
	size_t at = out->len;

	buf_add(out, &a, sizeof(a));
	return at;
}

int attr_close(struct buf *out, size_t at)
{
	size_t n = out->len - at;
	uint16_t length = (uint16_t)n;

	if (n > UINT16_MAX)
		return -EMSGSIZE;
	memcpy(out->data + at + offsetof(struct nlattr, nla_len), &length, sizeof(length));
	pad(out);
	return 0;
}

void attr_put(struct buf *out, int type, const void *data, size_t n)
{
	size_t at = attr_open(out, type);

	buf_add(out, data, n);
	attr_close(out, at);
}

void attr_put_text(struct buf *out, int type, const char *text)
{
	attr_put(out, type, text, strlen(text) + 1);
}

static struct span text_of(const struct nlattr *a)
{
	const char *p = nla_data(a);

	return (struct span){.p = p, .n = strnlen(p, (size_t)nla_len(a))};
}

void attr_put_name(struct scrubber *s, struct buf *out, const struct nlattr *from)
{
	struct span text = text_of(from);

	attr_put_text(out, from->nla_type, scrub_name(s, NAME_FIREWALL, text.p, text.n));
}

/* ---- one message ---- */

/* The table a rule is of; of use to its expressions alone. */
struct context {
	uint8_t family;
	const char *table, *kind;
};

static int put_address(struct scrubber *s, const struct context *c, const struct nlattr *a,
		       struct buf *out)
{
	size_t size = c->family == AF_INET ? 4 : c->family == AF_INET6 ? 16 : 0;
	uint8_t address[16];

	if (!size || (size_t)nla_len(a) < size)
		return 0; /* of another kind: a bridge's entry, say */
	memcpy(address, nla_data(a), size);
	scrub_address(s, c->family, address, 128);
	attr_put(out, a->nla_type, address, size);
	return 0;
}

/* Which are the same is kept, and nothing else: not even who made the card. */
static int put_mac(struct scrubber *s, const struct nlattr *a, struct buf *out)
{
	uint64_t hash = siphash(&s->key, nla_data(a), (size_t)nla_len(a));
	static const uint8_t none[6];
	uint8_t mac[6];

	if (nla_len(a) != sizeof(mac))
		return 0;
	memcpy(mac, nla_data(a), sizeof(mac));
	if (memcmp(mac, none, sizeof(mac)) != 0) {
		memcpy(mac, &hash, sizeof(mac));
		mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02); /* of nobody's range, and no group */
	}
	attr_put(out, a->nla_type, mac, sizeof(mac));
	return 0;
}

/* Numbers alone, for those that collectors look into. */
static bool is_known_qdisc(const char *kind)
{
	static const char *const known[] = {"pfifo", "bfifo", "pfifo_head_drop", "netem", "sfq",
					    "tbf",   "red",   "codel", "fq_codel", "fq", "pie"};

	for (size_t i = 0; kind && i < ARRAY_SIZE(known); i++)
		if (strcmp(kind, known[i]) == 0)
			return true;
	return false;
}

/* Of devices of this kind, or of ports of such: numbers that say nothing of whose they are. */
static const struct {
	int within;
	const char *kind;
	int attribute;
} info_rows[] = {
#define OWN IFLA_INFO_DATA
#define PORT IFLA_INFO_SLAVE_DATA
#define I(id, within_, kind_, attribute_) {within_, kind_, attribute_},
#include "model/link_info.def"
#undef I
#undef OWN
#undef PORT
};

static void put_kind_data(int within, struct span kind, struct nlattr *data, struct buf *out)
{
	size_t at = attr_open(out, within);

	for (size_t i = 0; i < ARRAY_SIZE(info_rows); i++) {
		struct nlattr *a;

		if (info_rows[i].within != within || !span_is(kind, info_rows[i].kind))
			continue;
		a = nla_find(nla_data(data), nla_len(data), info_rows[i].attribute);
		if (a && nla_len(a) <= (int)sizeof(uint32_t))
			attr_put(out, a->nla_type, nla_data(a), (size_t)nla_len(a));
	}
	attr_close(out, at);
}

static int put_link_info(struct nlattr *info, struct buf *out)
{
	static const int kinds[][2] = {{IFLA_INFO_KIND, IFLA_INFO_DATA},
				       {IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA}};
	size_t at = attr_open(out, info->nla_type);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct nlattr *kind = nla_find(nla_data(info), nla_len(info), kinds[i][0]);
		struct nlattr *data = nla_find(nla_data(info), nla_len(info), kinds[i][1]);

		if (!kind)
			continue;
		attr_put(out, kind->nla_type, nla_data(kind), (size_t)nla_len(kind));
		if (data)
			put_kind_data(kinds[i][1], text_of(kind), data, out);
	}
	return attr_close(out, at);
}

static const struct attr_row *row_of(const struct attr_row *rows, int type)
{
	while (rows->how != END && rows->type != type)
		rows++;
	return rows->how == END ? NULL : rows;
}

static int put_attrs(struct scrubber *s, const struct context *c, const struct attr_row *rows,
		     const void *data, size_t n, struct buf *out);

static int put_one(struct scrubber *s, const struct context *c, const struct attr_row *row,
		   struct nlattr *a, struct buf *out)
{
	struct span text;
	size_t at;
	int r = 0;

	switch (row->how) {
	case KEEP:
		attr_put(out, a->nla_type, nla_data(a), (size_t)nla_len(a));
		break;
	case ADDRESS:
		return put_address(s, c, a, out);
	case MAC:
		return put_mac(s, a, out);
	case DEVICE:
		text = text_of(a);
		attr_put_text(out, a->nla_type, scrub_device(s, text.p, text.n, false));
		break;
	case FIREWALL:
		attr_put_name(s, out, a);
		break;
	case NEST:
		at = attr_open(out, a->nla_type);
		r = put_attrs(s, c, row->nested, nla_data(a), (size_t)nla_len(a), out);
		return r < 0 ? r : attr_close(out, at);
	case QDISC_OPTIONS:
		if (is_known_qdisc(c->kind))
			attr_put(out, a->nla_type, nla_data(a), (size_t)nla_len(a));
		break;
	case LINK_INFO:
		return put_link_info(a, out);
	case EXPRESSIONS:
		if (!c->table)
			return -EBADMSG;
		at = attr_open(out, a->nla_type);
		r = scrub_expressions(s, c->family, c->table, a, out);
		return r < 0 ? r : attr_close(out, at);
	case END:
		break;
	}
	return r;
}

static int put_attrs(struct scrubber *s, const struct context *c, const struct attr_row *rows,
		     const void *data, size_t n, struct buf *out)
{
	/* libnl reads only, but its prototypes do not say so. */
	struct nlattr *first = (struct nlattr *)(uintptr_t)data, *a;
	int left;

	nla_for_each_attr(a, first, (int)n, left) {
		const struct attr_row *row = row_of(rows, nla_type(a));
		int r = row ? put_one(s, c, row, a, out) : 0;

		if (r < 0)
			return r;
	}
	return left >= (int)sizeof(*a) ? -EBADMSG : 0;
}

/* The text of an attribute, if it ends within it. */
static const char *terminated(const struct nlmsghdr *h, size_t header, int type)
{
	size_t from = NLMSG_LENGTH(NLMSG_ALIGN(header));
	const struct nlattr *a;

	if (h->nlmsg_len <= from)
		return NULL;
	a = nla_find((struct nlattr *)((uintptr_t)h + from), (int)(h->nlmsg_len - from), type);
	return a && nla_len(a) && text_of(a).n < (size_t)nla_len(a) ? nla_data(a) : NULL;
}

static void scrub_socket(struct scrubber *s, struct inet_diag_msg *m)
{
	size_t size = m->idiag_family == AF_INET6 ? 16 : 4;
	uint8_t address[16];

	for (int side = 0; side < 2; side++) {
		__be32 *at = side ? m->id.idiag_dst : m->id.idiag_src;

		memcpy(address, at, sizeof(address));
		scrub_address(s, m->idiag_family == AF_INET6 ? AF_INET6 : AF_INET, address, 128);
		memset(address + size, 0, sizeof(address) - size);
		memcpy(at, address, sizeof(address));
	}
}

static void put_header(struct scrubber *s, const struct answer_row *row, const struct nlmsghdr *h,
		       struct buf *out)
{
	struct inet_diag_msg m;

	buf_add(out, h, NLMSG_HDRLEN);
	if (row->rows == socket_rows) {
		memcpy(&m, (const char *)h + NLMSG_HDRLEN, sizeof(m));
		scrub_socket(s, &m);
		buf_add(out, &m, sizeof(m));
	} else {
		buf_add(out, (const char *)h + NLMSG_HDRLEN, row->header);
	}
	pad(out);
}

static int put_message(struct scrubber *s, const struct answer_row *row, const struct nlmsghdr *h,
		       struct buf *out)
{
	size_t at = out->len, from = NLMSG_LENGTH(NLMSG_ALIGN(row->header));
	const uint8_t *family = nl_data(h, row->header);
	struct context c = {0};
	uint32_t length;
	int r;

	if (!family)
		return -EBADMSG;
	c.family = *family;
	c.table = row->rows == rule_rows ? terminated(h, row->header, NFTA_RULE_TABLE) : NULL;
	c.kind = row->rows == qdisc_rows ? terminated(h, row->header, TCA_KIND) : NULL;
	put_header(s, row, h, out);
	r = h->nlmsg_len <= from ? 0
				 : put_attrs(s, &c, row->rows, (const char *)h + from,
					     h->nlmsg_len - from, out);
	length = (uint32_t)(out->len - at);
	memcpy(out->data + at + offsetof(struct nlmsghdr, nlmsg_len), &length, sizeof(length));
	return r;
}

/* The end of a dump, or an error: with its number and without what follows. */
static void put_control(const struct nlmsghdr *h, struct buf *out)
{
	struct nlmsghdr copy = *h;
	int32_t number = 0;

	if (h->nlmsg_type != NLMSG_DONE && h->nlmsg_type != NLMSG_ERROR)
		return;
	if (nl_data(h, sizeof(number)))
		memcpy(&number, nl_data(h, sizeof(number)), sizeof(number));
	copy.nlmsg_len = NLMSG_LENGTH(sizeof(number));
	buf_add(out, &copy, sizeof(copy));
	buf_add(out, &number, sizeof(number));
}

static void learn_chain(struct scrubber *s, const struct nlmsghdr *h)
{
	const char *table = terminated(h, sizeof(struct nfgenmsg), NFTA_CHAIN_TABLE);
	const char *name = terminated(h, sizeof(struct nfgenmsg), NFTA_CHAIN_NAME);
	struct chain_name *c;

	if (!table || !name)
		return;
	c = vec_push(&s->chains);
	c->family = *(const uint8_t *)nl_data(h, 1);
	c->table = xstrdup(table);
	c->name = xstrdup(name);
}

static int put_all(struct scrubber *s, const struct answer_row *row, const struct buf *data,
		   struct buf *out)
{
	size_t at = 0;

	/* nl_check() has seen to it that every header and length is within. */
	while (at < data->len) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)(data->data + at);
		int r = 0;

		if (h->nlmsg_type < NLMSG_MIN_TYPE)
			put_control(h, out);
		else if (h->nlmsg_type == row->type || row->type == ANY_TYPE)
			r = put_message(s, row, h, out);
		if (r < 0)
			return r;
		if (s->learning && row->rows == chain_rows && h->nlmsg_type == row->type)
			learn_chain(s, h);
		at += NLMSG_ALIGN((size_t)h->nlmsg_len);
	}
	return 0;
}

/* Rules that changed while they were read were asked for again: "nft-rules-1". */
static bool is_answer(const struct answer_row *row, const char *name)
{
	size_t n = strlen(row->name);

	if (strncmp(row->name, name, n) != 0)
		return false;
	return !name[n] || (strncmp(name, "nft-", 4) == 0 && name[n] == '-' &&
			    isdigit((unsigned char)name[n + 1]) && !name[n + 2]);
}

int scrub_netlink(struct scrubber *s, const char *name, struct buf *data)
{
	struct buf out = {0};
	size_t i = 0;
	int r;

	while (i < ARRAY_SIZE(answer_rows) && !is_answer(&answer_rows[i], name))
		i++;
	if (i == ARRAY_SIZE(answer_rows))
		return -ENOENT;
	if (nl_check(data) < 0)
		return -EBADMSG;
	r = put_all(s, &answer_rows[i], data, &out);
	if (r < 0 || s->learning) {
		buf_done(&out);
		return r;
	}
	buf_done(data);
	*data = out;
	return 0;
}
