// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Scrubbing: what substitutes keep, that rules judge substituted packets as they judged the real
 * ones, and that damaged entries are left out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <sys/socket.h>

#include "collect/collect.h"
#include "collect/netlink.h"
#include "collect/recording.h"
#include "scrub/map.h"

#ifndef SOURCE_ROOT
#define SOURCE_ROOT "."
#endif
#define FIXTURES SOURCE_ROOT "/tests/fixtures/"

static const struct siphash_key some_key = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

/* Numbers that are the same in every run. */
static uint64_t next_number(void)
{
	static uint64_t n;
	const struct siphash_key key = {1, 2};

	n++;
	return siphash(&key, &n, sizeof(n));
}

static void random_address(uint8_t *to)
{
	for (int i = 0; i < 16; i++)
		to[i] = (uint8_t)next_number();
}

static void load(const char *path, struct buf *b)
{
	cleanup(cleanup_fd) int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(buf_read_fd(b, fd, 1 << 20), 0);
}

/* The test vectors of the paper's authors. */
static void siphash_is_siphash(void **state)
{
	uint8_t data[15];

	(void)state;
	for (uint8_t i = 0; i < sizeof(data); i++)
		data[i] = i;
	assert_true(siphash(&some_key, data, 0) == 0x726fdb47dd0e0e31ULL);
	assert_true(siphash(&some_key, data, 1) == 0x74f839c593dc67fdULL);
	assert_true(siphash(&some_key, data, 8) == 0x93f5f5799a932462ULL);
	assert_true(siphash(&some_key, data, 15) == 0xa129ca6149be45e5ULL);
}

static unsigned int shared_bits(const uint8_t *a, const uint8_t *b, unsigned int most)
{
	unsigned int n = 0;

	while (n < most && ((a[n / 8] ^ b[n / 8]) & (0x80 >> n % 8)) == 0)
		n++;
	return n;
}

static void prefixes_are_kept(void **state)
{
	struct scrubber s;

	(void)state;
	scrubber_init(&s, &some_key);
	for (int i = 0; i < 4000; i++) {
		int family = i % 2 ? AF_INET6 : AF_INET;
		unsigned int bits = i % 2 ? 128 : 32, shared, cut;
		uint8_t a[16], b[16], a2[16], b2[16], part[16];

		random_address(a);
		random_address(b);
		cut = (unsigned int)next_number() % bits;
		memcpy(b, a, cut / 8);
		shared = shared_bits(a, b, bits);
		memcpy(a2, a, 16);
		memcpy(b2, b, 16);
		scrub_address(&s, family, a2, 128);
		scrub_address(&s, family, b2, 128);
		assert_int_equal(shared_bits(a2, b2, bits), shared);
		/* A prefix becomes the prefix of what becomes of an address in it. */
		memcpy(part, a, 16);
		scrub_address(&s, family, part, cut);
		assert_true(shared_bits(part, a2, bits) >= cut);
	}
	scrubber_done(&s);
}

static void becomes(struct scrubber *s, const char *from, const char *begins, bool same)
{
	int family = strchr(from, ':') ? AF_INET6 : AF_INET;
	uint8_t address[16];
	char to[INET6_ADDRSTRLEN];

	assert_int_equal(inet_pton(family, from, address), 1);
	scrub_address(s, family, address, 128);
	inet_ntop(family, address, to, sizeof(to));
	if (strncmp(to, begins, strlen(begins)) != 0 || same != (strcmp(to, from) == 0))
		fail_msg("%s becomes %s", from, to);
}

static void classes_are_kept(void **state)
{
	static const char *const same[] = {"0.0.0.0", "127.0.0.1", "127.3.2.1", "255.255.255.255",
					   "224.0.0.251", "::", "::1", "ff02::1", "ff02::fb",
					   "::ffff:127.0.0.1", "::ffff:0.0.0.0", "ff02::16"};
	static const char *const others[][2] = {
		{"169.254.12.13", "169.254."}, {"10.20.30.40", "10."}, {"192.168.7.9", "192.168."},
		{"fe80::1234:56ff:fe78:9abc", "fe80::"}, {"fd12:3456:789a::1", "f"},
		{"::ffff:10.20.30.40", "::ffff:10."}, {"ff02::1:ff78:9abc", "ff02::1:ff"},
		{"64:ff9b::10.20.30.40", "64:ff9b::"}, {"ff05::1:3", "ff05:"},
		{"8.8.4.4", ""}, {"2001:db8::1", ""}};
	struct scrubber s;

	(void)state;
	for (uint64_t k = 0; k < 50; k++) {
		struct siphash_key key = {k, ~k};

		scrubber_init(&s, &key);
		for (size_t i = 0; i < ARRAY_SIZE(same); i++)
			becomes(&s, same[i], same[i], true);
		/* Under one key in very many an address becomes itself. */
		for (size_t i = 0; k == 7 && i < ARRAY_SIZE(others); i++)
			becomes(&s, others[i][0], others[i][1], false);
		scrubber_done(&s);
	}
}

static void no_address_changes_its_class(void **state)
{
	struct scrubber s;

	(void)state;
	scrubber_init(&s, &some_key);
	for (int i = 0; i < 20000; i++) {
		uint8_t a[16], b[16];

		random_address(a);
		memcpy(b, a, 16);
		scrub_address(&s, AF_INET, b, 128);
		assert_int_equal(a[0] >= 224, b[0] >= 224);
		assert_int_equal(a[0] == 127, b[0] == 127);
		assert_int_equal(a[0] == 10, b[0] == 10);
		assert_int_equal(a[0] == 169 && a[1] == 254, b[0] == 169 && b[1] == 254);
		memcpy(b, a, 16);
		scrub_address(&s, AF_INET6, b, 128);
		assert_int_equal(a[0] == 0xff, b[0] == 0xff);
		assert_int_equal((a[0] & 0xfe) == 0xfc, (b[0] & 0xfe) == 0xfc);
	}
	scrubber_done(&s);
}

static void mapped_is_equal_to_ipv4(void **state)
{
	struct scrubber s;

	(void)state;
	scrubber_init(&s, &some_key);
	for (int i = 0; i < 1000; i++) {
		uint8_t four[16], six[16] = {[10] = 0xff, [11] = 0xff};

		random_address(four);
		memcpy(six + 12, four, 4);
		scrub_address(&s, AF_INET, four, 32);
		scrub_address(&s, AF_INET6, six, 128);
		assert_memory_equal(six + 12, four, 4);
		assert_true(six[10] == 0xff && six[11] == 0xff && !six[0] && !six[9]);
	}
	scrubber_done(&s);
}

static void ranges_hold_the_same(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < 60; round++) {
		struct siphash_key key = {round, 5};
		uint8_t low[8][16], high[8][16], a[16];
		int family = round % 2 ? AF_INET6 : AF_INET;
		size_t size = round % 2 ? 16 : 4, same = round % 4;
		struct scrubber s;

		scrubber_init(&s, &key);
		for (int pass = 0; pass < 2; pass++) {
			s.learning = pass == 0;
			for (size_t i = 0; pass == 0 && i < 8; i++) {
				random_address(low[i]);
				random_address(high[i]);
				memcpy(high[i], low[i], same);
				if (memcmp(low[i], high[i], size) > 0) {
					memcpy(a, low[i], 16);
					memcpy(low[i], high[i], 16);
					memcpy(high[i], a, 16);
				}
			}
			for (size_t i = 0; i < 8; i++) {
				uint8_t low2[16], high2[16];

				memcpy(low2, low[i], 16);
				memcpy(high2, high[i], 16);
				scrub_range(&s, family, low2, high2);
				for (int n = 0; pass == 1 && n < 200; n++) {
					uint8_t b[16];
					bool before, after;

					random_address(a);
					memcpy(a, n % 2 ? low[i] : high[i], (size_t)n % size);
					memcpy(b, a, 16);
					scrub_address(&s, family, b, 128);
					before = memcmp(a, low[i], size) >= 0 &&
						 memcmp(a, high[i], size) <= 0;
					after = memcmp(b, low2, size) >= 0 &&
						memcmp(b, high2, size) <= 0;
					assert_int_equal(before, after);
				}
			}
		}
		scrubber_done(&s);
	}
}

static void device(struct scrubber *s, const char *name, bool stem, char *to)
{
	snprintf(to, 24, "%s", scrub_device(s, name, strlen(name), stem));
	assert_true(strlen(to) <= 15);
}

static void wildcards_match_the_same(void **state)
{
	static const char *const names[] = {"lo", "eth0", "eth1", "eth10", "eth", "veth0123456789a",
					    "veth1", "wlan0", "e", "lo1", "enp0s31f6"};
	static const char *const stems[] = {"eth", "e", "veth", "eth1", "ve", "l", "x"};
	struct scrubber s;

	(void)state;
	scrubber_init(&s, &some_key);
	s.learning = true;
	for (size_t i = 0; i < ARRAY_SIZE(stems); i++)
		scrub_device(&s, stems[i], strlen(stems[i]), true);
	scrubber_learned(&s);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char to[24], again[24], stem[24];

		device(&s, names[i], false, to);
		device(&s, names[i], false, again);
		assert_string_equal(to, again);
		assert_int_equal(strcmp(names[i], "lo") == 0, strcmp(names[i], to) == 0);
		for (size_t k = 0; k < ARRAY_SIZE(stems); k++) {
			device(&s, stems[k], true, stem);
			/* Devices that begin like loopback are the exception. */
			if (strcmp(names[i], "lo1") != 0)
				assert_int_equal(
					strncmp(names[i], stems[k], strlen(stems[k])) == 0,
					strncmp(to, stem, strlen(stem)) == 0);
		}
		for (size_t k = 0; k < i; k++) {
			device(&s, names[k], false, again);
			assert_string_not_equal(to, again);
		}
	}
	scrubber_done(&s);
}

/* ---- rules ---- */

static void put_fixture(struct recording *r, const char *as, const char *file)
{
	cleanup(buf_done) struct buf b = {0};
	char path[256];

	snprintf(path, sizeof(path), FIXTURES "%s", file);
	load(path, &b);
	recording_put(r, as, 0, &b);
}

static struct recording *firewall(void)
{
	static const char *const answers[] = {"nft-tables", "nft-chains", "nft-rules", "nft-set-0",
					      "nft-set-1",  "nft-set-2",  "nft-set-3", "nft-set-4",
					      "addresses"};
	static const char *const options[] = {"ip-filter-info-0", "ip-filter-entries-0",
					      "ip6-filter-info-0", "ip6-filter-entries-0"};
	struct recording *r = recording_new();
	struct buf names = {0};
	char as[64], file[64];

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		snprintf(as, sizeof(as), "1/b/nl/%s", answers[i]);
		snprintf(file, sizeof(file), "nft/%s.bin", answers[i]);
		put_fixture(r, as, file);
	}
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		snprintf(as, sizeof(as), "1/b/opt/%s", options[i]);
		snprintf(file, sizeof(file), "nft/%s.bin", options[i]);
		put_fixture(r, as, file);
	}
	buf_puts(&names, "filter\n");
	recording_put(r, "1/b/proc/net/ip_tables_names", 0, &names);
	recording_put(r, "1/b/proc/net/ip6_tables_names", 0, &names);
	buf_done(&names);
	return r;
}

static void collect_firewall(struct recording *r, struct snapshot *to)
{
	struct netns ns = {.inode = 1, .fd = -1};
	struct host h = {.ns = &ns, .phase = "b", .recording = r, .replay = true};

	assert_int_equal(collect_nft(&h, to), 0);
	assert_int_equal(collect_iptables(&h, to), 0);
}

/* What the fixture's rules ask for, and what is near it. */
static void random_packet(struct packet *p)
{
	static const char *const devices[] = {"eth0", "eth7", "wlan0", "lo", "dummy0", ""};
	static const uint8_t four[][4] = {{10, 1, 3, 9}, {10, 200, 0, 1}, {192, 168, 1, 5},
					  {192, 168, 1, 6}, {192, 0, 2, 77}, {1, 2, 3, 4},
					  {1, 2, 3, 9}, {1, 2, 3, 10}, {1, 1, 1, 1}, {1, 1, 1, 9},
					  {2, 2, 2, 2}, {5, 6, 7, 8}, {1, 0, 0, 1}, {8, 8, 8, 8}};
	static const uint8_t six[][16] = {{0x20, 1, 0xd, 0xb8, [15] = 1}, {0x20, 1, 0xd, 0xb9},
					  {0xff, 2, [15] = 1}, {0xfe, 0x80, [15] = 9}};
	static const uint16_t ports[] = {1, 2, 3, 5, 9, 10, 22, 23, 53, 80, 85, 99, 443, 1000, 1500,
					 2000, 60001, 40000};

	*p = (struct packet){.family = next_number() % 4 ? AF_INET : AF_INET6,
			     .protocol = next_number() % 2 ? 6 : 17,
			     .in_ifindex = 2,
			     .out_device = ""};
	for (int side = 0; side < 2; side++) {
		uint8_t *to = side ? p->destination : p->source;

		if (p->family == AF_INET)
			memcpy(to, four[next_number() % ARRAY_SIZE(four)], 4);
		else
			memcpy(to, six[next_number() % ARRAY_SIZE(six)], 16);
		if (next_number() % 8 == 0)
			random_address(to);
	}
	p->source_port = ports[next_number() % ARRAY_SIZE(ports)];
	p->destination_port = ports[next_number() % ARRAY_SIZE(ports)];
	p->in_device = devices[next_number() % ARRAY_SIZE(devices)];
}

static struct rule_walk walk(const struct snapshot *s, const struct packet *p, unsigned int hook)
{
	struct rule_walk w = {.sets = {&s->nft, &s->iptables},
			      .family = p->family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6,
			      .hook = hook,
			      .steps = 10000};

	rule_walk(&w, p);
	return w;
}

static void rules_judge_the_same(void **state)
{
	struct snapshot before = {0}, after = {0};
	struct recording *r = firewall();
	unsigned int stops = 0, definite = 0;
	struct scrubber s;

	(void)state;
	collect_firewall(r, &before);
	scrubber_init(&s, &some_key);
	scrub_all(&s, r);
	collect_firewall(r, &after);
	assert_int_equal(before.nft.rules.n, after.nft.rules.n);
	assert_int_equal(before.nft.chains.n, after.nft.chains.n);
	assert_int_equal(before.nft.ops.n, after.nft.ops.n);
	assert_int_equal(before.nft.entries.n, after.nft.entries.n);
	assert_int_equal(before.nft.locals.n, after.nft.locals.n);
	assert_int_equal(before.iptables.rules.n, after.iptables.rules.n);
	assert_int_equal(before.iptables.ops.n, after.iptables.ops.n);
	for (size_t i = 0; i < before.nft.rules.n; i++)
		assert_int_equal(before.nft.rules.items[i].answer, after.nft.rules.items[i].answer);
	for (size_t i = 0; i < before.iptables.rules.n; i++)
		assert_int_equal(before.iptables.rules.items[i].answer,
				 after.iptables.rules.items[i].answer);
	for (size_t i = 0; i < before.nft.ops.n; i++)
		assert_int_equal(before.nft.ops.items[i].kind, after.nft.ops.items[i].kind);
	for (int i = 0; i < 20000; i++) {
		struct packet p, q;
		char name[24];
		struct rule_walk one, other;
		unsigned int hook = (unsigned int)next_number() % 5;

		random_packet(&p);
		q = p;
		snprintf(name, sizeof(name), "%s",
			 scrub_device(&s, p.in_device, strlen(p.in_device), false));
		q.in_device = name;
		scrub_address(&s, q.family, q.source, 128);
		scrub_address(&s, q.family, q.destination, 128);
		one = walk(&before, &p, hook);
		other = walk(&after, &q, hook);
		assert_int_equal(one.n, other.n);
		assert_int_equal(one.more, other.more);
		for (size_t k = 0; k < one.n; k++) {
			assert_int_equal(one.stops[k].chain, other.stops[k].chain);
			assert_int_equal(one.stops[k].rule, other.stops[k].rule);
			assert_int_equal(one.stops[k].definite, other.stops[k].definite);
			definite += one.stops[k].definite;
		}
		stops += (unsigned int)one.n;
	}
	assert_true(stops > 1000 && definite > 500);
	snapshot_done(&before);
	snapshot_done(&after);
	scrubber_done(&s);
	recording_free(r);
}

/* ---- answers ---- */

static void answers_say_the_same(void **state)
{
	struct snapshot before = {0}, after = {0};
	struct scrubber s;

	(void)state;
	scrubber_init(&s, &some_key);
	for (int pass = 0; pass < 2; pass++) {
		struct snapshot *to = pass ? &after : &before;
		static const char *const names[] = {"links", "netconf4", "qdiscs", "neighs4",
						    "neighs6", "neigh-tables", "udp4", "tcp4"};

		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			cleanup(buf_done) struct buf b = {0};
			char path[256];
			int r = 0;

			snprintf(path, sizeof(path), FIXTURES "netlink/%s.bin", names[i]);
			load(path, &b);
			if (pass)
				assert_int_equal(scrub_netlink(&s, names[i], &b), 0);
			r = i == 0   ? parse_links(&b, to)
			    : i == 1 ? parse_netconf(&b, to)
			    : i == 2 ? parse_qdiscs(&b, to)
			    : i < 5  ? parse_neighs(&b, to)
			    : i == 5 ? parse_neigh_tables(&b, to)
				     : parse_sockets(&b, i == 6 ? 17 : 6, false, to);
			assert_int_equal(r, 0);
		}
	}
	assert_true(before.links.n > 1 && before.links.n == after.links.n);
	assert_int_equal(before.sockets.n, after.sockets.n);
	assert_int_equal(before.neighs.n, after.neighs.n);
	assert_int_equal(before.neigh_macs.n, after.neigh_macs.n);
	for (size_t i = 0; i < before.neigh_macs.n; i++)
		assert_memory_not_equal(before.neigh_macs.items[i].mac, after.neigh_macs.items[i].mac, 6);
	assert_int_equal(before.qdiscs.n, after.qdiscs.n);
	assert_memory_equal(before.qdiscs.items, after.qdiscs.items,
			    before.qdiscs.n * sizeof(struct qdisc));
	assert_memory_equal(before.neigh_tables.items, after.neigh_tables.items,
			    before.neigh_tables.n * sizeof(struct neigh_table));
	for (size_t i = 0; i < before.links.n; i++) {
		struct link a = before.links.items[i], b = after.links.items[i];

		assert_int_equal(strcmp(a.name, b.name) == 0, strcmp(a.name, "lo") == 0);
		memset(a.name, 0, sizeof(a.name));
		memset(b.name, 0, sizeof(b.name));
		/* Which card it is goes; that lo has none stays. */
		assert_int_equal(memcmp(a.mac, b.mac, sizeof(a.mac)) == 0,
				 !(a.mac[0] | a.mac[1] | a.mac[2] | a.mac[3] | a.mac[4] | a.mac[5]));
		memset(a.mac, 0, sizeof(a.mac));
		memset(b.mac, 0, sizeof(b.mac));
		assert_memory_equal(&a, &b, sizeof(a));
	}
	for (size_t i = 0; i < before.sockets.n; i++) {
		struct socket a = before.sockets.items[i], b = after.sockets.items[i];

		scrub_address(&s, a.family, a.local, 128);
		scrub_address(&s, a.family, a.remote, 128);
		assert_memory_equal(&a, &b, sizeof(a));
	}
	snapshot_done(&before);
	snapshot_done(&after);
	scrubber_done(&s);
}

/* ---- damage ---- */

/* In memory of just its size, so that a sanitizer sees a step beyond. */
static void scrub_copy(const char *name, const char *data, size_t n)
{
	struct scrubber scrubber, *s = &scrubber;

	scrubber_init(s, &some_key);
	for (int pass = 0; pass < 2; pass++) {
		struct buf b = {0};
		int r;

		b.data = malloc(n ? n : 1);
		b.len = b.capacity = n;
		memcpy(b.data, data, n);
		s->learning = pass == 0;
		if (strstr(name, "nft-set"))
			r = scrub_set(s, &b);
		else if (strstr(name, "entries"))
			r = scrub_iptables(s, name[2] == '6', &b);
		else
			r = scrub_netlink(s, name, &b);
		assert_true(r == 0 || r == -EBADMSG || r == -EMSGSIZE);
		buf_done(&b);
	}
	scrubber_done(s);
}

static void damaged_entries_do_no_harm(void **state)
{
	static const struct {
		const char *name, *file;
	} entries[] = {
		{"nft-tables", "nft/nft-tables"}, {"nft-chains", "nft/nft-chains"},
		{"nft-rules", "nft/nft-rules"},	  {"nft-set-0", "nft/nft-set-0"},
		{"nft-set-3", "nft/nft-set-3"},	  {"addresses", "nft/addresses"},
		{"links", "netlink/links"},	  {"qdiscs", "netlink/qdiscs"},
		{"neighs6", "netlink/neighs6"},	  {"udp4", "netlink/udp4"},
		{"ip-filter-entries-0", "nft/ip-filter-entries-0"},
		{"ip6-filter-entries-0", "nft/ip6-filter-entries-0"},
	};
	static const char values[] = {0, 1, (char)0x80, (char)0xff};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		cleanup(buf_done) struct buf b = {0};
		char path[256];
		size_t step;

		snprintf(path, sizeof(path), FIXTURES "%s.bin", entries[i].file);
		load(path, &b);
		step = b.len / 800 + 1;
		for (size_t n = 0; n < b.len; n += step)
			scrub_copy(entries[i].name, b.data, n);
		for (size_t at = 0; at < b.len; at += step)
			for (size_t v = 0; v < sizeof(values); v++) {
				char old = b.data[at];

				b.data[at] = values[v];
				scrub_copy(entries[i].name, b.data, b.len);
				b.data[at] = old;
			}
	}
}

/* ---- text ---- */

typedef int text_scrubber(struct scrubber *s, struct buf *data);

static int saved(struct scrubber *s, struct buf *data)
{
	scrub_saved(s, data);
	return 0;
}

static int listing(struct scrubber *s, struct buf *data)
{
	scrub_listing(s, data);
	return 0;
}

static int raw_file(struct scrubber *s, struct buf *data)
{
	return scrub_socket_file(s, SOCKET_FILE_RAW, data);
}

static int packet_file(struct scrubber *s, struct buf *data)
{
	return scrub_socket_file(s, SOCKET_FILE_PACKET, data);
}

static int netlink_file(struct scrubber *s, struct buf *data)
{
	return scrub_socket_file(s, SOCKET_FILE_NETLINK, data);
}

#define RAW_HEADER                                                                                 \
	"sl local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode " \
	"ref pointer drops\n"

struct text_case {
	text_scrubber *scrub;
	const char *text, *to; /* NULL: refused; * stands for a word of letters */
};

static void scrub_texts(const struct text_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf b = {0};
		struct scrubber s;
		const char *p, *q;

		scrubber_init(&s, &some_key);
		buf_puts(&b, cases[i].text);
		if (!cases[i].to) {
			assert_int_equal(cases[i].scrub(&s, &b), -EBADMSG);
		} else {
			assert_int_equal(cases[i].scrub(&s, &b), 0);
			p = b.data;
			for (q = cases[i].to; p && *q && *p; q++)
				if (*q == '*')
					p += strspn(p, "abcdefghijklmnopqrstuvwxyz23456789");
				else if (*q != *p++)
					break;
			if (*q || *p)
				fail_msg("'%s' became '%s'", cases[i].text, b.data);
		}
		buf_done(&b);
		scrubber_done(&s);
	}
}

static void text_is_scrubbed(void **state)
{
	static const struct text_case cases[] = {
		{scrub_process_stat, "12 (my prog) S 1 2 3\n", "12 (*) S 1 2 3\n"},
		{scrub_process_stat, "12 (a) b) S 1 2 3\n", "12 (*) S 1 2 3\n"},
		{scrub_process_stat, "12 my prog S 1 2 3\n", NULL},
		{scrub_process_stat, "12 (x) S 1 mine 3\n", NULL},
		{scrub_process_stat, "", NULL},
		{scrub_cgroups, "0::/\n", "0::/\n"},
		{scrub_cgroups, "3:cpu,cpuacct:/system.slice/acme.service\n9:misc:/acme\n",
		 "3:cpu,cpuacct:/system.slice/*.service\n"},
		{scrub_cgroups, "0::/../a:b/user-1000.slice/77\nbad\n", "0::/../*/*.slice/77\n"},
		{scrub_mounts,
		 "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup/a\\040b cgroup2 rw,secret 0 0\n"
		 "acme /acme ext4 rw 0 0\ncgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu 0 0\n",
		 "cgroup /sys/fs/cgroup/* cgroup2 rw 0 0\n"
		 "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu 0 0\n"},
		{raw_file,
		 "names\n 212: 0100007F:00FD 00000000:0000 07 00000000:00001040 00:00000000 0 0 0 "
		 "3654436 2 000000000166e69a 45\n",
		 RAW_HEADER "212: 0100007F:00FD 00000000:0000 07 00000000:00001040 00:00000000 0 0 0 "
			    "3654436 2 0 45 \n"},
		{raw_file, "names\n 1: acme:00FD 00000000:0000 07\n", NULL},
		{raw_file, "", NULL},
		{packet_file, "names\n00000000de66baf6 3 3 0003 1 1 4160 0 3654438\n",
		 "sk RefCnt Type Proto Iface R Rmem User Inode\n0 3 3 0003 1 1 4160 0 3654438 \n"},
		{packet_file, "names\n0 acme\n", NULL},
		{netlink_file,
		 "names\n00000000154ea305 0   812        00000111 0        0        0     2        3"
		 "        3654440\n",
		 "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode\n"
		 "0 0 812 00000111 0 0 0 2 3 3654440 \n"},
		{netlink_file, "names\n0 0 acme\n", NULL},
		{saved,
		 "# Generated by iptables-save v1.8.9 on Sun Nov 22\n:acme - [0:0]\n"
		 "-A INPUT ! -i eth9 -p tcp -m tcp --tcp-flags SYN,ACK SYN --dport 80:90 -j acme\nCOMMIT\n",
		 "-A INPUT ! -i * -p tcp -m tcp --tcp-flags SYN,ACK SYN --dport 80:90 -j *\nCOMMIT\n"},
		{saved, "-A acme -s 127.0.0.1/32 -m comment --comment --acme -m limit --limit 3/min -j DROP\n",
		 "-A * -s 127.0.0.1/32 -m comment --comment * -m limit --limit 3/min -j DROP\n"},
		{saved, "-A INPUT -m recent --name acme --seconds 60 -j LOG --log-prefix \"a \\\" acme\"\n",
		 "-A INPUT -m recent --name * --seconds 60 -j LOG --log-prefix \"*\"\n"},
		{saved, "-A INPUT -m mac --mac-source 02:00:00:00:00:01 -j DROP \"open",
		 "-A INPUT -m mac --mac-source * -j DROP \"*\"\n"},
		{listing, "table ip acme { # handle 1\n", "table ip * { # handle 1\n"},
		{listing, "\tjump acme comment \"for acme\" # handle 7",
		 "\tjump * comment \"*\" # handle 7"},
		{listing, "iifname \"eth9\" udp dport { 22, 1000-2000 } limit rate 5/second drop",
		 "iifname \"*\" udp dport { 22, 1000-2000 } limit rate 5/second drop"},
		{listing, "ip saddr 127.0.0.1 ip6 daddr ::1 @acme : jump acme",
		 "ip saddr 127.0.0.1 ip6 daddr ::1 @* : jump *"},
		{listing, "ether saddr 02:00:00:00:00:01 \"open", "ether saddr * \"*\""},
	};

	(void)state;
	scrub_texts(cases, ARRAY_SIZE(cases));
}

static void machine_is_scrubbed(void **state)
{
	static const struct text_case cases[] = {
		{scrub_interrupts,
		 "      CPU0  CPU3\n 41:  5906  7  PCI-MSIX-0000:00:04.0   1-edge   virtio3-rx\n"
		 " 42:  1  2  PCI-MSI 524288-edge  eth0-TxRx-3\n 9: 1 1 IO-APIC 9-fasteoi acpi\n"
		 "NMI:  0  0  Non-maskable interrupts\n",
		 " CPU0 CPU3\n41: 5906 7 virtio3\n42: 1 2 *\n9: 1 1 *\n"},
		{scrub_interrupts, "eth0\n", NULL},
		{scrub_queues,
		 "device 4 eth0 virtio2 1 1 -1 0-1\ndevice 5 ens3 0000:00:03.0 8 8 1 0-7\n"
		 "rx 4 0 ff 0\ntx 4 0 -\nirq 4 38 0-1 1\n",
		 "device 4 * virtio2 1 1 -1 0-1\ndevice 5 * hw 8 8 1 0-7\n"
		 "rx 4 0 ff 0\ntx 4 0 -\nirq 4 38 0-1 1\n"},
		{scrub_queues, "irq 4 38 mine 1\n", NULL},
		{scrub_queues, "acme 4\n", NULL},
		{scrub_kernel_log,
		 "6,12,9000,-;e1000: acme0 NIC Link is Down\n4,13,9001,c,acme;nf_conntrack: "
		 "nf_conntrack: table full in netns 4026532248, dropping packet\n6,14,1,-;acme\n",
		 "6,12,9000,;link is down\n4,13,9001,;nf_conntrack: table full\n"},
	};

	(void)state;
	scrub_texts(cases, ARRAY_SIZE(cases));
}

static void what_is_unknown_is_left_out(void **state)
{
	static const struct {
		const char *name, *text;
		bool kept;
	} entries[] = {
		{"1/a/proc/net/snmp", "Udp: A\nUdp: 1\n", true},
		{"1/a/proc/net/dev", "eth0: 1\n", false},
		{"1/a/proc/sys/net/core/rmem_max", "212992\n", true},
		{"1/a/proc/sys/net/core/rmem_max2", "212992\n", false},
		{"1/b/proc/sys/net/core/somaxconn", "acme\n", false},
		{"1/a/proc/1/environ", "SECRET=1", false},
		{"1/a/proc/version", "Linux", false},
		{"1/a/abs/etc/passwd", "root", false},
		{"1/a/abs/sys/fs/cgroup/acme.service/cpu.max", "max 100000\n", false},
		{"1/a/nl/ethtool", "x", false},
		{"1/a/nl/links", "x", false},
		{"1/a/opt/ip-acme-info-0", "x", false},
		{"1/a/ethtool/2-stats", "x", true},
		{"1/a/ethtool/2-driver", "x", false},
		{"1/a/ethtool/2-acme", "x", false},
		{"1/a/ethtool/acme-stats", "x", false},
		{"1/a/made/owners", "12 34\n", true},
		{"1/a/made/fds-12", "34\n", true},
		{"1/a/made/fds-acme", "34\n", false},
		{"1/a/made/fds-", "34\n", false},
		{"1/a/proc/12/limits", "Max open files            1024  unlimited  files\n", true},
		{"1/a/proc/13/limits", "Max open files            acme\n", false},
		{"1/a/proc/12/status", "Name:\tacme\nVmSwap:\t 12 kB\nCpus_allowed_list:\t0-1\n", true},
		{"1/a/made/owners-acme", "12 34\n", false},
		{"1/a/made/nft-list-ip-acme-in", "x", false},
		{"anything", "x", false},
		{"../a", "x", false},
		{"1/A/proc/net/snmp", "Udp: A\n", false},
	};
	struct recording *r = recording_new();
	struct buf b = {0};
	struct scrubber s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		buf_clear(&b);
		buf_puts(&b, entries[i].text);
		recording_put(r, entries[i].name, 0, &b);
	}
	recording_put(r, "1/b/nl/links", -EPERM, NULL);
	recording_put(r, "1/b/nl/acme", -EPERM, NULL);
	json_object_set_new(recording_meta(r), "host", json_string("acme-1"));
	json_object_set_new(recording_meta(r), "contact", json_string("acme"));
	scrubber_init(&s, &some_key);
	scrub_all(&s, r);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		assert_int_equal(recording_get(r, entries[i].name, NULL),
				 entries[i].kept ? 0 : -ENODATA);
	assert_int_equal(recording_get(r, "1/b/nl/links", NULL), -EPERM);
	assert_int_equal(recording_get(r, "1/b/nl/acme", NULL), -ENODATA);
	assert_null(json_object_get(recording_meta(r), "contact"));
	assert_null(strstr(json_string_value(json_object_get(recording_meta(r), "host")), "acme"));
	scrubber_done(&s);
	recording_free(r);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_is_siphash),
		cmocka_unit_test(prefixes_are_kept),
		cmocka_unit_test(classes_are_kept),
		cmocka_unit_test(no_address_changes_its_class),
		cmocka_unit_test(mapped_is_equal_to_ipv4),
		cmocka_unit_test(ranges_hold_the_same),
		cmocka_unit_test(wildcards_match_the_same),
		cmocka_unit_test(rules_judge_the_same),
		cmocka_unit_test(answers_say_the_same),
		cmocka_unit_test(damaged_entries_do_no_harm),
		cmocka_unit_test(text_is_scrubbed),
		cmocka_unit_test(machine_is_scrubbed),
		cmocka_unit_test(what_is_unknown_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
