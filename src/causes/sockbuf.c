// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Full buffers. SO_RCVBUF and SO_SNDBUF store twice what is asked for, at most twice rmem_max or
 * wmem_max, and nobody is told when that cuts (net/core/sock.c __sock_set_rcvbuf). They also lock
 * the size: TCP then tunes it no more. A socket that was not asked for anything keeps what the
 * default was when it was made.
 */
#include "causes/sockbuf.h"

#include <netinet/in.h>
#include <stdio.h>

#define LARGEST ((int64_t)32 << 20)
#define PAGE ((int64_t)4096) /* the least there is: a bound that is too low does no harm */
#define ALLOCATION 426 /* beside the payload: headers, room in front, struct skb_shared_info */
#define SK_BUFF 256

static int64_t sysctl_or(const struct exam *x, enum sysctl_id id, unsigned int at)
{
	const struct sysctl_value *v = &x->o->b.sysctl[id];

	return source_ok(&x->o->b, SRC_SYSCTL) && v->n > at ? v->v[at] : -1;
}

static enum buffer_origin origin_of(const struct buffer *b, bool known, bool locked)
{
	bool at_limit = b->limit > 0 && b->size == 2 * b->limit;

	if (known && locked)
		return at_limit ? BUFFER_CLAMPED : BUFFER_SET;
	if (b->tcp)
		return !known || b->standard < 0 ? BUFFER_UNKNOWN
		       : b->size >= b->standard	 ? BUFFER_AT_MAX
						 : BUFFER_TUNED;
	if (b->standard > 0 && b->size == b->standard)
		return BUFFER_DEFAULT;
	return known && b->standard > 0 ? BUFFER_OLDER : BUFFER_UNKNOWN;
}

void buffer_of(const struct exam *x, const struct socket *sk, bool receive, struct buffer *ret)
{
	bool tcp = sk->protocol == IPPROTO_TCP;
	struct buffer b = {
		.receive = receive,
		.tcp = tcp,
		.certain = sk->locks_known,
		.size = receive ? sk->rcvbuf : sk->sndbuf,
		.limit = sysctl_or(x, receive ? K_RMEM_MAX : K_WMEM_MAX, 0),
		.standard = tcp ? sysctl_or(x, receive ? K_TCP_RMEM : K_TCP_WMEM, 2)
				: sysctl_or(x, receive ? K_RMEM_DEFAULT : K_WMEM_DEFAULT, 0),
	};

	b.origin = origin_of(&b, sk->locks_known, receive ? sk->rcvbuf_locked : sk->sndbuf_locked);
	*ret = b;
}

static const char *max_name(const struct buffer *b)
{
	return b->receive ? "net.core.rmem_max" : "net.core.wmem_max";
}

static const char *standard_name(const struct buffer *b)
{
	if (b->tcp)
		return b->receive ? "net.ipv4.tcp_rmem" : "net.ipv4.tcp_wmem";
	return b->receive ? "net.core.rmem_default" : "net.core.wmem_default";
}

static const char *option_name(const struct buffer *b)
{
	return b->receive ? "SO_RCVBUF" : "SO_SNDBUF";
}

const char *buffer_text(const struct exam *x, const struct buffer *b, char *to, size_t size)
{
	long long n = b->size;

	switch (b->origin) {
	case BUFFER_DEFAULT:
		snprintf(to, size, "%lld bytes, the default (%s)%s", n, standard_name(b),
			 b->certain ? "" : "; whether the program asked for just that is not known");
		break;
	case BUFFER_OLDER:
		snprintf(to, size,
			 "%lld bytes: the program set nothing, and new sockets get %lld (%s): this "
			 "one was made before that was changed",
			 n, (long long)b->standard, standard_name(b));
		break;
	case BUFFER_SET:
		snprintf(to, size, "%lld bytes, set by the program (%s of %lld%s)", n,
			 option_name(b), n / 2, b->tcp ? "; TCP no longer tunes it" : "");
		break;
	case BUFFER_CLAMPED:
		snprintf(to, size, "%lld bytes, set by the program (%s) and no more than %s (%lld) allows",
			 n, option_name(b), max_name(b), (long long)b->limit);
		break;
	case BUFFER_TUNED:
		snprintf(to, size, "%lld bytes, tuned by TCP (up to %lld, %s)", n,
			 (long long)b->standard, standard_name(b));
		break;
	case BUFFER_AT_MAX:
		snprintf(to, size, "%lld bytes, as far as TCP may tune it (%lld, %s)", n,
			 (long long)b->standard, standard_name(b));
		break;
	case BUFFER_UNKNOWN:
		if (b->certain)
			snprintf(to, size, "%lld bytes; %s could not be read", n, standard_name(b));
		else
			snprintf(to, size,
				 "%lld bytes; who set them is not known (%s: reading SO_BUF_LOCK of "
				 "another's socket takes CAP_SYS_PTRACE and Linux 5.14)",
				 n, x->o->b.buffer_locks_err ? "refused" : "not asked");
		break;
	}
	return to;
}

bool buffer_is_lowered(const struct buffer *b)
{
	return b->origin == BUFFER_SET && b->certain && b->standard > 0 && b->size < b->standard;
}

/* ---- how large ---- */

static uint64_t sockets_with_default(const struct exam *x)
{
	uint64_t n = 0;

	vec_each (sk, &x->o->b.sockets)
		n += sk->protocol == IPPROTO_UDP;
	return MAX(n, (uint64_t)1);
}

/* As much as udp_mem leaves room for before it presses, if every one of them were full. */
static int64_t room(const struct exam *x, const struct buffer *b)
{
	int64_t pages = sysctl_or(x, b->tcp ? K_TCP_MEM : K_UDP_MEM, 1);
	uint64_t sockets = b->origin == BUFFER_DEFAULT || b->origin == BUFFER_OLDER
				   ? sockets_with_default(x)
				   : 1;

	if (pages <= 0)
		return LARGEST;
	return MIN(LARGEST, pages * PAGE / (int64_t)sockets);
}

/*
 * Memory that a datagram takes: what kmalloc rounds it up to, and its sk_buff (500 bytes of payload
 * were 1280, 1000 were 2304). Drivers that receive into pages take half as much again.
 */
static uint64_t truesize_of(uint64_t payload)
{
	uint64_t linear = payload + ALLOCATION <= 4096
				  ? next_power_of_two(payload + ALLOCATION) + SK_BUFF
				  : 0;

	return MAX(payload * 3 / 2, linear);
}

static uint64_t mean_size(const struct exam *x, const struct socket *sk)
{
	static const char *const reasons[] = {"SOCKET_RCVBUFF", NULL};
	struct drop_filter f = {.reasons = reasons, .protocol = IPPROTO_UDP};
	uint64_t packets = 0, bytes = 0;

	vec_each(line, &x->ledger->lines) {
		const struct drop *d = line->drop;

		if (!drop_matches(d, &f) || d->local_port != sk->local_port)
			continue;
		packets += d->packets;
		bytes += d->bytes;
	}
	return packets ? bytes / packets : 0;
}

int64_t rcvbuf_wanted(struct exam *x, const struct subject *s, char *reason, size_t size)
{
	uint64_t payload = mean_size(x, &s->socket), more;
	struct socket_watch w;

	watch_socket(x->o, &s->socket, &w);
	if (!payload || !w.worst_lost || !w.worst_ns || x->o->since_boot) {
		snprintf(reason, size, "twice as much as now; how much came at once is not known");
		return (int64_t)s->socket.rcvbuf * 2;
	}
	more = w.worst_lost * truesize_of(payload);
	snprintf(reason, size,
		 "in the worst %.1f s %llu datagrams of %llu bytes found no room, and each takes %llu",
		 (double)w.worst_ns / (double)NSEC_PER_SEC, (unsigned long long)w.worst_lost,
		 (unsigned long long)payload, (unsigned long long)truesize_of(payload));
	return (int64_t)next_power_of_two(s->socket.rcvbuf + more);
}

/* ---- what to do ---- */

/* These sysctls are the host's, and in a namespace of its own they cannot be written. */
static const char *on_the_host(const struct exam *x)
{
	return strcmp(x->o->name, "host") == 0 ? "" : "on the host: ";
}

static void raise_default(struct exam *x, struct finding *f, const struct buffer *b, int64_t want,
			  const char *why)
{
	const char *key = standard_name(b);
	struct remedy *r;

	if (want <= b->standard)
		return;
	r = finding_remedy(f, b->receive ? "raise-rmem-default" : "raise-wmem-default",
			   REMEDY_SYSCTL,
			   "%sa larger default: %s %lld -> %lld, then restart the program",
			   on_the_host(x), strrchr(key, '.') + 1, (long long)b->standard,
			   (long long)want);
	remedy_why(r, "%s", why);
	remedy_cost(r, b->receive ? "every new socket of the host may use that much; bounded by udp_mem"
				  : "more data waits in queues: delay");
	remedy_risk(r, "none for sockets that exist; it does nothing for programs that set %s",
		    option_name(b));
	remedy_sysctl(r, key, b->standard, want);
	r->applicable = b->certain;
}

static void restart(struct finding *f, const struct buffer *b)
{
	struct remedy *r = finding_remedy(f, "restart-program", REMEDY_APPLICATION,
					  "restart the program: a new socket gets %lld bytes",
					  (long long)b->standard);

	remedy_why(r, "a socket keeps the default of the time it was made");
}

static void raise_limit(struct exam *x, struct finding *f, const struct buffer *b, int64_t want)
{
	const char *key = max_name(b);
	int64_t to = (want + 1) / 2; /* twice as much is stored */
	struct remedy *r;

	if (b->limit < 0 || to <= b->limit)
		return;
	r = finding_remedy(f, b->receive ? "raise-rmem-max" : "raise-wmem-max", REMEDY_SYSCTL,
			   "%sraise %s %lld -> %lld, then restart the program", on_the_host(x),
			   strrchr(key, '.') + 1, (long long)b->limit, (long long)to);
	if (b->origin == BUFFER_CLAMPED)
		remedy_why(r, "the program asks for as much or more and is given %lld; nobody tells it",
			   (long long)b->limit);
	else
		remedy_why(r, "the program may not ask for more than %lld", (long long)b->limit);
	remedy_cost(r, "a program may hold that much memory in each of its sockets");
	remedy_risk(r, "none for sockets that exist");
	remedy_sysctl(r, key, b->limit, to);
	/* For a program that asks for less it changes nothing by itself. */
	r->applicable = b->origin == BUFFER_CLAMPED && b->certain;
}

static void set_in_program(struct finding *f, const struct buffer *b, int64_t want, const char *why)
{
	struct remedy *r = finding_remedy(
		f, b->receive ? "raise-so-rcvbuf" : "raise-so-sndbuf", REMEDY_SOCKET,
		"%s of %lld or more in the program (now %lld stored)", option_name(b),
		(long long)(want + 1) / 2, (long long)b->size);

	remedy_why(r, "%s", why);
}

static void take_out(struct finding *f, const struct buffer *b)
{
	struct remedy *r = finding_remedy(
		f, b->receive ? "drop-so-rcvbuf" : "drop-so-sndbuf", REMEDY_SOCKET,
		"take %s out of the program or its configuration: %s %lld bytes", option_name(b),
		b->tcp ? "TCP then tunes the buffer, up to" : "a new socket then gets",
		(long long)b->standard);

	remedy_why(r, "its own setting is smaller than what the system gives");
}

void buffer_remedies(struct exam *x, struct finding *f, const struct buffer *b, int64_t want)
{
	bool smaller = b->standard > b->size;

	want = MIN(want, room(x, b));
	/* A cut buffer of TCP's may still be less than what TCP would have tuned it to. */
	if (buffer_is_lowered(b) || (b->tcp && b->origin == BUFFER_CLAMPED && smaller))
		take_out(f, b);
	if (b->origin == BUFFER_OLDER && smaller)
		restart(f, b);
	/* What TCP tunes itself is for tcp_rmem and tcp_wmem: the causes of TCP tell. */
	if (want <= b->size || (b->tcp && b->origin != BUFFER_SET && b->origin != BUFFER_CLAMPED))
		return;
	switch (b->origin) {
	case BUFFER_DEFAULT:
		raise_default(x, f, b, want,
			      b->certain ? "the socket has the default: the program never set its own"
					 : "the socket is as large as the default; that helps only if the "
					   "program does not set it itself");
		break;
	case BUFFER_OLDER:
		/* `want` is rounded up to as much as twice what is needed: a restart may do. */
		if (want > 2 * b->standard)
			raise_default(x, f, b, want, "the program never set its own");
		break;
	case BUFFER_SET:
		if (b->tcp && smaller)
			break;
		set_in_program(f, b, want, "the program set its own buffer: the default means nothing to it");
		raise_limit(x, f, b, want);
		break;
	case BUFFER_CLAMPED:
		raise_limit(x, f, b, want);
		break;
	default:
		set_in_program(f, b, want, "who set the buffer is not known; this works in any case");
		raise_limit(x, f, b, want);
		break;
	}
}
