/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The collectors of `whydrop host`: each fills its section of struct host_facts, and says there
 * what it could not read. They run in the calling thread, in the phases "host-a" and "host-b" of a
 * recording.
 */
#ifndef WHYDROP_COLLECT_HOST_FACTS_H
#define WHYDROP_COLLECT_HOST_FACTS_H

#include "base/parse.h"
#include "collect/host.h"
#include "model/host_facts.h"

void collect_host_system(struct host *h, struct host_facts *f);
void collect_host_firmware(struct host *h, struct host_facts *f);
void collect_host_cpu(struct host *h, struct host_facts *f);
void collect_host_numa(struct host *h, struct host_facts *f);
void collect_host_disks(struct host *h, struct host_facts *f);
void collect_host_mounts(struct host *h, struct host_facts *f);
void collect_host_network(struct host *h, struct host_facts *f);

/*
 * What sysfs and the like have in many small files is kept in a recording as one entry of lines of
 * words, made by fn from live files. A replay takes the kept one.
 */
int host_facts_made(struct host *h, const char *name, int (*fn)(struct buf *to), struct buf *ret);
/* A short file without the newline at its end; negative errno, -ENODATA: it is empty, -EFBIG: no room. */
int host_facts_short(int at, const char *path, char *to, size_t size);
/* "key words": the text behind the key; false: the line is of another one. */
bool host_facts_line(struct span line, const char *key, struct span *ret);

/* The pure halves. -EBADMSG: not what these files hold. */
int parse_host_system(struct span text, struct host_system *ret);
int parse_cpuinfo(struct span text, struct host_cpu *ret);
int parse_host_cpus(struct span text, struct host_cpu *ret);
int parse_host_nodes(struct span text, struct host_numa *ret);
int parse_host_cards(struct span text, struct host_network *ret);
int parse_host_firmware(struct span text, struct host_firmware *ret);
int parse_host_disks(struct span text, struct host_disks *ret);
int parse_host_mounts(struct span text, struct host_disks *ret);
int parse_uptime(struct span text, struct host_system *ret);
/* Records of utmp(5). */
int parse_utmp(const struct buf *data, struct host_system *ret);

#endif
