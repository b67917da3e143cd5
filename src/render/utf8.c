// SPDX-License-Identifier: GPL-2.0-or-later
#include "render/utf8.h"

size_t utf8_next(const char *text, size_t n, uint32_t *ret_code)
{
	const unsigned char *s = (const unsigned char *)text;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t code;
	size_t length;

	if (!n)
		return 0;
	if (s[0] < 0x80) {
		*ret_code = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		length = 2, code = s[0] & 0x1fu;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		length = 3, code = s[0] & 0x0fu;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		length = 4, code = s[0] & 0x07u;
	else
		return 0;
	if (length > n)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0u) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fu);
	}
	/* Overlong forms, surrogates and what is beyond Unicode hide characters. */
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return length;
}

void utf8_clean(struct buf *to, const char *s, size_t n)
{
	while (n) {
		uint32_t code;
		size_t length = utf8_next(s, n, &code);

		if (length)
			buf_add(to, s, length);
		else
			buf_puts(to, "\xef\xbf\xbd");
		s += MAX(length, 1u);
		n -= MAX(length, 1u);
	}
}

/* Directional overrides turn a line around on the screen: as bad as an escape sequence. */
static bool harmful(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
	       code == 0xfeff;
}

void utf8_escape(struct buf *to, const char *s, size_t n)
{
	while (n) {
		uint32_t code = 0;
		size_t length = utf8_next(s, n, &code);

		if (length && !harmful(code)) {
			buf_add(to, s, length);
		} else {
			length = MAX(length, 1u);
			for (size_t i = 0; i < length; i++)
				buf_printf(to, "\\x%02x", (unsigned char)s[i]);
		}
		s += length;
		n -= length;
	}
}

size_t utf8_columns(const char *s, size_t n)
{
	size_t columns = 0;

	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] & 0xc0u) != 0x80)
			columns++;
	return columns;
}
