// SPDX-License-Identifier: GPL-2.0-or-later
#include "remedy/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <unistd.h>

#include "nl/nl.h"

#define VALUE_MAX 8192

struct nl_msg *ask_new(uint16_t type, uint16_t flags, const void *header, size_t size)
{
	/* A route with hundreds of next hops is copied into one. */
	struct nl_msg *m = nlmsg_alloc_size((size_t)64 << 10);

	if (!m || !nlmsg_put(m, 0, 0, type, 0, flags | NLM_F_REQUEST) ||
	    nlmsg_append(m, (void *)(uintptr_t)header, size, NLMSG_ALIGNTO) < 0)
		abort();
	return m;
}

void ask_drop(struct nl_msg **m)
{
	nlmsg_free(*m);
}

int ask(int protocol, struct nl_msg *m, struct buf *ret)
{
	cleanup(buf_done) struct buf acknowledgement = {0};
	struct nlmsghdr *h = nlmsg_hdr(m);

	if (!ret)
		h->nlmsg_flags |= NLM_F_ACK;
	return nl_request(protocol, h, h->nlmsg_len, ret ? ret : &acknowledgement);
}

int key_device(const char *key, char device[16], const char **ret_rest)
{
	const char *colon = strchr(key, ':');

	/* Neither may be in the name of a device (dev_valid_name). */
	if (!colon || colon == key || colon - key > 15 || memchr(key, '/', (size_t)(colon - key)) ||
	    key[0] == '.')
		return -EINVAL;
	memcpy(device, key, (size_t)(colon - key));
	device[colon - key] = '\0';
	*ret_rest = colon + 1;
	return 0;
}

int key_ifindex(const char *key, unsigned int *ret, const char **ret_rest)
{
	char device[16];
	unsigned int ifindex;
	int r = key_device(key, device, ret_rest);

	if (r < 0)
		return r;
	ifindex = if_nametoindex(device);
	if (!ifindex)
		return -ENODEV;
	*ret = ifindex;
	return 0;
}

int value_u32(const char *value, uint32_t *ret)
{
	uint64_t number;

	if (parse_u64(span_of(value), UINT32_MAX, &number) < 0)
		return -EINVAL;
	*ret = (uint32_t)number;
	return 0;
}

int value_switch(const char *value, bool *ret)
{
	bool on = strcmp(value, "on") == 0;

	if (!on && strcmp(value, "off") != 0)
		return -EINVAL;
	*ret = on;
	return 0;
}

int text_file_read(int folder, const char *path, struct buf *ret)
{
	char value[VALUE_MAX];
	cleanup(cleanup_fd) int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, value, sizeof(value));

	if (n < 0)
		return -errno;
	if (n == (ssize_t)sizeof(value))
		return -EFBIG;
	while (n && value[n - 1] == '\n')
		n--;
	buf_clear(ret);
	buf_add(ret, value, (size_t)n);
	buf_puts(ret, "");
	return 0;
}

int text_file_write(int folder, const char *path, const char *value)
{
	cleanup(cleanup_fd) int fd = openat(folder, path, O_WRONLY | O_CLOEXEC);
	size_t length = strlen(value);
	ssize_t n = fd < 0 ? -1 : write(fd, value, length);

	if (n < 0)
		return -errno;
	return (size_t)n == length ? 0 : -EINVAL;
}
