// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Queue statistics: generic netlink, family "netdev" (net/core/netdev-genl.c
 * netdev_nl_qstats_get_dumpit, since 6.10). For some devices the only view of what the hardware or
 * the hypervisor dropped: virtio_net has its rx-hw-drops here and not in `ethtool -S`.
 *
 * Scope: the devices of one network namespace whose driver fills them (few; the others are left out
 * of the dump). A counter that the driver does not have is missing. Those of a device hold what its
 * former queues counted too, so they are not the sum of its queues. 64 bits. No privilege.
 */
#include "collect/ethtool.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>

#include "collect/genl.h"
#include "nl/nl.h"

/* include/uapi/linux/netdev.h of 6.12; not in the headers of older systems. */
#define NETDEV_FAMILY "netdev"
#define NETDEV_CMD_QSTATS_GET 12
#define QSTATS_IFINDEX 1
#define QSTATS_QUEUE_TYPE 2
#define QSTATS_QUEUE_ID 3
#define QSTATS_SCOPE 4
#define QSTATS_SCOPE_QUEUE 1
#define QSTATS_ATTR_MAX 64

#define QUEUES_MAX 65536

static const uint8_t attribute_of[NIC_QSTAT_N] = {
#define Q(id_, attribute_, name_, class_) [NQ_##id_] = (attribute_),
#include "model/nic_qstats.def"
#undef Q
};

/* The kernel's "uint": four bytes where they are enough, else eight. */
static bool number(struct nlattr *a, uint64_t *ret)
{
	uint32_t small;

	if (a && nla_len(a) == (int)sizeof(small)) {
		memcpy(&small, nla_data(a), sizeof(small));
		*ret = small;
		return true;
	}
	if (!a || nla_len(a) != (int)sizeof(*ret))
		return false;
	memcpy(ret, nla_data(a), sizeof(*ret));
	return true;
}

static int take_queue(struct nlattr **table, struct snapshot *s)
{
	uint64_t ifindex, type = 0, id = 0;
	bool one = table[QSTATS_QUEUE_ID];
	struct nic_queue *q;

	if (!number(table[QSTATS_IFINDEX], &ifindex) || ifindex > INT32_MAX ||
	    (one && (!number(table[QSTATS_QUEUE_ID], &id) || id > INT32_MAX ||
		     !number(table[QSTATS_QUEUE_TYPE], &type))))
		return -EBADMSG;
	if (s->nic_queues.n == QUEUES_MAX)
		return 0;
	q = vec_push(&s->nic_queues);
	q->ifindex = (unsigned int)ifindex;
	q->queue = one ? (int)id : -1;
	q->tx = type == 1;
	for (size_t i = 0; i < NIC_QSTAT_N; i++)
		q->present[i] = number(table[attribute_of[i]], &q->value[i]);
	return 0;
}

int parse_qstats(const struct buf *answer, struct snapshot *s)
{
	int r = nl_check(answer);

	if (r < 0)
		return r;
	nl_each (m, answer) {
		struct nlattr *table[QSTATS_ATTR_MAX + 1];

		r = nl_parse(m.h, sizeof(struct genlmsghdr), table, QSTATS_ATTR_MAX, NULL);
		if (r == 0)
			r = take_queue(table, s);
		if (r < 0)
			return r;
	}
	return 0;
}

static int ask(struct host *h, const char *entry, uint16_t family, const struct buf *attributes,
	       struct snapshot *s)
{
	cleanup(buf_done) struct buf answer = {0};
	int r = genl_request(h, entry, family, NETDEV_CMD_QSTATS_GET, NLM_F_DUMP, attributes,
			     &answer);

	return r < 0 ? r : parse_qstats(&answer, s);
}

int collect_qstats(struct host *h, struct snapshot *s)
{
	cleanup(buf_done) struct buf attributes = {0};
	uint16_t family;
	int r = genl_family(h, NETDEV_FAMILY, &family);

	if (r < 0)
		return r == -ENOENT ? -EOPNOTSUPP : r;
	r = ask(h, "qstats", family, &attributes, s);
	if (r < 0)
		return r;
	genl_put_u32(&attributes, QSTATS_SCOPE, QSTATS_SCOPE_QUEUE);
	return ask(h, "qstats-queues", family, &attributes, s);
}
