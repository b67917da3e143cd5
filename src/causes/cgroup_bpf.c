// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage tc: BPF programs that somebody attached to a cgroup, and that forbid what its processes
 * send. They run in ip_finish_output() and ip6_finish_output() (BPF_CGROUP_RUN_PROG_INET_EGRESS);
 * what they refuse has the reason BPF_CGROUP_EGRESS, counts as OutDiscards, and gives the program
 * that sends EPERM. What such a program refuses on the way in has the reason SOCKET_FILTER, as
 * what a socket's own filter refuses: the two cannot be told apart.
 */
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define SOCKETS_SHOWN 16

static const char *const egress_reasons[] = {"BPF_CGROUP_EGRESS", NULL};
static const struct drop_filter egress_drops = {.reasons = egress_reasons};

/* On the way out the packet still has its socket. */
static void subject_senders(struct exam *x, struct finding *f)
{
	vec_each(line, &x->ledger->lines) {
		const struct drop *d = line->drop;
		const struct socket *sk = d->cookie ? snapshot_socket(&x->o->b, d->cookie) : NULL;
		struct subject *s = NULL;

		if (!sk || !drop_matches(d, &egress_drops))
			continue;
		vec_each(known, &f->subjects)
			if (known->has_socket && known->socket.cookie == sk->cookie)
				s = known;
		if (!s && f->subjects.n == SOCKETS_SHOWN)
			continue;
		if (!s) {
			s = finding_subject(f);
			subject_socket(x, s, sk);
			s->has_lost = true;
		}
		s->lost += d->packets;
		s->traced += d->packets;
	}
}

static void cgroup_remedies(struct finding *f)
{
	struct remedy *r = finding_remedy(f, "find-cgroup", REMEDY_APPLICATION,
					  "find the cgroup with the program, and who put it there");

	remedy_why(r, "who made it puts it back: systemd does so for IPAddressDeny= and "
		      "RestrictNetworkInterfaces=, container managers for their network policies");
	remedy_command(r, "bpftool cgroup tree    (lines with cgroup_inet_egress)");
	remedy_command(r, "systemctl show -p IPAddressDeny -p IPAddressAllow UNIT");
	remedy_risk(r, "it may be a security policy, and right");
}

enum outcome examine_cgroup_bpf(struct exam *x)
{
	struct change discards = delta_sum(x->o, C_IP_OUT_DISCARDS, C_IP6_OUT_DISCARDS);
	uint64_t traced = ledger_unclaimed(x->ledger, &egress_drops);
	char to[64] = "somewhere";
	struct finding *f;

	if (!tracing(x) && (!discards.known || discards.delta))
		return not_examined_source(x, SRC_DROPS);
	if (!traced) {
		evidence_change(NULL, x, source_rows[SRC_SNMP].name, "OutDiscards (IPv4 and IPv6)",
				discards);
		evidence_traced(NULL, x, "BPF_CGROUP_EGRESS", 0);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &egress_drops, traced);
	finding_lost(f, NULL, &traced,
		     MAX(traced, delta_value(delta_sum(x->o, C_IP_OUT_REQUESTS,
						       C_IP6_OUT_REQUESTS))));
	/* Somebody forbade it on purpose. */
	f->severity = MIN(SEVERITY_WARNING, severity_of_share(x, f->lost, f->of));
	subject_senders(x, f);
	if (!f->subjects.n)
		subject_devices(x, f, &egress_drops);
	finding_flows(x, f, &egress_drops);
	if (f->flows.n)
		address_text(f->flows.items[0].family, f->flows.items[0].destination, to, sizeof(to));
	finding_headline(f, "a BPF program of a cgroup forbids what is sent to %s%s", to,
			 f->flows.n > 1 ? " and others" : "");
	finding_text(f, "Programs of that cgroup may not send this. A program that sends datagrams gets "
			"EPERM; a TCP connection hangs, and sends again.");
	evidence_traced(f, x, "BPF_CGROUP_EGRESS", traced);
	evidence_change(f, x, source_rows[SRC_SNMP].name, "OutDiscards (IPv4 and IPv6)", discards);
	finding_exclude(f, "the firewall (fw-output-drop: EPERM too, with the reason NETFILTER_DROP)");
	cgroup_remedies(f);
	return FOUND;
}
