// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Causes that the lab's host cannot make: time stolen by a hypervisor, cards with one queue or with
 * several, swapping. Kernel text of 6.12 (fs/proc/stat.c, kernel/irq/proc.c show_interrupts,
 * net/core/net-procfs.c softnet_seq_show, fs/proc/meminfo.c, mm/vmstat.c, fs/proc/array.c
 * do_task_stat) with made-up numbers, through the collectors and the whole engine.
 */
#define _GNU_SOURCE
#include "observe.h"

#include <errno.h>
#include <netinet/in.h>

#include "causes/stages.h"
#include "collect/collect.h"
#include "collect/proctext.h"
#include "collect/recording.h"

struct machine {
	struct recording *recording;
	struct diagnosis d;
	struct drops drops;
	struct observation *o;
};

static void machine_init(struct machine *m)
{
	*m = (struct machine){.recording = recording_new()};
	m->o = observe(&m->d);
	m->d.drops = &m->drops;
	device(m->o, 2, "eth0");
}

static void says(struct machine *m, const char *phase, const char *name, const char *text)
{
	struct buf b = {0};
	char entry[128];

	snprintf(entry, sizeof(entry), "1/%s/%s", phase, name);
	buf_puts(&b, text);
	recording_put(m->recording, entry, 0, &b);
	buf_done(&b);
}

static void read_phase(struct machine *m, const char *phase, uint64_t sources, struct snapshot *ret)
{
	struct netns ns = {.inode = 1, .fd = -1};
	struct host h = {.ns = &ns, .recording = m->recording, .replay = true};
	int64_t taken = ret->taken_ns;

	snprintf(h.phase, sizeof(h.phase), "%s", phase);
	collect_snapshot(&h, sources, ret);
	ret->taken_ns = taken;
}

/* The finding of that cause; NULL if there is none. */
static const struct finding *found(const struct machine *m, const char *cause)
{
	vec_each(f, &m->d.findings)
		if (strcmp(f->cause->id, cause) == 0)
			return f;
	return NULL;
}

static void machine_done(struct machine *m)
{
	recording_free(m->recording);
	m->d.drops = NULL;
	diagnosis_done(&m->d);
	drops_done(&m->drops);
}

static void only_note(const struct machine *m, const char *cause)
{
	const struct finding *f = found(m, cause);

	assert_non_null(f);
	assert_int_equal(m->d.findings.n, 1);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_int_equal(f->state, AT_RISK);
	assert_int_equal(m->d.verdict, HEALTHY);
	assert_true(f->headline && f->text);
}

/* ---- a CPU's backlog overflows, and what the CPU did meanwhile ---- */

#define CPU_SOURCES                                                                                \
	(SOURCE_BIT(SRC_CPU) | SOURCE_BIT(SRC_SOFTNET) | SOURCE_BIT(SRC_SOFTIRQS) |                \
	 SOURCE_BIT(SRC_INTERRUPTS) | SOURCE_BIT(SRC_QUEUES) | SOURCE_BIT(SRC_CPU_TASKS))

static const char nobody_waits[] = "cpu  0 0 0 0 0 0 0 0 0 0\n"
				   "cpu0 0 0 0 0 0 0 0 0 0 0\n"
				   "cpu1 0 0 0 0 0 0 0 0 0 0\n";
/* CPU 1: 95 % softirq */
static const char softirq_on_1[] = "cpu  30 0 15 485 0 0 475 0 0 0\n"
				   "cpu0 20 0 10 470 0 0 0 0 0 0\n"
				   "cpu1 10 0 5 10 0 0 475 0 0 0\n";
static const char both_busy[] = "cpu  450 0 55 20 0 0 475 0 0 0\n"
				"cpu0 440 0 50 10 0 0 0 0 0 0\n"
				"cpu1 10 0 5 10 0 0 475 0 0 0\n";
static const char softnet_a[] =
	"00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n"
	"00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 00000000 00000000\n";
/* CPU 1: 100,000 taken in, 20,000 dropped */
static const char softnet_b[] =
	"00000010 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n"
	"000186a0 00004e20 00000007 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 00000000 00000000\n";
static const char softirqs_a[] = "                    CPU0       CPU1       \n"
				 "      NET_RX:          0          0\n";
static const char softirqs_b[] = "                    CPU0       CPU1       \n"
				 "      NET_RX:         12      90000\n";
static const char one_queue[] = "device 2 eth0 virtio2 1 1 -1 0-1\n"
				"rx 2 0 0 0\ntx 2 0 -\nirq 2 38 0-1 1\n";
static const char virtio_a[] = "           CPU0       CPU1       \n"
			       " 38:          0       1000 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0\n"
			       " 39:        500          0 PCI-MSIX-0000:00:03.0   2-edge      virtio2-output.0\n";
static const char virtio_b[] = "           CPU0       CPU1       \n"
			       " 38:          0      61000 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0\n"
			       " 39:        501          0 PCI-MSIX-0000:00:03.0   2-edge      virtio2-output.0\n";

struct story {
	const char *stat, *queues, *interrupts_a, *interrupts_b;
	const char *tasks_a, *tasks_b; /* what collect_cpu_tasks kept; NULL: nothing */
	bool loss;
	uint64_t flows[3]; /* packets dropped of each */
};

static void tell(struct machine *m, const struct story *s)
{
	static const char *const phases[] = {"a", "b"};

	machine_init(m);
	for (int i = 0; i < 2; i++) {
		says(m, phases[i], "proc/stat", i ? s->stat : nobody_waits);
		says(m, phases[i], "proc/net/softnet_stat", i && s->loss ? softnet_b : softnet_a);
		says(m, phases[i], "proc/softirqs", i ? softirqs_b : softirqs_a);
		says(m, phases[i], "proc/interrupts", i ? s->interrupts_b : s->interrupts_a);
		says(m, phases[i], "made/queues", s->queues);
		if (s->tasks_a)
			says(m, phases[i], "made/cpu-tasks", i ? s->tasks_b : s->tasks_a);
		read_phase(m, phases[i], CPU_SOURCES, i ? &m->o->b : &m->o->a);
		assert_true(source_ok(i ? &m->o->b : &m->o->a, SRC_INTERRUPTS));
		assert_true(source_ok(i ? &m->o->b : &m->o->a, SRC_QUEUES));
	}
	if (s->loss)
		trace(&m->drops, "CPU_BACKLOG", "enqueue_to_backlog", IPPROTO_UDP, 20000)->ifindex = 2;
	for (size_t i = 0; i < ARRAY_SIZE(s->flows); i++) {
		struct drop_flow *flow = s->flows[i] ? vec_push(&m->drops.flows) : NULL;

		if (!flow)
			continue;
		*flow = (struct drop_flow){.netns = OBSERVED_NETNS,
					   .ifindex = 2,
					   .family = AF_INET,
					   .protocol = IPPROTO_UDP,
					   .source_port = (uint16_t)(1000 + i),
					   .packets = s->flows[i]};
		snprintf(flow->reason, sizeof(flow->reason), "CPU_BACKLOG");
		snprintf(flow->symbol, sizeof(flow->symbol), "enqueue_to_backlog");
	}
	diagnose(&m->d);
}

/* The one finding with a loss is this, behind the full backlog queue. */
static const struct finding *blamed(const struct machine *m, const char *cause)
{
	const struct finding *f = found(m, cause);

	if (!f || m->d.findings.n != 1)
		fail_msg("%zu findings, the first %s, then %s", m->d.findings.n,
			 m->d.findings.n ? m->d.findings.items[0].cause->id : "-",
			 m->d.findings.n > 1 ? m->d.findings.items[1].cause->id : "-");
	assert_non_null(f->via);
	assert_string_equal(f->via->id, "softnet-backlog-drop");
	assert_int_equal(f->lost, 20000);
	assert_true(f->severity >= SEVERITY_WARNING);
	return f;
}

static void cpu_steal(void **state)
{
	struct story s = {.queues = one_queue, .interrupts_a = virtio_a, .interrupts_b = virtio_b};
	struct machine m;

	(void)state;
	/* 12 % of both CPUs, and nothing lost: a note */
	s.stat = "cpu0 20 0 10 410 0 0 0 60 0 0\ncpu1 20 0 10 410 0 0 0 60 0 0\n";
	tell(&m, &s);
	only_note(&m, "cpu-steal");
	machine_done(&m);
	/* 6 % of the CPU that lost */
	s.loss = true;
	s.stat = "cpu0 20 0 10 470 0 0 0 0 0 0\ncpu1 20 0 10 400 0 0 40 30 0 0\n";
	tell(&m, &s);
	assert_non_null(remedy_of(blamed(&m, "cpu-steal"), "more-cpu"));
	machine_done(&m);
	/* 4 %: the queue itself */
	s.stat = "cpu0 20 0 10 400 0 0 0 70 0 0\ncpu1 20 0 10 410 0 0 40 20 0 0\n";
	tell(&m, &s);
	assert_string_equal(m.d.findings.items[0].cause->id, "softnet-backlog-drop");
	assert_null(m.d.findings.items[0].via);
	machine_done(&m);
}

/* bitmap_parse (lib/bitmap-str.c) refuses more than eight digits without a comma. */
static void masks_of_many_cpus(void **state)
{
	struct observation o = {0};
	struct free_cpus room;

	(void)state;
	for (unsigned int i = 0; i < 40; i++) {
		*vec_push(&o.a.cpus) = (struct cpu){.id = i, .times_present = true};
		*vec_push(&o.b.cpus) = (struct cpu){
			.id = i, .times_present = true, .times = {.user = i % 8 ? 0 : 90, .idle = 60}};
	}
	find_free_cpus(&o, 1, &room);
	assert_int_equal(room.n, 34);
	assert_string_equal(room.mask, "fe,fefefefc");
	find_free_cpus(&o, -1, &room);
	assert_string_equal(room.mask, "fe,fefefefe");
	vec_done(&o.a.cpus);
	vec_done(&o.b.cpus);
}

static void rps_off_single_queue(void **state)
{
	const struct story off = {.stat = softirq_on_1,
				  .queues = one_queue,
				  .interrupts_a = virtio_a,
				  .interrupts_b = virtio_b,
				  .loss = true,
				  .flows = {7000, 7000, 6000}};
	struct story s = off;
	const struct remedy *r;
	struct machine m;

	(void)state;
	tell(&m, &s);
	r = remedy_of(blamed(&m, "rps-off-single-queue"), "rps");
	assert_non_null(r);
	assert_string_equal(r->commands.items[0],
			    "sh -c 'echo 1 > /sys/class/net/eth0/queues/rx-0/rps_cpus'");
	assert_string_equal(r->undo.items[0],
			    "sh -c 'echo 0 > /sys/class/net/eth0/queues/rx-0/rps_cpus'");
	machine_done(&m);
	/* RPS would not help where it is on already, for one flow, or without a CPU to spare. */
	s.queues = "device 2 eth0 virtio2 1 1 -1 0-1\nrx 2 0 2 0\nirq 2 38 0-1 1\n";
	tell(&m, &s);
	blamed(&m, "softirq-hog");
	machine_done(&m);
	s = off;
	s.flows[0] = 19000;
	s.flows[1] = s.flows[2] = 500;
	tell(&m, &s);
	assert_null(remedy_of(blamed(&m, "softirq-hog"), "rps"));
	machine_done(&m);
	s = off;
	s.stat = both_busy;
	tell(&m, &s);
	assert_null(remedy_of(blamed(&m, "softirq-hog"), "rps"));
	machine_done(&m);
	/* Nothing lost: a note. */
	s = off;
	s.loss = false;
	memset(s.flows, 0, sizeof(s.flows));
	tell(&m, &s);
	only_note(&m, "rps-off-single-queue");
	machine_done(&m);
	/* A CPU that has time left lost to a burst. */
	s = off;
	s.stat = "cpu0 20 0 10 470 0 0 0 0 0 0\ncpu1 20 0 10 120 0 0 350 0 0 0\n";
	tell(&m, &s);
	assert_string_equal(m.d.findings.items[0].cause->id, "softnet-backlog-drop");
	machine_done(&m);
}

/* A loop of priority 50 on the CPU that lost, whose ksoftirqd was kept from running for 3 of 5 s. */
static void softirq_starved(void **state)
{
	static const char before[] = "thread 0 15 1000 2000\nthread 1 24 1000 2000\n"
				     "task 900 1 R 1 50 100 4026531840 loop\n";
	static const char after[] = "thread 0 15 1000 2000\nthread 1 24 1000 3000002000\n"
				    "task 900 1 R 1 50 500 4026531840 loop\n";
	static const char ordinary[] = "thread 1 24 1000 3000002000\n"
				       "task 900 1 R 0 0 500 4026531840 loop\n";
	static const char *const broken[] = {"thread 1 24\n", "task 900 1 RR 1 50 1 1 loop\n",
					     "task 900 1 R 1 50 1 1\n", "thread 99999 1 1 1\n", "x\n"};
	struct story s = {.stat = "cpu0 20 0 10 470 0 0 0 0 0 0\ncpu1 470 0 10 0 0 0 20 0 0 0\n",
			  .queues = one_queue,
			  .interrupts_a = virtio_a,
			  .interrupts_b = virtio_b,
			  .loss = true,
			  .tasks_a = before,
			  .tasks_b = after};
	struct snapshot nothing = {0};
	const struct finding *f;
	struct machine m;

	(void)state;
	tell(&m, &s);
	f = blamed(&m, "softirq-starved");
	assert_non_null(strstr(f->headline, "loop (900)"));
	assert_string_equal(remedy_of(f, "move-realtime")->commands.items[0], "taskset -pc 0 900");
	machine_done(&m);
	/* Of no realtime policy: it shares the CPU with ksoftirqd. */
	s.tasks_b = ordinary;
	tell(&m, &s);
	assert_null(found(&m, "softirq-starved"));
	machine_done(&m);
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		assert_int_equal(parse_cpu_tasks(span_of(broken[i]), &nothing), -EBADMSG);
		snapshot_done(&nothing);
	}
}

static void irq_imbalance(void **state)
{
	static const char queues[] = "device 2 eth0 0000:00:05.0 4 4 0 0-1\n"
				     "rx 2 0 0 0\nrx 2 1 0 0\nrx 2 2 0 0\nrx 2 3 0 0\n"
				     "irq 2 50 0-1 1\nirq 2 51 0-1 1\nirq 2 52 0-1 1\nirq 2 53 0-1 1\n";
	static const char none[] = "  CPU0  CPU1\n"
				   " 50:  0  0  PCI-MSIX-0000:00:05.0  0-edge  eth0-TxRx-0\n"
				   " 51:  0  0  PCI-MSIX-0000:00:05.0  1-edge  eth0-TxRx-1\n"
				   " 52:  0  0  PCI-MSIX-0000:00:05.0  2-edge  eth0-TxRx-2\n";
	struct story s = {.stat = softirq_on_1,
			  .queues = queues,
			  .interrupts_a = none,
			  .loss = true,
			  .flows = {7000, 7000, 6000}};
	const struct finding *f;
	struct machine m;

	(void)state;
	s.interrupts_b = "  CPU0  CPU1\n"
			 " 50:  3  9000  PCI-MSIX-0000:00:05.0  0-edge  eth0-TxRx-0\n"
			 " 51:  0  8000  PCI-MSIX-0000:00:05.0  1-edge  eth0-TxRx-1\n"
			 " 52:  0  7000  PCI-MSIX-0000:00:05.0  2-edge  eth0-TxRx-2\n";
	tell(&m, &s);
	f = blamed(&m, "irq-imbalance");
	assert_string_equal(remedy_of(f, "spread-interrupts")->commands.items[0],
			    "echo 0 > /proc/irq/50/smp_affinity_list");
	assert_string_equal(remedy_of(f, "spread-interrupts")->commands.items[1],
			    "echo 1 > /proc/irq/51/smp_affinity_list");
	assert_string_equal(remedy_of(f, "spread-interrupts")->undo.items[0],
			    "echo 1 > /proc/irq/50/smp_affinity_list");
	machine_done(&m);
	/* Spread over the CPUs already, or all by one queue: to move interrupts does not help. */
	s.interrupts_b = "  CPU0  CPU1\n"
			 " 50:  9000  0  PCI-MSIX-0000:00:05.0  0-edge  eth0-TxRx-0\n"
			 " 51:  0  9900  PCI-MSIX-0000:00:05.0  1-edge  eth0-TxRx-1\n"
			 " 52:  0  9900  PCI-MSIX-0000:00:05.0  2-edge  eth0-TxRx-2\n";
	tell(&m, &s);
	blamed(&m, "softirq-hog");
	machine_done(&m);
	s.interrupts_b = "  CPU0  CPU1\n"
			 " 50:  0  9000  PCI-MSIX-0000:00:05.0  0-edge  eth0-TxRx-0\n"
			 " 51:  0  10  PCI-MSIX-0000:00:05.0  1-edge  eth0-TxRx-1\n"
			 " 52:  0  10  PCI-MSIX-0000:00:05.0  2-edge  eth0-TxRx-2\n";
	tell(&m, &s);
	blamed(&m, "softirq-hog");
	machine_done(&m);
	/* It polls all the time and is hardly interrupted: where they may go tells. */
	s.interrupts_b = none;
	tell(&m, &s);
	assert_non_null(found(&m, "softnet-backlog-drop") ? NULL : found(&m, "irq-imbalance"));
	machine_done(&m);
	/* Nothing lost: a note. */
	s.interrupts_b = "  CPU0  CPU1\n"
			 " 50:  3  9000  PCI-MSIX-0000:00:05.0  0-edge  eth0-TxRx-0\n"
			 " 51:  0  8000  PCI-MSIX-0000:00:05.0  1-edge  eth0-TxRx-1\n";
	s.loss = false;
	memset(s.flows, 0, sizeof(s.flows));
	tell(&m, &s);
	only_note(&m, "irq-imbalance");
	machine_done(&m);
}

/* ---- a reader that does not get on ---- */

#define READER_PHASES 4

/* What /proc/812/stat says at each phase: its state, major faults and CPU time. */
struct reader {
	const char *state;
	unsigned int faults, ticks, delay_ms; /* delay: waited for a CPU, up to then */
};

static void reader_at(struct machine *m, struct snapshot *s, int i, const struct reader *reader)
{
	static const char *const phases[READER_PHASES] = {"a", "look-1", "look-2", "b"};
	struct netns ns = {.inode = 1, .fd = -1};
	struct host h = {.ns = &ns, .recording = m->recording, .replay = true};
	struct socket *sk = vec_push(&s->sockets);
	char stat[256], schedstat[64];

	*sk = (struct socket){.cookie = 5,
			      .inode = 4711,
			      .family = AF_INET,
			      .protocol = IPPROTO_UDP,
			      .local_port = 53,
			      .mem_known = true,
			      .rcvbuf = 212992,
			      .rmem = i ? 212000 : 0,
			      .drops = (uint32_t)i * 1000};
	snprintf(stat, sizeof(stat),
		 "812 (dnsdist) %s 1 812 812 0 -1 4194560 500 0 %u 0 %u 50 0 0 25 5 1 0 900 "
		 "1000000 300 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0 0 0\n",
		 reader->state, reader->faults, reader->ticks);
	says(m, phases[i], "made/owners", "4711 812\n");
	says(m, phases[i], "proc/812/stat", stat);
	snprintf(schedstat, sizeof(schedstat), "1500000000 %llu 900\n",
		 20000000ULL + reader->delay_ms * 1000000ULL);
	says(m, phases[i], "proc/812/schedstat", schedstat);
	says(m, phases[i], "proc/812/status", "Name:\tdnsdist\nCpus_allowed_list:\t1\n");
	snprintf(h.phase, sizeof(h.phase), "%s", phases[i]);
	assert_int_equal(collect_process(&h, s), 0);
	/* Before the first loss nobody looks who owns it. */
	assert_int_equal(s->processes.n, i > 0);
	if (i)
		assert_string_equal(s->processes.items[0].cpus_allowed, "1");
	s->taken_ns = i * NSEC_PER_SEC;
	s->source[SRC_SOCKETS].status = s->source[SRC_PROCESS].status = SOURCE_OK;
}

/* It loses 3,000 datagrams in three steps. */
static void tell_reader(struct machine *m, const struct reader *readers, const char *meminfo,
			const char *vmstat, const char *stat)
{
	static const char meminfo_a[] = "MemTotal:       16000000 kB\nMemFree:  200000 kB\n"
					"MemAvailable:   8000000 kB\n";
	static const char vmstat_a[] = "pswpin 100\npswpout 900\nallocstall_normal 0\noom_kill 0\n";
	static const uint64_t sources = SOURCE_BIT(SRC_MEMORY) | SOURCE_BIT(SRC_CPU);

	machine_init(m);
	says(m, "a", "proc/meminfo", meminfo_a);
	says(m, "b", "proc/meminfo", meminfo);
	says(m, "a", "proc/vmstat", vmstat_a);
	says(m, "b", "proc/vmstat", vmstat);
	says(m, "a", "proc/stat", nobody_waits);
	says(m, "b", "proc/stat", stat);
	read_phase(m, "a", sources, &m->o->a);
	read_phase(m, "b", sources, &m->o->b);
	for (int i = 1; i < READER_PHASES - 1; i++)
		vec_push(&m->o->looks);
	for (int i = 0; readers && i < READER_PHASES; i++)
		reader_at(m,
			  i == 0		   ? &m->o->a
			  : i == READER_PHASES - 1 ? &m->o->b
						   : &m->o->looks.items[i - 1],
			  i, &readers[i]);
	if (readers) {
		count(m->o, C_UDP_RCVBUF_ERRORS, 0, 3000);
		count(m->o, C_UDP_IN_DATAGRAMS, 0, 9000);
		trace(&m->drops, "SOCKET_RCVBUFF", "udp_queue_rcv_one_skb", IPPROTO_UDP, 3000);
	}
	diagnose(&m->d);
}

static const char idle[] = "cpu0 20 0 10 470 0 0 0 0 0 0\ncpu1 20 0 10 470 0 0 0 0 0 0\n";
static const char enough[] = "MemTotal:       16000000 kB\nMemAvailable:   8000000 kB\n";
static const char unswapped[] = "pswpin 100\npswpout 900\nallocstall_normal 0\noom_kill 0\n";

static void mem_low(void **state)
{
	struct machine m;

	(void)state;
	tell_reader(&m, NULL, "MemTotal:       16000000 kB\nMemAvailable:   640000 kB\n", unswapped,
		    idle);
	only_note(&m, "mem-low");
	machine_done(&m);
	tell_reader(&m, NULL, enough, unswapped, idle);
	assert_int_equal(m.d.findings.n, 0);
	machine_done(&m);
}

/* Swap in use is no fault; traffic is, where somebody waits for it. */
static void swap_activity(void **state)
{
	static const char in_use[] = "MemTotal:       16000000 kB\nMemAvailable:   8000000 kB\n"
				     "SwapTotal:       2000000 kB\nSwapFree:        1200000 kB\n";
	struct machine m;

	(void)state;
	tell_reader(&m, NULL, in_use, "pswpin 9100\npswpout 9900\nallocstall_normal 0\noom_kill 0\n",
		    idle);
	only_note(&m, "swap-activity");
	assert_non_null(remedy_of(found(&m, "swap-activity"), "find-leak"));
	machine_done(&m);
	/* Ten pages in all; written only: a burst on its way out. */
	tell_reader(&m, NULL, in_use, "pswpin 110\npswpout 900\nallocstall_normal 0\noom_kill 0\n",
		    idle);
	assert_int_equal(m.d.findings.n, 0);
	machine_done(&m);
	tell_reader(&m, NULL, in_use, "pswpin 100\npswpout 9900\nallocstall_normal 0\noom_kill 0\n",
		    idle);
	assert_int_equal(m.d.findings.n, 0);
	machine_done(&m);
	tell_reader(&m, NULL, in_use, unswapped, idle);
	assert_int_equal(m.d.findings.n, 0);
	machine_done(&m);
}

static void slab_growth(void **state)
{
	struct machine m;

	(void)state;
	tell_reader(&m, NULL,
		    "MemTotal:       16000000 kB\nMemAvailable:   8000000 kB\n"
		    "SReclaimable:     200000 kB\nSUnreclaim:      1700000 kB\n",
		    unswapped, idle);
	only_note(&m, "slab-growth");
	machine_done(&m);
	/* A cache of dentries may be as large as it likes. */
	tell_reader(&m, NULL,
		    "MemTotal:       16000000 kB\nMemAvailable:   8000000 kB\n"
		    "SReclaimable:    9000000 kB\nSUnreclaim:      1500000 kB\n",
		    unswapped, idle);
	assert_int_equal(m.d.findings.n, 0);
	machine_done(&m);
}

/* Many that run, many that wait, and a queue of batch work. */
static void load_high(void **state)
{
	static const struct {
		const char *loadavg, *stat, *says;
	} rows[] = {
		{"4.00 3.00 2.00 5/300 999\n",
		 "cpu0 400 0 60 40 0 0 0 0 0 0\ncpu1 400 0 60 40 0 0 0 0 0 0\n"
		 "procs_running 5\nprocs_blocked 0\n",
		 "want to run"},
		{"9.50 3.00 2.00 1/300 999\n",
		 "cpu0 20 0 10 400 70 0 0 0 0 0\ncpu1 20 0 10 400 70 0 0 0 0 0\n"
		 "procs_running 1\nprocs_blocked 9\n",
		 "wait where nothing wakes them"},
		/* Hung in NFS: neither number has them. */
		{"20.00 20.00 20.00 1/300 999\n",
		 "cpu0 20 0 10 470 0 0 0 0 0 0\ncpu1 20 0 10 470 0 0 0 0 0 0\n"
		 "procs_running 1\nprocs_blocked 0\n",
		 "wait where nothing wakes them"},
		{"9.50 3.00 2.00 9/300 999\n",
		 "cpu0 100 350 10 40 0 0 0 0 0 0\ncpu1 100 350 10 40 0 0 0 0 0 0\n"
		 "procs_running 9\nprocs_blocked 0\n",
		 NULL},
		{"3.90 3.00 2.00 5/300 999\n",
		 "cpu0 400 0 60 40 0 0 0 0 0 0\ncpu1 400 0 60 40 0 0 0 0 0 0\n"
		 "procs_running 4\nprocs_blocked 0\n",
		 NULL},
	};
	static const uint64_t sources = SOURCE_BIT(SRC_LOAD) | SOURCE_BIT(SRC_CPU);
	struct machine m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct finding *f;

		machine_init(&m);
		says(&m, "a", "proc/loadavg", rows[i].loadavg);
		says(&m, "b", "proc/loadavg", rows[i].loadavg);
		says(&m, "a", "proc/stat", nobody_waits);
		says(&m, "b", "proc/stat", rows[i].stat);
		read_phase(&m, "a", sources, &m.o->a);
		read_phase(&m, "b", sources, &m.o->b);
		diagnose(&m.d);
		f = found(&m, "load-high");
		assert_int_equal(f != NULL, rows[i].says != NULL);
		if (f) {
			assert_int_equal(f->severity, SEVERITY_INFO);
			assert_int_equal(m.d.verdict, HEALTHY);
			assert_non_null(strstr(f->headline, rows[i].says));
		}
		machine_done(&m);
	}
}

static void app_swapped(void **state)
{
	static const struct reader swapped[] = {{"S", 10}, {"D", 200}, {"D", 420}, {"D", 640}};
	struct machine m;
	const struct finding *f;

	(void)state;
	tell_reader(&m, swapped, "MemTotal:       16000000 kB\nMemAvailable:   640000 kB\n",
		    "pswpin 5100\npswpout 9900\nallocstall_normal 70\noom_kill 0\n", idle);
	f = found(&m, "app-swapped");
	assert_non_null(f);
	assert_string_equal(f->via->id, "udp-rcvbuf-full");
	assert_int_equal(f->lost, 3000);
	/* Faults without swapping: code or a mapped file that is read for the first time. */
	machine_done(&m);
	tell_reader(&m, swapped, enough, unswapped, idle);
	assert_null(found(&m, "app-swapped"));
	assert_non_null(found(&m, "app-blocked-io"));
	machine_done(&m);
}

static void io_blocked(void **state)
{
	static const struct reader blocked[] = {{"S", 10}, {"D", 10}, {"D", 10}, {"D", 10}};
	static const struct reader once[] = {{"S", 10}, {"D", 10}, {"S", 10}, {"R", 10}};
	struct machine m;

	(void)state;
	tell_reader(&m, blocked, enough, unswapped, idle);
	assert_non_null(found(&m, "app-blocked-io"));
	assert_null(found(&m, "app-swapped"));
	assert_int_equal(m.d.findings.n, 1);
	machine_done(&m);
	/* Met asleep once of four times: that is not what held it up. */
	tell_reader(&m, once, enough, unswapped, idle);
	assert_null(found(&m, "app-blocked-io"));
	machine_done(&m);
	/* Half of the time, and nothing lost: a note */
	tell_reader(&m, NULL, enough, unswapped,
		    "cpu0 20 0 10 220 250 0 0 0 0 0\ncpu1 20 0 10 220 250 0 0 0 0 0\n");
	only_note(&m, "io-blocked");
	machine_done(&m);
}

/*
 * Ready at every look, and never ran: the kernel adds up the wait when it is over, which is after
 * the sample.
 */
static void cpu_saturated(void **state)
{
	static const struct reader ready[] = {{"R", 0, 7}, {"R", 0, 7}, {"R", 0, 7}, {"R", 0, 7}};
	static const struct reader busy[] = {{"R", 0, 7}, {"R", 0, 97}, {"R", 0, 190}, {"R", 0, 280}};
	static const struct reader waits[] = {{"R", 0, 7}, {"R", 0, 8, 990}, {"S", 0, 9, 1900}, {"R", 0, 10, 2900}};
	static const struct reader sleeps[] = {{"S", 0, 7}, {"S", 0, 8, 990}, {"S", 0, 9, 1900}, {"S", 0, 10, 2900}};
	static const char full[] = "cpu0 20 0 10 470 0 0 0 0 0 0\ncpu1 490 0 10 0 0 0 0 0 0 0\n";
	const struct finding *f;
	struct machine m;

	(void)state;
	tell_reader(&m, ready, enough, unswapped, full);
	f = found(&m, "cpu-saturated");
	assert_non_null(f);
	assert_int_equal(m.d.findings.n, 1);
	/* It is tied to CPU 1, and CPU 0 has time. */
	assert_string_equal(remedy_of(f, "run-elsewhere")->commands.items[0],
			    "taskset -pc 1,0 812");
	assert_string_equal(remedy_of(f, "renice")->undo.items[0], "renice 5 -p 812");
	machine_done(&m);
	tell_reader(&m, busy, enough, unswapped, full);
	assert_null(found(&m, "cpu-saturated"));
	machine_done(&m);
	tell_reader(&m, waits, enough, unswapped, full);
	assert_non_null(found(&m, "cpu-saturated"));
	machine_done(&m);
	/* It waited on a CPU that had time: no other program kept it from running. */
	tell_reader(&m, waits, enough, unswapped, idle);
	assert_null(found(&m, "cpu-saturated"));
	machine_done(&m);
	/* Asleep with a full buffer, however long it waited before it went to sleep. */
	tell_reader(&m, sleeps, enough, unswapped, full);
	assert_null(found(&m, "cpu-saturated"));
	assert_non_null(found(&m, "app-slow-reader"));
	machine_done(&m);
}

/* The reader sleeps as usual, on a CPU that softirqs have. */
static void softirq_hog(void **state)
{
	static const struct reader reader[] = {{"S", 0, 7}, {"S", 0, 9}, {"R", 0, 10}, {"S", 0, 12}};
	const struct finding *f;
	struct machine m;

	(void)state;
	tell_reader(&m, reader, enough, unswapped, softirq_on_1);
	f = found(&m, "softirq-hog");
	assert_non_null(f);
	assert_int_equal(m.d.findings.n, 1);
	assert_string_equal(f->via->id, "udp-rcvbuf-full");
	assert_non_null(strstr(f->headline, "is tied to CPU 1, which takes in the packets"));
	assert_string_equal(remedy_of(f, "move-reader")->commands.items[0], "taskset -pc 0 812");
	assert_string_equal(remedy_of(f, "move-reader")->undo.items[0], "taskset -pc 1 812");
	machine_done(&m);
	tell_reader(&m, reader, enough, unswapped, idle);
	assert_null(found(&m, "softirq-hog"));
	machine_done(&m);
}

/* The column of the whole host is neither cleared nor laid at this namespace's door. */
static void softnet_backlog_since_boot(void **state)
{
	const struct finding *f;
	struct machine m;

	(void)state;
	machine_init(&m);
	m.o->since_boot = true;
	m.d.drops = NULL;
	says(&m, "a", "proc/net/softnet_stat", softnet_a);
	says(&m, "b", "proc/net/softnet_stat", softnet_b);
	read_phase(&m, "a", SOURCE_BIT(SRC_SOFTNET), &m.o->a);
	read_phase(&m, "b", SOURCE_BIT(SRC_SOFTNET), &m.o->b);
	lack(m.o, SRC_DROPS, ENODATA);
	diagnose(&m.d);
	f = found(&m, "softnet-backlog-drop");
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_int_equal(f->lost, 0);
	assert_int_equal(f->subjects.n, 1);
	assert_int_equal(f->subjects.items[0].lost, 20000);
	assert_int_not_equal(m.d.verdict, LOSING_VERDICT);
	machine_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cpu_steal),
		cmocka_unit_test(masks_of_many_cpus),
		cmocka_unit_test(rps_off_single_queue),
		cmocka_unit_test(softirq_starved),
		cmocka_unit_test(irq_imbalance),
		cmocka_unit_test(mem_low),
		cmocka_unit_test(swap_activity),
		cmocka_unit_test(slab_growth),
		cmocka_unit_test(load_high),
		cmocka_unit_test(app_swapped),
		cmocka_unit_test(io_blocked),
		cmocka_unit_test(cpu_saturated),
		cmocka_unit_test(softirq_hog),
		cmocka_unit_test(softnet_backlog_since_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
