// SPDX-License-Identifier: GPL-2.0-or-later
#include "remedy/verify.h"

#include <stdio.h>

/* Shares within which two rates are the same. */
#define SAME_LOSS 0.2
#define SAME_TRAFFIC 0.2
/* Of what was lost before: less is as good as none. */
#define STOPPED_SHARE 0.01
/* A loss of so few packets in a sample is no change for the worse. */
#define WORSE_PACKETS 10

void measure_done(struct measure *m)
{
	vec_each(loss, &m->losses) {
		vec_each(count, &loss->counts)
			free(count->name);
		vec_done(&loss->counts);
		free(loss->cause);
		free(loss->via);
	}
	vec_done(&m->losses);
	vec_done(&m->spaces);
}

struct measured_loss *measure_add_loss(struct measure *m, const char *cause, const char *via)
{
	struct measured_loss *loss = vec_push(&m->losses);

	loss->cause = xstrdup(cause);
	loss->via = xstrdup(via);
	return loss;
}

void measure_add_count(struct measured_loss *loss, const char *name, uint64_t delta)
{
	struct measured_count *count = vec_push(&loss->counts);

	count->name = xstrdup(name);
	count->delta = delta;
	count->known = true;
}

void measure_put(const struct measure *m, struct journal *j, uint64_t run)
{
	struct journal_digits of = journal_digits(run);

	journal_put(j, "sample", "run", of.s, "ms", journal_digits((uint64_t)(m->seconds * 1e3)).s,
		    NULL);
	vec_each(space, &m->spaces)
		journal_put(j, "traffic", "run", of.s, "inode", journal_digits(space->inode).s, "rx",
			    journal_digits(space->rx).s, "tx", journal_digits(space->tx).s, NULL);
	vec_each(loss, &m->losses) {
		uint64_t id = journal_put(j, "loss", "run", of.s, "cause", loss->cause, "via",
					  loss->via, "inode", journal_digits(loss->inode).s, "lost",
					  journal_digits(loss->lost).s, "losing",
					  loss->losing ? "1" : "0", "grave",
					  loss->grave ? "1" : "0", "tx", loss->tx ? "1" : "0",
					  NULL);

		vec_each(count, &loss->counts)
			journal_put(j, "count", "run", of.s, "loss", journal_digits(id).s, "name",
				    count->name, "delta", journal_digits(count->delta).s, NULL);
	}
}

static void get_loss(const struct journal_record *r, struct measure *m)
{
	struct measured_loss *loss =
		measure_add_loss(m, journal_text(r, "cause"), journal_text(r, "via"));

	loss->inode = (uint32_t)journal_number(r, "inode");
	loss->lost = journal_number(r, "lost");
	loss->losing = journal_number(r, "losing");
	loss->grave = journal_number(r, "grave");
	loss->tx = journal_number(r, "tx");
}

bool measure_get(const struct journal *j, uint64_t run, struct measure *ret)
{
	struct measure m = {0};

	vec_each(r, &j->records) {
		if (journal_number(r, "run") != run)
			continue;
		if (strcmp(r->type, "sample") == 0)
			m.seconds = (double)journal_number(r, "ms") / 1e3;
		else if (strcmp(r->type, "traffic") == 0)
			*vec_push(&m.spaces) = (struct measured_space){
				(uint32_t)journal_number(r, "inode"), journal_number(r, "rx"),
				journal_number(r, "tx")};
		else if (strcmp(r->type, "loss") == 0)
			get_loss(r, &m);
		else if (strcmp(r->type, "count") == 0 && m.losses.n)
			measure_add_count(&m.losses.items[m.losses.n - 1], journal_text(r, "name"),
					  journal_number(r, "delta"));
	}
	if (m.seconds <= 0) {
		measure_done(&m);
		return false;
	}
	*ret = m;
	return true;
}

static double packets_of(const struct measure *m, const struct measured_loss *loss)
{
	vec_each(space, &m->spaces)
		if (space->inode == loss->inode)
			return (double)(loss->tx ? space->tx : space->rx) / m->seconds;
	return 0;
}

/* Is it the same loss, or one that takes the other's packets for another reason? */
static bool is_same_loss(const struct measured_loss *a, const struct measured_loss *b)
{
	if (a->inode != b->inode)
		return false;
	return strcmp(a->cause, b->cause) == 0 || strcmp(a->cause, b->via) == 0 ||
	       strcmp(a->via, b->cause) == 0 || (*a->via && strcmp(a->via, b->via) == 0);
}

/* The counter that told of this very loss; it may move on though nothing is told of it. */
static double still_counted(const struct measure *now, const struct measured_loss *before,
			    const char **ret_name)
{
	double most = 0;

	vec_each(loss, &now->losses) {
		if (loss->inode != before->inode)
			continue;
		for (size_t i = 0; i < loss->counts.n; i++)
			vec_each(count, &before->counts) {
				const struct measured_count *again = &loss->counts.items[i];
				double rate = (double)again->delta / now->seconds;

				if (!again->known || count->delta != before->lost || !before->lost ||
				    strcmp(again->name, count->name) != 0 || rate <= most)
					continue;
				most = rate;
				*ret_name = count->name;
			}
	}
	return most;
}

static enum verify_answer by_rates(double before, double now)
{
	if (now <= before * STOPPED_SHARE)
		return VERIFY_STOPPED;
	if (now < before * (1 - SAME_LOSS))
		return VERIFY_FELL;
	return now > before * (1 + SAME_LOSS) ? VERIFY_GREW : VERIFY_SAME;
}

void verify_loss(const struct measure *before, const struct measure *now,
		 const struct measured_loss *loss, struct verify_result *ret)
{
	struct verify_result v = {.before = loss};
	double counted;
	bool told = false;

	v.packets_before = packets_of(before, loss);
	v.packets_now = packets_of(now, loss);
	v.lost_before = loss->losing ? (double)loss->lost / before->seconds : 0;
	vec_each(l, &now->losses)
		if (*l->cause && is_same_loss(l, loss)) {
			told = true;
			v.lost_now += l->losing ? (double)l->lost / now->seconds : 0;
		}
	counted = still_counted(now, loss, &v.counter);
	if (counted > v.lost_now)
		v.lost_now = counted;
	else
		v.counter = NULL;
	if (v.lost_before > 0)
		v.answer = by_rates(v.lost_before, v.lost_now);
	else
		v.answer = v.lost_now > 0 ? VERIFY_GREW : told ? VERIFY_SAME : VERIFY_STOPPED;
	if ((v.packets_now < v.packets_before * (1 - SAME_TRAFFIC) && v.answer != VERIFY_GREW) ||
	    (v.packets_now > v.packets_before * (1 + SAME_TRAFFIC) && v.answer != VERIFY_STOPPED))
		v.answer = VERIFY_NOT_COMPARABLE;
	*ret = v;
}

bool verify_is_worse(const struct measure *before, const struct measure *now,
		     const struct measured_loss *loss_now, double *ret_before, double *ret_now)
{
	double was = 0, is = (double)loss_now->lost / now->seconds;
	double packets_was = packets_of(before, loss_now), packets_is = packets_of(now, loss_now);

	if (!loss_now->losing || !loss_now->grave || loss_now->lost < WORSE_PACKETS)
		return false;
	vec_each(loss, &before->losses)
		if (is_same_loss(loss, loss_now))
			was += (double)loss->lost / before->seconds;
	/* Of more packets more are lost: the share is what must have grown as well. */
	if (is <= was * (1 + SAME_LOSS) || is * packets_was <= was * packets_is * (1 + SAME_LOSS))
		return false;
	*ret_before = was;
	*ret_now = is;
	return true;
}

const char *verify_answer_name(enum verify_answer a)
{
	static const char *const names[] = {
		[VERIFY_STOPPED] = "stopped",
		[VERIFY_FELL] = "fell",
		[VERIFY_SAME] = "useless",
		[VERIFY_GREW] = "grew",
		[VERIFY_NOT_COMPARABLE] = "not-comparable",
	};

	return names[a];
}
