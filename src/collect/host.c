// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "collect/host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collect/recording.h"
#include "model/user.h"
#include "nl/nl.h"

#define FILE_MAX ((size_t)64 << 20)
#define READ_STEP ((size_t)32 << 10)
/* proc_sys_call_handler() clears as much memory as a reader has room, and a setting is one line. */
#define READ_STEP_SYSCTL ((size_t)1 << 10)

bool host_asks_for(const struct host *h, const struct socket *sk)
{
	if (sk->protocol != IPPROTO_TCP || sk->state != STATE_LISTEN)
		return false;
	for (unsigned int i = 0; i < h->listeners_asked_n; i++)
		if (h->listeners_asked[i] == sk->local_port)
			return true;
	return false;
}

int host_enter(const struct host *h)
{
	if (h->replay || h->ns->fd < 0)
		return 0;
	nl_forget();
	return setns(h->ns->fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

void host_leave(struct host *h)
{
	for (size_t i = 0; i < PROC_FOLDERS; i++) {
		if (h->folders[i].path[0])
			close(h->folders[i].fd);
		h->folders[i].path[0] = '\0';
	}
	if (!h->replay)
		nl_forget();
}

static const char *entry_name(const struct host *h, const char *kind, const char *name, char *to,
			      size_t size)
{
	snprintf(to, size, "%u/%s/%s%s", h->ns->inode, h->phase, kind, name);
	return to;
}

/* Replays, or keeps what a live read gave; `fresh` is where that read put its bytes. */
static int replay(struct host *h, const char *name, struct buf *ret)
{
	return recording_get(h->recording, name, ret);
}

static int keep(struct host *h, const char *name, int err, const struct buf *fresh)
{
	if (h->recording)
		recording_put(h->recording, name, err, fresh);
	return err;
}

static int read_at(int folder, const char *path, size_t step, struct buf *ret)
{
	cleanup(cleanup_fd) int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r;

	if (fd < 0)
		return -errno;
	buf_clear(ret);
	r = buf_read_fd_by(ret, fd, step, FILE_MAX);
	if (r < 0)
		buf_clear(ret);
	return r;
}

static int read_file(const char *path, struct buf *ret)
{
	return read_at(AT_FDCWD, path, READ_STEP, ret);
}

/* Where /proc/PATH is for this thread. */
static int proc_file(const char *path, char *to, size_t size)
{
	/* /proc/net is that of the process's first thread; a worker's own is under thread-self. */
	const char *root = strncmp(path, "net/", 4) == 0 ? "/proc/thread-self/" : "/proc/";

	return snprintf(to, size, "%s%s", root, path) >= (int)size ? -ENAMETOOLONG : 0;
}

/*
 * The folder of a file of the network namespace, kept open; *ret_fd is AT_FDCWD where there is no
 * room for more. Each namespace has a /proc/sys/net/ipv4 of its own under one name, and a lookup by
 * path passes those of all others (proc_sys_compare).
 */
static int net_folder(struct host *h, const char *path, size_t n, int *ret_fd)
{
	struct proc_folder *f = h->folders;
	char file[512];
	int fd;

	while (f < h->folders + PROC_FOLDERS && f->path[0] &&
	       (strncmp(f->path, path, n) != 0 || f->path[n]))
		f++;
	if (f == h->folders + PROC_FOLDERS || n >= sizeof(f->path)) {
		*ret_fd = AT_FDCWD;
		return 0;
	}
	if (f->path[0]) {
		*ret_fd = f->fd;
		return 0;
	}
	if (proc_file(path, file, sizeof(file)) < 0)
		return -ENAMETOOLONG;
	file[strlen(file) - strlen(path) + n] = '\0';
	fd = open(file, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	memcpy(f->path, path, n);
	f->path[n] = '\0';
	*ret_fd = f->fd = fd;
	return 0;
}

static bool is_sysctl(const char *path)
{
	return strncmp(path, "sys/", 4) == 0;
}

static bool is_net_file(const char *path)
{
	return strncmp(path, "net/", 4) == 0 || strncmp(path, "sys/net/", 8) == 0;
}

/* *file is to be opened at *ret_fd. */
static int place_of(struct host *h, const char *path, int *ret_fd, char *file, size_t size)
{
	const char *name = strrchr(path, '/');
	int r = 0;

	*ret_fd = AT_FDCWD;
	name = name ? name + 1 : path;
	if (is_net_file(path))
		r = net_folder(h, path, (size_t)(name - path), ret_fd);
	if (r < 0 || *ret_fd == AT_FDCWD)
		return r < 0 ? r : proc_file(path, file, size);
	return snprintf(file, size, "%s", name) >= (int)size ? -ENAMETOOLONG : 0;
}

int host_read(struct host *h, const char *path, struct buf *ret)
{
	char name[512], file[512];
	int at, r;

	entry_name(h, "proc/", path, name, sizeof(name));
	if (h->replay)
		return replay(h, name, ret);
	r = place_of(h, path, &at, file, sizeof(file));
	if (r == 0)
		r = read_at(at, file, is_sysctl(path) ? READ_STEP_SYSCTL : READ_STEP, ret);
	return keep(h, name, r, ret);
}

int host_read_wide(struct host *h, const char *path, struct buf *ret)
{
	char name[512], file[512];
	int r;

	entry_name(h, "proc/", path, name, sizeof(name));
	if (h->replay)
		return replay(h, name, ret);
	if (proc_file(path, file, sizeof(file)) < 0)
		return -ENAMETOOLONG;
	r = read_file(file, ret);
	if (r == -ENOENT && h->home > 0 && h->ns->fd >= 0 && setns(h->home, CLONE_NEWNET) == 0) {
		r = read_file(file, ret);
		/* It was entered before; to go on elsewhere would be to tell of the wrong one. */
		if (setns(h->ns->fd, CLONE_NEWNET) < 0)
			abort();
	}
	return keep(h, name, r, ret);
}

int host_read_abs(struct host *h, const char *path, struct buf *ret)
{
	char name[512];

	entry_name(h, "abs", path, name, sizeof(name));
	if (h->replay)
		return replay(h, name, ret);
	return keep(h, name, read_file(path, ret), ret);
}

bool host_exists(struct host *h, const char *path)
{
	char name[512], file[512];
	int at, r;

	entry_name(h, "exists/", path, name, sizeof(name));
	if (h->replay)
		return replay(h, name, NULL) == 0;
	r = place_of(h, path, &at, file, sizeof(file));
	if (r == 0 && faccessat(at, file, F_OK, 0) < 0)
		r = -errno;
	return keep(h, name, r, NULL) == 0;
}

int host_netlink(struct host *h, const char *name, int protocol, const void *request, size_t length,
		 struct buf *ret)
{
	char entry[512];

	entry_name(h, "nl/", name, entry, sizeof(entry));
	if (h->replay)
		return replay(h, entry, ret);
	return keep(h, entry, nl_request(protocol, request, length, ret), ret);
}

int host_netlink_stream(struct host *h, const char *name, int protocol, const void *request,
			size_t length, struct nl_sink *sink)
{
	cleanup(buf_done) struct buf answer = {0};
	int r;

	if (!h->replay && !h->recording)
		return nl_stream(protocol, request, length, sink);
	r = host_netlink(h, name, protocol, request, length, &answer);
	if (r == 0)
		r = nl_check(&answer);
	return r < 0 ? r : sink->piece(sink, &answer);
}

static int raw_getsockopt(int family, int level, int option, struct buf *ret)
{
	cleanup(cleanup_fd) int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	socklen_t len = (socklen_t)ret->len;

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, level, option, ret->data, &len) < 0)
		return -errno;
	if (len < ret->len)
		ret->len = len;
	return 0;
}

int host_getsockopt(struct host *h, const char *name, int family, int level, int option,
		    struct buf *ret)
{
	char entry[512];

	entry_name(h, "opt/", name, entry, sizeof(entry));
	if (h->replay) {
		buf_clear(ret);
		return replay(h, entry, ret);
	}
	return keep(h, entry, raw_getsockopt(family, level, option, ret), ret);
}

void host_note_late(struct host *h, const char *source)
{
	char entry[512];

	keep(h, entry_name(h, "late/", source, entry, sizeof(entry)), -ETIMEDOUT, NULL);
}

bool host_was_late(struct host *h, const char *source)
{
	char entry[512];

	return h->replay && replay(h, entry_name(h, "late/", source, entry, sizeof(entry)), NULL) ==
				    -ETIMEDOUT;
}

/*
 * The kernel copies as much as the driver has, whatever room the request says there is: the data
 * ends where a page begins that cannot be written. Opened once for all devices.
 */
struct ethtool_line {
	int fd;
	char *map; /* ETHTOOL_ROOM that can be written, then a page that cannot */
};

#define ETHTOOL_ROOM ((size_t)2 << 20)

static int open_ethtool(struct ethtool_line *line)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char *map;

	if (fd < 0 && errno == EAFNOSUPPORT)
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (fd < 0)
		return -errno;
	map = mmap(NULL, ETHTOOL_ROOM + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || mprotect(map, ETHTOOL_ROOM, PROT_READ | PROT_WRITE) < 0) {
		int err = -errno;

		if (map != MAP_FAILED)
			munmap(map, ETHTOOL_ROOM + page);
		close(fd);
		return err;
	}
	*line = (struct ethtool_line){fd, map};
	return 0;
}

void host_ethtool_done(struct host *h)
{
	if (!h->ethtool)
		return;
	munmap(h->ethtool->map, ETHTOOL_ROOM + (size_t)sysconf(_SC_PAGESIZE));
	close(h->ethtool->fd);
	free(h->ethtool);
	h->ethtool = NULL;
}

static int live_ethtool(struct host *h, const char *device, struct buf *data)
{
	size_t aligned = (data->len + 7) / 8 * 8;
	struct ifreq request = {0};

	if (aligned > ETHTOOL_ROOM)
		return -EMSGSIZE;
	if (!h->ethtool) {
		struct ethtool_line line;
		int r = open_ethtool(&line);

		if (r < 0)
			return r;
		h->ethtool = xcalloc(1, sizeof(*h->ethtool));
		*h->ethtool = line;
	}
	request.ifr_data = h->ethtool->map + ETHTOOL_ROOM - aligned;
	memcpy(request.ifr_data, data->data, data->len);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	if (ioctl(h->ethtool->fd, SIOCETHTOOL, &request) < 0)
		return -errno;
	memcpy(data->data, request.ifr_data, data->len);
	return 0;
}

int host_ethtool(struct host *h, unsigned int ifindex, const char *what, const char *device,
		 struct buf *data)
{
	char entry[512], name[64];

	snprintf(name, sizeof(name), "%u-%s", ifindex, what);
	entry_name(h, "ethtool/", name, entry, sizeof(entry));
	if (h->replay) {
		buf_clear(data);
		return replay(h, entry, data);
	}
	return keep(h, entry, live_ethtool(h, device, data), data);
}

int host_keep(struct host *h, const char *name, int err, struct buf *text)
{
	char entry[512];

	entry_name(h, "made/", name, entry, sizeof(entry));
	if (h->replay) {
		buf_clear(text);
		return replay(h, entry, text);
	}
	return keep(h, entry, err, text);
}
