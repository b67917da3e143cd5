/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions behind the rows of causes.def, by file along the packet's path, and what those files
 * share.
 */
#ifndef WHYDROP_STAGES_H
#define WHYDROP_STAGES_H

#include "causes/cause.h"

/* Every function that a row names is declared by its row; only those are not that a row may leave
 * out (NULL): the words for what no explanation takes, and what an explanation is by itself. */
#define LOSS(id, title, stage, dir, all, any, counter, event, companions, lab, guide, fn, describe)    \
	enum outcome fn(struct exam *x);
#define EXPLAINS(id, title, stage, dir, all, companions, lab, guide, alone, fn, describe)              \
	bool fn(struct exam *x, const struct finding *f, const struct subject *s);                     \
	void describe(struct exam *x, struct finding *f);
#define CONDITION(id, title, stage, dir, all, any, companions, lab, guide, fn)                         \
	enum outcome fn(struct exam *x);
#define ELSEWHERE(id, title, stage, dir, all, companions, lab, guide, fn)                              \
	enum outcome fn(struct exam *x);
#include "causes/causes.def"
#undef LOSS
#undef EXPLAINS
#undef CONDITION
#undef ELSEWHERE
void describe_listen_overflow(struct exam *x, struct finding *f); /* tcp_listen.c */
void describe_zero_window_rx(struct exam *x, struct finding *f);  /* tcp_window.c */
void describe_udp_rcvbuf(struct exam *x, struct finding *f);	  /* udp.c */
enum outcome examine_link_saturated(struct exam *x);		  /* link_load.c */
enum outcome examine_ring_tx_full(struct exam *x);		  /* ring_tx.c */
enum outcome examine_rps_off(struct exam *x);			  /* softirq.c */
enum outcome examine_irq_imbalance(struct exam *x);		  /* softirq.c */
enum outcome examine_softirq_hog(struct exam *x);		  /* softirq.c */
enum outcome examine_sockbuf_clamped(struct exam *x);		  /* socket.c */
enum outcome examine_sock_lock(struct exam *x);			  /* socket.c */
enum outcome examine_cpu_steal(struct exam *x);			  /* host.c */
enum outcome examine_cpu_saturated(struct exam *x);		  /* host.c */
enum outcome examine_time_squeeze(struct exam *x);		  /* napi_budget.c */
enum outcome examine_irq_coalescing(struct exam *x);		  /* napi_budget.c */
enum outcome examine_txqueuelen(struct exam *x);		  /* tc_queue.c */
void describe_rst_unread_close(struct exam *x, struct finding *f); /* tcp_abort.c */
void describe_rst_linger0(struct exam *x, struct finding *f);	   /* tcp_abort.c */
void describe_rst_late_data(struct exam *x, struct finding *f);	   /* tcp_abort.c */
void describe_rst_closed_port(struct exam *x, struct finding *f); /* tcp_reset.c */
void describe_rst_unknown(struct exam *x, struct finding *f);	  /* tcp_reset.c */
enum outcome examine_oom_kill(struct exam *x);			  /* tcp_reset.c */
enum outcome examine_memcg_sockets(struct exam *x);		  /* tcp_host.c */
enum outcome examine_fd_exhaustion(struct exam *x);		  /* app_accept.c */
enum outcome examine_mem_low(struct exam *x);			  /* host.c */
enum outcome examine_swap_activity(struct exam *x);		  /* host_memory.c */
enum outcome examine_slab_growth(struct exam *x);		  /* host_memory.c */
enum outcome examine_load_high(struct exam *x);			  /* host_memory.c */
enum outcome examine_io_blocked(struct exam *x);		  /* host.c */
enum outcome examine_syn_flood(struct exam *x);			  /* syn_flood.c */

/* Without a trace: a counter of the devices that moves with every such frame, or NOT_EXAMINED. */
enum outcome by_device_counter(struct exam *x, enum counter_id id); /* l2.c */

void fw_forget(struct exam *x); /* fw_blame.c */

/* Who fills a table: crowd.c. `what` and `of` of the sum are the caller's to set. */
void crowd_forget(struct finding *f);
enum crowd_guess crowd_guess(const struct crowd *c);
void crowd_tell(struct finding *f, const char *what, uint64_t of, const struct crowd_entry *entries,
		size_t n);
/* Those of the conntrack table, or why they are not known. */
void crowd_tell_tracked(struct exam *x, struct finding *f);
void crowd_remedies(struct exam *x, struct finding *f);
/* tcp_listen.c */
void remedy_cookies(struct exam *x, struct finding *f);
void ignore_stated(struct diagnosis *d); /* ignore.c */
void find_before(struct diagnosis *d);	 /* past.c */
void find_bursts(struct diagnosis *d);	 /* burst.c */
/* Asks one cause, and keeps its answer as that is: engine.c. */
void cause_ask(struct exam *x, const struct cause_row *row);

/* Segments that TCP had to send again although nothing here lost them; false: too few to be told,
 * or something explains them. tcp_elsewhere.c */
bool tcp_lost_elsewhere(struct exam *x, uint64_t *ret_lost, uint64_t *ret_of);

/* SYNs of this host's own connections that were sent again. tcp_elsewhere.c */
uint64_t tcp_own_syns_again(const struct exam *x);
/* So many segments sent again are explained by what this host itself lost; says by what. */
bool tcp_lost_here(struct exam *x, uint64_t lost);
/* tcp_times.c: in ms. How long connect() goes on, and a half-open connection, by their sysctls. */
uint64_t tcp_connect_gives_up_ms(const struct snapshot *s, int64_t retries);
/* When data is given up that was never acknowledged, after that many retries of the least RTO. */
uint64_t tcp_retries_ms(int64_t retries);
/* Causes that need all connections are not examined where --max-sockets left some out. */
bool tcp_all_read(const struct exam *x);
enum outcome tcp_partly_read(struct exam *x);
/* Segments sent again to where connections were given up: estab-timeout has them. tcp_end.c */
uint64_t tcp_given_up_segments(const struct exam *x);
/* Connections that ended because no keepalive probe was answered. tcp_keepalive.c */
uint64_t tcp_keepalive_ended(const struct exam *x);
/* Resets that this host sent on connections it knew, by TCP's events; 0 without. tcp_abort.c */
uint64_t resets_of_connections(const struct exam *x);

/* Shared: causes/subjects.c */
bool tracing(const struct exam *x);
/* Traced packets of other namespaces that match. */
uint64_t traced_elsewhere(const struct exam *x, const struct drop_filter *f);
/*
 * skb->dev is no device any more once a datagram was made ready for its socket's queue (it holds
 * dev_scratch then) or a fragment waits for others, so events of then name no namespace where the
 * kernel does not name the socket: a checksum that is verified at the read, udp_mem before 6.11, a
 * timeout of fragments. The counters do. Takes no more of such packets than `most`.
 */
uint64_t traced_nowhere(struct exam *x, const struct drop_filter *f, uint64_t most);
/* Gives a subject its socket and that socket's owner, as last seen. */
void subject_socket(const struct exam *x, struct subject *s, const struct socket *sk);
/* An explained loss has a subject; an explanation speaks of the first. */
const struct subject *first_of(const struct finding *f);
/* The first subject's socket: "0.0.0.0:53". */
const char *place(const struct finding *f, char *to, size_t size);
/* "dnsdist (812)", "an unknown process" */
const char *owner_text(const struct subject *s, char *to, size_t size);
/* Adds the devices that a filter's traced drops name, each with what it lost. */
void subject_devices(struct exam *x, struct finding *f, const struct drop_filter *filter);
/* Adds the TCP sockets that a filter's traced drops were for, each with what it lost. */
void subject_connections(struct exam *x, struct finding *f, const struct drop_filter *filter);
/* A flow in either direction; a socket of IPv6 may hold a connection of IPv4. */
bool flow_of_connection(const struct drop_flow *flow, const struct socket *sk);
bool flow_matches(const struct drop_flow *flow, const struct drop_filter *filter);
/* Which ports such drops were for, as far as flows tell: the one most asked for, and how many others. */
#define PORTS_MAX 256 /* that are told apart */
struct ports_meant {
	const struct drop_flow *most;
	uint64_t packets, all; /* of that port, of all */
	unsigned int others;
};
struct ports_meant ports_meant(const struct exam *x, const struct drop_filter *filter);
bool is_listener(const struct socket *sk);
uint64_t next_power_of_two(uint64_t n);

/* What became of one socket over a, the looks, and b. */
struct socket_watch {
	unsigned int losing_steps; /* between two samples, in which it lost packets */
	unsigned int amid;	   /* samples with loss before and after them */
	unsigned int amid_full;	   /* of these: buffer at least half full */
	bool full_at_last, full_after; /* half full at the end of the last losing step; one later */
	uint64_t worst_lost; /* packets, in the worst run of losses between which it never emptied */
	int64_t worst_ns;    /* how long that run was */
	unsigned int at_limit;	/* any sample: a listener's queue over its backlog */
	uint32_t peak_rmem, peak_wmem, peak_rqueue;
};
void watch_socket(const struct observation *o, const struct socket *sk, struct socket_watch *ret);
/* The buffer was never found empty while it lost packets: its reader is the limit, not its size. */
bool never_empty(const struct socket_watch *w);
/* A process over the looks and b: how often seen, and how often stopped or frozen. */
struct process_watch {
	unsigned int seen, stopped, frozen;
	const struct process *first, *last;
};
void watch_process(const struct observation *o, int pid, struct process_watch *ret);
#define WAITED_SHARE 0.50 /* of the time: it wanted to run, and another did */
#define USER_HZ 100.0	  /* clock ticks of /proc/PID/stat, include/asm-generic/param.h */
/*
 * A process while one of its sockets lost packets, and only then: what it did before or after is
 * no reason. An end is a sample at which a step with loss began or ended.
 */
struct reader_watch {
	unsigned int ends, stopped, frozen; /* ends at which it was seen; of these */
	unsigned int dawdled; /* asleep with half of its buffer full: it wants no CPU */
	unsigned int blocked; /* in uninterruptible sleep (D): a disk, or memory that was swapped */
	int cpu;	      /* where it was at each end; -1: at several, or not known */
	int64_t losing_ns; /* how long the steps with loss lasted */
	int64_t known_ns;  /* so long of them both ends are known */
	uint64_t ticks, run_delay_ns, major_faults; /* during these */
	struct cpu_limit limit; /* that stopped it most in them and the step after: what was added */
};
/* The quota that stopped a process most often in the whole sample, whatever was lost meanwhile. */
void watch_quota(const struct observation *o, int pid, struct cpu_limit *ret);
void watch_reader(const struct observation *o, const struct socket *sk, int pid,
		  struct reader_watch *ret);
/* Those who read a socket: its holders, but for process 1 and for masters of other holders. */
struct readers {
	unsigned int n, stopped; /* stopped or frozen when packets were lost */
	int stopped_pid;	 /* one of these; 0 none */
	int running_pid;	 /* one of the others */
};
void count_readers(const struct exam *x, const struct subject *s, struct readers *ret);

/* How busy CPUs were: causes/cpus.c */
bool cpu_over(const struct observation *o, unsigned int cpu, struct cpu_times *ret);
bool cpus_over(const struct observation *o, struct cpu_times *ret); /* all together */
/* The same only while a socket lost packets; over everything where the looks do not tell. */
bool cpus_while_losing(const struct observation *o, const struct socket *sk, int cpu,
		       struct cpu_times *ret);
double share_of(uint64_t part, const struct cpu_times *t);
double busy_share(const struct cpu_times *t); /* neither idle nor waiting for a disk */
/* The largest share of softirq that a CPU had over three samples in a row (or over everything). */
double softirq_peak(const struct observation *o, unsigned int cpu);
double busy_peak(const struct observation *o, unsigned int cpu); /* likewise, of all that is not idle */
/* The process of those that fit which used most of a CPU; NULL: none did. */
const struct cpu_task *busiest_task(const struct observation *o, int cpu,
				    bool (*fits)(const struct observation *o, const struct cpu_task *t),
				    double *ret_share);
/* Idle for half of the time or more: so much of it. */
bool cpu_has_time(const struct observation *o, unsigned int cpu, double *ret_idle);
/* All such CPUs other than this one, as a mask and a list. */
#define FREE_CPUS_MAX 1024
struct free_cpus {
	unsigned int n;
	char mask[FREE_CPUS_MAX / 32 * 9]; /* "ff,ffffffff"; "0": none */
	char list[64];
};
void find_free_cpus(const struct observation *o, int but, struct free_cpus *ret);
/* How often an interrupt came to a CPU, or (-1) to all of them. */
uint64_t interrupts_of(const struct observation *o, unsigned int number, int cpu);
/* Is the CPU in a list as "0-3,8"? */
bool cpu_in_list(const char *list, unsigned int cpu);

/*
 * Why a CPU is full of packets: evidence and remedies for the finding, and in a few words, behind
 * ": ", for its headline; "" if nothing of that can be shown. causes/softirq_why.c
 */
#define WHY_SIZE 320
void softirq_why(struct exam *x, struct finding *f, int cpu, const struct link *device, char *why,
		 size_t size);
/* The flow that is nearly all of what a finding lost; NULL if there is none. */
const struct drop_flow *only_flow(const struct finding *f);

/* Queueing disciplines: causes/tc.c */
bool is_queue(const struct qdisc *q); /* ingress and clsact are none */
bool is_shaper(const struct qdisc *q);
/* The one of a device's that dropped most itself; NULL: none did. */
const struct qdisc *losing_queue(struct exam *x, const struct link *link);
/* Where tc finds it: "root", "parent 1:2". */
const char *queue_place(const struct qdisc *q, char *to, size_t size);
/* "root" or "1:2": the same in the key of a change. */
const char *queue_key(const struct qdisc *q, char *to, size_t size);

/* A full buffer or accept queue whose reader is known. Shared: causes/app.c */
bool full_queue_of_process(const struct finding *f, const struct subject *s);

#endif
