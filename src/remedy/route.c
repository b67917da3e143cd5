// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One attribute of a route that is there: the route is asked for whole (RTM_GETROUTE) and put in
 * its own place (NLM_F_REPLACE) whole, with the one metric changed: net/ipv4/fib_semantics.c
 * fib_dump_info, net/ipv6/route.c rt6_fill_node. Values are those of ip-route(8): "1300",
 * "lock 1300", "lock 50ms" (TCP heeds rto_min only where it is locked: tcp_rto_min); "" for a route
 * without the attribute.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>

#include "nl/nl.h"
#include "remedy/ask.h"
#include "remedy/kinds.h"

static const struct metric {
	const char *name;
	uint16_t id; /* RTAX_* */
	bool in_ms;
} metrics[] = {
	{"mtu", RTAX_MTU, false},	   {"advmss", RTAX_ADVMSS, false},
	{"rto_min", RTAX_RTO_MIN, true},   {"initcwnd", RTAX_INITCWND, false},
	{"initrwnd", RTAX_INITRWND, false}, {"window", RTAX_WINDOW, false},
	{"quickack", RTAX_QUICKACK, false},
};

/* "10.9.0.0/16 table 254 metric 100 rto_min": which route, and what of it. */
struct wanted {
	uint8_t family, length, destination[16];
	uint32_t table, priority;
	bool has_priority;
	const struct metric *metric;
};

/* ---- key and value ---- */

static int take_prefix(struct span text, struct wanted *ret)
{
	struct span address;
	char buffer[INET6_ADDRSTRLEN];
	uint64_t length;

	if (!next_split(&text, '/', &address) || address.n >= sizeof(buffer))
		return -EINVAL;
	span_copy(address, buffer, sizeof(buffer));
	ret->family = strchr(buffer, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(ret->family, buffer, ret->destination) != 1 ||
	    parse_u64(text, ret->family == AF_INET6 ? 128 : 32, &length) < 0)
		return -EINVAL;
	ret->length = (uint8_t)length;
	return 0;
}

static int take_key(const char *key, struct wanted *ret)
{
	struct span rest = span_of(key), word, value;
	uint64_t number;

	*ret = (struct wanted){.table = RT_TABLE_MAIN};
	if (!next_field(&rest, &word) || take_prefix(word, ret) < 0)
		return -EINVAL;
	while (next_field(&rest, &word)) {
		if (!rest.n)
			break;
		if (!next_field(&rest, &value) || parse_u64(value, UINT32_MAX, &number) < 0)
			return -EINVAL;
		if (span_is(word, "table")) {
			ret->table = (uint32_t)number;
		} else if (span_is(word, "metric")) {
			ret->priority = (uint32_t)number;
			ret->has_priority = true;
		} else {
			return -EINVAL;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		if (span_is(word, metrics[i].name))
			ret->metric = &metrics[i];
	return ret->metric ? 0 : -EINVAL;
}

/* What a value says; `there` false: the attribute is to go. */
struct value {
	bool there, locked;
	uint32_t number;
};

static int take_value(const char *text, const struct metric *m, struct value *ret)
{
	struct span rest = span_of(text), word;
	uint64_t number;

	*ret = (struct value){.there = *text != '\0'};
	if (!ret->there)
		return 0;
	if (!next_field(&rest, &word))
		return -EINVAL;
	ret->locked = span_is(word, "lock");
	if (ret->locked && !next_field(&rest, &word))
		return -EINVAL;
	if (m->in_ms) {
		if (word.n < 3 || memcmp(word.p + word.n - 2, "ms", 2) != 0)
			return -EINVAL;
		word.n -= 2;
	}
	if (rest.n || parse_u64(word, UINT32_MAX, &number) < 0 || !number)
		return -EINVAL;
	ret->number = (uint32_t)number;
	return 0;
}

static uint32_t metric_u32(struct nlattr *all, int id)
{
	struct nlattr *a = all ? nla_find(nla_data(all), nla_len(all), id) : NULL;

	return a && nla_len(a) >= 4 ? nla_get_u32(a) : 0;
}

/* ---- the route ---- */

static uint32_t number_of(struct nlattr *a, uint32_t otherwise)
{
	return a && nla_len(a) >= 4 ? nla_get_u32(a) : otherwise;
}

static bool fits(const struct wanted *w, const struct rtmsg *rt, struct nlattr **t)
{
	size_t bytes = w->family == AF_INET6 ? 16 : 4;
	static const uint8_t zero[16];
	const void *destination = zero;

	if (rt->rtm_family != w->family || rt->rtm_dst_len != w->length || rt->rtm_flags & RTM_F_CLONED ||
	    rt->rtm_type != RTN_UNICAST || number_of(t[RTA_TABLE], rt->rtm_table) != w->table)
		return false;
	if (w->has_priority && number_of(t[RTA_PRIORITY], 0) != w->priority)
		return false;
	if (t[RTA_DST] && (size_t)nla_len(t[RTA_DST]) == bytes)
		destination = nla_data(t[RTA_DST]);
	return memcmp(destination, w->destination, bytes) == 0;
}

/* The only one that fits; its message stays in *answer. -ENOTUNIQ: several do. */
static int find(const struct wanted *w, struct buf *answer, const struct nlmsghdr **ret,
		struct nlattr **table)
{
	struct rtmsg all = {.rtm_family = w->family};
	ask_message *m = ask_new(RTM_GETROUTE, NLM_F_DUMP, &all, sizeof(all));
	const struct nlmsghdr *found = NULL;
	int r = ask(NETLINK_ROUTE, m, answer);

	if (r < 0)
		return r;
	nl_each (told, answer) {
		const struct rtmsg *rt = nl_data(told.h, sizeof(*rt));

		if (!rt || nl_parse(told.h, sizeof(*rt), table, RTA_MAX, NULL) < 0)
			return -EBADMSG;
		if (!fits(w, rt, table))
			continue;
		if (found)
			return -ENOTUNIQ;
		found = told.h;
	}
	if (!found)
		return -ENOENT;
	*ret = found;
	return nl_parse(found, sizeof(all), table, RTA_MAX, NULL);
}

static int route_read(const struct change_place *p, const char *key, struct buf *ret)
{
	cleanup(buf_done) struct buf answer = {0};
	struct nlattr *t[RTA_MAX + 1];
	const struct nlmsghdr *h;
	struct wanted w;
	uint32_t value;
	int r = take_key(key, &w);

	(void)p;
	if (r == 0)
		r = find(&w, &answer, &h, t);
	if (r < 0)
		return r;
	value = metric_u32(t[RTA_METRICS], w.metric->id);
	buf_clear(ret);
	if (!value)
		buf_puts(ret, "");
	else
		buf_printf(ret, "%s%u%s",
			   metric_u32(t[RTA_METRICS], RTAX_LOCK) & 1U << w.metric->id ? "lock " : "",
			   value, w.metric->in_ms ? "ms" : "");
	return 0;
}

static void copy(struct nl_msg *m, struct nlattr *a)
{
	struct nlattr *to = nla_reserve(m, a->nla_type, nla_len(a));

	memcpy(nla_data(to), nla_data(a), (size_t)nla_len(a));
}

/* The next hops' states (RTNH_F_DEAD, LINKDOWN ...) are the kernel's to say, not ours. */
static void copy_next_hops(struct nl_msg *m, struct nlattr *a)
{
	struct nlattr *to = nla_reserve(m, RTA_MULTIPATH, nla_len(a));
	size_t left = (size_t)nla_len(a);
	char *at = nla_data(to);

	memcpy(at, nla_data(a), left);
	while (left >= sizeof(struct rtnexthop)) {
		struct rtnexthop *hop = (struct rtnexthop *)(void *)at;
		size_t step = NLMSG_ALIGN((size_t)hop->rtnh_len);

		if (hop->rtnh_len < sizeof(*hop) || step > left)
			break;
		hop->rtnh_flags &= RTNH_F_ONLINK | RTNH_F_PERVASIVE;
		at += step;
		left -= step;
	}
}

/*
 * `keep_empty`: with a next hop object and no metrics at all the kernel takes any route it has with
 * that object, and the metrics of that one (fib_find_info_nh); an empty list of them is none.
 */
static void put_metrics(struct nl_msg *m, struct nlattr *old, const struct metric *which,
			const struct value *v, bool keep_empty)
{
	uint32_t lock = metric_u32(old, RTAX_LOCK) & ~(1U << which->id);
	struct nlattr *nest = nla_nest_start(m, RTA_METRICS), *a;
	int left;

	if (v->there && v->locked)
		lock |= 1U << which->id;
	if (lock)
		nla_put_u32(m, RTAX_LOCK, lock);
	if (old) {
		nla_for_each_nested(a, old, left)
			if (nla_type(a) != which->id && nla_type(a) != RTAX_LOCK)
				copy(m, a);
	}
	if (v->there)
		nla_put_u32(m, which->id, v->number);
	if (keep_empty)
		nla_nest_end_keep_empty(m, nest);
	else
		nla_nest_end(m, nest);
}

/*
 * A route of a next hop object has its gateway and device told as well, and may not have them both.
 * One with a lifetime (of a router's advertisement) would live on for ever.
 */
static int put_route(struct nl_msg *m, struct nlattr **t, const struct metric *which,
		     const struct value *v)
{
	struct rta_cacheinfo cache = {0};

	if (t[RTA_CACHEINFO] && (size_t)nla_len(t[RTA_CACHEINFO]) >= sizeof(cache))
		memcpy(&cache, nla_data(t[RTA_CACHEINFO]), sizeof(cache));
	if (cache.rta_expires)
		return -EOPNOTSUPP;
	for (int i = 1; i <= RTA_MAX; i++) {
		bool of_hop = i == RTA_OIF || i == RTA_GATEWAY || i == RTA_VIA || i == RTA_MULTIPATH ||
			      i == RTA_ENCAP || i == RTA_ENCAP_TYPE;

		if (!t[i] || i == RTA_CACHEINFO || i == RTA_METRICS || (of_hop && t[RTA_NH_ID]))
			continue;
		if (i == RTA_MULTIPATH)
			copy_next_hops(m, t[i]);
		else
			copy(m, t[i]);
	}
	put_metrics(m, t[RTA_METRICS], which, v, t[RTA_NH_ID]);
	return 0;
}

static int route_write(const struct change_place *p, const char *key, const char *text)
{
	cleanup(buf_done) struct buf answer = {0};
	struct nlattr *t[RTA_MAX + 1];
	const struct nlmsghdr *h;
	struct value value = {0};
	struct wanted w;
	struct rtmsg rt;
	int r = take_key(key, &w);

	(void)p;
	if (r == 0)
		r = take_value(text, w.metric, &value);
	if (r == 0)
		r = find(&w, &answer, &h, t);
	if (r < 0)
		return r;
	memcpy(&rt, nl_data(h, sizeof(rt)), sizeof(rt));
	rt.rtm_flags &= RTNH_F_ONLINK | RTNH_F_PERVASIVE;
	ask_message *m = ask_new(RTM_NEWROUTE, NLM_F_REPLACE, &rt, sizeof(rt));

	r = put_route(m, t, w.metric, &value);
	return r < 0 ? r : ask(NETLINK_ROUTE, m, NULL);
}

static unsigned int route_needs(const char *key)
{
	(void)key;
	return CHANGE_NEEDS_FOR;
}

static const char *route_refusal(const char *key, int err)
{
	(void)key;
	switch (err) {
	case -ENOENT:
		return "there is no such route any more";
	case -ENOTUNIQ:
		return "several routes have this prefix: name the metric";
	case -EOPNOTSUPP:
		return "the route has a lifetime (router advertisement): what is set would be lost or "
		       "outlive it";
	}
	return NULL;
}

const struct change_kind route_kind = {
	.name = "route",
	.read = route_read,
	.write = route_write,
	.needs = route_needs,
	.refusal = route_refusal,
};
