// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage ip: ICMP that this host owes others and keeps back. No packet is lost by that: those that
 * the messages are about have a cause of their own. But ping and traceroute look as if, and a sender
 * may wait for "fragmentation needed" in vain.
 */
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define PER_SECOND_MAX 10000 /* of icmp_msgs_per_sec: ten times its default */

struct kept_back {
	uint64_t host, global, six; /* by rate limits: of one destination, of all, of IPv6 */
	uint64_t pings, pings6;	    /* not answered at all */
};

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

static uint64_t unanswered(const struct exam *x, enum sysctl_id off, enum counter_id in,
			   enum counter_id out)
{
	int64_t is_off = 0;

	if (!sysctl_get(&x->o->b, off, &is_off) || !is_off)
		return 0;
	return value(x, in) - MIN(value(x, in), value(x, out));
}

static struct kept_back look(const struct exam *x)
{
	return (struct kept_back){
		.host = value(x, C_ICMP_OUT_RATE_LIMIT_HOST),
		.global = value(x, C_ICMP_OUT_RATE_LIMIT_GLOBAL),
		.six = value(x, C_ICMP6_OUT_RATE_LIMIT_HOST),
		.pings = unanswered(x, K_ICMP_ECHO_IGNORE_ALL, C_ICMP_IN_ECHOS, C_ICMP_OUT_ECHO_REPS),
		.pings6 = unanswered(x, K_ICMP6_ECHO_IGNORE_ALL, C_ICMP6_IN_ECHOS,
				     C_ICMP6_OUT_ECHO_REPLIES),
	};
}

static void remedies(struct exam *x, struct finding *f, const struct kept_back *k)
{
	double wanted = per_second(x->o, k->global);
	char enter[96];
	int64_t now;
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	if (k->global && sysctl_get(&x->o->b, K_ICMP_MSGS_PER_SEC, &now) && now < PER_SECOND_MAX) {
		int64_t to = MIN((int64_t)((double)now + 2 * wanted + 0.5), (int64_t)PER_SECOND_MAX);

		r = finding_remedy(f, "raise-icmp-rate", REMEDY_SYSCTL,
				   "allow %lld ICMP errors a second to all destinations together",
				   (long long)to);
		remedy_why(r, "%.0f a second were kept back beyond %lld", wanted, (long long)now);
		remedy_risk(r, "not on a host that the internet reaches: it helps to scan and to flood");
		remedy_sysctl_here(x, r, "net.ipv4.icmp_msgs_per_sec", now, to);
	}
	if (k->host || k->six) {
		r = finding_remedy(f, "leave-limit", REMEDY_CAPACITY,
				   "leave the limit of one destination as it is; mend what makes so many "
				   "errors");
		remedy_why(r, "after the first few, one in icmp_ratelimit milliseconds is told; nobody "
			      "needs more, and \"no ICMP came\" proves nothing");
		remedy_command(r, "%snstat -az | grep Icmp", enter);
	}
	if (k->pings || k->pings6) {
		const char *key = k->pings ? "net.ipv4.icmp_echo_ignore_all"
					   : "net.ipv6.icmp.echo_ignore_all";

		r = finding_remedy(f, "answer-pings", REMEDY_SYSCTL, "answer pings, if that is wanted");
		remedy_why(r, "somebody set %s", key);
		remedy_risk(r, "the host can be found by a scan");
		remedy_sysctl_here(x, r, key, 1, 0);
	}
}

enum outcome examine_icmp_limited(struct exam *x)
{
	uint64_t too_big = delta_value(delta_sum(x->o, C_IP_FRAG_FAILS, C_IP6_IN_TOO_BIG_ERRORS));
	struct kept_back k = look(x);
	uint64_t limited = k.host + k.global + k.six, all = limited + k.pings + k.pings6;
	struct finding *f;

	if (!all) {
		evidence_counter(NULL, x, C_ICMP_OUT_RATE_LIMIT_HOST);
		evidence_counter(NULL, x, C_ICMP_OUT_RATE_LIMIT_GLOBAL);
		evidence_counter(NULL, x, C_ICMP6_OUT_RATE_LIMIT_HOST);
		return NOT_FOUND;
	}
	f = finding_new(x);
	if (limited)
		finding_headline(f, "%llu ICMP messages of this host are kept back by their rate limit",
				 (unsigned long long)limited);
	else
		finding_headline(f, "pings are not answered: that is switched off");
	finding_text(f, "Whoever pings or traces the route to this host sees a loss that is none.%s",
		     limited && too_big ? " Packets too large for the way on are among what others "
					  "are to be told of: a path's MTU is found late then."
					: "");
	evidence_counter(f, x, C_ICMP_OUT_RATE_LIMIT_HOST);
	evidence_counter(f, x, C_ICMP_OUT_RATE_LIMIT_GLOBAL);
	evidence_counter(f, x, C_ICMP6_OUT_RATE_LIMIT_HOST);
	if (k.pings) {
		evidence_counter(f, x, C_ICMP_IN_ECHOS);
		evidence_counter(f, x, C_ICMP_OUT_ECHO_REPS);
	}
	if (k.pings6) {
		evidence_counter(f, x, C_ICMP6_IN_ECHOS);
		evidence_counter(f, x, C_ICMP6_OUT_ECHO_REPLIES);
	}
	remedies(x, f, &k);
	return FOUND;
}
