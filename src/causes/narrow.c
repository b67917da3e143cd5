// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "causes/narrow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/parse.h"
#include "causes/cause.h"

/* Flows that hold so much of a loss tell all of it. */
#define TOLD_SHARE 0.98

void narrow_done(struct narrow *n)
{
	vec_done(&n->inodes);
}

int narrow_parse_peer(struct narrow *n, const char *text)
{
	const char *slash = strchr(text, '/');
	uint8_t family = strchr(text, ':') ? AF_INET6 : AF_INET, address[16] = {0};
	uint64_t most = family == AF_INET6 ? 128 : 32, prefix = most;
	char copy[INET6_ADDRSTRLEN];

	if ((slash ? (size_t)(slash - text) : strlen(text)) >= sizeof(copy))
		return -EINVAL;
	span_copy((struct span){text, slash ? (size_t)(slash - text) : strlen(text)}, copy,
		  sizeof(copy));
	if (inet_pton(family, copy, address) != 1 ||
	    (slash && parse_u64(span_of(slash + 1), most, &prefix) < 0))
		return -EINVAL;
	n->family = family;
	n->prefix = (uint8_t)prefix;
	memcpy(n->peer, address, sizeof(address));
	return 0;
}

void narrow_words(const struct narrow *n, struct buf *ret)
{
	char text[INET6_ADDRSTRLEN] = "";
	size_t before = ret->len;

	if (n->pid)
		buf_printf(ret, "process %d", n->pid);
	if (n->port)
		buf_printf(ret, "%sport %u", ret->len > before ? " and " : "", n->port);
	if (n->family) {
		inet_ntop(n->family, n->peer, text, sizeof(text));
		buf_printf(ret, "%speer %s", ret->len > before ? " and " : "", text);
		if (n->prefix < (n->family == AF_INET6 ? 128 : 32))
			buf_printf(ret, "/%u", n->prefix);
	}
	if (n->device[0])
		buf_printf(ret, "%sdevice %s", ret->len > before ? " and " : "", n->device);
}

/* ---- what fits ---- */

static bool is_peer(const struct narrow *n, uint8_t family, const uint8_t *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	unsigned int whole = n->prefix / 8, rest = n->prefix % 8;

	/* An IPv6 socket has IPv4 peers, too. */
	if (n->family == AF_INET && family == AF_INET6 && memcmp(address, mapped, 12) == 0)
		address += 12;
	else if (family != n->family)
		return false;
	return memcmp(address, n->peer, whole) == 0 &&
	       (!rest || (address[whole] ^ n->peer[whole]) >> (8 - rest) == 0);
}

static bool is_any(const uint8_t *address)
{
	static const uint8_t zero[16];

	return memcmp(address, zero, sizeof(zero)) == 0;
}

static bool holds(const struct narrow *n, const struct snapshot *s, uint32_t inode)
{
	vec_each(held, &n->inodes)
		if (*held == inode)
			return true;
	vec_each(owner, &s->owners)
		if (owner->inode == inode && inode && owner->pid == n->pid)
			return true;
	return false;
}

static enum answer both(enum answer one, bool asked, enum answer other)
{
	return asked ? MIN(one, other) : one;
}

static enum answer yes_if(bool is)
{
	return is ? ANSWER_YES : ANSWER_NO;
}

static bool is_port_of(const struct socket *sk, const struct drop_flow *flow)
{
	return sk->protocol == flow->protocol && sk->local_port &&
	       (sk->local_port == flow->destination_port || sk->local_port == flow->source_port);
}

/* A flow is a process's if one of its sockets has either port; only bad luck makes two fit. */
static enum answer flow_of_process(const struct narrow *n, const struct observation *o,
				   const struct drop_flow *flow)
{
	bool bound = false;

	for (int end = 0; end < 2; end++) {
		const struct snapshot *s = end ? &o->b : &o->a;

		vec_each(sk, &s->sockets) {
			if (!is_port_of(sk, flow))
				continue;
			bound = true;
			if (holds(n, s, sk->inode))
				return ANSWER_YES;
		}
	}
	/* Every UDP socket is in a snapshot, of TCP those in trouble: here nobody at all has it. */
	if (flow->protocol == IPPROTO_UDP && !bound && observed(o, SRC_SOCKETS))
		return ANSWER_NO;
	return n->inodes_complete ? ANSWER_NO : ANSWER_MAYBE;
}

static enum answer flow_of_device(const struct narrow *n, const struct observation *o,
				  const struct drop_flow *flow)
{
	const struct link *link = snapshot_link(&o->b, flow->ifindex);

	return link ? yes_if(strcmp(link->name, n->device) == 0) : ANSWER_MAYBE;
}

enum answer narrow_flow(const struct narrow *n, const struct observation *o,
			const struct drop_flow *flow)
{
	enum answer is = ANSWER_YES;

	is = both(is, n->port,
		  yes_if(flow->source_port == n->port || flow->destination_port == n->port));
	is = both(is, n->family,
		  yes_if(is_peer(n, flow->family, flow->source) ||
			 is_peer(n, flow->family, flow->destination)));
	is = both(is, n->device[0], flow_of_device(n, o, flow));
	return both(is, n->pid, flow_of_process(n, o, flow));
}

static enum answer subject_of_process(const struct narrow *n, const struct observation *o,
				      const struct subject *s)
{
	if (s->has_process && s->process.pid == n->pid)
		return ANSWER_YES;
	if (!s->has_socket)
		return s->has_process ? ANSWER_NO : ANSWER_MAYBE;
	if (holds(n, &o->b, s->socket.inode))
		return ANSWER_YES;
	/* Its owner is another one, or nobody looked. */
	return s->has_process || n->inodes_complete ? ANSWER_NO : ANSWER_MAYBE;
}

static enum answer subject_of_peer(const struct narrow *n, const struct subject *s)
{
	uint8_t address[16];

	if (s->has_socket && !is_any(s->socket.remote))
		return yes_if(is_peer(n, s->socket.family, s->socket.remote));
	if (s->address && inet_pton(AF_INET, s->address, address) == 1)
		return yes_if(is_peer(n, AF_INET, address));
	if (s->address && inet_pton(AF_INET6, s->address, address) == 1)
		return yes_if(is_peer(n, AF_INET6, address));
	return ANSWER_MAYBE;
}

static enum answer subject_of_device(const struct narrow *n, const struct observation *o,
				     const struct subject *s)
{
	const struct link *link = s->has_socket ? snapshot_link(&o->b, s->socket.ifindex) : NULL;

	if (s->device[0])
		return yes_if(strcmp(s->device, n->device) == 0);
	return link ? yes_if(strcmp(link->name, n->device) == 0) : ANSWER_MAYBE;
}

static enum answer narrow_subject(const struct narrow *n, const struct observation *o,
				  const struct subject *s)
{
	enum answer is = ANSWER_YES, port = ANSWER_MAYBE;

	if (s->has_socket)
		port = yes_if(s->socket.local_port == n->port || s->socket.remote_port == n->port);
	is = both(is, n->port, port);
	is = both(is, n->family, subject_of_peer(n, s));
	is = both(is, n->device[0], subject_of_device(n, o, s));
	return both(is, n->pid, subject_of_process(n, o, s));
}

/* ---- findings ---- */

static void append(struct finding *f, const char *sentence)
{
	struct buf text = {0};

	if (f->text)
		buf_printf(&text, "%s ", f->text);
	buf_puts(&text, sentence);
	free(f->text);
	f->text = xstrdup(text.data);
	buf_done(&text);
}

/* A part of the loss is others': it leaves for a finding without words of its own. */
static void leave_part(struct diagnosis *d, struct finding *f, uint64_t lost, bool subjects)
{
	struct buf what = {0};
	uint64_t all = f->lost;

	*vec_push(&d->others) = finding_take(d, f, lost);
	/* Sockets have words and remedies of their own, a rule's packets do not. */
	if (subjects && f->cause->describe) {
		finding_describe_again(d, f);
	} else {
		narrow_words(d->narrow, &what);
		finding_headline(f, "%s, %s only", f->cause->title, what.data);
		buf_clear(&what);
		buf_puts(&what, "The evidence and the remedies are those of all. ");
	}
	buf_printf(&what, "Of the %llu %s lost to this, %llu are not meant.",
		   (unsigned long long)all, f->unit ? f->unit : "packets",
		   (unsigned long long)lost);
	append(f, what.data);
	buf_done(&what);
}

/* Takes the subjects of others out; what is known of those that stay. */
static enum answer keep_subjects(struct diagnosis *d, struct finding *f)
{
	enum answer is = f->subjects.n ? ANSWER_NO : ANSWER_MAYBE, worst = ANSWER_YES;
	uint64_t others = 0;
	bool counted = true;
	size_t kept = 0;

	vec_each(s, &f->subjects) {
		enum answer one = narrow_subject(d->narrow, f->where, s);

		is = MAX(is, one);
		worst = one == ANSWER_NO ? worst : MIN(worst, one);
		others += one == ANSWER_NO ? s->lost : 0;
		counted &= one != ANSWER_NO || s->has_lost;
	}
	if (is == ANSWER_NO)
		return ANSWER_NO;
	for (size_t i = 0; i < f->subjects.n; i++) {
		struct subject *s = &f->subjects.items[i];

		if (narrow_subject(d->narrow, f->where, s) != ANSWER_NO) {
			f->subjects.items[kept++] = *s;
			continue;
		}
		free(s->rule.text);
		free(s->sysctl);
		free(s->address);
	}
	f->subjects.n = kept;
	if (counted && others && others < f->lost)
		leave_part(d, f, others, true);
	return MIN(is, worst);
}

/* What the flows of its packets say of a finding whose subjects do not tell. */
static enum answer keep_flows(struct diagnosis *d, struct finding *f)
{
	const struct finding_flows_sum *sum = &f->flows_sum;
	/*
	 * Flows are sampled from some number of drops at one place on, anywhere on the host, and
	 * pushed out where there are too many: what tells is that their sum is that of the loss.
	 */
	bool told = f->lost && (double)(sum->meant + sum->others) >= TOLD_SHARE * (double)f->lost;

	if (!told)
		return ANSWER_MAYBE;
	if (!sum->meant)
		return ANSWER_NO;
	if (sum->others && sum->meant < f->lost)
		leave_part(d, f, f->lost - sum->meant, false);
	return ANSWER_YES;
}

static bool concerns(struct diagnosis *d, struct finding *f)
{
	enum answer is = keep_subjects(d, f);
	struct buf sentence = {0};

	if (is == ANSWER_MAYBE)
		is = keep_flows(d, f);
	/* A condition of the machine is nobody's alone. */
	if (is == ANSWER_MAYBE && f->lost) {
		buf_puts(&sentence, "It cannot be told whether this concerns ");
		narrow_words(d->narrow, &sentence);
		buf_puts(&sentence, ".");
		append(f, sentence.data);
		buf_done(&sentence);
	}
	return is != ANSWER_NO;
}

void narrow_findings(struct diagnosis *d)
{
	size_t kept = 0;

	if (!d->narrow)
		return;
	for (size_t i = 0; i < d->findings.n; i++) {
		struct finding *f = &d->findings.items[i];

		if (concerns(d, f))
			d->findings.items[kept++] = *f;
		else
			*vec_push(&d->others) = *f;
	}
	d->findings.n = kept;
}
