// SPDX-License-Identifier: GPL-2.0-or-later
#include "causes/enter.h"

#include <stdio.h>

/* A name goes into a command as it stands only if a shell takes it for one word. */
bool is_plain(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_-.") == strlen(name);
}

const char *entering(const struct exam *x, char *to, size_t size)
{
	if (is_plain(x->o->name) && strcmp(x->o->name, "host") != 0)
		snprintf(to, size, "ip netns exec %s ", x->o->name);
	else
		*to = '\0';
	return to;
}

void remedy_sysctl_here(const struct exam *x, struct remedy *r, const char *key, int64_t from,
			int64_t to)
{
	char enter[96], before[24], after[24];

	if (!*entering(x, enter, sizeof(enter))) {
		remedy_sysctl(r, key, from, to);
		return;
	}
	snprintf(before, sizeof(before), "%lld", (long long)from);
	snprintf(after, sizeof(after), "%lld", (long long)to);
	remedy_change(r, "sysctl", before, after, "%s", key);
	remedy_command(r, "%ssysctl -w %s=%lld", enter, key, (long long)to);
	remedy_undo(r, "%ssysctl -w %s=%lld", enter, key, (long long)from);
	/* What sets up a namespace is not known, so nothing can be said of the next boot. */
}

static const struct {
	const char *key, *flag, *word, *link_option; /* of systemd.link(5) */
	bool is_switch;
} card_settings[CARD_SETTINGS] = {
	[CARD_RING_RX] = {"ring.rx", "-G", "rx", "RxBufferSize", false},
	[CARD_RING_TX] = {"ring.tx", "-G", "tx", "TxBufferSize", false},
	[CARD_CHANNELS] = {"channels.combined", "-L", "combined", "CombinedChannels", false},
	[CARD_PAUSE_RX] = {"pause.rx", "-A", "rx", "RxFlowControl", true},
	[CARD_PAUSE_TX] = {"pause.tx", "-A", "tx", "TxFlowControl", true},
};

void remedy_interrupt(const struct exam *x, struct remedy *r, unsigned int number, unsigned int cpu)
{
	char to[16];

	snprintf(to, sizeof(to), "%u", cpu);
	vec_each (i, &x->o->b.netdev_interrupts) {
		if (i->number == number && i->allowed[0]) {
			if (strcmp(i->allowed, to) != 0)
				remedy_change(r, "irq", i->allowed, to, "%u:smp_affinity_list",
					      number);
			return;
		}
	}
}

static const char *setting_text(enum card_setting setting, uint32_t value, bool persistent,
				char *to, size_t size)
{
	if (!card_settings[setting].is_switch)
		snprintf(to, size, "%u", value);
	else
		snprintf(to, size, "%s", persistent ? value ? "yes" : "no" : value ? "on" : "off");
	return to;
}

void remedy_card(const struct exam *x, struct remedy *r, const char *device,
		 enum card_setting setting, uint32_t from, uint32_t to)
{
	const char *flag = card_settings[setting].flag, *word = card_settings[setting].word;
	char enter[96], before[16], after[16];

	entering(x, enter, sizeof(enter));
	setting_text(setting, from, false, before, sizeof(before));
	setting_text(setting, to, false, after, sizeof(after));
	if (is_plain(device))
		remedy_change(r, "ethtool", before, after, "%s:%s", device, card_settings[setting].key);
	remedy_command(r, "%sethtool %s %s %s %s", enter, flag, device, word, after);
	remedy_undo(r, "%sethtool %s %s %s %s", enter, flag, device, word, before);
	if (!*enter)
		remedy_persist(r, "%s=%s in the [Link] section of a systemd .link file",
			       card_settings[setting].link_option,
			       setting_text(setting, to, true, after, sizeof(after)));
}
