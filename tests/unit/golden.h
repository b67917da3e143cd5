/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output against files: WHYDROP_GOLDEN names their folder, WHYDROP_GOLDEN_UPDATE writes them. */
#ifndef WHYDROP_TEST_GOLDEN_H
#define WHYDROP_TEST_GOLDEN_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"

static inline void golden_path(const char *name, char *to, size_t size)
{
	const char *dir = getenv("WHYDROP_GOLDEN");

	snprintf(to, size, "%s/%s", dir ? dir : "tests/golden", name);
}

static inline void compare(const char *name, const struct buf *text)
{
	char path[512];
	struct buf golden = {0};
	int fd;

	golden_path(name, path, sizeof(path));
	if (getenv("WHYDROP_GOLDEN_UPDATE")) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, text->data, text->len), text->len);
		close(fd);
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(buf_read_fd(&golden, fd, 1 << 20), 0);
	close(fd);
	assert_string_equal(text->data, golden.data);
	buf_done(&golden);
}

#endif
