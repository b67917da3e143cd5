// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Network cards on the PCI bus: /sys/bus/pci/devices/ADDRESS/{class,vendor,device,numa_node,
 * current_link_speed,current_link_width,max_link_speed,max_link_width} (drivers/pci/pci-sysfs.c; the
 * last four on PCIe alone). They are joined to devices by the place that their drivers tell.
 *
 * Scope: the host, whatever network namespace the devices are in. No privilege.
 *
 * A recording keeps lines of words, "-" for what is not known:
 *   card PLACE CLASS VENDOR DEVICE NODE WIDTH MAX_WIDTH, and behind each
 *   speed TEXT, max-speed TEXT
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "collect/host_facts.h"

#define CARDS_MAX 1024
#define FUNCTIONS_MAX 65536
#define PCI_CLASS_NETWORK 0x02 /* the first byte of three */

static void cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static void put_words(int dir, const char *place, struct buf *to)
{
	static const char *const files[] = {"class", "vendor", "device", "numa_node",
					    "current_link_width", "max_link_width"};
	char path[300], text[64];

	buf_printf(to, "card %s", place);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%.255s/%s", place, files[i]);
		if (host_facts_short(dir, path, text, sizeof(text)) < 0 || strchr(text, ' '))
			snprintf(text, sizeof(text), "-");
		buf_printf(to, " %s", text);
	}
	buf_puts(to, "\n");
}

static void put_speed(int dir, const char *place, const char *file, const char *key, struct buf *to)
{
	char path[300], text[64];

	snprintf(path, sizeof(path), "%.255s/%s", place, file);
	if (host_facts_short(dir, path, text, sizeof(text)) == 0)
		buf_printf(to, "%s %s\n", key, text);
}

static bool is_network(int dir, const char *place)
{
	char path[300], text[16];
	uint64_t class;

	snprintf(path, sizeof(path), "%.255s/class", place);
	return host_facts_short(dir, path, text, sizeof(text)) == 0 && strncmp(text, "0x", 2) == 0 &&
	       parse_hex64(span_of(text + 2), UINT32_MAX, &class) == 0 &&
	       class >> 16 == PCI_CLASS_NETWORK;
}

static int read_cards(struct buf *to)
{
	cleanup(cleanup_dir) DIR *dir = opendir("/sys/bus/pci/devices");
	unsigned int cards = 0, seen = 0;

	if (!dir)
		return -errno;
	for (const struct dirent *e;
	     cards < CARDS_MAX && seen < FUNCTIONS_MAX && (e = readdir(dir)); seen++) {
		if (e->d_name[0] == '.' || !is_network(dirfd(dir), e->d_name))
			continue;
		put_words(dirfd(dir), e->d_name, to);
		put_speed(dirfd(dir), e->d_name, "current_link_speed", "speed", to);
		put_speed(dirfd(dir), e->d_name, "max_link_speed", "max-speed", to);
		cards++;
	}
	return 0;
}

static bool take_hex(struct span *line, uint64_t max, uint64_t *ret)
{
	struct span word;

	return next_field(line, &word) && word.n > 2 && memcmp(word.p, "0x", 2) == 0 &&
	       parse_hex64((struct span){word.p + 2, word.n - 2}, max, ret) == 0;
}

/* 255 is what the kernel tells of a link that it could not ask. */
static bool take_width(struct span *line, unsigned int *ret)
{
	struct span word;
	uint64_t n = 0;

	if (!next_field(line, &word) || (!span_is(word, "-") && parse_u64(word, UINT16_MAX, &n) < 0))
		return false;
	*ret = n == 255 ? 0 : (unsigned int)n;
	return true;
}

static bool take_card(struct span line, struct host_network *n)
{
	struct host_card *c = vec_push(&n->cards);
	uint64_t class, vendor, device;
	struct span place, node;
	int64_t number = -1;

	if (n->cards.n > CARDS_MAX || !next_field(&line, &place) ||
	    !take_hex(&line, 0xffffff, &class) || !take_hex(&line, UINT16_MAX, &vendor) ||
	    !take_hex(&line, UINT16_MAX, &device) || !next_field(&line, &node) ||
	    (!span_is(node, "-") && parse_i64(node, &number) < 0) || number < -1 ||
	    number > INT16_MAX)
		return false;
	span_copy(place, c->place, sizeof(c->place));
	c->class = (uint32_t)class;
	c->vendor = (uint16_t)vendor;
	c->device = (uint16_t)device;
	c->node = (int)number;
	return take_width(&line, &c->width) && take_width(&line, &c->max_width);
}

int parse_host_cards(struct span text, struct host_network *ret)
{
	struct span line, rest;

	while (next_line(&text, &line)) {
		struct host_card *last = ret->cards.n ? &ret->cards.items[ret->cards.n - 1] : NULL;

		if (host_facts_line(line, "card", &rest)) {
			if (!take_card(rest, ret))
				return -EBADMSG;
		} else if (last && host_facts_line(line, "speed", &rest)) {
			span_copy(rest, last->speed, sizeof(last->speed));
		} else if (last && host_facts_line(line, "max-speed", &rest)) {
			span_copy(rest, last->max_speed, sizeof(last->max_speed));
		} else {
			return -EBADMSG;
		}
	}
	return 0;
}

void collect_host_network(struct host *h, struct host_facts *f)
{
	cleanup(buf_done) struct buf text = {0};
	int r = host_facts_made(h, "host-cards", read_cards, &text);

	if (r == 0)
		r = parse_host_cards((struct span){text.data, text.len}, &f->network);
	if (r < 0)
		host_absent(f, "network", "/sys/bus/pci/devices", r);
}
