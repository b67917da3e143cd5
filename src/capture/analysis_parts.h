/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What analysis.c (packets) and analysis_judge.c (connections that are over) share. */
#ifndef WHYDROP_ANALYSIS_PARTS_H
#define WHYDROP_ANALYSIS_PARTS_H

#include "capture/analysis.h"

#define STUCK_TIMES 3 /* sent again without an answer: then nobody is there */

void analysis_flow_over(void *context, struct flow *f);
void analysis_syn_over(void *context, const struct lone_syn *h);
static inline struct endpoint endpoint_of(const struct flow_key *key, uint8_t end)
{
	struct endpoint e = {.family = key->family, .port = key->port[end]};

	memcpy(e.address, key->address[end], sizeof(e.address));
	return e;
}

static inline bool is_at(const struct endpoint *e, const struct flow_key *key, uint8_t end)
{
	return e->family == key->family && e->port == key->port[end] &&
	       memcmp(e->address, key->address[end], sizeof(e->address)) == 0;
}

/* One of that kind more; `key` and `client` tell of whom. */
struct trouble *analysis_trouble(struct analysis *a, enum trouble_kind kind,
				 const struct flow_key *key, uint8_t client, bool at_client);
/* What is known already; NULL: nothing, or it is among the others. */
struct trouble *analysis_trouble_at(struct analysis *a, enum trouble_kind kind, const struct endpoint *at);
void analysis_keep_top(struct analysis *a, const struct flow *f);
void analysis_udp_over(struct analysis *a, struct flow *f);
/* When all flows are over: servers that answered most, and not all. */
void analysis_udp_end(struct analysis *a);
/* fragments.c */
void fragments_take(struct analysis *a, const struct cap_packet *p);
void fragments_end(struct analysis *a);
/* Losses that only identifications show, damage, and windows that are too small. */
void analysis_windows(struct analysis *a, const struct flow *f, uint8_t end);
struct server *analysis_server(struct analysis *a, const struct flow_key *key, uint8_t end);
/* The same of a connection; `packet` is the first's. */
struct trouble *trouble_of(struct analysis *a, const struct flow *f, enum trouble_kind kind,
			   bool at_client, uint64_t packet);
void trouble_silence(struct trouble *t, int64_t ns);
/* syns.c. A SYN that begins a connection: the first that is seen of it. */
void syns_begun(struct analysis *a, const struct cap_packet *p);
/* Any other SYN, what opened a connection or refused it. `before_ns`: of the SYN before this one. */
void syns_packet(struct analysis *a, struct flow *f, const struct cap_packet *p, uint32_t notes,
		 int64_t before_ns);
/* Are unanswered handshakes with that server most probably those of a flood? */
bool syns_flooded(struct analysis *a, const struct flow *f);
/* Was its SYN ignored because its time stamp is behind those of others from its address? */
bool syns_refuse_old(struct analysis *a, const struct flow *f);
void syns_end(struct analysis *a);
/* analysis_end.c */
bool end_asleep(struct analysis *a, const struct flow *f);
void end_judge(struct analysis *a, const struct flow *f);

#endif
