/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of a recording as JSON. A row's struct is described by a table of fields, which both
 * directions walk. JSON integers have a sign in jansson: a number above INT64_MAX is written as
 * decimal text. What does not fit its field is -EBADMSG.
 */
#ifndef WHYDROP_MODEL_FIELDS_JSON_H
#define WHYDROP_MODEL_FIELDS_JSON_H

#include <jansson.h>

#include "base/base.h"

enum field_kind { TEXT, NUMBER };

struct field {
	const char *name;
	enum field_kind kind;
	size_t offset, size;
};

#define FIELD(type, kind, member)                                                                \
	{                                                                                        \
#member, kind, offsetof(struct type, member), sizeof(((struct type *)0)->member) \
	}

int fields_to_json(const struct field *fields, size_t n, const char *row, json_t *to);
int fields_from_json(const struct field *fields, size_t n, const json_t *json, char *row);
json_t *number_to_json(uint64_t value);
int number_from_json(const json_t *json, uint64_t *ret);
int text_from_json(const json_t *json, char *ret, size_t size);
int bool_from_json(const json_t *json, bool *ret);
/* By name where it has one: numbers are not the same on all machines. */
json_t *err_to_json(int err);
int err_from_json(const json_t *json, int *ret);
/* An array, and not longer than one of ours. */
bool is_json_rows(const json_t *json);

#endif
