// SPDX-License-Identifier: GPL-2.0-or-later
#include "causes/enter.h"

#include <stdio.h>

/* A name goes into a command as it stands only if a shell takes it for one word. */
bool is_plain(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_-.") == strlen(name);
}

const char *entering(const struct exam *x, char *to, size_t size)
{
	if (is_plain(x->o->name) && strcmp(x->o->name, "host") != 0)
		snprintf(to, size, "ip netns exec %s ", x->o->name);
	else
		*to = '\0';
	return to;
}

void remedy_sysctl_here(const struct exam *x, struct remedy *r, const char *key, int64_t from,
			int64_t to)
{
	struct remedy_change *c;
	char enter[96], number[24];

	if (!*entering(x, enter, sizeof(enter))) {
		remedy_sysctl(r, key, from, to);
		return;
	}
	c = vec_push(&r->changes);
	c->kind = xstrdup("sysctl");
	c->key = xstrdup(key);
	snprintf(number, sizeof(number), "%lld", (long long)from);
	c->from = xstrdup(number);
	snprintf(number, sizeof(number), "%lld", (long long)to);
	c->to = xstrdup(number);
	r->applicable = true;
	remedy_command(r, "%ssysctl -w %s=%lld", enter, key, (long long)to);
	remedy_undo(r, "%ssysctl -w %s=%lld", enter, key, (long long)from);
	/* What sets up a namespace is not known, so nothing can be said of the next boot. */
}
