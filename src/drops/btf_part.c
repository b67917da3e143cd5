// SPDX-License-Identifier: GPL-2.0-or-later
/* The format: Documentation/bpf/btf.rst. A type's id is its place among all types, from 1. */
#include "drops/btf_part.h"

#include <bpf/btf.h>
#include <errno.h>
#include <linux/btf.h>

#include "base/buf.h"

struct source {
	const char *types, *strings;
	uint32_t types_size, strings_size;
	uint32_t *at; /* of each type, by its id: where it lies in types */
	uint32_t n;   /* types, with void, which is no. 0 */
};

struct part {
	const struct source *from;
	btf_wanted_fn *wanted;
	struct buf types, strings;
	uint32_t *of; /* of each type of the source: its id here; 0: not taken yet */
	struct btf_part made;
};

/* ---- the source ---- */

static int find_sections(const char *data, size_t size, struct source *ret)
{
	const struct btf_header *h = (const void *)data;

	if (size < sizeof(*h) || h->magic != BTF_MAGIC || h->hdr_len < sizeof(*h) ||
	    h->hdr_len > size)
		return -EBADMSG;
	size -= h->hdr_len;
	if (h->type_off > size || h->type_len > size - h->type_off || h->str_off > size ||
	    h->str_len > size - h->str_off || !h->str_len || (h->hdr_len + h->type_off) % 4)
		return -EBADMSG;
	*ret = (struct source){.types = data + h->hdr_len + h->type_off,
			       .strings = data + h->hdr_len + h->str_off,
			       .types_size = h->type_len,
			       .strings_size = h->str_len};
	return ret->strings[ret->strings_size - 1] ? -EBADMSG : 0;
}

/* What stands behind struct btf_type: so many bytes, and so many for each of what vlen counts. */
static const struct layout {
	uint8_t known, fixed, each;
} layouts[BTF_INFO_KIND(~0U) + 1] = {
	[BTF_KIND_INT] = {1, sizeof(uint32_t), 0},
	[BTF_KIND_PTR] = {1, 0, 0},
	[BTF_KIND_ARRAY] = {1, sizeof(struct btf_array), 0},
	[BTF_KIND_STRUCT] = {1, 0, sizeof(struct btf_member)},
	[BTF_KIND_UNION] = {1, 0, sizeof(struct btf_member)},
	[BTF_KIND_ENUM] = {1, 0, sizeof(struct btf_enum)},
	[BTF_KIND_FWD] = {1, 0, 0},
	[BTF_KIND_TYPEDEF] = {1, 0, 0},
	[BTF_KIND_VOLATILE] = {1, 0, 0},
	[BTF_KIND_CONST] = {1, 0, 0},
	[BTF_KIND_RESTRICT] = {1, 0, 0},
	[BTF_KIND_FUNC] = {1, 0, 0},
	[BTF_KIND_FUNC_PROTO] = {1, 0, sizeof(struct btf_param)},
	[BTF_KIND_VAR] = {1, sizeof(struct btf_var), 0},
	[BTF_KIND_DATASEC] = {1, 0, sizeof(struct btf_var_secinfo)},
	[BTF_KIND_FLOAT] = {1, 0, 0},
	[BTF_KIND_DECL_TAG] = {1, sizeof(struct btf_decl_tag), 0},
	[BTF_KIND_TYPE_TAG] = {1, 0, 0},
	[BTF_KIND_ENUM64] = {1, 0, sizeof(struct btf_enum64)},
};

static uint32_t extra_size(const struct btf_type *t)
{
	const struct layout *layout = &layouts[BTF_INFO_KIND(t->info)];

	return layout->fixed + layout->each * BTF_INFO_VLEN(t->info);
}

static int find_types(struct source *s)
{
	uint32_t at = 0;

	s->at = xcalloc(s->types_size / sizeof(struct btf_type) + 1, sizeof(*s->at));
	for (s->n = 1; at < s->types_size; s->n++) {
		const struct btf_type *t = (const void *)(s->types + at);
		uint32_t left = s->types_size - at;

		if (left < sizeof(*t) || !layouts[BTF_INFO_KIND(t->info)].known ||
		    extra_size(t) > left - sizeof(*t))
			return -EBADMSG;
		s->at[s->n] = at;
		at += (uint32_t)sizeof(*t) + extra_size(t);
	}
	return 0;
}

static const struct btf_type *type_of(const struct source *s, uint32_t id)
{
	return id && id < s->n ? (const void *)(s->types + s->at[id]) : NULL;
}

static const char *name_of(const struct source *s, uint32_t offset)
{
	return offset < s->strings_size ? s->strings + offset : "";
}

/* ---- the part ---- */

/* The id here; what is met for the first time will be written in its turn. */
static uint32_t take(struct part *p, uint32_t id)
{
	if (!id || id >= p->from->n)
		return 0;
	if (!p->of[id]) {
		p->of[id] = (uint32_t)p->made.ids.n;
		*vec_push(&p->made.ids) = id;
	}
	return p->of[id];
}

static uint32_t add_name(struct part *p, uint32_t offset)
{
	const char *name = name_of(p->from, offset);
	uint32_t at = (uint32_t)p->strings.len;

	if (!*name)
		return 0;
	buf_add(&p->strings, name, strlen(name) + 1);
	return at;
}

/* A flag and no kind stands for FWD; a struct's size, or an enum's, is no type. */
static bool refers(uint32_t kind)
{
	switch (kind) {
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_TYPE_TAG:
		return true;
	default:
		return false;
	}
}

static uint32_t pointed_to(struct part *p, uint32_t id)
{
	const struct btf_type *to = type_of(p->from, id);

	return to && BTF_INFO_KIND(to->info) == BTF_KIND_FUNC_PROTO ? take(p, id) : 0;
}

static void write_members(struct part *p, const struct btf_member *member, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct btf_member copy = member[i];

		copy.name_off = add_name(p, copy.name_off);
		copy.type = take(p, copy.type);
		buf_add(&p->types, &copy, sizeof(copy));
	}
}

static void write_enum(struct part *p, const struct btf_enum *value, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct btf_enum copy = value[i];

		copy.name_off = add_name(p, copy.name_off);
		buf_add(&p->types, &copy, sizeof(copy));
	}
}

static void write_enum64(struct part *p, const struct btf_enum64 *value, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct btf_enum64 copy = value[i];

		copy.name_off = add_name(p, copy.name_off);
		buf_add(&p->types, &copy, sizeof(copy));
	}
}

static void write_extra(struct part *p, const struct btf_type *t, uint32_t kind, uint32_t n)
{
	const void *extra = t + 1;
	struct btf_array array;

	switch (kind) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		write_members(p, extra, n);
		break;
	case BTF_KIND_ENUM:
		write_enum(p, extra, n);
		break;
	case BTF_KIND_ENUM64:
		write_enum64(p, extra, n);
		break;
	case BTF_KIND_ARRAY:
		memcpy(&array, extra, sizeof(array));
		array.type = take(p, array.type);
		array.index_type = take(p, array.index_type);
		buf_add(&p->types, &array, sizeof(array));
		break;
	case BTF_KIND_FUNC_PROTO:
		for (; n; n--)
			buf_add(&p->types, &(struct btf_param){0}, sizeof(struct btf_param));
		break;
	default:
		buf_add(&p->types, extra, extra_size(t));
	}
}

static void write_type(struct part *p, uint32_t id)
{
	const struct btf_type *t = type_of(p->from, id);
	uint32_t kind = BTF_INFO_KIND(t->info), n = BTF_INFO_VLEN(t->info);
	struct btf_type copy = *t;

	copy.name_off = add_name(p, t->name_off);
	if (refers(kind))
		copy.type = take(p, t->type);
	else if (kind == BTF_KIND_PTR)
		copy.type = pointed_to(p, t->type);
	else if (kind == BTF_KIND_FUNC_PROTO)
		copy.type = 0;
	if ((kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64) &&
	    !p->wanted(kind, name_of(p->from, t->name_off))) {
		copy.info -= n;
		n = 0;
	}
	buf_add(&p->types, &copy, sizeof(copy));
	write_extra(p, t, kind, n);
}

static bool may_be_wanted(uint32_t kind)
{
	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION || kind == BTF_KIND_ENUM ||
	       kind == BTF_KIND_ENUM64 || kind == BTF_KIND_TYPEDEF || kind == BTF_KIND_FUNC;
}

static void write_all(struct part *p)
{
	const struct source *s = p->from;

	buf_add(&p->strings, "", 1);
	*vec_push(&p->made.ids) = 0;
	for (uint32_t id = 1; id < s->n; id++) {
		const struct btf_type *t = type_of(s, id);
		uint32_t kind = BTF_INFO_KIND(t->info);

		if (may_be_wanted(kind) && t->name_off &&
		    p->wanted(kind, name_of(s, t->name_off)))
			take(p, id);
	}
	for (size_t i = 1; i < p->made.ids.n; i++)
		write_type(p, p->made.ids.items[i]);
}

static int make_btf(struct part *p)
{
	cleanup(buf_done) struct buf whole = {0};
	struct btf_header h = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(h),
		.type_len = (uint32_t)p->types.len,
		.str_off = (uint32_t)p->types.len,
		.str_len = (uint32_t)p->strings.len,
	};

	buf_add(&whole, &h, sizeof(h));
	buf_add(&whole, p->types.data, p->types.len);
	buf_add(&whole, p->strings.data, p->strings.len);
	p->made.btf = btf__new(whole.data, (uint32_t)whole.len);
	return p->made.btf ? 0 : -errno;
}

int btf_part_of(const void *data, size_t size, btf_wanted_fn *wanted, struct btf_part *ret)
{
	struct source s = {0};
	struct part p = {.from = &s, .wanted = wanted};
	int err = find_sections(data, size, &s);

	if (!err)
		err = find_types(&s);
	if (!err) {
		p.of = xcalloc(s.n, sizeof(*p.of));
		write_all(&p);
		err = make_btf(&p);
	}
	if (err)
		btf_part_done(&p.made);
	else
		*ret = p.made;
	free(s.at);
	free(p.of);
	buf_done(&p.types);
	buf_done(&p.strings);
	return err;
}

void btf_part_done(struct btf_part *part)
{
	btf__free(part->btf);
	vec_done(&part->ids);
	part->btf = NULL;
}
