// SPDX-License-Identifier: GPL-2.0-or-later
#include "render/fmt.h"

#include <inttypes.h>
#include <stdio.h>

struct fmt fmt_count(uint64_t n)
{
	char digits[24];
	struct fmt ret = {{0}};
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	size_t at = 0;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			ret.s[at++] = ',';
		ret.s[at++] = digits[i];
	}
	return ret;
}

struct fmt fmt_short(double n)
{
	static const struct {
		double from, unit;
		const char *suffix;
	} steps[] = {{999.5e9, 1e12, " T"},
		     {999.5e6, 1e9, " G"},
		     {999.5e3, 1e6, " M"},
		     {999.5, 1e3, "k"}};
	struct fmt ret;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (n >= steps[i].from) {
			n /= steps[i].unit;
			snprintf(ret.s, sizeof(ret.s), n < 9.95 ? "%.1f%s" : "%.0f%s", n,
				 steps[i].suffix);
			return ret;
		}
	}
	if (n > 0 && n < 0.05)
		return (struct fmt){"<0.1"};
	snprintf(ret.s, sizeof(ret.s), n > 0 && n < 9.95 ? "%.1f" : "%.0f", n);
	return ret;
}

struct fmt fmt_rate(double n)
{
	struct fmt number =
		n >= 9.95 && n < 99999.5 ? fmt_count((uint64_t)(n + 0.5)) : fmt_short(n);
	struct fmt ret;

	snprintf(ret.s, sizeof(ret.s), "%.28s/s", number.s);
	return ret;
}

struct fmt fmt_share(uint64_t part, uint64_t whole)
{
	double percent = whole ? 100.0 * (double)part / (double)whole : 0;
	struct fmt ret;

	if (part && percent < 0.001)
		return (struct fmt){"<0.001 %"};
	if (part < whole && percent >= 99.5)
		return (struct fmt){">99 %"};
	snprintf(ret.s, sizeof(ret.s),
		 percent >= 9.95 || !part ? "%.0f %%"
		 : percent >= 0.995	  ? "%.1f %%"
		 : percent >= 0.0995	  ? "%.2f %%"
					  : "%.3f %%",
		 percent);
	return ret;
}

struct fmt fmt_seconds(double s)
{
	struct fmt ret;

	if (s < 120)
		snprintf(ret.s, sizeof(ret.s), "%.1f s", s);
	else if (s < 7200)
		snprintf(ret.s, sizeof(ret.s), "%.0f min", s / 60);
	else if (s < 172800)
		snprintf(ret.s, sizeof(ret.s), "%.1f h", s / 3600);
	else
		snprintf(ret.s, sizeof(ret.s), "%.0f days", s / 86400);
	return ret;
}
