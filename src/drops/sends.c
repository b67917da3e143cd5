// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "drops/drops.h"
#include "drops/tracer.h"
#include "drops.skel.h"

#define LOOK_NS (100 * NSEC_PER_MSEC)
#define REST_NS (10 * NSEC_PER_SEC)
#define BUSY 200000 /* a second, on all CPUs */

static uint64_t sends_seen(const struct drop_tracer *t)
{
	cleanup(cleanup_free) uint64_t *of_cpu = xcalloc((size_t)t->cpus, sizeof(*of_cpu));
	const uint32_t zero = 0;
	uint64_t seen = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(t->skel->maps.sends_seen), &zero, of_cpu))
		return 0;
	for (int cpu = 0; cpu < t->cpus; cpu++)
		seen += of_cpu[cpu];
	return seen;
}

static bool busy(uint64_t sends, int64_t ns)
{
	return (double)sends * NSEC_PER_SEC > (double)BUSY * (double)ns;
}

int64_t drop_tracer_spare_sends(struct drop_tracer *t, int64_t now_ns)
{
	int64_t since = now_ns - t->sends.at_ns;
	uint64_t seen;

	if (t->net_dm || !t->send)
		return INT64_MAX;
	if (t->sends.due_ns && !t->send_link)
		t->sends.rested_ns += since;
	t->sends.at_ns = now_ns;
	if (now_ns < t->sends.due_ns)
		return t->sends.due_ns;
	seen = sends_seen(t);
	if (!t->send_link) {
		t->send_link = bpf_program__attach(t->send);
		t->sends.due_ns = now_ns + (t->send_link ? LOOK_NS : REST_NS);
	} else if (t->sends.due_ns && busy(seen - t->sends.seen, now_ns - t->sends.due_ns + LOOK_NS)) {
		bpf_link__destroy(t->send_link);
		t->send_link = NULL;
		t->sends.due_ns = now_ns + REST_NS;
	} else {
		t->sends.due_ns = now_ns + LOOK_NS;
	}
	t->sends.seen = seen;
	return t->sends.due_ns;
}
