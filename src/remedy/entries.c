// SPDX-License-Identifier: GPL-2.0-or-later
#include "remedy/entries.h"

#include <fcntl.h>
#include <unistd.h>

const char *boot_id(char *to, size_t size)
{
	cleanup(cleanup_fd) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, to, size - 1);

	to[n > 0 ? n : 0] = '\0';
	to[strcspn(to, "\n")] = '\0';
	return to;
}

static struct entry *entry_by_id(struct entries *e, uint64_t id)
{
	vec_each(entry, &e->list)
		if (entry->id == id)
			return entry;
	return NULL;
}

const struct run *run_by_id(const struct entries *e, uint64_t id)
{
	vec_each(run, &e->runs)
		if (run->id == id)
			return run;
	return NULL;
}

static void add_run(struct entries *e, const struct journal_record *r)
{
	*vec_push(&e->runs) = (struct run){.id = r->number,
					   .until = journal_number(r, "until"),
					   .time = (int64_t)journal_number(r, "time"),
					   .boot = journal_text(r, "boot")};
}

static void add_change(struct entries *e, const struct journal_record *r)
{
	const struct run *run = run_by_id(e, journal_number(r, "run"));

	*vec_push(&e->list) = (struct entry){.id = r->number,
					     .run = journal_number(r, "run"),
					     .time = run ? run->time : 0,
					     .boot = run ? run->boot : "",
					     .cause = journal_text(r, "cause"),
					     .remedy = journal_text(r, "remedy"),
					     .kind = journal_text(r, "kind"),
					     .key = journal_text(r, "key"),
					     .from = journal_text(r, "from"),
					     .to = journal_text(r, "to"),
					     .other = journal_text(r, "other"),
					     .now = "",
					     .netns = journal_text(r, "netns"),
					     .inode = (uint32_t)journal_number(r, "inode"),
					     .cookie = journal_number(r, "cookie")};
}

static void set_state(struct entries *e, const struct journal_record *r)
{
	static const struct {
		const char *type;
		enum entry_state state;
	} types[] = {{"done", ENTRY_DONE}, {"failed", ENTRY_FAILED}, {"undone", ENTRY_UNDONE},
		     {"gone", ENTRY_GONE}};
	struct entry *entry = entry_by_id(e, journal_number(r, "change"));

	for (size_t i = 0; entry && i < ARRAY_SIZE(types); i++)
		if (strcmp(r->type, types[i].type) == 0) {
			entry->state = types[i].state;
			if (entry->state == ENTRY_DONE)
				entry->now = journal_text(r, "now");
		}
}

void entries_of(const struct journal *j, struct entries *ret)
{
	*ret = (struct entries){0};
	vec_each(r, &j->records) {
		if (strcmp(r->type, "run") == 0)
			add_run(ret, r);
		else if (strcmp(r->type, "change") == 0)
			add_change(ret, r);
		else if (strcmp(r->type, "confirm") != 0)
			set_state(ret, r);
		vec_each(run, &ret->runs)
			run->confirmed |= strcmp(r->type, "confirm") == 0 &&
					  journal_number(r, "run") == run->id;
	}
}

void entries_done(struct entries *e)
{
	vec_done(&e->list);
	vec_done(&e->runs);
}

bool entry_open(const struct entry *e)
{
	return e->state == ENTRY_MEANT || e->state == ENTRY_DONE;
}
