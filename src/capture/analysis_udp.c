// SPDX-License-Identifier: GPL-2.0-or-later
/* What is wrong with datagrams of a flow that is over. */
#include "capture/analysis_parts.h"

#include <sys/socket.h>

/* Services that answer each request. */
static bool answers(uint16_t port)
{
	static const uint16_t ports[] = {53, 69, 88, 123, 161, 389, 443, 500, 1812, 1813, 3478, 4500};

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		if (ports[i] == port)
			return true;
	return false;
}

static bool many(const struct flow_key *key, uint8_t end)
{
	const uint8_t *b = key->address[end];

	return key->family == AF_INET ? b[0] >= 224 || b[3] == 255 : b[0] == 0xff;
}

static void udp_losses(struct analysis *a, const struct flow *f)
{
	for (uint8_t end = 0; end < 2; end++) {
		const struct half *h = &f->half[end];
		uint32_t n = ipid_lost(&h->ids);
		struct trouble *t;

		if (!n)
			continue;
		t = trouble_of(a, f, TROUBLE_UDP_LOSS, end == f->client, h->ids.first_gap);
		t->amount += n;
		t->of += (uint64_t)h->packets + n;
	}
}

void analysis_udp_over(struct analysis *a, struct flow *f)
{
	struct server *s;
	struct trouble *t;

	/* The first packet that is seen may be an answer. */
	if (answers(f->key.port[f->client]) && !answers(f->key.port[!f->client]))
		f->client = !f->client;
	s = analysis_server(a, &f->key, !f->client);
	s->flows++;
	s->bytes += f->half[0].bytes + f->half[1].bytes;
	a->sum.udp_flows++;
	analysis_keep_top(a, f);
	udp_losses(a, f);
	if (f->icmp_packet) {
		bool port = f->key.family == AF_INET ? f->icmp_type == 3 && f->icmp_code == 3
						     : f->icmp_type == 1 && f->icmp_code == 4;

		t = trouble_of(a, f, port ? TROUBLE_UDP_REFUSED : TROUBLE_ICMP, false, f->first_packet);
		t->packet_2 = f->icmp_packet;
		t->detail[0] = f->icmp_type;
		t->detail[1] = f->icmp_code;
		t->amount += f->half[f->client].packets;
		return;
	}
	if (f->half[!f->client].packets || !answers(f->key.port[!f->client]) ||
	    many(&f->key, !f->client) || a->sum.last_ns - f->first_ns < ANSWER_NS)
		return;
	s->silent++;
	t = trouble_of(a, f, TROUBLE_UDP_SILENT, false, f->first_packet);
	t->amount += f->half[f->client].packets;
	t->packet_2 = f->last_packet;
}
