// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/opts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/parse.h"
#include "base/words.h"

/* Where the parser stands. */
struct parser {
	const struct opt_table *table;
	int argc, at;
	char **argv;
	void *into;
	struct buf *message;
};

static const struct opt help_option = {
	.name = "help", .letter = 'h', .kind = OPT_FLAG, .help = "this text"};

static const struct opt *by_name(const struct opt_table *t, const char *name, size_t n)
{
	for (size_t i = 0; i < t->n; i++)
		if (strlen(t->rows[i].name) == n && !memcmp(t->rows[i].name, name, n))
			return &t->rows[i];
	return n == 4 && !memcmp(name, "help", 4) ? &help_option : NULL;
}

static const struct opt *by_letter(const struct opt_table *t, char letter)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].letter && t->rows[i].letter == letter)
			return &t->rows[i];
	return letter == 'h' ? &help_option : NULL;
}

static int unknown_option(struct parser *p, const char *word, size_t n)
{
	char name[32];

	buf_printf(p->message, "unknown option %s", word);
	if (n < sizeof(name)) {
		memcpy(name, word + 2, n);
		name[n] = '\0';
		for (size_t i = 0; i < p->table->n; i++) {
			const struct opt *o = &p->table->rows[i];

			if (o->hidden || !word_near(name, o->name))
				continue;
			buf_printf(p->message, "; did you mean --%s?", o->name);
			break;
		}
	}
	return -EINVAL;
}

static int wrong_value(struct parser *p, const struct opt *o, const char *value, const char *why)
{
	buf_printf(p->message, "--%s %s: %s", o->name, *value ? value : "''", why);
	return -EINVAL;
}

static int out_of_bounds(struct parser *p, const struct opt *o, const char *value)
{
	char why[128];

	snprintf(why, sizeof(why), "must be from %.10g to %.10g%s", o->min, o->max,
		 o->kind == OPT_DURATION ? " seconds" : "");
	return wrong_value(p, o, value, why);
}

/* A decimal with an optional unit. */
static int parse_duration(const char *value, double *ret)
{
	static const struct {
		const char *suffix;
		double seconds;
	} units[] = {{"ms", 0.001}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86400}};
	size_t digits = strspn(value, "0123456789.");
	double unit = 1, number;
	char copy[32];
	int r;

	if (value[digits]) {
		unit = 0;
		for (size_t i = 0; i < ARRAY_SIZE(units); i++)
			if (!strcmp(value + digits, units[i].suffix))
				unit = units[i].seconds;
	}
	if (!unit || digits >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, value, digits);
	copy[digits] = '\0';
	r = parse_decimal(copy, 0, 1e12, &number);
	if (r < 0)
		return r;
	*ret = number * unit;
	return 0;
}

static int store_number(struct parser *p, const struct opt *o, const char *value, void *place)
{
	uint64_t whole = 0;
	double number = 0;
	int r;

	if (o->kind == OPT_DURATION) {
		r = parse_duration(value, &number);
		if (r == -EINVAL)
			return wrong_value(p, o, value, "is no duration (5, 0.5, 200ms, 2m, 1h)");
	} else if (o->kind == OPT_DECIMAL) {
		r = parse_decimal(value, 0, 1e12, &number);
		if (r == -EINVAL)
			return wrong_value(p, o, value, "is no number");
	} else {
		r = parse_u64(span_of(value), UINT_MAX, &whole);
		if (r == -EINVAL)
			return wrong_value(p, o, value, "is no whole number");
		number = (double)whole;
	}
	if (r < 0 || number < o->min || number > o->max)
		return out_of_bounds(p, o, value);
	if (o->kind == OPT_UNSIGNED)
		*(unsigned int *)place = (unsigned int)whole;
	else
		*(double *)place = number;
	return 0;
}

static int store_choice(struct parser *p, const struct opt *o, const char *value, int *place)
{
	struct buf why = {0};
	int r;

	for (int i = 0; o->choices[i]; i++) {
		if (!strcmp(o->choices[i], value)) {
			*place = i;
			return 0;
		}
	}
	buf_puts(&why, "must be ");
	for (int i = 0; o->choices[i]; i++)
		buf_printf(&why, "%s%s",
			   i == 0	       ? ""
			   : o->choices[i + 1] ? ", "
					       : " or ",
			   o->choices[i]);
	r = wrong_value(p, o, value, why.data);
	buf_done(&why);
	return r;
}

static int store(struct parser *p, const struct opt *o, const char *value)
{
	void *place = (char *)p->into + o->offset;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)place = true;
		return 0;
	case OPT_STRING:
	case OPT_STRINGS:
		if (!*value)
			return wrong_value(p, o, value, "must not be empty");
		if (o->kind == OPT_STRINGS)
			*vec_push(&((struct opt_strings *)place)->list) = value;
		else
			*(const char **)place = value;
		return 0;
	case OPT_CHOICE:
		return store_choice(p, o, value, place);
	case OPT_DURATION:
	case OPT_DECIMAL:
	case OPT_UNSIGNED:
		return store_number(p, o, value, place);
	}
	return -EINVAL;
}

/* `attached` is what stood after "=" or after the letter, NULL if nothing did. */
static int take(struct parser *p, const struct opt *o, const char *attached)
{
	if (o->kind == OPT_FLAG)
		return o == &help_option ? OPTS_HELP : store(p, o, NULL);
	if (!attached) {
		if (p->at + 1 >= p->argc) {
			buf_printf(p->message, "--%s needs %s", o->name,
				   o->argument ? o->argument : "an argument");
			return -EINVAL;
		}
		attached = p->argv[++p->at];
	}
	return store(p, o, attached);
}

static int take_long(struct parser *p)
{
	const char *word = p->argv[p->at], *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;
	const struct opt *o = by_name(p->table, word + 2, n);

	if (!o)
		return unknown_option(p, word, n);
	if (equals && o->kind == OPT_FLAG) {
		buf_printf(p->message, "--%s takes no argument", o->name);
		return -EINVAL;
	}
	return take(p, o, equals ? equals + 1 : NULL);
}

/* "-xy": flags may stand together, the first that takes an argument has the rest for it. */
static int take_letters(struct parser *p)
{
	const char *word = p->argv[p->at];

	for (const char *c = word + 1; *c; c++) {
		const struct opt *o = by_letter(p->table, *c);
		int r;

		if (!o) {
			buf_printf(p->message, "unknown option -%c", *c);
			if (word[2])
				buf_printf(p->message, " in %s", word);
			return -EINVAL;
		}
		if (o->kind != OPT_FLAG)
			return take(p, o, c[1] ? c + 1 : NULL);
		r = take(p, o, NULL);
		if (r)
			return r;
	}
	return 0;
}

/* Does the word belong to the operands, in a table whose operands may begin with a dash? */
static bool operand_with_dash(const struct parser *p, const char *word)
{
	return p->table->operands_have_dashes &&
	       (strncmp(word, "--", 2) != 0 ||
		(word[2] && !by_name(p->table, word + 2, strcspn(word + 2, "="))));
}

int opts_parse(const struct opt_table *t, int argc, char **argv, void *into, int *ret_operands,
	       struct buf *message)
{
	struct parser p = {
		.table = t, .argc = argc, .argv = argv, .into = into, .message = message};
	bool options = true;
	int operands = 0;

	for (p.at = 1; p.at < argc; p.at++) {
		char *word = argv[p.at];
		bool option = options && word[0] == '-' &&
			      !(operands && operand_with_dash(&p, word));
		int r = 0;

		if (option && !strcmp(word, "--")) {
			options = false;
		} else if (option && word[1] == '-') {
			r = take_long(&p);
		} else if (option && word[1]) {
			r = take_letters(&p);
		} else if ((unsigned int)operands == t->operands_max) {
			buf_printf(message,
				   t->operands_max ? "one argument too many: %s"
						   : "does not take an argument: %s",
				   word);
			r = -EINVAL;
		} else {
			argv[++operands] = word;
		}
		if (r)
			return r;
	}
	*ret_operands = operands;
	return 0;
}

static void prefix(const struct opt_table *t, struct buf *ret)
{
	buf_printf(ret, "whydrop%s%s", *t->command ? " " : "", t->command);
}

bool opts_begin(const struct opt_table *t, int argc, char **argv, void *into, int *ret_operands,
		int *ret_status)
{
	struct buf text = {0}, name = {0};
	int r = opts_parse(t, argc, argv, into, ret_operands, &text);

	if (r == OPTS_HELP) {
		opts_help(t, &text);
		fputs(text.data, stdout);
		*ret_status = 0;
	} else if (r < 0) {
		prefix(t, &name);
		fprintf(stderr, "%s: %s\nTry '%s --help'.\n", name.data,
			text.data ? text.data : "wrong arguments", name.data);
		*ret_status = 2;
	}
	buf_done(&text);
	buf_done(&name);
	return r == 0;
}
