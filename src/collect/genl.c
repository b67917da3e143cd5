// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Generic netlink families: net/netlink/genetlink.c ctrl_dumpfamily. All of them are asked for and
 * the one sought is picked out, because CTRL_CMD_GETFAMILY with a name that the kernel does not
 * know makes it look for a module (ctrl_getfamily, request_module). No privilege.
 */
#include "collect/genl.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>

#include "nl/nl.h"

static const struct nla_policy family_policy[CTRL_ATTR_MAX + 1] = {
	[CTRL_ATTR_FAMILY_ID] = {.type = NLA_U16},
	[CTRL_ATTR_FAMILY_NAME] = {.type = NLA_STRING},
};

int parse_genl_family(const struct buf *answer, const char *name, uint16_t *ret)
{
	int r = nl_check(answer);

	if (r < 0)
		return r;
	nl_each (m, answer) {
		struct nlattr *table[CTRL_ATTR_MAX + 1];

		r = nl_parse(m.h, sizeof(struct genlmsghdr), table, CTRL_ATTR_MAX, family_policy);
		if (r < 0)
			return r;
		if (!table[CTRL_ATTR_FAMILY_ID] || !table[CTRL_ATTR_FAMILY_NAME] ||
		    nla_strcmp(table[CTRL_ATTR_FAMILY_NAME], name) != 0)
			continue;
		*ret = nla_get_u16(table[CTRL_ATTR_FAMILY_ID]);
		return *ret < NLMSG_MIN_TYPE ? -EBADMSG : 0;
	}
	return -ENOENT;
}

int genl_family(struct host *h, const char *name, uint16_t *ret)
{
	cleanup(buf_done) struct buf none = {0};
	cleanup(buf_done) struct buf answer = {0};
	int r = genl_request(h, "genl-families", GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_DUMP,
			     &none, &answer);

	return r < 0 ? r : parse_genl_family(&answer, name, ret);
}

int genl_request(struct host *h, const char *entry, uint16_t family, uint8_t command,
		 uint16_t flags, const struct buf *attributes, struct buf *ret)
{
	struct {
		struct nlmsghdr h;
		struct genlmsghdr g;
	} header = {
		.h = {.nlmsg_len = (uint32_t)(sizeof(header) + attributes->len),
		      .nlmsg_type = family,
		      .nlmsg_flags = NLM_F_REQUEST | flags},
		.g = {.cmd = command, .version = 1},
	};
	cleanup(buf_done) struct buf request = {0};

	buf_add(&request, &header, sizeof(header));
	buf_add(&request, attributes->data, attributes->len);
	return host_netlink(h, entry, NETLINK_GENERIC, request.data, request.len, ret);
}

void genl_put(struct buf *b, uint16_t type, const void *data, size_t n)
{
	struct nlattr a = {.nla_len = (uint16_t)(NLA_HDRLEN + n), .nla_type = type};

	buf_add(b, &a, sizeof(a));
	buf_add(b, data, n);
	while (b->len % NLA_ALIGNTO)
		buf_add(b, "", 1);
}

void genl_put_u32(struct buf *b, uint16_t type, uint32_t value)
{
	genl_put(b, type, &value, sizeof(value));
}

size_t genl_nest_open(struct buf *b, uint16_t type)
{
	size_t at = b->len;

	genl_put(b, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void genl_nest_close(struct buf *b, size_t nest)
{
	uint16_t length = (uint16_t)(b->len - nest);

	memcpy(b->data + nest + offsetof(struct nlattr, nla_len), &length, sizeof(length));
}
