// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Answers of SIOCETHTOOL: numbers, and the words of drivers. The place of a card on its bus, and
 * everything of a driver's answer that is not read, is blanked.
 */
#include <errno.h>
#include <linux/ethtool.h>

#include "scrub/map.h"

/* Names as drivers give them; a byte of anything else and it is left out. */
static bool is_driver_text(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] && (text[i] < ' ' || text[i] > '~'))
			return false;
	return true;
}

static int scrub_driver(struct buf *data)
{
	struct ethtool_drvinfo from, to = {0};

	if (data->len != sizeof(from))
		return -EBADMSG;
	memcpy(&from, data->data, sizeof(from));
	if (!is_driver_text(from.driver, sizeof(from.driver)) ||
	    !is_driver_text(from.fw_version, sizeof(from.fw_version)))
		return -EBADMSG;
	to.cmd = from.cmd;
	memcpy(to.driver, from.driver, strnlen(from.driver, sizeof(from.driver)));
	memcpy(to.fw_version, from.fw_version, strnlen(from.fw_version, sizeof(from.fw_version)));
	memcpy(data->data, &to, sizeof(to));
	return 0;
}

static int scrub_stat_names(struct buf *data)
{
	size_t header = sizeof(struct ethtool_gstrings);

	if (data->len < header || (data->len - header) % ETH_GSTRING_LEN ||
	    !is_driver_text(data->data + header, data->len - header))
		return -EBADMSG;
	/* What stands behind a name's end may be anything. */
	for (size_t at = header; at < data->len; at += ETH_GSTRING_LEN) {
		size_t n = strnlen(data->data + at, ETH_GSTRING_LEN);

		memset(data->data + at + n, 0, ETH_GSTRING_LEN - n);
	}
	return 0;
}

int scrub_ethtool(const char *what, struct buf *data)
{
	static const char *const numbers[] = {"stat-count", "stats",	"rings",	"channels",
					      "pause",	    "settings", "settings-size"};

	if (strcmp(what, "driver") == 0)
		return data ? scrub_driver(data) : 0;
	if (strcmp(what, "stat-names") == 0)
		return data ? scrub_stat_names(data) : 0;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (strcmp(what, numbers[i]) == 0)
			return 0;
	return -EBADMSG;
}
