/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kinds share: keys taken apart, numbers, netlink messages made with libnl and sent. */
#ifndef WHYDROP_REMEDY_ASK_H
#define WHYDROP_REMEDY_ASK_H

#include "base/buf.h"
#include "base/parse.h"

struct nl_msg;
struct nlattr;

/* A message with its family header; out of memory ends the program. */
struct nl_msg *ask_new(uint16_t type, uint16_t flags, const void *header, size_t size);
void ask_drop(struct nl_msg **m);
#define ask_message cleanup(ask_drop) struct nl_msg

/*
 * Sends it and gathers the answer, or with ret NULL the acknowledgement, which is then asked for.
 * Errors are those of nl_request().
 */
int ask(int protocol, struct nl_msg *m, struct buf *ret);

/* "eth0:ring.rx": the device, and where the rest begins. -EINVAL for a key of another form. */
int key_device(const char *key, char device[16], const char **ret_rest);
/* The same with its index in the thread's namespace; -ENODEV. */
int key_ifindex(const char *key, unsigned int *ret, const char **ret_rest);
/* A whole number of 32 bits, or -EINVAL. */
int value_u32(const char *value, uint32_t *ret);
/* "on" or "off", or -EINVAL. */
int value_switch(const char *value, bool *ret);

/* A small file of the kernel's as a value: read whole, without the newline at its end. */
int text_file_read(int folder, const char *path, struct buf *ret);
/* In one write(), as the kernel wants it. */
int text_file_write(int folder, const char *path, const char *value);

#endif
