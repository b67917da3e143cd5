// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Queueing disciplines: RTM_GETQDISC (net/sched/sch_api.c tc_fill_qdisc), statistics from
 * net/core/gen_stats.c.
 *
 * Scope: the devices of one network namespace. Units: packets and bytes. Everything in struct
 * gnet_stats_queue is 32 bits and wraps; packets are 64 bits since 5.5 (TCA_STATS_PKT64), bytes
 * always. No privilege. mq and classful qdiscs count what their children count as well: adding up
 * a device's qdiscs counts twice. Hidden ones (TCA_DUMP_INVISIBLE), the default leaves of classes,
 * are not asked for.
 */
#include "collect/netlink.h"

#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

#include "nl/nl.h"

static const struct nla_policy qdisc_policy[TCA_MAX + 1] = {
	[TCA_KIND] = {.type = NLA_STRING},
	[TCA_STATS2] = {.type = NLA_NESTED},
	/* Older kernels end struct tc_stats without its padding. */
	[TCA_STATS] = {.minlen = offsetof(struct tc_stats, backlog) + sizeof(uint32_t)},
};

static const struct nla_policy stats_policy[TCA_STATS_MAX + 1] = {
	[TCA_STATS_BASIC] = {.minlen =
				     offsetof(struct gnet_stats_basic, packets) + sizeof(uint32_t)},
	[TCA_STATS_QUEUE] = {.minlen = sizeof(struct gnet_stats_queue)},
	[TCA_STATS_APP] = {.type = NLA_UNSPEC},
	[TCA_STATS_PKT64] = {.minlen = sizeof(uint64_t)},
};

/* Where a kind's options tell how much it holds: in TCA_OPTIONS itself or in an attribute there. */
static const struct limit_row {
	const char *kind;
	int attribute; /* 0: TCA_OPTIONS is a plain struct */
	size_t offset;
	bool in_bytes;
} limit_rows[] = {
	{"pfifo", 0, offsetof(struct tc_fifo_qopt, limit), false},
	{"bfifo", 0, offsetof(struct tc_fifo_qopt, limit), true},
	{"pfifo_head_drop", 0, offsetof(struct tc_fifo_qopt, limit), false},
	{"netem", 0, offsetof(struct tc_netem_qopt, limit), false},
	{"sfq", 0, offsetof(struct tc_sfq_qopt, limit), false},
	{"tbf", TCA_TBF_PARMS, offsetof(struct tc_tbf_qopt, limit), true},
	{"red", TCA_RED_PARMS, offsetof(struct tc_red_qopt, limit), true},
	{"codel", TCA_CODEL_LIMIT, 0, false},
	{"fq_codel", TCA_FQ_CODEL_LIMIT, 0, false},
	{"fq", TCA_FQ_PLIMIT, 0, false},
	{"pie", TCA_PIE_LIMIT, 0, false},
};

/* `size` bytes at `offset` of what the options or one of their attributes hold. */
static bool option(struct nlattr *options, int attribute, size_t offset, void *to, size_t size)
{
	struct nlattr *a = options;

	if (attribute)
		a = nla_find(nla_data(options), nla_len(options), attribute);
	if (!a || (size_t)nla_len(a) < offset + size)
		return false;
	memcpy(to, (const char *)nla_data(a) + offset, size);
	return true;
}

static void take_options(struct qdisc *q, struct nlattr *options)
{
	uint32_t limit, rate, buffer;
	uint64_t rate64;

	for (size_t i = 0; options && i < ARRAY_SIZE(limit_rows); i++) {
		const struct limit_row *row = &limit_rows[i];

		if (strcmp(q->kind, row->kind) != 0 ||
		    !option(options, row->attribute, row->offset, &limit, sizeof(limit)))
			continue;
		q->limit = limit;
		q->limit_in_bytes = row->in_bytes;
	}
	if (options && strcmp(q->kind, "fq") == 0 &&
	    option(options, TCA_FQ_FLOW_PLIMIT, 0, &limit, sizeof(limit)))
		q->fq_flow_limit = limit;
	if (!options || strcmp(q->kind, "tbf") != 0 ||
	    !option(options, TCA_TBF_PARMS, offsetof(struct tc_tbf_qopt, rate.rate), &rate,
		    sizeof(rate)))
		return;
	/* The kernel speaks of bytes per second; RATE64 is there from 2^32 on. */
	if (!option(options, TCA_TBF_RATE64, 0, &rate64, sizeof(rate64)))
		rate64 = rate;
	q->rate_bps = MIN(rate64, UINT64_MAX / 8) * 8;
	/* The time it takes to send the burst at that rate, in ticks of 64 ns (PSCHED_SHIFT). */
	if (option(options, TCA_TBF_PARMS, offsetof(struct tc_tbf_qopt, buffer), &buffer,
		   sizeof(buffer)))
		q->burst = (uint64_t)((double)buffer * 64 * (double)rate64 / 1e9 + 0.5);
}

/* net/sched/sch_fq.c fq_dump_stats; the structure grows with the kernel, its beginning stays. */
static void take_fq(struct qdisc *q, struct nlattr *stats)
{
	struct tc_fq_qd_stats fq = {0};
	size_t least = offsetof(struct tc_fq_qd_stats, horizon_drops) + sizeof(fq.horizon_drops);

	if (strcmp(q->kind, "fq") != 0 || !stats || (size_t)nla_len(stats) < least)
		return;
	memcpy(&fq, nla_data(stats), MIN((size_t)nla_len(stats), sizeof(fq)));
	q->fq_known = true;
	q->fq_flow_drops = fq.flows_plimit;
	q->fq_horizon_drops = fq.horizon_drops;
}

static int take_stats2(struct qdisc *q, struct nlattr *nested)
{
	struct nlattr *table[TCA_STATS_MAX + 1];
	struct gnet_stats_basic basic = {0};
	struct gnet_stats_queue queue;

	if (nla_parse_nested(table, TCA_STATS_MAX, nested, stats_policy) < 0)
		return -EBADMSG;
	if (table[TCA_STATS_BASIC]) {
		nla_memcpy(&basic, table[TCA_STATS_BASIC], sizeof(basic));
		q->bytes = basic.bytes;
		q->packets = basic.packets;
	}
	if (table[TCA_STATS_PKT64])
		nla_memcpy(&q->packets, table[TCA_STATS_PKT64], sizeof(q->packets));
	take_fq(q, table[TCA_STATS_APP]);
	if (table[TCA_STATS_QUEUE]) {
		nla_memcpy(&queue, table[TCA_STATS_QUEUE], sizeof(queue));
		q->qlen = queue.qlen;
		q->backlog = queue.backlog;
		q->drops = queue.drops;
		q->requeues = queue.requeues;
		q->overlimits = queue.overlimits;
	}
	return 0;
}

static void take_stats(struct qdisc *q, struct nlattr *attribute)
{
	struct tc_stats stats = {0};

	nla_memcpy(&stats, attribute, sizeof(stats));
	q->bytes = stats.bytes;
	q->packets = stats.packets;
	q->qlen = stats.qlen;
	q->backlog = stats.backlog;
	q->drops = stats.drops;
	q->overlimits = stats.overlimits;
}

static int take_qdisc(const struct nlmsghdr *h, struct snapshot *s)
{
	struct nlattr *table[TCA_MAX + 1];
	const struct tcmsg *header = nl_data(h, sizeof(*header));
	struct qdisc *q;

	if (!header || header->tcm_ifindex <= 0 ||
	    nl_parse(h, sizeof(*header), table, TCA_MAX, qdisc_policy) < 0 || !table[TCA_KIND])
		return -EBADMSG;
	q = vec_push(&s->qdiscs);
	q->ifindex = (unsigned int)header->tcm_ifindex;
	q->handle = header->tcm_handle;
	q->parent = header->tcm_parent;
	nla_strlcpy(q->kind, table[TCA_KIND], sizeof(q->kind));
	take_options(q, table[TCA_OPTIONS]);
	if (table[TCA_STATS2])
		return take_stats2(q, table[TCA_STATS2]);
	if (table[TCA_STATS])
		take_stats(q, table[TCA_STATS]);
	return 0;
}

int parse_qdiscs(const struct buf *answer, struct snapshot *s)
{
	int r = nl_check(answer);

	if (r < 0)
		return r;
	nl_each(message, answer) {
		if (message.h->nlmsg_type != RTM_NEWQDISC)
			continue;
		r = take_qdisc(message.h, s);
		if (r < 0)
			return r;
	}
	return 0;
}

int collect_qdisc(struct host *h, struct snapshot *s)
{
	struct {
		struct nlmsghdr h;
		struct tcmsg m;
	} request = {
		.h = {.nlmsg_len = sizeof(request),
		      .nlmsg_type = RTM_GETQDISC,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.m = {.tcm_family = AF_UNSPEC},
	};
	cleanup(buf_done) struct buf answer = {0};
	int r = host_netlink(h, "qdiscs", NETLINK_ROUTE, &request, sizeof(request), &answer);

	return r < 0 ? r : parse_qdiscs(&answer, s);
}
