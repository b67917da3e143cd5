// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "cli/watch_packets.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "collect/process.h"
#include "render/fmt.h"
#include "render/json_parts.h"

#define INITIAL_PID_NAMESPACE 0xEFFFFFFCU /* include/linux/proc_ns.h PROC_PID_INIT_INO */

bool packets_take_stdout(const struct packets_asked *a)
{
	return a->path && strcmp(a->path, "-") == 0;
}

/* Nothing is hidden from us: of a socket that no process holds it may be said. */
static bool sees_every_process(void)
{
	struct stat st;
	DIR *first = opendir("/proc/1/fd");

	if (!first)
		return false;
	closedir(first);
	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == INITIAL_PID_NAMESPACE;
}

int watch_packets_begin(struct watch_packets *p, const struct packets_asked *asked,
			const struct watch_filter *filter, bool all, const struct report *r)
{
	p->asked = asked;
	p->initial_pids = sees_every_process();
	watch_events_init(&p->events, filter, all);
	return asked->path ? drop_file_open(&p->file, asked->path, r) : 0;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

struct draining {
	struct watch_events *to;
	int64_t wall_ns; /* ahead of CLOCK_MONOTONIC; the time of day may be set meanwhile */
};

static void take(const struct drop_event *event, void *arg)
{
	struct draining *d = arg;

	watch_events_add(d->to, event, d->wall_ns);
}

void watch_packets_drain(struct watch_packets *p)
{
	struct draining d = {&p->events, clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC)};

	if (p->tracer)
		drop_tracer_events(p->tracer, take, &d);
}

/* ---- owners that the diagnosis did not look for ---- */

static bool command_of(int pid, char *to, size_t size)
{
	cleanup(cleanup_fd) int fd = -1;
	char path[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, to, size - 1);
	if (n <= 0)
		return false;
	to[n] = '\0';
	to[strcspn(to, "\n")] = '\0';
	return true;
}

/* Lines "INODE PID", those most likely to read from it first. */
static void take_holders(struct watch_packets *p, struct span text, struct inodes *wanted)
{
	struct span line;

	while (next_line(&text, &line)) {
		struct span inode_text, pid_text;
		uint64_t inode, pid;
		char comm[17];

		if (!next_field(&line, &inode_text) || !next_field(&line, &pid_text) ||
		    parse_u64(inode_text, UINT32_MAX, &inode) < 0 ||
		    parse_u64(pid_text, INT32_MAX, &pid) < 0)
			continue;
		vec_each(one, &wanted->list) {
			if (*one != inode || !command_of((int)pid, comm, sizeof(comm)))
				continue;
			watch_events_holder(&p->events, (uint32_t)inode, (int)pid, comm);
			*one = 0; /* found; others that hold it too are not told */
		}
	}
}

static void find_owners(struct watch_packets *p, const struct diagnosis *d)
{
	struct watch_inodes unowned = {0};
	struct inodes wanted = {0};
	cleanup(buf_done) struct buf text = {0};
	char path[32];

	vec_each(h, &p->events.holders) {
		snprintf(path, sizeof(path), "/proc/%d", h->pid);
		h->doubted = !h->gone && access(path, F_OK) < 0;
	}
	watch_events_unowned(&p->events, d, &unowned);
	wanted.list.items = unowned.list.items;
	wanted.list.n = unowned.list.n;
	if (unowned.list.n && owners_find(&wanted, true, &text) == 0) {
		take_holders(p, (struct span){text.data, text.len}, &wanted);
		vec_each(one, &wanted.list)
			if (*one && p->initial_pids)
				watch_events_holder(&p->events, *one, 0, NULL);
	}
	vec_done(&unowned.list);
}

/* ---- telling ---- */

static const char *frame(uint64_t address, void *arg)
{
	return drop_tracer_symbol(arg, address);
}

static void print(struct watch_packets *p, const struct packet_event *packet)
{
	const struct packet_style style = {
		.text = p->text, .frame = frame, .frame_arg = p->tracer};
	json_t *tree;
	char *line;

	if (!p->json) {
		render_packet(packet, &style, &p->out);
		return;
	}
	tree = render_packet_json(packet, &style);
	line = json_dumps(tree, JSON_COMPACT);
	json_decref(tree);
	buf_puts(&p->out, line ? line : "");
	buf_puts(&p->out, "\n");
	free(line);
}

static void complain_of(const struct drop_file *f)
{
	complain("watch: %s: cannot be written any further (%s): it ends with its last whole packet, "
		 "counting goes on",
		 f->path, errno_name(f->err));
}

static bool tell(const struct packet_event *packet, void *arg)
{
	struct watch_packets *p = arg;

	if (drop_file_add(&p->file, packet) < 0 && !p->live)
		complain_of(&p->file);
	if (p->asked->events && !packets_take_stdout(p->asked))
		print(p, packet);
	return !p->asked->count || p->events.told < p->asked->count;
}

bool watch_packets_tell(struct watch_packets *p, struct diagnosis *d, const struct watch *w,
			bool last)
{
	bool written;

	find_owners(p, d);
	watch_events_judge(&p->events, d, w);
	buf_clear(&p->out);
	watch_events_tell(&p->events, last, tell, p);
	written = fwrite(p->out.data, 1, p->out.len, stdout) == p->out.len && fflush(stdout) == 0;
	return written && (!p->asked->count || p->events.told < p->asked->count);
}

void watch_packets_end(struct watch_packets *p, const struct watch *w)
{
	const struct drop_file *f = &p->file;
	bool had_file = f->file;
	uint64_t missed = 0;
	int err = drop_file_close(&p->file, w);

	if (f->err && p->live)
		complain_of(f);
	if (err)
		complain("watch: %s: %s", f->path, errno_name(err));
	vec_each(m, &w->events_missed)
		missed += m->packets;
	if (had_file && !p->json) {
		fprintf(stderr, "%s packets in %s", fmt_count(f->written).s,
			packets_take_stdout(p->asked) ? "the capture" : f->path);
		if (f->unreadable)
			fprintf(stderr, ", and not %s that had no header left",
				fmt_count(f->unreadable).s);
		if (missed)
			fprintf(stderr, "; %s more were counted only", fmt_count(missed).s);
		fputs("\n", stderr);
	}
	watch_events_done(&p->events);
	buf_done(&p->out);
}

static json_t *file_json(const struct drop_file *f)
{
	json_t *j;

	if (!f->path)
		return json_null();
	j = json_object();
	json_object_set_new(j, "path", text_or_null(f->path));
	json_object_set_new(j, "packets", number(f->written));
	json_object_set_new(j, "unreadable", number(f->unreadable));
	json_object_set_new(j, "errno", text_or_null(f->err ? errno_name(f->err) : NULL));
	return j;
}

json_t *watch_packets_json(const struct watch_packets *p)
{
	json_t *j = json_object();

	json_object_set_new(j, "told", number(p->events.told));
	json_object_set_new(j, "expected", number(p->events.expected));
	json_object_set_new(j, "not_meant", number(p->events.others));
	json_object_set_new(j, "file", file_json(&p->file));
	return j;
}
