// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Network cards: what netlink tells (ethtool_ask.c), and by SIOCETHTOOL what it does not: the driver
 * and its own counters (net/ethtool/ioctl.c ethtool_get_drvinfo, _sset_info, _strings, _stats).
 * Rings, channels, pause and link settings are asked that way too where netlink did not tell them.
 *
 * Scope: the devices of one network namespace, loopback left out. Units and wrap widths of the
 * counters are the driver's own: most are 64 bits, some 32. No privilege. A driver without a
 * question answers EOPNOTSUPP. dev_ioctl() looks for a module (dev_load) only for a name that no
 * device has.
 *
 * Older kernels copy as many strings and numbers as the driver has at that moment, however many
 * were asked for (6.12.117 and 6.18 answer with none then): host_ethtool() sees to it that more
 * than there is room for is EFAULT and not memory overwritten.
 */
#include "collect/ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <net/if.h>
#include <stdio.h>

#define NICS_MAX 4096
/* Devices made by software (veth, bridge, tun ...) have few counters, and may be many. */
#define VIRTUAL_STATS_MAX 64
#define STATS_MAX 32768 /* a card of 1,000 queues has a third of that */

/* ---- driver ---- */

static void take_text(const char *from, size_t n, char *to)
{
	size_t at = 0, k = 0;

	/* Not always terminated; vmxnet3 begins its names with blanks, cxgb4 ends its with some. */
	while (at < n && from[at] == ' ')
		at++;
	for (; at < n && from[at]; at++)
		to[k++] = from[at] < ' ' || from[at] > '~' ? '?' : from[at];
	while (k && to[k - 1] == ' ')
		k--;
	to[k] = '\0';
}

static void ask_driver(struct host *h, const struct link *link, struct nic *n)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	cleanup(buf_done) struct buf data = {0};

	buf_add(&data, &info, sizeof(info));
	if (host_ethtool(h, link->ifindex, "driver", link->name, &data) < 0 ||
	    data.len < sizeof(info))
		return;
	memcpy(&info, data.data, sizeof(info));
	take_text(info.driver, sizeof(info.driver), n->driver);
	take_text(info.bus_info, sizeof(info.bus_info), n->bus);
	take_text(info.fw_version, sizeof(info.fw_version), n->firmware);
}

/* ---- counters ---- */

static int ask_count(struct host *h, const struct link *link, uint32_t *ret)
{
	struct ethtool_sset_info info = {.cmd = ETHTOOL_GSSET_INFO,
					 .sset_mask = 1ULL << ETH_SS_STATS};
	uint32_t count = 0; /* stands behind it */
	cleanup(buf_done) struct buf data = {0};
	int r;

	buf_add(&data, &info, sizeof(info));
	buf_add(&data, &count, sizeof(count));
	r = host_ethtool(h, link->ifindex, "stat-count", link->name, &data);
	if (r < 0)
		return r;
	if (data.len < sizeof(info) + sizeof(count))
		return -EBADMSG;
	memcpy(&info, data.data, sizeof(info));
	memcpy(&count, data.data + sizeof(info), sizeof(count));
	if (!info.sset_mask || !count)
		return -EOPNOTSUPP;
	if (count > STATS_MAX)
		return -EMSGSIZE;
	*ret = count;
	return 0;
}

static int ask_names(struct host *h, const struct link *link, uint32_t count, struct buf *ret)
{
	struct ethtool_gstrings header = {
		.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_STATS, .len = count};
	int r;

	buf_add(ret, &header, sizeof(header));
	memset(buf_room(ret, (size_t)count * ETH_GSTRING_LEN), 0, (size_t)count * ETH_GSTRING_LEN);
	buf_added(ret, (size_t)count * ETH_GSTRING_LEN);
	r = host_ethtool(h, link->ifindex, "stat-names", link->name, ret);
	if (r < 0)
		return r;
	if (ret->len < sizeof(header))
		return -EBADMSG;
	memcpy(&header, ret->data, sizeof(header));
	/* Queues came or went between the calls: numbers could not be told to names. */
	if (header.len != count)
		return -EAGAIN;
	return ret->len < sizeof(header) + (size_t)count * ETH_GSTRING_LEN ? -EBADMSG : 0;
}

static int ask_values(struct host *h, const struct link *link, uint32_t count, struct buf *ret)
{
	struct ethtool_stats header = {.cmd = ETHTOOL_GSTATS, .n_stats = count};
	int r;

	buf_add(ret, &header, sizeof(header));
	memset(buf_room(ret, (size_t)count * sizeof(uint64_t)), 0,
	       (size_t)count * sizeof(uint64_t));
	buf_added(ret, (size_t)count * sizeof(uint64_t));
	r = host_ethtool(h, link->ifindex, "stats", link->name, ret);
	if (r < 0)
		return r;
	if (ret->len < sizeof(header))
		return -EBADMSG;
	memcpy(&header, ret->data, sizeof(header));
	if (header.n_stats != count)
		return -EAGAIN;
	return ret->len < sizeof(header) + (size_t)count * sizeof(uint64_t) ? -EBADMSG : 0;
}

static int ask_stats(struct host *h, const struct link *link, struct nic *n)
{
	cleanup(buf_done) struct buf names = {0};
	cleanup(buf_done) struct buf values = {0};
	uint32_t count = 0;
	int r = ask_count(h, link, &count);

	if (r == 0)
		r = ask_names(h, link, count, &names);
	if (r == 0)
		r = ask_values(h, link, count, &values);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < count; i++) {
		struct nic_stat *stat = vec_push(&n->stats);

		take_text(names.data + sizeof(struct ethtool_gstrings) +
				  (size_t)i * ETH_GSTRING_LEN,
			  ETH_GSTRING_LEN, stat->name);
		memcpy(&stat->value,
		       values.data + sizeof(struct ethtool_stats) + i * sizeof(stat->value),
		       sizeof(stat->value));
	}
	return 0;
}

/* ---- what netlink did not tell ---- */

/* A request that is a plain struct and comes back filled. */
static int ask_struct(struct host *h, const struct link *link, const char *what, void *ask,
		      size_t size)
{
	cleanup(buf_done) struct buf data = {0};
	int r;

	buf_add(&data, ask, size);
	r = host_ethtool(h, link->ifindex, what, link->name, &data);
	if (r < 0)
		return r;
	if (data.len < size)
		return -EBADMSG;
	memcpy(ask, data.data, size);
	return 0;
}

static void ask_rings(struct host *h, const struct link *link, struct nic *n)
{
	struct ethtool_ringparam ring = {.cmd = ETHTOOL_GRINGPARAM};

	if (ask_struct(h, link, "rings", &ring, sizeof(ring)) < 0)
		return;
	n->rings = (struct nic_rings){
		.known = true,
		.rx = ring.rx_pending,
		.rx_mini = ring.rx_mini_pending,
		.rx_jumbo = ring.rx_jumbo_pending,
		.tx = ring.tx_pending,
		.rx_max = ring.rx_max_pending,
		.rx_mini_max = ring.rx_mini_max_pending,
		.rx_jumbo_max = ring.rx_jumbo_max_pending,
		.tx_max = ring.tx_max_pending,
	};
}

static void ask_channels(struct host *h, const struct link *link, struct nic *n)
{
	struct ethtool_channels c = {.cmd = ETHTOOL_GCHANNELS};

	if (ask_struct(h, link, "channels", &c, sizeof(c)) < 0)
		return;
	n->channels = (struct nic_channels){
		.known = true,
		.rx = c.rx_count,
		.tx = c.tx_count,
		.other = c.other_count,
		.combined = c.combined_count,
		.rx_max = c.max_rx,
		.tx_max = c.max_tx,
		.other_max = c.max_other,
		.combined_max = c.max_combined,
	};
}

static void ask_pause(struct host *h, const struct link *link, struct nic *n)
{
	struct ethtool_pauseparam p = {.cmd = ETHTOOL_GPAUSEPARAM};

	if (ask_struct(h, link, "pause", &p, sizeof(p)) < 0)
		return;
	n->pause.known = true;
	n->pause.autoneg = p.autoneg;
	n->pause.rx = p.rx_pause;
	n->pause.tx = p.tx_pause;
}

#define MODE_WORDS 4 /* 128 modes; more than the table in ethtool_nl.c knows */

/*
 * The kernel tells first how many words of modes it has (negative), then the settings. The words
 * of the peer's modes stand behind those that are supported and advertised.
 */
static int ask_settings(struct host *h, const struct link *link, struct buf *data, uint32_t *ret)
{
	struct ethtool_link_settings s = {.cmd = ETHTOOL_GLINKSETTINGS};
	int words, r;

	buf_add(data, &s, sizeof(s));
	r = host_ethtool(h, link->ifindex, "settings-size", link->name, data);
	if (r < 0)
		return r;
	if (data->len < sizeof(s))
		return -EBADMSG;
	memcpy(&s, data->data, sizeof(s));
	words = -s.link_mode_masks_nwords;
	if (words <= 0 || words > 64)
		return -EBADMSG;
	s = (struct ethtool_link_settings){.cmd = ETHTOOL_GLINKSETTINGS,
					   .link_mode_masks_nwords = (int8_t)words};
	buf_clear(data);
	buf_add(data, &s, sizeof(s));
	memset(buf_room(data, (size_t)words * 12), 0, (size_t)words * 12);
	buf_added(data, (size_t)words * 12);
	r = host_ethtool(h, link->ifindex, "settings", link->name, data);
	if (r < 0)
		return r;
	*ret = (uint32_t)words;
	return data->len < sizeof(s) + (size_t)words * 12 ? -EBADMSG : 0;
}

static void take_modes(const struct buf *data, uint32_t words, struct nic *n)
{
	const char *at = data->data + sizeof(struct ethtool_link_settings);
	uint32_t mask[3][MODE_WORDS] = {0};

	for (size_t set = 0; set < 3; set++)
		memcpy(mask[set], at + set * words * sizeof(uint32_t),
		       MIN(words, MODE_WORDS) * sizeof(uint32_t));
	for (unsigned int bit = 0; bit < MODE_WORDS * 32; bit++) {
		bool has[3];

		for (size_t set = 0; set < 3; set++)
			has[set] = mask[set][bit / 32] >> (bit % 32) & 1;
		if (has[0])
			nic_mode_add(&n->supported, bit);
		if (has[1])
			nic_mode_add(&n->advertised, bit);
		if (has[2])
			nic_mode_add(&n->peer, bit);
		if (has[1] && has[2])
			nic_mode_add(&n->common, bit);
	}
}

static void ask_link(struct host *h, const struct link *link, struct nic *n)
{
	cleanup(buf_done) struct buf data = {0};
	struct ethtool_link_settings s;
	uint32_t words;

	if (ask_settings(h, link, &data, &words) < 0)
		return;
	memcpy(&s, data.data, sizeof(s));
	n->speed = s.speed == (uint32_t)SPEED_UNKNOWN ? 0 : s.speed;
	n->duplex = s.duplex;
	n->autoneg = s.autoneg;
	take_modes(&data, words, n);
}

/* ---- all of it ---- */

static bool is_virtual(const struct link *link)
{
	return link->kind[0] != '\0';
}

static void ask_device(struct host *h, const struct link *link, struct nic *n,
		       unsigned int *virtual_left)
{
	ask_driver(h, link, n);
	if (is_virtual(link) && !*virtual_left) {
		n->stats_err = -E2BIG;
		return;
	}
	*virtual_left -= is_virtual(link);
	n->stats_err = ask_stats(h, link, n);
	if (is_virtual(link) || host_is_first(h))
		return;
	if (!n->rings.known)
		ask_rings(h, link, n);
	if (!n->channels.known)
		ask_channels(h, link, n);
	if (!n->pause.known)
		ask_pause(h, link, n);
	if (!n->supported.speed && n->autoneg < 0)
		ask_link(h, link, n);
}

int collect_ethtool(struct host *h, struct snapshot *s)
{
	unsigned int virtual_left = VIRTUAL_STATS_MAX;
	int r;

	vec_each (link, &s->links) {
		struct nic *n;

		if ((link->flags & IFF_LOOPBACK) || s->nics.n == NICS_MAX)
			continue;
		n = vec_push(&s->nics);
		n->ifindex = link->ifindex;
		n->duplex = NIC_DUPLEX_UNKNOWN;
		n->autoneg = n->detected = -1;
	}
	if (!s->nics.n)
		return s->links.n ? 0 : -ENODATA;
	r = ethtool_netlink(h, s);
	if (r < 0)
		return r;
	for (size_t i = 0, at = 0; i < s->links.n && at < s->nics.n; i++)
		if (s->links.items[i].ifindex == s->nics.items[at].ifindex)
			ask_device(h, &s->links.items[i], &s->nics.items[at++], &virtual_left);
	host_ethtool_done(h);
	return 0;
}
