/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands for people, so that they reach the namespace that was examined. */
#ifndef WHYDROP_ENTER_H
#define WHYDROP_ENTER_H

#include "causes/cause.h"

/* Letters, digits and "_-.": it needs no quotes in a command. */
bool is_plain(const char *name);
/* "ip netns exec web " or "": the host's own namespace, or one whose name is not known. */
const char *entering(const struct exam *x, char *to, size_t size);
/* remedy_sysctl() for a key that each namespace has of its own. */
void remedy_sysctl_here(const struct exam *x, struct remedy *r, const char *key, int64_t from,
			int64_t to);

/* What of a network card ethtool can set. */
enum card_setting {
	CARD_RING_RX,
	CARD_RING_TX,
	CARD_CHANNELS,
	CARD_PAUSE_RX, /* these two: 0 or 1 */
	CARD_PAUSE_TX,
	CARD_SETTINGS
};
/* A setting of a card, as a change to apply (kind "ethtool", key "eth0:ring.rx"), with its command,
 * undo and what keeps it. Not applicable where the name of the device needs quotes. */
void remedy_card(const struct exam *x, struct remedy *r, const char *device,
		 enum card_setting setting, uint32_t from, uint32_t to);
/* An interrupt to one CPU, as a change to apply; none where it is not known which it may go to now. */
void remedy_interrupt(const struct exam *x, struct remedy *r, unsigned int number, unsigned int cpu);

#endif
