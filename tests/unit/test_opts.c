// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/words.h"
#include "cli/opts.h"

struct options {
	bool json, all;
	const char *netns;
	double seconds, share;
	unsigned int fd;
	int color;
};

static const char *const colors[] = {"auto", "always", "never", NULL};

static const struct opt rows[] = {
	{.name = "json",
	 .letter = 'j',
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct options, json),
	 .help = "JSON"},
	{.name = "all",
	 .letter = 'a',
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct options, all),
	 .help = "everything"},
	{.name = "netns",
	 .letter = 'n',
	 .kind = OPT_STRING,
	 .argument = "NAME",
	 .offset = offsetof(struct options, netns),
	 .help = "namespace",
	 .complete = COMPLETE_NETNS},
	{.name = "time",
	 .letter = 't',
	 .kind = OPT_DURATION,
	 .argument = "SECONDS",
	 .min = 0.2,
	 .max = 3600,
	 .offset = offsetof(struct options, seconds),
	 .help = "how long"},
	{.name = "share",
	 .kind = OPT_DECIMAL,
	 .max = 1,
	 .offset = offsetof(struct options, share),
	 .help = "share"},
	{.name = "ready-fd",
	 .kind = OPT_UNSIGNED,
	 .argument = "N",
	 .min = 3,
	 .max = 1023,
	 .offset = offsetof(struct options, fd),
	 .help = "descriptor"},
	{.name = "color",
	 .kind = OPT_CHOICE,
	 .choices = colors,
	 .argument = "WHEN",
	 .offset = offsetof(struct options, color),
	 .help = "when"},
	{.name = "secret",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct options, all),
	 .hidden = true,
	 .help = "hidden"},
};

static const struct opt_table table = {
	.command = "test",
	.summary = "a command that does nothing",
	.usage = "[OPTION...] [NAME...]",
	.examples = "  whydrop test -t 5\n",
	.operands_max = 2,
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

struct outcome {
	int r, operands;
	struct options o;
	char message[128];
	const char *argv[16];
};

static struct outcome parse_n(int argc, const char *const *argv)
{
	struct outcome out = {.o = {.seconds = 5}};
	struct buf message = {0};

	out.argv[0] = "test";
	for (int i = 0; i < argc; i++)
		out.argv[i + 1] = argv[i];
	out.r = opts_parse(&table, argc + 1, (char **)(uintptr_t)out.argv, &out.o, &out.operands,
			   &message);
	if (message.data)
		memcpy(out.message, message.data, MIN(message.len, sizeof(out.message) - 1));
	buf_done(&message);
	return out;
}
#define PARSE(...)                                                \
	parse_n(ARRAY_SIZE(((const char *const[]){__VA_ARGS__})), \
		((const char *const[]){__VA_ARGS__}))

static void every_form(void **state)
{
	struct outcome a = PARSE("-ja", "--netns=web", "-t", "0.5", "--color", "never"),
		       b = PARSE("-jt2m", "--ready-fd=3", "--share", "0.25", "-nblue"),
		       c = PARSE("--time=200ms");

	(void)state;
	assert_int_equal(a.r, 0);
	assert_true(a.o.json && a.o.all);
	assert_string_equal(a.o.netns, "web");
	assert_true(a.o.seconds == 0.5);
	assert_int_equal(a.o.color, 2);
	assert_int_equal(b.r, 0);
	assert_true(b.o.json && !b.o.all);
	assert_true(b.o.seconds == 120 && b.o.share == 0.25);
	assert_int_equal(b.o.fd, 3);
	assert_string_equal(b.o.netns, "blue");
	assert_true(c.r == 0 && c.o.seconds == 0.2);
}

static void nothing_given_keeps_defaults(void **state)
{
	struct outcome a = parse_n(0, NULL);

	(void)state;
	assert_int_equal(a.r, 0);
	assert_int_equal(a.operands, 0);
	assert_true(a.o.seconds == 5 && !a.o.json && !a.o.netns);
}

static void operands_come_first(void **state)
{
	struct outcome a = PARSE("one", "-j", "two"), b = PARSE("-j", "--", "-a", "--all"),
		       c = PARSE("-");

	(void)state;
	assert_int_equal(a.operands, 2);
	assert_string_equal(a.argv[1], "one");
	assert_string_equal(a.argv[2], "two");
	assert_true(b.r == 0 && b.o.json && !b.o.all);
	assert_string_equal(b.argv[1], "-a");
	assert_string_equal(b.argv[2], "--all");
	assert_true(c.r == 0 && c.operands == 1);
	assert_string_equal(c.argv[1], "-");
}

static void fails(struct outcome a, const char *message)
{
	assert_int_equal(a.r, -EINVAL);
	assert_string_equal(a.message, message);
}

static void errors_name_the_argument(void **state)
{
	(void)state;
	fails(PARSE("--jsn"), "unknown option --jsn; did you mean --json?");
	fails(PARSE("--xyzzy"), "unknown option --xyzzy");
	fails(PARSE("--secreta"), "unknown option --secreta");
	fails(PARSE("-x"), "unknown option -x");
	fails(PARSE("-jx"), "unknown option -x in -jx");
	fails(PARSE("-t"), "--time needs SECONDS");
	fails(PARSE("-t", "0.1"), "--time 0.1: must be from 0.2 to 3600 seconds");
	fails(PARSE("-t", "1e3"), "--time 1e3: is no duration (5, 0.5, 200ms, 2m, 1h)");
	fails(PARSE("-t", ""), "--time '': is no duration (5, 0.5, 200ms, 2m, 1h)");
	fails(PARSE("-t", "5 s"), "--time 5 s: is no duration (5, 0.5, 200ms, 2m, 1h)");
	fails(PARSE("--share=x"), "--share x: is no number");
	fails(PARSE("--ready-fd=-1"), "--ready-fd -1: is no whole number");
	fails(PARSE("--ready-fd=2"), "--ready-fd 2: must be from 3 to 1023");
	fails(PARSE("--ready-fd=99999999999999999999"),
	      "--ready-fd 99999999999999999999: must be from 3 to 1023");
	fails(PARSE("--color=red"), "--color red: must be auto, always or never");
	fails(PARSE("--json=yes"), "--json takes no argument");
	fails(PARSE("--netns="), "--netns '': must not be empty");
	fails(PARSE("a", "b", "c"), "one argument too many: c");
}

static void help(void **state)
{
	struct buf text = {0};
	struct outcome a = PARSE("-j", "--help"), b = PARSE("-h"), c = PARSE("--", "--help");

	(void)state;
	assert_int_equal(a.r, OPTS_HELP);
	assert_int_equal(b.r, OPTS_HELP);
	assert_int_equal(c.r, 0);
	opts_help(&table, &text);
	assert_non_null(strstr(text.data, "\nExamples:\n  whydrop test -t 5\n"));
	assert_true(strstr(text.data, "Examples:") < strstr(text.data, "Options:"));
	assert_non_null(strstr(text.data, "  -t, --time SECONDS        how long\n"));
	assert_non_null(
		strstr(text.data, "      --color WHEN          when: auto, always, never\n"));
	assert_null(strstr(text.data, "secret"));
	for (const char *line = text.data; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	buf_done(&text);
}

static void completion(void **state)
{
	const struct opt_table *const tables[] = {&table};
	struct buf text = {0};

	(void)state;
	opts_completion(tables, 1, &text);
	assert_non_null(
		strstr(text.data, "test:--color) _whydrop_reply compgen -W \"auto always never\""));
	assert_non_null(
		strstr(text.data, "--json --all --netns --time --share --ready-fd --color --help"));
	assert_null(strstr(text.data, "secret"));
	buf_done(&text);
}

static void distances(void **state)
{
	(void)state;
	assert_int_equal(word_distance("same", "SAME"), 0);
	assert_int_equal(word_distance("", "abc"), 3);
	assert_int_equal(word_distance("kitten", "sitting"), 3);
	assert_true(word_near("qdisc-drp", "qdisc-drop"));
	assert_false(word_near("x", "y"));
	assert_false(word_near("rp-filter", "tcp-rto"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form),
		cmocka_unit_test(nothing_given_keeps_defaults),
		cmocka_unit_test(operands_come_first),
		cmocka_unit_test(errors_name_the_argument),
		cmocka_unit_test(help),
		cmocka_unit_test(completion),
		cmocka_unit_test(distances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
