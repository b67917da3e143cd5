// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rendering against golden files, from diagnoses made by hand. WHYDROP_GOLDEN names their folder;
 * with WHYDROP_GOLDEN_UPDATE set they are written instead of compared.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <unistd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "golden.h"
#include "render/fmt.h"
#include "render/out.h"
#include "render/render.h"
#include "render/utf8.h"

static const struct text_style plain = {0}, rich = {.signs = true},
			       colored = {.signs = true, .color = true}, all = {.all = true};

/* ---- a host ---- */

static struct drops drops;

static const struct report *report(void)
{
	static struct report r = {
		.version = "0.1.0",
		.started_at = {.tv_sec = 1767225600, .tv_nsec = 123456789},
		.host_name = "web-3",
		.kernel = "6.12.0-1-amd64",
		.cpus = 16,
		.devices = "eth0 ixgbe 10 Gbit/s",
		.can_fix = true,
	};

	return &r;
}

static void count(struct observation *o, enum counter_id id, uint64_t before, uint64_t after)
{
	o->a.counter[id] = before;
	o->b.counter[id] = after;
	o->a.counter_present[id] = o->b.counter_present[id] = true;
}

static void add_link(struct snapshot *s, const char *name, unsigned int index, unsigned int flags,
		     uint64_t rx, uint64_t tx)
{
	struct link *link = vec_push(&s->links);

	link->ifindex = index;
	link->flags = flags;
	link->stats_n = LINK_STATS;
	snprintf(link->name, sizeof(link->name), "%s", name);
	link->stats[C_LINK_RX_PACKETS - LINK_FIRST] = rx;
	link->stats[C_LINK_TX_PACKETS - LINK_FIRST] = tx;
}

static struct observation *add_observation(struct diagnosis *d, const char *name, uint32_t inode)
{
	struct observation *o = vec_push(&d->observations);

	snprintf(o->name, sizeof(o->name), "%s", name);
	o->inode = inode;
	o->seconds = 5;
	for (enum source s = 0; s < SOURCE_N; s++)
		o->a.source[s].status = o->b.source[s].status = SOURCE_OK;
	count(o, C_IP_IN_RECEIVES, 1000, 917000);
	count(o, C_IP_OUT_REQUESTS, 1000, 455000);
	count(o, C_TCP_IN_SEGS, 100, 30100);
	count(o, C_TCP_OUT_SEGS, 100, 35100);
	count(o, C_UDP_IN_DATAGRAMS, 0, 48614);
	count(o, C_UDP_OUT_DATAGRAMS, 0, 0);
	count(o, C_UDP_RCVBUF_ERRORS, 7, 12413);
	add_link(&o->a, "lo", 1, IFF_UP | IFF_LOOPBACK, 0, 0);
	add_link(&o->a, "eth0", 2, IFF_UP, 5000, 3000);
	add_link(&o->b, "lo", 1, IFF_UP | IFF_LOOPBACK, 99999, 99999);
	add_link(&o->b, "eth0", 2, IFF_UP, 923322, 458004);
	return o;
}

static void add_drop(const char *reason, const char *symbol, uint8_t protocol, uint32_t ifindex,
		     uint64_t packets)
{
	struct drop *row = vec_push(&drops.rows);

	snprintf(row->reason, sizeof(row->reason), "%s", reason);
	snprintf(row->symbol, sizeof(row->symbol), "%s", symbol);
	row->netns = 4026531840;
	row->ifindex = ifindex;
	row->protocol = protocol;
	row->packets = packets;
}

static struct exam examine(struct diagnosis *d, size_t observation, const char *cause)
{
	struct exam x = {.d = d,
			 .o = &d->observations.items[observation],
			 .ledger = &d->ledgers.items[observation],
			 .row = cause_by_id(cause)};

	assert_non_null(x.row);
	return x;
}

static void start(struct diagnosis *d)
{
	memset(d, 0, sizeof(*d));
	memset(&drops, 0, sizeof(drops));
	snprintf(drops.rung, sizeof(drops.rung), "tp_btf");
	d->drops = &drops;
	add_observation(d, "", 4026531840);
}

static void make_ledgers(struct diagnosis *d)
{
	vec_each (o, &d->observations)
		ledger_init(vec_push(&d->ledgers), &drops, o->inode);
}

static void done(struct diagnosis *d)
{
	diagnosis_done(d);
	drops_done(&drops);
}

static void clear_some(struct diagnosis *d)
{
	static const char *const causes[] = {"softnet-backlog-drop", "qdisc-drop", "rp-filter"};

	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		struct exam x = examine(d, 0, causes[i]);
		struct cleared *c = vec_push(&d->cleared);

		c->cause = x.row;
		c->where = x.o;
		x.cleared = c;
		evidence_counter(NULL, &x, C_IP_IN_RECEIVES);
		evidence_traced(NULL, &x, "CPU_BACKLOG", 0);
	}
}

/* ---- findings ---- */

static void dns_socket(struct subject *s, const char *comm)
{
	s->has_socket = s->has_process = true;
	s->socket.family = AF_INET;
	s->socket.protocol = IPPROTO_UDP;
	s->socket.local_port = 53;
	s->socket.inode = 4242;
	s->process.pid = 812;
	s->process.state = 'R';
	memcpy(s->process.comm, comm, MIN(strlen(comm), sizeof(s->process.comm)));
	snprintf(s->process.unit, sizeof(s->process.unit), "dnsdist.service");
	snprintf(s->process.cgroup, sizeof(s->process.cgroup), "/system.slice/dnsdist.service");
}

static void slow_reader(struct diagnosis *d, const char *comm)
{
	static const char *const reasons[] = {"SOCKET_RCVBUFF", NULL};
	static const struct drop_filter filter = {.reasons = reasons, .protocol = IPPROTO_UDP};
	struct exam x = examine(d, 0, "udp-rcvbuf-full");
	struct finding *f = finding_new(&x);
	uint64_t counted = 12406, traced = 12406;
	struct remedy *r;
	struct subject *s;

	finding_lost(f, &counted, &traced, 61020);
	ledger_claim(x.ledger, &filter, UINT64_MAX);
	f->via = f->cause;
	f->cause = cause_by_id("app-slow-reader");
	f->severity = SEVERITY_CRITICAL;
	finding_headline(f, "%.16s (812) cannot keep up on 0.0.0.0:53", comm);
	finding_text(f, "The receive buffer of 0.0.0.0:53 is full nearly all the time: the program "
			"reads 9,720 datagrams/s of the 12,200 that arrive.");
	s = finding_subject(f);
	s->has_lost = true;
	s->lost = 12406;
	dns_socket(s, comm);
	evidence_counter(f, &x, C_UDP_RCVBUF_ERRORS);
	evidence_traced(f, &x, "SOCKET_RCVBUFF of UDP", traced);
	evidence_text(f, &x, "212736 of 212992 bytes used at most, at every look");
	finding_exclude(f, "a burst (never empty)");
	finding_exclude(f, "stopped, throttled");
	finding_exclude(f, "udp_mem (MemErrors +0)");
	finding_flows(&x, f, &filter);
	r = finding_remedy(f, "read-faster", REMEDY_APPLICATION,
			   "read in batches (recvmmsg) or by more threads (SO_REUSEPORT)");
	remedy_why(r, "a larger buffer only rides out bursts");
	r = finding_remedy(f, "raise-rmem-default", REMEDY_SYSCTL,
			   "a larger default buffer, then restart the program");
	remedy_cost(r, "every new socket may use that much; bounded by udp_mem");
	remedy_sysctl(r, "net.core.rmem_default", 212992, 425984);
}

static void firewall(struct diagnosis *d)
{
	struct exam x = examine(d, 0, "fw-rule-drop");
	struct finding *f = finding_new(&x);
	uint64_t counted = 1700;
	struct subject *s;
	struct remedy *r;

	finding_lost(f, &counted, NULL, 0);
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
	finding_headline(f, "rule ip filter INPUT 12 drops tcp port 8443");
	s = finding_subject(f);
	s->has_rule = true;
	snprintf(s->rule.family, sizeof(s->rule.family), "ip");
	snprintf(s->rule.table, sizeof(s->rule.table), "filter");
	snprintf(s->rule.chain, sizeof(s->rule.chain), "INPUT");
	s->rule.handle = 12;
	s->rule.text = xstrdup("tcp dport 8443 counter packets 1700 bytes 102000 drop");
	s->rule.how = "its counter";
	r = finding_remedy(f, "edit-rule", REMEDY_NETFILTER,
			   "accept what you want before this rule");
	remedy_command(r,
		       "nft insert rule ip filter INPUT position 12 ip saddr 10.0.0.0/8 tcp dport "
		       "8443 accept");
	remedy_risk(r, "what the rule kept out comes in");
}

static void closed_port(struct diagnosis *d)
{
	struct exam x = examine(d, 0, "udp-noport");
	struct finding *f = finding_new(&x);
	uint64_t counted = 3;

	finding_lost(f, &counted, NULL, 48617);
	finding_headline(f, "nobody listens on UDP port 9999");
	evidence_counter(f, &x, C_UDP_NO_PORTS);
}

static void not_seen(struct diagnosis *d, const char *cause, enum source source, int err)
{
	struct not_examined *n = vec_push(&d->not_examined);

	n->cause = cause_by_id(cause);
	n->where = d->observations.items;
	n->source = source;
	n->err = err;
}

/* The host of design.md: a slow reader, a firewall rule, a note, drops nobody explains. */
static void losing(struct diagnosis *d, const char *comm)
{
	struct drop_flow *flow;

	start(d);
	add_drop("SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", IPPROTO_UDP, 2, 12406);
	add_drop("TCP_FLAGS", "tcp_v4_do_rcv", IPPROTO_TCP, 2, 17);
	add_drop("UNHANDLED_PROTO", "__netif_receive_skb_core", 0, 2, 1);
	add_drop("FUTURE_REASON", "some_function", 0, 0, 2);
	add_drop("NOT_SPECIFIED", "odd_function", IPPROTO_SCTP, 0, 1);
	add_drop("TCP_OLD_DATA", "tcp_data_queue", IPPROTO_TCP, 2, 33);
	flow = vec_push(&drops.flows);
	snprintf(flow->reason, sizeof(flow->reason), "SOCKET_RCVBUFF");
	flow->netns = 4026531840;
	flow->family = AF_INET;
	flow->protocol = IPPROTO_UDP;
	memcpy(flow->source, (const uint8_t[]){192, 0, 2, 7}, 4);
	memcpy(flow->destination, (const uint8_t[]){198, 51, 100, 1}, 4);
	flow->source_port = 40000;
	flow->destination_port = 53;
	flow->packets = 8000;
	make_ledgers(d);
	slow_reader(d, comm);
	firewall(d);
	closed_port(d);
	clear_some(d);
	not_seen(d, "conntrack-table-full", SRC_CONNTRACK, -EACCES);
	d->verdict = LOSING_VERDICT;
}

/* ---- comparing ---- */

/* Commands to copy are the only lines that may be longer than a terminal. */
static void check_width(const struct buf *text)
{
	for (const char *line = text->data; *line; line += strcspn(line, "\n") + 1) {
		size_t n = strcspn(line, "\n");

		if (utf8_columns(line, n) > OUT_COLUMNS && !strstr(line, "nft insert"))
			fail_msg("too wide: %.*s", (int)n, line);
	}
}

static void compare_text(const char *name, const struct diagnosis *d, const struct report *r,
			 const struct text_style *style)
{
	struct buf text = {0};

	render_text(d, r, style, &text);
	if (!style->color)
		check_width(&text);
	compare(name, &text);
	buf_done(&text);
}

/* ---- tests ---- */

static void text_losing(void **state)
{
	struct diagnosis d;

	(void)state;
	losing(&d, "dnsdist");
	compare_text("losing-plain.txt", &d, report(), &plain);
	compare_text("losing-rich.txt", &d, report(), &rich);
	compare_text("losing-color.txt", &d, report(), &colored);
	compare_text("losing-all.txt", &d, report(), &all);
	done(&d);
}

static void text_healthy(void **state)
{
	struct report r = *report();
	struct diagnosis d;

	(void)state;
	start(&d);
	add_drop("TCP_OLD_DATA", "tcp_data_queue", IPPROTO_TCP, 2, 33);
	make_ledgers(&d);
	clear_some(&d);
	r.elsewhere = 340;
	r.elsewhere_namespaces = 2;
	compare_text("healthy.txt", &d, &r, &plain);
	snprintf(drops.rows.items[0].reason, sizeof(drops.rows.items[0].reason), "TCP_FLAGS");
	d.ledgers.items[0].lines.items[0].benign = NULL;
	compare_text("healthy-unexplained.txt", &d, &r, &plain);
	d.ledgers.items[0].lines.items[0].benign = "a duplicate";
	r.elsewhere = 0;
	r.replay = true;
	r.interval_note = "interrupted, 10 s were asked for";
	drops.err = -EPERM;
	compare_text("healthy-untraced.txt", &d, &r, &plain);
	done(&d);
}

static void text_elsewhere(void **state)
{
	struct diagnosis d;
	struct finding *f;
	struct exam x;
	uint64_t again = 612;

	(void)state;
	start(&d);
	make_ledgers(&d);
	x = examine(&d, 0, "tcp-fast-retransmit");
	f = finding_new(&x);
	finding_lost(f, &again, NULL, 35000);
	f->unit = "segments";
	f->severity = SEVERITY_WARNING;
	f->confidence = LIKELY;
	finding_headline(f, "612 of 35,000 TCP segments lost beyond this host");
	clear_some(&d);
	d.verdict = LOSS_ELSEWHERE;
	compare_text("elsewhere.txt", &d, report(), &plain);
	done(&d);
}

static void text_nothing_readable(void **state)
{
	struct diagnosis d;

	(void)state;
	start(&d);
	drops.err = -EPERM;
	memset(d.observations.items[0].b.counter_present, 0,
	       sizeof(d.observations.items[0].b.counter_present));
	d.observations.items[0].b.source[SRC_LINK] = (struct source_state){SOURCE_ABSENT, -EPERM};
	make_ledgers(&d);
	not_seen(&d, "fw-rule-drop", SRC_NFT, -EPERM);
	not_seen(&d, "fw-policy-drop", SRC_NFT, -EPERM);
	not_seen(&d, "udp-rcvbuf-full", SRC_SNMP, -ETIMEDOUT);
	not_seen(&d, "rp-filter", SRC_NETSTAT, -ETIMEDOUT);
	not_seen(&d, "listen-overflow", SRC_NETSTAT, -ETIMEDOUT);
	not_seen(&d, "neigh-unresolved", SRC_DROPS, -EPERM);
	d.verdict = NOT_EXAMINED_VERDICT;
	compare_text("not-examined.txt", &d, report(), &plain);
	done(&d);
}

static void text_two_namespaces(void **state)
{
	struct report r = *report();
	struct diagnosis d;

	(void)state;
	start(&d);
	add_observation(&d, "web", 4026532000);
	add_observation(&d, "idle", 4026532001);
	make_ledgers(&d);
	firewall(&d);
	d.findings.items[0].where = &d.observations.items[1];
	d.verdict = LOSING_VERDICT;
	r.all_netns = true;
	compare_text("namespaces.txt", &d, &r, &plain);
	done(&d);
}

static void names_from_outside_do_no_harm(void **state)
{
	struct buf text = {0};
	struct diagnosis d;
	json_t *json;

	(void)state;
	losing(&d, "\033]0;x\a\xff\nev");
	render_text(&d, report(), &plain, &text);
	assert_null(strchr(text.data, '\033'));
	assert_null(strchr(text.data, '\a'));
	assert_non_null(strstr(text.data, "\\x1b]0;x\\x07\\xff"));
	json = render_json(&d, report());
	assert_non_null(json);
	json_decref(json);
	buf_done(&text);
	done(&d);
}

static void json_losing(void **state)
{
	struct diagnosis d;
	struct buf text = {0};
	json_t *json;
	char *dump;

	(void)state;
	losing(&d, "dnsdist");
	json = render_json(&d, report());
	dump = json_dumps(json, RENDER_JSON_FLAGS);
	assert_non_null(dump);
	buf_printf(&text, "%s\n", dump);
	compare("losing.json", &text);
	free(dump);
	buf_done(&text);
	json_decref(json);
	done(&d);
}

static void json_without_anything(void **state)
{
	struct diagnosis d = {.verdict = NOT_EXAMINED_VERDICT};
	struct report r = {0};
	json_t *json = render_json(&d, &r);
	struct buf text = {0};

	(void)state;
	assert_non_null(json);
	assert_true(json_is_null(json_object_get(json, "interval_s")));
	json_decref(json);
	render_text(&d, &r, &plain, &text);
	assert_non_null(strstr(text.data, "NOT EXAMINED"));
	buf_done(&text);
}

static void numbers(void **state)
{
	(void)state;
	assert_string_equal(fmt_count(0).s, "0");
	assert_string_equal(fmt_count(999).s, "999");
	assert_string_equal(fmt_count(12406).s, "12,406");
	assert_string_equal(fmt_count(UINT64_MAX).s, "18,446,744,073,709,551,615");
	assert_string_equal(fmt_short(0).s, "0");
	assert_string_equal(fmt_short(0.01).s, "<0.1");
	assert_string_equal(fmt_short(2.46).s, "2.5");
	assert_string_equal(fmt_short(340).s, "340");
	assert_string_equal(fmt_short(2481).s, "2.5k");
	assert_string_equal(fmt_short(183664).s, "184k");
	assert_string_equal(fmt_short(999700).s, "1.0 M");
	assert_string_equal(fmt_short(1.2e6).s, "1.2 M");
	assert_string_equal(fmt_rate(2481.2).s, "2,481/s");
	assert_string_equal(fmt_rate(183664).s, "184k/s");
	assert_string_equal(fmt_rate(0.6).s, "0.6/s");
	assert_string_equal(fmt_share(12406, 61020).s, "20 %");
	assert_string_equal(fmt_share(0, 100).s, "0 %");
	assert_string_equal(fmt_share(1, 1000000).s, "<0.001 %");
	assert_string_equal(fmt_share(31, 10000).s, "0.31 %");
	assert_string_equal(fmt_share(999, 1000).s, ">99 %");
	assert_string_equal(fmt_share(1000, 1000).s, "100 %");
	assert_string_equal(fmt_seconds(5).s, "5.0 s");
	assert_string_equal(fmt_seconds(86400 * 12).s, "12 days");
}

static void escaped(const char *text, size_t n, const char *expected)
{
	struct buf b = {0};

	utf8_escape(&b, text, n);
	assert_string_equal(b.data, expected);
	buf_done(&b);
}

static void escapes(void **state)
{
	uint32_t code;

	(void)state;
	escaped("abc", 3, "abc");
	escaped("\u00e4\u2717", 5, "\u00e4\u2717");
	escaped("a\tb\x7f", 4, "a\\x09b\\x7f");
	escaped("\xc2\x9b"
		"31m",
		5, "\\xc2\\x9b31m");				  /* CSI as one character */
	escaped("\xe2\x80\xae", 3, "\\xe2\\x80\\xae");		  /* right-to-left override */
	escaped("\xc0\xaf", 2, "\\xc0\\xaf");			  /* overlong */
	escaped("\xe2\x9c", 2, "\\xe2\\x9c");			  /* cut short */
	assert_int_equal(utf8_next("\xed\xa0\x80", 3, &code), 0); /* surrogate */
	assert_int_equal(utf8_next("\xf4\x90\x80\x80", 4, &code), 0);
	assert_int_equal(utf8_next("\xf0\x9f\x98\x80", 4, &code), 4);
	assert_int_equal(code, 0x1f600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_losing),
		cmocka_unit_test(text_healthy),
		cmocka_unit_test(text_elsewhere),
		cmocka_unit_test(text_nothing_readable),
		cmocka_unit_test(text_two_namespaces),
		cmocka_unit_test(names_from_outside_do_no_harm),
		cmocka_unit_test(json_losing),
		cmocka_unit_test(json_without_anything),
		cmocka_unit_test(numbers),
		cmocka_unit_test(escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
