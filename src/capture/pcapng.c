// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "capture/pcapng.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
};

enum {
	OPT_END = 0,
	OPT_COMMENT = 1,
	SHB_HARDWARE = 2,
	SHB_OS = 3,
	SHB_USERAPPL = 4,
	IF_NAME = 2,
	IF_DESCRIPTION = 3,
	IF_TSRESOL = 9,
	ISB_STARTTIME = 2,
	ISB_ENDTIME = 3,
	ISB_IFRECV = 4,
	ISB_IFDROP = 5,
};

struct pcapng {
	int fd;
	bool regular; /* can be cut back */
	int err;
	uint32_t interfaces;
	uint64_t written; /* bytes, all of whole blocks */
	struct buf block;
};

/* ---- one block ---- */

static void put(struct pcapng *p, const void *data, size_t n)
{
	buf_add(&p->block, data, n);
}

static void put16(struct pcapng *p, uint16_t value)
{
	put(p, &value, sizeof(value));
}

static void put32(struct pcapng *p, uint32_t value)
{
	put(p, &value, sizeof(value));
}

/* Everything is padded to 32 bits. */
static void pad(struct pcapng *p, size_t n)
{
	static const char zeros[4];

	put(p, zeros, (4 - n % 4) % 4);
}

static void begin(struct pcapng *p, uint32_t type)
{
	buf_clear(&p->block);
	put32(p, type);
	put32(p, 0); /* its length, told by end() */
}

static void option(struct pcapng *p, uint16_t code, const void *value, size_t n)
{
	n = MIN(n, (size_t)UINT16_MAX - 3); /* padded, too, it has to fit */
	put16(p, code);
	put16(p, (uint16_t)n);
	put(p, value, n);
	pad(p, n);
}

static void text_option(struct pcapng *p, uint16_t code, const char *text)
{
	if (text && *text)
		option(p, code, text, strlen(text));
}

/* Times in options are two halves like that of a packet, not one number (section 4.6). */
static void time_halves(int64_t at_ns, uint32_t ret[2])
{
	ret[0] = (uint32_t)((uint64_t)at_ns >> 32);
	ret[1] = (uint32_t)at_ns;
}

static void time_option(struct pcapng *p, uint16_t code, int64_t at_ns)
{
	uint32_t halves[2];

	time_halves(at_ns, halves);
	option(p, code, halves, sizeof(halves));
}

static int write_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t done = write(fd, data, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (!done)
			return -EIO;
		data += done;
		n -= (size_t)done;
	}
	return 0;
}

static int end(struct pcapng *p)
{
	uint32_t length;

	option(p, OPT_END, NULL, 0);
	length = (uint32_t)p->block.len + 4;
	put32(p, length);
	memcpy(p->block.data + 4, &length, sizeof(length));
	p->err = write_all(p->fd, p->block.data, p->block.len);
	if (!p->err) {
		p->written += p->block.len;
		return 0;
	}
	/* What is left of the block would make the whole file look broken. */
	if (p->regular && ftruncate(p->fd, (off_t)p->written) == 0)
		lseek(p->fd, (off_t)p->written, SEEK_SET);
	return p->err;
}

/* ---- the blocks of a file ---- */

static int section(struct pcapng *p, const struct pcapng_about *about)
{
	const uint64_t unknown = UINT64_MAX;

	begin(p, BLOCK_SECTION);
	put32(p, 0x1a2b3c4d); /* tells the byte order */
	put16(p, 1);	      /* version 1.0 */
	put16(p, 0);
	put(p, &unknown, sizeof(unknown)); /* length of the section */
	text_option(p, OPT_COMMENT, about->comment);
	text_option(p, SHB_HARDWARE, about->hardware);
	text_option(p, SHB_OS, about->os);
	text_option(p, SHB_USERAPPL, about->program);
	return end(p);
}

int pcapng_create(const char *path, const struct pcapng_about *about, struct pcapng **ret)
{
	bool standard = strcmp(path, "-") == 0;
	struct pcapng *p = xcalloc(1, sizeof(*p));
	struct stat st;
	int err = 0;

	/* A copy: closing it then tells nobody else's last error, and leaves standard output open. */
	p->fd = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
			 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
	if (p->fd < 0 || fstat(p->fd, &st) < 0)
		err = -errno;
	if (!err) {
		/* Standard output may be appended to what is there: then nothing is cut off. */
		p->regular = S_ISREG(st.st_mode) && !standard;
		err = section(p, about);
	}
	if (err) {
		pcapng_close(p);
		return err;
	}
	*ret = p;
	return 0;
}

int pcapng_interface(struct pcapng *p, uint16_t linktype, uint32_t snaplen, const char *name,
		     const char *description, uint32_t *ret_interface)
{
	const uint8_t nanoseconds = 9;
	int err;

	if (p->err)
		return p->err;
	begin(p, BLOCK_INTERFACE);
	put16(p, linktype);
	put16(p, 0);
	put32(p, snaplen);
	text_option(p, IF_NAME, name);
	text_option(p, IF_DESCRIPTION, description);
	option(p, IF_TSRESOL, &nanoseconds, 1);
	err = end(p);
	if (err)
		return err;
	*ret_interface = p->interfaces++;
	return 0;
}

int pcapng_packet(struct pcapng *p, const struct pcapng_packet *packet)
{
	uint32_t halves[2];

	if (p->err)
		return p->err;
	if (packet->interface >= p->interfaces || packet->captured > PCAPNG_SNAPLEN_MAX)
		return -EINVAL;
	time_halves(packet->at_ns, halves);
	begin(p, BLOCK_PACKET);
	put32(p, packet->interface);
	put32(p, halves[0]);
	put32(p, halves[1]);
	put32(p, packet->captured);
	put32(p, MAX(packet->length, packet->captured));
	put(p, packet->bytes, packet->captured);
	pad(p, packet->captured);
	text_option(p, OPT_COMMENT, packet->comment);
	return end(p);
}

int pcapng_statistics(struct pcapng *p, uint32_t interface, int64_t since_ns, int64_t at_ns,
		      uint64_t received, uint64_t dropped, const char *comment)
{
	uint32_t halves[2];

	if (p->err)
		return p->err;
	if (interface >= p->interfaces)
		return -EINVAL;
	time_halves(at_ns, halves);
	begin(p, BLOCK_STATISTICS);
	put32(p, interface);
	put32(p, halves[0]);
	put32(p, halves[1]);
	text_option(p, OPT_COMMENT, comment);
	time_option(p, ISB_STARTTIME, since_ns);
	time_option(p, ISB_ENDTIME, at_ns);
	option(p, ISB_IFRECV, &received, sizeof(received));
	option(p, ISB_IFDROP, &dropped, sizeof(dropped));
	return end(p);
}

int pcapng_failed(const struct pcapng *p)
{
	return p->err;
}

int pcapng_close(struct pcapng *p)
{
	int err = p->err;

	if (p->fd >= 0 && close(p->fd) < 0 && !err)
		err = -errno;
	buf_done(&p->block);
	free(p);
	return err;
}
