// SPDX-License-Identifier: GPL-2.0-or-later
/* What a recording says beside the kernel: what was traced, and what it is of. */
#include <errno.h>
#include <stdio.h>

#include "model/drops_json.h"
#include "model/snapshot.h"
#include "model/tcp_lines_json.h"
#include "scrub/map.h"

/* ---- drops.json ---- */

static void scrub_rule_name(struct scrubber *s, char *name, size_t size)
{
	size_t n = strlen(name);
	const char *to = n == size - 1 ? scrub_cut_name(s, name, n)
				       : scrub_name(s, NAME_FIREWALL, name, n);

	snprintf(name, size, "%s", to);
}

int scrub_drops(struct scrubber *s, struct buf *data)
{
	json_t *json = json_loadb(data->data ? data->data : "", data->len, 0, NULL), *again;
	struct drops drops = {0};
	char *text;
	int r = json ? drops_from_json(json, &drops) : -EBADMSG;

	json_decref(json);
	if (r < 0)
		return r;
	vec_each(flow, &drops.flows) {
		scrub_address(s, flow->family, flow->source, 128);
		scrub_address(s, flow->family, flow->destination, 128);
	}
	vec_each(rule, &drops.rules) {
		scrub_rule_name(s, rule->table, sizeof(rule->table));
		scrub_rule_name(s, rule->chain, sizeof(rule->chain));
	}
	again = drops_to_json(&drops);
	text = again ? json_dumps(again, JSON_INDENT(1)) : NULL;
	if (text) {
		buf_clear(data);
		buf_puts(data, text);
	}
	free(text);
	json_decref(again);
	drops_done(&drops);
	return text ? 0 : -EBADMSG;
}

/* ---- tcp.json ---- */

int scrub_tcp_lines(struct scrubber *s, struct buf *data)
{
	json_t *json = json_loadb(data->data ? data->data : "", data->len, 0, NULL), *again;
	struct tcp_lines lines = {0};
	char *text;
	int r = json ? tcp_lines_from_json(json, &lines) : -EBADMSG;

	json_decref(json);
	if (r < 0)
		return r;
	vec_each(line, &lines.lines)
		if (line->family)
			scrub_address(s, line->family, line->peer, line->peer_bits);
	again = tcp_lines_to_json(&lines);
	text = again ? json_dumps(again, JSON_INDENT(1)) : NULL;
	if (text) {
		buf_clear(data);
		buf_puts(data, text);
	}
	free(text);
	json_decref(again);
	tcp_lines_done(&lines);
	return text ? 0 : -EBADMSG;
}

/* ---- the description ---- */

static void scrub_text_at(struct scrubber *s, json_t *object, const char *key, enum name_kind kind)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (text)
		json_object_set_new(object, key, json_string(scrub_name(s, kind, text, strlen(text))));
}

static void keep_keys(json_t *object, const char *const *keys)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(object, next, key, value)
		if (!is_one_of(keys, key))
			json_object_del(object, key);
}

/* What the user stated: the devices it names, and nothing that is not known. */
static void scrub_config(struct scrubber *s, json_t *config)
{
	static const char *const keys[] = {"limits", "ignores", "thresholds", NULL};
	static const char *const limit_keys[] = {"kind", "side", "device", "value", NULL};
	static const char *const ignore_keys[] = {"cause", "device", "port", NULL};
	json_t *lists[] = {json_object_get(config, "limits"), json_object_get(config, "ignores")};
	json_t *one;
	size_t i;

	keep_keys(config, keys);
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		json_array_foreach(lists[k], i, one) {
			const char *device = json_string_value(json_object_get(one, "device"));

			keep_keys(one, k ? ignore_keys : limit_keys);
			if (device && *device)
				json_object_set_new(one, "device",
						    json_string(scrub_device(s, device, strlen(device),
									     false)));
		}
	}
}

void scrub_meta(struct scrubber *s, json_t *meta)
{
	static const char *const keys[] = {"schema", "namespaces", "host", "kernel", "cpus",
					   "started_at", "started_at_ns", "uptime", "since_boot",
					   "note",
					   "whydrop", "times", "config", NULL};
	static const char *const netns_keys[] = {"name", "inode", "looks", "seconds", NULL};
	json_t *entry;
	size_t i;

	keep_keys(meta, keys);
	scrub_text_at(s, meta, "host", NAME_HOST);
	json_array_foreach(json_object_get(meta, "namespaces"), i, entry) {
		keep_keys(entry, netns_keys);
		scrub_text_at(s, entry, "name", NAME_NETNS);
	}
	scrub_config(s, json_object_get(meta, "config"));
	json_object_set_new(meta, "scrubbed", json_true());
}
