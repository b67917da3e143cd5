// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/drops.h"

void drops_done(struct drops *d)
{
	vec_done(&d->rows);
	vec_done(&d->flows);
	vec_done(&d->rules);
	*d = (struct drops){0};
}
