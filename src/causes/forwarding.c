// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage ip: why a host does not forward: it did before, so a tool has switched it off. Each network
 * namespace counts what it has forwarded since it was made.
 */
#include <stdio.h>
#include <string.h>

#include "causes/enter.h"
#include "causes/stages.h"

static bool is_six(const struct exam *x)
{
	return delta_value(delta_counter(x->o, C_IP_IN_ADDR_ERRORS)) <
	       delta_value(delta_counter(x->o, C_IP6_IN_ADDR_ERRORS));
}

/* Forwarding may be on for single devices alone, and those were the ones that forwarded. */
static bool some_device_forwards(const struct exam *x)
{
	vec_each(link, &x->o->b.links)
		if (link->forwarding > 0)
			return true;
	return false;
}

static uint64_t forwarded(const struct exam *x, bool six)
{
	enum counter_id id = six ? C_IP6_OUT_FORW_DATAGRAMS : C_IP_FORW_DATAGRAMS;

	return x->o->b.counter_present[id] ? x->o->b.counter[id] : 0;
}

bool explains_forward_reset(struct exam *x, const struct finding *f, const struct subject *s)
{
	bool six = is_six(x);
	int64_t on = 1;

	/* What is a note there (broadcasts of another subnet) is not to be forwarded anyway. */
	return strcmp(f->cause->id, "not-local-forward-off") == 0 &&
	       f->severity >= SEVERITY_WARNING && s->device[0] && forwarded(x, six) &&
	       sysctl_get(&x->o->b, six ? K_IP6_FORWARDING : K_IP_FORWARD, &on) && !on &&
	       (six || !some_device_forwards(x));
}

void describe_forward_reset(struct exam *x, struct finding *f)
{
	bool six = is_six(x);
	const char *key = six ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward";
	char enter[96];
	struct remedy *r;

	entering(x, enter, sizeof(enter));
	f->confidence = LIKELY;
	finding_headline(f, "this host did forward %s packets, and forwarding is off now",
			 six ? "IPv6" : "IPv4");
	finding_text(f, "Packets for others still come to it, and it drops them. Tools that load sysctl "
			"files (sysctl --system at boot or at an update, network set-up, hardening) "
			"set %s back to what a file says; container and VPN software that had "
			"switched it on does not notice.",
		     key);
	evidence_value(f, x, six ? "/proc/net/snmp6" : "/proc/net/snmp",
		       six ? "Ip6OutForwDatagrams (since the namespace was made)"
			   : "Ip.ForwDatagrams (since the namespace was made)",
		       forwarded(x, six));
	evidence_text(f, x, "%s is 0", key);
	r = finding_remedy(f, "forward-again", REMEDY_SYSCTL, "switch forwarding on again");
	remedy_why(r, "it was on: %llu packets were forwarded here",
		   (unsigned long long)forwarded(x, six));
	remedy_risk(r, "if it was switched off on purpose, the host connects its networks again");
	remedy_sysctl_here(x, r, key, 0, 1);
	r = finding_remedy(f, "find-file", REMEDY_APPLICATION, "find the file that says 0");
	remedy_why(r, "else it is switched off again at the next run");
	remedy_command(r, "grep -rsE 'ip_forward|forwarding' /etc/sysctl.conf /etc/sysctl.d "
			  "/run/sysctl.d /usr/lib/sysctl.d");
}
