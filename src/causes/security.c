// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a security module refuses: SELinux, Smack or AppArmor label packets and sockets, and
 * security_sock_rcv_skb() and its like say no. A reason of its own since 6.10; before that such
 * drops have none. No counter.
 */
#include "causes/stages.h"

static const char *const reasons[] = {"SECURITY_HOOK", NULL};
static const struct drop_filter refused = {.reasons = reasons};

enum outcome examine_security_hook(struct exam *x)
{
	uint64_t lost = ledger_unclaimed(x->ledger, &refused);
	struct finding *f;
	struct remedy *r;

	if (!lost) {
		evidence_traced(NULL, x, "SECURITY_HOOK", 0);
		return NOT_FOUND;
	}
	f = finding_new(x);
	lost = ledger_claim(x->ledger, &refused, lost);
	finding_lost(f, NULL, &lost,
		     MAX(lost, delta_value(delta_sum(x->o, C_IP_IN_RECEIVES, C_IP6_IN_RECEIVES))));
	f->severity = severity_of_share(x, lost, f->of);
	finding_headline(f, "a security module refuses packets for programs of this host");
	finding_text(f, "The policy of a security module (SELinux, Smack, AppArmor) does not let the "
			"receiving program have these packets. The sender hears nothing; what was "
			"refused and to whom stands in the audit log.");
	subject_devices(x, f, &refused);
	evidence_traced(f, x, "SECURITY_HOOK", lost);
	finding_flows(x, f, &refused);
	finding_exclude(f, "a firewall rule (its drops are NETFILTER_DROP)");
	r = finding_remedy(f, "allow-in-policy", REMEDY_APPLICATION,
			   "a policy that allows it, if the packets are wanted");
	remedy_why(r, "the audit log names the program's label, the peer's, and what is not allowed");
	remedy_command(r, "ausearch -m AVC,USER_AVC -ts recent");
	remedy_command(r, "journalctl -k -g 'avc:|apparmor='");
	remedy_risk(r, "the policy may be right, and the program compromised or set up wrongly");
	return FOUND;
}
