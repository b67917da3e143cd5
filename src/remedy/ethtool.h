/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two ways to a network card's settings: the family "ethtool" (5.6), and SIOCETHTOOL before it. */
#ifndef WHYDROP_REMEDY_ETHTOOL_H
#define WHYDROP_REMEDY_ETHTOOL_H

#include "base/buf.h"

/* A number or switch of a card. Both ways have it; in the structs all fields are uint32_t. */
struct card_number {
	const char *name; /* "ring.rx" */
	uint8_t get, set; /* ETHTOOL_MSG_* */
	uint16_t attribute;
	bool is_switch; /* an uint8_t there; else uint32_t */
	uint32_t ioctl_get, ioctl_set; /* ETHTOOL_G*, ETHTOOL_S* */
	size_t size, offset;
};

int card_number_ask(const char *device, const struct card_number *c, uint32_t *ret);
int card_number_set(const char *device, const struct card_number *c, uint32_t value);
/* `name` is the kernel's own, of netdev_features_strings[]. */
int card_feature_ask(const char *device, const char *name, bool *ret);
int card_feature_set(const char *device, const char *name, bool on);

/* The same by SIOCETHTOOL. */
int card_number_ioctl_ask(const char *device, const struct card_number *c, uint32_t *ret);
int card_number_ioctl_set(const char *device, const struct card_number *c, uint32_t value);
int card_feature_ioctl_ask(const char *device, const char *name, bool *ret);
int card_feature_ioctl_set(const char *device, const char *name, bool on);

#endif
