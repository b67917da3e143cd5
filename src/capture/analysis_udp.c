// SPDX-License-Identifier: GPL-2.0-or-later
/* What is wrong with datagrams of a flow that is over. */
#include "capture/analysis_parts.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define ANSWERS_LEAST 20 /* flows, and nine of ten, before a server is known to answer */

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

/* The numbers of RTP tell more exactly than identifications, and are the sender's own. */
static void udp_losses(struct analysis *a, const struct flow *f)
{
	for (uint8_t end = 0; end < 2; end++) {
		const struct half *h = &f->half[end];
		uint32_t n = h->udp.rtp_of ? h->udp.rtp_lost : ipid_lost(&h->ids);
		struct trouble *t;

		if (!n)
			continue;
		t = trouble_of(a, f, h->udp.rtp_of ? TROUBLE_RTP_LOSS : TROUBLE_UDP_LOSS, end == f->client,
			       h->udp.rtp_of ? h->udp.first_lost : h->ids.first_gap);
		t->amount += n;
		t->of += h->udp.rtp_of ? h->udp.rtp_of : (uint64_t)h->packets + n;
		t->ns_max = MAX(t->ns_max, h->udp.jitter_ns);
	}
}

/* Of a flow that was answered at all: requests that were not, or late. */
static void udp_asked(struct analysis *a, const struct flow *f, struct server *s)
{
	const struct udp_sum *u = &f->half[f->client].udp;
	uint32_t open = u->asked - MIN(u->answered, u->asked);
	struct trouble *t;

	if (open && a->sum.last_ns - f->half[f->client].last_ns < ANSWER_NS)
		open -= MIN(open, udp_asks_open(&a->asks, f, a->sum.last_ns - ANSWER_NS));
	if (open) {
		t = trouble_of(a, f, TROUBLE_UDP_SILENT, false, f->first_packet);
		t->amount += open;
		t->packet_2 = f->last_packet;
	}
	s->asked += u->asked;
	if (u->late) {
		t = trouble_of(a, f, TROUBLE_UDP_LATE, false, u->first_late);
		t->amount += u->late;
		t->of += u->asked;
	}
}

/* Whether a server answers requests is seen by its other flows: judged at the end. */
static void note_answers(struct server *s, const struct flow *f)
{
	if (f->half[!f->client].packets)
		return;
	s->silent_packets += f->half[f->client].packets;
	if (s->udp_silent++)
		return;
	s->silent_key = f->key;
	s->silent_client = f->client;
	s->silent_packet = f->first_packet;
	s->silent_flow = f->number;
}

/* Of how many that were asked, and does it answer at all? */
static void weigh_silence(struct analysis *a, const struct server *s)
{
	struct trouble *t = s->protocol == IPPROTO_UDP ? analysis_trouble_at(a, TROUBLE_UDP_SILENT, &s->at) : NULL;

	if (!t)
		return;
	t->of = s->asked;
	t->detail[0] = !s->udp_answered;
}

void analysis_udp_end(struct analysis *a)
{
	for (size_t i = 0; i < MIN(a->servers_n, (size_t)SERVERS_MAX - 1); i++) {
		const struct server *s = &a->servers[i];
		struct trouble *t;

		weigh_silence(a, s);
		if (!s->udp_silent || s->udp_answered < ANSWERS_LEAST ||
		    s->udp_answered * 10 < (s->udp_answered + s->udp_silent) * 9)
			continue;
		t = analysis_trouble(a, TROUBLE_UDP_PARTLY, &s->silent_key, s->silent_client, false);
		t->flows = s->udp_silent;
		t->amount = s->silent_packets;
		t->of = s->udp_answered;
		t->flow = s->silent_flow;
		t->packet = s->silent_packet;
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
	s->udp_answered += f->half[!f->client].packets > 0;
	if (f->half[!f->client].packets && udp_has_numbers(f->key.port[!f->client]))
		udp_asked(a, f, s);
	else
		s->asked += f->half[f->client].packets;
	if (many(&f->key, !f->client) || a->sum.last_ns - f->first_ns < ANSWER_NS)
		return;
	if (!answers(f->key.port[!f->client]))
		note_answers(s, f);
	if (f->half[!f->client].packets || !answers(f->key.port[!f->client]))
		return;
	s->silent++;
	t = trouble_of(a, f, TROUBLE_UDP_SILENT, false, f->first_packet);
	t->amount += f->half[f->client].packets;
	t->packet_2 = f->last_packet;
}
