// SPDX-License-Identifier: GPL-2.0-or-later
/* The backlog of a listener, set from outside and brought back, as ss lists it. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include "remedy_place.h"

static int set_up(void **state)
{
	(void)state;
	return place_set_up("true");
}

static void a_backlog(void **state)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(7777)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cleanup(buf_done) struct buf value = {0};
	struct stat st;
	char key[96];

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	fstat(fd, &st);
	snprintf(key, sizeof(key), "pid %d socket %llu backlog", getpid(), (unsigned long long)st.st_ino);
	assert_int_equal(socket_kind.read(&here, key, &value), -EOPNOTSUPP);
	assert_int_equal(listen(fd, 5), 0);
	there_and_back(&socket_kind, key, "100", "ss -Hltn", "100 ");
	/* Above somaxconn: nothing is left half done. */
	assert_int_equal(socket_kind.write(&here, key, "100000000"), -ERANGE);
	is_now(&socket_kind, key, "5");
	assert_int_equal(socket_kind.write(&here, key, "-1"), -EINVAL);
	close(fd);
	assert_int_equal(socket_kind.read(&here, key, &value), -ENOENT);
	assert_int_equal(socket_kind.read(&here, "pid 2147483647 socket 1 backlog", &value), -ESRCH);
	assert_int_equal(socket_kind.read(&here, "pid 0 socket 1 backlog", &value), -EINVAL);
	assert_int_equal(socket_kind.read(&here, "pid 1 socket 1 buffer", &value), -EINVAL);
	assert_non_null(socket_kind.refusal(key, -ERANGE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_backlog),
	};

	return cmocka_run_group_tests(tests, set_up, place_tear_down);
}
