// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Findings that the user wants to be ignored: taken out before the verdict is drawn, and kept to be
 * shown as such. Where only a part of a loss is meant (one port, one device) the rest stays.
 */
#include "causes/stages.h"

/* What is left of a finding below this is its rounding: it goes whole. */
#define WHOLE_SHARE 0.98

static bool is_port(const struct ignore *i, const struct subject *s)
{
	return s->has_socket &&
	       (s->socket.local_port == i->port || s->socket.remote_port == i->port);
}

static bool subject_meant(const struct ignore *i, const struct subject *s)
{
	return i->port ? is_port(i, s) : strcmp(s->device, i->device) == 0;
}

/* Flows tell ports where no socket does (nobody listens, a rule drops). */
static bool by_flows(const struct ignore *i, const struct finding *f)
{
	vec_each(s, &f->subjects)
		if (s->has_socket)
			return false;
	return i->port;
}

static uint64_t lost_meant(const struct ignore *i, const struct finding *f, bool *ret_all)
{
	uint64_t sum = 0;
	bool all = true, any = false;

	if (by_flows(i, f)) {
		vec_each(flow, &f->flows)
			sum += flow->destination_port == i->port ? flow->packets : 0;
		*ret_all = f->lost && (double)sum >= WHOLE_SHARE * (double)f->lost;
		return MIN(sum, f->lost);
	}
	vec_each(s, &f->subjects) {
		bool meant = subject_meant(i, s);

		any |= meant;
		all &= meant;
		sum += meant ? s->lost : 0;
	}
	*ret_all = any && (all || (f->lost && (double)sum >= WHOLE_SHARE * (double)f->lost));
	return MIN(sum, f->lost);
}

/* What is meant leaves the finding for one of its own, without words of its own. */
static void split_ignored(struct diagnosis *d, struct finding *f, const struct ignore *i,
			  uint64_t lost)
{
	struct ignored *part = vec_push(&d->ignored);
	size_t kept = 0;

	*part = (struct ignored){.finding = finding_take(d, f, lost), .by = i};
	for (size_t k = 0; k < f->subjects.n; k++) {
		if (subject_meant(i, &f->subjects.items[k]))
			*vec_push(&part->finding.subjects) = f->subjects.items[k];
		else
			f->subjects.items[kept++] = f->subjects.items[k];
	}
	f->subjects.n = kept;
	/* What was said spoke of all sockets. */
	if (f->cause->describe)
		finding_describe_again(d, f);
	else
		finding_headline(f, "%s, besides what is ignored", f->cause->title);
}

static bool is_cause(const struct ignore *i, const struct finding *f)
{
	return strcmp(i->cause, f->cause->id) == 0 || (f->via && strcmp(i->cause, f->via->id) == 0);
}

/* True: it is to be ignored whole. */
static bool ignored_whole(struct diagnosis *d, struct finding *f)
{
	vec_each(i, &d->config->ignores) {
		uint64_t lost;
		bool all;

		if (!is_cause(i, f))
			continue;
		if (!i->port && !i->device[0]) {
			*vec_push(&d->ignored) = (struct ignored){.finding = *f, .by = i};
			return true;
		}
		lost = lost_meant(i, f, &all);
		if (all) {
			*vec_push(&d->ignored) = (struct ignored){.finding = *f, .by = i};
			return true;
		}
		if (lost)
			split_ignored(d, f, i, lost);
	}
	return false;
}

void ignore_stated(struct diagnosis *d)
{
	size_t kept = 0;

	if (!d->config || !d->config->ignores.n)
		return;
	for (size_t i = 0; i < d->findings.n; i++)
		if (!ignored_whole(d, &d->findings.items[i]))
			d->findings.items[kept++] = d->findings.items[i];
	d->findings.n = kept;
}
