// SPDX-License-Identifier: GPL-2.0-or-later
/* Stage tcp: what this host itself does to its connections: queues that stand still, limits. */
#include <stdio.h>

#include "causes/enter.h"
#include "causes/stages.h"

#define ORPHANS_WARNING 0.25 /* netdata, tcp_orphans.conf: the kernel may count one as two or four */
#define ORPHANS_CRITICAL 0.50
#define ORPHAN_BYTES (64 << 10) /* at most, says Documentation/networking/ip-sysctl.rst */
#define SOCKETS_SHARE 0.10 /* of a limit of everything: less is not what fills it */

static uint64_t value(const struct exam *x, enum counter_id id)
{
	return delta_value(delta_counter(x->o, id));
}

/* ---- a segment that has not left this host yet ---- */

/* The queue with most in it at any look; NULL if all are empty. */
static const struct qdisc *longest_queue(const struct snapshot *s)
{
	const struct qdisc *found = NULL;

	vec_each(q, &s->qdiscs)
		if (q->backlog && (!found || q->backlog > found->backlog))
			found = q;
	return found;
}

/* Where it is held, as far as it shows, and what then helps. */
static void stuck_where(struct exam *x, struct finding *f)
{
	const struct qdisc *q = longest_queue(&x->o->b), *before = longest_queue(&x->o->a);
	const struct link *link;
	struct remedy *r;

	q = q && (!before || q->backlog >= before->backlog) ? q : before;
	link = q ? snapshot_link(&x->o->b, q->ifindex) : NULL;
	if (x->o->b.neighs.n)
		evidence_text(f, x, "%zu next hops do not answer ARP or neighbour discovery",
			      x->o->b.neighs.n);
	if (!link) {
		r = finding_remedy(f, "find-where", REMEDY_APPLICATION, "see where it is held");
		remedy_command(r, "tc -s qdisc show");
		remedy_command(r, "ip neigh show nud incomplete nud failed");
		return;
	}
	evidence_text(f, x, "queue %s of %s: %u bytes wait in it", q->kind, link->name, q->backlog);
	r = finding_remedy(f, "shorten-queue", REMEDY_TC,
			   "a shorter queue on %s, or one that is fair to each connection (fq_codel)",
			   link->name);
	remedy_why(r, "one that holds more than a timeout of traffic only delays");
	remedy_command(r, "tc -s qdisc show dev %s", link->name);
}

/* Nothing is lost by it: TCP sees that its own segment is still here, and waits. */
enum outcome examine_host_queue(struct exam *x)
{
	uint64_t n = value(x, C_TCP_SPURIOUS_RTX_HOST_QUEUES);
	struct finding *f;

	if (!n || x->o->since_boot) {
		evidence_counter(NULL, x, C_TCP_SPURIOUS_RTX_HOST_QUEUES);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->unit = "segments";
	finding_headline(f, "TCP segments wait in this host's own queues beyond their timeout");
	finding_text(f, "TCP's timer ran out and it wanted to send a segment again, but the first copy "
			"had not left this host yet: it waits in a queue or shaper, for a neighbour's "
			"address, or in a card that does not send. So the delay is here and not in the "
			"network.");
	evidence_counter(f, x, C_TCP_SPURIOUS_RTX_HOST_QUEUES);
	evidence_counter(f, x, C_TCP_TIMEOUTS);
	evidence_counter(f, x, C_TCP_RETRANS_SEGS);
	stuck_where(x, f);
	evidence_log(f, x, KERNEL_LOG_TX_TIMEOUT);
	return FOUND;
}

/* ---- closed by their programs, and not yet by TCP ---- */

static uint64_t orphans_seen(const struct exam *x)
{
	struct change c = delta_counter(x->o, C_SOCKSTAT_TCP_ORPHAN);

	return MAX(c.before, c.after);
}

static void orphan_remedies(struct exam *x, struct finding *f, int64_t most)
{
	uint64_t kib = x->o->b.counter_present[C_MEM_TOTAL] ? x->o->b.counter[C_MEM_TOTAL] : 0;
	int64_t room = (int64_t)(kib * 1024 / ORPHAN_BYTES), to = MIN(most * 4, room);
	struct remedy *r;

	r = finding_remedy(f, "find-silent-peers", REMEDY_APPLICATION,
			   "find the peers that do not acknowledge the end of their connections");
	remedy_why(r, "each waits for an answer to its FIN: a network that loses it, clients that "
		      "vanish, an attack");
	remedy_command(r, "ss -tanoH state fin-wait-1 state last-ack state closing | awk '{print $4}' | "
			  "sort | uniq -c | sort -rn | head");
	if (to <= most)
		return;
	r = finding_remedy(f, "raise-max-orphans", REMEDY_SYSCTL,
			   "raise net.ipv4.tcp_max_orphans %lld -> %lld", (long long)most,
			   (long long)to);
	remedy_why(r, "%lld orphans of 64 KiB each are all this machine's memory", (long long)room);
	remedy_cost(r, "up to 64 KiB of kernel memory each, which cannot be swapped");
	remedy_sysctl(r, "net.ipv4.tcp_max_orphans", most, to);
}

static void orphan_words(struct exam *x, struct finding *f, int64_t most, uint64_t orphans)
{
	finding_subject(f)->sysctl = xstrdup("net.ipv4.tcp_max_orphans");
	if (f->lost)
		finding_headline(f, "closed connections are cut off, no more than %lld may wait for "
				    "their peers",
				 (long long)most);
	else
		finding_headline(f, "%llu connections closed here wait for their peers, of %lld at most",
				 (unsigned long long)orphans, (long long)most);
	finding_text(f, "A connection that its program has closed goes on until its last data and its FIN "
			"are acknowledged; nobody holds it then (an orphan). Of the whole host there may "
			"be tcp_max_orphans of them. Those beyond are reset, and the data that had not "
			"arrived is lost.");
	evidence_counter(f, x, C_SOCKSTAT_TCP_ORPHAN);
	evidence_value(f, x, "/proc/sys/net", "net.ipv4.tcp_max_orphans", (uint64_t)most);
	evidence_counter(f, x, C_TCP_ABORT_ON_MEMORY);
	evidence_log(f, x, KERNEL_LOG_TCP_ORPHANS);
	finding_exclude(f, "the memory of all TCP (TCPMemoryPressures +%llu)",
			(unsigned long long)value(x, C_TCP_MEMORY_PRESSURES));
	orphan_remedies(x, f, most);
}

/*
 * TCPAbortOnMemory is raised for want of TCP memory as well: then tcp-mem-pressure has it. A burst
 * of orphans may be over at both ends; the counter and an unpressed memory are enough.
 */
enum outcome examine_orphans(struct exam *x)
{
	uint64_t aborted = value(x, C_TCP_ABORT_ON_MEMORY), orphans = orphans_seen(x);
	bool first = x->o == x->d->observations.items;
	int64_t most = 0;
	struct finding *f;
	double share;

	if (!sysctl_get(&x->o->b, K_TCP_MAX_ORPHANS, &most) || most <= 0)
		most = 0;
	share = most ? (double)orphans / (double)most : 0;
	if (value(x, C_TCP_MEMORY_PRESSURES) || finding_here(x, "tcp-mem-pressure"))
		aborted = 0;
	if (!aborted && (!first || x->o->since_boot || share < ORPHANS_WARNING)) {
		evidence_counter(NULL, x, C_SOCKSTAT_TCP_ORPHAN);
		evidence_counter(NULL, x, C_TCP_ABORT_ON_MEMORY);
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->unit = "connections";
	f->severity = share >= ORPHANS_CRITICAL ? SEVERITY_CRITICAL : SEVERITY_WARNING;
	if (aborted)
		finding_lost(f, &aborted, NULL, 0);
	else
		f->state = AT_RISK;
	/* Nothing here tells of orphans, and a connection was given up for want of something. */
	if (aborted && share < ORPHANS_WARNING)
		f->confidence = LIKELY;
	orphan_words(x, f, most, orphans);
	return FOUND;
}

/* ---- the memory limit of a control group ---- */

/* How full, as SEV-U; false: no limit, not near, or (v2) not by its sockets. */
static bool is_pressed(const struct exam *x, const struct memory_limit *m, enum severity *ret)
{
	if (!m->limit || (m->v2 && (double)m->sockets < SOCKETS_SHARE * (double)m->limit))
		return false;
	return severity_of_fill(x, m->used, m->limit, ret);
}

static void memcg_remedy(struct finding *f, const struct process *p)
{
	const struct memory_limit *m = &p->memory;
	uint64_t to = next_power_of_two(m->limit * 2);
	struct remedy *r;

	r = finding_remedy(f, "read-faster", REMEDY_APPLICATION,
			   "let the program read what waits: %llu KiB are in its socket buffers",
			   (unsigned long long)m->sockets / 1024);
	remedy_why(r, "unread and unacknowledged data is what they hold");
	r = finding_remedy(f, "raise-memory-limit", REMEDY_CAPACITY,
			   "a higher limit for %s: %llu -> %llu MiB", m->path,
			   (unsigned long long)m->limit >> 20, (unsigned long long)to >> 20);
	if (m->v2 && p->unit[0])
		remedy_command(r, "systemctl set-property --runtime %s MemoryMax=%llu", p->unit,
			       (unsigned long long)to);
	if (m->v2) {
		remedy_command(r, "echo %llu > /sys/fs/cgroup%s/memory.max", (unsigned long long)to,
			       m->path);
		remedy_undo(r, "echo %llu > /sys/fs/cgroup%s/memory.max",
			    (unsigned long long)m->limit, m->path);
	} else {
		remedy_command(r, "echo %llu > /sys/fs/cgroup/memory%s/memory.kmem.tcp.limit_in_bytes",
			       (unsigned long long)to, m->path);
		remedy_undo(r, "echo %llu > /sys/fs/cgroup/memory%s/memory.kmem.tcp.limit_in_bytes",
			    (unsigned long long)m->limit, m->path);
	}
	remedy_cost(r, "memory of the machine that others may want");
}

static void evidence_limit(struct finding *f, struct exam *x, const struct memory_limit *m)
{
	evidence_text(f, x, m->v2
			      ? "memory.current of %s: %llu of %llu KiB, %llu KiB of it sockets (sock)"
			      : "memory.kmem.tcp of %s: %llu of %llu KiB, all of it sockets (%llu KiB)",
		      m->path, (unsigned long long)m->used / 1024,
		      (unsigned long long)m->limit / 1024, (unsigned long long)m->sockets / 1024);
}

static void add_pressed(struct exam *x, struct finding **f, const struct process *p)
{
	enum severity severity;
	struct subject *s;

	if (!is_pressed(x, &p->memory, &severity))
		return;
	if (!*f)
		*f = finding_new(x);
	vec_each(known, &(*f)->subjects)
		if (strcmp(known->process.memory.path, p->memory.path) == 0)
			return;
	(*f)->severity = MAX((*f)->severity, MIN(severity, SEVERITY_WARNING));
	s = finding_subject(*f);
	s->has_process = true;
	s->process = *p;
}

/* Segments found no room although it was not the socket's own limit that they met. */
bool explains_memcg_sockets(struct exam *x, const struct finding *f, const struct subject *s)
{
	enum severity severity;

	return strcmp(f->cause->id, "tcp-rcvq-prune") == 0 && s->has_process &&
	       is_pressed(x, &s->process.memory, &severity);
}

void describe_memcg_sockets(struct exam *x, struct finding *f)
{
	const struct process *p = &first_of(f)->process;
	char who[64];

	finding_headline(f, "the memory limit of %s holds back the sockets of %s", p->memory.path,
			 owner_text(first_of(f), who, sizeof(who)));
	finding_text(f, "Socket buffers count as memory of the control group. Near its limit the kernel "
			"lets them grow no more: windows shrink, peers have to wait, and segments within "
			"the window may find no room.");
	evidence_limit(f, x, &p->memory);
	evidence_counter(f, x, C_TCP_TO_ZERO_WINDOW_ADV);
	finding_exclude(f, "the memory of all TCP (tcp_mem: %llu pages in use)",
			(unsigned long long)delta_counter(x->o, C_SOCKSTAT_TCP_MEM).after);
	memcg_remedy(f, p);
}

/* Without a loss: what it costs is not counted, windows shrink and peers wait. */
enum outcome examine_memcg_sockets(struct exam *x)
{
	struct finding *f = NULL;

	vec_each(p, &x->o->b.processes)
		add_pressed(x, &f, p);
	if (!f) {
		evidence_text(NULL, x, "%zu programs with a full queue, none of them near a memory limit "
				       "of its control group",
			      x->o->b.processes.n);
		return NOT_FOUND;
	}
	f->state = AT_RISK;
	describe_memcg_sockets(x, f);
	return FOUND;
}
