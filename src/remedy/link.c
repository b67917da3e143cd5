// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What rtnetlink sets of a device: net/core/rtnetlink.c do_setlink. A changed MTU is followed by
 * IPv6's own (net/ipv6/addrconf.c addrconf_notify) and by the devices on top.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>

#include "nl/nl.h"
#include "remedy/ask.h"
#include "remedy/kinds.h"

#define LEAST_MTU_OF_IPV6 1280

enum link_setting { LINK_MTU, LINK_TXQUEUELEN, LINK_MTU6, LINK_SETTINGS };
static const char *const setting_names[LINK_SETTINGS] = {"mtu", "txqueuelen", "mtu6"};

static int take_key(const char *key, char device[16], enum link_setting *ret)
{
	const char *name;
	int r = key_device(key, device, &name);

	for (int i = 0; r == 0 && i < LINK_SETTINGS; i++) {
		if (strcmp(name, setting_names[i]) == 0) {
			*ret = (enum link_setting)i;
			return 0;
		}
	}
	return r < 0 ? r : -EINVAL;
}

/* IPv6's own, where the device has IPv6. */
static void mtu6_path(const char *device, char *to, size_t size)
{
	snprintf(to, size, "sys/net/ipv6/conf/%s/mtu", device);
}

static int ask_link(const char *device, uint32_t *mtu, uint32_t *txqueuelen)
{
	struct ifinfomsg about = {.ifi_index = (int)if_nametoindex(device)};
	cleanup(buf_done) struct buf answer = {0};
	int r;

	if (!about.ifi_index)
		return -ENODEV;
	ask_message *m = ask_new(RTM_GETLINK, 0, &about, sizeof(about));

	r = ask(NETLINK_ROUTE, m, &answer);
	if (r < 0)
		return r;
	nl_each (told, &answer) {
		struct nlattr *table[IFLA_MAX + 1];

		if (nl_parse(told.h, sizeof(about), table, IFLA_MAX, NULL) < 0 || !table[IFLA_MTU] ||
		    !table[IFLA_TXQLEN] || nla_len(table[IFLA_MTU]) < 4 ||
		    nla_len(table[IFLA_TXQLEN]) < 4)
			return -EBADMSG;
		*mtu = nla_get_u32(table[IFLA_MTU]);
		*txqueuelen = nla_get_u32(table[IFLA_TXQLEN]);
		return 0;
	}
	return -EBADMSG;
}

static int link_read(const struct change_place *p, const char *key, struct buf *ret)
{
	char device[16], path[64];
	enum link_setting setting;
	uint32_t mtu, txqueuelen;
	int r = take_key(key, device, &setting);

	if (r == 0 && setting == LINK_MTU6) {
		mtu6_path(device, path, sizeof(path));
		return text_file_read(p->proc, path, ret);
	}
	if (r == 0)
		r = ask_link(device, &mtu, &txqueuelen);
	if (r < 0)
		return r;
	buf_clear(ret);
	buf_printf(ret, "%u", setting == LINK_MTU ? mtu : txqueuelen);
	return 0;
}

/* Below 1280 the kernel takes IPv6 off the device, and nobody would bring its addresses back. */
static int check_mtu(const char *device, uint32_t to)
{
	uint32_t now, txqueuelen;
	int r = ask_link(device, &now, &txqueuelen);

	if (r < 0)
		return r;
	return to < LEAST_MTU_OF_IPV6 && now >= LEAST_MTU_OF_IPV6 ? -ERANGE : 0;
}

static int link_write(const struct change_place *p, const char *key, const char *value)
{
	struct ifinfomsg about = {0};
	enum link_setting setting;
	char device[16], path[64];
	uint32_t number;
	int r = take_key(key, device, &setting);

	if (r == 0)
		r = value_u32(value, &number);
	if (r < 0)
		return r;
	if (setting == LINK_MTU6) {
		mtu6_path(device, path, sizeof(path));
		return text_file_write(p->proc, path, value);
	}
	r = setting == LINK_MTU ? check_mtu(device, number) : 0;
	about.ifi_index = (int)if_nametoindex(device);
	if (r < 0 || !about.ifi_index)
		return r < 0 ? r : -ENODEV;
	ask_message *m = ask_new(RTM_NEWLINK, 0, &about, sizeof(about));

	nla_put_u32(m, setting == LINK_MTU ? IFLA_MTU : IFLA_TXQLEN, number);
	return ask(NETLINK_ROUTE, m, NULL);
}

static unsigned int link_needs(const char *key)
{
	char device[16];
	enum link_setting setting;

	if (take_key(key, device, &setting) < 0 || setting == LINK_TXQUEUELEN)
		return 0;
	/* Many drivers make their rings anew for another size of frames. */
	return CHANGE_RESETS_LINK | CHANGE_NEEDS_FOR;
}

static void add_key(struct key_list *to, const char *device, const char *setting)
{
	char key[40];

	snprintf(key, sizeof(key), "%s:%s", device, setting);
	*vec_push(&to->list) = xstrdup(key);
}

/* VLANs and other devices made on this one, in this namespace, and the bridge or bond it is in. */
static int related(const char *device, struct key_list *ret)
{
	struct ifinfomsg all = {0};
	cleanup(buf_done) struct buf answer = {0};
	uint32_t ifindex = if_nametoindex(device), master = 0;
	ask_message *m = ask_new(RTM_GETLINK, NLM_F_DUMP, &all, sizeof(all));
	int r = ifindex ? ask(NETLINK_ROUTE, m, &answer) : -ENODEV;

	for (int pass = 0; r == 0 && pass < 2; pass++) {
		nl_each (told, &answer) {
			const struct ifinfomsg *i = nl_data(told.h, sizeof(*i));
			struct nlattr *t[IFLA_MAX + 1];

			if (!i || nl_parse(told.h, sizeof(*i), t, IFLA_MAX, NULL) < 0)
				return -EBADMSG;
			if (!t[IFLA_IFNAME])
				continue;
			if (pass == 0 && (uint32_t)i->ifi_index == ifindex && t[IFLA_MASTER])
				master = nla_get_u32(t[IFLA_MASTER]);
			if (pass == 0 || (uint32_t)i->ifi_index == ifindex)
				continue;
			if ((uint32_t)i->ifi_index != master &&
			    (!t[IFLA_LINK] || t[IFLA_LINK_NETNSID] || nla_get_u32(t[IFLA_LINK]) != ifindex))
				continue;
			add_key(ret, nla_get_string(t[IFLA_IFNAME]), "mtu");
			add_key(ret, nla_get_string(t[IFLA_IFNAME]), "mtu6");
		}
	}
	return r;
}

static int link_along(const struct change_place *p, const char *key, struct key_list *ret)
{
	char device[16];
	enum link_setting setting;
	int r = take_key(key, device, &setting);

	(void)p;
	if (r < 0 || setting != LINK_MTU)
		return r;
	add_key(ret, device, "mtu6");
	return related(device, ret);
}

static const char *link_refusal(const char *key, int err)
{
	(void)key;
	switch (err) {
	case -ERANGE:
		return "below 1280 bytes the kernel takes IPv6 and its addresses off the device";
	case -EINVAL:
		return "the device does not take this value (ip -d link shows minmtu and maxmtu)";
	case -ENODEV:
		return "the device is gone";
	}
	return NULL;
}

const struct change_kind link_kind = {
	.name = "link",
	.read = link_read,
	.write = link_write,
	.needs = link_needs,
	.along = link_along,
	.refusal = link_refusal,
};
