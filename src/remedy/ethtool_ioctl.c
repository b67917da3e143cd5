// SPDX-License-Identifier: GPL-2.0-or-later
/* SIOCETHTOOL: net/ethtool/ioctl.c. */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "remedy/ethtool.h"

#define FEATURES_MAX 1024

/* The command stands in the first 32 bits of what `data` points to. */
static int control(const char *device, void *data)
{
	cleanup(cleanup_fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_data = data};

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

/* The structs are of 32-bit fields; the largest, of coalescing, has 23. */
union numbers {
	uint32_t command, fields[32];
};

int card_number_ioctl_ask(const char *device, const struct card_number *c, uint32_t *ret)
{
	union numbers n = {.command = c->ioctl_get};
	int r = control(device, &n);

	if (r < 0)
		return r;
	*ret = n.fields[c->offset / sizeof(uint32_t)];
	return 0;
}

int card_number_ioctl_set(const char *device, const struct card_number *c, uint32_t value)
{
	union numbers n = {.command = c->ioctl_get};
	int r = control(device, &n);

	if (r < 0)
		return r;
	n.command = c->ioctl_set;
	n.fields[c->offset / sizeof(uint32_t)] = value;
	return control(device, &n);
}

static int feature_names(const char *device, struct ethtool_gstrings **ret)
{
	cleanup(cleanup_free) struct ethtool_sset_info *sizes =
		xcalloc(1, sizeof(*sizes) + sizeof(sizes->data[0]));
	struct ethtool_gstrings *names;
	uint32_t n;
	int r;

	sizes->cmd = ETHTOOL_GSSET_INFO;
	sizes->sset_mask = 1ULL << ETH_SS_FEATURES;
	r = control(device, sizes);
	if (r < 0)
		return r;
	n = sizes->data[0];
	if (!sizes->sset_mask || !n || n > FEATURES_MAX)
		return -EOPNOTSUPP;
	names = xcalloc(1, sizeof(*names) + (size_t)n * ETH_GSTRING_LEN);
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = n;
	r = control(device, names);
	if (r == 0 && names->len > n)
		r = -EBADMSG;
	if (r < 0) {
		free(names);
		return r;
	}
	*ret = names;
	return 0;
}

/* The number of its bit, and how many words of 32 bits there are. */
static int find_feature(const char *device, const char *name, uint32_t *ret_bit, uint32_t *ret_words)
{
	cleanup(cleanup_free) struct ethtool_gstrings *names = NULL;
	int r = feature_names(device, &names);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < names->len; i++) {
		const char *at = (const char *)names->data + (size_t)i * ETH_GSTRING_LEN;

		if (strncmp(at, name, ETH_GSTRING_LEN) == 0) {
			*ret_bit = i;
			*ret_words = (names->len + 31) / 32;
			return 0;
		}
	}
	return -EOPNOTSUPP;
}

int card_feature_ioctl_ask(const char *device, const char *name, bool *ret)
{
	cleanup(cleanup_free) struct ethtool_gfeatures *now = NULL;
	uint32_t bit, words;
	int r = find_feature(device, name, &bit, &words);

	if (r < 0)
		return r;
	now = xcalloc(1, sizeof(*now) + words * sizeof(now->features[0]));
	now->cmd = ETHTOOL_GFEATURES;
	now->size = words;
	r = control(device, now);
	if (r == 0)
		*ret = now->features[bit / 32].active >> bit % 32 & 1;
	return r;
}

int card_feature_ioctl_set(const char *device, const char *name, bool on)
{
	cleanup(cleanup_free) struct ethtool_sfeatures *wanted = NULL;
	uint32_t bit, words;
	bool now;
	int r = find_feature(device, name, &bit, &words);

	if (r < 0)
		return r;
	wanted = xcalloc(1, sizeof(*wanted) + words * sizeof(wanted->features[0]));
	wanted->cmd = ETHTOOL_SFEATURES;
	wanted->size = words;
	wanted->features[bit / 32].valid = UINT32_C(1) << bit % 32;
	wanted->features[bit / 32].requested = on ? UINT32_C(1) << bit % 32 : 0;
	r = control(device, wanted);
	if (r == 0)
		r = card_feature_ioctl_ask(device, name, &now);
	/* ETHTOOL_F_UNSUPPORTED and its like come as a positive answer. */
	return r < 0 ? r : now == on ? 0 : -EOPNOTSUPP;
}
