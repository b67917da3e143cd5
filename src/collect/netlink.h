/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pure halves of the netlink collectors: the bytes of an answer in, a part of the snapshot
 * out; -EBADMSG if they are malformed or cut short, and then the part is not to be used.
 */
#ifndef WHYDROP_NETLINK_H
#define WHYDROP_NETLINK_H

#include "collect/collect.h"

int parse_links(const struct buf *answer, struct snapshot *s);
/* Adds what RTM_GETNETCONF says to links that are there already. */
int parse_netconf(const struct buf *answer, struct snapshot *s);
int parse_peers(const struct buf *answer, struct snapshot *s);
int parse_qdiscs(const struct buf *answer, struct snapshot *s);
int parse_neighs(const struct buf *answer, struct snapshot *s);
int parse_addresses(const struct buf *answer, struct snapshot *s);
int parse_neigh_tables(const struct buf *answer, struct snapshot *s);
int parse_packet_sockets(const struct buf *answer, struct snapshot *s);
/* All messages of it or a run of them: whether the end was seen is the caller's to check. */
int parse_sockets(const struct buf *messages, uint8_t protocol, bool look, struct snapshot *s);

#endif
