/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each kind of trouble is called: one function, found by the table in capture.c. */
#ifndef WHYDROP_CAPTURE_TELL_H
#define WHYDROP_CAPTURE_TELL_H

#include "causes/capture_host.h"

#define LOSS_SHARE 0.01 /* as for a host's own: 1 % and at least 10 */
#define LOSS_LEAST 10

/* All troubles of one kind. */
struct group {
	const struct analysis *a;
	const struct trouble *worst; /* of those that are told apart, the one with the most connections */
	uint64_t flows, amount, of, servers, detail[4];
	int64_t ns_min, ns_max, ns_sum, ns_survived;
	bool others; /* one stands for all that were too many: `servers` is the least */
};

struct words {
	char s[96];
};

/* "10.0.0.1:80 and 3 more" */
struct words where(const struct group *g);
struct words seconds(int64_t ns);
const char *side(const struct group *g);

#define N(n) ((unsigned long long)(n))
#define S(n) ((n) == 1 ? "" : "s")

void tell_syn_silent(const struct group *g, struct finding *f);
void tell_syn_flood(const struct group *g, struct finding *f);
void tell_syn_paws(const struct group *g, struct finding *f);
void tell_syn_timewait(const struct group *g, struct finding *f);
void tell_syn_selective(const struct group *g, struct finding *f);
void tell_syn_queue(const struct group *g, struct finding *f);
void tell_syn_late(const struct group *g, struct finding *f);
void tell_syn_bare(const struct group *g, struct finding *f);
void tell_syn_lone(const struct group *g, struct finding *f);
void tell_syn_refused(const struct group *g, struct finding *f);
void tell_icmp(const struct group *g, struct finding *f);
void tell_synack_silent(const struct group *g, struct finding *f);
void tell_accept_full(const struct group *g, struct finding *f);
void tell_loss(const struct group *g, struct finding *f);
void tell_died(const struct group *g, struct finding *f);
void tell_mtu(const struct group *g, struct finding *f);
void tell_zero_window(const struct group *g, struct finding *f);
void tell_id_loss(const struct group *g, struct finding *f);
void tell_window(const struct group *g, struct finding *f);
void tell_corrupt(const struct group *g, struct finding *f);
void tell_rtp_loss(const struct group *g, struct finding *f);
void tell_udp_late(const struct group *g, struct finding *f);
void tell_udp_partly(const struct group *g, struct finding *f);
void tell_fragments(const struct group *g, struct finding *f);
void tell_spurious(const struct group *g, struct finding *f);
void tell_reordered(const struct group *g, struct finding *f);
void tell_duplicated(const struct group *g, struct finding *f);
void tell_gap(const struct group *g, struct finding *f);
void tell_one_way(const struct group *g, struct finding *f);
void tell_reset_idle(const struct group *g, struct finding *f);
void tell_silent_idle(const struct group *g, struct finding *f);
void tell_reset_forged(const struct group *g, struct finding *f);
void tell_reset_keepalive(const struct group *g, struct finding *f);
void tell_reset_abort(const struct group *g, struct finding *f);
void tell_direction(const struct group *g, struct finding *f);
void tell_two_ways(const struct group *g, struct finding *f);
void tell_reset_injected(const struct group *g, struct finding *f);
void tell_reset_unknown(const struct group *g, struct finding *f);
void tell_reset_closed(const struct group *g, struct finding *f);
void tell_close_wait(const struct group *g, struct finding *f);
void tell_fin_silent(const struct group *g, struct finding *f);
void tell_udp_silent(const struct group *g, struct finding *f);
void tell_udp_refused(const struct group *g, struct finding *f);
void tell_udp_loss(const struct group *g, struct finding *f);
void tell_flags(const struct group *g, struct finding *f);

#endif
