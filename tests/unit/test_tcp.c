// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Causes of stage tcp: on kernel text that no kernel of the lab prints, read by the real collectors
 * through a replayed host, and on observations made by hand.
 */
#include "observe.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include "causes/stages.h"
#include "collect/collect.h"
#include "collect/netlink.h"
#include "collect/recording.h"

#define LISTEN 10 /* include/net/tcp_states.h */
#define SYN_RECV 3

static void say(struct recording *r, const char *phase, const char *name, const char *text)
{
	struct buf data = {.data = (char *)(uintptr_t)text, .len = strlen(text)};
	char full[256];

	snprintf(full, sizeof(full), "1/%s/proc/%s", phase, name);
	recording_put(r, full, 0, &data);
}

/* Both ends of an interval, as the collectors of text read them. */
static void replay(struct recording *r, struct diagnosis *d)
{
	struct netns ns = {.inode = 1, .fd = -1};
	struct observation *o = vec_push(&d->observations);

	o->inode = 1;
	o->seconds = 5;
	for (int end = 0; end < 2; end++) {
		struct host h = {.ns = &ns, .recording = r, .replay = true};
		struct snapshot *s = end ? &o->b : &o->a;

		snprintf(h.phase, sizeof(h.phase), "%c", "ab"[end]);
		assert_int_equal(collect_snapshot(&h,
						  SOURCE_BIT(SRC_SNMP) | SOURCE_BIT(SRC_NETSTAT) |
							  SOURCE_BIT(SRC_SYSCTL) |
							  SOURCE_BIT(SRC_SOCKSTAT) |
							  SOURCE_BIT(SRC_MEMORY),
						  s),
				 0);
	}
}

static const struct finding *found(const struct diagnosis *d, const char *id)
{
	vec_each (f, &d->findings)
		if (strcmp(f->cause->id, id) == 0)
			return f;
	return NULL;
}

static const struct cleared *cleared(const struct diagnosis *d, const char *id)
{
	vec_each (c, &d->cleared)
		if (strcmp(c->cause->id, id) == 0)
			return c;
	return NULL;
}

/* net/ipv4/proc.c netstat_seq_show of 3.10, constructed: what stands before ListenDrops, and IpExt */
#define NETSTAT_3_10(passive, drops)                                                               \
	"TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled "        \
	"RcvPruned OfoPruned OutOfWindowIcmps LockDroppedIcmps ArpFilter TW TWRecycled TWKilled "  \
	"PAWSPassive PAWSActive PAWSEstab DelayedACKs DelayedACKLocked DelayedACKLost "            \
	"ListenOverflows ListenDrops\n"                                                            \
	"TcpExt: 0 0 0 0 0 0 0 0 0 0 51268 9 0 " passive " 0 825313 5583301 5966 104803 0 " drops  \
	"\n"                                                                                       \
	"IpExt: InNoRoutes InTruncatedPkts InMcastPkts OutMcastPkts\n"                             \
	"IpExt: 0 0 0 0\n"
/* net/ipv4/proc.c snmp_seq_show of 3.10: its last columns; Udp has neither MemErrors nor others */
#define SNMP_3_10(opens)                                                                           \
	"Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails "           \
	"EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n"           \
	"Tcp: 1 200 120000 -1 4 " opens " 0 0 1 9000 8000 0 0 0 0\n"

static void say_ends(struct recording *r, const char *netstat_after, const char *recycle)
{
	static const char *const phases[] = {"a", "b"};

	say(r, "a", "net/netstat", NETSTAT_3_10("387158", "387158"));
	say(r, "b", "net/netstat", netstat_after);
	say(r, "a", "net/snmp", SNMP_3_10("100"));
	say(r, "b", "net/snmp", SNMP_3_10("300"));
	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		say(r, phases[i], "sys/net/ipv4/tcp_syncookies", "0\n");
		say(r, phases[i], "sys/net/ipv4/tcp_max_syn_backlog", "256\n");
		if (recycle)
			say(r, phases[i], "sys/net/ipv4/tcp_tw_recycle", recycle);
	}
}

/* The incident of the case book: 50 SYNs refused, 200 connections made. */
static void tw_recycle_legacy(void **state)
{
	struct recording *r = recording_new();
	struct drops drops = {.err = -ENOSYS};
	struct diagnosis d = {.drops = &drops};
	const struct finding *f;

	(void)state;
	say_ends(r, NETSTAT_3_10("387208", "387208"), "1\n");
	replay(r, &d);
	diagnose(&d);
	f = found(&d, "tw-recycle-legacy");
	assert_non_null(f);
	assert_int_equal(f->lost, 50);
	assert_int_equal(f->of, 250);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	assert_int_equal(f->remedies.n, 1);
	assert_string_equal(f->remedies.items[0].commands.items[0],
			    "sysctl -w net.ipv4.tcp_tw_recycle=0");
	/* ListenDrops counts them as well: they are not lost twice. */
	assert_int_equal(d.findings.n, 1);
	diagnosis_done(&d);
	recording_free(r);
}

/* What was refused before the interval is no loss now, and the value clears it. */
static void tw_recycle_legacy_is_over(void **state)
{
	struct recording *r = recording_new();
	struct drops drops = {.err = -ENOSYS};
	struct diagnosis d = {.drops = &drops};
	const struct cleared *c;

	(void)state;
	say_ends(r, NETSTAT_3_10("387158", "387158"), "0\n");
	replay(r, &d);
	diagnose(&d);
	assert_int_equal(d.findings.n, 0);
	c = cleared(&d, "tw-recycle-legacy");
	assert_non_null(c);
	assert_int_equal(c->evidence.n, 2);
	assert_int_equal(c->evidence.items[0].after, 387158);
	assert_int_equal(c->evidence.items[1].after, 0);
	diagnosis_done(&d);
	recording_free(r);
}

/* A kernel with neither the counter nor the sysctl says so. */
static void tw_recycle_legacy_is_gone(void **state)
{
	struct recording *r = recording_new();
	struct drops drops = {.err = -ENOSYS};
	struct diagnosis d = {.drops = &drops};
	const struct cleared *c;

	(void)state;
	for (const char *const *phase = (const char *const[]){"a", "b", NULL}; *phase; phase++) {
		say(r, *phase, "net/netstat", "TcpExt: PAWSActive PAWSEstab\nTcpExt: 0 7\n");
		say(r, *phase, "sys/net/ipv4/tcp_syncookies", "1\n");
	}
	replay(r, &d);
	diagnose(&d);
	assert_int_equal(d.findings.n, 0);
	c = cleared(&d, "tw-recycle-legacy");
	assert_non_null(c);
	assert_int_equal(c->evidence.n, 1);
	assert_non_null(strstr(c->evidence.items[0].text, "gone since 4.12"));
	diagnosis_done(&d);
	recording_free(r);
}

/* ---- tcp_mem ---- */

/* net/ipv4/proc.c sockstat_seq_show and fs/proc/meminfo.c of 6.18, constructed */
static void say_memory(struct recording *r, const char *sockstat)
{
	static const char *const phases[] = {"a", "b"};

	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		say(r, phases[i], "net/netstat",
		    "TcpExt: TCPMemoryPressures TCPRcvQDrop TCPOFODrop\nTcpExt: 3 5 0\n");
		say(r, phases[i], "net/sockstat", sockstat);
		say(r, phases[i], "sys/net/ipv4/tcp_mem", "50000\t80000\t100000\n");
		say(r, phases[i], "meminfo", "MemTotal:        4000000 kB\n");
		say(r, phases[i], "vmstat", "pswpin 0\n");
	}
}

#define SOCKSTAT(pages)                                                                            \
	"sockets: used 40\nTCP: inuse 5 orphan 0 tw 2 alloc 9 mem " pages "\nUDP: inuse 1 mem 0\n"

static void tcp_mem_near_its_limit(void **state)
{
	struct recording *r = recording_new();
	struct drops drops = {.err = -ENOSYS};
	struct diagnosis d = {.drops = &drops};
	const struct remedy *raise;
	const struct finding *f;

	(void)state;
	say_memory(r, SOCKSTAT("92000"));
	replay(r, &d);
	diagnose(&d);
	f = found(&d, "tcp-mem-pressure");
	assert_non_null(f);
	assert_int_equal(f->state, AT_RISK);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_int_equal(f->lost, 0);
	raise = remedy_of(f, "raise-tcp-mem");
	assert_non_null(raise);
	assert_string_equal(raise->commands.items[0],
			    "sysctl -w net.ipv4.tcp_mem='100000 150000 200000'");
	assert_string_equal(raise->undo.items[0],
			    "sysctl -w net.ipv4.tcp_mem='50000 80000 100000'");
	diagnosis_done(&d);
	recording_free(r);
}

static void tcp_mem_far_from_its_limit(void **state)
{
	struct recording *r = recording_new();
	struct drops drops = {.err = -ENOSYS};
	struct diagnosis d = {.drops = &drops};
	const struct cleared *c;

	(void)state;
	say_memory(r, SOCKSTAT("70000"));
	replay(r, &d);
	diagnose(&d);
	assert_int_equal(d.findings.n, 0);
	c = cleared(&d, "tcp-mem-pressure");
	assert_non_null(c);
	assert_int_equal(c->evidence.items[0].after, 70000);
	diagnosis_done(&d);
	recording_free(r);
}

/* The same counters: all of TCP is short of memory, or one buffer is. */
static void pressure_tells_memory_from_buffer(void **state)
{
	for (int pressure = 0; pressure < 2; pressure++) {
		struct drops drops = {0};
		struct diagnosis d = {.drops = &drops};
		struct observation *o = observe(&d);

		(void)state;
		count(o, C_TCP_RCVQ_DROP, 0, 40);
		count(o, C_TCP_OFO_DROP, 0, 2);
		count(o, C_TCP_IN_SEGS, 0, 1000);
		count(o, C_TCP_MEMORY_PRESSURES, 7, 7 + (uint64_t)pressure);
		trace(&drops, "PROTO_MEM", "tcp_data_queue", IPPROTO_TCP, 42);
		diagnose(&d);
		assert_int_equal(d.findings.n, 1);
		assert_string_equal(d.findings.items[0].cause->id,
				    pressure ? "tcp-mem-pressure" : "tcp-rcvq-prune");
		assert_int_equal(d.findings.items[0].lost, 42);
		assert_int_equal(d.findings.items[0].traced, 42);
		assert_int_equal(ledger_unexplained(&d.ledgers.items[0]), 0);
		diagnosis_done(&d);
		drops_done(&drops);
	}
}

/* ---- PAWS ---- */

/* 6.12 and before: one counter for both, and a reason for one of them. */
static void paws_in_one_counter(void **state)
{
	struct drops drops = {0};
	struct diagnosis d = {.drops = &drops};
	struct observation *o = observe(&d);

	(void)state;
	count(o, C_PAWS_ESTAB, 100, 150);
	count(o, C_TCP_IN_SEGS, 0, 1000);
	count(o, C_TCP_PASSIVE_OPENS, 0, 70);
	trace(&drops, "TCP_RFC7323_PAWS", "tcp_validate_incoming", IPPROTO_TCP, 20);
	diagnose(&d);
	assert_int_equal(d.findings.n, 2);
	assert_int_equal(found(&d, "paws-estab")->lost, 20);
	assert_int_equal(found(&d, "paws-timewait")->lost, 30);
	assert_int_equal(found(&d, "paws-timewait")->of, 100);
	assert_int_equal(ledger_unexplained(&d.ledgers.items[0]), 0);
	diagnosis_done(&d);
	drops_done(&drops);
}

/* Before 6.11 a drop may come without its namespace: it is not taken for one in TIME_WAIT. */
static void paws_of_unknown_namespace(void **state)
{
	struct drops drops = {0};
	struct diagnosis d = {.drops = &drops};
	struct observation *o = observe(&d);

	(void)state;
	count(o, C_PAWS_ESTAB, 100, 150);
	count(o, C_TCP_IN_SEGS, 0, 1000);
	trace(&drops, "TCP_RFC7323_PAWS", "tcp_validate_incoming", IPPROTO_TCP, 50)->netns = 0;
	diagnose(&d);
	assert_int_equal(d.findings.n, 1);
	assert_int_equal(found(&d, "paws-estab")->lost, 50);
	assert_false(found(&d, "paws-estab")->traced_known);
	diagnosis_done(&d);
	drops_done(&drops);
}

/* ---- listeners ---- */

static struct socket *listener(struct observation *o, uint32_t backlog, uint32_t drops)
{
	struct socket *sk = NULL;

	for (int i = 0; i < 2; i++) {
		sk = vec_push(i ? &o->b.sockets : &o->a.sockets);
		*sk = (struct socket){.cookie = 9,
				      .protocol = IPPROTO_TCP,
				      .family = 2,
				      .state = LISTEN,
				      .local_port = 80,
				      .wqueue = backlog,
				      .drops = i ? drops : 0};
	}
	return sk;
}

static void set_sysctl(struct observation *o, enum sysctl_id id, int64_t value)
{
	o->b.sysctl[id] = (struct sysctl_value){.n = 1, .v = {value}};
}

/* A larger somaxconn is no remedy for a program whose own backlog is the limit. */
static void who_limits_the_accept_queue(void **state)
{
	static const struct {
		uint32_t backlog;
		bool system;
	} cases[] = {{511, false}, {4096, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct finding *f;
		struct scene s;

		scene_init(&s);
		set_sysctl(&s.o, K_SOMAXCONN, 4096);
		count(&s.o, C_LISTEN_OVERFLOWS, 0, 50);
		listener(&s.o, cases[i].backlog, 50)->rqueue = cases[i].backlog + 1;
		assert_int_equal(scene_ask(&s, examine_listen_overflow), FOUND);
		f = only_finding(&s);
		assert_non_null(remedy_of(f, "accept-faster"));
		assert_int_equal(remedy_of(f, "raise-somaxconn") != NULL, cases[i].system);
		assert_int_equal(remedy_of(f, "raise-backlog") != NULL, !cases[i].system);
		scene_done(&s);
	}
}

static enum outcome ask_quarter(uint32_t half_open, int64_t cookies, uint64_t overflows)
{
	enum outcome outcome;
	struct scene s;

	scene_init(&s);
	set_sysctl(&s.o, K_TCP_SYNCOOKIES, cookies);
	set_sysctl(&s.o, K_TCP_MAX_SYN_BACKLOG, 128);
	count(&s.o, C_LISTEN_DROPS, 0, 50);
	count(&s.o, C_LISTEN_OVERFLOWS, 0, overflows);
	count(&s.o, C_TCP_REQ_Q_FULL_DROP, 0, 0);
	listener(&s.o, 4096, 50);
	*vec_push(&s.o.b.half_open) = (struct half_open){.family = 2, .port = 80, .n = half_open};
	outcome = scene_ask(&s, examine_synbacklog_quarter);
	if (outcome == FOUND)
		assert_int_equal(only_finding(&s)->lost, 50 - overflows);
	scene_done(&s);
	return outcome;
}

/* ListenDrops alone says little: so many must be half open, and cookies off. */
static void the_last_quarter(void **state)
{
	(void)state;
	assert_int_equal(ask_quarter(97, 0, 0), FOUND);
	assert_int_equal(ask_quarter(97, 0, 20), FOUND);
	assert_int_equal(ask_quarter(97, 0, 50), NOT_FOUND);
	assert_int_equal(ask_quarter(97, 1, 0), NOT_FOUND);
	assert_int_equal(ask_quarter(64, 0, 0), NOT_FOUND);
	assert_int_equal(ask_quarter(0, 0, 0), NOT_FOUND);
}

/* net/ipv4/inet_diag.c inet_req_diag_fill: a request is told as SYN_RECV, with its listener's port */
static void half_open_by_port(void **state)
{
	cleanup(snapshot_done) struct snapshot s = {0};
	cleanup(buf_done) struct buf b = {0};
	static const uint16_t ports[] = {80, 443, 80, 80};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		struct {
			struct nlmsghdr h;
			struct inet_diag_msg m;
		} one = {.h = {.nlmsg_len = sizeof(one), .nlmsg_type = SOCK_DIAG_BY_FAMILY},
			 .m = {.idiag_family = i == 3 ? AF_INET6 : AF_INET,
			       .idiag_state = SYN_RECV,
			       .idiag_retrans = 2,
			       .id.idiag_sport = htons(ports[i])}};

		buf_add(&b, &one, sizeof(one));
	}
	assert_int_equal(parse_sockets(&b, IPPROTO_TCP, false, &s), 0);
	assert_int_equal(snapshot_half_open(&s, 80), 3);
	assert_int_equal(snapshot_half_open(&s, 443), 1);
	assert_int_equal(snapshot_half_open(&s, 22), 0);
	assert_int_equal(s.half_open.n, 3);
	assert_int_equal(s.synacks_again, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tw_recycle_legacy),
		cmocka_unit_test(tw_recycle_legacy_is_over),
		cmocka_unit_test(tw_recycle_legacy_is_gone),
		cmocka_unit_test(tcp_mem_near_its_limit),
		cmocka_unit_test(tcp_mem_far_from_its_limit),
		cmocka_unit_test(pressure_tells_memory_from_buffer),
		cmocka_unit_test(paws_in_one_counter),
		cmocka_unit_test(paws_of_unknown_namespace),
		cmocka_unit_test(who_limits_the_accept_queue),
		cmocka_unit_test(the_last_quarter),
		cmocka_unit_test(half_open_by_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
