// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who fills a table: ctnetlink (net/netfilter/nf_conntrack_netlink.c ctnetlink_fill_info) and
 * sock_diag (net/ipv4/inet_diag.c inet_sk_diag_fill) of 6.1 as bytes, the sums, what they look like,
 * and the causes that rest on them.
 */
#include "observe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include "causes/stages.h"
#include "collect/collect.h"
#include "collect/crowd.h"
#include "collect/recording.h"
#include "scrub/map.h"

/* ---- messages ---- */

static size_t open_attr(struct buf *b, uint16_t type)
{
	struct nlattr a = {.nla_type = type};
	size_t at = b->len;

	buf_add(b, &a, sizeof(a));
	return at;
}

static void close_attr(struct buf *b, size_t at)
{
	uint16_t n = (uint16_t)(b->len - at);

	memcpy(b->data + at, &n, sizeof(n));
	while (b->len % 4)
		buf_add(b, "", 1);
}

static void put(struct buf *b, uint16_t type, const void *data, size_t n)
{
	size_t at = open_attr(b, type);

	buf_add(b, data, n);
	close_attr(b, at);
}

static size_t open_message(struct buf *b, uint16_t type, const void *header, size_t n)
{
	struct nlmsghdr h = {.nlmsg_type = type, .nlmsg_flags = NLM_F_MULTI};
	size_t at = b->len;

	buf_add(b, &h, sizeof(h));
	buf_add(b, header, n);
	return at;
}

static void close_message(struct buf *b, size_t at)
{
	uint32_t n = (uint32_t)(b->len - at);

	memcpy(b->data + at, &n, sizeof(n));
}

/* state -1: no CTA_PROTOINFO, as for UDP. */
static void put_tracked(struct buf *b, uint8_t family, const char *from, const char *to,
			uint8_t protocol, uint16_t port, uint32_t status, int state)
{
	struct nfgenmsg header = {.nfgen_family = family};
	size_t at = open_message(b, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, &header,
				 sizeof(header));
	size_t tuple = open_attr(b, NLA_F_NESTED | CTA_TUPLE_ORIG), inner;
	bool v4 = family == AF_INET;
	uint16_t source_port = htons(40000), to_port = htons(port);
	uint8_t address[16], byte = (uint8_t)state;

	inner = open_attr(b, NLA_F_NESTED | CTA_TUPLE_IP);
	assert_int_equal(inet_pton(family, from, address), 1);
	put(b, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, address, v4 ? 4 : 16);
	assert_int_equal(inet_pton(family, to, address), 1);
	put(b, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, address, v4 ? 4 : 16);
	close_attr(b, inner);
	inner = open_attr(b, NLA_F_NESTED | CTA_TUPLE_PROTO);
	put(b, CTA_PROTO_NUM, &protocol, 1);
	put(b, CTA_PROTO_SRC_PORT, &source_port, 2);
	put(b, CTA_PROTO_DST_PORT, &to_port, 2);
	close_attr(b, inner);
	close_attr(b, tuple);
	status = htonl(status);
	put(b, CTA_STATUS, &status, 4);
	if (state >= 0) {
		tuple = open_attr(b, NLA_F_NESTED | CTA_PROTOINFO);
		inner = open_attr(b, NLA_F_NESTED | CTA_PROTOINFO_TCP);
		put(b, CTA_PROTOINFO_TCP_STATE, &byte, 1);
		close_attr(b, inner);
		close_attr(b, tuple);
	}
	close_message(b, at);
}

static void tracked_connections_are_read(void **state)
{
	cleanup(buf_done) struct buf b = {0};
	struct crowd_list l = {0};

	(void)state;
	put_tracked(&b, AF_INET, "192.0.2.1", "192.0.2.2", IPPROTO_TCP, 80,
		    IPS_SEEN_REPLY | IPS_ASSURED | IPS_CONFIRMED, 3);
	/* A SYN-ACK was sent and nothing came back: it saw a reply, and nobody wants it. */
	put_tracked(&b, AF_INET, "192.0.2.3", "192.0.2.2", IPPROTO_TCP, 80,
		    IPS_SEEN_REPLY | IPS_CONFIRMED, 2);
	put_tracked(&b, AF_INET6, "2001:db8::1", "2001:db8::2", IPPROTO_UDP, 53, IPS_CONFIRMED, -1);
	put_tracked(&b, AF_INET6, "2001:db8::1", "2001:db8::2", IPPROTO_UDP, 53, IPS_SEEN_REPLY, -1);
	assert_int_equal(parse_tracked(&b, 4, &l), 0);
	assert_int_equal(l.list.n, 4);
	assert_true(l.list.items[0].answered);
	assert_int_equal(l.list.items[0].state, CROWD_ESTABLISHED);
	assert_int_equal(l.list.items[0].port, 80);
	assert_int_equal(l.list.items[0].source_port, 40000);
	assert_false(l.list.items[1].answered);
	assert_int_equal(l.list.items[1].state, CROWD_SYN_RECV);
	assert_int_equal(l.list.items[2].family, AF_INET6);
	assert_false(l.list.items[2].answered);
	assert_true(l.list.items[3].answered);
	vec_done(&l.list);
	/* The fifth would be one too many. */
	l = (struct crowd_list){0};
	assert_int_equal(parse_tracked(&b, 3, &l), -E2BIG);
	assert_int_equal(l.list.n, 3);
	vec_done(&l.list);
}

/* Wherever it is cut it is refused or shorter, and never more than it was. */
static void broken_messages_are_refused(void **state)
{
	cleanup(buf_done) struct buf whole = {0};

	(void)state;
	put_tracked(&whole, AF_INET, "192.0.2.1", "192.0.2.2", IPPROTO_TCP, 80, IPS_ASSURED, 3);
	for (size_t at = sizeof(struct nlmsghdr); at < whole.len; at++) {
		cleanup(buf_done) struct buf b = {0};
		struct crowd_list l = {0};
		int r;

		buf_add(&b, whole.data, whole.len);
		b.data[at] = (char)(b.data[at] ^ 0x7f);
		r = parse_tracked(&b, 10, &l);
		assert_true(r == 0 || r == -EBADMSG);
		assert_true(l.list.n <= 1);
		vec_done(&l.list);
	}
}

static void put_socket(struct buf *b, uint8_t state, uint16_t sport, uint16_t dport)
{
	struct inet_diag_msg m = {.idiag_family = AF_INET,
				  .idiag_state = state,
				  .id = {.idiag_sport = htons(sport), .idiag_dport = htons(dport)}};

	m.id.idiag_src[0] = htonl(0xc0000201);
	m.id.idiag_dst[0] = htonl(0xc0000202);
	close_message(b, open_message(b, SOCK_DIAG_BY_FAMILY, &m, sizeof(m)));
}

static void connections_are_read_kept_and_scrubbed(void **state)
{
	struct siphash_key key = {1, 2};
	struct scrubber scrubber;
	cleanup(buf_done) struct buf b = {0}, text = {0};
	struct crowd_list l = {0}, again = {0};

	(void)state;
	put_socket(&b, 6, 40000, 80);
	put_socket(&b, 2, 40001, 80);
	assert_int_equal(parse_connections(&b, 10, &l), 0);
	assert_int_equal(l.list.items[0].state, CROWD_TIME_WAIT);
	assert_true(l.list.items[0].answered);
	assert_false(l.list.items[1].answered);
	write_crowd(&l, &text);
	assert_string_equal(text.data, "2 6 5 1 40000 80 192.0.2.1 192.0.2.2\n"
				       "2 6 1 0 40001 80 192.0.2.1 192.0.2.2\n");
	assert_int_equal(read_crowd(&text, &again), 0);
	assert_int_equal(again.list.n, 2);
	assert_memory_equal(again.list.items, l.list.items, 2 * sizeof(*l.list.items));
	vec_done(&again.list);
	scrubber_init(&scrubber, &key);
	assert_int_equal(scrub_crowd(&scrubber, &text), 0);
	scrubber_done(&scrubber);
	assert_null(strstr(text.data, "192.0.2."));
	assert_int_equal(read_crowd(&text, &again), 0);
	assert_memory_equal(again.list.items[0].source, again.list.items[1].source, 16);
	assert_memory_not_equal(again.list.items[0].source, again.list.items[0].destination, 16);
	vec_done(&again.list);
	vec_done(&l.list);
}

static void lines_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = {
		"x\n", "2 6 5 1 40000 80 192.0.2.1\n", "3 6 5 1 1 1 192.0.2.1 192.0.2.2\n",
		"2 6 9 1 1 1 192.0.2.1 192.0.2.2\n", "2 6 5 2 1 1 192.0.2.1 192.0.2.2\n",
		"2 6 5 1 65536 1 192.0.2.1 192.0.2.2\n", "10 6 5 1 1 1 192.0.2.1 192.0.2.2\n",
		"2 6 5 1 1 1 192.0.2.1 192.0.2.2222222222222222222222222222222222222222222222\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct buf text = {.data = (char *)(uintptr_t)bad[i], .len = strlen(bad[i])};
		struct crowd_list l = {0};

		assert_int_equal(read_crowd(&text, &l), -EBADMSG);
		assert_int_equal(l.list.n, 0);
		vec_done(&l.list);
	}
}

/* ---- what it looks like ---- */

/* n entries over so many sources and ports, of which so many were answered. */
static void fill(struct crowd_list *l, size_t n, size_t sources, size_t ports, size_t answered)
{
	for (size_t i = 0; i < n; i++) {
		struct crowd_entry *e = vec_push(&l->list);
		uint32_t from = htonl(0x0a000000 + (uint32_t)(i % sources));

		e->family = AF_INET;
		e->protocol = IPPROTO_TCP;
		e->state = i < answered ? CROWD_ESTABLISHED : CROWD_SYN_RECV;
		e->answered = i < answered;
		e->source_port = (uint16_t)(1024 + i);
		e->port = (uint16_t)(80 + i % ports);
		memcpy(e->source, &from, 4);
		memcpy(e->destination, "\xc0\x00\x02\x02", 4);
	}
}

static void guesses_rest_on_figures(void **state)
{
	static const struct {
		size_t n, sources, ports, answered;
		enum crowd_guess guess;
	} rows[] = {
		{1000, 1000, 1, 0, CROWD_ATTACK},
		{1000, 600, 1, 50, CROWD_ATTACK},
		{1000, 400, 1, 0, CROWD_UNCLEAR},   /* sources that come again */
		{1000, 1000, 1000, 0, CROWD_UNCLEAR}, /* many, each elsewhere */
		{1000, 1000, 1, 200, CROWD_UNCLEAR}, /* a fifth is answered */
		{1000, 1000, 1, 500, CROWD_LOAD},
		{1000, 1, 1, 1000, CROWD_LOAD},
		{1000, 1, 1000, 0, CROWD_SCAN},
		{1000, 1, 1000, 300, CROWD_SCAN},
		{1000, 1, 10, 0, CROWD_UNCLEAR}, /* one source, again and again to the same */
		{1000, 1, 1, 0, CROWD_UNCLEAR},	 /* a sender of datagrams whom nobody answers */
		{1000, 1, 1000, 900, CROWD_LOAD}, /* a monitoring host whom all answer */
		{19, 19, 1, 0, CROWD_UNCLEAR},	 /* too few */
		{0, 1, 1, 0, CROWD_UNCLEAR},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct crowd_list l = {0};
		struct crowd c = {.what = "entries"};

		fill(&l, rows[i].n, rows[i].sources, rows[i].ports, rows[i].answered);
		crowd_sum(l.list.items, l.list.n, &c);
		assert_int_equal(c.read, rows[i].n);
		assert_int_equal(c.unanswered, rows[i].n - rows[i].answered);
		if (crowd_guess(&c) != rows[i].guess)
			fail_msg("row %zu looks like %s", i, crowd_guess_name(crowd_guess(&c)));
		vec_done(&l.list);
	}
}

static void the_busiest_come_first(void **state)
{
	struct crowd_list l = {0};
	struct crowd c = {0};

	(void)state;
	fill(&l, 7, 7, 1, 0);
	fill(&l, 3, 2, 3, 0); /* sources 0, 1, 0 */
	crowd_sum(l.list.items, l.list.n, &c);
	assert_int_equal(c.sources.distinct, 7);
	assert_int_equal(c.sources.top_n, CROWD_TOP);
	assert_int_equal(c.sources.top[0].n, 3);
	assert_int_equal(c.sources.top[0].address[3], 0);
	assert_int_equal(c.sources.top[1].n, 2);
	assert_int_equal(c.sources.top[4].n, 1);
	assert_int_equal(c.ports.distinct, 3);
	assert_int_equal(c.ports.top[0].port, 80);
	assert_int_equal(c.ports.top[0].n, 8);
	assert_int_equal(c.destinations.distinct, 1);
	assert_int_equal(c.aims, 2); /* ports 80 and 82 */
	vec_done(&l.list);
}

/* ---- causes ---- */

static void set_sysctl(struct scene *s, enum sysctl_id id, unsigned int n, int64_t one, int64_t two)
{
	s->o.b.sysctl[id] = (struct sysctl_value){.n = n, .v = {one, two}};
}

/* Connections from 10.0.0.x:40000 and on to 192.0.2.2:80. */
static void connect_from(struct scene *s, size_t n, enum crowd_state state, bool loopback)
{
	for (size_t i = 0; i < n; i++) {
		struct crowd_entry *e = vec_push(&s->o.b.connections);

		*e = (struct crowd_entry){.family = AF_INET,
					  .protocol = IPPROTO_TCP,
					  .state = (uint8_t)state,
					  .answered = true,
					  .source_port = (uint16_t)(40000 + s->o.b.connections.n - 1),
					  .port = 80};
		memcpy(e->source, "\x0a\x00\x00\x01", 4);
		memcpy(e->destination, loopback ? "\x7f\x00\x00\x01" : "\xc0\x00\x02\x02", 4);
	}
}

static enum outcome ask_ports(struct scene *s, int64_t reuse, uint64_t begun)
{
	set_sysctl(s, K_PORT_RANGE, 2, 40000, 40099);
	set_sysctl(s, K_TCP_TW_REUSE, 1, reuse, 0);
	set_sysctl(s, K_TCP_TIMESTAMPS, 1, 1, 0);
	count(&s->o, C_TCP_ACTIVE_OPENS, 0, begun);
	return scene_ask(s, examine_port_exhaustion);
}

static void ports_run_short(void **state)
{
	struct scene s;
	const struct finding *f;

	(void)state;
	scene_init(&s);
	connect_from(&s, 60, CROWD_TIME_WAIT, false);
	connect_from(&s, 36, CROWD_ESTABLISHED, false);
	assert_int_equal(ask_ports(&s, 2, 10), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->state, AT_RISK);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	assert_non_null(strstr(f->headline, "96 of 100 ports from 10.0.0.1 to 192.0.2.2:80"));
	assert_non_null(remedy_of(f, "reuse-time-wait"));
	assert_non_null(remedy_of(f, "wider-port-range"));
	assert_int_equal(f->crowd->sum.states[CROWD_TIME_WAIT], 60);
	scene_done(&s);
}

static void a_pile_that_nobody_adds_to_is_a_note(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	connect_from(&s, 96, CROWD_TIME_WAIT, false);
	assert_int_equal(ask_ports(&s, 2, 0), FOUND);
	assert_int_equal(only_finding(&s)->severity, SEVERITY_INFO);
	scene_done(&s);
}

static void ports_that_can_be_had_again_are_free(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	connect_from(&s, 96, CROWD_TIME_WAIT, false);
	assert_int_equal(ask_ports(&s, 1, 10), NOT_FOUND);
	scene_done(&s);
	scene_init(&s);
	connect_from(&s, 96, CROWD_TIME_WAIT, true);
	assert_int_equal(ask_ports(&s, 2, 10), NOT_FOUND);
	scene_done(&s);
	/* Established ones hold theirs, and no remedy frees them. */
	scene_init(&s);
	connect_from(&s, 96, CROWD_ESTABLISHED, false);
	assert_int_equal(ask_ports(&s, 2, 10), FOUND);
	assert_null(remedy_of(only_finding(&s), "reuse-time-wait"));
	scene_done(&s);
}

static void ports_of_services_and_others_do_not_count(void **state)
{
	struct scene s;
	struct socket *sk;

	(void)state;
	scene_init(&s);
	connect_from(&s, 70, CROWD_ESTABLISHED, false);
	connect_from(&s, 25, CROWD_ESTABLISHED, true);
	assert_int_equal(ask_ports(&s, 2, 10), NOT_FOUND); /* two destinations */
	scene_done(&s);
	scene_init(&s);
	connect_from(&s, 96, CROWD_ESTABLISHED, false);
	vec_each(e, &s.o.b.connections)
		e->source_port = 40000;
	sk = vec_push(&s.o.b.sockets);
	*sk = (struct socket){.protocol = IPPROTO_TCP, .state = 10, .local_port = 40000};
	assert_int_equal(ask_ports(&s, 2, 10), NOT_FOUND); /* clients of a service here */
	scene_done(&s);
}

/* A server that closes first: who began these connections is the other end. */
static void a_pile_is_told_from_its_clients_side(void **state)
{
	struct scene s;
	struct socket *sk;
	const struct finding *f;

	(void)state;
	scene_init(&s);
	connect_from(&s, 90, CROWD_TIME_WAIT, false);
	vec_each(e, &s.o.b.connections) {
		e->port = e->source_port;
		e->source_port = 80;
	}
	sk = vec_push(&s.o.b.sockets);
	*sk = (struct socket){.protocol = IPPROTO_TCP, .state = 10, .local_port = 80};
	set_sysctl(&s, K_TCP_MAX_TW_BUCKETS, 1, 100, 0);
	count(&s.o, C_SOCKSTAT_TCP_TW, 0, 90);
	assert_int_equal(scene_ask(&s, examine_tw_many), FOUND);
	f = only_finding(&s);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_int_equal(f->crowd->guess, CROWD_LOAD);
	assert_int_equal(f->crowd->sum.ports.top[0].port, 80);
	assert_int_equal(f->crowd->sum.sources.top[0].address[0], 0xc0);
	scene_done(&s);
}

static void flood_of(struct scene *s, uint64_t sent, uint64_t back)
{
	count(&s->o, C_SYNCOOKIES_SENT, 0, sent);
	count(&s->o, C_SYNCOOKIES_RECV, 0, back);
}

/* 5 s: 1,000 cookies a second of which a tenth come back are the border. */
static void floods_are_told_from_clients(void **state)
{
	static const struct {
		uint64_t sent, back;
		enum outcome outcome;
	} rows[] = {{5000, 0, FOUND},	  {5000, 499, FOUND},	  {5000, 500, NOT_FOUND},
		    {4999, 0, NOT_FOUND}, {50000, 40000, NOT_FOUND}, {0, 0, NOT_FOUND}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene s;

		scene_init(&s);
		flood_of(&s, rows[i].sent, rows[i].back);
		assert_int_equal(scene_ask(&s, examine_syn_flood), rows[i].outcome);
		if (rows[i].outcome == FOUND) {
			assert_int_equal(only_finding(&s)->state, AT_RISK);
			assert_int_equal(only_finding(&s)->severity, SEVERITY_CRITICAL);
		}
		scene_done(&s);
	}
}

static void say(struct recording *r, const char *name, int err, const char *text)
{
	struct buf data = {.data = (char *)(uintptr_t)text, .len = text ? strlen(text) : 0};
	char full[256];

	snprintf(full, sizeof(full), "1/b/%s", name);
	recording_put(r, full, err, &data);
}

static int look_at_table(const char *modules, const char *phase, uint64_t entries, size_t *ret_n)
{
	struct recording *r = recording_new();
	struct netns ns = {.inode = 1, .fd = -1};
	struct host h = {.ns = &ns, .recording = r, .replay = true};
	struct snapshot s = {0};
	int result;

	snprintf(h.phase, sizeof(h.phase), "%s", phase);
	s.sysctl[K_CONNTRACK_MAX] = (struct sysctl_value){.n = 1, .v = {100}};
	s.counter[C_CT_ENTRIES] = entries;
	say(r, "exists/modules", 0, "");
	say(r, "proc/modules", 0, modules);
	say(r, "made/tracked", 0, "2 6 5 1 40000 80 192.0.2.1 192.0.2.2\n");
	result = collect_tracked(&h, &s);
	*ret_n = s.tracked.n;
	snapshot_done(&s);
	recording_free(r);
	return result;
}

/* No question is asked while there is room, at the beginning, or where it would load a module. */
static void tables_with_room_are_not_read(void **state)
{
	static const char there[] = "nf_conntrack_netlink 1 0 - Live 0x0\n";
	size_t n;

	(void)state;
	assert_int_equal(look_at_table(there, "b", 75, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(look_at_table(there, "b", 74, &n), COLLECT_UNUSED);
	assert_int_equal(look_at_table(there, "a", 75, &n), COLLECT_UNUSED);
	assert_int_equal(look_at_table("nf_conntrack 1 0 - Live 0x0\n", "b", 75, &n), -EOPNOTSUPP);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tracked_connections_are_read),
		cmocka_unit_test(broken_messages_are_refused),
		cmocka_unit_test(connections_are_read_kept_and_scrubbed),
		cmocka_unit_test(lines_that_are_none_are_refused),
		cmocka_unit_test(guesses_rest_on_figures),
		cmocka_unit_test(the_busiest_come_first),
		cmocka_unit_test(ports_run_short),
		cmocka_unit_test(a_pile_that_nobody_adds_to_is_a_note),
		cmocka_unit_test(ports_that_can_be_had_again_are_free),
		cmocka_unit_test(ports_of_services_and_others_do_not_count),
		cmocka_unit_test(a_pile_is_told_from_its_clients_side),
		cmocka_unit_test(floods_are_told_from_clients),
		cmocka_unit_test(tables_with_room_are_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
