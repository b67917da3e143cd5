/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what the user states: whydrop.conf, --limit, and the copy that a recording carries.
 *
 *   [limits]      bandwidth = 10Gbit    packets-sum@eth0 = 1.2Mpps    connections = 200k
 *   [findings]    ignore = udp-noport@161 qdisc-drop@eth1
 *   [thresholds]  loss-warning = 0.1%
 */
#ifndef WHYDROP_CLI_CONFIG_H
#define WHYDROP_CLI_CONFIG_H

#include <jansson.h>

#include "base/buf.h"
#include "model/config.h"

#define CONFIG_PATH "/etc/whydrop.conf"

/*
 * Adds to *c what the file says. 0, or a negative errno with a message that names file, line and
 * key. Nothing is wrong with a file that does not exist unless it was asked for.
 */
int config_load(struct config *c, const char *path, bool asked_for, struct buf *message);
/* "bandwidth@eth0=10Gbit", as --limit takes it; it replaces what a file said under that name. */
int config_add_limit(struct config *c, const char *text, struct buf *message);

/* NULL if nothing was stated. */
json_t *config_to_json(const struct config *c);
/* NULL is nothing stated; -EBADMSG for what config_to_json() does not make. */
int config_from_json(const json_t *json, struct config *ret);

#endif
