// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Dumps of sockets as the kernel gives them: recorded ones, whole, cut and bounded, and those of a
 * kernel that is played here, which says of a dump that it was not consistent (no kernel so far
 * says it of TCP's: net/ipv4/inet_diag.c never sets cb->seq), or forgets a socket meanwhile.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/collect.h"
#include "collect/recording.h"
#include "nl/nl.h"
#include "sockets/census.h"
#include "sockets/flow.h"

static void put_socket(struct buf *b, uint8_t state, uint16_t port, uint32_t inode)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_msg m;
		struct nlattr a;
		uint32_t mem[9];
	} message = {
		.h = {.nlmsg_len = sizeof(message), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		      .nlmsg_flags = NLM_F_MULTI},
		.m = {.idiag_family = AF_INET, .idiag_state = state, .idiag_inode = inode,
		      .id = {.idiag_sport = htons(port), .idiag_dport = state == STATE_LISTEN ? 0 : htons(9),
			     .idiag_cookie = {inode}}},
		.a = {.nla_len = NLA_HDRLEN + sizeof(message.mem), .nla_type = INET_DIAG_SKMEMINFO},
	};

	buf_add(b, &message, sizeof(message));
}

static void put_end(struct buf *b)
{
	struct {
		struct nlmsghdr h;
		int status;
	} end = {.h = {.nlmsg_len = sizeof(end), .nlmsg_type = NLMSG_DONE,
		       .nlmsg_flags = NLM_F_MULTI}};

	buf_add(b, &end, sizeof(end));
}

/* Reads what is given as the answer for TCP of both families; of UDP there is none. */
static int read_dump(const struct buf *answer6, const struct buf *answer, uint64_t max,
		     struct sockets_report *r)
{
	struct sockets_options o = {.rows_max = 20, .max = max};
	struct census *c = xcalloc(1, sizeof(*c));
	struct netns ns = {.fd = -1, .inode = 7};
	struct host h = {.ns = &ns, .phase = "b", .replay = true, .recording = recording_new()};
	struct buf end = {0};
	int ret;

	put_end(&end);
	recording_put(h.recording, "7/b/nl/tcp6", answer6 ? 0 : -ENOENT, answer6 ? answer6 : &end);
	recording_put(h.recording, "7/b/nl/tcp4", 0, answer);
	recording_put(h.recording, "7/b/nl/udp6", -ENOENT, &end);
	recording_put(h.recording, "7/b/nl/udp4", 0, &end);
	census_init(c, &o, r);
	census_know_holders(c);
	vec_push(&r->spaces);
	ret = census_read_inet(c, &h);
	census_finish(c, &h);
	census_done(c);
	free(c);
	buf_done(&end);
	recording_free(h.recording);
	return ret;
}

static void test_dumps(void **state)
{
	struct sockets_report r = {0};
	struct buf answer = {0}, cut = {0};

	for (uint16_t i = 0; i < 50; i++)
		put_socket(&answer, i ? STATE_TIME_WAIT : STATE_LISTEN, 80, i ? 0 : 99);
	put_end(&answer);
	assert_int_equal(read_dump(NULL, &answer, 0, &r), 0);
	assert_int_equal(r.tcp[STATE_TIME_WAIT], 49);
	assert_int_equal(r.lacks[HOLDER_KERNEL], 49);
	assert_false(r.cut);
	sockets_report_done(&r);

	/* Bounded, and it says so. */
	assert_int_equal(read_dump(NULL, &answer, 10, &r), 0);
	assert_int_equal(r.seen, 10);
	assert_int_equal(r.cut, 1u << TABLE_TCP4);
	sockets_report_done(&r);

	/* Exactly as many as there are: nothing was cut off. */
	assert_int_equal(read_dump(NULL, &answer, 50, &r), 0);
	assert_false(r.cut);
	sockets_report_done(&r);

	/* Cut short at any byte: an error, and never a socket that is none. */
	for (size_t n = 0; n < answer.len; n += 7) {
		buf_clear(&cut);
		buf_add(&cut, answer.data, n);
		assert_int_equal(read_dump(NULL, &cut, 0, &r), -EBADMSG);
		assert_true(r.spaces.items[0].err == -EBADMSG && r.seen <= 50);
		sockets_report_done(&r);
	}
	buf_done(&cut);
	buf_done(&answer);
}

/* A crowd over IPv6 does not hide those over IPv4, nor their listener. */
static void test_bound_of_each_table(void **state)
{
	struct buf v4 = {0}, v6 = {0};
	struct sockets_report r = {0};

	(void)state;
	for (uint16_t i = 0; i < 50; i++)
		put_socket(&v6, STATE_ESTABLISHED, 80, 100u + i);
	for (size_t at = 0; at < v6.len; at += v6.len / 50)
		((struct inet_diag_msg *)(void *)(v6.data + at + NLMSG_HDRLEN))->idiag_family = AF_INET6;
	put_end(&v6);
	put_socket(&v4, STATE_LISTEN, 443, 99);
	put_end(&v4);
	assert_int_equal(read_dump(&v6, &v4, 10, &r), 0);
	assert_int_equal(r.seen, 11);
	assert_int_equal(r.cut, 1u << TABLE_TCP6);
	assert_int_equal(r.tcp[STATE_LISTEN], 1);
	assert_string_equal(sockets_table_name(TABLE_TCP6), "tcp6");
	for (size_t i = 0; i < SOCKETS_TABLES; i++)
		assert_true(i == TABLE_OTHERS + SOCKET_INET || sockets_table_name(i));
	sockets_report_done(&r);
	buf_done(&v4);
	buf_done(&v6);
}

/* ---- unix sockets without unix_diag ---- */

#define UNIX_HEAD "Num       RefCount Protocol Flags    Type St Inode Path\n"
#define UNIX_LINE(flags, type, state, inode, name)                                                 \
	"000000009e567ec8: 00000002 00000000 " flags " " type " " state " " inode name "\n"

static void say(struct recording *r, const char *name, int err, const char *text)
{
	struct buf data = {0};

	buf_puts(&data, text);
	recording_put(r, name, err, &data);
	buf_done(&data);
}

static void read_unix_sockets(const char *text, struct sockets_report *r)
{
	struct sockets_options o = {
		.filter.kinds = 1u << SOCKET_UNIX, .rows_max = 20, .listeners = true};
	struct census *c = xcalloc(1, sizeof(*c));
	struct netns ns = {.fd = -1, .inode = 7};
	struct host h = {.ns = &ns, .phase = "b", .replay = true, .recording = recording_new()};

	say(h.recording, "7/b/exists/net/unix", 0, "");
	say(h.recording, "7/b/exists/modules", 0, "");
	say(h.recording, "7/b/proc/modules", 0, "tcp_diag 16384 0 - Live 0x0\n");
	say(h.recording, "7/b/proc/net/unix", 0, text);
	census_init(c, &o, r);
	census_know_holders(c);
	vec_push(&r->spaces);
	census_read_kinds(c, &h);
	census_finish(c, &h);
	census_done(c);
	free(c);
	recording_free(h.recording);
}

static void test_unix_file(void **state)
{
	struct sockets_report r = {0};

	(void)state;
	read_unix_sockets(UNIX_HEAD UNIX_LINE("00010000", "0001", "01", "4711", " /run/a b")
			  UNIX_LINE("00000000", "0005", "03", "4712", " @x@y")
			  UNIX_LINE("00000000", "0002", "01", "4713", "")
			  UNIX_LINE("00010000", "0005", "01", "  99", " @name\nof two lines")
			  UNIX_LINE("00010000", "0001", "01", "99999999999", ""), &r);
	assert_int_equal(r.kinds[SOCKET_UNIX].status, KIND_READ_FILE);
	assert_int_equal(r.kinds[SOCKET_UNIX].err, 0);
	assert_int_equal(r.seen, 4);
	assert_int_equal(r.rows.n, 2);
	assert_int_equal(r.troubled, 0);
	for (size_t i = 0; i < r.rows.n; i++) {
		const struct sockets_row *row = &r.rows.items[i];

		assert_string_equal(row->name, row->socket.inode == 99 ? "@name" : "/run/a b");
		assert_int_equal(row->socket.protocol, row->socket.inode == 99 ? SOCK_SEQPACKET : SOCK_STREAM);
		assert_int_equal(row->socket.state, STATE_LISTEN);
		assert_false(sockets_queues_known(&row->socket));
	}
	sockets_report_done(&r);
	read_unix_sockets(UNIX_HEAD, &r);
	assert_true(r.kinds[SOCKET_UNIX].status == KIND_READ_FILE && !r.seen);
	sockets_report_done(&r);
	read_unix_sockets("something else\n", &r);
	assert_int_equal(r.kinds[SOCKET_UNIX].err, -EBADMSG);
	sockets_report_done(&r);
}

/* ---- a kernel that is played ---- */

/*
 * While it plays, whatever is asked of a netlink socket comes here: TCP over IPv4 has five
 * connections, all else nothing. The first `interrupted` answers are not consistent; from the
 * `vanished`th on (0: never) one connection is gone.
 */
static struct {
	bool on, asked_tcp4, ended;
	unsigned int interrupted, vanished, asked;
	struct nlmsghdr request;
} kernel;

ssize_t sendto(int fd, const void *data, size_t n, int flags, const struct sockaddr *to,
	       socklen_t length)
{
	ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	const struct inet_diag_req_v2 *r = (const void *)((const char *)data + NLMSG_HDRLEN);

	if (!kernel.on) {
		*(void **)&real = dlsym(RTLD_NEXT, "sendto");
		return real(fd, data, n, flags, to, length);
	}
	memcpy(&kernel.request, data, sizeof(kernel.request));
	kernel.asked_tcp4 = r->sdiag_family == AF_INET && r->sdiag_protocol == IPPROTO_TCP;
	kernel.asked += kernel.asked_tcp4;
	kernel.ended = !kernel.asked_tcp4;
	return (ssize_t)n;
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	ssize_t (*real)(int, struct msghdr *, int);
	struct buf answer = {0};
	size_t n;

	if (!kernel.on) {
		*(void **)&real = dlsym(RTLD_NEXT, "recvmsg");
		return real(fd, m, flags);
	}
	if (kernel.ended)
		put_end(&answer);
	for (uint16_t i = 0; !kernel.ended && i < 5; i++)
		if (i != 3 || !kernel.vanished || kernel.asked < kernel.vanished)
			put_socket(&answer, STATE_ESTABLISHED, (uint16_t)(8000 + i), 500u + i);
	for (size_t at = 0; at < answer.len;) {
		struct nlmsghdr *h = (void *)(answer.data + at);

		h->nlmsg_seq = kernel.request.nlmsg_seq;
		h->nlmsg_pid = kernel.request.nlmsg_pid;
		if (kernel.asked_tcp4 && kernel.asked <= kernel.interrupted && h->nlmsg_type == NLMSG_DONE)
			h->nlmsg_flags |= NLM_F_DUMP_INTR;
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
	kernel.ended = true;
	n = answer.len;
	memcpy(m->msg_iov[0].iov_base, answer.data, n);
	*(struct sockaddr_nl *)m->msg_name = (struct sockaddr_nl){.nl_family = AF_NETLINK};
	m->msg_namelen = sizeof(struct sockaddr_nl);
	m->msg_flags = 0;
	buf_done(&answer);
	return (ssize_t)n;
}

static void play(unsigned int interrupted, unsigned int vanished)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.interrupted = interrupted;
	kernel.vanished = vanished;
	kernel.on = true;
}

/* So that a namespace of its own without any socket of TCP has something to be asked for. */
static int make_listener(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void read_played(struct sockets_report *ret)
{
	struct sockets_options o = {
		.filter.kinds = 1u << SOCKET_INET, .rows_max = 20, .by_proc = true};
	struct netns here = {.fd = -1};

	*ret = (struct sockets_report){0};
	sockets_read(&o, &here, 1, ret);
	kernel.on = false;
	assert_int_equal(ret->spaces.items[0].err, 0);
	assert_int_equal(ret->seen, 5);
	assert_int_equal(ret->tcp[STATE_ESTABLISHED], 5);
}

static void test_interrupted_census(void **state)
{
	struct sockets_report r;
	int fd = make_listener();

	(void)state;
	play(0, 0);
	read_played(&r);
	assert_true(!r.changing && !r.repeated && kernel.asked == 1);
	sockets_report_done(&r);

	/* Read again, whole: the census asks once, and again after the repeat it does not take. */
	play(1, 0);
	read_played(&r);
	assert_true(!r.changing && r.repeated == 1);
	sockets_report_done(&r);

	/* Within bounds, and said; each of them is counted once all the same. */
	play(UINT32_MAX, 0);
	read_played(&r);
	assert_true(r.changing && r.repeated == SOCKETS_TRIES - 1);
	assert_true(kernel.asked <= 2 * SOCKETS_TRIES);
	sockets_report_done(&r);
	close(fd);
}

static int collect_played(struct snapshot *s)
{
	struct netns here = {.fd = -1};
	struct host h = {.ns = &here, .phase = "b"};
	int r;

	memset(s, 0, sizeof(*s));
	assert_int_equal(host_enter(&h), 0);
	r = collect_sockets(&h, s);
	host_leave(&h);
	kernel.on = false;
	return r;
}

static void test_interrupted_collector(void **state)
{
	struct snapshot *s = xcalloc(2, sizeof(*s));
	int fd = make_listener();

	(void)state;
	play(0, 0);
	assert_int_equal(collect_played(&s[0]), 0);
	assert_int_equal(s[0].connections_seen, 5);
	/* Begun again three times, and the same; a fourth time, and it is no answer. */
	play(3, 0);
	assert_int_equal(collect_played(&s[1]), 0);
	assert_int_equal(kernel.asked, 4);
	assert_int_equal(s[1].connections_seen, 5);
	assert_int_equal(s[1].sockets_seen, s[0].sockets_seen);
	assert_int_equal(s[1].sockets.n, s[0].sockets.n);
	assert_int_equal(s[1].tcp_groups.n, s[0].tcp_groups.n);
	assert_memory_equal(&s[1].tcp, &s[0].tcp, sizeof(s[0].tcp));
	snapshot_done(&s[1]);
	play(UINT32_MAX, 0);
	assert_int_equal(collect_played(&s[1]), -EINTR);
	assert_int_equal(kernel.asked, 4);
	snapshot_done(&s[0]);
	snapshot_done(&s[1]);
	free(s);
	close(fd);
}

/* Found by its name, and gone when all of it is asked for: not found, and no other in its place. */
static void test_flow_that_vanishes(void **state)
{
	struct flow_found *found = xcalloc(1, sizeof(*found));
	struct netns here = {.fd = -1};
	struct host h = {.ns = &here, .phase = "b"};
	struct socket sk = {.cookie = 1};
	struct socket_extra extra;
	struct flow_name name;

	(void)state;
	assert_int_equal(flow_parse("ino:503", &name), 0);
	play(1, 3);
	assert_int_equal(host_enter(&h), 0);
	assert_int_equal(flow_find(&h, &name, found), 0);
	assert_int_equal(found->all, 1);
	assert_int_equal(found->n, 1);
	assert_int_equal(kernel.asked, 2);
	assert_int_equal(flow_read(&h, &found->matches[0], &sk, &extra), -ENOENT);
	assert_int_equal(sk.cookie, 1);
	host_leave(&h);
	kernel.on = false;
	free(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dumps),
		cmocka_unit_test(test_bound_of_each_table),
		cmocka_unit_test(test_unix_file),
		cmocka_unit_test(test_interrupted_census),
		cmocka_unit_test(test_interrupted_collector),
		cmocka_unit_test(test_flow_that_vanishes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
