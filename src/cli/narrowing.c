// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/narrowing.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "collect/process.h"

static bool narrowing_given(const struct narrowing *n)
{
	return n->pid || n->port || n->peer || n->device;
}

/* Sockets come and go: those before and those after the sample are the process's. */
static void add_sockets(struct narrowing *n)
{
	struct inodes held = {0};
	int r = process_sockets(n->narrow.pid, &held);

	vec_each(inode, &held.list)
		*vec_push(&n->narrow.inodes) = *inode;
	vec_done(&held.list);
	n->narrow.inodes_complete = r == 0;
}

bool narrowing_begin(struct narrowing *n)
{
	struct narrow *to = &n->narrow;

	to->pid = (int)n->pid;
	to->port = (uint16_t)n->port;
	if (n->peer && narrow_parse_peer(to, n->peer) < 0) {
		buf_printf(&n->refusal, "--peer %s: is no address (10.0.0.1, 10.0.0.0/8, 2001:db8::1)",
			   n->peer);
		return false;
	}
	if (n->device && strlen(n->device) >= sizeof(to->device)) {
		buf_printf(&n->refusal, "--device %s: is no name of a device", n->device);
		return false;
	}
	snprintf(to->device, sizeof(to->device), "%s", n->device ? n->device : "");
	if (!n->pid || !n->live)
		return true;
	if (kill(to->pid, 0) < 0 && errno == ESRCH) {
		buf_printf(&n->refusal, "--pid %u: no such process", n->pid);
		return false;
	}
	snprintf(n->netns, sizeof(n->netns), "%u", n->pid);
	add_sockets(n);
	return true;
}

static bool has_device(const struct snapshot *s, const char *name)
{
	vec_each(link, &s->links)
		if (strcmp(link->name, name) == 0)
			return true;
	return false;
}

bool narrowing_fits(const struct diagnosis *d, void *narrowing)
{
	struct narrowing *n = narrowing;
	const char *between = "; there are ";

	if (!n->device)
		return true;
	vec_each(o, &d->observations)
		if (has_device(&o->a, n->device) || has_device(&o->b, n->device))
			return true;
	buf_printf(&n->refusal, "--device %s: there is no such device here", n->device);
	vec_each(o, &d->observations)
		vec_each(link, o->b.links.n ? &o->b.links : &o->a.links) {
			buf_printf(&n->refusal, "%s%s", between, link->name);
			between = ", ";
		}
	return false;
}

static bool knows_process(const struct diagnosis *d, int pid)
{
	vec_each(o, &d->observations) {
		if (snapshot_process(&o->a, pid) || snapshot_process(&o->b, pid))
			return true;
		vec_each(look, &o->looks)
			if (snapshot_process(look, pid))
				return true;
	}
	return false;
}

bool narrowing_apply(struct narrowing *n, struct diagnosis *d)
{
	if (!narrowing_given(n))
		return true;
	/* A recording was not asked ahead. */
	if (!n->live && !narrowing_fits(d, n))
		return false;
	if (n->pid && !n->live && !knows_process(d, n->narrow.pid)) {
		buf_printf(&n->refusal, "--pid %u: the recording knows no such process; it holds those "
			   "whose sockets were in trouble", n->pid);
		return false;
	}
	if (n->pid && n->live)
		add_sockets(n);
	d->narrow = &n->narrow;
	return true;
}

void narrowing_done(struct narrowing *n)
{
	narrow_done(&n->narrow);
	buf_done(&n->refusal);
}
