// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/words.h"
#include "causes/cause.h"

#define FILE_MAX ((size_t)1 << 20)
/* inih cuts longer lines in two (INI_MAX_LINE): they are refused before it sees them. */
#define LINE_MAX_BYTES 190
#define VALUE_MAX 1e15

/* ---- numbers with units ---- */

struct unit {
	const char *name;
	double factor;
};

/* Decimal, as providers and tc count; "bps" is bytes to tc and bits to others, so it is none. */
static const struct unit bandwidth_units[] = {
	{"bit", 1},	 {"kbit", 1e3},	  {"Mbit", 1e6},   {"Gbit", 1e9},
	{"Tbit", 1e12},	 {"bit/s", 1},	  {"kbit/s", 1e3}, {"Mbit/s", 1e6},
	{"Gbit/s", 1e9}, {"Tbit/s", 1e12}, {0}};
static const struct unit packets_units[] = {{"pps", 1}, {"kpps", 1e3}, {"Mpps", 1e6}, {0}};
static const struct unit plain_units[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {0}};
static const struct unit percent_units[] = {{"%", 1e4}, {0}}; /* in millionths */

/* -EINVAL: no number; -EDOM: its unit is missing or unknown; -ERANGE. */
static int parse_amount(const char *text, const struct unit *units, double max, uint64_t *ret)
{
	size_t digits = strspn(text, "0123456789.");
	const char *unit = text + digits + strspn(text + digits, " ");
	char copy[32];
	double number;
	int r;

	if (!digits || digits >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, digits);
	copy[digits] = '\0';
	r = parse_decimal(copy, 0, VALUE_MAX, &number);
	if (r < 0)
		return r;
	while (units->name && strcasecmp(units->name, unit) != 0)
		units++;
	if (!units->name)
		return -EDOM;
	number *= units->factor;
	if (number > max)
		return -ERANGE;
	*ret = (uint64_t)(number + 0.5);
	return 0;
}

/* ---- one key and its value ---- */

static int wrong(struct buf *message, const char *value, const char *why)
{
	buf_printf(message, "'%s' %s", value, why);
	return -EINVAL;
}

static int unknown(struct buf *message, const char *what, const char *name,
		   const char *const *known, size_t n)
{
	buf_printf(message, "unknown %s '%s'", what, name);
	for (size_t i = 0; i < n; i++) {
		if (!word_near(name, known[i]))
			continue;
		buf_printf(message, "; did you mean %s?", known[i]);
		break;
	}
	return -EINVAL;
}

static int take_device(const char *text, char *to, size_t size, struct buf *message)
{
	size_t n = strlen(text);

	if (n == 0 || n >= size || strpbrk(text, "/ \t"))
		return wrong(message, text, "is no device name");
	memcpy(to, text, n + 1);
	return 0;
}

static int limit_key(const char *key, struct limit *l, struct buf *message)
{
	static const char *const names[] = {
		"bandwidth",  "bandwidth-rx", "bandwidth-tx", "bandwidth-sum", "packets",
		"packets-rx", "packets-tx",   "packets-sum",  "connections"};
	const char *at = strchr(key, '@');
	size_t n = at ? (size_t)(at - key) : strlen(key);
	char name[64];

	span_copy((struct span){key, n}, name, sizeof(name));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		l->kind = (enum limit_kind)(i / LIMIT_SIDE_N);
		l->side = (enum limit_side)(i % LIMIT_SIDE_N);
		/* Sessions are the instance's: no device has its own. */
		if (at && l->kind == LIMIT_CONNECTIONS)
			return wrong(message, key, "takes no device");
		return at ? take_device(at + 1, l->device, sizeof(l->device), message) : 0;
	}
	return unknown(message, "limit", name, names, ARRAY_SIZE(names));
}

static int limit_value(const char *value, struct limit *l, struct buf *message)
{
	static const struct {
		const struct unit *units;
		const char *example;
	} kinds[] = {
		[LIMIT_BANDWIDTH] = {bandwidth_units, "needs a unit: kbit, Mbit, Gbit or Tbit"},
		[LIMIT_PACKETS] = {packets_units, "needs a unit: pps, kpps or Mpps"},
		[LIMIT_CONNECTIONS] = {plain_units, "is no count (250000, 250k)"},
	};
	int r = parse_amount(value, kinds[l->kind].units, VALUE_MAX, &l->value);

	if (r == -EDOM)
		return wrong(message, value, kinds[l->kind].example);
	if (r == -ERANGE)
		return wrong(message, value, "is too large");
	if (r < 0)
		return wrong(message, value, "is no number");
	return l->value ? 0 : wrong(message, value, "is no limit");
}

static int add_limit(struct config *c, const char *key, const char *value, struct buf *message)
{
	struct limit l = {0};
	int r = limit_key(key, &l, message);

	if (r == 0)
		r = limit_value(value, &l, message);
	if (r < 0)
		return r;
	vec_each(known, &c->limits) {
		if (known->kind == l.kind && known->side == l.side &&
		    strcmp(known->device, l.device) == 0) {
			*known = l;
			return 0;
		}
	}
	*vec_push(&c->limits) = l;
	return 0;
}

static int no_such_cause(const char *name, struct buf *message)
{
	buf_printf(message, "there is no cause '%s'", name);
	for (size_t i = 0; i < cause_rows_n; i++) {
		if (!word_near(name, cause_rows[i].id))
			continue;
		buf_printf(message, "; did you mean %s?", cause_rows[i].id);
		break;
	}
	return -EINVAL;
}

/* "udp-noport", "udp-noport@53", "qdisc-drop@eth0" */
static int add_ignore(struct config *c, const char *word, struct buf *message)
{
	const char *at = strchr(word, '@');
	struct ignore one = {0};
	uint64_t port;
	int r = 0;

	span_copy((struct span){word, at ? (size_t)(at - word) : strlen(word)}, one.cause,
		  sizeof(one.cause));
	if (!cause_by_id(one.cause))
		return no_such_cause(one.cause, message);
	if (at && at[1] && strspn(at + 1, "0123456789") == strlen(at + 1)) {
		if (parse_u64(span_of(at + 1), UINT16_MAX, &port) < 0 || !port)
			return wrong(message, at + 1, "is no port");
		one.port = (uint16_t)port;
	} else if (at) {
		r = take_device(at + 1, one.device, sizeof(one.device), message);
	}
	if (r == 0)
		*vec_push(&c->ignores) = one;
	return r;
}

static int add_ignores(struct config *c, const char *value, struct buf *message)
{
	struct span text = span_of(value), word;
	bool any = false;
	char copy[96];

	while (next_field(&text, &word)) {
		int r;

		if (word.n >= sizeof(copy))
			return wrong(message, value, "is too long");
		span_copy(word, copy, sizeof(copy));
		r = add_ignore(c, copy, message);
		if (r < 0)
			return r;
		any = true;
	}
	return any ? 0 : wrong(message, value, "names no cause");
}

static int set_threshold(struct config *c, const char *key, const char *value, struct buf *message)
{
	const char *names[THRESHOLD_N];
	int r;

	for (size_t i = 0; i < THRESHOLD_N; i++) {
		const struct threshold_row *row = &threshold_rows[i];
		bool share = row->unit == THRESHOLD_SHARE;

		names[i] = row->name;
		if (strcmp(key, row->name) != 0)
			continue;
		r = parse_amount(value, share ? percent_units : plain_units,
				 share ? 1e6 : VALUE_MAX, &c->threshold[i]);
		if (r < 0)
			return wrong(message, value,
				     share ? "is no share (0.1%, at most 100%)"
					   : "is no whole number");
		c->threshold_set[i] = true;
		return 0;
	}
	return unknown(message, "threshold", key, names, THRESHOLD_N);
}

/* ---- the file ---- */

struct reader {
	struct config *config;
	struct span rest;
	unsigned int line;
	unsigned int wrong_line; /* the first: 0 none */
	struct buf *message;
	struct buf why;
};

static int take_pair(void *arg, const char *section, const char *name, const char *value)
{
	struct reader *r = arg;
	int err = 0;

	if (r->wrong_line)
		return 0;
	if (strcmp(section, "limits") == 0) {
		err = add_limit(r->config, name, value, &r->why);
	} else if (strcmp(section, "thresholds") == 0) {
		err = set_threshold(r->config, name, value, &r->why);
	} else if (strcmp(section, "findings") == 0 && strcmp(name, "ignore") == 0) {
		err = add_ignores(r->config, value, &r->why);
	} else if (strcmp(section, "findings") == 0) {
		buf_puts(&r->why, "unknown key; [findings] has ignore");
		err = -EINVAL;
	} else {
		buf_printf(&r->why, *section ? "unknown section [%s]" : "stands in no section%s",
			   section);
		buf_puts(&r->why, "; there are [limits], [findings] and [thresholds]");
		err = -EINVAL;
	}
	if (err == 0)
		return 1;
	r->wrong_line = r->line;
	buf_printf(r->message, "%s: %s", name, r->why.data);
	return 0;
}

static bool is_text(struct span line)
{
	for (size_t i = 0; i < line.n; i++)
		if (iscntrl((unsigned char)line.p[i]) && line.p[i] != '\t' && line.p[i] != '\r')
			return false;
	return true;
}

/* As fgets: inih asks for line after line, and calls back before it asks for the next. */
static char *next_piece(char *to, int size, void *arg)
{
	struct reader *r = arg;
	struct span line;
	bool too_long;

	if (r->wrong_line || !next_line(&r->rest, &line))
		return NULL;
	r->line++;
	too_long = line.n > LINE_MAX_BYTES || line.n + 2 > (size_t)size;
	if (too_long || !is_text(line)) {
		r->wrong_line = r->line;
		buf_puts(r->message, too_long ? "the line is too long" : "the line holds no text");
		return NULL;
	}
	memcpy(to, line.p, line.n);
	to[line.n] = '\n';
	to[line.n + 1] = '\0';
	return to;
}

static int parse(struct config *c, const char *path, const struct buf *text, struct buf *message)
{
	cleanup(buf_done) struct buf what = {0};
	struct reader r = {.config = c, .rest = {text->data, text->len}, .message = &what};
	int line = ini_parse_stream(next_piece, &r, take_pair, &r);

	buf_done(&r.why);
	if (line <= 0 && !r.wrong_line)
		return 0;
	/* A line that is neither a section nor `key = value` reached no handler. */
	if (!r.wrong_line || (line > 0 && (unsigned int)line < r.wrong_line)) {
		r.wrong_line = (unsigned int)line;
		buf_clear(&what);
		buf_puts(&what, "neither [section] nor key = value");
	}
	buf_printf(message, "%s:%u: %s", path, r.wrong_line, what.data);
	return -EINVAL;
}

int config_load(struct config *c, const char *path, bool asked_for, struct buf *message)
{
	cleanup(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	cleanup(buf_done) struct buf text = {0};
	int r;

	if (fd < 0 && errno == ENOENT && !asked_for)
		return 0;
	r = fd < 0 ? -errno : buf_read_fd(&text, fd, FILE_MAX);
	if (r < 0) {
		buf_printf(message, "%s: %s", path, strerror(-r));
		return r;
	}
	return parse(c, path, &text, message);
}

int config_add_limit(struct config *c, const char *text, struct buf *message)
{
	const char *equals = strchr(text, '=');
	cleanup(buf_done) struct buf why = {0};
	char key[64];
	int r;

	if (!equals || (size_t)(equals - text) >= sizeof(key)) {
		buf_printf(message, "--limit %s: must be NAME=VALUE, as bandwidth=10Gbit", text);
		return -EINVAL;
	}
	span_copy((struct span){text, (size_t)(equals - text)}, key, sizeof(key));
	r = add_limit(c, key, equals + 1, &why);
	if (r < 0)
		buf_printf(message, "--limit %s: %s", text, why.data);
	return r;
}
