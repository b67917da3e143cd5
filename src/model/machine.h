/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine below the packets: CPUs, interrupts, the queues of devices and who serves them,
 * pressure, and the kernel's log. Part of struct snapshot. Single numbers (memory, load, softirqs) are rows
 * of counters.def instead.
 */
#ifndef WHYDROP_MACHINE_H
#define WHYDROP_MACHINE_H

#include "base/base.h"
#include "model/source.h"

/* /proc/stat, clock ticks (USER_HZ). Guests' time is within user. iowait is idle time. */
struct cpu_times {
	uint64_t user, nice, system, idle, iowait, irq, softirq, steal;
};

struct cpu {
	unsigned int id;
	bool softnet_present;
	uint32_t softnet[SOFTNET_STATS]; /* index: counter id - SOFTNET_FIRST */
	bool times_present;
	struct cpu_times times;
	bool softirqs_present;
	uint32_t softirqs[SOFTIRQ_STATS]; /* index: counter id - SOFTIRQ_FIRST */
};

/* A row of /proc/interrupts that has a number. */
struct interrupt {
	unsigned int number;
	char name[64]; /* who handles it: "eth0-TxRx-0", "virtio2-input.0"; several: "usb1, eth0" */
};

/* How often one came on one CPU since boot; no row: never. Sorted by number, then CPU. */
/* One of the depths in which a CPU sleeps. */
struct idle_state {
	unsigned int cpu, number;
	uint32_t latency_us; /* to wake up from it, at most */
	bool disabled;
	uint64_t usage, time_us; /* how often, and how long */
	char name[16];
};

struct interrupt_count {
	unsigned int number, cpu;
	uint64_t count;
};

/* One network device as sysfs shows it. */
struct netdev_queues {
	unsigned int ifindex;
	char name[16];
	char parent[32];     /* the bus's name for it, "virtio2", "0000:00:03.0"; "" for software */
	unsigned int rx, tx; /* queues */
	int numa_node;	     /* -1: none, or not known */
	char local_cpus[64]; /* CPUs near it, as a list "0-15,32-47"; "" not known */
};

/* What was set for one queue. Masks are as the kernel prints them, leading zeros left out. */
struct netdev_queue {
	unsigned int ifindex, index;
	bool tx;
	bool known;    /* rps_cpus or xps_cpus could be read: XPS cannot for a single queue */
	char cpus[64]; /* rx: rps_cpus, tx: xps_cpus; "0": none */
	uint32_t flows; /* rx: rps_flow_cnt */
};

/* An interrupt of a device and where it may go, as lists "0-3". */
struct netdev_interrupt {
	unsigned int ifindex, number;
	char allowed[64], effective[64]; /* smp_affinity_list, effective_affinity_list; "" unknown */
};

/* The thread that takes in packets where a CPU cannot do so between other things (ksoftirqd/N). */
struct softirq_thread {
	unsigned int cpu;
	int pid;
	uint64_t ran_ns, waited_ns; /* waited: ready to run, and something else did */
};

/* A process on a CPU whose softirqs take much time, or do not get to run. */
struct cpu_task {
	int pid;
	unsigned int cpu;    /* where its first thread ran last */
	char state;
	uint8_t policy;	     /* SCHED_* of sched.h */
	uint8_t priority;    /* of SCHED_FIFO and SCHED_RR: 1 to 99 */
	uint64_t ticks;	     /* CPU time of all its threads */
	uint32_t netns;	     /* its network namespace; 0 unknown */
	char comm[16];
};

enum pressure_of { PRESSURE_CPU, PRESSURE_MEMORY, PRESSURE_IO, PRESSURE_N };

/* Tasks that could not go on for want of it. `full`: all tasks at once (of the CPU: always 0). */
struct pressure {
	bool known;
	uint32_t some_avg10, full_avg10; /* hundredths of a percent, the last 10 s */
	uint64_t some_us, full_us;	 /* since boot */
};

/* Lines of the kernel's log that say something of packets, or of a machine in trouble. */
enum kernel_log_id {
#define L(id, ...) KERNEL_LOG_##id,
#include "model/kernel_log.def"
#undef L
	KERNEL_LOG_ROWS
};

struct kernel_log_row {
	const char *pattern, *meaning;
};
extern const struct kernel_log_row kernel_log_rows[KERNEL_LOG_ROWS];

#define KERNEL_LOG_KEPT 64 /* of each row the last ones */

struct kernel_log_line {
	enum kernel_log_id id;
	uint64_t sequence;     /* rises with each line of the log */
	uint64_t us;	       /* since boot, by the scheduler's clock: drifts against the others */
	char text[128];
};

struct snapshot;

/* How often the log says it after line number `since`; the kernel leaves lines out when many come. */
unsigned int kernel_log_count(const struct snapshot *s, enum kernel_log_id id, uint64_t since);
/* The last such line; NULL if there is none after `since`. */
const struct kernel_log_line *kernel_log_last(const struct snapshot *s, enum kernel_log_id id,
					      uint64_t since);
/* The number of the last line kept: what comes later is new. Clocks need not be compared. */
uint64_t kernel_log_end(const struct snapshot *s);

/* The row whose pattern is in a line (whatever its case); KERNEL_LOG_ROWS if none is. */
enum kernel_log_id kernel_log_match(const char *text, size_t n);

/* The device an interrupt belongs to, 0 if it is none's: told by sysfs, else by its name. */
unsigned int interrupt_ifindex(const struct snapshot *s, const struct interrupt *i);
uint64_t interrupt_count(const struct snapshot *s, unsigned int number, unsigned int cpu);
const struct netdev_queues *snapshot_queues(const struct snapshot *s, unsigned int ifindex);

#endif
