// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/watch_asked.h"

#include <ctype.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>

#include "base/words.h"
#include "cli/packet_filter.h"
#include "collect/process.h"
#include "drops/reasons.h"

#define NEAREST 3

/* ---- the packet filter ---- */

static bool take_expression(struct watch_asked *a)
{
	struct bpf_program program;

	if (!a->expression)
		return true;
	if (!a->expression[strspn(a->expression, " \t\n")]) {
		buf_puts(&a->refusal, "the filter is empty");
		return false;
	}
	if (packet_filter_compile(a->expression, DLT_RAW, &program, &a->refusal)) {
		a->program_n = program.bf_len;
		a->program = xcalloc(a->program_n, sizeof(*a->program));
		for (size_t i = 0; i < a->program_n; i++)
			a->program[i] = (struct sock_filter){
				.code = program.bf_insns[i].code, .jt = program.bf_insns[i].jt,
				.jf = program.bf_insns[i].jf, .k = program.bf_insns[i].k};
		pcap_freecode(&program);
		a->filter.packets = a->expression;
		return true;
	}
	buf_puts(&a->refusal, " (see pcap-filter(7); it sees packets from the IP header on)");
	return false;
}

/* ---- names ---- */

struct near {
	const char *wanted;
	struct buf found;
	unsigned int n;
};

static void consider(struct near *near, const char *name)
{
	if (near->n >= NEAREST || !(word_near(near->wanted, name) || strstr(name, near->wanted)))
		return;
	buf_printf(&near->found, "%s%s", near->n++ ? ", " : "", name);
}

static void refuse_name(struct watch_asked *a, const char *option, const char *what,
			struct near *near, const char *list)
{
	buf_printf(&a->refusal, "%s %s: there is no such %s", option, near->wanted, what);
	if (near->n)
		buf_printf(&a->refusal, "; %s", near->found.data);
	else
		buf_printf(&a->refusal, "; %s", list);
	buf_done(&near->found);
}

static bool take_cause(struct watch_asked *a)
{
	struct near near = {.wanted = a->cause};

	a->filter.cause = a->cause;
	if (!a->cause || cause_by_id(a->cause))
		return true;
	for (size_t i = 0; i < cause_rows_n; i++)
		consider(&near, cause_rows[i].id);
	refuse_name(a, "--cause", "cause", &near, "whydrop explain --list has all");
	return false;
}

static bool take_reason(struct watch_asked *a)
{
	static const char prefix[] = "SKB_DROP_REASON_";
	struct near near = {.wanted = a->reason_name};
	size_t skip;

	if (!a->reason)
		return true;
	skip = strncasecmp(a->reason, prefix, sizeof(prefix) - 1) == 0 ? sizeof(prefix) - 1 : 0;
	snprintf(a->reason_name, sizeof(a->reason_name), "%s", a->reason + skip);
	for (char *c = a->reason_name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	a->filter.reason = a->reason_name;
	if (reason_row(a->reason_name) || reasons_kernel_has(a->reason_name))
		return true;
	for (size_t i = 0; i < reason_rows_n; i++)
		consider(&near, reason_rows[i].name);
	refuse_name(a, "--reason", "drop reason", &near, "whydrop explain --list has all");
	return false;
}

/* ---- the process and the device ---- */

void watch_asked_refresh(struct watch_asked *a)
{
	struct inodes held = {0};

	if (!a->pid)
		return;
	process_sockets((int)a->pid, &held);
	vec_each(inode, &held.list) {
		bool known = false;

		vec_each(other, &a->filter.inodes)
			known |= *other == *inode;
		if (!known)
			*vec_push(&a->filter.inodes) = *inode;
	}
	vec_done(&held.list);
}

static bool take_pid(struct watch_asked *a)
{
	if (!a->pid)
		return true;
	if (kill((pid_t)a->pid, 0) < 0 && errno == ESRCH) {
		buf_printf(&a->refusal, "--pid %u: no such process", a->pid);
		return false;
	}
	a->filter.pid = (int)a->pid;
	snprintf(a->netns, sizeof(a->netns), "%u", a->pid);
	watch_asked_refresh(a);
	return true;
}

bool watch_asked_begin(struct watch_asked *a)
{
	return take_cause(a) && take_reason(a) && take_pid(a) && take_expression(a);
}

bool watch_asked_fits(const struct diagnosis *d, void *asked)
{
	struct watch_asked *a = asked;
	const char *between = "; there are ";

	a->filter.device = a->device;
	vec_each(o, &d->observations)
		if (snapshot_link_named(&o->a, a->device))
			return true;
	buf_printf(&a->refusal, "--device %s: there is no such device here", a->device);
	vec_each(o, &d->observations)
		vec_each(link, &o->a.links) {
			buf_printf(&a->refusal, "%s%s", between, link->name);
			between = ", ";
		}
	return false;
}

void watch_asked_done(struct watch_asked *a)
{
	free(a->program);
	vec_done(&a->filter.inodes);
	buf_done(&a->refusal);
}
