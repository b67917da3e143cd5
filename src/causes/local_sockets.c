// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage socket: filters of programs, and messages between the kernel and programs of this host. */
#include <stdio.h>

#include "causes/stages.h"

#define SUBJECTS_SHOWN 16

/* ---- a filter that a program attached ---- */

static const char *const filter_reasons[] = {"SOCKET_FILTER", NULL};
static const struct drop_filter filter_drops = {.reasons = filter_reasons};

static void filter_remedies(struct finding *f)
{
	const struct socket *sk = f->subjects.n ? &f->subjects.items[0].socket : NULL;
	struct remedy *r;

	r = finding_remedy(f, "mend-filter", REMEDY_APPLICATION,
			   "mend or take away the filter in the program (SO_DETACH_FILTER)");
	remedy_why(r, "it is the program's own: nothing outside it can change it");
	if (sk && sk->local_port)
		remedy_command(r, "ss -%sanpm 'sport = :%u'", is_listener(sk) ? "t" : "u",
			       sk->local_port);
	remedy_command(r, "bpftool prog show");
}

/* The program wants it so, hence never critical; only its own people know whether it is right. */
enum outcome examine_socket_filter(struct exam *x)
{
	uint64_t lost = ledger_traced(x->ledger, &filter_drops);
	char who[64], where[80];
	struct finding *f;

	if (!lost) {
		evidence_traced(NULL, x, "SOCKET_FILTER", lost);
		return NOT_FOUND;
	}
	f = finding_new(x);
	ledger_claim(x->ledger, &filter_drops, UINT64_MAX);
	finding_lost(f, NULL, &lost, 0);
	f->severity = lost >= threshold_count(x, THRESHOLD_LOSS_PACKETS) ? SEVERITY_WARNING
									 : SEVERITY_INFO;
	subject_connections(x, f, &filter_drops);
	if (f->subjects.n)
		finding_headline(f, "a filter of %s refuses packets for %s",
				 owner_text(first_of(f), who, sizeof(who)),
				 place(f, where, sizeof(where)));
	else
		finding_headline(f, "a filter that a program attached to its socket refuses packets");
	finding_text(f, "The program attached a filter to its socket (SO_ATTACH_FILTER, "
			"SO_ATTACH_BPF), and that does not let these in. Their senders are told "
			"nothing; a refused SYN is sent again and again, and no counter tells of it.");
	evidence_traced(f, x, "SOCKET_FILTER", lost);
	evidence_counter(f, x, C_UDP_IN_ERRORS);
	evidence_counter(f, x, C_UDP6_IN_ERRORS);
	finding_exclude(f, "a firewall (reason NETFILTER_DROP)");
	finding_exclude(f, "a full receive buffer (RcvbufErrors +%llu)",
			(unsigned long long)delta_value(
				delta_sum(x->o, C_UDP_RCVBUF_ERRORS, C_UDP6_RCVBUF_ERRORS)));
	finding_flows(x, f, &filter_drops);
	filter_remedies(f);
	return FOUND;
}

/* ---- netlink ---- */

static int by_lost(const void *one, const void *other)
{
	const struct subject *a = one, *b = other;

	return a->lost < b->lost ? 1 : a->lost > b->lost ? -1 : 0;
}

static uint64_t netlink_lost(struct exam *x, struct finding *f)
{
	uint64_t sum = 0;

	vec_each(sk, &x->o->b.netlink_sockets) {
		uint64_t lost = delta_value(delta_socket_drops(x->o, sk));
		struct subject *s;

		sum += lost;
		if (!f || !lost || f->subjects.n == SUBJECTS_SHOWN)
			continue;
		s = finding_subject(f);
		subject_socket(x, s, sk);
		s->has_lost = true;
		s->lost = lost;
	}
	if (f && f->subjects.n)
		qsort(f->subjects.items, f->subjects.n, sizeof(*f->subjects.items), by_lost);
	return sum;
}

enum outcome examine_netlink_overrun(struct exam *x)
{
	uint64_t lost = netlink_lost(x, NULL);
	char who[64], where[80];
	struct finding *f;
	struct remedy *r;

	if (!lost) {
		evidence_value(NULL, x, "/proc/net/netlink", "sockets of programs",
			       x->o->b.netlink_sockets.n);
		evidence_text(NULL, x, "none of them lost a message");
		return NOT_FOUND;
	}
	f = finding_new(x);
	finding_lost(f, &lost, NULL, 0);
	f->unit = "messages";
	f->severity = lost >= threshold_count(x, THRESHOLD_LOSS_PACKETS) ? SEVERITY_WARNING
									 : SEVERITY_INFO;
	netlink_lost(x, f);
	finding_headline(f, "%s misses what the kernel tells it (%s)",
			 owner_text(first_of(f), who, sizeof(who)), place(f, where, sizeof(where)));
	finding_text(f, "The kernel tells programs of changes (routes, neighbours, connections, devices) "
			"by netlink. This one does not read fast enough: messages had no room, its next "
			"read fails with ENOBUFS, and unless it asks for everything again its picture of "
			"the network is wrong.");
	evidence_change(f, x, "/proc/net/netlink", "Drops of the first socket named",
			delta_socket_drops(x->o, &first_of(f)->socket));
	evidence_value(f, x, "/proc/net/netlink", "Rmem of that socket", first_of(f)->socket.rmem);
	finding_exclude(f, "lost packets: these are messages about the network, not of it");
	r = finding_remedy(f, "raise-netlink-rcvbuf", REMEDY_APPLICATION,
			   "a larger receive buffer (SO_RCVBUFFORCE) in the program, and a new dump "
			   "after each ENOBUFS");
	remedy_why(r, "changes come in bursts: a full routing table, a port that goes down, a flood of "
		      "connections");
	r = finding_remedy(f, "ask-for-less", REMEDY_APPLICATION,
			   "join fewer groups, or filter (SO_ATTACH_FILTER; conntrack -E -p tcp)");
	remedy_why(r, "each group that it joined is copied to it whole");
	return FOUND;
}
