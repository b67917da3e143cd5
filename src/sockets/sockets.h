/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `whydrop sockets`: what was read of all sockets, as far as it is kept: sums, the rows of those in
 * most trouble, and what could not be seen. However many there are, of each only an entry in the
 * table of holders is kept.
 */
#ifndef WHYDROP_SOCKETS_H
#define WHYDROP_SOCKETS_H

#include "model/connection.h"
#include "model/snapshot.h"

/* How bad it is, worst last: 0 is none. */
enum socket_class {
	SOCKET_HEALTHY,
	SOCKET_ADVICE,	/* would not notice that its peer is gone, and the like */
	SOCKET_LOST,	/* lost something since it was opened; not now */
	SOCKET_LEAK,	/* nobody will ever use it again */
	SOCKET_WAITING, /* slow, or close to a limit */
	SOCKET_STUCK,	/* nothing moves */
	SOCKET_LOSING,	/* loses packets now */
	SOCKET_CLASSES
};

/* One kind of trouble: facts, and how it is seen on a socket (trouble.c). */
struct socket_trouble {
	const char *id;	   /* "accept-queue-full" */
	const char *cause; /* the row of causes.def that explains it */
	enum socket_class class;
	const char *words; /* "its accept queue is full: connections are refused" */
	const char *unit;  /* of the score: "ms", "bytes", "connections", "packets" */
	/* Whether it is so, and how much of it: compared with others of the same kind. */
	bool (*seen)(const struct socket *sk, uint64_t *ret_score);
	bool unacked; /* its score is how long the oldest data has not been acknowledged instead */
};
extern const struct socket_trouble socket_troubles[]; /* worst first; at most 32 */
extern const size_t socket_troubles_n;

/* A rank is the class, which row of the table, and the score. */
#define RANK_CLASS 56
#define RANK_ROW 48
struct socket_verdict {
	uint32_t troubles; /* bit i: socket_troubles[i]; 0: none */
	uint64_t rank;	   /* the higher the worse; 0: none */
	uint64_t score;	   /* of the worst of them */
	uint64_t unacked_ms; /* tcp_oldest_ms() */
};
/* `s`: what holds for the timers of its namespace. */
void socket_judge(const struct socket *sk, const struct tcp_settings *s, struct socket_verdict *ret);
/* The worst one, NULL if there is none. */
const struct socket_trouble *socket_worst(const struct socket_verdict *v);
const char *socket_class_name(enum socket_class class);

/* False of a unix socket that only /proc/net/unix told of. */
bool sockets_queues_known(const struct socket *sk);

/* Why no process is named. */
enum holder_lack {
	HOLDER_KNOWN,
	HOLDER_KERNEL, /* TIME_WAIT, connection requests, what was closed and is not finished */
	HOLDER_ACCEPT_QUEUE, /* no program has accepted it yet */
	HOLDER_HIDDEN, /* some processes may not be looked into, or not be seen at all */
	HOLDER_NONE, /* of the processes here none: the kernel's own, opened just now, on its way */
	HOLDER_LACKS
};

#define SOCKETS_HOLDERS 8
struct socket_holder {
	int pid;
	char comm[16];
};

struct sockets_row {
	struct socket socket;
	struct socket_verdict verdict;
	size_t space; /* index in spaces */
	/* Those that most likely use it first; holders_all may be more than are named here. */
	struct socket_holder holders[SOCKETS_HOLDERS];
	size_t holders_n, holders_all;
	enum holder_lack lack;
	char name[UNIX_NAME]; /* of a unix socket; "" none */
	const struct process *process; /* of the first holder: unit, cgroup, container; NULL unknown */
};

/* What sums are made by. A part that does not matter for the table is 0. */
struct sockets_key {
	uint32_t id; /* index in spaces (listener), pid (process; 0: nobody is known) */
	uint8_t family, protocol;
	uint16_t port;
	uint8_t address[16]; /* of a peer */
};

struct sockets_sum {
	struct sockets_key key;
	char comm[16]; /* of a process */
	uint32_t sockets, troubled;
	uint32_t states[TCP_STATES];
	uint32_t waiting, backlog; /* of listeners: in their accept queues, and what these hold */
	uint64_t rqueue, wqueue; /* bytes; of listeners none */
	uint32_t rto_us_max, rtt_us_max;
	uint32_t rto_base_us_max; /* before it was doubled by timeouts */
	uint64_t worst; /* rank of the worst of its sockets */
};

enum sockets_by { BY_PROCESS, BY_LISTENER, BY_PEER, SOCKETS_BY_N };

/* A bounded table: what finds no room is counted together. */
struct sockets_sums {
	VEC(struct sockets_sum) list;
	uint32_t *slots; /* index + 1; 0 free */
	size_t slots_n;
	uint64_t others; /* sockets of keys beyond SUMS_MAX */
};
#define SUMS_MAX ((size_t)1 << 16)

/* A namespace that was read. */
struct sockets_space {
	char name[64]; /* as struct netns */
	uint32_t inode;
	int err; /* it could not be read, or not to the end */
	const char *err_what; /* "tcp4"; NULL: the namespace could not be entered */
	int64_t somaxconn; /* -1 unknown */
	uint64_t sockets;
};

/* How it was found out whose they are. */
struct sockets_owners {
	bool by_bpf; /* the task_file iterator; else the links in /proc/PID/fd */
	int bpf_err; /* why not by BPF */
	int err;     /* neither worked */
	uint32_t processes, denied; /* with sockets; could not be looked into */
	bool hidepid;	/* /proc is mounted so that those of others are not even listed */
	bool nested_pids; /* processes outside our pid namespace cannot be seen */
	uint64_t descriptors;
};

/* Whether sockets of a kind could be read. */
enum kind_status {
	KIND_NOT_ASKED, /* not meant by the filter */
	KIND_READ,
	KIND_READ_FILE, /* of /proc, which tells less of them */
	KIND_NOT_IN_KERNEL,
	KIND_NOT_LOADED, /* asking would load a module */
};
struct sockets_kind {
	enum kind_status status;
	int err; /* 0, or why a namespace could not be read */
	uint64_t matched;
};

/* What is bounded by itself, so that no kind hides another: the four tables of IP, and each kind. */
enum sockets_table {
	TABLE_TCP4,
	TABLE_TCP6,
	TABLE_UDP4,
	TABLE_UDP6,
	TABLE_OTHERS, /* from here on by enum socket_kind */
	SOCKETS_TABLES = TABLE_OTHERS + SOCKET_KINDS
};
/* "tcp4", "unix" */
const char *sockets_table_name(size_t table);

struct sockets_report {
	VEC(struct sockets_space) spaces;
	uint64_t seen, matched, troubled; /* all that was read; what the filter means */
	uint64_t tcp[TCP_STATES], udp; /* of these matched */
	struct sockets_kind kinds[SOCKET_KINDS]; /* the others; of SOCKET_INET none */
	uint64_t by_trouble[32]; /* a socket may have several */
	uint64_t lacks[HOLDER_LACKS];
	uint64_t shared; /* held by several processes, and counted at each */
	struct sockets_sums by[SOCKETS_BY_N];
	VEC(struct sockets_row) rows; /* worst first; listeners by port with --listen */
	uint64_t rows_left; /* meant to be shown, too, but there were too many */
	uint32_t cut; /* bits: of these sockets_options.max were read, and there are more */
	bool changing;	    /* the kernel said that a dump was not consistent, each time */
	unsigned int repeated; /* so often it was read again for that */
	struct sockets_owners owners;
	struct snapshot *processes; /* where the rows' process is */
	double seconds; /* reading took so long */
};
void sockets_report_done(struct sockets_report *r);

#endif
