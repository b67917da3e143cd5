// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage ip: sends that end in EMSGSIZE. No packet is made, so there is neither a counter nor a drop
 * event: the tracepoint of all sends (sock:sock_send_length, Linux 6.3) alone tells.
 */
#include <netinet/in.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define REFUSED_SHARE 0.01 /* of the datagrams: programs that probe a path's size have fewer */
#define SUBJECTS_SHOWN 5

static const char *const reasons[] = {"SEND_TOO_BIG", NULL};
static const struct drop_filter too_big = {.reasons = reasons};

/* By its cookie, which sockets have once they were listed; else by its port. */
static const struct socket *sender_of(const struct exam *x, const struct drop *d)
{
	const struct socket *sk = d->cookie ? snapshot_socket(&x->o->b, d->cookie) : NULL;

	if (sk || !d->local_port)
		return sk;
	vec_each(one, &x->o->b.sockets)
		if (one->local_port == d->local_port && one->protocol == d->protocol &&
		    one->family == d->family)
			return one;
	return NULL;
}

static const struct drop *add_senders(struct exam *x, struct finding *f)
{
	const struct drop *worst = NULL;

	vec_each(line, &x->ledger->lines) {
		const struct drop *d = line->drop;
		const struct socket *sk;
		struct subject *s;

		if (!drop_matches(d, &too_big))
			continue;
		worst = worst && worst->packets >= d->packets ? worst : d;
		sk = sender_of(x, d);
		if (!sk || f->subjects.n >= SUBJECTS_SHOWN)
			continue;
		s = finding_subject(f);
		subject_socket(x, s, sk);
		s->has_lost = true;
		s->lost = s->traced = d->packets;
	}
	return worst;
}

static unsigned int least_mtu(const struct exam *x)
{
	unsigned int least = 0;

	vec_each(link, &x->o->b.links)
		if ((link->flags & IFF_UP) && !(link->flags & IFF_LOOPBACK))
			least = least ? MIN(least, link->mtu) : link->mtu;
	return least ? least : 1500;
}

static void remedies(struct exam *x, struct finding *f, const struct drop *worst)
{
	unsigned int mtu = least_mtu(x), headers = worst->family == AF_INET ? 28 : 48;
	struct remedy *r;
	char enter[96];

	entering(x, enter, sizeof(enter));
	r = finding_remedy(f, "smaller-datagrams", REMEDY_APPLICATION,
			   "let the program send %u bytes at most, and number and join what is larger",
			   mtu - MIN(mtu, headers));
	remedy_why(r, "the smallest MTU of a device here is %u; paths beyond may carry less "
		      "(1,232 bytes fit any by IPv6)",
		   mtu);
	remedy_cost(r, "more datagrams; TCP and QUIC do it by themselves");
	r = finding_remedy(f, "allow-fragments", REMEDY_APPLICATION,
			   "if it sets \"do not fragment\" without need: IP_MTU_DISCOVER to "
			   "IP_PMTUDISC_WANT or IP_PMTUDISC_DONT");
	remedy_why(r, "then the kernel cuts up to 65,507 bytes into fragments; nothing above that is "
		      "sent in any way");
	remedy_risk(r, "a datagram is lost with any one of its fragments");
	r = finding_remedy(f, "see-sends", REMEDY_APPLICATION, "see the sends that fail, and their sizes");
	remedy_why(r, "the program may not say which");
	if (f->subjects.n && f->subjects.items[0].has_process)
		remedy_command(r, "strace -f -Z -e trace=sendto,sendmsg,sendmmsg -p %d",
			       f->subjects.items[0].process.pid);
	else
		remedy_command(r, "%sss -uanp sport = :%u", enter, worst->local_port);
}

enum outcome examine_send_too_big(struct exam *x)
{
	uint64_t traced = ledger_unclaimed(x->ledger, &too_big), of;
	const struct drop *worst;
	struct finding *f;
	char who[64];

	if (!x->d->drops->sends_traced)
		return not_examined_why(x, "what becomes of sends is not told by this kernel, or was not "
					   "recorded",
					"Linux 6.3 or newer (tracepoint sock:sock_send_length)");
	if (!traced) {
		evidence_value(NULL, x, "sock_send_length", "sends that ended in EMSGSIZE", 0);
		return NOT_FOUND;
	}
	f = finding_new(x);
	worst = add_senders(x, f);
	ledger_claim(x->ledger, &too_big, traced);
	of = traced + delta_value(delta_sum(x->o, C_UDP_OUT_DATAGRAMS, C_UDP6_OUT_DATAGRAMS));
	finding_lost(f, NULL, &traced, of);
	if (traced >= threshold_count(x, THRESHOLD_LOSS_PACKETS) &&
	    (double)traced >= REFUSED_SHARE * (double)of)
		f->severity = SEVERITY_WARNING;
	if (f->subjects.n)
		finding_headline(f, "%s sends datagrams that are too large to leave",
				 owner_text(&f->subjects.items[0], who, sizeof(who)));
	else
		finding_headline(f, "datagrams from port %u are too large to leave", worst->local_port);
	finding_text(f, "The program is told at once (EMSGSIZE, \"Message too long\") and nothing leaves. "
			"They are larger than 65,507 bytes (UDP over IPv4), or larger than the MTU of "
			"the way and marked not to be cut. Programs that look for the size a path "
			"carries do this on purpose, now and then.");
	evidence_value(f, x, "sock_send_length", "sends that ended in EMSGSIZE", traced);
	finding_exclude(f, "datagrams that are cut on the way out: Ip.FragCreates +%llu",
			(unsigned long long)delta_value(delta_sum(x->o, C_IP_FRAG_CREATES, C_IP6_FRAG_CREATES)));
	remedies(x, f, worst);
	return FOUND;
}
