// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage app: why a program does not accept connections, or not fast enough. */
#include <stdio.h>

#include "causes/stages.h"

#define BUSY_SHARE 0.80

/* An accept queue while its listener dropped connections: at samples with loss before and after. */
struct queue_watch {
	unsigned int amid, amid_full; /* such samples; with at least half of the backlog waiting */
	unsigned int taken;	      /* samples with fewer waiting than at the one before */
};

static struct queue_watch watch_queue(const struct observation *o, const struct socket *listener)
{
	const struct socket *before = snapshot_socket(&o->a, listener->cookie);
	struct queue_watch w = {0};
	bool lost_before = false;

	for (size_t i = 0; i <= o->looks.n; i++) {
		const struct snapshot *s = i < o->looks.n ? &o->looks.items[i] : &o->b;
		const struct socket *now = snapshot_socket(s, listener->cookie);
		bool lost;

		/* Looks leave out a listener with nothing to tell. */
		if (!source_ok(s, SRC_SOCKETS) || !now)
			continue;
		lost = before ? now->drops > before->drops : now->drops > 0;
		if (lost && lost_before && before) {
			w.amid++;
			w.amid_full += before->rqueue > before->wqueue / 2;
		}
		w.taken += before && now->rqueue < before->rqueue;
		lost_before = lost;
		before = now;
	}
	return w;
}

/*
 * Connections accepted in the sample; false if that cannot be told. Completed handshakes are
 * counted for the namespace, so this needs a namespace where no other listener takes part.
 */
static bool accepted(const struct observation *o, const struct socket *listener, uint64_t *ret)
{
	struct change opens = delta_counter(o, C_TCP_PASSIVE_OPENS);
	const struct socket *before = snapshot_socket(&o->a, listener->cookie);
	const struct socket *after = snapshot_socket(&o->b, listener->cookie);
	uint64_t had;

	vec_each(sk, &o->b.sockets)
		if (is_listener(sk) && sk->cookie != listener->cookie)
			return false;
	if (!opens.known || !before || !after)
		return false;
	had = opens.delta + before->rqueue;
	*ret = had - MIN(had, after->rqueue);
	return true;
}

/* ---- no descriptor left ---- */

/* The owner as it was when it had most. */
static const struct process *with_most_open(const struct exam *x, int pid)
{
	const struct process *found = NULL;

	for (size_t i = 0; i <= x->o->looks.n; i++) {
		const struct snapshot *s = i < x->o->looks.n ? &x->o->looks.items[i] : &x->o->b;
		const struct process *p = snapshot_process(s, pid);

		if (p && p->fds_max && (!found || p->fds > found->fds))
			found = p;
	}
	return found;
}

static bool host_is_out_of_files(const struct exam *x)
{
	const struct sysctl_value *nr = &x->o->b.sysctl[K_FILE_NR];

	return nr->n == 3 && nr->v[2] > 0 && nr->v[0] >= nr->v[2];
}

bool explains_fd_exhaustion(struct exam *x, const struct finding *f, const struct subject *s)
{
	const struct process *p;

	if (strcmp(f->cause->id, "listen-overflow") != 0 || !s->has_process)
		return false;
	p = with_most_open(x, s->process.pid);
	return host_is_out_of_files(x) || (p && p->fds >= p->fds_max);
}

static void more_files_remedies(struct finding *f, const struct process *p)
{
	uint64_t to = next_power_of_two(p->fds_max * 4);
	struct remedy *r = finding_remedy(f, "raise-open-files", REMEDY_APPLICATION,
					  "let process %d have more files open: %llu -> %llu", p->pid,
					  (unsigned long long)p->fds_max, (unsigned long long)to);

	remedy_why(r, "it has all %llu in use, so accept() fails with EMFILE",
		   (unsigned long long)p->fds_max);
	remedy_cost(r, "memory only for what is really open");
	remedy_risk(r, "a leak fills any limit; programs that use select() break above 1024");
	remedy_command(r, "prlimit --pid %d --nofile=%llu:", p->pid, (unsigned long long)to);
	remedy_undo(r, "prlimit --pid %d --nofile=%llu:", p->pid, (unsigned long long)p->fds_max);
	if (p->unit[0])
		remedy_persist(r, "LimitNOFILE=%llu in the unit %s", (unsigned long long)to, p->unit);
	r = finding_remedy(f, "find-leak", REMEDY_APPLICATION,
			   "see what is open: connections that were never closed are a leak");
	remedy_command(r, "ls -l /proc/%d/fd | awk '{print $NF}' | sed 's/[0-9:]*\\[.*//' | sort | "
			  "uniq -c",
		       p->pid);
	remedy_command(r, "ss -tanp state close-wait | grep -c pid=%d,", p->pid);
}

static void file_max_remedy(struct finding *f, const struct sysctl_value *nr)
{
	struct remedy *r = finding_remedy(f, "raise-file-max", REMEDY_SYSCTL,
					  "raise fs.file-max %lld -> %lld", (long long)nr->v[2],
					  (long long)nr->v[2] * 2);

	remedy_why(r, "%lld of %lld files of the whole host are open", (long long)nr->v[0],
		   (long long)nr->v[2]);
	remedy_cost(r, "about 1 KiB of kernel memory for each open file");
	remedy_sysctl(r, "fs.file-max", nr->v[2], nr->v[2] * 2);
}

void describe_fd_exhaustion(struct exam *x, struct finding *f)
{
	const struct subject *s = first_of(f);
	const struct process *p = with_most_open(x, s->process.pid);
	char who[64], where[80];
	uint64_t n;

	if (!p || p->fds < p->fds_max) {
		finding_headline(f, "no file can be opened on this host, nobody accepts on %s",
				 place(f, where, sizeof(where)));
		finding_text(f, "The limit of open files of the whole host is reached, so accept() fails "
				"(ENFILE); meanwhile the accept queue filled.");
		file_max_remedy(f, &x->o->b.sysctl[K_FILE_NR]);
		return;
	}
	finding_headline(f, "%s has no descriptor left to accept with on %s",
			 owner_text(s, who, sizeof(who)), place(f, where, sizeof(where)));
	finding_text(f, "The program has as many files open as it may, and a connection is one: accept() "
			"fails (EMFILE), complete connections wait, and the accept queue is full.");
	evidence_value(f, x, "/proc/PID/fd", "open descriptors", p->fds);
	evidence_value(f, x, "/proc/PID/limits", "Max open files", p->fds_max);
	if (accepted(x->o, &s->socket, &n))
		evidence_text(f, x, "%llu connections were accepted in the sample",
			      (unsigned long long)n);
	finding_exclude(f, "a stopped process (state %c)", s->process.state);
	more_files_remedies(f, p);
}

enum outcome examine_fd_exhaustion(struct exam *x)
{
	const struct sysctl_value *nr = &x->o->b.sysctl[K_FILE_NR];
	bool first = x->o == x->d->observations.items;
	enum severity severity;
	struct finding *f;

	if (!first || nr->n < 3 || nr->v[0] < 0 || nr->v[2] <= 0 ||
	    !severity_of_fill(x, (uint64_t)nr->v[0], (uint64_t)nr->v[2], &severity)) {
		if (nr->n == 3)
			evidence_value(NULL, x, "/proc/sys/fs", "fs.file-nr", (uint64_t)nr->v[0]);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->severity = severity;
	finding_headline(f, "%lld of %lld open files of the whole host are in use",
			 (long long)nr->v[0], (long long)nr->v[2]);
	finding_text(f, "When the limit (fs.file-max) is reached no program can open a file, make a "
			"socket or accept a connection: ENFILE.");
	evidence_value(f, x, "/proc/sys/fs", "fs.file-nr", (uint64_t)nr->v[0]);
	evidence_value(f, x, "/proc/sys/fs", "fs.file-max", (uint64_t)nr->v[2]);
	file_max_remedy(f, nr);
	return FOUND;
}

/* ---- too slow ---- */

/*
 * Somebody accepts, and yet the queue was never found less than half full while connections were
 * lost. A queue that empties between bursts is the listener's own finding: too short.
 */
bool explains_app_accept_slow(struct exam *x, const struct finding *f, const struct subject *s)
{
	struct queue_watch w;
	uint64_t n = 0;

	if (strcmp(f->cause->id, "listen-overflow") != 0 || !s->has_socket)
		return false;
	w = watch_queue(x->o, &s->socket);
	return w.amid > 1 && w.amid_full == w.amid &&
	       (w.taken || (accepted(x->o, &s->socket, &n) && n > 0));
}

static void accept_remedies(struct finding *f, double cpu)
{
	const struct process *p = &first_of(f)->process;
	bool busy = cpu > BUSY_SHARE;
	struct remedy *r;

	r = finding_remedy(f, "more-acceptors", REMEDY_APPLICATION,
			   "more acceptors: several threads or processes that accept "
			   "(SO_REUSEPORT: one queue each)");
	remedy_why(r, busy ? "the CPU of one is the limit" : "one waits while the others accept");
	r = finding_remedy(f, "nothing-slow-in-accept-loop", REMEDY_APPLICATION,
			   "take what is slow out of the loop that accepts: TLS handshakes, name "
			   "lookups, logging, databases");
	remedy_why(r, busy ? "accept() itself costs some microseconds"
			   : "it has CPU time left: it waits for something between two accept()");
	if (first_of(f)->has_process)
		remedy_command(r, "strace -f -c -p %d", p->pid);
	r = finding_remedy(f, "accept-until-empty", REMEDY_APPLICATION,
			   "accept until EAGAIN each time (accept4, nginx: multi_accept)");
	remedy_why(r, "a longer backlog only fills later");
}

void describe_app_accept_slow(struct exam *x, struct finding *f)
{
	const struct subject *s = first_of(f);
	struct queue_watch w = watch_queue(x->o, &s->socket);
	char who[64], where[80];
	struct reader_watch r;
	double cpu = -1;
	uint64_t n;

	watch_reader(x->o, &s->socket, s->has_process ? s->process.pid : 0, &r);
	if (r.known_ns > 0)
		cpu = (double)r.ticks / USER_HZ * NSEC_PER_SEC / (double)r.known_ns;
	finding_headline(f, "%s accepts too slowly on %s", owner_text(s, who, sizeof(who)),
			 place(f, where, sizeof(where)));
	finding_text(f, "The program accepts connections, but more come than it takes: whenever some "
			"were lost, the accept queue was at least half full.");
	evidence_text(f, x, "at least half full at %u of %u looks while losing", w.amid_full, w.amid);
	if (accepted(x->o, &s->socket, &n))
		evidence_text(f, x, "%.0f connections/s accepted, %.0f segments/s dropped",
			      per_second(x->o, n), per_second(x->o, f->lost));
	if (cpu >= 0)
		evidence_text(f, x, "meanwhile its process used %.0f %% of one CPU (%u threads)",
			      cpu * 100, s->process.threads);
	finding_exclude(f, "a program that does not accept at all");
	if (s->has_process && s->process.fds_max)
		finding_exclude(f, "a want of descriptors (%llu of %llu open)",
				(unsigned long long)s->process.fds,
				(unsigned long long)s->process.fds_max);
	accept_remedies(f, cpu);
}
