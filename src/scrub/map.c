// SPDX-License-Identifier: GPL-2.0-or-later
/* Substitutes of addresses and names. */
#define _GNU_SOURCE
#include "scrub/map.h"

#include <stdio.h>
#include <sys/socket.h>

void scrubber_init(struct scrubber *s, const struct siphash_key *key)
{
	*s = (struct scrubber){.key = *key};
}

void scrubber_done(struct scrubber *s)
{
	vec_each(name, &s->names)
		free(name->text);
	vec_each(set, &s->sets) {
		free(set->table);
		free(set->name);
	}
	vec_each(chain, &s->chains) {
		free(chain->table);
		free(chain->name);
	}
	vec_done(&s->pins);
	vec_done(&s->names);
	vec_done(&s->stems);
	vec_done(&s->sets);
	vec_done(&s->chains);
	free(s->by_text);
	free(s->by_to);
}

/* ---- addresses ---- */

/*
 * Prefixes that mean something and so become themselves. `whole`: every address below is itself
 * too. Where such a prefix branches off, no bit is ever flipped: that much of its neighbours is
 * seen.
 */
static const struct special {
	uint8_t family, length;
	bool whole;
	uint8_t address[16];
} specials[] = {
	{AF_INET, 32, true, {0}},
	{AF_INET, 8, false, {10}},
	{AF_INET, 10, false, {100, 64}},
	{AF_INET, 8, true, {127}},
	{AF_INET, 16, false, {169, 254}},
	{AF_INET, 12, false, {172, 16}},
	{AF_INET, 16, false, {192, 168}},
	{AF_INET, 4, false, {224}},
	{AF_INET, 24, true, {224, 0, 0}},
	{AF_INET, 32, true, {255, 255, 255, 255}},
	{AF_INET6, 127, true, {0}}, /* :: and ::1 */
	{AF_INET6, 96, false, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}},
	{AF_INET6, 96, false, {0, 0x64, 0xff, 0x9b}}, /* 64:ff9b::/96, IPv4 by NAT64 */
	{AF_INET6, 7, false, {0xfc}},
	{AF_INET6, 64, false, {0xfe, 0x80}},
	{AF_INET6, 16, false, {0xff, 0x01}},
	{AF_INET6, 112, true, {0xff, 0x01}},
	{AF_INET6, 16, false, {0xff, 0x02}},
	{AF_INET6, 112, true, {0xff, 0x02}},
	{AF_INET6, 104, false, {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}},
	{AF_INET6, 16, false, {0xff, 0x05}},
	{AF_INET6, 8, false, {0xff}},
};

static bool bit_of(const uint8_t *address, unsigned int bit)
{
	return address[bit / 8] & (0x80 >> bit % 8);
}

static unsigned int common_bits(const uint8_t *a, const uint8_t *b, unsigned int most)
{
	unsigned int n = 0;

	while (n < most && bit_of(a, n) == bit_of(b, n))
		n++;
	return n;
}

static unsigned int address_bits(int family)
{
	return family == AF_INET6 ? 128 : 32;
}

static void fix(bool *fixed, unsigned int from, unsigned int until)
{
	for (unsigned int bit = from; bit < until; bit++)
		fixed[bit] = true;
}

/* Which bits of this address stay, because it shares the ones before them with something fixed. */
static void find_fixed(const struct scrubber *s, int family, const uint8_t *address,
		       unsigned int bits, bool *fixed)
{
	for (size_t i = 0; i < ARRAY_SIZE(specials); i++) {
		const struct special *p = &specials[i];
		unsigned int shared;

		if (p->family != family)
			continue;
		shared = common_bits(address, p->address, MIN(p->length, bits));
		if (shared == p->length)
			fix(fixed, 0, p->whole ? bits : shared);
		else
			fix(fixed, 0, MIN(shared + 1, bits));
	}
	vec_each(pin, &s->pins)
		if (pin->family == family)
			fix(fixed, pin->from,
			    MIN(common_bits(address, pin->address, bits) + 1, bits));
}

/* Whether a bit is flipped depends on the bits before it alone: that is what keeps prefixes. */
static bool is_flipped(const struct scrubber *s, int family, const uint8_t *address,
		       unsigned int bit)
{
	uint8_t node[18] = {(uint8_t)family, (uint8_t)bit};

	memcpy(node + 2, address, bit / 8);
	if (bit % 8)
		node[2 + bit / 8] = address[bit / 8] & (uint8_t)(0xff00 >> bit % 8);
	return siphash(&s->key, node, sizeof(node)) & 1;
}

/* Two ways to write an IPv4 address within an IPv6 one. */
static bool holds_ipv4(const uint8_t *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t nat64[12] = {[1] = 0x64, [2] = 0xff, [3] = 0x9b};

	return memcmp(address, mapped, 12) == 0 || memcmp(address, nat64, 12) == 0;
}

void scrub_address(const struct scrubber *s, int family, uint8_t *address, unsigned int bits)
{
	uint8_t result[16];
	bool fixed[128] = {false};

	bits = MIN(bits, address_bits(family));
	if (family == AF_INET6 && bits > 96 && holds_ipv4(address)) {
		scrub_address(s, AF_INET, address + 12, bits - 96);
		return;
	}
	memcpy(result, address, (bits + 7) / 8);
	find_fixed(s, family, address, bits, fixed);
	for (unsigned int bit = 0; bit < bits; bit++)
		if (!fixed[bit] && is_flipped(s, family, address, bit))
			result[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	memcpy(address, result, (bits + 7) / 8);
}

static void add_pin(struct scrubber *s, int family, const uint8_t *address, unsigned int from)
{
	struct pin *pin = vec_push(&s->pins);

	pin->family = (uint8_t)family;
	pin->from = (uint8_t)from;
	pin->length = (uint8_t)address_bits(family);
	memcpy(pin->address, address, pin->length / 8);
}

/*
 * A range that is one prefix becomes another such. Of any other one the ends are pinned below what
 * they share: then every address compares with them as before, or differs from both alike.
 */
void scrub_range(struct scrubber *s, int family, uint8_t *low, uint8_t *high)
{
	unsigned int bits = address_bits(family), shared = common_bits(low, high, bits);
	bool prefix = true;

	for (unsigned int bit = shared; bit < bits; bit++)
		prefix &= !bit_of(low, bit) && bit_of(high, bit);
	if (family == AF_INET6 && shared >= 96 && holds_ipv4(low)) {
		scrub_range(s, AF_INET, low + 12, high + 12);
		return;
	}
	if (s->learning && !prefix) {
		add_pin(s, family, low, shared);
		add_pin(s, family, high, shared);
	}
	scrub_address(s, family, low, prefix ? shared : bits);
	scrub_address(s, family, high, prefix ? shared : bits);
}

int mask_bits(const uint8_t *mask, size_t size)
{
	unsigned int n = 0, all = (unsigned int)size * 8;

	while (n < all && bit_of(mask, n))
		n++;
	for (unsigned int bit = n; bit < all; bit++)
		if (bit_of(mask, bit))
			return -1;
	return (int)n;
}

/* ---- names ---- */

#define LETTERS 6
#define LETTERS_DEVICE 4
#define LETTERS_BELOW 3 /* behind the substitute of a stem: three of these fit in one another */
#define DEVICE_MAX 15

static uint64_t hash_of(const struct scrubber *s, unsigned int kind, unsigned int try,
			const char *text, size_t n)
{
	cleanup(buf_done) struct buf b = {0};
	uint8_t head[2] = {(uint8_t)kind, (uint8_t)try};

	buf_add(&b, head, sizeof(head));
	buf_add(&b, text, n);
	return siphash(&s->key, b.data, b.len);
}

static void grow_slots(struct scrubber *s)
{
	s->slots = s->slots ? s->slots * 2 : 256;
	free(s->by_text);
	free(s->by_to);
	s->by_text = xcalloc(s->slots, sizeof(*s->by_text));
	s->by_to = xcalloc(s->slots, sizeof(*s->by_to));
}

static size_t *slot_of_text(const struct scrubber *s, enum name_kind kind, const char *text,
			    size_t n)
{
	size_t at = hash_of(s, kind, 255, text, n) & (s->slots - 1);

	for (; s->by_text[at]; at = (at + 1) & (s->slots - 1)) {
		const struct name *name = &s->names.items[s->by_text[at] - 1];

		if (name->kind == kind && name->n == n && memcmp(name->text, text, n) == 0)
			break;
	}
	return &s->by_text[at];
}

static size_t *slot_of_to(const struct scrubber *s, const char *to)
{
	size_t at = hash_of(s, 255, 255, to, strlen(to)) & (s->slots - 1);

	while (s->by_to[at] && strcmp(s->names.items[s->by_to[at] - 1].to, to) != 0)
		at = (at + 1) & (s->slots - 1);
	return &s->by_to[at];
}

static const struct name *find_name(const struct scrubber *s, enum name_kind kind, const char *text,
				    size_t n)
{
	size_t *slot = s->slots ? slot_of_text(s, kind, text, n) : NULL;

	return slot && *slot ? &s->names.items[*slot - 1] : NULL;
}

static void spell(uint64_t hash, const char *base, unsigned int letters, char *to, size_t size)
{
	static const char alphabet[33] = "abcdefghijkmnpqrstuvwxyz23456789";
	size_t n = (size_t)snprintf(to, size, "%s", base);

	while (letters-- && n + 1 < size) {
		to[n++] = alphabet[hash & 31];
		hash >>= 5;
	}
	to[n] = '\0';
}

/* A substitute of its own for each name: a second one that would be the same is spelt anew. */
static const char *substitute(struct scrubber *s, enum name_kind kind, const char *text, size_t n,
			      const char *base, unsigned int letters)
{
	const struct name *known = find_name(s, kind, text, n);
	struct name *name;
	char copy[24]; /* base may be of the array that grows */

	if (known)
		return known->to;
	spell(0, base, 0, copy, sizeof(copy));
	name = vec_push(&s->names);
	name->kind = kind;
	name->n = n;
	name->text = xcalloc(n + 1, 1);
	memcpy(name->text, text, n);
	if (s->names.n * 2 > s->slots) {
		grow_slots(s);
		for (size_t i = 0; i + 1 < s->names.n; i++) {
			const struct name *old = &s->names.items[i];

			*slot_of_text(s, old->kind, old->text, old->n) = i + 1;
			*slot_of_to(s, old->to) = i + 1;
		}
	}
	for (unsigned int try = 0; try < 64; try++) {
		spell(hash_of(s, kind, try, text, n), copy, letters, name->to, sizeof(name->to));
		if (!*slot_of_to(s, name->to))
			break;
	}
	*slot_of_text(s, kind, text, n) = s->names.n;
	*slot_of_to(s, name->to) = s->names.n;
	return name->to;
}

static const char *one_of(const char *const *list, const char *text, size_t n)
{
	for (; *list; list++)
		if (strlen(*list) == n && memcmp(*list, text, n) == 0)
			return *list;
	return NULL;
}

/* nft names an anonymous set "__set%d"; what asks for its elements goes by that. */
static const char *anonymous_prefix(const char *text, size_t n)
{
	static const char *const prefixes[] = {"__set", "__map"};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (n >= 5 && memcmp(text, prefixes[i], 5) == 0)
			return prefixes[i];
	return NULL;
}

const char *scrub_name(struct scrubber *s, enum name_kind kind, const char *text, size_t n)
{
	static const char *const bases[] = {
		[NAME_DEVICE] = "if", [NAME_STEM] = "if",   [NAME_FIREWALL] = "fw",
		[NAME_PROGRAM] = "proc", [NAME_GROUP] = "cg", [NAME_HOST] = "host",
		[NAME_NETNS] = "ns"};
	static const char *const fixed[] = {
		"filter", "nat", "mangle", "raw", "security", "INPUT", "OUTPUT", "FORWARD",
		"PREROUTING", "POSTROUTING", "input", "output", "forward", "prerouting",
		"postrouting", "ingress", "egress", NULL};
	static const char *const own_host[] = {"host", NULL};

	const char *known = kind == NAME_FIREWALL ? one_of(fixed, text, n)
			    : kind == NAME_NETNS  ? one_of(own_host, text, n)
						  : NULL;

	if (n == 0 || known)
		return n ? known : "";
	if (kind == NAME_FIREWALL && anonymous_prefix(text, n))
		return substitute(s, kind, text, n, anonymous_prefix(text, n), LETTERS);
	return substitute(s, kind, text, n, bases[kind], LETTERS);
}

const char *scrub_cut_name(struct scrubber *s, const char *text, size_t n)
{
	vec_each(name, &s->names)
		if (name->kind == NAME_FIREWALL && name->n > n && memcmp(name->text, text, n) == 0)
			return name->to;
	return scrub_name(s, NAME_FIREWALL, text, n);
}


static void add_stem(struct scrubber *s, const char *text, size_t n)
{
	struct stem *stem;

	vec_each(known, &s->stems)
		if (known->n == n && memcmp(known->text, text, n) == 0)
			return;
	if (n > sizeof(stem->text))
		return;
	stem = vec_push(&s->stems);
	stem->n = n;
	memcpy(stem->text, text, n);
}

/* The longest stem that the text begins with and that leaves room for letters. */
static const struct name *stem_of(const struct scrubber *s, const char *text, size_t n, bool stem)
{
	const struct name *best = NULL;

	vec_each(known, &s->stems) {
		const struct name *name;

		if (known->n > n - stem || memcmp(known->text, text, known->n) != 0)
			continue;
		name = find_name(s, NAME_STEM, known->text, known->n);
		if (name && strlen(name->to) + LETTERS_BELOW <= DEVICE_MAX &&
		    (!best || name->n > best->n))
			best = name;
	}
	return best;
}

/*
 * All substitutes that stand alone are as long as each other, and so are all behind one stem:
 * none is the beginning of another by chance.
 */
const char *scrub_device(struct scrubber *s, const char *text, size_t n, bool stem)
{
	enum name_kind kind = stem ? NAME_STEM : NAME_DEVICE;
	const struct name *below;

	if (n == 0)
		return "";
	/* A wildcard that loopback meets is met by it still. */
	if (n <= 2 && memcmp(text, "lo", n) == 0 && (stem || n == 2))
		return n == 1 ? "l" : "lo";
	if (s->learning) {
		if (stem)
			add_stem(s, text, n);
		return "";
	}
	below = stem_of(s, text, n, stem);
	return below ? substitute(s, kind, text, n, below->to, LETTERS_BELOW)
		     : substitute(s, kind, text, n, "if", LETTERS_DEVICE);
}

bool is_known_device(const struct scrubber *s, const char *text, size_t n, bool stem)
{
	return (n == 2 && memcmp(text, "lo", 2) == 0) ||
	       find_name(s, stem ? NAME_STEM : NAME_DEVICE, text, n);
}

static int compare_stems(const void *a, const void *b)
{
	const struct stem *one = a, *other = b;

	return one->n < other->n ? -1 : one->n > other->n;
}

/* The shorter ones first: the longer ones' substitutes begin with theirs. */
void scrubber_learned(struct scrubber *s)
{
	s->learning = false;
	if (s->stems.n)
		qsort(s->stems.items, s->stems.n, sizeof(*s->stems.items), compare_stems);
	vec_each(stem, &s->stems)
		scrub_device(s, stem->text, stem->n, true);
}
