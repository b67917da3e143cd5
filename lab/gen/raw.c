// SPDX-License-Identifier: GPL-2.0-or-later
/* Frames on a device: given in hex, or UDP and TCP from sources that do not exist. */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "gen.h"

struct frame {
	unsigned char data[MAX_FRAME];
	size_t len;
};

static uint32_t sum16(const void *data, size_t len, uint32_t sum)
{
	const unsigned char *p = data;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (len & 1)
		sum += (uint32_t)p[len - 1] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void parse_hex(const char *text, struct frame *f)
{
	unsigned int byte;
	int used;

	f->len = 0;
	while (*text) {
		if (f->len == sizeof(f->data) || sscanf(text, " %2x%n", &byte, &used) != 1)
			usage_error("not a frame in hex", text);
		f->data[f->len++] = (unsigned char)byte;
		text += used;
	}
}

static void parse_mac(const char *text, unsigned char *mac)
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4,
		   mac + 5) != 6)
		usage_error("not a MAC address", text);
}

/* The transport header and payload; its checksum covers the addresses, which follow each other. */
static size_t build_transport(const struct options *o, u64 i, unsigned char *p, const void *addrs,
			      size_t addrs_len)
{
	static const char letters[] = "FSRPAU";
	size_t len = (o->udp ? sizeof(struct udphdr) : sizeof(struct tcphdr)) + o->size, k;
	size_t says = o->udp_length ? o->udp_length : len;
	uint16_t sport = htons((uint16_t)(o->from_port + i % o->source_ports));
	uint16_t dport = htons((uint16_t)o->to_port), check;
	uint32_t sum, seq = htonl((uint32_t)(i * 1000 + 1));

	memset(p, 0, len);
	memcpy(p, &sport, 2);
	memcpy(p + 2, &dport, 2);
	if (o->udp) {
		p[4] = (unsigned char)(says >> 8);
		p[5] = (unsigned char)says;
	} else {
		memcpy(p + 4, &seq, 4);
		p[12] = sizeof(struct tcphdr) / 4 << 4;
		for (k = 0; letters[k]; k++)
			p[13] |= strchr(o->tcp_flags, letters[k]) ? 1 << k : 0;
		p[14] = 0xff; /* window */
	}
	sum = sum16(addrs, addrs_len, (uint32_t)len + (o->udp ? IPPROTO_UDP : IPPROTO_TCP));
	check = fold(sum16(p, len, sum));
	if (o->udp && !check)
		check = 0xffff;
	if (o->bad_checksum)
		check = check == htons(0x1234) ? htons(0x1235) : htons(0x1234);
	memcpy(p + (o->udp ? 6 : 16), &check, 2);
	return len;
}

/* The headers are made aside: after 14 bytes of Ethernet nothing is aligned. */
static size_t build_ip4(const struct options *o, u64 i, unsigned char *p, uint32_t from,
			uint32_t to)
{
	uint32_t addrs[2] = {htonl(ntohl(from) + (uint32_t)(i / o->source_ports % o->sources)), to};
	struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .saddr = addrs[0], .daddr = to};
	size_t len = build_transport(o, i, p + sizeof(ip), addrs, sizeof(addrs)) + sizeof(ip);

	ip.tot_len = htons((uint16_t)len);
	ip.id = htons((uint16_t)i);
	ip.protocol = o->udp ? IPPROTO_UDP : IPPROTO_TCP;
	ip.check = fold(sum16(&ip, sizeof(ip), 0));
	memcpy(p, &ip, sizeof(ip));
	return len;
}

static size_t build_ip6(const struct options *o, u64 i, unsigned char *p, struct in6_addr from,
			struct in6_addr to)
{
	struct ip6_hdr ip = {.ip6_hlim = 64};
	struct in6_addr addrs[2] = {from, to};
	uint32_t low;
	size_t len;

	memcpy(&low, &addrs[0].s6_addr[12], 4);
	low = htonl(ntohl(low) + (uint32_t)(i / o->source_ports % o->sources));
	memcpy(&addrs[0].s6_addr[12], &low, 4);
	len = build_transport(o, i, p + sizeof(ip), addrs, sizeof(addrs));
	ip.ip6_vfc = 0x60;
	ip.ip6_plen = htons((uint16_t)len);
	ip.ip6_nxt = o->udp ? IPPROTO_UDP : IPPROTO_TCP;
	ip.ip6_src = addrs[0];
	ip.ip6_dst = addrs[1];
	memcpy(p, &ip, sizeof(ip));
	return len + sizeof(ip);
}

static void build_frame(const struct options *o, u64 i, struct frame *f)
{
	struct address from = resolve(o->from, o->from_port, SOCK_DGRAM, 0);
	struct address to = resolve(o->to, o->to_port, SOCK_DGRAM, 0);
	struct ether_header *eth = (struct ether_header *)f->data;
	bool v6 = to.sa.ss_family == AF_INET6;

	if (from.sa.ss_family != to.sa.ss_family)
		usage_error("--from and --to are of two families", o->from);
	parse_mac(o->dmac, eth->ether_dhost);
	parse_mac(o->smac ? o->smac : "02:00:00:00:00:99", eth->ether_shost);
	eth->ether_type = htons(v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	if (v6)
		f->len = build_ip6(o, i, f->data + sizeof(*eth),
				   ((struct sockaddr_in6 *)&from.sa)->sin6_addr,
				   ((struct sockaddr_in6 *)&to.sa)->sin6_addr);
	else
		f->len = build_ip4(o, i, f->data + sizeof(*eth),
				   ((struct sockaddr_in *)&from.sa)->sin_addr.s_addr,
				   ((struct sockaddr_in *)&to.sa)->sin_addr.s_addr);
	f->len += sizeof(*eth);
}

void raw(const struct options *o)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET};
	static struct frame f;
	u64 i, start, kinds = 0;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	ll.sll_ifindex = (int)if_nametoindex(o->device);
	if (fd < 0 || !ll.sll_ifindex || bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		die(o->device);
	while (o->frames[kinds])
		kinds++;
	if (!kinds && (!o->from || !o->to || !o->dmac || (!o->udp && !o->tcp_flags)))
		usage_error("raw needs frames in hex, or --udp or --tcp with",
			    "--from --to --dmac");
	tell_ready(o);
	for (i = 0, start = now_ns(); i < o->count && !stop; i++) {
		pace(o, start, i);
		if (kinds)
			parse_hex(o->frames[i % kinds], &f);
		else
			build_frame(o, i, &f);
		if (send(fd, f.data, f.len, 0) < 0) {
			total.failed++;
			continue;
		}
		total.sent++;
		total.bytes += f.len;
	}
}
