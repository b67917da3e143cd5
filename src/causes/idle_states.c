// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stage napi: a CPU that sleeps deeply needs time to wake up, and the ring fills meanwhile. Advice
 * beside a ring that overflowed although its CPU had time: by itself a deep sleep loses nothing.
 */
#include <stdio.h>

#include "causes/cards.h"
#include "causes/stages.h"

#define DEEP_US 50	   /* causes.md 32: what cpupower idle-set -D 50 leaves out */
#define HAD_TIME 0.5	   /* busy for less of its time, at its worst */
#define SMALLEST_FRAME 672 /* bits on the wire of Ethernet: 64 bytes, preamble and gap */

static const struct idle_state *state_before(const struct snapshot *s, const struct idle_state *now)
{
	vec_each(i, &s->idle_states)
		if (i->cpu == now->cpu && i->number == now->number)
			return i;
	return NULL;
}

/* How often a state was entered in the sample; 0 where that is not known. */
static uint64_t entered(const struct observation *o, const struct idle_state *now, uint64_t *ret_us)
{
	const struct idle_state *old = state_before(&o->a, now);

	if (!old || now->usage < old->usage || now->time_us < old->time_us)
		return 0;
	*ret_us = now->time_us - old->time_us;
	return now->usage - old->usage;
}

/* The slowest to wake up from that a CPU slept in during the sample; NULL: none was deep. */
static const struct idle_state *deepest(const struct observation *o, int cpu)
{
	const struct idle_state *found = NULL;
	uint64_t us;

	vec_each(i, &o->b.idle_states)
		if ((int)i->cpu == cpu && !i->disabled && i->latency_us > DEEP_US &&
		    entered(o, i, &us) && (!found || i->latency_us > found->latency_us))
			found = i;
	return found;
}

/* The most packets that can come while the CPU wakes up; the speed is in Mbit/s. */
static uint64_t packets_while(const struct nic *nic, uint32_t us)
{
	return nic->speed > 0 ? (uint64_t)nic->speed * us / SMALLEST_FRAME : 0;
}

/* The CPU that serves a card slept so deeply that the ring may fill while it wakes up. */
static const struct idle_state *sleeps(const struct exam *x, const char *device, int *ret_cpu,
				       const struct nic **ret_nic)
{
	const struct link *link = snapshot_link_named(&x->o->b, device);
	const struct nic *nic = link ? snapshot_nic(&x->o->b, link->ifindex) : NULL;
	const struct idle_state *state;
	struct card_service service;

	if (!nic || !nic->rings.known || !nic->rings.rx)
		return NULL;
	card_service(x->o, link, &service);
	if (service.cpu < 0 || !service.use.known || service.use.busy >= HAD_TIME)
		return NULL;
	state = deepest(x->o, service.cpu);
	if (!state || packets_while(nic, state->latency_us) < nic->rings.rx)
		return NULL;
	*ret_cpu = service.cpu;
	*ret_nic = nic;
	return state;
}

static void add_remedies(struct exam *x, struct finding *f, const struct idle_state *state)
{
	struct remedy *r;

	r = finding_remedy(f, "no-deep-sleep", REMEDY_CAPACITY,
			   "no idle state that takes longer than %d us to wake up from", DEEP_US);
	remedy_why(r, "%s takes %u us", state->name, state->latency_us);
	remedy_command(r, "cpupower idle-set -D %d", DEEP_US);
	remedy_undo(r, "cpupower idle-set -E");
	remedy_persist(r, "tuned-adm profile network-latency");
	remedy_cost(r, "power and heat, and less turbo for CPUs that work");
	/* With these drivers "powersave" is the governor that scales, not one that stays slow. */
	if (strcmp(x->o->b.cpufreq_governor, "powersave") != 0 ||
	    strcmp(x->o->b.cpufreq_driver, "intel_pstate") == 0 ||
	    strncmp(x->o->b.cpufreq_driver, "amd-pstate", 10) == 0 ||
	    strncmp(x->o->b.cpufreq_driver, "amd_pstate", 10) == 0)
		return;
	r = finding_remedy(f, "performance-governor", REMEDY_CAPACITY,
			   "a governor that does not stay at the lowest frequency");
	remedy_why(r, "%s with powersave keeps each CPU at its slowest", x->o->b.cpufreq_driver);
	remedy_command(r, "cpupower frequency-set -g performance");
	remedy_undo(r, "cpupower frequency-set -g powersave");
	remedy_cost(r, "power and heat");
}

enum outcome examine_cstate_wakeup(struct exam *x)
{
	const struct finding *ring = finding_here(x, "ring-rx-overflow");
	const struct idle_state *state = NULL;
	const struct nic *nic = NULL;
	char device[16] = "";
	struct finding *f;
	uint64_t us = 0, n;
	int cpu = -1;

	for (size_t i = 0; ring && !x->o->since_boot && !state && i < ring->subjects.n; i++) {
		memcpy(device, ring->subjects.items[i].device, sizeof(device));
		state = sleeps(x, device, &cpu, &nic);
	}
	if (!state) {
		evidence_value(NULL, x, "/sys/devices/system/cpu", "idle states looked at",
			       x->o->b.idle_states.n);
		evidence_text(NULL, x, ring ? "no CPU with time to spare slept that deeply"
					    : "no receive ring overflowed");
		return NOT_FOUND;
	}
	f = finding_new(x);
	f->state = AT_RISK;
	f->confidence = POSSIBLE;
	n = entered(x->o, state, &us);
	memcpy(finding_subject(f)->device, device, sizeof(device));
	f->subjects.items[0].cpu = cpu;
	finding_headline(f, "CPU %d, which empties the ring of %s, takes up to %u us to wake up", cpu,
			 device, state->latency_us);
	finding_text(f, "It had time, and its ring overflowed (ring-rx-overflow). While it wakes up from a "
			"deep sleep, a burst at the speed of the link is longer than the ring.");
	evidence_text(f, x, "CPU %d was in %s %llu times, for %.0f %% of the sample", cpu, state->name,
		      (unsigned long long)n, (double)us / 1e4 / x->o->seconds);
	evidence_text(f, x, "in %u us up to %llu frames may come at %u Mbit/s; the ring holds %u",
		      state->latency_us, (unsigned long long)packets_while(nic, state->latency_us),
		      nic->speed, nic->rings.rx);
	if (x->o->b.cpufreq_governor[0])
		evidence_text(f, x, "frequency: %s, governor %s", x->o->b.cpufreq_driver,
			      x->o->b.cpufreq_governor);
	add_remedies(x, f, state);
	return FOUND;
}
