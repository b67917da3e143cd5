// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Capture files, read back block by block. That Wireshark's programs and tcpdump read them is seen
 * by tests/cli/watch-events.sh.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "capture/pcapng.h"

static char path[64];

static int name_file(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/whydrop-pcapng.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

struct block {
	uint32_t type;
	const char *body;
	size_t n; /* of the body */
};

static uint32_t u32(const char *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static uint16_t u16(const char *p)
{
	uint16_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static void read_file(struct buf *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(buf_read_fd(ret, fd, 1 << 20), 0);
	close(fd);
}

/* Every block states its length at both ends. */
static size_t split(const struct buf *file, struct block *to, size_t most)
{
	size_t at = 0, n = 0;

	while (at < file->len) {
		uint32_t length;

		assert_true(file->len - at >= 12);
		length = u32(file->data + at + 4);
		assert_true(length >= 12 && length % 4 == 0 && length <= file->len - at);
		assert_int_equal(u32(file->data + at + length - 4), length);
		assert_true(n < most);
		to[n++] = (struct block){u32(file->data + at), file->data + at + 8, length - 12};
		at += length;
	}
	return n;
}

/* The value of an option behind `fixed` bytes of a block; NULL if there is none. */
static const char *option(const struct block *b, size_t fixed, uint16_t code, size_t *ret_n)
{
	size_t at = fixed;

	while (at + 4 <= b->n) {
		uint16_t here = u16(b->body + at), n = u16(b->body + at + 2);

		assert_true(at + 4 + n <= b->n);
		if (here == code) {
			*ret_n = n;
			return b->body + at + 4;
		}
		if (!here)
			break;
		at += 4 + (n + 3U) / 4 * 4;
	}
	return NULL;
}

static void assert_text(const struct block *b, size_t fixed, uint16_t code, const char *expected)
{
	size_t n;
	const char *value = option(b, fixed, code, &n);

	assert_non_null(value);
	assert_int_equal(n, strlen(expected));
	assert_memory_equal(value, expected, n);
}

static const struct pcapng_about about = {.os = "Linux 6.12", .program = "whydrop 0.1.0"};

static void a_file_has_its_blocks(void **state)
{
	static const uint8_t bytes[] = "\x45\x00\x00\x21tail";
	struct pcapng_packet packet = {.at_ns = 1700000000123456789, .bytes = bytes, .captured = 7,
				       .length = 33, .comment = "reason NO_SOCKET"};
	struct buf file = {0};
	struct block b[8];
	struct pcapng *p;
	uint32_t id;
	size_t n;
	const char *value;

	(void)state;
	assert_int_equal(pcapng_create(path, &about, &p), 0);
	assert_int_equal(pcapng_interface(p, LINKTYPE_ETHERNET, 270, "eth0", "in web", &id), 0);
	assert_int_equal(id, 0);
	assert_int_equal(pcapng_interface(p, LINKTYPE_RAW, 256, "tun0", NULL, &id), 0);
	assert_int_equal(id, 1);
	packet.interface = 1;
	assert_int_equal(pcapng_packet(p, &packet), 0);
	packet.interface = 2;
	assert_int_equal(pcapng_packet(p, &packet), -EINVAL);
	assert_int_equal(pcapng_statistics(p, 1, 5, (int64_t)1 << 33, 1, 42, "missed"), 0);
	assert_int_equal(pcapng_close(p), 0);

	read_file(&file);
	assert_int_equal(split(&file, b, 8), 5);
	assert_int_equal(b[0].type, 0x0a0d0d0a);
	assert_int_equal(u32(b[0].body), 0x1a2b3c4d);
	assert_text(&b[0], 16, 3, "Linux 6.12");
	assert_text(&b[0], 16, 4, "whydrop 0.1.0");
	assert_int_equal(b[1].type, 1);
	assert_int_equal(u16(b[1].body), LINKTYPE_ETHERNET);
	assert_int_equal(u32(b[1].body + 4), 270);
	assert_text(&b[1], 8, 2, "eth0");
	assert_text(&b[1], 8, 3, "in web");
	value = option(&b[1], 8, 9, &n);
	assert_int_equal(n, 1);
	assert_int_equal(*value, 9);
	assert_null(option(&b[2], 8, 3, &n));
	assert_int_equal(b[3].type, 6);
	assert_int_equal(u32(b[3].body), 1);
	assert_true(((uint64_t)u32(b[3].body + 4) << 32 | u32(b[3].body + 8)) ==
		    1700000000123456789u);
	assert_int_equal(u32(b[3].body + 12), 7);
	assert_int_equal(u32(b[3].body + 16), 33);
	assert_memory_equal(b[3].body + 20, bytes, 7);
	assert_text(&b[3], 28, 1, "reason NO_SOCKET");
	assert_int_equal(b[4].type, 5);
	assert_text(&b[4], 12, 1, "missed");
	value = option(&b[4], 12, 3, &n);
	assert_int_equal(u32(value), 2); /* the upper half goes first */
	assert_int_equal(u32(value + 4), 0);
	value = option(&b[4], 12, 5, &n);
	assert_int_equal(n, 8);
	assert_int_equal(u32(value), 42);
	buf_done(&file);
}

static void what_is_too_long(void **state)
{
	struct pcapng_packet packet = {.captured = 4, .bytes = (const uint8_t *)"wxyz"};
	char *longest = xcalloc(1, 100001);
	struct buf file = {0};
	struct block b[4];
	struct pcapng *p;
	uint32_t id;
	size_t n;

	(void)state;
	memset(longest, 'x', 100000);
	packet.comment = longest;
	assert_int_equal(pcapng_create(path, &about, &p), 0);
	assert_int_equal(pcapng_interface(p, LINKTYPE_RAW, 256, "eth0", NULL, &id), 0);
	assert_int_equal(pcapng_packet(p, &packet), 0);
	packet.captured = PCAPNG_SNAPLEN_MAX + 1;
	assert_int_equal(pcapng_packet(p, &packet), -EINVAL);
	assert_int_equal(pcapng_failed(p), 0); /* the caller's error, not the disk's */
	assert_int_equal(pcapng_close(p), 0);
	read_file(&file);
	assert_int_equal(split(&file, b, 4), 3);
	/* A packet is never longer than it was. */
	assert_int_equal(u32(b[2].body + 16), 4);
	assert_non_null(option(&b[2], 24, 1, &n));
	assert_int_equal(n, 65532);
	buf_done(&file);
	free(longest);
}

static void an_existing_file_is_written_anew(void **state)
{
	char old[4096] = {0};
	struct buf file = {0};
	struct block b[2];
	struct pcapng *p;
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(write(fd, old, sizeof(old)), sizeof(old));
	close(fd);
	assert_int_equal(pcapng_create(path, &about, &p), 0);
	assert_int_equal(pcapng_close(p), 0);
	read_file(&file);
	assert_int_equal(split(&file, b, 2), 1);
	buf_done(&file);
	assert_int_equal(pcapng_create("/nowhere/drops.pcapng", &about, &p), -ENOENT);
	assert_int_equal(pcapng_create("/tmp", &about, &p), -EISDIR);
}

/* A limit of the file's size stops in the middle of a block, as a full disk does. */
static void no_more_room(void **state)
{
	static const uint8_t bytes[200];
	struct pcapng_packet packet = {.bytes = bytes, .captured = sizeof(bytes),
				       .comment = "reason NO_SOCKET"};
	struct rlimit before, limit;
	struct buf file = {0};
	struct block b[64];
	struct pcapng *p;
	unsigned int written = 0;
	uint32_t id;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){5001, before.rlim_max};
	assert_int_equal(pcapng_create(path, &about, &p), 0);
	assert_int_equal(pcapng_interface(p, LINKTYPE_RAW, 256, "eth0", NULL, &id), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while (written < 60 && pcapng_packet(p, &packet) == 0)
		written++;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(written > 10 && written < 30);
	assert_int_equal(pcapng_failed(p), -EFBIG);
	/* There is room again, but a gap would not show. */
	assert_int_equal(pcapng_packet(p, &packet), -EFBIG);
	assert_int_equal(pcapng_statistics(p, id, 0, 1, 1, 1, NULL), -EFBIG);
	assert_int_equal(pcapng_interface(p, LINKTYPE_RAW, 256, "eth1", NULL, &id), -EFBIG);
	assert_int_equal(pcapng_close(p), -EFBIG);
	read_file(&file);
	assert_int_equal(split(&file, b, 64), written + 2);
	buf_done(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_has_its_blocks, name_file, remove_file),
		cmocka_unit_test_setup_teardown(what_is_too_long, name_file, remove_file),
		cmocka_unit_test_setup_teardown(an_existing_file_is_written_anew, name_file,
						remove_file),
		cmocka_unit_test_setup_teardown(no_more_room, name_file, remove_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
