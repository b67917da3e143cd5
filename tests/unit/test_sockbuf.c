// SPDX-License-Identifier: GPL-2.0-or-later
/* Why a buffer has its size, how large it should be, and which remedies are of use. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "causes/sockbuf.h"
#include "collect/buffer_locks.h"
#include "collect/recording.h"
#include "own_netns.h"

#define DEFAULT 212992
#define LIMIT 425984

struct scene {
	struct observation o;
	struct drops drops;
	struct diagnosis d;
	struct ledger ledger;
	struct exam x;
	struct cause_row row;
};

static void sysctl_is(struct scene *s, enum sysctl_id id, int64_t first, int64_t second, int64_t third)
{
	s->o.b.sysctl[id] = (struct sysctl_value){.n = 3, .v = {first, second, third}};
}

static void scene_init(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	snprintf(s->o.name, sizeof(s->o.name), "host");
	s->o.inode = 7;
	s->o.seconds = 1;
	s->o.b.taken_ns = NSEC_PER_SEC;
	s->o.a.source[SRC_SOCKETS].status = s->o.b.source[SRC_SOCKETS].status = SOURCE_OK;
	s->o.b.source[SRC_SYSCTL].status = SOURCE_OK;
	sysctl_is(s, K_RMEM_DEFAULT, DEFAULT, 0, 0);
	sysctl_is(s, K_WMEM_DEFAULT, DEFAULT, 0, 0);
	sysctl_is(s, K_RMEM_MAX, LIMIT, 0, 0);
	sysctl_is(s, K_WMEM_MAX, LIMIT, 0, 0);
	sysctl_is(s, K_TCP_RMEM, 4096, 131072, 6291456);
	sysctl_is(s, K_TCP_WMEM, 4096, 16384, 4194304);
	s->d.drops = &s->drops;
	s->row = (struct cause_row){.id = "udp-rcvbuf-full", .direction = DIR_RX};
	s->x = (struct exam){.d = &s->d, .o = &s->o, .ledger = &s->ledger, .row = &s->row};
}

static void scene_done(struct scene *s)
{
	ledger_done(&s->ledger);
	drops_done(&s->drops);
	observation_done(&s->o);
	s->d.drops = NULL;
	diagnosis_done(&s->d);
}

enum lock { UNKNOWN, FREE, LOCKED };

static struct socket udp_socket(uint32_t rcvbuf, enum lock lock)
{
	return (struct socket){.cookie = 1,
			       .protocol = IPPROTO_UDP,
			       .family = AF_INET,
			       .local_port = 53,
			       .mem_known = true,
			       .rcvbuf = rcvbuf,
			       .sndbuf = rcvbuf,
			       .locks_known = lock != UNKNOWN,
			       .rcvbuf_locked = lock == LOCKED,
			       .sndbuf_locked = lock == LOCKED};
}

static enum buffer_origin origin(struct scene *s, const struct socket *sk, bool receive)
{
	struct buffer b;

	buffer_of(&s->x, sk, receive, &b);
	return b.origin;
}

static void origins_are_told(void **state)
{
	static const struct {
		uint32_t size;
		enum lock lock;
		enum buffer_origin udp, tcp_receive, tcp_send;
	} cases[] = {
		{DEFAULT, FREE, BUFFER_DEFAULT, BUFFER_TUNED, BUFFER_TUNED},
		{DEFAULT, UNKNOWN, BUFFER_DEFAULT, BUFFER_UNKNOWN, BUFFER_UNKNOWN},
		{DEFAULT, LOCKED, BUFFER_SET, BUFFER_SET, BUFFER_SET},
		{124928, FREE, BUFFER_OLDER, BUFFER_TUNED, BUFFER_TUNED},
		{124928, UNKNOWN, BUFFER_UNKNOWN, BUFFER_UNKNOWN, BUFFER_UNKNOWN},
		{2 * LIMIT, LOCKED, BUFFER_CLAMPED, BUFFER_CLAMPED, BUFFER_CLAMPED},
		{2 * LIMIT, UNKNOWN, BUFFER_UNKNOWN, BUFFER_UNKNOWN, BUFFER_UNKNOWN},
		{8 * LIMIT, LOCKED, BUFFER_SET, BUFFER_SET, BUFFER_SET}, /* SO_RCVBUFFORCE */
		{6291456, FREE, BUFFER_OLDER, BUFFER_AT_MAX, BUFFER_AT_MAX},
		{5000000, FREE, BUFFER_OLDER, BUFFER_TUNED, BUFFER_AT_MAX},
	};
	struct scene s;

	(void)state;
	scene_init(&s);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct socket sk = udp_socket(cases[i].size, cases[i].lock);

		assert_int_equal(origin(&s, &sk, true), cases[i].udp);
		assert_int_equal(origin(&s, &sk, false), cases[i].udp);
		sk.protocol = IPPROTO_TCP;
		assert_int_equal(origin(&s, &sk, true), cases[i].tcp_receive);
		assert_int_equal(origin(&s, &sk, false), cases[i].tcp_send);
	}
	scene_done(&s);
}

/* Before 6.12 a namespace of its own does not see rmem_max and rmem_default. */
static void hidden_limits_are_not_guessed(void **state)
{
	struct socket sk = udp_socket(2 * LIMIT, LOCKED);
	struct scene s;

	(void)state;
	scene_init(&s);
	sysctl_is(&s, K_RMEM_MAX, 0, 0, 0);
	s.o.b.sysctl[K_RMEM_MAX].n = s.o.b.sysctl[K_RMEM_DEFAULT].n = 0;
	assert_int_equal(origin(&s, &sk, true), BUFFER_SET);
	sk = udp_socket(DEFAULT, FREE);
	assert_int_equal(origin(&s, &sk, true), BUFFER_UNKNOWN);
	scene_done(&s);
}

/* The ids of the remedies for a receive buffer that should have been `want`. */
static void remedies_of(struct scene *s, uint8_t protocol, uint32_t size, enum lock lock, int64_t want,
			const char *ids)
{
	cleanup(buf_done) struct buf text = {0};
	struct socket sk = udp_socket(size, lock);
	struct finding *f = finding_new(&s->x);
	struct buffer b;

	sk.protocol = protocol;

	buffer_of(&s->x, &sk, true, &b);
	buffer_remedies(&s->x, f, &b, want);
	buf_puts(&text, "");
	vec_each (r, &f->remedies)
		buf_printf(&text, "%s%s%s", text.len ? " " : "", r->id, r->applicable ? "!" : "");
	if (strcmp(text.len ? text.data : "", ids) != 0)
		fail_msg("size %u, lock %d, want %lld: '%s', not '%s'", size, lock, (long long)want,
			 text.len ? text.data : "", ids);
}

static void remedies_are(struct scene *s, uint32_t size, enum lock lock, int64_t want, const char *ids)
{
	remedies_of(s, IPPROTO_UDP, size, lock, want, ids);
}

/* Without its own setting TCP tunes the buffer; rmem_default is nothing to it. */
static void tcp_is_left_to_tune(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	remedies_of(&s, IPPROTO_TCP, 131072, FREE, 1 << 20, "");
	remedies_of(&s, IPPROTO_TCP, 6291456, FREE, 12 << 20, "");
	remedies_of(&s, IPPROTO_TCP, 16384, LOCKED, 32768, "drop-so-rcvbuf");
	remedies_of(&s, IPPROTO_TCP, 2 * LIMIT, LOCKED, 4 << 20, "drop-so-rcvbuf raise-rmem-max!");
	remedies_of(&s, IPPROTO_TCP, 8 << 20, LOCKED, 16 << 20, "raise-so-rcvbuf raise-rmem-max");
	remedies_of(&s, IPPROTO_TCP, 131072, UNKNOWN, 1 << 20, "");
	scene_done(&s);
}

static void useless_remedies_are_not_proposed(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	/* "!": fix may apply it */
	remedies_are(&s, DEFAULT, FREE, 1 << 20, "raise-rmem-default!");
	remedies_are(&s, DEFAULT, UNKNOWN, 1 << 20, "raise-rmem-default");
	remedies_are(&s, 124928, FREE, 200000, "restart-program");
	remedies_are(&s, 124928, FREE, 1 << 20, "restart-program raise-rmem-default!");
	remedies_are(&s, 500000, FREE, 1 << 20, "raise-rmem-default!"); /* the default was lowered */
	remedies_are(&s, 16384, LOCKED, 1 << 17, "drop-so-rcvbuf raise-so-rcvbuf");
	remedies_are(&s, 16384, LOCKED, 4 << 20, "drop-so-rcvbuf raise-so-rcvbuf raise-rmem-max");
	remedies_are(&s, 400000, LOCKED, 800000, "raise-so-rcvbuf");
	remedies_are(&s, 2 * LIMIT, LOCKED, 4 << 20, "raise-rmem-max!");
	remedies_are(&s, 8 * LIMIT, LOCKED, 64 << 20, "raise-so-rcvbuf raise-rmem-max");
	remedies_are(&s, 32 << 20, LOCKED, 64 << 20, ""); /* more is no buffer any more */
	remedies_are(&s, 77777, UNKNOWN, 1 << 20, "raise-so-rcvbuf raise-rmem-max");
	/* No more than udp_mem has room for: 1,000 pages for one socket, none for many. */
	sysctl_is(&s, K_UDP_MEM, 500, 1000, 2000);
	remedies_are(&s, 4096000, LOCKED, 8 << 20, "");
	remedies_are(&s, DEFAULT, FREE, 8 << 20, "raise-rmem-default!");
	for (int i = 0; i < 100; i++)
		*vec_push(&s.o.b.sockets) = udp_socket(DEFAULT, FREE);
	remedies_are(&s, DEFAULT, FREE, 8 << 20, "");
	scene_done(&s);
}

static void namespaces_are_told_where(void **state)
{
	struct socket sk = udp_socket(DEFAULT, FREE);
	struct finding *f;
	struct buffer b;
	struct scene s;

	(void)state;
	scene_init(&s);
	snprintf(s.o.name, sizeof(s.o.name), "web");
	f = finding_new(&s.x);
	buffer_of(&s.x, &sk, true, &b);
	buffer_remedies(&s.x, f, &b, 1 << 20);
	assert_string_equal(f->remedies.items[0].summary,
			    "on the host: a larger default: rmem_default 212992 -> 1048576, then "
			    "restart the program");
	assert_string_equal(f->remedies.items[0].commands.items[0],
			    "sysctl -w net.core.rmem_default=1048576");
	scene_done(&s);
}

static void look(struct snapshot *at, int64_t ns, uint32_t rmem, uint32_t drops)
{
	struct socket *sk = vec_push(&at->sockets);

	*sk = udp_socket(16384, LOCKED);
	sk->rmem = rmem;
	sk->drops = drops;
	at->taken_ns = ns;
	at->source[SRC_SOCKETS].status = SOURCE_OK;
}

/* Losses between which the buffer emptied need room once; those in a row need it together. */
static void the_worst_run_is_what_is_needed(void **state)
{
	struct subject subject = {.has_socket = true, .socket = udp_socket(16384, LOCKED)};
	static const uint32_t rmem[] = {0, 0, 16000, 0, 0}, drops[] = {100, 150, 270, 330, 360};
	char reason[200];
	struct drop *d;
	struct scene s;

	(void)state;
	scene_init(&s);
	look(&s.o.a, 0, 0, 0);
	for (size_t i = 0; i < 4; i++)
		look(vec_push(&s.o.looks), (int64_t)(i + 1) * NSEC_PER_SEC / 5, rmem[i], drops[i]);
	look(&s.o.b, NSEC_PER_SEC, rmem[4], drops[4]);
	d = vec_push(&s.drops.rows);
	snprintf(d->reason, sizeof(d->reason), "SOCKET_RCVBUFF");
	d->netns = 7;
	d->protocol = IPPROTO_UDP;
	d->local_port = 53;
	d->packets = 360;
	d->bytes = 360 * 500;
	ledger_init(&s.ledger, &s.drops, 7);
	/* 120 and 60 in a row, of 500 bytes, 1280 each: 230,400 and what there is */
	assert_int_equal(rcvbuf_wanted(&s.x, &subject, reason, sizeof(reason)), 1 << 18);
	assert_string_equal(reason, "in the worst 0.4 s 180 datagrams of 500 bytes found no room, and "
				    "each takes 1280");
	d->packets = 0;
	assert_int_equal(rcvbuf_wanted(&s.x, &subject, reason, sizeof(reason)), 32768);
	scene_done(&s);
}

/* ---- reading the locks ---- */

static void locks_are_parsed(void **state)
{
	static const char *const bad[] = {"12\n", "0 1\n", "12 x\n", "12 1 1\n", "-1 1\n", "12 256\n"};
	cleanup(snapshot_done) struct snapshot s = {0};

	(void)state;
	assert_int_equal(parse_buffer_locks(span_of("12 0\n13 1\n14 2\n15 3\n"), &s), 0);
	assert_int_equal(s.buffer_locks.n, 4);
	assert_true(s.buffer_locks.items[1].sndbuf && !s.buffer_locks.items[1].rcvbuf);
	assert_true(!s.buffer_locks.items[2].sndbuf && s.buffer_locks.items[2].rcvbuf);
	assert_true(s.buffer_locks.items[3].sndbuf && s.buffer_locks.items[3].rcvbuf);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_buffer_locks(span_of(bad[i]), &s), -EBADMSG);
}

/* Sockets of our own, one with SO_RCVBUF, one without, one with SO_SNDBUF: on this kernel. */
static void this_kernel_tells_locks(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0}, owners = {0};
	struct netns ns = {.inode = 1, .fd = -1};
	struct host h = {.ns = &ns, .phase = "b"};
	int fd[3], small = 8192;
	char byte[4096] = {0};

	(void)state;
	if (own_netns() < 0)
		skip();
	for (int i = 0; i < 3; i++) {
		struct sockaddr_in to = {.sin_family = AF_INET};
		socklen_t size = sizeof(to);

		to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
		assert_true(fd[i] >= 0);
		if (i == 1)
			setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		if (i == 2)
			setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
		assert_int_equal(bind(fd[i], (struct sockaddr *)&to, sizeof(to)), 0);
		assert_int_equal(getsockname(fd[i], (struct sockaddr *)&to, &size), 0);
		/* So full that it is in question. */
		for (int k = 0; k < 300; k++)
			sendto(fd[0], byte, sizeof(byte), 0, (struct sockaddr *)&to, sizeof(to));
	}
	if (collect_sockets(&h, &s) < 0)
		skip();
	owners.sockets.items = s.sockets.items;
	owners.sockets.n = s.sockets.n;
	assert_int_equal(collect_process(&h, &owners), 0);
	memset(&owners.sockets, 0, sizeof(owners.sockets));
	owners.source[SRC_PROCESS].status = SOURCE_OK;
	if (owners.buffer_locks_err == -ENOPROTOOPT || owners.buffer_locks_err == -ENOSYS)
		skip();
	assert_int_equal(owners.buffer_locks_err, 0);
	snapshot_take(&s, &owners, SRC_PROCESS);
	for (int i = 0; i < 3; i++) {
		struct sockaddr_in to;
		socklen_t size = sizeof(to);
		bool found = false;

		getsockname(fd[i], (struct sockaddr *)&to, &size);
		vec_each (sk, &s.sockets) {
			if (sk->protocol != IPPROTO_UDP || sk->local_port != ntohs(to.sin_port))
				continue;
			found = true;
			assert_true(sk->locks_known);
			assert_int_equal(sk->rcvbuf_locked, i == 1);
			assert_int_equal(sk->sndbuf_locked, i == 2);
		}
		assert_true(found);
		close(fd[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origins_are_told),
		cmocka_unit_test(hidden_limits_are_not_guessed),
		cmocka_unit_test(tcp_is_left_to_tune),
		cmocka_unit_test(useless_remedies_are_not_proposed),
		cmocka_unit_test(namespaces_are_told_where),
		cmocka_unit_test(the_worst_run_is_what_is_needed),
		cmocka_unit_test(locks_are_parsed),
		cmocka_unit_test(this_kernel_tells_locks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
