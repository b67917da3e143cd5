// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "cli/socket_detail.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "collect/process.h"
#include "render/json_set.h"
#include "render/socket_words.h"
#include "sockets/flow.h"
#include "sockets/holders.h"

/* What was found in which namespace. */
struct space_found {
	struct netns *ns;
	struct flow_found found;
};

struct finder {
	const struct socket_detail *d;
	struct flow_name name;
	VEC(struct space_found) spaces; /* those with a match */
	size_t all, straight;
	int err; /* of a namespace that could not be read */
	int home;
};

static bool enter(struct finder *f, struct netns *ns, struct host *ret)
{
	int r;

	*ret = (struct host){.ns = ns, .phase = "b"};
	r = host_enter(ret);
	if (r < 0)
		f->err = r;
	return r == 0;
}

static void leave(struct finder *f, struct host *h)
{
	host_leave(h);
	/* To go on elsewhere would be to tell of the wrong one. */
	if (h->ns->fd >= 0 && setns(f->home, CLONE_NEWNET) < 0)
		abort();
}

static void find_in(struct finder *f, struct netns *ns)
{
	struct space_found *space;
	struct host h;
	int r;

	if (!enter(f, ns, &h))
		return;
	space = vec_push(&f->spaces);
	space->ns = ns;
	r = flow_find(&h, &f->name, &space->found);
	leave(f, &h);
	if (r < 0)
		f->err = r;
	f->all += space->found.all;
	f->straight += space->found.straight;
	if (r < 0 || !space->found.all)
		f->spaces.n--;
}

/* ---- none, or several ---- */

static json_t *document(const struct finder *f, json_t *socket)
{
	json_t *j = json_object();

	set(j, "schema", json_string("whydrop.sockets/1"));
	set_text(j, "version", f->d->run->version);
	set(j, "host", render_host_json(f->d->run));
	set(j, "started_at", render_time_json(&f->d->run->started_at));
	set(j, "socket", socket);
	return j;
}

static void print_json(json_t *tree)
{
	json_dumpf(tree, stdout, RENDER_JSON_FLAGS);
	putchar('\n');
	json_decref(tree);
}

static json_t *match_json(const struct netns *ns, const struct socket *sk)
{
	cleanup(buf_done) struct buf local = {0}, remote = {0};
	json_t *j = json_object();

	socket_endpoint_words(sk, false, &local);
	socket_endpoint_words(sk, true, &remote);
	set(j, "kind", json_string(socket_kind_name(sk)));
	set(j, "state", json_string(socket_state_name(sk)));
	set(j, "local", json_string(local.data));
	set(j, "remote", sk->remote_port ? json_string(remote.data) : json_null());
	set(j, "inode", sk->inode ? number(sk->inode) : json_null());
	set(j, "cookie", number(sk->cookie));
	set(j, "netns", filled_or_null(ns->name));
	return j;
}

static void print_match(const struct netns *ns, const struct socket *sk, bool named)
{
	cleanup(buf_done) struct buf local = {0}, remote = {0};

	socket_endpoint_words(sk, false, &local);
	socket_endpoint_words(sk, true, &remote);
	printf("  sk:%-8llx %-4s %-11s %s%s%s%s%s\n", (unsigned long long)sk->cookie,
	       socket_kind_name(sk), socket_state_name(sk), local.data,
	       sk->remote_port ? "-" : "", sk->remote_port ? remote.data : "",
	       named && ns->name[0] ? "  in " : "", named ? ns->name : "");
}

static int several(const struct finder *f, bool named)
{
	json_t *list = f->d->json ? json_array() : NULL, *tree;
	size_t shown = 0;

	complain("sockets: %zu sockets are '%s': name both ends, or its cookie (sk:HEX)", f->all,
		 f->d->flow);
	vec_each(space, &f->spaces)
		for (size_t i = 0; i < space->found.n; i++, shown++)
			if (list)
				json_array_append_new(list, match_json(space->ns,
								       &space->found.matches[i]));
			else
				print_match(space->ns, &space->found.matches[i], named);
	if (list) {
		tree = document(f, json_null());
		set(tree, "matches", list);
		set(tree, "matches_left_out", number(f->all - shown));
		print_json(tree);
	} else if (f->all > shown) {
		printf("  and %zu more\n", f->all - shown);
	}
	return EXIT_USAGE;
}

static int none(const struct finder *f)
{
	if (f->err)
		complain("sockets: no socket '%s' was found, and not all could be read (%s)",
			 f->d->flow, errno_name(f->err));
	else
		complain("sockets: no TCP or UDP socket is '%s' here%s", f->d->flow,
			 f->name.number ? "" : " (any more); whydrop sockets --all lists them");
	return EXIT_USAGE;
}

/* ---- one ---- */

static const char *lack_note(const struct socket *sk, const struct sockets_owners *how)
{
	if (!sk->inode && (sk->state == STATE_ESTABLISHED || sk->state == STATE_CLOSE_WAIT))
		return "no program yet: it waits to be accepted";
	if (!sk->inode)
		return "no process: the kernel alone holds it";
	if (how->err)
		return "not known: /proc cannot be read";
	if (how->denied || how->hidepid || how->nested_pids)
		return "not seen: a process that may not be looked into (privileges, hidepid, or "
		       "another pid namespace)";
	return "no process here: the kernel's own, or on its way from one to another";
}

/* Who holds it, and all that is told; in its namespace. */
static void tell(const struct finder *f, const struct socket *sk, const struct socket_extra *extra,
		 const struct tcp_settings *settings, const struct netns *ns, const char *device)
{
	struct holders holders = {.slots_n = 0};
	struct snapshot *s = xcalloc(1, sizeof(*s));
	struct netns own = {.fd = -1};
	struct host here = {.ns = &own, .phase = "b"};
	struct socket_view v = {.sk = sk, .extra = extra, .settings = settings, .device = device,
				.netns = ns->fd >= 0 ? ns->name : ""};
	struct text_style style = text_style_of(STDOUT_FILENO, f->d->color);
	uint32_t processes[SOCKETS_HOLDERS];
	const struct holding *holding;
	struct buf text = {0};
	size_t n = 0;

	holders_read(&holders, ns->inode, f->d->by_proc);
	holding = holders_find(&holders, sk->inode);
	if (holding)
		v.owners = (unsigned int)holders_of(&holders, holding, processes, &n);
	for (size_t i = 0; i < n; i++)
		vec_push(&s->owners)->pid = holders.processes.items[processes[i]].pid;
	process_read_owners(&here, s);
	v.owner = n ? snapshot_process(s, s->owners.n ? s->owners.items[0].pid : 0) : NULL;
	v.owner_note = n ? "its process has just ended" : lack_note(sk, &holders.how);
	if (f->d->json) {
		print_json(document(f, render_socket_json(&v)));
	} else {
		render_socket_text(&v, &style, &text);
		fwrite(text.data, 1, text.len, stdout);
		buf_done(&text);
	}
	host_leave(&here);
	holders_done(&holders);
	snapshot_done(s);
	free(s);
}

static int one(struct finder *f, const struct space_found *space, const struct socket *which)
{
	char device[IF_NAMESIZE] = "";
	struct tcp_settings settings;
	struct socket_extra extra;
	struct socket sk;
	struct host h;
	int r;

	if (!enter(f, space->ns, &h))
		return none(f);
	r = flow_read(&h, which, &sk, &extra);
	if (r == 0) {
		flow_settings(&h, &sk, &settings);
		if (sk.ifindex)
			if_indextoname(sk.ifindex, device);
	}
	leave(f, &h);
	if (r < 0) {
		complain("sockets: '%s' %s", f->d->flow,
			 r == -ENOENT ? "is gone meanwhile" : read_error_text(r));
		return EXIT_USAGE;
	}
	tell(f, &sk, &extra, &settings, space->ns, device);
	return 0;
}

int socket_detail(const struct socket_detail *d, struct netns_list *spaces)
{
	cleanup(cleanup_fd) int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct finder f = {.d = d, .home = home};
	int status = EXIT_USAGE;

	if (flow_parse(d->flow, &f.name) < 0) {
		complain("sockets: --detail %s: is none of ADDRESS:PORT-ADDRESS:PORT, ADDRESS:PORT, "
			 "*:PORT, an inode, or a cookie (sk:HEX)",
			 d->flow);
		return EXIT_USAGE;
	}
	vec_each(ns, &spaces->list)
		find_in(&f, ns);
	if (!f.all) {
		status = none(&f);
	} else if (f.all > 1 && f.straight != 1) {
		status = several(&f, spaces->list.n > 1);
	} else {
		vec_each(space, &f.spaces)
			if (f.all == 1 || space->found.straight)
				status = one(&f, space,
					     f.all == 1 ? &space->found.matches[0]
							: &space->found.straight_one);
	}
	vec_done(&f.spaces);
	return status;
}
