// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "causes/capture.h"
#include "render/explain.h"
#include "render/explain_texts.h"
#include "render/utf8.h"
#include "render/words.h"

/* A host whose every sysctl is asked for by name, with something in it that no terminal wants. */
static int sysctl_here(void *context, const char *path, struct buf *ret)
{
	(void)context;
	if (strcmp(path, "net/ipv4/tcp_tw_recycle") == 0)
		return -ENOENT;
	buf_printf(ret, "4096\t\033[31m%s\n", path);
	return 0;
}

static const struct explain_here here = {.sysctl = sysctl_here};

static bool ask(const char *name, struct explanation *ret)
{
	return explain(name, &here, ret) == 0 || explain_command(name, ret) == 0;
}

static void explained(const char *name, const char *expected)
{
	struct explanation e = {0};
	struct buf text = {0};

	if (!ask(name, &e))
		fail_msg("not explained: %s", name);
	explanation_text(&e, &text);
	if (!strstr(text.data, expected))
		fail_msg("%s: no '%s' in: %s", name, expected, text.data);
	explanation_done(&e);
	buf_done(&text);
}

static void every_form_of_a_name(void **state)
{
	(void)state;
	explained("udp-rcvbuf-full", "What happens");
	explained("UDP-RCVBUF-FULL", "What happens");
	explained("udp rcvbuf full", "What happens");
	explained("TcpExt.ListenOverflows", "accept queue");
	explained("listenoverflows", "listen-overflow");
	explained("TcpExtListenOverflows", "accept queue");
	explained("RcvbufErrors", "Udp6RcvbufErrors");
	explained("rx_missed_errors", "stage ring");
	explained("12 times the listen queue of a socket overflowed", "TcpExt.ListenOverflows");
	explained("ListenOverflows", "netstat -s # times the listen queue");
	explained("bw_in_allowance_exceeded", "provider");
	explained("rx_out_of_buffer", "mlx5");
	explained("SOCKET_RCVBUFF", "drop reason");
	explained("SKB_DROP_REASON_SOCKET_RCVBUFF", "drop reason");
	explained("SK_RST_REASON_TCP_KEEPALIVE_TIMEOUT", "reset reason");
	explained("SK_RST_REASON_NO_SOCKET", "reset reason");
	explained("UDP.mem", "/sockstat, one\n  for the whole host");
	explained("rt_cache.in_no_route", "for the whole host");
	explained("UDP.inuse", "in each network namespace");
	explained("MPTCP_RST_EMIDDLEBOX", "reset reason");
	explained("net.core.netdev_max_backlog", "whole host");
	explained("/proc/sys/net/core/netdev_max_backlog", "whole host");
	explained("net/ipv4/tcp_syncookies", "its own value");
	explained("somaxconn", "listen-overflow");
	explained("core.somaxconn", "listen-overflow");
	explained("sysctl -w net.core.somaxconn=1024", "net.core.somaxconn");
	explained("nf_tables", "fw-rule-drop");
	explained("drops", "kernel's own word");
	explained("neigh", "neigh-unresolved");
	explained("TIME-WAIT", "TCP state");
	explained("sudo netstat -s -u | grep error", "in whydrop");
	explained("ethtool -G eth0 rx 8192", "EINVAL");
}

static void sysctls_tell_this_host(void **state)
{
	struct explanation e = {0};

	(void)state;
	explained("net.core.somaxconn", "now        4096 [31mnet/core/somaxconn");
	explained("net.ipv4.conf.eth0.100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter");
	explained("rp_filter", "net/ipv4/conf/all/rp_filter");
	explained("net.ipv4.tcp_tw_recycle", "does not have it");
	explained("net.ipv4.tcp_tw_recycle", "removed in 4.12");
	explained("tcp_tw_reuse", "default    2");
	/* Neither a path that leads elsewhere nor one with what a terminal would obey. */
	assert_false(ask("net.ipv4.conf.../../../etc/passwd.rp_filter", &e));
	assert_false(ask("net.ipv4.conf.\033[31m.rp_filter", &e));
	/* Nobody is asked where nobody may be. */
	assert_int_equal(explain("somaxconn", NULL, &e), 0);
	vec_each(d, &e.things.items[0].details)
		assert_string_not_equal(d->label, "now");
	explanation_done(&e);
}

static bool is_near(const char *name, const char *expected)
{
	struct buf text = {0};
	struct explanation e = {0};
	bool near;

	assert_false(ask(name, &e));
	assert_int_equal(e.things.n, 0);
	explain_near(name, &text);
	near = text.len && strstr(text.data, expected);
	buf_done(&text);
	return near;
}

static void unknown_names_suggest(void **state)
{
	(void)state;
	assert_true(is_near("lisen-overflow", "listen-overflow"));
	assert_true(is_near("lisen overflow", "listen-overflow"));
	assert_true(is_near("QDISC_DRP", "QDISC_DROP"));
	assert_true(is_near("selective repaet", "selective repeat"));
	assert_false(is_near("", ""));
	assert_false(is_near("-", ""));
	assert_false(is_near("top secret", "top"));
	assert_false(is_near(
		"\033[31mxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzyxyzzy", ""));
}

/* ---- the guides ---- */

static char *lower(char *s)
{
	for (char *c = s; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return s;
}

static char *upper(char *s)
{
	for (char *c = s; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return s;
}

static char *with_between(char *s, char between)
{
	for (char *c = s; *c; c++)
		if (*c == ' ' || *c == '-' || *c == '_')
			*c = between;
	return s;
}

/* What is told of it: a sentence at least, and not the one that a hundred others have. */
static void tells(const char *name, const char *spelled)
{
	struct explanation e = {0};
	bool own = false;

	if (!ask(spelled, &e))
		fail_msg("%s: not explained as '%s'", name, spelled);
	vec_each(t, &e.things) {
		size_t others = 0;

		for (size_t i = 0; i < word_rows_n; i++)
			others += strcmp(word_rows[i].meaning, t->meaning) == 0;
		own |= others < 100 && (strlen(t->meaning) >= 40 || t->page);
		vec_each(d, &t->details)
			own |= strcmp(d->label, "now") != 0 && strlen(d->value) >= 40;
	}
	if (!own)
		fail_msg("%s: hardly a word: %s", name, e.things.items[0].meaning);
	explanation_done(&e);
}

static void check_guide_name(const char *name)
{
	bool command = strchr(name, '/') || strstr(name, " -") || strchr(name, '|');
	char spelled[200];

	tells(name, name);
	snprintf(spelled, sizeof(spelled), "%s", name);
	tells(name, lower(spelled));
	if (command)
		return;
	tells(name, upper(spelled));
	/* A dotted path ends where a blank stands. */
	if (strchr(name, '.'))
		return;
	snprintf(spelled, sizeof(spelled), "%s", name);
	tells(name, with_between(spelled, '-'));
	tells(name, with_between(spelled, '_'));
	tells(name, with_between(spelled, ' '));
}

static void every_name_of_the_guides(void **state)
{
	unsigned int of_guide[4] = {0};
	char line[200];
	FILE *file = fopen(SOURCE_ROOT "/tests/fixtures/guide-names.txt", "r");

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#')
			continue;
		assert_in_range(line[0], '0', '3');
		assert_int_equal(line[1], '\t');
		of_guide[line[0] - '0']++;
		check_guide_name(line + 2);
	}
	fclose(file);
	/* As many as there were when the guides were read. */
	assert_true(of_guide[0] >= 45 && of_guide[1] >= 110 && of_guide[2] >= 120 &&
		    of_guide[3] >= 170);
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
	struct explanation e = {0};
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
		if (explain(name, &here, &e) != 0)
			fail_msg("not explained: %s", name);
		explanation_text(&e, &text);
		explanation_done(&e);
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
	assert_int_equal(explain_texts_n, cause_rows_n + capture_causes_n);
	for (size_t i = 0; i < explain_texts_n; i++) {
		if (!cause_by_id(explain_texts[i].id) && !capture_cause(explain_texts[i].id))
			fail_msg("no cause %s", explain_texts[i].id);
		for (size_t j = 0; j < ARRAY_SIZE(sections); j++)
			if (!strstr(explain_texts[i].text, sections[j]))
				fail_msg("%s: no section %s", explain_texts[i].id, sections[j]);
	}
}

static void as_json(void **state)
{
	struct explanation e = {0};
	json_t *json, *thing;

	(void)state;
	assert_true(ask("net.core.somaxconn", &e));
	json = explanation_json("net.core.\xffsomaxconn", &e);
	assert_non_null(json);
	assert_true(json_is_true(json_object_get(json, "found")));
	thing = json_array_get(json_object_get(json, "things"), 0);
	assert_string_equal(json_string_value(json_object_get(thing, "kind")), "sysctl");
	assert_string_equal(json_string_value(json_object_get(json_object_get(thing, "details"),
							      "default")),
			    "4096");
	assert_true(json_is_null(json_object_get(thing, "text")));
	json_decref(json);
	explanation_done(&e);
}

/* Two rows of one kind under one name would say two things of it. */
static void names_are_told_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < word_rows_n; i++) {
		const struct word_row *row = &word_rows[i];

		if (strlen(row->meaning) < 40)
			fail_msg("%s: hardly a word", row->name);
		for (size_t j = 0; j < word_rows_n; j++)
			if (i != j && word_rows[j].kind == row->kind &&
			    word_has_name(&word_rows[j], row->name))
				fail_msg("%s is told twice, also as %s", row->name,
					 word_rows[j].name);
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
		cmocka_unit_test(sysctls_tell_this_host),
		cmocka_unit_test(unknown_names_suggest),
		cmocka_unit_test(every_name_of_the_guides),
		cmocka_unit_test(names_are_told_once),
		cmocka_unit_test(as_json),
		cmocka_unit_test(every_name_is_explained),
		cmocka_unit_test(causes_and_texts_belong_together),
		cmocka_unit_test(benign_rows_are_sane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
