// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Raw, packet and netlink sockets, as 6.18 printed them: net/ipv4/raw.c raw_sock_seq_show,
 * net/ipv6/datagram.c __ip6_dgram_sock_seq_show, net/packet/af_packet.c packet_seq_show,
 * net/netlink/af_netlink.c netlink_native_seq_show; rt_cache of net/ipv4/route.c
 * rt_cpu_seq_show.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "scrub/map.h"
#include "collect/proctext.h"
#include "collect/recording.h"

static const char raw4[] =
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
	"inode ref pointer drops\n"
	" 212: 00000000:00FD 00000000:0000 07 00000000:0000A280 00:00000000 00000000     0        0 "
	"3654439 2 0000000081aaacfc 0\n"
	" 212: 0100007F:00FD 00000000:0000 07 00000000:00001040 00:00000000 00000000  1000        0 "
	"3654436 2 000000000166e69a 45\n";
static const char raw6[] =
	"  sl  local_address                         remote_address                        st tx_queue "
	"rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
	"   58: 000080FE00000000000000000100007F:003A 00000000000000000000000000000000:0000 07 "
	"00000000:00000000 00:00000000 00000000     0        0 3654437 2 000000006c934ccf 7\n";
static const char packet[] =
	"sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"
	"00000000de66baf6 3      3    0003   1     1 4160   0      3654438\n";
static const char netlink[] =
	"sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"
	"00000000154ea305 0   0          00000000 0        0        0     2        0        4       \n"
	"00000000a2f58c0b 0   3310748297 00000010 2304     0        0     3        116      3654440 \n";
static const char rt_cache[] =
	"entries  in_hit   in_slow_tot in_slow_mc in_no_route in_brd   in_martian_dst in_martian_src "
	"out_hit  out_slow_tot out_slow_mc gc_total gc_ignored gc_goal_miss gc_dst_overflow "
	"in_hlist_search out_hlist_search\n"
	"00000005 00000000 0000f3f4    00000c62   0000ed97    00000000 00000002       000098b3       "
	"00000000 00001584     00000000    00000000 00000000   00000000     00000000        00000000 "
	"       00000000\n"
	"00000005 00000000 0000ff38    00000b0e   0000f89c    00000000 ffffffff       00009d43       "
	"00000000 00001500     00000000    00000000 00000000   00000000     00000000        00000000 "
	"       00000000\n";

static void raw_sockets_are_read(void **state)
{
	static const uint8_t loopback[] = {127, 0, 0, 1};
	cleanup(snapshot_done) struct snapshot s = {0};
	const struct socket *sk;

	(void)state;
	assert_int_equal(parse_raw_sockets(span_of(raw4), AF_INET, &s), 0);
	assert_int_equal(parse_raw_sockets(span_of(raw6), AF_INET6, &s), 0);
	assert_int_equal(s.raw_sockets.n, 3);
	sk = &s.raw_sockets.items[1];
	assert_int_equal(sk->kind, SOCKET_RAW);
	assert_int_equal(sk->protocol, 253);
	assert_int_equal(sk->local_port, 0);
	assert_int_equal(sk->inode, 3654436);
	assert_int_equal(sk->uid, 1000);
	assert_int_equal(sk->rmem, 0x1040);
	assert_int_equal(sk->drops, 45);
	if (htons(1) != 1) /* the words are printed in the order of that host */
		assert_memory_equal(sk->local, loopback, 4);
	assert_true(socket_in_question(sk));
	assert_false(socket_in_question(&s.raw_sockets.items[0]));
	assert_ptr_equal(snapshot_socket(&s, sk->cookie), sk);
	sk = &s.raw_sockets.items[2];
	assert_int_equal(sk->protocol, 58);
	assert_int_equal(sk->family, AF_INET6);
	assert_int_equal(sk->drops, 7);
	if (htons(1) != 1) {
		assert_int_equal(sk->local[0], 0xfe);
		assert_int_equal(sk->local[1], 0x80);
		assert_int_equal(sk->local[15], 1);
	}
}

static void packet_sockets_are_read(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};
	const struct socket *sk;

	(void)state;
	assert_int_equal(parse_packet_file(span_of(packet), &s), 0);
	assert_int_equal(s.packet_sockets.n, 1);
	sk = &s.packet_sockets.items[0];
	assert_int_equal(sk->kind, SOCKET_PACKET);
	assert_int_equal(sk->local_port, 3);
	assert_int_equal(sk->ifindex, 1);
	assert_int_equal(sk->rmem, 4160);
	assert_int_equal(sk->inode, 3654438);
	assert_false(sk->mem_known);
}

static void netlink_sockets_are_read(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};
	const struct socket *sk;

	(void)state;
	assert_int_equal(parse_netlink_sockets(span_of(netlink), &s), 0);
	assert_int_equal(s.netlink_sockets.n, 1); /* the kernel's own is none of a program */
	sk = &s.netlink_sockets.items[0];
	assert_int_equal(sk->kind, SOCKET_NETLINK);
	assert_int_equal(sk->protocol, 0);
	assert_int_equal(sk->rmem, 2304);
	assert_int_equal(sk->drops, 116);
	assert_int_equal(sk->inode, 3654440);
	assert_true(socket_in_question(sk));
	assert_ptr_equal(snapshot_socket(&s, sk->cookie), sk);
}

/* As collect/unix.c keeps them. */
static const char unix_queues[] = "full 4711 @a name with blanks\nfull 12 /dev/log\nasked 34\n";

static void full_unix_queues_are_read(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};

	(void)state;
	assert_int_equal(parse_unix_queues(span_of(unix_queues), &s), 0);
	assert_int_equal(s.unix_full.n, 2);
	assert_int_equal(s.unix_asked, 34);
	assert_int_equal(s.unix_full.items[0].inode, 4711);
	assert_string_equal(s.unix_full.items[0].name, "@a name with blanks");
	assert_string_equal(s.unix_full.items[1].name, "/dev/log");
}

static void scrubbed_unix_queues_name_nobody(void **state)
{
	static const struct siphash_key key = {1, 2};
	cleanup(snapshot_done) struct snapshot s = {0};
	cleanup(buf_done) struct buf text = {0};
	struct scrubber scrubber;

	(void)state;
	scrubber_init(&scrubber, &key);
	scrubber_learned(&scrubber);
	buf_puts(&text, unix_queues);
	assert_int_equal(scrub_unix_queues(&scrubber, &text), 0);
	assert_int_equal(parse_unix_queues((struct span){text.data, text.len}, &s), 0);
	assert_int_equal(s.unix_full.n, 2);
	assert_int_equal(s.unix_full.items[0].inode, 4711);
	assert_null(memmem(text.data, text.len, "name", 4));
	assert_null(memmem(text.data, text.len, "log", 3));
	buf_clear(&text);
	buf_puts(&text, "secret 1\n");
	assert_int_equal(scrub_unix_queues(&scrubber, &text), -EBADMSG);
	scrubber_done(&scrubber);
}

/* Each cut of a text is refused or reads as fewer lines, and no byte does harm. */
static void damage(int (*parse)(struct span text, struct snapshot *s), const char *text)
{
	static const char values[] = {0, ' ', '\n', ':', 'x', '9', (char)0xff};
	size_t n = strlen(text);

	for (size_t cut = 0; cut < n; cut++) {
		cleanup(snapshot_done) struct snapshot s = {0};
		char *copy = malloc(cut ? cut : 1);
		int r;

		memcpy(copy, text, cut);
		r = parse((struct span){copy, cut}, &s);
		assert_true(r == 0 || r == -EBADMSG);
		free(copy);
	}
	for (size_t at = 0; at < n; at++)
		for (size_t v = 0; v < sizeof(values); v++) {
			cleanup(snapshot_done) struct snapshot s = {0};
			char *copy = malloc(n);
			int r;

			memcpy(copy, text, n);
			copy[at] = values[v];
			r = parse((struct span){copy, n}, &s);
			assert_true(r == 0 || r == -EBADMSG);
			free(copy);
		}
}

static int parse_raw4(struct span text, struct snapshot *s)
{
	return parse_raw_sockets(text, AF_INET, s);
}

static int parse_raw6(struct span text, struct snapshot *s)
{
	return parse_raw_sockets(text, AF_INET6, s);
}

static void damaged_text_does_no_harm(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};

	(void)state;
	damage(parse_raw4, raw4);
	damage(parse_raw6, raw6);
	damage(parse_packet_file, packet);
	damage(parse_netlink_sockets, netlink);
	damage(parse_unix_queues, unix_queues);
	damage(parse_rt_cache, rt_cache);
	assert_int_equal(parse_raw4(span_of(""), &s), -EBADMSG);
	assert_int_equal(parse_raw4(span_of(raw6), &s), -EBADMSG);
	assert_int_equal(parse_raw6(span_of(raw4), &s), -EBADMSG);
	assert_int_equal(parse_raw4(span_of("sl inode\n"), &s), -EBADMSG);
	assert_int_equal(parse_packet_file(span_of(""), &s), -EBADMSG);
	assert_int_equal(parse_netlink_sockets(span_of(""), &s), -EBADMSG);
	assert_int_equal(parse_netlink_sockets(span_of(packet), &s), -EBADMSG);
}

static void rt_cache_is_summed(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};

	(void)state;
	assert_int_equal(parse_rt_cache(span_of(rt_cache), &s), 0);
	assert_int_equal(s.counter[C_RT_CACHE_IN_MARTIAN_SRC], 0x98b3 + 0x9d43);
	assert_int_equal(s.counter[C_RT_CACHE_IN_MARTIAN_DST], 1); /* 32 bits, as each of them */
	assert_int_equal(s.counter[C_RT_CACHE_IN_NO_ROUTE], 0xed97 + 0xf89c);
	assert_true(s.counter_present[C_RT_CACHE_OUT_SLOW_TOT]);
}

/* ---- asking does not load a module ---- */

static void say(struct recording *r, const char *name, int err, const char *text)
{
	struct buf data = {.data = (char *)(uintptr_t)text, .len = text ? strlen(text) : 0};
	char full[256];

	snprintf(full, sizeof(full), "1/b/%s", name);
	recording_put(r, full, err, &data);
}

static void the_module_is_not_loaded(void **state)
{
	struct netns ns = {.inode = 1, .fd = -1};
	struct recording *r = recording_new();
	struct host h = {.ns = &ns, .phase = "b", .recording = r, .replay = true};
	cleanup(snapshot_done) struct snapshot s = {0};

	(void)state;
	say(r, "proc/net/packet", 0, packet);
	say(r, "exists/modules", 0, NULL);
	say(r, "proc/modules", 0, "af_packet 61440 2 - Live 0x0000000000000000\n");
	say(r, "proc/sys/kernel/modules_disabled", 0, "0\n");
	say(r, "proc/sys/kernel/osrelease", 0, "6.12.1\n");
	say(r, "abs/lib/modules/6.12.1/modules.builtin", 0, "kernel/net/packet/other_diag.ko\n");
	/* An answer is there, but must not be asked for. */
	say(r, "nl/packet", -EPERM, NULL);
	assert_int_equal(collect_packet_sockets(&h, &s), 0);
	assert_int_equal(s.packet_sockets.n, 1);
	recording_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_sockets_are_read),
		cmocka_unit_test(packet_sockets_are_read),
		cmocka_unit_test(netlink_sockets_are_read),
		cmocka_unit_test(full_unix_queues_are_read),
		cmocka_unit_test(scrubbed_unix_queues_name_nobody),
		cmocka_unit_test(damaged_text_does_no_harm),
		cmocka_unit_test(rt_cache_is_summed),
		cmocka_unit_test(the_module_is_not_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
