// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "drops/kernel_btf.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "drops/btf_part.h"

#define BTF_FILE "/sys/kernel/btf/vmlinux"
#define BTF_SIZE_MAX ((size_t)64 << 20)
#define TRACEPOINT "btf_trace_" /* the typedef of a tracepoint's prototype begins with it */

/* The structs in the *.bpf.c whose fields are the kernel's, and what the loaders ask for by name. */
static const char *const wanted_types[] = {
	"bpf_iter__task_file",
	"bpf_iter_meta",
	"dst_entry",
	"file",
	"in6_addr",
	"inet_connection_sock",
	"inet_sock",
	"inode",
	"net",
	"net_device",
	"nft_rule_dp_last",
	"ns_common",
	"pid",
	"sk_buff",
	"sk_rst_reason",
	"skb_drop_reason_subsys",
	"skb_shared_info",
	"sock",
	"sock_common",
	"socket",
	"socket_alloc",
	"task_struct",
	"tcp_skb_cb",
	"tcp_sock",
	"trace_event_raw_kfree_skb",
	"upid",
};

static const char *const wanted_functions[] = {"bpf_iter_task_file", "ip_rcv"};

static struct {
	pthread_once_t once;
	int err;
	struct btf_part part;
	int fd;	       /* of a file that holds the part */
	char path[48]; /* of that file */
	struct bpf_object_open_opts opts;
} kernel = {.once = PTHREAD_ONCE_INIT, .fd = -1};

/* Most names differ in their first letter. */
static bool is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (names[i][0] == name[0] && strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

static bool is_wanted(uint32_t kind, const char *name)
{
	switch (kind) {
	case BTF_KIND_FUNC:
		return is_among(name, wanted_functions, ARRAY_SIZE(wanted_functions));
	case BTF_KIND_TYPEDEF:
		return strncmp(name, TRACEPOINT, sizeof(TRACEPOINT) - 1) == 0;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (has_suffix(name, "_drop_reason"))
			return true;
	}
	return is_among(name, wanted_types, ARRAY_SIZE(wanted_types));
}

/* ---- the file ---- */

/* Since 6.16 the file can be mapped; before, it is read by pages. */
static int read_part(struct btf_part *ret)
{
	cleanup(cleanup_fd) int fd = open(BTF_FILE, O_RDONLY | O_CLOEXEC);
	cleanup(buf_done) struct buf copy = {0};
	struct stat st;
	void *map;
	int err;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (st.st_size <= 0 || (size_t)st.st_size > BTF_SIZE_MAX)
		return -EFBIG;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map != MAP_FAILED) {
		err = btf_part_of(map, (size_t)st.st_size, is_wanted, ret);
		munmap(map, (size_t)st.st_size);
		return err;
	}
	buf_room(&copy, (size_t)st.st_size);
	err = buf_read_fd(&copy, fd, BTF_SIZE_MAX);
	return err ? err : btf_part_of(copy.data, copy.len, is_wanted, ret);
}

/* libbpf takes a BTF for relocations by its path alone. */
static int write_part(const struct btf *btf)
{
	uint32_t size;
	const void *data = btf__raw_data(btf, &size);

	kernel.fd = data ? memfd_create("whydrop-btf", MFD_CLOEXEC) : -1;
	if (kernel.fd < 0)
		return -ENOMEM;
	if (write(kernel.fd, data, size) != (ssize_t)size)
		return -EIO;
	snprintf(kernel.path, sizeof(kernel.path), "/proc/self/fd/%d", kernel.fd);
	return access(kernel.path, R_OK) ? -errno : 0;
}

/* ---- tp_btf ---- */

/*
 * A program that is said to belong to another program, whichever, makes libbpf leave the kernel's
 * types alone when it loads the object.
 */
static int set_up_typed(struct bpf_program *program, long cookie)
{
	(void)cookie;
	return bpf_program__set_attach_target(program, 1, NULL);
}

/* Here it gets what it really belongs to. */
static int prepare_typed(struct bpf_program *program, struct bpf_prog_load_opts *opts, long cookie)
{
	char name[80];

	(void)cookie;
	snprintf(name, sizeof(name), TRACEPOINT "%s",
		 strchr(bpf_program__section_name(program), '/') + 1);
	opts->attach_prog_fd = 0;
	opts->attach_btf_id = kernel_btf_id(name, BTF_KIND_TYPEDEF);
	return opts->attach_btf_id ? 0 : -ESRCH;
}

static int attach_typed(const struct bpf_program *program, long cookie, struct bpf_link **ret)
{
	(void)cookie;
	*ret = bpf_program__attach_trace(program);
	return *ret ? 0 : -errno;
}

static int take_over_typed(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_setup_fn = set_up_typed,
		    .prog_prepare_load_fn = prepare_typed, .prog_attach_fn = attach_typed);
	int id = libbpf_register_prog_handler("tp_btf/", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP,
					      &opts);

	return MIN(id, 0);
}

/* ---- once ---- */

static void read_once(void)
{
	kernel.err = read_part(&kernel.part);
	if (kernel.err)
		return;
	kernel.opts = (struct bpf_object_open_opts){.sz = sizeof(kernel.opts)};
	/* Without these libbpf reads all of it for itself. */
	if (write_part(kernel.part.btf) == 0 && take_over_typed() == 0)
		kernel.opts.btf_custom_path = kernel.path;
}

int kernel_btf_read(void)
{
	pthread_once(&kernel.once, read_once);
	return kernel.err;
}

const struct btf *kernel_btf(void)
{
	return kernel_btf_read() ? NULL : kernel.part.btf;
}

uint32_t kernel_btf_id(const char *name, uint32_t kind)
{
	const struct btf *btf = kernel_btf();
	int id = btf ? btf__find_by_name_kind(btf, name, kind) : 0;

	return id > 0 ? kernel.part.ids.items[id] : 0;
}

const struct bpf_object_open_opts *kernel_btf_opts(void)
{
	return kernel_btf() ? &kernel.opts : NULL;
}
