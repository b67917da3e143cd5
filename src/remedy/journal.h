/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `whydrop fix` did and is about to do, on disk before it is done. A text file that only
 * grows, one record a line:
 *
 *	NUMBER TYPE NAME=VALUE... #CHECKSUM
 *
 * Bytes of values that are no printable ASCII, blanks and percent signs stand as %XX. The checksum
 * is SipHash-2-4 with a key of zeros over what is before it: it finds damage, it is no signature.
 * A record is on disk (fsync) when journal_commit() comes back. A damaged or cut record is told with
 * its line and costs no other one.
 */
#ifndef WHYDROP_JOURNAL_H
#define WHYDROP_JOURNAL_H

#include "base/buf.h"

#define JOURNAL_FOLDER "/var/lib/whydrop"
#define JOURNAL_PATH JOURNAL_FOLDER "/journal"

struct journal_field {
	char *name, *value;
};

struct journal_record {
	uint64_t number; /* from 1, without gaps */
	char type[16];
	VEC(struct journal_field) fields;
};

enum journal_damage_kind {
	JOURNAL_CUT,	 /* the last record has no end: what it announced was not begun */
	JOURNAL_BROKEN,	 /* its checksum is wrong */
	JOURNAL_MISSING, /* numbers are left out before this line */
};

struct journal_damage {
	enum journal_damage_kind kind;
	uint64_t line;	      /* from 1 */
	uint64_t first, last; /* JOURNAL_MISSING: the numbers */
};

struct journal {
	int fd; /* -1: not to be written, or there is none */
	VEC(struct journal_record) records;
	VEC(struct journal_damage) damage;
	uint64_t next; /* number of the next record */
	bool torn;     /* the last line has no end */
	struct buf pending;
};

/*
 * With `write` the file is made, with its folder, and locked: -EWOULDBLOCK while another one has it.
 * A missing file is an empty journal otherwise. -EBADMSG: this is no journal; -EPERM: it, or its
 * folder, is another user's or may be written by others; -EFBIG: more than 16 MiB.
 */
int journal_open(const char *path, bool write, struct journal *ret);
void journal_done(struct journal *j);

/*
 * A record with pairs of name and value, ended by NULL; returns its number. Nothing is written
 * before journal_commit(), which writes all of them at once and returns when they are on disk.
 */
uint64_t journal_put(struct journal *j, const char *type, ...) __attribute__((sentinel));
int journal_commit(struct journal *j);

/* Reads the text of a journal; for journal_open(), and for tests. */
void journal_parse(struct journal *j, const char *text, size_t length);

/* "" where it has no such field. */
const char *journal_text(const struct journal_record *r, const char *name);
/* 0 where it is none. */
uint64_t journal_number(const struct journal_record *r, const char *name);

/* A number as text, for journal_put() in one expression. */
struct journal_digits {
	char s[24];
};
struct journal_digits journal_digits(uint64_t n);

#endif
