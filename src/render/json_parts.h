/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values that several of the JSON documents have. */
#ifndef WHYDROP_JSON_PARTS_H
#define WHYDROP_JSON_PARTS_H

#include <jansson.h>

#include "causes/cause.h"

/* A JSON text of what may not be UTF-8 (a command name is any bytes); NULL becomes null. */
json_t *text_or_null(const char *s);
/* The same; an empty text becomes null, too. */
json_t *filled_or_null(const char *s);
/* Of an array that a text may fill to its end. */
json_t *char_array_json(const char *s, size_t size);
/* JSON numbers of jansson are signed: what does not fit is not a number any kernel counts to. */
json_t *number(uint64_t n);

json_t *address_json(uint8_t family, const uint8_t *address);
/* "10.0.0.1:53", "[::1]:53" */
json_t *endpoint_json(uint8_t family, const uint8_t *address, uint16_t port);
/* "udp", "112"; null for 0 */
json_t *protocol_json(uint8_t protocol);
json_t *rule_json(const struct rule_ref *r);
json_t *socket_json(const struct subject *s);
json_t *process_json(const struct process *p);

#endif
