// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Options of a queueing discipline that is there: "eth0:root pfifo limit", "eth0:8001:1 fq
 * flow_limit" (net/sched/sch_api.c tc_modify_qdisc, which calls the kind's change()). Where the
 * options are one struct they are copied whole with one field changed; where they are attributes,
 * those that are not given stay as they were (sch_fq.c, sch_fq_codel.c, sch_codel.c).
 */
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>

#include "nl/nl.h"
#include "remedy/ask.h"
#include "remedy/kinds.h"

static const struct option_row {
	const char *kind, *option;
	int attribute;	    /* in TCA_OPTIONS; 0: these are the struct themselves */
	bool is_struct;	    /* the attribute holds one */
	size_t offset, size; /* of the field, in the struct of that size at least */
} rows[] = {
	{"pfifo", "limit", 0, true, offsetof(struct tc_fifo_qopt, limit), sizeof(struct tc_fifo_qopt)},
	{"bfifo", "limit", 0, true, offsetof(struct tc_fifo_qopt, limit), sizeof(struct tc_fifo_qopt)},
	{"pfifo_head_drop", "limit", 0, true, offsetof(struct tc_fifo_qopt, limit),
	 sizeof(struct tc_fifo_qopt)},
	{"tbf", "limit", TCA_TBF_PARMS, true, offsetof(struct tc_tbf_qopt, limit),
	 sizeof(struct tc_tbf_qopt)},
	{"fq", "limit", TCA_FQ_PLIMIT, false, 0, 4},
	{"fq", "flow_limit", TCA_FQ_FLOW_PLIMIT, false, 0, 4},
	{"fq_codel", "limit", TCA_FQ_CODEL_LIMIT, false, 0, 4},
	{"codel", "limit", TCA_CODEL_LIMIT, false, 0, 4},
};

struct target {
	unsigned int ifindex;
	uint32_t parent;
	const struct option_row *row;
};

/* "root", or MAJOR:MINOR in hex. */
static int take_parent(struct span text, uint32_t *ret)
{
	struct span rest = text, major;
	uint64_t high, low;

	if (span_is(text, "root")) {
		*ret = TC_H_ROOT;
		return 0;
	}
	if (!next_split(&rest, ':', &major) || parse_hex64(major, UINT16_MAX, &high) < 0 ||
	    parse_hex64(rest, UINT16_MAX, &low) < 0)
		return -EINVAL;
	*ret = (uint32_t)(high << 16 | low);
	return 0;
}

static int take_key(const char *key, struct target *ret)
{
	struct span rest, parent, kind, option;
	const char *words;
	int r = key_ifindex(key, &ret->ifindex, &words);

	if (r < 0)
		return r;
	rest = span_of(words);
	if (!next_field(&rest, &parent) || !next_field(&rest, &kind) || !next_field(&rest, &option) ||
	    rest.n || take_parent(parent, &ret->parent) < 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (span_is(kind, rows[i].kind) && span_is(option, rows[i].option)) {
			ret->row = &rows[i];
			return 0;
		}
	}
	return -EINVAL;
}

/* The qdisc that stands there; its attributes stay in *answer. */
static int find(const struct target *t, struct buf *answer, struct tcmsg *ret, struct nlattr **table)
{
	struct tcmsg about = {.tcm_ifindex = (int)t->ifindex};
	ask_message *m = ask_new(RTM_GETQDISC, NLM_F_DUMP, &about, sizeof(about));
	int r = ask(NETLINK_ROUTE, m, answer);

	if (r < 0)
		return r;
	nl_each (told, answer) {
		const struct tcmsg *q = nl_data(told.h, sizeof(*q));

		if (!q || nl_parse(told.h, sizeof(*q), table, TCA_MAX, NULL) < 0)
			return -EBADMSG;
		/* A default one has no handle and takes no change. */
		if ((unsigned int)q->tcm_ifindex != t->ifindex || q->tcm_parent != t->parent ||
		    !q->tcm_handle || !table[TCA_KIND] || !table[TCA_OPTIONS] ||
		    nla_strcmp(table[TCA_KIND], t->row->kind) != 0)
			continue;
		*ret = *q;
		return 0;
	}
	return -ENOENT;
}

static int field_of(const struct option_row *row, struct nlattr *options, struct nlattr **ret)
{
	struct nlattr *a = options;

	if (row->attribute)
		a = nla_find(nla_data(options), nla_len(options), row->attribute);
	if (!a)
		return -EOPNOTSUPP;
	if ((size_t)nla_len(a) < row->size)
		return -EBADMSG;
	*ret = a;
	return 0;
}

static int qdisc_read(const struct change_place *p, const char *key, struct buf *ret)
{
	cleanup(buf_done) struct buf answer = {0};
	struct nlattr *table[TCA_MAX + 1], *a;
	struct tcmsg q;
	struct target t;
	uint32_t value;
	int r = take_key(key, &t);

	(void)p;
	if (r == 0)
		r = find(&t, &answer, &q, table);
	if (r == 0)
		r = field_of(t.row, table[TCA_OPTIONS], &a);
	if (r < 0)
		return r;
	memcpy(&value, (const char *)nla_data(a) + t.row->offset, sizeof(value));
	buf_clear(ret);
	buf_printf(ret, "%u", value);
	return 0;
}

static void put_options(struct nl_msg *m, const struct option_row *row, struct nlattr *options,
			const struct nlattr *field, uint32_t value)
{
	struct nlattr *copy, *nest, *a;
	int left;

	if (!row->attribute) {
		copy = nla_reserve(m, TCA_OPTIONS, nla_len(options));
		memcpy(nla_data(copy), nla_data(options), (size_t)nla_len(options));
		memcpy((char *)nla_data(copy) + row->offset, &value, sizeof(value));
		return;
	}
	nest = nla_nest_start(m, TCA_OPTIONS);
	if (!row->is_struct) {
		nla_put_u32(m, row->attribute, value);
	} else {
		nla_for_each_nested(a, options, left) {
			copy = nla_reserve(m, nla_type(a), nla_len(a));
			memcpy(nla_data(copy), nla_data(a), (size_t)nla_len(a));
			if (a == field)
				memcpy((char *)nla_data(copy) + row->offset, &value, sizeof(value));
		}
	}
	nla_nest_end(m, nest);
}

static int qdisc_write(const struct change_place *p, const char *key, const char *text)
{
	cleanup(buf_done) struct buf answer = {0};
	struct nlattr *table[TCA_MAX + 1], *a;
	struct tcmsg q;
	struct target t;
	uint32_t value;
	int r = take_key(key, &t);

	(void)p;
	if (r == 0)
		r = value_u32(text, &value);
	if (r == 0)
		r = find(&t, &answer, &q, table);
	if (r == 0)
		r = field_of(t.row, table[TCA_OPTIONS], &a);
	if (r < 0)
		return r;
	q.tcm_info = 0;
	ask_message *m = ask_new(RTM_NEWQDISC, 0, &q, sizeof(q));

	nla_put_string(m, TCA_KIND, t.row->kind);
	put_options(m, t.row, table[TCA_OPTIONS], a, value);
	return ask(NETLINK_ROUTE, m, NULL);
}

static const char *qdisc_refusal(const char *key, int err)
{
	(void)key;
	switch (err) {
	case -ENOENT:
		return "no qdisc of this kind stands there any more, or it is the kernel's default one";
	case -EINVAL:
	case -ERANGE:
		return "the qdisc does not take this value";
	case -ENODEV:
		return "the device is gone";
	}
	return NULL;
}

const struct change_kind qdisc_kind = {
	.name = "qdisc",
	.read = qdisc_read,
	.write = qdisc_write,
	.refusal = qdisc_refusal,
};
