/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers as people read them. Each function returns its text by value, to be used within one
 * expression: buf_printf(b, "%s", fmt_count(n).s).
 */
#ifndef WHYDROP_FMT_H
#define WHYDROP_FMT_H

#include "base/base.h"

struct fmt {
	char s[32];
};

struct fmt fmt_count(uint64_t n);		     /* 12,406 */
struct fmt fmt_short(double n);			     /* 0.6, 340, 2.5k, 184k, 1.2 M */
struct fmt fmt_rate(double n);			     /* 2,481/s, 184k/s from 100,000 on */
struct fmt fmt_share(uint64_t part, uint64_t whole); /* 20 %, 0.31 %; never 0 or 100 by rounding */
struct fmt fmt_seconds(double s);		     /* 5.0 s, 12 min, 3.4 h, 12 days */

#endif
