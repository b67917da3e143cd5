/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options as rows of one table per command: parsing, --help and shell completion are all made from
 * it. A command declares a struct for its options, sets the defaults and gives the offsets.
 */
#ifndef WHYDROP_OPTS_H
#define WHYDROP_OPTS_H

#include "base/buf.h"

enum opt_kind {
	OPT_FLAG,     /* bool, becomes true */
	OPT_STRING,   /* const char *, points into argv */
	OPT_STRINGS,  /* struct opt_strings: the same, each time it is given; the caller frees it */
	OPT_DURATION, /* double, seconds: "5", "0.5", "200ms", "5s", "2m", "1h" */
	OPT_DECIMAL,  /* double */
	OPT_UNSIGNED, /* unsigned int */
	OPT_CHOICE,   /* int, index in `choices`; an enum that starts at 0 fits too */
};

struct opt_strings {
	VEC(const char *) list;
};

/* How a shell completes an argument. */
enum opt_complete {
	COMPLETE_NONE,
	COMPLETE_FILE,
	COMPLETE_NETNS,
	COMPLETE_DEVICE,
	COMPLETE_NAME, /* what `whydrop explain --list` prints */
	COMPLETE_LAB,  /* what to do with the lab, and its scenarios */
};

struct opt {
	const char *name; /* without dashes */
	char letter;	  /* 0: has none */
	enum opt_kind kind;
	size_t offset;
	const char *argument; /* "SECONDS"; what it is called in --help */
	const char *help;
	double min, max;	    /* numbers: both inclusive */
	const char *const *choices; /* ends with NULL */
	enum opt_complete complete;
	bool hidden; /* not in --help nor in completion */
};

struct opt_table {
	const char *command;  /* "diagnose"; "" for the program itself */
	const char *summary;  /* "sample the host and name the causes of packet loss" */
	const char *usage;    /* "[OPTION...] [NAME]" */
	const char *examples; /* lines, each ends with a newline; --help begins with them */
	const char *footer;   /* lines at the end of --help, or NULL */
	unsigned int operands_max;
	enum opt_complete complete; /* of operands */
	/* Once an operand was met, only long options of the table are options: "netstat -s". */
	bool operands_have_dashes;
	const struct opt *rows;
	size_t n;
};

#define OPTS_HELP 1

/*
 * Reads argv[1..] into the struct at `into`. Options and operands may be mixed; operands are moved
 * to argv[1..*ret_operands]. Returns 0, OPTS_HELP when help was asked for, or -EINVAL with a
 * message that names the wrong argument.
 */
int opts_parse(const struct opt_table *t, int argc, char **argv, void *into, int *ret_operands,
	       struct buf *message);
void opts_help(const struct opt_table *t, struct buf *ret);
/* The bash completion of all commands. */
void opts_completion(const struct opt_table *const *tables, size_t n, struct buf *ret);

/*
 * What a command calls first: parses, prints help or the message. True: go on. False: end with
 * *ret_status (0 after help, 2 after an error).
 */
bool opts_begin(const struct opt_table *t, int argc, char **argv, void *into, int *ret_operands,
		int *ret_status);

#endif
