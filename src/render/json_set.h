/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the documents' objects are filled. */
#ifndef WHYDROP_JSON_SET_H
#define WHYDROP_JSON_SET_H

#include <math.h>

#include "render/json_parts.h"

static inline json_t *number_if(bool known, uint64_t n)
{
	return known ? number(n) : json_null();
}

/* Rounded to the unit: 0.001. */
static inline json_t *real(double v, double unit)
{
	return isfinite(v) ? json_real(round(v / unit) * unit) : json_null();
}

static inline void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static inline void set_text(json_t *object, const char *key, const char *s)
{
	set(object, key, text_or_null(s));
}

#endif
