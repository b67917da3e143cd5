/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which container a process lives in, and what its engine calls it. */
#ifndef WHYDROP_CONTAINER_H
#define WHYDROP_CONTAINER_H

#include "base/parse.h"
#include "collect/collect.h"

#define CONTAINER_ID 64 /* hex digits */

/* The innermost container of a cgroup's path; false, and *ret as it was, if there is none. */
bool container_of_path(struct span path, struct container *ret);
/* Adds the names, from the engine's files or from a process of it that is known already. */
void container_names(struct host *h, const struct snapshot *s, struct container *c);

/* What is in these files; names that are none are left out. */
enum container_file {
	CONTAINER_DOCKER, /* config.v2.json */
	CONTAINER_OCI,	  /* config.json of a bundle: the annotations that containerd and CRI-O add */
	CONTAINER_STORAGE, /* containers.json of containers/storage: all there are */
};
int container_parse(enum container_file kind, const struct buf *json, struct container *c);

#endif
