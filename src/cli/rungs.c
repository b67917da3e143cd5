// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/rungs.h"

#include <errno.h>
#include <linux/capability.h>

#include "cli/privileges.h"
#include "drops/drops.h"
#include "drops/net_dm_control.h"

static bool is_net_dm(const struct rung_row *row)
{
	return strcmp(row->name, "net_dm") == 0;
}

static int try_net_dm(const struct privileges *p)
{
	struct net_dm_control control = {0};
	int fd, err = net_dm_find(&control);

	if (!err && p->known && !privileges_hold(p, CAP_NET_ADMIN))
		err = -EPERM;
	if (!err)
		err = net_dm_listen(&control, &fd);
	if (!err)
		cleanup_fd(&fd);
	return err;
}

static int try_bpf(const char *name)
{
	const struct drop_tracer_options options = {.rung = name};
	struct drop_tracer *tracer;
	int err = drop_tracer_open_with(&options, &tracer);

	if (!err)
		drop_tracer_close(tracer);
	return err;
}

void rungs_try(struct rungs *r, const struct privileges *p)
{
	size_t last = rung_rows_n - 1;

	for (size_t i = 0; i < last; i++)
		r->err[i] = is_net_dm(&rung_rows[i]) ? try_net_dm(p) : try_bpf(rung_rows[i].name);
	r->err[last] = 0;
}

static const struct rung_row *best(const struct rungs *r, bool may_switch_on)
{
	size_t i = 0;

	while (r->err[i] || (!may_switch_on && is_net_dm(&rung_rows[i])))
		i++;
	return &rung_rows[i];
}

const struct rung_row *rungs_best(const struct rungs *r)
{
	return best(r, true);
}

const struct rung_row *rungs_of_diagnose(const struct rungs *r)
{
	return best(r, false);
}

void rung_why_not(const struct rung_row *row, int err, struct buf *to)
{
	static const struct {
		int err;
		const char *why;
	} words[] = {
		{-EPERM, "not permitted"},
		{-ENOENT, "this kernel has no BTF (/sys/kernel/btf/vmlinux)"},
		{-EOPNOTSUPP, "this kernel refuses the program"},
		{-EPROTONOSUPPORT, "drop_monitor is not loaded, or not there for this namespace"},
		{-EBUSY, "somebody else uses it (dropwatch?)"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (words[i].err != err)
			continue;
		buf_printf(to, "%s; needs %s", words[i].why, row->needs);
		return;
	}
	buf_printf(to, "%s; needs %s", strerror(-err), row->needs);
}
