// SPDX-License-Identifier: GPL-2.0-or-later
/* Schema whydrop.pcap/1. */
#include <netinet/in.h>
#include <time.h>

#include "render/capture.h"
#include "render/json_finding.h"
#include "render/json_set.h"

static json_t *time_json(int64_t ns)
{
	struct timespec t = {.tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC};

	return render_time_json(&t);
}

static json_t *file_json(const struct capture_view *v)
{
	const struct reader_sum *f = v->file;
	const struct capture_sum *s = &v->a->sum;
	json_t *j = json_object(), *damaged = json_array();

	set_text(j, "name", v->name);
	set_text(j, "format", f->format);
	set_text(j, "compressed", f->packed);
	set_text(j, "filter", v->filter);
	set_text(j, "note", v->note);
	set(j, "filtered_out", number(v->filtered));
	set(j, "packets", number(f->packets));
	set(j, "bytes", number(f->bytes));
	set(j, "interfaces", number(f->interfaces));
	set(j, "missed_by_capture", number_if(f->drops_known, f->drops));
	set(j, "first_at", s->packets ? time_json(s->first_ns) : json_null());
	set(j, "seconds", real((double)(s->last_ns - s->first_ns) / 1e9, 1e-6));
	for (size_t i = 0; i < MIN(f->problems, (uint64_t)PROBLEMS_TOLD); i++) {
		json_t *one = json_object();

		set(one, "offset", number(f->problem[i].offset));
		set_text(one, "what", f->problem[i].what);
		json_array_append_new(damaged, one);
	}
	set(j, "damaged_n", number(f->problems));
	set(j, "damaged", damaged);
	return j;
}

static json_t *packets_json(const struct capture_sum *s)
{
	json_t *j = json_object();

	set(j, "tcp", number(s->tcp));
	set(j, "udp", number(s->udp));
	set(j, "icmp_errors", number(s->icmp_errors));
	set(j, "other_ip", number(s->other_ip));
	set(j, "not_ip", number(s->not_ip));
	set(j, "unknown_link_type", number(s->unknown_link));
	set(j, "cut", number(s->cut));
	set(j, "fragments", number(s->fragments));
	set(j, "tunnelled", number(s->tunnelled));
	set(j, "clock_went_back", number(s->backwards));
	return j;
}

static json_t *kinds_json(const uint64_t again[AGAIN_N], uint64_t sum)
{
	static const char *const names[AGAIN_N] = {"syn", "fast", "tlp", "rto", "after_rto", "lost_again",
						   "unknown"};
	json_t *j = json_object();

	set(j, "sum", number(sum));
	for (int i = 0; i < AGAIN_N; i++)
		set(j, names[i], number(again[i]));
	return j;
}

static json_t *again_json(const uint64_t again[AGAIN_N], uint64_t sum, uint64_t spurious)
{
	json_t *j = kinds_json(again, sum);

	set(j, "needless", number(spurious));
	return j;
}

static json_t *tcp_json(const struct capture_sum *s, const uint64_t *checksums)
{
	json_t *j = json_object(), *wait = json_object(), *sums = json_object();
	uint64_t sent_again[2] = {0};

	set(j, "connections", number(s->tcp_flows + s->lone_syns));
	set(j, "opened", number(s->opened));
	set(j, "under_way", number(s->midstream));
	set(j, "single_syns", number(s->lone_syns));
	set(j, "closed", number(s->closed));
	set(wait, "client", number(s->time_wait[0]));
	set(wait, "server", number(s->time_wait[1]));
	set(j, "time_wait", wait);
	set(j, "segments", number(s->segments));
	set(j, "retransmitted", again_json(s->again, s->again_sum, s->spurious));
	for (int i = 0; i < AGAIN_N; i++)
		for (int server = 0; server < 2; server++)
			sent_again[server] += s->again_of[server][i];
	set(j, "retransmitted_by_clients", kinds_json(s->again_of[0], sent_again[0]));
	set(j, "retransmitted_by_servers", kinds_json(s->again_of[1], sent_again[1]));
	set(j, "lost_before_capture", number(s->late));
	set(j, "reordered", number(s->reordered));
	set(j, "duplicated", number(s->duplicates));
	set(j, "missed_by_capture", number(s->gaps));
	set(j, "duplicate_acks", number(s->dup_acks));
	set(j, "zero_windows", number(s->zeros));
	set(j, "given_up", number(s->evicted + s->untracked));
	set(sums, "right", number(checksums[CHECKSUM_RIGHT]));
	set(sums, "left_to_device", number(checksums[CHECKSUM_LEFT_OUT]));
	set(sums, "wrong", number(checksums[CHECKSUM_WRONG]));
	set(sums, "not_whole", number(checksums[CHECKSUM_UNKNOWN]));
	set(j, "checksums_examined", sums);
	return j;
}

/* Shares of the time in per cent; null: too little was seen. */
static json_t *limited_json(const struct half *h)
{
	static const char *const names[HELD_N] = {"program", "receiver_window", "network"};
	unsigned int percent[HELD_N];
	json_t *j;

	if (!tcp_limited_percent(h, percent))
		return json_null();
	j = json_object();
	for (int i = 0; i < HELD_N; i++)
		set(j, names[i], number(percent[i]));
	return j;
}

static void tcp_half_json(json_t *j, const struct half *h, const struct half *peer)
{
	double ceiling = tcp_ceiling_mbit(h, peer);

	set(j, "stalled_by_zero_window_ms", real((double)h->stall_ns / 1e6, 1e-3));
	set(j, "duplicate_acks", number(h->dup_acks));
	set(j, "duplicate_ack_run", number(h->dup_run_max));
	set(j, "d_sacks", number(h->dsacks));
	set(j, "packets_lost_before_capture", number(tcp_ids_lost(h)));
	set(j, "damaged", number(h->corrupt));
	set(j, "held_up_by", limited_json(h));
	set(j, "window_allows_mbit", ceiling ? real(ceiling, 1e-3) : json_null());
}

static void udp_half_json(json_t *j, const struct half *h)
{
	json_t *rtp = json_object();

	set(j, "requests", number(h->udp.asked));
	set(j, "answered", number(h->udp.answered));
	set(j, "answered_late", number(h->udp.late));
	set(rtp, "ssrc", number(h->udp.ssrc));
	set(rtp, "payload_type", number(h->udp.type));
	set(rtp, "packets", number(h->udp.rtp_of));
	set(rtp, "lost", number(h->udp.rtp_lost));
	set(rtp, "jitter_ms", real((double)h->udp.jitter_ns / 1e6, 1e-3));
	set(j, "rtp", h->udp.rtp_of ? rtp : json_null());
	if (!h->udp.rtp_of)
		json_decref(rtp);
}

static json_t *half_json(const struct flow *f, uint8_t end)
{
	const struct half *h = &f->half[end];
	uint64_t again[AGAIN_N];
	json_t *j = json_object();

	for (int i = 0; i < AGAIN_N; i++)
		again[i] = h->again[i];
	set(j, "end", endpoint_json(f->key.family, f->key.address[end], f->key.port[end]));
	set(j, "packets", number(h->packets));
	set(j, "segments", number(h->segments));
	set(j, "bytes", number(h->bytes));
	set(j, "retransmitted", again_json(again, h->again_sum, MIN(h->again_sum, h->spurious)));
	set(j, "lost_before_capture", number(h->late));
	set(j, "reordered", number(h->reordered));
	set(j, "duplicated", number(h->duplicates));
	set(j, "missed_by_capture", number(h->gaps));
	set(j, "rtt_ms", h->srtt_ns ? real((double)h->srtt_ns / 1e6, 1e-3) : json_null());
	set(j, "zero_windows", number(h->zeros));
	set(j, "zero_window_ms", real((double)h->zero_sum_ns / 1e6, 1e-3));
	set(j, "window_probes", number(h->probes));
	set(j, "keepalives", number(h->keepalives));
	if (f->key.protocol == IPPROTO_TCP)
		tcp_half_json(j, h, &f->half[!end]);
	else
		udp_half_json(j, h);
	return j;
}

static json_t *flow_json(const struct flow *f)
{
	bool tcp = f->key.protocol == IPPROTO_TCP;
	json_t *j = json_object();

	set(j, "flow", number(f->number));
	set_text(j, "protocol", tcp ? "tcp" : "udp");
	set(j, "first_packet", number(f->first_packet));
	set(j, "last_packet", number(f->last_packet));
	set(j, "seconds", real((double)(f->last_ns - f->first_ns) / 1e9, 1e-6));
	set(j, "client", half_json(f, f->client));
	set(j, "server", half_json(f, !f->client));
	set(j, "opened", json_boolean(f->bits & FLOW_ESTABLISHED));
	set_text(j, "closed_first", f->closer == 2 ? NULL : f->closer == f->client ? "client" : "server");
	set_text(j, "reset_by", !(f->bits & FLOW_RESET) ? NULL : f->reset.by == f->client ? "client" : "server");
	set(j, "reset_packet", f->bits & FLOW_RESET ? number(f->reset.packet) : json_null());
	return j;
}

static json_t *troubles_json(const struct analysis *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < MIN(a->troubles_n, (size_t)1000); i++) {
		const struct trouble *t = &a->troubles[i];
		json_t *j = json_object(), *packets = json_array();

		set_text(j, "kind", trouble_name(t->kind));
		set(j, "server", t->server.family ? endpoint_json(t->server.family, t->server.address,
								    t->server.port) : json_null());
		set_text(j, "side", t->at_client ? "client" : "server");
		set(j, "flows", number(t->flows));
		set(j, "amount", number(t->amount));
		set(j, "flow", number(t->flow));
		if (t->packet)
			json_array_append_new(packets, number(t->packet));
		if (t->packet_2 && t->packet_2 != t->packet)
			json_array_append_new(packets, number(t->packet_2));
		set(j, "packets", packets);
		set(j, "longest_ms", t->ns_max ? real((double)t->ns_max / 1e6, 1e-3) : json_null());
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *host_json(const struct capture_view *v)
{
	json_t *j, *findings = json_array();
	int64_t joined = 0;

	if (!v->host) {
		json_decref(findings);
		return json_null();
	}
	j = json_object();
	vec_each (f, &v->d->findings)
		joined += f->capture != NULL;
	vec_each (f, &v->host->findings)
		json_array_append_new(findings, finding_json(v->host, f));
	set_text(j, "verdict", verdict_name(v->host->verdict));
	set(j, "joined", json_integer(joined));
	set(j, "findings", findings);
	return j;
}

json_t *render_capture_json(const struct capture_view *v)
{
	json_t *j = json_object(), *findings = json_array(), *flows = json_array();

	set_text(j, "schema", "whydrop.pcap/1");
	set_text(j, "version", v->version);
	set(j, "capture", file_json(v));
	set_text(j, "verdict", v->d->verdict == HEALTHY ? "healthy" : "wrong");
	vec_each (f, &v->d->findings)
		json_array_append_new(findings, finding_json(v->d, f));
	set(j, "findings", findings);
	set(j, "host", host_json(v));
	set(j, "troubles", troubles_json(v->a));
	set(j, "packets", packets_json(&v->a->sum));
	set(j, "tcp", tcp_json(&v->a->sum, v->a->flows.checksums));
	for (size_t i = 0; i < v->a->top_n; i++)
		json_array_append_new(flows, flow_json(&v->a->top[i]));
	set(j, "flows", flows);
	return j;
}
