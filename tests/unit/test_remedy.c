// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes and their journal in a namespace of the test's own. The calls that touch the disk or a
 * setting are wrapped (ld --wrap): a child kills itself with SIGKILL before or after the Nth of
 * them, and what the journal then holds must bring back exactly the old state.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "own_netns.h"
#include "remedy/apply.h"

static struct change_place here;
/* In memory: a disk that is synced a thousand times takes seconds. */
static char folder[] = "/dev/shm/whydrop-remedy.XXXXXX", path[64];

/* --- faults --- */

static int calls_left = -1; /* until the one that is the last; -1: no fault */
static bool die_before;
static int fail_with; /* instead of dying: every call from then on fails so */

static bool falters(void)
{
	if (calls_left < 0 || calls_left-- > 0)
		return false;
	if (!fail_with && die_before)
		raise(SIGKILL);
	calls_left = fail_with ? 0 : -1;
	return true;
}

#define FAULTY(call)                                                                               \
	do {                                                                                       \
		bool now = falters();                                                              \
		if (now && fail_with) {                                                            \
			errno = fail_with;                                                         \
			return -1;                                                                 \
		}                                                                                  \
		r = (call);                                                                        \
		if (now)                                                                           \
			raise(SIGKILL);                                                            \
	} while (0)

int __real_open64(const char *name, int flags, ...);
int __wrap_open64(const char *name, int flags, ...);
int __real_openat64(int at, const char *name, int flags, ...);
int __wrap_openat64(int at, const char *name, int flags, ...);
ssize_t __real_write(int fd, const void *data, size_t n);
ssize_t __wrap_write(int fd, const void *data, size_t n);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int at, const char *from, int to_at, const char *to);
int __wrap_renameat(int at, const char *from, int to_at, const char *to);

int __wrap_openat64(int at, const char *name, int flags, ...)
{
	int r;

	FAULTY(__real_openat64(at, name, flags, 0600));
	return r;
}

int __wrap_open64(const char *name, int flags, ...)
{
	int r;

	FAULTY(__real_open64(name, flags, 0600));
	return r;
}

ssize_t __wrap_write(int fd, const void *data, size_t n)
{
	ssize_t r;

	/* A journal's write can be cut anywhere: half of it is there. */
	if (calls_left == 0 && die_before && !fail_with && n > 40 && __real_write(fd, data, n / 2) > 0)
		raise(SIGKILL);
	FAULTY(__real_write(fd, data, n));
	return r;
}

int __wrap_fsync(int fd)
{
	int r;

	FAULTY(__real_fsync(fd));
	return r;
}

int __wrap_renameat(int at, const char *from, int to_at, const char *to)
{
	int r;

	FAULTY(__real_renameat(at, from, to_at, to));
	return r;
}

/* --- a plan --- */

static char file[80];
static const struct {
	const char *kind, *key, *from, *to;
} wanted[] = {
	{"sysctl", "net.core.somaxconn", "100", "4096"},
	{"sysctl", "net.ipv4.ip_forward", "0", "1"}, /* and with it conf.lo.forwarding, which is 1 */
	{"sysctl", "net.ipv4.tcp_rmem", "4096 100000 200000", "4096 131072 6291456"},
	{"file", file, "", "net.core.somaxconn = 4096\n"},
};

static void set(const char *key, const char *value)
{
	assert_int_equal(sysctl_kind.write(&here, key, value), 0);
}

static bool is_now(const char *kind, const char *key, const char *value)
{
	struct buf now = {0};
	bool is;

	assert_int_equal(change_kind_by_name(kind)->read(&here, key, &now), 0);
	is = strcmp(now.data, value) == 0;
	buf_done(&now);
	return is;
}

static void old_state(void)
{
	unlink(path);
	unlink(file);
	set("net.core.somaxconn", "100");
	set("net.ipv4.ip_forward", "0");
	set("net.ipv4.conf.lo.forwarding", "1");
	set("net.ipv4.tcp_rmem", "4096 100000 200000");
}

static void assert_old_state(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!is_now(wanted[i].kind, wanted[i].key, wanted[i].from))
			fail_msg("%s is not %s", wanted[i].key, wanted[i].from);
	assert_true(is_now("sysctl", "net.ipv4.conf.lo.forwarding", "1"));
	assert_true(is_now("sysctl", "net.ipv4.conf.default.forwarding", "0"));
}

static void make_plan(struct plan *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct plan_change c = {(char[]){"cause"}, (char[]){"remedy"},
					change_kind_by_name(wanted[i].kind), xstrdup(wanted[i].key),
					xstrdup(wanted[i].from), xstrdup(wanted[i].to), &here};

		assert_true(plan_add(p, &c));
		free(c.key);
		free(c.from);
		free(c.to);
	}
}

static void apply(bool keep, struct apply_result *ret)
{
	struct plan p = {0};
	struct journal j;
	uint64_t run;

	*ret = (struct apply_result){.err = -EIO};
	make_plan(&p, ARRAY_SIZE(wanted));
	if (journal_open(path, true, &j) == 0) {
		run = journal_put(&j, "run", "time", "1", "boot", "b", "until", "0", NULL);
		if (journal_commit(&j) == 0)
			plan_apply(&j, run, &p, keep, ret);
		journal_done(&j);
	}
	plan_done(&p);
}

/* All of it, newest first; how many were not ours or could not be brought back. */
static int roll_back(void)
{
	struct rollback_result result;
	struct entries e;
	struct journal j;
	int left = 0;

	if (journal_open(path, true, &j) < 0)
		return -1;
	entries_of(&j, &e);
	for (size_t i = e.list.n; i-- > 0;)
		if (entry_open(&e.list.items[i])) {
			if (rollback_entry(&j, &e.list.items[i], &here, &result) < 0)
				left++;
			left += result.outcome != ROLLBACK_RESTORED &&
				result.outcome != ROLLBACK_WAS_BACK;
		}
	entries_done(&e);
	journal_done(&j);
	return left;
}

/* --- killed --- */

/* True: the child came to its end; else it was killed. */
static bool child_ends(int calls, bool before, bool back)
{
	struct apply_result result;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		calls_left = calls;
		die_before = before;
		if (back)
			roll_back();
		else
			apply(true, &result);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) || WTERMSIG(status) == SIGKILL);
	return WIFEXITED(status);
}

static void killed_at_each_call_while_applying(void **state)
{
	int n = 0;

	(void)state;
	for (int before = 0; before < 2; before++)
		for (bool ended = false; !ended; n++) {
			old_state();
			ended = child_ends(n, before, false);
			assert_int_equal(roll_back(), 0);
			assert_old_state();
			if (ended) {
				/* Open, two folders, journal, and for each change at least a record's
				 * write and fsync, the setting's open and write, and again a record. */
				assert_true(n > 30);
				n = -1;
			}
		}
}

static void killed_at_each_call_while_taking_back(void **state)
{
	struct apply_result result;
	int n = 0;

	(void)state;
	for (bool ended = false; !ended; n++) {
		old_state();
		apply(true, &result);
		assert_int_equal(result.err, 0);
		ended = child_ends(n, n % 2, true);
		assert_int_equal(roll_back(), 0);
		assert_old_state();
	}
	assert_true(n > 20);
}

static void killed_at_random_points(void **state)
{
	unsigned int seed = 8;
	int status;

	(void)state;
	for (int i = 0; i < 20; i++) {
		pid_t pid;

		old_state();
		pid = fork();
		if (pid == 0) {
			struct apply_result result;

			apply(true, &result);
			_exit(0);
		}
		usleep((useconds_t)(rand_r(&seed) % 3000));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(roll_back(), 0);
		assert_old_state();
	}
}

/* A full disk, at any call: nothing stands that the journal does not know. */
static void a_failing_disk_leaves_nothing_behind(void **state)
{
	struct apply_result result;

	(void)state;
	for (int n = 0; n < 60; n++) {
		old_state();
		calls_left = n;
		fail_with = ENOSPC;
		apply(true, &result);
		calls_left = -1;
		fail_with = 0;
		assert_int_equal(roll_back(), 0);
		assert_old_state();
	}
}

/* --- the plan --- */

static void all_of_it_and_back(void **state)
{
	struct apply_result result;

	(void)state;
	old_state();
	apply(false, &result);
	assert_int_equal(result.err, 0);
	assert_int_equal(result.done, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_true(is_now(wanted[i].kind, wanted[i].key, wanted[i].to));
	assert_int_equal(roll_back(), 0);
	assert_old_state();
}

static void a_refusal_takes_back_what_was_done(void **state)
{
	struct apply_result result;
	struct plan p = {0};
	struct journal j;
	struct plan_change bad = {(char[]){"cause"}, (char[]){"remedy"}, &sysctl_kind,
				  (char[]){"net.ipv4.tcp_sack"}, (char[]){"1"}, (char[]){"nonsense"},
				  &here};

	(void)state;
	for (int keep = 0; keep < 2; keep++) {
		old_state();
		make_plan(&p, 1);
		plan_add(&p, &bad);
		assert_int_equal(journal_open(path, true, &j), 0);
		plan_apply(&j, 1, &p, keep, &result);
		assert_int_equal(result.err, -EINVAL);
		assert_int_equal(result.stopped, 1);
		assert_int_equal(result.done, keep);
		assert_int_equal(result.undone, !keep);
		assert_true(is_now("sysctl", "net.core.somaxconn", keep ? "4096" : "100"));
		journal_done(&j);
		plan_done(&p);
		p = (struct plan){0};
	}
}

static void what_somebody_changed_is_left_alone(void **state)
{
	struct apply_result result;

	(void)state;
	old_state();
	set("net.core.somaxconn", "200");
	apply(false, &result);
	assert_int_equal(result.err, -ESTALE);
	assert_true(result.changed_since);
	assert_string_equal(result.found, "200");

	old_state();
	apply(false, &result);
	set("net.core.somaxconn", "300");
	assert_int_equal(roll_back(), 1);
	assert_true(is_now("sysctl", "net.core.somaxconn", "300"));
	assert_true(is_now("sysctl", "net.ipv4.ip_forward", "0"));
}

/* --- the journal --- */

static void two_at_once_are_told(void **state)
{
	struct journal a, b;

	(void)state;
	unlink(path);
	assert_int_equal(journal_open(path, true, &a), 0);
	assert_int_equal(journal_open(path, true, &b), -EWOULDBLOCK);
	assert_int_equal(journal_open(path, false, &b), 0);
	journal_done(&b);
	journal_done(&a);
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, 0600);
}

static void what_is_no_journal_is_not_written_to(void **state)
{
	struct journal j;

	(void)state;
	write_file("root:x:0:0:root:/root:/bin/bash\n");
	assert_int_equal(journal_open(path, true, &j), -EBADMSG);
	assert_int_equal(journal_open(path, false, &j), -EBADMSG);
	write_file("");
	chmod(path, 0666);
	assert_int_equal(journal_open(path, true, &j), -EPERM);
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(journal_open(path, true, &j), -ELOOP);
	unlink(path);
}

/* One byte changed, one line left out, or the end cut off: told with its line, the rest is whole. */
static void damage_is_told_and_costs_one_record(void **state)
{
	struct journal j = {.fd = -1, .next = 1}, again = {.fd = -1};
	struct buf text = {0};
	char *second;

	(void)state;
	journal_put(&j, "run", "time", "1", NULL);
	journal_put(&j, "change", "key", "a b%\n", "from", "", NULL);
	journal_put(&j, "done", "change", "2", NULL);
	buf_add(&text, j.pending.data, j.pending.len);

	journal_parse(&again, text.data, text.len);
	assert_int_equal(again.records.n, 3);
	assert_int_equal(again.damage.n, 0);
	assert_int_equal(again.next, 4);
	assert_string_equal(journal_text(&again.records.items[1], "key"), "a b%\n");
	assert_string_equal(journal_text(&again.records.items[1], "from"), "");
	journal_done(&again);

	second = strchr(text.data, '\n') + 1;
	second[12] ^= 1;
	journal_parse(&again, text.data, text.len);
	assert_int_equal(again.records.n, 2);
	assert_int_equal(again.damage.n, 1);
	assert_int_equal(again.damage.items[0].kind, JOURNAL_BROKEN);
	assert_int_equal(again.damage.items[0].line, 2);
	assert_int_equal(again.next, 4);
	journal_done(&again);
	second[12] ^= 1;

	for (size_t cut = text.len - 1; cut > (size_t)(strchr(second, '\n') + 1 - text.data); cut--) {
		journal_parse(&again, text.data, cut);
		assert_int_equal(again.records.n, cut == text.len - 1 ? 3 : 2);
		assert_int_equal(again.damage.n, cut == text.len - 1 ? 0 : 1);
		assert_true(again.torn);
		journal_done(&again);
	}

	memmove(second, strchr(second, '\n') + 1, strlen(strchr(second, '\n') + 1) + 1);
	journal_parse(&again, text.data, strlen(text.data));
	assert_int_equal(again.records.n, 2);
	assert_int_equal(again.damage.n, 1);
	assert_int_equal(again.damage.items[0].kind, JOURNAL_MISSING);
	assert_int_equal(again.damage.items[0].first, 2);
	assert_int_equal(again.damage.items[0].last, 2);
	journal_done(&again);
	journal_done(&j);
	buf_done(&text);
}

static int set_up(void **state)
{
	(void)state;
	/* No namespace, nothing to write: 77 is a skip to the test runner. */
	if (own_netns() < 0)
		exit(77);
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/journal", folder);
	snprintf(file, sizeof(file), "%s/90-whydrop.conf", folder);
	return place_open(-1, &here);
}

static int tear_down(void **state)
{
	char fresh[96];

	(void)state;
	unlink(path);
	unlink(file);
	snprintf(fresh, sizeof(fresh), "%s/.90-whydrop.conf.new", folder);
	unlink(fresh);
	place_done(&here);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_and_back),
		cmocka_unit_test(a_refusal_takes_back_what_was_done),
		cmocka_unit_test(what_somebody_changed_is_left_alone),
		cmocka_unit_test(killed_at_each_call_while_applying),
		cmocka_unit_test(killed_at_each_call_while_taking_back),
		cmocka_unit_test(killed_at_random_points),
		cmocka_unit_test(a_failing_disk_leaves_nothing_behind),
		cmocka_unit_test(two_at_once_are_told),
		cmocka_unit_test(what_is_no_journal_is_not_written_to),
		cmocka_unit_test(damage_is_told_and_costs_one_record),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
