// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/host_facts.h"

#include <stdio.h>

void host_absent(struct host_facts *f, const char *section, const char *what, int err)
{
	struct host_absence *a = vec_push(&f->absent);

	a->section = section;
	a->err = err;
	snprintf(a->what, sizeof(a->what), "%s", what);
}

void host_facts_done(struct host_facts *f)
{
	vec_done(&f->absent);
	vec_done(&f->system.users);
	host_firmware_done(&f->firmware);
	vec_done(&f->cpu.places);
	vec_done(&f->cpu.caches);
	vec_each(n, &f->numa.nodes)
		vec_done(&n->distances);
	vec_done(&f->numa.nodes);
	vec_done(&f->disks.disks);
	vec_done(&f->disks.filesystems);
	vec_done(&f->network.cards);
	doing_done(&f->doing[0]);
	doing_done(&f->doing[1]);
}
