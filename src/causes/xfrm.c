// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage ip: what IPsec drops. Each of its counters is a reason; drop events have one (XFRM_POLICY)
 * for some policies, and none or a misleading one for the rest, so the counters come first.
 */
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

static const char *const policy_reasons[] = {"XFRM_POLICY", NULL};
static const struct drop_filter policy_drops = {.reasons = policy_reasons};
/*
 * Without a socket UDP asks the policy before it looks further, and a refusal looks like no reason
 * or, by IPv6, like a closed port.
 */
static const char *const in_reasons[] = {"NOT_SPECIFIED", "NO_SOCKET", NULL};
static const char *const in_places[] = {"__udp4_lib_rcv", "__udp6_lib_rcv", "xfrm_input",
					"xfrm6_input_addr", NULL};
static const struct drop_filter in_drops = {.reasons = in_reasons, .symbols = in_places};
/* While no association is there the route of such packets is one that discards. */
static const char *const out_reasons[] = {"NOT_SPECIFIED", NULL};
static const char *const out_places[] = {"dst_discard_out", "dst_discard", NULL};
static const struct drop_filter out_drops = {.reasons = out_reasons, .symbols = out_places};

enum kind { NO_ASSOCIATION_IN, BAD_PACKET, REPLAY, POLICY_IN, NO_ASSOCIATION_OUT, POLICY_OUT, OTHER, KIND_N };

static const struct kind_row {
	const char *headline, *text, *remedy, *why, *commands[2];
	enum direction direction;
} kinds[KIND_N] = {
	[NO_ASSOCIATION_IN] = {"IPsec packets come in for which there is no security association",
			       "The sender uses an SPI that this host does not know: it was "
			       "restarted, the association expired here first, or the packets are "
			       "meant for another host.",
			       "let both ends agree on keys again",
			       "the sender goes on with an association that is gone here",
			       {"ip -s xfrm state"}, DIR_RX},
	[BAD_PACKET] = {"IPsec packets come in that cannot be decrypted",
			"Their signature, mode or header is not as agreed: the keys differ, or "
			"something on the way changed them.",
			"compare keys, algorithms and modes of both ends",
			"both must have the same for each SPI", {"ip -s xfrm state"}, DIR_RX},
	[REPLAY] = {"IPsec packets come in outside the replay window",
		    "Their sequence numbers are too old or were seen before. Paths that reorder, "
		    "several queues or QoS in the tunnel do that; so does a replay.",
		    "a larger replay window, at least the packets that overtake each other",
		    "what is older than the window is taken for a replay", {"ip -s xfrm state"}, DIR_RX},
	[POLICY_IN] = {"an IPsec policy refuses packets that come in",
		       "A policy blocks them, or wants them to come by IPsec, and they did not or "
		       "not as it says.",
		       "compare the policies of both ends", "the sender sends without IPsec or has "
							    "another policy",
		       {"ip xfrm policy"}, DIR_RX},
	[NO_ASSOCIATION_OUT] = {"an IPsec policy wants a security association, and there is none",
				"What is sent where the policy applies is dropped until a key daemon "
				"has set one up, without an error to the program.",
				"start the key daemon (strongSwan, Libreswan), or see why it gets no "
				"answer",
				"a policy alone encrypts nothing", {"ip xfrm state", "ip xfrm policy"},
				DIR_TX},
	[POLICY_OUT] = {"an IPsec policy blocks what this host sends",
			"Programs get EPERM or nothing at all, and nothing leaves.",
			"remove the policy if it should not be there", "it blocks on purpose",
			{"ip xfrm policy"}, DIR_TX},
	[OTHER] = {"IPsec drops packets", "Each of its counters is a reason of its own.",
		   "look at associations and policies", "the counter that moved says which",
		   {"ip -s xfrm state", "ip -s xfrm policy"}, DIR_BOTH},
};

static const struct counter_kind_row {
	enum counter_id id;
	enum kind kind;
} counters[] = {
	{C_XFRM_IN_ERROR, OTHER},
	{C_XFRM_IN_BUFFER_ERROR, OTHER},
	{C_XFRM_IN_HDR_ERROR, BAD_PACKET},
	{C_XFRM_IN_NO_STATES, NO_ASSOCIATION_IN},
	{C_XFRM_IN_STATE_PROTO_ERROR, BAD_PACKET},
	{C_XFRM_IN_STATE_MODE_ERROR, BAD_PACKET},
	{C_XFRM_IN_STATE_SEQ_ERROR, REPLAY},
	{C_XFRM_IN_STATE_EXPIRED, NO_ASSOCIATION_IN},
	{C_XFRM_IN_STATE_MISMATCH, BAD_PACKET},
	{C_XFRM_IN_STATE_INVALID, NO_ASSOCIATION_IN},
	{C_XFRM_IN_STATE_DIR_ERROR, OTHER},
	{C_XFRM_IN_IPTFS_ERROR, BAD_PACKET},
	{C_XFRM_IN_TMPL_MISMATCH, POLICY_IN},
	{C_XFRM_IN_NO_POLS, POLICY_IN},
	{C_XFRM_IN_POL_BLOCK, POLICY_IN},
	{C_XFRM_IN_POL_ERROR, POLICY_IN},
	{C_XFRM_FWD_HDR_ERROR, OTHER},
	{C_XFRM_OUT_ERROR, OTHER},
	{C_XFRM_OUT_BUNDLE_GEN_ERROR, OTHER},
	{C_XFRM_OUT_BUNDLE_CHECK_ERROR, OTHER},
	{C_XFRM_OUT_NO_STATES, NO_ASSOCIATION_OUT},
	{C_XFRM_OUT_STATE_PROTO_ERROR, OTHER},
	{C_XFRM_OUT_STATE_MODE_ERROR, OTHER},
	{C_XFRM_OUT_STATE_SEQ_ERROR, OTHER},
	{C_XFRM_OUT_STATE_EXPIRED, NO_ASSOCIATION_OUT},
	{C_XFRM_OUT_STATE_INVALID, NO_ASSOCIATION_OUT},
	{C_XFRM_OUT_STATE_DIR_ERROR, OTHER},
	{C_XFRM_OUT_NO_QUEUE_SPACE, OTHER},
	{C_XFRM_OUT_POL_BLOCK, POLICY_OUT},
	{C_XFRM_OUT_POL_DEAD, POLICY_OUT},
	{C_XFRM_OUT_POL_ERROR, POLICY_OUT},
};

struct sums {
	uint64_t of[KIND_N], all, in;
	bool known;
};

static void add_up(const struct exam *x, struct sums *ret)
{
	struct sums s = {0};

	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		struct change c = delta_counter(x->o, counters[i].id);

		s.known |= c.known;
		s.of[counters[i].kind] += delta_value(c);
		s.all += delta_value(c);
	}
	for (enum kind k = 0; k < KIND_N; k++)
		s.in += kinds[k].direction == DIR_RX ? s.of[k] : 0;
	*ret = s;
}

static enum kind worst_of(const struct sums *s)
{
	enum kind worst = s->all ? OTHER : POLICY_IN;

	for (enum kind k = 0; k < KIND_N; k++)
		if (s->of[k] > s->of[worst])
			worst = k;
	return worst;
}

/* What the counters say was dropped may be claimed where it has no reason of its own. */
static uint64_t claim(struct exam *x, const struct sums *s)
{
	uint64_t policy = ledger_claim(x->ledger, &policy_drops, UINT64_MAX);

	return policy + ledger_claim(x->ledger, &in_drops, s->in - MIN(s->in, policy)) +
	       ledger_claim(x->ledger, &out_drops, s->of[NO_ASSOCIATION_OUT]);
}

enum outcome examine_xfrm_drop(struct exam *x)
{
	uint64_t traced = ledger_traced(x->ledger, &policy_drops), passed;
	const struct kind_row *row;
	char enter[96];
	struct finding *f;
	struct remedy *r;
	struct sums s;

	add_up(x, &s);
	if (!s.all && !traced) {
		evidence_text(NULL, x, s.known ? "all losses in /proc/net/xfrm_stat +0"
					       : "no /proc/net/xfrm_stat");
		evidence_traced(NULL, x, "XFRM_POLICY", 0);
		return NOT_FOUND;
	}
	row = &kinds[worst_of(&s)];
	f = finding_new(x);
	finding_flows(x, f, &policy_drops);
	if (s.in)
		finding_flows(x, f, &in_drops);
	if (s.of[NO_ASSOCIATION_OUT])
		finding_flows(x, f, &out_drops);
	traced = claim(x, &s);
	passed = delta_value(delta_sum(x->o, row->direction == DIR_TX ? C_IP_OUT_REQUESTS : C_IP_IN_RECEIVES,
				       row->direction == DIR_TX ? C_IP6_OUT_REQUESTS
								: C_IP6_IN_RECEIVES));
	finding_lost(f, s.known && s.all ? &s.all : NULL, tracing(x) ? &traced : NULL, 0);
	f->of = MAX(passed, f->lost);
	f->has_direction = true;
	f->direction = row->direction;
	f->severity = severity_of_share(x, f->lost, f->of);
	finding_headline(f, "%s", row->headline);
	finding_text(f, "%s", row->text);
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
		if (delta_value(delta_counter(x->o, counters[i].id)))
			evidence_counter(f, x, counters[i].id);
	if (delta_value(delta_counter(x->o, C_XFRM_ACQUIRE_ERROR)))
		evidence_counter(f, x, C_XFRM_ACQUIRE_ERROR);
	evidence_traced(f, x, "XFRM_POLICY and what IPsec counts", traced);
	finding_exclude(f, "the firewall: its drops have the reason NETFILTER_DROP");
	r = finding_remedy(f, "mend-ipsec", REMEDY_CAPACITY, "%s", row->remedy);
	remedy_why(r, "%s", row->why);
	entering(x, enter, sizeof(enter));
	for (size_t i = 0; i < ARRAY_SIZE(row->commands) && row->commands[i]; i++)
		remedy_command(r, "%s%s", enter, row->commands[i]);
	return FOUND;
}
