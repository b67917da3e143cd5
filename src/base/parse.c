// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/parse.h"

#include <errno.h>
#include <string.h>

struct span span_of(const char *s)
{
	return (struct span){.p = s, .n = s ? strlen(s) : 0};
}

bool span_is(struct span s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

void span_copy(struct span s, char *to, size_t size)
{
	size_t n = MIN(s.n, size - 1);

	if (n)
		memcpy(to, s.p, n);
	to[n] = '\0';
}

bool next_split(struct span *text, char separator, struct span *ret_field)
{
	const char *end;

	if (!text->p)
		return false;
	end = text->n ? memchr(text->p, separator, text->n) : NULL;
	if (!end) {
		*ret_field = *text;
		*text = (struct span){0};
		return true;
	}
	*ret_field = (struct span){.p = text->p, .n = (size_t)(end - text->p)};
	text->n -= ret_field->n + 1;
	text->p = end + 1;
	return true;
}

bool next_line(struct span *text, struct span *ret_line)
{
	if (text->n == 0)
		return false;
	return next_split(text, '\n', ret_line);
}

bool next_field(struct span *line, struct span *ret_field)
{
	size_t skip = 0, n = 0;

	while (skip < line->n && (line->p[skip] == ' ' || line->p[skip] == '\t'))
		skip++;
	while (skip + n < line->n && line->p[skip + n] != ' ' && line->p[skip + n] != '\t')
		n++;
	if (n == 0)
		return false;
	*ret_field = (struct span){.p = line->p + skip, .n = n};
	line->p += skip + n;
	line->n -= skip + n;
	return true;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

static int parse_base(struct span s, unsigned int base, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (s.n == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		unsigned int digit = (unsigned int)digit_value(s.p[i]);

		if (digit >= base)
			return -EINVAL;
		if (value > (max - digit) / base || digit > max)
			return -ERANGE;
		value = value * base + digit;
	}
	*ret = value;
	return 0;
}

int parse_u64(struct span s, uint64_t max, uint64_t *ret)
{
	return parse_base(s, 10, max, ret);
}

int parse_hex64(struct span s, uint64_t max, uint64_t *ret)
{
	return parse_base(s, 16, max, ret);
}

int parse_i64(struct span s, int64_t *ret)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	uint64_t value;
	int r;

	if (negative)
		s = (struct span){.p = s.p + 1, .n = s.n - 1};
	r = parse_u64(s, INT64_MAX, &value);
	if (r < 0)
		return r;
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

int parse_decimal(const char *s, double min, double max, double *ret)
{
	struct span text = span_of(s), whole, fraction = {0};
	uint64_t value = 0;
	double result;

	if (!next_split(&text, '.', &whole) || parse_u64(whole, 1000000000000ULL, &value) < 0)
		return -EINVAL;
	result = (double)value;
	if (text.p) {
		double scale = 0.1;

		fraction = text;
		if (fraction.n == 0 || fraction.n > 9)
			return -EINVAL;
		for (size_t i = 0; i < fraction.n; i++, scale /= 10) {
			if (fraction.p[i] < '0' || fraction.p[i] > '9')
				return -EINVAL;
			result += scale * (fraction.p[i] - '0');
		}
	}
	if (result < min || result > max)
		return -ERANGE;
	*ret = result;
	return 0;
}
