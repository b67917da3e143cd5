// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/drops_json.h"

#include <arpa/inet.h>
#include <errno.h>

#include "model/fields_json.h"

static const struct field drop_fields[] = {
	FIELD(drop, TEXT, reason),	FIELD(drop, TEXT, symbol),
	FIELD(drop, NUMBER, netns),	FIELD(drop, NUMBER, ifindex),
	FIELD(drop, NUMBER, ethertype), FIELD(drop, NUMBER, protocol),
	FIELD(drop, NUMBER, family),	FIELD(drop, NUMBER, local_port),
	FIELD(drop, NUMBER, cookie),	FIELD(drop, NUMBER, packets),
	FIELD(drop, NUMBER, bytes),	FIELD(drop, NUMBER, segments),
};

/* Without the addresses, which depend on the family. */
static const struct field flow_fields[] = {
	FIELD(drop_flow, TEXT, reason),	       FIELD(drop_flow, TEXT, symbol),
	FIELD(drop_flow, NUMBER, netns),       FIELD(drop_flow, NUMBER, ifindex),
	FIELD(drop_flow, NUMBER, family),      FIELD(drop_flow, NUMBER, protocol),
	FIELD(drop_flow, NUMBER, source_port), FIELD(drop_flow, NUMBER, destination_port),
	FIELD(drop_flow, NUMBER, packets),
};

static const struct field rule_fields[] = {
	FIELD(drop_rule, NUMBER, netns),  FIELD(drop_rule, NUMBER, family),
	FIELD(drop_rule, TEXT, table),	  FIELD(drop_rule, TEXT, chain),
	FIELD(drop_rule, NUMBER, handle), FIELD(drop_rule, NUMBER, packets),
};

static int address_to_json(json_t *to, const char *name, int family, const uint8_t *address)
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(family, address, text, sizeof(text)))
		return -1;
	return json_object_set_new(to, name, json_string(text));
}

static int address_from_json(const json_t *json, const char *name, int family, uint8_t *ret)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text && inet_pton(family, text, ret) == 1 ? 0 : -EBADMSG;
}

static int flow_to_json(const struct drop_flow *flow, json_t *to)
{
	int err = fields_to_json(flow_fields, ARRAY_SIZE(flow_fields), (const char *)flow, to);

	err |= address_to_json(to, "source", flow->family, flow->source);
	return err | address_to_json(to, "destination", flow->family, flow->destination);
}

static int flow_from_json(const json_t *json, struct drop_flow *flow)
{
	int err = fields_from_json(flow_fields, ARRAY_SIZE(flow_fields), json, (char *)flow);

	if (!err)
		err = address_from_json(json, "source", flow->family, flow->source);
	if (!err)
		err = address_from_json(json, "destination", flow->family, flow->destination);
	return err;
}

static int rows_to_json(const struct drops *d, json_t *json)
{
	json_t *rows = json_array(), *flows = json_array(), *rules = json_array(), *item;
	int err = 0;

	vec_each(row, &d->rows) {
		item = json_object();
		err |= fields_to_json(drop_fields, ARRAY_SIZE(drop_fields), (const char *)row,
				      item);
		err |= json_array_append_new(rows, item);
	}
	vec_each(flow, &d->flows) {
		item = json_object();
		err |= flow_to_json(flow, item);
		err |= json_array_append_new(flows, item);
	}
	vec_each(rule, &d->rules) {
		item = json_object();
		err |= fields_to_json(rule_fields, ARRAY_SIZE(rule_fields), (const char *)rule,
				      item);
		err |= json_array_append_new(rules, item);
	}
	err |= json_object_set_new(json, "rows", rows);
	err |= json_object_set_new(json, "flows", flows);
	return err | json_object_set_new(json, "rules", rules);
}

json_t *drops_to_json(const struct drops *d)
{
	json_t *json = json_object();
	int err = 0;

	err |= json_object_set_new(json, "err", err_to_json(d->err));
	err |= json_object_set_new(json, "rung", json_string(d->rung));
	err |= json_object_set_new(json, "receiving_socket", json_boolean(d->receiving_socket));
	if (d->sends_traced)
		err |= json_object_set_new(json, "sends_traced", json_true());
	err |= json_object_set_new(json, "flows_sampled", json_boolean(d->flows_sampled));
	err |= json_object_set_new(json, "missed", number_to_json(d->missed));
	err |= json_object_set_new(json, "rules_traced", json_boolean(d->rules_traced));
	err |= json_object_set_new(json, "rules_missed", number_to_json(d->rules_missed));
	err |= rows_to_json(d, json);
	if (err) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static int rows_from_json(const json_t *json, struct drops *d)
{
	const json_t *rows = json_object_get(json, "rows"), *flows = json_object_get(json, "flows");
	const json_t *rules = json_object_get(json, "rules");

	if (!is_json_rows(rows) || !is_json_rows(flows) || !is_json_rows(rules))
		return -EBADMSG;
	for (size_t i = 0; i < json_array_size(rows); i++)
		if (fields_from_json(drop_fields, ARRAY_SIZE(drop_fields), json_array_get(rows, i),
				     (char *)vec_push(&d->rows)))
			return -EBADMSG;
	for (size_t i = 0; i < json_array_size(flows); i++)
		if (flow_from_json(json_array_get(flows, i), vec_push(&d->flows)))
			return -EBADMSG;
	for (size_t i = 0; i < json_array_size(rules); i++)
		if (fields_from_json(rule_fields, ARRAY_SIZE(rule_fields), json_array_get(rules, i),
				     (char *)vec_push(&d->rules)))
			return -EBADMSG;
	return 0;
}

int drops_from_json(const json_t *json, struct drops *ret)
{
	struct drops d = {0};

	if (err_from_json(json_object_get(json, "err"), &d.err) ||
	    text_from_json(json_object_get(json, "rung"), d.rung, sizeof(d.rung)) ||
	    bool_from_json(json_object_get(json, "receiving_socket"), &d.receiving_socket) ||
	    bool_from_json(json_object_get(json, "flows_sampled"), &d.flows_sampled) ||
	    number_from_json(json_object_get(json, "missed"), &d.missed) ||
	    bool_from_json(json_object_get(json, "rules_traced"), &d.rules_traced) ||
	    number_from_json(json_object_get(json, "rules_missed"), &d.rules_missed) ||
	    /* Recordings without them, and of before they were traced, do not have it. */
	    (json_object_get(json, "sends_traced") &&
	     bool_from_json(json_object_get(json, "sends_traced"), &d.sends_traced)) ||
	    rows_from_json(json, &d)) {
		drops_done(&d);
		return -EBADMSG;
	}
	*ret = d;
	return 0;
}
