/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet path of one namespace with what passed and what was lost at each stage. */
#ifndef WHYDROP_PATH_ROWS_H
#define WHYDROP_PATH_ROWS_H

#include "causes/cause.h"

struct path_row {
	enum stage stage;
	enum direction direction; /* DIR_RX or DIR_TX; what is forwarded counts as received */
	bool known;		  /* passed is known */
	bool examined;		  /* at least one cause of this stage could be judged here */
	uint64_t passed, lost;	  /* in the interval */
};

struct path_rows {
	VEC(struct path_row) rows; /* rx in its order, then tx */
};

void path_rows(const struct diagnosis *d, const struct observation *o, struct path_rows *ret);
void path_rows_done(struct path_rows *p);

/* Where a finding's packets were lost: the loss point's place, also when something explains it. */
enum stage finding_stage(const struct finding *f);
enum direction finding_direction(const struct finding *f);

#endif
