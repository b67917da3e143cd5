/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network namespaces: found by name, by process, or all of them, each once. */
#ifndef WHYDROP_NETNS_H
#define WHYDROP_NETNS_H

#include "collect/host.h"

#define NETNS_MAX 4096

struct netns_list {
	VEC(struct netns) list;
};

/*
 * NAME: a file in /run/netns or /var/run/netns, or "host"; PID: the namespace of that process;
 * NULL: our own. -ENOENT: no such name or process; -EACCES, -EPERM: it may not be entered.
 */
int netns_open(const char *which, struct netns *ret);
/* Our own first, then every other that a bind mount or a process leads to. */
int netns_open_all(struct netns_list *ret);
/* Paths that lead to namespaces, many of them several times, until `visit` has had enough. */
void netns_walk(bool (*visit)(void *arg, const char *path), void *arg);
/* What a namespace is called by such a path; NULL: the path does not tell. */
const char *netns_path_name(const char *path);
void netns_list_done(struct netns_list *l);

#endif
