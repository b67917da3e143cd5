// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Generic netlink family NET_DM, net/core/drop_monitor.c; packet mode and configuration since 5.4.
 * The family lives in the first network namespace only, so requests are made there. All its
 * commands want CAP_NET_ADMIN there, and hearing the packets CAP_SYS_ADMIN since 6.7 and in stable
 * kernels before that. The family is picked out of a dump of all, because asking for
 * one by name makes the kernel load its module (ctrl_getfamily).
 */
#define _GNU_SOURCE
#include "drops/net_dm_control.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/net_dropmon.h>
#include <netlink/attr.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "nl/nl.h"

/*
 * A queue holds whole packets, each some kilobytes: a few megabytes for each CPU. The kernel's own
 * 1,000 are full after a millisecond of a storm.
 */
#define QUEUE_PACKETS 4096
#define RECEIVE_BUFFER (16 << 20)

static const struct net_dm_config kernel_default = {NET_DM_ALERT_MODE_SUMMARY, 0, 1000};

/* ---- the first namespace ---- */

/* Where we are already, or where we may not go, nothing is to be left again: -1. */
static int enter_first(void)
{
	cleanup(cleanup_fd) int first = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct stat a, b;

	if (first >= 0 && home >= 0 && fstat(first, &a) == 0 && fstat(home, &b) == 0 &&
	    a.st_ino != b.st_ino && setns(first, CLONE_NEWNET) == 0)
		return home;
	cleanup_fd(&home);
	return -1;
}

static void leave_first(const int *home)
{
	if (*home < 0)
		return;
	/* From a namespace that we were in a moment ago we cannot be shut out. */
	if (setns(*home, CLONE_NEWNET) < 0)
		abort();
	close(*home);
}

/* ---- requests ---- */

static int request(uint16_t family, uint8_t command, uint16_t flags, const struct buf *attributes,
		   struct buf *ret)
{
	struct {
		struct nlmsghdr h;
		struct genlmsghdr g;
	} header = {
		.h = {.nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST | flags},
		.g = {.cmd = command, .version = 2},
	};
	cleanup(buf_done) struct buf message = {0};
	cleanup(leave_first) int home = enter_first();

	(void)home;
	buf_add(&message, &header, sizeof(header));
	if (attributes)
		buf_add(&message, attributes->data, attributes->len);
	return nl_request(NETLINK_GENERIC, message.data, message.len, ret);
}

static int command(const struct net_dm_control *c, uint8_t what, const struct buf *attributes)
{
	cleanup(buf_done) struct buf answer = {0};

	return request(c->family, what, NLM_F_ACK, attributes, &answer);
}

static void put(struct buf *b, uint16_t type, const void *data, size_t n)
{
	struct nlattr a = {.nla_len = (uint16_t)(NLA_HDRLEN + n), .nla_type = type};

	buf_add(b, &a, sizeof(a));
	buf_add(b, data, n);
	while (b->len % NLA_ALIGNTO)
		buf_add(b, "", 1);
}

/* NET_DM_CMD_START and _STOP, of the one kind of drops. */
static int turn(const struct net_dm_control *c, uint8_t what, uint16_t kind)
{
	cleanup(buf_done) struct buf attributes = {0};

	put(&attributes, kind, NULL, 0);
	return command(c, what, &attributes);
}

static int configure(const struct net_dm_control *c, const struct net_dm_config *config)
{
	cleanup(buf_done) struct buf attributes = {0};

	put(&attributes, NET_DM_ATTR_ALERT_MODE, &config->mode, sizeof(config->mode));
	put(&attributes, NET_DM_ATTR_TRUNC_LEN, &config->truncate, sizeof(config->truncate));
	put(&attributes, NET_DM_ATTR_QUEUE_LEN, &config->queue, sizeof(config->queue));
	return command(c, NET_DM_CMD_CONFIG, &attributes);
}

/* ---- answers ---- */

static int read_groups(struct nlattr *groups, uint32_t *ret)
{
	static const struct nla_policy policy[CTRL_ATTR_MCAST_GRP_MAX + 1] = {
		[CTRL_ATTR_MCAST_GRP_NAME] = {.type = NLA_STRING},
		[CTRL_ATTR_MCAST_GRP_ID] = {.type = NLA_U32},
	};
	struct nlattr *group;
	int left;

	nla_for_each_nested(group, groups, left)
	{
		struct nlattr *table[CTRL_ATTR_MCAST_GRP_MAX + 1];

		if (nla_parse_nested(table, CTRL_ATTR_MCAST_GRP_MAX, group, policy) < 0)
			return -EBADMSG;
		if (!table[CTRL_ATTR_MCAST_GRP_NAME] || !table[CTRL_ATTR_MCAST_GRP_ID] ||
		    nla_strcmp(table[CTRL_ATTR_MCAST_GRP_NAME], "events") != 0)
			continue;
		*ret = nla_get_u32(table[CTRL_ATTR_MCAST_GRP_ID]);
		return *ret ? 0 : -EBADMSG;
	}
	return -EPROTONOSUPPORT;
}

int parse_net_dm_family(const struct buf *answer, struct net_dm_control *ret)
{
	static const struct nla_policy policy[CTRL_ATTR_MAX + 1] = {
		[CTRL_ATTR_FAMILY_ID] = {.type = NLA_U16},
		[CTRL_ATTR_FAMILY_NAME] = {.type = NLA_STRING},
		[CTRL_ATTR_MCAST_GROUPS] = {.type = NLA_NESTED},
	};
	int err = nl_check(answer);

	if (err)
		return err;
	nl_each (m, answer) {
		struct nlattr *table[CTRL_ATTR_MAX + 1];
		uint32_t group;

		err = nl_parse(m.h, sizeof(struct genlmsghdr), table, CTRL_ATTR_MAX, policy);
		if (err)
			return err;
		if (!table[CTRL_ATTR_FAMILY_NAME] || !table[CTRL_ATTR_FAMILY_ID] ||
		    nla_strcmp(table[CTRL_ATTR_FAMILY_NAME], "NET_DM") != 0)
			continue;
		if (!table[CTRL_ATTR_MCAST_GROUPS])
			return -EPROTONOSUPPORT;
		err = read_groups(table[CTRL_ATTR_MCAST_GROUPS], &group);
		if (err)
			return err;
		ret->family = nla_get_u16(table[CTRL_ATTR_FAMILY_ID]);
		ret->group = group;
		return 0;
	}
	return -EPROTONOSUPPORT;
}

/* The attributes of the one answer with this command. */
static int parse_one(const struct buf *answer, uint8_t what, const struct nla_policy *policy,
		     struct nlattr **table)
{
	int err = nl_check(answer);

	if (err)
		return err;
	nl_each (m, answer) {
		const struct genlmsghdr *g = nl_data(m.h, sizeof(*g));

		if (g && g->cmd == what)
			return nl_parse(m.h, sizeof(*g), table, NET_DM_ATTR_MAX, policy);
	}
	return -EBADMSG;
}

int parse_net_dm_config(const struct buf *answer, struct net_dm_config *ret)
{
	static const struct nla_policy policy[NET_DM_ATTR_MAX + 1] = {
		[NET_DM_ATTR_ALERT_MODE] = {.type = NLA_U8},
		[NET_DM_ATTR_TRUNC_LEN] = {.type = NLA_U32},
		[NET_DM_ATTR_QUEUE_LEN] = {.type = NLA_U32},
	};
	struct nlattr *table[NET_DM_ATTR_MAX + 1];
	int err = parse_one(answer, NET_DM_CMD_CONFIG_NEW, policy, table);

	if (err)
		return err;
	if (!table[NET_DM_ATTR_ALERT_MODE] || !table[NET_DM_ATTR_TRUNC_LEN] ||
	    !table[NET_DM_ATTR_QUEUE_LEN])
		return -EBADMSG;
	ret->mode = nla_get_u8(table[NET_DM_ATTR_ALERT_MODE]);
	ret->truncate = nla_get_u32(table[NET_DM_ATTR_TRUNC_LEN]);
	ret->queue = nla_get_u32(table[NET_DM_ATTR_QUEUE_LEN]);
	return 0;
}

int parse_net_dm_stats(const struct buf *answer, uint64_t *ret)
{
	static const struct nla_policy policy[NET_DM_ATTR_MAX + 1] = {
		[NET_DM_ATTR_STATS] = {.type = NLA_NESTED},
		[NET_DM_ATTR_HW_STATS] = {.type = NLA_NESTED},
	};
	static const struct nla_policy inner[NET_DM_ATTR_STATS_MAX + 1] = {
		[NET_DM_ATTR_STATS_DROPPED] = {.type = NLA_U64},
	};
	static const int kinds[] = {NET_DM_ATTR_STATS, NET_DM_ATTR_HW_STATS};
	struct nlattr *table[NET_DM_ATTR_MAX + 1];
	int err = parse_one(answer, NET_DM_CMD_STATS_NEW, policy, table);
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds) && !err; i++) {
		struct nlattr *stats[NET_DM_ATTR_STATS_MAX + 1];

		if (!table[kinds[i]])
			continue;
		if (nla_parse_nested(stats, NET_DM_ATTR_STATS_MAX, table[kinds[i]], inner) < 0 ||
		    !stats[NET_DM_ATTR_STATS_DROPPED])
			err = -EBADMSG;
		else
			sum += nla_get_u64(stats[NET_DM_ATTR_STATS_DROPPED]);
	}
	if (err)
		return err;
	*ret = sum;
	return 0;
}

/*
 * net/netlink/af_netlink.c netlink_native_seq_show: "sk Eth Pid Groups ..."; Eth is the protocol,
 * Groups a hexadecimal mask of the first 32.
 */
bool net_dm_has_listener(const char *text, size_t n, uint32_t group)
{
	struct span rest = {text, n}, line, field;

	while (next_line(&rest, &line)) {
		uint64_t protocol, groups;

		if (!next_field(&line, &field) || !next_field(&line, &field) ||
		    parse_u64(field, UINT32_MAX, &protocol) < 0 || protocol != NETLINK_GENERIC ||
		    !next_field(&line, &field) || !next_field(&line, &field) ||
		    parse_hex64(field, UINT32_MAX, &groups) < 0)
			continue;
		if (group > 32 || groups >> (group - 1) & 1)
			return true;
	}
	return false;
}

/* ---- what is done with it ---- */

int net_dm_find(struct net_dm_control *c)
{
	cleanup(buf_done) struct buf answer = {0};
	int err = request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_DUMP, NULL, &answer);

	return err ? err : parse_net_dm_family(&answer, c);
}

int net_dm_listen(const struct net_dm_control *c, int *ret_fd)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK};
	cleanup(leave_first) int home = enter_first();
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_GENERIC);
	int room = RECEIVE_BUFFER, yes = 1, err;

	(void)home;
	if (fd < 0)
		return -errno;
	/*
	 * After a full buffer the kernel would keep everything back until it is empty; this way it
	 * only leaves out what does not fit, and counts it (SO_MEMINFO).
	 */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) == 0 &&
	    setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &yes, sizeof(yes)) == 0 &&
	    bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0 &&
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &c->group, sizeof(c->group)) == 0) {
		*ret_fd = fd;
		return 0;
	}
	err = -errno;
	close(fd);
	return err;
}

static bool somebody_listens(const struct net_dm_control *c)
{
	cleanup(leave_first) int home = enter_first();
	cleanup(cleanup_fd) int fd = open("/proc/thread-self/net/netlink", O_RDONLY | O_CLOEXEC);
	cleanup(buf_done) struct buf text = {0};

	(void)home;
	return fd < 0 || buf_read_fd(&text, fd, (size_t)16 << 20) < 0 ||
	       net_dm_has_listener(text.data, text.len, c->group);
}

/* Who turned it on was killed: nobody hears it, and it costs the host time for each drop. */
static int take_over(struct net_dm_control *c)
{
	if (somebody_listens(c))
		return -EBUSY;
	turn(c, NET_DM_CMD_STOP, NET_DM_ATTR_HW_DROPS);
	turn(c, NET_DM_CMD_STOP, NET_DM_ATTR_SW_DROPS);
	c->before = kernel_default;
	return configure(c, &c->own);
}

int net_dm_on(struct net_dm_control *c, uint32_t truncate)
{
	cleanup(buf_done) struct buf answer = {0};
	int err = request(c->family, NET_DM_CMD_CONFIG_GET, 0, NULL, &answer);

	c->own = (struct net_dm_config){NET_DM_ALERT_MODE_PACKET, truncate, QUEUE_PACKETS};
	if (!err)
		err = parse_net_dm_config(&answer, &c->before);
	if (!err)
		err = configure(c, &c->own);
	if (err == -EBUSY)
		err = take_over(c);
	if (err)
		return err;
	err = turn(c, NET_DM_CMD_START, NET_DM_ATTR_SW_DROPS);
	/* Somebody was faster. */
	if (err)
		return err == -EAGAIN ? -EBUSY : err;
	c->on = true;
	/* Kernels without devlink have none. */
	c->hardware = turn(c, NET_DM_CMD_START, NET_DM_ATTR_HW_DROPS) == 0;
	return 0;
}

void net_dm_off(struct net_dm_control *c)
{
	if (!c->on)
		return;
	if (c->hardware)
		turn(c, NET_DM_CMD_STOP, NET_DM_ATTR_HW_DROPS);
	turn(c, NET_DM_CMD_STOP, NET_DM_ATTR_SW_DROPS);
	configure(c, &c->before);
	c->on = c->hardware = false;
}

/* It cannot be asked whether it is on; what is on cannot be configured (-EBUSY). */
int net_dm_still_on(struct net_dm_control *c)
{
	int err = configure(c, &c->own);

	if (err == -EBUSY)
		return 0;
	c->on = c->hardware = false;
	if (!err)
		err = turn(c, NET_DM_CMD_START, NET_DM_ATTR_SW_DROPS);
	if (err)
		return err == -EAGAIN ? 0 : err;
	c->on = true;
	c->hardware = turn(c, NET_DM_CMD_START, NET_DM_ATTR_HW_DROPS) == 0;
	return 1;
}

int net_dm_queue_drops(const struct net_dm_control *c, uint64_t *ret)
{
	cleanup(buf_done) struct buf answer = {0};
	int err = request(c->family, NET_DM_CMD_STATS_GET, 0, NULL, &answer);

	return err ? err : parse_net_dm_stats(&answer, ret);
}
