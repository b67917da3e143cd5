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
	tcp_settings_init(&c->settings);
}

void census_done(struct census *c)
{
	if (c->reading)
		pthread_join(c->reader, NULL);
	holders_done(&c->holders);
	vec_done(&c->pending);
	free(c->process_sums);
	vec_done(&c->top.heap);
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

static struct socket_count count_of(const struct socket *sk, const struct socket_verdict *v)
{
	bool connected = sk->state == STATE_ESTABLISHED || sk->state == STATE_CLOSE_WAIT;
	/* Without a round trip it is the first one, of 1 s; probes of a window do not double it. */
	bool measured = sk->tcp.rtt_us && sk->rto_us < RTO_MAX_US;
	unsigned int doubled = sk->timer == TIMER_PROBE ? 0 : MIN(sk->backoff, 31u);

	return (struct socket_count){
		.rank = v->rank,
		.inode = sk->inode,
		.rqueue = sk->rqueue,
		.wqueue = sk->wqueue,
		.rto_us = sk->rto_us,
		.rto_base_us = measured ? sk->rto_us >> doubled : 0,
		.rtt_us = sk->tcp.rtt_us,
		.state = sk->state % TCP_STATES,
		.listens = listens(sk),
		.unaccepted = !sk->inode && sk->kind != SOCKET_RAW && connected,
	};
}

static void add_to(struct sockets_sum *sum, const struct socket_count *n)
{
	sum->sockets++;
	sum->troubled += n->rank != 0;
	sum->worst = MAX(sum->worst, n->rank);
	sum->states[n->state]++;
	if (n->listens) {
		sum->waiting += n->rqueue;
		sum->backlog += n->wqueue;
		return;
	}
	sum->rqueue += n->rqueue;
	sum->wqueue += n->wqueue;
	sum->rto_us_max = MAX(sum->rto_us_max, n->rto_us);
	sum->rto_base_us_max = MAX(sum->rto_base_us_max, n->rto_base_us);
	sum->rtt_us_max = MAX(sum->rtt_us_max, n->rtt_us);
}

static void add(struct sockets_sums *table, const struct sockets_key *key,
		const struct socket_count *n)
{
	struct sockets_sum *sum = sums_get(table, key);

	if (sum)
		add_to(sum, n);
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
static void add_to_listener(struct census *c, const struct socket *sk, const struct socket_count *n)
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
		add(table, &key, n);
}

/* Of one holder; a process may have several tables of descriptors, and is one all the same. */
static void add_to_process(struct census *c, const struct socket_count *n, uint32_t process)
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
	add_to(&table->list.items[c->process_sums[process] - 1], n);
}

static enum holder_lack lack_of(const struct census *c, const struct socket_count *n,
				const struct holding *holding)
{
	const struct sockets_owners *how = &c->report->owners;

	if (holding)
		return HOLDER_KNOWN;
	if (!n->inode)
		return n->unaccepted ? HOLDER_ACCEPT_QUEUE : HOLDER_KERNEL;
	return how->err || how->denied || how->hidepid || how->nested_pids ? HOLDER_HIDDEN
									     : HOLDER_NONE;
}

static void count_by_holder(struct census *c, const struct socket_count *n)
{
	const struct holding *holding = holders_find(&c->holders, n->inode);
	static const struct sockets_key nobody;
	uint32_t processes[SOCKETS_HOLDERS];
	size_t processes_n = 0;

	c->report->lacks[lack_of(c, n, holding)]++;
	if (holding && holders_of(&c->holders, holding, processes, &processes_n) > 1)
		c->report->shared++;
	if (!processes_n)
		add(&c->report->by[BY_PROCESS], &nobody, n);
	for (size_t i = 0; i < processes_n; i++)
		add_to_process(c, n, processes[i]);
}

static void *read_holders(void *arg)
{
	struct census *c = arg;

	holders_read(&c->holders, c->netns, c->by_proc);
	return NULL;
}

void census_begin_holders(struct census *c, uint32_t netns)
{
	const struct sockets_options *o = c->options;

	c->netns = netns;
	c->by_proc = o->by_proc;
	c->reading = !o->each && !o->filter.pid &&
		     pthread_create(&c->reader, NULL, read_holders, c) == 0;
	if (!c->reading) {
		read_holders(c);
		census_know_holders(c);
	}
}

void census_know_holders(struct census *c)
{
	const size_t ahead = 16; /* as many answers take as long as memory does */

	if (c->known)
		return;
	if (c->reading)
		pthread_join(c->reader, NULL);
	c->reading = false;
	c->known = true;
	c->report->owners = c->holders.how;
	c->process_sums = xcalloc(c->holders.processes.n + 1, sizeof(*c->process_sums));
	for (size_t i = 0; i < c->pending.n; i++) {
		if (i + ahead < c->pending.n)
			holders_expect(&c->holders, c->pending.items[i + ahead].inode);
		count_by_holder(c, &c->pending.items[i]);
	}
	vec_done(&c->pending);
}

static void count(struct census *c, const struct socket *sk, const struct socket_verdict *v)
{
	struct sockets_report *r = c->report;
	struct sockets_key peer = peer_key(sk);
	struct socket_count n = count_of(sk, v);

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
	if (c->known)
		count_by_holder(c, &n);
	else
		*vec_push(&c->pending) = n;
	add_to_listener(c, sk, &n);
	if (sk->remote_port && sk->kind == SOCKET_INET)
		add(&r->by[BY_PEER], &peer, &n);
}

/* ---- rows ---- */

static void name_holders(struct census *c, struct sockets_row *row)
{
	struct socket_count n = count_of(&row->socket, &row->verdict);
	const struct holding *holding = holders_find(&c->holders, n.inode);
	uint32_t processes[SOCKETS_HOLDERS];

	row->lack = lack_of(c, &n, holding);
	if (!holding)
		return;
	row->holders_all = holders_of(&c->holders, holding, processes, &row->holders_n);
	for (size_t i = 0; i < row->holders_n; i++)
		row->holders[i] = c->holders.processes.items[processes[i]];
}

static void keep_row(struct census *c, const struct socket *sk, const struct socket_verdict *v)
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
	name_holders(c, &row);
	o->each(o->arg, c->report, &row);
}

static bool held_by(const struct census *c, uint32_t inode, int pid)
{
	const struct holding *holding = holders_find(&c->holders, inode);
	uint32_t processes[SOCKETS_HOLDERS];
	size_t n = 0;

	if (holding)
		holders_of(&c->holders, holding, processes, &n);
	for (size_t i = 0; i < n; i++)
		if (c->holders.processes.items[processes[i]].pid == pid)
			return true;
	return false;
}

static size_t table_of(const struct socket *sk)
{
	bool v6 = sk->family == AF_INET6;

	if (sk->kind != SOCKET_INET)
		return TABLE_OTHERS + (size_t)sk->kind;
	return is_tcp(sk) ? (v6 ? TABLE_TCP6 : TABLE_TCP4) : v6 ? TABLE_UDP6 : TABLE_UDP4;
}

const char *sockets_table_name(size_t table)
{
	static const char *const names[SOCKETS_TABLES] = {
		[TABLE_TCP4] = "tcp4",
		[TABLE_TCP6] = "tcp6",
		[TABLE_UDP4] = "udp4",
		[TABLE_UDP6] = "udp6",
		[TABLE_OTHERS + SOCKET_RAW] = "raw",
		[TABLE_OTHERS + SOCKET_PACKET] = "packet",
		[TABLE_OTHERS + SOCKET_NETLINK] = "netlink",
		[TABLE_OTHERS + SOCKET_UNIX] = "unix",
		[TABLE_OTHERS + SOCKET_MPTCP] = "mptcp",
	};

	return names[table];
}

bool census_take(struct census *c, const struct socket *sk)
{
	const struct sockets_filter *f = &c->options->filter;
	size_t table = table_of(sk);
	struct socket_verdict v;

	if (c->options->max && c->taken[table] >= c->options->max) {
		c->report->cut |= 1u << table;
		return false;
	}
	c->taken[table]++;
	c->report->seen++;
	if (c->report->spaces.n)
		c->report->spaces.items[c->space].sockets++;
	if (!sockets_filter_means(f, sk))
		return true;
	if (f->pid && !held_by(c, sk->inode, f->pid))
		return true;
	socket_judge(sk, &c->settings, &v);
	if (f->troubles && !(v.troubles & f->troubles))
		return true;
	count(c, sk, &v);
	keep_row(c, sk, &v);
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

	census_know_holders(c);
	top_sort(&c->top);
	r->rows_left = c->top.left;
	vec_each(row, &c->top.heap) {
		name_holders(c, row);
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
	memset(c->taken, 0, sizeof(c->taken));
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
	census_begin_holders(&c, n == 1 ? spaces[0].inode : 0);
	for (size_t i = 0; i < n && (last || !c.interrupted); i++)
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
