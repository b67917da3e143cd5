// SPDX-License-Identifier: GPL-2.0-or-later
/* Sysctls, under any of their names, with what they are on this host. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "render/explain_parts.h"
#include "render/words.h"

void sysctl_form(const char *name, char *to, size_t size)
{
	static const char *const leads[] = {"sysctl -w ", "sysctl ", "cat ", "echo "};

	for (size_t i = 0; i < ARRAY_SIZE(leads); i++)
		if (strncasecmp(name, leads[i], strlen(leads[i])) == 0)
			name += strlen(leads[i]);
	if (strncmp(name, "/proc/sys/", 10) == 0)
		name += 10;
	snprintf(to, size, "%.*s", (int)strcspn(name, "="), name);
	for (char *c = to; *c; c++)
		*c = *c == '/' ? '.' : *c;
	for (char *end = to + strlen(to); end > to && end[-1] == ' '; end--)
		end[-1] = '\0';
}

/*
 * Is `wanted` this sysctl? The whole path, its last part, or its last two; `*` stands for a device,
 * whose name goes to `device`.
 */
static bool is_sysctl(const char *path, const char *wanted, char *device, size_t size)
{
	const char *star = strchr(path, '*'), *last = name_last_part(path, '/');
	char form[128];
	size_t head, tail;

	snprintf(device, size, "all");
	sysctl_form(path, form, sizeof(form));
	if (same_name(form, wanted) || same_name(last, wanted))
		return true;
	if (!star)
		return strlen(wanted) > strlen(last) && strlen(form) > strlen(wanted) &&
		       strcasecmp(form + strlen(form) - strlen(wanted), wanted) == 0 &&
		       form[strlen(form) - strlen(wanted) - 1] == '.';
	head = (size_t)(star - path);
	tail = strlen(form) - head - 1;
	if (strlen(wanted) <= head + tail || strncasecmp(form, wanted, head) != 0 ||
	    strcasecmp(wanted + strlen(wanted) - tail, form + head + 1) != 0)
		return false;
	snprintf(device, size, "%.*s", (int)(strlen(wanted) - head - tail), wanted + head);
	for (const char *c = device; *c; c++)
		if (!isgraph((unsigned char)*c))
			return false;
	return true;
}

static const struct sysctl_fact *fact_of(const char *path)
{
	char form[128], device[64];

	sysctl_form(path, form, sizeof(form));
	for (size_t i = 0; i < sysctl_facts_n; i++)
		if (is_sysctl(sysctl_facts[i].path, form, device, sizeof(device)) &&
		    strchr(form, '.'))
			return &sysctl_facts[i];
	return NULL;
}

/* The value now, on one line: kernel text, so whatever is in it is made printable. */
static void value_here(const struct explain_here *here, const char *path, struct explained *t)
{
	cleanup(buf_done) struct buf value = {0};
	int r = here && here->sysctl ? here->sysctl(here->context, path, &value) : -ENOSYS;

	if (r == -ENOSYS)
		return;
	if (r < 0 || !value.len) {
		char why[64];

		snprintf(why, sizeof(why), "%s",
			 r == -ENOENT ? "this kernel, or this network namespace, does not have it"
				      : "cannot be read");
		explained_add(t, "now", why);
		return;
	}
	for (size_t i = 0; i < value.len; i++)
		if (!isprint((unsigned char)value.data[i]))
			value.data[i] = ' ';
	while (value.len && value.data[value.len - 1] == ' ')
		value.data[--value.len] = '\0';
	if (value.len > 200)
		value.data[200] = '\0';
	explained_add(t, "now", value.data);
}

static void add_sysctl(const char *path, const char *meaning, enum scope scope,
		       const struct sysctl_fact *fact, const struct explain_here *here,
		       struct explanation *e)
{
	char form[128];
	struct explained *t;

	sysctl_form(path, form, sizeof(form));
	t = explained_new(e, "sysctl", form, meaning);
	explained_note(t, "%s",
	     scope == SCOPE_HOST ? "sysctl; one value for the whole host, in every namespace"
				 : "sysctl; each network namespace has its own value");
	value_here(here, path, t);
	if (fact) {
		explained_add(t, "default", fact->initial);
		explained_add(t, "set by", fact->set_by);
		explained_add(t, "changed", fact->changed);
	}
	explained_see(t, name_last_part(form, '.'));
}

/* The path with the device in the star's place. */
static void with_device(const char *path, const char *device, char *to, size_t size)
{
	const char *star = strchr(path, '*');

	if (star)
		snprintf(to, size, "%.*s%s%s", (int)(star - path), path, device, star + 1);
	else
		snprintf(to, size, "%s", path);
}

static bool is_cause_sysctl(const char *path)
{
	for (size_t i = 0; i < SYSCTL_N; i++)
		if (strcmp(sysctl_rows[i].path, path) == 0)
			return true;
	return false;
}

void explain_sysctl(const char *name, const struct explain_here *here, struct explanation *e)
{
	char wanted[128], device[64], path[192];

	sysctl_form(name, wanted, sizeof(wanted));
	for (size_t i = 0; i < SYSCTL_N; i++) {
		const struct sysctl_row *row = &sysctl_rows[i];

		if (is_sysctl(row->path, wanted, device, sizeof(device)))
			add_sysctl(row->path, row->meaning, row->scope, fact_of(row->path), here, e);
	}
	for (size_t i = 0; i < sysctl_facts_n; i++) {
		const struct sysctl_fact *fact = &sysctl_facts[i];

		if (!fact->meaning || !is_sysctl(fact->path, wanted, device, sizeof(device)))
			continue;
		with_device(fact->path, device, path, sizeof(path));
		if (!is_cause_sysctl(path) && !strstr(path, ".."))
			add_sysctl(path, fact->meaning, fact->scope, fact, here, e);
	}
}
