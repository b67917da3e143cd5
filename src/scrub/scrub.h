/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording made fit to be shown: addresses and names are replaced by others, the same value by
 * the same one throughout the recording, under a random key that is kept nowhere. What a diagnosis
 * rests on stays, so that it finds the same.
 *
 *   addresses    prefix by prefix (as Crypto-PAn does): two that shared 19 bits share 19 bits.
 *                Loopback, unspecified, multicast, broadcast, link-local, private and IPv4-mapped
 *                ones remain what they are. The ends of a range that is no prefix keep their bits
 *                below the prefix they share.
 *   devices      "if" and letters; "lo" stays, and what a wildcard matched it still matches
 *   firewall     "fw" and letters, but for the names the kernel and iptables give themselves
 *   programs     "proc" and letters; "cg" for cgroups and units, which keep their kind (.service)
 *   this host    "host" and letters; "ns" for network namespaces
 *
 * Ports, inodes, process and user ids, counters, times, and the kernel's release stay as they are.
 * Everything else is kept only if it is known to tell nothing: of a netlink message the attributes
 * that collectors read, of a text the lines. An entry of an unknown kind or one that is malformed
 * is left out, and then that source reads as not examined.
 */
#ifndef WHYDROP_SCRUB_H
#define WHYDROP_SCRUB_H

#include "collect/recording.h"

/* With a key from the kernel's random numbers; a negative errno, and nothing done, without. */
int recording_scrub(struct recording *r);

#endif
