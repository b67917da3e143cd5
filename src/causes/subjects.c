// SPDX-License-Identifier: GPL-2.0-or-later
/* Who is hit: sockets, their owners and devices, and what they did during the interval. */
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "causes/stages.h"
#include "causes/tcp_flow.h"

#define SUBJECTS_SHOWN 16

bool tracing(const struct exam *x)
{
	return x->d->drops && !x->d->drops->err;
}

uint64_t traced_elsewhere(const struct exam *x, const struct drop_filter *f)
{
	uint64_t sum = 0;

	if (!tracing(x))
		return 0;
	vec_each(d, &x->d->drops->rows)
		if (d->netns != x->o->inode && drop_matches(d, f))
			sum += d->packets;
	return sum;
}

uint64_t traced_nowhere(struct exam *x, const struct drop_filter *f, uint64_t most)
{
	uint64_t sum = 0;

	if (!tracing(x))
		return 0;
	vec_each(d, &x->d->drops->rows)
		if (!d->netns && drop_matches(d, f))
			sum += d->packets;
	sum = MIN(sum, most);
	x->ledger->elsewhere -= MIN(x->ledger->elsewhere, sum);
	x->ledger->unplaced += sum;
	return sum;
}

/* They are asked for while a buffer is full, which it may not be at the end. */
static void copy_locks(const struct snapshot *from, struct socket *sk)
{
	const struct socket *known = sk->locks_known ? NULL : snapshot_socket(from, sk->cookie);

	if (known && known->locks_known) {
		sk->locks_known = true;
		sk->rcvbuf_locked = known->rcvbuf_locked;
		sk->sndbuf_locked = known->sndbuf_locked;
	}
}

void subject_socket(const struct exam *x, struct subject *s, const struct socket *sk)
{
	const struct process *owner = snapshot_owner(&x->o->b, sk->inode);

	s->has_socket = true;
	s->socket = *sk;
	copy_locks(&x->o->b, &s->socket);
	for (size_t i = x->o->looks.n; i-- > 0;)
		copy_locks(&x->o->looks.items[i], &s->socket);
	for (size_t i = x->o->looks.n; !owner && i-- > 0;)
		owner = snapshot_owner(&x->o->looks.items[i], sk->inode);
	if (owner) {
		s->has_process = true;
		s->process = *owner;
	}
}

const struct subject *first_of(const struct finding *f)
{
	return &f->subjects.items[0];
}

const char *place(const struct finding *f, char *to, size_t size)
{
	return first_of(f)->has_socket ? socket_text(&first_of(f)->socket, to, size) : "its socket";
}

const char *owner_text(const struct subject *s, char *to, size_t size)
{
	if (s->has_process)
		snprintf(to, size, "%s (%d)", s->process.comm, s->process.pid);
	else
		snprintf(to, size, "an unknown process");
	return to;
}

static struct subject *device_subject(struct finding *f, const char *name)
{
	struct subject *s;

	vec_each(known, &f->subjects)
		if (strcmp(known->device, name) == 0)
			return known;
	s = finding_subject(f);
	memcpy(s->device, name, sizeof(s->device));
	return s;
}

void subject_devices(struct exam *x, struct finding *f, const struct drop_filter *filter)
{
	vec_each(line, &x->ledger->lines) {
		const struct link *link = snapshot_link(&x->o->b, line->drop->ifindex);
		struct subject *s;

		if (!link || line->benign || !drop_matches(line->drop, filter))
			continue;
		s = device_subject(f, link->name);
		s->has_lost = true;
		s->lost += line->drop->packets;
		s->traced += line->drop->packets;
	}
}

uint64_t next_power_of_two(uint64_t n)
{
	uint64_t p = 1;

	while (p < n && p < (uint64_t)1 << 62)
		p <<= 1;
	return p;
}

bool is_listener(const struct socket *sk)
{
	return sk->protocol == IPPROTO_TCP && sk->state == STATE_LISTEN;
}

bool flow_of_connection(const struct drop_flow *flow, const struct socket *sk)
{
	size_t size = flow->family == AF_INET ? 4 : 16;
	bool mapped = sk->family == AF_INET6 && flow->family == AF_INET;
	size_t at = mapped ? 12 : 0;
	bool out = flow->source_port == sk->local_port &&
		   flow->destination_port == sk->remote_port &&
		   !memcmp(flow->destination, sk->remote + at, size);
	bool in = flow->destination_port == sk->local_port &&
		  flow->source_port == sk->remote_port &&
		  !memcmp(flow->source, sk->remote + at, size);

	return (sk->family == flow->family || mapped) && (out || in);
}

bool flow_matches(const struct drop_flow *flow, const struct drop_filter *filter)
{
	struct drop as_drop = {.protocol = flow->protocol, .ifindex = flow->ifindex};

	memcpy(as_drop.reason, flow->reason, sizeof(as_drop.reason));
	memcpy(as_drop.symbol, flow->symbol, sizeof(as_drop.symbol));
	return drop_matches(&as_drop, filter);
}

struct ports_meant ports_meant(const struct exam *x, const struct drop_filter *filter)
{
	struct {
		const struct drop_flow *flow;
		uint64_t packets;
	} ports[PORTS_MAX] = {0};
	struct ports_meant meant = {0};
	unsigned int n = 0, best = 0;

	if (!tracing(x))
		return meant;
	ledger_each_flow(flow, x->ledger) {
		unsigned int i = 0;

		if (!flow_matches(flow, filter))
			continue;
		while (i < n && ports[i].flow->destination_port != flow->destination_port)
			i++;
		meant.all += flow->packets;
		if (i == ARRAY_SIZE(ports))
			continue;
		n += i == n;
		ports[i].flow = ports[i].flow ? ports[i].flow : flow;
		ports[i].packets += flow->packets;
		best = ports[i].packets > ports[best].packets ? i : best;
	}
	meant.most = n ? ports[best].flow : NULL;
	meant.packets = n ? ports[best].packets : 0;
	meant.others = n ? n - 1 : 0;
	return meant;
}

static struct subject *socket_subject(const struct exam *x, struct finding *f,
				      const struct socket *sk)
{
	struct subject *s;

	vec_each(known, &f->subjects)
		if (known->has_socket && known->socket.cookie == sk->cookie)
			return known;
	if (f->subjects.n == SUBJECTS_SHOWN)
		return NULL;
	s = finding_subject(f);
	subject_socket(x, s, sk);
	return s;
}

static bool takes_from_all(const struct socket *sk)
{
	return is_listener(sk) || (sk->protocol == IPPROTO_UDP && !sk->remote_port);
}

/* The connection a flow belongs to; once that is gone, the listener it was made by. */
static const struct socket *socket_of_flow(const struct snapshot *s, const struct drop_flow *flow)
{
	const struct socket *listener = NULL;

	vec_each(sk, &s->sockets) {
		if (sk->protocol != flow->protocol)
			continue;
		if (flow_of_connection(flow, sk))
			return sk;
		if (!listener && takes_from_all(sk) && sk->local_port == flow->destination_port)
			listener = sk;
	}
	return listener;
}

/* A socket gets its cookie when somebody first asks for it: before that the flows must tell. */
static void flow_subjects(struct exam *x, struct finding *f, const struct drop_filter *filter)
{
	size_t by_cookie = f->subjects.n;

	ledger_each_flow(flow, x->ledger) {
		const struct socket *sk;
		struct subject *s;

		if (!flow_matches(flow, filter))
			continue;
		sk = socket_of_flow(&x->o->b, flow);
		s = sk ? socket_subject(x, f, sk) : NULL;
		if (!s || (size_t)(s - f->subjects.items) < by_cookie)
			continue;
		s->has_lost = true;
		s->lost += flow->packets;
		s->traced += flow->packets;
	}
}

void subject_connections(struct exam *x, struct finding *f, const struct drop_filter *filter)
{
	if (!tracing(x))
		return;
	vec_each(line, &x->ledger->lines) {
		const struct socket *sk = NULL;
		struct subject *s;

		if (line->benign || !line->drop->cookie || !drop_matches(line->drop, filter))
			continue;
		sk = snapshot_socket(&x->o->b, line->drop->cookie);
		s = sk ? socket_subject(x, f, sk) : NULL;
		if (!s)
			continue;
		s->has_lost = true;
		s->lost += line->drop->packets;
		s->traced += line->drop->packets;
	}
	if (!x->d->drops->flows_sampled)
		flow_subjects(x, f, filter);
}

/* The socket in one sample. Looks leave idle sockets out: absent there means empty. */
static struct socket socket_at(const struct snapshot *s, const struct socket *sk)
{
	const struct socket *known = snapshot_socket(s, sk->cookie);
	struct socket idle = *sk;

	if (known)
		return *known;
	idle.rmem = idle.wmem = idle.rqueue = idle.drops = 0;
	return idle;
}

static bool half_full(const struct socket *sk)
{
	return sk->rcvbuf && sk->rmem >= sk->rcvbuf / 2;
}

/*
 * A buffer that overflows in bursts is empty between them; one whose reader is too slow is found
 * full at every look from which loss goes on. Samples before the first loss say nothing (traffic
 * may not have begun), nor does the one after the last (traffic may have ended long before).
 */
void watch_socket(const struct observation *o, const struct socket *sk, struct socket_watch *ret)
{
	struct socket before = socket_at(&o->a, sk);
	struct socket_watch w = {0};
	bool lost_before = false;
	int64_t before_ns = o->a.taken_ns, run_ns = 0;
	uint64_t run_lost = 0;

	for (size_t i = 0; i <= o->looks.n; i++) {
		const struct snapshot *s = i < o->looks.n ? &o->looks.items[i] : &o->b;
		struct socket now;
		bool lost;

		if (!source_ok(s, SRC_SOCKETS))
			continue;
		now = socket_at(s, sk);
		lost = now.drops > before.drops;
		w.losing_steps += lost;
		/* Lost before the sample `before` and after it: that one was taken amid the loss.
		 */
		if (lost && lost_before) {
			w.amid++;
			w.amid_full += half_full(&before);
		}
		run_lost = (half_full(&before) ? run_lost : 0) + (lost ? now.drops - before.drops : 0);
		run_ns = (half_full(&before) ? run_ns : 0) + s->taken_ns - before_ns;
		if (run_lost > w.worst_lost) {
			w.worst_lost = run_lost;
			w.worst_ns = run_ns;
		}
		before_ns = s->taken_ns;
		if (lost)
			w.full_at_last = half_full(&now);
		else if (lost_before)
			w.full_after = half_full(&now);
		lost_before = lost;
		w.at_limit += now.rqueue > now.wqueue;
		w.peak_rmem = MAX(w.peak_rmem, now.rmem);
		w.peak_wmem = MAX(w.peak_wmem, now.wmem);
		w.peak_rqueue = MAX(w.peak_rqueue, now.rqueue);
		before = now;
	}
	*ret = w;
}

bool never_empty(const struct socket_watch *w)
{
	if (w->amid > 1)
		return w->amid_full == w->amid;
	/* One look alone may have met a burst that waits for its reader. */
	if (w->amid)
		return w->amid_full && w->full_at_last;
	/* One short loss: only a buffer that stays full after it tells of its reader. */
	return w->losing_steps == 1 && w->full_at_last && w->full_after;
}

void watch_process(const struct observation *o, int pid, struct process_watch *ret)
{
	struct process_watch w = {0};

	for (size_t i = 0; i <= o->looks.n; i++) {
		const struct snapshot *s = i < o->looks.n ? &o->looks.items[i] : &o->b;
		const struct process *p = snapshot_process(s, pid);

		if (!p)
			continue;
		w.seen++;
		w.stopped += p->state == 'T' || p->state == 't';
		w.frozen += p->frozen;
		w.first = w.first ? w.first : p;
		w.last = p;
	}
	*ret = w;
}

static bool is_stopped(const struct process *p)
{
	return p->state == 'T' || p->state == 't';
}

/* The quota that was used up most often meanwhile; one that is new is not known to have been. */
static void add_limits(const struct process *before, const struct process *now,
		       struct cpu_limit *sums)
{
	for (size_t i = 0; i < now->limits_n && strcmp(before->cgroup, now->cgroup) == 0; i++) {
		const struct cpu_limit *l = &now->limits[i];

		for (size_t k = 0; k < before->limits_n; k++) {
			const struct cpu_limit *was = &before->limits[k];

			if (was->path_n != l->path_n)
				continue;
			sums[i].path_n = l->path_n;
			sums[i].quota_us = l->quota_us;
			sums[i].period_us = l->period_us;
			sums[i].nr_periods +=
				delta_value(change_of(was->nr_periods, l->nr_periods, 64));
			sums[i].nr_throttled +=
				delta_value(change_of(was->nr_throttled, l->nr_throttled, 64));
			sums[i].throttled_ns +=
				delta_value(change_of(was->throttled_ns, l->throttled_ns, 64));
		}
	}
}

static void see_end(const struct process *p, const struct socket *sk, struct reader_watch *w)
{
	if (!p)
		return;
	w->ends++;
	w->stopped += is_stopped(p);
	w->frozen += p->frozen;
	w->dawdled += p->state == 'S' && sk->rcvbuf && sk->rmem > sk->rcvbuf / 2;
	w->blocked += p->state == 'D';
	w->cpu = w->ends == 1 || w->cpu == p->cpu ? p->cpu : -1;
}

/*
 * Steps with loss in a row. The kernel adds up run delay when a wait is over (kernel/sched/stats.h
 * sched_info_arrive): all of it counts then, however long ago it began, and nothing does as long as
 * the wait lasts. So delays are summed over the whole row, and no more than its length; a process
 * that is ready at both ends of its last steps and did not run in them waited all that time.
 */
struct losing_row {
	uint64_t length_ns, delay_ns, tail_ns;
};

static void row_add(struct losing_row *row, const struct process *p, const struct process *q,
		    uint64_t step_ns)
{
	uint64_t delay = q->run_delay_ns - p->run_delay_ns;
	bool waits = !delay && p->state == 'R' && q->state == 'R' && p->utime == q->utime &&
		     p->stime == q->stime;

	row->length_ns += step_ns;
	row->delay_ns += delay;
	row->tail_ns = waits ? row->tail_ns + step_ns : 0;
}

static uint64_t row_end(struct losing_row *row)
{
	uint64_t waited = MIN(row->delay_ns + row->tail_ns, row->length_ns);

	*row = (struct losing_row){0};
	return waited;
}

static void most_throttled(const struct cpu_limit *sums, struct cpu_limit *ret)
{
	for (size_t i = 0; i < CPU_LIMITS_MAX; i++)
		if (sums[i].nr_throttled > ret->nr_throttled)
			*ret = sums[i];
}

void watch_quota(const struct observation *o, int pid, struct cpu_limit *ret)
{
	struct cpu_limit sums[CPU_LIMITS_MAX] = {0};
	const struct process *before = snapshot_process(&o->a, pid);

	for (size_t i = 0; i <= o->looks.n; i++) {
		const struct snapshot *at = i < o->looks.n ? &o->looks.items[i] : &o->b;
		const struct process *now = snapshot_process(at, pid);

		if (before && now)
			add_limits(before, now, sums);
		before = now ? now : before;
	}
	*ret = (struct cpu_limit){0};
	most_throttled(sums, ret);
}

/*
 * The owner is looked up only once a socket is in trouble, so how the first step began is often
 * unknown. For quotas the step after counts too: a group stopped when the loss began still is.
 */
void watch_reader(const struct observation *o, const struct socket *sk, int pid,
		  struct reader_watch *ret)
{
	struct cpu_limit sums[CPU_LIMITS_MAX] = {0};
	const struct snapshot *before = &o->a;
	struct reader_watch w = {.cpu = -1};
	struct losing_row row = {0};
	bool lost_before = false;

	for (size_t i = 0; i <= o->looks.n; i++) {
		const struct snapshot *now = i < o->looks.n ? &o->looks.items[i] : &o->b;
		const struct process *p = snapshot_process(before, pid),
				     *q = snapshot_process(now, pid);
		struct socket was, is;
		bool lost;

		if (!source_ok(now, SRC_SOCKETS))
			continue;
		was = socket_at(before, sk);
		is = socket_at(now, sk);
		lost = is.drops > was.drops;
		if (lost) {
			w.losing_ns += now->taken_ns - before->taken_ns;
			if (!lost_before)
				see_end(p, &was, &w);
			see_end(q, &is, &w);
		}
		if (lost && p && q) {
			w.known_ns += now->taken_ns - before->taken_ns;
			w.ticks += q->utime + q->stime - p->utime - p->stime;
			w.major_faults += q->major_faults - p->major_faults;
			row_add(&row, p, q, (uint64_t)(now->taken_ns - before->taken_ns));
		} else {
			w.run_delay_ns += row_end(&row);
		}
		if ((lost || lost_before) && p && q)
			add_limits(p, q, sums);
		lost_before = lost;
		before = now;
	}
	w.run_delay_ns += row_end(&row);
	most_throttled(sums, &w.limit);
	*ret = w;
}

/* Half of the ends: one that was stopped or let go amid the loss has one end of each kind. */
static bool found_stopped(const struct reader_watch *w)
{
	return w->ends && MAX(w->stopped, w->frozen) * 2 >= w->ends;
}

static bool is_stopped_at_end(const struct observation *o, int pid)
{
	const struct process *p = snapshot_process(&o->b, pid);

	return p && (is_stopped(p) || p->frozen);
}

static const struct process *last_seen(const struct observation *o, int pid)
{
	struct process_watch w;

	watch_process(o, pid, &w);
	return w.last;
}

static bool is_master(const struct observation *o, const int *pids, size_t n, int pid)
{
	for (size_t i = 0; i < n; i++) {
		const struct process *p = last_seen(o, pids[i]);

		if (p && p->ppid == pid)
			return true;
	}
	return pid == 1;
}

void count_readers(const struct exam *x, const struct subject *s, struct readers *ret)
{
	int pids[16];
	size_t n = 0;

	*ret = (struct readers){0};
	for (size_t i = 0; i <= x->o->looks.n; i++) {
		const struct snapshot *at = i < x->o->looks.n ? &x->o->looks.items[i] : &x->o->b;

		vec_each(owner, &at->owners) {
			bool known = owner->inode != s->socket.inode;

			for (size_t k = 0; k < n; k++)
				known |= pids[k] == owner->pid;
			if (!known && n < ARRAY_SIZE(pids))
				pids[n++] = owner->pid;
		}
	}
	for (size_t i = 0; i < n; i++) {
		struct reader_watch w;

		/* A master beside its workers does not read, nor does who keeps a socket for them.
		 */
		if (n > 1 && is_master(x->o, pids, n, pids[i]))
			continue;
		watch_reader(x->o, &s->socket, pids[i], &w);
		ret->n++;
		/* A connection that nobody reads loses nothing: what counts is that it is so now. */
		if (is_connection(&s->socket) ? !is_stopped_at_end(x->o, pids[i]) : !found_stopped(&w)) {
			ret->running_pid = ret->running_pid ? ret->running_pid : pids[i];
			continue;
		}
		ret->stopped++;
		ret->stopped_pid = pids[i];
	}
}
