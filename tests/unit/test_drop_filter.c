// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Filters in the kernel: the translated code is run there on thousands of packets, and must say of
 * each what libpcap's own bpf_filter() says; then the drop tracer is given one. Needs what
 * test_drop_tracer needs.
 */
#define _GNU_SOURCE
#include "drop_scene.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include "drops/filter.h"
#include "drops/record.h"

#include "filter_oracle.h"

#define CODE_MAX 8192
#define PACKETS 2000

/* The function under test, called by a program of three instructions. */
struct runner {
	int map, program;
	struct filter_packet *packet; /* the map's memory */
};

static int load_runner(struct runner *r, const struct bpf_insn *code, size_t n)
{
	struct bpf_insn program[CODE_MAX + 4] = {
		{.code = BPF_LD | BPF_DW | BPF_IMM,
		 .dst_reg = BPF_REG_1,
		 .src_reg = BPF_PSEUDO_MAP_VALUE,
		 .imm = r->map},
		{0},
		{.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};

	memcpy(program + 4, code, n * sizeof(*code));
	r->program = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, NULL, "Dual BSD/GPL", program, n + 4,
				   NULL);
	return r->program < 0 ? r->program : 0;
}

static void make_map(struct runner *r)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

	r->map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "packet", 4, sizeof(*r->packet), 1, &opts);
	assert_true(r->map >= 0);
	r->packet = mmap(NULL, sizeof(*r->packet), PROT_READ | PROT_WRITE, MAP_SHARED, r->map, 0);
	assert_true(r->packet != MAP_FAILED);
}

static uint32_t run_in_kernel(const struct runner *r)
{
	uint8_t nothing[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = nothing, .data_size_in = sizeof(nothing));

	assert_int_equal(bpf_prog_test_run_opts(r->program, &opts), 0);
	return opts.retval;
}

static uint32_t seed = 1;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(seed >> 8) * n >> 24);
}

static uint32_t one_of(const uint32_t *list, size_t n)
{
	return list[random_below((uint32_t)n)];
}

static void put16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

/* Addresses, ports and protocols of which the filters below speak, so that both answers come. */
static uint32_t make_ip(uint8_t *to)
{
	static const uint32_t ports[] = {53, 80, 443, 8080, 1000, 5060};
	static const uint32_t protocols[] = {1, 6, 17, 17, 6, 132, 47, 58, 0, 44};
	bool v6 = random_below(3) == 0;
	uint32_t header = v6 ? 40 : 20 + 4 * random_below(4), length = header + random_below(400);

	for (uint32_t i = 0; i < FILTER_BYTES + 64; i++)
		to[i] = (uint8_t)random_below(256);
	if (v6) {
		to[0] = 0x60 | (to[0] & 15);
		to[6] = (uint8_t)one_of(protocols, ARRAY_SIZE(protocols));
		memcpy(to + 8, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0", 15);
		to[23] = (uint8_t)random_below(3);
		memcpy(to + 24, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0", 15);
		to[39] = (uint8_t)random_below(3);
	} else {
		to[0] = (uint8_t)(0x40 | header / 4);
		put16(to + 2, length);
		put16(to + 6, random_below(4) ? 0x4000 : random_below(65536));
		to[9] = (uint8_t)one_of(protocols, ARRAY_SIZE(protocols));
		memcpy(to + 12, "\xc0\x00\x02", 3);
		to[15] = (uint8_t)random_below(3);
		memcpy(to + 16, "\xc0\x00\x02", 3);
		to[19] = (uint8_t)random_below(3);
	}
	put16(to + header, one_of(ports, ARRAY_SIZE(ports)));
	put16(to + header + 2, one_of(ports, ARRAY_SIZE(ports)));
	if (random_below(20) == 0)
		to[0] = (uint8_t)random_below(256);
	return length;
}

static uint32_t make_frame(uint8_t *to)
{
	static const uint32_t types[] = {0x0800, 0x86dd, 0x0806, 0x8100, 0x8847};
	uint32_t type = one_of(types, ARRAY_SIZE(types)), at = 14, length;

	if (type == 0x8100) {
		put16(to + 14, random_below(4));
		put16(to + 16, one_of(types, 3));
		at = 18;
	}
	length = make_ip(to + at);
	if (type == 0x0806)
		memcpy(to + at, "\0\1\x08\0\6\4\0\1", 8);
	memcpy(to, "\2\0\0\0\0\0\2\0\0\0\0\0", 12);
	to[5] = (uint8_t)random_below(2);
	to[0] = random_below(10) ? 2 : 255;
	put16(to + 12, type);
	return at + length;
}

/* The verdicts of both on all packets. Returns how many matched. */
static unsigned int compare(const char *what, const struct sock_filter *filter, size_t n, bool link)
{
	static struct bpf_insn code[CODE_MAX];
	struct runner r;
	unsigned int matched = 0;
	size_t length;
	int err;

	err = filter_translate(filter, n, code, ARRAY_SIZE(code), &length);
	if (err)
		fail_msg("'%s': %s", what, errno_name(err));
	make_map(&r);
	err = load_runner(&r, code, length);
	if (err)
		fail_msg("'%s' is refused: %s", what, errno_name(err));
	seed = 1;
	for (int i = 0; i < PACKETS; i++) {
		uint8_t bytes[FILTER_BYTES + 128];
		uint32_t wire = link ? make_frame(bytes) : make_ip(bytes), here, there;
		uint32_t captured = random_below(8) ? wire : random_below(wire + 1);

		/* Some are cut, some longer than what was captured of them. */
		r.packet->captured = MIN(captured, FILTER_BYTES);
		r.packet->length = random_below(4) ? wire : wire + 1000;
		memcpy(r.packet->bytes, bytes, FILTER_BYTES);
		here = run_in_kernel(&r);
		there = oracle_run(filter, bytes, r.packet->length, r.packet->captured);
		if (here != there)
			fail_msg("'%s', packet %d: %u in the kernel, %u by libpcap", what, i, here,
				 there);
		matched += here != 0;
	}
	munmap(r.packet, sizeof(*r.packet));
	close(r.program);
	close(r.map);
	return matched;
}

static const char *const expressions[] = {
	"udp port 53",
	"tcp",
	"icmp or icmp6",
	"ip6",
	"host 192.0.2.1",
	"src host 192.0.2.1 and dst host 192.0.2.2",
	"net 192.0.2.0/31",
	"host 2001:db8::1",
	"ip6 net 2001:db8::/127",
	"port 80 or port 443",
	"portrange 1000-8080",
	"tcp dst portrange 400-500",
	"not port 53",
	"udp and not (port 53 or port 5060)",
	"tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
	"tcp[13] & 7 != 0",
	"len > 1000",
	"greater 100 and less 250",
	"ip[8] < 64",
	"ip[0] & 0xf > 5",
	"ip[6:2] & 0x1fff != 0",
	"udp[4:2] > 100",
	"ip[2:2] - ((ip[0] & 0xf) << 2) > 100",
	"ip[ip[8]] = 3",
	"ip[12:4] / ip[8] > 1000000",
	"ip[12:4] % ip[9] = 3",
	"ip[9] * 3 = 51",
	"ip[8] << (ip[1] & 63) > 100000",
	"ip[8] >> (ip[1] & 7) = 1",
	"ip[8] ^ ip[9] = 0x10",
	"ip[250] = 1 or ip[255] = 2",
	"ip[254:4] = 1",
	"ip[252:4] > 5",
	"ip[300] = 1 or udp",
	"sctp port 80",
	"proto 47",
	"ip proto 17",
	"ip6[6] = 17",
	"icmp[icmptype] = icmp-echo",
	"ip multicast or ip6 multicast",
};

static const char *const link_expressions[] = {
	"arp",
	"ether host 02:00:00:00:00:01",
	"ether broadcast",
	"vlan",
	"vlan 2",
	"vlan and udp port 53",
	"vlan 1 or arp",
	"ether proto 0x8847",
	"udp port 53 and ether dst 02:00:00:00:00:00",
};

static void compare_all(const char *const *list, size_t n, bool link, unsigned int *quiet)
{
	struct sock_filter filter[ORACLE_MAX];
	size_t length;

	for (size_t i = 0; i < n; i++) {
		for (int optimize = 0; optimize < 2; optimize++) {
			unsigned int matched;

			length = oracle_compile(list[i], link, optimize, filter);
			if (!length)
				fail_msg("'%s' does not compile", list[i]);
			matched = compare(list[i], filter, length, link);
			if (!matched || matched == PACKETS) {
				print_message("'%s': %u match\n", list[i], matched);
				++*quiet;
			}
		}
	}
}

static void test_against_libpcap(void **state)
{
	unsigned int quiet = 0;

	(void)state;
	compare_all(expressions, ARRAY_SIZE(expressions), false, &quiet);
	compare_all(link_expressions, ARRAY_SIZE(link_expressions), true, &quiet);
	/* A test of packets that all or none match is none; some of the above are so. */
	assert_in_range(quiet, 0, 8);
}

/* What libpcap seldom or never writes. */
static void test_every_instruction(void **state)
{
	struct sock_filter alu[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1),
		BPF_STMT(BPF_ST, 15),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_STX, 3),
		BPF_STMT(BPF_LDX | BPF_MEM, 15),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8),
		BPF_STMT(0, 0), /* by the test */
		BPF_STMT(BPF_ST, 0),
		BPF_STMT(BPF_LD | BPF_MEM, 3),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_MEM, 0),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	static const uint16_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_MOD, BPF_AND, BPF_OR,
				       BPF_XOR, BPF_LSH, BPF_RSH, BPF_NEG};
	static const uint32_t constants[] = {0, 1, 7, 31, 0x80000000, UINT32_MAX};
	char what[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		bool shifts = ops[i] == BPF_LSH || ops[i] == BPF_RSH;

		snprintf(what, sizeof(what), "A op 0x%x X", ops[i]);
		alu[6] = (struct sock_filter)BPF_STMT(BPF_ALU | ops[i] | BPF_X, 0);
		if (ops[i] != BPF_NEG)
			compare(what, alu, ARRAY_SIZE(alu), false);
		for (size_t k = 0; k < ARRAY_SIZE(constants); k++) {
			/* libpcap itself does not know what these are. */
			if ((shifts && constants[k] > 31) ||
			    ((ops[i] == BPF_DIV || ops[i] == BPF_MOD) && !constants[k]))
				continue;
			snprintf(what, sizeof(what), "A op 0x%x %u", ops[i], constants[k]);
			alu[6] = (struct sock_filter)BPF_STMT(BPF_ALU | ops[i] | BPF_K, constants[k]);
			compare(what, alu, ARRAY_SIZE(alu), false);
		}
	}
}

static void test_jumps(void **state)
{
	static const uint16_t ops[] = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
	static const uint16_t sizes[] = {BPF_W, BPF_H, BPF_B};
	char what[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
			struct sock_filter filter[] = {
				BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 2),
				BPF_STMT(BPF_LD | sizes[s] | BPF_IND, 6),
				BPF_JUMP(BPF_JMP | ops[i] | BPF_K, 0x80, 1, 0),
				BPF_STMT(BPF_RET | BPF_K, 0x80000000),
				BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0),
				BPF_JUMP(BPF_JMP | ops[i] | BPF_X, 0, 0, 2),
				BPF_STMT(BPF_JMP | BPF_JA, 2),
				BPF_STMT(BPF_RET | BPF_K, 1),
				BPF_STMT(BPF_MISC | BPF_TXA, 0),
				BPF_STMT(BPF_RET | BPF_A, 0),
				BPF_STMT(BPF_RET | BPF_K, 0),
			};

			snprintf(what, sizeof(what), "jump 0x%x, load 0x%x", ops[i], sizes[s]);
			compare(what, filter, ARRAY_SIZE(filter), false);
		}
	}
}

static int translated(const struct sock_filter *filter, size_t n)
{
	struct bpf_insn code[256];
	size_t length;

	return filter_translate(filter, n, code, ARRAY_SIZE(code), &length);
}

static void test_refused(void **state)
{
	static struct sock_filter long_one[5000];
	struct sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
				       BPF_STMT(BPF_RET | BPF_K, 1)};
	struct bpf_insn code[4];
	size_t length;

	(void)state;
	assert_int_equal(translated(filter, 2), 0);
	assert_int_equal(translated(filter, 1), -EINVAL); /* runs out of it */
	assert_int_equal(translated(filter, 0), -EINVAL);
	assert_int_equal(filter_translate(filter, 2, code, ARRAY_SIZE(code), &length), -E2BIG);
	filter[0].k = (uint32_t)SKF_AD_OFF + SKF_AD_PKTTYPE;
	assert_int_equal(translated(filter, 2), -EOPNOTSUPP);
	filter[0] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)-1); /* a loop */
	assert_int_equal(translated(filter, 2), -EINVAL);
	filter[0] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ, 1, 1, 0);
	assert_int_equal(translated(filter, 2), -EINVAL);
	filter[0] = (struct sock_filter)BPF_STMT(BPF_ST, 16);
	assert_int_equal(translated(filter, 2), -EINVAL);
	filter[0] = (struct sock_filter)BPF_STMT(BPF_ALU | 0xf0, 1);
	assert_int_equal(translated(filter, 2), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(long_one); i++)
		long_one[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, 1);
	long_one[999] = long_one[2999] = filter[1];
	long_one[ARRAY_SIZE(long_one) - 1] = filter[1];
	assert_int_equal(translated(long_one, ARRAY_SIZE(long_one)), -E2BIG);
	assert_int_equal(filter_check(long_one, 1000), 0);
	/* What no way leads to is no matter. */
	assert_int_equal(filter_check(long_one, 3000), 0);
	long_one[999] = long_one[0];
	assert_int_equal(filter_check(long_one, 3000), -E2BIG);
}

/* ---- the drop tracer with a filter ---- */

static const char *const rungs[] = {"tp_btf", "raw_tracepoint", "perf_tracepoint"};

static void count_event(const struct drop_event *event, void *arg)
{
	*(uint64_t *)arg += event->netns == netns_inode() &&
			    strcmp(event->reason, "NOT_SPECIFIED") != 0;
}

static uint64_t packets(const struct drops *d, bool not_meant)
{
	uint64_t n = 0;

	vec_each(row, &d->rows)
		if (row->netns == netns_inode() && row->not_meant == not_meant &&
		    strcmp(row->reason, "NO_SOCKET") == 0)
			n += row->packets;
	return n;
}

static struct drops filtered(struct drop_tracer_options options, const char *expression,
			     uint64_t *ret_events)
{
	struct sock_filter filter[ORACLE_MAX];
	struct drop_tracer *t;
	struct drops d;

	options.filter = filter;
	options.filter_n = oracle_compile(expression, options.filter_link, true, filter);
	options.events = true;
	assert_int_not_equal(options.filter_n, 0);
	assert_int_equal(drop_tracer_open_with(&options, &t), 0);
	drop_tracer_start(t);
	send_udp(AF_INET, PORT, 10, 10, 0);
	send_udp(AF_INET6, PORT, 7, 10, 0);
	send_udp(AF_INET, PORT + 1, 5, 300, 0);
	usleep(50000);
	drop_tracer_stop(t);
	*ret_events = 0;
	assert_true(drop_tracer_events(t, count_event, ret_events) >= 0);
	assert_int_equal(drop_tracer_read(t, &d), 0);
	drop_tracer_close(t);
	return d;
}

static void test_tracer(void **state)
{
	static const struct {
		const char *expression;
		bool link;
		uint64_t meant;
	} cases[] = {
		{"udp dst port 7777", false, 17},
		{"udp dst port 7777 and ip", false, 10},
		{"ip6", false, 7},
		{"len = 328", false, 5},
		{"host 192.0.2.1", false, 0},
		{"ip6", true, 7},
		{"ether dst 00:00:00:00:00:00 and udp dst port 7778", true, 5},
		{"vlan", true, 0},
	};
	uint64_t events;
	struct drops d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
			const struct drop_tracer_options options = {.rung = rungs[i],
								    .filter_link = cases[c].link};

			new_netns();
			d = filtered(options, cases[c].expression, &events);
			if (packets(&d, false) != cases[c].meant || events != cases[c].meant)
				fail_msg("'%s' on %s: %u meant, %u told, not %u",
					 cases[c].expression, rungs[i],
					 (unsigned int)packets(&d, false), (unsigned int)events,
					 (unsigned int)cases[c].meant);
			assert_int_equal(packets(&d, true), 22 - cases[c].meant);
			drops_done(&d);
		}
	}
}

/* Dropped on the way out: there is no frame yet, and that is said. */
static void test_no_link_header(void **state)
{
	uint64_t events;
	struct drops d;

	(void)state;
	if (access("/usr/sbin/nft", X_OK) != 0)
		skip();
	new_netns();
	run("nft 'add table inet t; add chain inet t c { type filter hook output priority 0; };"
	    "add rule inet t c meta l4proto udp drop'");
	d = filtered((struct drop_tracer_options){.filter_link = true}, "ether proto 0x86dd", &events);
	assert_int_equal(events, 0);
	assert_in_range(d.no_link_header, 22, 1000000);
	drops_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_against_libpcap),
		cmocka_unit_test(test_every_instruction),
		cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_tracer),
		cmocka_unit_test(test_no_link_header),
	};

	if (!can_trace())
		return 77;
	return cmocka_run_group_tests_name("drop filter", tests, NULL, NULL);
}
