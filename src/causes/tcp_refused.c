// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tcp: segments that are not what they should be: corrupted, unsigned, from too far away, or
 * none of the connection's; and handshakes that went another way than the program or its peer
 * meant. One row of a table each, for they are told in the same way.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "causes/stages.h"

#define COUNTERS_MAX 6

struct refusal {
	enum counter_id counters[COUNTERS_MAX]; /* what they say together is what was lost */
	size_t counters_n;
	enum counter_id beside[COUNTERS_MAX]; /* evidence only */
	size_t beside_n;
	struct drop_filter drops;
	bool has_event; /* each one counted has such a drop */
	const char *what, *text, *not;
	const char *remedy, *summary, *why, *command;
	enum remedy_kind kind;
};

#define IDS(field, ...)                                                                            \
	.field = {__VA_ARGS__},                                                                    \
	.field##_n = sizeof((enum counter_id[]){__VA_ARGS__}) / sizeof(enum counter_id)

static const char *const csum_reasons[] = {"TCP_CSUM", NULL};
static const char *const minttl_reasons[] = {"TCP_MINTTL", NULL};
static const char *const signature_reasons[] = {
	"TCP_MD5NOTFOUND", "TCP_MD5UNEXPECTED", "TCP_MD5FAILURE",    "TCP_AUTH_HDR", "TCP_AONOTFOUND",
	"TCP_AOUNEXPECTED", "TCP_AOKEYNOTFOUND", "TCP_AOFAILURE", NULL};
static const char *const challenge_reasons[] = {"TCP_INVALID_SYN", "TCP_ACK_UNSENT_DATA", NULL};

static const struct refusal csum = {
	.drops = {.reasons = csum_reasons, .protocol = IPPROTO_TCP},
	IDS(counters, C_TCP_IN_CSUM_ERRORS),
	IDS(beside, C_TCP_IN_ERRS),
	.has_event = true,
	.what = "TCP segments with a wrong checksum",
	.text = "What came in is not what was sent: memory, a cable or a device on the way changed "
		"it, or the sender counts on a network card to fill in the checksum and that did not "
		"happen. The sender has to send it again.",
	.not = "checksums that a capture on the sender calls wrong: its network card fills them in "
	       "afterwards",
	.remedy = "find-corruption",
	.kind = REMEDY_CAPACITY,
	.summary = "capture here and at the sender, and compare; then look at what lies between",
	.why = "where it is right at the sender and wrong here, a device or cable between corrupts; "
	       "where a tunnel or virtual switch lies between, turn its checksum offload off",
	.command = "tcpdump -ni any -vv tcp | grep incorrect",
};

static const struct refusal minttl = {
	.drops = {.reasons = minttl_reasons, .protocol = IPPROTO_TCP},
	IDS(counters, C_TCP_MIN_TTL_DROP),
	IDS(beside, C_TCP_IN_SEGS),
	.has_event = true,
	.what = "segments that came from farther away than the program allows",
	.text = "The program asks for a least TTL (IP_MINTTL, GTSM: BGP with ttl-security). These "
		"segments have less: their sender is more hops away, does not send with a TTL of "
		"255, or is a stranger.",
	.not = "a TTL that ran out: nothing of that reaches TCP",
	.remedy = "agree-on-ttl",
	.kind = REMEDY_APPLICATION,
	.summary = "the same ttl-security on both ends, with the right number of hops",
	.why = "the drop is right if the sender is none of yours",
	.command = "tcpdump -ni any -v 'tcp and ip[8] < 255'",
};

static const struct refusal signature = {
	.drops = {.reasons = signature_reasons, .protocol = IPPROTO_TCP},
	IDS(counters, C_TCPMD5_NOT_FOUND, C_TCPMD5_UNEXPECTED, C_TCPMD5_FAILURE, C_TCPAO_REQUIRED,
	    C_TCPAO_BAD, C_TCPAO_KEY_NOT_FOUND),
	IDS(beside, C_TCP_IN_SEGS),
	.has_event = true,
	.what = "segments whose signature is missing, unexpected or wrong",
	.text = "The two ends do not agree on the key of TCP MD5 or AO (BGP sessions): one has none, "
		"or another one. Nothing of the peer gets in, and the session does not come up.",
	.not = "wrong checksums",
	.remedy = "agree-on-key",
	.kind = REMEDY_APPLICATION,
	.summary = "the same key on both ends, for the addresses the session really uses",
	.why = "NotFound: the peer does not sign; Unexpected: it signs and no key is set here; "
	       "Failure or Bad: the keys differ, or a NAT between changes what is signed",
	.command = "dmesg | grep -iE 'md5 hash|tcp-?ao'",
};

static const struct refusal challenge = {
	.drops = {.reasons = challenge_reasons, .protocol = IPPROTO_TCP},
	IDS(counters, C_TCP_CHALLENGE_ACK, C_TCPACK_SKIPPED_CHALLENGE),
	IDS(beside, C_TCPSYN_CHALLENGE, C_TCP_ESTAB_RESETS),
	.what = "resets, SYNs or ACKs that do not fit their connection",
	.text = "They were refused and answered with an ACK (RFC 5961), so no connection ended by "
		"them. A peer that forgot the connection in a crash, a port that a NAT box gave to "
		"another client too soon, or somebody who guesses at connections.",
	.not = "resets that did fit: those end connections (Tcp.EstabResets)",
};

static const char *const fastopen_reasons[] = {"TCP_FASTOPEN", NULL};
static const char *const no_reasons[] = {NULL};

/* tcp_check_req() puts the ACK away; what that leaves as a drop is in benign.def. */
static const struct refusal defer_accept = {
	.drops = {.reasons = no_reasons},
	IDS(counters, C_TCP_DEFER_ACCEPT_DROP),
	IDS(beside, C_TCP_SYN_RETRANS, C_TCP_PASSIVE_OPENS),
	.what = "connections that are held back until data comes (TCP_DEFER_ACCEPT)",
	.text = "The program listens with TCP_DEFER_ACCEPT: the ACK that completes a handshake is put "
		"away, and the program is not told of the connection until the client sends "
		"something. A client that speaks first notices nothing. One that waits for a "
		"greeting waits until the time is over, and the SYN-ACK is sent again meanwhile.",
	.not = "a full accept queue (that counts in ListenOverflows)",
	.remedy = "no-defer-accept",
	.kind = REMEDY_APPLICATION,
	.summary = "no TCP_DEFER_ACCEPT where the server speaks first (nginx: no `deferred`)",
	.why = "for HTTP and TLS, where the client speaks first, it is right as it is",
	.command = "ss -Htan state syn-recv",
};

static const struct refusal fastopen = {
	.drops = {.reasons = fastopen_reasons, .protocol = IPPROTO_TCP},
	IDS(counters, C_TCP_FAST_OPEN_LISTEN_OVERFLOW, C_TCP_FAST_OPEN_PASSIVE_FAIL),
	IDS(beside, C_TCP_FAST_OPEN_PASSIVE, C_TCP_FAST_OPEN_BLACKHOLE),
	.what = "data in SYNs that was not taken (TCP Fast Open)",
	.text = "The connection goes on by an ordinary handshake, and the client has to send its data "
		"again: that costs it one round trip. ListenOverflow: more such connections wait "
		"for their ACK than the program's TCP_FASTOPEN queue allows, also those that were "
		"reset within the last minute. PassiveFail: the cookie was wrong.",
	.not = "a full accept queue (that counts in ListenOverflows)",
	.remedy = "raise-fastopen-queue",
	.kind = REMEDY_APPLICATION,
	.summary = "a larger TCP_FASTOPEN queue in the program (nginx: listen ... fastopen=N)",
	.why = "only if these are clients: it is there to stop a flood with forged sources",
	.command = "nstat -az 'TcpExtTCPFastOpen*'",
};

static const struct refusal embryonic = {
	.drops = {.reasons = no_reasons},
	IDS(counters, C_EMBRYONIC_RSTS),
	IDS(beside, C_TCP_ATTEMPT_FAILS, C_TCP_PASSIVE_OPENS),
	.what = "half-open connections that their clients reset",
	.text = "A SYN came, was answered, and instead of the ACK a reset came back: a scan (it has "
		"learned that the port is open), a health check that asks no more, a client that "
		"gave up, or a host in whose name somebody else sent the SYN. No program here "
		"noticed.",
	.not = "resets of established connections (Tcp.EstabResets)",
};

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

static void words(struct exam *x, struct finding *f, const struct refusal *r)
{
	char from[64], where[80];
	struct remedy *remedy;

	if (f->flows.n && f->subjects.n && f->subjects.items[0].has_socket)
		finding_headline(f, "%s, from %s to %s", r->what,
				 address_text(f->flows.items[0].family, f->flows.items[0].source,
					      from, sizeof(from)),
				 socket_text(&f->subjects.items[0].socket, where, sizeof(where)));
	else if (f->flows.n)
		finding_headline(f, "%s, from %s", r->what,
				 address_text(f->flows.items[0].family, f->flows.items[0].source,
					      from, sizeof(from)));
	else
		finding_headline(f, "%s", r->what);
	finding_text(f, "%s", r->text);
	finding_exclude(f, "%s", r->not);
	if (!r->remedy)
		return;
	remedy = finding_remedy(f, r->remedy, r->kind, "%s", r->summary);
	remedy_why(remedy, "%s", r->why);
	remedy_command(remedy, "%s", r->command);
}

/* `others` of what the counters say is another cause's. */
static enum outcome examine(struct exam *x, const struct refusal *r, uint64_t others,
			    struct finding **ret)
{
	uint64_t traced = ledger_traced(x->ledger, &r->drops), lost = 0;
	struct finding *f;

	for (size_t i = 0; i < r->counters_n; i++)
		lost += value(x, r->counters[i]);
	lost -= MIN(lost, others);
	if (!lost) {
		for (size_t i = 0; i < r->counters_n; i++)
			evidence_counter(NULL, x, r->counters[i]);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &r->drops, UINT64_MAX);
	/* A kernel may count what it has no reason of its own for yet. */
	finding_lost(f, &lost, r->has_event && tracing(x) && traced ? &traced : NULL,
		     value(x, C_TCP_IN_SEGS));
	f->unit = "segments";
	subject_connections(x, f, &r->drops);
	finding_flows(x, f, &r->drops);
	words(x, f, r);
	for (size_t i = 0; i < r->counters_n; i++)
		evidence_counter(f, x, r->counters[i]);
	for (size_t i = 0; i < r->beside_n; i++)
		evidence_counter(f, x, r->beside[i]);
	if (r->has_event)
		evidence_traced(f, x, r->drops.reasons[0], traced);
	*ret = f;
	return FOUND;
}

enum outcome examine_tcp_csum(struct exam *x)
{
	struct finding *f;
	enum outcome outcome = examine(x, &csum, 0, &f);

	if (outcome == FOUND)
		f->severity = SEVERITY_WARNING; /* none is the normal number */
	return outcome;
}

enum outcome examine_tcp_minttl(struct exam *x)
{
	struct finding *f;
	enum outcome outcome = examine(x, &minttl, 0, &f);

	if (outcome == FOUND)
		f->severity = severity_of_share(x, f->lost, f->of);
	return outcome;
}

/* A session that does not come up sends a SYN every few seconds: one is enough. */
enum outcome examine_tcp_signature(struct exam *x)
{
	struct finding *f;
	enum outcome outcome = examine(x, &signature, 0, &f);

	if (outcome == FOUND)
		f->severity = SEVERITY_WARNING;
	return outcome;
}

/* Nothing is lost by refusing them: a note. */
enum outcome examine_rst_invalid(struct exam *x)
{
	struct finding *f;

	return examine(x, &challenge, 0, &f);
}

/* By design, and what it costs is time: a note. So are the two that follow. */
enum outcome examine_tcp_defer_accept(struct exam *x)
{
	struct finding *f;
	enum outcome outcome = examine(x, &defer_accept, 0, &f);

	if (outcome == FOUND)
		f->unit = "connections";
	return outcome;
}

enum outcome examine_tcp_fastopen(struct exam *x)
{
	struct finding *f;

	return examine(x, &fastopen, 0, &f);
}

/* With tcp_abort_on_overflow a full accept queue resets them too: those are its own. */
enum outcome examine_rst_embryonic(struct exam *x)
{
	int64_t abort = 0;
	struct finding *f;
	enum outcome outcome;

	sysctl_get(&x->o->b, K_TCP_ABORT_ON_OVERFLOW, &abort);
	outcome = examine(x, &embryonic, abort > 0 ? value(x, C_LISTEN_OVERFLOWS) : 0, &f);
	if (outcome == FOUND)
		f->unit = "connections";
	return outcome;
}
