// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/words.h"

#include <ctype.h>
#include <limits.h>

#define LONGEST 48

unsigned int word_distance(const char *a, const char *b)
{
	size_t n = strnlen(a, LONGEST + 1), m = strnlen(b, LONGEST + 1);
	unsigned int row[LONGEST + 1];

	if (n > LONGEST || m > LONGEST)
		return UINT_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned int above = row[j];
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);

			row[j] = MIN(MIN(above, row[j - 1]) + 1, diagonal + !same);
			diagonal = above;
		}
	}
	return row[m];
}

bool word_near(const char *typed, const char *word)
{
	size_t length = strlen(typed);
	unsigned int distance = word_distance(typed, word);

	return length >= 2 && distance != UINT_MAX && distance * 3 <= MAX(length, 3u);
}
