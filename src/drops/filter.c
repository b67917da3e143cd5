// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Classic BPF has an accumulator A, an index X, 16 words of memory and forward jumps; all numbers
 * have 32 bits. eBPF has the same operations with the same numbers, but the verifier wants every
 * load to be checked against the end of the packet before.
 */
#define _GNU_SOURCE
#include "drops/filter.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>

#include "drops/kernel_btf.h"
#include "drops/record.h"

/* Longer ones are not written by people; it also keeps all jumps within 16 bits. */
#define CLASSIC_MAX 4096

/* The registers. R1 is the packet all the way; nothing is called, so all are ours. */
enum { RESULT = BPF_REG_0, PACKET = BPF_REG_1, CAPTURED, A, X, LENGTH, AT, FRAME = BPF_REG_10 };

#define REJECT UINT32_MAX /* a jump's target: return 0 */

struct jump {
	size_t from;
	uint32_t to; /* a classic instruction, or REJECT */
};

struct translation {
	const struct sock_filter *filter;
	size_t n;
	struct bpf_insn *to;
	size_t room, done;
	size_t *starts; /* of each classic instruction, where its translation begins */
	bool *reached;	/* by a jump or from the one before: the verifier takes no others */
	VEC(struct jump) jumps;
	int err;
};

static void emit(struct translation *t, struct bpf_insn insn)
{
	if (t->done < t->room)
		t->to[t->done++] = insn;
	else
		t->err = -E2BIG;
}

static void emit_op(struct translation *t, int code, int dst, int src, uint32_t imm)
{
	emit(t, (struct bpf_insn){.code = (uint8_t)code, .dst_reg = (uint8_t)dst & 15,
				  .src_reg = (uint8_t)src & 15, .imm = (int32_t)imm});
}

static void emit_memory(struct translation *t, int code, int dst, int src, int offset)
{
	emit(t, (struct bpf_insn){.code = (uint8_t)code, .dst_reg = (uint8_t)dst & 15,
				  .src_reg = (uint8_t)src & 15, .off = (int16_t)offset});
}

static void emit_jump(struct translation *t, int code, int dst, int src, uint32_t imm, uint32_t to)
{
	*vec_push(&t->jumps) = (struct jump){t->done, to};
	if (to != REJECT)
		t->reached[to] = true;
	emit_op(t, code, dst, src, imm);
}

/* Skips `over` instructions of the translation itself. */
static void emit_skip(struct translation *t, int code, int dst, uint32_t imm, int over)
{
	emit(t, (struct bpf_insn){.code = (uint8_t)code, .dst_reg = (uint8_t)dst & 15,
				  .off = (int16_t)over, .imm = (int32_t)imm});
}

/* Always, but what follows can be reached for all the verifier knows when it looks at the jumps. */
static void reject(struct translation *t)
{
	emit_op(t, BPF_ALU64 | BPF_MOV | BPF_K, RESULT, 0, 0);
	emit_jump(t, BPF_JMP | BPF_JEQ | BPF_K, RESULT, 0, 0, REJECT);
}

static uint32_t size_of(const struct sock_filter *f)
{
	return BPF_SIZE(f->code) == BPF_W ? 4 : BPF_SIZE(f->code) == BPF_H ? 2 : 1;
}

/* `size` bytes at `from` + offset, in host byte order. */
static void load(struct translation *t, int to, uint32_t size, int from, uint32_t offset)
{
	static const int sizes[] = {[1] = BPF_B, [2] = BPF_H, [4] = BPF_W};

	emit_memory(t, BPF_LDX | BPF_MEM | sizes[size], to, from,
		    (int)(offsetof(struct filter_packet, bytes) + offset));
	if (size > 1)
		emit_op(t, BPF_ALU | BPF_END | BPF_TO_BE, to, 0, size * 8);
}

static void load_absolute(struct translation *t, int to, uint32_t size, uint32_t offset)
{
	if (offset > FILTER_BYTES - size) {
		reject(t);
		return;
	}
	emit_jump(t, BPF_JMP | BPF_JLT | BPF_K, CAPTURED, 0, offset + size, REJECT);
	load(t, to, size, PACKET, offset);
}

/* At X + offset, which does not wrap: it is out of the packet long before. */
static void load_indirect(struct translation *t, uint32_t size, uint32_t offset)
{
	if (offset > FILTER_BYTES - size) {
		reject(t);
		return;
	}
	emit_op(t, BPF_ALU64 | BPF_MOV | BPF_X, RESULT, X, 0);
	emit_op(t, BPF_ALU64 | BPF_ADD | BPF_K, RESULT, 0, offset);
	emit_jump(t, BPF_JMP | BPF_JGT | BPF_K, RESULT, 0, FILTER_BYTES - size, REJECT);
	emit_op(t, BPF_ALU64 | BPF_MOV | BPF_X, AT, RESULT, 0);
	emit_op(t, BPF_ALU64 | BPF_ADD | BPF_K, AT, 0, size);
	emit_jump(t, BPF_JMP | BPF_JGT | BPF_X, AT, CAPTURED, 0, REJECT);
	emit_op(t, BPF_ALU64 | BPF_MOV | BPF_X, AT, PACKET, 0);
	emit_op(t, BPF_ALU64 | BPF_ADD | BPF_X, AT, RESULT, 0);
	load(t, A, size, AT, 0);
}

static int slot(uint32_t word)
{
	return -4 * ((int)word + 1);
}

static int translate_load(struct translation *t, const struct sock_filter *f)
{
	int to = BPF_CLASS(f->code) == BPF_LD ? A : X;

	switch (BPF_MODE(f->code)) {
	case BPF_IMM:
		emit_op(t, BPF_ALU | BPF_MOV | BPF_K, to, 0, f->k);
		return 0;
	case BPF_LEN:
		emit_op(t, BPF_ALU | BPF_MOV | BPF_X, to, LENGTH, 0);
		return 0;
	case BPF_MEM:
		if (f->k >= BPF_MEMWORDS)
			return -EINVAL;
		emit_memory(t, BPF_LDX | BPF_MEM | BPF_W, to, FRAME, slot(f->k));
		return 0;
	case BPF_MSH:
		if (to != X)
			return -EINVAL;
		load_absolute(t, X, 1, f->k);
		emit_op(t, BPF_ALU | BPF_AND | BPF_K, X, 0, 15);
		emit_op(t, BPF_ALU | BPF_LSH | BPF_K, X, 0, 2);
		return 0;
	case BPF_ABS:
	case BPF_IND:
		if (to != A || BPF_SIZE(f->code) == BPF_DW)
			return -EINVAL;
		if (f->k >= (uint32_t)SKF_LL_OFF)
			return -EOPNOTSUPP;
		if (BPF_MODE(f->code) == BPF_ABS)
			load_absolute(t, A, size_of(f), f->k);
		else
			load_indirect(t, size_of(f), f->k);
		return 0;
	default:
		return -EINVAL;
	}
}

/* A divisor of zero rejects; a shift by more than there is leaves nothing. */
static int translate_alu(struct translation *t, const struct sock_filter *f)
{
	int op = BPF_OP(f->code), by_x = BPF_SRC(f->code) == BPF_X;
	bool divides = op == BPF_DIV || op == BPF_MOD, shifts = op == BPF_LSH || op == BPF_RSH;

	if (op > BPF_XOR)
		return -EINVAL;
	if (op == BPF_NEG) {
		emit_op(t, BPF_ALU | BPF_NEG, A, 0, 0);
	} else if (divides && !by_x && !f->k) {
		reject(t);
	} else if (shifts && !by_x && f->k > 31) {
		emit_op(t, BPF_ALU | BPF_MOV | BPF_K, A, 0, 0);
	} else if (shifts && by_x) {
		emit_skip(t, BPF_JMP | BPF_JLT | BPF_K, X, 32, 2);
		emit_op(t, BPF_ALU | BPF_MOV | BPF_K, A, 0, 0);
		emit_skip(t, BPF_JMP | BPF_JA, 0, 0, 1);
		emit_op(t, BPF_ALU | op | BPF_X, A, X, 0);
	} else {
		if (divides && by_x)
			emit_jump(t, BPF_JMP | BPF_JEQ | BPF_K, X, 0, 0, REJECT);
		emit_op(t, BPF_ALU | op | BPF_SRC(f->code), A, by_x ? X : 0, by_x ? 0 : f->k);
	}
	return 0;
}

static int translate_jump(struct translation *t, const struct sock_filter *f, uint32_t next)
{
	int op = BPF_OP(f->code), by_x = BPF_SRC(f->code) == BPF_X;

	/* Backwards would be a number beyond the end: `protochain` does that. */
	if (op == BPF_JA) {
		if (f->k >= t->n - next)
			return -EINVAL;
		emit_jump(t, BPF_JMP | BPF_JA, 0, 0, 0, next + f->k);
		return 0;
	}
	if (op > BPF_JSET || next + f->jt >= t->n || next + f->jf >= t->n)
		return -EINVAL;
	emit_jump(t, BPF_JMP32 | op | BPF_SRC(f->code), A, by_x ? X : 0, by_x ? 0 : f->k,
		  next + f->jt);
	if (f->jf)
		emit_jump(t, BPF_JMP | BPF_JA, 0, 0, 0, next + f->jf);
	return 0;
}

static int translate_one(struct translation *t, const struct sock_filter *f, uint32_t next)
{
	switch (BPF_CLASS(f->code)) {
	case BPF_LD:
	case BPF_LDX:
		return translate_load(t, f);
	case BPF_ST:
	case BPF_STX:
		if (f->k >= BPF_MEMWORDS)
			return -EINVAL;
		emit_memory(t, BPF_STX | BPF_MEM | BPF_W, FRAME,
			    BPF_CLASS(f->code) == BPF_ST ? A : X, slot(f->k));
		return 0;
	case BPF_ALU:
		return translate_alu(t, f);
	case BPF_JMP:
		return translate_jump(t, f, next);
	case BPF_RET:
		if (BPF_RVAL(f->code) == BPF_A)
			emit_op(t, BPF_ALU | BPF_MOV | BPF_X, RESULT, A, 0);
		else
			emit_op(t, BPF_ALU | BPF_MOV | BPF_K, RESULT, 0, f->k);
		emit_op(t, BPF_JMP | BPF_EXIT, 0, 0, 0);
		return 0;
	default: /* BPF_MISC */
		if (BPF_MISCOP(f->code) == BPF_TAX)
			emit_op(t, BPF_ALU | BPF_MOV | BPF_X, X, A, 0);
		else if (BPF_MISCOP(f->code) == BPF_TXA)
			emit_op(t, BPF_ALU | BPF_MOV | BPF_X, A, X, 0);
		else
			return -EINVAL;
		return 0;
	}
}

static bool goes_on(const struct sock_filter *f)
{
	int class = BPF_CLASS(f->code);

	return class != BPF_RET && !(class == BPF_JMP && (BPF_OP(f->code) == BPF_JA || f->jf));
}

static bool uses_memory(const struct sock_filter *f)
{
	int class = BPF_CLASS(f->code);

	return class == BPF_ST || class == BPF_STX ||
	       ((class == BPF_LD || class == BPF_LDX) && BPF_MODE(f->code) == BPF_MEM);
}

static void begin(struct translation *t)
{
	bool memory = false;

	emit_memory(t, BPF_LDX | BPF_MEM | BPF_W, CAPTURED, PACKET,
		    offsetof(struct filter_packet, captured));
	emit_memory(t, BPF_LDX | BPF_MEM | BPF_W, LENGTH, PACKET,
		    offsetof(struct filter_packet, length));
	emit_op(t, BPF_ALU | BPF_MOV | BPF_K, A, 0, 0);
	emit_op(t, BPF_ALU | BPF_MOV | BPF_K, X, 0, 0);
	for (size_t i = 0; i < t->n; i++)
		memory |= uses_memory(&t->filter[i]);
	for (uint32_t word = 0; memory && word < BPF_MEMWORDS; word++)
		emit_memory(t, BPF_ST | BPF_MEM | BPF_W, FRAME, 0, slot(word));
}

static void set_jumps(struct translation *t, size_t rejects)
{
	vec_each(jump, &t->jumps) {
		size_t to = jump->to == REJECT ? rejects : t->starts[jump->to];

		t->to[jump->from].off = (int16_t)(to - jump->from - 1);
	}
}

static int translate(struct translation *t)
{
	size_t rejects;
	int err;

	begin(t);
	t->reached[0] = true;
	for (size_t i = 0; i < t->n; i++) {
		if (!t->reached[i])
			continue;
		t->starts[i] = t->done;
		err = translate_one(t, &t->filter[i], (uint32_t)i + 1);
		if (err)
			return err;
		if (goes_on(&t->filter[i]))
			t->reached[i + 1] = true; /* the last one is a return */
	}
	rejects = t->done;
	for (size_t i = 0; i < t->jumps.n; i++) {
		if (t->jumps.items[i].to != REJECT)
			continue;
		emit_op(t, BPF_ALU | BPF_MOV | BPF_K, RESULT, 0, 0);
		emit_op(t, BPF_JMP | BPF_EXIT, 0, 0, 0);
		break;
	}
	if (!t->err)
		set_jumps(t, rejects);
	return t->err;
}

int filter_translate(const struct sock_filter *filter, size_t n, struct bpf_insn *to, size_t room,
		     size_t *ret_n)
{
	struct translation t = {.filter = filter, .n = n, .to = to, .room = MIN(room, INT16_MAX)};
	int err;

	/* The last one must be a return: nothing follows it. */
	if (!n || n > CLASSIC_MAX || BPF_CLASS(filter[n - 1].code) != BPF_RET)
		return n > CLASSIC_MAX ? -E2BIG : -EINVAL;
	t.starts = xcalloc(n, sizeof(*t.starts));
	t.reached = xcalloc(n, sizeof(*t.reached));
	err = translate(&t);
	if (!err)
		*ret_n = t.done;
	vec_done(&t.jumps);
	free(t.starts);
	free(t.reached);
	return err;
}

/* ---- into an object ---- */

static bool is_room(const char *at)
{
	struct bpf_insn insn;

	memcpy(&insn, at, sizeof(insn));
	return insn.code == (BPF_ALU64 | BPF_MOV | BPF_K) && insn.imm == FILTER_MARK;
}

/* Where the placeholder is, which has an exit behind it. */
static char *find_room(char *object, size_t size)
{
	const size_t step = sizeof(struct bpf_insn);
	size_t n = 0;

	for (size_t at = 0; at + step <= size; at += step) {
		n = is_room(object + at) ? n + 1 : 0;
		if (n == FILTER_ROOM)
			return object + at + step - FILTER_ROOM * step;
	}
	return NULL;
}

/* Beside the code there are the two instructions before it. */
#define PLACE (FILTER_ROOM + 1 - 2)

int filter_check(const struct sock_filter *filter, size_t n)
{
	cleanup(cleanup_free) struct bpf_insn *code = xcalloc(PLACE, sizeof(*code));
	size_t length;

	return filter_translate(filter, n, code, PLACE, &length);
}

/*
 * The code goes to the end, and over what is left the verifier sees a jump that is always taken: it
 * throws that part away. Instructions that no jump leads to would be refused.
 */
static int put_into(char *object, size_t size, const struct sock_filter *filter, size_t n)
{
	const size_t step = sizeof(struct bpf_insn);
	cleanup(cleanup_free) struct bpf_insn *code = xcalloc(PLACE, step);
	struct bpf_insn skip[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_JEQ | BPF_K},
	};
	char *to = find_room(object, size);
	size_t length;
	int err = filter_translate(filter, n, code, PLACE, &length);

	if (err)
		return err;
	if (!to)
		return -ENOEXEC;
	skip[1].off = (int16_t)(PLACE - length);
	memcpy(to, skip, sizeof(skip));
	memcpy(to + (ARRAY_SIZE(skip) + PLACE - length) * step, code, length * step);
	return 0;
}

int filter_open(struct bpf_object_skeleton *skeleton, const struct sock_filter *filter, size_t n,
		void **ret_copy)
{
	char *copy;
	int err;

	if (n) {
		*ret_copy = copy = xcalloc(1, skeleton->data_sz);
		memcpy(copy, skeleton->data, skeleton->data_sz);
		err = put_into(copy, skeleton->data_sz, filter, n);
		if (err)
			return err;
		skeleton->data = copy;
	}
	return bpf_object__open_skeleton(skeleton, kernel_btf_opts());
}
