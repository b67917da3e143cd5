// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "cli/cmd.h"
#include "collect/host.h"
#include "render/explain.h"
#include "render/render.h"

struct options {
	bool list, json;
};

static const struct opt rows[] = {
	{.name = "json",
	 .letter = 'j',
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct options, json),
	 .help = "JSON on standard output (schema whydrop.explain/1)"},
	{.name = "list",
	 .letter = 'l',
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct options, list),
	 .help = "every name that can be explained, one a line"},
};

const struct opt_table explain_options = {
	.command = "explain",
	.summary = "a cause, counter, reason, sysctl, state, term or command in plain words",
	.usage = "[OPTION...] [NAME...]",
	.examples =
		"  whydrop explain                       what can be explained, by kind\n"
		"  whydrop explain listen-overflow       a cause: what, how to see it, what to do\n"
		"  whydrop explain RcvbufErrors          a counter, in any of its spellings\n"
		"  whydrop explain SOCKET_RCVBUFF        a drop reason of the kernel\n"
		"  whydrop explain net.core.somaxconn    a sysctl, and what it is on this host\n"
		"  whydrop explain slow start            a term\n"
		"  whydrop explain netstat -s            a command, and what answers it here\n",
	.operands_max = 64,
	.complete = COMPLETE_NAME,
	.operands_have_dashes = true,
	.rows = rows,
	.n = ARRAY_SIZE(rows),
};

static int read_sysctl(void *context, const char *path, struct buf *ret)
{
	char file[256];

	snprintf(file, sizeof(file), "sys/%s", path);
	return host_read(context, file, ret);
}

struct answers {
	struct explain_here here;
	json_t *json; /* NULL: text */
	bool any;
};

static void answer(struct answers *a, const char *name, const struct explanation *e)
{
	cleanup(buf_done) struct buf text = {0};

	if (a->json) {
		json_array_append_new(a->json, explanation_json(name, e));
	} else {
		explanation_text(e, &text);
		printf("%s%s", a->any ? "\n" : "", text.data);
	}
	a->any = true;
}

static bool answer_one(struct answers *a, const char *name)
{
	struct explanation e = {0};
	bool found = explain(name, &a->here, &e) == 0;

	if (found)
		answer(a, name, &e);
	explanation_done(&e);
	return found;
}

static void say_unknown(struct answers *a, const char *name, const struct buf *near)
{
	const struct explanation nothing = {0};

	if (a->json) {
		json_t *said = explanation_json(name, &nothing);

		json_object_set_new(said, "near", json_string(near->len ? near->data : ""));
		json_array_append_new(a->json, said);
	}
	complain("nothing known under '%s'%s%s", name, near->len ? "; near it: " : "",
		 near->len ? near->data : " (all names: whydrop explain --list)");
}

static const char *joined(char **words, int n, struct buf *ret)
{
	buf_clear(ret);
	buf_puts(ret, words[0]);
	for (int i = 1; i < n; i++)
		buf_printf(ret, " %s", words[i]);
	return ret->data;
}

/* Words in a row that nothing is known under: one name if that is near some other, else each. */
static void answer_unknown(struct answers *a, char **words, int n)
{
	cleanup(buf_done) struct buf name = {0}, near = {0};

	explain_near(joined(words, n, &name), &near);
	if (near.len || n == 1) {
		say_unknown(a, name.data, &near);
		return;
	}
	for (int i = 0; i < n; i++) {
		buf_clear(&near);
		explain_near(words[i], &near);
		say_unknown(a, words[i], &near);
	}
}

/*
 * Words are one name or several: "slow start" and "somaxconn rx_dropped". The longest run of words
 * that is a name is taken each time. A command may go on behind its name: all that is left is then
 * its own. Returns how many words were understood; 0: the first is not known.
 */
static int answer_longest(struct answers *a, char **words, int n)
{
	cleanup(buf_done) struct buf name = {0};
	struct explanation e = {0};
	int taken = n;

	if (answer_one(a, joined(words, n, &name)))
		return n;
	if (explain_command(name.data, &e) == 0)
		answer(a, name.data, &e);
	else
		for (taken = n - 1; taken > 0; taken--)
			if (answer_one(a, joined(words, taken, &name)))
				break;
	explanation_done(&e);
	return taken;
}

static int explain_words(struct answers *a, char **words, int n)
{
	int unknown = 0, status = 0;

	for (int i = 0; i <= n;) {
		int taken = i < n ? answer_longest(a, words + i, n - i) : 0;

		if (unknown && (taken || i == n)) {
			answer_unknown(a, words + i - unknown, unknown);
			status = EXIT_USAGE;
			unknown = 0;
		}
		unknown += taken == 0;
		i += MAX(taken, 1);
	}
	return status;
}

static void print_names(bool list)
{
	cleanup(buf_done) struct buf names = {0};

	if (list)
		explain_list(&names);
	else
		explain_overview(&names);
	fputs(names.data, stdout);
}

int cmd_explain(int argc, char **argv)
{
	struct netns own = {.fd = -1};
	struct host host = {.ns = &own};
	struct answers a = {.here = {read_sysctl, &host}};
	struct options o = {0};
	int status = 0, operands;

	if (!opts_begin(&explain_options, argc, argv, &o, &operands, &status))
		return status;
	if (o.list || !operands) {
		print_names(o.list);
		return 0;
	}
	if (o.json)
		a.json = json_array();
	status = explain_words(&a, argv + 1, operands);
	if (o.json) {
		json_t *all = json_pack("{s:s, s:s, s:o}", "schema", "whydrop.explain/1", "version",
					WHYDROP_VERSION, "answers", a.json);

		json_dumpf(all, stdout, RENDER_JSON_FLAGS);
		putchar('\n');
		json_decref(all);
	}
	return status;
}
