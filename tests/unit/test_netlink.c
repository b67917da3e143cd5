// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The netlink collectors and the process collector: real answers (tests/fixtures/netlink, of a
 * pair of namespaces with a full UDP buffer, a full accept queue, htb, tbf and dead neighbours; of
 * 6.18, "-6.1" of that),
 * the same cut and corrupted, and a kernel that is played here: socket calls of this program come
 * to the functions below while `script` is set.
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
#include <dlfcn.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "collect/netlink.h"
#include "collect/cgroup.h"
#include "collect/process.h"
#include "collect/recording.h"
#include "nl/nl.h"

#ifndef SOURCE_ROOT
#define SOURCE_ROOT "."
#endif
#define FIXTURE(name) SOURCE_ROOT "/tests/fixtures/netlink/" name ".bin"

/* What the played kernel says to one recvmsg(). */
struct line {
	uint16_t type, flags;
	int32_t payload; /* errno of NLMSG_ERROR and NLMSG_DONE */
	uint32_t sequence_off, port_off, sender;
	int error;	/* recvmsg fails with it */
	bool truncated, cut, alone; /* alone: no second message in the datagram */
};

static const struct line *script;
static uint32_t asked_sequence, asked_port;
static unsigned int asked;

ssize_t sendto(int fd, const void *data, size_t n, int flags, const struct sockaddr *to,
	       socklen_t length)
{
	const struct nlmsghdr *h = data;
	ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);

	if (script) {
		asked_sequence = h->nlmsg_seq;
		asked_port = h->nlmsg_pid;
		asked++;
		return (ssize_t)n;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "sendto");
	return real(fd, data, n, flags, to, length);
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	ssize_t (*real)(int, struct msghdr *, int);
	struct sockaddr_nl *from = m->msg_name;
	struct {
		struct nlmsghdr h;
		int32_t payload;
	} *out = m->msg_iov[0].iov_base;
	const struct line *l = script;

	if (!l) {
		*(void **)&real = dlsym(RTLD_NEXT, "recvmsg");
		return real(fd, m, flags);
	}
	script++;
	if (l->error) {
		errno = l->error;
		return -1;
	}
	*from = (struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_pid = l->sender};
	m->msg_namelen = sizeof(*from);
	m->msg_flags = l->truncated ? MSG_TRUNC : 0;
	out->h = (struct nlmsghdr){.nlmsg_len = sizeof(*out),
				   .nlmsg_type = l->type,
				   .nlmsg_flags = l->flags,
				   .nlmsg_seq = asked_sequence + l->sequence_off,
				   .nlmsg_pid = asked_port + l->port_off};
	out->payload = l->payload;
	return (ssize_t)sizeof(*out) - (l->cut ? 2 : 0);
}

#define DATA {.type = 100, .flags = NLM_F_MULTI}
#define DONE {.type = NLMSG_DONE, .flags = NLM_F_MULTI}
#define INTERRUPTED {.type = 100, .flags = NLM_F_MULTI | NLM_F_DUMP_INTR}

static int play(const struct line *lines, uint16_t flags, struct buf *ret)
{
	struct nlmsghdr request = {.nlmsg_len = sizeof(request), .nlmsg_flags = flags};
	int r;

	asked = 0;
	script = lines;
	r = nl_request(NETLINK_ROUTE, &request, sizeof(request), ret);
	script = NULL;
	return r;
}

static size_t messages_in(const struct buf *b)
{
	size_t n = 0;

	nl_each(message, b)
		n++;
	return n;
}

static void dump_is_gathered(void **state)
{
	static const struct line lines[] = {DATA, DATA, DONE};
	cleanup(buf_done) struct buf answer = {0};

	(void)state;
	assert_int_equal(play(lines, NLM_F_DUMP, &answer), 0);
	assert_int_equal(messages_in(&answer), 2);
	assert_int_equal(answer.len, 60);
	assert_int_equal(nl_check(&answer), 0);
	for (size_t n = 0; n < 60; n++) {
		struct buf cut = {.data = answer.data, .len = n};

		assert_int_equal(nl_check(&cut), -EBADMSG);
		assert_int_equal(messages_in(&cut), MIN(n / 20, 2));
	}
}

static void interrupted_dump_is_asked_again(void **state)
{
	static const struct line late[] = {INTERRUPTED, DONE, DATA,
					   {.type = NLMSG_DONE, .flags = NLM_F_DUMP_INTR},
					   INTERRUPTED, DONE, DATA, DATA, DATA, DONE};
	static const struct line never[] = {INTERRUPTED, DONE, INTERRUPTED, DONE,
					    INTERRUPTED, DONE, INTERRUPTED, DONE};
	cleanup(buf_done) struct buf answer = {0};

	(void)state;
	assert_int_equal(play(late, NLM_F_DUMP, &answer), 0);
	assert_int_equal(asked, 4);
	assert_int_equal(messages_in(&answer), 3);
	assert_int_equal(play(never, NLM_F_DUMP, &answer), -EINTR);
	assert_int_equal(asked, 4);
	assert_int_equal(messages_in(&answer), 3);
}

static void strangers_are_ignored(void **state)
{
	static const struct line lines[] = {
		{.type = 100, .sender = 77}, {.type = 100, .sequence_off = 1},
		{.type = 100, .port_off = 1}, {.error = EINTR}, {.type = 101}};
	cleanup(buf_done) struct buf answer = {0};

	(void)state;
	assert_int_equal(play(lines, 0, &answer), 0);
	assert_int_equal(messages_in(&answer), 1);
	nl_each(message, &answer)
		assert_int_equal(message.h->nlmsg_type, 101);
}

static void failures_are_told(void **state)
{
	static const struct {
		struct line lines[2];
		uint16_t flags;
		int expected;
	} cases[] = {
		{{{.type = NLMSG_ERROR, .payload = -EPERM}}, 0, -EPERM},
		{{DATA, {.type = NLMSG_DONE, .payload = -EBUSY}}, NLM_F_DUMP, -EBUSY},
		{{DATA, {.error = EAGAIN}}, NLM_F_DUMP, -ETIMEDOUT},
		{{DATA, {.error = ENOBUFS}}, NLM_F_DUMP, -ENOBUFS},
		{{{.type = 100, .truncated = true}}, 0, -EMSGSIZE},
		{{{.type = 100, .cut = true}}, 0, -EBADMSG},
		{{{.type = NLMSG_ERROR, .payload = 22}}, 0, -EBADMSG},
		{{{.type = NLMSG_ERROR, .payload = 0}}, NLM_F_ACK, 0},
		{{{.type = 100}, {.type = NLMSG_ERROR}}, NLM_F_ACK, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup(buf_done) struct buf answer = {0};

		assert_int_equal(play(cases[i].lines, cases[i].flags, &answer), cases[i].expected);
		if (cases[i].expected)
			assert_int_equal(answer.len, 0);
	}
}

static void this_kernel_answers(void **state)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg m;
	} request = {.h = {.nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST},
		     .m = {.ifi_index = 1}};
	cleanup(buf_done) struct buf answer = {0};

	(void)state;
	assert_int_equal(nl_request(NETLINK_ROUTE, &request, sizeof(request), &answer), 0);
	assert_int_equal(messages_in(&answer), 1);
	assert_int_equal(nl_check(&answer), 0);
	request.m.ifi_index = 999999999;
	assert_int_equal(nl_request(NETLINK_ROUTE, &request, sizeof(request), &answer), -ENODEV);
	assert_int_equal(nl_request(NETLINK_ROUTE, &request, 3, &answer), -EINVAL);
	assert_int_equal(nl_request(31, &request, sizeof(request), &answer), -EPROTONOSUPPORT);
}

static void load(const char *path, struct buf *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(buf_read_fd(to, fd, 1 << 20), 0);
	close(fd);
}

/* The parsers under one shape. */
static int parse_udp(const struct buf *b, struct snapshot *s)
{
	return nl_check(b) < 0 ? -EBADMSG : parse_sockets(b, IPPROTO_UDP, false, s);
}

static int parse_tcp(const struct buf *b, struct snapshot *s)
{
	return nl_check(b) < 0 ? -EBADMSG : parse_sockets(b, IPPROTO_TCP, false, s);
}

static int parse_tcp_look(const struct buf *b, struct snapshot *s)
{
	return nl_check(b) < 0 ? -EBADMSG : parse_sockets(b, IPPROTO_TCP, true, s);
}

typedef int parser(const struct buf *b, struct snapshot *s);

static void parse_fixture(const char *path, parser *parse, struct snapshot *s)
{
	cleanup(buf_done) struct buf b = {0};

	load(path, &b);
	assert_int_equal(parse(&b, s), 0);
}

static void links_are_read(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};
	const struct link *l;

	(void)state;
	parse_fixture(FIXTURE("links"), parse_links, &s);
	assert_int_equal(s.links.n, 4);
	l = snapshot_link(&s, 2);
	assert_non_null(l);
	assert_int_equal(l->rp_filter, -1);
	assert_int_equal(l->forwarding, -1);
	parse_fixture(FIXTURE("netconf4"), parse_netconf, &s);
	assert_string_equal(l->name, "v0");
	assert_string_equal(l->kind, "veth");
	assert_int_equal(l->peer_ifindex, 2);
	assert_true(l->peer_known_netns);
	assert_int_equal(l->link_netnsid, 0);
	assert_int_equal(l->mtu, 1500);
	assert_int_equal(l->txqlen, 1000);
	assert_int_equal(l->carrier_changes, 2);
	assert_int_equal(l->operstate, 6);
	assert_int_equal(l->rp_filter, 2);
	assert_int_equal(l->forwarding, 1);
	assert_int_equal(l->stats_n, LINK_STATS);
	assert_int_equal(l->stats[C_LINK_RX_PACKETS - LINK_FIRST], 9);
	assert_int_equal(l->stats[C_LINK_TX_PACKETS - LINK_FIRST], 82);
	l = snapshot_link(&s, 1);
	assert_string_equal(l->kind, "");
	assert_int_equal(l->peer_ifindex, 0);
	l = snapshot_link(&s, 3);
	assert_int_equal(l->peer_ifindex, 4);
	assert_false(l->peer_known_netns);
	assert_int_equal(l->link_netnsid, -1);
}

static void qdiscs_are_read(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};
	const struct qdisc *q;

	(void)state;
	parse_fixture(FIXTURE("qdiscs"), parse_qdiscs, &s);
	assert_int_equal(s.qdiscs.n, 5);
	q = &s.qdiscs.items[1];
	assert_string_equal(q->kind, "htb");
	assert_int_equal(q->handle, 0x10000);
	assert_int_equal(q->parent, 0xffffffff);
	assert_int_equal(q->drops, 744);
	assert_int_equal(q->overlimits, 62);
	assert_int_equal(q->limit, 0);
	q = &s.qdiscs.items[2];
	assert_string_equal(q->kind, "pfifo");
	assert_int_equal(q->parent, 0x10010);
	assert_int_equal(q->packets, 81);
	assert_int_equal(q->bytes, 67026);
	assert_int_equal(q->limit, 50);
	assert_false(q->limit_in_bytes);
	q = &s.qdiscs.items[4];
	assert_string_equal(q->kind, "tbf");
	assert_int_equal(q->rate_bps, 8000000);
	assert_int_equal(q->limit, 20480);
	assert_true(q->limit_in_bytes);
}

/* Kinds that the newer kernel at hand did not have. */
static void limits_are_read(void **state)
{
	static const struct {
		const char *kind;
		uint64_t limit;
	} expected[] = {{"fq", 333}, {"fq_codel", 77}, {"netem", 55}};
	cleanup(snapshot_done) struct snapshot s = {0};

	(void)state;
	parse_fixture(FIXTURE("qdiscs-6.1"), parse_qdiscs, &s);
	assert_int_equal(s.qdiscs.n, ARRAY_SIZE(expected));
	for (size_t i = 0; i < s.qdiscs.n; i++) {
		assert_string_equal(s.qdiscs.items[i].kind, expected[i].kind);
		assert_int_equal(s.qdiscs.items[i].limit, expected[i].limit);
		assert_false(s.qdiscs.items[i].limit_in_bytes);
	}
	assert_int_equal(s.qdiscs.items[1].packets, 816);
}

static void neighbours_are_read(void **state)
{
	static const uint8_t dead4[] = {192, 0, 2, 77};
	static const uint8_t dead6[] = {0x20, 1, 0xd, 0xb8, [15] = 0x77};
	cleanup(snapshot_done) struct snapshot s = {0};

	(void)state;
	parse_fixture(FIXTURE("neighs4"), parse_neighs, &s);
	parse_fixture(FIXTURE("neighs6"), parse_neighs, &s);
	assert_int_equal(s.neighs_seen, 3);
	assert_int_equal(s.neighs.n, 2);
	assert_int_equal(s.neighs.items[0].ifindex, 2);
	assert_int_equal(s.neighs.items[0].family, AF_INET);
	assert_memory_equal(s.neighs.items[0].address, dead4, 4);
	assert_int_equal(s.neighs.items[0].state, NUD_INCOMPLETE);
	assert_int_equal(s.neighs.items[1].family, AF_INET6);
	assert_memory_equal(s.neighs.items[1].address, dead6, 16);
	parse_fixture(FIXTURE("neigh-tables"), parse_neigh_tables, &s);
	assert_int_equal(s.neigh_tables.n, 2);
	assert_int_equal(s.neigh_tables.items[0].family, AF_INET);
	assert_int_equal(s.neigh_tables.items[0].entries, 5);
	assert_int_equal(s.neigh_tables.items[0].thresh1, 128);
	assert_int_equal(s.neigh_tables.items[0].thresh3, 1024);
	assert_int_equal(s.neigh_tables.items[0].res_failed, 20);
	assert_int_equal(s.neigh_tables.items[1].family, AF_INET6);
}

static void sockets_are_read(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};
	const struct socket *sk;

	(void)state;
	parse_fixture(FIXTURE("udp4"), parse_udp, &s);
	parse_fixture(FIXTURE("udp6"), parse_udp, &s);
	parse_fixture(FIXTURE("tcp4"), parse_tcp, &s);
	assert_int_equal(s.sockets_seen, 7);
	assert_int_equal(s.sockets.n, 4);
	sk = &s.sockets.items[0];
	assert_int_equal(sk->family, AF_INET);
	assert_int_equal(sk->protocol, IPPROTO_UDP);
	assert_int_equal(sk->local_port, 5353);
	assert_int_equal(sk->local[3], 2);
	assert_int_equal(sk->cookie, 0x3c9);
	assert_int_equal(sk->inode, 484015);
	assert_int_equal(sk->rmem, 142848);
	assert_int_equal(sk->rcvbuf, 212992);
	assert_true(sk->mem_known);
	assert_false(sk->tcp_known);
	assert_int_equal(s.sockets.items[1].family, AF_INET6);
	sk = &s.sockets.items[2];
	assert_int_equal(sk->state, 10);
	assert_int_equal(sk->rqueue, 3);
	assert_int_equal(sk->wqueue, 2);
	assert_int_equal(sk->drops, 3);
	assert_false(sk->tcp_known);
	sk = &s.sockets.items[3];
	assert_int_equal(sk->rqueue, 1000);
	assert_int_equal(sk->inode, 0);
	assert_true(sk->tcp_known);
}

static void quiet_connections_are_counted_only(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};
	cleanup(snapshot_done) struct snapshot look = {0};

	(void)state;
	parse_fixture(FIXTURE("tcp4-client"), parse_tcp, &s);
	assert_int_equal(s.sockets_seen, 5);
	assert_int_equal(s.sockets.n, 4);
	vec_each(sk, &s.sockets)
		assert_int_equal(sk->retrans_total, 1);
	parse_fixture(FIXTURE("tcp4"), parse_tcp_look, &look);
	assert_int_equal(look.sockets.n, 1);
	assert_int_equal(look.sockets.items[0].state, 10);
}

static void unanswered_connections_are_kept(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};

	(void)state;
	parse_fixture(FIXTURE("tcp4-6.1"), parse_tcp, &s);
	assert_int_equal(s.sockets_seen, 5);
	assert_int_equal(s.sockets.n, 2);
	vec_each(sk, &s.sockets) {
		assert_int_equal(sk->state, 2);
		assert_int_equal(sk->wqueue, 1);
		assert_int_equal(sk->lost, 1);
		assert_int_equal(sk->unacked, 1);
		assert_int_equal(sk->retrans_total, 1);
		assert_true(sk->tcp_known);
	}
}

/* A socket bound to lo, with a small buffer. */
static void packet_sockets_are_read(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};
	const struct socket *sk;

	(void)state;
	parse_fixture(FIXTURE("packet"), parse_packet_sockets, &s);
	assert_int_equal(s.packet_sockets.n, 1);
	sk = &s.packet_sockets.items[0];
	assert_int_equal(sk->kind, SOCKET_PACKET);
	assert_int_equal(sk->ifindex, 1);
	assert_int_equal(sk->local_port, 3);
	assert_true(sk->mem_known);
	assert_false(sk->ring);
	assert_int_equal(sk->rcvbuf, 4096);
	assert_int_equal(sk->rmem, 4160);
	assert_int_equal(sk->drops, 95);
}

static const struct {
	const char *path;
	parser *parse;
} fixtures[] = {
	{FIXTURE("links"), parse_links},
	{FIXTURE("links-6.12"), parse_links},
	{FIXTURE("netconf4"), parse_netconf},
	{FIXTURE("qdiscs"), parse_qdiscs},
	{FIXTURE("qdiscs-6.1"), parse_qdiscs},
	{FIXTURE("neighs4"), parse_neighs},
	{FIXTURE("neighs6"), parse_neighs},
	{FIXTURE("neigh-tables"), parse_neigh_tables},
	{FIXTURE("udp4"), parse_udp},
	{FIXTURE("tcp4"), parse_tcp},
	{FIXTURE("packet"), parse_packet_sockets},
};

/* In memory of just its size, so that a sanitizer sees a step beyond. */
static int parse_copy(parser *parse, const char *data, size_t n)
{
	cleanup(snapshot_done) struct snapshot s = {0};
	char *copy = malloc(n ? n : 1);
	struct buf b = {.data = copy, .len = n};
	int r;

	memcpy(copy, data, n);
	r = parse(&b, &s);
	free(copy);
	return r;
}

static void cut_answers_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fixtures); i++) {
		cleanup(buf_done) struct buf b = {0};

		load(fixtures[i].path, &b);
		for (size_t n = 0; n < b.len; n++)
			assert_int_equal(parse_copy(fixtures[i].parse, b.data, n), -EBADMSG);
	}
}

static void corrupt_answers_do_no_harm(void **state)
{
	static const char values[] = {0, 1, 4, 0x7f, (char)0x80, (char)0xff};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fixtures); i++) {
		cleanup(buf_done) struct buf b = {0};

		load(fixtures[i].path, &b);
		for (size_t at = 0; at < b.len; at++)
			for (size_t v = 0; v < sizeof(values); v++) {
				char old = b.data[at];
				int r;

				b.data[at] = values[v];
				r = parse_copy(fixtures[i].parse, b.data, b.len);
				assert_true(r == 0 || r == -EBADMSG);
				b.data[at] = old;
			}
	}
}

static void what_a_process_has_is_read(void **state)
{
	static const char limits[] =
		"Limit                     Soft Limit           Hard Limit           Units     \n"
		"Max processes             96233                96233                processes \n"
		"Max open files            1024                 524288               files     \n";
	uint64_t n = 7;

	(void)state;
	assert_true(parse_open_files(span_of(limits), &n));
	assert_int_equal(n, 1024);
	n = 7;
	assert_false(parse_open_files(span_of("Max open files            unlimited\n"), &n));
	assert_false(parse_open_files(span_of("Max open files\n"), &n));
	assert_false(parse_open_files(span_of(""), &n));
	assert_int_equal(n, 7);
	assert_true(parse_swapped(span_of("Name:\tx\nVmSwap:\t    5120 kB\n"), &n));
	assert_int_equal(n, 5120);
	assert_false(parse_swapped(span_of("Name:\tkthreadd\n"), &n)); /* a thread of the kernel */
	assert_false(parse_swapped(span_of("VmSwap:\tx kB\n"), &n));
}

static void stat_is_parsed(void **state)
{
	struct process_stat st = {0};

	(void)state;
	assert_int_equal(parse_process_stat(span_of("12 (a) (b R 1) T 7 12 12 0 -1 4194304 1 2 3 4 "
						    "55 66 0 0 20 0 1 0 1\n"), &st), 0);
	assert_string_equal(st.comm, "a) (b R 1");
	assert_int_equal(st.state, 'T');
	assert_int_equal(st.ppid, 7);
	assert_int_equal(st.utime, 55);
	assert_int_equal(st.stime, 66);
	assert_int_equal(parse_process_stat(span_of("12 (x) T 7 12 12"), &st), -EBADMSG);
	assert_int_equal(parse_process_stat(span_of("12 )x( T 7"), &st), -EBADMSG);
	assert_int_equal(parse_process_stat(span_of(""), &st), -EBADMSG);
	assert_int_equal(parse_process_stat((struct span){0}, &st), -EBADMSG);
	assert_int_equal(parse_process_stat(span_of("1 (x) S -1 1 1 0 -1 4 1 2 3 4 5 6 7"), &st),
			 -EBADMSG);
}

static void cgroups_are_found(void **state)
{
	static const char mounts[] =
		"tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
		"cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
		"cgroup /mnt/other cgroup rw,cpu,cpuacct 0 0\n"
		"cgroup /sys/fs/a\\040b cgroup rw,freezer 0 0\n"
		"bad\n"
		"cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nsdelegate 0 0\n";
	static const char v1[] = "6:freezer:/fr\n2:cpu,cpuacct:/lim/a.service\n"
				 "1:name=systemd:/system.slice/b.service/sub\n0::/x\n";
	static const char v2[] = "0::/user.slice/user@1.service/app.slice/c:d.scope\n";
	struct cgroup_mounts m;
	struct cgroup_paths p;

	(void)state;
	parse_mounts(span_of(mounts), "", &m);
	assert_string_equal(m.cpu, "/sys/fs/cgroup/cpu,cpuacct");
	assert_string_equal(m.freezer, "/sys/fs/a b");
	assert_string_equal(m.unified, "/sys/fs/cgroup/unified");
	parse_mounts(span_of(mounts), "/proc/9/root", &m);
	assert_string_equal(m.freezer, "/proc/9/root/sys/fs/a b");
	parse_cgroup(span_of(v1), &p);
	assert_string_equal(p.cpu, "/lim/a.service");
	assert_string_equal(p.freezer, "/fr");
	assert_string_equal(p.unified, "/x");
	assert_string_equal(p.unit, "b.service");
	parse_cgroup(span_of(v2), &p);
	assert_string_equal(p.cpu, "");
	assert_string_equal(p.unified, "/user.slice/user@1.service/app.slice/c:d.scope");
	assert_string_equal(p.unit, "c:d.scope");
}

static void owners_must_be_numbers(void **state)
{
	static const char *const bad[] = {"12", "12 x\n", "0 5\n", "5 0\n", "1 2 3\n", "\n",
					  "4294967296 1\n", "1 4294967295\n"};
	cleanup(snapshot_done) struct snapshot s = {0};

	(void)state;
	assert_int_equal(parse_owners(span_of("7 1\n7 2\n4294967295 2147483647\n"), &s), 0);
	assert_int_equal(s.owners.n, 3);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup(snapshot_done) struct snapshot t = {0};

		assert_int_equal(parse_owners(span_of(bad[i]), &t), -EBADMSG);
	}
}

static void cpu_max_is_parsed(void **state)
{
	int64_t quota = 5, period = 5;
	uint64_t n = 5;

	(void)state;
	assert_int_equal(parse_cpu_max(span_of("max\n"), &quota, &period), -EBADMSG);
	assert_int_equal(parse_cpu_max(span_of("x 1\n"), &quota, &period), -EBADMSG);
	assert_int_equal(quota, 5);
	assert_int_equal(parse_cpu_max(span_of("max 100000\n"), &quota, &period), 0);
	assert_int_equal(quota, -1);
	assert_int_equal(parse_cpu_max(span_of("20000 100000\n"), &quota, &period), 0);
	assert_int_equal(quota, 20000);
	assert_int_equal(period, 100000);
	assert_true(parse_key(span_of("a 1\nb 2\n"), "b", &n));
	assert_int_equal(n, 2);
	assert_false(parse_key(span_of("ab 1\nb\n"), "b", &n));
	assert_false(parse_key(span_of("b x\n"), "b", &n));
}

/* A replayed host: what it was told to say, under namespace 1, phase b. */
static void say(struct recording *r, const char *name, int err, const char *text)
{
	struct buf data = {.data = (char *)(uintptr_t)text, .len = text ? strlen(text) : 0};
	char full[256];

	snprintf(full, sizeof(full), "1/b/%s", name);
	recording_put(r, full, err, &data);
}

static void add_full_socket(struct snapshot *s, uint32_t inode)
{
	struct socket *sk = vec_push(&s->sockets);

	sk->inode = inode;
	sk->protocol = IPPROTO_UDP;
	sk->rcvbuf = 1000;
	sk->rmem = inode % 2 ? 900 : 0;
}

static int replay_processes(struct recording *r, struct snapshot *s)
{
	struct netns ns = {.inode = 1, .fd = -1};
	struct host h = {.ns = &ns, .phase = "b", .recording = r, .replay = true};

	return collect_process(&h, s);
}

#define STAT(pid, name, state)                                                                     \
	pid " (" name ") " state " 1 1 1 0 -1 4 1 2 3 4 5 6 0 0 20 0 1 0 1\n"

static void owners_are_replayed(void **state)
{
	struct recording *r = recording_new();
	cleanup(snapshot_done) struct snapshot s = {0};
	const struct process *p;

	(void)state;
	add_full_socket(&s, 11);
	add_full_socket(&s, 12);
	add_full_socket(&s, 13);
	say(r, "made/owners", 0, "11 20\n11 21\n13 22\n");
	say(r, "proc/self/mounts", 0, "cgroup2 /cg cgroup2 rw 0 0\n");
	say(r, "proc/20/stat", 0, STAT("20", "dns", "S"));
	say(r, "proc/20/schedstat", 0, "100 777 3\n");
	say(r, "proc/20/cgroup", 0, "0::/s/dns.service/x\n");
	say(r, "abs/cg/s/dns.service/x/cpu.max", 0, "max 100000\n");
	say(r, "abs/cg/s/dns.service/cpu.max", 0, "20000 100000\n");
	say(r, "abs/cg/s/dns.service/cpu.stat", 0,
	    "usage_usec 5\nnr_periods 10\nnr_throttled 4\nthrottled_usec 3000\n");
	say(r, "abs/cg/s/dns.service/x/cgroup.events", 0, "populated 1\nfrozen 1\n");
	say(r, "proc/21/stat", -ENOENT, NULL);
	say(r, "proc/22/stat", 0, STAT("22", "other", "T"));
	say(r, "proc/22/cgroup", 0, "0::/../outside\n");
	assert_int_equal(replay_processes(r, &s), 0);
	assert_int_equal(s.owners.n, 2);
	assert_int_equal(s.processes.n, 2);
	p = &s.processes.items[0];
	assert_int_equal(p->pid, 20);
	assert_string_equal(p->comm, "dns");
	assert_string_equal(p->unit, "dns.service");
	assert_string_equal(p->cgroup, "/s/dns.service/x");
	assert_int_equal(p->run_delay_ns, 777);
	assert_true(p->cpu_stat_known);
	assert_true(p->frozen);
	assert_int_equal(p->nr_throttled, 4);
	assert_int_equal(p->throttled_ns, 3000000);
	assert_int_equal(p->quota_us, 20000);
	p = snapshot_owner(&s, 13);
	assert_non_null(p);
	assert_int_equal(p->state, 'T');
	assert_false(p->cpu_stat_known);
	assert_int_equal(p->quota_us, -1);
	recording_free(r);
}

static void no_question_no_answer(void **state)
{
	struct recording *r = recording_new();
	cleanup(snapshot_done) struct snapshot s = {0};

	(void)state;
	add_full_socket(&s, 12);
	add_full_socket(&s, 0);
	assert_int_equal(replay_processes(r, &s), 0);
	add_full_socket(&s, 13);
	assert_int_equal(replay_processes(r, &s), -ENODATA);
	say(r, "made/owners", -EACCES, NULL);
	assert_int_equal(replay_processes(r, &s), -EACCES);
	recording_free(r);
}

static uint32_t inode_of_fd(int fd)
{
	char path[64], link[64];
	ssize_t n;
	uint64_t inode = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link));
	assert_true(n > 9);
	assert_int_equal(parse_u64((struct span){link + 8, (size_t)n - 9}, UINT32_MAX, &inode), 0);
	return (uint32_t)inode;
}

static void own_socket_is_found(void **state)
{
	int one = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t inode = inode_of_fd(one);
	struct inodes wanted = {.list = {.items = &inode, .n = 1}};
	cleanup(buf_done) struct buf text = {0};
	char expected[64];

	(void)state;
	assert_int_equal(owners_find(&wanted, true, &text), 0);
	snprintf(expected, sizeof(expected), "%u %d\n", inode, (int)getpid());
	assert_string_equal(text.data, expected);
	buf_clear(&text);
	assert_int_equal(owners_find(&wanted, false, &text), 0);
	assert_string_equal(text.data, expected);
	close(one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_is_gathered),
		cmocka_unit_test(interrupted_dump_is_asked_again),
		cmocka_unit_test(strangers_are_ignored),
		cmocka_unit_test(failures_are_told),
		cmocka_unit_test(this_kernel_answers),
		cmocka_unit_test(links_are_read),
		cmocka_unit_test(qdiscs_are_read),
		cmocka_unit_test(limits_are_read),
		cmocka_unit_test(neighbours_are_read),
		cmocka_unit_test(sockets_are_read),
		cmocka_unit_test(quiet_connections_are_counted_only),
		cmocka_unit_test(unanswered_connections_are_kept),
		cmocka_unit_test(packet_sockets_are_read),
		cmocka_unit_test(cut_answers_are_refused),
		cmocka_unit_test(corrupt_answers_do_no_harm),
		cmocka_unit_test(stat_is_parsed),
		cmocka_unit_test(what_a_process_has_is_read),
		cmocka_unit_test(cgroups_are_found),
		cmocka_unit_test(owners_must_be_numbers),
		cmocka_unit_test(cpu_max_is_parsed),
		cmocka_unit_test(owners_are_replayed),
		cmocka_unit_test(no_question_no_answer),
		cmocka_unit_test(own_socket_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
