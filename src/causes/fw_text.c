// SPDX-License-Identifier: GPL-2.0-or-later
/* What the firewall's findings say: headline, sentences, and what stands beside them. */
#include <stdio.h>

#include "causes/fw_blame.h"

const char *fw_kind_text(enum fw_kind kind)
{
	static const char *const texts[] = {
		[FW_POLICY] = "drop policies",
		[FW_RULE] = "drop rules",
		[FW_REJECT] = "reject rules",
		[FW_OUTPUT] = "drop rules and policies for what this host sends",
		[FW_FORWARD] = "drop rules and policies for what is forwarded",
		[FW_INVALID] = "rules that drop what connection tracking calls invalid",
		[FW_BRIDGED] = "drop rules and policies that met bridged frames",
	};

	return texts[kind];
}

struct fw_wanted fw_wanted_by_rule(const struct fw_point *p)
{
	const struct rule *r = fw_rule(p);
	struct fw_wanted w = {.packets = p->lost};

	for (size_t i = 0; r && i < r->ops_n; i++) {
		const struct rule_op *op = &p->set->ops.items[r->ops_first + i];

		if (op->negated || op->kind == OP_ANY)
			break;
		if (op->kind == OP_PROTOCOL)
			w.protocol = op->value[0];
		if ((op->kind == OP_SPORT || op->kind == OP_DPORT) && op->low == op->high) {
			w.port = op->low;
			w.by_source = op->kind == OP_SPORT;
		}
	}
	if (!w.protocol)
		w.port = 0;
	return w;
}

/* "tcp port 8443", "tcp port 8443 and others" */
static const char *what_is_dropped(const struct fw_case *c, char *to, size_t size)
{
	struct fw_wanted w;
	char name[48];

	if (c->words.wanted.n) {
		const struct fw_wanted *first = c->words.wanted.items;
		uint64_t all = c->words.packets - c->words.chatter;
		bool others = first->packets * 10 < all * 8;

		fw_wanted_text(first, name, sizeof(name));
		if (first->packets * 2 < all && first->port) {
			snprintf(to, size, "packets to %zu ports", c->words.wanted.n);
			return to;
		}
		snprintf(to, size, "%s%s", name, others ? " and others" : "");
		return to;
	}
	if (c->words.chatter) {
		snprintf(to, size, "multicast and broadcast");
		return to;
	}
	w = fw_wanted_by_rule(c->worst);
	return fw_wanted_text(&w, to, size);
}

static const char *direction_word(enum direction d)
{
	return d == DIR_TX ? "outgoing " : d == DIR_FORWARD ? "forwarded " : "";
}

/* " and 2 other rules": policies alone, rules alone, or both. */
static const char *others_text(const struct fw_case *c, char *to, size_t size)
{
	size_t policies = 0, n = c->n - 1;
	const char *what;

	for (size_t i = 0; i < c->blame->points.n; i++)
		policies += c->mine[i] && fw_is_policy(&c->blame->points.items[i]);
	if (policies == c->n)
		what = n == 1 ? "policy" : "policies";
	else if (!policies)
		what = n == 1 ? "rule" : "rules";
	else
		what = n == 1 ? "place" : "places";
	to[0] = '\0';
	if (n)
		snprintf(to, size, " and %zu other %s", n, what);
	return to;
}

static const char *what_is_answered(const struct fw_case *c)
{
	static const char *const answers[] = {
		[REJECT_UNKNOWN] = "The sender is told so.",
		[REJECT_RESET] = "The sender gets a reset and fails at once, as if nothing listened "
				 "(ECONNREFUSED).",
		[REJECT_PORT] = "The sender gets ICMP port unreachable and fails at once, as if nothing "
				"listened (ECONNREFUSED).",
		[REJECT_UNREACHABLE] = "The sender gets ICMP unreachable: connect fails at once, as if "
				       "a route were missing (EHOSTUNREACH or ENETUNREACH), and a "
				       "program that sends datagrams is not told.",
		[REJECT_PROHIBITED] = "The sender gets ICMP administratively prohibited and fails at "
				      "once: \"No route to host\" by IPv4, \"Permission denied\" by IPv6.",
	};
	const struct rule *r = fw_rule(c->worst);

	return answers[r && r->answer < ARRAY_SIZE(answers) ? r->answer : REJECT_UNKNOWN];
}

static const char *who_notices(const struct fw_case *c, enum direction d)
{
	if (c->kind == FW_REJECT)
		return what_is_answered(c);
	if (d == DIR_TX)
		return "A program that sends datagrams gets EPERM; a TCP connection gets no error, "
		       "and times out.";
	return d == DIR_FORWARD ? "They are neither for this host nor by it; both ends hear nothing "
				  "and wait."
				: "The sender hears nothing and waits.";
}

/* Whether the rate limit of ICMP kept back more answers than it may have let out. */
static bool unanswered(const struct fw_case *c)
{
	uint64_t kept = delta_value(delta_sum(c->x->o, C_ICMP_OUT_RATE_LIMIT_HOST,
					      C_ICMP_OUT_RATE_LIMIT_GLOBAL));
	const struct rule *r = fw_rule(c->worst);

	return r && r->answer != REJECT_RESET && kept * 2 > c->lost;
}

static const char *what_drops(const struct fw_case *c)
{
	if (c->kind == FW_BRIDGED)
		return "These frames only cross a bridge, but bridge-nf-call-iptables hands them to the "
		       "rules that are meant for routed packets, and those drop them.";
	if (c->kind == FW_INVALID)
		return "A firewall rule drops packets that connection tracking calls invalid.";
	if (c->kind == FW_REJECT)
		return "A firewall rule rejects these packets.";
	return fw_is_policy(c->worst) ? "No rule of the chain accepts these packets, so its policy "
					"drops them."
				      : "A firewall rule drops these packets.";
}

void fw_describe(struct fw_case *c, struct finding *f, enum direction d, bool scattered)
{
	static const char invalid[] = " It is for packets that fit no tracked connection, or not its "
				      "state.";
	static const char unwanted[] = " No port got enough of them to look wanted: scans and "
				       "chatter of the network, most likely.";
	static const char unsent[] = " No port got enough of them to look wanted.";
	static const char sought[] = " Among them are questions for an IPv6 address of this host: "
				     "nobody on the link reaches it while they are dropped.";
	static const char silent[] = " But the kernel limits how many ICMP errors it sends to one "
				     "host, and kept many back: those senders hear nothing.";
	cleanup(buf_done) struct buf limited = {0};
	const struct rule *by;
	const struct rule_limit *limit = fw_limit_of(c->blame, c->worst, &by);
	const char *verb = c->kind == FW_REJECT ? "reject" : "drop";
	const char *way = direction_word(d);
	char where[160], what[80], more[64], above[128] = "", most[96];

	if (limit)
		fw_limit_sentence(limit, by, c->worst, &limited);
	/* Of several rules each has its own. */
	if (limit && c->n == 1)
		snprintf(above, sizeof(above), "%s %s", fw_limit_side(limit, by),
			 fw_limit_text(limit, most, sizeof(most)));
	fw_point_text(c->worst, where, sizeof(where));
	what_is_dropped(c, what, sizeof(what));
	if (c->kind == FW_BRIDGED)
		way = "bridged ";
	finding_headline(f, "%s%s %s%s %s%s%s", where, others_text(c, more, sizeof(more)), verb,
			 c->n > 1 ? "" : "s", way, what, above);
	finding_text(f, "%s %s%s%s%s%s%s", what_drops(c), who_notices(c, d),
		     limited.len ? limited.data : "", fw_is_invalid_rule(c->worst) ? invalid : "",
		     c->words.sought ? sought : "",
		     c->kind == FW_REJECT && unanswered(c) ? silent : "",
		     !scattered	   ? ""
		     : d == DIR_TX ? unsent
				   : unwanted);
}

static uint64_t lost_by_others(const struct fw_case *c)
{
	uint64_t sum = 0;

	vec_each(p, &c->blame->points)
		sum += fw_kind_of(p) != c->kind ? p->lost : 0;
	return sum;
}

void fw_exclude(struct fw_case *c, struct finding *f)
{
	struct change invalid = delta_counter(c->x->o, C_CT_INVALID);
	enum source unread = c->blame->unread;

	finding_exclude(f, "other rules and policies: +%llu",
			(unsigned long long)lost_by_others(c));
	if (observed(c->x->o, SRC_CONNTRACK))
		finding_exclude(f, "conntrack drop +%llu", (unsigned long long)c->blame->conntrack);
	if (invalid.known)
		finding_exclude(f, "conntrack invalid +%llu", (unsigned long long)invalid.delta);
	if (unread != SOURCE_N)
		evidence_text(f, c->x, "%s could not be read: what its rules drop is not in this",
			      source_rows[unread].name);
}

static void if_moved(struct fw_case *c, struct finding *f, enum counter_id id)
{
	if (delta_value(delta_counter(c->x->o, id)))
		evidence_counter(f, c->x, id);
}

/*
 * A packet that is dropped on its way in or through moves no counter that tells it from others:
 * ForwDatagrams counts what came to be forwarded, dropped or not (6.18, ip_forward()). One that
 * leaves is an OutDiscards, and TCP counts a retransmission that this host refused itself. What is
 * rejected is answered by ICMP, of which the kernel sends only so many to one host.
 */
void fw_witnesses(struct fw_case *c, struct finding *f)
{
	switch (c->kind) {
	case FW_OUTPUT:
		if_moved(c, f, C_IP_OUT_DISCARDS);
		if_moved(c, f, C_IP6_OUT_DISCARDS);
		if_moved(c, f, C_TCP_RETRANS_FAIL);
		break;
	case FW_FORWARD:
		if_moved(c, f, C_IP_FORW_DATAGRAMS);
		if_moved(c, f, C_IP6_OUT_FORW_DATAGRAMS);
		break;
	case FW_REJECT:
		if_moved(c, f, C_ICMP_OUT_RATE_LIMIT_HOST);
		if_moved(c, f, C_ICMP_OUT_RATE_LIMIT_GLOBAL);
		break;
	case FW_INVALID:
		if_moved(c, f, C_CT_INVALID);
		break;
	case FW_BRIDGED:
	case FW_POLICY:
	case FW_RULE:
		break;
	}
}
