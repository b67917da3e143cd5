// SPDX-License-Identifier: GPL-2.0-or-later
/* What was stated, as a recording carries it: so that it replays to the same findings. */
#include "cli/config.h"

#include <errno.h>
#include <stdio.h>

#define STATED_MAX 1024 /* limits or ignored findings; more is not ours */

json_t *config_to_json(const struct config *c)
{
	json_t *json = json_object(), *limits = json_array(), *ignores = json_array(),
	       *thresholds = json_object();
	bool any = c->limits.n || c->ignores.n;

	vec_each(l, &c->limits)
		json_array_append_new(limits, json_pack("{s:i, s:i, s:s, s:I}", "kind", l->kind,
							"side", l->side, "device", l->device,
							"value", (json_int_t)l->value));
	vec_each(i, &c->ignores)
		json_array_append_new(ignores, json_pack("{s:s, s:s, s:i}", "cause", i->cause,
							 "device", i->device, "port", i->port));
	for (size_t i = 0; i < THRESHOLD_N; i++) {
		if (!c->threshold_set[i])
			continue;
		any = true;
		json_object_set_new(thresholds, threshold_rows[i].name,
				    json_integer((json_int_t)c->threshold[i]));
	}
	json_object_set_new(json, "limits", limits);
	json_object_set_new(json, "ignores", ignores);
	json_object_set_new(json, "thresholds", thresholds);
	if (any)
		return json;
	json_decref(json);
	return NULL;
}

/* A text that fits whole. */
static int take_text(const json_t *json, const char *key, char *to, size_t size)
{
	const char *text = json_string_value(json_object_get(json, key));

	if (!text || strlen(text) >= size)
		return -EBADMSG;
	snprintf(to, size, "%s", text);
	return 0;
}

static int take_limit(const json_t *json, struct config *c)
{
	json_int_t kind = json_integer_value(json_object_get(json, "kind"));
	json_int_t side = json_integer_value(json_object_get(json, "side"));
	json_int_t value = json_integer_value(json_object_get(json, "value"));
	struct limit l = {0};

	if (kind < 0 || kind >= LIMIT_KIND_N || side < 0 || side >= LIMIT_SIDE_N || value <= 0 ||
	    take_text(json, "device", l.device, sizeof(l.device)) < 0)
		return -EBADMSG;
	l.kind = (enum limit_kind)kind;
	l.side = (enum limit_side)side;
	l.value = (uint64_t)value;
	*vec_push(&c->limits) = l;
	return 0;
}

static int take_ignore(const json_t *json, struct config *c)
{
	json_int_t port = json_integer_value(json_object_get(json, "port"));
	struct ignore i = {.port = (uint16_t)port};

	if (port < 0 || port > UINT16_MAX ||
	    take_text(json, "cause", i.cause, sizeof(i.cause)) < 0 ||
	    take_text(json, "device", i.device, sizeof(i.device)) < 0)
		return -EBADMSG;
	*vec_push(&c->ignores) = i;
	return 0;
}

int config_from_json(const json_t *json, struct config *ret)
{
	const json_t *limits = json_object_get(json, "limits"), *one;
	const json_t *ignores = json_object_get(json, "ignores");
	struct config c = {0};
	int r = json && !json_is_object(json) ? -EBADMSG : 0;
	size_t i;

	if (json_array_size(limits) > STATED_MAX || json_array_size(ignores) > STATED_MAX)
		r = -EBADMSG;
	for (i = 0; r == 0 && (one = json_array_get(limits, i)); i++)
		r = take_limit(one, &c);
	for (i = 0; r == 0 && (one = json_array_get(ignores, i)); i++)
		r = take_ignore(one, &c);
	for (i = 0; r == 0 && i < THRESHOLD_N; i++) {
		one = json_object_get(json_object_get(json, "thresholds"), threshold_rows[i].name);
		if (!one)
			continue;
		if (!json_is_integer(one) || json_integer_value(one) < 0)
			r = -EBADMSG;
		c.threshold_set[i] = true;
		c.threshold[i] = (uint64_t)json_integer_value(one);
	}
	if (r < 0) {
		config_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}
