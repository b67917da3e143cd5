// SPDX-License-Identifier: GPL-2.0-or-later
#include "sockets/holders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/parse.h"
#include "collect/process.h"
#include "drops/task_files.h"
#include "sockets/sums.h"

#define SLOTS_FIRST ((size_t)1024)
#define FIRST_PID_NAMESPACE 4026531836u /* PROC_PID_INIT_INO, include/linux/proc_ns.h */
#define MOUNTS_MAX ((size_t)16 << 20)

/*
 * Sockets that were made together have inodes in a row, and are held by one process: eight of them
 * stay neighbours, and come out of memory together.
 */
static size_t home_of(const struct holders *h, uint32_t inode)
{
	uint32_t row = inode >> 3;

	return (sockets_hash(&row, sizeof(row)) << 3 | (inode & 7)) & (h->slots_n - 1);
}

void holders_expect(const struct holders *h, uint32_t inode)
{
	if (h->slots_n)
		__builtin_prefetch(&h->slots[home_of(h, inode)]);
}

static size_t slot_of(const struct holders *h, uint32_t inode)
{
	size_t at = home_of(h, inode);

	while (h->slots[at].inode && h->slots[at].inode != inode)
		at = (at + 1) & (h->slots_n - 1);
	return at;
}

static void grow(struct holders *h)
{
	struct holding *old = h->slots;
	size_t old_n = h->slots_n;

	h->slots_n = old_n ? old_n * 2 : SLOTS_FIRST;
	h->slots = xcalloc(h->slots_n, sizeof(*h->slots));
	for (size_t i = 0; i < old_n; i++)
		if (old[i].inode)
			h->slots[slot_of(h, old[i].inode)] = old[i];
	free(old);
}

void holders_add_process(struct holders *h, int pid, const char *comm)
{
	struct socket_holder *p = vec_push(&h->processes);

	p->pid = pid;
	snprintf(p->comm, sizeof(p->comm), "%s", comm);
}

static void add_other(struct holders *h, struct holding *holding, uint32_t process)
{
	struct holding_others *o;

	if (!holding->others) {
		vec_push(&h->others);
		holding->others = (uint32_t)h->others.n;
	}
	o = &h->others.items[holding->others - 1];
	if (o->n && o->last == process)
		return;
	o->last = process;
	if (o->n < ARRAY_SIZE(o->processes))
		o->processes[o->n] = process;
	o->n++;
}

void holders_add_socket(struct holders *h, uint32_t inode)
{
	struct holding *holding;
	uint32_t process;

	if (!h->processes.n || !inode)
		return;
	process = (uint32_t)h->processes.n - 1;
	h->how.descriptors++;
	if (h->used * 2 >= h->slots_n)
		grow(h);
	holding = &h->slots[slot_of(h, inode)];
	if (!holding->inode) {
		h->used++;
		*holding = (struct holding){.inode = inode, .first = process};
	} else if (holding->first != process) {
		add_other(h, holding, process);
	}
}

const struct holding *holders_find(const struct holders *h, uint32_t inode)
{
	const struct holding *holding;

	if (!h->slots_n || !inode)
		return NULL;
	holding = &h->slots[slot_of(h, inode)];
	return holding->inode ? holding : NULL;
}

size_t holders_of(const struct holders *h, const struct holding *holding,
		  uint32_t ret[SOCKETS_HOLDERS], size_t *ret_n)
{
	const struct holding_others *o;

	ret[0] = holding->first;
	*ret_n = 1;
	if (!holding->others)
		return 1;
	o = &h->others.items[holding->others - 1];
	for (size_t i = 0; i < MIN(o->n, ARRAY_SIZE(o->processes)); i++)
		ret[(*ret_n)++] = o->processes[i];
	return 1 + (size_t)o->n;
}

/* ---- both ways to read them ---- */

static void walk_holder(struct socket_walk *w, int pid, const char *comm)
{
	holders_add_process(w->arg, pid, comm);
}

static void walk_socket(struct socket_walk *w, uint32_t inode, int fd)
{
	(void)fd;
	holders_add_socket(w->arg, inode);
}

static void forget(struct holders *h)
{
	struct sockets_owners how = h->how;

	holders_done(h);
	h->how = how;
	h->how.descriptors = 0;
}

/* "proc /proc proc rw,...,hidepid=2 0 0" or hidepid=invisible; hidepid=0 and =off hide nothing. */
static bool proc_hides(void)
{
	cleanup(buf_done) struct buf text = {0};
	cleanup(cleanup_fd) int fd = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
	struct span rest, line, device, where, type, options, option;
	bool hides = false;

	if (fd < 0 || buf_read_fd(&text, fd, MOUNTS_MAX) < 0)
		return false;
	rest = (struct span){text.data, text.len};
	while (next_line(&rest, &line)) {
		if (!next_field(&line, &device) || !next_field(&line, &where) ||
		    !next_field(&line, &type) || !next_field(&line, &options) ||
		    !span_is(where, "/proc") || !span_is(type, "proc"))
			continue;
		hides = false; /* of several mounted over each other the last one is seen */
		while (next_split(&options, ',', &option))
			hides |= option.n > 8 && !memcmp(option.p, "hidepid=", 8) &&
				 !span_is(option, "hidepid=0") && !span_is(option, "hidepid=off");
	}
	return hides;
}

static bool is_nested(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != FIRST_PID_NAMESPACE;
}

static void read_proc(struct holders *h)
{
	struct socket_walk w = {.holder = walk_holder, .socket = walk_socket, .arg = h};

	h->how.err = owners_each(&w);
	h->how.denied = w.denied;
	h->how.hidepid = proc_hides();
}

void holders_read(struct holders *h, uint32_t netns, bool by_proc)
{
	struct socket_walk w = {.holder = walk_holder, .socket = walk_socket, .arg = h};

	h->how.nested_pids = is_nested();
	h->how.bpf_err = by_proc ? -ECANCELED : task_files_each(netns, &w);
	h->how.by_bpf = h->how.bpf_err == 0;
	if (!h->how.by_bpf) {
		forget(h);
		read_proc(h);
	}
	h->how.processes = (uint32_t)h->processes.n;
}

void holders_done(struct holders *h)
{
	vec_done(&h->processes);
	vec_done(&h->others);
	free(h->slots);
	*h = (struct holders){0};
}
