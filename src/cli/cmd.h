/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subcommands. Each gets argv with its own name first and returns the exit status. */
#ifndef WHYDROP_CMD_H
#define WHYDROP_CMD_H

#include "cli/opts.h"

/* Exit statuses beside those of a verdict (verdict_exit_status). */
#define EXIT_USAGE 2

int cmd_counters(int argc, char **argv);
int cmd_diagnose(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_fix(int argc, char **argv);
int cmd_host(int argc, char **argv);
int cmd_lab(int argc, char **argv);
int cmd_pcap(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_selfcheck(int argc, char **argv);
int cmd_sockets(int argc, char **argv);
int cmd_watch(int argc, char **argv);

extern const struct opt_table counters_options, diagnose_options, explain_options, fix_options,
	host_options, lab_options, pcap_options, record_options, selfcheck_options, sockets_options,
	watch_options;

/* "whydrop: " and the message and a newline, on standard error. */
void complain(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
