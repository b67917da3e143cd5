// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a packet: two of link type, one that says how much longer it was, and the rest. */
#include "fuzz.h"

#include <string.h>

#include "capture/packet.h"

static void within(const uint8_t *at, uint32_t n, const struct raw_packet *raw)
{
	MUST(!at || (at >= raw->bytes && at + n <= raw->bytes + raw->captured));
}

static void check(const struct raw_packet *raw)
{
	struct cap_packet p;
	bool known = packet_decode(raw, &p);

	MUST(known == packet_linktype_known(raw->linktype));
	if (!known)
		return;
	MUST(p.sacks <= SACKS_MAX && p.scale <= 14);
	MUST(p.kind == PACKET_OTHER || (p.from <= 1 && p.key.protocol));
	within(p.ip, p.ip_captured, raw);
	within(p.transport, p.transport_captured, raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct raw_packet raw = {.number = 1, .at_ns = 1};
	struct headers h;
	uint8_t *bytes;

	if (n < 3)
		return 0;
	/* A copy of its own, for the sanitizer to see where it ends. */
	bytes = malloc(n - 3 ? n - 3 : 1);
	MUST(bytes);
	memcpy(bytes, data + 3, n - 3);
	raw.linktype = (uint16_t)(data[0] | data[1] << 8);
	raw.bytes = bytes;
	raw.captured = (uint32_t)(n - 3);
	raw.length = raw.captured + data[2] * 8U;
	check(&raw);
	decode_ethernet(bytes, n - 3, &h);
	MUST(h.network_at <= n - 3 && h.transport_at <= n - 3);
	decode_ip(bytes, n - 3, &h);
	MUST(h.transport_at <= n - 3);
	free(bytes);
	return 0;
}
