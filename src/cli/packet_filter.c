// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/packet_filter.h"

#include <ctype.h>
#include <pcap/pcap.h>

/* Part of what a program returns; no filter looks further. */
#define SNAP 262144

static bool compile(const char *expression, int dlt, struct bpf_program *ret, struct buf *error)
{
	pcap_t *raw = pcap_open_dead(dlt, SNAP);
	bool ok = raw && pcap_compile(raw, ret, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;

	if (!ok && error)
		buf_puts(error, raw ? pcap_geterr(raw) : "out of memory");
	if (raw)
		pcap_close(raw);
	return ok;
}

/* The beginning of an expression, as far as a blank, with its parentheses closed. */
static char *beginning(const char *expression, size_t n)
{
	size_t open = 0;
	char *ret;

	for (size_t i = 0; i < n; i++) {
		open += expression[i] == '(';
		open -= open && expression[i] == ')';
	}
	ret = xcalloc(n + open + 1, 1);
	memcpy(ret, expression, n);
	memset(ret + n, ')', open);
	return ret;
}

/* libpcap says what is wrong, but not where: behind the longest beginning that is a filter. */
static size_t good_until(const char *expression, int dlt)
{
	size_t length = strlen(expression), good = 0;

	for (size_t n = 1; n < length; n++) {
		struct bpf_program program;
		char *part;

		if (isspace((unsigned char)expression[n - 1]) ||
		    !isspace((unsigned char)expression[n]))
			continue;
		part = beginning(expression, n);
		if (compile(part, dlt, &program, NULL)) {
			pcap_freecode(&program);
			good = n;
		}
		free(part);
	}
	return good;
}

bool packet_filter_compile(const char *expression, int dlt, struct bpf_program *ret,
			   struct buf *message)
{
	cleanup(buf_done) struct buf error = {0};
	const char *rest;
	size_t good;

	if (compile(expression, dlt, ret, &error))
		return true;
	if (!message)
		return false;
	good = good_until(expression, dlt);
	rest = expression + good;
	rest += strspn(rest, " \t\n");
	buf_printf(message, "the filter '%s' does not compile", expression);
	if (good)
		buf_printf(message, " behind '%.*s', at '%s'", (int)good, expression, rest);
	buf_printf(message, ": %s", error.data);
	return false;
}
