// SPDX-License-Identifier: GPL-2.0-or-later
/* Recordings: what is kept comes back, and what is none is refused. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/recording.h"

static char folder[64];

static int make_folder(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/whydrop-test-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

static const char *below(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static struct recording *sample(void)
{
	struct recording *r = recording_new();
	struct buf b = {0};

	buf_add(&b, "a\0b\n", 4);
	recording_put(r, "1/a/proc/net/snmp", 0, &b);
	recording_put(r, "1/a/nl/nft-rules", -EPERM, NULL);
	recording_put(r, "1/b/empty", 0, NULL);
	buf_done(&b);
	return r;
}

static void is_the_same(struct recording *r)
{
	struct buf b = {0};

	assert_int_equal(recording_get(r, "1/a/proc/net/snmp", &b), 0);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "a\0b\n", 4);
	buf_done(&b);
	assert_int_equal(recording_get(r, "1/a/nl/nft-rules", &b), -EPERM);
	assert_int_equal(recording_get(r, "1/b/empty", &b), 0);
	assert_int_equal(recording_get(r, "1/b/never-read", &b), -ENODATA);
	buf_done(&b);
}

static void a_folder_comes_back(void **state)
{
	struct recording *r = sample(), *again;

	assert_int_equal(recording_save(r, below("rec")), 0);
	assert_int_equal(recording_save(r, below("rec")), -EEXIST);
	recording_free(r);
	assert_int_equal(recording_load(below("rec"), &again), 0);
	is_the_same(again);
	recording_free(again);
}

static void save_as_tar(const char *path)
{
	struct recording *r = sample();
	int out = dup(STDOUT_FILENO), file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	assert_int_equal(recording_save(r, "-"), 0);
	dup2(out, STDOUT_FILENO);
	close(out);
	close(file);
	recording_free(r);
}

static void a_stream_comes_back_and_a_cut_one_does_not(void **state)
{
	struct recording *again;
	struct stat st;

	save_as_tar(below("rec.tar"));
	assert_int_equal(recording_load(below("rec.tar"), &again), 0);
	is_the_same(again);
	recording_free(again);
	assert_int_equal(stat(below("rec.tar"), &st), 0);
	/* Wherever it is cut, it is refused, not half believed: the description comes last. */
	for (off_t keep = 0; keep < st.st_size - 10240 + 512; keep += 512) {
		save_as_tar(below("rec.tar"));
		assert_int_equal(truncate(below("rec.tar"), keep), 0);
		if (recording_load(below("rec.tar"), &again) == 0) {
			is_the_same(again);
			recording_free(again);
		}
	}
}

static void what_is_none_is_refused(void **state)
{
	struct recording *again;
	int fd = open(below("noise"), O_CREAT | O_WRONLY, 0600);

	assert_int_equal(write(fd, "this is no recording\n", 21), 21);
	close(fd);
	assert_int_equal(recording_load(below("noise"), &again), -EBADMSG);
	assert_int_equal(recording_load(below("nothing"), &again), -ENOENT);
	assert_int_equal(mkdir(below("void"), 0700), 0);
	assert_int_equal(recording_load(below("void"), &again), -ENODATA);
	fd = open(below("void/whydrop-recording.json"), O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "{\"schema\": \"other/9\"}", 21), 21);
	close(fd);
	assert_int_equal(recording_load(below("void"), &again), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_comes_back),
		cmocka_unit_test(a_stream_comes_back_and_a_cut_one_does_not),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
