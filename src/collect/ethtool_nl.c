// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the family "ethtool" answers about network cards (ethtool_ask.c asks), read: net/ethtool/
 * {linkmodes,linkstate,rings,channels,coalesce,pause,features,strset,stats}.c. Counters are 64 bits
 * here, whatever the card has.
 */
#include "collect/ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>

#include "nl/nl.h"

#define ATTRS_MAX 32		 /* more than any of these answers has */
#define LINKSTATE_EXT_DOWN_CNT 7 /* ETHTOOL_A_LINKSTATE_EXT_DOWN_CNT, since 6.4 */

/* ---- the frame of an answer ---- */

/* One device's message of an answer. */
struct told {
	struct nic *nic;
	struct nlattr *table[ATTRS_MAX + 1];
};

static struct nic *find_nic(struct snapshot *s, uint32_t ifindex, size_t *hint)
{
	for (size_t i = 0; i < s->nics.n; i++) {
		size_t at = (*hint + i) % s->nics.n;

		if (s->nics.items[at].ifindex == ifindex) {
			*hint = at + 1;
			return &s->nics.items[at];
		}
	}
	return NULL;
}

static int parse_nest(struct nlattr *a, struct nlattr **table, int max)
{
	return nla_parse_nested(table, max, a, NULL) < 0 ? -EBADMSG : 0;
}

static int header_ifindex(struct nlattr *header, uint32_t *ret)
{
	struct nlattr *table[ETHTOOL_A_HEADER_MAX + 1];

	if (!header || parse_nest(header, table, ETHTOOL_A_HEADER_MAX) < 0 ||
	    !table[ETHTOOL_A_HEADER_DEV_INDEX] ||
	    nla_len(table[ETHTOOL_A_HEADER_DEV_INDEX]) < (int)sizeof(uint32_t))
		return -EBADMSG;
	*ret = nla_get_u32(table[ETHTOOL_A_HEADER_DEV_INDEX]);
	return 0;
}

typedef int take_fn(struct told *t, const struct nlmsghdr *h, const void *arg);

/* The header is attribute 1 of every answer but of the statistics'. */
static int each_device(const struct buf *answer, struct snapshot *s, int header_attr, take_fn *take,
		       const void *arg)
{
	size_t hint = 0;
	int r = nl_check(answer);

	if (r < 0)
		return r;
	nl_each (m, answer) {
		struct told t = {0};
		uint32_t ifindex = 0;

		r = nl_parse(m.h, sizeof(struct genlmsghdr), t.table, ATTRS_MAX, NULL);
		if (r == 0)
			r = header_ifindex(t.table[header_attr], &ifindex);
		if (r < 0)
			return r;
		t.nic = find_nic(s, ifindex, &hint);
		r = t.nic ? take(&t, m.h, arg) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* An attribute that is shorter than its number is as if it were not there. */
static bool number32(const struct told *t, int attribute, uint32_t *ret)
{
	struct nlattr *a = t->table[attribute];

	if (!a || nla_len(a) < (int)sizeof(*ret))
		return false;
	*ret = nla_get_u32(a);
	return true;
}

static uint32_t value32(const struct told *t, int attribute)
{
	uint32_t value = 0;

	number32(t, attribute, &value);
	return value;
}

static bool number8(const struct told *t, int attribute, uint8_t *ret)
{
	struct nlattr *a = t->table[attribute];

	if (!a || nla_len(a) < 1)
		return false;
	*ret = nla_get_u8(a);
	return true;
}

static bool number64(struct nlattr *a, uint64_t *ret)
{
	if (!a || nla_len(a) < (int)sizeof(*ret))
		return false;
	memcpy(ret, nla_data(a), sizeof(*ret));
	return true;
}

/* ---- sets of bits ---- */

/* The compact form: two strings of 32-bit words. */
struct bits {
	const char *value, *mask; /* mask NULL: it is a list */
	unsigned int size;
};

static int take_bits(struct nlattr *a, struct bits *ret)
{
	struct nlattr *table[ETHTOOL_A_BITSET_MAX + 1];
	struct nlattr *value, *mask;
	unsigned int size;

	*ret = (struct bits){0};
	if (!a)
		return 0;
	if (parse_nest(a, table, ETHTOOL_A_BITSET_MAX) < 0 || !table[ETHTOOL_A_BITSET_SIZE] ||
	    nla_len(table[ETHTOOL_A_BITSET_SIZE]) < (int)sizeof(uint32_t))
		return -EBADMSG;
	value = table[ETHTOOL_A_BITSET_VALUE];
	mask = table[ETHTOOL_A_BITSET_MASK];
	size = nla_get_u32(table[ETHTOOL_A_BITSET_SIZE]);
	/* Whole words, as many as it takes. */
	if (!value || size > (unsigned int)nla_len(value) / 4 * 32 ||
	    (mask && size > (unsigned int)nla_len(mask) / 4 * 32))
		return -EBADMSG;
	*ret = (struct bits){nla_data(value), mask ? nla_data(mask) : NULL, size};
	return 0;
}

/* Bits of the words, in the byte order of this machine. */
static bool bit_of(const char *words, unsigned int bit)
{
	uint32_t word;

	memcpy(&word, words + bit / 32 * sizeof(word), sizeof(word));
	return word >> (bit % 32) & 1;
}

/* ---- link modes ---- */

/* include/uapi/linux/ethtool.h enum ethtool_link_mode_bit_indices; first to last of a kind. */
static const struct mode_row {
	uint8_t first, last;
	uint32_t speed;
	bool full;
} mode_rows[] = {
	{0, 0, 10, false},	{1, 1, 10, true},	{2, 2, 100, false},
	{3, 3, 100, true},	{4, 4, 1000, false},	{5, 5, 1000, true},
	{12, 12, 10000, true},	{15, 15, 2500, true},	{17, 17, 1000, true},
	{18, 20, 10000, true},	{21, 22, 20000, true},	{23, 26, 40000, true},
	{27, 30, 56000, true},	{31, 33, 25000, true},	{34, 35, 50000, true},
	{36, 39, 100000, true}, {40, 40, 50000, true},	{41, 41, 1000, true},
	{42, 46, 10000, true},	{47, 47, 2500, true},	{48, 48, 5000, true},
	{52, 56, 50000, true},	{57, 61, 100000, true}, {62, 66, 200000, true},
	{67, 67, 100, true},	{68, 68, 1000, true},	{69, 73, 400000, true},
	{75, 79, 100000, true}, {80, 84, 200000, true}, {85, 89, 400000, true},
	{90, 90, 100, false},	{91, 91, 100, true},	{92, 92, 10, true},
	{93, 98, 800000, true}, {99, 99, 10, true},	{100, 101, 10, false},
};

void nic_mode_add(struct nic_mode *best, unsigned int bit)
{
	for (size_t i = 0; i < ARRAY_SIZE(mode_rows); i++) {
		const struct mode_row *row = &mode_rows[i];

		if (bit < row->first || bit > row->last)
			continue;
		if (row->speed > best->speed || (row->speed == best->speed && row->full))
			*best = (struct nic_mode){row->speed, row->full};
	}
}

static int take_linkmodes(struct told *t, const struct nlmsghdr *h, const void *arg)
{
	struct bits ours, peer;
	struct nic *n = t->nic;
	uint8_t small;

	(void)h, (void)arg;
	if (take_bits(t->table[ETHTOOL_A_LINKMODES_OURS], &ours) < 0 ||
	    take_bits(t->table[ETHTOOL_A_LINKMODES_PEER], &peer) < 0)
		return -EBADMSG;
	n->speed = value32(t, ETHTOOL_A_LINKMODES_SPEED);
	if (n->speed == (uint32_t)SPEED_UNKNOWN)
		n->speed = 0;
	n->duplex = number8(t, ETHTOOL_A_LINKMODES_DUPLEX, &small) ? small : NIC_DUPLEX_UNKNOWN;
	n->autoneg = number8(t, ETHTOOL_A_LINKMODES_AUTONEG, &small) ? small : -1;
	for (unsigned int bit = 0; bit < MAX(ours.size, peer.size); bit++) {
		bool offered = bit < ours.size && bit_of(ours.value, bit);
		bool offers = bit < peer.size && bit_of(peer.value, bit);

		/* What the port can do is the mask of what it offers. */
		if (bit < ours.size && ours.mask && bit_of(ours.mask, bit))
			nic_mode_add(&n->supported, bit);
		if (offered)
			nic_mode_add(&n->advertised, bit);
		if (offers)
			nic_mode_add(&n->peer, bit);
		if (offered && offers)
			nic_mode_add(&n->common, bit);
	}
	return 0;
}

int parse_ethtool_linkmodes(const struct buf *answer, struct snapshot *s)
{
	return each_device(answer, s, ETHTOOL_A_LINKMODES_HEADER, take_linkmodes, NULL);
}

static int take_linkstate(struct told *t, const struct nlmsghdr *h, const void *arg)
{
	uint8_t detected;

	(void)h, (void)arg;
	if (number8(t, ETHTOOL_A_LINKSTATE_LINK, &detected))
		t->nic->detected = detected != 0;
	t->nic->down_count_known = number32(t, LINKSTATE_EXT_DOWN_CNT, &t->nic->down_count);
	return 0;
}

int parse_ethtool_linkstate(const struct buf *answer, struct snapshot *s)
{
	return each_device(answer, s, ETHTOOL_A_LINKSTATE_HEADER, take_linkstate, NULL);
}

/* ---- rings, channels, pause ---- */

static int take_rings(struct told *t, const struct nlmsghdr *h, const void *arg)
{
	(void)h, (void)arg;
	t->nic->rings = (struct nic_rings){
		.known = t->table[ETHTOOL_A_RINGS_RX] || t->table[ETHTOOL_A_RINGS_TX],
		.rx = value32(t, ETHTOOL_A_RINGS_RX),
		.rx_mini = value32(t, ETHTOOL_A_RINGS_RX_MINI),
		.rx_jumbo = value32(t, ETHTOOL_A_RINGS_RX_JUMBO),
		.tx = value32(t, ETHTOOL_A_RINGS_TX),
		.rx_max = value32(t, ETHTOOL_A_RINGS_RX_MAX),
		.rx_mini_max = value32(t, ETHTOOL_A_RINGS_RX_MINI_MAX),
		.rx_jumbo_max = value32(t, ETHTOOL_A_RINGS_RX_JUMBO_MAX),
		.tx_max = value32(t, ETHTOOL_A_RINGS_TX_MAX),
	};
	return 0;
}

int parse_ethtool_rings(const struct buf *answer, struct snapshot *s)
{
	return each_device(answer, s, ETHTOOL_A_RINGS_HEADER, take_rings, NULL);
}

static int take_channels(struct told *t, const struct nlmsghdr *h, const void *arg)
{
	(void)h, (void)arg;
	t->nic->channels = (struct nic_channels){
		.known = true,
		.rx = value32(t, ETHTOOL_A_CHANNELS_RX_COUNT),
		.tx = value32(t, ETHTOOL_A_CHANNELS_TX_COUNT),
		.other = value32(t, ETHTOOL_A_CHANNELS_OTHER_COUNT),
		.combined = value32(t, ETHTOOL_A_CHANNELS_COMBINED_COUNT),
		.rx_max = value32(t, ETHTOOL_A_CHANNELS_RX_MAX),
		.tx_max = value32(t, ETHTOOL_A_CHANNELS_TX_MAX),
		.other_max = value32(t, ETHTOOL_A_CHANNELS_OTHER_MAX),
		.combined_max = value32(t, ETHTOOL_A_CHANNELS_COMBINED_MAX),
	};
	return 0;
}

int parse_ethtool_channels(const struct buf *answer, struct snapshot *s)
{
	return each_device(answer, s, ETHTOOL_A_CHANNELS_HEADER, take_channels, NULL);
}

static int take_pause(struct told *t, const struct nlmsghdr *h, const void *arg)
{
	struct nlattr *frames[ETHTOOL_A_PAUSE_STAT_MAX + 1];
	struct nic_pause *p = &t->nic->pause;
	uint8_t autoneg = 0, rx = 0, tx = 0;

	(void)h, (void)arg;
	p->known = number8(t, ETHTOOL_A_PAUSE_RX, &rx);
	p->known |= number8(t, ETHTOOL_A_PAUSE_TX, &tx);
	number8(t, ETHTOOL_A_PAUSE_AUTONEG, &autoneg);
	p->autoneg = autoneg;
	p->rx = rx;
	p->tx = tx;
	if (!t->table[ETHTOOL_A_PAUSE_STATS])
		return 0;
	if (parse_nest(t->table[ETHTOOL_A_PAUSE_STATS], frames, ETHTOOL_A_PAUSE_STAT_MAX) < 0)
		return -EBADMSG;
	p->frames_known = number64(frames[ETHTOOL_A_PAUSE_STAT_RX_FRAMES], &p->rx_frames);
	p->frames_known |= number64(frames[ETHTOOL_A_PAUSE_STAT_TX_FRAMES], &p->tx_frames);
	return 0;
}

int parse_ethtool_pause(const struct buf *answer, struct snapshot *s)
{
	return each_device(answer, s, ETHTOOL_A_PAUSE_HEADER, take_pause, NULL);
}

/* Times of 0 with packets of 0 mean that the driver does not tell; of one, that it is off. */
static int take_coalesce(struct told *t, const struct nlmsghdr *h, const void *arg)
{
	struct nic_coalesce *c = &t->nic->coalesce;
	uint8_t adaptive = 0;

	(void)h, (void)arg;
	c->known = number32(t, ETHTOOL_A_COALESCE_RX_USECS, &c->rx_usecs);
	c->rx_frames = value32(t, ETHTOOL_A_COALESCE_RX_MAX_FRAMES);
	number8(t, ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, &adaptive);
	c->adaptive = adaptive;
	return 0;
}

int parse_ethtool_coalesce(const struct buf *answer, struct snapshot *s)
{
	return each_device(answer, s, ETHTOOL_A_COALESCE_HEADER, take_coalesce, NULL);
}

/* ---- the standard groups ---- */

/* Each counter is a nest of its own with one attribute, whose type is the counter's number. */
static const struct {
	uint32_t group;
	int attribute;
} group_places[NIC_GROUP_N] = {
#define G(id_, group_, attribute_, name_, class_) [NG_##id_] = {ETHTOOL_STATS_##group_, attribute_},
#include "model/nic_groups.def"
#undef G
};

static void take_stat(struct nic *n, uint32_t group, struct nlattr *stat)
{
	uint64_t value;

	if (!number64(stat, &value))
		return;
	for (size_t i = 0; i < NIC_GROUP_N; i++) {
		/* The kernel's word for "this card does not count that" is a missing attribute. */
		if (group_places[i].group != group || group_places[i].attribute != nla_type(stat))
			continue;
		n->group[i] = value;
		n->group_present[i] = true;
	}
}

static int take_group(struct nic *n, struct nlattr *group)
{
	struct nlattr *table[ETHTOOL_A_STATS_GRP_MAX + 1], *a;
	int left;

	if (parse_nest(group, table, ETHTOOL_A_STATS_GRP_MAX) < 0 ||
	    !table[ETHTOOL_A_STATS_GRP_ID] ||
	    nla_len(table[ETHTOOL_A_STATS_GRP_ID]) < (int)sizeof(uint32_t))
		return -EBADMSG;
	nla_for_each_nested (a, group, left) {
		struct nlattr *inner = nla_data(a);

		if (nla_type(a) == ETHTOOL_A_STATS_GRP_STAT && nla_ok(inner, nla_len(a)))
			take_stat(n, nla_get_u32(table[ETHTOOL_A_STATS_GRP_ID]), inner);
	}
	return 0;
}

static int take_groups(struct told *t, const struct nlmsghdr *h, const void *arg)
{
	struct nlattr *a;
	int left, r = 0;

	(void)arg;
	/* nl_parse() has seen to it that the attributes are whole. */
	left = (int)(h->nlmsg_len - NLMSG_LENGTH(sizeof(struct genlmsghdr)));
	a = (struct nlattr *)((uintptr_t)h + NLMSG_LENGTH(sizeof(struct genlmsghdr)));
	for (; r == 0 && nla_ok(a, left); a = nla_next(a, &left))
		if (nla_type(a) == ETHTOOL_A_STATS_GRP)
			r = take_group(t->nic, a);
	return r;
}

int parse_ethtool_groups(const struct buf *answer, struct snapshot *s)
{
	return each_device(answer, s, ETHTOOL_A_STATS_HEADER, take_groups, NULL);
}

/* ---- features ---- */

#define NO_BIT 0xff

static int take_feature_name(struct nlattr *string, struct feature_bits *bits)
{
	struct nlattr *table[ETHTOOL_A_STRING_MAX + 1];
	uint32_t index;

	if (parse_nest(string, table, ETHTOOL_A_STRING_MAX) < 0 || !table[ETHTOOL_A_STRING_INDEX] ||
	    !table[ETHTOOL_A_STRING_VALUE] ||
	    nla_len(table[ETHTOOL_A_STRING_INDEX]) < (int)sizeof(index))
		return -EBADMSG;
	index = nla_get_u32(table[ETHTOOL_A_STRING_INDEX]);
	for (size_t i = 0; i < NIC_FEATURE_N && index < NO_BIT; i++)
		if (nla_strcmp(table[ETHTOOL_A_STRING_VALUE], nic_feature_names[i]) == 0)
			bits->bit[i] = (uint8_t)index;
	return 0;
}

static int take_feature_names(struct nlattr *sets, struct feature_bits *bits)
{
	struct nlattr *set, *string;
	int left, left_of_set, r = 0;

	nla_for_each_nested (set, sets, left) {
		struct nlattr *table[ETHTOOL_A_STRINGSET_MAX + 1];

		if (parse_nest(set, table, ETHTOOL_A_STRINGSET_MAX) < 0)
			return -EBADMSG;
		if (!table[ETHTOOL_A_STRINGSET_STRINGS])
			continue;
		nla_for_each_nested (string, table[ETHTOOL_A_STRINGSET_STRINGS], left_of_set) {
			r = take_feature_name(string, bits);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int parse_ethtool_feature_names(const struct buf *answer, struct feature_bits *ret)
{
	struct feature_bits bits;
	int r = nl_check(answer);

	if (r < 0)
		return r;
	memset(&bits, NO_BIT, sizeof(bits));
	nl_each (m, answer) {
		struct nlattr *table[ATTRS_MAX + 1];

		r = nl_parse(m.h, sizeof(struct genlmsghdr), table, ATTRS_MAX, NULL);
		if (r == 0 && table[ETHTOOL_A_STRSET_STRINGSETS])
			r = take_feature_names(table[ETHTOOL_A_STRSET_STRINGSETS], &bits);
		if (r < 0)
			return r;
	}
	*ret = bits;
	return 0;
}

static int take_features(struct told *t, const struct nlmsghdr *h, const void *arg)
{
	const struct feature_bits *names = arg;
	struct bits active, changeable, pinned;

	(void)h;
	if (take_bits(t->table[ETHTOOL_A_FEATURES_ACTIVE], &active) < 0 ||
	    take_bits(t->table[ETHTOOL_A_FEATURES_HW], &changeable) < 0 ||
	    take_bits(t->table[ETHTOOL_A_FEATURES_NOCHANGE], &pinned) < 0)
		return -EBADMSG;
	for (unsigned int i = 0; i < NIC_FEATURE_N; i++) {
		unsigned int bit = names->bit[i];

		if (bit == NO_BIT || bit >= active.size)
			continue;
		t->nic->features_known |= 1U << i;
		if (bit_of(active.value, bit))
			t->nic->features_on |= 1U << i;
		if (bit >= changeable.size || !bit_of(changeable.value, bit) ||
		    (bit < pinned.size && bit_of(pinned.value, bit)))
			t->nic->features_fixed |= 1U << i;
	}
	return 0;
}

int parse_ethtool_features(const struct buf *answer, const struct feature_bits *bits,
			   struct snapshot *s)
{
	return each_device(answer, s, ETHTOOL_A_FEATURES_HEADER, take_features, bits);
}
