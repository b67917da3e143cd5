// SPDX-License-Identifier: GPL-2.0-or-later
/* Answers to questions: of netlink, x_tables, ethtool and nft. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "model/source.h"
#include "scrub/map.h"

int scrub_answer(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	struct buf none = {0};
	int r = 0;

	buf_puts(to, name);
	if (data)
		return scrub_netlink(s, name + strlen("nl/"), data);
	/* The read failed: only whether it is one of ours. */
	r = scrub_netlink(s, name + strlen("nl/"), &none);
	return r == -ENOENT ? -EBADMSG : 0;
}

int scrub_elements(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	buf_puts(to, name);
	for (const char *p = name + strlen("nl/nft-set-"); *p; p++)
		if (!isdigit((unsigned char)*p))
			return -EBADMSG;
	return data ? scrub_set(s, data) : 0;
}

int scrub_option(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	const char *what = name + strlen("opt/");
	bool v6 = strncmp(what, "ip6-", 4) == 0;

	buf_puts(to, name);
	if (!v6 && strncmp(what, "ip-", 3) != 0)
		return -EBADMSG;
	what += v6 ? 4 : 3;
	for (size_t i = 0; iptables_tables[i]; i++) {
		size_t n = strlen(iptables_tables[i]);

		if (strncmp(what, iptables_tables[i], n) != 0)
			continue;
		/* Hooks, offsets and sizes. */
		if (strncmp(what + n, "-info-", 6) == 0)
			return 0;
		if (strncmp(what + n, "-entries-", 9) == 0)
			return data ? scrub_iptables(s, v6, data) : 0;
	}
	return -EBADMSG;
}

/* "ethtool/IFINDEX-WHAT" */
int scrub_card(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	const char *what = name + strlen("ethtool/");

	what += strspn(what, "0123456789");
	buf_puts(to, name);
	return *what == '-' ? scrub_ethtool(what + 1, data) : -EBADMSG;
}

/* "made/nft-list-inet-TABLE-CHAIN": both may hold dashes, so the chains that are known decide. */
int scrub_list(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	static const struct {
		uint8_t number;
		const char *name;
	} families[] = {{1, "inet"}, {2, "ip"}, {3, "arp"}, {5, "netdev"}, {7, "bridge"}, {10, "ip6"}};
	const char *rest = name + strlen("made/nft-list-");

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		size_t n = strlen(families[i].name);

		if (strncmp(rest, families[i].name, n) != 0 || rest[n] != '-')
			continue;
		vec_each(c, &s->chains) {
			char pair[128];

			snprintf(pair, sizeof(pair), "%.31s-%.63s", c->table, c->name);
			if (c->family != families[i].number || strcmp(pair, rest + n + 1) != 0)
				continue;
			buf_printf(to, "made/nft-list-%s-%.31s-", families[i].name,
				   scrub_name(s, NAME_FIREWALL, c->table, strlen(c->table)));
			buf_puts(to, scrub_name(s, NAME_FIREWALL, c->name, strlen(c->name)));
			if (data)
				scrub_listing(s, data);
			return 0;
		}
	}
	return -EBADMSG;
}

/* "made/ip6tables-save-TABLE": the kernel's tables have names of its own. */
int scrub_save(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	const char *table = strstr(name, "-save-");

	if (!table || !is_one_of(iptables_tables, table + strlen("-save-")))
		return -EBADMSG;
	buf_puts(to, name);
	if (data)
		scrub_saved(s, data);
	return 0;
}

/* "late/CPU": a source of ours, whose collector did not come back. */
int scrub_late(struct scrubber *s, const char *name, struct buf *data, struct buf *to)
{
	(void)s;
	for (size_t i = 0; i < SOURCE_N && !data; i++) {
		if (strcmp(name + strlen("late/"), source_rows[i].id) != 0)
			continue;
		buf_puts(to, name);
		return 0;
	}
	return -EBADMSG;
}
