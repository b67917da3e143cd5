// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Causes of stage tcp on kernel text that no kernel of the lab prints, read by the real collectors
 * through a replayed host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>

#include "causes/cause.h"
#include "collect/collect.h"
#include "collect/recording.h"

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
							  SOURCE_BIT(SRC_SYSCTL),
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tw_recycle_legacy),
		cmocka_unit_test(tw_recycle_legacy_is_over),
		cmocka_unit_test(tw_recycle_legacy_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
