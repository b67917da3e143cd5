// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Legacy iptables: the blob of a table is rewritten where it lies, since jumps are offsets. Of an
 * extension's data only what is looked into (xt.c) stays, the rest becomes zero.
 */
#define _GNU_SOURCE
#include "scrub/map.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_recent.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

static void scrub_iprange(struct scrubber *s, bool v6, uint8_t *info, size_t size)
{
	struct xt_iprange_mtinfo m;
	union nf_inet_addr *ends[2][2] = {{&m.src_min, &m.src_max}, {&m.dst_min, &m.dst_max}};

	if (size < sizeof(m)) {
		memset(info, 0, size);
		return;
	}
	memcpy(&m, info, sizeof(m));
	for (size_t i = 0; i < 2; i++) {
		uint8_t *low = (uint8_t *)ends[i][0], *high = (uint8_t *)ends[i][1];

		scrub_range(s, v6 ? AF_INET6 : AF_INET, low, high);
		if (!v6) {
			memset(low + 4, 0, 12);
			memset(high + 4, 0, 12);
		}
	}
	memset(info, 0, size);
	memcpy(info, &m, sizeof(m));
}

void scrub_match(struct scrubber *s, bool v6, const char *name, uint8_t *info, size_t size)
{
	static const char *const plain[] = {"tcp", "udp", "udplite", "multiport", "state", "limit",
					   "quota", "connlimit", "statistic"};
	const size_t addresses = offsetof(struct xt_conntrack_mtinfo3, expires_min);

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (strcmp(name, plain[i]) == 0)
			return;
	if (strcmp(name, "iprange") == 0)
		scrub_iprange(s, v6, info, size);
	else if (strcmp(name, "recent") == 0 && size >= sizeof(struct xt_recent_mtinfo))
		memset(info + offsetof(struct xt_recent_mtinfo, name), 0, XT_RECENT_NAME_LEN);
	else if (strcmp(name, "conntrack") == 0)
		memset(info, 0, MIN(size, addresses));
	else
		memset(info, 0, size);
}

/* False if the mask is no prefix: then the match is taken out, and said to be unknown. */
static bool scrub_masked(struct scrubber *s, int family, void *address, void *mask, size_t size)
{
	int bits = mask_bits(mask, size);

	if (bits < 0) {
		memset(address, 0, size);
		memset(mask, 0, size);
		return false;
	}
	scrub_address(s, family, address, (unsigned int)bits);
	for (size_t bit = (size_t)bits; bit < size * 8; bit++)
		((uint8_t *)address)[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	return true;
}

/* The mask covers a name with its NUL, or the stem of a wildcard. */
static void scrub_interface(struct scrubber *s, char *name, unsigned char *mask)
{
	size_t n = 0, length;
	const char *to;
	bool stem;

	while (n < IFNAMSIZ && mask[n])
		n++;
	length = strnlen(name, n);
	stem = length == n;
	to = n ? scrub_device(s, name, length, stem) : "";
	if (s->learning)
		return;
	memset(name, 0, IFNAMSIZ);
	memset(mask, 0, IFNAMSIZ);
	if (!n)
		return;
	memcpy(name, to, strlen(to));
	memset(mask, 0xff, strlen(to) + !stem);
}

static void scrub_header4(struct scrubber *s, struct ipt_ip *ip)
{
	if (!scrub_masked(s, AF_INET, &ip->src, &ip->smsk, 4)) {
		ip->invflags &= (uint8_t)~IPT_INV_SRCIP;
		ip->flags |= IPT_F_FRAG;
	}
	if (!scrub_masked(s, AF_INET, &ip->dst, &ip->dmsk, 4)) {
		ip->invflags &= (uint8_t)~IPT_INV_DSTIP;
		ip->flags |= IPT_F_FRAG;
	}
	scrub_interface(s, ip->iniface, ip->iniface_mask);
	scrub_interface(s, ip->outiface, ip->outiface_mask);
}

static void scrub_header6(struct scrubber *s, struct ip6t_ip6 *ip)
{
	if (!scrub_masked(s, AF_INET6, &ip->src, &ip->smsk, 16)) {
		ip->invflags &= (uint8_t)~IP6T_INV_SRCIP;
		ip->flags |= IP6T_F_TOS;
	}
	if (!scrub_masked(s, AF_INET6, &ip->dst, &ip->dmsk, 16)) {
		ip->invflags &= (uint8_t)~IP6T_INV_DSTIP;
		ip->flags |= IP6T_F_TOS;
	}
	scrub_interface(s, ip->iniface, ip->iniface_mask);
	scrub_interface(s, ip->outiface, ip->outiface_mask);
}

/* The name without what may stand behind its end. */
static void clean_name(char *field, char *copy)
{
	size_t n = strnlen(field, XT_EXTENSION_MAXNAMELEN - 1);

	memset(field + n, 0, XT_EXTENSION_MAXNAMELEN - n);
	memcpy(copy, field, XT_EXTENSION_MAXNAMELEN);
}

static int scrub_matches(struct scrubber *s, bool v6, uint8_t *p, size_t n)
{
	while (n) {
		char name[XT_EXTENSION_MAXNAMELEN];
		struct xt_entry_match m;
		size_t size;

		if (n < sizeof(m))
			return -EBADMSG;
		memcpy(&m, p, sizeof(m));
		size = m.u.match_size;
		if (size < sizeof(m) || size > n)
			return -EBADMSG;
		clean_name(m.u.user.name, name);
		memcpy(p, &m, sizeof(m));
		scrub_match(s, v6, name, p + sizeof(m), size - sizeof(m));
		p += size;
		n -= size;
	}
	return 0;
}

static int scrub_target(struct scrubber *s, uint8_t *p, size_t n)
{
	const size_t data = sizeof(struct xt_entry_target);
	char name[XT_EXTENSION_MAXNAMELEN], chain[XT_FUNCTION_MAXNAMELEN] = "";
	struct xt_entry_target t;
	size_t kept = 0;

	if (n < sizeof(t))
		return -EBADMSG;
	memcpy(&t, p, sizeof(t));
	clean_name(t.u.user.name, name);
	memcpy(p, &t, sizeof(t));
	if (strcmp(name, XT_STANDARD_TARGET) == 0 || strcmp(name, "REJECT") == 0) {
		kept = sizeof(int);
	} else if (strcmp(name, "NFQUEUE") == 0) {
		kept = MIN(sizeof(struct xt_NFQ_info_v3), n - data);
	} else if (strcmp(name, XT_ERROR_TARGET) == 0 && n > data) {
		size_t room = MIN(n - data, sizeof(chain) - 1);
		const char *to;

		memcpy(chain, p + data, room);
		to = strcmp(chain, XT_ERROR_TARGET) == 0
			     ? chain
			     : scrub_name(s, NAME_FIREWALL, chain, strlen(chain));
		kept = MIN(strlen(to), room);
		memcpy(p + data, to, kept);
	}
	if (n > data + kept)
		memset(p + data + kept, 0, n - data - kept);
	return 0;
}

static int scrub_entry(struct scrubber *s, bool v6, uint8_t *p, size_t left, size_t *ret_size)
{
	size_t head = v6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry), target, next;
	struct ip6t_entry six;
	struct ipt_entry four;
	int r;

	if (left < head)
		return -EBADMSG;
	memcpy(&six, p, v6 ? sizeof(six) : 0);
	memcpy(&four, p, v6 ? 0 : sizeof(four));
	target = v6 ? six.target_offset : four.target_offset;
	next = v6 ? six.next_offset : four.next_offset;
	if (next > left || target < head || next < target + sizeof(struct xt_entry_target))
		return -EBADMSG;
	if (v6) {
		scrub_header6(s, &six.ipv6);
		six.comefrom = 0;
		memcpy(p, &six, sizeof(six));
	} else {
		scrub_header4(s, &four.ip);
		four.comefrom = 0;
		memcpy(p, &four, sizeof(four));
	}
	r = scrub_matches(s, v6, p + head, target - head);
	*ret_size = next;
	return r < 0 ? r : scrub_target(s, p + target, next - target);
}

int scrub_iptables(struct scrubber *s, bool v6, struct buf *data)
{
	const size_t head = offsetof(struct ipt_get_entries, entrytable);
	cleanup(buf_done) struct buf copy = {0};
	size_t size;

	if (data->len < head)
		return -EBADMSG;
	buf_add(&copy, data->data, data->len);
	for (size_t at = head; at < copy.len; at += size) {
		int r = scrub_entry(s, v6, (uint8_t *)copy.data + at, copy.len - at, &size);

		if (r < 0)
			return r;
	}
	if (!s->learning)
		memcpy(data->data, copy.data, copy.len);
	return 0;
}
