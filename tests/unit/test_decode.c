// SPDX-License-Identifier: GPL-2.0-or-later
/* Headers of packets, whole, cut at every byte, and made of anything. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "capture/decode.h"

/* "45 00 0028 ..." as bytes; blanks are left out. */
static size_t bytes_of(const char *hex, uint8_t *to, size_t size)
{
	size_t n = 0;
	unsigned int half = 0, value = 0;

	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		value = value << 4 | (unsigned int)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
		if (half++ % 2) {
			assert_true(n < size);
			to[n++] = (uint8_t)value;
			value = 0;
		}
	}
	assert_int_equal(half % 2, 0);
	return n;
}

#define MAC	 "020000000002 020000000001 "
#define IP4_TCP	 "45 00 0034 1234 4000 40 06 0000 c0000201 c0000202 "
#define SYN	 "9c40 0050 00000001 00000000 8002 faf0 0000 0000 0204 05b4 0101 0402 0103 0307 "
#define IP4_UDP	 "45 00 0021 0001 0000 40 11 0000 0a000001 0a000002 "
#define UDP	 "1388 0035 000d 0000 68656c6c6f "
#define ADDRS6	 "20010db8000000000000000000000001 20010db8000000000000000000000002 "

static struct headers from_frame(const char *hex)
{
	uint8_t bytes[256];
	struct headers h;
	size_t n = bytes_of(hex, bytes, sizeof(bytes));

	decode_ethernet(bytes, n, &h);
	return h;
}

static struct headers from_ip(const char *hex)
{
	uint8_t bytes[256];
	struct headers h;
	size_t n = bytes_of(hex, bytes, sizeof(bytes));

	decode_ip(bytes, n, &h);
	return h;
}

static void assert_address(uint8_t family, const uint8_t *address, const char *expected)
{
	char text[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(family, address, text, sizeof(text)));
	assert_string_equal(text, expected);
}

static void tcp_over_ipv4(void **state)
{
	struct headers h = from_frame(MAC "0800 " IP4_TCP SYN);

	(void)state;
	assert_true(h.has_mac && h.has_ports && h.has_tcp && h.has_payload && !h.cut);
	assert_int_equal(h.ethertype, ETH_P_IP);
	assert_int_equal(h.family, AF_INET);
	assert_int_equal(h.protocol, IPPROTO_TCP);
	assert_int_equal(h.ttl, 64);
	assert_int_equal(h.ip_length, 52);
	assert_address(AF_INET, h.source, "192.0.2.1");
	assert_address(AF_INET, h.destination, "192.0.2.2");
	assert_int_equal(h.source_port, 40000);
	assert_int_equal(h.destination_port, 80);
	assert_int_equal(h.tcp_flags, TCP_SYN);
	assert_int_equal(h.sequence, 1);
	assert_int_equal(h.window, 64240);
	assert_int_equal(h.payload, 0);
	assert_int_equal(h.network_at, 14);
	assert_int_equal(h.transport_at, 34);
	assert_int_equal(h.payload_at, 66);
	assert_false(h.fragment);
}

static void udp_over_ipv4(void **state)
{
	struct headers h = from_ip(IP4_UDP UDP);

	(void)state;
	assert_false(h.has_mac || h.has_tcp || h.cut);
	assert_true(h.has_ports && h.has_payload);
	assert_int_equal(h.source_port, 5000);
	assert_int_equal(h.destination_port, 53);
	assert_int_equal(h.payload, 5);
	assert_int_equal(h.network_at, 0);
	assert_int_equal(h.transport_at, 20);
	/* Sent by GSO: neither length is there yet. */
	h = from_ip("45 00 0000 0001 0000 40 11 0000 0a000001 0a000002 1388 0035 0000 0000");
	assert_true(h.has_ports && !h.has_payload && !h.cut);
}

static void tags_are_told_and_left_behind(void **state)
{
	struct headers h = from_frame(MAC "8100 2007 0800 " IP4_UDP UDP);

	(void)state;
	assert_int_equal(h.vlans, 1);
	assert_int_equal(h.vlan[0], 7);
	assert_int_equal(h.network_at, 18);
	assert_int_equal(h.destination_port, 53);
	h = from_frame(MAC "88a8 0064 8100 0007 0800 " IP4_UDP UDP);
	assert_int_equal(h.vlans, 2);
	assert_int_equal(h.vlan[0], 100);
	assert_int_equal(h.vlan[1], 7);
	assert_int_equal(h.network_at, 22);
	assert_int_equal(h.destination_port, 53);
	/* A third one: nobody can say what is behind it. */
	h = from_frame(MAC "88a8 0064 8100 0007 8100 0008 0800 " IP4_UDP UDP);
	assert_int_equal(h.vlans, 2);
	assert_false(h.has_ports);
	/* A length in place of the ethertype. */
	h = from_frame(MAC "0026 4242 03 0000000000");
	assert_int_equal(h.ethertype, 0);
	assert_true(h.has_mac && !h.cut && !h.family);
}

static void ipv6_with_extension_headers(void **state)
{
	struct headers h;

	(void)state;
	h = from_ip("60000000 000d 11 40 " ADDRS6 UDP);
	assert_int_equal(h.family, AF_INET6);
	assert_address(AF_INET6, h.source, "2001:db8::1");
	assert_address(AF_INET6, h.destination, "2001:db8::2");
	assert_int_equal(h.ip_length, 53);
	assert_int_equal(h.destination_port, 53);
	assert_int_equal(h.payload, 5);
	/* Hop by hop, routing, destination options. */
	h = from_ip("60000000 0025 00 40 " ADDRS6 "2b 00 000000000000 3c 00 000000000000 "
		    "11 00 000000000000 " UDP);
	assert_int_equal(h.protocol, IPPROTO_UDP);
	assert_int_equal(h.transport_at, 64);
	assert_int_equal(h.source_port, 5000);
	/* Authentication: its length counts 32 bits, less two. */
	h = from_ip("60000000 0025 33 40 " ADDRS6
		    "11 04 0000 00000000 00000000 000000000000000000000000 " UDP);
	assert_int_equal(h.destination_port, 53);
	/* First fragment, then one without the transport header. */
	h = from_ip("60000000 0015 2c 40 " ADDRS6 "11 00 0001 00000001 " UDP);
	assert_true(h.fragment && h.has_ports);
	assert_int_equal(h.fragment_at, 0);
	h = from_ip("60000000 0015 2c 40 " ADDRS6 "11 00 0588 00000001 " UDP);
	assert_true(h.fragment && !h.has_ports && !h.cut);
	assert_int_equal(h.fragment_at, 0x588);
	assert_int_equal(h.protocol, IPPROTO_UDP);
	/* An atomic fragment is none. */
	h = from_ip("60000000 0015 2c 40 " ADDRS6 "11 00 0000 00000001 " UDP);
	assert_true(!h.fragment && h.has_ports);
}

static void fragments_of_ipv4(void **state)
{
	struct headers h = from_ip("45 00 0021 0001 2000 40 11 0000 0a000001 0a000002 " UDP);

	(void)state;
	assert_true(h.fragment && h.has_ports);
	h = from_ip("45 00 0021 0001 00b9 40 11 0000 0a000001 0a000002 " UDP);
	assert_true(h.fragment && !h.has_ports && !h.cut);
	assert_int_equal(h.fragment_at, 1480);
}

static void what_else_there_is(void **state)
{
	struct headers h = from_frame(MAC "0806 0001 0800 06 04 0001 020000000001 c0000201 "
					  "000000000000 c0000202");

	(void)state;
	assert_true(h.has_arp && !h.family);
	assert_int_equal(h.arp_operation, 1);
	assert_address(AF_INET, h.destination, "192.0.2.2");
	h = from_ip("45 00 001c 0001 0000 40 01 0000 0a000001 0a000002 0303 0000 00000000");
	assert_true(h.has_icmp && !h.has_ports);
	assert_int_equal(h.icmp_type, 3);
	assert_int_equal(h.icmp_code, 3);
	h = from_ip("60000000 0008 3a ff " ADDRS6 "8700 0000 00000000");
	assert_true(h.has_icmp);
	assert_int_equal(h.icmp_type, 135);
	h = from_ip("45 00 0024 0001 0000 40 84 0000 0a000001 0a000002 0b59 0b5a 00000000 00000000");
	assert_true(h.has_ports);
	assert_int_equal(h.source_port, 2905);
	h = from_ip("45 00 002c 0001 0000 40 2f 0000 0a000001 0a000002 00000800 " IP4_UDP);
	assert_string_equal(h.tunnel, "gre");
	assert_address(AF_INET, h.destination, "10.0.0.2");
	h = from_ip("45 00 0035 0001 0000 40 04 0000 0a000001 0a000002 " IP4_UDP UDP);
	assert_string_equal(h.tunnel, "ipip");
	assert_false(h.has_ports);
	h = from_ip("45 00 0032 0001 0000 40 11 0000 0a000001 0a000002 d431 12b5 001e 0000 08000000");
	assert_string_equal(h.tunnel, "vxlan");
	/* No protocol at all, and one that says it is another. */
	h = from_ip("00 00");
	assert_int_equal(h.ethertype, 0);
	h = from_frame(MAC "86dd " IP4_UDP UDP);
	assert_int_equal(h.family, 0);
}

/* A length that is smaller than the header it stands in. */
static void lengths_that_cannot_be(void **state)
{
	struct headers h = from_ip("44 00 0021 0001 0000 40 11 0000 0a000001 0a000002 " UDP);

	(void)state;
	assert_true(h.cut && !h.family);
	h = from_ip("45 00 0014 1234 4000 40 06 0000 c0000201 c0000202 "
		    "9c40 0050 00000001 00000000 1002 faf0 0000 0000");
	assert_true(h.cut && h.has_tcp && !h.has_payload);
	/* An IP length of less than the headers: no payload is told. */
	h = from_ip("45 00 0014 1234 4000 40 06 0000 c0000201 c0000202 "
		    "9c40 0050 00000001 00000000 5002 faf0 0000 0000");
	assert_true(h.has_tcp && !h.has_payload);
}

/* ---- as an event of the kernel has them ---- */

static struct drop_event event(uint16_t ethertype, const char *hex, uint16_t mac_header)
{
	struct drop_event e = {.ethertype = ethertype, .mac_header = mac_header,
			       .network_at = mac_header, .has_network = true};

	e.captured = (uint16_t)bytes_of(hex, e.bytes, sizeof(e.bytes));
	return e;
}

static void the_mac_header_has_to_fit(void **state)
{
	struct drop_event e = event(ETH_P_IP, MAC "0800 " IP4_UDP UDP, 14);
	struct headers h;

	(void)state;
	decode_event(&e, &h);
	assert_true(h.has_mac);
	assert_int_equal(h.destination_port, 53);
	/* A tag in the frame, which the kernel tells as the protocol or has looked behind. */
	e = event(ETH_P_8021Q, MAC "8100 0007 0800 " IP4_UDP UDP, 18);
	decode_event(&e, &h);
	assert_true(h.has_mac);
	assert_int_equal(h.vlan[0], 7);
	/* The outer packet of a tunnel device stands where the MAC header would. */
	e = event(ETH_P_IP, "45 00 0035 0001 0000 40 04 0000 0a000001 0a000002 " IP4_UDP UDP, 20);
	decode_event(&e, &h);
	assert_false(h.has_mac);
	assert_int_equal(h.network_at, 20);
	assert_int_equal(h.transport_at, 40);
	assert_int_equal(h.destination_port, 53);
	/* An Ethernet header that leads elsewhere. */
	e = event(ETH_P_IP, MAC "0800 0000 " IP4_UDP UDP, 16);
	decode_event(&e, &h);
	assert_false(h.has_mac);
	assert_int_equal(h.destination_port, 53);
}

static void without_a_network_header(void **state)
{
	struct drop_event e = event(ETH_P_ARP,
				    MAC "0806 0001 0800 06 04 0002 020000000001 c0000201 "
					"020000000002 c0000202",
				    14);
	struct headers h;

	(void)state;
	e.has_network = false;
	decode_event(&e, &h);
	assert_true(h.has_mac && h.has_arp);
	e = (struct drop_event){.ethertype = 0x88cc, .captured = 4, .bytes = {1, 2, 3, 4}};
	decode_event(&e, &h);
	assert_int_equal(h.ethertype, 0x88cc);
	assert_false(h.family || h.has_mac);
	/* What the kernel should never say. */
	e = event(ETH_P_IP, IP4_UDP UDP, 0);
	e.captured = 60000;
	e.network_at = 59000;
	decode_event(&e, &h);
	assert_false(h.family);
}

/* Bytes behind those given are not looked at: each copy ends where its memory does. */
static void decode_copy(const uint8_t *bytes, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);
	struct headers h;

	assert_non_null(exact);
	memcpy(exact, bytes, n);
	decode_ethernet(exact, n, &h);
	decode_ip(exact, n, &h);
	assert_true(h.payload_at <= n + 60);
	assert_true(h.vlans <= VLAN_TAGS_MAX);
	free(exact);
}

static void cut_at_every_byte(void **state)
{
	static const char *const whole[] = {
		IP4_TCP SYN,
		"60000000 0025 00 40 " ADDRS6 "2b 00 000000000000 3c 00 000000000000 "
		"11 00 000000000000 " UDP,
		"60000000 0015 2c 40 " ADDRS6 "11 00 0001 00000001 " UDP,
	};
	uint8_t bytes[256];
	struct headers h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
		size_t n = bytes_of(whole[i], bytes, sizeof(bytes));

		for (size_t at = 0; at < n; at++)
			decode_copy(bytes, at);
		decode_ip(bytes, 27, &h); /* in the ports, or in the addresses */
		assert_true(h.cut && !h.has_tcp);
	}
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Random bytes rarely get past the first check, so most begin as a header and go astray later. */
static void random_bytes(void **state)
{
	static const char *const begins[] = {
		"", MAC, MAC "8100 2007 0800 45", MAC "86dd 6000", "45", "4f", "60",
		"60000000 0025 00 40 " ADDRS6, "60000000 0025 2b 40 " ADDRS6 "33 00",
		"45 00 0034 1234 4000 40 06",
	};
	uint8_t bytes[DROP_EVENT_BYTES];
	uint32_t seed = 20261122;

	(void)state;
	for (unsigned int round = 0; round < 100000; round++) {
		struct drop_event e = {.ethertype = round % 2 ? ETH_P_IP : ETH_P_IPV6};
		size_t n = next_random(&seed) % (sizeof(bytes) + 1), begun;
		struct headers h;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(next_random(&seed) % 5 ? next_random(&seed) : 0);
		begun = bytes_of(begins[round % ARRAY_SIZE(begins)], bytes, sizeof(bytes));
		decode_copy(bytes, MAX(n, begun));
		memcpy(e.bytes, bytes, sizeof(bytes));
		e.captured = (uint16_t)(next_random(&seed) % 300);
		e.mac_header = (uint16_t)(next_random(&seed) % 20);
		e.network_at = (uint16_t)(next_random(&seed) % 300);
		e.has_network = round % 3;
		decode_event(&e, &h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_over_ipv4),
		cmocka_unit_test(udp_over_ipv4),
		cmocka_unit_test(tags_are_told_and_left_behind),
		cmocka_unit_test(ipv6_with_extension_headers),
		cmocka_unit_test(fragments_of_ipv4),
		cmocka_unit_test(what_else_there_is),
		cmocka_unit_test(lengths_that_cannot_be),
		cmocka_unit_test(the_mac_header_has_to_fit),
		cmocka_unit_test(without_a_network_header),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
