// SPDX-License-Identifier: GPL-2.0-or-later
/* What is wrong with a connection that is over. */
#include "capture/analysis_parts.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define SIZE_OF_ALL_WAYS 576 /* bytes; RFC 791 */

void trouble_silence(struct trouble *t, int64_t ns)
{
	t->ns_min = t->ns_min ? MIN(t->ns_min, ns) : ns;
	t->ns_max = MAX(t->ns_max, ns);
	t->ns_sum += ns;
}

struct trouble *trouble_of(struct analysis *a, const struct flow *f, enum trouble_kind kind,
			   bool at_client, uint64_t packet)
{
	struct trouble *t = analysis_trouble(a, kind, &f->key, f->client, at_client);

	if (!t->flow) {
		t->flow = f->number;
		t->packet = packet;
		t->first_ns = f->first_ns;
	}
	t->last_ns = MAX(t->last_ns, f->last_ns);
	return t;
}

/* ---- the beginning ---- */

static enum trouble_kind kind_of_silence(struct analysis *a, const struct flow *f)
{
	if (f->bits & FLOW_CHALLENGED)
		return TROUBLE_SYN_TIMEWAIT;
	if (f->syns == 1)
		return TROUBLE_SYN_LONE;
	return syns_refuse_old(a, f) ? TROUBLE_SYN_PAWS : TROUBLE_SYN_SILENT;
}

static bool never_opened(struct analysis *a, const struct flow *f, struct server *s)
{
	struct trouble *t;

	if (!f->syns || f->synacks || (f->bits & FLOW_ANSWER_UNSEEN))
		return false;
	if ((f->bits & FLOW_RESET) && f->reset.by != f->client) {
		s->refused++;
		trouble_of(a, f, TROUBLE_SYN_REFUSED, false, f->first_packet)->packet_2 = f->reset.packet;
		return true;
	}
	if (f->icmp_packet) {
		t = trouble_of(a, f, TROUBLE_SYN_ICMP, false, f->first_packet);
		t->packet_2 = f->icmp_packet;
		t->detail[0] = f->icmp_type;
		t->detail[1] = f->icmp_code;
		return true;
	}
	/* To each SYN a connection in TIME_WAIT gave its last ACK again (RFC 7323, 5.3): no answer. */
	if (f->half[!f->client].packets && !((f->bits & FLOW_CHALLENGED) && f->syns > 1))
		return false;
	s->silent++;
	t = trouble_of(a, f, kind_of_silence(a, f), false, f->first_packet);
	t->amount += f->syns;
	/* A second SYN may be lost by chance; who gets none of three through, while others do, is meant. */
	t->detail[0] += !!(f->bits & FLOW_SYN_OTHER_HOST);
	t->detail[1] += f->syns > 2 && (f->bits & FLOW_SYN_OTHERS) && !(f->bits & FLOW_SYN_NOBODY);
	t->detail[2] += !(f->bits & FLOW_SYN_OTHERS);
	t->detail[3] += !!(f->bits & FLOW_SYN_SOURCE);
	t->packet_2 = f->last_packet;
	trouble_silence(t, f->last_ns - f->first_ns);
	return true;
}

static void opening(struct analysis *a, const struct flow *f)
{
	struct trouble *t;

	if (f->synacks > 1 && !f->opened_ns && !(f->bits & FLOW_RESET)) {
		t = trouble_of(a, f, TROUBLE_SYNACK_SILENT, true, f->synack_packet);
		t->amount += f->synacks;
		t->detail[0] += f->syns > 1;
	}
	if ((f->bits & FLOW_CHALLENGED) && f->synack_ns) {
		t = trouble_of(a, f, TROUBLE_SYN_LATE, false, f->first_packet);
		t->amount++;
		t->packet_2 = f->synack_packet;
		trouble_silence(t, f->synack_ns - f->syn_ns);
	}
	if (f->late_synacks) {
		t = trouble_of(a, f, TROUBLE_ACCEPT_FULL, false, f->open_packet);
		t->amount += f->late_synacks;
		t->packet_2 = f->synack_packet;
	}
}

/* ---- data ---- */

static void losses(struct analysis *a, const struct flow *f, uint8_t end, struct server *s)
{
	const struct half *h = &f->half[end];
	uint64_t n = (uint64_t)h->again_sum + h->late;
	bool at_client = end == f->client;
	struct trouble *t;

	s->segments += h->segments;
	s->sent[!at_client] += h->segments;
	s->again += n;
	s->bytes += h->bytes;
	if (n) {
		t = trouble_of(a, f, TROUBLE_LOSS, at_client, h->first_again);
		t->amount += n - MIN(n, h->spurious);
		t->detail[0] += h->again[AGAIN_FAST] + h->again[AGAIN_LOST] +
				h->again[AGAIN_RTO_RECOVERY];
		t->detail[1] += h->again[AGAIN_TLP];
		t->detail[2] += h->again[AGAIN_RTO];
		t->detail[3] += h->late;
	}
	if (MIN(h->again_sum, h->spurious)) {
		t = trouble_of(a, f, TROUBLE_SPURIOUS, at_client, h->first_again);
		t->amount += MIN(h->again_sum, h->spurious);
		t->of += h->again_sum;
	}
	if (h->reordered) {
		t = trouble_of(a, f, TROUBLE_REORDERED, at_client, h->first_reordered);
		t->amount += h->reordered;
		t->of += h->segments;
	}
	if (h->duplicates) {
		t = trouble_of(a, f, TROUBLE_DUPLICATED, at_client, h->first_duplicate);
		t->amount += h->duplicates;
		t->detail[0] += !!(f->bits & FLOW_FORWARDED);
		t->of += h->segments;
	}
	if (h->gaps) {
		t = trouble_of(a, f, TROUBLE_GAP, at_client, h->first_gap);
		t->amount += h->gaps;
		t->of += h->segments;
	}
}

static void zero_window(struct analysis *a, const struct flow *f, uint8_t end)
{
	const struct half *h = &f->half[end];
	int64_t sum = h->zero_sum_ns, longest = h->zero_max_ns;
	struct trouble *t;

	if (!h->zeros)
		return;
	if (h->bits & HALF_ZERO) {
		sum += f->last_ns - h->zero_ns;
		longest = MAX(longest, f->last_ns - h->zero_ns);
	}
	t = trouble_of(a, f, TROUBLE_ZERO_WINDOW, end == f->client, h->first_zero);
	t->amount += h->zeros;
	t->detail[0] += f->half[!end].probes;
	t->detail[1] += h->bits & HALF_ZERO ? 1 : 0;
	t->ns_sum += sum;
	t->ns_max = MAX(t->ns_max, longest);
}

/* ICMP 3/4, ICMPv6 2 */
static bool too_big(const struct flow *f)
{
	return f->icmp_packet && (f->key.family == AF_INET ? f->icmp_type == 3 && f->icmp_code == 4
							   : f->icmp_type == 2);
}

/*
 * Of a balancer that forwards one direction only (direct server return) a lost session breaks that one:
 * new data of the other side goes on to come, and acknowledges nothing new.
 */
static bool direction_stops(const struct half *h, const struct half *peer)
{
	int64_t pause_ns = h->track ? h->track->stuck_gap_ns : 0;

	return (h->bits & HALF_STUCK_HEARD) && pause_ns && peer->sent_ns > h->sent_ns - pause_ns;
}

/* Sent again and again, and not acknowledged: too large for the way, or nobody is there. */
static void stuck(struct analysis *a, const struct flow *f, uint8_t end)
{
	const struct half *h = &f->half[end];
	bool shrunk = h->bits & HALF_SHRUNK, open = h->stuck_n && h->stuck_seq == h->una;
	struct trouble *t;

	if (!shrunk && (!open || h->stuck_n < STUCK_TIMES))
		return;
	if (shrunk || (h->acked_size && h->stuck_size > h->acked_size && h->stuck_size > SIZE_OF_ALL_WAYS &&
		       !(h->bits & (HALF_SACKED | HALF_STEADY)) &&
		       (f->bits & (FLOW_ESTABLISHED | FLOW_MIDSTREAM)))) {
		t = trouble_of(a, f, TROUBLE_MTU, end == f->client, h->first_again);
		t->detail[0] = h->stuck_size;
		t->detail[1] = shrunk ? h->last_size : h->acked_size;
		t->detail[2] = too_big(f) ? f->icmp_mtu : 0;
		t->detail[3] |= shrunk ? MTU_SHRUNK : h->bits & HALF_STUCK_HEARD ? MTU_HEARD : 0;
		t->of = (uint64_t)f->half[f->client].mss << 16 | f->half[!f->client].mss;
	} else if (direction_stops(h, &f->half[!end])) {
		t = trouble_of(a, f, TROUBLE_DIRECTION, end == f->client, h->first_again);
		trouble_silence(t, f->last_ns - h->acked_ns);
	} else {
		t = trouble_of(a, f, TROUBLE_DIED, end == f->client, h->first_again);
		t->detail[0] += h->bits & HALF_STUCK_HEARD ? 1 : 0;
		trouble_silence(t, f->last_ns - f->half[!end].last_ns);
	}
	t->amount += h->stuck_n;
	t->packet_2 = f->last_packet;
}

/* ---- sums ---- */

static void add_sums(struct capture_sum *to, const struct flow *f)
{
	to->tcp_flows++;
	to->opened += !!(f->bits & FLOW_ESTABLISHED);
	to->midstream += !!(f->bits & FLOW_MIDSTREAM);
	if (f->half[0].bits & f->half[1].bits & HALF_FIN) {
		to->closed++;
		to->time_wait[0] += end_holds_time_wait(f, f->client);
		to->time_wait[1] += end_holds_time_wait(f, !f->client);
	}
	for (int end = 0; end < 2; end++) {
		const struct half *h = &f->half[end];

		to->segments += h->segments;
		for (int i = 0; i < AGAIN_N; i++) {
			to->again[i] += h->again[i];
			to->again_of[end != f->client][i] += h->again[i];
		}
		to->again_sum += h->again_sum;
		to->spurious += MIN(h->again_sum, h->spurious);
		to->duplicates += h->duplicates;
		to->reordered += h->reordered;
		to->late += h->late;
		to->gaps += h->gaps;
		to->dup_acks += h->dup_acks;
		to->zeros += h->zeros;
	}
}

/* Trouble outweighs any size. */
static uint64_t score(const struct flow *f)
{
	uint64_t n = f->half[0].bytes + f->half[1].bytes, bad = 0;

	for (int end = 0; end < 2; end++)
		bad += (uint64_t)f->half[end].again_sum + f->half[end].late +
		       10 * (uint64_t)f->half[end].zeros + 10 * (uint64_t)f->half[end].stuck_n;
	bad += (f->bits & FLOW_RESET) && !f->reset.by_fin ? 10 : 0;
	return MIN(n, (1ULL << 40) - 1) + (bad << 40);
}

void analysis_keep_top(struct analysis *a, const struct flow *f)
{
	uint64_t s = score(f);
	size_t i = a->top_n;

	if (f->number == a->watched)
		a->watched_flow = *f;
	if (i == TOP_FLOWS && s <= a->top_score[TOP_FLOWS - 1])
		return;
	if (i < TOP_FLOWS)
		a->top_n++;
	else
		i--;
	for (; i && a->top_score[i - 1] < s; i--) {
		a->top[i] = a->top[i - 1];
		a->top_score[i] = a->top_score[i - 1];
	}
	a->top[i] = *f;
	a->top_score[i] = s;
}

void analysis_flow_over(void *context, struct flow *f)
{
	struct analysis *a = context;
	struct server *s;
	bool asleep;

	if (f->key.protocol == IPPROTO_UDP) {
		analysis_udp_over(a, f);
		return;
	}
	/* Without a beginning the lower port is most probably the server's. */
	if (!f->syns && !f->synacks)
		f->client = f->key.port[0] < f->key.port[1];
	s = analysis_server(a, &f->key, !f->client);
	s->flows++;
	s->opened += !!(f->bits & FLOW_ESTABLISHED);
	s->resets += (f->bits & FLOW_RESET) && !f->reset.early;
	if (f->half[f->client].srtt_ns) {
		s->rtt_sum_ns += f->half[f->client].srtt_ns;
		s->rtt_n++;
	}
	add_sums(&a->sum, f);
	analysis_keep_top(a, f);
	if (f->syns == 1 && f->synacks == 1 && f->opened_ns) {
		s->to_server_ns += f->synack_ns - f->syn_ns;
		s->to_client_ns += f->opened_ns - f->synack_ns;
		s->ways_n++;
	}
	if (never_opened(a, f, s))
		return;
	if (f->synacks && !f->opened_ns && syns_flooded(a, f))
		return;
	opening(a, f);
	asleep = end_asleep(a, f);
	for (uint8_t end = 0; end < 2; end++) {
		losses(a, f, end, s);
		zero_window(a, f, end);
		analysis_windows(a, f, end);
		if (!asleep)
			stuck(a, f, end);
	}
	end_judge(a, f);
}

void analysis_syn_over(void *context, const struct lone_syn *h)
{
	struct analysis *a = context;
	struct server *s = analysis_server(a, &h->key, !h->from);
	struct trouble *t;

	a->sum.lone_syns++;
	s->flows++;
	/* The capture ended before anybody could answer, or ask again. */
	if (a->ending && a->sum.last_ns - h->at_ns < ANSWER_NS)
		return;
	a->sum.untracked += !a->ending;
	s->silent++;
	t = analysis_trouble(a, TROUBLE_SYN_LONE, &h->key, h->from, false);
	if (!t->flow) {
		t->flow = h->number;
		t->packet = h->packet;
		t->first_ns = h->at_ns;
	}
	t->amount++;
	t->packet_2 = h->packet;
	t->last_ns = MAX(t->last_ns, h->at_ns);
}

const char *trouble_name(enum trouble_kind k)
{
	static const char *const names[TROUBLE_N] = {
		[TROUBLE_SYN_FLOOD] = "syn-flood",
		[TROUBLE_SYN_PAWS] = "syn-paws",
		[TROUBLE_SYN_TIMEWAIT] = "syn-timewait",
		[TROUBLE_SYN_SELECTIVE] = "syn-selective",
		[TROUBLE_SYN_QUEUE] = "syn-queue",
		[TROUBLE_SYN_LATE] = "syn-late",
		[TROUBLE_SYN_BARE] = "syn-bare",
		[TROUBLE_SYN_SILENT] = "syn-silent",
		[TROUBLE_SYN_LONE] = "syn-lone",
		[TROUBLE_SYN_REFUSED] = "syn-refused",
		[TROUBLE_SYN_ICMP] = "syn-icmp",
		[TROUBLE_SYNACK_SILENT] = "synack-silent",
		[TROUBLE_ACCEPT_FULL] = "accept-full",
		[TROUBLE_MTU] = "mtu",
		[TROUBLE_DIED] = "died",
		[TROUBLE_LOSS] = "loss",
		[TROUBLE_ZERO_WINDOW] = "zero-window",
		[TROUBLE_RESET_IDLE] = "reset-idle",
		[TROUBLE_SILENT_IDLE] = "silent-idle",
		[TROUBLE_RESET_FORGED] = "reset-forged",
		[TROUBLE_RESET_KEEPALIVE] = "reset-keepalive",
		[TROUBLE_RESET_ABORT] = "reset-abort",
		[TROUBLE_UDP_SILENT] = "udp-silent",
		[TROUBLE_UDP_REFUSED] = "udp-refused",
		[TROUBLE_UDP_LOSS] = "udp-loss",
		[TROUBLE_ICMP] = "icmp",
		[TROUBLE_FLAGS] = "flags",
		[TROUBLE_SPURIOUS] = "spurious",
		[TROUBLE_REORDERED] = "reordered",
		[TROUBLE_DUPLICATED] = "duplicated",
		[TROUBLE_GAP] = "gap",
		[TROUBLE_ONE_WAY] = "one-way",
		[TROUBLE_ID_LOSS] = "id-loss",
		[TROUBLE_WINDOW] = "window",
		[TROUBLE_CORRUPT] = "corrupt",
		[TROUBLE_RTP_LOSS] = "rtp-loss",
		[TROUBLE_UDP_LATE] = "udp-late",
		[TROUBLE_UDP_PARTLY] = "udp-partly",
		[TROUBLE_FRAGMENTS] = "fragments",
		[TROUBLE_RESET_INJECTED] = "reset-injected",
		[TROUBLE_RESET_UNKNOWN] = "reset-unknown",
		[TROUBLE_RESET_CLOSED] = "reset-closed",
		[TROUBLE_CLOSE_WAIT] = "close-wait",
		[TROUBLE_FIN_SILENT] = "fin-silent",
		[TROUBLE_DIRECTION] = "direction",
		[TROUBLE_TWO_WAYS] = "two-ways",
	};

	return names[k];
}
