// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage socket: datagrams between programs of this host (AF_UNIX). A full queue loses nothing in the
 * kernel: a sender that may wait is held up, one that may not gets EAGAIN, and what it does with its
 * message then is its own affair (syslog() and most clients of statsd forget it).
 */
#include "causes/enter.h"
#include "causes/stages.h"

#define SUBJECTS_SHOWN 8
#define LENGTH_WANTED 512 /* causes.md 157; systemd sets it too */

static bool was_full(const struct snapshot *s, uint32_t inode)
{
	vec_each(q, &s->unix_full)
		if (q->inode == inode)
			return true;
	return false;
}

static bool is_stopped(const struct process *p)
{
	return p->frozen || p->state == 'T' || p->state == 't';
}

static void add_queue(const struct exam *x, struct finding *f, const struct unix_queue *q)
{
	const struct process *owner = snapshot_owner(&x->o->b, q->inode);
	struct subject *s = finding_subject(f);

	s->address = xstrdup(q->name);
	if (!owner)
		return;
	s->has_process = true;
	s->process = *owner;
}

static void add_remedies(struct exam *x, struct finding *f, bool lasting)
{
	const struct subject *s = first_of(f);
	bool stopped = s->has_process && is_stopped(&s->process);
	int64_t length = 0;
	struct remedy *r;

	r = finding_remedy(f, "let-it-read", REMEDY_APPLICATION,
			   stopped ? "let process %d run again" : "find what keeps the reader (%d) from reading",
			   s->has_process ? s->process.pid : 0);
	if (stopped)
		remedy_why(r, "it is stopped, so nobody reads");
	else if (lasting)
		remedy_why(r, "the queue was full at both ends of the sample: a longer one would only "
			      "take longer to fill");
	if (s->has_process)
		remedy_command(r, stopped ? "kill -CONT %d" : "head /proc/%d/task/*/wchan", s->process.pid);
	if (lasting || stopped || !sysctl_get(&x->o->b, K_UNIX_MAX_DGRAM_QLEN, &length) ||
	    length >= LENGTH_WANTED)
		return;
	r = finding_remedy(f, "raise-max-dgram-qlen", REMEDY_SYSCTL,
			   "a longer queue: net.unix.max_dgram_qlen %lld -> %d", (long long)length,
			   LENGTH_WANTED);
	remedy_why(r, "it was full at one look: %lld datagrams ride out no burst", (long long)length);
	remedy_cost(r, "kernel memory for what waits, charged to the senders");
	remedy_risk(r, "a socket keeps the length it was made with: start its program again");
	remedy_sysctl_here(x, r, "net.unix.max_dgram_qlen", length, LENGTH_WANTED);
}

enum outcome examine_unix_dgram(struct exam *x)
{
	const struct unix_queue *worst = NULL;
	bool lasting = false;
	struct finding *f;
	char who[64];

	vec_each(q, &x->o->b.unix_full) {
		bool both = was_full(&x->o->a, q->inode);

		if (!worst || (both && !lasting))
			worst = q;
		lasting |= both;
	}
	if (!worst) {
		evidence_value(NULL, x, "/proc/net/unix", "datagram sockets asked", x->o->b.unix_asked);
		evidence_text(NULL, x, "none of them is full now");
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->severity = lasting ? SEVERITY_WARNING : SEVERITY_INFO;
	f->confidence = lasting ? CERTAIN : LIKELY;
	add_queue(x, f, worst);
	vec_each(q, &x->o->b.unix_full)
		if (q != worst && f->subjects.n < SUBJECTS_SHOWN)
			add_queue(x, f, q);
	finding_headline(f, "the queue of %s is full: %s does not keep up", worst->name,
			 owner_text(first_of(f), who, sizeof(who)));
	finding_text(f, "Programs of this host send datagrams there (AF_UNIX). Now a sender that may wait "
			"is held up, and one that may not gets EAGAIN and mostly forgets its message. "
			"No counter tells how many.");
	evidence_text(f, x, lasting ? "%s was full at the beginning and at the end of the sample"
				    : "%s was full at the end of the sample",
		      worst->name);
	evidence_value(f, x, "/proc/net/unix", "full queues", x->o->b.unix_full.n);
	if (first_of(f)->has_process)
		evidence_text(f, x, "its reader is in state %c", first_of(f)->process.state);
	finding_exclude(f, "lost packets: these never were on a network");
	add_remedies(x, f, lasting);
	return FOUND;
}
