/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where collectors read from: one network namespace of this machine, or a recording of one. What
 * is read is the kernel's own text or netlink bytes, so that a recording replays through the same
 * collectors.
 *
 * A live host must be used by a thread that has entered its namespace (host_enter): /proc/net,
 * /proc/sys/net and netlink sockets follow the calling thread.
 */
#ifndef WHYDROP_HOST_H
#define WHYDROP_HOST_H

#include "base/buf.h"

struct recording;
struct ethtool_line;
struct nl_sink;

struct netns {
	char name[64]; /* "host" (where process 1 lives), its name in /run/netns, or "" */
	uint32_t inode; /* of its nsfs file: what the kernel calls it */
	int fd; /* open nsfs file; -1: nothing to enter, it is our own or a replay */
};

/*
 * TCP of a namespace at its last look, where none of its connections had anything to tell: no
 * queue, no loss, no half-open one among them. What a namespace is born with is all zero.
 */
struct tcp_idle {
	bool known;
	uint64_t segments[3]; /* in, out, sent again: Tcp.InSegs, OutSegs, RetransSegs */
	size_t connections;
};

/* A folder below /proc, open: most reads are of its neighbours. */
struct proc_folder {
	char path[32]; /* "net/"; "" none */
	int fd;
};
#define PROC_FOLDERS 8

#define LISTENERS_ASKED_MAX 16
struct host {
	struct netns *ns;
	/* Which look this is: "a", "b", "look-3". Names what is read in a recording. */
	char phase[16];
	/* A live host writes what it read here if not NULL; a replay reads from it. */
	struct recording *recording;
	bool replay;
	/* While a namespace is entered: an open nsfs file of the one whydrop began in; 0 none. */
	int home;
	struct tcp_idle tcp_idle;
	uint64_t max_sockets; /* TCP connections to be read at an end of the interval; 0: all */
	/* Ports whose listeners' owners are asked for at the end, full queues or not. */
	uint16_t listeners_asked[LISTENERS_ASKED_MAX];
	unsigned int listeners_asked_n;
	bool wide_known; /* host-wide settings are read with another namespace */
	/* Of the thread that asks: what host_leave() closes. */
	struct proc_folder folders[PROC_FOLDERS];
	struct ethtool_line *ethtool; /* NULL: not opened */
};

struct socket;

/* A listener whose owner is asked for. */
bool host_asks_for(const struct host *h, const struct socket *sk);

/* Moves the calling thread into the namespace; a replay has nothing to enter. */
int host_enter(const struct host *h);
/* Closes what was kept open for it: before the thread goes elsewhere or ends. */
void host_leave(struct host *h);

/* A file below /proc, "net/snmp" or "812/stat". Network files are those of the host's namespace. */
int host_read(struct host *h, const char *path, struct buf *ret);
/*
 * The same, for a setting of the whole host that only the host's own namespace may show: where it
 * is not in the namespace examined it is read where whydrop began.
 */
int host_read_wide(struct host *h, const char *path, struct buf *ret);
/* The same as host_read, anywhere: "/sys/fs/cgroup/...". */
int host_read_abs(struct host *h, const char *path, struct buf *ret);
bool host_exists(struct host *h, const char *path);

/*
 * Sends one netlink request and gathers every reply message, headers included, until NLMSG_DONE
 * (or the single answer). `name` is what the answer is called in a recording. Interrupted dumps
 * are asked again, at most four times.
 */
int host_netlink(struct host *h, const char *name, int protocol, const void *request, size_t length,
		 struct buf *ret);
/*
 * The same in pieces. 100,000 connections are an answer of 45 MB: where it is neither recorded nor
 * replayed it is never held as a whole.
 */
int host_netlink_stream(struct host *h, const char *name, int protocol, const void *request,
			size_t length, struct nl_sink *sink);
/* getsockopt on a raw socket of the family, for legacy iptables; *ret has the size to ask for. */
int host_getsockopt(struct host *h, const char *name, int family, int level, int option,
		    struct buf *ret);
/*
 * SIOCETHTOOL on a device: *data holds the request and then what became of it, as long as it was
 * before. A driver that has more to say than there is room for gives -EFAULT.
 */
int host_ethtool(struct host *h, unsigned int ifindex, const char *what, const char *device,
		 struct buf *data);
void host_ethtool_done(struct host *h);
/*
 * Anything else a collector makes itself, in a recordable form: a live host keeps *text under
 * `name`, a replay replaces *text by what was kept. `err` is kept and given back likewise.
 */
int host_keep(struct host *h, const char *name, int err, struct buf *text);

/* That a source did not answer in time: kept by a live host, found again by a replay. */
void host_note_late(struct host *h, const char *source);
bool host_was_late(struct host *h, const char *source);

#endif
