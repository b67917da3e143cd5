// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/kallsyms (kernel/kallsyms.c): "ffffffff81000000 T name" and for a module "[module]" after
 * it; whole host; zeros instead of addresses without CAP_SYSLOG. It is not sorted: modules follow
 * the kernel.
 */
#define _GNU_SOURCE
#include "drops/symbols.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "drops/record.h"
#include "symbols.skel.h"

void symbols_done(struct symbols *s)
{
	vec_done(&s->items);
	s->named = 0;
}

void symbols_add(struct symbols *s, uint64_t address)
{
	struct symbol *symbol;

	vec_each(known, &s->items)
		if (known->address == address)
			return;
	symbol = vec_push(&s->items);
	symbol->address = address;
}

void symbol_strip(char *name)
{
	size_t n = strcspn(name, " \t[");

	name[n] = '\0';
	/* Compilers put their suffixes behind a dot; no C function has one elsewhere. */
	if (n)
		name[1 + strcspn(name + 1, ".")] = '\0';
}

void symbol_strip_size(char *name)
{
	char *size = strchr(name, '/'), *after;

	if (!size)
		return;
	after = size + strcspn(size, " ");
	memmove(size, after, strlen(after) + 1);
}

static int ask_kernel_for(struct symbols_bpf *skel, struct symbol *symbols, size_t n)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err;

	skel->bss->wanted = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		skel->bss->addresses[i] = symbols[i].address;
	err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.name_addresses), &opts);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		span_copy(span_of(skel->bss->names[i]), symbols[i].name, sizeof(symbols[i].name));
		/* A kernel without kallsyms prints the bare number. */
		if (strncmp(symbols[i].name, "0x", 2) == 0)
			symbols[i].name[0] = '\0';
	}
	return 0;
}

static int ask_kernel(struct symbols *s)
{
	struct symbols_bpf *skel = symbols_bpf__open_and_load();
	int err = 0;

	if (!skel)
		return -errno;
	skel->bss->offsets = s->offsets;
	for (size_t i = s->named; i < s->items.n && !err; i += SYMBOL_BATCH)
		err = ask_kernel_for(skel, s->items.items + i, MIN(s->items.n - i, SYMBOL_BATCH));
	symbols_bpf__destroy(skel);
	return err;
}

int symbols_take_kallsyms_line(struct symbols *s, struct span line)
{
	struct span address, type, name;
	uint64_t start;

	if (!next_field(&line, &address) || !next_field(&line, &type) || !next_field(&line, &name))
		return -EBADMSG;
	if (type.n != 1 || parse_hex64(address, UINT64_MAX, &start) != 0)
		return -EBADMSG;
	if (!start || !strchr("tTwW", type.p[0]))
		return 0;
	for (size_t i = s->named; i < s->items.n; i++) {
		struct symbol *symbol = &s->items.items[i];

		if (start > symbol->address || start < symbol->start)
			continue;
		/* Of several names for one function the first is as good as any. */
		if (start == symbol->start && symbol->name[0])
			continue;
		symbol->start = start;
		span_copy(name, symbol->name, sizeof(symbol->name));
	}
	return 0;
}

static int read_kallsyms(struct symbols *s)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (!f)
		return -errno;
	while ((n = getline(&line, &size, f)) > 0)
		if (symbols_take_kallsyms_line(s, (struct span){line, (size_t)n - 1}))
			break;
	free(line);
	fclose(f);
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static void strip(const struct symbols *s, struct symbol *symbol)
{
	size_t n = strlen(symbol->name);

	if (!s->offsets)
		symbol_strip(symbol->name);
	else if (symbol->start && n) /* out of kallsyms */
		snprintf(symbol->name + n, sizeof(symbol->name) - n, "+0x%" PRIx64,
			 symbol->address - symbol->start);
	else
		symbol_strip_size(symbol->name);
}

void symbols_name_all(struct symbols *s)
{
	if (s->named == s->items.n)
		return;
	if (ask_kernel(s) != 0)
		read_kallsyms(s);
	for (size_t i = s->named; i < s->items.n; i++) {
		struct symbol *symbol = &s->items.items[i];

		strip(s, symbol);
		if (!symbol->name[0])
			snprintf(symbol->name, sizeof(symbol->name), "0x%" PRIx64, symbol->address);
	}
	qsort(s->items.items, s->items.n, sizeof(*s->items.items), by_address);
	s->named = s->items.n;
}

const char *symbols_name(const struct symbols *s, uint64_t address)
{
	const struct symbol key = {.address = address}, *found = NULL;

	if (s->items.n)
		found = bsearch(&key, s->items.items, s->items.n, sizeof(key), by_address);
	return found ? found->name : "?";
}
