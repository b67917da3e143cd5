// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "remedy/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/siphash.h"

#define JOURNAL_MAX ((size_t)16 << 20)
#define SUM_DIGITS 16

static uint64_t sum_of(const char *text, size_t length)
{
	static const struct siphash_key none;

	return siphash(&none, text, length);
}

struct journal_digits journal_digits(uint64_t n)
{
	struct journal_digits d;

	snprintf(d.s, sizeof(d.s), "%llu", (unsigned long long)n);
	return d;
}

static void record_done(struct journal_record *r)
{
	vec_each(field, &r->fields) {
		free(field->name);
		free(field->value);
	}
	vec_done(&r->fields);
}

static void add_field(struct journal_record *r, const char *name, const char *value)
{
	struct journal_field *field = vec_push(&r->fields);

	field->name = xstrdup(name);
	field->value = xstrdup(value);
}

/* Undoes add_escaped(); NULL if it is not from there. */
static char *unescape(struct span s)
{
	char *text = xcalloc(s.n + 1, 1), *to = text;
	uint64_t byte;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '%') {
			*to++ = s.p[i];
			continue;
		}
		if (i + 2 >= s.n || parse_hex64((struct span){s.p + i + 1, 2}, 255, &byte) < 0 || !byte) {
			free(text);
			return NULL;
		}
		*to++ = (char)byte;
		i += 2;
	}
	return text;
}

static bool parse_field(struct span field, struct journal_record *r)
{
	const char *equals = memchr(field.p, '=', field.n);
	char *name, *value;

	if (!equals)
		return false;
	value = unescape((struct span){equals + 1, field.n - (size_t)(equals + 1 - field.p)});
	if (!value)
		return false;
	name = strndup(field.p, (size_t)(equals - field.p));
	add_field(r, name, value);
	free(name);
	free(value);
	return true;
}

static bool parse_record(struct span line, struct journal_record *ret)
{
	struct journal_record r = {0};
	struct span field;
	uint64_t sum;

	if (line.n < SUM_DIGITS + 2 || line.p[line.n - SUM_DIGITS - 1] != '#' ||
	    parse_hex64((struct span){line.p + line.n - SUM_DIGITS, SUM_DIGITS}, UINT64_MAX, &sum) < 0)
		return false;
	line.n -= SUM_DIGITS + 1;
	if (sum_of(line.p, line.n) != sum || !next_field(&line, &field) ||
	    parse_u64(field, UINT64_MAX - 1, &r.number) < 0 || !next_field(&line, &field))
		return false;
	span_copy(field, r.type, sizeof(r.type));
	while (next_field(&line, &field))
		if (!parse_field(field, &r)) {
			record_done(&r);
			return false;
		}
	*ret = r;
	return true;
}

static void tell_damage(struct journal *j, enum journal_damage_kind kind, uint64_t line,
			uint64_t first, uint64_t last)
{
	*vec_push(&j->damage) = (struct journal_damage){kind, line, first, last};
}

void journal_parse(struct journal *j, const char *text, size_t length)
{
	struct span left = {text, length}, line;
	struct journal_record r;
	uint64_t number = 0, broken = 0;

	j->next = 1;
	j->torn = length && text[length - 1] != '\n';
	while (next_line(&left, &line)) {
		bool last = left.n == 0 && j->torn;

		number++;
		if (line.n == 0)
			continue; /* after a cut record the next one begins a new line */
		if (!parse_record(line, &r)) {
			tell_damage(j, last ? JOURNAL_CUT : JOURNAL_BROKEN, number, 0, 0);
			broken++; /* it had a number */
			continue;
		}
		if (r.number > j->next + broken)
			tell_damage(j, JOURNAL_MISSING, number, j->next, r.number - 1);
		broken = 0;
		j->next = MAX(j->next, r.number + 1);
		*vec_push(&j->records) = r;
	}
	j->next += broken;
}

/* Whoever may write it could have root change what he likes. */
static int trusted(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	return st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)) ? -EPERM : 0;
}

/* The folder is made if its own one is there; what is new in a folder lasts when that is synced. */
static int open_folder(const char *path, bool make)
{
	const char *end = strrchr(path, '/');
	cleanup(cleanup_free) char *folder =
		end ? strndup(path, end == path ? 1 : (size_t)(end - path)) : xstrdup(".");
	int fd;

	if (make && mkdir(folder, 0700) == 0) {
		int above = open_folder(folder, false);

		if (above < 0)
			return above;
		fsync(above);
		close(above);
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_file(const char *path, bool write, int *ret)
{
	cleanup(cleanup_fd) int folder = open_folder(path, write), fd = -1;
	const char *name = strrchr(path, '/');
	int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, r;

	if (folder < 0)
		return folder;
	name = name ? name + 1 : path;
	flags |= write ? O_RDWR | O_APPEND | O_CREAT : O_RDONLY;
	fd = openat(folder, name, flags, 0600);
	if (fd < 0)
		return -errno;
	r = trusted(fd);
	if (r == 0 && write && flock(fd, LOCK_EX | LOCK_NB) < 0)
		r = -errno;
	if (r == 0 && write && fsync(folder) < 0)
		r = -errno;
	if (r < 0)
		return r;
	*ret = fd;
	fd = -1;
	return 0;
}

/* Of ours the first record has number 1, also where it was cut short. */
static bool is_journal(const struct journal *j, const struct buf *text)
{
	if (!text->len || j->records.n)
		return true;
	return text->data[0] == '1' && (text->len == 1 || text->data[1] == ' ') &&
	       j->damage.n == 1 && j->damage.items[0].kind == JOURNAL_CUT;
}

int journal_open(const char *path, bool write, struct journal *ret)
{
	cleanup(buf_done) struct buf text = {0};
	struct journal j = {.fd = -1, .next = 1};
	int r = open_file(path, write, &j.fd);

	if (r == -ENOENT && !write) {
		*ret = j;
		return 0;
	}
	if (r == 0)
		r = buf_read_fd(&text, j.fd, JOURNAL_MAX);
	if (r == 0) {
		journal_parse(&j, text.data, text.len);
		r = is_journal(&j, &text) ? 0 : -EBADMSG;
	}
	if (r < 0) {
		journal_done(&j);
		return r;
	}
	if (!write)
		cleanup_fd(&j.fd), j.fd = -1;
	*ret = j;
	return 0;
}

void journal_done(struct journal *j)
{
	cleanup_fd(&j->fd);
	vec_each(r, &j->records)
		record_done(r);
	vec_done(&j->records);
	vec_done(&j->damage);
	buf_done(&j->pending);
	*j = (struct journal){.fd = -1};
}

static void add_escaped(struct buf *b, const char *value)
{
	for (const char *p = value; *p; p++)
		if (*p > ' ' && *p < 0x7f && *p != '%')
			buf_add(b, p, 1);
		else
			buf_printf(b, "%%%02x", (unsigned char)*p);
}

uint64_t journal_put(struct journal *j, const char *type, ...)
{
	struct journal_record *r = vec_push(&j->records);
	const char *name, *value;
	size_t begin;
	va_list args;

	/* What a cut record left in its line must not swallow this one. */
	if (j->torn && !j->pending.len)
		buf_puts(&j->pending, "\n");
	begin = j->pending.len;
	r->number = j->next++;
	snprintf(r->type, sizeof(r->type), "%s", type);
	buf_printf(&j->pending, "%llu %s", (unsigned long long)r->number, type);
	va_start(args, type);
	while ((name = va_arg(args, const char *))) {
		value = va_arg(args, const char *);
		add_field(r, name, value);
		buf_printf(&j->pending, " %s=", name);
		add_escaped(&j->pending, value);
	}
	va_end(args);
	buf_puts(&j->pending, " ");
	buf_printf(&j->pending, "#%016llx\n",
		   (unsigned long long)sum_of(j->pending.data + begin, j->pending.len - begin));
	return r->number;
}

int journal_commit(struct journal *j)
{
	ssize_t n;

	if (!j->pending.len)
		return 0;
	n = write(j->fd, j->pending.data, j->pending.len);
	j->torn = n != (ssize_t)j->pending.len;
	if (n < 0)
		return -errno;
	buf_clear(&j->pending);
	if (j->torn)
		return -ENOSPC; /* a file takes all of it, or there is no room */
	return fsync(j->fd) < 0 ? -errno : 0;
}

const char *journal_text(const struct journal_record *r, const char *name)
{
	vec_each(field, &r->fields)
		if (strcmp(field->name, name) == 0)
			return field->value;
	return "";
}

uint64_t journal_number(const struct journal_record *r, const char *name)
{
	uint64_t n;

	return parse_u64(span_of(journal_text(r, name)), UINT64_MAX, &n) < 0 ? 0 : n;
}
