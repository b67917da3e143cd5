// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * enum skb_drop_reason holds the core's reasons (include/net/dropreason-core.h, since 5.17). Since
 * 6.4 the upper 16 bits say which subsystem a reason belongs to (enum skb_drop_reason_subsys);
 * that one has an enum of its own, SUBSYSTEM_drop_reason, in vmlinux or in its module, whose
 * values include the subsystem's bits.
 */
#define _GNU_SOURCE
#include "drops/reasons.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/parse.h"
#include "drops/kernel_btf.h"

#define SUBSYSTEM_SHIFT 16

void reasons_done(struct reasons *r)
{
	vec_done(&r->names);
	vec_done(&r->subsystems);
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

static const char *without_prefix(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : s;
}

void reason_strip(const char *name, char *to, size_t size)
{
	name = without_prefix(without_prefix(name, "SKB_DROP_REASON_"), "SKB_");
	/* Later kernels gave these a subsystem; they keep the names they had in the core. */
	if (strcmp(name, "QDISC_DROP_GENERIC") == 0)
		name = "QDISC_DROP";
	if (strncmp(name, "QDISC_DROP_", 11) == 0)
		snprintf(to, size, "QDISC_%s", name + 11);
	else
		snprintf(to, size, "%s", name);
}

static void add_name(struct reasons *r, uint32_t value, const char *name)
{
	struct reason_name *new;

	if (has_suffix(name, "_MAX") || has_suffix(name, "_MASK") || strncmp(name, "__", 2) == 0)
		return;
	vec_each(known, &r->names)
		if (known->value == value)
			return;
	new = vec_push(&r->names);
	new->value = value;
	reason_strip(name, new->name, sizeof(new->name));
}

/* "SKB_DROP_REASON_SUBSYS_MAC80211_UNUSABLE" is of module mac80211. */
static void add_subsystem(struct reasons *r, uint32_t number, const char *name)
{
	struct reason_subsystem *new;
	size_t n = 0;

	if (!number || has_suffix(name, "_NUM"))
		return;
	new = vec_push(&r->subsystems);
	new->number = number;
	name = without_prefix(name, "SKB_DROP_REASON_SUBSYS_");
	for (; isalnum((unsigned char)name[n]) && n < sizeof(new->module) - 1; n++)
		new->module[n] = (char)tolower((unsigned char)name[n]);
}

/* Small enumerators such as RX_QUEUED of mac80211 are return values, not reasons. */
static void add_value(struct reasons *r, const char *type, uint64_t value, const char *name)
{
	bool core = strcmp(type, "skb_drop_reason") == 0;

	if (!name || value > UINT32_MAX)
		return;
	if (strcmp(type, "skb_drop_reason_subsys") == 0)
		add_subsystem(r, (uint32_t)value, name);
	else if (core == !(value >> SUBSYSTEM_SHIFT))
		add_name(r, (uint32_t)value, name);
}

void reasons_add_btf(struct reasons *r, const struct btf *btf, unsigned int first)
{
	unsigned int n = btf__type_cnt(btf);

	for (unsigned int id = first; id < n; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *type;

		if (!btf_is_any_enum(t))
			continue;
		type = btf__name_by_offset(btf, t->name_off);
		if (!type || (!has_suffix(type, "_drop_reason") &&
			      strcmp(type, "skb_drop_reason_subsys") != 0))
			continue;
		for (unsigned int i = 0; i < btf_vlen(t); i++) {
			uint64_t value = btf_is_enum(t) ? (uint32_t)btf_enum(t)[i].val
							: btf_enum64_value(&btf_enum64(t)[i]);
			uint32_t name_off = btf_is_enum(t) ? btf_enum(t)[i].name_off
							   : btf_enum64(t)[i].name_off;

			add_value(r, type, value, btf__name_by_offset(btf, name_off));
		}
	}
}

/* A module's BTF builds on the kernel's, which was let go: 6 MB for a case so rare. */
static void add_module(struct reasons *r, const char *module)
{
	char path[64];
	struct btf *base, *btf;

	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", module);
	if (access(path, R_OK) != 0)
		return;
	base = btf__load_vmlinux_btf();
	if (!base)
		return;
	btf = btf__load_module_btf(module, base);
	if (btf)
		reasons_add_btf(r, btf, btf__type_cnt(base));
	btf__free(btf);
	btf__free(base);
}

static const char *name_of(const struct reasons *r, uint32_t value)
{
	vec_each(known, &r->names)
		if (known->value == value)
			return known->name;
	return NULL;
}

void reasons_name(struct reasons *r, uint32_t value, char *to, size_t size)
{
	const char *name = r->none ? "NOT_SPECIFIED" : name_of(r, value);

	if (!name && value >> SUBSYSTEM_SHIFT) {
		vec_each(subsystem, &r->subsystems) {
			if (subsystem->number != value >> SUBSYSTEM_SHIFT || subsystem->tried)
				continue;
			subsystem->tried = true;
			add_module(r, subsystem->module);
		}
		name = name_of(r, value);
	}
	if (name)
		snprintf(to, size, "%s", name);
	else
		snprintf(to, size, "%" PRIu32, value);
}

bool reasons_number(const struct reasons *r, const char *name, uint32_t *ret)
{
	uint64_t number;

	vec_each(known, &r->names) {
		if (strcmp(known->name, name) == 0) {
			*ret = known->value;
			return true;
		}
	}
	if (parse_u64(span_of(name), UINT32_MAX, &number) != 0)
		return false;
	*ret = (uint32_t)number;
	return true;
}

/* The prototype of the tracepoint's probes; its first argument is the probe's own. */
int kfree_skb_arguments(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "btf_trace_kfree_skb", BTF_KIND_TYPEDEF);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	for (int i = 0; i < 2 && t; i++) /* typedef, pointer */
		t = btf__type_by_id(btf, t->type);
	if (!t || !btf_is_func_proto(t) || btf_vlen(t) < 3)
		return -ENOENT;
	return MIN(btf_vlen(t) - 1, 4);
}

bool reasons_kernel_has(const char *name)
{
	const struct btf *btf = kernel_btf();
	struct reasons r = {0};
	bool found = false;

	if (!btf)
		return false;
	reasons_add_btf(&r, btf, 1);
	vec_each(known, &r.names)
		found |= strcmp(known->name, name) == 0;
	reasons_done(&r);
	return found;
}
