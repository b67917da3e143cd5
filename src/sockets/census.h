/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The census: every socket of some network namespaces goes through once, as the kernel tells of it,
 * and is gone again: counted, judged, and kept only if it is among the worst.
 */
#ifndef WHYDROP_SOCKETS_CENSUS_H
#define WHYDROP_SOCKETS_CENSUS_H

#include <pthread.h>

#include "collect/netns.h"
#include "sockets/holders.h"
#include "sockets/top.h"

#define SOCKETS_TRIES 3 /* of a census that the kernel says changed meanwhile */

struct sockets_prefix {
	uint8_t family; /* 0: any */
	uint8_t address[16];
	unsigned int bits;
};

/* Which sockets are meant; a part that is 0 means all. */
struct sockets_filter {
	uint32_t states;	/* bits of enum tcp_state; for UDP CLOSE and ESTABLISHED */
	uint16_t port;		/* of either end */
	struct sockets_prefix peer, address; /* address: of either end */
	int pid;
	uint32_t troubles; /* any of them */
	uint32_t kinds;	   /* bits of enum socket_kind */
	uint8_t protocol;  /* of SOCKET_INET */
};
bool sockets_filter_means(const struct sockets_filter *f, const struct socket *sk);
/* "10.0.0.0/8", "2001:db8::1"; -EINVAL */
int sockets_prefix(const char *text, struct sockets_prefix *ret);
/* "listen", "established", "time-wait", as ss and netstat call them; false: no such state */
bool sockets_filter_state(const char *name, struct sockets_filter *f);
/* "tcp", "unix"; false: no such kind */
bool sockets_filter_kind(const char *name, struct sockets_filter *f);
/* The id of a trouble, or of a cause; false: neither. */
bool sockets_filter_cause(const char *id, struct sockets_filter *f);

struct sockets_options {
	struct sockets_filter filter;
	bool listeners;	  /* rows are what waits for others: TCP listeners, UDP without a peer */
	size_t rows_max;  /* 0: none is kept */
	uint64_t max;	  /* sockets that are read of each table of a namespace; 0: all */
	bool by_proc;	  /* holders by /proc, whatever the kernel allows */
	/* Every socket that is meant, as it comes, in place of the rows; NULL: the worst are kept. */
	void (*each)(void *arg, const struct sockets_report *r, const struct sockets_row *row);
	void *arg;
};

/* What the sums need of a socket. */
struct socket_count {
	uint64_t rank;
	uint32_t inode, rqueue, wqueue, rto_us, rto_base_us, rtt_us;
	uint8_t state;
	bool listens;	 /* rqueue and wqueue are connections */
	bool unaccepted; /* without an inode because no program has accepted it */
};

/*
 * The holders are read by a thread of their own while the dump goes on: what is to be known of them
 * is looked up at the end, unless each socket is to be told with its holder at once.
 */
struct census {
	const struct sockets_options *options;
	struct sockets_report *report;
	struct holders holders;
	bool by_proc, reading;
	uint32_t netns; /* of the holders that matter; 0: all */
	pthread_t reader;
	VEC(struct socket_count) pending; /* their holders are not known yet */
	struct top top;
	/* Short ways to the sums: of a process of `holders`, its index in the table + 1; ports of this
	 * namespace that somebody waits at, of TCP and not. */
	uint32_t *process_sums;
	uint64_t waited_at[2][65536 / 64];
	uint64_t taken[SOCKETS_TABLES]; /* of this namespace */
	struct tcp_settings settings;	/* likewise */
	size_t space; /* index of the one that is being read */
	char name[UNIX_NAME]; /* of the unix socket that is being taken */
	bool known;	  /* the holders */
	bool interrupted; /* the kernel said that a dump was not consistent */
	bool last;	  /* then what was read stays as it is: it is not read again */
};

/* Begins to read the holders, or reads them where they are needed at once. */
void census_begin_holders(struct census *c, uint32_t netns);
/* They are known, and do not change any more: what waited for them is counted. */
void census_know_holders(struct census *c);
void census_init(struct census *c, const struct sockets_options *o, struct sockets_report *r);
void census_done(struct census *c);
/* One socket. False: no more of its table are to be read. */
bool census_take(struct census *c, const struct socket *sk);
/* Moves the rows into the report, worst first, and tells who holds them. */
void census_finish(struct census *c, struct host *h);

/* TCP and UDP of one namespace, which the thread has entered. */
int census_read_inet(struct census *c, struct host *h);
/* MPTCP, unix, raw, packet and netlink sockets; what could not be read is in report->kinds. */
void census_read_kinds(struct census *c, struct host *h);

/* All of it: the namespaces are entered one by one, and left again. */
void sockets_read(const struct sockets_options *o, struct netns *spaces, size_t n,
		  struct sockets_report *ret);

#endif
