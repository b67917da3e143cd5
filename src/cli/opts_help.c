// SPDX-License-Identifier: GPL-2.0-or-later
/* --help and shell completion, made from the same rows that are parsed. */
#include "cli/opts.h"

#include <stdio.h>

#define HELP_COLUMNS 80
#define HELP_INDENT 28

/* Folds at blanks; further lines begin at `indent`. */
static void fold(struct buf *ret, const char *text, size_t at, size_t indent)
{
	bool first = true;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (!first && at + 1 + n > HELP_COLUMNS) {
			buf_printf(ret, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			buf_puts(ret, " ");
			at++;
		}
		buf_add(ret, text, n);
		at += n;
		first = false;
		text += n;
		text += strspn(text, " ");
	}
	buf_puts(ret, "\n");
}

static void option_head(const struct opt *o, char *to, size_t size)
{
	char letter[8] = "    ";
	const char *argument = o->argument ? o->argument : "VALUE";

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(to, size, "  %s--%s%s%s", letter, o->name, o->kind == OPT_FLAG ? "" : " ",
		 o->kind == OPT_FLAG ? "" : argument);
}

static void option_help(const struct opt *o, struct buf *ret)
{
	struct buf text = {0};
	char head[96];
	size_t at;

	option_head(o, head, sizeof(head));
	buf_puts(ret, head);
	at = strlen(head);
	if (at + 2 > HELP_INDENT) {
		buf_puts(ret, "\n");
		at = 0;
	}
	buf_printf(ret, "%*s", (int)(HELP_INDENT - at), "");
	buf_puts(&text, o->help);
	if (o->kind == OPT_CHOICE) {
		buf_puts(&text, ":");
		for (int i = 0; o->choices[i]; i++)
			buf_printf(&text, " %s%s", o->choices[i], o->choices[i + 1] ? "," : "");
	}
	fold(ret, text.data, HELP_INDENT, HELP_INDENT);
	buf_done(&text);
}

void opts_help(const struct opt_table *t, struct buf *ret)
{
	static const struct opt help = {
		.name = "help", .letter = 'h', .kind = OPT_FLAG, .help = "this text"};
	const char *blank = *t->command ? " " : "";

	buf_printf(ret, "whydrop%s%s: ", blank, t->command);
	fold(ret, t->summary, 9 + strlen(blank) + strlen(t->command), 2);
	if (t->examples)
		buf_printf(ret, "\nExamples:\n%s", t->examples);
	buf_printf(ret, "\nUsage: whydrop%s%s %s\n\nOptions:\n", blank, t->command,
		   t->usage ? t->usage : "[OPTION...]");
	for (size_t i = 0; i < t->n; i++)
		if (!t->rows[i].hidden)
			option_help(&t->rows[i], ret);
	option_help(&help, ret);
	if (t->footer)
		buf_printf(ret, "\n%s", t->footer);
}

static const char *completer(enum opt_complete complete)
{
	switch (complete) {
	case COMPLETE_FILE:
		return "compgen -f -- \"$cur\"";
	case COMPLETE_NETNS:
		return "compgen -W \"all $(ls /run/netns 2>/dev/null)\" -- \"$cur\"";
	case COMPLETE_DEVICE:
		return "compgen -W \"$(ls /sys/class/net 2>/dev/null)\" -- \"$cur\"";
	case COMPLETE_NAME:
		return "compgen -W \"$(whydrop explain --list 2>/dev/null)\" -- \"$cur\"";
	case COMPLETE_LAB:
		return "compgen -W \"list show run $(whydrop lab list 2>/dev/null | cut -d ' ' -f 1)\" "
		       "-- \"$cur\"";
	case COMPLETE_NONE:
		break;
	}
	return NULL;
}

static void complete_values(const struct opt_table *t, const struct opt *o, struct buf *ret)
{
	const char *how = completer(o->complete);

	if (o->kind == OPT_FLAG || o->hidden)
		return;
	buf_printf(ret, "\t%s:--%s", t->command, o->name);
	if (o->letter)
		buf_printf(ret, "|%s:-%c", t->command, o->letter);
	buf_puts(ret, ")");
	if (o->kind == OPT_CHOICE) {
		buf_puts(ret, " _whydrop_reply compgen -W \"");
		for (int i = 0; o->choices[i]; i++)
			buf_printf(ret, "%s%s", i ? " " : "", o->choices[i]);
		buf_puts(ret, "\" -- \"$cur\"");
	} else if (how) {
		buf_printf(ret, " _whydrop_reply %s", how);
	}
	buf_puts(ret, o->kind == OPT_CHOICE || how ? "; return ;;\n" : " return ;;\n");
}

static void complete_words(const struct opt_table *t, struct buf *ret)
{
	const char *how = completer(t->complete);

	buf_printf(ret, "\t%s:-*) _whydrop_reply compgen -W \"", t->command);
	for (size_t i = 0; i < t->n; i++)
		if (!t->rows[i].hidden)
			buf_printf(ret, "--%s ", t->rows[i].name);
	buf_puts(ret, "--help\" -- \"$cur\" ;;\n");
	if (how)
		buf_printf(ret, "\t%s:*) _whydrop_reply %s ;;\n", t->command, how);
}

void opts_completion(const struct opt_table *const *tables, size_t n, struct buf *ret)
{
	buf_puts(ret, "# bash completion for whydrop, made by whydrop itself\n"
		      "_whydrop_reply()\n{\n\tmapfile -t COMPREPLY < <(\"$@\")\n}\n\n"
		      "_whydrop()\n{\n"
		      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		      "\tlocal command=diagnose\n\n"
		      "\tCOMPREPLY=()\n"
		      "\t# --name=value comes as three words\n"
		      "\tif [[ $cur == = ]]; then\n\t\tcur=\n"
		      "\telif [[ $prev == = ]]; then\n\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n\tfi\n"
		      "\tif (( COMP_CWORD > 1 )) && [[ ${COMP_WORDS[1]} != -* ]]; then\n"
		      "\t\tcommand=${COMP_WORDS[1]}\n\tfi\n"
		      "\tif (( COMP_CWORD == 1 )) && [[ $cur != -* ]]; then\n"
		      "\t\t_whydrop_reply compgen -W \"");
	for (size_t i = 0; i < n; i++)
		if (*tables[i]->command)
			buf_printf(ret, "%s%s", i ? " " : "", tables[i]->command);
	buf_puts(ret, "\" -- \"$cur\"\n\t\treturn\n\tfi\n\tcase $command:$prev in\n");
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < tables[i]->n; j++)
			complete_values(tables[i], &tables[i]->rows[j], ret);
	buf_puts(ret, "\tesac\n\tcase $command:$cur in\n");
	for (size_t i = 0; i < n; i++)
		complete_words(tables[i], ret);
	buf_puts(ret, "\tesac\n}\ncomplete -F _whydrop whydrop\n");
}
