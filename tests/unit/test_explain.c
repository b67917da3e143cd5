// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "render/explain_texts.h"
#include "render/render.h"
#include "render/utf8.h"

static void explained(const char *name, const char *expected)
{
	struct buf text = {0};

	if (explain(name, &text) != 0)
		fail_msg("not explained: %s", name);
	if (!strstr(text.data, expected))
		fail_msg("%s: no '%s' in: %s", name, expected, text.data);
	buf_done(&text);
}

static void every_form_of_a_name(void **state)
{
	(void)state;
	explained("udp-rcvbuf-full", "What happens");
	explained("UDP-RCVBUF-FULL", "What happens");
	explained("TcpExt.ListenOverflows", "accept queue");
	explained("listenoverflows", "see also: listen-overflow");
	explained("TcpExtListenOverflows", "accept queue");
	explained("RcvbufErrors", "Udp6RcvbufErrors");
	explained("rx_missed_errors", "stage ring");
	explained("SOCKET_RCVBUFF", "drop reason");
	explained("SKB_DROP_REASON_SOCKET_RCVBUFF", "drop reason");
	explained("net.core.netdev_max_backlog", "whole host");
	explained("/proc/sys/net/core/netdev_max_backlog", "whole host");
	explained("net/ipv4/tcp_syncookies", "its own value");
	explained("somaxconn", "listen-overflow");
	explained("nf_tables", "fw-rule-drop");
	explained("drops", "kernel's own word");
	explained("neigh", "neigh-unresolved");
}

static void unknown_names_suggest(void **state)
{
	struct buf text = {0};

	(void)state;
	assert_int_equal(explain("lisen-overflow", &text), -ENOENT);
	assert_non_null(strstr(text.data, "listen-overflow"));
	buf_clear(&text);
	assert_int_equal(explain("QDISC_DRP", &text), -ENOENT);
	assert_non_null(strstr(text.data, "QDISC_DROP"));
	buf_clear(&text);
	assert_int_equal(explain("", &text), -ENOENT);
	assert_int_equal(
		explain("\033[31mxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzy", &text),
		-ENOENT);
	assert_int_equal(text.len, 0);
	buf_done(&text);
}

static void check_width(const char *name, const struct buf *text)
{
	for (const char *line = text->data; *line; line += strcspn(line, "\n") + 1)
		if (utf8_columns(line, strcspn(line, "\n")) > 80)
			fail_msg("%s: too wide: %.90s", name, line);
}

static void every_name_is_explained(void **state)
{
	struct buf names = {0}, text = {0};
	char name[128];
	size_t n;

	(void)state;
	explain_list(&names);
	for (const char *at = names.data; *at; at += n + 1) {
		n = strcspn(at, "\n");
		assert_true(n < sizeof(name));
		memcpy(name, at, n);
		name[n] = '\0';
		buf_clear(&text);
		if (explain(name, &text) != 0)
			fail_msg("not explained: %s", name);
		check_width(name, &text);
	}
	buf_done(&names);
	buf_done(&text);
}

static void causes_and_texts_belong_together(void **state)
{
	static const char *const sections[] = {"What happens\n",
					       "\nSee it by hand\n",
					       "\nNot to be confused with\n",
					       "\nRemedy\n",
					       "Risk: ",
					       "\nLab\n"};

	(void)state;
	assert_int_equal(explain_texts_n, cause_rows_n);
	for (size_t i = 0; i < explain_texts_n; i++) {
		if (!cause_by_id(explain_texts[i].id))
			fail_msg("no cause %s", explain_texts[i].id);
		for (size_t j = 0; j < ARRAY_SIZE(sections); j++)
			if (!strstr(explain_texts[i].text, sections[j]))
				fail_msg("%s: no section %s", explain_texts[i].id, sections[j]);
	}
}

/* A benign row without a place, or one that nothing can reach, would be a mistake. */
static void benign_rows_are_sane(void **state)
{
	(void)state;
	for (size_t i = 0; i < benign_rows_n; i++) {
		const struct benign_row *row = &benign_rows[i];

		assert_true(row->reason || row->symbol);
		if (row->reason && !reason_row(row->reason))
			fail_msg("no reason %s", row->reason);
		if (row->reason && strcmp(row->reason, "NOT_SPECIFIED") == 0)
			assert_non_null(row->symbol);
		for (size_t j = 0; j < i; j++) {
			const struct benign_row *wide = &benign_rows[j];

			if (wide->reason && row->reason && !strcmp(wide->reason, row->reason) &&
			    !wide->symbol && !wide->protocol)
				fail_msg("row %zu is hidden by row %zu", i, j);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_a_name),
		cmocka_unit_test(unknown_names_suggest),
		cmocka_unit_test(every_name_is_explained),
		cmocka_unit_test(causes_and_texts_belong_together),
		cmocka_unit_test(benign_rows_are_sane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
