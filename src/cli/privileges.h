/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The capabilities of this process, and what each one that is missing costs. */
#ifndef WHYDROP_PRIVILEGES_H
#define WHYDROP_PRIVILEGES_H

#include "base/buf.h"

struct capability_row {
	const char *name;
	unsigned int bit;
	const char *costs; /* what is not seen without it */
	const char *words; /* as setpriv(1) takes it, with those that it is of no use without */
};
extern const struct capability_row capability_rows[];
extern const size_t capability_rows_n;

struct privileges {
	bool known;
	uint64_t effective; /* CAP_* by their bits */
};

void privileges_read(struct privileges *p);
bool privileges_hold(const struct privileges *p, unsigned int bit);
/* The one command that gives it. */
void privileges_unlock(const struct capability_row *row, struct buf *to);

#endif
