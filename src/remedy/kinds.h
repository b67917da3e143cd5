/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `whydrop fix` can change: a row for each kind of setting, with one function that reads it
 * and one that writes it. Values are text, as a person would type them; what read() gives, write()
 * takes and brings back exactly that state.
 */
#ifndef WHYDROP_KINDS_H
#define WHYDROP_KINDS_H

#include "base/buf.h"

/*
 * Where a setting is: a network namespace, and the trees to look for it in. A kind's functions are
 * called by a thread that has entered it (place_enter): /proc/sys/net and sockets follow the thread.
 */
struct change_place {
	int ns;		 /* open nsfs file; -1: the thread's own, nothing to enter */
	int home;	 /* where the thread comes from; -1 while it is not inside */
	uint32_t inode;	 /* of the nsfs file */
	uint64_t cookie; /* SO_NETNS_COOKIE: not given twice until the next boot; 0 unknown */
	char name[64];	 /* "host", its name in /run/netns, or "" */
	int proc; /* open /proc */
	int sys;  /* open sysfs that shows this namespace's devices; -1: none could be had */
	int root; /* open "/": configuration files */
};

/* What the user must allow for it besides --apply. */
enum change_needs {
	CHANGE_RESETS_LINK = 1 << 0, /* --allow-link-reset: the device stops for a moment */
	CHANGE_NEEDS_FOR = 1 << 1,   /* --for: it may cut off whoever makes it */
};

struct key_list {
	VEC(char *) list;
};

/* Both functions return 0 or a negative errno: -ENODEV no such device, -ENOENT no such setting
 * here, -EOPNOTSUPP the driver has no such setting, -EINVAL the value (or key) is refused. */
struct change_kind {
	const char *name; /* remedy_change.kind */
	/* The present value, into an empty buffer. */
	int (*read)(const struct change_place *p, const char *key, struct buf *ret);
	int (*write)(const struct change_place *p, const char *key, const char *value);
	/* enum change_needs, or'ed; NULL: none. */
	unsigned int (*needs)(const char *key);
	/* The kernel may round what is written: is that what became of it? NULL: equal texts are. */
	bool (*same)(const char *key, const char *wanted, const char *present);
	/* Keys that the kernel changes along with this one; NULL: none. They are put back as well. */
	int (*along)(const struct change_place *p, const char *key, struct key_list *ret);
	/* A setting of the whole host, whatever the namespace; NULL: of the namespace. */
	bool (*host_wide)(const char *key);
	/* The same in words for a refusal that errno alone does not explain; NULL, or returns NULL. */
	const char *(*refusal)(const char *key, int err);
	/* One line for a file in /etc/sysctl.d; NULL: --persist does not know how. */
	void (*sysctl_line)(const char *key, const char *value, struct buf *ret);
};

extern const struct change_kind *const change_kinds[];
extern const size_t change_kinds_n;
const struct change_kind *change_kind_by_name(const char *name);
bool change_same(const struct change_kind *kind, const char *key, const char *wanted,
		 const char *present);
void key_list_done(struct key_list *l);

/*
 * `ns`: an nsfs file that stays the caller's, or -1 for our own namespace; what the place opens
 * itself is closed by place_done(). Its name is the caller's to fill in.
 */
int place_open(int ns, struct change_place *ret);
void place_done(struct change_place *p);
/* Never leaves the thread in the wrong namespace: if the way back is shut the program ends. */
int place_enter(struct change_place *p);
void place_leave(struct change_place *p);

/* The kinds. */
extern const struct change_kind sysctl_kind; /* "net.ipv4.tcp_sack", "net.ipv4.conf.eth0.rp_filter" */
extern const struct change_kind file_kind; /* "/etc/sysctl.d/NAME": the whole text; "" no such file */
extern const struct change_kind link_kind;  /* "eth0:mtu", "eth0:txqueuelen" */
/* "eth0:ring.rx", "eth0:channels.combined", "eth0:pause.tx", "eth0:coalesce.rx-usecs",
 * "eth0:feature.rx-lro" by the kernel's own name; a switch is "on" or "off". */
extern const struct change_kind ethtool_kind;
extern const struct change_kind qdisc_kind; /* "eth0:root pfifo limit", "eth0:8001:1 fq limit" */
extern const struct change_kind queue_kind; /* "eth0:rx-0:rps_cpus", "eth0:tx-0:xps_cpus" */
extern const struct change_kind irq_kind;   /* "24:smp_affinity_list" */
/* "inet filter input handle 12 tcp dport 443" (before that rule), "... end udp sport 53", "ip f c
 * end meta l4proto 47": "accept" or "" no such rule; "inet filter input policy". */
extern const struct change_kind nft_kind;
/* "iptables-legacy filter INPUT 3 tcp dport 443" (the program's name; before its third rule), "...
 * end protocol 47"; also ip6tables-legacy, iptables-nft and ip6tables-nft. */
extern const struct change_kind iptables_kind;
extern const struct change_kind route_kind; /* "10.9.0.0/16 table 254 metric 100 rto_min" */
extern const struct change_kind socket_kind; /* "pid 812 socket 34567 backlog", by its inode */

#endif
