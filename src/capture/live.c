// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libpcap maps a TPACKET_V3 ring (net/packet/af_packet.c); a block of it is handed over when it is
 * full, or by a timer that finds it open for the second time (prb_retire_rx_blk_timer_expired). The ring's losses are tp_drops of PACKET_STATISTICS, which libpcap
 * adds up: packets that were on the wire and went on to their sockets, and are missing here alone.
 */
#include "capture/live.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <string.h>

#define RING_BYTES (32 << 20)

struct live {
	pcap_t *pcap;
	uint16_t linktype;
	uint32_t unit_ns; /* of a packet's time */
	uint64_t packets;
	bool any;
};

/* Of the numbers in files only this one differs from those of libpcap on Linux. */
static uint16_t linktype_of(int dlt)
{
	return dlt == DLT_RAW ? LINKTYPE_RAW : (uint16_t)dlt;
}

static void say(const struct live *l, const char *device, int r, bool *ret_denied,
		struct buf *message)
{
	const char *detail = pcap_geterr(l->pcap);

	*ret_denied = r == PCAP_ERROR_PERM_DENIED;
	if (*ret_denied)
		return;
	if (r == PCAP_ERROR_NO_SUCH_DEVICE)
		buf_printf(message, "no network device '%s'", device);
	else if (r == PCAP_ERROR_IFACE_NOT_UP)
		buf_printf(message, "device '%s' is down: ip link set %s up", device, device);
	else
		buf_printf(message, "device '%s': %s%s%s", device, pcap_statustostr(r), *detail ? ": " : "",
			   detail);
}

static int activate(struct live *l, uint32_t snaplen)
{
	char error[PCAP_ERRBUF_SIZE];
	int r;

	pcap_set_snaplen(l->pcap, (int)snaplen);
	pcap_set_promisc(l->pcap, 0);
	pcap_set_timeout(l->pcap, LIVE_WAIT_MS);
	pcap_set_buffer_size(l->pcap, RING_BYTES);
	if (pcap_set_tstamp_precision(l->pcap, PCAP_TSTAMP_PRECISION_NANO) != 0)
		l->unit_ns = 1000;
	r = pcap_activate(l->pcap);
	if (r < 0)
		return r;
	/* With the older cooked header the device of a packet is not known. */
	if (l->any && pcap_set_datalink(l->pcap, DLT_LINUX_SLL2) < 0)
		return PCAP_ERROR;
	l->linktype = linktype_of(pcap_datalink(l->pcap));
	/* Else it waits in poll() without an end: a block is never handed over empty. */
	return pcap_setnonblock(l->pcap, 1, error) < 0 ? PCAP_ERROR : 0;
}

static int set_filter(struct live *l, const char *filter, struct buf *message)
{
	struct bpf_program program;
	int r = pcap_compile(l->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN);

	if (r == 0) {
		r = pcap_setfilter(l->pcap, &program);
		pcap_freecode(&program);
	}
	if (r < 0)
		buf_printf(message, "the filter '%s' does not fit the device: %s", filter,
			   pcap_geterr(l->pcap));
	return r < 0 ? -EINVAL : 0;
}

int live_open(const char *device, const char *filter, uint32_t snaplen, struct live **ret,
	      bool *ret_denied, struct buf *message)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	struct live *l = xcalloc(1, sizeof(*l));
	int r;

	*ret_denied = false;
	l->unit_ns = 1;
	l->any = strcmp(device, "any") == 0;
	l->pcap = pcap_create(device, error);
	if (!l->pcap) {
		buf_printf(message, "device '%s': %s", device, error);
		free(l);
		return -ENODEV;
	}
	r = activate(l, snaplen);
	if (r < 0) {
		say(l, device, r, ret_denied, message);
		r = *ret_denied ? -EPERM : -ENODEV;
	} else if (filter) {
		r = set_filter(l, filter, message);
	}
	if (r < 0) {
		live_close(l);
		return r;
	}
	*ret = l;
	return 0;
}

uint16_t live_linktype(const struct live *l)
{
	return l->linktype;
}

int live_next(struct live *l, struct raw_packet *ret)
{
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	int r = pcap_next_ex(l->pcap, &header, &bytes);

	if (r == 0) {
		struct pollfd ready = {.fd = pcap_get_selectable_fd(l->pcap), .events = POLLIN};

		poll(&ready, 1, LIVE_WAIT_MS);
		r = pcap_next_ex(l->pcap, &header, &bytes);
	}
	if (r <= 0)
		return r == 0 ? 0 : -ENODEV;
	*ret = (struct raw_packet){
		.number = ++l->packets,
		.at_ns = header->ts.tv_sec * NSEC_PER_SEC + header->ts.tv_usec * (int64_t)l->unit_ns,
		.bytes = bytes,
		.captured = header->caplen,
		.length = header->len,
		.linktype = l->linktype,
	};
	return 1;
}

const char *live_error(struct live *l)
{
	return pcap_geterr(l->pcap);
}

bool live_missed(struct live *l, uint64_t *ret)
{
	struct pcap_stat s;

	if (pcap_stats(l->pcap, &s) < 0)
		return false;
	*ret = s.ps_drop;
	return true;
}

void live_close(struct live *l)
{
	if (!l)
		return;
	pcap_close(l->pcap);
	free(l);
}
