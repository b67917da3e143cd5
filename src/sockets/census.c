// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "sockets/census.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "collect/process.h"
#include "collect/proctext.h"
#include "nl/nl.h"
#include "sockets/sums.h"

#define RTO_MAX_US 120000000 /* TCP_RTO_MAX: what was doubled up to it cannot be halved back */
#define PROCESSES_TOLD 1024 /* whose unit and container are read: each costs several files */

void census_init(struct census *c, const struct sockets_options *o, struct sockets_report *r)
{
	*c = (struct census){.options = o, .report = r};
	c->top.max = o->each ? 0 : o->rows_max;
}

void census_done(struct census *c)
{
	holders_done(&c->holders);
	free(c->process_sums);
	vec_done(&c->top.heap);
}

void census_know_holders(struct census *c)
{
	free(c->process_sums);
	c->process_sums = xcalloc(c->holders.processes.n + 1, sizeof(*c->process_sums));
}

/* ---- sums ---- */

static bool is_tcp(const struct socket *sk)
{
	return sk->kind == SOCKET_INET && sk->protocol == IPPROTO_TCP;
}

/* With an accept queue. */
static bool listens(const struct socket *sk)
{
	return sk->state == STATE_LISTEN &&
	       (is_tcp(sk) || sk->kind == SOCKET_UNIX || sk->kind == SOCKET_MPTCP);
}

static bool waits_for_others(const struct socket *sk)
{
	return listens(sk) ||
	       (sk->kind == SOCKET_INET && sk->protocol != IPPROTO_TCP && !sk->remote_port);
}

static void add_to(struct sockets_sum *sum, const struct socket *sk, const struct socket_verdict *v)
{
	sum->sockets++;
	sum->troubled += v->troubles != 0;
	sum->worst = MAX(sum->worst, v->rank);
	sum->states[sk->state % TCP_STATES]++;
	if (listens(sk)) {
		sum->waiting += sk->rqueue;
		sum->backlog += sk->wqueue;
		return;
	}
	sum->rqueue += sk->rqueue;
	sum->wqueue += sk->wqueue;
	sum->rto_us_max = MAX(sum->rto_us_max, sk->rto_us);
	sum->rtt_us_max = MAX(sum->rtt_us_max, sk->tcp.rtt_us);
	/* Without a round trip it is the first one, of 1 s; probes of a window do not double it. */
	if (sk->tcp.rtt_us && sk->rto_us < RTO_MAX_US)
		sum->rto_base_us_max =
			MAX(sum->rto_base_us_max,
			    sk->timer == TIMER_PROBE ? sk->rto_us : sk->rto_us >> MIN(sk->backoff, 31u));
}

static void add(struct sockets_sums *table, const struct sockets_key *key, const struct socket *sk,
		const struct socket_verdict *v)
{
	struct sockets_sum *sum = sums_get(table, key);

	if (sum)
		add_to(sum, sk, v);
	else
		table->others++;
}

static struct sockets_key peer_key(const struct socket *sk)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct sockets_key key = {.family = sk->family};

	if (sk->family == AF_INET6 && memcmp(sk->remote, mapped, sizeof(mapped)) == 0) {
		key.family = AF_INET;
		memcpy(key.address, sk->remote + sizeof(mapped), 4);
	} else {
		memcpy(key.address, sk->remote, sizeof(key.address));
	}
	return key;
}

/*
 * By local port: the dump tells listeners before connections, and of IPv6 first, whose listeners
 * may take IPv4, too. A client's port that is also some listener's counts as its connection.
 */
static void add_to_listener(struct census *c, const struct socket *sk, const struct socket_verdict *v)
{
	struct sockets_sums *table = &c->report->by[BY_LISTENER];
	struct sockets_key key = {
		.id = (uint32_t)c->space, .protocol = sk->protocol, .port = sk->local_port};
	uint64_t *word = &c->waited_at[sk->protocol == IPPROTO_TCP][sk->local_port / 64];
	uint64_t bit = UINT64_C(1) << sk->local_port % 64;

	if (sk->kind != SOCKET_INET)
		return;
	if (waits_for_others(sk))
		*word |= bit;
	if (*word & bit)
		add(table, &key, sk, v);
}

/* Of one holder; a process may have several tables of descriptors, and is one all the same. */
static void add_to_process(struct census *c, const struct socket *sk,
			   const struct socket_verdict *v, uint32_t process)
{
	struct sockets_sums *table = &c->report->by[BY_PROCESS];
	const struct socket_holder *p = &c->holders.processes.items[process];
	struct sockets_key key = {.id = (uint32_t)p->pid};
	struct sockets_sum *sum;

	if (!c->process_sums[process]) {
		sum = sums_get(table, &key);
		if (!sum) {
			table->others++;
			return;
		}
		memcpy(sum->comm, p->comm, sizeof(sum->comm));
		c->process_sums[process] = (uint32_t)(sum - table->list.items) + 1;
	}
	add_to(&table->list.items[c->process_sums[process] - 1], sk, v);
}

static void add_to_processes(struct census *c, const struct socket *sk,
			     const struct socket_verdict *v, const struct holding *holding)
{
	static const struct sockets_key nobody;
	uint32_t processes[SOCKETS_HOLDERS];
	size_t n = 0;

	if (holding && holders_of(&c->holders, holding, processes, &n) > 1)
		c->report->shared++;
	if (!n)
		add(&c->report->by[BY_PROCESS], &nobody, sk, v);
	for (size_t i = 0; i < n; i++)
		add_to_process(c, sk, v, processes[i]);
}

static enum holder_lack lack_of(const struct census *c, const struct socket *sk,
				const struct holding *holding)
{
	const struct sockets_owners *how = &c->report->owners;

	if (holding)
		return HOLDER_KNOWN;
	if (!sk->inode && sk->kind != SOCKET_RAW &&
	    (sk->state == STATE_ESTABLISHED || sk->state == STATE_CLOSE_WAIT))
		return HOLDER_ACCEPT_QUEUE;
	if (!sk->inode)
		return HOLDER_KERNEL;
	return how->err || how->denied || how->hidepid || how->nested_pids ? HOLDER_HIDDEN
									     : HOLDER_NONE;
}

static void count(struct census *c, const struct socket *sk, const struct socket_verdict *v,
		  const struct holding *holding)
{
	struct sockets_report *r = c->report;
	struct sockets_key peer = peer_key(sk);

	r->matched++;
	r->troubled += v->troubles != 0;
	for (size_t i = 0; v->troubles >> i && i < socket_troubles_n; i++)
		r->by_trouble[i] += v->troubles >> i & 1;
	if (is_tcp(sk))
		r->tcp[sk->state % TCP_STATES]++;
	else if (sk->kind == SOCKET_INET)
		r->udp++;
	else
		r->kinds[sk->kind].matched++;
	r->lacks[lack_of(c, sk, holding)]++;
	add_to_processes(c, sk, v, holding);
	add_to_listener(c, sk, v);
	if (sk->remote_port && sk->kind == SOCKET_INET)
		add(&r->by[BY_PEER], &peer, sk, v);
}

/* ---- rows ---- */

static void name_holders(struct census *c, struct sockets_row *row, const struct holding *holding)
{
	uint32_t processes[SOCKETS_HOLDERS];

	row->lack = lack_of(c, &row->socket, holding);
	if (!holding)
		return;
	row->holders_all = holders_of(&c->holders, holding, processes, &row->holders_n);
	for (size_t i = 0; i < row->holders_n; i++)
		row->holders[i] = c->holders.processes.items[processes[i]];
}

static void keep_row(struct census *c, const struct socket *sk, const struct socket_verdict *v,
		     const struct holding *holding)
{
	const struct sockets_options *o = c->options;
	struct sockets_row row;

	if (o->listeners ? !waits_for_others(sk) : !o->each && !v->troubles)
		return;
	row = (struct sockets_row){.socket = *sk, .verdict = *v, .space = c->space};
	memcpy(row.name, c->name, sizeof(row.name));
	if (!o->each) {
		top_offer(&c->top, &row);
		return;
	}
	name_holders(c, &row, holding);
	o->each(o->arg, c->report, &row);
}

static bool held_by(const struct census *c, const struct holding *holding, int pid)
{
	uint32_t processes[SOCKETS_HOLDERS];
	size_t n = 0;

	if (holding)
		holders_of(&c->holders, holding, processes, &n);
	for (size_t i = 0; i < n; i++)
		if (c->holders.processes.items[processes[i]].pid == pid)
			return true;
	return false;
}

bool census_take(struct census *c, const struct socket *sk)
{
	const struct sockets_filter *f = &c->options->filter;
	const struct holding *holding;
	struct socket_verdict v;

	if (c->options->max && c->report->seen >= c->options->max) {
		c->report->cut = true;
		return false;
	}
	c->report->seen++;
	if (c->report->spaces.n)
		c->report->spaces.items[c->space].sockets++;
	if (!sockets_filter_means(f, sk))
		return true;
	holding = holders_find(&c->holders, sk->inode);
	if (f->pid && !held_by(c, holding, f->pid))
		return true;
	socket_judge(sk, &v);
	if (f->troubles && !(v.troubles & f->troubles))
		return true;
	count(c, sk, &v, holding);
	keep_row(c, sk, &v, holding);
	return true;
}

static void want_process(struct snapshot *s, const struct socket_holder *h)
{
	vec_each(owner, &s->owners)
		if (owner->pid == h->pid)
			return;
	if (s->owners.n < PROCESSES_TOLD)
		vec_push(&s->owners)->pid = h->pid;
}

/* Process 1, and a parent that its children read for: these come last. */
static void rank_holders(struct sockets_row *row, const struct snapshot *s)
{
	struct socket_holder first[SOCKETS_HOLDERS], last[SOCKETS_HOLDERS];
	size_t first_n = 0, last_n = 0;

	for (size_t i = 0; i < row->holders_n; i++) {
		bool behind = row->holders[i].pid == 1;

		for (size_t j = 0; j < row->holders_n; j++) {
			const struct process *p = snapshot_process(s, row->holders[j].pid);

			behind |= p && p->ppid == row->holders[i].pid;
		}
		if (behind)
			last[last_n++] = row->holders[i];
		else
			first[first_n++] = row->holders[i];
	}
	memcpy(row->holders, first, first_n * sizeof(*first));
	memcpy(row->holders + first_n, last, last_n * sizeof(*last));
}

void census_finish(struct census *c, struct host *h)
{
	struct sockets_report *r = c->report;
	struct snapshot *s = xcalloc(1, sizeof(*s));

	top_sort(&c->top);
	r->rows_left = c->top.left;
	vec_each(row, &c->top.heap) {
		name_holders(c, row, holders_find(&c->holders, row->socket.inode));
		for (size_t i = 0; i < row->holders_n; i++)
			want_process(s, &row->holders[i]);
	}
	/* Without them the rows still have their names. */
	process_read_owners(h, s);
	r->processes = s;
	vec_each(row, &c->top.heap) {
		rank_holders(row, s);
		row->process = row->holders_n ? snapshot_process(s, row->holders[0].pid) : NULL;
		*vec_push(&r->rows) = *row;
	}
	for (size_t i = 0; i < SOCKETS_BY_N; i++)
		sums_sort(&r->by[i]);
}

/* ---- all of it ---- */

/* The others come first: --max-sockets ends at the connections, of which there may be most. */
static void read_all(struct census *c, struct host *h)
{
	cleanup(buf_done) struct buf b = {0};
	struct span text, field;
	uint64_t n;

	c->report->spaces.items[c->space].somaxconn = -1;
	if (host_read(h, "sys/net/core/somaxconn", &b) == 0) {
		text = (struct span){b.data, b.len};
		if (next_line(&text, &field) && parse_u64(field, INT32_MAX, &n) == 0)
			c->report->spaces.items[c->space].somaxconn = (int64_t)n;
	}
	census_read_kinds(c, h);
	if (!c->options->filter.kinds || c->options->filter.kinds & 1u << SOCKET_INET)
		census_read_inet(c, h);
}

static void read_space(struct census *c, struct netns *ns, int home)
{
	struct host h = {.ns = ns, .phase = "b"};
	struct sockets_space *space = vec_push(&c->report->spaces);
	int r;

	c->space = c->report->spaces.n - 1;
	memset(c->waited_at, 0, sizeof(c->waited_at));
	memcpy(space->name, ns->name, sizeof(space->name));
	space->inode = ns->inode;
	r = host_enter(&h);
	if (r < 0)
		space->err = r;
	else
		read_all(c, &h);
	host_leave(&h);
	/* To go on elsewhere would be to tell of the wrong one. */
	if (r == 0 && ns->fd >= 0 && setns(home, CLONE_NEWNET) < 0)
		abort();
}

static bool read_once(const struct sockets_options *o, struct netns *spaces, size_t n, int home,
		      bool last, struct sockets_report *r)
{
	struct netns own = {.fd = -1};
	struct host here = {.ns = &own, .phase = "b"};
	struct census c;

	census_init(&c, o, r);
	c.last = last;
	holders_read(&c.holders, n == 1 ? spaces[0].inode : 0, o->by_proc);
	r->owners = c.holders.how;
	census_know_holders(&c);
	for (size_t i = 0; i < n && !r->cut && (last || !c.interrupted); i++)
		read_space(&c, &spaces[i], home);
	r->changing = c.interrupted;
	if (last || !c.interrupted)
		census_finish(&c, &here);
	host_leave(&here);
	census_done(&c);
	return !c.interrupted;
}

void sockets_read(const struct sockets_options *o, struct netns *spaces, size_t n,
		  struct sockets_report *ret)
{
	cleanup(cleanup_fd) int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int64_t began = monotonic_ns();

	for (unsigned int try = 1;; try++) {
		struct sockets_report r = {.repeated = try - 1};
		/* What was given away row by row cannot be taken back. */
		bool last = o->each || try == SOCKETS_TRIES;

		if (read_once(o, spaces, n, home, last, &r) || last) {
			r.seconds = (double)(monotonic_ns() - began) / NSEC_PER_SEC;
			*ret = r;
			return;
		}
		sockets_report_done(&r);
	}
}

void sockets_report_done(struct sockets_report *r)
{
	vec_done(&r->spaces);
	for (size_t i = 0; i < SOCKETS_BY_N; i++)
		sums_done(&r->by[i]);
	vec_done(&r->rows);
	if (r->processes)
		snapshot_done(r->processes);
	free(r->processes);
	*r = (struct sockets_report){0};
}
