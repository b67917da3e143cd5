// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SMBIOS tables as the kernel shows them raw (drivers/firmware/dmi_scan.c, since 4.2):
 * /sys/firmware/dmi/tables/{smbios_entry_point,DMI}. DMTF DSP0134 3.7: little endian; later versions
 * lengthen structures at their ends, so that a field is there if its structure is long enough.
 *
 * Whatever stands in there came from a firmware's author: each structure is checked to lie in the
 * table before anything of it is read, and one that does not ends the reading.
 */
#include "collect/smbios.h"

#include <errno.h>
#include <stdio.h>

#define HEADER 4
#define STRUCTURES_MAX 16384
#define SIZE_UNKNOWN 0xffff
#define SIZE_EXTENDED 0x7fff
#define SIZE_IN_KIB 0x8000
#define USE_SYSTEM_MEMORY 3
#define CENTRAL_PROCESSOR 3
#define STATUS_POPULATED (1 << 6)
#define CAPACITY_EXTENDED 0x80000000

int smbios_next(const uint8_t *table, size_t n, size_t *at, struct smbios_structure *ret)
{
	size_t left = n - *at, end;
	const uint8_t *p = table + *at;

	if (*at >= n)
		return 0;
	if (left < HEADER || p[1] < HEADER || p[1] > left)
		return -EBADMSG;
	/* Strings end with an empty one; without any there are two NULs all the same. */
	for (end = p[1]; end + 1 < left && (p[end] || p[end + 1]);)
		end++;
	if (end + 1 >= left)
		return -EBADMSG;
	*ret = (struct smbios_structure){.data = p,
					 .type = p[0],
					 .length = p[1],
					 .strings = (const char *)p + p[1],
					 .strings_n = end + 2 - p[1],
					 .size = end + 2};
	*at += ret->size;
	return 1;
}

const char *smbios_string(const struct smbios_structure *s, uint8_t number)
{
	const char *p = s->strings, *end = s->strings + s->strings_n;

	for (; number > 1 && p < end && *p; number--)
		p += strlen(p) + 1;
	return number && p < end ? p : "";
}

bool smbios_value(const struct smbios_structure *s, size_t at, size_t size, uint64_t *ret)
{
	uint64_t value = 0;

	if (at + size > s->length)
		return false;
	for (size_t i = size; i--;)
		value = value << 8 | s->data[at + i];
	*ret = value;
	return true;
}

static uint64_t value_or_0(const struct smbios_structure *s, size_t at, size_t size)
{
	uint64_t value = 0;

	smbios_value(s, at, size, &value);
	return value;
}

/* The text whose number stands at `at`; blanks around it are padding. */
static void take_text(const struct smbios_structure *s, size_t at, char *to)
{
	const char *text = smbios_string(s, (uint8_t)value_or_0(s, at, 1));
	size_t n;

	text += strspn(text, " ");
	n = strlen(text);
	while (n && text[n - 1] == ' ')
		n--;
	snprintf(to, SMBIOS_TEXT, "%.*s", (int)MIN(n, (size_t)SMBIOS_TEXT - 1), text);
}

static void take_processor(const struct smbios_structure *s, struct host_firmware *f)
{
	struct smbios_processor *p;
	/* Of 256 and more the byte is 0xff, and a word behind (3.0) has it. */
	const struct {
		size_t byte, word;
	} counts[] = {{0x23, 0x2a}, {0x24, 0x2c}, {0x25, 0x2e}};

	if (value_or_0(s, 0x05, 1) != CENTRAL_PROCESSOR)
		return;
	p = vec_push(&f->processors);
	take_text(s, 0x04, p->socket);
	take_text(s, 0x07, p->maker);
	take_text(s, 0x10, p->version);
	p->max_mhz = (unsigned int)value_or_0(s, 0x14, 2);
	p->mhz = (unsigned int)value_or_0(s, 0x16, 2);
	p->populated = value_or_0(s, 0x18, 1) & STATUS_POPULATED;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		unsigned int *const to[] = {&p->cores, &p->cores_enabled, &p->threads};
		uint64_t n = value_or_0(s, counts[i].byte, 1);

		*to[i] = (unsigned int)(n == 0xff ? value_or_0(s, counts[i].word, 2) : n);
	}
}

static void take_array(const struct smbios_structure *s, struct host_firmware *f)
{
	uint64_t capacity = value_or_0(s, 0x07, 4);
	struct smbios_array *a;

	if (value_or_0(s, 0x05, 1) != USE_SYSTEM_MEMORY)
		return;
	a = vec_push(&f->arrays);
	a->handle = (uint16_t)value_or_0(s, 0x02, 2);
	a->ecc = (uint8_t)value_or_0(s, 0x06, 1);
	a->slots = (unsigned int)value_or_0(s, 0x0d, 2);
	/* KiB; of 2 TiB and more bytes, further behind (2.7). */
	a->max_bytes = capacity == CAPACITY_EXTENDED ? value_or_0(s, 0x0f, 8) : capacity << 10;
}

static void take_size(const struct smbios_structure *s, struct smbios_memory *m)
{
	uint64_t size = value_or_0(s, 0x0c, 2), more;

	if (s->length < 0x0e || size == SIZE_UNKNOWN)
		return;
	m->size_known = true;
	if (size == SIZE_EXTENDED && smbios_value(s, 0x1c, 4, &more))
		m->bytes = (more & 0x7fffffff) << 20;
	else if (size & SIZE_IN_KIB)
		m->bytes = (size & ~(uint64_t)SIZE_IN_KIB) << 10;
	else
		m->bytes = size << 20;
}

static unsigned int speed(const struct smbios_structure *s, size_t word, size_t extended)
{
	uint64_t n = value_or_0(s, word, 2);

	return (unsigned int)(n == 0xffff ? value_or_0(s, extended, 4) & 0x7fffffff : n);
}

static void take_memory(const struct smbios_structure *s, struct host_firmware *f)
{
	struct smbios_memory *m = vec_push(&f->memory);

	m->array = (uint16_t)value_or_0(s, 0x04, 2);
	take_size(s, m);
	take_text(s, 0x10, m->locator);
	take_text(s, 0x11, m->bank);
	take_text(s, 0x17, m->maker);
	take_text(s, 0x1a, m->part);
	m->type = (uint8_t)value_or_0(s, 0x12, 1);
	m->mts = speed(s, 0x15, 0x54);
	m->mts_now = speed(s, 0x20, 0x58);
	m->ranks = (unsigned int)value_or_0(s, 0x1b, 1) & 0x0f;
}

static void take_structure(const struct smbios_structure *s, struct host_firmware *f)
{
	switch (s->type) {
	case SMBIOS_BIOS:
		take_text(s, 0x04, f->vendor);
		take_text(s, 0x05, f->version);
		take_text(s, 0x08, f->date);
		break;
	case SMBIOS_SYSTEM:
		take_text(s, 0x04, f->system_maker);
		take_text(s, 0x05, f->product);
		take_text(s, 0x06, f->product_version);
		take_text(s, 0x07, f->serial);
		break;
	case SMBIOS_BOARD:
		/* Blades and expanders tell of several; the first is the one with the CPUs. */
		if (f->board_maker[0] || f->board[0])
			break;
		take_text(s, 0x04, f->board_maker);
		take_text(s, 0x05, f->board);
		take_text(s, 0x06, f->board_version);
		break;
	case SMBIOS_PROCESSOR:
		take_processor(s, f);
		break;
	case SMBIOS_ARRAY:
		take_array(s, f);
		break;
	case SMBIOS_MEMORY:
		take_memory(s, f);
		break;
	default:
		break;
	}
}

/* Memory that is no system memory (flash of the firmware) has an array of its own kind. */
static void forget_other_memory(struct host_firmware *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->memory.n; i++) {
		bool ours = !f->arrays.n;

		vec_each(a, &f->arrays)
			ours |= a->handle == f->memory.items[i].array;
		if (ours)
			f->memory.items[kept++] = f->memory.items[i];
	}
	f->memory.n = kept;
}

int parse_smbios_table(const struct buf *data, struct host_firmware *ret)
{
	const uint8_t *table = (const uint8_t *)data->data;
	struct smbios_structure s;
	size_t at = 0, n = 0;
	int r;

	if (!data->len || data->len > SMBIOS_TABLE_MAX)
		return -EBADMSG;
	while ((r = smbios_next(table, data->len, &at, &s)) > 0 && s.type != SMBIOS_END) {
		if (++n > STRUCTURES_MAX)
			return -EBADMSG;
		take_structure(&s, ret);
	}
	if (r < 0)
		return r;
	forget_other_memory(ret);
	ret->tables = true;
	return 0;
}

static bool sums_to_zero(const char *p, size_t n)
{
	uint8_t sum = 0;

	while (n--)
		sum = (uint8_t)(sum + (uint8_t)*p++);
	return sum == 0;
}

int parse_smbios_entry(const struct buf *data, struct host_firmware *ret)
{
	static const struct {
		const char *anchor;
		size_t length_at, least, major_at;
	} kinds[] = {{"_SM3_", 6, 24, 7}, {"_SM_", 5, 30, 6}};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t anchor = strlen(kinds[i].anchor), length;

		if (data->len < kinds[i].least ||
		    memcmp(data->data, kinds[i].anchor, anchor) != 0)
			continue;
		length = (uint8_t)data->data[kinds[i].length_at];
		/* 2.1 said 30 where it meant 31. */
		if (length < kinds[i].least || length > data->len ||
		    !(sums_to_zero(data->data, length) ||
		      (length == 30 && data->len > 30 && sums_to_zero(data->data, 31))))
			return -EBADMSG;
		ret->major = (uint8_t)data->data[kinds[i].major_at];
		ret->minor = (uint8_t)data->data[kinds[i].major_at + 1];
		return 0;
	}
	return -EBADMSG;
}
