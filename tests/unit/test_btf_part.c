// SPDX-License-Identifier: GPL-2.0-or-later
/* A small BTF out of a large one: what is taken, what is cut off, and what is no BTF at all. */
#include <errno.h>
#include <linux/btf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <cmocka.h>

#include "drops/btf_part.h"

static bool is_wanted(uint32_t kind, const char *name)
{
	return (kind == BTF_KIND_STRUCT && strcmp(name, "outer") == 0) ||
	       (kind == BTF_KIND_ENUM && strcmp(name, "reason") == 0) ||
	       (kind == BTF_KIND_TYPEDEF && strncmp(name, "btf_trace_", 10) == 0) ||
	       (kind == BTF_KIND_FUNC && strcmp(name, "here") == 0);
}

static struct btf *large(void)
{
	struct btf *btf = btf__new_empty();
	int number, loop, inner, array, function, plain, reason, word;

	assert_non_null(btf);
	number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	loop = btf__add_struct(btf, "elsewhere", 8);
	btf__add_field(btf, "self", loop + 1, 0, 0);
	assert_int_equal(btf__add_ptr(btf, loop), loop + 1);
	inner = btf__add_struct(btf, "inner", 8);
	btf__add_field(btf, "a", number, 0, 0);
	btf__add_field(btf, "b", number, 32, 0);
	array = btf__add_array(btf, number, inner, 3);
	plain = btf__add_enum(btf, "plain", 4);
	btf__add_enum_value(btf, "PLAIN", 1);
	reason = btf__add_enum(btf, "reason", 4);
	btf__add_enum_value(btf, "FIRST", 1);
	btf__add_enum_value(btf, "SECOND", 2);
	word = btf__add_volatile(btf, btf__add_const(btf, btf__add_typedef(btf, "word", number)));
	btf__add_struct(btf, "unused", 4);
	btf__add_field(btf, "a", number, 0, 0);
	btf__add_struct(btf, "outer", 64);
	btf__add_field(btf, "array", array, 0, 0);
	btf__add_field(btf, "plain", plain, 192, 0);
	btf__add_field(btf, "far", loop + 1, 256, 0);
	btf__add_field(btf, "bits", word, 320, 3);
	function = btf__add_func_proto(btf, number);
	btf__add_func_param(btf, "sk", loop + 1);
	btf__add_func_param(btf, "n", number);
	btf__add_typedef(btf, "btf_trace_it", btf__add_ptr(btf, function));
	btf__add_func(btf, "here", BTF_FUNC_GLOBAL, function);
	btf__add_func(btf, "there", BTF_FUNC_GLOBAL, function);
	assert_true(reason > 0);
	return btf;
}

static const struct btf_type *find(const struct btf *btf, const char *name, uint32_t kind)
{
	int id = btf__find_by_name_kind(btf, name, kind);

	return id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
}

static void assert_member(const struct btf *btf, const struct btf_type *t, unsigned int i,
			  const char *name, uint32_t bit, uint32_t bits)
{
	assert_true(i < btf_vlen(t));
	assert_string_equal(btf__name_by_offset(btf, btf_members(t)[i].name_off), name);
	assert_int_equal(btf_member_bit_offset(t, i), bit);
	assert_int_equal(btf_member_bitfield_size(t, i), bits);
}

static void test_taken(void **state)
{
	struct btf *from = large();
	struct btf_part part = {0};
	const struct btf_type *t;
	const void *data;
	uint32_t size;
	int id;

	(void)state;
	data = btf__raw_data(from, &size);
	assert_int_equal(btf_part_of(data, size, is_wanted, &part), 0);

	t = find(part.btf, "outer", BTF_KIND_STRUCT);
	assert_non_null(t);
	assert_int_equal(t->size, 64);
	assert_int_equal(btf_vlen(t), 4);
	assert_member(part.btf, t, 0, "array", 0, 0);
	assert_member(part.btf, t, 2, "far", 256, 0);
	assert_member(part.btf, t, 3, "bits", 320, 3);
	assert_int_equal(btf__resolve_size(part.btf, btf_members(t)[0].type), 24);
	assert_int_equal(btf__resolve_size(part.btf, btf_members(t)[1].type), 4);
	assert_int_equal(btf__resolve_size(part.btf, btf_members(t)[3].type), 4);
	assert_non_null(find(part.btf, "inner", BTF_KIND_STRUCT));
	assert_non_null(find(part.btf, "word", BTF_KIND_TYPEDEF));

	/* What a pointer leads to is not; nor are the names of an enum that only has a size here. */
	assert_null(find(part.btf, "elsewhere", BTF_KIND_STRUCT));
	assert_null(find(part.btf, "unused", BTF_KIND_STRUCT));
	assert_null(find(part.btf, "there", BTF_KIND_FUNC));
	t = btf__type_by_id(part.btf, btf_members(find(part.btf, "outer", BTF_KIND_STRUCT))[2].type);
	assert_true(btf_is_ptr(t) && t->type == 0);
	assert_int_equal(btf_vlen(find(part.btf, "plain", BTF_KIND_ENUM)), 0);
	t = find(part.btf, "reason", BTF_KIND_ENUM);
	assert_int_equal(btf_vlen(t), 2);
	assert_string_equal(btf__name_by_offset(part.btf, btf_enum(t)[1].name_off), "SECOND");
	assert_int_equal(btf_enum(t)[1].val, 2);

	/* A tracepoint's prototype keeps how many arguments it has. */
	t = find(part.btf, "btf_trace_it", BTF_KIND_TYPEDEF);
	t = btf__type_by_id(part.btf, btf__type_by_id(part.btf, t->type)->type);
	assert_true(btf_is_func_proto(t));
	assert_int_equal(btf_vlen(t), 2);

	id = btf__find_by_name_kind(part.btf, "here", BTF_KIND_FUNC);
	assert_true(id > 0);
	assert_int_equal(part.ids.items[id], btf__find_by_name_kind(from, "here", BTF_KIND_FUNC));
	assert_int_equal(part.ids.n, btf__type_cnt(part.btf));
	btf_part_done(&part);
	btf__free(from);
}

/* Every file that is cut short, and every byte that is another, is refused or read within its bounds. */
static void test_broken(void **state)
{
	struct btf *from = large();
	struct btf_part part = {0};
	const char *data;
	uint32_t size;
	size_t refused = 0;

	(void)state;
	data = btf__raw_data(from, &size);
	for (uint32_t n = 0; n < size; n++) {
		char *copy = memcpy(malloc(n + 1), data, n);

		assert_int_not_equal(btf_part_of(copy, n, is_wanted, &part), 0);
		free(copy);
	}
	for (uint32_t at = 0; at < size; at++) {
		char *copy = memcpy(malloc(size), data, size);

		copy[at] ^= (char)0xff;
		if (btf_part_of(copy, size, is_wanted, &part) == 0)
			btf_part_done(&part);
		else
			refused++;
		free(copy);
	}
	assert_true(refused > sizeof(struct btf_header) / 2);
	btf__free(from);
}

static void test_unknown_kind(void **state)
{
	struct btf *from = large();
	const struct btf_header *h;
	struct btf_part part = {0};
	struct btf_type *t;
	uint32_t size;
	const void *data = btf__raw_data(from, &size);
	char *copy = memcpy(malloc(size), data, size);

	(void)state;
	h = (const void *)copy;
	t = (void *)(copy + h->hdr_len + h->type_off);
	t->info = 31U << 24;
	assert_int_equal(btf_part_of(copy, size, is_wanted, &part), -EBADMSG);
	free(copy);
	btf__free(from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_unknown_kind),
	};

	return cmocka_run_group_tests_name("btf_part", tests, NULL, NULL);
}
