/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel drop events: a BPF program on the kfree_skb tracepoint adds them up in the kernel. Best
 * rung first: tp_btf, raw tracepoint. Needs CAP_BPF and CAP_PERFMON. The last rung, net_dm, does
 * without BPF and sees less (net_dm.h): model/rungs.def tells what each rung hides.
 */
#ifndef WHYDROP_DROPS_H
#define WHYDROP_DROPS_H

#include "model/drop_event.h"
#include "model/drops.h"

struct drop_tracer;
struct sock_filter;

/* Zeros mean the ladder, the size that suits this machine, every packet and no events. */
struct drop_tracer_options {
	const char *rung; /* only this one, a name in model/rungs.def */
	uint32_t entries; /* of the map of drops; for tests */
	/*
	 * Which packets are meant: a filter of libpcap's for raw IP (DLT_RAW). All are counted, those
	 * that are not meant in rows of their own (struct drop.not_meant), and only the others make events.
	 */
	const struct sock_filter *filter;
	size_t filter_n;
	bool filter_link; /* it is for Ethernet instead (DLT_EN10MB): where the frame still exists */
	/* One record for each packet, as many as the token buckets let through. */
	bool events, stacks;
	/* Whose flows and events are kept, drops being counted in all; 0: of all namespaces. */
	uint32_t netns;
	/* Events of these alone; 0 and NULL: of all. */
	uint32_t events_ifindex;
	const char *events_reason;
	/*
	 * The ladder may end with net_dm, if that is there: which turns on something global, that stays
	 * on if this program is killed. Named as the rung it is used in any case.
	 */
	bool may_switch_on;
	/* Where the rung does not tell a packet's namespace: by its device; 0 unknown. NULL: nobody knows. */
	uint32_t (*netns_of)(uint32_t ifindex, void *arg);
	void *netns_arg;
};

/*
 * Loads and attaches, counting nothing yet. -EPERM without the capabilities, -ENOENT without BTF,
 * -EOPNOTSUPP if the kernel takes none of the programs, -EINVAL if it has no such rung or reason.
 * A filter that cannot be translated gives what filter_translate() says. By net_dm: -EPROTONOSUPPORT
 * where it is not there (its module drop_monitor is never loaded by this), -EBUSY if somebody else
 * uses it.
 */
int drop_tracer_open_with(const struct drop_tracer_options *options, struct drop_tracer **ret);
/* Which rung it stands on ("tp_btf"), for selfcheck. */
const char *drop_tracer_rung(const struct drop_tracer *t);
/* From here on drops are counted, from zero also when it is started again after a read. */
void drop_tracer_start(struct drop_tracer *t);
/* From here on no more, which takes no time; reading may follow when there is some. */
void drop_tracer_stop(struct drop_tracer *t);
/* Stops if need be, and reads what was counted, names resolved. */
int drop_tracer_read(struct drop_tracer *t, struct drops *ret);
/*
 * What was counted since the start or the last call of this, while counting goes on: no packet is
 * lost or told twice between two calls.
 */
int drop_tracer_read_on(struct drop_tracer *t, struct drops *ret);
/*
 * Spares those who send. Refused sends are seen at the end of every send of every program, and that
 * costs it a fiftieth of its time: where programs send more than 200,000 times a second, it is let
 * go for ten seconds, and then tried for a tenth of one. To be called when the time has come that it
 * returned (now_ns and that: CLOCK_MONOTONIC; INT64_MAX: never), and before each reading, which
 * tells how long nobody looked (drops.sends_rested_ns).
 */
int64_t drop_tracer_spare_sends(struct drop_tracer *t, int64_t now_ns);
/*
 * Gives the events that have come so far, names resolved, oldest first; the event is lent. Returns
 * how many, or a negative errno. Events that found no room or no token are in drops.events_missed.
 */
typedef void drop_event_fn(const struct drop_event *event, void *arg);
int drop_tracer_events(struct drop_tracer *t, drop_event_fn *fn, void *arg);
/* A frame of an event that was given, "ip_rcv+0x5a"; "?" for any other address. */
const char *drop_tracer_symbol(const struct drop_tracer *t, uint64_t address);
void drop_tracer_close(struct drop_tracer *t);

#endif
