/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libpcap compiles filters and runs them; its header and the kernel's cannot be had in one file. */
#ifndef WHYDROP_TESTS_FILTER_ORACLE_H
#define WHYDROP_TESTS_FILTER_ORACLE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORACLE_MAX 4096

/* Number of instructions written; 0: it does not compile. */
size_t oracle_compile(const char *expression, bool link, bool optimize,
		      struct sock_filter to[ORACLE_MAX]);
uint32_t oracle_run(const struct sock_filter *filter, const uint8_t *packet, uint32_t length,
		    uint32_t captured);

#endif
