// SPDX-License-Identifier: GPL-2.0-or-later
/* The JSON of counters, schema whydrop.counters/1: keys may be added, none removed or renamed. */
#include "render/counters.h"

#include <math.h>

#include "render/utf8.h"

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

/* Device names are any bytes. */
static json_t *text(const char *s)
{
	struct buf clean = {0};
	json_t *ret;

	if (!s || !*s)
		return json_null();
	utf8_clean(&clean, s, strlen(s));
	ret = json_string(clean.data);
	buf_done(&clean);
	return ret ? ret : json_null();
}

/* Past the largest number of jansson as a real. */
static json_t *value(const struct reading *r, uint64_t n)
{
	if (n > INT64_MAX)
		return json_real(r->negative ? -(double)n : (double)n);
	return json_integer(r->negative ? -(json_int_t)n : (json_int_t)n);
}

static json_t *rate(double n)
{
	return json_real(round(n * 1000) / 1000);
}

static json_t *reading_json(const struct observation *o, const struct reading *r)
{
	static const char *const kinds[] = {
		[KIND_COUNTER] = "counter", [KIND_GAUGE] = "gauge", [KIND_LIMIT] = "limit"};
	bool counts = r->kind == KIND_COUNTER;
	bool before = r->change.known || r->change.reset;
	json_t *j = json_object();

	set(j, "stage", json_string(stage_name(r->stage)));
	set(j, "name", text(r->name));
	set(j, "device", text(r->device));
	set(j, "cpu", r->cpu >= 0 ? json_integer(r->cpu) : json_null());
	set(j, "where", text(r->where));
	set(j, "source", json_string(source_rows[r->source].name));
	set(j, "kind", json_string(kinds[r->kind]));
	set(j, "unit", text(r->unit));
	set(j, "before", before ? value(r, r->change.before) : json_null());
	set(j, "after", value(r, r->change.after));
	set(j, "delta", counts && r->change.known ? value(r, r->change.delta) : json_null());
	set(j, "per_second",
	    counts && r->change.known ? rate(per_second(o, r->change.delta)) : json_null());
	set(j, "reset", json_boolean(r->change.reset));
	set(j, "since_boot", counts ? value(r, r->change.after) : json_null());
	set(j, "since_boot_per_second", counts ? rate(since_boot_rate(o, r)) : json_null());
	set(j, "meaning", text(r->meaning));
	set(j, "loss", json_string(reading_loss_name(r)));
	set(j, "within", text(r->within));
	set(j, "not_filled", text(r->unfilled));
	return j;
}

static json_t *way_json(double packets, double bytes)
{
	json_t *j = json_object();

	set(j, "packets_per_second", rate(packets));
	set(j, "kilobytes_per_second", rate(bytes / 1000));
	return j;
}

static json_t *device_json(const struct device_load *l)
{
	json_t *j = json_object();

	set(j, "device", text(l->link->name));
	set(j, "driver", text(l->nic ? l->nic->driver : NULL));
	set(j, "speed_mbit", l->nic && l->nic->speed ? json_integer(l->nic->speed) : json_null());
	set(j, "rx", l->known ? way_json(l->rx_packets, l->rx_bytes) : json_null());
	set(j, "tx", l->known ? way_json(l->tx_packets, l->tx_bytes) : json_null());
	set(j, "share", l->share >= 0 ? json_real(round(l->share * 1e6) / 1e6) : json_null());
	return j;
}

static json_t *not_read_json(const struct counters_view *v, const struct observation *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < SOURCE_N; i++) {
		const struct source_state *s = &o->b.source[i];
		json_t *j;

		if (!(v->sources & SOURCE_BIT(i)) || s->status != SOURCE_ABSENT)
			continue;
		j = json_object();
		set(j, "source", json_string(source_rows[i].name));
		set(j, "errno", json_string(s->err ? errno_name(s->err) : "ENODATA"));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *namespace_json(const struct counters_view *v, size_t i)
{
	const struct observation *o = &v->d->observations.items[i];
	json_t *j = json_object(), *devices = json_array(), *counters = json_array();

	vec_each(link, &o->b.links) {
		struct device_load l = device_load(o, link);

		if (!v->device || strcmp(v->device, link->name) == 0)
			json_array_append_new(devices, device_json(&l));
	}
	vec_each(r, &v->readings[i].list)
		json_array_append_new(counters, reading_json(o, r));
	set(j, "netns", render_netns_json(o));
	set(j, "interval_s", rate(o->seconds));
	set(j, "devices", devices);
	set(j, "counters", counters);
	set(j, "not_read", not_read_json(v, o));
	return j;
}

json_t *render_counters_json(const struct counters_view *v)
{
	const struct observation *first = v->d->observations.items;
	json_t *j = json_object(), *namespaces = json_array();

	for (size_t i = 0; i < v->d->observations.n; i++)
		json_array_append_new(namespaces, namespace_json(v, i));
	set(j, "schema", json_string("whydrop.counters/1"));
	set(j, "version", text(v->r->version));
	set(j, "host", render_host_json(v->r));
	set(j, "started_at", render_time_json(&v->r->started_at));
	set(j, "interval_s", first ? rate(first->seconds) : json_null());
	set(j, "since_boot", json_boolean(first && first->since_boot));
	set(j, "replay", json_boolean(v->r->replay));
	set(j, "namespaces", namespaces);
	return j;
}
