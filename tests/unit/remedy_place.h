/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A namespace of the test's own, changes in it, and what the system's own programs say of them. */
#ifndef WHYDROP_REMEDY_PLACE_H
#define WHYDROP_REMEDY_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "own_netns.h"
#include "remedy/kinds.h"

static struct change_place here;

/* 77 is a skip to the test runner. `commands` make what the tests change. */
static inline int place_set_up(const char *commands)
{
	if (own_netns() < 0 || system("command -v ip tc ethtool > /dev/null") != 0)
		exit(77);
	if (system(commands) != 0)
		return -1;
	return place_open(-1, &here);
}

static int place_tear_down(void **state)
{
	(void)state;
	place_done(&here);
	return 0;
}

/* What a command prints, all of it. */
static inline void said_by(const char *command, struct buf *ret)
{
	FILE *from = popen(command, "r");

	assert_non_null(from);
	buf_clear(ret);
	assert_int_equal(buf_read_fd(ret, fileno(from), 1 << 20), 0);
	assert_int_equal(pclose(from), 0);
	buf_puts(ret, "");
}

static inline void is_now(const struct change_kind *kind, const char *key, const char *value)
{
	cleanup(buf_done) struct buf now = {0};
	int r = kind->read(&here, key, &now);

	if (r < 0)
		fail_msg("%s %s: %s", kind->name, key, errno_name(r));
	if (!change_same(kind, key, value, now.data))
		fail_msg("%s %s is %s, not %s", kind->name, key, now.data, value);
}

static inline void write_it(const struct change_kind *kind, const char *key, const char *to)
{
	int r = kind->write(&here, key, to);

	if (r < 0)
		fail_msg("%s %s to %s: %s", kind->name, key, to, errno_name(r));
}

/*
 * Reads, writes, reads back and restores; `command` must say something else in between, with
 * `sign` in it, and in the end the very same as before.
 */
static inline void there_and_back(const struct change_kind *kind, const char *key, const char *to,
				  const char *command, const char *sign)
{
	cleanup(buf_done) struct buf old = {0};
	cleanup(buf_done) struct buf before = {0};
	cleanup(buf_done) struct buf meanwhile = {0};
	cleanup(buf_done) struct buf after = {0};
	int r;

	r = kind->read(&here, key, &old);
	if (r < 0)
		fail_msg("%s %s: %s", kind->name, key, errno_name(r));
	assert_false(change_same(kind, key, to, old.data));
	said_by(command, &before);
	write_it(kind, key, to);
	is_now(kind, key, to);
	said_by(command, &meanwhile);
	assert_string_not_equal(before.data, meanwhile.data);
	if (!strstr(meanwhile.data, sign))
		fail_msg("no %s in: %s", sign, meanwhile.data);
	write_it(kind, key, old.data);
	is_now(kind, key, old.data);
	said_by(command, &after);
	assert_string_equal(before.data, after.data);
}

#endif
