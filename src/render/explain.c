// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known under a name: one function for each kind of thing a name can be. */
#define _GNU_SOURCE
#include "render/explain.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "causes/capture.h"
#include "render/explain_parts.h"
#include "render/explain_texts.h"
#include "render/words.h"

#define REASON_PREFIX "SKB_DROP_REASON_"
#define RESET_PREFIX "SK_RST_REASON_"

struct explained *explained_new(struct explanation *e, const char *kind, const char *name,
			       const char *meaning)
{
	struct explained *t = vec_push(&e->things);

	t->kind = kind;
	t->name = xstrdup(name);
	t->meaning = xstrdup(meaning);
	return t;
}

void explained_note(struct explained *t, const char *fmt, ...)
{
	char line[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	*vec_push(&t->notes) = xstrdup(line);
}

void explained_add(struct explained *t, const char *label, const char *value)
{
	struct explained_detail *d;

	if (!value || !*value)
		return;
	d = vec_push(&t->details);
	d->label = label;
	d->value = xstrdup(value);
}

void explanation_done(struct explanation *e)
{
	vec_each(t, &e->things) {
		free(t->name);
		free(t->meaning);
		vec_each(text, &t->notes)
			free(*text);
		vec_done(&t->notes);
		vec_each(d, &t->details)
			free(d->value);
		vec_done(&t->details);
	}
	vec_done(&e->things);
}

/* ---- what stands where ---- */

const char *name_last_part(const char *name, char separator)
{
	const char *at = strrchr(name, separator);

	return at ? at + 1 : name;
}

static bool part_of_word(char c)
{
	return c == '_' || isalnum((unsigned char)c);
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

void explained_see(struct explained *t, const char *word)
{
	struct buf line = {0};

	for (size_t i = 0; i < explain_texts_n; i++)
		if (mentions(explain_texts[i].text, word))
			buf_printf(&line, "%s%s", line.len ? ", " : "", explain_texts[i].id);
	explained_add(t, "see also", line.data);
	buf_done(&line);
}

void explained_causes(struct explained *t, const char *ids)
{
	struct buf line = {0};
	char id[64];

	for (const char *at = ids; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");

		snprintf(id, sizeof(id), "%.*s", (int)n, at);
		if (cause_by_id(id))
			buf_printf(&line, "%s%s", line.len ? ", " : "", id);
		at += n;
	}
	explained_add(t, "see also", line.data);
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

static void explain_cause(const char *name, struct explanation *e)
{
	static const char *const kinds[] = {
		[CAUSE_LOSS_POINT] = "a place where packets are lost",
		[CAUSE_EXPLANATION] = "why such a place loses packets",
		[CAUSE_CONDITION] = "a state that leads to losses or makes them worse",
		[CAUSE_ELSEWHERE] = "a loss beyond this host",
	};
	static const char *const ways[] = {"receiving", "sending", "forwarding", "both ways"};

	for (size_t i = 0; i < cause_rows_n; i++) {
		const struct cause_row *row = &cause_rows[i];
		struct explained *t;

		if (!same_name(row->id, name))
			continue;
		t = explained_new(e, "cause", row->id, row->title);
		explained_note(t, "%s; stage %s, %s", kinds[row->kind], stage_name(row->stage),
		     ways[row->direction]);
		t->page = text_of(row->id);
	}
	for (size_t i = 0; i < capture_causes_n; i++)
		if (same_name(capture_causes[i].id, name)) {
			struct explained *t = explained_new(e, "cause", capture_causes[i].id,
							    capture_causes[i].title);

			explained_note(t, "what whydrop pcap finds in a capture");
			t->page = text_of(capture_causes[i].id);
		}
}

static void explain_reason(const char *name, struct explanation *e)
{
	if (strncasecmp(name, REASON_PREFIX, strlen(REASON_PREFIX)) == 0)
		name += strlen(REASON_PREFIX);
	for (size_t i = 0; i < reason_rows_n; i++) {
		const struct reason_row *row = &reason_rows[i];
		struct explained *t;

		if (!same_name(row->name, name))
			continue;
		t = explained_new(e, "drop reason", row->name, row->meaning);
		explained_note(t, "drop reason of the kernel; stage %s", stage_name(row->stage));
		for (size_t j = 0; j < benign_rows_n; j++) {
			const struct benign_row *benign = &benign_rows[j];

			if (benign->reason && benign->why && !strcmp(benign->reason, row->name))
				explained_note(t, "no loss%s%s: %s", benign->symbol ? " at " : "",
				     benign->symbol ? benign->symbol : "", benign->why);
		}
		explained_see(t, row->name);
	}
}

static void causes_of_source(enum source source, struct explained *t)
{
	struct buf line = {0};

	for (size_t i = 0; i < cause_rows_n; i++)
		if ((cause_rows[i].needs_all | cause_rows[i].needs_any) & SOURCE_BIT(source))
			buf_printf(&line, "%s%s", line.len ? ", " : "", cause_rows[i].id);
	explained_add(t, "read for", line.data);
	buf_done(&line);
}

static void explain_source(const char *name, struct explanation *e)
{
	for (size_t i = 0; i < SOURCE_N; i++) {
		const struct source_row *row = &source_rows[i];
		struct explained *t;

		if (!same_name(row->id, name) && !same_name(row->name, name))
			continue;
		t = explained_new(e, "source", row->name, row->loses);
		explained_note(t, "source; %s; %s", explain_scope(row->scope),
		     *row->unlock ? row->unlock : "every user may read it");
		causes_of_source((enum source)i, t);
	}
}

static void explain_stage(const char *name, struct explanation *e)
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
		[STAGE_TCP] = "TCP: connections, their queues and timers",
		[STAGE_UDP] = "UDP: datagrams, one by one, without repair",
		[STAGE_OTHER] = "other protocols: ICMP, SCTP, tunnels and the like",
		[STAGE_SOCKET] = "the socket and its buffers",
		[STAGE_APP] = "the program that sends or reads",
		[STAGE_HOST] = "the host beside the path: CPU, memory",
	};
	struct buf line = {0};

	for (int stage = 0; stage < STAGE_N; stage++) {
		struct explained *t;

		if (!same_name(stage_name((enum stage)stage), name))
			continue;
		t = explained_new(e, "stage", stage_name((enum stage)stage), meanings[stage]);
		for (size_t i = 0; i < cause_rows_n; i++)
			if ((int)cause_rows[i].stage == stage)
				buf_printf(&line, "%s%s",
					   line.len ? ", " : "stage of the path; causes: ",
					   cause_rows[i].id);
		explained_note(t, "%s",
		     line.len ? line.data : "stage of the path; no cause is examined here yet");
		buf_done(&line);
	}
}

static void add_word(const struct word_row *row, struct explanation *e)
{
	struct explained *t = explained_new(e, word_kind_name(row->kind), row->name, row->meaning);

	explained_note(t, "%s", word_kind_name(row->kind));
	explained_add(t, "in whydrop", row->instead);
	explained_causes(t, row->see);
}

static void explain_word(const char *name, struct explanation *e)
{
	bool reset = strncasecmp(name, RESET_PREFIX, strlen(RESET_PREFIX)) == 0;

	if (reset)
		name += strlen(RESET_PREFIX);
	for (size_t i = 0; i < word_rows_n; i++)
		if ((!reset || word_rows[i].kind == WORD_RESET) && word_has_name(&word_rows[i], name))
			add_word(&word_rows[i], e);
}

int explain(const char *name, const struct explain_here *here, struct explanation *ret)
{
	explain_cause(name, ret);
	explain_counter(name, ret);
	explain_nic_counter(name, ret);
	explain_reason(name, ret);
	explain_sysctl(name, here, ret);
	explain_source(name, ret);
	explain_stage(name, ret);
	explain_word(name, ret);
	return ret->things.n ? 0 : -ENOENT;
}

/* How many words of a name begin what was typed; 0: not all of them. */
static unsigned int words_that_begin(const char *name, const char *typed)
{
	unsigned int n = 0;

	while (*name) {
		char one[64], other[64];
		size_t a = strcspn(name, " "), b = strcspn(typed, " ");

		snprintf(one, sizeof(one), "%.*s", (int)a, name);
		snprintf(other, sizeof(other), "%.*s", (int)b, typed);
		if (!same_name(one, other))
			return 0;
		name += a + strspn(name + a, " ");
		typed += b + strspn(typed + b, " ");
		n++;
	}
	/* "ss" begins "ss -ltn" and "ss | grep", but "top secret" is no command. */
	return n > 1 || *typed == '-' || *typed == '|' ? n : 0;
}

int explain_command(const char *words, struct explanation *ret)
{
	const struct word_row *best = NULL;
	unsigned int most = 0;

	if (strncmp(words, "sudo ", 5) == 0)
		words += 5;
	for (size_t i = 0; i < word_rows_n; i++) {
		const struct word_row *row = &word_rows[i];
		unsigned int n = row->kind == WORD_COMMAND ? words_that_begin(row->name, words) : 0;

		if (n > most) {
			most = n;
			best = row;
		}
	}
	if (!best)
		return -ENOENT;
	add_word(best, ret);
	return 0;
}
