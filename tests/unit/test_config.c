// SPDX-License-Identifier: GPL-2.0-or-later
/* What the user states: whydrop.conf, --limit, and the copy in a recording. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "causes/stages.h"
#include "cli/config.h"

/* Loads the text as a file; *message then holds what was wrong, without the file's name. */
static int load(const char *text, size_t n, struct config *c, struct buf *message)
{
	char path[] = "/tmp/whydrop-config.XXXXXX";
	struct buf said = {0};
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
	r = config_load(c, path, true, &said);
	unlink(path);
	if (said.data) {
		assert_memory_equal(said.data, path, strlen(path));
		buf_puts(message, said.data + strlen(path));
	}
	buf_done(&said);
	return r;
}

static void all_that_can_be_stated(void **state)
{
	static const char text[] = "# the instance\n[limits]\nbandwidth = 10Gbit\n"
				   "packets-sum@eth0 = 1.2 Mpps ; both ways\r\n"
				   "bandwidth-rx@eth0.100=500 kbit/s\nconnections = 250k\n\n"
				   "[findings]\nignore = udp-noport@53 qdisc-drop@eth1\n"
				   "ignore = tcp-rto\n[thresholds]\nloss-warning = 0.1%\n"
				   "loss-packets = 3\n";
	struct buf message = {0};
	struct config c = {0};

	(void)state;
	assert_int_equal(load(text, sizeof(text) - 1, &c, &message), 0);
	assert_null(message.data);
	assert_int_equal(c.limits.n, 4);
	assert_int_equal(c.limits.items[0].kind, LIMIT_BANDWIDTH);
	assert_int_equal(c.limits.items[0].side, LIMIT_EACH);
	assert_true(c.limits.items[0].value == 10000000000);
	assert_int_equal(c.limits.items[1].kind, LIMIT_PACKETS);
	assert_int_equal(c.limits.items[1].side, LIMIT_SUM);
	assert_string_equal(c.limits.items[1].device, "eth0");
	assert_int_equal(c.limits.items[1].value, 1200000);
	assert_int_equal(c.limits.items[2].side, LIMIT_RX);
	assert_string_equal(c.limits.items[2].device, "eth0.100");
	assert_int_equal(c.limits.items[2].value, 500000);
	assert_int_equal(c.limits.items[3].kind, LIMIT_CONNECTIONS);
	assert_int_equal(c.limits.items[3].value, 250000);
	assert_int_equal(c.ignores.n, 3);
	assert_int_equal(c.ignores.items[0].port, 53);
	assert_string_equal(c.ignores.items[1].device, "eth1");
	assert_int_equal(config_threshold(&c, THRESHOLD_LOSS_WARNING), 1000);
	assert_int_equal(config_threshold(&c, THRESHOLD_LOSS_PACKETS), 3);
	assert_int_equal(config_threshold(&c, THRESHOLD_LOSS_CRITICAL), 10000);
	assert_int_equal(config_threshold(NULL, THRESHOLD_LOSS_PACKETS), 10);
	config_done(&c);
}

/* Each wrong text, and what must be said of it: the line and the key. */
static void wrong_files(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{"x\n", ":1: neither"},
		{"[limits\nbandwidth = 3Gbit\n", ":1: neither"},
		{"a = b\n", ":1: a: stands in no section"},
		{"[foo]\n\na = b\n", ":3: a: unknown section [foo]"},
		{"[limits]\nbandwith = 1Gbit\n", ":2: bandwith: unknown limit"},
		{"[limits]\nbandwidth = 10\n", ":2: bandwidth: '10' needs a unit"},
		{"[limits]\nbandwidth = 10Gbps\n", ":2: bandwidth: '10Gbps' needs a unit"},
		{"[limits]\nbandwidth = fast\n", ":2: bandwidth: 'fast' is no number"},
		{"[limits]\nbandwidth = -1Gbit\n", ":2: bandwidth: '-1Gbit' is no number"},
		{"[limits]\nbandwidth = 0Gbit\n", ":2: bandwidth: '0Gbit' is no limit"},
		{"[limits]\npackets = 1000\n", ":2: packets: '1000' needs a unit"},
		{"[limits]\npackets@ = 1kpps\n", ":2: packets@: '' is no device"},
		{"[limits]\nconnections@eth0 = 5\n", ":2: connections@eth0: "},
		{"[limits]\nconnections = 9999999999M\n", "is too large"},
		{"[findings]\nignore = udp-nopor\n", ":2: ignore: there is no cause 'udp-nopor'; "
						      "did you mean udp-noport"},
		{"[findings]\nignore = udp-noport@70000\n", ":2: ignore: '70000' is no port"},
		{"[findings]\nignore =\n", ":2: ignore: '' names no cause"},
		{"[findings]\nhide = udp-noport\n", ":2: hide: unknown key"},
		{"[thresholds]\nloss = 1%\n", ":2: loss: unknown threshold"},
		{"[thresholds]\nloss-warning = 5\n", ":2: loss-warning: '5' is no share"},
		{"[thresholds]\nloss-warning = 101%\n", ":2: loss-warning: '101%' is no share"},
		{"[thresholds]\nloss-packets = 1%\n", ":2: loss-packets: '1%' is no whole"},
		{"[limits]\n\x01 = 1\n", ":2: the line holds no text"},
	};
	char line[400] = "[limits]\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf message = {0};
		struct config c = {0};

		assert_int_equal(load(rows[i].text, strlen(rows[i].text), &c, &message), -EINVAL);
		if (!strstr(message.data, rows[i].said))
			fail_msg("'%s' was told as '%s'", rows[i].text, message.data);
		buf_done(&message);
		config_done(&c);
	}
	/* A line that inih would cut, and a NUL. */
	for (int i = 0; i < 2; i++) {
		struct buf message = {0};
		struct config c = {0};

		memset(line + 9, i ? '\0' : 'x', 300);
		assert_int_equal(load(line, i ? 99 : 309, &c, &message), -EINVAL);
		assert_non_null(strstr(message.data, i ? ":2: the line holds no" : ":2: the line is too"));
		buf_done(&message);
		config_done(&c);
	}
}

static void files_that_are_not_there(void **state)
{
	struct buf message = {0};
	struct config c = {0};

	(void)state;
	assert_int_equal(config_load(&c, "/nonexistent/whydrop.conf", false, &message), 0);
	assert_int_equal(config_load(&c, "/nonexistent/whydrop.conf", true, &message), -ENOENT);
	assert_non_null(strstr(message.data, "/nonexistent/whydrop.conf"));
	buf_clear(&message);
	assert_int_equal(config_load(&c, "/", true, &message), -EISDIR);
	buf_done(&message);
}

/* --limit replaces what the file says under that name; a recording brings both again. */
static void limits_of_the_command_line(void **state)
{
	struct buf message = {0};
	struct config c = {0}, again = {0};
	json_t *json;

	(void)state;
	assert_null(config_to_json(&c));
	assert_int_equal(config_add_limit(&c, "bandwidth=1Gbit", &message), 0);
	assert_int_equal(config_add_limit(&c, "bandwidth@eth0=1Gbit", &message), 0);
	assert_int_equal(config_add_limit(&c, "bandwidth=2Gbit", &message), 0);
	assert_int_equal(config_add_limit(&c, "bandwidth", &message), -EINVAL);
	assert_int_equal(c.limits.n, 2);
	assert_true(c.limits.items[0].value == 2000000000);
	snprintf(vec_push(&c.ignores)->cause, sizeof(c.ignores.items[0].cause), "tcp-rto");
	c.threshold_set[THRESHOLD_AT_LIMIT] = true;
	c.threshold[THRESHOLD_AT_LIMIT] = 900000;
	json = config_to_json(&c);
	assert_int_equal(config_from_json(json, &again), 0);
	assert_int_equal(again.limits.n, 2);
	assert_memory_equal(again.limits.items, c.limits.items, 2 * sizeof(struct limit));
	assert_memory_equal(again.ignores.items, c.ignores.items, sizeof(struct ignore));
	assert_int_equal(config_threshold(&again, THRESHOLD_AT_LIMIT), 900000);
	config_done(&again);
	json_object_set_new(json_array_get(json_object_get(json, "limits"), 0), "kind",
			    json_integer(77));
	assert_int_equal(config_from_json(json, &again), -EBADMSG);
	assert_int_equal(again.limits.n, 0);
	json_decref(json);
	config_done(&c);
	buf_done(&message);
}

/* ---- findings that are to be ignored ---- */

struct scene {
	struct observation o;
	struct diagnosis d;
	struct config config;
};

static struct finding *add_finding(struct scene *s, const char *cause, uint64_t lost)
{
	struct finding *f = vec_push(&s->d.findings);

	f->cause = cause_by_id(cause);
	assert_non_null(f->cause);
	f->where = &s->o;
	f->severity = SEVERITY_CRITICAL;
	f->lost = f->counted = lost;
	f->of = 10000;
	f->headline = xstrdup("headline");
	return f;
}

static void state_ignore(struct scene *s, const char *cause, const char *device, uint16_t port)
{
	struct ignore *i = vec_push(&s->config.ignores);

	snprintf(i->cause, sizeof(i->cause), "%s", cause);
	snprintf(i->device, sizeof(i->device), "%s", device);
	i->port = port;
	s->d.config = &s->config;
}

static void scene_done(struct scene *s)
{
	diagnosis_done(&s->d);
	config_done(&s->config);
}

static void ignored_whole_by_cause_or_via(void **state)
{
	struct scene s = {0};

	(void)state;
	add_finding(&s, "udp-noport", 500);
	add_finding(&s, "app-stopped", 500)->via = cause_by_id("udp-rcvbuf-full");
	add_finding(&s, "qdisc-drop", 500);
	state_ignore(&s, "udp-noport", "", 0);
	state_ignore(&s, "udp-rcvbuf-full", "", 0);
	ignore_stated(&s.d);
	assert_int_equal(s.d.findings.n, 1);
	assert_string_equal(s.d.findings.items[0].cause->id, "qdisc-drop");
	assert_int_equal(s.d.ignored.n, 2);
	assert_ptr_equal(s.d.ignored.items[0].by, &s.config.ignores.items[0]);
	scene_done(&s);
}

/* Two devices drop, one is ignored: what the other lost stays, with its own severity. */
static void a_part_of_a_finding_is_ignored(void **state)
{
	struct finding *f;
	struct scene s = {0};

	(void)state;
	f = add_finding(&s, "qdisc-drop", 505);
	for (int i = 0; i < 2; i++) {
		struct subject *sub = finding_subject(f);

		sub->lost = i ? 5 : 500;
		snprintf(sub->device, sizeof(sub->device), "eth%d", i);
	}
	state_ignore(&s, "qdisc-drop", "eth0", 0);
	f->lost = 520; /* 15 of no device */
	f->counted = 520;
	ignore_stated(&s.d);
	assert_int_equal(s.d.findings.n, 1);
	f = s.d.findings.items;
	assert_int_equal(f->lost, 20);
	assert_int_equal(f->counted, 20);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_int_equal(f->subjects.n, 1);
	assert_string_equal(f->subjects.items[0].device, "eth1");
	assert_int_equal(s.d.ignored.n, 1);
	assert_int_equal(s.d.ignored.items[0].finding.lost, 500);
	scene_done(&s);
}

/* Where no socket is hit, the flows tell the port; another port's loss is not hidden with it. */
static void ports_by_flows(void **state)
{
	for (int both = 0; both < 2; both++) {
		struct finding *f;
		struct scene s = {0};
		struct drop_flow *flow;

		f = add_finding(&s, "udp-noport", 1000);
		flow = vec_push(&f->flows);
		flow->destination_port = 161;
		flow->packets = both ? 600 : 1000;
		if (both) {
			flow = vec_push(&f->flows);
			flow->destination_port = 53;
			flow->packets = 400;
		}
		state_ignore(&s, "udp-noport", "", 161);
		ignore_stated(&s.d);
		assert_int_equal(s.d.ignored.n, 1);
		assert_int_equal(s.d.findings.n, both);
		if (both)
			assert_int_equal(s.d.findings.items[0].lost, 400);
		scene_done(&s);
	}
}

/* A port or device that the finding does not have hides nothing. */
static void others_are_not_ignored(void **state)
{
	struct scene s = {0};

	(void)state;
	finding_subject(add_finding(&s, "udp-rcvbuf-full", 10))->has_socket = true;
	add_finding(&s, "fw-rule-drop", 10);
	state_ignore(&s, "udp-rcvbuf-full", "", 53);
	state_ignore(&s, "fw-rule-drop", "eth0", 0);
	ignore_stated(&s.d);
	assert_int_equal(s.d.findings.n, 2);
	assert_int_equal(s.d.ignored.n, 0);
	scene_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_can_be_stated),
		cmocka_unit_test(wrong_files),
		cmocka_unit_test(files_that_are_not_there),
		cmocka_unit_test(limits_of_the_command_line),
		cmocka_unit_test(ignored_whole_by_cause_or_via),
		cmocka_unit_test(a_part_of_a_finding_is_ignored),
		cmocka_unit_test(ports_by_flows),
		cmocka_unit_test(others_are_not_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
