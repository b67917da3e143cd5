// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Settings of network cards, "eth0:ring.rx". Asked for and set by the family "ethtool"; where a
 * kernel has not got that, or not this command of it, by SIOCETHTOOL.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>

#include "remedy/ask.h"
#include "remedy/ethtool.h"
#include "remedy/kinds.h"

#define RING(field, attr) \
	ETHTOOL_MSG_RINGS_GET, ETHTOOL_MSG_RINGS_SET, ETHTOOL_A_RINGS_##attr, false, \
		ETHTOOL_GRINGPARAM, ETHTOOL_SRINGPARAM, sizeof(struct ethtool_ringparam), \
		offsetof(struct ethtool_ringparam, field)
#define CHANNELS(field, attr) \
	ETHTOOL_MSG_CHANNELS_GET, ETHTOOL_MSG_CHANNELS_SET, ETHTOOL_A_CHANNELS_##attr, false, \
		ETHTOOL_GCHANNELS, ETHTOOL_SCHANNELS, sizeof(struct ethtool_channels), \
		offsetof(struct ethtool_channels, field)
#define PAUSE(field, attr) \
	ETHTOOL_MSG_PAUSE_GET, ETHTOOL_MSG_PAUSE_SET, ETHTOOL_A_PAUSE_##attr, true, \
		ETHTOOL_GPAUSEPARAM, ETHTOOL_SPAUSEPARAM, sizeof(struct ethtool_pauseparam), \
		offsetof(struct ethtool_pauseparam, field)
#define COALESCE(field, attr, is_switch) \
	ETHTOOL_MSG_COALESCE_GET, ETHTOOL_MSG_COALESCE_SET, ETHTOOL_A_COALESCE_##attr, is_switch, \
		ETHTOOL_GCOALESCE, ETHTOOL_SCOALESCE, sizeof(struct ethtool_coalesce), \
		offsetof(struct ethtool_coalesce, field)

static const struct card_number numbers[] = {
	{"ring.rx", RING(rx_pending, RX)},
	{"ring.rx-mini", RING(rx_mini_pending, RX_MINI)},
	{"ring.rx-jumbo", RING(rx_jumbo_pending, RX_JUMBO)},
	{"ring.tx", RING(tx_pending, TX)},
	{"channels.rx", CHANNELS(rx_count, RX_COUNT)},
	{"channels.tx", CHANNELS(tx_count, TX_COUNT)},
	{"channels.other", CHANNELS(other_count, OTHER_COUNT)},
	{"channels.combined", CHANNELS(combined_count, COMBINED_COUNT)},
	{"pause.autoneg", PAUSE(autoneg, AUTONEG)},
	{"pause.rx", PAUSE(rx_pause, RX)},
	{"pause.tx", PAUSE(tx_pause, TX)},
	{"coalesce.rx-usecs", COALESCE(rx_coalesce_usecs, RX_USECS, false)},
	{"coalesce.rx-frames", COALESCE(rx_max_coalesced_frames, RX_MAX_FRAMES, false)},
	{"coalesce.tx-usecs", COALESCE(tx_coalesce_usecs, TX_USECS, false)},
	{"coalesce.tx-frames", COALESCE(tx_max_coalesced_frames, TX_MAX_FRAMES, false)},
	{"coalesce.adaptive-rx", COALESCE(use_adaptive_rx_coalesce, USE_ADAPTIVE_RX, true)},
	{"coalesce.adaptive-tx", COALESCE(use_adaptive_tx_coalesce, USE_ADAPTIVE_TX, true)},
};
static const char feature_prefix[] = "feature.";

/* A number, or the name of a feature (and then *ret_number is NULL). */
static int take_key(const char *key, char device[16], const struct card_number **ret_number,
		    const char **ret_feature)
{
	const char *setting;
	int r = key_device(key, device, &setting);

	if (r < 0)
		return r;
	*ret_number = NULL;
	*ret_feature = NULL;
	if (strncmp(setting, feature_prefix, strlen(feature_prefix)) == 0) {
		*ret_feature = setting + strlen(feature_prefix);
		/* Room for one name among the kernel's strings. */
		return **ret_feature && strlen(*ret_feature) < ETH_GSTRING_LEN ? 0 : -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (strcmp(numbers[i].name, setting) == 0)
			*ret_number = &numbers[i];
	return *ret_number ? 0 : -EINVAL;
}

/* -ENOENT: no such family. A family without the command says EOPNOTSUPP, as does a driver. */
static bool may_be_older(int err)
{
	return err == -ENOENT || err == -EOPNOTSUPP;
}

static int ethtool_read(const struct change_place *p, const char *key, struct buf *ret)
{
	const struct card_number *number;
	const char *feature;
	char device[16];
	uint32_t value = 0;
	bool on = false;
	int r = take_key(key, device, &number, &feature);

	(void)p;
	if (r < 0)
		return r;
	if (number) {
		r = card_number_ask(device, number, &value);
		if (may_be_older(r))
			r = card_number_ioctl_ask(device, number, &value);
		on = value;
	} else {
		r = card_feature_ask(device, feature, &on);
		if (may_be_older(r))
			r = card_feature_ioctl_ask(device, feature, &on);
	}
	if (r < 0)
		return r;
	buf_clear(ret);
	if (number && !number->is_switch)
		buf_printf(ret, "%u", value);
	else
		buf_puts(ret, on ? "on" : "off");
	return 0;
}

static int ethtool_write(const struct change_place *p, const char *key, const char *text)
{
	const struct card_number *number;
	const char *feature;
	char device[16];
	uint32_t value = 0;
	bool on = false;
	int r = take_key(key, device, &number, &feature);

	(void)p;
	if (r == 0)
		r = number && !number->is_switch ? value_u32(text, &value) : value_switch(text, &on);
	if (r < 0)
		return r;
	if (number) {
		value = number->is_switch ? on : value;
		r = card_number_set(device, number, value);
		return may_be_older(r) ? card_number_ioctl_set(device, number, value) : r;
	}
	r = card_feature_set(device, feature, on);
	return may_be_older(r) ? card_feature_ioctl_set(device, feature, on) : r;
}

/* Rings and queues are made anew with the device stopped, and flow control is negotiated again. */
static unsigned int ethtool_needs(const char *key)
{
	static const char *const resetting[] = {"ring.", "channels.", "pause.", "feature.rx-lro",
						"feature.rx-gro-hw"};
	const char *setting;
	char device[16];

	if (key_device(key, device, &setting) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(resetting); i++)
		if (strncmp(setting, resetting[i], strlen(resetting[i])) == 0)
			return CHANGE_RESETS_LINK;
	return 0;
}

static const char *ethtool_refusal(const char *key, int err)
{
	(void)key;
	switch (err) {
	case -EOPNOTSUPP:
		return "the driver has no such setting, or it is fixed";
	case -EINVAL:
	case -ERANGE:
		return "the driver does not take this value (ethtool -g, -l, -c show the maxima)";
	case -ENODEV:
		return "the device is gone";
	case -EBUSY:
		return "the driver is busy, or does not change it while the device is up";
	}
	return NULL;
}

const struct change_kind ethtool_kind = {
	.name = "ethtool",
	.read = ethtool_read,
	.write = ethtool_write,
	.needs = ethtool_needs,
	.refusal = ethtool_refusal,
};
