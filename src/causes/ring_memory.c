// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage ring: no memory for what a card receives. Drivers ask for it where they cannot wait
 * (GFP_ATOMIC), so that free memory counts and not what could be freed.
 */
#include <stdio.h>

#include "causes/cards.h"
#include "causes/enter.h"
#include "causes/stages.h"

#define RESERVE_PERCENT 1 /* causes.md 1.11: of the memory, and at most 5 */
#define RESERVE_AT_MOST_PERCENT 5

static const char *const reserve_reasons[] = {"PFMEMALLOC", NULL};
static const struct drop_filter reserve_drops = {.reasons = reserve_reasons};

/* What one card lost, and how often it only got no new buffer. */
struct shortage {
	const struct link *link;
	struct card_sum lost, refill;
};

static void shortage_done(struct shortage *s)
{
	card_sum_done(&s->lost);
	card_sum_done(&s->refill);
}

static void add_card(struct exam *x, struct finding *f, const struct shortage *s)
{
	struct subject *subject = finding_subject(f);

	memcpy(subject->device, s->link->name, sizeof(subject->device));
	subject->has_lost = s->lost.lost > 0;
	subject->lost = s->lost.lost;
	card_evidence(x, f, &s->lost);
	card_evidence(x, f, &s->refill);
}

static void keep_more_free(struct exam *x, struct finding *f)
{
	uint64_t total = x->o->b.counter[C_MEM_TOTAL];
	struct remedy *r;
	int64_t now, to;

	if (!x->o->b.counter_present[C_MEM_TOTAL] || !sysctl_get(&x->o->b, K_MIN_FREE_KBYTES, &now))
		return;
	to = (int64_t)(total * RESERVE_PERCENT / 100);
	if (to <= now)
		to = MIN(now * 2, (int64_t)(total * RESERVE_AT_MOST_PERCENT / 100));
	if (to <= now)
		return;
	r = finding_remedy(f, "keep-more-free", REMEDY_SYSCTL,
			   "keep more memory free: vm.min_free_kbytes %lld -> %lld", (long long)now,
			   (long long)to);
	remedy_why(r, "a card's driver cannot wait until memory is freed; 1 %% of the memory is a "
		      "usual reserve");
	remedy_cost(r, "%lld MiB that programs do not get", (long long)(to - now) / 1024);
	remedy_risk(r, "a machine that is short of memory already may have to kill a process");
	remedy_sysctl(r, "vm.min_free_kbytes", now, to);
}

static void memory_remedies(struct exam *x, struct finding *f)
{
	struct remedy *r;

	keep_more_free(x, f);
	r = finding_remedy(f, "more-memory", REMEDY_CAPACITY,
			   "find who uses the memory; smaller frames (MTU) and shorter rings ask for "
			   "less");
	remedy_why(r, "the buffers of a ring are asked for one by one, large ones for large frames");
	remedy_command(r, "ps -eo rss,pid,comm --sort=-rss | head");
	remedy_command(r, "cat /proc/buddyinfo    (large pieces stand on the right)");
}

static void memory_evidence(struct exam *x, struct finding *f)
{
	const struct snapshot *b = &x->o->b;

	if (b->counter_present[C_MEM_FREE] && b->counter_present[C_MEM_TOTAL])
		evidence_text(f, x, "/proc/meminfo: %llu of %llu MiB free",
			      (unsigned long long)b->counter[C_MEM_FREE] / 1024,
			      (unsigned long long)b->counter[C_MEM_TOTAL] / 1024);
	evidence_log(f, x, KERNEL_LOG_PAGE_ALLOCATION);
}

static bool log_says_so(const struct observation *o)
{
	return kernel_log_last(&o->b, KERNEL_LOG_PAGE_ALLOCATION, kernel_log_end(&o->a)) &&
	       !o->since_boot;
}

static bool overflowed(const struct exam *x, const struct finding *f)
{
	const struct finding *ring = finding_here(x, "ring-rx-overflow");

	vec_each (s, &f->subjects)
		if (names_device(ring, s->device))
			return true;
	return false;
}

static void say(struct exam *x, struct finding *f, uint64_t refills)
{
	const char *device = f->subjects.n ? f->subjects.items[0].device : "a socket";

	if (f->lost)
		finding_headline(f, "no memory for what %s receives", device);
	else
		finding_headline(f, "the receive ring of %s was not filled again", device);
	finding_text(f, "%s",
		     f->lost ? "Packets were thrown away because the kernel had no free page for "
			       "them at that moment."
			     : "There was no free page for a new buffer. Nothing is lost by that "
			       "alone: the driver asks again, and only a ring that runs empty "
			       "meanwhile overflows (ring-rx-overflow).");
	if (refills && f->lost)
		finding_exclude(f, "buffers of the ring that were got late (%llu): no packets",
				(unsigned long long)refills);
	memory_evidence(x, f);
	memory_remedies(x, f);
}

/* Of cards, and what only the reserve could have held (sk_filter_trim_cap(): PFMEMALLOC). */
enum outcome examine_ring_rx_alloc_fail(struct exam *x)
{
	struct change reserve = delta_counter(x->o, C_PF_MEMALLOC_DROP);
	uint64_t lost = delta_value(reserve), refills = 0, passed = 0, traced;
	struct finding *f = NULL;

	vec_each (link, &x->o->b.links) {
		struct shortage s = {.link = link};

		if (!is_card(link))
			continue;
		card_sum(x->o, link, 1U << NIC_ALLOC, &s.lost);
		card_sum(x->o, link, 1U << NIC_REFILL, &s.refill);
		if (s.lost.lost || s.refill.lost) {
			f = f ? f : finding_new(x);
			add_card(x, f, &s);
			lost += s.lost.lost;
			refills += s.refill.lost;
			passed += delta_value(delta_link(x->o, link, C_LINK_RX_PACKETS));
		}
		shortage_done(&s);
	}
	traced = ledger_claim(x->ledger, &reserve_drops, UINT64_MAX);
	lost = MAX(lost, traced);
	if (!f && !lost) {
		evidence_text(NULL, x, "no card and no driver counts a buffer it did not get");
		evidence_change(NULL, x, source_rows[SRC_NETSTAT].name,
				counter_rows[C_PF_MEMALLOC_DROP].name, reserve);
		return NOT_FOUND;
	}
	f = f ? f : finding_new(x);
	finding_lost(f, &lost, tracing(x) && traced ? &traced : NULL, passed ? passed + lost : 0);
	if (!lost && !x->o->since_boot)
		f->state = AT_RISK;
	if (lost || log_says_so(x->o) || overflowed(x, f))
		f->severity = MAX(severity_of_share(x, lost, f->of), SEVERITY_WARNING);
	/* Some drivers count other troubles with a packet there too (virtio_net). */
	f->confidence = LIKELY;
	if (reserve.delta)
		evidence_change(f, x, source_rows[SRC_NETSTAT].name,
				counter_rows[C_PF_MEMALLOC_DROP].name, reserve);
	say(x, f, refills);
	return FOUND;
}
