// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/config.h"

#include <stdio.h>

const struct threshold_row threshold_rows[THRESHOLD_N] = {
#define T(id_, name_, value_, unit_, meaning_)                                                     \
	[THRESHOLD_##id_] = {.name = name_,                                                        \
			     .meaning = meaning_,                                                  \
			     .unit = THRESHOLD_##unit_,                                            \
			     .value = value_},
#include "model/thresholds.def"
#undef T
};

void config_done(struct config *c)
{
	vec_done(&c->limits);
	vec_done(&c->ignores);
}

uint64_t config_threshold(const struct config *c, enum threshold_id id)
{
	return c && c->threshold_set[id] ? c->threshold[id] : threshold_rows[id].value;
}

const char *limit_kind_name(enum limit_kind kind)
{
	static const char *const names[] = {"bandwidth", "packets", "connections"};

	return names[kind];
}

const char *limit_side_name(enum limit_side side)
{
	static const char *const names[] = {"", "-rx", "-tx", "-sum"};

	return names[side];
}

const char *ignore_name(const struct ignore *i, char *to, size_t size)
{
	int n = snprintf(to, size, "%s%s%s", i->cause, i->port || i->device[0] ? "@" : "", i->device);

	if (i->port && n > 0 && (size_t)n < size)
		snprintf(to + n, size - (size_t)n, "%u", i->port);
	return to;
}

const char *limit_name(const struct limit *l, char *to, size_t size)
{
	snprintf(to, size, "%s%s%s%s", limit_kind_name(l->kind), limit_side_name(l->side),
		 l->device[0] ? "@" : "", l->device);
	return to;
}
