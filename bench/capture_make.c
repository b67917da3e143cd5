// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes large captures, the same ones each time, whose truth is known:
 *
 *   capture_make headers|full|flood FILE
 *
 * `headers`: 45,000 connections, 2.5 million packets, 128 bytes kept of each; `full`: 16,000 of the
 * same kind, whole packets; `flood`: a million SYNs from random sources beside 1,000 connections.
 * Captured at the sender: a segment that is lost is seen, and seen again. One connection in four is
 * IPv6. The truth goes to standard output, "NAME NUMBER" a line.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACTIVE 2000 /* connections at once */
#define MSS 1448
#define STEP_NS 8000 /* between two packets */
#define LOST_OF 48   /* one round in so many loses a segment */
#define SERVERS 64
#define FIN 1
#define SYN 2
#define PSH 8
#define ACK 16

enum phase { BEGIN, SYNACK, OPEN, DATA, ANSWER, AGAIN, HEALED, CLOSE, CLOSE_BACK, LAST, OVER };

struct connection {
	enum phase phase;
	bool six, lost;
	uint8_t sender, burst;
	uint16_t port, id[2];
	uint32_t client, server, rounds;
	uint32_t seq[2], acked[2], tsval[2];
};

static struct run {
	FILE *file;
	uint32_t snaplen;
	uint64_t now, state, packets, bytes, retransmitted, begun;
	uint8_t frame[16 + 14 + 40 + 60 + MSS];
} run;

static uint64_t dice(uint64_t n)
{
	run.state ^= run.state << 13;
	run.state ^= run.state >> 7;
	run.state ^= run.state << 17;
	return (run.state >> 11) % n;
}

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	v = htons(v);
	memcpy(p, &v, 2);
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	v = htonl(v);
	memcpy(p, &v, 4);
	return p + 4;
}

static void record(uint32_t length)
{
	uint32_t kept = length < run.snaplen ? length : run.snaplen;
	uint32_t head[4] = {(uint32_t)(run.now / 1000000000), (uint32_t)(run.now / 1000 % 1000000), kept,
			    length};

	memcpy(run.frame, head, sizeof(head));
	if (fwrite(run.frame, 16 + kept, 1, run.file) != 1) {
		perror("capture_make");
		exit(1);
	}
	run.bytes += 16 + kept;
	run.packets++;
	run.now += STEP_NS;
}

static uint8_t *address(uint8_t *p, const struct connection *c, int who)
{
	uint32_t v4 = who ? c->server : c->client;

	if (!c->six)
		return put32(p, v4);
	p = put32(p, 0xfd000000);
	p = put32(p, 0);
	p = put32(p, 0);
	return put32(p, v4);
}

static void segment(struct connection *c, int who, uint8_t flags, uint32_t seq, uint32_t size,
		    uint32_t sacked)
{
	uint32_t options = flags & SYN ? 20 : sacked ? 24 : 12, tcp = 20 + options;
	uint8_t *p = run.frame + 16, *ip;

	p = put16(put16(put16(p, 0x0200), 0), (uint16_t)(1 + !who));
	p = put16(put16(put16(p, 0x0200), 0), (uint16_t)(1 + who));
	p = put16(p, c->six ? 0x86dd : 0x0800);
	ip = p;
	if (c->six) {
		p = put32(p, 6U << 28);
		p = put16(p, (uint16_t)(tcp + size));
		p = put16(p, 6 << 8 | 64);
	} else {
		p = put16(put16(p, 0x4500), (uint16_t)(20 + tcp + size));
		p = put16(put16(p, flags == (SYN | ACK) ? 0 : c->id[who]++), 0x4000);
		p = put16(put16(p, 64 << 8 | 6), 0);
	}
	p = address(address(p, c, who), c, !who);
	p = put16(put16(p, who ? 80 : c->port), who ? c->port : 80);
	p = put32(put32(p, seq), flags & ACK ? c->acked[who] : 0);
	p = put16(p, (uint16_t)(tcp / 4 << 12 | flags));
	p = put32(put16(p, flags & SYN ? 64240 : 501), 0);
	if (flags & SYN)
		p = put32(put32(p, 0x020405b4), 0x0402080a);
	else
		p = put32(p, 0x0101080a);
	p = put32(p, c->tsval[who] + (uint32_t)(run.now / 1000000));
	p = put32(p, c->tsval[!who] + (uint32_t)(run.now / 1000000));
	if (flags & SYN)
		p = put32(p, 0x01030307);
	if (sacked)
		p = put32(put32(put32(p, 0x0101050a), c->acked[who] + MSS), sacked);
	record((uint32_t)(p - ip) + 14 + size);
}

static void send_data(struct connection *c)
{
	int who = c->sender;

	c->burst = (uint8_t)(2 + dice(8));
	c->lost = c->burst > 3 && dice(LOST_OF) == 0;
	for (int i = 0; i < c->burst; i++, c->seq[who] += MSS)
		segment(c, who, ACK | (i + 1 == c->burst ? PSH : 0), c->seq[who], MSS, 0);
}

static void answer(struct connection *c)
{
	int who = !c->sender;

	for (int i = 1; i <= c->burst; i++) {
		if (c->lost && i > 1)
			segment(c, who, ACK, c->seq[who], 0, c->acked[who] + (uint32_t)i * MSS);
		else if (!c->lost && (i % 2 == 0 || i == c->burst)) {
			c->acked[who] = c->seq[!who] - (uint32_t)(c->burst - i) * MSS;
			segment(c, who, ACK, c->seq[who], 0, 0);
		}
	}
}

/* The next packets of one connection. */
static void advance(struct connection *c)
{
	int who = c->sender;

	switch (c->phase++) {
	case BEGIN:
		segment(c, 0, SYN, c->seq[0]++, 0, 0);
		c->acked[1] = c->seq[0];
		return;
	case SYNACK:
		segment(c, 1, SYN | ACK, c->seq[1]++, 0, 0);
		c->acked[0] = c->seq[1];
		return;
	case OPEN:
		segment(c, 0, ACK, c->seq[0], 0, 0);
		return;
	case DATA:
		send_data(c);
		return;
	case ANSWER:
		answer(c);
		if (!c->lost)
			c->phase = --c->rounds ? DATA : CLOSE;
		return;
	case AGAIN:
		segment(c, who, ACK, c->acked[!who], MSS, 0);
		run.retransmitted++;
		return;
	case HEALED:
		c->acked[!who] = c->seq[who];
		segment(c, !who, ACK, c->seq[!who], 0, 0);
		c->phase = --c->rounds ? DATA : CLOSE;
		return;
	case CLOSE:
		segment(c, 0, FIN | ACK, c->seq[0]++, 0, 0);
		c->acked[1] = c->seq[0];
		return;
	case CLOSE_BACK:
		segment(c, 1, FIN | ACK, c->seq[1]++, 0, 0);
		c->acked[0] = c->seq[1];
		return;
	case LAST:
		segment(c, 0, ACK, c->seq[0], 0, 0);
		return;
	case OVER:
		return;
	}
}

static void begin(struct connection *c)
{
	uint32_t n = (uint32_t)run.begun++;

	*c = (struct connection){
		.six = n % 4 == 3, .sender = dice(3) != 0, .port = (uint16_t)(32768 + n % 28000),
		.client = 0x0a000000 + n / 7, .server = 0x0a640000 + (uint32_t)dice(SERVERS),
		.rounds = 1 + (uint32_t)(dice(6) ? dice(5) : dice(40)),
		.seq = {(uint32_t)dice(1ULL << 32), (uint32_t)dice(1ULL << 32)},
		.id = {(uint16_t)dice(65536), (uint16_t)dice(65536)},
		.tsval = {(uint32_t)dice(1ULL << 32), (uint32_t)dice(1ULL << 32)},
	};
}

/* Random ones of those that are active go on, and each that is over makes room for the next. */
static void connections(uint64_t n, uint64_t syns)
{
	static struct connection active[ACTIVE];
	size_t live = n < ACTIVE ? n : ACTIVE;

	for (size_t i = 0; i < live; i++)
		begin(&active[i]);
	while (live || syns) {
		size_t i = live ? dice(live) : 0;

		if (syns && (!live || dice(50))) {
			struct connection c = {.client = (uint32_t)dice(1ULL << 32), .server = 0x0a640001,
					       .port = (uint16_t)dice(65536),
					       .seq = {(uint32_t)dice(1ULL << 32)}};

			advance(&c);
			syns--;
			continue;
		}
		advance(&active[i]);
		if (active[i].phase != OVER)
			continue;
		if (run.begun < n)
			begin(&active[i]);
		else
			active[i] = active[--live];
	}
}

int main(int argc, char **argv)
{
	uint32_t head[6] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 0, 1};
	const char *kind = argc == 3 ? argv[1] : "";
	bool headers = !strcmp(kind, "headers"), flood = !strcmp(kind, "flood");

	if (!headers && !flood && strcmp(kind, "full") != 0) {
		fprintf(stderr, "usage: capture_make headers|full|flood FILE\n");
		return 2;
	}
	run = (struct run){.file = fopen(argv[2], "wb"), .snaplen = headers ? 128 : 262144,
			   .now = 1700000000000000000, .state = 88172645463325252};
	head[4] = run.snaplen;
	if (!run.file || fwrite(head, sizeof(head), 1, run.file) != 1) {
		perror(argv[2]);
		return 1;
	}
	connections(headers ? 45000 : flood ? 1000 : 16000, flood ? 1000000 : 0);
	if (fclose(run.file) != 0) {
		perror(argv[2]);
		return 1;
	}
	printf("packets %" PRIu64 "\nbytes %" PRIu64 "\nconnections %" PRIu64 "\nretransmitted %" PRIu64
	       "\n", run.packets, run.bytes + sizeof(head), run.begun, run.retransmitted);
	return 0;
}
