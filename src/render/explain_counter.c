// SPDX-License-Identifier: GPL-2.0-or-later
/* Counters: the kernel's, under their own names and netstat's, and those of card drivers. */
#include <stdio.h>

#include "model/nic.h"
#include "model/reading.h"
#include "render/explain_parts.h"
#include "render/words.h"

const char *explain_scope(enum scope scope)
{
	static const char *const words[] = {
		[SCOPE_HOST] = "one for the whole host",
		[SCOPE_NETNS] = "one in each network namespace",
		[SCOPE_DEVICE] = "one for each device",
		[SCOPE_QUEUE] = "one for each queue or table",
		[SCOPE_CPU] = "one for each CPU",
		[SCOPE_SOCKET] = "one for each socket",
		[SCOPE_RULE] = "one for each rule",
	};

	return words[scope];
}

static enum scope scope_of(const struct counter_row *row)
{
	bool wide = source_rows[row->source].scope == SCOPE_HOST;

	return wide && row->scope == SCOPE_NETNS ? SCOPE_HOST : row->scope;
}

/* "Udp.RcvbufErrors", "Udp6RcvbufErrors" and "rx_dropped" without the protocol they count for. */
static const char *bare_name(const char *name)
{
	static const char *const groups[] = {"Udp6", "Ip6"};

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (strncmp(name, groups[i], strlen(groups[i])) == 0)
			return name + strlen(groups[i]);
	return name_last_part(name, '.');
}

void explain_counter(const char *name, struct explanation *e)
{
	static const char *const kinds[] = {
		[KIND_COUNTER] = "counter: only its change tells, the value is since boot",
		[KIND_GAUGE] = "gauge: how much there is now",
		[KIND_LIMIT] = "limit",
	};
	static const char *const loss_words[] = {
		[MEANS_LOSS] = "each one is a packet lost here",
		[MEANS_PART] = "some of them are packets lost here",
		[MEANS_SIGN] = "no loss by itself, but it points at one",
		[MEANS_BENIGN] = "looks like a loss and is none",
	};

	for (size_t i = 0; i < COUNTER_N; i++) {
		const struct counter_row *row = &counter_rows[i];
		struct explained *t;

		if (!same_name(row->name, name) && !same_name(bare_name(row->name), name) &&
		    !same_name(row->id, name) && !counter_is_sentence(row->name, name))
			continue;
		t = explained_new(e, "counter", row->name, row->meaning);
		explained_note(t, "%s; %s; stage %s; from %s, %s", kinds[row->kind], row->unit,
		     stage_name(row->stage), source_rows[row->source].name,
		     explain_scope(scope_of(row)));
		explained_add(t, "loss", loss_words[row->loss]);
		explained_add(t, "netstat -s", counter_sentence(row->name));
		explained_see(t, bare_name(row->name));
	}
}

/* ---- counters of drivers ---- */

static const char *const nic_meanings[NIC_CLASS_N] = {
	[NIC_PLAIN] = "a driver's own counter that says nothing of loss, or is not known to",
	[NIC_HARMLESS] = "sounds like a loss and is none by itself",
	[NIC_SUM] = "losses of several kinds added up, each of which has a counter of its own too",
	[NIC_RING] = "no free receive descriptor in the ring: the host was too slow",
	[NIC_PORT_BUFFER] = "the card's own buffer was full before a frame came to the ring",
	[NIC_BUS] = "the card had to wait for the bus (PCIe) or for memory",
	[NIC_WIRE] = "frames with a bad checksum: cable, optic, port, not this host",
	[NIC_SIGNAL] = "symbols or bytes that came damaged, or no signal: cable, optic, port",
	[NIC_LENGTH] = "frames too long, too short or misaligned: the MTU, duplex or the wire",
	[NIC_CSUM] = "a wrong checksum of IP, TCP or UDP, as the card sees it; mostly the packet goes "
		     "on, and the kernel checks it again",
	[NIC_ALLOC] = "a packet was lost because there was no memory for it",
	[NIC_REFILL] = "no memory for a buffer of the receive ring: it is asked for again, and a "
		       "packet is lost only where the ring runs empty meanwhile",
	[NIC_FAULT] = "an error of the card or of its driver",
	[NIC_POLICY] = "a limit of the provider or the hypervisor, outside this host",
	[NIC_TX] = "packets that the card or its driver did not send",
	[NIC_COLLISION] = "packets given up after collisions, or without a carrier: duplex, cable",
	[NIC_DOWN] = "packets that were to be sent while the link was down",
	[NIC_STOP] = "a transmit ring was full, and its queue had to wait: that is how it is meant",
	[NIC_TIMEOUT] = "a transmit ring was stuck, and was reset with all that was in it",
	[NIC_RESET] = "the queue or the device was reset, or the link went down",
	[NIC_PAUSE] = "flow control: one end of the link told the other to wait; nothing is lost by it",
};
static const char *const nic_causes[NIC_CLASS_N] = {
	[NIC_RING] = "ring-rx-overflow ring-below-max irq-imbalance softirq-hog",
	[NIC_PORT_BUFFER] = "ring-rx-overflow pcie-bottleneck",
	[NIC_BUS] = "pcie-bottleneck",
	[NIC_WIRE] = "link-crc-errors",
	[NIC_SIGNAL] = "link-crc-errors link-flap",
	[NIC_LENGTH] = "link-frame-length-errors",
	[NIC_CSUM] = "nic-csum-offload-errors",
	[NIC_ALLOC] = "ring-rx-alloc-fail mem-low",
	[NIC_REFILL] = "ring-rx-alloc-fail mem-low",
	[NIC_FAULT] = "nic-driver-firmware",
	[NIC_POLICY] = "cloud-bw-allowance cloud-pps-allowance cloud-conntrack-allowance "
		       "cloud-linklocal-dns-limit",
	[NIC_TX] = "ring-tx-full",
	[NIC_COLLISION] = "link-duplex-speed",
	[NIC_DOWN] = "link-flap",
	[NIC_STOP] = "ring-tx-full",
	[NIC_TIMEOUT] = "nic-tx-timeout",
	[NIC_RESET] = "link-flap nic-driver-firmware",
	[NIC_PAUSE] = "link-pause-frames",
};

/* Drivers that give a name the same meaning are told together. */
void explain_nic_counter(const char *name, struct explanation *e)
{
	struct buf drivers[NIC_CLASS_N] = {0};
	const struct nic_stat_row *row = NULL;

	/* A name of one word: patterns such as "rx*drops" would take in half a sentence. */
	while (!strchr(name, ' ') && (row = nic_stat_next(row, name)))
		buf_printf(&drivers[row->class], "%s%s", drivers[row->class].len ? "|" : "",
			   row->driver);
	for (int class = 0; class < NIC_CLASS_N; class ++) {
		struct explained *t;

		if (!drivers[class].len)
			continue;
		for (char *c = drivers[class].data; *c; c++)
			*c = *c == '|' ? ' ' : *c;
		t = explained_new(e, "counter of a driver", name, nic_meanings[class]);
		explained_note(t, "counter of a network card's driver (ethtool -S)");
		explained_add(t, "drivers", drivers[class].data);
		explained_causes(t, nic_causes[class] ? nic_causes[class] : "");
	}
	for (int class = 0; class < NIC_CLASS_N; class ++)
		buf_done(&drivers[class]);
}
