/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who uses the network: sockets, and the processes that hold them. */
#ifndef WHYDROP_USER_H
#define WHYDROP_USER_H

#include "base/base.h"

enum socket_kind {
	SOCKET_INET,
	SOCKET_RAW,
	SOCKET_PACKET,
	SOCKET_NETLINK,
	SOCKET_UNIX,
	SOCKET_MPTCP,
	SOCKET_KINDS
};
#define UNIX_NAME 109 /* sun_path and a NUL */
/* The kernel's files tell no cookie of these: their inode and this bit. */
#define RAW_COOKIE (UINT64_C(1) << 63)

/* include/net/tcp_states.h; connection requests (NEW_SYN_RECV) are told as STATE_SYN_RECV. */
enum tcp_state {
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT,
	STATE_SYN_RECV,
	STATE_FIN_WAIT1,
	STATE_FIN_WAIT2,
	STATE_TIME_WAIT,
	STATE_CLOSE, /* UDP: not connected */
	STATE_CLOSE_WAIT,
	STATE_LAST_ACK,
	STATE_LISTEN,
	STATE_CLOSING,
	TCP_STATES
};

/* The timer that a TCP socket waits for (inet_diag.c inet_sk_diag_fill, idiag_timer). */
enum tcp_timer {
	TIMER_NONE,
	TIMER_RETRANSMIT, /* RTO, tail loss probe or reordering */
	TIMER_KEEPALIVE, /* told only while nothing waits to be acknowledged */
	TIMER_TIME_WAIT,
	TIMER_PROBE, /* the peer's window is closed (persist) */
};

/* More of struct tcp_info, by the kernel's names without tcpi_; segments where nothing is said. */
struct tcp_numbers {
	uint8_t ca_state; /* TCP_CA_Open, _Disorder, _CWR, _Recovery, _Loss */
	uint8_t retransmits, probes, options, snd_wscale, rcv_wscale;
	bool app_limited; /* delivery_rate was measured while the program sent too little */
	uint32_t ato_us, rcv_mss, advmss, retrans;
	uint32_t last_sent_ms, last_received_ms; /* data; since then */
	uint32_t rcv_ssthresh; /* bytes */
	uint32_t rtt_us, rttvar_us, min_rtt_us, rcv_rtt_us;
	uint32_t ssthresh, cwnd, reordering, reord_seen;
	uint32_t rcv_space; /* bytes */
	uint32_t rcv_ooopack, dsack_dups;
	uint32_t notsent_bytes, snd_wnd; /* bytes; snd_wnd: what the peer offered last */
	uint32_t segs_out, segs_in, data_segs_out, data_segs_in;
	uint32_t delivered, delivered_ce;
	uint64_t rwnd_limited_us;
	uint64_t pacing_rate, delivery_rate; /* bytes per second */
	uint64_t bytes_sent, bytes_received;
};

/*
 * A raw socket has its IP protocol in `protocol` and no ports; a packet socket has its ethertype in
 * local_port and no addresses; a netlink socket has NETLINK_* in `protocol`, and neither. A unix
 * socket has its type (SOCK_STREAM) there, no addresses, and the states of TCP that fit. MPTCP has
 * 0, since its own number is 262, and all else as TCP.
 */
struct socket {
	enum socket_kind kind;
	uint64_t cookie; /* identity; never 0 in a dump */
	uint32_t inode, uid; /* inode 0: no longer owned by a process */
	uint8_t family, protocol, state;
	uint16_t local_port, remote_port;
	uint8_t local[16], remote[16];
	unsigned int ifindex;
	uint32_t rqueue, wqueue; /* bytes; listener: connections waiting, backlog */
	uint32_t rmem, rcvbuf, wmem, sndbuf, forward, wmem_queued, backlog, drops;
	uint32_t retrans_total, lost, unacked; /* tcp_info */
	/* tcp_info: timeouts in a row, the timer now, segments acknowledged out of order; the largest
	 * segment and packet that may be sent; how long ago anything was acknowledged */
	uint32_t backoff, rto_us, sacked, snd_mss, pmtu, last_ack_ms;
	uint64_t bytes_acked, bytes_again; /* tcp_info; bytes_acked counts the SYN as one */
	uint64_t busy_us, sndbuf_limited_us; /* tcp_info: had data to send; and no room for more */
	uint8_t timer, timer_tries; /* enum tcp_timer; how often it ran out in a row */
	uint32_t timer_ms;	    /* until it runs out */
	struct tcp_numbers tcp;	    /* where tcp_known */
	char congestion[16];	    /* "cubic"; "" not asked for */
	bool mem_known, tcp_known;
	bool v6only; /* of IPv6, listening or not connected: takes no IPv4 */
	bool locks_known, rcvbuf_locked, sndbuf_locked; /* of sockets in question: sk_userlocks */
	bool ring; /* of a packet socket: its reader maps a ring, whose losses the kernel does not tell */
};

/* Connections to a listening port whose handshake is not complete (SYN_RECV). */
struct half_open {
	uint8_t family; /* of the dump: a listener of IPv6 may have some in both */
	uint16_t port;
	uint32_t n;
};

/* A CPU quota that holds for a process: of its own cgroup or of one above. */
#define CPU_LIMITS_MAX 4
struct cpu_limit {
	size_t path_n; /* the cgroup: so much of the process's path */
	int64_t quota_us, period_us;
	uint64_t nr_periods, nr_throttled, throttled_ns;
};

/*
 * The container a process lives in, by its cgroup's path; its names are from the engine's own files.
 * "unknown" as engine: some container's id stands in the path, and nothing says whose.
 */
struct container {
	char engine[16]; /* "docker", "containerd", "cri-o", "podman", "lxc", "nspawn"; "": none */
	char id[65];	 /* 64 hex digits; of lxc and nspawn its name; "": a pod alone is known */
	char name[128];	 /* "" not told */
	char pod[40], pod_name[128], pod_namespace[64]; /* of Kubernetes: uid and names; "" none */
};

/* Memory that a process's cgroup, or the nearest above with a limit, may use for sockets. */
struct memory_limit {
	char path[256];
	uint64_t used, limit; /* bytes; limit 0: none. v1: of TCP buffers alone; v2: of everything */
	uint64_t sockets;     /* of these, in socket buffers */
	bool v2;
};

struct process {
	int pid, ppid;
	unsigned int threads; /* 0 unknown */
	char comm[16], state; /* state letter of /proc/PID/stat */
	uint64_t utime, stime; /* clock ticks, all threads */
	uint64_t run_delay_ns; /* waited for a CPU: /proc/PID/schedstat */
	uint64_t major_faults; /* pages that had to be read from a disk first, all threads */
	int cpu;	       /* where its first thread ran last; -1 unknown */
	int nice;	       /* of its first thread: -20 comes first, 19 last */
	char cpus_allowed[64]; /* of its first thread, "0-3,8"; "" unknown */
	uint64_t fds, fds_max; /* open descriptors, and how many it may have; fds_max 0: unknown */
	uint64_t swapped_kib;  /* of its memory */
	struct memory_limit memory; /* at the ends only */
	char cgroup[256], unit[128]; /* path in the cpu (v1) or the unified hierarchy; systemd unit or "" */
	bool cpu_stat_known, frozen;
	uint64_t nr_periods, nr_throttled, throttled_ns; /* of that cgroup or its nearest limited parent */
	int64_t quota_us, period_us; /* -1: unlimited or unknown */
	struct cpu_limit limits[CPU_LIMITS_MAX]; /* nearest first */
	size_t limits_n;
	bool cgroup_v2;		   /* the hierarchy of `cgroup` */
	char freezer[256];	   /* if frozen: the cgroup, in the hierarchy that freezes it */
	bool freezer_v2;
	struct container container;
};

/* Of one socket: which of its buffers a program set (SO_RCVBUF, SO_SNDBUF). */
struct buffer_lock {
	uint32_t inode;
	bool rcvbuf, sndbuf;
};

/* A datagram socket (AF_UNIX) of this host's programs whose queue is full. */
struct unix_queue {
	uint32_t inode;
	char name[108]; /* of its file, or "@..." */
};

struct socket_owner {
	uint32_t inode;
	int pid;
};

#endif
