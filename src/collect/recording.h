/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording: what collectors read, as raw bytes under a name, and a description of the host. It
 * is a folder or a tar file of the same files:
 *
 *   whydrop-recording.json        schema, host, interval, namespaces, and the reads that failed
 *   drops.json                    the kernel drop events, added up, names resolved
 *   tcp.json                      TCP's own events, added up (older recordings have none)
 *   INODE/PHASE/proc/net/snmp     what namespace INODE's file said at PHASE (a, b, look-N)
 *   INODE/PHASE/nl/NAME           a netlink answer, whole
 *   INODE/PHASE/ethtool/N-WHAT    what SIOCETHTOOL answered of the device with index N
 *   INODE/PHASE/late/SOURCE       (a failed read) the source's collector did not come back
 */
#ifndef WHYDROP_RECORDING_H
#define WHYDROP_RECORDING_H

#include <jansson.h>

#include "base/buf.h"

#define RECORDING_SCHEMA "whydrop.recording/1"
#define RECORDING_MAX ((size_t)512 << 20) /* bytes: more is not one of ours */

struct recording;

struct recording *recording_new(void);
void recording_free(struct recording *r);

/* Keeps the outcome of one read; the first of a name wins. Safe from several threads. */
void recording_put(struct recording *r, const char *name, int err, const struct buf *data);
/*
 * Nothing more is kept: a collector that was given up may come back while the recording is
 * scrubbed or saved.
 */
void recording_seal(struct recording *r);
/* What was kept: 0 with *ret filled, the errno the read had, or -ENODATA if it never was read. */
int recording_get(struct recording *r, const char *name, struct buf *ret);
/* Every entry, for scrubbing: fn may change *data. */
void recording_each(struct recording *r,
		    void (*fn)(const char *name, struct buf *data, void *arg), void *arg);
/*
 * Every entry, with the errno of its read: fn may change *data and give the entry another name (it
 * frees the old one). Where it says false the entry is forgotten.
 */
void recording_rewrite(struct recording *r,
		       bool (*fn)(char **name, int err, struct buf *data, void *arg), void *arg);

/* The description; owned by the recording. */
json_t *recording_meta(struct recording *r);

/*
 * To a new folder, or as a tar stream to standard output for "-". -EEXIST if the folder holds
 * anything. What was written is complete or an error was returned.
 */
int recording_save(struct recording *r, const char *path);
/* From a folder, a tar file or "-". -EBADMSG if it is none of ours, -ENODATA if empty or cut. */
int recording_load(const char *path, struct recording **ret);

#endif
