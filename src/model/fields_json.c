// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/fields_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/parse.h"

#define ROWS_MAX 65536

/* The widths a field of the tables may have. */
union number {
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
};

static uint64_t number_load(const void *from, size_t size)
{
	union number n;

	memcpy(&n, from, size);
	return size == 1 ? n.u8 : size == 2 ? n.u16 : size == 4 ? n.u32 : n.u64;
}

static int number_store(void *to, size_t size, uint64_t value)
{
	union number n;

	switch (size) {
	case 1:
		n.u8 = (uint8_t)value;
		break;
	case 2:
		n.u16 = (uint16_t)value;
		break;
	case 4:
		n.u32 = (uint32_t)value;
		break;
	default:
		n.u64 = value;
	}
	if (number_load(&n, size) != value)
		return -EBADMSG;
	memcpy(to, &n, size);
	return 0;
}

json_t *number_to_json(uint64_t value)
{
	char text[24];

	if (value <= INT64_MAX)
		return json_integer((json_int_t)value);
	snprintf(text, sizeof(text), "%" PRIu64, value);
	return json_string(text);
}

int number_from_json(const json_t *json, uint64_t *ret)
{
	if (json_is_integer(json) && json_integer_value(json) >= 0) {
		*ret = (uint64_t)json_integer_value(json);
		return 0;
	}
	if (!json_is_string(json) || parse_u64(span_of(json_string_value(json)), UINT64_MAX, ret))
		return -EBADMSG;
	return 0;
}

int text_from_json(const json_t *json, char *ret, size_t size)
{
	/* jansson keeps "\u0000" if it was told to allow it: the text would end early. */
	if (!json_is_string(json) || json_string_length(json) >= size ||
	    strlen(json_string_value(json)) != json_string_length(json))
		return -EBADMSG;
	memcpy(ret, json_string_value(json), json_string_length(json) + 1);
	return 0;
}

/* What is no UTF-8 (names of tables and chains may be any bytes) is told as '?'. */
static json_t *text_to_json(const char *text)
{
	json_t *json = json_string(text);
	char *plain;

	if (json)
		return json;
	plain = xstrdup(text);
	for (char *p = plain; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	json = json_string(plain);
	free(plain);
	return json;
}

int fields_to_json(const struct field *fields, size_t n, const char *row, json_t *to)
{
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		const struct field *f = &fields[i];
		const char *at = row + f->offset;
		json_t *value = f->kind == TEXT ? text_to_json(at)
						: number_to_json(number_load(at, f->size));

		err |= json_object_set_new(to, f->name, value);
	}
	return err;
}

int fields_from_json(const struct field *fields, size_t n, const json_t *json, char *row)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &fields[i];
		const json_t *value = json_object_get(json, f->name);
		uint64_t number;
		int err;

		if (f->kind == TEXT) {
			err = text_from_json(value, row + f->offset, f->size);
		} else {
			err = number_from_json(value, &number);
			if (!err)
				err = number_store(row + f->offset, f->size, number);
		}
		if (err)
			return err;
	}
	return 0;
}

json_t *err_to_json(int err)
{
	return errno_from_name(errno_name(err)) ? json_string(errno_name(err)) : json_integer(err);
}

int err_from_json(const json_t *json, int *ret)
{
	if (json_is_string(json)) {
		*ret = -errno_from_name(json_string_value(json));
		return *ret ? 0 : -EBADMSG;
	}
	if (!json_is_integer(json) || json_integer_value(json) > 0 ||
	    json_integer_value(json) < -4095)
		return -EBADMSG;
	*ret = (int)json_integer_value(json);
	return 0;
}

bool is_json_rows(const json_t *json)
{
	return json_is_array(json) && json_array_size(json) <= ROWS_MAX;
}

int bool_from_json(const json_t *json, bool *ret)
{
	if (!json_is_boolean(json))
		return -EBADMSG;
	*ret = json_is_true(json);
	return 0;
}
