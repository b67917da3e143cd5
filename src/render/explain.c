// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `whydrop explain NAME`: all it knows under a name, in whatever form people meet the name: a
 * cause, a counter with or without its group, a drop reason with or without its prefix, a sysctl
 * with dots, slashes or only its last part, a source, a stage.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "base/words.h"
#include "causes/cause.h"
#include "render/explain_texts.h"
#include "render/out.h"

#define NEAREST 5
#define REASON_PREFIX "SKB_DROP_REASON_"

static const struct text_style plain_style;

static void paragraph(struct buf *ret, const char *text)
{
	struct out o = {.buf = ret, .style = &plain_style};

	buf_puts(ret, "  ");
	out_wrap(&o, 2, 2, text);
}

/* Each thing after the first is set off by an empty line. */
static void title(struct buf *ret, const char *name, const char *what)
{
	struct out o = {.buf = ret, .style = &plain_style};

	buf_printf(ret, "%s%s: ", ret->len ? "\n" : "", name);
	out_wrap(&o, strlen(name) + 2, 2, what);
}

/* ---- what stands where ---- */

static const char *last_part(const char *name, char separator)
{
	const char *at = strrchr(name, separator);

	return at ? at + 1 : name;
}

static bool part_of_word(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* A whole word of the text, so that "drop" does not find "dropped". */
static bool mentions(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += n)
		if ((at == text || !part_of_word(at[-1])) && !part_of_word(at[n]))
			return true;
	return false;
}

static void see_also(struct buf *ret, const char *word)
{
	struct buf line = {0};

	for (size_t i = 0; i < explain_texts_n; i++)
		if (mentions(explain_texts[i].text, word))
			buf_printf(&line, "%s%s",
				   line.len ? ", " : "see also: ", explain_texts[i].id);
	if (line.len)
		paragraph(ret, line.data);
	buf_done(&line);
}

/* ---- one kind each ---- */

static const char *text_of(const char *id)
{
	for (size_t i = 0; i < explain_texts_n; i++)
		if (strcmp(explain_texts[i].id, id) == 0)
			return explain_texts[i].text;
	return NULL;
}

static void cause_line(const struct cause_row *row, struct buf *ret)
{
	static const char *const kinds[] = {
		[CAUSE_LOSS_POINT] = "a place where packets are lost",
		[CAUSE_EXPLANATION] = "why such a place loses packets",
		[CAUSE_CONDITION] = "a state that leads to losses or makes them worse",
		[CAUSE_ELSEWHERE] = "a loss beyond this host",
	};
	static const char *const ways[] = {"receiving", "sending", "forwarding", "both ways"};
	char line[160];

	snprintf(line, sizeof(line), "%s; stage %s, %s", kinds[row->kind], stage_name(row->stage),
		 ways[row->direction]);
	paragraph(ret, line);
}

static bool explain_cause(const char *name, struct buf *ret)
{
	for (size_t i = 0; i < cause_rows_n; i++) {
		const struct cause_row *row = &cause_rows[i];
		const char *text = text_of(row->id);

		if (strcasecmp(row->id, name) != 0)
			continue;
		title(ret, row->id, row->title);
		cause_line(row, ret);
		if (text)
			buf_printf(ret, "\n%s", text);
		return true;
	}
	return false;
}

static const char *scope_words(enum scope scope)
{
	static const char *const words[] = {
		[SCOPE_HOST] = "one for the whole host",
		[SCOPE_NETNS] = "one in each network namespace",
		[SCOPE_DEVICE] = "one for each device",
		[SCOPE_QUEUE] = "one for each queue or table",
		[SCOPE_CPU] = "one for each CPU",
		[SCOPE_SOCKET] = "one for each socket",
		[SCOPE_RULE] = "one for each rule",
	};

	return words[scope];
}

/* "Udp.RcvbufErrors", "Udp6RcvbufErrors" and "rx_dropped" without the protocol they count for. */
static const char *bare_name(const char *name)
{
	static const char *const groups[] = {"Udp6", "Ip6"};

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (strncmp(name, groups[i], strlen(groups[i])) == 0)
			return name + strlen(groups[i]);
	return last_part(name, '.');
}

/* As nstat writes it: "UdpRcvbufErrors". */
static bool same_without_dots(const char *a, const char *b)
{
	char one[64], other[64];
	size_t n = 0, m = 0;

	for (; *a && n < sizeof(one) - 1; a++)
		if (*a != '.')
			one[n++] = *a;
	for (; *b && m < sizeof(other) - 1; b++)
		if (*b != '.')
			other[m++] = *b;
	one[n] = other[m] = '\0';
	return strcasecmp(one, other) == 0;
}

static bool is_counter(const struct counter_row *row, const char *name)
{
	return same_without_dots(row->name, name) || strcasecmp(bare_name(row->name), name) == 0 ||
	       strcasecmp(row->id, name) == 0;
}

static bool explain_counter(const char *name, struct buf *ret)
{
	static const char *const kinds[] = {
		[KIND_COUNTER] = "counter: only its change tells, the value is since boot",
		[KIND_GAUGE] = "gauge: how much there is now",
		[KIND_LIMIT] = "limit",
	};
	bool found = false;

	for (size_t i = 0; i < COUNTER_N; i++) {
		const struct counter_row *row = &counter_rows[i];
		char line[256];

		if (!is_counter(row, name))
			continue;
		title(ret, row->name, row->meaning);
		snprintf(line, sizeof(line), "%s; %s; stage %s; from %s, %s", kinds[row->kind],
			 row->unit, stage_name(row->stage), source_rows[row->source].name,
			 scope_words(row->scope));
		paragraph(ret, line);
		see_also(ret, bare_name(row->name));
		found = true;
	}
	return found;
}

static bool explain_reason(const char *name, struct buf *ret)
{
	if (strncasecmp(name, REASON_PREFIX, strlen(REASON_PREFIX)) == 0)
		name += strlen(REASON_PREFIX);
	for (size_t i = 0; i < reason_rows_n; i++) {
		const struct reason_row *row = &reason_rows[i];
		char line[64];

		if (strcasecmp(row->name, name) != 0)
			continue;
		title(ret, row->name, row->meaning);
		snprintf(line, sizeof(line), "drop reason of the kernel; stage %s",
			 stage_name(row->stage));
		paragraph(ret, line);
		for (size_t j = 0; j < benign_rows_n; j++) {
			const struct benign_row *benign = &benign_rows[j];
			struct buf words = {0};

			if (!benign->reason || !benign->why || strcmp(benign->reason, row->name))
				continue;
			buf_printf(&words, "no loss%s%s: %s", benign->symbol ? " at " : "",
				   benign->symbol ? benign->symbol : "", benign->why);
			paragraph(ret, words.data);
			buf_done(&words);
		}
		see_also(ret, row->name);
		return true;
	}
	return false;
}

/* Dots and slashes are one; a leading /proc/sys/ is allowed. */
static void sysctl_form(const char *name, char *to, size_t size)
{
	if (strncmp(name, "/proc/sys/", 10) == 0)
		name += 10;
	snprintf(to, size, "%s", name);
	for (char *c = to; *c; c++)
		if (*c == '/')
			*c = '.';
}

static bool explain_sysctl(const char *name, struct buf *ret)
{
	char wanted[128], form[128];
	bool found = false;

	sysctl_form(name, wanted, sizeof(wanted));
	for (size_t i = 0; i < SYSCTL_N; i++) {
		const struct sysctl_row *row = &sysctl_rows[i];

		sysctl_form(row->path, form, sizeof(form));
		if (strcasecmp(form, wanted) != 0 && strcasecmp(last_part(form, '.'), wanted) != 0)
			continue;
		title(ret, form, row->meaning);
		paragraph(ret, row->scope == SCOPE_HOST
				       ? "sysctl; one value for the whole host, in every namespace"
				       : "sysctl; each network namespace has its own value");
		see_also(ret, last_part(form, '.'));
		found = true;
	}
	return found;
}

static void causes_of_source(enum source source, struct buf *ret)
{
	struct buf line = {0};

	for (size_t i = 0; i < cause_rows_n; i++)
		if ((cause_rows[i].needs_all | cause_rows[i].needs_any) & SOURCE_BIT(source))
			buf_printf(&line, "%s%s", line.len ? ", " : "read for: ", cause_rows[i].id);
	if (line.len)
		paragraph(ret, line.data);
	buf_done(&line);
}

static bool explain_source(const char *name, struct buf *ret)
{
	for (size_t i = 0; i < SOURCE_N; i++) {
		const struct source_row *row = &source_rows[i];
		char line[128];

		if (strcasecmp(row->id, name) != 0 && strcasecmp(row->name, name) != 0)
			continue;
		title(ret, row->name, row->loses);
		snprintf(line, sizeof(line), "source; %s; %s", scope_words(row->scope),
			 *row->unlock ? row->unlock : "every user may read it");
		paragraph(ret, line);
		causes_of_source((enum source)i, ret);
		return true;
	}
	return false;
}

static bool explain_stage(const char *name, struct buf *ret)
{
	static const char *const meanings[STAGE_N] = {
		[STAGE_LINK] = "the wire, the port and the network card",
		[STAGE_RING] = "the rings between the network card and memory",
		[STAGE_NAPI] = "the softirq that takes packets in, on one CPU",
		[STAGE_TC] = "XDP, traffic control and the queueing disciplines",
		[STAGE_L2] = "frames: MAC addresses, VLANs, bridges",
		[STAGE_NETFILTER] = "the firewall: nftables and iptables",
		[STAGE_CONNTRACK] = "connection tracking and address translation",
		[STAGE_IP] = "IPv4 and IPv6: addresses, routes, fragments",
		[STAGE_NEIGH] = "neighbours: ARP and neighbour discovery",
		[STAGE_TCP] = "TCP",
		[STAGE_UDP] = "UDP",
		[STAGE_OTHER] = "other protocols",
		[STAGE_SOCKET] = "the socket and its buffers",
		[STAGE_APP] = "the program that sends or reads",
		[STAGE_HOST] = "the host beside the path: CPU, memory",
	};
	struct buf line = {0};

	for (int stage = 0; stage < STAGE_N; stage++) {
		if (strcasecmp(stage_name((enum stage)stage), name) != 0)
			continue;
		title(ret, stage_name((enum stage)stage), meanings[stage]);
		for (size_t i = 0; i < cause_rows_n; i++)
			if ((int)cause_rows[i].stage == stage)
				buf_printf(&line, "%s%s",
					   line.len ? ", " : "stage of the path; causes: ",
					   cause_rows[i].id);
		paragraph(ret, line.len ? line.data
					: "stage of the path; no cause is examined here yet");
		buf_done(&line);
		return true;
	}
	return false;
}

/* ---- names ---- */

static void each_name(void (*use)(void *context, const char *name), void *context)
{
	for (size_t i = 0; i < cause_rows_n; i++)
		use(context, cause_rows[i].id);
	for (size_t i = 0; i < COUNTER_N; i++)
		use(context, counter_rows[i].name);
	for (size_t i = 0; i < reason_rows_n; i++)
		use(context, reason_rows[i].name);
	for (size_t i = 0; i < SYSCTL_N; i++) {
		char form[128];

		sysctl_form(sysctl_rows[i].path, form, sizeof(form));
		use(context, form);
	}
	for (size_t i = 0; i < SOURCE_N; i++)
		use(context, source_rows[i].id);
	for (int stage = 0; stage < STAGE_N; stage++)
		use(context, stage_name((enum stage)stage));
}

static void add_line(void *context, const char *name)
{
	buf_printf(context, "%s\n", name);
}

void explain_list(struct buf *ret)
{
	each_name(add_line, ret);
}

struct nearest {
	const char *wanted;
	struct {
		char name[64];
		unsigned int distance;
	} best[NEAREST];
	size_t n;
};

static bool contains(const char *text, const char *part)
{
	return strcasestr(text, part) != NULL;
}

static void consider(void *context, const char *name)
{
	struct nearest *near = context;
	unsigned int distance = word_distance(near->wanted, name);
	unsigned int tail = word_distance(near->wanted, last_part(name, '.'));
	size_t at;

	distance = MIN(distance, tail);
	if (strlen(near->wanted) >= 3 && contains(name, near->wanted))
		distance = MIN(distance, 2u);
	else if (!word_near(near->wanted, name) && !word_near(near->wanted, last_part(name, '.')))
		return;
	for (at = near->n; at > 0 && near->best[at - 1].distance > distance; at--)
		if (at < NEAREST)
			near->best[at] = near->best[at - 1];
	if (at >= NEAREST)
		return;
	snprintf(near->best[at].name, sizeof(near->best[at].name), "%s", name);
	near->best[at].distance = distance;
	near->n = MIN(near->n + 1, (size_t)NEAREST);
}

static void suggest(const char *name, struct buf *ret)
{
	struct nearest near = {.wanted = name};

	each_name(consider, &near);
	for (size_t i = 0; i < near.n; i++)
		buf_printf(ret, "%s%s", i ? ", " : "", near.best[i].name);
}

int explain(const char *name, struct buf *ret)
{
	bool found = explain_cause(name, ret);

	found |= explain_counter(name, ret);
	found |= explain_reason(name, ret);
	found |= explain_sysctl(name, ret);
	found |= explain_source(name, ret);
	found |= explain_stage(name, ret);
	if (found)
		return 0;
	suggest(name, ret);
	return -ENOENT;
}
