/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rung "net_dm": the kernel's drop_monitor tells each dropped packet by netlink, and a thread
 * adds them up here, without BPF. What it does not tell: sockets, network
 * namespaces, rules, stacks, and packets without a link header (most of what this host sends).
 * The functions are those of drops.h for this rung.
 */
#ifndef WHYDROP_DROPS_NET_DM_H
#define WHYDROP_DROPS_NET_DM_H

#include "drops/drops.h"

struct net_dm;
struct net_dm_packet;

/* Turns the host's one monitor on: see net_dm_control.h for what goes wrong. */
int net_dm_open(const struct drop_tracer_options *options, struct net_dm **ret);
void net_dm_start(struct net_dm *d);
void net_dm_stop(struct net_dm *d);
int net_dm_read(struct net_dm *d, struct drops *ret);
int net_dm_read_on(struct net_dm *d, struct drops *ret);
int net_dm_events(struct net_dm *d, drop_event_fn *fn, void *arg);
void net_dm_close(struct net_dm *d);

/* Without the kernel, for tests: nothing is turned on, and packets come from net_dm_take(). */
struct net_dm *net_dm_new(const struct drop_tracer_options *options);
void net_dm_take(struct net_dm *d, const struct net_dm_packet *p);

#endif
