// SPDX-License-Identifier: GPL-2.0-or-later
/* A diagnosis narrowed to a process, port, peer or device, or without what is ignored, on
 * observations made by hand. */
#define _GNU_SOURCE
#include "observe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

static void peers(void **state)
{
	static const char *const wrong[] = {"", "10.0.0.300", "10.0.0.0/33", "10.0.0.0/", "eth0",
					    "2001:db8::/129", "10.0.0.0/8/8", "::1%lo", "1.2.3.4/-1",
					    "2001:db8:0:0:0:0:0:0:1:2:3:4:5:6:7:8:9:a:b:c"};
	struct narrow n = {0};
	struct buf words = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (narrow_parse_peer(&n, wrong[i]) != -EINVAL)
			fail_msg("'%s' is taken", wrong[i]);
	assert_int_equal(n.family, 0);
	assert_int_equal(narrow_parse_peer(&n, "10.1.0.0/15"), 0);
	n.port = 53;
	narrow_words(&n, &words);
	assert_string_equal(words.data, "port 53 and peer 10.1.0.0/15");
	buf_done(&words);
}

static struct drop_flow flow_of(const char *from, uint16_t port, unsigned int ifindex)
{
	struct drop_flow f = {.family = AF_INET, .protocol = IPPROTO_UDP, .source_port = 40000,
			      .destination_port = port, .ifindex = ifindex, .netns = OBSERVED_NETNS};

	inet_pton(AF_INET, from, f.source);
	inet_pton(AF_INET, "192.0.2.2", f.destination);
	return f;
}

static void add_flow(struct drops *drops, const char *reason, struct drop_flow flow, uint64_t packets)
{
	struct drop *row = trace(drops, reason, "f", IPPROTO_UDP, packets);

	row->ifindex = flow.ifindex;
	snprintf(flow.reason, sizeof(flow.reason), "%s", reason);
	snprintf(flow.symbol, sizeof(flow.symbol), "f");
	flow.packets = packets;
	*vec_push(&drops->flows) = flow;
}

static void add_socket(struct snapshot *at, uint64_t cookie, uint16_t port, uint32_t drops)
{
	struct socket *sk = vec_push(&at->sockets);

	sk->cookie = cookie;
	sk->inode = (uint32_t)cookie;
	sk->family = AF_INET;
	sk->protocol = IPPROTO_UDP;
	sk->local_port = port;
	sk->drops = drops;
	sk->rcvbuf = sk->rmem = 8192;
	sk->mem_known = true;
}

/* 300 packets for a closed port from two peers by two devices; two full buffers. */
static void fill(struct diagnosis *d, struct drops *drops)
{
	struct observation *o = observe(d);

	device(o, 2, "eth0");
	device(o, 3, "eth1");
	count(o, C_UDP_NO_PORTS, 0, 300);
	count(o, C_UDP_IN_DATAGRAMS, 0, 1000);
	count(o, C_UDP_RCVBUF_ERRORS, 0, 500);
	for (int end = 0; end < 2; end++) {
		add_socket(end ? &o->b : &o->a, 11, 5301, end ? 200 : 0);
		add_socket(end ? &o->b : &o->a, 12, 5302, end ? 300 : 0);
	}
	add_flow(drops, "NO_SOCKET", flow_of("192.0.2.1", 9999, 2), 100);
	add_flow(drops, "NO_SOCKET", flow_of("198.51.100.1", 9999, 3), 200);
	add_flow(drops, "SOCKET_RCVBUFF", flow_of("192.0.2.1", 5301, 2), 200);
	add_flow(drops, "SOCKET_RCVBUFF", flow_of("192.0.2.1", 5302, 2), 300);
	d->drops = drops;
}

/* Packets shown of a loss point; those left out in *ret_others. */
static uint64_t narrowed(const struct narrow *n, const char *cause, uint64_t *ret_others)
{
	struct diagnosis d = {.narrow = n};
	struct drops drops = {.receiving_socket = true};
	uint64_t lost = 0;

	fill(&d, &drops);
	diagnose(&d);
	*ret_others = 0;
	vec_each(f, &d.findings)
		if (strcmp((f->via ? f->via : f->cause)->id, cause) == 0)
			lost += f->lost;
	vec_each(f, &d.others)
		if (strcmp((f->via ? f->via : f->cause)->id, cause) == 0)
			*ret_others += f->lost;
	diagnosis_done(&d);
	drops_done(&drops);
	return lost;
}

static void parts_of_a_loss(void **state)
{
	struct narrow port = {.port = 5301}, closed = {.port = 9999}, none = {.port = 4444};
	struct narrow eth1 = {.device = "eth1"}, peer = {0}, process = {.pid = 77};
	uint64_t others;

	(void)state;
	assert_int_equal(narrowed(NULL, "udp-rcvbuf-full", &others), 500);
	assert_int_equal(others, 0);
	assert_int_equal(narrowed(&port, "udp-rcvbuf-full", &others), 200);
	assert_int_equal(others, 300);
	assert_int_equal(narrowed(&port, "udp-noport", &others), 0);
	assert_int_equal(others, 300);
	assert_int_equal(narrowed(&closed, "udp-noport", &others), 300);
	assert_int_equal(narrowed(&none, "udp-noport", &others), 0);
	assert_int_equal(narrowed(&none, "udp-rcvbuf-full", &others), 0);
	assert_int_equal(others, 500);
	assert_int_equal(narrowed(&eth1, "udp-noport", &others), 200);
	assert_int_equal(others, 100);
	assert_int_equal(narrowed(&eth1, "udp-rcvbuf-full", &others), 0);
	assert_int_equal(narrow_parse_peer(&peer, "198.51.100.0/24"), 0);
	assert_int_equal(narrowed(&peer, "udp-noport", &others), 200);
	peer.port = 5301;
	assert_int_equal(narrowed(&peer, "udp-noport", &others), 0);
	*vec_push(&process.inodes) = 12;
	process.inodes_complete = true;
	assert_int_equal(narrowed(&process, "udp-rcvbuf-full", &others), 300);
	assert_int_equal(others, 200);
	assert_int_equal(narrowed(&process, "udp-noport", &others), 0);
	narrow_done(&process);
}

/* Without flows nobody knows whose packets these were: they stay. */
static void what_cannot_be_told_stays(void **state)
{
	struct narrow n = {.port = 53};
	struct diagnosis d = {.narrow = &n};
	struct drops drops = {.err = -EPERM};
	struct observation *o = observe(&d);

	(void)state;
	count(o, C_UDP_NO_PORTS, 0, 300);
	d.drops = &drops;
	diagnose(&d);
	assert_int_equal(d.findings.n, 1);
	assert_int_equal(d.others.n, 0);
	assert_non_null(strstr(d.findings.items[0].text, "cannot be told whether this concerns port 53"));
	diagnosis_done(&d);
}

/* The verdict is that of what is shown. */
static void verdict_follows(void **state)
{
	struct narrow n = {.port = 4444};
	struct diagnosis d = {.narrow = &n};
	struct drops drops = {.receiving_socket = true};

	(void)state;
	fill(&d, &drops);
	diagnose(&d);
	assert_int_equal(d.verdict, HEALTHY);
	assert_true(d.others.n >= 2);
	diagnosis_done(&d);
	drops_done(&drops);
}

static bool tells_of(const struct finding *f, const char *what)
{
	vec_each(e, &f->evidence)
		if (e->text && strstr(e->text, what))
			return true;
	vec_each(r, &f->remedies)
		vec_each(c, &r->commands)
			if (strstr(*c, what))
				return true;
	return strstr(f->headline, what) || strstr(f->text, what);
}

/* What is ignored takes its words and remedies along; the other socket keeps its own. */
static void ignored_sockets_are_not_told_of(void **state)
{
	struct ignore ignored[] = {{.cause = "udp-rcvbuf-full", .port = 5302}};
	struct config config = {.ignores = {.items = ignored, .n = 1}};

	(void)state;
	for (int with = 0; with < 2; with++) {
		struct diagnosis d = {.config = with ? &config : NULL};
		struct drops drops = {0}; /* sockets by their own counters */
		const struct finding *full = NULL;

		fill(&d, &drops);
		diagnose(&d);
		vec_each(f, &d.findings)
			if (strcmp((f->via ? f->via : f->cause)->id, "udp-rcvbuf-full") == 0)
				full = f;
		assert_non_null(full);
		assert_int_equal(full->lost, with ? 200 : 500);
		assert_int_equal(d.ignored.n, with);
		assert_int_equal(tells_of(full, "5302"), !with);
		assert_int_equal(tells_of(full, "5301"), with);
		diagnosis_done(&d);
		drops_done(&drops);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers),
		cmocka_unit_test(parts_of_a_loss),
		cmocka_unit_test(what_cannot_be_told_stays),
		cmocka_unit_test(verdict_follows),
		cmocka_unit_test(ignored_sockets_are_not_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
