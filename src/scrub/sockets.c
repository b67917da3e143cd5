// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/net/raw, raw6, packet and netlink: numbers, addresses, and where a socket lies in memory; and
 * the connections that fill a table.
 */
#include "scrub/map.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "collect/crowd.h"

#define FIELDS_MAX 16

static bool is_hex(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!strchr("0123456789abcdefABCDEF:", text.p[i]) || !text.p[i])
			return false;
	return text.n > 0;
}

/* "0100007F:0001", the words in network byte order as numbers of this host's. */
static int put_endpoint(struct scrubber *s, struct span text, struct buf *out)
{
	size_t words = text.n == 13 ? 1 : text.n == 37 ? 4 : 0;
	uint32_t address[4];
	uint64_t number;

	if (!words || text.p[words * 8] != ':')
		return -EBADMSG;
	for (size_t i = 0; i < words; i++) {
		if (parse_hex64((struct span){text.p + i * 8, 8}, UINT32_MAX, &number) < 0)
			return -EBADMSG;
		address[i] = (uint32_t)number;
	}
	scrub_address(s, words == 1 ? AF_INET : AF_INET6, (uint8_t *)address, 128);
	for (size_t i = 0; i < words; i++)
		buf_printf(out, "%08X", address[i]);
	buf_printf(out, "%.5s ", text.p + words * 8);
	return 0;
}

static int put_line(struct scrubber *s, struct span line, enum socket_file which, struct buf *out)
{
	bool raw = which == SOCKET_FILE_RAW;
	/* Where the address of the kernel's structure stands. */
	size_t pointer = raw ? 11 : 0, n = 0;
	struct span field;

	for (; next_field(&line, &field); n++) {
		if (n == pointer) {
			buf_puts(out, "0 ");
			continue;
		}
		if (n == FIELDS_MAX || !is_hex(field))
			return -EBADMSG;
		if (raw && (n == 1 || n == 2)) {
			int r = put_endpoint(s, field, out);

			if (r < 0)
				return r;
			continue;
		}
		buf_printf(out, "%.*s ", (int)field.n, field.p);
	}
	buf_puts(out, "\n");
	return 0;
}

int scrub_socket_file(struct scrubber *s, enum socket_file which, struct buf *data)
{
	static const char *const heads[] = {
		/* In brackets, or clang suspects a comma that was forgotten. */
		[SOCKET_FILE_RAW] = ("sl local_address rem_address st tx_queue rx_queue tr tm->when "
				     "retrnsmt uid timeout inode ref pointer drops\n"),
		[SOCKET_FILE_PACKET] = "sk RefCnt Type Proto Iface R Rmem User Inode\n",
		[SOCKET_FILE_NETLINK] = "sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode\n",
	};
	struct span text = {data->data, data->len}, line;
	struct buf out = {0};
	int r = 0;

	/* The kernel's own words. */
	buf_puts(&out, heads[which]);
	if (!next_line(&text, &line))
		r = -EBADMSG;
	while (r == 0 && next_line(&text, &line))
		r = put_line(s, line, which, &out);
	if (r < 0) {
		buf_done(&out);
		return r;
	}
	buf_done(data);
	*data = out;
	return 0;
}

int scrub_crowd(struct scrubber *s, struct buf *data)
{
	struct crowd_list all = {0};
	int r = read_crowd(data, &all);

	if (r == 0) {
		vec_each(e, &all.list) {
			scrub_address(s, e->family, e->source, 128);
			scrub_address(s, e->family, e->destination, 128);
		}
		buf_clear(data);
		write_crowd(&all, data);
	}
	vec_done(&all.list);
	return r;
}

int scrub_unix_queues(struct scrubber *s, struct buf *data)
{
	struct span text = {data->data, data->len}, line, word, number;
	struct buf out = {0};
	uint64_t n;

	while (next_line(&text, &line)) {
		bool full;

		if (!next_field(&line, &word) || !next_field(&line, &number) ||
		    parse_u64(number, UINT32_MAX, &n) < 0 ||
		    !((full = span_is(word, "full")) || span_is(word, "asked"))) {
			buf_done(&out);
			return -EBADMSG;
		}
		buf_printf(&out, "%s %llu", full ? "full" : "asked", (unsigned long long)n);
		if (full) {
			buf_puts(&out, " ");
			scrub_path(s, (struct span){line.p + (line.n > 0), line.n - (line.n > 0)}, &out);
		}
		buf_puts(&out, "\n");
	}
	buf_done(data);
	*data = out;
	return 0;
}
