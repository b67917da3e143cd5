/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the records of a journal add up to: runs of `fix --apply`, and what became of each change.
 *
 *	run	time boot until (seconds since 1970; 0: no dead man's switch) netns
 *	sample, loss, count	what was measured before, see verify.h
 *	change	run cause remedy kind key from to other inode cookie netns
 *	done	change now	failed	change error	undone	change	gone	change
 *	confirm	run
 */
#ifndef WHYDROP_ENTRIES_H
#define WHYDROP_ENTRIES_H

#include "remedy/journal.h"

enum entry_state {
	ENTRY_MEANT, /* announced; the program ended before it said what became of it */
	ENTRY_DONE,
	ENTRY_FAILED,
	ENTRY_UNDONE,
	ENTRY_GONE, /* its namespace is */
};

/* Texts belong to the journal. */
struct entry {
	uint64_t id, run;
	int64_t time; /* seconds since 1970, of its run */
	const char *cause, *remedy, *kind, *key, *from, *to;
	const char *other; /* along with another key: what the kernel puts there when that is undone */
	const char *now;   /* what the kernel made of `to`; "" not known */
	const char *boot, *netns;
	uint32_t inode;
	uint64_t cookie;
	enum entry_state state;
};

struct run {
	uint64_t id, until;
	int64_t time;
	const char *boot;
	bool confirmed;
};

struct entries {
	VEC(struct entry) list; /* oldest first */
	VEC(struct run) runs;
};

void entries_of(const struct journal *j, struct entries *ret);
void entries_done(struct entries *e);
/* It may stand in the kernel. */
bool entry_open(const struct entry *e);
const struct run *run_by_id(const struct entries *e, uint64_t id);
/* /proc/sys/kernel/random/boot_id; "" unknown. */
const char *boot_id(char *to, size_t size);

#endif
